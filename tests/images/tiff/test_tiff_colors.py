"""What the tags of a TIFF say of its samples is what they are read as."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from image_bytes import SINCE_13, Array, encoded, read, tiff
from PIL import Image

from spectral_mae.images.samples import ImageRefused

RNG = np.random.default_rng(7)
ON_WHITE = "transparent pixels shown on white"
COLORS = RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)
GRAY = RNG.integers(0, 256, (6, 8), dtype=np.uint8)
OPACITY = RNG.integers(0, 256, (6, 8), dtype=np.uint8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("planar", [False, True])
def test_associated_alpha_is_not_multiplied_again(
    dtype: type, planar: bool, tmp_path: Path
) -> None:
    top = 1.0 if dtype is np.float32 else float(np.iinfo(dtype).max)
    opacity = RNG.random((5, 6))
    straight = RNG.random((5, 6, 3))
    stored = np.dstack([straight * opacity[..., np.newaxis], opacity]) * top
    samples = (np.floor(stored) if top > 1 else stored).astype(dtype)
    file = np.moveaxis(samples, -1, 0).copy() if planar else samples
    image = read(tiff(file, planar=planar, t262=[2], t338=[1]), tmp_path, color=True)
    values = samples.astype(np.float64) / top
    np.testing.assert_allclose(image.pixels, values[..., :3] + 1 - values[..., 3:], atol=1e-15)
    assert image.notes == (ON_WHITE,)


def test_the_two_kinds_of_alpha_differ(tmp_path: Path) -> None:
    """Half of white, over white: white if it was multiplied, else what a multiplication leaves."""
    samples = np.full((1, 1, 4), 128, dtype=np.uint8)
    straight, associated = (
        read(tiff(samples, t262=[2], t338=[kind]), tmp_path).pixels.item() for kind in (2, 1)
    )
    a = 128 / 255
    assert straight == pytest.approx(a * a + 1 - a, abs=1e-15)
    assert associated == pytest.approx(1, abs=1e-15)


def test_unspecified_samples_beside_colours_are_left_out(tmp_path: Path) -> None:
    samples = np.dstack([COLORS, OPACITY])
    image = read(tiff(samples, t262=[2], t338=[0]), tmp_path, color=True)
    np.testing.assert_array_equal(image.pixels, COLORS / 255)
    assert image.notes == ("1 channel beside the colours left out",)
    many = np.dstack([COLORS, OPACITY, GRAY])
    image = read(tiff(many, t262=[2], t338=[0, 2]), tmp_path, color=True)
    alpha = GRAY[..., np.newaxis] / 255
    np.testing.assert_allclose(image.pixels, COLORS / 255 * alpha + 1 - alpha, atol=1e-15)
    assert image.notes == ("1 channel beside the colours left out", ON_WHITE)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 9])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_channels_of_something_else_are_averaged(
    n: int, planar: bool, dtype: str, tmp_path: Path
) -> None:
    values = RNG.integers(0, 256, (6, 8, n)).astype(dtype)
    stored = np.moveaxis(values, -1, 0).copy() if planar else values
    scale = {"u1": 255, "u2": 65535, "f4": 1}[dtype]
    mean = values.astype(np.float64).mean(axis=-1) / scale
    image = read(tiff(stored, planar=planar, t262=[1], t338=[0] * (n - 1)), tmp_path, color=True)
    np.testing.assert_allclose(image.pixels, np.dstack([mean] * 3), rtol=1e-14)
    assert image.notes[0] == f"mean of its {n} channels"


def test_a_fourth_channel_without_a_word_is_opacity(tmp_path: Path) -> None:
    """As in Pillow, libtiff and OpenCV, but said."""
    samples = np.dstack([COLORS, OPACITY])
    image = read(tiff(samples, t262=[2]), tmp_path, color=True)
    alpha = OPACITY[..., np.newaxis] / 255
    np.testing.assert_allclose(image.pixels, COLORS / 255 * alpha + 1 - alpha, atol=1e-15)
    note = "fourth channel taken for opacity: the file does not say what it is"
    assert image.notes == (note, ON_WHITE)


def test_one_channel_may_be_chosen(tmp_path: Path) -> None:
    values = RNG.integers(0, 256, (6, 8, 5), dtype=np.uint8)
    many, colors = tiff(values, t262=[1], t338=[0] * 4), tiff(COLORS)
    for channel in range(5):
        image = read(many, tmp_path, channel=channel)
        np.testing.assert_array_equal(image.pixels, values[..., channel] / 255)
        assert image.notes == (f"channel {channel} of 5",)
    for channel in range(3):
        image = read(colors, tmp_path, channel=channel, color=True)
        np.testing.assert_array_equal(image.pixels, np.dstack([COLORS[..., channel] / 255] * 3))
    with pytest.raises(ImageRefused, match=r"^channel 5 of an image of 5 channels, from 0$"):
        read(many, tmp_path, channel=5)
    with pytest.raises(ImageRefused, match=r"^channel 1 of an image of 1 channel, from 0$"):
        read(tiff(GRAY), tmp_path, channel=1)
    for wrong, error in (
        (-1, ValueError),
        (1.0, TypeError),
        (True, TypeError),
        ("red", TypeError),
    ):
        with pytest.raises(error, match="channel="):
            read(many, tmp_path, channel=wrong)


def test_gray_with_an_alpha_channel(tmp_path: Path) -> None:
    samples = np.dstack([GRAY, OPACITY])
    image = read(tiff(samples, t262=[1], t338=[2]), tmp_path)
    g, a = GRAY / 255, OPACITY / 255
    np.testing.assert_allclose(image.pixels, g * a + 1 - a, atol=1e-15)
    inverted = read(tiff(samples, t262=[0], t338=[2]), tmp_path)
    np.testing.assert_allclose(inverted.pixels, (1 - g) * a + 1 - a, atol=1e-15)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "f4", "f8"])
def test_white_is_zero_turns_all_types(dtype: str, tmp_path: Path) -> None:
    values = np.array([[0, 1, 0, 1, 1]]).astype(dtype)
    if dtype[0] == "f":
        values = np.array([[0.0, 0.25, 1.0]], dtype=dtype)
    black, white = (read(tiff(values, t262=[kind]), tmp_path).pixels for kind in (1, 0))
    np.testing.assert_allclose(white, 1 - black, atol=1e-15)
    assert (white != black).any()


def color_map(colors: Array, entries: int) -> list[int]:
    """The tag: all reds, all greens, all blues."""
    padded = np.zeros((entries, 3), dtype=int)
    padded[: len(colors)] = colors
    return padded.T.reshape(-1).tolist()


def test_colour_maps(tmp_path: Path) -> None:
    colors = RNG.integers(0, 65536, (16, 3))
    colors[3] = 65535
    index = RNG.integers(0, 16, (6, 8), dtype=np.uint8)
    data = tiff(index, t262=[3], t320=color_map(colors, 256))
    image = read(data, tmp_path, color=True)
    np.testing.assert_array_equal(image.pixels, colors[index] / 65535)
    assert image.notes == ()
    four = (index[:, ::2] << 4 | index[:, 1::2]).astype(np.uint8)
    data = tiff(four, t256=[8], t258=[4], t262=[3], t320=color_map(colors, 16))
    np.testing.assert_array_equal(read(data, tmp_path, color=True).pixels, colors[index] / 65535)
    wide = RNG.integers(0, 300, (6, 8), dtype=np.uint16)
    many = RNG.integers(0, 65536, (300, 3))
    data = tiff(wide, t262=[3], t320=color_map(many, 65536))
    np.testing.assert_array_equal(read(data, tmp_path, color=True).pixels, many[wide] / 65535)


def test_colour_maps_of_bytes(tmp_path: Path) -> None:
    index = RNG.integers(0, 16, (6, 8), dtype=np.uint8)
    colors = RNG.integers(0, 256, (16, 3))
    colors[2, 0] = 255
    image = read(tiff(index, t262=[3], t320=color_map(colors, 256)), tmp_path, color=True)
    np.testing.assert_array_equal(image.pixels, colors[index] / 255)
    taken = "taken for one of 8 bits"
    assert image.notes == (f"colour map from 0 to 255: {taken}, 255 is white",)
    shifted = tiff(index, t262=[3], t320=color_map(colors * 256, 256))
    image = read(shifted, tmp_path, color=True)
    np.testing.assert_array_equal(image.pixels, colors[index] / 255)
    assert image.notes == (f"colour map from 0 to 65280: {taken}, 65280 is white",)
    image = read(tiff(index, t262=[3], t320=[0] * 768), tmp_path)
    assert not image.pixels.any()
    assert image.notes == ()


def test_palettes_with_alpha(tmp_path: Path) -> None:
    colors = RNG.integers(0, 65536, (256, 3))
    data = tiff(np.dstack([GRAY, OPACITY]), t262=[3], t338=[2], t320=color_map(colors, 256))
    alpha = OPACITY[..., np.newaxis] / 255
    np.testing.assert_allclose(
        read(data, tmp_path, color=True).pixels,
        colors[GRAY] / 65535 * alpha + 1 - alpha,
        atol=1e-15,
    )


def test_colour_maps_that_are_too_short_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageRefused, match=r"^damaged TIFF: colour 5 of a colour map of 4 colours"):
        read(tiff(np.array([[5]], np.uint8), t262=[3], t320=[0] * 12), tmp_path)
    with pytest.raises(ImageRefused, match=r"^damaged TIFF: no colour map for its palette"):
        read(tiff(np.array([[5]], np.uint8), t262=[3]), tmp_path)


def ycbcr_of(rgb: Array) -> Array:
    """TIFF 6.0, section 21, with its default weights and limits; 8 bits."""
    red, green, blue = np.moveaxis(rgb.astype(np.float64), -1, 0)
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    coded = [y, (blue - y) / (2 - 2 * 0.114) + 128, (red - y) / (2 - 2 * 0.299) + 128]
    return np.clip(np.rint(np.stack(coded, axis=-1)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("compression", [1, 5, 8])
def test_ycbcr(planar: bool, compression: int, tmp_path: Path) -> None:
    stored = ycbcr_of(COLORS)
    strips = list(np.moveaxis(stored, -1, 0)) if planar else [stored]
    packed = [compressed(strip.tobytes(), compression) for strip in strips]
    image = read(
        with_strips(packed, 8, 6, t259=[compression], t262=[6], t284=[2 if planar else 1],
                    t258=[8, 8, 8], t277=[3], t530=[1, 1]),
        tmp_path, color=True,
    )  # fmt: skip
    np.testing.assert_allclose(image.pixels, COLORS / 255, atol=1.6 / 255)
    assert image.notes == ()


def compressed(content: bytes, compression: int) -> bytes:
    if compression == 5:
        return pytest.importorskip("imagecodecs").lzw_encode(content)
    return zlib.compress(content) if compression == 8 else content


def with_strips(strips: list[bytes], width: int, height: int, **tags: list[int]) -> bytes:
    body = b"".join(strips)
    starts = [8 + sum(map(len, strips[:i])) for i in range(len(strips))]
    tags = {"t273": starts, "t279": [len(strip) for strip in strips], "t278": [height]} | tags
    return tiff(np.frombuffer(body, np.uint8)[np.newaxis], t256=[width], t257=[height], **tags)


@pytest.mark.parametrize(("across", "down"), [(2, 2), (2, 1), (1, 2), (4, 2), (4, 1)])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("compression", [1, 8])
def test_subsampled_ycbcr(
    across: int, down: int, planar: bool, compression: int, tmp_path: Path
) -> None:
    height, width = 7, 10  # no multiples
    n_down, n_across = -(-height // down), -(-width // across)
    luma = RNG.integers(0, 256, (n_down * down, n_across * across), dtype=np.uint8)
    chroma = RNG.integers(90, 160, (n_down, n_across, 2), dtype=np.uint8)
    if planar:
        strips = [
            luma[:height, :width].tobytes(),
            chroma[..., 0].tobytes(),
            chroma[..., 1].tobytes(),
        ]
    else:
        units = []
        for i in range(n_down):
            for j in range(n_across):
                block = luma[i * down : (i + 1) * down, j * across : (j + 1) * across]
                units.append(block.tobytes() + chroma[i, j].tobytes())
        strips = [b"".join(units)]
    data = with_strips(
        [compressed(strip, compression) for strip in strips], width, height,
        t259=[compression], t262=[6], t284=[2 if planar else 1], t258=[8, 8, 8], t277=[3],
        t530=[across, down],
    )  # fmt: skip
    y = luma[:height, :width] / 255
    cb, cr = (
        np.kron(chroma[..., i], np.ones((down, across)))[:height, :width] / 255 - 128 / 255
        for i in (0, 1)
    )
    red, blue = y + 1.402 * cr, y + 1.772 * cb
    green = (y - 0.114 * blue - 0.299 * red) / 0.587
    expected = np.clip(np.dstack([red, green, blue]), 0, 1)
    np.testing.assert_allclose(read(data, tmp_path, color=True).pixels, expected, atol=1e-12)


def test_limits_and_weights_of_ycbcr(tmp_path: Path) -> None:
    """Video levels: black is 16, white 235, and chroma 128 ± 112."""
    stored = np.array([[[16, 128, 128], [235, 128, 128], [126, 128, 128]]], np.uint8)
    limits = [16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1]
    image = read(tiff(stored, t262=[6], t530=[1, 1], t532=limits), tmp_path)
    np.testing.assert_allclose(image.pixels, [[0, 1, 110 / 219]], atol=1e-15)
    with pytest.raises(ImageRefused, match=r"^damaged TIFF: YCbCr with weights .* limits \[16"):
        read(tiff(stored, t262=[6], t530=[1, 1], t532=[16, 1] * 6), tmp_path)


def test_inks(tmp_path: Path) -> None:
    inks = RNG.integers(0, 65536, (4, 5, 4), dtype=np.uint16)
    image = read(tiff(inks, t262=[5]), tmp_path, color=True)
    c = inks / 65535
    np.testing.assert_allclose(image.pixels, (1 - c[..., :3]) * (1 - c[..., 3:]), atol=1e-15)
    assert image.notes == ("CMYK converted to RGB without a colour profile",)


def test_other_inks_are_averaged(tmp_path: Path) -> None:
    inks = RNG.integers(0, 256, (4, 5, 6), dtype=np.uint8)
    for n in (2, 4, 6):
        samples = inks[..., :n].copy()
        image = read(tiff(samples, t262=[5], t332=[2]), tmp_path)
        np.testing.assert_allclose(image.pixels, 1 - samples.mean(axis=-1) / 255, rtol=1e-14)
        assert image.notes == (f"mean of its {n} channels",)


def test_fewer_channels_than_colours_are_averaged(tmp_path: Path) -> None:
    samples = np.dstack([GRAY, OPACITY])
    for photometric in (2, 6):
        image = read(tiff(samples, t262=[photometric]), tmp_path)
        np.testing.assert_allclose(image.pixels, samples.mean(axis=-1) / 255, rtol=1e-14)


@pytest.mark.parametrize("photometric", [8, 9])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_lab_of_gray(photometric: int, dtype: str, tmp_path: Path) -> None:
    """L* of 50 is the gray of 18.4 % reflectance, 0.4663 in sRGB (119 of 255)."""
    steps = 1 if dtype == "u1" else 256
    lightness = 0.5 * (255 * steps if photometric == 9 or steps == 1 else 65535)
    middle = 128 * steps if photometric == 9 else 0
    samples = np.array([[[0, middle, middle], [round(lightness), middle, middle]]], dtype)
    image = read(tiff(samples, t262=[photometric]), tmp_path, color=True)
    np.testing.assert_allclose(image.pixels[0, 0], 0, atol=1e-3)
    np.testing.assert_allclose(image.pixels[0, 1], 0.4663, atol=4e-3)
    assert image.notes == ("LAB converted to RGB without a colour profile",)


def test_lab_of_colours_agrees_with_lcms(tmp_path: Path) -> None:
    lab = np.stack(
        [RNG.integers(90, 200, (20, 20)), *RNG.integers(-15, 16, (2, 20, 20)) % 256], axis=-1
    ).astype(np.uint8)
    rgb = np.asarray(Image.frombytes("LAB", (20, 20), lab.tobytes()).convert("RGB"))
    image = read(tiff(lab, t262=[8]), tmp_path, color=True)
    np.testing.assert_allclose(image.pixels, rgb / 255, atol=4 / 255)  # of 8 bits, too


def test_samples_of_no_stated_meaning(tmp_path: Path) -> None:
    note = "the file does not say what its samples mean: taken for gray or RGB"
    bits = np.add.outer(np.arange(6), np.arange(8)) % 3 == 0
    fax = encoded(Image.fromarray(bits), "TIFF", compression="group4")
    entry = fax.index(b"\x06\x01\x03\0")
    white_is_zero = fax[: entry + 8] + b"\0" + fax[entry + 9 :]
    unsaid = fax[:entry] + b"\x07" + fax[entry + 1 :]
    expected = read(white_is_zero, tmp_path)
    image = read(unsaid, tmp_path)
    np.testing.assert_array_equal(image.pixels, expected.pixels)
    assert image.notes == (note,)
    for samples in (GRAY, COLORS):
        data = tiff(samples, t262=[1])
        entry = data.index(b"\x06\x01\x04\0")  # tag 262, of type LONG
        image = read(data[:entry] + b"\x07" + data[entry + 1 :], tmp_path, color=True)
        expected = samples if samples.ndim == 3 else np.dstack([samples] * 3)
        np.testing.assert_array_equal(image.pixels, expected / 255)
        assert image.notes == (note,)


@pytest.mark.parametrize(
    ("photometric", "note"),
    [
        (4, "a mask of another image"),
        (32803, "raw values of a camera, not developed"),
        (34892, "raw values of a camera, not developed"),
    ],
)
def test_other_kinds_of_gray(photometric: int, note: str, tmp_path: Path) -> None:
    image = read(tiff(GRAY, t262=[photometric]), tmp_path)
    np.testing.assert_array_equal(image.pixels, GRAY / 255)
    assert image.notes == (note,)


@pytest.mark.parametrize("mode", ["RGB", "YCbCr", "L", "CMYK"])
def test_jpeg_in_tiff(mode: str, tmp_path: Path) -> None:
    ramp = np.add.outer(np.arange(48) * 3, np.arange(64))[..., np.newaxis]
    rgb = (ramp + np.array([0, 20, 40])).clip(0, 255).astype(np.uint8)
    source = Image.fromarray(rgb).convert(mode)
    data = encoded(source, "TIFF", compression="jpeg", quality=98)
    image = read(data, tmp_path, color=True)
    if mode == "CMYK":
        inks = np.asarray(source) / 255
        expected = (1 - inks[..., :3]) * (1 - inks[..., 3:])
    else:
        expected = np.asarray(source.convert("RGB")) / 255
    np.testing.assert_allclose(image.pixels, expected, atol=6 / 255)
    assert abs(image.pixels.mean() - expected.mean()) < 1e-3


@pytest.mark.parametrize(("across", "down"), [(1, 1), (2, 2)])
def test_jpeg_of_ycbcr_in_planes(across: int, down: int, tmp_path: Path) -> None:
    ramp = np.add.outer(np.arange(32) * 3, np.arange(48) * 2)[..., np.newaxis]
    rgb = (ramp + np.array([0, 20, 40])).astype(np.uint8)
    planes = np.moveaxis(np.asarray(Image.fromarray(rgb).convert("YCbCr")), -1, 0)
    planes = [planes[0], planes[1, ::down, ::across], planes[2, ::down, ::across]]
    data = with_strips(
        [encoded(plane.copy(), "JPEG", quality=98) for plane in planes], 48, 32, t258=[8] * 3,
        t259=[7], t262=[6], t277=[3], t284=[2], t530=[across, down],
    )  # fmt: skip
    image = read(data, tmp_path, color=True)
    np.testing.assert_allclose(image.pixels, rgb / 255, atol=6 / 255)


def test_jpeg_2000_of_ycbcr(tmp_path: Path) -> None:
    """The compression of Aperio's slides: a codestream of YCbCr that says nothing of it."""
    imagecodecs = pytest.importorskip("imagecodecs")
    stream = imagecodecs.jpeg2k_encode(ycbcr_of(COLORS), level=0, codecformat="J2K", mct=False)
    data = with_strips([stream], 8, 6, t258=[8] * 3, t259=[33003], t262=[6], t277=[3], t530=[1, 1])
    image = read(data, tmp_path, color=True)
    np.testing.assert_allclose(image.pixels, COLORS / 255, atol=1.6 / 255)


