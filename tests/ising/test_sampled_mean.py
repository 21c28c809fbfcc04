"""Autocorrelation times and standard errors of runs of which they are known."""

import math

import numpy as np
import pytest
import scipy.signal

from spectral_mae.ising.sampled_mean import SampledMean, integrated_time


def autoregression(phi, n, seed=0):
    """x_t = φ x_(t−1) + noise from its equilibrium on; τ = ½(1 + φ)/(1 − φ), ρ(t) = φ^t."""
    noise = np.random.default_rng(seed).standard_normal(n)
    noise[0] /= math.sqrt(1 - phi**2)
    return scipy.signal.lfilter([1.0], [1.0, -phi], noise)


@pytest.mark.parametrize("phi", [0.2, 0.5, 0.9, 0.98])
def test_the_time_of_an_autoregression_is_known(phi):
    exact = 0.5 * (1 + phi) / (1 - phi)
    found = [SampledMean.of(autoregression(phi, 100_000, seed)) for seed in range(20)]
    times = np.array([each.time for each in found])
    # The window leaves out about e^(−6) of the sum.
    assert abs(times.mean() - exact) < 4 * times.std(ddof=1) / math.sqrt(20) + 0.005 * exact
    predicted = np.mean([each.time_stderr for each in found])
    assert times.std(ddof=1) == pytest.approx(predicted, rel=0.5)
    assert integrated_time(autoregression(phi, 100_000)) == times[0]


@pytest.mark.parametrize("phi", [0.0, 0.8])
def test_standard_errors_are_those_of_many_runs(phi):
    found = [SampledMean.of(2.0 + autoregression(phi, 4000, seed)) for seed in range(400)]
    means = np.array([each.mean for each in found])
    stderr = np.array([each.stderr for each in found])
    assert np.mean(stderr) == pytest.approx(means.std(ddof=1), rel=0.12)
    assert abs(means.mean() - 2.0) < 4 * means.std(ddof=1) / 20
    within = np.mean(np.abs(means - 2.0) < stderr)
    assert abs(within - 0.683) < 4 * math.sqrt(0.683 * 0.317 / 400)


def test_the_sum_is_sokals_by_its_definition():
    values = autoregression(0.7, 3000, seed=5)
    centred = values - values.mean()
    n, total, window = len(values), 0.5, 0
    while window < 6 * total or not window:
        window += 1
        total += np.sum(centred[window:] * centred[:-window]) / np.sum(centred**2)
    found = SampledMean.of(values)
    assert found.time == pytest.approx(total, rel=1e-10)
    assert found.time_stderr == pytest.approx(total * math.sqrt(2 * (2 * window + 1) / n))
    assert found.stderr == pytest.approx(math.sqrt(2 * total * values.var() / n))
    assert found.effective_samples == pytest.approx(n / (2 * total))
    assert found.n_samples == found.to_dict()["n_samples"] == n


def test_anticorrelated_and_constant_runs_count_as_independent():
    assert integrated_time(autoregression(-0.6, 5000)) == 0.5
    assert integrated_time(np.resize([1.0, -1.0], 100)) == 0.5
    found = SampledMean.of(np.full(50, 0.1))
    assert (found.stderr, found.time, found.effective_samples) == (0.0, 0.5, 50.0)
    assert found.mean == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.ones(9), r"samples of shape \(9,\) are not a run of at least 10"),
        (np.ones((20, 2)), r"samples of shape \(20, 2\)"),
        (np.full(20, np.nan), "samples holds 20 values that are not finite"),
        (np.arange(200.0), "200 samples are too few for an autocorrelation time of"),
    ],
)
def test_runs_that_tell_nothing_are_refused(samples, message):
    with pytest.raises(ValueError, match=message):
        SampledMean.of(samples)
