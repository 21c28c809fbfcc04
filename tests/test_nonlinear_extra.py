"""Without PyTorch every entry point of ``nonlinear`` says how to get it; nothing else breaks."""

import subprocess
import sys

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
    "pip install 'spectral-mae[torch]'"
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
        "import spectral_mae as sm; sm.nonlinear",
        "from spectral_mae.nonlinear import MaskedAutoencoder",
        "from spectral_mae.nonlinear.vit import MAEConfig",
    ],
)
def test_without_the_extra_every_entry_says_how_to_install_it(code):
    status, (line,) = last_line(code)
    assert status == 1
    assert line == f"ModuleNotFoundError: {SENTENCE}"


def test_without_the_extra_the_command_says_it_too():
    code = "from spectral_mae import cli; sys.exit(cli.main(['train-mae', 'x', '--out', 'y']))"
    status, (line,) = last_line("import sys\n" + code)
    assert status == 2
    assert line == f"spectral-mae train-mae: {SENTENCE}"


def test_without_the_extra_the_package_works():
    code = "import spectral_mae as sm; assert 'nonlinear' in dir(sm); sm.PatchGrid(4, 2); sm.psd"
    assert last_line(code) == (0, [])


def test_the_names_of_the_front_door_are_those_of_their_modules():
    pytest.importorskip("torch", reason="needs the extra 'torch'")
    from spectral_mae import nonlinear

    assert sorted(nonlinear._HOME) == nonlinear.__all__ == dir(nonlinear)
    for name in nonlinear.__all__:
        value = getattr(nonlinear, name)
        assert value.__module__ == f"spectral_mae.nonlinear.{nonlinear._HOME[name]}"
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = nonlinear.nothing
