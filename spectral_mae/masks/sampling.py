"""Which patches are kept: the two designs of mask sampling.

``"fixed"`` is simple random sampling without replacement, what MAE code does: exactly
K = ⌊L(1−m)⌋ of L patches are kept. ``"bernoulli"`` keeps each patch by its own coin, what
Lemma 1 of the paper assumes.
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
from spectral_mae._checks import BoolArray, Sampling

Seed = int | SeedSequence | Generator | None


def generator_of(rng: Seed) -> Generator:
    """Return the random generator of a seed; a generator is returned as it is (SPEC 7).

    Raises
    ------
    TypeError, ValueError
        For what is neither, and for seeds below zero.
    """
    if rng is None or isinstance(rng, Generator | SeedSequence):
        return np.random.default_rng(rng)
    return np.random.default_rng(_checks.integer("rng", rng, least=0))


def kept_patches(n_patches: int, mask_ratio: float) -> int:
    """Return K = ⌊L(1−m)⌋, the patches that fixed sampling keeps.

    The floor is of the exact product: where floating point lands a rounding error below a whole
    number, that number is meant.

    Raises
    ------
    ValueError
        If ``n_patches < 2``, ``mask_ratio`` is not inside (0, 1), or all or no patches are kept.

    Examples
    --------
    >>> kept_patches(10, 0.9), int(10 * (1 - 0.9))
    (1, 0)
    """
    n_patches = _patches(n_patches)
    mask_ratio = _checks.open_unit("mask_ratio", mask_ratio)
    product_ = n_patches * (1.0 - mask_ratio)
    nearest = round(product_)
    # 1 - m loses up to half an ulp of 1, which L multiplies.
    close = math.isclose(product_, nearest, rel_tol=0.0, abs_tol=n_patches * 2.0**-51)
    kept = nearest if close else math.floor(product_)
    if not 1 <= kept <= n_patches - 1:
        raise ValueError(
            f"{mask_ratio=} of {n_patches=} keeps {kept} patches; fixed sampling needs 1 to "
            f"{n_patches - 1}: {_ratios_that_work(n_patches, kept)} work"
        )
    return kept


def inclusion_probabilities(
    n_patches: int, mask_ratio: float, *, sampling: Sampling = "fixed"
) -> tuple[float, float]:
    """First and second inclusion probabilities of a patch.

    Parameters
    ----------
    n_patches : int
        Number of patches, L ≥ 2.
    mask_ratio : float
        Fraction of patches that is hidden, strictly between 0 and 1.
    sampling : {"fixed", "bernoulli"}

    Returns
    -------
    pi1, pi2 : float
        P(a patch is kept) and P(two given patches are both kept): K/L and K(K−1)/(L(L−1)) for
        fixed sampling, 1−m and (1−m)² for Bernoulli sampling.

    Raises
    ------
    ValueError
        As `kept_patches`; Bernoulli sampling only needs L ≥ 2 and 0 < m < 1.

    Examples
    --------
    >>> inclusion_probabilities(4, 0.5)
    (0.5, 0.16666666666666666)
    >>> inclusion_probabilities(4, 0.5, sampling="bernoulli")
    (0.5, 0.25)
    """
    _checks.choice("sampling", sampling, Sampling)
    if sampling == "bernoulli":
        _patches(n_patches)
        pi1 = 1.0 - _checks.open_unit("mask_ratio", mask_ratio)
        return pi1, pi1 * pi1
    kept = kept_patches(n_patches, mask_ratio)
    pi1 = kept / n_patches
    return pi1, pi1 * (kept - 1) / (n_patches - 1)


def sample_kept(
    n_patches: int,
    mask_ratio: float,
    n: int,
    *,
    sampling: Sampling = "fixed",
    rng: Seed = None,
) -> BoolArray:
    """Draw ``n`` sets of kept patches, shape (n, n_patches), True where kept."""
    _checks.choice("sampling", sampling, Sampling)
    n = _checks.positive_int("n", n)
    generator = generator_of(rng)
    if sampling == "bernoulli":
        pi1, _ = inclusion_probabilities(n_patches, mask_ratio, sampling=sampling)
        return generator.random((n, n_patches)) < pi1
    first = np.arange(n_patches) < kept_patches(n_patches, mask_ratio)
    return generator.permuted(np.broadcast_to(first, (n, n_patches)), axis=1)


def enumerate_kept(
    n_patches: int, mask_ratio: float, *, sampling: Sampling = "fixed"
) -> Iterator[tuple[BoolArray, float]]:
    """Every possible set of kept patches with its probability, for exact expectations.

    Yields
    ------
    kept : ndarray of bool, shape (n_patches,)
    probability : float
        They sum to 1. There are 2ᴸ sets for Bernoulli sampling and (L choose K) for fixed.
    """
    _checks.choice("sampling", sampling, Sampling)
    if sampling == "bernoulli":
        pi1, _ = inclusion_probabilities(n_patches, mask_ratio, sampling=sampling)
        for bits in product((False, True), repeat=n_patches):
            kept = np.array(bits)
            n_kept = int(kept.sum())
            yield kept, pi1**n_kept * (1.0 - pi1) ** (n_patches - n_kept)
        return
    n_kept = kept_patches(n_patches, mask_ratio)
    probability = 1.0 / math.comb(n_patches, n_kept)
    for chosen in combinations(range(n_patches), n_kept):
        kept = np.zeros(n_patches, dtype=bool)
        kept[list(chosen)] = True
        yield kept, probability


def _ratios_that_work(n_patches: int, kept: int) -> str:
    """The ratios next to one that keeps no patch, or all; rounded to the safe side, down."""
    hidden, word = (n_patches - 1, "up to") if kept < 1 else (1, "from")
    scale = 10 ** (2 + len(str(n_patches)))
    return f"ratios {word} {hidden * scale // n_patches / scale:g} ({hidden} of {n_patches} hidden)"


def _patches(n_patches: int) -> int:
    return _checks.integer(
        "n_patches", n_patches, least=2, why="masking needs at least two patches"
    )


def mask_seed(seed: int, name: str, patch_size: int) -> list[int]:
    """A seed that depends on an image's file name, not on its folder or what else is analysed."""
    return [seed, patch_size, zlib.crc32(Path(name).name.encode())]
