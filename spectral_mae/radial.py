"""Averages of a two-dimensional spectrum over rings and over sectors of frequency.

A real image has P[−k] = P[k], so of the frequencies in a bin about half are independent numbers.
Counts are of the whole grid; standard errors use the independent ones, ``count / 2``: each pair
{k, −k} of a Gaussian field carries an exponential variable, and each frequency that is its own
mirror (zero and Nyquist) a chi-square with one degree of freedom, which is half of one.
"""

from __future__ import annotations

import csv
import dataclasses
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.optimize
import scipy.special
from numpy.typing import DTypeLike, NDArray

from spectral_mae import _checks, grid
from spectral_mae._checks import FloatArray, Scaling

SLOPE_ROUNDS = 6  # the correction for the width of rings needs the slope, and settles fast

Bins = int | Sequence[float] | FloatArray | None


class SlopeFit(NamedTuple):
    """A fitted log-log slope and its standard error."""

    slope: float
    stderr: float


class BinMeans(NamedTuple):
    """Mean, spread and standard error of power in bins, each of shape (..., n_bins)."""

    power: FloatArray
    std: FloatArray
    stderr: FloatArray


@dataclass(frozen=True, eq=False, repr=False)
class RadialSpectrum:
    """Power averaged over rings of equal distance from zero frequency.

    Attributes
    ----------
    frequency : ndarray, shape (n_bins,)
        Mean distance from zero of the frequencies in each ring, in units of ``fs``
        (cycles/pixel for ``fs=1``).
    power : ndarray, shape (n_bins,) or (n, n_bins)
        Mean power in each ring.
    count : ndarray of int, shape (n_bins,)
        Frequencies of the whole grid in each ring; never 0, empty rings are left out.
    std : ndarray, like ``power``
        Spread of the power within each ring (root mean square deviation).
    stderr : ndarray, like ``power``
        Standard error of ``power``: with M = ``count / 2`` independent frequencies, the spread
        over √(M−1). A ring with a single independent one has no spread to speak of, and takes
        that of a Gaussian field, whose power has a standard deviation equal to its mean.
    edges : ndarray, shape (n_bins, 2)
        Lower and upper edge of each ring; of no width where nobody gave any.
    scaling : {"density", "spectrum", "energy"}
    averages : int
        Number of spectra that were averaged before this one was formed.
    floor : float
        Power that rounding alone can leave in an empty ring.
    fs : tuple of float
        Sampling frequency along each axis of the data.
    log_frequency, log_spread : ndarray, shape (n_bins,)
        Mean and variance of the logarithm of frequency in each ring (zero left out), which
        slopes need; those of ``frequency`` itself where nobody gave any.
    """

    frequency: FloatArray
    power: FloatArray
    count: NDArray[np.integer[Any]]
    std: FloatArray
    stderr: FloatArray
    edges: FloatArray = None  # type: ignore[assignment]  # set below where it is not given
    scaling: Scaling = "density"
    averages: int = 1
    floor: float = 0.0
    fs: tuple[float, ...] = (1.0, 1.0)
    log_frequency: FloatArray = None  # type: ignore[assignment]
    log_spread: FloatArray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.edges is None:
            object.__setattr__(self, "edges", np.stack([self.frequency] * 2, axis=1))
        if self.log_frequency is None:
            logarithm = np.log(np.maximum(self.frequency, np.finfo(float).tiny))
            object.__setattr__(self, "log_frequency", logarithm)
        if self.log_spread is None:
            object.__setattr__(self, "log_spread", np.zeros_like(self.frequency))

    def __repr__(self) -> str:
        batch = f"{len(self.power)} spectra, " if self.power.ndim == 2 else ""
        low, high = self.frequency[[0, -1]]
        rings = f"{len(self.frequency)} rings from {low:.4g} to {high:.4g}"
        return f"RadialSpectrum({batch}{rings}, scaling={self.scaling!r})"

    def fit_slope(self, fmin: float | None = None, fmax: float | None = None) -> SlopeFit:
        """Fit power ∝ frequency^slope by weighted least squares on logarithms.

        The logarithm of a ring of M independent frequencies of a Gaussian field is biased by
        ψ(M) − log M and has variance ψ′(M): the bias is removed, and the weights are
        1/(ψ′(M) + τ²). The mean of a power law over a ring is not the power law of its mean
        frequency: it lies above by the variance of log frequency times slope²/2, which is taken
        off, and it counts for fewer independent frequencies. τ², the scatter of the rings about a
        straight line beyond that of a Gaussian field, is found from the residuals (Paule and
        Mandel, 1982). It is zero for a field that is a power law; for photographs it dominates,
        and the fit weighs rings alike.

        Parameters
        ----------
        fmin, fmax : float or None
            Use only rings with ``fmin <= frequency <= fmax``.

        Returns
        -------
        slope, stderr : float

        Raises
        ------
        ValueError
            With fewer than three rings in the range, or where the power in one of them is not
            above what rounding leaves (a constant image, say): a logarithm of it means nothing.

        Examples
        --------
        >>> from spectral_mae import psd
        >>> noise = np.random.default_rng(0).standard_normal((128, 128))
        >>> slope, stderr = psd(noise).radial().fit_slope()
        >>> abs(slope) < 3 * stderr
        True
        """
        if self.power.ndim != 1:
            raise ValueError(
                f"fit_slope needs one spectrum, not a batch of shape {self.power.shape}"
            )
        low = -math.inf if fmin is None else fmin
        high = math.inf if fmax is None else fmax
        chosen = (self.frequency >= low) & (self.frequency <= high) & (self.frequency > 0)
        if chosen.sum() < 3:
            raise ValueError(
                f"{int(chosen.sum())} rings with {fmin=} <= frequency <= {fmax=}; a slope needs 3"
            )
        power = self.power[chosen]
        lost = power <= self.floor
        if lost.any():
            raise ValueError(
                f"no slope: the power of {int(lost.sum())} of {len(power)} rings is not above "
                f"the rounding floor {self.floor:.3g} (smallest {power.min():.3g})"
            )
        modes = self.averages * self.count[chosen] / 2
        spread = self.log_spread[chosen]
        fit = SlopeFit(0.0, 0.0)
        for _ in range(SLOPE_ROUNDS):
            widened = fit.slope**2 * spread
            effective = np.maximum(modes * np.exp(-widened), 0.5)
            bias = scipy.special.digamma(effective) - np.log(effective) + widened / 2
            fit = _weighted_slope(
                self.log_frequency[chosen],
                np.log(power) - bias,
                scipy.special.polygamma(1, effective),
            )
        return fit

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain lists and numbers."""
        return plain_fields(self)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one row per ring (and per spectrum, if this is a batch)."""
        lower, upper = self.edges.T
        bins = {"frequency": self.frequency, "lower": lower, "upper": upper, "count": self.count}
        write_columns(path, _bin_columns(bins, self))


