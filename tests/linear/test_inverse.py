"""Inverses and pseudo-inverses of Hermitian blocks: small and large, regular and singular."""

import dense
import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.linear.corruption import Mix
from spectral_mae.linear.matrices import inverse as inverses
from spectral_mae.linear.matrices import lapack
from spectral_mae.linear.matrices.inverse import Inverse, Met
from spectral_mae.linear.moments.blocks import Stack
from spectral_mae.linear.solver import cutoff_of

# Both sides of the size up to which eigenvectors are taken at once.
SIZES = pytest.mark.parametrize("d", [1, 3, 8, 9, 20])
KINDS = pytest.mark.parametrize("kind", [float, complex])


def with_eigenvalues(values, kind, seed=0):
    """A Hermitian matrix."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((2, len(values), len(values)))
    basis, _ = np.linalg.qr(noise[0] if kind is float else noise[0] + 1j * noise[1])
    return (basis * values) @ basis.conj().T


@SIZES
@KINDS
def test_regular_blocks_are_inverted(d, kind):
    blocks = np.array([with_eigenvalues(np.geomspace(1, 1e-3, d), kind, s) for s in range(3)])
    given = blocks.copy()
    inverse = Inverse(blocks, 1e-12)
    right = np.random.default_rng(1).standard_normal((3, d, d)).astype(kind)
    np.testing.assert_allclose(
        inverse.solve(right), np.linalg.inv(blocks) @ right, rtol=1e-9, atol=1e-9
    )
    identity = inverse.solve(np.eye(d))
    np.testing.assert_allclose(identity, np.linalg.inv(blocks), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(blocks, given)
    assert inverse.met(np.array([1, 2, 2])).n_dropped == 0


@SIZES
@KINDS
@pytest.mark.parametrize("scale", [1.0, 1e5, 1e-5])
def test_condition_is_that_of_the_worst_block(d, kind, scale):
    """In the spectral norm, or LAPACK's estimate in the 1-norm, at most d times off."""
    spans = (1e-2, 1e-6, 1e-4)
    blocks = [with_eigenvalues(np.geomspace(1, span, d), kind) for span in spans]
    worst = 1e6 if d > 1 else 1.0
    inverse = Inverse(scale * np.array(blocks), 1e-12 * scale)
    assert worst / d <= inverse.condition * 1.01
    assert inverse.condition <= 1.01 * worst * d


@SIZES
@KINDS
@pytest.mark.parametrize("scale", [1.0, 1e-5])
def test_what_is_below_the_cutoff_is_left_out(d, kind, scale):
    """Just above it is kept, just below it is not, also where a Cholesky factor exists."""
    if d == 1:
        blocks = np.array([[[2e-6]], [[0.5e-6]], [[0.0]]]).astype(kind)
        kept = [[2e-6], [0.0], [0.0]]
    else:
        bulk = np.geomspace(1, 1e-2, d - 1)
        kept = [[*bulk, 2e-6], [*bulk, 0.0], [*bulk, 0.0]]
        ends = (2e-6, 0.5e-6, 0.0)
        blocks = np.array([with_eigenvalues([*bulk, e], kind, i) for i, e in enumerate(ends)])
    for rows in (slice(0, 3), slice(0, 1), slice(1, 2), slice(2, 3)):
        inverse = Inverse(scale * blocks[rows], 1e-6 * scale)
        found = scale * inverse.solve(np.eye(d))
        for block, values, seed in zip(found, kept[rows], range(3)[rows], strict=True):
            gains = np.divide(1.0, values, out=np.zeros(d), where=np.array(values) > 0)
            expected = with_eigenvalues(gains, kind, seed) if d > 1 else [gains]
            np.testing.assert_allclose(block, expected, rtol=1e-8, atol=1e-8 * np.abs(block).max())
        times = np.array([1, 2, 4])[rows]
        assert inverse.met(times).n_dropped == np.array([0, 2, 4])[rows].sum()
    assert Inverse(blocks[2:], 1e-6).condition == pytest.approx(1.0 if d < 3 else 100.0)


def test_all_that_was_met_is_the_worst_and_the_sum():
    assert Met.all(iter([Met(3.0, 1), Met(7.0, 0), Met(2.0, 4)])) == Met(7.0, 5)


