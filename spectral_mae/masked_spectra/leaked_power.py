"""Leakage: power that masking brings to a frequency from elsewhere, over what it keeps there."""

from __future__ import annotations

import dataclasses
import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae._files.columns import plain_fields, plain_value, write_columns
from spectral_mae._results.pictured import Pictured
from spectral_mae._results.tabled import Tabled
from spectral_mae.spectra import frequencies as grid
from spectral_mae.spectra.bins.annulus import Annuli
from spectral_mae.spectra.labels import datasets
from spectral_mae.spectra.labels.axis_labels import Labels, expect_one_unit
from spectral_mae.spectra.labels.columns import plane_columns, unit_columns
from spectral_mae.spectra.rings import Bins, RingBins
from spectral_mae.spectra.spectrum import Spectrum

if TYPE_CHECKING:
    from xarray import Dataset


@dataclass(frozen=True, eq=False)
class RadialLeakage(Pictured, Tabled):
    """Leakage in rings of frequency: in each, the ratio of the sums.

    Attributes
    ----------
    frequency : ndarray, shape (n_bins,)
        Mean distance from zero of the frequencies in each ring, in units of ``fs``.
    ratio : ndarray, shape (n_bins,)
        Leaked power over kept power in each ring.
    count : ndarray of int, shape (n_bins,)
        Frequencies of the whole grid in each ring.
    edges : ndarray, shape (n_bins, 2)
        Lower and upper edge of each ring.
    fs : tuple of float
        Sampling frequency along each axis of the data.
    labels : Labels or None
        Names and units of the axes, where they are known.
    """

    frequency: FloatArray
    ratio: FloatArray
    count: NDArray[np.integer[Any]]
    edges: FloatArray
    fs: tuple[float, ...] = (1.0, 1.0)
    labels: Labels | None = None
    _drawn_by: ClassVar[str] = "leakage"

    @property
    def power(self) -> FloatArray:
        """Equal to ``ratio``; the other radial results have this name."""
        return self.ratio

    @property
    def scaling(self) -> str:
        """``"ratio"``: leakage has no unit."""
        return "ratio"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain lists and numbers.

        Returns
        -------
        dict
            The name of each field, and its value in types that JSON knows.
        """
        return plain_fields(self)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file with one row per ring.

        Where the result has ``labels``, the last column is the unit of frequency.

        Parameters
        ----------
        path : str or path-like
            File to write. An existing file is replaced.
        """
        write_columns(path, self._columns())

    def _columns(self) -> dict[str, NDArray[Any]]:
        lower, upper = self.edges.T
        columns: dict[str, NDArray[Any]] = {"frequency": self.frequency}
        columns |= {"lower": lower, "upper": upper}
        columns |= {"count": self.count, "ratio": self.ratio}
        return columns | unit_columns(self, "frequency")

    def _key_numbers(self) -> dict[str, str]:
        low, high = self.ratio.min(), self.ratio.max()
        return {
            "rings": str(len(self.frequency)),
            "leaked / kept": f"{low:.4g} to {high:.4g}",
        }

    def to_xarray(self) -> Dataset:
        """Return the result as an ``xarray.Dataset``, which netCDF files can hold.

        Returns
        -------
        xarray.Dataset
            Variables over ``freq_r``; other fields are attributes.
        """
        return datasets.of_bins(self, "frequency")

    @classmethod
    def from_xarray(cls, dataset: Dataset) -> Self:
        """Return the result that `to_xarray` has written.

        Parameters
        ----------
        dataset : xarray.Dataset
            The whole of it, as it was written.

        Returns
        -------
        RadialLeakage
            Equal to the one that was written.

        Raises
        ------
        TypeError
            If it is no Dataset.
        ValueError
            If it is of another result, or a part of it is missing.
        """
        return datasets.read(cls, dataset)


