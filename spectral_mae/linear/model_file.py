"""Fitted linear models in npz files, without pickles.

A design of masks is stored as its text where that says all of it, else as the list of its masks.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._files.array_file import read_arrays, write_arrays
from spectral_mae.linear.moments.kinds import KINDS, Moments
from spectral_mae.linear.solution import Components, Solution
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.patterns import from_masks
from spectral_mae.masks.designs.text_form import parse
from spectral_mae.masks.patches import PatchGrid

OPTIONAL = ("eigenvalues", "split")  # what a solution and its components may lack


@dataclass(frozen=True, eq=False)
class Stored:
    """What a file holds of a model.

    Attributes
    ----------
    model : str
        Name of its class.
    parameters : dict
        Arguments of its constructor by name.
    moments : BandMoments, DenseMoments or StationaryMoments
        Moments that it was fitted to.
    solution : Solution
        The solution for them.
    """

    model: str
    parameters: dict[str, Any]
    moments: Moments
    solution: Solution


def write(path: str | os.PathLike[str], stored: Stored) -> None:
    """Write a model to an npz file, without pickles.

    Parameters
    ----------
    path : str or path-like
        File to write. An existing file is replaced.
    stored : Stored
        The model.

    Raises
    ------
    ValueError
        If it has a design of masks without a text whose masks cannot be listed.
    """
    parameters = dict(stored.parameters)
    design = parameters.pop("design", None)
    arrays: dict[str, Any] = {
        "model": np.array(stored.model),
        "parameters": np.array(json.dumps(parameters, default=_plain)),
    }
    if design is not None:
        arrays |= {f"design.{name}": array for name, array in _design_arrays(design).items()}
    arrays |= {f"moments.{name}": array for name, array in stored.moments.to_arrays().items()}
    arrays |= _arrays("solution", stored.solution)
    if stored.solution.components is not None:
        arrays |= _arrays("components", stored.solution.components)
    write_arrays(path, arrays)


def read(path: str | os.PathLike[str]) -> Stored:
    """Read a model from a file; nothing in it is executed.

    Parameters
    ----------
    path : str or path-like
        File that `write` wrote.

    Returns
    -------
    Stored
        The model.

    Raises
    ------
    ValueError
        If it is not a file that `write` wrote.
    """
    arrays = read_arrays(path)
    if not {"model", "parameters"} <= arrays.keys():
        raise ValueError(f"{os.fspath(path)!r} holds no model but {sorted(arrays)[:8]}")
    try:
        return _stored(arrays)
    except KeyError as error:
        raise ValueError(f"{os.fspath(path)!r} holds a model that lacks {error}") from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"{os.fspath(path)!r} holds no model that fits: {error}") from error


def _stored(arrays: Mapping[str, NDArray[Any]]) -> Stored:
    parameters = json.loads(str(arrays["parameters"]))
    if isinstance(parameters["patch_size"], list):
        parameters["patch_size"] = tuple(parameters["patch_size"])
    design = _part(arrays, "design")
    if design:
        parameters["design"] = _design(design)
    moments = _part(arrays, "moments")
    components = _part(arrays, "components")
    solution = Solution(
        **_values(Solution, _part(arrays, "solution")),
        components=Components(**_values(Components, components)) if components else None,
    )
    kind = KINDS[str(moments["kind"])]
    return Stored(str(arrays["model"]), parameters, kind.from_arrays(moments), solution)


def _arrays(prefix: str, result: Solution | Components) -> dict[str, Any]:
    """The fields of a result that arrays can hold."""
    values = ((field.name, getattr(result, field.name)) for field in dataclasses.fields(result))
    return {
        f"{prefix}.{name}": np.asarray(value)
        for name, value in values
        if value is not None and not isinstance(value, Components)
    }


def _design_arrays(design: MaskDesign) -> dict[str, Any]:
    grid = {"shape": design.grid.shape, "patch_size": design.grid.patch_size}
    if named(design):
        return {**grid, "text": design.text}
    patterns, weights = design.enumerate()
    return {**grid, "patterns": patterns, "weights": weights}


def _design(arrays: Mapping[str, NDArray[Any]]) -> MaskDesign:
    grid = PatchGrid(tuple(arrays["shape"].tolist()), tuple(arrays["patch_size"].tolist()))
    if "text" in arrays:
        return parse(str(arrays["text"])).on(grid)
    return from_masks(grid, arrays["patterns"], arrays["weights"])


def named(design: MaskDesign) -> bool:
    """Tell whether the text of a design says all of it.

    Parameters
    ----------
    design : MaskDesign
        Any design.

    Returns
    -------
    bool
        Whether `spectral_mae.designs.parse` makes the same design of it.
    """
    try:
        return bool(parse(design.text).on(design.grid) == design)
    except ValueError:
        return False


def _part(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    start = f"{prefix}."
    return {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}


def _values(kind: type, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """The fields of a result: single numbers as such, and None for what is not there."""
    names = [field.name for field in dataclasses.fields(kind) if field.name != "components"]
    found = {name: arrays.get(name) if name in OPTIONAL else arrays[name] for name in names}
    return {k: v.item() if v is not None and v.ndim == 0 else v for k, v in found.items()}


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays as Python's, for JSON."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{value!r} cannot be written")
