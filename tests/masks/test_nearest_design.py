"""The nearest named design of masks is the one that drew them."""

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.masks import nearest_design
from spectral_mae.masks.designs.sampled import SampleMoments
from spectral_mae.masks.nearest_design import distance_to, nearest_designs

GRID = sm.PatchGrid((96, 128), 16)
designs = sm.designs
DRAWN = {
    "fixed": designs.fixed(GRID, 0.75),
    "bernoulli": designs.bernoulli(GRID, 0.6),
    "block": designs.block(GRID, (4, 3)),
    "block kept": designs.block(GRID, (3, 5), keep=True, rolled=False),
    "cutouts": designs.cutouts(GRID, 3, 4),
    "drop_block": designs.drop_block(GRID, 2, 0.5),
    "grid": designs.grid(GRID, 2, 0.75),
    "stratified": designs.stratified(GRID, 2, 1),
    "stripes": designs.stripes(GRID, (0.5, 0.25)),
    "multi_block": designs.multi_block(GRID),
    "inverse_block": designs.inverse_block(GRID),
    "blockwise": designs.blockwise(GRID, 0.5, least=4),
    "gaussian_field": designs.gaussian_field(GRID, 0.6, "green"),
    "color_noise": designs.color_noise(GRID, 0.5, "red"),
    "random_ratio": designs.random_ratio(GRID),
}


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """Estimated designs from fewer masks; their standard errors grow with it."""
    monkeypatch.setattr(nearest_design, "N_DRAWS", 300)


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.slow
def test_the_nearest_design_is_the_one_that_drew_the_masks(name):
    kept = DRAWN[name].sample_kept(1500, rng=2)
    found = SampleMoments.of(kept, GRID)
    near = nearest_designs(GRID, kept, found)
    assert near[0].design.text.partition(":")[0] == name.partition(" ")[0]
    assert near[0].within_noise
    assert near[0].design.mask_ratio == pytest.approx(DRAWN[name].mask_ratio, abs=0.02)
    assert [one.total for one in near] == sorted(one.total for one in near)
    kinds = [one.design.text.partition(":")[0] for one in near]
    assert len(set(kinds)) == len(kinds) > 8
    other = next(one for one in near if one.design.text.startswith("bernoulli"))
    assert name == "bernoulli" or not other.within_noise


def test_the_distance_is_that_of_its_definition():
    kept = DRAWN["block"].sample_kept(300, rng=1)
    found = SampleMoments.of(kept, GRID)
    other = designs.bernoulli(GRID, 0.3)
    distance = distance_to(other, found)
    pi1 = kept.mean()
    pairs = np.linalg.norm(found.pair_inclusion - other.pair_inclusion)
    pairs /= np.linalg.norm(found.pair_inclusion - pi1**2)
    maps = np.sqrt(((found.inclusion - 0.7) ** 2).mean() / (pi1 * (1 - pi1)))
    assert distance.pairs == pytest.approx(pairs)
    assert distance.inclusion == pytest.approx(maps)
    assert distance.total == pytest.approx(np.hypot(pairs, maps))
    assert distance.to_dict()["design"] == "bernoulli:0.3"


def test_the_noise_is_the_distance_of_masks_of_the_design():
    design = DRAWN["drop_block"]
    totals, noises = [], []
    for rng in range(60):
        one = distance_to(design, SampleMoments.of(design.sample_kept(200, rng=rng), GRID))
        totals.append(one.total**2)
        noises.append(one.noise**2)
    assert np.mean(totals) == pytest.approx(np.mean(noises), rel=0.2)


@pytest.mark.parametrize("shape", [(64,), (8, 16, 16)])
def test_other_numbers_of_axes_have_nearest_designs(shape):
    grid = sm.PatchGrid(shape, 4)
    for name, design in (("stratified", designs.stratified(grid, 2, 1)),
                         ("bernoulli", designs.bernoulli(grid, 0.5))):  # fmt: skip
        kept = design.sample_kept(500, rng=0)
        near = nearest_designs(grid, kept, SampleMoments.of(kept, grid))
        assert near[0].design.text.startswith(name)


def test_masks_that_do_not_change_along_an_axis_are_tubes():
    grid = sm.PatchGrid((8, 16, 24), (2, 4, 4))
    design = designs.tube(designs.block(sm.PatchGrid((16, 24), 4), (2, 3)), 0, 8, 2)
    kept = design.sample_kept(200, rng=0)
    near = nearest_designs(grid, kept, SampleMoments.of(kept, grid))
    assert near[0].design == design
