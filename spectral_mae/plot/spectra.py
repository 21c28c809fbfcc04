"""Pictures of power spectra: maps, lines over frequency, averages over rings and sectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.projections.polar import PolarAxes
from matplotlib.ticker import MaxNLocator

from spectral_mae import _checks
from spectral_mae.plot.cells import frequency_cells
from spectral_mae.plot.curves.axes import RADIAL, radial_axes, shade
from spectral_mae.plot.drawing import (
    BLACK,
    BLUE,
    ORANGE,
    PLANE,
    POWER_MAP,
    VERMILION,
    color_bar,
    frequency_map,
    log_power_axis,
    one_axes,
    plane_of,
    power_label,
    shown,
    styled,
    subplots,
    unit_of,
)
from spectral_mae.spectra.rings import RadialSpectrum
from spectral_mae.spectra.sectors import SectorSpectrum
from spectral_mae.spectra.spectrum import Spectrum

WIDEST = 1e37  # ends of a scale: matplotlib colours in single precision
SPECTRUM = "psd(image), or Periodogram(shape).mean(images), makes one"


@styled
def psd(
    spectrum: Spectrum,
    ax: Axes | None = None,
    *,
    vmin: float | None = None,
    vmax: float | None = None,
    colorbar: bool = True,
) -> Axes:
    """Draw a power spectrum: a line for signals, a logarithmic map for images.

    Zero frequency is in the middle of the map. Of a volume the map is the plane of zero frequency
    along the first axis, as the title says: of a video, that of the mean of its frames.

    Parameters
    ----------
    spectrum : Spectrum
        What to draw.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
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

    Examples
    --------
    >>> from spectral_mae import psd as power_spectrum
    >>> axes = psd(power_spectrum(np.eye(16)))
    >>> axes.get_xlabel()
    'horizontal frequency (cycles/pixel)'
    """
    _checks.needed("spectrum", spectrum, Spectrum, SPECTRUM)
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
    low, high = power_limits([plane])
    low, high = low if vmin is None else vmin, high if vmax is None else vmax
    if low >= high:  # the one that was given lies beyond what the spectrum holds
        low, high = (low, 10 * low) if vmax is None else (high / 10, high)
    norm = LogNorm(low, high)
    cells = frequency_cells(plane.power, plane.shape)
    image = frequency_map(ax, cells, plane.shape, plane.fs, norm, POWER_MAP, plane.labels)
    if plane is not spectrum:
        ax.set_title(PLANE)
    if colorbar:
        color_bar(ax, image, power_label(spectrum.scaling, spectrum.fs, spectrum.labels))
    return ax


@styled
def masked_radial(
    original: RadialSpectrum,
    expected: RadialSpectrum,
    drawn: RadialSpectrum | None,
    ax: Axes | None = None,
    *,
    legend: bool = True,
) -> Axes:
    """Draw radial spectra of an image, of its exact mean under masks, and of drawn masks.

    The band is the standard deviation over the drawn masks. The line of the expectation is exact.

    Parameters
    ----------
    original : RadialSpectrum
        Of the image.
    expected : RadialSpectrum
        The expectation over all masks.
    drawn : RadialSpectrum or None
        Of the image under drawn masks; None draws no band.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    legend : bool
        Whether to draw a legend.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    for name, one in (("original", original), ("expected", expected), ("drawn", drawn)):
        if one is not drawn or drawn is not None:
            _checks.needed(name, one, RadialSpectrum, RADIAL)
    ax = one_axes(ax)
    if drawn is not None:
        shade(
            ax,
            drawn,
            drawn.std,
            color=ORANGE,
            alpha=0.4,
            label="drawn masks, ± spread from mask to mask",
        )
    ax.plot(original.frequency, shown(original.power, original.floor), color=BLUE, label="original")
    ax.plot(
        expected.frequency,
        shown(expected.power, expected.floor),
        color=VERMILION,
        label="masked, expected",
    )
    radial_axes(ax, original)
    if legend:
        ax.legend(loc="lower left")
    return ax


@styled
def unmasked_radial(
    naive: RadialSpectrum,
    unmasked: RadialSpectrum | None = None,
    true: RadialSpectrum | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw radial spectra of a masked image: as it is, unmasked, and of the whole image.

    Parameters
    ----------
    naive : RadialSpectrum
        Of the masked image, divided by the fraction of visible pixels.
    unmasked : RadialSpectrum or None
        The estimate of the spectrum without the mask, with its standard error. Rings where it is
        not positive are gaps on the logarithmic axis.
    true : RadialSpectrum or None
        Of the whole image.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    for name, one in (("naive", naive), ("unmasked", unmasked), ("true", true)):
        if one is not None or name == "naive":
            _checks.needed(name, one, RadialSpectrum, RADIAL)
    ax = one_axes(ax)
    if true is not None:
        ax.plot(true.frequency, shown(true.power, true.floor), color=BLACK, label="true")
    ax.plot(naive.frequency, shown(naive.power, naive.floor), color=VERMILION, label="naive")
    if unmasked is not None:
        shade(
            ax, unmasked, unmasked.stderr, color=BLUE, alpha=0.3, label="unmasked, ± standard error"
        )
        ax.plot(unmasked.frequency, shown(unmasked.power, unmasked.floor), color=BLUE)
    radial_axes(ax, naive)
    ax.legend(loc="lower left")
    return ax


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
    """
    _checks.needed("result", result, SectorSpectrum, "Spectrum.sectors(n) makes one")
    ax = one_axes(ax)
    closed = np.append(np.arange(len(result)), 0)
    angle = np.append(result.angle, 180.0)
    ax.errorbar(angle, result.power[closed], yerr=result.stderr[closed], capsize=2, label=label)
    ax.set_xlabel("orientation of the frequency (degrees; 0 = horizontal)")
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
    >>> from spectral_mae import psd as power_spectrum
    >>> image = np.random.default_rng(0).standard_normal((32, 32))
    >>> axes = rose(power_spectrum(image).sectors(12))
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
    ax.set_axisbelow(True)
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
    power = spectrum.power.ravel()[1:].astype(float, copy=False)
    seen = power[power > max(spectrum.floor, 0.0)]
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
