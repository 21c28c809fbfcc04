"""What the linear models share: fitting to moments, scores, reconstructions, weights."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks, model_file, solve
from spectral_mae._checks import FloatArray
from spectral_mae.corruption import Corruption, Mix
from spectral_mae.estimator import Estimator, NotFittedError
from spectral_mae.filters import Bottleneck, HalfPair
from spectral_mae.grid import PatchGrid
from spectral_mae.model_file import Stored
from spectral_mae.moments import KINDS, BandMoments, DenseMoments, Moments
from spectral_mae.receptive import ReceptiveField
from spectral_mae.response import FrequencyResponse, frequency_response
from spectral_mae.sampling import Seed
from spectral_mae.solve import Solution
from spectral_mae.stack import Stack

Covariance = Literal["banded", "dense", "stationary"]
SHRINKAGES = (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
MATRIX_LIMIT = 4096


@dataclass(frozen=True, eq=False)
class ShrinkageChoice:
    """What held-out images say of shrinkage.

    Attributes
    ----------
    shrinkage : ndarray, shape (n,)
    explained : ndarray, shape (n,)
        Explained fraction of power on the held-out images.
    best : float
        The shrinkage of the largest.
    """

    shrinkage: FloatArray
    explained: FloatArray
    best: float


class LinearModel(Estimator, ABC):
    """What the linear models share; see `spectral_mae.LinearMAE`."""

    patch_size: _checks.PerAxis
    covariance: Covariance
    center: bool
    shrinkage: float

    # Set by fit.
    moments_: Moments
    solution_: Solution

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
        moments: Moments | None = None
        for batch in _batches(images):
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
        self.solution_ = self._solve(self._stack(moments), moments.grid)
        self.moments_ = moments
        return self

    @property
    def loss_(self) -> float:
        """Expected squared error per image, summed over pixels and channels.

        Under the moments that were fitted, shrunken if they were.
        """
        return self._fitted().loss

    @property
    def trace_(self) -> float:
        """Loss of predicting the mean, per image, summed over the same pixels."""
        return self._fitted().trace

    @property
    def mean_(self) -> FloatArray:
        """The mean that is subtracted, with the axes of an image."""
        self._fitted()
        return self._to_image(self._working.mean[np.newaxis])[0]

    @property
    def eigenvalues_(self) -> FloatArray | None:
        """Eigenvalues of μ² S Q⁻¹ S that the model keeps, descending; None for hidden targets."""
        solution = self._fitted()
        if solution.eigenvalues is not None or not self._has_eigenvalues:
            return solution.eigenvalues
        mix = self._corruption(self.moments_.grid).mix
        return solve.eigenvalues(self._stack(self.moments_), solution, mix)

    def second_moment(
        self, images: ArrayLike | Iterator[ArrayLike], channel_axis: int | None = None
    ) -> Stack:
        """Second moment of (other) images about the fitted mean.

        `score` and `choose_shrinkage` take it in the place of the images, so that many models of
        one patch size, fitted to the same images, need to see the others only once.
        """
        self._fitted()
        return self._about_mean(images, channel_axis, lambda _: 0.0)[0]

    def score(
        self, images: ArrayLike | Iterator[ArrayLike] | Stack, channel_axis: int | None = None
    ) -> float:
        """Explained fraction of power on (other) images, exact over all corruptions.

        1 − loss/trace, both about the fitted mean; below zero where predicting the mean is
        better.

        Parameters
        ----------
        images : array_like, shape (n, *shape), or an iterator of such batches, or Stack
            A stack is what `second_moment` made of the images.
        channel_axis : int or None

        Raises
        ------
        ValueError
            If the images do not fit, hold NaN, or have no power about the mean; for a second
            moment, if the rank splits a conjugate pair of bands, whose half it does not tell.
        """
        solution = self._fitted()
        half = self._half(solution)
        if isinstance(images, Stack):
            if half is not None:
                raise ValueError(f"{self!r} splits a pair of bands: score needs the images")
            return self._explained(images, solution)
        corruption = self._corruption(self.moments_.grid)
        stack, extra = self._about_mean(
            images, channel_axis, lambda p: 0.0 if half is None else half.loss(p, corruption)
        )
        return self._explained(stack, solution) - extra / stack.trace

    def choose_shrinkage(
        self,
        images: ArrayLike | Iterator[ArrayLike] | Stack,
        values: Sequence[float] = SHRINKAGES,
        *,
        channel_axis: int | None = None,
    ) -> ShrinkageChoice:
        """Take the shrinkage that explains most of other images, and fit again with it.

        Parameters
        ----------
        images : array_like, shape (n, *shape), or an iterator of such batches, or Stack
            Held out from the fit; a stack is what `second_moment` made of them.
        values : sequence of float
            Shrinkages to try, from 0 to 1.
        channel_axis : int or None

        Returns
        -------
        ShrinkageChoice
            ``shrinkage`` of this model is then its ``best``. (Where a rank splits a conjugate
            pair of bands the half that is kept is left out of what is compared.)
        """
        self._fitted()
        tried = [_checks.closed_unit("shrinkage", value) for value in values]
        if not tried:
            raise ValueError("no shrinkage to try: values is empty")
        held_out = images if isinstance(images, Stack) else self.second_moment(images, channel_axis)
        if held_out.trace == 0:
            raise ValueError("the images have no power about the fitted mean: nothing to explain")
        del self.solution_  # room for the next
        explained = []
        for value in tried:
            self.shrinkage = value
            solution = self._solve(self._stack(self.moments_), self.moments_.grid)
            explained.append(self._explained(held_out, solution))
            del solution
        self.shrinkage = tried[int(np.argmax(explained))]
        self.fit_moments(self.moments_)
        return ShrinkageChoice(np.array(tried), np.array(explained), self.shrinkage)

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
        patches = self._working.to_patches(images, channel_axis)
        masks = self._mask_patches(visible, len(patches))
        mean = self._working.mean
        output = mean + self._apply((patches - mean) * masks)
        if paste_visible:
            output = np.where(masks > 0, patches, output)
        return self._to_image(output)

    def corrupt(
        self, images: ArrayLike, *, channel_axis: int | None = None, rng: Seed = None
    ) -> FloatArray:
        """Draw what the model is made to see of images: masked about the mean, or with noise.

        Returns
        -------
        ndarray, shape (n, *shape[, channels])
            Hidden pixels hold the fitted mean.
        """
        self._fitted()
        working = self._working
        patches = working.to_patches(images, channel_axis) - working.mean
        drawn = self._corruption(self.moments_.grid).sample(patches, rng)
        return self._to_image(working.mean + drawn)

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
        moments = self._working
        delta = np.zeros((1, *moments.grid.shape, moments.channels))
        place = self._place(output_pixel, channel)
        delta[(0, *place, channel)] = 1.0
        patches = moments.grid.to_patches(delta, channel_axis=-1)
        return self._to_image(self._apply(patches, transpose=True))[0]

    def receptive_field(
        self, output_pixel: int | tuple[int, ...], *, channel: int = 0
    ) -> ReceptiveField:
        """The weights of one output pixel, with measures of how far they reach."""
        weights = self.weights(output_pixel, channel=channel)
        return ReceptiveField(
            weights,
            self.moments_.grid,
            self._place(output_pixel, channel),
            periodic=self.covariance != "dense",
        )

    def frequency_response(self) -> FrequencyResponse:
        """What the model makes of each frequency of the images it was fitted to.

        Gain, passed, aliased and noise power, error and explained fraction; the error sums to
        ``loss_`` (for a hidden target to ``loss_``/(1−π₁), that of an image all hidden).
        """
        solution = self._fitted()
        half = self._half(solution)
        return frequency_response(
            self._stack(self.moments_),
            self._working.transform,
            self._scored_mix(self.moments_.grid),
            solution.weights,
            None if half is None else (half.encoder, half.decoder),
        )

    def encoder(self, n: int | None = None) -> FloatArray:
        """What the code reads: c_i = x̃ · encoder_i, the columns of the paper's A.

        Parameters
        ----------
        n : int or None
            How many, by descending eigenvalue; all by default. (A banded model's come as cosine
            and sine of a band, over all patches.)

        Returns
        -------
        ndarray, shape (n, *shape[, channels])

        Raises
        ------
        ValueError
            If the model has no bottleneck, or not so many columns.
        """
        bottleneck, n = self._bottleneck(n)
        return self._to_image(bottleneck.encoder(n))

    def decoder(self, n: int | None = None) -> FloatArray:
        """What the code writes: x̂ = Σ_i c_i decoder_i, the rows of the paper's B, orthonormal.

        Arguments and result as of `encoder`.
        """
        bottleneck, n = self._bottleneck(n)
        return self._to_image(bottleneck.decoder(n))

    def weight_matrix(self) -> NDArray[np.float64]:
        """W as a (D, D) matrix in the pixel order of a flattened image, channels last.

        Raises
        ------
        ValueError
            Above 4096 numbers per image; use `weights` for single columns there.
        """
        self._fitted()
        moments = self._working
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

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to an npz file, without pickles: parameters, moments, solution."""
        solution = self._fitted()
        name = type(self).__name__
        model_file.write(path, Stored(name, self.get_params(), self.moments_, solution))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a model of this class that `save` wrote.

        Raises
        ------
        ValueError
            If the file holds another model, or none.
        """
        stored = model_file.read(path)
        if stored.model != cls.__name__:
            raise ValueError(f"{os.fspath(path)!r} holds a {stored.model}, not a {cls.__name__}")
        return cls.from_stored(stored)

    @classmethod
    def from_stored(cls, stored: Stored) -> Self:
        """A model as a file holds it."""
        model = cls(**stored.parameters)
        model.moments_, model.solution_ = stored.moments, stored.solution
        return model

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

    @property
    def _working(self) -> Moments:
        """The moments in whose coordinates the problem was solved."""
        return self.moments_

    def _stack(self, moments: Moments) -> Stack:
        """The second moment that is solved."""
        return moments.stack().shrunk(self.shrinkage, moments.transform)

    def _stack_of(self, centred: Moments) -> Stack:
        """The second moment of images as they are, neither shrunken nor made stationary."""
        return centred.stack()

    def _about_mean(
        self,
        images: ArrayLike | Iterator[ArrayLike],
        channel_axis: int | None,
        each: Callable[[FloatArray], float],
    ) -> tuple[Stack, float]:
        """Second moment of images about the fitted mean, and the mean over them of a number."""
        working = self._working
        kind = DenseMoments if isinstance(working, DenseMoments) else BandMoments
        moments = kind(working.grid, working.channels, center=False)
        total = 0.0
        for batch in _batches(images):
            patches = working.to_patches(batch, channel_axis) - working.mean
            moments.add_patches(patches)
            total += each(patches) * len(patches)
        if moments.n_images == 0:
            raise ValueError("no images to score: the batch is empty")
        return self._stack_of(moments), total / moments.n_images

    def _explained(self, stack: Stack, solution: Solution) -> float:
        if stack.trace == 0:
            raise ValueError("the images have no power about the fitted mean: nothing to explain")
        mix = self._scored_mix(self.moments_.grid)
        return 1.0 - solve.expected_loss(stack, mix, solution.weights) / stack.trace

    def _half(self, solution: Solution) -> HalfPair | None:
        components = solution.components
        if components is None or components.split is None:
            return None
        return Bottleneck(components, self._working.transform).half_pair()

    def _bottleneck(self, n: int | None) -> tuple[Bottleneck, int]:
        solution = self._fitted()
        if solution.components is None:
            raise ValueError(f"{self!r} has no bottleneck, so neither encoder nor decoder")
        n = solution.rank if n is None else _checks.positive_int("n", n)
        if n > solution.rank:
            raise ValueError(f"{n=} is more than the rank, {solution.rank}")
        return Bottleneck(solution.components, self._working.transform), n

    def _empty_moments(self, batch: NDArray[Any], channel_axis: int | None) -> Moments:
        ndim = batch.ndim - 1 - (channel_axis is not None)
        shape = _checks.channels_last("images", batch, channel_axis, ndim + 1).shape[1:]
        grid = PatchGrid(shape[:-1], self.patch_size)
        return KINDS[self.covariance](grid, shape[-1], self.center)

    def _place(self, output_pixel: int | tuple[int, ...], channel: int) -> tuple[int, ...]:
        """Index of a pixel, counted from the front."""
        given = (output_pixel,) if isinstance(output_pixel, int) else tuple(output_pixel)
        shape, channels = self.moments_.grid.shape, self.moments_.channels
        inside = len(given) == len(shape) and all(
            -n <= i < n for i, n in zip(given, shape, strict=True)
        )
        if not inside or not -channels <= channel < channels:
            raise ValueError(f"{output_pixel=} with {channel=} is not in {shape=}, {channels=}")
        return tuple(i % n for i, n in zip(given, shape, strict=True))

    def _to_image(self, patches: FloatArray) -> FloatArray:
        moments = self._working
        channel_axis = None if moments.channels == 1 else -1
        return moments.grid.from_patches(patches, channel_axis=channel_axis)

    def _mask_patches(self, visible: ArrayLike | None, n: int) -> FloatArray:
        grid, channels = self._working.grid, self._working.channels
        masks = np.ones((1, *grid.shape)) if visible is None else np.asarray(visible, dtype=float)
        if masks.shape == grid.shape:
            masks = masks[np.newaxis]
        if masks.shape[1:] != grid.shape or len(masks) not in (1, n):
            raise ValueError(
                f"visible of shape {masks.shape} is neither {grid.shape} nor {(n, *grid.shape)}"
            )
        return np.repeat(grid.to_patches(masks), channels, axis=-1)

    def _apply(self, patches: FloatArray, *, transpose: bool = False) -> FloatArray:
        solution = self.solution_
        weights = solution.weights
        if transpose:
            weights = weights.conj().swapaxes(1, 2)
        output = self._working.transform.apply(weights, patches)
        half = self._half(solution)
        return output if half is None else output + half.apply(patches, transpose=transpose)


def _batches(images: ArrayLike | Iterator[ArrayLike]) -> Iterator[ArrayLike]:
    return images if isinstance(images, Iterator) else iter([images])
