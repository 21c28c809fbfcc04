"""Columns of the tables of ``psd``."""

from __future__ import annotations

from spectral_mae._files.column_notes import Column, Notes, number, text
from spectral_mae.batch.columns.units import COUNT, PATH

_FREQUENCY = number("Mean distance from zero of the frequencies in the ring.", "frequency_unit")


def _power(description: str) -> Column:
    """Powers, whose unit is in another column of the row."""
    return number(description, "power_unit")


_UNITS: Notes = {
    "frequency_unit": text("Unit of frequency."),
    "power_unit": text("Unit of powers."),
}
PSD: Notes = {
    "series": text(
        "Of one image: original, or expected (exact mean over all masks); of several sets: the "
        "name of the set."
    ),
    "frequency": _FREQUENCY,
    "power": _power("Mean power in the ring; of a set the mean over its images."),
    "count": COUNT,
    "std": _power("Standard deviation in the ring; of a set that over its images."),
    "stderr": _power("Standard error of power."),
    "path": PATH,
    **_UNITS,
}
MASKED_PSD: Notes = {
    "frequency": _FREQUENCY,
    "count": COUNT,
    "naive": _power("Mean power of the masked image over the visible fraction."),
    "unmasked": _power("Estimate of the power of the whole image (--unmask)."),
    "stderr": _power("Standard error of unmasked."),
    "true": _power("Mean power of the whole image, where its hidden pixels are known."),
    "path": PATH,
    **_UNITS,
}
