"""Tensors in files of ``torch.save``, by name; nothing in a file is executed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from spectral_mae.images.containers.arrays import ArrayFile, Variable
from spectral_mae.images.containers.container import package, refused


class TorchFile(ArrayFile):
    """An open file of ``torch.save``: one tensor, or tensors in dictionaries and lists."""

    kind = what = "torch.save"

    def __init__(self, path: str) -> None:
        torch = package("torch", "a file of torch.save", "PyTorch", "torch")
        options = {"map_location": "cpu", "weights_only": True}
        with refused(self.what):
            try:
                self._content = torch.load(path, mmap=True, **options)
            except RuntimeError:  # files of PyTorch before 1.6 cannot be mapped
                self._content = torch.load(path, **options)
        self._is_tensor = torch.is_tensor

    def _listed(self) -> Mapping[str, Variable]:
        return {name: _variable(tensor) for name, tensor in self._tensors("", self._content)}

    def _tensors(self, path: str, content: Any) -> Iterator[tuple[str, Any]]:
        if self._is_tensor(content):
            yield path, content.detach()
            return
        items: Any = ()
        if isinstance(content, Mapping):
            items = content.items()
        elif isinstance(content, list | tuple):
            items = enumerate(content)
        for key, item in items:
            yield from self._tensors(f"{path}.{key}" if path else str(key), item)

    def close(self) -> None:
        """Forget the file, which is closed with its last tensor."""
        self._content = None


def _variable(tensor: Any) -> Variable:
    name = str(tensor.dtype).removeprefix("torch.")
    widened = name.startswith(("bfloat16", "float8"))  # which NumPy does not have
    try:
        dtype = np.dtype("float32" if widened else name)
    except TypeError:  # of quantised tensors
        dtype = np.dtype("V1")
    return Variable(
        tuple(tensor.shape),
        dtype,
        lambda where: (tensor[where].float() if widened else tensor[where]).numpy(),
        channels="first",
    )
