"""Lemmas 4 and 5, the Fisher matrix and gaps: against all masks and differences."""

import csv
import itertools
import json
import math

import masked
import numpy as np
import pytest
from laws import assert_close
from lemmas import (
    LAYOUTS,
    OVER_CASES,
    OVER_DESIGNS,
    OVER_KINDS,
    OVER_RATIOS,
    SQUARE,
    curved,
    differences,
    enumerated,
    mixings,
    of_images,
    options,
    photographs,
)
from masked import CASES, ratio_of

from spectral_mae.masks.sampling import sample_kept
from spectral_mae.theory import (
    fisher_matrix,
    gap_by_mask_ratio,
    lemma_1,
    lemma_4,
    lemma_5,
    lemma_6,
    patch_local_trace,
)

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
        of_images(case, apply), images, case.patch, 0.5, **options(case, sampling, n_draws=40)
    )
    kept = sample_kept(case.n_patches, 0.5, 40, sampling=sampling, rng=0)
    values = [masked.power(rows - apply(rows * one[case.number])) for one in kept]
    assert sides.drawn == pytest.approx(np.mean(values), rel=1e-12)
    assert sides.stderr == pytest.approx(np.std(values, ddof=1) / math.sqrt(40), rel=1e-10)
    assert sides.n_draws == 40


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
    how = {"sampling": "bernoulli", "channel_axis": -1, "n_draws": 20}
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
