"""Bootstrap samples of images, and the intervals that are made of them."""

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae import fields
from spectral_mae.planning.error_sums import ErrorSums
from spectral_mae.planning.evaluation import SHRINKAGES, HeldOut
from spectral_mae.planning.resampling import N_RESAMPLES, Resamples, reference_errors


def sums_of(n, seed=0):
    rng = np.random.default_rng(seed)
    power = rng.gamma(4.0, 1.0, (n, 6))
    return ErrorSums.by_octave(power * rng.uniform(0.2, 0.6, power.shape), power)


def test_samples_have_the_standard_error_of_the_ratio():
    sums = sums_of(200)
    found = Resamples({(8, 8): 200}).explained([((8, 8), sums)])
    assert found.shape == (N_RESAMPLES,)
    assert found.std() == pytest.approx(sums.stderr[0], rel=0.1)
    assert found.mean() == pytest.approx(sums.explained[0], abs=sums.stderr[0] / 10)


def test_settings_are_measured_on_the_same_samples():
    """What explains a tenth more of each image does so in each sample."""
    one = sums_of(50)
    error, power = one.images
    other = ErrorSums.of((error - 0.1 * power)[:, None], power[:, None])
    resamples = Resamples.of([((8, 8), one), ((8, 8), other)])
    first, second = (resamples.explained([((8, 8), sums)]) for sums in (one, other))
    np.testing.assert_allclose(second - first, 0.1)


def test_images_of_all_shapes_are_drawn_together():
    wide, tall = sums_of(30), sums_of(20, seed=1)
    both = Resamples.of([((4, 8), wide), ((8, 4), tall)])
    found = both.explained([((4, 8), wide), ((8, 4), tall)])
    assert found.std() == pytest.approx(wide.merge(tall).stderr[0], rel=0.1)
    ones = [ErrorSums.of(np.zeros((n, 1)), np.ones((n, 1))) for n in (30, 20)]
    counts = both._times[4, 8].sum(axis=1) + both._times[8, 4].sum(axis=1)
    np.testing.assert_array_equal(counts, 50)
    assert np.ptp(both._times[4, 8].sum(axis=1)) > 0
    assert np.all(both.explained([((4, 8), ones[0]), ((8, 4), ones[1])]) == 1.0)


def test_moments_are_the_same_in_all_samples():
    exact = ErrorSums.of(np.array([[1.0]]), np.array([[4.0]]))
    drawn = sums_of(40)
    resamples = Resamples.of([((8, 8), exact), ((8, 8), drawn)])
    assert np.all(resamples.explained([((8, 8), exact)]) == 0.75)
    assert resamples.explained([((8, 8), drawn)]).std() > 0


def test_errors_of_a_reference_are_wide_of_few_images():
    assert not reference_errors(1).any()
    few, many = reference_errors(7), reference_errors(1000)
    assert np.quantile(few, 0.975) == pytest.approx(2.45, abs=0.25)  # Student's t
    assert np.quantile(many, 0.975) == pytest.approx(1.96, abs=0.15)


SPECTRUM = fields.power_law((16, 16), -2.4)
RATIOS = [0.25, 0.5, 0.75]


@pytest.mark.slow
def test_intervals_hold_the_true_ratio():
    """Fields of the spectrum that is the reference are as hard at the same ratio."""
    known = sm.plan(sm.StationaryMoments.from_psd(SPECTRUM, 1), [4], RATIOS)
    held = []
    for seed in range(1, 9):
        images = fields.gaussian_fields(SPECTRUM, 300, rng=seed)
        plan = sm.plan(images, [4], RATIOS, reference=known, shrinkage=1.0)
        (row,) = plan.as_hard_as(4, 0.5)
        held.append(row["mask_ratio_low"] < 0.5 < row["mask_ratio_high"])
        assert 0.02 < row["mask_ratio_high"] - row["mask_ratio_low"] < 0.2
        assert row["mask_ratio_low_bound"] == row["mask_ratio_high_bound"] == row["beyond"] == ""
    assert sum(held) >= 7


def test_the_interval_is_that_of_curves_that_are_resampled_whole():
    images = fields.gaussian_fields(SPECTRUM, 200, rng=0)
    known = sm.plan(sm.StationaryMoments.from_psd(SPECTRUM, 1), [4], RATIOS)
    plan = sm.plan(images, [2], RATIOS, reference=known)
    wanted = known.as_reference("known").scale.at(0.5)
    samples = np.stack([one.resampled for one in plan.settings], axis=1)
    hidden = np.array([one.hidden for one in plan.settings])
    ratios = [np.interp(-wanted, -np.minimum.accumulate(curve), hidden) for curve in samples]
    (row,) = plan.as_hard_as(4, 0.5)
    low, high = np.quantile(ratios, [0.025, 0.975])
    assert (row["mask_ratio_low"], row["mask_ratio_high"]) == pytest.approx((low, high))


def test_crops_of_one_photograph_stay_together():
    patches = np.repeat(np.arange(7.0), 3).reshape(-1, 1, 1)
    split = HeldOut.split(patches, 3)
    assert set(split.choosing.ravel()) == {0.0, 3.0, 6.0}
    assert set(split.scored.ravel()) == {1.0, 2.0, 4.0, 5.0}
    both = HeldOut.split(patches[:6], 3)
    assert len(both.choosing) == len(both.scored) == 6


def test_images_choose_the_shrinkage_that_their_second_moment_chooses():
    images = fields.gaussian_fields(SPECTRUM, 80, rng=0)
    chosen = []
    for how in ("images", "moment"):
        model = sm.LinearMAE(4, 0.5, target="hidden", shrinkage=1.0).fit(images[:50])
        patches = model.moments_.to_patches(images[50:]) - model.centre
        if how == "images":
            HeldOut(patches, patches).choose(model)
        else:
            model.choose_shrinkage(images[50:], SHRINKAGES)
        chosen.append((model.shrinkage, model.loss_))
    assert chosen[0] == pytest.approx(chosen[1])
    assert chosen[0][0] < 1.0 or SHRINKAGES[-1] == chosen[0][0]
