"""Sums over pairs of images of one shape, and rings that images of several shapes share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import BoolArray, FloatArray, Scaling
from spectral_mae.cross_spectra.averages import RadialCrossSpectrum
from spectral_mae.cross_spectra.curves import CURVES, Floors, Powers, mean_cross
from spectral_mae.cross_spectra.distance import ring_distance
from spectral_mae.cross_spectra.pairs import PairPeriodogram, energy
from spectral_mae.cross_spectra.pixel_errors import squared_errors
from spectral_mae.cross_spectra.resampling import resampled_sums, spread_of
from spectral_mae.cross_spectra.spectrum import CrossSpectrum
from spectral_mae.masks.sampling import Seed
from spectral_mae.spectra.frequencies import half_shape
from spectral_mae.spectra.labels.axis_labels import Labels, expect_one_unit
from spectral_mae.spectra.rings import Bins, RingBins


class PairPlan:
    """Transforms and rings of pairs of one shape, which take more memory than what they give.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.
    bins : int, sequence of float or None
        Number or edges of the rings, as in `Spectrum.radial`.
    options : dict
        Options of `PairPeriodogram` by name.
    """

    def __init__(self, shape: tuple[int, ...], bins: Bins, options: dict[str, Any]) -> None:
        self.shape = shape
        self.pairs = PairPeriodogram(shape, **options)
        expect_one_unit(self.pairs.periodogram.labels)
        self.rings = RingBins(shape, self.pairs.periodogram.fs, bins)


class PairSums:
    """What is kept of the pairs of one shape: sums over images, and ring means of each image.

    Parameters
    ----------
    plan : PairPlan
        Of this shape. It is not kept.
    """

    def __init__(self, plan: PairPlan) -> None:
        self.shape = plan.shape
        self.fs = plan.pairs.periodogram.fs
        self.labels = plan.pairs.periodogram.labels
        self.scaling: Scaling = plan.pairs.periodogram.scaling
        self.frequency, self.edges = plan.rings.frequency, plan.rings.edges
        self.count = plan.rings.count
        self._clear()

    def _clear(self) -> None:
        half = half_shape(self.shape)
        self.n = 0
        self._real: FloatArray | None = np.zeros((3, *half))
        self._cross = np.zeros(half, np.complex128)
        self._rings: list[FloatArray] = []
        self._totals: list[FloatArray] = []
        self._floors: list[FloatArray] = []

    def emptied(self) -> PairSums:
        """Return sums over no pairs, with the rings of these.

        Returns
        -------
        PairSums
            A new object.
        """
        other = object.__new__(PairSums)
        other.__dict__.update(self.__dict__)
        other._clear()
        return other

    def forget_spectrum(self) -> None:
        """Give back the memory of the sums at each frequency; those over rings stay."""
        self._real, self._cross = None, np.zeros(0, np.complex128)

    def extend(self, other: PairSums) -> None:
        """Add the pairs of other sums.

        Parameters
        ----------
        other : PairSums
            Of the same shape and options.
        """
        self.n += other.n
        if self._real is None or other._real is None:
            self.forget_spectrum()
        else:
            self._real += other._real
            self._cross += other._cross
        self._rings += other._rings
        self._totals += other._totals
        self._floors += other._floors

    def add(self, plan: PairPlan, a: FloatArray, b: FloatArray, hidden: BoolArray | None) -> None:
        """Add pairs.

        Parameters
        ----------
        plan : PairPlan
            As the one that these sums were made with.
        a, b : ndarray of float64, shape (n, *shape, channels)
            Originals and reconstructions.
        hidden : ndarray of bool, shape (n, *shape), or None
            Pixels on which the error is measured; None takes all.
        """
        floor = np.vectorize(plan.pairs.periodogram.rounding_floor, otypes=[float])
        for rows in plan.pairs.blocks(len(a), a.shape[-1]):
            x, y = a[rows], b[rows]
            scored = None if hidden is None else hidden[rows]
            powers = plan.pairs.powers(x, y, scored)
            real = powers.power_a, powers.power_b, powers.error
            if self._real is not None:
                self._real += np.stack([power.sum(axis=0) for power in real])
                self._cross += powers.cross.sum(axis=0)
            power_a, power_b, error = (plan.rings.moments(power)[0] for power in real)
            cross = mean_cross(plan.rings, powers.cross, signal=plan.pairs.is_signal)
            means = power_a, power_b, cross.real, cross.imag, error
            self._rings.append(np.stack(means, axis=1))
            self._totals.append(squared_errors(x, y, scored))
            self._floors.append(floor(np.stack([energy(x), energy(y)], axis=1)))
            self.n += len(x)

    def spectrum(self) -> CrossSpectrum:
        """Mean cross spectrum of the pairs.

        Returns
        -------
        CrossSpectrum
            With the number of pairs as ``averages``.
        """
        if self._real is None:
            raise RuntimeError("the sums at each frequency were given back")
        power_a, power_b, error = self._real / self.n
        return CrossSpectrum(
            self._cross / self.n,
            power_a,
            power_b,
            error,
            shape=self.shape,
            scaling=self.scaling,
            fs=self.fs,
            averages=self.n,
            floors=self.floors,
            labels=self.labels,
        )

    @property
    def floors(self) -> tuple[float, float]:
        """Power that rounding leaves at a frequency; the mean over images."""
        one, other = np.concatenate(self._floors).mean(axis=0)
        return float(one), float(other)

    def ring_sums(self) -> FloatArray:
        """Sums over rings of each image, in the order of `powers_of`.

        Returns
        -------
        ndarray, shape (n, 5, n_rings)
            Of power_a, power_b, real and imaginary part of cross, and error.
        """
        return np.concatenate(self._rings) * self.count

    def totals(self) -> FloatArray:
        """Numbers of each image over all pixels.

        Returns
        -------
        ndarray, shape (n, 3)
            As `squared_errors` returns them.
        """
        return np.concatenate(self._totals)

    def distances(self) -> FloatArray:
        """Log-spectral distance of each pair over the rings.

        Returns
        -------
        ndarray, shape (n,)
            In decibels.
        """
        power_a, power_b = np.concatenate(self._rings)[:, :2].swapaxes(0, 1)
        floors = np.concatenate(self._floors)
        return ring_distance(power_a, power_b, (floors[:, :1], floors[:, 1:]))


@dataclass(frozen=True, eq=False)
class RingSums:
    """Sums over rings of every image, of rings that all shapes have in common.

    Attributes
    ----------
    frequency : ndarray, shape (n_rings,)
        Mean frequency of each ring, over all images.
    edges : ndarray, shape (n_rings, 2)
        Lower and upper edge of each ring.
    sums : ndarray, shape (n, 5, n_rings)
        In the order of `powers_of`.
    counts : ndarray, shape (n, n_rings)
        Frequencies of the whole grid of each image.
    floors : tuple of float
        Power that rounding alone can leave in a ring.
    fs : tuple of float
        Sampling frequency along each axis.
    scaling : {"density", "spectrum", "energy"}
        Unit of the powers.
    labels : Labels or None
        Names and units of the axes, where they are known.
    """

    frequency: FloatArray
    edges: FloatArray
    sums: FloatArray
    counts: FloatArray
    floors: Floors
    fs: tuple[float, ...]
    scaling: Scaling
    labels: Labels | None

    @classmethod
    def pooled(cls, parts: Sequence[PairSums]) -> RingSums:
        """Put the images of several shapes behind each other.

        Parameters
        ----------
        parts : sequence of PairSums
            Their rings are those of common edges; a shape may have no frequency in some of them.

        Returns
        -------
        RingSums
            Of all images, shape by shape.
        """
        edges = np.unique(np.concatenate([part.edges for part in parts]), axis=0)
        n, n_rings = sum(part.n for part in parts), len(edges)
        sums, counts = np.zeros((n, 5, n_rings)), np.zeros((n, n_rings))
        frequency = np.zeros(n_rings)
        first = 0
        for part in parts:
            ring = np.searchsorted(edges[:, 0], part.edges[:, 0])
            rows = slice(first, first + part.n)
            sums[rows, :, ring] = part.ring_sums()
            counts[rows, ring] = part.count
            frequency[ring] += part.n * part.count * part.frequency
            first += part.n
        floors = np.max([part.floors for part in parts], axis=0)
        return cls(
            frequency=frequency / counts.sum(axis=0),
            edges=edges,
            sums=sums,
            counts=counts,
            floors=(float(floors[0]), float(floors[1])),
            fs=parts[0].fs,
            scaling=parts[0].scaling,
            labels=parts[0].labels,
        )

    def averaged(
        self, member: NDArray[np.integer[Any]], n_resamples: int, rng: Seed
    ) -> RadialCrossSpectrum:
        """Average over groups of neighbouring rings, with standard errors by the bootstrap.

        Parameters
        ----------
        member : ndarray of int, shape (n_rings,)
            Number of the group of each ring; −1 where it is in none.
        n_resamples : int
            Number of times that images are drawn with replacement.
        rng : int, numpy.random.Generator or None
            Seed or generator.

        Returns
        -------
        RadialCrossSpectrum
            A row for each group.
        """
        groups = np.unique(member[member >= 0])
        within = (member[:, np.newaxis] == groups).astype(np.float64)
        n = len(self.sums)
        counts = self.counts @ within
        rows = np.concatenate([(self.sums @ within).reshape(n, -1), counts], axis=1)
        rings = [np.flatnonzero(member == group) for group in groups]
        total = counts.sum(axis=0)
        return RadialCrossSpectrum(
            **powers_of(rows.sum(axis=0), len(groups))._asdict(),
            frequency=(self.counts.sum(axis=0) * self.frequency) @ within / total,
            edges=np.array([[self.edges[ring[0], 0], self.edges[ring[-1], 1]] for ring in rings]),
            count=total / n if (total % n).any() else (total / n).astype(np.int64),
            averages=n,
            stderr=self._errors(rows, len(groups), n_resamples, rng),
            scaling=self.scaling,
            fs=self.fs,
            floors=self.floors,
            labels=self.labels,
        )

    def _errors(
        self, rows: FloatArray, n_groups: int, n_resamples: int, rng: Seed
    ) -> dict[str, FloatArray]:
        resampled = [
            powers_of(some, n_groups).curves(self.floors)
            for some in resampled_sums(rows, n_resamples, rng)
        ]
        if len(rows) == 1:  # every resample is the image itself
            return {name: np.full(n_groups, np.nan) for name in CURVES}
        return {
            name: spread_of(np.concatenate([curves[name] for curves in resampled]))
            for name in CURVES
        }


def powers_of(sums: FloatArray, n_groups: int) -> Powers:
    """Divide sums over bins by the counts behind them.

    Parameters
    ----------
    sums : ndarray, shape (..., 6·n_groups)
        power_a, power_b, real and imaginary part of cross, error, and count, each of all bins.
    n_groups : int
        Number of bins.

    Returns
    -------
    Powers
        Means, each (..., n_groups); NaN in a bin that no image has.
    """
    *powers, count = np.moveaxis(sums.reshape(*sums.shape[:-1], 6, n_groups), -2, 0)
    there = np.where(count > 0, count, np.nan)
    power_a, power_b, real, imaginary, error = (power / there for power in powers)
    return Powers(power_a, power_b, real + 1j * imaginary, error)
