"""Pictures of trainings and of sweeps over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from spectral_mae.plot.drawing import GRAY, one_axes, styled


@styled
def training(
    columns: Mapping[str, Sequence[float]],
    ax: Axes | None = None,
    *,
    lines: Mapping[str, float] | None = None,
) -> Axes:
    """Losses of a training by epoch.

    Parameters
    ----------
    columns : mapping of str to sequence
        ``epoch``, ``loss`` and ``held_out`` (not drawn where it is NaN), as
        `nonlinear.training.History.to_dict` gives them.
    ax : Axes or None
    lines : mapping of label to loss, or None
        Drawn across, to compare with, such as the best linear model.
    """
    ax = one_axes(ax)
    epoch = np.asarray(columns["epoch"], float)
    marker = "." if len(epoch) < 40 else None
    for name, label in (("loss", "training"), ("held_out", "held out")):
        values = np.asarray(columns[name], float)
        if np.isfinite(values).any():
            ax.plot(epoch, values, marker=marker, label=label)
    for name, value in (lines or {}).items():
        ax.axhline(value, color=GRAY, linestyle="dashed", linewidth=1)
        ax.annotate(name, (1, value), xycoords=("axes fraction", "data"), ha="right", va="bottom")
    ax.set_yscale("log")
    ax.set_xlabel("epoch")
    ax.set_ylabel("mean squared error (units of the model)")
    ax.legend()
    return ax


@styled
def loss_and_accuracy(
    columns: Mapping[str, Sequence[float]], ax: Axes | None = None, *, label: str = "mask_ratio"
) -> Axes:
    """Probe accuracy of trainings against their loss, one standard error up and down.

    Parameters
    ----------
    columns : mapping of str to sequence
        ``loss``, ``accuracy``, ``stderr`` and ``label``, as `nonlinear.sweep.TrainingSweep` has
        them.
    ax : Axes or None
    label : str
        The column that is written beside each point.
    """
    ax = one_axes(ax)
    loss, accuracy = (np.asarray(columns[name], float) for name in ("loss", "accuracy"))
    ax.errorbar(loss, accuracy, np.asarray(columns["stderr"], float), fmt="o", capsize=2)
    for x, y, value in zip(loss, accuracy, columns[label], strict=True):
        ax.annotate(f"{value:g}", (x, y), textcoords="offset points", xytext=(5, 4))
    ax.set_xlabel("mean squared error of hidden pixels, images held out (units of the model)")
    ax.set_ylabel(f"accuracy of a linear probe (numbers: {label.replace('_', ' ')})")
    return ax
