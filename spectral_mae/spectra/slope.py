"""The slope of a power law through ring averages."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.special

from spectral_mae._checks import FloatArray

ROUNDS = 6  # the correction for the width of rings needs the slope, and settles fast
NEWTON = 100  # steps at most, to the common variance; a few are enough
FAR = 16.0  # from where on the series of the trigamma function has all digits
TRIGAMMA = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66)  # Bernoulli numbers
CLOSE = 1e-10  # relative step that no longer counts: the next would be far smaller


class SlopeFit(NamedTuple):
    """A fitted log-log slope.

    Attributes
    ----------
    slope, stderr : float
        Exponent of the frequency, and its standard error. Of a batch each is an ndarray, of shape
        (n,).
    """

    slope: float
    stderr: float


def power_law_slopes(
    power: FloatArray, modes: FloatArray, log_frequency: FloatArray, log_spread: FloatArray
) -> list[SlopeFit]:
    """Fit power laws by weighted least squares on logarithms; see `RadialSpectrum.fit_slope`.

    Parameters
    ----------
    power : ndarray, shape (m, n)
        Mean power in each ring, above 0, of some spectra.
    modes : ndarray, shape (m, n)
        Number of independent frequencies behind each mean.
    log_frequency, log_spread : ndarray, shape (n,)
        Mean and variance of the logarithm of frequency in each ring.

    Returns
    -------
    list of SlopeFit
        Slope and standard error of each; they do not depend on what else is fitted.
    """
    logarithm = np.log(power)
    slope, stderr, extra = np.zeros((3, len(power)))
    moving = np.arange(len(power))  # whose slope still changes
    for _ in range(ROUNDS):
        before = slope[moving]
        widened = np.square(before)[:, np.newaxis] * log_spread
        effective = np.maximum(modes[moving] * np.exp(-widened), 0.5)
        bias = scipy.special.digamma(effective) - np.log(effective) + widened / 2
        variance = _trigamma(effective)
        found = _weighted_slopes(log_frequency, logarithm[moving] - bias, variance, extra[moving])
        slope[moving], stderr[moving], extra[moving] = found
        moving = moving[np.abs(found[0] - before) > CLOSE * np.abs(before)]
        if not len(moving):
            break
    return [SlopeFit(*pair) for pair in zip(slope.tolist(), stderr.tolist(), strict=True)]


def _trigamma(x: FloatArray) -> FloatArray:
    """The trigamma function of positive numbers, to rounding.

    Its asymptotic series (Abramowitz and Stegun, 6.4.12) takes a tenth of the time of SciPy's
    function, which is for the few rings that have few frequencies.
    """
    near = x < FAR
    inverse = 1.0 / np.where(near, FAR, x)
    square = inverse * inverse
    series = np.full_like(inverse, TRIGAMMA[-1])
    for coefficient in TRIGAMMA[-2::-1]:
        series *= square
        series += coefficient
    found = inverse + square * (0.5 + inverse * series)
    found[near] = scipy.special.zeta(2.0, x[near])
    return found


def _weighted_slopes(
    x: FloatArray, y: FloatArray, variance: FloatArray, extra: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fit lines to points of known variance plus a common one, estimated from the residuals.

    The common variance is found from ``extra`` on, and returned behind slope and standard error. It
    is where the weighted sum of squares of the residuals is as large as on average; if that is less
    without it, it is zero. The sum falls with the common variance, ever more slowly, and its
    derivative is minus the sum of squares with squared weights, for the line is the best one. So
    Newton's steps from the left never pass the root, and one from the right ends on the left.
    """
    slope, stderr, common = np.empty((3, len(y)))
    moving = np.arange(len(y))
    for left in reversed(range(NEWTON)):
        total_variance = variance + extra[:, np.newaxis]
        weight = 1.0 / total_variance
        total = weight.sum(axis=1)
        across = x - ((weight * x).sum(axis=1) / total)[:, np.newaxis]
        weighted = weight * across
        spread = (weighted * across).sum(axis=1)
        steepness = (weighted * y).sum(axis=1) / spread
        level = (weight * y).sum(axis=1) / total
        residual = y - level[:, np.newaxis] - steepness[:, np.newaxis] * across
        squares = np.square(weight * residual)
        excess = (squares * total_variance).sum(axis=1) - (len(x) - 2)
        step = excess / squares.sum(axis=1)
        found = (np.abs(step) <= CLOSE * extra) | ((step <= 0) & (extra == 0.0)) | (left == 0)
        done = moving[found]
        slope[done], common[done] = steepness[found], extra[found]
        stderr[done] = 1.0 / np.sqrt(spread[found])
        if found.all():
            break
        rest = ~found
        moving, y, variance = moving[rest], y[rest], variance[rest]
        extra = np.maximum(0.0, extra[rest] + step[rest])
    return slope, stderr, common
