"""Argument checks and their messages, and the values that options may take.

Each check takes the name of an argument and its value. It returns the value in the type that the
package computes with, or raises TypeError for a value of the wrong type and ValueError for one out
of range. The message shows the name and the value, abbreviated where it is long. Arguments are
checked once, in the public functions.

A truth value is not a number, a float is not an integer, and NaN and infinity are not values that
an option may have: Python and NumPy would take them silently for something else.
"""

from __future__ import annotations

import functools
import math
import numbers
import operator
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, SupportsIndex, TypeVar, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Sampling = Literal["fixed", "bernoulli"]
Rounding = Literal["floor", "mae"]
Scaling = Literal["density", "spectrum", "energy"]
Detrend = Literal["constant", "linear", "periodic"]
Backend = Literal["fftw", "scipy", "ducc"]
Planner = Literal["estimate", "measure"]

FloatArray = NDArray[np.floating[Any]]
ComplexArray = NDArray[np.complexfloating[Any, Any]]
BoolArray = NDArray[np.bool_]
PerAxis = int | Sequence[int]
Item = TypeVar("Item")
Function = TypeVar("Function", bound=Callable[..., Any])

AXES = (1, 2, 3)  # of signals, images and volumes
THREE = "patch_size as three numbers"  # what says that images of three axes are volumes
LONGEST = 120  # characters of a value in a message
# Squares of larger or smaller numbers, summed over an image, leave the range of float64.
FASTEST = 1e75  # sampling frequency; of three axes there are products
LARGEST_SQUARED, SMALLEST_SQUARED = 1e140, 1e-140


