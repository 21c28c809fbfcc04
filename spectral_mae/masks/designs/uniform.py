"""Uniform designs: every patch, and every pair of patches, is kept with equal probability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator

from spectral_mae._checks import BoolArray, FloatArray, Rounding, Sampling
from spectral_mae.masks.designs.design import MaskDesign, at_most_patterns
from spectral_mae.masks.patches import PatchGrid, inclusion_probabilities, kept_patches
from spectral_mae.masks.sampling import enumerate_kept, sample_kept


@dataclass(frozen=True, repr=False)
class Uniform(MaskDesign):
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
        super().__post_init__()
        _ = self.uniform

    @cached_property
    def uniform(self) -> tuple[float, float]:
        """Pair (π₁, π₂), as `spectral_mae.inclusion_probabilities`."""
        return inclusion_probabilities(
            self.n_patches, self.nominal_ratio, sampling=self.sampling, rounding=self.rounding
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
