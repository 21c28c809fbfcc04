"""Lemma 1, Eqs. 13 and 14, Theorem 1: against all masks, differences and least squares."""

import math

import masked
import numpy as np
import pytest
from laws import assert_close
from lemmas import (
    OVER_CASES,
    OVER_KINDS,
    OVER_RATIOS,
    OVER_SMALL,
    bottleneck,
    options,
    slopes,
    weights_of,
)
from masked import CASES, Case, ratio_of
from masking_cases import uniform_masking

from spectral_mae import LinearMAE
from spectral_mae.linear.moments.blocks import Stack
from spectral_mae.linear.solver import expected_loss
from spectral_mae.theory import (
    equation_13,
    equation_14,
    explained_matrix,
    lemma_1,
    subspace_value,
    theorem_1,
)

# Lemma 1 -----------------------------------------------------------------------------------------


@OVER_CASES
@OVER_KINDS
@OVER_RATIOS
def test_lemma_1_is_the_loss_over_all_masks_term_by_term(case, kind, sampling, ratio):
    images = masked.photographs(case, kind)
    rows, weights, ratio = masked.to_rows(case, images), weights_of(case), ratio_of(case, ratio)
    sides = lemma_1(images, weights, case.patch, ratio, **options(case, sampling))
    every = masked.maskings(case, rows, ratio, sampling)
    truth = sum(p * masked.power(rows - seen @ weights) for seen, p in every)
    assert sides.formula == pytest.approx(truth, rel=1e-12)
    assert sides.definition == pytest.approx(truth, rel=1e-12)
    terms = masked.three_terms(case, rows, rows, lambda x: x @ weights, ratio, sampling)
    assert list(sides.terms) == ["bias", "shared", "local"]
    for name, value in terms.items():
        assert sides.terms[name] == pytest.approx(value, rel=1e-12, abs=1e-15 * sides.scale)
    # Bias is the misfit of the mean output, whatever else the lemma says.
    mean = sum(p * seen @ weights for seen, p in every)
    assert sides.terms["bias"] == pytest.approx(masked.power(rows - mean), rel=1e-12)
    assert sides.scale == pytest.approx(masked.power(rows), rel=1e-12)
    assert sides.error < 1e-13


def test_the_shared_term_of_lemma_1_is_zero_for_coins_and_negative_for_a_fixed_number():
    images = masked.photographs(CASES[2])
    coins, fixed = (
        lemma_1(images, weights_of(CASES[2]), 2, 0.5, **options(CASES[2], sampling)).terms["shared"]
        for sampling in ("bernoulli", "fixed")
    )
    assert coins == 0.0
    assert fixed < 0


@OVER_CASES
@pytest.mark.parametrize("kind", ["many", "few", "empty"])
@pytest.mark.parametrize("rank", [None, 3])
@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
def test_lemma_1_at_the_best_map_is_the_loss_of_the_linear_model(case, kind, rank, sampling):
    images = masked.photographs(case, kind)
    ratio = ratio_of(case, "half")
    model = LinearMAE(
        case.patch, ratio, rank=rank, sampling=sampling, covariance="dense", center=False
    ).fit(images, channel_axis=case.axis)
    weights = model.weight_matrix()
    sides = lemma_1(images, weights, case.patch, ratio, **options(case, sampling))
    assert sides.formula == pytest.approx(model.loss_, rel=1e-9, abs=1e-12 * model.trace_)
    assert sides.scale == pytest.approx(model.trace_, rel=1e-12)


@OVER_RATIOS
def test_lemma_1_is_the_expected_loss_of_the_solver_for_any_map(sampling, ratio):
    case = Case((4, 6), (2, 3), 1, -1)
    images, weights, ratio = masked.photographs(case), weights_of(case), ratio_of(case, ratio)
    rows = masked.to_rows(case, images)
    second = rows.T @ rows / len(rows)
    order = np.argsort(case.number, kind="stable")
    stack = Stack(
        second[np.ix_(order, order)][np.newaxis], np.array([1]), patch_dim=math.prod(case.patch)
    )
    mix = uniform_masking(case.n_patches, ratio, sampling).mix
    truth = expected_loss(stack, mix, weights[np.ix_(order, order)][np.newaxis])
    sides = lemma_1(images, weights, case.patch, ratio, **options(case, sampling))
    assert sides.formula == pytest.approx(truth, rel=1e-12)


# Eq. 13 ------------------------------------------------------------------------------------------


