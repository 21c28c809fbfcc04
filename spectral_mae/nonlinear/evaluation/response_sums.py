"""Sums over images from which frequency responses of models follow, with their sampling errors.

The sums are kept for groups of images. A weighted sum over the groups gives the response of all
images, or of a bootstrap sample of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.linear.frequency_response import FrequencyResponse
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.nonlinear.arrays import real_numbers
from spectral_mae.spectra import frequencies

Complex = NDArray[Any]


class ResponseSums:
    """Spectral sums of several models over the same images, group by group.

    Parameters
    ----------
    grid : PatchGrid
        Grid of the images.
    channels : int
        Number of channels.
    names : sequence of str
        Names of the models.
    n_groups : int
        Number of groups of images.

    Attributes
    ----------
    n_images : ndarray of int, shape (n_groups,)
        Images that each group has taken in.
    """

    def __init__(
        self, grid: PatchGrid, channels: int, names: Sequence[str] = ("",), n_groups: int = 1
    ) -> None:
        self.grid = grid
        self.names = tuple(names)
        half = frequencies.half_shape(grid.shape)
        matrices = (n_groups, *half, channels, channels)
        self.n_images = np.zeros(n_groups, np.int64)
        self._second = np.zeros(matrices, complex)
        self._cross = {name: np.zeros(matrices, complex) for name in self.names}
        # Power, error, and the part of the power that two draws of masks share.
        self._powers = {name: np.zeros((n_groups, 3, *half)) for name in self.names}

    def add(
        self,
        truth: FloatArray,
        draws: Iterable[Mapping[str, FloatArray]],
        group: NDArray[np.integer] | None = None,
    ) -> None:
        """Take in images and what the models made of them.

        Parameters
        ----------
        truth : ndarray, shape (n, *shape[, channels])
            Images about their mean.
        draws : iterable of mapping of str to ndarray
            For each draw of masks, the reconstructions of each model about the same mean, in the
            shape of ``truth``.
        group : ndarray of int, shape (n,), or None
            Group of each image; None puts all of them into the first.

        Raises
        ------
        ValueError
            If there are fewer than two draws, or shapes differ.
        """
        truth = checked_images("truth", truth, self.grid)
        member = np.zeros(len(truth), np.int64) if group is None else group
        x = self._transform(truth)
        total = {name: np.zeros_like(x) for name in self.names}
        powers = {name: np.zeros((2, *x.shape[:-1])) for name in self.names}
        n = 0
        for outputs in draws:
            n += 1
            for name in self.names:
                y = self._transform(like(truth, outputs[name]))
                total[name] += y
                powers[name][0] += np.sum(np.abs(y) ** 2, axis=-1)
                powers[name][1] += np.sum(np.abs(y - x) ** 2, axis=-1)
        if n < 2:
            raise ValueError(
                f"{n} reconstructions of an image: noise over masks needs at least two"
            )
        for place in np.unique(member):
            rows = member == place
            self.n_images[place] += int(rows.sum())
            self._second[place] += np.einsum("n...i,n...j->...ij", x[rows], x[rows].conj())
            for name in self.names:
                y, (power, error) = total[name][rows], powers[name][:, rows].sum(1)
                self._cross[name][place] += np.einsum("n...i,n...j->...ij", y, x[rows].conj()) / n
                # The mean of ŶᵢŶⱼ* over pairs of masks has no share of their variance.
                shared = np.sum(np.abs(y) ** 2, axis=(0, -1)) - power
                self._powers[name][place] += [power / n, error / n, shared / (n * (n - 1))]

    def responses(self, weights: FloatArray | None = None) -> dict[str, FrequencyResponse]:
        """The response of each model to the images taken in.

        Parameters
        ----------
        weights : ndarray, shape (n_groups,), or None
            How often each group counts; None counts each once.

        Returns
        -------
        dict of str to FrequencyResponse
            The response of each model, by name.
        """
        count = np.ones(len(self.n_images)) if weights is None else weights
        n = float(count @ self.n_images)
        second = np.tensordot(count, self._second, 1) / n
        inverse = np.linalg.pinv(second, hermitian=True)
        return {
            name: self._response(
                second,
                inverse,
                np.tensordot(count, self._cross[name], 1) / n,
                np.tensordot(count, self._powers[name], 1) / n,
            )
            for name in self.names
        }

    def _response(
        self, second: Complex, inverse: Complex, cross: Complex, powers: FloatArray
    ) -> FrequencyResponse:
        power, error, shared = powers
        channels = second.shape[-1]
        passed = np.einsum("...ij,...jk,...ik->...", cross, inverse, cross.conj()).real
        original = np.einsum("...ii->...", second).real
        none = np.full(original.shape, np.nan + 0j if channels > 1 else 0j)
        through = np.einsum("...ii->...", cross)
        gain = np.divide(through, original, out=none, where=original > 0)

        def whole(half: NDArray[Any]) -> NDArray[Any]:
            return frequencies.full_from_half(half, self.grid.shape)

        return FrequencyResponse(
            whole(gain),
            whole(original),
            whole(passed),
            whole(shared - passed),
            whole(power - shared),
            whole(error),
        )

    def _transform(self, images: FloatArray) -> Complex:
        ndim = self.grid.ndim
        last = images[..., np.newaxis] if images.ndim == ndim + 1 else images
        return scipy.fft.rfftn(last, axes=tuple(range(1, ndim + 1)), norm="ortho")


def checked_images(name: str, values: FloatArray, grid: PatchGrid) -> FloatArray:
    """Check that an array holds images of a grid.

    Parameters
    ----------
    name : str
        Name of the argument, for error messages.
    values : array_like
        Images.
    grid : PatchGrid
        Grid that they must fit.

    Returns
    -------
    ndarray of float64, shape (n, *shape[, channels])
        The images.

    Raises
    ------
    ValueError
        If the shape is another one, there is no image, or numbers are not finite.
    """
    array = real_numbers(name, values)
    axes = (grid.ndim + 1, grid.ndim + 2)
    if array.ndim not in axes or array.shape[1 : axes[0]] != grid.shape or not array.size:
        raise ValueError(f"{name} of shape {array.shape} are not (n, *{grid.shape}[, channels])")
    return array


def like(images: FloatArray, output: FloatArray) -> FloatArray:
    """Check that a reconstruction has the shape of the images, which must not be broadcast.

    Parameters
    ----------
    images : ndarray
        The images.
    output : array_like
        Their reconstruction.

    Returns
    -------
    ndarray of float64
        The reconstruction.

    Raises
    ------
    ValueError
        If shapes differ, or numbers are not finite.
    """
    array = real_numbers("the reconstruction", output)
    if array.shape != images.shape:
        raise ValueError(f"a reconstruction of shape {array.shape} of images of {images.shape}")
    return array
