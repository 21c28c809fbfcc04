"""Where images come from: lists, archives and arrays, read where they lie."""

import io
import os
import pickle
import struct
import tarfile
import zipfile

import broken
import numpy as np
import pytest
from PIL import Image

import spectral_mae as sm
from spectral_mae import references as references_module
from spectral_mae.decoding import ImageRefused
from spectral_mae.reading import Reader
from spectral_mae.references import Samples
from spectral_mae.sources import find_sources, reference_to

RNG = np.random.default_rng(0)
PIXELS = {f"{name}.png": broken.photograph(i, (20, 24)) for i, name in enumerate("abc")}


def png(pixels):
    return broken.encoded(pixels, "PNG")


def titles(found, folder=None):
    return [
        r.title if folder is None else os.path.relpath(r.title, folder) for r in found.references
    ]


def read(references, *, color=False, **options):
    reader = Reader(color, **options)
    return [reader.read(reference).pixels for reference in references]


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


def write_zip(path, members, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr(zipfile.ZipInfo("x/"), b"")
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def write_tar(path, members, mode):
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for kind, name in ((tarfile.SYMTYPE, "l.png"), (tarfile.LNKTYPE, "h.png")):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, "/etc/passwd"
            archive.addfile(link)
        fifo = tarfile.TarInfo("f.png")
        fifo.type = tarfile.FIFOTYPE
        archive.addfile(fifo)
    return path


# Files, folders, lists ---------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    for name, pixels in PIXELS.items():
        Image.fromarray(pixels).save(folder / name)
        Image.fromarray(pixels).save(folder / "deep" / name)
    (folder / "notes.txt").write_text("no image")
    (folder / "more.zip").write_bytes(b"not looked at")
    return folder


def test_files_and_folders_are_those_of_find_images(tree):
    for given in ([tree], [tree / "a.png", tree], [tree / "*.png"], [tree / "**"], ["builtin:"]):
        from spectral_mae.images import display_name, find_images

        found = find_sources(given)

        expected = find_images(given)
        assert titles(found) == [display_name(path) for path in expected.paths]
        assert found.passed_over == expected.passed_over


def test_references_are_small_and_travel(tree):
    (reference, *_) = find_sources([tree]).references
    assert pickle.loads(pickle.dumps(reference)) == reference
    assert len(pickle.dumps(reference)) < 500
    assert reference.name == "a.png"
    np.testing.assert_array_equal(read([reference])[0], sm.read_image(tree / "a.png").pixels)
    assert reference_to(tree / "a.png") == reference
    assert reference_to("builtin:cat").title == "builtin:cat"


def test_stamps_change_with_the_file(tree):
    before = reference_to(tree / "a.png").stamp
    os.utime(tree / "a.png", ns=(1, 1))
    assert reference_to(tree / "a.png").stamp != before
    assert reference_to(tree / "none.png").stamp == "absent"


def test_lists_name_files_from_their_own_folder(tree, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = ["b.png", "", "deep", str(tree / "c.png"), "builtin:cat", "b.png"]
    (tree / "list.txt").write_text("\n".join(lines))
    found = find_sources([f"@{tree / 'list.txt'}"])
    assert titles(found)[:5] == [
        str(tree / "b.png"),
        *(str(tree / "deep" / name) for name in PIXELS),
        str(tree / "c.png"),
    ]
    assert titles(found)[5:] == ["builtin:cat"]
    assert titles(find_sources(["@photos/list.txt"]))[0] == "photos/b.png"


@pytest.mark.parametrize("line", ["none.png", "builtin:dog", "a.npy"])
def test_lists_say_which_line_is_wrong(tree, line):
    (tree / "a.npy").write_text("no array")
    (tree / "list.txt").write_text(f"a.png\n\n{line}\n")
    with pytest.raises((OSError, ValueError), match=r"list\.txt, line 3: .*" + line.split(":")[-1]):
        find_sources([f"@{tree / 'list.txt'}"])
    with pytest.raises(FileNotFoundError, match="there is no list"):
        find_sources(["@none.txt"])


def test_loops_of_links_end(tree):
    (tree / "deep" / "loop").symlink_to(tree)
    (tree / "self.png").symlink_to(tree / "self.png")
    found = find_sources([tree])
    assert len(found.references) == 7
    with pytest.raises(ImageRefused):
        read([r for r in found.references if r.name == "self.png"])


def test_a_folder_that_cannot_be_searched_is_named(tree, monkeypatch):
    scandir = os.scandir

    def guarded(path):
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    with pytest.raises(PermissionError, match=r"cannot search '.*deep': permission denied; allow"):
        find_sources([tree])


def test_the_output_is_no_input(tree):
    with pytest.raises(ValueError, match="is the output too; give another --out"):
        find_sources([tree], output=tree)
    with pytest.raises(ValueError, match="lies in the output"):
        find_sources([tree / "a.png"], output=tree)
    found = find_sources([tree], output=tree / "deep")
    assert titles(found, tree) == list(PIXELS)


def test_files_that_vanish_are_refused(tree):
    references = find_sources([tree]).references
    (tree / "a.png").unlink()
    with pytest.raises(ImageRefused, match="no such file"):
        read(references[:1])


# Archives ----------------------------------------------------------------------------------------

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
    data = {f"{i}.png": png(RNG.integers(0, 256, (30, 30), np.uint8)) for i in range(9)}
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


# Arrays ------------------------------------------------------------------------------------------

GRAY = RNG.integers(0, 256, (3, 8, 10), np.uint8)
COLOUR = RNG.integers(0, 256, (3, 8, 10, 3), np.uint8)
STACKS = [
    (GRAY, GRAY / 255),
    (COLOUR, COLOUR / 255),
    (GRAY[..., np.newaxis], GRAY / 255),
    (GRAY > 99, (GRAY > 99).astype(float)),
    (GRAY.astype(np.uint16) * 257, GRAY / 255),
    (GRAY.astype(">u2") * 257, GRAY / 255),
    (GRAY.astype(np.float32), GRAY.astype(float)),
    (GRAY / 99.0, GRAY / 99.0),
]


@pytest.mark.parametrize(("stack", "pixels"), STACKS)
def test_arrays_hold_images(tmp_path, stack, pixels):
    np.save(tmp_path / "s.npy", stack)
    np.savez(tmp_path / "s.npz", first=stack, labels=np.arange(3), one=stack[0])
    np.savez_compressed(tmp_path / "c.npz", first=stack, one=stack[0])
    luma = pixels if pixels.ndim == 3 else pixels @ [0.299, 0.587, 0.114]
    for name, inside, others in (("s.npy", "", 0), ("s.npz", "/first", 1), ("c.npz", "/first", 0)):
        found = find_sources([tmp_path / name])
        assert titles(found, tmp_path)[:3] == [f"{name}{inside}[{i}]" for i in range(3)]
        assert found.passed_over == others
        references = found.references
        np.testing.assert_allclose(read(references[:3]), luma, atol=1e-15)
        np.testing.assert_allclose(read(references[2::-1]), luma[::-1], atol=1e-15)
        if inside:
            assert titles(found, tmp_path)[3:] == [f"{name}/one"]
            np.testing.assert_allclose(read(references[3:])[0], luma[0], atol=1e-15)


def test_colours_of_arrays_are_kept_by_option(tmp_path):
    np.save(tmp_path / "s.npy", COLOUR)
    found = find_sources([tmp_path / "s.npy"]).references
    np.testing.assert_array_equal(read(found, color=True), COLOUR / 255)
    alpha = np.concatenate([COLOUR, np.full((3, 8, 10, 1), 255, np.uint8)], axis=-1)
    np.save(tmp_path / "a.npy", alpha)
    found = find_sources([tmp_path / "a.npy"]).references
    np.testing.assert_array_equal(read(found, color=True), COLOUR / 255)


def test_numbers_that_are_none_are_refused_one_by_one(tmp_path):
    stack = GRAY.astype(float)
    stack[1, 2, 3] = np.nan
    np.save(tmp_path / "s.npy", stack)
    found = find_sources([tmp_path / "s.npy"]).references
    with pytest.raises(ImageRefused, match="1 pixel is NaN"):
        read(found[1:2])
    assert len(read([found[0], found[2]])) == 2


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([{}], dtype=object), "pickles are never read"),
        (np.arange(5), "images are bool, uint8, uint16 or floating point"),
        (np.zeros((2, 4, 4), complex), "images are bool, uint8"),
        (np.zeros(5), r"of shape=\(5,\) holds no images"),
        (np.zeros((2, 3, 4, 5)), r"of shape=\(2, 3, 4, 5\) holds no images"),
        (np.zeros((0, 4, 4)), "holds no images"),
        (np.zeros((4, 5, 6), order="F"), "Fortran order"),
    ],
)
def test_arrays_of_no_images_are_refused(tmp_path, array, message):
    with (tmp_path / "s.npy").open("wb") as file:
        np.save(file, array)
    np.savez(tmp_path / "s.npz", x=array)
    for name in ("s.npy", "s.npz"):
        with pytest.raises(ValueError, match=message):
            find_sources([tmp_path / name])


