"""Pictures of training runs, of sweeps over them, and of what was learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import Formatter, FuncFormatter, MaxNLocator, StrMethodFormatter

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.plot.drawing.figures import color_bar, one_axes
from spectral_mae.plot.drawing.frequency_axes import few_digits
from spectral_mae.plot.drawing.style import BLACK, GRAY, styled

MARKERS = "osD^vP*"


@styled
def training(
    columns: Mapping[str, Sequence[float]],
    ax: Axes | None = None,
    *,
    lines: Mapping[str, float] | None = None,
) -> Axes:
    """Draw the losses of a training run over its epochs.

    Parameters
    ----------
    columns : mapping of str to sequence
        ``epoch``, ``loss`` and ``held_out`` (the loss of held-out images, NaN where it is not
        known), as `nonlinear.training.History.to_dict` returns them.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    lines : mapping of str to float, or None
        Losses to compare with, by label, drawn as horizontal lines.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Examples
    --------
    >>> import numpy as np
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> epoch = np.arange(1, 21)
    >>> columns = {"epoch": epoch, "loss": 0.31 + 0.6 * np.exp(-epoch / 5),
    ...            "held_out": 0.34 + 0.6 * np.exp(-epoch / 5)}
    >>> ax = plot.training(columns, lines={"best linear map": 0.36})
    """
    if lines is not None and not isinstance(lines, Mapping):
        raise TypeError(f"lines={_checks.brief(lines)} is not a mapping of label to loss")
    levels = {n: _checks.real_number(f"lines[{n!r}]", v) for n, v in (lines or {}).items()}
    epoch, *losses = _columns(columns, "epoch", "loss", "held_out")
    ax = one_axes(ax)
    marker = "." if len(epoch) < 40 else None
    ends = []
    for values, label in zip(losses, ("training", "held out"), strict=True):
        known = np.isfinite(values)
        if known.any():
            ax.plot(epoch[known], values[known], marker=marker, label=label)
            ends.append(values[known][[0, -1]])
    for name, value in levels.items():
        ax.axhline(value, color=GRAY, linestyle="dashed", linewidth=1)
        # At the end of the axis where the curves are further from the line.
        left, right = np.abs(np.array(ends) - value).min(axis=0) if ends else (0, 0)
        end = (1, "right") if right > left else (0.02, "left")
        ax.annotate(
            name, (end[0], value), xycoords=("axes fraction", "data"), ha=end[1], va="bottom"
        )
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    text: Formatter = FuncFormatter(few_digits) if high > 10 * low else StrMethodFormatter("{x:g}")
    ax.yaxis.set_major_formatter(text)
    ax.yaxis.set_minor_formatter(text)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("epoch")
    ax.set_ylabel("mean squared error (units of the model)")
    ax.legend()
    return ax


@styled
def loss_and_accuracy(
    columns: Mapping[str, Sequence[float]],
    ax: Axes | None = None,
    *,
    label: str = "mask_ratio",
    against: str = "loss",
    series: str | None = None,
) -> Axes:
    """Draw the probe accuracy of training runs against their loss, with bars of one standard error.

    Parameters
    ----------
    columns : mapping of str to sequence
        ``loss``, ``accuracy``, ``stderr`` and ``label``, as
        `nonlinear.training_sweep.TrainingSweep` returns them.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    label : str
        The column that is written beside each point.
    against : str
        The column of the horizontal axis.
    series : str or None
        A column; each of its values has a colour and a marker.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> columns = {"loss": [0.457, 0.550, 0.668, 0.639, 0.709, 0.860],
    ...            "accuracy": [0.380, 0.391, 0.384, 0.340, 0.326, 0.316],
    ...            "stderr": [0.008, 0.015, 0.010, 0.009, 0.008, 0.008],
    ...            "mask_ratio": [0.5, 0.75, 0.9] * 2, "patch_size": [4, 4, 4, 8, 8, 8]}
    >>> ax = plot.loss_and_accuracy(columns, series="patch_size")
    >>> ax.get_ylabel().splitlines()
    ['accuracy of a linear probe', '(numbers: mask ratio)']
    """
    place, accuracy, stderr, written = _columns(columns, against, "accuracy", "stderr", label)
    groups = np.zeros(len(place)) if series is None else _columns(columns, series)[0]
    ax = one_axes(ax)
    for i, value in enumerate(np.unique(groups)):
        mine = groups == value
        name = None if series is None else f"{series.replace('_', ' ')} {value:g}"
        ax.errorbar(
            place[mine],
            accuracy[mine],
            stderr[mine],
            fmt=MARKERS[i % len(MARKERS)],
            markersize=5,
            capsize=2,
            elinewidth=0.8,
            label=name,
        )
    for x, y, value in zip(place, accuracy, written, strict=True):
        ax.annotate(
            f"{value:g}", (x, y), textcoords="offset points", xytext=(5, 4), fontsize="small"
        )
    shown = "mean squared error of hidden pixels,\nimages held out (units of the model)"
    ax.set_xlabel(shown if against == "loss" else against.replace("_", " "))
    ax.set_ylabel(f"accuracy of a linear probe\n(numbers: {label.replace('_', ' ')})")
    if series is not None:  # among the points there is no room
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return ax


@styled
def label_efficiency(
    curves: Mapping[str, Sequence[tuple[float, float, float]]], ax: Axes | None = None
) -> Axes:
    """Draw accuracy over the number of labelled images, with bars of one standard error.

    Parameters
    ----------
    curves : mapping of str to sequence of tuple of float
        For each label, (labelled images, accuracy, standard error) of each point.
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
    >>> curves = {"fine-tuned": [(1000, 0.451, 0.008), (3000, 0.549, 0.007), (1e4, 0.605, 0.007)],
    ...           "random start": [(1000, 0.399, 0.008), (3000, 0.489, 0.007), (1e4, 0.531, 0.007)]}
    >>> ax = plot.label_efficiency(curves)
    >>> ax.get_xscale(), ax.get_xlabel()
    ('log', 'labelled images')
    """
    if not isinstance(curves, Mapping):
        raise TypeError(f"curves={_checks.brief(curves)} is not a mapping of label to points")
    if not curves:
        raise ValueError("no curves to draw: the mapping is empty")
    points = {
        name: _checks.real_array(f"curves[{name!r}]", given) for name, given in curves.items()
    }
    for name, rows in points.items():
        if rows.ndim != 2 or rows.shape[1] != 3 or len(rows) == 0:
            raise ValueError(
                f"curves[{name!r}] of shape {rows.shape} is not (n, 3): labelled images, accuracy, "
                "standard error"
            )
    ax = one_axes(ax)
    counts: list[float] = []
    for i, (name, rows) in enumerate(points.items()):
        n, accuracy, stderr = rows.T
        marker = MARKERS[i % len(MARKERS)]
        ax.errorbar(n, accuracy, stderr, marker=marker, markersize=4, capsize=2, label=name)
        counts += n.tolist()
    ticks = sorted(set(counts))
    ax.set_xscale("log")
    ax.set_xticks(ticks, [f"{n:,.0f}" for n in ticks])
    ax.set_xticks([], minor=True)
    ax.set_xlabel("labelled images")
    ax.set_ylabel("accuracy, images held out")
    ax.legend()
    return ax


@styled
def layer_similarity(
    table: FloatArray,
    ax: Axes | None = None,
    *,
    rows: str = "layers",
    columns: str = "layers",
    first: str = "embedding",
) -> Axes:
    """Draw the similarity of layers of two networks (CKA) as colours with the numbers written in.

    Parameters
    ----------
    table : ndarray, shape (layers, layers)
        As `nonlinear.layer_similarity` returns it: the embedding first, then the blocks.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    rows : str
        Label of the network whose layers are the rows.
    columns : str
        Label of the network whose layers are the columns.
    first : str
        Label of layer 0.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Examples
    --------
    >>> import numpy as np
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> layers = np.arange(5)
    >>> table = np.exp(-np.abs(layers[:, np.newaxis] - layers) / 2)
    >>> ax = plot.layer_similarity(table, rows="trained", columns="random start")
    >>> [text.get_text() for text in ax.texts[:2]], ax.get_ylabel()
    (['1.000', '0.607'], 'trained')
    """
    values = _checks.real_array("table", table).astype(np.float64)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"a table of shape {values.shape} is not (layers, layers)")
    ax = one_axes(ax)
    image = ax.imshow(values, cmap="viridis", vmin=min(0.0, float(values.min())), vmax=1)
    for i, j in np.ndindex(*values.shape):
        colour = BLACK if values[i, j] > 0.6 else "white"
        ax.text(
            j, i, f"{values[i, j]:.3f}", ha="center", va="center", color=colour, fontsize="small"
        )
    names = [first, *(f"block {k}" for k in range(1, max(values.shape)))]
    ax.set_xticks(range(values.shape[1]), names[: values.shape[1]], rotation=30, ha="right")
    ax.set_yticks(range(values.shape[0]), names[: values.shape[0]])
    ax.set_xlabel(columns)
    ax.set_ylabel(rows)
    ax.spines[:].set_visible(False)
    color_bar(ax, image, "CKA")
    return ax


def _columns(columns: Mapping[str, Sequence[float]], *names: str) -> list[FloatArray]:
    """Columns of a table as arrays of one length; NaN may stand in them."""
    absent = [name for name in names if not isinstance(name, str)]
    if absent:
        raise TypeError(f"{_checks.brief(absent[0])} is not the name of a column")
    if not isinstance(columns, Mapping) or any(name not in columns for name in names):
        wanted = ", ".join(repr(name) for name in names)
        raise ValueError(
            f"columns={_checks.brief(columns)} is not a mapping with {wanted}: to_dict() of a "
            "History or a TrainingSweep makes one"
        )
    found: list[FloatArray] = [_checks.real_pixels(name, columns[name]) for name in names]
    if len({values.shape for values in found}) > 1 or found[0].ndim != 1:
        shapes = ", ".join(str(values.shape) for values in found)
        raise ValueError(f"columns {', '.join(names)} of shapes {shapes} are not of one length")
    return found
