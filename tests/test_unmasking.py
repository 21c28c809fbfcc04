"""The unmasked spectrum is the lag-by-lag estimate, and on average the truth, under every mask."""

import itertools
import math

import laws
import numpy as np
import pytest

from spectral_mae.periodogram import psd
from spectral_mae.unmasking import Unmasking, step_gain, unmasked_psd

SHAPES = [(9,), (12,), (6, 6), (5, 8), (7, 3), (1, 6)]
SCALES = {"density": lambda n: 1.0, "spectrum": lambda n: 1.0 / n, "energy": float}
PREWHITEN = pytest.mark.parametrize("prewhiten", [None, "gradient"])


def bool_mask(shape, seed=1, visible=0.7):
    mask = np.random.default_rng(seed).random(shape) < visible
    mask.flat[0] = True
    return mask


def soft_mask(shape, seed=1):
    """Weights from 0 to 1, both among them."""
    return np.clip(np.random.default_rng(seed).random(shape) * 1.6 - 0.3, 0, 1)


MASKS = pytest.mark.parametrize("mask", [bool_mask, soft_mask])


def shifts(x):
    """An image under all cyclic shifts: their second moment is stationary, exactly."""
    axes = tuple(range(x.ndim))
    return np.array([np.roll(x, shift, axes) for shift in np.ndindex(x.shape)])


def pair_sums(images, masks, shape):
    """Per circular lag, Σ of products of weighted pixels and of weights, one pair at a time."""
    sums, pairs = np.zeros(shape), np.zeros(shape)
    for image, mask in zip(images, masks, strict=True):
        for first, second in itertools.product(np.ndindex(shape), repeat=2):
            lag = tuple((b - a) % n for a, b, n in zip(first, second, shape, strict=True))
            weight = float(mask[first]) * float(mask[second])
            pairs[lag] += weight
            if weight:
                sums[lag] += weight * image[first] * image[second]
    return sums, pairs


def steps(images, masks, axis, wrap):
    """Differences to the next pixel, and the weights of those that are seen."""
    both = masks * np.roll(masks, -1, axis)
    if not wrap:
        both[(slice(None),) * axis + (-1,)] = 0
    return np.roll(images, -1, axis) - images, both


def used_power(images, masks, min_pairs=1.0, taper=1.0):
    """The transform of the estimated covariance, lags of few pairs left out; and which those are"""
    shape = images.shape[1:]
    sums, pairs = pair_sums(images, masks, shape)
    unseen, rare = pairs == 0, (pairs > 0) & (pairs < min_pairs)
    covariance = np.divide(sums, pairs, out=np.zeros(shape), where=pairs > 0)
    used = np.where(unseen | rare, 0.0, covariance) * taper
    return laws.dft(used).real.astype(float), unseen.sum(), rare.sum()


def defined(images, masks, prewhiten, *, wrap=True, **options):
    """Power per pixel on the half-plane, with the numbers of lags unseen and rare."""
    shape = images.shape[1:]
    power, *counts = used_power(images, masks, **options)
    if prewhiten:
        gain = sum(
            np.abs(np.exp(2j * np.pi * k / n) - 1) ** 2
            for k, n in zip(np.indices(shape), shape, strict=True)
        )
        axes = range(1, images.ndim)
        parts = [used_power(*steps(images, masks, axis, wrap), **options) for axis in axes]
        gain.flat[0] = np.inf
        power = np.where(np.isinf(gain), power, sum(part[0] for part in parts) / gain)
        counts = [max(values) for values in zip(counts, *(part[1:] for part in parts), strict=True)]
    return laws.half(power), *counts


