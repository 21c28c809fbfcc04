"""The spread of spectra from mask to mask equals the enumeration of all masks."""

import math

import laws
import numpy as np
import pytest

from spectral_mae.masked_spectra import spread
from spectral_mae.masked_spectra.expectation import expected_masked_psd
from spectral_mae.masked_spectra.spread import masked_psd_std
from spectral_mae.spectra.periodogram import psd

DESIGNS = pytest.mark.parametrize("sampling", laws.DESIGNS)
# From two patches to six, patches square and not, and an axis with one patch.
GRIDS = [
    ((6,), (3,)),
    ((9,), (3,)),
    ((10,), (2,)),
    ((12,), (2,)),
    ((4, 6), (4, 3)),
    ((4, 6), (2, 3)),
    ((6, 5), (2, 5)),
    ((3, 8), (3, 2)),
    ((5, 5), (1, 5)),
    ((4, 9), (2, 3)),
    ((2, 3, 4), (2, 1, 2)),
]


def enumerated(image, patch, ratio, sampling, **options):
    """Standard deviation over all masks of the mean over channels (last axis)."""
    detrend = options.pop("detrend", None)
    planes = [laws.DETRENDS[detrend](plane) for plane in np.moveaxis(image, -1, 0)]
    shape = planes[0].shape

    def power(visible):
        spectra = [laws.periodogram(plane, visible=visible, **options) for plane in planes]
        return np.mean(spectra, axis=0)

    mean = laws.mask_mean(power, shape, patch, ratio, sampling)
    # About the mean, for the difference of two large sums would cancel.
    square = laws.mask_mean(lambda v: (power(v) - mean) ** 2, shape, patch, ratio, sampling)
    return laws.half(np.sqrt(square)).astype(float), laws.half(mean).astype(float)


def assert_spread(found, truth, mean):
    """Of variances, whose terms cancel: relative to the squared mean."""
    assert found.shape == truth.shape
    assert np.max(np.abs(found**2 - truth**2)) <= 1e-12 * np.max(mean**2)


@pytest.mark.parametrize(("shape", "patch"), GRIDS)
@DESIGNS
@pytest.mark.parametrize("ratio", [0.2, 0.5, 0.75])
def test_the_spread_equals_that_over_all_masks(shape, patch, sampling, ratio):
    image = laws.field(shape)
    n_patches = math.prod(shape) // math.prod(patch)
    if math.floor(n_patches * (1 - laws.exact(ratio))) == 0:
        ratio = 0.5  # of fewer patches none would be kept
    truth, mean = enumerated(image[..., np.newaxis], patch, ratio, sampling)
    found = masked_psd_std(image, patch, ratio, sampling=sampling)
    assert_spread(found.power, truth, mean)
    assert (found.shape, found.scaling) == (shape, "density")
    assert found.power.min() >= 0


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize(("shape", "patch"), [((8,), (2,)), ((4, 6), (2, 3)), ((6, 4), (2, 4))])
@DESIGNS
@pytest.mark.parametrize("axis", [0, -1])
def test_channels_are_hidden_together_wherever_they_stand(channels, shape, patch, sampling, axis):
    image = laws.field((*shape, channels))
    image[..., -1] += 0.7 * image[..., 0]  # so that channels vary together
    truth, mean = enumerated(image, patch, 0.5, sampling)
    moved = np.moveaxis(image, -1, axis)
    found = masked_psd_std(moved, patch, 0.5, sampling=sampling, channel_axis=axis)
    assert_spread(found.power, truth, mean)


@pytest.mark.parametrize("scaling", ["density", "spectrum", "energy"])
@pytest.mark.parametrize("window", [None, "hann", ("kaiser", 3.0)])
@pytest.mark.parametrize("detrend", [None, "constant", "linear", "periodic"])
@pytest.mark.parametrize(("shape", "patch"), [((12,), (3,)), ((6, 4), (3, 2))])
def test_every_option_of_psd_enters_in_its_order(scaling, window, detrend, shape, patch):
    image = laws.field(shape) + 0.2 * np.indices(shape).sum(axis=0)
    options = {"scaling": scaling, "window": window, "detrend": detrend}
    truth, mean = enumerated(image[..., np.newaxis], patch, 0.5, "fixed", **options)
    found = masked_psd_std(image, patch, 0.5, **options)
    assert_spread(found.power, truth, mean)
    assert found.scaling == scaling
    plain = expected_masked_psd(image, patch, 0.5, **options)
    laws.assert_close_to_max(plain.power, mean, 1e-12)
    assert found.cell == plain.cell


