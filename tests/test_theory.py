"""Lemmas 1-3, Eqs. 13 and 14, Theorem 1: against all masks, differences and least squares."""

import itertools
import json
import math

import masked
import numpy as np
import pytest
import scipy.linalg
from laws import assert_close
from masked import CASES, Case, ratio_of

from spectral_mae import LinearMAE
from spectral_mae.corruption import PatchMasking
from spectral_mae.sampling import sample_kept
from spectral_mae.solve import expected_loss
from spectral_mae.stack import Stack
from spectral_mae.theory import (
    MOST_MASKS,
    CriticalPoints,
    Sides,
    equation_13,
    equation_14,
    explained_matrix,
    lemma_1,
    lemma_2,
    lemma_3,
    subspace_gradient,
    subspace_value,
    theorem_1,
)

OVER_CASES = pytest.mark.parametrize("case", CASES, ids=lambda case: "x".join(map(str, case.shape)))
OVER_KINDS = pytest.mark.parametrize("kind", masked.KINDS)
OVER_RATIOS = pytest.mark.parametrize(("sampling", "ratio"), masked.RATIOS)
SMALL = [CASES[1], CASES[2]]
OVER_SMALL = pytest.mark.parametrize("case", SMALL, ids=["signals in two channels", "images"])


def weights_of(case, seed=7):
    return np.random.default_rng(seed).standard_normal((case.dim, case.dim)) / case.dim


