"""Where images are: files, folders, lists; and images that are broken."""

import os
import pickle

import broken
import numpy as np
import pytest
from PIL import Image
from source_files import PIXELS, read, titles, write_zip

import spectral_mae as sm
from spectral_mae.images import references as references_module
from spectral_mae.images.decoding import decode
from spectral_mae.images.reader import Reader
from spectral_mae.images.samples import ImageRefused
from spectral_mae.images.sources import file_stamp, find_sources


def reference_to(path):
    (reference,) = find_sources([path]).references
    return reference


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


def test_references_are_small_and_travel(tree):
    (reference, *_) = find_sources([tree]).references
    assert pickle.loads(pickle.dumps(reference)) == reference
    assert len(pickle.dumps(reference)) < 500
    assert reference.name == "a.png"
    np.testing.assert_array_equal(read([reference])[0], sm.read_image(tree / "a.png").pixels)
    assert reference_to(tree / "a.png") == reference


def test_stamps_change_with_the_file(tree):
    before = reference_to(tree / "a.png").stamp
    os.utime(tree / "a.png", ns=(1, 1))
    assert reference_to(tree / "a.png").stamp != before
    assert file_stamp(tree / "none.png") == "absent"


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


def test_a_file_counts_once_by_whatever_links_it_is_found(tree):
    (tree / "again.png").symlink_to(tree / "b.png")
    (tree.parent / "linked").symlink_to(tree)
    n = len(find_sources([tree / "deep"]).references)
    once = find_sources([tree]).references
    same = {str(tree / "again.png"), str(tree / "b.png")}
    assert sum(str(one.place.path) in same for one in once) == 1
    found = find_sources([tree.parent / "linked", tree, tree / "deep"])
    assert len(found.references) == len(once) > n


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
    with pytest.raises(ValueError, match="is the output too; give another folder"):
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

    def fail(*args, **options):
        raise error

    monkeypatch.setattr(references_module, "decode", fail)
    with pytest.raises(ImageRefused, match=f"^{reason}$"):
        Reader().read(reference_to(tree / "a.png"))


def test_a_slow_decoder_is_interrupted(tree, monkeypatch):

    def hang(*args, **options):
        while True:
            pass

    sound = decode
    monkeypatch.setattr(references_module, "decode", hang)
    reader = Reader(time_limit=0.1)
    with pytest.raises(ImageRefused, match=r"took longer than 0\.1 seconds \(--time-limit\)"):
        reader.read(reference_to(tree / "a.png"))
    monkeypatch.setattr(references_module, "decode", sound)
    assert reader.read(reference_to(tree / "a.png")).pixels.shape == (20, 24)
    assert reader.seconds >= 0.1


def test_excluded_images_are_not_touched(tree):
    reader = Reader(excluded={1: "it kills"})
    references = find_sources([tree]).references[:3]
    reader.read(references[0])
    with pytest.raises(ImageRefused, match=r"^it kills$"):
        reader.read(references[1])
    reader.read(references[2])
