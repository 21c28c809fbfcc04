"""Lemma 6 and appendix B: against all masks and integrals by hand."""

import math

import dense
import masked
import numpy as np
import pytest
import scipy.integrate
from laws import assert_close
from lemmas import (
    OVER_CASES,
    OVER_DESIGNS,
    OVER_KINDS,
    OVER_RATIOS,
    SQUARE,
    curved,
    enumerated,
    mixings,
    of_images,
    options,
    photographs,
    smooth,
    wave,
)
from masked import Case, ratio_of

from spectral_mae.theory import function_space_loss, lemma_4, lemma_6

# Lemma 6 -----------------------------------------------------------------------------------------


FUNCTIONALS = {
    "a number": ((), 1),
    "three numbers": ((3,), 3),
    "a small image": ((2, 3), 6),
    "one in a row": ((1,), 1),
}


@OVER_CASES
@pytest.mark.parametrize(("shape", "size"), FUNCTIONALS.values(), ids=FUNCTIONALS)
@OVER_RATIOS
def test_lemma_6_is_exact_for_affine_functionals(case, shape, size, sampling, ratio):
    images, ratio = photographs(case), ratio_of(case, ratio)
    rows = masked.to_rows(case, images)
    read = mixings(case)[0][:, :size]
    constant = np.linspace(0.5, 2, size)
    target = np.random.default_rng(2).standard_normal((len(rows), *shape))
    flat = target.reshape(len(rows), size)

    def function(batch):
        output = masked.to_rows(case, batch) @ read + constant
        return output.reshape(len(batch), *shape)

    sides = lemma_6(function, images, case.patch, ratio, target=target, **options(case, sampling))
    truth = enumerated(case, rows, flat, lambda x: x @ read + constant, ratio, sampling)
    assert sides.definition == pytest.approx(truth, rel=1e-12)
    assert sides.formula == pytest.approx(truth, rel=1e-12)
    terms = masked.three_terms(case, flat - constant, rows, lambda x: x @ read, ratio, sampling)
    for name, value in terms.items():
        assert sides.terms[name] == pytest.approx(value, rel=1e-11, abs=1e-15), name
    assert sides.spread == pytest.approx(terms["shared"] + terms["local"], rel=1e-11, abs=1e-13)
    assert abs(sides.cross) < 1e-12 * sides.scale
    assert sides.scale == pytest.approx(masked.power(flat), rel=1e-12)
    assert sides.error < 1e-12
    assert sides.name == "Lemma 6"


@OVER_CASES
@OVER_KINDS
@OVER_RATIOS
def test_any_loss_is_bias_plus_spread_plus_cross(case, kind, sampling, ratio):
    images, apply, ratio = photographs(case, kind), curved(case), ratio_of(case, ratio)
    rows = masked.to_rows(case, images)
    sides = lemma_6(of_images(case, apply), images, case.patch, ratio, **options(case, sampling))
    every = masked.maskings(case, rows, ratio, sampling)
    centre = apply(masked.inclusion(case, ratio, sampling)[0] * rows)
    spread = sum(p * masked.power(apply(seen) - centre) for seen, p in every)
    mean = sum(p * apply(seen) for seen, p in every)
    cross = 2 * np.mean(np.sum((rows - centre) * (centre - mean), axis=1))
    assert sides.terms["bias"] == pytest.approx(masked.power(rows - centre), rel=1e-12)
    assert sides.spread == pytest.approx(spread, rel=1e-11)
    assert sides.cross == pytest.approx(cross, rel=1e-9, abs=1e-12)
    truth = enumerated(case, rows, rows, apply, ratio, sampling)
    assert sides.definition == pytest.approx(truth, rel=1e-12)
    assert sides.terms["bias"] + sides.spread + sides.cross == pytest.approx(truth, rel=1e-12)
    # The split itself takes the map without its constant.
    constant = apply(np.zeros((1, case.dim)))
    linear = masked.three_terms(case, rows, rows, lambda x: apply(x) - constant, ratio, sampling)
    for name in ("shared", "local"):
        assert sides.terms[name] == pytest.approx(linear[name], rel=1e-11, abs=1e-15)
    assert sides.formula == pytest.approx(sum(sides.terms.values()), rel=1e-13)


def test_bias_spread_and_cross_of_drawn_masks_where_all_are_too_many():
    case = Case((15,), (1,))
    images, apply = photographs(case), curved(case)
    for sampling in ("fixed", "bernoulli"):
        sides = lemma_6(apply, images, 1, 8 / 15, **options(case, sampling, n_draws=50))
        assert sides.definition is None
        whole = sides.terms["bias"] + sides.spread + sides.cross
        assert whole == pytest.approx(sides.drawn, rel=1e-12)
        assert abs(sides.cross) > 1e-3
        assert sides.difference == sides.drawn - sides.formula


def test_the_target_of_lemma_6_is_the_images_unless_it_is_given():
    images = photographs(SQUARE)
    how = options(SQUARE, "fixed")
    assert lemma_6(np.tanh, images, 2, 0.5, **how).definition == pytest.approx(
        lemma_4(np.tanh, images, 2, 0.5, **how).definition, rel=1e-13
    )
    other = lemma_6(np.tanh, images, 2, 0.5, target=images[::-1], **how)
    same = lemma_6(np.tanh, images, 2, 0.5, target=images, **how)
    assert other.definition > same.definition


# Appendix B --------------------------------------------------------------------------------------


