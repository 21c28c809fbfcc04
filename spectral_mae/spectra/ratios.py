"""Ratios of two spectra: of the averages over rings, and frequency by frequency."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae._files.columns import plain_fields, plain_value, write_columns
from spectral_mae._results.pictured import Pictured
from spectral_mae._results.tabled import Tabled
from spectral_mae.spectra.labels.axis_labels import Labels
from spectral_mae.spectra.labels.columns import bin_columns, plane_columns, unit_columns

if TYPE_CHECKING:
    from spectral_mae.spectra.rings import Bins, RadialSpectrum
    from spectral_mae.spectra.spectrum import Spectrum

CLOSE = 1e-9  # relative difference between frequencies that is rounding


@dataclass(frozen=True, eq=False, repr=False)
class RadialRatio(Pictured, Tabled):
    """Ratio of two radial spectra on the same rings: what ``a / b`` of them gives.

    Attributes
    ----------
    frequency : ndarray, shape (n_bins,)
        Mean distance from zero of the frequencies in each ring, in units of ``fs``.
    ratio : ndarray, shape (n_bins,) or (n, n_bins)
        Mean power of the one over that of the other. NaN where the other has no power above what
        rounding leaves.
    stderr : ndarray, like ``ratio``
        Standard error to first order, with relative errors added in squares. That is right for
        independent spectra. It is too large where both rise and fall together, as the spectra of an
        image and of its copy do.
    count : ndarray of int, shape (n_bins,)
        Frequencies of the whole grid in each ring.
    edges : ndarray, shape (n_bins, 2)
        Lower and upper edge of each ring.
    fs : tuple of float
        Sampling frequency along each axis of the data.
    labels : Labels or None
        Names and units of the axes, where they are known.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> image = np.random.default_rng(0).standard_normal((32, 32))
    >>> ratio = sm.psd(2 * image).radial() / sm.psd(image).radial()
    >>> bool(np.allclose(ratio.ratio, 4))
    True
    """

    frequency: FloatArray
    ratio: FloatArray
    stderr: FloatArray
    count: NDArray[np.integer[Any]]
    edges: FloatArray
    fs: tuple[float, ...] = (1.0, 1.0)
    labels: Labels | None = None
    _drawn_by: ClassVar[str] = "ratio"

    def __repr__(self) -> str:
        batch = f"{len(self.ratio)} ratios, " if self.ratio.ndim == 2 else ""
        low, high = self.frequency[[0, -1]]
        return f"RadialRatio({batch}{len(self.frequency)} rings from {low:.4g} to {high:.4g})"

    @property
    def scaling(self) -> str:
        """``"ratio"``: it has no unit."""
        return "ratio"

    @classmethod
    def of(cls, a: RadialSpectrum, b: RadialSpectrum) -> RadialRatio:
        """Divide one radial spectrum, or each of a batch, by another.

        Parameters
        ----------
        a, b : RadialSpectrum
            On the same rings, with the same scaling and units. Of two batches each is divided by
            the one at the same place.

        Returns
        -------
        RadialRatio
            With standard errors.

        Raises
        ------
        ValueError
            If rings, scaling, units or lengths of batches differ; the message prints both.
        """
        _expect_alike(a, b)
        if a.edges.shape != b.edges.shape:
            raise ValueError(f"no ratio: {len(a.edges)} rings over {len(b.edges)} rings")
        if not np.allclose(a.edges, b.edges, rtol=CLOSE, atol=0.0):
            i = int(np.argmax(np.abs(a.edges - b.edges).max(axis=1)))
            raise ValueError(
                f"no ratio: the rings differ; ring {i} is from {a.edges[i, 0]:.6g} to "
                f"{a.edges[i, 1]:.6g} over {b.edges[i, 0]:.6g} to {b.edges[i, 1]:.6g}"
            )
        if a.power.ndim == b.power.ndim == 2 and len(a.power) != len(b.power):
            raise ValueError(f"no ratio: a batch of {len(a.power)} over a batch of {len(b.power)}")
        ratio = _divided(a.power, b.power, b.floor)
        with np.errstate(divide="ignore", invalid="ignore"):
            stderr = np.hypot(a.stderr / b.power, ratio * b.stderr / b.power)
        stderr = np.where(np.isnan(ratio), np.nan, stderr)
        return cls(a.frequency, ratio, stderr, a.count, a.edges, a.fs, a.labels)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain lists and numbers.

        Returns
        -------
        dict
            The name of each field, and its value in types that JSON knows.
        """
        return plain_fields(self)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file with one row per ring (and per ratio, if this is a batch).

        Parameters
        ----------
        path : str or path-like
            File to write. An existing file is replaced.
        """
        write_columns(path, self._columns())

    def _columns(self) -> dict[str, NDArray[Any]]:
        lower, upper = self.edges.T
        bins = {"frequency": self.frequency, "lower": lower, "upper": upper, "count": self.count}
        columns = bin_columns(bins, self, ("ratio", "stderr"))
        return columns | unit_columns(self, "frequency")

    def _key_numbers(self) -> dict[str, str]:
        return {"rings": str(len(self.frequency)), **_range_of(self.ratio)}


@dataclass(frozen=True, eq=False, repr=False)
class SpectrumRatio(Pictured, Tabled):
    """Ratio of two spectra on the same frequencies: what ``a / b`` of them gives.

    Attributes
    ----------
    numerator, denominator : Spectrum
        The one and the other, with the same shape, scaling, sampling frequency and units.

    Raises
    ------
    ValueError
        If one of these differs; the message prints both.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> image = np.random.default_rng(0).standard_normal((32, 32))
    >>> ratio = sm.psd(2 * image) / sm.psd(image)
    >>> bool(np.allclose(ratio.ratio, 4))
    True
    """

    numerator: Spectrum
    denominator: Spectrum
    _drawn_by: ClassVar[str] = "ratio"

    def __post_init__(self) -> None:
        a, b = self.numerator, self.denominator
        if a.shape != b.shape:
            raise ValueError(f"no ratio: a spectrum of shape {a.shape} over one of shape {b.shape}")
        _expect_alike(a, b)

    def __repr__(self) -> str:
        return f"SpectrumRatio(shape={self.shape})"

    @property
    def ratio(self) -> FloatArray:
        """The ratio on the half-plane; NaN where the denominator is not above rounding."""
        a, b = self.numerator.numpy(), self.denominator.numpy()
        return _divided(a.power, b.power, b.floor)

    @property
    def shape(self) -> tuple[int, ...]:
        """Pixels along each axis."""
        return self.numerator.shape

    @property
    def fs(self) -> tuple[float, ...]:
        """Sampling frequency along each axis."""
        return self.numerator.fs

    @property
    def labels(self) -> Labels | None:
        """Names and units of the axes, where they are known."""
        return self.numerator.labels

    @property
    def frequencies(self) -> tuple[FloatArray, ...]:
        """Frequency along each axis of ``ratio``; cycles/pixel for ``fs=1``."""
        return self.numerator.frequencies

    def radial(self, bins: Bins = None) -> RadialRatio:
        """Divide the averages over rings of frequency; this is not the average of the ratios.

        Parameters
        ----------
        bins : int, sequence of float or None
            Number or edges of the rings, as in `Spectrum.radial`.

        Returns
        -------
        RadialRatio
            In each ring the ratio of the means.
        """
        return self.numerator.radial(bins) / self.denominator.radial(bins)

    def to_dict(self) -> dict[str, Any]:
        """Return ratio, frequencies and scalars as plain lists and numbers.

        Returns
        -------
        dict
            Keys ``ratio``, ``frequencies``, ``shape``, ``fs`` and ``labels``.
        """
        return {
            "ratio": self.ratio.tolist(),
            "frequencies": [axis.tolist() for axis in self.frequencies],
            "shape": list(self.shape),
            "fs": list(self.fs),
            "labels": plain_value(self.labels),
        }

    def _columns(self) -> dict[str, NDArray[Any]]:
        return plane_columns(self.frequencies, self.labels, {"ratio": self.ratio})

    def _key_numbers(self) -> dict[str, str]:
        return {"pixels": " × ".join(map(str, self.shape)), **_range_of(self.ratio)}


def _expect_alike(a: Any, b: Any) -> None:
    """Raise ``ValueError`` where two spectra are not of one scaling, sampling and unit."""
    if a.scaling != b.scaling:
        raise ValueError(f"no ratio: scaling {a.scaling!r} over scaling {b.scaling!r}")
    if not (len(a.fs) == len(b.fs) and np.allclose(a.fs, b.fs, rtol=CLOSE, atol=0.0)):
        raise ValueError(f"no ratio: fs={_checks.brief(a.fs)} over fs={_checks.brief(b.fs)}")
    if a.labels is not None and b.labels is not None:
        for name in ("units", "values"):
            one, other = getattr(a.labels, name), getattr(b.labels, name)
            if one != other:
                raise ValueError(f"no ratio: {name} {one!r} over {name} {other!r}")


def _divided(a: FloatArray, b: FloatArray, floor: float) -> FloatArray:
    a, b = np.broadcast_arrays(a, b)
    none = np.full(a.shape, np.nan)
    return np.divide(a, b, out=none, where=b > max(floor, 0.0))


def _range_of(ratio: FloatArray) -> dict[str, str]:
    known = ratio[np.isfinite(ratio)]
    if not known.size:
        return {"ratio": "none: no power above rounding"}
    return {
        "median ratio": f"{np.median(known):.4g}",
        "range": f"{known.min():.4g} to {known.max():.4g}",
    }
