"""Losses, eigenvalues and weights under any design, against explicit means over all its masks."""

import dense
import numpy as np
import pytest
from design_cases import (
    EVERY_DESIGN,
    EVERY_SHAPE,
    MAKERS,
    axis_of,
    best_map,
    commuting,
    design_of,
    enumerated_loss,
    images_of,
    moments_of,
)

import spectral_mae as sm
from spectral_mae.linear.corruption import PatchMasking
from spectral_mae.linear.moments import blocks

COVARIANCES = pytest.mark.parametrize("covariance", ["banded", "dense", "stationary"])


def explicit(design, images, patch, channels, covariance):
    """S, E[x̃ xᵀ] and E[x̃ x̃ᵀ] of images under the shifts that a covariance ignores."""
    shape = design.grid.shape
    second, _ = dense.moments(images, patch, covariance)
    cross, spoiled = moments_of(design, second, channels)
    if covariance != "dense":
        cross, spoiled = (commuting(m, shape, patch, channels) for m in (cross, spoiled))
    return second, cross, spoiled


@EVERY_SHAPE
@EVERY_DESIGN
@COVARIANCES
def test_full_rank_is_the_best_map_of_explicit_moments(shape, patch, channels, name, covariance):
    design, images = design_of(name, shape, patch), images_of(shape, channels)
    second, cross, spoiled = explicit(design, images, patch, channels, covariance)
    model = sm.LinearMAE(design=design, covariance=covariance)
    model.fit(images, channel_axis=axis_of(channels))
    weights, values, explained = best_map(cross, spoiled)
    trace = np.trace(second)
    assert model.trace_ == pytest.approx(trace, rel=1e-12)
    assert model.loss_ == pytest.approx(trace - explained, abs=1e-12 * trace)
    np.testing.assert_allclose(model.eigenvalues_, values, atol=1e-12 * trace)
    np.testing.assert_allclose(model.weight_matrix(), weights, atol=1e-12 * np.abs(weights).max())
    assert model.design_ is design


@EVERY_SHAPE
@EVERY_DESIGN
@pytest.mark.parametrize("covariance", ["banded", "dense"])
def test_a_bottleneck_keeps_the_largest_eigenvalues(shape, patch, channels, name, covariance):
    design, images = design_of(name, shape, patch), images_of(shape, channels)
    second, cross, spoiled = explicit(design, images, patch, channels, covariance)
    trace, whole = np.trace(second), 0
    for rank in range(1, 8):
        model = sm.LinearMAE(design=design, covariance=covariance, rank=rank)
        model.fit(images, channel_axis=axis_of(channels))
        weights, values, explained = best_map(cross, spoiled, rank)
        assert model.loss_ == pytest.approx(trace - explained, abs=1e-12 * trace)
        np.testing.assert_allclose(model.eigenvalues_, values[:rank], atol=1e-12 * trace)
        if model.solution_.split is None:
            whole += 1
            gap = values[rank - 1] - values[rank]
            scale = np.abs(weights).max() * max(1.0, 1e-2 * values[0] / gap)
            np.testing.assert_allclose(model.weight_matrix(), weights, atol=1e-11 * scale)
    assert whole


@EVERY_SHAPE
@EVERY_DESIGN
@COVARIANCES
@pytest.mark.parametrize("rank", [None, 2, 3])
def test_score_is_the_mean_over_all_masks_of_other_images_as_they_are(
    shape, patch, channels, name, covariance, rank
):
    """Not shifted; also where the rank splits a pair of bands."""
    design, axis = design_of(name, shape, patch), axis_of(channels)
    model = sm.LinearMAE(design=design, covariance=covariance, rank=rank)
    model.fit(images_of(shape, channels), channel_axis=axis)
    others = images_of(shape, channels, n=7, seed=1)
    loss = enumerated_loss(others, model.mean_, model.weight_matrix(), design, channels)
    power = np.sum((others - model.mean_) ** 2) / len(others)
    expected = 1 - loss / power
    assert model.score(others, channel_axis=axis) == pytest.approx(expected, abs=1e-12)
    batches = iter([others[:5], others[5:]])
    assert model.score(batches, channel_axis=axis) == pytest.approx(expected, abs=1e-12)
    if covariance == "dense" or (design.shift_invariant and model.solution_.split is None):
        second = model.second_moment(others, channel_axis=axis)
        assert model.score(second) == pytest.approx(expected, abs=1e-12)


