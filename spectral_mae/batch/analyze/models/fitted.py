"""The models of the images of a run: fitted to nothing but their mean power spectrum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.batch.analyze.options import AnalyzeOptions
from spectral_mae.linear.corruption import PatchMasking
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.linear.moments.kinds import StationaryMoments
from spectral_mae.linear.problems.stationary_maps import stationary_maps

MODEL_DIM = 1024  # numbers in a patch
ROUNDING = 1e-24  # power about the mean, to all power, of images that are constant but for rounding


@dataclass(frozen=True, eq=False)
class FittedModel:
    """The models of one patch size: the best one for all pixels, and the best for hidden pixels.

    Attributes
    ----------
    moments : StationaryMoments
        Of the images.
    masking : PatchMasking
        The masks of the run.
    explained : float
        Part of the power of all pixels that the first explains.
    frequency, curve : ndarray
        The same over rings of frequency, in cycles/pixel.
    hidden : float or None
        Part of the power of hidden pixels that the second explains; None where it has no closed
        form, and the first takes its place.
    reconstruct : callable
        What the second makes of images (n, *shape[, channels]) under masks (n, *shape).
    """

    moments: StationaryMoments
    masking: PatchMasking
    explained: float
    frequency: FloatArray
    curve: FloatArray
    hidden: float | None
    reconstruct: Callable[[FloatArray, BoolArray], FloatArray]

    @property
    def patch_size(self) -> int:
        """Side of the patches."""
        return int(self.moments.grid.patch_size[0])

    @property
    def mean(self) -> FloatArray:
        """The mean of the images, as one."""
        moments = self.moments
        axis = None if moments.channels == 1 else -1
        mean: FloatArray = moments.grid.from_patches(moments.mean[np.newaxis], channel_axis=axis)[0]
        return mean


def fitted_models(most: StationaryMoments | None, options: AnalyzeOptions) -> list[FittedModel]:
    """Models for each patch size, of the shape that most images have.

    Parameters
    ----------
    most : StationaryMoments or None
        Of these images; None of no images.
    options : AnalyzeOptions
        Their patches and masks. Patch sizes whose patches are too large, or do not go into that
        shape, are left out.

    Returns
    -------
    list of FittedModel
        There is none of images that have no power but rounding.
    """
    if most is None:
        return []
    power, level = most.by_frequency.stack().trace, float(np.sum(most.mean**2))
    if power <= ROUNDING * (power + level):
        return []
    fitting = [
        p
        for p in options.patch_sizes
        if all(n % p == 0 for n in most.grid.shape) and p**2 * most.channels <= MODEL_DIM
    ]
    return [_fitted(most.with_patch_size(p), options) for p in fitting]


def _fitted(moments: StationaryMoments, options: AnalyzeOptions) -> FittedModel:
    masking = PatchMasking(options.masks.on(moments.grid))
    of_all_designs = options.design is None  # the map for hidden pixels is of uniform designs
    maps = stationary_maps(moments, masking) if of_all_designs else None
    if maps is None:
        return _by_matrices(moments, masking, options)
    frequency, curve = maps.radial()
    return FittedModel(
        moments, masking, maps.explained, frequency, curve, maps.hidden, maps.reconstruct
    )


def _by_matrices(
    moments: StationaryMoments, masking: PatchMasking, options: AnalyzeOptions
) -> FittedModel:
    """The same by models that hold their maps, which have no conditions."""
    model = partial(LinearMAE, design=masking.design, covariance="stationary")
    if options.design is None:
        model = partial(
            LinearMAE,
            moments.grid.patch_size[0],
            options.mask_ratio,
            sampling=options.sampling,
            covariance="stationary",
        )
    whole = model().fit_moments(moments)
    filling, hidden = whole, None
    if options.design is None:
        filling = model(target="hidden").fit_moments(moments)
        hidden = 1 - filling.loss_ / filling.trace_
    rings = whole.frequency_response().radial()
    return FittedModel(
        moments,
        masking,
        1 - whole.loss_ / whole.trace_,
        rings.frequency,
        rings.explained,
        hidden,
        filling.reconstruct,
    )
