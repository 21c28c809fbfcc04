"""Tensors in files of safetensors, by name; those of ``(n, channels, H, W)`` are colour images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spectral_mae.images.containers.arrays import ArrayFile, Variable
from spectral_mae.images.containers.container import package, refused

# By the names of safetensors; NumPy has no bfloat16 and no floats of 8 bits.
_TYPES = {
    "F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1",
    "U64": "u8", "U32": "u4", "U16": "u2", "U8": "u1", "BOOL": "?", "C64": "c8",
}  # fmt: skip


class SafetensorsFile(ArrayFile):
    """An open file of safetensors."""

    kind = what = "safetensors"

    def __init__(self, path: str) -> None:
        safetensors = package("safetensors", "safetensors", "safetensors", "tensors")
        with refused(self.what):
            self._file: Any = safetensors.safe_open(path, framework="numpy")

    def _listed(self) -> Mapping[str, Variable]:
        return {name: self._variable(name) for name in sorted(self._file.keys())}

    def _variable(self, name: str) -> Variable:
        stored = self._file.get_slice(name)
        dtype = np.dtype(_TYPES.get(stored.get_dtype(), "V2"))
        shape = tuple(stored.get_shape())
        return Variable(shape, dtype, stored.__getitem__, channels="first")

    def close(self) -> None:
        """Forget the file, which is closed with its last reader."""
        self._file = None
