"""Pictures of results: each function takes results and ``ax=``, draws, and returns the axes.

All pictures have one style (`style`): the colours of Okabe and Ito, which colour-blind readers can
tell apart, and units on every axis. Only this package imports matplotlib. `new_figure` and `save`
make files without a screen.

The files:

- `audits`: what models made of images, numbers by octave, spectra of tokens.
- `cells`: large images and maps, averaged in blocks to the size of a picture.
- `comparisons`: originals and reconstructions compared by frequency.
- `curves/`: radial spectra of data sets with bands and slopes, and ratios of spectra.
- `designs`: mask designs, and audits of masks.
- `drawing/`: what several pictures share: the style, figures, axes of frequency, files.
- `gallery/`: the figures of the documentation, drawn from your own images or built-in ones.
- `masks`: masks and their effects: Fig. 22 of the paper, the grating, leakage.
- `models`: linear models: receptive fields, filters, eigenvalues, tables.
- `plans`: plans: settings by how hard they are, lines of equal difficulty, costs.
- `reconstructions`: images, their masked copies, and what models make of them.
- `responses`: what models do to each frequency.
- `spectra`: power spectra: maps, also of orientation against frequency; lines of signals; sectors.
- `thumbnails`: pictures as bytes, for notebooks.
- `training`: losses of training runs, sweeps over them, probe accuracy, similarity of layers.
- `weights`: weight matrices and encoders, and the error of linearisations.
"""

from spectral_mae.plot.audits import estimates, strips, token_spectra
from spectral_mae.plot.comparisons import compared_power, comparison, image_detail, power_ratio
from spectral_mae.plot.curves.lines import radial
from spectral_mae.plot.curves.masked import masked_radial, unmasked_radial
from spectral_mae.plot.curves.ratios import radial_ratio, ratio
from spectral_mae.plot.curves.sets import slopes, summary
from spectral_mae.plot.designs import design, designs, mask_audit
from spectral_mae.plot.drawing.figures import new_figure
from spectral_mae.plot.drawing.files import save
from spectral_mae.plot.drawing.style import style, use_style
from spectral_mae.plot.masks import grating, leakage, masked_image, masking, octaves
from spectral_mae.plot.models import (
    eigenvalues,
    filters,
    heat_map,
    receptive_field,
    receptive_fields,
    weight_by_distance,
)
from spectral_mae.plot.plans import plan_costs, plan_curves, plan_map, plan_octaves
from spectral_mae.plot.reconstructions import reconstruction, reconstructions
from spectral_mae.plot.responses import response, response_power
from spectral_mae.plot.spectra import power_limits, psd, rose, sectors
from spectral_mae.plot.training import (
    label_efficiency,
    layer_similarity,
    loss_and_accuracy,
    training,
)
from spectral_mae.plot.weights import encoder_energy, gap, weight_matrix

__all__ = [
    "compared_power",
    "comparison",
    "design",
    "designs",
    "eigenvalues",
    "encoder_energy",
    "estimates",
    "filters",
    "gap",
    "grating",
    "heat_map",
    "image_detail",
    "label_efficiency",
    "layer_similarity",
    "leakage",
    "loss_and_accuracy",
    "mask_audit",
    "masked_image",
    "masked_radial",
    "masking",
    "new_figure",
    "octaves",
    "plan_costs",
    "plan_curves",
    "plan_map",
    "plan_octaves",
    "power_limits",
    "power_ratio",
    "psd",
    "radial",
    "radial_ratio",
    "ratio",
    "receptive_field",
    "receptive_fields",
    "reconstruction",
    "reconstructions",
    "response",
    "response_power",
    "rose",
    "save",
    "sectors",
    "slopes",
    "strips",
    "style",
    "summary",
    "token_spectra",
    "training",
    "unmasked_radial",
    "use_style",
    "weight_by_distance",
    "weight_matrix",
]
