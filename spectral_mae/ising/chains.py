"""Ising chains: exact correlations, spectra, second moments and draws."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import scipy.linalg
import scipy.special

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.ising.exact_torus import (
    MAX_COUPLING,
)
from spectral_mae.linear.model import Covariance
from spectral_mae.linear.moments.kinds import KINDS, Moments, StationaryMoments
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.spectra.spectrum import Spectrum

Boundary = Literal["open", "periodic"]


def correlation_length(coupling: float) -> float:
    """The correlation length of a long chain, ξ = −1/log|tanh J|.

    Over a distance of ξ spins the correlations fall to 1/e.

    Parameters
    ----------
    coupling : float
        J, in units of kT and at most 100 in size. At zero the length is 0.

    Returns
    -------
    float
        The length ξ, in spins.

    Examples
    --------
    >>> round(correlation_length(1.0), 3)
    3.672
    """
    coupling = _coupling(coupling)
    return 1.0 / _decay(coupling) if coupling else 0.0


def chain_correlations(
    n_spins: int, coupling: float, *, boundary: Boundary = "periodic"
) -> FloatArray:
    """Correlations E[s_i s_{i+r}] of a chain, at the lags r = 0 … N−1.

    With t = tanh J they are t^r for an open chain and (t^r + t^(N−r))/(1 + t^N) for a periodic
    one. A periodic chain of two spins has two bonds between them.

    Parameters
    ----------
    n_spins : int
        N, at least 2.
    coupling : float
        J, in units of kT. A periodic chain of odd N with J < 0 is frustrated: at least one bond
        stays unsatisfied.
    boundary : {"periodic", "open"}
        Whether the last spin has a bond with the first.

    Returns
    -------
    ndarray, shape (n_spins,)
        E[s_i s_{i+r}], from −1 to 1; 1 at lag 0.

    Raises
    ------
    ValueError
        If there are fewer than two spins, or the coupling is beyond ±100.

    Examples
    --------
    >>> chain_correlations(4, 0.5, boundary="open").round(3)
    array([1.   , 0.462, 0.214, 0.099])
    >>> chain_correlations(4, 0.5).round(3)
    array([1.   , 0.536, 0.408, 0.536])
    """
    n = _spins(n_spins)
    coupling = _coupling(coupling)
    _checks.choice("boundary", boundary, Boundary)
    lag = np.arange(n)
    if boundary == "periodic":
        lag = np.minimum(lag, n - lag)
    if coupling == 0:
        return np.where(lag == 0, 1.0, 0.0)
    decay = _decay(coupling)
    sign = np.where(lag % 2, math.copysign(1.0, coupling), 1.0)
    if boundary == "open":
        return sign * np.exp(-decay * lag)
    if _frustrated(n, coupling):
        # t^N = −|t|^N: the quotient of small differences is taken by expm1.
        return sign * np.exp(-decay * lag) * np.expm1((2 * lag - n) * decay) / np.expm1(-n * decay)
    whole = 1.0 + math.exp(-decay * n)
    return sign * (np.exp(-decay * lag) + np.exp(-decay * (n - lag))) / whole


def chain_psd(n_spins: int, coupling: float) -> Spectrum:
    """The power spectrum of a periodic chain: the DFT of its correlations, in closed form.

    With t = tanh J and ω = 2πk/N,

        S[k] = (1 − t^N)/(1 + t^N) · (1 − t²)/(1 − 2t cos ω + t²),

    of which the second factor is 1/(e^(−2J) cos²(ω/2) + e^(2J) sin²(ω/2)).

    Parameters
    ----------
    n_spins : int
        N, at least 2.
    coupling : float
        J, in units of kT.

    Returns
    -------
    Spectrum
        Scaling "density": the mean of |X|²/N over all chains.

    Examples
    --------
    >>> direct = np.fft.rfft(chain_correlations(12, 0.5)).real
    >>> bool(np.allclose(chain_psd(12, 0.5).power, direct))
    True
    """
    n = _spins(n_spins)
    coupling = _coupling(coupling)
    k = np.arange(n // 2 + 1)
    sine = np.sin(np.pi * k / n)
    cosine = np.sin(np.pi * (n - 2 * k) / (2 * n))  # exactly zero at k = N/2
    power = 1.0 / (math.exp(-2 * coupling) * cosine**2 + math.exp(2 * coupling) * sine**2)
    if coupling:
        ends = math.tanh(n * _decay(coupling) / 2)
        power = power / ends if _frustrated(n, coupling) else power * ends
    return Spectrum(power, (n,), "density", (1.0,), 1.0 / n)


def chain_moments(
    n_spins: int,
    coupling: float,
    patch_size: int,
    *,
    covariance: Covariance = "banded",
    boundary: Boundary = "periodic",
) -> Moments:
    """Exact second moments of chains: linear models are fitted to them without drawing any sample.

    Parameters
    ----------
    n_spins : int
        Number of spins in a chain, at least 2.
    coupling : float
        J, in units of kT.
    patch_size : int
        Number of spins in a patch; it must divide ``n_spins``.
    covariance : {"banded", "dense", "stationary"}
        As in `spectral_mae.LinearMAE`. Open chains are not periodic: they need "dense".
    boundary : {"periodic", "open"}
        Whether the last spin has a bond with the first.

    Returns
    -------
    BandMoments, DenseMoments or StationaryMoments
        Moments about the mean, which is zero. They count as one image when they are merged with
        others.

    Raises
    ------
    ValueError
        If the patch size does not divide the chain, or an open chain is asked for with another
        covariance than "dense".

    Examples
    --------
    >>> from spectral_mae import LinearMAE
    >>> model = LinearMAE(4, 0.5).fit_moments(chain_moments(32, 1.0, 4))
    >>> sampled = LinearMAE(4, 0.5).fit(chains(32, 1.0, 20_000, rng=0))
    >>> bool(np.isclose(model.loss_, sampled.loss_, rtol=0.01))
    True
    """
    _checks.choice("covariance", covariance, Covariance)
    correlations = chain_correlations(n_spins, coupling, boundary=boundary)
    if boundary == "open" and covariance != "dense":
        raise ValueError(f"{boundary=} with {covariance=}: open chains need covariance='dense'")
    if covariance == "stationary":
        return StationaryMoments.from_psd(chain_psd(n_spins, coupling), patch_size, mean=0.0)
    grid = PatchGrid(n_spins, patch_size)
    second = scipy.linalg.toeplitz(correlations)
    return KINDS[covariance].from_second_moment(second, grid, mean=0.0)


def chains(
    n_spins: int,
    coupling: float,
    n: int,
    *,
    boundary: Boundary = "periodic",
    rng: Seed = None,
) -> FloatArray:
    """Draw independent chains from their exact distribution.

    A chain is given by its first spin and its bonds. A bond is *broken* where its two spins differ.
    The bonds of an open chain are independent. A periodic chain has an even number K of broken
    bonds, with a probability in proportion to (N choose K) exp(−2JK), and all positions of them are
    equally likely.

    Parameters
    ----------
    n_spins : int
        N, at least 2.
    coupling : float
        J, in units of kT.
    n : int
        How many chains to draw.
    boundary : {"periodic", "open"}
        Whether the last spin has a bond with the first.
    rng : int, numpy.random.Generator or None
        Seed or generator of the random draws. Equal seeds give equal results; None takes a new
        seed.

    Returns
    -------
    ndarray, shape (n, n_spins)
        Spins, −1.0 or 1.0.

    Examples
    --------
    >>> spins = chains(6, 2.0, 10_000, rng=0)
    >>> found = np.mean(spins[:, 0] * spins[:, 3])
    >>> bool(np.isclose(found, chain_correlations(6, 2.0)[3], atol=0.02))
    True
    """
    size = _spins(n_spins)
    coupling = _coupling(coupling)
    n = _checks.positive_int("n", n)
    _checks.choice("boundary", boundary, Boundary)
    generator = generator_of(rng)
    spins = np.ones((n, size))
    spins[generator.random(n) < 0.5, 0] = -1.0
    if boundary == "open":
        broken = generator.random((n, size - 1)) < scipy.special.expit(-2 * coupling)
    else:
        counts = np.arange(0, size + 1, 2)
        log_weight = -2 * coupling * counts - scipy.special.gammaln(counts + 1)
        log_weight -= scipy.special.gammaln(size - counts + 1)
        number = generator.choice(counts, n, p=scipy.special.softmax(log_weight))
        first = np.arange(size) < number[:, np.newaxis]
        broken = generator.permuted(first, axis=1)[:, 1:]  # the last bond follows from the rest
    spins[:, 1:][broken] = -1.0
    return np.cumprod(spins, axis=1, out=spins)


def _decay(coupling: float) -> float:
    """1/ξ = −log|tanh J|, to full precision for small and large J, which is not zero."""
    if abs(coupling) < 0.5:
        return -math.log(math.tanh(abs(coupling)))
    return 2 * math.atanh(math.exp(-2 * abs(coupling)))


def _frustrated(n_spins: int, coupling: float) -> bool:
    """Whether no state of a periodic chain satisfies every bond."""
    return coupling < 0 and n_spins % 2 == 1


def _coupling(coupling: float) -> float:
    return _checks.bounded_number("coupling", coupling, MAX_COUPLING)


def _spins(n_spins: int) -> int:
    return _checks.integer("n_spins", n_spins, least=2, why="a chain has at least two spins")
