"""Matrices on the pixels of a patch, seen in the Fourier basis of the whole image.

Band q of a patch grid holds the frequencies k = q + j·counts, one for each pixel r of a patch, and

    X[k] = Σ_r e^(−2πi k·r/D) x̂_q[r].

Divided by the root of the pixels of a patch that is a unitary change of basis U_q, so
U_q M U_qᴴ shows a band's matrix M by frequency. A covariance that is the same under all cyclic
shifts of pixels is diagonal there (up to its channels).
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulses import unit_roots

Complex128Array = NDArray[np.complex128]


class Polyphase:
    """The Fourier bases of some bands of a patch grid.

    Parameters
    ----------
    grid : PatchGrid
        Shape and patches of the images.
    channels : int
        Numbers per pixel, positive.
    bands : ndarray of int, shape (n_bands, ndim)
        Index q of each band. Of conjugate bands one is enough.

    Examples
    --------
    >>> grid = PatchGrid((6,), 2)
    >>> basis = Polyphase(grid, 1, np.array([[0], [1]]))
    >>> power = np.array([5.0, 4.0, 3.0, 2.0, 3.0, 4.0]).reshape(6, 1, 1)
    >>> blocks = basis.circulant(basis.gather(power))
    >>> bool(np.allclose(basis.scatter(basis.diagonal(blocks)), power))
    True
    """

    def __init__(self, grid: PatchGrid, channels: int, bands: NDArray[np.integer[Any]]) -> None:
        self.shape = grid.shape
        self.patch_size = grid.patch_size
        self.channels = channels
        counts = np.array(grid.counts)
        within = np.indices(grid.patch_size).reshape(grid.ndim, -1).T
        # k[b, j], for each band and each pixel of a patch
        self._index = bands[:, np.newaxis] + within * counts
        self._phase = _waves(grid, bands, within)
        lags = np.indices([2 * p - 1 for p in grid.patch_size]).reshape(grid.ndim, -1).T
        turn = _waves(grid, bands, lags + 1 - np.array(grid.patch_size))
        self._turn = turn.reshape(-1, *(2 * p - 1 for p in grid.patch_size), 1, 1)

    def diagonal(self, blocks: NDArray[Any], rows: slice = slice(None)) -> Complex128Array:
        """Return what matrices do at each frequency by itself: the diagonal of U_q M U_qᴴ.

        Parameters
        ----------
        blocks : ndarray, shape (n, d, d)
            Matrices M of the bands ``rows``.
        rows : slice
            Range of bands; all by default.

        Returns
        -------
        ndarray of complex128, shape (n, pixels of a patch, channels, channels)
            One matrix on the channels for each frequency of each band.
        """
        n, c, ndim = len(blocks), self.channels, len(self.patch_size)
        sums = blocks.reshape(n, *self.patch_size, c, *self.patch_size, c)
        # Over pixels at the same lag, axis by axis; the axis of the lags comes first.
        for axis, p in enumerate(self.patch_size, 1):
            sums = np.stack([sums.trace(-lag, axis, ndim + 2) for lag in range(1 - p, p)])
        order = *range(ndim - 1, -1, -1), ndim + 1, ndim + 2
        return self.of_lags(sums.transpose(ndim, *order), rows)

    def rows_by_frequency(self, blocks: NDArray[Any], rows: slice = slice(None)) -> Complex128Array:
        """Return the rows of matrices in the Fourier basis: M U_qᵀ.

        Parameters
        ----------
        blocks : ndarray, shape (n, m, d)
            Matrices M of the bands ``rows``.
        rows : slice
            Range of bands; all by default.

        Returns
        -------
        ndarray of complex128, shape (n, m, pixels of a patch, channels)
            Each row at the frequencies of its band, in a unitary basis.
        """
        phase = self._phase[rows]
        n, pixels = phase.shape
        m, c = blocks.shape[1], self.channels
        turned = blocks.reshape(n, m, pixels, c) * phase[:, None, :, None]
        split = turned.reshape(n, m, *self.patch_size, c)
        axes = tuple(range(2, 2 + len(self.patch_size)))
        split = scipy.fft.fftn(split, axes=axes, norm="ortho", overwrite_x=True)
        return split.reshape(n, m, pixels, c)

    def circulant(self, diagonal: NDArray[Any], rows: slice = slice(None)) -> Complex128Array:
        """Return the matrices U_qᴴ diag U_q; undoes `diagonal` where nothing is off it.

        Parameters
        ----------
        diagonal : ndarray, shape (n, pixels of a patch, channels, channels)
            One matrix on the channels for each frequency of the bands ``rows``.
        rows : slice
            Range of bands; all by default.

        Returns
        -------
        ndarray of complex128, shape (n, d, d)
            Matrices that are the same under all cyclic shifts of pixels.
        """
        n, c, ndim = len(diagonal), self.channels, len(self.patch_size)
        by_lag, axes = self.by_lag(diagonal, rows), tuple(range(1, ndim + 1))
        # Pixels r and s take that at lag r − s: windows that begin at r, from their ends.
        windows = np.lib.stride_tricks.sliding_window_view(by_lag, self.patch_size, axes)
        windows = np.flip(windows, tuple(range(-ndim, 0)))
        d = prod(self.patch_size) * c
        return np.moveaxis(windows, ndim + 2, -1).copy().reshape(n, d, d)

    def by_lag(self, diagonal: NDArray[Any], rows: slice = slice(None)) -> Complex128Array:
        """Return what the matrices of `circulant` have at each lag between pixels of a patch.

        Parameters
        ----------
        diagonal : ndarray, shape (n, pixels of a patch, channels, channels)
            One matrix on the channels for each frequency of the bands ``rows``.
        rows : slice
            Range of bands; all by default.

        Returns
        -------
        ndarray of complex128, shape (n, *lags, channels, channels)
            At the lags 1 − p to p − 1 along each axis.
        """
        n, c = len(diagonal), self.channels
        axes = tuple(range(1, len(self.patch_size) + 1))
        found = scipy.fft.ifftn(diagonal.reshape(n, *self.patch_size, c, c), axes=axes)
        for axis, p in enumerate(self.patch_size, 1):
            found = found.take(np.arange(1 - p, p) % p, axis)
        found *= self._turn[rows].conj()
        return found

    def of_lags(self, sums: NDArray[Any], rows: slice = slice(None)) -> Complex128Array:
        """Return what matrices do at each frequency, of sums of their entries over each lag.

        Parameters
        ----------
        sums : ndarray, shape (n, *lags, channels, channels)
            Over pixels at the lags 1 − p to p − 1 along each axis, of the bands ``rows``.
        rows : slice
            Range of bands; all by default.

        Returns
        -------
        ndarray of complex128, shape (n, pixels of a patch, channels, channels)
            As `diagonal` returns it.
        """
        n, c, ndim = len(sums), self.channels, len(self.patch_size)
        turned = sums * self._turn[rows]
        for axis, p in enumerate(self.patch_size, 1):  # lags that differ by p are one
            by_axis = np.moveaxis(turned, axis, 0)
            by_axis[p:] += by_axis[: p - 1]
            turned = np.moveaxis(by_axis[p - 1 :], 0, axis)
        found = scipy.fft.fftn(turned, axes=tuple(range(1, ndim + 1)), norm="forward")
        return found.reshape(n, -1, c, c)

    def gather(self, full: NDArray[Any], rows: slice = slice(None)) -> NDArray[Any]:
        """Return values on the whole grid of frequencies, band by band.

        Parameters
        ----------
        full : ndarray, shape (*shape, ...)
            Values in FFT order.
        rows : slice
            Range of bands; all by default.

        Returns
        -------
        ndarray, shape (n, pixels of a patch, ...)
            Values at the frequencies of each band of ``rows``.
        """
        return full[tuple(np.moveaxis(self._index[rows], -1, 0))]

    def scatter(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values by band on the whole grid of frequencies.

        They are taken for those of a real image's spectrum: conjugate at −k.

        Parameters
        ----------
        values : ndarray, shape (n_bands, pixels of a patch, ...)
            Values at the frequencies of each band.

        Returns
        -------
        ndarray, shape (*shape, ...)
            The same values in FFT order; zero at frequencies of bands that are not there.
        """
        full = np.zeros((*self.shape, *values.shape[2:]), dtype=values.dtype)
        mirror = -self._index % np.array(self.shape)
        full[tuple(np.moveaxis(mirror, -1, 0))] = values.conj()
        full[tuple(np.moveaxis(self._index, -1, 0))] = values
        return full


