"""No command writes over what it reads, over its other output, or over somebody's photograph."""

import numpy as np
import pytest
from command_runs import run, usage_error
from PIL import Image

import spectral_mae as sm
from spectral_mae._files.made_here import made_here
from spectral_mae.cli import main
from spectral_mae.cli.console.answer import OK
from spectral_mae.images.gray_png import write_gray_png


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Photographs in a folder where one works."""
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        pixels = np.random.default_rng(ord(name)).integers(0, 256, (24, 32), np.uint8)
        Image.fromarray(pixels).save(f"{name}.png")
    write_gray_png("m.png", sm.sample_visible(sm.PatchGrid((24, 32), 8), 0.5, 1, rng=0)[0])
    return {path: path.read_bytes() for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    "arguments",
    [
        "psd a.png --out a.png",
        "psd a.png --out hard.png",
        "psd a.png --out soft.png",
        "psd soft.png --out ../{here}/a.png",
        "psd a.png --mask m.png --out m.png",
        "psd a.png --out a.png --overwrite",
        "figures masking --data masking.png --out .",
        "fit a.png b.png --holdout 0.5 --size 16 --patch-size 8 --out x.npz --figure a.png",
        "analyze a.png b.png --size 16 --patch-size 8 --out o --log-file a.png",
        "sweep a.png b.png --holdout 0.5 --size 16 --patch-size 8 --out o --log-file b.png",
    ],
)
def test_inputs_are_not_written_over(own, tmp_path, capsys, arguments):
    (tmp_path / "hard.png").hardlink_to("a.png")
    (tmp_path / "soft.png").symlink_to("a.png")
    (tmp_path / "masking.png").write_bytes((tmp_path / "a.png").read_bytes())
    line = usage_error(capsys, *arguments.format(here=tmp_path.name).split())
    assert "would be written over" in line
    assert all(path.read_bytes() == data for path, data in own.items())


@pytest.mark.parametrize(
    "arguments",
    [
        "mask --size 32 --patch-size 8 --out x.png --figure ./x.png",
        "mask --size 32 --patch-size 8 --out x.png --figure y.png",
        "fit a.png b.png --holdout 0.5 --size 16 --patch-size 8 --out x.npz --log-file x.npz",
    ],
)
def test_two_outputs_are_two_files(own, tmp_path, capsys, arguments):
    (tmp_path / "y.png").symlink_to("x.png")
    assert "would be written twice" in usage_error(capsys, *arguments.split())
    assert not (tmp_path / "x.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        "psd a.png --out {}.png",
        "psd a.png --out {}.csv",
        "psd a.png --mask m.png --out {}.csv",
        "psd a.png --mask m.png --unmask --out {}.png",
        "mask --size 32 --patch-size 8 --out {}.png",
        "mask --size 32 --patch-size 8 --out mask.png --figure {}.png",
    ],
)
def test_only_what_was_made_here_is_replaced_unasked(own, tmp_path, capsys, arguments):
    (tmp_path / "b.csv").write_text("frequency,my,notes\n")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    theirs, ours = (arguments.format(name).split() for name in ("b", "new"))
    assert "--overwrite" in usage_error(capsys, *theirs)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert run(*ours) == run(*ours) == run(*theirs, "--overwrite") == OK
    written = tmp_path / theirs[-1]
    assert written.read_bytes() != before[written]
    assert made_here(written)


def test_empty_and_foreign_files_are_not_made_here(own, tmp_path):
    (tmp_path / "empty.png").touch()
    assert not made_here(tmp_path / "empty.png")
    assert not made_here(tmp_path / "a.png")
    assert made_here(tmp_path / "m.png")
    assert main.main(["psd", "a.png", "--out", "empty.png"]) == main.USAGE


def test_a_figure_does_not_replace_a_picture_of_someone_else(own, tmp_path, capsys):
    theirs = tmp_path / "out" / "masking.png"
    theirs.parent.mkdir()
    theirs.write_bytes(own[tmp_path / "a.png"])
    call = ["figures", "masking", "--data", "a.png", "--out", "out"]
    assert "--overwrite" in usage_error(capsys, *call)
    assert theirs.read_bytes() == own[tmp_path / "a.png"]


@pytest.mark.slow
def test_a_figure_replaces_a_link_and_not_what_it_leads_to(own, tmp_path):
    link = tmp_path / "out" / "masking.png"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "a.png")
    call = ["figures", "masking", "--data", "b.png", "--out", "out", "--overwrite"]
    assert run(*call) == OK
    assert (tmp_path / "a.png").read_bytes() == own[tmp_path / "a.png"]
    assert made_here(link)
    assert not link.is_symlink()
