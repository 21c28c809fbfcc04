"""Predicted and measured errors of settings, and how far they rank the settings alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike

from spectral_mae._checks import FloatArray
from spectral_mae.planning.error_sums import ErrorSums

N_RESAMPLES = 2000
LEVEL = 0.95


class Correlation(NamedTuple):
    """Spearman's rank correlation, and the interval that resampled settings give."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.2f} ({self.low:+.2f} to {self.high:+.2f})".replace("-", "−")


def rank_correlation(predicted: ArrayLike, found: ArrayLike, rng: int = 0) -> Correlation:
    """Spearman's rank correlation over settings, with a percentile bootstrap over settings.

    Draws in which either does not vary have no correlation and are left out.

    Raises
    ------
    ValueError
        If there are fewer than three settings, or a value is not finite.
    """
    pairs = np.column_stack([np.asarray(predicted, float), np.asarray(found, float)])
    if len(pairs) < 3 or not np.isfinite(pairs).all():
        raise ValueError(f"no rank correlation of {pairs.tolist()}")
    generator = np.random.default_rng(rng)
    draws = generator.integers(len(pairs), size=(N_RESAMPLES, len(pairs)))
    tail = 50 * (1 - LEVEL)
    low, high = np.nanpercentile(_spearman(pairs[draws]), [tail, 100 - tail])
    return Correlation(float(_spearman(pairs)), float(low), float(high))


def _spearman(pairs: FloatArray) -> FloatArray:
    """Of the last two axes, (n, 2); NaN where a column does not vary."""
    ranks = scipy.stats.rankdata(pairs, axis=-2)
    ranks -= ranks.mean(axis=-2, keepdims=True)
    scale = np.sqrt(np.prod(np.sum(ranks**2, axis=-2), axis=-1))
    product = np.sum(np.prod(ranks, axis=-1), axis=-1)
    return np.divide(product, scale, out=np.full_like(scale, np.nan), where=scale > 0)


@dataclass(frozen=True)
class Setting:
    """What was predicted and measured of a setting.

    Attributes
    ----------
    data : str
        Set of images.
    patch_size : int
    design : str
        Text of the design of the masks.
    hidden : float
        Mean fraction of the patches that is hidden.
    predicted : ErrorSums
        Of the plan, under drawn masks.
    measured : list of ErrorSums
        Of the trained models, one for each seed.
    rows : list of dict
        What else was measured of them.
    """

    data: str
    patch_size: int
    design: str
    hidden: float
    predicted: ErrorSums
    measured: list[ErrorSums]
    rows: list[dict[str, Any]]

    @property
    def predicted_error(self) -> FloatArray:
        """Predicted squared error over power, in all and by octave."""
        return 1 - self.predicted.explained

    @property
    def error(self) -> FloatArray:
        """The same as measured, the mean over seeds."""
        return 1 - np.mean([one.explained for one in self.measured], axis=0)

    @property
    def accuracy(self) -> float:
        """Of the probe, the mean over seeds."""
        return float(np.mean([row["accuracy"] for row in self.rows]))

    @property
    def spread_of_error(self) -> float:
        """Half the range over seeds."""
        return float(np.ptp([one.explained[0] for one in self.measured])) / 2

    @property
    def spread_of_accuracy(self) -> float:
        """Half the range over seeds."""
        return float(np.ptp([row["accuracy"] for row in self.rows])) / 2


@dataclass(frozen=True)
class Comparison:
    """Settings of one set of images, at least three."""

    settings: Sequence[Setting]

    @property
    def data(self) -> str:
        """Name of the set of images."""
        return self.settings[0].data

    @cached_property
    def errors(self) -> list[Correlation]:
        """Of predicted and measured errors, in all and in each octave that has power."""
        predicted = np.array([one.predicted_error for one in self.settings])
        found = np.array([one.error for one in self.settings])
        power = np.sum([one.predicted.power for one in self.settings], axis=0)
        return [
            rank_correlation(predicted[:, i], found[:, i])
            for i in range(len(power))
            if power[i] > 0
        ]

    @cached_property
    def probe(self) -> Correlation:
        """Of predicted errors and accuracies of probes."""
        predicted = [one.predicted_error[0] for one in self.settings]
        return rank_correlation(predicted, [one.accuracy for one in self.settings])

    def probe_at(self, patch_size: int) -> Correlation | None:
        """The same over settings of one patch size; None of fewer than three."""
        mine = [one for one in self.settings if one.patch_size == patch_size]
        return Comparison(mine).probe if len(mine) > 2 else None

    def designs_alike(self, least: float = 0.0) -> tuple[int, int]:
        """Count pairs of designs that prediction and measurement rank alike, and all pairs.

        Only settings with the same patch size and the same fraction hidden are paired, so that
        nothing but the design differs.

        Parameters
        ----------
        least : float
            Leave out pairs whose measured errors differ by no more than this.
        """
        alike = total = 0
        for one, other in combinations(self.settings, 2):
            same = one.patch_size == other.patch_size and abs(one.hidden - other.hidden) < 0.01
            difference = one.error[0] - other.error[0]
            if same and abs(difference) > least:
                total += 1
                alike += difference * (one.predicted_error[0] - other.predicted_error[0]) > 0
        return int(alike), total

    @property
    def spread_of_error(self) -> float:
        """Root mean square of half the range over seeds, over settings that have several."""
        found = [one.spread_of_error for one in self.settings if len(one.rows) > 1]
        return float(np.sqrt(np.mean(np.square(found)))) if found else 0.0
