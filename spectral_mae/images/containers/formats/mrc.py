"""MRC files of electron microscopy: sections of stacks and volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spectral_mae.images.containers.arrays import ArrayFile, Variable
from spectral_mae.images.containers.container import package, refused

_ANGSTROM = "Å"


class MrcFile(ArrayFile):
    """An open MRC file: sections along the first axis are images."""

    kind = what = "MRC"

    def __init__(self, path: str) -> None:
        mrcfile = package("mrcfile", "MRC", "mrcfile", "mrc")
        compressed = path.lower().endswith((".gz", ".bz2"))
        with refused(self.what):
            self._file = mrcfile.open(path) if compressed else mrcfile.mmap(path)

    def _listed(self) -> Mapping[str, Variable]:
        data: Any = self._file.data
        voxel = self._file.voxel_size
        # As short as single precision tells them apart.
        along = [float(str(step)) for step in (voxel.z, voxel.y, voxel.x)]
        steps = [0.0] * (data.ndim - 3) + along[-min(3, data.ndim) :]
        return {
            "": Variable(
                data.shape,
                data.dtype,
                lambda where: np.array(data[where]),  # a copy: the file may be closed
                steps=tuple(steps),
                units=(_ANGSTROM,) * data.ndim,
                measured=True,
            )
        }

    def close(self) -> None:
        """Close the file."""
        self._file.close()
