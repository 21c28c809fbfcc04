"""Images in zip and tar archives."""

import struct
import zipfile

import broken
import numpy as np
import pytest
from source_files import PIXELS, read, titles, write_tar, write_zip

from spectral_mae.images import references as references_module
from spectral_mae.images.reader import Reader
from spectral_mae.images.samples import ImageRefused
from spectral_mae.images.sources import find_sources


def png(pixels):
    return broken.encoded(pixels, "PNG")


@pytest.fixture
def members():
    """Names and bytes: images in two folders, and what is to be passed over."""
    files = {f"x/{name}": png(pixels) for name, pixels in PIXELS.items()}
    return {"y/d.png": png(PIXELS["a.png"]), **files, "x/notes.txt": b"notes"}


JUNK = {
    "__MACOSX/x/._a.png": b"junk",
    "x/.hidden.png": b"junk",
    ".git/e.png": b"junk",
    "inner.zip": b"PK",
    "../outside.png": b"junk",
    "/absolute.png": b"junk",
}


TARS = [("t.tar", "w"), ("t.tar.gz", "w:gz"), ("t.tgz", "w:gz"), ("t.tar.bz2", "w:bz2")]
TARS += [("t.TAR.XZ", "w:xz")]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_zip_members_by_name(tmp_path, members, method):
    path = write_zip(tmp_path / "p.zip", {**members, **JUNK}, compression=method)
    found = find_sources([path])
    assert titles(found, path) == ["x/a.png", "x/b.png", "x/c.png", "y/d.png"]
    assert found.passed_over == 1 + len(JUNK)
    for color in (False, True):
        for one, reference in zip(
            read(found.references, color=color), found.references, strict=True
        ):
            expected = PIXELS.get(reference.name, PIXELS["a.png"]) / 255
            expected = np.stack([expected] * 3, axis=-1) if color else expected
            np.testing.assert_array_equal(one, expected)


@pytest.mark.parametrize(("name", "mode"), TARS)
def test_tar_members(tmp_path, members, name, mode):
    path = write_tar(tmp_path / name, {**members, **JUNK}, mode)
    found = find_sources([path])
    in_order = ["y/d.png", "x/a.png", "x/b.png", "x/c.png"]  # of a stream, as they come
    assert titles(found, path) == (sorted(in_order) if mode == "w" else in_order)
    assert found.passed_over == 1 + len(JUNK) + 3
    pixels = [PIXELS.get(r.name, PIXELS["a.png"]) / 255 for r in found.references]
    np.testing.assert_array_equal(read(found.references), pixels)
    np.testing.assert_array_equal(read(found.references[::-1]), pixels[::-1])


def test_nothing_is_written_by_reading(tmp_path, members):
    write_zip(tmp_path / "p.zip", {**members, **JUNK})
    write_tar(tmp_path / "p.tar.gz", {**members, **JUNK}, "w:gz")
    before = sorted(tmp_path.rglob("*"))
    for name in ("p.zip", "p.tar.gz"):
        read(find_sources([tmp_path / name]).references)
    assert sorted(tmp_path.rglob("*")) == before


def test_encrypted_members_fail_one_by_one(tmp_path, members):
    path = write_zip(tmp_path / "p.zip", members)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\1\2", 0, data.index(b"x/b.png", data.index(b"PK\1\2")))
    data[at + 8] |= 1
    path.write_bytes(data)
    found = find_sources([path]).references
    refused = [r.name for r in found if r.refusal]
    assert refused == ["b.png"]
    with pytest.raises(ImageRefused, match=r"^encrypted in its archive$"):
        read(found)
    assert len(read([r for r in found if not r.refusal])) == 3


def test_damaged_members_fail_one_by_one(tmp_path, members):
    path = write_zip(tmp_path / "p.zip", members)
    data = bytearray(path.read_bytes())
    data[data.index(b"x/b.png") + 60] ^= 0xFF
    path.write_bytes(data)
    found = find_sources([path]).references
    reader, outcome = Reader(), []
    for reference in found:
        try:
            outcome.append(reader.read(reference).pixels.shape)
        except ImageRefused as refusal:
            outcome.append(str(refusal))
    assert outcome[1].startswith("damaged in its archive: Bad CRC-32")
    assert outcome[:1] + outcome[2:] == [(20, 24)] * 3


def test_bombs_in_archives_are_refused_before_they_expand(tmp_path):
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("big.png", "w", force_zip64=True) as member:
            for _ in range(40):
                member.write(bytes(2**20))
        archive.writestr("good.png", png(PIXELS["a.png"]))
    found = find_sources([path]).references
    with pytest.raises(ImageRefused, match="too large: it expands to 41943040 bytes"):
        read(found, max_pixels=10**6)
    assert read(found[1:], max_pixels=10**6)[0].shape == (20, 24)


def test_members_that_expand_beyond_what_is_listed_are_cut(tmp_path):
    """The directory says 100 bytes; the stream holds a megabyte."""
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big.png", bytes(2**20))
    data = path.read_bytes()
    at = data.index(b"PK\1\2") + 24
    path.write_bytes(data[:at] + struct.pack("<I", 100) + data[at + 4 :])
    (reference,) = find_sources([path]).references
    with pytest.raises(ImageRefused, match="damaged in its archive"):
        read([reference])


def test_archives_that_are_none_or_hold_nothing(tmp_path):
    (tmp_path / "a.zip").write_text("no archive")
    (tmp_path / "a.tar").write_text("no archive")
    write_zip(tmp_path / "b.zip", {"notes.txt": b""})
    for name, message in (
        ("a.zip", r"a\.zip' cannot be read as a zip archive"),
        ("a.tar", r"a\.tar' cannot be read as a tar archive"),
        ("b.zip", r"b\.zip' holds no images: 1 other members"),
    ):
        with pytest.raises(ValueError, match=message):
            find_sources([tmp_path / name])


def test_a_torn_archive_gives_what_is_whole_and_says_so(tmp_path, members):
    rng = np.random.default_rng(0)
    data = {f"{i}.png": png(rng.integers(0, 256, (30, 30), np.uint8)) for i in range(9)}
    whole = write_tar(tmp_path / "whole.tar.gz", data, "w:gz").read_bytes()
    path = tmp_path / "t.tar.gz"
    path.write_bytes(whole[: len(whole) // 2])
    found = find_sources([path]).references
    assert 1 < len(found) < 9
    assert found[-1].title == str(path)
    assert "damaged behind" in found[-1].refusal
    assert len(read(found[:-2])) == len(found) - 2


def test_an_archive_that_vanishes(tmp_path, members):
    path = write_zip(tmp_path / "p.zip", members)
    references = find_sources([path]).references
    path.unlink()
    with pytest.raises(ImageRefused, match="its archive is gone"):
        read(references[:1])


def test_streams_are_read_once_in_order(tmp_path, monkeypatch):
    """Of a compressed archive every byte is expanded once, not once per member."""
    import gzip

    data = {f"{i}.png": png(PIXELS["a.png"]) for i in range(20)}
    path = write_tar(tmp_path / "t.tar.gz", data, "w:gz")
    references = find_sources([path]).references
    opened = []
    sound = gzip.open
    monkeypatch.setitem(
        references_module._OPENERS,
        "gz",
        lambda *args: opened.append(sound(*args)) or opened[-1],
    )
    rewinds = []
    monkeypatch.setattr(gzip._GzipReader, "_rewind", rewinds.append)
    read(references)
    assert len(opened) == 1
    assert rewinds == []
