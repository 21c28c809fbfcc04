"""Σ_b |X_b[k]|²: the power spectra of all patches of an image, each patch on its own.

No transform per patch of the image's size is needed: the sum is the transform of the summed
autocorrelations within patches, which vanish at lags of a patch and more.

An image is split into its mean c and the rest z first, for a large mean would cost the rest its
digits: with Z̄ the transform of the sum of the patches of z and R that of one patch of ones,
Σ_b |X_b|² = Σ_b |Z_b|² + 2c Re(Z̄ R*) + c² L |R|², exactly.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.dirichlet import dirichlet_kernel
from spectral_mae.fourier import RealFFT
from spectral_mae.grid import PatchGrid, half_from_full

# Up to so many pixels a patch, one product of the patch matrix with itself beats padded FFTs.
GRAM_PIXELS = 256


class PatchPower:
    """The summed power of the patches, planned for images of one shape.

    Parameters
    ----------
    grid : PatchGrid

    Examples
    --------
    >>> x = np.arange(6.0)
    >>> parts = [0, 1, 2, 0, 0, 0], [0, 0, 0, 3, 4, 5]
    >>> naive = sum(abs(np.fft.rfft(part)) ** 2 for part in parts)
    >>> bool(np.allclose(PatchPower(PatchGrid(6, 3))(x), naive))
    True
    """

    def __init__(self, grid: PatchGrid) -> None:
        self.grid = grid
        self._lag_sums = _GramLags(grid) if grid.patch_pixels <= GRAM_PIXELS else _PaddedLags(grid)
        self._fft = RealFFT(grid.shape, chunk=1)
        # Where each padded lag lands on the cyclic lags of the image. With one patch along an
        # axis they wrap onto each other, so they are added there.
        axes = [_signed_lags(p) % n for n, p in zip(grid.shape, grid.patch_size, strict=True)]
        self._image_lag = np.ix_(*axes)
        kernels = [dirichlet_kernel(n, p) for n, p in zip(grid.shape, grid.patch_size, strict=True)]
        self._ones = half_from_full(reduce(np.multiply.outer, kernels))

    def __call__(self, plane: FloatArray) -> FloatArray:
        """Half-plane of Σ_b |X_b[k]|² for one float64 image of shape ``grid.shape``."""
        mean = float(plane.mean())
        patches = self.grid.to_patches(plane - mean)
        both = np.zeros((2, *self.grid.shape))
        np.add.at(both[0], self._image_lag, self._lag_sums(patches))
        corner = tuple(slice(p) for p in self.grid.patch_size)
        both[1][corner] = patches.sum(axis=0).reshape(self.grid.patch_size)
        varying, summed = self._fft.rfft(both)
        cross = 2 * mean * (summed * self._ones.conj()).real
        constant = mean**2 * self.grid.n_patches * np.abs(self._ones) ** 2
        # The correlation is even in the lag, so its transform is real; in all it is a sum of
        # squares, so it is not negative.
        return np.maximum(varying.real + cross + constant, 0.0)


class _GramLags:
    """Summed autocorrelations of patches through the Gram matrix of their pixels."""

    def __init__(self, grid: PatchGrid) -> None:
        pixel = np.indices(grid.patch_size).reshape(grid.ndim, -1)
        self._padded = tuple(2 * p for p in grid.patch_size)
        lag = pixel[:, :, np.newaxis] - pixel[:, np.newaxis]
        lag %= np.reshape(self._padded, (-1, 1, 1))
        self._lag = np.ravel_multi_index(tuple(lag), self._padded).ravel()

    def __call__(self, patches: FloatArray) -> FloatArray:
        """Sum over patches of their autocorrelation, shape (2p, ...), at lags modulo 2p."""
        gram = patches.T @ patches
        sums = np.bincount(self._lag, gram.ravel(), math.prod(self._padded))
        return np.asarray(sums, dtype=np.float64).reshape(self._padded)


class _PaddedLags:
    """The same through transforms of zero-padded patches, for patches of many pixels."""

    def __init__(self, grid: PatchGrid) -> None:
        self._patch_size = grid.patch_size
        self._fft = RealFFT(tuple(2 * p for p in grid.patch_size))

    def __call__(self, patches: FloatArray) -> FloatArray:
        """Sum over patches of their autocorrelation, shape (2p, ...), at lags modulo 2p."""
        squares = np.zeros((1, *self._fft.half_shape))
        corner = (slice(None), *(slice(p) for p in self._patch_size))
        for first in range(0, len(patches), self._fft.chunk):
            part = patches[first : first + self._fft.chunk].reshape(-1, *self._patch_size)
            padded = np.zeros((len(part), *self._fft.shape))
            padded[corner] = part
            half = self._fft.rfft(padded)
            squares += np.sum(half.real**2 + half.imag**2, axis=0)
        return self._fft.irfft(squares)[0]


def _signed_lags(patch: int) -> NDArray[np.integer[Any]]:
    """Lags 0..p−1, −p..−1 in the order of a padded patch of 2p pixels."""
    return (np.arange(2 * patch) + patch) % (2 * patch) - patch
