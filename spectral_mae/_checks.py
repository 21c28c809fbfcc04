"""Argument checks and their messages, and the words an option may take.

Checks run once, at the public boundary; inside, values are trusted. Every message prints the
value it refuses.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Sequence
from typing import Any, Literal, SupportsIndex, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Sampling = Literal["fixed", "bernoulli"]
Scaling = Literal["density", "spectrum", "energy"]
Detrend = Literal["constant", "linear", "periodic"]
Backend = Literal["fftw", "scipy"]
Planner = Literal["estimate", "measure"]

FloatArray = NDArray[np.floating[Any]]
ComplexArray = NDArray[np.complexfloating[Any, Any]]
BoolArray = NDArray[np.bool_]
PerAxis = int | Sequence[int]


def choice(name: str, value: object, options: object) -> None:
    """Raise ``ValueError`` unless ``value`` is one of the words of a ``Literal``."""
    words = get_args(options)
    if not isinstance(value, str) or value not in words:
        listed = ", ".join(repr(word) for word in words)
        raise ValueError(f"{name}={value!r} is not one of {listed}")


def positive_int(name: str, value: SupportsIndex) -> int:
    """Return ``value`` as an int of at least 1; floats and smaller numbers are refused."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}={value!r} is not an integer") from None
    if number < 1:
        raise ValueError(f"{name}={number} is not at least 1")
    return number


def _each(value: Any, ndim: int | None = None) -> tuple[Any, ...]:
    """The entries of a sequence or array, or a single value for each of ``ndim`` axes."""
    return tuple(value) if np.ndim(value) else (value,) * (ndim or 1)


def grid_shape(shape: PerAxis) -> tuple[int, ...]:
    """Return the shape of a signal or image as a tuple of one or two positive ints."""
    sizes = _each(shape)
    if len(sizes) not in (1, 2):
        hint = "; for colours give channel_axis" if len(sizes) == 3 else ""
        raise ValueError(
            f"{shape=} has {len(sizes)} axes; signals (1) and images (2) are handled{hint}"
        )
    return tuple(positive_int("shape", size) for size in sizes)


def per_axis(name: str, value: PerAxis, ndim: int) -> tuple[int, ...]:
    """Spread an int over ``ndim`` axes, or check that a sequence has one int for each."""
    sizes = _each(value, ndim)
    if len(sizes) != ndim:
        raise ValueError(f"{name}={value!r} has {len(sizes)} numbers for {ndim} axes")
    return tuple(positive_int(name, size) for size in sizes)


def sampling_rates(fs: float | Sequence[float], ndim: int) -> tuple[float, ...]:
    """Spread a sampling frequency over ``ndim`` axes; each must be finite and positive."""
    given = _each(fs, ndim)
    if len(given) != ndim:
        raise ValueError(f"{fs=} has {len(given)} numbers for {ndim} axes")
    rates = tuple(real_number("fs", rate) for rate in given)
    if not all(math.isfinite(rate) and rate > 0 for rate in rates):
        raise ValueError(f"{fs=} must be finite and positive")
    return rates


def real_number(name: str, value: float) -> float:
    """Return ``value`` as a float.

    Of single precision the shortest decimal that it stands for is taken: np.float32(0.6) means
    0.6, not 0.60000002.
    """
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{name}={value!r} is not a real number")
    return float(str(value)) if isinstance(value, np.floating) else float(value)


def bounded_number(name: str, value: float, limit: float) -> float:
    """Return ``value`` as a float from −limit to limit."""
    number = real_number(name, value)
    if not -limit <= number <= limit:
        raise ValueError(f"{name}={value!r} is not between {-limit:g} and {limit:g}")
    return number


def open_unit(name: str, value: float) -> float:
    """Return ``value`` as a float strictly between 0 and 1."""
    number = real_number(name, value)
    if not 0.0 < number < 1.0:
        percent = name == "mask_ratio" and 1.0 < number < 100.0
        hint = f" ({number:g} % is {number / 100:g})" if percent else ""
        raise ValueError(f"{name}={value!r} is not strictly between 0 and 1{hint}")
    return number


def real_pixels(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return ``value`` as float64, refusing what is not real; NaN and infinite may stand in it."""
    array = plain_array(name, value)
    if array.dtype.kind not in "buif":
        raise TypeError(f"{name} has dtype {array.dtype}; real numbers are needed")
    return array.astype(np.float64, copy=False)


def closed_unit(name: str, value: float) -> float:
    """Return ``value`` as a float from 0 to 1."""
    number = real_number(name, value)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"{name}={value!r} is not between 0 and 1")
    return number


def plain_array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return ``value`` as an array, refusing masked ones: their mask would be lost."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array; pass its data, and visible= for its mask")
    return np.asarray(value)


def bool_mask(name: str, value: ArrayLike) -> BoolArray:
    """Return a mask as bool; numbers only if all are 0 or 1."""
    array = plain_array(name, value)
    if array.dtype == np.bool_:
        return array
    if array.dtype.kind not in "uif":
        raise TypeError(f"{name} has dtype {array.dtype}; a mask is bool")
    other = (array != 0) & (array != 1)
    if other.any():
        raise ValueError(f"{name} holds {array[other][0]}; a mask is bool, or 0 and 1")
    return array.astype(bool)


def real_array(name: str, value: ArrayLike) -> FloatArray:
    """Return ``value`` as float32 (if it is) or float64, refusing complex, NaN and infinite."""
    array = plain_array(name, value)
    if array.dtype.kind not in "buif":
        raise TypeError(f"{name} has dtype {array.dtype}; real numbers are needed")
    if array.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        array = array.astype(np.float64)
    if not _all_finite(array):
        bad = np.argwhere(~np.isfinite(array))
        where = tuple(int(i) for i in bad[0])
        raise ValueError(
            f"{name} holds {len(bad)} values that are not finite, the first at {where}: "
            f"{array[where]}"
        )
    return array


def _all_finite(array: FloatArray) -> bool:
    if array.flags.c_contiguous:
        flat = array.ravel()
        with np.errstate(over="ignore", invalid="ignore"):
            # The sum of squares is finite if all are and it does not overflow, and sooner there.
            if math.isfinite(float(np.dot(flat, flat))):
                return True
    return bool(np.isfinite(array).all())


def channels_last(
    name: str, array: NDArray[Any], channel_axis: int | None, ndim: int
) -> NDArray[Any]:
    """Return a view with the channels as last axis; a missing channel axis becomes one channel.

    ``ndim`` is what the array must have besides the channels.
    """
    expected = ndim + (channel_axis is not None)
    if array.ndim != expected:
        raise ValueError(
            f"{name} of shape {array.shape} has {array.ndim} axes; {channel_axis=} needs {expected}"
        )
    if channel_axis is None:
        return array[..., np.newaxis]
    try:
        channel_axis = operator.index(channel_axis)
    except TypeError:
        raise TypeError(f"{channel_axis=} is not an integer") from None
    if not -expected <= channel_axis < expected:
        raise ValueError(f"{channel_axis=} is out of range for {name} of shape {array.shape}")
    return np.moveaxis(array, channel_axis, -1)
