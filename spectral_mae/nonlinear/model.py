"""The base class of models: units of pixels, the loss, the interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal

import torch
from torch import nn

from spectral_mae import _checks
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.nonlinear.patches import patchify, unpatchify

Target = Literal["all", "hidden"]


class ImageModel(nn.Module, ABC):
    """Base class of models that take images and a mask, and predict all patches.

    Parameters
    ----------
    grid : PatchGrid
        Grid of the images.
    channels : int
        Number of channels.

    Attributes
    ----------
    pixel_mean, pixel_std : Tensor
        Buffers; the model works on (pixels − pixel_mean) / pixel_std, patch by patch. Of shape
        (n_patches, patch_dim), or what broadcasts to it.
    norm_target : bool
        Patches are scored, and predicted, with their own mean and deviation taken off.
    """

    kind: str
    norm_target = False
    pixel_mean: torch.Tensor
    pixel_std: torch.Tensor

    def __init__(self, grid: PatchGrid, channels: int) -> None:
        super().__init__()
        self.grid = grid
        self.channels = channels
        size = (grid.n_patches, grid.patch_pixels * channels)
        self.register_buffer("pixel_mean", torch.zeros(size))
        self.register_buffer("pixel_std", torch.ones(size))

    @abstractmethod
    def predict(self, patches: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        """Predict all patches from the visible ones.

        Parameters
        ----------
        patches : Tensor, shape (n, n_patches, patch_dim)
            Patches in units of the model.
        kept : Tensor of bool, shape (n, n_patches)
            True where a patch is visible.

        Returns
        -------
        Tensor, shape (n, n_patches, patch_dim)
            The predictions, in units of the model.
        """

    @abstractmethod
    def features(self, images: torch.Tensor) -> torch.Tensor:
        """The features of whole images that a probe uses.

        Parameters
        ----------
        images : Tensor, shape (n, channels, H, W)
            Images in pixel units.

        Returns
        -------
        Tensor, shape (n, n_features)
            The features.
        """

    def set_units(self, mean: Any, std: Any) -> None:
        """Set the mean and standard deviation of pixels, which define the units of the model.

        Parameters
        ----------
        mean : float or array_like, shape (channels,)
            One mean, or one for each channel.
        std : float or array_like, shape (channels,)
            One standard deviation, or one for each channel.

        Raises
        ------
        ValueError
            If their number is wrong, or they are not finite, or a deviation is not positive. The
            units then stay as they were.
        """
        given = []
        for name, values in (("mean", mean), ("std", std)):
            one = torch.as_tensor(values, dtype=self.pixel_mean.dtype).reshape(-1)
            if len(one) not in (1, self.channels) or not torch.isfinite(one).all():
                raise ValueError(
                    f"{name}={values} is not one finite number, or one for each of "
                    f"{self.channels} channels"
                )
            given.append(one.expand(self.channels).repeat(self.grid.patch_pixels))
        if bool((given[1] <= 0).any()):
            raise ValueError(f"{std=} is not positive")
        self.pixel_mean.copy_(given[0])
        self.pixel_std.copy_(given[1])

    def forward(self, images: torch.Tensor, kept: torch.Tensor | None = None) -> torch.Tensor:
        """Reconstruct images, in pixel units.

        With `norm_target` the output is in units of each patch, whose mean and deviation the model
        does not know.

        Parameters
        ----------
        images : Tensor, shape (n, channels, H, W)
            Images in pixel units.
        kept : Tensor of bool, shape (n, n_patches), or None
            True where a patch is visible; None keeps all.

        Returns
        -------
        Tensor, shape (n, channels, H, W)
            The reconstructions.
        """
        kept = self.all_kept(images) if kept is None else kept
        output = self.predict(self.in_units(images), self._checked(kept, images))
        if not self.norm_target:
            output = output * self.pixel_std + self.pixel_mean
        return unpatchify(output, self.grid)

    def loss(
        self, images: torch.Tensor, kept: torch.Tensor, target: Target = "hidden"
    ) -> torch.Tensor:
        """Mean squared error over the numbers of hidden patches or of all, in units of the model.

        Parameters
        ----------
        images : Tensor, shape (n, channels, H, W)
            Images in pixel units.
        kept : Tensor of bool, shape (n, n_patches)
            True where a patch is visible.
        target : {"hidden", "all"}
            Which patches are scored.

        Returns
        -------
        Tensor, shape ()
            The loss.

        Raises
        ------
        ValueError
            If hidden patches are to be scored and none is hidden, or the images do not fit.
        """
        _checks.choice("target", target, Target)
        truth = self.in_units(images)
        if target == "hidden" and bool(self._checked(kept, images).all()):
            raise ValueError(
                f"kept hides no patch of {len(images)} images: target='hidden' has nothing to score"
            )
        error = self.predict(truth, self._checked(kept, images))
        if self.norm_target:
            truth = normalised(truth)
        each = (error - truth).square().mean(-1)
        return each[~kept].mean() if target == "hidden" else each.mean()

    def in_units(self, images: torch.Tensor) -> torch.Tensor:
        """Cut images into patches, in the units and the precision of the model.

        Parameters
        ----------
        images : Tensor, shape (n, channels, H, W)
            Images in pixel units.

        Returns
        -------
        Tensor, shape (n, n_patches, patch_dim)
            The patches.

        Raises
        ------
        ValueError
            If the images do not fit the model, there is none, or they are integers. Pixels are
            floats, from 0 to 1 for a model that a training run of this package made.
        """
        if not images.is_floating_point():
            raise ValueError(
                f"images of {images.dtype} are not floats: of pixels in eight bits take /255"
            )
        if len(images) == 0:
            raise ValueError(f"images of shape {tuple(images.shape)}: there is none")
        if images.ndim != 4 or images.shape[1] != self.channels:
            raise ValueError(
                f"images of shape {tuple(images.shape)} are not (n, channels={self.channels}, H, W)"
            )
        patches = patchify(images.to(self.pixel_mean.dtype), self.grid)
        return (patches - self.pixel_mean) / self.pixel_std

    def all_kept(self, images: torch.Tensor) -> torch.Tensor:
        """The mask that hides nothing.

        Parameters
        ----------
        images : Tensor, shape (n, channels, H, W)
            Images, for their number and device.

        Returns
        -------
        Tensor of bool, shape (n, n_patches)
            True throughout.
        """
        size = (len(images), self.grid.n_patches)
        return torch.ones(size, dtype=torch.bool, device=images.device)

    def _checked(self, kept: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        if kept.dtype != torch.bool or kept.shape != (len(images), self.grid.n_patches):
            raise ValueError(
                f"kept of {kept.dtype} and shape {tuple(kept.shape)} is not bool of "
                f"{(len(images), self.grid.n_patches)}"
            )
        return kept


def normalised(patches: torch.Tensor) -> torch.Tensor:
    """Standardise each patch with its own mean and standard deviation (He et al. 2022).

    The variance has one less than the numbers in a patch as its divisor, and 1e-6 is added to it.

    Parameters
    ----------
    patches : Tensor, shape (n, n_patches, patch_dim)
        Patches.

    Returns
    -------
    Tensor, shape (n, n_patches, patch_dim)
        Standardised patches.

    Raises
    ------
    ValueError
        If a patch has one number only: it has no standard deviation.
    """
    if patches.shape[-1] < 2:
        raise ValueError("patches of one number have no deviation to be divided by")
    mean = patches.mean(-1, keepdim=True)
    return (patches - mean) / (patches.var(-1, keepdim=True) + 1e-6).sqrt()
