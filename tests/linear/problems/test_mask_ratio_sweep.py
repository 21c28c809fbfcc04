"""Losses at many mask ratios are those of a fit at each of them."""

import pickle

import dense
import numpy as np
import pytest

import spectral_mae as sm


@pytest.fixture
def images():
    return np.random.default_rng(0).standard_normal((40, 8, 8)).cumsum(axis=1)


@pytest.mark.parametrize("covariance", ["banded", "dense"])
@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
def test_sweep_equals_one_fit_per_ratio(covariance, sampling):
    images = dense.photographs(50, (8, 8))
    ratios = [0.1, 0.25, 0.5, 0.75, 0.9]
    model = sm.LinearMAE(2, 0.5, covariance=covariance, sampling=sampling).fit(images)
    swept = model.mask_ratio_sweep(ratios)
    fitted = [
        sm.LinearMAE(2, m, covariance=covariance, sampling=sampling).fit(images) for m in ratios
    ]
    np.testing.assert_allclose(swept.loss, [m.loss_ for m in fitted], rtol=1e-8)
    np.testing.assert_allclose(swept.explained, [1 - m.loss_ / m.trace_ for m in fitted])
    assert (np.diff(swept.loss) > 0).all()


@pytest.mark.parametrize("covariance", ["banded", "dense", "stationary"])
def test_sweep_of_a_hidden_target_is_one_of_hidden_targets(images, covariance):
    model = sm.LinearMAE(4, 0.5, target="hidden", covariance=covariance).fit(images)
    swept = model.mask_ratio_sweep(iter([0.5, 0.75]))
    for place, ratio in enumerate((0.5, 0.75)):
        single = sm.LinearMAE(4, ratio, target="hidden", covariance=covariance).fit(images)
        assert swept.loss[place] == pytest.approx(single.loss_, rel=1e-9)
        assert swept.explained[place] == pytest.approx(1 - single.loss_ / single.trace_)


def test_sweep_says_what_is_hidden(images):
    swept = sm.LinearMAE(4, 0.5).fit(images).mask_ratio_sweep([0.5, 0.26])
    np.testing.assert_array_equal(swept.hidden, [0.5, 0.5])
    assert swept.loss[0] == swept.loss[1]


def test_what_was_pickled_when_the_models_defined_it_loads(images):
    swept = sm.LinearMAE(4, 0.5).fit(images).mask_ratio_sweep([0.5, 0.25])
    file = b"spectral_mae.linear.problems.mask_ratio_sweep"
    today = pickle.dumps(swept, protocol=2)
    assert file in today
    before = pickle.loads(today.replace(file, b"spectral_mae.linear.estimators"))
    np.testing.assert_array_equal(before.loss, swept.loss)
