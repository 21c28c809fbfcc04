"""Zarr stores: arrays by their path; OME-Zarr says how large their pixels are."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from spectral_mae.images.containers.arrays import ArrayFile, Variable
from spectral_mae.images.containers.container import package, refused
from spectral_mae.images.containers.selector import is_remote

Steps = tuple[tuple[float, ...], tuple[str, ...]]


class ZarrFile(ArrayFile):
    """An open store: a folder, a zip file or a URL."""

    kind = what = "Zarr"

    def __init__(self, path: str) -> None:
        self._zarr = package("zarr", "Zarr", "Zarr", "zarr")
        if is_remote(path):
            package("fsspec", path.partition("://")[0] + "://", "fsspec", "remote")
        with refused(self.what):
            self._root = self._zarr.open(path, mode="r")

    def _listed(self) -> Mapping[str, Variable]:
        if isinstance(self._root, self._zarr.Array):
            return {"": _variable(self._root, ((), ()))}
        groups: list[tuple[str, Any]] = [("", self._root)]
        arrays: list[tuple[str, Any]] = []
        for name, item in sorted(self._root.members(max_depth=None)):
            (arrays if isinstance(item, self._zarr.Array) else groups).append((name, item))
        steps: dict[str, Steps] = {}
        for name, group in groups:
            steps |= _pixel_scales(name, dict(group.attrs))
        return {f"/{name}": _variable(item, steps.get(name, ((), ()))) for name, item in arrays}

    def _named(self, name: str) -> str | None:
        path = f"/{name.strip('/')}"
        return path if path in self.variables else None

    def close(self) -> None:
        """Close the store."""
        self._root.store.close()


def _variable(array: Any, steps: Steps) -> Variable:
    along, units = steps if len(steps[0]) == array.ndim else ((), ())
    return Variable(
        array.shape, array.dtype, array.__getitem__, steps=along, units=units, channels="last"
    )


def _pixel_scales(group: str, attributes: Mapping[str, Any]) -> dict[str, Steps]:
    """Steps and units of the arrays of an OME-Zarr image, by path."""
    found: dict[str, Steps] = {}
    described = attributes.get("ome", attributes)
    for image in described.get("multiscales", ()) if isinstance(described, Mapping) else ():
        try:
            units = tuple(str(axis.get("unit", "")) for axis in image["axes"])
            for level in image["datasets"]:
                scales = [
                    [float(step) for step in one["scale"]]
                    for one in level["coordinateTransformations"]
                    if one["type"] == "scale"
                ]
                if len(scales) == 1:
                    found[posixpath.join(group, level["path"])] = (tuple(scales[0]), units)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue  # a description that is not as OME has it says nothing
    return found
