"""Power of the transforms in a workspace, and sums of it over bins of frequencies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.spectra.backends.workspace import Workspace
from spectral_mae.spectra.bins.binning import GATHERED, Binning, Piece
from spectral_mae.spectra.frequencies import hermitian_weights

Places = NDArray[np.integer[Any]]
Call = Callable[[], object]  # of a NumPy function, whose arguments are views of the workspace


class _Group(NamedTuple):
    """What is done with some images, whose power is added up while it is in the cache."""

    square: list[Call]
    add_square: list[Call]  # of a further channel
    add_up: list[Call]


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
    kept : bool
        Whether there is memory for the power of all images, as channels need, which are added.
        Else that of some is written over that of others, and more of it stays in the cache.

    Attributes
    ----------
    power : ndarray, shape (n, *half_shape)
        |X|², with the axes of the workspace, if it is kept.
    whole : ndarray, shape (n, n_sums)
        What `sums` leaves here, times `whole_weights`, adds up to the power of the whole grid, to
        the digits of the transforms. By Parseval's theorem it is N times the sum of the squares of
        an image's pixels.
    """

    def __init__(
        self, bins: Binning, space: Workspace, n: int, *, transposed: bool, kept: bool
    ) -> None:
        shape, dtype = space.half.shape[1:], space.real.dtype
        size, order = prod(shape), bins.order(transposed=transposed)
        groups = _groups(bins, n, size)
        largest = max(images.stop - images.start for images, _ in groups)
        held = n if kept else largest
        most = max((piece.size for _, pieces in groups for piece in pieces), default=0)
        memory = space.kept(held * size + (largest * len(order) if bins.single else most))
        self.power = memory[: held * size].reshape(held, *shape)
        self._taken = memory[held * size :]
        self._sums = np.empty((2, n, bins.n_runs))

        image = space.real.shape[1:]
        # Columns of zero frequency and, of an even width, of Nyquist's are their own mirror images.
        # Those of transposed planes lie in one row of memory: one call adds up them and the others.
        self._starts = _column_starts(image) * shape[-1] if transposed else None
        step = image[-1] // 2 if image[-1] % 2 == 0 else image[-1]
        self._mirrored = slice(None, None, step)
        self.whole = np.empty((n, len(whole_weights(image, transposed=transposed))), dtype=dtype)

        transforms = space.half[:n].reshape(n, size).view(dtype)
        self._groups = []
        for images, pieces in groups:
            power = self.power[images if kept else slice(images.stop - images.start)]
            row = power.reshape(-1)
            parts = transforms[images].reshape(-1)
            other = space.spare(min(GATHERED, row.size), dtype)
            add_up = list(self._totals(power, self.whole[images]))
            planes = power.reshape(-1, size)
            if bins.single:
                add_up += self._alone(planes, order, self._sums[0, images])
            for piece in pieces:
                sums = self._sums[:, images, piece.runs].reshape(2, -1)  # no copy
                exact = space.spare(piece.size, np.float64)
                add_up += self._runs(planes, order[piece.entries], exact, piece.starts, sums)
            self._groups.append(
                _Group(
                    list(_squares(parts, row, other, add=False)),
                    list(_squares(parts, row, other, add=True)) if kept else [],
                    add_up,
                )
            )

    def _totals(self, power: FloatArray, whole: FloatArray) -> Iterator[Call]:
        """Sums over planes, (n, *half_shape), of which each column has its own weight."""
        planes = power.reshape(len(power), -1)
        if self._starts is not None:  # one call adds up all
            starts = np.arange(0, planes.size, planes.shape[1])[:, np.newaxis] + self._starts
            yield partial(
                np.add.reduceat, planes.reshape(-1), starts.ravel(), out=whole.reshape(-1)
            )
            return
        axes = tuple(range(1, power.ndim))
        yield partial(np.add.reduce, planes, axis=-1, out=whole[:, 0])
        yield partial(np.add.reduce, power[..., self._mirrored], axis=axes, out=whole[:, 1])

    def _alone(self, planes: FloatArray, places: Places, sums: FloatArray) -> Iterator[Call]:
        """Runs of one number each."""
        if len(places) and (np.diff(places) == 1).all():  # as those of a signal are
            yield partial(np.copyto, sums, planes[:, places[0] : places[-1] + 1])
            return
        taken = self._taken[: sums.size].reshape(sums.shape)
        yield partial(planes.take, places, axis=-1, out=taken, mode="wrap")
        yield partial(np.copyto, sums, taken)

    def _runs(
        self,
        planes: FloatArray,
        places: Places,
        exact: FloatArray,
        starts: Places,
        sums: FloatArray,
    ) -> Iterator[Call]:
        """Sums over some runs of some planes, and those of the squares."""
        taken = exact if planes.dtype == np.float64 else self._taken[: exact.size]
        # To look whether an index is in range, as mode="raise" does, takes longer.
        out = taken.reshape(len(planes), -1)
        yield partial(planes.take, places, axis=-1, out=out, mode="wrap")
        if taken is not exact:
            yield partial(np.copyto, exact, taken)
        # One row, for of several NumPy adds up parts without letting other threads run.
        yield partial(np.add.reduceat, exact, starts, out=sums[0])
        yield partial(np.square, exact, exact)
        yield partial(np.add.reduceat, exact, starts, out=sums[1])

    def square(self, *, add: bool = False) -> None:
        """Work out the power of what is in the workspace, which must be kept.

        Parameters
        ----------
        add : bool
            Add it to that of the channels before.
        """
        for group in self._groups:
            _each(group.add_square if add else group.square)

    def sums(self, *, add: bool = False) -> FloatArray:
        """Work out the power, and add it and its square up over runs of equal weight.

        Parameters
        ----------
        add : bool
            Add the power to that of the channels before.

        Returns
        -------
        ndarray of float64, shape (2, n, n_runs)
            The sums, of which `Binning.moments_of_runs` knows the moments. The same memory in every
            call.
        """
        for group in self._groups:
            _each(group.add_square if add else group.square)
            _each(group.add_up)
        return self._sums


