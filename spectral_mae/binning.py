"""Means over bins of frequencies, worked out once and used for many spectra.

A real image has P[−k] = P[k], so of the frequencies in a bin about half are independent numbers.
Counts are of the whole grid; standard errors use the independent ones, ``count / 2``: each pair
{k, −k} of a Gaussian field carries an exponential variable, and each frequency that is its own
mirror (zero and Nyquist) a chi-square with one degree of freedom, which is half of one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray

# Mean of squares less squared mean is fast, and good enough where neither cancels nor leaves the
# range of numbers. In other bins deviations are formed one by one.
CANCELS = 1e-3  # variance over squared mean
LEAST_SQUARE = 1e-280


def unit_near(largest: float) -> float:
    """A power of two near a number, to divide by before squaring; exact, so that no bit changes.

    Examples
    --------
    >>> unit_near(1000.0), unit_near(0.0)
    (1024.0, 1.0)
    """
    return math.ldexp(1.0, math.frexp(largest)[1])


class BinMeans(NamedTuple):
    """Mean, spread and standard error of power in bins, each of shape (..., n_bins)."""

    power: FloatArray
    std: FloatArray
    stderr: FloatArray


class Binning:
    """Weighted means of half-plane power over bins.

    Each entry says that half-plane frequency ``index`` brings ``weight`` frequencies of the whole
    grid into bin ``bins``; the weights of a bin sum to its count. Entries are sorted by bin and
    then by weight, so that a bin is a few runs of equal weight, which is multiplied once for each
    run. Bins that nothing falls into are left out.
    """

    def __init__(
        self,
        half_shape: tuple[int, ...],
        bins: NDArray[np.integer[Any]],
        index: NDArray[np.integer[Any]],
        weight: FloatArray,
    ) -> None:
        order = np.lexsort((weight, bins))
        self.half_shape = half_shape
        bins, weight = bins[order], weight[order]
        self._index = index[order]
        self.filled, first, self._sizes = np.unique(bins, return_index=True, return_counts=True)
        starts = (np.diff(bins, prepend=-1) != 0) | (np.diff(weight, prepend=0.0) != 0)
        self._weight = weight
        self._runs = np.flatnonzero(starts)
        self._run_weight = weight[self._runs]
        self._first = np.cumsum(starts)[first] - 1  # run with which each bin begins
        self._free: list[FloatArray] = []
        self._last_parts = self._runs, self._first
        self.counts = np.add.reduceat(weight, first) if len(first) else np.zeros(0)

    @cached_property
    def _transposed_index(self) -> NDArray[np.integer[Any]]:
        places = np.unravel_index(self._index, self.half_shape)
        return np.ravel_multi_index(places[::-1], self.half_shape[::-1])

    def moments(
        self, power: FloatArray, *, transposed: bool = False
    ) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation over the bins, each (..., n_bins).

        ``power`` is (..., *half_shape); ``transposed`` where its last axes come in the other order.
        """
        lead = power.shape[: power.ndim - len(self.half_shape)]
        flat = power.reshape(-1, math.prod(self.half_shape))
        index = self._transposed_index if transposed else self._index
        alone = self._sizes == 1
        if alone.all():  # as all rings of a signal are
            powers = flat.take(index, axis=-1).astype(np.float64).reshape(*lead, -1)
            return powers, np.zeros_like(powers)
        with (
            self._borrow((len(flat), len(index))) as values,
            np.errstate(over="ignore", invalid="ignore"),  # found below
        ):
            values[...] = flat.take(index, axis=-1, mode="wrap")  # "raise" takes longer
            mean = self._means(values)
            np.square(values, out=values)
            squared = np.square(mean)
            variance = self._means(values) - squared
            squared *= CANCELS
            squared += LEAST_SQUARE
            exact = (variance > squared) & (variance < np.inf)
            if alone.any():
                variance[:, alone] = 0.0
            std = np.sqrt(variance)
        bins = np.flatnonzero(~(exact.all(axis=0) | alone))
        if bins.size:
            with np.errstate(over="ignore", invalid="ignore"):  # infinite power stays infinite
                careful = self._deviations(flat, index, mean[:, bins], bins)
            # Where it is not needed nothing changes, whatever other spectra come along.
            std[:, bins] = np.where(exact[:, bins], std[:, bins], careful)
        return mean.reshape(*lead, -1), std.reshape(*lead, -1)

    def _deviations(
        self,
        flat: FloatArray,
        index: NDArray[np.integer[Any]],
        mean: FloatArray,
        bins: NDArray[np.integer[Any]],
    ) -> FloatArray:
        """Standard deviations of some bins, deviation by deviation, in units of the largest."""
        sizes = self._sizes[bins]
        chosen = np.zeros(len(self._sizes), dtype=bool)
        chosen[bins] = True
        entries = np.flatnonzero(np.repeat(chosen, self._sizes))
        first = np.cumsum(sizes) - sizes
        off = flat[:, index[entries]] - np.repeat(mean, sizes, axis=-1)
        largest = np.maximum.reduceat(np.abs(off), first, axis=-1)
        scale = np.where(largest > 0, largest, 1.0)
        off /= np.repeat(scale, sizes, axis=-1)
        np.square(off, out=off)
        off *= self._weight[entries]
        return largest * np.sqrt(np.add.reduceat(off, first, axis=-1) / self.counts[bins])

    def errors(self, mean: FloatArray, std: FloatArray, averages: int = 1) -> BinMeans:
        """Standard errors, where power is the mean of so many independent spectra."""
        independent = self.counts / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            scatter = std / np.sqrt(independent - 1)
        gaussian = np.abs(mean) / np.sqrt(independent * averages)
        return BinMeans(mean, std, np.where(independent > 1, scatter, gaussian))

    def __getstate__(self) -> dict[str, Any]:
        # Working memory need not travel.
        return {**self.__dict__, "_free": [], "_last_parts": (self._runs, self._first)}

    def spread(self, values: FloatArray) -> FloatArray:
        """One value per bin at every entry of it, (n_bins,) to the half-plane."""
        half = np.zeros(self.half_shape)
        half.flat[self._index] = np.repeat(values, self._sizes)
        return half

    @contextmanager
    def _borrow(self, shape: tuple[int, ...]) -> Iterator[FloatArray]:
        """Lend an array to this thread alone: fresh ones cost more in page faults than sums do."""
        try:
            spare = self._free.pop()  # list.pop and list.append are atomic
        except IndexError:
            spare = np.empty(0)
        size = math.prod(shape)
        if spare.size < size:
            spare = np.empty(size)
        try:
            yield spare[:size].reshape(shape)
        finally:
            self._free.append(spare)

    def _means(self, values: FloatArray) -> FloatArray:
        """Weighted means over the bins, (n, entries) to (n, n_bins)."""
        if values.size == 0:
            return np.zeros((len(values), len(self._first)))
        runs, bins = self._parts(len(values))
        # One row, for of several NumPy adds up parts without letting other threads run.
        sums = np.add.reduceat(values.ravel(), runs).reshape(len(values), -1)
        sums *= self._run_weight
        sums = np.add.reduceat(sums.ravel(), bins).reshape(len(values), -1)
        sums /= self.counts
        return sums

    def _parts(self, n: int) -> tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]:
        """Where runs begin in the entries, and bins in the runs, of ``n`` rows as one."""
        parts = self._last_parts  # another thread may set it meanwhile
        if len(parts[0]) != n * len(self._runs):
            rows = np.arange(n)
            parts = (
                np.add.outer(rows * len(self._index), self._runs).ravel(),
                np.add.outer(rows * len(self._runs), self._first).ravel(),
            )
            self._last_parts = parts
        return parts
