"""Leakage: power that masking brings to a frequency from elsewhere, over what it keeps there."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae._files.columns import plain_fields, write_columns
from spectral_mae.spectra import frequencies as grid
from spectral_mae.spectra.annulus import Annulus
from spectral_mae.spectra.rings import Bins, RingBins
from spectral_mae.spectra.spectrum import Spectrum


@dataclass(frozen=True, eq=False)
class RadialLeakage:
    """Leakage in rings of frequency: in each, the ratio of the sums.

    Attributes
    ----------
    frequency, ratio : ndarray, shape (n_bins,)
    count : ndarray of int, shape (n_bins,)
    edges : ndarray, shape (n_bins, 2)
    fs : tuple of float
        Sampling frequency along each axis of the data.
    """

    frequency: FloatArray
    ratio: FloatArray
    count: NDArray[np.integer[Any]]
    edges: FloatArray
    fs: tuple[float, ...] = (1.0, 1.0)

    @property
    def power(self) -> FloatArray:
        """The ratio, under the name that the other radial results have."""
        return self.ratio

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain lists and numbers."""
        return plain_fields(self)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one row per ring."""
        lower, upper = self.edges.T
        columns = {"frequency": self.frequency, "lower": lower, "upper": upper}
        write_columns(path, {**columns, "count": self.count, "ratio": self.ratio})


@dataclass(frozen=True, eq=False, repr=False)
class Leakage:
    """Power that masking brings to a frequency from elsewhere, over the power it keeps there.

    Attributes
    ----------
    leaked : Spectrum
        E|Y|² − π₁²|X|², the variance of Y over masks. With fixed sampling all of it comes from
        other frequencies; with Bernoulli sampling the number of kept patches varies too, and
        |X[k]|²·π₁(1−π₁)/L of it is the frequency's own.
    kept : Spectrum
        π₁²|X|², the power of the mean of Y.
    """

    leaked: Spectrum
    kept: Spectrum

    def __repr__(self) -> str:
        return f"Leakage(shape={self.shape}, total={self.total:.4g})"

    @property
    def power(self) -> FloatArray:
        """The ratio on the half-plane.

        Infinite where power arrives and none was there, zero where none arrives; what is no
        more than rounding counts as none.
        """
        return self.ratio_of(self.leaked.power, self.kept.power)

    @property
    def parts(self) -> tuple[Spectrum, Spectrum]:
        """Numerator and denominator."""
        return self.leaked, self.kept

    def ratio_of(self, leaked: FloatArray, kept: FloatArray) -> FloatArray:
        """The ratio of means of both parts over the same frequencies."""
        return _ratio(leaked, self.leaked.floor, kept, self.kept.floor)

    def full(self) -> FloatArray:
        """The ratio on the whole grid, FFT order."""
        return grid.full_from_half(self.power, self.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """Pixels along each axis."""
        return self.kept.shape

    @property
    def frequencies(self) -> tuple[FloatArray, ...]:
        """Frequency along each axis of ``power``."""
        return self.kept.frequencies

    @property
    def scaling(self) -> str:
        """``"ratio"``: leakage has no unit."""
        return "ratio"

    def to_dict(self) -> dict[str, Any]:
        """Return ratio, frequencies and total as plain lists and numbers."""
        return {
            "power": self.power.tolist(),
            "frequencies": [axis.tolist() for axis in self.frequencies],
            "shape": list(self.shape),
            "scaling": self.scaling,
            "total": self.total,
        }

    @property
    def total(self) -> float:
        """Ratio of the sums over all frequencies, zero among them: 1/π₁ − 1 for every image.

        (By Parseval, unless fixed sampling meets a patch count where ⌊L(1−m)⌋ ≠ L(1−m), it is
        m/(1−m).)
        """
        leaked, kept = np.float64(self.leaked.total), np.float64(self.kept.total)
        return float(_ratio(leaked, 0.0, kept, 0.0))

    def band(self, fmin: float, fmax: float) -> float:
        """Ratio of the sums over fmin < |f| ≤ fmax; zero frequency is never in it.

        Raises
        ------
        ValueError
            If no frequency lies in the band.
        """
        low, high = _checks.limit("fmin", fmin, 0.0), _checks.limit("fmax", fmax, math.inf)
        return self.over(Annulus(self.shape, self.kept.fs, low, high))

    def over(self, annulus: Annulus) -> float:
        """Ratio of the sums over an annulus of frequencies."""
        sums = [np.float64(annulus.sum(s.power)) for s in (self.leaked, self.kept)]
        floors = [s.floor * annulus.count for s in (self.leaked, self.kept)]
        return float(_ratio(sums[0], floors[0], sums[1], floors[1]))

    def radial(self, bins: Bins = None) -> RadialLeakage:
        """Ratio of the sums over rings; ``bins`` as in `Spectrum.radial`."""
        rings = RingBins(self.shape, self.kept.fs, bins)
        leaked, kept = (
            rings.average(s.power, scaling=s.scaling, floor=s.floor)
            for s in (self.leaked, self.kept)
        )
        ratio = _ratio(leaked.power, leaked.floor, kept.power, kept.floor)
        return RadialLeakage(rings.frequency, ratio, rings.count, rings.edges, self.kept.fs)


def _ratio(
    leaked: FloatArray | np.floating[Any],
    leaked_floor: float,
    kept: FloatArray | np.floating[Any],
    kept_floor: float,
) -> FloatArray:
    """leaked/kept, where power at or below its rounding floor counts as nothing.

    Something over nothing is infinite; nothing over nothing is zero.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = leaked / kept
    ratio = np.where(kept <= kept_floor, np.inf, ratio)
    return np.where(leaked <= leaked_floor, 0.0, ratio)
