"""Means over bins of frequencies, worked out once and used for many spectra.

A real image has P[−k] = P[k], so of the frequencies in a bin about half are independent numbers.
Counts are of the whole grid; standard errors use the independent ones, ``count / 2``: each pair
{k, −k} of a Gaussian field carries an exponential variable, and each frequency that is its own
mirror (zero and Nyquist) a chi-square with one degree of freedom, which is half of one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import BoolArray, FloatArray, is_tensor
from spectral_mae.spectra.frequencies import half_shape, hermitian_weights, row_strips
from spectral_mae.spectra.tensors.bin_means import TensorBins

BLOCK = 2**20  # numbers whose bins are worked out at a time
GATHERED = 2**15  # numbers that are gathered and added up at a time: they stay in the cache
# Mean of squares less squared mean is fast, and good enough where neither cancels nor leaves the
# range of numbers. In other bins deviations are formed one by one.
CANCELS = 1e-5  # variance over squared mean: ten digits of it are left
LEAST_SQUARE = 1e-280

Entries = slice | NDArray[np.integer[Any]]
Gathered = Callable[[slice, Entries], FloatArray]  # some entries of some planes


class Piece(NamedTuple):
    """Entries of some planes that are gathered together: some runs of equal weight."""

    planes: slice
    entries: slice
    runs: slice  # counted from the first of the block
    starts: NDArray[np.integer[Any]]  # of the runs, in the entries of one plane after the other

    @property
    def size(self) -> int:
        """Numbers that are gathered."""
        planes, entries = self.planes, self.entries
        return (planes.stop - planes.start) * (entries.stop - entries.start)


class _Block(NamedTuple):
    """Bins that are worked out together."""

    n_planes: int
    bins: slice
    runs: slice
    pieces: list[Piece]


def unit_near(largest: float) -> float:
    """Return a power of two near a number, to divide by before squaring without rounding.

    Parameters
    ----------
    largest : float
        A finite number, 0 or more.

    Returns
    -------
    float
        2^n with ``largest`` < 2^n ≤ 2·``largest``; 1 for 0.

    Examples
    --------
    >>> unit_near(1000.0), unit_near(0.0)
    (1024.0, 1.0)
    """
    return math.ldexp(1.0, math.frexp(largest)[1])


class BinMeans(NamedTuple):
    """Mean, spread and standard error of power in bins.

    Attributes
    ----------
    power, std, stderr : ndarray, shape (..., n_bins)
        Mean power in each bin, its standard deviation within the bin, and the standard error of the
        mean.
    """

    power: FloatArray
    std: FloatArray
    stderr: FloatArray


class Binning:
    """Weighted means of half-plane power over bins.

    Entries, each a half-plane frequency and its weight, are sorted by bin and then by weight, so
    that a bin is a few runs of equal weight, which is multiplied once for each run. Bins that
    nothing falls into are left out. Sums are formed some bins at a time, so that what is gathered
    never takes the memory of a whole plane.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.
    bins : ndarray of int, shape of the half-plane
        Of each frequency; −1 where it falls into none. It weighs as many frequencies of the whole
        grid as it stands for.
    shared : pair of ndarrays of int, or None
        Bins, and places in the half-plane read row by row, of entries that weigh a quarter of that.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        bins: NDArray[np.integer[Any]],
        shared: tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]] | None = None,
    ) -> None:
        self.half_shape = half_shape(shape)
        key, kinds = _sort_keys(shape, bins, shared)
        # Of 16 bits, as the keys of all but huge images have, a stable sort is a radix sort.
        order = np.argsort(key, kind="stable")
        order = order[: np.count_nonzero(key != np.iinfo(key.dtype).max)]
        key = key[order]
        if shared is not None:
            beyond = order >= bins.size
            order[beyond] = shared[1][order[beyond] - bins.size]
        self._index = order
        starts = np.ones(len(key), dtype=bool)
        np.not_equal(key[1:], key[:-1], out=starts[1:])
        self._runs = np.flatnonzero(starts)
        of_run, kind = np.divmod(key[self._runs].astype(np.int64), len(kinds))
        self._run_weight = kinds[kind]
        self.filled, self._first = np.unique(of_run, return_index=True)
        self._ends = np.append(self._runs[self._first], len(order))
        self._sizes = np.diff(self._ends)
        self._run_sizes = np.diff(self._runs, append=len(order))
        self.counts = np.zeros(0)
        if len(order):
            self.counts = np.add.reduceat(self._run_weight * self._run_sizes, self._first)
        self._last_blocks: tuple[int | None, list[_Block]] = None, []
        self._last_pieces: tuple[int | None, list[Piece]] = None, []

    @cached_property
    def _of_tensors(self) -> TensorBins:
        weight = np.repeat(self._run_weight, self._run_sizes)
        return TensorBins(self._index, weight, self._sizes)

    def order(self, *, transposed: bool = False) -> NDArray[np.integer[Any]]:
        """Return the places of all entries in the half-plane, bin by bin.

        Parameters
        ----------
        transposed : bool
            Whether the last two axes of the half-plane are in the opposite order.

        Returns
        -------
        ndarray of int, shape (n_entries,)
            In the half-plane read row by row.
        """
        return self._transposed_index if transposed else self._index

    def entries(self) -> list[tuple[NDArray[np.integer[Any]], FloatArray]]:
        """Return what each bin is made of.

        Returns
        -------
        list of (places, weights)
            Of each bin that something falls into: places in the half-plane read row by row, and
            the weight of each, which sum to its count.
        """
        weight = np.repeat(self._run_weight, self._run_sizes)
        parts = [slice(*ends) for ends in itertools.pairwise(self._ends.tolist())]
        return [(self._index[part], weight[part]) for part in parts]

    @cached_property
    def _transposed_index(self) -> NDArray[np.integer[Any]]:
        places = np.empty_like(self._index)
        for first in range(0, len(places), BLOCK):
            part = slice(first, first + BLOCK)
            upright = np.unravel_index(self._index[part], self.half_shape)
            places[part] = np.ravel_multi_index(upright[::-1], self.half_shape[::-1])
        return places

    def moments(self, power: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of power in each bin.

        Parameters
        ----------
        power : ndarray or tensor, shape (..., *shape[:-1], shape[-1]//2 + 1)
            Power of one spectrum or several on the half-plane.

        Returns
        -------
        mean, std : ndarray of float64 or tensor like ``power``, shape (..., n_bins)
            Weighted mean and root mean square deviation from it.
        """
        if is_tensor(power):
            return self._of_tensors.moments(power, len(self.half_shape))
        lead, size = power.shape[: power.ndim - len(self.half_shape)], math.prod(self.half_shape)
        index = self._index
        n = math.prod(lead)
        rows = power.reshape(n, size)

        def gathered(planes: slice, entries: Entries) -> FloatArray:
            # To look whether an index is in range, as mode="raise" does, takes longer.
            return rows[planes].take(index[entries], axis=-1, mode="wrap")

        mean, std = self._moments(n, gathered)
        of_bins = *lead, len(self._sizes)
        return mean.reshape(of_bins), std.reshape(of_bins)

    def means(self, power: FloatArray) -> FloatArray:
        """Mean power in each bin, without its spread, in a third of the time.

        Parameters
        ----------
        power : ndarray of float64, shape (*shape[:-1], shape[-1]//2 + 1)
            Power of one spectrum on the half-plane.

        Returns
        -------
        ndarray of float64, shape (n_bins,)
            The means that `moments` returns.
        """
        sums = np.add.reduceat(power.ravel().take(self._index, mode="wrap"), self._runs)
        sums *= self._run_weight
        means: FloatArray = np.add.reduceat(sums, self._first)
        means /= self.counts
        return means

    def moments_of_runs(self, sums: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
        """Mean and standard deviation of power in each bin, where sums over runs can say them.

        Parameters
        ----------
        sums : ndarray, shape (2, n, n_runs)
            What `PowerSums` found. It is changed.

        Returns
        -------
        mean, std : ndarray of float64, shape (n, n_bins)
            The bits that `moments` returns of the power on the half-plane.
        exact : ndarray of bool, shape (n, n_bins)
            Whether ``std`` may be used. Where it is False it takes `moments`.
        """
        if self.single:
            return sums[0], np.zeros(sums[0].shape), np.ones(sums[0].shape, dtype=bool)
        return self._of_sums(slice(0, len(self._sizes)), sums)

    @property
    def n_runs(self) -> int:
        """Runs of entries of equal weight in all bins together."""
        return len(self._runs)

    def moments_of(
        self, function: Callable[[NDArray[np.integer[Any]]], FloatArray]
    ) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation, in each bin, of a function of frequency.

        Parameters
        ----------
        function : callable
            Takes indices into the half-plane, read row by row, and returns a value for each.

        Returns
        -------
        mean, std : ndarray of float64, shape (n_bins,)
            Weighted mean and root mean square deviation from it.
        """

        def gathered(_planes: slice, entries: Entries) -> FloatArray:
            return function(self._index[entries])[np.newaxis]

        mean, std = self._moments(1, gathered)
        return mean[0], std[0]

    def _moments(self, n: int, gathered: Gathered) -> tuple[FloatArray, FloatArray]:
        """Moments of ``n`` planes, each (n, n_bins); ``gathered`` returns some entries of each."""
        if self.single:
            powers = gathered(slice(None), slice(None)).astype(np.float64)
            return powers, np.zeros(powers.shape)
        blocks = self._blocks(n)
        if len(blocks) == 1:
            return self._block_moments(blocks[0], gathered)
        mean, std = np.empty((2, n, len(self._sizes)))
        for block in blocks:
            mean[:, block.bins], std[:, block.bins] = self._block_moments(block, gathered)
        return mean, std

    def _block_moments(self, block: _Block, gathered: Gathered) -> tuple[FloatArray, FloatArray]:
        mean, std, exact = self._of_sums(block.bins, self._sum_block(block, gathered))
        if not exact.all():  # infinite power stays infinite
            careless = np.asarray(~exact.all(axis=0))
            with np.errstate(over="ignore", invalid="ignore"):
                careful = self._deviations(gathered, block.bins, mean[:, careless], careless)
            # Where it is not needed nothing changes, whatever other spectra come along.
            std[:, careless] = np.where(exact[:, careless], std[:, careless], careful)
        return mean, std

    def _sum_block(self, block: _Block, gathered: Gathered) -> FloatArray:
        """Sums of power, and of its square, over the runs of a block: (2, n, n_runs)."""
        sums = np.empty((2, block.n_planes, block.runs.stop - block.runs.start))
        with np.errstate(over="ignore", invalid="ignore"):  # found in what comes of them
            for planes, entries, runs, starts in block.pieces:
                # One row, for of several NumPy adds up parts without letting other threads run.
                values = gathered(planes, entries).astype(np.float64).ravel()
                mean, square = sums[:, planes, runs]
                mean[...] = np.add.reduceat(values, starts).reshape(mean.shape)
                np.square(values, out=values)
                square[...] = np.add.reduceat(values, starts).reshape(mean.shape)
        return sums

    def _of_sums(self, bins: slice, sums: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
        """Moments of some bins from the sums over their runs, and whether ``std`` may be used."""
        runs = self._runs_of(bins)
        alone = np.flatnonzero(self._sizes[bins] == 1)
        with np.errstate(over="ignore", invalid="ignore"):  # found below
            sums *= self._run_weight[runs]
            # Far faster than NumPy's reduceat.
            means = sums.take(self._first[bins] - runs.start, axis=-1, mode="wrap")
            for places, of_run in self._further_runs(bins):
                if len(places) == means.shape[-1]:
                    means += sums.take(of_run, axis=-1, mode="wrap")
                else:
                    means[..., places] += sums[..., of_run]
            means /= self.counts[bins]
            mean, variance = means
            squared = np.square(mean)
            variance -= squared
            squared *= CANCELS
            squared += LEAST_SQUARE
            exact = variance > squared
            exact &= variance < np.inf
            if len(alone):
                variance[:, alone] = 0.0
                exact[:, alone] = True
            return mean, np.sqrt(variance, out=variance), exact

    def _further_runs(self, bins: slice) -> Iterator[tuple[NDArray[np.integer[Any]], ...]]:
        """Yield bins that have a second run, and these runs; then those that have a third; ..."""
        runs = self._runs_of(bins)
        first = self._first[bins] - runs.start
        n_runs = np.diff(first, append=runs.stop - runs.start)
        for number in range(1, int(n_runs.max())):
            places = np.flatnonzero(n_runs > number)
            yield places, first[places] + number

    @cached_property
    def single(self) -> bool:
        """Whether each bin is one entry, as all rings of a signal are."""
        return bool((self._sizes == 1).all())

    def _blocks(self, n: int) -> list[_Block]:
        """The bins in blocks, for ``n`` planes."""
        kept, blocks = self._last_blocks  # another thread may set it meanwhile
        if kept != n:
            all_bins = slice(0, len(self._sizes))
            blocks = [self._block(n, bins) for bins in self._cut(all_bins, BLOCK // max(1, n))]
            self._last_blocks = n, blocks
        return blocks

    def pieces(self, n: int) -> list[Piece]:
        """Return what is added up together, so that it stays in the cache.

        Parameters
        ----------
        n : int
            Number of planes.

        Returns
        -------
        list of Piece
            Each of some runs of one plane, or of all runs of some planes.
        """
        kept, pieces = self._last_pieces  # another thread may set it meanwhile
        if kept != n:
            pieces = self._block(n, slice(0, len(self._sizes))).pieces
            self._last_pieces = n, pieces
        return pieces

    def _block(self, n: int, bins: slice) -> _Block:
        runs = self._runs_of(bins)
        n_entries = int(self._ends[bins.stop] - self._ends[bins.start])
        together = max(1, GATHERED // n_entries)
        pieces = []
        for first in range(0, n, together):
            planes = slice(first, min(first + together, n))
            for part in self._cut(bins, GATHERED // together):
                of_part = self._runs_of(part)
                begin, end = int(self._ends[part.start]), int(self._ends[part.stop])
                starts = np.arange(planes.stop - first)[:, np.newaxis] * (end - begin)
                starts = starts + (self._runs[of_part] - begin)
                own = slice(of_part.start - runs.start, of_part.stop - runs.start)
                pieces.append(Piece(planes, slice(begin, end), own, starts.ravel()))
        return _Block(n, bins, runs, pieces)

    def _cut(self, bins: slice, most: int) -> Iterator[slice]:
        """Yield ranges of bins that have at most so many entries, or are one bin."""
        first = bins.start
        while first < bins.stop:
            stop = int(np.searchsorted(self._ends, self._ends[first] + most, side="right")) - 1
            stop = min(bins.stop, max(stop, first + 1))
            yield slice(first, stop)
            first = stop

    def _runs_of(self, bins: slice) -> slice:
        """Range of the runs of equal weight in some bins."""
        last = self._first[bins.stop] if bins.stop < len(self._first) else len(self._runs)
        return slice(int(self._first[bins.start]), int(last))

    def _deviations(
        self, gathered: Gathered, bins: slice, mean: FloatArray, chosen: BoolArray
    ) -> FloatArray:
        """Standard deviations of some bins of a block, from the deviations of the entries.

        They are divided by the largest deviation first, whose square might overflow or underflow.
        """
        sizes = self._sizes[bins]
        entries = np.flatnonzero(np.repeat(chosen, sizes))
        runs = self._runs_of(bins)
        weight = np.repeat(self._run_weight[runs], self._run_sizes[runs])[entries]
        entries += self._ends[bins.start]
        sizes = sizes[chosen]
        first = np.cumsum(sizes) - sizes
        off = gathered(slice(None), entries) - np.repeat(mean, sizes, axis=-1)
        largest = np.maximum.reduceat(np.abs(off), first, axis=-1)
        scale = np.where(largest > 0, largest, 1.0)
        off /= np.repeat(scale, sizes, axis=-1)
        np.square(off, out=off)
        off *= weight
        counts = self.counts[bins][chosen]
        return np.asarray(largest * np.sqrt(np.add.reduceat(off, first, axis=-1) / counts))

    def errors(self, mean: FloatArray, std: FloatArray, averages: int = 1) -> BinMeans:
        """Add standard errors to means and standard deviations.

        Parameters
        ----------
        mean, std : ndarray or tensor, shape (..., n_bins)
            As `moments` returns them.
        averages : int
            Number of independent spectra whose mean the power is.

        Returns
        -------
        BinMeans
            With M = count/2 independent frequencies, stderr = std/√(M−1), and |mean|/√(M·averages),
            that of a Gaussian field, where M ≤ 1.
        """
        independent = self.counts / 2
        if is_tensor(mean):
            several = independent > 1
            scatter = np.where(several, 1 / np.sqrt(np.where(several, independent - 1, 1)), 0.0)
            gaussian = np.where(several, 0.0, 1 / np.sqrt(independent * averages))
            stderr = self._of_tensors.stderr(mean, std, scatter, gaussian)
            return BinMeans(mean, std, stderr)
        several = independent > 1
        if several.all():
            return BinMeans(mean, std, std / np.sqrt(independent - 1))
        gaussian = np.abs(mean) / np.sqrt(independent * averages)
        if not several.any():  # as those of a signal
            return BinMeans(mean, std, gaussian)
        scatter = std / np.sqrt(np.where(several, independent - 1, 1))
        stderr = np.where(several, scatter, gaussian)
        return BinMeans(mean, std, stderr)

    def __getstate__(self) -> dict[str, Any]:
        # Working memory need not travel.
        return {**self.__dict__, "_last_blocks": (None, []), "_last_pieces": (None, [])}

    def spread(self, values: FloatArray) -> FloatArray:
        """Write the value of each bin at all of its frequencies.

        Parameters
        ----------
        values : ndarray, shape (n_bins,)
            One value per bin.

        Returns
        -------
        ndarray, shape (*shape[:-1], shape[-1]//2 + 1)
            Zero where a frequency is in no bin.
        """
        half = np.zeros(self.half_shape)
        half.flat[self._index] = np.repeat(values, self._sizes)
        return half


def _sort_keys(
    shape: tuple[int, ...],
    bins: NDArray[np.integer[Any]],
    shared: tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]] | None,
) -> tuple[NDArray[np.unsignedinteger[Any]], FloatArray]:
    """Sorting keys of the entries, which rise with the bin and then the weight, and all weights.

    Frequencies in no bin get the largest key of the type.
    """
    columns = hermitian_weights(shape)
    weights = np.array([1.0, 2.0] if shared is None else [0.25, 0.5, 1.0, 2.0])
    kind = np.searchsorted(weights, columns)
    highest = int(bins.max(initial=-1))
    if shared is not None:
        highest = max(highest, int(shared[0].max(initial=-1)))
    small = (highest + 1) * len(weights) < np.iinfo(np.uint16).max
    n_keys = bins.size + (0 if shared is None else len(shared[0]))
    keys: NDArray[np.unsignedinteger[Any]] = np.empty(n_keys, np.uint16 if small else np.uint64)
    none = np.iinfo(keys.dtype).max
    plane = keys[: bins.size].reshape(bins.shape)
    for rows in row_strips(bins.shape):
        part = bins[rows].astype(np.int64)
        plane[rows] = np.where(part >= 0, part * len(weights) + kind, none)
    if shared is not None:
        quarter = np.searchsorted(weights, columns[shared[1] % len(columns)] / 4)
        keys[bins.size :] = shared[0] * len(weights) + quarter
    return keys, weights
