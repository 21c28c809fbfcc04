"""Averages of a spectrum over rings of frequency: circles of images, shells of volumes."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._array_api import constant, numpy_fields, real_dtype
from spectral_mae._checks import FloatArray, Scaling
from spectral_mae._files.columns import plain_fields, write_columns
from spectral_mae._results.pictured import Pictured
from spectral_mae._results.tabled import Tabled
from spectral_mae.spectra import frequencies
from spectral_mae.spectra.bins.binning import Binning
from spectral_mae.spectra.labels import datasets
from spectral_mae.spectra.labels.axis_labels import Labels, inverse, ring_unit
from spectral_mae.spectra.labels.columns import bin_columns, unit_columns
from spectral_mae.spectra.ratios import RadialRatio
from spectral_mae.spectra.slope import SlopeFit, power_law_slopes

if TYPE_CHECKING:
    from xarray import Dataset

MOST_RINGS = 10_000_000
Bins = int | Sequence[float] | FloatArray | None


@dataclass(frozen=True, eq=False, repr=False)
class RadialSpectrum(Pictured, Tabled):
    """Power averaged over rings of equal distance from zero frequency; of volumes, shells.

    One spectrum, or a batch of spectra on the same rings. A batch has a length, can be iterated
    over, and its members are ``batch[i]``. ``a / b`` is a `RadialRatio`.

    Attributes
    ----------
    frequency : ndarray, shape (n_bins,)
        Mean distance from zero of the frequencies in each ring, in units of ``fs``
        (cycles/pixel for ``fs=1``).
    power : ndarray or tensor, shape (n_bins,) or (n, n_bins)
        Mean power in each ring; with ``std`` and ``stderr`` a tensor if the images were tensors.
    count : ndarray of int, shape (n_bins,)
        Frequencies of the whole grid in each ring; never 0, empty rings are left out.
    std : ndarray, like ``power``
        Spread of the power within each ring (root mean square deviation).
    stderr : ndarray, like ``power``
        Standard error of ``power``: with M = ``count / 2`` independent frequencies, the spread
        over √(M−1). A ring with a single independent frequency has no spread of its own; it takes
        that of a Gaussian field, whose power has a standard deviation equal to its mean.
    edges : ndarray, shape (n_bins, 2)
        Lower and upper edge of each ring. By default both are ``frequency``.
    scaling : {"density", "spectrum", "energy"}
        Unit of the power, as in `Spectrum`.
    averages : int
        Number of spectra that were averaged before this one was formed.
    floor : float
        Power that rounding alone can leave in an empty ring.
    fs : tuple of float
        Sampling frequency along each axis of the data.
    log_frequency, log_spread : ndarray, shape (n_bins,)
        Mean and variance of the logarithm of frequency in each ring (zero left out), which
        `fit_slope` needs. By default log ``frequency`` and zero.
    labels : Labels or None
        Names and units of the axes and the unit of the pixels, where they are known.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> images = np.random.default_rng(0).standard_normal((6, 32, 32))
    >>> batch = sm.Periodogram((32, 32)).radial(images)
    >>> len(batch), batch[0].power.shape, batch.mean().averages
    (6, (16,), 6)
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
    labels: Labels | None = None
    _drawn_by: ClassVar[str] = "radial"

    def __post_init__(self) -> None:
        if self.edges is None:
            object.__setattr__(self, "edges", np.stack([self.frequency] * 2, axis=1))
        if self.log_frequency is None:
            logarithm = np.log(np.maximum(self.frequency, np.finfo(float).tiny))
            object.__setattr__(self, "log_frequency", logarithm)
        if self.log_spread is None:
            object.__setattr__(self, "log_spread", np.zeros_like(self.frequency))

    def __repr__(self) -> str:
        batch = f"{self.power.shape[0]} spectra, " if self.power.ndim == 2 else ""
        low, high = self.frequency[[0, -1]]
        rings = f"{len(self.frequency)} rings from {low:.4g} to {high:.4g}"
        return f"RadialSpectrum({batch}{rings}, scaling={self.scaling!r})"

    def __len__(self) -> int:
        self._expect_batch()
        return len(self.power)

    def __bool__(self) -> bool:
        return True  # or it would be asked for its length, which one spectrum has not

    def __iter__(self) -> Iterator[RadialSpectrum]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> RadialSpectrum:
        """One spectrum of a batch, by its number; by a slice, numbers or a mask a smaller batch."""
        self._expect_batch()
        if isinstance(index, tuple):
            raise TypeError(f"[{_checks.brief(index)}] is not one index: a batch has spectra alone")
        power, std, stderr = (one[index] for one in (self.power, self.std, self.stderr))
        if power.ndim not in (1, 2):
            raise TypeError(f"[{_checks.brief(index)}] is no index of one spectrum or of several")
        return dataclasses.replace(self, power=power, std=std, stderr=stderr)

    def _expect_batch(self) -> None:
        if self.power.ndim != 2:
            raise TypeError("this is one spectrum, not a batch: it has no length and no members")

    def mean(self) -> RadialSpectrum:
        """Average the spectra of a batch.

        Returns
        -------
        RadialSpectrum
            One spectrum. Its ``std`` is the standard deviation from spectrum to spectrum, and its
            ``stderr`` that over the root of their number; of a batch of one they stay those within
            the rings.

        Raises
        ------
        TypeError
            If this is one spectrum.
        ValueError
            If the batch is empty.

        Examples
        --------
        >>> from spectral_mae import Periodogram
        >>> images = np.random.default_rng(0).standard_normal((5, 16, 16))
        >>> Periodogram((16, 16)).radial(images).mean().averages
        5
        """
        n = len(self)
        if n == 0:
            raise ValueError("no spectra to average: the batch is empty")
        if n == 1:
            return self[0]
        plain = self.numpy()
        std = plain.power.std(axis=0, ddof=1)
        return dataclasses.replace(
            plain,
            power=plain.power.mean(axis=0),
            std=std,
            stderr=std / math.sqrt(n),
            averages=self.averages * n,
        )

    def __truediv__(self, other: RadialSpectrum) -> RadialRatio:
        """Ratio of the power in each ring; see `RadialRatio`."""
        if not isinstance(other, RadialSpectrum):
            return NotImplemented
        return RadialRatio.of(self.numpy(), other.numpy())

    def numpy(self) -> RadialSpectrum:
        """Return this spectrum with NumPy arrays in the place of tensors, on the CPU.

        Returns
        -------
        RadialSpectrum
            The same numbers, without their derivatives; this one itself if it holds no tensor.
        """
        return numpy_fields(self)

    def beside(self, like: Any) -> RadialSpectrum:
        """Return this spectrum with its powers as tensors of the library and device of another.

        Parameters
        ----------
        like : tensor
            Says the library, the device and the precision.

        Returns
        -------
        RadialSpectrum
            The same numbers, but for rounding to the precision.
        """
        power, std, stderr = (
            constant(one, like, real_dtype(like)) for one in (self.power, self.std, self.stderr)
        )
        return dataclasses.replace(self, power=power, std=std, stderr=stderr)

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
            Use only rings with ``fmin <= frequency < fmax``; by default all but zero.

        Returns
        -------
        SlopeFit
            A named tuple: ``slope``, and its standard error ``stderr``; of a batch arrays of them.

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
        if self.power.ndim == 1:
            (fit,) = power_law_slopes(*self._for_slope(fmin, fmax))
            return fit
        inputs = []
        for i, one in enumerate(self.numpy()):
            try:
                inputs.append(one._for_slope(fmin, fmax))  # noqa: SLF001 - of its own class
            except ValueError as error:
                raise ValueError(f"spectrum {i} of the batch: {error}") from None
        if not inputs:
            raise ValueError("no slope: the batch is empty")
        powers, modes, *rings = zip(*inputs, strict=True)
        fits = power_law_slopes(
            np.concatenate(powers), np.concatenate(modes), *(r[0] for r in rings)
        )
        slopes, stderrs = np.array(fits).T
        return SlopeFit(slopes, stderrs)  # arrays, of a batch

    def _for_slope(
        self, fmin: float | None, fmax: float | None
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Power of the rings in a range, and what `power_law_slopes` must know of them."""
        low = _checks.limit("fmin", fmin, -math.inf)
        high = _checks.limit("fmax", fmax, math.inf)
        chosen = frequencies.at_least(self.frequency, low) & (self.frequency > 0)
        chosen &= frequencies.below(self.frequency, high)
        if chosen.sum() < 3:
            limited = fmin is not None or fmax is not None
            limits = f" with {fmin=} <= frequency < {fmax=}" if limited else ""
            n = int(chosen.sum())
            raise ValueError(f"{n} ring{'s' * (n != 1)} of frequency{limits}; a slope needs 3")
        power = self.numpy().power[chosen]
        lost = power <= self.floor
        if lost.any():
            raise ValueError(
                f"no slope: the power of {int(lost.sum())} of {len(power)} rings is not above "
                f"the rounding floor {self.floor:.3g} (smallest {power.min():.3g})"
            )
        return (
            power[np.newaxis],
            self.averages * self.count[np.newaxis, chosen] / 2,
            self.log_frequency[chosen],
            self.log_spread[chosen],
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain lists and numbers.

        Returns
        -------
        dict
            The name of each field, and its value in types that JSON knows.
        """
        return plain_fields(self.numpy())

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file with one row per ring (and per spectrum, if this is a batch).

        Where the result has ``labels``, the last columns are the units.

        Parameters
        ----------
        path : str or path-like
            File to write. An existing file is replaced.
        """
        write_columns(path, self._columns())

    def _columns(self) -> dict[str, NDArray[Any]]:
        lower, upper = self.edges.T
        bins = {"frequency": self.frequency, "lower": lower, "upper": upper, "count": self.count}
        plain = self.numpy()
        return bin_columns(bins, plain) | unit_columns(plain, "frequency", "power")

    def _key_numbers(self) -> dict[str, str]:
        low, high = self.frequency[[0, -1]]
        try:
            slope, stderr = self.fit_slope()
            fitted = f"{np.mean(slope):.3f}" + ("" if np.ndim(slope) else f" ± {stderr:.3f}")
        except ValueError:  # too few rings, or nothing but rounding
            fitted = "none"
        unit = inverse(ring_unit(self.labels, self.fs)) or "units of fs"
        batch = {"spectra": str(len(self))} if self.power.ndim == 2 else {}
        return {
            **batch,
            "rings": f"{len(self.frequency)}",
            "frequency": f"{low:.4g} to {high:.4g} {unit}",
            "scaling": self.scaling,
            "mean slope" if batch else "slope": fitted,
        }

    def to_xarray(self) -> Dataset:
        """Return the result as an ``xarray.Dataset``, which netCDF files can hold.

        Returns
        -------
        xarray.Dataset
            Variables over ``freq_r``, and of a batch over ``image``; other fields are attributes.
        """
        return datasets.of_bins(self.numpy(), "frequency")

    @classmethod
    def from_xarray(cls, dataset: Dataset) -> Self:
        """Return the result that `to_xarray` has written.

        Parameters
        ----------
        dataset : xarray.Dataset
            The whole of it, as it was written.

        Returns
        -------
        RadialSpectrum
            Equal to the one that was written.

        Raises
        ------
        TypeError
            If it is no Dataset.
        ValueError
            If it is of another result, or a part of it is missing.
        """
        return datasets.read(cls, dataset)


class RingBins:
    """Rings of the frequencies of one grid, computed once and used for many spectra.

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

    Attributes
    ----------
    binning : Binning
        What adds up power in the order of the rings.

    Raises
    ------
    ValueError
        If edges do not rise from 0 or more, or no frequency lies in the rings.
    """

    def __init__(self, shape: tuple[int, ...], fs: tuple[float, ...], bins: Bins) -> None:
        edges = _ring_edges(shape, fs, bins)
        half = frequencies.half_shape(shape)
        member = np.empty(half, dtype=np.int32)
        for rows in frequencies.row_strips(half):
            member[rows] = frequencies.band_of(frequencies.radial_frequency(shape, fs, rows), edges)
        self.binning = Binning(shape, member)
        if len(self.binning.filled) == 0:
            raise ValueError(
                f"no frequency of {shape=} with {fs=} lies in the rings bins={_checks.brief(bins)}"
            )
        self.fs = fs
        self.edges = np.stack([edges[:-1], edges[1:]], axis=1)[self.binning.filled]
        self.count = np.rint(self.binning.counts).astype(np.int64)

        def radius(index: NDArray[np.integer[Any]]) -> FloatArray:
            return frequencies.radial_frequency_at(index, shape, fs)

        # Zero frequency, which only a given edge lets in, has no logarithm; it gets that of the
        # mean of its ring.
        alike = (
            np.flatnonzero(member == member.flat[0]) if member.flat[0] >= 0 else np.zeros(1, int)
        )
        zero = float(np.log(radius(alike[1:])).mean()) if len(alike) > 1 else 0.0

        def logarithm(index: NDArray[np.integer[Any]]) -> FloatArray:
            with np.errstate(divide="ignore"):
                return np.where(index == 0, zero, np.log(radius(index)))

        self.frequency, _ = self.binning.moments_of(radius)
        self.log_frequency, deviation = self.binning.moments_of(logarithm)
        self.log_spread = deviation**2

    def spread(self, values: FloatArray) -> FloatArray:
        """Write the value of each ring at all of its frequencies.

        Parameters
        ----------
        values : ndarray, shape (n_rings,)
            One value per ring.

        Returns
        -------
        ndarray, shape (*shape[:-1], shape[-1]//2 + 1)
            Zero where a frequency is in no ring.
        """
        return self.binning.spread(values)

    def moments(self, power: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of power in each ring.

        Parameters
        ----------
        power : ndarray or tensor, shape (..., *shape[:-1], shape[-1]//2 + 1)
            Power of one spectrum or several on the half-plane.

        Returns
        -------
        mean, std : ndarray of float64 or tensor like ``power``, shape (..., n_rings)
            Mean and root mean square deviation from it.
        """
        return self.binning.moments(power)

    def average(
        self,
        power: FloatArray,
        *,
        scaling: Scaling,
        averages: int = 1,
        floor: float = 0.0,
        labels: Labels | None = None,
    ) -> RadialSpectrum:
        """Average power over the rings.

        Parameters
        ----------
        power : ndarray or tensor, shape (..., *shape[:-1], shape[-1]//2 + 1)
            Power of one spectrum or several on the half-plane.
        scaling : {"density", "spectrum", "energy"}
            Unit of the power, for the result.
        averages : int
            Number of spectra whose mean the power is.
        floor : float
            Power that rounding alone can leave at a frequency.
        labels : Labels or None
            Of the axes, for the result.

        Returns
        -------
        RadialSpectrum
            With standard errors.
        """
        moments = self.binning.moments(power)
        return self.spectrum(
            *moments, scaling=scaling, averages=averages, floor=floor, labels=labels
        )

    def spectrum(
        self,
        mean: FloatArray,
        std: FloatArray,
        *,
        scaling: Scaling,
        averages: int = 1,
        floor: float = 0.0,
        labels: Labels | None = None,
    ) -> RadialSpectrum:
        """Make the result of moments that are known.

        Parameters
        ----------
        mean, std : ndarray or tensor, shape (..., n_rings)
            As `moments` returns them.
        scaling : {"density", "spectrum", "energy"}
            Unit of the power, for the result.
        averages : int
            Number of spectra whose mean the power is.
        floor : float
            Power that rounding alone can leave at a frequency.
        labels : Labels or None
            Of the axes, for the result.

        Returns
        -------
        RadialSpectrum
            With standard errors.
        """
        return RadialSpectrum(
            # Copies: who changes the unit of one result in place does not change the next.
            frequency=self.frequency.copy(),
            count=self.count.copy(),
            edges=self.edges.copy(),
            scaling=scaling,
            averages=averages,
            floor=floor,
            fs=self.fs,
            log_frequency=self.log_frequency.copy(),
            log_spread=self.log_spread.copy(),
            labels=labels,
            **self.binning.errors(mean, std, averages)._asdict(),
        )


def fit_slopes(spectra: Sequence[RadialSpectrum]) -> list[SlopeFit | str]:
    """Fit the slopes of many spectra on the same rings at once, which takes a fraction of the time.

    Parameters
    ----------
    spectra : sequence of RadialSpectrum
        Single spectra, whose rings are those of the first.

    Returns
    -------
    list of SlopeFit or str
        What `RadialSpectrum.fit_slope` returns of each, bit by bit, or why there is no slope.
    """
    results: list[SlopeFit | str] = []
    powers, modes = [], []
    rest: tuple[FloatArray, ...] = ()
    for spectrum in spectra:
        try:
            power, of_power, *rest_ = spectrum._for_slope(None, None)  # noqa: SLF001 - its class is above
        except ValueError as error:
            results.append(str(error))
            continue
        results.append(SlopeFit(math.nan, math.nan))
        powers.append(power)
        modes.append(of_power)
        rest = tuple(rest_)
    if powers:
        fits = iter(power_law_slopes(np.concatenate(powers), np.concatenate(modes), *rest))
        results = [one if isinstance(one, str) else next(fits) for one in results]
    return results


def _ring_edges(shape: tuple[int, ...], fs: tuple[float, ...], bins: Bins) -> FloatArray:
    if bins is not None and _checks.plain_array("bins", bins).ndim:
        edges = _checks.real_array("bins", bins).astype(np.float64)
        if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all() or edges[0] < 0:
            raise ValueError(
                f"bins={_checks.brief(bins)} are not rising edges of at least one ring, from 0 up"
            )
        return edges
    n_rings = None if bins is None else _checks.positive_int("bins", bins)  # type: ignore[arg-type]
    if n_rings is not None and n_rings > MOST_RINGS:
        raise ValueError(f"{bins=} is more than {MOST_RINGS} rings")
    axes = [(n, rate) for n, rate in zip(shape, fs, strict=True) if n > 1]
    if not axes:
        raise ValueError(f"{shape=} has no frequency but zero, so no rings")
    steps = [rate / n for n, rate in axes]
    coarsest, finest = max(steps), min(steps)
    top = frequencies.nyquist(tuple(rate for _, rate in axes))
    if n_rings is None:
        coarse = (np.arange(math.floor(top / coarsest * (1 + frequencies.CLOSE))) + 0.5) * coarsest
        first = min(top, coarsest / 2)
        fine = (np.arange(math.ceil(first / finest)) + 0.5) * finest
        return np.concatenate([fine[frequencies.below(fine, first)], coarse, [top]])
    return np.linspace(finest / 2, top, n_rings + 1)
