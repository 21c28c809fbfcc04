"""Which patches are kept: exact counts, exact probabilities, fair draws."""

import math
from collections import Counter
from fractions import Fraction

import laws
import numpy as np
import pytest
import scipy.stats

from spectral_mae.masks.patches import inclusion_probabilities, kept_patches
from spectral_mae.masks.sampling import enumerate_kept, sample_kept

DESIGNS = pytest.mark.parametrize("sampling", laws.DESIGNS)
SMALL = pytest.mark.parametrize(("n_patches", "ratio"), [(2, 0.5), (5, 0.6), (6, 0.25), (10, 0.9)])


def test_the_float_trap_of_the_paper_setting():
    assert kept_patches(10, 0.9) == 1
    assert inclusion_probabilities(10, 0.9) == (0.1, 0.0)


@pytest.mark.parametrize("n_patches", [2, 3, 7, 10, 49, 64, 100, 196, 256, 1000, 12544])
def test_ratios_that_hide_whole_patches_keep_exactly_the_others(n_patches):
    for hidden in range(1, n_patches):
        assert kept_patches(n_patches, hidden / n_patches) == n_patches - hidden


@pytest.mark.parametrize("n_patches", [7, 10, 64, 100, 196, 1000])
def test_decimal_ratios_keep_the_floor_of_the_exact_product(n_patches):
    for percent in range(1, 1000):
        kept = math.floor(n_patches * (1 - Fraction(percent, 1000)))
        if 1 <= kept <= n_patches - 1:
            assert kept_patches(n_patches, percent / 1000) == kept


@pytest.mark.parametrize("n_patches", [10, 49, 64, 100, 196, 256])
def test_the_rounding_of_mae_is_that_of_its_code(n_patches):
    differ = 0
    for percent in range(1, 100):
        m = percent / 100
        kept = int(n_patches * (1 - m))
        if 1 <= kept <= n_patches - 1:
            assert kept_patches(n_patches, m, rounding="mae") == kept
            pi1, _ = inclusion_probabilities(n_patches, m, rounding="mae")
            assert pi1 == kept / n_patches
            drawn = sample_kept(n_patches, m, 3, rounding="mae", rng=0)
            np.testing.assert_array_equal(drawn.sum(axis=1), kept)
            differ += kept != kept_patches(n_patches, m)
    assert differ > 0 or n_patches not in (10, 100)
    assert kept_patches(100, 0.9, rounding="mae") == 9


def test_ratios_of_single_precision_mean_what_they_print():
    for hidden in range(1, 10):
        assert kept_patches(10, np.float32(hidden / 10)) == 10 - hidden


def test_the_guard_against_rounding_does_not_round():
    assert kept_patches(10, 0.9 - 1e-9) == 1
    assert kept_patches(10, 0.8 + 1e-9) == 1
    assert kept_patches(196, 0.75 + 1e-12) == 48


@DESIGNS
@SMALL
def test_inclusion_probabilities_equal_enumeration(n_patches, ratio, sampling):
    first, second = np.zeros(n_patches), np.zeros((n_patches, n_patches))
    for bits, probability in laws.every_subset(n_patches, ratio, sampling):
        first += float(probability) * np.array(bits)
        second += float(probability) * np.outer(bits, bits)
    pi1, pi2 = inclusion_probabilities(n_patches, ratio, sampling=sampling)
    np.testing.assert_allclose(first, pi1, rtol=0, atol=1e-14)
    np.testing.assert_allclose(second[~np.eye(n_patches, dtype=bool)], pi2, rtol=0, atol=1e-14)


@DESIGNS
@SMALL
def test_enumeration_lists_every_set_once_with_its_probability(n_patches, ratio, sampling):
    truth = {bits: float(p) for bits, p in laws.every_subset(n_patches, ratio, sampling)}
    found = [
        (tuple(kept.tolist()), p) for kept, p in enumerate_kept(n_patches, ratio, sampling=sampling)
    ]
    assert len(found) == len(truth)
    assert dict(found) == pytest.approx(truth, rel=1e-12, abs=0)


@DESIGNS
def test_every_set_is_drawn_as_often_as_its_probability_says(sampling):
    n_patches, ratio, n = 5, 0.4, 20_000
    subsets = dict(laws.every_subset(n_patches, ratio, sampling))
    drawn = Counter(
        tuple(kept) for kept in sample_kept(n_patches, ratio, n, sampling=sampling, rng=0).tolist()
    )
    assert set(drawn) <= set(subsets)
    expected = [n * float(p) for p in subsets.values()]
    assert scipy.stats.chisquare([drawn[bits] for bits in subsets], expected).pvalue > 1e-3


