"""Second moments of images, streamed and merged: all that the linear models see of the data.

Pixels are in patch order (`PatchGrid.to_patches`): row-major patches, row-major pixels within a
patch, channels last. Every kind of moments gives its second moment as a `Stack` of Hermitian
matrices that the solver treats alike: one matrix for dense moments, one per spectral band for
banded and stationary ones.

A covariance that does not change when images shift cyclically by whole patches is block diagonal
under the DFT over the patch index. With x̂_q the unnormalised DFT, band q is
S_q = E[x̂_q x̂_qᴴ]/L, and Tr S = Σ_q Tr S_q.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae._parallel import in_batches
from spectral_mae.linear.moments.accumulator import ROUNDING, Accumulator, BlockMoments
from spectral_mae.linear.moments.blocks import BandTransform, PixelTransform, Stack, make_real
from spectral_mae.linear.moments.polyphase import in_patch_order, pixels_of
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.spectra import frequencies as grids
from spectral_mae.spectra.spectrum import Spectrum


class DenseMoments(BlockMoments):
    """The full second moment, D × D, about the mean of every pixel.

    For small images: D = pixels × channels, and memory is 8 D² bytes.

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((50, 4, 6))
    >>> moments = DenseMoments(PatchGrid((4, 6), 2)).update(images)
    >>> moments.stack().blocks.shape
    (1, 24, 24)
    """

    kind = "dense"
    coordinates = PixelTransform

    def sums_of(self, second: FloatArray, mean: float) -> dict[str, Any]:
        """The sums of one image of known second moment."""
        scatter = in_patch_order(second, self.grid, self.channels)
        return {"mean": np.full(len(scatter), mean), "scatter": scatter}


class BandMoments(BlockMoments):
    """One d × d second moment per spectral band, about the mean of every position in the patch.

    What images shifted cyclically by whole patches have in common: memory L·d² instead of (L·d)²,
    and of the conjugate bands q and −q only one.

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((50, 6, 8))
    >>> moments = BandMoments(PatchGrid((6, 8), 2)).update(images)
    >>> moments.stack().blocks.shape
    (7, 4, 4)
    >>> centred = images.reshape(50, 3, 2, 4, 2) - images.reshape(50, 3, 2, 4, 2).mean((0, 1, 3))[
    ...     :, None, :
    ... ]
    >>> bool(np.isclose(moments.stack().trace, np.sum(centred**2) / 50))
    True
    """

    kind = "banded"
    coordinates = BandTransform
    transform: BandTransform

    def sums_of(self, second: FloatArray, mean: float) -> dict[str, Any]:
        """The sums of one image of known second moment.

        E[x_a x_bᵀ] = C(a−b) for patches a and b, so S_q = Σ_a C(a) e^(−2πi q·a/counts).
        """
        n, d, counts = self.grid.n_patches, self.patch_dim, self.grid.counts
        pairs = in_patch_order(second, self.grid, self.channels).reshape(*counts, d, *counts, d)
        for axis in range(self.grid.ndim):
            shifted = np.roll(pairs, 1, (axis, axis + self.grid.ndim + 1))
            change = float(np.abs(shifted - pairs).max())
            if change > ROUNDING * np.abs(pairs).max():
                raise ValueError(
                    f"the matrix changes by {change:.3g} when images shift cyclically by "
                    f"{self.grid.patch_size[axis]} pixels along axis {axis}"
                )
        first = pairs.reshape(n, d, n, d)[:, :, 0]
        sums = self.transform.forward(first.transpose(2, 0, 1)).swapaxes(-1, -2) * n
        return {"mean": np.full(d, mean * n), "scatter": sums[0].real, "others": sums[1:]}


class StationaryMoments(Accumulator):
    """Cross spectra of the channels at every frequency, about the mean of every channel.

    What images shifted cyclically by single pixels have in common: S[k] = E[X[k] X[k]ᴴ]/D, C × C.
    A power spectrum is enough to know them (`from_psd`).

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((50, 6, 8))
    >>> moments = StationaryMoments(PatchGrid((6, 8), 2)).update(images)
    >>> moments.stack().blocks.shape
    (7, 4, 4)
    >>> bool(np.isclose(moments.stack().trace, 48 * images.var()))
    True
    """

    kind = "stationary"

    def __init__(self, grid: PatchGrid, channels: int = 1, center: bool = True) -> None:
        super().__init__(grid, channels, center)
        self.transform: BandTransform = BandTransform(grid, self.channels)
        self.by_frequency = BandMoments(pixels_of(grid), self.channels, self.center)

    @classmethod
    def from_psd(
        cls, spectrum: Spectrum, patch_size: _checks.PerAxis, *, mean: float | None = None
    ) -> Self:
        """Moments of all images that have a power spectrum, of one channel.

        Parameters
        ----------
        spectrum : Spectrum
            Of any scaling. What windows and detrending did to it is not undone.
        patch_size : int or tuple of int
        mean : float or None
            The mean of the images, where the spectrum is about it (``detrend="constant"``, so
            that there is little or no power at zero frequency). None makes moments about zero,
            for models with ``center=False``.

        Raises
        ------
        ValueError
            If a power is negative (as unmasked ones may be), or the spectrum still holds the
            mean.

        Examples
        --------
        >>> from spectral_mae import psd
        >>> image = np.random.default_rng(0).random((16, 16))
        >>> moments = StationaryMoments.from_psd(psd(image, detrend="constant"), 4, mean=0.5)
        >>> bool(np.isclose(moments.stack().trace, 256 * image.var()))
        True
        """
        _checks.needed("spectrum", spectrum, Spectrum, "psd(image) makes one")
        grid = PatchGrid(spectrum.shape, patch_size)
        size = grid.n_patches * grid.patch_pixels
        negative = spectrum.power < 0
        if negative.any():
            raise ValueError(
                f"{int(negative.sum())} powers of the spectrum are negative, the smallest "
                f"{spectrum.power.min():.3g}: no images have such a spectrum"
            )
        largest = _checks.LARGEST_SQUARED
        level = 0.0 if mean is None else _checks.bounded_number("mean", mean, largest)
        at_zero = float(spectrum.per_pixel.flat[0])
        if level and at_zero > size * level**2 / 2:
            raise ValueError(
                f"{mean=} with a power of {at_zero:.3g} at zero frequency: the spectrum holds the "
                "mean still; take it with detrend='constant'"
            )
        moments = cls(grid, 1, mean is not None)
        whole = grids.full_from_half(spectrum.per_pixel, spectrum.shape)
        power = whole[tuple(moments.by_frequency.transform.frequencies.T)]
        sums = (power * (size * spectrum.averages)).reshape(-1, 1, 1)
        moments.n_images = spectrum.averages
        moments.restore(
            {"mean": np.array([level]) * size, "scatter": sums[0], "others": sums[1:] + 0j}
        )
        return moments

    def update(self, images: ArrayLike, *, channel_axis: int | None = None) -> Self:
        """Take in a batch of images, as `Accumulator.update`; patches do not matter here."""
        self.by_frequency.update(images, channel_axis=channel_axis)
        self.n_images = self.by_frequency.n_images
        return self

    def with_patch_size(self, patch_size: _checks.PerAxis) -> StationaryMoments:
        """A copy of these moments for patches of another size."""
        other = StationaryMoments(
            PatchGrid(self.grid.shape, patch_size), self.channels, self.center
        )
        other.by_frequency, other.n_images = copy.deepcopy(self.by_frequency), self.n_images
        return other

    @property
    def mean(self) -> FloatArray:
        """Mean of every channel, the same for each pixel."""
        pixel = self.by_frequency.mean[0]
        row = np.tile(pixel, self.grid.patch_pixels)
        return np.broadcast_to(row, (self.grid.n_patches, self.patch_dim))

    def spectra(self) -> NDArray[np.complex128]:
        """S[k] on the whole grid, FFT order, shape (*shape, channels, channels).

        Density: |X|² divided by the number of pixels; the traces sum to Tr S.
        """
        by_frequency = self.by_frequency.stack().blocks
        return self.by_frequency.transform.basis.scatter(by_frequency[:, np.newaxis])

    def stack(self) -> Stack:
        """One block per kept band of the patch grid."""
        spectra, basis = self.spectra(), self.transform.basis
        n, d = len(self.transform.multiplicity), self.patch_dim
        blocks = np.empty((n, d, d), dtype=np.complex128)

        def lift(rows: slice) -> None:
            blocks[rows] = basis.circulant(basis.gather(spectra, rows), rows)

        in_batches(lift, n, d)
        make_real(blocks, self.transform.multiplicity)
        return Stack(blocks, self.transform.multiplicity, d)

    def _add(self, patches: FloatArray) -> None:
        images = self.grid.from_patches(patches, channel_axis=-1)
        self.by_frequency.add_patches(self.by_frequency.grid.to_patches(images, channel_axis=-1))

    def _merge(self, other: Self) -> None:
        self.by_frequency.merge(other.by_frequency)

    def sums_of(self, second: FloatArray, mean: float) -> dict[str, Any]:
        """The sums of one image of known second moment."""
        return self.by_frequency.sums_of(second, mean)

    def arrays(self) -> dict[str, Any]:
        """The sums, by name."""
        return self.by_frequency.arrays()

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up saved sums."""
        self.by_frequency.n_images = self.n_images
        self.by_frequency.restore(arrays)


Moments = BandMoments | DenseMoments | StationaryMoments
KINDS: dict[str, type[BandMoments] | type[DenseMoments] | type[StationaryMoments]] = {
    "banded": BandMoments,
    "dense": DenseMoments,
    "stationary": StationaryMoments,
}
