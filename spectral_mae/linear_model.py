"""What the linear models share: fitting to moments, scores, reconstructions, weights."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks, solve
from spectral_mae._checks import FloatArray
from spectral_mae.corruption import Corruption, Mix
from spectral_mae.grid import PatchGrid
from spectral_mae.moments import BandMoments, DenseMoments, Stack
from spectral_mae.solve import Solution, SplitPair

Covariance = Literal["banded", "dense"]
Moments = BandMoments | DenseMoments
KINDS: dict[str, type[BandMoments] | type[DenseMoments]] = {
    "banded": BandMoments,
    "dense": DenseMoments,
}
MATRIX_LIMIT = 4096


class NotFittedError(ValueError, AttributeError):
    """A model was used before it was fitted."""


class LinearModel(ABC):
    """What the linear models share; see `spectral_mae.LinearMAE`."""

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

        They are kept as ``moments_``, not copied: what they take in afterwards belongs to another
        model, so fit again.

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
                self.moments_.to_patches(images, channel_axis) - self.moments_.mean, mix
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
        patches = self.moments_.to_patches(images, channel_axis)
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
        return moments.add_patches(fitted.to_patches(images, channel_axis) - fitted.mean)


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
