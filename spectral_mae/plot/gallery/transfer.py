"""MAE, DAE and AE as filters, on one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spectral_mae import plot
from spectral_mae.linear.estimators import LinearAE, LinearDAE, LinearMAE
from spectral_mae.linear.frequency_response import RadialResponse
from spectral_mae.linear.model import LinearModel
from spectral_mae.plot.gallery.data import Data, crop_moments

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE, PATCH = 128, 8


def draw(data: Data) -> Figure:
    """Transfer functions of linear MAE, DAE and AE on one axis.

    The images are 128×128 crops, by default of scikit-image's photographs; patches have 8 pixels
    along each axis. With a random offset of the patch grid the masked autoencoder is one filter per
    frequency. Beside it are the Wiener filter for white noise and the sharp cut-off of a
    bottleneck. For each of these models the fraction of power explained at a frequency is the same
    curve as its gain.
    """
    moments = crop_moments(data, SIZE, PATCH, 50)
    stationary: dict[str, Any] = {"covariance": "stationary"}

    def response(model: LinearModel) -> RadialResponse:
        return model.fit_moments(moments).frequency_response().radial()

    models = {
        "MAE, 75% hidden": response(LinearMAE(PATCH, 0.75, **stationary)),
        "MAE, random offset": response(LinearMAE(PATCH, 0.75, random_offset=True, **stationary)),
        "DAE, noise 0.1": response(LinearDAE(PATCH, 0.1, **stationary)),
        "DAE, noise 0.3": response(LinearDAE(PATCH, 0.3, **stationary)),
        "AE, rank 256": response(LinearAE(PATCH, 256, **stationary)),
    }
    figure, axes = plot.new_figure(1, 1, width=6.4, height=4.6)
    plot.response(models, axes[0, 0], curves=["gain"])
    axes[0, 0].set_title("masking, noise and a bottleneck as filters")
    return figure
