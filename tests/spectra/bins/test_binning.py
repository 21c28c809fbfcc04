"""Means, spreads and standard errors over bins of frequencies."""

import math
import pickle

import numpy as np
import pytest
from ring_cases import power_law_fields

from spectral_mae.spectra.bins import binning
from spectral_mae.spectra.frequencies import half_shape
from spectral_mae.spectra.periodogram import Periodogram
from spectral_mae.spectra.rings import RingBins


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rings_of_equal_powers_have_no_spread(dtype):
    """Which the difference of two large sums would not give."""
    image = np.zeros((32, 24), dtype)
    image[0, 0] = 1.1
    found = Periodogram((32, 24), dtype=dtype).radial(image[np.newaxis])
    assert np.all(found.std <= 1e-15 * found.power)


@pytest.mark.parametrize("shape", [(32, 24), (4, 24)])
@pytest.mark.parametrize(
    ("level", "spread"),
    [(2, 1), (2e-170, 1e-170), (2e170, 1e170), (2e-142, 1e-142), (2e3, 1), (2, 1e-9), (0, 1)],
)
def test_spreads_are_right_however_large_the_power_and_small_the_spread(level, spread, shape):
    """Sums of squares alone would underflow, overflow, or drown it."""
    noise = np.random.default_rng(0).standard_normal((shape[0], shape[1] // 2 + 1))
    rings = RingBins(shape, (1.0, 1.0), None)
    truth = rings.average(noise, scaling="density").std
    found = rings.average(level + spread * noise, scaling="density").std
    np.testing.assert_allclose(found, spread * truth, rtol=1e-6)


def test_the_company_of_other_spectra_changes_no_bit():
    """Each is added up in the way that suits it, whatever suits the others."""
    rng = np.random.default_rng(0)
    rough, smooth = rng.exponential(size=(32, 13)), 1 + 1e-9 * rng.random((32, 13))
    rings = RingBins((32, 24), (1.0, 1.0), None)
    both = rings.average(np.stack([rough, smooth, rough]), scaling="density").std
    for i, one in enumerate([rough, smooth, rough]):
        np.testing.assert_array_equal(both[i], rings.average(one, scaling="density").std)


@pytest.mark.parametrize("shape", [(32, 24), (25, 37), (37, 25), (40,), (4, 6, 9)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [0, 1, 2, 5, 40])
def test_the_order_in_memory_and_the_pieces_change_no_bit(shape, dtype, n, monkeypatch):
    """Planes one after the other, side by side or apart, gathered at once or a few entries."""
    power = np.random.default_rng(0).exponential(size=(n, *half_shape(shape))).astype(dtype)
    rings = RingBins(shape, (1.0,) * len(shape), None)
    alone = [rings.moments(plane) for plane in power]
    expected = np.array(alone).swapaxes(0, 1) if n else np.empty((2, 0, len(rings.count)))
    side_by_side = np.moveaxis(np.ascontiguousarray(np.moveaxis(power, 0, -1)), -1, 0)
    apart = np.repeat(power, 2, axis=-1)[..., ::2]
    for gathered in (2**15, 60, 1):
        monkeypatch.setattr(binning, "GATHERED", gathered)
        for planes in (power, side_by_side, apart):
            fresh = RingBins(shape, (1.0,) * len(shape), None)
            np.testing.assert_array_equal(fresh.moments(planes), expected)


def test_several_leading_axes_are_those_of_the_moments():
    power = np.random.default_rng(0).exponential(size=(2, 3, 8, 5))
    rings = RingBins((8, 8), (1.0, 1.0), None)
    mean, std = rings.moments(power)
    assert mean.shape == std.shape == (2, 3, len(rings.count))
    np.testing.assert_array_equal(mean[1, 2], rings.moments(power[1, 2])[0])


@pytest.mark.parametrize("shape", [(8, 8), (15, 10), (12,), (6, 4, 5)])
def test_means_alone_and_what_bins_are_made_of(shape):
    power = np.random.default_rng(0).exponential(size=half_shape(shape))
    rings = RingBins(shape, (1.0,) * len(shape), None)
    expected, _ = rings.moments(power)
    np.testing.assert_allclose(rings.binning.means(power), expected, rtol=1e-14)
    entries = rings.binning.entries()
    sums = [power.flat[places] @ weights for places, weights in entries]
    np.testing.assert_allclose(sums / rings.count, expected, rtol=1e-14)
    assert [weights.sum() for _, weights in entries] == rings.count.tolist()


def test_working_memory_is_not_pickled():
    rings = RingBins((32, 24), (1.0, 1.0), None)
    before = len(pickle.dumps(rings))
    rings.average(np.ones((50, 32, 13)), scaling="density")
    assert len(pickle.dumps(rings)) < before + 100


@pytest.mark.parametrize(("shape", "n"), [((64,), 4000), ((24, 24), 1000), ((16, 25), 1000)])
def test_standard_errors_are_the_scatter_of_white_noise(shape, n):
    """Over many fields the power of a ring scatters as its mean standard error says."""
    found = Periodogram(shape).radial(power_law_fields(n, shape, 0.0))
    scatter, stderr = found.power.std(axis=0, ddof=1), found.stderr.mean(axis=0)
    assert len(scatter) > 7
    # The root of an unbiased variance of few modes is a little low on average.
    few = np.where(found.count > 2, 2 / found.count, 0.0)
    assert np.all(np.abs(stderr / scatter - 1) < 0.08 + few)
    assert abs(np.mean(stderr / scatter) - 1) < 0.06


def test_standard_errors_shrink_with_the_number_of_averaged_spectra():
    """One pair of frequencies in a bin: its power scatters as an exponential variable does."""
    n = 400
    rings = Periodogram((16,)).mean(power_law_fields(n, (16,), 0.0)).radial()
    modes = n * rings.count / 2
    np.testing.assert_allclose(rings.stderr, rings.power / np.sqrt(modes), rtol=1e-12)
    sectors = Periodogram((4, 4)).mean(power_law_fields(n, (4, 4), 0.0)).sectors(2, fmax=0.3)
    assert sectors.count.tolist() == [2, 2]
    np.testing.assert_allclose(sectors.stderr, sectors.power / math.sqrt(n), rtol=1e-12)
