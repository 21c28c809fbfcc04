"""Columns of the tables of ``analyze``."""

from __future__ import annotations

import math

from spectral_mae._files.column_notes import Notes, integer, number, text
from spectral_mae.batch.analyze.records.record import octave_columns
from spectral_mae.batch.columns.units import (
    DESIGN,
    FREQUENCY,
    HEIGHT,
    PATCH_SIZE,
    PATH,
    POWER,
    WIDTH,
    stderr_of,
)
from spectral_mae.spectra.octaves import OCTAVES

SERIES = text(
    "Which spectrum: original (before masks), expected (exact mean over all masks) or masked (mean "
    "over drawn masks, of the images of --masks-for alone)."
)
MEAN_SERIES = text(
    "Which spectrum: as in spectra.csv, or expected_centred (exact mean over all masks, had the "
    "mean of each image been removed before masking)."
)


def _leakage() -> Notes:
    """Leakage by octave, of the image as it is and with its mean removed."""
    columns = {}
    for name, (low, high) in zip(octave_columns(), OCTAVES * 2, strict=True):
        band = f"from {low:g}" if math.isinf(high) else f"from {low:g} to {high:g}"
        removed = ", had its mean been removed before masking" if "centred" in name else ""
        columns[name] = number(
            f"Leakage at frequencies {band} cycles/pixel: power that masks bring there from other "
            f"frequencies over the power of the image that they keep there{removed}."
        )
    return columns


IMAGES: Notes = {
    "path": PATH,
    "patch_size": PATCH_SIZE,
    "status": text("ok, or failed."),
    "error": text("Why the image failed."),
    "height": HEIGHT,
    "width": WIDTH,
    "design": DESIGN,
    "mask_ratio": number("Mean fraction of the patches that is hidden, over all masks."),
    "missing": number("Fraction of the pixels that are NaN or infinite."),
    "mean": number("Mean of the pixels."),
    "std": number("Standard deviation of the pixels."),
    "slope": number("Slope of the radial spectrum of the original on logarithmic axes."),
    "slope_stderr": stderr_of("slope"),
    "leakage": number(
        "Leakage at all frequencies but zero: power that masks bring from other frequencies over "
        "the power of the image that they keep."
    ),
    "leakage_centred": number("The same, had the mean of the image been removed before masking."),
    **_leakage(),
    "eq18_error": number("Relative error of Eq. 18 by direct sums; rounding leaves about 1e-16."),
    "mask_dft_error": number("Largest relative error of Eqs. 19 and 20 over the drawn masks."),
    "agreement_rms": number("Drawn masks minus exact expectation, root mean square over rings."),
    "agreement_max": number("Drawn masks minus exact expectation, largest over rings."),
    "notes": text("What should be known of this row."),
}
SPECTRA: Notes = {
    "path": PATH,
    "patch_size": PATCH_SIZE,
    "series": SERIES,
    "frequency": FREQUENCY,
    "power": number("Mean power density in the ring.", POWER),
}
MEAN_SPECTRA: Notes = {
    "height": HEIGHT,
    "width": WIDTH,
    "patch_size": PATCH_SIZE,
    "images": integer("Images of this shape in the mean."),
    "series": MEAN_SERIES,
    "frequency": FREQUENCY,
    "power": number("Mean over the images of the power density in the ring.", POWER),
    "std": number("Standard deviation over the images of the power density.", POWER),
}
UNUSUAL: Notes = {
    "path": PATH,
    "patch_size": PATCH_SIZE,
    "unusual": number(
        "Largest distance of the slope, or of log10 of the leakage with the mean removed in an "
        "octave below 1/2 cycle/pixel, from the median over the images, in robust standard "
        "deviations; 99 at most."
    ),
    "filled_in": number(
        "1 - squared error of the best linear model on the hidden pixels / squared distance of "
        "these from the mean of the image, under one mask; absent of images that were not measured."
    ),
}
# Arrays of spectra.npz. All but the first have one number for each image, patch size and ring.
ARRAYS: Notes = {
    "paths": PATH,
    "image": integer("Place of the title of the image in paths, from 0."),
    "patch_size": PATCH_SIZE,
    "frequency": FREQUENCY,
    "count": integer("Frequencies of the whole grid in the ring."),
    "original": number("Mean power density in the ring, before masks.", POWER),
    "masked": number("Mean power density over drawn masks; NaN where none were drawn.", POWER),
    "masked_std": number("Standard deviation of masked from mask to mask.", POWER),
    "expected": number("Exact mean of the power density over all masks.", POWER),
    "expected_centred": number(
        "The same, had the mean of the image been removed before masking.", POWER
    ),
}


def tables(table_format: str) -> dict[str, Notes]:
    """Columns of the tables of a run, by the names of the files.

    Parameters
    ----------
    table_format : {"csv", "parquet"}
        Format of the spectra; images and mean spectra are CSV in both.

    Returns
    -------
    dict
        A description of each column.
    """
    found = {
        "images.csv": IMAGES,
        "mean_spectra.csv": MEAN_SPECTRA,
        "unusual.csv": UNUSUAL,
        "spectra.npz": ARRAYS,
    }
    if table_format == "csv":
        return {**found, "spectra.csv": SPECTRA}
    parquet = {"images": IMAGES, "spectra": SPECTRA, "mean_spectra": MEAN_SPECTRA}
    return {**found, **{f"{name}.parquet": notes for name, notes in parquet.items()}}
