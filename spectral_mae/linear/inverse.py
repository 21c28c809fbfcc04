"""Inverses of Hermitian matrices, and pseudo-inverses where they are singular to rounding."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

_EPS = float(np.finfo(np.float64).eps)
SMALL = 8  # size of a block up to which eigenvectors of many at once beat elimination of each
LARGE = 96  # from here on the Cholesky factor at hand beats elimination, by strips of so many rows
STRIP = 32


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
    """

    def __init__(self, second: NDArray[Any], cutoff: float) -> None:
        self._second = second
        self._vectors: NDArray[Any] | None = None
        self._factors: NDArray[Any] | None = None
        self._dropped = np.zeros(len(second), dtype=int)
        self.condition = 1.0
        if second.shape[1] <= SMALL or not self._regular(cutoff):
            self._decompose(cutoff)

    def solve(self, right: NDArray[Any]) -> NDArray[Any]:
        """Q⁻¹ times matrices."""
        if self._factors is not None:
            rights = np.broadcast_to(right, (len(self._factors), *right.shape[-2:]))
            pairs = zip(self._factors, rights, strict=True)
            return np.stack([_substitute(factor, one) for factor, one in pairs])
        if self._vectors is None:
            shape = (*self._second.shape[:-1], right.shape[-1])
            return np.linalg.solve(self._second, np.broadcast_to(right, shape))
        vectors = self._vectors
        return (vectors * self._gains) @ (vectors.conj().swapaxes(1, 2) @ right)

    def met(self, multiplicity: NDArray[np.integer[Any]]) -> Met:
        """What was met, for blocks that stand for so many."""
        return Met(self.condition, int(self._dropped @ multiplicity))

    def _regular(self, cutoff: float) -> bool:
        try:
            factors = np.linalg.cholesky(self._second)
        except np.linalg.LinAlgError:
            return False
        complex_ = np.iscomplexobj(factors)
        estimate = scipy.linalg.lapack.zpocon if complex_ else scipy.linalg.lapack.dpocon
        norms = np.abs(self._second).sum(axis=1).max(axis=1)
        for factor, norm in zip(factors, norms.tolist(), strict=True):
            rcond, _ = estimate(factor, norm, uplo="L")
            if norm * rcond <= cutoff:
                return False
            self.condition = max(self.condition, 1.0 / rcond)
        if factors.shape[1] >= LARGE:
            self._factors = factors
        return True

    def _decompose(self, cutoff: float) -> None:
        values, self._vectors = np.linalg.eigh(self._second)
        inside = values > cutoff
        gains = np.divide(1.0, values, out=np.zeros_like(values), where=inside)
        self._gains = gains[:, np.newaxis]
        self._dropped = np.count_nonzero(~inside, axis=1)
        self.condition = float(np.max(values[:, -1] * gains.max(axis=1), initial=1.0))


def _substitute(factor: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """(LLᴴ)⁻¹ times a matrix, forwards and backwards by strips of rows.

    Nearly all of it is products, which let go of the interpreter; BLAS's own triangular solve in
    SciPy does not.
    """
    ends = [(i, min(i + STRIP, len(factor))) for i in range(0, len(factor), STRIP)]
    corners = [np.linalg.inv(factor[first:last, first:last]) for first, last in ends]
    found = np.empty(right.shape, np.result_type(factor, right))
    for (first, last), corner in zip(ends, corners, strict=True):
        rest = right[first:last] - factor[first:last, :first] @ found[:first]
        np.matmul(corner, rest, out=found[first:last])
    for (first, last), corner in zip(reversed(ends), reversed(corners), strict=True):
        rest = found[first:last] - factor[last:, first:last].conj().T @ found[last:]
        np.matmul(corner.conj().T, rest, out=found[first:last])
    return found
