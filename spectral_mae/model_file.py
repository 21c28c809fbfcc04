"""Fitted linear models in npz files, without pickles."""

from __future__ import annotations

import dataclasses
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae.moments import KINDS, Moments
from spectral_mae.solve import Components, Solution


@dataclass(frozen=True, eq=False)
class Stored:
    """What a file holds of a model.

    Attributes
    ----------
    model : str
        Name of its class.
    parameters : dict
        Its constructor's arguments.
    moments : BandMoments, DenseMoments or StationaryMoments
    solution : Solution
    """

    model: str
    parameters: dict[str, Any]
    moments: Moments
    solution: Solution


def write(path: str | os.PathLike[str], stored: Stored) -> None:
    """Write a file."""
    arrays: dict[str, Any] = {
        "model": np.array(stored.model),
        "parameters": np.array(json.dumps(stored.parameters)),
    }
    arrays |= {f"moments.{name}": array for name, array in stored.moments.to_arrays().items()}
    arrays |= _arrays("solution", stored.solution)
    if stored.solution.components is not None:
        arrays |= _arrays("components", stored.solution.components)
    np.savez(path, **arrays)


def read(path: str | os.PathLike[str]) -> Stored:
    """Read a file; nothing in it is executed.

    Raises
    ------
    ValueError
        If it is not a file that `write` wrote.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (AttributeError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{os.fspath(path)!r} is not a file of arrays: {error}") from error
    if not {"model", "parameters"} <= arrays.keys():
        raise ValueError(f"{os.fspath(path)!r} holds no model but {sorted(arrays)[:8]}")
    parameters = json.loads(str(arrays["parameters"]))
    if isinstance(parameters["patch_size"], list):
        parameters["patch_size"] = tuple(parameters["patch_size"])
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


def _part(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    start = f"{prefix}."
    return {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}


def _values(kind: type, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """The fields of a result: single numbers as such, and None for what is not there."""
    found = {field.name: arrays.get(field.name) for field in dataclasses.fields(kind)}
    found.pop("components", None)
    return {k: v.item() if v is not None and v.ndim == 0 else v for k, v in found.items()}
