"""Results as ``xarray.Dataset`` and back: the only file that imports xarray.

Arrays become variables, everything else attributes, in types that netCDF can hold: complex numbers
are two variables, labels a text in JSON. Frequencies rise along every dimension, as ``sel`` and
plots of xarray want them, and have the sign that they have along the coordinate of the data.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks, extras
from spectral_mae._checks import FloatArray
from spectral_mae.spectra.frequencies import half_frequencies
from spectral_mae.spectra.labels.axis_labels import (
    DIMS,
    ONE,
    Labels,
    axis_units,
    inverse,
    power_unit,
    ring_unit,
    squared,
)

if TYPE_CHECKING:
    from xarray import Dataset

Result = TypeVar("Result")

POWERS = {"power", "std", "stderr", "power_a", "power_b", "cross", "error", "error_stderr"}
RATIOS = {"gain", "coherence", "frc", "explained", "half_bit", "ratio"}
LAGS = {"autocovariance", "pairs"}  # arrays over the lags of the whole grid
TUPLES = {"shape": int, "fs": float, "floors": float}  # fields that attributes hold as arrays
BINS = {"frequency": "freq_r", "angle": "angle"}  # dimension of each kind of bins
ANGLE = "orientation of the frequency, in the order of pixels, from the last axis to the first"


def of_plane(result: Any, derived: Mapping[str, NDArray[Any]] | None = None) -> Dataset:
    """Return a result whose arrays lie on the half-plane of frequencies.

    Parameters
    ----------
    result : Spectrum or CrossSpectrum
        Its arrays become variables over ``freq_z``, ``freq_y`` and ``freq_x``, or over "freq_" and
        the names of its axes.
    derived : mapping of str to ndarray, or None
        Further variables, which reading the result back does not need.

    Returns
    -------
    xarray.Dataset
        The fields of the result.

    Raises
    ------
    ModuleNotFoundError
        If xarray is not installed.
    """
    dims, coords, orders = [], {}, []
    lag_dims, lag_orders = [], []
    labels: Labels | None = result.labels
    units = axis_units(labels, result.fs)
    has_lags = any(field.name in LAGS for field in dataclasses.fields(result))
    axes = _axes(result.shape, result.fs, labels)
    for (name, frequency, lag), unit in zip(axes, units, strict=True):
        dims.append(f"freq_{name}")
        orders.append(np.argsort(frequency))
        attrs = {"long_name": f"frequency along {name}", **_units(inverse(unit))}
        coords[dims[-1]] = dims[-1], np.sort(frequency), attrs
        if has_lags:
            lag_dims.append(f"lag_{name}")
            lag_orders.append(np.argsort(lag))
            attrs = {"long_name": f"lag along {name}", **_units(unit)}
            coords[lag_dims[-1]] = lag_dims[-1], np.sort(lag), attrs
    variables = {}
    arrays, attrs = _split(result)
    for name, values in (arrays | dict(derived or {})).items():
        along, order = (lag_dims, lag_orders) if name in LAGS else (dims, orders)
        for part, numbers in _real_parts(name, values):
            variables[part] = along, numbers[np.ix_(*order)], _units(_unit_of(name, result))
    return _dataset(variables, coords, attrs)


def of_bins(result: Any, bins: str, derived: Mapping[str, NDArray[Any]] | None = None) -> Dataset:
    """Return a result whose arrays lie on rings or sectors of frequency.

    Parameters
    ----------
    result : RadialSpectrum, SectorSpectrum, RadialCrossSpectrum, SectorCrossSpectrum, RadialLeakage
        Its arrays become variables over ``freq_r`` or ``angle``; of a batch also over ``image``.
    bins : {"frequency", "angle"}
        The field that says where the bins lie.
    derived : mapping of str to ndarray, or None
        Further variables, which reading the result back does not need.

    Returns
    -------
    xarray.Dataset
        The fields of the result.

    Raises
    ------
    ModuleNotFoundError
        If xarray is not installed.
    """
    dim = BINS[bins]
    arrays, attrs = _split(result)
    described = {"long_name": ANGLE, "units": "degree"}
    if bins == "frequency":
        unit = inverse(ring_unit(result.labels, result.fs))
        described = {"long_name": "radial frequency", **_units(unit)}
    coords = {dim: (dim, arrays.pop(bins), described)}
    variables = {}
    for name, values in (arrays | dict(derived or {})).items():
        for part, numbers in _real_parts(name, values):
            along = [dim] if numbers.ndim == 1 else ["image", dim]
            along = [dim, "edge"] if name == "edges" else along
            variables[part] = along, numbers, _units(_unit_of(name, result))
    return _dataset(variables, coords, attrs)


def read(kind: type[Result], dataset: Any) -> Result:
    """Return the result that `of_plane` or `of_bins` has written.

    Parameters
    ----------
    kind : type
        The class of the result.
    dataset : xarray.Dataset
        As it was returned, or read from a file.

    Returns
    -------
    result
        Equal to the one that was written.

    Raises
    ------
    TypeError
        If it is no Dataset.
    ValueError
        If it is of another result, or a part of it is missing.
    """
    expect(dataset, kind.__name__)
    text = dataset.attrs.get("labels")
    fields: dict[str, Any] = {"labels": None if text is None else Labels(**json.loads(text))}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        name = field.name
        if not field.init or name == "labels":
            continue
        try:
            fields[name] = _field(name, dataset)
        except KeyError as error:
            raise ValueError(f"the dataset of a {kind.__name__} lacks {error}") from None
    if "shape" in fields:
        _in_pixel_order(fields)
    return kind(**fields)


def expect(dataset: Any, kind: str, names: tuple[str, ...] = ()) -> None:
    """Refuse what is not the dataset of a result.

    Parameters
    ----------
    dataset : object
        What was given.
    kind : str
        Name of the class of the result.
    names : tuple of str
        Variables and attributes that it must have.

    Raises
    ------
    TypeError
        If it is no Dataset.
    ValueError
        If it is of another result, or one of the names is missing.
    """
    if not (hasattr(dataset, "data_vars") and hasattr(dataset, "attrs")):
        raise TypeError(f"dataset={_checks.brief(dataset)} is not an xarray.Dataset")
    found = dataset.attrs.get("result")
    if found != kind:
        raise ValueError(
            f"the dataset holds {'no result' if found is None else f'a {found}'} of this package, "
            f"not a {kind}: result={found!r} in its attributes"
        )
    for name in names:
        if name not in dataset and name not in dataset.attrs:
            raise ValueError(f"the dataset of a {kind} lacks {name!r}")


def _axes(
    shape: tuple[int, ...], fs: tuple[float, ...], labels: Labels | None
) -> list[tuple[str, FloatArray, FloatArray]]:
    """Name of each axis, frequency along its coordinate, and lags along it."""
    names = DIMS[-len(shape) :] if labels is None else labels.dims
    directions = (1,) * len(shape) if labels is None else labels.directions
    half = half_frequencies(shape, fs)
    # Zero has no sign.
    return [
        (name, frequency * sign + 0.0, np.fft.fftfreq(n, 1.0 / n) / rate * sign + 0.0)
        for name, sign, frequency, n, rate in zip(names, directions, half, shape, fs, strict=True)
    ]


def _split(result: Any) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The fields of a result that are arrays, and the others as attributes."""
    arrays: dict[str, NDArray[Any]] = {}
    attrs: dict[str, Any] = {"result": type(result).__name__}
    for field in dataclasses.fields(result):
        value = getattr(result, field.name)
        if not field.init or value is None:
            continue
        if isinstance(value, np.ndarray):
            arrays[field.name] = value
        elif isinstance(value, Mapping):
            arrays |= {f"{name}_{field.name}": column for name, column in value.items()}
        elif isinstance(value, Labels):
            attrs["labels"] = json.dumps(dataclasses.asdict(value), ensure_ascii=False)
        else:
            attrs[field.name] = np.array(value) if isinstance(value, tuple) else value
    return arrays, attrs


