"""What the best linear masked autoencoder fills in of the images, in numbers and in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spectral_mae._checks import FloatArray

DRAWS = 2000  # bootstrap samples
NEAR = 0.05  # of all power; closer to copying than that is called copying
SPREAD = (10, 90)  # percentiles over images


@dataclass(frozen=True, eq=False)
class Filled:
    """How well a model fills in the hidden patches of some images, each under one mask.

    Attributes
    ----------
    rows : tuple of int
        The images, as rows of the numbers of the run.
    error, hidden, power : ndarray, shape (n,)
        Squared error on the hidden pixels of each, their squared distance from the mean of all
        images, and that of all its pixels.

    Examples
    --------
    >>> found = Filled((0, 1), np.array([1.0, 9.0]), np.array([10.0, 10.0]), np.array([15.0, 15.0]))
    >>> found.fractions.round(2), found.pooled, round(found.put_back, 2)
    (array([0.9, 0.1]), 0.5, 0.67)
    """

    rows: tuple[int, ...]
    error: FloatArray
    hidden: FloatArray
    power: FloatArray

    @cached_property
    def fractions(self) -> FloatArray:
        """Part of the power of hidden pixels that is filled in, of each image; NaN without any."""
        return 1 - self.error / np.where(self.hidden > 0, self.hidden, np.nan)

    @property
    def pooled(self) -> float:
        """The same of all images together, each with the weight of its power."""
        return float(1 - self.error.sum() / self.hidden.sum())

    @property
    def put_back(self) -> float:
        """Part of the power of all pixels, once the visible ones are put back."""
        return float(1 - self.error.sum() / self.power.sum())

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """95 % confidence interval of `pooled`: percentile bootstrap over images, at least five."""
        n = len(self.rows)
        if n < 5:
            return None
        drawn = np.random.default_rng(0).integers(0, n, (DRAWS, n))
        pooled = 1 - self.error[drawn].sum(axis=1) / self.hidden[drawn].sum(axis=1)
        low, high = np.percentile(pooled, (2.5, 97.5)).tolist()
        return low, high

    @property
    def spread(self) -> tuple[float, float, float]:
        """Median over the images, and the percentiles `SPREAD`."""
        low, middle, high = np.nanpercentile(self.fractions, (SPREAD[0], 50, SPREAD[1])).tolist()
        return middle, low, high


@dataclass(frozen=True, eq=False)
class Explained:
    """What the best linear masked autoencoder explains of the images.

    Attributes
    ----------
    all : float
        Fraction of the power of all pixels about the mean.
    visible : float
        What copying the visible pixels explains of all: the fraction of patches that is kept.
    hidden : float or None
        Fraction of that of hidden pixels, of the model that is best on these, on average over all
        masks and all shifts of the images; None where it has no closed form.
    frequency, curve : ndarray
        Fraction that the first model explains at each frequency in cycles/pixel.
    filled : Filled or None
        What the model for hidden pixels fills in of single images.
    """

    all: float
    visible: float
    hidden: float | None
    frequency: FloatArray
    curve: FloatArray
    filled: Filled | None = None

    def sentence(self, patch_size: int) -> str:
        """What a model fills in, for the top of the page."""
        start = (
            f"From the visible {patch_size}-pixel patches, the best linear model for these images "
        )
        if self.filled is None:
            part = self.all if self.hidden is None else self.hidden
            of = "all power about the mean" if self.hidden is None else "the power of hidden pixels"
            return f"{start}recovers {_percent(part)} of {of}. {self.finding}"
        found = self.filled
        text = f"{start}fills in {_percent(found.pooled)} of the power of the hidden pixels"
        if found.interval is not None:
            low, high = found.interval
            middle, lower, upper = found.spread
            text += (
                f" of all images together (95 % interval {_percent(low)} to {_percent(high)}); "
                f"of single images {_percent(middle)} (median; {_percent(lower)} to "
                f"{_percent(upper)} for the middle {SPREAD[1] - SPREAD[0]} % of them)"
            )
        return f"{text}. {self.finding}"

    @property
    def finding(self) -> str:
        """Where in frequency the model does better than copying, as far as the curve says so."""
        there = np.isfinite(self.curve) & (self.frequency > 0)
        at, part = self.frequency[there], self.curve[there]
        if not len(at):
            return ""
        copying = f"copying what is visible ({_percent(self.visible)})"
        above = np.flatnonzero(part > self.visible + NEAR)
        if not len(above):
            return f"At no frequency does it do clearly better than {copying}."
        if above[-1] == len(at) - 1:
            return (
                f"At all frequencies up to the finest it explains more than {copying}: "
                f"{_percent(part[0])} at the coarsest and {_percent(part[-1])} at the finest."
            )
        first = at[above[-1] + 1]
        return (
            f"It recovers coarse shapes ({_percent(part[0])} of the power at the coarsest "
            f"frequency). Of waves shorter than {1 / first:.2g} pixels (frequencies from "
            f"{first:.2g} cycles/pixel) it recovers hardly more than {copying}, at most "
            f"{100 * NEAR:.0f} points: that detail is not filled in."
        )


def _percent(part: float) -> str:
    return f"{100 * part:.0f} %".replace("-", "−")
