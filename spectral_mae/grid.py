"""Patches and frequency axes: how an image is cut, and how its spectrum is laid out.

Everything about index order lives here: row-major patches, the half-plane of a real FFT, the
Nyquist rule, and the only ``fftshift`` of the package.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd, prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray

Scalar = TypeVar("Scalar", bound=np.generic)

STRIP = 2**18  # numbers in a strip: it stays in the cache


@dataclass(frozen=True)
class PatchGrid:
    """The cut of a signal or an image into equal, non-overlapping patches.

    Parameters
    ----------
    shape : int or tuple of int
        Pixels along each axis: two numbers for an image, one for a signal. ``PatchGrid(96, 16)``
        is of a signal of 96 samples; an image of 96 × 96 pixels is ``PatchGrid((96, 96), 16)``.
    patch_size : int or tuple of int
        Pixels of a patch along each axis; an int holds for every axis. It must divide ``shape``.

    Raises
    ------
    ValueError
        If ``patch_size`` does not divide ``shape``, or either is not positive.

    Examples
    --------
    >>> grid = PatchGrid((4, 6), 2)
    >>> grid.counts, grid.n_patches, grid.patch_pixels
    ((2, 3), 6, 4)
    >>> grid.to_patches(np.arange(24).reshape(4, 6))[0]
    array([0, 1, 6, 7])
    """

    shape: tuple[int, ...]
    patch_size: tuple[int, ...]

    def __init__(self, shape: _checks.PerAxis, patch_size: _checks.PerAxis) -> None:
        shape = _checks.grid_shape(shape)
        patch_size = _checks.per_axis("patch_size", patch_size, len(shape))
        if any(size % patch for size, patch in zip(shape, patch_size, strict=True)):
            raise ValueError(f"{patch_size=} does not divide {shape=}; {_that_divide(shape)}")
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "patch_size", patch_size)

    def __repr__(self) -> str:
        of = "a signal" if self.ndim == 1 else "an image"
        sizes = f"shape={self.shape}, patch_size={self.patch_size}"
        return f"PatchGrid({sizes}, {self.n_patches} patches of {of})"

    @property
    def ndim(self) -> int:
        """Number of axes, 1 or 2."""
        return len(self.shape)

    @property
    def counts(self) -> tuple[int, ...]:
        """Patches along each axis."""
        return tuple(s // p for s, p in zip(self.shape, self.patch_size, strict=True))

    @property
    def n_patches(self) -> int:
        """Number of patches, L in the formulas."""
        return prod(self.counts)

    @property
    def patch_pixels(self) -> int:
        """Pixels of one patch."""
        return prod(self.patch_size)

    def starts(self) -> NDArray[np.integer[Any]]:
        """First pixel of every patch, shape (n_patches, ndim), patches in row-major order."""
        index = np.indices(self.counts).reshape(self.ndim, -1).T
        return index * np.array(self.patch_size)

    def to_patches(self, x: NDArray[Scalar], channel_axis: int | None = None) -> NDArray[Scalar]:
        """Cut the last axes of ``x`` into patches.

        Parameters
        ----------
        x : ndarray
            Shape (..., *shape), with one more axis at ``channel_axis`` if that is given.
        channel_axis : int or None
            Axis of ``x`` that holds the channels.

        Returns
        -------
        ndarray, shape (..., n_patches, patch_dim)
            Patches in row-major order; within a patch pixels in row-major order, channels last.

        Raises
        ------
        ValueError
            If ``x`` does not end in ``shape``.
        """
        x = _checks.plain_array("x", x)
        pixels = x[..., np.newaxis] if channel_axis is None else _last(x, channel_axis)
        lead = pixels.shape[: -self.ndim - 1]
        if pixels.shape[len(lead) : -1] != self.shape:
            raise ValueError(
                f"x of shape {x.shape} with {channel_axis=} does not end in shape={self.shape}"
            )
        interleaved = [n for pair in zip(self.counts, self.patch_size, strict=True) for n in pair]
        split = pixels.reshape(*lead, *interleaved, pixels.shape[-1])
        return split.transpose(self._interleave(len(lead), split.ndim)).reshape(
            *lead, self.n_patches, self.patch_pixels * pixels.shape[-1]
        )

    def from_patches(
        self, patches: NDArray[Scalar], channel_axis: int | None = None
    ) -> NDArray[Scalar]:
        """Put patches back together: the inverse of `to_patches`.

        Parameters
        ----------
        patches : ndarray, shape (..., n_patches, patch_dim)
        channel_axis : int or None
            Where the channels shall stand in the result; None for a single channel without axis.

        Raises
        ------
        ValueError
            If the number of patches, or the numbers in a patch, do not fit.
        """
        patches = _checks.plain_array("patches", patches)
        if patches.ndim < 2 or patches.shape[-2] != self.n_patches:
            raise ValueError(
                f"patches of shape {patches.shape} are not (..., {self.n_patches}, patch_dim)"
            )
        channels, rest = divmod(patches.shape[-1], self.patch_pixels)
        if rest or channels < 1 or (channel_axis is None and channels != 1):
            raise ValueError(
                f"patch_dim={patches.shape[-1]} does not fit {self.patch_pixels} pixels a patch "
                f"with {channel_axis=}"
            )
        lead = patches.shape[:-2]
        split = patches.reshape(*lead, *self.counts, *self.patch_size, channels)
        order = np.argsort(self._interleave(len(lead), split.ndim))
        pixels = split.transpose(order).reshape(*lead, *self.shape, channels)
        if channel_axis is None:
            return pixels[..., 0]
        axis = _checks.axis_of_channels(channel_axis)
        if axis is None or not -pixels.ndim <= axis < pixels.ndim:
            raise ValueError(f"{channel_axis=} is out of range for an array of {pixels.ndim} axes")
        return np.moveaxis(pixels, -1, axis)

    def _interleave(self, n_lead: int, ndim: int) -> list[int]:
        """Axes that bring (counts, patch) pairs into the order counts, patch, channels."""
        first = range(n_lead, n_lead + 2 * self.ndim, 2)
        return [*range(n_lead), *first, *(axis + 1 for axis in first), ndim - 1]

    def expand(self, keep: NDArray[Scalar]) -> NDArray[Scalar]:
        """Spread one value per patch, shape (..., n_patches), over its pixels, (..., *shape)."""
        pixels = keep.reshape(*keep.shape[:-1], *self.counts)
        for axis, patch in zip(range(-self.ndim, 0), self.patch_size, strict=True):
            pixels = np.repeat(pixels, patch, axis=axis)
        return pixels


def expect_grid(grid: object) -> None:
    """Raise ``TypeError`` for anything but a `PatchGrid`, at the public boundary."""
    _checks.needed("grid", grid, PatchGrid, "PatchGrid(shape, patch_size) makes one")


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


def _last(x: NDArray[Scalar], channel_axis: int) -> NDArray[Scalar]:
    axis = _checks.integer("channel_axis", channel_axis)
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"{channel_axis=} is out of range for x of shape {x.shape}")
    return np.moveaxis(x, axis, -1)


def _that_divide(shape: tuple[int, ...]) -> str:
    """Patch sizes that divide a shape into several patches, and what to do where none suits."""
    common = gcd(*shape)
    sizes = [n for n in range(2, common + 1) if common % n == 0 and (n,) * len(shape) != shape]
    do = f"{', '.join(map(str, sizes))} would" if sizes else "no size but 1 would"
    crops = ", and crop_to_multiple crops images" if len(shape) == 2 else ""
    return f"{do}{crops}"