@DESIGNS
def test_patches_come_in_parts(sampling, monkeypatch):
    image = laws.field((6, 8))
    truth = masked_psd_std(image, 2, 0.5, sampling=sampling).power
    for parts in (1, 5, 12):
        monkeypatch.setattr(spread, "PART_BYTES", 8 * image.size * 12 // parts)
        found = masked_psd_std(image, 2, 0.5, sampling=sampling).power
        laws.assert_close(found, truth, 1e-12)


def test_one_patch_more_or_less_makes_no_design_special():
    """Up to K = 1 and K = L − 1 kept patches of up to six."""
    for n_patches in (2, 3, 4, 5, 6):
        for kept in range(1, n_patches):
            image = laws.field((2 * n_patches,), seed=kept)
            ratio = 1 - kept / n_patches
            truth, mean = enumerated(image[:, np.newaxis], (2,), ratio, "fixed")
            assert_spread(masked_psd_std(image, 2, ratio).power, truth, mean)


# Where nothing varies ----------------------------------------------------------------------------


def test_a_black_image_does_not_vary():
    assert not masked_psd_std(np.zeros((6, 8)), 2, 0.5).power.any()


@pytest.mark.parametrize("value", [1.0, 0.1, 1e6 / 3])
@pytest.mark.slow
def test_the_visible_area_of_a_constant_varies_with_coins_only(value):
    image = np.full((6, 8), value)
    fixed = masked_psd_std(image, 2, 0.5, sampling="fixed")
    mean = expected_masked_psd(image, 2, 0.5).power[0, 0]
    # Roots of what rounding leaves.
    assert fixed.power[0, 0] <= 1e-6 * mean
    truth, _ = enumerated(image[..., np.newaxis], (2, 2), 0.5, "bernoulli")
    coins = masked_psd_std(image, 2, 0.5, sampling="bernoulli")
    assert coins.power[0, 0] == pytest.approx(truth[0, 0], rel=1e-9)
    # Patches have no power where their kernel is zero, whichever are kept.
    for found in (fixed, coins):
        assert np.max(found.power[3]) <= 1e-7 * mean
        assert np.max(found.power[:, 4]) <= 1e-7 * mean


def test_two_patches_of_equal_power_do_not_vary_if_one_is_kept():
    patch = laws.field((4,))
    found = masked_psd_std(np.concatenate([patch, patch]), 4, 0.5)
    assert np.max(found.power) <= 1e-6 * psd(np.concatenate([patch, patch])).power.max()
    other = masked_psd_std(np.concatenate([patch, 2 * patch]), 4, 0.5, scaling="energy")
    alone = laws.half(np.abs(laws.dft(np.pad(patch, (0, 4)))) ** 2).astype(float)
    laws.assert_close(other.power, 1.5 * alone, 1e-7)


@pytest.mark.parametrize("unit", [1e-3, 1e4])
def test_the_spread_goes_with_the_square_of_the_unit(unit):
    image = laws.field((6, 8))
    laws.assert_close(
        masked_psd_std(unit * image, 2, 0.5).power,
        unit**2 * masked_psd_std(image, 2, 0.5).power,
        1e-10,
    )


# Errors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "patch", "ratio", "options", "error", "message"),
    [
        (np.ones((8, 6)), 4, 0.5, {}, ValueError, r"patch_size=\(4, 4\) does not divide"),
        (np.ones((8, 8)), 8, 0.5, {}, ValueError, "masking needs at least two"),
        (np.ones((8, 8)), 4, 0.9, {}, ValueError, "mask_ratio=0.9 of n_patches=4 keeps 0 patches"),
        (np.ones((8, 8)), 4, 1.0, {}, ValueError, "mask_ratio=1.0 is not strictly between"),
        (np.full((8, 8), np.nan), 4, 0.5, {}, ValueError, "image holds 64 .* not finite"),
        (np.ones((8, 8), complex), 4, 0.5, {}, TypeError, "image has dtype complex128"),
        (np.ones((8, 8, 8)), 4, 0.5, {}, ValueError, r"image of shape \(8, 8, 8\) .* has 3 axes"),
        (np.ones(8), 4, 0.5, {"sampling": "x"}, ValueError, "sampling='x' is not one of 'fixed'"),
        (np.ones(8), 4, 0.5, {"scaling": "x"}, ValueError, "scaling='x' is not one of"),
        (np.ones(8), 4, 0.5, {"detrend": "x"}, ValueError, "detrend='x' is not one of"),
        (np.ma.masked_array(np.ones(8)), 4, 0.5, {}, TypeError, "image is a masked array"),
    ],
)
def test_impossible_arguments_are_refused_with_their_values(
    image, patch, ratio, options, error, message
):
    with pytest.raises(error, match=message):
        masked_psd_std(image, patch, ratio, **options)