@dataclass(frozen=True, eq=False)
class SectorSpectrum:
    """Power averaged over sectors of equal orientation; reads as its powers in NumPy functions.

    Attributes
    ----------
    angle : ndarray, shape (n,)
        Middle of each sector in degrees, 0 ≤ angle < 180: the direction of the frequency vector,
        from the last axis (0°, power of vertical stripes) towards the first axis (90°).
    power, std, stderr : ndarray, shape (n,)
        As in `RadialSpectrum`.
    count : ndarray of float, shape (n,)
        Frequencies of the whole grid; one on the border of two sectors, or at a Nyquist
        frequency, where k and its aliases have two orientations, counts half in each.
    scaling : {"density", "spectrum", "energy"}
    """

    angle: FloatArray
    power: FloatArray
    count: FloatArray
    std: FloatArray
    stderr: FloatArray
    scaling: Scaling

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.power, dtype=dtype, copy=copy)

    def __len__(self) -> int:
        return len(self.power)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain lists and numbers."""
        return plain_fields(self)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one row per sector."""
        write_columns(path, _bin_columns({"angle": self.angle, "count": self.count}, self))


class _Binning:
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
        self._runs = np.flatnonzero(starts)
        self._run_weight = weight[self._runs]
        self._first = np.cumsum(starts)[first] - 1  # run with which each bin begins
        self._free: list[FloatArray] = []
        self.counts = self._sums(np.ones(len(order)))

    def means(self, power: FloatArray, averages: int = 1) -> BinMeans:
        """Mean, spread and standard error over the bins.

        ``power``, (..., *half_shape), is the mean of so many independent spectra.
        """
        lead = power.shape[: power.ndim - len(self.half_shape)]
        size = math.prod(self.half_shape)
        with self._borrow((*lead, len(self._index))) as values:
            values[...] = power.reshape(*lead, size).take(self._index, axis=-1)
            mean = self._sums(values) / self.counts
            # Deviations from the mean, not the difference of two sums: that would cancel.
            np.subtract(values, np.repeat(mean, self._sizes, axis=-1), out=values)
            np.square(values, out=values)
            std = np.sqrt(self._sums(values) / self.counts)
        independent = self.counts / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            scatter = std / np.sqrt(independent - 1)
        gaussian = np.abs(mean) / np.sqrt(independent * averages)
        return BinMeans(mean, std, np.where(independent > 1, scatter, gaussian))

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

    def _sums(self, values: FloatArray) -> FloatArray:
        """Weighted sums over the bins."""
        if values.size == 0:
            return np.zeros((*values.shape[:-1], len(self._first)))
        runs = np.add.reduceat(values, self._runs, axis=-1)
        runs *= self._run_weight
        return np.add.reduceat(runs, self._first, axis=-1)


