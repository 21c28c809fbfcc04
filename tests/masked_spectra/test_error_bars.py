"""Error bars of unmasked spectra and of means over images are what repeated draws show."""

import dataclasses
import math

import laws
import numpy as np
import pytest

from spectral_mae.fields import gaussian_fields, power_law
from spectral_mae.masked_spectra.error_bars import bootstrap_radial, unmasked_covariance
from spectral_mae.masked_spectra.unmasking import unmasked_psd
from spectral_mae.spectra.periodogram import Periodogram, psd
from spectral_mae.spectra.rings import RadialSpectrum
from spectral_mae.spectra.spectrum import Spectrum

PREWHITEN = pytest.mark.parametrize("prewhiten", [None, "gradient"])


def white(shape, power=1.0):
    half = np.full((*shape[:-1], shape[-1] // 2 + 1), power)
    return Spectrum(half, shape, "density", (1.0,) * len(shape), 1.0 / math.prod(shape))


# Under a mask ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(16,), (12, 10), (4, 5, 6)])
@pytest.mark.parametrize("bins", [None, 3, 1, [0.0, 0.2, 0.5]])
@pytest.mark.parametrize(("prewhiten", "wrap"), [(None, True), ("gradient", True), ("gradient", 0)])
def test_the_covariance_is_that_of_unmasked_fields(shape, bins, prewhiten, wrap):
    model = power_law(shape, -1.5)
    weights = np.random.default_rng(2).uniform(0.6, 1.0, shape)
    options = {"prewhiten": prewhiten, "wrap": bool(wrap)}
    found = unmasked_covariance(model, weights, bins=bins, n_draws=9, rng=5, **options)
    rows = np.array(
        [
            unmasked_psd(x, weights, ndim=len(shape), **options).radial(bins).power
            for x in gaussian_fields(model, 9, rng=5)
        ]
    )
    deviation = rows - rows.mean(axis=0)
    laws.assert_close(found.mean, rows.mean(axis=0), 1e-12)
    laws.assert_close(found.covariance, deviation.T @ deviation / 8, 1e-11)
    laws.assert_close(found.stderr, rows.std(axis=0, ddof=1), 1e-11)
    assert found.n_draws == 9
    size = rows.shape[1]
    np.testing.assert_allclose(np.diag(found.correlation), np.ones(size), rtol=1e-12)
    laws.assert_close(found.correlation, np.corrcoef(rows.T).reshape(size, size), 1e-11)


@PREWHITEN
@pytest.mark.parametrize("slope", [-1.0, -2.0])
@pytest.mark.slow
def test_the_mean_is_that_of_the_model_and_the_spread_that_of_other_fields(prewhiten, slope):
    model = power_law((16, 16), slope)
    visible = np.random.default_rng(1).random((16, 16)) < 0.7
    found = unmasked_covariance(model, visible, bins=4, prewhiten=prewhiten, n_draws=500)
    truth = model.radial(4).power
    assert np.max(np.abs(found.mean - truth) / found.stderr) < 4 / math.sqrt(500)
    others = [
        unmasked_psd(x, visible, prewhiten=prewhiten).radial(4).power
        for x in gaussian_fields(model, 500, rng=77)
    ]
    # Each is known to one part in 31; the power of few frequencies has long tails.
    np.testing.assert_allclose(np.std(others, axis=0), found.stderr, rtol=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(16,), (15,), (8, 8), (7, 8)])
def test_white_noise_that_is_seen_in_full_has_its_known_variance(shape):
    """Power² / (count/2) in every ring: Nyquist has twice the variance, and no mirror."""
    model = white(shape, 3.0)
    edges = [0.0, 0.01, 0.3, 0.49, 0.8]
    found = unmasked_covariance(model, np.ones(shape), bins=edges, n_draws=4000)
    count = model.radial(edges).count
    np.testing.assert_allclose(found.stderr, 3.0 / np.sqrt(count / 2), rtol=0.1)
    np.testing.assert_allclose(found.mean, 3.0, atol=4 * found.stderr.max() / math.sqrt(4000))
    off = found.correlation - np.diag(np.diag(found.correlation))
    assert np.max(np.abs(off)) < 5 / math.sqrt(4000)


def test_a_mask_makes_rings_vary_more():
    model, visible = power_law((12, 12), -2.0), np.random.default_rng(0).random((12, 12)) < 0.5
    seen = unmasked_covariance(model, np.ones((12, 12)), bins=4)
    masked = unmasked_covariance(model, visible, bins=4)
    assert (masked.stderr[1:] > 1.5 * seen.stderr[1:]).all()


def test_seeds_say_which_fields():
    model, visible = white((8, 8)), np.ones((8, 8))
    first = unmasked_covariance(model, visible, n_draws=8, rng=3).covariance
    for same in (3, np.random.default_rng(3)):
        found = unmasked_covariance(model, visible, n_draws=8, rng=same).covariance
        np.testing.assert_array_equal(found, first)
    default = unmasked_covariance(model, visible, n_draws=8)
    other = unmasked_covariance(model, visible, n_draws=8, rng=0)
    np.testing.assert_array_equal(default.mean, other.mean)
    for rng in (4, None):
        found = unmasked_covariance(model, visible, n_draws=8, rng=rng).covariance
        assert not np.allclose(found, first)


@pytest.mark.parametrize(
    ("model", "visible", "options", "message"),
    [
        (white((8,)), np.ones(8), {"n_draws": 7}, "n_draws=7: a covariance needs at least 8"),
        (white((8,)), np.ones((2, 8)), {}, r"visible of shape \(2, 8\) is not \(8,\)"),
        (white((8,)), np.ones(9), {}, r"visible of shape \(9,\) is neither \(8,\)"),
        (white((8,), -1.0), np.ones(8), {}, "negative power, down to -1"),
        (white((8,)), np.ones(8), {"prewhiten": "x"}, "prewhiten='x' is not one of"),
        (white((8,)), np.ones(8), {"bins": 0}, "bins=0 is not at least 1"),
    ],
)
def test_impossible_arguments_are_refused_with_their_values(model, visible, options, message):
    with pytest.raises(ValueError, match=message):
        unmasked_covariance(model, visible, **options)


# Over images -------------------------------------------------------------------------------------


def rings(n, seed=0, shape=(8, 8)):
    images = np.random.default_rng(seed).standard_normal((n, *shape))
    return Periodogram(shape).radial(images)


@pytest.mark.parametrize("n", [2, 5, 40])
def test_the_mean_over_images_keeps_its_rings(n):
    spectra = rings(n)
    before = spectra.power.copy()
    found = bootstrap_radial(spectra)
    laws.assert_close(found.power, before.sum(axis=0) / n, 1e-14)
    spread = np.sqrt(np.sum((before - found.power) ** 2, axis=0) / (n - 1))
    laws.assert_close(found.std, spread, 1e-13)
    assert found.averages == n
    for field in dataclasses.fields(RadialSpectrum):
        if field.name not in ("power", "std", "stderr", "averages"):
            np.testing.assert_array_equal(getattr(found, field.name), getattr(spectra, field.name))
    np.testing.assert_array_equal(spectra.power, before)
    assert found.stderr.shape == found.power.shape


def test_spectra_that_were_averages_count_as_many():
    spectra = dataclasses.replace(rings(6), averages=3)
    assert bootstrap_radial(spectra).averages == 18


@pytest.mark.parametrize("n", [3, 6, 50])
def test_the_standard_error_is_that_of_the_bootstrap(n):
    """Its limit over all resamples: the spread of images, counted by n, over √n."""
    spectra = rings(n)
    found = bootstrap_radial(spectra, n_resamples=20000)
    truth = spectra.power.std(axis=0, ddof=0) / math.sqrt(n)
    np.testing.assert_allclose(found.stderr, truth, rtol=0.03)
    chosen = np.random.default_rng(9).integers(0, n, (20000, n))
    plain = spectra.power[chosen].mean(axis=1).std(axis=0)
    np.testing.assert_allclose(found.stderr, plain, rtol=0.04)


@pytest.mark.slow
def test_the_standard_error_is_the_spread_of_means():
    found = bootstrap_radial(rings(60), n_resamples=4000)
    means = [rings(60, seed).power.mean(axis=0) for seed in range(1, 301)]
    np.testing.assert_allclose(found.stderr, np.std(means, axis=0), rtol=0.35)


def test_images_are_resampled_whole():
    """Rings that are alike have errors that are alike."""
    spectra = rings(12)
    doubled = dataclasses.replace(spectra, power=spectra.power[:, [0, 0, 1, 1]])
    found = bootstrap_radial(doubled, n_resamples=50)
    np.testing.assert_allclose(found.stderr[::2], found.stderr[1::2], rtol=1e-12)


def test_seeds_say_which_images():
    spectra = rings(10)
    first = bootstrap_radial(spectra, rng=3).stderr
    np.testing.assert_array_equal(bootstrap_radial(spectra, rng=3).stderr, first)
    generator = np.random.default_rng(3)
    np.testing.assert_array_equal(bootstrap_radial(spectra, rng=generator).stderr, first)
    np.testing.assert_array_equal(
        bootstrap_radial(spectra).stderr, bootstrap_radial(spectra, n_resamples=1000, rng=0).stderr
    )
    for rng in (4, None):
        assert not np.array_equal(bootstrap_radial(spectra, rng=rng).stderr, first)


@pytest.mark.parametrize(
    ("spectra", "options", "error", "message"),
    [
        (psd(np.eye(8)).radial(), {}, ValueError, r"power of shape \(4,\) is not of two images"),
        (rings(1), {}, ValueError, r"power of shape \(1, 4\) is not of two images or more"),
        (rings(3), {"n_resamples": 0}, ValueError, "n_resamples=0: a spread needs"),
        (rings(3), {"n_resamples": 2.5}, TypeError, "n_resamples=2.5 is not an integer"),
    ],
)
def test_impossible_bootstraps_are_refused_with_their_values(spectra, options, error, message):
    with pytest.raises(error, match=message):
        bootstrap_radial(spectra, **options)
