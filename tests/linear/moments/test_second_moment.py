"""Moments of images of which only the second moment is known."""

import dense
import numpy as np
import pytest
import scipy.linalg

import spectral_mae as sm
from spectral_mae.linear.moments.kinds import KINDS

GRIDS = pytest.mark.parametrize(
    ("shape", "patch", "channels"),
    [
        ((9,), (3,), 1),
        ((8,), (2,), 2),
        ((6, 8), (2, 4), 1),
        ((6, 9), (3, 3), 1),
        ((4, 6), (4, 2), 3),
        ((2, 3, 4), (1, 3, 2), 2),
    ],
)


@GRIDS
@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("center", [True, False])
def test_moments_of_a_matrix_are_those_of_the_images_it_is_of(shape, patch, channels, kind, center):
    images = dense.photographs(40, shape, channels)
    second, _ = dense.moments(images, patch, kind, center=center)
    grid = sm.PatchGrid(shape, patch)
    seen = KINDS[kind](grid, channels, center).update(images, channel_axis=-1)
    mean = 0.25 if center else None
    known = KINDS[kind].from_second_moment(second, grid, channels, mean=mean)
    expected = seen.stack().blocks
    np.testing.assert_allclose(known.stack().blocks, expected, atol=1e-12 * np.abs(expected).max())
    np.testing.assert_allclose(known.mean, np.full(seen.mean.shape, mean or 0.0), rtol=1e-13)
    assert (known.center, known.n_images, known.grid) == (center, 1, grid)


@pytest.mark.parametrize("kind", list(KINDS))
def test_known_moments_merge_as_one_image_and_are_saved(kind, tmp_path):
    images = dense.photographs(1, (6,))
    grid = sm.PatchGrid((6,), 2)
    second, _ = dense.moments(images, (2,), kind, center=False)
    known = KINDS[kind].from_second_moment(second, grid)
    known.save(tmp_path / "known.npz")
    other = dense.photographs(3, (6,), seed=1)
    both = KINDS[kind].load(tmp_path / "known.npz").update(other)
    once = KINDS[kind](grid, center=False).update(np.concatenate([images, other]))
    assert both.n_images == 4
    np.testing.assert_allclose(both.stack().blocks, once.stack().blocks, atol=1e-12)


@pytest.mark.parametrize("kind", list(KINDS))
def test_matrices_that_are_no_second_moments_are_refused(kind):
    grid, make = sm.PatchGrid((4, 4), 2), KINDS[kind].from_second_moment
    one = np.eye(16)
    with pytest.raises(ValueError, match=r"matrix of shape \(9, 9\) is not \(16, 16\)"):
        make(np.eye(9), grid)
    with pytest.raises(ValueError, match=r"\(16, 16\) is not \(48, 48\)"):
        make(one, grid, 3)
    uneven = one.copy()
    uneven[0, 1] = 1e-3
    with pytest.raises(ValueError, match=r"not symmetric: it differs .* by 0.001"):
        make(uneven, grid)
    with pytest.raises(ValueError, match="eigenvalue -14, its largest is 2"):
        make(2 * one - 1, grid)
    with pytest.raises(ValueError, match="1 values that are not finite"):
        make(np.where(np.arange(256).reshape(16, 16) == 0, np.nan, one), grid)
    with pytest.raises(ValueError, match="mean=inf is not between"):
        make(one, grid, mean=np.inf)
    with pytest.raises(TypeError, match="mean='0' is not a real number"):
        make(one, grid, mean="0")


def test_what_rounding_leaves_is_taken():
    """A singular matrix with rounding in it: no eigenvalue is exactly zero."""
    rows = np.random.default_rng(0).standard_normal((3, 12))
    moments = sm.DenseMoments.from_second_moment(rows.T @ rows / 3, sm.PatchGrid(12, 3))
    model = sm.LinearMAE(3, 0.5, covariance="dense", center=False).fit_moments(moments)
    assert model.trace_ == pytest.approx(np.sum(rows**2) / 3)


def test_a_matrix_that_changes_under_shifts_has_dense_moments_only():
    second = scipy.linalg.toeplitz(0.5 ** np.arange(8))
    grid = sm.PatchGrid(8, 2)
    sm.DenseMoments.from_second_moment(second, grid)
    with pytest.raises(ValueError, match=r"changes by 0.\d+ when .* by 2 pixels along axis 0"):
        sm.BandMoments.from_second_moment(second, grid)
    blocks = np.kron(np.eye(4), [[2.0, 1.0], [1.0, 1.0]])
    sm.BandMoments.from_second_moment(blocks, grid)
    with pytest.raises(ValueError, match=r"changes by 1 when .* by 1 pixels along axis 0"):
        sm.StationaryMoments.from_second_moment(blocks, grid)
    stripes = np.kron(np.diag([1.0, 2.0]), np.eye(2))  # the same along the last axis alone
    with pytest.raises(ValueError, match="by 1 pixels along axis 0"):
        sm.BandMoments.from_second_moment(stripes, sm.PatchGrid((2, 2), 1))
    with pytest.raises(ValueError, match="by 1 pixels along axis 1"):
        sm.BandMoments.from_second_moment(np.diag([1.0, 2.0, 1.0, 2.0]), sm.PatchGrid((2, 2), 1))
