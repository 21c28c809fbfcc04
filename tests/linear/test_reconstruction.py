"""One image through a model, and the borders of its patches, against sums over all masks."""

import math

import dense
import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.linear import reconstruction
from spectral_mae.linear.reconstruction import (
    border_gradient_ratio,
    expected_border_gradient_ratio,
    reconstruct_image,
)

SETTINGS = [((8,), (2,), None), ((4, 6), (2, 3), None), ((6, 4), (3, 2), 2), ((9,), (3,), 2)]
SETTINGS += [((2, 3, 4), (1, 3, 2), 2)]
EVERY = pytest.mark.parametrize(("shape", "patch", "channels"), SETTINGS)
RATIO = 0.4  # keeps one of three patches and two of four


def fitted(model, shape, channels, n=60):
    images = dense.photographs(n, shape, channels)
    return model.fit(images, channel_axis=None if channels is None else -1), images


def over_channels(visible, channels):
    return visible if channels is None else np.repeat(visible[..., np.newaxis], channels, -1)


@EVERY
@pytest.mark.parametrize("given", [True, False])
def test_masked_image_through_a_model(shape, patch, channels, given):
    model, images = fitted(sm.LinearMAE(patch, RATIO), shape, channels)
    image, grid = images[3], model.moments_.grid
    visible = sm.sample_visible(grid, RATIO, 1, rng=7)[0]
    one = reconstruct_image(model, image, **({"visible": visible} if given else {"rng": 7}))
    assert one.grid is grid
    np.testing.assert_array_equal(one.visible, visible)
    np.testing.assert_array_equal(one.original, image)
    np.testing.assert_array_equal(one.mean, model.mean_)
    seen = over_channels(visible, channels)
    np.testing.assert_array_equal(one.corrupted, np.where(seen, image, model.mean_))
    output = model.mean_ + ((one.corrupted - model.mean_).ravel() @ model.weight_matrix()).reshape(
        image.shape
    )
    np.testing.assert_allclose(one.output, output, atol=1e-10)
    np.testing.assert_array_equal(one.filled, np.where(seen, image, one.output))
    error = np.sum((output - image)[~seen] ** 2)
    power = np.sum((image - model.mean_)[~seen] ** 2)
    assert one.explained == pytest.approx(1 - error / power, rel=1e-9)
    assert one.psnr == pytest.approx(10 * math.log10(image.size / error), rel=1e-9)
    assert repr(one) == f"Reconstruction(shape={shape}, explained={one.explained:.4g})"


def test_a_result_keeps_its_mask():
    images = np.random.default_rng(0).random((20, 4, 6)).cumsum(axis=1)
    mask = np.arange(24).reshape(4, 6) % 3 > 0
    found = sm.reconstruct_image(sm.LinearMAE(2, 0.5).fit(images), images[0], visible=mask)
    explained = found.explained
    mask[...] = ~mask  # the next one is drawn into the same array
    assert found.explained == explained


def test_a_mask_is_drawn_as_the_model_has_them():
    images = dense.photographs(10, (6, 8))
    for options in (
        {},
        {"sampling": "bernoulli"},
        {"covariance": "stationary", "random_offset": True},
    ):
        model = sm.LinearMAE(2, 0.5, **options).fit(images)
        drawn = [reconstruct_image(model, images[0], rng=seed) for seed in range(30)]
        for seed, one in enumerate(drawn):
            expected = sm.sample_visible(
                model.moments_.grid,
                0.5,
                1,
                sampling=model.sampling,
                random_offset=model.random_offset,
                rng=seed,
            )[0]
            np.testing.assert_array_equal(one.visible, expected)
        shares = {one.visible.mean() for one in drawn}
        assert (len(shares) > 1) == (options.get("sampling") == "bernoulli")
        rolled = any((np.add.reduceat(one.visible, [0, 2], 0)[0] == 1).any() for one in drawn)
        assert rolled == model.random_offset


@EVERY
def test_noisy_image_through_a_denoising_autoencoder(shape, patch, channels):
    model, images = fitted(sm.LinearDAE(patch, 0.4), shape, channels)
    image = images[3]
    one = reconstruct_image(model, image, rng=5)
    assert one.visible is None
    np.testing.assert_array_equal(one.corrupted, model.corrupt(image[np.newaxis], rng=5)[0])
    assert (one.corrupted != image).all()
    np.testing.assert_array_equal(one.output, model.reconstruct(one.corrupted[np.newaxis])[0])
    np.testing.assert_array_equal(one.filled, one.output)
    error, power = np.sum((one.output - image) ** 2), np.sum((image - model.mean_) ** 2)
    assert one.explained == pytest.approx(1 - error / power, rel=1e-12)
    assert one.psnr == pytest.approx(10 * math.log10(image.size / error), rel=1e-12)


@EVERY
def test_image_through_an_autoencoder(shape, patch, channels):
    model, images = fitted(sm.LinearAE(patch, 4), shape, channels)
    one = reconstruct_image(model, images[3])
    assert one.visible is None
    np.testing.assert_array_equal(one.corrupted, images[3])
    np.testing.assert_array_equal(one.output, model.reconstruct(images[3:4])[0])


