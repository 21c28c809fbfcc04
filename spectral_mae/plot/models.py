"""Pictures of linear models: receptive fields, filters, eigenvalues, responses, reconstructions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, SymLogNorm
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.linear_model import LinearModel
from spectral_mae.plot.drawing import (
    BLACK,
    CYCLE,
    GRAY,
    HIDDEN,
    SIGNED_MAP,
    color_bar,
    log_frequency_axis,
    log_power_axis,
    one_axes,
    power_label,
    shown,
    styled,
    subplots,
)
from spectral_mae.receptive import ReceptiveField
from spectral_mae.reconstruction import Reconstruction
from spectral_mae.response import FrequencyResponse, RadialResponse

CURVES = ("gain", "explained", "aliased", "noise")
LABELS = {
    "gain": "gain",
    "explained": "explained",
    "passed": "passed / original",
    "aliased": "aliased / original",
    "noise": "noise / original",
    "error": "error / original",
    "reconstructed": "reconstructed / original",
}
DASHES = ("solid", "dashed", "dotted", "dashdot")

Response = FrequencyResponse | RadialResponse


@styled
def receptive_field(
    field: ReceptiveField | ArrayLike,
    ax: Axes | None = None,
    *,
    colorbar: bool = True,
    log: bool = False,
    around: int | None = None,
) -> Axes:
    """Weights of one output pixel: a map of an image's inputs, a line of a signal's.

    Input channels are summed. Of a `ReceptiveField` the own patch is outlined and the output
    pixel marked.

    Parameters
    ----------
    field : ReceptiveField, or weights of shape (*shape[, channels])
        An array of two axes is taken for an image.
    ax : Axes or None
        None makes a figure.
    colorbar : bool
    log : bool
        A scale that is logarithmic from a thousandth of the largest weight up, in both signs.
    around : int or None
        Show only so many patches on each side of the output pixel's own.
    """
    ax = one_axes(ax)
    weights = _summed(field)
    if weights.ndim == 1:
        ax.plot(np.arange(len(weights)), weights)
        ax.axhline(0, color=GRAY, linewidth=0.7)
        ax.set_xlabel("input pixel")
        ax.set_ylabel("weight")
        if isinstance(field, ReceptiveField):
            inside = np.flatnonzero(field.own_patch)
            ax.axvspan(inside[0] - 0.5, inside[-1] + 0.5, color=GRAY, alpha=0.25, linewidth=0)
        return ax
    end = float(np.abs(weights).max()) or 1.0
    norm = SymLogNorm(end * 1e-3, vmin=-end, vmax=end) if log else Normalize(-end, end)
    image = _picture(ax, weights, norm)
    if isinstance(field, ReceptiveField):
        _outline(ax, field)
        if around is not None:
            _show_around(ax, field, around)
    if colorbar:
        color_bar(ax, image, "weight", ticks=_decades(end) if log else None)
    return ax


@styled
def receptive_fields(
    rows: Mapping[str, Mapping[str, ReceptiveField]], ax: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Receptive fields side by side, in the structure of the paper's Fig. 13C.

    Parameters
    ----------
    rows : mapping of model to a mapping of parameter to ReceptiveField
        One row of pictures for each model, each with its own scale: a field is divided by its
        largest absolute weight.
    ax : ndarray of Axes, or None
        As many rows as ``rows``, as many columns as the longest of them.
    """
    columns = max((len(row) for row in rows.values()), default=0)
    if columns == 0:
        raise ValueError("no receptive fields to draw")
    if ax is None:
        ax = subplots(len(rows), columns, 2.0)
    if ax.shape != (len(rows), columns):
        raise ValueError(f"ax of shape {ax.shape} is not {(len(rows), columns)}")
    image = None
    for (name, fields), line in zip(rows.items(), ax, strict=True):
        for (title, field), one in zip(fields.items(), line, strict=False):
            weights = _summed(field)
            scale = float(np.abs(weights).max()) or 1.0
            image = _picture(one, weights / scale, Normalize(-1, 1))
            _outline(one, field)
            one.set_title(title)
        line[0].set_ylabel(name)
        for unused in line[len(fields) :]:
            unused.set_axis_off()
    bar = ax[0, 0].figure.colorbar(image, ax=list(ax.flat), shrink=0.8, pad=0.01)
    bar.set_label("weight / largest")
    return ax