class RingBins:
    """The rings of one grid of frequencies, worked out once and used for many spectra.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.
    fs : tuple of float
        Sampling frequency along each axis.
    bins : int, sequence of float or None
        None: rings as wide as the coarsest frequency step of the axes, centred on its multiples,
        up to the smallest Nyquist frequency (rings beyond it would only be corners); below the
        first of them, where only longer axes have frequencies, as wide as the finest step. An
        int: so many equal rings over the same range. A sequence: edges, half-open but for the
        last, as in ``np.histogram``; only then can zero frequency and the corners take part.
    """

    def __init__(self, shape: tuple[int, ...], fs: tuple[float, ...], bins: Bins) -> None:
        edges = _ring_edges(shape, fs, bins)
        radius = grid.radial_frequency(shape, fs).ravel()
        weights = np.broadcast_to(grid.hermitian_weights(shape), grid.half_shape(shape)).ravel()
        # A frequency on an edge belongs above it, and to the last ring if that is the last edge.
        member = np.searchsorted(edges * (1 - 1e-12), radius, side="right") - 1
        member[grid.at_least(radius, edges[-1]) & grid.at_most(radius, edges[-1])] = len(edges) - 2
        index = np.flatnonzero((member >= 0) & (member < len(edges) - 1))
        if len(index) == 0:
            raise ValueError(f"no frequency of {shape=} with {fs=} lies in the rings {bins=}")
        self._binning = _Binning(
            grid.half_shape(shape),
            member[index],
            index,
            weights[index].astype(float),
        )
        self.fs = fs
        self.edges = np.stack([edges[:-1], edges[1:]], axis=1)[self._binning.filled]
        self.count = np.rint(self._binning.counts).astype(np.int64)
        half = radius.reshape(grid.half_shape(shape))
        self.frequency = self._binning.means(half).power
        with np.errstate(divide="ignore"):
            logarithm = np.log(half)
        # Zero frequency, which only a given edge lets in, has no logarithm; it gets that of the
        # mean of its ring.
        logarithm.flat[0] = self._zero_logarithm(radius, member)
        found = self._binning.means(logarithm)
        self.log_frequency, self.log_spread = found.power, found.std**2

    def spread(self, values: FloatArray) -> FloatArray:
        """One value per ring on its frequencies, zero elsewhere: (n_rings,) to the half-plane."""
        return self._binning.spread(values)

    @staticmethod
    def _zero_logarithm(radius: FloatArray, member: NDArray[np.integer[Any]]) -> float:
        others = radius[(member == member[0]) & (radius > 0)]
        return float(np.log(others).mean()) if others.size else 0.0

    def means(self, power: FloatArray) -> BinMeans:
        """Mean, spread and standard error over the rings, each (..., n_bins)."""
        return self._binning.means(power)

    def average(
        self, power: FloatArray, *, scaling: Scaling, averages: int = 1, floor: float = 0.0
    ) -> RadialSpectrum:
        """Average half-plane power, shape (..., *half_shape), over the rings."""
        return RadialSpectrum(
            frequency=self.frequency,
            count=self.count,
            edges=self.edges,
            scaling=scaling,
            averages=averages,
            floor=floor,
            fs=self.fs,
            log_frequency=self.log_frequency,
            log_spread=self.log_spread,
            **self._binning.means(power, averages)._asdict(),
        )


