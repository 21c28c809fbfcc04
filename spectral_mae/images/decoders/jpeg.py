"""JPEG: what Pillow reads, and by imagecodecs more bits and what is lossless."""

from __future__ import annotations

from dataclasses import dataclass

from spectral_mae.images.decoders.optional import decoder
from spectral_mae.images.decoders.pillow import by_pillow, orientation_of
from spectral_mae.images.samples import ImageRefused, Raster, check_size

_NO_FRAME = frozenset({0xC4, 0xC8, 0xCC})  # among the markers of frames
_ALONE = frozenset({0x01, *range(0xD0, 0xDA)})  # markers without a length
_BASELINE = frozenset(
    {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
)  # and others that transform, in one scan order
_LOSSLESS, _LS = 0xC3, 0xF7
_by_pillow = by_pillow("JPEG")


@dataclass(frozen=True, slots=True)
class _Frame:
    """What the header of a frame says and what came before it, and where it is."""

    process: int
    bits: int
    height: int
    width: int
    channels: int
    adobe: bool
    exif: bytes
    at: int


def read_jpeg(data: bytes, max_pixels: int, notes: list[str]) -> Raster:
    """A JPEG, upright.

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
        If it needs imagecodecs, which is not installed, or no one reads its kind.
    Exception
        Whatever a decoder raises on damaged bytes.
    """
    frame = _frame(data)
    if frame is None or (frame.process in _BASELINE and frame.bits == 8):
        if frame is not None and frame.channels == 4 and not frame.adobe:
            notes.append("CMYK without Adobe's marker, taken for inverted as Adobe's is")
        return _by_pillow(data, max_pixels, notes)
    if frame.process == _LS:  # behind a header as JPEG has it, too
        return read_jpeg_ls(data, max_pixels, notes)
    check_size(frame.height, frame.width, max_pixels)
    kind = f"{frame.bits}-bit {'lossless ' * (frame.process == _LOSSLESS)}JPEG"
    if frame.channels not in (1, 3) or frame.process not in _BASELINE | {_LOSSLESS}:
        raise ImageRefused(f"{kind} of a rare kind, not read here: save it as PNG or TIFF")
    package = decoder("imagecodecs", kind)
    if data.rfind(b"\xff\xd9") < frame.at:  # imagecodecs makes up what is missing, without a word
        raise ImageRefused(f"damaged {kind}: truncated, it has no end")
    whole = Raster.integers(package.jpeg_decode(data), frame.bits)
    return whole.turned(orientation_of(frame.exif, notes)) if frame.exif else whole


def read_jpeg_ls(data: bytes, max_pixels: int, notes: list[str]) -> Raster:
    """Read a JPEG-LS file.

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
        Any error of imagecodecs on damaged bytes.
    """
    frame = _frame(data)
    if frame is None:
        raise ImageRefused("damaged JPEG-LS: it has no frame")
    check_size(frame.height, frame.width, max_pixels)
    samples = decoder("imagecodecs", "JPEG-LS").jpegls_decode(data)
    return Raster.integers(samples, frame.bits)


def _frame(data: bytes) -> _Frame | None:
    at, adobe, exif = 2, False, b""
    while at + 10 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        if (0xC0 <= marker <= 0xCF and marker not in _NO_FRAME) or marker == _LS:
            height, width = (int.from_bytes(data[at + k : at + k + 2], "big") for k in (5, 7))
            return _Frame(marker, data[at + 4], height, width, data[at + 9], adobe, exif, at)
        adobe = adobe or (marker == 0xEE and data[at + 4 : at + 9] == b"Adobe")
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xE1 and not exif and data.startswith(b"Exif\0\0", at + 4):
            exif = data[at + 4 : end]
        at = end
    return None
