"""HEIC and AVIF: pictures in ISO's box format, by pillow-heif and by Pillow or imagecodecs."""

from __future__ import annotations

from io import BytesIO

import numpy as np

from spectral_mae.images.decoders.optional import decoder
from spectral_mae.images.decoders.pillow import by_pillow, opened, orientation, verified
from spectral_mae.images.samples import Alpha, ImageRefused, Raster, check_size

_AVIF_CONFIGURATION = b"av1C"
_by_pillow = by_pillow("AVIF")


def read_heif(data: bytes, max_pixels: int, notes: list[str]) -> Raster:
    """The primary picture of a HEIC file, turned as the file says, with all its bits.

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
        If pillow-heif is not installed.
    Exception
        Whatever it raises on damaged bytes.
    """
    package = decoder("pillow_heif", "HEIC")
    file = package.open_heif(BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=False)
    width, height = file.size
    check_size(height, width, max_pixels)
    if len(file) > 1:
        notes.append(f"primary picture of {len(file)}")
    samples = np.asarray(file)
    channels = file.mode.partition(";")[0]
    alpha: Alpha | None = None
    if channels.endswith(("A", "a")):
        alpha = "straight" if channels.endswith("A") else "associated"
    return Raster.integers(samples, int(file.info["bit_depth"]), alpha=alpha)


def read_avif(data: bytes, max_pixels: int, notes: list[str]) -> Raster:
    """Read an AVIF file, turned as the file says.

    Pillow decodes 8 bits per channel. For files with more, imagecodecs decodes all of them; without
    imagecodecs a note says that bits were lost.

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
        Any error of the decoders on damaged bytes.
    """
    bits = _avif_bits(data)
    if bits == 8:
        return _by_pillow(data, max_pixels, notes)
    try:
        package = decoder("imagecodecs", "AVIF")
    except ImageRefused:
        notes.append(f"{bits} bits per channel, of which Pillow reads 8")
        return _by_pillow(data, max_pixels, notes)
    verified(data, "AVIF", max_pixels, notes)
    samples = package.avif_decode(data, index=0)
    alpha: Alpha | None = "straight" if samples.ndim == 3 and samples.shape[-1] in (2, 4) else None
    turn = orientation(opened(data, "AVIF"), notes)
    return Raster.integers(samples, bits, alpha=alpha).turned(turn)


def _avif_bits(data: bytes) -> int:
    """Bits of a channel, from the configuration of AV1 (AV1-ISOBMFF, section 2.3)."""
    at = data.find(_AVIF_CONFIGURATION, 0, 2**16)
    if at < 0 or at + 6 >= len(data):
        return 8
    flags = data[at + 6]
    return 8 if not flags & 0x40 else 12 if flags & 0x20 else 10
