"""Σ_b |X_b[k]|²: the power spectra of all patches of an image, each patch on its own.

No transform per patch of the image's size is needed: the sum is the transform of the summed
autocorrelations within patches, which vanish at lags of a patch and more.

An image is split into its mean c and the rest z first, for a large mean would cost the rest its
digits: with Z̄ the transform of the sum of the patches of z and R that of one patch of ones,
Σ_b |X_b|² = Σ_b |Z_b|² + 2c Re(Z̄ R*) + c² L |R|², exactly. Of several channels all of it is added.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
GRAM_PIXELS = 2048
GRAM_TABLE = 2**17
# Pixels whose waves are worked out at a time, and powers: so many as stay in the cache.
STRIP = 2**15
BLOCK = 2**14
PART = 2**20  # pixels that are cut into patches at a time
# Multiplications in one product: OpenBLAS first copies larger matrices in another order, and so
# takes three times as long where one has few columns.
PRODUCT = 10**6
NARROW = 32


# Places along the first axis of the half-plane, and powers there.
Strip = tuple[slice, Sequence[FloatArray]]


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
        self._n_patches, self._n_pixels = grid.n_patches, prod(grid.shape)
        # Pixels of a patch before each axis, and ones for the patches along it.
        self._ones = [
            (prod(grid.patch_size[:axis]), np.ones(count)) for axis, count in enumerate(grid.counts)
        ]
        table = max(n * p for n, p in zip(grid.shape, grid.patch_size, strict=True))
        small = grid.patch_pixels <= GRAM_PIXELS and table <= GRAM_TABLE and grid.ndim <= 2
        self._power = GramPower(grid) if small else _PaddedPower(grid)

    def __call__(self, pixels: FloatArray, scale: float = 1.0) -> FloatArray:
        """Return Σ_b |X_b[k]|² of one image.

        Parameters
        ----------
        pixels : ndarray of float64, shape ``grid.shape``, or (*grid.shape, channels)
            The image; the sums of channels are added.
        scale : float
            Factor of the sum, 0 or more.

        Returns
        -------
        ndarray, shape (*shape[:-1], shape[-1]//2 + 1)
            On the half-plane, unnormalised.
        """
        (power,) = self._whole(pixels, scale, centred=False)
        return power

    def strips(
        self, pixels: FloatArray, scale: float = 1.0, *, transposed: bool = False
    ) -> Iterator[tuple[slice, FloatArray]]:
        """Yield Σ_b |X_b[k]|² of one image in parts, which the cache holds.

        Parameters
        ----------
        pixels, scale : optional
            As in a call.
        transposed : bool
            Whether the half-plane of an image has its last axis first.

        Yields
        ------
        rows : slice
            Places along the first axis of the half-plane.
        power : ndarray
            That part of what a call returns. It may be written over.
        """
        for rows, (power,) in self._strips(pixels, scale, centred=False, transposed=transposed):
            yield rows, power

    def with_centred(self, pixels: FloatArray, scale: float = 1.0) -> tuple[FloatArray, FloatArray]:
        """Return Σ_b |X_b[k]|² of one image, and of the image less the mean of each channel.

        Parameters
        ----------
        pixels, scale : optional
            As in a call.

        Returns
        -------
        power, centred : ndarray, shape (*shape[:-1], shape[-1]//2 + 1)
            On the half-plane, unnormalised.
        """
        power, centred = self._whole(pixels, scale, centred=True)
        return power, centred

    def _whole(self, pixels: FloatArray, scale: float, *, centred: bool) -> tuple[FloatArray, ...]:
        shape = half_shape(self.grid.shape)
        whole = tuple(np.empty(shape) for _ in range(1 + centred))
        for rows, powers in self._strips(pixels, scale, centred=centred):
            for out, power in zip(whole, powers, strict=True):
                out[rows] = power
        return whole

    def _strips(
        self, pixels: FloatArray, scale: float, *, centred: bool, transposed: bool = False
    ) -> Iterator[Strip]:
        """Σ_b |X_b[k]|² of one image and, if asked for, of the image less its means."""
        planes, mean, summed = self.about_mean(pixels)
        options = {"centred": centred, "transposed": transposed}
        for rows, powers in self._power(planes, mean, summed, scale, **options):
            for power in powers:
                if power.min() < 0.0:  # a sum of squares, but for rounding
                    np.maximum(power, 0.0, out=power)
            yield rows, powers

    def about_mean(self, pixels: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return what is taken apart before the powers are formed: the mean, and the rest.

        Parameters
        ----------
        pixels : ndarray of float64, shape ``grid.shape``, or (*grid.shape, channels)
            The image.

        Returns
        -------
        planes : ndarray, shape (*grid.shape, channels)
            The image.
        mean : ndarray, shape (channels,)
            Of its pixels.
        summed : ndarray, shape (*patch_size)
            Sum of its patches less the means, times the means.
        """
        planes = pixels.reshape(*self.grid.shape, -1)
        sums = self._sums_of_patches(planes)
        # Near the mean is good enough: whatever is taken off comes back exactly.
        mean = sums.reshape(-1, planes.shape[-1]).sum(axis=0) / self._n_pixels
        return planes, mean, (sums - self._n_patches * mean) @ mean

    @property
    def gram(self) -> GramPower | None:
        """What forms the powers by products of the rows of patches; None of large patches."""
        return self._power if isinstance(self._power, GramPower) else None

    def _sums_of_patches(self, planes: FloatArray) -> FloatArray:
        """Sum of all patches, (*patch_size, channels)."""
        sums: FloatArray = planes
        for before, ones in self._ones:
            sums = ones @ sums.reshape(before, len(ones), -1)
        return sums.reshape(*self.grid.patch_size, -1)


class GramPower:
    """Waves along the columns of patches, and products of what they leave of the rows.

    Write z_θ[j] = Σ_i z[i, j] e^(−iθi) for a patch, and U_θ[k₂] = Σ_b |Σ_j z_θ[j] e^(−2πi k₂j/W)|²,
    which comes from the sums of z_θ[j + l] z_θ*[j] over j and all patches. Σ_b |Z_b|² is a
    trigonometric polynomial of degree p − 1 in φ = 2πk₁/H, so its values U_θ at 2p angles, θ =
    ±π(2m + 1)/2p with 0 ≤ m < p, say what it is at every k₁.

    Z̄ R* takes one table for each axis, those of Z̄ times R*: where R is zero it is exactly zero. A
    signal is an image of one row. Of volumes there would be twice as many kinds of terms;
    `_PaddedPower` is for them.
    """

    def __init__(self, grid: PatchGrid) -> None:
        missing = (1,) * (2 - grid.ndim)
        self._counts, self._patch = missing + grid.counts, missing + grid.patch_size
        self._shape = half_shape(grid.shape)
        sides = zip(missing + grid.shape, self._patch, strict=True)
        rows, self.across = (_Waves(*side) for side in sides)
        n, columns = self._patch
        angles = np.multiply.outer(np.arange(n), 2 * np.arange(n) + 1) * (np.pi / (2 * n))
        cosines, sines = np.cos(angles), np.sin(angles)
        waves = np.stack([cosines.T, sines.T], axis=1).reshape(2 * n, n)
        self._forward = waves if n > 1 else waves[:1]  # of one row there is no sine
        # What (U_θ + U_−θ)/2 and (U_θ − U_−θ)/2 count at φ: the sum and the difference of
        # (1/2p) Σ_d e^(−id(φ − θ)), |d| < p, and the same at −θ. Then what is for the mean.
        cosines[1:] *= 2
        of_rest = [rows.cosines.T @ (cosines / n), rows.sines.T @ (sines * (2 / n))]
        half = np.hstack([*of_rest, 2 * rows.even.T, -2 * rows.odd.T, rows.ones.T])
        sign = np.repeat([1.0, -1.0, 1.0, -1.0, 1.0], [n, n, n, n, 1])
        mirrored = half[rows.n - len(half) : 0 : -1] * sign
        self.spread = np.concatenate([half, mirrored])
        self._ones = np.ones(columns)
        # Each lag stands for the opposite one too.
        twice = np.where(np.arange(columns) > 0, 2.0, 1.0)[:, np.newaxis]
        self.cosines, self.sines = twice * self.across.cosines, twice * self.across.sines

    def __call__(
        self,
        planes: FloatArray,
        mean: FloatArray,
        summed: FloatArray,
        scale: float,
        *,
        centred: bool,
        transposed: bool,
    ) -> Iterator[Strip]:
        """Patch power of an image, (*shape, channels), and of it less the mean of each channel.

        ``summed`` is the sum of its patches less the means, times the means, (*patch_size).
        """
        n, across = self._patch[0], self.across
        even, odd = self.products(planes, mean)
        summed = summed.reshape(self._patch)
        terms = np.empty((self.spread.shape[1], across.ones.size))
        np.matmul(even, self.cosines, out=terms[:n])
        np.matmul(odd, self.sines, out=terms[n : 2 * n])
        np.matmul(summed, across.even, out=terms[2 * n : 3 * n])
        np.matmul(summed, across.odd, out=terms[3 * n : -1])
        np.multiply(across.ones[0], mean @ mean, out=terms[-1])
        terms *= scale
        wanted = [len(terms), 2 * n] if centred else [len(terms)]
        if len(self._shape) == 1:
            yield slice(None), [self.spread[0, :m] @ terms[:m] for m in wanted]
            return
        left, right = (terms.T, self.spread.T) if transposed else (self.spread, terms)
        most = PRODUCT // BLOCK  # multiplications for one number
        for rows in _steps(len(left), right.shape[1] * max(len(right), most)):
            yield rows, [left[rows, :m] @ right[:m] for m in wanted]

    def products(self, planes: FloatArray, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Sums of z_θ[j + l] z_θ*[j] over j and all patches, real and imaginary part.

        Each (angles, columns), for 0 ≤ l < columns. With z_θ = C − iS the first are sums over
        diagonals of CᵀC + SᵀS, and the second differences of such sums of SᵀC.
        """
        (height, width), (n, columns) = self._counts, self._patch
        row = width * columns * len(mean)
        cut_up = planes.reshape(height, n, width, columns, len(mean)).transpose(0, 1, 2, 4, 3)
        most = PRODUCT // (2 * row * columns) if columns <= NARROW else height
        step = max(1, min(STRIP // (n * row), most))
        step = -(-height // -(-height // step))  # in equal parts
        room = np.empty((n + len(self._forward)) * step * row)
        # In rows of 2p numbers that are read as rows of 2p + 1 the diagonals are columns.
        sums = np.zeros((2, n, columns * (2 * columns + 1)))
        squares, crossed = sums[..., columns:].reshape(2, n, columns, -1)[..., :columns]
        product = np.empty((n, columns, columns))
        for first in range(0, height, step):
            cut = cut_up[first : first + step]
            about = room[: cut.size].reshape(cut.shape)
            np.subtract(cut, mean[:, np.newaxis], out=about)
            flat = about.reshape(len(cut), n, row)
            waves = room[cut.size :][: len(self._forward) * len(cut) * row]
            waves = waves.reshape(-1, len(cut), row)
            for part in _steps(row, self._forward.size):
                np.matmul(self._forward, flat[..., part], out=waves[..., part].swapaxes(0, 1))
            rows = waves.reshape(n, -1, columns)
            into = product if first else squares
            # For the whole AᵀA NumPy calls BLAS's symmetric product, which takes twice as long.
            for half in slice(None, columns // 2), slice(columns // 2, None):
                np.matmul(rows[..., half].swapaxes(1, 2), rows, out=into[:, half])
            if first:
                squares += product
            if n == 1:
                continue
            pairs, into = waves.reshape(n, 2, -1, columns), product if first else crossed
            np.matmul(pairs[:, 1].swapaxes(1, 2), pairs[:, 0], out=into)
            if first:
                crossed += product
        real, both = self._ones @ sums.reshape(2, n, columns, -1)
        return real[:, columns:-1], both[:, columns:-1] - both[:, columns:0:-1]


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

    def __call__(
        self,
        planes: FloatArray,
        mean: FloatArray,
        summed: FloatArray,
        scale: float,
        *,
        centred: bool,
        transposed: bool,
    ) -> Iterator[Strip]:
        """Patch power of an image, (*shape, channels), and of it less the mean of each channel.

        ``summed`` is the sum of its patches less the means, times the means, (*patch_size).
        """
        squares = np.zeros((1, *self._padded.half_shape))
        for patches in self._patches(planes, mean):
            self._add_squares(patches, squares)
        power = np.empty(half_shape(self._grid.shape))
        corner = tuple(slice(p) for p in self._grid.patch_size)
        constant = float(mean @ mean) * self._grid.n_patches * scale
        with self._fft.borrow() as space:
            image, half = space.real[0], space.half[0]
            image[...] = 0.0
            np.add.at(image, self._image_lag, self._padded.irfft(squares)[0])
            space.forward()
            # The correlation is even in the lag, so its transform is real.
            np.multiply(half.real, scale, out=power)
            image[...] = 0.0
            np.multiply(summed, scale, out=image[corner])
            space.forward()
            # By rows of the half-plane, which a transposed one has as columns, all together.
            for rows in [slice(None)] if transposed else row_strips(power.shape):
                ones = self._ones(rows)
                of_mean = 2 * (half[rows] * ones.conj()).real
                of_mean += constant * np.abs(ones) ** 2
                of_mean += power[rows]
                powers = [of_mean, power[rows]] if centred else [of_mean]
                yield rows, [one.T for one in powers] if transposed else powers

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
        self.n, half = n, n // 2 + 1
        phase = np.multiply.outer(np.arange(patch), np.arange(half)) % n
        waves = unit_roots(n, np.arange(n))[phase]
        kernel = dirichlet_kernel(n, patch)[:half]
        local = waves * kernel.conj()
        # Contiguous, or each product would copy them.
        self.cosines, self.sines = waves.real.copy(), -waves.imag
        self.even, self.odd = local.real.copy(), -local.imag
        self.ones = ((kernel.real**2 + kernel.imag**2) * (n // patch))[np.newaxis]


def _steps(n: int, multiplications: int) -> list[slice]:
    """Parts of n rows or columns, of which each takes so many multiplications."""
    step = max(1, PRODUCT // multiplications)
    step = -(-n // -(-n // step))  # in equal parts
    return [slice(first, first + step) for first in range(0, n, step)]


def _signed_lags(patch: int) -> NDArray[np.integer]:
    """Lags 0..p−1, −p..−1 in the order of a padded patch of 2p pixels."""
    return (np.arange(2 * patch) + patch) % (2 * patch) - patch
