"""Block designs as they are published: CAPI's inverse block and BEiT's block-wise masking."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.masks.designs.patterns import Listed
from spectral_mae.masks.designs.sampled import N_DRAWS, Estimated, seed_of
from spectral_mae.masks.designs.unions import distinct
from spectral_mae.masks.patches import PatchGrid, expect_grid
from spectral_mae.masks.sampling import Seed

ATTEMPTS = 10  # of BEiT's code, to place a block


@dataclass(frozen=True, repr=False)
class InverseBlock(Listed):
    """One block of a random aspect ratio is kept, cut to a fixed number of patches.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden, along two axes.
    nominal_ratio : float
        Fraction of patches to be hidden, m.
    aspect : (float, float)
        Least and greatest aspect ratio, height over width.
    rolled : bool
        Whether the block is rolled by a random offset.
    """

    nominal_ratio: float
    aspect: tuple[float, float] = (0.5, 2.0)
    rolled: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        two_axes(self.grid, "an inverse block")
        ratio = _checks.open_unit("mask_ratio", self.nominal_ratio)
        object.__setattr__(self, "nominal_ratio", ratio)
        if self._n_kept == self.n_patches:
            raise ValueError(f"mask_ratio={ratio} hides none of {self.n_patches} patches")
        object.__setattr__(self, "aspect", rising("aspect", self.aspect))
        object.__setattr__(self, "rolled", _checks.flag("rolled", self.rolled))
        _ = self._sizes

    @property
    def _n_kept(self) -> int:
        """The patches that are not among the ⌊L·m⌋ hidden ones of CAPI's code."""
        return self.n_patches - int(self.n_patches * self.nominal_ratio)

    @cached_property
    def _sizes(self) -> dict[tuple[int, int], float]:
        """Probability of each size of the block, before it is cut."""
        (height, width), n = self.grid.counts, self._n_kept
        low = max(math.log(self.aspect[0]), math.log(n / width**2))
        high = min(math.log(self.aspect[1]), math.log(height**2 / n))
        if low > high:
            raise ValueError(
                f"no block of {n} patches and an aspect ratio between {self.aspect} fits into "
                f"{self.grid.counts} patches"
            )

        def size_of(log_aspect: float) -> tuple[int, int]:
            aspect = math.exp(log_aspect)
            sides = math.sqrt(n * aspect), math.sqrt(n / aspect)
            return min(height, math.ceil(sides[0])), min(width, math.ceil(sides[1]))

        steps = [math.log(j * j / n) for j in range(1, max(height, width) + 1)]
        return probability_of_sizes(size_of, low, high, [*steps, *(-step for step in steps)])

    @property
    def shift_invariant(self) -> bool:
        """Whether the block is rolled."""
        return self.rolled

    @cached_property
    def listed(self) -> tuple[BoolArray, FloatArray]:
        """Every block at each of its positions, and the probability of each."""
        counts = self.grid.counts
        patterns, weights = [], []
        for (h, w), probability in self._sizes.items():
            first = np.zeros(counts, dtype=bool)
            # CAPI cuts a block that is too large in row-major order.
            first[:h, :w] = (np.arange(h * w) < self._n_kept).reshape(h, w)
            free = counts if self.rolled else (counts[0] - h + 1, counts[1] - w + 1)
            places = list(np.ndindex(free))
            patterns += [np.roll(first, place, (0, 1)).ravel() for place in places]
            weights += [probability / len(places)] * len(places)
        return distinct(np.array(patterns), np.array(weights))

    @property
    def text(self) -> str:
        """``inverse_block:0.65`` with ``,aspect=0.5..2.0`` and ``,unrolled`` where they apply."""
        low, high = self.aspect
        aspect = "" if self.aspect == (0.5, 2.0) else f",aspect={low!r}..{high!r}"
        return f"inverse_block:{self.nominal_ratio!r}{aspect}{',unrolled' * (not self.rolled)}"


