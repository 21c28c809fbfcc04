"""What the linear models share: fitting to moments, scores, reconstructions, weights."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.linear import model_file, solver
from spectral_mae.linear.fitted_map import FittedMap
from spectral_mae.linear.model_file import Stored
from spectral_mae.linear.moments.blocks import CentredStack, Stack
from spectral_mae.linear.moments.kinds import KINDS, BandMoments, DenseMoments, Moments
from spectral_mae.linear.solution import Solution
from spectral_mae.linear.solver import NoClosedFormError
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.sampling import Seed

SHRINKAGES = (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)


@dataclass(frozen=True, eq=False)
class ShrinkageChoice:
    """What held-out images say of shrinkage.

    Attributes
    ----------
    shrinkage : ndarray, shape (n,)
    explained : ndarray, shape (n,)
        Explained fraction of power on the held-out images; NaN where there is no model.
    best : float
        The shrinkage of the largest; the one before where there is no model at any.
    """

    shrinkage: FloatArray
    explained: FloatArray
    best: float


class LinearModel(FittedMap):
    """What the linear models share; see `spectral_mae.LinearMAE`."""

    patch_size: _checks.PerAxis
    center: bool

    def fit(self, images: ArrayLike | Iterable[ArrayLike], channel_axis: int | None = None) -> Self:
        """Fit to images.

        Parameters
        ----------
        images : array_like, shape (n, *shape), or an iterator or loader of such batches
            With one more axis at ``channel_axis`` if that is given.
        channel_axis : int or None
            Axis of the channels in a batch. Once a model is fitted to several channels, None means
            the last axis everywhere.

        Returns
        -------
        self
        """
        moments: Moments | None = None
        for batch in _batches(images):
            array = _checks.plain_array("images", batch)
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
        self.n_images_ = moments.n_images
        return self

    def second_moment(
        self, images: ArrayLike | Iterable[ArrayLike], channel_axis: int | None = None
    ) -> CentredStack:
        """Second moment of (other) images about the fitted mean.

        `score` and `choose_shrinkage` take it in the place of the images, so that many models of
        one patch size, fitted to the same images, need to see the others only once.
        """
        self._fitted()
        return self._about_mean(images, channel_axis, lambda _: 0.0)[0]

    def empty_second_moment(self) -> Moments:
        """Moments about zero, for the patches of (other) images minus `centre`."""
        working = self._working
        kind = DenseMoments if isinstance(working, DenseMoments) else BandMoments
        return kind(working.grid, working.channels, center=False)

    @property
    def centre(self) -> FloatArray:
        """The fitted mean, in patch order."""
        self._fitted()
        return self._working.mean

    def second_moment_of(self, moments: Moments) -> CentredStack:
        """`second_moment`, from what `empty_second_moment` has taken in."""
        self._fitted()
        stack = self._stack_of(moments)
        known = {field.name: getattr(stack, field.name) for field in fields(Stack)}
        return CentredStack(**known, problem=self._problem, mean=self._working.mean)

    def score(
        self,
        images: ArrayLike | Iterable[ArrayLike] | CentredStack,
        channel_axis: int | None = None,
    ) -> float:
        """Explained fraction of power on (other) images, exact over all corruptions.

        1 − loss/trace, both about the fitted mean; below zero where predicting the mean is
        better.

        Parameters
        ----------
        images : array_like, shape (n, *shape), or an iterator of such batches, or CentredStack
            The last is what `second_moment` made of the images.
        channel_axis : int or None

        Raises
        ------
        ValueError
            If the images do not fit, hold NaN, or have no power about the mean; for a second
            moment, if the rank splits a conjugate pair of bands, whose half it does not tell.
        """
        solution = self._fitted()
        half = self._half(solution)
        if isinstance(images, CentredStack):
            self._check_taken_for_this(images)
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
        images: ArrayLike | Iterable[ArrayLike] | CentredStack,
        values: Sequence[float] = SHRINKAGES,
        *,
        channel_axis: int | None = None,
    ) -> ShrinkageChoice:
        """Take the shrinkage that explains most of other images, and fit again with it.

        Parameters
        ----------
        images : array_like, shape (n, *shape), or an iterator of such batches, or CentredStack
            Held out from the fit; the last is what `second_moment` made of them.
        values : sequence of float
            Shrinkages to try, from 0 to 1.
        channel_axis : int or None

        Returns
        -------
        ShrinkageChoice
            ``shrinkage`` of this model is then its ``best``. (Where a rank splits a conjugate
            pair of bands the half that is kept is left out of what is compared; on a stationary
            model shrinkage has no effect.)
        """
        self._fitted()
        tried = [
            _checks.closed_unit("shrinkage", value) for value in _checks.items("values", values)
        ]
        if not tried:
            raise ValueError("no shrinkage to try: values is empty")
        if isinstance(images, CentredStack):
            self._check_taken_for_this(images)
            held_out = images
        else:
            held_out = self.second_moment(images, channel_axis)
        if held_out.trace == 0:
            raise ValueError("the images have no power about the fitted mean: nothing to explain")
        before = self.shrinkage
        del self.solution_  # room for the next
        explained = np.full(len(tried), np.nan)
        solution: Solution | None = None
        try:
            for place, self.shrinkage in enumerate(tried):
                solution = None
                try:
                    solution = self._solve(self._stack(self.moments_), self.moments_.grid)
                except NoClosedFormError:
                    continue  # a hidden target may need some shrinkage
                explained[place] = self._explained(held_out, solution)
        except BaseException:
            self.shrinkage = before
            raise
        possible = np.isfinite(explained).any()
        self.shrinkage = tried[int(np.nanargmax(explained))] if possible else before
        if solution is not None and self.shrinkage == tried[-1]:
            self.solution_ = solution
        else:
            del solution
            self.fit_moments(self.moments_)
        return ShrinkageChoice(np.array(tried), explained, self.shrinkage)

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
        visible : array_like of bool, shape (*shape) or (n, *shape), or None
            What is kept; hidden pixels may hold anything, NaN too. None keeps everything, which a
            masked autoencoder was not made for: its gain is then up to 1/π₁.
        paste_visible : bool
            Put the visible pixels back into the output.
        channel_axis : int or None

        Returns
        -------
        ndarray, shape (n, *shape[, channels])
            Channels last.
        """
        self._fitted()
        patches, masks = self._working.masked_patches(images, visible, channel_axis)
        mean = self._working.mean
        output = mean + self._apply((patches - mean) * masks)
        if _checks.flag("paste_visible", paste_visible):
            output = np.where(masks, patches, output)
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
        patches = working.to_patches(images, channel_axis)
        centred = patches - working.mean
        if len(centred) == 0:
            return self._to_image(patches)
        drawn = self._corruption(self.moments_.grid).sample(centred, rng)
        return self._to_image(patches + (drawn - centred))  # exact where nothing happens

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
        model.n_images_ = stored.moments.n_images
        return model

    def _stack_of(self, centred: Moments) -> Stack:
        """The second moment of images as they are, neither shrunken nor made stationary."""
        return centred.stack()

    def _about_mean(
        self,
        images: ArrayLike | Iterable[ArrayLike],
        channel_axis: int | None,
        each: Callable[[FloatArray], float],
    ) -> tuple[CentredStack, float]:
        """Second moment of images about the fitted mean, and the mean over them of a number."""
        working = self._working
        moments = self.empty_second_moment()
        total = 0.0
        for batch in _batches(images):
            patches = working.to_patches(batch, channel_axis) - working.mean
            moments.add_patches(patches)
            total += each(patches) * len(patches)
        if moments.n_images == 0:
            raise ValueError("no images to score: the batch is empty")
        return self.second_moment_of(moments), total / moments.n_images

    @property
    def _problem(self) -> tuple[Any, ...]:
        """What second moments have to be of to be scored by this model."""
        working = self._working
        return type(working).__name__, self.moments_.grid, working.grid, working.channels

    def _check_taken_for_this(self, stack: CentredStack) -> None:
        if not stack.fits(self._problem, self._working.mean):
            raise ValueError(
                f"a second moment taken for {stack.problem} does not fit {self._problem}, or was "
                "taken about the mean of a model of other images"
            )

    def _explained(self, stack: Stack, solution: Solution) -> float:
        if stack.trace == 0:
            raise ValueError("the images have no power about the fitted mean: nothing to explain")
        mix = self._scored_mix(self.moments_.grid)
        return 1.0 - solver.expected_loss(stack, mix, solution.weights) / stack.trace

    def _empty_moments(self, batch: NDArray[Any], channel_axis: int | None) -> Moments:
        ndim = batch.ndim - 1 - (channel_axis is not None)
        shape = _checks.channels_last("images", batch, channel_axis, ndim + 1).shape[1:]
        grid = PatchGrid(shape[:-1], self.patch_size)
        return KINDS[self.covariance](grid, shape[-1], self.center)


def _batches(images: ArrayLike | Iterable[ArrayLike]) -> Iterator[ArrayLike]:
    """Batches as they come from an iterator or a loader; an array or a list is one batch."""
    whole = hasattr(images, "__array__") or isinstance(images, list | tuple | str | bytes)
    batches: Any = images if isinstance(images, Iterable) and not whole else [images]
    return iter(batches)
