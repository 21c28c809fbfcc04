"""Hidden patches alone are scored: a problem for each patch, over the masks that hide it."""

import dense
import numpy as np
import pytest
from design_cases import (
    EVERY_SHAPE,
    NOT_UNIFORM,
    axis_of,
    design_of,
    images_of,
    rows_of,
)

import spectral_mae as sm
from spectral_mae.linear.corruption import PatchMasking
from spectral_mae.linear.problems.hidden_target import hidden_loss_by_patch, hidden_target_by_patch

pytestmark = pytest.mark.slow  # the loss and W against enumeration stay in the fast suite

OTHERS = pytest.mark.parametrize("name", NOT_UNIFORM)


def hidden_loss(images, mean, weights, design, channels):
    """Squared error of hidden pixels and their power about the mean, over all masks."""
    flat = (images - mean).reshape(len(images), -1)
    loss = power = 0.0
    for row, weight in zip(*rows_of(design, channels), strict=True):
        error = (((flat * row) @ weights - flat) ** 2)[:, row == 0]
        loss += weight * error.sum() / len(images)
        power += weight * (flat[:, row == 0] ** 2).sum() / len(images)
    return loss, power


def fitted(name, shape, patch, channels):
    design = design_of(name, shape, patch)
    model = sm.LinearMAE(design=design, target="hidden", covariance="dense")
    return model.fit(images_of(shape, channels), channel_axis=axis_of(channels))


@EVERY_SHAPE
@OTHERS
def test_the_map_is_a_regression_for_each_patch(shape, patch, channels, name):
    model, images = fitted(name, shape, patch, channels), images_of(shape, channels)
    loss, power = hidden_loss(images, model.mean_, model.weight_matrix(), model.design_, channels)
    assert model.loss_ == pytest.approx(loss, abs=1e-12 * power)
    assert model.trace_ == pytest.approx(power, rel=1e-12)
    second = dense.second_moment(images, model.mean_)
    number = np.repeat(dense.patch_number(shape, patch), channels or 1)
    weights = np.zeros_like(second)
    rows, chances = rows_of(model.design_, channels)
    for one in range(number.max() + 1):
        own = number == one
        hiding = ~rows[:, own].any(axis=1)
        if not hiding.any():
            continue
        pairs = (rows[hiding].T * chances[hiding]) @ rows[hiding] / chances[hiding].sum()
        cross = (np.diag(pairs)[:, np.newaxis] * second)[:, own]
        weights[:, own] = np.linalg.pinv(second * pairs, rcond=1e-13, hermitian=True) @ cross
    np.testing.assert_allclose(model.weight_matrix(), weights, atol=1e-11)
    assert model.eigenvalues_ is None


@EVERY_SHAPE
@OTHERS
def test_no_other_map_does_better_on_hidden_patches(shape, patch, channels, name):
    model, images = fitted(name, shape, patch, channels), images_of(shape, channels)
    rng = np.random.default_rng(0)
    best = model.weight_matrix()
    for size in (1e-3, 1.0):
        other = best + size * rng.standard_normal(best.shape)
        worse, _ = hidden_loss(images, model.mean_, other, model.design_, channels)
        assert worse > model.loss_


@EVERY_SHAPE
@OTHERS
def test_score_is_the_mean_over_all_masks(shape, patch, channels, name):
    model, axis = fitted(name, shape, patch, channels), axis_of(channels)
    others = images_of(shape, channels, n=6, seed=1)
    loss, power = hidden_loss(others, model.mean_, model.weight_matrix(), model.design_, channels)
    assert model.score(others, channel_axis=axis) == pytest.approx(1 - loss / power, abs=1e-12)
    second = model.second_moment(others, channel_axis=axis)
    assert model.score(second) == pytest.approx(1 - loss / power, abs=1e-12)


@EVERY_SHAPE
@pytest.mark.parametrize("name", ["fixed", "bernoulli"])
def test_uniform_designs_have_the_same_solution_by_listing(shape, patch, channels, name):
    """The closed form for all patches at once against a problem for each of them."""
    model = fitted(name, shape, patch, channels)
    stack = model.moments_.stack()
    found = hidden_target_by_patch(stack, model.design_)
    np.testing.assert_allclose(found.weights, model.solution_.weights, atol=1e-11)
    assert found.loss == pytest.approx(model.loss_, rel=1e-11)
    loss, trace = hidden_loss_by_patch(stack, model.design_, found.weights)
    assert loss == pytest.approx(model.loss_, rel=1e-11)
    assert trace == pytest.approx(model.trace_, rel=1e-12)


@OTHERS
def test_what_has_no_closed_form_is_refused(name):
    design = design_of(name, (4, 6), (2, 2))
    for covariance in ("banded", "stationary"):
        with pytest.raises(ValueError, match="third-order inclusion probabilities"):
            sm.LinearMAE(design=design, target="hidden", covariance=covariance)
    with pytest.raises(ValueError, match="no closed form with a bottleneck"):
        sm.LinearMAE(design=design, target="hidden", covariance="dense", rank=3)
    with pytest.raises(ValueError, match="every patch is scored over other masks"):
        fitted(name, (4, 6), (2, 2), None).frequency_response()
    with pytest.raises(ValueError, match="third-order"):
        _ = PatchMasking(design, "hidden").mix_given_hidden


def test_too_many_masks_are_refused():
    grid = sm.PatchGrid(16, 1)
    visible = np.random.default_rng(0).random((20_000, 16)) < 0.5
    design = sm.designs.from_masks(grid, visible)
    model = sm.LinearMAE(design=design, target="hidden", covariance="dense")
    with pytest.raises(ValueError, match="over 20000 masks; at most 16384"):
        model.fit(np.random.default_rng(0).standard_normal((40, 16)))


def test_a_patch_that_is_never_hidden_is_not_predicted():
    grid = sm.PatchGrid(6, 2)
    design = sm.designs.from_masks(grid, [[True, True, False], [True, False, True]])
    images = images_of((6,), None)
    model = sm.LinearMAE(design=design, target="hidden", covariance="dense").fit(images)
    assert not model.weight_matrix()[:, :2].any()
    assert model.weight_matrix()[:, 2:].any()


def test_a_patch_that_only_full_masks_hide_is_predicted_by_its_mean():
    # Patch 0 is hidden in one mask, which hides all others too.
    grid = sm.PatchGrid(8, 2)
    design = sm.designs.from_masks(grid, [[0, 0, 0, 0], [1, 0, 1, 1], [1, 1, 0, 0]])
    images = np.cumsum(np.random.default_rng(1).standard_normal((50, 8)), axis=1)
    model = sm.LinearMAE(design=design, target="hidden", covariance="dense").fit(images)
    weights = model.weight_matrix()
    assert not weights[:, :2].any()
    assert weights[:, 2:4].any()
    centred = images - images.mean(axis=0)
    loss = trace = 0.0
    for visible in design.grid.expand(design.enumerate()[0]):
        error = (centred * visible) @ weights - centred
        loss += np.sum(error[:, ~visible] ** 2) / len(images) / 3
        trace += np.sum(centred[:, ~visible] ** 2) / len(images) / 3
    np.testing.assert_allclose(model.loss_, loss, rtol=1e-12)
    np.testing.assert_allclose(model.trace_, trace, rtol=1e-12)