# The definition ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@MASKS
@PREWHITEN
def test_the_estimate_is_products_of_pixels_over_pairs_lag_by_lag(shape, mask, prewhiten):
    image, visible = laws.field(shape), mask(shape)
    found = unmasked_psd(image, visible, prewhiten=prewhiten)
    power, unseen, rare = defined(image[np.newaxis], visible[np.newaxis], prewhiten)
    laws.assert_close_to_max(found.power, power, 1e-12)
    assert (found.n_unseen, found.n_rare) == (unseen, rare)
    sums, pairs = pair_sums(image[np.newaxis], visible[np.newaxis], shape)
    laws.assert_close(found.pairs, pairs, 1e-14)
    seen = pairs > 0
    np.testing.assert_array_equal(np.isnan(found.autocovariance), ~seen)
    laws.assert_close(found.autocovariance[seen], sums[seen] / pairs[seen], 1e-12)
    assert (found.shape, found.scaling, found.fs, found.averages) == (
        shape,
        "density",
        (1.0,) * len(shape),
        1,
    )


@pytest.mark.parametrize("shape", [(12,), (5, 6)])
@MASKS
def test_without_wrap_no_step_goes_over_the_border(shape, mask):
    image = laws.field(shape) + 5 * np.indices(shape).sum(axis=0)
    visible, options = mask(shape), {"min_pairs": 1e-3}
    found = unmasked_psd(image, visible, prewhiten="gradient", wrap=False, **options)
    pair = image[np.newaxis], visible[np.newaxis]
    power, unseen, rare = defined(*pair, "gradient", wrap=False, **options)
    laws.assert_close_to_max(found.power, power, 1e-12)
    assert (found.n_unseen, found.n_rare) == (unseen, rare)
    wrapped = unmasked_psd(image, visible, prewhiten="gradient", **options)
    assert laws.relative_error(found.power.ravel()[1:], wrapped.power.ravel()[1:]) > 0.5


@pytest.mark.parametrize("shape", [(12,), (1, 6), (4, 6)])
def test_gain_of_steps_is_the_power_of_their_transfer_function(shape):
    gain = 0.0
    for axis, n in enumerate(shape):
        kernel = np.zeros(shape)
        np.moveaxis(kernel, axis, 0)[(0, *(0,) * (len(shape) - 1))] -= 1
        np.moveaxis(kernel, axis, 0)[(n - 1, *(0,) * (len(shape) - 1))] += 1
        gain = gain + np.abs(laws.dft(kernel)) ** 2
    np.testing.assert_allclose(step_gain(shape), laws.half(gain).astype(float), atol=1e-15)


@pytest.mark.parametrize("shape", [(9,), (12,), (6, 6), (5, 8), (1, 6)])
@pytest.mark.parametrize("scaling", SCALES)
@PREWHITEN
def test_a_fully_visible_image_has_its_plain_spectrum(shape, scaling, prewhiten):
    image = laws.field(shape)
    truth = psd(image, scaling=scaling)
    for visible in (np.ones(shape, bool), np.full(shape, 0.25)):
        found = unmasked_psd(image, visible, scaling=scaling, prewhiten=prewhiten, min_pairs=1e-3)
        laws.assert_close(found.power, truth.power, 1e-12)
        assert found.total == pytest.approx(truth.total, rel=1e-12)
        assert found.scaling == scaling
        assert (found.n_unseen, found.n_rare) == (0, 0)
        laws.assert_close(found.radial().power, truth.radial().power, 1e-12)


@pytest.mark.parametrize("scaling", SCALES)
def test_scalings_of_a_masked_spectrum_differ_by_the_number_of_pixels(scaling):
    image, visible = laws.field((5, 6)), bool_mask((5, 6))
    plain = unmasked_psd(image, visible)
    found = unmasked_psd(image, visible, scaling=scaling)
    laws.assert_close(found.power, plain.power * SCALES[scaling](30), 1e-14)
    # Of every scaling the total is what it is of a plain spectrum: lag zero, the mean square.
    square = np.mean(image[visible] ** 2)
    assert found.total == pytest.approx(square * (900 if scaling == "energy" else 1))
    laws.assert_close(found.per_pixel, plain.power, 1e-14)


