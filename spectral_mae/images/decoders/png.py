"""PNG: what Pillow reads, and 16-bit colours exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile

from spectral_mae.images.decoders.pillow import opened, orientation, raster, verified
from spectral_mae.images.samples import Raster

_GRAY, _COLOUR, _GRAY_ALPHA, _COLOUR_ALPHA = 0, 2, 4, 6


def read_png(data: bytes, max_pixels: int, notes: list[str]) -> Raster:
    """A PNG, upright; of an animation its first frame.

    Parameters
    ----------
    data : bytes
        The whole file.
    max_pixels : int
        Larger images are refused before they are decoded.
    notes : list of str
        Receives what was done that changes what a spectrum means.

    Returns
    -------
    Raster
        The samples and their meaning.

    Raises
    ------
    ImageRefused
        If it has no pixels, or too many.
    Exception
        Whatever Pillow raises on damaged bytes.
    """
    verified(data, "PNG", max_pixels, notes)
    depth, kind = data[24:26]  # of the header, which is the first chunk
    image = opened(data, "PNG")
    if depth == 16:
        image, samples = _deep(data, kind)
        alpha = kind in (_GRAY_ALPHA, _COLOUR_ALPHA)
        whole = Raster.integers(samples, 16, alpha="straight" if alpha else None)
    else:
        image.load()
        whole = raster(image, notes)
    if kind in (_GRAY, _COLOUR) and (key := image.info.get("transparency")) is not None:
        whole = replace(whole, transparent=_key(key, depth))
    return whole.turned(orientation(image, notes))


def _deep(data: bytes, kind: int) -> tuple[ImageFile.ImageFile, NDArray[Any]]:
    """Samples of 16 bits; Pillow has no such colours, but takes either byte of each if told to."""
    if kind == _GRAY:
        image = _as(data, "I;16B")
        return image, np.asarray(image)
    if kind == _GRAY_ALPHA:  # four bytes a pixel, as red, green, blue and alpha are
        image = _as(data, "RGBA")
        return image, np.asarray(image).view(">u2")
    colours = "RGB" if kind == _COLOUR else "RGBA"
    image = _as(data, f"{colours};16B")
    high, low = np.asarray(image), np.asarray(_as(data, f"{colours};16L"))
    return image, high.astype(np.uint16) << 8 | low


def _as(data: bytes, rawmode: str) -> ImageFile.ImageFile:
    """Decoded, with its samples taken for those of another arrangement of as many bits."""
    image = opened(data, "PNG")
    image.tile = [tile._replace(args=rawmode) for tile in image.tile]
    image.load()
    return image


def _key(key: int | tuple[int, ...], depth: int) -> tuple[int, ...]:
    """The samples that stand for transparent; of fewer than 8 bits scaled to 8, as Pillow reads."""
    used = 2**depth - 1  # the chunk has 16 bits for each, of which only so many count
    if depth == 1:
        return (bool(key),)
    samples = (key,) if isinstance(key, int) else tuple(key)
    return tuple((sample & used) * (255 // used if depth < 8 else 1) for sample in samples)
