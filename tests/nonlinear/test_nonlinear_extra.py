"""Without PyTorch every entry point of ``nonlinear`` says how to get it; nothing else breaks."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

# A Python that finds everything but PyTorch.
WITHOUT = """
from importlib.machinery import PathFinder
find = PathFinder.find_spec
missing = lambda name, *a: None if name.partition(".")[0] == "torch" else find(name, *a)
PathFinder.find_spec = missing
"""
SENTENCE = (
    "spectral_mae.nonlinear needs PyTorch, which is not installed: "
    "pip install -e '.[torch]' in your copy of the repository"
)


def last_line(code):
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT + code], capture_output=True, text=True, check=False
    )
    return result.returncode, result.stderr.strip().splitlines()[-1:]


@pytest.mark.parametrize(
    "code",
    [
        "import spectral_mae.nonlinear",
        "from spectral_mae.nonlinear import MaskedAutoencoder",
        "from spectral_mae.nonlinear.vit import MAEConfig",
    ],
)
def test_without_the_extra_every_entry_says_how_to_install_it(code):
    status, (line,) = last_line(code)
    assert status == 1
    assert line == f"ModuleNotFoundError: {SENTENCE}"


@pytest.mark.parametrize(
    "use",
    [
        "sm.nonlinear.train",
        "sm.nonlinear.MAEConfig((8, 8), 4)",
        "from spectral_mae import nonlinear; nonlinear.train",
        "help(sm.nonlinear); import inspect; inspect.getmembers(sm.nonlinear); sm.nonlinear.vit",
    ],
)
def test_without_the_extra_any_use_of_the_attribute_says_it_too(use):
    status, (line,) = last_line(f"import spectral_mae as sm; {use}")
    assert status == 1
    assert line == f"AttributeError: {SENTENCE}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "look",
    [
        "assert all(hasattr(sm, n) for n in sm.__all__); assert not hasattr(sm.nonlinear, 'train')",
        "import inspect; assert {n for n, _ in inspect.getmembers(sm)} >= set(sm.__all__)",
        "import pydoc; assert 'nonlinear' in pydoc.render_doc(sm); help(sm)",
        "import pydoc; assert 'needs PyTorch' in pydoc.render_doc(sm.nonlinear)",
        "import doctest; assert doctest.DocTestFinder().find(sm); dir(sm.nonlinear)",
        "import unittest.mock; unittest.mock.create_autospec(sm)",
        "from spectral_mae import *; fields, ising, nonlinear, plot, theory",
    ],
)
def test_without_the_extra_looking_at_the_package_is_harmless(look):
    assert last_line(f"import spectral_mae as sm\n{look}") == (0, [])


def test_looking_at_the_attribute_does_not_hide_the_error_of_the_import():
    status, (line,) = last_line(
        "import spectral_mae as sm; sm.nonlinear; import spectral_mae.nonlinear"
    )
    assert (status, line) == (1, f"ModuleNotFoundError: {SENTENCE}")


def test_other_import_errors_are_not_taken_for_a_missing_extra():
    code = "import sys, spectral_mae as sm; sys.modules['spectral_mae.plot'] = None; sm.plot"
    status, (line,) = last_line(code)
    assert status == 1
    assert line.startswith("ModuleNotFoundError: import of spectral_mae.plot halted")


def test_a_package_without_a_specification_is_installed():
    code = "import sys, types; sys.modules['torch'] = types.ModuleType('torch')"
    code += "; from spectral_mae import extras; assert extras.installed('torch')"
    assert last_line(code) == (0, [])


def test_every_extra_that_is_advised_exists():
    """The advice names extras of pyproject.toml, and no registry."""
    root = Path(__file__).parents[2]
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    sources = "".join(p.read_text() for p in (root / "spectral_mae").rglob("*.py"))
    texts = "".join(p.read_text() for p in [*root.glob("*.md"), *(root / "docs").glob("*.md")])
    advised = re.findall(r"extras\.(?:install|missing)\([^()]*\"(\w+)\"\)", sources)
    advised += re.findall(r"\.\[(\w+)\]'", texts)
    assert {"torch", "dask", "dev"} <= set(advised) <= set(extras)
    assert "spectral-mae[" not in sources + texts


@pytest.mark.slow
def test_without_the_extra_the_command_says_it_too():
    code = (
        "from spectral_mae.cli import main; sys.exit(main.main(['train-mae', 'x', '--out', 'y']))"
    )
    status, (line,) = last_line("import sys\n" + code)
    assert status == 2
    assert line == f"spectral-mae train-mae: {SENTENCE}"


def test_without_the_extra_the_package_works():
    code = "import spectral_mae as sm; assert 'nonlinear' in dir(sm); sm.PatchGrid(4, 2); sm.psd"
    assert last_line(code) == (0, [])


def test_the_names_of_the_front_door_are_those_of_their_modules():
    pytest.importorskip("torch", reason="needs the extra 'torch'")
    from spectral_mae import nonlinear

    stub = Path(nonlinear.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    files = {name.name: node.module for node in ast.parse(stub).body for name in node.names}
    assert sorted(files) == sorted(nonlinear.__all__) == sorted(dir(nonlinear))
    for name, file in files.items():
        assert getattr(nonlinear, name).__module__ == f"spectral_mae.nonlinear.{file}"
    with pytest.raises(AttributeError, match="attribute nothing"):
        _ = nonlinear.nothing
