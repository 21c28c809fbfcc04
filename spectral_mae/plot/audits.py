"""Pictures of audits: what models made of images, numbers by octave, spectra of tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.plot.drawing.figures import many_axes, one_axes, picture
from spectral_mae.plot.drawing.frequency_axes import few_digits, log_power_axis, shown
from spectral_mae.plot.drawing.style import CYCLE, GRAY, HIDDEN, styled

MARKERS = "osD^vP*"


@styled
def strips(
    originals: ArrayLike,
    visible: ArrayLike,
    outputs: Mapping[str, ArrayLike],
    ax: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Draw one row for each image: the original, what is visible, and what each model fills in.

    Visible pixels are put back into the outputs.

    Parameters
    ----------
    originals : array_like, shape (n, H, W) or (n, H, W, 3)
        Images, from 0 to 1; others are drawn on the scale of their own smallest and largest value.
    visible : array_like of bool, shape (n, H, W)
        True where a pixel is visible.
    outputs : mapping of str to array_like
        Outputs of each model by its name, in the shape of the images.
    ax : ndarray of Axes, shape (n, 2 + number of models), or None
        Where to draw; None makes a new figure.

    Returns
    -------
    ndarray of Axes, shape (n, 2 + number of models)
        The axes.

    Examples
    --------
    >>> import numpy as np
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:astronaut").pixels
    >>> tiles = image.reshape(8, 64, 8, 64).swapaxes(1, 2).reshape(-1, 64, 64)
    >>> model = sm.LinearMAE(8, 0.5, covariance="stationary").fit(tiles)
    >>> visible = sm.sample_visible(sm.PatchGrid((64, 64), 8), 0.5, 2, rng=0)
    >>> chosen = tiles[[11, 20]]
    >>> outputs = {"linear": model.reconstruct(chosen * visible, visible),
    ...            "mean": np.broadcast_to(tiles.mean(axis=0), chosen.shape)}
    >>> ax = plot.strips(chosen, visible, outputs)
    """
    images = _images("originals", originals)
    seen = _checks.bool_mask("visible", visible)
    if seen.shape != images.shape[:3]:
        raise ValueError(f"visible of shape {seen.shape}, originals of {images.shape}")
    if not isinstance(outputs, Mapping) or not outputs:
        raise ValueError(f"outputs={_checks.brief(outputs)} holds no images under a name")
    found = {str(name): _images(f"outputs[{name!r}]", one) for name, one in outputs.items()}
    for name, one in found.items():
        if one.shape != images.shape:
            raise ValueError(f"outputs[{name!r}] of shape {one.shape}, originals of {images.shape}")
    ax = many_axes(ax, (len(images), 2 + len(found)), 1.9)
    mask = seen[..., np.newaxis] if images.ndim == 4 else seen
    low, high = float(images.min()), float(images.max())
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    scale = high - low if high > low else 1.0

    def unit(pixels: FloatArray) -> FloatArray:
        return np.clip((pixels - low) / scale, 0, 1)

    for i, row in enumerate(ax):
        colours = unit(images[i] if images.ndim == 4 else images[i, ..., np.newaxis])
        panels = [unit(images[i]), np.where(seen[i, ..., np.newaxis], colours, HIDDEN)]
        panels += [unit(np.where(mask[i], images[i], one[i])) for one in found.values()]
        for axis, pixels in zip(row, panels, strict=True):
            picture(axis, pixels, Normalize(0, 1), "gray")
    for axis, title in zip(ax[0], ("original", "visible", *found), strict=True):
        axis.set_title(title)
    return ax


