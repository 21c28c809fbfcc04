"""Uniform designs: every patch, and every pair of patches, is kept with equal probability."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator
from scipy.special import ndtr

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray, Rounding, Sampling
from spectral_mae.masks.designs.design import MaskDesign, at_most_patterns
from spectral_mae.masks.patches import PatchGrid, expect_grid, inclusion_probabilities, kept_patches
from spectral_mae.masks.sampling import enumerate_kept, sample_kept


class EqualPairs(MaskDesign):
    """A design that keeps every two different patches with one probability π₂."""

    @property
    @abstractmethod
    def uniform(self) -> tuple[float, float]:
        """Pair (π₁, π₂)."""

    @property
    def shift_invariant(self) -> bool:
        """Always True."""
        return True

    @property
    def inclusion(self) -> FloatArray:
        """Probability π₁ that a patch is kept, for each patch; shape ``grid.counts``."""
        return np.full(self.grid.counts, self.uniform[0])

    @property
    def pair_inclusion(self) -> FloatArray:
        """Mean probability ρ of pairs by offset: π₁ at offset 0, else π₂."""
        pi1, pi2 = self.uniform
        rho = np.full(self.grid.counts, pi2)
        rho[(0,) * self.grid.ndim] = pi1
        return rho

    @cached_property
    def spectrum(self) -> FloatArray:
        """Transform of ρ, ρ̂ = (π₁−π₂) + π₂·L·δ(q)."""
        pi1, pi2 = self.uniform
        rho_hat = np.full(self.grid.counts, pi1 - pi2)
        rho_hat[(0,) * self.grid.ndim] += pi2 * self.n_patches
        return rho_hat


@dataclass(frozen=True, repr=False)
class Uniform(EqualPairs):
    """Patches chosen uniformly: a fixed number of them, or each one independently.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    nominal_ratio : float
        Fraction of patches to be hidden, m, strictly between 0 and 1.
    sampling : {"fixed", "bernoulli"}
        Keep exactly ⌊L(1−m)⌋ patches, or each one independently with probability 1−m.
    rounding : {"floor", "mae"}
        How the number of kept patches is rounded, as in `kept_patches`.
    """

    nominal_ratio: float
    sampling: Sampling = "fixed"
    rounding: Rounding = "floor"

    def __post_init__(self) -> None:
        expect_grid(self.grid)
        _ = self.uniform  # raises for one patch too
        ratio = _checks.open_unit("mask_ratio", self.nominal_ratio)
        object.__setattr__(self, "nominal_ratio", ratio)

    @cached_property
    def uniform(self) -> tuple[float, float]:
        """Pair (π₁, π₂), as `spectral_mae.inclusion_probabilities`."""
        return inclusion_probabilities(
            self.grid.n_patches, self.nominal_ratio, sampling=self.sampling, rounding=self.rounding
        )

    @property
    def uniform_given_hidden(self) -> tuple[float, float]:
        """Pair (π₁', π₂') of the other patches, over the sets that hide a given patch.

        Independent patches stay as they are. A fixed number K is spread over one patch less:
        π₁' = K/(L−1) and π₂' = π₁'(K−1)/(L−2), which is 0 when L = 2.
        """
        if self.sampling == "bernoulli":
            return self.uniform
        n = self.n_patches
        kept = kept_patches(n, self.nominal_ratio, rounding=self.rounding)
        pi1 = kept / (n - 1)
        return pi1, pi1 * (kept - 1) / (n - 2) if n > 2 else 0.0

    def joint_inclusion(self, n: int) -> float:
        """Return the probability that ``n`` given patches are all kept.

        Parameters
        ----------
        n : int
            Number of different patches, 0 or more.

        Returns
        -------
        float
            K(K−1)…(K−n+1) / L(L−1)…(L−n+1), or π₁ⁿ; 0 of more patches than there are.
        """
        pi1 = self.uniform[0]
        if self.sampling == "bernoulli":
            return pi1**n
        kept, chance = round(pi1 * self.n_patches), 1.0
        for i in range(n):
            left = self.n_patches - i
            chance *= max(kept - i, 0) / left if left > 0 else 0.0
        return chance

    def _draw(self, n: int, generator: Generator) -> BoolArray:
        return sample_kept(
            self.n_patches,
            self.nominal_ratio,
            n,
            sampling=self.sampling,
            rounding=self.rounding,
            rng=generator,
        )

    def enumerate(self) -> tuple[BoolArray, FloatArray]:
        """List every set of kept patches: (L choose K) of them, or 2ᴸ.

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
        if self.sampling == "fixed":
            kept = kept_patches(self.n_patches, self.nominal_ratio, rounding=self.rounding)
            n = math.comb(self.n_patches, kept)
        else:
            n = 2**self.n_patches
        at_most_patterns(n, self)
        listed = enumerate_kept(
            self.n_patches, self.nominal_ratio, sampling=self.sampling, rounding=self.rounding
        )
        patterns, weights = zip(*listed, strict=True)
        return np.array(patterns), np.array(weights)

    @property
    def text(self) -> str:
        """``fixed:0.75``, ``fixed:0.75,mae`` or ``bernoulli:0.75``."""
        return f"{self.sampling}:{self.nominal_ratio!r}{',mae' * (self.rounding == 'mae')}"