@dataclass(frozen=True, eq=False, repr=False)
class Leakage(Pictured, Tabled):
    """Power that masking brings to a frequency from elsewhere, over the power it keeps there.

    Attributes
    ----------
    leaked : Spectrum
        E|Y|² − π₁²|X|². Where all patches are kept equally often it is the variance of Y over
        masks. With fixed sampling all of it comes from other frequencies; with Bernoulli sampling
        the number of kept patches varies too, and |X[k]|²·π₁(1−π₁)/L of it is the frequency's own.
        A design that keeps some patches more often than others also moves power in the mean of Y,
        and may take more from a frequency than it brings: then it is below zero.
    kept : Spectrum
        π₁²|X|², with the mean of π₁ over patches: what arrives at k of X[k] itself, on average
        over masks.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> image = np.random.default_rng(0).standard_normal((32, 32))
    >>> leak = sm.leakage(image, 8, 0.75)
    >>> leak.shape, leak.radial(4).ratio.shape
    ((32, 32), (4,))
    """

    leaked: Spectrum
    kept: Spectrum
    _drawn_by: ClassVar[str] = "leakage"

    def __repr__(self) -> str:
        return f"Leakage(shape={self.shape}, total={self.total:.4g})"

    @property
    def power(self) -> FloatArray:
        """The ratio on the half-plane.

        It is infinite where power arrives at a frequency that had none, and zero where none
        arrives. Power that is not above the rounding error counts as none.
        """
        return self.ratio_of(self.leaked.power, self.kept.power)

    @property
    def parts(self) -> tuple[Spectrum, Spectrum]:
        """Numerator and denominator of the ratio, `leaked` and `kept`."""
        return self.leaked, self.kept

    def ratio_of(self, leaked: FloatArray, kept: FloatArray) -> FloatArray:
        """Divide means of the leaked power by means of the kept power.

        Parameters
        ----------
        leaked, kept : ndarray
            Means of the power in `leaked` and in `kept` over the same frequencies.

        Returns
        -------
        ndarray
            The ratio, with rounding errors treated as in `power`.
        """
        return ratio_of_sums(leaked, self.leaked.floor, kept, self.kept.floor)

    def full(self) -> FloatArray:
        """Return the ratio at all frequencies, negative ones included.

        Returns
        -------
        ndarray, shape (*shape)
            In the order of ``np.fft.fftfreq`` along each axis.
        """
        return grid.full_from_half(self.power, self.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """Pixels along each axis."""
        return self.kept.shape

    @property
    def frequencies(self) -> tuple[FloatArray, ...]:
        """Frequency along each axis of ``power``; cycles/pixel for ``fs=1``."""
        return self.kept.frequencies

    @property
    def labels(self) -> Labels | None:
        """Names and units of the axes, where they are known."""
        return self.kept.labels

    @property
    def scaling(self) -> str:
        """``"ratio"``: leakage has no unit."""
        return "ratio"

    def to_dict(self) -> dict[str, Any]:
        """Return ratio, frequencies and total as plain lists and numbers.

        Returns
        -------
        dict
            Keys ``power``, ``frequencies``, ``shape``, ``scaling``, ``total`` and ``labels``.
        """
        return {
            "power": self.power.tolist(),
            "frequencies": [axis.tolist() for axis in self.frequencies],
            "shape": list(self.shape),
            "scaling": self.scaling,
            "total": self.total,
            "labels": plain_value(self.labels),
        }

    def _columns(self) -> dict[str, NDArray[Any]]:
        values = {"leaked": self.leaked.power, "kept": self.kept.power, "ratio": self.power}
        return plane_columns(self.frequencies, self.labels, values)

    def _key_numbers(self) -> dict[str, str]:
        return {
            "pixels": " × ".join(map(str, self.shape)),
            "leaked / kept, of all power": f"{self.total:.4g}",
        }

    def to_xarray(self) -> Dataset:
        """Return the result as an ``xarray.Dataset``, which netCDF files can hold.

        Returns
        -------
        xarray.Dataset
            Variables ``kept``, ``leaked`` and ``ratio`` over ``freq_y`` and ``freq_x``, as of
            `Spectrum.to_xarray`.
        """
        ratio = datasets.of_plane(self.kept.numpy(), {"ratio": self.power})
        dataset = ratio.rename(power="kept").assign(leaked=self.leaked.to_xarray().power)
        return dataset.assign_attrs(result="Leakage", leaked_floor=self.leaked.floor)

    @classmethod
    def from_xarray(cls, dataset: Dataset) -> Self:
        """Return the result that `to_xarray` has written.

        Parameters
        ----------
        dataset : xarray.Dataset
            The whole of it, as it was written.

        Returns
        -------
        Leakage
            Equal to the one that was written.

        Raises
        ------
        TypeError
            If it is no Dataset.
        ValueError
            If it is of another result, or a part of it is missing.
        """
        datasets.expect(dataset, "Leakage", ("kept", "leaked", "leaked_floor"))
        kept, leaked = (
            Spectrum.from_xarray(
                dataset[[name]].rename({name: "power"}).assign_attrs(result="Spectrum")
            )
            for name in ("kept", "leaked")
        )
        floor = float(dataset.attrs["leaked_floor"])
        return cls(leaked=dataclasses.replace(leaked, floor=floor), kept=kept)

    @property
    def total(self) -> float:
        """Ratio of the sums over all frequencies, zero included.

        By Parseval it is 1/π₁ − 1 for every image, where all patches are kept equally often. That
        is m/(1−m), unless fixed sampling keeps ⌊L(1−m)⌋ ≠ L(1−m) patches.
        """
        leaked, kept = np.float64(self.leaked.total), np.float64(self.kept.total)
        return float(ratio_of_sums(leaked, 0.0, kept, 0.0))

    def band(self, fmin: float, fmax: float) -> float:
        """Ratio of the sums over the frequencies fmin ≤ |f| < fmax.

        Parameters
        ----------
        fmin, fmax : float
            Limits in units of the sampling frequency, cycles/pixel for ``fs=1``: inclusive and
            exclusive. Zero frequency is never in the band; ``fmax=math.inf`` includes the corners
            beyond the Nyquist frequency.

        Returns
        -------
        float
            Leaked power over kept power.

        Raises
        ------
        ValueError
            If no frequency lies in the band, or the axes have different units.
        """
        expect_one_unit(self.labels)
        low, high = _checks.limit("fmin", fmin, 0.0), _checks.limit("fmax", fmax, math.inf)
        annulus = Annuli(self.shape, self.kept.fs, (low, high))
        if not annulus.counts[0]:
            shape = self.shape
            raise ValueError(f"no frequency with {fmin=} <= |f| < {fmax=} in {shape=}")
        return float(self.over(annulus)[0])

    def over(self, annuli: Annuli) -> FloatArray:
        """Ratio of the sums over each of some annuli of frequencies.

        Parameters
        ----------
        annuli : spectral_mae.spectra.bins.annulus.Annuli
            Frequencies of a grid of this shape.

        Returns
        -------
        ndarray of float64, shape (n_annuli,)
            Leaked power over kept power; zero where there is no frequency.
        """
        leaked, kept = (annuli.sums(s.power) for s in self.parts)
        of_leaked, of_kept = (s.floor * annuli.counts for s in self.parts)
        return ratio_of_sums(leaked, of_leaked, kept, of_kept)

    def radial(self, bins: Bins = None) -> RadialLeakage:
        """Ratio of the sums over rings of equal distance from zero frequency.

        Parameters
        ----------
        bins : int, sequence of float or None
            Number or edges of the rings, as in `Spectrum.radial`.

        Returns
        -------
        RadialLeakage
            The ratio in each ring.
        """
        expect_one_unit(self.labels)
        rings = RingBins(self.shape, self.kept.fs, bins)
        leaked, kept = (
            rings.average(s.power, scaling=s.scaling, floor=s.floor)
            for s in (self.leaked, self.kept)
        )
        ratio = ratio_of_sums(leaked.power, leaked.floor, kept.power, kept.floor)
        return RadialLeakage(
            rings.frequency, ratio, rings.count, rings.edges, self.kept.fs, self.labels
        )


def ratio_of_sums(
    leaked: FloatArray | np.floating[Any],
    leaked_floor: FloatArray | float,
    kept: FloatArray | np.floating[Any],
    kept_floor: FloatArray | float,
) -> FloatArray:
    """Leaked over kept power, where power that is no larger than its rounding floor counts as none.

    Parameters
    ----------
    leaked, kept : ndarray or float
        Sums of power over the same frequencies.
    leaked_floor, kept_floor : ndarray or float
        What rounding can leave of such sums.

    Returns
    -------
    ndarray
        Something over nothing is infinite; nothing over nothing is zero.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = leaked / kept
    ratio = np.where(kept <= kept_floor, np.inf, ratio)
    return np.where(np.abs(leaked) <= leaked_floor, 0.0, ratio)
