"""``sweep`` as its user runs it, against separate fits of the API."""

import json
import re

import numpy as np
import pytest
from command_runs import read_csv, run, usage_error
from model_runs import SMALL, add_broken, integers, keep_figures, parts, read, write_photographs

import spectral_mae as sm
from spectral_mae.cli.console.answer import OK, SOME_FAILED
from spectral_mae.images.stream import ImageStream


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_photographs(tmp_path_factory.mktemp("photographs"))


@pytest.fixture
def drawn(monkeypatch):
    return keep_figures(monkeypatch)


@pytest.fixture
def with_broken(folder, tmp_path):
    return add_broken(folder, tmp_path / "mixed")


CELLS = ["patch_size", "mask_ratio", "shrinkage"]
VALUES = ["explained_fitted", "explained_held_out", "loss_held_out"]
GRID = ["--size", 16, "--patch-size", 8, 4, "--mask-ratio", 0.75, 0.25, 0.5]


@pytest.mark.slow
@pytest.mark.parametrize("covariance", ["banded", "dense", "stationary"])
@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ([], {}),
        (["--target", "hidden", "--sampling", "bernoulli"],
         {"target": "hidden", "sampling": "bernoulli"}),
    ],
)  # fmt: skip
def test_cells_are_separate_fits_scored_on_images_held_out(
    folder, tmp_path, capsys, drawn, covariance, options, parameters
):
    out = tmp_path / "out"
    more = ["--covariance", covariance, "--shrinkage", 0.2, "--holdout", 0.3, "--seed", 5]
    assert run("sweep", folder, "--out", out, *GRID, *more, *options) == OK
    fitted, held_out = map(read, parts(folder, 0.3, 5))
    rows = read_csv(out / "sweep.csv")
    assert list(rows[0]) == [CELLS[0], "design", *CELLS[1:], *VALUES, "hidden"]
    assert rows[0]["design"] == f"{parameters.get('sampling', 'fixed')}:0.25"
    cells = [tuple(float(row[c]) for c in CELLS) for row in rows]
    assert cells == [(p, m, 0.2) for p in (8, 4) for m in (0.25, 0.5, 0.75)]
    lines = capsys.readouterr().out.splitlines()
    for row in rows:
        p, m = int(row["patch_size"]), float(row["mask_ratio"])
        assert float(row["hidden"]) == pytest.approx(m)
        model = sm.LinearMAE(p, m, covariance=covariance, shrinkage=0.2, **parameters).fit(fitted)
        score = model.score(held_out)
        power = np.sum((held_out - model.mean_) ** 2) / len(held_out)
        power *= m if "target" in parameters else 1
        expected = [1 - model.loss_ / model.trace_, score, power * (1 - score)]
        np.testing.assert_allclose([float(row[c]) for c in VALUES], expected, rtol=2e-7)
        (line,) = [line for line in lines if re.match(rf" +{p} ", line)]
        assert f"{score:.4f}" == line.split()[2:][[0.25, 0.5, 0.75].index(m)]
        assert line.split()[:2] == [str(p), "–" if covariance == "stationary" else "0.2"]
    assert integers(lines[0]) == [7, 3]
    assert ("hidden pixels" in lines[1]) == ("target" in parameters)
    assert lines[2].split() == ["patch", "size", "shrinkage", "m=0.25", "m=0.5", "m=0.75"]
    assert lines[-1] == f"sweep.csv and sweep.png in {out}"


@pytest.mark.slow
def test_shrinkage_is_chosen_once_per_patch_size(folder, tmp_path, drawn):
    out = tmp_path / "out"
    assert run("sweep", folder, "--out", out, *GRID, "--color", "--holdout", 0.3) == OK
    fitted, held_out = (read(some, color=True) for some in parts(folder, 0.3))
    for p in (8, 4):
        middle = sm.LinearMAE(p, 0.5).fit(fitted, channel_axis=-1)
        middle.choose_shrinkage(held_out, channel_axis=-1)
        rows = [row for row in read_csv(out / "sweep.csv") if row["patch_size"] == str(p)]
        assert len(rows) == 3
        for row in rows:
            assert float(row["shrinkage"]) == middle.shrinkage
            model = sm.LinearMAE(p, float(row["mask_ratio"]), shrinkage=middle.shrinkage)
            model.fit(fitted, channel_axis=-1)
            found = float(row["explained_held_out"])
            assert found == pytest.approx(model.score(held_out, channel_axis=-1), rel=2e-7)


