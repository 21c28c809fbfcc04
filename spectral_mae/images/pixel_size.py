"""The size of a pixel, in the unit that its file names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

# Spellings of units in files, and how this package writes them.
_SPELLINGS = {
    "m": "m", "metre": "m", "metres": "m", "meter": "m", "meters": "m",
    "cm": "cm", "centimeter": "cm", "centimetre": "cm",
    "mm": "mm", "millimeter": "mm", "millimetre": "mm", "millimeters": "mm",
    "um": "µm", "\N{MICRO SIGN}m": "µm", "\N{GREEK SMALL LETTER MU}m": "µm",
    "\\u00b5m": "µm", "micron": "µm", "microns": "µm", "micrometer": "µm", "micrometre": "µm",
    "micrometers": "µm",
    "nm": "nm", "nanometer": "nm", "nanometre": "nm", "nanometers": "nm",
    "pm": "pm", "angstrom": "Å", "angstroms": "Å",
    "\N{ANGSTROM SIGN}": "Å", "\N{LATIN SMALL LETTER A WITH RING ABOVE}": "Å",
    "km": "km", "kilometer": "km", "kilometre": "km", "kilometers": "km",
    "inch": "inch", "inches": "inch",
    "arcsec": "arcsec", "arcsecond": "arcsec", "arcseconds": "arcsec",
    "arcmin": "arcmin", "rad": "rad", "radian": "rad", "radians": "rad",
    "deg": "degree", "degree": "degree", "degrees": "degree", "degrees_north": "degree",
    "degrees_east": "degree", "degree_north": "degree", "degree_east": "degree",
}  # fmt: skip
_NO_UNITS = frozenset({"", "1", "pixel", "pixels", "px", "none", "unknown", "index"})


def plain_unit(text: str) -> str:
    r"""Return the name of a unit as this package writes it.

    Parameters
    ----------
    text : str
        As a file has it.

    Returns
    -------
    str
        The text itself where the unit is not known; nothing where it is none, such as "pixel".

    Examples
    --------
    >>> plain_unit("micron"), plain_unit("parsec"), plain_unit("pixel")
    ('µm', 'parsec', '')
    """
    text = text.strip().strip("\0").strip()
    if text.lower() in _NO_UNITS:
        return ""
    return _SPELLINGS.get(text.lower(), text)


@dataclass(frozen=True, slots=True)
class PixelSize:
    """How far apart the centres of neighbouring pixels are.

    Attributes
    ----------
    size : tuple of float
        From row to row, and from column to column; positive.
    unit : str
        Unit of length or angle, such as "mm" or "arcsec".
    """

    size: tuple[float, float]
    unit: str

    @classmethod
    def of(cls, size: Sequence[object], unit: str) -> Self | None:
        """The size that a file states, if that makes sense.

        Parameters
        ----------
        size : sequence of number
            From row to row and from column to column. Signs, which say in which direction
            coordinates rise, are dropped.
        unit : str
            The unit as the file has it.

        Returns
        -------
        PixelSize or None
            None where a number is zero or not finite, or there is no unit.

        Examples
        --------
        >>> PixelSize.of((0.5, -0.25), "millimeter")
        PixelSize(size=(0.5, 0.25), unit='mm')
        >>> PixelSize.of((0.0, 1.0), "mm") is None
        True
        """
        try:
            rows, columns = (abs(float(value)) for value in size)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return None
        name = plain_unit(unit)
        if not name or not all(math.isfinite(value) and value > 0 for value in (rows, columns)):
            return None
        return cls((rows, columns), name)

    def transposed(self) -> PixelSize:
        """The size of the pixels of the image whose rows and columns are swapped.

        Returns
        -------
        PixelSize
            With the numbers swapped.
        """
        return PixelSize(self.size[::-1], self.unit)

    def times(self, rows: float, columns: float) -> PixelSize:
        """The size of pixels so many times as large.

        Parameters
        ----------
        rows, columns : float
            Factor along each axis.

        Returns
        -------
        PixelSize
            In the same unit.
        """
        return PixelSize((self.size[0] * rows, self.size[1] * columns), self.unit)
