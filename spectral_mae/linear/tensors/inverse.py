"""Inverses of stacks of Hermitian matrices that are tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._array_api import scalars
from spectral_mae._checks import namespace, to_numpy


class TensorInverse:
    """Q⁻¹ of some blocks, or its pseudo-inverse where Q is singular to rounding.

    As `spectral_mae.linear.matrices.inverse.Inverse`, all blocks at once. The array API has neither
    triangular solves nor LAPACK's estimate of the condition, so that is computed, in the norm of
    the largest sum of a column.

    Parameters
    ----------
    second : tensor, shape (n, d, d)
        Hermitian matrices Q.
    cutoff : float
        Size up to which eigenvalues count as zero.
    """

    def __init__(self, second: Any, cutoff: float) -> None:
        self._second = second
        self._vectors: Any = None
        self._dropped = np.zeros(second.shape[0], dtype=int)
        self.condition = 1.0
        if not self._regular(cutoff):
            self._decompose(cutoff)

    def solve(self, right: Any, out: Any = None) -> Any:
        """Return Q⁻¹ times matrices.

        Parameters
        ----------
        right : tensor, shape (n, d, m)
            The matrices.
        out : tensor, shape (n, d, m), or None
            Where the result is put as well.

        Returns
        -------
        tensor, shape (n, d, m)
            The products.
        """
        xp = namespace(right)
        if self._vectors is None:
            found = xp.linalg.solve(self._second, right)
        else:
            adjoint = xp.conj(xp.matrix_transpose(self._vectors))
            found = (self._vectors * self._gains) @ (adjoint @ right)
        if out is not None:
            out[...] = found
        return found

    def n_dropped(self, multiplicity: NDArray[np.integer[Any]]) -> int:
        """Return the dimensions that count as empty.

        Parameters
        ----------
        multiplicity : ndarray of int, shape (n,)
            How many blocks each stands for.

        Returns
        -------
        int
            Over all of these.
        """
        return int(self._dropped @ multiplicity)

    def _regular(self, cutoff: float) -> bool:
        xp = namespace(self._second)
        try:
            inverse = xp.linalg.inv(self._second)
        except (np.linalg.LinAlgError, RuntimeError):  # the second from PyTorch, of singular ones
            return False
        forth, back = (_norms(xp, one) for one in (self._second, inverse))
        largest, condition = scalars(xp.max(back), xp.max(forth * back))
        if not largest * cutoff < 1.0:  # as where it is NaN
            return False
        self.condition = max(1.0, condition)
        return True

    def _decompose(self, cutoff: float) -> None:
        xp = namespace(self._second)
        values, self._vectors = xp.linalg.eigh(self._second)
        inside = values > cutoff
        ones = xp.ones_like(values)
        gains = xp.where(inside, ones / xp.where(inside, values, ones), xp.zeros_like(values))
        self._gains = xp.astype(gains, self._vectors.dtype)[:, None, :]
        self._dropped = np.count_nonzero(~to_numpy(inside), axis=1)
        (condition,) = scalars(xp.max(values[:, -1] * xp.max(gains, axis=1)))
        self.condition = max(1.0, condition)


def _norms(xp: Any, matrices: Any) -> Any:
    return xp.max(xp.sum(xp.abs(matrices), axis=-2), axis=-1)
