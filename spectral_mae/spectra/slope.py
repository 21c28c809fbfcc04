"""The slope of a power law through ring averages."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import scipy.optimize
import scipy.special

from spectral_mae._checks import FloatArray

ROUNDS = 6  # the correction for the width of rings needs the slope, and settles fast


class SlopeFit(NamedTuple):
    """A fitted log-log slope.

    Attributes
    ----------
    slope, stderr : float
        Exponent of the frequency, and its standard error.
    """

    slope: float
    stderr: float


def power_law_slope(
    power: FloatArray, modes: FloatArray, log_frequency: FloatArray, log_spread: FloatArray
) -> SlopeFit:
    """Fit a power law by weighted least squares on logarithms; see `RadialSpectrum.fit_slope`.

    Parameters
    ----------
    power : ndarray, shape (n,)
        Mean power in each ring, above 0.
    modes : ndarray, shape (n,)
        Number of independent frequencies behind each mean.
    log_frequency, log_spread : ndarray, shape (n,)
        Mean and variance of the logarithm of frequency in each ring.

    Returns
    -------
    SlopeFit
        Slope and standard error.
    """
    fit = SlopeFit(0.0, 0.0)
    for _ in range(ROUNDS):
        widened = fit.slope**2 * log_spread
        effective = np.maximum(modes * np.exp(-widened), 0.5)
        bias = scipy.special.digamma(effective) - np.log(effective) + widened / 2
        variance = scipy.special.polygamma(1, effective)
        fit = _weighted_slope(log_frequency, np.log(power) - bias, variance)
    return fit


def _weighted_slope(x: FloatArray, y: FloatArray, variance: FloatArray) -> SlopeFit:
    """Fit a line to points of known variance plus a common one, estimated from the residuals."""

    def fit(extra: float) -> tuple[float, float, float]:
        weight = 1.0 / (variance + extra)
        total = weight.sum()
        across = x - weight @ x / total
        weighted = weight * across
        spread = float(weighted @ across)
        slope = float(weighted @ y) / spread
        residual = y - weight @ y / total - slope * across
        return slope, spread, float(weight @ (residual * residual))

    def excess(extra: float) -> float:
        return fit(extra)[2] - (len(x) - 2)

    extra = 0.0
    if excess(0.0) > 0:
        # The excess falls towards -(n - 2) as the common variance grows.
        high = float(np.var(y)) + 1.0
        while excess(high) > 0:
            high *= 2
        extra = float(scipy.optimize.brentq(excess, 0.0, high))
    slope, spread, _ = fit(extra)
    return SlopeFit(slope, 1.0 / math.sqrt(spread))
