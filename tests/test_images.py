"""Every kind of file an image may come in, and every kind that must be refused, made by hand."""

from __future__ import annotations

import io
import os
import re
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile

from spectral_mae import decoding, images
from spectral_mae.images import (
    ImageRefused,
    LoadedImage,
    builtin_images,
    crop_to_multiple,
    find_images,
    read_image,
    resize_and_crop,
    write_gray_png,
)

Array = NDArray[Any]
GRAY = np.array([[0, 1, 128], [200, 254, 255]], dtype=np.uint8)
COLOR = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [10, 20, 30]]], dtype=np.uint8)
DEEP = np.array([[0, 1, 255], [256, 40000, 65535]], dtype=np.uint16)
FLOATS = np.array([[0.0, 0.25], [0.5, 1.0]], dtype=np.float32)
ALPHA = np.array([[255, 0], [128, 255]], dtype=np.uint8)
SINCE_13 = pytest.mark.skipif(int(PIL.__version__.split(".")[0]) < 13, reason="new in Pillow 13")


def luma(rgb: Array) -> Array:
    return rgb @ np.array([0.299, 0.587, 0.114])


def over_white(values: Array, alpha: Array) -> Array:
    return 1 - alpha * (1 - values)


def encoded(image: Image.Image | Array, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    image.save(buffer, form, **options)
    return buffer.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(shape: tuple[int, int], depth: int, kind: int, rows: bytes, *extra: bytes) -> bytes:
    """Rows of packed samples, without the filter byte that PNG puts before each."""
    height, width = shape
    width_bytes = len(rows) // height
    filtered = b"".join(
        b"\0" + rows[at : at + width_bytes] for at in range(0, len(rows), width_bytes)
    )
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    parts = (chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(filtered)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def tiff(
    samples: Array, *, deflate: bool = False, planar: bool = False, **tags: list[int]
) -> bytes:
    """A TIFF in the byte order and type of ``samples``: (H, W), (H, W, C), or (C, H, W) planar.

    ``tags`` named ``t<number>`` are written as they are and win over what the samples imply.
    """
    order = ">" if samples.dtype.str[0] == ">" else "<"
    channels = 1 if samples.ndim == 2 else samples.shape[0 if planar else -1]
    height, width = samples.shape[-2:] if planar else samples.shape[:2]
    planes = list(samples) if planar else [samples]
    strips = [zlib.compress(plane.tobytes()) if deflate else plane.tobytes() for plane in planes]
    starts = [8 + sum(map(len, strips[:i])) for i in range(len(strips))]
    fields = {
        256: [width],
        257: [height],
        258: [samples.dtype.itemsize * 8] * channels,
        259: [8 if deflate else 1],
        262: [1 if channels < 3 else 2],
        273: starts,
        277: [channels],
        278: [height],
        279: [len(strip) for strip in strips],
        284: [2 if planar else 1],
        339: ["uif".index(samples.dtype.kind) + 1] * channels,
    } | {int(name[1:]): values for name, values in tags.items()}
    body = b"".join(strips)
    entries, overflow = b"", b""
    table = 8 + len(body)
    overflow_at = table + 2 + 12 * len(fields) + 4
    for tag, values in sorted(fields.items()):
        packed = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            inline = struct.pack(f"{order}I", overflow_at + len(overflow))
            overflow += packed
        else:
            inline = packed
        entries += struct.pack(f"{order}HHI", tag, 4, len(values)) + inline
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(f"{order}I", table)
    count = struct.pack(f"{order}H", len(fields))
    return head + body + count + entries + struct.pack(f"{order}I", 0) + overflow


def palette_image(**info: Any) -> bytes:
    image = Image.fromarray(np.array([[0, 1], [2, 3]], dtype=np.uint8), "L")
    image.putpalette(COLOR.reshape(-1).tolist())
    return encoded(image, "PNG", **info)


def read(data: bytes, tmp_path: Path, **options: Any) -> LoadedImage:
    path = tmp_path / "image.dat"
    path.write_bytes(data)
    return read_image(path, **options)


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
    "L of any range": (b"P5 2 1 5\n\x02\x05", np.array([[102 / 255, 1]]), ()),
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
    "I of any range": (b"P5 1 1 1000\n\x01\xf4", np.array([[32768 / 65535]]), ()),
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
        COLOR / 255,
        NOT_ALL_16,
    ),
    "RGBA 16 bits": (
        png((2, 2), 16, 6, (RGBA.astype(">u2") * 257).tobytes()),
        over_white(COLOR / 255, ALPHA[..., None] / 255),
        NOT_ALL_16 + ON_WHITE,
    ),
    "RGB 16 bits TIFF": (tiff(COLOR * np.uint16(257)), COLOR / 255, NOT_ALL_16),
    "RGB 16 bits deflate": (tiff(COLOR * np.uint16(257), deflate=True), COLOR / 255, NOT_ALL_16),
    "RGB 16 bits PPM": (
        b"P6 2 2 65535\n" + (COLOR.astype(">u2") * 257).tobytes(),
        COLOR / 255,
        NOT_ALL_16,
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
        NOT_ALL_16 + ON_WHITE,
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


PHOTO = np.random.default_rng(0).integers(0, 256, (24, 20, 3), dtype=np.uint8)
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
        with decoding._PILLOW_WARNINGS.heard() as heard:
            inside.set()
            assert warned.wait(10)
        thread.join()
    assert [str(warning.message) for warning in caught] == ["from elsewhere"]
    assert heard == []


def bad_crc(name: bytes) -> bytes:
    data = bytearray(encoded(GRAY, "PNG"))
    length = struct.unpack(">I", data[data.index(name) - 4 : data.index(name)])[0]
    data[data.index(name) + 4 + length] ^= 1
    return bytes(data)


NAN = np.full((2, 3), np.nan, dtype=np.float32)
KNOWN = r"not an image of a known format \(PNG, JPEG, .*\)"
REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty file"),
    "text": (b"dear diary\n" * 9, KNOWN),
    "text that begins as PPM does": (b"Python is a language\n", KNOWN),
    "signature": (b"\x89PNG\n\x1a\n" + encoded(GRAY, "PNG")[8:], KNOWN),
    "crc of pixels": (bad_crc(b"IDAT"), r".*PNG: .*bad checksum in IDAT\)"),
    "crc of header": (bad_crc(b"IHDR"), r".*PNG: .*bad checksum in IHDR\)"),
    "crc of the end": (encoded(GRAY, "PNG")[:-12], r".*PNG: truncated PNG file"),
    "colour type": (png((1, 1), 8, 1, b"\0"), r".*PNG: its header holds no valid size or pixel .*"),
    "no width": (png((1, 0), 8, 0, b"\0"), r".*PNG: its header holds no valid size .*"),
    "no pixels": (
        png((1, 1), 8, 0, b"\0")[:33] + chunk(b"IEND", b""),
        "damaged PNG: it has no image data",
    ),
    "30000 x 20000": (
        png((20000, 30000), 8, 2, b"\0" * 20000),
        r"too large: 20000x30000 is 600\.0 million pixels; the limit is 50\.0 million",
    ),
    "200 million pixels": (png((10000, 20000), 8, 2, b"\0" * 10000), r"too large: 10000x20000 .*"),
    "few of the pixels": (
        png((9, 9), 8, 0, b"\0" * 9),
        r"damaged or unsupported PNG: .*truncated.*",
    ),
    "NaN": (encoded(NAN, "TIFF"), "6 pixels are NaN or infinite"),
    "infinite": (
        encoded(np.where(FLOATS == 1, np.float32(np.inf), FLOATS), "TIFF"),
        "1 pixel is NaN or infinite",
    ),
    "float64": (tiff(np.ones((2, 2))), r"damaged or unsupported TIFF: unknown pixel mode"),
    "16 bits in planes": (
        tiff(np.ones((3, 2, 2), dtype=np.uint16), planar=True),
        "uncompressed TIFF of 16-bit channels in separate planes",
    ),
    "unknown compression": (
        tiff(GRAY, t259=[4711]),
        r".*TIFF: the decoder failed with KeyError 4711",
    ),
}
for form in images.FORMATS:
    whole = encoded(PHOTO, form)
    for part in (len(whole) // 2, len(whole) - 20):
        REFUSED[f"{form} cut after {part} bytes"] = (
            whole[:part],
            f"damaged or unsupported {form}: .+",
        )


@pytest.mark.parametrize("name", REFUSED)
def test_refused_for_the_true_reason(name: str, tmp_path: Path) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(ImageRefused) as refusal:
        read(data, tmp_path)
    assert "\n" not in str(refusal.value)
    assert re.fullmatch(reason, str(refusal.value)), str(refusal.value)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "not enough memory to decode it"),
        (KeyError(5), "damaged or unsupported PNG: the decoder failed with KeyError 5"),
        (EOFError(), "damaged or unsupported PNG: the decoder failed with EOFError"),
        (
            OSError("cannot use <_io.BytesIO object at 0x7fab12>\n at all"),
            "damaged or unsupported PNG: cannot use the file at all",
        ),
    ],
)
def test_a_stumbling_decoder(
    error: Exception, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(self: ImageFile.ImageFile) -> None:
        monkeypatch.undo()  # failing once is failing
        raise error

    monkeypatch.setattr(ImageFile.ImageFile, "load", stumble)
    with pytest.raises(ImageRefused) as refusal:
        read(encoded(GRAY, "PNG"), tmp_path)
    assert str(refusal.value) == reason


def test_modes_without_a_rule_are_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(decoding._MODES, "L")
    with pytest.raises(ImageRefused, match=r"^pixels of mode L are not handled$"):
        read(encoded(GRAY, "PNG"), tmp_path)


def test_max_pixels_rules_and_not_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4)  # Pillow warns from 5, refuses from 9
    for form in images.FORMATS:
        assert read(encoded(GRAY, form), tmp_path, max_pixels=6).notes == ()
    assert read(encoded(PHOTO, "PNG"), tmp_path).notes == ()
    with pytest.raises(ImageRefused, match=r"^too large: 2x3 is 0\.0 million pixels"):
        read(encoded(GRAY, "PNG"), tmp_path, max_pixels=5)
    with pytest.raises(ImageRefused, match=r"^too large for Pillow: .*480 pixels"):
        read(encoded(PHOTO, "TIFF"), tmp_path)


