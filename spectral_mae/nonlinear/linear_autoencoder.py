"""The linear autoencoder, trained: the bridge between closed forms and gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.linear import solver
from spectral_mae.linear.corruption import Corruption, Mix, PatchMasking
from spectral_mae.linear.moments.kinds import DenseMoments
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.nonlinear.arrays import real_numbers
from spectral_mae.nonlinear.model import ImageModel
from spectral_mae.nonlinear.schedule import check_rates, warmup_cosine


class LinearAutoencoder(ImageModel):
    """x̂ = mean + ((x − mean) ⊙ visible) A B, with A and B learned.

    Parameters
    ----------
    grid : PatchGrid
    channels : int
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
        """Patches about the mean, hidden ones set to zero, times AB."""
        seen = patches.masked_fill(~kept[:, :, None], 0.0)
        return self.apply_map(seen.flatten(1)).reshape(patches.shape)

    def apply_map(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows times AB, (n, dim)."""
        for factor in self.factors:
            rows = rows @ factor
        return rows

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """The code x A; of a full-rank map its output, (n, n_features)."""
        return self.in_units(images).flatten(1) @ self.factors[0]

    def weight_matrix(self) -> FloatArray:
        """AB in the order of patches, (dim, dim): x̂ = x̃ · AB."""
        factors = [factor.detach().double().cpu().numpy() for factor in self.factors]
        return factors[0].copy() if len(factors) == 1 else factors[0] @ factors[1]


@dataclass(frozen=True)
class DescentConfig:
    """How a linear map is learned: Adam on fresh batches and masks, a cosine to zero.

    Attributes
    ----------
    steps, batch : int
    rate : float
        Largest learning rate.
    warmup : float
        Fraction of the steps in which the rate rises to it.
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
    """Train by gradient descent on drawn images and drawn corruptions.

    Minimises the squared error ‖x − x̃AB‖², or for ``hidden_only`` that of hidden patches. The
    mean of the images becomes the model's.

    Parameters
    ----------
    model : LinearAutoencoder
        Changed in place.
    images : ndarray, shape (n, H, W) or (n, H, W, channels)
    corruption : Corruption
        Of `spectral_mae.linear.corruption`: masks, noise, nothing.
    hidden_only : bool
        Needs a corruption that sets whole patches to zero.
    config : DescentConfig or None
    rng : int, numpy.random.Generator or None

    Returns
    -------
    ndarray, shape (steps,)
        The loss of each batch, per image.

    Raises
    ------
    ValueError
        If images do not fit, or are not finite, or there is none; if hidden patches are to be
        scored and the corruption hides none.
    FloatingPointError
        If the loss becomes NaN or infinite.
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
    patches = model.grid.to_patches(images, None if images.ndim == 3 else -1)
    if patches.shape[2] != model.pixel_mean.shape[1]:
        raise ValueError(f"images of shape {images.shape} do not have {model.channels} channels")
    mean = patches.mean(0)
    scale = float(np.sqrt(np.mean((patches - mean) ** 2))) or 1.0
    model.pixel_mean.copy_(torch.from_numpy(mean))
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


def exact_loss(model: LinearAutoencoder, moments: DenseMoments, mix: Mix) -> float:
    """The expected loss of a learned map over all corruptions, no sampling.

    Tr S − 2μ Tr(S W) + Tr(Wᵀ Q W), per image, with S of ``moments``.
    """
    return solver.expected_loss(moments.stack(), mix, model.weight_matrix()[np.newaxis])


def exact_hidden_loss(
    model: LinearAutoencoder, moments: DenseMoments, masking: PatchMasking
) -> float:
    """The expected sum of squared errors over hidden patches, per image, no sampling.

    (1−π₁) (Tr S − 2π₁' Tr(S W) + Tr(Wᵀ Q' W)), moments given that the output patch is hidden. What
    W makes of a patch in its own place does not matter: it is hidden.
    """
    stack, weights = moments.stack(), model.weight_matrix()
    others = weights - stack.within_patches(weights)
    each = solver.expected_loss(stack, masking.mix_given_hidden, others[np.newaxis])
    return (1 - masking.mix.mu) * each


class _Scaled:
    """A corruption of images that were divided by a number."""

    def __init__(self, corruption: Corruption, scale: float) -> None:
        self.corruption, self.scale = corruption, scale
        self.blind = corruption.mix.white == 0  # masks do not care for units

    def sample(self, patches: FloatArray, rng: np.random.Generator) -> Any:
        if self.blind:
            return self.corruption.sample(patches, rng)
        return self.corruption.sample(patches * self.scale, rng) / self.scale
