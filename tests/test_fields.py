"""Random fields have the spectrum they are drawn from, and power laws are power laws."""

import itertools
import math

import laws
import numpy as np
import pytest
import scipy.stats

from spectral_mae.fields import gaussian_fields, power_law
from spectral_mae.spectra.periodogram import psd
from spectral_mae.spectra.spectrum import Spectrum

SHAPES = pytest.mark.parametrize(
    "shape", [(9,), (12,), (6, 6), (5, 8), (8, 5), (7, 3), (1, 6), (3, 4, 5)]
)
SCALINGS = ["density", "spectrum", "energy"]


def distance(shape):
    """|f| on the half-plane, one frequency at a time."""
    found = np.zeros(shape)
    for index in np.ndindex(shape):
        squares = (f**2 for f in laws.signed_frequency(index, shape, (1.0,) * len(shape)))
        found[index] = math.sqrt(sum(squares))
    return laws.half(found)


def uneven(shape):
    """Power at every frequency, zero and Nyquist among them, no two alike but k and −k."""
    rng = np.random.default_rng(3)
    return np.abs(laws.dft(rng.standard_normal(shape) + 1.0)) ** 2 / math.prod(shape)


def spectrum_of(full, scaling="density"):
    """A result object that holds |X|² / D in one of the scalings."""
    size = full.size
    factor, cell = {
        "density": (1.0, 1.0 / size),
        "spectrum": (1.0 / size, 1.0),
        "energy": (float(size), 1.0),
    }[scaling]
    return Spectrum(laws.half(full) * factor, full.shape, scaling, (1.0,) * full.ndim, cell)


# Power laws --------------------------------------------------------------------------------------


@SHAPES
@pytest.mark.parametrize("slope", [-3.0, -0.5, 0.0, 1.5])
@pytest.mark.parametrize("outer", [None, 0.25])
def test_a_power_law_is_one_at_every_frequency_but_zero(shape, slope, outer):
    found = power_law(shape, slope, variance=2.5, outer=outer)
    radius = distance(shape)
    truth = np.maximum(radius, outer or 1e-9) ** slope
    truth[(0,) * len(shape)] = 0.0
    weights = laws.half_plane_count(shape)
    truth *= 2.5 * math.prod(shape) / np.sum(weights * truth)
    laws.assert_close_to_max(found.power, truth, 1e-13)
    assert found.total == pytest.approx(2.5, rel=1e-13)
    assert (found.shape, found.scaling, found.fs) == (shape, "density", (1.0,) * len(shape))


def test_a_power_law_of_an_int_is_a_signal_of_variance_one():
    found = power_law(10, -2.0)
    assert found.shape == (10,)
    assert found.total == pytest.approx(1.0)
    np.testing.assert_allclose(found.power[1:] / found.power[1], np.arange(1, 6) ** -2.0)


@pytest.mark.parametrize(
    ("shape", "options", "error", "message"),
    [
        ((1, 1), {}, ValueError, r"shape=\(1, 1\) has no frequency but zero"),
        ((4, 4, 3, 2), {}, ValueError, "has 4 axes"),
        ((0,), {}, ValueError, "shape=0 is not at least 1"),
        (8, {"variance": 0.0}, ValueError, "variance=0.0 is not a positive number"),
        (8, {"variance": np.inf}, ValueError, "variance=inf is not a positive number"),
        (8, {"variance": np.nan}, ValueError, "variance=nan is not a positive number"),
        (8, {"variance": "1"}, TypeError, "variance='1' is not a real number"),
        (8, {"outer": 0.0}, ValueError, "outer=0.0 is not a positive number"),
        (8, {"outer": -0.1}, ValueError, "outer=-0.1 is not a positive number"),
    ],
)
def test_impossible_power_laws_are_refused_with_their_values(shape, options, error, message):
    with pytest.raises(error, match=message):
        power_law(shape, -2.0, **options)


# Fields ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(9,), (12,), (6, 6), (5, 8), (8, 5), (4, 1), (3, 2, 4)])
def test_the_mean_spectrum_of_fields_is_the_given_one_at_every_frequency(shape):
    full = uneven(shape)
    fields = gaussian_fields(spectrum_of(full), 4000, rng=0)
    assert fields.shape == (4000, *shape)
    found = np.abs(laws.dft(fields, len(shape))) ** 2 / math.prod(shape)
    stderr = found.std(axis=0) / math.sqrt(len(fields))
    assert np.max(np.abs(found.mean(axis=0) - full) / stderr) < 4.5
    # |X|² of a real transform, at zero and Nyquist, has twice the relative variance.
    own_mirror = [
        all(2 * i % n == 0 for i, n in zip(index, shape, strict=True))
        for index in np.ndindex(shape)
    ]
    spread = np.where(np.reshape(own_mirror, shape), math.sqrt(2), 1.0)
    np.testing.assert_allclose(found.std(axis=0) / full, spread, rtol=0.15)


def test_fields_are_gaussian_and_independent_of_each_other():
    fields = gaussian_fields(power_law((8, 6), -1.0), 2000, rng=0)
    assert scipy.stats.kstest(fields[:, 3, 2], "norm").pvalue > 0.01
    projection = (fields * np.random.default_rng(1).standard_normal((8, 6))).sum(axis=(1, 2))
    assert abs(scipy.stats.kurtosis(projection)) < 4 * math.sqrt(24 / 2000)
    assert abs(np.corrcoef(projection[:-1], projection[1:])[0, 1]) < 4 / math.sqrt(2000)