# No bias -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(21,), (26,), (6, 6), (5, 8), (9, 3)])
@MASKS
@PREWHITEN
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_over_stationary_images_every_mask_gives_the_true_spectrum(shape, mask, prewhiten, seed):
    """Numerators summed over all shifts of an image are exactly their expectation."""
    x = laws.field(shape)
    visible = mask(shape, seed)
    found = Unmasking(shape, prewhiten=prewhiten).update(shifts(x), visible).spectrum()
    assert found.n_unseen == 0
    laws.assert_close_to_max(found.power, psd(x).power, 1e-12)
    laws.assert_close_to_max(
        found.autocovariance,
        laws.dft(np.abs(laws.dft(x)) ** 2).real.astype(float) / x.size**2,
        1e-12,
    )


def test_where_lags_are_unseen_the_others_are_still_true():
    x, visible = laws.field((12,)), np.arange(12) < 4
    found = Unmasking(12).update(shifts(x), visible).spectrum()
    truth = np.array([np.mean(x * np.roll(x, lag)) for lag in range(12)])
    seen = np.minimum(np.arange(12), 12 - np.arange(12)) < 4
    assert found.n_unseen == 5
    np.testing.assert_array_equal(np.isfinite(found.autocovariance), seen)
    laws.assert_close(found.autocovariance[seen], truth[seen], 1e-12)
    laws.assert_close_to_max(found.power, laws.half(laws.dft(truth * seen).real), 1e-12)


def test_negative_estimates_are_kept():
    powers = [
        unmasked_psd(laws.field((8, 8), seed), bool_mask((8, 8), seed, 0.5)).power
        for seed in range(5)
    ]
    assert min(power.min() for power in powers) < -0.1


@MASKS
def test_a_constant_added_to_the_image_does_not_matter_to_steps(mask):
    image, visible = laws.field((8, 6)), mask((8, 6), 3)
    one, other = (
        unmasked_psd(pixels, visible, prewhiten="gradient").power
        for pixels in (image, image + 1000.0)
    )
    assert one.flat[0] != pytest.approx(other.flat[0])
    laws.assert_close_to_max(one.ravel()[1:], other.ravel()[1:], 1e-11)


@PREWHITEN
def test_zero_frequency_is_that_of_the_image_itself(prewhiten):
    image, visible = laws.field((8, 6)), bool_mask((8, 6))
    truth = unmasked_psd(image, visible).power[0, 0]
    assert unmasked_psd(image, visible, prewhiten=prewhiten).power[0, 0] == truth


# Pools -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(12,), (4, 5)])
@MASKS
@PREWHITEN
def test_a_pool_sums_numerators_and_denominators_on_their_own(shape, mask, prewhiten):
    images = np.array([laws.field(shape, seed) for seed in range(3)])
    masks = np.array([mask(shape, seed) for seed in (4, 5, 6)])
    truth, unseen, rare = defined(images, masks, prewhiten)
    at_once = Unmasking(shape, prewhiten=prewhiten).update(images, masks)
    found = at_once.spectrum()
    laws.assert_close_to_max(found.power, truth, 1e-12)
    assert (found.averages, found.n_unseen, found.n_rare) == (3, unseen, rare)
    single = [
        unmasked_psd(image, visible, prewhiten=prewhiten).power
        for image, visible in zip(images, masks, strict=True)
    ]
    assert laws.relative_error(np.mean(single, axis=0), truth) > 1e-3
    one_by_one = Unmasking(shape, prewhiten=prewhiten)
    for image, visible in zip(images, masks, strict=True):
        assert one_by_one.update(image, visible) is one_by_one
    first = Unmasking(shape, prewhiten=prewhiten).update(images[:1], masks[:1])
    second = Unmasking(shape, prewhiten=prewhiten).update(images[1:], masks[1:])
    assert first.merge(second) is first
    for pool in (one_by_one, first):
        assert pool.n == 3
        laws.assert_close_to_max(pool.spectrum().power, found.power, 1e-12)
        laws.assert_close(pool.spectrum().pairs, found.pairs, 1e-13)
    laws.assert_close(second.spectrum().power, defined(images[1:], masks[1:], prewhiten)[0], 1e-11)


