"""What all models share: pixels and patches, units, the loss."""

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
    """Takes images and which patches of them are kept, and fills in the rest.

    Parameters
    ----------
    grid : PatchGrid
    channels : int

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
        """Patches in units of the model to their prediction, both (n, n_patches, patch_dim)."""

    @abstractmethod
    def features(self, images: torch.Tensor) -> torch.Tensor:
        """What a probe reads of whole images, (n, n_features)."""

    def set_units(self, mean: Any, std: Any) -> None:
        """Set mean and deviation of pixels: numbers, or one for each channel.

        Raises
        ------
        ValueError
            If there are other numbers of them, or they are not finite, or a deviation is not
            positive. The units are then as they were.
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
        """Reconstruct images, (n, channels, H, W), in pixel units.

        ``kept`` is True where a patch is visible, (n, n_patches); None keeps all. With
        `norm_target` the output is in units of each patch, whose mean and deviation the model
        does not know.
        """
        kept = self.all_kept(images) if kept is None else kept
        output = self.predict(self.in_units(images), self._checked(kept, images))
        if not self.norm_target:
            output = output * self.pixel_std + self.pixel_mean
        return unpatchify(output, self.grid)

    def loss(
        self, images: torch.Tensor, kept: torch.Tensor, target: Target = "hidden"
    ) -> torch.Tensor:
        """Mean squared error over the numbers of hidden patches (or all), in units of the model.

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
        """Patches of images in units and precision of the model, (n, n_patches, patch_dim).

        Raises
        ------
        ValueError
            If the images do not fit the model, there is none, or they are of integers: pixels are
            floats, from 0 to 1 where a training made the model.
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
        """The mask that hides nothing, (n, n_patches)."""
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
    """Patches with their own mean taken off, divided by their own deviation (He et al.).

    The variance is that of a sample (divided by one less than the numbers in a patch), with 1e-6
    added.

    Raises
    ------
    ValueError
        If patches are of one number: it has no deviation.
    """
    if patches.shape[-1] < 2:
        raise ValueError("patches of one number have no deviation to be divided by")
    mean = patches.mean(-1, keepdim=True)
    return (patches - mean) / (patches.var(-1, keepdim=True) + 1e-6).sqrt()