def brief(value: object) -> str:
    """Return a value as text for a message: long arrays and lists as their shape or length.

    Examples
    --------
    >>> brief(np.zeros((4, 64, 64))), brief(np.array([1.5, 2.0])), brief("nope")
    ('<array of shape (4, 64, 64), float64>', 'array([1.5, 2. ])', "'nope'")
    """
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if dtype is not None and isinstance(shape, tuple) and math.prod(shape) > 8:
        kind = "array" if isinstance(value, np.ndarray) else type(value).__name__
        return f"<{kind} of shape {tuple(shape)}, {dtype}>"
    if isinstance(value, list | tuple) and len(value) > 16:
        return f"<{type(value).__name__} of {len(value)}, beginning with {brief(value[0])}>"
    text = repr(value) if isinstance(value, str) else " ".join(repr(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def choice(name: str, value: object, options: object) -> None:
    """Raise ``ValueError`` unless ``value`` is one of the words of a ``Literal``."""
    words = get_args(options)
    if not isinstance(value, str) or value not in words:
        listed = ", ".join(repr(word) for word in words)
        raise ValueError(f"{name}={brief(value)} is not one of {listed}")


def flag(name: str, value: object) -> bool:
    """Return a truth value; numbers and words are refused, of which ``"no"`` would be true."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}={brief(value)} is neither True nor False")
    return bool(value)


def path(name: str, value: str | os.PathLike[str]) -> str:
    """Return a path as text."""
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name}={brief(value)} is not a path")
    return os.fspath(value)


def items(name: str, value: Iterable[Item]) -> list[Item]:
    """Return the entries of a sequence as a list; a string is refused."""
    if isinstance(value, str | bytes):
        raise TypeError(f"{name}={brief(value)} is text, not a sequence")
    try:
        return list(value)
    except TypeError:
        raise TypeError(f"{name}={brief(value)} is not a sequence") from None


def function(name: str, value: object) -> None:
    """Raise ``TypeError`` unless a value can be called."""
    if not callable(value):
        raise TypeError(f"{name}={brief(value)} is not a function")


def integer(
    name: str, value: SupportsIndex, *, least: int | None = None, why: str | None = None
) -> int:
    """Return ``value`` as an int; truth values, floats and numbers below ``least`` are refused.

    ``why`` replaces the limit in the message about a value that is too small.
    """
    if _is_bool(value):
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
        return tuple(integer(name, one) for one in _each(name, value))
    except TypeError:
        raise TypeError(f"{name}={brief(value)} is not an index of integers") from None


def keyword_only(name: str) -> Callable[[Function], Function]:
    """Let a method take a keyword-only argument by position too, for one release.

    The caller is told in a FutureWarning.
    """

    def decorated(method: Function) -> Function:
        n_positional = method.__code__.co_argcount

        @functools.wraps(method)
        def called(*args: Any, **options: Any) -> Any:
            if len(args) == n_positional + 1 and name not in options:
                warnings.warn(
                    f"{method.__name__}: {name} will be taken by keyword only, so write "
                    f"{name}={brief(args[-1])}",
                    FutureWarning,
                    stacklevel=2,
                )
                args, options = args[:-1], {**options, name: args[-1]}
            return method(*args, **options)

        return called  # type: ignore[return-value]

    return decorated


def run_seed(value: SupportsIndex) -> int:
    """Return the ``rng`` of a run as an int of at least 0.

    A run stores it to be resumed, which it cannot do with a generator.
    """
    if hasattr(value, "bit_generator") or hasattr(value, "spawn_key"):
        raise TypeError(f"rng={brief(value)} cannot be stored: give an integer of 0 or more")
    return integer("rng", value, least=0)


def positive_int(name: str, value: SupportsIndex) -> int:
    """Return ``value`` as an int of at least 1; floats and smaller numbers are refused."""
    return integer(name, value, least=1)


def real_number(name: str, value: float) -> float:
    """Return ``value`` as a finite float; truth values and strings are refused.

    A number in single precision is converted by its shortest decimal: np.float32(0.6) becomes 0.6,
    not 0.60000002.
    """
    number = _real(name, value)
    if not math.isfinite(number):
        raise ValueError(f"{name}={brief(value)} is not finite")
    return number


def limit(name: str, value: float | None, otherwise: float) -> float:
    """Return an end of a range as a float, which may be infinite; None means ``otherwise``."""
    if value is None:
        return otherwise
    number = _real(name, value)
    if math.isnan(number):
        raise ValueError(f"{name}={brief(value)} is not a number")
    return number


def positive_number(name: str, value: float) -> float:
    """Return ``value`` as a finite float above zero."""
    number = _real(name, value)
    if not 0 < number < math.inf:
        raise ValueError(f"{name}={brief(value)} is not a positive number")
    return number


def bounded_number(name: str, value: float, limit: float) -> float:
    """Return ``value`` as a float from −limit to limit."""
    number = _real(name, value)
    if not -limit <= number <= limit:
        raise ValueError(f"{name}={brief(value)} is not between {-limit:g} and {limit:g}")
    return number


def non_negative_number(name: str, value: float) -> float:
    """Return ``value`` as a finite float that is zero or more."""
    number = _real(name, value)
    if not 0 <= number < math.inf:
        raise ValueError(f"{name}={brief(value)} is negative or not finite")
    return number


def open_unit(name: str, value: float) -> float:
    """Return ``value`` as a float strictly between 0 and 1."""
    number = _real(name, value)
    if not 0.0 < number < 1.0:
        percent = name == "mask_ratio" and 1.0 < number < 100.0
        hint = f" ({number:g} % is {number / 100:g})" if percent else ""
        raise ValueError(f"{name}={brief(value)} is not strictly between 0 and 1{hint}")
    return number


def closed_unit(name: str, value: float) -> float:
    """Return ``value`` as a float from 0 to 1."""
    number = _real(name, value)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"{name}={brief(value)} is not between 0 and 1")
    return number


def grid_shape(shape: PerAxis) -> tuple[int, ...]:
    """Return the shape of a signal, image or volume as a tuple of one to three positive ints."""
    sizes = _each("shape", shape)
    if len(sizes) not in AXES:
        raise ValueError(
            f"shape={brief(shape)} has {len(sizes)} axes; signals (1), images (2) and volumes (3) "
            "are handled"
        )
    return tuple(positive_int("shape", size) for size in sizes)


def per_axis(name: str, value: PerAxis, ndim: int) -> tuple[int, ...]:
    """Spread an int over ``ndim`` axes, or check that a sequence has one int for each."""
    sizes = _each(name, value, ndim)
    if len(sizes) != ndim:
        raise ValueError(f"{name}={brief(value)} has {len(sizes)} numbers for {ndim} axes")
    return tuple(positive_int(name, size) for size in sizes)


def patch_size(value: PerAxis) -> PerAxis:
    """Check a patch size before images are read, and return it: an int, or one for each axis."""
    sizes = _each("patch_size", value)
    per_axis("patch_size", value, min(max(len(sizes), 1), max(AXES)))
    return value


def sampling_rates(fs: float | Sequence[float], ndim: int) -> tuple[float, ...]:
    """Spread a sampling frequency over ``ndim`` axes; each must be finite and positive."""
    given = _each("fs", fs, ndim)
    if len(given) != ndim:
        raise ValueError(f"fs={brief(fs)} has {len(given)} numbers for {ndim} axes")
    rates = tuple(_real("fs", rate) for rate in given)
    if not all(math.isfinite(rate) and rate > 0 for rate in rates):
        raise ValueError(f"fs={brief(fs)} must be finite and positive")
    if not all(1 / FASTEST <= rate <= FASTEST for rate in rates):
        raise ValueError(f"fs={brief(fs)} is not between {1 / FASTEST:g} and {FASTEST:g}")
    return rates


def axis_of_channels(channel_axis: SupportsIndex | None) -> int | None:
    """Return the axis of the channels as an int, or None."""
    return None if channel_axis is None else integer("channel_axis", channel_axis)


def plain_array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return ``value`` as an array, refusing masked ones: their mask would be lost."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array; pass its data, and visible= for its mask")
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


def real_array(name: str, value: ArrayLike) -> FloatArray:
    """Return ``value`` as float32 (if it is) or float64, refusing complex, NaN and infinite."""
    array = numeric_array(name, value)
    single = array.dtype.newbyteorder("=") == np.float32
    array = _as(np.float32 if single else np.float64, array)
    if not _all_finite(array):
        bad = np.argwhere(~np.isfinite(array))
        where = tuple(int(i) for i in bad[0])
        raise ValueError(
            f"{name} holds {len(bad)} values that are not finite, the first at {where}: "
            f"{array[where]}"
        )
    return array


def squarable(name: str, array: FloatArray) -> FloatArray:
    """Return an array, refusing numbers whose sums of squares would overflow or underflow."""
    if array.size:
        flat = array.ravel()
        with np.errstate(over="ignore", under="ignore"):
            square = float(np.dot(flat, flat)) if array.dtype == np.float64 else 0.0
        if not SMALLEST_SQUARED**2 <= square <= LARGEST_SQUARED**2:
            largest = float(max(flat.max(), -flat.min()))
            if largest > LARGEST_SQUARED:
                raise ValueError(f"{name} holds values up to {largest:.3g}: too large to square")
            if 0 < largest < SMALLEST_SQUARED:
                raise ValueError(f"{name} holds values up to {largest:.3g}: too small to square")
    return array


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


def needed(name: str, value: object, kinds: type | tuple[type, ...], how: str) -> None:
    """Raise ``TypeError`` unless ``value`` is of one of the types; ``how`` says what makes one."""
    if not isinstance(value, kinds):
        names = [kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,))]
        raise TypeError(f"{name}={brief(value)} is not a {' or '.join(names)}: {how}")


def _each(name: str, value: Any, ndim: int | None = None) -> tuple[Any, ...]:
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


def _says_volume(patch_size: PerAxis) -> bool:
    """Whether a patch size has one number for each of three axes."""
    return len(_each("patch_size", patch_size)) == 3


def _real(name: str, value: Any) -> float:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    # NumPy takes its spans of time for integers.
    if _is_bool(value) or not isinstance(value, numbers.Real) or isinstance(value, np.timedelta64):
        what = "a truth value, not a number" if _is_bool(value) else "not a real number"
        raise TypeError(f"{name}={brief(value)} is {what}")
    try:
        return float(str(value)) if isinstance(value, np.floating) else float(value)
    except OverflowError:
        raise ValueError(f"{name}={brief(value)} is too large for a float") from None


def _is_bool(value: object) -> bool:
    """Whether a value is one truth value, Python's, NumPy's or a tensor's."""
    return isinstance(value, bool) or str(getattr(value, "dtype", "")) in ("bool", "torch.bool")


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


def _all_finite(array: FloatArray) -> bool:
    if array.flags.c_contiguous:
        flat = array.ravel()
        with np.errstate(over="ignore", invalid="ignore"):
            # The sum of squares is finite if all are and it does not overflow, and sooner there.
            if math.isfinite(float(np.dot(flat, flat))):
                return True
    return bool(np.isfinite(array).all())