@PREWHITEN
def test_one_mask_serves_many_images_and_one_image_many_masks(prewhiten):
    images = np.array([laws.field((4, 5), seed) for seed in range(3)])
    masks = np.array([bool_mask((4, 5), seed) for seed in (4, 5, 6)])
    for some, under in ((images, masks[0]), (images, masks[:1]), (images[0], masks)):
        pool = Unmasking((4, 5), prewhiten=prewhiten).update(some, under)
        pairs = np.broadcast_to(some, (3, 4, 5)), np.broadcast_to(under, (3, 4, 5))
        laws.assert_close_to_max(pool.spectrum().power, defined(*pairs, prewhiten)[0], 1e-12)
        laws.assert_close(pool.spectrum().pairs, pair_sums(*pairs, (4, 5))[1], 1e-13)
    found = unmasked_psd(images[0], masks, prewhiten=prewhiten)
    laws.assert_close(found.power, pool.spectrum().power, 1e-14)
    assert found.averages == 1


def test_pools_that_do_not_fit_are_not_merged():
    pool = Unmasking(8)
    for other in (Unmasking(9), Unmasking(8, prewhiten="gradient"), Unmasking(8, wrap=False)):
        with pytest.raises(ValueError, match=r"pools of self.shape=\(8,\), self.prewhiten=None"):
            pool.merge(other)
    with pytest.raises(ValueError, match="prewhiten='gradient'"):
        pool.merge(Unmasking(8, prewhiten="gradient"))


# Lags --------------------------------------------------------------------------------------------


@PREWHITEN
@pytest.mark.parametrize("min_pairs", [1e-3, 1.0, 3, 4.5, 1e6])
@MASKS
def test_lags_of_few_pairs_count_as_zero(prewhiten, min_pairs, mask):
    image, visible = laws.field((4, 5)), mask((4, 5), 2)
    options = {"min_pairs": min_pairs}
    found = unmasked_psd(image, visible, prewhiten=prewhiten, **options)
    power, unseen, rare = defined(image[np.newaxis], visible[np.newaxis], prewhiten, **options)
    np.testing.assert_allclose(found.power, power, atol=1e-12 * np.abs(image).max() ** 2 * 20)
    assert (found.n_unseen, found.n_rare) == (unseen, rare)
    # They are known all the same, and said.
    assert np.isnan(found.autocovariance).sum() <= unseen


def test_as_many_pairs_as_asked_for_are_enough():
    """Counts of pairs come from a transform, whose rounding does not decide."""
    for seed in range(20):
        visible = bool_mask((16, 16), seed, 0.3)
        counts = pair_sums(np.zeros((1, 4, 4)), visible[np.newaxis, :4, :4], (4, 4))[1]
        for asked in (1, 2, 3, 4):
            found = unmasked_psd(np.ones((4, 4)), visible[:4, :4], min_pairs=asked)
            assert found.n_rare == np.sum((counts > 0) & (counts < asked))


@PREWHITEN
def test_a_taper_multiplies_the_lags(prewhiten):
    image, visible = laws.field((4, 5)), bool_mask((4, 5))
    taper = np.random.default_rng(0).random((4, 5))
    taper = taper + np.roll(taper[::-1, ::-1], (1, 1), (0, 1))  # the same at r and −r
    found = unmasked_psd(image, visible, prewhiten=prewhiten, taper=taper)
    truth = defined(image[np.newaxis], visible[np.newaxis], prewhiten, taper=taper)[0]
    laws.assert_close_to_max(found.power, truth, 1e-12)
    pool = Unmasking((4, 5), prewhiten=prewhiten).update(image, visible)
    laws.assert_close(pool.spectrum(taper=taper).power, found.power, 1e-15)
    plain = pool.spectrum(taper=np.ones((4, 5)))
    np.testing.assert_array_equal(plain.power, pool.spectrum().power)
    np.testing.assert_array_equal(plain.autocovariance, found.autocovariance)


