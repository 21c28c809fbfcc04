"""Planned transforms of batches of pairs of images: the powers that all curves are made of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray, Scaling
from spectral_mae.cross_spectra.curves import Powers
from spectral_mae.spectra.conditioning import DetrendOption, Window, window_weights
from spectral_mae.spectra.fft import RealFFT
from spectral_mae.spectra.frequencies import half_shape
from spectral_mae.spectra.labels.axis_labels import Unit
from spectral_mae.spectra.periodogram import Periodogram

BLOCK_BYTES = 32 * 2**20  # of pixels that are transformed at a time


class PairPeriodogram:
    """Powers |A|², |B|², A*B and |B − A|² of batches of pairs of one shape, in double precision.

    Plans and windows are made once. Images are detrended and windowed as in `Periodogram`.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.
    fs, unit, window, detrend, scaling : optional
        As in `spectral_mae.psd`.
    workers : int
        Threads that share a batch.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        fs: float | Sequence[float] = 1.0,
        unit: Unit = None,
        window: Window = None,
        detrend: DetrendOption = None,
        scaling: Scaling = "density",
        workers: int = 1,
    ) -> None:
        self.periodogram = Periodogram(
            shape,
            fs=fs,
            window=window,
            detrend=detrend,
            scaling=scaling,
            workers=workers,
            channel_axis=-1,
            unit=unit,
        )
        self.shape = shape
        self._fft = RealFFT(shape, workers=workers)
        weights = window_weights(window, shape)
        self._weights = np.ones(shape) if weights is None else np.square(weights)

    @property
    def is_signal(self) -> bool:
        """Whether there is one axis, so that the half-plane are the positive frequencies."""
        return len(self.shape) == 1

    def blocks(self, n: int, channels: int) -> Iterator[slice]:
        """Yield ranges of so many pairs as are transformed at a time.

        Parameters
        ----------
        n : int
            Number of pairs.
        channels : int
            Channels of an image.

        Yields
        ------
        slice
            One or more pairs.
        """
        step = max(1, BLOCK_BYTES // (8 * math.prod(self.shape) * max(1, channels)))
        for first in range(0, n, step):
            yield slice(first, min(first + step, n))

    def powers(self, a: FloatArray, b: FloatArray, hidden: BoolArray | None = None) -> Powers:
        """Powers of some pairs, averaged over channels.

        Parameters
        ----------
        a, b : ndarray of float64, shape (n, *shape, channels)
            Finite numbers that can be squared.
        hidden : ndarray of bool, shape (n, *shape), or None
            Pixels on which the error is measured: the difference is multiplied by it after
            detrending, and its power by Σw²/Σ(w·hidden)², so that it is that of each pixel. None
            takes all.

        Returns
        -------
        Powers
            Each (n, *half_shape).

        Raises
        ------
        ValueError
            If powers overflow.
        """
        one, other = self.periodogram.condition(a), self.periodogram.condition(b)
        shape = len(a), *half_shape(self.shape)
        real = np.zeros((3, *shape))
        cross = np.zeros(shape, dtype=np.complex128)
        with np.errstate(over="ignore", invalid="ignore"):  # found below
            for channel in range(a.shape[-1]):
                first, second = (
                    self._fft.rfft(np.ascontiguousarray(x[..., channel])) for x in (one, other)
                )
                real[0] += _squared(first)
                real[1] += _squared(second)
                cross += np.conj(first) * second
                if hidden is None:
                    real[2] += _squared(second - first)
                else:
                    error = (other[..., channel] - one[..., channel]) * hidden
                    real[2] += _squared(self._fft.rfft(error))
            norm = self.periodogram.norm / a.shape[-1]
            real *= norm
            cross *= norm
            if hidden is not None:
                real[2] *= self._per_hidden(hidden)
        if not np.isfinite(real).all():
            largest = float(max(np.abs(x).max() for x in (a, b)))
            raise ValueError(f"pixels up to {largest:.3g} are too large for float64 spectra")
        return Powers(real[0], real[1], cross, real[2])

    def _per_hidden(self, hidden: BoolArray) -> FloatArray:
        axes = tuple(range(1, hidden.ndim))
        parts = np.sum(self._weights * hidden, axis=axes, keepdims=True)
        return self._weights.sum() / parts


def energy(images: NDArray[Any]) -> FloatArray:
    """Sum of the squares of each image's pixels, the mean over its channels.

    Parameters
    ----------
    images : ndarray, shape (n, *shape, channels)
        Numbers that can be squared.

    Returns
    -------
    ndarray, shape (n,)
        One number for each image.
    """
    flat = images.reshape(len(images), -1)
    return np.einsum("ij,ij->i", flat, flat) / images.shape[-1]


def pair_arrays(
    a: Any, b: Any, names: tuple[str, str], *, first: int = 0
) -> tuple[FloatArray, FloatArray]:
    """Check two arrays of pixels of one shape and return them in double precision.

    Parameters
    ----------
    a, b : array_like
        Real, finite numbers that can be squared.
    names : tuple of str
        What messages call them.
    first : int
        Number of the first entry, where both are parts of what messages are of.

    Returns
    -------
    tuple of ndarray of float64
        Both, of one shape.

    Raises
    ------
    ValueError
        If the shapes differ, or numbers are not finite or out of range.
    """
    arrays = [
        _checks.squarable_array(name, x, first=first) for name, x in zip(names, (a, b), strict=True)
    ]
    if arrays[0].shape != arrays[1].shape:
        raise ValueError(
            f"{names[0]} of shape {arrays[0].shape} and {names[1]} of shape {arrays[1].shape} "
            "differ: one needs the other's shape"
        )
    return arrays[0], arrays[1]


def _squared(values: NDArray[np.complexfloating[Any, Any]]) -> FloatArray:
    return np.square(values.real) + np.square(values.imag)
