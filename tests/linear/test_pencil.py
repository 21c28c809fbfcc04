"""Pencils of Hermitian matrices: their basis, and the parts of LAPACK that find it."""

import numpy as np
import pytest

from spectral_mae.linear.matrices import lapack, pencil
from spectral_mae.linear.matrices.inverse import factored, least_eigenvalue

KNOWN = pytest.mark.parametrize("known", [True, False], ids=["pointers", "SciPy's functions"])
KINDS = pytest.mark.parametrize("kind", [float, complex])


@pytest.fixture
def routines(known, monkeypatch):
    """LAPACK by pointers, or without them, as where the signatures are not those known."""
    lapack._pointer.cache_clear()
    if not known:
        monkeypatch.setattr(lapack, "_signature", lambda capsule: b"void (int64_t *, double *)")
    assert (lapack._pointer("stedc", "d") is not None) == known
    yield
    lapack._pointer.cache_clear()


def drawn(shape, kind, seed=0):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal(shape).astype(kind)
    if kind is complex:
        matrix += 1j * rng.standard_normal(shape)
    return matrix


def positive(n, d, kind, seed=0, decay=1e-2):
    """Hermitian matrices without negative eigenvalues, ill-conditioned."""
    root = drawn((n, d, 2 * d), kind, seed) * np.geomspace(1, decay, d)[:, np.newaxis]
    return root @ root.conj().mT


@KNOWN
@pytest.mark.parametrize("d", [1, 2, 7, 40, 97])
def test_eigenvectors_are_orthonormal_and_rising(d, routines):
    (matrix,) = positive(1, d, complex)
    above = np.triu_indices(d, 1)
    given = matrix.copy()
    given[above] = np.nan  # not read
    values, vectors = lapack.eigenvectors(given)
    size = np.linalg.norm(matrix)
    assert (np.diff(values) >= 0).all()
    np.testing.assert_allclose(matrix @ vectors, vectors * values, atol=1e-13 * size)
    np.testing.assert_allclose(vectors.conj().T @ vectors, np.eye(d), atol=1e-13)


@KNOWN
def test_eigenvectors_of_equal_eigenvalues_are_orthonormal(routines):
    values, vectors = lapack.eigenvectors(np.diag([2.0, 1.0, 2.0, 1.0]).astype(complex))
    np.testing.assert_array_equal(values, [1, 1, 2, 2])
    np.testing.assert_allclose(np.abs(vectors.conj().T @ vectors), np.eye(4), atol=1e-15)


@KNOWN
@KINDS
@pytest.mark.parametrize("d", [3, 39, 40, 100])
def test_one_basis_makes_both_matrices_diagonal(d, kind, routines):
    """On both sides of the sizes from which LAPACK is called for each matrix."""
    first, last = positive(2, d, kind, 1), positive(2, d, kind, 2)
    factors = factored(last)
    values, vectors = pencil.diagonalised(first.copy(), factors)
    assert vectors.dtype == kind
    for a, b, v, x in zip(first, last, values, vectors, strict=True):
        np.testing.assert_allclose(x.conj().T @ b @ x, np.eye(d), atol=1e-9)
        np.testing.assert_allclose(x.conj().T @ a @ x, np.diag(v), atol=1e-9 * v.max())


@KNOWN
@KINDS
def test_a_pencil_is_reduced_in_place(kind, routines):
    (first, last) = (positive(1, 6, kind, seed)[0] for seed in (1, 2))
    lower = np.linalg.cholesky(last)
    other = lower + np.triu(np.full_like(lower, 9.0), 1)  # not read
    expected = np.linalg.solve(lower, np.linalg.solve(lower, first).conj().T)
    lapack.reduce_pencil(first, other)
    np.testing.assert_allclose(np.tril(first), np.tril(expected), rtol=1e-9, atol=1e-9)


@KNOWN
@KINDS
def test_grams_are_added_below_the_diagonal(kind, routines):
    """Of a part of a larger array, to a matrix whose upper triangle stays."""
    matrix = drawn((7, 6), kind)[:, 1:]
    total = drawn((5, 5), kind, 3)
    np.fill_diagonal(total, 1.0)
    before = total.copy()
    lapack.add_gram(total, matrix)
    expected = np.tril(before + matrix.conj().T @ matrix) + np.triu(before, 1)
    np.testing.assert_allclose(total, expected, rtol=1e-12)


@KNOWN
@KINDS
def test_half_of_a_hermitian_product(kind, routines, monkeypatch):
    """In strips that do not divide the matrix."""
    monkeypatch.setattr(lapack, "STRIP", 3)
    a = drawn((9, 8), kind)
    b = positive(1, 9, kind)[0] @ a
    found = np.full((8, 8), np.nan, kind)
    lapack.half_product(a, b, found)
    np.testing.assert_allclose(np.tril(found), np.tril(a.conj().T @ b), rtol=1e-11)


@KNOWN
@KINDS
@pytest.mark.parametrize(("d", "rank"), [(1, 0), (7, 0), (7, 1), (12, 3), (100, 30)])
def test_thin_factors_of_few_vectors(d, rank, kind, routines):
    """Of a part of a larger array; vectors of very different lengths."""
    root = drawn((d, rank), kind) * np.geomspace(1, 1e-4, rank)
    around = np.full((d + 2, d + 1), 7.0).astype(kind)
    matrix = around[1:-1, 1:]
    matrix[...] = root @ root.conj().T
    before = around.copy()
    thin = lapack.thin_factor(matrix)
    assert thin.shape == (d, rank)
    assert thin.dtype == kind
    size = np.linalg.norm(matrix)
    np.testing.assert_allclose(thin @ thin.conj().T, matrix, atol=d * 1e-15 * size)
    np.testing.assert_array_equal(around, before)


@KNOWN
@KINDS
def test_factors_that_are_not_thin_are_none(kind, routines):
    """Also where the rows that are tried first are not linearly independent."""
    assert lapack.thin_factor(np.ones((1, 1), kind)) is None
    root = drawn((30, 10), kind)
    assert lapack.thin_factor(root @ root.conj().T) is None
    root[3] = root[0]
    assert lapack.thin_factor(root @ root.conj().T) is None


@KINDS
def test_the_smallest_eigenvalue_is_estimated(kind):
    """By the norm of the inverse, which is at most √d of it off, and within three of its norm."""
    blocks = positive(3, 20, kind)
    exact = min(np.linalg.eigvalsh(one)[0] for one in blocks)
    found = least_eigenvalue(factored(blocks))
    assert exact / 20**0.5 <= found * 1.001
    assert found <= 3 * exact
    assert least_eigenvalue(factored(-blocks)) == 0.0