def _waves(
    grid: PatchGrid, bands: NDArray[np.integer[Any]], places: NDArray[np.integer[Any]]
) -> Complex128Array:
    """e^(−2πi q·r/D) of each band q and each place r."""
    waves = np.ones((len(bands), len(places)), dtype=np.complex128)
    for axis, n in enumerate(grid.shape):
        waves *= unit_roots(n, np.multiply.outer(bands[:, axis], places[:, axis]))
    return waves


def smooth_over_patches(full: NDArray[Any], grid: PatchGrid) -> NDArray[Any]:
    """Return S̃ = (L/D²)·S ⊛ Π|R|²: spectra smoothed by the power of one pulse, with unit gain.

    This is what is left of a covariance that is the same under all shifts of pixels when everything
    between different patches is set to zero, averaged over all offsets of the patch grid: each lag
    is multiplied by the chance that a patch holds both of its pixels. The pulse R is Eq. 20 of the
    paper.

    Parameters
    ----------
    full : ndarray, shape (*grid.shape, ...)
        Spectra on the whole grid, in FFT order.
    grid : PatchGrid
        Shape and patches of the images; the pulse is one of its patches.

    Returns
    -------
    ndarray of complex128, shape (*grid.shape, ...)
        The smoothed spectra, in FFT order.

    Examples
    --------
    >>> smooth_over_patches(np.array([4.0, 0.0, 0.0, 0.0]), PatchGrid(4, 2)).real
    array([2., 1., 0., 1.])
    """
    axes = tuple(range(grid.ndim))
    by_lag = scipy.fft.ifftn(full, axes=axes)
    for axis, (n, p) in enumerate(zip(grid.shape, grid.patch_size, strict=True)):
        chance = _within_patch(n, p)
        by_lag *= chance.reshape([-1 if a == axis else 1 for a in range(by_lag.ndim)])
    return scipy.fft.fftn(by_lag, axes=axes)


