"""Large bands: what is empty in all is left out at once, and of Hermitian products one half."""

import dataclasses

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.linear import solver
from spectral_mae.linear.corruption import PatchMasking
from spectral_mae.linear.matrices import inverse, lapack
from spectral_mae.linear.matrices.subspace import Subspace


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("shape", "patch", "channels", "n"), [((14, 21), 7, (), 5), ((20,), 5, (3,), 3)]
)
def test_what_no_band_has_is_left_out_of_all_at_once(
    shape, patch, channels, n, overwrite, monkeypatch
):
    """Of few images: the same map, loss and empty dimensions as from eigenvectors of each band."""
    grid = sm.PatchGrid(shape, patch)
    monkeypatch.setattr(inverse, "LARGE", 10)
    monkeypatch.setattr(solver, "LARGE", 10)
    images = np.random.default_rng(0).standard_normal((n, *shape, *channels)).cumsum(axis=1)
    stack = sm.BandMoments(grid, *channels).update(images).stack()
    mix = PatchMasking(sm.designs.fixed(grid, 0.5)).mix
    assert 0 < np.linalg.matrix_rank(stack.local, hermitian=True) < stack.blocks.shape[-1]
    with monkeypatch.context() as patched:
        patched.setattr(solver, "_shared_range", lambda *problem: None)
        expected = solver.full_rank(stack, mix)

    def refuse(self, cutoff):
        raise AssertionError("eigenvectors of a band")

    monkeypatch.setattr(inverse.Inverse, "_decompose", refuse)
    given = dataclasses.replace(stack, blocks=stack.blocks.copy())
    found = solver.full_rank(given, mix, overwrite=overwrite)
    assert (given.blocks is found.weights) == overwrite
    np.testing.assert_allclose(found.weights, expected.weights, atol=1e-8)
    assert found.loss == pytest.approx(expected.loss, rel=0, abs=1e-12 * stack.trace)
    assert found.n_dropped == expected.n_dropped > 0
    assert found.condition == pytest.approx(expected.condition, rel=stack.blocks.shape[-1])


def test_a_range_and_what_is_in_it():
    rng = np.random.default_rng(1)
    root = rng.standard_normal((6, 4))
    space = Subspace.of(root @ root.T)
    assert space.basis.shape == (6, 4)
    np.testing.assert_allclose((space.basis * space.values) @ space.basis.T, root @ root.T)
    parts = rng.standard_normal((2, 3, 4, 4)) + 0j
    parts[0] *= 1 + 2j
    for kind in (parts, parts.real):
        inner = kind[0] @ kind[0].conj().mT
        whole = root @ inner @ root.T
        np.testing.assert_allclose(space.outside(space.inside(whole)), whole, atol=1e-10)
        image = space.basis @ kind[1] @ space.basis.T
        np.testing.assert_allclose(space.outside(np.array(kind[1])), image, atol=1e-12)


@pytest.mark.parametrize("kind", [float, complex])
def test_sums_of_few_vectors_in_a_range(kind):
    rng = np.random.default_rng(2)
    root = rng.standard_normal((12, 4))
    space = Subspace.of(root @ root.T)
    vectors = root @ rng.standard_normal((2, 4, 3)).astype(kind)
    vectors *= np.exp(1j * rng.standard_normal(vectors.shape)) if kind is complex else 1
    matrices = vectors @ vectors.conj().mT
    assert lapack.thin_factor(matrices[0]) is not None
    matrices = np.concatenate([matrices, (root @ root.T)[np.newaxis]])  # the last is not thin
    expected = space.basis.T @ matrices @ space.basis
    np.testing.assert_allclose(space.inside_of_few(matrices), expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("n", [5, 60])
def test_models_of_few_images_leave_the_same_out(n, monkeypatch):
    """Blocks that are large enough for it, through the public classes."""
    images = np.random.default_rng(0).standard_normal((n, 14, 21)).cumsum(axis=1).cumsum(axis=2)
    fitted = sm.LinearMAE(7, 0.5).fit(images)
    monkeypatch.setattr(solver, "_shared_range", lambda *problem: None)
    other = sm.LinearMAE(7, 0.5).fit(images)
    assert fitted.solution_.n_dropped == other.solution_.n_dropped
    assert (fitted.solution_.n_dropped > 0) == (n == 5)
    assert fitted.score(images) == pytest.approx(other.score(images), abs=1e-9)


@pytest.mark.parametrize("covariance", ["banded", "dense"])
def test_scores_from_halves_of_hermitian_products(covariance, monkeypatch):
    """The same as from whole products, with blocks above and below the size for it."""
    images = np.random.default_rng(2).standard_normal((30, 8, 12)).cumsum(axis=1)
    model = sm.LinearMAE(4, 0.5, covariance=covariance, shrinkage=0.1).fit(images[:20])
    expected = model.score(images[20:])
    monkeypatch.setattr(solver, "LARGE", 10)
    assert model.score(images[20:]) == pytest.approx(expected, rel=0, abs=1e-12)
    monkeypatch.setattr(lapack, "square", np.tril)
    assert model.score(images[20:]) != pytest.approx(expected, rel=0, abs=1e-3)


@pytest.mark.parametrize(
    ("shape", "patch", "channels", "n"), [((14, 21), 7, (), 5), ((20,), 5, (3,), 3)]
)
def test_the_loss_on_other_images_needs_no_map(shape, patch, channels, n, monkeypatch):
    """Where all bands share a range; elsewhere there is none, and the map has to be solved."""
    grid = sm.PatchGrid(shape, patch)
    monkeypatch.setattr(inverse, "LARGE", 10)
    monkeypatch.setattr(solver, "LARGE", 10)
    rng = np.random.default_rng(0)
    stacks = [
        sm.BandMoments(grid, *channels)
        .update(rng.standard_normal((k, *shape, *channels)).cumsum(axis=1))
        .stack()
        for k in (n, 4, 400)
    ]
    few, others, many = stacks
    mix = PatchMasking(sm.designs.fixed(grid, 0.5)).mix
    map_ = solver.full_rank(few, mix).weights
    found = solver.loss_in_shared_range(few, mix, others)
    assert found == pytest.approx(solver.expected_loss(others, mix, map_), rel=1e-9)
    assert solver.loss_in_shared_range(many, mix, others) is None


def test_a_choice_for_few_images_takes_one_solve(monkeypatch):
    """The loss without shrinkage too is found without its map."""
    images = np.random.default_rng(0).standard_normal((9, 14, 21)).cumsum(axis=1).cumsum(axis=2)
    model = sm.LinearMAE(7, 0.5).fit(images[:5])
    held_out = model.second_moment(images[5:])
    values = [0.0, 0.01, 0.1, 0.3, 1.0]
    expected = [
        sm.LinearMAE(7, 0.5, shrinkage=value).fit_moments(model.moments_).score(held_out)
        for value in values
    ]
    solves, solve = [], solver.full_rank
    monkeypatch.setattr(solver, "full_rank", lambda *a, **o: solves.append(1) or solve(*a, **o))
    choice = model.choose_shrinkage(held_out, values)
    assert len(solves) == 1
    np.testing.assert_allclose(choice.explained, expected, rtol=0, atol=1e-10)
