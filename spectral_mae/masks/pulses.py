"""Closed-form transforms of rectangular pulses and of sums of them (Eqs. 15-21).

No FFT of pixels happens here: the only transform is of the small grid of kept patches. So a
comparison with `spectral_mae.spectra.fft` compares two derivations.

Eq. 19 is the transform M[k] of a mask, Eq. 20 that of one pulse, R[k], and Eq. 21 the modulus
|M[k]|. The paper's Eqs. 19 and 21 lack the ``/D`` in the exponents of the starts; it is written
here.
"""

from __future__ import annotations

from functools import reduce
from math import gcd, prod
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._array_api import constant
from spectral_mae._checks import namespace
from spectral_mae.spectra.frequencies import half_shape

Complex128Array = NDArray[np.complex128]


def unit_roots(n: int, multiples: NDArray[np.integer]) -> Complex128Array:
    """Powers of a root of unity, e^(−2πi j/n), accurate to rounding for integers of any size.

    The integers are reduced modulo n, to the one nearest to zero, before they are multiplied by π.

    Parameters
    ----------
    n : int
        Order of the root.
    multiples : ndarray of int
        The exponents j.

    Returns
    -------
    ndarray of complex128, like ``multiples``
        Of modulus 1.
    """
    reduced = (multiples + n // 2) % n - n // 2
    return np.exp(reduced * (-2j * np.pi / n))


def dirichlet_kernel(n: int, patch_size: int) -> Complex128Array:
    """DFT of one pulse of ``patch_size`` ones that starts at pixel 0 (Eq. 20).

    R[k] = e^(−iπk(p−1)/D) · sin(πpk/D) / sin(πk/D), R[0] = p.

    Parameters
    ----------
    n : int
        Pixels along the axis, D.
    patch_size : int
        Pixels of the pulse, 1 ≤ p ≤ D.

    Returns
    -------
    ndarray of complex128, shape (n,)
        R[k] in ``np.fft.fftfreq`` order; exactly 0 at the zeros of the grating.

    Raises
    ------
    ValueError
        If the pulse is longer than the axis.

    Examples
    --------
    >>> pulse = np.array([1, 1, 1, 0, 0, 0, 0, 0])
    >>> bool(np.allclose(dirichlet_kernel(8, 3), np.fft.fft(pulse)))
    True
    """
    n, patch_size = _pulse(n, patch_size)
    k = np.arange(1, n // 2 + 1)
    # e^(−iπj/D) has period 2D in j, and so has sin(πj/D): both are taken of reduced integers.
    ratio = _sine(k * patch_size, n) / np.sin(k * (np.pi / n))
    half = unit_roots(2 * n, k * (patch_size - 1)) * ratio
    return np.concatenate([[complex(patch_size)], half, half[: (n - 1) // 2][::-1].conj()])


def dirichlet_power(n: int, patch_size: int) -> NDArray[np.float64]:
    """Power of one pulse, |R[k]|² = sin²(πpk/D) / sin²(πk/D), |R[0]|² = p².

    Parameters
    ----------
    n : int
        Pixels along the axis, D.
    patch_size : int
        Pixels of the pulse, p.

    Returns
    -------
    ndarray of float64, shape (n,)
        In FFT order.
    """
    n, patch_size = _pulse(n, patch_size)
    k = np.arange(1, n)
    ratio = _sine(k * patch_size, n) / _sine(k, n)
    return np.concatenate([[float(patch_size) ** 2], ratio * ratio])


def grating_zeros(n: int, patch_size: int) -> NDArray[np.intp]:
    """Indices k at which no mask of such pulses has power, whatever their starts.

    R[k] = 0 at the multiples of D/gcd(D, p) other than multiples of D. In two dimensions each such
    k is a line without power, in three a plane: the dark lines of the grating of Fig. 22.

    Parameters
    ----------
    n : int
        Pixels along the axis, D.
    patch_size : int
        Pixels of a pulse, p.

    Returns
    -------
    ndarray of int
        Rising.

    Examples
    --------
    >>> grating_zeros(12, 4)
    array([3, 6, 9])
    """
    n, patch_size = _pulse(n, patch_size)
    step = n // gcd(n, patch_size)
    return np.arange(step, n, step)


class PulseSum:
    """A sum of pulses, ready to be transformed (Eq. 19): M[k] = R[k] · Σ_i e^(−2πi k·a_i/D).

    Where all starts lie on one patch grid (shifted or not) the sum has period ``counts`` in k, and
    costs a small FFT and one product per frequency instead of one sum per frequency.

    Parameters
    ----------
    shape, patch_size : tuple of int
        One entry per axis.
    starts : ndarray of int, shape (N, ndim)
        First pixel a_i of each pulse. Pulses may touch and overlap: the transform is linear.
    kernels : tuple of ndarray or None
        What stands for R along each axis; None is `dirichlet_kernel`.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        patch_size: tuple[int, ...],
        starts: NDArray[np.integer],
        kernels: tuple[Complex128Array, ...] | None = None,
    ) -> None:
        self.shape, self.patch_size, self._starts = shape, patch_size, starts
        if kernels is None:
            sides = list(zip(shape, patch_size, strict=True))
            found = {side: dirichlet_kernel(*side) for side in set(sides)}
            kernels = tuple(found[side] for side in sides)
        self._factors = kernels
        self._kept: NDArray[np.float64] | None = None
        offset = _grid_offset(shape, patch_size, starts)
        if offset is not None:
            self._kept = np.zeros([n // p for n, p in zip(shape, patch_size, strict=True)])
            np.add.at(self._kept, tuple(((starts - offset) // patch_size).T), 1.0)
            self._factors = tuple(
                factor * unit_roots(n, np.arange(n) * start) if start else factor
                for factor, n, start in zip(kernels, shape, offset.tolist(), strict=True)
            )

    def dft(self, *, half: bool = False, out: Complex128Array | None = None) -> Complex128Array:
        """Return the transform, or its non-negative half-plane, in FFT order.

        Parameters
        ----------
        half : bool
            Return the half-plane.
        out : ndarray of complex128, or None
            C-contiguous array of the shape of the result, to write it into.

        Returns
        -------
        ndarray of complex128, shape (*shape), or that of its half-plane
            M[k], unnormalised; ``out`` if it is given.
        """
        wanted = half_shape(self.shape) if half else self.shape
        if out is None:
            out = np.empty(wanted, dtype=np.complex128)
        elif out.shape != wanted or out.dtype != np.complex128 or not out.flags.c_contiguous:
            raise ValueError(
                f"out of shape {out.shape} and dtype {out.dtype} is not a C-contiguous complex128 "
                f"array of shape {wanted}"
            )
        columns = wanted[-1]
        if self._kept is None:
            self._write_direct(columns, out)
        else:
            self._write_repeated(self._kept, columns, out)
        return out

    def dft_beside(self, like: Any, *, half: bool = False) -> Any:
        """Return the transform as a tensor, computed where another one is.

        Parameters
        ----------
        like : tensor
            Says the library and the device.
        half : bool
            Return the half-plane.

        Returns
        -------
        tensor of complex128, shape (*shape), or that of its half-plane
            M[k], unnormalised.
        """
        xp = namespace(like)
        ends = half_shape(self.shape) if half else self.shape
        if self._kept is None:
            sums = _direct_sum(self.shape, self._starts, ends[-1], like)
        else:
            sums = xp.fft.fftn(constant(self._kept + 0j, like))
            tiles = tuple(
                -(-end // count) for end, count in zip(ends, self._kept.shape, strict=True)
            )
            sums = xp.tile(sums, tiles)[(..., slice(ends[-1]))]
        for axis, (factor, end) in enumerate(zip(self._factors, ends, strict=True)):
            sides = [end if a == axis else 1 for a in range(len(ends))]
            sums = sums * constant(factor[:end].reshape(sides), like)
        return sums

    def _write_direct(self, columns: int, out: Complex128Array) -> None:
        out[...] = _direct_sum(self.shape, self._starts, columns)
        ends = (*self.shape[:-1], columns)
        for axis, (factor, end) in reversed(list(enumerate(zip(self._factors, ends, strict=True)))):
            out *= factor[:end].reshape(-1, *(1,) * (len(ends) - 1 - axis))

    def _write_repeated(
        self, kept: NDArray[np.float64], columns: int, out: Complex128Array
    ) -> None:
        """The DFT of the grid of kept patches, repeated along one axis after the other."""
        counts = kept.shape
        first, *others = range(len(counts))
        waves: Complex128Array = scipy.fft.fftn(kept)
        for axis in reversed(others):
            shape = (*counts[:axis], self.shape[axis], *waves.shape[axis + 1 :])
            waves = self._repeated(waves, axis).reshape(shape)[..., :columns]
        if others:
            tiles = (self.patch_size[first], *waves.shape)
            self._repeated(waves, first, out=out.reshape(tiles))
        else:
            out[...] = self._repeated(waves, first).ravel()[:columns]

    def _repeated(
        self, waves: Complex128Array, axis: int, out: Complex128Array | None = None
    ) -> Complex128Array:
        """Waves times the factor of an axis: (..., count, ...) to (..., patch, count, ...)."""
        tiles = (self.patch_size[axis], waves.shape[axis], *(1,) * (waves.ndim - 1 - axis))
        factor = self._factors[axis].reshape(tiles)
        return np.multiply(factor, np.expand_dims(waves, axis), out=out)


def start_phases(
    shape: tuple[int, ...], patch_size: tuple[int, ...], starts: NDArray[np.integer]
) -> Complex128Array:
    """Factor of Eqs. 19 and 21 that depends on the starts of the pulses, Σ_i e^(−2πi k·a_i/D).

    Parameters
    ----------
    shape, patch_size : tuple of int
        Pixels along each axis, of the image and of a pulse.
    starts : ndarray of int, shape (N, ndim)
        First pixel a_i of each pulse.

    Returns
    -------
    ndarray of complex128, shape (*shape)
        In FFT order.
    """
    ones = tuple(np.ones(n, dtype=np.complex128) for n in shape)
    return PulseSum(shape, patch_size, starts, ones).dft()


def _grid_offset(
    shape: tuple[int, ...], patch_size: tuple[int, ...], starts: NDArray[np.integer]
) -> NDArray[np.integer] | None:
    """Shift of the patch grid on which all starts lie, or None if there is no such grid."""
    if len(starts) == 0 or any(n % p for n, p in zip(shape, patch_size, strict=True)):
        return None
    offsets = starts % patch_size
    return offsets[0] if (offsets == offsets[0]).all() else None


def _direct_sum(
    shape: tuple[int, ...], starts: NDArray[np.integer], columns: int, like: Any = None
) -> Any:
    """Σ_i e^(−2πi k·a_i/D) for any starts, as products of one table of roots per axis.

    The products are formed where ``like`` is, if that is a tensor.
    """
    xp = np if like is None else namespace(like)
    tables = [unit_roots(n, np.arange(n)) for n in shape]
    ends = (*shape[:-1], columns)
    sums: Any = np.zeros(ends, dtype=np.complex128)
    if like is not None:
        sums = constant(sums, like)
    block = max(1, 2**20 // max(prod(shape[:-1]), shape[-1]))
    for first in range(0, len(starts), block):
        chosen = starts[first : first + block]
        waves = [
            table[np.outer(chosen[:, axis], np.arange(end)) % n]
            for axis, (n, end, table) in enumerate(zip(shape, ends, tables, strict=True))
        ]
        *others, last = waves if like is None else [constant(one, like) for one in waves]
        if others:
            sums += xp.reshape(_outer(xp, others).T @ last, ends)
        else:
            sums += xp.sum(last, axis=0)
    return sums


def _outer(xp: Any, waves: list[Any]) -> Any:
    """Products over axes, for each start: arrays of (N, n) to (N, product of the n)."""
    return reduce(lambda a, b: xp.reshape(a[:, :, None] * b[:, None, :], (a.shape[0], -1)), waves)


def _sine(multiples: NDArray[np.integer], n: int) -> NDArray[np.float64]:
    """sin(πj/n) for integers j, exactly 0 at the multiples of n."""
    half_turns, rest = np.divmod(multiples, n)
    sine = np.sin(np.minimum(rest, n - rest) * (np.pi / n))
    return np.where(half_turns % 2, -sine, sine)


def _pulse(n: int, patch_size: int) -> tuple[int, int]:
    n = _checks.positive_int("n", n)
    patch_size = _checks.positive_int("patch_size", patch_size)
    if patch_size > n:
        raise ValueError(f"{patch_size=} is longer than the axis, {n=}")
    return n, patch_size
