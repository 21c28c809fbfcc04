"""Units, and columns that several tables have."""

from __future__ import annotations

from spectral_mae._files.column_notes import Column, integer, number, text

# As UDUNITS and pint read them. Pixels are numbers without a unit: 1 is the white of image files.
FREQUENCIES = "1/pixel"
PIXEL = "pixel"
POWER = "pixel^2"  # of densities: squared numbers per (cycle/pixel)²

PATH = text(
    "Title of the image, the key of all tables: the path as it was given or found, with what is "
    "chosen inside the file."
)
PATCH_SIZE = integer("Pixels of a patch along each axis.", PIXEL)
HEIGHT = integer("Rows of the image.", PIXEL)
WIDTH = integer("Columns of the image.", PIXEL)
DESIGN = text("Text of the mask design, as --design takes it.")
FREQUENCY = number("Mean distance from zero of the frequencies in the ring.", FREQUENCIES)
COUNT = integer("Frequencies of the whole grid in the ring.")


def stderr_of(what: str, unit: str = "1") -> Column:
    """The column that holds the standard error of another.

    Examples
    --------
    >>> stderr_of("slope").description
    'Standard error of slope.'
    """
    return number(f"Standard error of {what}.", unit)