def test_visible_is_for_masked_autoencoders_and_images_are_finite():
    model, images = fitted(sm.LinearAE(2, 4), (4, 6), None)
    with pytest.raises(ValueError, match=r"visible is for masked autoencoders, not for LinearAE"):
        reconstruct_image(model, images[0], visible=np.ones((4, 6), bool))
    with pytest.raises(ValueError, match="image holds 1 values that are not finite"):
        reconstruct_image(model, np.where(np.arange(24).reshape(4, 6) == 5, np.nan, images[0]))
    with pytest.raises(ValueError, match=r"\(1, 4, 4\)"):
        reconstruct_image(model, images[0, :, :4])


def test_what_has_no_answer_is_nan_or_infinite():
    model, images = fitted(sm.LinearMAE(2, 0.5), (4, 6), None)
    whole = reconstruct_image(model, images[0], visible=np.ones((4, 6), bool))
    assert math.isnan(whole.explained)
    assert whole.psnr == math.inf
    flat = sm.LinearMAE(2, 0.5).fit(np.full((3, 4, 6), 0.25))
    assert math.isnan(reconstruct_image(flat, np.full((4, 6), 0.25), rng=0).explained)


@EVERY
@pytest.mark.parametrize("kind", ["mae", "dae"])
def test_spectra_are_those_of_the_pictures_about_the_mean(shape, patch, channels, kind):
    model = sm.LinearMAE(patch, RATIO) if kind == "mae" else sm.LinearDAE(patch, 0.4)
    model, images = fitted(model, shape, channels)
    one = reconstruct_image(model, images[3], rng=0)
    pictures = {
        "original": one.original - model.mean_,
        "corrupted": one.corrupted - model.mean_,
        "reconstruction": one.output - model.mean_,
        "error": one.output - one.original,
    }
    spectra = one.spectra()
    assert list(spectra) == list(pictures)
    for name, picture in pictures.items():
        axis = None if channels is None else -1
        expected = sm.psd(picture, channel_axis=axis, ndim=len(shape)).radial()
        np.testing.assert_array_equal(spectra[name].power, expected.power)
        assert spectra[name].power.max() > 0


def steps(image, patch):
    """Squared steps between neighbours: those that cross a border of patches, and the others."""
    across, inside = [], []
    for place in np.ndindex(image.shape[: len(patch)]):
        for axis, p in enumerate(patch):
            after = tuple(i + (a == axis) for a, i in enumerate(place))
            if after[axis] == image.shape[axis]:
                continue
            squares = np.atleast_1d(image[after] - image[place]) ** 2
            crosses = place[axis] // p != after[axis] // p
            (across if crosses else inside).extend(squares.tolist())
    return across, inside


@pytest.mark.parametrize(
    ("shape", "patch", "channels"),
    [*SETTINGS, ((4, 4), (1, 2), None), ((4, 6), (4, 2), None), ((12,), (4,), None)],
)
def test_border_ratio_by_a_loop_over_neighbours(shape, patch, channels):
    image = dense.photographs(1, shape, channels)[0]
    across, inside = steps(image, patch)
    ratio = border_gradient_ratio(image, sm.PatchGrid(shape, patch))
    assert ratio == pytest.approx(math.sqrt(np.mean(across) / np.mean(inside)), rel=1e-12)


def test_border_ratio_of_images_that_are_known():
    ramp = np.add.outer(2.0 * np.arange(8), 2.0 * np.arange(6))
    assert border_gradient_ratio(ramp, sm.PatchGrid((8, 6), 2)) == pytest.approx(1.0)
    inside_only = np.array([0.0, 1, 1, 2, 2, 3, 3, 4])
    assert border_gradient_ratio(inside_only, sm.PatchGrid(8, 2)) == 0
    blocks = np.kron(np.arange(6.0).reshape(2, 3), np.ones((3, 3)))
    assert math.isnan(border_gradient_ratio(blocks, sm.PatchGrid((6, 9), 3)))


@pytest.mark.parametrize(
    ("shape", "patch"), [((4,), 4), ((4, 6), (4, 6)), ((6,), 1), ((4, 4), 1), ((4, 1), (2, 1))]
)
def test_border_ratio_needs_steps_of_both_kinds(shape, patch):
    one_patch_or_pixel = dense.photographs(1, shape)[0]
    ratio = border_gradient_ratio(one_patch_or_pixel, sm.PatchGrid(shape, patch))
    across, inside = steps(one_patch_or_pixel, sm.PatchGrid(shape, patch).patch_size)
    assert math.isnan(ratio) == (not across or not inside)


def test_border_ratio_of_a_constant_image_is_nan():
    assert math.isnan(border_gradient_ratio(np.full((4, 4), 0.3), sm.PatchGrid((4, 4), 2)))
    model = sm.LinearMAE(2, 0.5).fit(np.full((2, 4, 4), 0.3))
    assert math.isnan(expected_border_gradient_ratio(model, np.full((4, 4), 0.3)))


