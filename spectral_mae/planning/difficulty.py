"""Which mask ratio of a reference is as hard."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from spectral_mae._checks import FloatArray

Beyond = Literal["", "easier", "harder"]


@dataclass(frozen=True)
class Difficulty:
    """The mask ratio of a reference at which hidden pixels are explained as well.

    Attributes
    ----------
    mask_ratio : float
        Mask ratio of the reference; at its ends where the setting is beyond them.
    low, high : float
        The same where the explained power is larger or smaller by one standard error.
    beyond : {"", "easier", "harder"}
        Whether the setting is easier or harder than the reference at any mask ratio.
    """

    mask_ratio: float
    low: float
    high: float
    beyond: Beyond

    @property
    def text(self) -> str:
        """The mask ratio with its range, for people."""
        if math.isnan(self.mask_ratio):
            return "–"
        if self.beyond == "easier":
            return f"easier than any (below {self.mask_ratio:.2f})"
        if self.beyond == "harder":
            return f"harder than any (above {self.mask_ratio:.2f})"
        if math.isnan(self.low):
            return f"{self.mask_ratio:.2f}"
        return f"{self.mask_ratio:.2f} ({self.low:.2f}–{self.high:.2f})"

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name.

        Returns
        -------
        dict
            Values that ``json.dumps`` takes.
        """
        return dict(vars(self))


NONE = Difficulty(math.nan, math.nan, math.nan, "")


def equal_ratio(ratios: FloatArray, explained: FloatArray, wanted: float) -> tuple[float, Beyond]:
    """Return the mask ratio at which a curve of explained power takes a value.

    The curve is linear between its points. Where it rises with the mask ratio, its smallest value
    so far counts.

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
        The ratio, or that of the nearest end.
    beyond : {"", "easier", "harder"}
        On which side of the curve the value lies.

    Examples
    --------
    >>> equal_ratio(np.array([0.5, 0.75]), np.array([0.8, 0.6]), 0.7)
    (0.625, '')
    >>> equal_ratio(np.array([0.5, 0.75]), np.array([0.8, 0.6]), 0.5)
    (0.75, 'harder')
    """
    falling = np.minimum.accumulate(explained)
    if wanted > falling[0]:
        return float(ratios[0]), "easier"
    if wanted < falling[-1]:
        return float(ratios[-1]), "harder"
    return float(np.interp(-wanted, -falling, ratios)), ""
