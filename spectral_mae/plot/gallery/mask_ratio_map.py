"""Explained power over patch size and mask ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spectral_mae import plot
from spectral_mae.linear.corruption import Target
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.linear.moments.kinds import BandMoments
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.plot.gallery.data import Data, crops

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE = 64
PATCH_SIZES = (2, 4, 8, 16)
RATIOS = (0.1, 0.25, 0.5, 0.6, 0.75, 0.9)
SHRINKAGES = (0.3, 0.7, 0.95)


def draw(data: Data) -> Figure:
    """Explained power of the best linear MAE on held-out images, by patch size and mask ratio.

    The images are 64×64 crops, by default of scikit-image's photographs. Every third crop is held
    out: no model is fitted to it. Crops of one photograph are on both sides. Left: all pixels.
    Right: hidden pixels, which MAE training scores. Models are fitted per spectral band, and the
    held-out crops choose their shrinkage (the weight of the stationary covariance).
    """
    images = crops(data, SIZE, 150)
    held_out = np.arange(len(images)) % 3 == 2
    figure, axes = plot.new_figure(1, 2, width=13.0, height=3.6)
    every = {}
    for patch_size in PATCH_SIZES:
        every[patch_size] = BandMoments(PatchGrid((SIZE, SIZE), patch_size))
        every[patch_size].update(images[~held_out])
    targets: tuple[Target, ...] = ("all", "hidden")
    for axis, target in zip(axes[0], targets, strict=True):
        table = np.full((len(PATCH_SIZES), len(RATIOS)), np.nan)
        for i, (patch_size, moments) in enumerate(every.items()):
            middle = LinearMAE(patch_size, 0.5, target=target, shrinkage=0.95)
            middle.fit_moments(moments)
            others = middle.second_moment(images[held_out])
            shrinkage = middle.choose_shrinkage(others, SHRINKAGES).best
            for j, ratio in enumerate(RATIOS):
                model = LinearMAE(patch_size, ratio, target=target, shrinkage=shrinkage)
                table[i, j] = model.fit_moments(moments).score(others)
        plot.heat_map(table, PATCH_SIZES, RATIOS, axis)
        axis.set_title(f"linear MAE, {target} pixels")
    return figure
