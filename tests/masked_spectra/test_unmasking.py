"""Unmasked spectra of one image: their definition, no bias, lags, options and errors."""

import itertools

import laws
import numpy as np
import pytest
from lag_sums import ALL, MASKS, NAN, ONES, PREWHITEN, bool_mask, defined, pair_sums, soft_mask

from spectral_mae.masked_spectra.unmasking import Unmasking, step_gain, unmasked_psd
from spectral_mae.spectra.periodogram import psd

SHAPES = [(9,), (12,), (6, 6), (5, 8), (7, 3), (1, 6), (2, 3, 4)]
SCALES = {"density": lambda n: 1.0, "spectrum": lambda n: 1.0 / n, "energy": float}


def shifts(x):
    """An image under all cyclic shifts: their second moment is stationary, exactly."""
    axes = tuple(range(x.ndim))
    return np.array([np.roll(x, shift, axes) for shift in np.ndindex(x.shape)])


# The definition ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@MASKS
@PREWHITEN
def test_the_estimate_is_products_of_pixels_over_pairs_lag_by_lag(shape, mask, prewhiten):
    image, visible = laws.field(shape), mask(shape)
    found = unmasked_psd(image, visible, prewhiten=prewhiten, ndim=len(shape))
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


@pytest.mark.parametrize("shape", [(12,), (5, 6), (3, 2, 4)])
@MASKS
def test_without_wrap_no_step_goes_over_the_border(shape, mask):
    image = laws.field(shape) + 5 * np.indices(shape).sum(axis=0)
    visible, options = mask(shape), {"min_pairs": 1e-3}
    said = {"ndim": len(shape), **options}
    found = unmasked_psd(image, visible, prewhiten="gradient", wrap=False, **said)
    pair = image[np.newaxis], visible[np.newaxis]
    power, unseen, rare = defined(*pair, "gradient", wrap=False, **options)
    laws.assert_close_to_max(found.power, power, 1e-12)
    assert (found.n_unseen, found.n_rare) == (unseen, rare)
    wrapped = unmasked_psd(image, visible, prewhiten="gradient", **said)
    assert laws.relative_error(found.power.ravel()[1:], wrapped.power.ravel()[1:]) > 0.5


@pytest.mark.parametrize("shape", [(12,), (1, 6), (4, 6), (3, 4, 5)])
def test_gain_of_steps_is_the_power_of_their_transfer_function(shape):
    gain = 0.0
    for axis, n in enumerate(shape):
        kernel = np.zeros(shape)
        np.moveaxis(kernel, axis, 0)[(0, *(0,) * (len(shape) - 1))] -= 1
        np.moveaxis(kernel, axis, 0)[(n - 1, *(0,) * (len(shape) - 1))] += 1
        gain = gain + np.abs(laws.dft(kernel)) ** 2
    np.testing.assert_allclose(step_gain(shape), laws.half(gain).astype(float), atol=1e-15)


@pytest.mark.parametrize("shape", [(9,), (12,), (6, 6), (5, 8), (1, 6), (3, 4, 5)])
@pytest.mark.parametrize("scaling", SCALES)
@PREWHITEN
def test_a_fully_visible_image_has_its_plain_spectrum(shape, scaling, prewhiten):
    image = laws.field(shape)
    options = {"scaling": scaling, "ndim": len(shape)}
    truth = psd(image, **options)
    for visible in (np.ones(shape, bool), np.full(shape, 0.25)):
        found = unmasked_psd(image, visible, prewhiten=prewhiten, min_pairs=1e-3, **options)
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


@pytest.mark.parametrize("shape", [(21,), (26,), (6, 6), (5, 8), (9, 3), (3, 2, 5)])
@MASKS
@PREWHITEN
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_over_stationary_images_every_mask_gives_the_true_spectrum(shape, mask, prewhiten, seed):
    """Numerators summed over all shifts of an image are exactly their expectation."""
    x = laws.field(shape)
    visible = mask(shape, seed)
    found = Unmasking(shape, prewhiten=prewhiten).update(shifts(x), visible).spectrum()
    assert found.n_unseen == 0
    laws.assert_close_to_max(found.power, psd(x, ndim=x.ndim).power, 1e-12)
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


@pytest.mark.parametrize("shape", [(7,), (4, 5), (2, 3, 3)])
@PREWHITEN
def test_hidden_borders_leave_only_pairs_within_the_image(shape, prewhiten):
    image, visible = laws.field(shape), bool_mask(shape, visible=0.8)
    options = {"prewhiten": prewhiten, "ndim": len(shape)}
    found = unmasked_psd(image, visible, borders="hidden", **options)
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


@pytest.mark.parametrize(
    ("image", "visible", "options", "error", "message"),
    [
        (ONES, ~ALL, {}, ValueError, r"no pixel of shape=\(4, 6\) is visible"),
        (NAN, ALL & np.isnan(NAN), {"nan": "hidden"}, ValueError, "no pixel of shape"),
        (NAN, ALL, {}, ValueError, "holds 1 values that are not finite"),
        (ONES, ALL[:3], {}, ValueError, r"visible of shape \(3, 6\) is neither \(4, 6\)"),
        (ONES, 2 * ONES, {}, ValueError, "weights from 2 to 2, not from 0 to 1"),
        (np.ones((4, 6, 3)), ALL, {}, ValueError, r"has 3 axes.*Unmasking.* channel_axis"),
        (np.ones((2, 4, 6)), ALL, {}, ValueError, "has 3 axes.* for a volume give ndim=3"),
        (ONES, ALL, {"channel_axis": 5}, ValueError, "channel_axis=5 is out of range"),
        (ONES, ALL, {"scaling": "power"}, ValueError, "scaling='power' is not one of 'density'"),
        (ONES, ALL, {"detrend": "linear"}, ValueError, "detrend='linear' is not one of 'constant'"),
        (ONES, ALL, {"nan": "omit"}, ValueError, "nan='omit' is not one of 'raise', 'hidden'"),
        (ONES, ALL, {"borders": "no"}, ValueError, "borders='no' is not one of 'periodic'"),
        (ONES, ALL, {"prewhiten": "x"}, ValueError, "prewhiten='x' is not one of 'gradient'"),
        (ONES, ALL, {"min_pairs": 0}, ValueError, "min_pairs=0.* is not a positive"),
        (ONES, ALL, {"taper": np.ones(6)}, ValueError, r"taper of shape \(6,\) does not fit"),
        (ONES, ALL, {"taper": NAN}, ValueError, "taper holds 1 values that are not finite"),
        (ONES, np.ma.masked_array(ALL, ~ALL), {}, TypeError, "visible is a masked array"),
    ],
)
def test_impossible_arguments_are_refused_with_their_values(
    image, visible, options, error, message
):
    with pytest.raises(error, match=message):
        unmasked_psd(image, visible, **options)
