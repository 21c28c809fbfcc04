"""Designs of masks by their text, as users of the commands and of their Python forms give them."""

import json
from contextlib import nullcontext

import numpy as np
import pytest
from command_runs import read_csv, run, usage_error, write_images
from long_runs import pictures_left_out
from PIL import Image

import spectral_mae as sm
from spectral_mae.batch.analyze.options import AnalyzeOptions
from spectral_mae.batch.analyze.records.analyzer import MaskingAnalyzer
from spectral_mae.batch.analyze.records.plan import MaskingPlan
from spectral_mae.cli import main
from spectral_mae.cli.console import answer
from spectral_mae.masks.designs.short_form import MaskChoice

SIZES = ["--size", 32, "--patch-size", 4]
COMMANDS = {"analyze": "out", "mask": "m.png", "psd": "p.csv", "verify": None}


@pytest.fixture
def folder(tmp_path):
    return write_images(tmp_path / "images")


def command(name, folder, tmp_path, *more):
    """A command on the images, or on one, with the file that it writes."""
    paths = {"analyze": [folder], "psd": [folder / "0.png"], "verify": [folder / "0.png"]}
    out = [] if COMMANDS[name] is None else ["--out", tmp_path / COMMANDS[name]]
    return [name, *paths.get(name, []), *out, *SIZES, *more]


def analyzed(folder, tmp_path, *more, pictures=False):
    with nullcontext() if pictures else pictures_left_out():
        return run(*command("analyze", folder, tmp_path, "--masks", 2, "--checks", 0, *more))


def test_a_mask_is_drawn_from_the_design(folder, tmp_path):
    figure = ["--figure", tmp_path / "f.png", "--seed", 5]
    assert run(*command("mask", folder, tmp_path, "--design", "block:3x2", *figure)) == answer.OK
    drawn = np.asarray(Image.open(tmp_path / "m.png")) > 0
    design = sm.designs.block(sm.PatchGrid((32, 32), 4), (3, 2))
    np.testing.assert_array_equal(drawn, design.sample(1, 5)[0])
    assert (tmp_path / "f.png").stat().st_size > 1000


def test_the_expected_spectrum_is_that_under_the_design(folder, tmp_path):
    options = ["--size", "native", "--design", "block:3x2,keep"]
    assert run(*command("psd", folder, tmp_path, *options)) == answer.OK
    rows = [r for r in read_csv(tmp_path / "p.csv") if r["series"] == "expected"]
    pixels = np.asarray(Image.open(folder / "0.png")) / 255
    design = sm.designs.block(sm.PatchGrid((40, 56), 4), (3, 2), keep=True)
    truth = sm.expected_masked_psd(pixels, design=design).radial()
    np.testing.assert_allclose([float(row["power"]) for row in rows], truth.power, rtol=1e-12)


@pytest.mark.parametrize("design", ["block:3x2", "cutouts:2x2,3"])
def test_the_expectations_under_a_design_are_verified(folder, tmp_path, capsys, design):
    assert run(*command("verify", folder, tmp_path, "--design", design)) == answer.OK
    printed = " ".join(capsys.readouterr().out.split())
    masks = {"block:3x2": "all 64 masks", "cutouts:2x2,3": "400 drawn masks"}[design]
    assert printed.count(masks) == printed.count(f"({design})") == 2


@pytest.mark.slow
def test_tables_and_page_say_which_design(folder, tmp_path):
    design = ["--design", "block:3x2,keep"]
    assert analyzed(folder, tmp_path, *design, pictures=True) == answer.SOME_FAILED
    out = tmp_path / "out"
    rows = [row for row in read_csv(out / "images.csv") if row["status"] == "ok"]
    assert {(row["design"], row["mask_ratio"]) for row in rows} == {("block:3x2,keep", "0.90625")}
    page = (out / "report.html").read_text()
    assert "hidden by the mask design <code>block:3x2,keep</code>" in page
    assert "<td>90.6 %</td>" in page
    assert "<dt>design</dt><dd>block:3x2,keep</dd>" in page
    assert "<dt>sampling</dt>" not in page
    assert json.loads((out / "run.json").read_text())["options"]["design"] == "block:3x2,keep"


def test_tables_and_page_of_uniform_masks_say_what_they_said(folder, tmp_path):
    assert analyzed(folder, tmp_path) == answer.SOME_FAILED
    out = tmp_path / "out"
    rows = [row for row in read_csv(out / "images.csv") if row["status"] == "ok"]
    assert {(row["design"], row["mask_ratio"]) for row in rows} == {("fixed:0.75", "0.75")}
    page = (out / "report.html").read_text()
    assert "75&nbsp;% of them hidden" in page
    assert "<dt>sampling</dt>" in page
    assert "<dt>design</dt>" not in page


def test_an_image_that_the_design_does_not_fit_is_refused_with_the_reason(folder, tmp_path):
    options = ["--size", "native", "--patch-size", 8, "--design", "block:6x3"]
    assert analyzed(folder, tmp_path, *options) == answer.SOME_FAILED
    rows = {row["path"].rpartition("/")[2]: row for row in read_csv(tmp_path / "out/images.csv")}
    assert (rows["1.png"]["status"], rows["1.png"]["height"]) == ("ok", "56")
    assert rows["0.png"]["status"] == "failed"
    assert "block of size=(6, 3) is larger than (5, 7) patches" in rows["0.png"]["error"]


