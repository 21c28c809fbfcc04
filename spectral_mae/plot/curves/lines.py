"""Radial spectra as lines: one spectrum, several, or data sets with bands over their images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from spectral_mae import _checks
from spectral_mae.plot.curves.axes import (
    RADIAL,
    expect_one_axis,
    octave_ticks,
    period_axis,
    radial_axes,
    slope_guides,
)
from spectral_mae.plot.curves.bands import Band, Curve, curve_of
from spectral_mae.plot.drawing.figures import named, one_axes
from spectral_mae.plot.drawing.frequency_axes import shown
from spectral_mae.plot.drawing.style import styled
from spectral_mae.spectra.rings import RadialSpectrum
from spectral_mae.spectra.slope import SlopeFit

Several = RadialSpectrum | Mapping[str, RadialSpectrum] | Sequence[RadialSpectrum]

STEEPEST = 20.0  # guides: what is steeper is a vertical line on any axis


@styled
def radial(
    spectra_by_name: Several,
    ax: Axes | None = None,
    *,
    band: Band = "stderr",
    fit: bool | tuple[float | None, float | None] = False,
    guides: Iterable[float] = (),
    octaves: bool = False,
    periods: bool = False,
) -> Axes:
    """Draw radial spectra on logarithmic axes: single ones, or data sets with their bands.

    A batch, such as ``Periodogram(shape).radial(images)``, is drawn as its mean, with a band of the
    spread from image to image. Bands are as far above their line as below it on the logarithmic
    axis, where mean − spread would fall to zero: from power/(1 + w/power) to power + w, w being the
    standard error or deviation.

    Parameters
    ----------
    spectra_by_name : RadialSpectrum, or mapping of str to or sequence of RadialSpectrum
        One spectrum or batch; several of them by label, or without labels.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    band : {"stderr", "std", "percentile", "none"}
        The shaded band: one standard error of the mean, one standard deviation (of one spectrum
        that within a ring, of a batch that from spectrum to spectrum), the 16th to 84th percentile
        of a batch around its median, or no band.
    fit : bool or tuple of (float or None)
        Whether to draw the power law that `RadialSpectrum.fit_slope` fits, dashed, with its slope
        in the legend. A pair is the range of frequencies of the fit, ``(fmin, fmax)``.
    guides : iterable of float
        Slopes of straight lines to compare with, from -20 to 20: -2 for f⁻². They stand above the
        first spectrum.
    octaves : bool
        Whether to put the ticks one octave apart, at 1/2, 1/4, 1/8 of the sampling frequency.
    periods : bool
        Whether to add an axis above with the periods, in pixels or in the unit of the data.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    ValueError
        If the spectra differ in unit or scaling, percentiles are asked of one spectrum, or there is
        no slope to fit.

    Examples
    --------
    >>> import numpy as np
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> def tiles(name):
    ...     pixels = sm.read_image(f"builtin:{name}").pixels
    ...     return pixels.reshape(4, 128, 4, 128).swapaxes(1, 2).reshape(-1, 128, 128)
    >>> rings = sm.Periodogram((128, 128), detrend="constant", window="hann").radial
    >>> sets = {"astronaut": rings(tiles("astronaut")), "gravel": rings(tiles("gravel"))}
    >>> ax = plot.radial(sets, band="percentile", fit=True, guides=[-2], octaves=True, periods=True)
    >>> ax.get_xlabel()
    'frequency (cycles/pixel)'
    """
    _checks.choice("band", band, Band)
    octaves, periods = _checks.flag("octaves", octaves), _checks.flag("periods", periods)
    slopes = [
        _checks.bounded_number("guides", slope, STEEPEST)
        for slope in _checks.items("guides", guides)
    ]
    limits = _limits(fit)
    several = several_of(spectra_by_name)
    curves = {name: curve_of(one, band, name) for name, one in several.items()}
    fits = {name: _fitted(name, one.line, limits) for name, one in curves.items()}
    ax = one_axes(ax)
    for name, curve in curves.items():
        label = "" if name.startswith(UNNAMED) else name
        _draw(ax, curve, label, fits[name], limits)
    first = next(iter(curves.values())).line
    slope_guides(ax, first, slopes)
    radial_axes(ax, first)
    if octaves:
        octave_ticks(ax, first.fs)
    if periods:
        period_axis(ax, first)
    if ax.get_legend_handles_labels()[1]:
        ax.legend()
    return ax


UNNAMED = "\0"  # begins the keys of spectra without a label


def several_of(given: Any) -> dict[str, RadialSpectrum]:
    """Turn one spectrum, a mapping or a sequence of spectra into a mapping, all of one unit.

    Parameters
    ----------
    given : RadialSpectrum, mapping or sequence
        What the caller passed.

    Returns
    -------
    dict of str to RadialSpectrum
        By label; labels that start with `UNNAMED` are none.

    Raises
    ------
    TypeError
        If something is no radial spectrum.
    ValueError
        If there is none, or they differ in unit or scaling.
    """
    if isinstance(given, list | tuple):
        for one in given:
            _checks.needed("a spectrum of the sequence", one, RadialSpectrum, RADIAL)
        given = {f"{UNNAMED}{i}": one for i, one in enumerate(given)}
    elif not isinstance(given, Mapping):
        _checks.needed("spectra", given, RadialSpectrum, RADIAL)
        given = {UNNAMED: given}
    several = named("spectra", given, RadialSpectrum, RADIAL)
    expect_one_axis({name.replace(UNNAMED, "spectrum "): one for name, one in several.items()})
    return several


def _limits(fit: Any) -> tuple[float | None, float | None] | None:
    """The range of a fit; None for no fit."""
    if isinstance(fit, bool | np.bool_):
        return (None, None) if fit else None
    pair = _checks.items("fit", fit)
    if len(pair) != 2:
        raise ValueError(
            f"fit={_checks.brief(fit)} is neither True or False nor a pair (fmin, fmax)"
        )
    return pair[0], pair[1]


def _fitted(
    name: str, spectrum: RadialSpectrum, limits: tuple[float | None, float | None] | None
) -> SlopeFit | None:
    if limits is None:
        return None
    try:
        return spectrum.fit_slope(*limits)
    except ValueError as error:
        called = "" if name.startswith(UNNAMED) else f"{name!r}: "
        raise ValueError(f"{called}{error}") from None


def _draw(
    ax: Axes,
    curve: Curve,
    label: str,
    fit: SlopeFit | None,
    limits: tuple[float | None, float | None] | None,
) -> None:
    spectrum = curve.line
    power = shown(spectrum.power, spectrum.floor)
    (line,) = ax.plot(spectrum.frequency, power, label=label or None)
    if curve.low is not None and curve.high is not None:
        low, high = (shown(end, spectrum.floor) for end in (curve.low, curve.high))
        ax.fill_between(
            spectrum.frequency, low, high, color=line.get_color(), alpha=0.25, linewidth=0
        )
    if fit is None or limits is None:
        return
    fmin, fmax = (0.0 if limits[0] is None else limits[0]), limits[1]
    inside = (spectrum.frequency > 0) & (spectrum.frequency >= fmin)
    inside &= spectrum.frequency < (np.inf if fmax is None else fmax)
    frequency = spectrum.frequency[inside]
    level = np.mean(np.log(spectrum.power[inside]) - fit.slope * np.log(frequency))
    ax.plot(
        frequency,
        np.exp(level) * frequency**fit.slope,
        color=line.get_color(),
        linestyle="dashed",
        linewidth=1.0,
        label=f"slope {fit.slope:.2f} ± {fit.stderr:.2f}".replace("-", "−"),
    )
