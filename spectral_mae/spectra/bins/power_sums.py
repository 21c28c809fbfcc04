"""Power of the transforms in a workspace, and sums of it over bins of frequencies."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.spectra.backends.workspace import Workspace
from spectral_mae.spectra.bins.binning import GATHERED, Binning


class _Squaring(NamedTuple):
    """Some transforms, whose power is worked out together."""

    real: FloatArray
    imag: FloatArray
    power: FloatArray
    other: FloatArray


class _Adding(NamedTuple):
    """Some runs of some planes, which are added up together."""

    planes: FloatArray
    places: NDArray[np.integer[Any]]
    taken: FloatArray
    rough: FloatArray | None  # what is taken, in one row, if it is of single precision
    exact: FloatArray  # in double precision
    starts: NDArray[np.integer[Any]]
    sums: FloatArray
    sums_of_squares: FloatArray


class PowerSums:
    """Power |X|² of the transforms in a workspace, and sums over bins.

    Views of the workspace are made once: making them for each image of 224×224 would take a third
    of the time of adding up its power.

    Parameters
    ----------
    bins : Binning
        The bins.
    space : Workspace
        Its first ``n`` half-planes are added up.
    n : int
        Number of images.
    transposed : bool
        Whether the half-planes of ``space`` are transposed.

    Attributes
    ----------
    power : ndarray, shape (n, *half_shape)
        |X|², with the axes of the workspace.
    """

    def __init__(self, bins: Binning, space: Workspace, n: int, *, transposed: bool) -> None:
        dtype, shape = space.real.dtype, space.half.shape[1:]
        size, order = prod(shape), bins.order(transposed=transposed)
        pieces = [] if bins.single else bins.pieces(n)
        most = max((piece.size for piece in pieces), default=0)
        kept = space.kept(n * size + most)
        flat, taken = kept[: n * size], kept[n * size :]
        self.power = flat.reshape(n, *shape)
        columns = self.power.swapaxes(1, 2) if transposed else self.power
        # Those of zero frequency and, of an even width, of Nyquist's are their own mirror images.
        width = space.real.shape[-1]
        self._mirrored = columns[..., :: width // 2] if width % 2 == 0 else columns[..., :1]
        self._axes = tuple(range(1, columns.ndim))

        parts = space.half[:n].reshape(-1).view(dtype)
        steps = [slice(first, first + GATHERED) for first in range(0, n * size, GATHERED)]
        other = space.spare(min(GATHERED, n * size), dtype)
        self._squarings = [
            _Squaring(parts[0::2][i], parts[1::2][i], flat[i], other[: flat[i].size]) for i in steps
        ]
        self._planes = planes = flat.reshape(n, size)
        self._order = order if bins.single else None
        self._sums = np.empty((2, n, bins.n_runs))
        self._addings = []
        for piece in pieces:
            exact = space.spare(piece.size, np.float64)
            given = exact if dtype == np.float64 else taken[: piece.size]
            sums, of_squares = self._sums[:, piece.planes, piece.runs].reshape(2, -1)  # no copy
            places = order[piece.entries]
            self._addings.append(
                _Adding(
                    planes[piece.planes],
                    places,
                    given.reshape(-1, len(places)),
                    None if given is exact else given,
                    exact,
                    piece.starts,
                    sums,
                    of_squares,
                )
            )

    def square(self, *, add: bool = False) -> None:
        """Work out the power of what is in the workspace.

        Parameters
        ----------
        add : bool
            Add it to that of the channels before.
        """
        for real, imag, power, other in self._squarings:
            # Numbers that are apart are squared twice as fast as they are added.
            if add:
                np.square(real, out=other)
                np.add(power, other, out=power)
            else:
                np.square(real, out=power)
            np.square(imag, out=other)
            np.add(power, other, out=power)

    def sums(self) -> FloatArray:
        """Add up the power, and its square, over runs of equal weight.

        Returns
        -------
        ndarray of float64, shape (2, n, n_runs)
            The sums, of which `Binning.moments_of_runs` knows the moments. The same memory in every
            call.
        """
        if self._order is not None:
            self._sums[0] = self._planes.take(self._order, axis=-1, mode="wrap")
        for planes, places, taken, rough, exact, starts, sums, sums_of_squares in self._addings:
            # To look whether an index is in range, as mode="raise" does, takes longer.
            planes.take(places, axis=-1, out=taken, mode="wrap")
            if rough is not None:
                exact[...] = rough
            # One row, for of several NumPy adds up parts without letting other threads run.
            np.add.reduceat(exact, starts, out=sums)
            np.square(exact, out=exact)
            np.add.reduceat(exact, starts, out=sums_of_squares)
        return self._sums

    def total(self) -> FloatArray:
        """Sum the power over the whole grid, to the digits of the transforms.

        Returns
        -------
        ndarray, shape (n,)
            By Parseval's theorem, N times the sum of the squares of an image's pixels.
        """
        total = np.add.reduce(self._planes, axis=-1)
        total *= 2
        total -= np.add.reduce(self._mirrored, axis=self._axes)
        return total
