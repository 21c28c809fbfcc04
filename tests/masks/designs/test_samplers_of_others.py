"""Designs against the samplers of others: lightly's, and those of published codes written anew.

Each sampler draws masks; the numbers of pairs that are kept at each offset are compared with those
that the design expects. Offsets of one mask depend on each other, so the statistic is that of the
mean autocorrelation with its estimated covariance (Hotelling's T², χ² for many masks).
"""

import math
import random

import numpy as np
import pytest
import scipy.stats

import spectral_mae as sm

GRID = sm.PatchGrid((8, 8), 1)
LARGE = sm.PatchGrid((14, 14), 1)


def lightly():
    return pytest.importorskip("lightly.models.utils")


def torch():
    return pytest.importorskip("torch")


def kept_from(ids, n_patches):
    kept = np.zeros((len(ids), n_patches), bool)
    np.put_along_axis(kept, np.asarray(ids), True, axis=1)
    return kept


def p_value(design, kept):
    """Probability that masks of the design differ from it as much as these do, by pair counts."""
    images = kept.reshape(-1, *design.grid.counts).astype(float)
    axes = tuple(range(1, images.ndim))
    power = np.abs(np.fft.fftn(images, axes=axes)) ** 2
    pairs = np.fft.ifftn(power, axes=axes).real / design.n_patches
    pairs = pairs.reshape(len(pairs), -1)
    half = half_of(design.grid.counts)  # ρ is even
    deviation = (pairs - design.pair_inclusion.ravel())[:, half]
    mean, covariance = deviation.mean(axis=0), np.cov(deviation.T) / len(kept)
    values, vectors = np.linalg.eigh(covariance)
    free = values > 1e-9 * values[-1]
    if np.abs(vectors[:, ~free].T @ mean).max(initial=0) > 1e-9:
        return 0.0  # sums that are equal in all masks are not those of the design
    statistic = float(((vectors[:, free].T @ mean) ** 2 / values[free]).sum())
    return scipy.stats.chi2(int(free.sum())).sf(statistic)


def half_of(counts):
    """Indices of one of each two offsets δ and −δ."""
    index = np.indices(counts).reshape(len(counts), -1)
    mirror = np.ravel_multi_index(tuple(-x % n for x, n in zip(index, counts, strict=True)), counts)
    return np.flatnonzero(np.arange(math.prod(counts)) <= mirror)


def assert_same(design, kept):
    """The masks are of the design, and the test would have seen another design."""
    assert 0.002 < p_value(design, kept) < 0.999
    found, n = kept.mean(axis=0), len(kept)
    error = np.sqrt(np.maximum(found * (1 - found), 1e-3) / n)
    assert (np.abs(found - design.inclusion.ravel()) < 5 * error).all()


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [0.5, 0.75])
def test_random_tokens_of_lightly_are_fixed_designs(ratio):
    utils = lightly()
    torch().manual_seed(0)
    ids, _ = utils.random_token_mask((4000, 65), mask_ratio=ratio)
    kept = kept_from(ids[:, 1:] - 1, 64)  # after the class token, which is kept
    assert_same(sm.designs.fixed(GRID, ratio, rounding="mae"), kept)
    assert p_value(sm.designs.bernoulli(GRID, ratio), kept) < 1e-6


def test_random_grids_of_lightly_are_grids_of_fixed_phase():
    utils = lightly()
    torch().manual_seed(0)
    ids, _ = utils.random_grid_token_mask((4000, 65), mask_ratio=0.75, grid_size=2)
    kept = kept_from(ids[:, 1:] - 1, 64)
    design = sm.designs.grid(GRID, 2, 0.75, phase="fixed")
    assert_same(design, kept)
    pairs = kept.T.astype(float) @ kept / len(kept)
    error = np.sqrt(pairs * (1 - pairs) / len(kept))
    assert (np.abs(pairs - design.matrix()) < 5.5 * error + 1e-9).all()
    assert p_value(sm.designs.fixed(GRID, 0.75), kept) < 1e-6


@pytest.mark.parametrize("rolled", [True, False])
@pytest.mark.parametrize("ratio", [0.65, 0.5])
def test_inverse_blocks_of_lightly_are_those_of_the_design(ratio, rolled):
    utils = lightly()
    torch().manual_seed(0)
    ids, _ = utils.random_inverse_block_mask((3000, 197), mask_ratio=ratio, roll=rolled)
    kept = kept_from(ids[:, 1:] - 1, 196)
    design = sm.designs.inverse_block(LARGE, ratio, rolled=rolled)
    assert_same(design, kept)
    assert set(map(bytes, kept)) <= set(map(bytes, design.enumerate()[0]))
    assert p_value(sm.designs.block(LARGE, (8, 8), keep=True), kept) < 1e-6


