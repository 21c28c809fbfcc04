"""Second moments of a chunk of images, for ``fit``, ``sweep`` and ``plan``."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from numpy.typing import NDArray

from spectral_mae._checks import FloatArray, PerAxis
from spectral_mae._files.array_file import arrays_below
from spectral_mae._parallel import one_blas_thread
from spectral_mae.batch.chunks import Chunk, ChunkResult, OfThread
from spectral_mae.images.limits.memory_budget import MemoryBudget
from spectral_mae.images.reader import TIME_LIMIT, Reader
from spectral_mae.images.references import OpenFiles
from spectral_mae.images.stream import ImageStream, StreamOptions
from spectral_mae.linear.moments.kinds import KINDS, Moments
from spectral_mae.masks.patches import PatchGrid

Shape = tuple[int, ...]
MOST_SHAPES = 16  # of images, each with moments of its own


class TooManyShapesError(ValueError):
    """Images have more shapes than moments are held of."""


class MomentSums:
    """Second moments of images of each shape, one for each patch size.

    Parameters
    ----------
    by_shape : mapping of tuple of int to sequence of Moments
        Moments of each patch size, by the pixels of the images along each axis.
    """

    def __init__(self, by_shape: Mapping[Shape, Sequence[Moments]]) -> None:
        self.by_shape = {shape: list(moments) for shape, moments in by_shape.items()}

    @property
    def moments(self) -> list[Moments]:
        """Those of the only shape that there is."""
        (moments,) = self.by_shape.values()
        return moments

    def merge(self, other: Self) -> Self:
        """Add the moments of the images that follow."""
        for shape, every in other.by_shape.items():
            if shape not in self.by_shape:
                self.by_shape[shape] = every
                check_shapes(self.by_shape)
                continue
            for mine, theirs in zip(self.by_shape[shape], every, strict=True):
                mine.merge(theirs)  # type: ignore[arg-type]  # of the same kind
        return self

    def to_arrays(self) -> dict[str, Any]:
        """All there is to know, as arrays by name."""
        return {
            f"{'x'.join(map(str, shape))}/{i}/{name}": array
            for shape, every in self.by_shape.items()
            for i, moments in enumerate(every)
            for name, array in moments.to_arrays().items()
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Undo `to_arrays`."""
        found: dict[Shape, list[Moments]] = {}
        for key in dict.fromkeys(name.rpartition("/")[0] for name in arrays):
            part = arrays_below(f"{key}/", arrays)
            shape = tuple(map(int, key.partition("/")[0].split("x")))
            found.setdefault(shape, []).append(KINDS[str(part["kind"])].from_arrays(part))
        return cls(found)


def check_shapes(shapes: Collection[Shape]) -> None:
    """Raise `TooManyShapesError` where images have too many shapes."""
    if len(shapes) > MOST_SHAPES:
        names = ", ".join("x".join(map(str, shape)) for shape in list(shapes)[:3])
        raise TooManyShapesError(
            f"images of more than {MOST_SHAPES} shapes ({names}, ...): each shape needs second "
            "moments of its own; give a size, so that all have one shape"
        )


def chunk_stream(
    options: StreamOptions,
    chunk: Chunk,
    time_limit: float,
    max_memory: int | None,
    files: OpenFiles,
) -> ImageStream:
    """A stream for the images of a chunk, within limits of time and memory."""
    budget = None
    if max_memory is not None:
        native = options.size is None
        budget = MemoryBudget.for_images(max_memory, native=native, color=options.color)
    reader = Reader(options.color, options.max_pixels, time_limit, budget, chunk.excluded, files)
    return ImageStream(options, reader)


@dataclass(frozen=True)
class MomentsWork:
    """Second moments of a chunk, for ``fit``, ``sweep`` and ``plan``.

    Attributes
    ----------
    options : StreamOptions
    patch_sizes : tuple of int or of tuple of int
        Each has moments of its own.
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
    patch_sizes: tuple[PerAxis, ...]
    kind: str
    center: bool = True
    about: tuple[FloatArray, ...] | None = None
    time_limit: float = TIME_LIMIT
    max_memory: int | None = None
    _kept: OfThread = field(default_factory=OfThread, repr=False, compare=False)

    def empty(self, shape: Shape) -> list[Moments]:
        """The moments of no image of a shape, one for each patch size."""
        channels = 3 if self.options.color else 1
        grids = [PatchGrid(shape, patch_size) for patch_size in self.patch_sizes]
        return [KINDS[self.kind](grid, channels, self.center) for grid in grids]

    def __call__(self, chunk: Chunk) -> ChunkResult:
        """Add up the images of a chunk."""
        start = time.perf_counter()
        options = self.options
        stream = chunk_stream(options, chunk, self.time_limit, self.max_memory, self._kept.files)
        found: dict[Shape, list[Moments]] = {}
        if options.size is not None:  # also where no image of the chunk can be read
            found[options.size, options.size] = self.empty((options.size, options.size))
        with one_blas_thread():
            for batch in stream.batches(chunk.items):
                shape = batch.shape[1:3]
                if shape not in found:
                    found[shape] = self.empty(shape)
                    check_shapes(found)
                for number, moments in enumerate(found[shape]):
                    if self.about is None:
                        moments.update(batch)
                    else:
                        patches = moments.to_patches(batch) - self.about[number]
                        moments.add_patches(patches)
        return ChunkResult(
            MomentSums(found),
            list(stream.failed.items()),
            stream.n_files,
            len(stream.failed),
            time.perf_counter() - start,
            stream.reader.seconds,
            stream.enlarged,
        )