@dataclass(frozen=True, repr=False)
class Blockwise(Estimated):
    """Blocks of random sizes are hidden one after the other, until a fraction is hidden.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden, along two axes.
    nominal_ratio : float
        Fraction of patches to be hidden, m.
    least : int
        Patches of the smallest block.
    aspect : (float, float)
        Least and greatest aspect ratio, height over width.
    """

    nominal_ratio: float = 0.4
    least: int = 16
    aspect: tuple[float, float] = (0.3, 1 / 0.3)

    def __post_init__(self) -> None:
        super().__post_init__()
        two_axes(self.grid, "block-wise masking")
        ratio = _checks.open_unit("mask_ratio", self.nominal_ratio)
        object.__setattr__(self, "nominal_ratio", ratio)
        n_hidden = int(self.n_patches * ratio)
        least = _checks.positive_int("least", self.least)
        if n_hidden < least:
            raise ValueError(
                f"mask_ratio={ratio} hides {n_hidden} of {self.n_patches} patches, "
                f"fewer than a block of {least=}"
            )
        object.__setattr__(self, "least", least)
        object.__setattr__(self, "aspect", rising("aspect", self.aspect))

    def _draw(self, n: int, generator: Generator) -> BoolArray:
        n_hidden = int(self.n_patches * self.nominal_ratio)
        hidden = np.zeros((n, *self.grid.counts), dtype=bool)
        for mask in hidden:
            left = n_hidden
            while left > 0 and (found := self._hide_block(mask, left, generator)):
                left -= found
        return ~hidden.reshape(n, -1)

    def _hide_block(self, mask: NDArray[np.bool_], most: int, generator: Generator) -> int:
        """Hide one more block; returns how many patches it hides anew, at most ``most``."""
        height, width = mask.shape
        low, high = self.aspect
        for _ in range(ATTEMPTS):
            area, shape, at, across = generator.random(4).tolist()
            target = self.least + area * (most - self.least)
            ratio = low * (high / low) ** shape  # uniform in the logarithm
            h, w = round(math.sqrt(target * ratio)), round(math.sqrt(target / ratio))
            if h >= height or w >= width:
                continue
            top, left = int(at * (height - h + 1)), int(across * (width - w + 1))
            block = mask[top : top + h, left : left + w]
            new = h * w - int(np.count_nonzero(block))
            if 0 < new <= most:
                block[...] = True
                return new
        return 0

    @property
    def text(self) -> str:
        """``blockwise:0.4`` with ``,least=16``, ``,aspect=...`` and the draws where they apply."""
        low, high = self.aspect
        least = "" if self.least == 16 else f",least={self.least}"
        aspect = "" if self.aspect == (0.3, 1 / 0.3) else f",aspect={low!r}..{high!r}"
        return f"blockwise:{self.nominal_ratio!r}{least}{aspect}{self._draws_text}"


def two_axes(grid: PatchGrid, what: str) -> None:
    """Raise ``ValueError`` unless a grid is of images.

    Parameters
    ----------
    grid : PatchGrid
        The grid.
    what : str
        What needs two axes, for the message.
    """
    if grid.ndim != 2:
        raise ValueError(f"{what} has a height and a width, and {grid} has {grid.ndim} axes")


def rising(name: str, ends: Iterable[float]) -> tuple[float, float]:
    """Return the ends of a range of positive numbers.

    Parameters
    ----------
    name : str
        Of the argument, for messages.
    ends : sequence of float
        The lower and the upper end, which may be equal.

    Returns
    -------
    (float, float)
        Both.

    Raises
    ------
    ValueError
        If they are not two positive numbers, the lower one first.
    """
    found = tuple(_checks.positive_number(name, end) for end in _checks.items(name, ends))
    if len(found) != 2 or found[0] > found[1]:
        raise ValueError(f"{name}={found} is not two numbers, the lower one first")
    return found[0], found[1]


