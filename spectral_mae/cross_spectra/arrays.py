"""Batches of arrays, tensors and chunked arrays, read some images at a time."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from spectral_mae import _checks
from spectral_mae._checks import is_chunked
from spectral_mae._chunked import ChunkedBatch

PIECE_BYTES = 128 * 2**20  # of a batch that is taken at a time, in double precision


def sliceable(name: str, images: Any) -> Any:
    """Return a batch as it is if it has a shape and can be sliced, else as an array.

    Parameters
    ----------
    name : str
        What messages call it.
    images : array_like
        NumPy, Dask or other array, tensor, or nested sequence.

    Returns
    -------
    array
        With ``shape``, a tuple of int. Slices of it are computed as `ChunkedBatch` does.
    """
    if is_chunked(images):
        return _Chunked(name, images)
    shape = getattr(images, "shape", None)
    known = isinstance(shape, tuple) and all(isinstance(size, int) for size in shape)
    return images if known and hasattr(images, "__getitem__") else _checks.plain_array(name, images)


def pieces(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield ranges of images to take at a time: the same ones whatever holds the images.

    Parameters
    ----------
    shape : tuple of int
        Of the batch, images along axis 0.

    Yields
    ------
    slice
        Of the first axis.
    """
    n = shape[0]
    step = max(1, PIECE_BYTES // max(1, 8 * prod(shape[1:])))
    for first in range(0, n, step):
        yield slice(first, min(first + step, n))


class _Chunked:
    """A chunked batch whose slices have its own axes."""

    def __init__(self, name: str, images: Any) -> None:
        self._batch = ChunkedBatch(name, images, len(images.shape) - 1)
        self.shape = self._batch.given_shape

    def __getitem__(self, rows: slice) -> Any:
        return self._batch[rows][..., 0]
