"""The line and the band of a radial spectrum, or of a batch of them."""

from __future__ import annotations

import dataclasses
from typing import Literal, NamedTuple

import numpy as np

from spectral_mae._checks import FloatArray
from spectral_mae.spectra.rings import RadialSpectrum

Band = Literal["stderr", "std", "percentile", "none"]
PERCENTILES = (16.0, 84.0)  # of a normal distribution these are one standard deviation off


class Curve(NamedTuple):
    """What is drawn of one data set.

    Attributes
    ----------
    line : RadialSpectrum
        One spectrum.
    low, high : ndarray, shape (n_bins,), or None
        Ends of the band; None for no band.
    """

    line: RadialSpectrum
    low: FloatArray | None
    high: FloatArray | None


def curve_of(spectrum: RadialSpectrum, band: Band, name: str = "") -> Curve:
    """Return the line and the band of a spectrum, or of a batch.

    Of a batch they are the mean and the spread from spectrum to spectrum; with ``"percentile"``
    they are the median and two percentiles. A band of ± w around a mean m goes from m/(1 + w/m) to
    m·(1 + w/m): both ends are equally far on a logarithmic axis. For w that is small beside m it is
    m − w to m + w; but m − w would fall to zero, and off the axis, where w is as large as m.

    Parameters
    ----------
    spectrum : RadialSpectrum
        One, or a batch.
    band : {"stderr", "std", "percentile", "none"}
        Kind of band.
    name : str
        Label, for error messages.

    Returns
    -------
    Curve
        Line and band.

    Raises
    ------
    ValueError
        For percentiles of one spectrum, or an empty batch.
    """
    called = f" {name!r}" if name else ""
    if spectrum.power.ndim == 2 and not len(spectrum.power):
        raise ValueError(f"radial spectra{called} are an empty batch: there is nothing to draw")
    line = spectrum.mean() if spectrum.power.ndim == 2 else spectrum
    if band == "none":
        return Curve(line, None, None)
    if band == "percentile":
        if spectrum.power.ndim == 1 or len(spectrum.power) == 1:
            raise ValueError(
                f"band='percentile' needs a batch of spectra; radial spectra{called} are one"
            )
        ends = (PERCENTILES[0], 50.0, PERCENTILES[1])
        low, middle, high = np.percentile(spectrum.power, ends, axis=0)
        return Curve(dataclasses.replace(line, power=middle), low, high)
    width = line.std if band == "std" else line.stderr
    factor = 1 + np.divide(width, line.power, out=np.zeros_like(width), where=line.power > 0)
    return Curve(line, line.power / factor, line.power * factor)
