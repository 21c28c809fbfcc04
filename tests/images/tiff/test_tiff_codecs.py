"""TIFFs of rare compressions are read with imagecodecs, and refused by name without it."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_bytes import GRAY, Array, encoded, read, tiff
from PIL import Image

from spectral_mae.images.samples import ImageRefused

tifffile = pytest.importorskip("tifffile")
RNG = np.random.default_rng(3)


def smooth(dtype: str, channels: int = 1, bits: int | None = None) -> Array:
    """Slow ramps, which lossy compressions keep."""
    top = 2 ** (bits or 8 * np.dtype(dtype).itemsize) - 1
    rows, columns = np.mgrid[:48, :64] / 64
    planes = [(rows * 0.6 + columns * 0.3 + 0.02 * i) * top for i in range(channels)]
    return np.rint(np.stack(planes, axis=-1)).astype(dtype)[..., slice(None) if channels > 1 else 0]


def written(samples: Array, compression: str, **options: Any) -> bytes:
    pytest.importorskip("imagecodecs")
    buffer = io.BytesIO()
    channels = 1 if samples.ndim == 2 else samples.shape[-1]
    photometric = "rgb" if channels in (3, 4) else "minisblack"
    tifffile.imwrite(
        buffer, samples, metadata=None, compression=compression,
        **({"photometric": photometric} | options),
    )  # fmt: skip
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("compression", "dtype", "channels"),
    [
        *[("lerc", dtype, 1) for dtype in ("u1", "u2", "i2", "f4", "f8")],
        *[("png", dtype, n) for dtype in ("u1", "u2") for n in (1, 3)],
        *[("jpegxr", dtype, n) for dtype in ("u1", "u2") for n in (1, 3)],
        *[("jpegxl", dtype, n) for dtype in ("u1", "u2") for n in (1, 3)],
        *[("jpeg2000", dtype, n) for dtype in ("u1", "u2") for n in (1, 3)],
        ("webp", "u1", 3),
    ],
)
@pytest.mark.parametrize("tile", [None, (32, 32)])
def test_lossless_codecs(
    compression: str, dtype: str, channels: int, tile: tuple[int, int] | None, tmp_path: Path
) -> None:
    samples = smooth(dtype, channels)
    lossless = {
        "jpegxr": {"level": 1.0}, "jpegxl": {"lossless": True}, "jpeg2000": {"level": 0},
        "webp": {"level": None, "lossless": True},
    }.get(compression, {})  # fmt: skip
    data = written(samples, compression, tile=tile, compressionargs=lossless)
    image = read(data, tmp_path, color=channels > 1)
    if samples.dtype.kind == "f":
        expected = samples.astype(np.float64)
    else:
        limits = np.iinfo(samples.dtype)
        expected = (samples - float(limits.min)) / (float(limits.max) - limits.min)
    np.testing.assert_allclose(image.pixels, expected, rtol=0, atol=1e-12)


def test_jpeg_of_12_bits(tmp_path: Path) -> None:
    samples = smooth("u2", 1, 12)
    data = written(samples, "jpeg", bitspersample=12, compressionargs={"bitspersample": 12})
    image = read(data, tmp_path)
    np.testing.assert_allclose(image.pixels, samples / 4095, atol=0.02)


def test_tiles_of_jpeg(tmp_path: Path) -> None:
    samples = smooth("u1", 3)[:32]  # tiles that need no padding, which would bleed into chroma
    as_ycbcr = np.asarray(Image.fromarray(samples).convert("YCbCr"))
    for subsampling in ((1, 1), (2, 2)):
        data = written(
            as_ycbcr, "jpeg", photometric="ycbcr", subsampling=subsampling, tile=(32, 32)
        )
        image = read(data, tmp_path, color=True)
        np.testing.assert_allclose(image.pixels, samples / 255, atol=0.04)
        assert abs(image.pixels.mean() - samples.mean() / 255) < 2e-3


def test_a_stream_that_claims_to_be_huge_is_refused_before_decoding(tmp_path: Path) -> None:
    stream = bytearray(encoded(smooth("u1"), "JPEG"))
    at = stream.index(b"\xff\xc0") + 5
    stream[at : at + 4] = b"\xff\xdc\xff\xdc"  # 65500 rows and columns: 4.3 GB
    data = tiff(
        np.frombuffer(bytes(stream), np.uint8)[np.newaxis], t256=[64], t257=[48], t258=[8],
        t259=[7], t278=[48],
    )  # fmt: skip
    message = r"^damaged TIFF: a strip or tile holds 65500x65500 pixels where 48x64 are needed$"
    with pytest.raises(ImageRefused, match=message):
        read(data, tmp_path)


def test_webp_without_its_opaque_alpha(tmp_path: Path) -> None:
    samples = np.dstack([smooth("u1", 3), np.full((48, 64), 255, np.uint8)])
    data = written(samples, "webp", extrasamples=["unassalpha"], compressionargs={"lossless": True})
    np.testing.assert_array_equal(read(data, tmp_path, color=True).pixels, samples[..., :3] / 255)


def sgi_log(words: Array, n_planes: int) -> bytes:
    """Bytes of each row plane by plane, highest first: runs of three and more, literals."""
    out = bytearray()
    for row in words.tolist():
        for shift in range(8 * (n_planes - 1), -1, -8):
            plane = [value >> shift & 255 for value in row]
            at = 0
            while at < len(plane):
                same = next((i for i in range(at, len(plane)) if plane[i] != plane[at]), len(plane))
                if same - at >= 3:
                    out += bytes([126 + min(same - at, 129), plane[at]])
                    at += min(same - at, 129)
                else:
                    out += (
                        bytes([2, *plane[at : at + 2]])
                        if at + 2 <= len(plane)
                        else bytes([1, plane[at]])
                    )
                    at += 2
    return bytes(out)


def test_logluv(tmp_path: Path) -> None:
    """XYZ as libtiff decodes it, in imagecodecs."""
    imagecodecs = pytest.importorskip("imagecodecs")
    shape = (7, 200)
    words = (
        RNG.integers(15000, 18000, shape) << 16
        | RNG.integers(60, 105, shape) << 8
        | RNG.integers(160, 205, shape)
    )
    words[:, 20:180] = words[:, :1]
    words[0, 3] &= 0xFFFF  # black
    strip = sgi_log(words, 4)
    data = tiff(
        np.frombuffer(strip, np.uint8)[np.newaxis], t256=[200], t257=[7], t258=[16] * 3,
        t259=[34676], t262=[32845], t277=[3], t278=[7], t339=[2] * 3,
    )  # fmt: skip
    xyz = imagecodecs.tiff_decode(data)
    image = read(data, tmp_path, color=True)
    weights = [[2.690, -1.276, -0.414], [-1.022, 1.978, 0.044], [0.061, -0.224, 1.163]]
    np.testing.assert_allclose(image.pixels, xyz @ np.array(weights).T, rtol=1e-5, atol=1e-5)
    assert image.notes[0] == "LogLuv: linear radiance, not scaled"


def test_logl(tmp_path: Path) -> None:
    words = RNG.integers(16000, 17000, (5, 30))
    words[1, :10] = words[1, 0]
    words[2, :2] = 0, words[2, 1] | 0x8000
    strip = np.frombuffer(sgi_log(words, 2), np.uint8)[np.newaxis]
    tags = {"t256": [30], "t257": [5], "t258": [16], "t259": [34676], "t262": [32844], "t278": [5]}
    data, cut = tiff(strip, **tags), tiff(strip, t279=[40], **tags)
    expected = 2.0 ** (((words & 0x7FFF) + 0.5) / 256 - 64) * np.where(words & 0x8000, -1, 1)
    expected[2, 0] = 0
    np.testing.assert_allclose(read(data, tmp_path).pixels, expected, rtol=1e-6)
    with pytest.raises(
        ImageRefused, match=r"^damaged TIFF: a strip or tile of LogLuv ends too soon"
    ):
        read(cut, tmp_path)
    with pytest.raises(ImageRefused, match=r"^TIFF of LogL with no compression: not read here"):
        read(tiff(GRAY, t262=[32844]), tmp_path)


@pytest.fixture
def without_imagecodecs(monkeypatch: pytest.MonkeyPatch) -> None:
    from tifffile import _imagecodecs

    monkeypatch.setattr(tifffile.tifffile, "imagecodecs", _imagecodecs)
    monkeypatch.setattr(tifffile.TIFF.DECOMPRESSORS, "_codecs", {1: lambda data: data})


@pytest.mark.usefixtures("without_imagecodecs")
@pytest.mark.parametrize(
    ("number", "name"),
    [(34887, "LERC"), (50002, "JPEG XL"), (34712, "JPEG 2000"), (22610, "JPEG XR")],
)
def test_refused_by_name_without_imagecodecs(number: int, name: str, tmp_path: Path) -> None:
    with pytest.raises(ImageRefused) as refusal:
        read(tiff(GRAY, t259=[number]), tmp_path)
    assert str(refusal.value) == (
        f"TIFF with {name} compression needs imagecodecs, which is not installed: "
        "pip install -e '.[codecs]' in your copy of the repository"
    )


@pytest.mark.usefixtures("without_imagecodecs")
@pytest.mark.parametrize("compression", [None, "tiff_lzw", "packbits", "tiff_deflate", "zstd"])
def test_common_compressions_need_no_imagecodecs(compression: str | None, tmp_path: Path) -> None:
    options = {} if compression is None else {"compression": compression}
    samples = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(samples), "TIFF", **options)
    np.testing.assert_array_equal(read(data, tmp_path, color=True).pixels, samples / 255)
    deep = RNG.integers(0, 65536, (40, 50), dtype=np.uint16)
    data = encoded(Image.fromarray(deep), "TIFF", **options)
    np.testing.assert_array_equal(read(data, tmp_path).pixels, deep / 65535)


@pytest.mark.parametrize(
    ("number", "name"),
    [(34661, "JBIG compression"), (32766, "NeXT compression"), (34713, "Nikon NEF compression")],
)
def test_compressions_that_nothing_here_reads(number: int, name: str, tmp_path: Path) -> None:
    with pytest.raises(ImageRefused, match=f"^TIFF with {name}: not read here$"):
        read(tiff(GRAY, t259=[number]), tmp_path)


def test_what_tifffile_logs_becomes_a_note(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    data = tiff(GRAY, t279=[6, 6])  # lengths of two strips, where there is one
    image = read(data, tmp_path)
    np.testing.assert_array_equal(image.pixels, GRAY / 255)
    assert [note.split(":")[0] for note in image.notes] == ["tifffile warns"]
    assert "StripByteCounts" in image.notes[0]
    assert "<" not in image.notes[0]
    assert capsys.readouterr() == ("", "")
    assert not caplog.records
    logging.getLogger("tifffile").warning("of another's file")
    assert [record.getMessage() for record in caplog.records] == ["of another's file"]
