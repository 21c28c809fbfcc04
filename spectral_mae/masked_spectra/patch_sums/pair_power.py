"""The mean power of an image under a mask design that is not uniform, from all pairs of patches.

With X_a the transform of the image restricted to patch a, and Π_ab the probability that patches a
and b are both kept, E|Y[k]|² = Σ_ab Π_ab X_a*[k] X_b[k].

Where Π depends on the cyclic offset of two patches alone, so that Π_{a,a+δ} = ρ(δ), the sum needs
no transform for each offset. Let B(δ, l) be the cross-correlation of the pixels of patch a with
those of patch a + δ, at the lag l of pixels within patches, summed over a. It contributes to the
autocorrelation of the image at the lag pδ + l, so

    Σ_ab Π_ab X_a* X_b = Σ_δ Σ_l ρ(δ) B(δ, l) e^(−2πi k(pδ + l)/D),

and B is the inverse transform, over patches and over pixels in a patch, of the squared transform of
the image cut into patches, each with zeros behind it up to twice its size. All of it costs a few
transforms of four times the image, whatever the design.

A constant image has the mean power of the masks, so the mean of an image is split off as in
`spectral_mae.masked_spectra.patch_sums.patch_power`, for a large one would cost the rest its
digits.
"""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.pulses import dirichlet_kernel
from spectral_mae.spectra.fft import RealFFT
from spectral_mae.spectra.frequencies import half_from_full, half_shape, row_strips

PART = 2**16  # complex numbers that are transformed at a time, a megabyte
STRIP = 2**18  # numbers of columns that are transformed at a time, zeros behind them included


def pair_power(design: MaskDesign) -> LagPower | FactorPower:
    """Plan the mean power of images under a design.

    Parameters
    ----------
    design : MaskDesign
        Any design.

    Returns
    -------
    LagPower or FactorPower
        By lags where the design is shift-invariant, else by transforms of masked images.
    """
    return LagPower(design) if design.shift_invariant else FactorPower(design)


