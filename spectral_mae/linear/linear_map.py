"""A linear map that was solved block by block: applied to images, and seen as images."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray, is_tensor
from spectral_mae.linear.bottleneck import Bottleneck, HalfPair
from spectral_mae.linear.moments import tensors
from spectral_mae.linear.moments.blocks import BlockTransform
from spectral_mae.linear.solution import Solution
from spectral_mae.masks.designs.design import MaskDesign

MATRIX_LIMIT = 4096
PART = 64  # images that are mapped at once


class LinearMap:
    """The map x̂ = x̃W of a solution.

    Parameters
    ----------
    solution : Solution
        The map, block by block.
    transform : BlockTransform
        The coordinates in which it was solved.
    """

    def __init__(self, solution: Solution, transform: BlockTransform) -> None:
        self._solution = solution
        self._transform = transform

    def apply(self, patches: FloatArray, *, transpose: bool = False) -> FloatArray:
        """Map images that are cut into patches.

        Parameters
        ----------
        patches : ndarray, shape (n, n_patches, patch_dim)
            Images about the mean.
        transpose : bool
            Map by the transposed map instead.

        Returns
        -------
        ndarray of float64, shape (n, n_patches, patch_dim)
            The output about the mean.
        """
        output = self._transform.apply(self._solution.weights, patches, transpose=transpose)
        half = self.half
        return output if half is None else output + half.apply(patches, transpose=transpose)

    def loss_over_masks(self, patches: FloatArray, design: MaskDesign) -> float:
        """Return the expected squared error of the map over all masks of a design.

        With π₁x the image whose patches are multiplied by their π₁, and Π = Σ_r v_r v_rᵀ,

            E‖x − x̂‖² = ‖x‖² − 2 (π₁x)W·x + Σ_r ‖(v_r x)W‖²,

        for these very images, whether the map or the design is the same under shifts or not.

        Parameters
        ----------
        patches : ndarray, shape (n, n_patches, patch_dim)
            Images about the mean, before masking.
        design : MaskDesign
            Distribution of the masks.

        Returns
        -------
        float
            Mean over the images, summed over all numbers of an image.

        Raises
        ------
        ValueError
            If there are too many patches for Π.
        """
        vectors = design.factor()[:, np.newaxis, :, np.newaxis]
        inclusion = design.inclusion.reshape(-1, 1)
        total = 0.0
        for first in range(0, len(patches), PART):
            part = patches[first : first + PART]
            cross = np.sum(self.apply(inclusion * part) * part)
            total += float(np.sum(part**2) - 2 * cross)
            step = max(1, PART // len(part))
            for one in range(0, len(vectors), step):
                seen = (vectors[one : one + step] * part).reshape(-1, *part.shape[1:])
                total += float(np.sum(self.apply(seen) ** 2))
        return total / len(patches)

    def to_image(self, patches: FloatArray) -> FloatArray:
        """Put patches together to images.

        Parameters
        ----------
        patches : ndarray, shape (n, n_patches, patch_dim)
            Images cut into patches.

        Returns
        -------
        ndarray, shape (n, *shape[, channels])
            The images, channels last; a single channel has no axis.
        """
        if is_tensor(patches):
            images = tensors.from_patches(patches, self._transform.grid, self._transform.channels)
            return images[..., 0] if self._transform.channels == 1 else images
        channel_axis = None if self._transform.channels == 1 else -1
        return self._transform.grid.from_patches(patches, channel_axis=channel_axis)

    @cached_property
    def half(self) -> HalfPair | None:
        """What is kept of a conjugate pair of bands that the rank splits."""
        return None if self._solution.split is None else self._bottleneck.half_pair()

    def weights(self, place: tuple[int, ...], channel: int) -> FloatArray:
        """Return what every input contributes to one output.

        Parameters
        ----------
        place : tuple of int
            Index of the output pixel, from 0.
        channel : int
            Channel of the output.

        Returns
        -------
        ndarray of float64, shape (*shape[, channels])
            Column of W that belongs to this output.
        """
        transform = self._transform
        delta = np.zeros((1, *transform.grid.shape, transform.channels))
        delta[(0, *place, channel)] = 1.0
        patches = transform.grid.to_patches(delta, channel_axis=-1)
        return self.to_image(self.apply(patches, transpose=True))[0]

    def matrix(self) -> NDArray[np.float64]:
        """Return W as a matrix in the order of a flattened image, channels last.

        Returns
        -------
        ndarray of float64, shape (D, D)
            Rows are inputs, columns outputs.

        Raises
        ------
        ValueError
            If an image has more than 4096 numbers.
        """
        transform = self._transform
        size = transform.grid.n_patches * transform.patch_dim
        if size > MATRIX_LIMIT:
            raise ValueError(
                f"{size} numbers per image make a matrix of {size**2 * 8e-9:.3g} GB; "
                f"the limit is {MATRIX_LIMIT} numbers"
            )
        identity = np.eye(size).reshape(size, *transform.grid.shape, transform.channels)
        patches = transform.grid.to_patches(identity, channel_axis=-1)
        rows = transform.grid.from_patches(self.apply(patches), channel_axis=-1)
        return np.asarray(rows.reshape(size, size), dtype=np.float64)

    def encoder(self, n: int | None = None) -> FloatArray:
        """Return the first columns of the encoder.

        Parameters
        ----------
        n : int or None
            Number of columns, from 1 to the rank; all by default.

        Returns
        -------
        ndarray of float64, shape (n, *shape[, channels])
            The columns as images.

        Raises
        ------
        ValueError
            If the map has no bottleneck, or not so many numbers in its code.
        """
        return self.to_image(self._bottleneck.encoder(self._code_length(n)))

    def decoder(self, n: int | None = None) -> FloatArray:
        """Return the first rows of the decoder.

        Parameters
        ----------
        n : int or None
            Number of rows, from 1 to the rank; all by default.

        Returns
        -------
        ndarray of float64, shape (n, *shape[, channels])
            The rows as images.

        Raises
        ------
        ValueError
            If the map has no bottleneck, or not so many numbers in its code.
        """
        return self.to_image(self._bottleneck.decoder(self._code_length(n)))

    def place(self, output_pixel: int | tuple[int, ...], channel: int) -> tuple[int, ...]:
        """Return the index of a pixel, counted from the front.

        Parameters
        ----------
        output_pixel : int or tuple of int
            Index of the pixel along each axis; negative ones count from the end.
        channel : int
            Channel, which is only checked.

        Returns
        -------
        tuple of int
            Index along each axis, from 0.

        Raises
        ------
        TypeError
            If it is not of integers.
        ValueError
            If it lies outside the image, or the channel does.
        """
        given = _checks.integers("output_pixel", output_pixel)
        channel = _checks.integer("channel", channel)
        shape, channels = self._transform.grid.shape, self._transform.channels
        inside = len(given) == len(shape) and all(
            -n <= i < n for i, n in zip(given, shape, strict=True)
        )
        if not inside or not -channels <= channel < channels:
            raise ValueError(f"{output_pixel=} with {channel=} is not in {shape=}, {channels=}")
        return tuple(i % n for i, n in zip(given, shape, strict=True))

    @property
    def _bottleneck(self) -> Bottleneck:
        if self._solution.components is None:
            raise ValueError("rank=None has no bottleneck, so neither encoder nor decoder")
        return Bottleneck(self._solution.components, self._transform)

    def _code_length(self, n: int | None) -> int:
        """How many numbers of the code are asked for."""
        rank = self._solution.rank
        n = rank if n is None else _checks.positive_int("n", n)
        if n > rank:
            raise ValueError(f"{n=} is more than the rank, {rank}")
        return n
