"""Fitted linear models in npz files, without pickles.

A file holds the map and the mean. The sums of the moments, which only another fit needs, may be
left out. Of a map through a bottleneck its encoders and decoders are stored, which it is a product
of. A design of masks is stored as its text where that says all of it, else as the list of its
masks. Maps without a bottleneck are mapped into memory, so that a band is read when it is used.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._files.array_file import read_arrays, write_arrays
from spectral_mae._files.atomic_file import replacing
from spectral_mae.linear.moments.kinds import KINDS, Moments
from spectral_mae.linear.solution import Components, Solution
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.patterns import from_masks
from spectral_mae.masks.designs.text_form import parse
from spectral_mae.masks.patches import PatchGrid

FORMAT = 2  # 1 had no number; it held all sums, and the map beside its encoders and decoders
OPTIONAL = ("eigenvalues", "split")  # what a solution and its components may lack
KEPT = 2**25  # bytes of sums up to which they are kept if nobody says


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
        The solution for them. Its map is written in the precision that it has.
    rounding : float
        By how much of itself the loss grew when the map was rounded to single precision; NaN where
        that was not looked at.
    """

    model: str
    parameters: dict[str, Any]
    moments: Moments
    solution: Solution
    rounding: float = math.nan


def write(
    path: str | os.PathLike[str], stored: Stored, *, keep_moments: bool | None = None
) -> None:
    """Write a model to an npz file, without pickles.

    Parameters
    ----------
    path : str or path-like
        File to write. An existing file is replaced, when the new one is complete: it may be the one
        that the model was read from.
    stored : Stored
        The model.
    keep_moments : bool or None
        Whether to write the sums of its moments; None writes them if they take at most 32 MiB.

    Raises
    ------
    ValueError
        If it has a design of masks without a text whose masks cannot be listed.
    """
    parameters = dict(stored.parameters)
    design = parameters.pop("design", None)
    moments = stored.moments
    if keep_moments is None:
        keep_moments = moments.has_sums and moments.nbytes <= KEPT
    if keep_moments:
        moments.expect_sums()
    arrays: dict[str, Any] = {
        "format": np.array(FORMAT),
        "model": np.array(stored.model),
        "parameters": np.array(json.dumps(parameters, default=_plain)),
    }
    if design is not None:
        arrays |= {f"design.{name}": array for name, array in _design_arrays(design).items()}
    sums = moments.to_arrays(sums=keep_moments)
    arrays |= {f"moments.{name}": array for name, array in sums.items()}
    arrays |= _arrays("solution", stored.solution)
    arrays["rounding"] = np.array(stored.rounding)
    if stored.solution.components is not None:
        arrays["n_blocks"] = np.array(len(arrays.pop("solution.weights")))
        arrays |= _arrays("components", stored.solution.components)
    with replacing(_checks.path("path", path)) as beside:
        write_arrays(beside, arrays)


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
    arrays = read_arrays(path, mapped=True)
    if not {"model", "parameters"} <= arrays.keys():
        raise ValueError(f"{os.fspath(path)!r} holds no model but {sorted(arrays)[:8]}")
    if int(arrays.get("format", 1)) > FORMAT:
        raise ValueError(
            f"{os.fspath(path)!r} is of format {int(arrays['format'])}, which a later version of "
            f"spectral_mae wrote; this one reads formats up to {FORMAT}"
        )
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
    kind = KINDS[str(moments["kind"])]
    return Stored(
        str(arrays["model"]),
        parameters,
        kind.from_arrays(moments, copy=False),
        _solution(arrays),
        float(arrays.get("rounding", math.nan)),
    )


def _solution(arrays: Mapping[str, NDArray[Any]]) -> Solution:
    found, components = _part(arrays, "solution"), None
    if parts := _part(arrays, "components"):
        components = Components(**_values(Components, parts))
        if "n_blocks" in arrays:
            found["weights"] = components.weights(int(arrays["n_blocks"]))
    return Solution(**_values(Solution, found), components=components)


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
