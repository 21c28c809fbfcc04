"""What is done to a chunk of images, wherever it is done: pure, picklable, and the same bits.

What a chunk gives depends on its images and the options alone: BLAS has one thread, FFTW's plans
are estimates, and what is kept from chunk to chunk (tables of a shape, open archives) changes no
number.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from spectral_mae import tables
from spectral_mae._checks import FloatArray
from spectral_mae.batch import BatchAnalyzer, BatchOptions, Outcome
from spectral_mae.engine import Chunk
from spectral_mae.grid import PatchGrid
from spectral_mae.mean_spectra import MeanSpectra
from spectral_mae.memory_budget import MemoryBudget
from spectral_mae.moments import KINDS, Moments
from spectral_mae.numbers import Numbers
from spectral_mae.parallel import one_blas_thread
from spectral_mae.picture import PICTURED
from spectral_mae.reading import TIME_LIMIT, Reader
from spectral_mae.references import OpenFiles
from spectral_mae.shape_moments import ShapeMoments
from spectral_mae.streams import ImageStream, StreamOptions

SHOWN = 4  # images whose whole analysis the page needs; the first few with their pixels


class Sums(Protocol):
    """What is added up over chunks."""

    def merge(self, other: Self) -> Self:
        """Take in what comes behind."""

    def to_arrays(self) -> dict[str, Any]:
        """All there is to know, as arrays by name."""


@dataclass
class ChunkResult:
    """What became of a chunk.

    Attributes
    ----------
    sums : Sums
    rows : dict of bytes
        What is added to tables, by their names.
    failed : list of (title, reason)
    n_done, n_failed : int
        Images that could be used, and those that could not, or not at every patch size.
    seconds, reading : float
        Spent on the chunk, and on reading in it.
    shown : list of Outcome
        Of the first images that were analysed.
    enlarged : list of str
        Titles of images that were smaller than what was asked for.
    """

    sums: Any
    rows: dict[str, bytes]
    failed: list[tuple[str, str]]
    n_done: int
    n_failed: int
    seconds: float
    reading: float
    shown: list[Outcome] = field(default_factory=list)
    enlarged: list[str] = field(default_factory=list)


class AnalysisSums:
    """Moments by shape and mean spectra."""

    def __init__(self, moments: ShapeMoments, spectra: MeanSpectra) -> None:
        self.moments, self.spectra = moments, spectra

    def merge(self, other: Self) -> Self:
        """Take in what comes behind."""
        self.moments.merge(other.moments)
        self.spectra.merge(other.spectra)
        return self

    def to_arrays(self) -> dict[str, Any]:
        """All there is to know, as arrays by name."""
        return {
            **{f"moments/{k}": v for k, v in self.moments.to_arrays().items()},
            **{f"spectra/{k}": v for k, v in self.spectra.to_arrays().items()},
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Undo `to_arrays`."""
        return cls(
            ShapeMoments.from_arrays(_below("moments/", arrays)),
            MeanSpectra.from_arrays(_below("spectra/", arrays)),
        )


