"""Pictures of power spectra: maps, lines over frequency, averages over rings and sectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from spectral_mae._checks import FloatArray
from spectral_mae.plot.cells import frequency_cells
from spectral_mae.plot.drawing import (
    BLACK,
    BLUE,
    ORANGE,
    POWER_MAP,
    VERMILION,
    color_bar,
    frequency_map,
    log_frequency_axis,
    log_power_axis,
    one_axes,
    power_label,
    shown,
    styled,
    unit_of,
)
from spectral_mae.radial import RadialSpectrum
from spectral_mae.sectors import SectorSpectrum
from spectral_mae.spectrum import Spectrum


@styled
def psd(
    spectrum: Spectrum,
    ax: Axes | None = None,
    *,
    vmin: float | None = None,
    vmax: float | None = None,
    colorbar: bool = True,
) -> Axes:
    """Power spectrum: a line for signals, for images a logarithmic map with zero in the middle.

    Parameters
    ----------
    spectrum : Spectrum
    ax : Axes or None
        None makes a figure.
    vmin, vmax : float or None
        Ends of the scale, for pictures that share one; by default what the spectrum holds,
        without zero frequency and what rounding leaves.
    colorbar : bool
        Add a bar with the unit.

    Examples
    --------
    >>> from spectral_mae import psd as power_spectrum
    >>> axes = psd(power_spectrum(np.eye(16)))
    >>> axes.get_xlabel()
    'horizontal frequency (cycles/pixel)'
    """
    ax = one_axes(ax)
    if len(spectrum.shape) == 1:
        ax.plot(spectrum.frequencies[0], shown(spectrum.power, spectrum.floor))
        log_power_axis(ax)
        ax.set_xlabel(f"frequency ({unit_of(spectrum.fs)})")
        ax.set_ylabel(power_label(spectrum.scaling, spectrum.fs))
        ax.set_ylim(vmin, vmax)
        return ax
    low, high = power_limits([spectrum])
    norm = LogNorm(low if vmin is None else vmin, high if vmax is None else vmax)
    cells = frequency_cells(spectrum.power, spectrum.shape)
    image = frequency_map(ax, cells, spectrum.shape, spectrum.fs, norm, POWER_MAP)
    if colorbar:
        color_bar(ax, image, power_label(spectrum.scaling, spectrum.fs))
    return ax


@styled
def radial(
    spectra_by_name: RadialSpectrum | Mapping[str, RadialSpectrum],
    ax: Axes | None = None,
    *,
    band: str = "stderr",
) -> Axes:
    """Radial spectra on logarithmic axes, with bands of one standard error (or spread).

    Parameters
    ----------
    spectra_by_name : RadialSpectrum or mapping of label to RadialSpectrum
    ax : Axes or None
    band : {"stderr", "std", "none"}
        What the shaded band is: one standard error, the spread, or nothing.
    """
    if band not in ("stderr", "std", "none"):
        raise ValueError(f"{band=} is not one of 'stderr', 'std', 'none'")
    named = (
        {"": spectra_by_name} if isinstance(spectra_by_name, RadialSpectrum) else spectra_by_name
    )
    if not named:
        raise ValueError("no spectra to draw")
    for name, spectrum in named.items():
        if spectrum.power.ndim != 1:
            raise ValueError(
                f"radial spectra {name!r} are a batch of shape {spectrum.power.shape}: draw the "
                "radial average of their mean spectrum, or each on its own"
            )
    ax = one_axes(ax)
    for name, spectrum in named.items():
        _radial_line(ax, spectrum, name, band)
    _radial_axes(ax, next(iter(named.values())))
    if any(named):
        ax.legend()
    return ax


@styled
def masked_radial(
    original: RadialSpectrum,
    expected: RadialSpectrum,
    drawn: RadialSpectrum,
    ax: Axes | None = None,
    *,
    legend: bool = True,
) -> Axes:
    """Radial spectra of an image, of its exact mean under masks, and of masks that were drawn.

    The band is the spread of the drawn masks; the line of the expectation is exact.
    """
    ax = one_axes(ax)
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
    _radial_axes(ax, original)
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
    """Radial spectra of what a mask shows: as it is, unmasked with its standard error, and true.

    Parameters
    ----------
    naive : RadialSpectrum
        Of the masked image, for its share of visible pixels.
    unmasked : RadialSpectrum or None
        Rings where it is not positive are gaps on the logarithmic axis.
    true : RadialSpectrum or None
        Of the whole image.
    ax : Axes or None
    """
    ax = one_axes(ax)
    if true is not None:
        ax.plot(true.frequency, shown(true.power, true.floor), color=BLACK, label="true")
    ax.plot(naive.frequency, shown(naive.power, naive.floor), color=VERMILION, label="naive")
    if unmasked is not None:
        shade(
            ax, unmasked, unmasked.stderr, color=BLUE, alpha=0.3, label="unmasked, ± standard error"
        )
        ax.plot(unmasked.frequency, shown(unmasked.power, unmasked.floor), color=BLUE)
    _radial_axes(ax, naive)
    ax.legend(loc="lower left")
    return ax


@styled
def sectors(result: SectorSpectrum, ax: Axes | None = None, *, label: str | None = None) -> Axes:
    """Power by orientation, with bars of one standard error."""
    ax = one_axes(ax)
    closed = np.append(np.arange(len(result)), 0)
    angle = np.append(result.angle, 180.0)
    ax.errorbar(angle, result.power[closed], yerr=result.stderr[closed], capsize=2, label=label)
    ax.set_xlabel("orientation of the frequency (degrees; 0 = horizontal)")
    ax.set_ylabel(power_label(result.scaling, (1.0, 1.0)))
    ax.set_xticks([0, 45, 90, 135, 180])
    return ax


def power_limits(spectra_: Sequence[Spectrum]) -> tuple[float, float]:
    """Ends of a logarithmic scale that fits several spectra.

    Zero frequency stays out, for it would stretch the scale, and so does power that is no more
    than rounding; no more than eight decades are shown.
    """
    return common_limits(power_range(spectrum) for spectrum in spectra_)


def power_range(spectrum: Spectrum) -> tuple[float, float] | None:
    """The lowest power that counts and the highest, or None where there is only rounding."""
    power = spectrum.power.ravel()[1:].astype(float, copy=False)
    seen = power[power > max(spectrum.floor, 0.0)]
    if not seen.size:
        return None
    high = float(seen.max())
    return float(np.quantile(seen, 0.01, overwrite_input=True)), high


def common_limits(ranges: Iterable[tuple[float, float] | None]) -> tuple[float, float]:
    """Ends of a scale for the ranges of several spectra; see `power_limits`."""
    found = [one for one in ranges if one is not None]
    if not found:
        return 0.1, 1.0
    high = max(highest for _, highest in found)
    low = max(min(lowest for lowest, _ in found), high * 1e-8)
    return min(low, high / 10), high


def _radial_axes(ax: Axes, spectrum: RadialSpectrum) -> None:
    log_frequency_axis(ax, spectrum.frequency, spectrum.fs)
    log_power_axis(ax)
    ax.set_ylabel(power_label(spectrum.scaling, spectrum.fs))


def _radial_line(ax: Axes, spectrum: RadialSpectrum, name: str, band: str) -> None:
    (line,) = ax.plot(spectrum.frequency, shown(spectrum.power, spectrum.floor), label=name or None)
    if band == "none":
        return
    width = spectrum.stderr if band == "stderr" else spectrum.std
    shade(ax, spectrum, width, color=line.get_color(), alpha=0.25)


def shade(ax: Axes, spectrum: RadialSpectrum, width: FloatArray, **look: Any) -> None:
    """Shade power ± width; where that reaches zero, a logarithmic axis needs a lower end."""
    power = spectrum.power
    low = np.where(power > width, power - width, power / 10)
    ax.fill_between(
        spectrum.frequency,
        shown(low, spectrum.floor),
        shown(power + width, spectrum.floor),
        linewidth=0,
        **look,
    )
