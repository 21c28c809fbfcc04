"""Selectors behind ``::``, braces of shards, and URLs."""

import pytest

from spectral_mae.images.containers.selector import (
    Selector,
    braces_expanded,
    is_remote,
    positions,
    split_selector,
)


@pytest.mark.parametrize(
    ("text", "name", "index", "options"),
    [
        ("3", "3", (), ()),
        ("/a/b", "/a/b", (), ()),
        ("/a[17]", "/a", (17,), ()),
        ("/a[-1, 2:8:2]", "/a", (-1, slice(2, 8, 2)), ()),
        ("[::10]", "", (slice(None, None, 10),), ()),
        ("every=10", "", (), (("every", "10"),)),
        ("z=3,t=1:4", "", (), (("z", "3"), ("t", "1:4"))),
        ("/a,b[2],channels=none,every=2", "/a,b", (2,), (("channels", "none"), ("every", "2"))),
        ("", "", (), ()),
    ],
)
def test_parts_of_a_selector(text, name, index, options):
    assert Selector.parse(text) == Selector(name, index, options)


@pytest.mark.parametrize("name", ["/a[3]", "b,z=3", "x=1"])
def test_names_in_the_file_come_first(name):
    assert Selector.parse(name, [name].__contains__) == Selector(name)
    assert Selector.parse(f"{name}[2],every=3", [name].__contains__) == Selector(
        name, (2,), (("every", "3"),)
    )


def test_a_selector_stands_behind_the_path(tmp_path, monkeypatch):
    assert split_selector("a/b.h5::/c::d") == ("a/b.h5", "/c::d")
    assert split_selector("s3://bucket/b.h5::/c") == ("s3://bucket/b.h5", "/c")
    assert split_selector("builtin:cat") == ("builtin:cat", None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x::y.h5").write_bytes(b"")
    assert split_selector("x::y.h5") == ("x::y.h5", None)
    assert split_selector("x::y.h5::/a") == ("x::y.h5", "/a")


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ("a-{08..11}.tar", ["a-08.tar", "a-09.tar", "a-10.tar", "a-11.tar"]),
        ("{2..0}", ["2", "1", "0"]),
        ("{a,b}-{1..2}", ["a-1", "a-2", "b-1", "b-2"]),
        ("plain{x}.tar", ["plain{x}.tar"]),
    ],
)
def test_braces_stand_for_shards(given, paths):
    assert braces_expanded(given) == paths


def test_a_file_with_braces_in_its_name_is_a_file(tmp_path):
    path = tmp_path / "a{1..2}.tar"
    path.write_bytes(b"")
    assert braces_expanded(str(path)) == [str(path)]


@pytest.mark.parametrize(
    ("path", "remote"),
    [("https://a.b/c", True), ("memory://x", True), ("C:\\a\\b", False), ("C://x", False)],
)
def test_protocols_are_longer_than_the_name_of_a_drive(path, remote):
    assert is_remote(path) == remote


@pytest.mark.parametrize(
    ("index", "expected"),
    [(0, [0]), (-1, [4]), (slice(None), [0, 1, 2, 3, 4]), (slice(3, 99), [3, 4])],
)
def test_positions_are_those_of_numpy(index, expected):
    assert positions(index, 5, "images") == expected


@pytest.mark.parametrize("index", [5, -6, slice(5, 9), slice(3, 3)])
def test_positions_outside_are_refused(index):
    with pytest.raises(ValueError, match="holds 5 images"):
        positions(index, 5, "images")


@pytest.mark.parametrize("text", ["a[1:2:3:4]", "a[::0]"])
def test_slices_that_are_none(text):
    with pytest.raises(ValueError, match=r"slice"):
        positions(Selector.parse(text).index[0], 5, "images")
