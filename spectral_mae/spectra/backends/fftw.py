"""Workspaces that FFTW transforms: the only file that imports pyfftw.

FFTW's difficulties are handled here:

- planning with ``"measure"`` overwrites the arrays it plans on, so plans are made on buffers of
  their own;
- an inverse multi-dimensional real transform destroys its input, so it works on a copy;
- threads inside a plan deadlock after a fork, so plans have one thread.

The way to a transposed half-plane is shorter: rows, then columns that FFTW writes down as rows.
With ``"estimate"``, which does not find the good plan to the upright one, that is up to 1.7 times
as fast. Who needs no more than powers asks for it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import Planner
from spectral_mae.spectra.backends.workspace import Workspace
from spectral_mae.spectra.frequencies import half_shape

DASK = "dask.array.fft"


def _imported() -> Any:
    """The module pyfftw, imported without Dask.

    Its interfaces, which nothing here uses, import Dask where that is installed, and with it
    xarray and pandas: more than all else that this package loads. Programs that want
    ``pyfftw.interfaces.dask_fft`` can still import it.
    """
    wanted = DASK.rpartition(".")[0] in sys.modules  # nothing is saved
    if not wanted:
        sys.modules[DASK] = None  # type: ignore[assignment]  # as one that is not installed
    try:
        import pyfftw
    finally:
        if not wanted:
            del sys.modules[DASK]
    return pyfftw


pyfftw = _imported()

ALIGNED = 8  # complex numbers, as many bytes as SIMD may want an array to begin at
_PLANNER_LOCK = threading.Lock()  # FFTW's planner is one per process and not thread-safe


class Wisdom:
    """FFTW plans that one `RealFFT` has measured, and the workspaces made with them.

    FFTW keeps measurements for the whole process, and would then answer ``"estimate"`` with
    measured plans, whose last bits differ from run to run. So they are kept here, given to FFTW
    while it plans, and taken back; all workspaces of one `RealFFT` get the same plan. Measurements
    do not travel to another process, which makes its own.
    """

    def __init__(self, planner: Planner) -> None:
        self._planner: Planner = planner
        self._measured: tuple[bytes, bytes, bytes] | None = None
        self.overwrites = planner == "measure"
        self.effort = "FFTW_MEASURE" if self.overwrites else "FFTW_ESTIMATE"

    def __reduce__(self) -> tuple[type[Wisdom], tuple[Planner]]:
        return Wisdom, (self._planner,)

    def workspace(
        self, chunk: int, shape: tuple[int, ...], dtype: np.dtype[Any], transposed: bool
    ) -> FFTWWorkspace:
        """Make a workspace; see `MakeWorkspace`."""
        return FFTWWorkspace(chunk, shape, dtype, transposed, self)

    @contextmanager
    def used(self) -> Iterator[None]:
        """Lock FFTW's planner, of which there is one per process, while a plan is made."""
        with _PLANNER_LOCK:
            if not self.overwrites:
                yield
                return
            others = pyfftw.export_wisdom()
            pyfftw.forget_wisdom()
            if self._measured is not None:
                pyfftw.import_wisdom(self._measured)
            try:
                yield
                self._measured = pyfftw.export_wisdom()
            finally:
                pyfftw.forget_wisdom()
                pyfftw.import_wisdom(others)


class FFTWWorkspace(Workspace):
    """Aligned buffers, and FFTW plans between them that are made when first used.

    ``"measure"`` overwrites what it plans on, so its plans are made on scratch arrays and then
    pointed at the buffers.
    """

    def __init__(
        self,
        chunk: int,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        transposed: bool,
        wisdom: Wisdom,
    ) -> None:
        self._axes = tuple(range(1, len(shape) + 1))
        self._transposed = transposed
        self._wisdom = wisdom
        self._scale = 1.0 / prod(shape)
        upright = (chunk, *half_shape(shape))
        kind = np.result_type(dtype, np.complex64)
        # Of a chunk that is not full the rest is transformed too, so it must hold numbers.
        allocate = pyfftw.zeros_aligned if chunk > 1 else pyfftw.empty_aligned
        if transposed:
            # The rows are transformed into a third array, and so ``half`` can be where ``real``
            # was. One piece of memory: the allocator gives several back and faults them in again.
            size = -(-prod(upright) // ALIGNED) * ALIGNED
            rows, half = allocate((2, size), dtype=kind)
            self._rows = rows[: prod(upright)].reshape(upright)
            self.half = half[: prod(upright)].reshape(chunk, *upright[:0:-1])
            self.real = half.view(dtype)[: chunk * prod(shape)].reshape(chunk, *shape)
            self._spare = rows.view(np.uint8)  # the rows are not needed once they are transformed
        else:
            self._rows = self.half = allocate(upright, dtype=kind)
            self.real = allocate((chunk, *shape), dtype=dtype)

    def forward(self, planes: NDArray[Any] | None = None) -> None:
        """Transform ``real`` or ``planes`` into ``half``."""
        first, direct = self._forward[0], False
        if planes is not None:
            direct = self._can_read(planes, first.input_alignment)
            if direct:  # with the strides of the buffer; those of a single plane may be any
                first.update_arrays(planes.ravel().reshape(self.real.shape), self._rows)
            else:
                self.real[: len(planes)] = planes
        for plan in self._forward:
            plan.execute()
        if direct:  # a plan keeps what it points at
            first.update_arrays(self.real, self._rows)

    def _can_read(self, planes: NDArray[Any], alignment: int) -> bool:
        """Whether FFTW's plan may read ``planes`` in place of the real buffer."""
        real = self.real
        return (
            planes.dtype == real.dtype
            and planes.shape == real.shape
            and planes.flags.c_contiguous
            and pyfftw.is_byte_aligned(planes, alignment)
        )

    def inverse(self) -> None:
        """Transform ``half`` into ``real``."""
        for plan in self._inverse:
            plan.execute()
        self.real *= self._scale

    @cached_property
    def _forward(self) -> list[Any]:
        if not self._transposed:
            return [self._plan(self.real, self.half, self._axes, "FFTW_FORWARD")]
        return [
            self._plan(self.real, self._rows, (2,), "FFTW_FORWARD"),
            self._plan(self._rows, self.half.swapaxes(1, 2), (1,), "FFTW_FORWARD"),
        ]

    @cached_property
    def _inverse(self) -> list[Any]:
        if not self._transposed:
            return [self._plan(self.half, self.real, self._axes, "FFTW_BACKWARD")]
        return [
            self._plan(self.half.swapaxes(1, 2), self._rows, (1,), "FFTW_BACKWARD"),
            self._plan(self._rows, self.real, (2,), "FFTW_BACKWARD"),
        ]

    def _plan(
        self, source: NDArray[Any], target: NDArray[Any], axes: tuple[int, ...], direction: str
    ) -> Any:
        overwrites = self._wisdom.overwrites
        arrays = [_scratch(a) if overwrites else a for a in (source, target)]
        flags = ("FFTW_DESTROY_INPUT",) if direction == "FFTW_BACKWARD" else ()
        with self._wisdom.used():
            plan = pyfftw.FFTW(
                *arrays,
                axes=axes,
                direction=direction,
                flags=(self._wisdom.effort, *flags),
                threads=1,
            )
        if overwrites:
            plan.update_arrays(source, target)
        return plan


def _scratch(array: NDArray[Any]) -> NDArray[Any]:
    """Zeros of the same shape, strides and alignment as an array without gaps."""
    zeros = pyfftw.zeros_aligned(array.size, dtype=array.dtype)
    return np.lib.stride_tricks.as_strided(zeros, array.shape, array.strides)
