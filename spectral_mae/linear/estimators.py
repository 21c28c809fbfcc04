"""The linear masked autoencoder, denoising autoencoder and autoencoder, fitted in closed form.

No training: each model takes second moments of images and returns the map of least expected loss
over all its corruptions. ``covariance="banded"`` finds the best map among those
that commute with cyclic shifts by whole patches, band by band, at sizes where a dense problem
does not fit any memory; ``"dense"`` finds the best of all; ``"stationary"`` takes nothing from
the images but their power spectra.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from spectral_mae import _checks
from spectral_mae._checks import Sampling
from spectral_mae.linear import model_file
from spectral_mae.linear.corruption import (
    GaussianNoise,
    NoCorruption,
    OffsetMasking,
    PatchMasking,
    Target,
)
from spectral_mae.linear.model import Covariance, LinearModel
from spectral_mae.linear.problems.mask_ratio_sweep import MaskRatioSweep, sweep_mask_ratios
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.short_form import design_for, design_on
from spectral_mae.masks.designs.uniform import Uniform
from spectral_mae.masks.patches import PatchGrid


class LinearMAE(LinearModel):
    """The linear masked autoencoder of least expected loss over all masks.

    With S the second moment of images about their mean, and π₁ and π₂ the probabilities that a
    patch and that two patches are kept, the loss of x̂ = x̃ W on all pixels is Tr S − 2π₁ Tr(S W) +
    Tr(Wᵀ Q W) with Q = π₂ S + (π₁−π₂) Blkdiag_p(S); for Bernoulli sampling this is Lemma 1 of the
    paper. Without a bottleneck the best map is W = π₁ Q⁻¹ S. With one it is W U Uᵀ, with U the top
    eigenvectors of π₁² S Q⁻¹ S (Theorem 1 of the paper). With ``target="hidden"`` the best map has
    no weights on the patch that it predicts.

    For any other design of masks, Q multiplies the part of S between patches a and b by Π_ab, the
    probability that both are kept. A banded model is then the best over all cyclic shifts of the
    images by whole patches, where only the mean of π₁ and the mean of Π at each cyclic offset
    count; ``loss_`` is the loss over these shifts, and differs from that of the images as they are
    where the design is not shift-invariant. `score` is of the images as they are. (Where the rank
    splits a conjugate pair of bands, ``loss_`` is over all shifts of the masks too.)

    Parameters
    ----------
    patch_size : int or tuple of int or None
        Pixels of a patch along each axis; it must divide the images. Volumes need three numbers:
        with one, a batch of images of three axes is refused, for they may be colours. None with
        ``design=``.
    mask_ratio : float or None
        Fraction m of patches that is hidden, strictly between 0 and 1. None with ``design=``.
    rank : int or None
        Width of the bottleneck, from 1 to the numbers in an image; None is none.
    sampling : {"fixed", "bernoulli"}
        Keep exactly ⌊L(1−m)⌋ of L patches, as MAE code does, or each one independently with
        probability 1−m.
    design : MaskDesign or None
        Distribution of the masks, in the place of ``patch_size``, ``mask_ratio`` and ``sampling``;
        the functions of `spectral_mae.designs` make one. Images have the shape of its grid.
    target : {"all", "hidden"}
        Pixels that are scored: all of the image, or those of hidden patches, as MAE code does;
        that has no closed form with a bottleneck. For designs that are not uniform it needs
        ``covariance="dense"`` and masks that can be listed. (MAE's target normalised per patch is
        nonlinear in the image and has no linear form.)
    covariance : {"banded", "dense", "stationary"}
        Find the best map that commutes with cyclic shifts by whole patches, the best of all, or the
        best for images of which only the power spectra are known.
    random_offset : bool
        Shift the patch grid itself by a random number of pixels, cyclically, for every mask. Needs
        ``covariance="stationary"``: then each frequency stands alone, and the model is the
        Wiener filter whose noise is the mask's leakage. Masks are those of
        ``sample_visible(..., random_offset=True)``.
    center : bool
        Subtract the mean: per position in the patch if banded, per pixel if dense, per channel
        if stationary.
    shrinkage : float
        From 0 to 1: how far the second moment is pulled towards its average over all cyclic
        shifts of pixels. `choose_shrinkage` finds what held-out images want.

    Attributes
    ----------
    loss_ : float
        Expected squared error per image, summed over the scored pixels and channels.
    trace_ : float
        Loss of predicting the mean, summed over the same.
    eigenvalues_ : ndarray, shape (rank,), or None
        Eigenvalues of μ² S Q⁻¹ S that the model keeps, descending; None for hidden targets.
    mean_ : ndarray, shape (*shape[, channels])
        The mean that is subtracted.
    moments_ : BandMoments, DenseMoments or StationaryMoments
        Second moments that the model was fitted to.
    n_images_ : int
        Images that these moments had seen.
    corruption_ : Corruption
        What happens to images before the model sees them, with its moments.
    design_ : MaskDesign
        Distribution of the masks on the grid of these images.
    solution_ : Solution
        What the solver found: weights, condition of Q, dimensions dropped, components.

    Raises
    ------
    TypeError
        If neither a design nor a patch size and a mask ratio are given.
    ValueError
        If a number is out of its range, or the choices do not go together as said above.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images = np.cumsum(np.cumsum(rng.standard_normal((100, 16, 16)), axis=1), axis=2)
    >>> model = LinearMAE(4, 0.75).fit(images[:80])
    >>> model.loss_ < model.trace_
    True
    >>> 0 < model.score(images[80:]) < 1 - model.loss_ / model.trace_  # training loss flatters
    True

    Blocks of patches hide more of such images than single patches do:

    >>> from spectral_mae import PatchGrid, designs
    >>> block = designs.block(PatchGrid((16, 16), 4), 2, keep=True)
    >>> blocks = LinearMAE(design=block).fit(images[:80])
    >>> blocks.design_.mask_ratio, blocks.loss_ > model.loss_
    (0.75, True)
    """

    corruption_: PatchMasking | OffsetMasking

    def __init__(
        self,
        patch_size: _checks.PerAxis | None = None,
        mask_ratio: float | None = None,
        *,
        rank: int | None = None,
        sampling: Sampling = "fixed",
        design: MaskDesign | None = None,
        target: Target = "all",
        covariance: Covariance = "banded",
        random_offset: bool = False,
        center: bool = True,
        shrinkage: float = 0.0,
    ) -> None:
        _checks.choice("sampling", sampling, Sampling)
        _checks.choice("target", target, Target)
        _checks.choice("covariance", covariance, Covariance)
        if target == "hidden" and rank is not None:
            raise ValueError(f"{target=} with {rank=}: no closed form with a bottleneck")
        self.random_offset = _checks.flag("random_offset", random_offset)
        if random_offset and covariance != "stationary":
            raise ValueError(
                f"{random_offset=} needs covariance='stationary', not {covariance!r}: only then "
                "each frequency stands alone"
            )
        if random_offset and target == "hidden":
            raise ValueError(
                f"{target=} with {random_offset=}: what is hidden then depends on the pixel, and "
                "there is no closed form"
            )
        if design is not None:
            _check_design(design, patch_size, mask_ratio, sampling)
            _check_hidden(design, target, covariance)
        elif patch_size is None or mask_ratio is None:
            raise TypeError("a mask design is needed: patch_size and mask_ratio, or design=")
        else:
            patch_size = _checks.patch_size(patch_size)
            mask_ratio = _checks.open_unit("mask_ratio", mask_ratio)
        self.patch_size = patch_size
        self.mask_ratio = mask_ratio
        self.design = design
        self.rank = _rank(rank)
        self.sampling: Sampling = sampling
        self.target: Target = target
        self.covariance = covariance
        self.center = _checks.flag("center", center)
        self.shrinkage = _checks.closed_unit("shrinkage", shrinkage)

    @property
    def design_(self) -> MaskDesign:
        """Distribution of the masks, on the grid of the images that were fitted."""
        self._fitted()
        return self.corruption_.design

    @property
    def effective_patch_size(self) -> _checks.PerAxis:
        """Pixels of a patch along each axis, those of the design if there is one."""
        return super().effective_patch_size if self.design is None else self.design.grid.patch_size

    def masking(self, grid: PatchGrid) -> PatchMasking | OffsetMasking:
        """Return what happens to images on a grid before the model sees them.

        Parameters
        ----------
        grid : PatchGrid
            Shape and patches of the images.

        Returns
        -------
        PatchMasking or OffsetMasking
            Masking by the design of this model.

        Raises
        ------
        ValueError
            If all or no patches would be kept, or the design is of another grid.
        """
        if self.design is None:
            assert self.mask_ratio is not None  # checked with the other parameters
            return self._masking_by(Uniform(grid, self.mask_ratio, self.sampling))
        return self._masking_by(design_on(grid, None, design=self.design))

    def mask_ratio_sweep(self, ratios: Sequence[float]) -> MaskRatioSweep:
        """Return the loss of the full-rank model at other mask ratios, on the fitted moments.

        One factorisation serves them all, but for a hidden target, which is solved anew: with
        T = Blkdiag_p(S) = GGᴴ and G⁻¹SG⁻ᴴ = UΛUᴴ the solutions share their modes, with gains
        π₁Λ/(π₂Λ + π₁−π₂).

        Parameters
        ----------
        ratios : sequence of float
            Mask ratios, each strictly between 0 and 1.

        Returns
        -------
        MaskRatioSweep
            Loss and explained fraction at each ratio, in the order of ``ratios``.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If there are no ratios, or one is out of its range; or if the design of this model is
            not uniform.
        """
        if self.numpy() is not self:
            return self.numpy().mask_ratio_sweep(ratios)
        design = self.design_
        if design.uniform is None:
            raise ValueError(
                f"{design}: one factorisation for all mask ratios exists for uniform designs only"
            )
        wanted = np.array(
            [_checks.open_unit("mask_ratio", ratio) for ratio in _checks.items("ratios", ratios)]
        )
        if len(wanted) == 0:
            raise ValueError("no mask ratios: ratios is empty")
        maskings = [self._masking_by(design.at_ratio(m)) for m in wanted.tolist()]
        return sweep_mask_ratios(self._fitted_stack(), wanted, maskings)

    def _corruption(self, grid: PatchGrid) -> PatchMasking | OffsetMasking:
        return self.masking(grid)

    def _masking_by(self, design: MaskDesign) -> PatchMasking | OffsetMasking:
        return OffsetMasking(design) if self.random_offset else PatchMasking(design, self.target)


class LinearDAE(LinearModel):
    """The linear denoising autoencoder: white noise instead of masks.

    The best map is W = Q⁻¹ S with Q = S + σ² I, Wiener's filter; with a bottleneck it is W U Uᵀ,
    with U the top eigenvectors of S Q⁻¹ S.

    Parameters
    ----------
    patch_size : int or tuple of int
        Pixels of the patches whose bands are solved, along each axis; it must divide the images.
        The dense model does not depend on it. Volumes need three numbers.
    sigma : float
        Standard deviation σ of the noise in pixel units, positive.
    rank : int or None
        Width of the bottleneck, from 1 to the numbers in an image; None is none.
    covariance : {"banded", "dense", "stationary"}
        Find the best map that commutes with cyclic shifts by whole patches, the best of all, or the
        best for images of which only the power spectra are known.
    center : bool
        Subtract the mean, as in `LinearMAE`.
    shrinkage : float
        From 0 to 1: how far the second moment is pulled towards its average over all cyclic
        shifts of pixels.

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((500, 4, 4))
    >>> round(LinearDAE(2, 1.0).fit(images).score(images), 1)  # noise as strong as the signal
    0.5
    """

    def __init__(
        self,
        patch_size: _checks.PerAxis,
        sigma: float,
        *,
        rank: int | None = None,
        covariance: Covariance = "banded",
        center: bool = True,
        shrinkage: float = 0.0,
    ) -> None:
        _checks.choice("covariance", covariance, Covariance)
        self.patch_size = _checks.patch_size(patch_size)
        self.sigma = GaussianNoise(sigma).sigma
        self.rank = _rank(rank)
        self.covariance = covariance
        self.center = _checks.flag("center", center)
        self.shrinkage = _checks.closed_unit("shrinkage", shrinkage)

    def _corruption(self, grid: PatchGrid) -> GaussianNoise:
        return GaussianNoise(self.sigma)


class LinearAE(LinearModel):
    """The linear autoencoder: principal components.

    Nothing happens to the images, so W = U Uᵀ with U the top eigenvectors of S.

    Parameters
    ----------
    patch_size : int or tuple of int
        Pixels of the patches whose bands are solved, along each axis; it must divide the images.
        The dense model does not depend on it. Volumes need three numbers.
    rank : int
        Width of the bottleneck, from 1 to the numbers in an image.
    covariance : {"banded", "dense", "stationary"}
        Find the best map that commutes with cyclic shifts by whole patches, the best of all, or the
        best for images of which only the power spectra are known.
    center : bool
        Subtract the mean, as in `LinearMAE`.
    shrinkage : float
        From 0 to 1: how far the second moment is pulled towards its average over all cyclic
        shifts of pixels.

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((500, 4, 4))
    >>> round(LinearAE(2, 16).fit(images).loss_, 9)
    0.0
    """

    def __init__(
        self,
        patch_size: _checks.PerAxis,
        rank: int,
        *,
        covariance: Covariance = "banded",
        center: bool = True,
        shrinkage: float = 0.0,
    ) -> None:
        _checks.choice("covariance", covariance, Covariance)
        self.patch_size = _checks.patch_size(patch_size)
        self.rank = _checks.positive_int("rank", rank)
        self.covariance = covariance
        self.center = _checks.flag("center", center)
        self.shrinkage = _checks.closed_unit("shrinkage", shrinkage)

    def _corruption(self, grid: PatchGrid) -> NoCorruption:
        return NoCorruption()


def _check_design(
    design: MaskDesign,
    patch_size: _checks.PerAxis | None,
    mask_ratio: float | None,
    sampling: Sampling,
) -> None:
    """Raise where a design does not go together with what else is given of the masks."""
    design_on(None, mask_ratio, sampling=sampling, design=design)
    design_for(design.grid.shape, patch_size, None, design=design)


def _check_hidden(design: MaskDesign, target: Target, covariance: Covariance) -> None:
    if target == "hidden" and design.uniform_given_hidden is None and covariance != "dense":
        raise ValueError(
            f"{target=} with {design=} and {covariance=}: in bands it takes third-order inclusion "
            "probabilities, which have a closed form for uniform designs only; covariance='dense' "
            "lists the masks"
        )


def _rank(rank: int | None) -> int | None:
    return None if rank is None else _checks.positive_int("rank", rank)


MODELS: dict[str, type[LinearMAE | LinearDAE | LinearAE]] = {
    model.__name__: model for model in (LinearMAE, LinearDAE, LinearAE)
}


def load_linear_model(path: str | os.PathLike[str]) -> LinearMAE | LinearDAE | LinearAE:
    """Read a linear model of any class that its ``save`` wrote. Nothing in the file is executed.

    Parameters
    ----------
    path : str or path-like
        File to read.

    Returns
    -------
    LinearMAE, LinearDAE or LinearAE
        The fitted model.

    Raises
    ------
    ValueError
        If the file holds no model.

    Examples
    --------
    >>> import tempfile
    >>> images = np.random.default_rng(0).random((20, 8, 8))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     LinearMAE(4, 0.5).fit(images).save(f"{folder}/model.npz")
    ...     model = load_linear_model(f"{folder}/model.npz")
    >>> model.mask_ratio, model.moments_.n_images
    (0.5, 20)
    """
    stored = model_file.read(path)
    if stored.model not in MODELS:
        raise ValueError(f"{os.fspath(path)!r} holds a {stored.model}, none of {', '.join(MODELS)}")
    return MODELS[stored.model].from_stored(stored)
