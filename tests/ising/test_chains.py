"""Ising chains: correlations, spectra, draws and moments, against sums over all states."""

import itertools
import math

import dense
import laws
import numpy as np
import pytest
import scipy.linalg
import scipy.stats

import spectral_mae as sm
from spectral_mae import ising

BOUNDARY = pytest.mark.parametrize("boundary", ["open", "periodic"])
COUPLINGS = [-1.5, -0.3, 0.0, 1e-3, 0.4, 2.0]


def enumerate_chains(n, coupling, boundary):
    """All states, (2^n, n), with their probabilities by the energy of their bonds."""
    states = np.array(list(itertools.product((-1.0, 1.0), repeat=n)))
    bonds = [(i, i + 1) for i in range(n - 1)] + [(n - 1, 0)] * (boundary == "periodic")
    weights = np.exp(coupling * sum(states[:, i] * states[:, j] for i, j in bonds))
    return states, weights / weights.sum()


def second_moment(n, coupling, boundary):
    states, probability = enumerate_chains(n, coupling, boundary)
    return (states * probability[:, np.newaxis]).T @ states


def exact_correlations(n, coupling, boundary):
    """t^r, and (t^r + t^(N−r))/(1 + t^N), in extended precision."""
    t, r = np.tanh(np.longdouble(coupling)), np.arange(n)
    if boundary == "open":
        return t**r
    return (t**r + t ** (n - r)) / (1 + t**n)


# Correlations and spectra ------------------------------------------------------------------------


@BOUNDARY
@pytest.mark.parametrize("n", [2, 3, 4, 7, 10])
@pytest.mark.parametrize("coupling", COUPLINGS)
def test_correlations_are_sums_over_all_states(n, coupling, boundary):
    second = second_moment(n, coupling, boundary)
    found = ising.chain_correlations(n, coupling, boundary=boundary)
    np.testing.assert_allclose(scipy.linalg.toeplitz(found), second, rtol=1e-12, atol=1e-14)


@BOUNDARY
@pytest.mark.parametrize("n", [1000, 1001])
@pytest.mark.parametrize("coupling", [-6.0, -0.5, -1e-5, 0.2, 0.49999, 0.5, 3.0, 8.0])
def test_correlations_of_long_chains_are_the_closed_form(n, coupling, boundary):
    found = ising.chain_correlations(n, coupling, boundary=boundary)
    np.testing.assert_allclose(found, exact_correlations(n, coupling, boundary).astype(float), 1e-9)


@pytest.mark.parametrize("coupling", [-100.0, -40.0])
def test_a_frustrated_ground_state_has_one_broken_bond_anywhere(coupling):
    r = np.arange(7)
    found = ising.chain_correlations(7, coupling)
    np.testing.assert_allclose(found, (-1.0) ** r * (1 - 2 * r / 7), rtol=1e-12)
    np.testing.assert_allclose(ising.chain_correlations(8, coupling), [1, -1] * 4, rtol=1e-12)
    np.testing.assert_allclose(ising.chain_correlations(7, -coupling), np.ones(7), rtol=1e-12)


@pytest.mark.parametrize("n", [2, 3, 8, 9, 64])
@pytest.mark.parametrize("coupling", [*COUPLINGS, -100.0, 100.0, 1e-300, -1e-300])
def test_the_spectrum_is_the_dft_of_the_correlations(n, coupling):
    spectrum = ising.chain_psd(n, coupling)
    truth = laws.half(laws.dft(ising.chain_correlations(n, coupling)).real).astype(float)
    np.testing.assert_allclose(spectrum.power, truth, rtol=1e-11, atol=1e-13 * n)
    assert spectrum.power.min() > 0
    assert spectrum.total == pytest.approx(1.0, rel=1e-12)
    assert (spectrum.shape, spectrum.scaling) == ((n,), "density")


