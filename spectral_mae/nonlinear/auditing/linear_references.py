"""The best linear models of the same images and masks, never scored on what they were fitted to.

Two of them are compared with a trained model: the best linear map for all masks together, a
`LinearMAE`, and the best linear map for each mask, an `Interpolator`. A trained model can be
better than the first because it sees which patches are hidden, and better than both because it is
nonlinear or was trained on more images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.linear.interpolator import Interpolator
from spectral_mae.linear.model import Covariance
from spectral_mae.linear.moments.kinds import KINDS, Moments
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.nonlinear.auditing.words import ONE_MAP, PER_MASK
from spectral_mae.nonlinear.evaluation.maps import Filler, filler
from spectral_mae.nonlinear.model import Target

NOISES = (1e-2, 3e-3, 1e-3)  # of the variance of pixels, for the map per mask
TOLERANCE = 1e-2  # of the equations; less changes explained power in the fourth digit
LARGE_PATCH = 256  # numbers of a patch from which on a fit takes minutes
MOST_TRIED = 16  # images on which the noise is chosen


@dataclass(frozen=True)
class Fold:
    """Images to fit to, images to choose options on, and images to score.

    Attributes
    ----------
    fitted, tuned, scored : ndarray of int
        Indices of the images. No image is in more than one of them.
    """

    fitted: NDArray[np.intp]
    tuned: NDArray[np.intp]
    scored: NDArray[np.intp]


def folds_of(n: int, n_folds: int, rng: np.random.Generator) -> list[Fold]:
    """Split images at random into folds, each of which is scored by models fitted to the others.

    Parameters
    ----------
    n : int
        Number of images, at least 3.
    n_folds : int
        Number of folds, at least 2.
    rng : numpy.random.Generator
        Generator of the split.

    Returns
    -------
    list of Fold
        Every image is scored in exactly one of them. A fifth of the other images, at least one,
        is for the choice of options.
    """
    order = rng.permutation(n)
    folds = []
    for i in range(n_folds):
        scored = np.sort(order[i::n_folds])
        others = rng.permutation(np.setdiff1d(order, scored))
        n_tuned = max(1, len(others) // 5)
        folds.append(Fold(np.sort(others[n_tuned:]), np.sort(others[:n_tuned]), scored))
    return folds


@dataclass(frozen=True)
class LinearReferences:
    """How the linear models of an audit are fitted.

    Attributes
    ----------
    design : MaskDesign
        Distribution of the masks.
    channels : int
        Number of channels.
    target : {"hidden", "all"}
        What the map for all masks is fitted to reconstruct. Hidden patches alone are a target in
        closed form only of a uniform design; of others it is fitted to all patches.
    covariance : {"banded", "dense", "stationary"}
        Covariance of the linear models, as in `LinearMAE`.
    """

    design: MaskDesign
    channels: int
    target: Target
    covariance: Covariance

    def fit(self, images: FloatArray, fold: Fold, rng: np.random.Generator) -> FittedReferences:
        """Fit the linear models to the images of a fold that it does not score.

        The shrinkage of the covariance, and the noise of the map per mask, are those that explain
        most of ``fold.tuned`` after a fit to ``fold.fitted``. The models are then fitted again to
        both.

        Parameters
        ----------
        images : ndarray, shape (n, *shape[, channels])
            All images.
        fold : Fold
            Which of them are for what.
        rng : numpy.random.Generator
            Generator of the masks on which the noise is chosen.

        Returns
        -------
        FittedReferences
            The models.
        """
        axis = None if self.channels == 1 else -1
        moments: Moments = KINDS[self.covariance](self.design.grid, self.channels)
        moments.update(images[fold.fitted], channel_axis=axis)
        tuned = images[fold.tuned]
        model = self._one_map()
        if self.covariance != "stationary":  # which has nothing to shrink
            model.fit_moments(moments)
            model.choose_shrinkage(tuned, channel_axis=axis)
        noise = self._best_noise(moments, model.shrinkage, tuned[:MOST_TRIED], rng)
        moments.update(tuned, channel_axis=axis)
        model.fit_moments(moments)
        per_mask = self._per_mask(moments, model.shrinkage, noise)
        return FittedReferences(model, noise, {ONE_MAP: filler(model), PER_MASK: per_mask})

    def _one_map(self) -> LinearMAE:
        return LinearMAE(
            design=self.design,
            target=self.target,
            covariance=self.covariance,
            # With few images a hidden target has a closed form only with some shrinkage.
            shrinkage=0.0 if self.covariance == "stationary" else 1.0,
        )

    def _best_noise(
        self, moments: Moments, shrinkage: float, images: FloatArray, rng: np.random.Generator
    ) -> float:
        kept = self.design.sample_kept(len(images), rng)
        kept[np.arange(len(kept)), rng.integers(0, kept.shape[1], len(kept))] = True  # not empty
        hidden = ~self.design.grid.expand(kept)
        errors = []
        for part in NOISES:
            output = self._per_mask(moments, shrinkage, part)(images, kept)
            errors.append(float(np.sum((output - images)[hidden] ** 2)))
        return NOISES[int(np.argmin(errors))]

    def _per_mask(self, moments: Moments, shrinkage: float, noise: float) -> Filler:
        """The map per mask; without a visible patch it is the mean."""
        variance = moments.stack().trace / (self.design.n_patches * moments.patch_dim)
        solver = Interpolator(
            moments, noise=noise * variance, shrinkage=shrinkage, tolerance=TOLERANCE
        )
        axis = None if self.channels == 1 else -1
        mean = self.design.grid.from_patches(
            np.broadcast_to(moments.mean, (self.design.n_patches, moments.patch_dim)),
            channel_axis=axis,
        )

        def fill(images: FloatArray, kept: BoolArray) -> FloatArray:
            filled = np.broadcast_to(mean, images.shape).copy()
            some = kept.any(axis=1)
            if some.any():
                visible = self.design.grid.expand(kept[some])
                filled[some] = solver.fill(images[some], visible, channel_axis=axis).images
            return filled

        return fill


@dataclass(frozen=True)
class FittedReferences:
    """Linear models that were fitted to a part of the images.

    Attributes
    ----------
    model : LinearMAE
        The best linear map for all masks.
    noise : float
        Variance of the noise that the map per mask assumes, as a part of that of the pixels.
    fillers : dict of str to callable
        Both maps by name, as functions of images and kept patches.
    """

    model: LinearMAE
    noise: float
    fillers: dict[str, Filler]