class Trap:
    """Unpickling it leaves a trace."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_no_pickle_is_read(tmp_path):
    trace = tmp_path / "trace"
    with (tmp_path / "s.npy").open("wb") as file:
        np.save(file, np.array([Trap(trace)], dtype=object), allow_pickle=True)
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps(Trap(trace)))
    np.savez(tmp_path / "s.npz", x=np.array([Trap(trace)], dtype=object))
    for name in ("s.npy", "data_batch_1", "s.npz"):
        with pytest.raises(ValueError, match="pickles"):
            find_sources([tmp_path / name])
    (tmp_path / "a.png").write_bytes(pickle.dumps(Trap(trace)))
    with pytest.raises(ImageRefused):
        read(find_sources([tmp_path / "a.png"]).references)
    assert not trace.exists()


def test_too_many_pixels_of_an_array_are_refused(tmp_path):
    np.save(tmp_path / "s.npy", GRAY)
    with pytest.raises(ImageRefused, match="too large: 8x10 pixels"):
        read(find_sources([tmp_path / "s.npy"]).references, max_pixels=79)


def test_a_torn_array_gives_what_is_whole(tmp_path):
    np.save(tmp_path / "s.npy", GRAY)
    (tmp_path / "s.npy").write_bytes((tmp_path / "s.npy").read_bytes()[:-50])
    found = find_sources([tmp_path / "s.npy"]).references
    assert len(read(found[:2])) == 2
    with pytest.raises(ImageRefused, match="ends too early: 30 of 80 bytes"):
        read(found[2:])


# CIFAR -------------------------------------------------------------------------------------------

PLANES = RNG.integers(0, 256, (4, 3, 32, 32), np.uint8)


def batch(labels):
    return b"".join(bytes(range(labels)) + planes.tobytes() for planes in PLANES)


@pytest.mark.parametrize(("labels", "name"), [(1, "data_batch_1.bin"), (2, "train.bin")])
def test_binary_batches_of_cifar(tmp_path, labels, name):
    (tmp_path / name).write_bytes(batch(labels))
    content = {f"cifar/{name}": batch(labels), "cifar/batches.meta.txt": b"airplane"}
    write_tar(tmp_path / "cifar-binary.tar.gz", content, "w:gz")
    expected = np.moveaxis(PLANES, 1, -1) / 255
    plain = find_sources([tmp_path / name])
    assert titles(plain, tmp_path) == [f"{name}[{i}]" for i in range(4)]
    packed = find_sources([tmp_path / "cifar-binary.tar.gz"])
    assert titles(packed, tmp_path) == [f"cifar-binary.tar.gz/cifar/{name}[{i}]" for i in range(4)]
    for found in (plain, packed):
        np.testing.assert_array_equal(read(found.references, color=True), expected)
    assert Samples("|u1", (3, 32, 32), planar=True).size == 3072


def test_the_pickled_cifar_is_refused_with_a_way_out(tmp_path):
    content = {"cifar-10-batches-py/data_batch_1": b"\x80\x02}", "cifar-10-batches-py/x": b""}
    path = write_tar(tmp_path / "cifar-10-python.tar.gz", content, "w:gz")
    with pytest.raises(ValueError, match=r"never read; .*cifar-10-binary\.tar\.gz"):
        find_sources([path])
    (tmp_path / "x.bin").write_bytes(bytes(100))
    with pytest.raises(ValueError, match=r"100 bytes are a multiple of neither 3073 nor 3074"):
        find_sources([tmp_path / "x.bin"])


# Broken images -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(broken.KINDS))
def test_every_kind_of_broken_image_has_a_reason(tmp_path, kind):
    suffix, make = broken.KINDS[kind]
    (tmp_path / f"a{suffix}").write_bytes(make(0))
    write_zip(tmp_path / "a.zip", {f"a{suffix}": make(0)})
    reasons = []
    for path in (tmp_path / f"a{suffix}", tmp_path / "a.zip"):
        reader = Reader()
        (reference,) = find_sources([path]).references
        if kind == "tiny":  # which is an image, too small to analyse
            assert reader.read(reference).pixels.shape == (3, 2)
            continue
        with pytest.raises(ImageRefused) as refusal:
            reader.read(reference)
        reasons.append(str(refusal.value))
    assert kind == "tiny" or (reasons[0] == reasons[1] and "\n" not in reasons[0])
    assert len(broken.KINDS) >= 20


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "not enough memory"),
        (RecursionError("deep"), "reading it failed with RecursionError deep"),
        (ZeroDivisionError(), "reading it failed with ZeroDivisionError"),
        (OSError("gone"), "reading it failed with OSError gone"),
    ],
)
def test_whatever_a_decoder_raises_is_a_reason(tree, monkeypatch, error, reason):
    from spectral_mae import images

    def fail(*args, **options):
        raise error

    monkeypatch.setattr(images, "read_image", fail)
    with pytest.raises(ImageRefused, match=f"^{reason}$"):
        Reader().read(reference_to(tree / "a.png"))


def test_a_slow_decoder_is_interrupted(tree, monkeypatch):
    from spectral_mae import images

    def hang(*args, **options):
        while True:
            pass

    sound = images.read_image
    monkeypatch.setattr(images, "read_image", hang)
    reader = Reader(time_limit=0.1)
    with pytest.raises(ImageRefused, match=r"took longer than 0\.1 seconds \(--time-limit\)"):
        reader.read(reference_to(tree / "a.png"))
    monkeypatch.setattr(images, "read_image", sound)
    assert reader.read(reference_to(tree / "a.png")).pixels.shape == (20, 24)
    assert reader.seconds >= 0.1


def test_excluded_images_are_not_touched(tree):
    reader = Reader(excluded={1: "it kills"})
    references = find_sources([tree]).references[:3]
    reader.read(references[0])
    with pytest.raises(ImageRefused, match=r"^it kills$"):
        reader.read(references[1])
    reader.read(references[2])