@pytest.mark.parametrize(("n_patches", "ratio"), [(10, 0.9), (196, 0.75), (49, 0.5)])
def test_fixed_draws_keep_the_same_number_every_time(n_patches, ratio):
    kept = sample_kept(n_patches, ratio, 50, rng=1)
    assert kept.shape == (50, n_patches)
    assert kept.dtype == bool
    np.testing.assert_array_equal(kept.sum(axis=1), kept_patches(n_patches, ratio))
    assert len(np.unique(kept, axis=0)) > 5


def test_bernoulli_draws_keep_the_rate():
    kept = sample_kept(100, 0.7, 2000, sampling="bernoulli", rng=0)
    assert abs(kept.mean() - 0.3) < 4 * math.sqrt(0.3 * 0.7 / kept.size)
    assert kept.sum(axis=1).std() > 1


@DESIGNS
def test_equal_seeds_draw_equal_masks(sampling):
    def draw(rng):
        return sample_kept(20, 0.5, 30, sampling=sampling, rng=rng)

    np.testing.assert_array_equal(draw(7), draw(7))
    np.testing.assert_array_equal(draw(7), draw(np.random.default_rng(7)))
    np.testing.assert_array_equal(draw(7), draw(np.random.SeedSequence(7)))
    generator = np.random.default_rng(7)
    assert not np.array_equal(draw(generator), draw(generator))
    assert not np.array_equal(draw(7), draw(8))


@DESIGNS
@pytest.mark.parametrize(
    ("n_patches", "ratio", "error", "message"),
    [
        (1, 0.5, ValueError, "n_patches=1: masking needs at least two patches"),
        (0, 0.5, ValueError, "n_patches=0: masking needs at least two"),
        (4.0, 0.5, TypeError, "n_patches=4.0 is not an integer"),
        (4, 0.0, ValueError, "mask_ratio=0.0 is not strictly between 0 and 1"),
        (4, 1.0, ValueError, "mask_ratio=1.0 is not strictly"),
        (4, -0.5, ValueError, "mask_ratio=-0.5 is not strictly"),
        (4, 75, ValueError, "mask_ratio=75 is not strictly"),
        (4, math.nan, ValueError, "mask_ratio=nan is not strictly"),
    ],
)
def test_impossible_designs_are_refused_with_their_values(
    n_patches, ratio, error, message, sampling
):
    for function in (inclusion_probabilities, lambda *a, **k: sample_kept(*a, 3, **k)):
        with pytest.raises(error, match=message):
            function(n_patches, ratio, sampling=sampling)


@pytest.mark.parametrize(("ratio", "kept"), [(0.9, 0), (1e-17, 4)])
def test_fixed_sampling_refuses_to_keep_all_or_nothing(ratio, kept):
    message = rf"mask_ratio={ratio} of n_patches=4 keeps {kept} patches; .* 1 to 3"
    with pytest.raises(ValueError, match=message):
        inclusion_probabilities(4, ratio)
    inclusion_probabilities(4, ratio, sampling="bernoulli")


@pytest.mark.parametrize(
    "function", [inclusion_probabilities, lambda *a, **k: sample_kept(*a, 1, **k)]
)
def test_unknown_designs_are_refused_with_the_known_ones(function):
    with pytest.raises(ValueError, match="sampling='poisson' is not one of 'fixed', 'bernoulli'"):
        function(4, 0.5, sampling="poisson")


def test_no_draws_are_refused():
    with pytest.raises(ValueError, match="n=0 is not at least 1"):
        sample_kept(4, 0.5, 0)


@pytest.mark.parametrize("n_patches", [10, 49, 100, 196])
def test_single_precision_ratios_mean_their_decimals(n_patches):
    for percent in range(1, 100):
        ratio = percent / 100
        if 1 <= n_patches * (1 - ratio) < n_patches:
            expected = kept_patches(n_patches, ratio)
            assert kept_patches(n_patches, np.float32(ratio)) == expected


@pytest.mark.parametrize("ratio", ["0.5", None, [0.5]])
def test_ratios_must_be_numbers(ratio):
    with pytest.raises(TypeError, match="mask_ratio="):
        inclusion_probabilities(4, ratio)
