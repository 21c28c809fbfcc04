"""Every kind of file that must be refused, for the true reason."""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_bytes import FORMS, GRAY, PHOTO, chunk, encoded, png, read, tiff
from PIL import Image, ImageFile

from spectral_mae.images.decoders import pillow
from spectral_mae.images.image import read_image
from spectral_mae.images.samples import ImageRefused


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
    "unknown compression": (
        tiff(GRAY, t259=[4711]),
        "TIFF with compression 4711, which is unknown: not read here",
    ),
}
for form in FORMS:
    whole = encoded(PHOTO, form)
    for part in (len(whole) // 2, len(whole) - 20):
        REFUSED[f"{form} cut after {part} bytes"] = (
            whole[:part],
            f"damaged (or unsupported )?{FORMS[form]}: .+",
        )


@pytest.mark.parametrize("name", REFUSED)
def test_refused_for_the_true_reason(name: str, tmp_path: Path) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(ImageRefused) as refusal:
        read(data, tmp_path)
    assert "\n" not in str(refusal.value)
    assert re.fullmatch(reason, str(refusal.value)), str(refusal.value)


SAVE_IT_AGAIN = "damaged or unsupported PNG: if other programs open it, save it as PNG or TIFF"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "not enough memory to decode it"),
        (KeyError(5), f"{SAVE_IT_AGAIN} (decoder: KeyError 5)"),
        (EOFError(), "damaged or unsupported PNG: it ends too early"),
        (struct.error("unpack_from"), "damaged or unsupported PNG: it ends too early"),
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
    monkeypatch.delitem(pillow._MODES, "L")
    with pytest.raises(ImageRefused, match=r"^pixels of mode L are not handled$"):
        read(encoded(GRAY, "PNG"), tmp_path)


def test_max_pixels_rules_and_not_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4)  # Pillow warns from 5, refuses from 9
    for form in FORMS:
        assert read(encoded(GRAY, form), tmp_path, max_pixels=6).notes == ()
    assert read(encoded(PHOTO, "PNG"), tmp_path).notes == ()
    with pytest.raises(ImageRefused, match=r"^too large: 2x3 is 0\.0 million pixels"):
        read(encoded(GRAY, "PNG"), tmp_path, max_pixels=5)


@pytest.mark.parametrize(("max_pixels", "error"), [(0, ValueError), (1e6, TypeError)])
def test_max_pixels_is_checked(max_pixels: Any, error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error, match="max_pixels"):
        read(encoded(GRAY, "PNG"), tmp_path, max_pixels=max_pixels)


def test_paths_that_are_no_readable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    with pytest.raises(ImageRefused, match=r"missing\.png: no such file$"):
        read_image(tmp_path / "missing.png")
    with pytest.raises(ImageRefused, match=r".: a folder, not an image file$"):
        read_image(tmp_path)
    (tmp_path / "locked.png").touch()
    monkeypatch.setattr(Path, "read_bytes", forbidden)
    with pytest.raises(ImageRefused, match=r"locked\.png: cannot be read: permission denied$"):
        read_image(str(tmp_path / "locked.png"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are of POSIX")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageRefused, match=r"pipe\.png: not a regular file$"):
        read_image(tmp_path / "pipe.png")
