"""The images that a figure is drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spectral_mae._checks import FloatArray
from spectral_mae.images.cropping import resize_and_crop
from spectral_mae.images.reader import Reader
from spectral_mae.images.references import ImageReference
from spectral_mae.images.sources import find_sources
from spectral_mae.images.stream import ImageStream, StreamOptions
from spectral_mae.linear.moments.kinds import StationaryMoments
from spectral_mae.masks.patches import PatchGrid

Data = Sequence[str | ImageReference]


def one_image(data: Data, default: str, size: int) -> FloatArray:
    """Read the first of the images as gray values, and crop its middle.

    Parameters
    ----------
    data : sequence of str or ImageReference
        Images, as `find_sources` takes them or has found them; empty for the built-in images.
    default : str
        Name of the built-in image that is used without ``data``.
    size : int
        Pixels of the crop along each axis.

    Returns
    -------
    ndarray, shape (size, size)
        Gray values from 0 to 1.
    """
    return resize_and_crop(Reader().read(_sources(data, default)[0]), size).pixels


def crops(data: Data, size: int, per_image: int) -> FloatArray:
    """Draw random crops of the images, or of all built-in images.

    Parameters
    ----------
    data : sequence of str or ImageReference
        Images, as `find_sources` takes them or has found them; empty for the built-in images.
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
    batches = list(stream.batches(_sources(data, "builtin:")))
    if not batches:
        reasons = "; ".join(f"{name}: {why}" for name, why in stream.failed.items())
        raise ValueError(f"no image has crops of {size}x{size} pixels: {reasons}")
    return np.concatenate(batches)


def crop_moments(data: Data, size: int, patch_size: int, per_image: int) -> StationaryMoments:
    """Compute stationary second moments of random crops.

    Parameters
    ----------
    data : sequence of str or ImageReference
        Images, as `find_sources` takes them or has found them; empty for the built-in images.
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


def _sources(data: Data, default: str) -> list[Path | ImageReference]:
    """The images, at least one. Files are paths: their crops depend on the names of the files."""
    found = [one for one in data if isinstance(one, ImageReference)]
    names = [one for one in data if not isinstance(one, ImageReference)]
    if names or not found:
        found += find_sources(names or [default]).references
    if not found:
        raise ValueError(f"no image in {', '.join(map(repr, names))}")
    return [Path(one.place.path) if one.is_file else one for one in found]
