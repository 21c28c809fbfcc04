"""Moments of designs against the enumeration of all their sets of kept patches."""

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.masks.designs.design import mean_pairs

GRIDS = [
    sm.PatchGrid(12, 2),
    sm.PatchGrid(10, 2),
    sm.PatchGrid((6, 8), 2),
    sm.PatchGrid((9, 4), (3, 2)),
]
FINITE = {
    "fixed": lambda g: sm.designs.fixed(g, 0.5),
    "bernoulli": lambda g: sm.designs.bernoulli(g, 0.6),
    "block": lambda g: sm.designs.block(g, 2),
    "block kept": lambda g: sm.designs.block(g, 2, keep=True),
    "block unrolled": lambda g: sm.designs.block(g, 2, rolled=False),
    "given": lambda g: sm.designs.from_masks(
        g, np.random.default_rng(0).random((7, g.n_patches)) < 0.4, np.arange(7)
    ),
}


@pytest.fixture(params=GRIDS, ids=str)
def grid(request):
    return request.param


@pytest.fixture(params=FINITE)
def design(request, grid):
    return FINITE[request.param](grid)


def test_the_moments_are_those_of_all_patterns(design):
    patterns, weights = design.enumerate()
    second = np.einsum("n,na,nb->ab", weights, patterns, patterns)
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(design.matrix(), second, atol=1e-12)
    np.testing.assert_allclose(design.inclusion.ravel(), np.diag(second), atol=1e-12)
    counts, n = design.grid.counts, design.grid.n_patches
    places = [np.unravel_index(a, counts) for a in range(n)]
    rho = np.zeros(counts)
    for a in range(n):
        for b in range(n):
            offset = tuple(
                (y - x) % c for x, y, c in zip(places[a], places[b], counts, strict=True)
            )
            rho[offset] += second[a, b] / n
    np.testing.assert_allclose(design.pair_inclusion, rho, atol=1e-12)
    np.testing.assert_allclose(mean_pairs(patterns, weights, design.grid), rho, atol=1e-12)
    power = np.abs(np.fft.fftn(patterns.reshape(-1, *counts), axes=range(1, len(counts) + 1))) ** 2
    np.testing.assert_allclose(n * design.spectrum, np.tensordot(weights, power, 1), atol=1e-10)
    vectors = design.factor()
    np.testing.assert_allclose(vectors.T @ vectors, second, atol=1e-12)
    assert design.mask_ratio == pytest.approx(1 - weights @ patterns.mean(axis=1), abs=1e-12)


def test_a_design_is_shift_invariant_where_its_matrix_is(design):
    rho, counts = design.pair_inclusion, design.grid.counts
    index = np.indices(counts).reshape(len(counts), -1)
    offset = tuple((x[None] - x[:, None]) % c for x, c in zip(index, counts, strict=True))
    circulant = bool(np.allclose(design.matrix(), rho[offset], atol=1e-12))
    assert design.shift_invariant == circulant
    if design.uniform is not None:
        pi1, pi2 = design.uniform
        np.testing.assert_allclose(
            design.matrix(), pi2 + (pi1 - pi2) * np.eye(design.n_patches), atol=1e-12
        )


def test_drawn_patterns_have_the_moments_of_the_design(design):
    n = 4000
    kept = design.sample_kept(n, rng=1).astype(float)
    mean = kept.T @ kept / n
    exact = design.matrix()
    error = np.sqrt(exact * (1 - exact) / n)
    assert kept.shape == (n, design.n_patches)
    assert (np.abs(mean - exact) <= 5.5 * error + 1e-12).all()
    visible = design.sample(3, rng=1)
    assert visible.dtype == bool
    assert visible.shape == (3, *design.grid.shape)
    np.testing.assert_array_equal(visible, design.grid.expand(design.sample_kept(3, rng=1)))


def test_a_design_is_made_again_on_another_grid():
    one, other = sm.PatchGrid((6, 8), 2), sm.PatchGrid((16, 8), 2)
    for make in (FINITE[name] for name in FINITE if name != "given"):
        assert make(one).on(other) == make(other)
    given = FINITE["given"](one)
    assert given.on(one) is given
    with pytest.raises(ValueError, match="on PatchGrid"):
        given.on(other)
