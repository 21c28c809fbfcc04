"""Frequency axes: how the spectrum of an image is laid out in arrays.

All rules about the order of frequencies are in this file: the half-plane of a real FFT, the Nyquist
frequency, and the only ``fftshift`` of the package. They are written for any number of axes. The
*half-plane* holds the frequencies that are 0 or more along the last axis: a half of the axis of a
signal, of the plane of an image, of the space of a volume. Along the other axes it is whole, and a
*row* of it is one index of the first axis.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import BoolArray, FloatArray, is_tensor, namespace

Scalar = TypeVar("Scalar", bound=np.generic)

# Relative difference of radial frequencies that are equal but for rounding of their square roots.
CLOSE = 1e-12
STRIP = 2**18  # numbers in a strip: it stays in the cache


def half_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of the non-negative half-plane that a real FFT returns.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.

    Returns
    -------
    tuple of int
        (*shape[:-1], shape[-1]//2 + 1).
    """
    return (*shape[:-1], shape[-1] // 2 + 1)


def half_frequencies(shape: tuple[int, ...], fs: tuple[float, ...]) -> tuple[FloatArray, ...]:
    """Frequency along each axis of the half-plane.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.
    fs : tuple of float
        Sampling frequency along each axis.

    Returns
    -------
    tuple of ndarray
        In the unit of ``fs``, order of ``np.fft.fftfreq``; along the last axis ``np.fft.rfftfreq``,
        0 or more.
    """
    *rows, last = (1.0 / rate for rate in fs)
    full = (np.fft.fftfreq(n, step) for n, step in zip(shape[:-1], rows, strict=True))
    return (*full, np.fft.rfftfreq(shape[-1], last))


def full_frequencies(shape: tuple[int, ...], fs: tuple[float, ...]) -> tuple[FloatArray, ...]:
    """Frequency along each axis of the whole grid.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.
    fs : tuple of float
        Sampling frequency along each axis.

    Returns
    -------
    tuple of ndarray
        In the unit of ``fs``, order of ``np.fft.fftfreq``.
    """
    return tuple(np.fft.fftfreq(n, 1.0 / rate) for n, rate in zip(shape, fs, strict=True))


def radial_frequency(
    shape: tuple[int, ...], fs: tuple[float, ...], rows: slice = slice(None)
) -> FloatArray:
    """Distance of each half-plane frequency from zero.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.
    fs : tuple of float
        Sampling frequency along each axis.
    rows : slice
        Rows of the half-plane; by default all.

    Returns
    -------
    ndarray, shape (*shape[:-1], shape[-1]//2 + 1)
        In the unit of ``fs``.
    """
    first, *others = half_frequencies(shape, fs)
    axes = np.meshgrid(first[rows], *others, indexing="ij", sparse=True)
    return np.sqrt(sum(np.square(axis) for axis in axes))


def radial_frequency_at(
    index: NDArray[np.integer[Any]], shape: tuple[int, ...], fs: tuple[float, ...]
) -> FloatArray:
    """Distance from zero of some half-plane frequencies.

    Parameters
    ----------
    index : ndarray of int
        Indices into the half-plane, read row by row.
    shape : tuple of int
        Pixels along each axis.
    fs : tuple of float
        Sampling frequency along each axis.

    Returns
    -------
    ndarray, like ``index``
        In the unit of ``fs``.
    """
    first, *others = (np.square(axis) for axis in half_frequencies(shape, fs))
    parts = []
    for axis in reversed(others):
        rows = index // len(axis)  # sooner than divmod, and than unravel_index
        parts.append(axis[index - rows * len(axis)])
        index = rows
    squared = first[index]
    for part in reversed(parts):
        squared += part
    return np.sqrt(squared, out=squared)


def row_strips(shape: tuple[int, ...]) -> Iterator[slice]:
    """Ranges of a few rows each that make up an array; a signal is one range.

    What is computed range by range does not take the memory of a whole plane.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.

    Yields
    ------
    slice
        Rows, about 2¹⁸ numbers together.
    """
    if len(shape) == 1:
        yield slice(0, shape[0])
        return
    step = max(1, STRIP // prod(shape[1:]))
    for first in range(0, shape[0], step):
        yield slice(first, min(first + step, shape[0]))


def at_most(radius: FloatArray, frequency: float) -> BoolArray:
    """Where a radial frequency is at most a limit, up to rounding of its square root.

    Parameters
    ----------
    radius : ndarray
        Radial frequencies.
    frequency : float
        The limit, in the same unit.

    Returns
    -------
    ndarray of bool, like ``radius``
        True up to a relative error of `CLOSE` above the limit.
    """
    return radius <= frequency * (1 + CLOSE)


def below(radius: FloatArray, frequency: float) -> BoolArray:
    """Where a radial frequency is below a limit, up to rounding of its square root.

    Parameters
    ----------
    radius : ndarray
        Radial frequencies.
    frequency : float
        The limit, in the same unit.

    Returns
    -------
    ndarray of bool, like ``radius``
        True up to a relative error of `CLOSE` below the limit, the opposite of `at_least`.
    """
    return radius < frequency * (1 - CLOSE)


def just_above(frequency: float) -> float:
    """Return an upper limit, which is exclusive, that a frequency still lies below.

    Parameters
    ----------
    frequency : float
        A frequency that is to be included.

    Returns
    -------
    float
        A limit for `below`, nearer to the frequency than any other of an image.
    """
    return frequency * (1 + 4 * CLOSE)


def at_least(radius: FloatArray, frequency: float) -> BoolArray:
    """Where a radial frequency is at least a limit, up to rounding of its square root.

    Parameters
    ----------
    radius : ndarray
        Radial frequencies.
    frequency : float
        The limit, in the same unit.

    Returns
    -------
    ndarray of bool, like ``radius``
        True down to a relative error of `CLOSE` below the limit.
    """
    return radius >= frequency * (1 - CLOSE)


def band_of(radius: FloatArray, edges: FloatArray) -> NDArray[np.integer[Any]]:
    """Number of the band in which each radial frequency lies.

    Bands are inclusive below and exclusive above, as everywhere in the package. The last one
    includes its upper edge too, as in np.histogram, so that bands up to the largest frequency of a
    grid lose none. Edges are met up to rounding of the frequency's square root.

    Parameters
    ----------
    radius : ndarray
        Radial frequencies.
    edges : ndarray, shape (n_bands + 1,)
        Rising edges of the bands, in the same unit.

    Returns
    -------
    ndarray of int, like ``radius``
        From 0 to ``n_bands - 1``, and −1 for frequencies in no band.

    Examples
    --------
    >>> band_of(np.array([0.05, 0.1, 0.2, 0.4, 0.5]), np.array([0.1, 0.2, 0.4]))
    array([-1,  0,  1,  1, -1])
    """
    last = len(edges) - 2
    band = np.searchsorted(edges * (1 - CLOSE), radius, side="right") - 1
    band[band > last] = np.where(at_most(radius[band > last], edges[-1]), last, -1)
    return band


def nyquist(fs: tuple[float, ...]) -> float:
    """Smallest Nyquist frequency of the axes, up to which rings of frequencies are complete.

    Parameters
    ----------
    fs : tuple of float
        Sampling frequency along each axis.

    Returns
    -------
    float
        Half of the smallest sampling frequency.
    """
    return min(fs) / 2


def on_nyquist(shape: tuple[int, ...], rows: slice = slice(None)) -> BoolArray:
    """Where an axis of a half-plane frequency is at its Nyquist frequency (even sizes only).

    There +f and −f are one frequency, so it has two directions.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.
    rows : slice
        Rows of the half-plane; by default all.

    Returns
    -------
    ndarray of bool, shape (*shape[:-1], shape[-1]//2 + 1)
        True at the Nyquist frequency of any axis.
    """
    axes = [np.arange(n) * 2 == n for n in shape[:-1]]
    axes.append(np.arange(shape[-1] // 2 + 1) * 2 == shape[-1])
    axes[0] = axes[0][rows]
    return np.logical_or.reduce(np.meshgrid(*axes, indexing="ij"))


def hermitian_weights(shape: tuple[int, ...]) -> NDArray[np.integer[Any]]:
    """Number of frequencies of the whole grid that each column of the half-plane stands for.

    It is 2, but 1 for the zero column and, on even sizes, the Nyquist column, which hold their own
    mirror images.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.

    Returns
    -------
    ndarray of int, shape (shape[-1] // 2 + 1,)
        1 or 2.
    """
    weights = np.full(shape[-1] // 2 + 1, 2)
    weights[0] = 1
    if shape[-1] % 2 == 0:
        weights[-1] = 1
    return weights


def full_from_half(half: NDArray[Scalar], shape: tuple[int, ...]) -> NDArray[Scalar]:
    """Whole grid of the spectrum of a real array from its half-plane, by F[−k] = conj F[k].

    Parameters
    ----------
    half : ndarray or tensor, shape (..., *shape[:-1], shape[-1]//2 + 1)
        Transforms or power on the half-plane.
    shape : tuple of int
        Pixels along each axis.

    Returns
    -------
    ndarray or tensor, shape (..., *shape)
        In FFT order.
    """
    mirrored = (shape[-1] - 1) // 2
    if is_tensor(half):
        return _full_from_half_tensor(half, shape, mirrored)
    tail = np.conj(half[..., mirrored:0:-1]) if mirrored else half[..., :0]
    for axis in range(-len(shape), -1):
        tail = np.roll(np.flip(tail, axis), 1, axis)
    return np.concatenate([half, tail], axis=-1)


def _full_from_half_tensor(half: Any, shape: tuple[int, ...], mirrored: int) -> Any:
    """As `full_from_half`; tensors are not sliced backwards, and real ones have no conjugate."""
    xp = namespace(half)
    tail = xp.flip(half[..., 1 : mirrored + 1], axis=-1)
    if xp.isdtype(half.dtype, "complex floating"):
        tail = xp.conj(tail)
    for axis in range(-len(shape), -1):
        tail = xp.roll(xp.flip(tail, axis=axis), 1, axis=axis)
    return xp.concat([half, tail], axis=-1)


def whole_rows(
    half: NDArray[Scalar], shape: tuple[int, ...], rows: NDArray[np.integer[Any]]
) -> NDArray[Scalar]:
    """Some rows of the whole grid, as `full_from_half` would return them, of one image.

    Parameters
    ----------
    half : ndarray, shape (H, W//2 + 1)
        Transform or power on the half-plane.
    shape : tuple of int
        Pixels along each axis.
    rows : ndarray of int
        Numbers of the rows, 0 to H − 1.

    Returns
    -------
    ndarray, shape (len(rows), W)
        In FFT order.
    """
    mirrored = (shape[-1] - 1) // 2
    opposite = half[-rows % shape[0], 1 : mirrored + 1]
    return np.concatenate([half[rows], np.conj(opposite[:, ::-1])], axis=1)


def half_from_full(full: NDArray[Scalar]) -> NDArray[Scalar]:
    """Non-negative half-plane of a whole grid.

    Parameters
    ----------
    full : ndarray, shape (..., *shape)
        In FFT order.

    Returns
    -------
    ndarray, shape (..., *shape[:-1], shape[-1]//2 + 1)
        A view.
    """
    return full[..., : full.shape[-1] // 2 + 1]


def shifted(full: NDArray[Any], ndim: int) -> NDArray[Any]:
    """Whole grid with zero frequency in the middle, for display.

    Parameters
    ----------
    full : ndarray, shape (..., *shape)
        In FFT order.
    ndim : int
        Number of axes of the grid, which are the last ones.

    Returns
    -------
    ndarray, like ``full``
        A copy; see `numpy.fft.fftshift`.
    """
    return np.fft.fftshift(full, axes=tuple(range(-ndim, 0)))


def shifted_edges(shape: tuple[int, ...], fs: tuple[float, ...]) -> tuple[FloatArray, ...]:
    """Edges of the frequency cells of `shifted` along each axis.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.
    fs : tuple of float
        Sampling frequency along each axis.

    Returns
    -------
    tuple of ndarray, shape (shape[i] + 1,)
        In the unit of ``fs``, rising.
    """
    return tuple(
        (np.arange(n + 1) - n // 2 - 0.5) * (rate / n) for n, rate in zip(shape, fs, strict=True)
    )
