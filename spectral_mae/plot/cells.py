"""Planes of millions of numbers as the cells of a picture, each the mean of a block.

A picture shows a few hundred cells along an axis, and matplotlib takes many times the memory of
what it is given. Planes that are not larger than a picture come back as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.spectra import frequencies

CELLS = 1024  # along an axis, unless said otherwise


def pixel_cells(pixels: NDArray[Any], most: int = CELLS) -> NDArray[Any]:
    """Cells of an image, (H, W); at most so many along an axis.

    Examples
    --------
    >>> pixel_cells(np.arange(2 * 2048.0).reshape(2, 2048))[0, :3]
    array([0.5, 2.5, 4.5], dtype=float32)
    """
    if max(pixels.shape) <= most:
        return pixels
    return _block_means(pixels.shape, lambda rows: pixels[rows], most, np.float32)


def frequency_cells(half: FloatArray, shape: tuple[int, ...], most: int = CELLS) -> FloatArray:
    """Cells of a map over frequency with zero in the middle, from values on the half-plane."""
    height, width = shape
    order = frequencies.shifted(np.arange(height), 1)

    def shifted_rows(rows: slice) -> FloatArray:
        return frequencies.shifted(frequencies.whole_rows(half, shape, order[rows]), 1)

    if max(shape) <= most:
        return shifted_rows(slice(height))
    return _block_means((height, width), shifted_rows, most, np.float64)


def _block_means(
    shape: tuple[int, ...],
    rows_of: Callable[[slice], NDArray[Any]],
    most: int,
    dtype: type[np.floating[Any]],
) -> FloatArray:
    """Means over blocks as equal as can be, of a plane that comes some rows at a time."""
    rows, columns = ((np.arange(min(n, most) + 1) * n) // min(n, most) for n in shape)
    cells = np.empty((len(rows) - 1, len(columns) - 1), dtype=dtype)
    for cell, (first, end) in enumerate(pairwise(rows)):
        total = rows_of(slice(first, end)).sum(axis=0, dtype=np.float64)
        sums = np.add.reduceat(total, columns[:-1])
        cells[cell] = sums / (np.diff(columns) * (end - first))
    return cells