def probability_of_sizes(
    size_of: Callable[[float], tuple[int, int]], low: float, high: float, steps: Iterable[float]
) -> dict[tuple[int, int], float]:
    """Return the probability of each size of a block that depends on one uniform number.

    Parameters
    ----------
    size_of : callable
        Size of the block, a step function of a number.
    low, high : float
        Ends between which the number is uniform.
    steps : iterable of float
        Where the function may step.

    Returns
    -------
    dict of (int, int) to float
        Probabilities; they sum to 1.
    """
    if not low < high:
        return {size_of(low): 1.0}
    inside = sorted({low, high, *(step for step in steps if low < step < high)})
    found: dict[tuple[int, int], float] = {}
    for begin, end in pairwise(inside):
        size = size_of((begin + end) / 2)
        found[size] = found.get(size, 0.0) + (end - begin) / (high - low)
    return found


def inverse_block(
    grid: PatchGrid,
    mask_ratio: float = 0.65,
    *,
    aspect: tuple[float, float] = (0.5, 2.0),
    rolled: bool = True,
) -> InverseBlock:
    """Keep one block of random aspect ratio and hide the rest, as CAPI does.

    This is the masking of CAPI (Darcet et al., "Cluster and predict latent patches for improved
    masked image modeling", 2025) with its defaults. The logarithm of the aspect ratio is uniform.
    The block is rounded up and then cut, row by row, so that exactly ⌊L·m⌋ patches are hidden; at
    last it is rolled by a random offset. All blocks and their probabilities are listed, so all
    moments are exact.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden, along two axes.
    mask_ratio : float
        Fraction of patches that is hidden, m, strictly between 0 and 1.
    aspect : (float, float)
        Least and greatest aspect ratio, height over width; narrowed to what fits into the grid.
    rolled : bool
        Roll the block by a random offset, so that it may lie across the border.

    Returns
    -------
    MaskDesign
        The design.

    Raises
    ------
    ValueError
        If the grid has not two axes, the mask ratio is not inside (0, 1), or no block fits.

    Examples
    --------
    >>> inverse_block(PatchGrid((224, 224), 16))
    <design inverse_block:0.65 on 14×14 patches, mask_ratio=0.648>
    """
    expect_grid(grid)
    return InverseBlock(grid, mask_ratio, aspect, rolled)


def blockwise(
    grid: PatchGrid,
    mask_ratio: float = 0.4,
    *,
    least: int = 16,
    aspect: tuple[float, float] = (0.3, 1 / 0.3),
    n_draws: int = N_DRAWS,
    rng: Seed = 0,
) -> Blockwise:
    """Hide blocks of random sizes one after the other, as BEiT does.

    This is Algorithm 1 of BEiT (Bao et al., 2022) as its code has it. Each block has between
    ``least`` patches and those that are left to hide, and a random aspect ratio, of which the
    logarithm is uniform. A block that would hide too many is drawn again, 10 times at most; so a
    few patches less than ⌊L·m⌋ may be hidden. There is no closed form: the moments are estimated
    from drawn masks.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden, along two axes.
    mask_ratio : float
        Fraction of patches that is hidden at most, m, strictly between 0 and 1.
    least : int
        Patches of the smallest block.
    aspect : (float, float)
        Least and greatest aspect ratio, height over width.
    n_draws : int
        Number of masks from which the moments are estimated.
    rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
        Seed of these masks. The default 0 makes two calls give one design.

    Returns
    -------
    MaskDesign
        The design; its ``pair_inclusion_stderr`` are standard errors.

    Raises
    ------
    ValueError
        If the grid has not two axes, the mask ratio is not inside (0, 1), or fewer patches than
        ``least`` would be hidden.

    Examples
    --------
    >>> design = blockwise(PatchGrid((224, 224), 16), n_draws=500)
    >>> bool(0.36 < design.mask_ratio < 0.4)
    True
    """
    expect_grid(grid)
    return Blockwise(grid, mask_ratio, least, aspect, n_draws=n_draws, rng=seed_of(rng))
