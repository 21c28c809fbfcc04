"""Spectra of many originals and reconstructions compared, with error bars over images."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import FloatArray, Scaling
from spectral_mae._results.pictured import Pictured
from spectral_mae._results.tabled import Tabled
from spectral_mae.cross_spectra.averages import RadialCrossSpectrum
from spectral_mae.cross_spectra.pair_batch import PairBatch
from spectral_mae.cross_spectra.pixel_errors import PixelErrors
from spectral_mae.cross_spectra.spectrum import CrossSpectrum
from spectral_mae.cross_spectra.sums import PairPlan, PairSums, RingSums
from spectral_mae.masks.sampling import Seed
from spectral_mae.spectra import frequencies
from spectral_mae.spectra.conditioning import DetrendOption, Window
from spectral_mae.spectra.labels.axis_labels import Unit
from spectral_mae.spectra.rings import Bins

KEPT = 4  # shapes whose plans are kept: they take many times the memory of their sums
LOWEST_OCTAVE = 1 / 32  # of the sampling frequency; what lies below is one band


class SpectraComparison(Pictured, Tabled):
    """Originals and reconstructions compared by frequency: sums over images, batch by batch.

    `update` takes batches, `merge` what another process has made of others. Of each image the sums
    over rings are kept (about 6 numbers a ring), so that error bars can come from a bootstrap over
    images, which are what is independent.

    Parameters
    ----------
    channel_axis : int or None
        Axis of the channels in a *batch*, which has the images along axis 0. Spectra are averaged
        over channels.
    ndim : {1, 2, 3} or None
        Number of axes of an image, without that of the channels. None is 1 or 2, as the batch has;
        volumes need ``ndim=3``, as in `psd`.
    bins : int, sequence of float or None
        Number or edges of the rings, as in `Spectrum.radial`. Images of several shapes need edges,
        so that their rings are the same.
    fs, unit, window, detrend, scaling : optional
        As in `psd`.
    workers : int
        Threads that share a batch.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images = rng.standard_normal((40, 32, 32))
    >>> comparison = SpectraComparison(bins=4)
    >>> for batch in np.split(images, 4):
    ...     _ = comparison.update(batch, 0.5 * batch)
    >>> comparison
    SpectraComparison(40 pairs of shape (32, 32), explained=0.7498)
    >>> comparison.radial().gain
    array([0.5, 0.5, 0.5, 0.5])
    """

    _drawn_by: ClassVar[str] = "comparison"

    def __init__(
        self,
        *,
        channel_axis: int | None = None,
        ndim: int | None = None,
        bins: Bins = None,
        fs: float | Sequence[float] = 1.0,
        unit: Unit = None,
        window: Window = None,
        detrend: DetrendOption = None,
        scaling: Scaling = "density",
        workers: int = 1,
    ) -> None:
        self.channel_axis = _checks.axis_of_channels(channel_axis)
        if self.channel_axis == 0:
            raise ValueError(f"{channel_axis=}: axis 0 of a batch holds the images")
        self.ndim = ndim
        self.scaling = scaling
        self._bins = bins
        self._options: dict[str, Any] = {
            "fs": fs,
            "window": window,
            "detrend": detrend,
            "scaling": scaling,
            "workers": workers,
            "unit": unit,
        }
        _checks.choice("scaling", scaling, Scaling)
        _checks.positive_int("workers", workers)
        self._parts: dict[tuple[int, ...], PairSums] = {}
        self._plans: dict[tuple[int, ...], PairPlan] = {}  # the last used stands last
        self._order: list[tuple[tuple[int, ...], int]] = []  # shapes and numbers of pairs, as given
        self._masked: bool | None = None

    def __repr__(self) -> str:
        if not self._parts:
            return "SpectraComparison(0 pairs)"
        n = len(self._parts)
        shapes = f"{n} shapes" if n > 1 else f"shape {self.shapes[0]}"
        return (
            f"SpectraComparison({self.n_pairs} pairs of {shapes}, "
            f"explained={self.explained:.4g}{' of hidden pixels' * bool(self._masked)})"
        )

    @property
    def n_pairs(self) -> int:
        """Number of pairs of images so far."""
        return sum(part.n for part in self._parts.values())

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the images so far, without channels."""
        return tuple(self._parts)

    @property
    def hidden_only(self) -> bool:
        """Whether the error is that of hidden pixels only."""
        return bool(self._masked)

    def update(
        self, originals: Any, reconstructions: Any, *, visible: ArrayLike | None = None
    ) -> Self:
        """Add a batch of pairs; either all of it is added or, if it is refused, nothing.

        Parameters
        ----------
        originals : array_like, shape (n, *shape), with the channels at ``channel_axis`` if given
            Real numbers. NumPy arrays, tensors on the CPU without gradients, and what else has a
            shape and can be sliced: of a Dask array one chunk is computed at a time.
        reconstructions : array_like, of the shape of ``originals``
            What is compared with them, in the same order.
        visible : array_like of bool or None
            Masks, True where a pixel was visible, of shape (n, *shape), or (*shape) for one that
            all share. The error is then that of hidden pixels: the difference is set to zero on
            visible pixels, its power divided by the fraction of hidden pixels. The borders of
            hidden patches so spread some of the error over frequency. Gain, coherence and FRC are
            still those of the images as they are given. So every pixel must be known: hidden means
            hidden from the model, and NaN is refused everywhere.

        Returns
        -------
        SpectraComparison
            This object.

        Raises
        ------
        ValueError
            If the shapes do not fit, a mask hides nothing, numbers are not finite, some batches
            come with masks and others without, or shapes differ from batch to batch and ``bins``
            are not edges.
        TypeError
            For complex or non-numeric data.
        """
        batch = PairBatch.of(
            originals, reconstructions, visible, channel_axis=self.channel_axis, ndim=self.ndim
        )
        shape, masked = batch.shape, batch.visible is not None
        self._expect_alike(masked, shape)
        known = self._parts.get(shape)
        plan = self._plan(shape)
        part = PairSums(plan)
        for pair in batch.pieces():
            part.add(plan, *pair)
        if known is None:
            self._parts[shape] = part
        else:
            known.extend(part)
        self._masked = masked
        self._order.append((shape, part.n))
        self._save_memory()
        return self

    def merge(self, other: SpectraComparison) -> Self:
        """Add the pairs of another comparison with the same options.

        Parameters
        ----------
        other : SpectraComparison
            It is not changed.

        Returns
        -------
        SpectraComparison
            This object.

        Raises
        ------
        ValueError
            If their options differ, or only one of them was given masks.
        """
        how = "SpectraComparison(...).update(originals, reconstructions) makes one"
        _checks.needed("other", other, SpectraComparison, how)
        mine, theirs = self._identity(), other._identity()
        differing = [name for name in mine if not _same(mine[name], theirs[name])]
        if differing:
            raise ValueError(f"the two comparisons differ in {', '.join(differing)}")
        for shape in other._parts:
            self._expect_alike(bool(other._masked), shape)
        for shape, part in other._parts.items():
            self._parts.setdefault(shape, part.emptied()).extend(part)
            self._masked = other._masked
        self._order += other._order
        self._save_memory()
        return self

    def _key_numbers(self) -> dict[str, str]:
        return self.radial()._key_numbers()  # noqa: SLF001 - of all rings

    def _columns(self) -> dict[str, Any]:
        return self.radial()._columns()  # noqa: SLF001

    def radial(self, *, n_resamples: int = 1000, rng: Seed = 0) -> RadialCrossSpectrum:
        """Gain, coherence, FRC, error and explained power of each ring, over all images.

        Parameters
        ----------
        n_resamples : int
            Number of times that images are drawn with replacement for the standard errors, at
            least 2.
        rng : int, numpy.random.Generator or None
            Seed or generator of the bootstrap. Equal seeds give equal results.

        Returns
        -------
        RadialCrossSpectrum
            Ratios are those of sums over frequencies and images. Standard errors are NaN for one
            image.
        """
        rings = self._rings()
        return rings.averaged(np.arange(len(rings.frequency)), n_resamples, rng)

    def bands(
        self, edges: Sequence[float] | FloatArray, *, n_resamples: int = 1000, rng: Seed = 0
    ) -> RadialCrossSpectrum:
        """Average over bands of frequency, each of which is made of whole rings.

        Parameters
        ----------
        edges : sequence of float
            Edges of the bands, rising, in units of ``fs``. A ring is in the band in which its mean
            frequency lies: inclusive below, exclusive above, but for the last edge. Bands that hold
            no ring are left out.
        n_resamples, rng : optional
            As in `radial`.

        Returns
        -------
        RadialCrossSpectrum
            A row for each band.

        Raises
        ------
        ValueError
            If edges do not rise, or no ring lies between them.

        Examples
        --------
        >>> images = np.random.default_rng(0).standard_normal((20, 16, 16))
        >>> compare_spectra(images, 0.5 * images).bands([0, 0.25, 0.5]).explained
        array([0.75, 0.75])
        """
        limits = _checks.real_array("edges", edges).astype(np.float64)
        if limits.ndim != 1 or len(limits) < 2 or not (np.diff(limits) > 0).all():
            raise ValueError(f"edges={_checks.brief(edges)} do not rise, or are not two or more")
        rings = self._rings()
        member = frequencies.band_of(rings.frequency, limits)
        if (member < 0).all():
            raise ValueError(f"no ring lies between edges={_checks.brief(edges)}")
        return rings.averaged(member, n_resamples, rng)

    def octaves(self, *, n_resamples: int = 1000, rng: Seed = 0) -> RadialCrossSpectrum:
        """Average over octaves of frequency, the highest of which ends at the Nyquist frequency.

        Parameters
        ----------
        n_resamples, rng : optional
            As in `radial`.

        Returns
        -------
        RadialCrossSpectrum
            A row for each octave from 1/32 of the sampling frequency on, the first for all below.
        """
        top = frequencies.nyquist(self._some().fs)
        edges = [2 * top * LOWEST_OCTAVE * 2**n for n in range(round(-math.log2(LOWEST_OCTAVE)))]
        return self.bands([0.0, *edges], n_resamples=n_resamples, rng=rng)

    def spectrum(self) -> CrossSpectrum:
        """Mean cross spectrum of all pairs, frequency by frequency.

        Returns
        -------
        CrossSpectrum
            Its coherence at each frequency is that over the pairs, as
            `scipy.signal.coherence` computes it over segments.

        Raises
        ------
        ValueError
            If there are several shapes, or no pair yet.
        """
        part = self._some()
        if len(self._parts) > 1:
            raise ValueError(
                f"images of {len(self._parts)} shapes, {', '.join(map(str, self._parts))}, have no "
                "frequencies in common: average over rings (radial)"
            )
        return part.spectrum()

    @property
    def explained(self) -> float:
        """1 − squared error of all pixels / squared distance from each image's own mean.

        With ``visible`` both are sums over hidden pixels. The error of the mean is part of it,
        though zero frequency is in no ring. NaN where all images are constant.
        """
        return self._errors().explained

    @property
    def explained_by_image(self) -> FloatArray:
        """`explained` of each image, in the order in which they were given."""
        return self._errors().explained_by_image

    @property
    def mean_squared_error_by_image(self) -> FloatArray:
        """`mean_squared_error` of each image, in the order in which they were given."""
        return self._errors().mean_squared_error_by_image

    @property
    def mean_squared_error(self) -> float:
        """Mean squared error of all pixels and channels; with ``visible`` of hidden pixels."""
        return self._errors().mean_squared_error

    @property
    def log_spectral_distances(self) -> FloatArray:
        """Log-spectral distance of each pair over the rings, in decibels, in the order given.

        See `spectral_mae.log_spectral_distance`; NaN where neither image has power in any ring.
        """
        return self._by_image({shape: part.distances() for shape, part in self._parts.items()})

    def summary(self, *, n_resamples: int = 1000, rng: Seed = 0) -> dict[str, float]:
        """Numbers over all frequencies, each with its standard error.

        Parameters
        ----------
        n_resamples, rng : optional
            As in `radial`.

        Returns
        -------
        dict of str to float
            ``pairs``; ``explained``, ``mean_squared_error`` and ``log_spectral_distance`` (the
            mean over images, in decibels), and each with ``_stderr`` behind its name.
        """
        distances = self.log_spectral_distances
        summary = self._errors().summary(distances, n_resamples=n_resamples, rng=rng)
        return {"pairs": self.n_pairs, **summary}

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers of `summary` and the table of `radial` as plain values.

        Returns
        -------
        dict
            ``summary``, ``rings``, ``shapes`` and ``hidden_only``.
        """
        return {
            "summary": self.summary(),
            "rings": self.radial().to_dict(),
            "shapes": [list(shape) for shape in self.shapes],
            "hidden_only": self.hidden_only,
        }

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the table of `radial` as a CSV file with one row per ring.

        Parameters
        ----------
        path : str or path-like
            File to write. An existing file is replaced.
        """
        self.radial().to_csv(path)

    def __getstate__(self) -> dict[str, Any]:
        # Plans need not travel.
        return {**self.__dict__, "_plans": {}}

    def _plan(self, shape: tuple[int, ...]) -> PairPlan:
        """Transforms and rings of a shape; those of the shapes that were last in use are kept."""
        plan = self._plans.pop(shape, None) or PairPlan(shape, self._bins, self._options)
        self._plans[shape] = plan
        if len(self._plans) > KEPT:
            self._plans.pop(next(iter(self._plans)))
        return plan

    def _save_memory(self) -> None:
        """Of several shapes there is no common spectrum: only their rings are kept."""
        if len(self._parts) > 1:
            for part in self._parts.values():
                part.forget_spectrum()

    def _identity(self) -> dict[str, Any]:
        """What two comparisons that are merged must have in common."""
        options = {name: value for name, value in self._options.items() if name != "workers"}
        return {**options, "bins": self._bins, "channel_axis": self.channel_axis is None}

    def _expect_alike(self, masked: bool, shape: tuple[int, ...]) -> None:
        if self._masked not in (None, masked):
            raise ValueError(
                "some batches have visible= and others have not: the error of hidden pixels and "
                "that of all pixels have no common mean"
            )
        several = any(known != shape for known in self._parts)
        if several and (self._bins is None or np.ndim(self._bins) == 0):
            raise ValueError(
                f"images of {shape} after images of {', '.join(map(str, self._parts))}: for "
                "several shapes give edges of rings, bins=[...]"
            )

    def _some(self) -> PairSums:
        if not self._parts:
            raise ValueError("no pair of images was given to update yet")
        return next(iter(self._parts.values()))

    def _errors(self) -> PixelErrors:
        """Errors of all pixels of each image, in the order in which they were given."""
        totals = {shape: part.totals() for shape, part in self._parts.items()}
        return PixelErrors(self._by_image(totals))

    def _by_image(self, found: dict[tuple[int, ...], FloatArray]) -> FloatArray:
        """Numbers of each image in the order in which they were given, of those of each shape."""
        self._some()
        first = dict.fromkeys(found, 0)
        rows = []
        for shape, n in self._order:
            rows.append(found[shape][first[shape] : first[shape] + n])
            first[shape] += n
        return np.concatenate(rows)

    def _rings(self) -> RingSums:
        self._some()
        return RingSums.pooled(list(self._parts.values()))


