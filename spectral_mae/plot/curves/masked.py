"""Radial spectra of masked images: as they are, expected, and estimated without the mask."""

from __future__ import annotations

from matplotlib.axes import Axes

from spectral_mae import _checks
from spectral_mae.plot.curves.axes import RADIAL, radial_axes, shade
from spectral_mae.plot.drawing.figures import one_axes
from spectral_mae.plot.drawing.frequency_axes import shown
from spectral_mae.plot.drawing.style import BLACK, BLUE, ORANGE, VERMILION, styled
from spectral_mae.spectra.rings import RadialSpectrum


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

    Examples
    --------
    >>> import numpy as np
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:camera").pixels[:256, :256]
    >>> grid = sm.PatchGrid(image.shape, 16)
    >>> masks = sm.sample_visible(grid, 0.75, 20, rng=0)
    >>> drawn = sm.Periodogram(image.shape).mean(image * masks).radial()
    >>> expected = sm.expected_masked_psd(image, 16, 0.75).radial()
    >>> ax = plot.masked_radial(sm.psd(image).radial(), expected, drawn)
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

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:camera").pixels[:256, :256]
    >>> visible = sm.PulseMask.random(sm.PatchGrid(image.shape, 16), 0.5, rng=0).visible
    >>> naive = sm.psd(image, visible=visible / visible.mean() ** 0.5, detrend="constant")
    >>> unmasked = sm.unmasked_psd(image, visible, detrend="constant", prewhiten="gradient")
    >>> true = sm.psd(image, detrend="constant")
    >>> ax = plot.unmasked_radial(naive.radial(), unmasked.radial(), true.radial())
    """
    for name, one in (("naive", naive), ("unmasked", unmasked), ("true", true)):
        if one is not None or name == "naive":
            _checks.needed(name, one, RadialSpectrum, RADIAL)
    ax = one_axes(ax)
    if true is not None:
        ax.plot(
            true.frequency, shown(true.power, true.floor), color=BLACK, label="true: whole image"
        )
    ax.plot(
        naive.frequency,
        shown(naive.power, naive.floor),
        color=VERMILION,
        label="naive: masked / visible part",
    )
    if unmasked is not None:
        shade(
            ax, unmasked, unmasked.stderr, color=BLUE, alpha=0.3, label="unmasked, ± standard error"
        )
        ax.plot(unmasked.frequency, shown(unmasked.power, unmasked.floor), color=BLUE)
    radial_axes(ax, naive)
    ax.legend(loc="lower left")
    return ax
