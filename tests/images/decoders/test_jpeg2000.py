"""JPEG 2000: the depth of the codestream, whatever the channels."""

from __future__ import annotations

import base64
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from image_bytes import ALPHA, COLOR, DEEP, GRAY, Array, encoded, read
from PIL import Image

from spectral_mae.images.samples import ImageRefused

ON_WHITE = "transparent pixels shown on white"
GUESSED = "last channel taken for opacity"
COLOR_OF_12_BITS = base64.b64decode(
    "/0//UQAvAAAAAAAEAAAABAAAAAAAAAAAAAAABAAAAAQAAAAAAAAAAAADCwEBCwEBCwEB/1IADAAAAAEAAAQEAAH/XAAE"
    "QGD/kAAKAAAAAAAjAAH/k8/kEBQAXK/P5BAUAFyvz+QQFABcr//Z"
)
GRAY_OF_4_BITS = base64.b64decode(
    "/0//UQApAAAAAAAEAAAABAAAAAAAAAAAAAAABAAAAAQAAAAAAAAAAAABAwEB/1IADAAAAAEAAAQEAAH/XAAEQCD/kAAK"
    "AAAAAAAZAAH/k98ggBFhXfbFDewm/9k="
)


def box(name: bytes, contents: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(contents), name) + contents


def boxed(image: Array, definitions: list[tuple[int, int, int]], colours: int = 16) -> bytes:
    """A JP2 around Pillow's codestream, with boxes that say what its channels are."""
    height, width, channels = image.shape
    modes = {2: "LA", 3: "RGB", 4: "RGBA"}
    picture = Image.frombytes(modes[channels], (width, height), image.tobytes())
    codestream = encoded(picture, "JPEG2000", no_jp2=True, irreversible=False)
    header = box(b"ihdr", struct.pack(">IIH4B", height, width, channels, 7, 7, 0, 0))
    header += box(b"colr", struct.pack(">3BI", 1, 0, 0, colours))
    if definitions:
        rows = b"".join(struct.pack(">3H", *row) for row in definitions)
        header += box(b"cdef", struct.pack(">H", len(definitions)) + rows)
    start = box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    return start + box(b"jp2h", header) + box(b"jp2c", codestream)


def check(data: bytes, expected: object, tmp_path: Path, *notes: str, color: bool = True) -> None:
    loaded = read(data, tmp_path, color=color)
    np.testing.assert_allclose(loaded.pixels, expected, rtol=0, atol=1e-15)
    assert loaded.notes == notes