@dataclass(frozen=True, repr=False)
class RandomRatio(EqualPairs):
    """A number of patches that is drawn for each mask; all sets of that number are equally likely.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    ratios : (float, float)
        Least and greatest fraction that is hidden.
    mean, sd : float
        Mean and standard deviation of the normal distribution before it is cut at these.
    """

    ratios: tuple[float, float]
    mean: float
    sd: float

    def __post_init__(self) -> None:
        super().__post_init__()
        ends = [_checks.closed_unit("ratios", one) for one in _checks.items("ratios", self.ratios)]
        if len(ends) != 2 or not ends[0] < ends[1]:
            raise ValueError(f"ratios={tuple(ends)} is not two ratios, the lower one first")
        object.__setattr__(self, "ratios", tuple(ends))
        object.__setattr__(self, "mean", _checks.real_number("mean", self.mean))
        object.__setattr__(self, "sd", _checks.positive_number("sd", self.sd))
        low, high = ndtr((np.array(ends) - self.mean) / self.sd)
        if not high - low > 1e-9:
            raise ValueError(
                f"a normal distribution of mean={self.mean} and sd={self.sd} has no mass between "
                f"ratios={self.ratios}"
            )
        if not self.uniform[0] > 0:
            raise ValueError(f"ratios={self.ratios} of {self.n_patches} patches keep none of them")

    @cached_property
    def _probabilities(self) -> FloatArray:
        """Probability of each number of kept patches from 0 to L.

        ⌈L·m⌉ patches are hidden, so that many with probability F(n/L) − F((n−1)/L).
        """
        ends = np.clip(np.arange(-1, self.n_patches + 1) / self.n_patches, *self.ratios)
        reached = ndtr((ends - self.mean) / self.sd)
        hidden = np.diff(reached) / (reached[-1] - reached[0])
        return hidden[::-1]

    @cached_property
    def _moments(self) -> tuple[float, float, float]:
        """Probability that one, two and three given patches are kept."""
        kept, n = np.arange(self.n_patches + 1.0), self.n_patches
        found, product = [], np.ones_like(kept)
        for i in range(3):
            product = product * np.maximum(kept - i, 0) / max(n - i, 1)
            found.append(float(self._probabilities @ product))
        return found[0], found[1], found[2]

    @property
    def uniform(self) -> tuple[float, float]:
        """Pair (π₁, π₂) = (E[K]/L, E[K(K−1)]/(L(L−1))), with K the number of kept patches."""
        return self._moments[:2]

    @property
    def uniform_given_hidden(self) -> tuple[float, float]:
        """Pair (π₁', π₂') of the other patches, over the sets that hide a given patch.

        They are (π₁ − π₂)/(1 − π₁) and (π₂ − π₃)/(1 − π₁), with π₃ the probability that three
        given patches are kept.
        """
        pi1, pi2, pi3 = self._moments
        return (pi1 - pi2) / (1.0 - pi1), (pi2 - pi3) / (1.0 - pi1) if self.n_patches > 2 else 0.0

    def _draw(self, n: int, generator: Generator) -> BoolArray:
        kept = generator.choice(self.n_patches + 1, size=(n, 1), p=self._probabilities)
        order = np.broadcast_to(np.arange(self.n_patches), (n, self.n_patches))
        return generator.permuted(order, axis=1) < kept

    def enumerate(self) -> tuple[BoolArray, FloatArray]:
        """List every set of kept patches, 2ᴸ of them.

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
        n = at_most_patterns(2**self.n_patches, self)
        patterns = (np.arange(n)[:, np.newaxis] >> np.arange(self.n_patches)) % 2 == 1
        sets = [math.comb(self.n_patches, k) for k in range(self.n_patches + 1)]
        return patterns, (self._probabilities / np.array(sets))[patterns.sum(axis=1)]

    @property
    def text(self) -> str:
        """``random_ratio:0.7..1.0,mean=1.0,sd=0.25``."""
        low, high = self.ratios
        return f"random_ratio:{low!r}..{high!r},mean={self.mean!r},sd={self.sd!r}"


def fixed(grid: PatchGrid, mask_ratio: float, *, rounding: Rounding = "floor") -> Uniform:
    """Keep exactly K = ⌊L(1−m)⌋ of L patches, all sets of K being equally likely.

    This is simple random sampling without replacement, and what masked autoencoders do
    (He et al., 2022). π₁ = K/L and π₂ = π₁(K−1)/(L−1). The code of MAE rounds the product
    L(1−m) before it takes the floor: at m = 0.9 it keeps 9 of 100 patches, and not 10.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    mask_ratio : float
        Fraction of patches that is hidden, m, strictly between 0 and 1.
    rounding : {"floor", "mae"}
        The floor of the exact product, or that of ``int(L * (1 - m))`` in floating point.

    Returns
    -------
    MaskDesign
        The design.

    Raises
    ------
    ValueError
        If the mask ratio is not inside (0, 1), or all or no patches would be kept.

    Examples
    --------
    >>> fixed(PatchGrid((224, 224), 16), 0.75)
    <design fixed:0.75 on 14×14 patches, mask_ratio=0.75>
    """
    return Uniform(grid, mask_ratio, "fixed", rounding)


def bernoulli(grid: PatchGrid, mask_ratio: float) -> Uniform:
    """Keep each patch independently with probability 1 − m, as Lemma 1 of the paper assumes.

    π₁ = 1 − m and π₂ = π₁².

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    mask_ratio : float
        Probability that a patch is hidden, m, strictly between 0 and 1.

    Returns
    -------
    MaskDesign
        The design.

    Raises
    ------
    ValueError
        If the mask ratio is not inside (0, 1).

    Examples
    --------
    >>> design = bernoulli(PatchGrid((8, 8), 2), 0.5)
    >>> design.pair_inclusion[0]
    array([0.5 , 0.25, 0.25, 0.25])
    """
    return Uniform(grid, mask_ratio, "bernoulli")


def random_ratio(
    grid: PatchGrid,
    ratios: tuple[float, float] = (0.7, 1.0),
    *,
    mean: float = 1.0,
    sd: float = 0.25,
) -> RandomRatio:
    """Draw a mask ratio for each mask, and hide that fraction of the patches, uniformly.

    The ratio is normal, cut at the two ends. The defaults are those of MAR (Li et al., 2024), whose
    code hides ⌈L·m⌉ patches, and may hide all. Every two patches are kept equally often, with
    π₁ = E[K]/L and π₂ = E[K(K−1)]/(L(L−1)), where K is the number of kept patches.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    ratios : (float, float)
        Least and greatest fraction that is hidden, from 0 to 1.
    mean, sd : float
        Mean and standard deviation of the normal distribution before it is cut.

    Returns
    -------
    MaskDesign
        The design.

    Raises
    ------
    ValueError
        If the ends are not two rising ratios, the standard deviation is not positive, or the
        distribution has no mass between them.

    Examples
    --------
    >>> random_ratio(PatchGrid((256, 256), 16))
    <design random_ratio:0.7..1.0,mean=1.0,sd=0.25 on 16×16 patches, mask_ratio=0.869>
    """
    expect_grid(grid)
    return RandomRatio(grid, ratios, mean, sd)
