"""The power spectrum of a real signal, image or volume, as a result."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from spectral_mae._array_api import constant, numpy_fields, real_dtype
from spectral_mae._checks import FloatArray, Scaling
from spectral_mae._files.columns import plain_value
from spectral_mae._results.pictured import Pictured
from spectral_mae._results.tabled import Tabled
from spectral_mae.spectra import frequencies as grid
from spectral_mae.spectra.labels import datasets
from spectral_mae.spectra.labels.axis_labels import Labels, expect_one_unit
from spectral_mae.spectra.labels.columns import plane_columns
from spectral_mae.spectra.ratios import SpectrumRatio
from spectral_mae.spectra.rings import Bins, RadialSpectrum, RingBins
from spectral_mae.spectra.sectors import SectorSpectrum, average_sectors

if TYPE_CHECKING:
    from xarray import Dataset


@dataclass(frozen=True, eq=False, repr=False)
class Spectrum(Pictured, Tabled):
    """The power spectrum of a real signal, image or volume.

    ``a / b`` of two is a `SpectrumRatio`.

    Attributes
    ----------
    power : ndarray or tensor, shape (D//2 + 1,), (H, W//2 + 1) or (T, H, W//2 + 1)
        Power on the non-negative half-plane of the real FFT, **not** doubled. A tensor if the image
        was one; everything else is then computed with NumPy, but for `full`, `per_pixel`, `radial`
        and `sectors`.
    shape : tuple of int
        Pixels along each axis.
    scaling : {"density", "spectrum", "energy"}
        Power per unit of frequency (area, volume), per frequency, or plain |X|².
    fs : tuple of float
        Sampling frequency along each axis.
    cell : float
        Weight of one frequency in `total`: the size of its cell for ``"density"``.
    averages : int
        Number of spectra that were averaged.
    floor : float
        Power that rounding alone can leave at a frequency that has none.
    labels : Labels or None
        Names and units of the axes and the unit of the pixels, where they are known.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> image = np.random.default_rng(0).standard_normal((32, 32))
    >>> spectrum = sm.psd(image)
    >>> bool(np.isclose(spectrum.total, np.mean(image**2)))  # Parseval
    True
    >>> spectrum.radial()
    RadialSpectrum(16 rings from 0.03772 to 0.4902, scaling='density')
    """

    power: FloatArray
    shape: tuple[int, ...]
    scaling: Scaling
    fs: tuple[float, ...]
    cell: float
    averages: int = 1
    floor: float = 0.0
    labels: Labels | None = None
    _drawn_by: ClassVar[str] = "psd"

    def __repr__(self) -> str:
        return f"Spectrum(shape={self.shape}, scaling={self.scaling!r}, total={self.total:.4g})"

    def __truediv__(self, other: Spectrum) -> SpectrumRatio:
        """Ratio of the power at each frequency; see `SpectrumRatio`."""
        return SpectrumRatio(self, other) if isinstance(other, Spectrum) else NotImplemented

    @property
    def frequencies(self) -> tuple[FloatArray, ...]:
        """Frequency along each axis of ``power``; cycles/pixel for ``fs=1``."""
        return grid.half_frequencies(self.shape, self.fs)

    def numpy(self) -> Spectrum:
        """Return this spectrum with its power as a NumPy array, on the CPU.

        Returns
        -------
        Spectrum
            The same numbers, without their derivatives; this one itself if it holds no tensor.
        """
        return numpy_fields(self)

    def beside(self, like: Any) -> Spectrum:
        """Return this spectrum with its power as a tensor of the library and device of another.

        Parameters
        ----------
        like : tensor
            Says the library, the device and the precision.

        Returns
        -------
        Spectrum
            The same numbers, but for rounding to the precision.
        """
        return dataclasses.replace(self, power=constant(self.power, like, real_dtype(like)))

    def full(self) -> FloatArray:
        """Return the power at all frequencies, negative ones included.

        Returns
        -------
        ndarray, shape (*shape)
            In the order of ``np.fft.fftfreq`` along each axis.
        """
        return grid.full_from_half(self.power, self.shape)

    @property
    def total(self) -> float:
        """Sum over all frequencies (Parseval).

        The mean square of the data for ``"density"`` and ``"spectrum"`` (weighted with the
        squared window, if there is one), and D·Σx² for ``"energy"``.
        """
        weights = grid.hermitian_weights(self.shape)
        return float(np.sum(self.numpy().power * weights, dtype=np.float64)) * self.cell

    @property
    def per_pixel(self) -> FloatArray:
        """|X|²/N on the half-plane, N the number of pixels, whatever the scaling.

        This is the density at a sampling frequency of one sample per pixel. Over the whole grid it
        sums to Σx² (weighted with the squared window, if there is one).
        """
        size = prod(self.shape)
        return self.power * (1.0 / size if self.scaling == "energy" else self.cell * size)

    def radial(self, bins: Bins = None) -> RadialSpectrum:
        """Average the power over rings of equal distance from zero frequency; of volumes, shells.

        Parameters
        ----------
        bins : int, sequence of float or None
            None: rings as wide as the coarsest frequency step of the axes, centred on its
            multiples, up to the smallest Nyquist frequency; below the first of them, where only
            longer axes have frequencies, as wide as the finest step. An int: so many equal rings
            over that range. A sequence: edges in units of ``fs``, the last closed. Zero frequency
            and the corners beyond Nyquist take part only where given edges hold them. Rings that
            hold no frequency are left out.

        Returns
        -------
        RadialSpectrum
            Mean, spread and standard error of the power in each ring.

        Raises
        ------
        ValueError
            If no frequency lies in the rings, edges do not rise, or the axes have different units.

        Examples
        --------
        >>> from spectral_mae import psd
        >>> rings = psd(np.eye(8)).radial()
        >>> rings.frequency.round(2)
        array([0.15, 0.27, 0.38, 0.46])
        >>> rings.count
        array([ 8, 12, 16, 10])
        """
        expect_one_unit(self.labels)
        return RingBins(self.shape, self.fs, bins).average(
            self.power,
            scaling=self.scaling,
            averages=self.averages,
            floor=self.floor,
            labels=self.labels,
        )

    def sectors(
        self, n: int, *, fmin: float | None = None, fmax: float | None = None
    ) -> SectorSpectrum:
        """Average the power over ``n`` sectors of orientation.

        Parameters
        ----------
        n : int
            Number of sectors; sector b is centred on the angle 180°·b/n.
        fmin, fmax : float or None
            Use only frequencies fmin ≤ |f| < fmax; by default all but zero up to the smallest
            Nyquist frequency, which is included: beyond it directions are not covered alike.

        Returns
        -------
        SectorSpectrum
            Mean, spread and standard error of the power in each sector.

        Raises
        ------
        ValueError
            For a signal or a volume, whose frequencies have no one angle, if a sector holds no
            frequency, or if the axes have different units.

        Examples
        --------
        >>> from spectral_mae import psd
        >>> stripes = np.tile([0.0, 0.0, 1.0, 1.0], (16, 4))
        >>> by_angle = psd(stripes, detrend="constant").sectors(4)
        >>> by_angle.angle[np.argmax(by_angle)]
        np.float64(0.0)
        """
        expect_one_unit(self.labels)
        found = average_sectors(
            self.power,
            self.shape,
            self.fs,
            n,
            fmin=fmin,
            fmax=fmax,
            scaling=self.scaling,
            averages=self.averages,
        )
        return dataclasses.replace(found, labels=self.labels)

    def to_dict(self) -> dict[str, Any]:
        """Return power, frequencies and scalars as plain lists and numbers.

        Returns
        -------
        dict
            Keys ``power``, ``frequencies``, ``shape``, ``scaling``, ``fs``, ``total``,
            ``averages`` and ``labels``, the fields of the labels or None.
        """
        return {
            "power": self.numpy().power.tolist(),
            "frequencies": [axis.tolist() for axis in self.frequencies],
            "shape": list(self.shape),
            "scaling": self.scaling,
            "fs": list(self.fs),
            "total": self.total,
            "averages": self.averages,
            "labels": plain_value(self.labels),
        }

    def _columns(self) -> dict[str, NDArray[Any]]:
        return plane_columns(self.frequencies, self.labels, {"power": self.numpy().power})

    def _key_numbers(self) -> dict[str, str]:
        return {
            "pixels": " × ".join(map(str, self.shape)),
            "total": f"{self.total:.4g}",
            "scaling": self.scaling,
            "fs": ", ".join(f"{rate:g}" for rate in self.fs),
            "averages": str(self.averages),
        }

    def to_xarray(self) -> Dataset:
        """Return the spectrum as an ``xarray.Dataset``, which netCDF files can hold.

        Returns
        -------
        xarray.Dataset
            Variable ``power`` over ``freq_y`` and ``freq_x`` (of other axes ``freq_`` and their
            names), on the same half-plane, with rising frequencies. All other fields are
            attributes; those of variables have ``units`` where these are known.

        Raises
        ------
        ModuleNotFoundError
            If xarray is not installed.
        """
        return datasets.of_plane(self.numpy())

    @classmethod
    def from_xarray(cls, dataset: Dataset) -> Self:
        """Return the result that `to_xarray` has written.

        Parameters
        ----------
        dataset : xarray.Dataset
            The whole of it, as it was written.

        Returns
        -------
        Spectrum
            Equal to the one that was written.

        Raises
        ------
        TypeError
            If it is no Dataset.
        ValueError
            If it is of another result, or a part of it is missing.
        """
        return datasets.read(cls, dataset)
