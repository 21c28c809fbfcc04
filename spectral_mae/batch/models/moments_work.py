"""Second moments of a chunk of images, for ``fit`` and ``sweep``."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae._files.array_file import arrays_below
from spectral_mae._parallel import one_blas_thread
from spectral_mae.batch.chunks import Chunk, ChunkResult, OfThread
from spectral_mae.images.memory_budget import MemoryBudget
from spectral_mae.images.reader import TIME_LIMIT, Reader
from spectral_mae.images.stream import ImageStream, StreamOptions
from spectral_mae.linear.moments.kinds import KINDS, Moments
from spectral_mae.masks.patches import PatchGrid


class MomentSums:
    """Second moments, one for each patch size."""

    def __init__(self, moments: Sequence[Moments]) -> None:
        self.moments = list(moments)

    def merge(self, other: Self) -> Self:
        """Add the moments of the images that follow."""
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
        parts = [arrays_below(f"{i}/", arrays) for i in range(n)]
        return cls([KINDS[str(part["kind"])].from_arrays(part) for part in parts])


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
    center : bool
        Whether they are about their mean.
    about : tuple of ndarray or None
        Means that moments are taken about, for images held out; None takes no mean but that of
        ``center``.
    time_limit : float
        Seconds that decoding an image may take.
    max_memory : int or None
        Bytes that an image may take.
    """

    options: StreamOptions
    grids: tuple[PatchGrid, ...]
    kind: str
    center: bool = True
    about: tuple[FloatArray, ...] | None = None
    time_limit: float = TIME_LIMIT
    max_memory: int | None = None
    _kept: OfThread = field(default_factory=OfThread, repr=False, compare=False)

    def empty(self) -> list[Moments]:
        """The moments of no image, one for each patch size."""
        channels = 3 if self.options.color else 1
        return [KINDS[self.kind](grid, channels, self.center) for grid in self.grids]

    def __call__(self, chunk: Chunk) -> ChunkResult:
        """Add up the images of a chunk."""
        start = time.perf_counter()
        options, budget = self.options, None
        if self.max_memory is not None:
            budget = MemoryBudget.for_images(self.max_memory, native=False, color=options.color)
        reader = Reader(
            options.color,
            options.max_pixels,
            self.time_limit,
            budget,
            chunk.excluded,
            self._kept.files,
        )
        stream = ImageStream(options, reader)
        every = self.empty()
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
            list(stream.failed.items()),
            stream.n_files,
            len(stream.failed),
            time.perf_counter() - start,
            reader.seconds,
            stream.enlarged,
        )
