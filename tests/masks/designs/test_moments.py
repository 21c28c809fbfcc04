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
    sm.PatchGrid((4, 6, 2), (2, 2, 1)),
]


def cell(grid):
    """Cells of two patches along even axes, of one along odd ones."""
    return tuple(1 + (n % 2 == 0) for n in grid.counts)


def whole(grid):
    """As `cell`, with all patches along odd axes."""
    return tuple(n if n < 6 and n % 2 else 2 for n in grid.counts)


def along_axes(grid, make):
    """A product of one design for each axis."""
    sides = zip(grid.shape, grid.patch_size, strict=True)
    return sm.designs.product(*(make(sm.PatchGrid(n, p)) for n, p in sides))


FINITE = {
    "fixed": lambda g: sm.designs.fixed(g, 0.5),
    "bernoulli": lambda g: sm.designs.bernoulli(g, 0.6),
    "block": lambda g: sm.designs.block(g, 2),
    "block kept": lambda g: sm.designs.block(g, 2, keep=True),
    "block unrolled": lambda g: sm.designs.block(g, 2, rolled=False),
    "cutouts": lambda g: sm.designs.cutouts(g, 2, 3),
    "drop_block": lambda g: sm.designs.drop_block(g, 2, 0.6),
    "grid": lambda g: sm.designs.grid(g, cell(g), 0.5),
    "grid of fixed phase": lambda g: sm.designs.grid(
        g, cell(g), 0.4, sampling="bernoulli", phase="fixed"
    ),
    "stratified": lambda g: sm.designs.stratified(g, whole(g), 1),
    "stratified, half kept": lambda g: sm.designs.stratified(
        g, whole(g), int(np.prod(whole(g))) // 2
    ),
    "stripes": lambda g: sm.designs.stripes(g, (0.5, 0.4, 0.5)[: g.ndim]),
    "stripes on one axis": lambda g: sm.designs.stripes(
        g, (0.5,) + (0,) * (g.ndim - 1), sampling="bernoulli"
    ),
    "product": lambda g: along_axes(
        g, lambda line: sm.designs.block(line, 2 - (line.n_patches == 2), rolled=False)
    ),
    "tube": lambda g: sm.designs.tube(
        sm.designs.block(line_of(g), 2, rolled=False), -1, g.shape[-1], g.patch_size[-1]
    ),
    "random_ratio": lambda g: sm.designs.random_ratio(g, (0.3, 1.0), mean=0.6, sd=0.3),
    "given": lambda g: sm.designs.from_masks(
        g, np.random.default_rng(0).random((7, g.n_patches)) < 0.4, np.arange(7)
    ),
}


def line_of(grid):
    """The grid without the last axis, or that of the only one."""
    axes = slice(max(1, grid.ndim - 1))
    return sm.PatchGrid(grid.shape[axes], grid.patch_size[axes])


# Of images alone, and of grids that are large enough for them.
PLANAR = {
    "multi_block": lambda g: sm.designs.multi_block(
        g, 2, scale=(0.15, 0.4), aspect=(0.5, 2.0), context=(0.5, 1.0)
    ),
    "inverse_block": lambda g: sm.designs.inverse_block(g, 0.6),
    "inverse_block unrolled": lambda g: sm.designs.inverse_block(g, 0.6, rolled=False),
}
CASES = [(make, grid) for make in FINITE for grid in GRIDS]
CASES += [(make, grid) for make in PLANAR for grid in (GRIDS[2], sm.PatchGrid((12, 8), 2))]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1].counts}")
def design(request):
    make, grid = request.param
    return (FINITE | PLANAR)[make](grid)


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


def test_what_is_kept_with_a_hidden_patch_is_that_of_all_patterns(design):
    if design.uniform_given_hidden is None:
        return
    patterns, weights = design.enumerate()
    weights = weights * ~patterns[:, 0]
    second = np.einsum("n,na,nb->ab", weights / weights.sum(), patterns, patterns)[1:, 1:]
    pi1, pi2 = design.uniform_given_hidden
    np.testing.assert_allclose(np.diag(second), pi1, atol=1e-12)
    np.testing.assert_allclose(second[np.triu_indices(len(second), 1)], pi2, atol=1e-12)


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
    celled = {"grid", "grid of fixed phase", "stratified", "stratified, half kept"}
    for name in FINITE.keys() - celled - {"given"}:
        assert FINITE[name](one).on(other) == FINITE[name](other)
    one, other = sm.PatchGrid((8, 8), 2), sm.PatchGrid((16, 8), 2)
    for name in celled:
        assert FINITE[name](one).on(other) == FINITE[name](other)
    given = FINITE["given"](one)
    assert given.on(one) is given
    with pytest.raises(ValueError, match="on PatchGrid"):
        given.on(other)


def test_a_design_with_a_ratio_takes_another():
    grid = sm.PatchGrid((8, 8), 2)
    for design in (
        sm.designs.fixed(grid, 0.5),
        sm.designs.drop_block(grid, 2, 0.5),
        sm.designs.grid(grid, 2, 0.5),
    ):
        assert design.at_ratio(0.75).mask_ratio == pytest.approx(0.75, abs=1e-12)
        assert design.at_ratio(0.75).at_ratio(0.5) == design
    with pytest.raises(ValueError, match="no mask ratio"):
        sm.designs.block(grid, 2).at_ratio(0.5)


def test_designs_that_keep_or_hide_everything_are_refused():
    grid = sm.PatchGrid((8, 8), 2)
    nothing, everything = np.zeros((3, 16)), np.ones((3, 16))
    mixed = np.concatenate([nothing, everything])
    refused = [
        (lambda: sm.designs.from_masks(grid, nothing), "all 3 masks hide all patches"),
        (lambda: sm.designs.from_masks(grid, everything), "all 3 masks keep all patches"),
        (lambda: sm.designs.from_masks(grid, mixed, [0, 0, 0, 1, 1, 1]), "keep all patches"),
        (lambda: sm.designs.from_sampler(grid, lambda n, _: np.ones((n, 16)), 5), "sampler keep"),
        (lambda: sm.designs.cutouts(grid, 2, 10**5), r"100000 blocks of size=\(2, 2\) hide all"),
    ]
    for call, message in refused:
        with pytest.raises(ValueError, match=message):
            call()
    assert sm.designs.from_masks(grid, mixed).mask_ratio == 0.5


def test_messages_name_what_would_fit():
    grid = sm.PatchGrid((8, 8), 2)
    with pytest.raises(ValueError, match=r"a cell of \(1, 1\) is a single patch"):
        sm.designs.stratified(grid, 1, 1)
    with pytest.raises(ValueError, match=r"no mass between ratios=\(0.7, 1.0\)"):
        sm.designs.random_ratio(grid, mean=100)
