"""Pictures: each function takes results and ``ax=``, draws, and returns the axes.

One style for the whole package (`style`): colours that colour-blind readers tell apart (Okabe and
Ito), units on every axis. Only this package imports matplotlib; `new_figure` and `save` serve those
who write files without a screen.

The files:

- `cells`: planes of millions of numbers as the cells of a picture, each the mean of a block.
- `drawing`: one look for all pictures, and the pieces that several of them are drawn with.
- `gallery/`: the figures of the documentation, each drawn from images of your own or built-in
  ones.
- `masks`: pictures of masks and of what they do: Fig. 22, the grating, leakage.
- `models`: pictures of linear models: receptive fields, filters, eigenvalues, responses,
  reconstructions.
- `reconstructions`: pictures of images sent through models.
- `responses`: pictures of what models make of each frequency.
- `spectra`: pictures of power spectra: maps, lines over frequency, averages over rings and
  sectors.
- `training`: pictures of trainings, of sweeps over them, and of what was learned.
- `weights`: pictures of whole weight matrices and encoders, and of what linearisations miss.
"""

from spectral_mae.plot.drawing import new_figure, save, style, use_style
from spectral_mae.plot.masks import grating, leakage, masked_image, masking, octaves
from spectral_mae.plot.models import (
    eigenvalues,
    filters,
    heat_map,
    receptive_field,
    receptive_fields,
    weight_by_distance,
)
from spectral_mae.plot.reconstructions import reconstruction, reconstructions
from spectral_mae.plot.responses import response, response_power
from spectral_mae.plot.spectra import (
    masked_radial,
    power_limits,
    psd,
    radial,
    sectors,
    unmasked_radial,
)
from spectral_mae.plot.training import (
    label_efficiency,
    layer_similarity,
    loss_and_accuracy,
    training,
)
from spectral_mae.plot.weights import encoder_energy, gap, weight_matrix

__all__ = [
    "eigenvalues",
    "encoder_energy",
    "filters",
    "gap",
    "grating",
    "heat_map",
    "label_efficiency",
    "layer_similarity",
    "leakage",
    "loss_and_accuracy",
    "masked_image",
    "masked_radial",
    "masking",
    "new_figure",
    "octaves",
    "power_limits",
    "psd",
    "radial",
    "receptive_field",
    "receptive_fields",
    "reconstruction",
    "reconstructions",
    "response",
    "response_power",
    "save",
    "sectors",
    "style",
    "training",
    "unmasked_radial",
    "use_style",
    "weight_by_distance",
    "weight_matrix",
]
