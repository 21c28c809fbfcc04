"""The slope of a power law through ring averages."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import scipy.special

from spectral_mae._checks import FloatArray

ROUNDS = 6  # the correction for the width of rings needs the slope, and settles fast
NEWTON = 100  # steps at most, to the common variance; a few are enough
CLOSE = 1e-10  # relative step that no longer counts: the next would be far smaller


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
    logarithm = np.log(power)
    fit, extra = SlopeFit(0.0, 0.0), 0.0
    for _ in range(ROUNDS):
        widened = fit.slope**2 * log_spread
        effective = np.maximum(modes * np.exp(-widened), 0.5)
        bias = scipy.special.digamma(effective) - np.log(effective) + widened / 2
        variance = scipy.special.zeta(2.0, effective)  # the trigamma function
        before = fit.slope
        fit, extra = _weighted_slope(log_frequency, logarithm - bias, variance, extra)
        if abs(fit.slope - before) <= CLOSE * abs(before):
            break
    return fit


def _weighted_slope(
    x: FloatArray, y: FloatArray, variance: FloatArray, extra: float
) -> tuple[SlopeFit, float]:
    """Fit a line to points of known variance plus a common one, estimated from the residuals.

    The common variance is found from ``extra`` on, and returned with the fit. It is where the
    weighted sum of squares of the residuals is as large as on average; if that is less without it,
    it is zero. The sum falls with the common variance, ever more slowly, and its derivative is
    minus the sum of squares with squared weights, for the line is the best one. So Newton's steps
    from the left never pass the root, and one from the right ends on the left.
    """
    for _ in range(NEWTON):
        weight = 1.0 / (variance + extra)
        total = weight.sum()
        across = x - weight @ x / total
        weighted = weight * across
        spread = float(weighted @ across)
        slope = float(weighted @ y) / spread
        residual = weight * (y - weight @ y / total - slope * across)
        squares = residual * residual
        step = (float(squares @ (variance + extra)) - (len(x) - 2)) / float(squares.sum())
        if abs(step) <= CLOSE * extra or (step <= 0 and extra == 0.0):
            break
        extra = max(0.0, extra + step)
    return SlopeFit(slope, 1.0 / math.sqrt(spread)), extra
