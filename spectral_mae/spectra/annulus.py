"""Sums of power over an annulus of frequencies, without a table as large as the spectrum."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.spectra import frequencies


class Annulus:
    """The frequencies fmin ≤ |f| < fmax of one grid; zero frequency is never among them.

    Along the last axis of the half-plane they are one run, for |f| grows along it.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.
    fs : tuple of float
        Sampling frequency along each axis.
    fmin, fmax : float
        Limits of the radial frequency, in the unit of ``fs``: inclusive and exclusive.

    Attributes
    ----------
    count : int
        Frequencies of the whole grid.

    Raises
    ------
    ValueError
        If no frequency lies in it.

    Examples
    --------
    >>> ring = Annulus((4, 4), (1.0, 1.0), 0.0, 0.3)
    >>> ring.count, ring.sum(np.ones((4, 3)))
    (4, 4.0)
    """

    def __init__(
        self, shape: tuple[int, ...], fs: tuple[float, ...], fmin: float, fmax: float
    ) -> None:
        half = frequencies.half_shape(shape)
        weights = frequencies.hermitian_weights(shape)
        firsts, ends = [], []
        for rows in frequencies.row_strips(half):
            radius = frequencies.radial_frequency(shape, fs, rows).reshape(-1, half[-1])
            below = (radius == 0) | frequencies.below(radius, fmin)
            firsts.append(np.count_nonzero(below, axis=1))
            ends.append(np.count_nonzero(below | frequencies.below(radius, fmax), axis=1))
        first, end = np.concatenate(firsts), np.concatenate(ends)
        total = np.concatenate([[0], np.cumsum(weights)])
        self.count = int((total[end] - total[first]).sum())
        if self.count == 0:
            raise ValueError(f"no frequency with {fmin=} <= |f| < {fmax=} in {shape=}")
        # Columns that stand for one frequency are added on their own: zero, and Nyquist.
        inner = np.flatnonzero(weights == 2)
        low, high = (int(inner[0]), int(inner[-1]) + 1) if len(inner) else (0, 0)
        row = np.arange(len(first)) * half[-1]
        self._runs = _runs(row, np.maximum(first, low), np.minimum(end, high), prod(half))
        columns = np.flatnonzero(weights == 1)
        inside = (columns >= first[:, np.newaxis]) & (columns < end[:, np.newaxis])
        self._single = (row[:, np.newaxis] + columns)[inside]

    def sum(self, power: FloatArray) -> float:
        """Sum half-plane power over the frequencies of the whole grid in the annulus.

        Parameters
        ----------
        power : ndarray, shape (*shape[:-1], shape[-1]//2 + 1)
            Power on the half-plane.

        Returns
        -------
        float
            Each frequency counts once, and so does its mirror image −k.
        """
        flat = power.ravel()
        total = flat[self._single].sum(dtype=np.float64)
        if len(self._runs):
            total += 2 * np.add.reduceat(flat, self._runs, dtype=np.float64)[::2].sum()
        return float(total)


def _runs(
    row: NDArray[np.integer], first: NDArray[np.integer], end: NDArray[np.integer], size: int
) -> NDArray[np.integer]:
    """Places at which runs begin and end by turns, as `reduceat` wants them: none is empty."""
    some = end > first
    places = np.stack([row[some] + first[some], row[some] + end[some]], axis=1).ravel()
    return places[:-1] if len(places) and places[-1] == size else places
