"""Figs. 20 and 21 of the paper: weight matrices, and how far weights reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from spectral_mae import ising, plot
from spectral_mae.linear.bottleneck import border_energy_share, patch_borders
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.linear.moments.kinds import StationaryMoments
from spectral_mae.linear.receptive_field import WeightReach, weight_reach
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.plot.gallery.data import Data, crop_moments

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SPINS, COUPLING, CHAIN_RANK = 128, 1.5, 32
SIZE, IMAGE_RANK, PER_IMAGE = 64, 128, 100
PIXEL = (36, 36)


@dataclass(frozen=True)
class Range:
    """How far the weights of a model reach, by several measures.

    Attributes
    ----------
    border : float
        Energy of the encoder at patch borders, relative to an even distribution.
    whole : WeightReach
        Reach of |w|.
    squared : WeightReach
        Reach of w².
    others : WeightReach
        Reach of |w| without the output pixel's own patch.
    others_squared : WeightReach
        Reach of w² without the output pixel's own patch.
    """

    border: float
    whole: WeightReach
    squared: WeightReach
    others: WeightReach
    others_squared: WeightReach

    @classmethod
    def of(cls, model: LinearMAE) -> Self:
        """Measure a fitted model with a bottleneck.

        Parameters
        ----------
        model : LinearMAE
            The model.

        Returns
        -------
        Range
            The measures.
        """
        fields = list(model.receptive_fields())
        grid = model.moments_.grid
        border = border_energy_share(model.encoder(), grid) / float(patch_borders(grid).mean())
        others = [field.without_own_patch() for field in fields]
        return cls(
            border,
            weight_reach(fields),
            weight_reach(field.squared() for field in fields),
            weight_reach(others),
            weight_reach(field.squared() for field in others),
        )

    def __str__(self) -> str:
        return (
            f"energy of A at patch borders: {self.border:.2f} times an even share\n"
            f"mean distance of |w| {self.whole.mean_distance:.1f}, "
            f"of w² {self.squared.mean_distance:.1f} pixels; "
            f"decay {self.whole.decay_length:.1f}\n"
            f"own patch left out: {self.others.mean_distance:.1f}, "
            f"{self.others_squared.mean_distance:.1f}; decay {self.others.decay_length:.1f}"
        )


def half_hidden(data: Data) -> Figure:
    """W = AB and the encoder A for patches of 16 and of 8 pixels, half of them hidden (Bernoulli).

    Upper two rows: open Ising chains of 128 spins, J = 1.5 (correlation length 10), from their
    exact second moments; the bottleneck has rank 32; ticks mark where patches begin. Lower two
    rows: 64×64 crops, by default of scikit-image's photographs, rank 128, a stationary model.
    """
    return _draw(data, ((16, 0.5), (8, 0.5)))


def extremes(data: Data) -> Figure:
    """W = AB and the encoder A for p = 16 with 99 % hidden, and p = 8 with 1 % hidden (Bernoulli).

    At these ratios fewer than one patch is visible, or hidden, on average. Data and models are
    those of the figure before.
    """
    return _draw(data, ((16, 0.99), (8, 0.01)))


def chain_model(patch_size: int, mask_ratio: float) -> LinearMAE:
    """The best map of rank 32 for open Ising chains, from their exact second moments.

    Parameters
    ----------
    patch_size : int
        Spins of a patch.
    mask_ratio : float
        Fraction of patches hidden.

    Returns
    -------
    LinearMAE
        The fitted model.
    """
    moments = ising.chain_moments(SPINS, COUPLING, patch_size, covariance="dense", boundary="open")
    model = LinearMAE(
        patch_size, mask_ratio, rank=CHAIN_RANK, sampling="bernoulli", covariance="dense"
    )
    return model.fit_moments(moments)


def crop_model(moments: StationaryMoments, patch_size: int, mask_ratio: float) -> LinearMAE:
    """The best stationary map of rank 128 for crops of images.

    Parameters
    ----------
    moments : StationaryMoments
        Moments of the crops.
    patch_size : int
        Pixels of a patch along each axis.
    mask_ratio : float
        Fraction of patches hidden.

    Returns
    -------
    LinearMAE
        The fitted model.
    """
    model = LinearMAE(
        patch_size, mask_ratio, rank=IMAGE_RANK, sampling="bernoulli", covariance="stationary"
    )
    return model.fit_moments(moments.with_patch_size(patch_size))


def _draw(data: Data, settings: Sequence[tuple[int, float]]) -> Figure:
    moments = crop_moments(data, SIZE, 8, PER_IMAGE)
    figure, axes = plot.new_figure(4, 2, width=8.6, height=13.2, height_ratios=(1.0, 0.8, 1.0, 1.0))
    for (patch_size, ratio), column in zip(settings, axes.T, strict=True):
        chain, crops = chain_model(patch_size, ratio), crop_model(moments, patch_size, ratio)
        grid = PatchGrid(SPINS, patch_size)
        plot.weight_matrix(chain.weight_matrix(), grid, column[0])
        column[0].set_title(f"p = {patch_size}, {ratio:.0%} hidden\nIsing chain: W = AB")
        plot.weight_matrix(
            chain.encoder().T,
            grid,
            column[1],
            output_label="column of A, by descending eigenvalue",
            outputs_in_patches=False,
        )
        column[1].set_title("Ising chain: encoder A")
        plot.receptive_field(crops.receptive_field(PIXEL), column[2])
        column[2].set_title("photographs: weights of one output pixel")
        plot.encoder_energy(crops.encoder(), crops.moments_.grid, column[3])
        column[3].set_title("photographs: energy of the encoder A")
        under = f"{column[1].get_xlabel()}\n\n{Range.of(chain)}\n"
        column[1].set_xlabel(under, fontsize="small")
        column[3].set_xlabel(f"\n{Range.of(crops)}", fontsize="small")
    return figure