@styled
def estimates(
    values: Mapping[str, tuple[ArrayLike, ArrayLike]],
    names: Sequence[str],
    ax: Axes | None = None,
    *,
    label: str = "value",
    legend: bool = True,
) -> Axes:
    """Draw numbers with their standard errors, side by side for each name.

    Parameters
    ----------
    values : mapping of str to (array_like, array_like)
        For each label the numbers and their standard errors, each of shape (n,). NaN is left out.
    names : sequence of str
        Names of the n numbers, such as octaves of frequency.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    label : str
        Label of the vertical axis.
    legend : bool
        Whether to draw a legend.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> names = ["below 1/32", "1/32 to 1/16", "1/16 to 1/8", "1/8 to 1/4", "above 1/4"]
    >>> explained = {"network": ([0.93, 0.86, 0.66, 0.30, 0.05], [0.01, 0.01, 0.02, 0.03, 0.04]),
    ...              "linear": ([0.90, 0.78, 0.52, 0.17, 0.01], [0.01, 0.02, 0.02, 0.02, 0.03])}
    >>> ax = plot.estimates(explained, names, label="explained power")
    """
    names = _checks.items("names", names)
    legend = _checks.flag("legend", legend)
    if not isinstance(values, Mapping) or not values:
        raise ValueError(f"values={_checks.brief(values)} holds no numbers under a label")
    found = {}
    for key, pair in values.items():
        both = _checks.items(f"values[{key!r}]", pair)
        if len(both) != 2:
            raise ValueError(f"values[{key!r}] are not numbers and their standard errors")
        arrays = [np.asarray(one, np.float64) for one in both]
        if any(one.shape != (len(names),) for one in arrays):
            raise ValueError(f"values[{key!r}] are not {len(names)} numbers, one for each name")
        found[key] = arrays
    ax = one_axes(ax)
    step = min(0.2, 0.6 / max(1, len(found) - 1))
    for i, (key, (value, stderr)) in enumerate(found.items()):
        place = np.arange(len(names)) + (i - (len(found) - 1) / 2) * step
        known = np.isfinite(value)
        ax.errorbar(
            place[known],
            value[known],
            np.where(np.isfinite(stderr[known]), stderr[known], 0),
            fmt=MARKERS[i % len(MARKERS)],
            color=CYCLE[i % len(CYCLE)],
            markersize=4.5,
            capsize=2.5,
            label=key,
        )
    ax.axhline(0, color=GRAY, linewidth=0.7)
    for edge in range(1, len(names)):
        ax.axvline(edge - 0.5, color=GRAY, linewidth=0.4, alpha=0.5)
    ax.set_xticks(range(len(names)), [str(name) for name in names])
    ax.set_ylabel(label)
    if legend:
        ax.legend()
    return ax


@styled
def token_spectra(
    frequency: ArrayLike,
    power: Mapping[str, ArrayLike],
    ax: Axes | None = None,
) -> Axes:
    """Draw the power of tokens over frequency on the grid of patches, a line for each layer.

    Each line is divided by its mean, so that layers of any scale can be compared: a line that falls
    more steeply is of smoother tokens. Later layers are lighter.

    Parameters
    ----------
    frequency : array_like, shape (n,)
        Frequencies, cycles per patch.
    power : mapping of str to array_like
        Mean power of each layer by its name, in the order of the layers, each of shape (n,).
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Examples
    --------
    >>> import numpy as np
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> frequency = np.arange(1, 8) / 14
    >>> power = {f"block {i}": frequency ** -(0.5 + 0.5 * i) for i in range(4)}
    >>> ax = plot.token_spectra(frequency, power)
    """
    places = _checks.real_array("frequency", frequency).astype(np.float64)
    if places.ndim != 1 or not places.size:
        raise ValueError(f"frequency of shape {places.shape} is not (n,)")
    if not isinstance(power, Mapping) or not power:
        raise ValueError(f"power={_checks.brief(power)} holds no numbers under a layer")
    ax = one_axes(ax)
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.9, len(power)))
    for colour, (layer, one) in zip(colours, power.items(), strict=True):
        values = _checks.real_array(f"power[{layer!r}]", one).astype(np.float64)
        if values.shape != places.shape:
            raise ValueError(f"power[{layer!r}] of shape {values.shape} is not {places.shape}")
        mean = float(values.mean())
        relative = values / mean if mean > 0 else values
        dash = "dashed" if str(layer).startswith("decoder") else "solid"
        ax.plot(places, shown(relative), color=colour, linestyle=dash, marker=".", label=layer)
    log_power_axis(ax)
    for axis in (ax.yaxis.set_major_formatter, ax.yaxis.set_minor_formatter):
        axis(FuncFormatter(few_digits))
    ax.set_xlabel("frequency (cycles per patch)")
    ax.set_ylabel("power of the tokens / its mean")
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax


def _images(name: str, values: ArrayLike) -> FloatArray:
    array = _checks.real_array(name, values).astype(np.float64)
    if array.ndim not in (3, 4) or not array.size or (array.ndim == 4 and array.shape[3] != 3):
        raise ValueError(f"{name} of shape {array.shape} are not (n, H, W) or (n, H, W, 3)")
    return array
