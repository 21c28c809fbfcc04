"""Σ_b |X_b[k]|² of tensors: the power spectra of all patches, as sums of squares.

A patch has few pixels, so its transform at all frequencies of the image is a product with a table
of waves along each axis. Sums of squares keep their digits in float32, where transforms of
autocorrelations (`spectral_mae.masked_spectra.patch_sums.patch_power`) would lose them at
frequencies of little power. As there, the mean of the image is taken off first, and what it
contributes comes from the closed form of a patch of ones, which is exactly zero on the zeros of the
grating.
"""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any

import numpy as np

from spectral_mae._array_api import Constants, complex_dtype
from spectral_mae._checks import namespace
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulses import dirichlet_kernel, unit_roots
from spectral_mae.spectra.frequencies import half_shape

PART = 2**22  # complex numbers in the transforms of patches that are formed at once


class TensorPatchPower:
    """Sum of the power spectra of all patches of tensors of one shape.

    Parameters
    ----------
    grid : PatchGrid
        Patches of the images.
    """

    def __init__(self, grid: PatchGrid) -> None:
        self._grid = grid
        self._half = half_shape(grid.shape)
        sides = list(zip(grid.shape, grid.patch_size, self._half, strict=True))
        waves = {
            f"axis{axis}": unit_roots(n, np.multiply.outer(np.arange(p), np.arange(end)))
            for axis, (n, p, end) in enumerate(sides)
        }
        kernels = [dirichlet_kernel(n, p)[:end] for n, p, end in sides]
        self._constants = Constants(ones=reduce(np.multiply.outer, kernels), **waves)

    def __call__(self, planes: Any) -> Any:
        """Return Σ_b |X_b[k]|² of one image.

        Parameters
        ----------
        planes : tensor, shape (*grid.shape, channels)
            The image; the sums of channels are added.

        Returns
        -------
        tensor, shape (*shape[:-1], shape[-1]//2 + 1)
            On the half-plane, unnormalised.
        """
        xp, tables = namespace(planes), self._constants.of(planes)
        step = max(1, PART // prod(self._half))
        power = 0.0
        for channel in range(planes.shape[-1]):
            plane = planes[..., channel]
            mean = xp.mean(plane)
            patches = xp.astype(self._cut(xp, plane - mean), complex_dtype(planes))
            constant_part = xp.astype(mean, complex_dtype(planes)) * tables["ones"]
            for first in range(0, self._grid.n_patches, step):
                waves = patches[first : min(first + step, self._grid.n_patches), ...]
                for axis in range(self._grid.ndim):
                    waves = xp.tensordot(waves, tables[f"axis{axis}"], axes=((1,), (0,)))
                waves = waves + constant_part
                power = power + xp.sum(xp.real(waves) ** 2 + xp.imag(waves) ** 2, axis=0)
        return power

    def _cut(self, xp: Any, plane: Any) -> Any:
        """Patches of one channel, (n_patches, *patch_size)."""
        grid = self._grid
        pairs = [n for pair in zip(grid.counts, grid.patch_size, strict=True) for n in pair]
        split = xp.reshape(plane, tuple(pairs))
        order = (*range(0, 2 * grid.ndim, 2), *range(1, 2 * grid.ndim, 2))
        return xp.reshape(xp.permute_dims(split, order), (grid.n_patches, *grid.patch_size))
