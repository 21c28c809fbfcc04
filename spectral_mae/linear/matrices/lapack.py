"""Cholesky factors, triangular solves, eigenvectors and halves of products, as threads run.

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

from spectral_mae._checks import FloatArray

STRIP = 128  # rows of a Hermitian product that are multiplied at once, up to the diagonal
INTEGERS = {
    "gemm": 6,
    "trsm": 4,
    "herk": 4,
    "potrf": 3,
    "pocon": 3,
    "pstrf": 5,
    "hegst": 4,
    "hetrd": 4,
    "stedc": 6,
    "unmtr": 6,
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
    sizes, one = (_int(right.shape[1]), _int(right.shape[0])), _scalar(1, lower.dtype.char)
    routine(b"R", b"U", trans, b"N", *sizes, one, *_array(lower), *_array(right))


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


def thin_factor(matrix: NDArray[Any]) -> NDArray[Any] | None:
    """Return X with A = XXᴴ up to rounding, if the rank of A is well below its size.

    Parameters
    ----------
    matrix : ndarray, shape (d, d)
        Hermitian matrix A without negative eigenvalues, such as a sum over a few vectors.

    Returns
    -------
    ndarray, shape (d, rank), or None
        X; None if the rank is a third of d or more, or seems so from a third of the rows.
    """
    part = np.array(matrix[::3, ::3], order="C")
    if _pivoted(part)[1] == len(part):  # in vain, a factor of A takes 27 times as long
        return None
    factor = np.array(matrix, order="C")
    places, rank = _pivoted(factor)
    if 3 * rank >= len(matrix):
        return None
    thin = np.empty((len(matrix), rank), matrix.dtype)
    thin[places] = np.tril(factor[:, :rank])
    return thin


def _pivoted(matrix: NDArray[Any]) -> tuple[NDArray[np.integer[Any]], int]:
    """Put the Cholesky factor of PᵀAP into the lower triangle of A; return the places and rank."""
    d, type_ = len(matrix), matrix.dtype.char
    routine = _pointer("pstrf", type_)
    if routine is None:
        function = getattr(scipy.linalg.lapack, _full("pstrf", type_))
        found, places, rank, _ = function(matrix.T, lower=0, overwrite_a=1)
        matrix.T[...] = found
        return places - 1, int(rank)
    places, work = np.empty(d, np.int32), np.empty(2 * d)
    count, info = ctypes.c_int(0), ctypes.c_int(0)
    own = ctypes.byref(ctypes.c_double(-1.0))  # the tolerance of LAPACK, d·ε of the largest entry
    arrays = places.ctypes.data, ctypes.byref(count), own, work.ctypes.data
    routine(b"U", _int(d), *_array(matrix), *arrays, ctypes.byref(info))
    return places - 1, count.value


def reduce_pencil(matrix: NDArray[Any], lower: NDArray[Any]) -> None:
    """Put L⁻¹ A L⁻ᴴ into the lower triangle of A.

    Parameters
    ----------
    matrix : ndarray, shape (d, d)
        Hermitian matrix A; what is above the diagonal is lost.
    lower : ndarray, shape (d, d)
        Its lower triangle is L, of the type of ``matrix``.
    """
    routine = _pointer("hegst", matrix.dtype.char)
    if routine is None:
        function = getattr(scipy.linalg.lapack, _full("hegst", matrix.dtype.char))
        matrix.T[...] = function(matrix.T, lower.T, itype=1, lower=0, overwrite_a=1)[0]
        return
    info = ctypes.c_int(0)
    sizes = _int(1), b"U", _int(len(matrix))
    routine(*sizes, *_array(matrix), *_array(lower), ctypes.byref(info))


def eigenvectors(matrix: NDArray[np.complex128]) -> tuple[FloatArray, NDArray[np.complex128]]:
    """Return eigenvalues, rising, and eigenvectors of a complex Hermitian matrix.

    LAPACK's own driver of the same steps, `zheevd`, merges the halves of the tridiagonal problem in
    complex arithmetic, which takes longer than all the rest. Its eigenvectors are real.

    Parameters
    ----------
    matrix : ndarray of complex128, shape (d, d)
        The matrix; its lower triangle is overwritten, what is above the diagonal is not read.

    Returns
    -------
    values : ndarray of float64, shape (d,)
        Eigenvalues.
    vectors : ndarray of complex128, shape (d, d)
        Eigenvectors, one a column.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the eigenvalues do not converge.
    """
    d, info = len(matrix), ctypes.c_int(0)
    reduce, divide = _pointer("hetrd", "D"), _pointer("stedc", "d")
    turn = _pointer("unmtr", "D")
    if reduce is None or divide is None or turn is None:
        return np.linalg.eigh(matrix)
    status = ctypes.byref(info)
    values, beside, tau = np.empty(d), np.empty(d), np.empty(d, np.complex128)
    work = np.empty(64 * (d + 65), np.complex128)  # blocks of 64 columns, and their triangles
    room = work.ctypes.data, _int(len(work))
    reflectors = _array(matrix)
    sides = values.ctypes.data, beside.ctypes.data
    reduce(b"U", _int(d), *reflectors, *sides, tau.ctypes.data, *room, status)
    real, more = np.empty((d, d)), np.empty(1 + 4 * d + d * d)
    whole = np.empty(3 + 5 * d, np.int32)
    memory = more.ctypes.data, _int(len(more)), whole.ctypes.data, _int(len(whole))
    divide(b"I", _int(d), *sides, *_array(real), *memory, status)
    if info.value:
        raise np.linalg.LinAlgError("eigenvalues did not converge")
    vectors = real.T.astype(np.complex128, order="C")
    size = _int(d), _int(d)
    turn(b"R", b"U", b"C", *size, *reflectors, tau.ctypes.data, *_array(vectors), *room, status)
    return values, vectors


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


def add_gram(total: NDArray[Any], matrix: NDArray[Any]) -> None:
    """Add Aᴴ A to the lower triangle of a Hermitian matrix, in half the time of a product.

    Parameters
    ----------
    total : ndarray, shape (d, d)
        The matrix; what is above the diagonal is neither read nor written.
    matrix : ndarray, shape (n, d)
        A, of the type of ``total``.
    """
    _rank_update(total, matrix, b"N", len(matrix))


def half_product(a: NDArray[Any], b: NDArray[Any], out: NDArray[Any]) -> None:
    """Put the lower triangle of Aᴴ B, which is Hermitian, into a matrix.

    Parameters
    ----------
    a, b : ndarray, shape (n, d)
        A and B, of one type.
    out : ndarray, shape (d, d)
        The matrix; what is above its diagonal may be overwritten.
    """
    d = a.shape[1]
    routine = _pointer("gemm", a.dtype.char)
    one, none = (_scalar(value, a.dtype.char) for value in (1, 0))
    for first in range(0, d, STRIP):
        last = min(first + STRIP, d)
        left, right, found = a[:, first:last], b[:, :last], out[first:last, :last]
        if routine is None:
            np.matmul(left.conj().T, right, out=found)
            continue
        sizes = _int(last), _int(last - first), _int(len(a))
        routine(b"N", b"C", *sizes, one, *_array(right), *_array(left), none, *_array(found))


def _rank_update(total: NDArray[Any], rows: NDArray[Any], trans: bytes, n: int) -> None:
    """Add BBᴴ ("N") or BᴴB ("C") of the columns that LAPACK sees, a sum over n of them."""
    routine = _pointer("herk", total.dtype.char)
    if routine is None:
        function = getattr(scipy.linalg.blas, _full("herk", total.dtype.char))
        kind = {b"N": 0, b"C": 2 if np.iscomplexobj(total) else 1}[trans]
        total.T[...] = function(1.0, rows.T, beta=1.0, c=total.T, trans=kind, overwrite_c=1)
        return
    one = _scalar(1, "d")
    routine(b"U", trans, _int(len(total)), _int(n), one, *_array(rows), one, *_array(total))


@cache
def _pointer(name: str, type_: str) -> Callable[..., None] | None:
    """A routine for matrices of "d" or "D", float64 or complex128; None if its integers differ."""
    full = _full(name, type_)
    module = cython_blas if name in ("gemm", "trsm", "herk") else cython_lapack
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
        return f"d{name.replace('he', 'sy', 1) if name.startswith('he') else name}"
    return f"z{name}"


@cache
def _int(value: int) -> Any:
    return ctypes.byref(ctypes.c_int(value))


@cache
def _scalar(value: int, type_: str) -> Any:
    """Where a factor of matrices of "d" or "D" is."""
    return ctypes.byref((ctypes.c_double * 2)(value, 0.0))


def _array(matrix: NDArray[Any]) -> tuple[int, Any]:
    """Where a matrix is, and how many numbers lie from one of its rows to the next."""
    return matrix.__array_interface__["data"][0], _int(matrix.strides[0] // matrix.itemsize)
