"""The size of a TIFF's pixels: by OME, by ImageJ, or by the tags of resolution."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from spectral_mae.images.pixel_size import PixelSize

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

_X, _Y, _UNIT = 282, 283, 296  # tags of resolution
_MILLIMETRES = {2: 25.4, 3: 10.0}  # in an inch, in a centimetre
_LONGEST = 2**24  # characters of an OME description that are parsed


def pixel_size_of(file: TiffFile, page: TiffPage) -> PixelSize | None:
    """The size of the pixels of a page.

    Parameters
    ----------
    file : tifffile.TiffFile
        The file.
    page : tifffile.TiffPage
        The page.

    Returns
    -------
    PixelSize or None
        None where the file states none with a unit: resolution without a unit is a ratio.
    """
    if file.is_ome:
        return _by_ome(file.ome_metadata)
    steps = [1 / rate if rate else 0.0 for rate in (_rate(page, _Y), _rate(page, _X))]
    if file.is_imagej and file.imagej_metadata and (unit := file.imagej_metadata.get("unit")):
        return PixelSize.of(steps, str(unit))
    factor = _MILLIMETRES.get(page.tags.valueof(_UNIT, 1))
    return None if factor is None else PixelSize.of([step * factor for step in steps], "mm")


def _rate(page: TiffPage, tag: int) -> float | None:
    """Pixels in a unit of length."""
    value = page.tags.valueof(tag)
    if not isinstance(value, tuple) or len(value) != 2 or not value[1]:
        return None
    return float(value[0]) / float(value[1])


def _by_ome(description: str | None) -> PixelSize | None:
    """What the first image of an OME description says; its unit is µm unless it names another."""
    if not description or len(description) > _LONGEST or "<!ENTITY" in description:
        return None
    try:
        root = ET.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", description))
    except ET.ParseError:
        return None
    for element in root.iter():
        if element.tag.rpartition("}")[2] == "Pixels":
            size = [element.get(f"PhysicalSize{axis}", 0) for axis in "YX"]
            units = {element.get(f"PhysicalSize{axis}Unit", "µm") for axis in "YX"}
            return PixelSize.of(size, units.pop()) if len(units) == 1 else None
    return None
