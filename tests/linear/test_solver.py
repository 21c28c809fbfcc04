"""The closed forms against enumeration of all masks, dense algebra, and each other."""

import itertools

import numpy as np
import pytest
from laws import assert_close
from masking_cases import uniform_masking

from spectral_mae import PatchGrid
from spectral_mae.linear.corruption import GaussianNoise, Mix, NoCorruption
from spectral_mae.linear.moments.blocks import Stack
from spectral_mae.linear.moments.kinds import BandMoments, DenseMoments
from spectral_mae.linear.problems.hidden_target import hidden_target
from spectral_mae.linear.solver import (
    eigenvalues,
    expected_loss,
    full_rank,
    low_rank,
)
from spectral_mae.masks.sampling import enumerate_kept

SHAPES = pytest.mark.parametrize(
    ("shape", "patch", "channels"),
    [
        *(((6,), 2, 1), ((8,), 2, 2)),
        *(((4, 6), 2, 1), ((6, 4), (3, 2), 1), ((4, 4), 2, 3)),
        *(((2, 3, 4), (1, 3, 2), 1), ((2, 4, 2), (2, 2, 1), 2)),
    ],
)
DESIGNS = pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])


def photographs(n, shape, channels=1, seed=0):
    """Images with correlated pixels, a mean, and no symmetry."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape)) * channels
    mixing = rng.standard_normal((size, size)) * np.geomspace(1, 0.05, size)
    images = 0.5 + rng.standard_normal((n, size)) @ mixing
    return images.reshape(n, *shape, channels)


def patch_shifts(images, grid):
    """All cyclic shifts by whole patches."""
    steps = itertools.product(*(range(count) for count in grid.counts))
    axes = tuple(range(1, grid.ndim + 1))
    return np.concatenate(
        [
            np.roll(images, np.multiply(step, grid.patch_size), axis=axes)
            for step in map(list, steps)
        ]
    )


def moments(kind, images, grid):
    return kind(grid, images.shape[-1]).update(images, channel_axis=-1)


def dense_map(weights, transform):
    """The (D, D) map in patch order that acts on band q of rows as conj(W_q)."""
    n_patches, d = transform.grid.n_patches, transform.patch_dim
    identity = np.eye(n_patches * d).reshape(-1, n_patches, d)
    bands = transform.forward(identity)
    return transform.inverse(bands @ weights.conj()).reshape(n_patches * d, -1)


def enumerated_loss(patches, weights, grid, ratio, sampling, *, hidden_only=False):
    """Mean over images and all masks of the squared error of x̂ = x̃ W, by going through them."""
    total = 0.0
    for kept, probability in enumerate_kept(grid.n_patches, ratio, sampling=sampling):
        seen = (patches * kept[:, np.newaxis]).reshape(len(patches), -1)
        error = (seen @ weights).reshape(patches.shape) - patches
        if hidden_only:
            error = error[:, ~kept]
        total += probability * np.sum(error**2) / len(patches)
    return total


@SHAPES
@pytest.mark.parametrize(
    "mix",
    [
        uniform_masking(4, 0.5).mix,
        uniform_masking(4, 0.3, "bernoulli").mix,
        GaussianNoise(0.3).mix,
        NoCorruption().mix,
    ],
)
def test_bands_solve_the_dense_problem_of_all_patch_shifts(shape, patch, channels, mix):
    grid = PatchGrid(shape, patch)
    images = photographs(40, shape, channels)
    banded = moments(BandMoments, images, grid)
    dense = moments(DenseMoments, patch_shifts(images, grid), grid)
    np.testing.assert_allclose(banded.mean, dense.mean, atol=1e-12)
    assert banded.stack().trace == pytest.approx(dense.stack().trace, rel=1e-12)
    full_band, full_dense = (full_rank(m.stack(), mix) for m in (banded, dense))
    tolerance = 1e-10 * full_dense.trace
    assert full_band.loss == pytest.approx(full_dense.loss, abs=tolerance)
    np.testing.assert_allclose(
        eigenvalues(banded.stack(), full_band, mix),
        eigenvalues(dense.stack(), full_dense, mix),
        atol=tolerance,
    )
    assert_close(dense_map(full_band.weights, banded.transform), full_dense.weights[0], 1e-10)
    for rank in range(1, grid.n_patches * banded.patch_dim + 1):
        low_band, low_dense = (low_rank(m.stack(), mix, rank) for m in (banded, dense))
        assert low_band.loss == pytest.approx(low_dense.loss, abs=tolerance)
        assert low_band.eigenvalues.shape == (rank,)
        if low_band.split is None:
            assert_close(dense_map(low_band.weights, banded.transform), low_dense.weights[0], 1e-10)


@SHAPES
@DESIGNS
@pytest.mark.parametrize("kind", [BandMoments, DenseMoments])
@pytest.mark.parametrize("rank", [None, 1, 5])
def test_loss_is_the_mean_over_all_masks(shape, patch, channels, sampling, kind, rank):
    """On the very images, unshifted; also where there are fewer images than pixels."""
    grid = PatchGrid(shape, patch)
    for n in (5, 40):
        images = photographs(n, shape, channels)
        seen = moments(kind, images, grid)
        masking = uniform_masking(grid.n_patches, 0.5, sampling)
        stack = seen.stack()
        found = (
            full_rank(stack, masking.mix) if rank is None else low_rank(stack, masking.mix, rank)
        )
        if found.split is not None:
            continue
        weights = (
            found.weights[0] if kind is DenseMoments else dense_map(found.weights, seen.transform)
        )
        patches = grid.to_patches(images, channel_axis=-1) - seen.mean
        expected = enumerated_loss(patches, weights, grid, 0.5, sampling)
        assert found.loss == pytest.approx(expected, abs=1e-10 * found.trace)
        assert expected_loss(stack, masking.mix, found.weights) == pytest.approx(
            expected, abs=1e-10 * found.trace
        )


@SHAPES
@pytest.mark.parametrize("ratio", [0.3, 0.5, 0.65])
@DESIGNS
@pytest.mark.parametrize("kind", [BandMoments, DenseMoments])
def test_hidden_loss_is_the_mean_over_all_masks(shape, patch, channels, ratio, sampling, kind):
    grid = PatchGrid(shape, patch)
    images = photographs(60, shape, channels)
    seen = moments(kind, images, grid)
    masking = uniform_masking(grid.n_patches, ratio, sampling)
    found = hidden_target(seen.stack(), masking.mix_given_hidden, masking.mix.mu)
    weights = found.weights[0] if kind is DenseMoments else dense_map(found.weights, seen.transform)
    patches = grid.to_patches(images, channel_axis=-1) - seen.mean
    expected = enumerated_loss(patches, weights, grid, ratio, sampling, hidden_only=True)
    assert found.loss == pytest.approx(expected, abs=1e-10 * found.trace)
    own = weights.reshape(grid.n_patches, seen.patch_dim, grid.n_patches, seen.patch_dim)
    own = np.einsum("ainj->ainj", own)[np.arange(grid.n_patches), :, np.arange(grid.n_patches)]
    np.testing.assert_allclose(own, 0, atol=1e-9)
    rng = np.random.default_rng(1)
    for _ in range(5):
        step = 1e-3 * rng.standard_normal(found.weights.shape)
        other = weights + (
            step[0] if kind is DenseMoments else dense_map(step.astype(complex), seen.transform)
        )
        worse = enumerated_loss(patches, other, grid, ratio, sampling, hidden_only=True)
        assert worse >= expected - 1e-10 * found.trace


def test_hidden_target_of_two_patches_is_plain_regression():
    """With L = 2 and K = 1 the hidden patch is predicted from the other one, always seen."""
    grid = PatchGrid(4, 2)
    images = photographs(50, (4,))
    seen = moments(DenseMoments, images, grid)
    masking = uniform_masking(2, 0.5)
    found = hidden_target(seen.stack(), masking.mix_given_hidden, masking.mix.mu)
    centred = (images[..., 0] - images[..., 0].mean(axis=0)).reshape(50, 2, 2)
    for target, source in ((0, 1), (1, 0)):
        fit, *_ = np.linalg.lstsq(centred[:, source], centred[:, target], rcond=None)
        rows, columns = slice(2 * source, 2 * source + 2), slice(2 * target, 2 * target + 2)
        np.testing.assert_allclose(found.weights[0][rows, columns], fit, atol=1e-9)


def test_hidden_target_refuses_what_has_no_closed_form():
    grid = PatchGrid(8, 2)
    seen = moments(DenseMoments, photographs(3, (8,)), grid)
    masking = uniform_masking(4, 0.25)
    with pytest.raises(ValueError, match="no closed form"):
        hidden_target(seen.stack(), masking.mix_given_hidden, masking.mix.mu)


@pytest.mark.parametrize("kind", [BandMoments, DenseMoments])
def test_a_map_may_take_the_place_of_its_second_moment(kind):
    """Of the stack alone: the moments stay, and so does every number."""
    seen = moments(kind, photographs(30, (4, 6)), PatchGrid((4, 6), 2))
    before, mix = seen.stack(), uniform_masking(6, 0.5).mix
    apart, place = full_rank(before, mix), seen.stack()
    again = full_rank(place, mix, overwrite=True)
    assert again.weights is place.blocks
    np.testing.assert_array_equal(again.weights, apart.weights)
    numbers = [(s.loss, s.trace, s.condition, s.n_dropped) for s in (again, apart)]
    assert numbers[0] == numbers[1]
    for shrinkage in (0.0, 0.3):
        expected = seen.stack().shrunk(shrinkage, seen.transform).blocks
        found = seen.stack().shrunk(shrinkage, seen.transform, overwrite=True).blocks
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(seen.stack().blocks, before.blocks)


@pytest.mark.parametrize("kind", [BandMoments, DenseMoments])
def test_no_map_near_the_best_does_better(kind):
    grid = PatchGrid((4, 6), 2)
    stack = moments(kind, photographs(30, (4, 6)), grid).stack()
    mix = uniform_masking(6, 0.5).mix
    rng = np.random.default_rng(0)
    best = full_rank(stack, mix)
    for size in (1e-4, 1e-2, 1.0):
        step = size * rng.standard_normal(best.weights.shape)
        assert expected_loss(stack, mix, best.weights + step) > best.loss


def test_constant_pixels_and_constant_images_have_defined_results():
    grid = PatchGrid((4, 4), 2)
    images = photographs(30, (4, 4))
    images[:, 1, 2] = 0.7
    mix = uniform_masking(4, 0.5).mix
    for kind in (DenseMoments, BandMoments):
        assert np.isfinite(full_rank(moments(kind, images, grid).stack(), mix).weights).all()
        flat = full_rank(moments(kind, np.full_like(images, 0.3), grid).stack(), mix)
        assert flat.n_dropped == 16
        assert flat.loss == 0
        assert not flat.weights.any()
    dense = full_rank(moments(DenseMoments, images, grid).stack(), mix)
    assert dense.n_dropped == 1


def test_a_rank_may_split_a_pair_of_bands():
    values = np.array([[3.0], [5.0]])
    stack = Stack(values[:, :, np.newaxis].astype(complex), np.array([1, 2]), 1)
    found = [low_rank(stack, Mix(1.0, 1.0), rank) for rank in (1, 2, 3)]
    assert [f.loss for f in found] == [8.0, 3.0, 0.0]
    assert [f.split is not None for f in found] == [True, False, False]
    assert found[0].components.block.tolist() == [1]
    assert not found[0].weights.any()


@pytest.mark.parametrize("rank", [0, 4])
def test_impossible_ranks_are_refused(rank):
    stack = Stack(np.eye(3)[np.newaxis], np.array([1]), 1)
    with pytest.raises(ValueError, match=f"rank={rank}"):
        low_rank(stack, Mix(1.0, 1.0), rank)
