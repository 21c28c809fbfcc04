"""Pictures of weight matrices and encoders, and of the error of linearisations."""

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
from spectral_mae.plot.drawing.figures import color_bar, named, one_axes, picture
from spectral_mae.plot.drawing.style import BLACK, GRAY, styled
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
    """Draw the matrix W of a model of signals, inputs in rows and outputs in columns (x̂ = x̃W).

    It also draws an encoder A or a decoder B.

    Parameters
    ----------
    matrix : array_like, shape (D, n)
        `LinearMAE.weight_matrix`, or the columns of an encoder.
    grid : PatchGrid
        Grid of one axis of D pixels; ticks mark where its patches begin.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    output_label : str
        Label of the columns.
    outputs_in_patches : bool
        Whether the columns are pixels too; ticks then mark where patches begin.
    colorbar : bool
        Whether to draw the colour scale.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    ValueError
        If the matrix does not fit the grid.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> moments = sm.ising.chain_moments(64, 1.0, 8)
    >>> model = sm.LinearMAE(8, 0.5).fit_moments(moments)
    >>> ax = plot.weight_matrix(model.weight_matrix(), sm.PatchGrid(64, 8))
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
    """Draw the energy of an encoder or decoder at each pixel: Σ a², relative to the mean pixel.

    Parameters
    ----------
    filters : ndarray, shape (n, *shape[, channels])
        As `LinearMAE.encoder` returns them.
    grid : PatchGrid
        Grid of the images; lines mark its patches.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    colorbar : bool
        Whether to draw the colour scale.

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
    >>> model = sm.LinearMAE(8, 0.5, rank=32, covariance="stationary").fit(tiles)
    >>> ax = plot.encoder_energy(model.encoder(), sm.PatchGrid((32, 32), 8))
    """
    colorbar = _checks.flag("colorbar", colorbar)
    energy = filter_energy(filters, grid)
    if grid.ndim > 2:
        raise ValueError(f"filters of volumes, shape={grid.shape}, have no map")
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
    """Draw the error of Lemmas 4 and 5 by mask ratio, as a fraction of image power.

    Parameters
    ----------
    curves : GapCurve or mapping of str to GapCurve
        One curve, or curves by label.
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
    >>> images = np.random.default_rng(0).standard_normal((5, 8)).cumsum(axis=1)
    >>> options = {"sampling": "bernoulli", "rng": 0}
    >>> def curve(lemma):
    ...     ratios = np.linspace(0.05, 0.95, 10)
    ...     return sm.theory.gap_by_mask_ratio(lemma, np.tanh, images, 2, ratios, **options)
    >>> ax = plot.gap({"Lemma 4": curve(sm.theory.lemma_4), "Lemma 5": curve(sm.theory.lemma_5)})
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