@EVERY_SHAPE
@EVERY_DESIGN
@pytest.mark.slow
def test_score_is_the_mean_of_reconstructions(shape, patch, channels, name):
    design, axis = design_of(name, shape, patch), axis_of(channels)
    others = images_of(shape, channels, n=5, seed=1)
    model = sm.LinearMAE(design=design).fit(images_of(shape, channels), channel_axis=axis)
    patterns, weights = design.enumerate()
    error = sum(
        weight * np.sum((model.reconstruct(others, visible, channel_axis=axis) - others) ** 2)
        for visible, weight in zip(design.grid.expand(patterns), weights, strict=True)
    )
    expected = 1 - error / np.sum((others - model.mean_) ** 2)
    assert model.score(others, channel_axis=axis) == pytest.approx(expected, abs=1e-12)


@EVERY_SHAPE
@EVERY_DESIGN
def test_power_of_a_code_is_a_mean_over_all_masks(shape, patch, channels, name):
    design = design_of(name, shape, patch)
    patterns, weights = design.enumerate()
    shares = 0.3 + np.random.default_rng(0).standard_normal((4, design.n_patches))
    expected = (shares @ patterns.T) ** 2 @ weights
    np.testing.assert_allclose(PatchMasking(design).code_power(shares), expected, rtol=1e-12)


@EVERY_SHAPE
@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
@COVARIANCES
def test_a_uniform_design_is_the_model_of_its_mask_ratio(
    shape, patch, channels, sampling, covariance
):
    design = MAKERS[sampling](sm.PatchGrid(shape, patch))
    images, axis = images_of(shape, channels), axis_of(channels)
    one = sm.LinearMAE(design=design, covariance=covariance).fit(images, channel_axis=axis)
    ratio = design.nominal_ratio
    two = sm.LinearMAE(patch, ratio, sampling=sampling, covariance=covariance)
    two.fit(images, channel_axis=axis)
    np.testing.assert_array_equal(one.solution_.weights, two.solution_.weights)
    assert one.loss_ == two.loss_
    ratios = [0.3, 0.5]
    np.testing.assert_array_equal(
        one.mask_ratio_sweep(ratios).loss, two.mask_ratio_sweep(ratios).loss
    )


@EVERY_SHAPE
@pytest.mark.parametrize("kind", [sm.BandMoments, sm.DenseMoments])
@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_pairs_of_uniform_designs_are_kept_as_their_two_parts_say(
    shape, patch, channels, kind, sampling, rows, monkeypatch
):
    """The convolution over bands, so many rows at once, and the product over patches."""
    n_patches, d = np.prod(shape) // np.prod(patch), np.prod(patch) * (channels or 1)
    monkeypatch.setattr(blocks, "PAIR_BYTES", int(rows * 8 * n_patches * d))
    design = MAKERS[sampling](sm.PatchGrid(shape, patch))
    moments = kind(design.grid, channels or 1)
    moments.update(images_of(shape, channels), channel_axis=axis_of(channels))
    stack = moments.stack()
    found = moments.transform.keep_pairs(stack.blocks, design)
    expected = PatchMasking(design).mix.second_moment(stack, slice(None))
    np.testing.assert_allclose(found, expected, atol=1e-13 * np.abs(expected).max())
    np.testing.assert_array_equal(found.imag[stack.multiplicity == 1], 0)
