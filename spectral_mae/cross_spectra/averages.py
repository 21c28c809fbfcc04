"""Cross spectra averaged over rings and sectors, with the curves of `curves`."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import ComplexArray, FloatArray, Scaling
from spectral_mae._files.columns import plain_value, write_columns
from spectral_mae._results.pictured import Pictured
from spectral_mae._results.tabled import Tabled
from spectral_mae.cross_spectra.curves import CURVES, Floors, Powers
from spectral_mae.spectra.labels import datasets
from spectral_mae.spectra.labels.axis_labels import Labels
from spectral_mae.spectra.labels.columns import unit_columns

if TYPE_CHECKING:
    from xarray import Dataset

DERIVED = ("gain", "coherence", "frc", "explained", "half_bit")  # not among the fields
ONE_SEVENTH = 1 / 7  # Rosenthal and Henderson 2003
HALF_BIT = 0.2071  # signal-to-noise ratio of each image at half a bit: log₂(1 + 2·0.2071) = ½
ONE_PAIR = (
    "one pair of images has no coherence at a single frequency: |A*B|²/(|A|²|B|²) is 1 whatever "
    "the images are; average over rings or sectors of more frequencies, or over several pairs "
    "(compare_spectra)"
)

Threshold = float | Literal["half-bit"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CrossAverages(Tabled, ABC):
    """Cross spectra averaged over bins of frequencies, and the curves that follow from them.

    Attributes
    ----------
    power_a, power_b : ndarray, shape (n_bins,)
        Mean power of the originals and of the reconstructions.
    cross : ndarray of complex, shape (n_bins,)
        ⟨A*B⟩. The rings and sectors of an image hold k and −k, whose values are conjugates, so it
        is real. Rings of a signal are averaged over positive frequencies, and it is complex.
    error : ndarray, shape (n_bins,)
        Mean power of the difference; of hidden pixels only where `visible` was given.
    count : ndarray, shape (n_bins,)
        Frequencies of the whole grid in each bin, of one image; of images of several shapes the
        mean over them.
    averages : int
        Pairs of images that were averaged.
    stderr : mapping of str to ndarray, shape (n_bins,)
        Standard errors of ``gain``, ``coherence``, ``frc``, ``error`` and ``explained``. Of one
        pair they come from the spread of frequencies within a bin, of several by the bootstrap over
        images. NaN where there is only one of them.
    scaling : {"density", "spectrum", "energy"}
        Unit of the powers, as in `Spectrum`.
    fs : tuple of float
        Sampling frequency along each axis.
    floors : tuple of float
        Power that rounding alone can leave in a bin of the originals, and of the reconstructions.
        No more than that is no power: without any of the original, gain and explained are NaN;
        without any of one of the two, coherence and FRC are 0, and NaN without any of both.
    labels : Labels or None
        Names and units of the axes and the unit of the pixels, where they are known.
    """

    power_a: FloatArray
    power_b: FloatArray
    cross: ComplexArray
    error: FloatArray
    count: NDArray[Any]
    averages: int
    stderr: Mapping[str, FloatArray]
    scaling: Scaling = "density"
    fs: tuple[float, ...] = (1.0, 1.0)
    floors: Floors = (0.0, 0.0)
    labels: Labels | None = None
    _curves: dict[str, FloatArray] = field(init=False)

    def __post_init__(self) -> None:
        powers = Powers(self.power_a, self.power_b, self.cross, self.error)
        object.__setattr__(self, "_curves", powers.curves(self.floors))

    @property
    def gain(self) -> FloatArray:
        """Re⟨A*B⟩/⟨|A|²⟩: how much of the original is in the reconstruction; 1 is all of it."""
        return self._curves["gain"]

    @property
    def coherence(self) -> FloatArray:
        """Coherence γ² = |⟨A*B⟩|²/(⟨|A|²⟩⟨|B|²⟩), 0 to 1.

        The part of the reconstruction's power that is a multiple of the original, with one factor
        for all frequencies of the bin. Where ``cross`` is real it is the square of ``frc``. Of
        independent images its mean is 2/(count·averages). It is NaN where a bin of one pair holds a
        single independent frequency.

        Raises
        ------
        ValueError
            If that is so in all bins.
        """
        alone = self._alone
        if alone.all():
            raise ValueError(ONE_PAIR)
        return np.where(alone, np.nan, self._curves["coherence"])

    @property
    def frc(self) -> FloatArray:
        """Fourier ring correlation Re⟨A*B⟩/√(⟨|A|²⟩⟨|B|²⟩), −1 to 1.

        Of independent images its standard deviation is 1/√(count·averages).
        """
        return self._curves["frc"]

    @property
    def explained(self) -> FloatArray:
        """1 − error/⟨|A|²⟩: 1 is perfect, 0 as good as nothing, below 0 worse than nothing."""
        return self._curves["explained"]

    @property
    def half_bit(self) -> FloatArray:
        """The half-bit threshold for ``frc`` (van Heel and Schatz 2005, Eq. 17).

        A correlation above it tells at least half a bit of information about each frequency. With n
        frequencies in a bin and s = 0.2071, it is
        (s + (1 + 2√s)/√n) / (1 + s + 2√s/√n).
        """
        root = np.sqrt(self.count * self.averages)
        doubled = 2 * math.sqrt(HALF_BIT)
        return (HALF_BIT + (1 + doubled) / root) / (1 + HALF_BIT + doubled / root)

    @property
    def _alone(self) -> NDArray[np.bool_]:
        """Which bins have no more than one independent number."""
        return self.count * self.averages <= 2

    def to_dict(self) -> dict[str, Any]:
        """Return all columns of the table, and what they are, as plain values.

        Returns
        -------
        dict
            The columns of `to_csv` as lists, ``averages``, ``scaling``, ``fs``, ``floors`` and
            ``labels``.
        """
        columns = {name: column.tolist() for name, column in self.columns().items()}
        return {
            **columns,
            "averages": self.averages,
            "scaling": self.scaling,
            "fs": list(self.fs),
            "floors": list(self.floors),
            "labels": plain_value(self.labels),
        }

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file with one row per bin.

        Where the result has ``labels``, the last columns are the units.

        Parameters
        ----------
        path : str or path-like
            File to write. An existing file is replaced.
        """
        write_columns(path, self._columns())

    def _columns(self) -> dict[str, NDArray[Any]]:
        described = [name for name in ("frequency",) if name == self._along]
        return self.columns() | unit_columns(self, *described, "power")

    def to_xarray(self) -> Dataset:
        """Return the result as an ``xarray.Dataset``, which netCDF files can hold.

        Returns
        -------
        xarray.Dataset
            Variables over ``freq_r`` or ``angle``: the fields, of complex ``cross`` two,
            ``cross_real`` and ``cross_imag``, and the curves.
        """
        return datasets.of_bins(self, self._along, {name: self.columns()[name] for name in DERIVED})

    @classmethod
    def from_xarray(cls, dataset: Dataset) -> Self:
        """Return the result that `to_xarray` has written.

        Parameters
        ----------
        dataset : xarray.Dataset
            The whole of it, as it was written.

        Returns
        -------
        RadialCrossSpectrum or SectorCrossSpectrum
            Equal to the one that was written.

        Raises
        ------
        TypeError
            If it is no Dataset.
        ValueError
            If it is of another result, or a part of it is missing.
        """
        return datasets.read(cls, dataset)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the columns of the table.

        Returns
        -------
        dict of str to ndarray, shape (n_bins,)
            What describes the bins, powers, and curves with their standard errors.
        """
        found: dict[str, NDArray[Any]] = {
            **self._bins(),
            "count": self.count,
            "power_a": self.power_a,
            "power_b": self.power_b,
            "cross_real": self.cross.real,
            "cross_imag": self.cross.imag,
        }
        for name in CURVES:
            curve = self._curves[name]
            found[name] = np.where(self._alone, np.nan, curve) if name == "coherence" else curve
            found[f"{name}_stderr"] = self.stderr[name]
        return {**found, "half_bit": self.half_bit}

    @property
    @abstractmethod
    def _along(self) -> str:
        """The field that says where the bins lie."""

    @abstractmethod
    def _bins(self) -> dict[str, NDArray[Any]]:
        """What says which bins these are, by name."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RadialCrossSpectrum(Pictured, CrossAverages):
    """Cross spectra averaged over rings of equal distance from zero frequency.

    Attributes
    ----------
    frequency : ndarray, shape (n_bins,)
        Mean distance from zero of the frequencies in each ring, in units of ``fs``.
    edges : ndarray, shape (n_bins, 2)
        Lower and upper edge of each ring.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> image = np.random.default_rng(0).standard_normal((16, 16))
    >>> rings = sm.cross_spectrum(image, 0.5 * image).radial(4)
    >>> rings.gain.real.round(3), rings.explained.round(3)
    (array([0.5, 0.5, 0.5, 0.5]), array([0.75, 0.75, 0.75, 0.75]))
    """

    frequency: FloatArray
    edges: FloatArray
    _drawn_by: ClassVar[str] = "comparison"

    def __repr__(self) -> str:
        low, high = self.frequency[[0, -1]]
        pairs = f"{self.averages} pair{'s' * (self.averages != 1)}"
        rings = f"{len(self.frequency)} rings from {low:.4g} to {high:.4g}"
        return f"RadialCrossSpectrum({pairs}, {rings}, scaling={self.scaling!r})"

    def frc_crossing(self, threshold: Threshold = ONE_SEVENTH) -> float:
        """Return the frequency at which the Fourier ring correlation first falls below a threshold.

        Between two rings the difference from the threshold is interpolated linearly. Between two
        noisy measurements of one object 1/7 is usual. It corresponds to 1/2 between a measurement
        and an original without noise, as a reconstruction is compared with (Rosenthal and Henderson
        2003: C = √(2·FRC/(1 + FRC))).

        Parameters
        ----------
        threshold : float or "half-bit"
            From 0 to 1; or the curve `half_bit`.

        Returns
        -------
        float
            In units of ``fs``; infinity if all rings are above it, 0 if the first one is below.
            Rings without power are passed over.

        Examples
        --------
        >>> from spectral_mae import cross_spectrum
        >>> image = np.random.default_rng(0).standard_normal((64, 64))
        >>> half = np.fft.rfft2(image)
        >>> half[np.hypot(np.fft.fftfreq(64)[:, None], np.fft.rfftfreq(64)) > 0.2] = 0
        >>> rings = cross_spectrum(image, np.fft.irfft2(half)).radial()
        >>> round(rings.frc_crossing(), 2)
        0.21
        """
        if isinstance(threshold, str):
            _checks.choice("threshold", threshold, Literal["half-bit"])
            limit = self.half_bit
        else:
            limit = np.full(len(self.frequency), _checks.closed_unit("threshold", threshold))
        known = np.isfinite(self.frc)
        above = (self.frc - limit)[known]
        frequency = self.frequency[known]
        below = np.flatnonzero(above < 0)
        if not len(below):
            return math.inf
        first = int(below[0])
        if first == 0:
            return 0.0
        high, low = above[first - 1], above[first]
        step = frequency[first] - frequency[first - 1]
        return float(frequency[first - 1] + step * high / (high - low))

    def _key_numbers(self) -> dict[str, str]:
        original, error = (float(np.sum(self.count * p)) for p in (self.power_a, self.error))
        at = self.frc_crossing()
        return {
            "pairs": str(self.averages),
            "rings": str(len(self.frequency)),
            "explained": f"{1 - error / original:.1%}" if original > 0 else "none",
            "correlation 1/7 at": f"{at:.4g}" if np.isfinite(at) else "nowhere",
        }

    @property
    def _along(self) -> str:
        return "frequency"

    def _bins(self) -> dict[str, NDArray[Any]]:
        return {"frequency": self.frequency, "lower": self.edges[:, 0], "upper": self.edges[:, 1]}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SectorCrossSpectrum(CrossAverages):
    """Cross spectra averaged over sectors of equal orientation.

    Attributes
    ----------
    angle : ndarray, shape (n,)
        Middle of each sector in degrees, as in `SectorSpectrum`.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> image = np.random.default_rng(0).standard_normal((16, 16))
    >>> sectors = sm.cross_spectrum(image, 0.5 * image).sectors(4)
    >>> sectors.angle, sectors.gain.real.round(3)
    (array([  0.,  45.,  90., 135.]), array([0.5, 0.5, 0.5, 0.5]))
    """

    angle: FloatArray

    def __repr__(self) -> str:
        pairs = f"{self.averages} pair{'s' * (self.averages != 1)}"
        return f"SectorCrossSpectrum({pairs}, {len(self.angle)} sectors, scaling={self.scaling!r})"

    @property
    def _along(self) -> str:
        return "angle"

    def _bins(self) -> dict[str, NDArray[Any]]:
        return {"angle": self.angle}