def whole_weights(shape: tuple[int, ...], *, transposed: bool) -> NDArray[np.integer[Any]]:
    """Weights with which `PowerSums.whole` adds up to the power of the whole grid.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.
    transposed : bool
        Whether the half-planes are transposed.

    Returns
    -------
    ndarray of int, shape (n_sums,)
        Of each sum.
    """
    return hermitian_weights(shape)[_column_starts(shape)] if transposed else np.array([2, -1])


def _column_starts(shape: tuple[int, ...]) -> NDArray[np.integer[Any]]:
    """Columns of the half-plane that stand for another number of frequencies than the last."""
    return np.flatnonzero(np.diff(hermitian_weights(shape), prepend=0))


def _squares(
    parts: FloatArray, power: FloatArray, other: FloatArray, *, add: bool
) -> Iterator[Call]:
    """Power of real and imaginary parts, which follow one another, some at a time."""
    for first in range(0, power.size, len(other)):
        some = power[first : first + len(other)]
        of_some, spare = parts[2 * first : 2 * (first + some.size)], other[: some.size]
        # Numbers that are apart are squared twice as fast as they are added.
        if add:
            yield partial(np.square, of_some[0::2], spare)
            yield partial(np.add, some, spare, some)
        else:
            yield partial(np.square, of_some[0::2], some)
        yield partial(np.square, of_some[1::2], spare)
        yield partial(np.add, some, spare, some)


def _each(calls: list[Call]) -> None:
    for call in calls:
        call()


def _groups(bins: Binning, n: int, size: int) -> list[tuple[slice, list[Piece]]]:
    """Images that are worked out together, and what is added up of them."""
    if bins.single:
        together = max(1, GATHERED // size)
        return [(slice(i, min(i + together, n)), []) for i in range(0, n, together)]
    of_images: dict[tuple[int, int], list[Piece]] = {}
    for piece in bins.pieces(n):
        of_images.setdefault((piece.planes.start, piece.planes.stop), []).append(piece)
    return [(slice(*images), pieces) for images, pieces in of_images.items()]