@OVER_DESIGNS
@pytest.mark.parametrize("n_patches", [2, 3, 4, 8])
@pytest.mark.parametrize("gain", [1.0, 0.6])
def test_the_loss_of_a_function_is_the_integral_by_hand(sampling, n_patches, gain):
    """For w = 2a cos 2π(t−s) an interval's part of ∫w·sin is 2a (cos 2πt·C + sin 2πt·S)."""
    ratio = 1 - 1 / n_patches
    found = function_space_loss(
        wave,
        lambda t, s: 2 * gain * np.cos(2 * np.pi * (t - s)),
        n_patches,
        ratio,
        samples=[n_patches * 2**i for i in (4, 5, 6)],
        sampling=sampling,
    )
    ends = np.arange(n_patches + 1) / n_patches
    c = np.diff(np.sin(2 * np.pi * ends) ** 2) / (4 * np.pi)
    s = np.diff(ends / 2 - np.sin(4 * np.pi * ends) / (8 * np.pi))
    local = float(np.sum(2 * gain**2 * (c**2 + s**2)))
    pi1 = 1 / n_patches
    pi2 = 0.0 if sampling == "fixed" else pi1**2
    truth = (1 - pi1 * gain) ** 2 / 2 + (pi2 - pi1**2) * gain**2 / 2 + (pi1 - pi2) * local
    assert found.limit == pytest.approx(truth, rel=1e-6)
    assert found.loss[-1] == pytest.approx(truth, rel=1e-3)
    assert found.bias[-1] == pytest.approx((1 - pi1 * gain) ** 2 / 2, rel=1e-12)
    assert found.shared[-1] == pytest.approx((pi2 - pi1**2) * gain**2 / 2, rel=1e-12)
    assert found.local[-1] == pytest.approx((pi1 - pi2) * local, rel=1e-3)
    assert_close(found.bias + found.shared + found.local, found.loss, 1e-14)
    if n_patches > 2:  # of two, each half is half a period, and the midpoint rule is exact
        assert found.order == pytest.approx(2, abs=0.02)
    else:
        assert math.isnan(found.order)


@OVER_DESIGNS
def test_the_kernel_writes_at_its_first_place_and_reads_at_its_second(sampling):
    n_patches, ratio = 5, 0.4
    found = function_space_loss(
        np.exp, lambda t, s: (1 + t**3) * np.sin(s), n_patches, ratio,
        samples=(40, 80, 160), sampling=sampling,
    )  # fmt: skip
    reads = [
        scipy.integrate.quad(lambda s: math.sin(s) * math.exp(s), b / 5, (b + 1) / 5)[0]
        for b in range(5)
    ]
    writes = scipy.integrate.quad(lambda t: (1 + t**3) ** 2, 0, 1)[0]
    across = scipy.integrate.quad(lambda t: (1 + t**3) * math.exp(t), 0, 1)[0]
    pi1, pi2 = 0.6, 0.3 if sampling == "fixed" else 0.36
    whole, apart = sum(reads), sum(r * r for r in reads)
    power = (math.exp(2) - 1) / 2
    truth = power - 2 * pi1 * across * whole + writes * (pi2 * whole**2 + (pi1 - pi2) * apart)
    assert found.limit == pytest.approx(truth, rel=1e-6)
    assert found.order == pytest.approx(2, abs=0.01)


@OVER_DESIGNS
def test_every_sampling_of_a_function_is_a_mean_over_all_masks(sampling):
    def kernel(t, s):
        return np.exp(t - 2 * s) + t

    found = function_space_loss(np.exp, kernel, 4, 0.5, samples=(4, 12, 20), sampling=sampling)
    assert found.samples.tolist() == [4, 12, 20]
    for i, n in enumerate((4, 12, 20)):
        points = [(j + 0.5) / n for j in range(n)]
        total = 0.0
        for mask, probability in dense.masks((n,), (n // 4,), 0.5, sampling):
            for t in points:
                seen = sum(kernel(t, s) * m * np.exp(s) for s, m in zip(points, mask, strict=True))
                total += probability * (np.exp(t) - seen / n) ** 2 / n
        assert found.loss[i] == pytest.approx(total, rel=1e-12)
    # An error that falls as 1/n² is gone from this mean of the last two.
    a, b = found.loss[-2:]
    assert found.limit == pytest.approx((400 * b - 144 * a) / 256, rel=1e-13)
    assert math.isnan(found.order)  # 4, 12, 20 do not grow by one factor


def test_orders_that_are_and_orders_that_are_not():
    def kernel(t, s):
        return t * np.cos(s)

    by_three = function_space_loss(np.exp, kernel, 2, 0.5, samples=(8, 24, 72))
    assert by_three.order == pytest.approx(2, abs=0.02)
    a, b, c = by_three.loss
    assert by_three.order == pytest.approx(math.log(abs(b - a) / abs(c - b)) / math.log(3))
    four = function_space_loss(np.exp, kernel, 2, 0.5, samples=(2, 8, 24, 72))
    assert four.order == by_three.order
    assert math.isnan(function_space_loss(np.exp, kernel, 2, 0.5, samples=(8, 16)).order)
    default = function_space_loss(np.exp, kernel, 2, 0.5)
    assert default.samples.tolist() == [64, 128, 256, 512]
    # Constants need no integration.
    level = function_space_loss(lambda t: 3.0, lambda t, s: 0.5, 2, 0.5)
    assert level.limit == pytest.approx(9 * (0.75**2 - 0.0625 + 0.5 * 0.125), rel=1e-13)
    assert math.isnan(level.order)
    # A step inside a patch costs an order.
    step = function_space_loss(
        lambda t: np.where(t < 1 / 3, 1.0, 2.0), kernel, 2, 0.5, samples=(16, 32, 64, 128)
    )
    assert step.order < 1.5


def test_complex_numbers_of_other_functions_are_refused():
    for signal, kernel in ((lambda t: t * 1j, smooth), (wave, lambda t, s: 1j * t * s)):
        with pytest.raises(TypeError, match="complex128"):
            function_space_loss(signal, kernel, 4, 0.5)
