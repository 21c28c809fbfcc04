"""Images and their second moments as blocks: all that the solver knows of them.

A block transform is a choice of coordinates in which the linear problems fall into blocks.
`PixelTransform` leaves an image whole: one block. `BandTransform` is the DFT over the patch index
(Zak or polyphase transform): one block per spectral band of the patch grid. A `Stack` holds a
second moment in such coordinates, one Hermitian matrix for each block.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, Self

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._array_api import constant
from spectral_mae._checks import FloatArray, is_tensor, namespace, to_numpy
from spectral_mae._parallel import in_batches
from spectral_mae.linear.moments import tensors
from spectral_mae.linear.moments.polyphase import Polyphase, row_major, whole_of
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.patches import PatchGrid

Complex128Array = NDArray[np.complex128]
PAIR_BYTES = 16 * 2**20  # of the rows of blocks that are transformed at once


class BlockTransform(ABC):
    """Patches to blocks and back, and what matrices on the blocks do in the Fourier basis.

    Attributes
    ----------
    grid : PatchGrid
        Shape and patches of the images.
    channels : int
        Numbers per pixel.
    patch_dim : int
        Numbers in a patch, d.
    block_dim : int
        Numbers in a block.
    multiplicity : ndarray of int, shape (n_blocks,)
        How many blocks each stands for.
    dtype : dtype
        Type of second moments in these coordinates.
    norm : int
        Σx² of an image is the sum of the squares of its blocks over this.
    """

    block_dim: int
    multiplicity: NDArray[np.integer[Any]]
    dtype: np.dtype[Any]
    norm: int

    def __init__(self, grid: PatchGrid, channels: int) -> None:
        self.grid = grid
        self.channels = _checks.positive_int("channels", channels)
        self.patch_dim = grid.patch_pixels * self.channels

    @abstractmethod
    def forward(self, patches: FloatArray) -> NDArray[Any]:
        """Return images in these coordinates.

        Parameters
        ----------
        patches : ndarray of float64, shape (n, n_patches, patch_dim)
            Images cut into patches.

        Returns
        -------
        ndarray, shape (n_blocks, n, block_dim)
            The blocks of the images.
        """

    @abstractmethod
    def inverse(self, blocks: NDArray[Any]) -> FloatArray:
        """Return the images of blocks; undoes `forward`.

        Parameters
        ----------
        blocks : ndarray, shape (n_blocks, n, block_dim)
            Blocks of images.

        Returns
        -------
        ndarray of float64, shape (n, n_patches, patch_dim)
            Images cut into patches.
        """

    @abstractmethod
    def constant(self, first: FloatArray) -> FloatArray:
        """Return the image of which a first block is given, and all others are zero.

        Parameters
        ----------
        first : ndarray of float64, shape (block_dim,)
            The first block.

        Returns
        -------
        ndarray of float64, shape (n_patches, patch_dim)
            The image, not to be written to.
        """

    def apply(
        self, weights: NDArray[Any], patches: FloatArray, *, transpose: bool = False
    ) -> FloatArray:
        """Map images by a matrix for each block: x̂_q = x̃_q conj(W_q), on columns W_qᴴ.

        Parameters
        ----------
        weights : ndarray, shape (n_blocks, block_dim, block_dim) or (block_dim, block_dim)
            The matrices W_q, or one for all blocks. Of arrays that are mapped into memory one
            matrix after the other is read.
        patches : ndarray of float64, shape (n, n_patches, patch_dim)
            Images cut into patches.
        transpose : bool
            Map by the transposed map of the whole image instead.

        Returns
        -------
        ndarray of float64, shape (n, n_patches, patch_dim)
            The mapped images.
        """
        blocks = self.forward(patches)
        if is_tensor(blocks):
            if transpose:
                return self.inverse(blocks @ namespace(weights).matrix_transpose(weights))
            conj = namespace(blocks).conj
            return self.inverse(conj(conj(blocks) @ weights))
        mapped = np.empty_like(blocks)

        def work(rows: slice) -> None:
            map_ = in_double(weights[rows] if weights.ndim > 2 else weights)
            if transpose:
                np.matmul(blocks[rows], map_.swapaxes(-1, -2), out=mapped[rows])
            else:
                np.conj(blocks[rows].conj() @ map_, out=mapped[rows])

        in_batches(work, len(blocks), self.block_dim)
        return self.inverse(mapped)

    @abstractmethod
    def fourier_diagonal(self, blocks: NDArray[Any], rows: slice = slice(None)) -> Complex128Array:
        """Return what matrices do at each frequency by itself; see `Polyphase.diagonal`.

        Parameters
        ----------
        blocks : ndarray, shape (n, block_dim, block_dim)
            Matrices of the blocks ``rows``.
        rows : slice
            Range of blocks; all by default.

        Returns
        -------
        ndarray of complex128, shape (n, frequencies of a block, channels, channels)
            One matrix on the channels for each frequency of each block.
        """

    @abstractmethod
    def by_frequency(self, blocks: NDArray[Any], rows: slice = slice(None)) -> Complex128Array:
        """Return the columns M Uᴴ that matrices have at each frequency, in a unitary basis U.

        Parameters
        ----------
        blocks : ndarray, shape (n, block_dim, block_dim)
            Matrices M of the blocks ``rows``.
        rows : slice
            Range of blocks; all by default.

        Returns
        -------
        ndarray of complex128, shape (n, block_dim, frequencies of a block, channels)
            The diagonal of U M Uᴴ, `fourier_diagonal`, has their products with the rows of U.
        """

    @abstractmethod
    def circulant(self, diagonal: NDArray[Any], rows: slice = slice(None)) -> NDArray[Any]:
        """Return matrices that act on each frequency by itself; see `Polyphase.circulant`.

        Parameters
        ----------
        diagonal : ndarray, shape (n, frequencies of a block, channels, channels)
            One matrix on the channels for each frequency of the blocks ``rows``.
        rows : slice
            Range of blocks; all by default.

        Returns
        -------
        ndarray, shape (n, block_dim, block_dim)
            Matrices that are the same under all cyclic shifts of pixels.
        """

    @abstractmethod
    def keep_pairs(self, blocks: NDArray[Any], design: MaskDesign) -> NDArray[Any]:
        """Return the second moment of masked images.

        Parameters
        ----------
        blocks : ndarray, shape (n_blocks, block_dim, block_dim)
            Second moment of the images, all blocks of it.
        design : MaskDesign
            Distribution of the masks, on the grid of these coordinates.

        Returns
        -------
        ndarray, shape (n_blocks, block_dim, block_dim)
            The second moment after each pair of patches was multiplied by the probability that both
            are kept.
        """

    @abstractmethod
    def inclusion(self, design: MaskDesign) -> FloatArray | None:
        """Return the probability that a number of a block is kept, where that differs.

        Parameters
        ----------
        design : MaskDesign
            Distribution of the masks, on the grid of these coordinates.

        Returns
        -------
        ndarray, shape (block_dim,), or None
            One probability for each number; None where all are the same.
        """

    @property
    @abstractmethod
    def basis(self) -> Polyphase:
        """Where the frequencies of each block stand on the whole grid."""


class PixelTransform(BlockTransform):
    """The image as one block, in the order of patches.

    Parameters
    ----------
    grid : PatchGrid
        Shape and patches of the images.
    channels : int
        Numbers per pixel, positive.

    Examples
    --------
    >>> pixels = PixelTransform(PatchGrid((4, 4), 2), 1)
    >>> pixels.forward(np.zeros((5, 4, 4))).shape
    (1, 5, 16)
    """

    multiplicity = np.array([1])
    dtype = np.dtype(np.float64)
    norm = 1

    def __init__(self, grid: PatchGrid, channels: int) -> None:
        super().__init__(grid, channels)
        self.block_dim = grid.n_patches * self.patch_dim

    def forward(self, patches: FloatArray) -> FloatArray:
        """Return images as one block: (n, n_patches, patch_dim) to (1, n, D)."""
        return patches.reshape(1, len(patches), -1)

    def inverse(self, blocks: NDArray[Any]) -> FloatArray:
        """Return the images of one block: (1, n, D) to (n, n_patches, patch_dim)."""
        return blocks[0].reshape(-1, self.grid.n_patches, self.patch_dim)

    def constant(self, first: FloatArray) -> FloatArray:
        """Return a vector of D numbers in the order of patches as an image."""
        return first.reshape(self.grid.n_patches, self.patch_dim)

    def fourier_diagonal(self, blocks: NDArray[Any], rows: slice = slice(None)) -> Complex128Array:
        """Return what a (1, D, D) matrix does at each frequency by itself."""
        order = row_major(self.grid, self.channels)
        return self.basis.diagonal(blocks[:, order[:, np.newaxis], order], rows)

    def by_frequency(self, blocks: NDArray[Any], rows: slice = slice(None)) -> Complex128Array:
        """Return the columns of a (1, D, D) matrix in the Fourier basis."""
        order = row_major(self.grid, self.channels)
        return self.basis.rows_by_frequency(blocks[:, :, order].conj(), rows).conj()

    def circulant(self, diagonal: NDArray[Any], rows: slice = slice(None)) -> FloatArray:
        """Return the (1, D, D) matrix that is the same under all cyclic shifts of pixels."""
        place = np.argsort(row_major(self.grid, self.channels))
        matrix = self.basis.circulant(diagonal, rows).real
        return matrix[:, place[:, np.newaxis], place]

    def keep_pairs(self, blocks: NDArray[Any], design: MaskDesign) -> FloatArray:
        """Return Q_ab = Π_ab S_ab of every two patches a and b."""
        n, d = self.grid.n_patches, self.patch_dim
        pairs = blocks.reshape(n, d, n, d) * design.matrix()[:, np.newaxis, :, np.newaxis]
        return pairs.reshape(blocks.shape)

    def inclusion(self, design: MaskDesign) -> FloatArray | None:
        """Return π₁ of the patch of each number; None for designs that are shift-invariant."""
        if design.shift_invariant:
            return None
        return np.repeat(design.inclusion.ravel(), self.patch_dim)

    @cached_property
    def basis(self) -> Polyphase:
        """All frequencies in one block."""
        grid = whole_of(self.grid)
        return Polyphase(grid, self.channels, np.zeros((1, grid.ndim), dtype=int))


class BandTransform(BlockTransform):
    """Patches to bands and back.

    Band q of an image holds the alias class of frequencies {q + j·counts}: those that land on
    each other when an image is sampled once per patch. A linear map that commutes with cyclic
    shifts by whole patches acts on every band on its own.

    Of the conjugate bands q and −q of real images only one is kept.

    Parameters
    ----------
    grid : PatchGrid
        Shape and patches of the images.
    channels : int
        Numbers per pixel, positive.

    Attributes
    ----------
    patch_dim : int
        Numbers in a patch, d.
    multiplicity : ndarray of int, shape (n_bands,)
        2 for a band that stands for its conjugate too, else 1. Sums to ``grid.n_patches``.
    frequencies : ndarray of int, shape (n_bands, ndim)
        Index q of each band over the patch grid; the first is zero.

    Examples
    --------
    >>> bands = BandTransform(PatchGrid((6, 8), 2))
    >>> bands.multiplicity
    array([1, 2, 1, 2, 2, 2, 2])
    >>> patches = np.random.default_rng(0).standard_normal((5, 12, 4))
    >>> bands.forward(patches).shape
    (7, 5, 4)
    >>> bool(np.allclose(bands.inverse(bands.forward(patches)), patches))
    True
    """

    dtype = np.dtype(np.complex128)

    def __init__(self, grid: PatchGrid, channels: int = 1) -> None:
        super().__init__(grid, channels)
        self.block_dim = self.patch_dim
        self.norm = grid.n_patches
        counts = grid.counts
        self._counts = counts
        self._axes = tuple(range(1, len(counts) + 1))
        self._half_shape = (*counts[:-1], counts[-1] // 2 + 1)  # of a real FFT
        q = np.indices(self._half_shape).reshape(len(counts), -1).T
        mirror = -q % np.array(counts)
        # Of a pair {q, −q} that lies whole in the half-plane the first in row-major order stays.
        inside = mirror[:, -1] < self._half_shape[-1]
        place = np.ravel_multi_index(
            tuple(np.where(inside[:, None], mirror, q).T), self._half_shape
        )
        own = np.arange(len(q))
        self._kept = np.flatnonzero(place >= own)
        self._source = np.searchsorted(self._kept, np.minimum(place, own))
        self._mirrored = place < own
        self._conjugate = np.flatnonzero(self._mirrored)
        self.frequencies = q[self._kept]
        self.multiplicity = np.where((mirror == q).all(axis=1), 1, 2)[self._kept]

    def forward(self, patches: FloatArray) -> Complex128Array:
        """Return the unnormalised DFT over patches: (n, n_patches, d) to (n_bands, n, d)."""
        n, _, d = patches.shape
        if is_tensor(patches):
            xp = namespace(patches)
            waves = xp.fft.rfftn(xp.reshape(patches, (n, *self._counts, d)), axes=self._axes)
            waves = xp.permute_dims(xp.reshape(waves, (n, -1, d)), (1, 0, 2))
            return xp.take(waves, constant(self._kept, patches), axis=0)
        # Not FFTW, whose plans want the axes that are transformed to be the last: the copies into
        # that order and back cost more than they save on transforms as short as these.
        half = scipy.fft.rfftn(patches.reshape(n, *self._counts, d), axes=self._axes)
        return half.reshape(n, prod(self._half_shape), d).swapaxes(0, 1)[self._kept]

    def of_half_plane(self, half: NDArray[Any]) -> NDArray[Any]:
        """Return what belongs to each band of values on the half-plane of the patch grid."""
        return half.reshape(prod(self._half_shape), *half.shape[len(self._half_shape) :])[
            self._kept
        ]

    def inverse(self, bands: Complex128Array) -> FloatArray:
        """Return the images of bands; undoes `forward`: (n_bands, n, d) to (n, n_patches, d)."""
        _, n, d = bands.shape
        if is_tensor(bands):
            xp = namespace(bands)
            waves = xp.take(bands, constant(self._source, bands), axis=0)
            mirrored = constant(self._mirrored.reshape(-1, 1, 1), bands)
            waves = xp.permute_dims(xp.where(mirrored, xp.conj(waves), waves), (1, 0, 2))
            waves = xp.reshape(waves, (n, *self._half_shape, d))
            patches = xp.fft.irfftn(waves, s=self._counts, axes=self._axes)
            return xp.reshape(patches, (n, self.grid.n_patches, d))
        half = np.take(bands.swapaxes(0, 1), self._source, axis=1)
        half[:, self._conjugate] = half[:, self._conjugate].conj()
        half = half.reshape(n, *self._half_shape, d)
        patches = scipy.fft.irfftn(half, s=self._counts, axes=self._axes, overwrite_x=True)
        return patches.reshape(n, self.grid.n_patches, d)

    def constant(self, first: FloatArray) -> FloatArray:
        """Return the image of band zero, the sum over patches: the same patch everywhere."""
        return namespace(first).broadcast_to(first / self.norm, (self.norm, self.patch_dim))

    def fourier_diagonal(self, blocks: NDArray[Any], rows: slice = slice(None)) -> Complex128Array:
        """Return what (n, d, d) matrices do at each frequency of their bands by itself."""
        return self.basis.diagonal(blocks, rows)

    def by_frequency(self, blocks: NDArray[Any], rows: slice = slice(None)) -> Complex128Array:
        """Return the columns of (n, d, d) matrices in the Fourier bases of their bands."""
        return self.basis.rows_by_frequency(blocks.conj(), rows).conj()

    def circulant(self, diagonal: NDArray[Any], rows: slice = slice(None)) -> Complex128Array:
        """Return the (n, d, d) matrices that are the same under all cyclic shifts of pixels."""
        return self.basis.circulant(diagonal, rows)

    def keep_pairs(self, blocks: NDArray[Any], design: MaskDesign) -> Complex128Array:
        """Return Q_q = (1/L) Σ_q' ρ̂(q−q') S_q', the mean over all cyclic shifts of the images.

        This convolution over bands is a product over cyclic offsets of patches: S(δ) becomes
        ρ(δ) S(δ). It is taken entry by entry of the blocks, of the upper half of each.
        """
        chance = design.pair_inclusion.reshape(-1, 1)
        if is_tensor(blocks):
            offsets = self.inverse(blocks) * constant(chance, blocks)
            return tensors.real_bands(self.forward(offsets), self.multiplicity)
        d = blocks.shape[-1]
        kept = np.empty_like(blocks)
        step = max(1, PAIR_BYTES // (8 * self.grid.n_patches * d))
        for first in range(0, d, step):
            rows = slice(first, first + step)
            offsets = self.inverse(blocks[:, rows, first:])
            offsets *= chance
            bands = self.forward(offsets)
            kept[:, rows, first:] = bands
            kept[:, first:, rows] = bands.conj().swapaxes(1, 2)
        make_real(kept, self.multiplicity)
        return kept

    def inclusion(self, design: MaskDesign) -> None:
        """Return None: over all cyclic shifts every number is kept equally often."""

    @cached_property
    def basis(self) -> Polyphase:
        """The frequencies of each band."""
        return Polyphase(self.grid, self.channels, self.frequencies)


@dataclass(frozen=True, eq=False)
class Stack:
    """A second moment as a stack of Hermitian matrices.

    Attributes
    ----------
    blocks : ndarray, shape (n_blocks, d, d)
        One real matrix for dense moments, one complex matrix per band for banded ones.
    multiplicity : ndarray of int, shape (n_blocks,)
        How many blocks of the whole stack each stands for: 2 where its conjugate is left out.
    patch_dim : int
        Numbers in a patch: d for banded moments, a divisor of d for dense ones.
    mixed_in : ndarray, shape (n_blocks, d, d), or None
        What a corruption mixes in in the place of Blkdiag_p(S): for uniform masks on a grid at a
        random offset its mean over all offsets, and for mask designs that are not uniform the
        whole second moment Q of masked images.
    inclusion : ndarray, shape (d,), or None
        Probability that each number of a block is kept, in the place of μ; None where μ says it.
    """

    blocks: NDArray[Any]
    multiplicity: NDArray[np.integer[Any]]
    patch_dim: int
    mixed_in: NDArray[Any] | None = None
    inclusion: FloatArray | None = None

    @property
    def dim(self) -> int:
        """Size of the matrix that the whole stack stands for: the numbers in an image."""
        return int(self.multiplicity.sum()) * self.blocks.shape[-1]

    @cached_property
    def trace(self) -> float:
        """Tr S, over the whole stack."""
        if is_tensor(self.blocks):
            xp = namespace(self.blocks)
            return float(to_numpy(xp.real(xp.linalg.trace(self.blocks))) @ self.multiplicity)
        return float(np.einsum("bii->b", self.blocks).real @ self.multiplicity)

    @cached_property
    def local(self) -> NDArray[Any]:
        """Blkdiag_p(S): S with everything between different patches set to zero.

        Shape (d, d), the same for every block; or `mixed_in`, (n_blocks, d, d), where that stands
        in its place.
        """
        return self.local_part(self.blocks) if self.mixed_in is None else self.mixed_in

    def local_of(self, rows: slice) -> NDArray[Any]:
        """Return `local` for some of the blocks.

        Parameters
        ----------
        rows : slice
            Range of blocks.

        Returns
        -------
        ndarray, shape (d, d) or (n, d, d)
            One matrix for all blocks, or one for each of the ``n`` blocks of ``rows``.
        """
        return self.local if self.local.ndim == 2 else self.local[rows, ...]

    def local_part(self, blocks: NDArray[Any]) -> FloatArray:
        """Return Blkdiag_p of matrices in the same coordinates: one real matrix for all blocks.

        The mean over all bands is what a band matrix holds within a patch; between patches of a
        dense matrix everything is set to zero.

        Parameters
        ----------
        blocks : ndarray, shape (n_blocks, d, d)
            One matrix for each block, real as a whole: bands q and −q are conjugate.

        Returns
        -------
        ndarray of float64, shape (d, d)
            What the matrix has within patches, the same for every block.
        """
        if is_tensor(blocks):  # of bands: a block holds a single patch
            xp = namespace(blocks)
            share = self.multiplicity / self.multiplicity.sum()
            return xp.sum(xp.real(blocks) * constant(share.reshape(-1, 1, 1), blocks), axis=0)
        mean = np.zeros(blocks.shape[1:])
        for times, block in zip(self.multiplicity.tolist(), blocks.real, strict=True):
            mean += times * block
        return self.within_patches(mean / self.multiplicity.sum())

    def within_patches(self, matrix: FloatArray) -> FloatArray:
        """Return a matrix with everything between different patches set to zero.

        Parameters
        ----------
        matrix : ndarray, shape (d, d)
            Matrix on the numbers of a block: of one patch for bands, of the whole image for a dense
            stack.

        Returns
        -------
        ndarray of float64, shape (d, d)
            A new matrix; for bands the same values, as a block then holds a single patch.
        """
        patch = np.arange(len(matrix)) // self.patch_dim
        return np.where(patch[:, np.newaxis] == patch, matrix, 0.0)

    def shrunk(
        self, shrinkage: float, transform: BlockTransform, *, overwrite: bool = False
    ) -> Self:
        """Return (1−s)·S + s·S̄, with S̄ the average of S over all cyclic shifts of pixels.

        S̄ is the diagonal of S in the Fourier basis (up to channels). The trace stays.

        Parameters
        ----------
        shrinkage : float
            Weight s of the average, from 0 to 1.
        transform : BlockTransform
            Coordinates of this stack.
        overwrite : bool
            Put the result where the blocks of this stack are, which saves as much memory.

        Returns
        -------
        Stack
            The shrunken stack; this one itself if ``shrinkage`` is 0.
        """
        if shrinkage == 0:
            return self
        if is_tensor(self.blocks):
            raise TypeError(
                f"{shrinkage=} with moments that are tensors: fit_moments(moments.numpy()) shrinks "
                "them on the CPU"
            )
        blocks = self.blocks if overwrite else np.empty_like(self.blocks)

        def mix(rows: slice) -> None:
            diagonal = transform.fourier_diagonal(self.blocks[rows], rows)
            np.multiply(self.blocks[rows], 1 - shrinkage, out=blocks[rows])
            blocks[rows] += shrinkage * transform.circulant(diagonal, rows)

        in_batches(mix, *self.blocks.shape[:2])
        make_real(blocks, self.multiplicity)
        return dataclasses.replace(self, blocks=blocks)


def in_double(matrices: NDArray[Any]) -> NDArray[Any]:
    """Return matrices in double precision, in which all is computed; files may hold them in single.

    Parameters
    ----------
    matrices : ndarray or tensor
        Real or complex.

    Returns
    -------
    ndarray or tensor
        The same array if it is a tensor or in double precision already.
    """
    if is_tensor(matrices):
        return matrices
    return np.asarray(matrices, np.result_type(matrices, np.float64))


def make_real(blocks: NDArray[Any], multiplicity: NDArray[np.integer[Any]]) -> None:
    """Set to zero what rounding left of the imaginary part of bands that are their own conjugates.

    Parameters
    ----------
    blocks : ndarray, shape (n_blocks, d, d)
        Matrices, changed in place.
    multiplicity : ndarray of int, shape (n_blocks,)
        1 for a band that is its own conjugate, else 2.
    """
    if np.iscomplexobj(blocks):
        blocks.imag[multiplicity == 1] = 0.0


@dataclass(frozen=True, eq=False)
class CentredStack(Stack):
    """The second moment of images about a mean that is not theirs, and what it was taken for.

    Attributes
    ----------
    problem : tuple
        What has to be the same in whoever uses it: kind of moments, grid, channels, offsets.
    mean : ndarray
        The mean that was subtracted, in patch order.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> images = np.random.default_rng(0).standard_normal((60, 8, 8)).cumsum(axis=1)
    >>> model = sm.LinearMAE(4, 0.5).fit(images[:40])
    >>> stack = model.second_moment(images[40:])  # reads the held-out images once
    >>> [model.set_params(mask_ratio=m).fit(images[:40]).score(stack) > 0 for m in (0.25, 0.75)]
    [True, True]
    """

    problem: tuple[Any, ...] = ()
    mean: FloatArray = field(default_factory=lambda: np.empty(0))

    def fits(self, problem: tuple[Any, ...], mean: FloatArray) -> bool:
        """Tell whether this second moment was taken for a given problem and mean.

        Parameters
        ----------
        problem : tuple
            What has to be the same: kind of moments, grid, channels and offsets.
        mean : ndarray, shape (n_patches, patch_dim)
            Mean that a model subtracts.

        Returns
        -------
        bool
            Whether both are those of this second moment.
        """
        return self.problem == problem and np.array_equal(to_numpy(self.mean), to_numpy(mean))