@OVER_CASES
@OVER_RATIOS
@pytest.mark.parametrize("kind", ["many", "few", "constant", "empty"])
def test_equation_13_is_the_slope_of_the_loss_over_all_masks(case, sampling, ratio, kind):
    images = masked.photographs(case, kind)[:5]
    rows, ratio = masked.to_rows(case, images), ratio_of(case, ratio)
    a, b = bottleneck(case, 2)
    sides = equation_13(images, a, b, case.patch, ratio, **options(case, sampling))
    seen, target = masked.stacked(case, rows, ratio, sampling)
    # The loss sees the stacked rows only through a triangular factor of them.
    corner = np.linalg.qr(np.concatenate([seen, target], axis=1), mode="r")
    seen, target = corner[:, : case.dim], corner[:, case.dim :]
    truth = slopes(lambda encoder: np.sum((target - seen @ encoder @ b) ** 2), a)
    assert_close(sides.formula, truth, 1e-11)
    assert_close(sides.definition, truth, 1e-11)
    assert sides.error < 1e-12


def test_equation_13_is_measured_by_the_larger_of_its_terms():
    case = CASES[2]
    images, (a, b) = masked.photographs(case), bottleneck(case, 2)
    rows = masked.to_rows(case, images)
    small, large = (
        equation_13(images, size * a, b, 2, 0.5, **options(case, "fixed")) for size in (1e-6, 1e9)
    )
    cross = 2 * 0.5 * rows.T @ rows / len(rows) @ b.T
    assert small.scale == pytest.approx(np.linalg.norm(cross), rel=1e-12)
    assert large.scale == pytest.approx(np.linalg.norm(large.formula), rel=1e-6)
    assert large.error < 1e-14
    none = equation_13(images, a, 0 * b, 2, 0.5, **options(case, "fixed"))
    assert (none.scale, none.error, none.sigmas) == (0, 0, 0)


# Eq. 14 ------------------------------------------------------------------------------------------


def least_squares(seen, target, decoder):
    """The encoder of least norm that minimises the error of all stacked rows."""
    rank = len(decoder)
    design = np.kron(seen, decoder.T)  # of (row, output) by (input, code)
    found = np.linalg.lstsq(design, target.ravel(), rcond=1e-9)[0]
    return found.reshape(-1, rank)


@OVER_SMALL
@OVER_KINDS
@OVER_RATIOS
def test_equation_14_is_least_squares_over_all_masks(case, kind, sampling, ratio):
    images = masked.photographs(case, kind)[:12]
    rows, ratio = masked.to_rows(case, images), ratio_of(case, ratio)
    b = bottleneck(case, 2)[1]
    encoder, sides = equation_14(images, b, case.patch, ratio, **options(case, sampling))
    seen, target = masked.stacked(case, rows, ratio, sampling)
    assert_close(encoder, least_squares(seen, target, b), 1e-8)
    assert sides.error < 1e-10
    assert not np.any(sides.formula)
    best = np.sum((target - seen @ encoder @ b) ** 2)
    rng = np.random.default_rng(5)
    for size in (1e-3, 1e-1, 1.0):
        move = size * rng.standard_normal(encoder.shape)
        assert np.sum((target - seen @ (encoder + move) @ b) ** 2) >= best


@pytest.mark.parametrize("dark", [1e-3, 1e-5])
def test_the_best_encoder_reaches_into_dark_patches(dark):
    """Of a patch darkened by a factor the best encoder reads as much more."""
    case = CASES[2]
    images, b = masked.photographs(case), bottleneck(case, 2)[1]
    factor = np.where(case.number == 1, dark, 1.0)
    shade = masked.to_layout(case, factor[np.newaxis])
    rows = masked.to_rows(case, images * shade)
    encoder, _ = equation_14(images * shade, b, 2, 0.5, **options(case, "fixed"))
    seen, target = masked.stacked(case, rows, 0.5, "fixed")
    # Least squares in units in which nothing is dark.
    truth = least_squares(seen / factor, target, b) / factor[:, np.newaxis]
    inside = case.number == 1
    assert_close(encoder[inside], truth[inside], 1e-4)
    assert_close(encoder[~inside], truth[~inside], 1e-4)
    matrix = explained_matrix(images * shade, 2, 0.5)
    best = seen @ (np.linalg.pinv(seen / factor) / factor[:, np.newaxis]) @ target
    own = np.trace((best.T @ best)[np.ix_(inside, inside)])
    assert np.trace(matrix[np.ix_(inside, inside)]) == pytest.approx(own, rel=1e-4)


def test_equation_14_does_not_care_how_the_rows_of_the_decoder_are_scaled():
    case = CASES[2]
    images, b = masked.photographs(case), bottleneck(case, 2)[1]
    mixing = np.array([[2.0, 0.3], [-1.0, 5.0]])
    one, sides = equation_14(images, b, 2, 0.5, **options(case, "fixed"))
    other, _ = equation_14(images, mixing @ b, 2, 0.5, **options(case, "fixed"))
    assert_close(other @ mixing, one, 1e-11)
    rows = masked.to_rows(case, images)
    assert sides.scale == pytest.approx(np.linalg.norm(rows.T @ rows / len(rows) @ b.T), rel=1e-12)


