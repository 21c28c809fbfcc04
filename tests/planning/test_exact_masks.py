"""Explained power of hidden pixels, image by image, against scores and enumerated masks."""

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae import designs, fields
from spectral_mae.planning.drawn_masks import drawn_errors
from spectral_mae.planning.error_sums import ErrorSums
from spectral_mae.planning.exact_masks import exact_errors, exact_errors_of_moments
from spectral_mae.planning.gaussian_draws import GaussianDraws

SHAPES = [((8, 12), 4, 1), ((9, 6), 3, 1), ((8, 8), 4, 3), ((24,), 4, 1)]


def images_of(shape, channels, n, seed=0):
    axes = tuple(range(1, len(shape) + 1))
    white = np.random.default_rng(seed).standard_normal((n, *shape, channels))
    images = sum(np.roll(white, shift, axes[-1]) for shift in range(3)) + 0.5
    return images[..., 0] if channels == 1 else images


def fitted(shape, patch_size, channels, sampling="fixed", target="hidden"):
    images = images_of(shape, channels, 60)
    model = sm.LinearMAE(patch_size, 0.6, sampling=sampling, target=target, shrinkage=0.2)
    return model.fit(images, channel_axis=None if channels == 1 else -1)


def about_mean(model, images):
    return model.moments_.to_patches(images) - model.centre


@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
@pytest.mark.parametrize(("shape", "patch_size", "channels"), SHAPES)
def test_all_images_together_have_the_score_of_the_model(shape, patch_size, channels, sampling):
    model = fitted(shape, patch_size, channels, sampling)
    others = images_of(shape, channels, 20, seed=1)
    found = exact_errors(model, about_mean(model, others))
    assert found.n_images == 20
    assert found.explained[0] == pytest.approx(model.score(others), rel=1e-10)


@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
@pytest.mark.parametrize(("shape", "patch_size", "channels"), SHAPES)
def test_each_image_has_the_error_of_all_its_masks(shape, patch_size, channels, sampling):
    model = fitted(shape, patch_size, channels, sampling)
    design = model.design_
    patches = about_mean(model, images_of(shape, channels, 3, seed=2))
    patterns, weights = design.enumerate()
    expected = np.zeros(3)
    for kept, weight in zip(patterns, weights, strict=True):
        seen = patches * kept[:, None]
        output = model.moments_.transform.apply(model.solution_.weights, seen)
        expected += weight * np.sum(((patches - output) ** 2)[:, ~kept], axis=(1, 2))
    for image, error in zip(patches, expected, strict=True):
        found = exact_errors(model, image[None])
        assert found.error[0] == pytest.approx(error / design.mask_ratio, rel=1e-9)


