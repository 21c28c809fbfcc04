"""The columns of tables of binned spectra, and their units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae.spectra.labels.axis_labels import DIMS, Labels, inverse, power_unit, ring_unit


def bin_columns(
    bins: Mapping[str, NDArray[Any]],
    result: Any,
    names: tuple[str, ...] = ("power", "std", "stderr"),
) -> dict[str, NDArray[Any]]:
    """Return the columns of a table of binned spectra.

    Parameters
    ----------
    bins : mapping of str to ndarray, shape (n_bins,)
        Columns that describe the bins.
    result : RadialSpectrum, SectorSpectrum or RadialRatio
        What the table is of.
    names : tuple of str
        Its fields of shape (n_bins,) or (n, n_bins) that become columns.

    Returns
    -------
    dict of str to ndarray
        Columns of equal length. Spectra of a batch follow one another, numbered in a column
        "spectrum".
    """
    values = {name: getattr(result, name) for name in names}
    shape = np.shape(values[names[0]])
    n = shape[0] if len(shape) == 2 else 1
    columns = {name: np.tile(column, n) for name, column in bins.items()}
    if len(shape) == 2:
        columns = {"spectrum": np.repeat(np.arange(n), shape[1]), **columns}
    return columns | {name: value.ravel() for name, value in values.items()}


def plane_columns(
    frequencies: tuple[NDArray[Any], ...], labels: Labels | None, values: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Return the columns of a table with one row per frequency.

    Parameters
    ----------
    frequencies : tuple of ndarray
        Frequency along each axis of the values.
    labels : Labels or None
        Of the axes, whose names are in those of the columns.
    values : mapping of str to ndarray
        Values at all frequencies, by name.

    Returns
    -------
    dict of str to ndarray
        Columns "frequency_y" and "frequency_x" (of other axes "frequency_" and their names), and
        the values.
    """
    dims = DIMS[-len(frequencies) :] if labels is None else labels.dims
    axes = np.meshgrid(*frequencies, indexing="ij")
    columns = {f"frequency_{dim}": axis.ravel() for dim, axis in zip(dims, axes, strict=True)}
    return columns | {name: value.ravel() for name, value in values.items()}


def unit_columns(result: Any, *names: str) -> dict[str, NDArray[Any]]:
    """Return the columns of a table of bins that say units; none of a result without labels.

    Parameters
    ----------
    result : result with ``labels``, ``fs`` and ``scaling``
        What the table is of.
    *names : str
        Of "frequency", "power", what the table has.

    Returns
    -------
    dict of str to ndarray, shape (n_rows,)
        Columns such as "frequency_unit", the same in each row; empty where a unit is not known.
    """
    if result.labels is None:
        return {}
    units = {
        "frequency": inverse(ring_unit(result.labels, result.fs)),
        "power": power_unit(result.labels, result.fs, result.scaling),
    }
    sized = (getattr(result, name, None) for name in ("power", "ratio", "count"))
    n = next(one.size for one in sized if one is not None)
    return {f"{name}_unit": np.full(n, units[name] or "", dtype=object) for name in names}
