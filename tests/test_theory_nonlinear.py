"""Lemmas 4-6 and appendix B: against all masks, differences, and integrals by hand."""

import csv
import itertools
import json
import math

import dense
import masked
import numpy as np
import pytest
import scipy.integrate
from laws import assert_close
from masked import CASES, Case, ratio_of

from spectral_mae.sampling import sample_kept
from spectral_mae.theory import (
    TanhNetwork,
    complex_step_jacobian,
    fisher_matrix,
    function_space_loss,
    gap_by_mask_ratio,
    lemma_1,
    lemma_4,
    lemma_5,
    lemma_6,
    patch_local_trace,
)

OVER_CASES = pytest.mark.parametrize("case", CASES, ids=lambda case: "x".join(map(str, case.shape)))
OVER_KINDS = pytest.mark.parametrize("kind", masked.KINDS)
OVER_RATIOS = pytest.mark.parametrize(("sampling", "ratio"), masked.RATIOS)
OVER_DESIGNS = pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
# Signals in two channels, channels first; channels in the middle.
LAYOUTS = pytest.mark.parametrize("case", [CASES[1], CASES[5]], ids=["first", "middle"])
SQUARE = CASES[2]


def photographs(case, kind="many", size=0.3):
    """A few images, small enough for curves to be curves and not steps."""
    return size * masked.photographs(case, kind)[:6]


def mixings(case, seed=7):
    return np.random.default_rng(seed).standard_normal((3, case.dim, case.dim)) / math.sqrt(
        case.dim
    )


def curved(case):
    """A map of rows with a constant, a slope and a bend, none of which knows of patches."""
    one, two, _ = mixings(case)
    constant = np.linspace(-0.2, 0.3, case.dim)
    return lambda rows: constant + np.sin(rows @ one) + 0.5 * (rows @ two) ** 2


def of_images(case, apply):
    """A map of rows, as one of batches in the layout of a case; linear maps may be complex."""
    return lambda images: masked.to_layout(case, apply(masked.to_rows(case, images)))


def differences(function, image, step=1e-5):
    """The Jacobian by central differences, one number of the image after the other."""
    columns = []
    for index in np.ndindex(image.shape):
        move = np.zeros_like(image)
        move[index] = step
        ahead, behind = function((image + move)[np.newaxis]), function((image - move)[np.newaxis])
        columns.append(((ahead - behind) / (2 * step)).ravel())
    return np.array(columns).T


def options(case, sampling, *, masks=2):
    return {"sampling": sampling, "channel_axis": case.axis, "masks": masks, "rng": 0}


def enumerated(case, rows, target, apply, ratio, sampling):
    every = masked.maskings(case, rows, ratio, sampling)
    return sum(p * masked.power(target - apply(seen)) for seen, p in every)


# Lemma 4 -----------------------------------------------------------------------------------------


@OVER_CASES
@OVER_KINDS
@OVER_RATIOS
def test_lemma_4_is_lemma_1_of_the_slope_at_zero(case, kind, sampling, ratio):
    images, apply, ratio = photographs(case, kind), curved(case), ratio_of(case, ratio)
    rows = masked.to_rows(case, images)
    sides = lemma_4(of_images(case, apply), images, case.patch, ratio, **options(case, sampling))
    slope = differences(apply, np.zeros(case.dim))
    terms = masked.three_terms(
        case, rows - apply(0 * rows), rows, lambda x: x @ slope.T, ratio, sampling
    )
    for name, value in terms.items():
        assert sides.terms[name] == pytest.approx(value, rel=1e-8, abs=1e-15), name
    assert sides.formula == pytest.approx(sum(terms.values()), rel=1e-8)
    truth = enumerated(case, rows, rows, apply, ratio, sampling)
    assert sides.definition == pytest.approx(truth, rel=1e-12)
    assert sides.difference == pytest.approx(truth - sides.formula, abs=1e-12)
    assert sides.scale == pytest.approx(masked.power(rows), rel=1e-12)
    assert sides.name == "Lemma 4"


@OVER_CASES
@OVER_RATIOS
@pytest.mark.parametrize("lemma", [lemma_4, lemma_5])
def test_lemmas_4_and_5_are_exact_for_affine_maps(case, sampling, ratio, lemma):
    images, ratio = photographs(case), ratio_of(case, ratio)
    weights, constant = mixings(case)[0], np.linspace(-1, 2, case.dim)
    how = options(case, sampling)
    affine = of_images(case, lambda rows: constant + rows @ weights)
    assert lemma(affine, images, case.patch, ratio, **how).error < 1e-12
    linear = of_images(case, lambda rows: rows @ weights)
    sides = lemma(linear, images, case.patch, ratio, **how)
    known = lemma_1(images, weights, case.patch, ratio, **how)
    assert sides.formula == pytest.approx(known.formula, rel=1e-12)
    assert sides.drawn == pytest.approx(known.drawn, rel=1e-12)
    assert sides.stderr == pytest.approx(known.stderr, rel=1e-9, abs=1e-14)


