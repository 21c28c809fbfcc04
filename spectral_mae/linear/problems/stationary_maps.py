"""The two best maps of stationary gray images under uniform masks, band by band.

Images that are known by their power spectrum S[k] alone need no weights to say what the best map
for all pixels, W = π₁ Q⁻¹ S, explains of a frequency: that is its gain there,

    g[k] = π₁² (Q⁻¹)_kk S[k].

In coordinates in which Blkdiag_p(S) is the identity, P = (π₂' S + (π₁'−π₂') I)⁻¹ makes the best map
for hidden pixels,

    W = (π₁'/π₂') (I − P M),  M = (π₁'−π₂') I + π₂' Λ,

with the Λ of `hidden_target`, which leaves no weights on the own patch, and the part of hidden
power that it explains is (π₁'²/π₂') (1 − Tr(Λ Blkdiag_p(S)) / Tr Blkdiag_p(S)).

A band is made of its few lags, in the real coordinates of `even_bands`, and let go. `LinearMAE`
finds the same maps as matrices, in five times the time and memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from spectral_mae._checks import FloatArray
from spectral_mae.linear.corruption import Mix, PatchMasking
from spectral_mae.linear.frequency_response import explained_part
from spectral_mae.linear.matrices.inverse import EPS
from spectral_mae.linear.moments.kinds import StationaryMoments
from spectral_mae.linear.problems.hidden_target import LEAST_OWN
from spectral_mae.spectra.frequencies import half_from_full
from spectral_mae.spectra.rings import RingBins


@dataclass(frozen=True, eq=False)
class StationaryMaps:
    """The best map for all pixels, by frequency, and the best one for hidden pixels.

    Attributes
    ----------
    moments : StationaryMoments
        Of the images.
    masking : PatchMasking
        Their masks.
    original, gain : ndarray of float64, shape (*shape)
        S[k], and the gain g[k] of the map for all pixels, in FFT order.
    """

    moments: StationaryMoments
    masking: PatchMasking
    original: FloatArray
    gain: FloatArray
    _filling: _Filling = field(repr=False)

    @property
    def explained(self) -> float:
        """Part of the power of all pixels that the map for these explains."""
        return float(np.sum(self.gain * self.original) / np.sum(self.original))

    @property
    def hidden(self) -> float:
        """Part of the power of hidden pixels that the map for these explains."""
        return self._filling.explained

    def radial(self) -> tuple[FloatArray, FloatArray]:
        """Return what the map for all pixels explains over rings of frequency.

        Returns
        -------
        frequency, explained : ndarray, shape (n_rings,)
            In cycles/pixel; NaN where there is no power.
        """
        shape = self.original.shape
        rings = RingBins(shape, (1.0,) * len(shape), None)
        error, original = (
            rings.average(half_from_full(full), scaling="density").power
            for full in ((1 - self.gain) * self.original, self.original)
        )
        return rings.frequency, explained_part(error, original)

    def reconstruct(self, images: FloatArray, visible: NDArray[np.bool_]) -> FloatArray:
        """Return what the map for hidden pixels makes of images.

        Parameters
        ----------
        images : ndarray of float64, shape (n, *shape)
            Images as they are.
        visible : ndarray of bool, shape (n, *shape)
            True where a pixel is kept.

        Returns
        -------
        ndarray of float64, shape (n, *shape)
            As `LinearMAE.reconstruct` returns it.
        """
        transform, grid = self.moments.transform, self.moments.grid
        mean = self.moments.mean[0, 0]
        seen = grid.to_patches(np.where(visible, images - mean, 0.0))
        output = transform.inverse(self._filling(transform.forward(seen)))
        return mean + grid.from_patches(output)


def stationary_maps(moments: StationaryMoments, masking: PatchMasking) -> StationaryMaps | None:
    """Find the best maps for all pixels and for hidden ones.

    Parameters
    ----------
    moments : StationaryMoments
        Of at least one image.
    masking : PatchMasking
        Masks of a design on the patches of the moments.

    Returns
    -------
    StationaryMaps or None
        None where they take `LinearMAE`: of several channels, patches of an odd number of pixels,
        designs that are not uniform, and second moments that are singular to rounding.

    Examples
    --------
    >>> from spectral_mae import LinearMAE, PatchGrid
    >>> images = np.random.default_rng(0).standard_normal((20, 16, 16)).cumsum(axis=1)
    >>> model = LinearMAE(4, 0.75, covariance="stationary").fit(images)
    >>> maps = stationary_maps(model.moments_, model.masking(PatchGrid((16, 16), 4)))
    >>> bool(np.isclose(maps.explained, 1 - model.loss_ / model.trace_))
    True
    """
    design, d = masking.design, moments.patch_dim
    if moments.channels != 1 or d % 2 or design.uniform is None:
        return None
    if design.uniform_given_hidden is None:
        return None
    for_all, for_hidden = masking.mix, masking.mix_given_hidden
    if min(for_all.own, for_all.local, for_hidden.local) <= EPS:
        return None
    if for_hidden.own <= LEAST_OWN * for_hidden.local:
        return None
    bands = _Bands(moments)
    white = _Whitening(bands.local)
    if not white.regular:
        return None
    multiplicity = moments.transform.multiplicity
    inverses = np.zeros((len(multiplicity), d, d))
    mean_inverse = np.zeros((d, d))
    by_lag = np.empty((len(multiplicity), bands.n_lags), np.complex128)
    cutoff = d * EPS * bands.largest * (for_all.own + for_all.local)
    for band, times in enumerate(multiplicity.tolist()):
        second, inverse = bands.second_moment(band), inverses[band]
        white(second, out=inverse)
        second *= for_all.own
        bands.add_local(second, for_all.local)
        inverse *= for_hidden.own
        inverse.flat[:: d + 1] += for_hidden.local
        white_cutoff = d * EPS * float(inverse.diagonal().max())
        if not (_invert(second, cutoff) and _invert(inverse, white_cutoff)):
            return None
        by_lag[band] = bands.by_lag(second)
        mean_inverse += times * inverse
    gain = for_all.mu**2 * bands.diagonals(by_lag) * bands.spectra
    basis = moments.transform.basis
    original, gain = (
        basis.scatter(one.reshape(*one.shape, 1, 1))[..., 0, 0] for one in (bands.spectra, gain)
    )
    filling = _Filling(for_hidden, white, inverses, mean_inverse / multiplicity.sum())
    return StationaryMaps(moments, masking, original, gain, filling)


class _Bands:
    """The second moments of all bands by lag between pixels of a patch, in real coordinates.

    With x and y among the first half of the pixels, and J y opposite to y, the matrix of a band
    on sums and differences of opposite pixels is made of the covariance at the lags x − y and
    x − J y (`even_bands.sums_and_differences`).
    """

    def __init__(self, moments: StationaryMoments) -> None:
        transform = moments.transform
        patch, self._basis = moments.grid.patch_size, transform.basis
        gathered = self._basis.gather(moments.spectra())
        self.spectra: FloatArray = gathered[..., 0, 0].real
        by_lag = self._basis.by_lag(gathered)
        self.n_lags = by_lag[0].size
        by_lag = by_lag.reshape(-1, self.n_lags)
        by_lag.imag[transform.multiplicity == 1] = 0.0  # bands that are their own conjugates
        self._even, self._odd = by_lag.real.copy(), by_lag.imag.copy()
        pixels = np.indices(patch).reshape(len(patch), -1).T[: math.prod(patch) // 2]
        sides = [2 * p - 1 for p in patch]
        before = pixels[:, np.newaxis] - pixels + np.array(patch) - 1
        across = pixels[:, np.newaxis] + pixels
        self._own, self._opposite = (
            np.ravel_multi_index(tuple(np.moveaxis(one, -1, 0)), sides) for one in (before, across)
        )
        share = transform.multiplicity / transform.multiplicity.sum()
        local = share @ self._even
        own, opposite = local[self._own], local[self._opposite]
        self.local = own + opposite, own - opposite
        self.largest = float(self._even.max(axis=1).max())  # at no lag, the variance of a pixel

    def second_moment(self, band: int) -> FloatArray:
        """S of a band, with zeros below its diagonal of blocks; new memory."""
        n = len(self._own)
        found = np.empty((2 * n, 2 * n))
        own, opposite = (self._even[band].take(one) for one in (self._own, self._opposite))
        np.add(own, opposite, out=found[:n, :n])
        np.subtract(own, opposite, out=found[n:, n:])
        own, opposite = (self._odd[band].take(one) for one in (self._own, self._opposite))
        np.subtract(opposite, own, out=found[:n, n:])
        found[n:, :n] = 0.0
        return found

    def add_local(self, matrix: FloatArray, weight: float) -> None:
        """Add a multiple of Blkdiag_p(S), which is the mean over all bands."""
        n = len(self._own)
        for part, local in zip((slice(n), slice(n, None)), self.local, strict=True):
            matrix[part, part] += weight * local

    def by_lag(self, matrix: FloatArray) -> NDArray[np.complex128]:
        """Sums of half the entries of a symmetric matrix, on pixels again, over each lag.

        The other half has the conjugate sums at the opposite lags.
        """
        n = len(self._own)
        places = np.concatenate([self._own.ravel(), self._opposite.ravel()])
        sums, mixed = matrix[:n, :n], matrix[:n, n:]
        crossed, differences = matrix[n:, :n], matrix[n:, n:]
        even = np.concatenate([sums + differences, sums - differences]).ravel()
        odd = np.concatenate([crossed - mixed, crossed + mixed]).ravel()
        size = self._even.shape[1]
        found = np.empty(size, np.complex128)
        found.real = np.bincount(places, even, size)
        found.imag = np.bincount(places, odd, size)
        return found

    def diagonals(self, by_lag: NDArray[np.complex128]) -> FloatArray:
        """Diagonals of matrices at the frequencies of their bands, of what `by_lag` returns."""
        lags = [2 * p - 1 for p in self._basis.patch_size]
        return self._basis.of_lags(by_lag.reshape(-1, *lags, 1, 1))[..., 0, 0].real


class _Whitening:
    """Coordinates of sums and of differences in which a matrix of each is the identity."""

    def __init__(self, local: tuple[FloatArray, FloatArray]) -> None:
        self.n = len(local[0])
        found = [np.linalg.eigh(one) for one in local]
        self.power = np.stack([values for values, _ in found])
        self._vectors = [vectors for _, vectors in found]
        top = max(float(self.power.max()), 0.0)
        self.regular = bool(self.power.min() > self.n * EPS * top)

    @property
    def parts(self) -> tuple[slice, slice]:
        """Places of the sums, and of the differences."""
        return slice(self.n), slice(self.n, None)

    @cached_property
    def forth(self) -> list[FloatArray]:
        """G of each, with GGᵀ the matrix that is whitened."""
        return [
            vectors * np.sqrt(power)
            for vectors, power in zip(self._vectors, self.power, strict=True)
        ]

    @cached_property
    def back(self) -> list[FloatArray]:
        """Inverses of `forth`."""
        return [
            (vectors / np.sqrt(power)).T
            for vectors, power in zip(self._vectors, self.power, strict=True)
        ]

    def __call__(self, matrix: FloatArray, out: FloatArray) -> None:
        """Put G⁻¹ S G⁻ᵀ into ``out``, without what is below its diagonal of blocks."""
        (sums, of_sums), (differences, of_differences) = zip(self.parts, self.back, strict=True)
        half = of_sums @ matrix[sums]
        np.matmul(half[:, sums], of_sums.T, out=out[sums, sums])
        np.matmul(half[:, differences], of_differences.T, out=out[sums, differences])
        half = of_differences @ matrix[differences, differences]
        np.matmul(half, of_differences.T, out=out[differences, differences])


class _Filling:
    """The map for hidden pixels on bands of images, (n_bands, n, d): x̂ = x̃ conj(W)."""

    def __init__(
        self, mix: Mix, white: _Whitening, inverses: FloatArray, mean_inverse: FloatArray
    ) -> None:
        self._factor = mix.mu / mix.own
        self._white, self._inverses = white, inverses
        self._into = [back.T for back in white.back]
        self._out_of, shares = [], []
        for part, forth, power in zip(white.parts, white.forth, white.power, strict=True):
            own = mean_inverse[part, part]
            identity = np.eye(len(own))
            products = (identity - mix.local * own) / mix.own  # Blkdiag_p(P S)
            balance = np.linalg.solve(own, products)
            self._out_of.append((mix.local * identity + mix.own * balance) @ forth.T)
            shares.append(float(balance.diagonal() @ power))
        filled = 1 - math.fsum(shares) / float(white.power.sum())
        self.explained = mix.mu * self._factor * filled

    def __call__(self, bands: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Map bands of images; the result takes their place."""
        n, m = self._white.n, bands.shape[1]
        # Of real matrices: real and imaginary parts are rows of their own.
        rows, inside = np.empty((2, 2 * m, 2 * n))
        real, imaginary = slice(m), slice(m, None)
        sums, differences = self._white.parts
        parts = list(zip(self._white.parts, self._into, self._out_of, strict=True))
        for band, inverse in zip(bands, self._inverses, strict=True):
            first, opposite = band[:, :n], band[:, : n - 1 : -1]
            for part, one in ((sums, first + opposite), (differences, 1j * (opposite - first))):
                rows[real, part], rows[imaginary, part] = one.real, one.imag
            for part, into, _ in parts:
                np.matmul(rows[:, part], into, out=inside[:, part])
            seen = inside @ inverse
            for part, _, out_of in parts:
                np.matmul(seen[:, part], out_of, out=inside[:, part])
            rows -= inside
            rows *= self._factor / 2
            whole = rows[real] + 1j * rows[imaginary]
            turned = 1j * whole[:, differences]
            np.add(whole[:, sums], turned, out=first)
            np.subtract(whole[:, sums], turned, out=opposite)
        return bands


def _invert(matrix: FloatArray, cutoff: float) -> bool:
    """Put the inverse in the place of a symmetric matrix; False if it is singular to rounding.

    What is below the diagonal is not read.
    """
    factor, failed = lapack.dpotrf(matrix.T, lower=1, clean=0, overwrite_a=1)
    if failed:
        return False
    lapack.dpotri(factor, lower=1, overwrite_c=1)
    np.copyto(matrix, matrix.T, where=_below(len(matrix)))
    largest = float(np.abs(matrix).sum(axis=0).max())  # an eigenvalue is no larger
    return largest * cutoff < 1


@cache
def _below(n: int) -> NDArray[np.bool_]:
    """Where a matrix is below its diagonal."""
    return np.tri(n, k=-1, dtype=bool)
