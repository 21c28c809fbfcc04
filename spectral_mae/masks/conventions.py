"""Masks as others write them: visible or hidden, of patches or pixels, or as indices of patches.

Here True is visible. The code of MAE and of many others has masks of patches in which 1 is hidden,
``ids_keep``, the indices of the kept patches, and ``ids_restore``, for each patch its place in the
shuffled order of which the first ones are kept.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import BoolArray
from spectral_mae.masks.patches import PatchGrid, expect_grid

Convention = Literal["visible", "hidden", "ids_keep", "ids_restore"]


def kept_patterns(
    grid: PatchGrid,
    masks: ArrayLike,
    *,
    convention: Convention = "visible",
    n_keep: int | None = None,
) -> BoolArray:
    """Return the sets of kept patches of masks in one of the conventions.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    masks : array_like
        Masks of shape (n, L), (n, *grid.counts) or (n, *grid.shape); or indices of shape (n, K) or
        (n, L).
    convention : {"visible", "hidden", "ids_keep", "ids_restore"}
        What the numbers mean: 1 is visible, 1 is hidden, the indices of the kept patches, or the
        place of each patch in an order of which the first ``n_keep`` are kept.
    n_keep : int or None
        Number of kept patches; with "ids_restore" only.

    Returns
    -------
    ndarray of bool, shape (n, L)
        True where a patch is kept.

    Raises
    ------
    ValueError
        If shapes or indices do not fit, a mask cuts a patch, or ``n_keep`` is missing or given
        without need.
    """
    expect_grid(grid)
    _checks.choice("convention", convention, Convention)
    if (n_keep is None) == (convention == "ids_restore"):
        raise ValueError(
            f"n_keep={_checks.brief(n_keep)} with {convention=}: it goes with 'ids_restore', and "
            "only there"
        )
    if convention == "ids_keep":
        return _kept_of_ids(grid, masks)
    if n_keep is not None:
        return _kept_of_restore(grid, masks, n_keep)
    kept = kept_of(grid, masks)
    return ~kept if convention == "hidden" else kept


def kept_of(grid: PatchGrid, visible: ArrayLike) -> BoolArray:
    """Return the sets of kept patches of masks of patches or pixels.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    visible : array_like of bool, shape (n, L), (n, *grid.counts) or (n, *grid.shape)
        True where a patch or a pixel is kept.

    Returns
    -------
    ndarray of bool, shape (n, L)
        True where a patch is kept.

    Raises
    ------
    ValueError
        If the shape does not fit, there are no masks, or a mask of pixels cuts a patch.
    """
    expect_grid(grid)
    masks = _checks.bool_mask("visible", visible)
    each = masks.shape[1:]
    if not masks.size:
        raise ValueError("no masks are given")
    if each in ((grid.n_patches,), grid.counts):
        return masks.reshape(len(masks), -1).copy()  # it outlives the caller's array
    if each != grid.shape:
        raise ValueError(
            f"masks of shape {masks.shape} are not (n, {grid.n_patches}), (n, *{grid.counts}) "
            f"or (n, *{grid.shape})"
        )
    pixels = grid.to_patches(masks)
    kept = pixels[..., 0]
    cut = (pixels != kept[..., np.newaxis]).any(axis=(1, 2))
    if cut.any():
        raise ValueError(f"mask {int(np.argmax(cut))} cuts a patch of {grid}")
    return kept.copy()


def _kept_of_ids(grid: PatchGrid, ids: ArrayLike) -> BoolArray:
    indices = _indices("ids_keep", grid, ids)
    kept = np.zeros((len(indices), grid.n_patches), dtype=bool)
    np.put_along_axis(kept, indices, True, axis=1)
    twice = kept.sum(axis=1) < indices.shape[1]
    if twice.any():
        raise ValueError(f"ids_keep of mask {int(np.argmax(twice))} hold an index twice")
    return kept


def _kept_of_restore(grid: PatchGrid, ids: ArrayLike, n_keep: int) -> BoolArray:
    places = _indices("ids_restore", grid, ids)
    n_keep = _checks.positive_int("n_keep", n_keep)
    whole = np.arange(grid.n_patches)
    if places.shape[1] != grid.n_patches or (np.sort(places, axis=1) != whole).any():
        raise ValueError(
            f"ids_restore of shape {places.shape} are not orders of the {grid.n_patches} patches"
        )
    if n_keep > grid.n_patches:
        raise ValueError(f"{n_keep=} is more than {grid.n_patches} patches")
    return places < n_keep


def _indices(name: str, grid: PatchGrid, ids: ArrayLike) -> NDArray[np.int64]:
    array = _checks.plain_array(name, ids)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {array.dtype}; indices of patches are integers")
    if array.ndim != 2 or not array.size:
        raise ValueError(f"{name} of shape {array.shape} are not (n, number of indices)")
    outside = (array < 0) | (array >= grid.n_patches)
    if outside.any():
        raise ValueError(
            f"{name} holds {int(array[outside][0])}, which is no index of {grid.n_patches} "
            "patches from 0"
        )
    return array.astype(np.int64)
