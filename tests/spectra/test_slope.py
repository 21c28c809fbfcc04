"""Slopes of radial spectra: found, with honest errors, and only where there are some."""

import dataclasses
import math

import laws
import numpy as np
import pytest
import scipy.special
from ring_cases import power_law_fields

from spectral_mae.spectra.periodogram import Periodogram, psd
from spectral_mae.spectra.rings import RadialSpectrum, fit_slopes
from spectral_mae.spectra.slope import _trigamma


def fit_one(rings, i):
    """Slope of one spectrum of a batch."""
    return dataclasses.replace(rings, power=rings.power[i]).fit_slope()


@pytest.mark.parametrize(
    ("shape", "n", "truth"),
    [
        *(((64, 64), 100, slope) for slope in (0, -1, -2, -3)),
        ((64,), 400, 0),
        ((64,), 400, -2),
        # Rings of few modes and many fields: a bias of the logarithm would show.
        ((16, 16), 2000, 0),
        ((15, 20), 2000, 0),
        ((12, 16, 15), 100, -2),
    ],
)
def test_slopes_of_power_laws_are_found_with_honest_errors(shape, n, truth):
    rings = Periodogram(shape).radial(power_law_fields(n, shape, truth))
    slope, stderr = np.transpose([fit_one(rings, i) for i in range(n)])
    error = slope - truth
    assert abs(error.mean()) < 3 * error.std(ddof=1) / math.sqrt(n)
    assert 0.7 < np.std(error / stderr, ddof=1) < 1.4


def test_averaging_spectra_sharpens_the_slope():
    fields = power_law_fields(64, (32, 32), -2.0)
    one, all_ = psd(fields[0]).radial().fit_slope(), Periodogram((32, 32)).mean(fields).radial()
    assert all_.averages == 64
    slope, stderr = all_.fit_slope()
    assert abs(slope + 2) < 4 * stderr
    assert one.stderr / 12 < stderr < one.stderr / 3


def test_the_scatter_beyond_a_gaussian_field_widens_the_error():
    """Rings that lie about the line by far more than their counts say are weighted alike."""
    count = np.full(20, 10_000)
    frequency = np.arange(1, 21) / 40
    wiggle = 0.5 * (-1.0) ** np.arange(20)
    rings = RadialSpectrum(
        frequency,
        frequency**-2 * np.exp(wiggle),
        count,
        *np.zeros((2, 20)),
        np.zeros((20, 2)),
        "density",
    )
    design = np.stack([np.ones(20), np.log(frequency)], axis=1)
    level = -2 * np.log(frequency) + wiggle
    (_, slope), (square,), *_ = np.linalg.lstsq(design, level)
    found = rings.fit_slope()
    assert found.slope == pytest.approx(slope, rel=1e-3)
    covariance = np.linalg.inv(design.T @ design) * square / 18
    assert found.stderr == pytest.approx(math.sqrt(covariance[1, 1]), rel=1e-2)


def test_slopes_are_fitted_in_the_range_that_is_asked_for():
    frequency = np.arange(1, 33) / 64
    power = np.where(frequency < 0.25, frequency**-1.0, 4 * (4 * frequency) ** -3.0)
    zeros = np.zeros((2, 32))
    count = np.full(32, 10**6)
    rings = RadialSpectrum(frequency, power, count, *zeros, np.zeros((32, 2)), "density")
    assert rings.fit_slope(fmax=0.25).slope == pytest.approx(-1, abs=1e-4)
    assert rings.fit_slope(fmin=0.25).slope == pytest.approx(-3, abs=1e-4)
    assert rings.fit_slope(0.25, 0.51) == rings.fit_slope(fmin=0.25)
    assert rings.fit_slope(0.25, 0.5) == rings.fit_slope(fmin=0.25, fmax=frequency[-2] + 0.001)
    with pytest.raises(
        ValueError, match=r"2 rings of frequency with fmin=0.25 <= frequency < fmax=0.27"
    ):
        rings.fit_slope(0.25, 0.27)