def _real_parts(name: str, values: NDArray[Any]) -> list[tuple[str, NDArray[Any]]]:
    """An array by name; of complex numbers, real and imaginary parts by their names."""
    if np.iscomplexobj(values):
        return [(f"{name}_real", values.real), (f"{name}_imag", values.imag)]
    return [(name, values)]


def _unit_of(name: str, result: Any) -> str | None:
    labels: Labels | None = result.labels
    if name in POWERS:
        return power_unit(labels, result.fs, result.scaling)
    if name in RATIOS:
        return ONE
    if name == "edges":
        return inverse(ring_unit(labels, result.fs))
    if name == "autocovariance" and labels is not None and labels.values is not None:
        return squared(labels.values)
    return None


def _units(unit: str | None) -> dict[str, str]:
    return {} if unit is None else {"units": unit}


def _dataset(variables: Any, coords: Any, attrs: Any) -> Dataset:
    try:
        import xarray
    except ImportError:
        message = extras.missing("to_xarray", "xarray", "xarray")
        raise ModuleNotFoundError(message, name="xarray") from None
    return xarray.Dataset(variables, coords=coords, attrs=attrs)


def _field(name: str, dataset: Dataset) -> Any:
    """One field of a result."""
    if BINS.get(name) in dataset.coords:
        name = BINS[name]
    if f"{name}_real" in dataset:
        return dataset[f"{name}_real"].values + 1j * dataset[f"{name}_imag"].values
    if name in dataset:
        values = dataset[name].values
        if values.dtype.kind == "m":
            raise ValueError(
                f"{name} was read as spans of time: open the file with decode_timedelta=False"
            )
        # Files of netCDF 3 hold no integers of 64 bits.
        return values.astype(np.int64) if values.dtype.kind == "i" else values
    ending = f"_{name}"
    if columns := [str(one) for one in dataset if str(one).endswith(ending)]:
        return {one.removesuffix(ending): dataset[one].values for one in columns}
    value = dataset.attrs[name]
    if name in TUPLES:
        return tuple(TUPLES[name](one) for one in np.atleast_1d(value))
    return value.item() if isinstance(value, np.generic) else value


def _in_pixel_order(fields: dict[str, Any]) -> None:
    """Put arrays over frequencies and lags in the order of the transform."""
    axes = _axes(fields["shape"], fields["fs"], fields["labels"])
    orders = [np.argsort(frequency) for _, frequency, _ in axes]
    lag_orders = [np.argsort(lag) for _, _, lag in axes]
    for name, values in fields.items():
        if not isinstance(values, np.ndarray):
            continue
        order = lag_orders if name in LAGS else orders
        shape = tuple(map(len, order))
        if values.shape != shape:
            raise ValueError(f"{name} of shape {values.shape} is a part of {shape}: all is needed")
        fields[name] = np.empty_like(values)
        fields[name][np.ix_(*order)] = values
