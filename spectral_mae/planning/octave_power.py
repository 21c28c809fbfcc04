"""Power of images by octave of frequency, in sums that add up to the power of the image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.spectra.octaves import OCTAVES, octave_edges
from spectral_mae.spectra.periodogram import Periodogram


class OctavePower:
    """Sums of |X|²/D over octaves, of images that are cut into patches.

    Parameters
    ----------
    grid : PatchGrid
        Shape and patches of the images.
    channels : int
        Numbers per pixel.

    Examples
    --------
    >>> grid = PatchGrid((8, 8), 4)
    >>> patches = np.random.default_rng(0).standard_normal((3, 4, 16))
    >>> found = OctavePower(grid, 1)(patches)
    >>> found.shape, bool(np.allclose(found.sum(axis=1), (patches**2).sum((1, 2))))
    ((3, 6), True)
    """

    def __init__(self, grid: PatchGrid, channels: int) -> None:
        self.grid, self.channels = grid, channels
        self._spectra = Periodogram(grid.shape, channel_axis=None if channels == 1 else -1)
        self._edges = octave_edges(grid.shape)

    def __call__(self, patches: FloatArray) -> FloatArray:
        """Return the power of each image in each octave, channels summed.

        Parameters
        ----------
        patches : ndarray, shape (n, n_patches, patch_dim)
            Images cut into patches.

        Returns
        -------
        ndarray, shape (n, 6)
            Sums of squares; zero in octaves in which the grid has no frequency.
        """
        axis = None if self.channels == 1 else -1
        images = self.grid.from_patches(patches, channel_axis=axis)
        rings = self._spectra.radial(images, bins=self._edges)
        found = np.zeros((len(patches), len(OCTAVES)))
        found[:, self._filled(rings.frequency)] = rings.power * rings.count * self.channels
        return found

    def of_frequencies(self) -> NDArray[np.integer]:
        """Return the octave of every frequency of the whole grid.

        Returns
        -------
        ndarray of int, shape ``grid.shape``
            Index from 0, in FFT order.
        """
        axes = np.meshgrid(*(np.fft.fftfreq(n) for n in self.grid.shape), indexing="ij")
        return self._filled(np.sqrt(sum(axis**2 for axis in axes)))

    def _filled(self, frequency: FloatArray) -> NDArray[np.integer]:
        return np.searchsorted(self._edges[1:-1], frequency, side="right")
