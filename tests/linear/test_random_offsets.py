"""Models of masks whose patch grid lies anywhere: means over masks and offsets."""

import itertools

import dense
import laws
import numpy as np
import pytest
from shift_cases import CENTER, DESIGNS, SHAPES, axis_of, fit, mask_ratio

import spectral_mae as sm
from spectral_mae.linear.corruption import OffsetMasking
from spectral_mae.linear.moments.blocks import BandTransform
from spectral_mae.linear.moments.kinds import StationaryMoments


def offset_masking(grid, ratio, sampling="fixed"):
    return OffsetMasking(getattr(sm.designs, sampling)(grid, ratio))


@SHAPES
@DESIGNS
def test_wiener_filter_whose_noise_is_what_masks_leak(shape, patch, channels, sampling):
    """H = π₁ S (π₂S + (π₁−π₂)S̃)⁻¹, with S̃ as the convolution that defines it."""
    images = dense.photographs(40, shape, channels)
    model = fit(shape, patch, channels, images, sampling=sampling, random_offset=True)
    power = model.moments_.spectra()
    pulse = np.ones(())
    for n, p in zip(shape, patch, strict=True):
        pulse = np.multiply.outer(pulse, np.abs(laws.pulse_dft(n, p).astype(complex)) ** 2)
    n_patches = np.prod(shape) // np.prod(patch)
    smooth = np.empty_like(power)
    for c, e in itertools.product(range(channels or 1), repeat=2):
        smooth[..., c, e] = laws.circular_convolution(power[..., c, e], pulse)
    smooth *= n_patches / np.prod(shape) ** 2
    subsets = list(laws.every_subset(n_patches, mask_ratio(shape, patch), sampling))
    pi1 = float(sum(p for bits, p in subsets if bits[0]))
    pi2 = float(sum(p for bits, p in subsets if bits[0] and bits[1]))
    expected = pi1 * power @ np.linalg.inv(pi2 * power + (pi1 - pi2) * smooth)
    found = dense.by_frequency(model.weight_matrix().T, shape, channels or 1)
    np.testing.assert_allclose(found, expected, atol=1e-9)


@SHAPES
@DESIGNS
def test_moments_of_masks_at_random_offsets(shape, patch, channels, sampling):
    """μ and Q of all masks at all offsets, on stacks of single frequencies."""
    c = channels or 1
    grid = sm.PatchGrid(shape, patch)
    ratio = mask_ratio(shape, patch)
    second, _ = dense.moments(dense.photographs(10, shape, channels), patch, "stationary")
    drawn = dense.masks(shape, patch, ratio, sampling, random_offset=True)
    mu, spoiled = dense.corrupted(second, drawn, c)
    moments = StationaryMoments(grid, c)
    moments.update(dense.photographs(10, shape, channels), channel_axis=axis_of(channels))
    frequencies = BandTransform(sm.PatchGrid(shape, 1), c)
    masking = offset_masking(grid, ratio, sampling)
    stack = masking.prepared(moments.by_frequency.stack(), frequencies)
    assert masking.mix.mu == pytest.approx(mu, rel=1e-12)
    found = masking.mix.second_moment(stack, slice(None))
    expected = [
        dense.band(spoiled, shape, (1,) * len(shape), c, k) for k in frequencies.frequencies
    ]
    np.testing.assert_allclose(found, expected, atol=1e-11 * np.abs(second).max())
    np.testing.assert_array_equal(masking.mix.second_moment(stack, slice(1, 2)), found[1:2])


@pytest.mark.parametrize(("shape", "patch"), laws.GRIDS)
@DESIGNS
@pytest.mark.slow
def test_power_of_a_code_is_a_mean_over_masks_and_offsets(shape, patch, sampling):
    ratio = mask_ratio(shape, patch)
    shares = np.random.default_rng(0).standard_normal((4, int(np.prod(shape)))) + 0.3
    masking = offset_masking(sm.PatchGrid(shape, patch), ratio, sampling)
    expected = sum(
        probability * (shares @ mask.ravel()) ** 2
        for mask, probability in dense.masks(shape, patch, ratio, sampling, random_offset=True)
    )
    np.testing.assert_allclose(masking.code_power(shares), expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("shape", "patch", "ratio"), [((4,), (2,), 0.5), ((6, 3), (2, 3), 0.6), ((6, 4), (3, 2), 0.5)]
)
@DESIGNS
@pytest.mark.slow
def test_drawn_masks_are_all_masks_at_all_offsets(shape, patch, ratio, sampling):
    """Each as often as it should be, to five standard errors; no others."""
    n = 20_000
    grid = sm.PatchGrid(shape, patch)
    visible = sm.sample_visible(grid, ratio, n, sampling=sampling, random_offset=True, rng=0)
    assert visible.dtype == bool
    chance = {}
    for mask, probability in dense.masks(shape, patch, ratio, sampling, random_offset=True):
        key = tuple(mask.astype(bool).ravel().tolist())
        chance[key] = chance.get(key, 0.0) + probability
    seen, counts = np.unique(visible.reshape(n, -1), axis=0, return_counts=True)
    found = {tuple(mask.tolist()): count / n for mask, count in zip(seen, counts, strict=True)}
    assert found.keys() <= chance.keys()
    for mask, probability in chance.items():
        error = np.sqrt(probability * (1 - probability) / n)
        assert found.get(mask, 0.0) == pytest.approx(probability, abs=5 * error)
    again = sm.sample_visible(grid, ratio, n, sampling=sampling, random_offset=True, rng=0)
    np.testing.assert_array_equal(visible, again)


