"""Numbers with their standard errors."""

from __future__ import annotations

from dataclasses import dataclass

from spectral_mae._checks import FloatArray


@dataclass(frozen=True, eq=False)
class Estimate:
    """Numbers with their standard errors over images.

    Attributes
    ----------
    value : ndarray
        The numbers.
    stderr : ndarray
        Standard deviation of the numbers over bootstrap samples of the images.
    """

    value: FloatArray
    stderr: FloatArray