def keep_lags(full: NDArray[Any], grid: PatchGrid, pair_inclusion: FloatArray) -> NDArray[Any]:
    """Return the spectra of masked images, over all offsets of the patch grid: S ⊛ E|M|²/D².

    Each lag is multiplied by the probability A(lag) that a mask keeps both of its pixels. A is ρ
    between offsets of whole patches and linear in between, along each axis.

    Parameters
    ----------
    full : ndarray, shape (*grid.shape, ...)
        Spectra on the whole grid, in FFT order.
    grid : PatchGrid
        Shape and patches of the images.
    pair_inclusion : ndarray, shape ``grid.counts``
        ρ, the probability that both of two patches are kept, by their cyclic offset.

    Returns
    -------
    ndarray of complex128, shape (*grid.shape, ...)
        The spectra of the masked images, in FFT order.

    Examples
    --------
    >>> keep_lags(np.array([4.0, 0.0, 0.0, 0.0]), PatchGrid(4, 2), np.array([0.5, 0.0])).real
    array([1. , 0.5, 0. , 0.5])
    """
    axes = tuple(range(grid.ndim))
    chance = pair_inclusion
    for axis, (n, p) in enumerate(zip(grid.shape, grid.patch_size, strict=True)):
        one = _within_patch(n, p)
        between = one[(np.arange(n)[:, np.newaxis] - np.arange(0, n, p)) % n]
        chance = np.moveaxis(np.tensordot(between, chance, (1, axis)), 0, axis)
    by_lag = scipy.fft.ifftn(full, axes=axes)
    by_lag *= chance.reshape(chance.shape + (1,) * (by_lag.ndim - chance.ndim))
    return scipy.fft.fftn(by_lag, axes=axes)


def _within_patch(n: int, patch_size: int) -> FloatArray:
    """By cyclic lag along an axis of n pixels, the chance that a patch anywhere holds both."""
    chance = np.zeros(n)
    lags = np.arange(1 - patch_size, patch_size)
    np.add.at(chance, lags % n, (patch_size - np.abs(lags)) / patch_size)
    return chance


def pixels_of(grid: PatchGrid) -> PatchGrid:
    """The grid whose patches are single pixels; its bands are single frequencies."""
    return PatchGrid(grid.shape, 1)


def whole_of(grid: PatchGrid) -> PatchGrid:
    """The grid of one patch, the whole image; its one band holds every frequency."""
    return PatchGrid(grid.shape, grid.shape)


def row_major(grid: PatchGrid, channels: int) -> NDArray[np.intp]:
    """Place of each number of a flattened image (channels last) in the order of patches."""
    place = np.arange(prod(grid.shape) * channels).reshape(grid.n_patches, -1)
    return grid.from_patches(place, channel_axis=-1).ravel()


def in_patch_order(matrix: NDArray[Any], grid: PatchGrid, channels: int) -> NDArray[Any]:
    """A (D, D) matrix on flattened images (row-major, channels last), by patch, pixel, channel."""
    order = np.argsort(row_major(grid, channels))
    return matrix[order[:, np.newaxis], order]
