"""Which mask ratio of a reference is as hard, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from spectral_mae._checks import FloatArray

Beyond = Literal["", "easier", "harder"]
Bound = Literal["", "<", ">"]
LEVEL = 0.95  # of the intervals


@dataclass(frozen=True)
class Difficulty:
    """The mask ratio at which hidden pixels are explained as well, with its interval.

    Ratios are known between the ends of a curve. Where a bound is at an end, the true one may lie
    beyond it.

    Attributes
    ----------
    mask_ratio : float
        The mask ratio; an end of the curve where it lies beyond.
    low, high : float
        Interval of 95 %, over bootstrap samples of the images and the error of the reference. NaN
        where nothing is known of it.
    beyond : {"", "easier", "harder"}
        Whether the setting is easier or harder than the curve at any mask ratio.
    first, last : float
        Ends of the curve.

    Examples
    --------
    >>> Difficulty(0.57, 0.4, 0.7, "", 0.1, 0.97).text
    '0.57 (0.40–0.70)'
    >>> Difficulty(0.1, 0.1, 0.31, "easier", 0.1, 0.97).text
    '<0.10 (<0.10–0.31)'
    """

    mask_ratio: float
    low: float
    high: float
    beyond: Beyond
    first: float
    last: float

    @classmethod
    def of(
        cls,
        mask_ratio: float,
        beyond: Beyond,
        resampled: FloatArray,
        ratios: FloatArray,
    ) -> Self:
        """Return a mask ratio with the interval of its bootstrap samples.

        Parameters
        ----------
        mask_ratio : float
            The ratio.
        beyond : {"", "easier", "harder"}
            As in `equal_ratio`.
        resampled : ndarray, shape (n_resamples,)
            The ratio in each bootstrap sample.
        ratios : ndarray, shape (n,)
            Mask ratios of the curve, ascending.

        Returns
        -------
        Difficulty
            The interval holds the estimate.
        """
        first, last = float(ratios[0]), float(ratios[-1])
        there = resampled[np.isfinite(resampled)]
        if not len(there):
            return cls(mask_ratio, math.nan, math.nan, beyond, first, last)
        tail = (1.0 - LEVEL) / 2
        low, high = np.quantile(there, [tail, 1.0 - tail]).tolist()
        return cls(mask_ratio, min(low, mask_ratio), max(high, mask_ratio), beyond, first, last)

    @property
    def bounds(self) -> dict[str, Bound]:
        """Which of ``mask_ratio``, ``low`` and ``high`` are ends of the curve, not measured.

        ``<`` marks one whose true value is at most the number, ``>`` at least; "" is measured.
        """
        beyond: dict[Beyond, Bound] = {"": "", "easier": "<", "harder": ">"}
        return {
            "mask_ratio": beyond[self.beyond],
            "low": self._end(self.low),
            "high": self._end(self.high),
        }

    def _end(self, bound: float) -> Bound:
        if bound <= self.first:
            return "<"
        return ">" if bound >= self.last else ""

    def than(self, mask_ratio: float) -> Beyond:
        """Tell whether the setting is easier or harder than a mask ratio of the curve.

        Parameters
        ----------
        mask_ratio : float
            Of the curve.

        Returns
        -------
        {"", "easier", "harder"}
            "" where the interval holds the ratio, or is not known: the two cannot be told apart.

        Examples
        --------
        >>> Difficulty(0.66, 0.42, 0.82, "", 0.1, 0.97).than(0.75)
        ''
        >>> Difficulty(0.28, 0.1, 0.59, "", 0.1, 0.97).than(0.75)
        'easier'
        """
        if self.high < mask_ratio:
            return "easier"
        return "harder" if self.low > mask_ratio else ""

    @property
    def text(self) -> str:
        """The mask ratio with its interval, for people; ``<`` and ``>`` are beyond the curve."""
        if math.isnan(self.mask_ratio):
            return "–"
        found = {"easier": f"<{self.first:.2f}", "harder": f">{self.last:.2f}"}.get(
            self.beyond, f"{self.mask_ratio:.2f}"
        )
        if math.isnan(self.low):
            return found
        marks = self.bounds
        low, high = f"{marks['low']}{self.low:.2f}", f"{marks['high']}{self.high:.2f}"
        if self.high <= self.first:  # all of it is beyond an end
            return f"<{self.first:.2f}"
        return f">{self.last:.2f}" if self.low >= self.last else f"{found} ({low}–{high})"

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name.

        Returns
        -------
        dict
            Values that ``json.dumps`` takes.
        """
        return {**vars(self), "bounds": self.bounds}


NONE = Difficulty(math.nan, math.nan, math.nan, "", math.nan, math.nan)


def equal_ratio(ratios: FloatArray, explained: FloatArray, wanted: float) -> tuple[float, Beyond]:
    """Return the mask ratio at which a curve of explained power takes a value.

    Parameters
    ----------
    ratios : ndarray, shape (n,)
        Mask ratios, ascending.
    explained : ndarray, shape (n,)
        Explained power at each.
    wanted : float
        The value.

    Returns
    -------
    mask_ratio : float
        As in `equal_ratios`.
    beyond : {"", "easier", "harder"}
        On which side of the curve the value lies.

    Examples
    --------
    >>> equal_ratio(np.array([0.5, 0.75]), np.array([0.8, 0.6]), 0.7)
    (0.625, '')
    >>> equal_ratio(np.array([0.5, 0.75]), np.array([0.8, 0.6]), 0.5)
    (0.75, 'harder')
    """
    (found,) = equal_ratios(ratios, explained[np.newaxis], np.array([wanted])).tolist()
    if wanted > explained[0]:
        return found, "easier"
    return found, "harder" if wanted < explained.min() else ""


def equal_ratios(ratios: FloatArray, explained: FloatArray, wanted: FloatArray) -> FloatArray:
    """Return the mask ratios at which curves of explained power take values.

    A curve is linear between its points. Where it rises with the mask ratio, its smallest value
    so far counts.

    Parameters
    ----------
    ratios : ndarray, shape (n,)
        Mask ratios, ascending.
    explained : ndarray, shape (n_curves, n)
        Explained power at each.
    wanted : ndarray, shape (n_curves,)
        The value of each curve.

    Returns
    -------
    ndarray, shape (n_curves,)
        The ratio, or that of the nearest end; NaN where a value is.
    """
    falling = np.minimum.accumulate(explained, axis=1)
    # The first point below the value, and the last one that is not.
    below = np.sum(falling >= wanted[:, np.newaxis], axis=1)
    after, before = np.minimum(below, len(ratios) - 1), np.maximum(below - 1, 0)
    rows = np.arange(len(falling))
    high, low = falling[rows, before], falling[rows, after]
    share = np.divide(high - wanted, high - low, out=np.zeros_like(wanted), where=high > low)
    found = ratios[before] + share * (ratios[after] - ratios[before])
    return np.where(np.isfinite(wanted) & np.isfinite(falling).all(axis=1), found, np.nan)
