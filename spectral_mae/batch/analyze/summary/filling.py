"""What the best linear masked autoencoder fills in of the images, in numbers and in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.batch.analyze.summary.rounding import percent, significant

DRAWS = 2000  # bootstrap samples
NEAR = 0.05  # of all power; closer to copying than that is called copying
LAST = 1.1  # of two frequencies: closer to the highest than that are the last few rings
MOST = 0.5  # of the power of a frequency, from which on it is called recovered
SPREAD = (10, 90)  # percentiles over images


@dataclass(frozen=True, eq=False)
class Filled:
    """How well a model fills in the hidden patches of some images, each under one mask.

    Attributes
    ----------
    rows : tuple of int
        The images, as rows of the numbers of the run.
    error : ndarray, shape (n,)
        Squared error on the hidden pixels of each.
    detail : ndarray, shape (n,)
        Squared distance of its hidden pixels from the mean gray of the image itself.
    hidden, power : ndarray, shape (n,)
        Squared distance of its hidden pixels, and of all its pixels, from the mean of all images.

    Examples
    --------
    >>> error, detail = np.array([1.0, 9.0]), np.array([5.0, 10.0])
    >>> found = Filled((0, 1), error, detail, np.array([10.0, 10.0]), np.array([15.0, 15.0]))
    >>> found.fractions.round(2), round(found.pooled, 2), found.with_brightness
    (array([0.8, 0.1]), 0.33, 0.5)
    >>> round(found.put_back, 2)
    0.67
    """

    rows: tuple[int, ...]
    error: FloatArray
    detail: FloatArray
    hidden: FloatArray
    power: FloatArray

    @cached_property
    def fractions(self) -> FloatArray:
        """Part of the detail of hidden pixels that is filled in, of each image; NaN without any."""
        return 1 - self.error / np.where(self.detail > 0, self.detail, np.nan)

    @property
    def pooled(self) -> float:
        """The same of all images together, each with the weight of its detail."""
        return float(1 - self.error.sum() / self.detail.sum())

    @property
    def with_brightness(self) -> float:
        """As `pooled`, but of distances from the mean of all images, so that brightness counts."""
        return float(1 - self.error.sum() / self.hidden.sum())

    @property
    def put_back(self) -> float:
        """As `with_brightness`, of all pixels, once the visible ones are put back."""
        return float(1 - self.error.sum() / self.power.sum())

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """95 % confidence interval of `pooled`: percentile bootstrap over images, at least five."""
        n = len(self.rows)
        if n < 5:
            return None
        drawn = np.random.default_rng(0).integers(0, n, (DRAWS, n))
        pooled = 1 - self.error[drawn].sum(axis=1) / self.detail[drawn].sum(axis=1)
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

    def sentence(self, patch_size: int, *, first: bool = True) -> str:
        """What a model fills in, for the top of the page, where `finding` follows it.

        The first of several says what the words mean.
        """
        alone = self.filled is not None and len(self.filled.rows) == 1
        start = (
            f"From the visible {patch_size}-pixel patches the best linear model for "
            f"{'this image' if alone else 'these images'} "
            f"{'(one matrix that makes the image from what is visible) ' if first else ''}"
        )
        if self.filled is None:
            part = self.all if self.hidden is None else self.hidden
            of = "all pixels" if self.hidden is None else "hidden pixels"
            return (
                f"{start}gets {percent(part)} of the squared differences of {of} from the mean of "
                f"all images right."
            )
        found = self.filled
        text = f"{start}fills in {percent(found.pooled)} of the hidden detail"
        if found.interval is not None:
            low, high = found.interval
            middle, lower, upper = found.spread
            text += (
                f" of all images together ({percent(low)} to {percent(high)} with 95 % confidence)"
                f", and {percent(middle)} of that of the median image (middle "
                f"{SPREAD[1] - SPREAD[0]} % of the images: {percent(lower)} to {percent(upper)})"
            )
        if alone:
            meaning = " Detail is how hidden pixels differ from the mean gray, squared and summed."
            return f"{text}.{meaning if first else ''}"
        if not first:
            return f"{text} ({percent(found.with_brightness)} with guessing the brightness)."
        return (
            f"{text}. Detail is how hidden pixels differ from the mean gray of their own image, "
            "squared and summed. Counted from the mean of all images, which also credits guessing "
            f"how bright an image is, it is {percent(found.with_brightness)}."
        )

    @property
    def finding(self) -> str:
        """Where in frequency the model does better than copying, as far as the curve says so."""
        there = np.isfinite(self.curve) & (self.frequency > 0)
        at, part = self.frequency[there], self.curve[there]
        if not len(at):
            return ""
        copying = f"copying the visible patches gives ({percent(self.visible)})"
        above = np.flatnonzero(part > self.visible + NEAR)
        if not len(above):
            return f"{_BY_FREQUENCY}at no frequency does it explain clearly more than {copying}."
        copied = np.flatnonzero(part <= self.visible)
        return f"{_BY_FREQUENCY}{_coarse(at, part)}. {_fine(at, above, copied, copying)}"


_BY_FREQUENCY = "By frequency, and of all pixels, visible ones too, "


def _coarse(at: FloatArray, part: FloatArray) -> str:
    """Down to which wave more than half is explained of each frequency."""
    below = np.flatnonzero(part <= MOST)
    if not len(below):
        return f"it explains more than half of the power of waves of every length ({_ends(part)})"
    if below[0] == 0:
        return (
            f"it explains no more than half of the power even of the longest waves ({_ends(part)})"
        )
    last = below[0] - 1
    if last == 0:
        return (
            "it explains more than half of the power of the longest waves alone, those as long as "
            f"the image ({percent(part[0])} of theirs)"
        )
    return (
        f"it explains more than half of the power of waves of {significant(1 / at[last], 2)} "
        f"pixels and longer ({percent(part[0])} of the longest)"
    )


def _ends(part: FloatArray) -> str:
    return f"{percent(part[0])} of the longest, {percent(part[-1])} of the shortest"


def _fine(at: FloatArray, above: NDArray[np.intp], copied: NDArray[np.intp], copying: str) -> str:
    """From which wave on hardly more than by copying is explained."""
    last = above[-1] == len(at) - 1
    first = at[-1] if last else at[above[-1] + 1]
    if at[-1] < LAST * first:
        down = f"Down to {'' if last else 'nearly '}the shortest waves"
        if len(copied) and copied[0] < above[-1]:
            return f"{down} there are some of which it explains more than {copying}, and others."
        return f"{down} it explains more than {copying}."
    return (
        f"Of waves shorter than {significant(1 / first, 2)} pixels (frequencies from "
        f"{significant(first, 2)} cycles/pixel) it explains hardly more than {copying}, at most "
        f"{100 * NEAR:.0f} percentage points: that detail is not filled in."
    )


def filled_parts(explained: Mapping[int, Explained]) -> dict[int, float]:
    """Part of the hidden detail that a model fills in, by row, of all patch sizes.

    Parameters
    ----------
    explained : mapping of int to Explained
        By patch size.

    Returns
    -------
    dict of float
        Of the rows of the numbers of the run that were measured.
    """
    return {
        row: part
        for one in explained.values()
        if one.filled is not None
        for row, part in zip(one.filled.rows, one.filled.fractions.tolist(), strict=True)
        if np.isfinite(part)
    }
