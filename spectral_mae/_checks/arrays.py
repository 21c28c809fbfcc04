"""Arrays of numbers and masks as arguments: type, finite values, range."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae._checks.messages import brief

FloatArray = NDArray[np.floating[Any]]
ComplexArray = NDArray[np.complexfloating[Any, Any]]
BoolArray = NDArray[np.bool_]
ByteArray = NDArray[np.uint8]

# Squares of larger or smaller numbers, summed over an image, leave the range of float64.
LARGEST_SQUARED, SMALLEST_SQUARED = 1e140, 1e-140
UNSHARED = 8192  # numbers, at most, of a dot product that OpenBLAS leaves to one thread


def plain_array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return ``value`` as an array, refusing masked ones: their mask would be lost."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name} is a masked array, whose mask would be lost here: fill in what it masks with "
            ".filled, or use a function that takes visible="
        )
    if isinstance(value, list | tuple) and any(isinstance(x, np.ma.MaskedArray) for x in value):
        raise TypeError(
            f"{name} holds masked arrays, whose masks would be lost: numpy.ma.stack them"
        )
    try:
        return np.asarray(value)
    except (RuntimeError, TypeError, ValueError) as error:
        tensors = [
            one
            for one in (value if isinstance(value, list | tuple) else [value])
            if _is_tensor(one)
        ]
        if tensors:
            raise TypeError(_of_tensor(name, tensors[0])) from None
        if "inhomogeneous" in str(error):
            raise ValueError(
                f"{name}={brief(value)} is not an array: its rows differ in length"
            ) from None
        raise


def numeric_array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return ``value`` as an array of real numbers of any type."""
    array = plain_array(name, value)
    if array.dtype.kind not in "buif":
        raise TypeError(f"{name} has dtype {array.dtype}; real numbers are needed")
    return array


def real_pixels(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return ``value`` as float64, which may hold NaN and infinity; complex numbers are refused."""
    return _as(np.float64, numeric_array(name, value))


def real_array(name: str, value: ArrayLike, *, first: int = 0) -> FloatArray:
    """Return ``value`` as float32 (if it is) or float64, refusing complex, NaN and infinite.

    ``first`` is the number of the first entry, where ``value`` is a part of what messages are of.
    """
    array = as_floating(numeric_array(name, value))
    if not all_finite(array):
        raise ValueError(not_finite(name, array, first=first))
    return array


def as_floating(array: NDArray[Any]) -> FloatArray:
    """Return real numbers as float32 (if they are) or float64, which may hold NaN."""
    single = array.dtype.newbyteorder("=") == np.float32
    return _as(np.float32 if single else np.float64, array)


def not_finite(
    name: str, array: FloatArray, bad: BoolArray | None = None, *, first: int = 0
) -> str:
    """Say how many numbers are not finite (those that are ``bad``), and where the first is."""
    places = np.argwhere(~np.isfinite(array) if bad is None else bad)
    where = tuple(int(i) for i in places[0])
    shown = (where[0] + first, *where[1:]) if where else where
    return (
        f"{name} holds {len(places)} values that are not finite, the first at {shown}: "
        f"{array[where]}"
    )


def sum_of_squares(flat: FloatArray) -> float:
    """Add up the squares of a vector, each piece in its own precision and their sums in double.

    BLAS would share out a longer piece among threads, which takes up to 1000 times as long on a
    machine whose cores have other work; and of many numbers in single precision digits get lost.
    """
    pieces = (flat[i : i + UNSHARED] for i in range(0, flat.size, UNSHARED))
    return sum(float(np.dot(piece, piece)) for piece in pieces)


def squarable(name: str, array: FloatArray) -> FloatArray:
    """Return an array, refusing numbers whose sums of squares would overflow or underflow."""
    if array.size:
        flat = array.ravel()
        with np.errstate(over="ignore", under="ignore"):
            square = sum_of_squares(flat) if array.dtype == np.float64 else 0.0
        if not SMALLEST_SQUARED**2 <= square <= LARGEST_SQUARED**2:
            largest = float(max(flat.max(), -flat.min()))
            if largest > LARGEST_SQUARED:
                raise ValueError(f"{name} holds values up to {largest:.3g}: too large to square")
            if 0 < largest < SMALLEST_SQUARED:
                raise ValueError(f"{name} holds values up to {largest:.3g}: too small to square")
    return array


def squarable_array(name: str, value: ArrayLike, *, first: int = 0) -> NDArray[np.float64]:
    """Return ``value`` in double precision as `real_array` and `squarable` leave it.

    One pass is enough where the sum of squares is in its range: then all numbers are finite.
    """
    numbers = numeric_array(name, value)
    array = _as(np.float64, numbers)
    if array.flags.c_contiguous:
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            if SMALLEST_SQUARED**2 <= sum_of_squares(array.ravel()) <= LARGEST_SQUARED**2:
                return array
    if not all_finite(array):
        raise ValueError(not_finite(name, array, first=first))
    return squarable(name, array)  # type: ignore[return-value]  # the same array


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


def _is_tensor(value: object) -> bool:
    """Whether a value is a tensor of PyTorch, which is not imported for this."""
    return type(value).__module__.split(".")[0] == "torch"


def _of_tensor(name: str, tensor: Any) -> str:
    """Return why NumPy cannot read a tensor, and how to convert it."""
    kind = str(tensor.dtype)
    detached = ".detach()" if tensor.requires_grad else ""
    moved = "" if tensor.device.type == "cpu" else ".cpu()"
    cast = "" if kind in ("torch.float32", "torch.float64", "torch.float16") else ".float()"
    grad = " with requires_grad" if detached else ""
    return (
        f"{name} is a {kind} tensor on {tensor.device}{grad}, which NumPy does not read: give "
        f"tensor{detached}{moved}{cast}"
    )


def _as(dtype: Any, array: NDArray[Any]) -> NDArray[Any]:
    """Convert an array to another precision; numbers that are too large become infinite."""
    if array.dtype == dtype:
        return array
    with np.errstate(over="ignore"):
        return array.astype(dtype)


def all_finite(array: FloatArray) -> bool:
    if array.flags.c_contiguous:
        flat = array.ravel()
        with np.errstate(over="ignore", invalid="ignore"):
            # The sum of squares is finite if all are and it does not overflow, and sooner there.
            if math.isfinite(sum_of_squares(flat)):
                return True
    return bool(np.isfinite(array).all())
