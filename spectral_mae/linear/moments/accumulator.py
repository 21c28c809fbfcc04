"""Second moments of images, taken in batch by batch, merged, saved.

`Accumulator` is what all kinds of moments share: checks, counts, files. `BlockMoments` adds up the
outer products of the blocks of images, in whatever coordinates its kind has.
"""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._array_api import constant
from spectral_mae._checks import (
    BoolArray,
    FloatArray,
    Visible,
    is_chunked,
    is_tensor,
    namespace,
    outline,
    to_numpy,
)
from spectral_mae._chunked import ChunkedBatch
from spectral_mae._files.array_file import read_arrays, write_arrays
from spectral_mae._parallel import in_batches
from spectral_mae.linear.matrices import lapack
from spectral_mae.linear.moments import tensors
from spectral_mae.linear.moments.blocks import BlockTransform, Stack, make_real
from spectral_mae.masks.patches import PatchGrid, expect_grid

# Images are transformed and added up in parts of this size; it bounds the memory of an update.
PART_BYTES = 64 * 2**20
# What is asymmetric, negative, uneven or apart in a matrix by less, relative to its largest entry
# or eigenvalue, is taken for rounding.
ROUNDING = 1e-10
SMALL = 8  # numbers in a block up to which one call for all blocks beats a loop
STRIP = 64  # rows of Hermitian sums that are completed at once


LEFT_OUT = "sums_left_out"  # the array that says so in files