def test_corrupted_images_are_images_times_masks_at_random_offsets():
    grid = sm.PatchGrid((6, 4), (3, 2))
    pixels = 1.0 + np.random.default_rng(0).random((50, 24, 3))
    drawn = offset_masking(grid, 0.5).sample(pixels, rng=5)
    visible = sm.sample_visible(grid, 0.5, 50, random_offset=True, rng=5)
    np.testing.assert_array_equal(drawn, pixels * visible.reshape(50, 24, 1))


def enumerated(model, images, shape, patch):
    """Mean squared error over images and all masks (and offsets), and the power about the mean."""
    drawn = dense.masks(
        shape, patch, model.mask_ratio, model.sampling, random_offset=model.random_offset
    )
    loss = sum(
        probability * np.sum((model.reconstruct(images, mask) - images) ** 2)
        for mask, probability in drawn
    )
    return loss / len(images), np.sum((images - model.mean_) ** 2) / len(images)


@SHAPES
@DESIGNS
@CENTER
@pytest.mark.parametrize("rank", [None, 1, 2, 3, 4])
def test_loss_and_score_are_means_over_masks_and_offsets(
    shape, patch, channels, sampling, center, rank
):
    """On the images as they are; with a split pair the loss is that of all pixel shifts."""
    train, test = (dense.photographs(n, shape, channels, seed=n) for n in (15, 6))
    model = fit(
        shape,
        patch,
        channels,
        train,
        sampling=sampling,
        random_offset=True,
        center=center,
        rank=rank,
    )
    loss, trace = enumerated(model, train, shape, patch)
    assert model.trace_ == pytest.approx(trace, rel=1e-10)
    if model.solution_.split is None:
        assert model.loss_ == pytest.approx(loss, rel=1e-9)
    axis = axis_of(channels)
    assert model.score(train, channel_axis=axis) == pytest.approx(1 - loss / trace, abs=1e-9)
    loss, trace = enumerated(model, test, shape, patch)
    assert model.score(test, channel_axis=axis) == pytest.approx(1 - loss / trace, abs=1e-9)
    if model.solution_.split is not None and np.prod(shape) < 12:
        loss, _ = enumerated(model, dense.rolls(train, len(shape)), shape, patch)
        assert model.loss_ == pytest.approx(loss, rel=1e-9)


@SHAPES
@DESIGNS
@pytest.mark.parametrize("covariance", ["banded", "stationary"])
@pytest.mark.slow
def test_scores_are_means_over_masks_whatever_the_rank_splits(
    shape, patch, channels, sampling, covariance
):
    train, test = (dense.photographs(n, shape, channels, seed=n) for n in (15, 6))
    for rank in range(1, 10):
        options = {"rank": rank, "sampling": sampling, "covariance": covariance}
        model = fit(shape, patch, channels, train, **options)
        loss, trace = enumerated(model, test, shape, patch)
        score = model.score(test, channel_axis=axis_of(channels))
        assert score == pytest.approx(1 - loss / trace, abs=1e-9)


@SHAPES
@DESIGNS
@pytest.mark.parametrize("random_offset", [False, True])
def test_sweep_equals_one_fit_per_ratio(shape, patch, channels, sampling, random_offset):
    images = dense.photographs(30, shape, channels)
    # One kept of two patches is all that fixed sampling has on the smallest grids.
    ratios = [0.5] if np.prod(shape) // np.prod(patch) == 2 else [0.3, 0.5, 0.6]
    options = {"covariance": "stationary", "random_offset": random_offset, "sampling": sampling}
    swept = fit(shape, patch, channels, images, **options).mask_ratio_sweep(ratios)
    for ratio, loss, explained in zip(ratios, swept.loss, swept.explained, strict=True):
        model = sm.LinearMAE(patch, ratio, **options)
        model.fit(images, channel_axis=axis_of(channels))
        assert loss == pytest.approx(model.loss_, rel=1e-9)
        assert explained == pytest.approx(1 - model.loss_ / model.trace_, rel=1e-9)


def test_patches_of_one_pixel_have_one_offset():
    images = dense.photographs(20, (3, 4))
    fixed, shifted = (
        sm.LinearMAE(1, 0.5, covariance="stationary", random_offset=offset).fit(images)
        for offset in (False, True)
    )
    assert shifted.loss_ == pytest.approx(fixed.loss_, rel=1e-10)
    np.testing.assert_allclose(shifted.weight_matrix(), fixed.weight_matrix(), atol=1e-10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"covariance": "banded"}, "random_offset=True needs covariance='stationary', not 'band"),
        ({"covariance": "dense"}, "random_offset=True needs covariance='stationary', not 'dense'"),
        ({"covariance": "stationary", "target": "hidden"}, "target='hidden' with random_offset=Tr"),
    ],
)
def test_offsets_without_a_closed_form_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        sm.LinearMAE(2, 0.5, random_offset=True, **options)
