"""Averages of a two-dimensional spectrum over sectors of orientation."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from spectral_mae import _checks
from spectral_mae._array_api import numpy_fields
from spectral_mae._checks import BoolArray, FloatArray, Scaling
from spectral_mae._files.columns import plain_fields, write_columns
from spectral_mae._results.pictured import Pictured
from spectral_mae._results.tabled import Tabled
from spectral_mae.spectra import frequencies
from spectral_mae.spectra.bins.binning import Binning
from spectral_mae.spectra.labels import datasets
from spectral_mae.spectra.labels.axis_labels import Labels
from spectral_mae.spectra.labels.columns import bin_columns, unit_columns

if TYPE_CHECKING:
    from xarray import Dataset


@dataclass(frozen=True, eq=False)
class SectorSpectrum(Pictured, Tabled):
    """Power averaged over sectors of equal orientation; reads as its powers in NumPy functions.

    Attributes
    ----------
    angle : ndarray, shape (n,)
        Middle of each sector in degrees, 0 ≤ angle < 180: the direction of the frequency vector,
        from the last axis (0°, power of vertical stripes) towards the first axis (90°).
    power, std, stderr : ndarray or tensor, shape (n,)
        Mean, spread and standard error of the power in each sector, as in `RadialSpectrum`.
    count : ndarray of float, shape (n,)
        Frequencies of the whole grid; one on the border of two sectors, or at a Nyquist
        frequency, where k and its aliases have two orientations, counts half in each.
    scaling : {"density", "spectrum", "energy"}
        Unit of the power, as in `Spectrum`.
    fs : tuple of float
        Sampling frequency along each axis of the data.
    labels : Labels or None
        Names and units of the axes and the unit of the pixels, where they are known.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> rows = np.cos(2 * np.pi * np.arange(32) / 8)  # horizontal stripes
    >>> sectors = sm.psd(np.tile(rows[:, np.newaxis], (1, 32))).sectors(4)
    >>> float(sectors.angle[np.argmax(sectors.power)])
    90.0
    """

    angle: FloatArray
    power: FloatArray
    count: FloatArray
    std: FloatArray
    stderr: FloatArray
    scaling: Scaling
    fs: tuple[float, ...] = (1.0, 1.0)
    labels: Labels | None = None
    _drawn_by: ClassVar[str] = "sectors"

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.numpy().power, dtype=dtype, copy=copy)

    def __len__(self) -> int:
        return len(self.power)

    def numpy(self) -> SectorSpectrum:
        """Return this spectrum with NumPy arrays in the place of tensors, on the CPU.

        Returns
        -------
        SectorSpectrum
            The same numbers, without their derivatives; this one itself if it holds no tensor.
        """
        return numpy_fields(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain lists and numbers.

        Returns
        -------
        dict
            The name of each field, and its value in types that JSON knows.
        """
        return plain_fields(self.numpy())

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file with one row per sector.

        Where the result has ``labels``, the last column is the unit of the power.

        Parameters
        ----------
        path : str or path-like
            File to write. An existing file is replaced.
        """
        write_columns(path, self._columns())

    def _columns(self) -> dict[str, NDArray[Any]]:
        plain = self.numpy()
        columns = bin_columns({"angle": self.angle, "count": self.count}, plain)
        return columns | unit_columns(plain, "power")

    def _key_numbers(self) -> dict[str, str]:
        power = self.numpy().power
        return {
            "sectors": str(len(self)),
            "most power at": f"{self.angle[int(power.argmax())]:.4g}°",
            "largest / smallest": f"{power.max() / power.min():.4g}" if power.min() > 0 else "∞",
            "scaling": self.scaling,
        }

    def to_xarray(self) -> Dataset:
        """Return the result as an ``xarray.Dataset``, which netCDF files can hold.

        Returns
        -------
        xarray.Dataset
            Variables over ``angle``; other fields are attributes.
        """
        return datasets.of_bins(self.numpy(), "angle")

    @classmethod
    def from_xarray(cls, dataset: Dataset) -> Self:
        """Return the result that `to_xarray` has written.

        Parameters
        ----------
        dataset : xarray.Dataset
            The whole of it, as it was written.

        Returns
        -------
        SectorSpectrum
            Equal to the one that was written.

        Raises
        ------
        TypeError
            If it is no Dataset.
        ValueError
            If it is of another result, or a part of it is missing.
        """
        return datasets.read(cls, dataset)


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
    """Average half-plane power over sectors of orientation; see `Spectrum.sectors`.

    Parameters
    ----------
    power : ndarray or tensor, shape (H, W//2 + 1)
        Power on the half-plane.
    shape : tuple of int
        Pixels along each axis.
    fs : tuple of float
        Sampling frequency along each axis.
    n : int
        Number of sectors.
    fmin, fmax : float or None
        Limits of the radial frequency, inclusive and exclusive; by default all but zero up to the
        smallest Nyquist frequency, which is included.
    scaling : {"density", "spectrum", "energy"}
        Unit of the power, for the result.
    averages : int
        Number of spectra whose mean the power is.

    Returns
    -------
    SectorSpectrum
        With standard errors.

    Raises
    ------
    ValueError
        For a signal or a volume, or if a sector holds no frequency.
    """
    binning = sector_binning(shape, fs, n, fmin=fmin, fmax=fmax)
    means = binning.errors(*binning.moments(power), averages)
    return SectorSpectrum(
        angle=sector_angles(n), count=binning.counts, scaling=scaling, fs=fs, **means._asdict()
    )


def sector_binning(
    shape: tuple[int, ...],
    fs: tuple[float, ...],
    n: int,
    *,
    fmin: float | None,
    fmax: float | None,
) -> Binning:
    """Return the sectors of one grid as bins, none of them empty; see `Spectrum.sectors`.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.
    fs : tuple of float
        Sampling frequency along each axis.
    n : int
        Number of sectors.
    fmin, fmax : float or None
        Limits of the radial frequency; None is 0 and the smallest Nyquist frequency.

    Returns
    -------
    Binning
        Of the half-plane, in the order of the angles 180°·b/n.

    Raises
    ------
    ValueError
        For a signal, or if a sector holds no frequency.
    """
    if len(shape) != 2:
        axes = "1 axis" if len(shape) == 1 else f"{len(shape)} axes"
        raise ValueError(f"sectors need an image; {shape=} has {axes}")
    n = _checks.positive_int("n", n)
    low = _checks.limit("fmin", fmin, 0.0)
    high = _checks.limit("fmax", fmax, frequencies.just_above(frequencies.nyquist(fs)))
    half = frequencies.half_shape(shape)
    first, last = frequencies.half_frequencies(shape, fs)
    bins = np.full(half, -1, dtype=np.int32)
    shared: list[tuple[NDArray[np.integer[Any]], ...]] = []
    for rows in frequencies.row_strips(half):
        radius = frequencies.radial_frequency(shape, fs, rows)
        chosen = (radius > 0) & frequencies.at_least(radius, low) & frequencies.below(radius, high)
        places = np.nonzero(chosen)
        angle = np.arctan2(first[rows][places[0]], last[places[1]]) % np.pi
        four = sectors_of(angle, frequencies.on_nyquist(shape, rows)[places], n)
        # Where the four agree, as nearly everywhere, they are one entry.
        one = (four == four[0]).all(axis=0)
        part = bins[rows]
        part[places[0][one], places[1][one]] = four[0, one]
        index = np.ravel_multi_index((places[0] + rows.start, places[1]), half)[~one]
        shared.append((four[:, ~one].ravel(), np.tile(index, 4)))
    several = [np.concatenate(parts) for parts in zip(*shared, strict=True)]
    binning = Binning(shape, bins, (several[0], several[1]))
    if len(binning.filled) < n:
        raise ValueError(
            f"{n - len(binning.filled)} of {n} sectors hold no frequency of {shape=} with "
            f"{fmin=}, {fmax=}; ask for fewer"
        )
    return binning


def sector_angles(n: int) -> FloatArray:
    """Return the middle of each of n sectors, in degrees.

    Parameters
    ----------
    n : int
        Number of sectors.

    Returns
    -------
    ndarray, shape (n,)
        From 0, below 180.
    """
    return np.arange(n) * (180.0 / n)


def sectors_of(angle: FloatArray, on_nyquist: BoolArray, n: int) -> NDArray[np.integer[Any]]:
    """The four sectors in each of which a frequency counts a quarter.

    In units of a sector, sector b is from b − 1/2 to b + 1/2. A frequency on a border counts in
    both sectors, so that mirroring or turning the image mirrors or turns the result exactly.

    Parameters
    ----------
    angle : ndarray, shape (k,)
        Directions of k frequencies in radians, 0 ≤ angle ≤ π.
    on_nyquist : ndarray of bool, shape (k,)
        Where a frequency is at the Nyquist frequency of an axis, and so has two directions.
    n : int
        Number of sectors of the half circle.

    Returns
    -------
    ndarray of int, shape (4, k)
        Numbers of sectors, from 0 to n − 1.
    """
    mirrored = np.where(on_nyquist, -angle % np.pi, angle)
    return np.stack(
        [
            np.rint(half * (n / np.pi) + nudge).astype(np.int64) % n
            for half in (angle, mirrored)
            for nudge in (-1e-9, 1e-9)
        ]
    )