def test_white_of_twelve_bit_colours_is_one(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs")
    check(COLOR_OF_12_BITS, np.ones((4, 4, 3)), tmp_path)


def test_deep_colours_without_imagecodecs_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    reason = (
        r"^JPEG 2000 of 3 channels of 12 bits, not read here: it needs imagecodecs, which is not "
        r"installed: pip install -e '\.\[codecs\]' in your copy of the repository$"
    )
    with pytest.raises(ImageRefused, match=reason):
        read(COLOR_OF_12_BITS, tmp_path)


def test_gray_of_four_bits(tmp_path: Path) -> None:
    check(GRAY_OF_4_BITS, np.array([[0, 15, 8, 15]] * 4) / 15, tmp_path, color=False)


def test_gray_of_sixteen_bits(tmp_path: Path) -> None:
    check(encoded(DEEP, "JPEG2000"), DEEP / 65535, tmp_path, color=False)
    check(encoded(DEEP, "JPEG2000", no_jp2=True), DEEP / 65535, tmp_path, color=False)


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 15, 16])
@pytest.mark.parametrize("form", ["j2k", "jp2"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_depth_is_exact(bits: int, form: str, channels: int, tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    full = 2**bits - 1
    rng = np.random.default_rng(bits)
    values = rng.integers(0, full + 1, (6, 5, channels), dtype="u1" if bits <= 8 else "u2")
    values[0, 0], values[0, 1] = 0, full
    alpha = channels in (2, 4)
    if alpha:
        values[..., -1] = full
    data = imagecodecs.jpeg2k_encode(
        values.squeeze(),
        level=0,
        codecformat=form,
        bitspersample=bits,
        reversible=True,
        resolutions=1,
    )
    colours = values[..., : channels - alpha] / full
    notes = (GUESSED,) if alpha else ()
    check(data, np.broadcast_to(colours, (6, 5, 3)), tmp_path, *notes)


@pytest.mark.parametrize("dtype", ["i1", "i2"])
@pytest.mark.parametrize("channels", [1, 3])
def test_signed_samples_begin_at_the_lowest(dtype: str, channels: int, tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    limits = np.iinfo(dtype)
    values = np.array([[limits.min, -1], [0, limits.max]], dtype)
    image = values if channels == 1 else np.dstack([values] * 3)
    data = imagecodecs.jpeg2k_encode(image, level=0, reversible=True, resolutions=1)
    expected = (values - float(limits.min)) / (float(limits.max) - limits.min)
    check(data, expected, tmp_path, color=False)


def test_opacity_is_what_the_file_says(tmp_path: Path) -> None:
    image = np.dstack([COLOR // 2, ALPHA])
    opacity = ALPHA[..., None] / 255
    colours = [(0, 0, 1), (1, 0, 2), (2, 0, 3)]
    straight = COLOR // 2 / 255 * opacity + 1 - opacity
    check(boxed(image, [*colours, (3, 1, 0)]), straight, tmp_path, ON_WHITE)
    check(boxed(image, [(3, 1, 0), *colours]), straight, tmp_path, ON_WHITE)
    check(boxed(image, []), straight, tmp_path, GUESSED, ON_WHITE)
    unknown = "channel 3, of no stated meaning, not used"
    check(boxed(image, [*colours, (3, 65535, 65535)]), COLOR // 2 / 255, tmp_path, unknown)


def test_opacity_that_colours_were_multiplied_by(tmp_path: Path) -> None:
    pixels = np.array([[[100, 50, 0, 128], [0, 0, 0, 0]]], np.uint8)
    data = boxed(pixels, [(0, 0, 1), (1, 0, 2), (2, 0, 3), (3, 2, 0)])
    expected = (pixels[..., :3] + 255.0 - pixels[..., 3:]) / 255
    check(data, expected, tmp_path, ON_WHITE)


def test_channels_come_in_the_order_of_their_definitions(tmp_path: Path) -> None:
    data = boxed(COLOR, [(0, 0, 3), (1, 0, 2), (2, 0, 1)])  # blue, green and red
    check(data, COLOR[..., ::-1] / 255, tmp_path)


def test_gray_with_opacity(tmp_path: Path) -> None:
    image = np.dstack([GRAY, 255 - GRAY])
    opacity = 1 - GRAY / 255
    expected = GRAY / 255 * opacity + 1 - opacity
    check(boxed(image, [(0, 0, 1), (1, 1, 0)], 17), expected, tmp_path, ON_WHITE, color=False)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (GRAY_OF_4_BITS[:30], "damaged JPEG 2000: truncated in its header"),
        (boxed(COLOR, [])[:60], "damaged JPEG 2000: it has no codestream"),
        (boxed(COLOR, [(0, 0, 1), (7, 0, 2)]), "damaged JPEG 2000: it defines channel 7 of 3"),
        (boxed(COLOR, [(0, 0, 1)]), "damaged JPEG 2000: it does not define each channel once"),
        (
            GRAY_OF_4_BITS[:8] + struct.pack(">2I", 60000, 60000) + GRAY_OF_4_BITS[16:],
            r"too large: 60000x60000 is 3600\.0 million pixels; the limit is 50\.0 million",
        ),
    ],
)
def test_refused_for_the_true_reason(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ImageRefused, match=f"^{reason}$"):
        read(data, tmp_path)
