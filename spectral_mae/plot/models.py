"""Pictures of linear models: receptive fields, filters, eigenvalues, responses, reconstructions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, SymLogNorm
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.linear.model import LinearModel
from spectral_mae.linear.receptive_field import ReceptiveField
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.plot.drawing.figures import color_bar, many_axes, named, one_axes, picture
from spectral_mae.plot.drawing.frequency_axes import log_power_axis, shown
from spectral_mae.plot.drawing.style import BLACK, GRAY, SIGNED_MAP, styled

FIELD = "model.receptive_field(output_pixel) makes one"


@styled
def receptive_field(
    field: ReceptiveField | ArrayLike,
    ax: Axes | None = None,
    *,
    colorbar: bool = True,
    log: bool = False,
    around: int | None = None,
) -> Axes:
    """Draw the weights of one output pixel: a map for images, a line for signals.

    Weights of input channels are summed. For a `ReceptiveField`, the output pixel's own patch is
    outlined and the output pixel is marked; of a volume the map is of the output pixel's place
    along the first axis, as the title says: of a video, its frame.

    Parameters
    ----------
    field : ReceptiveField or array_like, shape (*shape[, channels])
        The weights. An array of two axes is an image.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    colorbar : bool
        Whether to draw the colour scale.
    log : bool
        Use a scale that is logarithmic from a thousandth of the largest weight upwards, in both
        signs.
    around : int or None
        Show only this many patches on each side of the output pixel's own patch; None shows all.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> fields = sm.fields.gaussian_fields(sm.fields.power_law((64, 64), -2.0), 200, rng=0)
    >>> model = sm.LinearMAE(8, 0.75, covariance="stationary").fit(fields)
    >>> ax = plot.receptive_field(model.receptive_field((35, 35)), log=True)
    """
    colorbar, log = _checks.flag("colorbar", colorbar), _checks.flag("log", log)
    if around is not None:
        around = _checks.integer("around", around, least=0)
    frame = _frame(field) if isinstance(field, ReceptiveField) else field
    weights = _summed(frame)
    ax = one_axes(ax)
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
    image = picture(ax, weights, norm)
    if isinstance(frame, ReceptiveField):
        _outline(ax, frame)
        if around is not None:
            _show_around(ax, frame, around)
    if isinstance(field, ReceptiveField) and frame is not field:
        ax.set_title(f"inputs at {field.output_pixel[0]} along the first axis")
    if colorbar:
        color_bar(ax, image, "weight", ticks=_decades(end) if log else None)
    return ax


@styled
def receptive_fields(
    rows: Mapping[str, Mapping[str, ReceptiveField]],
    ax: NDArray[Any] | None = None,
    *,
    log: bool = False,
) -> NDArray[Any]:
    """Draw receptive fields side by side, in the structure of the paper's Fig. 13C.

    Parameters
    ----------
    rows : mapping of str to mapping of str to ReceptiveField
        For each model, fields by the value of a parameter. Each map is divided by its largest
        absolute weight; of volumes it is that of `receptive_field`.
    ax : ndarray of Axes or None
        As many rows as ``rows`` and as many columns as the longest of them; None makes a new
        figure.
    log : bool
        Use a scale that is logarithmic from a hundredth of the largest weight upwards, in both
        signs.

    Returns
    -------
    ndarray of Axes
        The axes.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:astronaut").pixels
    >>> tiles = image.reshape(8, 64, 8, 64).swapaxes(1, 2).reshape(-1, 64, 64)
    >>> def field(model):
    ...     return model.fit(tiles).receptive_field((35, 35))
    >>> masked = {m: field(sm.LinearMAE(8, m, covariance="stationary")) for m in (0.25, 0.75)}
    >>> noisy = {s: field(sm.LinearDAE(8, s, covariance="stationary")) for s in (0.1, 0.3)}
    >>> rows = {"masked": {f"{m:.0%} hidden": one for m, one in masked.items()},
    ...         "denoising": {f"noise {s}": one for s, one in noisy.items()}}
    >>> ax = plot.receptive_fields(rows, log=True)
    """
    log = _checks.flag("log", log)
    if not isinstance(rows, Mapping) or not all(isinstance(r, Mapping) for r in rows.values()):
        raise TypeError(
            f"rows={_checks.brief(rows)} is not a mapping of model to a mapping of title to "
            "ReceptiveField"
        )
    for name, row in rows.items():
        if row:
            named(f"rows[{name!r}]", row, ReceptiveField, FIELD)
    columns = max((len(row) for row in rows.values()), default=0)
    if columns == 0:
        raise ValueError("no receptive fields to draw")
    ax = many_axes(ax, (len(rows), columns), 2.0)
    image = None
    norm = SymLogNorm(1e-2, vmin=-1, vmax=1) if log else Normalize(-1, 1)
    for (name, fields), line in zip(rows.items(), ax, strict=True):
        for (title, field), one in zip(fields.items(), line, strict=False):
            frame = _frame(field)
            weights = _summed(frame)
            scale = float(np.abs(weights).max()) or 1.0
            image = picture(one, weights / scale, norm)
            _outline(one, frame)
            one.set_title(title)
        line[0].set_ylabel(name)
        for unused in line[len(fields) :]:
            unused.set_axis_off()
    ticks = np.array([-1, -0.1, -0.01, 0, 0.01, 0.1, 1]) if log else None
    bar = ax[0, 0].figure.colorbar(image, ax=list(ax.flat), shrink=0.8, pad=0.01, ticks=ticks)
    if ticks is not None:
        bar.ax.set_yticklabels([f"{tick:g}" for tick in ticks])
    bar.set_label("weight / largest")
    return ax


@styled
def weight_by_distance(
    fields: ReceptiveField | Mapping[str, ReceptiveField], ax: Axes | None = None
) -> Axes:
    """Draw normalised weights against distance from the output pixel, on a logarithmic axis.

    Parameters
    ----------
    fields : ReceptiveField or mapping of str to ReceptiveField
        One field, or fields by label.
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
    >>> image = sm.read_image("builtin:astronaut").pixels
    >>> tiles = image.reshape(8, 64, 8, 64).swapaxes(1, 2).reshape(-1, 64, 64)
    >>> def field(ratio):
    ...     model = sm.LinearMAE(8, ratio, covariance="stationary").fit(tiles)
    ...     return model.receptive_field((35, 35))
    >>> fields = {f"{m:.0%} hidden": field(m) for m in (0.5, 0.9)}
    >>> ax = plot.weight_by_distance(fields)
    """
    several = named("fields", fields, ReceptiveField, FIELD)
    ax = one_axes(ax)
    for i, (name, field) in enumerate(several.items()):
        rings = field.by_distance()
        floor = 1e-10 * float(np.max(rings.weight, initial=0.0))  # the rest is rounding
        # Dashes, so that lines that coincide are both seen.
        dash = "solid" if i == 0 else (0, (4, 4))
        ax.plot(rings.distance, shown(rings.weight, floor), linestyle=dash, label=name)
    log_power_axis(ax)
    ax.set_xlabel("distance from the output pixel (pixels)")
    ax.set_ylabel("mean |weight| / Σ|weight|")
    if any(several):
        ax.legend()
    return ax


@styled
def filters(
    images: FloatArray, ax: Axes | None = None, *, channels: bool = False, columns: int = 8
) -> Axes:
    """Draw the rows of an encoder or decoder as small pictures, each with its own scale.

    Parameters
    ----------
    images : ndarray, shape (n, H, W), or (n, H, W, channels) with ``channels``
        As `LinearModel.encoder` and `LinearModel.decoder` return them. For signals, shape (n, D),
        lines are drawn.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    channels : bool
        Whether the last axis holds red, green and blue; zero is middle gray.
    columns : int
        Pictures in a row.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:astronaut").pixels
    >>> tiles = image.reshape(16, 32, 16, 32).swapaxes(1, 2).reshape(-1, 32, 32)
    >>> model = sm.LinearMAE(8, 0.5, rank=16, covariance="stationary").fit(tiles)
    >>> ax = plot.filters(model.encoder(), columns=8)
    """
    images = _checks.real_array("images", images)
    channels = _checks.flag("channels", channels)
    columns = _checks.positive_int("columns", columns)
    n, ndim = len(images) if images.ndim else 0, 4 if channels else 3
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
    picture(ax, np.nan_to_num(sheet, nan=1.0))
    return ax


@styled
def eigenvalues(
    models: LinearModel | ArrayLike | Mapping[str, LinearModel | ArrayLike],
    ax: Axes | None = None,
) -> Axes:
    """Draw the eigenvalues of μ²SQ⁻¹S: the power that each number of a code explains.

    They stand in descending order.

    Parameters
    ----------
    models : LinearModel, array_like, or mapping of str to either
        Fitted models or their eigenvalues.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    ValueError
        If a model has no eigenvalues, as with ``target="hidden"``.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:astronaut").pixels
    >>> tiles = image.reshape(16, 32, 16, 32).swapaxes(1, 2).reshape(-1, 32, 32)
    >>> models = {m: sm.LinearMAE(8, m, covariance="stationary").fit(tiles) for m in (0.25, 0.75)}
    >>> ax = plot.eigenvalues({f"{m:.0%} hidden": model for m, model in models.items()})
    """
    several = named("models", models, object, "")
    known = {name: _eigenvalues(model) for name, model in several.items()}
    ax = one_axes(ax)
    for name, values in known.items():
        floor = 1e-14 * float(values[0]) if len(values) else 0.0
        marker = "." if len(values) < 40 else None
        ax.plot(np.arange(1, len(values) + 1), shown(values, floor), marker=marker, label=name)
    ax.set_xscale("log")
    log_power_axis(ax)
    ax.set_xlabel("number of the eigenvalue, largest first")
    ax.set_ylabel("explained power per image")
    if any(several):
        ax.legend()
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
    digits: int = 3,
) -> Axes:
    """Draw a table of numbers as colours, with the numbers written in the cells.

    Parameters
    ----------
    values : ndarray, shape (len(rows), len(columns))
        The numbers; NaN leaves a cell empty.
    rows : sequence
        Labels of the rows.
    columns : sequence of float or str
        Labels of the columns.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    label : str
        Quantity of the colour scale.
    row_label : str
        Label of the vertical axis.
    column_label : str
        Label of the horizontal axis.
    digits : int
        Digits after the decimal point.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:astronaut").pixels
    >>> tiles = image.reshape(16, 32, 16, 32).swapaxes(1, 2).reshape(-1, 32, 32)
    >>> sizes, ratios = (4, 8, 16), (0.25, 0.5, 0.75)
    >>> def explained(size, ratio):
    ...     model = sm.LinearMAE(size, ratio, target="hidden", covariance="stationary")
    ...     return model.fit(tiles[::2]).score(tiles[1::2])
    >>> values = [[explained(size, ratio) for ratio in ratios] for size in sizes]
    >>> ax = plot.heat_map(values, sizes, ratios)
    """
    values = _checks.real_pixels("values", values)
    rows = _checks.items("rows", rows)
    columns = [
        column if isinstance(column, str) else _checks.real_number("columns", column)
        for column in _checks.items("columns", columns)
    ]
    if values.shape != (len(rows), len(columns)):
        raise ValueError(
            f"values of shape {values.shape} are not (rows, columns), {(len(rows), len(columns))}"
        )
    digits = _checks.integer("digits", digits, least=0)
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
                f"{values[i, j]:.{digits}f}",
                ha="center",
                va="center",
                fontsize="small",
                color=BLACK if bright else "white",
            )
    ax.set_xticks(range(len(columns)), [c if isinstance(c, str) else f"{c:g}" for c in columns])
    ax.set_yticks(range(len(rows)), [str(r) for r in rows])
    ax.set_xlabel(column_label)
    ax.set_ylabel(row_label)
    ax.spines[:].set_visible(False)
    color_bar(ax, image, label)
    return ax


def _eigenvalues(model: Any) -> FloatArray:
    if isinstance(model, LinearModel):
        values = model.eigenvalues_
        if values is None:
            raise ValueError(f"{model!r} has no eigenvalues")
        return values
    values = _checks.real_array("models", model)
    if values.ndim != 1:
        raise ValueError(
            f"models of shape {values.shape} are not eigenvalues, (n,); a fitted model has them"
        )
    return values


def _frame(field: ReceptiveField) -> ReceptiveField:
    """Of a volume's field the inputs at the output pixel's place along the first axis."""
    if field.grid.ndim < 3:
        return field
    grid, (place, *pixel) = field.grid, field.output_pixel
    return dataclasses.replace(
        field,
        weights=field.weights[place],
        grid=PatchGrid(grid.shape[1:], grid.patch_size[1:]),
        output_pixel=tuple(pixel),
    )


def _summed(field: ReceptiveField | ArrayLike) -> FloatArray:
    """Weights with the channels of the input summed."""
    if isinstance(field, ReceptiveField):
        weights = np.asarray(field.weights)
        return weights.sum(axis=-1) if weights.ndim > field.grid.ndim else weights
    array = _checks.real_array("field", field).astype(np.float64)
    if array.ndim not in (1, 2, 3) or array.size == 0:
        raise ValueError(f"weights of shape {array.shape} are not those of a signal or an image")
    return array.sum(axis=-1) if array.ndim == 3 else array


def _decades(end: float) -> FloatArray:
    """Zero and the powers of ten that a logarithmic scale of both signs up to ``end`` shows."""
    top = np.floor(np.log10(end))
    powers = 10.0 ** np.arange(top, np.log10(end) - 2.5, -1)
    return np.concatenate([-powers, [0.0], powers[::-1]])


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
