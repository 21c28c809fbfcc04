"""``compare`` as its user runs it."""

import re

import numpy as np
import pytest
from command_runs import read_csv, run, usage_error
from PIL import Image

import spectral_mae as sm
from spectral_mae.cli.console.answer import NOTHING, OK, SOME_FAILED


@pytest.fixture
def folders(tmp_path):
    """Originals, a faint copy as npy, and a coarse copy as JPEG."""
    rng = np.random.default_rng(0)
    smooth = rng.standard_normal((4, 32, 40)).cumsum(1).cumsum(2)
    images = (127 + 100 * smooth / np.abs(smooth).max((1, 2), keepdims=True)).astype(np.uint8)
    for name in ("in", "jpeg"):
        (tmp_path / name).mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"in/{i}.png")
        Image.fromarray(image).save(tmp_path / f"jpeg/{i}.jpg", quality=10)
    np.save(tmp_path / "faint.npy", 0.5 * images / 255)
    return tmp_path


@pytest.mark.slow
def test_several_models_on_one_page(folders, capsys):
    code = run("compare", folders / "in", folders / "jpeg", folders / "faint.npy",
               "--out", folders / "out")  # fmt: skip
    assert code == OK
    printed = capsys.readouterr().out
    assert re.search(r"jpeg: explained 0\.9\d+ ± 0\.\d+, log-spectral distance", printed)
    assert "matched by order, not by name: faint" in printed
    assert "4 images compared, 0 failed" in printed
    assert f"page: {folders / 'out/report.html'}" in printed
    rows = read_csv(folders / "out/models.csv")
    assert [row["model"] for row in rows] == ["jpeg", "faint"]
    originals = [sm.read_image(folders / f"in/{i}.png").pixels for i in range(4)]
    truth = sm.compare_spectra(originals, [0.5 * image for image in originals])
    assert float(rows[1]["explained"]) == pytest.approx(truth.explained, rel=1e-6)
    octaves = [row for row in read_csv(folders / "out/octaves.csv") if row["model"] == "faint"]
    assert [float(row["gain"]) for row in octaves] == pytest.approx([0.5] * len(octaves), rel=1e-6)
    page = (folders / "out/report.html").read_text()
    assert (page.count("<img src="), page.count('role="img"')) == (2, 1)
    assert "jpeg, faint" in page


@pytest.mark.slow
def test_labels_masks_and_colours(folders, capsys):
    mask = np.zeros((32, 40), np.uint8)
    mask[:, :16] = 255
    Image.fromarray(mask).save(folders / "mask.png")
    code = run("compare", folders / "in", folders / "jpeg", "--labels", "quality 10", "--masks",
               folders / "mask.png", "--color", "--out", folders / "out", "--quiet")  # fmt: skip
    assert code == OK
    assert capsys.readouterr().out == f"page: {folders / 'out/report.html'}\n"
    rows = read_csv(folders / "out/models.csv")
    assert rows[0]["model"] == "quality 10"
    originals, others = (
        np.array([sm.read_image(folders / name.format(i)).pixels for i in range(4)])
        for name in ("in/{}.png", "jpeg/{}.jpg")
    )
    hidden = mask == 0
    squares = np.sum((others - originals)[:, hidden] ** 2)
    apart = originals - originals.mean((1, 2), keepdims=True)
    explained = 1 - squares / np.sum(apart[:, hidden] ** 2)
    assert float(rows[0]["explained"]) == pytest.approx(explained, rel=1e-6)
    assert "those of hidden pixels" in (folders / "out/report.html").read_text()


@pytest.mark.slow
def test_what_cannot_be_compared_is_listed(folders, capsys):
    (folders / "jpeg/0.jpg").unlink()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folders / "jpeg/1.jpg")
    assert run("compare", folders / "in", folders / "jpeg", "--out", folders / "out") == SOME_FAILED
    printed = capsys.readouterr()
    assert "0.png: no image of this name in jpeg" in printed.err
    assert "1.png: the original is 32x40, that of jpeg 8x8" in printed.err
    assert "2 images compared, 2 failed" in printed.out
    for name in ("2.jpg", "3.jpg"):
        (folders / "jpeg" / name).unlink()
    assert run("compare", folders / "in", folders / "jpeg", "--out", folders / "none") == NOTHING
    assert "no image could be compared" in capsys.readouterr().err


@pytest.mark.slow
def test_wrong_usage(folders, capsys):
    pair = folders / "in", folders / "jpeg"
    out = "--out", folders / "out"
    assert "no file, folder or pattern" in usage_error(
        capsys, "compare", folders / "in", folders / "nothing", *out
    )
    assert "--labels names 2 models" in usage_error(
        capsys, "compare", *pair, "--labels", "a,b", *out
    )
    assert "two models are called" in usage_error(capsys, "compare", *pair, folders / "jpeg", *out)
    assert run("compare", *pair, *out, "--quiet") == OK
    assert "--overwrite" in usage_error(capsys, "compare", *pair, *out)
    assert run("compare", *pair, *out, "--quiet", "--overwrite") == OK
    np.save(folders / "three.npy", np.zeros((3, 32, 40)))
    assert "hold 4 images and three 3" in usage_error(
        capsys, "compare", folders / "in", folders / "three.npy", "--out", folders / "else"
    )
