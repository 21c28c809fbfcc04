"""The model of an audit: how its outputs are made, and in which units they are scored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray, PerAxis
from spectral_mae.linear.model import LinearModel
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.nonlinear.arrays import real_numbers
from spectral_mae.nonlinear.evaluation.jacobian import TensorMap
from spectral_mae.nonlinear.evaluation.maps import (
    Filler,
    filler,
    from_images,
    function_filler,
    in_visible_units,
    to_images,
)
from spectral_mae.nonlinear.model import ImageModel
from spectral_mae.nonlinear.model import normalised as standardised
from spectral_mae.nonlinear.opening import Opened
from spectral_mae.nonlinear.patches import patchify, unpatchify
from spectral_mae.nonlinear.training import best_device

PatchUnits = Literal["keep", "visible"]
BATCH = 256


@dataclass(frozen=True)
class AuditedModel:
    """A model as an audit uses it.

    Attributes
    ----------
    grid : PatchGrid
        Grid of the images.
    fill : callable
        Takes images and kept patches; returns reconstructions.
    network : ImageModel or None
        The network, if it is one that is known here.
    units : {"pixels", "patches", "visible"}
        In which units outputs are scored: pixels; patches that are standardised with their own mean
        and deviation; pixels of a model that predicts such patches, with the mean and deviation of
        the visible ones.
    """

    grid: PatchGrid
    fill: Filler
    network: ImageModel | None
    units: str

    @classmethod
    def of(
        cls,
        model: Opened,
        shape: tuple[int, ...],
        patch_size: PerAxis | None,
        normalised: PatchUnits,
    ) -> AuditedModel:
        """The model of an audit.

        Parameters
        ----------
        model : ImageModel, LinearModel or callable
            The model.
        shape : tuple of int
            Pixels of the images along each axis.
        patch_size : int, tuple of int or None
            Pixels of a patch along each axis. None takes that of the model.
        normalised : {"keep", "visible"}
            Units of a model that predicts standardised patches.

        Returns
        -------
        AuditedModel
            The model.

        Raises
        ------
        TypeError
            If it is no model.
        ValueError
            If images or patches are not those of the model, or its patch size is not known.
        """
        _checks.choice("normalised", normalised, PatchUnits)
        if isinstance(model, ImageModel | LinearModel):
            grid = model.grid if isinstance(model, ImageModel) else model.moments_.grid
            if grid.shape != shape:
                raise ValueError(f"images of {shape} pixels; the model takes {grid.shape}")
            if patch_size is not None and PatchGrid(shape, patch_size) != grid:
                raise ValueError(f"{patch_size=}; the model has patches of {grid.patch_size}")
            if isinstance(model, LinearModel):
                return cls(grid, filler(model), None, "pixels")
            units = "pixels"
            if model.norm_target:
                units = "patches" if normalised == "keep" else "visible"
            return cls(grid, filler(model, normalised=normalised), model, units)
        if not callable(model):
            raise TypeError(
                f"model={_checks.brief(model)} is no model: a function of images and masks, a "
                "model of this package, or the place of one"
            )
        if patch_size is None:
            raise ValueError("the patch size of a function is not known: give patch_size")
        grid = PatchGrid(shape, patch_size)
        return cls(grid, function_filler(model, grid), None, "pixels")

    def truth(self, images: FloatArray) -> FloatArray:
        """What the outputs are compared with.

        Parameters
        ----------
        images : ndarray, shape (n, *shape[, channels])
            Images in pixels.

        Returns
        -------
        ndarray, like ``images``
            The images in the units in which outputs are scored.
        """
        network = self.network
        if self.units != "patches" or network is None:
            return images
        # In double precision: rounding would be all the power at frequencies that have none.
        mean, std = network.pixel_mean.double(), network.pixel_std.double()
        parts = []
        for first in range(0, len(images), BATCH):
            given = from_images(images[first : first + BATCH], network, dtype=torch.float64)
            patches = (patchify(given, network.grid) - mean) / std
            parts.append(to_images(unpatchify(standardised(patches), network.grid)))
        return np.concatenate(parts)

    def with_mask(self, kept: BoolArray) -> TensorMap:
        """The network and one mask as a function of tensors of images, for derivatives.

        Parameters
        ----------
        kept : ndarray of bool, shape (n_patches,)
            True where a patch is visible.

        Returns
        -------
        callable
            Takes and returns tensors of shape (n, channels, H, W).
        """
        network = self.network
        if network is None:
            raise ValueError("a function of arrays has no derivative")

        def function(images: torch.Tensor) -> torch.Tensor:
            mask = torch.as_tensor(kept, device=images.device).expand(len(images), -1)
            output = network(images, mask)
            if self.units == "visible":
                return in_visible_units(output, images, mask, network)
            return output

        return function


@contextmanager
def in_evaluation(
    model: Opened, device: torch.device | str | None
) -> Iterator[torch.device | None]:
    """Put a network on a device and in evaluation mode, and back afterwards.

    Parameters
    ----------
    model : ImageModel, LinearModel or callable
        The model; what is no network stays as it is.
    device : torch.device, str or None
        None takes a GPU where there is one.

    Yields
    ------
    torch.device or None
        The device; None for what is no network.
    """
    if not isinstance(model, ImageModel):
        yield None
        return
    before, training = model.pixel_mean.device, model.training
    place = best_device() if device is None else torch.device(device)
    model.to(place).eval()
    try:
        yield place
    finally:
        model.to(before).train(training)


def pixels_of(images: Any) -> FloatArray:
    """Images as numbers from 0 to 1.

    Parameters
    ----------
    images : array_like or Tensor, shape (n, H, W) or (n, H, W, channels)
        Pixels in eight bits, or floats that are from 0 to 1.

    Returns
    -------
    ndarray of float64, shape (n, H, W[, channels])
        The images; a single channel has no axis.

    Raises
    ------
    ValueError
        If the shape is another one, there are fewer than four images, numbers are not finite, or
        integers are not of eight bits.
    """
    kind = np.asarray(images).dtype
    array = real_numbers("images", images)
    if kind.kind in "biu":
        if kind != np.uint8:
            raise ValueError(f"images of {kind}: give eight bits, or floats from 0 to 1")
        array = array / 255.0
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (3, 4):
        raise ValueError(f"images of shape {array.shape} are not (n, H, W) or (n, H, W, channels)")
    if len(array) < 4:
        raise ValueError(f"{len(array)} images: an audit needs four, and means little below 50")
    return array


def hiding(design: MaskDesign, patch: int, n: int, rng: np.random.Generator) -> BoolArray:
    """Draw masks that hide a patch.

    Parameters
    ----------
    design : MaskDesign
        Distribution of the masks.
    patch : int
        The patch.
    n : int
        Number of masks.
    rng : numpy.random.Generator
        Generator of the masks.

    Returns
    -------
    ndarray of bool, shape (m, n_patches)
        At most ``n`` masks; fewer where the design hides the patch seldom or never.
    """
    drawn = design.sample_kept(64 * n, rng)
    chosen = drawn[~drawn[:, patch] & drawn.any(axis=1)]
    return chosen[:n]
