"""The pixels of a chunk of images, of those that a ``plan`` scores."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.batch.chunks import Chunk, ChunkResult, OfThread
from spectral_mae.batch.models.moments_work import Shape, chunk_stream
from spectral_mae.images.reader import TIME_LIMIT
from spectral_mae.images.stream import StreamOptions


class PixelSums:
    """Images by shape; what is added to them follows.

    Parameters
    ----------
    by_shape : mapping of tuple of int to ndarray, shape (n, *shape[, channels])
        The images of each shape.
    """

    def __init__(self, by_shape: Mapping[Shape, FloatArray]) -> None:
        self.by_shape = dict(by_shape)

    def merge(self, other: Self) -> Self:
        """Add the images that follow."""
        for shape, images in other.by_shape.items():
            mine = self.by_shape.get(shape)
            self.by_shape[shape] = images if mine is None else np.concatenate([mine, images])
        return self

    def to_arrays(self) -> dict[str, Any]:
        """All there is to know, as arrays by name."""
        return {"x".join(map(str, shape)): images for shape, images in self.by_shape.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Undo `to_arrays`."""
        return cls({tuple(map(int, name.split("x"))): array for name, array in arrays.items()})


@dataclass(frozen=True)
class PixelsWork:
    """The pixels of a chunk.

    Attributes
    ----------
    options : StreamOptions
    time_limit : float
        Seconds that decoding an image may take.
    max_memory : int or None
        Bytes that an image may take.
    only : tuple of int or None
        Keep images of this shape alone; None keeps all.
    """

    options: StreamOptions
    time_limit: float = TIME_LIMIT
    max_memory: int | None = None
    only: Shape | None = None
    _kept: OfThread = field(default_factory=OfThread, repr=False, compare=False)

    def __call__(self, chunk: Chunk) -> ChunkResult:
        """Read the images of a chunk."""
        start = time.perf_counter()
        stream = chunk_stream(
            self.options, chunk, self.time_limit, self.max_memory, self._kept.files
        )
        found = PixelSums({})
        for batch in stream.batches(chunk.items):
            if self.only in (None, batch.shape[1:3]):
                found.merge(PixelSums({batch.shape[1:3]: batch}))
        return ChunkResult(
            found,
            list(stream.failed.items()),
            stream.n_files,
            len(stream.failed),
            time.perf_counter() - start,
            stream.reader.seconds,
            stream.enlarged,
        )
