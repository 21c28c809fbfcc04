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
from spectral_mae._checks import FloatArray, is_chunked, to_numpy
from spectral_mae._parallel import in_batches
from spectral_mae.linear.moments.accumulator import ROUNDING, Accumulator, BlockMoments
from spectral_mae.linear.moments.blocks import BandTransform, PixelTransform, Stack, make_real
from spectral_mae.linear.moments.even_bands import EvenStack
from spectral_mae.linear.moments.polyphase import in_patch_order, pixels_of
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.spectra import frequencies as grids
from spectral_mae.spectra.spectrum import Spectrum


class DenseMoments(BlockMoments):
    """The full second moment, D × D, about the mean of every pixel.

    For small images: D = pixels × channels, and memory is 8 D² bytes.

    Parameters
    ----------
    grid : PatchGrid
        Shape and patches of the images.
    channels : int
        Numbers per pixel, positive.
    center : bool
        Take moments about the mean of every pixel, or about zero.

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
        """Return the sums of one image whose second moment is known.

        Parameters
        ----------
        second : ndarray, shape (D, D)
            Second moment about the mean of flattened images: pixels in row-major order, channels
            last.
        mean : float
            Mean of every pixel.

        Returns
        -------
        dict of str to ndarray
            Sums as `restore` takes them.
        """
        scatter = in_patch_order(second, self.grid, self.channels)
        return {"mean": np.full(len(scatter), mean), "scatter": scatter}


class BandMoments(BlockMoments):
    """One d × d second moment per spectral band, about the mean of every position in the patch.

    Band q is S_q = E[x̂_q x̂_qᴴ]/L, with x̂_q the unnormalised DFT over the L patches. The bands
    are what the second moment of images has in common with that of images shifted cyclically by
    whole patches. Memory is L·d² instead of (L·d)², and of the conjugate bands q and −q only one is
    kept.

    Where the first images are tensors, so are the sums, on the device of these.

    Parameters
    ----------
    grid : PatchGrid
        Shape and patches of the images.
    channels : int
        Numbers per pixel, positive.
    center : bool
        Take moments about the mean of every position in the patch, or about zero.

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

    @property
    def takes_tensors(self) -> bool:
        """Whether tensors are taken in where they are: until NumPy arrays have been."""
        return self.n_images == 0 or self.holds_tensors

    def numpy(self) -> Self:
        """Return these moments with NumPy arrays in the place of tensors, on the CPU.

        Returns
        -------
        BandMoments
            A copy; these moments themselves if they hold no tensors.
        """
        if not self.holds_tensors:
            return self
        other = type(self)(self.grid, self.channels, self.center)
        other.n_images = self.n_images
        other.restore({name: np.array(to_numpy(sums)) for name, sums in self.arrays().items()})
        return other

    def sums_of(self, second: FloatArray, mean: float) -> dict[str, Any]:
        """Return the sums of one image whose second moment is known.

        E[x_a x_bᵀ] = C(a−b) for patches a and b, so S_q = Σ_a C(a) e^(−2πi q·a/counts).

        Parameters
        ----------
        second : ndarray, shape (D, D)
            Second moment about the mean of flattened images: pixels in row-major order, channels
            last.
        mean : float
            Mean of every pixel.

        Returns
        -------
        dict of str to ndarray
            Sums as `restore` takes them.

        Raises
        ------
        ValueError
            If the matrix changes, beyond rounding, when images shift cyclically by whole patches.
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

    S[k] = E[X[k] X[k]ᴴ]/D, a C × C matrix, with X the DFT of an image of D pixels and C channels.
    The cross spectra are what the second moment of images has in common with that of images shifted
    cyclically by single pixels. A power spectrum is enough to know them (`from_psd`).

    Parameters
    ----------
    grid : PatchGrid
        Shape and patches of the images.
    channels : int
        Numbers per pixel, C, positive.
    center : bool
        Take moments about the mean of every channel, or about zero.

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
        self.by_frequency = BandMoments(pixels_of(grid), self.channels, self.center)
        same = self.by_frequency.grid == grid  # whose tables are as large as an image
        self.transform: BandTransform = (
            self.by_frequency.transform if same else BandTransform(grid, self.channels)
        )

    @classmethod
    def from_psd(
        cls, spectrum: Spectrum, patch_size: _checks.PerAxis, *, mean: float | None = None
    ) -> Self:
        """Return the moments of all images that have a power spectrum, of one channel.

        Parameters
        ----------
        spectrum : Spectrum
            Power spectrum of any scaling. What windows and detrending did to it is not undone.
        patch_size : int or tuple of int
            Pixels of a patch along each axis; it must divide the shape of the spectrum.
        mean : float or None
            Mean of the images, where the spectrum is about it (``detrend="constant"``, so that
            there is little or no power at zero frequency). None makes moments about zero, for
            models with ``center=False``.

        Returns
        -------
        StationaryMoments
            Moments of as many images as the spectrum is an average of.

        Raises
        ------
        ValueError
            If a power is negative (as unmasked ones may be), the spectrum still holds the mean, or
            the patches do not divide it.

        Examples
        --------
        >>> from spectral_mae import psd
        >>> image = np.random.default_rng(0).random((16, 16))
        >>> moments = StationaryMoments.from_psd(psd(image, detrend="constant"), 4, mean=0.5)
        >>> bool(np.isclose(moments.stack().trace, 256 * image.var()))
        True
        """
        _checks.needed("spectrum", spectrum, Spectrum, "psd(image) makes one")
        spectrum = spectrum.numpy()
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
        """Take in a batch of images; patches do not matter here.

        Parameters
        ----------
        images : array_like, shape (n, *grid.shape), with the channels at ``channel_axis`` if given
            Images of any real type; sums are in double precision. Arrays of Dask and others that
            have chunks are read some images at a time; tensors are read by NumPy.
        channel_axis : int or None
            Axis of the channels in the batch. None means a single channel, or the last axis if
            these moments have several.

        Returns
        -------
        self
            These moments, changed in place.

        Raises
        ------
        ValueError
            If the images do not fit the grid and the channels, or hold NaN or infinity.
        """
        batch = images if is_chunked(images) else _checks.plain_array("images", images)
        try:
            self.by_frequency.update(batch, channel_axis=channel_axis)
        finally:  # chunks before one that is refused have been taken in
            self.n_images = self.by_frequency.n_images
        return self

    def add_spectrum(self, spectrum: Spectrum, means: ArrayLike) -> Self:
        """Take in images of one channel that are known by their mean power spectrum.

        Parameters
        ----------
        spectrum : Spectrum
            Mean over the images as they are, without window or detrending, of any scaling.
        means : array_like, shape (n,)
            Mean of the pixels of each image.

        Returns
        -------
        self
            These moments, changed in place: as `update` with the images, but for rounding.

        Raises
        ------
        ValueError
            If the spectrum is of another shape, there are no means, or these moments have several
            channels.

        Examples
        --------
        >>> from spectral_mae import psd
        >>> image = np.random.default_rng(0).random((6, 8))
        >>> grid = PatchGrid((6, 8), 2)
        >>> one = StationaryMoments(grid).add_spectrum(psd(image), [image.mean()])
        >>> bool(np.allclose(one.spectra(), StationaryMoments(grid).update(image[None]).spectra()))
        True
        """
        _checks.needed("spectrum", spectrum, Spectrum, "psd(image) makes one")
        if spectrum.shape != self.grid.shape or self.channels > 1:
            raise ValueError(
                f"a spectrum of shape {spectrum.shape} does not tell the moments of images of "
                f"shape {self.grid.shape} with {self.channels} channels"
            )
        size = self.grid.n_patches * self.grid.patch_pixels
        levels = size * _checks.real_array("means", means).astype(np.float64).reshape(-1, 1)
        if len(levels) == 0:
            raise ValueError("no images: means is empty")
        known = spectrum.numpy()
        power = self.by_frequency.transform.of_half_plane(known.power)[1:, np.newaxis, np.newaxis]
        scale = 1.0 if known.scaling == "energy" else known.cell * size**2
        self.by_frequency.add_sums(levels, len(levels) * scale * power)
        self.n_images += len(levels)
        return self

    def with_patch_size(self, patch_size: _checks.PerAxis) -> StationaryMoments:
        """Return a copy of these moments for patches of another size.

        Parameters
        ----------
        patch_size : int or tuple of int
            Pixels of a patch along each axis; it must divide the shape of the images.

        Returns
        -------
        StationaryMoments
            A copy of the same cross spectra.

        Raises
        ------
        ValueError
            If the patches do not divide the images.
        """
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
        """Return the cross spectra of the channels on the whole grid of frequencies.

        Returns
        -------
        ndarray of complex128, shape (*shape, channels, channels)
            S[k] in FFT order, as densities: |X|² divided by the number of pixels. The traces sum to
            Tr S.

        Raises
        ------
        ValueError
            If no images have been taken in yet.
        """
        by_frequency = self.by_frequency.stack().blocks
        return self.by_frequency.transform.basis.scatter(by_frequency[:, np.newaxis])

    def stack(self) -> Stack:
        """Return the second moment about the mean (or zero), per image.

        Returns
        -------
        Stack
            One Hermitian matrix per kept band of the patch grid.

        Raises
        ------
        ValueError
            If no images have been taken in yet.
        """
        spectra, basis = self.spectra(), self.transform.basis
        n, d = len(self.transform.multiplicity), self.patch_dim
        blocks = np.empty((n, d, d), dtype=np.complex128)

        def lift(rows: slice) -> None:
            blocks[rows] = basis.circulant(basis.gather(spectra, rows), rows)

        in_batches(lift, n, d)
        make_real(blocks, self.transform.multiplicity)
        even = self.channels == 1 and d % 2 == 0  # one colour may lag behind another
        kind = EvenStack if even else Stack
        return kind(blocks, self.transform.multiplicity, d)

    def _add(self, patches: FloatArray) -> None:
        images = self.grid.from_patches(patches, channel_axis=-1)
        self.by_frequency.add_patches(self.by_frequency.grid.to_patches(images, channel_axis=-1))

    def _merge(self, other: Self) -> None:
        self.by_frequency.merge(other.by_frequency)

    def sums_of(self, second: FloatArray, mean: float) -> dict[str, Any]:
        """Return the sums of one image whose second moment is known.

        Parameters
        ----------
        second : ndarray, shape (D, D)
            Second moment about the mean of flattened images: pixels in row-major order, channels
            last.
        mean : float
            Mean of every pixel.

        Returns
        -------
        dict of str to ndarray
            Sums as `restore` takes them.

        Raises
        ------
        ValueError
            If the matrix changes, beyond rounding, when images shift cyclically by single pixels.
        """
        return self.by_frequency.sums_of(second, mean)

    @property
    def has_sums(self) -> bool:
        """Whether the second sums are there: models may be saved without those of their moments."""
        return self.by_frequency.has_sums

    @property
    def first_mean(self) -> FloatArray:
        """The sum of an image over its pixels, on average, for each channel."""
        return self.by_frequency.first_mean

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the sums.

        Returns
        -------
        dict of str to tuple of int
            Shapes by name, those of `BandMoments` whose patches are single pixels.
        """
        return self.by_frequency.shapes()

    def arrays(self) -> dict[str, Any]:
        """Return the sums.

        Returns
        -------
        dict of str to ndarray
            The sums by name, those of `BandMoments` whose patches are single pixels. They are not
            copied.
        """
        return self.by_frequency.arrays()

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put saved sums in the place of those of these moments.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            Sums by name, as `arrays` returns them; kept, not copied. They belong to ``n_images``
            images.
        """
        self.by_frequency.n_images = self.n_images
        self.by_frequency.restore(arrays)


Moments = BandMoments | DenseMoments | StationaryMoments
KINDS: dict[str, type[BandMoments] | type[DenseMoments] | type[StationaryMoments]] = {
    "banded": BandMoments,
    "dense": DenseMoments,
    "stationary": StationaryMoments,
}
