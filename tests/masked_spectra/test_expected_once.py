"""The mean spectrum of a single image: what `expected_masked_psd` plans, keeps and adds up."""

import threading
import weakref

import laws
import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.masked_spectra import expectation
from spectral_mae.masked_spectra.expectation import expected_masked_psd
from spectral_mae.masked_spectra.masked_periodogram import MaskedPeriodogram
from spectral_mae.masked_spectra.patch_sums import patch_power
from spectral_mae.masked_spectra.patch_sums.patch_power import PatchPower

# Signals, images and volumes, odd and even; patches that are tall, wide, single rows and columns.
CASES = [
    ((60,), (5,)),
    ((14, 27), (7, 9)),
    ((24, 36), (3, 12)),
    ((24, 36), (12, 3)),
    ((9, 16), (1, 4)),
    ((16, 9), (4, 1)),
    ((130, 64), (65, 32)),
    ((4, 6, 10), (2, 3, 5)),
    # Half-planes of larger images are transposed; by products, and by padded transforms.
    ((160, 152), (16, 8)),
    ((153, 151), (9, 151)),
    ((184, 138), (46, 46)),
]


@pytest.fixture(autouse=True)
def _no_plans_of_other_tests():
    expectation._kept_plan.cache_clear()


def bytes_of(spectrum):
    return spectrum.power.tobytes(), spectrum.floor


@pytest.mark.parametrize(("shape", "patch"), CASES)
@pytest.mark.parametrize("channels", [None, 3])
@pytest.mark.parametrize("options", [{}, {"detrend": "constant", "window": "hann", "fs": 3.0}])
def test_the_sum_is_that_of_the_components(shape, patch, channels, options):
    pixels = 5 + laws.field(shape if channels is None else (*shape, channels))
    design = sm.designs.fixed(sm.PatchGrid(shape, patch), 0.6)
    axis = None if channels is None else -1
    plan = MaskedPeriodogram(design=design, channel_axis=axis, **options)
    direct, summed = plan.expected(pixels), plan.components(pixels).expected()
    laws.assert_close_to_max(direct.power, summed.power, 1e-15)
    assert direct.floor == pytest.approx(summed.floor, rel=1e-9, abs=0)
    for name in ("shape", "scaling", "fs", "cell", "averages", "labels"):
        assert getattr(direct, name) == getattr(summed, name)


@pytest.mark.parametrize(("shape", "patch"), CASES[::2])
@pytest.mark.parametrize("channels", [None, 3])
@pytest.mark.parametrize("options", [{}, {"detrend": "constant", "window": "hann", "fs": 3.0}])
def test_the_spectrum_of_the_image_is_that_of_psd(shape, patch, channels, options):
    pixels = 5 + laws.field(shape if channels is None else (*shape, channels))
    axis = None if channels is None else -1
    plan = MaskedPeriodogram(sm.PatchGrid(shape, patch), channel_axis=axis, **options)
    found = plan.components(pixels).original
    truth = sm.psd(pixels, channel_axis=axis, ndim=len(shape), **options)
    np.testing.assert_array_equal(found.power, truth.power)
    assert found.floor == pytest.approx(truth.floor, rel=1e-9, abs=0)
    for name in ("shape", "scaling", "fs", "cell", "averages", "labels"):
        assert getattr(found, name) == getattr(truth, name)


@pytest.mark.parametrize("size", [0.0, 1e-75, 1e75, 1e120])
def test_powers_near_the_ends_of_the_range_are_summed_as_the_components_are(size):
    plan = MaskedPeriodogram(design=sm.designs.fixed(sm.PatchGrid((16, 24), 8), 0.5))
    image = size * laws.field((16, 24))
    assert bytes_of(plan.expected(image)) == bytes_of(plan.components(image).expected())


def test_expected_needs_a_design():
    with pytest.raises(TypeError, match=r"MaskedPeriodogram\(design=\.\.\.\)"):
        MaskedPeriodogram(sm.PatchGrid((8, 8), 4)).expected(np.ones((8, 8)))


@pytest.mark.parametrize(("shape", "patch"), CASES)
@pytest.mark.parametrize("block", [patch_power.BLOCK, 640])
@pytest.mark.parametrize(("scale", "transposed"), [(1.0, False), (0.25, True)])
def test_strips_are_the_whole_in_parts(shape, patch, block, scale, transposed, monkeypatch):
    monkeypatch.setattr(patch_power, "BLOCK", block)
    planned, image = PatchPower(sm.PatchGrid(shape, patch)), 2 + laws.field(shape)
    whole, transposed = planned(image), transposed and len(shape) == 2
    seen = np.zeros(whole.shape[::-1] if transposed else whole.shape)
    for rows, part in planned.strips(image, scale, transposed=transposed):
        seen[rows] += part
    laws.assert_close_to_max(seen.T if transposed else seen, scale * whole, 1e-15)


