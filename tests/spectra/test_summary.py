"""Sets of images in one result."""

import json

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae import fields

IMAGES = fields.gaussian_fields(fields.power_law((24, 32), -2.0), 7, rng=0)
COLOR = np.random.default_rng(1).random((3, 24, 3, 32))
FOUND = sm.summarize(IMAGES)


def test_it_holds_the_mean_and_each_image():
    np.testing.assert_array_equal(FOUND.spectrum.power, sm.Periodogram((24, 32)).mean(IMAGES).power)
    assert len(FOUND) == 7
    for image, one, slope in zip(IMAGES, FOUND.radial, FOUND.slopes.slope, strict=True):
        alone = sm.psd(image).radial()
        np.testing.assert_allclose(one.power, alone.power, rtol=1e-12)
        assert slope == pytest.approx(alone.fit_slope().slope, rel=1e-9)
    np.testing.assert_allclose(FOUND.mean.power, FOUND.spectrum.radial().power)
    assert abs(FOUND.slope.slope + 2) < 4 * FOUND.slope.stderr


def test_percentiles_are_over_images():
    np.testing.assert_array_equal(FOUND.percentile(50), np.median(FOUND.radial.power, axis=0))
    np.testing.assert_array_equal(FOUND.percentile(100), FOUND.radial.power.max(axis=0))
    with pytest.raises(ValueError, match="q=101 is above 100"):
        FOUND.percentile(101)


@pytest.mark.parametrize("axis", [2, -2])
def test_channels_and_options_are_those_of_psd(axis):
    options = {"fs": 2.0, "unit": "mm", "window": "hann", "detrend": "constant"}
    found = sm.summarize(COLOR, channel_axis=axis, scaling="energy", bins=5, **options)
    alone = sm.psd(COLOR[1], channel_axis=1, scaling="energy", **options).radial(5)
    np.testing.assert_allclose(found.radial[1].power, alone.power)
    np.testing.assert_array_equal(found.radial.edges, alone.edges)
    assert found.to_dict()["labels"]["units"] == ("mm", "mm")


def test_constant_images_have_no_slope():
    found = sm.summarize(np.concatenate([IMAGES, np.full((1, 24, 32), 0.1)]))
    assert np.isnan(found.slopes.slope).tolist() == [False] * 7 + [True]
    flat = sm.summarize(np.full((2, 24, 32), 0.1))
    assert flat.to_dict()["slope"] is None
    assert "none" in flat._repr_html_()


def test_numbers_and_tables():
    found = FOUND.to_dict()
    json.dumps(found)
    assert found["n"] == 7
    assert found["p50"] == np.median(FOUND.radial.power, axis=0).tolist()
    pytest.importorskip("pandas")
    table = FOUND.to_dataframe()
    np.testing.assert_array_equal(table["mean"], FOUND.mean.power)
    assert (table.p05 <= table.p95).all()


def test_single_precision_stays():
    assert sm.summarize(IMAGES.astype("f4")).spectrum.power.dtype == np.float32


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (IMAGES[:0], {}, r"shape \(0, 24, 32\) are no images"),
        (IMAGES, {"channel_axis": 3}, "channel_axis=3 is no axis"),
        (IMAGES, {"channel_axis": 0}, "axis 0 of a batch holds the images"),
        (IMAGES * np.nan, {}, "not finite"),
    ],
)
def test_what_is_no_set_of_images_is_refused(images, options, message):
    with pytest.raises(ValueError, match=message):
        sm.summarize(images, **options)
