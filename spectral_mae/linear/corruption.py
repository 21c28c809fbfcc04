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
    """The two moments of a corruption: μ, and the weights of the matrices that make up Q.

    Attributes
    ----------
    mu : float
        Factor μ of E[x̃ | x] = μx.
    own, local, white : float
        Weights in Q = own·S + local·Blkdiag_p(S) + white·I.
    """

    mu: float
    own: float
    local: float = 0.0
    white: float = 0.0

    def second_moment(self, stack: Stack, rows: slice) -> NDArray[Any]:
        """Return Q of some blocks.

        Parameters
        ----------
        stack : Stack
            Second moment S of the images.
        rows : slice
            Range of blocks.

        Returns
        -------
        ndarray, shape (n, d, d)
            A new array.
        """
        mixed = self.own * stack.blocks[rows]
        if self.local:
            mixed += self.local * stack.local_of(rows)
        if self.white:
            np.einsum("bii->bi", mixed)[...] += self.white
        return mixed


class Corruption(ABC):
    """A random change of images that leaves E[x̃ | x] = μx."""

    @property
    @abstractmethod
    def mix(self) -> Mix:
        """Moments μ and Q over all draws."""

    @property
    def scored_mix(self) -> Mix:
        """Moments where the loss is counted, which may be on part of the pixels only."""
        return self.mix

    @property
    def scores_hidden(self) -> bool:
        """Whether only what is hidden counts; the closed form is then another."""
        return False

    def working(self, moments: Moments) -> Moments:
        """Return the moments in whose coordinates the problem falls into blocks.

        Parameters
        ----------
        moments : BandMoments, DenseMoments or StationaryMoments
            Moments of a model.

        Returns
        -------
        BandMoments, DenseMoments or StationaryMoments
            The same, unless the problem has other coordinates.
        """
        return moments

    def prepared(self, stack: Stack, transform: BlockTransform) -> Stack:
        """Return the second moment as `mix` needs it.

        Parameters
        ----------
        stack : Stack
            Second moment of `working` moments; shrunken if the model is.
        transform : BlockTransform
            Coordinates of the stack.

        Returns
        -------
        Stack
            The same, but for what `mix` mixes in where that is not Blkdiag_p(S).
        """
        return stack

    @abstractmethod
    def sample(self, patches: FloatArray, rng: Seed = None) -> FloatArray:
        """Corrupt images about their mean, each by a draw of its own.

        Parameters
        ----------
        patches : ndarray, shape (n, n_patches, patch_dim)
            Images about the mean, cut into the patches of `working` moments.
        rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
            Seed or generator.

        Returns
        -------
        ndarray of float64, shape (n, n_patches, patch_dim)
            The corrupted images.
        """

    def code_power(self, shares: FloatArray) -> FloatArray:
        """Return E|c|² of a code that is a sum over patches, but for white noise.

        Parameters
        ----------
        shares : ndarray, shape (n, n_patches)
            What each patch of each image adds to the code before corruption.

        Returns
        -------
        ndarray, shape (n,)
            Mean over all draws, for each image.
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
        Number of patches, L ≥ 2.
    mask_ratio : float
        Fraction of patches that is hidden, strictly between 0 and 1.
    sampling : {"fixed", "bernoulli"}
        Keep exactly ⌊L(1−m)⌋ patches, or each one independently with probability 1−m.
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
        """Moments over all masks."""
        pi1, pi2 = inclusion_probabilities(self.n_patches, self.mask_ratio, sampling=self.sampling)
        return Mix(pi1, pi2, pi1 - pi2)

    @property
    def mix_given_hidden(self) -> Mix:
        """Moments over the masks that hide a given patch, for the other patches.

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
        """Moments over all masks, or over those that hide the patch that is scored."""
        return self.mix_given_hidden if self.scores_hidden else self.mix

    @property
    def scores_hidden(self) -> bool:
        """Whether the target is what is hidden."""
        return self.target == "hidden"

    def sample(self, patches: FloatArray, rng: Seed = None) -> FloatArray:
        """Set hidden patches to zero, another mask for each image.

        Parameters
        ----------
        patches : ndarray, shape (n, n_patches, patch_dim)
            Images about the mean, cut into patches.
        rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
            Seed or generator.

        Returns
        -------
        ndarray of float64, shape (n, n_patches, patch_dim)
            The masked images.
        """
        kept = sample_kept(
            self.n_patches, self.mask_ratio, len(patches), sampling=self.sampling, rng=rng
        )
        return patches * kept[:, :, np.newaxis]


