"""Which named design is nearest to given masks, with its parameters fitted to them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, get_args

import numpy as np

from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.masks.designs.axes import Tube, stripes, without_axis
from spectral_mae.masks.designs.blocks import block
from spectral_mae.masks.designs.cells import grid as cell_grid
from spectral_mae.masks.designs.cells import stratified
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.noise import Color, color_noise, gaussian_field
from spectral_mae.masks.designs.published import blockwise, inverse_block
from spectral_mae.masks.designs.sampled import SampleMoments
from spectral_mae.masks.designs.targets import multi_block
from spectral_mae.masks.designs.uniform import bernoulli, fixed, random_ratio
from spectral_mae.masks.designs.unions import cutouts, drop_block
from spectral_mae.masks.patches import PatchGrid, kept_patches

Maker = Callable[[], MaskDesign]
COLORS: tuple[Color, ...] = get_args(Color)
EACH = 6  # sizes that are tried of each kind of block
N_DRAWS = 1000  # masks of each design that is estimated
MOST_PAIRS = 1024  # patches of a grid on which designs are tried that need the matrix Π


@dataclass(frozen=True)
class DesignDistance:
    """How far a design is from a sample of masks.

    Parameters
    ----------
    design : MaskDesign
        The design.
    pairs : float
        ‖ρ − ρ_design‖ over ‖ρ − π₁²‖, with sums over offsets: 0 if all pairs are kept equally
        often, about 1 for a design without any correlation of patches.
    inclusion : float
        Root mean square of the difference of the maps of π₁, over √(π₁(1−π₁)).
    noise : float
        Value of ``total`` that is expected from the standard errors alone.
    """

    design: MaskDesign
    pairs: float
    inclusion: float
    noise: float

    @property
    def total(self) -> float:
        """Both distances together, the root of the sum of their squares."""
        return math.hypot(self.pairs, self.inclusion)

    @property
    def within_noise(self) -> bool:
        """Whether the distance is less than twice that of the standard errors alone."""
        return self.total <= 2.0 * self.noise + 1e-9

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers by name.

        Returns
        -------
        dict
            The text of the design, the distances, the noise and whether they agree.
        """
        return {
            "design": self.design.text,
            "distance": self.total,
            "pairs": self.pairs,
            "inclusion": self.inclusion,
            "noise": self.noise,
            "within_noise": self.within_noise,
        }


def distance_to(design: MaskDesign, found: SampleMoments) -> DesignDistance:
    """Compare a design with the moments of a sample of masks.

    Parameters
    ----------
    design : MaskDesign
        A design on the grid of the masks.
    found : SampleMoments
        Moments of the masks.

    Returns
    -------
    DesignDistance
        The distances of ρ and of the map of π₁.
    """
    pi1 = float(found.inclusion.mean())
    spread = float(np.square(found.pair_inclusion - pi1**2).sum())
    variance = pi1 * (1.0 - pi1)
    pairs = float(np.square(found.pair_inclusion - design.pair_inclusion).sum()) / spread
    maps = float(np.square(found.inclusion - design.inclusion).mean()) / variance
    errors = _squared(found.pair_inclusion_stderr) + _squared(design.pair_inclusion_stderr)
    map_errors = _squared(found.inclusion_stderr) + _squared(design.inclusion_stderr)
    noise = errors / spread + map_errors / found.inclusion.size / variance
    return DesignDistance(design, math.sqrt(pairs), math.sqrt(maps), math.sqrt(noise))


def _squared(stderr: FloatArray | None) -> float:
    return 0.0 if stderr is None else float(np.square(stderr).sum())


def nearest_designs(grid: PatchGrid, kept: BoolArray, found: SampleMoments) -> list[DesignDistance]:
    """Compare all named designs with a sample of masks, the nearest one first.

    The parameters of each are fitted to the mean mask ratio, sizes of blocks and cells by trying
    those that give about that ratio.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    kept : ndarray of bool, shape (n, L)
        The masks.
    found : SampleMoments
        Their moments.

    Returns
    -------
    list of DesignDistance
        For each kind of design the nearest one, sorted by distance.
    """
    best: dict[str, DesignDistance] = {}
    for design in _candidates(grid, kept):
        distance = distance_to(design, found)
        kind = design.text.partition(":")[0]
        # Of designs with equal moments the first one stays, whatever rounding says.
        if kind not in best or distance.total < best[kind].total - 1e-9:
            best[kind] = distance
    return sorted(best.values(), key=lambda one: round(one.total, 9))  # of equal ones the first


def _candidates(grid: PatchGrid, kept: BoolArray) -> Iterator[MaskDesign]:
    """Designs whose mask ratio is about that of the masks; those that do not fit are left out."""
    for make in _makers(grid, kept):
        with suppress(ValueError):
            yield make()


