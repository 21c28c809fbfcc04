"""The images that a figure is drawn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spectral_mae._checks import FloatArray
from spectral_mae.images.files import find_images
from spectral_mae.images.image import read_image, resize_and_crop
from spectral_mae.images.stream import ImageStream, StreamOptions
from spectral_mae.linear.moments.kinds import StationaryMoments
from spectral_mae.masks.patches import PatchGrid


def one_image(data: Sequence[str], default: str, size: int) -> FloatArray:
    """Read the first of the images as gray values, and crop its middle.

    Parameters
    ----------
    data : sequence of str
        Images, folders or patterns of files; empty for the built-in images.
    default : str
        Name of the built-in image that is used without ``data``.
    size : int
        Pixels of the crop along each axis.

    Returns
    -------
    ndarray, shape (size, size)
        Gray values from 0 to 1.
    """
    path = find_images(data or [default]).paths[0]
    return resize_and_crop(read_image(path), size).pixels


def crops(data: Sequence[str], size: int, per_image: int) -> FloatArray:
    """Draw random crops of the images, or of all built-in images.

    Parameters
    ----------
    data : sequence of str
        Images, folders or patterns of files; empty for the built-in images.
    size : int
        Pixels of a crop along each axis.
    per_image : int
        Crops of each image.

    Returns
    -------
    ndarray, shape (n, size, size)
        Gray values from 0 to 1.

    Raises
    ------
    ValueError
        If no crop can be drawn; the message says why.
    """
    stream = ImageStream(StreamOptions(size, crops=per_image))
    batches = list(stream.batches(find_images(data or ["builtin:"]).paths))
    if not batches:
        reasons = "; ".join(f"{name}: {why}" for name, why in stream.failed.items())
        raise ValueError(f"no image has crops of {size}x{size} pixels: {reasons}")
    return np.concatenate(batches)


def crop_moments(
    data: Sequence[str], size: int, patch_size: int, per_image: int
) -> StationaryMoments:
    """Compute stationary second moments of random crops.

    Parameters
    ----------
    data : sequence of str
        Images, folders or patterns of files; empty for the built-in images.
    size : int
        Pixels of a crop along each axis.
    patch_size : int
        Pixels of a patch along each axis.
    per_image : int
        Crops of each image.

    Returns
    -------
    StationaryMoments
        The moments.
    """
    moments = StationaryMoments(PatchGrid((size, size), patch_size))
    moments.update(crops(data, size, per_image))
    return moments
