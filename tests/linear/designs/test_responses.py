"""Frequency responses and steps across patch borders under any design."""

import dense
import numpy as np
import pytest
from design_cases import (
    EVERY_DESIGN,
    EVERY_SHAPE,
    axis_of,
    commuting,
    design_of,
    images_of,
    moments_of,
)

import spectral_mae as sm

pytestmark = pytest.mark.slow  # the loss and W against enumeration stay in the fast suite

CURVES = ("original", "passed", "aliased", "noise", "error")


def explicit_curves(second, seen, spoiled, weights, shape, channels):
    """Diagonals in the Fourier basis; ``seen`` is the diagonal of E[x̃ | x] = x · seen."""

    def blocks(matrix):
        return dense.by_frequency(matrix, shape, channels)

    def power(matrix):
        return np.einsum("...cc->...", blocks(matrix)).real

    mean_map = seen[:, np.newaxis] * weights
    gain, own = blocks(mean_map.T), blocks(second)
    passed = np.einsum("...cd,...de,...ce->...", gain, own, gain.conj()).real
    from_signal = power(mean_map.T @ second @ mean_map)
    output = power(weights.T @ spoiled @ weights)
    original = power(second)
    return {
        "gain": np.einsum("...cd,...dc->...", gain, own) / original,
        "original": original,
        "passed": passed,
        "aliased": from_signal - passed,
        "noise": output - from_signal,
        "error": original - 2 * power(second @ mean_map) + output,
    }


@EVERY_SHAPE
@EVERY_DESIGN
@pytest.mark.parametrize("covariance", ["banded", "dense", "stationary"])
@pytest.mark.parametrize("rank", [None, 2, 3])
def test_curves_are_diagonals_of_explicit_matrices(shape, patch, channels, name, covariance, rank):
    design, images, c = design_of(name, shape, patch), images_of(shape, channels), channels or 1
    model = sm.LinearMAE(design=design, covariance=covariance, rank=rank)
    model.fit(images, channel_axis=axis_of(channels))
    second, _ = dense.moments(images, patch, covariance)
    _, spoiled = moments_of(design, second, channels)
    seen = np.repeat(design.grid.expand(design.inclusion.reshape(1, -1)).ravel(), c)
    if covariance != "dense":
        spoiled, seen = commuting(spoiled, shape, patch, channels), np.full_like(seen, seen.mean())
    response = model.frequency_response()
    expected = explicit_curves(second, seen, spoiled, model.weight_matrix(), shape, c)
    scale = expected["original"].max()
    for curve in CURVES:
        np.testing.assert_allclose(getattr(response, curve), expected[curve], atol=1e-11 * scale)
    np.testing.assert_allclose(response.gain, expected["gain"], atol=1e-11)
    assert response.error.sum() == pytest.approx(model.loss_, rel=1e-11)
    assert response.original.sum() == pytest.approx(model.trace_, rel=1e-11)


@pytest.mark.parametrize(("shape", "patch", "channels"), [((10,), (2,), None), ((6, 6), (3, 2), 2)])
@EVERY_DESIGN
@pytest.mark.parametrize("covariance", ["banded", "dense"])
def test_steps_across_borders_are_means_over_all_masks(shape, patch, channels, name, covariance):
    design = design_of(name, shape, patch)
    model = sm.LinearMAE(design=design, covariance=covariance)
    model.fit(images_of(shape, channels), channel_axis=axis_of(channels))
    image = images_of(shape, channels, n=1, seed=3)[0]
    patterns, weights = design.enumerate()
    outputs = [model.reconstruct(image[np.newaxis], v)[0] for v in design.grid.expand(patterns)]
    across, inside = [], []
    for axis, p in enumerate(patch):
        steps = np.array([np.diff(output, axis=axis) ** 2 for output in outputs])
        square = np.tensordot(weights, steps, 1)
        on_border = np.arange(1, shape[axis]) % p == 0
        across.append(np.compress(on_border, square, axis=axis).ravel())
        inside.append(np.compress(~on_border, square, axis=axis).ravel())
    expected = np.sqrt(np.concatenate(across).mean() / np.concatenate(inside).mean())
    assert sm.expected_border_gradient_ratio(model, image) == pytest.approx(expected, rel=1e-10)


@EVERY_DESIGN
def test_a_model_of_one_design_is_shown_masks_of_another(name):
    """Its output and its expected steps are those of a map of the same weights."""
    shape, patch = (4, 6), (2, 2)
    images, design = images_of(shape, None), design_of(name, shape, patch)
    model = sm.LinearMAE(2, 0.5, covariance="dense").fit(images)
    one = sm.reconstruct_image(model, images[0], design=design, rng=4)
    np.testing.assert_array_equal(one.visible, design.sample(1, rng=4)[0])
    np.testing.assert_array_equal(one.output, model.reconstruct(images[:1], one.visible)[0])
    patterns, weights = design.enumerate()
    outputs = [model.reconstruct(images[:1], v)[0] for v in design.grid.expand(patterns)]
    steps = [np.diff(np.array(outputs), axis=axis + 1) ** 2 for axis in (0, 1)]
    rows, columns = (np.tensordot(weights, step, 1) for step in steps)
    across = np.concatenate([rows[1::2].ravel(), columns[:, 1::2].ravel()]).mean()
    inside = np.concatenate([rows[::2].ravel(), columns[:, ::2].ravel()]).mean()
    found = sm.expected_border_gradient_ratio(model, images[0], design=design)
    assert found == pytest.approx(np.sqrt(across / inside), rel=1e-10)
    with pytest.raises(ValueError, match="one of them says the mask"):
        sm.reconstruct_image(model, images[0], visible=one.visible, design=design)
    other = sm.designs.block(sm.PatchGrid((4, 6), (4, 2)), 1)
    with pytest.raises(ValueError, match="is of PatchGrid"):
        sm.reconstruct_image(model, images[0], design=other)
    with pytest.raises(ValueError, match="design is for masked autoencoders"):
        sm.reconstruct_image(sm.LinearAE(2, 3).fit(images), images[0], design=design)


@EVERY_DESIGN
def test_an_image_is_reconstructed_from_a_mask_of_the_design(name):
    design = design_of(name, (4, 6), (2, 2))
    images = images_of((4, 6), None)
    model = sm.LinearMAE(design=design).fit(images)
    one = sm.reconstruct_image(model, images[0], rng=4)
    np.testing.assert_array_equal(one.visible, design.sample(1, rng=4)[0])
    np.testing.assert_array_equal(one.output, model.reconstruct(images[:1], one.visible)[0])
    drawn = model.corrupt(images[:5], rng=4)
    expected = np.where(design.sample(5, rng=4), images[:5], model.mean_)
    np.testing.assert_allclose(drawn, expected, atol=1e-14)


@EVERY_DESIGN
def test_weights_and_receptive_fields_are_columns_of_the_map(name):
    design = design_of(name, (4, 6), (2, 2))
    model = sm.LinearMAE(design=design).fit(images_of((4, 6), None))
    matrix = model.weight_matrix().reshape(4, 6, 4, 6)
    field = model.receptive_field((3, 2))
    np.testing.assert_allclose(field.weights, matrix[:, :, 3, 2], atol=1e-14)
    assert len(list(model.receptive_fields())) == 4  # the others are shifts of one patch's
