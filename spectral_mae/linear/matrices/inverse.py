"""Inverses of stacks of Hermitian matrices; of those singular to rounding, pseudo-inverses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectral_mae.linear.matrices import lapack
from spectral_mae.linear.matrices.eigenvectors import eigenvectors

EPS = float(np.finfo(np.float64).eps)
SMALL = 8  # size of a block up to which eigenvectors of many at once beat elimination of each
LARGE = 40  # from here on a call for each matrix beats NumPy's elimination of a stack


class Met(NamedTuple):
    """What the inversions of a stack met.

    Attributes
    ----------
    condition : float
        Largest condition number, within the range of each matrix.
    n_dropped : int
        Dimensions that count as empty.
    """

    condition: float
    n_dropped: int

    @classmethod
    def all(cls, parts: Iterable[Met]) -> Met:
        """Over all blocks."""
        conditions, dropped = zip(*parts, strict=True)
        return cls(max(conditions), sum(dropped))


class Inverse:
    """Q⁻¹ of some blocks, or its pseudo-inverse where Q is singular to rounding.

    Elimination serves wherever a Cholesky factor and LAPACK's estimate of the condition say that
    it may; else, and for the smallest blocks, the eigenvectors above the cut-off do.

    Parameters
    ----------
    second : ndarray, shape (n, d, d)
        Hermitian matrices Q. Blocks without an imaginary part are taken as real ones.
    cutoff : float
        Size up to which eigenvalues count as zero.
    overwrite : bool
        Whether the factors may take the place of the matrices, which saves a copy.
    """

    def __init__(self, second: NDArray[Any], cutoff: float, *, overwrite: bool = False) -> None:
        self._second = second = as_real(second)
        self._overwrite = overwrite
        self._vectors: NDArray[Any] | None = None
        self._factors: NDArray[Any] | None = None
        self._dropped = np.zeros(len(second), dtype=int)
        self.condition = 1.0
        if second.shape[1] <= SMALL or not self._regular(cutoff):
            self._decompose(cutoff)

    def solve(self, right: NDArray[Any], out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Return Q⁻¹ times matrices.

        Parameters
        ----------
        right : ndarray, shape (n, d, m) or (d, m)
            The matrices, or one for all blocks.
        out : ndarray, shape (n, d, m), or None
            Where the result is put, which may be ``right``; a new array by default.

        Returns
        -------
        ndarray, shape (n, d, m)
            The products.
        """
        shape = (*self._second.shape[:-1], right.shape[-1])
        if out is None:
            out = np.empty(shape, np.result_type(self._second, right))
        if self._factors is not None:
            if out is not right:
                out[...] = right
            for factor, one in zip(self._factors, out, strict=True):
                lapack.solve(factor, one)
                lapack.solve(factor, one, adjoint=True)
        elif self._vectors is None:
            out[...] = np.linalg.solve(self._second, np.broadcast_to(right, shape))
        else:
            vectors = self._vectors
            np.matmul(vectors * self._gains, vectors.conj().swapaxes(1, 2) @ right, out=out)
        return out

    def met(self, multiplicity: NDArray[np.integer[Any]]) -> Met:
        """What was met, for blocks that stand for so many."""
        return Met(self.condition, self.n_dropped(multiplicity))

    def n_dropped(self, multiplicity: NDArray[np.integer[Any]]) -> int:
        """Return the dimensions that count as empty, of blocks that stand for so many."""
        return int(self._dropped @ multiplicity)

    def _regular(self, cutoff: float) -> bool:
        diagonals = np.einsum("bii->bi", self._second).copy()
        norms = _norms(self._second)  # before the factors may take their place
        factors = _factors(self._second, overwrite=self._overwrite)
        for factor, norm in zip(() if factors is None else factors, norms, strict=False):
            rcond = lapack.reciprocal_condition(factor, norm)
            if norm * rcond <= cutoff:
                factors = None
                break
            self.condition = max(self.condition, 1.0 / rcond)
        if factors is None and self._overwrite:
            _restore(self._second, diagonals)
        elif self._second.shape[1] >= LARGE:
            self._factors = factors
        return factors is not None

    def _decompose(self, cutoff: float) -> None:
        values, self._vectors = eigenvectors(self._second.copy())
        inside = values > cutoff
        gains = np.divide(1.0, values, out=np.zeros_like(values), where=inside)
        self._gains = gains[:, np.newaxis]
        self._dropped = np.count_nonzero(~inside, axis=1)
        self.condition = float(np.max(values[:, -1] * gains.max(axis=1), initial=1.0))


