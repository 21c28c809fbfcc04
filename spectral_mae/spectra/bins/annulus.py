"""Sums of power over annuli of frequencies, without a table as large as the spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.spectra import frequencies


class Annuli:
    """Annuli of the frequencies of one grid, each from where the one before ends.

    Zero frequency is in none of them. Along the last axis of the half-plane each is one run, for
    |f| grows along it.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.
    fs : tuple of float
        Sampling frequency along each axis.
    edges : sequence of float
        Rising limits of the radial frequency, in the unit of ``fs``: each annulus holds its lower
        one and not its upper one.

    Attributes
    ----------
    counts : ndarray of int, shape (n_annuli,)
        Frequencies of the whole grid in each.

    Examples
    --------
    >>> import math
    >>> annuli = Annuli((4, 4), (1.0, 1.0), (0.0, 0.3, math.inf))
    >>> annuli.counts, annuli.sums(np.ones((4, 3)))
    (array([ 4, 11]), array([ 4., 11.]))
    """

    def __init__(
        self, shape: tuple[int, ...], fs: tuple[float, ...], edges: Sequence[float]
    ) -> None:
        half = frequencies.half_shape(shape)
        weights = frequencies.hermitian_weights(shape)
        self._n = n = len(edges) - 1
        starts, keys = [], []
        before = np.full(1, -1)
        for rows in frequencies.row_strips(half):
            radius = frequencies.radial_frequency(shape, fs, rows)
            annulus = np.full(radius.shape, -1, np.int32)
            for edge in edges:
                annulus += ~frequencies.below(radius, edge)
            annulus[(annulus < 0) | (annulus >= n) | (radius == 0)] = n
            # Columns that stand for one frequency are added on their own: zero, and Nyquist.
            key = (2 * annulus + (weights == 2)).ravel()
            first = np.flatnonzero(np.diff(key, prepend=before))
            before = key[-1:]
            starts.append(first + rows.start * prod(half[1:]))
            keys.append(key[first])
        self._starts = np.concatenate(starts)
        self._annulus, twice = np.divmod(np.concatenate(keys), 2)
        self._weight = 1.0 + twice
        self._size = prod(half)
        sizes = np.diff(self._starts, append=self._size)
        self.counts = np.rint(self._by_annulus(sizes.astype(float))).astype(np.int64)

    def sums(self, power: FloatArray) -> FloatArray:
        """Sum half-plane power over the frequencies of the whole grid in each annulus.

        Parameters
        ----------
        power : ndarray, shape (*shape[:-1], shape[-1]//2 + 1)
            Power on the half-plane.

        Returns
        -------
        ndarray of float64, shape (n_annuli,)
            Each frequency counts once, and so does its mirror image −k.
        """
        return self._by_annulus(np.add.reduceat(power.ravel(), self._starts, dtype=np.float64))

    def entries(self) -> list[tuple[NDArray[np.integer[Any]], FloatArray]]:
        """Return what each annulus is made of.

        Returns
        -------
        list of (places, weights)
            Of each annulus: places in the half-plane read row by row, and how many frequencies of
            the whole grid each stands for.
        """
        sizes = np.diff(self._starts, append=self._size)
        of_place = np.repeat(self._annulus, sizes)
        weight = np.repeat(self._weight, sizes)
        places = [np.flatnonzero(of_place == number) for number in range(self._n)]
        return [(one, weight[one]) for one in places]

    def _by_annulus(self, runs: FloatArray) -> FloatArray:
        """Weighted sums of runs by annulus."""
        weights = runs * self._weight
        sums: NDArray[Any] = np.bincount(self._annulus, weights, self._n + 1)
        return sums[: self._n]
