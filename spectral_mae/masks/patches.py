"""Division of signals, images and volumes into patches, and how many of these are kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import gcd, prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import Rounding, Sampling

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class PatchGrid:
    """Division of a signal, an image or a volume into equal, non-overlapping patches.

    Parameters
    ----------
    shape : int or tuple of int
        Pixels along each axis: one number for a signal, two for an image, three for a volume.
        ``PatchGrid(96, 16)`` is of a signal of 96 samples; an image of 96 × 96 pixels is
        ``PatchGrid((96, 96), 16)``; 16 frames of a video, in tubes of two frames, are
        ``PatchGrid((16, 96, 96), (2, 16, 16))``. Channels are not among the axes.
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
        of = ("a signal", "an image", "a volume")[self.ndim - 1]
        sizes = f"shape={self.shape}, patch_size={self.patch_size}"
        return f"PatchGrid({sizes}, {self.n_patches} patches of {of})"

    @property
    def ndim(self) -> int:
        """Number of axes: 1 for a signal, 2 for an image, 3 for a volume."""
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
        """Return the first pixel of every patch.

        Returns
        -------
        ndarray of int, shape (n_patches, ndim)
            Index along each axis of the corner nearest to the origin, patches in row-major order.
        """
        index = np.indices(self.counts).reshape(self.ndim, -1).T
        return index * np.array(self.patch_size)

    @_checks.keyword_only("channel_axis")
    def to_patches(self, x: NDArray[Scalar], *, channel_axis: int | None = None) -> NDArray[Scalar]:
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

    @_checks.keyword_only("channel_axis")
    def from_patches(
        self, patches: NDArray[Scalar], *, channel_axis: int | None = None
    ) -> NDArray[Scalar]:
        """Put patches back together: the inverse of `to_patches`.

        Parameters
        ----------
        patches : ndarray, shape (..., n_patches, patch_dim)
            Numbers in the order that `to_patches` gives them.
        channel_axis : int or None
            Axis of the channels in the result; None for a single channel without an axis.

        Returns
        -------
        ndarray, shape (..., *shape), with one more axis at ``channel_axis`` if given
            The signals, images or volumes.

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
        """Repeat the value of each patch at all of its pixels.

        Parameters
        ----------
        keep : ndarray, shape (..., n_patches)
            One value per patch, patches in row-major order.

        Returns
        -------
        ndarray, shape (..., *shape)
            Of the same type.

        Examples
        --------
        >>> PatchGrid((2, 4), 2).expand(np.array([True, False])).astype(int)
        array([[1, 1, 0, 0],
               [1, 1, 0, 0]])
        """
        pixels = keep.reshape(*keep.shape[:-1], *self.counts)
        for axis, patch in zip(range(-self.ndim, 0), self.patch_size, strict=True):
            pixels = np.repeat(pixels, patch, axis=axis)
        return pixels


def expect_grid(grid: object) -> None:
    """Raise ``TypeError`` unless an argument ``grid`` is a `PatchGrid`.

    Parameters
    ----------
    grid : object
        The argument, as a user gave it.
    """
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


def kept_patches(n_patches: int, mask_ratio: float, *, rounding: Rounding = "floor") -> int:
    """Return K = ⌊L(1−m)⌋, the number of patches that fixed sampling keeps.

    The floor is that of the exact product: where the product in floating point is a rounding error
    below an integer, K is that integer. The code of MAE and of many that follow it takes the floor
    of the rounded product, ``int(L * (1 - m))``: at m = 0.9 it keeps 9 of 100 patches, and not 10.

    Parameters
    ----------
    n_patches : int
        Number of patches, L ≥ 2.
    mask_ratio : float
        Fraction of patches that is hidden, m, strictly between 0 and 1.
    rounding : {"floor", "mae"}
        The floor of the exact product, or that of the product in floating point.

    Returns
    -------
    int
        K, with 1 ≤ K ≤ L−1.

    Raises
    ------
    ValueError
        If ``n_patches < 2``, ``mask_ratio`` is not inside (0, 1), or all or no patches are kept.

    Examples
    --------
    >>> kept_patches(10, 0.9), int(10 * (1 - 0.9))
    (1, 0)
    >>> kept_patches(100, 0.9), kept_patches(100, 0.9, rounding="mae")
    (10, 9)
    """
    _checks.choice("rounding", rounding, Rounding)
    n_patches = _patches(n_patches)
    mask_ratio = _checks.open_unit("mask_ratio", mask_ratio)
    product_ = n_patches * (1.0 - mask_ratio)
    nearest = round(product_)
    # 1 - m loses up to half an ulp of 1, which L multiplies.
    close = math.isclose(product_, nearest, rel_tol=0.0, abs_tol=n_patches * 2.0**-51)
    kept = nearest if close and rounding == "floor" else math.floor(product_)
    if not 1 <= kept <= n_patches - 1:
        raise ValueError(
            f"{mask_ratio=} of {n_patches=} keeps {kept} patches; fixed sampling needs 1 to "
            f"{n_patches - 1}: {_ratios_that_work(n_patches, kept)} work"
        )
    return kept


def inclusion_probabilities(
    n_patches: int,
    mask_ratio: float,
    *,
    sampling: Sampling = "fixed",
    rounding: Rounding = "floor",
) -> tuple[float, float]:
    """First and second inclusion probabilities of a patch.

    Parameters
    ----------
    n_patches : int
        Number of patches, L ≥ 2.
    mask_ratio : float
        Fraction of patches that is hidden, strictly between 0 and 1.
    sampling : {"fixed", "bernoulli"}
        Keep exactly ⌊L(1−m)⌋ patches, or each one independently with probability 1−m.
    rounding : {"floor", "mae"}
        Of fixed sampling: the floor of the exact product, or that of the product in floating
        point, which is ``int(L * (1 - m))`` in the code of MAE and may be one less.

    Returns
    -------
    pi1, pi2 : float
        P(a patch is kept) and P(two given patches are both kept): K/L and K(K−1)/(L(L−1)) for
        fixed sampling, 1−m and (1−m)² for Bernoulli sampling.

    Raises
    ------
    ValueError
        As `kept_patches`; Bernoulli sampling only needs L ≥ 2 and 0 < m < 1.

    Examples
    --------
    >>> inclusion_probabilities(4, 0.5)
    (0.5, 0.16666666666666666)
    >>> inclusion_probabilities(4, 0.5, sampling="bernoulli")
    (0.5, 0.25)
    """
    _checks.choice("sampling", sampling, Sampling)
    _checks.choice("rounding", rounding, Rounding)
    if sampling == "bernoulli":
        _patches(n_patches)
        pi1 = 1.0 - _checks.open_unit("mask_ratio", mask_ratio)
        return pi1, pi1 * pi1
    kept = kept_patches(n_patches, mask_ratio, rounding=rounding)
    pi1 = kept / n_patches
    return pi1, pi1 * (kept - 1) / (n_patches - 1)


def _ratios_that_work(n_patches: int, kept: int) -> str:
    """The ratios next to one that keeps no patch, or all; rounded to the safe side, down."""
    hidden, word = (n_patches - 1, "up to") if kept < 1 else (1, "from")
    scale = 10 ** (2 + len(str(n_patches)))
    return f"ratios {word} {hidden * scale // n_patches / scale:g} ({hidden} of {n_patches} hidden)"


def _patches(n_patches: int) -> int:
    return _checks.integer(
        "n_patches", n_patches, least=2, why="masking needs at least two patches"
    )
