"""Large images and maps, averaged in blocks to the size of a picture.

A picture shows a few hundred cells along an axis, and matplotlib takes many times the memory of
what it is given. Arrays that are not larger than a picture are returned unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.spectra import frequencies

CELLS = 1024  # along an axis, unless said otherwise


def pixel_cells(pixels: NDArray[Any], most: int = CELLS) -> NDArray[Any]:
    """Average the pixels of an image in blocks, so that a picture has a limited number of cells.

    Parameters
    ----------
    pixels : ndarray, shape (H, W)
        The image.
    most : int
        The largest number of cells along an axis.

    Returns
    -------
    ndarray, two axes
        Means of the blocks; the pixels themselves where the image is small enough.

    Examples
    --------
    >>> pixel_cells(np.arange(2 * 2048.0).reshape(2, 2048))[0, :3]
    array([0.5, 2.5, 4.5], dtype=float32)
    """
    if max(pixels.shape) <= most:
        return pixels
    return _block_means(pixels.shape, lambda rows: pixels[rows], most, np.float32)


def frequency_cells(half: FloatArray, shape: tuple[int, ...], most: int = CELLS) -> FloatArray:
    """Average a function of frequency in blocks, with zero frequency in the middle of the map.

    Parameters
    ----------
    half : ndarray, shape (H, W//2 + 1)
        Values on the half-plane of the real FFT.
    shape : tuple of int
        (H, W), the shape of the image.
    most : int
        The largest number of cells along an axis.

    Returns
    -------
    ndarray, two axes
        Means of the blocks over the whole plane of frequencies.
    """
    height, width = shape
    order = frequencies.shifted(np.arange(height), 1)

    def shifted_rows(rows: slice) -> FloatArray:
        return frequencies.shifted(frequencies.whole_rows(half, shape, order[rows]), 1)

    if max(shape) <= most:
        return shifted_rows(slice(height))
    return _block_means((height, width), shifted_rows, most, np.float64)


def save_cells(
    cells: NDArray[Any],
    path: Path,
    *,
    colours: str = "gray",
    ends: tuple[float, float] | None = None,
    quality: int = 80,
) -> None:
    """Write an array as a picture of its cells, without axes.

    Parameters
    ----------
    cells : ndarray, shape (H, W) or (H, W, 3)
        Values, or colours from 0 to 1.
    path : Path
        The file; its ending names the format.
    colours : str
        Name of the colour map of values.
    ends : tuple of float or None
        Values with the first and the last colour; None takes the smallest and the largest.
    quality : int
        Of WebP, from 0 to 100.
    """
    from matplotlib.image import imsave

    low, high = (None, None) if ends is None else ends
    kind = path.suffix.removeprefix(".")
    more = {"quality": quality} if kind == "webp" else None
    values = np.asarray(cells)
    imsave(path, values, cmap=colours, vmin=low, vmax=high, format=kind, pil_kwargs=more)


def coloured(cells: FloatArray, colours: str, ends: tuple[float, float]) -> FloatArray:
    """Colours of values.

    Parameters
    ----------
    cells : ndarray, shape (H, W)
        The values.
    colours : str
        Name of the colour map.
    ends : tuple of float
        Values with the first and the last colour.

    Returns
    -------
    ndarray, shape (H, W, 3)
        Red, green and blue, from 0 to 1.
    """
    from matplotlib import colormaps

    low, high = ends
    found: FloatArray = colormaps[colours]((cells - low) / (high - low))[..., :3]
    return found


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
