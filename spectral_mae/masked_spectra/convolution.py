"""Eq. 18 on given pixels: the transform of a masked image against (1/D) X ⊛ M, term by term.

Neither side is computed by one FFT against another: both are sums of all their terms, at a few
frequencies. the FFT X of the pixels and the closed form M of the mask are checked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike, NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.masks.pulse_mask import PulseMask
from spectral_mae.spectra.fft import RealFFT
from spectral_mae.spectra.frequencies import whole_rows

Complex128Array = NDArray[np.complex128]
Indices = NDArray[np.integer]

DIRECT_FREQUENCIES = 196
# Products that the direct sums of one image may take; larger images get fewer frequencies.
DIRECT_PRODUCTS = 200_000_000
# Terms that are added up in double precision before the sums of the parts are, in extended.
PRODUCT_TERMS = 512
STRIP_PIXELS = 2**18  # pixels of the rows that are summed at once


def convolution_error(
    pixels: FloatArray,
    mask: PulseMask,
    rng: Generator,
    *,
    dtype: DTypeLike = np.float64,
    frequencies: int = DIRECT_FREQUENCIES,
) -> float:
    """Relative error of Eq. 18, Y[k] = (1/D)(X ⊛ M)[k], by direct sums at random frequencies.

    X is the FFT of the pixels and M the closed form. Both sides are plain sums of all
    their terms: the right one over all frequencies, the left one over all pixels of the masked
    image, in extended precision where the platform has it. The frequencies are those where as
    many random rows and columns of the spectrum cross as make ``frequencies`` of them, or a few
    less (fewer on images of more than a million pixels).

    The error is the root mean square, over these frequencies, of the difference over what it is
    relative to. An FFT is accurate relative to the norm of its result, and its errors are not
    spread evenly: rows and columns are transformed one after the other, so that the errors along
    a line of the spectrum are relative to the power of that line. In a photograph the lines
    through frequency zero are many times as bright as the rest. With P[j] the power of X at j, or
    the mean power of its row, of its column or of the whole grid where that is larger, the
    difference at k is taken relative to √((P ⊛ |M|²)[k]) / D.

    Parameters
    ----------
    pixels : ndarray of float, shape (H, W) or (N,)
        The image.
    mask : PulseMask
        A mask of the same shape.
    rng : numpy.random.Generator
        Draws the frequencies.
    dtype : dtype
        Precision of the FFT.
    frequencies : int
        Number of frequencies (rows times columns); large images get fewer.

    Returns
    -------
    float
        To be compared with `spectral_mae.masked_spectra.verification.rounding_bound`; NaN for
        pixels that are not finite.

    Raises
    ------
    ValueError
        For a volume.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> mask = PulseMask((24, 30), 3, [(0, 6), (12, 3)])
    >>> convolution_error(rng.random((24, 30)), mask, rng) < 1e-15
    True
    """
    if pixels.ndim > 2:
        raise ValueError(f"pixels of shape {pixels.shape}: the sums are of signals and of images")
    pixels = _scaled(pixels).astype(dtype, copy=False)
    shape = pixels.shape if pixels.ndim == 2 else (1, pixels.size)
    half = RealFFT(mask.shape, dtype=dtype, chunk=1).rfft(pixels[np.newaxis])[0]
    spectrum = half.reshape(shape[0], -1).astype(np.complex128, copy=False)
    transform = mask.half_dft().reshape(spectrum.shape)
    n = max(8, min(frequencies, DIRECT_PRODUCTS // pixels.size))
    per_axis = n if pixels.ndim == 1 else math.isqrt(n)
    chosen = [rng.choice(size, min(per_axis, size), replace=False) for size in mask.shape]
    rows, columns = chosen if pixels.ndim == 2 else (np.zeros(1, np.intp), chosen[0])
    truth = direct_dft(pixels.reshape(shape), mask.visible.reshape(shape), rows, columns)
    found = circular_convolution(spectrum, transform, shape[1], rows, columns) / pixels.size
    power = circular_convolution(
        error_power(spectrum, shape[1]), np.abs(transform) ** 2, shape[1], rows, columns
    )
    scale = np.sqrt(power.astype(np.float64)) / pixels.size
    # Nothing is visible of an image without power: both sides must be exactly zero there.
    relative = np.abs(found - truth).astype(np.float64) / np.where(scale == 0, 1.0, scale)
    return float(np.sqrt(np.mean(relative**2)))


def _scaled(pixels: FloatArray) -> FloatArray:
    """The pixels times a power of two, below one, so that no square leaves the range of numbers."""
    _, exponent = np.frexp(np.max(np.abs(pixels)))
    return np.ldexp(np.asarray(pixels, np.float64), -exponent)


def error_power(spectrum: Complex128Array, columns: int) -> FloatArray:
    """Mean squared error of an FFT at each frequency, up to a common factor.

    It is the largest of the power at the frequency and its means over the row, the column and the
    grid.

    Parameters
    ----------
    spectrum : ndarray of complex, shape (H, W//2 + 1)
        Transform on the half-plane.
    columns : int
        Columns of the whole grid, W.

    Returns
    -------
    ndarray, shape (H, W//2 + 1)
        On the half-plane.
    """
    power = spectrum.real**2 + spectrum.imag**2
    mirrored = power[:, 1 : (columns + 1) // 2].sum(axis=1)
    by_row = (power.sum(axis=1) + mirrored[_mirrored(len(power))]) / columns
    by_column = power.mean(axis=0)
    np.maximum(power, by_row.mean(), out=power)
    np.maximum(power, by_row[:, np.newaxis], out=power)
    return np.maximum(power, by_column, out=power)


def circular_convolution(
    a: NDArray[np.inexact],
    b: NDArray[np.inexact],
    n_columns: int,
    rows: Indices,
    columns: Indices,
) -> NDArray[np.inexact]:
    """Σ_j a[j] b[k − j] where the chosen rows and columns cross, term by term.

    Parameters
    ----------
    a, b : ndarray, shape (H, W//2 + 1)
        Half-planes of arrays with a[−j] = conj(a[j]).
    n_columns : int
        W.
    rows, columns : ndarray of int
        Of the frequencies k.

    Returns
    -------
    ndarray, shape (len(rows), len(columns))
        In extended precision where the platform has it.
    """
    n_rows = len(a)
    shape = (n_rows, n_columns)
    wide = np.clongdouble if np.iscomplexobj(a) else np.longdouble
    sums = np.zeros((len(rows), len(columns)), dtype=wide)
    for j in _strips(n_rows, n_columns):
        left = whole_rows(a, shape, j).conj()
        for row, k in enumerate(rows.tolist()):
            right = np.ascontiguousarray(whole_rows(b, shape, (k - j) % n_rows)[:, ::-1])
            for column, m in enumerate(columns.tolist()):
                for x, y in _turned(m, n_columns):
                    sums[row, column] += np.vecdot(left[:, x], right[:, y]).sum(dtype=wide)
    return sums


def direct_dft(
    pixels: FloatArray, visible: NDArray[np.bool_], rows: Indices, columns: Indices
) -> NDArray[np.clongdouble]:
    """Transform of a masked image at chosen frequencies, by sums in extended precision.

    Σ_n x[n] r[n] e^(−2πi k·n/D). The sums along one axis may be large where those along the other
    cancel them, so sines in double precision would have the error of an FFT.

    Parameters
    ----------
    pixels : ndarray, shape (H, W)
        The image x.
    visible : ndarray of bool, shape (H, W)
        The mask r.
    rows, columns : ndarray of int
        Indices k along both axes.

    Returns
    -------
    ndarray of clongdouble, shape (len(rows), len(columns))
        Unnormalised.
    """
    height, width = pixels.shape
    along, across = _waves(width, columns), _waves(height, rows)
    sums = np.zeros((len(rows), len(columns)), dtype=np.clongdouble)
    for n in _strips(height, width):
        masked = (pixels[n] * visible[n]).astype(np.longdouble)
        partial = masked @ along.real + 1j * (masked @ along.imag)
        sums += across[n].T @ partial
    return sums


def _waves(n: int, k: Indices) -> NDArray[np.clongdouble]:
    """e^(−2πi jk/n), shape (n, len(k)), in extended precision."""
    turn = 2 * np.arctan2(np.longdouble(0), np.longdouble(-1))
    multiples = np.multiply.outer(np.arange(n), k)
    angle = ((multiples + n // 2) % n - n // 2) * (turn / n)
    return np.cos(angle) - 1j * np.sin(angle)


def _mirrored(n: int) -> Indices:
    return -np.arange(n) % n


def _strips(n_rows: int, n_columns: int) -> Iterator[Indices]:
    """Numbers of the rows that are summed at once."""
    step = max(1, STRIP_PIXELS // n_columns)
    for first in range(0, n_rows, step):
        yield np.arange(first, min(first + step, n_rows))


def _turned(k: int, n: int) -> Iterator[tuple[slice, slice]]:
    """Runs of j, and where b[k − j] stands in the flipped b, for all j modulo n."""
    for first, last, shift in ((0, k + 1, n - 1 - k), (k + 1, n, -k - 1)):
        for start in range(first, last, PRODUCT_TERMS):
            stop = min(start + PRODUCT_TERMS, last)
            yield slice(start, stop), slice(start + shift, stop + shift)
