"""Workspaces that ducc0 transforms: the only file that imports it.

Its FFT is the successor of the one in SciPy. It writes into given arrays, transposed ones included,
and transforms several rows or columns at once in the registers of the processor.
"""

from __future__ import annotations

from typing import Any

import ducc0.fft
import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import ComplexArray
from spectral_mae.spectra.backends.workspace import Workspace
from spectral_mae.spectra.frequencies import half_shape

# In single precision eight columns are written at a time. In a transposed array whose rows are a
# multiple of this many bytes apart they fall on the same places of the cache and drive each other
# out: then the upright half-plane is made first and copied.
CACHE_PERIOD = 4096
BY_SIZE = 2  # ducc0's number for a normalisation by 1/N


class DuccWorkspace(Workspace):
    """Buffers of one chunk, transformed by ``ducc0.fft``."""

    def __init__(
        self, chunk: int, shape: tuple[int, ...], dtype: np.dtype[Any], transposed: bool
    ) -> None:
        self._axes = tuple(range(1, len(shape) + 1))
        half, kind = half_shape(shape), np.result_type(dtype, np.complex64)
        self.real = np.zeros((chunk, *shape), dtype=dtype)
        self.half = np.zeros((chunk, *half[:: -1 if transposed else 1]), dtype=kind)
        self._upright = self.half.swapaxes(1, 2) if transposed else self.half
        crowded = transposed and dtype == np.float32 and self.half.strides[1] % CACHE_PERIOD == 0
        self._beside: ComplexArray | None = np.empty((chunk, *half), kind) if crowded else None

    def forward(self, planes: NDArray[Any] | None = None) -> None:
        """Transform ``real`` or ``planes`` into ``half``."""
        if planes is not None:
            self.real[: len(planes)] = planes
        out = self._upright if self._beside is None else self._beside
        ducc0.fft.r2c(self.real, axes=self._axes, out=out, nthreads=1)
        if self._beside is not None:
            self._upright[...] = self._beside

    def inverse(self) -> None:
        """Transform ``half`` into ``real``."""
        source = self._upright
        if self._beside is not None:
            self._beside[...] = source
            source = self._beside
        ducc0.fft.c2r(
            source,
            axes=self._axes,
            lastsize=self.real.shape[-1],
            forward=False,
            inorm=BY_SIZE,
            out=self.real,
            nthreads=1,
        )
