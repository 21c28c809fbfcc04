"""The axes of radial spectra: ticks at octaves, a second axis of periods, slopes to compare."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from spectral_mae._checks import FloatArray
from spectral_mae.plot.drawing.frequency_axes import (
    log_frequency_axis,
    log_power_axis,
    power_label,
    shown,
    unit_of,
)
from spectral_mae.plot.drawing.style import GRAY
from spectral_mae.spectra.labels.axis_labels import ring_unit
from spectral_mae.spectra.rings import RadialSpectrum

RADIAL = "psd(image).radial() makes one, or Periodogram(shape).radial(images) of a batch"
SUPERSCRIPTS = str.maketrans("-.0123456789", "⁻·⁰¹²³⁴⁵⁶⁷⁸⁹")


def radial_axes(ax: Axes, spectrum: RadialSpectrum) -> None:
    """Make axes logarithmic, with the units of a spectrum.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes to change.
    spectrum : RadialSpectrum
        The spectrum that they show.
    """
    log_frequency_axis(ax, spectrum.frequency, spectrum.fs, spectrum.labels)
    log_power_axis(ax)
    ax.set_ylabel(power_label(spectrum.scaling, spectrum.fs, spectrum.labels))


def octave_ticks(ax: Axes, fs: tuple[float, ...]) -> None:
    """Put the ticks at halves, quarters, eighths of the sampling frequency, and so on.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        With a logarithmic axis of frequency.
    fs : tuple of float
        Sampling frequency along each axis of the data.
    """
    rate = min(fs)
    low, high = ax.get_xlim()
    halvings = range(
        max(0, math.ceil(math.log2(rate / high))), math.floor(math.log2(rate / low)) + 1
    )
    ticks = [rate / 2**n for n in halvings]
    texts = [
        f"1/{2**n}" if rate == 1.0 and n else f"{tick:.4g}"
        for n, tick in zip(halvings, ticks, strict=True)
    ]
    ax.set_xticks(ticks, texts)
    ax.set_xticks([], minor=True)


def period_axis(ax: Axes, spectrum: RadialSpectrum) -> None:
    """Add an axis above with the periods, 1/frequency, in pixels or the unit of the data.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        With a logarithmic axis of frequency.
    spectrum : RadialSpectrum
        Says the unit.
    """

    def inverse(values: Any) -> Any:
        with np.errstate(divide="ignore"):
            return 1.0 / np.asarray(values, dtype=float)

    above = ax.secondary_xaxis("top", functions=(inverse, inverse))
    unit = ring_unit(spectrum.labels, spectrum.fs)
    words = "pixels" if unit == "pixel" else unit or "1 / unit of fs"
    above.set_xlabel(f"period ({words})")
    low, high = ax.get_xlim()
    powers = range(math.floor(math.log10(1 / high)), math.ceil(math.log10(1 / low)) + 1)
    ticks = [float(f"{t}e{power}") for power in powers for t in (1, 2, 5)]
    inside = [t for t in ticks if 1 / high <= t <= 1 / low]
    if len(inside) >= 2:
        above.set_xticks(inside, [f"{t:g}" for t in inside])
        above.set_xticks([], minor=True)


def slope_guides(ax: Axes, spectrum: RadialSpectrum, slopes: Sequence[float]) -> None:
    """Draw straight lines of given slopes, above the spectra, to compare with by eye.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        With logarithmic axes.
    spectrum : RadialSpectrum
        A single spectrum, above which they stand.
    slopes : sequence of float
        Exponents of frequency.
    """
    inside = spectrum.frequency > 0
    frequency = spectrum.frequency[inside]
    power = shown(spectrum.power[inside], spectrum.floor)
    if np.isnan(power).all():
        return
    for slope in slopes:
        line = frequency**slope
        line = line * 1.5 * np.nanmax(power / line)
        ax.plot(frequency, line, color=GRAY, linewidth=1.0, linestyle="dotted", zorder=1)
        exponent = f"{slope:g}".translate(SUPERSCRIPTS)
        middle = len(frequency) // 4
        ax.annotate(
            f"f{exponent}",
            (frequency[middle], line[middle]),
            xytext=(3, 3),
            textcoords="offset points",
            color=GRAY,
            fontsize="small",
        )


def expect_one_axis(several: dict[str, Any]) -> None:
    """Raise ``ValueError`` where spectra have different units, and so do not fit on one axis.

    Parameters
    ----------
    several : dict of str to RadialSpectrum
        Spectra by label.
    """
    frequency = {
        name: f"frequency in {unit_of(one.fs, one.labels)}" for name, one in several.items()
    }
    power = {name: power_label(one.scaling, one.fs, one.labels) for name, one in several.items()}
    for words in (frequency, power):
        if len(set(words.values())) > 1:
            listed = ", ".join(f"{name!r} has {text}" for name, text in words.items())
            raise ValueError(f"these spectra do not fit on one axis: {listed}")


def shade(ax: Axes, spectrum: RadialSpectrum, width: FloatArray, **look: Any) -> None:
    """Shade power ± width around a radial spectrum.

    Where the lower edge reaches zero, it is set to a positive value, as a logarithmic axis needs.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    spectrum : RadialSpectrum
        The spectrum.
    width : ndarray, shape (bins,)
        Half the height of the band.
    **look : Any
        Further arguments of ``Axes.fill_between``.
    """
    power = spectrum.power
    low = np.where(power > width, power - width, power / 10)
    ax.fill_between(
        spectrum.frequency,
        shown(low, spectrum.floor),
        shown(power + width, spectrum.floor),
        linewidth=0,
        **look,
    )
