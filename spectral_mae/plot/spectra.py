"""Pictures of power spectra: maps, lines over frequency, averages over rings and sectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.projections.polar import PolarAxes
from matplotlib.ticker import MaxNLocator

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.plot.cells import PolarRing, frequency_cells, polar_cells
from spectral_mae.plot.drawing.figures import color_bar, one_axes, subplots
from spectral_mae.plot.drawing.frequency_axes import (
    PLANE,
    frequency_map,
    frequency_ticks,
    log_power_axis,
    plane_of,
    power_label,
    shown,
    unit_of,
)
from spectral_mae.plot.drawing.style import POWER_MAP, styled
from spectral_mae.spectra.sectors import SectorSpectrum
from spectral_mae.spectra.spectrum import Spectrum

Kind = Literal["map", "polar"]
WIDEST = 1e37  # ends of a scale: matplotlib colours in single precision
ORIENTATION = "orientation of the frequency (degrees; 0 = horizontal)"
SPECTRUM = "psd(image), or Periodogram(shape).mean(images), makes one"


@styled
def psd(
    spectrum: Spectrum,
    ax: Axes | None = None,
    *,
    kind: Kind = "map",
    vmin: float | None = None,
    vmax: float | None = None,
    colorbar: bool = True,
) -> Axes:
    """Draw a power spectrum: a line for signals, a map for images.

    Colours are logarithmic. Zero frequency is in the middle of the map. Of a volume the map is the
    plane of zero frequency along the first axis, as the title says: of a video, that of the mean of
    its frames.

    The polar map has the orientation of the frequency along one axis and the logarithm of its
    distance from zero along the other. Its cells are means over a quarter of an octave and an
    angle: of 2.5° where there are enough frequencies, wider near zero. A spectrum that is the same
    in all directions has horizontal bands, one that falls like a power of frequency bands of equal
    steps; what an image has of one orientation stands upright.

    Parameters
    ----------
    spectrum : Spectrum
        What to draw.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    kind : {"map", "polar"}
        Map over the plane of frequencies, or log-polar map, from the lowest frequency to the
        smallest Nyquist frequency.
    vmin : float or None
        Lower end of the scale, for pictures that share one. None takes the smallest power, without
        zero frequency and rounding errors.
    vmax : float or None
        Upper end of the scale. None takes the largest power, without zero frequency.
    colorbar : bool
        Whether to draw the colour scale with its unit.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    ValueError
        If the ends of the scale do not rise, or a polar map is asked of a signal.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:brick").pixels
    >>> spectrum = sm.psd(image, detrend="constant", window="hann")
    >>> figure, axes = plot.new_figure(1, 2, width=9, height=4)
    >>> ax = plot.psd(spectrum, axes[0, 0])
    >>> ax.get_xlabel()
    'horizontal frequency (cycles/pixel)'
    >>> ax = plot.psd(spectrum, axes[0, 1], kind="polar")
    """
    _checks.needed("spectrum", spectrum, Spectrum, SPECTRUM)
    _checks.choice("kind", kind, Kind)
    if kind == "polar" and len(spectrum.shape) == 1:
        raise ValueError(f"{kind=} needs the spectrum of an image; {spectrum.shape=} is a signal")
    colorbar = _checks.flag("colorbar", colorbar)
    ends = {"vmin": vmin, "vmax": vmax}
    for name, end in ends.items():
        if end is not None:
            _checks.positive_number(name, end)
            if not 1 / WIDEST <= end <= WIDEST:
                raise ValueError(f"{name}={end!r} is not between {1 / WIDEST:g} and {WIDEST:g}")
    if vmin is not None and vmax is not None and vmin >= vmax:
        raise ValueError(f"{vmin=} is not below {vmax=}")
    ax = one_axes(ax)
    if len(spectrum.shape) == 1:
        ax.plot(spectrum.frequencies[0], shown(spectrum.power, spectrum.floor))
        log_power_axis(ax)
        ax.set_xlabel(f"frequency ({unit_of(spectrum.fs, spectrum.labels)})")
        ax.set_ylabel(power_label(spectrum.scaling, spectrum.fs, spectrum.labels))
        ax.set_ylim(vmin, vmax)
        return ax
    plane = plane_of(spectrum)
    if kind == "polar":
        rings = polar_cells(plane.power, plane.shape, plane.fs)
        cells = np.concatenate([ring.power for ring in rings] or [np.zeros(0)])
        norm = _norm(_range_of(cells, plane.floor), vmin, vmax)
        image: ScalarMappable = _polar_map(ax, plane, rings, norm)
    else:
        norm = _norm(power_range(plane), vmin, vmax)
        cells = frequency_cells(plane.power, plane.shape)
        image = frequency_map(ax, cells, plane.shape, plane.fs, norm, POWER_MAP, plane.labels)
    if plane is not spectrum:
        ax.set_title(PLANE)
    if colorbar:
        color_bar(ax, image, power_label(spectrum.scaling, spectrum.fs, spectrum.labels))
    return ax


def _norm(found: tuple[float, float] | None, vmin: float | None, vmax: float | None) -> LogNorm:
    """The scale of the colours: between given ends, or those of what is drawn."""
    low, high = common_limits([found])
    low, high = low if vmin is None else vmin, high if vmax is None else vmax
    if low >= high:  # the one that was given lies beyond what the spectrum holds
        low, high = (low, 10 * low) if vmax is None else (high / 10, high)
    return LogNorm(low, high)


def _polar_map(
    ax: Axes, plane: Spectrum, rings: Sequence[PolarRing], norm: LogNorm
) -> ScalarMappable:
    """Cells over orientation and the logarithm of frequency, in sectors as wide as each ring's."""
    for ring in rings:
        n = len(ring.power)
        # The first sector lies on both sides of 0°, which is 180° too: it is drawn at both ends.
        edges = (np.arange(n + 2) - 0.5) * (180.0 / n)
        power = np.clip(np.append(ring.power, ring.power[0]), norm.vmin, norm.vmax)
        ax.pcolormesh(
            edges, [ring.low, ring.high], power[np.newaxis], norm=norm, cmap=POWER_MAP,
            rasterized=True,
        )  # fmt: skip
    ax.set_yscale("log")
    ax.set_xlim(0, 180)
    ax.set_xticks([0, 45, 90, 135, 180])
    ax.set_xlabel(ORIENTATION)
    ax.set_ylabel(f"frequency ({unit_of(plane.fs, plane.labels)})")
    if rings:
        low, high = rings[0].low, rings[-1].high
        ax.set_ylim(low, high)
        ticks = frequency_ticks(low, high, min(plane.fs))
        if len(ticks) >= 2:
            ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
            ax.set_yticks([], minor=True)
    ax.spines[:].set_visible(True)
    return ScalarMappable(norm, POWER_MAP)


