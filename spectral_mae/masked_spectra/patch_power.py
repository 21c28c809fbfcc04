"""Σ_b |X_b[k]|²: the power spectra of all patches of an image, each patch on its own.

No transform per patch of the image's size is needed: the sum is the transform of the summed
autocorrelations within patches, which vanish at lags of a patch and more.

An image is split into its mean c and the rest z first, for a large mean would cost the rest its
digits: with Z̄ the transform of the sum of the patches of z and R that of one patch of ones,
Σ_b |X_b|² = Σ_b |Z_b|² + 2c Re(Z̄ R*) + c² L |R|², exactly. Of several channels all of it is added.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from math import prod

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulses import dirichlet_kernel, unit_roots
from spectral_mae.spectra.fft import RealFFT
from spectral_mae.spectra.frequencies import half_from_full, half_shape, row_strips

# Products of the rows of patches beat padded FFTs up to so many pixels a patch, and so many numbers
# in a table, which has a patch side times a side of the image.
GRAM_PIXELS = 256
GRAM_TABLE = 2**17
PART = 2**20  # pixels that are cut into patches at a time
# Multiplications in one product: OpenBLAS first copies larger matrices in another order, and so
# takes three times as long where one has few columns.
PRODUCT = 10**6


class PatchPower:
    """Sum of the power spectra of all patches, planned for images of one shape.

    Parameters
    ----------
    grid : PatchGrid
        Patches of the images.

    Examples
    --------
    >>> x = np.arange(6.0)
    >>> parts = [0, 1, 2, 0, 0, 0], [0, 0, 0, 3, 4, 5]
    >>> naive = sum(abs(np.fft.rfft(part)) ** 2 for part in parts)
    >>> bool(np.allclose(PatchPower(PatchGrid(6, 3))(x), naive))
    True
    """

    def __init__(self, grid: PatchGrid) -> None:
        self.grid = grid
        table = max(n * p for n, p in zip(grid.shape, grid.patch_size, strict=True))
        small = grid.patch_pixels <= GRAM_PIXELS and table <= GRAM_TABLE and grid.ndim <= 2
        self._power = _GramPower(grid) if small else _PaddedPower(grid)

    def __call__(self, pixels: FloatArray) -> FloatArray:
        """Return Σ_b |X_b[k]|² of one image.

        Parameters
        ----------
        pixels : ndarray of float64, shape ``grid.shape``, or (*grid.shape, channels)
            The image; the sums of channels are added.

        Returns
        -------
        ndarray, shape (*shape[:-1], shape[-1]//2 + 1)
            On the half-plane, unnormalised.
        """
        power, _ = self.with_centred(pixels)
        return power

    def with_centred(self, pixels: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return Σ_b |X_b[k]|² of one image, and of the image less the mean of each channel.

        Parameters
        ----------
        pixels : ndarray of float64, shape ``grid.shape``, or (*grid.shape, channels)
            The image; the sums of channels are added.

        Returns
        -------
        power, centred : ndarray, shape (*shape[:-1], shape[-1]//2 + 1)
            On the half-plane, unnormalised.
        """
        planes = pixels.reshape(*self.grid.shape, -1)
        # Near the mean is good enough for the first: whatever is taken off comes back exactly.
        rows = planes.reshape(len(planes), -1)
        sums = (np.ones(len(rows)) @ rows).reshape(-1, planes.shape[-1]).sum(axis=0)
        centred, of_mean = self._power(planes, sums / prod(self.grid.shape))
        of_mean += centred
        for power in (of_mean, centred):
            if power.min() < 0.0:  # a sum of squares, but for rounding
                np.maximum(power, 0.0, out=power)
        return of_mean, centred


class _GramPower:
    """Autocorrelations by products of rows of patches, and their transform by small products.

    With T the summed autocorrelation at lags (d, l), 0 ≤ d < p, |l| < p, which is even in (d, l),
    Σ_b |Z_b|² = Re Σ_d w_d e^(−2πi k₁d/H) Σ_l T[d, l] e^(−2πi k₂l/W), w_0 = 1, else 2. So few lags
    take a product of one table for each axis and no FFT. So does Z̄ R*, whose tables are those of
    Z̄ times R*: where R is zero it is exactly zero. A signal is an image of one row.

    Half of the rows k₁ are enough: the cosine terms are even in k₁ and the sine terms odd. Of
    volumes there would be three times as many kinds of terms; `_PaddedPower` is for them.
    """

    def __init__(self, grid: PatchGrid) -> None:
        missing = (1,) * (2 - grid.ndim)
        self._counts, self._patch = missing + grid.counts, missing + grid.patch_size
        sides = list(zip(missing + grid.shape, self._patch, strict=True))
        self._shape = half_shape(grid.shape)
        self._height = sides[0][0]
        tables = {side: _Waves(*side) for side in set(sides)}
        rows, self._columns = (tables[side] for side in sides)
        twice = np.full((self._patch[0], 1), 2.0)
        twice[0] = 1.0
        self._rest = (twice * rows.cosines).T, (twice * rows.sines).T
        self._mean = np.concatenate([2 * rows.even, rows.ones]).T, (2 * rows.odd).T

    def __call__(self, planes: FloatArray, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Patch power of an image, (*shape, channels), less the mean of each channel.

        And what is to be added to it for the mean.
        """
        (height, width), (rows, columns) = self._counts, self._patch
        cut = planes.reshape(height, rows, width, columns, len(mean))
        # Row by row of the patches, and in each all patches and channels.
        stacked = np.empty((rows, height, width, len(mean), columns))
        np.subtract(cut.transpose(1, 0, 2, 4, 3), mean[:, np.newaxis], out=stacked)
        per_row = height * width * len(mean)
        flat = stacked.reshape(-1, columns)
        products = np.empty((rows, columns, columns))
        # For the whole AᵀA NumPy calls BLAS's symmetric product, which takes twice as long.
        for part in slice(None, columns // 2), slice(columns // 2, None):
            _product(flat[:, part], flat, products[0, part])
        for lag in range(1, rows):
            _product(flat[lag * per_row :], flat[: -lag * per_row], products[lag])
        lags = _diagonal_sums(products)
        forth, back = lags[:, columns - 1 :], lags[:, columns - 1 :: -1]
        both = forth + back
        both[:, 0] = forth[:, 0]
        summed = np.tile(mean, height * width) @ flat.reshape(rows, per_row, columns)
        across = self._columns
        of_mean = np.concatenate([summed @ across.even, (mean @ mean) * across.ones])
        return (
            self._waves(self._rest, both @ across.cosines, (forth - back) @ across.sines),
            self._waves(self._mean, of_mean, summed @ across.odd),
        )

    def _waves(
        self, tables: tuple[FloatArray, FloatArray], even: FloatArray, odd: FloatArray
    ) -> FloatArray:
        """Half-plane of waves along the rows, which are even and odd in k₁."""
        cosine, sine = tables[0] @ even, tables[1] @ odd
        power = np.empty((self._height, cosine.shape[1]))
        half = len(cosine)
        np.subtract(cosine, sine, out=power[:half])
        mirrored = slice(self._height - half, 0, -1)
        np.add(cosine[mirrored], sine[mirrored], out=power[half:])
        return power.reshape(self._shape)


class _PaddedPower:
    """Patch power by transforms of zero-padded patches, for patches of many pixels."""

    def __init__(self, grid: PatchGrid) -> None:
        self._grid = grid
        self._padded = RealFFT(tuple(2 * p for p in grid.patch_size))
        self._fft = RealFFT(grid.shape, chunk=1)
        # Where each padded lag lands on the cyclic lags of the image. With one patch along an
        # axis they wrap onto each other, so they are added there.
        axes = [_signed_lags(p) % n for n, p in zip(grid.shape, grid.patch_size, strict=True)]
        self._image_lag = np.ix_(*axes)
        kernels = [dirichlet_kernel(n, p) for n, p in zip(grid.shape, grid.patch_size, strict=True)]
        self._kernels = [*kernels[:-1], half_from_full(kernels[-1])]

    def __call__(self, planes: FloatArray, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Patch power of an image, (*shape, channels), less the mean of each channel.

        And what is to be added to it for the mean.
        """
        squares = np.zeros((1, *self._padded.half_shape))
        patches_sum = np.zeros((*self._grid.patch_size, len(mean)))
        for patches in self._patches(planes, mean):
            self._add_squares(patches, squares)
            patches_sum += patches.sum(axis=0)
        power, of_mean = np.empty((2, *half_shape(self._grid.shape)))
        corner = tuple(slice(p) for p in self._grid.patch_size)
        constant = float(mean @ mean) * self._grid.n_patches
        with self._fft.borrow() as space:
            image, half = space.real[0], space.half[0]
            image[...] = 0.0
            np.add.at(image, self._image_lag, self._padded.irfft(squares)[0])
            space.forward()
            # The correlation is even in the lag, so its transform is real.
            power[...] = half.real
            image[...] = 0.0
            image[corner] = patches_sum @ mean
            space.forward()
            for rows in row_strips(power.shape):
                ones = self._ones(rows)
                of_mean[rows] = 2 * (half[rows] * ones.conj()).real
                of_mean[rows] += constant * np.abs(ones) ** 2
        return power, of_mean

    def _ones(self, rows: slice) -> NDArray[np.complex128]:
        """The transform of one patch of ones, in some rows of the half-plane."""
        first, *others = self._kernels
        return reduce(np.multiply.outer, [first[rows], *others])

    def _patches(self, planes: FloatArray, mean: FloatArray) -> Iterator[FloatArray]:
        """Patches about the mean, (n, *patch_size, channels), of some rows of patches at a time."""
        grid = self._grid
        (first, *rest), (rows, *_) = grid.counts, grid.patch_size
        step = max(1, PART // (rows * prod(planes.shape[1:])))
        for start in range(0, first, step):
            n = min(step, first - start)
            part = PatchGrid((n * rows, *grid.shape[1:]), grid.patch_size)
            cut = planes[start * rows : (start + n) * rows] - mean
            patches = part.to_patches(cut, channel_axis=-1)
            yield patches.reshape(n * prod(rest), *grid.patch_size, len(mean))

    def _add_squares(self, patches: FloatArray, squares: FloatArray) -> None:
        """Add the squared transforms of zero-padded patches: that of their autocorrelation."""
        corner = (slice(None), *(slice(p) for p in self._grid.patch_size))
        planes = np.moveaxis(patches, -1, 1).reshape(-1, *self._grid.patch_size)
        for first in range(0, len(planes), self._padded.chunk):
            part = planes[first : first + self._padded.chunk]
            padded = np.zeros((len(part), *self._padded.shape))
            padded[corner] = part
            half = self._padded.rfft(padded)
            squares += np.sum(half.real**2 + half.imag**2, axis=0)


class _Waves:
    """Waves over a patch, for the half-plane of one axis: each (patch, n//2 + 1).

    ``cosines`` and ``sines`` of 2πjk/n for 0 ≤ j < patch; ``even`` and ``odd`` in k, real part and
    minus the imaginary part of e^(−2πi jk/n) R*[k]; and ``ones``, (1, n//2 + 1), |R[k]|² times the
    patches.
    """

    def __init__(self, n: int, patch: int) -> None:
        half = n // 2 + 1
        phase = np.multiply.outer(np.arange(patch), np.arange(half)) % n
        waves = unit_roots(n, np.arange(n))[phase]
        kernel = dirichlet_kernel(n, patch)[:half]
        local = waves * kernel.conj()
        # Contiguous, or each product would copy them.
        self.cosines, self.sines = waves.real.copy(), -waves.imag
        self.even, self.odd = local.real.copy(), -local.imag
        self.ones = ((kernel.real**2 + kernel.imag**2) * (n // patch))[np.newaxis]


def _product(a: FloatArray, b: FloatArray, out: FloatArray) -> None:
    """Write AᵀB of two matrices of many rows and few columns to ``out``."""
    step = max(1, PRODUCT // max(1, out.size))
    np.matmul(a[:step].T, b[:step], out=out)
    for first in range(step, len(a), step):
        out += a[first : first + step].T @ b[first : first + step]


def _diagonal_sums(matrices: FloatArray) -> FloatArray:
    """Sums over i − j = l of (n, p, p) matrices, shape (n, 2p − 1), for l from 1 − p to p − 1.

    Rows are padded to 2p and read as rows of 2p − 1, which shifts each by one column to the right.
    """
    n, p = matrices.shape[:2]
    sheared = np.zeros((n, p, 2 * p))
    sheared[..., :p] = matrices[..., ::-1]
    sheared = sheared.reshape(n, -1)[:, : p * (2 * p - 1)].reshape(n, p, 2 * p - 1)
    return np.asarray(sheared.sum(axis=1))


def _signed_lags(patch: int) -> NDArray[np.integer]:
    """Lags 0..p−1, −p..−1 in the order of a padded patch of 2p pixels."""
    return (np.arange(2 * patch) + patch) % (2 * patch) - patch
