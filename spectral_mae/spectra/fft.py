"""Planned real FFTs of batches, by FFTW or another library.

Estimated plans are the same whenever they are made, so all `RealFFT` of a kind share them, and they
outlive these (`_idle`): functions of a single image plan once. Measured plans belong to one
`RealFFT`. Two difficulties of FFTW's are handled here, the others in `backends.fftw`:

- a plan returns the same output array on every call, so results are copied out of it;
- one plan used by two threads at once gives wrong numbers, so every thread borrows a workspace
  (plan and buffers) that is its alone until it gives it back. Each transform has one thread, and
  parallel work runs chunks of the batch in a pool.

Chunks are sized to stay in the cache: that beats both one call per image and one plan for the
whole batch.
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from spectral_mae import _checks, extras
from spectral_mae._checks import Backend, ComplexArray, FloatArray, Planner
from spectral_mae.spectra.backends.workspace import MakeWorkspace, Workspace
from spectral_mae.spectra.frequencies import half_shape

CHUNK_BYTES = 2**18
# glibc gives free memory back where there is more than twice the largest piece freed so far, and
# faults it in again in the next call, which then takes up to twice as long. Pieces beyond its limit
# are given back whatever was freed before.
KEPT = 16  # times the images of a chunk: the buffers, and what is worked out beside them
LARGEST_PIECE = 2**25 - 2**13
# A workspace beyond that is made again for the next batch, which costs little beside the transform
# of so large an image; several that wait for work would take more than everything else.
LARGEST_KEPT = 2**25
# Workspaces that outlive their transforms: so many kinds, of at most so many bytes.
KINDS = 8
LARGEST_SHARED = 2**22


# What checks and pages call the transforms of each library.
LIBRARY: dict[Backend, str] = {"fftw": "FFTW", "scipy": "scipy.fft", "ducc": "ducc0.fft"}

_CHOOSING = threading.Lock()  # threads that begin together would each give the notice


class FFTWMissingWarning(UserWarning):
    """Warning that pyFFTW cannot be imported, and that SciPy computes the transforms.

    It is given once in a process, when the first transform is prepared.

    Examples
    --------
    >>> import warnings
    >>> warnings.simplefilter("ignore", FFTWMissingWarning)  # you know it
    """


def default_backend() -> Backend:
    """Return the library that computes transforms where none is named.

    Returns
    -------
    {"fftw", "scipy"}
        FFTW wherever pyFFTW can be imported, which this function does.

    Warns
    -----
    FFTWMissingWarning
        If it cannot, once.
    """
    with _CHOOSING:
        return _found()


@functools.cache  # the answer stays the same, and the notice is given once
def _found() -> Backend:
    try:
        import_module("spectral_mae.spectra.backends.fftw")
    except ImportError as error:
        warnings.warn(
            f"pyFFTW cannot be imported ({error}): scipy.fft computes the transforms, more slowly "
            "and with other last digits; 'pip install pyfftw' installs it",
            FFTWMissingWarning,
            stacklevel=3,
        )
        return "scipy"
    return "fftw"


def resolved(backend: Backend | None, planner: Planner) -> Backend:
    """Check the choice of a library and of FFTW's effort.

    Parameters
    ----------
    backend : {"fftw", "scipy", "ducc"} or None
        None is `default_backend`.
    planner : {"estimate", "measure"}
        FFTW's effort. Nothing but ``"estimate"`` goes with another library that was named.

    Returns
    -------
    {"fftw", "scipy", "ducc"}
        The library.

    Raises
    ------
    ValueError
        For other values, and for ``"measure"`` with a library other than FFTW.
    """
    if backend is not None:
        _checks.choice("backend", backend, Backend)
    _checks.choice("planner", planner, Planner)
    if backend not in (None, "fftw") and planner != "estimate":
        raise ValueError(f"{planner=} is an effort of FFTW's, and does not go with {backend=}")
    return default_backend() if backend is None else backend


def workspaces(backend: Backend, planner: Planner) -> MakeWorkspace:
    """Return what makes workspaces of a library, which is imported.

    Parameters
    ----------
    backend : {"fftw", "scipy", "ducc"}
        The library.
    planner : {"estimate", "measure"}
        FFTW's effort.

    Returns
    -------
    callable
        It can be pickled.

    Raises
    ------
    ModuleNotFoundError
        If the library is not installed; the message says how to install it.
    """
    if backend == "fftw":
        try:
            from spectral_mae.spectra.backends.fftw import Wisdom
        except ImportError as error:
            raise ModuleNotFoundError(
                f"{backend=} needs pyFFTW, which cannot be imported ({error}): pip install pyfftw",
                name="pyfftw",
            ) from error
        return Wisdom(planner).workspace
    if backend == "ducc":
        try:
            from spectral_mae.spectra.backends.ducc import DuccWorkspace
        except ImportError as error:
            raise ModuleNotFoundError(
                extras.missing(f"{backend=}", "ducc0", "ducc"), name="ducc0"
            ) from error
        return DuccWorkspace
    from spectral_mae.spectra.backends.scipy_fft import ScipyWorkspace

    return ScipyWorkspace


@functools.lru_cache(maxsize=KINDS)
def _idle(
    backend: Backend, chunk: int, shape: tuple[int, ...], dtype: np.dtype[Any], transposed: bool
) -> list[Workspace]:
    """Workspaces of one kind that no thread uses; those of a dropped kind die with their users."""
    return []


class RealFFT:
    """Planned transforms of batches of real signals or images.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each transformed axis.
    dtype : dtype
        ``float32`` or ``float64``; the complex type follows.
    backend : {"fftw", "scipy", "ducc"} or None
        Library that computes the transforms; None is FFTW, or SciPy where pyFFTW cannot be
        imported. The attribute is never None.
    planner : {"estimate", "measure"}
        FFTW's effort. ``"estimate"`` gives the same bits in every run; ``"measure"`` is faster to
        run, slower to plan, and may differ in the last bit from run to run. Where None stands for
        SciPy it has no effect.
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
        backend: Backend | None = None,
        planner: Planner = "estimate",
        workers: int = 1,
        chunk: int | None = None,
        transposed: bool = False,
    ) -> None:
        self.shape = _checks.grid_shape(shape)
        self.transposed = transposed and len(self.shape) == 2
        self.dtype = _precision(dtype)
        self.backend: Backend = resolved(backend, planner)
        self.planner: Planner = planner
        self.workers = _checks.positive_int("workers", workers)
        cached = self.images_within(CHUNK_BYTES)
        self.chunk = cached if chunk is None else _checks.positive_int("chunk", chunk)
        self._free: list[Workspace] = []
        if planner == "estimate" and 2 * self._chunk_bytes <= LARGEST_SHARED:
            self._free = _idle(self.backend, self.chunk, self.shape, self.dtype, self.transposed)
        self._new_workspace = workspaces(self.backend, planner)

    @property
    def library(self) -> str:
        """What checks and pages call the library, such as ``"FFTW"``."""
        return LIBRARY[self.backend]

    @property
    def half_shape(self) -> tuple[int, ...]:
        """Shape of one transform: the non-negative half-plane."""
        return half_shape(self.shape)[:: -1 if self.transposed else 1]

    @property
    def _chunk_bytes(self) -> int:
        """Memory of the images of a chunk, about that of each buffer of a workspace."""
        return self.chunk * prod(self.shape) * self.dtype.itemsize

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
            # What is not a number is found in the results. Threads do not share this setting.
            with self.borrow() as space, np.errstate(over="ignore", invalid="ignore"):
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
        np.empty(min(KEPT * self._chunk_bytes, LARGEST_PIECE), dtype=np.uint8)  # freed at once
        return self._new_workspace(self.chunk, self.shape, self.dtype, self.transposed)

    def _expect(self, x: NDArray[Any], shape: tuple[int, ...]) -> None:
        if x.shape[1:] != shape:
            raise ValueError(f"batch of shape {x.shape} is not (n, {', '.join(map(str, shape))})")

    def __getstate__(self) -> dict[str, Any]:
        # Plans cannot travel to another process; the other side plans its own.
        return {**self.__dict__, "_free": []}


def _precision(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype={_checks.brief(dtype)} is neither float32 nor float64") from None
    if found not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"{dtype=} is neither float32 nor float64")
    return found
