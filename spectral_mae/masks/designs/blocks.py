"""Designs of rectangular blocks of patches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator

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
        size = block_size(self.size, self.grid)
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "keep", _checks.flag("keep", self.keep))
        object.__setattr__(self, "rolled", _checks.flag("rolled", self.rolled))

    @property
    def shift_invariant(self) -> bool:
        """Whether the block is rolled."""
        return self.rolled

    @cached_property
    def inclusion(self) -> FloatArray:
        """Probability π₁ that a patch is kept: a product over the axes, where the block is kept."""
        covered = np.ones(())
        for axis in self._covers:
            covered = np.multiply.outer(covered, axis.mean(axis=0))
        return covered if self.keep else 1.0 - covered

    @property
    def _covers(self) -> list[BoolArray]:
        """For each axis the patches that the block covers, at each of its positions."""
        sides = zip(self.size, self.grid.counts, strict=True)
        return [block_positions((b,), (n,), rolled=self.rolled) for b, n in sides]

    def _draw(self, n: int, generator: Generator) -> BoolArray:
        # Not from the list of all positions, which of many patches is as long as they are.
        covered = np.ones((n,) + (1,) * self.grid.ndim, dtype=bool)
        for axis, positions in enumerate(self._covers, 1):
            drawn = positions[generator.integers(len(positions), size=n)]
            shape = [1] * covered.ndim
            shape[0], shape[axis] = drawn.shape
            covered = covered & drawn.reshape(shape)
        kept = covered if self.keep else ~covered
        return kept.reshape(n, self.n_patches)

    @cached_property
    def pair_inclusion(self) -> FloatArray:
        """Mean probability ρ of pairs by offset.

        Rolled, it is o(δ)/L where the block is kept and 1 − (2B − o(δ))/L where it is hidden. B is
        the number of patches in the block, and o(δ) how many of them it shares with itself shifted
        by δ. Without rolling it is the mean over all positions.
        """
        if not self.rolled:
            return super().pair_inclusion
        overlap = block_overlap(self.size, self.grid.counts)
        if self.keep:
            return overlap / self.n_patches
        return 1.0 - (2 * math.prod(self.size) - overlap) / self.n_patches

    @cached_property
    def listed(self) -> tuple[BoolArray, FloatArray]:
        """The block at each of its positions, all equally likely."""
        patterns = block_positions(self.size, self.grid.counts, rolled=self.rolled)
        return patterns if self.keep else ~patterns, np.full(len(patterns), 1.0 / len(patterns))

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


def block_size(size: _checks.PerAxis, grid: PatchGrid) -> tuple[int, ...]:
    """Return the size of a block along each axis, refusing one that does not leave a patch free.

    Parameters
    ----------
    size : int or tuple of int
        Patches of the block along each axis.
    grid : PatchGrid
        The patches.

    Returns
    -------
    tuple of int
        One entry per axis.

    Raises
    ------
    ValueError
        If the block is larger than the grid or covers all of it.
    """
    size = _checks.per_axis("size", size, grid.ndim)
    if any(b > n for b, n in zip(size, grid.counts, strict=True)):
        raise ValueError(f"a block of {size=} is larger than {grid.counts} patches")
    if size == grid.counts:
        raise ValueError(f"a block of {size=} covers all of {grid.counts} patches")
    return size


def block_overlap(size: tuple[int, ...], counts: tuple[int, ...]) -> FloatArray:
    """Return o(δ), how many patches a block shares with itself when it is rolled by δ.

    Parameters
    ----------
    size, counts : tuple of int
        Patches along each axis, of the block and of the grid.

    Returns
    -------
    ndarray of float64, shape counts
        By cyclic offset.
    """
    overlap = np.ones(())
    for b, n in zip(size, counts, strict=True):
        offset = np.arange(n)
        shared = np.maximum(b - offset, 0) + np.maximum(b - (n - offset), 0)
        shared[0] = b
        overlap = np.multiply.outer(overlap, shared)
    return overlap


def block_positions(
    size: tuple[int, ...], counts: tuple[int, ...], *, rolled: bool, last: bool = True
) -> BoolArray:
    """List the patches that a block covers at each of its positions.

    Parameters
    ----------
    size, counts : tuple of int
        Patches along each axis, of the block and of the grid.
    rolled : bool
        Whether the block may lie across the border.
    last : bool
        Whether a block that is not rolled may touch the far end of an axis.

    Returns
    -------
    ndarray of bool, shape (n_positions, L)
        True where a patch is covered. A block as long as an axis has one position along it.
    """
    ndim = len(counts)
    covered = np.ones((1,) * ndim * 2, dtype=bool)
    for axis, (b, n) in enumerate(zip(size, counts, strict=True)):
        first = np.arange(n if rolled and b < n else n - b + last)
        inside = (np.arange(n)[np.newaxis] - first[:, np.newaxis]) % n < b
        shape = [1] * ndim * 2
        shape[axis], shape[axis + ndim] = inside.shape
        covered = covered & inside.reshape(shape)
    return covered.reshape(-1, math.prod(counts))
