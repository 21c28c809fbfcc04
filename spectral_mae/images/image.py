"""An image as it was read from a file, and the functions that read one.

Whatever a file does, reading it ends in one of two ways: a :class:`LoadedImage`, with a note for
everything done to it that changes what a spectrum means, or :class:`ImageRefused` with the reason.
Sizes are written rows x columns, as the shapes of arrays are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from spectral_mae._checks import (
    NaN,
    all_finite,
    choice,
    flag,
    integer,
    positive_int,
)
from spectral_mae._checks import path as checked_path
from spectral_mae.images.containers.single import decode_single
from spectral_mae.images.decoding import Decoded, decode, decode_bytes
from spectral_mae.images.files import (
    AnyPath,
    display_name,
    image_path,
)
from spectral_mae.images.samples import ImageRefused, Pixels


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LoadedImage:
    """The pixels of an image, with notes on how they were obtained.

    NumPy functions take it as the array of its pixels.

    Attributes
    ----------
    pixels : ndarray of float64, shape (H, W) for gray or (H, W, 3) for colour
        Samples of integer files are scaled to the range from 0 to 1; those of floating-point files
        keep their values.
    notes : tuple of str
        What was done to the image that changes what its spectrum means, in order.
    source_shape : tuple of int
        ``(H, W)`` of the image in the file, after its EXIF orientation and before any cropping.
    pixel_size : tuple of float or None
        From row to row and from column to column, where the file states it. ``fs`` of a spectrum
        in cycles per ``pixel_unit`` is 1 over each.
    pixel_unit : str or None
        Its unit, such as "mm", "µm" or "arcsec".
    """

    pixels: Pixels
    notes: tuple[str, ...]
    source_shape: tuple[int, int]
    pixel_size: tuple[float, float] | None = None
    pixel_unit: str | None = None

    @property
    def visible(self) -> NDArray[np.bool_]:
        """Where pixels are finite in all channels, (H, W); others are missing."""
        finite = np.isfinite(self.pixels)
        return finite if finite.ndim == 2 else np.asarray(finite.all(axis=-1))

    @property
    def n_missing(self) -> int:
        """Number of pixels that are NaN or infinite in a channel."""
        if all_finite(self.pixels):
            return 0
        return int(np.count_nonzero(~self.visible))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.pixels, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"LoadedImage(shape={self.pixels.shape}, notes={self.notes})"


def read_image(
    path: AnyPath,
    *,
    color: bool = False,
    max_pixels: int = 50_000_000,
    channel: int | None = None,
    nan: NaN = "raise",
) -> LoadedImage:
    """Read an image file, upright, with samples of integer types scaled to the range from 0 to 1.

    Parameters
    ----------
    path : str or path-like
        The file, or ``builtin:NAME`` for one of :func:`builtin_images`. Its contents decide the
        format, not its name. Also a URL, or one image of a file of several, such as
        ``scan.h5::/raw[3]``, ``cube.fits::1`` or ``stack.tif::7``, which its ending says.
    color : bool
        Keep colours as ``(H, W, 3)``; gray files then become three equal channels. Otherwise
        colours become gray, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601 luma).
    max_pixels : int
        Images with more pixels are refused before they are decoded.
    channel : int or None
        Index from 0 of the channel to read, of an image of several: red, green and blue, or the
        bands of a microscope or satellite. None takes the mean of channels that are not colours,
        with a note. An alpha channel has no index.
    nan : {"raise", "hidden"}
        Refuse a floating-point image with NaN or infinity, or read it with a note that says how
        many pixels are missing. `unmasked_psd` and other functions that take ``visible="finite"``
        leave them out.

    Returns
    -------
    LoadedImage
        The pixels, with notes on what was done to them.

    Raises
    ------
    ImageRefused
        If the file cannot be read, or its samples have no defined meaning. The message begins with
        the name of the file.
    FileNotFoundError
        If there is no built-in image of that name.

    Notes
    -----
    Transparent pixels are shown on white. Of several frames or pages the first is read. Colour
    profiles and gamma are not applied. The guide "Image files" lists all formats and the rules by
    which their numbers become pixels. TIFFs of rare compressions, JPEG XL, JPEG-LS, JPEGs of more
    than 8 bits and JPEG 2000 colours of more than 8 bits need the extra ``codecs``; HEIC needs the
    extra ``heif``.

    Examples
    --------
    >>> image = read_image("builtin:camera")
    >>> image.pixels.shape, image.pixels.dtype, image.notes
    ((512, 512), dtype('float64'), ())
    """
    try:
        image = read_file(path, color=color, max_pixels=max_pixels, channel=channel)
        return with_missing(image, nan, 'nan="hidden" takes them as missing')
    except ImageRefused as refusal:
        raise ImageRefused(f"{display_name(image_path(path))}: {refusal}") from refusal.__cause__


def read_file(
    path: AnyPath,
    *,
    color: bool = False,
    max_pixels: int = 50_000_000,
    channel: int | None = None,
) -> LoadedImage:
    """Read an image file as `read_image` does; errors give the reason without the file's name.

    NaN and infinity stay as they are, without a note; `with_missing` decides on them.

    Parameters
    ----------
    path : str or path-like
        The file, or ``builtin:NAME``.
    color, max_pixels, channel : optional
        As in `read_image`.

    Returns
    -------
    LoadedImage
        The pixels, with notes on what was done to them.

    Raises
    ------
    ImageRefused
        If the file cannot be read.
    """
    limit = positive_int("max_pixels", max_pixels)
    given = checked_path("path", path)
    color, channel = flag("color", color), _channel(channel)
    single = decode_single(given, limit, color=color, channel=channel)
    if single is not None:
        return loaded(single)
    return loaded(decode(image_path(given), limit, color=color, channel=channel))


def read_bytes(
    data: bytes,
    *,
    color: bool = False,
    max_pixels: int = 50_000_000,
    channel: int | None = None,
) -> LoadedImage:
    """Read an image from the bytes of a file of any supported format.

    NaN and infinity stay as they are, as in `read_file`.

    Parameters
    ----------
    data : bytes
        The whole contents of the file.
    color, max_pixels, channel : optional
        As in `read_image`.

    Returns
    -------
    LoadedImage
        The pixels, with notes on what was done to them.

    Raises
    ------
    ImageRefused
        If the bytes cannot be read as an image.
    """
    limit = positive_int("max_pixels", max_pixels)
    return loaded(decode_bytes(data, limit, color=color, channel=_channel(channel)))


def with_missing(image: LoadedImage, nan: NaN, hint: str) -> LoadedImage:
    """Refuse an image with missing pixels, or say in a note how many they are.

    Parameters
    ----------
    image : LoadedImage
        As it was read.
    nan : {"raise", "hidden"}
        What to do with NaN and infinity.
    hint : str
        For the message of "raise": how to read the image nevertheless. It may be empty.

    Returns
    -------
    LoadedImage
        The image, with one more note if pixels are missing.

    Raises
    ------
    ImageRefused
        If pixels are missing and ``nan`` is "raise", or no pixel is there at all.
    """
    choice("nan", nan, NaN)
    n = image.n_missing
    if n == 0:
        return image
    text = f"{n} pixel{'s are' if n > 1 else ' is'} NaN or infinite"
    if nan == "raise":
        raise ImageRefused(f"{text}; {hint}" if hint else text)
    height, width = image.pixels.shape[:2]
    if n == height * width:
        raise ImageRefused("all pixels are NaN or infinite")
    return replace(image, notes=(*image.notes, f"{text}: taken as missing"))


def _channel(value: int | None) -> int | None:
    """An index from 0, checked."""
    return None if value is None else integer("channel", value, least=0)


def loaded(decoded: Decoded) -> LoadedImage:
    """Make a `LoadedImage` of pixels that were not cropped.

    Parameters
    ----------
    decoded : Decoded
        Pixels, notes on what was done to them, and the size of a pixel.

    Returns
    -------
    LoadedImage
        Its ``source_shape`` is the shape of the pixels.
    """
    pixels, notes, spacing = decoded
    height, width = pixels.shape[:2]
    size, unit = (None, None) if spacing is None else (spacing.size, spacing.unit)
    return LoadedImage(pixels, tuple(notes), (height, width), size, unit)
