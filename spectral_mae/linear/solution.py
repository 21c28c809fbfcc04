"""What a solver of the linear models returns."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectral_mae._array_api import numpy_fields
from spectral_mae._checks import FloatArray


def in_single(matrices: NDArray[Any]) -> NDArray[Any]:
    """Return matrices in single precision.

    Parameters
    ----------
    matrices : ndarray of float64 or complex128
        The matrices; those in single precision are returned as they are.

    Returns
    -------
    ndarray of float32 or complex64
        The nearest numbers.
    """
    return matrices.astype(np.complex64 if np.iscomplexobj(matrices) else np.float32, copy=False)


@dataclass(frozen=True, eq=False)
class Components:
    """The eigenvectors that a bottleneck keeps, by descending eigenvalue.

    One of a band stands for two real ones, a cosine and a sine, where its block stands for the
    conjugate band too.

    Attributes
    ----------
    block : ndarray of int, shape (n,)
        Block of each eigenvector.
    copies : ndarray of int, shape (n,)
        Real directions that are kept of it; they sum to the rank.
    eigenvalue : ndarray, shape (n,)
        Eigenvalue of μ² S Q⁻¹ S of each, descending.
    decoder : ndarray, shape (n, d)
        The eigenvectors u.
    encoder : ndarray, shape (n, d)
        The images W u, with W the full-rank map of the block.
    split : int or None
        Place of the last, if the rank keeps one real direction only of a conjugate pair.
    """

    block: NDArray[np.integer[Any]]
    copies: NDArray[np.integer[Any]]
    eigenvalue: FloatArray
    decoder: NDArray[Any]
    encoder: NDArray[Any]
    split: int | None

    def weights(self, n_blocks: int, *, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Return W U Uᴴ of each block, but for half pairs.

        Parameters
        ----------
        n_blocks : int
            Number of blocks.
        out : ndarray, shape (n_blocks, d, d), or None
            Where to put the map; None takes new memory.

        Returns
        -------
        ndarray, shape (n_blocks, d, d)
            The map; blocks without eigenvectors are zero.
        """
        d = self.decoder.shape[1]
        found = np.zeros((n_blocks, d, d), self.decoder.dtype) if out is None else out
        if out is not None:
            found[np.setdiff1d(np.arange(n_blocks), self.block)] = 0.0
        for block in np.unique(self.block):
            chosen = self.block == block
            if self.split is not None:
                chosen[self.split] = False
            found[block] = self.encoder[chosen].T @ self.decoder[chosen].conj()
        return found


class Kept(NamedTuple):
    """Which eigenvectors of a stack a bottleneck keeps, by descending eigenvalue.

    Attributes
    ----------
    block, place : ndarray of int, shape (n,)
        Block of each, and its place among the eigenvalues of the block.
    copies : ndarray of int, shape (n,)
        Real directions that are kept of it; they sum to the rank.
    split : int or None
        Place of the last, if one real direction only of a conjugate pair is kept.
    """

    block: NDArray[np.integer[Any]]
    place: NDArray[np.integer[Any]]
    copies: NDArray[np.integer[Any]]
    split: int | None


def largest_kept(values: FloatArray, multiplicity: NDArray[np.integer[Any]], rank: int) -> Kept:
    """Choose the ``rank`` largest eigenvalues over a whole stack.

    Parameters
    ----------
    values : ndarray, shape (n_blocks, m)
        Eigenvalues of each block, rising.
    multiplicity : ndarray of int, shape (n_blocks,)
        How many blocks each stands for.
    rank : int
        How many are kept, at most all.

    Returns
    -------
    Kept
        Where they are.
    """
    order = np.argsort(-values, axis=None, kind="stable")
    block, place = np.unravel_index(order, values.shape)
    filled = np.cumsum(multiplicity[block])
    n = int(np.searchsorted(filled, rank)) + 1
    block, place = block[:n], place[:n]
    copies = multiplicity[block]
    short = rank - int(filled[n - 1])
    copies[-1] += short
    return Kept(block, place, copies, n - 1 if short else None)


@dataclass(frozen=True, eq=False)
class Solution:
    """The best linear map for a stack, and what was met on the way to it.

    Attributes
    ----------
    weights : ndarray, shape (n_blocks, d, d)
        W of each block; rows in, rows out: x̂ = x̃ W for a dense one, x̂_q = x̃_q conj(W_q) for bands.
        In single precision where a file holds it so.
    loss : float
        Expected squared error, summed over the stack.
    trace : float
        Tr S, the loss of predicting the mean.
    rank : int
        Width of the bottleneck; the numbers in an image if there is none.
    eigenvalues : ndarray, shape (rank,), or None
        The eigenvalues of μ² S Q⁻¹ S that are kept, descending; their sum is trace − loss. None
        where they were not computed.
    condition : float
        Largest condition number of Q over the blocks, within its range.
    n_dropped : int
        Dimensions of the whole stack in which Q has no more than rounding; the map ignores them.
    components : Components or None
        What a bottleneck keeps; None without one. Where the rank splits a conjugate pair of bands,
        the direction that is kept of it is counted in ``loss`` but is not in ``weights``: no
        shift-equivariant real map holds half a pair.
    """

    weights: NDArray[Any]
    loss: float
    trace: float
    rank: int
    eigenvalues: FloatArray | None
    condition: float
    n_dropped: int
    components: Components | None = None

    def numpy(self) -> Solution:
        """Return this solution with NumPy arrays in the place of tensors, on the CPU.

        Returns
        -------
        Solution
            The same numbers; this one itself if it holds no tensor.
        """
        components = None if self.components is None else numpy_fields(self.components)
        whole = numpy_fields(self)
        if components is self.components:
            return whole
        return dataclasses.replace(whole, components=components)

    @property
    def split(self) -> int | None:
        """Place among the components of a conjugate pair that the rank splits, if it does."""
        return None if self.components is None else self.components.split

    @property
    def explained(self) -> float:
        """1 − loss/trace, the explained fraction of power; NaN for images without any."""
        return 1.0 - self.loss / self.trace if self.trace > 0 else math.nan
