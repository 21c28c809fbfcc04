"""What the transforms of every library work in: buffers of one chunk of images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from spectral_mae._checks import ByteArray, ComplexArray, FloatArray


class Workspace(ABC):
    """Buffers of one chunk and the transforms between them, used by one thread at a time.

    A transform destroys what it transforms: ``real`` and ``half`` may be the same memory.
    """

    real: FloatArray
    half: ComplexArray
    _kept: FloatArray = np.empty(0)
    _spare: ByteArray = np.empty(0, dtype=np.uint8)
    _views: tuple[object, dict[Any, Any]] = None, {}

    def kept(self, n: int) -> FloatArray:
        """Return an array for what is worked out of the transforms, and that they do not use.

        Parameters
        ----------
        n : int
            How many numbers, of the type of the images.

        Returns
        -------
        ndarray, shape (n,)
            The same memory in every call.
        """
        if self._kept.size < n:
            self._kept = np.empty(n, dtype=self.real.dtype)
        return self._kept[:n]

    def spare(self, n: int, dtype: DTypeLike) -> NDArray[Any]:
        """Return memory to work in until the next transform: one that a transform works in itself.

        Parameters
        ----------
        n : int
            How many numbers.
        dtype : dtype
            Their type.

        Returns
        -------
        ndarray, shape (n,)
            The same memory in every call, whatever the type.
        """
        n_bytes = n * np.dtype(dtype).itemsize
        if self._spare.size < n_bytes:
            self._spare = np.empty(n_bytes, dtype=np.uint8)
        return self._spare[:n_bytes].view(dtype)

    def views(self, owner: object) -> dict[Any, Any]:
        """Return what an object has made of views of this memory, to be used again.

        Parameters
        ----------
        owner : object
            Whose they are. Those of the owner before are dropped.

        Returns
        -------
        dict
            Empty at first.
        """
        if self._views[0] is not owner:
            self._views = owner, {}
        return self._views[1]

    @abstractmethod
    def forward(self, planes: NDArray[Any] | None = None) -> None:
        """Transform ``real`` into ``half``, without normalisation.

        Parameters
        ----------
        planes : ndarray, shape (n, *shape), or None
            Images to transform in place of ``real``; they are not changed.
        """

    @abstractmethod
    def inverse(self) -> None:
        """Transform ``half`` into ``real``, normalised so that it inverts `forward`."""


# Images in a chunk, their shape and precision, and whether half-planes are transposed.
MakeWorkspace = Callable[[int, tuple[int, ...], np.dtype[Any], bool], Workspace]