def compare_spectra(
    originals: Any,
    reconstructions: Any,
    *,
    visible: ArrayLike | None = None,
    channel_axis: int | None = None,
    ndim: int | None = None,
    bins: Bins = None,
    fs: float | Sequence[float] = 1.0,
    unit: Unit = None,
    window: Window = None,
    detrend: DetrendOption = None,
    scaling: Scaling = "density",
) -> SpectraComparison:
    """Compare reconstructions with their originals, frequency by frequency.

    Parameters
    ----------
    originals : array_like, shape (n, *shape), with the channels at ``channel_axis`` if given
        Real numbers; arrays, tensors and Dask arrays, as in `SpectraComparison.update`.
    reconstructions : array_like, of the shape of ``originals``
        What is compared with them, in the same order.
    visible : array_like of bool or None
        Masks, True where a pixel was visible, of shape (n, *shape), or (*shape) for one that all
        share. ``error`` and ``explained`` are then those of hidden pixels: the difference is set
        to zero on visible pixels, and its power divided by the fraction of hidden pixels. So every
        pixel must be known: hidden means hidden from the model, and NaN is refused everywhere.
    channel_axis : int or None
        Axis of the channels in the batch; spectra are averaged over channels.
    ndim : {1, 2, 3} or None
        Number of axes of an image, without that of the channels; None is 1 or 2, as the batch has.
    bins : int, sequence of float or None
        Number or edges of the rings, as in `Spectrum.radial`.
    fs, unit, window, detrend, scaling : optional
        As in `psd`.

    Returns
    -------
    SpectraComparison
        `SpectraComparison.radial` gives the curves with error bars, `SpectraComparison.summary`
        numbers over all frequencies.

    Raises
    ------
    ValueError
        If the shapes do not fit, a mask hides nothing, or numbers are not finite.
    TypeError
        For complex or non-numeric data.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images, noise = rng.standard_normal((2, 50, 32, 32))
    >>> rings = compare_spectra(images, 0.5 * images + 0.1 * noise).radial()
    >>> bool(np.all(np.abs(rings.gain - 0.5) < 5 * rings.stderr["gain"]))
    True
    """
    comparison = SpectraComparison(
        channel_axis=channel_axis,
        ndim=ndim,
        bins=bins,
        fs=fs,
        window=window,
        detrend=detrend,
        scaling=scaling,
        unit=unit,
    )
    return comparison.update(originals, reconstructions, visible=visible)


def _same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(np.asarray(one), np.asarray(other))
    return one == other
