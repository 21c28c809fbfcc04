"""What Pillow reads, and what its pixels mean."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageFile

from spectral_mae.images.decoders.color_models import cmyk_to_rgb
from spectral_mae.images.samples import ImageRefused, Raster, check_size


def by_pillow(plugin: str) -> Callable[[bytes, int, list[str]], Raster]:
    """A reader of files in the format that Pillow calls so, of 8-bit channels.

    It takes the bytes of the file, the number of pixels that an image may have, and notes, which
    grow by what the user should know.
    """

    def read(data: bytes, max_pixels: int, notes: list[str]) -> Raster:
        verified(data, plugin, max_pixels, notes)
        image = opened(data, plugin)
        image.load()  # first, or damaged pixels would be reported as damaged EXIF
        return raster(image, notes).turned(orientation(image, notes))

    return read


def opened(data: bytes, plugin: str) -> ImageFile.ImageFile:
    """An image whose header is read, and no more."""
    # Image.open would check the size against its own limit, before anyone can name the size, and
    # would drop the reason why a format that owns the first bytes still refuses the file
    Image.init()
    if plugin not in Image.OPEN:
        raise ImageRefused(f"{plugin}, not read here: this build of Pillow does not read it")
    factory, accepts = Image.OPEN[plugin]
    reason = accepts(data[:16]) if accepts is not None else True
    if isinstance(reason, str):
        raise ImageRefused(f"{plugin}, not read here: {reason}")
    if not reason:
        raise ValueError("its first bytes make no sense")
    return factory(BytesIO(data), "")


def verified(data: bytes, plugin: str, max_pixels: int, notes: list[str]) -> None:
    """Refuse an image that is too large, or that Pillow finds damaged before it decodes."""
    probe = opened(data, plugin)
    width, height = probe.size
    check_size(height, width, max_pixels)
    if plugin == "PNG" and not probe.tile:  # which Pillow takes for black pixels
        raise ImageRefused("damaged PNG: it has no image data")
    frames = getattr(probe, "n_frames", 1)
    if frames > 1:
        notes.append(f"first of {frames} frames")
    probe.verify()  # decoding alone passes over the checksums of a PNG


def orientation(image: ImageFile.ImageFile, notes: list[str]) -> int:
    """EXIF's number of how the image is turned, and a note unless it stands upright."""
    return _turn(image.getexif, notes)


def orientation_of(exif: bytes, notes: list[str]) -> int:
    """The same of EXIF data, without an image that Pillow can open."""

    def loaded() -> Image.Exif:
        found = Image.Exif()
        found.load(exif)
        return found

    return _turn(loaded, notes)


def _turn(exif: Callable[[], Image.Exif], notes: list[str]) -> int:
    try:
        number = exif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - damaged EXIF can raise anything; the pixels are whole
        notes.append("damaged EXIF data: orientation unknown")
        return 1
    if number not in range(2, 9):
        return 1
    notes.append(f"turned upright by EXIF orientation {number}")
    return int(number)


def raster(image: Image.Image, notes: list[str]) -> Raster:
    """The samples of an image by Pillow's mode, with 8 bits for a channel or fewer."""
    rule = _MODES.get(image.mode)
    if rule is None:
        raise ImageRefused(f"pixels of mode {image.mode} are not handled")
    return rule(image, notes)


def _integers(image: Image.Image, notes: list[str]) -> Raster:
    key = image.info.get("transparency")
    whole = Raster.integers(np.asarray(image))
    if key is None:
        return whole
    return replace(whole, transparent=(key,) if isinstance(key, int) else tuple(key))


def _with_alpha(image: Image.Image, notes: list[str]) -> Raster:
    associated = image.mode in ("La", "RGBa")
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")
    return Raster.integers(np.asarray(image), alpha="associated" if associated else "straight")


def _inks(image: Image.Image, notes: list[str]) -> Raster:
    notes.append("CMYK converted to RGB without a colour profile")
    return replace(Raster.integers(np.asarray(image)), to_rgb=cmyk_to_rgb)


def _luma(image: Image.Image, notes: list[str]) -> Raster:
    return Raster.integers(np.asarray(image.convert("RGB")))


_MODES: dict[str, Callable[[Image.Image, list[str]], Raster]] = {
    **dict.fromkeys(("1", "L", "RGB"), _integers),
    **dict.fromkeys(("LA", "La", "PA", "RGBA", "RGBa", "P"), _with_alpha),
    "CMYK": _inks,
    "YCbCr": _luma,
}


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


PILLOW_WARNINGS = _PillowWarnings()