def test_a_plan_is_kept_for_the_next_image():
    design = {"patch_size": 8, "mask_ratio": 0.5}
    first = expectation._planned(
        laws.field((16, 24)), sampling="fixed", design=None, channel_axis=None, **design
    )[1]
    again = expectation._planned(
        -laws.field((16, 24)), sampling="fixed", design=None, channel_axis=None, **design
    )[1]
    assert again is first


def test_kept_plans_give_the_bits_of_new_ones_and_leave_earlier_results_alone():
    image, other = laws.field((160, 160)), 3 + laws.field((160, 160)) ** 2
    before = expected_masked_psd(image, 16, 0.75)
    copied = bytes_of(before)
    expected_masked_psd(other, 16, 0.75)
    assert bytes_of(before) == copied
    assert bytes_of(expected_masked_psd(image, 16, 0.75)) == copied


@pytest.mark.parametrize(
    ("good", "bad", "error"),
    [
        ({"fs": 1.0}, {"fs": True}, TypeError),
        ({"patch_size": 8}, {"patch_size": 8.0}, TypeError),
        ({"patch_size": (8, 1)}, {"patch_size": (8, True)}, TypeError),
        ({"detrend": None}, {"detrend": 0}, ValueError),
    ],
    ids=str,
)
def test_what_equals_a_good_argument_is_refused_after_it_too(good, bad, error):
    options = {"patch_size": 8, "mask_ratio": 0.5}
    image = laws.field((16, 24))
    expected_masked_psd(image, **{**options, **good})
    with pytest.raises(error):
        expected_masked_psd(image, **{**options, **bad})


def test_arguments_that_can_change_are_read_anew():
    image, window = laws.field((16, 24)), np.ones((16, 24))
    plain = expected_masked_psd(image, 8, 0.5, window=window)
    window[:8] = 3.0
    changed = expected_masked_psd(image, 8, 0.5, window=window)
    assert changed.power[0, 0] != plain.power[0, 0]
    rates = [1.0, 2.0]
    assert expected_masked_psd(image, 8, 0.5, fs=rates).fs == (1.0, 2.0)
    rates[0] = 4.0
    assert expected_masked_psd(image, 8, 0.5, fs=rates).fs == (4.0, 2.0)


def test_a_few_plans_are_kept_and_none_of_large_images():
    for n in range(2, 3 + expectation.KEPT_PLANS):
        expected_masked_psd(laws.field((8, 4 * n)), 4, 0.5)
    assert expectation._kept_plan.cache_info().currsize == expectation.KEPT_PLANS
    plan = expectation._planned(
        np.ones((1024, 512)), 64, 0.5, sampling="fixed", design=None, channel_axis=None
    )[1]
    gone = weakref.ref(plan)
    del plan
    assert gone() is None


def test_threads_share_a_plan():
    images = [laws.field((48, 64)) + i for i in range(6)]
    expected = [expected_masked_psd(image, 16, 0.5).power for image in images]
    wrong, together = [], threading.Barrier(3)

    def run(mine):
        together.wait()
        for _ in range(15):
            for number in mine:
                found = expected_masked_psd(images[number], 16, 0.5).power
                if not np.array_equal(found, expected[number]):
                    wrong.append(number)

    threads = [threading.Thread(target=run, args=(range(i, 6, 3),)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_pixels_that_are_not_finite_are_named(bad, order):
    image = np.asarray(laws.field((16, 24)), order=order)
    image[3, 5] = bad
    with pytest.raises(ValueError, match=r"image holds 1 values .* first at \(3, 5\)"):
        expected_masked_psd(image, 8, 0.5)


@pytest.mark.parametrize("method", ["expected", "components"])
@pytest.mark.parametrize(
    ("shape", "axis"), [((24, 16), None), ((16, 24, 0), -1), ((3, 16, 24), -1)]
)
def test_images_of_another_shape_are_refused(shape, axis, method):
    design = sm.designs.fixed(sm.PatchGrid((16, 24), 8), 0.5)
    plan = MaskedPeriodogram(design=design, channel_axis=axis)
    with pytest.raises(ValueError, match=r"image of shape .* is not an image of shape=\(16, 24\)"):
        getattr(plan, method)(np.ones(shape))
