"""Every command of the README runs. (Its Python runs as doctests.)"""

import importlib.util
import itertools
import shlex
from pathlib import Path

import pytest

from spectral_mae import cli

ROOT = Path(__file__).parents[1]
OUTPUTS = ("--out", "--figure")


def shell_blocks():
    spec = importlib.util.spec_from_file_location("readme", ROOT / ".ci" / "readme_commands.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.shell_blocks()


def test_first_two_blocks_are_the_set_up():
    install, test = shell_blocks()[:2]
    assert "pip install" in install
    assert "spectral-mae analyze" in install
    assert "[test]" in test
    assert test.rstrip().endswith("pytest")


@pytest.mark.parametrize("block", shell_blocks()[2:])
def test_commands_run(block, tmp_path, monkeypatch):
    """Block by block: a command may use what one above it wrote."""
    monkeypatch.chdir(tmp_path)
    for line in block.splitlines():
        program, *arguments = shlex.split(line)
        assert program == "spectral-mae"
        assert cli.main(arguments) == 0
        outputs = [a for flag, a in itertools.pairwise(arguments) if flag in OUTPUTS]
        assert all((tmp_path / name).exists() for name in outputs)


def test_pictures_of_the_readme_exist():
    text = (ROOT / "README.md").read_text("utf-8")
    linked = (
        "figures/masking.png CONTRIBUTING.md docs/decisions.md docs/linear_models.md CHANGELOG.md"
    )
    for name in linked.split():
        assert f"({name})" in text
        assert (ROOT / name).exists()