@styled
def weight_by_distance(fields: Mapping[str, ReceptiveField], ax: Axes | None = None) -> Axes:
    """Normalised weight against distance from the output pixel, on a logarithmic axis."""
    ax = one_axes(ax)
    for i, (name, field) in enumerate(fields.items()):
        rings = field.by_distance()
        floor = 1e-10 * float(np.max(rings.weight, initial=0.0))  # the rest is rounding
        # Dashes, so that lines that coincide are both seen.
        dash = "solid" if i == 0 else (0, (4, 4))
        ax.plot(rings.distance, shown(rings.weight, floor), linestyle=dash, label=name)
    log_power_axis(ax)
    ax.set_xlabel("distance from the output pixel (pixels)")
    ax.set_ylabel("mean |weight| / Σ|weight|")
    ax.legend()
    return ax


@styled
def filters(
    images: FloatArray, ax: Axes | None = None, *, channels: bool = False, columns: int = 8
) -> Axes:
    """Rows of an encoder or decoder as a sheet of small pictures, each on its own scale.

    Parameters
    ----------
    images : ndarray, shape (n, H, W), or (n, H, W, channels) with ``channels``
        As `LinearModel.encoder` and `LinearModel.decoder` return them; of signals, (n, D), lines
        are drawn.
    ax : Axes or None
    channels : bool
        The last axis is red, green and blue; zero is middle gray.
    columns : int
        Pictures in a row.
    """
    n, ndim = len(images), 4 if channels else 3
    if n == 0 or images.ndim not in (2, ndim) or (channels and images.shape[-1] != 3):
        raise ValueError(f"images of shape {images.shape} with {channels=} are not filters")
    ax = one_axes(ax)
    if images.ndim == 2:
        step = 2.2 * float(np.abs(images).max() or 1.0)
        ax.plot(images.T - step * np.arange(n), color=BLACK, linewidth=1)
        ax.set_yticks(-step * np.arange(n), [str(i + 1) for i in range(n)])
        ax.set_xlabel("pixel")
        return ax
    height, width = images.shape[1:3]
    columns = min(columns, n)
    rows = -(-n // columns)
    gap = max(1, width // 16)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), np.nan)
    for i, image in enumerate(images):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        size = float(np.abs(image).max()) or 1.0
        look = (
            image / (2 * size) + 0.5
            if channels
            else mpl.colormaps[SIGNED_MAP](image / size / 2 + 0.5)[..., :3]
        )
        sheet[top : top + height, left : left + width] = look
    _picture(ax, np.nan_to_num(sheet, nan=1.0))
    return ax


@styled
def eigenvalues(
    models: LinearModel | ArrayLike | Mapping[str, LinearModel | ArrayLike],
    ax: Axes | None = None,
) -> Axes:
    """Eigenvalues of μ²SQ⁻¹S in descending order: the power that each number of a code explains.

    Parameters
    ----------
    models : LinearModel, eigenvalues, or a mapping of label to either
    ax : Axes or None

    Raises
    ------
    ValueError
        If a model has none, as with a hidden target.
    """
    named = models if isinstance(models, Mapping) else {"": models}
    ax = one_axes(ax)
    for name, model in named.items():
        values = model.eigenvalues_ if isinstance(model, LinearModel) else np.asarray(model)
        if values is None:
            raise ValueError(f"{model!r} has no eigenvalues")
        floor = 1e-14 * float(values[0]) if len(values) else 0.0
        marker = "." if len(values) < 40 else None
        ax.plot(np.arange(1, len(values) + 1), shown(values, floor), marker=marker, label=name)
    ax.set_xscale("log")
    log_power_axis(ax)
    ax.set_xlabel("place")
    ax.set_ylabel("explained power per image")
    if any(named):
        ax.legend()
    return ax


@styled
def response(
    responses: Response | Mapping[str, Response],
    ax: Axes | None = None,
    *,
    curves: Sequence[str] = CURVES,
) -> Axes:
    """What models make of each frequency, over rings, as parts of the original power.

    Parameters
    ----------
    responses : FrequencyResponse or RadialResponse, or a mapping of label to either
    ax : Axes or None
    curves : sequence of str
        Of "gain", "explained", "passed", "aliased", "noise", "error", "reconstructed". One model
        has a colour for each; several models have a colour for each model.

    Raises
    ------
    ValueError
        If there is no such curve.
    """
    unknown = [curve for curve in curves if curve not in LABELS]
    if unknown:
        raise ValueError(f"curves={unknown} are not among {', '.join(LABELS)}")
    named = responses if isinstance(responses, Mapping) else {"": responses}
    if not named or not curves:
        raise ValueError("no responses to draw")
    ax = one_axes(ax)
    frequency: FloatArray = np.empty(0)
    for i, (name, one) in enumerate(named.items()):
        rings = one.radial() if isinstance(one, FrequencyResponse) else one
        frequency = rings.frequency
        for j, curve in enumerate(curves):
            values = _part(rings, curve)
            colour, dash = (j, "solid") if len(named) == 1 else (i, DASHES[j % len(DASHES)])
            label = (
                f"{name}: {LABELS[curve]}" if name and len(curves) > 1 else name or LABELS[curve]
            )
            (line,) = ax.plot(
                frequency, values, color=CYCLE[colour % len(CYCLE)], linestyle=dash, label=label
            )
            if len(named) == 1 and curve == "gain":
                # Gain and explained may be one curve; both are to be seen.
                line.set(linestyle=(0, (4, 4)), zorder=3)
    ax.axhline(0, color=GRAY, linewidth=0.7)
    log_frequency_axis(ax, frequency, (1.0,))
    one_curve = len(curves) == 1
    ax.set_ylabel(LABELS[curves[0]] if one_curve else "part of the original power")
    if len(named) == 1:
        ax.legend()
    else:  # many lines leave no room inside
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2)
    return ax


@styled
def response_power(one: Response, ax: Axes | None = None) -> Axes:
    """Power density of the originals, of what a model makes of them, and of its error.

    Channels are summed.
    """
    ax = one_axes(ax)
    rings = one.radial() if isinstance(one, FrequencyResponse) else one
    floor = 1e-14 * float(rings.original.max(initial=0.0))
    for name, dash in (
        ("original", "solid"),
        ("reconstructed", "solid"),
        ("error", "solid"),
        ("passed", "dashed"),
        ("aliased", "dashed"),
        ("noise", "dashed"),
    ):
        ax.plot(rings.frequency, shown(getattr(rings, name), floor), linestyle=dash, label=name)
    log_frequency_axis(ax, rings.frequency, (1.0,))
    log_power_axis(ax)
    ax.set_ylabel(power_label("density", (1.0, 1.0)))
    ax.legend()
    return ax


@styled
def reconstruction(one: Reconstruction, ax: NDArray[Any] | None = None) -> NDArray[Any]:
    """One image through a model: original, what the model saw, its output, error, spectra.

    Parameters
    ----------
    one : Reconstruction
        Of an image, gray or in colours from 0 to 1.
    ax : ndarray of Axes, shape (2, 3), or None

    Returns
    -------
    ndarray of Axes, shape (2, 3)
    """
    if one.grid.ndim != 2:
        raise ValueError(f"a reconstruction of shape {one.grid.shape} is not of an image")
    if ax is None:
        ax = subplots(2, 3, 3.3)
    if ax.shape != (2, 3):
        raise ValueError(f"ax of shape {ax.shape} is not (2, 3)")
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
        _picture(axis, np.clip(pixels, 0, 1), Normalize(0, 1), "gray")
        axis.set_title(title)
    error, end = _error(one)
    image = _picture(ax[1, 1], error, Normalize(-end, end))
    ax[1, 1].set_title("error: reconstruction − original")
    bar = {"location": "bottom", "shrink": 0.9, "pad": 0.02, "ticks": MaxNLocator(5)}
    ax[1, 1].figure.colorbar(image, ax=ax[1, 1], **bar)
    _spectra(one, ax[1, 2])
    return ax


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
    """A strip for each image: original, masked, reconstruction, hidden patches filled in, error.

    Parameters
    ----------
    several : sequence of Reconstruction
        Of masked images, gray or in colours from 0 to 1.
    ax : ndarray of Axes, shape (len(several), 5), or None
    names : sequence of str
        What to write beside each strip.
    """
    if ax is None:
        ax = subplots(len(several), 5, 2.1)
    if ax.shape != (len(several), 5):
        raise ValueError(f"ax of shape {ax.shape} is not ({len(several)}, 5)")
    titles = ("original", "masked", "reconstruction", "hidden filled in", "error")
    for row, one in zip(ax, several, strict=True):
        pixels = (one.original, _seen(one), one.output, one.filled)
        for axis, shown_ in zip(row, pixels, strict=False):
            _picture(axis, np.clip(shown_, 0, 1), Normalize(0, 1), "gray")
        error, end = _error(one)
        _picture(row[4], error, Normalize(-end, end))
    for axis, title in zip(ax[0], titles, strict=True):
        axis.set_title(title)
    for row, name in zip(ax, names, strict=False):
        row[0].set_ylabel(name)
    return ax


@styled
def heat_map(
    values: FloatArray,
    rows: Sequence[Any],
    columns: Sequence[Any],
    ax: Axes | None = None,
    *,
    label: str = "explained power, held out",
    row_label: str = "patch size (pixels)",
    column_label: str = "mask ratio",
) -> Axes:
    """A table of numbers as colours, with the numbers written in.

    Parameters
    ----------
    values : ndarray, shape (len(rows), len(columns))
        NaN where there is none.
    """
    ax = one_axes(ax)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    image = ax.imshow(values, cmap="viridis", vmin=low, vmax=high, aspect="auto")
    for i, j in np.ndindex(*values.shape):
        if np.isfinite(values[i, j]):
            bright = (values[i, j] - low) / (high - low or 1.0) > 0.6
            ax.text(
                j,
                i,
                f"{values[i, j]:.3f}",
                ha="center",
                va="center",
                fontsize="small",
                color=BLACK if bright else "white",
            )
    ax.set_xticks(range(len(columns)), [f"{c:g}" for c in columns])
    ax.set_yticks(range(len(rows)), [str(r) for r in rows])
    ax.set_xlabel(column_label)
    ax.set_ylabel(row_label)
    ax.spines[:].set_visible(False)
    color_bar(ax, image, label)
    return ax


def _part(rings: RadialResponse, curve: str) -> FloatArray:
    """A curve as part of the original power."""
    values: FloatArray = getattr(rings, curve)
    if curve in ("gain", "explained"):
        return values
    none = np.full(values.shape, np.nan)
    return np.divide(values, rings.original, out=none, where=rings.original > 0)


def _summed(field: ReceptiveField | ArrayLike) -> FloatArray:
    """Weights with the channels of the input summed."""
    if isinstance(field, ReceptiveField):
        weights = np.asarray(field.weights)
        return weights.sum(axis=-1) if weights.ndim > field.grid.ndim else weights
    array = np.asarray(field, dtype=float)
    if array.ndim not in (1, 2, 3):
        raise ValueError(f"weights of shape {array.shape} are not those of a signal or an image")
    return array.sum(axis=-1) if array.ndim == 3 else array


def _decades(end: float) -> FloatArray:
    """Zero and the powers of ten that a logarithmic scale of both signs up to ``end`` shows."""
    top = np.floor(np.log10(end))
    powers = 10.0 ** np.arange(top, np.log10(end) - 2.5, -1)
    return np.concatenate([-powers, [0.0], powers[::-1]])


def _picture(
    ax: Axes, pixels: FloatArray, norm: Normalize | None = None, colours: str = SIGNED_MAP
) -> AxesImage:
    """Pixels without ticks or frame."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    return ax.imshow(pixels, cmap=colours, norm=norm, interpolation="nearest")


def _show_around(ax: Axes, field: ReceptiveField, around: int) -> None:
    """Limit the axes to the own patch and ``around`` patches on each side of it."""
    limits = []
    for n, p, place in zip(
        field.grid.shape, field.grid.patch_size, field.output_pixel, strict=True
    ):
        first = place // p * p
        limits.append((max(0, first - around * p) - 0.5, min(n, first + (around + 1) * p) - 0.5))
    (top, bottom), (left, right) = limits
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)


def _outline(ax: Axes, field: ReceptiveField) -> None:
    row, column = field.output_pixel
    height, width = field.grid.patch_size
    corner = (column // width * width - 0.5, row // height * height - 0.5)
    ax.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=BLACK, linewidth=0.8))
    ax.plot([column], [row], marker="+", color=BLACK, markersize=5)
