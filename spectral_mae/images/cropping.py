"""Images brought to a shape: resized and cropped to a size, or cropped to whole patches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from spectral_mae._checks import needed, per_axis
from spectral_mae.images.image import LoadedImage
from spectral_mae.images.samples import ImageRefused, Pixels

HOW = "read_image makes one of a file"


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


def _centre(pixels: Pixels, height: int, width: int) -> Pixels:
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])
