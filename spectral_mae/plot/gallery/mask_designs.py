"""Mask designs of one mask ratio: what they hide of a spectrum, and what can be filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spectral_mae import plot
from spectral_mae._checks import FloatArray
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.masked_spectra.expectation import leakage
from spectral_mae.masks.designs.blocks import block
from spectral_mae.masks.designs.cells import grid as cell_grid
from spectral_mae.masks.designs.cells import stratified
from spectral_mae.masks.designs.noise import color_noise
from spectral_mae.masks.designs.published import inverse_block
from spectral_mae.masks.designs.uniform import fixed
from spectral_mae.masks.designs.unions import drop_block
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.plot.designs import draw_mask, draw_spectrum, off_zero
from spectral_mae.plot.drawing.frequency_axes import log_power_axis
from spectral_mae.plot.drawing.style import CYCLE
from spectral_mae.plot.gallery.data import Data, crop_moments, one_image
from spectral_mae.spectra.octaves import octave_edges, octave_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE, PATCH, RATIO = 96, 8, 0.75


def draw(data: Data) -> Figure:
    """Which mask hides what: seven designs that hide 75 % of the patches.

    The images are 96×96 crops, by default of scikit-image's photographs, with patches of 8 pixels.
    Above: a mask of each design, and ρ̂, its mean power over the frequencies of the grid of patches,
    on one scale. Below, by octave: leakage, the power that masks bring to a frequency over what
    they keep of it, for one image (by default the camera); and the fraction of the power that the
    best linear masked autoencoder explains. Patches that are spread evenly bring little power to
    the lowest frequencies and more to the others, and leave less to be guessed; blocks do the
    opposite.
    """
    grid = PatchGrid((SIZE, SIZE), PATCH)
    designs = {
        "stratified": stratified(grid, 2, 1),
        "fixed (MAE)": fixed(grid, RATIO),
        "green noise": color_noise(grid, RATIO),
        "cells of 2×2": cell_grid(grid, 2, RATIO),
        "DropBlock 3×3": drop_block(grid, 3, RATIO),
        "inverse block": inverse_block(grid, RATIO),
        "unrolled block": block(grid, 6, keep=True, rolled=False),
    }
    figure, axes = plot.new_figure(3, len(designs), width=13.0, height=7.0)
    peak = max(off_zero(design.spectrum) for design in designs.values())
    for i, (name, design) in enumerate(designs.items()):
        draw_mask(axes[0, i], grid, design.sample_kept(1, rng=1)[0])
        axes[0, i].set_title(name, color=CYCLE[i])
        draw_spectrum(axes[1, i], grid, design.spectrum, peak, bar=False)
        if i:
            axes[1, i].set_yticklabels([])
    axes[1, 0].set_ylabel("ρ̂")
    places = axes[2, 0].get_gridspec()
    places.set_height_ratios([1.0, 1.15, 1.5])
    for ax in axes[2]:
        ax.remove()
    image = one_image(data, "builtin:camera", SIZE)
    moments = crop_moments(data, SIZE, PATCH, 50)
    edges = octave_edges(grid.shape)
    leaked = {
        name: leakage(image, design=design, detrend="constant").radial(edges).ratio
        for name, design in designs.items()
    }
    explained = {
        name: LinearMAE(design=design, covariance="stationary")
        .fit_moments(moments)
        .frequency_response()
        .radial(edges)
        .explained
        for name, design in designs.items()
    }
    with plot.style():
        left, right = figure.add_subplot(places[2, :3]), figure.add_subplot(places[2, 4:])
        _draw_octaves(left, leaked, grid)
        left.set_ylabel("leaked / kept power")
        log_power_axis(left)
        _draw_octaves(right, explained, grid)
        right.set_ylabel("power explained")
        right.set_ylim(0, 1)
    return figure


def _draw_octaves(ax: Axes, values: dict[str, FloatArray], grid: PatchGrid) -> None:
    names = octave_names(grid.shape)
    for i, found in enumerate(values.values()):
        line = "--" if i == len(values) - 1 else "-"  # which may lie on another one
        ax.plot(range(len(names)), found, line, marker="o", markersize=4, color=CYCLE[i])
    ax.set_xticks(range(len(names)), names)
    ax.set_xlabel("frequency (cycles/pixel)")
