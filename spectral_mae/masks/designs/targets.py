"""Multi-block masking of I-JEPA: a context block without several target blocks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.masks.designs.blocks import block_positions
from spectral_mae.masks.designs.design import MaskDesign, at_most_patterns
from spectral_mae.masks.designs.published import probability_of_sizes, rising, two_axes
from spectral_mae.masks.designs.unions import distinct
from spectral_mae.masks.patches import PatchGrid, expect_grid

Sizes = Mapping[tuple[int, int], float]


@dataclass(frozen=True, repr=False)
class MultiBlock(MaskDesign):
    """The patches of a context block that lie in none of ``n`` target blocks are kept.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden, along two axes.
    n : int
        Number of target blocks.
    scale : (float, float)
        Fraction of the patches that a target block holds.
    aspect : (float, float)
        Aspect ratio of the target blocks, height over width.
    context : (float, float)
        Fraction of the patches that the context block holds; its aspect ratio is 1.
    """

    n: int = 4
    scale: tuple[float, float] = (0.15, 0.2)
    aspect: tuple[float, float] = (0.75, 1.5)
    context: tuple[float, float] = (0.85, 1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        two_axes(self.grid, "multi-block masking")
        if min(self.grid.counts) < 2:
            raise ValueError(
                f"multi-block masking needs two patches along each axis of {self.grid}"
            )
        object.__setattr__(self, "n", _checks.positive_int("n", self.n))
        for name in ("scale", "aspect", "context"):
            object.__setattr__(self, name, rising(name, getattr(self, name)))
        for name in ("scale", "context"):
            low, high = getattr(self, name)
            if high > 1 or int(self.n_patches * low) < 1:
                raise ValueError(
                    f"{name}={low, high} is not two fractions of {self.n_patches} patches from "
                    "one patch to all"
                )

    def _sizes(self, scale: tuple[float, float], aspect: tuple[float, float]) -> Sizes:
        """Probability of each size of a block, of which one number sets area and aspect ratio."""
        (height, width), n = self.grid.counts, self.n_patches

        def size_of(u: float) -> tuple[int, int]:
            area = int(n * (scale[0] + u * (scale[1] - scale[0])))
            ratio = aspect[0] + u * (aspect[1] - aspect[0])
            h, w = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            # One position of each side is left free, as in the published code.
            return min(max(h, 1), height - 1), min(max(w, 1), width - 1)

        steps: list[float] = []
        areas = range(int(n * scale[0]), int(n * scale[1]) + 1)
        if scale[1] > scale[0]:
            steps += [(area / n - scale[0]) / (scale[1] - scale[0]) for area in areas]
        if aspect[1] > aspect[0]:
            halves = [(j + 0.5) ** 2 for j in range(max(height, width) + 1)]
            ratios = [r for area in areas for half in halves for r in (half / area, area / half)]
            steps += [(ratio - aspect[0]) / (aspect[1] - aspect[0]) for ratio in ratios]
        return probability_of_sizes(size_of, 0.0, 1.0, steps)

    @cached_property
    def _targets(self) -> Sizes:
        return self._sizes(self.scale, self.aspect)

    @cached_property
    def _contexts(self) -> Sizes:
        return self._sizes(self.context, (1.0, 1.0))

    def _positions(self, size: tuple[int, int]) -> BoolArray:
        """A block at each of its positions; none touches the last row or column."""
        return block_positions(size, self.grid.counts, rolled=False, last=False)

    @cached_property
    def _pairs(self) -> FloatArray:
        """Π, the product of those of the context and of the targets, which are independent."""
        inside = np.zeros((self.n_patches,) * 2)
        for size, probability in self._contexts.items():
            inside += probability * _both(self._positions(size))
        outside = np.zeros_like(inside)
        for size, probability in self._targets.items():
            outside += probability * _both(~self._positions(size)) ** self.n
        return inside * outside

    @cached_property
    def inclusion(self) -> FloatArray:
        """Probability π₁ that a patch is kept, for each patch; shape ``grid.counts``."""
        return np.diag(self.matrix()).reshape(self.grid.counts)

    @cached_property
    def pair_inclusion(self) -> FloatArray:
        """Mean probability ρ that two patches at a cyclic offset are both kept, by offset."""
        index = np.indices(self.grid.counts).reshape(self.grid.ndim, -1)
        offset = np.ravel_multi_index(
            tuple((axis[None, :] - axis[:, None]) % n for axis, n in self._axes(index)),
            self.grid.counts,
        )
        sums = np.bincount(offset.ravel(), weights=self.matrix().ravel())
        return sums.reshape(self.grid.counts) / self.n_patches

    def _matrix(self) -> FloatArray:
        return self._pairs.copy()

    def _draw(self, n: int, generator: Generator) -> BoolArray:
        kept = self._blocks(self._contexts, 1, n, generator)
        return kept & ~self._blocks(self._targets, self.n, n, generator)

    def _blocks(self, sizes: Sizes, each: int, n: int, generator: Generator) -> BoolArray:
        """Unions of ``each`` blocks of one random size."""
        covered = np.zeros((n, self.n_patches), dtype=bool)
        chosen = generator.choice(len(sizes), n, p=list(sizes.values()))
        for i, size in enumerate(sizes):
            of_size = np.flatnonzero(chosen == i)
            positions = self._positions(size)
            for at in generator.integers(len(positions), size=(each, len(of_size))):
                covered[of_size] |= positions[at]
        return covered

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
        kept, weights = self._union(self._targets, self.n)
        inside, each = self._union(self._contexts, 1)
        at_most_patterns(len(kept) * len(inside), self)
        both = (inside[:, np.newaxis] & ~kept).reshape(-1, self.n_patches)
        return distinct(both, np.outer(each, weights).ravel())

    def _union(self, sizes: Sizes, n: int) -> tuple[BoolArray, FloatArray]:
        """Every union of ``n`` blocks of one size, and its probability."""
        patterns, weights = [], []
        for size, probability in sizes.items():
            positions = self._positions(size)
            covered, odds = positions, np.full(len(positions), 1.0 / len(positions))
            for _ in range(n - 1):
                at_most_patterns(len(covered) * len(positions), self)
                both = (covered[:, np.newaxis] | positions).reshape(-1, self.n_patches)
                covered, odds = distinct(both, np.repeat(odds / len(positions), len(positions)))
            patterns.append(covered)
            weights.append(probability * odds)
        return distinct(np.concatenate(patterns), np.concatenate(weights))

    @property
    def text(self) -> str:
        """``multi_block:4`` with ``,scale=``, ``,aspect=`` and ``,context=`` where they apply."""
        options = "".join(
            f",{name}={found[0]!r}..{found[1]!r}"
            for name in ("scale", "aspect", "context")
            if (found := getattr(self, name)) != getattr(MultiBlock, name)
        )
        return f"multi_block:{self.n}{options}"


def _both(covered: BoolArray) -> FloatArray:
    """Fraction of the sets that hold both of two patches."""
    sets = covered.astype(float)
    return sets.T @ sets / len(sets)


def multi_block(
    grid: PatchGrid,
    n: int = 4,
    *,
    scale: tuple[float, float] = (0.15, 0.2),
    aspect: tuple[float, float] = (0.75, 1.5),
    context: tuple[float, float] = (0.85, 1.0),
) -> MultiBlock:
    """Keep a large context block without several target blocks, as I-JEPA does.

    This is the context of I-JEPA (Assran et al., "Self-supervised learning from images with a
    joint-embedding predictive architecture", 2023) with its published defaults: the targets of a
    mask have one random size and independent positions. Nothing is rolled, and as in the published
    code no block touches the last row or column. So the last row and column are never kept, and the
    first ones are kept more often than the middle.

    Given the size, the blocks are independent. So the probability that two patches lie in no
    target is the n-th power of that of one target, averaged over the sizes, and all moments are
    exact. The published code also draws the context again where it would keep 10 patches or fewer
    (at its defaults no mask in a million does), and cuts the contexts of a batch to the number of
    patches of the smallest; neither is done here.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden, along two axes.
    n : int
        Number of target blocks.
    scale : (float, float)
        Fraction of the patches that a target block holds.
    aspect : (float, float)
        Aspect ratio of the target blocks, height over width. One uniform number sets both scale
        and aspect ratio, as in the published code.
    context : (float, float)
        Fraction of the patches that the context block holds; its aspect ratio is 1.

    Returns
    -------
    MaskDesign
        The design.

    Raises
    ------
    ValueError
        If the grid has not two axes, or a range is not two rising numbers that fit.

    Examples
    --------
    >>> design = multi_block(PatchGrid((224, 224), 16))
    >>> design
    <design multi_block:4 on 14×14 patches, mask_ratio=0.583>
    >>> float(design.inclusion[-1].max())
    0.0
    """
    expect_grid(grid)
    return MultiBlock(grid, n, scale, aspect, context)