@styled
def sectors(result: SectorSpectrum, ax: Axes | None = None, *, label: str | None = None) -> Axes:
    """Draw power by orientation, with bars of one standard error.

    Parameters
    ----------
    result : SectorSpectrum
        Power in sectors.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    label : str or None
        Label of the points.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:brick").pixels
    >>> spectrum = sm.psd(image, detrend="constant", window="hann")
    >>> ax = plot.sectors(spectrum.sectors(36))
    """
    _checks.needed("result", result, SectorSpectrum, "Spectrum.sectors(n) makes one")
    ax = one_axes(ax)
    closed = np.append(np.arange(len(result)), 0)
    angle = np.append(result.angle, 180.0)
    ax.errorbar(angle, result.power[closed], yerr=result.stderr[closed], capsize=2, label=label)
    ax.set_xlabel(ORIENTATION)
    ax.set_ylabel(power_label(result.scaling, result.fs, result.labels))
    ax.set_xticks([0, 45, 90, 135, 180])
    return ax


@styled
def rose(result: SectorSpectrum, ax: Axes | None = None, *, label: str | None = None) -> Axes:
    """Draw power by orientation as a rose: sectors around a circle, as long as their power.

    A real image has the same power at opposite frequencies, so each sector is drawn twice.

    Parameters
    ----------
    result : SectorSpectrum
        Power in sectors.
    ax : matplotlib.axes.Axes or None
        Where to draw: polar axes, of ``subplots(subplot_kw={"projection": "polar"})``. None makes a
        new figure.
    label : str or None
        Label of the sectors.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    TypeError
        If the axes are not polar.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:grass").pixels
    >>> spectrum = sm.psd(image, detrend="constant", window="hann")
    >>> ax = plot.rose(spectrum.sectors(24))
    """
    _checks.needed("result", result, SectorSpectrum, "Spectrum.sectors(n) makes one")
    if ax is None:
        ax = subplots(1, 1, 4.0, subplot_kw={"projection": "polar"})[0, 0]
    how = 'plt.subplots(subplot_kw={"projection": "polar"}) makes them'
    _checks.needed("ax", ax, PolarAxes, how)
    assert isinstance(ax, PolarAxes)
    label = None if label is None else str(label)
    angle = np.deg2rad(np.concatenate([result.angle, result.angle + 180.0]))
    width = np.pi / len(result)
    # Rows of an image count downwards, and so do its angles.
    ax.set_theta_direction(-1)
    ax.bar(angle, np.tile(result.power, 2), width, alpha=0.6, edgecolor="white", label=label)
    ax.set_xticks(np.deg2rad(np.arange(0, 360, 45)))
    ax.set_axisbelow("line")  # numbers of the rings are read on the bars
    ax.yaxis.set_major_locator(MaxNLocator(3))
    ax.set_rlabel_position(68)
    ax.set_title(power_label(result.scaling, result.fs, result.labels), fontsize="small")
    return ax


