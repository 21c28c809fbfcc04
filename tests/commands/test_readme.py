"""Every command of the README runs. (Its Python runs as doctests.)"""

import doctest
import importlib.util
import itertools
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import spectral_mae as sm
from spectral_mae.cli import main

ROOT = Path(__file__).parents[2]
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


@pytest.mark.slow
@pytest.mark.parametrize("block", shell_blocks()[2:])
def test_commands_run(block, tmp_path, monkeypatch):
    """Block by block: a command may use what one above it wrote."""
    monkeypatch.chdir(tmp_path)
    for line in block.splitlines():
        program, *arguments = shlex.split(line)
        assert program == "spectral-mae"
        assert main.main(arguments) == 0
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


def test_the_session_takes_an_image_of_any_size(tmp_path):
    """What is not about the linear model, on an image that patches of 16 do not divide."""
    pixels = np.random.default_rng(0).integers(0, 256, (83, 101), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "own.png")
    text = (ROOT / "README.md").read_text("utf-8")
    own = text.replace("builtin:camera", str(tmp_path / "own.png")).replace("\\", "/")
    names = {}
    for example in doctest.DocTestParser().get_examples(own):
        if example.source.startswith("rng ="):
            break
        exec(compile(example.source, "README.md", "single"), names)
    assert names["image"].shape == (80, 96)
    assert "leak" in names


def test_a_default_model_is_as_large_as_the_readme_says():
    """Moments and a solution, one complex matrix for each of half of the bands."""
    from spectral_mae.linear.moments.kinds import BandMoments

    arrays = BandMoments(sm.PatchGrid((224, 224), 16)).to_arrays().values()
    assert 2 * sum(np.asarray(a).nbytes for a in arrays) == pytest.approx(200e6, rel=0.06)
