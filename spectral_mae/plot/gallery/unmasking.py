"""Estimates of spectra from masked images."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from spectral_mae import plot
from spectral_mae.fields import gaussian_fields, power_law
from spectral_mae.masked_spectra.partial.comparison import MaskedSpectra
from spectral_mae.masked_spectra.unmasking import unmasked_psd
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulse_mask import sample_visible
from spectral_mae.plot.gallery.data import Data, one_image
from spectral_mae.spectra.periodogram import psd
from spectral_mae.spectra.rings import RadialSpectrum

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHAPE, PATCH, N = (128, 128), 8, 100


def draw(data: Data) -> Figure:
    """Spectra of masked Gaussian fields: true, naive, and unmasked lag by lag or in the gradient.

    Above: means over 100 fields of 128×128 pixels for each slope, 75 % of the patches of 8 pixels
    hidden, with bands of one standard error of the mean. Below: a real image, by default
    scikit-image's camera, under one such mask, as ``spectral-mae psd --mask --unmask`` computes it.
    """
    visible = sample_visible(PatchGrid(SHAPE, PATCH), 0.75, N, rng=1)
    figure, axes = plot.new_figure(2, 3, width=12.6, height=7.4)
    for axis, slope in zip(axes[0], (-1.0, -2.0, -3.0), strict=True):
        model = power_law(SHAPE, slope)
        pairs = list(zip(gaussian_fields(model, N, rng=0), visible, strict=True))
        plot.radial({"true": model.radial()}, axis, band="none")
        naive = [psd(x, visible=v / np.sqrt(v.mean())).radial() for x, v in pairs]
        lines = {
            "naive": _mean_of(naive),
            "lag by lag": _mean_of([unmasked_psd(x, v).radial() for x, v in pairs]),
            "in the gradient": _mean_of(
                [unmasked_psd(x, v, prewhiten="gradient").radial() for x, v in pairs]
            ),
        }
        plot.radial(lines, axis)
        axis.set_title(f"{N} fields of slope −{-slope:g}", size="medium")
        axis.set_ylim(*np.array([0.2, 5]) * np.quantile(model.radial().power, [0, 1]))
        if axis is not axes[0, 0]:
            axis.get_legend().remove()
    image = one_image(data, "builtin:camera", 256)
    mask = sample_visible(PatchGrid(image.shape, 16), 0.75, 1, rng=0)[0]
    spectra = MaskedSpectra.of(image, mask.astype(float))
    plot.masked_image(image, mask, axes[1, 0])
    plot.unmasked_radial(spectra.naive, None, spectra.true, axes[1, 1])
    axes[1, 1].set_title("what the mask shows", size="medium")
    plot.unmasked_radial(spectra.naive, spectra.unmasked, spectra.true, axes[1, 2])
    told = f"{spectra.fit.slope:.2f} ± {spectra.fit.stderr:.2f}".replace("-", "−")
    axes[1, 2].set_title(f"unmasked; slope {told}", size="medium")
    return figure


def _mean_of(spectra: Sequence[RadialSpectrum]) -> RadialSpectrum:
    """The mean of radial spectra, with its standard error."""
    power = np.array([one.power for one in spectra])
    stderr = power.std(axis=0, ddof=1) / np.sqrt(len(power))
    return dataclasses.replace(spectra[0], power=power.mean(axis=0), stderr=stderr)
