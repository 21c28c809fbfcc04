"""A problem is its moments, its corruption and its rank; what it says of maps follows from them."""

import numpy as np
import pytest
from masking_cases import uniform_masking

import spectral_mae as sm
from spectral_mae.linear import solver
from spectral_mae.linear.corruption import GaussianNoise, NoCorruption, OffsetMasking, PatchMasking
from spectral_mae.linear.moments.kinds import KINDS
from spectral_mae.linear.problems.problem import Problem, power_of

GRID = sm.PatchGrid((4, 6), 2)
CORRUPTIONS = [
    uniform_masking(6, 0.5),
    uniform_masking(6, 0.5, "bernoulli"),
    GaussianNoise(0.5),
    NoCorruption(),
]


def images_of(n, seed=0, shape=(4, 6)):
    return np.random.default_rng(seed).standard_normal((n, *shape)).cumsum(axis=1)


def problem_of(kind="banded", corruption=CORRUPTIONS[0], rank=None, seed=0):
    return Problem(KINDS[kind](GRID, 1).update(images_of(30, seed)), corruption, rank)


@pytest.mark.parametrize("kind", ["banded", "dense", "stationary"])
@pytest.mark.parametrize("corruption", CORRUPTIONS)
@pytest.mark.parametrize("rank", [None, 3])
def test_of_its_own_images_a_map_explains_what_its_loss_says(kind, corruption, rank):
    problem = problem_of(kind, corruption, rank)
    found = problem.solve(0.0)
    if found.split is None:
        explained = problem.explained(problem.second_moment(0.0), found)
        assert explained == pytest.approx(1 - found.loss / found.trace, abs=1e-12)


def test_the_rank_chooses_the_closed_form():
    whole, narrow = problem_of(), problem_of(rank=3)
    stack, mix = whole.moments.stack(), whole.corruption.mix
    assert whole.solve(0.0).loss == solver.full_rank(stack, mix).loss
    assert narrow.solve(0.0).loss == solver.low_rank(stack, mix, 3).loss


@pytest.mark.parametrize("kind", ["banded", "dense"])
def test_other_images_are_taken_about_the_mean_of_these(kind):
    problem, others = problem_of(kind), images_of(9, seed=1)
    stack, mean = problem.about_mean([others[:4], others[4:]], lambda p: float(np.mean(p**2)))
    patches = problem.moments.to_patches(others) - problem.moments.mean
    assert stack.trace == pytest.approx(np.sum(patches**2) / 9, rel=1e-12)
    assert mean == pytest.approx(np.mean(patches**2), rel=1e-12)
    problem.expect_taken_for_this(stack)
    with pytest.raises(ValueError, match="the batch is empty"):
        problem.about_mean([])


@pytest.mark.parametrize(
    "others",
    [
        sm.BandMoments(GRID),  # about a mean of its own
        sm.BandMoments(sm.PatchGrid((4, 6), 1), center=False),
        sm.DenseMoments(GRID, center=False),
    ],
    ids=["centred", "of other patches", "of another kind"],
)
def test_moments_that_were_not_made_for_this_are_refused(others):
    with pytest.raises(ValueError, match="not those that empty_second_moment makes"):
        problem_of().second_moment_of(others.update(images_of(5)))


def test_a_second_moment_serves_one_kind_and_one_mean_alone():
    stack, _ = problem_of().about_mean([images_of(9, seed=1)])
    problem_of(corruption=GaussianNoise(1.0), rank=2).expect_taken_for_this(stack)
    for other in (problem_of("dense"), problem_of(seed=2)):
        with pytest.raises(ValueError, match="does not fit"):
            other.expect_taken_for_this(stack)


def test_masks_count_in_place_where_the_design_and_the_moments_tell_places_apart():
    fixed = sm.designs.from_masks(GRID, np.eye(6, dtype=bool)[:2])
    for corruption, kind, counts in (
        (PatchMasking(fixed), "banded", True),
        (PatchMasking(fixed), "dense", False),
        (CORRUPTIONS[0], "banded", False),
        (NoCorruption(), "banded", False),
    ):
        found = problem_of(kind, corruption).masks_in_place
        assert found is (corruption if counts else None)


def test_random_offsets_are_solved_in_single_frequencies():
    problem = problem_of("stationary", OffsetMasking(sm.designs.fixed(GRID, 0.5)))
    assert problem.working.grid.patch_size == (1, 1)
    assert problem.empty_second_moment().grid == problem.working.grid
    assert problem.identity[1:3] == (GRID, problem.working.grid)


def test_images_without_power_have_nothing_to_explain():
    problem = problem_of()
    flat = np.broadcast_to(problem.moments.mean, (6, 4))
    stack, _ = problem.about_mean([GRID.from_patches(flat[np.newaxis])])
    with pytest.raises(ValueError, match="nothing to explain"):
        power_of(stack)
