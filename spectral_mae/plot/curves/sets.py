"""Sets of images: their radial spectra with bands, and histograms of their slopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import is_color_like
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae.plot.curves.bands import Band
from spectral_mae.plot.curves.lines import radial
from spectral_mae.plot.drawing.figures import one_axes
from spectral_mae.plot.drawing.style import CYCLE, styled
from spectral_mae.spectra.summary import SpectralSummary

Slopes = SpectralSummary | ArrayLike


@styled
def summary(
    result: SpectralSummary, ax: Axes | None = None, *, band: Band = "percentile", **options: Any
) -> Axes:
    """Draw the radial spectra of a set of images: one line, and a band over the images.

    Parameters
    ----------
    result : SpectralSummary
        The set, of `summarize`.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    band : {"stderr", "std", "percentile", "none"}
        As in `radial`. Of a single image there are no percentiles, and one standard error is drawn.
    **options : Any
        Further arguments of `radial`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:grass").pixels
    >>> tiles = image.reshape(4, 128, 4, 128).swapaxes(1, 2).reshape(-1, 128, 128)
    >>> ax = plot.summary(sm.summarize(tiles, detrend="constant", window="hann"), fit=True)
    """
    _checks.needed("result", result, SpectralSummary, "summarize(images) makes one")
    _checks.choice("band", band, Band)
    if band == "percentile" and len(result) == 1:
        band = "stderr"
    return radial(result.radial, ax, band=band, **options)


@styled
def slopes(
    values_by_name: Slopes | Mapping[str, Slopes],
    ax: Axes | None = None,
    *,
    bins: int | None = None,
    colors: Sequence[str] | None = None,
) -> Axes:
    """Draw histograms of the slopes of images, with their medians.

    Parameters
    ----------
    values_by_name : SpectralSummary, array_like, or mapping of str to either
        Sets of images, or slopes, shape (n,); NaN are left out, and the legend says how many.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    bins : int or None
        Number of bins, which all sets share. None is about 1 + log₂ of the number of slopes
        (Sturges 1926).
    colors : sequence of str or None
        Colour of each set. None takes those of the style.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    ValueError
        If no image of a set has a slope.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> def summary(name):
    ...     pixels = sm.read_image(f"builtin:{name}").pixels
    ...     tiles = pixels.reshape(8, 64, 8, 64).swapaxes(1, 2).reshape(-1, 64, 64)
    ...     return sm.summarize(tiles, detrend="constant", window="hann")
    >>> ax = plot.slopes({name: summary(name) for name in ("brick", "gravel")})
    >>> ax.get_xlabel()
    'slope of the power spectrum'
    """
    bins = None if bins is None else _checks.positive_int("bins", bins)
    given = values_by_name if isinstance(values_by_name, Mapping) else {"": values_by_name}
    if not given:
        raise ValueError("no slopes to draw: the mapping is empty")
    several = {}
    for name, one in given.items():
        found = one.slopes.slope if isinstance(one, SpectralSummary) else one
        values = np.asarray(_checks.plain_array("slopes", found))
        if values.ndim != 1 or values.dtype.kind not in "fiu":
            raise ValueError(f"slopes {name!r}={_checks.brief(found)} are not a row of numbers")
        known = values[np.isfinite(values)].astype(float)
        if not len(known):
            raise ValueError(f"slopes {name!r}: none of {len(values)} images has one")
        several[name] = known, len(values)
    chosen = [*CYCLE] if colors is None else _checks.items("colors", colors)
    for color in chosen:
        if not is_color_like(color):
            raise ValueError(f"colors: {_checks.brief(color)} is no colour")
    if colors is not None and len(chosen) != len(several):
        raise ValueError(f"{len(chosen)} colors for {len(several)} sets")
    ax = one_axes(ax)
    every = np.concatenate([known for known, _ in several.values()])
    edges = np.histogram_bin_edges(every, "sturges" if bins is None else bins)
    tallest = max(float(np.histogram(known, edges)[0].max()) for known, _ in several.values())
    for i, (name, (known, n)) in enumerate(several.items()):
        color = chosen[i % len(chosen)]
        lost = f", {n - len(known)} without" if n > len(known) else ""
        median = float(np.median(known))
        label = f"{name + ': ' if name else ''}{len(known)} images{lost}, median {median:.2f}"
        ax.hist(known, edges.tolist(), color=color, alpha=0.45, label=label.replace("-", "−"))
        ax.vlines(median, 0, 1.05 * tallest, color=color, linewidth=1.2)
    ax.set_xlabel("slope of the power spectrum")
    ax.set_ylabel("images")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    # Room for the legend above all bars and lines.
    ax.set_ylim(0, max(ax.get_ylim()[1], tallest * (1.1 + 0.1 * len(several))))
    ax.legend(loc="upper left")
    return ax
