"""Pictures of originals and reconstructions compared by frequency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.cross_spectra.averages import ONE_SEVENTH, RadialCrossSpectrum
from spectral_mae.cross_spectra.comparison import SpectraComparison
from spectral_mae.cross_spectra.spectrum import CrossSpectrum
from spectral_mae.plot.cells import frequency_cells
from spectral_mae.plot.drawing.figures import color_bar, named, one_axes, picture
from spectral_mae.plot.drawing.frequency_axes import (
    frequency_map,
    log_frequency_axis,
    log_power_axis,
    power_label,
    shown,
)
from spectral_mae.plot.drawing.style import BLACK, CYCLE, GRAY, SIGNED_MAP, styled

Curve = Literal["gain", "coherence", "frc", "error", "explained"]
Compared = RadialCrossSpectrum | SpectraComparison
KINDS = RadialCrossSpectrum, SpectraComparison
HOW = "compare_spectra(originals, reconstructions) makes one, or cross_spectrum(a, b).radial()"
LABELS = {
    "gain": "gain",
    "coherence": "coherence γ²",
    "frc": "Fourier ring correlation",
    "explained": "explained power",
}
LOWEST = -1.0  # what is worse than that is as bad, and would press all else together
FAINTEST = 1e-3  # of the smallest power of the originals: what is below is as good as lost


@styled
def comparison(
    compared: Compared | Mapping[str, Compared],
    ax: Axes | None = None,
    *,
    curve: Curve = "explained",
    legend: bool = True,
) -> Axes:
    """Draw one curve of compared images over frequency, with bands of one standard error.

    With the Fourier ring correlation go its thresholds: 1/7, half a bit, and 1/2, to which 1/7
    corresponds where the original has no noise. Explained power and correlations below −1 are
    not shown.

    Parameters
    ----------
    compared : RadialCrossSpectrum, SpectraComparison, or mapping of str to either
        One comparison, or comparisons by label.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    curve : {"explained", "gain", "coherence", "frc", "error"}
        What is drawn. An error has a logarithmic axis of power, on which the power of the originals
        is drawn too.
    legend : bool
        Whether to draw a legend, below the axes.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Examples
    --------
    >>> import numpy as np
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:astronaut").pixels
    >>> tiles = image.reshape(8, 64, 8, 64).swapaxes(1, 2).reshape(-1, 64, 64)
    >>> blurred = (tiles + tiles.take(range(-1, 63), axis=2)) / 2
    >>> noisy = tiles + 0.05 * np.random.default_rng(0).standard_normal(tiles.shape)
    >>> ax = plot.comparison({"blurred": sm.compare_spectra(tiles, blurred),
    ...                       "noisy": sm.compare_spectra(tiles, noisy)})
    >>> ax.get_ylabel()
    'explained power'
    """
    _checks.choice("curve", curve, Curve)
    legend = _checks.flag("legend", legend)
    several = _rings(compared)
    ax = one_axes(ax)
    first = next(iter(several.values()))
    if curve == "error":
        _originals(ax, several)
    for i, (label, rings) in enumerate(several.items()):
        values = rings.coherence if curve == "coherence" else getattr(rings, curve)
        _line(ax, rings, values, rings.stderr[curve], CYCLE[i % len(CYCLE)], label)
    if curve == "error":
        log_power_axis(ax)
        ax.set_ylabel(f"error, {power_label(first.scaling, first.fs, first.labels)}")
    else:
        ax.axhline(0, color=GRAY, linewidth=0.7)
        ax.axhline(1, color=GRAY, linewidth=0.7)
        ax.set_ylabel(LABELS[curve])
        low, high = ax.get_ylim()
        ax.set_ylim(max(low, LOWEST if curve in ("explained", "frc") else low), max(high, 1.04))
    if curve == "frc":
        _thresholds(ax, first)
    log_frequency_axis(ax, first.frequency, first.fs, first.labels)
    if legend and (any(several) or curve in ("frc", "error")):
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    return ax


@styled
def compared_power(
    compared: Compared | Mapping[str, Compared], ax: Axes | None = None, *, legend: bool = True
) -> Axes:
    """Draw the power of the originals and of their reconstructions over frequency.

    Parameters
    ----------
    compared : RadialCrossSpectrum, SpectraComparison, or mapping of str to either
        One comparison, or comparisons by label, with the same originals.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    legend : bool
        Whether to draw a legend, below the axes.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Examples
    --------
    >>> import numpy as np
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:astronaut").pixels
    >>> tiles = image.reshape(8, 64, 8, 64).swapaxes(1, 2).reshape(-1, 64, 64)
    >>> blurred = (tiles + tiles.take(range(-1, 63), axis=2)) / 2
    >>> noisy = tiles + 0.05 * np.random.default_rng(0).standard_normal(tiles.shape)
    >>> ax = plot.compared_power({"blurred": sm.compare_spectra(tiles, blurred),
    ...                           "noisy": sm.compare_spectra(tiles, noisy)})
    """
    legend = _checks.flag("legend", legend)
    several = _rings(compared)
    ax = one_axes(ax)
    _originals(ax, several)
    for i, (label, rings) in enumerate(several.items()):
        ax.plot(
            rings.frequency,
            shown(rings.power_b, float(rings.floors[1])),
            color=CYCLE[i % len(CYCLE)],
            label=label or "reconstructions",
        )
    first = next(iter(several.values()))
    log_frequency_axis(ax, first.frequency, first.fs, first.labels)
    log_power_axis(ax)
    ax.set_ylabel(power_label(first.scaling, first.fs, first.labels))
    low, high = ax.get_ylim()
    seen = first.power_a[first.power_a > first.floors[0]]
    ax.set_ylim(max(low, FAINTEST * seen.min()) if seen.size else low, high)
    if legend:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    return ax


@styled
def power_ratio(spectrum: CrossSpectrum, ax: Axes | None = None) -> Axes:
    """Draw the power of the reconstructions over that of the originals at each frequency.

    Parameters
    ----------
    spectrum : CrossSpectrum
        Of images: their mean over many pairs, or that of one.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes: zero frequency in the middle, white where both have the same power. The scale goes
        from a tenth to ten times.

    Raises
    ------
    ValueError
        If the spectrum is not one of images.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:camera").pixels
    >>> blurred = (image + image.take(range(-1, 511), axis=1)) / 2
    >>> ax = plot.power_ratio(sm.cross_spectrum(image, blurred, window="hann"))
    """
    how = "cross_spectrum(a, b) makes one, or compare_spectra(a, b).spectrum()"
    _checks.needed("spectrum", spectrum, CrossSpectrum, how)
    if len(spectrum.shape) != 2:
        raise ValueError(f"a map needs a spectrum of images; {spectrum.shape=} is of another")
    ax = one_axes(ax)
    power_a, power_b = (
        frequency_cells(power, spectrum.shape) for power in (spectrum.power_a, spectrum.power_b)
    )
    some = power_a > spectrum.floors[0]
    ratio = np.divide(power_b, power_a, out=np.full(power_a.shape, np.nan), where=some)
    norm = LogNorm(0.1, 10)
    image = frequency_map(ax, ratio, spectrum.shape, spectrum.fs, norm, SIGNED_MAP, spectrum.labels)
    color_bar(ax, image, "power ratio", ticks=np.array([0.1, 0.3, 1, 3, 10]))
    return ax


@styled
def image_detail(
    image: ArrayLike,
    ax: Axes | None = None,
    *,
    size: int = 128,
    limits: tuple[float, float] | None = None,
) -> Axes:
    """Draw the middle of an image, pixel by pixel.

    Parameters
    ----------
    image : array_like, shape (H, W) or (H, W, 3)
        Gray values or colours.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    size : int
        Pixels along each axis that are shown, at most.
    limits : tuple of float, or None
        Values that are drawn black and white; None takes the smallest and the largest.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    ValueError
        If the image has other axes, or limits do not rise.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:camera").pixels
    >>> ax = plot.image_detail(image, size=160)
    """
    pixels = _checks.real_array("image", image)
    size = _checks.positive_int("size", size)
    if pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,)) or not pixels.size:
        raise ValueError(f"image of shape {pixels.shape} is not (H, W) or (H, W, 3)")
    ends = [pixels.min(), pixels.max()] if limits is None else _checks.items("limits", limits)
    if len(ends) != 2:
        raise ValueError(f"limits={_checks.brief(limits)} are not two numbers")
    low, high = (_checks.real_number("limits", end) for end in ends)
    if low > high or (limits is not None and low == high):
        raise ValueError(f"{limits=} do not rise")
    top, left = (max(0, (n - size) // 2) for n in pixels.shape[:2])
    part = pixels[top : top + size, left : left + size].astype(np.float64)
    scale = high / 2 - low / 2 or 1.0  # halves, for the difference may leave the range of numbers
    ax = one_axes(ax)
    picture(ax, np.clip((part / 2 - low / 2) / scale, 0, 1), Normalize(0, 1), "gray")
    return ax


def _rings(compared: Compared | Mapping[str, Compared]) -> dict[str, RadialCrossSpectrum]:
    return {
        label: one.radial() if isinstance(one, SpectraComparison) else one
        for label, one in named("compared", compared, KINDS, HOW).items()
    }


def _line(
    ax: Axes,
    rings: RadialCrossSpectrum,
    values: FloatArray,
    stderr: FloatArray,
    color: str,
    label: str,
) -> None:
    ax.plot(rings.frequency, values, color=color, label=label or None)
    ax.fill_between(
        rings.frequency, values - stderr, values + stderr, color=color, alpha=0.25, linewidth=0
    )


def _originals(ax: Axes, several: Mapping[str, RadialCrossSpectrum]) -> None:
    """The power of the originals, once for all that share it."""
    first = next(iter(several.values()))
    power = shown(first.power_a, float(first.floors[0]))
    ax.plot(first.frequency, power, color=BLACK, linestyle="dashed", label="originals")


def _thresholds(ax: Axes, rings: RadialCrossSpectrum) -> None:
    for value, name, dash in ((0.5, "1/2", "dashed"), (ONE_SEVENTH, "1/7", "dotted")):
        ax.axhline(value, color=GRAY, linestyle=dash, linewidth=1.0, label=name)
    ax.plot(
        rings.frequency, rings.half_bit, color=GRAY, linestyle="dashdot", linewidth=1.0,
        label="half a bit",
    )  # fmt: skip
