"""Fig. 22 of the paper: masks of three patch sizes and their spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spectral_mae import plot
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulse_mask import PulseMask
from spectral_mae.plot.gallery.data import Data, one_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE = 224


def draw(data: Data) -> Figure:
    """An image, masks of patches of 8, 16 and 32 pixels with 75 % hidden, and their power spectra.

    The default image is scikit-image's astronaut.
    """
    image = one_image(data, "builtin:astronaut", SIZE)
    masks = [
        PulseMask.random(PatchGrid(image.shape, patch_size), 0.75, rng=0)
        for patch_size in (8, 16, 32)
    ]
    figure, axes = plot.new_figure(2, 7, width=13.0, height=4.3)
    plot.masking(image.clip(0, 1), masks, axes)
    return figure
