"""Arguments that are ``xarray.DataArray``: sampling frequency and labels from their coordinates.

xarray is not imported: where nobody has imported it, no argument is of it.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import for_kind, is_data_array
from spectral_mae.spectra.labels.axis_labels import Labels, expect_one_unit, labels_of

EVEN = 1e-3  # of a step: how far a coordinate may be from evenly spaced
# Spellings of the CF conventions for degrees of latitude and longitude.
DEGREES = {
    f"{degree}{between}{end}"
    for degree in ("degree", "degrees")
    for between, ends in (("_", ("north", "east", "N", "E")), ("", ("N", "E")))
    for end in ends
} | {"degrees"}

P = ParamSpec("P")
R = TypeVar("R")


def labelled(
    *images: str, masks: tuple[str, ...] = ()
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function take ``xarray.DataArray`` for some of its arguments.

    The function itself is called with their numbers. Its arguments ``fs`` and ``unit`` come from
    the coordinates, and ``channel_axis`` may be the name of a dimension.

    Parameters
    ----------
    *images : str
        Names of arguments that are images of one shape. The first that is a DataArray says what the
        axes are; others are brought into the order of its dimensions.
    masks : tuple of str
        Names of arguments that are masks of such an image: they have no channels, and may have one
        more dimension before the others.

    Returns
    -------
    callable
        A decorator.
    """

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        def of_numbers(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = signature.bind(*args, **kwargs)
            _unlabel(bound.arguments, images, masks, set(signature.parameters))
            return function(*bound.args, **bound.kwargs)

        return for_kind(is_data_array, function, of_numbers)

    return decorated


def _unlabel(
    arguments: dict[str, Any], images: tuple[str, ...], masks: tuple[str, ...], known: set[str]
) -> None:
    """Replace DataArrays by their numbers, and set ``fs``, ``unit`` and ``channel_axis``."""
    name = next((name for name in images if is_data_array(arguments.get(name))), None)
    if name is None:
        return  # a mask alone, whose axes are those of the image
    image = arguments[name]
    axis = _channels(arguments, name, image)
    dims = [dim for place, dim in enumerate(image.dims) if place != axis]
    _expect_image(arguments, name, image, dims, known)
    for other in (*images, *masks):
        if other != name and is_data_array(arguments.get(other)):
            wanted = dims if other in masks else list(image.dims)
            arguments[other] = _aligned(
                (other, arguments[other]), (name, image), wanted, several=other in masks
            ).variable
            if other not in masks:
                _expect_same_unit((name, image), (other, arguments[other]))
    arguments[name] = image.variable
    if not 1 <= len(dims) <= max(_checks.AXES):
        return  # refused by the function itself
    axes = [_axis(name, image, dim) for dim in dims]
    labels = Labels(
        units=tuple(axis.unit for axis in axes),
        dims=tuple(map(str, dims)),
        values=_unit(image),
        directions=tuple(axis.direction for axis in axes),
    )
    from_coordinates = [str(dim) for dim in dims if dim in image.coords]
    if arguments.get("unit") is not None:
        if any(labels.units):
            raise ValueError(
                f"unit={_checks.brief(arguments['unit'])}, but the coordinates of {name} have the "
                f"units {labels.units}: leave out unit"
            )
        given = labels_of(arguments["unit"], len(dims))
        assert given is not None
        labels = dataclasses.replace(labels, units=given.units)
    if "unit" in known:
        arguments["unit"] = labels
    else:
        expect_one_unit(labels)
    if from_coordinates:
        rates = tuple(axis.fs for axis in axes)
        if "fs" in arguments:
            raise ValueError(
                f"fs={_checks.brief(arguments['fs'])}, but the coordinates of {name} give {rates}: "
                f"leave out fs, or drop them by {name}.drop_vars({from_coordinates})"
            )
        arguments["fs"] = rates


def _channels(arguments: dict[str, Any], name: str, image: Any) -> int | None:
    """The axis of the channels, which may be given by name."""
    given = arguments.get("channel_axis")
    if isinstance(given, str):
        if given not in image.dims:
            raise ValueError(
                f"channel_axis={given!r} is none of the dimensions {image.dims} of {name}"
            )
        arguments["channel_axis"] = image.dims.index(given)
    axis = _checks.axis_of_channels(arguments.get("channel_axis"))
    # One out of range is refused by the function itself.
    return None if axis is None else axis % image.ndim


def _expect_image(
    arguments: dict[str, Any], name: str, image: Any, dims: list[Any], known: set[str]
) -> None:
    """Refuse three dimensions of which nothing says what they are."""
    said = arguments.get("ndim") is not None or arguments.get("design") is not None
    if len(dims) != 3 or said or np.size(arguments.get("patch_size", 0)) == 3:
        return
    volume = "ndim=3" if "ndim" in known else "three numbers as a patch size"
    channels = ""
    if "channel_axis" in known and arguments.get("channel_axis") is None:
        channels = f"channel_axis={image.dims[0]!r} or another of them for channels, "
    raise ValueError(
        f"{name} has the dimensions {image.dims}: give {channels}{volume} for a volume, or take "
        f"one image of it by {name}.isel({image.dims[0]}=0)"
    )


def _aligned(
    other: tuple[str, Any], first: tuple[str, Any], wanted: list[Any], *, several: bool
) -> Any:
    """An array with its dimensions in the order of another one, whose coordinates it must share."""
    (name, array), (first_name, image) = other, first
    extra = [dim for dim in array.dims if dim not in wanted]
    if set(wanted) - set(array.dims) or len(extra) > several:
        raise ValueError(
            f"{name} has the dimensions {array.dims}, which do not fit {first_name} with "
            f"{tuple(wanted)}"
        )
    for dim in wanted:
        if dim in array.coords and dim in image.coords and array.sizes[dim] == image.sizes[dim]:
            one, two = image.coords[dim].values, array.coords[dim].values
            differ = ~_same(one, two)
            if differ.any():
                place = int(np.argmax(differ))
                raise ValueError(
                    f"coordinate {dim!r} of {first_name} and {name} differ, first at number "
                    f"{place}: {one[place]} and {two[place]}"
                )
    return array.transpose(*extra, *wanted)


def _same(one: NDArray[Any], two: NDArray[Any]) -> NDArray[np.bool_]:
    """Where two coordinates are the same, up to what counts as evenly spaced."""
    if one.dtype.kind in "iuf" and two.dtype.kind in "iuf" and len(one) > 1:
        step = abs(float(one[-1]) - float(one[0])) / (len(one) - 1)
        return np.abs(one.astype(float) - two.astype(float)) <= _tolerance(one, step, one.dtype)
    return np.asarray(one == two)


def _expect_same_unit(one: tuple[str, Any], other: tuple[str, Any]) -> None:
    """Refuse arrays of different units, whose difference means nothing."""
    first, second = _unit(one[1]), _unit(other[1])
    if None not in (first, second) and first != second:
        raise ValueError(
            f"{one[0]} has the unit {first!r} and {other[0]} {second!r}: convert one of them, for "
            f"their difference is part of the result, or leave its unit out by "
            f"{other[0]}.drop_attrs()"
        )


class _Axis(NamedTuple):
    """What a coordinate says of an axis."""

    fs: float
    unit: str | None
    direction: int


def _axis(name: str, image: Any, dim: Any) -> _Axis:
    """Sampling frequency, unit and direction of one dimension."""
    if dim not in image.coords:
        return _Axis(1.0, None, 1)
    coordinate = image.coords[dim]
    values, unit = coordinate.values, _unit(coordinate)
    otherwise = f"; to count in pixels drop it by {name}.drop_vars({dim!r})"
    if values.dtype.kind in "mM":
        numbers, unit = (values - values[0]) / np.timedelta64(1, "s"), "s"
    elif values.dtype.kind in "iuf":
        numbers = values.astype(np.float64)
    else:
        raise TypeError(
            f"coordinate {dim!r} of {name} holds {values.dtype}, not numbers or times{otherwise}"
        )
    if len(numbers) < 2:
        raise ValueError(f"coordinate {dim!r} of {name} has one value and no step{otherwise}")
    step = (float(numbers[-1]) - float(numbers[0])) / (len(numbers) - 1)
    line = numbers[0] + step * np.arange(len(numbers))
    # NaN is not below the limit either.
    if not (
        step != 0 and (np.abs(numbers - line) <= _tolerance(numbers, step, values.dtype)).all()
    ):
        steps = np.diff(numbers)
        place = int(np.argmax(np.abs(np.nan_to_num(steps - step, nan=np.inf))))
        raise ValueError(
            f"coordinate {dim!r} of {name} is not evenly spaced: its step is {step:g} on average, "
            f"but {steps[place]:g} from {values[place]} to {values[place + 1]} (number {place} to "
            f"{place + 1}); interpolate to even steps{otherwise}"
        )
    return _Axis(1.0 / abs(step), unit, 1 if step > 0 else -1)


def _tolerance(numbers: NDArray[Any], step: float, dtype: np.dtype[Any]) -> float:
    """How far numbers may be from even steps: `EVEN` of a step, or the rounding of their type."""
    eps = float(np.finfo(dtype).eps) if dtype.kind == "f" else 0.0
    return max(EVEN * abs(step), eps * float(np.abs(numbers).max()))


def _unit(array: Any) -> str | None:
    """The unit in the attributes of a DataArray or coordinate."""
    given = array.attrs.get("units")
    text = "" if given is None else str(given).split(" since ")[0].strip()
    return "degree" if text in DEGREES else text or None