def test_the_middle_of_the_possible_ratios_chooses(folder, tmp_path, drawn, monkeypatch):
    def choose(model, images):
        model.shrinkage = model.mask_ratio / 10

    monkeypatch.setattr(sm.LinearMAE, "choose_shrinkage", choose)
    out = tmp_path / "out"
    # Of four patches 0.9 would keep none, so that 0.5 is the middle of three there.
    options = ["--size", 16, "--patch-size", "8,4", "--mask-ratio", "0.25,0.5,0.75,0.9"]
    assert run("sweep", folder, "--out", out, *options) == OK
    chosen = [(row["patch_size"], row["shrinkage"]) for row in read_csv(out / "sweep.csv")]
    assert chosen == [("8", "0.05")] * 3 + [("4", "0.075")] * 4


def test_map_shows_the_table(folder, tmp_path, drawn):
    out = tmp_path / "out"
    options = ["--size", 16, "--patch-size", "8,4,8", "--mask-ratio", "0.9,0.5,0.5"]
    target = ["--target", "hidden", "--shrinkage", 0.2]
    assert run("sweep", folder, "--out", out, *options, *target) == OK
    rows = read_csv(out / "sweep.csv")
    # Of four patches a mask ratio of 0.9 would keep none.
    cells = [(row["patch_size"], row["mask_ratio"]) for row in rows]
    assert cells == [("8", "0.5"), ("4", "0.5"), ("4", "0.9")]
    axes = drawn[out / "sweep.png"].axes[0]
    shown = np.ma.filled(axes.images[0].get_array(), np.nan)
    values = [float(row["explained_held_out"]) for row in rows]
    np.testing.assert_allclose(shown, [[values[0], np.nan], values[1:]], rtol=1e-7)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["8", "4"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.5", "0.9"]
    assert axes.get_title() == "linear MAE, hidden pixels, 2 images held out"


def test_impossible_cells_are_dashes(folder, tmp_path, capsys, drawn):
    options = ["--size", 16, "--patch-size", "16,8", "--mask-ratio", "0.5,0.9", "--shrinkage", 0.2]
    assert run("sweep", folder, "--out", tmp_path / "o", *options) == OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].split() == ["16", "–", "–", "–"]
    assert lines[4].split()[:2] == ["8", "0.2"]
    assert lines[4].split()[3] == "–"
    (row,) = read_csv(tmp_path / "o" / "sweep.csv")
    assert (row["patch_size"], row["mask_ratio"]) == ("8", "0.5")


def test_columns_may_be_designs(folder, tmp_path, capsys, drawn):
    """One that does not fit the patches has no row; scores are of the images as they are."""
    texts = ["block:2x2,unrolled", "fixed:0.5", "stratified:4x4,3"]
    given = [option for text in texts for option in ("--design", text)]
    options = ["--size", 16, "--patch-size", "8,4", "--shrinkage", 0.2, "--holdout", 0.3]
    assert run("sweep", folder, "--out", tmp_path / "o", *options, *given) == OK
    rows = read_csv(tmp_path / "o" / "sweep.csv")
    cells = [(row["patch_size"], row["design"]) for row in rows]
    assert cells == [("8", texts[1]), *(("4", text) for text in texts)]
    fitted, held_out = map(read, parts(folder, 0.3))
    for row in rows:
        grid = sm.PatchGrid((16, 16), int(row["patch_size"]))
        design = sm.designs.parse(row["design"]).on(grid)
        model = sm.LinearMAE(design=design, shrinkage=0.2).fit(fitted)
        assert float(row["explained_held_out"]) == pytest.approx(model.score(held_out), rel=2e-7)
        assert float(row["mask_ratio"]) == pytest.approx(design.mask_ratio, rel=2e-7)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == ["patch", "size", "shrinkage", *texts]
    assert lines[3].split()[::2] == ["8", "–", "–"]
    axes = drawn[tmp_path / "o" / "sweep.png"].axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == texts
    assert axes.get_xlabel() == "design of the masks"


def test_designs_that_cannot_be_are_refused(folder, tmp_path, capsys):
    base = ["sweep", folder, "--out", tmp_path / "o", "--size", 16, "--patch-size", 8]
    for options, message in [
        (["--design", "blok:2"], "did you mean 'block'"),
        (["--design", "block:3x3"], "is larger than"),
        (["--design", "block:1", "--mask-ratio", 0.5], "mask_ratios=[0.5]"),
        (["--design", "block:1", "--sampling", "bernoulli"], "sampling='bernoulli'"),
        (["--design", "block:1x1,unrolled", "--target", "hidden"], "third-order"),
    ]:
        assert message in usage_error(capsys, *base, *options)


