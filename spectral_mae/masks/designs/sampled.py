"""Designs whose moments are estimated from drawn masks, with their standard errors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.masks.conventions import kept_of
from spectral_mae.masks.designs.design import MaskDesign, expect_both
from spectral_mae.masks.designs.patterns import Listed
from spectral_mae.masks.patches import PatchGrid, expect_grid
from spectral_mae.masks.sampling import Seed, generator_of

N_DRAWS = 4096  # masks from which a named design is estimated


@dataclass(frozen=True, eq=False)
class SampleMoments:
    """Moments of a sample of masks, with their standard errors.

    Parameters
    ----------
    n_draws : int
        Number of masks.
    inclusion, inclusion_stderr : ndarray, shape ``grid.counts``
        π₁ of each patch.
    pair_inclusion, pair_inclusion_stderr : ndarray, shape ``grid.counts``
        ρ by cyclic offset.
    spectrum, spectrum_stderr : ndarray, shape ``grid.counts``
        ρ̂ in FFT order.
    """

    n_draws: int
    inclusion: FloatArray
    inclusion_stderr: FloatArray
    pair_inclusion: FloatArray
    pair_inclusion_stderr: FloatArray
    spectrum: FloatArray
    spectrum_stderr: FloatArray

    @classmethod
    def of(cls, patterns: BoolArray, grid: PatchGrid) -> Self:
        """Estimate the moments from independent masks.

        Parameters
        ----------
        patterns : ndarray of bool, shape (n, L)
            True where a patch is kept; at least two masks.
        grid : PatchGrid
            The patches.

        Returns
        -------
        SampleMoments
            Means over the masks, and their standard errors.
        """
        n = len(patterns)
        axes = tuple(range(1, grid.ndim + 1))
        chunk = max(1, 2**20 // grid.n_patches)
        sums = np.zeros((4, *grid.counts))
        for first in range(0, n, chunk):
            images = patterns[first : first + chunk].reshape(-1, *grid.counts).astype(float)
            power = np.abs(np.fft.fftn(images, axes=axes)) ** 2 / grid.n_patches
            pairs = np.fft.ifftn(power, axes=axes).real
            sums += [power.sum(axis=0), (power**2).sum(axis=0),
                     pairs.sum(axis=0), (pairs**2).sum(axis=0)]  # fmt: skip
        kept = patterns.mean(axis=0).reshape(grid.counts)
        power, squared, pairs, squared_pairs = sums / n
        return cls(
            n,
            kept,
            _error_of_mean(kept, kept, n),
            pairs,
            _error_of_mean(pairs, squared_pairs, n),
            power,
            _error_of_mean(power, squared, n),
        )


def _error_of_mean(mean: FloatArray, mean_of_squares: FloatArray, n: int) -> FloatArray:
    """Standard error of a mean of n values; variances below rounding are none."""
    variance = mean_of_squares - mean**2
    variance[variance < 1e-14 * mean_of_squares] = 0.0
    return np.sqrt(variance / (n - 1))


class Sampled(Listed):
    """A design without closed form: its moments are those of masks that are drawn once."""

    @property
    @abstractmethod
    def drawn(self) -> BoolArray:
        """The masks from which the moments are estimated, shape (n_draws, L)."""

    @cached_property
    def moments(self) -> SampleMoments:
        """The moments, with their standard errors."""
        return SampleMoments.of(self.drawn, self.grid)

    @cached_property
    def listed(self) -> tuple[BoolArray, FloatArray]:
        """The drawn masks, all with one weight."""
        drawn = self.drawn
        return drawn, np.full(len(drawn), 1.0 / len(drawn))

    @cached_property
    def inclusion(self) -> FloatArray:
        """Estimated probability π₁ that a patch is kept, for each patch."""
        if self.shift_invariant:
            return np.full(self.grid.counts, self.moments.inclusion.mean())
        return self.moments.inclusion

    @property
    def inclusion_stderr(self) -> FloatArray:
        """Standard error of each value of π₁."""
        if self.shift_invariant:
            return np.full(self.grid.counts, self.pair_inclusion_stderr.ravel()[0])
        return self.moments.inclusion_stderr

    @property
    def pair_inclusion(self) -> FloatArray:
        """Estimated mean probability ρ that two patches at a cyclic offset are both kept."""
        return self.moments.pair_inclusion

    @property
    def pair_inclusion_stderr(self) -> FloatArray:
        """Standard error of each value of ρ."""
        return self.moments.pair_inclusion_stderr

    def factor(self) -> FloatArray:
        """Return vectors v_r with Π = Σ_r v_r v_rᵀ, for the estimated Π.

        Returns
        -------
        ndarray, shape (n_factors, L)
            One vector a row.
        """
        return MaskDesign.factor(self) if self.shift_invariant else super().factor()

    @abstractmethod
    def _draw(self, n: int, generator: Generator) -> BoolArray:
        """Draw ``n`` new sets of kept patches, shape (n, L)."""

    def enumerate(self) -> tuple[BoolArray, FloatArray]:
        """Raise ``ValueError``: the sets of kept patches are not listed.

        Returns
        -------
        patterns : ndarray of bool, shape (n, L)
            Never.
        weights : ndarray of float64, shape (n,)
            Never.

        Raises
        ------
        ValueError
            Always.
        """
        return MaskDesign.enumerate(self)


@dataclass(frozen=True, repr=False)
class Estimated(Sampled):
    """A named design whose masks are drawn when its moments are first asked for.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    n_draws : int
        Number of masks from which the moments are estimated.
    rng : int
        Seed of these masks.
    """

    n_draws: int = field(default=N_DRAWS, kw_only=True)
    rng: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "n_draws", _checks.integer("n_draws", self.n_draws, least=2))
        object.__setattr__(self, "rng", seed_of(self.rng))

    @cached_property
    def drawn(self) -> BoolArray:
        """The masks from which the moments are estimated, shape (n_draws, L)."""
        return self._draw(self.n_draws, np.random.default_rng(self.rng))

    @property
    def _draws_text(self) -> str:
        """``,n_draws=N`` and ``,rng=N`` where they are not the defaults."""
        draws = f",n_draws={self.n_draws}" if self.n_draws != N_DRAWS else ""
        return f"{draws}{f',rng={self.rng}' if self.rng else ''}"


def seed_of(rng: Seed) -> int:
    """Return a seed as an int, which the text of a design can hold.

    Parameters
    ----------
    rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
        A seed, a generator from which one is drawn, or None for one from the system.

    Returns
    -------
    int
        0 or more.
    """
    if rng is None or isinstance(rng, Generator | np.random.SeedSequence):
        return int(generator_of(rng).integers(2**63))
    return _checks.integer("rng", rng, least=0)


@dataclass(frozen=True, repr=False, eq=False)
class FromSampler(Sampled):
    """A design that is known by its sampler.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    sampler : callable
        ``sampler(n, rng)`` gives n masks.
    masks : ndarray of bool, shape (n_draws, L)
        The masks from which the moments are estimated.
    """

    sampler: Callable[[int, Generator], ArrayLike]
    masks: BoolArray

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_both(float(self.masks.mean()), f"all {len(self.masks)} masks of the sampler")

    @property
    def drawn(self) -> BoolArray:
        """The masks from which the moments are estimated, shape (n_draws, L)."""
        return self.masks

    def _draw(self, n: int, generator: Generator) -> BoolArray:
        return drawn_by(self.grid, self.sampler, n, generator)

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
            If the grid is another: a sampler belongs to one grid.
        """
        if grid != self.grid:
            raise ValueError(f"{self} is of a sampler on {self.grid}, not on {grid}")
        return self

    @property
    def text(self) -> str:
        """A description; a sampler has no short form."""
        name = getattr(self.sampler, "__name__", type(self.sampler).__name__)
        return f"from_sampler({name}, {len(self.masks)} masks)"