@SINCE_13
def test_old_style_jpeg(tmp_path: Path) -> None:
    ramp = np.add.outer(np.arange(24) * 4, np.arange(32) * 3)[..., np.newaxis]
    rgb = (ramp + np.array([0, 30, 60])).astype(np.uint8)
    stream = encoded(rgb, "JPEG", quality=95)
    data = with_strips(
        [stream], 32, 24, t258=[8, 8, 8], t259=[6], t262=[6], t277=[3], t512=[1], t513=[8],
        t514=[len(stream)], t530=[2, 2], t274=[1],
    )  # fmt: skip
    image = read(data, tmp_path, color=True)
    np.testing.assert_allclose(image.pixels, rgb / 255, atol=3 / 255)
    turned = read(data.replace(b"\x12\x01\x04\0\1\0\0\0\1", b"\x12\x01\x04\0\1\0\0\0\6"), tmp_path)
    assert turned.notes == ("turned upright by EXIF orientation 6",)
    np.testing.assert_array_equal(turned.pixels, np.rot90(read(data, tmp_path).pixels, -1))


def test_turned_colours(tmp_path: Path) -> None:
    image = read(tiff(COLORS, t274=[6]), tmp_path, color=True)
    np.testing.assert_array_equal(image.pixels, np.rot90(COLORS, -1) / 255)
    assert image.notes == ("turned upright by EXIF orientation 6",)


def test_gray_of_real_photographs_agrees_with_tifffile(tmp_path: Path) -> None:
    skimage = pytest.importorskip("skimage.data")
    tifffile = pytest.importorskip("tifffile")
    for samples in (skimage.astronaut(), skimage.camera()):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, samples, compression="zlib", predictor=True, tile=(64, 64))
        np.testing.assert_array_equal(
            read(buffer.getvalue(), tmp_path, color=samples.ndim == 3).pixels, samples / 255
        )