@OVER_DESIGNS
@pytest.mark.parametrize(
    ("function", "order"),
    [
        (lambda x: np.cos(x) + np.sin(x), 2),  # not zero at zero, and bent: the constant meets it
        # Zero at zero: the image meets the bend, unless x − x̃ is left of it, which x̃² never meets.
        (lambda x: 0.5 * np.sin(x) + x**2, 3),
        (lambda x: np.sin(x) + x**2, 4),
        (lambda x: 0.5 * np.tanh(x), 4),  # odd: no bend
        (np.tanh, 6),
    ],
)
def test_what_lemma_4_misses_falls_with_the_size_of_images(sampling, function, order):
    images = masked.photographs(SQUARE)
    gaps = [
        lemma_4(function, size * images, 2, 0.5, **options(SQUARE, sampling)).difference
        for size in (1e-2, 1e-3)
    ]
    assert math.log10(abs(gaps[0] / gaps[1])) == pytest.approx(order, abs=0.1)


def test_what_lemma_4_misses_vanishes_where_all_is_hidden_and_is_largest_where_nothing_is():
    images = masked.photographs(SQUARE)
    ratios = (0.001, 0.25, 0.5, 0.75, 0.99, 0.999)
    curve = gap_by_mask_ratio(lemma_4, np.tanh, images, 2, ratios, sampling="bernoulli", rng=0)
    gap = np.abs(curve.gap)
    assert np.all(np.diff(gap) < 0)
    assert gap[-1] < 0.01 * gap[0]
    assert gap[-2] / gap[-1] == pytest.approx(10, rel=0.1)  # as what is left of the images


# Lemma 5 -----------------------------------------------------------------------------------------


@OVER_CASES
@OVER_KINDS
@OVER_RATIOS
def test_lemma_5_is_the_slope_at_each_mean_masked_image(case, kind, sampling, ratio):
    images, apply, ratio = photographs(case, kind)[:3], curved(case), ratio_of(case, ratio)
    rows = masked.to_rows(case, images)
    sides = lemma_5(of_images(case, apply), images, case.patch, ratio, **options(case, sampling))
    pi1 = masked.inclusion(case, ratio, sampling)[0]
    terms = dict.fromkeys(("bias", "shared", "local"), 0.0)
    for row in rows:
        slope = differences(apply, pi1 * row)
        one = masked.three_terms(
            case, row, row[np.newaxis], lambda x, slope=slope: x @ slope.T, ratio, sampling
        )
        terms["bias"] += masked.power(row - apply(pi1 * row[np.newaxis])) / len(rows)
        terms["shared"] += one["shared"] / len(rows)
        terms["local"] += one["local"] / len(rows)
    for name, value in terms.items():
        assert sides.terms[name] == pytest.approx(value, rel=1e-8, abs=1e-15), name
    assert sides.formula == pytest.approx(sum(terms.values()), rel=1e-8)
    truth = enumerated(case, rows, rows, apply, ratio, sampling)
    assert sides.definition == pytest.approx(truth, rel=1e-12)
    assert sides.scale == pytest.approx(masked.power(rows), rel=1e-12)
    assert sides.name == "Lemma 5"


@OVER_DESIGNS
@LAYOUTS
def test_the_terms_of_lemma_5_are_those_of_the_fisher_matrix(case, sampling):
    images, function = photographs(case)[:3], of_images(case, curved(case))
    ratio = ratio_of(case, "half")
    pi1, together, alone = masked.inclusion(case, ratio, sampling)
    sides = lemma_5(function, images, case.patch, ratio, **options(case, sampling))
    shared = local = 0.0
    for image in images:
        fisher = fisher_matrix(function, pi1 * image)
        shared += together * image.ravel() @ fisher @ image.ravel() / len(images)
        axis = case.axis - 1 if case.axis > 0 else case.axis
        trace = patch_local_trace(fisher, image, case.patch, channel_axis=axis)
        local += alone * trace / len(images)
    assert sides.terms["shared"] == pytest.approx(shared, rel=1e-12)
    assert sides.terms["local"] == pytest.approx(local, rel=1e-12)