def drawn_by(
    grid: PatchGrid, sampler: Callable[[int, Generator], ArrayLike], n: int, generator: Generator
) -> BoolArray:
    """Return ``n`` sets of kept patches that a sampler draws.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    sampler : callable
        ``sampler(n, rng)`` gives n masks.
    n : int
        Number of masks.
    generator : numpy.random.Generator
        Passed on.

    Returns
    -------
    ndarray of bool, shape (n, L)
        True where a patch is kept.

    Raises
    ------
    ValueError
        If it gives another number of masks, or masks that do not fit the grid.
    """
    kept = kept_of(grid, sampler(n, generator))
    if len(kept) != n:
        raise ValueError(f"the sampler gave {len(kept)} masks and not {n}")
    return kept


def from_sampler(
    grid: PatchGrid,
    sampler: Callable[[int, Generator], ArrayLike],
    n: int,
    rng: Seed = None,
) -> FromSampler:
    """Estimate a design from masks that its sampler draws, with standard errors.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    sampler : callable
        ``sampler(n, rng)`` gives n masks, of shape (n, L), (n, *grid.counts) or (n, *grid.shape),
        True or 1 where a patch or pixel is visible. ``rng`` is a `numpy.random.Generator`.
    n : int
        Number of masks, at least 2, that are drawn for the moments. The standard errors fall as
        1/√n, and as `MaskDesign.pair_inclusion_stderr` gives them.
    rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
        Seed or generator of these masks.

    Returns
    -------
    MaskDesign
        Its ``sample`` draws new masks from the sampler.

    Raises
    ------
    TypeError
        If ``sampler`` is no function.
    ValueError
        If it gives another number of masks, masks that do not fit the grid or that all keep or
        hide every patch, or ``n`` is below 2.

    Examples
    --------
    >>> grid = PatchGrid((8, 8), 2)
    >>> def rows(n, rng):
    ...     return np.repeat(rng.random((n, 4, 1)) < 0.5, 4, axis=2)
    >>> design = from_sampler(grid, rows, 1000, rng=0)
    >>> design.pair_inclusion.round(2)[:2]
    array([[0.51, 0.51, 0.51, 0.51],
           [0.25, 0.25, 0.25, 0.25]])
    >>> float(design.pair_inclusion_stderr.max().round(3))
    0.01
    """
    expect_grid(grid)
    _checks.function("sampler", sampler)
    n = _checks.integer("n", n, least=2)
    return FromSampler(grid, sampler, drawn_by(grid, sampler, n, generator_of(rng)))
