"""Second moments of a chunk of images, for ``fit`` and ``sweep``, and what any chunk gives."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae._parallel import one_blas_thread
from spectral_mae.batch.analyze.outcomes import BatchAnalyzer, Outcome
from spectral_mae.batch.chunks import Chunk
from spectral_mae.images.memory_budget import MemoryBudget
from spectral_mae.images.reader import TIME_LIMIT
from spectral_mae.images.references import OpenFiles
from spectral_mae.images.stream import ImageStream, StreamOptions
from spectral_mae.linear.moments.kinds import KINDS, Moments
from spectral_mae.masks.patches import PatchGrid


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


def _below(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
