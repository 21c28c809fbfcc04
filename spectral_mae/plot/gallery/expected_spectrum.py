"""Expected spectra under masking beside drawn ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spectral_mae import plot
from spectral_mae.masked_spectra.expectation import expected_masked_psd
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulse_mask import sample_visible
from spectral_mae.plot.drawing.frequency_axes import log_frequency_axis
from spectral_mae.plot.gallery.data import Data, one_image
from spectral_mae.spectra.periodogram import Periodogram, psd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE, PATCH, RATIO, MASKS = 224, 16, 0.75, 100


def draw(data: Data) -> Figure:
    """The exact expected spectrum under random masks, beside spectra under drawn masks.

    The default image is scikit-image's camera at 224×224 pixels; patches have 16 pixels along each
    axis, and 75 % are hidden. Left: the original, the expectation, one mask, and the mean of 100
    masks. Right: the distance of that mean from the expectation, ring by ring, in standard errors.
    """
    image = one_image(data, "builtin:camera", SIZE)
    visible = sample_visible(PatchGrid(image.shape, PATCH), RATIO, MASKS, rng=0)
    periodogram = Periodogram(image.shape)
    expected = expected_masked_psd(image, PATCH, RATIO).radial()
    drawn = periodogram.radial(image * visible)
    powers = np.asarray(drawn.power)
    mean = powers.mean(axis=0)
    stderr = powers.std(axis=0, ddof=1) / np.sqrt(MASKS)
    figure, axes = plot.new_figure(1, 2, width=10.4, height=4.2)
    left, right = axes[0]
    plot.radial({"original": psd(image).radial()}, left, band="none")
    plot.radial({"expected": expected}, left, band="none")
    frequency = expected.frequency
    left.plot(frequency, powers[0], linewidth=0.8, label="one mask")
    left.plot(frequency, mean, linestyle=(0, (2, 3)), label=f"mean of {MASKS}")
    with plot.style():
        left.legend()
    right.axhspan(-2, 2, color="0.9")
    right.axhline(0, color="0.5", linewidth=0.7)
    right.plot(frequency, (mean - expected.power) / stderr, marker=".", linewidth=0)
    log_frequency_axis(right, frequency, (1.0, 1.0))
    right.set_ylabel(f"(mean of {MASKS} masks − expected) / its standard error")
    right.set_title("shaded: within two standard errors")
    left.set_title(f"patches of {PATCH}, {RATIO:.0%} hidden")
    return figure
