"""Axes of signals, images and volumes: shapes, numbers for each axis, the axis of the channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks.messages import brief
from spectral_mae._checks.scalars import PerAxis, each, integer, positive_int, real

AXES = (1, 2, 3)  # of signals, images and volumes
THREE = "patch_size as three numbers"  # what says that images of three axes are volumes
FASTEST = 1e75  # sampling frequency; of three axes there are products


def grid_shape(shape: PerAxis) -> tuple[int, ...]:
    """Return the shape of a signal, image or volume as a tuple of one to three positive ints."""
    sizes = each("shape", shape)
    if len(sizes) not in AXES:
        raise ValueError(
            f"shape={brief(shape)} has {len(sizes)} axes; signals (1), images (2) and volumes (3) "
            "are handled"
        )
    return tuple(positive_int("shape", size) for size in sizes)


def per_axis(name: str, value: PerAxis, ndim: int) -> tuple[int, ...]:
    """Spread an int over ``ndim`` axes, or check that a sequence has one int for each."""
    sizes = each(name, value, ndim)
    if len(sizes) != ndim:
        raise ValueError(f"{name}={brief(value)} has {len(sizes)} numbers for {ndim} axes")
    return tuple(positive_int(name, size) for size in sizes)


def patch_size(value: PerAxis) -> PerAxis:
    """Check a patch size before images are read, and return it: an int, or one for each axis."""
    sizes = each("patch_size", value)
    per_axis("patch_size", value, min(max(len(sizes), 1), max(AXES)))
    return value


def sampling_rates(fs: float | Sequence[float], ndim: int) -> tuple[float, ...]:
    """Spread a sampling frequency over ``ndim`` axes; each must be finite and positive."""
    given = each("fs", fs, ndim)
    if len(given) != ndim:
        raise ValueError(f"fs={brief(fs)} has {len(given)} numbers for {ndim} axes")
    rates = tuple(real("fs", rate) for rate in given)
    if not all(math.isfinite(rate) and rate > 0 for rate in rates):
        raise ValueError(f"fs={brief(fs)} must be finite and positive")
    if not all(1 / FASTEST <= rate <= FASTEST for rate in rates):
        raise ValueError(f"fs={brief(fs)} is not between {1 / FASTEST:g} and {FASTEST:g}")
    return rates


def axis_of_channels(channel_axis: SupportsIndex | str | None) -> int | None:
    """Return the axis of the channels as an int, or None; names belong to xarray.DataArray."""
    if isinstance(channel_axis, str):
        raise TypeError(
            f"channel_axis={brief(channel_axis)} is a name, which only the dimensions of an "
            "xarray.DataArray have: give the number of the axis"
        )
    return None if channel_axis is None else integer("channel_axis", channel_axis)


def channels_last(
    name: str, array: NDArray[Any], channel_axis: int | None, ndim: int
) -> NDArray[Any]:
    """Return a view with the channels as last axis; a missing channel axis becomes one channel.

    ``ndim`` is the number of its other axes.
    """
    channel_axis = axis_of_channels(channel_axis)
    expected = ndim + (channel_axis is not None)
    if array.ndim != expected:
        raise ValueError(
            f"{name} of shape {array.shape} has {array.ndim} axes; {channel_axis=} needs {expected}"
        )
    if channel_axis is None:
        return array[..., np.newaxis]
    if not -expected <= channel_axis < expected:
        raise ValueError(f"{channel_axis=} is out of range for {name} of shape {array.shape}")
    return np.moveaxis(array, channel_axis, -1)


def one_image(
    name: str,
    array: NDArray[Any],
    channel_axis: int | None,
    batches: str,
    *,
    ndim: SupportsIndex | None = None,
    volumes: str = "ndim=3",
    colours: str = "; for the colours of one image give channel_axis",
) -> NDArray[Any]:
    """Return one signal, image or volume as a view with the channels last.

    ``ndim`` is the number of its axes beside that of the channels; None is one or two, as the array
    has. Three axes are never taken for a volume unless that was said, for they may as well be a
    batch of images, or the colours of one. ``batches`` is what the message recommends for several
    images, ``volumes`` how the caller is told that it is a volume, and ``colours`` what to do with
    channels; it is empty where there is no ``channel_axis``.
    """
    axes = array.ndim - (axis_of_channels(channel_axis) is not None)
    if ndim is None:
        if axes not in (1, 2):
            hint = ""
            if axes == 3:
                hint = f". For a batch of images: {batches}"
                if channel_axis is None:
                    hint += colours
                hint += f"; for a volume give {volumes}"
            given = f" with {channel_axis=}" if colours else ""
            raise ValueError(
                f"{name} of shape {array.shape}{given} has {axes} axes; one signal (1) or image "
                f"(2) is needed{hint}"
            )
    elif integer("ndim", ndim) not in AXES:
        raise ValueError(f"ndim={brief(ndim)} is not 1 (a signal), 2 (an image) or 3 (a volume)")
    elif axes != ndim:
        raise ValueError(
            f"{name} of shape {array.shape} with {channel_axis=} has {axes} axes, not "
            f"ndim={brief(ndim)}"
        )
    if array.size == 0:
        raise ValueError(f"{name} of shape {array.shape} is empty")
    return channels_last(name, array, channel_axis, axes)


def image_of_patches(
    name: str, array: NDArray[Any], channel_axis: int | None, patch_size: PerAxis, batches: str
) -> NDArray[Any]:
    """As `one_image`; three numbers as a patch size say that three axes are a volume."""
    said = _says_volume(patch_size)
    axes = array.ndim - (axis_of_channels(channel_axis) is not None)
    return one_image(
        name,
        array,
        channel_axis,
        batches,
        ndim=3 if said and axes == 3 else None,
        volumes=f"{THREE}, not {patch_size=}",
    )


def images_of_patches(
    name: str, array: NDArray[Any], channel_axis: int | None, patch_size: PerAxis
) -> NDArray[Any]:
    """Return a batch, images along axis 0, as a view with the channels last.

    As in `image_of_patches`, images of three axes are volumes only if the patch size has three
    numbers.
    """
    axes = array.ndim - 1 - (axis_of_channels(channel_axis) is not None)
    if axes == 3 and not _says_volume(patch_size):
        colours = "; for the colours of images give channel_axis" if channel_axis is None else ""
        raise ValueError(
            f"{name} of shape {array.shape} with {channel_axis=} are a batch of arrays of 3 axes"
            f"{colours}; for volumes give {THREE}, not {patch_size=}"
        )
    return channels_last(name, array, channel_axis, axes + 1)


def _says_volume(patch_size: PerAxis) -> bool:
    """Whether a patch size has one number for each of three axes."""
    return len(each("patch_size", patch_size)) == 3
