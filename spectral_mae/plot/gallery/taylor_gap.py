"""The error of the linearisations of Lemmas 4 and 5."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spectral_mae import plot, theory
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.plot.gallery.data import Data, crops

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE, PATCH, RANK = 12, 4, 8
RATIOS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
STRENGTHS = {"weak": 0.25, "strong": 1.0}


def draw(data: Data) -> Figure:
    """The error of Lemmas 4 and 5 for the loss of a nonlinear model, by mask ratio.

    The images are 12×12 crops, by default of scikit-image's photographs, in nine patches, under all
    512 masks. The model is the best linear masked autoencoder of rank 8 (75 % hidden); its code is
    passed through tanh(s·code)/s with s of 0.25 and 1 per standard deviation of the code.
    """
    images = crops(data, SIZE, 20)
    images = images - images.mean(axis=0)
    model = LinearMAE(
        PATCH, 0.75, rank=RANK, sampling="bernoulli", covariance="dense", center=False
    ).fit(images)
    code = np.tensordot(images, model.encoder(), axes=([1, 2], [1, 2]))
    scale = code.std(axis=0)[:, np.newaxis, np.newaxis]
    figure, axes = plot.new_figure(1, 2, width=9.6, height=3.6)
    for (name, strength), axis in zip(STRENGTHS.items(), axes[0], strict=True):
        network = theory.TanhNetwork(model.encoder() / scale, model.decoder() * scale, strength)
        curves = {
            label: theory.gap_by_mask_ratio(
                lemma,
                network,
                images[::10],
                PATCH,
                RATIOS,
                jacobian=network.jacobian,
                sampling="bernoulli",
                n_draws=1,
                rng=0,
            )
            for label, lemma in (("Lemma 4", theory.lemma_4), ("Lemma 5", theory.lemma_5))
        }
        plot.gap(curves, axis)
        axis.set_title(f"{name}: code of {strength:g} where tanh bends at 1")
    return figure