def test_the_spectrum_is_the_textbook_one():
    for coupling in (-0.7, 0.7):
        t, omega = math.tanh(coupling), 2 * np.pi * np.arange(6) / 11
        shape = (1 - t * t) / (1 - 2 * t * np.cos(omega) + t * t)
        truth = (1 - t**11) / (1 + t**11) * shape
        np.testing.assert_allclose(ising.chain_psd(11, coupling).power, truth, rtol=1e-13)


def test_the_correlation_length_is_where_correlations_fall_to_a_fraction():
    for coupling in (0.2, 0.5, -1.0, 3.0):
        length = ising.correlation_length(coupling)
        found = ising.chain_correlations(20, coupling, boundary="open")
        np.testing.assert_allclose(np.abs(found), np.exp(-np.arange(20) / length), rtol=1e-12)
    assert ising.correlation_length(0.0) == 0.0
    # ξ → e^(2J)/2 where t rounds to 1.
    assert ising.correlation_length(25.0) == pytest.approx(math.exp(50) / 2, rel=1e-12)
    below, above = (ising.correlation_length(0.5 + step) for step in (-1e-13, 1e-13))
    assert below == pytest.approx(above, rel=1e-12)


# Draws -------------------------------------------------------------------------------------------


@BOUNDARY
@pytest.mark.parametrize("n", [2, 16, 17])
@pytest.mark.parametrize("coupling", [-0.8, 0.0, 0.3, 1.2])
def test_drawn_correlations_are_the_exact_ones_at_every_lag(n, coupling, boundary):
    spins = ising.chains(n, coupling, 20_000, boundary=boundary, rng=1)
    assert spins.shape == (20_000, n)
    assert set(np.unique(spins)) == {-1.0, 1.0}
    exact = ising.chain_correlations(n, coupling, boundary=boundary)
    for lag in range(1, n):
        # One number for each chain, so that the samples are independent.
        pairs = spins[:, lag:] * spins[:, : n - lag]
        if boundary == "periodic":
            pairs = spins * np.roll(spins, -lag, axis=1)
        each = pairs.mean(axis=1)
        assert abs(each.mean() - exact[lag]) < 4 * each.std(ddof=1) / math.sqrt(len(each))
    stderr = spins.std(axis=0, ddof=1) / math.sqrt(len(spins))
    assert np.all(np.abs(spins.mean(axis=0)) < 4 * stderr)


@BOUNDARY
@pytest.mark.parametrize("n", [2, 3, 4, 5])
@pytest.mark.parametrize("coupling", [-0.6, 0.5])
def test_every_state_is_drawn_as_often_as_it_is_likely(n, coupling, boundary):
    states, probability = enumerate_chains(n, coupling, boundary)
    spins = ising.chains(n, coupling, 40_000, boundary=boundary, rng=2)
    place = (spins > 0) @ 2 ** np.arange(n - 1, -1, -1)
    counts = np.bincount(place, minlength=2**n)
    np.testing.assert_array_equal(states[place[:5]], spins[:5])
    stderr = np.sqrt(probability * (1 - probability) / len(spins))
    assert np.all(np.abs(counts / len(spins) - probability) < 4 * stderr)
    assert scipy.stats.chisquare(counts, probability * len(spins)).pvalue > 1e-3


def test_extreme_couplings_draw_ground_states():
    assert np.ptp(ising.chains(9, 100.0, 50, rng=0), axis=1).max() == 0
    broken = ising.chains(9, -100.0, 500, rng=0)
    equal = broken == np.roll(broken, -1, axis=1)
    np.testing.assert_array_equal(equal.sum(axis=1), 1)
    assert equal.any(axis=0).all()
    long = ising.chains(100_000, 1.0, 2, rng=0)
    bonds = np.mean(long * np.roll(long, -1, axis=1), axis=1)
    np.testing.assert_allclose(bonds, math.tanh(1.0), atol=4 / math.cosh(1) / math.sqrt(1e5))


