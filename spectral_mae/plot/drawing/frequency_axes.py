"""Axes of frequency and of power: maps, ticks, labels with units, and what a logarithm can show."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.image import AxesImage

from spectral_mae._checks import FloatArray
from spectral_mae.spectra import frequencies
from spectral_mae.spectra.labels.axis_labels import Labels, axis_units, ring_unit
from spectral_mae.spectra.spectrum import Spectrum

NOTHING = "no power above rounding"
PLANE = "zero frequency along the first axis"  # title of the map that stands for a volume

# Labelled ticks of a logarithmic axis of frequency: these times powers of ten, down to a part of
# the sampling frequency.
FREQUENCY_TICKS = (1.0, 2.0, 5.0)
LOWEST_TICK = 0.001


def frequency_map(
    ax: Axes,
    cells: FloatArray,
    shape: tuple[int, ...],
    fs: tuple[float, ...],
    norm: LogNorm,
    colours: str,
    labels: Labels | None = None,
) -> AxesImage:
    """Draw a map over frequency with zero in the middle; rows run down, as in the image.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    cells : ndarray, two axes
        Values from `frequency_cells`.
    shape : tuple of int
        (H, W), the shape of the image.
    fs : tuple of float
        Sampling frequency along each axis.
    norm : matplotlib.colors.LogNorm
        Scale of the colours.
    colours : str
        Name of the colour map.
    labels : Labels or None
        Of the axes of the image. Along an axis whose coordinate falls the ticks fall too.

    Returns
    -------
    matplotlib.image.AxesImage
        The map.
    """
    rows, columns = frequencies.shifted_edges(shape, fs)
    if labels is not None:
        rows, columns = rows * labels.directions[0], columns * labels.directions[1]
    image = ax.imshow(
        # What is beyond the ends of the scale gets the colours of the ends, not gaps.
        np.clip(cells, norm.vmin, norm.vmax),
        norm=norm,
        cmap=colours,
        extent=(columns[0], columns[-1], rows[-1], rows[0]),
        aspect="auto" if fs[0] != fs[1] else "equal",
        interpolation="nearest",
    )
    for axis, rate in ((ax.xaxis, fs[1]), (ax.yaxis, fs[0])):
        tick = _round_below(rate / 4)
        axis.set_ticks([-tick, 0, tick])
    for name, axis, place in (("vertical", ax.yaxis, 0), ("horizontal", ax.xaxis, 1)):
        axis.set_label_text(f"{name} frequency ({unit_along(place, fs, labels)})")
    return image


def plane_of(spectrum: Spectrum) -> Spectrum:
    """What a map shows of a spectrum: of a volume the plane of zero frequency along its first axis.

    Parameters
    ----------
    spectrum : Spectrum
        Of an image or a volume.

    Returns
    -------
    Spectrum
        With two axes; that of an image as it is.
    """
    if len(spectrum.shape) < 3:
        return spectrum
    return dataclasses.replace(
        spectrum,
        power=spectrum.power[0],
        shape=spectrum.shape[1:],
        fs=spectrum.fs[1:],
        labels=None if spectrum.labels is None else without_first(spectrum.labels),
    )


def shown(power: FloatArray, floor: float = 0.0) -> FloatArray:
    """Replace values that a logarithmic axis cannot show, or that are rounding errors, by NaN.

    NaN appears as a gap in a line.

    Parameters
    ----------
    power : ndarray
        Values.
    floor : float
        Values up to this one are replaced.

    Returns
    -------
    ndarray
        The values, NaN where they are not shown.
    """
    return np.where(power > max(floor, 0.0), power, np.nan)


def unit_of(fs: tuple[float, ...], labels: Labels | None = None) -> str:
    """The unit of distances of frequency: cycles per unit of the axes.

    Parameters
    ----------
    fs : tuple of float
        Sampling frequency along each axis.
    labels : Labels or None
        Of the axes.

    Returns
    -------
    str
        Such as "cycles/mm"; "cycles/pixel" if ``fs`` is 1 and no unit is known.
    """
    return _cycles(ring_unit(labels, fs))


def unit_along(axis: int, fs: tuple[float, ...], labels: Labels | None = None) -> str:
    """The unit of frequency along one axis.

    Parameters
    ----------
    axis : int
        Number of the axis.
    fs : tuple of float
        Sampling frequency along each axis.
    labels : Labels or None
        Of the axes.

    Returns
    -------
    str
        As `unit_of`.
    """
    return _cycles(axis_units(labels, fs)[axis])


def power_label(scaling: str, fs: tuple[float, ...], labels: Labels | None = None) -> str:
    """The axis label of a power: its name and unit.

    Parameters
    ----------
    scaling : str
        "density", "spectrum" or "energy".
    fs : tuple of float
        Sampling frequency along each axis.
    labels : Labels or None
        Of the axes, and of the pixels.

    Returns
    -------
    str
        The label.
    """
    units = axis_units(labels, fs)
    cells = []
    for unit in dict.fromkeys(units):
        cell = _cycles(unit, one=True)
        times = units.count(unit)
        cells.append(f"({cell})" + "²³"[times - 2] if times > 1 else cell)
    values = None if labels is None else labels.values
    squared = "" if values is None else f"{values if values.isalnum() else f'({values})'}²"
    unit = {"density": f"{squared} per {' · '.join(cells)}".strip()}.get(scaling, squared)
    name = {"density": "power density", "spectrum": "power per frequency", "energy": "|X|²"}
    return f"{name[scaling]} ({unit})" if unit else name[scaling]


def without_first(labels: Labels) -> Labels:
    """Labels of what is left of an array without its first axis.

    Parameters
    ----------
    labels : Labels
        Of two axes or more.

    Returns
    -------
    Labels
        Of one axis less.
    """
    rest = {name: getattr(labels, name)[1:] for name in ("units", "dims", "directions")}
    return dataclasses.replace(labels, **rest)


def _cycles(unit: str | None, *, one: bool = False) -> str:
    """Cycles per unit, in words."""
    if unit is None:
        return "unit of fs" if one else "units of fs"
    return f"cycle{'' if one else 's'}/{unit if unit.isalpha() else f'({unit})'}"


def log_frequency_axis(
    ax: Axes, frequency: FloatArray, fs: tuple[float, ...], labels: Labels | None = None
) -> None:
    """Make the horizontal axis a logarithmic axis of frequency with readable ticks.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes to change.
    frequency : ndarray
        Frequencies that the axis must show.
    fs : tuple of float
        Sampling frequency along each axis.
    labels : Labels or None
        Of the axes of the data.
    """
    ax.set_xscale("log")
    ax.set_xlabel(f"frequency ({unit_of(fs, labels)})")
    if _is_empty(ax):
        ax.set_xlim(frequency.min() * 0.9, frequency.max() * 1.1)
    inside = frequency_ticks(frequency.min() * 0.9, frequency.max() * 1.1, min(fs))
    if len(inside) >= 2:
        ax.set_xticks(inside, [f"{t:g}" for t in inside])
        ax.set_xticks([], minor=True)


def frequency_ticks(low: float, high: float, rate: float) -> list[float]:
    """Labelled ticks of a logarithmic axis of frequency.

    Parameters
    ----------
    low : float
        Lower end of the axis.
    high : float
        Upper end of the axis.
    rate : float
        Sampling frequency; there are no ticks below a thousandth of it.

    Returns
    -------
    list of float
        1, 2 and 5 times powers of ten.
    """
    decades = range(math.floor(math.log10(LOWEST_TICK * rate)), math.ceil(math.log10(rate)) + 1)
    ticks = [float(f"{t:g}e{power}") for power in decades for t in FREQUENCY_TICKS]
    return [t for t in ticks if t >= 0.99 * LOWEST_TICK * rate and low <= t <= high]


def few_digits(value: float, place: int | None = None) -> str:
    """Label of a tick of a logarithmic axis that shows few decades: of 1, 2 and 5.

    Parameters
    ----------
    value : float
        Where the tick is.
    place : int or None
        Number of the tick, which matplotlib passes.

    Returns
    -------
    str
        The value for 1, 2 and 5 times a power of ten, else nothing.

    Examples
    --------
    >>> few_digits(0.2), few_digits(0.3)
    ('0.2', '')
    """
    return f"{value:g}" if f"{value:.0e}"[0] in "125" else ""


def _round_below(value: float) -> float:
    """The largest of 1, 2, 2.5 and 5 times a power of ten that is not above a value."""
    power = math.floor(math.log10(value))
    parts = (part for part in (5.0, 2.5, 2.0, 1.0) if part <= 1.000001 * value / 10.0**power)
    return float(f"{next(parts, 1.0):g}e{power}")


def log_power_axis(ax: Axes) -> None:
    """Make the vertical axis logarithmic, also where no power is above rounding.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes to change.
    """
    for text in [text for text in ax.texts if text.get_gid() == NOTHING]:
        text.remove()  # of what was drawn here before
        ax.autoscale()
    if _is_empty(ax):
        ax.set_ylim(0.1, 1.0)
        ax.text(0.5, 0.5, NOTHING, transform=ax.transAxes, ha="center", gid=NOTHING)
    ax.set_yscale("log")


def _is_empty(ax: Axes) -> bool:
    """Whether no line has anything to show."""
    return not any(np.isfinite(line.get_ydata()).any() for line in ax.lines)
