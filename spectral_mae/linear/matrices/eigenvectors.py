"""Eigenvalues and eigenvectors of stacks of Hermitian matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.linear.matrices import lapack

WIDE = 96  # from here on LAPACK's steps one by one beat its driver of all


def eigenvectors(matrices: NDArray[Any]) -> tuple[FloatArray, NDArray[Any]]:
    """Return eigenvalues and eigenvectors of Hermitian matrices.

    Parameters
    ----------
    matrices : ndarray, shape (n, d, d)
        The matrices, of which nothing above the diagonal is read; they may be overwritten.

    Returns
    -------
    values : ndarray of float64, shape (n, d)
        Eigenvalues of each, rising.
    vectors : ndarray, shape (n, d, d)
        Eigenvectors of each, one a column.
    """
    if matrices.shape[-1] < WIDE or not np.iscomplexobj(matrices):
        return np.linalg.eigh(matrices)
    values, vectors = np.empty(matrices.shape[:2]), np.empty_like(matrices)
    for i, one in enumerate(matrices):
        values[i], vectors[i] = lapack.eigenvectors(one)
    return values, vectors
