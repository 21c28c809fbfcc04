"""Pictures of images, their masked copies, and what models make of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.linear.reconstruction import Reconstruction
from spectral_mae.plot.drawing.figures import many_axes, picture
from spectral_mae.plot.drawing.frequency_axes import (
    log_frequency_axis,
    log_power_axis,
    power_label,
    shown,
)
from spectral_mae.plot.drawing.style import BLACK, CYCLE, GRAY, HIDDEN, styled


@styled
def reconstruction(one: Reconstruction, ax: NDArray[Any] | None = None) -> NDArray[Any]:
    """Draw one image and what a model makes of it.

    The panels are the original, the input of the model, its output, the error, and the spectra.

    Parameters
    ----------
    one : Reconstruction
        The result for one image, gray or in colours from 0 to 1.
    ax : ndarray of Axes, shape (2, 3), or None
        Where to draw; None makes a new figure.

    Returns
    -------
    ndarray of Axes, shape (2, 3)
        The axes.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:astronaut").pixels
    >>> tiles = image.reshape(8, 64, 8, 64).swapaxes(1, 2).reshape(-1, 64, 64)
    >>> model = sm.LinearMAE(8, 0.5, covariance="stationary").fit(tiles)
    >>> ax = plot.reconstruction(sm.reconstruct_image(model, tiles[11], rng=0))
    """
    _of_an_image(one)
    ax = many_axes(ax, (2, 3), 3.3)
    seen = _what_was_seen(one)
    if one.visible is not None:
        seen += f", {1 - one.visible.mean():.0%} hidden"
    panels = [(ax[0, 0], "original", one.original), (ax[0, 1], seen, _seen(one))]
    if one.visible is None:
        panels.append((ax[0, 2], f"reconstruction, PSNR {one.psnr:.1f} dB", one.output))
        ax[1, 0].set_axis_off()
    else:
        explained = f"reconstruction, {one.explained:.0%} of hidden power explained"
        panels.append((ax[0, 2], explained, one.output))
        filled = f"hidden patches filled in, PSNR {one.psnr:.1f} dB"
        panels.append((ax[1, 0], filled, one.filled))
    for axis, title, pixels in panels:
        picture(axis, np.clip(pixels, 0, 1), Normalize(0, 1), "gray")
        axis.set_title(title)
    error, end = _error(one)
    image = picture(ax[1, 1], error, Normalize(-end, end))
    ax[1, 1].set_title("error: reconstruction − original")
    # Not of the layout, which would put it below the labels of the neighbours.
    below = ax[1, 1].inset_axes((0.05, -0.08, 0.9, 0.04))
    bar = {"orientation": "horizontal", "ticks": MaxNLocator(5), "label": _bar_label(one)}
    ax[1, 1].figure.colorbar(image, cax=below, **bar)
    _spectra(one, ax[1, 2])
    return ax


def _of_an_image(one: Reconstruction) -> None:
    _checks.needed(
        "a reconstruction", one, Reconstruction, "reconstruct_image(model, image) makes one"
    )
    if one.grid.ndim != 2:
        raise ValueError(f"a reconstruction of shape {one.grid.shape} is not of an image")


def _what_was_seen(one: Reconstruction) -> str:
    if one.visible is not None:
        return "masked"
    return "as the model sees it" if np.array_equal(one.corrupted, one.original) else "with noise"


def _seen(one: Reconstruction) -> FloatArray:
    """What the model saw; hidden pixels in a tint that gray photographs do not have."""
    if one.visible is None:
        return one.corrupted
    colours = one.original if one.original.ndim == 3 else one.original[..., np.newaxis]
    return np.where(one.visible[..., np.newaxis], colours, HIDDEN)


def _error(one: Reconstruction) -> tuple[FloatArray, float]:
    """Reconstruction minus original, channels averaged, and the end of its scale."""
    error = one.output - one.original
    error = error.mean(axis=-1) if error.ndim == 3 else error
    return error, max(float(np.quantile(np.abs(error), 0.995)), 1e-6)


def _bar_label(one: Reconstruction) -> str:
    mean = ", mean of channels" if one.original.ndim == 3 else ""
    return f"difference of pixel values{mean}"


def _spectra(one: Reconstruction, ax: Axes) -> None:
    looks = {
        "original": (BLACK, "solid"),
        "corrupted": (GRAY, "dashed"),
        "reconstruction": (CYCLE[0], "solid"),
        "error": (CYCLE[1], "solid"),
    }
    spectra = one.spectra()
    for name, (colour, dash) in looks.items():
        rings = spectra[name]
        label = _what_was_seen(one) if name == "corrupted" else name
        power = shown(rings.power, spectra["original"].floor)
        ax.plot(rings.frequency, power, color=colour, linestyle=dash, label=label)
    log_frequency_axis(ax, spectra["original"].frequency, (1.0, 1.0))
    log_power_axis(ax)
    ax.set_ylabel(power_label("density", (1.0, 1.0)))
    ax.set_title("spectra about the mean")
    ax.legend(loc="lower left")


@styled
def reconstructions(
    several: Sequence[Reconstruction], ax: NDArray[Any] | None = None, *, names: Sequence[str] = ()
) -> NDArray[Any]:
    """Draw one row for each image: original, masked, output, hidden patches filled in, error.

    Parameters
    ----------
    several : sequence of Reconstruction
        Results for masked images, gray or in colours from 0 to 1.
    ax : ndarray of Axes, shape (len(several), 5), or None
        Where to draw; None makes a new figure.
    names : sequence of str
        A label for each row.

    Returns
    -------
    ndarray of Axes, shape (len(several), 5)
        The axes.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:astronaut").pixels
    >>> tiles = image.reshape(8, 64, 8, 64).swapaxes(1, 2).reshape(-1, 64, 64)
    >>> model = sm.LinearMAE(8, 0.5, covariance="stationary").fit(tiles)
    >>> several = [sm.reconstruct_image(model, tiles[i], rng=i) for i in (11, 36)]
    >>> ax = plot.reconstructions(several, names=["eyes", "hair"])
    """
    if isinstance(several, Reconstruction):
        raise TypeError(f"several={several!r} is one reconstruction; give a list")
    several = _checks.items("several", several)
    names = _checks.items("names", names)
    for one in several:
        _of_an_image(one)
    if not several:
        raise ValueError("no reconstructions to draw")
    ax = many_axes(ax, (len(several), 5), 2.1)
    titles = ("original", "masked", "reconstruction", "hidden filled in", "error (red: too bright)")
    for row, one in zip(ax, several, strict=True):
        pixels = (one.original, _seen(one), one.output, one.filled)
        for axis, shown_ in zip(row, pixels, strict=False):
            picture(axis, np.clip(shown_, 0, 1), Normalize(0, 1), "gray")
        error, end = _error(one)
        picture(row[4], error, Normalize(-end, end))
    for axis, title in zip(ax[0], titles, strict=True):
        axis.set_title(title)
    for row, name in zip(ax, names, strict=False):
        row[0].set_ylabel(name)
    return ax