def test_the_cutoff_is_rounding_of_the_largest_entry():
    """d·ε times the largest diagonal entry of Q, over the whole stack."""
    rng = np.random.default_rng(0)
    root = rng.standard_normal((6, 6))
    stack = Stack((root @ root.T)[np.newaxis], np.array([1]), 2)
    for mix in (Mix(0.5, 0.2, 0.3), Mix(1.0, 1.0, white=4.0), Mix(1.0, 1.0)):
        largest = np.diag(mix.second_moment(stack, slice(None))[0]).max()
        assert cutoff_of(stack, mix) == pytest.approx(
            6 * np.finfo(float).eps * largest, rel=1e-9, abs=0
        )


@pytest.mark.parametrize(
    ("shape", "patch", "channels"),
    [((9,), (3,), None), ((6,), (2,), 5), ((4, 6), (2, 2), None), ((6, 9), (2, 3), 2)],
)
@pytest.mark.parametrize("covariance", ["banded", "dense"])
@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("model", ["mae", "ae"])
def test_few_images_leave_dimensions_empty(shape, patch, channels, covariance, n, model):
    """As many as the dense Q has; the map there is that of its pseudo-inverse."""
    images = dense.photographs(n, shape, channels)
    second, _ = dense.moments(images, patch, covariance)
    drawn = dense.masks(shape, patch, 0.3, "fixed")
    if model == "mae":
        mu, spoiled = dense.corrupted(second, drawn, channels or 1)
        fitted = sm.LinearMAE(patch, 0.3, covariance=covariance)
    else:
        mu, spoiled = 1.0, second
        fitted = sm.LinearAE(patch, len(second), covariance=covariance)
    fitted.fit(images, channel_axis=None if channels is None else -1)
    values = np.linalg.eigvalsh(spoiled)
    inside = values > 1e-10 * values.max()
    assert fitted.solution_.n_dropped == np.count_nonzero(~inside)
    weights, loss, _ = dense.best_map(second, mu, spoiled)
    assert fitted.loss_ == pytest.approx(loss, abs=1e-9 * np.trace(second))
    np.testing.assert_allclose(fitted.weight_matrix(), weights, atol=1e-6)


KNOWN = pytest.mark.parametrize("known", [True, False], ids=["pointers", "SciPy's functions"])


@pytest.fixture
def routines(known, monkeypatch):
    """LAPACK by pointers, or by SciPy's functions, as where the signatures are not those known."""
    lapack._pointer.cache_clear()
    if not known:
        monkeypatch.setattr(lapack, "_signature", lambda capsule: b"void (int64_t *, double *)")
    assert (lapack._pointer("potrf", "D") is not None) == known
    yield
    lapack._pointer.cache_clear()


def hermitian(d, kind, decay=1.0, n=3):
    """Positive definite matrices, their rows and columns scaled down to ``decay``."""
    rng = np.random.default_rng(d)
    a = rng.standard_normal((n, d, d)).astype(kind)
    if kind is complex:
        a += 1j * rng.standard_normal(a.shape)
    a *= np.geomspace(1, decay, d)[:, np.newaxis]
    return a @ a.conj().swapaxes(1, 2) + decay**2 * np.eye(d)


@KNOWN
@KINDS
@pytest.mark.parametrize("d", [1, 7, 8, 9, 31])
def test_cholesky_solves_are_backward_stable(d, kind, routines, monkeypatch):
    """Of ill-conditioned matrices as well, in place or not; real matrices take complex sides."""
    monkeypatch.setattr(inverses, "LARGE", 9)
    rng = np.random.default_rng(1)
    right = rng.standard_normal((3, d, 5)) + 1j * rng.standard_normal((3, d, 5))
    for decay in (1.0, 1e-3, 1e-7):
        second = hermitian(d, kind, decay)
        for overwrite in (False, True):
            found = Inverse(second.copy(), 0.0, overwrite=overwrite)
            assert (found._factors is not None) == (d >= 9)
            for b in (right, right[0], right.real.copy()):
                x = found.solve(b)
                error = np.linalg.norm(second @ x - b)
                size = np.linalg.norm(second, axis=(1, 2)).max() * np.linalg.norm(x)
                assert error <= 20 * d * np.finfo(float).eps * size
            x = right.copy()
            assert found.solve(x, out=x) is x
            np.testing.assert_array_equal(x, found.solve(right))


