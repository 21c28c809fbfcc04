"""Image files in, arrays out: the one place that reads images and folders of images.

Whatever a file does, reading it ends in one of two ways: a :class:`LoadedImage`, with a note for
everything done to it that changes what a spectrum means, or :class:`ImageRefused` with the reason.
Sizes are written rows x columns, as the shapes of arrays are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from spectral_mae._checks import (
    NaN,
    all_finite,
    choice,
    flag,
    integer,
    needed,
    per_axis,
    positive_int,
)
from spectral_mae._checks import path as checked_path
from spectral_mae._files.made_here import SOFTWARE
from spectral_mae.images.containers.single import decode_single
from spectral_mae.images.decoding import Decoded, decode, decode_bytes
from spectral_mae.images.files import (
    AnyPath,
    builtin_images,
    display_name,
    image_path,
)
from spectral_mae.images.formats import SUFFIXES
from spectral_mae.images.samples import ImageRefused, Pixels, to_channels

__all__ = [
    "SUFFIXES",
    "ImageRefused",
    "LoadedImage",
    "builtin_images",
    "crop_to_multiple",
    "display_name",
    "loaded",
    "luma",
    "read_bytes",
    "read_file",
    "read_image",
    "require_two_patches",
    "resize_and_crop",
    "write_gray_png",
]

HOW = "read_image makes one of a file"


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


def resize_and_crop(image: LoadedImage, size: int | tuple[int, int]) -> LoadedImage:
    """Resize the shorter side to ``size`` and crop the centre to ``size`` x ``size``.

    Interpolation is bicubic, with antialiasing where the image shrinks, in single precision. It is
    linear in the pixels and not clipped, so values may overshoot their range. An image whose
    shorter side is ``size`` already keeps its pixels exactly. A pixel of the result is missing
    (NaN) if one of those that it is made of is.

    Parameters
    ----------
    image : LoadedImage
        As `read_image` returns it.
    size : int or tuple of int
        Pixels along each axis of the result, or rows and columns. An image of other proportions is
        resized so that it covers the result, and what is beyond it is cropped.

    Returns
    -------
    LoadedImage
        With one more note if it was enlarged, and one on missing pixels.

    Raises
    ------
    ImageRefused
        If missing pixels leave none that is known.

    Examples
    --------
    >>> image = LoadedImage(np.ones((32, 40)), (), (32, 40))
    >>> resize_and_crop(image, 64).notes
    ('enlarged from 32x32 to 64x64: frequencies above 0.25 cycles/pixel are interpolated',)
    """
    needed("image", image, LoadedImage, HOW)
    rows, columns = per_axis("size", size, 2)
    height, width = image.pixels.shape[:2]
    scale = min(height / rows, width / columns)
    if scale == 1:
        return replace(image, pixels=_centre(image.pixels, rows, columns))
    tall, wide = max(1, round(rows * scale)), max(1, round(columns * scale))
    top, left = (height - tall) // 2, (width - wide) // 2
    box = (left, top, left + wide, top + tall)
    channels = [
        # the box bounds the work by size, not by the length of a very long image
        Image.fromarray(channel).resize((columns, rows), Image.Resampling.BICUBIC, box=box)
        for channel in np.moveaxis(np.atleast_3d(image.pixels), -1, 0).astype(np.float32)
    ]
    pixels = np.stack([np.asarray(channel, dtype=np.float64) for channel in channels], axis=-1)
    step = image.pixel_size
    resized = replace(
        image,
        pixels=pixels.reshape(rows, columns, *image.pixels.shape[2:]),
        pixel_size=step and (step[0] * tall / rows, step[1] * wide / columns),
    )
    n_before, n_after = image.n_missing, resized.n_missing
    if n_after == rows * columns:
        raise ImageRefused(
            f"resizing spreads its {n_before} missing pixels over all of {rows}x{columns}: keep "
            "the pixels as they are (--size native)"
        )
    if n_before:
        note = (
            f"resized: {n_after} of {rows}x{columns} pixels are made of missing ones, and missing"
        )
        resized = replace(resized, notes=(*resized.notes, note))
    if scale > 1:
        return resized
    note = (
        f"enlarged from {tall}x{wide} to {rows}x{columns}: "
        f"frequencies above {0.5 * scale:.3g} cycles/pixel are interpolated"
    )
    return replace(resized, notes=(*resized.notes, note))


def crop_to_multiple(image: LoadedImage, patch_size: tuple[int, int] | int) -> LoadedImage:
    """Crop the centre to the largest shape that ``patch_size`` divides.

    Parameters
    ----------
    image : LoadedImage
        As `read_image` returns it.
    patch_size : int or tuple of int
        Pixels of a patch along rows and columns; an int holds for both.

    Returns
    -------
    LoadedImage
        With one more note if it was cropped.

    Raises
    ------
    ImageRefused
        If fewer than two patches fit.

    Examples
    --------
    >>> crop_to_multiple(LoadedImage(np.ones((321, 481)), (), (321, 481)), 16).notes
    ('cropped from 321x481 to 320x480',)
    """
    needed("image", image, LoadedImage, HOW)
    rows, columns = per_axis("patch_size", patch_size, 2)
    height, width = image.pixels.shape[:2]
    new_height, new_width = height - height % rows, width - width % columns
    require_two_patches((height, width), (rows, columns))
    if (new_height, new_width) == (height, width):
        return image
    note = f"cropped from {height}x{width} to {new_height}x{new_width}"
    pixels = _centre(image.pixels, new_height, new_width)
    return replace(image, pixels=pixels, notes=(*image.notes, note))


def require_two_patches(shape: tuple[int, int], patch_size: tuple[int, int]) -> None:
    """Raise `ImageRefused` unless two whole patches fit into an image of this shape.

    Parameters
    ----------
    shape : tuple of int
        (H, W) of the image.
    patch_size : tuple of int
        Rows and columns of a patch.
    """
    (height, width), (rows, columns) = shape, patch_size
    if (height // rows) * (width // columns) < 2:
        raise ImageRefused(f"too small for two patches of {rows}x{columns}: {height}x{width}")


def luma(pixels: Pixels) -> Pixels:
    """Convert an image to gray, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601 luma).

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, 3)
        Gray values, or red, green and blue.

    Returns
    -------
    ndarray, shape (H, W)
        Gray values; ``pixels`` itself if it is gray.
    """
    return pixels if pixels.ndim == 2 else to_channels(pixels, color=False)


def write_gray_png(path: AnyPath, values: NDArray[np.bool_] | NDArray[np.uint8]) -> None:
    """Write a 2-D array as an 8-bit gray PNG.

    Parameters
    ----------
    path : str or path-like
        File to write. An existing file is replaced.
    values : ndarray of uint8 or bool, shape (H, W)
        Gray values from 0 to 255; True is written as 255.

    Raises
    ------
    TypeError
        If the type is neither uint8 nor bool.
    ValueError
        If the array is empty or has not two axes.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_gray_png(f"{folder}/mask.png", np.array([[True, False]]))
    ...     read_image(f"{folder}/mask.png").pixels
    array([[1., 0.]])
    """
    if values.dtype not in (np.dtype(np.bool_), np.dtype(np.uint8)):
        raise TypeError(f"values have dtype {values.dtype}; bool or uint8 is needed")
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"values of shape {values.shape} are not an image of one channel")
    levels = np.where(values, 255, 0).astype(np.uint8) if values.dtype == np.bool_ else values
    mark = PngInfo()
    mark.add_text("Software", SOFTWARE)
    Image.fromarray(levels).save(path, format="PNG", pnginfo=mark)


def _centre(pixels: Pixels, height: int, width: int) -> Pixels:
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])
