"""Designs of rectangular blocks of patches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.masks.designs.patterns import Listed
from spectral_mae.masks.patches import PatchGrid, expect_grid


@dataclass(frozen=True, repr=False)
class Block(Listed):
    """One rectangular block of patches at a random position is hidden, or is all that is kept.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    size : tuple of int
        Patches of the block along each axis.
    keep : bool
        Whether the block is kept and the rest hidden.
    rolled : bool
        Whether the block may lie across the border and go on at the opposite one.
    """

    size: tuple[int, ...]
    keep: bool = False
    rolled: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        size = _checks.per_axis("size", self.size, self.grid.ndim)
        if any(b > n for b, n in zip(size, self.grid.counts, strict=True)):
            raise ValueError(f"a block of {size=} is larger than {self.grid.counts} patches")
        if size == self.grid.counts:
            raise ValueError(f"a block of {size=} covers all of {self.grid.counts} patches")
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "keep", _checks.flag("keep", self.keep))
        object.__setattr__(self, "rolled", _checks.flag("rolled", self.rolled))

    @property
    def shift_invariant(self) -> bool:
        """Whether the block is rolled."""
        return self.rolled

    @cached_property
    def pair_inclusion(self) -> FloatArray:
        """Mean probability ρ of pairs by offset.

        Rolled, it is o(δ)/L where the block is kept and 1 − (2B − o(δ))/L where it is hidden. B is
        the number of patches in the block, and o(δ) how many of them it shares with itself shifted
        by δ. Without rolling it is the mean over all positions.
        """
        if not self.rolled:
            return super().pair_inclusion
        overlap = np.ones(())
        for b, n in zip(self.size, self.grid.counts, strict=True):
            offset = np.arange(n)
            shared = np.maximum(b - offset, 0) + np.maximum(b - (n - offset), 0)
            shared[0] = b
            overlap = np.multiply.outer(overlap, shared)
        if self.keep:
            return overlap / self.n_patches
        return 1.0 - (2 * math.prod(self.size) - overlap) / self.n_patches

    @cached_property
    def listed(self) -> tuple[BoolArray, FloatArray]:
        """The block at each of its positions, all equally likely."""
        covered = np.ones((1,) * self.grid.ndim * 2, dtype=bool)
        for axis, (b, n) in enumerate(zip(self.size, self.grid.counts, strict=True)):
            first = np.arange(n if self.rolled and b < n else n - b + 1)
            inside = (np.arange(n)[np.newaxis] - first[:, np.newaxis]) % n < b
            shape = [1] * self.grid.ndim * 2
            shape[axis], shape[axis + self.grid.ndim] = inside.shape
            covered = covered & inside.reshape(shape)
        patterns = covered.reshape(-1, self.n_patches)
        return patterns if self.keep else ~patterns, np.full(len(patterns), 1.0 / len(patterns))

    def on(self, grid: PatchGrid) -> Self:
        """Make the same design on another grid.

        Parameters
        ----------
        grid : PatchGrid
            Patches that are kept or hidden.

        Returns
        -------
        MaskDesign
            With a block of as many patches.
        """
        return type(self)(grid, self.size, self.keep, self.rolled)

    @property
    def text(self) -> str:
        """``block:6x6`` with ``,keep`` or ``,unrolled`` where they apply."""
        size = "x".join(map(str, self.size))
        return f"block:{size}{',keep' * self.keep}{',unrolled' * (not self.rolled)}"


def block(
    grid: PatchGrid, size: _checks.PerAxis, *, keep: bool = False, rolled: bool = True
) -> Block:
    """Hide one rectangular block of patches at a random position, or keep nothing but it.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    size : int or tuple of int
        Patches of the block along each axis.
    keep : bool
        Keep the block and hide the rest. By default the block is hidden.
    rolled : bool
        Let the block lie across the border and go on at the opposite one, so that every patch is
        hidden equally often. Without it the middle is covered more often than the border.

    Returns
    -------
    MaskDesign
        The design.

    Raises
    ------
    ValueError
        If the block is larger than the grid or covers all of it.

    Examples
    --------
    >>> block(PatchGrid((224, 224), 16), 7, keep=True)
    <design block:7x7,keep on 14×14 patches, mask_ratio=0.75>
    >>> block(PatchGrid((6, 2), 2), (2, 1), rolled=False).inclusion.ravel()
    array([0.5, 0. , 0.5])
    """
    expect_grid(grid)
    size = _checks.per_axis("size", size, grid.ndim)
    return Block(grid, size, keep, rolled)
