"""Every kind of file an image may come in gives its values exactly, and notes."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_bytes import (
    ALPHA,
    COLOR,
    DEEP,
    FLOATS,
    FORMS,
    GRAY,
    PHOTO,
    SINCE_13,
    Array,
    chunk,
    encoded,
    png,
    read,
    tiff,
)
from PIL import Image

from spectral_mae.images.decoders import pillow
from spectral_mae.images.image import read_image
from spectral_mae.images.samples import ImageRefused


def luma(rgb: Array) -> Array:
    return rgb @ np.array([0.299, 0.587, 0.114])


def over_white(values: Array, alpha: Array) -> Array:
    return 1 - alpha * (1 - values)


def palette_image(**info: Any) -> bytes:
    image = Image.fromarray(np.array([[0, 1], [2, 3]], dtype=np.uint8), "L")
    image.putpalette(COLOR.reshape(-1).tolist())
    return encoded(image, "PNG", **info)


ON_WHITE = ("transparent pixels shown on white",)
NOT_ALL_16 = ("16 bits per channel, of which Pillow reads 8",)
RGBA = np.dstack([COLOR, ALPHA])
LA = np.dstack([GRAY[:, :2], ALPHA])
EXACT: dict[str, tuple[bytes, Array, tuple[str, ...]]] = {
    "1": (encoded(GRAY > 127, "PNG"), GRAY > 127, ()),
    "1 TIFF": (encoded(Image.fromarray(GRAY > 127), "TIFF"), GRAY > 127, ()),
    "1 plain PBM": (b"P1 3 1\n0 1 0\n", np.array([[1, 0, 1]]), ()),
    **{f"L {form}": (encoded(GRAY, form), GRAY / 255, ()) for form in ("PNG", "BMP", "GIF", "PPM")},
    **{f"L {form}": (encoded(GRAY, form), GRAY / 255, ()) for form in ("TIFF", "JPEG2000")},
    "L 4 bits": (png((1, 2), 4, 0, b"\x1f"), np.array([[1 / 15, 1]]), ()),
    "L of any range": (b"P5 2 1 5\n\x02\x05", np.array([[2 / 5, 1]]), ()),
    "L white is zero": (tiff(GRAY, t262=[0]), 1 - GRAY / 255, ()),
    "RGB": (encoded(COLOR, "PNG"), COLOR / 255, ()),
    "RGB WEBP": (encoded(COLOR, "WEBP", lossless=True), COLOR / 255, ()),
    "RGB planar": (tiff(np.moveaxis(COLOR, -1, 0).copy(), planar=True), COLOR / 255, ()),
    "P": (palette_image(), COLOR / 255, ()),
    "P one transparent": (
        palette_image(transparency=1),
        over_white(COLOR / 255, np.array([[[1], [0]], [[1], [1]]])),
        ON_WHITE,
    ),
    "P half transparent": (
        palette_image(transparency=bytes([255, 0, 128])),
        over_white(COLOR / 255, ALPHA[..., None] / 255),
        ON_WHITE,
    ),
    "PA": (
        tiff(
            np.dstack([np.array([[0, 1], [2, 3]]), ALPHA]).astype(np.uint8),
            t262=[3],
            t338=[2],
            t320=[
                int(COLOR.reshape(-1, 3)[i, c]) * 257 if i < 4 else 0
                for c in range(3)
                for i in range(256)
            ],
        ),
        over_white(COLOR / 255, ALPHA[..., None] / 255),
        ON_WHITE,
    ),
    "LA": (encoded(LA, "PNG"), over_white(LA[..., 0] / 255, ALPHA / 255), ON_WHITE),
    "LA opaque": (encoded(np.dstack([GRAY, GRAY | 255]), "PNG"), GRAY / 255, ()),
    "La": (
        tiff(np.array([[[128, 128], [0, 0]]], dtype=np.uint8), t262=[1], t338=[1]),
        np.array([[1.0, 1.0]]),
        ON_WHITE,
    ),
    "RGBA": (encoded(RGBA, "PNG"), over_white(COLOR / 255, ALPHA[..., None] / 255), ON_WHITE),
    "RGBA opaque": (encoded(np.dstack([COLOR, ALPHA | 255]), "PNG"), COLOR / 255, ()),
    "I;16 PNG": (encoded(DEEP, "PNG"), DEEP / 65535, ()),
    "I;16 JPEG2000": (encoded(DEEP, "JPEG2000"), DEEP / 65535, ()),
    "I PPM": (encoded(DEEP, "PPM"), DEEP / 65535, ()),
    "I of any range": (b"P5 1 1 1000\n\x01\xf4", np.array([[0.5]]), ()),
    "I;16 of 12 bits": (
        tiff(np.array([[0x12, 0x3F, 0xFF]], dtype=np.uint8), t256=[2], t258=[12]),
        np.array([[0x123 / 4095, 1]]),
        (),
    ),
    "I;16 white is zero": (tiff(DEEP, t262=[0]), 1 - DEEP / 65535, ()),
    "I;16 white is zero deflate": (tiff(DEEP, t262=[0], deflate=True), 1 - DEEP / 65535, ()),
    "F": (encoded(FLOATS, "TIFF"), FLOATS, ()),
    "F PFM": (encoded(FLOATS, "PPM"), FLOATS, ()),
    "F out of range": (
        encoded(FLOATS * 9 - 2, "TIFF"),
        FLOATS * 9.0 - 2,
        ("values from -2 to 7 kept as they are",),
    ),
    "RGB 16 bits": (
        png((2, 2), 16, 2, (COLOR * np.uint16(256) + 77).astype(">u2").tobytes()),
        (COLOR * 256.0 + 77) / 65535,
        (),
    ),
    "RGBA 16 bits": (
        png((2, 2), 16, 6, (RGBA * np.uint16(256) + 77).astype(">u2").tobytes()),
        over_white((COLOR * 256.0 + 77) / 65535, (ALPHA[..., None] * 256.0 + 77) / 65535),
        ON_WHITE,
    ),
    "LA 16 bits": (
        png((1, 2), 16, 4, b"\x12\x34\x80\x01\x56\x78\xff\xff"),
        over_white(np.array([[0x1234, 0x5678]]) / 65535, np.array([[0x8001 / 65535, 1]])),
        ON_WHITE,
    ),
    "RGB 16 bits TIFF": (tiff(COLOR * np.uint16(256) + 1), (COLOR * 256.0 + 1) / 65535, ()),
    "RGB 16 bits deflate": (tiff(COLOR * np.uint16(257), deflate=True), COLOR / 255, ()),
    "RGB 16 bits PPM": (
        b"P6 2 2 65535\n" + (COLOR.astype(">u2") * 257).tobytes(),
        COLOR / 255,
        (),
    ),
    "1 key": (png((1, 2), 1, 0, b"\x40", chunk(b"tRNS", b"\0\0")), np.ones((1, 2)), ON_WHITE),
    "L 4 bits key": (
        png((1, 2), 4, 0, b"\x3f", chunk(b"tRNS", b"\0\x03")),
        np.array([[1, 1]]),
        ON_WHITE,
    ),
    "L key that no pixel has": (
        png((1, 2), 4, 0, b"\x3f", chunk(b"tRNS", b"\0\x05")),
        np.array([[0.2, 1]]),
        (),
    ),
    "I;16 key": (
        png((1, 2), 16, 0, b"\x12\x34\x12\x35", chunk(b"tRNS", b"\x12\x34")),
        np.array([[1, 0x1235 / 65535]]),
        ON_WHITE,
    ),
    "RGB key": (
        png((2, 2), 8, 2, COLOR.tobytes(), chunk(b"tRNS", b"\0\x0a\0\x14\0\x1e")),
        np.where(COLOR == [10, 20, 30], 255, COLOR) / 255,
        ON_WHITE,
    ),
    "RGB 16 bits key": (
        png((1, 2), 16, 2, b"\1\2\3\4\5\6" + b"\xff" * 6, chunk(b"tRNS", b"\1\2\3\4\5\6")),
        np.ones((1, 2, 3)),
        ON_WHITE,
    ),
}
# every integer type that TIFF and Pillow share, at both byte orders, plain and compressed
for dtype in ("u1", "i1", "u2", "i2", "i4", "u4"):
    limits = np.iinfo(dtype)
    values = np.array([[limits.min, limits.max, 3]], dtype=dtype)
    scaled = (values.astype(np.float64) - limits.min) / (float(limits.max) - limits.min)
    for order in "<>" if dtype != "u4" else "<":
        for deflate in (False, True):
            name = f"TIFF {order}{dtype} {deflate=}"
            EXACT[name] = (tiff(values.astype(order + dtype), deflate=deflate), scaled, ())
for order in "<>":
    EXACT[f"TIFF {order}f4 deflate"] = (tiff(FLOATS.astype(f"{order}f4"), deflate=True), FLOATS, ())


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=SINCE_13 if name == "La" else ()) for name in EXACT]
)
def test_values_and_notes_are_exact(name: str, tmp_path: Path) -> None:
    data, expected, notes = EXACT[name]
    gray, color = (read(data, tmp_path, color=flag) for flag in (False, True))
    assert gray.notes == color.notes == notes
    assert gray.pixels.dtype == color.pixels.dtype == np.float64
    assert gray.source_shape == color.source_shape == gray.pixels.shape == expected.shape[:2]
    if expected.ndim == 2:
        np.testing.assert_allclose(gray.pixels, expected, rtol=0, atol=1e-15)
        expected = np.stack([expected] * 3, axis=-1)
    np.testing.assert_allclose(gray.pixels, luma(expected), rtol=0, atol=2e-15)
    np.testing.assert_allclose(color.pixels, expected, rtol=0, atol=1e-15)


def test_gray_values_are_not_rounded_by_the_luma(tmp_path: Path) -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    pixels = read(encoded(np.dstack([values] * 3), "PNG"), tmp_path).pixels
    np.testing.assert_array_equal(pixels, values / 255)


@pytest.mark.parametrize(
    ("mode", "form", "note"),
    [
        ("CMYK", "TIFF", "CMYK converted to RGB without a colour profile"),
        ("CMYK", "JPEG", "CMYK converted to RGB without a colour profile"),
        ("LAB", "TIFF", "LAB converted to RGB without a colour profile"),
        pytest.param("YCbCr", "TIFF", None, marks=SINCE_13),
        ("YCbCr", "JPEG", None),
    ],
)
def test_other_colour_spaces(mode: str, form: str, note: str | None, tmp_path: Path) -> None:
    rgb = np.full((8, 8, 3), (200, 100, 50), dtype=np.uint8)
    source = Image.fromarray(rgb)
    if mode == "LAB":
        source = Image.fromarray(np.full((8, 8, 3), (150, 20, 30), dtype=np.uint8), "LAB")
        rgb = np.asarray(source.convert("RGB"))
    loaded = read(encoded(source.convert(mode), form), tmp_path, color=True)
    np.testing.assert_allclose(loaded.pixels, rgb / 255, atol=3 / 255)
    assert loaded.notes == ((note,) if note else ())


UPRIGHT: dict[int, Callable[[Array], Array]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.T,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].T,
    8: np.rot90,
}


@pytest.mark.parametrize("form", ["PNG", "PNG late", "TIFF", "TIFF deep", "WEBP"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_orientation(orientation: int, form: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    values = (DEEP // 257) if form != "TIFF deep" else DEEP
    if form == "TIFF deep":
        data = tiff(values.astype(">u2"), t274=[orientation])
    elif form == "PNG late":  # the EXIF chunk behind the pixels
        late = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
        whole = encoded(values.astype(np.uint8), "PNG")
        data = whole[:-12] + late + whole[-12:]
    else:
        lossless = {"lossless": True} if form == "WEBP" else {}
        data = encoded(values.astype(np.uint8), form, exif=exif, **lossless)
    loaded = read(data, tmp_path)
    expected = UPRIGHT[orientation](values) / (65535 if form == "TIFF deep" else 255)
    np.testing.assert_allclose(loaded.pixels, expected, rtol=0, atol=1e-15)
    assert loaded.source_shape == expected.shape
    turned = (f"turned upright by EXIF orientation {orientation}",) if orientation > 1 else ()
    assert loaded.notes == turned


@pytest.mark.parametrize("form", ["GIF", "PNG", "TIFF", "WEBP"])
def test_first_of_many_frames(form: str, tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((4, 4), level, dtype=np.uint8)) for level in (0, 128, 255)]
    lossless = {"lossless": True} if form == "WEBP" else {}
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:], **lossless)
    loaded = read(data, tmp_path)
    np.testing.assert_array_equal(loaded.pixels, np.zeros((4, 4)))
    assert loaded.notes == ("first of 3 frames",)


def test_mpo_is_read_as_its_first_picture(tmp_path: Path) -> None:
    first, second = (Image.new("L", (8, 8), level) for level in (100, 200))
    loaded = read(encoded(first, "MPO", save_all=True, append_images=[second]), tmp_path)
    np.testing.assert_allclose(loaded.pixels, 100 / 255, atol=1 / 255)
    assert loaded.notes == ("first of 2 frames",)


BROKEN_EXIF = b"Exif\0\0II*\0\x08\0\0\0\x05\0"


def test_pillow_warnings_become_notes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loaded = read(encoded(PHOTO, "JPEG", exif=BROKEN_EXIF), tmp_path)
    assert len(loaded.notes) == 1
    assert loaded.notes[0].startswith("Pillow warns: Corrupt EXIF data.")
    assert capsys.readouterr().err == ""


def test_damaged_exif_does_not_cost_the_image(tmp_path: Path) -> None:
    loaded = read(encoded(PHOTO, "PNG", exif=b"Exif\0\0nonsense"), tmp_path, color=True)
    np.testing.assert_array_equal(loaded.pixels, PHOTO / 255)
    assert loaded.notes == ("damaged EXIF data: orientation unknown",)


def test_warnings_of_many_threads_stay_apart(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.jpg", tmp_path / "good.jpg"
    bad.write_bytes(encoded(PHOTO, "JPEG", exif=BROKEN_EXIF))
    good.write_bytes(encoded(PHOTO, "JPEG"))
    before = (list(warnings.filters), warnings.showwarning)
    with ThreadPoolExecutor(8) as pool:
        notes = list(pool.map(lambda path: len(read_image(path).notes), [bad, good, good] * 100))
    assert notes == [1, 0, 0] * 100
    assert (list(warnings.filters), warnings.showwarning) == before


def test_warnings_of_other_threads_pass_through(tmp_path: Path) -> None:
    inside, warned = threading.Event(), threading.Event()

    def warn() -> None:
        inside.wait()
        warnings.warn("from elsewhere", UserWarning, stacklevel=1)
        warned.set()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        thread = threading.Thread(target=warn)
        thread.start()
        with pillow.PILLOW_WARNINGS.heard() as heard:
            inside.set()
            assert warned.wait(10)
        thread.join()
    assert [str(warning.message) for warning in caught] == ["from elsewhere"]
    assert heard == []


def test_damaged_bytes_end_in_an_image_or_a_reason(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    whole = [data for data, _, _ in EXACT.values()] + [encoded(PHOTO, f) for f in FORMS]
    reasons = []
    for _ in range(600):
        data = bytearray(whole[rng.integers(len(whole))])
        for at in rng.integers(len(data), size=3):
            data[at] = rng.integers(256)
        try:
            image = read(bytes(data), tmp_path, max_pixels=10_000)
        except ImageRefused as refusal:
            reasons.append(str(refusal))
        else:
            assert np.isfinite(image.pixels).all()
    assert 100 < len(reasons) < 600
    assert all(reason and reason.isprintable() for reason in reasons)
