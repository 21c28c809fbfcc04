"""HDF5 files: data sets by their path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spectral_mae.images.containers.arrays import ArrayFile, Variable
from spectral_mae.images.containers.container import package, refused

_CACHE = 2**26  # bytes of chunks that stay decoded: a chunk often holds several images


class Hdf5File(ArrayFile):
    """An open HDF5 file."""

    kind = what = "HDF5"

    def __init__(self, path: str) -> None:
        self._h5py = package("h5py", "HDF5", "h5py", "hdf5")
        with refused(self.what):
            self._file = self._h5py.File(path, "r", rdcc_nbytes=_CACHE)

    def _listed(self) -> Mapping[str, Variable]:
        found: dict[str, Variable] = {}

        def visit(name: str, item: Any) -> None:
            if isinstance(item, self._h5py.Dataset) and item.shape is not None:
                found[f"/{name}"] = _variable(item)

        self._file.visititems(visit)
        return found

    def _named(self, name: str) -> str | None:
        path = f"/{name.strip('/')}"
        return path if path in self.variables else None

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _variable(dataset: Any) -> Variable:
    # Written by Fiji and ilastik: micrometres along each axis.
    steps = np.atleast_1d(dataset.attrs.get("element_size_um", ())).ravel()
    alike = len(steps) == dataset.ndim
    return Variable(
        dataset.shape,
        dataset.dtype,
        dataset.__getitem__,
        steps=tuple(float(step) for step in steps) if alike else (),
        units=("µm",) * dataset.ndim,
        channels="last",
    )
