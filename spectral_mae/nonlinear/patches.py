"""Patches of tensors, in the order of `PatchGrid`, and masks with one value per patch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import BoolArray
from spectral_mae.masks.patches import PatchGrid


def patchify(images: torch.Tensor, grid: PatchGrid) -> torch.Tensor:
    """Cut images into patches.

    Patches are in row-major order. Within a patch pixels are in row-major order, channels last, as
    in `PatchGrid.to_patches`.

    Parameters
    ----------
    images : Tensor, shape (n, channels, H, W)
        Images.
    grid : PatchGrid
        Grid of the images.

    Returns
    -------
    Tensor, shape (n, n_patches, patch_dim)
        The patches.

    Raises
    ------
    ValueError
        If the images do not fit the grid.

    Examples
    --------
    >>> patchify(torch.arange(24).reshape(1, 1, 4, 6), PatchGrid((4, 6), 2))[0, 0]
    tensor([0, 1, 6, 7])
    """
    if grid.ndim != 2 or images.ndim != 4 or tuple(images.shape[2:]) != grid.shape:
        raise ValueError(f"images of shape {tuple(images.shape)} are not (n, channels, H, W) of "
                         f"{grid.shape=}")  # fmt: skip
    (rows, columns), (p, q) = grid.counts, grid.patch_size
    split = images.reshape(len(images), -1, rows, p, columns, q)
    return split.permute(0, 2, 4, 3, 5, 1).reshape(len(images), rows * columns, -1)


def unpatchify(patches: torch.Tensor, grid: PatchGrid) -> torch.Tensor:
    """Put patches together to images, the inverse of `patchify`.

    Parameters
    ----------
    patches : Tensor, shape (n, n_patches, patch_dim)
        Patches.
    grid : PatchGrid
        Grid of the images.

    Returns
    -------
    Tensor, shape (n, channels, H, W)
        The images.

    Examples
    --------
    >>> grid, x = PatchGrid((4, 6), 2), torch.rand(2, 3, 4, 6)
    >>> torch.equal(unpatchify(patchify(x, grid), grid), x)
    True
    """
    if (
        patches.ndim != 3
        or patches.shape[1] != grid.n_patches
        or (patches.shape[2] % grid.patch_pixels)
    ):
        raise ValueError(
            f"patches of shape {tuple(patches.shape)} are not (n, {grid.n_patches}, "
            f"{grid.patch_pixels} x channels)"
        )
    (rows, columns), (p, q) = grid.counts, grid.patch_size
    split = patches.reshape(len(patches), rows, columns, p, q, -1)
    return split.permute(0, 5, 1, 3, 2, 4).reshape(len(patches), -1, rows * p, columns * q)


def kept_of(visible: ArrayLike, grid: PatchGrid) -> BoolArray:
    """Find the patches that a mask of pixels keeps.

    Parameters
    ----------
    visible : array_like of bool, shape (..., H, W)
        True where a pixel is visible.
    grid : PatchGrid
        Grid of the images.

    Returns
    -------
    ndarray of bool, shape (..., n_patches)
        True where a patch is visible.

    Raises
    ------
    ValueError
        If the mask keeps only a part of a patch.

    Examples
    --------
    >>> kept_of([[True, True, False, False]] * 2, PatchGrid((2, 4), 2))
    array([ True, False])
    """
    pixels = grid.to_patches(_checks.bool_mask("visible", visible))
    kept: BoolArray = np.asarray(pixels.all(axis=-1))
    parts = int(np.sum(kept != pixels.any(axis=-1)))
    if parts:
        raise ValueError(f"visible keeps {parts} patches in part; whole patches are masked")
    return kept