@OVER_DESIGNS
def test_what_lemma_5_misses_is_the_misfit_times_the_bend(sampling):
    """−Σ_o (x − f(π₁x))_o Tr(H_o Cov): of the order of Cov itself; the rest is one order higher."""
    case = SQUARE
    one, two, _ = mixings(case)
    constant = np.linspace(0.5, 1.5, case.dim)

    def apply(rows):
        return constant + np.sin(rows @ one) + np.cos(rows @ two)

    pi1, together, alone = masked.inclusion(case, 0.75, sampling)  # 0.5 has no third moment
    same = case.number[:, np.newaxis] == case.number
    gaps, rests = [], []
    for size in (1e-2, 1e-3):
        images = size * masked.photographs(case)[:4]
        sides = lemma_5(of_images(case, apply), images, 2, 0.75, **options(case, sampling))
        correction = 0.0
        for row in masked.to_rows(case, images):
            outer = np.outer(row, row)
            cov = together * outer + alone * np.where(same, outer, 0.0)
            mean = pi1 * row
            misfit = row - apply(mean)
            for o in range(case.dim):
                bend = -math.sin(mean @ one[:, o]) * np.outer(one[:, o], one[:, o])
                bend -= math.cos(mean @ two[:, o]) * np.outer(two[:, o], two[:, o])
                correction -= misfit[o] * np.trace(bend @ cov) / len(images)
        gaps.append(sides.difference)
        rests.append(sides.difference - correction)
        assert abs(rests[-1]) < 0.1 * abs(gaps[-1])
    assert math.log10(abs(gaps[0] / gaps[1])) == pytest.approx(2, abs=0.1)
    assert math.log10(abs(rests[0] / rests[1])) == pytest.approx(3, abs=0.2)


def test_what_lemma_5_misses_vanishes_at_both_ends():
    images = masked.photographs(SQUARE)
    ratios = (0.0005, 0.001, 0.5, 0.999, 0.9995)
    curve = gap_by_mask_ratio(
        lemma_5, lambda x: np.cos(x) + np.tanh(x), images, 2, ratios, sampling="bernoulli", rng=0
    )
    gap = np.abs(curve.gap)
    assert gap[[0, 1, 3, 4]].max() < 0.02 * gap[2]
    assert gap[1] / gap[0] == pytest.approx(2, rel=0.02)
    assert gap[3] / gap[4] == pytest.approx(2, rel=0.02)


@OVER_DESIGNS
@pytest.mark.parametrize("ratio", [0.25, 0.5, 0.75])
def test_lemma_5_misses_the_variance_where_lemma_4_misses_the_square(sampling, ratio):
    """For one pixel alone π₁(1−π₁)x² against π₁x²: their ratio is the mask ratio."""
    images = 1e-4 * masked.photographs(SQUARE)
    gaps = [
        lemma(lambda x: 1 + np.exp(x), images, 2, ratio, **options(SQUARE, sampling)).difference
        for lemma in (lemma_4, lemma_5)
    ]
    assert gaps[1] / gaps[0] == pytest.approx(ratio, rel=0.01)


@OVER_CASES
@pytest.mark.parametrize("lemma", [lemma_4, lemma_5])
def test_a_jacobian_that_is_given_is_in_the_order_of_the_image_as_it_is_given(case, lemma):
    images, function = photographs(case)[:3], of_images(case, curved(case))
    ratio, how = ratio_of(case, "half"), options(case, "fixed")
    found = lemma(function, images, case.patch, ratio, **how)
    seen = []

    def jacobian(image):
        seen.append(image)
        return differences(function, image)

    given = lemma(function, images, case.patch, ratio, jacobian=jacobian, **how)
    for name in ("bias", "shared", "local"):
        assert given.terms[name] == pytest.approx(found.terms[name], rel=1e-7)
    assert seen[0].shape == images.shape[1:]
    pi1 = masked.inclusion(case, ratio, "fixed")[0]
    points = [np.zeros_like(images[0])] if lemma is lemma_4 else list(pi1 * images)
    assert_close(np.array(seen), np.array(points), 1e-14)
    # What is given is taken at its word.
    still = lemma(
        function,
        images,
        case.patch,
        ratio,
        jacobian=lambda image: np.zeros((image.size, image.size)),
        **how,
    )
    assert still.terms["shared"] == still.terms["local"] == 0.0


@pytest.mark.parametrize("lemma", [lemma_4, lemma_5, lemma_6])
@OVER_DESIGNS
def test_the_drawn_side_is_of_the_masks_that_the_seed_draws(lemma, sampling):
    case = CASES[5]
    images, apply = photographs(case), curved(case)
    rows = masked.to_rows(case, images)
    sides = lemma(
        of_images(case, apply), images, case.patch, 0.5, **options(case, sampling, masks=40)
    )
    kept = sample_kept(case.n_patches, 0.5, 40, sampling=sampling, rng=0)
    values = [masked.power(rows - apply(rows * one[case.number])) for one in kept]
    assert sides.drawn == pytest.approx(np.mean(values), rel=1e-12)
    assert sides.stderr == pytest.approx(np.std(values, ddof=1) / math.sqrt(40), rel=1e-10)
    assert sides.n_drawn == 40


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
        sides = lemma_6(apply, images, 1, 8 / 15, **options(case, sampling, masks=50))
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


