"""Unmasked spectra pooled over images and masks."""

import math

import laws
import numpy as np
import pytest
from lag_sums import ALL, MASKS, NAN, ONES, PREWHITEN, bool_mask, defined, pair_sums

from spectral_mae.masked_spectra.unmasking import Unmasking, unmasked_psd


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


@pytest.mark.parametrize(
    ("images", "visible", "error", "message"),
    [
        (np.ones((2, 4, 6)), np.ones((3, 4, 6)), ValueError, "2 images under 3 masks do not pair"),
        (np.ones((4, 5)), ALL, ValueError, r"images of shape \(4, 5\) are not \(n, \(4, 6\)\)"),
        (np.ones((1, 1, 4, 6)), ALL, ValueError, r"images of shape \(1, 1, 4, 6\)"),
        (np.ones(6), ALL, ValueError, r"images of shape \(6,\)"),
        (NAN, ALL, ValueError, r"images holds 1 values .* first at \(1, 2\): nan"),
        (ONES, -ONES, ValueError, "weights from -1 to -1"),
        (ONES, np.ones((5, 6)), ValueError, r"visible of shape \(5, 6\)"),
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
    with pytest.raises(ValueError, match="has 4 axes"):
        Unmasking((2, 2, 2, 2))


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