@KNOWN
@KINDS
def test_factors_are_those_of_parts_of_larger_arrays(kind, routines):
    """A block inside an array of other numbers, which stay as they are."""
    (second,) = hermitian(6, kind, n=1)
    around = np.full((8, 9), 7.0).astype(kind)
    inside = around[1:7, 2:8]
    inside[...] = second
    assert lapack.factor(inside)
    np.testing.assert_allclose(np.tril(inside), np.linalg.cholesky(second), rtol=1e-12)
    np.testing.assert_array_equal(np.triu(inside, 1), np.triu(second, 1))
    around[1:7, 2:8] = 7.0
    assert (around == 7.0).all()


@KNOWN
@KINDS
def test_the_estimate_of_the_condition_is_that_of_small_matrices(kind, routines):
    (second,) = hermitian(3, kind, 1e-2, n=1)
    norm = float(np.linalg.norm(second, 1))
    lower = np.linalg.cholesky(second)
    exact = 1 / (norm * np.linalg.norm(np.linalg.inv(second), 1))
    assert exact * 0.99 <= lapack.reciprocal_condition(lower, norm) <= 3 * exact


@KNOWN
@KINDS
@pytest.mark.parametrize("least", [-1e-3, 1e-9])
def test_matrices_that_are_singular_come_back_from_their_upper_triangles(
    kind, least, routines, monkeypatch
):
    """Whether the factor fails or the condition tells, the first of two blocks is factored."""
    monkeypatch.setattr(inverses, "LARGE", 9)
    values = [*np.geomspace(1, 0.1, 11), least]
    blocks = np.array([with_eigenvalues(np.ones(12), kind), with_eigenvalues(values, kind, 1)])
    blocks = (blocks + blocks.conj().swapaxes(1, 2)) / 2
    there = blocks.copy()
    inverse = Inverse(there, 1e-6, overwrite=True)
    np.testing.assert_array_equal(there, blocks)
    assert inverse.n_dropped(np.array([1, 1])) == 1
    np.testing.assert_allclose(
        inverse.solve(np.eye(12))[1], with_eigenvalues([1 / v for v in values[:-1]] + [0], kind, 1),
        rtol=1e-9, atol=1e-9,
    )  # fmt: skip


def test_blocks_without_imaginary_parts_are_inverted_as_real_ones():
    real = hermitian(50, float)
    assert inverses.as_real(real + 0j).dtype == np.float64
    other = real + 0j
    other[2, 40, 30] += 1e-300j
    assert inverses.as_real(other) is other
    right = np.ones((50, 2)) * (1 + 2j)
    found = Inverse(real + 0j, 0.0)
    np.testing.assert_allclose(found.solve(right), np.linalg.solve(real, right[np.newaxis]))
    assert found._factors.dtype == np.float64


@KNOWN
@pytest.mark.parametrize("n", [1, 9])
def test_outer_products_are_added_below_the_diagonal(n, routines):
    """Of rows in any layout, to a block of a larger array."""
    rng = np.random.default_rng(n)
    around = rng.standard_normal((7, 8)) + 1j * rng.standard_normal((7, 8))
    total = around[1:6, 1:6]
    np.fill_diagonal(total, 1.0)
    before, other = total.copy(), around.copy()
    columns = rng.standard_normal((5, n)) + 1j * rng.standard_normal((5, n))
    lapack.add_outer_products(total, columns.T)
    expected = np.tril(before + columns @ columns.conj().T) + np.triu(before, 1)
    np.testing.assert_allclose(total, expected, rtol=1e-12)
    around[1:6, 1:6] = other[1:6, 1:6]
    np.testing.assert_array_equal(around, other)


@KNOWN
@KINDS
def test_squares_are_lower_triangles(kind, routines):
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((5, 7)).astype(kind)
    if kind is complex:
        matrix *= np.exp(1j * rng.standard_normal((5, 7)))
    found = lapack.square(matrix[:, 1:])
    np.testing.assert_allclose(found, np.tril(matrix[:, 1:] @ matrix[:, 1:].conj().T), atol=1e-12)
