"""BMP: headers of Windows and OS/2, fields of any width, palettes, run lengths."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from image_bytes import COLOR, GRAY, PHOTO, encoded, read

from spectral_mae.images.samples import ImageRefused

ON_WHITE = "transparent pixels shown on white"


def bmp(
    pixels: bytes,
    size: tuple[int, int],
    bits: int,
    *,
    compression: int = 0,
    header: int = 40,
    masks: tuple[int, ...] = (),
    palette: bytes = b"",
    colours: int = 0,
) -> bytes:
    """Of rows from the bottom up, or from the top down where the height is negative."""
    height, width = size
    if header == 12:
        second = struct.pack("<I4H", 12, width, height, 1, bits)
    else:
        fields = (width, height, 1, bits, compression, len(pixels), 0, 0, colours, 0)
        second = struct.pack("<IiiHHIIiiII", header, *fields)
        second += struct.pack(f"<{len(masks)}I", *masks)
        if header > 40:
            second = second.ljust(header, b"\0")
        second = second if header >= 40 else second[:header]
    body = second + palette
    return (
        b"BM"
        + struct.pack("<IHHI", 14 + len(body) + len(pixels), 0, 0, 14 + len(body))
        + body
        + pixels
    )


def check(data: bytes, expected: object, tmp_path: Path, *notes: str) -> None:
    loaded = read(data, tmp_path, color=True)
    np.testing.assert_allclose(loaded.pixels, expected, rtol=0, atol=1e-15)
    assert loaded.notes == notes


def masks_of(*widths: int) -> list[int]:
    """Masks of so many bits each, from the highest down."""
    masks, below = [], sum(widths)
    for width in widths:
        below -= width
        masks.append((2**width - 1) << below)
    return masks


@pytest.mark.parametrize(
    ("bits", "widths"),
    [
        (16, (5, 6, 5)),
        (16, (2, 3, 1)),
        (16, (3, 6, 7)),
        (32, (11, 11, 10)),
        (32, (8, 8, 8)),
        (32, (1, 17, 3)),
    ],
)
def test_fields_of_any_width_are_exact(bits: int, widths: tuple[int, ...], tmp_path: Path) -> None:
    masks = masks_of(*widths)
    values = np.random.default_rng(0).integers(0, 2 ** np.array(widths), (2, 4, 3))
    values[0, 0], values[0, 1] = 0, 2 ** np.array(widths) - 1
    shifts = [(mask & -mask).bit_length() - 1 for mask in masks]
    pixels = sum(values[..., c] << shifts[c] for c in range(3)).astype(f"<u{bits // 8}")
    expected = values / (2.0 ** np.array(widths) - 1)
    plain = bmp(pixels.tobytes(), (-2, 4), bits, compression=3, masks=tuple(masks))
    inside = bmp(pixels.tobytes(), (-2, 4), bits, compression=3, masks=tuple(masks), header=52)
    check(plain, expected, tmp_path)
    check(inside, expected, tmp_path)


def test_sixteen_bits_without_masks_are_five_of_each(tmp_path: Path) -> None:
    pixels = np.array([[3 << 10 | 7 << 5 | 31, 0x8000]], "<u2")
    check(bmp(pixels.tobytes(), (1, 2), 16), [[[3 / 31, 7 / 31, 1], [0, 0, 0]]], tmp_path)


@pytest.mark.parametrize(("header", "compression"), [(40, 6), (56, 3), (108, 3), (124, 3)])
def test_a_mask_of_opacity_is_used(header: int, compression: int, tmp_path: Path) -> None:
    pixels = np.array([[0x80FF0000, 0xFF00FF00]], "<u4")
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    data = bmp(pixels.tobytes(), (1, 2), 32, compression=compression, masks=masks, header=header)
    half = 1 - 128 / 255
    check(data, [[[1, half, half], [0, 1, 0]]], tmp_path, ON_WHITE)


def test_four_bits_of_opacity(tmp_path: Path) -> None:
    pixels = np.array([[0x3F00, 0xF00F]], "<u2")
    masks = (0xF00, 0xF0, 0xF, 0xF000)
    data = bmp(pixels.tobytes(), (1, 2), 16, compression=3, masks=masks, header=56)
    check(data, [[[1, 0.8, 0.8], [0, 0, 1]]], tmp_path, ON_WHITE)


def test_the_fourth_byte_without_a_mask_is_no_opacity(tmp_path: Path) -> None:
    check(bmp(b"\0\0\xff\x80", (1, 1), 32), [[[1, 0, 0]]], tmp_path)


def test_opacity_that_is_zero_everywhere_is_not_believed(tmp_path: Path) -> None:
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    data = bmp(b"\0\0\xff\0", (1, 1), 32, compression=3, masks=masks, header=124)
    check(data, [[[1, 0, 0]]], tmp_path, "its opacity is 0 everywhere: taken for opaque")


def test_rows_go_up_unless_the_height_is_negative(tmp_path: Path) -> None:
    rows = b"".join(row[:, ::-1].tobytes() + b"\0\0" for row in COLOR)
    check(bmp(rows, (-2, 2), 24), COLOR / 255, tmp_path)
    check(bmp(rows, (2, 2), 24), COLOR[::-1] / 255, tmp_path)


FOUR = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (10, 20, 30)]
QUADS = b"".join(bytes([b, g, r, 0]) for r, g, b in FOUR)
TRIPLES = b"".join(bytes([b, g, r]) for r, g, b in FOUR)


@pytest.mark.parametrize(
    ("bits", "row"), [(8, b"\0\1\2\3"), (4, b"\x01\x23\0\0"), (2, b"\x1b\0\0\0")]
)
@pytest.mark.parametrize(
    ("header", "palette"),
    [(40, QUADS), (12, TRIPLES), (64, QUADS), (64, TRIPLES), (16, QUADS)],
    ids=["Windows", "OS/2 v1", "OS/2 v2", "OS/2 v2 of three bytes", "OS/2 v2 short"],
)
def test_palettes(bits: int, row: bytes, header: int, palette: bytes, tmp_path: Path) -> None:
    data = bmp(row, (1, 4), bits, header=header, palette=palette, colours=4)
    check(data, [np.array(FOUR) / 255], tmp_path)


def test_palettes_that_are_longer_or_shorter_than_said(tmp_path: Path) -> None:
    long = QUADS + bytes(4 * 296)
    check(bmp(b"\0\1\2\3", (1, 4), 8, palette=long, colours=300), [np.array(FOUR) / 255], tmp_path)
    black = np.array([*FOUR[:3], (0, 0, 0)]) / 255  # an index without a colour
    check(bmp(b"\0\1\2\7", (1, 4), 8, palette=QUADS, colours=4), [black], tmp_path)


def test_runs_of_bytes_and_of_half_bytes(tmp_path: Path) -> None:
    gray = bytes(value for level in range(256) for value in (level, level, level, 0))
    # 3 of 9, end of row; 3 as they are: 1, 2, 3 filled up to a word; end
    data = bmp(b"\3\x09\0\0\0\3\1\2\3\0\0\1", (2, 3), 8, compression=1, palette=gray)
    check(data, np.repeat([[[1], [2], [3]], [[9], [9], [9]]], 3, -1) / 255, tmp_path)
    # 3 that go to and fro between 1 and 2; end of row; 1, 2, 3 as they are
    data = bmp(b"\3\x12\0\0\0\3\x12\x30\0\1", (2, 3), 4, compression=2, palette=gray[:64])
    check(data, np.repeat([[[1], [2], [3]], [[1], [2], [1]]], 3, -1) / 255, tmp_path)


def test_runs_of_colours_of_os2(tmp_path: Path) -> None:
    data = bmp(b"\2\1\2\3\0\1", (1, 2), 24, compression=4, header=64)
    check(data, [[[3 / 255, 2 / 255, 1 / 255]] * 2], tmp_path)


def test_pixels_that_run_lengths_leave_out_are_told(tmp_path: Path) -> None:
    gray = bytes(value for level in range(256) for value in (level, level, level, 0))
    # one pixel, then two to the right and one up, one pixel, end of the picture
    data = bmp(b"\1\x09\0\2\1\1\1\x07\0\1", (2, 3), 8, compression=1, palette=gray)
    expected = np.array([[0, 0, 7], [9, 0, 0]]) / 255
    note = "4 pixels that it leaves out have its first colour"
    check(data, np.stack([expected] * 3, axis=-1), tmp_path, note)


def test_pictures_of_other_formats_inside(tmp_path: Path) -> None:
    check(bmp(encoded(PHOTO, "PNG"), (24, 20), 0, compression=5), PHOTO / 255, tmp_path)
    jpeg = encoded(PHOTO, "JPEG")
    check(bmp(jpeg, (24, 20), 0, compression=4), read(jpeg, tmp_path, color=True).pixels, tmp_path)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (encoded(GRAY, "BMP")[:-1], "damaged BMP: truncated, 7 of 8 bytes of pixels"),
        (encoded(GRAY, "BMP")[:20], "damaged BMP: truncated in its header"),
        (bmp(b"\0" * 4, (1, -1), 24), "damaged BMP: its header says 1x-1 pixels"),
        (
            bmp(b"\0" * 4, (1, 1), 7),
            "BMP of 7 bits a pixel and compression 0, not read here: convert it to PNG",
        ),
        (
            bmp(b"\0" * 4, (1, 1), 32, compression=3, masks=(5, 2, 8)),
            "damaged BMP: its colours cannot be the bits 5 2 8 0 of a pixel",
        ),
        (
            bmp(b"\1\1\0\0", (2, 1), 8, compression=1, palette=QUADS),
            "damaged BMP: truncated, 1 of 2 rows",
        ),
        (bmp(b"", (9000, 9000), 24), "too large: 9000x9000 is 81.0 million pixels; the limit .*"),
    ],
)
def test_refused_for_the_true_reason(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ImageRefused, match=f"^{reason}$"):
        read(data, tmp_path)
