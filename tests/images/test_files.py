"""Where images are: folders, patterns, those that come with scikit-image."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from spectral_mae.images.files import builtin_images, display_name
from spectral_mae.images.image import read_image
from spectral_mae.images.sources import FoundSources, find_sources


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Six images in plain sight, two other files, and much that must not be looked at."""
    names = ["b.png", "a.JPG", "notes.txt", "sub/c.tif", "sub/deep/d.webp", "sub/deep/raw.dat"]
    names += ["[1].png", "z.png/inner.gif", ".hidden.png", ".git/e.png", "sub/.cache/f.png"]
    for name in names:
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "g.png").touch()
    for link, target in {
        "loop": tmp_path / "tree",
        "sub/loop": tmp_path / "tree",
        "out": tmp_path / "outside",
        "twin.png": tmp_path / "tree" / "b.png",
        "self.png": tmp_path / "tree" / "self.png",
    }.items():
        (tmp_path / "tree" / link).symlink_to(target)
    return tmp_path / "tree"


VISIBLE = ["[1].png", "a.JPG", "b.png", "self.png", "sub/c.tif", "sub/deep/d.webp"]
VISIBLE += ["z.png/inner.gif"]


def paths_of(found: FoundSources) -> list[Path]:
    paths = [Path(reference.place.path) for reference in found.references]
    assert [reference.title for reference in found.references] == [*map(display_name, paths)]
    return paths


def names_below(root: Path, found: FoundSources) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths_of(found)]


def test_folders_are_searched(tree: Path) -> None:
    found = find_sources([tree])
    assert names_below(tree, found) == VISIBLE
    assert found.passed_over == 2
    again = find_sources([str(tree), tree / "sub", tree / "b.png", tree / "."])
    assert (again.references, again.passed_over) == (found.references, found.passed_over)


def test_files_are_taken_as_given_in_their_order(tree: Path) -> None:
    given = ["notes.txt", "[1].png", "twin.png", "b.png", ".hidden.png", "notes.txt"]
    found = find_sources([tree / name for name in given])
    assert names_below(tree, found) == ["notes.txt", "[1].png", "twin.png", ".hidden.png"]
    assert find_sources([tree / "notes.txt", tree]).passed_over == 1


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("?.JP[A-Z]", ["a.JPG"]),
        ("*.txt", ["notes.txt"]),
        ("[ab].*", ["a.JPG", "b.png"]),
        ("sub/*/*.dat", ["sub/deep/raw.dat"]),
        ("z*", ["z.png/inner.gif"]),
        ("**/*.webp", ["sub/deep/d.webp"]),
        ("s*b/**", ["sub/c.tif", "sub/deep/d.webp"]),
        ("*/**", ["out/g.png", "sub/c.tif", "sub/deep/d.webp", "z.png/inner.gif"]),
        ("**", VISIBLE),
    ],
)
def test_patterns(
    pattern: str, expected: list[str], tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "loop").unlink()
    (tree / "sub" / "loop").unlink()
    assert names_below(tree, find_sources([tree / pattern])) == expected
    monkeypatch.chdir(tree)
    assert [path.as_posix() for path in paths_of(find_sources([pattern]))] == expected


def test_patterns_do_not_run_in_circles(tree: Path) -> None:
    assert set(names_below(tree, find_sources([tree / "**"]))) == set(VISIBLE)


@pytest.mark.parametrize("name", ["missing.png", "", "*.raw", "sub/**/*.raw", "sub/*/f.png"])
def test_what_matches_nothing_is_named(name: str, tree: Path) -> None:
    path = str(tree / name) if name else ""
    with pytest.raises(FileNotFoundError, match=re.escape(repr(path))):
        find_sources([path])


def test_one_path_is_no_list(tree: Path) -> None:
    for path in (tree, str(tree)):
        with pytest.raises(TypeError, match="give a list of paths"):
            find_sources(path)  # type: ignore[arg-type]


def test_a_folder_that_cannot_be_opened_is_an_error(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def guarded(path: Any) -> Any:
        if Path(path).name == "deep":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    with pytest.raises(PermissionError, match="deep"):
        find_sources([tree])


def test_builtin_images_are_photographs_on_disk() -> None:
    names = set(builtin_images())
    assert names >= {"astronaut", "camera", "cat", "coffee", "rocket", "motorcycle"}
    assert paths_of(find_sources(["builtin:"])) == [*builtin_images().values()]
    for name in names:
        (path,) = paths_of(find_sources([f"builtin:{name}"]))
        image = read_image(path)
        assert min(image.pixels.shape) > 100
        assert image.pixels.std() > 0.01


def test_missing_builtin_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"no built-in image 'dog'; there are astronaut, .*"
    ):
        find_sources(["builtin:dog"])
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "moon.png").touch()
    spec = ModuleSpec("skimage", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    assert builtin_images() == {"moon": tmp_path / "data" / "moon.png"}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert builtin_images() == {}


def test_scikit_image_is_never_imported() -> None:
    code = (
        "import sys; from spectral_mae.images.sources import find_sources; "
        "find_sources(['builtin:']); sys.exit('skimage' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
