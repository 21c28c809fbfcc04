"""The cross spectrum of two images, frequency by frequency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import ComplexArray, FloatArray, Scaling
from spectral_mae._files.columns import plain_value
from spectral_mae._results.pictured import Pictured
from spectral_mae.cross_spectra.averages import (
    ONE_PAIR,
    RadialCrossSpectrum,
    SectorCrossSpectrum,
)
from spectral_mae.cross_spectra.curves import Powers, averaged
from spectral_mae.cross_spectra.pairs import PairPeriodogram, energy, pair_arrays
from spectral_mae.spectra import frequencies as grid
from spectral_mae.spectra.conditioning import DetrendOption, Window
from spectral_mae.spectra.labels import datasets
from spectral_mae.spectra.labels.axis_labels import Labels, Unit, expect_one_unit
from spectral_mae.spectra.labels.coordinates import labelled
from spectral_mae.spectra.rings import Bins, RingBins
from spectral_mae.spectra.sectors import sector_angles, sector_binning

if TYPE_CHECKING:
    from xarray import Dataset

# What the error says when `cross_spectrum` gets a batch.
SEVERAL = "compare_spectra(originals, reconstructions)"


@dataclass(frozen=True, eq=False, repr=False)
class CrossSpectrum(Pictured):
    """The cross spectrum of two images, or its mean over several pairs.

    Attributes
    ----------
    cross : ndarray of complex, shape (*shape[:-1], shape[-1]//2 + 1)
        P_ab = A*B on the non-negative half-plane of the real FFT, not doubled; the convention of
        `scipy.signal.csd`.
    power_a, power_b : ndarray, like ``cross``
        |A|² and |B|², as `psd` returns them.
    error : ndarray, like ``cross``
        |B − A|²; of hidden pixels only where `compare_spectra` was given ``visible``.
    shape : tuple of int
        Pixels along each axis.
    scaling : {"density", "spectrum", "energy"}
        Unit of all of these, as in `Spectrum`.
    fs : tuple of float
        Sampling frequency along each axis.
    averages : int
        Number of pairs that were averaged.
    floors : tuple of float
        Power that rounding alone can leave at a frequency of a, and of b.
    labels : Labels or None
        Names and units of the axes and the unit of the pixels, where they are known.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> image = np.random.default_rng(0).standard_normal((16, 16))
    >>> found = sm.cross_spectrum(image, 0.5 * np.roll(image, 1, axis=0))  # dimmer, one row lower
    >>> bool(np.allclose(np.abs(found.gain), 0.5))
    True
    >>> bool(np.allclose(found.error, np.abs(1 - found.gain) ** 2 * found.power_a))
    True
    >>> ax = found.plot()  # a map of the power of b over that of a
    """

    _drawn_by = "power_ratio"

    cross: ComplexArray
    power_a: FloatArray
    power_b: FloatArray
    error: FloatArray
    shape: tuple[int, ...]
    scaling: Scaling
    fs: tuple[float, ...]
    averages: int = 1
    floors: tuple[float, float] = (0.0, 0.0)
    labels: Labels | None = None

    def __repr__(self) -> str:
        return (
            f"CrossSpectrum(shape={self.shape}, averages={self.averages}, scaling={self.scaling!r})"
        )

    def _has_picture(self) -> bool:
        return len(self.shape) == 2

    def _key_numbers(self) -> dict[str, str]:
        rings = self.radial()
        original, error = (float(np.sum(rings.count * p)) for p in (rings.power_a, rings.error))
        at = rings.frc_crossing()
        return {
            "pairs": str(self.averages),
            "pixels": " × ".join(map(str, self.shape)),
            "explained": f"{1 - error / original:.1%}" if original > 0 else "none",
            "correlation 1/7 at": f"{at:.4g}" if np.isfinite(at) else "nowhere",
        }

    @property
    def frequencies(self) -> tuple[FloatArray, ...]:
        """Frequency along each axis of ``cross``; cycles/pixel for ``fs=1``."""
        return grid.half_frequencies(self.shape, self.fs)

    def full(self) -> ComplexArray:
        """Return ``cross`` at all frequencies, negative ones included.

        Returns
        -------
        ndarray of complex, shape (*shape)
            In the order of ``np.fft.fftfreq`` along each axis.
        """
        return grid.full_from_half(self.cross, self.shape)

    @property
    def gain(self) -> ComplexArray:
        """⟨A*B⟩/⟨|A|²⟩, complex; NaN where a has no power."""
        scale = self._powers.scales(self.floors).original
        return self.cross.real / scale / scale + 1j * (self.cross.imag / scale / scale)

    @property
    def coherence(self) -> FloatArray:
        """Coherence γ² = |⟨A*B⟩|²/(⟨|A|²⟩⟨|B|²⟩) over the pairs that were averaged, 0 to 1.

        Of n independent pairs its mean is 1/n.

        Raises
        ------
        ValueError
            For one pair, of which it is 1 whatever the images are.
        """
        if self.averages == 1:
            raise ValueError(ONE_PAIR)
        return self._powers.curves(self.floors)["coherence"]

    @property
    def explained(self) -> FloatArray:
        """1 − error/⟨|A|²⟩; NaN where a has no power."""
        return self._powers.curves(self.floors)["explained"]

    def radial(self, bins: Bins = None) -> RadialCrossSpectrum:
        """Average over rings of equal distance from zero frequency.

        Parameters
        ----------
        bins : int, sequence of float or None
            Number or edges of the rings, as in `Spectrum.radial`.

        Returns
        -------
        RadialCrossSpectrum
            Gain, coherence, Fourier ring correlation, error and explained power of each ring.
            Standard errors come from the spread of the frequencies within a ring.

        Examples
        --------
        >>> from spectral_mae import cross_spectrum
        >>> rng = np.random.default_rng(0)
        >>> image, noise = rng.standard_normal((2, 64, 64))
        >>> rings = cross_spectrum(image, 0.5 * image + 0.5 * noise).radial(bins=4)
        >>> rings.gain.round(1), rings.coherence.round(1)
        (array([0.6, 0.5, 0.5, 0.5]), array([0.6, 0.5, 0.5, 0.5]))
        """
        expect_one_unit(self.labels)
        rings = RingBins(self.shape, self.fs, bins)
        return RadialCrossSpectrum(
            frequency=rings.frequency,
            edges=rings.edges,
            **averaged(rings, rings.count, self._powers, self.floors, signal=self._is_signal),
            averages=self.averages,
            scaling=self.scaling,
            fs=self.fs,
            labels=self.labels,
        )

    def sectors(
        self, n: int, *, fmin: float | None = None, fmax: float | None = None
    ) -> SectorCrossSpectrum:
        """Average over ``n`` sectors of orientation.

        Parameters
        ----------
        n : int
            Number of sectors; sector b is centred on the angle 180°·b/n.
        fmin, fmax : float or None
            Use only frequencies in this range, as in `Spectrum.sectors`.

        Returns
        -------
        SectorCrossSpectrum
            The same curves as of `radial`, for each sector.

        Raises
        ------
        ValueError
            For a signal, if a sector holds no frequency, or if the axes have different units.
        """
        expect_one_unit(self.labels)
        binning = sector_binning(self.shape, self.fs, n, fmin=fmin, fmax=fmax)
        return SectorCrossSpectrum(
            angle=sector_angles(n),
            **averaged(binning, binning.counts, self._powers, self.floors, signal=False),
            averages=self.averages,
            scaling=self.scaling,
            fs=self.fs,
            labels=self.labels,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain lists and numbers.

        Returns
        -------
        dict
            ``cross`` is a dict of its parts ``real`` and ``imag``.
        """
        return {
            "cross": {"real": self.cross.real.tolist(), "imag": self.cross.imag.tolist()},
            "power_a": self.power_a.tolist(),
            "power_b": self.power_b.tolist(),
            "error": self.error.tolist(),
            "frequencies": [axis.tolist() for axis in self.frequencies],
            "shape": list(self.shape),
            "scaling": self.scaling,
            "fs": list(self.fs),
            "averages": self.averages,
            "floors": list(self.floors),
            "labels": plain_value(self.labels),
        }

    def to_xarray(self) -> Dataset:
        """Return the result as an ``xarray.Dataset``, which netCDF files can hold.

        Returns
        -------
        xarray.Dataset
            Variables over ``freq_y`` and ``freq_x``, as of `Spectrum.to_xarray`. Complex ``cross``
            is two, ``cross_real`` and ``cross_imag``.
        """
        return datasets.of_plane(self)

    @classmethod
    def from_xarray(cls, dataset: Dataset) -> Self:
        """Return the result that `to_xarray` has written.

        Parameters
        ----------
        dataset : xarray.Dataset
            The whole of it, as it was written.

        Returns
        -------
        CrossSpectrum
            Equal to the one that was written.

        Raises
        ------
        TypeError
            If it is no Dataset.
        ValueError
            If it is of another result, or a part of it is missing.
        """
        return datasets.read(cls, dataset)

    @property
    def _powers(self) -> Powers:
        return Powers(self.power_a, self.power_b, self.cross, self.error)

    @property
    def _is_signal(self) -> bool:
        return len(self.shape) == 1


@labelled("a", "b")
def cross_spectrum(
    a: ArrayLike,
    b: ArrayLike,
    *,
    fs: float | Sequence[float] = 1.0,
    unit: Unit = None,
    window: Window = None,
    detrend: DetrendOption = None,
    scaling: Scaling = "density",
    channel_axis: int | str | None = None,
    ndim: int | None = None,
) -> CrossSpectrum:
    """Cross spectrum of two signals, images or volumes.

    With transforms A and B it is P_ab = A*B in the scaling of a power spectrum, the convention of
    `scipy.signal.csd`: where b follows a, its phase is that of b minus that of a.

    Parameters
    ----------
    a : array_like or DataArray, shape (D,), (H, W) or (T, H, W), and the channels
        Real numbers: the original.
    b : array_like, of the shape of ``a``
        Real numbers: what is compared with it, such as a reconstruction.
    fs, unit, window, detrend, scaling : optional
        As in `psd`; they apply to both. Double precision is used throughout.
    channel_axis : int, str or None
        Axis of the channels, of a DataArray also its name; their cross spectra are averaged.
    ndim : {1, 2, 3} or None
        Number of axes without that of the channels. None is 1 or 2, as the array has; a volume
        needs ``ndim=3``, as in `psd`.

    Returns
    -------
    CrossSpectrum
        With the power of both and of their difference; `CrossSpectrum.radial` gives gain,
        coherence, Fourier ring correlation and explained power of rings.

    Raises
    ------
    ValueError
        If the shapes differ, for NaN or infinite pixels, or options that `psd` refuses.
    TypeError
        For complex or non-numeric data.

    Examples
    --------
    >>> image = np.random.default_rng(0).standard_normal((48, 64))
    >>> found = cross_spectrum(image, np.roll(image, 1, axis=1))
    >>> found.cross.shape
    (48, 33)
    >>> bool(np.allclose(found.gain, np.exp(-2j * np.pi * found.frequencies[1])))
    True
    """
    channel_axis = _checks.axis_of_channels(channel_axis)
    one, other = pair_arrays(a, b, ("a", "b"))
    first = _checks.one_image("a", one, channel_axis, SEVERAL, ndim=ndim)[np.newaxis]
    second = _checks.one_image("b", other, channel_axis, SEVERAL, ndim=ndim)[np.newaxis]
    pairs = PairPeriodogram(
        first.shape[1:-1], fs=fs, window=window, detrend=detrend, scaling=scaling, unit=unit
    )
    powers = pairs.powers(first, second)
    floor = pairs.periodogram.rounding_floor
    return CrossSpectrum(
        powers.cross[0],
        powers.power_a[0],
        powers.power_b[0],
        powers.error[0],
        shape=pairs.shape,
        scaling=scaling,
        fs=pairs.periodogram.fs,
        floors=(floor(float(energy(first)[0])), floor(float(energy(second)[0]))),
        labels=pairs.periodogram.labels,
    )