def power_limits(spectra_: Sequence[Spectrum]) -> tuple[float, float]:
    """Ends of a logarithmic scale that fits several spectra.

    Zero frequency is left out because it would stretch the scale. Power at the level of rounding is
    left out too, and at most eight decades are shown.

    Parameters
    ----------
    spectra_ : sequence of Spectrum
        The spectra.

    Returns
    -------
    tuple of float
        Lower and upper end.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> images = [sm.read_image(f"builtin:{name}").pixels for name in ("brick", "gravel")]
    >>> spectra = [sm.psd(image, detrend="constant", window="hann") for image in images]
    >>> low, high = plot.power_limits(spectra)
    >>> figure, axes = plot.new_figure(1, 2, width=9, height=4)
    >>> ax = plot.psd(spectra[0], axes[0, 0], vmin=low, vmax=high, colorbar=False)
    >>> ax = plot.psd(spectra[1], axes[0, 1], vmin=low, vmax=high)
    """
    spectra = _checks.items("spectra", spectra_)
    for spectrum in spectra:
        _checks.needed("a spectrum", spectrum, Spectrum, SPECTRUM)
    return common_limits(power_range(spectrum) for spectrum in spectra)


def power_range(spectrum: Spectrum) -> tuple[float, float] | None:
    """The smallest and the largest power of a spectrum that a scale must show.

    Parameters
    ----------
    spectrum : Spectrum
        The spectrum.

    Returns
    -------
    tuple of float, or None
        Lower and upper end; None where all power is rounding.
    """
    return _range_of(spectrum.numpy().power.ravel()[1:], spectrum.floor)


def _range_of(values: FloatArray, floor: float) -> tuple[float, float] | None:
    """The first percentile and the largest of the values above rounding; None if none is."""
    power = values.astype(float, copy=False)
    seen = power[power > max(floor, 0.0)]
    if not seen.size:
        return None
    high = float(seen.max())
    return float(np.quantile(seen, 0.01, overwrite_input=True)), high


def common_limits(ranges: Iterable[tuple[float, float] | None]) -> tuple[float, float]:
    """Ends of one scale for the ranges of several spectra, as in `power_limits`.

    Parameters
    ----------
    ranges : iterable of (tuple of float, or None)
        Ranges from `power_range`.

    Returns
    -------
    tuple of float
        Lower and upper end.
    """
    found = [one for one in ranges if one is not None]
    if not found:
        return 0.1, 1.0
    high = max(highest for _, highest in found)
    low = max(min(lowest for lowest, _ in found), high * 1e-8)
    return min(low, high / 10), high