def average_sectors(
    power: FloatArray,
    shape: tuple[int, ...],
    fs: tuple[float, ...],
    n: int,
    *,
    fmin: float | None,
    fmax: float | None,
    scaling: Scaling,
    averages: int,
) -> SectorSpectrum:
    """Average half-plane power over ``n`` sectors of orientation; see `Spectrum.sectors`."""
    if len(shape) != 2:
        raise ValueError(f"sectors need an image; {shape=} has {len(shape)} axis")
    n = _checks.positive_int("n", n)
    rows, columns = np.meshgrid(*grid.half_frequencies(shape, fs), indexing="ij")
    radius = grid.radial_frequency(shape, fs)
    low = 0.0 if fmin is None else fmin
    high = grid.nyquist(fs) if fmax is None else fmax
    chosen = (radius > 0) & grid.at_least(radius, low) & grid.at_most(radius, high)
    index = np.flatnonzero(chosen)
    weights = np.broadcast_to(grid.hermitian_weights(shape), radius.shape).ravel()[index] / 2.0
    angle = np.arctan2(rows, columns).ravel()[index] % np.pi
    on_nyquist = grid.on_nyquist(shape).ravel()[index]
    mirrored = np.where(on_nyquist, -angle % np.pi, angle)
    # In units of a sector, sector b reaches from b - 1/2 to b + 1/2; a frequency on a border is
    # shared, so that mirroring or turning the image mirrors or turns the result exactly.
    entries = []
    for half in (angle, mirrored):
        position = half * (n / np.pi)
        for nudge in (-1e-9, 1e-9):
            entries.append(np.rint(position + nudge).astype(int) % n)
    binning = _Binning(
        radius.shape,
        np.concatenate(entries),
        np.tile(index, len(entries)),
        np.tile(weights / 2, len(entries)),
    )
    if len(binning.filled) < n:
        raise ValueError(
            f"{n - len(binning.filled)} of {n} sectors hold no frequency of {shape=} with "
            f"{fmin=}, {fmax=}; ask for fewer"
        )
    means = binning.means(power, averages)
    return SectorSpectrum(
        angle=np.arange(n) * (180.0 / n), count=binning.counts, scaling=scaling, **means._asdict()
    )


def _ring_edges(shape: tuple[int, ...], fs: tuple[float, ...], bins: Bins) -> FloatArray:
    if bins is not None and not isinstance(bins, int | np.integer):
        edges = np.asarray(bins, dtype=float)
        if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all() or edges[0] < 0:
            raise ValueError(f"{bins=} are not rising edges of at least one ring, from 0 up")
        return edges
    axes = [(n, rate) for n, rate in zip(shape, fs, strict=True) if n > 1]
    if not axes:
        raise ValueError(f"{shape=} has no frequency but zero, so no rings")
    steps = [rate / n for n, rate in axes]
    coarsest, finest = max(steps), min(steps)
    top = grid.nyquist(tuple(rate for _, rate in axes))
    if bins is None:
        coarse = (np.arange(math.floor(top / coarsest * (1 + 1e-12))) + 0.5) * coarsest
        first = min(top, coarsest / 2)
        fine = (np.arange(math.ceil(first / finest)) + 0.5) * finest
        return np.concatenate([fine[fine < first * (1 - 1e-12)], coarse, [top]])
    return np.linspace(finest / 2, top, _checks.positive_int("bins", bins) + 1)


def _weighted_slope(x: FloatArray, y: FloatArray, variance: FloatArray) -> SlopeFit:
    """Straight line through points of known variance plus a common one, found from the scatter."""

    def fit(extra: float) -> tuple[float, float, float]:
        weight = 1.0 / (variance + extra)
        total = weight.sum()
        across = x - weight @ x / total
        weighted = weight * across
        spread = float(weighted @ across)
        slope = float(weighted @ y) / spread
        residual = y - weight @ y / total - slope * across
        return slope, spread, float(weight @ (residual * residual))

    def excess(extra: float) -> float:
        return fit(extra)[2] - (len(x) - 2)

    extra = 0.0
    if excess(0.0) > 0:
        # The excess falls towards -(n - 2) as the common variance grows.
        high = float(np.var(y)) + 1.0
        while excess(high) > 0:
            high *= 2
        extra = float(scipy.optimize.brentq(excess, 0.0, high))
    slope, spread, _ = fit(extra)
    return SlopeFit(slope, 1.0 / math.sqrt(spread))


def plain_fields(result: Any) -> dict[str, Any]:
    """The fields of a result object as plain lists and numbers."""
    values = ((field.name, getattr(result, field.name)) for field in dataclasses.fields(result))
    return {name: v.tolist() if isinstance(v, np.ndarray) else v for name, v in values}


def write_columns(path: str | os.PathLike[str], columns: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays of equal length as the columns of a CSV file."""
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))


def _bin_columns(
    bins: Mapping[str, NDArray[Any]], result: RadialSpectrum | SectorSpectrum
) -> dict[str, NDArray[Any]]:
    """Bin columns, then power, std and stderr; of a batch one spectrum after the other."""
    n = len(np.atleast_2d(result.power))
    columns = {name: np.tile(column, n) for name, column in bins.items()}
    if result.power.ndim == 2:
        columns = {"spectrum": np.repeat(np.arange(n), result.power.shape[1]), **columns}
    values = {"power": result.power, "std": result.std, "stderr": result.stderr}
    return columns | {name: value.ravel() for name, value in values.items()}
