"""Images of which a part is hidden: masked arrays, ``visible="finite"``, NaN that is not hidden.

A pixel is hidden where its mask is False or its weight is 0. What it holds is then never used: NaN,
infinity, a fill value such as −9999. A pixel with channels is visible if all of its channels are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae._checks.arrays import (
    BoolArray,
    FloatArray,
    all_finite,
    as_floating,
    not_finite,
    numeric_array,
    plain_array,
    real_array,
)
from spectral_mae._checks.options import choice

Finite = Literal["finite"]
Visible = ArrayLike | Finite | None
FINITE = 'visible="finite" leaves such pixels out'
ALSO = "it is visible: hide it too, as visible & numpy.isfinite(...) does"


def masked_numbers(name: str, value: ArrayLike) -> tuple[NDArray[Any], BoolArray | None]:
    """Return the numbers of an array, and where its own mask shows them: True for visible.

    None stands for no mask: all arrays but masked ones, and masked ones that mask nothing.
    """
    if not isinstance(value, np.ma.MaskedArray):
        return numeric_array(name, value), None
    shown: BoolArray = ~np.ma.getmaskarray(value)
    return numeric_array(name, value.data), None if shown.all() else shown


def expect_known(name: str, value: object, visible: Visible) -> None:
    """Refuse masked arrays and "finite" where hidden pixels are compared with what they hold."""
    why = f"errors are measured on hidden pixels, so all pixels of {name} must be known"
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array: {why}")
    if says_finite(visible):
        raise ValueError(f"visible={visible!r} hides pixels that hold no number: {why}")


def says_finite(visible: Visible) -> bool:
    """Whether ``visible`` is the word "finite"; another word is refused."""
    if not isinstance(visible, str):
        return False
    choice("visible", visible, Finite)
    return True


def weights(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return a mask or weights of any size and sign; masks stay bool."""
    array = plain_array(name, value)
    return array if array.dtype == np.bool_ else real_array(name, array)


def visible_of(
    name: str,
    batch: NDArray[Any],
    shown: BoolArray | None,
    visible: Visible,
    read: Callable[[str, ArrayLike], NDArray[Any]],
    *,
    channel_axis: int | None = None,
) -> NDArray[Any] | None:
    """Return the mask or weights of a batch: one for all images, or one for each.

    Parameters
    ----------
    name : str
        What messages call the batch.
    batch : ndarray, shape (n, *shape), with the channels at ``channel_axis`` if given
        The images.
    shown : ndarray of bool, like ``batch``, or None
        Their own mask, as `masked_numbers` returns it.
    visible : array_like, shape (*shape) or (n, *shape), "finite" or None
        What the caller says.
    read : callable
        Checks the numbers of a mask, as ``read("visible", visible)``.
    channel_axis : int or None
        Axis of the channels, which was checked.

    Returns
    -------
    ndarray, shape (*shape) or (n, *shape), or None
        None if nothing is hidden.
    """
    n, shape = len(batch), without_axis(batch.shape, channel_axis)[1:]
    masks: NDArray[Any] | None = None
    if says_finite(visible):
        masks = some_seen(name, np.isfinite(batch), "finite", channel_axis=channel_axis)
    elif visible is not None:
        masks = read("visible", visible)
        if masks.shape not in (shape, (n, *shape)):
            raise ValueError(f"visible of shape {masks.shape} is neither {shape} nor {(n, *shape)}")
    if shown is None:
        return masks
    return both(masks, some_seen(name, shown, "unmasked", channel_axis=channel_axis))


def one_visible_of(
    name: str,
    image: NDArray[Any],
    shown: BoolArray | None,
    visible: Visible,
    read: Callable[[str, ArrayLike], NDArray[Any]],
    *,
    channel_axis: int | None = None,
) -> NDArray[Any] | None:
    """Return the mask or weights of one image, as `visible_of` does for a batch; shape (*shape)."""
    axis = channel_axis if channel_axis is None else channel_axis % image.ndim + 1
    own = None if shown is None else shown[np.newaxis]
    masks = visible_of(name, image[np.newaxis], own, visible, read, channel_axis=axis)
    return None if masks is None else masks.reshape(without_axis(image.shape, channel_axis))


def some_seen(
    name: str, seen: BoolArray, what: str, *, channel_axis: int | None = None, first: int = 0
) -> BoolArray:
    """Return masks, (n, *shape), of pixels that are seen in all channels, refusing an empty one.

    ``first`` is the number of the first of these images.
    """
    masks = seen if channel_axis is None else np.asarray(seen.all(axis=channel_axis))
    empty = ~masks.reshape(len(masks), -1).any(axis=1)
    if empty.any():
        number = first + int(np.argmax(empty))
        of = f" in image {number}" if number or len(masks) > 1 else ""
        raise ValueError(f"{name} has no {what} pixel{of}: nothing is visible")
    return masks


def both(masks: NDArray[Any] | None, shown: BoolArray) -> NDArray[Any]:
    """Return what two masks both show; weights stay weights where the other one shows."""
    if masks is None:
        return shown
    return masks & shown if masks.dtype == np.bool_ else np.where(shown, masks, 0.0)


def seen_numbers(
    name: str,
    array: NDArray[Any],
    masks: NDArray[Any] | None,
    *,
    channel_axis: int | None = None,
    hint: str = FINITE,
) -> FloatArray:
    """Return numbers as float32 (if they are) or float64, finite wherever masks show them.

    ``masks`` have the shape of the array without its channels, or fewer leading axes; None shows
    all. ``hint`` says what to do about NaN where there is no mask.
    """
    numbers = as_floating(array)
    expect_finite(name, numbers, masks, channel_axis=channel_axis, hint=hint)
    return numbers


def expect_finite(
    name: str,
    numbers: NDArray[Any],
    masks: NDArray[Any] | None,
    *,
    channel_axis: int | None = None,
    hint: str = FINITE,
) -> None:
    """Raise ``ValueError`` for NaN and infinity that is not hidden, as `seen_numbers` does."""
    if numbers.dtype.kind != "f":
        return
    if masks is None:
        if not all_finite(numbers):
            raise ValueError(f"{not_finite(name, numbers)}; {hint}")
        return
    bad = ~np.isfinite(numbers)
    if bad.any():
        seen = np.broadcast_to(masks != 0, without_axis(numbers.shape, channel_axis))
        bad &= seen if channel_axis is None else np.expand_dims(seen, channel_axis)
        if bad.any():
            raise ValueError(f"{not_finite(name, numbers, bad)}; {ALSO}")


def without_axis(shape: tuple[int, ...], axis: int | None) -> tuple[int, ...]:
    """A shape without the axis of the channels."""
    if axis is None:
        return shape
    axis %= len(shape)
    return shape[:axis] + shape[axis + 1 :]
