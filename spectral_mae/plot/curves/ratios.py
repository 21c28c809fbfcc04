"""Ratios of spectra: alone, and as a panel below the spectra."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae.plot.cells import frequency_cells
from spectral_mae.plot.curves.bands import Band, curve_of
from spectral_mae.plot.curves.lines import UNNAMED, Several, radial, several_of
from spectral_mae.plot.drawing.figures import color_bar, many_axes, named, one_axes
from spectral_mae.plot.drawing.frequency_axes import frequency_map, log_frequency_axis, unit_of
from spectral_mae.plot.drawing.style import GRAY, SIGNED_MAP, styled
from spectral_mae.spectra.ratios import RadialRatio, SpectrumRatio

HOW = "a / b of two radial spectra, or of two spectra, makes one"
LARGEST = 1e6  # ends of the scale of a map at most


@styled
def ratio(
    ratios_by_name: RadialRatio | SpectrumRatio | Mapping[str, RadialRatio],
    ax: Axes | None = None,
) -> Axes:
    """Draw ratios of spectra: lines over frequency, or a map of the ratio of two images' spectra.

    Parameters
    ----------
    ratios_by_name : RadialRatio, mapping of str to RadialRatio, or SpectrumRatio
        One ratio, several by label, or one at each frequency. Of a batch the mean over its spectra
        is drawn with the band of its standard error; of one ratio the band is its standard error.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes. A map is white where both have the same power, red where the one has more.

    Raises
    ------
    ValueError
        For the ratio of the spectra of volumes, which have no one map.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:astronaut").pixels
    >>> tiles = image.reshape(4, 128, 4, 128).swapaxes(1, 2).reshape(-1, 128, 128)
    >>> rings = sm.Periodogram((128, 128)).radial
    >>> blurred = (tiles + tiles.take(range(-1, 127), axis=1)) / 2
    >>> ax = plot.ratio({"blurred": rings(blurred) / rings(tiles),
    ...                  "sharpened": rings(2 * tiles - blurred) / rings(tiles)})
    >>> ax.get_ylabel()
    'power ratio'
    """
    if isinstance(ratios_by_name, SpectrumRatio):
        return _ratio_map(ratios_by_name, one_axes(ax))
    several = named("ratios", ratios_by_name, RadialRatio, HOW)
    ax = one_axes(ax)
    for name, one in several.items():
        values, stderr = one.ratio, one.stderr
        if values.ndim == 2:
            n = len(values)
            values, stderr = (
                values.mean(axis=0),
                values.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else stderr[0],
            )
        (line,) = ax.plot(one.frequency, values, label=name or None)
        ax.fill_between(
            one.frequency,
            values - stderr,
            values + stderr,
            color=line.get_color(),
            alpha=0.25,
            linewidth=0,
        )
    first = next(iter(several.values()))
    ax.axhline(1, color=GRAY, linewidth=0.7)
    log_frequency_axis(ax, first.frequency, first.fs, first.labels)
    ax.set_ylabel("power ratio")
    if ax.get_legend_handles_labels()[1]:
        ax.legend()
    return ax


@styled
def radial_ratio(
    spectra_by_name: Several,
    ax: NDArray[Any] | None = None,
    *,
    reference: str,
    band: Band = "stderr",
    **options: Any,
) -> NDArray[Any]:
    """Draw radial spectra, and below them their ratios to one of them.

    Parameters
    ----------
    spectra_by_name : mapping of str to RadialSpectrum
        Spectra or batches on the same rings, by label.
    ax : ndarray of Axes, shape (2,), or None
        Where to draw; None makes a new figure.
    reference : str
        Label of the spectrum that the others are divided by.
    band : {"stderr", "std", "percentile", "none"}
        As in `radial`. Bands of the ratios are those of the spectra over the line of the reference,
        whose own band is drawn too.
    **options : Any
        Further arguments of `radial`.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (2,)
        The axes: spectra, ratios.

    Raises
    ------
    ValueError
        If no spectrum has the label, or rings differ.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:astronaut").pixels
    >>> tiles = image.reshape(4, 128, 4, 128).swapaxes(1, 2).reshape(-1, 128, 128)
    >>> rings = sm.Periodogram((128, 128), detrend="constant", window="hann").radial
    >>> blurred = (tiles + tiles.take(range(-1, 127), axis=1)) / 2
    >>> spectra = {"original": rings(tiles), "blurred": rings(blurred)}
    >>> ax = plot.radial_ratio(spectra, reference="original")
    >>> ax[1].get_ylabel().split()
    ['ratio', 'to', 'original']
    """
    several = several_of(spectra_by_name)
    if not isinstance(reference, str) or reference not in several:
        raise ValueError(f"reference={_checks.brief(reference)} is none of the labels {[*several]}")
    _checks.choice("band", band, Band)
    curves = {name: curve_of(one, band, name) for name, one in several.items()}
    base = curves[reference].line
    ratios = {name: curve.line / base for name, curve in curves.items()}
    ax = _stacked_axes() if ax is None else many_axes(ax, (2,), 4.0)
    radial(spectra_by_name, ax[0], band=band, **options)
    for name, curve in curves.items():
        label = None if name.startswith(UNNAMED) else name
        (line,) = ax[1].plot(base.frequency, ratios[name].ratio, label=label)
        if curve.low is not None and curve.high is not None:
            low, high = curve.low / base.power, curve.high / base.power
            ax[1].fill_between(
                base.frequency, low, high, color=line.get_color(), alpha=0.25, linewidth=0
            )
    ax[1].set_yscale("log")
    ax[1].set_xscale("log")
    ax[1].set_xlim(ax[0].get_xlim())
    ax[1].set_xticks(ax[0].get_xticks(), [text.get_text() for text in ax[0].get_xticklabels()])
    ax[1].set_xticks([], minor=True)
    ax[1].yaxis.set_major_formatter("{x:g}")
    low, high = ax[1].get_ylim()
    few = MaxNLocator(4) if high < 5 * low else LogLocator(subs=(1.0, 2.0, 5.0))
    ax[1].yaxis.set_major_locator(few)
    ax[1].yaxis.set_minor_locator(NullLocator())
    ax[1].set_ylabel(f"ratio to\n{reference}")
    ax[1].set_xlabel(f"frequency ({unit_of(base.fs, base.labels)})")
    ax[0].set_xlabel("")
    ax[0].tick_params(axis="x", labelbottom=False)
    return ax


def _stacked_axes() -> NDArray[Any]:
    """A large and a small axes below it, in a pyplot figure."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(4.8, 5.2), layout="constrained")
    axes: NDArray[Any] = figure.subplots(2, 1, height_ratios=(2.2, 1.0))
    return axes


def _ratio_map(result: SpectrumRatio, ax: Axes) -> Axes:
    if len(result.shape) == 1:
        ax.plot(result.frequencies[0], result.ratio)
        ax.axhline(1, color=GRAY, linewidth=0.7)
        ax.set_xlabel(f"frequency ({unit_of(result.fs, result.labels)})")
        ax.set_ylabel("power ratio")
        return ax
    if len(result.shape) != 2:
        raise ValueError(f"a map needs spectra of images; {result.shape=} is of volumes")
    a, b = result.numerator.numpy(), result.denominator.numpy()
    top, bottom = (frequency_cells(one.power, result.shape) for one in (a, b))
    cells = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > max(b.floor, 0.0))
    known = cells[np.isfinite(cells) & (cells > 0)]
    end = np.exp(np.quantile(np.abs(np.log(known)), 0.99)) if known.size else 10.0
    end = float(np.clip(end, 1.1, LARGEST))
    image = frequency_map(
        ax, cells, result.shape, result.fs, LogNorm(1 / end, end), SIGNED_MAP, result.labels
    )
    color_bar(ax, image, "power ratio")
    return ax
