"""Formats besides the common ones: each gives its values, or the reason by its name."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from image_bytes import ALPHA, COLOR, DEEP, FLOATS, GRAY, PHOTO, Array, chunk, encoded, png, read
from PIL import Image

from spectral_mae.images.archives import list_archive
from spectral_mae.images.samples import ImageRefused
from spectral_mae.images.sources import find_sources

ON_WHITE = "transparent pixels shown on white"
ALPHAS = ALPHA[..., None] / 255
RGBA = np.dstack([COLOR, ALPHA])


def check(
    data: bytes,
    expected: object,
    tmp_path: Path,
    *notes: str,
    color: bool = True,
    atol: float = 1e-15,
) -> None:
    loaded = read(data, tmp_path, color=color)
    np.testing.assert_allclose(loaded.pixels, expected, rtol=0, atol=atol)
    assert loaded.notes == notes


def over_white(values: Array, alpha: Array) -> Array:
    return 1 - alpha * (1 - values)


def refusal(data: bytes, tmp_path: Path) -> str:
    with pytest.raises(ImageRefused) as refused:
        read(data, tmp_path)
    return str(refused.value)


# --- PNG


@pytest.mark.parametrize("order", ["none", "sub", "up", "average", "paeth"])
def test_png_of_16_bits_is_exact_under_every_filter(order: str, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (9, 7, 3), dtype=np.uint16)
    rows = values.astype(">u2").reshape(9, -1).view(np.uint8).astype(int)
    left = np.pad(rows, ((0, 0), (6, 0)))[:, :-6]
    above = np.pad(rows, ((1, 0), (0, 0)))[:-1]
    corner = np.pad(rows, ((1, 0), (6, 0)))[:-1, :-6]
    distance = [abs(left + above - corner - near) for near in (left, above, corner)]
    paeth = np.where(
        (distance[0] <= distance[1]) & (distance[0] <= distance[2]),
        left,
        np.where(distance[1] <= distance[2], above, corner),
    )
    predicted = [0 * rows, left, above, (left + above) // 2, paeth]
    number = ["none", "sub", "up", "average", "paeth"].index(order)
    filtered = ((rows - predicted[number]) % 256).astype(np.uint8)
    data = png((9, 7), 16, 2, filtered.tobytes(), filter_type=number)
    check(data, values / 65535, tmp_path)


def test_png_of_one_bit_whose_white_is_transparent(tmp_path: Path) -> None:
    data = png((1, 2), 1, 0, b"\x40", chunk(b"tRNS", b"\0\1"))
    # black stays, and white is transparent: shown on white, both as they were
    check(data, [[0, 1]], tmp_path, ON_WHITE, color=False)


# --- JPEG and its relations


@pytest.mark.parametrize(("bits", "lossless"), [(12, True), (12, False), (16, True), (10, True)])
def test_jpeg_of_more_bits(bits: int, lossless: bool, tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    ramp = np.arange(64, dtype=np.uint16).reshape(8, 8) * (2**bits - 1) // 63
    data = imagecodecs.jpeg_encode(ramp, level=100, bitspersample=bits, lossless=lossless)
    check(data, ramp / (2**bits - 1), tmp_path, color=False, atol=0 if lossless else 4 / 4095)


def test_jpeg_of_more_bits_is_turned_upright(tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    values = np.arange(48, dtype=np.uint16).reshape(6, 8) * 85
    data = imagecodecs.jpeg_encode(values, bitspersample=12, lossless=True)
    exif = Image.Exif()
    exif[274] = 6
    segment = exif.tobytes()
    head = data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment
    note = "turned upright by EXIF orientation 6"
    check(head + data[2:], np.rot90(values, -1) / 4095, tmp_path, note, color=False)


def test_jpeg_of_more_bits_that_is_truncated_is_not_made_up(tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    data = imagecodecs.jpeg_encode(np.full((64, 64), 99, np.uint16), level=90, bitspersample=12)
    reason = "damaged 12-bit JPEG: truncated, it has no end"
    assert refusal(data[:-9], tmp_path) == reason


def test_jpeg_of_more_bits_without_imagecodecs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    frame = b"\xff\xd8\xff\xc1\0\x0b\x0c\0\2\0\3\1\1\x11\0\xff\xd9"
    reason = refusal(frame, tmp_path)
    assert reason == (
        "12-bit JPEG, not read here: it needs imagecodecs, which is not installed: "
        "pip install -e '.[codecs]' in your copy of the repository"
    )


def test_jpeg_ls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    data = imagecodecs.jpegls_encode(GRAY)
    check(data, GRAY / 255, tmp_path, color=False)
    check(imagecodecs.jpegls_encode(DEEP), DEEP / 65535, tmp_path, color=False)
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    assert refusal(data, tmp_path).startswith("JPEG-LS, not read here: it needs imagecodecs")


def test_inks_are_multiplied_and_not_rounded(tmp_path: Path) -> None:
    inks = np.full((8, 8, 4), (10, 20, 30, 40), np.uint8)
    data = encoded(Image.fromarray(inks, "CMYK"), "JPEG", quality=100)
    expected = (255 - inks[..., :3]) * (255.0 - inks[..., 3:]) / 255**2
    note = "CMYK converted to RGB without a colour profile"
    check(data, expected, tmp_path, note, atol=1e-15)
    bare = data.replace(b"Adobe", b"other")
    guessed = "CMYK without Adobe's marker, taken for inverted as Adobe's is"
    check(bare, expected, tmp_path, guessed, note)


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_jpeg_xl(bits: int, channels: int, tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    full = 2**bits - 1
    rng = np.random.default_rng(bits)
    values = rng.integers(0, full + 1, (11, 7, channels), dtype="u1" if bits == 8 else "u2")
    values[0, 0] = full
    data = imagecodecs.jpegxl_encode(values.squeeze(), lossless=True, bitspersample=bits)
    scaled = values / full
    if channels in (2, 4):
        expected = over_white(scaled[..., :-1], scaled[..., -1:])
        check(data, np.broadcast_to(expected, (11, 7, 3)), tmp_path, ON_WHITE)
    else:
        check(data, np.broadcast_to(scaled, (11, 7, 3)), tmp_path)


def test_jpeg_xl_of_floats_in_boxes_and_of_many_shapes(tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    check(imagecodecs.jpegxl_encode(FLOATS, lossless=True), FLOATS, tmp_path, color=False)
    for height, width in [(8, 8), (64, 48), (9, 12), (16, 9), (300, 2), (1000, 1)]:
        values = np.full((height, width), 77, np.uint8)
        for boxes in (False, True):
            data = imagecodecs.jpegxl_encode(values, lossless=True, usecontainer=boxes)
            check(data, values / 255, tmp_path, color=False)
            reason = r"^too large: " + f"{height}x{width} "
            with pytest.raises(ImageRefused, match=reason):
                read(data, tmp_path, max_pixels=1)


def test_jpeg_xl_without_imagecodecs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    reason = refusal(b"\xff\x0a\x7f\0\0\0\0\0", tmp_path)
    assert reason.startswith("JPEG XL, not read here: it needs imagecodecs, which is not installed")


# --- HEIC and AVIF


def heic(values: Array, mode: str) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    size = values.shape[1], values.shape[0]
    buffer = io.BytesIO()
    made = pillow_heif.from_bytes(mode=mode, size=size, data=values.tobytes())
    made.save(buffer, quality=-1, chroma=444)
    return buffer.getvalue()


def test_heic(tmp_path: Path) -> None:
    gray = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)
    check(heic(gray, "L"), gray / 255, tmp_path, color=False)
    color = np.full((64, 64, 3), (200, 100, 50), np.uint8)
    check(heic(color, "RGB"), color / 255, tmp_path, atol=2 / 255)
    half = np.dstack([color, np.full((64, 64), 128, np.uint8)])
    expected = over_white(color / 255, np.array(128 / 255))
    check(heic(half, "RGBA"), expected, tmp_path, ON_WHITE, atol=2 / 255)


def test_heic_keeps_more_than_8_bits(tmp_path: Path) -> None:
    values = (np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) % 1024) << 6  # 10 of 16 bits
    check(heic(values, "I;16"), (values >> 6) / 1023, tmp_path, color=False, atol=1.1 / 1023)


def test_heic_without_pillow_heif(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert refusal(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", tmp_path) == (
        "HEIC, not read here: it needs pillow-heif, which is not installed: "
        "pip install -e '.[heif]' in your copy of the repository"
    )
    # a file whose first brand is a general one
    assert refusal(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", tmp_path).startswith("HEIC, not read")


def test_avif(tmp_path: Path) -> None:
    color = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    data = encoded(color, "AVIF", quality=100, subsampling="4:4:4")
    check(data, color / 255, tmp_path, atol=2 / 255)


def test_avif_of_10_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    values = np.full((16, 16, 3), (1023, 1, 514), np.uint16)
    data = imagecodecs.avif_encode(values, level=100, bitspersample=10)
    check(data, values / 1023, tmp_path)
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    note = "10 bits per channel, of which Pillow reads 8"
    check(data, values / 1023, tmp_path, note, atol=1 / 255)


# --- TGA


def tga(
    kind: int,
    depth: int,
    shape: tuple[int, int],
    pixels: bytes,
    *,
    flags: int = 0x20,
    palette: tuple[int, int, int, bytes] = (0, 0, 0, b""),
) -> bytes:
    """With the first row on top; ``palette`` is its first index, length, bits and colours."""
    first, length, bits, colours = palette
    rest = (first, length, bits, 0, 0, shape[1], shape[0], depth, flags)
    return struct.pack("<BBBHHBHHHHBB", 2, bool(length), kind, *rest) + b"id" + colours + pixels


BGR, BGRA = COLOR[..., ::-1].tobytes(), RGBA[..., [2, 1, 0, 3]].tobytes()


def test_tga_of_each_kind(tmp_path: Path) -> None:
    check(tga(2, 24, (2, 2), BGR), COLOR / 255, tmp_path)
    check(tga(2, 32, (2, 2), BGRA, flags=0x28), over_white(COLOR / 255, ALPHAS), tmp_path, ON_WHITE)
    check(tga(3, 8, (2, 3), GRAY.tobytes()), GRAY / 255, tmp_path, color=False)
    fives = np.array([[3 << 10 | 7 << 5 | 31, 0xFFFF]], "<u2").tobytes()
    check(tga(2, 16, (1, 2), fives), [[[3 / 31, 7 / 31, 1], [1, 1, 1]]], tmp_path)
    colours = (5, 4, 24, BGR)
    check(tga(1, 8, (2, 2), b"\5\6\7\x08", palette=colours), COLOR / 255, tmp_path)


def test_tga_without_opacity_in_its_header(tmp_path: Path) -> None:
    note = "its header says no opacity: the fourth byte of its pixels is not used"
    check(tga(2, 32, (2, 2), BGRA), COLOR / 255, tmp_path, note)


def test_tga_of_run_lengths(tmp_path: Path) -> None:
    packets = b"\x82\x09\x02\1\2\3"  # three of 9, then 1, 2 and 3
    check(tga(11, 8, (2, 3), packets), np.array([[9] * 3, [1, 2, 3]]) / 255, tmp_path, color=False)
    check(tga(10, 24, (1, 3), b"\x82\0\0\xff"), [[[1, 0, 0]] * 3], tmp_path)


def test_tga_of_each_corner(tmp_path: Path) -> None:
    gray = GRAY / 255
    check(tga(3, 8, (2, 3), GRAY.tobytes(), flags=0), gray[::-1], tmp_path, color=False)
    check(tga(3, 8, (2, 3), GRAY.tobytes(), flags=0x30), gray[:, ::-1], tmp_path, color=False)


def test_tga_that_is_damaged(tmp_path: Path) -> None:
    assert "truncated" in refusal(tga(2, 24, (2, 2), BGR[:-1]), tmp_path)
    assert "truncated" in refusal(tga(10, 24, (2, 2), b"\x82\0\0\xff"), tmp_path)
    bad = tga(1, 8, (1, 1), b"\7", palette=(0, 4, 24, BGR))
    assert refusal(bad, tmp_path) == "damaged TGA: an index without a colour, of 4 from 0"


# --- DDS, ICO, PCX, QOI, PSD


def dds(bits: int, masks: tuple[int, int, int, int], pixels: Array) -> bytes:
    height, width = pixels.shape
    flags = 0x41 if masks[3] else 0x40
    start = struct.pack("<4s7I44x", b"DDS ", 124, 0x1007, height, width, 0, 0, 0)
    pixel_format = struct.pack("<2I4s5I", 32, flags, b"\0\0\0\0", bits, *masks)
    return start + pixel_format + bytes(20) + pixels.astype(f"<u{bits // 8}").tobytes()


def test_dds_of_bits_of_a_pixel(tmp_path: Path) -> None:
    pixels = np.array([[3 << 11 | 7 << 5 | 31]])
    check(dds(16, (0xF800, 0x7E0, 0x1F, 0), pixels), [[[3 / 31, 7 / 63, 1]]], tmp_path)
    masks = (0xFF, 0xFF00, 0xFF0000, 0xFF000000)
    half = 1 - 128 / 255
    check(dds(32, masks, np.array([[0x800000FF]])), [[[1, half, half]]], tmp_path, ON_WHITE)


def test_dds_of_blocks(tmp_path: Path) -> None:
    color = np.full((4, 4, 4), (255, 0, 0, 255), np.uint8)
    data = encoded(color, "DDS", pixel_format="DXT1")
    check(data, color[..., :3] / 255, tmp_path)


def test_dds_of_half_floats_is_refused(tmp_path: Path) -> None:
    data = dds(16, (0, 0, 0, 0), np.zeros((8, 8)))
    data = data[:80] + struct.pack("<I4s", 4, b"DX10") + data[88:128] + struct.pack("<I", 95)
    reason = "DDS of half floats (BC6H), not read here: convert it to TIFF"
    assert refusal(data + bytes(200), tmp_path) == reason


def test_the_largest_picture_of_an_icon(tmp_path: Path) -> None:
    values = np.full((32, 32, 4), (200, 100, 50, 255), np.uint8)
    data = encoded(values, "ICO", sizes=[(16, 16), (32, 32)])
    check(data, values[..., :3] / 255, tmp_path, "largest of 2 pictures")


@pytest.mark.parametrize("form", ["PCX", "TGA"])
def test_what_pillow_writes(form: str, tmp_path: Path) -> None:
    bits = np.random.default_rng(0).random((5, 13)) < 0.5
    check(encoded(Image.fromarray(bits), form), bits, tmp_path, color=False)
    check(encoded(PHOTO, form), PHOTO / 255, tmp_path)
    check(encoded(GRAY, form), GRAY / 255, tmp_path, color=False)


def test_qoi(tmp_path: Path) -> None:
    pixels = b"\xfe\xff\0\0" + b"\xff\0\xff\0\x80"  # one of RGB, one of RGBA
    data = b"qoif" + struct.pack(">IIBB", 2, 1, 4, 0) + pixels + bytes(7) + b"\1"
    half = 1 - 128 / 255
    check(data, [[[1, 0, 0], [half, 1, half]]], tmp_path, ON_WHITE)


def psd(mode: int, bits: int, planes: list[Array]) -> bytes:
    height, width = planes[0].shape
    header = struct.pack(">4sH6xHIIHH", b"8BPS", 1, len(planes), height, width, bits, mode)
    return header + bytes(12) + b"\0\0" + b"".join(plane.tobytes() for plane in planes)


def test_psd_is_its_stored_picture(tmp_path: Path) -> None:
    check(psd(1, 8, [GRAY]), GRAY / 255, tmp_path, color=False)
    check(psd(3, 8, list(np.moveaxis(COLOR, -1, 0))), COLOR / 255, tmp_path)
    note = "opacity not used: the stored picture is on white"
    check(psd(3, 8, list(np.moveaxis(RGBA, -1, 0))), COLOR / 255, tmp_path, note)


def test_psd_of_more_bits_is_refused(tmp_path: Path) -> None:
    data = psd(3, 16, list(np.zeros((3, 2, 2), ">u2")))
    assert refusal(data, tmp_path) == "PSD of 16-bit RGB, not read here: save it as PNG or TIFF"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"v/1\1\2\0\0\0", "OpenEXR"),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n", "Radiance HDR"),
        (b"SIMPLE  =                    T", "FITS"),
        (bytes(128) + b"DICM", "DICOM"),
        (b"II\xbc\1\x20\0\0\0", "JPEG XR"),
        (b"\0\0\2\0\1\0\x10\x10", "CUR"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "camera raw"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", "video"),
        (b"%PDF-1.7\n", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">', "SVG"),
        (b"P7 332\n#XVVERSION:Version 2.28\n", "XV thumbnail"),
        (b"gimp xcf v011\0", "XCF (GIMP)"),
    ],
)
def test_known_formats_that_are_not_read_are_named(data: bytes, name: str, tmp_path: Path) -> None:
    if name in ("FITS", "video"):
        assert refusal(data, tmp_path).startswith(f"{name}, read only from files whose names end")
    else:
        assert refusal(data, tmp_path) == f"{name}, not read here: convert it to PNG or TIFF"


LARGE_DDS = dds(32, (1, 2, 4, 0), np.zeros((1, 1)))
READ: dict[str, bytes] = {
    "QOI": b"qoif" + struct.pack(">IIBB", 9000, 9000, 3, 0),
    "TGA": tga(2, 24, (9000, 9000), b""),
    "DDS": LARGE_DDS[:12] + struct.pack("<2I", 9000, 9000) + LARGE_DDS[20:],
    "PSD": struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, 9000, 9000, 8, 3),
    "JPEG of 12 bits": b"\xff\xd8\xff\xc1\0\x0b\x0c\x23\x28\x23\x28\1\1\x11\0\xff\xd9",
}


@pytest.mark.parametrize("name", READ)
def test_size_is_checked_before_anything_is_decoded(name: str, tmp_path: Path) -> None:
    assert refusal(READ[name], tmp_path).startswith("too large: 9000x9000 is 81.0 million pixels")


ENDINGS = "pam qoi avif heic heif hif dds ico tga pcx psd jxl jls jxr exr fits dcm dib jph sgi cur"


def test_folders_and_archives_are_searched_for_all_endings(tmp_path: Path) -> None:
    names = [f"{number:02}.{ending}" for number, ending in enumerate([*ENDINGS.split(), "HEIC"])]
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in [*names, "notes.txt"]:
            (tmp_path / name).write_bytes(b"P5 1 1 1 \1")
            archive.writestr(name, b"P5 1 1 1 \1")
    assert [one.name for one in find_sources([tmp_path]).references if one.is_file] == names
    listing = list_archive(tmp_path / "all.zip", "all.zip")
    assert [reference.name for reference in listing.references] == names
    assert listing.passed_over == 1


def test_damaged_bytes_end_in_an_image_or_a_reason(tmp_path: Path) -> None:
    whole = [
        *READ.values(),
        tga(2, 32, (2, 2), BGRA, flags=0x28),
        tga(11, 8, (2, 3), b"\x82\x09\x02\1\2\3"),
        tga(1, 8, (2, 2), b"\5\6\7\x08", palette=(5, 4, 24, BGR)),
        LARGE_DDS,
        psd(3, 8, list(np.moveaxis(COLOR, -1, 0))),
        *(encoded(PHOTO, form) for form in ("PCX", "TGA", "DDS", "BMP")),
        b"P7\nWIDTH 2\nHEIGHT 1\nDEPTH 1\nMAXVAL 9\nENDHDR\n\1\2",
        b"P2 2 1 11 3 4",
        b"P6 1 1 300 \0\1\0\2\0\3",
        png((1, 2), 16, 4, b"\1\2\3\4\5\6\7\x08"),
    ]
    rng = np.random.default_rng(0)
    reasons = []
    for _ in range(600):
        data = bytearray(whole[rng.integers(len(whole))])
        for at in rng.integers(len(data), size=rng.integers(1, 4)):
            data[at] = rng.integers(256)
        try:
            image = read(bytes(data), tmp_path, max_pixels=10_000)
        except ImageRefused as refused:
            reasons.append(str(refused))
        else:
            assert np.isfinite(image.pixels).all()
    assert 100 < len(reasons) < 600
    assert all(reason and reason.isprintable() for reason in reasons)
