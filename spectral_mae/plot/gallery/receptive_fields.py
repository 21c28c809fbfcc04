"""Fig. 13C of the paper: receptive fields of linear MAE, DAE and AE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spectral_mae import plot
from spectral_mae.linear.estimators import LinearAE, LinearDAE, LinearMAE
from spectral_mae.linear.model import LinearModel
from spectral_mae.linear.receptive_field import ReceptiveField
from spectral_mae.plot.gallery.data import Data, crop_moments

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE, PATCH = 64, 8
PIXEL = (35, 35)


def draw(data: Data) -> Figure:
    """Receptive fields of one output pixel: linear MAE, DAE and AE side by side.

    The images are 64×64 crops, by default of scikit-image's photographs; patches have 8 pixels
    along each axis (the box marks one), and the cross marks the output pixel. A field is divided by
    its largest weight; the scale is logarithmic from a hundredth upwards. Nothing is trained: each
    field is a closed form.
    """
    moments = crop_moments(data, SIZE, PATCH, 100)

    def field(model: LinearModel) -> ReceptiveField:
        return model.fit_moments(moments).receptive_field(PIXEL)

    stationary: dict[str, Any] = {"covariance": "stationary"}
    rows = {
        "masked (MAE)": {
            f"{m:.0%} hidden": field(LinearMAE(PATCH, m, **stationary))
            for m in (0.25, 0.5, 0.75, 0.9)
        },
        "denoising (DAE)": {
            f"noise {sigma:g}": field(LinearDAE(PATCH, sigma, **stationary))
            for sigma in (0.03, 0.1, 0.3, 1.0)
        },
        "bottleneck (AE)": {
            f"rank {rank}": field(LinearAE(PATCH, rank, **stationary))
            for rank in (1024, 256, 64, 16)
        },
    }
    figure, axes = plot.new_figure(3, 4, width=8.6, height=6.2)
    plot.receptive_fields(rows, axes, log=True)
    return figure