@BOUNDARY
def test_seeds_say_which_chains(boundary):
    first = ising.chains(8, 0.3, 5, boundary=boundary, rng=7)
    again = ising.chains(8, 0.3, 5, boundary=boundary, rng=np.random.default_rng(7))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, ising.chains(8, 0.3, 5, boundary=boundary, rng=8))


# Moments -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "patch"), [(8, 2), (9, 3), (12, 4)])
@pytest.mark.parametrize("coupling", [-0.4, 0.8])
@pytest.mark.parametrize(
    ("boundary", "covariance"),
    [("open", "dense"), ("periodic", "dense"), ("periodic", "banded"), ("periodic", "stationary")],
)
def test_linear_models_of_exact_moments_are_those_of_the_dense_matrix(
    n, patch, coupling, boundary, covariance
):
    second = second_moment(n, coupling, boundary)
    moments = ising.chain_moments(n, coupling, patch, covariance=covariance, boundary=boundary)
    assert not moments.mean.any()
    assert moments.n_images == 1
    drawn = dense.masks((n,), (patch,), 0.5, "fixed")
    weights, loss, _ = dense.best_map(second, *dense.corrupted(second, drawn, 1))
    model = sm.LinearMAE(patch, 0.5, covariance=covariance).fit_moments(moments)
    assert model.loss_ == pytest.approx(loss, rel=1e-10)
    assert model.trace_ == pytest.approx(n, rel=1e-12)
    np.testing.assert_allclose(model.weight_matrix(), weights, atol=1e-9)


def test_exact_moments_are_the_limit_of_sampled_ones():
    """A model of exact moments scores on samples what its loss says."""
    for covariance in ("dense", "banded", "stationary"):
        moments = ising.chain_moments(24, 0.9, 4, covariance=covariance)
        model = sm.LinearMAE(4, 0.5, covariance=covariance).fit_moments(moments)
        found = model.score(ising.chains(24, 0.9, 50_000, rng=3))
        assert found == pytest.approx(1 - model.loss_ / model.trace_, abs=3e-3)


def test_long_chains_of_all_kinds_agree():
    losses = [
        sm.LinearMAE(8, 0.75, covariance=kind)
        .fit_moments(ising.chain_moments(512, 2.0, 8, covariance=kind))
        .loss_
        for kind in ("dense", "banded", "stationary")
    ]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-9)


# What is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ising.chain_correlations(1, 0.3), ValueError, "n_spins=1: a chain has at least"),
        (lambda: ising.chain_correlations(2.0, 0.3), TypeError, "n_spins=2.0 is not an integer"),
        (lambda: ising.chain_correlations(4, np.nan), ValueError, "coupling=nan is not between"),
        (lambda: ising.chain_psd(4, 101.0), ValueError, "coupling=101.0 is not between -100 and"),
        (lambda: ising.chain_psd(4, "1"), TypeError, "coupling='1' is not a real number"),
        (lambda: ising.correlation_length(np.inf), ValueError, "coupling=inf is not between"),
        (lambda: ising.chain_correlations(4, 0.3, boundary="ring"), ValueError, "boundary='ring'"),
        (lambda: ising.chains(4, 0.3, 0), ValueError, "n=0 is not at least 1"),
        (lambda: ising.chains(4, 0.3, 2, boundary=None), ValueError, "boundary=None is not one"),
        (lambda: ising.chain_moments(9, 0.3, 2), ValueError, r"patch_size=\(2,\) does not divide"),
        (
            lambda: ising.chain_moments(8, 0.3, 2, boundary="open"),
            ValueError,
            "boundary='open' with covariance='banded': open chains need covariance='dense'",
        ),
        (
            lambda: ising.chain_moments(8, 0.3, 2, covariance="full"),
            ValueError,
            "covariance='full' is not one of",
        ),
    ],
)
def test_impossible_chains_are_refused_with_their_values(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_every_name_of_the_module_is_there():
    assert sm.ising is ising
    assert all(hasattr(ising, name) for name in ising.__all__)
