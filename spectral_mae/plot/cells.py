"""Images and maps averaged in cells: blocks of large ones, and cells of frequency and orientation.

A picture shows a few hundred cells along an axis, and matplotlib takes many times the memory of
what it is given. Arrays that are not larger than a picture are returned unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.spectra import frequencies
from spectral_mae.spectra.sectors import sectors_of

CELLS = 1024  # along an axis, unless said otherwise
RINGS = 4  # of a polar map, in an octave
SECTORS = (72, 36, 24, 12, 8, 4, 2, 1)  # of the half circle: as many as have LEAST frequencies each
LEAST = 4  # of the whole plane, of which two are independent


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
    from spectral_mae.plot.drawing.files import save_image

    low, high = (None, None) if ends is None else ends
    kind = path.suffix.removeprefix(".")
    limits: dict[str, Any] = {"cmap": colours, "vmin": low, "vmax": high}
    save_image(path, np.asarray(cells), kind, quality=quality, **limits)


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


class PolarRing(NamedTuple):
    """A ring of frequencies, and its mean power by orientation.

    Attributes
    ----------
    low, high : float
        Inner and outer radius, in the unit of the sampling frequency.
    power : ndarray, shape (n,)
        Mean power in sectors of equal angle. Sector b is around b·180°/n.
    """

    low: float
    high: float
    power: FloatArray


def polar_cells(
    power: FloatArray, shape: tuple[int, ...], fs: tuple[float, ...], *, least: int = LEAST
) -> list[PolarRing]:
    """Average power in cells of radial frequency and orientation: the cells of a log-polar map.

    Rings are a quarter of an octave wide, from the smallest Nyquist frequency, which is included,
    downwards; one without a frequency is joined with the next one. A ring has up to 72 sectors: as
    many as leave enough frequencies to each. Frequencies on borders of sectors count as in
    `Spectrum.sectors`.

    Parameters
    ----------
    power : ndarray, shape (H, W//2 + 1)
        Values on the half-plane of the real FFT.
    shape : tuple of int
        (H, W), the shape of the image.
    fs : tuple of float
        Sampling frequency along each axis.
    least : int
        How many frequencies of the whole plane each sector has at least, where its ring has more
        than one.

    Returns
    -------
    list of PolarRing
        From low to high frequency; none where no frequency but zero lies below the smallest Nyquist
        frequency.
    """
    edges = _ring_edges(shape, fs)
    if len(edges) < 2:
        return []
    found: list[FloatArray | None] = [None] * (len(edges) - 1)
    for n in SECTORS:
        open_ = np.array([one is None for one in found])
        if not open_.any():
            break
        sums, counts = _polar_sums(power, shape, fs, edges, open_, n)
        for ring in np.flatnonzero(open_ & ((counts >= least).all(axis=1) | (n == 1))):
            found[ring] = sums[ring] / counts[ring]
    return [
        PolarRing(low, high, one)
        for (low, high), one in zip(pairwise(edges.tolist()), found, strict=True)
        if one is not None
    ]


def _ring_edges(shape: tuple[int, ...], fs: tuple[float, ...]) -> FloatArray:
    """Edges of rings of a quarter of an octave, each of which holds a frequency."""
    highest = frequencies.nyquist(fs)
    steps = [rate / n for rate, n in zip(fs, shape, strict=True) if n > 1]
    octaves = math.log2(highest / min(steps, default=math.inf) or 0.5)
    n = max(0, math.floor(RINGS * octaves + 1e-9) + 1)
    edges = highest * 2.0 ** (np.arange(-n, 1) / RINGS)
    counts = np.zeros(n)
    for rows in frequencies.row_strips(frequencies.half_shape(shape)):
        band = frequencies.band_of(frequencies.radial_frequency(shape, fs, rows), edges)
        counts += np.bincount(band[band >= 0], minlength=n)
    return edges[np.append(counts > 0, counts.any())]


def _polar_sums(
    power: FloatArray,
    shape: tuple[int, ...],
    fs: tuple[float, ...],
    edges: FloatArray,
    open_: NDArray[np.bool_],
    n: int,
) -> tuple[FloatArray, FloatArray]:
    """Sums of power and weights of frequencies in the cells of some rings, both (rings, n)."""
    first, last = frequencies.half_frequencies(shape, fs)
    weights = frequencies.hermitian_weights(shape) / 4  # each frequency counts in four sectors
    sums, counts = np.zeros((2, len(open_) * n))
    top = edges[1:][open_].max()
    for rows in frequencies.row_strips(frequencies.half_shape(shape)):
        if np.abs(first[rows]).min() > top:
            continue
        band = frequencies.band_of(frequencies.radial_frequency(shape, fs, rows), edges)
        row, column = np.nonzero((band >= 0) & open_[band])
        angle = np.arctan2(first[rows][row], last[column]) % np.pi
        # Up to the smallest Nyquist frequency none has two directions.
        sectors = sectors_of(angle, np.zeros(angle.shape, bool), n)
        cells = (band[row, column] * n + sectors).ravel()
        weight = weights[column]
        values = weight * power[rows][row, column]
        counts += np.bincount(cells, np.tile(weight, 4), len(counts))
        sums += np.bincount(cells, np.tile(values, 4), len(sums))
    return sums.reshape(-1, n), counts.reshape(-1, n)


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
