"""Images that are tensors, as blocks: what `accumulator` and `blocks` do with NumPy arrays.

Sums are in double precision, as there: the second moments of photographs are too ill-conditioned
for less. Derivatives are not kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._array_api import (
    constant,
    device,
    expect_beside,
    finite_tensor,
    scalars,
    without_derivatives,
)
from spectral_mae._checks import is_tensor, namespace, to_numpy
from spectral_mae.masks.patches import PatchGrid


def checked(images: Any) -> Any:
    """Return images in double precision, refusing what NumPy arrays are refused for.

    Parameters
    ----------
    images : tensor
        Real numbers.

    Returns
    -------
    tensor of float64, like ``images``
        Without derivatives.

    Raises
    ------
    ValueError
        For NaN and infinity, and numbers whose squares would leave the range of float64.
    TypeError
        For complex numbers.
    """
    pixels = finite_tensor("images", without_derivatives(images))
    xp = namespace(pixels)
    pixels = xp.astype(pixels, xp.float64, copy=False)
    if 0 not in pixels.shape:
        (largest,) = scalars(xp.max(xp.abs(pixels)))
        _checks.squarable("images", np.array([largest]))
    return pixels


def to_patches(images: Any, grid: PatchGrid) -> Any:
    """Cut images into patches; see `PatchGrid.to_patches`.

    Parameters
    ----------
    images : tensor, shape (n, *grid.shape, channels)
        Images of checked shape.
    grid : PatchGrid
        The patches.

    Returns
    -------
    tensor, shape (n, n_patches, patch_dim)
        The patches.
    """
    xp = namespace(images)
    n, channels = images.shape[0], images.shape[-1]
    pairs = [side for pair in zip(grid.counts, grid.patch_size, strict=True) for side in pair]
    split = xp.reshape(images, (n, *pairs, channels))
    first = range(1, 2 * grid.ndim, 2)
    order = (0, *first, *(axis + 1 for axis in first), split.ndim - 1)
    return xp.reshape(
        xp.permute_dims(split, order), (n, grid.n_patches, grid.patch_pixels * channels)
    )


def from_patches(patches: Any, grid: PatchGrid, channels: int) -> Any:
    """Put patches together; undoes `to_patches`.

    Parameters
    ----------
    patches : tensor, shape (n, n_patches, patch_dim)
        The patches.
    grid : PatchGrid
        Where they belong.
    channels : int
        Numbers per pixel.

    Returns
    -------
    tensor, shape (n, *grid.shape, channels)
        The images.
    """
    xp = namespace(patches)
    n, ndim = patches.shape[0], grid.ndim
    split = xp.reshape(patches, (n, *grid.counts, *grid.patch_size, channels))
    pairs = (axis for first in range(1, ndim + 1) for axis in (first, first + ndim))
    order = (0, *pairs, 2 * ndim + 1)
    return xp.reshape(xp.permute_dims(split, order), (n, *grid.shape, channels))


def real_bands(blocks: Any, multiplicity: NDArray[np.integer[Any]]) -> Any:
    """Set the imaginary part of bands that are their own conjugates to zero.

    Parameters
    ----------
    blocks : tensor, shape (n_blocks, d, d)
        Complex matrices.
    multiplicity : ndarray of int, shape (n_blocks,)
        1 for a band that is its own conjugate, else 2.

    Returns
    -------
    tensor, like ``blocks``
        New matrices.
    """
    xp = namespace(blocks)
    own = constant((multiplicity == 1).reshape(-1, 1, 1), blocks)
    return xp.where(own, xp.astype(xp.real(blocks), blocks.dtype), blocks)


def masks_beside(visible: Any, images: Any) -> Any:
    """Return masks of pixels as tensors of bool beside images.

    Parameters
    ----------
    visible : array_like or tensor
        Bool, or numbers that are 0 or 1.
    images : tensor
        Says the library and the device.

    Returns
    -------
    tensor of bool, of the same shape
        True where a pixel is kept.

    Raises
    ------
    TypeError
        If the masks are a tensor elsewhere.
    ValueError
        If a number is neither 0 nor 1.
    """
    if not is_tensor(visible):
        return constant(_checks.bool_mask("visible", visible), images)
    expect_beside("visible", visible, "images", images)
    xp = namespace(visible)
    if xp.isdtype(visible.dtype, "bool"):
        return visible
    if to_numpy(xp.any((visible != 0) & (visible != 1))):
        raise ValueError("visible holds numbers other than 0 and 1; a mask is bool, or 0 and 1")
    return visible != 0


def expect_same_place(images: Any, sums: Any) -> None:
    """Raise ``TypeError`` unless images are where sums are.

    Parameters
    ----------
    images : array_like or tensor
        Images that are to be taken in.
    sums : ndarray or tensor
        Sums of other images.

    Raises
    ------
    TypeError
        If one is a tensor and the other not, or they are on different devices.
    """
    if is_tensor(sums) != is_tensor(images):
        one, other, tensor = (
            ("moments", "images", sums) if is_tensor(sums) else ("images", "moments", images)
        )
        raise TypeError(
            f"the {one} are tensors on {device(tensor)} and the {other} are not; numpy() of "
            "moments brings them to the CPU"
        )
    if is_tensor(sums):
        expect_beside("images", images, "the moments", sums)
