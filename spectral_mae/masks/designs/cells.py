"""Designs on a coarser grid of cells: whole cells are kept, or some patches of every cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray, Sampling
from spectral_mae.masks.designs.blocks import block_overlap
from spectral_mae.masks.designs.design import MaskDesign, at_most_patterns
from spectral_mae.masks.designs.uniform import Uniform
from spectral_mae.masks.designs.unions import distinct
from spectral_mae.masks.patches import PatchGrid, expect_grid

Phase = Literal["random", "fixed"]


@dataclass(frozen=True, repr=False)
class Celled(MaskDesign):
    """A design on a grid that is divided into cells of equal size.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    cell : tuple of int
        Patches of a cell along each axis.
    """

    cell: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "cell", cell_size(self.cell, self.grid))

    @property
    def _coarse(self) -> PatchGrid:
        """The grid whose patches are the cells."""
        return PatchGrid(self.grid.counts, self.cell)

    @property
    def _cell_area(self) -> int:
        return math.prod(self.cell)

    @property
    def _together(self) -> FloatArray:
        """Fraction of the pairs at each offset that lie in one cell."""
        return block_overlap(self.cell, self.grid.counts) / self._cell_area

    @property
    def _cell_of(self) -> NDArray[np.integer]:
        """Number of the cell of each patch, shape (L,)."""
        return self._coarse.expand(np.arange(self._coarse.n_patches)).ravel()

    @property
    def _cell_text(self) -> str:
        return "x".join(map(str, self.cell))


@dataclass(frozen=True, repr=False)
class CoarseGrid(Celled):
    """Whole cells are kept or hidden, chosen uniformly.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    cell : tuple of int
        Patches of a cell along each axis.
    nominal_ratio : float
        Fraction of the cells to be hidden, m.
    sampling : {"fixed", "bernoulli"}
        Keep exactly ⌊(L/B)(1−m)⌋ cells, or each one independently.
    phase : {"random", "fixed"}
        Roll the cells by a random offset, or let the first one begin at the first patch.
    """

    nominal_ratio: float
    sampling: Sampling = "fixed"
    phase: Phase = "random"

    def __post_init__(self) -> None:
        super().__post_init__()
        _checks.choice("phase", self.phase, Phase)
        if self._coarse.n_patches < 2:
            raise ValueError(f"a cell of {self.cell} covers all of {self.grid.counts} patches")
        object.__setattr__(self, "nominal_ratio", self._cells.nominal_ratio)

    @property
    def _cells(self) -> Uniform:
        return Uniform(self._coarse, self.nominal_ratio, self.sampling)

    @property
    def shift_invariant(self) -> bool:
        """Whether the phase is random, or cells are single along the axes that they divide."""
        sides = zip(self.cell, self.grid.counts, strict=True)
        return self.phase == "random" or all(c in (1, n) for c, n in sides)

    @property
    def inclusion(self) -> FloatArray:
        """Probability π₁ that a patch is kept, for each patch; shape ``grid.counts``."""
        return np.full(self.grid.counts, self._cells.uniform[0])

    @cached_property
    def pair_inclusion(self) -> FloatArray:
        """Mean probability of pairs, ρ = π₂ + (π₁ − π₂)·o(δ)/B.

        π₁ and π₂ are those of the cells, and o(δ)/B is the fraction of the pairs that lie in one
        cell, the same for both phases.
        """
        pi1, pi2 = self._cells.uniform
        return pi2 + (pi1 - pi2) * self._together

    def _matrix(self) -> FloatArray:
        if self.shift_invariant:
            return super()._matrix()
        pi1, pi2 = self._cells.uniform
        cell = self._cell_of
        return np.where(cell[:, np.newaxis] == cell, pi1, pi2)

    def _offsets(self) -> list[tuple[int, ...]]:
        """The offsets by which cells are rolled."""
        return list(np.ndindex(self.cell)) if self.phase == "random" else [(0,) * self.grid.ndim]

    def _rolled(self, kept: BoolArray, offset: tuple[int, ...]) -> BoolArray:
        patches = kept.reshape(-1, *self.grid.counts)
        return np.roll(patches, offset, range(1, patches.ndim)).reshape(kept.shape)

    def _draw(self, n: int, generator: Generator) -> BoolArray:
        kept = self._coarse.expand(self._cells.sample_kept(n, generator)).reshape(n, -1)
        offsets = self._offsets()
        chosen = generator.integers(len(offsets), size=n)
        for i, offset in enumerate(offsets):
            kept[chosen == i] = self._rolled(kept[chosen == i], offset)
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
        cells, weights = self._cells.enumerate()
        offsets = self._offsets()
        at_most_patterns(len(cells) * len(offsets), self)
        kept = self._coarse.expand(cells).reshape(len(cells), -1)
        rolled = np.concatenate([self._rolled(kept, offset) for offset in offsets])
        return distinct(rolled, np.tile(weights / len(offsets), len(offsets)))

    @property
    def text(self) -> str:
        """``grid:4x4,0.75`` with ``,bernoulli`` and ``,fixed_phase`` where they apply."""
        options = ",bernoulli" * (self.sampling == "bernoulli")
        options += ",fixed_phase" * (self.phase == "fixed")
        return f"grid:{self._cell_text},{self.nominal_ratio!r}{options}"


@dataclass(frozen=True, repr=False)
class Stratified(Celled):
    """A fixed number of patches of every cell is kept, cells being independent.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    cell : tuple of int
        Patches of a cell along each axis.
    keep : int
        Patches that are kept of each cell, K.
    """

    keep: int

    def __post_init__(self) -> None:
        super().__post_init__()
        keep = _checks.positive_int("keep", self.keep)
        if self._cell_area == 1:
            raise ValueError(
                f"a cell of {self.cell} is a single patch: kept, it hides nothing; "
                "2 patches or more are needed"
            )
        if keep >= self._cell_area:
            raise ValueError(
                f"{keep=} of the {self._cell_area} patches of a cell of {self.cell} hides nothing; "
                f"1 to {self._cell_area - 1} can be kept"
            )
        object.__setattr__(self, "keep", keep)

    @property
    def _pairs(self) -> tuple[float, float, float]:
        """π₁, and π₂ of pairs in one cell and in two cells."""
        pi1 = self.keep / self._cell_area
        return pi1, pi1 * (self.keep - 1) / (self._cell_area - 1), pi1 * pi1

    @property
    def shift_invariant(self) -> bool:
        """Whether there is only one cell."""
        return self._coarse.n_patches == 1

    @property
    def uniform(self) -> tuple[float, float] | None:
        """Pair (π₁, π₂) if there is only one cell, else None."""
        return self._pairs[:2] if self.shift_invariant else None

    @property
    def inclusion(self) -> FloatArray:
        """Probability π₁ that a patch is kept, for each patch; shape ``grid.counts``."""
        return np.full(self.grid.counts, self._pairs[0])

    @cached_property
    def pair_inclusion(self) -> FloatArray:
        """Mean probability of pairs, a mix of those in one cell and in two cells.

        With t(δ) = o(δ)/B the fraction of the pairs that lie in one cell,
        ρ = t·π₁(K−1)/(B−1) + (1−t)·π₁², and ρ(0) = π₁.
        """
        pi1, one_cell, two_cells = self._pairs
        rho = two_cells + (one_cell - two_cells) * self._together
        rho[(0,) * self.grid.ndim] = pi1
        return rho

    def _matrix(self) -> FloatArray:
        pi1, one_cell, two_cells = self._pairs
        cell = self._cell_of
        matrix = np.where(cell[:, np.newaxis] == cell, one_cell, two_cells)
        np.fill_diagonal(matrix, pi1)
        return matrix

    def _draw(self, n: int, generator: Generator) -> BoolArray:
        first = np.arange(self._cell_area) < self.keep
        shape = n, self._coarse.n_patches, self._cell_area
        cells = generator.permuted(np.broadcast_to(first, shape), axis=-1)
        return self._coarse.from_patches(cells).reshape(n, -1)

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
        n_cells = self._coarse.n_patches
        of_one = math.comb(self._cell_area, self.keep)
        n = at_most_patterns(of_one**n_cells, self)
        chosen = np.array(list(combinations(range(self._cell_area), self.keep)))
        one = np.zeros((of_one, self._cell_area), dtype=bool)
        np.put_along_axis(one, chosen, True, axis=1)
        which = np.indices((of_one,) * n_cells).reshape(n_cells, -1).T
        return self._coarse.from_patches(one[which]).reshape(n, -1), np.full(n, 1.0 / n)

    @property
    def text(self) -> str:
        """``stratified:2x2,1``."""
        return f"stratified:{self._cell_text},{self.keep}"


def cell_size(cell: _checks.PerAxis, grid: PatchGrid) -> tuple[int, ...]:
    """Return the size of a cell along each axis, refusing one that does not divide the grid.

    Parameters
    ----------
    cell : int or tuple of int
        Patches of a cell along each axis.
    grid : PatchGrid
        The patches.

    Returns
    -------
    tuple of int
        One entry per axis.

    Raises
    ------
    ValueError
        If it does not divide the patches along each axis.
    """
    cell = _checks.per_axis("cell", cell, grid.ndim)
    if any(n % c for n, c in zip(grid.counts, cell, strict=True)):
        raise ValueError(f"{cell=} does not divide the {grid.counts} patches of {grid}")
    return cell


def grid(
    grid: PatchGrid,
    cell: _checks.PerAxis,
    mask_ratio: float,
    *,
    sampling: Sampling = "fixed",
    phase: Phase = "random",
) -> CoarseGrid:
    """Keep or hide whole cells of a coarser grid, chosen uniformly.

    Pixio ("In Pursuit of Pixel Supervision for Visual Pre-training", 2025) hides cells of 4×4 of
    16×16 patches at a ratio of 0.75, with a fixed phase. ρ(δ) = π₂ + (π₁ − π₂)·o(δ)/B, with π₁ and
    π₂ those of the cells, B the patches of a cell and o(δ) how many of them it shares with itself
    shifted by δ. Its mean over pairs, ρ, does not depend on the phase.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    cell : int or tuple of int
        Patches of a cell along each axis; it must divide those of the grid.
    mask_ratio : float
        Fraction of the cells that is hidden, m, strictly between 0 and 1.
    sampling : {"fixed", "bernoulli"}
        Keep exactly ⌊(L/B)(1−m)⌋ cells, or each one independently.
    phase : {"random", "fixed"}
        Roll the cells by a random offset, or let the first one begin at the first patch.

    Returns
    -------
    MaskDesign
        The design.

    Raises
    ------
    ValueError
        If the cell does not divide the grid or covers all of it, the mask ratio is not inside
        (0, 1), or all or no cells would be kept.

    Examples
    --------
    >>> from spectral_mae import designs
    >>> designs.grid(PatchGrid((256, 256), 16), 4, 0.75, phase="fixed")
    <design grid:4x4,0.75,fixed_phase on 16×16 patches, mask_ratio=0.75>
    """
    expect_grid(grid)
    return CoarseGrid(grid, cell_size(cell, grid), mask_ratio, sampling, phase)


def stratified(grid: PatchGrid, cell: _checks.PerAxis, keep: int) -> Stratified:
    """Keep a fixed number of patches of every cell of a coarser grid, cells being independent.

    Uniform masking MAE (Li et al., 2022) keeps 1 of each cell of 2×2 patches, and then hides some
    of the kept ones once more. Patches of one cell are kept less often together than patches
    elsewhere, so the masks have little power at low frequencies.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    cell : int or tuple of int
        Patches of a cell along each axis; it must divide those of the grid.
    keep : int
        Patches that are kept of each cell.

    Returns
    -------
    MaskDesign
        The design.

    Raises
    ------
    ValueError
        If the cell does not divide the grid, or ``keep`` is all of a cell.

    Examples
    --------
    >>> stratified(PatchGrid((224, 224), 16), 2, 1)
    <design stratified:2x2,1 on 14×14 patches, mask_ratio=0.75>
    """
    expect_grid(grid)
    return Stratified(grid, cell_size(cell, grid), keep)