def wave(t):
    return np.sin(2 * np.pi * t)


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


# Jacobians ---------------------------------------------------------------------------------------


@OVER_CASES
def test_the_complex_step_is_the_slope_of_differences(case):
    function = of_images(case, curved(case))
    image = photographs(case)[0]
    found = complex_step_jacobian(function, image)
    assert found.shape == (image.size, image.size)
    assert_close(found, differences(function, image), 1e-8)


@pytest.mark.parametrize("size", [1e-6, 1.0, 200.0])
def test_the_complex_step_is_exact_to_rounding(size):
    x = size * np.random.default_rng(0).uniform(0.5, 1.5, 7)
    assert_close(complex_step_jacobian(np.log, x), np.diag(1 / x), 1e-15)
    assert_close(complex_step_jacobian(lambda x: 1e8 + x, x), np.eye(7), 1e-15)
    assert_close(complex_step_jacobian(lambda x: x**3, x), np.diag(3 * x**2), 1e-15)
    turned = complex_step_jacobian(lambda x: x[:, ::-1] ** 2, x)
    assert_close(turned, np.diag(2 * x)[::-1], 1e-15)


def test_outputs_may_be_of_another_shape_than_inputs():
    image = np.arange(6.0).reshape(2, 3)
    found = complex_step_jacobian(lambda x: (x**2).sum(axis=(1, 2)), image)
    assert_close(found, 2 * image.reshape(1, 6), 1e-15)
    weights = np.random.default_rng(0).standard_normal((6, 4))
    found = complex_step_jacobian(lambda x: x.reshape(-1, 6) @ weights, image)
    assert_close(found, weights.T, 1e-15)
    assert not complex_step_jacobian(lambda x: 0 * x + 1, image).any()


@pytest.mark.parametrize(
    "function",
    [
        np.abs,
        np.real,
        lambda x: x.real + 0j,
        lambda x: np.asarray(x).astype(np.float64),
        lambda x: np.real(x) + x,
        np.conj,
        lambda x: 2 * x + 0.01 * np.abs(x),
        lambda x: 1e-3 * np.abs(x),
        lambda x: np.where(np.arange(5) == 3, np.abs(x), x),
        lambda x: 1e6 * np.abs(x),
        lambda x: 1e-12 * np.abs(x),
        lambda x: np.arctan2(x, 1.0),  # knows no complex numbers at all
    ],
)
@pytest.mark.parametrize("size", [1e-9, 0.1, 1.0, 300.0])
def test_functions_that_lose_complex_numbers_are_refused(function, size):
    image = size * np.array([1.0, 2.0, 0.7, 1.4, 3.0])
    with pytest.raises(ValueError, match=r"complex numbers.*give jacobian="):
        complex_step_jacobian(function, image)
    given = fisher_matrix(function, image, jacobian=lambda x: np.eye(5))
    assert np.array_equal(given, np.eye(5))


def test_the_slopes_that_disagree_are_told():
    with pytest.raises(ValueError, match=r"0\.54 by differences, 0 by a complex step, 0\.54 apart"):
        complex_step_jacobian(np.abs, np.ones(1))


@pytest.mark.parametrize(
    "function", [np.abs, lambda x: np.maximum(x, 0), lambda x: x + np.abs(x - 1)]
)
def test_functions_without_a_derivative_are_refused_at_their_tips(function):
    image = np.array([0.0, 0.0, 1.0])
    with pytest.raises(ValueError, match="give jacobian="):
        complex_step_jacobian(function, image)
    with pytest.raises(ValueError, match="give jacobian="):
        complex_step_jacobian(np.abs, 0 * image)


def test_complex_numbers_of_other_functions_are_refused():
    for signal, kernel in ((lambda t: t * 1j, smooth), (wave, lambda t, s: 1j * t * s)):
        with pytest.raises(TypeError, match="complex128"):
            function_space_loss(signal, kernel, 4, 0.5)


def test_an_output_of_another_size_may_have_a_jacobian_that_is_given():
    found = fisher_matrix(
        lambda x: x.sum(axis=1), np.ones(3), jacobian=lambda x: np.array([[1.0, 2.0, 0.0]])
    )
    assert found.tolist() == [[1, 2, 0], [2, 4, 0], [0, 0, 0]]


