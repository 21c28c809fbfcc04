"""A linear map that was solved block by block: applied to images, and seen as images."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.linear.bottleneck import Bottleneck, HalfPair
from spectral_mae.linear.moments.blocks import BlockTransform
from spectral_mae.linear.solution import Solution

MATRIX_LIMIT = 4096


class LinearMap:
    """The map x̂ = x̃W of a solution.

    Parameters
    ----------
    solution : Solution
    transform : BlockTransform
        The coordinates in which it was solved.
    """

    def __init__(self, solution: Solution, transform: BlockTransform) -> None:
        self._solution = solution
        self._transform = transform

    def apply(self, patches: FloatArray, *, transpose: bool = False) -> FloatArray:
        """Map images cut into patches, (n, n_patches, patch_dim); or by the transposed map."""
        output = self._transform.apply(self._solution.weights, patches, transpose=transpose)
        half = self.half
        return output if half is None else output + half.apply(patches, transpose=transpose)

    def to_image(self, patches: FloatArray) -> FloatArray:
        """Patches put together, (n, *shape[, channels]); one channel has no axis."""
        channel_axis = None if self._transform.channels == 1 else -1
        return self._transform.grid.from_patches(patches, channel_axis=channel_axis)

    @cached_property
    def half(self) -> HalfPair | None:
        """What is kept of a conjugate pair of bands that the rank splits."""
        return None if self._solution.split is None else self._bottleneck.half_pair()

    def weights(self, place: tuple[int, ...], channel: int) -> FloatArray:
        """What every input contributes to one output, (*shape[, channels])."""
        transform = self._transform
        delta = np.zeros((1, *transform.grid.shape, transform.channels))
        delta[(0, *place, channel)] = 1.0
        patches = transform.grid.to_patches(delta, channel_axis=-1)
        return self.to_image(self.apply(patches, transpose=True))[0]

    def matrix(self) -> NDArray[np.float64]:
        """W as (D, D), rows and columns in the order of a flattened image, channels last.

        Raises
        ------
        ValueError
            Above 4096 numbers per image.
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

    def encoder(self, n: int) -> FloatArray:
        """The first ``n`` columns of the encoder, (n, *shape[, channels])."""
        return self.to_image(self._bottleneck.encoder(n))

    def decoder(self, n: int) -> FloatArray:
        """The first ``n`` rows of the decoder, (n, *shape[, channels])."""
        return self.to_image(self._bottleneck.decoder(n))

    def place(self, output_pixel: int | tuple[int, ...], channel: int) -> tuple[int, ...]:
        """Index of a pixel, counted from the front.

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
            raise ValueError("a map of full rank has neither encoder nor decoder")
        return Bottleneck(self._solution.components, self._transform)