@pytest.mark.parametrize(("shape", "patch_size", "channels"), SHAPES)
def test_octaves_are_those_of_the_frequency_response(shape, patch_size, channels):
    images = images_of(shape, channels, 40)
    axis = None if channels == 1 else -1
    model = sm.LinearMAE(patch_size, 0.6, target="hidden").fit(images, channel_axis=axis)
    known = exact_errors_of_moments(model)
    found = exact_errors(model, about_mean(model, images))
    np.testing.assert_allclose(found.error / 40, known.error, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(found.power / 40, known.power, rtol=1e-8, atol=1e-9)


def test_models_of_another_kind_are_refused():
    model = fitted((8, 8), 4, 1, target="all")
    with pytest.raises(ValueError, match="has no hidden target"):
        exact_errors(model, about_mean(model, images_of((8, 8), 1, 2)))


@pytest.mark.parametrize("shape", [(6, 8), (9, 6), (16,)])
def test_gaussian_draws_have_the_second_moment(shape):
    grid = sm.PatchGrid(shape, 2 if shape != (9, 6) else 3)
    moments = sm.BandMoments(grid).update(images_of(shape, 1, 50))
    draws = GaussianDraws(moments.stack(), moments.transform)
    patches = draws(20000, np.random.default_rng(0))
    again = sm.BandMoments(grid, center=False)
    again.add_patches(patches)
    wanted = moments.stack().blocks
    np.testing.assert_allclose(again.stack().blocks, wanted, atol=0.03 * np.abs(wanted).max())


@pytest.mark.parametrize(("patch_size", "mask_ratio"), [(2, 0.25), (4, 0.5), (4, 0.75), (8, 0.75)])
@pytest.mark.slow
def test_drawn_masks_come_close_to_the_closed_form(patch_size, mask_ratio):
    """The promise of `drawn_masks`: within 0.01 under uniform designs."""
    spectrum = fields.power_law((32, 32), -2.5)
    images = fields.gaussian_fields(spectrum, 800, rng=0)
    fit = {"shrinkage": 1.0}
    hidden = sm.LinearMAE(patch_size, mask_ratio, target="hidden", **fit).fit(images[:400])
    every = sm.LinearMAE(patch_size, mask_ratio, **fit).fit(images[:400])
    gaussian = GaussianDraws(
        every.moments_.stack().shrunk(1.0, every.moments_.transform), every.moments_.transform
    )
    patches = about_mean(every, images[400:])
    drawn = drawn_errors(every, patches, gaussian, np.random.default_rng(0))
    exact = exact_errors(hidden, patches)
    assert drawn.explained[0] == pytest.approx(exact.explained[0], abs=0.01)


def test_drawn_masks_are_scored_on_hidden_pixels_alone():
    """A block that hides the left half: the errors of the right half do not count."""
    grid = sm.PatchGrid((8, 8), 4)
    images = images_of((8, 8), 1, 200)
    design = designs.from_masks(grid, np.array([[False, True, False, True]]))
    model = sm.LinearMAE(design=designs.fixed(grid, 0.5), shrinkage=1.0).fit(images)
    gaussian = GaussianDraws(model.moments_.stack(), model.moments_.transform)
    model.corruption_ = type(model.corruption_)(design)
    patches = about_mean(model, images)
    changed = patches.copy()
    changed[:, [1, 3]] = 0.0  # what is seen changes the errors, but not the power
    one, other = (
        drawn_errors(model, p, gaussian, np.random.default_rng(0)) for p in (patches, changed)
    )
    np.testing.assert_allclose(one.power, other.power)
    assert one.power[0] == pytest.approx(np.sum(patches[:, [0, 2]] ** 2))
    assert other.error[0] == pytest.approx(other.power[0])  # nothing is seen


def test_sums_have_the_standard_error_of_a_ratio():
    rng = np.random.default_rng(0)
    power = rng.gamma(4.0, 1.0, (4000, 100, 2))
    error = power * rng.uniform(0.2, 0.6, power.shape)
    sums = [ErrorSums.of(e, p) for e, p in zip(error, power, strict=True)]
    spread = np.std([one.explained for one in sums], axis=0)
    np.testing.assert_allclose(np.mean([one.stderr for one in sums], axis=0), spread, rtol=0.05)


def test_merged_sums_are_those_of_all_images():
    rng = np.random.default_rng(1)
    error, power = rng.random((2, 7, 3)) + 0.1
    parts = ErrorSums.of(error[:3], power[:3]).merge(ErrorSums.of(error[3:], power[3:]))
    whole = ErrorSums.of(error, power)
    np.testing.assert_allclose(parts.stderr, whole.stderr)
    np.testing.assert_allclose(parts.explained, 1 - error.sum(0) / power.sum(0))
    again = ErrorSums.from_dict(whole.to_dict())
    np.testing.assert_array_equal(again.stderr, whole.stderr)


def test_groups_count_as_one_image():
    rng = np.random.default_rng(2)
    error, power = rng.random((2, 6, 6))
    grouped = ErrorSums.by_octave(error, power, 3)
    assert grouped.n_images == 3
    pairs = [
        ErrorSums.by_octave(a.reshape(3, 2, 6).sum(1), b.reshape(3, 2, 6).sum(1))
        for a, b in [(error, power)]
    ]
    np.testing.assert_allclose(grouped.stderr, pairs[0].stderr)
    assert np.isnan(ErrorSums.of(error[:1], power[:1]).stderr).all()