def test_ratios_and_sizes_that_were_not_given(folder, tmp_path, drawn):
    options = ["--size", 32, "--shrinkage", 0.5]
    assert run("sweep", folder, "--out", tmp_path / "o", *options) == OK
    cells = [
        (int(r["patch_size"]), float(r["mask_ratio"]))
        for r in read_csv(tmp_path / "o" / "sweep.csv")
    ]
    assert cells == [(p, m) for p in (8, 16) for m in (0.25, 0.5, 0.6, 0.75, 0.9)][:-1]


@pytest.mark.slow
def test_equal_seeds_sweep_equal_tables(folder, tmp_path):
    outs = [tmp_path / name for name in ("a", "b", "c")]
    options = ["--size", 8, "--patch-size", 4, "--mask-ratio", 0.5, "--crops", 3]
    for out, seed in zip(outs, (1, 1, 2), strict=True):
        assert run("sweep", folder, "--out", out, *options, "--seed", seed) == OK
    first, again, other = ((out / "sweep.csv").read_bytes() for out in outs)
    assert first == again != other
    assert (outs[0] / "sweep.png").read_bytes() == (outs[1] / "sweep.png").read_bytes()


def test_broken_files_of_a_sweep_are_named(with_broken, tmp_path, capsys, drawn):
    out = tmp_path / "out"
    options = [*SMALL, "--mask-ratio", 0.5, "--shrinkage", 0.2]
    assert run("sweep", with_broken, "--out", out, *options) == SOME_FAILED
    printed = capsys.readouterr()
    assert f"failed: {with_broken / 'bad&.png'}: " in printed.err
    assert len(read_csv(out / "sweep.csv")) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--holdout", 0], "holdout=0: a sweep compares images held out"),
        (["--holdout", 2], "holdout=2.0"),
        (["--patch-size", 5], "patch_size=5 does not divide size=16; its divisors are 1, 2, 4, 8"),
        (["--mask-ratio", 1], "mask_ratio=1.0"),
        (["--mask-ratio", 0.99], "no mask ratio of [0.99] hides some patches of [4] pixels"),
        (["--shrinkage", "much"], "--shrinkage 'much' is neither a number nor 'auto'"),
        (["--shrinkage", -1], "shrinkage=-1.0"),
        (["--size", "16x16"], "--size '16x16' is not a number of pixels"),
        (["--size", 224, "--covariance", "dense"], "18.8 GiB"),
        (["--out", "file"], "--out file is a file, not a folder"),
    ],
)
def test_impossible_sweeps_are_refused_in_one_line(
    folder, tmp_path, capsys, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ImageStream, "batches", None)
    (tmp_path / "file").write_text("here")
    assert message in usage_error(capsys, "sweep", folder, "--out", "o", *SMALL, *arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def options_of(record):
    return json.loads(record.read_text())["options"]


@pytest.mark.slow  # patches of 32 pixels, by default
def test_the_record_says_what_was_run(folder, tmp_path, drawn, monkeypatch):
    # To choose among shrinkages takes most of the time, and has tests of its own.
    monkeypatch.setattr(sm.LinearMAE, "choose_shrinkage", lambda model, _: None)
    assert run("sweep", folder, "--size", 64, "--out", tmp_path / "a") == OK
    options = options_of(tmp_path / "a" / "run.json")
    rows = read_csv(tmp_path / "a" / "sweep.csv")
    assert options["patch_size"] == [8, 16, 32]
    assert options["mask_ratio"] == [0.25, 0.5, 0.6, 0.75, 0.9]
    assert {int(row["patch_size"]) for row in rows} == set(options["patch_size"])
    assert {float(row["mask_ratio"]) for row in rows} == set(options["mask_ratio"])
    assert (options["shrinkage"], options["target"]) == ("auto", "all")
    assert options["paths"] == [str(folder)]


def test_lists_may_be_spelled_in_several_ways(folder, tmp_path, drawn, capsys):
    command = ["sweep", folder, "--size", 16, "--out", tmp_path]
    ratios = ["--mask-ratio", 0.5]
    assert run(*command, "--patch-size", 4, "--patch-size", 8, *ratios) == OK
    assert options_of(tmp_path / "run.json")["patch_size"] == [4, 8]
    capsys.readouterr()
    assert run(*command, "--patch-size", "4,8", *ratios, "--resume") == OK
    assert "complete already" in capsys.readouterr().out
    line = usage_error(capsys, *command, "--patch-size", "8", *ratios, "--resume")
    assert "patch_size" in line
