"""Batches that are computed or read in chunks, such as arrays of Dask: some images at a time.

No library is imported for this. What has chunks and can be sliced is read slice by slice: arrays of
Dask, Zarr and HDF5, and ``xarray.DataArray``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks

PIECE_BYTES = 64 * 2**20  # of images that are read at a time


class ChunkedBatch:
    """A batch that is read some images at a time, with the channels as last axis.

    Slices of images are arrays of NumPy. What is read for one slice and belongs to the next is
    kept until then, so in order each chunk is computed once. A piece that is read is a chunk along
    axis 0, several small ones up to 64 MiB, or, where images themselves are cut into chunks, a part
    of a larger one: then chunks are computed for each part anew, and only parts stay in memory.

    Parameters
    ----------
    name : str
        What messages call it.
    array : array
        For which `_checks.is_chunked` is true; images along axis 0.
    ndim : int
        Number of axes of an image, without that of the channels.
    channel_axis : int or None
        Axis of the channels.

    Attributes
    ----------
    shape : tuple of int
        (n, *shape, channels).
    dtype : dtype
        Type of the numbers.

    Raises
    ------
    TypeError
        If it holds no real numbers.
    ValueError
        If it has another number of axes, or a size that is not known.
    """

    def __init__(
        self, name: str, array: Any, ndim: int, *, channel_axis: int | None = None
    ) -> None:
        if any(size != size for size in array.shape):
            raise ValueError(
                f"{name} of shape {array.shape} has a size that is not known: "
                f"{name}.compute_chunk_sizes() finds it"
            )
        self.dtype = np.dtype(array.dtype)
        _checks.numeric_array(name, np.empty(0, self.dtype))
        self.shape = _checks.channels_last(
            name, _checks.outline(array), channel_axis, ndim + 1
        ).shape
        self.given_shape = tuple(array.shape)
        self._name = name
        self._array = _inside(array)
        self._channel_axis = channel_axis
        self._edges = [0, *accumulate(_piece_sizes(self._array))]
        self._kept: tuple[int, NDArray[Any]] | None = None

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        """Read images, as (n, *shape, channels)."""
        first, stop, _ = rows.indices(len(self))
        parts = []
        while first < stop:
            place = bisect_right(self._edges, first) - 1
            begin, end = self._edges[place], min(stop, self._edges[place + 1])
            parts.append(self._piece(place)[first - begin : end - begin])
            first = end
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.empty((0, *self.shape[1:]), self.dtype)

    def pieces(self) -> Iterator[slice]:
        """Yield ranges of images that are read at a time.

        Yields
        ------
        slice
            Of images, in order.
        """
        for first, stop in zip(self._edges, self._edges[1:], strict=False):
            yield slice(first, stop)

    def _piece(self, place: int) -> NDArray[Any]:
        if self._kept is not None and self._kept[0] == place:
            return self._kept[1]
        self._kept = None  # its memory is free before the next is read
        rows = slice(self._edges[place], self._edges[place + 1])
        part = self._array[rows]
        if hasattr(part, "compute"):
            part = part.compute()
        pixels = _checks.numeric_array(self._name, part)
        ndim = len(self.shape) - 1
        last = _checks.channels_last(self._name, pixels, self._channel_axis, ndim)
        self._kept = place, last
        return last


def _inside(array: Any) -> Any:
    """What a DataArray of xarray holds: an array of Dask, or what reads a file slice by slice."""
    if not hasattr(array, "variable"):
        return array
    return array.variable if array.chunks is None else array.data


def _cuts_images(array: Any) -> bool:
    """Whether chunks cut images, not only the axis of the images."""
    if not isinstance(array.chunks, tuple):
        return False
    return any(
        len(sizes) > 1 if isinstance(sizes, tuple) else sizes < n
        for sizes, n in zip(array.chunks[1:], array.shape[1:], strict=True)
    )


def _chunk_sizes(array: Any) -> Sequence[int]:
    """Images in each chunk along axis 0."""
    n, chunks = array.shape[0], array.chunks
    if not isinstance(chunks, tuple) or not chunks:  # NumPy inside of xarray, or a file in one run
        return [1] * n
    if isinstance(chunks[0], tuple):
        return chunks[0]
    return [min(chunks[0], n - first) for first in range(0, n, chunks[0])]


def _piece_sizes(array: Any) -> Iterator[int]:
    """Images in each piece that is read."""
    most = max(1, PIECE_BYTES // max(1, array.dtype.itemsize * prod(array.shape[1:])))
    together = 0
    for size in _chunk_sizes(array):
        if together and together + size > most:
            yield together
            together = 0
        if size <= most or not _cuts_images(array):
            together += size
            continue
        for first in range(0, size, most):
            yield min(most, size - first)
    if together:
        yield together
