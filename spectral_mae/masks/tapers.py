"""Masks as weights from 0 to 1: checked, tapered, and their pairs counted."""

from __future__ import annotations

from math import prod

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.spectra.frequencies import row_strips


def mask_weights(visible: ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    """Check a mask, or several, (*shape) or (n, *shape), and return its weights."""
    return mask_or_weights(visible, shape).astype(np.float64)


def mask_or_weights(visible: ArrayLike, shape: tuple[int, ...]) -> BoolArray | FloatArray:
    """The same without a copy; a bool mask as it is, in an eighth of the memory of weights."""
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


def autocorrelation(half_power: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Circular autocorrelation from power on the half-plane."""
    # Axis by axis, for an inverse transform of both at once takes three times its result.
    half = half_power.astype(np.complex128)
    if len(shape) == 2:
        half = scipy.fft.ifft(half, axis=0, norm="forward", overwrite_x=True)
    lags: FloatArray = scipy.fft.irfft(half, shape[-1], norm="forward", overwrite_x=True)
    lags *= 1.0 / prod(shape)
    return lags


def add_power(power: FloatArray, pixels: BoolArray | FloatArray) -> None:
    """Add |X|² of an image to half-plane power, some rows at a time."""
    half = scipy.fft.rfftn(pixels)
    for rows in row_strips(power.shape):
        power[rows] += np.abs(half[rows]) ** 2


def taper_edges(visible: ArrayLike, width: float) -> FloatArray:
    """Weights that rise smoothly from 0 at hidden pixels to 1 at ``width`` pixels from them.

    A sharp edge of a mask leaks far in frequency; a tapered one sees less of the image and leaks
    less. The rise is (1 − cos πd/width)/2 in the distance d to the nearest hidden pixel; the
    image's own borders are not edges.

    Parameters
    ----------
    visible : array_like of bool, shape (*shape)
    width : float
        In pixels.

    Returns
    -------
    ndarray, shape (*shape)

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
    distance = scipy.ndimage.distance_transform_edt(mask)
    return (1 - np.cos(np.pi * np.minimum(distance / width, 1))) / 2


def step_weights(
    weights: BoolArray | FloatArray, axis: int, *, wrap: bool
) -> BoolArray | FloatArray:
    """Weights of the steps to the next pixel along an axis: both ends have to be visible.

    Parameters
    ----------
    weights : ndarray
    axis : int
    wrap : bool
        Whether the last pixel steps to the first.
    """
    both = np.roll(weights, -1, axis)
    both *= weights
    if not wrap:
        np.moveaxis(both, axis, 0)[-1] = 0.0
    return both
