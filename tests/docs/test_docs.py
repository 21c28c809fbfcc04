"""The documentation: its code runs, its names exist, its pages are what their scripts give.

(Its Python runs as doctests; that the site builds without a warning is for ``.ci/run``.)
"""

import importlib
import importlib.util
import inspect
import re
import shlex
from pathlib import Path

import pytest

import spectral_mae
from spectral_mae.cli import main

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md")) + sorted((ROOT / "docs" / "guides").glob("*.md"))
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text("utf-8") for page in PAGES}


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.M | re.S)


@pytest.mark.slow
@pytest.mark.parametrize("page", TEXTS)
def test_commands_of_the_pages_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for line in "".join(blocks(TEXTS[page], "sh")).splitlines():
        program, *arguments = shlex.split(line)
        assert program == "spectral-mae"
        assert main.main(arguments) == 0


@pytest.mark.parametrize("page", TEXTS)
def test_python_of_the_pages_is_run_as_doctests(page):
    assert blocks(TEXTS[page], "python") == []
    for block in blocks(TEXTS[page], "pycon"):
        assert block.startswith(">>> ")
        assert block.endswith("\n\n")  # or the fence would be part of what is expected


def public_names():
    for name in spectral_mae.__all__:
        if name != "__version__" and not inspect.ismodule(getattr(spectral_mae, name)):
            yield "spectral_mae", name
    for module in ("masks.designs", "theory", "ising", "lessons", "plot"):
        full = f"spectral_mae.{module}"
        for name in importlib.import_module(full).__all__:
            if name.lower() == name or (name[0].isupper() and not name.isupper()):
                yield full, name


def script(name):
    """A script of the documentation, as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_has_every_public_name():
    api = script("api")
    assert api.PAGE.read_text("utf-8") == api.page()
    listed = {(m, name) for m, names in api.GROUPS.values() for name in names.split()}
    assert sorted(set(public_names()) - listed) == []
    for module, name in listed:
        assert getattr(importlib.import_module(module), name).__doc__


@pytest.mark.parametrize("page", TEXTS)
def test_tests_and_functions_that_a_page_names_exist(page):
    for path, _, test in re.findall(r"`(tests/[\w/]+\.py)(::(\w+))?`", TEXTS[page]):
        assert f"def {test}" in (ROOT / path).read_text("utf-8")
    for target in re.findall(r"\{py:\w+\}`([\w.]+)`", TEXTS[page]):
        found = spectral_mae
        for part in target.split(".")[1:]:
            found = getattr(found, part)


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXTS[page]):
        if not target.startswith("http"):
            assert ((ROOT / page).parent / target).exists(), target


def test_all_sources_are_copied_before_they_are_built(tmp_path):
    """Sphinx writes beside its sources, which are tracked; links between copies still lead on."""
    source = script("build").gather(tmp_path)
    assert source == tmp_path / "source"
    names = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    lessons = {f"lessons/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    pages = {page.removeprefix("docs/") for page in TEXTS}
    assert {"conf.py", "changelog.md", "contributing.md", *pages, *lessons} <= names
    contents = re.findall(r"<?(lessons/\w+)>?$", (source / "lessons.md").read_text("utf-8"), re.M)
    assert {name.removesuffix(".ipynb") for name in lessons} <= {*contents}
    for page in names:
        if page.endswith(".md"):
            for target in re.findall(r"\]\(([^)#]+)\)", (source / page).read_text("utf-8")):
                if not target.startswith("http"):
                    assert ((source / page).parent / target).exists(), (page, target)
