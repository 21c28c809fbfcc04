"""The bootstrap over images: sums over images drawn with replacement."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.spectra.bins.binning import unit_near

DRAWN = 2**22  # numbers that are drawn at a time


def resampled_sums(values: FloatArray, n_resamples: int, rng: Seed) -> Iterator[FloatArray]:
    """Draw n rows of n with replacement, again and again, and yield their sums.

    Parameters
    ----------
    values : ndarray, shape (n, k)
        A row for each image.
    n_resamples : int
        Number of times, at least 2.
    rng : int, numpy.random.Generator or None
        Seed or generator. Equal seeds give equal results.

    Yields
    ------
    ndarray, shape (m, k)
        Sums of m resamples; the m add up to ``n_resamples``.
    """
    n_resamples = _checks.integer(
        "n_resamples", n_resamples, least=2, why="a spread needs at least 2"
    )
    generator = generator_of(rng)
    n = len(values)
    step = max(1, DRAWN // n)
    for first in range(0, n_resamples, step):
        m = min(step, n_resamples - first)
        drawn = generator.integers(0, n, (m, n)) + n * np.arange(m)[:, np.newaxis]
        # How often each image is drawn says as much as which: a product instead of copies.
        times = np.bincount(drawn.ravel(), minlength=m * n).reshape(m, n)
        yield times.astype(np.float64) @ values


def spread_of(resampled: FloatArray) -> FloatArray:
    """Standard deviation over resamples, also of numbers whose squares would leave the range.

    Parameters
    ----------
    resampled : ndarray, shape (m, ...)
        What was computed of each resample.

    Returns
    -------
    ndarray, shape (...)
        NaN where a resample gave none.
    """
    unit = unit_near(float(np.nanmax(np.abs(resampled), initial=0.0)))
    return unit * np.std(resampled / unit, axis=0, ddof=1)