@EVERY
@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
@pytest.mark.parametrize("covariance", ["banded", "dense", "stationary"])
@pytest.mark.parametrize("options", [{}, {"rank": 3}, {"target": "hidden"}, {"center": False}])
def test_expected_border_ratio_is_that_over_all_masks(
    shape, patch, channels, sampling, covariance, options
):
    model = sm.LinearMAE(patch, RATIO, sampling=sampling, covariance=covariance, **options)
    model, images = fitted(model, shape, channels)
    image = images[3]
    across = inside = 0.0
    for visible, probability in dense.masks(shape, patch, RATIO, sampling):
        output = model.reconstruct(image[np.newaxis], visible)[0]
        two = steps(output, patch)
        across += probability * np.mean(two[0])
        inside += probability * np.mean(two[1])
    expected = math.sqrt(across / inside)
    assert expected_border_gradient_ratio(model, image) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("part", [1, 3, 4, 5])
def test_patches_are_sent_in_parts_of_any_size(part, monkeypatch):
    model, images = fitted(sm.LinearMAE(2, RATIO), (4, 6), 2)
    whole = expected_border_gradient_ratio(model, images[0])
    monkeypatch.setattr(reconstruction, "PART", part)
    assert expected_border_gradient_ratio(model, images[0]) == pytest.approx(whole, rel=1e-12)


def test_random_offsets_have_no_borders():
    model = sm.LinearMAE(2, 0.5, covariance="stationary", random_offset=True)
    model, images = fitted(model, (4, 6), None)
    with pytest.raises(ValueError, match="random offset have no borders"):
        expected_border_gradient_ratio(model, images[0])


@EVERY
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sampling": "bernoulli"},
        {"covariance": "dense"},
        {"covariance": "stationary", "random_offset": True},
    ],
)
def test_corrupting_hides_and_keeps_the_share_it_should(shape, patch, channels, options):
    model, images = fitted(sm.LinearMAE(patch, RATIO, **options), shape, channels)
    image, n = images[0], 4000
    drawn = model.corrupt(np.broadcast_to(image, (n, *image.shape)), rng=0)
    assert drawn.shape == (n, *image.shape)
    seen = drawn == image
    assert (seen | np.isclose(drawn, model.mean_, rtol=1e-9)).all()
    grid = model.moments_.grid
    pi1, pi2 = sm.inclusion_probabilities(grid.n_patches, RATIO, sampling=model.sampling)
    expected = model.mean_ + pi1 * (image - model.mean_)
    spread = math.sqrt(pi1 * (1 - pi1) / n) * np.abs(image - model.mean_)
    assert (np.abs(drawn.mean(axis=0) - expected) <= 5 * spread).all()
    if channels is not None:
        np.testing.assert_array_equal(seen[..., 0], seen[..., 1])
    if not model.random_offset:  # at an offset the first and last pixel may be of one patch
        seen = seen.reshape(n, -1)
        both = np.mean(seen[:, 0] & seen[:, -1])
        assert both == pytest.approx(pi2, abs=5 * math.sqrt(0.25 / n))


@pytest.mark.parametrize("model", [sm.LinearMAE(2, 0.5), sm.LinearDAE(2, 0.4), sm.LinearAE(2, 3)])
def test_corruption_is_seeded(model):
    model, images = fitted(model, (8, 8), None)
    first = model.corrupt(images, rng=1)
    np.testing.assert_array_equal(model.corrupt(images, rng=1), first)
    assert (model.corrupt(images, rng=2) != first).any() == (not isinstance(model, sm.LinearAE))
    assert first is not images


def test_noise_has_the_strength_it_should():
    model, images = fitted(sm.LinearDAE((3, 2), 0.4, covariance="dense"), (6, 4), 2)
    noise = model.corrupt(np.broadcast_to(images[0], (4000, 6, 4, 2)), rng=0) - images[0]
    assert np.abs(noise.mean(axis=0)).max() < 5 * 0.4 / math.sqrt(4000)
    assert noise.std() == pytest.approx(0.4, rel=0.01)
    assert abs(np.mean(noise[:, 0, 0, 0] * noise[:, 0, 0, 1])) < 5 * 0.16 / math.sqrt(4000)


def test_an_autoencoder_sees_images_as_they_are():
    model, images = fitted(sm.LinearAE(2, 3), (4, 6), None)
    np.testing.assert_array_equal(model.corrupt(images), images)


def test_channels_are_corrupted_where_they_stand():
    model, images = fitted(sm.LinearMAE((3, 2), 0.5), (6, 4), 2)
    first = model.corrupt(np.moveaxis(images, -1, 1), channel_axis=1, rng=0)
    np.testing.assert_array_equal(first, model.corrupt(images, rng=0))


@pytest.mark.parametrize("function", [sm.reconstruct_image, sm.expected_border_gradient_ratio])
def test_models_that_are_not_fitted_say_so(function):
    with pytest.raises(sm.NotFittedError, match="this LinearMAE is not fitted yet: call fit"):
        function(sm.LinearMAE(2, 0.5), np.zeros((4, 6)))
