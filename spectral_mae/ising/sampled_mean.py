"""Means of correlated samples, such as a Markov chain's, with honest standard errors."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike

from spectral_mae import _checks

WINDOW = 6.0


@dataclass(frozen=True)
class SampledMean:
    """The mean of successive samples, with its standard error.

    The window is Sokal's: with ρ(t) the autocorrelation at lag t and

        τ(M) = ½ + Σ_{t=1}^{M} ρ(t),

    the first M that is at least 6 τ(M); further lags would add noise, not signal. The variance of
    the mean of n samples is 2τ/n times that of one (A. D. Sokal, "Monte Carlo Methods in
    Statistical Mechanics", 1997, section 3; N. Madras and A. D. Sokal, J. Stat. Phys. 50, 1988).

    Attributes
    ----------
    mean : float
        Mean of the samples.
    stderr : float
        √(2τ·variance/n).
    time : float
        τ, the integrated autocorrelation time in samples; ½ for independent ones, and no less for
        anticorrelated ones, whose standard error is then too large.
    time_stderr : float
        τ√(2(2M + 1)/n).
    n_samples : int
        How many samples there are.

    Examples
    --------
    >>> samples = np.random.default_rng(0).standard_normal(1000)
    >>> found = SampledMean.of(samples)
    >>> found.n_samples, abs(found.mean) < 4 * found.stderr, found.effective_samples > 500
    (1000, True, True)
    """

    mean: float
    stderr: float
    time: float
    time_stderr: float
    n_samples: int

    @classmethod
    def of(cls, samples: ArrayLike) -> Self:
        """Estimate the mean of successive samples of an equilibrated run.

        Parameters
        ----------
        samples : array_like, shape (n,)
            Successive samples. More than 100 τ are required; with 1000 τ the error of τ is 16 %.

        Returns
        -------
        SampledMean
            The mean, its standard error and the autocorrelation time.

        Raises
        ------
        ValueError
            If there are fewer than 10 samples or than 100 τ, or any is not finite.

        Examples
        --------
        >>> found = SampledMean.of(np.random.default_rng(0).standard_normal(10_000))
        >>> abs(found.mean) < 3 * found.stderr, round(found.time, 1)
        (True, 0.5)
        """
        values = np.asarray(_checks.real_array("samples", samples), dtype=np.float64)
        _checks.squarable("samples", values)
        if values.ndim != 1 or len(values) < 10:
            raise ValueError(f"samples of shape {values.shape} are not a run of at least 10")
        n, mean = len(values), float(values.mean())
        padded = scipy.fft.next_fast_len(2 * n, real=True)
        power = np.abs(scipy.fft.rfft(values - mean, padded)) ** 2
        covariance = scipy.fft.irfft(power, padded)[:n] / n
        variance = float(covariance[0])
        if np.ptp(values) == 0:
            return cls(mean, 0.0, 0.5, 0.0, n)
        times = np.cumsum(covariance / variance) - 0.5
        window = int(np.argmax(np.arange(1, n) >= WINDOW * times[1:])) + 1
        time = max(0.5, float(times[window]))
        if n < 100 * time:
            raise ValueError(f"{n} samples are too few for an autocorrelation time of {time:.3g}")
        stderr = math.sqrt(2 * time * variance / n)
        return cls(mean, stderr, time, time * math.sqrt(2 * (2 * window + 1) / n), n)

    @property
    def effective_samples(self) -> float:
        """Number n/(2τ) of independent samples whose mean has the same standard error."""
        return self.n_samples / (2 * self.time)

    def to_dict(self) -> dict[str, Any]:
        """Convert all fields to a dictionary that JSON can hold.

        Returns
        -------
        dict
            The attributes by name.
        """
        return asdict(self)


def integrated_time(samples: ArrayLike) -> float:
    """Integrated autocorrelation time τ of successive samples, as in `SampledMean`.

    Parameters
    ----------
    samples : array_like, shape (n,)
        Successive samples of an equilibrated run.

    Returns
    -------
    float
        The time τ, in samples; ½ for independent ones.

    Raises
    ------
    ValueError
        As `SampledMean.of`.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal(100_000)
    >>> from scipy.signal import lfilter
    >>> bool(np.isclose(integrated_time(lfilter([1], [1, -0.8], noise)), 4.5, rtol=0.1))
    True
    """
    return SampledMean.of(samples).time
