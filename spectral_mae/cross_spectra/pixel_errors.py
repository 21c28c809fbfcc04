"""Squared errors of all pixels of each image, and what is explained of the images."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.cross_spectra.resampling import resampled_sums, spread_of
from spectral_mae.masks.sampling import Seed


@dataclass(frozen=True, eq=False)
class PixelErrors:
    """Errors of pixels over many images, all of them or those of hidden pixels.

    Attributes
    ----------
    totals : ndarray, shape (n, 3)
        A row for each image, as `squared_errors` returns them.
    """

    totals: FloatArray

    @property
    def explained(self) -> float:
        """1 − squared error / squared distance from each image's own mean, sums over all images."""
        error, variance = self.totals.sum(axis=0)[:2]
        return _explained(error, variance)

    @property
    def explained_by_image(self) -> FloatArray:
        """`explained` of each image."""
        return np.array([_explained(error, variance) for error, variance, _ in self.totals])

    @property
    def mean_squared_error(self) -> float:
        """Mean squared error of all pixels and channels that count."""
        error, _, count = self.totals.sum(axis=0)
        return float(error / count)

    @property
    def mean_squared_error_by_image(self) -> FloatArray:
        """`mean_squared_error` of each image."""
        error, _, count = self.totals.T
        return error / count

    def summary(self, distances: FloatArray, *, n_resamples: int, rng: Seed) -> dict[str, float]:
        """Return the errors and the mean distance, each with its standard error.

        Parameters
        ----------
        distances : ndarray, shape (n,)
            Log-spectral distance of each pair, in decibels.
        n_resamples : int
            Number of times that images are drawn with replacement, at least 2.
        rng : int, numpy.random.Generator or None
            Seed or generator of the bootstrap.

        Returns
        -------
        dict of str to float
            ``explained``, ``mean_squared_error`` and ``log_spectral_distance``, each followed by
            the same with ``_stderr`` behind its name, which is NaN for one image.
        """
        # The error of a mean that is infinite is none; NaN times zero does not warn as ∞ does.
        known = np.where(np.isfinite(distances), distances, np.nan)
        found = np.column_stack([self.totals, known])
        stderr = np.full(3, np.nan)
        if len(found) > 1:
            sums = np.concatenate(list(resampled_sums(found, n_resamples, rng)))
            with np.errstate(divide="ignore", invalid="ignore"):
                stderr = np.array(
                    [
                        spread_of(1 - sums[:, 0] / sums[:, 1]),
                        spread_of(sums[:, 0] / sums[:, 2]),
                        spread_of(sums[:, 3] / len(found)),
                    ]
                )
        numbers = self.explained, self.mean_squared_error, float(distances.mean())
        names = ("explained", "mean_squared_error", "log_spectral_distance")
        result: dict[str, float] = {}
        for name, number, error in zip(names, numbers, stderr.tolist(), strict=True):
            result |= {name: number, f"{name}_stderr": error}
        return result


def squared_errors(a: FloatArray, b: FloatArray, hidden: BoolArray | None) -> FloatArray:
    """Return numbers of each pair over all pixels.

    Parameters
    ----------
    a, b : ndarray of float64, shape (n, *shape, channels)
        Originals and reconstructions.
    hidden : ndarray of bool, shape (n, *shape), or None
        Pixels that count; None takes all.

    Returns
    -------
    ndarray, shape (n, 3)
        Squared error, squared distance of the original from its own mean, and count of numbers.
    """
    axes = tuple(range(1, a.ndim - 1))
    error, apart = np.square(b - a), np.square(a - a.mean(axis=axes, keepdims=True))
    count = np.full(len(a), float(math.prod(a.shape[1:])))
    if hidden is not None:
        scored = hidden[..., np.newaxis]
        error, apart = error * scored, apart * scored
        count = a.shape[-1] * hidden.reshape(len(a), -1).sum(axis=1).astype(np.float64)
    totals = (one.reshape(len(a), -1).sum(axis=1) for one in (error, apart))
    return np.column_stack([*totals, count])


def _explained(error: float, variance: float) -> float:
    return float(1 - error / variance) if variance > 0 else math.nan
