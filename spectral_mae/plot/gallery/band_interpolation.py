"""What linear masked autoencoders do to each frequency."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spectral_mae import plot
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.linear.frequency_response import RadialResponse
from spectral_mae.plot.gallery.data import Data, crop_moments

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE, PATCH = 128, 8


def draw(data: Data) -> Figure:
    """What linear masked autoencoders do to each frequency that masking hides.

    The images are 128×128 crops, by default of scikit-image's photographs. Left: the fraction of
    power that a model explains at each frequency when patches of 8 pixels are hidden, by mask
    ratio. Right: for 75 % hidden, the parts of the output and the error, as fractions of the
    original power.
    """
    moments = crop_moments(data, SIZE, PATCH, 50)

    def response(ratio: float) -> RadialResponse:
        model = LinearMAE(PATCH, ratio, covariance="stationary")
        return model.fit_moments(moments).frequency_response().radial()

    figure, axes = plot.new_figure(1, 2, width=9.0, height=3.9)
    by_ratio = {f"{m:.0%} hidden": response(m) for m in (0.25, 0.5, 0.75, 0.9)}
    plot.response(by_ratio, axes[0, 0], curves=["explained"])
    axes[0, 0].set_title(f"linear MAE, patches of {PATCH} px")
    plot.response(by_ratio["75% hidden"], axes[0, 1])
    axes[0, 1].set_title("75% hidden: where it comes from")
    return figure