@dataclass(frozen=True)
class OffsetMasking(Corruption):
    """Whole patches are hidden of a grid that lies at a random offset, cyclically.

    For images whose covariance does not change under shifts of pixels each frequency then stands
    alone: μ = π₁ and Q = π₂ S + (π₁−π₂) S̃ with S̃ = (L/D²)·S ⊛ Π|R|², the power that masks leak.

    Parameters
    ----------
    grid : PatchGrid
        The grid that is shifted.
    mask_ratio : float
        Fraction of patches that is hidden, strictly between 0 and 1.
    sampling : {"fixed", "bernoulli"}
        Keep exactly ⌊L(1−m)⌋ patches, or each one independently with probability 1−m.
    """

    grid: PatchGrid
    mask_ratio: float
    sampling: Sampling = "fixed"

    @cached_property
    def mix(self) -> Mix:
        """Moments over all masks and offsets, for stacks that `prepared` returns."""
        return PatchMasking(self.grid.n_patches, self.mask_ratio, self.sampling).mix

    def working(self, moments: Moments) -> Moments:
        """Return the moments of single frequencies.

        Parameters
        ----------
        moments : StationaryMoments
            Moments of a model.

        Returns
        -------
        BandMoments
            The same for patches that are single pixels.

        Raises
        ------
        TypeError
            If the moments are not stationary.
        """
        if not isinstance(moments, StationaryMoments):
            raise TypeError(f"random_offset needs StationaryMoments, not {type(moments).__name__}")
        return moments.by_frequency

    def prepared(self, stack: Stack, transform: BlockTransform) -> Stack:
        """Return a stack of single frequencies, with S̃ in the place of Blkdiag_p(S).

        Parameters
        ----------
        stack : Stack
            Second moment of `working` moments.
        transform : BlockTransform
            Coordinates of the stack.

        Returns
        -------
        Stack
            The same blocks, and S̃ as ``mixed_in``.
        """
        basis = transform.basis
        full = basis.scatter(stack.blocks[:, np.newaxis])
        local = basis.gather(smooth_over_patches(full, self.grid))[:, 0]
        return dataclasses.replace(stack, mixed_in=local)

    def code_power(self, shares: FloatArray) -> FloatArray:
        """Return E|c|² of a code that is a sum over pixels.

        Parameters
        ----------
        shares : ndarray, shape (n, pixels)
            What each pixel of each image adds to the code before corruption, in row-major order.

        Returns
        -------
        ndarray, shape (n,)
            Mean over all masks and offsets, for each image.
        """
        axes = tuple(range(self.grid.ndim))
        images = np.moveaxis(shares.reshape(-1, *self.grid.shape), 0, -1)
        power = np.abs(np.fft.fftn(images, axes=axes)) ** 2
        # At zero frequency: the sum over all pairs of pixels times the chance of one patch.
        within = smooth_over_patches(power, self.grid)[(0,) * self.grid.ndim].real
        return self.mix.own * shares.sum(axis=1) ** 2 + self.mix.local * within

    def sample(self, patches: FloatArray, rng: Seed = None) -> FloatArray:
        """Set hidden pixels to zero, another mask and offset for each image.

        Parameters
        ----------
        patches : ndarray, shape (n, pixels, channels)
            Images about the mean, pixels in row-major order.
        rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
            Seed or generator.

        Returns
        -------
        ndarray of float64, shape (n, pixels, channels)
            The masked images.
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
        Standard deviation σ in pixel units, positive.
    """

    sigma: float

    def __post_init__(self) -> None:
        sigma = _checks.positive_number("sigma", self.sigma)
        object.__setattr__(self, "sigma", sigma)

    @cached_property
    def mix(self) -> Mix:
        """Moments over all noise."""
        return Mix(1.0, 1.0, white=self.sigma**2)

    def sample(self, patches: FloatArray, rng: Seed = None) -> FloatArray:
        """Add noise to every pixel.

        Parameters
        ----------
        patches : ndarray, shape (n, n_patches, patch_dim)
            Images about the mean, cut into patches.
        rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
            Seed or generator.

        Returns
        -------
        ndarray of float64, shape (n, n_patches, patch_dim)
            The noisy images.
        """
        return patches + self.sigma * generator_of(rng).standard_normal(patches.shape)


@dataclass(frozen=True)
class NoCorruption(Corruption):
    """Nothing happens: μ = 1 and Q = S."""

    @property
    def mix(self) -> Mix:
        """Moments of the images as they are."""
        return Mix(1.0, 1.0)

    def sample(self, patches: FloatArray, rng: Seed = None) -> FloatArray:
        """Return the images as they are.

        Parameters
        ----------
        patches : ndarray, shape (n, n_patches, patch_dim)
            Images about the mean, cut into patches.
        rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
            Accepted as by all corruptions; nothing is drawn.

        Returns
        -------
        ndarray, shape (n, n_patches, patch_dim)
            The same array.
        """
        return patches
