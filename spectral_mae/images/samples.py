"""Samples of an image file as pixels: scaling, opacity, colours and channels.

A decoder returns the samples as the file stores them, and says which sample value is black, which
is white and which channel is opacity. The arithmetic is done here, for all formats alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import all_finite
from spectral_mae.images.pixel_size import PixelSize

Pixels = NDArray[np.float64]
Alpha = Literal["straight", "associated"]

# Pixels are made in strips of rows, so that no copy of all channels in double precision is needed.
STRIP = 2**14


class ImageRefused(ValueError):  # noqa: N818 - a verdict on a file, not a fault of the program
    """Error for a file that cannot be used; the message is the reason, in one line."""


class TooLarge(ImageRefused):
    """Error for an image of more pixels than are allowed.

    Attributes
    ----------
    n_pixels : int
        Pixels of the image: the limit that would allow it.
    """

    def __init__(self, reason: str, n_pixels: int) -> None:
        super().__init__(reason)
        self.n_pixels = n_pixels


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """Samples of an image as its file holds them, and what they mean.

    Attributes
    ----------
    samples : ndarray, shape (H, W) or (H, W, C)
        Booleans, integers or real floating-point numbers of any type.
    black, white : float or tuple of float
        Sample values that become 0 and 1, for all channels or one for each. Values between and
        beyond them follow linearly.
    alpha : {"straight", "associated"} or None
        Whether the last channel is opacity, and whether the others were multiplied by it already.
    opaque : float
        Sample value of full opacity.
    transparent : tuple of int or None
        The samples, one for each channel, of pixels that are transparent; all others are opaque.
    to_rgb : callable or None
        Makes red, green and blue of the channels of another colour model, scaled to [0, 1].
    gray : bool
        Whether each channel is an image of its own, also if there are three of them.
    pixel_size : PixelSize or None
        Where the file states one.

    Examples
    --------
    >>> notes = []
    >>> Raster.of(np.array([[0, 3, 11]]), white=11).pixels(notes, color=False)
    array([[0.        , 0.27272727, 1.        ]])
    >>> Raster.integers(np.array([[-128, 127]], dtype=np.int8)).pixels(notes, color=False)
    array([[0., 1.]])
    >>> half = np.array([[[0, 128]]], dtype=np.uint8)
    >>> Raster.integers(half, alpha="straight").pixels(notes, color=False)
    array([[0.49803922]])
    >>> notes
    ['transparent pixels shown on white']
    """

    samples: NDArray[Any]
    black: float | tuple[float, ...]
    white: float | tuple[float, ...]
    alpha: Alpha | None = None
    opaque: float = 1.0
    transparent: tuple[int, ...] | None = None
    to_rgb: Callable[[Pixels], Pixels] | None = None
    gray: bool = False
    pixel_size: PixelSize | None = None

    @classmethod
    def of(
        cls,
        samples: NDArray[Any],
        *,
        white: float | tuple[float, ...],
        alpha: Alpha | None = None,
    ) -> Self:
        """Make a raster of samples from 0 to a maximum.

        Parameters
        ----------
        samples : ndarray, shape (H, W) or (H, W, C)
            Samples.
        white : float or tuple of float
            The maximum: one for all channels, or one for each, with that of alpha.
        alpha : {"straight", "associated"} or None
            Whether the last channel is opacity.

        Returns
        -------
        Raster
            With 0 as black.
        """
        *colours, last = white if isinstance(white, tuple) else (white, white)
        return (
            cls(samples, 0.0, white)
            if alpha is None
            else cls(samples, 0.0, tuple(colours), alpha, last)
        )

    @classmethod
    def integers(
        cls,
        samples: NDArray[Any],
        bits: int | None = None,
        *,
        signed: bool | None = None,
        white_is_zero: bool = False,
        alpha: Alpha | None = None,
    ) -> Self:
        """Make a raster of integers that fill the range of a number of bits.

        Parameters
        ----------
        samples : ndarray of int or bool, shape (H, W) or (H, W, C)
            Samples; booleans have one bit.
        bits : int or None
            Number of bits; None takes those of the type.
        signed : bool or None
            Whether the range begins at −2^(bits−1) instead of 0; None takes this from the type.
        white_is_zero : bool
            Whether the smallest sample is white.
        alpha : {"straight", "associated"} or None
            Whether the last channel is opacity.

        Returns
        -------
        Raster
            With the range as black to white.
        """
        kind = samples.dtype.kind
        bits = (1 if kind == "b" else 8 * samples.dtype.itemsize) if bits is None else bits
        signed = kind == "i" if signed is None else signed
        span = 2.0**bits - 1
        lowest = -(2.0 ** (bits - 1)) if signed else 0.0
        limits = (lowest, lowest + span)
        black, white = limits[::-1] if white_is_zero else limits
        return cls(samples, black, white, alpha, limits[1])

    @classmethod
    def floats(
        cls, samples: NDArray[Any], *, white_is_zero: bool = False, alpha: Alpha | None = None
    ) -> Self:
        """Make a raster of floating-point samples, which keep their values.

        Parameters
        ----------
        samples : ndarray of float, shape (H, W) or (H, W, C)
            Samples.
        white_is_zero : bool
            Replace each value by 1 − value.
        alpha : {"straight", "associated"} or None
            Whether the last channel is opacity.

        Returns
        -------
        Raster
            With black 0 and white 1.
        """
        black, white = (1.0, 0.0) if white_is_zero else (0.0, 1.0)
        return cls(samples, black, white, alpha)

    @property
    def colours(self) -> int:
        """Number of channels that are not opacity, after other colour models became RGB."""
        if self.to_rgb is not None:
            return 3
        channels = 1 if self.samples.ndim == 2 else self.samples.shape[-1]
        return channels - (self.alpha is not None)

    def pixels(self, notes: list[str], *, color: bool, channel: int | None = None) -> Pixels:
        """Pixels, and notes on what was done that changes what a spectrum means.

        NaN and infinity stay: who reads an image decides whether it may have missing pixels.

        Parameters
        ----------
        notes : list of str
            Receives what was done that changes what a spectrum means.
        color : bool
            Three channels, else gray values (ITU-R BT.601 luma).
        channel : int or None
            The one channel to take, from 0. None is all of gray and of colour, and the mean over
            the channels where they are more than one and no colours.

        Returns
        -------
        ndarray of float64, shape (H, W) or (H, W, 3)

        Raises
        ------
        ImageRefused
            If there is no such channel.
        """
        with np.errstate(invalid="ignore"):  # NaN and infinity give NaN
            return self._pixels(notes, color=color, channel=channel)

    def _pixels(self, notes: list[str], *, color: bool, channel: int | None) -> Pixels:
        floating = self.samples.dtype.kind == "f"
        if channel is not None and not 0 <= channel < self.colours:
            raise ImageRefused(
                f"channel {channel} of an image of {_channels(self.colours)}, from 0"
            )
        averaged = channel is None and (self.gray or self.colours != 3) and self.colours > 1
        if averaged:
            notes.append(f"mean of its {self.colours} channels")
        height, width = self.samples.shape[:2]
        pixels = np.empty((height, width, 3) if color else (height, width))
        lowest, highest, least_opaque, clipped = np.inf, -np.inf, 1.0, False
        for rows in self._strips():
            values = self._scaled(rows)
            if floating:
                known = values if all_finite(values) else values[np.isfinite(values)]
                lowest = min(lowest, known.min(initial=np.inf))
                highest = max(highest, known.max(initial=-np.inf))
            opacity = self._opacity(rows)
            # As NaN does: a pixel of unknown opacity is unknown.
            if opacity is not None and not (least := float(opacity.min())) >= 1:
                least_opaque = min(least_opaque, least)
                if self.alpha == "associated":
                    if not floating and (values > opacity).any():
                        values, clipped = np.minimum(values, opacity), True
                    values += 1.0 - opacity
                else:
                    values = values * opacity + (1.0 - opacity)
            chosen = values.mean(axis=-1) if averaged else _chosen(values, channel)
            pixels[rows] = to_channels(chosen, color=color)
        if channel is not None and self.colours > 1:
            notes.append(f"channel {channel} of {self.colours}")
        if lowest < 0 or highest > 1:
            notes.append(f"values from {lowest:.4g} to {highest:.4g} kept as they are")
        if least_opaque < 1:
            notes.append("transparent pixels shown on white")
        if clipped:
            notes.append("colours brighter than their opacity allows were clipped to it")
        return pixels

    def turned(self, orientation: int) -> Self:
        """Return the image upright, as its EXIF orientation says.

        Parameters
        ----------
        orientation : int
            1 to 8.

        Returns
        -------
        Raster
            Rows and columns are swapped for 5 to 8.
        """
        samples, pixel_size = self.samples, self.pixel_size
        if orientation >= 5:
            samples = samples.swapaxes(0, 1)
            pixel_size = None if pixel_size is None else pixel_size.transposed()
        if orientation in (3, 4, 7, 8):
            samples = samples[::-1]
        if orientation in (2, 3, 6, 7):
            samples = samples[:, ::-1]
        return replace(self, samples=samples, pixel_size=pixel_size)

    def _strips(self) -> Iterator[slice]:
        height, width = self.samples.shape[:2]
        rows = max(1, STRIP // max(1, width))
        return (slice(top, top + rows) for top in range(0, height, rows))

    def _scaled(self, rows: slice) -> Pixels:
        samples = self.samples[rows]
        if self.alpha is not None:
            samples = samples[..., :-1]
        black, white = np.asarray(self.black, np.float64), np.asarray(self.white, np.float64)
        values: Pixels
        if black.any() or samples.dtype.kind == "f":
            values = samples.astype(np.float64)
            values -= black
            values /= white - black
        else:
            values = samples / white  # in one pass, which is the usual case
        if (white < black).any():
            values += 0.0  # no negative zeros
        return values if self.to_rgb is None else self.to_rgb(values)

    def _opacity(self, rows: slice) -> Pixels | None:
        """From 0 to 1, of shape (h, w) or (h, w, 1); None where all is opaque."""
        samples = self.samples[rows]
        if self.alpha is not None:
            return samples[..., -1:] / np.float64(self.opaque)
        if self.transparent is None:
            return None
        differs = samples != np.asarray(self.transparent)
        opaque = differs.any(axis=-1, keepdims=True) if samples.ndim == 3 else differs
        return opaque.astype(np.float64)


def check_size(height: int, width: int, max_pixels: int) -> None:
    """Raise `TooLarge` for an image of more pixels than are allowed.

    Parameters
    ----------
    height, width : int
        Size of the image.
    max_pixels : int
        The limit.
    """
    if height * width > max_pixels:
        raise TooLarge(
            f"too large: {height}x{width} is {height * width / 1e6:.1f} million pixels; "
            f"the limit is {max_pixels / 1e6:.1f} million",
            height * width,
        )


def _channels(n: int) -> str:
    return f"{n} channel{'s' if n > 1 else ''}"


def _chosen(values: Pixels, channel: int | None) -> Pixels:
    """One channel or three."""
    if values.ndim == 2 or (values.shape[-1] == 3 and channel is None):
        return values
    return values[..., channel or 0]


def to_channels(pixels: Pixels, *, color: bool) -> Pixels:
    """Return pixels as three channels or as gray values.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, 3)
        Gray values, or red, green and blue.
    color : bool
        Whether three channels are wanted; otherwise gray, as ITU-R BT.601 luma.

    Returns
    -------
    ndarray, shape (H, W) or (H, W, 3)
        A gray image as three equal channels, or a colour image as gray, or the pixels as they are.
    """
    if pixels.ndim == 2:
        return np.repeat(pixels[..., np.newaxis], 3, axis=-1) if color else pixels
    if color:
        return pixels
    red, green, blue = np.moveaxis(pixels, -1, 0)
    # 0.299 R + 0.587 G + 0.114 B, in the order that leaves R = G = B exactly as it is
    return green + 0.299 * (red - green) + 0.114 * (blue - green)


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
