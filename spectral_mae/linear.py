"""The linear masked autoencoder, denoising autoencoder and autoencoder, fitted in closed form.

No training: each model takes second moments of images and returns the map of least expected loss
over all its corruptions (design 3.3-3.5). ``covariance="banded"`` finds the best map among those
that commute with cyclic shifts by whole patches, band by band, at sizes where a dense problem
does not fit any memory; ``"dense"`` finds the best of all.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks, solve
from spectral_mae._checks import FloatArray, Sampling
from spectral_mae.corruption import Corruption, GaussianNoise, Mix, NoCorruption, PatchMasking
from spectral_mae.grid import PatchGrid
from spectral_mae.moments import BandMoments, DenseMoments, Stack
from spectral_mae.solve import Solution, SplitPair

Covariance = Literal["banded", "dense"]
Target = Literal["all", "hidden"]
Moments = BandMoments | DenseMoments
KINDS: dict[str, type[BandMoments] | type[DenseMoments]] = {
    "banded": BandMoments,
    "dense": DenseMoments,
}
MATRIX_LIMIT = 4096


class NotFittedError(ValueError, AttributeError):
    """A model was used before it was fitted."""


@dataclass(frozen=True, eq=False)
class MaskRatioSweep:
    """Loss of the full-rank model at many mask ratios.

    Attributes
    ----------
    mask_ratio, loss, explained : ndarray, shape (n,)
        ``explained`` is 1 − loss/trace.
    """

    mask_ratio: FloatArray
    loss: FloatArray
    explained: FloatArray


class _LinearModel(ABC):
    """What the linear models share; see `LinearMAE`."""

    patch_size: _checks.PerAxis
    covariance: Covariance
    center: bool

    # Set by fit.
    moments_: Moments
    solution_: Solution
    _half: _HalfPair | None

    def fit(self, images: ArrayLike | Iterator[ArrayLike], channel_axis: int | None = None) -> Self:
        """Fit to images.

        Parameters
        ----------
        images : array_like, shape (n, *shape), or an iterator of such batches
            With one more axis at ``channel_axis`` if that is given.
        channel_axis : int or None
            Axis of the channels in a batch.

        Returns
        -------
        self
        """
        batches: Iterator[ArrayLike] = images if isinstance(images, Iterator) else iter([images])
        moments: Moments | None = None
        for batch in batches:
            array = np.asarray(batch)
            if moments is None:
                moments = self._empty_moments(array, channel_axis)
            moments.update(array, channel_axis=channel_axis)
        if moments is None or moments.n_images == 0:
            raise ValueError("no images to fit: the batch is empty")
        return self.fit_moments(moments)

    def fit_moments(self, moments: Moments) -> Self:
        """Fit to second moments that were accumulated before.

        Raises
        ------
        TypeError
            If the moments are of another kind than this model's covariance.
        ValueError
            If they do not fit this model's patch size or centring.
        """
        expected = KINDS[self.covariance]
        if not isinstance(moments, expected):
            raise TypeError(
                f"covariance={self.covariance!r} needs {expected.__name__}, "
                f"not {type(moments).__name__}"
            )
        patch_size = _checks.per_axis("patch_size", self.patch_size, moments.grid.ndim)
        if (patch_size, self.center) != (moments.grid.patch_size, moments.center):
            raise ValueError(
                f"moments of {moments.grid.patch_size=} with {moments.center=} do not fit "
                f"{patch_size=} with center={self.center}"
            )
        self.solution_ = self._solve(moments.stack(), moments.grid)
        self.moments_ = moments
        split = self.solution_.split
        self._half = None
        if split is not None and isinstance(moments, BandMoments):
            self._half = _HalfPair.of(split, moments)
        return self

    @property
    def loss_(self) -> float:
        """Expected squared error per image, summed over pixels and channels."""
        return self._fitted().loss

    @property
    def trace_(self) -> float:
        """Loss of predicting the mean, per image, summed over the same pixels."""
        return self._fitted().trace

    @property
    def mean_(self) -> FloatArray:
        """The mean that is subtracted, with the axes of an image."""
        self._fitted()
        return self._to_image(self.moments_.mean[np.newaxis])[0]

    @property
    def eigenvalues_(self) -> FloatArray | None:
        """Eigenvalues of μ² S Q⁻¹ S that the model keeps, descending; None for hidden targets."""
        solution = self._fitted()
        if solution.eigenvalues is not None or not self._has_eigenvalues:
            return solution.eigenvalues
        mix = self._corruption(self.moments_.grid).mix
        return solve.eigenvalues(self.moments_.stack(), solution, mix)

    def score(self, images: ArrayLike, channel_axis: int | None = None) -> float:
        """Explained fraction of power on (other) images, exact over all corruptions.

        1 − loss/trace, both about the fitted mean; below zero where predicting the mean is
        better.

        Raises
        ------
        ValueError
            If the images do not fit, hold NaN, or have no power about the mean.
        """
        self._fitted()
        moments = self._about_mean(images, channel_axis)
        stack = moments.stack()
        if stack.trace == 0:
            raise ValueError("the images have no power about the fitted mean: nothing to explain")
        mix = self._scored_mix(self.moments_.grid)
        loss = solve.expected_loss(stack, mix, self.solution_.weights)
        if self._half is not None:
            loss += self._half.loss(
                self._to_patches(images, channel_axis) - self.moments_.mean, mix
            )
        return 1.0 - loss / stack.trace

    def reconstruct(
        self,
        images: ArrayLike,
        visible: ArrayLike | None = None,
        *,
        paste_visible: bool = False,
        channel_axis: int | None = None,
    ) -> FloatArray:
        """The model's output for (corrupted) images.

        x̂ = mean + ((x − mean) ⊙ visible) W.

        Parameters
        ----------
        images : array_like, shape (n, *shape), with the channels as they were fitted
        visible : array_like, shape (*shape) or (n, *shape), or None
            What is kept; None keeps everything.
        paste_visible : bool
            Put the visible pixels back into the output.
        channel_axis : int or None

        Returns
        -------
        ndarray, shape (n, *shape[, channels])
            Channels last.
        """
        self._fitted()
        patches = self._to_patches(images, channel_axis)
        masks = self._mask_patches(visible, len(patches))
        mean = self.moments_.mean
        output = mean + self._apply((patches - mean) * masks)
        if paste_visible:
            output = np.where(masks > 0, patches, output)
        return self._to_image(output)

    def weights(self, output_pixel: int | tuple[int, ...], *, channel: int = 0) -> FloatArray:
        """Receptive field: what every input pixel contributes to one output pixel.

        Parameters
        ----------
        output_pixel : int or tuple of int
            Index of the pixel.
        channel : int
            Channel of the output.

        Returns
        -------
        ndarray, shape (*shape[, channels])
        """
        self._fitted()
        moments = self.moments_
        delta = np.zeros((1, *moments.grid.shape, moments.channels))
        place = (output_pixel,) if isinstance(output_pixel, int) else tuple(output_pixel)
        delta[(0, *place, channel)] = 1.0
        patches = moments.grid.to_patches(delta, channel_axis=-1)
        return self._to_image(self._apply(patches, transpose=True))[0]

    def weight_matrix(self) -> NDArray[np.float64]:
        """W as a (D, D) matrix in the pixel order of a flattened image, channels last.

        Raises
        ------
        ValueError
            Above 4096 numbers per image; use `weights` for single columns there.
        """
        self._fitted()
        moments = self.moments_
        size = moments.grid.n_patches * moments.patch_dim
        if size > MATRIX_LIMIT:
            raise ValueError(
                f"{size} numbers per image make a matrix of {size**2 * 8e-9:.3g} GB; "
                f"the limit is {MATRIX_LIMIT} numbers"
            )
        identity = np.eye(size).reshape(size, *moments.grid.shape, moments.channels)
        patches = moments.grid.to_patches(identity, channel_axis=-1)
        rows = moments.grid.from_patches(self._apply(patches), channel_axis=-1)
        return np.asarray(rows.reshape(size, size), dtype=np.float64)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Constructor arguments by name, as scikit-learn has it."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> Self:
        """Change constructor arguments; fit again afterwards."""
        unknown = params.keys() - self.get_params().keys()
        if unknown:
            raise ValueError(f"{type(self).__name__} has no parameters {sorted(unknown)}")
        type(self).__init__(self, **{**self.get_params(), **params})
        return self

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({arguments})"

    @property
    def _has_eigenvalues(self) -> bool:
        return True

    @abstractmethod
    def _corruption(self, grid: PatchGrid) -> Corruption: ...

    @abstractmethod
    def _solve(self, stack: Stack, grid: PatchGrid) -> Solution: ...

    def _scored_mix(self, grid: PatchGrid) -> Mix:
        return self._corruption(grid).mix

    def _fitted(self) -> Solution:
        if not hasattr(self, "solution_"):
            raise NotFittedError(
                f"this {type(self).__name__} is not fitted yet: call fit or fit_moments first"
            )
        return self.solution_

    def _empty_moments(self, batch: NDArray[Any], channel_axis: int | None) -> Moments:
        ndim = batch.ndim - 1 - (channel_axis is not None)
        shape = _checks.channels_last("images", batch, channel_axis, ndim + 1).shape[1:]
        grid = PatchGrid(shape[:-1], self.patch_size)
        return KINDS[self.covariance](grid, shape[-1], self.center)

    def _to_patches(self, images: ArrayLike, channel_axis: int | None) -> FloatArray:
        moments = self.moments_
        array = np.asarray(images)
        if channel_axis is None and moments.channels > 1:
            channel_axis = -1
        batch = _checks.channels_last("images", array, channel_axis, moments.grid.ndim + 1)
        if batch.shape[1:] != (*moments.grid.shape, moments.channels):
            raise ValueError(
                f"images of shape {array.shape} do not fit the fitted shape "
                f"{moments.grid.shape} with {moments.channels} channels"
            )
        pixels = _checks.real_array("images", batch).astype(np.float64)
        return moments.grid.to_patches(pixels, channel_axis=-1)

    def _to_image(self, patches: FloatArray) -> FloatArray:
        moments = self.moments_
        channel_axis = None if moments.channels == 1 else -1
        return moments.grid.from_patches(patches, channel_axis=channel_axis)

    def _mask_patches(self, visible: ArrayLike | None, n: int) -> FloatArray:
        grid, channels = self.moments_.grid, self.moments_.channels
        masks = np.ones((1, *grid.shape)) if visible is None else np.asarray(visible, dtype=float)
        if masks.shape == grid.shape:
            masks = masks[np.newaxis]
        if masks.shape[1:] != grid.shape or len(masks) not in (1, n):
            raise ValueError(
                f"visible of shape {masks.shape} is neither {grid.shape} nor {(n, *grid.shape)}"
            )
        return np.repeat(grid.to_patches(masks), channels, axis=-1)

    def _apply(self, patches: FloatArray, *, transpose: bool = False) -> FloatArray:
        weights = self.solution_.weights
        if transpose:
            weights = weights.conj().transpose(0, 2, 1)
        output = self.moments_.apply(weights, patches)
        return output if self._half is None else output + self._half.apply(patches, transpose)

    def _about_mean(self, images: ArrayLike, channel_axis: int | None) -> Moments:
        """Second moments of images about the fitted mean."""
        fitted = self.moments_
        moments = type(fitted)(fitted.grid, fitted.channels, center=False)
        return moments.add_patches(self._to_patches(images, channel_axis) - fitted.mean)


class _HalfPair:
    """One real direction of a conjugate pair of bands: x̂ gains (x̃ · encoder) decoder."""

    def __init__(self, encoder: FloatArray, decoder: FloatArray) -> None:
        self.encoder = encoder
        self.decoder = decoder

    @classmethod
    def of(cls, split: SplitPair, moments: BandMoments) -> _HalfPair:
        """The cosine of the pair, over all patches."""
        grid = moments.grid
        q = moments.transform.frequencies[split.block]
        place = np.indices(grid.counts).reshape(grid.ndim, -1).T
        phase = np.exp(2j * np.pi * (place @ (q / np.array(grid.counts))))
        scale = np.sqrt(2.0 / grid.n_patches)
        wave = phase[:, np.newaxis] * scale
        return cls((wave * split.encoder).real, (wave * split.decoder).real)

    def apply(self, patches: FloatArray, transpose: bool) -> FloatArray:
        """Its share of the output."""
        read, write = (self.decoder, self.encoder) if transpose else (self.encoder, self.decoder)
        return np.einsum("nld,ld->n", patches, read)[:, np.newaxis, np.newaxis] * write

    def loss(self, patches: FloatArray, mix: Mix) -> float:
        """What it adds to the expected loss; it is orthogonal to the rest of the output."""
        code = np.einsum("nld,ld->nl", patches, self.encoder)
        target = np.einsum("nld,ld->n", patches, self.decoder)
        whole = code.sum(axis=1)
        noise = mix.white * float(np.sum(self.encoder**2))
        return float(
            np.mean(
                mix.own * whole**2
                + mix.local * np.sum(code**2, axis=1)
                - 2 * mix.mu * target * whole
            )
            + noise
        )


class LinearMAE(_LinearModel):
    """The linear masked autoencoder of least expected loss over all masks.

    Parameters
    ----------
    patch_size : int or tuple of int
    mask_ratio : float
        Fraction of patches that is hidden, strictly between 0 and 1.
    rank : int or None
        Width of the bottleneck; None is none.
    sampling : {"fixed", "bernoulli"}
        Exactly ⌊L(1−m)⌋ patches kept, as MAE code does, or each by its own coin.
    target : {"all", "hidden"}
        Pixels that are scored: all of the image, or those of hidden patches, as MAE code does;
        that has no closed form with a bottleneck. (MAE's target normalised per patch is nonlinear
        in the image and has no linear form.)
    covariance : {"banded", "dense"}
        The best map that commutes with cyclic shifts by whole patches, or the best of all.
    center : bool
        Subtract the mean (per position in the patch if banded, per pixel if dense).

    Attributes
    ----------
    loss_, trace_ : float
    eigenvalues_ : ndarray or None
    mean_ : ndarray
    moments_ : BandMoments or DenseMoments
    solution_ : Solution
        What the solver found: weights, condition of Q, dimensions dropped, a split pair.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images = np.cumsum(np.cumsum(rng.standard_normal((100, 16, 16)), axis=1), axis=2)
    >>> model = LinearMAE(4, 0.75).fit(images[:80])
    >>> model.loss_ < model.trace_
    True
    >>> 0 < model.score(images[80:]) < 1 - model.loss_ / model.trace_  # training loss flatters
    True
    """

    def __init__(
        self,
        patch_size: _checks.PerAxis,
        mask_ratio: float,
        *,
        rank: int | None = None,
        sampling: Sampling = "fixed",
        target: Target = "all",
        covariance: Covariance = "banded",
        center: bool = True,
    ) -> None:
        _checks.choice("sampling", sampling, Sampling)
        _checks.choice("target", target, Target)
        _checks.choice("covariance", covariance, Covariance)
        if target == "hidden" and rank is not None:
            raise ValueError(f"{target=} with {rank=}: no closed form with a bottleneck")
        self.patch_size = patch_size
        self.mask_ratio = _checks.open_unit("mask_ratio", mask_ratio)
        self.rank = _rank(rank)
        self.sampling: Sampling = sampling
        self.target: Target = target
        self.covariance = covariance
        self.center = center

    def mask_ratio_sweep(self, ratios: Sequence[float]) -> MaskRatioSweep:
        """Loss of the full-rank model at other mask ratios, on the fitted moments.

        One factorisation serves them all: with T = Blkdiag_p(S) = GGᴴ and G⁻¹SG⁻ᴴ = UΛUᴴ the
        solutions share their modes, with gains π₁Λ/(π₂Λ + π₁−π₂).
        """
        self._fitted()
        masking = [PatchMasking(self.moments_.grid.n_patches, m, self.sampling) for m in ratios]
        stack = self.moments_.stack()
        loss = solve.sweep(stack, [one.mix for one in masking])
        with np.errstate(invalid="ignore"):
            explained = 1.0 - loss / stack.trace
        return MaskRatioSweep(np.array(ratios, dtype=float), loss, explained)

    @property
    def _has_eigenvalues(self) -> bool:
        return self.target == "all"

    def _corruption(self, grid: PatchGrid) -> PatchMasking:
        return PatchMasking(grid.n_patches, self.mask_ratio, self.sampling)

    def _scored_mix(self, grid: PatchGrid) -> Mix:
        masking = self._corruption(grid)
        return masking.mix if self.target == "all" else masking.mix_given_hidden

    def _solve(self, stack: Stack, grid: PatchGrid) -> Solution:
        masking = self._corruption(grid)
        if self.target == "hidden":
            return solve.hidden_target(stack, masking.mix_given_hidden, masking.mix.mu)
        return _solve_all(stack, masking.mix, self.rank)


class LinearDAE(_LinearModel):
    """The linear denoising autoencoder: white noise instead of masks.

    Parameters
    ----------
    patch_size : int or tuple of int
        Of the bands; the dense model does not depend on it.
    sigma : float
        Standard deviation of the noise in pixel units.
    rank, covariance, center
        As in `LinearMAE`.

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
    ) -> None:
        _checks.choice("covariance", covariance, Covariance)
        self.patch_size = patch_size
        self.sigma = GaussianNoise(sigma).sigma
        self.rank = _rank(rank)
        self.covariance = covariance
        self.center = center

    def _corruption(self, grid: PatchGrid) -> GaussianNoise:
        return GaussianNoise(self.sigma)

    def _solve(self, stack: Stack, grid: PatchGrid) -> Solution:
        return _solve_all(stack, self._corruption(grid).mix, self.rank)


class LinearAE(_LinearModel):
    """The linear autoencoder: principal components.

    Parameters
    ----------
    patch_size : int or tuple of int
    rank : int
    covariance, center
        As in `LinearMAE`.

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
    ) -> None:
        _checks.choice("covariance", covariance, Covariance)
        self.patch_size = patch_size
        self.rank = _checks.positive_int("rank", rank)
        self.covariance = covariance
        self.center = center

    def _corruption(self, grid: PatchGrid) -> NoCorruption:
        return NoCorruption()

    def _solve(self, stack: Stack, grid: PatchGrid) -> Solution:
        return _solve_all(stack, NoCorruption().mix, self.rank)


def _solve_all(stack: Stack, mix: Mix, rank: int | None) -> Solution:
    return solve.full_rank(stack, mix) if rank is None else solve.low_rank(stack, mix, rank)


def _rank(rank: int | None) -> int | None:
    return None if rank is None else _checks.positive_int("rank", rank)
