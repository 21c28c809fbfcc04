"""Batches of arrays, tensors and Dask arrays, read some images at a time.

Nothing but NumPy is imported: what has a shape and can be sliced is read slice by slice, and of a
Dask array (also inside xarray) a slice is one chunk, so that each chunk is computed once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from spectral_mae import _checks

PIECE_BYTES = 128 * 2**20  # of an array that is sliced, in double precision


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
        With ``shape``, a tuple of int.
    """
    shape = getattr(images, "shape", None)
    known = isinstance(shape, tuple) and all(isinstance(size, int) for size in shape)
    return images if known and hasattr(images, "__getitem__") else _checks.plain_array(name, images)


def pieces(arrays: Sequence[Any]) -> Iterator[slice]:
    """Yield ranges of images to read at a time from arrays of one length.

    Parameters
    ----------
    arrays : sequence of array
        From `sliceable`. The chunks of the first that has any are the ranges.

    Yields
    ------
    slice
        Of the first axis.
    """
    n = arrays[0].shape[0]
    sizes = next(filter(None, map(_chunk_sizes, arrays)), None)
    if sizes is None:
        step = max(1, PIECE_BYTES // max(1, 8 * prod(arrays[0].shape[1:])))
        sizes = [step] * -(-n // step)
    first = 0
    for size in sizes:
        yield slice(first, min(first + size, n))
        first += size


def _chunk_sizes(array: Any) -> Sequence[int] | None:
    """Images in each chunk of a Dask array; None for other arrays."""
    chunks = getattr(array, "chunks", None)
    if isinstance(chunks, tuple) and chunks and isinstance(chunks[0], tuple):
        return chunks[0]
    return None
