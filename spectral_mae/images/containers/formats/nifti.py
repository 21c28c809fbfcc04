"""NIfTI files of medical imaging: slices of volumes, with their slope and intercept applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spectral_mae.images.containers.arrays import ArrayFile, Variable
from spectral_mae.images.containers.container import package, refused

_AXES = ("x", "y", "z", "t", "u", "v", "w")


class NiftiFile(ArrayFile):
    """An open NIfTI file: the first two axes are those of pixels, the others count images."""

    kind = what = "NIfTI"

    def __init__(self, path: str) -> None:
        nibabel = package("nibabel", "NIfTI", "NiBabel", "nifti")
        with refused(self.what):
            # Of a compressed file that stays open, slices are read one after the other.
            self._image = nibabel.load(path, keep_file_open=True)

    def _listed(self) -> Mapping[str, Variable]:
        stored: Any = self._image.dataobj
        header: Any = self._image.header
        shape = tuple(int(n) for n in stored.shape)
        units = header.get_xyzt_units()
        space = "mm" if units[0] == "unknown" else units[0]  # as the format's ancestor has it
        # As short as single precision tells them apart.
        steps = tuple(float(str(step)) for step in header.get_zooms()[: len(shape)])
        named = tuple(space if axis < 3 else units[1] for axis in range(len(shape)))
        colours = stored.dtype.names
        if colours is None:
            variable = Variable(
                shape,
                stored.dtype,
                lambda where: np.asarray(stored[where]),
                axes=_AXES[: len(shape)],
                steps=steps,
                units=named,
                measured=True,
                images_first=True,
            )
        else:
            variable = Variable(
                (*shape, len(colours)),
                np.dtype(np.uint8),
                lambda where: _colours(np.asarray(stored[where[:-1]]))[..., where[-1]],
                axes=(*_AXES[: len(shape)], "c"),
                steps=(*steps, 0.0),
                units=(*named, ""),
                channels="last",
                images_first=True,
            )
        return {"": variable}

    def close(self) -> None:
        """Close the file."""
        self._image = None


def _colours(samples: Any) -> Any:
    """Red, green and blue, which are stored as one number, along a last axis."""
    return np.stack([samples[name] for name in samples.dtype.names], axis=-1)
