"""Single numbers as arguments: integers, finite and positive numbers, fractions."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np

from spectral_mae._checks.messages import brief

PerAxis = int | Sequence[int]


def integer(
    name: str, value: SupportsIndex, *, least: int | None = None, why: str | None = None
) -> int:
    """Return ``value`` as an int; truth values, floats and numbers below ``least`` are refused.

    ``why`` replaces the limit in the message about a value that is too small.
    """
    if is_bool(value):
        raise TypeError(f"{name}={brief(value)} is a truth value, not an integer")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}={brief(value)} is not an integer") from None
    if least is not None and number < least:
        raise ValueError(f"{name}={number} is not at least {least}" if why is None else
                         f"{name}={number}: {why}")  # fmt: skip
    return number


def integers(name: str, value: PerAxis) -> tuple[int, ...]:
    """Return one int or several as a tuple."""
    try:
        return tuple(integer(name, one) for one in each(name, value))
    except TypeError:
        raise TypeError(f"{name}={brief(value)} is not an index of integers") from None


def positive_int(name: str, value: SupportsIndex) -> int:
    """Return ``value`` as an int of at least 1; floats and smaller numbers are refused."""
    return integer(name, value, least=1)


def real_number(name: str, value: float) -> float:
    """Return ``value`` as a finite float; truth values and strings are refused.

    A number in single precision is converted by its shortest decimal: np.float32(0.6) becomes 0.6,
    not 0.60000002.
    """
    number = real(name, value)
    if not math.isfinite(number):
        raise ValueError(f"{name}={brief(value)} is not finite")
    return number


def limit(name: str, value: float | None, otherwise: float) -> float:
    """Return an end of a range as a float, which may be infinite; None means ``otherwise``."""
    if value is None:
        return otherwise
    number = real(name, value)
    if math.isnan(number):
        raise ValueError(f"{name}={brief(value)} is not a number")
    return number


def positive_number(name: str, value: float) -> float:
    """Return ``value`` as a finite float above zero."""
    number = real(name, value)
    if not 0 < number < math.inf:
        raise ValueError(f"{name}={brief(value)} is not a positive number")
    return number


def bounded_number(name: str, value: float, limit: float) -> float:
    """Return ``value`` as a float from −limit to limit."""
    number = real(name, value)
    if not -limit <= number <= limit:
        raise ValueError(f"{name}={brief(value)} is not between {-limit:g} and {limit:g}")
    return number


def non_negative_number(name: str, value: float) -> float:
    """Return ``value`` as a finite float that is zero or more."""
    number = real(name, value)
    if not 0 <= number < math.inf:
        raise ValueError(f"{name}={brief(value)} is negative or not finite")
    return number


def open_unit(name: str, value: float) -> float:
    """Return ``value`` as a float strictly between 0 and 1."""
    number = real(name, value)
    if not 0.0 < number < 1.0:
        percent = name == "mask_ratio" and 1.0 < number < 100.0
        hint = f" ({number:g} % is {number / 100:g})" if percent else ""
        raise ValueError(f"{name}={brief(value)} is not strictly between 0 and 1{hint}")
    return number


def closed_unit(name: str, value: float) -> float:
    """Return ``value`` as a float from 0 to 1."""
    number = real(name, value)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"{name}={brief(value)} is not between 0 and 1")
    return number


def real(name: str, value: Any) -> float:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    # NumPy takes its spans of time for integers.
    if is_bool(value) or not isinstance(value, numbers.Real) or isinstance(value, np.timedelta64):
        what = "a truth value, not a number" if is_bool(value) else "not a real number"
        raise TypeError(f"{name}={brief(value)} is {what}")
    try:
        return float(str(value)) if isinstance(value, np.floating) else float(value)
    except OverflowError:
        raise ValueError(f"{name}={brief(value)} is too large for a float") from None


def is_bool(value: object) -> bool:
    """Whether a value is one truth value, Python's, NumPy's or a tensor's."""
    return isinstance(value, bool) or str(getattr(value, "dtype", "")) in ("bool", "torch.bool")


def each(name: str, value: Any, ndim: int | None = None) -> tuple[Any, ...]:
    """The entries of a sequence or array, or a single value for each of ``ndim`` axes."""
    try:
        axes = np.ndim(value)
    except (RuntimeError, TypeError, ValueError):  # ragged, or a tensor that holds on to its past
        axes = 2
    if axes > 1:
        hint = "; the shape of an array is array.shape, that of images in a batch images.shape[1:]"
        raise TypeError(
            f"{name}={brief(value)} is not a number, or one for each axis"
            f"{hint if name == 'shape' else ''}"
        )
    return tuple(value) if axes else (value,) * (ndim or 1)
