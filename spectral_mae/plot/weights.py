"""Pictures of whole weight matrices and encoders, and of what linearisations miss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.linear.bottleneck import filter_energy
from spectral_mae.masks.patches import PatchGrid, expect_grid
from spectral_mae.plot.drawing import BLACK, GRAY, color_bar, named, one_axes, picture, styled
from spectral_mae.theory import GapCurve

BORDER: dict[str, Any] = {"color": GRAY, "linewidth": 0.6}


@styled
def weight_matrix(
    matrix: ArrayLike,
    grid: PatchGrid,
    ax: Axes | None = None,
    *,
    output_label: str = "output pixel",
    outputs_in_patches: bool = True,
    colorbar: bool = True,
) -> Axes:
    """W of signals, inputs in rows and outputs in columns, as x̂ = x̃W has them; or A or B.

    Parameters
    ----------
    matrix : array_like, shape (D, n)
        `LinearMAE.weight_matrix`, or the columns of an encoder.
    grid : PatchGrid
        Of one axis of D pixels; ticks mark where its patches begin.
    ax : Axes or None
    output_label : str
        Name of the columns.
    outputs_in_patches : bool
        The columns are pixels, too, with ticks where patches begin.
    colorbar : bool

    Raises
    ------
    ValueError
        If the matrix does not fit the grid.
    """
    expect_grid(grid)
    colorbar = _checks.flag("colorbar", colorbar)
    outputs_in_patches = _checks.flag("outputs_in_patches", outputs_in_patches)
    values = _checks.real_array("matrix", matrix).astype(np.float64)
    if grid.ndim != 1 or values.ndim != 2 or len(values) != grid.shape[0]:
        raise ValueError(f"a matrix of shape {values.shape} does not fit signals of {grid.shape}")
    ax = one_axes(ax)
    end = float(np.abs(values).max()) or 1.0
    image = picture(ax, values, Normalize(-end, end))
    ax.set_aspect("auto")
    # Ticks, for lines would cover the pixels at the borders, which are the point.
    starts = grid.starts()[:, 0]
    named = starts if len(starts) <= 8 else starts[:: -(-len(starts) // 8)]
    ax.set_yticks(starts - 0.5, [str(s) if s in named else "" for s in starts])
    if outputs_in_patches:
        ax.set_xticks(starts - 0.5, [str(s) if s in named else "" for s in starts])
    ax.set_xlabel(output_label)
    ax.set_ylabel("input pixel")
    ax.spines[:].set_visible(True)
    if colorbar:
        color_bar(ax, image, "weight")
    return ax


@styled
def encoder_energy(
    filters: FloatArray, grid: PatchGrid, ax: Axes | None = None, *, colorbar: bool = True
) -> Axes:
    """Where an encoder (or decoder) reads: Σ a² at each pixel, over the mean of all pixels.

    Parameters
    ----------
    filters : ndarray, shape (n, *shape[, channels])
        As `LinearMAE.encoder` gives them.
    grid : PatchGrid
        Lines mark its patches.
    ax : Axes or None
    colorbar : bool
    """
    colorbar = _checks.flag("colorbar", colorbar)
    energy = filter_energy(filters, grid)
    energy = energy / (float(energy.mean()) or 1.0)
    ax = one_axes(ax)
    if grid.ndim == 1:
        ax.plot(np.arange(len(energy)), energy, color=BLACK, marker=".", linewidth=1)
        for start in grid.starts()[1:, 0]:
            ax.axvline(start - 0.5, **BORDER)
        ax.set_ylim(bottom=0)
        ax.set_xlabel("input pixel")
        ax.set_ylabel("energy / mean")
        return ax
    image = picture(ax, energy, Normalize(0, float(energy.max())), "viridis")
    if colorbar:
        color_bar(ax, image, "energy / mean")
    return ax


@styled
def gap(curves: GapCurve | Mapping[str, GapCurve], ax: Axes | None = None) -> Axes:
    """What Lemmas 4 and 5 miss of the expected loss, by mask ratio, as a share of image power.

    Parameters
    ----------
    curves : GapCurve, or a mapping of label to GapCurve
    ax : Axes or None
    """
    several = named("curves", curves, GapCurve, "theory.gap_by_mask_ratio makes one")
    ax = one_axes(ax)
    for name, curve in several.items():
        share, stderr = curve.gap / curve.power, curve.stderr / curve.power
        (line,) = ax.plot(curve.mask_ratio, share, marker=".", label=name)
        if np.any(stderr > 0):
            ax.fill_between(
                curve.mask_ratio,
                share - stderr,
                share + stderr,
                color=line.get_color(),
                alpha=0.25,
                linewidth=0,
            )
    ax.axhline(0, color=GRAY, linewidth=0.7)
    ax.set_xlim(0, 1)
    ax.set_xlabel("mask ratio")
    ax.set_ylabel("(expected loss − formula) / power")
    if any(several):
        ax.legend()
    return ax
