"""What packaging files say agrees with pyproject.toml, and nothing of the package is left out."""

import importlib.util
import re
import subprocess
import tomllib
from pathlib import Path

import jinja2
import pytest

import spectral_mae as sm

ROOT = Path(sm.__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
CONDA_NAMES = {"matplotlib": "matplotlib-base"}  # without the windows that a server has no use for


def conda(requirement):
    """A requirement of pip as conda writes it."""
    name, bound = re.fullmatch(r"([\w.-]+)(>=.+)", requirement).groups()
    return f"{CONDA_NAMES.get(name, name).lower()} {bound}"


def recipe():
    yaml = pytest.importorskip("yaml")
    template = jinja2.Template(
        (ROOT / "recipe" / "meta.yaml").read_text("utf-8"), undefined=jinja2.StrictUndefined
    )
    return yaml.safe_load(template.render(PYTHON="python"))


def test_the_conda_recipe_needs_what_the_project_needs():
    found = recipe()
    needs = found["requirements"]
    python = f"python {PROJECT['requires-python']}"
    assert needs["run"] == [python, *map(conda, PROJECT["dependencies"])]
    assert needs["host"] == [python, "pip", *map(conda, PYPROJECT["build-system"]["requires"])]
    assert found["build"]["entry_points"] == [
        f"{name} = {target}" for name, target in PROJECT["scripts"].items()
    ]
    assert found["package"] == {"name": PROJECT["name"], "version": sm.__version__}
    assert found["about"]["summary"] == PROJECT["description"]
    assert found["about"]["license"] == PROJECT["license"]


def test_the_citation_is_of_this_version_and_has_what_the_format_asks_for():
    yaml = pytest.importorskip("yaml")
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= found.keys()
    assert found["cff-version"] == "1.2.0"
    assert found["version"] == sm.__version__
    assert found["license"] == PROJECT["license"]
    for one in found["references"]:
        assert {"type", "title", "authors"} <= one.keys()


def test_classifiers_name_every_python_from_the_oldest_on():
    oldest = int(re.fullmatch(r">=3\.(\d+)", PROJECT["requires-python"])[1])
    named = [
        int(match[1])
        for one in PROJECT["classifiers"]
        if (match := re.fullmatch(r"Programming Language :: Python :: 3\.(\d+)", one))
    ]
    assert named == list(range(oldest, oldest + len(named)))
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py3{oldest}"
    assert PYPROJECT["tool"]["mypy"]["python_version"] == f"3.{oldest}"


def floors():
    path = ROOT / ".ci" / "floors.py"
    module = importlib.util.module_from_spec(
        spec := importlib.util.spec_from_file_location("floors", path)
    )
    spec.loader.exec_module(module)
    return module.floors


def test_the_oldest_versions_are_the_lower_bounds():
    assert floors()([]) == [one.replace(">=", "==") for one in PROJECT["dependencies"]]
    assert "imagecodecs==2025.3.30" in floors()(["codecs"])


def tracked():
    """Every path under version control; without git all files are not known."""
    try:
        listed = subprocess.run(
            ["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git repository")
    return [name for name in listed.split("\0") if name]


def test_every_file_of_the_package_is_named_as_package_data():
    """Else it is missing from the wheel, and only there."""
    data = PYPROJECT["tool"]["setuptools"]["package-data"]
    named = set()
    for package, patterns in data.items():
        folders = (
            [p.parent for p in (ROOT / "spectral_mae").rglob("__init__.py")]
            if package == "*"
            else [ROOT / package.replace(".", "/")]
        )
        named |= {
            str(path.relative_to(ROOT).as_posix())
            for folder in folders
            for pattern in patterns
            for path in folder.glob(pattern)
        }
    others = {
        name for name in tracked() if name.startswith("spectral_mae/") and not name.endswith(".py")
    }
    assert others <= named


RESERVED = {"con", "prn", "aux", "nul", "conin$", "conout$"}
RESERVED |= {f"{name}{digit}" for name in ("com", "lpt") for digit in "123456789¹²³"}
LONGEST = 160  # of 260 that a path may have: the rest is for the folder that holds the repository


def refusals(names):
    """What Windows would refuse in relative paths with forward slashes."""
    seen = {}
    for name in names:
        if len(name) > LONGEST:
            yield f"{name}: {len(name)} characters"
        for part in name.split("/"):
            if part.split(".")[0].rstrip(" ").lower() in RESERVED:
                yield f"{name}: {part} is a device"
            if re.search(r'[<>:"|?*\\\x00-\x1f]', part):
                yield f"{name}: {part} has a character that is not allowed"
            if part.endswith((" ", ".")):
                yield f"{name}: {part} ends with a space or a point"
        for parent in [name, *map(str, Path(name).parents)]:
            if seen.setdefault(parent.lower(), parent) != parent:
                yield f"{parent} and {seen[parent.lower()]} differ in case alone"


def test_no_tracked_path_is_refused_by_windows():
    assert list(refusals(tracked())) == []


@pytest.mark.parametrize(
    "names",
    [["a/con.py"], ["LPT1"], ["aux .txt"], ["a:b"], ["x/a?.md"], ["a."], ["b /c"], ["a\\b"],
     ["A/x", "a/y"], ["x.md", "X.md"], ["n" * 161], ["com¹.png"]],
)  # fmt: skip
def test_the_reader_of_names_can_fail(names):
    assert list(refusals(names))


def test_the_reader_of_names_can_pass():
    assert list(refusals(["a/b.py", "a/c.py", "console.py", "a.con", ".ci/run", "com0"])) == []


@pytest.mark.parametrize(
    "title", ["builtin:camera", "photos/con.jpg", "a?b*c.png", "zip.zip/nul", "x. ", "ß" * 300, ""]
)
def test_names_of_pictures_after_images_are_allowed_everywhere(title):
    from spectral_mae.cli.models.reconstruct import _stem

    assert list(refusals([f"001-{_stem(title)}.png"])) == []


@pytest.mark.slow
def test_a_run_writes_no_name_that_windows_refuses(tmp_path):
    """The journal of a run that was interrupted included."""
    images = ["builtin:camera", "builtin:grass", "builtin:moon"]
    options = sm.AnalyzeOptions((8,), size=32)
    interrupted = sm.RunOptions(checkpoint=0, fail_fast=True)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    with pytest.raises(RuntimeError, match="broken"):  # its journal is left
        sm.analyze_images([*images, broken], options, out=tmp_path / "left", run=interrupted)
    sm.analyze_images(images, options, out=tmp_path / "out")
    sm.fit_images(images, sm.LinearMAE(8, 0.75), size=32, out=tmp_path / "model.npz")
    written = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")]
    assert len(written) > 8
    assert list(refusals(written)) == []
