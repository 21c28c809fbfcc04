"""What a fitted linear map is, and what there is to see of it."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.linear import solver
from spectral_mae.linear.bottleneck import Bottleneck, HalfPair
from spectral_mae.linear.corruption import Corruption, Mix
from spectral_mae.linear.estimator import Estimator, NotFittedError
from spectral_mae.linear.frequency_response import FrequencyResponse, frequency_response
from spectral_mae.linear.moments.blocks import Stack
from spectral_mae.linear.moments.kinds import Moments
from spectral_mae.linear.receptive_field import ReceptiveField
from spectral_mae.linear.solution import Solution
from spectral_mae.masks.patches import PatchGrid

Covariance = Literal["banded", "dense", "stationary"]
MATRIX_LIMIT = 4096


class FittedMap(Estimator, ABC):
    """The best linear map for some corruption of images with some second moments."""

    covariance: Covariance
    shrinkage: float

    # Set by fitting.
    moments_: Moments
    solution_: Solution
    n_images_: int

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
        return self._to_image(self._working.mean[np.newaxis])[0].copy()

    @property
    def eigenvalues_(self) -> FloatArray | None:
        """Eigenvalues of μ² S Q⁻¹ S that the model keeps, descending; None for hidden targets."""
        solution = self._fitted()
        if solution.eigenvalues is not None or not self._has_eigenvalues:
            return solution.eigenvalues
        mix = self._corruption(self.moments_.grid).mix
        values = solver.eigenvalues(self._stack(self.moments_), solution, mix)
        self.solution_ = dataclasses.replace(solution, eigenvalues=values)
        return values

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

    def receptive_fields(self) -> Iterator[ReceptiveField]:
        """The receptive fields of all output pixels and channels, or of all that differ.

        Those of a map that commutes with shifts by patches are the shifts of one patch's (not so
        where the rank splits a conjugate pair of bands).

        Yields
        ------
        ReceptiveField
        """
        commutes = self.covariance != "dense" and self._half(self._fitted()) is None
        grid, channels = self.moments_.grid, self.moments_.channels
        differ = grid.patch_size if commutes else grid.shape
        for pixel in np.ndindex(*differ):
            for channel in range(channels):
                yield self.receptive_field(pixel, channel=channel)

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

    @property
    def _has_eigenvalues(self) -> bool:
        return True

    @abstractmethod
    def _corruption(self, grid: PatchGrid) -> Corruption: ...

    @abstractmethod
    def _solve(self, stack: Stack, grid: PatchGrid) -> Solution:
        """Fit to a second moment, in whose memory the result may be."""

    def _scored_mix(self, grid: PatchGrid) -> Mix:
        return self._corruption(grid).mix

    def _fitted(self) -> Solution:
        if not hasattr(self, "solution_"):
            raise NotFittedError(
                f"this {type(self).__name__} is not fitted yet: call fit or fit_moments first"
            )
        if self.moments_.n_images != self.n_images_:
            raise NotFittedError(
                f"the moments have taken in {self.moments_.n_images - self.n_images_} images since "
                f"this {type(self).__name__} was fitted: call fit_moments again"
            )
        return self.solution_

    @property
    def _working(self) -> Moments:
        """The moments in whose coordinates the problem was solved."""
        return self.moments_

    def _stack(self, moments: Moments) -> Stack:
        """The second moment that is solved."""
        return moments.stack().shrunk(self.shrinkage, moments.transform, overwrite=True)

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

    def _place(self, output_pixel: int | tuple[int, ...], channel: int) -> tuple[int, ...]:
        """Index of a pixel, counted from the front."""
        given = _checks.integers("output_pixel", output_pixel)
        channel = _checks.integer("channel", channel)
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

    def _apply(self, patches: FloatArray, *, transpose: bool = False) -> FloatArray:
        solution = self.solution_
        output = self._working.transform.apply(solution.weights, patches, transpose=transpose)
        half = self._half(solution)
        return output if half is None else output + half.apply(patches, transpose=transpose)
