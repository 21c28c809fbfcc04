"""Pencils of Hermitian matrices: one basis in which two of them are diagonal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.linear.matrices import lapack
from spectral_mae.linear.matrices.eigenvectors import eigenvectors
from spectral_mae.linear.matrices.inverse import LARGE, substitute


def diagonalised(first: NDArray[Any], factors: NDArray[Any]) -> tuple[FloatArray, NDArray[Any]]:
    """Return Λ and V with Vᴴ Q₀ V = Λ and Vᴴ L Lᴴ V = I.

    Parameters
    ----------
    first : ndarray, shape (n, d, d)
        Hermitian matrices Q₀; they are overwritten.
    factors : ndarray, shape (n, d, d)
        Cholesky factors L, as `inverse.factored` returns them, of the type of ``first``.

    Returns
    -------
    values : ndarray of float64, shape (n, d)
        Λ of each, rising.
    vectors : ndarray, shape (n, d, d)
        V of each.
    """
    d = first.shape[-1]
    if d < LARGE:
        substitute(factors, first)
        first = np.ascontiguousarray(first.conj().mT)
        substitute(factors, first)
    else:
        for one, factor in zip(first, factors, strict=True):
            lapack.reduce_pencil(one, factor)
    values, vectors = eigenvectors(first)
    substitute(factors, vectors, adjoint=True)
    return values, vectors