def factored(second: NDArray[Any], *, overwrite: bool = False) -> NDArray[Any] | None:
    """Return Cholesky factors of some blocks.

    Parameters
    ----------
    second : ndarray, shape (n, d, d)
        Hermitian matrices.
    overwrite : bool
        Whether the factors may take the place of the matrices.

    Returns
    -------
    ndarray, shape (n, d, d), or None
        Their lower triangles are the factors; None if a matrix has none.
    """
    return _factors(second, overwrite=overwrite)


def least_eigenvalue(factors: NDArray[Any] | None) -> float:
    """Return the estimate of the smallest eigenvalue by which `Inverse` tells singular blocks.

    Parameters
    ----------
    factors : ndarray, shape (n, d, d), or None
        What `factored` returned for the blocks.

    Returns
    -------
    float
        Of all blocks; 0 without factors.
    """
    if factors is None:
        return 0.0
    # With 1 in the place of the norm of Q the estimate is that of 1/‖Q⁻¹‖.
    return min(lapack.reciprocal_condition(factor, 1.0) for factor in factors)


def substitute(factors: NDArray[Any], right: NDArray[Any], *, adjoint: bool = False) -> None:
    """Put L⁻¹ B, or L⁻ᴴ B, in the place of matrices B.

    Parameters
    ----------
    factors : ndarray, shape (n, d, d)
        Cholesky factors L, as `factored` returns them.
    right : ndarray, shape (n, d, m)
        The matrices B, of the type of the factors.
    adjoint : bool
        Whether Lᴴ stands in the place of L.
    """
    if factors.shape[-1] < LARGE:
        right[...] = np.linalg.solve(factors.conj().mT if adjoint else factors, right)
        return
    for factor, one in zip(factors, right, strict=True):
        lapack.solve(factor, one, adjoint=adjoint)


def as_real(matrices: NDArray[Any]) -> NDArray[Any]:
    """Return complex matrices whose imaginary parts are all zero as real ones, others as they are.

    Parameters
    ----------
    matrices : ndarray, shape (n, d, d)
        The matrices; bands that are their own conjugates are among the real ones.

    Returns
    -------
    ndarray, shape (n, d, d)
        Contiguous and real, or the same array.
    """
    if not np.iscomplexobj(matrices):
        return matrices
    # A row tells of nearly all others that they are not real.
    if matrices[:, :1].imag.any() or matrices.imag.any():
        return matrices
    return np.ascontiguousarray(matrices.real)


def _factors(second: NDArray[Any], *, overwrite: bool = False) -> NDArray[Any] | None:
    """Cholesky factors in the lower triangles of matrices; None if one is not positive definite."""
    if second.shape[-1] < LARGE:
        try:
            return np.linalg.cholesky(second)
        except np.linalg.LinAlgError:
            return None
    factors = second if overwrite else np.array(second, order="C")
    return factors if all(map(lapack.factor, factors)) else None


def _restore(second: NDArray[Any], diagonals: NDArray[Any]) -> None:
    """Put Hermitian matrices back whose lower triangles were overwritten."""
    lower = np.tri(second.shape[-1], k=-1, dtype=bool)
    for matrix, diagonal in zip(second, diagonals, strict=True):
        np.copyto(matrix, matrix.conj().T, where=lower)
        np.fill_diagonal(matrix, diagonal)


def _norms(second: NDArray[Any]) -> list[float]:
    """The largest sum of a column of each matrix."""
    norms: list[float] = np.abs(second).sum(axis=1).max(axis=1).tolist()
    return norms
