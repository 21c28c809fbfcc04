"""The log-spectral distance: its definition, its laws, and what has no power."""

import math

import numpy as np
import pytest

from spectral_mae import compare_spectra, log_spectral_distance, psd


@pytest.mark.parametrize("shape", [(20,), (16, 16), (12, 15)])
@pytest.mark.parametrize("bins", [None, 3])
def test_is_the_rms_of_decibels_over_rings(shape, bins):
    a, b = np.random.default_rng(0).standard_normal((2, *shape))
    one, other = (psd(x).radial(bins).power for x in (a, b))
    truth = math.sqrt(np.mean((10 * np.log10(other / one)) ** 2))
    assert log_spectral_distance(a, b, bins=bins) == pytest.approx(truth, rel=1e-12)
    assert log_spectral_distance(b, a, bins=bins) == pytest.approx(truth, rel=1e-12)


def test_only_power_counts():
    a = np.random.default_rng(0).standard_normal((16, 16, 3))
    assert log_spectral_distance(a, np.roll(a, 3, 0), channel_axis=-1) == pytest.approx(0, abs=1e-9)
    assert log_spectral_distance(a, a / 100, channel_axis=-1) == pytest.approx(40)


def test_what_has_no_power():
    a = np.random.default_rng(0).standard_normal((16, 16))
    assert log_spectral_distance(a, np.ones((16, 16))) == math.inf
    stripes = np.tile([1.0, -1.0], (16, 8))  # power in a single ring, and in that of both
    assert log_spectral_distance(stripes, 10 * stripes) == pytest.approx(20)
    with pytest.raises(ValueError, match="has power in any ring"):
        log_spectral_distance(np.ones((8, 8)), np.zeros((8, 8)))


def test_comparison_has_the_distance_of_each_pair():
    a, b = np.random.default_rng(0).standard_normal((2, 5, 12, 12))
    b[2] *= 1e-9  # rounding is told apart from power for each image on its own
    found = compare_spectra(a, b)
    truth = [log_spectral_distance(x, y) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(found.log_spectral_distances, truth, rtol=1e-12)
    summary = found.summary()
    assert summary["log_spectral_distance"] == pytest.approx(np.mean(truth))
    spread = np.std(truth) / math.sqrt(5)
    assert summary["log_spectral_distance_stderr"] == pytest.approx(spread, rel=0.1)


def test_an_infinite_distance_has_no_error_bar():
    a = np.random.default_rng(0).standard_normal((4, 12, 12))
    b = a.copy()
    b[1] = 0
    summary = compare_spectra(a, b).summary()
    assert summary["log_spectral_distance"] == math.inf
    assert math.isnan(summary["log_spectral_distance_stderr"])
    assert summary["explained_stderr"] > 0