def test_a_run_with_another_design_is_another_run(folder, tmp_path, capsys):
    assert analyzed(folder, tmp_path, "--design", "block:2x2") == answer.SOME_FAILED
    again = command("analyze", folder, tmp_path, "--masks", 2, "--checks", 0, "--resume")
    assert run(*again, "--design", "block:2x2") == answer.SOME_FAILED
    assert "design was block:2x2 and is block:2x3" in usage_error(
        capsys, *again, "--design", "block:2x3"
    )
    assert "design was block:2x2 and is None" in usage_error(capsys, *again)


def test_a_run_with_other_masks_in_a_file_is_another_run(folder, tmp_path, capsys):
    file = tmp_path / "masks.npy"
    np.save(file, np.random.default_rng(0).random((6, 64)) < 0.5)
    assert analyzed(folder, tmp_path, "--design", f"{file},hidden") == answer.SOME_FAILED
    again = command("analyze", folder, tmp_path, "--masks", 2, "--checks", 0, "--resume")
    assert run(*again, "--design", f"{file},hidden") == answer.SOME_FAILED
    np.save(file, np.random.default_rng(1).random((6, 64)) < 0.5)
    assert "design_checksum was" in usage_error(capsys, *again, "--design", f"{file},hidden")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--mask-ratio", 0.5], "--mask-ratio does not go with --design block:2x2"),
        (["--sampling", "bernoulli"], "--sampling does not go with --design block:2x2"),
    ],
)
def test_a_design_says_all_about_the_masks(name, more, message, folder, tmp_path, capsys):
    arguments = command(name, folder, tmp_path, "--design", "block:2x2", *more)
    assert message in usage_error(capsys, *arguments)


@pytest.mark.parametrize("name", ["analyze", "mask", "verify"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("blok:2x2", "no design 'blok'; there are"),
        ("block:9x2", "a block of size=(9, 2) is larger than (8, 8) patches"),
        ("nothing.npy", "there is no file of masks 'nothing.npy'"),
    ],
)
def test_what_cannot_be_a_design_is_said_at_once(name, text, message, folder, tmp_path, capsys):
    assert message in usage_error(capsys, *command(name, folder, tmp_path, "--design", text))


def test_what_does_not_go_with_a_design(folder, tmp_path, capsys):
    theory = command("verify", folder, tmp_path, "--design", "block:2x2", "--theory")
    assert "--theory is about uniform masks" in usage_error(capsys, *theory)
    mask = ["--mask", folder / "0.png", "--design", "block:2x2"]
    assert "--design does not go with --mask" in usage_error(
        capsys, *command("psd", folder, tmp_path, *mask)[:4], *mask
    )


def test_help_lists_the_designs(capsys):
    with pytest.raises(SystemExit) as ended:
        main.main(["mask", "--design", "help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.rstrip() == sm.designs.help_text().rstrip()


def test_python_takes_texts_and_designs_that_have_one():
    design = sm.designs.block(sm.PatchGrid((32, 32), 4), (3, 2), rolled=False)
    options = AnalyzeOptions((4, 8), size=64, design=design)
    assert (options.design, options.mask_ratio) == ("block:3x2,unrolled", None)
    assert options.masks.on(design.grid) == design
    assert options == AnalyzeOptions((4, 8), size=64, design=design.text)
    given = sm.designs.from_masks(design.grid, np.eye(2, 64))
    with pytest.raises(ValueError, match=r"has no text: write its masks to an .npy file"):
        AnalyzeOptions((4,), size=32, design=given)
    with pytest.raises(ValueError, match=r"mask_ratio=0.5 and sampling='fixed' are"):
        AnalyzeOptions((4,), 0.5, size=32, design=design)
    with pytest.raises(TypeError, match="design=3 is neither"):
        MaskChoice(design=3)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("text", ["block:3x4", "block:3x4,unrolled"])
def test_records_agree_with_the_functions_they_are_made_of(text, channels):
    grid = sm.PatchGrid((48, 64), 8)
    design = sm.designs.parse(text).on(grid)
    image = np.random.default_rng(0).random((48, 64) if channels == 1 else (48, 64, channels))
    analyzer = MaskingAnalyzer(grid.shape, MaskingPlan(8, design=text), channels=channels)
    record = analyzer.analyze(image, rng=3)
    options = {"design": design, "channel_axis": None if channels == 1 else -1}
    expected = sm.expected_masked_psd(image, **options).radial()
    np.testing.assert_allclose(record.expected.power, expected.power, rtol=1e-13)
    assert record.leakage == pytest.approx(sm.leakage(image, **options).band(0, 1), rel=1e-12)
    assert record.mask_ratio == design.mask_ratio
    np.testing.assert_array_equal(record.mask.visible, design.sample(16, 3)[0])
    assert record.row()["design"] == text
    assert not record.defects
