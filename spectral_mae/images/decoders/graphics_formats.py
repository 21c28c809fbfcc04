"""Formats of graphics programs that Pillow reads, with what its pixels do not say.

DDS (textures), ICO (icons) and PSD (Photoshop), of 8-bit channels or fewer.
"""

from __future__ import annotations

import struct

import numpy as np

from spectral_mae.images.decoders.bit_fields import fields
from spectral_mae.images.decoders.pillow import by_pillow, opened, raster
from spectral_mae.images.samples import ImageRefused, Raster, check_size

_RGB, _ALPHA = 0x40, 0x1  # flags of a DDS's pixels
_HALF_FLOATS = (94, 95, 96)  # BC6H, of DXGI's numbers of formats
_PSD_MODES = {0: "bitmap", 1: "gray", 2: "indexed", 3: "RGB", 4: "CMYK", 8: "duotone"}
_dds, _ico = by_pillow("DDS"), by_pillow("ICO")


def read_dds(data: bytes, max_pixels: int, notes: list[str]) -> Raster:
    """Read the largest picture of a DDS file; colours stored as bit fields exactly.

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
        If pixels are missing, or of a kind that is not read.
    Exception
        Any error of Pillow on damaged bytes.
    """
    if len(data) < 128:
        raise ImageRefused("damaged DDS: truncated in its header")
    height, width = struct.unpack_from("<2I", data, 12)
    flags, code, bits, *masks = struct.unpack_from("<I4s5I", data, 80)
    if (
        code == b"DX10"
        and len(data) >= 132
        and struct.unpack_from("<I", data, 128)[0] in _HALF_FLOATS
    ):
        raise ImageRefused("DDS of half floats (BC6H), not read here: convert it to TIFF")
    if not flags & _RGB or bits not in (16, 24, 32):
        return _dds(data, max_pixels, notes)
    check_size(height, width, max_pixels)
    unit = bits // 8
    if len(data) < 128 + height * width * unit or not height * width:
        raise ImageRefused(f"damaged DDS: truncated, {len(data)} bytes for {height}x{width} pixels")
    samples = np.frombuffer(data, np.uint8, height * width * unit, 128)
    whole = samples.reshape(height, width, unit)
    if unit == 3:
        whole = np.concatenate([whole, np.zeros((height, width, 1), np.uint8)], axis=-1)
    pixels = whole.view("<u2" if unit == 2 else "<u4")[..., 0]
    limit = 2**bits - 1
    opacity = masks[3] if flags & _ALPHA else 0
    return fields(pixels, tuple(m & limit for m in (*masks[:3], opacity)), "DDS", notes)


def read_icon(data: bytes, max_pixels: int, notes: list[str]) -> Raster:
    """Read the largest picture of an ICO file.

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
        If pixels are missing, or of a kind that is not read.
    Exception
        Any error of Pillow on damaged bytes.
    """
    pictures = int.from_bytes(data[4:6], "little")
    if pictures > 1:
        notes.append(f"largest of {pictures} pictures")
    return _ico(data, max_pixels, notes)


def read_psd(data: bytes, max_pixels: int, notes: list[str]) -> Raster:
    """Read the merged picture that a PSD file holds of all its layers.

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
        If pixels are missing, or of a kind that is not read.
    Exception
        Any error of Pillow on damaged bytes.
    """
    if len(data) < 26:
        raise ImageRefused("damaged PSD: truncated in its header")
    version, height, width, bits, mode = struct.unpack_from(">H8xIIHH", data, 4)
    check_size(height, width, max_pixels)
    if version != 1 or bits > 8 or mode not in _PSD_MODES:
        kind = _PSD_MODES.get(mode, "other colours")
        large = "large document (PSB), " * (version == 2)
        raise ImageRefused(
            f"PSD of {large}{bits}-bit {kind}, not read here: save it as PNG or TIFF"
        )
    image = opened(data, "PSD")
    image.load()
    if image.mode != "RGBA":
        return raster(image, notes)
    # Photoshop stores the picture on white already: to use its opacity once more would be wrong
    notes.append("opacity not used: the stored picture is on white")
    return Raster.integers(np.asarray(image)[..., :3])
