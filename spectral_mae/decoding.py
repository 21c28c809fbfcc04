"""Bytes of an image file to pixels: what Pillow makes of them, put right where it goes wrong."""

from __future__ import annotations

import contextlib
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps, TiffImagePlugin

from spectral_mae.samples import ImageRefused, Pixels, Raster, check_size
from spectral_mae.tiff import SIGNATURES as TIFF_SIGNATURES
from spectral_mae.tiff import read_tiff

# MPO, the format of stereo cameras and many phones, is no entry of its own: Pillow finds it as JPEG
FORMATS: tuple[str, ...] = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG2000")


def decode(path: Path, max_pixels: int, *, color: bool) -> tuple[Pixels, list[str]]:
    """Pixels of an image file and notes on what was done to them; see `images.read_image`."""
    return decode_bytes(_file_bytes(path, byte_limit(max_pixels)), max_pixels, color=color)


def byte_limit(max_pixels: int) -> int:
    """Bytes that a file of so many pixels may have: more than any format needs for them."""
    return 16 * max_pixels + 2**20


def decode_bytes(data: bytes, max_pixels: int, *, color: bool) -> tuple[Pixels, list[str]]:
    """The same of a file that was read already."""
    if not data:
        raise ImageRefused("empty file")
    with _PILLOW_WARNINGS.heard() as heard:
        pixels, notes = _decode(data, max_pixels, color)
    return pixels, [*notes, *dict.fromkeys(f"Pillow warns: {one_line(text)}" for text in heard)]


@dataclass(frozen=True, slots=True)
class _Header:
    """What the file says of its samples and the decoded image does not."""

    bits: int
    signed: bool = False
    white_is_zero: bool = False


def _file_bytes(path: Path, limit: int) -> bytes:
    try:
        if path.is_dir():
            raise ImageRefused("a folder, not an image file")
        if path.exists() and not path.is_file():
            raise ImageRefused("not a regular file")  # opening a pipe would wait for ever
        size = path.stat().st_size
        if size > limit:
            raise ImageRefused(f"too large: {size} bytes; a larger --max-pixels allows them")
        data = path.read_bytes()
    except FileNotFoundError:
        raise ImageRefused("no such file") from None
    except OSError as error:
        raise ImageRefused(f"cannot be read: {(error.strerror or str(error)).lower()}") from error
    return data


def _decode(data: bytes, max_pixels: int, color: bool) -> tuple[Pixels, list[str]]:
    notes: list[str] = []
    if data.startswith(TIFF_SIGNATURES):
        return read_tiff(data, max_pixels, notes).pixels(notes, color=color), notes
    probe = _open(data)
    width, height = probe.size
    check_size(height, width, max_pixels)
    try:
        _verify(probe, notes)
        header = _header(probe, data)
        image = _upright(_open(data), notes)
        return _raster(image, header, notes).pixels(notes, color=color), notes
    except ImageRefused:
        raise
    except Exception as error:  # damaged bytes can raise anything in a decoder
        raise ImageRefused(_reason(error, probe.format)) from error


def _open(data: bytes) -> ImageFile.ImageFile:
    # Image.open would check the size against its own limit, before anyone can name the size, and
    # would drop the reason why a format that owns the first bytes still refuses the file
    Image.init()
    for name in FORMATS:
        factory, accepts = Image.OPEN[name]
        if accepts is not None and not accepts(data[:16]):
            continue
        try:
            return factory(BytesIO(data), "")
        except Exception as error:  # damaged bytes can raise anything in a parser
            if not str(error).startswith("not a "):  # PPM goes by two letters that words have too
                raise ImageRefused(_reason(error, name)) from error
    raise ImageRefused(f"not an image of a known format ({', '.join(FORMATS)})")


def _header(image: ImageFile.ImageFile, data: bytes) -> _Header:
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return _tiff_header(image)
    bits = 8
    if image.format == "PNG" and (depth := re.search(r"\d+", str(image.tile[0].args))):
        bits = int(depth[0])
    elif image.format == "PPM":  # any range, which Pillow stretches to 8 or 16 bits
        args = image.tile[0].args
        bits = 16 if image.mode == "I" or (isinstance(args, tuple) and args[-1] > 255) else 8
    elif image.format == "JPEG2000":  # the depth of the first channel, likewise stretched
        bits = 16 if data[data.index(b"\xff\x4f\xff\x51") + 42] & 0x7F >= 8 else 8
    return _Header(bits)


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


def _verify(probe: ImageFile.ImageFile, notes: list[str]) -> None:
    if probe.format == "PNG" and not probe.tile:
        raise ImageRefused("damaged PNG: it has no image data")
    frames = getattr(probe, "n_frames", 1)
    if frames > 1:
        notes.append(f"first of {frames} frames")
    probe.verify()  # decoding alone passes over the checksums of a PNG


def _upright(image: ImageFile.ImageFile, notes: list[str]) -> Image.Image:
    if image.format == "TIFF":
        image.tile = [_native_order(tile) for tile in image.tile]
    else:
        image.load()  # now, lest bad pixels pass for bad EXIF; a TIFF turns itself in loading
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


