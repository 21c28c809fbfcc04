"""Netpbm's formats: a sample over the maximum, whatever that is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from image_bytes import read

from spectral_mae.images.samples import ImageRefused

PAM = b"P7\nWIDTH %d\nHEIGHT %d\nDEPTH %d\nMAXVAL %d\nTUPLTYPE %s\nENDHDR\n"
HALF = np.array([0.5, 0.25, 2.0], np.float32)


def check(data: bytes, expected: object, tmp_path: Path, *notes: str, color: bool = False) -> None:
    loaded = read(data, tmp_path, color=color)
    np.testing.assert_allclose(loaded.pixels, expected, rtol=0, atol=1e-15)
    assert not np.signbit(loaded.pixels).any()
    assert loaded.notes == notes


@pytest.mark.parametrize("maximum", [1, 2, 11, 100, 254, 255, 256, 1000, 4095, 65535])
@pytest.mark.parametrize("kind", ["gray", "color"])
@pytest.mark.parametrize("plain", [True, False])
def test_every_maximum_is_exact(maximum: int, kind: str, plain: bool, tmp_path: Path) -> None:
    channels = 1 if kind == "gray" else 3
    top = min(maximum, 300)
    values = np.random.default_rng(maximum).integers(0, maximum + 1, (4, 5, channels))
    values[0, 0], values[0, 1] = top, maximum
    number = {("gray", True): 2, ("color", True): 3, ("gray", False): 5, ("color", False): 6}
    head = f"P{number[kind, plain]} 5 4 {maximum}\n".encode()
    if plain:
        data = head + b"\n".join(b"%d" % value for value in values.ravel())
    else:
        data = head + values.astype("u1" if maximum < 256 else ">u2").tobytes()
    expected = values / maximum
    check(data, expected if channels == 3 else np.repeat(expected, 3, -1), tmp_path, color=True)


def test_a_maximum_that_is_no_power_of_two(tmp_path: Path) -> None:
    check(b"P5 2 1 11 \x03\x0b", [[3 / 11, 1]], tmp_path)


@pytest.mark.parametrize(
    "head",
    [
        b"P5\n2 1\n11\n",
        b"P5 # by hand\n2\t# wide\r\n 1\n11 ",
        b"P5\r2\r1\r11\r",
        b"P5 2 1 11# so\n",
    ],
)
def test_headers_with_comments_and_any_white_space(head: bytes, tmp_path: Path) -> None:
    check(head + b"\x03\x0b", [[3 / 11, 1]], tmp_path)


def test_black_is_one_in_a_pbm(tmp_path: Path) -> None:
    check(b"P1 3 2\n0 1\n0 # a comment\n101", [[1, 0, 1], [0, 1, 0]], tmp_path)
    # rows are filled up to whole bytes with bits of no meaning
    check(b"P4 9 2\n\x7f\xff\x80\x00", [[1] + [0] * 8, [0] + [1] * 8], tmp_path)


def test_white_is_one_in_a_pam(tmp_path: Path) -> None:
    check(PAM % (2, 1, 1, 1, b"BLACKANDWHITE") + b"\0\1", [[0, 1]], tmp_path)


def test_pam_of_each_tuple_type(tmp_path: Path) -> None:
    on_white = "transparent pixels shown on white"
    check(PAM % (2, 1, 1, 100, b"GRAYSCALE") + b"\x0a\x64", [[0.1, 1]], tmp_path)
    deep = PAM % (1, 1, 3, 1000, b"RGB") + b"\0\x0a\1\xf4\3\xe8"
    check(deep, [[[0.01, 0.5, 1]]], tmp_path, color=True)
    data = PAM % (2, 1, 2, 200, b"GRAYSCALE_ALPHA") + b"\x14\xc8\x14\x64"
    check(data, [[0.1, 0.55]], tmp_path, on_white)
    data = PAM % (1, 1, 4, 200, b"RGB_ALPHA") + b"\x14\xc8\0\x64"
    check(data, [[[0.55, 1, 0.5]]], tmp_path, on_white, color=True)


def test_pam_of_channels_without_colour_is_their_mean(tmp_path: Path) -> None:
    data = PAM % (1, 1, 5, 100, b"SPECTRUM") + bytes([10, 20, 30, 40, 100])
    check(data, [[0.4]], tmp_path, "mean of its 5 channels")
    data = PAM % (1, 1, 2, 100, b"TWO") + bytes([10, 20])
    check(data, [[0.15]], tmp_path, "mean of its 2 channels")


@pytest.mark.parametrize(("order", "sign"), [("<", "-"), (">", "")])
def test_pfm_of_both_byte_orders_upside_down(order: str, sign: str, tmp_path: Path) -> None:
    rows = np.array([[0.5, 0.25], [0.0, 1.0]], f"{order}f4")
    check(f"Pf\n2 2\n{sign}1.0\n".encode() + rows.tobytes(), rows[::-1], tmp_path)
    data = f"PF\n1 1\n{sign}1\n".encode() + HALF.astype(f"{order}f4").tobytes()
    check(data, [[HALF]], tmp_path, "values from 0.25 to 2 kept as they are", color=True)


def test_the_scale_of_a_pfm_is_told(tmp_path: Path) -> None:
    data = b"Pf\n1 1\n-2.5\n" + np.float32(0.5).tobytes()
    check(data, [[0.5]], tmp_path, "scale factor 2.5 not applied")


def test_the_first_of_several_images(tmp_path: Path) -> None:
    check(b"P5 1 1 4\n\1P5 1 1 4\n\2", [[0.25]], tmp_path, "first of several images")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"P5 2 1 11\n\x03\x0c", "damaged PGM: a sample is 12, and its maximum is 11"),
        (b"P2 2 1 11\n3 12", "damaged PGM: a sample is 12, and its maximum is 11"),
        (b"P5 2 1 11\n\x03", "damaged PGM: truncated, 1 of 2 bytes of pixels"),
        (b"P6 2 1 256\n\0\1", "damaged PPM: truncated, 2 of 12 bytes of pixels"),
        (b"P2 2 1 11\n3", "damaged PGM: truncated, after 1 of 2 samples"),
        (b"P2 2 1 11\n", "damaged PGM: truncated, after 0 of 2 samples"),
        (b"P2 2 1 11\n3 -4", "damaged PGM: '-4' is no sample, after 1 of 2 samples"),
        (b"P1 2 1\n0 2", "damaged PBM: '2' is no sample, after 1 of 2 samples"),
        (b"P5 2 1 65536\n\0\0\0\0", "damaged PGM: its maximum is 65536, not 1 to 65535"),
        (b"P5 2 1 0\n\0\0", "damaged PGM: its maximum is 0, not 1 to 65535"),
        (b"P5 0 1 1\n\0\0", "damaged PGM: its header says 1x0 pixels"),
        (b"P5 2 one", "damaged PGM: its header holds no size and maximum"),
        (b"P7\nWIDTH 2\n", "damaged PAM: its header has no end"),
        (
            b"P7\nWIDTH 2\nHEIGHT 1\nENDHDR\n",
            "damaged PAM: its header lacks a size, a depth or a maximum",
        ),
        (
            PAM % (1, 1, 4, 255, b"CMYK") + b"\0\0\0\0",
            "PAM of tuple type CMYK, not read here: convert it to RGB",
        ),
        (b"Pf\n1 1\n0\n\0\0\0\0", "damaged PFM: its header holds no size and scale"),
        (b"Pf\n1 1\n1\n\0\0\0", "damaged PFM: truncated, 3 of 4 bytes of pixels"),
        (
            b"P5 9000 9000 255\n",
            "too large: 9000x9000 is 81.0 million pixels; the limit is 50.0 million",
        ),
    ],
)
def test_refused_for_the_true_reason(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ImageRefused) as refusal:
        read(data, tmp_path)
    assert str(refusal.value) == reason
