"""The comparison of decoders: its rules against right values, its verdicts, and runs of it."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import os
import struct
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from image_bytes import encoded, tiff

from benchmarks.agreement import pages, verdicts
from benchmarks.agreement.__main__ import files_in, main
from benchmarks.agreement.bit_fields import by_bit_fields
from benchmarks.agreement.decoders import DECODERS, asked
from benchmarks.agreement.headers import (
    bmp_header,
    format_of,
    jpeg2000_depths,
    jpeg_frame,
    netpbm_top,
)
from benchmarks.agreement.readings import OURS, Reading, Readings, _result, read_by, read_by_us
from benchmarks.agreement.rules import Moments, NoImage, Samples, moments, pixels
from benchmarks.agreement.verdicts import judge
from spectral_mae.batch.chunks import WorkerLost

RED_YCC = (76.245, 84.97232, 255.5)  # ITU-T T.871: 0.299·255, 128 − 0.168736·255, 128 + 255/2


def one(samples, color="gray", **meaning):
    """The pixel that a row of samples stands for, as a number or three."""
    found = pixels(Samples(np.array([[samples]]).reshape(1, 1, -1), color, **meaning))
    return found.ravel().tolist()


def test_integers_fill_the_range_of_the_file():
    levels = np.array([[0, 2047, 4095]], dtype=np.uint16)
    np.testing.assert_allclose(pixels(Samples(levels, bits=12)), [[0, 2047 / 4095, 1]])
    signed = np.array([[-128, 0, 127]], dtype=np.int8)
    np.testing.assert_allclose(pixels(Samples(signed)), [[0, 128 / 255, 1]])
    floats = np.array([[-3.0, 0.25, 7.0]], dtype=np.float32)
    np.testing.assert_array_equal(pixels(Samples(floats)), floats)


def test_white_is_zero_in_floats_too():
    assert one(np.float32(0.25), white_is_zero=True) == [0.75]
    assert one(np.uint8(51), white_is_zero=True) == pytest.approx([0.8])
    both = one(np.array([0, 51], np.uint8), white_is_zero=True, alpha="straight")
    assert both == pytest.approx([1 * 0.2 + 0.8])  # opacity is not turned


def test_opacity_is_multiplied_once():
    rgba = np.array([102, 51, 0, 128], np.uint8)
    a = 128 / 255
    shown = np.array([0.4, 0.2, 0])
    assert one(rgba, "rgb", alpha="straight") == pytest.approx(list(shown * a + 1 - a))
    assert one(rgba, "rgb", alpha="premultiplied") == pytest.approx(list(shown + 1 - a))
    assert one(rgba, "rgb") == pytest.approx(list(shown))  # unspecified: left out


def test_channels_that_are_no_colour_are_averaged():
    assert one(np.array([0, 255, 51, 0, 255], np.uint8), "channels") == pytest.approx([2.2 / 5])


def test_inks_and_luma():
    assert one(np.array([51, 0, 255, 128], np.uint8), "cmyk") == pytest.approx(
        [0.8 * 127 / 255, 127 / 255, 0]
    )
    assert one(np.array(RED_YCC), "ycc") == pytest.approx([1, 0, 0], abs=1e-5)
    skin = [(150 + 1.402 * 30) / 255, (150 - 0.344136 * -20 - 0.714136 * 30) / 255]
    found = one(np.array([150, 108, 158], np.uint8), "ycc")
    assert found == pytest.approx([*skin, (150 + 1.772 * -20) / 255], abs=1e-5)
    assert one(np.array([100, 128, 128], np.uint8), "ycc") == pytest.approx([100 / 255] * 3)
    # BT.601 video ranges: 16 to 235 and 16 to 240 about 128, where TIFF's chroma spans 127
    video = (16, 235, 128, 240, 128, 240)
    assert one(np.array([235, 128, 128], np.uint8), "ycc", ranges=video) == pytest.approx([1] * 3)


def test_colours_are_looked_up():
    colors = np.array([[0, 0, 0, 1], [1, 0.5, 0, 0.5]])
    assert one(np.uint8(1), "palette", colormap=colors[:, :3]) == [1, 0.5, 0]
    assert one(np.uint8(1), "palette", colormap=colors) == [1, 0.75, 0.5]
    with pytest.raises(NoImage, match="index 2 of a map of 2 colours"):
        one(np.uint8(2), "palette", colormap=colors)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (Samples(np.zeros((2, 2), complex)), "complex128"),
        (Samples(np.full((2, 2), np.nan)), "4 samples are NaN"),
        (Samples(np.zeros((0, 3))), r"shape \(0, 3\)"),
        (Samples(np.zeros((2, 2, 2)), "rgb"), "2 channels for rgb"),
    ],
)
def test_what_is_no_image_is_refused(samples, said):
    with pytest.raises(NoImage, match=said):
        pixels(samples)


def test_distances_are_relative_beyond_one():
    dark = Moments((2, 3), (0.0, 0.0), ((0.0, 0.0),) * 3)
    light = Moments((3, 2), (0.0, 0.25), ((0.5, 0.25),) * 3)
    assert dark.distance(light) == 0.5  # turned upright by one of them
    assert dark.distance(Moments((2, 2), dark.gray, dark.color)) == float("inf")
    large = Moments((2, 3), (2000.0, 0.0), ((2000.0, 0.0),) * 3)
    larger = Moments((2, 3), (2001.0, 0.0), ((2001.0, 0.0),) * 3)
    assert large.distance(larger) == pytest.approx(1 / 2001)


def test_moments_of_gray_are_of_luma():
    color = np.zeros((4, 4, 3))
    color[:2, :, 0] = 1.0
    found = moments(color)
    assert found.gray == pytest.approx((0.1495, 0.1495))
    assert found.color == ((0.5, 0.5), (0.0, 0.0), (0.0, 0.0))


def test_formats_go_by_first_bytes_then_by_names():
    assert format_of(b"\x89PNG\r\n\x1a\n", "a.jpg") == "PNG"
    assert format_of(b"MM\0+\0\x08", "a") == "TIFF"
    assert format_of(b"P7\nWIDTH 2", "a.pam") == "Netpbm"
    assert format_of(b"Photos", "a.txt") == "other"
    assert format_of(b"\0\0\x02\0\0\0\0\0", "a.TGA") == "TGA"
    assert format_of(b"", "") == "other"
    assert format_of(b"\0\0\0\x20ftypmif1\0\0\0\0mif1avif", "a.heic") == "AVIF"
    assert format_of(b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic", "a.avif") == "HEIF"
    assert set(DECODERS) <= {format_of(b, n) for b, n in _first_bytes()} | {"Netpbm", "AVIF"}


def _first_bytes():
    from benchmarks.agreement.headers import ENDINGS, SIGNATURES

    yield from ((bytes(at) + mark, "") for mark, at, _ in SIGNATURES)
    yield from ((b"", f"x.{ending}") for ending in ENDINGS)


def test_depths_are_read_from_the_files():
    siz = b"\xff\x4f\xff\x51\0\x2c" + bytes(34) + b"\0\x02" + b"\x0b\x01\x01" + b"\x83\x01\x01"
    assert jpeg2000_depths(siz) == [12, 4]
    gray = encoded(np.zeros((8, 8), np.uint8), "JPEG")
    assert jpeg_frame(gray) == (8, 1, False)
    assert jpeg_frame(b"\xff\xd8\xff") == (8, 0, False)
    assert [netpbm_top(b"P5 2 # wide\n1 11 \n"), netpbm_top(b"P4\n8 1\n\0")] == [11, 1]
    assert netpbm_top(b"P7\nWIDTH 2\nHEIGHT 1\nDEPTH 1\nMAXVAL 1000\nENDHDR\n\0\0") == 1000
    assert bmp_header(encoded(np.zeros((2, 2, 3), np.uint8), "BMP")) == (24, 0)


BOTH = [
    pytest.param(pages.by_tifffile, id="tifffile"),
    pytest.param(
        pages.by_gdal,
        id="GDAL",
        marks=pytest.mark.skipif(not importlib.util.find_spec("rasterio"), reason="no rasterio"),
    ),
]


@pytest.mark.parametrize("decode", BOTH)
@pytest.mark.parametrize(
    ("samples", "tags", "right"),
    [
        ([[51, 255]], {"t262": [0]}, [[0.8, 0]]),
        ([[51, 255]], {"t262": [1]}, [[0.2, 1]]),
        ([[[51, 102, 255, 0]]], {"t338": [0]}, [[[0.2, 0.4, 1]]]),  # unspecified
        ([[[51, 102, 255, 0]]], {}, [[[1, 1, 1]]]),  # nothing is said of it
        ([[[51, 102, 0, 153]]], {"t338": [1]}, [[[0.6, 0.8, 0.4]]]),
        ([[[51, 102, 0, 153]]], {"t338": [2]}, [[[0.52, 0.64, 0.4]]]),
        ([[[51, 153]]], {"t338": [2]}, [[0.52]]),
        ([[[51, 153]]], {"t338": [0]}, [[0.4]]),
        ([[[0, 51, 255, 102, 102]]], {"t262": [1], "t338": [0] * 4}, [[0.4]]),
        ([[[0, 1, 0, 0, 0, 0, 0, 0]]], {"t262": [1], "t338": [0] * 7}, [[1 / 255 / 8]]),
    ],
)
def test_tiff_tags_say_what_samples_are(decode, samples, tags, right):
    data = tiff(np.array(samples, np.uint8), **tags)
    np.testing.assert_allclose(pixels(decode(data)), right)


@pytest.mark.parametrize("decode", BOTH)
def test_tiff_floats_signs_and_planes(decode):
    floats = np.array([[0.25, 3.0]], np.float32)
    np.testing.assert_allclose(pixels(decode(tiff(floats, t262=[0]))), [[0.75, -2]])
    signed = np.array([[-32768, 0]], ">i2")
    np.testing.assert_allclose(pixels(decode(tiff(signed))), [[0, 32768 / 65535]])
    planes = np.array([[[0, 255]], [[51, 0]], [[102, 51]]], np.uint8)
    np.testing.assert_allclose(
        pixels(decode(tiff(planes, planar=True))), [[[0, 0.2, 0.4], [1, 0, 0.2]]]
    )


@pytest.mark.parametrize("decode", BOTH)
@pytest.mark.parametrize(
    ("entries", "right"),
    [
        ([0x0000, 0x3300, 0xFF00], [0, 0.2, 1]),  # upper bytes
        ([0x0000, 0x3333, 0xFFFF], [0, 0.2, 1]),
        ([0x0000, 0x0033, 0x00FF], [0, 0.2, 1]),  # 8 bits where 16 belong
        ([0x0000, 0x8001, 0xFFFF], [0, 0x8001 / 65535, 1]),
    ],
)
def test_tiff_colour_maps(decode, entries, right):
    import tifffile

    colors = np.zeros((3, 256), np.uint16)
    colors[:, :3] = entries
    file = io.BytesIO()
    index = np.array([[0, 1, 2]], np.uint8)
    tifffile.imwrite(file, index, photometric="palette", colormap=colors)
    found = pixels(decode(file.getvalue()))
    np.testing.assert_allclose(found, np.repeat(np.array([right])[..., None], 3, axis=-1))


def test_tiff_polarity_that_is_not_said_is_that_of_libtiff():
    data = tiff(np.array([[51, 255]], np.uint8))
    unsaid = data.replace((262).to_bytes(2, "little"), (32995).to_bytes(2, "little"))
    np.testing.assert_allclose(pixels(pages.by_tifffile(unsaid)), [[0.2, 1]])


def bitmap(bits, masks, rows, header=40, compression=3):
    """A BMP of bit fields, from its lowest row on."""
    dtype = f"<u{bits // 8}"
    pixels = b"".join(
        np.array(row, dtype).tobytes().ljust(-(-len(row) * bits // 32) * 4, b"\0") for row in rows
    )
    sizes = (header, len(rows[0]), len(rows), 1, bits, compression, len(pixels), 0, 0, 0, 0)
    head = struct.pack("<IiiHHIIiiII", *sizes) + struct.pack(f"<{len(masks)}I", *masks)
    head = head.ljust(max(header, len(head)), b"\0")
    start = 14 + len(head)
    return struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start) + head + pixels


@pytest.mark.parametrize(
    ("data", "right"),
    [
        (
            bitmap(16, (), [[0x7C00, 1 << 5, 31]], compression=0),
            [[1, 0, 0], [0, 1 / 31, 0], [0, 0, 1]],
        ),
        (bitmap(16, (0xF800, 0x7E0, 0x1F), [[63 << 5]]), [[0, 1, 0]]),
        (bitmap(32, (0x3FF00000, 0xFFC00, 0x3FF), [[512 << 10]]), [[0, 512 / 1023, 0]]),
        (bitmap(16, (0xF00, 0xF0, 0xF, 0xF000), [[0x3F00]], header=108), [[1, 0.8, 0.8]]),
        (bitmap(32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000), [[0xFF]], header=56), [[1, 0, 0]]),
    ],
)
def test_bit_fields_are_divided_by_their_largest_values(data, right):
    np.testing.assert_allclose(pixels(by_bit_fields(data)), [right])


def test_bitmaps_without_fields_are_left_to_others():
    with pytest.raises(NoImage, match="no bit fields"):
        by_bit_fields(encoded(np.zeros((2, 2, 3), np.uint8), "BMP"))


def test_inks_that_are_not_cmyk_are_refused():
    inks = np.zeros((2, 2, 4), np.uint8)
    np.testing.assert_allclose(pixels(pages.by_tifffile(tiff(inks, t262=[5]))), 1)
    with pytest.raises(NoImage, match="not those of CMYK"):
        pages.by_tifffile(tiff(inks, t262=[5], t332=[2]))


def reading(decoder, mean, failed=False, said=""):
    found = Moments((2, 2), (mean, 0.0), ((mean, 0.0),) * 3) if mean is not None else None
    return Reading(decoder, found, said, failed=failed)


@pytest.mark.parametrize(
    ("ours", "others", "word"),
    [
        (0.5, [0.5, 0.9], verdicts.AGREES),  # the first is the most trusted
        (0.5, [None, 0.5], verdicts.AGREES),
        (0.5, [0.9, 0.5], verdicts.SPLIT),
        (0.5, [0.502, None], verdicts.DIFFERS),
        (None, [None, 0.5], verdicts.REFUSED),
        (None, [None, None], verdicts.NOBODY),
        (0.5, [None, None], verdicts.ALONE),
        (0.5, [], verdicts.ALONE),
    ],
)
def test_verdicts(ours, others, word):
    found = Readings(
        Path("a.png"),
        "PNG",
        reading(OURS, ours),
        tuple(reading(f"d{n}", mean) for n, mean in enumerate(others)),
    )
    assert judge(found).word == word


def test_what_ends_our_reader_is_wrong_whatever_others_do():
    ours = reading(OURS, None, failed=True, said="its worker died (SIGSEGV)")
    found = Readings(Path("a.png"), "PNG", ours, (reading("d", 0.5),))
    assert judge(found).word == verdicts.FAILED
    lost: Future[Reading] = Future()
    lost.set_exception(WorkerLost("its worker died (SIGKILL)"))
    assert _result("d", lost) == Reading("d", None, "its worker died (SIGKILL)", failed=True)


def test_an_explanation_holds_for_one_file(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"of any content")
    found = Readings(path, "PNG", reading(OURS, 0.1), (reading("d", 0.5),))
    known = {hashlib.sha256(b"of any content").hexdigest(): "d is wrong"}
    verdict = judge(found, known)
    assert (verdict.word, verdict.said) == (verdicts.EXPLAINED, "d is wrong")
    path.write_bytes(b"of other content")
    assert judge(found, known).word == verdicts.DIFFERS


def test_explanations_are_whole():
    with verdicts.EXPLANATIONS.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert all(len(row["sha256"]) == 64 and row["name"] and row["reason"] for row in rows)
    assert len(verdicts.known_explanations()) == len(rows)


def images(folder: Path) -> dict[str, tuple[float, float]]:
    """Image files that every decoder must agree on, and mean and deviation of gray."""
    rng = np.random.default_rng(0)
    gray = rng.integers(0, 256, (20, 30), dtype=np.uint8)
    color = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    luma = color / 255 @ (0.299, 0.587, 0.114)
    deep = rng.integers(0, 65536, (20, 30), dtype=np.uint16)
    folder.mkdir()
    (folder / "gray.png").write_bytes(encoded(gray, "PNG"))
    (folder / "color.png").write_bytes(encoded(color, "PNG"))
    (folder / "color.bmp").write_bytes(encoded(color, "BMP"))
    (folder / "deep.tif").write_bytes(encoded(deep, "TIFF"))
    (folder / "color.ppm").write_bytes(encoded(color, "PPM"))
    means = {"gray.png": gray / 255, "deep.tif": deep / 65535}
    means |= dict.fromkeys(("color.png", "color.bmp", "color.ppm"), luma)
    return {name: (float(v.mean()), float(v.std())) for name, v in means.items()}


def test_all_decoders_read_plain_images_alike(tmp_path):
    for name, right in images(tmp_path / "images").items():
        path = tmp_path / "images" / name
        kind = format_of(path.read_bytes()[:64], name)
        assert read_by_us(path).moments is not None
        found = [read_by_us(path), *(read_by(d.name, path, kind) for d in asked(kind))]
        for each in found:
            if each.moments is None:  # it refuses what it is known to lose
                assert each.said.startswith("NoImage"), (name, each)
                continue
            assert each.moments.gray == pytest.approx(right, abs=1e-6), (name, each)


def test_a_folder_of_anything_ends_with_a_table(tmp_path, capsys):
    folder = tmp_path / "images"
    right = images(folder)
    (folder / "deeper").mkdir()
    (folder / "deeper" / "notes.txt").write_text("no image")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "cut.tif").write_bytes((folder / "deep.tif").read_bytes()[:60])
    broken = bytearray((folder / "gray.png").read_bytes())
    broken[40] ^= 0xFF
    (folder / "broken.png").write_bytes(broken)
    odd = Path(os.fsdecode(bytes(folder) + b"/odd\xff|name.bmp"))
    odd.write_bytes(b"BM\0" + bytes(range(60)))
    os.mkfifo(folder / "pipe.png")
    (folder / "link.png").symlink_to(folder / "gray.png")
    assert [path.name for path in files_in([folder])].count("link.png") == 0
    assert main([str(folder), "--out", str(tmp_path / "out")]) == 0
    with (tmp_path / "out" / "agreement.csv").open(newline="", encoding="utf-8") as file:
        rows = {Path(row["path"]).name: row for row in csv.DictReader(file)}
    assert rows.pop("odd\\xff|name.bmp")["verdict"] == verdicts.NOBODY
    assert set(rows) == {*right, "notes.txt", "empty.jpg", "cut.tif", "broken.png"}
    for name, (mean, deviation) in right.items():
        assert float(rows[name]["mean"]) == pytest.approx(mean, abs=1e-5)
        assert float(rows[name]["deviation"]) == pytest.approx(deviation, abs=1e-5)
        assert rows[name]["verdict"] in (verdicts.AGREES, verdicts.ALONE)
    assert rows["notes.txt"]["verdict"] == verdicts.NO_IMAGE
    assert "empty file" in rows["empty.jpg"]["said"]
    assert "damaged" in rows["broken.png"]["said"]
    out = capsys.readouterr().out
    assert out.strip() == (tmp_path / "out" / "agreement.md").read_text("utf-8").strip()


def test_a_disagreement_is_listed_until_it_is_explained(tmp_path, capsys, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"the bytes")
    others = (Reading("d", reading("d", 0.5).moments, "8-bit gray"), reading("e", None, said="no"))
    found = Readings(path, "PNG", reading(OURS, 0.1), others)
    monkeypatch.setattr("benchmarks.agreement.__main__.readings", lambda *_, **__: [found])
    monkeypatch.setattr("benchmarks.agreement.__main__.known_explanations", dict)
    assert main([str(path)]) == 1
    out = capsys.readouterr().out
    assert f"| {verdicts.DIFFERS} | 1 |" in out
    assert f"| PNG 8-bit gray | 1 |  | `{path}`: 0.10000 ± 0.00000; d 0.50000" in out
    known = {hashlib.sha256(b"the bytes").hexdigest(): "d is wrong"}
    monkeypatch.setattr("benchmarks.agreement.__main__.known_explanations", lambda: known)
    assert main([str(path)]) == 0
    assert f"| {verdicts.EXPLAINED} | 1 |" in capsys.readouterr().out


def test_a_decoder_that_takes_too_long_is_ended_and_said(tmp_path, capsys):
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "a.png").write_bytes(encoded(np.zeros((4, 4), np.uint8), "PNG"))
    assert main([str(folder), "--time-limit", "1e-6", "--jobs", "1"]) == 1
    out = capsys.readouterr().out
    assert f"| {verdicts.FAILED} | 1 |" in out
    assert "took longer" in out


def test_folders_that_are_not_there_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as refusal:
        main([str(tmp_path / "nowhere")])
    assert refusal.value.code == 2
    assert "no such file or folder" in capsys.readouterr().err
