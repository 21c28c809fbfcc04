"""The rules by which samples become pixels, on arrays."""

from __future__ import annotations

import numpy as np
import pytest

from spectral_mae.images import samples
from spectral_mae.images.samples import ImageRefused, Raster

RNG = np.random.default_rng(0)


def pixels(raster: Raster, *notes: str, color: bool = False, channel: int | None = None):
    said: list[str] = []
    found = raster.pixels(said, color=color, channel=channel)
    assert tuple(said) == notes
    return found


@pytest.mark.parametrize("dtype", ["?", "u1", ">u2", "u4", "u8", "i1", ">i2", "i4", "i8"])
def test_integers_fill_the_range_of_their_type(dtype):
    limits = (0, 1) if dtype == "?" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    values = np.array([limits], dtype)
    np.testing.assert_array_equal(pixels(Raster.integers(values)), [[0, 1]])
    turned = pixels(Raster.integers(values, white_is_zero=True))
    np.testing.assert_array_equal(turned, [[1, 0]])
    assert not np.signbit(turned).any()


@pytest.mark.parametrize("bits", [1, 2, 5, 11, 14, 16])
def test_integers_of_fewer_bits(bits):
    values = np.arange(2**bits, dtype=np.uint16)[np.newaxis]
    np.testing.assert_array_equal(pixels(Raster.integers(values, bits)), values / (2.0**bits - 1))
    signed = values.astype(np.int32) - 2 ** (bits - 1)
    both = Raster.integers(signed, bits, signed=True)
    np.testing.assert_array_equal(pixels(both), values / (2.0**bits - 1))


@pytest.mark.parametrize("dtype", ["f2", ">f4", "f8", "g"])
def test_floats_keep_their_values(dtype):
    values = np.array([[0.25, 0.5]], dtype)
    np.testing.assert_array_equal(pixels(Raster.floats(values)), values)
    np.testing.assert_array_equal(pixels(Raster.floats(values, white_is_zero=True)), 1 - values)
    note = "values from -0.5 to 2 kept as they are"
    np.testing.assert_array_equal(pixels(Raster.floats(values * 10 - 3), note), values * 10 - 3)


def test_each_channel_has_its_own_white():
    values = np.array([[[31, 63, 1, 3]]])
    raster = Raster.of(values, white=(31.0, 63.0, 2.0, 4.0), alpha="straight")
    expected = 1 - 0.75 * (1 - np.array([[[1, 1, 0.5]]]))
    np.testing.assert_allclose(
        pixels(raster, "transparent pixels shown on white", color=True),
        expected,
        rtol=0,
        atol=1e-16,
    )


def test_opacity_that_colours_were_multiplied_by():
    values = np.array([[[64, 128], [255, 255], [0, 0]]], np.uint8)
    raster = Raster.integers(values, alpha="associated")
    expected = [[(64 + 127) / 255, 1, 1]]
    found = pixels(raster, "transparent pixels shown on white")
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)
    bright = Raster.integers(np.array([[[200, 100]]], np.uint8), alpha="associated")
    notes = (
        "transparent pixels shown on white",
        "colours brighter than their opacity allows were clipped to it",
    )
    np.testing.assert_allclose(pixels(bright, *notes), [[1.0]], rtol=0, atol=1e-15)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("alpha", [None, "straight", "associated"])
@pytest.mark.parametrize("color", [False, True])
def test_strips_change_nothing(channels, alpha, color, monkeypatch):
    colours = channels - (alpha is not None)
    if not colours:
        pytest.skip("no colours")
    values = RNG.integers(0, 256, (37, 11, channels), dtype=np.uint8)
    if alpha == "associated":
        values[..., :-1] = np.minimum(values[..., :-1], values[..., -1:])
    raster = Raster.integers(values, alpha=alpha)
    whole, strips = [], []
    monkeypatch.setattr(samples, "STRIP", 10**9)
    expected = raster.pixels(whole, color=color)
    monkeypatch.setattr(samples, "STRIP", 50)
    np.testing.assert_array_equal(raster.pixels(strips, color=color), expected)
    assert strips == whole
    scaled = values / 255
    if alpha is not None:
        opacity = scaled[..., -1:]
        straight = scaled[..., :-1] * (opacity if alpha == "straight" else 1)
        scaled = straight + 1 - opacity
    gray = scaled @ [0.299, 0.587, 0.114] if colours == 3 else scaled.mean(axis=-1)
    if not color:
        np.testing.assert_allclose(expected, gray, rtol=0, atol=1e-15)
    elif colours == 3:
        np.testing.assert_allclose(expected, scaled, rtol=0, atol=1e-15)
    else:
        np.testing.assert_allclose(expected, np.stack([gray] * 3, -1), rtol=0, atol=1e-15)


def test_one_channel_of_several():
    values = RNG.integers(0, 256, (3, 4, 5), dtype=np.uint8)
    found = pixels(Raster.integers(values), "channel 2 of 5", channel=2)
    np.testing.assert_array_equal(found, values[..., 2] / 255)
    for channel in (5, -1):
        with pytest.raises(ImageRefused, match=f"^channel {channel} of an image of 5 channels"):
            Raster.integers(values).pixels([], color=False, channel=channel)


@pytest.mark.filterwarnings("error")
def test_what_is_no_number_stays_and_is_left_out_of_the_range():
    values = np.array([[np.nan, 1.5, np.inf, 0.5], [-np.inf, 0.25, 0.0, np.nan]])
    notes = []
    np.testing.assert_array_equal(Raster.floats(values).pixels(notes, color=False), values)
    assert notes == ["values from 0 to 1.5 kept as they are"]
    colours = np.stack([values, np.ones((2, 4)), values[::-1]], axis=-1)
    gray = Raster.floats(colours).pixels([], color=False)
    unknown = ~(np.isfinite(values) & np.isfinite(values[::-1]))
    np.testing.assert_array_equal(~np.isfinite(gray), unknown)
    # A pixel of unknown opacity is unknown.
    alpha = np.stack([np.full((2, 4), 0.5), values], axis=-1)
    seen = Raster.floats(alpha, alpha="straight").pixels([], color=False)
    np.testing.assert_array_equal(np.isfinite(seen), np.isfinite(values))


UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 3)])
def test_orientations(orientation, shape):
    values = RNG.integers(0, 256, shape, dtype=np.uint8)
    found = pixels(Raster.integers(values).turned(orientation), color=len(shape) == 3)
    np.testing.assert_array_equal(found, UPRIGHT[orientation](values) / 255)
