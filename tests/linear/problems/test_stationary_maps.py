"""The two best maps of stationary images against models that hold their maps as matrices."""

import numpy as np
import pytest

from spectral_mae import LinearMAE, PatchGrid, designs
from spectral_mae.linear.corruption import PatchMasking
from spectral_mae.linear.moments.kinds import StationaryMoments
from spectral_mae.linear.problems.stationary_maps import stationary_maps


def moments_of(shape, patch_size, channels=1, n=20):
    images = np.random.default_rng(5).standard_normal((n, *shape, channels)).cumsum(axis=1)
    moments = StationaryMoments(PatchGrid(shape, patch_size), channels)
    return moments.update(3 + images, channel_axis=-1)


@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
@pytest.mark.parametrize(
    ("shape", "patch_size"),
    [((16, 24), 4), ((24, 16), (2, 4)), ((16, 12), (4, 3)), ((30,), 6), ((4, 6, 4), 2)],
)
def test_they_are_those_of_models(shape, patch_size, sampling):
    moments = moments_of(shape, patch_size)
    options = {"sampling": sampling, "covariance": "stationary"}
    whole = LinearMAE(patch_size, 0.6, **options).fit_moments(moments)
    filling = LinearMAE(patch_size, 0.6, target="hidden", **options).fit_moments(moments)
    masking = whole.masking(moments.grid)
    maps = stationary_maps(moments, masking)
    response = whole.frequency_response()
    np.testing.assert_allclose(maps.gain, response.gain.real, atol=1e-9)
    np.testing.assert_allclose(maps.original, response.original)
    frequency, explained = maps.radial()
    rings = response.radial()
    np.testing.assert_array_equal(frequency, rings.frequency)
    np.testing.assert_allclose(explained, rings.explained, atol=1e-9)
    assert maps.explained == pytest.approx(1 - whole.loss_ / whole.trace_, rel=1e-9)
    assert maps.hidden == pytest.approx(1 - filling.loss_ / filling.trace_, rel=1e-9)
    rng = np.random.default_rng(1)
    images, masks = rng.standard_normal((5, *shape)), masking.masks(5, rng)
    expected = filling.reconstruct(images, masks)
    np.testing.assert_allclose(maps.reconstruct(images, masks), expected, atol=1e-9)


def test_no_pixel_of_a_hidden_patch_is_seen():
    """Whatever a mask hides may hold anything, NaN too."""
    moments = moments_of((16, 16), 4)
    masking = PatchMasking(designs.fixed(moments.grid, 0.5))
    maps = stationary_maps(moments, masking)
    masks = masking.masks(1, 0)
    image = np.random.default_rng(0).standard_normal((1, 16, 16))
    found = maps.reconstruct(image, masks)
    np.testing.assert_array_equal(found, maps.reconstruct(np.where(masks, image, np.nan), masks))


def test_photographs_have_them_to_nine_digits():
    """Their second moments have condition numbers of a million and more."""
    from spectral_mae import read_image

    tiles = read_image("builtin:camera").pixels.reshape(8, 64, 8, 64).swapaxes(1, 2)
    moments = StationaryMoments(PatchGrid((64, 64), 8), 1).update(tiles.reshape(-1, 64, 64))
    whole = LinearMAE(8, 0.75, covariance="stationary").fit_moments(moments)
    filling = LinearMAE(8, 0.75, covariance="stationary", target="hidden").fit_moments(moments)
    maps = stationary_maps(moments, whole.masking(moments.grid))
    assert whole.solution_.condition > 1e4
    _, explained = maps.radial()
    expected = whole.frequency_response().radial().explained
    np.testing.assert_allclose(explained, expected, atol=1e-9)
    assert maps.hidden == pytest.approx(1 - filling.loss_ / filling.trace_, rel=1e-9)


@pytest.mark.parametrize(
    ("moments", "design"),
    [
        (moments_of((12, 12), 4, channels=3), lambda grid: designs.fixed(grid, 0.5)),
        (moments_of((9, 9), 3), lambda grid: designs.fixed(grid, 0.5)),
        (moments_of((16, 16), 4), lambda grid: designs.block(grid, (2, 2))),
        (moments_of((16, 16), 4), lambda grid: designs.fixed(grid, 1 / 16)),  # all but one
    ],
    ids=["colour", "odd", "block", "all but one"],
)
def test_what_takes_matrices_has_none(moments, design):
    assert stationary_maps(moments, PatchMasking(design(moments.grid))) is None


def test_images_that_are_the_same_along_a_direction_have_none():
    images = np.random.default_rng(0).random((9, 16, 1)) * np.ones(16)
    moments = StationaryMoments(PatchGrid((16, 16), 4), 1).update(images)
    assert stationary_maps(moments, PatchMasking(designs.fixed(moments.grid, 0.5))) is None
