"""Masks as weights from 0 to 1: checked, tapered, and their pairs counted."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray, Visible
from spectral_mae.spectra.frequencies import row_strips


def mask_weights(visible: ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    """Check one mask or several and return them as weights in double precision.

    Parameters
    ----------
    visible : array_like, shape (*shape) or (n, *shape)
        Bool, or weights from 0 to 1.
    shape : tuple of int
        Pixels along each axis.

    Returns
    -------
    ndarray of float64, like ``visible``
        A copy.

    Raises
    ------
    ValueError
        If the shape does not fit, or a weight is not from 0 to 1.
    """
    return mask_or_weights(visible, shape).astype(np.float64)


def mask_or_weights(visible: ArrayLike, shape: tuple[int, ...]) -> BoolArray | FloatArray:
    """Check one mask or several and return them without a copy.

    As `mask_weights`, but a bool mask stays bool, in an eighth of the memory of weights.

    Parameters
    ----------
    visible : array_like, shape (*shape) or (n, *shape)
        Bool, or weights from 0 to 1.
    shape : tuple of int
        Pixels along each axis.

    Returns
    -------
    ndarray of bool or float64, like ``visible``
        The masks.

    Raises
    ------
    ValueError
        If the shape does not fit, or a weight is not from 0 to 1.
    """
    weights: BoolArray | FloatArray = _checks.plain_array("visible", visible)
    if weights.dtype != np.bool_:
        weights = _checks.real_array("visible", visible).astype(np.float64, copy=False)
    if weights.shape[-len(shape) :] != shape or weights.ndim > len(shape) + 1:
        raise ValueError(f"visible of shape {weights.shape} is neither {shape} nor (n, {shape})")
    if weights.dtype != np.bool_ and weights.size and (weights.min() < 0 or weights.max() > 1):
        raise ValueError(
            f"visible holds weights from {weights.min():.3g} to {weights.max():.3g}, "
            "not from 0 to 1"
        )
    return weights


def seen_weights(
    name: str,
    batch: NDArray[Any],
    shown: BoolArray | None,
    visible: Visible,
    *,
    channel_axis: int | None = None,
) -> BoolArray | FloatArray:
    """Masks or weights of a batch of images, of which each may have its own.

    Parameters
    ----------
    name : str
        What messages call the images.
    batch : ndarray, shape (n, *shape), with the channels at ``channel_axis`` if given
        Their pixels.
    shown : ndarray of bool, like ``batch``, or None
        The mask of a masked array: True where it shows a pixel.
    visible : array_like, shape (*shape) or (n_masks, *shape), "finite" or None
        Bool, or weights from 0 to 1. "finite" hides NaN and infinity, None hides nothing.
    channel_axis : int or None
        Axis of the channels; a pixel is visible if all of its channels are.

    Returns
    -------
    ndarray of bool or float64, shape (n_masks, *shape)
        One mask for all images, or one for each; or several for one image.

    Raises
    ------
    ValueError
        If shapes or numbers do not fit, weights are not from 0 to 1, or "finite" or the mask of a
        masked array shows no pixel of an image.
    """
    masks: BoolArray | FloatArray
    if _checks.says_finite(visible):
        masks = _checks.some_seen(name, np.isfinite(batch), "finite", channel_axis=channel_axis)
    else:
        shape = _checks.without_axis(batch.shape, channel_axis)[1:]
        whole = np.ones(shape, bool)
        masks = whole if visible is None else mask_or_weights(visible, shape)
        masks = masks.reshape(-1, *shape)
        if 1 not in (len(masks), len(batch)) and len(masks) != len(batch):
            raise ValueError(f"{len(batch)} images under {len(masks)} masks do not pair up")
    if shown is None:
        return masks
    own = _checks.some_seen(name, shown, "unmasked", channel_axis=channel_axis)
    return _checks.both(masks, own)


def autocorrelation(half_power: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Circular autocorrelation of an array from its power |X|² (Wiener-Khinchin).

    Parameters
    ----------
    half_power : ndarray, shape (*shape[:-1], shape[-1]//2 + 1)
        |X|² on the half-plane, unnormalised.
    shape : tuple of int
        Pixels along each axis of the array.

    Returns
    -------
    ndarray, shape (*shape)
        Σ_n x[n] x[n+r] at every lag r, FFT order.
    """
    # Axis by axis, for an inverse transform of all at once takes three times its result.
    half = half_power.astype(np.complex128)
    for axis in range(len(shape) - 1):
        half = scipy.fft.ifft(half, axis=axis, norm="forward", overwrite_x=True)
    lags: FloatArray = scipy.fft.irfft(half, shape[-1], norm="forward", overwrite_x=True)
    lags *= 1.0 / prod(shape)
    return lags


def add_power(power: FloatArray, pixels: BoolArray | FloatArray) -> None:
    """Add |X|² of an image to an array of power, some rows at a time to save memory.

    Parameters
    ----------
    power : ndarray, shape (*shape[:-1], shape[-1]//2 + 1)
        Power on the half-plane; changed in place.
    pixels : ndarray, shape (*shape)
        The image, or a mask.
    """
    half = scipy.fft.rfftn(pixels)
    for rows in row_strips(power.shape):
        power[rows] += np.abs(half[rows]) ** 2


def taper_edges(visible: ArrayLike, width: float) -> FloatArray:
    """Weights that rise smoothly from 0 at hidden pixels to 1 at ``width`` pixels from them.

    A sharp edge of a mask spreads power over all frequencies. A tapered edge spreads less, and
    uses less of the image. The weight is (1 − cos πd/width)/2 at a distance d < width from the
    nearest hidden pixel; the borders of the image are not edges.

    Parameters
    ----------
    visible : array_like of bool, shape (*shape)
        True where a pixel is visible.
    width : float
        Width of the rise in pixels, above 0.

    Returns
    -------
    ndarray of float64, shape (*shape)
        Weights from 0 to 1.

    Raises
    ------
    TypeError
        If ``visible`` is not of type bool.

    Examples
    --------
    >>> visible = np.array([0, 1, 1, 1, 1, 1], dtype=bool)
    >>> taper_edges(visible, 4).round(3)
    array([0.   , 0.146, 0.5  , 0.854, 1.   , 1.   ])
    """
    mask = _checks.plain_array("visible", visible)
    if mask.dtype != np.bool_:
        raise TypeError(f"visible has dtype {mask.dtype}; a taper starts from a bool mask")
    width = _checks.positive_number("width", width)
    if mask.all():
        return np.ones(mask.shape)
    from scipy.ndimage import distance_transform_edt  # it takes long to import

    distance = distance_transform_edt(mask)
    return (1 - np.cos(np.pi * np.minimum(distance / width, 1))) / 2


def step_weights(
    weights: BoolArray | FloatArray, axis: int, *, wrap: bool
) -> BoolArray | FloatArray:
    """Weights of the differences to the next pixel along an axis: products of both pixels' weights.

    Parameters
    ----------
    weights : ndarray of bool or float, shape (*shape)
        Mask or weights of the pixels.
    axis : int
        Axis of the differences.
    wrap : bool
        Whether the first pixel is the next one of the last.

    Returns
    -------
    ndarray, like ``weights``
        Zero (or False) at the last pixel if ``wrap`` is False.
    """
    both = np.roll(weights, -1, axis)
    both *= weights
    if not wrap:
        np.moveaxis(both, axis, 0)[-1] = 0.0
    return both