@pytest.mark.parametrize("shape", [(64,), (63,), (32, 48), (15, 17)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rings_of_rounding_noise_have_no_slope(shape, dtype):
    wave = np.cos(2 * np.pi * 3 * np.indices(shape)[-1] / shape[-1]).astype(dtype)
    rings = Periodogram(shape, dtype=dtype).mean([wave, 2 * wave]).radial()
    assert ((rings.power > 0) & (rings.power <= rings.floor)).any()
    with pytest.raises(ValueError, match=r"no slope: .* rounding floor"):
        rings.fit_slope()


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 1e6 / 3])
@pytest.mark.parametrize("shape", [(64,), (48, 32), (15, 17)])
@pytest.mark.parametrize("detrend", [None, "constant", "linear", "periodic"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_images_have_no_slope(value, shape, detrend, dtype):
    rings = psd(np.full(shape, value, dtype), detrend=detrend).radial()
    with pytest.raises(ValueError, match=r"no slope: .* rounding floor"):
        rings.fit_slope()


def test_slopes_need_three_rings():
    rings = psd(laws.field((4, 4))).radial()
    with pytest.raises(ValueError, match=r"^2 rings of frequency; a slope needs 3$"):
        rings.fit_slope()
    with pytest.raises(ValueError, match=r"^1 ring of frequency with fmin=0\.5 <= .* fmax=None; "):
        rings.fit_slope(fmin=0.5)


@pytest.mark.parametrize("shape", [(64, 256), (32, 512), (256, 48)])
@pytest.mark.parametrize("truth", [-1.0, -3.0])
def test_slopes_of_long_images_are_calibrated(shape, truth):
    rings = Periodogram(shape).radial(power_law_fields(60, shape, truth))
    fits = np.array([fit_one(rings, i) for i in range(60)])
    z = (fits[:, 0] - truth) / fits[:, 1]
    assert abs(z.mean()) < 4 / np.sqrt(60) + 0.35
    assert 0.6 < z.std() < 1.5


def test_a_radial_spectrum_can_be_made_of_its_five_main_fields():
    f = np.linspace(0.01, 0.5, 40)
    made = RadialSpectrum(f, f**-2, np.full(40, 100), f**-2 / 10, f**-2 / 70)
    assert made.fit_slope().slope == pytest.approx(-2, abs=1e-6)
    assert "40 rings" in repr(made)


def test_slopes_of_many_spectra_are_those_of_each():
    """To the last bit, whatever else is fitted; those that have none say why."""
    rings = Periodogram((24, 32)).radial(power_law_fields(40, (24, 32), -2.0))
    each = [dataclasses.replace(rings, power=power) for power in rings.power]
    each.insert(3, dataclasses.replace(each[0], power=np.zeros_like(each[0].power)))
    found = fit_slopes(each)
    assert "no slope" in found.pop(3)
    del each[3]
    assert found == [one.fit_slope() for one in each]
    assert fit_slopes(each[7:9]) == found[7:9]
    assert fit_slopes([]) == []


def test_slopes_of_a_batch_are_those_of_its_spectra():
    batch = Periodogram((16, 12)).radial(laws.field((4, 16, 12)))
    slopes, stderrs = batch.fit_slope(0.1, 0.4)
    singly = [one.fit_slope(0.1, 0.4) for one in batch]
    np.testing.assert_array_equal(slopes, [fit.slope for fit in singly])
    np.testing.assert_array_equal(stderrs, [fit.stderr for fit in singly])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_image_in_a_batch_has_no_slope(dtype):
    images = np.stack([laws.field((15, 17)), np.full((15, 17), 1e6 / 3)]).astype(dtype)
    batch = Periodogram((15, 17), dtype=dtype).radial(images)
    assert batch.floor == pytest.approx(max(psd(image).floor for image in images), rel=1e-6, abs=0)
    with pytest.raises(ValueError, match=r"spectrum 1 of the batch: no slope: .* rounding floor"):
        batch.fit_slope()
    with pytest.raises(ValueError, match="the batch is empty"):
        batch[:0].fit_slope()


def test_the_trigamma_series_has_all_digits():
    numbers = np.concatenate([np.geomspace(0.5, 1e9, 400), [15.999999, 16.0, 16.000001]])
    expected = scipy.special.polygamma(1, numbers)
    np.testing.assert_allclose(_trigamma(numbers), expected, rtol=4e-15)