@pytest.mark.parametrize("shape", [(16,), (6, 8)])
def test_fields_are_periodic(shape):
    """The steps over the border are like any other."""
    fields = gaussian_fields(power_law(shape, -3.0), 3000, rng=0)
    for axis in range(1, fields.ndim):
        steps = np.mean((np.roll(fields, -1, axis) - fields) ** 2, axis=0)
        np.testing.assert_allclose(steps, steps.mean(), rtol=0.15)


@pytest.mark.parametrize(
    ("shape", "cut"), [((16,), (5,)), ((12, 8), (4, 3)), ((12, 8), 4), ((6, 4, 8), (3, 2, 4))]
)
def test_fields_cut_from_larger_ones_keep_their_autocovariance(shape, cut):
    model = power_law(shape, -2.0)
    fields = gaussian_fields(model, 6000, shape=cut, rng=0)
    size = (cut,) * len(shape) if isinstance(cut, int) else cut
    assert fields.shape == (6000, *size)
    waves = laws.dft(model.full().astype(complex)).real / math.prod(shape)
    pixels = list(np.ndindex(size))
    truth = np.array([[waves[tuple(np.subtract(a, b))] for a in pixels] for b in pixels])
    rows = fields.reshape(len(fields), -1)
    found = rows.T @ rows / len(rows)
    assert np.max(np.abs(found - truth)) < 5 * math.sqrt(2 / len(rows)) * truth[0, 0]
    np.testing.assert_array_equal(
        fields[:3], gaussian_fields(model, 3, rng=0)[(slice(None), *map(slice, size))]
    )


@pytest.mark.parametrize("shape", [(9,), (6, 8)])
@pytest.mark.parametrize("scaling", SCALINGS[1:])
def test_every_scaling_of_a_spectrum_gives_the_same_fields(shape, scaling):
    full = uneven(shape)
    truth = gaussian_fields(spectrum_of(full), 3, rng=5)
    laws.assert_close(gaussian_fields(spectrum_of(full, scaling), 3, rng=5), truth, 1e-14)


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("fs", [1.0, 2.5])
def test_power_per_pixel_of_psd_sums_to_the_sum_of_squares(scaling, fs):
    x = laws.field((6, 9))
    found = psd(x, scaling=scaling, fs=fs)
    laws.assert_close(found.per_pixel, laws.half(np.abs(laws.dft(x)) ** 2) / x.size, 1e-14)
    assert np.sum(found.per_pixel * laws.half_plane_count((6, 9))) == pytest.approx(np.sum(x**2))


@pytest.mark.parametrize("scaling", ["density", "spectrum"])
def test_power_per_pixel_is_compensated_for_windows_as_the_total_is(scaling):
    found = psd(laws.field((8, 9)), scaling=scaling, window="hann", fs=3.0)
    total = np.sum(found.per_pixel * laws.half_plane_count((8, 9)))
    assert total == pytest.approx(72 * found.total, rel=1e-13)


def test_seeds_say_which_fields():
    model = power_law((6, 6), -1.0)
    first = gaussian_fields(model, 2, rng=7)
    np.testing.assert_array_equal(gaussian_fields(model, 2, rng=np.random.default_rng(7)), first)
    # More fields begin with the same ones.
    np.testing.assert_array_equal(gaussian_fields(model, 5, rng=7)[:2], first)
    generator = np.random.default_rng(7)
    draws = [gaussian_fields(model, 1, rng=generator) for _ in range(3)]
    draws += [gaussian_fields(model, 1, rng=seed) for seed in (8, None, None)]
    for one, other in itertools.combinations(draws, 2):
        assert not np.allclose(one, other)


def test_zero_power_at_zero_frequency_means_mean_zero():
    fields = gaussian_fields(power_law((7, 4), -2.0), 5, rng=0)
    assert np.max(np.abs(fields.mean(axis=(1, 2)))) < 1e-15


NEGATIVE = Spectrum(np.array([1.0, -0.25, 1.0]), (4,), "density", (1.0,), 0.25)


@pytest.mark.parametrize(
    ("spectrum", "n", "options", "error", "message"),
    [
        (NEGATIVE, 1, {}, ValueError, "negative power, down to -0.25"),
        (power_law(8, 0.0), 1, {"shape": 9}, ValueError, r"shape=9 is larger .* \(8,\)"),
        (power_law((8, 4), 0.0), 1, {"shape": (4, 5)}, ValueError, r"shape=\(4, 5\) is larger"),
        (power_law((8, 4), 0.0), 1, {"shape": (4,)}, ValueError, "1 numbers for 2 axes"),
        (power_law(8, 0.0), 1, {"shape": 0}, ValueError, "shape=0 is not at least 1"),
        (power_law(8, 0.0), 0, {}, ValueError, "n=0 is not at least 1"),
        (power_law(8, 0.0), 2.0, {}, TypeError, "n=2.0 is not an integer"),
    ],
)
def test_impossible_fields_are_refused_with_their_values(spectrum, n, options, error, message):
    with pytest.raises(error, match=message):
        gaussian_fields(spectrum, n, **options)
