"""What the transforms of every library work in: buffers of one chunk of images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import ComplexArray, FloatArray


class Workspace(ABC):
    """Buffers of one chunk and the transforms between them, used by one thread at a time.

    A transform destroys what it transforms: ``real`` and ``half`` may be the same memory.
    """

    real: FloatArray
    half: ComplexArray
    _room: FloatArray = np.empty(0)

    def room(self, n: int, size: int) -> FloatArray:
        """Return an array for what is worked out of the transforms, and that they do not use.

        Parameters
        ----------
        n : int
            Number of images, at most those of a chunk.
        size : int
            Numbers for each.

        Returns
        -------
        ndarray, shape (n, size)
            The same memory in every call.
        """
        if self._room.size < n * size:
            self._room = np.empty(n * size, dtype=self.real.dtype)
        return self._room[: n * size].reshape(n, size)

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
