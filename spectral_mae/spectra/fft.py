"""Planned real FFTs of batches: the only file that uses FFTW.

Plans belong to a `RealFFT`; there is no global cache. FFTW's difficulties are handled here:

- planning with ``"measure"`` overwrites the arrays it plans on, so plans are made on buffers of
  their own;
- an inverse multi-dimensional real transform destroys its input, so it works on a copy;
- a plan returns the same output array on every call, so results are copied out of it;
- one plan used by two threads at once gives wrong numbers, so every thread borrows a workspace
  (plan and buffers) that is its alone until it gives it back;
- threads inside a plan deadlock after a fork, so plans have one thread, and parallel work runs
  chunks of the batch in a pool.

Chunks are sized to stay in the cache: that beats both one call per image and one plan for the
whole batch.

The way to a transposed half-plane is shorter: rows, then columns that FFTW writes down as rows.
With ``"estimate"``, which does not find the good plan to the upright one, that is up to 1.7 times
as fast. Who needs no more than powers asks for it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from math import prod
from typing import Any, Protocol

import numpy as np
import pyfftw
import scipy.fft
from numpy.typing import DTypeLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import Backend, ComplexArray, FloatArray, Planner
from spectral_mae.spectra.frequencies import half_shape

CHUNK_BYTES = 2**20
SIDE_BY_SIDE = 8  # images, at most: to write the powers of more takes longer than it saves
ALIGNED = 8  # complex numbers, as many bytes as SIMD may want an array to begin at
# glibc gives free memory back where there is more than twice the largest piece freed so far, and
# faults it in again in the next call, which then takes up to twice as long. Pieces beyond its limit
# are given back whatever was freed before.
KEPT = 16  # times the images of a chunk: the buffers, and what is worked out beside them
LARGEST_PIECE = 2**25 - 2**13
# A workspace beyond that is made again for the next batch, which costs little beside the transform
# of so large an image; several that wait for work would take more than everything else.
LARGEST_KEPT = 2**25
_PLANNER_LOCK = threading.Lock()  # FFTW's planner is one per process and not thread-safe


class Workspace(Protocol):
    """Buffers of one chunk and the transforms between them, used by one thread at a time.

    A transform destroys what it transforms: ``real`` and ``half`` may be the same memory.
    """

    real: FloatArray
    half: ComplexArray

    def room(self, n: int) -> FloatArray:
        """Return an array for the power of ``n`` images that the transforms do not use.

        Parameters
        ----------
        n : int
            Number of images, at most those of a chunk.

        Returns
        -------
        ndarray, shape (n, *half_shape)
            The same memory in every call. A few images lie side by side in it, all of their powers
            at one frequency and then those at the next.
        """

    def forward(self, planes: NDArray[Any] | None = None) -> None:
        """Transform ``real`` into ``half``, without normalisation.

        Parameters
        ----------
        planes : ndarray, shape (n, *shape), or None
            Images to transform in place of ``real``; they are not changed.
        """

    def inverse(self) -> None:
        """Transform ``half`` into ``real``, normalised so that it inverts `forward`."""


class RealFFT:
    """Planned transforms of batches of real signals or images.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each transformed axis.
    dtype : dtype
        ``float32`` or ``float64``; the complex type follows.
    backend : {"fftw", "scipy"}
        SciPy's FFT only by explicit choice.
    planner : {"estimate", "measure"}
        FFTW's effort. ``"estimate"`` gives the same bits in every run; ``"measure"`` is faster to
        run, slower to plan, and may differ in the last bit from run to run.
    workers : int
        Threads that share the chunks of a batch.
    chunk : int or None
        Images transformed per call of a plan; None picks a number that stays in the cache, a
        power of two: powers of 2 or 4 images are gathered faster than those of 3 or 5.
    transposed : bool
        Whether half-planes of images have the last axis first, (W//2 + 1, H), here and in the
        workspaces. Signals have one axis, and it makes no difference; those of volumes stay
        upright, for there that way is no shorter.

    Examples
    --------
    >>> fft = RealFFT((4, 6))
    >>> x = np.random.default_rng(0).standard_normal((3, 4, 6))
    >>> bool(np.allclose(fft.rfft(x), np.fft.rfft2(x)))
    True
    >>> bool(np.allclose(fft.irfft(fft.rfft(x)), x))
    True
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        dtype: DTypeLike = np.float64,
        backend: Backend = "fftw",
        planner: Planner = "estimate",
        workers: int = 1,
        chunk: int | None = None,
        transposed: bool = False,
    ) -> None:
        self.shape = _checks.grid_shape(shape)
        self.transposed = transposed and len(self.shape) == 2
        self.dtype = _precision(dtype)
        _checks.choice("backend", backend, Backend)
        _checks.choice("planner", planner, Planner)
        self.backend: Backend = backend
        self.planner: Planner = planner
        self.workers = _checks.positive_int("workers", workers)
        cached = self.images_within(CHUNK_BYTES)
        self.chunk = cached if chunk is None else _checks.positive_int("chunk", chunk)
        self._free: list[Workspace] = []
        self._wisdom = _Wisdom(planner)

    @property
    def half_shape(self) -> tuple[int, ...]:
        """Shape of one transform: the non-negative half-plane."""
        return half_shape(self.shape)[:: -1 if self.transposed else 1]

    @property
    def complex_dtype(self) -> np.dtype[Any]:
        """Type of the transforms, ``complex64`` or ``complex128``."""
        return np.result_type(self.dtype, np.complex64)

    def images_within(self, n_bytes: int) -> int:
        """Return the number of images that take so much memory, rounded down to a power of two.

        Parameters
        ----------
        n_bytes : int
            Memory, in bytes.

        Returns
        -------
        int
            At least 1.
        """
        images = max(1, n_bytes // (prod(self.shape) * self.dtype.itemsize))
        return 1 << images.bit_length() - 1

    def rfft(self, x: NDArray[Any]) -> ComplexArray:
        """Transform a batch of real images, without normalisation.

        Parameters
        ----------
        x : ndarray, shape (n, *shape)
            Real images.

        Returns
        -------
        ndarray of complex, shape (n, *half_shape)
            Their transforms on the half-plane.
        """
        self._expect(x, self.shape)
        if np.iscomplexobj(x):
            raise TypeError(f"a real transform cannot take {x.dtype}")
        out = np.empty((len(x), *self.half_shape), dtype=self.complex_dtype)

        def work(rows: slice, space: Workspace) -> None:
            space.forward(x[rows])
            out[rows] = space.half[: rows.stop - rows.start]

        self.each_chunk(len(x), work)
        return out

    def irfft(self, half: NDArray[Any]) -> FloatArray:
        """Invert `rfft`.

        Parameters
        ----------
        half : ndarray of complex, shape (n, *half_shape)
            Transforms on the half-plane; they are not changed.

        Returns
        -------
        ndarray, shape (n, *shape)
            Real images.
        """
        self._expect(half, self.half_shape)
        out = np.empty((len(half), *self.shape), dtype=self.dtype)

        def work(rows: slice, space: Workspace) -> None:
            n = rows.stop - rows.start
            space.half[:n] = half[rows]
            space.inverse()
            out[rows] = space.real[:n]

        self.each_chunk(len(half), work)
        return out

    def each_chunk(self, n: int, work: Callable[[slice, Workspace], None]) -> None:
        """Call a function for every chunk of a batch, in a pool of threads.

        Parameters
        ----------
        n : int
            Number of images in the batch.
        work : callable
            ``work(rows, workspace)`` fills ``workspace.real`` (or ``.half``), transforms it, and
            copies the result before it returns. Only the first ``rows.stop - rows.start`` entries
            of the buffers belong to the chunk; the others may hold anything.
        """
        chunks = iter([slice(i, min(i + self.chunk, n)) for i in range(0, n, self.chunk)])

        def run() -> None:
            with self.borrow() as space:
                try:
                    for rows in chunks:  # a thread takes the next: cores are not equally fast
                        work(rows, space)
                except BaseException:
                    deque(chunks, maxlen=0)  # the others need not go on
                    raise

        others = min(self.workers, -(-n // self.chunk)) - 1
        if others <= 0:
            run()
            return
        # This thread works too: a core is free for each, from the first moment.
        with ThreadPoolExecutor(others) as pool:
            futures = [pool.submit(run) for _ in range(others)]
            run()
            for future in futures:
                future.result()

    @contextmanager
    def borrow(self) -> Iterator[Workspace]:
        """Give this thread a workspace of its own; a new one is planned if all are in use.

        Yields
        ------
        Workspace
            It is kept for the next caller, unless it belongs to large images.
        """
        try:
            space = self._free.pop()  # list.pop and list.append are atomic
        except IndexError:
            space = self._make()
        try:
            yield space
        finally:
            if 2 * space.half.nbytes <= LARGEST_KEPT:
                self._free.append(space)

    def _make(self) -> Workspace:
        images = self.chunk * prod(self.shape) * self.dtype.itemsize
        np.empty(min(KEPT * images, LARGEST_PIECE), dtype=np.uint8)  # freed at once
        if self.backend == "scipy":
            return _ScipyWorkspace(self.chunk, self.shape, self.dtype, self.transposed)
        return _FFTWWorkspace(self.chunk, self.shape, self.dtype, self.transposed, self._wisdom)

    def _expect(self, x: NDArray[Any], shape: tuple[int, ...]) -> None:
        if x.shape[1:] != shape:
            raise ValueError(f"batch of shape {x.shape} is not (n, {', '.join(map(str, shape))})")

    def __getstate__(self) -> dict[str, Any]:
        # Plans cannot travel to another process; the other side plans its own.
        return {**self.__dict__, "_free": [], "_wisdom": _Wisdom(self.planner)}


def _precision(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype={_checks.brief(dtype)} is neither float32 nor float64") from None
    if found not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"{dtype=} is neither float32 nor float64")
    return found


class _Wisdom:
    """FFTW plans that one `RealFFT` has measured.

    FFTW keeps measurements for the whole process, and would then answer ``"estimate"`` with
    measured plans, whose last bits differ from run to run. So they are kept here, given to FFTW
    while it plans, and taken back; all workspaces of one `RealFFT` get the same plan.
    """

    def __init__(self, planner: Planner) -> None:
        self._measured: tuple[bytes, bytes, bytes] | None = None
        self.overwrites = planner == "measure"
        self.effort = "FFTW_MEASURE" if self.overwrites else "FFTW_ESTIMATE"

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


class _Buffers:
    """The part that both kinds of workspaces share."""

    real: FloatArray
    half: ComplexArray
    _room: FloatArray = np.empty(0)

    def room(self, n: int) -> FloatArray:
        """Return an array for the power of ``n`` images, the same memory in every call."""
        shape = self.half.shape[1:]
        if self._room.size < n * prod(shape):
            self._room = np.empty(n * prod(shape), dtype=self.real.dtype)
        room = self._room[: n * prod(shape)]
        if n > SIDE_BY_SIDE:
            return room.reshape(n, *shape)
        last = len(shape)
        return room.reshape(*shape, n).transpose(last, *range(last))


class _FFTWWorkspace(_Buffers):
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
        wisdom: _Wisdom,
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
        else:
            self._rows = self.half = allocate(upright, dtype=kind)
            self.real = allocate((chunk, *shape), dtype=dtype)

    def forward(self, planes: NDArray[Any] | None = None) -> None:
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
        for plan in self._inverse:
            plan.execute()
        self.real *= self._scale

    @cached_property
    def _forward(self) -> list[pyfftw.FFTW]:
        if not self._transposed:
            return [self._plan(self.real, self.half, self._axes, "FFTW_FORWARD")]
        return [
            self._plan(self.real, self._rows, (2,), "FFTW_FORWARD"),
            self._plan(self._rows, self.half.swapaxes(1, 2), (1,), "FFTW_FORWARD"),
        ]

    @cached_property
    def _inverse(self) -> list[pyfftw.FFTW]:
        if not self._transposed:
            return [self._plan(self.half, self.real, self._axes, "FFTW_BACKWARD")]
        return [
            self._plan(self.half.swapaxes(1, 2), self._rows, (1,), "FFTW_BACKWARD"),
            self._plan(self._rows, self.real, (2,), "FFTW_BACKWARD"),
        ]

    def _plan(
        self, source: NDArray[Any], target: NDArray[Any], axes: tuple[int, ...], direction: str
    ) -> pyfftw.FFTW:
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


class _ScipyWorkspace(_Buffers):
    """Buffers of the same form, transformed by SciPy's FFT."""

    def __init__(
        self, chunk: int, shape: tuple[int, ...], dtype: np.dtype[Any], transposed: bool
    ) -> None:
        self._axes = tuple(range(1, len(shape) + 1))
        self.real = np.zeros((chunk, *shape), dtype=dtype)
        half = half_shape(shape)[:: -1 if transposed else 1]
        self.half = np.zeros((chunk, *half), dtype=np.result_type(dtype, np.complex64))
        self._upright = self.half.swapaxes(1, 2) if transposed else self.half

    def forward(self, planes: NDArray[Any] | None = None) -> None:
        if planes is not None:
            self.real[: len(planes)] = planes
        self._upright[...] = scipy.fft.rfftn(self.real, axes=self._axes)

    def inverse(self) -> None:
        shape = self.real.shape[1:]
        self.real[...] = scipy.fft.irfftn(self._upright, s=shape, axes=self._axes)