@OVER_DESIGNS
def test_functions_that_lose_complex_numbers_are_refused_by_the_lemmas(sampling):
    images = photographs(SQUARE)
    for lemma in (lemma_4, lemma_5):
        with pytest.raises(ValueError, match="give jacobian="):
            lemma(lambda x: np.abs(x - 5), images, 2, 0.5, sampling=sampling)
        fixed = lemma(
            lambda x: np.abs(x - 9), images, 2, 0.5, jacobian=lambda x: -np.eye(16), masks=2
        )
        assert fixed.error < 1e-13  # |x − 9| is 9 − x
    lemma_6(np.abs, images, 2, 0.5, masks=2)  # needs no slope


@OVER_CASES
@pytest.mark.parametrize("strength", [0.0, 1e-3, 1.0, 10.0])
def test_a_tanh_network_and_its_jacobian(case, strength):
    rng = np.random.default_rng(0)
    image = photographs(case)[0]
    read, write = rng.standard_normal((2, 3, *image.shape))
    bias = rng.standard_normal(image.shape)
    network = TanhNetwork(read, write, strength, bias)
    images = photographs(case)
    for one, output in zip(images, network(images), strict=True):
        truth = bias.copy()
        for a, b in zip(read, write, strict=True):
            code = np.sum(one * a)
            truth += b * (math.tanh(strength * code) / strength if strength else code)
        assert_close(output, truth, 1e-12)
    found = network.jacobian(image)
    size = np.abs(write).max() * np.abs(read).max()  # of a network that is not saturated
    np.testing.assert_allclose(found, differences(network, image), atol=1e-6 * size)
    np.testing.assert_allclose(found, complex_step_jacobian(network, image), atol=1e-14 * size)
    plain = TanhNetwork(read, write)(images)
    assert_close(plain, TanhNetwork(read, write, 1.0, 0.0)(images), 1e-15)
    assert_close(TanhNetwork(read, write, 0.5, 2.0)(images * 0), np.full(images.shape, 2.0), 1e-15)


@LAYOUTS
@pytest.mark.parametrize("lemma", [lemma_4, lemma_5])
def test_the_jacobian_of_a_network_serves_the_lemmas(case, lemma):
    images = photographs(case)
    read, write = np.random.default_rng(0).standard_normal((2, 3, *images.shape[1:]))
    network = TanhNetwork(read, write, 0.7, 0.1)
    how = options(case, "bernoulli")
    given = lemma(network, images, case.patch, 0.4, jacobian=network.jacobian, **how)
    found = lemma(network, images, case.patch, 0.4, **how)
    assert given.formula == pytest.approx(found.formula, rel=1e-11)
    linear = TanhNetwork(read, write, 0.0, 0.1)
    assert lemma(linear, images, case.patch, 0.4, **how).error < 1e-12


# Fisher matrix -----------------------------------------------------------------------------------


@LAYOUTS
def test_the_fisher_matrix_is_how_far_outputs_move(case):
    function, image = of_images(case, curved(case)), photographs(case)[0]
    fisher = fisher_matrix(function, image)
    slope = differences(function, image)
    assert_close(fisher, slope.T @ slope, 1e-7)
    move = 1e-4 * np.random.default_rng(0).standard_normal(image.shape)
    moved = function(np.stack([image + move, image - move]))
    assert move.ravel() @ fisher @ move.ravel() == pytest.approx(
        np.sum((moved[0] - moved[1]) ** 2) / 4, rel=1e-6
    )
    assert_close(fisher_matrix(function, image, jacobian=lambda x: slope), slope.T @ slope, 1e-14)
    total = fisher_matrix(lambda x: x.reshape(len(x), -1).sum(axis=1), image)
    assert_close(total, np.ones((case.dim, case.dim)), 1e-15)


@OVER_CASES
@OVER_KINDS
def test_the_patch_local_trace_is_a_sum_over_pairs_in_one_patch(case, kind):
    image = masked.photographs(case, kind)[0]
    fisher = np.random.default_rng(0).standard_normal((case.dim, case.dim))
    axis = case.axis if case.axis is None or case.axis < 0 else case.axis - 1
    number = masked.to_layout(case, case.number[np.newaxis])[0].ravel()
    flat = image.ravel()
    pairs = itertools.product(range(case.dim), repeat=2)
    truth = sum(flat[i] * fisher[i, j] * flat[j] for i, j in pairs if number[i] == number[j])
    found = patch_local_trace(fisher, image, case.patch, channel_axis=axis)
    assert found == pytest.approx(truth, rel=1e-11, abs=1e-11)


# Gaps by mask ratio ------------------------------------------------------------------------------


