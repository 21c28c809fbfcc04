"""Designs that hide the union of several blocks: Cutout with several holes, and DropBlock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.masks.designs.blocks import block_overlap, block_positions, block_size
from spectral_mae.masks.designs.design import MaskDesign, at_most_patterns, expect_both
from spectral_mae.masks.patches import PatchGrid, expect_grid


@dataclass(frozen=True, repr=False)
class BlockUnion(MaskDesign):
    """A design of rolled blocks of one size, of which any number is hidden.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    size : tuple of int
        Patches of a block along each axis.
    """

    size: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "size", block_size(self.size, self.grid))

    @property
    def shift_invariant(self) -> bool:
        """Always True: the blocks are rolled."""
        return True

    @property
    def inclusion(self) -> FloatArray:
        """Probability π₁ that a patch is kept, for each patch; shape ``grid.counts``."""
        return np.full(self.grid.counts, self.pair_inclusion.ravel()[0])

    @property
    def _area(self) -> int:
        """Patches of a block, B."""
        return math.prod(self.size)

    @property
    def _either(self) -> FloatArray:
        """Patches from which on a block covers one of two patches, 2B − o(δ), by their offset."""
        return 2.0 * self._area - block_overlap(self.size, self.grid.counts)

    @property
    def _blocks(self) -> BoolArray:
        """The block at each of the L positions, of which some may cover the same patches."""
        blocks = block_positions(self.size, self.grid.counts, rolled=True)
        return np.repeat(blocks, self.n_patches // len(blocks), axis=0)

    @property
    def _size_text(self) -> str:
        return "x".join(map(str, self.size))


@dataclass(frozen=True, repr=False)
class Cutouts(BlockUnion):
    """The union of ``n`` blocks at independent positions is hidden.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    size : tuple of int
        Patches of a block along each axis.
    n : int
        Number of blocks.
    """

    n: int

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "n", _checks.positive_int("n", self.n))
        expect_both(float(self.inclusion.flat[0]), f"{self.n} blocks of size={self.size}")

    @cached_property
    def pair_inclusion(self) -> FloatArray:
        """Mean probability of pairs, ρ = (1 − (2B − o(δ))/L)ⁿ: no block covers either patch."""
        return (1.0 - self._either / self.n_patches) ** self.n

    def _draw(self, n: int, generator: Generator) -> BoolArray:
        blocks = self._blocks
        kept = np.ones((n, self.n_patches), dtype=bool)
        for at in generator.integers(len(blocks), size=(self.n, n)):
            kept &= ~blocks[at]
        return kept

    def enumerate(self) -> tuple[BoolArray, FloatArray]:
        """List every set of kept patches with its probability.

        Returns
        -------
        patterns : ndarray of bool, shape (n, L)
            True where a patch is kept.
        weights : ndarray of float64, shape (n,)
            Probability of each set.

        Raises
        ------
        ValueError
            If there are too many sets.
        """
        free = ~self._blocks
        kept, weights = distinct(free, np.full(len(free), 1.0 / len(free)))
        first, each = kept, weights
        for _ in range(self.n - 1):
            at_most_patterns(len(kept) * len(first), self)
            both = (kept[:, np.newaxis] & first).reshape(-1, self.n_patches)
            kept, weights = distinct(both, np.outer(weights, each).ravel())
        return kept, weights

    @property
    def text(self) -> str:
        """``cutouts:4x4,3``."""
        return f"cutouts:{self._size_text},{self.n}"


@dataclass(frozen=True, repr=False)
class DropBlock(BlockUnion):
    """Each position independently hides a block, with one probability γ.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    size : tuple of int
        Patches of a block along each axis.
    nominal_ratio : float
        Probability that a patch is hidden, m.
    """

    nominal_ratio: float

    def __post_init__(self) -> None:
        super().__post_init__()
        ratio = _checks.open_unit("mask_ratio", self.nominal_ratio)
        object.__setattr__(self, "nominal_ratio", ratio)

    @property
    def gamma(self) -> float:
        """Probability that a block lies at a given position, γ = 1 − (1−m)^(1/B)."""
        return -math.expm1(math.log1p(-self.nominal_ratio) / self._area)

    @cached_property
    def pair_inclusion(self) -> FloatArray:
        """Mean probability of pairs, ρ = (1−γ)^(2B − o(δ)): no block covers either patch."""
        return np.exp(self._either * (math.log1p(-self.nominal_ratio) / self._area))

    def _draw(self, n: int, generator: Generator) -> BoolArray:
        blocks = self._blocks
        kept = np.empty((n, self.n_patches), dtype=bool)
        for i in range(n):
            drawn = generator.random(len(blocks)) < self.gamma
            kept[i] = ~blocks[drawn].any(axis=0)
        return kept

    def enumerate(self) -> tuple[BoolArray, FloatArray]:
        """List every set of kept patches with its probability.

        Returns
        -------
        patterns : ndarray of bool, shape (n, L)
            True where a patch is kept.
        weights : ndarray of float64, shape (n,)
            Probability of each set.

        Raises
        ------
        ValueError
            If there are too many sets.
        """
        at_most_patterns(2**self.n_patches, self)
        kept = np.ones((1, self.n_patches), dtype=bool)
        weights: FloatArray = np.ones(1)
        for block in self._blocks:
            with_one = np.concatenate([kept, kept & ~block])
            odds = np.concatenate([weights * (1.0 - self.gamma), weights * self.gamma])
            kept, weights = distinct(with_one, odds)
        return kept, weights

    @property
    def text(self) -> str:
        """``drop_block:4x4,0.75``."""
        return f"drop_block:{self._size_text},{self.nominal_ratio!r}"


def distinct(patterns: BoolArray, weights: FloatArray) -> tuple[BoolArray, FloatArray]:
    """Return each set once, with the sum of its weights.

    Parameters
    ----------
    patterns : ndarray of bool, shape (n, L)
        Sets, of which some may be equal.
    weights : ndarray of float64, shape (n,)
        Probability of each.

    Returns
    -------
    patterns : ndarray of bool, shape (n_distinct, L)
        The different sets.
    weights : ndarray of float64, shape (n_distinct,)
        Probability of each.
    """
    packed, first, place = np.unique(
        np.packbits(patterns, axis=1), axis=0, return_index=True, return_inverse=True
    )
    total = np.zeros(len(packed))
    np.add.at(total, place.reshape(-1), weights)
    return patterns[first], total


def cutouts(grid: PatchGrid, size: _checks.PerAxis, n: int) -> Cutouts:
    """Hide the union of several blocks at independent random positions.

    The blocks are rolled: they go on at the opposite border. ρ(δ) = (1 − (2B − o(δ))/L)ⁿ, with B
    the patches of a block and o(δ) how many of them it shares with itself shifted by δ. Cutout
    (DeVries and Taylor, 2017) is one block, in pixels and cut at the border.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    size : int or tuple of int
        Patches of a block along each axis.
    n : int
        Number of blocks.

    Returns
    -------
    MaskDesign
        The design.

    Raises
    ------
    ValueError
        If the block is larger than the grid or covers all of it, or ``n`` is not positive.

    Examples
    --------
    >>> cutouts(PatchGrid((224, 224), 16), 5, 4)
    <design cutouts:5x5,4 on 14×14 patches, mask_ratio=0.4206>
    """
    expect_grid(grid)
    return Cutouts(grid, block_size(size, grid), n)


def drop_block(grid: PatchGrid, size: _checks.PerAxis, mask_ratio: float) -> DropBlock:
    """Hide a block at each position independently, with one probability γ.

    This is DropBlock (Ghiasi et al., 2018) on rolled positions. ρ(δ) = (1−γ)^(2B − o(δ)), with B
    the patches of a block and o(δ) how many of them it shares with itself shifted by δ. γ is the
    one that hides a fraction m exactly, γ = 1 − (1−m)^(1/B); the paper's m/B hides less, for blocks
    overlap.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    size : int or tuple of int
        Patches of a block along each axis.
    mask_ratio : float
        Probability that a patch is hidden, m, strictly between 0 and 1.

    Returns
    -------
    MaskDesign
        The design.

    Raises
    ------
    ValueError
        If the block is larger than the grid or covers all of it, or the mask ratio is not inside
        (0, 1).

    Examples
    --------
    >>> drop_block(PatchGrid((224, 224), 16), 4, 0.5)
    <design drop_block:4x4,0.5 on 14×14 patches, mask_ratio=0.5>
    """
    expect_grid(grid)
    return DropBlock(grid, block_size(size, grid), mask_ratio)
