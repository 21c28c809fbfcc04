"""What the transforms of every library work in: buffers of one chunk of images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import ComplexArray, FloatArray

SIDE_BY_SIDE = 8  # images, at most: to write the powers of more takes longer than it saves


class Workspace(ABC):
    """Buffers of one chunk and the transforms between them, used by one thread at a time.

    A transform destroys what it transforms: ``real`` and ``half`` may be the same memory.
    """

    real: FloatArray
    half: ComplexArray
    _room: FloatArray = np.empty(0)

    def room(self, n: int) -> FloatArray:
        """Return an array for the power of ``n`` images that the transforms do not use.

        Parameters
        ----------
        n : int
            Number of images, at most those of a chunk.

        Returns
        -------
        ndarray, shape (n, *half_shape)
            The same memory in every call. A few images lie side by side in it, all of their powers
            at one frequency and then those at the next.
        """
        shape = self.half.shape[1:]
        if self._room.size < n * prod(shape):
            self._room = np.empty(n * prod(shape), dtype=self.real.dtype)
        room = self._room[: n * prod(shape)]
        if n > SIDE_BY_SIDE:
            return room.reshape(n, *shape)
        last = len(shape)
        return room.reshape(*shape, n).transpose(last, *range(last))

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
