"""What happens to images before a linear model sees them, as the two moments it needs.

For a corruption with E[x̃ | x] = μx the best linear map depends on μ and Q = E[x̃ x̃ᵀ] alone, and for
every corruption here Q is a mix of three matrices,

    Q = own·S + local·Blkdiag_p(S) + white·I,

so that closed forms and draws share one description. A corruption also says in which coordinates
the problem falls into blocks (`Corruption.working`), and may put matrices of its own in the place
of Blkdiag_p(S), and one factor for each number in the place of μ (`Corruption.prepared`).

Masks are described by their design. Where it is uniform, own = π₂ and local = π₁−π₂. For all
others `prepared` finds Q itself, which takes the whole place of Blkdiag_p(S): own = 0, local = 1.
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
from spectral_mae._array_api import constant
from spectral_mae._checks import BoolArray, FloatArray, is_tensor
from spectral_mae.linear.moments.blocks import BlockTransform, Stack
from spectral_mae.linear.moments.kinds import Moments, StationaryMoments
from spectral_mae.linear.moments.polyphase import keep_lags, smooth_over_patches
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.sampling import Seed, generator_of

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
        mixed = self.own * stack.blocks[rows, ...]
        if self.local:
            mixed += self.local * stack.local_of(rows)
        if self.white and is_tensor(mixed):
            mixed = mixed + constant(self.white * np.eye(mixed.shape[-1]), mixed, mixed.dtype)
        elif self.white:
            np.einsum("bii->bi", mixed)[...] += self.white
        return mixed

    def seen(
        self, stack: Stack, matrices: NDArray[Any], out: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """Return μ times matrices: what the mean of x̃ has of rows.

        Parameters
        ----------
        stack : Stack
            Second moment of the images, which says where μ differs from number to number.
        matrices : ndarray, shape (..., d, n)
            Matrices whose rows belong to the numbers of a block. Of S it gives E[x̃ xᵀ], of a map W
            the map of the mean of x̂.
        out : ndarray, shape (..., d, n), or None
            Where the result is put; a new array by default.

        Returns
        -------
        ndarray, shape (..., d, n)
            The products.
        """
        factor = self.mu if stack.inclusion is None else stack.inclusion[:, np.newaxis]
        if out is None:
            return factor * matrices
        if is_tensor(out):
            out[...] = factor * matrices
            return out
        return np.multiply(factor, matrices, out=out)


class Corruption(ABC):
    """A random change of images with E[x̃ | x] = μx; μ may differ from patch to patch."""

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

    @property
    def scored_by_patch(self) -> bool:
        """Whether the moments where the loss is counted differ from output patch to output patch.

        There is then no `scored_mix`.
        """
        return False

    @property
    def depends_on_place(self) -> bool:
        """Whether patches are treated differently, so that images and their shifts differ in loss.

        Bands then tell the loss over all cyclic shifts by whole patches, not that of the images as
        they are.
        """
        return False

    @property
    def replaces_local(self) -> bool:
        """Whether `prepared` puts another matrix in the place of Blkdiag_p(S)."""
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
            The same, but for what `mix` mixes in where that is not Blkdiag_p(S), and for the
            factors in the place of μ where they differ.
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


class Masking(Corruption):
    """Pixels are hidden by random masks of a design.

    Attributes
    ----------
    design : MaskDesign
        Distribution of the sets of kept patches.
    """

    design: MaskDesign

    @cached_property
    def mix(self) -> Mix:
        """Moments over all masks, for stacks that `prepared` returns."""
        if self.design.uniform is None:
            return Mix(float(self.design.inclusion.mean()), 0.0, 1.0)
        pi1, pi2 = self.design.uniform
        return Mix(pi1, pi2, pi1 - pi2)

    @abstractmethod
    def masks(self, n: int, rng: Seed = None) -> BoolArray:
        """Draw masks of pixels.

        Parameters
        ----------
        n : int
            Number of masks.
        rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
            Seed or generator.

        Returns
        -------
        ndarray of bool, shape (n, *grid.shape)
            True where a pixel is kept.
        """


@dataclass(frozen=True)
class PatchMasking(Masking):
    """Whole patches are hidden.

    Q_ab = Π_ab S_ab for patches a and b, with Π_ab the probability that both are kept. For uniform
    designs μ = π₁ and Q = π₂ S + (π₁−π₂) Blkdiag_p(S). In bands μ is the mean of π₁, and
    Q_q = (1/L) Σ_q' ρ̂(q−q') S_q', with ρ̂ the spectrum of the design.

    Parameters
    ----------
    design : MaskDesign
        Distribution of the sets of kept patches.
    target : {"all", "hidden"}
        Pixels whose loss is counted.

    Examples
    --------
    >>> from spectral_mae import PatchGrid, designs
    >>> PatchMasking(designs.fixed(PatchGrid(8, 2), 0.5)).mix
    Mix(mu=0.5, own=0.16666666666666666, local=0.33333333333333337, white=0.0)
    """

    design: MaskDesign
    target: Target = "all"

    @property
    def mix_given_hidden(self) -> Mix:
        """Moments over the masks that hide a given patch, for the other patches.

        Raises
        ------
        ValueError
            If they are not the same for all patches.
        """
        given = self.design.uniform_given_hidden
        if given is None:
            raise ValueError(
                f"{self.design}: what is kept while a patch is hidden depends on the patch "
                "(third-order inclusion probabilities)"
            )
        pi1, pi2 = given
        return Mix(pi1, pi2, pi1 - pi2)

    @property
    def scored_mix(self) -> Mix:
        """Moments over all masks, or over those that hide the patch that is scored."""
        return self.mix_given_hidden if self.scores_hidden else self.mix

    @property
    def scores_hidden(self) -> bool:
        """Whether the target is what is hidden."""
        return self.target == "hidden"

    @property
    def scored_by_patch(self) -> bool:
        """Whether hidden patches are scored, each given other sets of kept patches."""
        return self.scores_hidden and self.design.uniform_given_hidden is None

    @property
    def depends_on_place(self) -> bool:
        """Whether the design is not shift-invariant."""
        return not self.design.shift_invariant

    @property
    def replaces_local(self) -> bool:
        """Whether Q is none of the mixes of uniform designs."""
        return self.design.uniform is None and not self.scored_by_patch

    def prepared(self, stack: Stack, transform: BlockTransform) -> Stack:
        """Return a stack with Q, and π₁ of each number, where `mix` or `scored_mix` needs them.

        Parameters
        ----------
        stack : Stack
            Second moment of `working` moments.
        transform : BlockTransform
            Coordinates of the stack.

        Returns
        -------
        Stack
            The same blocks, and Q as ``mixed_in``.
        """
        if not self.replaces_local:
            return stack
        return dataclasses.replace(
            stack,
            mixed_in=transform.keep_pairs(stack.blocks, self.design),
            inclusion=transform.inclusion(self.design),
        )

    def code_power(self, shares: FloatArray) -> FloatArray:
        """Return E|c|² of a code that is a sum over patches, sᵀ Π s.

        Parameters
        ----------
        shares : ndarray, shape (n, n_patches)
            What each patch of each image adds to the code before corruption.

        Returns
        -------
        ndarray, shape (n,)
            Mean over all masks, for each image.
        """
        if self.design.uniform is not None:
            return super().code_power(shares)
        if not self.design.shift_invariant:
            return np.sum((shares @ self.design.factor().T) ** 2, axis=1)
        counts = self.design.grid.counts
        waves = np.fft.fftn(shares.reshape(-1, *counts), axes=range(1, len(counts) + 1))
        power = (np.abs(waves) ** 2).reshape(len(shares), -1)
        return power @ self.design.spectrum.ravel() / self.design.n_patches

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
        return patches * self.design.sample_kept(len(patches), rng)[:, :, np.newaxis]

    def masks(self, n: int, rng: Seed = None) -> BoolArray:
        """Draw masks of pixels.

        Parameters
        ----------
        n : int
            Number of masks.
        rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
            Seed or generator.

        Returns
        -------
        ndarray of bool, shape (n, *grid.shape)
            True where a pixel is kept.
        """
        return self.design.sample(n, rng)


@dataclass(frozen=True)
class OffsetMasking(Masking):
    """Whole patches are hidden of a grid that lies at a random offset, cyclically.

    For images whose covariance does not change under shifts of pixels each frequency then stands
    alone. Q multiplies each lag of the autocovariance by the probability that a mask keeps both of
    its pixels. For uniform designs μ = π₁ and Q = π₂ S + (π₁−π₂) S̃ with S̃ = (L/D²)·S ⊛ Π|R|², the
    power that masks leak.

    Parameters
    ----------
    design : MaskDesign
        Distribution of the sets of kept patches, on the grid that is shifted.
    """

    design: MaskDesign

    @property
    def replaces_local(self) -> bool:
        """True: S̃ or Q takes its place."""
        return True

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
        """Return a stack of single frequencies, with S̃ or Q in the place of Blkdiag_p(S).

        Parameters
        ----------
        stack : Stack
            Second moment of `working` moments.
        transform : BlockTransform
            Coordinates of the stack.

        Returns
        -------
        Stack
            The same blocks, and S̃ or Q as ``mixed_in``.
        """
        basis = transform.basis
        full = basis.scatter(stack.blocks[:, np.newaxis])
        return dataclasses.replace(stack, mixed_in=basis.gather(self._smoothed(full))[:, 0])

    def _smoothed(self, full: NDArray[Any]) -> NDArray[Any]:
        """S̃ for uniform designs, else Q, of spectra on the whole grid of frequencies."""
        grid = self.design.grid
        if self.design.uniform is not None:
            return smooth_over_patches(full, grid)
        return keep_lags(full, grid, self.design.pair_inclusion)

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
        grid = self.design.grid
        axes = tuple(range(grid.ndim))
        images = np.moveaxis(shares.reshape(-1, *grid.shape), 0, -1)
        power = np.abs(np.fft.fftn(images, axes=axes)) ** 2
        # At zero frequency: the sum over all pairs of pixels times the chance that both are kept.
        within = self._smoothed(power)[(0,) * grid.ndim].real
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
        return patches * self.masks(len(patches), rng).reshape(len(patches), -1, 1)

    def masks(self, n: int, rng: Seed = None) -> BoolArray:
        """Draw masks of pixels, each shifted cyclically by a random number of pixels.

        A shift of less than a patch is enough for designs that are shift-invariant themselves; it
        is of any number of pixels for others.

        Parameters
        ----------
        n : int
            Number of masks.
        rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
            Seed or generator.

        Returns
        -------
        ndarray of bool, shape (n, *grid.shape)
            True where a pixel is kept.
        """
        generator, grid = generator_of(rng), self.design.grid
        visible = self.design.sample(n, generator)
        farthest = grid.patch_size if self.design.shift_invariant else grid.shape
        offsets = generator.integers(0, farthest, (n, grid.ndim))
        axes = tuple(range(grid.ndim))
        for one, offset in zip(visible, offsets.tolist(), strict=True):
            one[...] = np.roll(one, offset, axes)
        return visible


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
