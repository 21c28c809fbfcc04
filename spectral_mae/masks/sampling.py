"""Draws and enumerations of the patches that are kept, for the two designs of mask sampling.

``"fixed"`` is simple random sampling without replacement, what MAE code does: exactly
K = ⌊L(1−m)⌋ of L patches are kept. ``"bernoulli"`` keeps each patch independently with probability
1−m, what Lemma 1 of the paper assumes.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from itertools import combinations, product
from pathlib import Path

import numpy as np
from numpy.random import Generator, SeedSequence

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, Rounding, Sampling
from spectral_mae.masks.patches import inclusion_probabilities, kept_patches

Seed = int | SeedSequence | Generator | None


def generator_of(rng: Seed) -> Generator:
    """Return the random generator of a seed; a generator is returned as it is (SPEC 7).

    Parameters
    ----------
    rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
        A seed of 0 or more, or a generator; None takes entropy from the system.

    Returns
    -------
    numpy.random.Generator
        A new one, or the one that was given.

    Raises
    ------
    TypeError
        If it is none of these.
    ValueError
        If a seed is negative.
    """
    if rng is None or isinstance(rng, Generator | SeedSequence):
        return np.random.default_rng(rng)
    return np.random.default_rng(_checks.integer("rng", rng, least=0))


def sample_kept(
    n_patches: int,
    mask_ratio: float,
    n: int,
    *,
    sampling: Sampling = "fixed",
    rounding: Rounding = "floor",
    rng: Seed = None,
) -> BoolArray:
    """Draw ``n`` random sets of kept patches.

    Parameters
    ----------
    n_patches : int
        Number of patches, L ≥ 2.
    mask_ratio : float
        Fraction of patches that is hidden, strictly between 0 and 1.
    n : int
        Number of sets.
    sampling : {"fixed", "bernoulli"}
        Keep exactly ⌊L(1−m)⌋ patches, or each one independently with probability 1−m.
    rounding : {"floor", "mae"}
        How K is rounded, as in `kept_patches`.
    rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
        Seed or generator.

    Returns
    -------
    ndarray of bool, shape (n, n_patches)
        True where a patch is kept.

    Raises
    ------
    ValueError
        As `inclusion_probabilities`, or if ``n`` is not positive.
    """
    _checks.choice("sampling", sampling, Sampling)
    n = _checks.positive_int("n", n)
    generator = generator_of(rng)
    if sampling == "bernoulli":
        pi1, _ = inclusion_probabilities(n_patches, mask_ratio, sampling=sampling)
        return generator.random((n, n_patches)) < pi1
    first = np.arange(n_patches) < kept_patches(n_patches, mask_ratio, rounding=rounding)
    return generator.permuted(np.broadcast_to(first, (n, n_patches)), axis=1)


def enumerate_kept(
    n_patches: int,
    mask_ratio: float,
    *,
    sampling: Sampling = "fixed",
    rounding: Rounding = "floor",
) -> Iterator[tuple[BoolArray, float]]:
    """List every possible set of kept patches with its probability, for exact expectations.

    Parameters
    ----------
    n_patches : int
        Number of patches, L ≥ 2, small: there are 2ᴸ sets for Bernoulli sampling and (L choose K)
        for fixed sampling.
    mask_ratio : float
        Fraction of patches that is hidden, strictly between 0 and 1.
    sampling : {"fixed", "bernoulli"}
        Keep exactly K = ⌊L(1−m)⌋ patches, or each one independently with probability 1−m.
    rounding : {"floor", "mae"}
        How K is rounded, as in `kept_patches`.

    Yields
    ------
    kept : ndarray of bool, shape (n_patches,)
        True where a patch is kept.
    probability : float
        Probability of this set; they sum to 1.
    """
    _checks.choice("sampling", sampling, Sampling)
    if sampling == "bernoulli":
        pi1, _ = inclusion_probabilities(n_patches, mask_ratio, sampling=sampling)
        for bits in product((False, True), repeat=n_patches):
            kept = np.array(bits)
            n_kept = int(kept.sum())
            yield kept, pi1**n_kept * (1.0 - pi1) ** (n_patches - n_kept)
        return
    n_kept = kept_patches(n_patches, mask_ratio, rounding=rounding)
    probability = 1.0 / math.comb(n_patches, n_kept)
    for chosen in combinations(range(n_patches), n_kept):
        kept = np.zeros(n_patches, dtype=bool)
        kept[list(chosen)] = True
        yield kept, probability


def mask_seed(rng: int, name: str, patch_size: int) -> SeedSequence:
    """Return a seed of the mask of an image, which depends on its file name, not on its folder.

    Parameters
    ----------
    rng : int
        Seed of the run, at least 0.
    name : str
        Path of the image.
    patch_size : int
        Pixels of a patch along each axis.

    Returns
    -------
    numpy.random.SeedSequence
        What `generator_of` takes.
    """
    return SeedSequence([rng, patch_size, zlib.crc32(Path(name).name.encode())])
