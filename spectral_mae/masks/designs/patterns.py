"""Designs given by a list of sets of kept patches: anyone's masks, or few positions of a block."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.masks.conventions import kept_of
from spectral_mae.masks.designs.design import MaskDesign, expect_both, mean_pairs
from spectral_mae.masks.patches import PatchGrid


class Listed(MaskDesign):
    """A design of which all sets of kept patches are at hand; its moments are sums over them."""

    @cached_property
    @abstractmethod
    def listed(self) -> tuple[BoolArray, FloatArray]:
        """The sets, shape (n, L), and the probability of each, shape (n,)."""

    @cached_property
    def inclusion(self) -> FloatArray:
        """Probability π₁ that a patch is kept, for each patch; shape ``grid.counts``."""
        patterns, weights = self.listed
        return (weights @ patterns).reshape(self.grid.counts)

    @cached_property
    def pair_inclusion(self) -> FloatArray:
        """Mean probability ρ that two patches at a cyclic offset are both kept, by offset."""
        return mean_pairs(*self.listed, self.grid)

    def _matrix(self) -> FloatArray:
        if self.shift_invariant:
            return super()._matrix()
        patterns, weights = self.listed
        return patterns.T @ (weights[:, np.newaxis] * patterns)

    def factor(self) -> FloatArray:
        """Return vectors v_r with Π = Σ_r v_r v_rᵀ: the sets themselves where they are few.

        Returns
        -------
        ndarray, shape (n_factors, L)
            One vector a row.
        """
        patterns, weights = self.listed
        if len(patterns) > self.n_patches:
            return super().factor()
        return np.sqrt(weights)[:, np.newaxis] * patterns

    def _draw(self, n: int, generator: Generator) -> BoolArray:
        patterns, weights = self.listed
        return patterns[generator.choice(len(patterns), n, p=weights)]

    def enumerate(self) -> tuple[BoolArray, FloatArray]:
        """List every set of kept patches with its probability.

        Returns
        -------
        patterns : ndarray of bool, shape (n, L)
            True where a patch is kept.
        weights : ndarray of float64, shape (n,)
            Probability of each set; they sum to 1.
        """
        patterns, weights = self.listed
        return patterns.copy(), weights.copy()


@dataclass(frozen=True, repr=False, eq=False)
class Given(Listed):
    """A design whose sets of kept patches are given.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    patterns : ndarray of bool, shape (n, L)
        True where a patch is kept.
    weights : ndarray of float64, shape (n,)
        Probability of each set.
    """

    patterns: BoolArray
    weights: FloatArray

    def __post_init__(self) -> None:
        super().__post_init__()
        drawn = self.patterns[self.weights > 0]
        expect_both(float(drawn.mean()), f"all {len(drawn)} masks")

    @cached_property
    def listed(self) -> tuple[BoolArray, FloatArray]:
        """The sets, and the probability of each."""
        return self.patterns, self.weights

    def on(self, grid: PatchGrid) -> Self:
        """Return this design if the grid is its own.

        Parameters
        ----------
        grid : PatchGrid
            Patches that are kept or hidden.

        Returns
        -------
        MaskDesign
            This design.

        Raises
        ------
        ValueError
            If the grid is another: masks that are given belong to one grid.
        """
        if grid != self.grid:
            raise ValueError(f"{self} is of masks on {self.grid}, not on {grid}")
        return self

    @property
    def text(self) -> str:
        """A description; masks that are given have no short form."""
        return f"from_masks({len(self.patterns)} sets of patches)"


def from_masks(grid: PatchGrid, visible: ArrayLike, weights: ArrayLike | None = None) -> Given:
    """Take masks as they are: each is drawn with its weight.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    visible : array_like of bool, shape (n, L), (n, *grid.counts) or (n, *grid.shape)
        True where a patch or a pixel is kept. A mask of pixels must keep or hide whole patches.
    weights : array_like of float, shape (n,), or None
        Relative probability of each mask, 0 or more; None for equal ones.

    Returns
    -------
    MaskDesign
        The distribution over exactly these masks.

    Raises
    ------
    ValueError
        If shapes do not fit, a mask cuts a patch, weights are negative or all 0, or all masks
        together keep or hide every patch.

    Examples
    --------
    >>> grid = PatchGrid((4, 4), 2)
    >>> design = from_masks(grid, [[1, 0, 0, 0], [1, 1, 0, 0]])
    >>> design.inclusion
    array([[1. , 0.5],
           [0. , 0. ]])
    """
    patterns = kept_of(grid, visible)
    if weights is None:
        return Given(grid, patterns, np.full(len(patterns), 1.0 / len(patterns)))
    given = _checks.real_array("weights", weights).astype(float)
    if given.shape != (len(patterns),) or (given < 0).any() or not given.sum() > 0:
        raise ValueError(
            f"weights={_checks.brief(given)} of {len(patterns)} masks: one number of 0 or more is "
            "needed for each, and one that is positive"
        )
    return Given(grid, patterns, given / given.sum())
