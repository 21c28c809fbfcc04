"""The images of a figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spectral_mae import images
from spectral_mae._checks import FloatArray
from spectral_mae.grid import PatchGrid
from spectral_mae.moments import StationaryMoments
from spectral_mae.streams import ImageStream, StreamOptions


def one_image(data: Sequence[str], default: str, size: int) -> FloatArray:
    """The first of the images, gray, its middle of ``size`` × ``size`` pixels."""
    path = images.find_images(data or [default]).paths[0]
    return images.resize_and_crop(images.read_image(path), size).pixels


def crops(data: Sequence[str], size: int, per_image: int) -> FloatArray:
    """Random crops of the images, by default of all built-in ones, shape (n, size, size).

    Raises
    ------
    ValueError
        If there is none; the sentence says why.
    """
    stream = ImageStream(StreamOptions(size, crops=per_image))
    batches = list(stream.batches(images.find_images(data or ["builtin:"]).paths))
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