def bottleneck(case, rank, seed=3):
    """An encoder and a decoder that have nothing to do with each other."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((case.dim, rank)), rng.standard_normal((rank, case.dim))


def options(case, sampling, *, masks=2):
    return {"sampling": sampling, "channel_axis": case.axis, "masks": masks, "rng": 0}


def rotation(dim, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, dim)))[0]


def symmetric(values, seed=0):
    """A matrix of these eigenvalues, in no order, along no axis."""
    basis = rotation(len(values), seed)
    return (basis * np.random.default_rng(seed).permutation(values)) @ basis.T


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
    mix = PatchMasking(case.n_patches, ratio, sampling).mix
    truth = expected_loss(stack, mix, weights[np.ix_(order, order)][np.newaxis])
    sides = lemma_1(images, weights, case.patch, ratio, **options(case, sampling))
    assert sides.formula == pytest.approx(truth, rel=1e-12)


# Eq. 13 ------------------------------------------------------------------------------------------


def slopes(function, start, step=1.0):
    """Central differences: exact for squares, whatever the step."""
    found = np.zeros_like(start)
    for index in np.ndindex(start.shape):
        move = np.zeros_like(start)
        move[index] = step
        found[index] = (function(start + move) - function(start - move)) / (2 * step)
    return found


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


# Lemma 2 -----------------------------------------------------------------------------------------

SPECTRA = {
    "distinct": [5.0, 3.0, 2.0, 1.0, 0.5],
    "indefinite": [4.0, 1.0, 0.0, -2.0, -3.0],
    "negative": [-1.0, -2.0, -3.0, -4.0, -5.0],
    "of low rank": [4.0, 2.0, 0.0, 0.0, 0.0],
}
OVER_SPECTRA = pytest.mark.parametrize("values", SPECTRA.values(), ids=SPECTRA)


def captured(decoder, matrix):
    """Trace of the matrix within the row space, from an orthonormal basis by SVD."""
    basis = scipy.linalg.orth(np.asarray(decoder).T)
    return float(np.trace(basis.T @ matrix @ basis))


@OVER_SPECTRA
@pytest.mark.parametrize("rank", [1, 2, 4, 5])
def test_values_and_gradients_of_subspaces(values, rank):
    matrix = symmetric(values)
    b = np.random.default_rng(rank).standard_normal((rank, 5))
    assert subspace_value(b, matrix) == pytest.approx(captured(b, matrix), rel=1e-11, abs=1e-12)
    mixing = rotation(rank) * np.linspace(0.5, 2, rank)
    assert subspace_value(mixing @ b, matrix) == pytest.approx(subspace_value(b, matrix), abs=1e-11)
    gradient = subspace_gradient(b, matrix)
    assert gradient.shape == b.shape
    truth = slopes(lambda decoder: captured(decoder, matrix), b, 1e-5)
    np.testing.assert_allclose(gradient, truth, atol=1e-7 * np.abs(matrix).max())


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_the_gradient_vanishes_where_and_only_where_the_space_is_mapped_into_itself(rank):
    matrix = symmetric([5.0, 3.0, 2.0, 1.0, 0.5])
    vectors = np.linalg.eigh(matrix)[1]
    for inside in itertools.combinations(range(5), rank):
        b = vectors[:, inside].T
        assert np.linalg.norm(subspace_gradient(b, matrix)) < 1e-13
        assert scipy.linalg.subspace_angles(matrix @ b.T, b.T).max() < 1e-7
        outside = next(i for i in range(5) if i not in inside)
        b[0] = 0.9 * b[0] + 0.5 * vectors[:, outside]
        assert np.linalg.norm(subspace_gradient(b, matrix)) > 0.1
        assert scipy.linalg.subspace_angles(matrix @ b.T, b.T).max() > 0.01


def rises(matrix, inside, outside):
    """Positive eigenvalues of the second differences of the value over nearby subspaces."""
    k, n = inside.shape[1], outside.shape[1]

    def value(turn):
        return captured((inside + outside @ turn.reshape(n, k)).T, matrix)

    axes, h = np.eye(n * k) * 1e-3, 1e-3
    hessian = [
        [(value(a + b) - value(a - b) - value(b - a) + value(-a - b)) / (4 * h * h) for a in axes]
        for b in axes
    ]
    return int(np.sum(np.linalg.eigvalsh(np.array(hessian).reshape(n * k, n * k)) > 0.1))


@OVER_SPECTRA
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_lemma_2_every_set_of_eigenvectors_is_critical_and_climbs_where_it_says(values, rank):
    # Along the axes, so that equal eigenvalues are equal to the last digit.
    matrix = np.diag(np.random.default_rng(1).permutation(values))
    found = lemma_2(matrix, rank, rng=0)
    order = np.argsort(-np.diag(matrix), kind="stable")
    ordered, vectors = np.diag(matrix)[order], np.eye(5)[:, order]
    every = list(itertools.combinations(range(5), rank))
    assert found.subset.tolist() == [list(inside) for inside in every]
    for i, inside in enumerate(every):
        outside = [j for j in range(5) if j not in inside]
        truth = sum(ordered[list(inside)])
        assert found.formula[i] == pytest.approx(truth, abs=1e-13)
        assert found.definition[i] == pytest.approx(truth, abs=1e-12)
        assert found.n_climbs[i] == rises(matrix, vectors[:, inside], vectors[:, outside])
    assert found.gradient.max() < 1e-14
    assert found.error < 1e-13
    assert found.n_climbs[0] == 0
    assert found.name == "Lemma 2"
    gaps = -np.diff(ordered)
    assert found.smallest_gap == pytest.approx(gaps.min() / np.abs(ordered).max(), abs=1e-15)


def test_lemma_2_of_a_turned_matrix_and_another_seed():
    values = [5.0, 3.0, 2.0, 1.0, 0.5]
    turned = [lemma_2(symmetric(values), 2, rng=seed) for seed in (0, 0, 1)]
    for found in turned:
        assert_close(found.formula, [8, 7, 6, 5.5, 5, 4, 3.5, 3, 2.5, 1.5], 1e-14)
        assert found.n_climbs.tolist() == [0, 1, 2, 3, 2, 3, 4, 4, 5, 6]
        assert found.error < 1e-13
        assert found.smallest_gap == pytest.approx(0.1)
    assert np.array_equal(turned[0].definition, turned[1].definition)
    assert not np.array_equal(turned[0].definition, turned[2].definition)


def test_lemma_2_mixes_the_eigenvectors_before_it_looks():
    # The value of the eigenvectors as they are would be exact here: nothing would be tested.
    found = lemma_2(np.diag([5.0, 3.0, 2.0, 1.0, 0.7]), 3, rng=0)
    assert np.any(found.definition != found.formula)
    assert np.any(found.gradient != 0)


def test_the_error_of_lemma_2_is_the_worst_of_values_and_gradients():
    def error(definition, gradient, subset=((0,), (1,))):
        return CriticalPoints(
            subset=np.array(subset),
            formula=np.array([4.0, 1.0]),
            definition=np.array(definition),
            gradient=np.array(gradient),
            n_climbs=np.array([0, 1]),
            largest=4.0,
            smallest_gap=0.75,
        ).error

    assert error([4.0, 1.2], [0.0, 0.0]) == pytest.approx(0.05)
    assert error([3.6, 1.2], [0.0, 0.01]) == pytest.approx(0.1)
    assert error([4.0, 1.0], [0.3, 0.2]) == 0.3
    assert error([4.0, 1.2], [0.0, 0.0], [[0, 1], [1, 2]]) == pytest.approx(0.025)


def test_rounding_is_no_climb_and_no_error():
    equal = lemma_2(symmetric([2.0, 2.0, 2.0, 1.0, 1.0]), 2, rng=0)
    assert equal.n_climbs.tolist() == [0, 0, 2, 2, 0, 2, 2, 2, 2, 6]
    assert equal.smallest_gap == pytest.approx(0, abs=1e-15)
    few = explained_matrix(masked.photographs(CASES[0], "one"), 2, 0.5)
    assert lemma_2(few, 2, rng=0).n_climbs.max() == 2 * 1  # from nothing to the one direction
    # A trace of zero to rounding has an error, but not one relative to it.
    opposite = symmetric([1.0, -1.0])
    assert lemma_2(opposite, 2, rng=0).error < 1e-14
    assert lemma_2(opposite, 1, rng=0).largest == pytest.approx(1)
    assert lemma_2(opposite, 1, rng=0).smallest_gap == pytest.approx(2)
    assert lemma_3(opposite, 2, rng=0).error < 1e-14
    assert lemma_3(symmetric([1.0, -3.0]), 1, rng=0).largest == pytest.approx(3)
    nothing = lemma_2(np.zeros((3, 3)), 2, rng=0)
    assert (nothing.error, nothing.largest, nothing.smallest_gap) == (0, 0, 0)
    assert nothing.n_climbs.tolist() == [0, 0, 0]
    alone = lemma_2([[-3.0]], 1, rng=0)
    assert (alone.formula[0], alone.largest) == (-3, 3)
    assert math.isnan(alone.smallest_gap)
    # A difference of one part in a thousand million is one.
    near = lemma_2(np.diag([1.0, 1.0 - 1e-9, 0.5]), 1, rng=0)
    assert near.n_climbs.tolist() == [0, 1, 2]


# Lemma 3 -----------------------------------------------------------------------------------------

TIES = {
    "ties": [3.0, 2.0, 2.0, 2.0, 1.0],
    "all alike": [2.0] * 5,
    "zero": [0.0] * 5,
    "of rank one": [3.0, 0.0, 0.0, 0.0, 0.0],
    "tiny": [5e-9, 3e-9, 2e-9, 1e-9, -4e-9],
    "huge": [5e9, 3e9, 2e9, 1e9, -4e9],
}


@pytest.mark.parametrize("values", (SPECTRA | TIES).values(), ids=SPECTRA | TIES)
@pytest.mark.parametrize("rank", [1, 2, 3, 5])
def test_lemma_3_no_subspace_is_better_than_the_top_eigenvectors(values, rank):
    matrix = symmetric(values)
    ordered = sorted(values, reverse=True)
    size = max(map(abs, values)) or 1.0
    found = lemma_3(matrix, rank, starts=4, rng=0)
    truth = sum(ordered[:rank])
    assert found.formula == pytest.approx(truth, abs=1e-13 * size)
    assert found.definition == pytest.approx(truth, abs=1e-9 * size)
    assert found.definition <= truth + 1e-12 * size
    assert found.difference == found.definition - found.formula
    assert found.largest_drawn <= truth + 1e-12 * size
    assert (found.n_drawn, found.name) == (4, "Lemma 3")
    rng = np.random.default_rng(8)
    for _ in range(50):
        assert captured(rng.standard_normal((rank, 5)), matrix) <= truth + 1e-12 * size
    assert found.largest == pytest.approx(max(map(abs, values)))
    assert found.error == pytest.approx(abs(found.difference) / size, abs=1e-16)
    gap = (ordered[rank - 1] - ordered[rank]) / size if rank < 5 else math.nan
    assert found.gap == pytest.approx(gap, abs=1e-14, nan_ok=True)


def test_the_search_of_lemma_3_moves_away_from_its_random_starts():
    matrix = symmetric([5.0, 3.0, 2.0, 1.0, 0.5])
    firsts = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        lone = [lemma_3(matrix, 2, starts=1, rng=rng).largest_drawn for _ in range(4)]
        assert lemma_3(matrix, 2, starts=4, rng=seed).largest_drawn == max(lone) < 7.9
        firsts.append(lone.index(max(lone)))
    assert {1, 2} & set(firsts)  # or the largest might be the first or the last
    assert lemma_3(matrix, 2, rng=0).error < 1e-12
    assert lemma_3(matrix, 2, rng=0).n_drawn == 5


@pytest.mark.parametrize("kind", ["many", "few"])
def test_lemma_3_of_images(kind):
    matrix = explained_matrix(masked.photographs(CASES[2], kind), 2, 0.5)
    found = lemma_3(matrix, 2, rng=0)
    assert found.error < 1e-9
    assert found.formula == pytest.approx(np.linalg.eigvalsh(matrix)[-2:].sum())


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


# The side of drawn masks -------------------------------------------------------------------------


def drawn_values(case, rows, ratio, sampling, n, seed, value):
    """A value under the masks that a seed draws, one by one."""
    kept = sample_kept(case.n_patches, ratio, n, sampling=sampling, rng=seed)
    return np.array([value(rows * one[case.number]) for one in kept])


@OVER_SMALL
@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
@pytest.mark.parametrize("n", [2, 3, 50])
def test_means_and_standard_errors_of_drawn_masks(case, sampling, n):
    images, ratio = masked.photographs(case), ratio_of(case, "half")
    rows, weights, (a, b) = masked.to_rows(case, images), weights_of(case), bottleneck(case, 2)
    how = options(case, sampling, masks=n) | {"rng": 11}
    one = lemma_1(images, weights, case.patch, ratio, **how)
    many = equation_13(images, a, b, case.patch, ratio, **how)
    for sides, value in (
        (one, lambda seen: masked.power(rows - seen @ weights)),
        (many, lambda seen: -2 * seen.T @ (rows - seen @ a @ b) @ b.T / len(rows)),
    ):
        values = drawn_values(case, rows, ratio, sampling, n, 11, value)
        assert_close(sides.drawn, values.mean(axis=0), 1e-12)
        stderr = values.std(axis=0, ddof=1) / math.sqrt(n)
        np.testing.assert_allclose(sides.stderr, stderr, atol=1e-13 * sides.scale, rtol=1e-10)
        assert sides.n_drawn == n


@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
def test_the_standard_error_is_that_of_all_masks(sampling):
    case, ratio = CASES[4], 0.5
    images, weights = masked.photographs(case), 4 * weights_of(case)
    rows = masked.to_rows(case, images)
    every = masked.maskings(case, rows, ratio, sampling)
    values = np.array([masked.power(rows - seen @ weights) for seen, _ in every])
    chance = np.array([p for _, p in every])
    std = math.sqrt(chance @ (values - chance @ values) ** 2)
    sides = lemma_1(images, weights, case.patch, ratio, **options(case, sampling, masks=4000))
    # The standard error of a standard deviation of 4,000 is below two percent.
    assert sides.stderr * math.sqrt(4000) == pytest.approx(std, rel=0.08)


@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
def test_drawn_means_are_about_one_standard_error_from_the_formula(sampling):
    case = CASES[4]
    images, (a, b) = masked.photographs(case, "few"), bottleneck(case, 1)
    how = {"sampling": sampling, "channel_axis": -1, "masks": 60}
    generator = np.random.default_rng(1)
    weights = weights_of(case)
    numbers = [
        lemma_1(images, weights, case.patch, 0.5, rng=generator, **how).sigmas for _ in range(100)
    ]
    # A hundred squares of mean one: their mean has a standard error of 0.14.
    assert np.mean(np.square(numbers)) == pytest.approx(1, abs=0.5)
    arrays = [
        equation_13(images, a, b, case.patch, 0.5, rng=generator, **how).sigmas for _ in range(40)
    ]
    assert np.mean(np.square(arrays)) == pytest.approx(1, abs=0.5)


def test_sigmas_and_error_of_sides_by_hand():
    def sides(formula, definition, drawn, stderr, scale=1.0):
        return Sides("Lemma 0", formula, definition, drawn, stderr, 10, scale)

    one = sides(2.0, 2.5, 3.0, 0.25, 4.0)
    assert (one.difference, one.error, one.sigmas) == (0.5, 0.125, 4.0)
    assert repr(one) == "Sides(Lemma 0: error=0.12, sigmas=4)"
    unknown = sides(2.0, None, 3.0, 0.25, 4.0)
    assert (unknown.difference, unknown.error) == (1.0, 0.25)
    array = sides(np.zeros(2), np.array([3.0, 4.0]), np.array([1.0, 4.0]), np.array([1.0, 2.0]), 10)
    assert (array.error, array.sigmas) == (0.5, pytest.approx(math.sqrt(2.5)))
    low = sides(1.0, 1.0, 0.5, 0.25)
    assert low.sigmas == 2.0
    # Entries that do not vary say nothing if they agree, and everything if they do not.
    still = np.array([0.0, 1.0])
    agree = sides(np.zeros(2), None, np.array([1e-13, 3.0]), still)
    differ = sides(np.zeros(2), None, np.array([1e-11, 3.0]), still)
    assert (agree.sigmas, differ.sigmas) == (3.0, math.inf)
    assert sides(np.zeros(2), None, np.array([-1e-11, 0.0]), np.zeros(2)).sigmas == math.inf
    assert sides(1.0, 1.0, 1.0, 0.0).sigmas == 0.0
    assert sides(0.0, 0.0, 0.0, 0.0, 0.0).error == 0.0
    # What counts as rounding grows with the scale.
    assert sides(0.0, 0.0, 1e-9, 0.0, 1e4).sigmas == 0.0
    assert sides(0.0, 0.0, 1e-7, 0.0, 1e4).sigmas == math.inf


def test_one_drawn_mask_has_no_standard_error():
    case = CASES[2]
    images, (a, b) = masked.photographs(case), bottleneck(case, 2)
    number = lemma_1(images, weights_of(case), 2, 0.5, masks=1, rng=0)
    array = equation_13(images, a, b, 2, 0.5, masks=1, rng=0)
    assert number.n_drawn == array.n_drawn == 1
    assert math.isnan(number.stderr)
    assert np.shape(array.stderr) == a.shape
    assert np.all(np.isnan(array.stderr))
    assert math.isnan(number.sigmas)
    assert math.isnan(array.sigmas)
    assert number.error < 1e-13


@pytest.mark.parametrize(
    ("n_patches", "ratio", "sampling", "known"),
    [
        (12, 0.5, "bernoulli", True),
        (13, 0.5, "bernoulli", False),
        (14, 0.5, "fixed", True),  # 3,432 masks
        (15, 0.5, "fixed", False),  # 6,435
        (91, 1 - 2 / 91, "fixed", True),  # 4,095
        (92, 1 - 2 / 92, "fixed", False),  # 4,186
    ],
)
def test_all_masks_are_gone_through_where_they_are_few_enough(n_patches, ratio, sampling, known):
    image = np.random.default_rng(0).standard_normal((1, n_patches))
    weights = np.eye(n_patches)
    sides = lemma_1(image, weights, 1, ratio, sampling=sampling, masks=400, rng=0)
    assert (sides.definition is not None) == known
    # An unchanged image is missing what is hidden, but the rest is right.
    pi1 = math.floor(n_patches * (1 - ratio) + 1e-9) / n_patches
    pi1 = pi1 if sampling == "fixed" else 1 - ratio
    assert sides.formula == pytest.approx((1 - pi1) * np.sum(image**2))
    assert sides.error < (1e-12 if known else 0.1)
    assert sides.sigmas < 4
    assert MOST_MASKS == 4096


def test_equal_seeds_draw_equal_masks():
    images = masked.photographs(CASES[2])
    weights = weights_of(CASES[2])
    drawn = [lemma_1(images, weights, 2, 0.5, masks=20, rng=rng).drawn for rng in (3, 3, 4)]
    assert drawn[0] == drawn[1] != drawn[2]
    default = lemma_1(images, weights, 2, 0.5, rng=0)
    assert default.n_drawn == 1000


# What is refused, and how results are told -------------------------------------------------------

IMAGES = np.random.default_rng(0).standard_normal((5, 8))
MAP = np.random.default_rng(1).standard_normal((8, 8))
CHANNELS = IMAGES.reshape(5, 4, 2)
WITH_NAN = np.where(np.arange(8) == 3, np.nan, IMAGES)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: lemma_1(WITH_NAN, MAP, 2, 0.5), ValueError, r"images.*\(0, 3\): nan"),
        (lambda: lemma_1(IMAGES, MAP * np.inf, 2, 0.5), ValueError, "weights holds 64"),
        (lambda: lemma_1(IMAGES, MAP[:4], 2, 0.5), ValueError, r"weights.*\(4, 8\).*\(8, 8\)"),
        (lambda: lemma_1(IMAGES, MAP, 3, 0.5), ValueError, r"patch_size=\(3,\).*shape=\(8,\)"),
        (lambda: lemma_1(IMAGES, MAP, 2, 0.9), ValueError, "mask_ratio=0.9.*keeps 0"),
        (lambda: lemma_1(IMAGES, MAP, 2, 1.0), ValueError, "mask_ratio=1.0"),
        (lambda: lemma_1(IMAGES, MAP, 2, math.nan), ValueError, "mask_ratio=nan"),
        (lambda: lemma_1(IMAGES, MAP, 8, 0.5), ValueError, "n_patches=1"),
        (lambda: lemma_1(IMAGES, MAP, 2, 0.5, sampling="x"), ValueError, "sampling='x'"),
        (lambda: lemma_1(IMAGES, MAP, 2, 0.5, masks=0), ValueError, "masks=0"),
        (lambda: lemma_1(IMAGES, MAP, 2, 0.5, masks=2.5), TypeError, "masks=2.5"),
        (lambda: lemma_1(IMAGES, MAP, 2, 0.5, channel_axis=7), ValueError, "channel_axis=7|axes"),
        (lambda: lemma_1(IMAGES[0], MAP, 2, 0.5), ValueError, r"shape \(8,\)"),
        (lambda: lemma_1(IMAGES[:0], MAP, 2, 0.5), ValueError, r"shape \(0, 8\)"),
        (lambda: lemma_1(IMAGES.reshape(5, 2, 2, 2), MAP, 1, 0.5), ValueError, r"\(5, 2, 2, 2\)"),
        (lambda: lemma_1(IMAGES * 1j, MAP, 2, 0.5), TypeError, "complex128"),
        (lambda: equation_13(IMAGES, MAP, MAP[:3], 2, 0.5), ValueError, r"\(8, 8\).*\(8, 3\)"),
        (lambda: equation_13(IMAGES, MAP, MAP[:, :3], 2, 0.5), ValueError, r"\(8, 3\).*\(k, 8\)"),
        (lambda: equation_13(IMAGES, MAP, MAP[:0], 2, 0.5), ValueError, r"\(0, 8\)"),
        (lambda: equation_13(IMAGES, MAP, MAP[0], 2, 0.5), ValueError, r"decoder.*\(8,\)"),
        (lambda: equation_13(IMAGES, MAP * np.nan, MAP, 2, 0.5), ValueError, "encoder holds 64"),
        (lambda: equation_14(IMAGES, MAP * np.nan, 2, 0.5), ValueError, "decoder holds 64"),
        (lambda: equation_14(IMAGES, np.ones((3, 8)), 2, 0.5), ValueError, "3 rows.*only 1"),
        (lambda: equation_14(IMAGES, np.ones((9, 8)), 2, 0.5), ValueError, r"\(9, 8\).*at most 8"),
        (lambda: explained_matrix(WITH_NAN, 2, 0.5), ValueError, "nan"),
        (lambda: theorem_1(IMAGES, 2, 0.5, 0), ValueError, "rank=0"),
        (lambda: theorem_1(IMAGES, 2, 0.5, 9), ValueError, "rank=9.*8"),
        (lambda: theorem_1(WITH_NAN, 2, 0.5, 2), ValueError, "nan"),
        (lambda: lemma_2(MAP, 2), ValueError, "not symmetric.*differ by up to"),
        (lambda: lemma_2(MAP[:4], 2), ValueError, r"\(4, 8\)"),
        (lambda: lemma_2(np.zeros((0, 0)), 1), ValueError, r"\(0, 0\)"),
        (lambda: lemma_2(np.full((2, 2), np.nan), 1), ValueError, "matrix holds 4"),
        (lambda: lemma_2(np.eye(3), 4), ValueError, "rank=4.*1 and 3"),
        (lambda: lemma_2(np.eye(3), 0), ValueError, "rank=0"),
        (lambda: lemma_2(np.eye(30), 15), ValueError, "155117520 sets of 15 out of 30.*20000"),
        (lambda: lemma_3(MAP, 2), ValueError, "not symmetric"),
        (lambda: lemma_3(np.eye(3), 4), ValueError, "rank=4"),
        (lambda: lemma_3(np.eye(3), 2, starts=0), ValueError, "starts=0"),
        (lambda: subspace_value(np.ones((1, 4)), np.eye(3)), ValueError, r"\(1, 4\).*\(k, 3\)"),
        (lambda: subspace_value(np.ones((4, 3)), np.eye(3)), ValueError, r"\(4, 3\).*at most 3"),
        (lambda: subspace_value(np.ones((2, 3)), np.eye(3)), ValueError, "2 rows.*only 1"),
        (lambda: subspace_gradient(np.zeros((1, 3)), np.eye(3)), ValueError, "1 rows.*only 0"),
        (lambda: lemma_1(CHANNELS, np.eye(8), 1, 0.5, channel_axis=0), ValueError, "_axis=0"),
        (lambda: lemma_1(CHANNELS, np.eye(8), 1, 0.5, channel_axis=-3), ValueError, "_axis=-3"),
        (lambda: subspace_gradient(np.ones(3), np.eye(3)), ValueError, r"decoder.*\(3,\)"),
        (lambda: subspace_gradient(np.full((1, 3), np.nan), np.eye(3)), ValueError, "nan"),
    ],
)
def test_what_cannot_be_is_refused_with_its_value(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_asymmetry_of_rounding_is_averaged_out():
    matrix = symmetric([4.0, 2.0, 1.0, 0.5, 0.1])
    nearly = matrix + np.triu(np.full((5, 5), 1e-12))
    assert lemma_3(nearly, 2, rng=0).error < 1e-9
    b = np.ones((1, 5))
    assert subspace_value(b, nearly) == pytest.approx(subspace_value(b, matrix), rel=1e-11)
    with pytest.raises(ValueError, match="differ by up to 1e-0"):
        lemma_3(matrix + np.triu(np.full((5, 5), 1e-8), 1), 2)


def test_results_are_plain_enough_for_json():
    case = CASES[2]
    images, (a, b) = masked.photographs(case), bottleneck(case, 2)
    sides = equation_13(images, a, b, 2, 0.5, **options(case, "fixed"))
    told = json.loads(json.dumps(sides.to_dict()))
    assert told["name"] == "Eq. 13"
    assert told["scale"] == sides.scale
    for name in ("formula", "definition", "drawn", "stderr"):
        assert np.array_equal(told[name], getattr(sides, name))
    assert (told["error"], told["sigmas"], told["n_drawn"]) == (sides.error, sides.sigmas, 2)
    assert told["terms"] == {}
    number = lemma_1(images, weights_of(case), 2, 0.5, **options(case, "fixed"))
    assert json.loads(json.dumps(number.to_dict()))["terms"] == number.terms
    many = lemma_1(np.ones((1, 20)), np.eye(20), 1, 0.5, masks=5)
    assert json.loads(json.dumps(many.to_dict()))["definition"] is None
    matrix = symmetric([3.0, 2.0, 1.0])
    points = lemma_2(matrix, 2, rng=0)
    told = json.loads(json.dumps(points.to_dict()))
    assert (told["name"], told["error"]) == ("Lemma 2", points.error)
    assert told["subset"] == points.subset.tolist()
    assert told["smallest_gap"] == points.smallest_gap
    best = lemma_3(matrix, 2, rng=0)
    told = json.loads(json.dumps(best.to_dict()))
    assert (told["name"], told["error"]) == ("Lemma 3", best.error)
    assert (told["formula"], told["gap"]) == (best.formula, best.gap)
    names = {
        lemma_1(IMAGES, MAP, 2, 0.5, masks=1).name: "Lemma 1",
        equation_14(IMAGES, MAP[:2], 2, 0.5, masks=1)[1].name: "Eq. 14",
        theorem_1(IMAGES, 2, 0.5, 1, masks=1).name: "Theorem 1",
    }
    assert all(name == truth for name, truth in names.items())


def test_images_of_whole_numbers_and_single_precision_are_taken_as_numbers():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (5, 8), dtype=np.uint8)
    truth = lemma_1(images.astype(float), MAP, 2, 0.5, masks=2, rng=0).formula
    assert lemma_1(images, MAP, 2, 0.5, masks=2, rng=0).formula == truth
    assert lemma_1(images.astype(np.float32), MAP, 2, 0.5, masks=2, rng=0).formula == truth
    assert lemma_1(images, MAP, 2, 0.5, masks=2, rng=0).error < 1e-14


def test_the_trace_of_the_explained_matrix_is_what_the_linear_model_explains():
    case = Case((4, 4), (2, 2), 1, -1)
    images = masked.photographs(case)
    model = LinearMAE(2, 0.5, covariance="dense", center=False).fit(images, channel_axis=-1)
    matrix = explained_matrix(images, 2, 0.5, channel_axis=-1)
    assert np.trace(matrix) == pytest.approx(model.trace_ - model.loss_, rel=1e-10)


def test_dependent_rows_are_refused():
    for call in (subspace_value, subspace_gradient):
        with pytest.raises(ValueError, match="the 2 rows of decoder span only 1 dimensions"):
            call([[1.0, 0, 0], [1.0, 0, 0]], np.eye(3))


def test_errors_of_gradients_are_relative_to_the_larger_term():
    rng = np.random.default_rng(0)
    a, b = 1e9 * rng.standard_normal((8, 2)), rng.standard_normal((2, 8))
    assert equation_13(IMAGES, a, b, 2, 0.5, masks=2).error < 1e-14