class MomentSums:
    """Second moments, one for each patch size."""

    def __init__(self, moments: Sequence[Moments]) -> None:
        self.moments = list(moments)

    def merge(self, other: Self) -> Self:
        """Take in what comes behind."""
        for mine, theirs in zip(self.moments, other.moments, strict=True):
            mine.merge(theirs)  # type: ignore[arg-type]  # of the same kind
        return self

    def to_arrays(self) -> dict[str, Any]:
        """All there is to know, as arrays by name."""
        return {
            f"{i}/{name}": array
            for i, moments in enumerate(self.moments)
            for name, array in moments.to_arrays().items()
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Undo `to_arrays`."""
        n = len({name.partition("/")[0] for name in arrays})
        parts = [_below(f"{i}/", arrays) for i in range(n)]
        return cls([KINDS[str(part["kind"])].from_arrays(part) for part in parts])


class _Kept(threading.local):
    """What a thread keeps from chunk to chunk; it does not travel."""

    def __init__(self) -> None:
        self.files = OpenFiles()
        self.batch: BatchAnalyzer | None = None

    def __reduce__(self) -> tuple[type[_Kept], tuple[()]]:
        return _Kept, ()


@dataclass(frozen=True)
class AnalyzeWork:
    """``analyze`` on a chunk.

    Attributes
    ----------
    options : BatchOptions
    checks : int
        Images, from the first of the run, on which Eq. 18 is checked.
    time_limit : float
        Seconds that decoding an image may take.
    max_memory : int or None
        Bytes that an image may take.
    """

    options: BatchOptions
    checks: int
    time_limit: float = TIME_LIMIT
    max_memory: int | None = None
    _kept: _Kept = field(default_factory=_Kept, repr=False, compare=False)

    def forget(self) -> None:
        """Give up what this thread keeps for chunks to come: tables as large as its images."""
        self._kept.batch = None

    def __call__(self, chunk: Chunk) -> ChunkResult:
        """Analyse the images of a chunk."""
        start = time.perf_counter()
        if self._kept.batch is None:
            self._kept.batch = BatchAnalyzer(self.options)
        batch = self._kept.batch
        batch.moments = ShapeMoments()
        native = self.options.size is None
        batch.reader = Reader(
            self.options.color,
            self.options.max_pixels,
            self.time_limit,
            _budget(self.max_memory, native=native, color=self.options.color),
            chunk.excluded,
            self._kept.files,
        )
        spectra = MeanSpectra()
        rows: dict[str, list[bytes]] = {}
        failed: list[tuple[str, str]] = []
        shown: list[Outcome] = []
        n_done = n_shown = n_bad = 0
        with one_blas_thread():
            for position, item in enumerate(chunk.items):
                outcomes = batch.analyze(item, check=chunk.first + position < self.checks)
                ok = any(outcome.ok for outcome in outcomes)
                if ok and n_shown < SHOWN:
                    pictured = n_shown < PICTURED
                    shown += [
                        o if pictured and not o.is_large else o.without_pixels() for o in outcomes
                    ]
                    n_shown += 1
                spectra.update(outcomes)
                for name, data in _tables(outcomes, n_done).items():
                    rows.setdefault(name, []).append(data)
                failed += [(o.name, o.error) for o in outcomes if not o.ok]
                n_bad += any(not outcome.ok for outcome in outcomes)
                n_done += ok
        return ChunkResult(
            AnalysisSums(batch.moments, spectra),
            {name: b"".join(parts) for name, parts in rows.items()},
            failed,
            n_done,
            n_bad,
            time.perf_counter() - start,
            batch.reader.seconds,
            shown,
        )


@dataclass(frozen=True)
class MomentsWork:
    """Second moments of a chunk, for ``fit`` and ``sweep``.

    Attributes
    ----------
    options : StreamOptions
    grids : tuple of PatchGrid
        One for each patch size.
    kind : str
        Of moments.
    about : tuple of ndarray or None
        Means that moments are taken about, for images held out; None takes them about their own.
    time_limit : float
        Seconds that decoding an image may take.
    max_memory : int or None
        Bytes that an image may take.
    """

    options: StreamOptions
    grids: tuple[PatchGrid, ...]
    kind: str
    about: tuple[FloatArray, ...] | None = None
    time_limit: float = TIME_LIMIT
    max_memory: int | None = None
    _kept: _Kept = field(default_factory=_Kept, repr=False, compare=False)

    def __call__(self, chunk: Chunk) -> ChunkResult:
        """Add up the images of a chunk."""
        start = time.perf_counter()
        stream = ImageStream(self.options)
        stream.reader.time_limit = self.time_limit
        stream.reader.budget = _budget(self.max_memory, native=False, color=self.options.color)
        stream.reader.excluded = chunk.excluded
        stream.reader.files = self._kept.files
        channels = 3 if self.options.color else 1
        every = [KINDS[self.kind](grid, channels, self.about is None) for grid in self.grids]
        with one_blas_thread():
            for batch in stream.batches(chunk.items):
                for number, moments in enumerate(every):
                    if self.about is None:
                        moments.update(batch)
                    else:
                        patches = moments.to_patches(batch) - self.about[number]
                        moments.add_patches(patches)
        return ChunkResult(
            MomentSums(every),
            {},
            list(stream.failed.items()),
            stream.n_files,
            len(stream.failed),
            time.perf_counter() - start,
            stream.reader.seconds,
            enlarged=stream.enlarged,
        )


def _budget(max_memory: int | None, *, native: bool, color: bool) -> MemoryBudget | None:
    if max_memory is None:
        return None
    return MemoryBudget.for_images(max_memory, native=native, color=color)


def _tables(outcomes: Sequence[Outcome], first: int) -> dict[str, bytes]:
    """Rows of an image for every table; images are counted from the first of the chunk."""
    columns = tables.spectra_columns(outcomes, first)
    analysed = next((o.name for o in outcomes if o.ok), None)
    return {
        "images.csv": tables.images_text(outcomes).encode(),
        "spectra.csv": tables.spectra_text(outcomes).encode(),
        "numbers": Numbers.of(outcomes).rows.tobytes(),
        "paths": b"" if analysed is None else json.dumps(analysed).encode() + b"\n",
        **{f"spectra-{name}": column.tobytes() for name, column in columns.items()},
    }


def renumbered(data: bytes, first: int) -> bytes:
    """The numbers of images in a chunk as those in the run."""
    return (np.frombuffer(data, tables.SPECTRA["image"]) + first).tobytes()


def _below(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