# Options of unmasked_psd -------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@PREWHITEN
def test_spectra_of_channels_are_averaged_wherever_they_stand(axis, prewhiten):
    planes, visible = laws.field((3, 4, 5)), bool_mask((4, 5))
    truth = np.mean([unmasked_psd(x, visible, prewhiten=prewhiten).power for x in planes], axis=0)
    moved = np.moveaxis(planes, 0, axis)
    found = unmasked_psd(moved, visible, channel_axis=axis, prewhiten=prewhiten)
    laws.assert_close_to_max(found.power, truth, 1e-12)
    assert found.averages == 1


def test_channels_do_not_make_a_lag_less_rare():
    planes, visible = laws.field((3, 8)), bool_mask((8,), visible=0.5)
    for min_pairs in (1, 2, 3, 4):
        alone = unmasked_psd(planes[0], visible, min_pairs=min_pairs)
        found = unmasked_psd(planes, visible, channel_axis=0, min_pairs=min_pairs)
        assert found.n_rare == alone.n_rare


@MASKS
def test_detrending_takes_the_weighted_mean_of_what_is_visible_from_each_channel(mask):
    planes, visible = laws.field((2, 4, 5)) + np.array([[[3.0]], [[-7.0]]]), mask((4, 5))
    options = {"channel_axis": 0}
    level = np.sum(planes * visible, axis=(1, 2), keepdims=True) / np.sum(visible)
    truth = unmasked_psd(planes - level, visible, **options).power
    found = unmasked_psd(planes, visible, detrend="constant", **options).power
    laws.assert_close_to_max(found, truth, 1e-12)
    assert laws.relative_error(unmasked_psd(planes, visible, **options).power, truth) > 1


