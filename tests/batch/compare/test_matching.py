"""Which reconstruction belongs to which original."""

import zipfile

import numpy as np
import pytest
from PIL import Image

from spectral_mae.batch.compare.matching import find_side, match
from spectral_mae.batch.errors import RunRefused


def picture(path, value=0, shape=(8, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(shape, value, np.uint8)).save(path)


def folder(root, names):
    for name in names:
        picture(root / name)
    return root


def side(label, images, scratch=None):
    return find_side(label, images, output=None, scratch=scratch)


def partners(originals, *models, masks=None):
    matches, unmatched = match(originals, models, masks)
    found = {
        one.name.rpartition("/")[2]: [other.name for other in one.others.values()]
        for one in matches
    }
    return found, {name.rpartition("/")[2]: why for name, why in unmatched.items()}


def test_names_match_without_their_endings_and_outer_folders(tmp_path):
    first = side("originals", folder(tmp_path / "in", ["a/x.png", "a/y.png", "b/x.png"]))
    other = side("m", folder(tmp_path / "deep/er/out", ["b/x.bmp", "a/y.jpg", "a/x.jpg"]))
    assert first.keys == ["a/x", "a/y", "b/x"]
    matches, unmatched = match(first, [other], None)
    assert unmatched == {}
    for one in matches:
        reference = one.others["m"].title.removeprefix(f"{tmp_path}/deep/er/out/")
        assert one.name.removeprefix(f"{tmp_path}/in/")[:-3] == reference[:-3]


def test_a_folder_in_a_folder_matches_one_that_is_flat(tmp_path):
    first = side("originals", folder(tmp_path / "in", ["val/x.png", "val/y.png"]))
    other = side("m", folder(tmp_path / "out", ["x.png", "y.png"]))
    assert partners(first, other)[0] == {"x.png": ["x.png"], "y.png": ["y.png"]}


def test_archives_and_patterns_match_by_name(tmp_path):
    names = ["x.png", "y.png", "z.png"]
    root = folder(tmp_path / "in", names)
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as archive:
        for name in reversed(names):
            archive.write(root / name, f"results/{name}")
    first = side("originals", str(root / "*.png"))
    found, unmatched = partners(first, side("zip", tmp_path / "out.zip"))
    assert found == {name: [name] for name in names}
    assert unmatched == {}


def test_what_has_no_partner_is_listed(tmp_path):
    first = side("originals", folder(tmp_path / "in", ["x.png", "y.png", "z.png"]))
    one = side("one", folder(tmp_path / "one", ["x.png", "y.png", "w.png"]))
    two = side("two", folder(tmp_path / "two", ["x.png"]))
    found, unmatched = partners(first, one, two)
    assert found == {"x.png": ["x.png", "x.png"]}
    assert unmatched == {
        "y.png": "no image of this name in two",
        "z.png": "no image of this name in one, two",
        "w.png": "of one: no original of this name",
    }


def test_arrays_match_by_order(tmp_path):
    first = side("originals", folder(tmp_path / "in", ["x.png", "y.png"]))
    np.save(tmp_path / "m.npy", np.zeros((2, 8, 8)))
    found, unmatched = partners(first, side("m", tmp_path / "m.npy"))
    assert found == {"x.png": ["m.npy[0]"], "y.png": ["m.npy[1]"]}
    assert unmatched == {}
    (tmp_path / "scratch").mkdir()
    array = side("array", np.zeros((3, 8, 8)), tmp_path / "scratch")
    with pytest.raises(RunRefused, match="originals hold 2 images and array 3: images of arrays"):
        match(first, [array], None)


def test_arrays_of_several_sides_do_not_take_each_others_place(tmp_path):
    one = side("one", np.zeros((2, 8, 8)), tmp_path)
    two = side("two", np.ones((2, 8, 8)), tmp_path)
    paths = {side_.references[0].place.path for side_ in (one, two)}
    assert len(paths) == 2


def test_one_and_one_match_whatever_their_names(tmp_path):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    found, _ = partners(side("originals", tmp_path / "a.png"), side("m", tmp_path / "b.png"))
    assert found == {"a.png": ["b.png"]}


def test_one_mask_is_for_all(tmp_path):
    first = side("originals", folder(tmp_path / "in", ["x.png", "y.png"]))
    other = side("m", folder(tmp_path / "out", ["x.png", "y.png"]))
    picture(tmp_path / "mask.png", 255)
    matches, unmatched = match(first, [other], side("masks", tmp_path / "mask.png"))
    assert [one.mask.name for one in matches] == ["mask.png"] * 2
    assert unmatched == {}


def test_two_images_of_one_name_are_refused(tmp_path):
    root = folder(tmp_path / "in", ["x.png", "x.bmp", "y.png"])
    with pytest.raises(RunRefused, match="m: several images are called 'x', up to their endings"):
        side("m", root)
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunRefused, match="m: no image in"):
        side("m", tmp_path / "empty")