class LagPower:
    """Mean power under a shift-invariant design, but for its share of the image's own power.

    Parameters
    ----------
    design : MaskDesign
        A shift-invariant design.

    Attributes
    ----------
    share : float
        Mean of ρ. E|Y|² is ``share`` times |X|² and what an object of this class returns.

    Examples
    --------
    >>> from spectral_mae import PatchGrid, designs
    >>> design = designs.block(PatchGrid(6, 2), 1)
    >>> x = np.arange(6.0)
    >>> masked = x * [[0, 0, 1, 1, 1, 1], [1, 1, 0, 0, 1, 1], [1, 1, 1, 1, 0, 0]]
    >>> naive = np.mean(abs(np.fft.rfft(masked)) ** 2, axis=0)
    >>> power = LagPower(design)
    >>> bool(np.allclose(power.share * abs(np.fft.rfft(x)) ** 2 + power(x), naive))
    True
    """

    def __init__(self, design: MaskDesign) -> None:
        self._grid = grid = design.grid
        self.share = float(design.spectrum.flat[0]) / design.n_patches
        self._rho = design.pair_inclusion - self.share
        self._rho_hat = design.spectrum.copy()
        self._rho_hat.flat[0] = 0.0
        self._fft = RealFFT(grid.shape, chunk=1)
        kernels = [dirichlet_kernel(n, p) for n, p in zip(grid.shape, grid.patch_size, strict=True)]
        self._kernels = [*kernels[:-1], half_from_full(kernels[-1])]

    def __call__(self, pixels: FloatArray) -> FloatArray:
        """Return E|Y[k]|² − share·|X[k]|² of one image.

        Parameters
        ----------
        pixels : ndarray of float64, shape ``grid.shape``, or (*grid.shape, channels)
            The image; the sums of channels are added.

        Returns
        -------
        ndarray, shape (*shape[:-1], shape[-1]//2 + 1)
            On the half-plane, unnormalised. It is (1/L) Σ ρ̂(q)|X_q|² over all q ≠ 0, X_q the
            transform of the image times a wave over the patches, so it is not negative.
        """
        grid = self._grid
        planes = pixels.reshape(*grid.shape, -1)
        mean = np.einsum("xc->c", planes.reshape(-1, planes.shape[-1])) / prod(grid.shape)
        lags = np.zeros(grid.shape)
        patches_sum = np.zeros(grid.patch_size)
        for channel, level in enumerate(mean):
            patches_sum += level * self._add_lags(planes[..., channel], level, lags)
        power = np.empty(half_shape(grid.shape))
        corner = tuple(slice(p) for p in grid.patch_size)
        constant = float(mean @ mean) * grid.n_patches
        with self._fft.borrow() as space:
            image, half = space.real[0], space.half[0]
            image[...] = lags
            space.forward()
            # The correlation is even in the lag, so its transform is real.
            power[...] = half.real
            image[...] = 0.0
            image[corner] = patches_sum
            space.forward()
            for rows in row_strips(power.shape):
                ones = self._ones(rows)
                of_mean = 2 * (half[rows] * ones.conj()).real + constant * np.abs(ones) ** 2
                power[rows] += self._band_weights(rows, power.shape) * of_mean
        return np.maximum(power, 0.0, out=power)

    def _add_lags(self, plane: FloatArray, level: float, lags: FloatArray) -> FloatArray:
        """Add Σ ρ(δ) B(δ, l) of a plane less a level at the lags pδ + l; return its summed patches.

        Pixels along the first axis are transformed for all the image, to half the frequencies; the
        other axes for some of these frequencies at a time, which then hold the result.
        """
        (count, *counts), (rows, *patch) = self._grid.counts, self._grid.patch_size
        rest = prod(plane.shape[1:])
        strips = _strips(rest, max(1, STRIP // (2 * plane.shape[0])))
        waves = np.empty((count, rows + 1, rest), dtype=np.complex128)
        summed = np.empty((rows, rest))
        cut = plane.reshape(count, rows, rest)
        for some in strips:
            centred = cut[..., some] - level
            summed[:, some] = centred.sum(axis=0)
            waves[..., some] = scipy.fft.rfft(centred, 2 * rows, axis=1)
        pairs = list(zip(counts, patch, strict=True))
        first = waves.reshape(count, rows + 1, *(n for pair in pairs for n in pair))
        axes = [axis for axis in range(first.ndim) if axis != 1]
        padded = [count, *(size for n, p in pairs for size in (n, 2 * p))]
        weights = self._rho.reshape(count, 1, *(size for n in counts for size in (n, 1)))
        for part in _strips(rows + 1, max(1, PART // prod(padded))):
            transform = scipy.fft.fftn(first[:, part], s=padded, axes=axes)
            products = scipy.fft.ifftn(transform.real**2 + transform.imag**2, axes=axes)
            products *= weights
            for axis, p in enumerate(patch, 1):
                products = _overlapped(products, 2 * axis, p)
            first[:, part] = products
        flat = lags.reshape(count, rows, rest)
        for some in strips:
            along = scipy.fft.irfft(waves[..., some], 2 * rows, axis=1)
            flat[..., some] += _overlapped(along, 0, rows)
        by_patch = summed.reshape(rows, *(n for pair in pairs for n in pair))
        return by_patch.sum(axis=tuple(range(1, by_patch.ndim, 2)))

    def _ones(self, rows: slice) -> NDArray[np.complex128]:
        """The transform of one patch of ones, in some rows of the half-plane."""
        first, *others = self._kernels
        return reduce(np.multiply.outer, [first[rows], *others])

    def _band_weights(self, rows: slice, shape: tuple[int, ...]) -> FloatArray:
        """ρ̂ at the patch-grid frequency q of every k, 0 at q = 0, in some rows."""
        axes = [np.arange(size) % n for size, n in zip(shape, self._grid.counts, strict=True)]
        return self._rho_hat[np.ix_(axes[0][rows], *axes[1:])]


class FactorPower:
    """Mean power under any design: Σ_r |DFT(x·v_r)|² with Π = Σ_r v_r v_rᵀ.

    Each v_r is held constant inside a patch.

    Parameters
    ----------
    design : MaskDesign
        Any design whose Π can be factored.

    Attributes
    ----------
    share : float
        0: what an object of this class returns is all of E|Y|².
    """

    share = 0.0

    def __init__(self, design: MaskDesign) -> None:
        self._grid = design.grid
        self._factor = design.factor()
        self._fft = RealFFT(design.grid.shape)

    def __call__(self, pixels: FloatArray) -> FloatArray:
        """Return E|Y[k]|² of one image.

        Parameters
        ----------
        pixels : ndarray of float64, shape ``grid.shape``, or (*grid.shape, channels)
            The image; the sums of channels are added.

        Returns
        -------
        ndarray, shape (*shape[:-1], shape[-1]//2 + 1)
            On the half-plane, unnormalised.
        """
        planes = pixels.reshape(*self._grid.shape, -1)
        power = np.zeros(half_shape(self._grid.shape))
        for channel in range(planes.shape[-1]):
            plane = planes[..., channel]
            for start in range(0, len(self._factor), self._fft.chunk):
                vectors = self._factor[start : start + self._fft.chunk]
                half = self._fft.rfft(plane * self._grid.expand(vectors))
                power += np.sum(half.real**2 + half.imag**2, axis=0)
        return power


def _strips(n: int, step: int) -> list[slice]:
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]


def _overlapped(products: NDArray[Any], axis: int, patch: int) -> NDArray[Any]:
    """Add products at offsets δ and lags l along one axis where they meet, at pδ + l.

    The axis behind that of offsets holds lags 0..p−1, −p..−1; p places are left of it. The second
    half belongs to the offset before.
    """
    lags = np.moveaxis(products, axis + 1, -1)
    forth, back = lags[..., :patch], lags[..., patch:]
    summed = forth + np.roll(back, -1, axis=axis)
    return np.moveaxis(summed, -1, axis + 1)