def test_detrending_weighs_pixels_by_all_masks_together():
    image, masks = laws.field((6,)) + 2.0, np.array([bool_mask((6,), seed) for seed in (0, 3)])
    level = np.sum(image * masks) / masks.sum()
    truth = unmasked_psd(image - level, masks).power
    laws.assert_close_to_max(unmasked_psd(image, masks, detrend="constant").power, truth, 1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("detrend", [None, "constant"])
@PREWHITEN
def test_pixels_that_are_not_finite_may_be_taken_as_hidden(bad, detrend, prewhiten):
    planes, visible = laws.field((2, 4, 5)), soft_mask((4, 5)) + 0.0
    visible[1, 1] = visible[2, 3] = 1.0
    hidden = visible.copy()
    hidden[1, 1] = hidden[2, 3] = 0.0
    options = {"channel_axis": 0, "detrend": detrend, "prewhiten": prewhiten}
    truth = unmasked_psd(planes, hidden, **options)
    planes[0, 1, 1] = planes[1, 2, 3] = bad
    found = unmasked_psd(planes, visible, nan="hidden", **options)
    np.testing.assert_array_equal(found.power, truth.power)
    np.testing.assert_array_equal(found.pairs, truth.pairs)
    with pytest.raises(ValueError, match="not finite"):
        unmasked_psd(planes, visible, channel_axis=0, prewhiten=prewhiten)


@pytest.mark.parametrize("content", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("detrend", [None, "constant"])
@PREWHITEN
@MASKS
def test_what_is_hidden_is_of_no_account(content, detrend, prewhiten, mask):
    image, visible = laws.field((4, 5)), mask((4, 5))
    other = np.where(visible > 0, image, content)
    before = other.copy()
    options = {"detrend": detrend, "prewhiten": prewhiten}
    one, two = unmasked_psd(image, visible, **options), unmasked_psd(other, visible, **options)
    np.testing.assert_array_equal(one.power, two.power)
    np.testing.assert_array_equal(other, before)
    assert two.total == pytest.approx(one.total)
    pools = [Unmasking((4, 5), prewhiten=prewhiten).update(x, visible) for x in (image, other)]
    np.testing.assert_array_equal(pools[0].spectrum().power, pools[1].spectrum().power)


@pytest.mark.parametrize("shape", [(7,), (4, 5)])
@PREWHITEN
def test_hidden_borders_leave_only_pairs_within_the_image(shape, prewhiten):
    image, visible = laws.field(shape), bool_mask(shape, visible=0.8)
    found = unmasked_psd(image, visible, borders="hidden", prewhiten=prewhiten)
    double = tuple(2 * n for n in shape)
    assert found.shape == double
    sums, pairs = np.zeros(double), np.zeros(double)
    for first, second in itertools.product(np.argwhere(visible), repeat=2):
        lag = tuple(second - first)  # negative ones stand at the end of the axis
        sums[lag] += image[tuple(first)] * image[tuple(second)]
        pairs[lag] += 1
    laws.assert_close(found.pairs, pairs, 1e-13)
    np.testing.assert_array_equal(np.isnan(found.autocovariance), pairs == 0)
    seen = pairs > 0
    laws.assert_close(found.autocovariance[seen], sums[seen] / pairs[seen], 1e-12)
    surroundings = [(0, n) for n in shape]
    padded = np.pad(image, surroundings)[np.newaxis], np.pad(visible, surroundings)[np.newaxis]
    laws.assert_close_to_max(found.power, defined(*padded, prewhiten)[0], 1e-12)


def test_hidden_borders_of_a_visible_image_hide_the_lags_of_its_size():
    found = unmasked_psd(laws.field((4, 5)), np.ones((4, 5), bool), borders="hidden")
    assert found.n_unseen == 8 * 10 - 7 * 9
    hidden = unmasked_psd(
        laws.field((4, 5)) + 3, np.ones((4, 5), bool), borders="hidden", detrend="constant"
    )
    truth = unmasked_psd(
        laws.field((4, 5)) - laws.field((4, 5)).mean(), np.ones((4, 5), bool), borders="hidden"
    )
    laws.assert_close_to_max(hidden.power, truth.power, 1e-12)


def test_images_of_any_real_numbers_are_taken():
    image = np.arange(20).reshape(4, 5) % 7
    visible = bool_mask((4, 5))
    truth = unmasked_psd(image.astype(float), visible).power
    for same in (image, image.tolist(), image.astype(np.float32), image.astype(np.uint8)):
        np.testing.assert_array_equal(unmasked_psd(same, visible).power, truth)
        np.testing.assert_array_equal(
            Unmasking((4, 5)).update(same, visible.astype(int)).spectrum().power, truth
        )


# Errors ------------------------------------------------------------------------------------------

ONES = np.ones((4, 6))
ALL = np.ones((4, 6), bool)
NAN = np.where(np.arange(24).reshape(4, 6) == 8, np.nan, 1.0)


@pytest.mark.parametrize(
    ("image", "visible", "options", "error", "message"),
    [
        (ONES, ~ALL, {}, ValueError, r"no pixel of shape=\(4, 6\) is visible"),
        (NAN, ALL & np.isnan(NAN), {"nan": "hidden"}, ValueError, "no pixel of shape"),
        (NAN, ALL, {}, ValueError, "holds 1 values that are not finite"),
        (ONES, ALL[:3], {}, ValueError, r"visible of shape \(3, 6\) is neither \(4, 6\)"),
        (ONES, 2 * ONES, {}, ValueError, "weights from 2 to 2, not from 0 to 1"),
        (np.ones((4, 6, 3)), ALL, {}, ValueError, r"has 3 axes; .* channel_axis"),
        (ONES, ALL, {"channel_axis": 5}, ValueError, "channel_axis=5 is out of range"),
        (ONES, ALL, {"scaling": "power"}, ValueError, "scaling='power' is not one of 'density'"),
        (ONES, ALL, {"detrend": "linear"}, ValueError, "detrend='linear' is not one of 'constant'"),
        (ONES, ALL, {"nan": "omit"}, ValueError, "nan='omit' is not one of 'raise', 'hidden'"),
        (ONES, ALL, {"borders": "no"}, ValueError, "borders='no' is not one of 'periodic'"),
        (ONES, ALL, {"prewhiten": "x"}, ValueError, "prewhiten='x' is not one of 'gradient'"),
        (ONES, ALL, {"min_pairs": 0}, ValueError, "min_pairs=0.* is not positive"),
        (ONES, ALL, {"taper": np.ones(6)}, ValueError, r"taper of shape \(6,\) does not fit"),
        (ONES, ALL, {"taper": NAN}, ValueError, "taper holds 1 values that are not finite"),
        (np.ma.masked_array(ONES, ~ALL), ALL, {}, TypeError, "image is a masked array"),
        (ONES, np.ma.masked_array(ALL, ~ALL), {}, TypeError, "visible is a masked array"),
    ],
)
def test_impossible_arguments_are_refused_with_their_values(
    image, visible, options, error, message
):
    with pytest.raises(error, match=message):
        unmasked_psd(image, visible, **options)


@pytest.mark.parametrize(
    ("images", "visible", "error", "message"),
    [
        (np.ones((2, 4, 6)), np.ones((3, 4, 6)), ValueError, "2 images under 3 masks do not pair"),
        (np.ones((4, 5)), ALL, ValueError, r"images of shape \(4, 5\) are not \(n, \(4, 6\)\)"),
        (np.ones((1, 1, 4, 6)), ALL, ValueError, r"images of shape \(1, 1, 4, 6\)"),
        (np.ones(6), ALL, ValueError, r"images of shape \(6,\)"),
        (NAN, ALL, ValueError, r"images holds 1 values .* first at \(0, 1, 2\): nan"),
        (ONES, -ONES, ValueError, "weights from -1 to -1"),
        (ONES, np.ones((5, 6)), ValueError, r"visible of shape \(5, 6\)"),
        (np.ma.masked_array(ONES, ~ALL), ALL, TypeError, "images is a masked array"),
    ],
)
def test_what_a_pool_cannot_take_is_refused_and_changes_nothing(images, visible, error, message):
    pool = Unmasking((4, 6)).update(laws.field((4, 6)), ALL)
    before = pool.spectrum().power
    with pytest.raises(error, match=message):
        pool.update(images, visible)
    assert pool.n == 1
    np.testing.assert_array_equal(pool.spectrum().power, before)


def test_an_empty_pool_has_no_spectrum():
    with pytest.raises(ValueError, match="no images yet: call update first"):
        Unmasking(8).spectrum()
    with pytest.raises(ValueError, match="has 3 axes"):
        Unmasking((2, 2, 2))


def test_many_pooled_masks_see_every_lag():
    """A sparse mask sees few lags; enough of them see all, and give the spectrum of white noise."""
    rng = np.random.default_rng(0)
    masks = rng.random((400, 8, 8)) < 0.1
    images = rng.standard_normal((400, 8, 8))
    assert Unmasking((8, 8)).update(images[0], masks[0]).spectrum().n_unseen > 0
    found = Unmasking((8, 8)).update(images, masks).spectrum()
    assert found.n_unseen == 0
    assert found.radial(2).power == pytest.approx([1.0, 1.0], abs=0.4)
    assert math.isclose(found.total, np.mean(images[masks] ** 2), rel_tol=1e-12)
