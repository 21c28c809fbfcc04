"""The cut of a signal or an image into equal patches, in row-major order."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks

Scalar = TypeVar("Scalar", bound=np.generic)


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
