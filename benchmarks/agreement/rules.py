"""Rules that turn the samples of any decoder into pixels, written without the package they check.

1. Integers of n bits are divided by 2ⁿ − 1, with n from the file and not from the array's type;
   signed ones are shifted first, so that the lowest is 0. Floats keep their values.
2. Where white is zero the value is subtracted from 1. An index is looked up in its colour map.
3. CMYK: R = (1 − C)(1 − K), without a profile. Y′CbCr: the file's coefficients and ranges.
4. Transparent pixels are shown on white: p α + 1 − α, for premultiplied samples p + 1 − α.
5. Samples beyond those of the colour, and not said to be opacity, are left out. Channels that
   are no colour (two, or more than four of them) are averaged.
6. Gray is 0.299 R + 0.587 G + 0.114 B.

Mean and standard deviation do not change when an image is turned, so orientation is no matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
BT601 = (0.299, 0.587, 0.114)
COLORS = {"gray": 1, "palette": 1, "rgb": 3, "ycc": 3, "cmyk": 4}


class NoImage(ValueError):  # noqa: N818 - what is said of a file
    """Samples that these rules make no pixels of."""


@dataclass(frozen=True)
class Samples:
    """What a decoder gave, and what the numbers mean.

    Attributes
    ----------
    values : array
        Shape ``(H, W)`` or ``(H, W, C)``.
    color : str
        One of `COLORS`, or ``channels``: none of them.
    bits : int
        Of an integer sample; without meaning for floats.
    alpha : str or None
        ``straight`` or ``premultiplied``: what the sample after the colour is.
    colormap : array or None
        Shape ``(N, 3)`` or ``(N, 4)`` in [0, 1].
    luma : three numbers
        Coefficients of R, G and B in Y.
    ranges : six numbers
        Black and white of Y, and zero and full of Cb and Cr.
    stored : str
        How they lie in the file, for the reader of the table.
    """

    values: Array
    color: str = "gray"
    bits: int = 8
    alpha: str | None = None
    white_is_zero: bool = False
    colormap: Array | None = None
    luma: tuple[float, float, float] = BT601
    ranges: tuple[float, ...] | None = None
    stored: str = ""


@dataclass(frozen=True)
class Moments:
    """Shape of an image, and mean and standard deviation of gray and of each colour."""

    shape: tuple[int, int]
    gray: tuple[float, float]
    color: tuple[tuple[float, float], ...]

    def distance(self, other: Moments) -> float:
        """The largest difference, relative beyond 1; infinite between images of unlike size."""
        if sorted(self.shape) != sorted(other.shape):
            return float("inf")
        ours = np.array((self.gray, *self.color))
        theirs = np.array((other.gray, *other.color))
        return float((np.abs(ours - theirs) / np.maximum(1.0, np.abs(theirs))).max())


def moments(pixels: Array) -> Moments:
    """Of pixels of shape ``(H, W)`` or ``(H, W, 3)``."""
    colors = [pixels] * 3 if pixels.ndim == 2 else list(np.moveaxis(pixels, -1, 0))
    gray = pixels if pixels.ndim == 2 else pixels @ np.asarray(BT601)
    height, width = pixels.shape[:2]
    return Moments((height, width), _moments(gray), tuple(map(_moments, colors)))


def by_channels(values: Array, bits: int) -> Samples:
    """Gray, gray and opacity, RGB, RGBA, or channels, by how many there are."""
    n = 1 if values.ndim == 2 else values.shape[-1]
    if n not in (1, 2, 3, 4):
        return Samples(values, "channels", bits)
    return Samples(values, "gray" if n < 3 else "rgb", bits, None if n % 2 else "straight")


def pixels(samples: Samples) -> Array:
    """Samples as gray ``(H, W)`` or colour ``(H, W, 3)``, opaque.

    Raises
    ------
    NoImage
        If they are complex, not finite, or of an unknown shape.
    """
    values = samples.values
    if values.ndim not in (2, 3) or values.size == 0:
        raise NoImage(f"an array of shape {values.shape}")
    if values.dtype.kind not in "buif":
        raise NoImage(f"samples of type {values.dtype}")
    values = values.reshape(*values.shape[:2], -1)
    if samples.color == "channels":
        return _light(values, samples).mean(axis=-1)
    n = COLORS[samples.color]
    if values.shape[-1] < n:
        raise NoImage(f"{values.shape[-1]} channels for {samples.color}")
    found = _color(values[..., :n], samples)
    if samples.colormap is not None and samples.colormap.shape[1] == 4:
        found, opacity = found[..., :3], found[..., 3:]
        found = found * opacity + 1.0 - opacity
    elif samples.alpha is not None and values.shape[-1] > n:
        opacity = _levels(values[..., n : n + 1], samples.bits)
        shown = found if samples.alpha == "premultiplied" else found * opacity
        found = shown + 1.0 - opacity
    return found[..., 0] if found.shape[-1] == 1 else found


def _color(values: Array, samples: Samples) -> Array:
    if samples.colormap is not None:
        index = values[..., 0].astype(np.int64)
        if index.max() >= len(samples.colormap):
            raise NoImage(f"index {index.max()} of a map of {len(samples.colormap)} colours")
        return samples.colormap[index]
    if samples.color == "ycc":
        return _from_ycc(values.astype(np.float64), samples)
    light = _light(values, samples)
    if samples.color == "cmyk":
        return (1.0 - light[..., :3]) * (1.0 - light[..., 3:])
    return light


def _light(values: Array, samples: Samples) -> Array:
    levels = _levels(values, samples.bits)
    return 1.0 - levels if samples.white_is_zero else levels


def _levels(values: Array, bits: int) -> Array:
    if values.dtype.kind == "f":
        bad = int(np.count_nonzero(~np.isfinite(values)))
        if bad:
            raise NoImage(f"{bad} samples are NaN or infinite")
        return values.astype(np.float64)
    if values.dtype.kind == "b":
        return values.astype(np.float64)
    lowest = -(2.0 ** (bits - 1)) if values.dtype.kind == "i" else 0.0
    return (values - lowest) / (2.0**bits - 1)


def _from_ycc(values: Array, samples: Samples) -> Array:
    top, middle = 2.0**samples.bits - 1, 2.0 ** (samples.bits - 1)
    ranges = np.reshape(samples.ranges or (0.0, top, middle, top, middle, top), (3, 2))
    full = np.array((top, middle - 1, middle - 1)) / top  # TIFF 6.0, section 21
    y, cb, cr = np.moveaxis((values - ranges[:, 0]) / np.ptp(ranges, axis=1) * full, -1, 0)
    r, g, b = samples.luma
    red, blue = y + (2 - 2 * r) * cr, y + (2 - 2 * b) * cb
    green = (y - r * red - b * blue) / g
    return np.clip(np.stack([red, green, blue], axis=-1), 0.0, 1.0)


def _moments(channel: Array) -> tuple[float, float]:
    return float(channel.mean()), float(channel.std())
