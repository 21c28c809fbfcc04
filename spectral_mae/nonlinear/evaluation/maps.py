"""Models as functions of arrays, in the form that the analyses take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.linear.model import LinearModel
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.nonlinear.arrays import real_numbers
from spectral_mae.nonlinear.evaluation.jacobian import TensorMap, jacobian_matrix
from spectral_mae.nonlinear.model import ImageModel
from spectral_mae.nonlinear.patches import patchify, unpatchify

# Images (n, H, W[, channels]) and which patches are kept (n, n_patches) to images like them.
Filler = Callable[[FloatArray, BoolArray], FloatArray]

# Images (n, H, W[, channels]) and which pixels are visible (n, H, W) to images like them.
ImageFunction = Callable[[FloatArray, BoolArray], Any]
Normalised = Literal["refuse", "keep", "visible"]

BATCH = 256


def to_images(tensor: torch.Tensor) -> FloatArray:
    """Convert a tensor of images to an array with channels last.

    Parameters
    ----------
    tensor : Tensor, shape (n, channels, H, W)
        Images.

    Returns
    -------
    ndarray of float64, shape (n, H, W[, channels])
        The images; one channel has no axis.
    """
    array = tensor.detach().double().cpu().numpy()
    return array[:, 0] if array.shape[1] == 1 else np.moveaxis(array, 1, -1)


def from_images(
    images: FloatArray, model: ImageModel, *, dtype: torch.dtype | None = None
) -> torch.Tensor:
    """Convert an array of images to a tensor, the inverse of `to_images`.

    Parameters
    ----------
    images : ndarray, shape (n, H, W[, channels])
        Images.
    model : ImageModel
        The model whose precision and device the tensor has.
    dtype : torch.dtype or None
        Another precision.

    Returns
    -------
    Tensor, shape (n, channels, H, W)
        The images.
    """
    array = np.asarray(images, np.float64)
    array = array[:, np.newaxis] if model.channels == 1 else np.moveaxis(array, -1, 1)
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.to(model.pixel_mean.device, model.pixel_mean.dtype if dtype is None else dtype)


def filler(model: ImageModel | LinearModel, *, normalised: Normalised = "refuse") -> Filler:
    """Turn a model, trained or in closed form, into a function of images and kept patches.

    Parameters
    ----------
    model : ImageModel or LinearModel
        The model.
    normalised : {"refuse", "keep", "visible"}
        What to do with a model whose target is standardised patches (``norm_target``, He et al.'s
        ``norm_pix_loss``): its output is in units of each patch, whose mean and deviation it does
        not know. "refuse" raises an error. "keep" returns the output as it is. "visible"
        multiplies it with the mean deviation of the visible patches of the same image, and adds
        their mean, per image: an estimate from what the model saw, which has no brightness of
        single patches. The true mean and deviation of hidden patches are never used: they give
        away most of the power of an image, so that a model that sees nothing would look good.

    Returns
    -------
    callable
        Takes images, shape (n, H, W[, channels]), and kept patches, shape (n, n_patches), and
        returns reconstructions in the shape of the images. Hidden patches may hold anything, NaN
        too.

    Raises
    ------
    ValueError
        If the model predicts standardised patches and this is refused; from the function, for
        "visible", if an image has no visible patch.

    Examples
    --------
    >>> from spectral_mae import LinearMAE
    >>> images = np.random.default_rng(0).random((50, 8, 8)).cumsum(axis=1)
    >>> fill = filler(LinearMAE(4, 0.5).fit(images))
    >>> fill(images[:2], np.array([[True, False, False, True]] * 2)).shape
    (2, 8, 8)
    """
    _checks.choice("normalised", normalised, Normalised)
    if isinstance(model, LinearModel):
        grid = model.moments_.grid
        return lambda images, kept: model.reconstruct(images, grid.expand(kept))
    if model.norm_target and normalised == "refuse":
        raise ValueError(
            "a model with norm_target predicts patches in their own units, not pixels: "
            "normalised='keep' returns these, 'visible' takes units from the visible patches"
        )

    def reconstruct(images: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        output = model(images, kept)
        if model.norm_target and normalised == "visible":
            return in_visible_units(output, images, kept, model)
        return output

    def fill(images: FloatArray, kept: BoolArray) -> FloatArray:
        if len(images) == 0:
            raise ValueError(f"images of shape {np.shape(images)}: there is none")
        parts = []
        with torch.no_grad():
            for first in range(0, len(images), BATCH):
                part = slice(first, first + BATCH)
                given = from_images(images[part], model)
                mask = torch.from_numpy(kept[part]).to(given.device)
                parts.append(to_images(reconstruct(given, mask)))
        return np.concatenate(parts)

    return fill


def in_visible_units(
    output: torch.Tensor, images: torch.Tensor, kept: torch.Tensor, model: ImageModel
) -> torch.Tensor:
    """Bring standardised patches to pixel units with the statistics of visible patches.

    Parameters
    ----------
    output : Tensor, shape (n, channels, H, W)
        Output of a model with ``norm_target``.
    images : Tensor, shape (n, channels, H, W)
        Images in pixel units; only their visible patches are used.
    kept : Tensor of bool, shape (n, n_patches)
        True where a patch is visible.
    model : ImageModel
        The model, for its grid and units.

    Returns
    -------
    Tensor, shape (n, channels, H, W)
        The output times the mean deviation of the visible patches, plus their mean, in pixel units.

    Raises
    ------
    ValueError
        If an image has no visible patch.
    """
    if not bool(kept.any(dim=1).all()):
        raise ValueError("an image without a visible patch has no units to take from them")
    patches = model.in_units(images).masked_fill(~kept[:, :, None], 0.0)
    share = kept.to(patches.dtype)[:, :, None] / kept.sum(1)[:, None, None]
    mean = (patches.mean(-1, keepdim=True) * share).sum(1, keepdim=True)
    deviation = (patches.var(-1, keepdim=True) + 1e-6).sqrt()
    deviation = (deviation * share).sum(1, keepdim=True)
    standard = patchify(output, model.grid)
    return unpatchify(
        (standard * deviation + mean) * model.pixel_std + model.pixel_mean, model.grid
    )


def function_filler(function: ImageFunction, grid: PatchGrid) -> Filler:
    """Turn any function of images and visible pixels into one of images and kept patches.

    The function gets hidden pixels as zeros, so that it cannot look at them.

    Parameters
    ----------
    function : callable
        ``function(images, visible)`` takes images, float64 of shape (n, *shape[, channels]) with
        pixels from 0 to 1 and zero where they are hidden, and masks, bool of shape (n, *shape),
        True where a pixel is visible. It returns the reconstructions as an array or tensor in the
        shape of the images.
    grid : PatchGrid
        Grid of the images.

    Returns
    -------
    callable
        Takes images, shape (n, *shape[, channels]), and kept patches, shape (n, n_patches), and
        returns reconstructions in the shape of the images.

    Raises
    ------
    ValueError
        From the function that is returned: if a reconstruction has another shape, or holds NaN.

    Examples
    --------
    >>> def gray(images, visible):  # a model that fills in the mean of the visible pixels
    ...     mean = images.sum((1, 2)) / visible.sum((1, 2))
    ...     return np.where(visible, images, mean[:, None, None])
    >>> fill = function_filler(gray, PatchGrid((2, 4), 2))
    >>> fill(np.array([[[1.0, 2.0, 9.0, 9.0], [3.0, 2.0, 9.0, 9.0]]]), np.array([[True, False]]))
    array([[[1., 2., 2., 2.],
            [3., 2., 2., 2.]]])
    """

    def fill(images: FloatArray, kept: BoolArray) -> FloatArray:
        visible = grid.expand(kept)
        seen = visible.reshape(*visible.shape, *(1,) * (images.ndim - visible.ndim))
        output = real_numbers("the reconstruction", function(np.where(seen, images, 0.0), visible))
        if output.shape != images.shape:
            raise ValueError(
                f"the model made an array of shape {output.shape} of {len(images)} images of shape "
                f"{images.shape[1:]}: it takes a batch of images and of masks, and returns a batch "
                f"of shape {images.shape}"
            )
        return output

    return fill


def with_mask(model: ImageModel, kept: BoolArray | None = None) -> TensorMap:
    """Turn a model and one mask into a function of tensors of images.

    Parameters
    ----------
    model : ImageModel
        The model.
    kept : ndarray of bool, shape (n_patches,), or None
        True where a patch is visible; None keeps all.

    Returns
    -------
    callable
        Takes and returns tensors of shape (n, channels, H, W).

    Examples
    --------
    >>> from spectral_mae.nonlinear import MAEConfig, MaskedAutoencoder
    >>> config = MAEConfig((8, 8), 4, channels=1, width=8, depth=1, decoder_depth=1)
    >>> model = MaskedAutoencoder(config)
    >>> function = with_mask(model, np.array([True, False, False, True]))
    >>> x, y = torch.rand(2, 1, 1, 8, 8)
    >>> y[..., :4, :4], y[..., 4:, 4:] = x[..., :4, :4], x[..., 4:, 4:]  # they differ where hidden
    >>> torch.allclose(function(x), function(y))
    True
    """

    def function(images: torch.Tensor) -> torch.Tensor:
        if kept is None:
            return model(images)
        mask = torch.as_tensor(kept, device=images.device)
        return model(images, mask.expand(len(images), -1))

    return function


class AboutMean:
    """The function f(x̃) = model(mean + x̃) − mean of Lemmas 4 and 5, with its Jacobian.

    The lemmas have no mask as an argument, only masked images x̃ = r ⊙ x about a mean.

    Parameters
    ----------
    model : ImageModel
        The model.
    mean : ndarray, shape (H, W[, channels])
        The mean image.
    drop_empty : bool
        Hide patches of x̃ that are zero throughout from the model, as in its training. Otherwise
        the model sees every patch, and hidden ones equal the mean.

    Examples
    --------
    >>> from spectral_mae import PatchGrid
    >>> from spectral_mae.nonlinear import LinearAutoencoder
    >>> model = LinearAutoencoder(PatchGrid((4, 4), 2)).double()
    >>> f, x = AboutMean(model, np.zeros((4, 4))), np.ones((4, 4))
    >>> bool(np.allclose(f(x[None]).ravel(), f.jacobian(x) @ x.ravel()))
    True
    """

    def __init__(self, model: ImageModel, mean: FloatArray, *, drop_empty: bool = False) -> None:
        self.model, self.mean, self.drop_empty = model, real_numbers("mean", mean), drop_empty
        shape = model.grid.shape if model.channels == 1 else (*model.grid.shape, model.channels)
        if self.mean.shape != shape:
            raise ValueError(
                f"mean of shape {self.mean.shape} is not an image of the model, {shape}"
            )
        self._fill = filler(model)

    def __call__(self, masked: NDArray[np.floating]) -> FloatArray:
        """The outputs of a batch, (n, H, W[, channels])."""
        return self._fill(masked + self.mean, self._kept(masked)) - self.mean

    def jacobian(self, masked: FloatArray) -> FloatArray:
        """The Jacobian ∂output/∂input at one image.

        Parameters
        ----------
        masked : ndarray, shape (H, W[, channels])
            Masked image x̃, where the derivative is taken.

        Returns
        -------
        ndarray, shape (dim, dim)
            Outputs in rows.
        """
        kept = self._kept(masked[np.newaxis])[0]
        given = from_images(masked[np.newaxis] + self.mean, self.model)[0]
        return jacobian_matrix(with_mask(self.model, kept), given)

    def _kept(self, masked: NDArray[np.floating]) -> BoolArray:
        axis = None if self.model.channels == 1 else -1
        patches = self.model.grid.to_patches(masked, channel_axis=axis)
        if not self.drop_empty:
            return np.ones(patches.shape[:2], dtype=np.bool_)
        return np.asarray(np.any(patches != 0, axis=-1))