class Accumulator(ABC):
    """Checks, counts and files, which are the same for all kinds of moments.

    Parameters
    ----------
    grid : PatchGrid
        Shape and patches of the images.
    channels : int
        Numbers per pixel, positive.
    center : bool
        Take moments about the mean (whose form depends on the kind), or about zero.
    """

    kind: ClassVar[str]
    transform: BlockTransform

    def __init__(self, grid: PatchGrid, channels: int = 1, center: bool = True) -> None:
        expect_grid(grid)
        self.grid = grid
        self.channels = _checks.positive_int("channels", channels)
        self.center = _checks.flag("center", center)
        self.patch_dim = grid.patch_pixels * self.channels  # numbers in a patch, d
        self.n_images = 0

    @classmethod
    def from_second_moment(
        cls, matrix: ArrayLike, grid: PatchGrid, channels: int = 1, *, mean: float | None = None
    ) -> Self:
        """Return the moments of images of which the second moment is known, not the images.

        They count as one image when they are merged with others.

        Parameters
        ----------
        matrix : array_like, shape (D, D)
            Second moment about ``mean`` of flattened images: pixels in row-major order, channels
            last. Banded moments need one that stays as it is when images shift cyclically by whole
            patches, stationary ones by single pixels.
        grid : PatchGrid
            Shape and patches of the images.
        channels : int
            Numbers per pixel, positive; ``D`` is the product of ``grid.shape`` and of this.
        mean : float or None
            Mean of every pixel. None makes moments about zero, for models with ``center=False``.

        Returns
        -------
        BandMoments, DenseMoments or StationaryMoments
            Moments of this class, with ``n_images`` 1.

        Raises
        ------
        ValueError
            If the matrix does not fit the grid, is not symmetric, has a negative eigenvalue or
            changes under the shifts, each beyond rounding.

        Examples
        --------
        >>> from scipy.linalg import toeplitz
        >>> from spectral_mae import DenseMoments
        >>> second = toeplitz(0.5 ** np.arange(6))
        >>> moments = DenseMoments.from_second_moment(second, PatchGrid(6, 2), mean=0.0)
        >>> bool(np.allclose(moments.stack().blocks[0], second))
        True
        """
        moments = cls(grid, channels, mean is not None)
        largest = _checks.LARGEST_SQUARED
        level = 0.0 if mean is None else _checks.bounded_number("mean", mean, largest)
        second = _symmetric(matrix, grid.n_patches * moments.patch_dim)
        moments.n_images = 1
        moments.restore(moments.sums_of(second, level))
        values = np.linalg.eigvalsh(moments.stack().blocks)
        if values.min() < -ROUNDING * values.max():
            raise ValueError(
                f"the matrix has the eigenvalue {values.min():.3g}, its largest is "
                f"{values.max():.3g}: no images have such a second moment"
            )
        return moments

    def update(self, images: ArrayLike, *, channel_axis: int | None = None) -> Self:
        """Take in a batch of images; either all of it or, if it is refused, nothing.

        Batches with chunks are an exception, for they would be read twice: what was read before
        the part that is refused stays, and ``n_images`` counts it.

        Parameters
        ----------
        images : array_like or tensor, shape (n, *grid.shape), with channels at ``channel_axis``
            Images of any real type; sums are in double precision. Arrays of Dask and others that
            have chunks are read some images at a time. `BandMoments` take tensors in where they
            are; for other moments NumPy reads those that it can.
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
        # Sums of so many images each, whatever the chunks: equal to the last bit.
        size = max(1, PART_BYTES // (8 * self.grid.n_patches * self.patch_dim))
        batch: Any
        if is_tensor(images) and self.takes_tensors:
            batch = self._tensors(images, channel_axis)
        else:
            batch = self._batch(images, channel_axis)
        n, in_chunks = batch.shape[0], isinstance(batch, ChunkedBatch)
        parts = [slice(first, min(first + size, n)) for first in range(0, n, size)]
        if len(parts) > 1 and not in_chunks:
            for part in parts:
                _expect_numbers(batch[part, ...], part.start)
        for part in parts:
            self.add_patches(self._cut(batch[part] if in_chunks else batch[part, ...], part.start))
        return self

    def to_patches(self, images: ArrayLike, *, channel_axis: int | None = None) -> FloatArray:
        """Check a batch of images as `update` does, and cut it into patches.

        Parameters
        ----------
        images : array_like, shape (n, *grid.shape), with the channels at ``channel_axis`` if given
            Images of any real type.
        channel_axis : int or None
            Axis of the channels in the batch, as in `update`.

        Returns
        -------
        ndarray of float64, shape (n, n_patches, patch_dim)
            Patches in row-major order; within a patch pixels in row-major order, channels last.

        Raises
        ------
        ValueError
            If the images do not fit the grid and the channels, or hold NaN or infinity.
        """
        if is_tensor(images) and self.takes_tensors:
            return self._cut(self._tensors(images, channel_axis))
        return self._cut(self._batch(images, channel_axis)[:])

    def masked_patches(
        self, images: ArrayLike, visible: Visible, *, channel_axis: int | None = None
    ) -> tuple[FloatArray, BoolArray]:
        """Cut images and their masks into patches.

        Hidden pixels may hold anything, NaN too: they are zero in the result.

        Parameters
        ----------
        images : array_like, shape (n, *grid.shape), with the channels at ``channel_axis`` if given
            Images of any real type. What a masked array masks is hidden.
        visible : array_like, shape (*grid.shape) or (n, *grid.shape), "finite" or None
            Bool, or numbers that are 0 or 1; one mask for all images, or one for each. "finite"
            hides NaN and infinity, None keeps everything.
        channel_axis : int or None
            Axis of the channels in the batch, as in `update`.

        Returns
        -------
        patches : ndarray of float64, shape (n, n_patches, patch_dim)
            The images, zero where they are hidden.
        masks : ndarray of bool, shape (n, n_patches, patch_dim)
            True where a number is visible; not to be written to.

        Raises
        ------
        ValueError
            If images and masks do not fit the grid and the channels or each other, or a visible
            pixel is NaN or infinite.
        """
        if is_tensor(images) and self.takes_tensors:
            return self._masked_tensors(self._tensors(images, channel_axis), visible)
        shown = None
        if isinstance(images, np.ma.MaskedArray):
            images, shown = _checks.masked_numbers("images", images)
        batch = self._batch(images, channel_axis)[:]
        if shown is not None:
            shown = self._batch(shown, channel_axis)[:]
        found = _checks.visible_of(
            "images", batch, shown, visible, _checks.bool_mask, channel_axis=-1
        )
        masks = np.ones(self.grid.shape, bool) if found is None else found
        _checks.expect_finite("images", batch, found, channel_axis=-1)
        patches = self._cut(np.where(masks[..., np.newaxis], batch, 0))
        pixels = np.repeat(self.grid.to_patches(masks), self.channels, axis=-1)
        return patches, np.broadcast_to(pixels, patches.shape)

    def _masked_tensors(self, batch: Any, visible: Any | None) -> tuple[Any, Any]:
        """As `masked_patches`, of a batch of tensors with the channels last."""
        xp, shape, n = namespace(batch), self.grid.shape, batch.shape[0]
        if _checks.says_finite(visible):
            masks = xp.all(xp.isfinite(batch), axis=-1)
            _checks.some_seen("images", to_numpy(masks), "finite")
        else:
            given = np.ones(shape, bool) if visible is None else visible
            masks = tensors.masks_beside(given, batch)
        if tuple(masks.shape) not in (shape, (n, *shape)):
            raise ValueError(
                f"visible of shape {tuple(masks.shape)} is neither {shape} nor {(n, *shape)}"
            )
        masks = xp.broadcast_to(masks[..., None], batch.shape)
        patches = self._cut(xp.where(masks, batch, xp.zeros_like(batch)))
        return patches, tensors.to_patches(masks, self.grid)

    def add_patches(self, patches: FloatArray) -> Self:
        """Take in images that are cut into patches already.

        Parameters
        ----------
        patches : ndarray of float64, shape (n, n_patches, patch_dim)
            Patches as `to_patches` returns them. They are not checked.

        Returns
        -------
        self
            These moments, changed in place.
        """
        n = patches.shape[0]
        if n:
            self.expect_sums()
            self._add(patches)
            self.n_images += n
        return self

    def merge(self, other: Self) -> Self:
        """Take in what other moments of the same kind have seen.

        Parameters
        ----------
        other : BandMoments, DenseMoments or StationaryMoments
            Moments of the same class, grid, channels and centring; they stay as they are.

        Returns
        -------
        self
            These moments, changed in place.

        Raises
        ------
        TypeError
            If ``other`` is of another class.
        ValueError
            If the two differ in grid, channels or centring.
        """
        if not isinstance(other, type(self)):
            raise TypeError(f"{type(self).__name__} cannot take in {_checks.brief(other)}")
        mine, theirs = self._identity(), other._identity()
        if mine != theirs:
            raise ValueError(f"moments do not fit: {mine} and {theirs}")
        if other.n_images:
            self.expect_sums()
            other.expect_sums()
            self._merge(other)
            self.n_images += other.n_images
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the moments to an npz file, without pickles.

        Parameters
        ----------
        path : str or path-like
            File to write. An existing file is replaced.
        """
        self.expect_sums()
        write_arrays(path, self.to_arrays())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read moments that `save` wrote.

        Parameters
        ----------
        path : str or path-like
            File to read. Nothing in it is executed.

        Returns
        -------
        BandMoments, DenseMoments or StationaryMoments
            Moments of this class.

        Raises
        ------
        ValueError
            If the file holds moments of another kind, or none.
        """
        arrays = read_arrays(path)
        kind = str(arrays["kind"]) if "kind" in arrays else None
        if kind != cls.kind:
            raise ValueError(f"{os.fspath(path)!r} holds {kind=}, not {cls.kind!r}")
        try:
            return cls.from_arrays(arrays)
        except KeyError as error:
            raise ValueError(f"{os.fspath(path)!r} holds moments that lack {error}") from error

    def to_arrays(self, *, sums: bool = True) -> dict[str, Any]:
        """Return everything that these moments hold, as arrays by name.

        Parameters
        ----------
        sums : bool
            Whether the second sums are among them. `from_arrays` makes moments of the others that
            know their mean, and can neither be solved nor take in images.

        Returns
        -------
        dict of str to ndarray
            Kind, shape, patch size, channels, centring and number of images, and the sums of
            `arrays`.
        """
        left_out = {"mean": self.first_mean, LEFT_OUT: np.array(True)}
        held = self.arrays() if sums else left_out
        return {
            "kind": np.array(self.kind),
            "shape": np.array(self.grid.shape),
            "patch_size": np.array(self.grid.patch_size),
            "channels": np.array(self.channels),
            "center": np.array(self.center),
            "n_images": np.array(self.n_images),
            **{name: to_numpy(array) for name, array in held.items()},
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], *, copy: bool = True) -> Self:
        """Return the moments that `to_arrays` wrote down.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            Arrays by name, as `to_arrays` returns them.
        copy : bool
            Copy the sums; else the moments keep these arrays, and write to them.

        Returns
        -------
        BandMoments, DenseMoments or StationaryMoments
            Moments of this class.

        Raises
        ------
        KeyError
            If an array is missing.
        ValueError
            If the shape of a sum does not fit the grid and the channels.
        """
        grid = PatchGrid(arrays["shape"].tolist(), arrays["patch_size"].tolist())
        moments = cls(grid, int(arrays["channels"]), bool(arrays["center"]))
        moments.n_images = int(arrays["n_images"])
        shapes = moments.shapes()
        if LEFT_OUT in arrays:
            shapes = {"mean": shapes["mean"]}
        for name, shape in shapes.items():
            if np.shape(arrays[name]) != shape:
                raise ValueError(
                    f"{name} of shape {np.shape(arrays[name])} does not fit {moments.grid} with "
                    f"{moments.channels} channels: it should be {shape}"
                )
        sums = {name: np.array(arrays[name]) if copy else arrays[name] for name in shapes}
        moments.restore(sums)
        return moments

    def numpy(self) -> Self:
        """Return these moments with NumPy arrays in the place of tensors, on the CPU.

        Returns
        -------
        BandMoments, DenseMoments or StationaryMoments
            A copy; these moments themselves if they hold no tensors.
        """
        return self

    @property
    def takes_tensors(self) -> bool:
        """Whether tensors are taken in where they are; otherwise NumPy reads them if it can."""
        return False

    def _tensors(self, images: Any, channel_axis: int | None) -> Any:
        """A batch of tensors, with the channels last."""
        if channel_axis is None and self.channels > 1:
            channel_axis = -1
        placed = _checks.channels_last("images", outline(images), channel_axis, self.grid.ndim + 1)
        self._expect_fit(placed.shape, images, channel_axis)
        if channel_axis is None:
            return images[..., None]
        return namespace(images).moveaxis(images, channel_axis, -1)

    def _expect_fit(self, shape: tuple[int, ...], images: Any, channel_axis: int | None) -> None:
        if shape[1:] != (*self.grid.shape, self.channels):
            raise ValueError(
                f"images of shape {tuple(np.shape(images))} with {channel_axis=} do not fit "
                f"shape={self.grid.shape} with channels={self.channels}"
            )

    def _batch(self, images: ArrayLike, channel_axis: int | None) -> NDArray[Any] | ChunkedBatch:
        if channel_axis is None and self.channels > 1:
            channel_axis = -1
        batch: NDArray[Any] | ChunkedBatch
        if is_chunked(images):
            batch = ChunkedBatch("images", images, self.grid.ndim, channel_axis=channel_axis)
        else:
            array = _checks.numeric_array("images", images)
            batch = _checks.channels_last("images", array, channel_axis, self.grid.ndim + 1)
        self._expect_fit(batch.shape, images, channel_axis)
        return batch

    def _cut(self, batch: NDArray[Any], first: int = 0) -> FloatArray:
        """Images of a batch from number ``first`` on, in double precision."""
        pixels = _checked(batch, first)
        if isinstance(pixels, np.ndarray):
            return self.grid.to_patches(pixels, channel_axis=-1)
        return tensors.to_patches(pixels, self.grid)

    @property
    @abstractmethod
    def mean(self) -> FloatArray:
        """What is subtracted from images, in patch order, shape (n_patches, patch_dim)."""

    @abstractmethod
    def stack(self) -> Stack:
        """Return the second moment about the mean (or zero), per image.

        Returns
        -------
        Stack
            One Hermitian matrix for each block.

        Raises
        ------
        ValueError
            If no images have been taken in yet.
        """

    @abstractmethod
    def _add(self, patches: FloatArray) -> None: ...

    @abstractmethod
    def _merge(self, other: Self) -> None: ...

    @abstractmethod
    def sums_of(self, second: FloatArray, mean: float) -> dict[str, Any]:
        """Return the sums of one image whose second moment is known.

        Parameters
        ----------
        second : ndarray, shape (D, D)
            Second moment of flattened images, as in `from_second_moment`.
        mean : float
            Mean of every pixel.

        Returns
        -------
        dict of str to ndarray
            Sums as `restore` takes them.
        """

    @abstractmethod
    def arrays(self) -> dict[str, Any]:
        """Return the sums.

        Returns
        -------
        dict of str to ndarray
            The sums by name, not copied.
        """

    @abstractmethod
    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put saved sums in the place of those of these moments.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            Sums by name, as `arrays` returns them; kept, not copied. They belong to ``n_images``
            images.
        """

    @property
    @abstractmethod
    def has_sums(self) -> bool:
        """Whether the second sums are there: models may be saved without those of their moments."""

    @property
    @abstractmethod
    def first_mean(self) -> FloatArray:
        """The mean as `arrays` has it, in the coordinates of the sums."""

    @abstractmethod
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the sums.

        Returns
        -------
        dict of str to tuple of int
            Shapes by name, of all arrays that `arrays` returns where no sums are left out.
        """

    @property
    def nbytes(self) -> int:
        """Bytes of the sums in double precision, as files hold them."""
        size = self.transform.dtype.itemsize
        return size * sum(math.prod(shape) for shape in self.shapes().values())

    def expect_sums(self) -> None:
        """Raise ``ValueError`` if the second sums are left out, and say how to keep them."""
        if not self.has_sums:
            raise ValueError(
                f"these moments of {self.n_images} images have no sums: the model was saved "
                "without them; save(path, keep_moments=True) or spectral-mae fit --keep-moments "
                "writes them into its file"
            )

    def _identity(self) -> tuple[str, PatchGrid, int, bool]:
        return self.kind, self.grid, self.channels, self.center

    def expect_images(self) -> None:
        """Raise ``ValueError`` if no images have been taken in, or the sums are left out."""
        if self.n_images == 0:
            raise ValueError("no images yet: call update first")
        self.expect_sums()


class BlockMoments(Accumulator):
    """Second moments whose sums are taken block by block, as they are solved.

    The first block alone has a mean: that of the image if it is the only one, and of band zero,
    the sum over patches, if there are bands.

    Parameters
    ----------
    grid : PatchGrid
        Shape and patches of the images.
    channels : int
        Numbers per pixel, positive.
    center : bool
        Take moments about the mean, or about zero.
    """

    coordinates: ClassVar[type[BlockTransform]]

    def __init__(self, grid: PatchGrid, channels: int = 1, center: bool = True) -> None:
        super().__init__(grid, channels, center)
        self.transform = self.coordinates(grid, self.channels)
        d = self.transform.block_dim
        self._has_sums = True
        self._first = Scatter(d, self.center)
        # Of these sums only the lower triangles are kept up to date; see `_hermitian`.
        self._others = np.zeros((len(self.transform.multiplicity) - 1, d, d), np.complex128)

    @property
    def mean(self) -> FloatArray:
        """What is subtracted from images, in patch order, shape (n_patches, patch_dim)."""
        return self.transform.constant(self._first.mean)

    def stack(self) -> Stack:
        """Return the second moment about the mean (or zero), per image.

        Returns
        -------
        Stack
            One Hermitian matrix for each block: a single one of dense moments, one per kept band of
            banded moments.

        Raises
        ------
        ValueError
            If no images have been taken in yet.
        """
        transform = self.transform
        self.expect_images()
        scale = 1.0 / (self.n_images * transform.norm)
        if is_tensor(self._others):
            xp = namespace(self._others)
            first = xp.astype(self._first.scatter, self._others.dtype)[None, ...]
            blocks = xp.concat([first, self._others]) * scale
            blocks = tensors.real_bands(blocks, transform.multiplicity)
            return Stack(blocks, transform.multiplicity, self.patch_dim)
        d = transform.block_dim
        blocks = np.empty((len(transform.multiplicity), d, d), transform.dtype)
        np.multiply(self._first.scatter, scale, out=blocks[0])
        if len(blocks) > 1:
            np.multiply(self._hermitian(), scale, out=blocks[1:])
        make_real(blocks, transform.multiplicity)
        return Stack(blocks, transform.multiplicity, self.patch_dim)

    def _add(self, patches: FloatArray) -> None:
        if self.n_images == 0 and is_tensor(patches):
            self._first = self._first.beside(patches)
            self._others = constant(self._others, patches)
        if is_tensor(patches) or self.holds_tensors:
            tensors.expect_same_place(patches, self._others)
        blocks = self.transform.forward(patches)
        if is_tensor(blocks):
            xp = namespace(blocks)
            self._first.add(xp.real(blocks[0, ...]))
            others = blocks[1:, ...]
            self._others = self._others + xp.matrix_transpose(others) @ xp.conj(others)
            return
        self._first.add(blocks[0].real)
        if self.transform.block_dim <= SMALL:
            self._others += np.einsum("bni,bnj->bij", blocks[1:], blocks[1:].conj())
            return

        def accumulate(chosen: slice) -> None:
            for place in range(chosen.start, chosen.stop):
                lapack.add_outer_products(self._others[place], blocks[place + 1])

        in_batches(accumulate, *self._others.shape[:2])

    @property
    def holds_tensors(self) -> bool:
        """Whether the sums are tensors."""
        return is_tensor(self._others)

    def add_sums(self, first: FloatArray, others: NDArray[Any]) -> None:
        """Take in images of which the first block is known, and of the other blocks the sums.

        Parameters
        ----------
        first : ndarray of float64, shape (n, d)
            The first block of each image.
        others : ndarray, shape (n_blocks - 1, d, d)
            Sums of the outer products of the other blocks over these images.
        """
        self._first.add(first)
        self._others += others
        self.n_images += len(first)

    def _hermitian(self) -> NDArray[np.complex128]:
        """The sums of all blocks but the first, with what lies above the diagonals filled in."""
        sums = self._others
        d = self.transform.block_dim
        if d <= SMALL or is_tensor(sums):
            return sums
        for first in range(0, d, STRIP):
            strip = slice(first, min(first + STRIP, d))
            sums[:, :first, strip] = sums[:, strip, :first].conj().swapaxes(1, 2)
            corner = sums[:, strip, strip]
            above = np.tri(corner.shape[-1], k=-1, dtype=bool).T
            np.copyto(corner, corner.conj().swapaxes(1, 2), where=above)
        return sums

    def _merge(self, other: Self) -> None:
        part = other._first
        if self.n_images == 0 and is_tensor(other._others):
            self._first = self._first.beside(other._others)
            self._others = constant(self._others, other._others)
        tensors.expect_same_place(other._others, self._others)
        self._first.merge(part.count, part.mean, part.scatter)
        self._others += other._others

    @property
    def has_sums(self) -> bool:
        """Whether the second sums are there: models may be saved without those of their moments."""
        return self._has_sums

    @property
    def first_mean(self) -> FloatArray:
        """The mean of the first block, shape (d,)."""
        return self._first.mean

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the sums.

        Returns
        -------
        dict of str to tuple of int
            Shapes by name.
        """
        n, d = len(self.transform.multiplicity), self.transform.block_dim
        first: dict[str, tuple[int, ...]] = {"mean": (d,), "scatter": (d, d)}
        return {**first, "others": (n - 1, d, d)} if self.transform.norm > 1 else first

    def arrays(self) -> dict[str, Any]:
        """Return the sums.

        Returns
        -------
        dict of str to ndarray
            ``mean``, shape (d,), and ``scatter``, shape (d, d), the sum of outer products about it,
            of the first block; ``others``, shape (n_blocks − 1, d, d), the sums of outer products
            of the other blocks, if there are bands. They are not copied.

        Raises
        ------
        ValueError
            If the sums are left out.
        """
        self.expect_sums()
        sums: dict[str, Any] = {"mean": self._first.mean, "scatter": self._first.scatter}
        if self.transform.norm > 1:
            sums["others"] = self._hermitian()
        return sums

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put saved sums in the place of those of these moments.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            Sums by name, as `arrays` returns them; kept, not copied. They belong to ``n_images``
            images. The mean alone leaves the others out.
        """
        self._first.count = self.n_images
        self._first.mean = arrays["mean"]
        self._has_sums = "scatter" in arrays
        if not self.has_sums:
            self._first.scatter, self._others = np.zeros((0, 0)), np.zeros((0, 0, 0), complex)
            return
        self._first.scatter = arrays["scatter"]
        self._others = arrays.get("others", self._others)


class Scatter:
    """Mean and sum of outer products about it, for real vectors (Chan, Golub and LeVeque 1983).

    Parts merge without the cancellation of E[xxᵀ] − E[x]E[x]ᵀ. Uncentred, the mean stays zero.

    Parameters
    ----------
    dim : int
        Length of the vectors.
    center : bool
        Take outer products about the mean, or about zero.
    """

    def __init__(self, dim: int, center: bool) -> None:
        self.center = center
        self.count = 0
        self.mean = np.zeros(dim)
        self.scatter = np.zeros((dim, dim))

    def add(self, rows: FloatArray) -> None:
        """Take in vectors.

        Parameters
        ----------
        rows : ndarray, shape (n, dim)
            The vectors, at least one.
        """
        xp = namespace(rows)
        mean = xp.mean(rows, axis=0) if self.center else xp.zeros_like(self.mean)
        centred = rows - mean
        self.merge(rows.shape[0], mean, centred.T @ centred)

    def beside(self, like: Any) -> Scatter:
        """Return the same sums as tensors of the library and on the device of another.

        Parameters
        ----------
        like : tensor
            Says the library and the device.

        Returns
        -------
        Scatter
            New sums of the same vectors.
        """
        other = Scatter(len(self.mean), self.center)
        other.count = self.count
        other.mean, other.scatter = constant(self.mean, like), constant(self.scatter, like)
        return other

    def merge(self, count: int, mean: FloatArray, scatter: FloatArray) -> None:
        """Take in a part that is known by its own count, mean and scatter.

        Parameters
        ----------
        count : int
            Number of vectors of the part, positive.
        mean : ndarray, shape (dim,)
            Their mean; zero if uncentred.
        scatter : ndarray, shape (dim, dim)
            Sum of their outer products about ``mean``.
        """
        total = self.count + count
        step = mean - self.mean
        self.scatter += scatter
        self.scatter += step[:, None] * (step * (self.count * count / total))[None, :]
        self.mean += step * (count / total)
        self.count = total


def _checked(batch: Any, first: int) -> Any:
    """Images in double precision, small enough to be squared; ``first`` is for messages."""
    if is_tensor(batch):
        return tensors.checked(batch)
    return _checks.squarable_array("images", batch, first=first)


def _expect_numbers(batch: Any, first: int) -> None:
    """Raise where `_checked` would, and convert as little as that takes.

    Integers are finite, and only double precision has numbers that are too large to square.
    """
    if is_tensor(batch):
        tensors.checked(batch)
    elif batch.dtype.kind == "f":
        check = _checks.squarable_array if batch.dtype.itemsize > 4 else _checks.real_array
        check("images", batch, first=first)


def _symmetric(matrix: ArrayLike, size: int) -> FloatArray:
    """A second moment that was given, as (size, size)."""
    second = _checks.squarable_array("matrix", matrix)
    if second.shape != (size, size):
        raise ValueError(f"matrix of shape {second.shape} is not {(size, size)}")
    uneven = float(np.abs(second - second.T).max())
    if uneven > ROUNDING * np.abs(second).max():
        raise ValueError(f"the matrix is not symmetric: it differs from its transpose by {uneven}")
    return (second + second.T) / 2
