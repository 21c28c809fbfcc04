"""The two moments of a corruption against its draws and against all masks."""

import numpy as np
import pytest
from masking_cases import uniform_masking

from spectral_mae import PatchGrid
from spectral_mae.linear.corruption import GaussianNoise, NoCorruption
from spectral_mae.linear.moments.kinds import DenseMoments
from spectral_mae.masks.sampling import enumerate_kept

GRID = PatchGrid((4, 6), 2)


def centred_images(n=30):
    images = np.random.default_rng(0).standard_normal((n, 4, 6)).cumsum(axis=2)
    return images - images.mean(axis=0)


@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
@pytest.mark.parametrize("ratio", [0.2, 0.5, 0.8])
def test_masking_moments_are_means_over_all_masks(sampling, ratio):
    images = centred_images()
    masking = uniform_masking(GRID.n_patches, ratio, sampling)
    stack = DenseMoments(GRID).update(images).stack()
    patches = GRID.to_patches(images)
    mean, second = 0.0, 0.0
    for kept, probability in enumerate_kept(GRID.n_patches, ratio, sampling=sampling):
        seen = (patches * kept[:, np.newaxis]).reshape(len(images), -1)
        mean = mean + probability * seen
        second = second + probability * seen.T @ seen / len(images)
    np.testing.assert_allclose(mean, masking.mix.mu * patches.reshape(len(images), -1))
    np.testing.assert_allclose(masking.mix.second_moment(stack, 0), second, atol=1e-12)


@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
def test_moments_given_hidden_are_those_of_masks_that_hide_the_patch(sampling):
    masking = uniform_masking(GRID.n_patches, 0.5, sampling)
    first, second, total = 0.0, 0.0, 0.0
    for kept, probability in enumerate_kept(GRID.n_patches, 0.5, sampling=sampling):
        if kept[0]:
            continue
        total += probability
        first += probability * kept[1]
        second += probability * (kept[1] and kept[2])
    mix = masking.mix_given_hidden
    assert mix.mu == pytest.approx(first / total)
    assert mix.own == pytest.approx(second / total)
    assert mix.own + mix.local == pytest.approx(mix.mu)


def test_two_patches_leave_no_pair_to_see():
    mix = uniform_masking(2, 0.5).mix_given_hidden
    assert (mix.mu, mix.own, mix.local) == (1.0, 0.0, 1.0)


@pytest.mark.parametrize(
    "corruption",
    [uniform_masking(6, 0.5), uniform_masking(6, 0.3, "bernoulli"), GaussianNoise(0.7)],
)
def test_draws_have_the_moments(corruption):
    images = centred_images(3)
    stack = DenseMoments(GRID, center=False).update(images).stack()
    patches = np.tile(GRID.to_patches(images), (20000, 1, 1))
    drawn = corruption.sample(patches, rng=0).reshape(len(patches), -1)
    truth = patches.reshape(len(patches), -1)
    scale = np.abs(stack.blocks).max()
    first = drawn.T @ truth / len(truth)
    np.testing.assert_allclose(first, corruption.mix.mu * stack.blocks[0], atol=0.02 * scale)
    second = drawn.T @ drawn / len(truth)
    expected = corruption.mix.second_moment(stack, slice(None))[0]
    np.testing.assert_allclose(second, expected, atol=0.03 * scale)
    np.testing.assert_array_equal(drawn, corruption.sample(patches, rng=0).reshape(drawn.shape))


def test_nothing_happens_without_corruption():
    patches = np.ones((2, 6, 4))
    assert NoCorruption().sample(patches) is patches
    assert NoCorruption().mix.mu == 1


@pytest.mark.parametrize("sigma", [0.0, -1.0, np.nan, np.inf])
def test_noise_needs_a_positive_sigma(sigma):
    with pytest.raises(ValueError, match="sigma="):
        GaussianNoise(sigma)


def test_masking_that_keeps_nothing_is_refused():
    with pytest.raises(ValueError, match="keeps 0 patches"):
        uniform_masking(4, 0.9)