@pytest.mark.parametrize(("max_pixels", "error"), [(0, ValueError), (1e6, TypeError)])
def test_max_pixels_is_checked(max_pixels: Any, error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error, match="max_pixels"):
        read(encoded(GRAY, "PNG"), tmp_path, max_pixels=max_pixels)


def test_paths_that_are_no_readable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    with pytest.raises(ImageRefused, match=r"^no such file$"):
        read_image(tmp_path / "missing.png")
    with pytest.raises(ImageRefused, match=r"^a folder, not an image file$"):
        read_image(tmp_path)
    (tmp_path / "locked.png").touch()
    monkeypatch.setattr(Path, "read_bytes", forbidden)
    with pytest.raises(ImageRefused, match=r"^cannot be read: permission denied$"):
        read_image(str(tmp_path / "locked.png"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are of POSIX")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageRefused, match=r"^not a regular file$"):
        read_image(tmp_path / "pipe.png")


def test_damaged_bytes_end_in_an_image_or_a_reason(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    whole = [data for data, _, _ in EXACT.values()] + [encoded(PHOTO, f) for f in images.FORMATS]
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


def loaded(pixels: Array) -> LoadedImage:
    return LoadedImage(np.asarray(pixels, dtype=np.float64), ("kept",), pixels.shape[:2])


SMOOTH = np.random.default_rng(3).random((40, 60, 3))


@pytest.mark.parametrize("shape", [(50, 50), (50, 77), (90, 50, 3)])
def test_the_same_size_keeps_pixels_exactly(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(1).normal(size=shape)
    result = resize_and_crop(loaded(pixels), 50)
    top, left = (shape[0] - 50) // 2, (shape[1] - 50) // 2
    np.testing.assert_array_equal(result.pixels, pixels[top : top + 50, left : left + 50])
    assert result.notes == ("kept",)
    assert result.source_shape == shape[:2]


@pytest.mark.parametrize("size", [7, 20, 64])
@pytest.mark.parametrize("pixels", [SMOOTH, SMOOTH[..., 0]], ids=["colour", "gray"])
def test_resizing_is_linear_and_keeps_constants(pixels: Array, size: int) -> None:
    def resized(values: Array) -> Array:
        return resize_and_crop(loaded(values), size).pixels

    assert resized(pixels).shape == (size, size, *pixels.shape[2:])
    assert resized(pixels).dtype == np.float64
    np.testing.assert_allclose(
        resized(3 * pixels - 7 * pixels[::-1]),
        3 * resized(pixels) - 7 * resized(pixels[::-1]),
        atol=1e-5,
    )
    np.testing.assert_allclose(resized(np.full_like(pixels, -7.3)), -7.3, rtol=1e-6)


def test_resizing_takes_the_centre_square_of_the_resized_whole() -> None:
    channel = Image.fromarray(SMOOTH[..., 0].astype(np.float32))
    whole = np.asarray(channel.resize((30, 20), Image.Resampling.BICUBIC))
    pixels = resize_and_crop(loaded(SMOOTH[..., 0]), 20).pixels
    np.testing.assert_allclose(pixels, whole[:, 5:25], atol=1e-6)


def test_resizing_does_not_clip_and_does_not_alias() -> None:
    edge = np.repeat([[0.0, 1.0]], 8, axis=0).repeat(4, axis=1)
    enlarged = resize_and_crop(loaded(edge), 32).pixels
    assert enlarged.min() < -0.01
    assert enlarged.max() > 1.01
    checkers = np.indices((64, 64)).sum(axis=0) % 2
    shrunk = resize_and_crop(loaded(checkers), 16).pixels
    np.testing.assert_allclose(shrunk[2:-2, 2:-2], 0.5, atol=0.01)


@pytest.mark.parametrize(
    ("shape", "size", "note"),
    [
        ((40, 32), 64, "enlarged from 32x32 to 64x64: frequencies above 0.25 cycles/pixel"),
        ((30, 90), 40, "enlarged from 30x30 to 40x40: frequencies above 0.375 cycles/pixel"),
        ((40, 32), 32, None),
        ((40, 32), 16, None),
    ],
)
def test_enlarging_is_noted(shape: tuple[int, int], size: int, note: str | None) -> None:
    added = (f"{note} are interpolated",) if note else ()
    assert resize_and_crop(loaded(np.ones(shape)), size).notes == ("kept", *added)


@pytest.mark.parametrize("shape", [(1, 2000), (1_000_000, 2)])
def test_a_very_long_image_costs_no_more_than_its_square(shape: tuple[int, int]) -> None:
    result = resize_and_crop(loaded(np.full(shape, 0.5)), 64)
    np.testing.assert_array_equal(result.pixels, np.full((64, 64), 0.5))


@pytest.mark.parametrize("size", [0, -3, 2.5])
def test_sizes_are_checked(size: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="size"):
        resize_and_crop(loaded(SMOOTH), size)


@pytest.mark.parametrize(
    ("shape", "patch_size", "top", "left", "cropped"),
    [
        ((321, 481), 16, 0, 0, (320, 480)),
        ((19, 22), 8, 1, 3, (16, 16)),
        ((23, 37, 3), (4, 7), 1, 1, (20, 35)),
        ((8, 17), (8, 8), 0, 0, (8, 16)),
        ((15, 9), (5, 9), 0, 0, (15, 9)),
    ],
)
def test_cropping_is_central(
    shape: tuple[int, ...],
    patch_size: tuple[int, int] | int,
    top: int,
    left: int,
    cropped: tuple[int, int],
) -> None:
    pixels = np.random.default_rng(2).random(shape)
    result = crop_to_multiple(loaded(pixels), patch_size)
    np.testing.assert_array_equal(
        result.pixels, pixels[top : top + cropped[0], left : left + cropped[1]]
    )
    sizes = [f"{height}x{width}" for height, width in (shape[:2], cropped)]
    note = (f"cropped from {sizes[0]} to {sizes[1]}",) if sizes[0] != sizes[1] else ()
    assert result.notes == ("kept", *note)
    assert result.source_shape == shape[:2]


@pytest.mark.parametrize("shape", [(8, 5), (8, 15), (7, 900)])
def test_room_for_fewer_than_two_patches(shape: tuple[int, int]) -> None:
    reason = f"too small for two patches of 8x8: {shape[0]}x{shape[1]}"
    with pytest.raises(ImageRefused, match=f"^{reason}$"):
        crop_to_multiple(loaded(np.ones(shape)), 8)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Six images in plain sight, two other files, and much that must not be looked at."""
    names = ["b.png", "a.JPG", "notes.txt", "sub/c.tif", "sub/deep/d.webp", "sub/deep/raw.dat"]
    names += ["[1].png", "z.png/inner.gif", ".hidden.png", ".git/e.png", "sub/.cache/f.png"]
    for name in names:
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "g.png").touch()
    for link, target in {
        "loop": tmp_path / "tree",
        "sub/loop": tmp_path / "tree",
        "out": tmp_path / "outside",
        "twin.png": tmp_path / "tree" / "b.png",
        "self.png": tmp_path / "tree" / "self.png",
    }.items():
        (tmp_path / "tree" / link).symlink_to(target)
    return tmp_path / "tree"


VISIBLE = ["[1].png", "a.JPG", "b.png", "self.png", "sub/c.tif", "sub/deep/d.webp"]
VISIBLE += ["z.png/inner.gif"]


def names_below(root: Path, found: Any) -> list[str]:
    return [path.relative_to(root).as_posix() for path in found.paths]


def test_folders_are_searched(tree: Path) -> None:
    found = find_images([tree])
    assert names_below(tree, found) == VISIBLE
    assert found.passed_over == 2
    assert find_images([str(tree), tree / "sub", tree / "b.png", tree / "."]) == found


def test_files_are_taken_as_given_in_their_order(tree: Path) -> None:
    given = ["notes.txt", "[1].png", "twin.png", "b.png", ".hidden.png", "notes.txt"]
    found = find_images([tree / name for name in given])
    assert names_below(tree, found) == ["notes.txt", "[1].png", "twin.png", ".hidden.png"]
    assert find_images([tree / "notes.txt", tree]).passed_over == 1


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("?.JP[A-Z]", ["a.JPG"]),
        ("*.txt", ["notes.txt"]),
        ("[ab].*", ["a.JPG", "b.png"]),
        ("sub/*/*.dat", ["sub/deep/raw.dat"]),
        ("z*", ["z.png/inner.gif"]),
        ("**/*.webp", ["sub/deep/d.webp"]),
        ("s*b/**", ["sub/c.tif", "sub/deep/d.webp"]),
        ("*/**", ["out/g.png", "sub/c.tif", "sub/deep/d.webp", "z.png/inner.gif"]),
        ("**", VISIBLE),
    ],
)
def test_patterns(
    pattern: str, expected: list[str], tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "loop").unlink()
    (tree / "sub" / "loop").unlink()
    assert names_below(tree, find_images([tree / pattern])) == expected
    monkeypatch.chdir(tree)
    assert [path.as_posix() for path in find_images([pattern]).paths] == expected


def test_patterns_do_not_run_in_circles(tree: Path) -> None:
    assert set(names_below(tree, find_images([tree / "**"]))) == set(VISIBLE)


@pytest.mark.parametrize("name", ["missing.png", "", "*.raw", "sub/**/*.raw", "sub/*/f.png"])
def test_what_matches_nothing_is_named(name: str, tree: Path) -> None:
    path = str(tree / name) if name else ""
    with pytest.raises(FileNotFoundError, match=re.escape(repr(path))):
        find_images([path])


def test_one_path_is_no_list(tree: Path) -> None:
    for path in (tree, str(tree)):
        with pytest.raises(TypeError, match="give a list of paths"):
            find_images(path)  # type: ignore[arg-type]


def test_a_folder_that_cannot_be_opened_is_an_error(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def guarded(path: Any) -> Any:
        if Path(path).name == "deep":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    with pytest.raises(PermissionError, match="deep"):
        find_images([tree])


def test_builtin_images_are_photographs_on_disk() -> None:
    names = set(builtin_images())
    assert names >= {"astronaut", "camera", "cat", "coffee", "rocket", "motorcycle"}
    assert find_images(["builtin:"]).paths == tuple(builtin_images().values())
    for name in names:
        (path,) = find_images([f"builtin:{name}"]).paths
        image = read_image(path)
        assert min(image.pixels.shape) > 100
        assert image.pixels.std() > 0.01


def test_missing_builtin_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"no built-in image 'dog'; there are astronaut, .*"
    ):
        find_images(["builtin:dog"])
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "moon.png").touch()
    spec = ModuleSpec("skimage", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    assert builtin_images() == {"moon": tmp_path / "data" / "moon.png"}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert builtin_images() == {}


def test_scikit_image_is_never_imported() -> None:
    code = (
        "import sys; from spectral_mae.images import find_images; "
        "find_images(['builtin:']); sys.exit('skimage' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("shape", [(1, 1), (5, 8), (16, 9)])
@pytest.mark.parametrize("dtype", [bool, np.uint8])
def test_gray_png_round_trip(shape: tuple[int, int], dtype: type, tmp_path: Path) -> None:
    values = np.random.default_rng(4).integers(0, 2 if dtype is bool else 256, shape).astype(dtype)
    for array in (values, values.T, values[::-1, ::-1]):
        write_gray_png(tmp_path / "mask", array)
        expected = array * 1.0 if dtype is bool else array / 255
        np.testing.assert_array_equal(read_image(tmp_path / "mask").pixels, expected)
    with Image.open(tmp_path / "mask") as image:
        assert (image.format, image.mode) == ("PNG", "L")


@pytest.mark.parametrize(
    ("values", "error", "reason"),
    [
        (np.zeros((2, 2)), TypeError, "dtype float64"),
        (np.zeros((2, 2, 3), dtype=np.uint8), ValueError, r"shape \(2, 2, 3\)"),
        (np.zeros((0, 2), dtype=bool), ValueError, r"shape \(0, 2\)"),
    ],
)
def test_gray_png_refuses_other_arrays(
    values: Array, error: type[Exception], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=reason):
        write_gray_png(tmp_path / "mask.png", values)
