"""The spectral bands of a patch grid: the DFT over the patch index (Zak or polyphase transform).

Band q of an image holds the alias class of frequencies {q + j·D/p}: those that land on each other
when an image is sampled once per patch. A linear map that commutes with cyclic shifts by whole
patches acts on every band on its own.
"""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.fourier import RealFFT
from spectral_mae.grid import PatchGrid, full_from_half, half_shape

Complex128Array = NDArray[np.complex128]


class BandTransform:
    """Patches to bands and back.

    Of the conjugate bands q and −q of real images only one is kept.

    Parameters
    ----------
    grid : PatchGrid
    channels : int

    Attributes
    ----------
    patch_dim : int
        Numbers in a patch, d.
    multiplicity : ndarray of int, shape (n_bands,)
        2 for a band that stands for its conjugate too, else 1. Sums to ``grid.n_patches``.
    frequencies : ndarray of int, shape (n_bands, ndim)
        Index q of each band over the patch grid; the first is zero.

    Examples
    --------
    >>> bands = BandTransform(PatchGrid((6, 8), 2))
    >>> bands.multiplicity
    array([1, 2, 1, 2, 2, 2, 2])
    >>> patches = np.random.default_rng(0).standard_normal((5, 12, 4))
    >>> bands.forward(patches).shape
    (7, 5, 4)
    >>> bool(np.allclose(bands.inverse(bands.forward(patches)), patches))
    True
    """

    def __init__(self, grid: PatchGrid, channels: int = 1) -> None:
        self.grid = grid
        self.patch_dim = grid.patch_pixels * _checks.positive_int("channels", channels)
        self._fft = RealFFT(grid.counts)
        half = half_shape(grid.counts)
        q = np.indices(half).reshape(len(half), -1).T
        mirror = -q % np.array(grid.counts)
        # Of a pair {q, −q} that lies whole in the half-plane the first in row-major order stays.
        inside = mirror[:, -1] < half[-1]
        place = np.ravel_multi_index(tuple(np.where(inside[:, None], mirror, q).T), half)
        own = np.arange(len(q))
        self._kept = np.flatnonzero(place >= own)
        self._source = np.searchsorted(self._kept, np.minimum(place, own))
        self._conjugate = place < own
        self.frequencies = q[self._kept]
        self.multiplicity = np.where((mirror == q).all(axis=1), 1, 2)[self._kept]

    def forward(self, patches: FloatArray) -> Complex128Array:
        """Unnormalised DFT over the patch index: (n, n_patches, d) to (n_bands, n, d)."""
        n, _, d = patches.shape
        planes = patches.transpose(0, 2, 1).reshape(n * d, *self.grid.counts)
        half = self._fft.rfft(planes).reshape(n, d, -1)
        return np.ascontiguousarray(half[..., self._kept].transpose(2, 0, 1))

    def inverse(self, bands: Complex128Array) -> FloatArray:
        """Undo `forward`: (n_bands, n, d) to (n, n_patches, d)."""
        _, n, d = bands.shape
        half = bands[self._source].transpose(1, 2, 0)
        half = np.where(self._conjugate, half.conj(), half)
        planes = self._fft.irfft(half.reshape(n * d, *self._fft.half_shape))
        return planes.reshape(n, d, -1).transpose(0, 2, 1)

    def full(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Spread one value per kept band, shape (n_bands, ...), over all bands, (n_patches, ...).

        The bands come in row-major order of q, conjugates conjugated.
        """
        half = values[self._source]
        conjugate = self._conjugate.reshape(-1, *(1 for _ in values.shape[1:]))
        half = np.where(conjugate, half.conj(), half)
        moved = np.moveaxis(half, 0, -1).reshape(*values.shape[1:], *self._fft.half_shape)
        full = full_from_half(moved, self.grid.counts)
        return np.moveaxis(full.reshape(*values.shape[1:], prod(self.grid.counts)), -1, 0)
