"""Workspaces that SciPy's FFT transforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from spectral_mae.spectra.backends.workspace import Workspace
from spectral_mae.spectra.frequencies import half_shape


class ScipyWorkspace(Workspace):
    """Buffers of one chunk, transformed by ``scipy.fft``."""

    def __init__(
        self, chunk: int, shape: tuple[int, ...], dtype: np.dtype[Any], transposed: bool
    ) -> None:
        self._axes = tuple(range(1, len(shape) + 1))
        self.real = np.zeros((chunk, *shape), dtype=dtype)
        half = half_shape(shape)[:: -1 if transposed else 1]
        self.half = np.zeros((chunk, *half), dtype=np.result_type(dtype, np.complex64))
        self._upright = self.half.swapaxes(1, 2) if transposed else self.half

    def forward(self, planes: NDArray[Any] | None = None) -> None:
        """Transform ``real`` or ``planes`` into ``half``."""
        if planes is not None:
            self.real[: len(planes)] = planes
        self._upright[...] = scipy.fft.rfftn(self.real, axes=self._axes)

    def inverse(self) -> None:
        """Transform ``half`` into ``real``."""
        shape = self.real.shape[1:]
        self.real[...] = scipy.fft.irfftn(self._upright, s=shape, axes=self._axes)
