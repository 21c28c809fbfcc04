"""A second moment as a stack of Hermitian matrices: all that the solver knows of images."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae._parallel import in_batches
from spectral_mae.linear.moments.transforms import BlockTransform


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
    offset_local : ndarray, shape (n_blocks, d, d), or None
        Where the patch grid lies at a random offset: the mean of Blkdiag_p(S) over all offsets.
    """

    blocks: NDArray[Any]
    multiplicity: NDArray[np.integer[Any]]
    patch_dim: int
    offset_local: NDArray[Any] | None = None

    @property
    def dim(self) -> int:
        """Size of the matrix that the whole stack stands for: the numbers in an image."""
        return int(self.multiplicity.sum()) * self.blocks.shape[-1]

    @cached_property
    def trace(self) -> float:
        """Tr S, over the whole stack."""
        return float(np.einsum("bii->b", self.blocks).real @ self.multiplicity)

    @cached_property
    def local(self) -> NDArray[Any]:
        """Blkdiag_p(S): S with everything between different patches set to zero.

        Shape (d, d), the same for every block; (n_blocks, d, d) where the patch grid lies at a
        random offset.
        """
        return self.local_part(self.blocks) if self.offset_local is None else self.offset_local

    def local_of(self, rows: slice) -> NDArray[Any]:
        """`local` of some blocks, to be broadcast against them."""
        return self.local if self.local.ndim == 2 else self.local[rows]

    def local_part(self, blocks: NDArray[Any]) -> FloatArray:
        """Blkdiag_p of any stack like this one: the same real matrix for every block.

        The mean over all bands is what a band matrix holds within a patch; between patches of a
        dense matrix everything is set to zero.
        """
        mean = np.zeros(blocks.shape[1:])
        for times, block in zip(self.multiplicity.tolist(), blocks.real, strict=True):
            mean += times * block
        return self.within_patches(mean / self.multiplicity.sum())

    def within_patches(self, matrix: FloatArray) -> FloatArray:
        """A matrix with everything between different patches set to zero."""
        patch = np.arange(len(matrix)) // self.patch_dim
        return np.where(patch[:, np.newaxis] == patch, matrix, 0.0)

    def shrunk(
        self, shrinkage: float, transform: BlockTransform, *, overwrite: bool = False
    ) -> Self:
        """(1−s)·S + s·S̄, with S̄ the average of S over all cyclic shifts of pixels.

        S̄ is the diagonal of S in the Fourier basis (up to channels). The trace stays.
        ``overwrite`` puts the result where the blocks of this stack are.
        """
        if shrinkage == 0:
            return self
        blocks = self.blocks if overwrite else np.empty_like(self.blocks)

        def mix(rows: slice) -> None:
            diagonal = transform.fourier_diagonal(self.blocks[rows], rows)
            np.multiply(self.blocks[rows], 1 - shrinkage, out=blocks[rows])
            blocks[rows] += shrinkage * transform.circulant(diagonal, rows)

        in_batches(mix, *self.blocks.shape[:2])
        if np.iscomplexobj(blocks):
            blocks.imag[self.multiplicity == 1] = 0.0  # but for rounding it is
        return dataclasses.replace(self, blocks=blocks)


@dataclass(frozen=True, eq=False)
class CentredStack(Stack):
    """The second moment of images about a mean that is not theirs, and what it was taken for.

    Attributes
    ----------
    problem : tuple
        What has to be the same in whoever uses it: kind of moments, grid, channels, offsets.
    mean : ndarray
        The mean that was subtracted, in patch order.
    """

    problem: tuple[Any, ...] = ()
    mean: FloatArray = field(default_factory=lambda: np.empty(0))

    def fits(self, problem: tuple[Any, ...], mean: FloatArray) -> bool:
        """Whether it was taken for this problem and mean."""
        return self.problem == problem and np.array_equal(self.mean, mean)
