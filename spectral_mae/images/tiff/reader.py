"""TIFF files, with all that scientific writers put into them.

tifffile parses the pages. What their samples mean is decided here, from the tags, and put into
numbers by the rules of `samples`. Pillow's reading of TIFF is not used: it fits samples into one of
its modes, and what fits into none is refused, rounded to 8 bits or taken for something else.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from io import BytesIO
from mmap import mmap
from typing import TYPE_CHECKING, cast

from spectral_mae.images.samples import ImageRefused, Raster, TooLarge, check_size
from spectral_mae.images.tiff.codecs import OLD_JPEG, decode_old_jpeg, name_of
from spectral_mae.images.tiff.colors import Meaning, raster
from spectral_mae.images.tiff.resolution import pixel_size_of
from spectral_mae.images.tiff.storage import Storage
from spectral_mae.images.tiff.strips import read_samples

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

_REDUCED = 1  # a bit of the tag NewSubfileType


def read_tiff(data: bytes, max_pixels: int, notes: list[str]) -> Raster:
    """The first page of a TIFF, upright.

    Parameters
    ----------
    data : bytes
        The whole file.
    max_pixels : int
        Larger images are refused before anything is decoded.
    notes : list of str
        Receives what was done that changes what a spectrum means.

    Raises
    ------
    ImageRefused
        If the page cannot be read, or not without guessing.
    """
    with tiff_messages(notes):
        with refused_tiff("its tags cannot be read"):
            import tifffile

            file = tifffile.TiffFile(BytesIO(data))
        return read_page(file, 0, data, max_pixels, notes)


def read_page(
    file: TiffFile, number: int, data: bytes | mmap, max_pixels: int, notes: list[str]
) -> Raster:
    """A page of a TIFF that is open, upright.

    Parameters
    ----------
    file : tifffile.TiffFile
        The file.
    number : int
        Of the page, from 0.
    data : bytes or mmap
        The whole file.
    max_pixels : int
        Larger images are refused before anything is decoded.
    notes : list of str
        Receives what was done that changes what a spectrum means.

    Raises
    ------
    ImageRefused
        If the page cannot be read, or not without guessing.
    """
    with refused_tiff("its tags cannot be read"):
        page = file.pages.first if number == 0 else _whole_page(file, number)
        storage = Storage.of(page)
        check_size(storage.height, storage.width, max_pixels)
        _check_memory(storage, max_pixels)
        if number == 0:
            _note_what_else(file, page, notes)
        meaning = Meaning.of(page, storage.channels, notes)
        orientation = page.tags.valueof(274, 1)
        pixel_size = pixel_size_of(file, page)
    if orientation in range(2, 9):
        notes.append(f"turned upright by EXIF orientation {orientation}")
    with refused_tiff(f"its {name_of(storage.compression)} cannot be undone"):
        if storage.compression == OLD_JPEG:
            if number:
                raise ImageRefused("old-style JPEG is read of the first page alone")
            image = Raster.integers(decode_old_jpeg(bytes(data)))
            return replace(image, pixel_size=pixel_size)
        samples = read_samples(page, storage, data, notes)
    with refused_tiff("its tags cannot be read"):
        image = raster(page, storage, meaning, samples, notes)
    image = replace(image, pixel_size=pixel_size)
    return image.turned(orientation) if orientation in range(2, 9) else image


def _whole_page(file: TiffFile, number: int) -> TiffPage:
    """A page with its tags: tifffile gives pages that are like the first a few of them alone."""
    pages = file.pages
    pages.useframes = False
    found = pages.get(number, aspage=True)
    return cast("TiffPage", found)


@contextmanager
def refused_tiff(reason: str) -> Iterator[None]:
    """Say it in plain words when a library fails: on damaged bytes it may raise anything."""
    try:
        yield
    except ImageRefused:
        raise
    except MemoryError as error:
        raise ImageRefused("not enough memory to decode it") from error
    except Exception as error:
        text = " ".join(str(error).split())[:100]
        spoken = isinstance(error, ValueError | RuntimeError) and text
        raise ImageRefused(f"damaged TIFF: {reason}{f' ({text})' if spoken else ''}") from error


def _check_memory(storage: Storage, max_pixels: int) -> None:
    limit = 16 * max_pixels + 2**20  # as for files: more than any image of so many pixels needs
    if storage.nbytes > limit:
        raise TooLarge(
            f"too large: {storage.height}x{storage.width} with {storage.channels} channels of "
            f"{storage.bits} bits takes {storage.nbytes / 1e6:.0f} MB, the limit is "
            f"{limit / 1e6:.0f} MB; a larger --max-pixels allows it",
            -(-(storage.nbytes - 2**20) // 16),
        )


def _note_what_else(file: TiffFile, page: TiffPage, notes: list[str]) -> None:
    frames = len(file.pages)
    if file.is_imagej and file.imagej_metadata:  # large stacks of ImageJ have one page alone
        frames = max(frames, int(file.imagej_metadata.get("images", 1)))
    if frames > 1:
        notes.append(f"first of {frames} frames")
    if page.imagedepth > 1:
        notes.append(f"first of {page.imagedepth} slices")
    if page.subfiletype & _REDUCED:
        notes.append("the first page is a reduced copy of another image")


_SAID: ContextVar[list[str] | None] = ContextVar("said", default=None)


def _kept(record: logging.LogRecord) -> bool:
    """Whether a message of tifffile goes on to the log: not if it is about a file read here."""
    said = _SAID.get()
    if said is None:
        return True
    if record.levelno >= logging.WARNING:
        said.append(record.getMessage())
    return False


logging.getLogger("tifffile").addFilter(_kept)


@contextmanager
def tiff_messages(notes: list[str]) -> Iterator[None]:
    """What tifffile logs of a file becomes notes on it."""
    said: list[str] = []
    token = _SAID.set(said)
    try:
        yield
    finally:
        _SAID.reset(token)
    for text in list(dict.fromkeys(said))[:3]:
        plain = re.sub(r"<tifffile\.[^<>]*> ?", "", text)
        notes.append(f"tifffile warns: {' '.join(plain.split())[:160]}")
