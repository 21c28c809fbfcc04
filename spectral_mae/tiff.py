"""TIFF as Pillow reads it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps, TiffImagePlugin

from spectral_mae.pillow_reader import opened, raster, verified
from spectral_mae.samples import ImageRefused, Raster


@dataclass(frozen=True, slots=True)
class _Header:
    """What the file says of its samples and the decoded image does not."""

    bits: int
    signed: bool = False
    white_is_zero: bool = False


def read_tiff(data: bytes, max_pixels: int, notes: list[str]) -> Raster:
    """The first page of a TIFF, upright."""
    verified(data, "TIFF", max_pixels, notes)
    header = _tiff_header(opened(data, "TIFF"))  # type: ignore[arg-type]
    image = _upright(opened(data, "TIFF"), notes)
    if header.bits > 8 and not image.mode.startswith(("I", "F")):
        notes.append(f"{header.bits} bits per channel, of which Pillow reads 8")
    if image.mode == "F":
        return Raster.floats(np.asarray(image))
    if image.mode in ("1", "L", "RGB", "I", "I;16", "I;16B"):
        return _integers(image, header)
    return raster(image, notes)


def _tiff_header(image: TiffImagePlugin.TiffImageFile) -> _Header:
    tags = image.tag_v2
    bits = max(tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,)))
    planes = tags.get(TiffImagePlugin.PLANAR_CONFIGURATION, 1) == 2
    if planes and bits > 8 and image.tile[0].codec_name == "raw":
        # Pillow takes every byte of such a file for a sample
        raise ImageRefused(f"uncompressed TIFF of {bits}-bit channels in separate planes")
    return _Header(
        bits=bits,
        signed=2 in tags.get(TiffImagePlugin.SAMPLEFORMAT, (1,)),
        white_is_zero=tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0,
    )


def _upright(image: ImageFile.ImageFile, notes: list[str]) -> Image.Image:
    image.tile = [_native_order(tile) for tile in image.tile]
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - damaged EXIF can raise anything; the pixels are whole
        notes.append("damaged EXIF data: orientation unknown")
        return image
    if orientation not in range(2, 9):
        return image
    notes.append(f"turned upright by EXIF orientation {orientation}")
    return ImageOps.exif_transpose(image)


def _native_order(tile: ImageFile._Tile) -> ImageFile._Tile:
    # libtiff has swapped the bytes already when Pillow swaps those of these three kinds again
    native = {"I;16BS": "I;16NS", "I;32BS": "I;32NS", "F;32BF": "F;32NF"}
    if tile.codec_name != "libtiff" or not isinstance(tile.args, tuple):
        return tile
    rawmode, *others = tile.args
    return tile._replace(args=(native.get(rawmode, rawmode), *others))


def _integers(image: Image.Image, header: _Header) -> Raster:
    bits = {"1": 1, "L": 8, "RGB": 8}.get(image.mode, header.bits)
    kind = "i" if header.signed else "u"
    # the cast takes back the type that Pillow's mode has not: int8 in L, uint32 in I
    samples = np.asarray(image).astype(f"{kind}{1 if bits <= 8 else 2 if bits <= 16 else 4}")
    turned = header.white_is_zero and image.mode.startswith("I")  # Pillow turns the 8-bit ones
    return Raster.integers(samples, bits, signed=header.signed, white_is_zero=turned)
