"""Banded models under designs that are not shift-invariant: the loss over all cyclic shifts."""

import dense
import numpy as np
import pytest
from design_cases import (
    EVERY_DESIGN,
    EVERY_SHAPE,
    PLACES_DIFFER,
    axis_of,
    commuting,
    design_of,
    enumerated_loss,
    images_of,
    moments_of,
)

import spectral_mae as sm


def fitted(name, shape, patch, channels, **options):
    design = design_of(name, shape, patch)
    model = sm.LinearMAE(design=design, **options)
    return model.fit(images_of(shape, channels), channel_axis=axis_of(channels))


def shifted_loss(model, channels, weights=None, design=None):
    """Mean over all cyclic shifts of the fitted images and all masks, by going through them."""
    grid = model.moments_.grid
    shifted = dense.rolls(images_of(grid.shape, channels), grid.ndim, grid.patch_size)
    weights = model.weight_matrix() if weights is None else weights
    return enumerated_loss(shifted, model.mean_, weights, design or model.design_, channels)


def shifted_masks(design):
    """All cyclic shifts of the masks of a design, which have the same ρ."""
    patterns, weights = design.enumerate()
    rolled = dense.rolls(patterns.reshape(-1, *design.grid.counts), design.grid.ndim)
    return sm.designs.from_masks(design.grid, rolled, np.tile(weights, design.n_patches))


@EVERY_SHAPE
@EVERY_DESIGN
@pytest.mark.parametrize("rank", [None, 1, 2, 3])
def test_loss_is_the_mean_over_all_shifts_and_masks(shape, patch, channels, name, rank):
    """And shifts of masks, where the map keeps one direction of a pair of bands."""
    model = fitted(name, shape, patch, channels, rank=rank)
    design, tolerance = model.design_, 1e-12 * model.trace_
    if model.solution_.split is None or design.shift_invariant:
        assert model.loss_ == pytest.approx(shifted_loss(model, channels), abs=tolerance)
    if not design.shift_invariant:
        found = shifted_loss(model, channels, design=shifted_masks(design))
        assert model.loss_ == pytest.approx(found, abs=tolerance)


@EVERY_SHAPE
@PLACES_DIFFER
def test_the_loss_of_the_images_as_they_are_is_another(shape, patch, channels, name):
    """Or the mean over shifts would say nothing."""
    model = fitted(name, shape, patch, channels)
    images = images_of(shape, channels)
    in_place = enumerated_loss(images, model.mean_, model.weight_matrix(), model.design_, channels)
    assert abs(in_place / model.loss_ - 1) > 1e-3
    explained = model.score(images, channel_axis=axis_of(channels))
    assert explained == pytest.approx(1 - in_place / model.trace_, abs=1e-12)


@EVERY_SHAPE
@EVERY_DESIGN
def test_no_other_map_that_commutes_with_shifts_does_better(shape, patch, channels, name):
    model = fitted(name, shape, patch, channels)
    second, _ = dense.moments(images_of(shape, channels), patch, "banded")
    cross, spoiled = moments_of(model.design_, second, channels)

    def loss(weights):
        gain = 2 * np.sum(cross * weights) - np.sum(weights * (spoiled @ weights))
        return np.trace(second) - gain

    rng, best = np.random.default_rng(0), model.weight_matrix()
    assert loss(best) == pytest.approx(model.loss_, abs=1e-12 * model.trace_)
    for size in (1e-3, 1e-1):
        for _ in range(3):
            step = size * rng.standard_normal(best.shape)
            step = commuting(step, shape, patch, channels)
            worse = [loss(best + sign * step) for sign in (1, -1)]
            assert min(worse) > model.loss_
            # In the middle of both: the first derivative along this step is zero.
            middle = sum(worse) / 2 - model.loss_
            assert abs(worse[0] - worse[1]) <= 1e-9 * middle + 1e-12 * model.trace_


@EVERY_SHAPE
@PLACES_DIFFER
def test_some_map_that_does_not_commute_does_better(shape, patch, channels, name):
    """The design tells patches apart: the best map of all, a dense one, makes use of it."""
    model = fitted(name, shape, patch, channels)
    second, _ = dense.moments(images_of(shape, channels), patch, "banded")
    cross, spoiled = moments_of(model.design_, second, channels)
    weights = np.linalg.pinv(spoiled, rcond=1e-13, hermitian=True) @ cross
    better = shifted_loss(model, channels, weights)
    assert better < model.loss_ * (1 - 1e-3)


@PLACES_DIFFER
def test_only_the_mean_moments_of_a_design_count(name):
    """A rolled copy of each mask, all equally likely, has the same ρ: the model is the same."""
    shape, patch = (4, 6), (2, 2)
    one = fitted(name, shape, patch, None)
    design = shifted_masks(one.design_)
    two = sm.LinearMAE(design=design).fit(images_of(shape, None))
    assert two.loss_ == pytest.approx(one.loss_, rel=1e-12)
    np.testing.assert_allclose(two.weight_matrix(), one.weight_matrix(), atol=1e-12)


@PLACES_DIFFER
def test_a_second_moment_in_bands_does_not_tell_patches_apart(name):
    model = fitted(name, (4, 6), (2, 2), None)
    others = images_of((4, 6), None, n=9, seed=2)
    with pytest.raises(ValueError, match="score needs the images"):
        model.score(model.second_moment(others))
    dense_model = fitted(name, (4, 6), (2, 2), None, covariance="dense")
    second = dense_model.second_moment(others)
    assert dense_model.score(second) == pytest.approx(dense_model.score(others), rel=1e-12)


@EVERY_DESIGN
def test_held_out_images_choose_the_shrinkage_over_all_shifts(name):
    shape, values = (4, 6), [0.0, 0.1, 0.3, 0.6, 1.0]
    model = fitted(name, shape, (2, 2), None)
    others = images_of(shape, None, n=9, seed=2)
    shifted = dense.rolls(others, 2, (2, 2))
    choice = model.choose_shrinkage(others, values)
    for value, explained in zip(values, choice.explained, strict=True):
        one = fitted(name, shape, (2, 2), None, shrinkage=value)
        assert explained == pytest.approx(one.score(shifted), abs=1e-12)
    assert model.shrinkage == choice.best == values[int(np.argmax(choice.explained))]
