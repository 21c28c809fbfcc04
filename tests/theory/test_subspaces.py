"""Lemmas 2 and 3: critical points of the decoder against differences and ascent."""

import itertools
import math

import masked
import numpy as np
import pytest
import scipy.linalg
from laws import assert_close
from lemmas import rotation, slopes, symmetric
from masked import CASES

from spectral_mae.theory import (
    CriticalPoints,
    explained_matrix,
    lemma_2,
    lemma_3,
    subspace_gradient,
    subspace_value,
)

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
    assert (found.n_draws, found.name) == (4, "Lemma 3")
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
    assert lemma_3(matrix, 2, rng=0).n_draws == 5


@pytest.mark.parametrize("kind", ["many", "few"])
def test_lemma_3_of_images(kind):
    matrix = explained_matrix(masked.photographs(CASES[2], kind), 2, 0.5)
    found = lemma_3(matrix, 2, rng=0)
    assert found.error < 1e-9
    assert found.formula == pytest.approx(np.linalg.eigvalsh(matrix)[-2:].sum())


def test_asymmetry_of_rounding_is_averaged_out():
    matrix = symmetric([4.0, 2.0, 1.0, 0.5, 0.1])
    nearly = matrix + np.triu(np.full((5, 5), 1e-12))
    assert lemma_3(nearly, 2, rng=0).error < 1e-9
    b = np.ones((1, 5))
    assert subspace_value(b, nearly) == pytest.approx(subspace_value(b, matrix), rel=1e-11)
    lopsided = matrix + np.triu(np.full((5, 5), 1e-10), 1)
    even = (lopsided + lopsided.T) / 2
    assert_close(subspace_gradient(b, lopsided), subspace_gradient(b, even), 1e-14)
    assert_close(lemma_2(lopsided, 2, rng=0).formula, lemma_2(even, 2, rng=0).formula, 1e-14)
    with pytest.raises(ValueError, match="differ by up to 1e-0"):
        lemma_3(matrix + np.triu(np.full((5, 5), 1e-8), 1), 2)
