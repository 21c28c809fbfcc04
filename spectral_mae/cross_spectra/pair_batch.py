"""A batch of originals and reconstructions, checked and read some images at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.cross_spectra.arrays import pieces, sliceable
from spectral_mae.cross_spectra.pairs import pair_arrays

NAMES = ("originals", "reconstructions")


@dataclass(frozen=True, eq=False)
class PairBatch:
    """Pairs of images of one shape, which may be in memory or read when they are asked for.

    Attributes
    ----------
    originals, reconstructions : array, shape (n, *shape), with the channels at ``channel_axis``
        What can be sliced along the first axis.
    visible : ndarray of bool, shape (n, *shape), or None
        True where a pixel was visible; None takes the error of all pixels.
    shape : tuple of int
        Shape of one image, without channels.
    channel_axis : int or None
        Axis of the channels in the batch.
    """

    originals: Any
    reconstructions: Any
    visible: BoolArray | None
    shape: tuple[int, ...]
    channel_axis: int | None

    @classmethod
    def of(
        cls,
        originals: Any,
        reconstructions: Any,
        visible: ArrayLike | None,
        *,
        channel_axis: int | None,
        ndim: int | None,
    ) -> PairBatch:
        """Check a batch; no pixels are read from files or chunks for that.

        Parameters
        ----------
        originals, reconstructions : array_like, shape (n, *shape)
            The images, with the channels at ``channel_axis``.
        visible : array_like of bool, (n, *shape) or (*shape), or None
            Masks, True where a pixel was visible.
        channel_axis : int or None
            Axis of the channels in the batch.
        ndim : {1, 2, 3} or None
            Number of axes of an image, without that of the channels.

        Returns
        -------
        PairBatch
            The same images, and a mask for each if there are masks.

        Raises
        ------
        ValueError
            If the shapes do not fit, there are no images, or a mask hides nothing.
        """
        given = originals, reconstructions
        for name, images in zip(NAMES, given, strict=True):
            _checks.expect_known(name, images, visible)
        a, b = (sliceable(name, images) for name, images in zip(NAMES, given, strict=True))
        shape = _shape_of_one(a, b, channel_axis, ndim)
        masks = None if visible is None else _masks(visible, a.shape[0], shape)
        return cls(a, b, masks, shape, channel_axis)

    def pieces(self) -> Iterator[tuple[FloatArray, FloatArray, BoolArray | None]]:
        """Yield the pairs, some at a time.

        Yields
        ------
        originals, reconstructions : ndarray of float64, shape (m, *shape, channels)
            Images.
        hidden : ndarray of bool, shape (m, *shape), or None
            Pixels whose error is measured; None are all.
        """
        for rows in pieces(self.originals.shape):
            pair = pair_arrays(
                self.originals[rows], self.reconstructions[rows], NAMES, first=rows.start
            )
            a, b = (
                _checks.channels_last(name, one, self.channel_axis, len(self.shape) + 1)
                for name, one in zip(NAMES, pair, strict=True)
            )
            yield a, b, None if self.visible is None else ~self.visible[rows]


def _shape_of_one(a: Any, b: Any, channel_axis: int | None, ndim: int | None) -> tuple[int, ...]:
    """Shape of one image, without channels."""
    if tuple(a.shape) != tuple(b.shape):
        raise ValueError(
            f"originals of shape {tuple(a.shape)} and reconstructions of shape "
            f"{tuple(b.shape)} differ: one needs the other's shape"
        )
    if not a.shape or a.shape[0] == 0:
        raise ValueError(f"originals of shape {tuple(a.shape)} hold no images")
    if channel_axis is not None and not -len(a.shape) < channel_axis < len(a.shape):
        raise ValueError(
            f"{channel_axis=} is not an axis of the images in a batch of shape {tuple(a.shape)}"
        )
    first = np.broadcast_to(np.float64(0), a.shape[1:])  # nothing is read for this
    axis = channel_axis - 1 if channel_axis is not None and channel_axis > 0 else channel_axis
    name, batch = "an image of originals", "axis 0 alone holds the images"
    return _checks.one_image(name, first, axis, batch, ndim=ndim).shape[:-1]


def _masks(visible: ArrayLike, n: int, shape: tuple[int, ...]) -> BoolArray:
    masks = _checks.bool_mask("visible", visible)
    if masks.shape not in (shape, (n, *shape)):
        raise ValueError(f"visible of shape {masks.shape} is neither {shape} nor {(n, *shape)}")
    full = np.broadcast_to(masks, (n, *shape))
    whole = full.reshape(n, -1).all(axis=1)
    if whole.any():
        raise ValueError(
            f"visible hides nothing of {int(whole.sum())} of {n} images, the first of them number "
            f"{int(np.argmax(whole))}: there is no error on hidden pixels"
        )
    return full
