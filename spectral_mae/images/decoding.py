"""Bytes of an image file to pixels; the first bytes determine the format."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from spectral_mae.images.decoders.bitmap import read_bitmap
from spectral_mae.images.decoders.graphics_formats import read_dds, read_icon, read_psd
from spectral_mae.images.decoders.heif import read_avif, read_heif
from spectral_mae.images.decoders.jpeg import read_jpeg, read_jpeg_ls
from spectral_mae.images.decoders.jpeg2000 import read_jpeg2000
from spectral_mae.images.decoders.jpegxl import read_jpegxl
from spectral_mae.images.decoders.netpbm import read_netpbm
from spectral_mae.images.decoders.pillow import PILLOW_WARNINGS, by_pillow
from spectral_mae.images.decoders.png import read_png
from spectral_mae.images.decoders.targa import read_targa
from spectral_mae.images.formats import format_of
from spectral_mae.images.pixel_size import PixelSize
from spectral_mae.images.samples import ImageRefused, Pixels, Raster, TooLarge
from spectral_mae.images.tiff.reader import read_tiff

# Formats of files of several images, whose endings say what they are.
_BY_ENDING = {"FITS": ".fits", "video": ".mp4, .mov, .mkv or the like"}

# Of the bytes of a file, the number of pixels that an image may have, and notes, which grow by what
# the user should know.
Reader = Callable[[bytes, int, list[str]], Raster]

READERS: dict[str, Reader] = {
    "PNG": read_png,
    "JPEG": read_jpeg,
    "JPEG-LS": read_jpeg_ls,
    "TIFF": read_tiff,
    "BMP": read_bitmap,
    "GIF": by_pillow("GIF"),
    "WebP": by_pillow("WEBP"),
    "JPEG 2000": read_jpeg2000,
    "JPEG XL": read_jpegxl,
    "AVIF": read_avif,
    **dict.fromkeys(("HEIC", "HEIF"), read_heif),
    **dict.fromkeys(("PBM", "PGM", "PPM", "PAM", "PFM"), read_netpbm),
    "QOI": by_pillow("QOI"),
    "PSD": read_psd,
    "DDS": read_dds,
    "ICO": read_icon,
    "PCX": by_pillow("PCX"),
    "TGA": read_targa,
}


class Decoded(NamedTuple):
    """Pixels of an image, and what its file says of them.

    Attributes
    ----------
    pixels : ndarray of float64, shape (H, W) or (H, W, 3)
        The pixels.
    notes : list of str
        What was done to them that changes what a spectrum means.
    pixel_size : PixelSize or None
        Where the file states one.
    """

    pixels: Pixels
    notes: list[str]
    pixel_size: PixelSize | None = None


def decode(path: Path, max_pixels: int, *, color: bool, channel: int | None = None) -> Decoded:
    """Decode an image file.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    max_pixels : int
        Larger images are refused before they are decoded.
    color, channel : optional
        As in `spectral_mae.read_image`.

    Returns
    -------
    Decoded
        The pixels, notes, and the size of a pixel.

    Raises
    ------
    ImageRefused
        If the file cannot be read.
    """
    data = _file_bytes(path, byte_limit(max_pixels))
    return decode_bytes(data, max_pixels, color=color, channel=channel)


def byte_limit(max_pixels: int) -> int:
    """Return the largest number of bytes that a file of so many pixels may have.

    Parameters
    ----------
    max_pixels : int
        Number of pixels.

    Returns
    -------
    int
        More than any format needs for them.
    """
    return 16 * max_pixels + 2**20


def pixels_of_bytes(size: int) -> int:
    """Return the pixels that must be allowed for a file of a size: the inverse of `byte_limit`.

    Parameters
    ----------
    size : int
        Bytes of the file.

    Returns
    -------
    int
        Number of pixels.
    """
    return -(-(size - 2**20) // 16)


def decode_bytes(
    data: bytes, max_pixels: int, *, color: bool, channel: int | None = None
) -> Decoded:
    """Decode an image from the bytes of a file.

    Parameters
    ----------
    data : bytes
        The whole file.
    max_pixels : int
        Larger images are refused before they are decoded.
    color, channel : optional
        As in `spectral_mae.read_image`.

    Returns
    -------
    Decoded
        The pixels, notes, and the size of a pixel.

    Raises
    ------
    ImageRefused
        If the bytes cannot be decoded.
    """
    if not data:
        raise ImageRefused("empty file")
    with PILLOW_WARNINGS.heard() as heard:
        decoded = _decode(data, max_pixels, color, channel)
    warned = dict.fromkeys(f"Pillow warns: {one_line(text)}" for text in heard)
    return decoded._replace(notes=[*decoded.notes, *warned])


def _file_bytes(path: Path, limit: int) -> bytes:
    try:
        if path.is_dir():
            raise ImageRefused("a folder, not an image file")
        if path.exists() and not path.is_file():
            raise ImageRefused("not a regular file")  # opening a pipe would wait for ever
        size = path.stat().st_size
        if size > limit:
            reason = f"too large: {size} bytes; a larger --max-pixels allows them"
            raise TooLarge(reason, pixels_of_bytes(size))
        data = path.read_bytes()
    except FileNotFoundError:
        raise ImageRefused("no such file") from None
    except OSError as error:
        raise ImageRefused(f"cannot be read: {(error.strerror or str(error)).lower()}") from error
    return data


def _decode(data: bytes, max_pixels: int, color: bool, channel: int | None) -> Decoded:
    name = format_of(data)
    if name is None:
        raise ImageRefused(f"not an image of a known format ({', '.join(READERS)})")
    if name in _BY_ENDING:
        raise ImageRefused(f"{name}, read only from files whose names end in {_BY_ENDING[name]}")
    if name not in READERS:
        raise ImageRefused(f"{name}, not read here: convert it to PNG or TIFF")
    notes: list[str] = []
    try:
        raster = READERS[name](data, max_pixels, notes)
        pixels = raster.pixels(notes, color=color, channel=channel)
        return Decoded(pixels, notes, raster.pixel_size)
    except ImageRefused:
        raise
    except Exception as error:  # damaged bytes can raise anything in a decoder
        raise ImageRefused(_reason(error, name)) from error


def _reason(error: BaseException, name: str) -> str:
    if error.__cause__ is not None and str(error) == str(error.__cause__):
        error = error.__cause__  # Pillow dresses its own stumbles as SyntaxError
    text = one_line(str(error))
    if isinstance(error, MemoryError):
        return "not enough memory to decode it"
    if isinstance(error, Image.DecompressionBombError):
        return f"too large for Pillow: {text}"
    if isinstance(error, EOFError | struct.error):
        text = "it ends too early"
    elif not isinstance(error, OSError | SyntaxError | ValueError):
        # the decoder stumbled rather than spoke, so its text alone would mean nothing
        stumble = f"{type(error).__name__} {text}".rstrip()
        text = f"if other programs open it, save it as PNG or TIFF (decoder: {stumble})"
    return f"damaged or unsupported {name}: {text}"


def one_line(text: str) -> str:
    """Reduce the message of a library to one line for a table.

    Parameters
    ----------
    text : str
        The message.

    Returns
    -------
    str
        One line.
    """
    for pattern, plain in _PLAINER:
        text = re.sub(pattern, plain, text)
    return " ".join(text.split())[:200]


_PLAINER = (
    (r"<[^<>]* at 0x[0-9a-fA-F]+>", "the file"),
    (r"\bb'([\w ]*)'", r"\1"),
    ("bad header checksum", "bad checksum"),  # which PNG chunk's, Pillow says right after
    ("Truncated File Read", "it ends too early"),
    ("broken data stream when reading image file", "its pixels are damaged or cut off"),
    (r"(Text chunk|Decompressed data) too large.*", "a text in it expands to more than 1 MB"),
    ("not identified by this driver", "its header holds no valid size or pixel type"),
)
