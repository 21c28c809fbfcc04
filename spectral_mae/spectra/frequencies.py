"""Patches and frequency axes: how an image is cut, and how its spectrum is laid out.

Everything about index order lives here: row-major patches, the half-plane of a real FFT, the
Nyquist rule, and the only ``fftshift`` of the package.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import BoolArray, FloatArray

Scalar = TypeVar("Scalar", bound=np.generic)

STRIP = 2**18  # numbers in a strip: it stays in the cache


def half_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of the non-negative half-plane that a real FFT returns."""
    return (*shape[:-1], shape[-1] // 2 + 1)


def half_frequencies(shape: tuple[int, ...], fs: tuple[float, ...]) -> tuple[FloatArray, ...]:
    """Frequency along each axis of the half-plane; the last axis is never negative."""
    *rows, last = (1.0 / rate for rate in fs)
    full = (np.fft.fftfreq(n, step) for n, step in zip(shape[:-1], rows, strict=True))
    return (*full, np.fft.rfftfreq(shape[-1], last))


def full_frequencies(shape: tuple[int, ...], fs: tuple[float, ...]) -> tuple[FloatArray, ...]:
    """Frequency along each axis of the whole grid, in ``np.fft.fftfreq`` order."""
    return tuple(np.fft.fftfreq(n, 1.0 / rate) for n, rate in zip(shape, fs, strict=True))


def radial_frequency(
    shape: tuple[int, ...], fs: tuple[float, ...], rows: slice = slice(None)
) -> FloatArray:
    """Distance of every half-plane frequency, or of those in some rows, from zero."""
    first, *others = half_frequencies(shape, fs)
    axes = np.meshgrid(first[rows], *others, indexing="ij", sparse=True)
    return np.sqrt(sum(np.square(axis) for axis in axes))


def radial_frequency_at(
    index: NDArray[np.integer[Any]], shape: tuple[int, ...], fs: tuple[float, ...]
) -> FloatArray:
    """The same of the frequencies at these places of the half-plane, read row by row."""
    first, *others = (np.square(axis) for axis in half_frequencies(shape, fs))
    if not others:
        return np.sqrt(first[index])
    rows = index // len(others[0])  # sooner than divmod
    squared = first[rows]
    squared += others[0][index - rows * len(others[0])]
    return np.sqrt(squared, out=squared)


def row_strips(shape: tuple[int, ...]) -> Iterator[slice]:
    """Rows of the half-plane, or of the grid itself, a few at a time; a signal in one piece.

    What is worked out strip by strip never takes the memory of a whole plane.
    """
    if len(shape) == 1:
        yield slice(0, shape[0])
        return
    step = max(1, STRIP // prod(shape[1:]))
    for first in range(0, shape[0], step):
        yield slice(first, min(first + step, shape[0]))


def at_most(radius: FloatArray, frequency: float) -> BoolArray:
    """Where a distance from zero is at most ``frequency``; rounding of its root does not decide."""
    return radius <= frequency * (1 + 1e-12)


def at_least(radius: FloatArray, frequency: float) -> BoolArray:
    """Where a distance from zero is at least ``frequency``, likewise."""
    return radius >= frequency * (1 - 1e-12)


def nyquist(fs: tuple[float, ...]) -> float:
    """The smallest Nyquist frequency of the axes: up to it, rings of frequencies are whole."""
    return min(fs) / 2


def on_nyquist(shape: tuple[int, ...], rows: slice = slice(None)) -> BoolArray:
    """True at half-plane frequencies with an axis at its Nyquist frequency (even sizes only).

    There +f and −f are one frequency, so its direction is not one but two.
    """
    axes = [np.arange(n) * 2 == n for n in shape[:-1]]
    axes.append(np.arange(shape[-1] // 2 + 1) * 2 == shape[-1])
    axes[0] = axes[0][rows]
    return np.logical_or.reduce(np.meshgrid(*axes, indexing="ij"))


def hermitian_weights(shape: tuple[int, ...]) -> NDArray[np.integer[Any]]:
    """How many frequencies of the whole grid each column of the half-plane stands for.

    Two, but one for the zero column and, on even sizes, the Nyquist column, which hold their own
    mirror images. Shape (shape[-1] // 2 + 1,).
    """
    weights = np.full(shape[-1] // 2 + 1, 2)
    weights[0] = 1
    if shape[-1] % 2 == 0:
        weights[-1] = 1
    return weights


def full_from_half(half: NDArray[Scalar], shape: tuple[int, ...]) -> NDArray[Scalar]:
    """Whole grid of the spectrum of a real array from its half-plane, F[−k] = conj F[k]."""
    mirrored = (shape[-1] - 1) // 2
    tail = np.conj(half[..., mirrored:0:-1]) if mirrored else half[..., :0]
    for axis in range(-len(shape), -1):
        tail = np.roll(np.flip(tail, axis), 1, axis)
    return np.concatenate([half, tail], axis=-1)


def whole_rows(
    half: NDArray[Scalar], shape: tuple[int, ...], rows: NDArray[np.integer[Any]]
) -> NDArray[Scalar]:
    """Some rows of what `full_from_half` would give of an image."""
    mirrored = (shape[-1] - 1) // 2
    opposite = half[-rows % shape[0], 1 : mirrored + 1]
    return np.concatenate([half[rows], np.conj(opposite[:, ::-1])], axis=1)


def half_from_full(full: NDArray[Scalar]) -> NDArray[Scalar]:
    """The non-negative half-plane of a whole grid, a view."""
    return full[..., : full.shape[-1] // 2 + 1]


def shifted(full: NDArray[Any], ndim: int) -> NDArray[Any]:
    """Whole grid with zero frequency in the middle, for display only."""
    return np.fft.fftshift(full, axes=tuple(range(-ndim, 0)))


def shifted_edges(shape: tuple[int, ...], fs: tuple[float, ...]) -> tuple[FloatArray, ...]:
    """Edges of the frequency cells of `shifted`, along each axis: shape[i] + 1 numbers each."""
    return tuple(
        (np.arange(n + 1) - n // 2 - 0.5) * (rate / n) for n, rate in zip(shape, fs, strict=True)
    )
