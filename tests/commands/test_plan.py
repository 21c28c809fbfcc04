"""``plan`` as its user runs it: page, table, JSON, several shapes, runs that go on."""

import json
import re
from collections import Counter

import numpy as np
import pytest
from command_runs import read_csv, run, usage_error
from model_runs import add_broken, keep_figures, photograph, write_photographs

import spectral_mae as sm
from spectral_mae.batch.models import plan_images
from spectral_mae.cli.shared import OK, SOME_FAILED

SMALL = ["--size", 16, "--patch-size", 4, 2, "--mask-ratio", 0.5, 0.75, "--holdout", 0.4]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_photographs(tmp_path_factory.mktemp("photographs"))


@pytest.fixture
def drawn(monkeypatch):
    return keep_figures(monkeypatch)


def test_page_table_and_json_say_the_same(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("plan", folder, "--out", out, *SMALL) == OK
    told = capsys.readouterr().out
    plan = sm.Plan.from_json((out / "plan.json").read_text())
    assert [(one.patch_size, one.mask_ratio) for one in plan.settings] == [
        (4, 0.5), (4, 0.75), (2, 0.5), (2, 0.75),
    ]  # fmt: skip
    rows = read_csv(out / "plan.csv")
    for row, one in zip(rows, plan.settings, strict=True):
        assert float(row["explained"]) == pytest.approx(one.explained, rel=1e-6)
    assert str(plan) in told
    page = (out / "report.html").read_text()
    for one in plan.settings:
        assert f"{one.explained:.3f} ± {one.stderr:.3f}" in page
        assert one.difficulty.text in page
    assert page.count("data:image/png;base64,") == 4
    assert "6 images fitted, 2 other images scored" in re.sub(r"\s+", " ", page)
    assert "It does not say which is best" in re.sub(r"\s+", " ", page)
    record = json.loads((out / "run.json").read_text())
    assert record["command"] == "plan"
    assert record["counts"]["fitted"] == 6


def test_rows_are_those_of_python(folder, tmp_path, drawn):
    out = tmp_path / "out"
    assert run("plan", folder, "--out", out, *SMALL, "--seed", 3, "--design", "block:1x1") == OK
    plan = sm.plan(folder, [4, 2], [0.5, 0.75], size=16, holdout=0.4, rng=3, designs=["block:1x1"])
    found = [float(row["drawn"]) for row in read_csv(out / "plan.csv")]
    assert found == pytest.approx(
        [float(one.drawn.explained[0]) for one in plan.settings], rel=1e-6
    )


def test_native_images_of_several_shapes(tmp_path, drawn, capsys):
    images = tmp_path / "images"
    images.mkdir()
    for i in range(9):
        photograph(images / f"{i}.png", [(18, 26), (26, 18)][i % 2], i)
    photograph(images / "odd.png", (40, 12), 9)
    out = tmp_path / "out"
    options = ["--size", "native", "--patch-size", 4, 2, "--holdout", 0.4, "--seed", 1]
    assert run("plan", images, "--out", out, *options) == OK
    plan = sm.Plan.from_json((out / "plan.json").read_text())
    assert {one.shape for one in plan.measured} == {(16, 24), (24, 16)}
    assert plan.counts["left_out"] == 1
    assert "left out" in capsys.readouterr().err


def test_broken_images_are_told_and_the_others_planned(folder, tmp_path, drawn):
    mixed = add_broken(folder, tmp_path / "mixed")
    out = tmp_path / "out"
    assert run("plan", mixed, "--out", out, *SMALL, "--holdout", 0.2) == SOME_FAILED
    assert json.loads((out / "run.json").read_text())["counts"]["failed"] == 2


def test_a_run_that_was_ended_goes_on_without_what_it_has(folder, tmp_path, drawn, monkeypatch):
    whole, out = tmp_path / "whole", tmp_path / "out"
    more = [*SMALL, "--design", "fixed:M", "--design", "block:1x1"]
    assert run("plan", folder, "--out", whole, *more) == OK
    measured, count = plan_images.measured, Counter()

    def ended(*arguments, **options):
        for one in measured(*arguments, **options):
            count["settings"] += 1
            yield one
            if count["settings"] == 4:
                raise KeyboardInterrupt

    monkeypatch.setattr(plan_images, "measured", ended)
    assert run("plan", folder, "--out", out, *more) == 130
    assert count.pop("settings") == 4
    assert not (out / "plan.csv").exists()
    assert run("plan", folder, "--out", out, *more, "--resume") == OK
    assert count["settings"] == 2  # of six
    assert (out / "plan.csv").read_text() == (whole / "plan.csv").read_text()
    assert run("plan", folder, "--out", out, *more, "--resume") == OK


def test_a_complete_run_is_complete(folder, tmp_path, drawn, capsys):
    out = tmp_path / "out"
    assert run("plan", folder, "--out", out, *SMALL) == OK
    capsys.readouterr()
    assert run("plan", folder, "--out", out, *SMALL, "--resume") == OK
    assert capsys.readouterr().out == f"{out} is complete already\n"


def test_results_do_not_depend_on_the_workers(folder, tmp_path, drawn):
    one, two = tmp_path / "one", tmp_path / "two"
    assert run("plan", folder, "--out", one, *SMALL) == OK
    assert run("plan", folder, "--out", two, *SMALL, "--jobs", 2) == OK
    assert (one / "plan.csv").read_text() == (two / "plan.csv").read_text()


def test_it_says_what_it_will_cost_before_it_starts(folder, tmp_path, drawn, capsys):
    assert run("plan", folder, "--out", tmp_path / "out", *SMALL) == OK
    told = capsys.readouterr().err
    assert re.search(r"4 settings on images of 16x16: about \d+ s to solve", told)
    assert run("plan", folder, "--out", tmp_path / "quiet", *SMALL, "--quiet") == OK
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--size", "small"], "--size 'small'"),
        (["--size", 16, "--patch-size", 5], "patch_size=5 does not divide size=16"),
        (["--size", 16, "--holdout", 0], "images held out"),
        (["--size", 16, "--design", "blok:2"], "no design 'blok'"),
        (["--size", 16, "--width", 0], "width"),
        (["--size", 16, "--patch-size", 16], "no setting"),
    ],
)
def test_usage_errors(folder, tmp_path, capsys, options, told):
    assert told in usage_error(capsys, "plan", folder, "--out", tmp_path / "out", *options)


def test_too_many_shapes_are_refused(tmp_path, capsys):
    images = tmp_path / "images"
    images.mkdir()
    for i in range(24):
        photograph(images / f"{i}.png", (8 + 2 * i, 8), i)
    options = ["--size", "native", "--patch-size", 2]
    refused = usage_error(capsys, "plan", images, "--out", tmp_path / "out", *options)
    assert "more than 16 shapes" in refused
    assert np.all([not (tmp_path / "out" / name).exists() for name in ("plan.csv", "run.json")])