def _raster(image: Image.Image, header: _Header, notes: list[str]) -> Raster:
    rule = _MODES.get(image.mode)
    if rule is None:
        raise ImageRefused(f"pixels of mode {image.mode} are not handled")
    if header.bits > 8 and not image.mode.startswith(("I", "F")):
        notes.append(f"{header.bits} bits per channel, of which Pillow reads 8")
    return rule(image, header, notes)


def _integers(image: Image.Image, header: _Header, notes: list[str]) -> Raster:
    bits = {"1": 1, "L": 8, "RGB": 8}.get(image.mode, header.bits)
    kind = "i" if header.signed else "u"
    # the cast takes back the type that Pillow's mode has not: int8 in L, uint32 in I
    samples = np.asarray(image).astype(f"{kind}{1 if bits <= 8 else 2 if bits <= 16 else 4}")
    turned = header.white_is_zero and image.mode.startswith("I")  # Pillow turns the 8-bit ones
    raster = Raster.integers(samples, bits, signed=header.signed, white_is_zero=turned)
    key = image.info.get("transparency")
    return (
        raster if key is None else replace(raster, transparent=_key(key, image.mode, header.bits))
    )


def _key(key: int | tuple[int, ...], mode: str, bits: int) -> tuple[int, ...]:
    """The samples, as Pillow reads them, that stand for transparent."""
    samples = (key,) if isinstance(key, int) else key
    if mode == "RGB" and bits > 8:  # of which Pillow has read the upper 8
        return tuple(sample >> (bits - 8) for sample in samples)
    if bits < 8:  # which Pillow stretches to 8
        return tuple(sample * 255 // (2**bits - 1) for sample in samples)
    return samples


def _floats(image: Image.Image, header: _Header, notes: list[str]) -> Raster:
    return Raster.floats(np.asarray(image))


def _with_alpha(image: Image.Image, header: _Header, notes: list[str]) -> Raster:
    associated = image.mode in ("La", "RGBa")
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")
    return Raster.integers(np.asarray(image), alpha="associated" if associated else "straight")


def _converted(image: Image.Image, header: _Header, notes: list[str]) -> Raster:
    if image.mode != "YCbCr":  # which is another way to write RGB; inks and Lab need a profile
        notes.append(f"{image.mode} converted to RGB without a colour profile")
    return Raster.integers(np.asarray(image.convert("RGB")))


_MODES: dict[str, Callable[[Image.Image, _Header, list[str]], Raster]] = {
    **dict.fromkeys(("1", "L", "RGB", "I", "I;16", "I;16B"), _integers),
    **dict.fromkeys(("LA", "La", "PA", "RGBA", "RGBa", "P"), _with_alpha),
    **dict.fromkeys(("CMYK", "YCbCr", "LAB"), _converted),
    "F": _floats,
}


def _reason(error: BaseException, format_name: str | None) -> str:
    if error.__cause__ is not None and str(error) == str(error.__cause__):
        error = error.__cause__  # Pillow dresses its own stumbles as SyntaxError
    text = one_line(str(error))
    if isinstance(error, MemoryError):
        return "not enough memory to decode it"
    if isinstance(error, Image.DecompressionBombError):
        return f"too large for Pillow: {text}"
    if not isinstance(error, OSError | SyntaxError | ValueError):
        # the decoder stumbled rather than spoke, so its text alone would mean nothing
        text = f"the decoder failed with {type(error).__name__} {text}".rstrip()
    return f"damaged or unsupported {format_name}: {text}"


def one_line(text: str) -> str:
    """What a library said, fit for a table."""
    for pattern, plain in _PLAINER:
        text = re.sub(pattern, plain, text)
    return " ".join(text.split())[:200]


_PLAINER = (
    (r"<[^<>]* at 0x[0-9a-fA-F]+>", "the file"),
    (r"\bb'([\w ]*)'", r"\1"),
    ("bad header checksum", "bad checksum"),  # which PNG chunk's, Pillow says right after
    ("not identified by this driver", "its header holds no valid size or pixel type"),
)


class _PillowWarnings:
    """Collects what Pillow warns about, for each reading thread its own.

    ``warnings.catch_warnings`` swaps state of the whole process, and threads that enter and leave
    it by turns restore each other's. So all that read at one time share one swap, made by the
    first and undone by the last, and it touches no warnings but Pillow's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard: dict[int, list[str]] = {}
        self._swap = contextlib.ExitStack()

    @contextlib.contextmanager
    def heard(self) -> Iterator[list[str]]:
        thread = threading.get_ident()
        with self._lock:
            if not self._heard:
                self._redirect()
            mine = self._heard[thread] = []
        try:
            yield mine
        finally:
            with self._lock:
                del self._heard[thread]
                if not self._heard:
                    self._swap.close()

    def _redirect(self) -> None:
        shown = warnings.showwarning

        def show(message: Warning | str, *where: Any) -> None:
            mine = self._heard.get(threading.get_ident())
            if mine is None:
                shown(message, *where)
            else:
                mine.append(str(message))

        self._swap.enter_context(warnings.catch_warnings())
        self._swap.callback(setattr, warnings, "showwarning", shown)
        warnings.filterwarnings("always", module=r"PIL\.")
        warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
        warnings.showwarning = show  # type: ignore[assignment]  # called by position only


_PILLOW_WARNINGS = _PillowWarnings()
