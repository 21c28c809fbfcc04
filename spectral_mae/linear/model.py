"""A linear model: its parameters, its fit in closed form, and what there is to see of the result.

Models differ in their parameters and in the corruption that these stand for. A corruption and the
second moments of images are a `Problem`; what is fitted, chosen and scored is computed there. What
needs only the map that was found is in `linear_map`.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray, Visible, is_chunked, is_tensor, namespace, outline
from spectral_mae.linear import model_file, solver
from spectral_mae.linear.bottleneck import HalfPair
from spectral_mae.linear.corruption import Corruption, Masking
from spectral_mae.linear.frequency_response import FrequencyResponse, frequency_response
from spectral_mae.linear.linear_map import LinearMap
from spectral_mae.linear.model_file import Stored
from spectral_mae.linear.moments.blocks import CentredStack, Stack
from spectral_mae.linear.moments.kinds import KINDS, Moments
from spectral_mae.linear.moments.shrinkage import (
    SHRINKAGES,
    ShrinkageChoice,
    checked_shrinkages,
)
from spectral_mae.linear.problems.problem import Problem, power_of
from spectral_mae.linear.receptive_field import ReceptiveField
from spectral_mae.linear.solution import Solution, in_single
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.sampling import Seed

Covariance = Literal["banded", "dense", "stationary"]
Precision = Literal["auto", "float64"]
ROUNDED = 1e-6  # part of the loss by which it may change for a map to be stored in single precision


class NotFittedError(ValueError, AttributeError):
    """A model was used before it was fitted."""


class LinearModel(ABC):
    """Parameters, fit, scores and results, which are the same for all linear models.

    See `spectral_mae.LinearMAE` for the parameters.
    """

    patch_size: _checks.PerAxis | None
    rank: int | None
    covariance: Covariance
    center: bool
    shrinkage: float

    # Set by fitting.
    moments_: Moments
    corruption_: Corruption
    solution_: Solution
    n_images_: int
    _fitted_with: dict[str, Any]  # parameters by name; older pickles have none
    _copy: tuple[Solution, Self] | None = None  # what `numpy` made last, and of which solution

    @abstractmethod
    def _corruption(self, grid: PatchGrid) -> Corruption:
        """What the parameters stand for: what happens to images before the model sees them."""

    @property
    def effective_patch_size(self) -> _checks.PerAxis:
        """Pixels of a patch along each axis, whatever parameter says them."""
        assert self.patch_size is not None  # models without one have a design
        return self.patch_size

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor arguments by name, as estimators of scikit-learn do.

        Parameters
        ----------
        deep : bool
            Accepted for scikit-learn's interface; no argument is an estimator, so it has no effect.

        Returns
        -------
        dict of str to object
            The arguments by name.
        """
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> Self:
        """Change constructor arguments.

        What was fitted before is gone, but for the moments: fit again.

        Parameters
        ----------
        **params : dict
            New arguments by name; the others stay as they are.

        Returns
        -------
        self
            This model, no longer fitted.

        Raises
        ------
        ValueError
            If there is no argument of that name, or its value is not allowed.
        """
        unknown = params.keys() - self.get_params().keys()
        if unknown:
            raise ValueError(f"{type(self).__name__} has no parameters {sorted(unknown)}")
        vars(self).update(vars(type(self)(**{**self.get_params(), **params})))  # all, or none
        for name in ("solution_", "corruption_"):
            vars(self).pop(name, None)
        return self

    def numpy(self) -> Self:
        """Return this model with NumPy arrays in the place of tensors, on the CPU.

        Of a model that was fitted to tensors `score`, `reconstruct` and ``mean_`` are computed
        where these are. All other methods use this copy, which is made once.

        Returns
        -------
        LinearMAE, LinearDAE or LinearAE
            The same model; this one itself if it was not fitted to tensors.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        """
        solution = self._fitted()
        if not self._on_device:
            return self
        if self._copy is None or self._copy[0] is not solution:
            other = type(self)(**self.get_params())
            other.moments_, other.solution_ = self.moments_.numpy(), solution.numpy()
            other.corruption_, other.n_images_ = self.corruption_, self.n_images_
            other._fitted_with = other.get_params()  # noqa: SLF001 - of its own class
            self._copy = solution, other
        return self._copy[1]

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({arguments})"

    @_checks.keyword_only("channel_axis")
    def fit(
        self, images: ArrayLike | Iterable[ArrayLike], *, channel_axis: int | None = None
    ) -> Self:
        """Fit the model to images, in closed form.

        Parameters
        ----------
        images : array_like or tensor, shape (n, *shape), or an iterator or loader of such batches
            Images, with one more axis at ``channel_axis`` if that is given. Arrays of Dask and
            others that have chunks are read some images at a time. With ``covariance="banded"``
            tensors are taken in, and the model is solved, where they are.
        channel_axis : int or None
            Axis of the channels in a batch. Once a model is fitted to several channels, None means
            the last axis everywhere.

        Returns
        -------
        self
            This model, fitted.

        Raises
        ------
        ValueError
            If there are no images, they differ in shape, or they hold NaN or infinity; if the patch
            size does not divide them, or the rank is larger than the numbers in an image; for a
            hidden target, if their second moment has no closed form.
        """
        moments: Moments | None = None
        for batch in _batches(images):
            taken = is_chunked(batch) or (self.covariance == "banded" and is_tensor(batch))
            array: Any = batch if taken else _checks.plain_array("images", batch)
            if moments is None:
                moments = self._empty_moments(array, channel_axis)
            moments.update(array, channel_axis=channel_axis)
        if moments is None or moments.n_images == 0:
            raise ValueError("no images to fit: the batch is empty")
        return self.fit_moments(moments)

    def fit_moments(self, moments: Moments) -> Self:
        """Fit the model to second moments that were accumulated before.

        They are kept as ``moments_``, not copied: what they take in afterwards belongs to another
        model, so fit again.

        Parameters
        ----------
        moments : BandMoments, DenseMoments or StationaryMoments
            Moments of the kind that ``covariance`` names, of at least one image.

        Returns
        -------
        self
            This model, fitted.

        Raises
        ------
        TypeError
            If the moments are of another kind than this model's covariance.
        ValueError
            If they do not fit this model's patch size, centring or rank, or have seen no images;
            for a hidden target, if they have no closed form.
        """
        problem = Problem(moments, self._corruption_of(moments), self.rank)
        self.solution_ = problem.solve(self.shrinkage)
        return self._holding(problem)

    def with_moments(self, moments: Moments) -> Self:
        """Hold second moments without solving for the map.

        `second_moment` and `choose_shrinkage` need no more, and the latter solves with the
        shrinkage that it chooses.

        Parameters
        ----------
        moments : BandMoments, DenseMoments or StationaryMoments
            As of `fit_moments`.

        Returns
        -------
        self
            This model, which knows its moments and is not fitted to them yet.

        Raises
        ------
        TypeError
            If the moments are of another kind than this model's covariance.
        ValueError
            If they do not fit this model's patch size or centring, or have seen no images.
        """
        moments.expect_images()
        problem = Problem(moments, self._corruption_of(moments), self.rank)
        vars(self).pop("solution_", None)
        return self._holding(problem)

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
        mean = self._map().to_image(self._working.mean[np.newaxis, ...])[0, ...]
        return namespace(mean).asarray(mean, copy=True)

    @property
    def eigenvalues_(self) -> FloatArray | None:
        """Eigenvalues of μ² S Q⁻¹ S that the model keeps, descending; None for hidden targets."""
        solution = self._fitted()
        if solution.eigenvalues is not None or self.corruption_.scores_hidden:
            return solution.eigenvalues
        values = solver.eigenvalues(self._fitted_stack(), solution, self.corruption_.mix)
        self.solution_ = dataclasses.replace(solution, eigenvalues=values)
        return values

    def second_moment(
        self, images: ArrayLike | Iterable[ArrayLike], *, channel_axis: int | None = None
    ) -> CentredStack:
        """Return the second moment of (other) images about the fitted mean.

        `score` and `choose_shrinkage` take it in the place of the images, so that many models of
        one patch size, fitted to the same images, need to see the others only once.

        Parameters
        ----------
        images : array_like, shape (n, *shape), or an iterator or loader of such batches
            Images, with the channels as they were fitted.
        channel_axis : int or None
            Axis of the channels in a batch. None means a single channel, or the last axis if the
            model is fitted to several.

        Returns
        -------
        CentredStack
            Second moment per image, in the coordinates of this model.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If there are no images, they do not fit the fitted ones, or they hold NaN or infinity.
        """
        self._seen()
        if self._is_elsewhere(images):
            return self.numpy().second_moment(images, channel_axis=channel_axis)
        return self._problem.about_mean(_batches(images), channel_axis=channel_axis)[0]

    def empty_second_moment(self) -> Moments:
        """Return moments about zero, for the patches of (other) images minus `centre`.

        Returns
        -------
        BandMoments or DenseMoments
            Moments that have seen no images yet; `second_moment_of` takes them when they have.
        """
        return self._problem.empty_second_moment()

    @property
    def centre(self) -> FloatArray:
        """The fitted mean, in patch order."""
        self._seen()
        return self._working.mean

    def second_moment_of(self, moments: Moments) -> CentredStack:
        """Return what `second_moment` returns, from moments that have taken in the images.

        Parameters
        ----------
        moments : BandMoments or DenseMoments
            What `empty_second_moment` returned; it has since taken in images minus `centre`.

        Returns
        -------
        CentredStack
            Second moment per image, in the coordinates of this model.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the moments have seen no images, or are not such ones as `empty_second_moment` makes.
        """
        self._seen()
        return self._problem.second_moment_of(moments)

    @property
    def needs_images_to_score(self) -> bool:
        """Whether the second moment of images does not tell what `score` says of them.

        So for models in bands where the rank splits a conjugate pair, or where the design of the
        masks is not shift-invariant.
        """
        if self.numpy() is not self:
            return self.numpy().needs_images_to_score
        return self._fitted().split is not None or self._masks_in_place() is not None

    def score(
        self,
        images: ArrayLike | Iterable[ArrayLike] | CentredStack,
        *,
        channel_axis: int | None = None,
    ) -> float:
        """Return the explained fraction of power on (other) images, exact over all corruptions.

        This is 1 − loss/trace, both about the fitted mean; below zero where predicting the mean is
        better. The loss is Tr S − 2μ Tr(S W) + Tr(Wᵀ Q W), with S and Q those of the given images.

        Parameters
        ----------
        images : array_like, shape (n, *shape), or an iterator of such batches, or CentredStack
            Images, with the channels as they were fitted, or what `second_moment` made of them.
        channel_axis : int or None
            Axis of the channels in a batch. None means a single channel, or the last axis if the
            model is fitted to several.

        Returns
        -------
        float
            Explained fraction of power, at most 1.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the images do not fit, hold NaN, or have no power about the mean; for a second
            moment in bands, if the rank splits a conjugate pair of bands, whose half it does not
            tell, or the design of the masks is not shift-invariant.
        """
        solution = self._fitted()
        if self._is_elsewhere(images):
            return self.numpy().score(images, channel_axis=channel_axis)
        half = self._half(solution)
        in_place = self._masks_in_place()
        if isinstance(images, CentredStack):
            self._problem.expect_taken_for_this(images)
            if half is not None:
                raise ValueError(f"{self!r} splits a pair of bands: score needs the images")
            if in_place is not None:
                raise ValueError(
                    f"{in_place.design} hides some patches more often than others, which a second "
                    "moment in bands does not tell apart: score needs the images"
                )
            return self._problem.explained(images, solution)
        if in_place is not None:
            map_, design = self._map(), in_place.design
            stack, loss = self._problem.about_mean(
                _batches(images),
                lambda p: map_.loss_over_masks(p, design),
                channel_axis=channel_axis,
            )
            return 1.0 - loss / power_of(stack)
        problem = self._problem
        stack, extra = problem.about_mean(
            _batches(images),
            lambda p: 0.0 if half is None else half.loss(p, problem.corruption),
            channel_axis=channel_axis,
        )
        return problem.explained(stack, solution) - extra / stack.trace

    def choose_shrinkage(
        self,
        images: ArrayLike | Iterable[ArrayLike] | CentredStack,
        values: Sequence[float] = SHRINKAGES,
        *,
        channel_axis: int | None = None,
    ) -> ShrinkageChoice:
        """Take the shrinkage that explains most of other images, and fit with it.

        The model is fitted to the moments that it has from `fit`, `fit_moments` or `with_moments`.

        Parameters
        ----------
        images : array_like, shape (n, *shape), or an iterator of such batches, or CentredStack
            Images held out from the fit, or what `second_moment` made of them.
        values : sequence of float
            Shrinkages to try, from 0 to 1.
        channel_axis : int or None
            Axis of the channels in a batch. None means a single channel, or the last axis if the
            model is fitted to several.

        Returns
        -------
        ShrinkageChoice
            The values and what they explain; ``shrinkage`` of this model is then its ``best``.
            (Where a rank splits a conjugate pair of bands the half that is kept is left out of what
            is compared, and under a design that is not shift-invariant a banded model is compared
            over all cyclic shifts by whole patches; on a stationary model shrinkage has no effect.)

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If there are no values, or one is outside of 0 to 1; if the images do not fit, hold NaN,
            or have no power about the mean.
        """
        self._seen()
        self.moments_.expect_sums()
        tried = checked_shrinkages(values)
        if self._on_device:
            raise TypeError(
                f"{self!r} was fitted to tensors: numpy() of it can choose a shrinkage, on the CPU"
            )
        if isinstance(images, CentredStack):
            self._problem.expect_taken_for_this(images)
            held_out = images
        else:
            held_out = self.second_moment(images, channel_axis=channel_axis)
        power_of(held_out)  # raises while the model is fitted still
        vars(self).pop("solution_", None)  # room for the next
        choice, solution = self._problem.choose_shrinkage(held_out, tried, self.shrinkage)
        self.shrinkage = choice.best
        self._fitted_with = self.get_params()
        if solution is None:
            self.fit_moments(self.moments_)
        else:
            self.solution_ = solution
        return choice

    def reconstruct(
        self,
        images: ArrayLike,
        visible: Visible = None,
        *,
        paste_visible: bool = False,
        channel_axis: int | None = None,
    ) -> FloatArray:
        """Return the model's output for (corrupted) images.

        x̂ = mean + ((x − mean) ⊙ visible) W.

        Parameters
        ----------
        images : array_like or tensor, shape (n, *shape), with channels at ``channel_axis`` if given
            Images, corrupted already or to be masked by ``visible``. What a masked array masks is
            hidden.
        visible : array_like or tensor of bool, (*shape) or (n, *shape), "finite" or None
            True where a pixel is kept; hidden pixels may hold anything, NaN too. "finite" hides NaN
            and infinity. None keeps everything, which a masked autoencoder was not made for: its
            gain is then up to 1/π₁.
        paste_visible : bool
            Put the visible pixels back into the output.
        channel_axis : int or None
            Axis of the channels in ``images``. None means a single channel, or the last axis if the
            model is fitted to several.

        Returns
        -------
        ndarray or tensor of float64, shape (n, *shape[, channels])
            The output, channels last; a tensor if both the images and those that were fitted are.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If images or masks do not fit the fitted images, or a visible pixel is NaN or infinite.
        """
        paste_visible = _checks.flag("paste_visible", paste_visible)
        if self._is_elsewhere(images):
            return self.numpy().reconstruct(
                images, visible, paste_visible=paste_visible, channel_axis=channel_axis
            )
        map_ = self._map()
        self._half(self._fitted())  # which tensors cannot have
        patches, masks = self._working.masked_patches(images, visible, channel_axis=channel_axis)
        mean, xp = self._working.mean, namespace(patches)
        output = mean + map_.apply(xp.where(masks, patches - mean, xp.zeros_like(patches)))
        if paste_visible:
            output = xp.where(masks, patches, output)
        return map_.to_image(output)

    def corrupt(
        self, images: ArrayLike, *, channel_axis: int | None = None, rng: Seed = None
    ) -> FloatArray:
        """Draw what the model is made to see of images: masked about the mean, or with noise.

        Parameters
        ----------
        images : array_like, shape (n, *shape), with the channels at ``channel_axis`` if given
            Images as they are.
        channel_axis : int or None
            Axis of the channels in ``images``. None means a single channel, or the last axis if the
            model is fitted to several.
        rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
            Seed or generator of the masks or the noise, drawn anew for each image.

        Returns
        -------
        ndarray of float64, shape (n, *shape[, channels])
            Corrupted images, channels last. Hidden pixels hold the fitted mean.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the images do not fit the fitted ones, or hold NaN or infinity.
        """
        if self._is_elsewhere(images):
            return self.numpy().corrupt(images, channel_axis=channel_axis, rng=rng)
        if self._on_device:
            raise TypeError("corrupt draws with NumPy: give images as NumPy arrays")
        map_, working = self._map(), self._working
        patches = working.to_patches(images, channel_axis=channel_axis)
        centred = patches - working.mean
        if len(centred) == 0:
            return map_.to_image(patches)
        drawn = self.corruption_.sample(centred, rng)
        return map_.to_image(patches + (drawn - centred))  # exact where nothing happens

    def weights(self, output_pixel: int | tuple[int, ...], *, channel: int = 0) -> FloatArray:
        """Return what every input pixel contributes to one output pixel: its receptive field.

        Parameters
        ----------
        output_pixel : int or tuple of int
            Index of the pixel along each axis; negative ones count from the end.
        channel : int
            Channel of the output.

        Returns
        -------
        ndarray of float64, shape (*shape[, channels])
            Column of W that belongs to this output; channels of the input last.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If there is no such pixel or channel.
        """
        map_ = self._map_on_cpu()
        return map_.weights(map_.place(output_pixel, channel), channel)

    def receptive_field(
        self, output_pixel: int | tuple[int, ...], *, channel: int = 0
    ) -> ReceptiveField:
        """Return the weights of one output pixel, with measures of how far they reach.

        Parameters
        ----------
        output_pixel : int or tuple of int
            Index of the pixel along each axis; negative ones count from the end.
        channel : int
            Channel of the output.

        Returns
        -------
        ReceptiveField
            The weights of `weights`; distances go around the borders but for dense models.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If there is no such pixel or channel.
        """
        map_ = self._map_on_cpu()
        place = map_.place(output_pixel, channel)
        periodic = self.covariance != "dense"
        return ReceptiveField(map_.weights(place, channel), self.moments_.grid, place, periodic)

    def receptive_fields(self) -> Iterator[ReceptiveField]:
        """Yield the receptive fields of all output pixels and channels, or of all that differ.

        Those of a map that commutes with shifts by patches are the shifts of one patch's (not so
        where the rank splits a conjugate pair of bands).

        Yields
        ------
        ReceptiveField
            Field of one pixel and channel; pixels in row-major order, channels fastest.
        """
        if self.numpy() is not self:
            yield from self.numpy().receptive_fields()
            return
        commutes = self.covariance != "dense" and self._half(self._fitted()) is None
        grid, channels = self.moments_.grid, self.moments_.channels
        differ = grid.patch_size if commutes else grid.shape
        for pixel in np.ndindex(*differ):
            for channel in range(channels):
                yield self.receptive_field(pixel, channel=channel)

    def frequency_response(self) -> FrequencyResponse:
        """Return what the model makes of each frequency of the images it was fitted to.

        It holds gain, passed, aliased and noise power, error and explained fraction; the error sums
        to ``loss_`` (for a hidden target to ``loss_``/(1−π₁), that of an image all hidden).

        Returns
        -------
        FrequencyResponse
            One value of each for every frequency of the whole grid.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If hidden patches are scored under a design that is not uniform.
        """
        if self.numpy() is not self:
            return self.numpy().frequency_response()
        solution = self._fitted()
        half = self._half(solution)
        if self.corruption_.scored_by_patch:
            raise ValueError(
                f"{self!r}: every patch is scored over other masks, so there is no response of the "
                "whole image; target='all' has one"
            )
        return frequency_response(
            self._fitted_stack(),
            self._working.transform,
            self.corruption_.scored_mix,
            solution.weights,
            None if half is None else (half.encoder, half.decoder),
        )

    def encoder(self, n: int | None = None) -> FloatArray:
        """Return what the code reads: c_i = x̃ · encoder_i, the columns of the paper's A.

        With U the top eigenvectors of μ² S Q⁻¹ S, A = μ Q⁻¹ S U (Theorem 1 of the paper).

        Parameters
        ----------
        n : int or None
            Number of columns, from 1 to the rank, by descending eigenvalue; all by default. (A
            banded model's come as cosine and sine of a band, over all patches.)

        Returns
        -------
        ndarray of float64, shape (n, *shape[, channels])
            The columns as images.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the model has no bottleneck, or not so many columns.
        """
        return self._map_on_cpu().encoder(n)

    def decoder(self, n: int | None = None) -> FloatArray:
        """Return what the code writes: x̂ = Σ_i c_i decoder_i, rows of the paper's B.

        They are orthonormal: the top eigenvectors of μ² S Q⁻¹ S (Theorem 1 of the paper).

        Parameters
        ----------
        n : int or None
            Number of rows, from 1 to the rank, by descending eigenvalue; all by default. (A banded
            model's come as cosine and sine of a band, over all patches.)

        Returns
        -------
        ndarray of float64, shape (n, *shape[, channels])
            The rows as images.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the model has no bottleneck, or not so many rows.
        """
        return self._map_on_cpu().decoder(n)

    def weight_matrix(self) -> NDArray[np.float64]:
        """Return W as a matrix in the pixel order of a flattened image, channels last.

        Returns
        -------
        ndarray of float64, shape (D, D)
            Rows are inputs, columns outputs: x̂ = x̃ W about the mean.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If an image has more than 4096 numbers; use `weights` for single columns there.
        """
        return self._map_on_cpu().matrix()

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        keep_moments: bool | None = None,
        dtype: Precision = "auto",
    ) -> None:
        """Write the fitted model to an npz file, without pickles.

        `load` and `load_linear_model` read it. The file holds the parameters, the map and the mean:
        all that `reconstruct`, `score`, `weights` and the filters ask for.

        Parameters
        ----------
        path : str or path-like
            File to write. An existing file is replaced.
        keep_moments : bool or None
            Whether the file holds the second moment too, in double precision. `fit_moments`,
            `frequency_response`, `choose_shrinkage` and ``mask_ratio_sweep`` need it, and it takes
            twice the room of the map. None keeps it where it takes at most 32 MiB.
        dtype : {"auto", "float64"}
            Precision of the map. "auto" takes single precision (float32) where that changes the
            loss by less than 1e-6 of itself. A bottleneck is always kept in double precision.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the second moment is to be kept, and this model was read from a file without it.
        """
        _checks.choice("dtype", dtype, Precision)
        if keep_moments is not None:
            keep_moments = _checks.flag("keep_moments", keep_moments)
        if self.numpy() is not self:
            self.numpy().save(path, keep_moments=keep_moments, dtype=dtype)
            return
        solution, rounding = self._fitted(), math.nan
        if dtype == "auto" and solution.components is None and self.moments_.has_sums:
            rounding = self._problem.rounding(solution, self.shrinkage)
            if rounding < ROUNDED:
                solution = dataclasses.replace(solution, weights=in_single(solution.weights))
        name = type(self).__name__
        stored = Stored(name, self.get_params(), self.moments_, solution, rounding)
        model_file.write(path, stored, keep_moments=keep_moments)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a model of this class that `save` wrote.

        Parameters
        ----------
        path : str or path-like
            File to read. Nothing in it is executed.

        Returns
        -------
        LinearMAE, LinearDAE or LinearAE
            The fitted model, of this class.

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
        """Return a model as a file holds it.

        Parameters
        ----------
        stored : Stored
            Parameters, moments and solution of a model of this class.

        Returns
        -------
        LinearMAE, LinearDAE or LinearAE
            The fitted model, of this class.
        """
        model = cls(**stored.parameters)
        model.moments_, model.solution_ = stored.moments, stored.solution
        model.corruption_ = model._corruption(stored.moments.grid)
        model.n_images_ = stored.moments.n_images
        model._fitted_with = model.get_params()
        transform, found = model._working.transform, stored.solution.weights.shape
        fitting = (len(transform.multiplicity), transform.block_dim, transform.block_dim)
        if found != fitting:
            raise ValueError(f"weights of shape {found} do not fit {cls.__name__}: not {fitting}")
        return model

    def _corruption_of(self, moments: Moments) -> Corruption:
        """What happens to the images of moments; raises where these do not fit this model."""
        expected = KINDS[self.covariance]
        if not isinstance(moments, expected):
            raise TypeError(
                f"covariance={self.covariance!r} needs {expected.__name__}, "
                f"not {type(moments).__name__}"
            )
        patch_size = _checks.per_axis("patch_size", self.effective_patch_size, moments.grid.ndim)
        if (patch_size, self.center) != (moments.grid.patch_size, moments.center):
            raise ValueError(
                f"moments of {moments.grid.patch_size=} with {moments.center=} do not fit "
                f"{patch_size=} with center={self.center}"
            )
        return self._corruption(moments.grid)

    def _fitted_stack(self) -> Stack:
        """The second moment that was solved."""
        return self._problem.second_moment(self.shrinkage)

    @property
    def _on_device(self) -> bool:
        """Whether the model was fitted to tensors."""
        return hasattr(self, "corruption_") and self._problem.on_device

    def _is_elsewhere(self, images: object) -> bool:
        """Whether images are no tensors, and the model was fitted to tensors."""
        return self._on_device and not is_tensor(images) and not isinstance(images, CentredStack)

    def _fitted(self) -> Solution:
        if not hasattr(self, "solution_"):
            raise NotFittedError(
                f"this {type(self).__name__} is not fitted yet: call fit or fit_moments first"
            )
        self._seen()
        return self.solution_

    def _seen(self) -> None:
        """Raise unless there are moments and parameters, the same as when they were given."""
        if not hasattr(self, "corruption_"):
            raise NotFittedError(
                f"this {type(self).__name__} is not fitted yet: call fit or fit_moments first"
            )
        if self.moments_.n_images != self.n_images_:
            raise NotFittedError(
                f"the moments have taken in {self.moments_.n_images - self.n_images_} images since "
                f"this {type(self).__name__} was fitted: call fit_moments again"
            )
        for name, before in getattr(self, "_fitted_with", {}).items():
            now = getattr(self, name)
            if now is not before and (isinstance(before, MaskDesign) or now != before):
                raise NotFittedError(
                    f"this {type(self).__name__} was fitted with {name}={before!r}, and {name} has "
                    f"been set to {now!r} since: call fit or fit_moments again"
                )

    def _holding(self, problem: Problem) -> Self:
        self.moments_, self.corruption_ = problem.moments, problem.corruption
        self.n_images_ = problem.moments.n_images
        self._fitted_with = self.get_params()
        return self

    @property
    def _problem(self) -> Problem:
        """The problem that was solved, or whose moments are given."""
        return Problem(self.moments_, self.corruption_, self.rank)

    @property
    def _working(self) -> Moments:
        """The moments in whose coordinates the problem was solved."""
        return self._problem.working

    def _map(self) -> LinearMap:
        return LinearMap(self._fitted(), self._working.transform)

    def _map_on_cpu(self) -> LinearMap:
        """The map with NumPy arrays, for what has no use for a device."""
        model = self.numpy()
        return LinearMap(model.solution_, model.corruption_.working(model.moments_).transform)

    def _half(self, solution: Solution) -> HalfPair | None:
        components = solution.components
        if self._on_device and solution.split is not None:
            raise TypeError(
                f"{self!r} was fitted to tensors, and its rank splits a pair of bands: numpy() of "
                "it scores and reconstructs, on the CPU"
            )
        return None if components is None or components.split is None else self._map().half

    def _masks_in_place(self) -> Masking | None:
        """The masking whose loss on images differs from that over all their shifts, in bands."""
        masking = self._problem.masks_in_place
        if masking is not None and self._on_device:
            raise TypeError(
                f"{self!r} was fitted to tensors, and its masks hide some patches more often than "
                "others: numpy() of it scores, on the CPU"
            )
        return masking

    def _empty_moments(self, batch: Any, channel_axis: int | None) -> Moments:
        last = _checks.images_of_patches(
            "images", outline(batch), channel_axis, self.effective_patch_size
        )
        shape = last.shape[1:]
        grid = PatchGrid(shape[:-1], self.effective_patch_size)
        self._corruption(grid)  # raises now what would stop the fit after all images were read
        return KINDS[self.covariance](grid, shape[-1], self.center)


def _batches(images: ArrayLike | Iterable[ArrayLike]) -> Iterator[ArrayLike]:
    """Batches as they come from an iterator or a loader; an array or a list is one batch."""
    whole = is_tensor(images) or hasattr(images, "__array__")
    whole = whole or isinstance(images, list | tuple | str | bytes)
    batches: Any = images if isinstance(images, Iterable) and not whole else [images]
    return iter(batches)
