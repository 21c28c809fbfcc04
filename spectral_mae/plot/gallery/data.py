"""The images of a figure."""

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
    """The first of the images, gray, its middle of ``size`` × ``size`` pixels."""
    path = find_images(data or [default]).paths[0]
    return resize_and_crop(read_image(path), size).pixels


def crops(data: Sequence[str], size: int, per_image: int) -> FloatArray:
    """Random crops of the images, by default of all built-in ones, shape (n, size, size).

    Raises
    ------
    ValueError
        If there is none; the sentence says why.
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
    """Stationary second moments of random crops."""
    moments = StationaryMoments(PatchGrid((size, size), patch_size))
    moments.update(crops(data, size, per_image))
    return moments