@OVER_SMALL
@pytest.mark.parametrize("kind", ["many", "few", "empty"])
@OVER_RATIOS
def test_the_explained_matrix_is_what_the_best_encoder_of_any_decoder_gains(
    case, kind, sampling, ratio
):
    images = masked.photographs(case, kind)
    rows, ratio = masked.to_rows(case, images), ratio_of(case, ratio)
    matrix = explained_matrix(images, case.patch, ratio, sampling=sampling, channel_axis=case.axis)
    seen, target = masked.stacked(case, rows, ratio, sampling)
    map_ = np.linalg.pinv(seen, rcond=1e-9) @ target
    assert np.array_equal(matrix, matrix.T)
    assert_close(matrix, map_.T @ seen.T @ seen @ map_, 1e-9)
    for rank in (1, 3, case.dim):
        b = bottleneck(case, rank)[1]
        encoder = map_ @ np.linalg.pinv(b)
        gained = masked.power(rows) - np.sum((target - seen @ encoder @ b) ** 2)
        assert subspace_value(b, matrix) == pytest.approx(gained, rel=1e-8)


# Theorem 1 ---------------------------------------------------------------------------------------


@OVER_SMALL
@OVER_KINDS
@OVER_RATIOS
@pytest.mark.parametrize("rank", [1, 3])
def test_theorem_1_is_what_alternating_least_squares_comes_to(case, kind, sampling, ratio, rank):
    images = masked.photographs(case, kind)
    rows, ratio = masked.to_rows(case, images), ratio_of(case, ratio)
    sides = theorem_1(images, case.patch, ratio, rank, **options(case, sampling))
    seen, target = masked.stacked(case, rows, ratio, sampling)
    seen, target = np.split(
        np.linalg.qr(np.concatenate([seen, target], axis=1), mode="r"), [case.dim], axis=1
    )
    whole = np.linalg.pinv(seen, rcond=1e-9) @ target
    size = sides.scale
    for seed in range(2):
        b = np.random.default_rng(seed).standard_normal((rank, case.dim))
        for _ in range(60):
            a = whole @ np.linalg.pinv(b)
            b = np.linalg.lstsq(seen @ a, target)[0]
            reached = np.sum((target - seen @ a @ b) ** 2)
            assert reached >= sides.formula - 1e-10 * size
    assert reached == pytest.approx(sides.formula, abs=2e-3 * size)
    assert sides.definition == pytest.approx(sides.formula, abs=1e-11 * size)
    assert sides.error < 1e-11


@OVER_CASES
@pytest.mark.parametrize("kind", ["many", "few", "empty"])
@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
def test_theorem_1_is_the_loss_of_the_linear_model(case, kind, sampling):
    images = masked.photographs(case, kind)
    ratio = ratio_of(case, "half")
    for rank in (1, 2, case.dim - 1, case.dim):
        model = LinearMAE(
            case.patch, ratio, rank=rank, sampling=sampling, covariance="dense", center=False
        ).fit(images, channel_axis=case.axis)
        sides = theorem_1(images, case.patch, ratio, rank, **options(case, sampling))
        assert sides.formula == pytest.approx(model.loss_, abs=1e-11 * sides.scale)
        assert sides.scale == pytest.approx(masked.power(masked.to_rows(case, images)))
        assert sides.error < 1e-10


@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
def test_theorem_1_no_map_nearby_of_that_rank_is_better(sampling):
    case, rank = CASES[2], 3
    images = masked.photographs(case)
    rows = masked.to_rows(case, images)
    sides = theorem_1(images, 2, 0.5, rank, **options(case, sampling))
    model = LinearMAE(2, 0.5, rank=rank, sampling=sampling, covariance="dense", center=False)
    left, values, right = np.linalg.svd(model.fit(images).weight_matrix())
    a, b = left[:, :rank] * values[:rank], right[:rank]
    rng = np.random.default_rng(0)
    for size in np.geomspace(1e-4, 1, 30):
        near = (a + size * rng.standard_normal(a.shape)) @ (b + size * rng.standard_normal(b.shape))
        every = masked.maskings(case, rows, 0.5, sampling)
        assert sum(p * masked.power(rows - seen @ near) for seen, p in every) > sides.formula


def test_the_trace_of_the_explained_matrix_is_what_the_linear_model_explains():
    case = Case((4, 4), (2, 2), 1, -1)
    images = masked.photographs(case)
    model = LinearMAE(2, 0.5, covariance="dense", center=False).fit(images, channel_axis=-1)
    matrix = explained_matrix(images, 2, 0.5, channel_axis=-1)
    assert np.trace(matrix) == pytest.approx(model.trace_ - model.loss_, rel=1e-10)
