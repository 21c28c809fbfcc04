"""Designs that are estimated, or have infinitely many masks: fields, noise, samplers."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats

import spectral_mae as sm
from spectral_mae.masks.designs.noise import NoiseFilter
from spectral_mae.masks.designs.sampled import SampleMoments

GRIDS = [sm.PatchGrid(14, 2), sm.PatchGrid((10, 12), 2), sm.PatchGrid((4, 6, 8), 2)]
EACH_GRID = pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: str(grid.counts))
COLORS = pytest.mark.parametrize("color", ["red", "blue", "green", "purple"])


@pytest.mark.parametrize("counts", [(40,), (24, 30)])
@COLORS
def test_noise_is_white_noise_through_gaussian_blurs(color, counts):
    # Wide enough for a sampled Gaussian to have the transform of a continuous one.
    noise = NoiseFilter(color, (1.5, 3.0) if color in ("green", "purple") else (1.5,))
    white = np.random.default_rng(0).standard_normal(counts)

    def blurred(width):
        return scipy.ndimage.gaussian_filter(white, width, mode="wrap", truncate=8.0)

    passed = blurred(noise.widths[0])
    if color in ("green", "purple"):
        passed = passed - blurred(noise.widths[1])
    wanted = white - passed if color in ("blue", "purple") else passed
    found = noise.draw(counts, 1, np.random.default_rng(0))[0]
    np.testing.assert_allclose(found, wanted, atol=0.02 * wanted.std())


@EACH_GRID
@COLORS
def test_a_field_above_its_median_has_the_arcsine_of_its_correlation(grid, color):
    design = sm.designs.gaussian_field(grid, 0.5, color)
    correlation = design.noise.correlation(grid.counts)
    wanted = 0.25 + np.arcsin(correlation) / (2 * np.pi)
    np.testing.assert_allclose(design.pair_inclusion, wanted, atol=1e-12)


@pytest.mark.parametrize("ratio", [0.1, 0.4, 0.75, 0.95])
def test_pairs_of_a_field_are_those_of_two_normal_variables(ratio):
    grid = sm.PatchGrid(10, 2)
    design = sm.designs.gaussian_field(grid, ratio, "green")
    at = scipy.stats.norm.ppf(ratio)
    correlation = design.noise.correlation(grid.counts)
    assert correlation.min() < -0.2
    for found, c in zip(design.pair_inclusion[1:], correlation[1:], strict=True):
        both = scipy.stats.multivariate_normal([0, 0], [[1, c], [c, 1]]).cdf([-at, -at])
        assert found == pytest.approx(both, abs=1e-6)
    assert design.pair_inclusion[0] == pytest.approx(1 - ratio, abs=1e-12)


@pytest.mark.parametrize("c", [-1.0, 0.0, 1.0])
def test_the_ends_of_the_correlation_have_their_probabilities(c, monkeypatch):
    grid = sm.PatchGrid(4, 2)
    monkeypatch.setattr(NoiseFilter, "correlation", lambda self, counts: np.array([1.0, c]))
    for ratio in (0.3, 0.5, 0.8):
        wanted = {-1.0: max(0.0, 1 - 2 * ratio), 0.0: (1 - ratio) ** 2, 1.0: 1 - ratio}[c]
        rho = sm.designs.gaussian_field(grid, ratio).pair_inclusion
        assert rho[1] == pytest.approx(wanted, abs=1e-12)


@EACH_GRID
@COLORS
def test_drawn_fields_have_the_pairs_of_the_closed_form(grid, color):
    design = sm.designs.gaussian_field(grid, 0.7, color)
    found = SampleMoments.of(design.sample_kept(3000, rng=1), grid)
    error = np.abs(found.pair_inclusion - design.pair_inclusion)
    assert (error <= 5 * found.pair_inclusion_stderr + 1e-12).all()
    assert (np.abs(found.inclusion - 0.3) <= 5.5 * np.sqrt(0.21 / 3000)).all()
    often = design.spectrum > 0.005  # elsewhere 3000 masks hold too little power for an error
    error = np.abs(found.spectrum - design.spectrum)[often]
    assert (error <= 5.5 * found.spectrum_stderr[often]).all()


@EACH_GRID
def test_sample_moments_are_means_over_the_masks(grid):
    rng = np.random.default_rng(3)
    patterns = rng.random((40, grid.n_patches)) < rng.random(grid.n_patches)
    found = SampleMoments.of(patterns, grid)
    one_by_one = [sm.designs.from_masks(grid, mask[np.newaxis]) for mask in patterns]
    for name, values in (
        ("inclusion", [one.inclusion for one in one_by_one]),
        ("pair_inclusion", [one.pair_inclusion for one in one_by_one]),
        ("spectrum", [one.spectrum for one in one_by_one]),
    ):
        np.testing.assert_allclose(getattr(found, name), np.mean(values, axis=0), atol=1e-12)
        wanted = scipy.stats.sem(values, axis=0)
        np.testing.assert_allclose(getattr(found, f"{name}_stderr"), wanted, atol=1e-9)


def test_standard_errors_are_the_scatter_of_repeated_estimates():
    grid = sm.PatchGrid((8, 8), 2)
    exact = sm.designs.from_masks(grid, np.random.default_rng(0).random((30, 16)) < 0.4)
    estimates = [sm.designs.from_sampler(grid, exact.sample, 100, rng=rng) for rng in range(200)]
    for name in ("pair_inclusion", "inclusion"):
        z = [
            (getattr(one, name) - getattr(exact, name)) / getattr(one, f"{name}_stderr")
            for one in estimates
        ]
        scatter = np.std(z, axis=0)
        assert ((scatter > 0.8) & (scatter < 1.25)).all()


ESTIMATED = {
    "blockwise": lambda g, **o: sm.designs.blockwise(g, 0.5, least=3, **o),
    "color_noise": lambda g, **o: sm.designs.color_noise(g, 0.6, **o),
    "color_noise rolled": lambda g, **o: sm.designs.color_noise(g, 0.6, rolled=True, **o),
}


@pytest.mark.parametrize("name", ESTIMATED)
def test_estimated_designs_are_those_of_their_draws(name):
    grid = sm.PatchGrid((12, 16), 2)
    design = ESTIMATED[name](grid, n_draws=700, rng=5)
    assert design == ESTIMATED[name](grid, n_draws=700, rng=5)
    assert design != ESTIMATED[name](grid, n_draws=700, rng=6)
    np.testing.assert_array_equal(design.drawn, design.sample_kept(700, rng=5))
    drawn = sm.designs.from_masks(grid, design.drawn)
    np.testing.assert_allclose(design.pair_inclusion, drawn.pair_inclusion, atol=1e-12)
    assert design.mask_ratio == pytest.approx(drawn.mask_ratio, abs=1e-12)
    vectors = design.factor()
    np.testing.assert_allclose(vectors.T @ vectors, design.matrix(), atol=1e-10)
    mean = design.matrix().trace() / grid.n_patches
    assert mean == pytest.approx(design.pair_inclusion[0, 0], abs=1e-12)
    if not design.shift_invariant:
        np.testing.assert_allclose(design.matrix(), drawn.matrix(), atol=1e-12)
        np.testing.assert_allclose(design.inclusion, drawn.inclusion, atol=1e-12)
    else:
        assert np.ptp(design.inclusion) == 0
    with pytest.raises(ValueError, match="are not listed"):
        design.enumerate()
    other = ESTIMATED[name](grid, n_draws=700, rng=6)
    error = np.hypot(design.pair_inclusion_stderr, other.pair_inclusion_stderr)
    assert (np.abs(design.pair_inclusion - other.pair_inclusion) <= 5 * error + 1e-12).all()
    kept = design.drawn.sum(axis=1)
    if name == "blockwise":
        assert kept.min() >= 24
        assert (kept == 24).mean() > 0.3
    else:
        assert set(kept) == {19}


def test_noise_in_a_window_does_not_go_on_at_the_border():
    grid = sm.PatchGrid((16, 16), 2)
    options = {"color": "red", "n_draws": 500}
    apart = [
        sm.designs.color_noise(grid, 0.5, rolled=rolled, **options).matrix()[0, 7]
        for rolled in (True, False)
    ]
    assert apart[0] > 0.35
    assert apart[1] < 0.3


def test_a_sampler_is_drawn_from_again_and_belongs_to_its_grid():
    grid = sm.PatchGrid((8, 8), 2)
    exact = sm.designs.stratified(grid, 2, 1)
    for sample in (exact.sample, exact.sample_kept):
        design = sm.designs.from_sampler(grid, sample, 50, rng=0)
        np.testing.assert_array_equal(design.sample_kept(5, rng=1), exact.sample_kept(5, rng=1))
    assert design.on(grid) is design
    assert "from_sampler(sample_kept, 50 masks)" in repr(design)
    with pytest.raises(ValueError, match="sampler on PatchGrid"):
        design.on(sm.PatchGrid((16, 8), 2))
    with pytest.raises(ValueError, match="gave 1 masks and not 5"):
        sm.designs.from_sampler(grid, lambda n, rng: exact.sample(1, rng), 5)
    with pytest.raises(ValueError, match="n=1 is not at least 2"):
        sm.designs.from_sampler(grid, exact.sample, 1)
