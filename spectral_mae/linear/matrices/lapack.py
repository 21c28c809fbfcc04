"""Cholesky factors, triangular solves and sums of products in place, while other threads run.

SciPy's functions of these names keep the interpreter's lock, so that threads which each have a
matrix of their own wait for each other, and NumPy's Cholesky factor takes twice as long as that of
LAPACK, for it copies the matrix twice, once by columns. `scipy.linalg.cython_blas` and
`cython_lapack` hand out the same routines as pointers, with their signatures; `ctypes` calls them
without the lock. Where a SciPy has other signatures than those known here, its functions serve.

Matrices are of float64 or complex128, and contiguous along rows. LAPACK, which goes by columns,
sees their transposes: of a Hermitian matrix that is the conjugate, its lower triangle is the
upper one, and a system with the unknown on the right has it on the left. So nothing is copied.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy.linalg import cython_blas, cython_lapack

INTEGERS = {
    "trsm": 4,
    "herk": 4,
    "potrf": 3,
    "pocon": 3,
}  # pointers to int in the signature of a routine


def factor(matrix: NDArray[Any]) -> bool:
    """Put the Cholesky factor L, Q = LLᴴ, into the lower triangle of Q.

    Parameters
    ----------
    matrix : ndarray, shape (d, d)
        Hermitian matrix Q; what is above the diagonal is neither read nor written.

    Returns
    -------
    bool
        False if Q is not positive definite; its lower triangle is then lost.
    """
    routine = _pointer("potrf", matrix.dtype.char)
    if routine is None:
        found, info = getattr(scipy.linalg.lapack, _full("potrf", matrix.dtype.char))(
            matrix.T, lower=0, clean=0, overwrite_a=1
        )
        matrix.T[...] = found
        return bool(info == 0)
    info = ctypes.c_int(0)
    routine(b"U", _int(len(matrix)), *_array(matrix), ctypes.byref(info))
    return info.value == 0


def solve(lower: NDArray[Any], right: NDArray[Any], *, adjoint: bool = False) -> None:
    """Put L⁻¹ B, or L⁻ᴴ B, in the place of B.

    Parameters
    ----------
    lower : ndarray, shape (d, d)
        Its lower triangle is L.
    right : ndarray, shape (d, n)
        B, of the type of ``lower``, or complex where that is real.
    adjoint : bool
        Whether Lᴴ stands in the place of L.
    """
    if np.iscomplexobj(right) and not np.iscomplexobj(lower):
        right = right.view(np.float64)  # a real and an imaginary part are two columns
    trans = b"C" if adjoint else b"N"
    routine = _pointer("trsm", lower.dtype.char)
    if routine is None:
        function = getattr(scipy.linalg.blas, _full("trsm", lower.dtype.char))
        right.T[...] = function(1.0, lower.T, right.T, side=1, trans_a=2 * adjoint, overwrite_b=1)
        return
    one = np.ones(1, lower.dtype)
    sizes = _int(right.shape[1]), _int(right.shape[0])
    routine(b"R", b"U", trans, b"N", *sizes, one.ctypes.data, *_array(lower), *_array(right))


def reciprocal_condition(lower: NDArray[Any], norm: float) -> float:
    """Return LAPACK's estimate of 1 / (‖Q‖·‖Q⁻¹‖), in the norm of the largest sum of a column.

    Parameters
    ----------
    lower : ndarray, shape (d, d)
        Its lower triangle is the Cholesky factor of Q.
    norm : float
        That of Q.

    Returns
    -------
    float
        From 0 to 1.
    """
    d = len(lower)
    routine = _pointer("pocon", lower.dtype.char)
    if routine is None:
        function = getattr(scipy.linalg.lapack, _full("pocon", lower.dtype.char))
        return float(function(lower.T, norm, uplo="U")[0])
    work, more = np.empty(3 * d, lower.dtype), np.empty(d)  # `more` is of integers for real ones
    found, info = ctypes.c_double(0.0), ctypes.c_int(0)
    scalars = ctypes.byref(ctypes.c_double(norm)), ctypes.byref(found)
    routine(
        b"U", _int(d), *_array(lower), *scalars, work.ctypes.data, more.ctypes.data,
        ctypes.byref(info),
    )  # fmt: skip
    return found.value


def add_outer_products(total: NDArray[np.complex128], rows: NDArray[np.complex128]) -> None:
    """Add Σ xxᴴ over vectors x to the lower triangle of a Hermitian matrix.

    Parameters
    ----------
    total : ndarray of complex128, shape (d, d)
        The matrix; what is above the diagonal is neither read nor written.
    rows : ndarray of complex128, shape (n, d)
        The vectors, one a row.
    """
    conjugate = np.conj(rows, order="C")  # of columns, so that the sum is of xxᴴ by rows
    _rank_update(total, conjugate, b"N", conjugate.shape[0])


def square(matrix: NDArray[Any]) -> NDArray[Any]:
    """Return A Aᴴ, in half the time of a product.

    Parameters
    ----------
    matrix : ndarray, shape (d, n)
        A.

    Returns
    -------
    ndarray, shape (d, d)
        Its lower triangle; zeros above the diagonal.
    """
    total = np.zeros((len(matrix), len(matrix)), matrix.dtype)
    _rank_update(total, matrix, b"C", matrix.shape[1])
    return total


def _rank_update(total: NDArray[Any], rows: NDArray[Any], trans: bytes, n: int) -> None:
    """Add BBᴴ ("N") or BᴴB ("C") of the columns that LAPACK sees, a sum over n of them."""
    routine = _pointer("herk", total.dtype.char)
    if routine is None:
        function = getattr(scipy.linalg.blas, _full("herk", total.dtype.char))
        kind = {b"N": 0, b"C": 2 if np.iscomplexobj(total) else 1}[trans]
        total.T[...] = function(1.0, rows.T, beta=1.0, c=total.T, trans=kind, overwrite_c=1)
        return
    one = ctypes.byref(ctypes.c_double(1.0))
    routine(b"U", trans, _int(len(total)), _int(n), one, *_array(rows), one, *_array(total))


@cache
def _pointer(name: str, type_: str) -> Callable[..., None] | None:
    """A routine for matrices of "d" or "D", float64 or complex128; None if its integers differ."""
    full = _full(name, type_)
    module = cython_blas if name in ("trsm", "herk") else cython_lapack
    capsule = module.__pyx_capi__[full]
    signature = _signature(capsule)
    integers = INTEGERS[name] + (full == "dpocon")
    if signature is None or signature.count(b" int *") != integers:
        return None
    address = ctypes.pythonapi.PyCapsule_GetPointer
    address.restype, address.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    n_arguments = signature.count(b",") + 1
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * n_arguments)
    return kind(address(capsule, signature))


def _signature(capsule: Any) -> bytes | None:
    """The signature of a routine in C, which is the name of its capsule."""
    name = ctypes.pythonapi.PyCapsule_GetName
    name.restype, name.argtypes = ctypes.c_char_p, (ctypes.py_object,)
    return name(capsule)


def _full(name: str, type_: str) -> str:
    if type_ == "d":
        return f"d{'syrk' if name == 'herk' else name}"
    return f"z{name}"


def _int(value: int) -> Any:
    return ctypes.byref(ctypes.c_int(value))


def _array(matrix: NDArray[Any]) -> tuple[int, Any]:
    """Where a matrix is, and how many numbers lie from one of its rows to the next."""
    return matrix.ctypes.data, _int(matrix.strides[0] // matrix.itemsize)
