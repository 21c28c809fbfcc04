"""The spectra of a set of images in one result: their mean, their spread, and their slopes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray, Scaling
from spectral_mae._files.columns import plain_value
from spectral_mae._results.pictured import Pictured
from spectral_mae._results.tabled import Tabled
from spectral_mae.spectra.conditioning import DetrendOption, Window
from spectral_mae.spectra.labels.axis_labels import Unit
from spectral_mae.spectra.labels.columns import unit_columns
from spectral_mae.spectra.periodogram import Periodogram
from spectral_mae.spectra.rings import Bins, RadialSpectrum, fit_slopes
from spectral_mae.spectra.slope import SlopeFit
from spectral_mae.spectra.spectrum import Spectrum

PERCENTILES = (5, 16, 50, 84, 95)  # in tables; `SpectralSummary.percentile` gives any


@dataclass(frozen=True, eq=False, repr=False)
class SpectralSummary(Pictured, Tabled):
    """The spectra of a set of images of one shape; `summarize` makes it.

    Attributes
    ----------
    spectrum : Spectrum
        Mean over the images.
    radial : RadialSpectrum
        Radial spectra of all images, a batch.
    slopes : SlopeFit
        Slope of each image and its standard error, two arrays of shape (n,). NaN for images
        without a slope, such as constant ones.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> images = np.random.default_rng(0).standard_normal((6, 32, 32))
    >>> summary = sm.summarize(images)
    >>> len(summary), summary.slopes.slope.shape
    (6, (6,))
    """

    spectrum: Spectrum
    radial: RadialSpectrum
    slopes: SlopeFit
    _drawn_by: ClassVar[str] = "summary"

    def __repr__(self) -> str:
        return f"SpectralSummary({len(self)} images of {' × '.join(map(str, self.spectrum.shape))})"

    def __len__(self) -> int:
        return len(self.radial)

    @property
    def mean(self) -> RadialSpectrum:
        """Mean of the radial spectra, with their standard deviation and standard error."""
        return self.radial.mean()

    @property
    def slope(self) -> SlopeFit:
        """Slope of the mean of the radial spectra; that of the images differs, see `slopes`."""
        return self.mean.fit_slope()

    def percentile(self, q: float) -> FloatArray:
        """Return a percentile of the power over the images, ring by ring.

        Parameters
        ----------
        q : float
            From 0 to 100; 50 is the median.

        Returns
        -------
        ndarray, shape (n_bins,)
            In the unit of the power.
        """
        number = _checks.non_negative_number("q", q)
        if number > 100:
            raise ValueError(f"{q=} is above 100")
        found: FloatArray = np.percentile(self.radial.numpy().power, number, axis=0)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return what is known of the set as plain lists and numbers.

        Returns
        -------
        dict
            The columns of `to_dataframe` by name; ``n``, ``shape``, ``scaling``, ``fs`` and
            ``labels``; ``slope`` and ``slope_stderr`` of the mean, None where it has none; and
            ``slopes`` and ``slopes_stderr`` of the images.
        """
        try:
            slope, stderr = self.slope
        except ValueError:
            slope = stderr = None  # type: ignore[assignment]  # constant images have none
        return {
            **{name: column.tolist() for name, column in self._columns().items()},
            "n": len(self),
            "shape": list(self.spectrum.shape),
            "scaling": self.radial.scaling,
            "fs": list(self.radial.fs),
            "labels": plain_value(self.radial.labels),
            "slope": slope,
            "slope_stderr": stderr,
            "slopes": np.asarray(self.slopes.slope).tolist(),
            "slopes_stderr": np.asarray(self.slopes.stderr).tolist(),
        }

    def _columns(self) -> dict[str, NDArray[Any]]:
        mean = self.mean.numpy()
        lower, upper = mean.edges.T
        return {
            "frequency": mean.frequency,
            "lower": lower,
            "upper": upper,
            "count": mean.count,
            "mean": mean.power,
            "std": mean.std,
            "stderr": mean.stderr,
            **{f"p{q:02d}": self.percentile(q) for q in PERCENTILES},
            **unit_columns(mean, "frequency", "power"),
        }

    def _key_numbers(self) -> dict[str, str]:
        known = np.asarray(self.slopes.slope)
        known = known[np.isfinite(known)]
        try:
            slope, stderr = self.slope
            of_mean = f"{slope:.3f} ± {stderr:.3f}"
        except ValueError:
            of_mean = "none"
        numbers = {
            "images": f"{len(self)} of {' × '.join(map(str, self.spectrum.shape))}",
            "slope of the mean": of_mean,
        }
        if len(known):
            low, middle, high = np.percentile(known, [5, 50, 95])
            numbers["median slope"] = f"{middle:.3f}"
            numbers["5 % to 95 %"] = f"{low:.3f} to {high:.3f}"
        return numbers


def summarize(
    images: ArrayLike,
    *,
    fs: float | Sequence[float] = 1.0,
    unit: Unit = None,
    window: Window = None,
    detrend: DetrendOption = None,
    scaling: Scaling = "density",
    channel_axis: int | None = None,
    bins: Bins = None,
    workers: int = 1,
) -> SpectralSummary:
    """Mean spectrum, spread from image to image, and slopes of a set of images.

    Parameters
    ----------
    images : array_like or tensor, shape (n, H, W), and the channels
        Images of one shape (or signals, volumes), one after another along axis 0. Arrays that have
        chunks, as those of Dask, are read some images at a time.
    fs, unit, window, detrend, scaling : optional
        As in `psd`.
    channel_axis : int or None
        Axis of the channels, whose spectra are averaged.
    bins : int, sequence of float or None
        Number or edges of the rings, as in `Spectrum.radial`.
    workers : int
        Threads that share the images.

    Returns
    -------
    SpectralSummary
        All of it in one result, with ``plot``, ``to_dataframe`` and ``to_dict``.

    Raises
    ------
    ValueError
        If there are no images, or as in `psd`.

    Examples
    --------
    >>> from spectral_mae import fields
    >>> images = fields.gaussian_fields(fields.power_law((64, 64), -2.0), 20, rng=0)
    >>> found = summarize(images)
    >>> round(found.slope.slope, 1), len(found.slopes.slope)
    (-2.0, 20)
    """
    axis = _checks.axis_of_channels(channel_axis)
    shape = tuple(images.shape if hasattr(images, "shape") else np.shape(images))
    if not shape or shape[0] == 0:
        raise ValueError(f"images of shape {shape} are no images to summarize")
    if axis is not None:
        if not -len(shape) <= axis < len(shape):
            raise ValueError(f"{channel_axis=} is no axis of images of shape {shape}")
        if axis % len(shape) == 0:
            raise ValueError(f"{channel_axis=}: axis 0 of a batch holds the images")
    pixels = [n for i, n in enumerate(shape) if i and (axis is None or i != axis % len(shape))]
    dtype = getattr(images, "dtype", None)
    periodogram = Periodogram(
        tuple(pixels),
        dtype="f4" if str(dtype).endswith("float32") else "f8",
        fs=fs,
        unit=unit,
        window=window,
        detrend=detrend,
        scaling=scaling,
        channel_axis=channel_axis,
        workers=workers,
    )
    radial = periodogram.radial(images, bins).numpy()
    fits = [
        SlopeFit(math.nan, math.nan) if isinstance(fit, str) else fit
        for fit in fit_slopes(list(radial))
    ]
    slopes, stderrs = np.array(fits).T
    return SpectralSummary(periodogram.mean(images).numpy(), radial, SlopeFit(slopes, stderrs))