def _makers(grid: PatchGrid, kept: BoolArray) -> Iterator[Maker]:
    ratios = 1.0 - kept.mean(axis=1)
    m, n = round(float(ratios.mean()), 4), grid.n_patches
    yield from _tubes(grid, kept)
    whole = _short_ratio(n, m)
    yield partial(fixed, grid, whole)
    yield partial(bernoulli, grid, m)
    if ratios.std() > 0:
        ends = round(float(ratios.min()), 4), round(float(ratios.max()), 4)
        yield partial(random_ratio, grid)
        yield partial(random_ratio, grid, ends, mean=m, sd=round(float(ratios.std()), 4))
    yield from _blocks(grid, m)
    yield from _cells(grid, m)
    yield from _stripes(grid, kept)
    for color in COLORS:
        yield partial(gaussian_field, grid, m, color)
        yield partial(color_noise, grid, whole, color, n_draws=N_DRAWS)
    if grid.ndim == 2:
        hidden = round((round(n * m) + 0.5) / n, 4)  # of which the floor is taken
        for rolled in (True, False):
            yield partial(inverse_block, grid, hidden, rolled=rolled)
        # Its masks hide some patches less than the ratio says.
        for least, more in product((4, 16), (0, 1, 2, 4)):
            ratio = round(m + (more + 0.5) / n, 4)
            yield partial(blockwise, grid, ratio, least=least, n_draws=N_DRAWS)
        if n <= MOST_PAIRS:
            yield partial(multi_block, grid)


def _tubes(grid: PatchGrid, kept: BoolArray) -> Iterator[Maker]:
    """Designs on the other axes, where masks do not change along one."""
    patterns = kept.reshape(-1, *grid.counts)
    for axis in range(grid.ndim if grid.ndim > 1 else 0):
        first = patterns.take([0], axis + 1)
        if grid.counts[axis] > 1 and (patterns == first).all():
            others = without_axis(grid, axis)
            if others.n_patches > 1:
                for make in _makers(others, first.reshape(len(kept), -1)):
                    yield partial(_tube_of, grid, make, axis)


def _tube_of(grid: PatchGrid, make: Maker, axis: int) -> MaskDesign:
    return Tube(grid, make(), axis)


def _blocks(grid: PatchGrid, m: float) -> Iterator[Maker]:
    sizes = list(product(*(range(1, count + 1) for count in grid.counts)))
    share = np.array([math.prod(size) for size in sizes]) / grid.n_patches

    def nearest(wanted: float) -> list[tuple[int, ...]]:
        order = np.argsort(np.abs(share - wanted), kind="stable")
        return [sizes[i] for i in order[:EACH]]

    for rolled in (True, False):
        for size in nearest(m):
            yield partial(block, grid, size, rolled=rolled)
        for size in nearest(1.0 - m):
            yield partial(block, grid, size, keep=True, rolled=rolled)
    for number in range(2, 9):
        for size in nearest(1.0 - (1.0 - m) ** (1.0 / number)):
            yield partial(cutouts, grid, size, number)
    for side in range(2, 1 + min(8, *grid.counts)):
        yield partial(drop_block, grid, side, m)


def _cells(grid: PatchGrid, m: float) -> Iterator[Maker]:
    divisors = [[d for d in range(1, n + 1) if n % d == 0] for n in grid.counts]
    for cell in product(*divisors):
        area = math.prod(cell)
        if 1 < area < grid.n_patches:
            whole = _short_ratio(grid.n_patches // area, m)
            yield partial(cell_grid, grid, cell, whole, phase="random")
            yield partial(cell_grid, grid, cell, whole, phase="fixed")
            yield partial(stratified, grid, cell, round(area * (1.0 - m)))


def _stripes(grid: PatchGrid, kept: BoolArray) -> Iterator[Maker]:
    """The fraction of the positions along each axis at which everything is hidden."""
    patterns = kept.reshape(-1, *grid.counts)
    axes = range(1, patterns.ndim)
    ratios = [
        1.0 - float(patterns.any(axis=tuple(other for other in axes if other != axis)).mean())
        for axis in axes
    ]
    yield partial(stripes, grid, [round(ratio, 4) for ratio in ratios], sampling="bernoulli")
    whole = [_short_ratio(n, m) if m else 0.0 for n, m in zip(grid.counts, ratios, strict=True)]
    yield partial(stripes, grid, whole)


def _short_ratio(n: int, mask_ratio: float) -> float:
    """A short mask ratio that keeps the whole number of n that is nearest to n(1−m)."""
    kept = round(n * (1.0 - mask_ratio))
    for digits in range(2, 17):
        short = round(1.0 - kept / n, digits)
        with suppress(ValueError):
            if kept_patches(n, short) == kept:
                return short
    return mask_ratio
