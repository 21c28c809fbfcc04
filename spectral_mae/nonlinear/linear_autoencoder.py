"""The linear autoencoder, trained by gradient descent, to compare with the closed forms."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.linear import solver
from spectral_mae.linear.corruption import Corruption, PatchMasking
from spectral_mae.linear.moments.blocks import Stack
from spectral_mae.linear.moments.kinds import DenseMoments
from spectral_mae.linear.problems.hidden_target import hidden_loss_by_patch
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.nonlinear.arrays import real_numbers
from spectral_mae.nonlinear.model import ImageModel
from spectral_mae.nonlinear.schedule import check_rates, warmup_cosine


class LinearAutoencoder(ImageModel):
    """A linear autoencoder with learned weights, x̂ = mean + ((x − mean) ⊙ visible) A B.

    Parameters
    ----------
    grid : PatchGrid
        Grid of the images.
    channels : int
        Number of channels.
    rank : int or None
        Width of the bottleneck; None has one matrix W in the place of AB.

    Examples
    --------
    >>> model = LinearAutoencoder(PatchGrid((4, 4), 2), rank=3)
    >>> model.weight_matrix().shape, int(np.linalg.matrix_rank(model.weight_matrix()))
    ((16, 16), 3)
    """

    kind = "linear"

    def __init__(self, grid: PatchGrid, channels: int = 1, rank: int | None = None) -> None:
        super().__init__(grid, channels)
        self.rank = None if rank is None else _checks.positive_int("rank", rank)
        dim = grid.n_patches * grid.patch_pixels * channels
        if rank is not None and rank > dim:
            raise ValueError(f"{rank=} is more than the {dim} numbers in an image")
        shapes = [(dim, dim)] if rank is None else [(dim, rank), (rank, dim)]
        # Entries of variance 1/dim: the output of a start is of the size of its input.
        self.factors = nn.ParameterList(torch.randn(shape) / dim**0.5 for shape in shapes)

    def predict(self, patches: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        """Predict patches: those about the mean, hidden ones set to zero, times AB.

        Parameters
        ----------
        patches : Tensor, shape (n, n_patches, patch_dim)
            Patches in units of the model.
        kept : Tensor of bool, shape (n, n_patches)
            True where a patch is visible.

        Returns
        -------
        Tensor, shape (n, n_patches, patch_dim)
            The predictions.
        """
        seen = patches.masked_fill(~kept[:, :, None], 0.0)
        return self.apply_map(seen.flatten(1)).reshape(patches.shape)

    def apply_map(self, rows: torch.Tensor) -> torch.Tensor:
        """Multiply rows by AB.

        Parameters
        ----------
        rows : Tensor, shape (n, dim)
            Flat images in the order of patches.

        Returns
        -------
        Tensor, shape (n, dim)
            The products.
        """
        for factor in self.factors:
            rows = rows @ factor
        return rows

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """The code x A of whole images, or the output xW of a model without a bottleneck.

        Parameters
        ----------
        images : Tensor, shape (n, channels, H, W)
            Images.

        Returns
        -------
        Tensor, shape (n, n_features)
            The features.
        """
        return self.in_units(images).flatten(1) @ self.factors[0]

    def weight_matrix(self) -> FloatArray:
        """The matrix AB in the order of patches, x̂ = x̃ · AB.

        Returns
        -------
        ndarray, shape (dim, dim)
            Inputs in rows, outputs in columns.
        """
        factors = [factor.detach().double().cpu().numpy() for factor in self.factors]
        return factors[0].copy() if len(factors) == 1 else factors[0] @ factors[1]


@dataclass(frozen=True)
class DescentConfig:
    """Settings of gradient descent for a linear map.

    Adam runs on new batches and masks in each step. The learning rate rises linearly and then falls
    to zero along a cosine.

    Parameters
    ----------
    steps : int
        Number of steps.
    batch : int
        Images in a batch.
    rate : float
        Largest learning rate.
    warmup : float
        Fraction of the steps in which the learning rate rises.

    Examples
    --------
    >>> config = DescentConfig(steps=100, batch=32)
    >>> config.steps, config.rate
    (100, 0.003)
    """

    steps: int = 4000
    batch: int = 512
    rate: float = 3e-3
    warmup: float = 0.02

    def __post_init__(self) -> None:
        _checks.positive_int("steps", self.steps)
        _checks.positive_int("batch", self.batch)
        check_rates(self, "rate")
        _checks.closed_unit("warmup", self.warmup)


def descend(
    model: LinearAutoencoder,
    images: FloatArray,
    corruption: Corruption,
    *,
    hidden_only: bool = False,
    config: DescentConfig | None = None,
    rng: Seed = None,
) -> FloatArray:
    """Train a linear map by gradient descent on drawn images and drawn corruptions.

    It minimises the squared error ‖x − x̃AB‖², or that of hidden patches with ``hidden_only``. The
    mean of the images becomes the mean of the model, and its units those of the pixels.

    Parameters
    ----------
    model : LinearAutoencoder
        Changed in place.
    images : ndarray, shape (n, H, W) or (n, H, W, channels)
        Images to train on.
    corruption : Corruption
        Masks, noise, or none, from `spectral_mae.linear.corruption`.
    hidden_only : bool
        Score hidden patches only. The corruption must set whole patches to zero.
    config : DescentConfig or None
        Settings; None uses the defaults.
    rng : int, numpy.random.Generator or None
        Seed or generator of batches and corruptions.

    Returns
    -------
    ndarray, shape (steps,)
        The loss of each batch, per image.

    Raises
    ------
    ValueError
        If images have another shape, are not finite, or there is none; or with ``hidden_only`` if
        the corruption hides no patches.

    Examples
    --------
    >>> from spectral_mae import designs
    >>> grid = PatchGrid((4, 4), 2)
    >>> images = np.random.default_rng(0).standard_normal((200, 4, 4)).cumsum(axis=1)
    >>> masks, config = PatchMasking(designs.fixed(grid, 0.5)), DescentConfig(steps=40, batch=32)
    >>> losses = descend(LinearAutoencoder(grid), images, masks, config=config, rng=0)
    >>> losses.shape, bool(losses[-5:].mean() < losses[:5].mean())
    ((40,), True)
    """
    config = DescentConfig() if config is None else config
    rng = generator_of(rng)
    if hidden_only and not isinstance(corruption, PatchMasking):
        raise ValueError(
            f"hidden_only with {corruption}: it hides no whole patches, so that none is scored"
        )
    images = real_numbers("images", images)
    if images.ndim not in (3, 4) or not len(images):
        raise ValueError(f"images of shape {images.shape} are not (n, H, W[, channels])")
    patches = model.grid.to_patches(images, channel_axis=None if images.ndim == 3 else -1)
    if patches.shape[2] != model.pixel_mean.shape[1]:
        raise ValueError(f"images of shape {images.shape} do not have {model.channels} channels")
    mean = patches.mean(0)
    scale = float(np.sqrt(np.mean((patches - mean) ** 2))) or 1.0
    model.pixel_mean.copy_(torch.from_numpy(mean))
    model.pixel_std.fill_(1.0)
    data = (patches - mean) / scale  # Adam's steps have a size: so should pixels
    parameter = model.factors[0]
    optimizer = torch.optim.Adam(model.parameters(), lr=config.rate, betas=(0.9, 0.99))
    losses = np.empty(config.steps)
    scaled = _Scaled(corruption, scale)
    for step in range(config.steps):
        for group in optimizer.param_groups:
            group["lr"] = config.rate * warmup_cosine(
                step, config.steps, round(config.warmup * config.steps)
            )
        truth = data[rng.integers(len(data), size=config.batch)]
        seen = scaled.sample(truth, rng)
        given, wanted = (
            torch.from_numpy(x).to(parameter.device, parameter.dtype).flatten(1)
            for x in (seen, truth)
        )
        error = model.apply_map(given) - wanted
        if hidden_only:
            hidden = np.repeat(~seen.any(-1, keepdims=True), seen.shape[2], axis=2)
            error = error * torch.from_numpy(hidden).to(error.device).flatten(1)
        loss = error.square().sum() / config.batch
        if not bool(torch.isfinite(loss)):
            raise FloatingPointError(f"the loss is {loss.item()} at {step=}: try a smaller rate")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses[step] = loss.item() * scale**2
    return losses


def exact_loss(model: LinearAutoencoder, moments: DenseMoments, corruption: Corruption) -> float:
    """The expected loss of a learned map over all corruptions, without sampling.

        Tr S − 2μ Tr(S W) + Tr(Wᵀ Q W),

    per image, with S about the mean of the model, μ and Q the moments of the corrupted images, and
    W the learned map in the units of pixels.

    Parameters
    ----------
    model : LinearAutoencoder
        The learned map.
    moments : DenseMoments
        Moments of the images. Those that are not about a mean (``center=False``) are of the images
        less the mean of the model.
    corruption : Corruption
        Masks, noise, or none.

    Returns
    -------
    float
        Expected squared error, summed over the numbers of an image.

    Raises
    ------
    TypeError
        If the moments are not dense.
    ValueError
        If they are of other patches or channels than the model.

    Examples
    --------
    >>> from spectral_mae import designs
    >>> grid = PatchGrid((4, 4), 2)
    >>> images = np.random.default_rng(0).standard_normal((50, 4, 4))
    >>> moments = DenseMoments(grid, center=False).update(images)
    >>> model = LinearAutoencoder(grid)
    >>> _ = torch.nn.init.eye_(model.factors[0])  # the identity map leaves hidden patches zero
    >>> loss = exact_loss(model, moments, PatchMasking(designs.fixed(grid, 0.75)))
    >>> round(loss / moments.stack().trace, 6)
    0.75
    """
    stack, weights = _in_pixels(model, moments)
    stack = corruption.prepared(stack, moments.transform)
    return solver.expected_loss(stack, corruption.mix, weights[np.newaxis])


def exact_hidden_loss(
    model: LinearAutoencoder, moments: DenseMoments, masking: PatchMasking
) -> float:
    """The expected squared error of hidden patches, per image, without sampling.

        (1−π₁) (Tr S − 2π₁' Tr(S W) + Tr(Wᵀ Q' W)),

    with π₁' and Q' conditional on a hidden output patch, each patch by itself for designs that are
    not uniform. The weights of W within a patch do not matter, because the patch is hidden.

    Parameters
    ----------
    model : LinearAutoencoder
        The learned map.
    moments : DenseMoments
        Moments of the images. Those that are not about a mean (``center=False``) are of the images
        less the mean of the model.
    masking : PatchMasking
        The distribution of the masks.

    Returns
    -------
    float
        Expected squared error, summed over the hidden numbers of an image.

    Raises
    ------
    TypeError, ValueError
        As `exact_loss`.

    Examples
    --------
    >>> from spectral_mae import designs
    >>> grid = PatchGrid((4, 4), 2)
    >>> images = np.random.default_rng(0).standard_normal((50, 4, 4))
    >>> moments = DenseMoments(grid, center=False).update(images)
    >>> model = LinearAutoencoder(grid)
    >>> _ = torch.nn.init.zeros_(model.factors[0])  # an output of zero: hidden power is lost
    >>> loss = exact_hidden_loss(model, moments, PatchMasking(designs.fixed(grid, 0.5)))
    >>> round(loss / moments.stack().trace, 6)
    0.5
    """
    stack, weights = _in_pixels(model, moments)
    if masking.design.uniform_given_hidden is None:
        return hidden_loss_by_patch(stack, masking.design, weights[np.newaxis])[0]
    others = weights - stack.within_patches(weights)
    each = solver.expected_loss(stack, masking.mix_given_hidden, others[np.newaxis])
    return (1 - masking.mix.mu) * each


def _in_pixels(model: LinearAutoencoder, moments: DenseMoments) -> tuple[Stack, FloatArray]:
    """Second moment about the mean of a model, and its map, both in the units of pixels."""
    _checks.needed("moments", moments, DenseMoments, "DenseMoments(grid).update(images) makes them")
    if (moments.grid, moments.channels) != (model.grid, model.channels):
        raise ValueError(
            f"moments of {moments.grid} with {moments.channels} channels are not of a model of "
            f"{model.grid} with {model.channels}"
        )
    shape = moments.grid.n_patches, moments.patch_dim
    mean, std = (
        np.broadcast_to(unit.double().cpu().numpy(), shape).ravel()
        for unit in (model.pixel_mean, model.pixel_std)
    )
    stack = moments.stack()
    if moments.center:
        step = moments.mean.ravel() - mean
        stack = dataclasses.replace(stack, blocks=stack.blocks + np.outer(step, step))
    return stack, model.weight_matrix() / std[:, np.newaxis] * std


class _Scaled:
    """A corruption of images that were divided by a number."""

    def __init__(self, corruption: Corruption, scale: float) -> None:
        self.corruption, self.scale = corruption, scale
        self.blind = corruption.mix.white == 0  # masks do not care for units

    def sample(self, patches: FloatArray, rng: np.random.Generator) -> Any:
        if self.blind:
            return self.corruption.sample(patches, rng)
        return self.corruption.sample(patches * self.scale, rng) / self.scale