@pytest.mark.parametrize("lemma", [lemma_4, lemma_5, lemma_6])
@pytest.mark.parametrize("n_patches", [4, 14])
def test_a_curve_of_gaps_is_the_lemma_at_each_ratio(lemma, n_patches, tmp_path):
    images = 0.5 * np.random.default_rng(0).standard_normal((3, n_patches, 2))
    ratios = [0.75, 0.25, 0.5]
    how = {"sampling": "bernoulli", "channel_axis": -1, "masks": 20}
    curve = gap_by_mask_ratio(lemma, np.tanh, images, 1, ratios, rng=5, **how)
    generator = np.random.default_rng(5)
    sides = [lemma(np.tanh, images, 1, ratio, rng=generator, **how) for ratio in ratios]
    assert curve.name == sides[0].name
    assert curve.mask_ratio.tolist() == ratios
    assert curve.formula.tolist() == [one.formula for one in sides]
    if n_patches == 4:
        assert curve.expected.tolist() == [one.definition for one in sides]
        assert curve.stderr.tolist() == [0.0] * 3
    else:
        assert curve.expected.tolist() == [one.drawn for one in sides]
        assert curve.stderr.tolist() == [one.stderr for one in sides]
        assert curve.stderr.min() > 0
    assert curve.gap.tolist() == [one.difference for one in sides]
    assert curve.power == pytest.approx(np.sum(images**2) / 3)
    told = json.loads(json.dumps(curve.to_dict()))
    assert told["gap"] == curve.gap.tolist()
    assert told["mask_ratio"] == ratios
    assert {"name", "expected", "stderr", "formula", "power"} <= set(told)
    curve.to_csv(tmp_path / "curve.csv")
    with (tmp_path / "curve.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for name in ("mask_ratio", "expected", "stderr", "formula", "gap"):
        assert [float(row[name]) for row in rows] == getattr(curve, name).tolist()


# What is refused, and how results are told -------------------------------------------------------

IMAGES = np.random.default_rng(0).standard_normal((5, 8))
WITH_NAN = np.where(np.arange(8) == 3, np.nan, IMAGES)
MOVES = np.random.default_rng(1).standard_normal((2, 8))


def smooth(t, s):
    return np.exp(-((t - s) ** 2))


@pytest.mark.parametrize("lemma", [lemma_4, lemma_5, lemma_6])
@pytest.mark.parametrize(
    ("images", "how", "error", "words"),
    [
        (WITH_NAN, {}, ValueError, r"images.*\(0, 3\): nan"),
        (IMAGES[0], {}, ValueError, r"shape \(8,\)"),
        (IMAGES, {"mask_ratio": 0.0}, ValueError, "mask_ratio=0.0"),
        (IMAGES, {"mask_ratio": math.nan}, ValueError, "mask_ratio=nan"),
        (IMAGES, {"patch_size": 3}, ValueError, r"patch_size=\(3,\)"),
        (IMAGES, {"sampling": "some"}, ValueError, "sampling='some'"),
        (IMAGES, {"masks": 0}, ValueError, "masks=0"),
        (IMAGES, {"channel_axis": 4}, ValueError, r"\(5, 8\)"),
        (IMAGES, {"function": lambda x: x + np.nan}, ValueError, "nan"),
        (IMAGES, {"function": lambda x: np.concatenate([x, x], axis=1)}, ValueError, "shape"),
    ],
)
def test_what_the_lemmas_refuse(lemma, images, how, error, words):
    call = {"function": np.tanh, "patch_size": 2, "mask_ratio": 0.5} | how
    with pytest.raises(error, match=words):
        lemma(images=images, **call)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: lemma_4(np.tanh, IMAGES, 2, 0.5, jacobian=lambda x: np.ones((8, 4))),
            r"jacobian has shape \(8, 4\); \(outputs, 8\)",
        ),
        (
            lambda: lemma_5(np.tanh, IMAGES, 2, 0.5, jacobian=lambda x: np.full((8, 8), np.nan)),
            "jacobian holds 64",
        ),
        (lambda: lemma_4(lambda x: x[:1], IMAGES, 2, 0.5, jacobian=lambda x: np.eye(8)),
         r"returns shape \(1, 8\) for images of shape \(5, 8\)"),
        (lambda: lemma_6(lambda x: x[:, :3], IMAGES, 2, 0.5), r"\(1, 3\).*\(5, 8\)"),
        (lambda: lemma_6(lambda x: x[:1], IMAGES, 2, 0.5), r"\(1, 8\).*\(5, 8\)"),
        (lambda: lemma_6(np.tanh, IMAGES, 2, 0.5, target=IMAGES[:4]), r"\(4, 8\) for 5 images"),
        (lambda: lemma_6(np.tanh, IMAGES, 2, 0.5, target=WITH_NAN), "target holds 5"),
        (
            lambda: lemma_4(np.tanh, IMAGES, 2, 0.5, jacobian=lambda x: np.ones((4, 8))),
            r"jacobian has shape \(4, 8\); \(8, 8\)",
        ),
        (
            lambda: fisher_matrix(np.tanh, IMAGES[0], jacobian=lambda x: np.ones(8)),
            r"jacobian has shape \(8,\)",
        ),
        (lambda: lemma_4(lambda x: x[:, :4], IMAGES, 2, 0.5), r"\(1, 4\).*\(1, 8\)"),
        (lambda: lemma_5(lambda x: x[:, :4], IMAGES, 2, 0.5), r"\(5, 4\).*\(5, 8\)"),
        (
            lambda: lemma_6(lambda x: x.sum(), IMAGES, 2, 0.5, target=IMAGES[:, 0]),
            r"returns shape \(\) for a target of shape \(5,\)",
        ),
        (lambda: lemma_6(np.tanh, IMAGES, 2, 0.5, target=1.0), r"shape \(\) for 5 images"),
        (
            lambda: lemma_6(lambda x: np.multiply(x, 2, out=x), IMAGES, 2, 0.5),
            "read-only",  # or the images would change under the lemma's hands
        ),
        (lambda: complex_step_jacobian(np.sum, np.ones(3)), r"shape \(\) for a batch of 3"),
        (lambda: complex_step_jacobian(lambda x: x * np.nan, np.ones(3)), "not finite"),
        (lambda: TanhNetwork(MOVES, MOVES, 1, np.ones(3)), r"bias.*\(3,\).*\(8,\)"),
        (lambda: TanhNetwork(MOVES, MOVES)(np.ones((3, 5))), r"\(3, 5\).*\(8,\)"),
        (
            lambda: function_space_loss(wave, lambda t, s: t * s * np.nan, 4, 0.5),
            "kernel holds 4096",
        ),
        (
            lambda: function_space_loss(wave, lambda t, s: np.ones(3), 4, 0.5),
            r"kernel returns shape \(3,\)",
        ),
        (
            lambda: function_space_loss(lambda t: t[:3], smooth, 4, 0.5),
            r"signal returns shape \(3,\)",
        ),
        (lambda: fisher_matrix(np.tanh, WITH_NAN[0]), "image holds 1"),
        (lambda: complex_step_jacobian(np.tanh, WITH_NAN[0]), "image holds 1"),
        (lambda: patch_local_trace(np.eye(3), IMAGES[0], 2), r"\(3, 3\); \(8, 8\)"),
        (lambda: patch_local_trace(np.eye(8), IMAGES[0], 3), r"patch_size=\(3,\)"),
        (lambda: patch_local_trace(np.eye(8), WITH_NAN[0], 2), "image holds 1"),
        (lambda: patch_local_trace(np.full((8, 8), np.nan), IMAGES[0], 2), "fisher holds 64"),
        (lambda: gap_by_mask_ratio(lemma_4, np.tanh, IMAGES, 2, []), "mask_ratios is empty"),
        (lambda: gap_by_mask_ratio(lemma_4, np.tanh, IMAGES, 2, [0.5, 1.5]), "mask_ratio=1.5"),
        (lambda: TanhNetwork(MOVES, MOVES[:1]), r"encoder \(2, 8\) and decoder \(1, 8\)"),
        (lambda: TanhNetwork(MOVES[0], MOVES[0]), r"\(8,\)"),
        (lambda: TanhNetwork(MOVES, MOVES, -0.5), "strength=-0.5"),
        (lambda: TanhNetwork(MOVES, MOVES, math.nan), "strength=nan"),
        (lambda: TanhNetwork(MOVES, MOVES, math.inf), "strength=inf"),
        (lambda: TanhNetwork(MOVES * np.nan, MOVES), "encoder holds 16"),
        (lambda: TanhNetwork(MOVES, MOVES * np.nan), "decoder holds 16"),
        (lambda: TanhNetwork(MOVES, MOVES, 1, np.nan), "bias holds 1"),
        (lambda: function_space_loss(wave, smooth, 4, 0.5, samples=(64,)), r"samples=\(64,\)"),
        (lambda: function_space_loss(wave, smooth, 4, 0.5, samples=(64, 64)), "not at least two"),
        (lambda: function_space_loss(wave, smooth, 4, 0.5, samples=(64, 66)),
         "samples=66.*n_patches=4"),
        (lambda: function_space_loss(wave, smooth, 0, 0.5), "n_patches=0"),
        (lambda: function_space_loss(wave, smooth, 1, 0.5), "n_patches=1"),
        (lambda: function_space_loss(wave, smooth, 4, 0.9), "mask_ratio=0.9"),
        (lambda: function_space_loss(wave, smooth, 4, 0.5, sampling="x"), "sampling='x'"),
        (lambda: function_space_loss(lambda t: t * np.nan, smooth, 4, 0.5), "signal holds 64.*nan"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_value(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_results_are_plain_enough_for_json(tmp_path):
    sides = lemma_5(np.tanh, IMAGES, 2, 0.5, masks=5, rng=0)
    told = json.loads(json.dumps(sides.to_dict()))
    assert told["terms"] == sides.terms
    assert (told["formula"], told["definition"]) == (sides.formula, sides.definition)
    split = lemma_6(np.tanh, IMAGES, 2, 0.5, masks=5, rng=0)
    told = json.loads(json.dumps(split.to_dict()))
    assert (told["name"], told["error"]) == ("Lemma 6", split.error)
    assert (told["cross"], told["spread"]) == (split.cross, split.spread)
    assert told["terms"] == split.terms
    found = function_space_loss(wave, smooth, 4, 0.5, samples=(16, 32, 64))
    told = json.loads(json.dumps(found.to_dict()))
    assert told["samples"] == [16, 32, 64]
    for name in ("loss", "bias", "shared", "local"):
        assert told[name] == getattr(found, name).tolist()
    assert (told["limit"], told["order"]) == (found.limit, found.order)
    found.to_csv(tmp_path / "loss.csv")
    with (tmp_path / "loss.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["samples"]) for row in rows] == [16, 32, 64]
    for name in ("loss", "bias", "shared", "local"):
        assert [float(row[name]) for row in rows] == getattr(found, name).tolist()


# What was once wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e9])
def test_tips_have_no_slope(scale):
    for place in (np.zeros(3), np.ones(3)):
        with pytest.raises(ValueError, match="give jacobian="):
            complex_step_jacobian(lambda x: scale * np.abs(x), place)


@pytest.mark.parametrize("power", [1, 2, 3, 4])
@pytest.mark.parametrize("constant", [0.0, 1e8])
def test_flat_places_have_one(power, constant):
    for place in (0.0, 1.0, 1e-6):
        found = complex_step_jacobian(lambda x: constant + x**power, np.array([place]))
        assert found[0, 0] == pytest.approx(power * place ** (power - 1), rel=1e-14, abs=1e-190)


def test_functions_may_be_undefined_far_off():
    assert complex_step_jacobian(np.log, np.array([1e-3]))[0, 0] == pytest.approx(1e3)


def test_a_function_that_works_in_place_is_stopped():
    with pytest.raises(ValueError, match="read-only"):
        lemma_6(lambda x: np.multiply(x, 2, out=x), IMAGES, 2, 0.5)


def test_what_was_passed_over_is_refused():
    for call, words in (
        (lambda: function_space_loss(np.sin, lambda t, s: t * s * np.nan, 4, 0.5), "kernel holds"),
        (lambda: function_space_loss(np.sin, lambda t, s: np.ones(3), 4, 0.5), "kernel returns"),
        (lambda: function_space_loss(lambda t: 1j * t, np.multiply, 4, 0.5), "signal has dtype"),
        (lambda: lemma_4(lambda x: x[:, :4], IMAGES, 2, 0.5), "function returns shape"),
        (lambda: lemma_5(lambda x: x[:, :4], IMAGES, 2, 0.5), "function returns shape"),
        (lambda: lemma_6(lambda x: x.sum(), IMAGES, 2, 0.5, target=np.zeros(5)), "returns shape"),
        (lambda: lemma_6(lambda x: x, IMAGES, 2, 0.5, target=0.0), "target has shape"),
        (lambda: lemma_4(np.tanh, IMAGES, 2, 0.5, channel_axis=0), "channel_axis=0"),
        (lambda: complex_step_jacobian(np.sum, np.ones(3)), "function returns shape"),
        (lambda: complex_step_jacobian(np.cbrt, np.ones(3)), "give jacobian="),
        (lambda: complex_step_jacobian(lambda x: x * np.nan, np.ones(3)), "not finite"),
        (lambda: TanhNetwork(MOVES, MOVES)(np.ones((3, 5))), "images of shape"),
        (lambda: TanhNetwork(MOVES, MOVES, 1, np.ones(7)), "bias of shape"),
    ):
        with pytest.raises(ValueError, match=words):
            call() if words != "signal has dtype" else _typed(call)


def _typed(call):
    try:
        call()
    except TypeError as error:
        raise ValueError(str(error)) from error