@pytest.mark.parametrize("least", [4, 16])
def test_random_blocks_of_lightly_are_blockwise(least):
    utils = lightly()
    random.seed(0)
    n_hidden = int(196 * 0.4)
    hidden = [
        utils.random_block_mask_image((14, 14), n_hidden, min_num_masks_per_block=least).numpy()
        for _ in range(1500)
    ]
    kept = ~np.array(hidden).reshape(len(hidden), -1)
    # Both are samples: the errors of both count.
    design = sm.designs.blockwise(LARGE, 0.4, least=least, n_draws=6000)
    other = sm.designs.from_masks(LARGE, kept)
    theirs = sm.designs.from_sampler(LARGE, lambda n, rng: kept[:n], len(kept))
    for name in ("pair_inclusion", "inclusion"):
        error = np.hypot(getattr(design, f"{name}_stderr"), getattr(theirs, f"{name}_stderr"))
        z = (getattr(design, name) - getattr(other, name)) / error
        assert np.abs(z).max() < 4.5
        assert 0.5 < np.sqrt((z**2).mean()) < 1.6
    wrong = sm.designs.blockwise(LARGE, 0.4, least=20 - least, n_draws=1000)
    error = np.hypot(wrong.pair_inclusion_stderr, theirs.pair_inclusion_stderr)
    assert np.abs((wrong.pair_inclusion - other.pair_inclusion) / error).max() > 6


def masks_of_i_jepa(n, rng, height=14, width=14):
    """Contexts of I-JEPA as its published collator draws them, one batch per mask."""

    def size(scale, aspect):
        u = rng.random()
        area = int(height * width * (scale[0] + u * (scale[1] - scale[0])))
        ratio = aspect[0] + u * (aspect[1] - aspect[0])
        h, w = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        return min(h, height - 1), min(w, width - 1)

    def block(h, w):
        mask = np.zeros((height, width), bool)
        top, left = rng.integers(height - h), rng.integers(width - w)
        mask[top : top + h, left : left + w] = True
        return mask

    kept = []
    for _ in range(n):
        target, context = size((0.15, 0.2), (0.75, 1.5)), size((0.85, 1.0), (1.0, 1.0))
        free = np.ones((height, width), bool)
        for _ in range(4):
            free &= ~block(*target)
        mask = block(*context) & free
        while mask.sum() <= 10:  # drawn again, as the collator does
            mask = block(*context) & free
        kept.append(mask.ravel())
    return np.array(kept)


def test_contexts_of_i_jepa_are_multi_block():
    kept = masks_of_i_jepa(3000, np.random.default_rng(0))
    assert_same(sm.designs.multi_block(LARGE), kept)
    assert p_value(sm.designs.multi_block(LARGE, aspect=(1.0, 1.0)), kept) < 1e-4


def test_drawn_multi_blocks_are_those_of_the_design():
    design = sm.designs.multi_block(LARGE)
    assert_same(design, design.sample_kept(3000, rng=1))
    assert design.inclusion[-1].max() == design.inclusion[:, -1].max() == 0


def test_ratios_of_mar_are_random_ratio():
    rng, grid = np.random.default_rng(0), sm.PatchGrid((8, 8), 1)
    ratios = scipy.stats.truncnorm(-1.2, 0, loc=1.0, scale=0.25).rvs(6000, random_state=rng)
    n_hidden = np.ceil(64 * ratios).astype(int)
    kept = rng.permuted(np.tile(np.arange(64), (6000, 1)), axis=1) >= n_hidden[:, None]
    assert_same(sm.designs.random_ratio(grid), kept)
    assert p_value(sm.designs.fixed(grid, 0.86), kept) < 1e-6


def test_tubes_of_videomae_are_one_mask_for_all_frames():
    grid = sm.PatchGrid((4, 12, 12), (1, 2, 2))
    rng, n_kept = np.random.default_rng(0), int(36 * (1 - 0.9))
    kept = np.array([np.tile(rng.permutation(np.arange(36) < n_kept), 4) for _ in range(4000)])
    design = sm.designs.tube(sm.designs.fixed(grid, 0.9, rounding="mae"), 0)
    assert_same(design, kept)
    assert p_value(sm.designs.fixed(grid, 11 / 12), kept) < 1e-6
