"""What happens to images before a linear model sees them, as the two moments it needs.

For a corruption with E[x̃ | x] = μx the best linear map depends on μ and Q = E[x̃ x̃ᵀ] alone, and for
every corruption here Q is a mix of three matrices,

    Q = own·S + local·Blkdiag_p(S) + white·I,

so that closed forms and draws share one description. A corruption also says in which coordinates
the problem falls into blocks (`Corruption.working`), and may put matrices of its own in the place
of Blkdiag_p(S) (`Corruption.prepared`).
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray, Sampling
from spectral_mae.linear.moments.blocks import BlockTransform, Stack
from spectral_mae.linear.moments.kinds import Moments, StationaryMoments
from spectral_mae.linear.moments.polyphase import smooth_over_patches
from spectral_mae.masks.patches import PatchGrid, inclusion_probabilities, kept_patches
from spectral_mae.masks.pulse_mask import sample_visible
from spectral_mae.masks.sampling import Seed, generator_of, sample_kept

Target = Literal["all", "hidden"]


@dataclass(frozen=True)
class Mix:
    """μ, and the weights of the matrices that make up Q.

    Attributes
    ----------
    mu : float
        E[x̃ | x] = μx.
    own, local, white : float
        Q = own·S + local·Blkdiag_p(S) + white·I.
    """

    mu: float
    own: float
    local: float = 0.0
    white: float = 0.0

    def second_moment(self, stack: Stack, rows: slice) -> NDArray[Any]:
        """Q of some blocks, a new array of shape (n, d, d)."""
        mixed = self.own * stack.blocks[rows]
        if self.local:
            mixed += self.local * stack.local_of(rows)
        if self.white:
            np.einsum("bii->bi", mixed)[...] += self.white
        return mixed


class Corruption(ABC):
    """A way of spoiling images."""

    @property
    @abstractmethod
    def mix(self) -> Mix:
        """Its moments."""

    @property
    def scored_mix(self) -> Mix:
        """Its moments where the loss is counted, which may be on part of the pixels only."""
        return self.mix

    @property
    def scores_hidden(self) -> bool:
        """Whether only what is hidden counts; the closed form is then another."""
        return False

    def working(self, moments: Moments) -> Moments:
        """The moments in whose coordinates the problem falls into blocks."""
        return moments

    def prepared(self, stack: Stack, transform: BlockTransform) -> Stack:
        """The second moment as `mix` needs it.

        Parameters
        ----------
        stack : Stack
            Of `working` moments; shrunken if the model is.
        transform : BlockTransform
            Its coordinates.

        Returns
        -------
        Stack
            The same, but for what `mix` mixes in where that is not Blkdiag_p(S).
        """
        return stack

    @abstractmethod
    def sample(self, patches: FloatArray, rng: Seed = None) -> FloatArray:
        """Corrupt (centred) images, shape (n, n_patches, patch_dim)."""

    def code_power(self, shares: FloatArray) -> FloatArray:
        """E|c|² of a code that is a sum over patches, but for white noise.

        Parameters
        ----------
        shares : ndarray, shape (n, n_patches)
            What each patch of each image adds to the code before corruption.

        Returns
        -------
        ndarray, shape (n,)
        """
        mix = self.mix
        return mix.own * shares.sum(axis=1) ** 2 + mix.local * np.sum(shares**2, axis=1)


@dataclass(frozen=True)
class PatchMasking(Corruption):
    """Whole patches are hidden.

    μ = π₁ and Q = π₂ S + (π₁−π₂) Blkdiag_p(S).

    Parameters
    ----------
    n_patches : int
    mask_ratio : float
        Fraction of patches that is hidden, strictly between 0 and 1.
    sampling : {"fixed", "bernoulli"}
    target : {"all", "hidden"}
        Pixels whose loss is counted.

    Raises
    ------
    ValueError
        As `spectral_mae.inclusion_probabilities`.

    Examples
    --------
    >>> PatchMasking(4, 0.5).mix
    Mix(mu=0.5, own=0.16666666666666666, local=0.33333333333333337, white=0.0)
    """

    n_patches: int
    mask_ratio: float
    sampling: Sampling = "fixed"
    target: Target = "all"

    def __post_init__(self) -> None:
        inclusion_probabilities(self.n_patches, self.mask_ratio, sampling=self.sampling)

    @cached_property
    def mix(self) -> Mix:
        """Its moments over all masks."""
        pi1, pi2 = inclusion_probabilities(self.n_patches, self.mask_ratio, sampling=self.sampling)
        return Mix(pi1, pi2, pi1 - pi2)

    @property
    def mix_given_hidden(self) -> Mix:
        """Its moments over the masks that hide a given patch, for the other patches.

        Under Bernoulli sampling patches are independent and nothing changes; a fixed number K is
        then spread over one patch less: π₁' = K/(L−1), π₂' = π₁'(K−1)/(L−2), 0 when L = 2.
        """
        if self.sampling == "bernoulli":
            return self.mix
        kept = kept_patches(self.n_patches, self.mask_ratio)
        pi1 = kept / (self.n_patches - 1)
        pi2 = pi1 * (kept - 1) / (self.n_patches - 2) if self.n_patches > 2 else 0.0
        return Mix(pi1, pi2, pi1 - pi2)

    @property
    def scored_mix(self) -> Mix:
        """Its moments over all masks, or over those that hide the patch that is scored."""
        return self.mix_given_hidden if self.scores_hidden else self.mix

    @property
    def scores_hidden(self) -> bool:
        """Whether the target is what is hidden."""
        return self.target == "hidden"

    def sample(self, patches: FloatArray, rng: Seed = None) -> FloatArray:
        """Set hidden patches to zero, another mask for each image."""
        kept = sample_kept(
            self.n_patches, self.mask_ratio, len(patches), sampling=self.sampling, rng=rng
        )
        return patches * kept[:, :, np.newaxis]


@dataclass(frozen=True)
class OffsetMasking(Corruption):
    """Whole patches of a grid are hidden that lies at a random offset, cyclically.

    For images whose covariance does not change under shifts of pixels each frequency then stands
    alone: μ = π₁ and Q = π₂ S + (π₁−π₂) S̃ with S̃ = (L/D²)·S ⊛ Π|R|², the power that masks leak.

    Parameters
    ----------
    grid : PatchGrid
        The grid that is shifted. Its mask ratio and sampling are as in `PatchMasking`.
    mask_ratio : float
    sampling : {"fixed", "bernoulli"}
    """

    grid: PatchGrid
    mask_ratio: float
    sampling: Sampling = "fixed"

    @cached_property
    def mix(self) -> Mix:
        """Its moments over all masks and offsets, for stacks that `prepared` returns."""
        return PatchMasking(self.grid.n_patches, self.mask_ratio, self.sampling).mix

    def working(self, moments: Moments) -> Moments:
        """Moments of single frequencies.

        Raises
        ------
        TypeError
            If the moments are not stationary.
        """
        if not isinstance(moments, StationaryMoments):
            raise TypeError(f"random_offset needs StationaryMoments, not {type(moments).__name__}")
        return moments.by_frequency

    def prepared(self, stack: Stack, transform: BlockTransform) -> Stack:
        """A stack of single frequencies, with S̃ in the place of Blkdiag_p(S)."""
        basis = transform.basis
        full = basis.scatter(stack.blocks[:, np.newaxis])
        local = basis.gather(smooth_over_patches(full, self.grid))[:, 0]
        return dataclasses.replace(stack, mixed_in=local)

    def code_power(self, shares: FloatArray) -> FloatArray:
        """E|c|² of a code that is a sum over pixels, shape (n,)."""
        axes = tuple(range(self.grid.ndim))
        images = np.moveaxis(shares.reshape(-1, *self.grid.shape), 0, -1)
        power = np.abs(np.fft.fftn(images, axes=axes)) ** 2
        # At zero frequency: the sum over all pairs of pixels times the chance of one patch.
        within = smooth_over_patches(power, self.grid)[(0,) * self.grid.ndim].real
        return self.mix.own * shares.sum(axis=1) ** 2 + self.mix.local * within

    def sample(self, patches: FloatArray, rng: Seed = None) -> FloatArray:
        """Set hidden pixels to zero, another mask and offset for each image.

        ``patches`` are the pixels of the images in row-major order, (n, pixels, channels).
        """
        visible = sample_visible(
            self.grid,
            self.mask_ratio,
            len(patches),
            sampling=self.sampling,
            random_offset=True,
            rng=rng,
        )
        return patches * visible.reshape(len(patches), -1, 1)


@dataclass(frozen=True)
class GaussianNoise(Corruption):
    """White noise is added: μ = 1 and Q = S + σ²I.

    Parameters
    ----------
    sigma : float
        Standard deviation in pixel units, positive.
    """

    sigma: float

    def __post_init__(self) -> None:
        sigma = _checks.positive_number("sigma", self.sigma)
        object.__setattr__(self, "sigma", sigma)

    @cached_property
    def mix(self) -> Mix:
        """Its moments."""
        return Mix(1.0, 1.0, white=self.sigma**2)

    def sample(self, patches: FloatArray, rng: Seed = None) -> FloatArray:
        """Add noise to every pixel."""
        return patches + self.sigma * generator_of(rng).standard_normal(patches.shape)


@dataclass(frozen=True)
class NoCorruption(Corruption):
    """Nothing happens: μ = 1 and Q = S."""

    @property
    def mix(self) -> Mix:
        """Its moments."""
        return Mix(1.0, 1.0)

    def sample(self, patches: FloatArray, rng: Seed = None) -> FloatArray:
        """Return the images."""
        return patches
