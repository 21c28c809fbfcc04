"""The best linear map for each mask: what looking at the mask is worth, without being nonlinear."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.linalg

import spectral_mae as sm
from spectral_mae._checks import BoolArray, FloatArray

# Images and which patches are kept to images like them.
Filler = Callable[[FloatArray, BoolArray], FloatArray]

RIDGES = (0.0, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3)


class PerMask:
    """x̂_h = m_h + S_hv (S_vv + νI)⁻¹ (x_v − m_v), another map for every mask.

    The equations of `sm.Interpolator`, by Cholesky: where no two masks are alike and few pixels are
    visible this is faster than conjugate gradients.

    Parameters
    ----------
    moments : DenseMoments
    ridge : float
        ν, a variance.
    """

    def __init__(self, moments: sm.DenseMoments, ridge: float) -> None:
        self.moments, self.ridge = moments, ridge
        self._second = moments.stack().blocks[0]

    def __call__(self, images: FloatArray, kept: BoolArray) -> FloatArray:
        """Images with hidden patches filled in; a `Filler`."""
        grid, dim = self.moments.grid, self.moments.patch_dim
        patches = grid.to_patches(images, channel_axis=-1)
        about = (patches - self.moments.mean).reshape(len(images), -1)
        filled = np.empty_like(about)
        for row, one, mask in zip(about, filled, kept, strict=True):
            seen = np.flatnonzero(np.repeat(mask, dim))
            rows = self._second[seen]
            matrix = rows[:, seen]
            matrix[np.diag_indices(len(seen))] += self.ridge
            factor = scipy.linalg.cho_factor(matrix, lower=True, overwrite_a=True)
            one[:] = scipy.linalg.cho_solve(factor, row[seen]) @ rows
            one[seen] = row[seen]
        return grid.from_patches(self.moments.mean + filled.reshape(patches.shape), channel_axis=-1)


def hidden_error(fill: Filler, images: FloatArray, kept: BoolArray, grid: sm.PatchGrid) -> float:
    """Mean squared error of hidden pixels."""
    hidden = ~grid.expand(kept)
    return float(np.mean((fill(images, kept) - images)[hidden] ** 2))


def best_ridge(moments: sm.DenseMoments, images: FloatArray, kept: BoolArray) -> float:
    """The ridge that does best on images the moments have not seen."""
    errors = [hidden_error(PerMask(moments, ridge), images, kept, moments.grid) for ridge in RIDGES]
    return RIDGES[int(np.argmin(errors))]


def distance_from_interpolator(fill: PerMask, images: FloatArray, kept: BoolArray) -> float:
    """Largest difference from `sm.Interpolator` on images, in units of pixels.

    With a ridge, conjugate gradients end where rounding lets them.
    """
    iterative = sm.Interpolator(fill.moments, noise=fill.ridge, tolerance=1e-8, max_iterations=5000)
    visible = fill.moments.grid.expand(kept)
    found = iterative.fill(images, visible, channel_axis=-1).images
    return float(np.abs(found - fill(images, kept))[~visible].max())
