"""``plan`` as its user runs it: page, table, JSON, several shapes, runs that go on."""

import html
import json
import re
from collections import Counter

import numpy as np
import pytest
from command_runs import read_csv, run, usage_error
from model_runs import add_broken, photograph, write_photographs

import spectral_mae as sm
from spectral_mae.batch.models import plan_images, plan_page
from spectral_mae.cli.console.answer import OK, SOME_FAILED

pytestmark = pytest.mark.slow

SMALL = ["--size", 16, "--patch-size", 4, 2, "--mask-ratio", 0.5, 0.75, "--holdout", 0.4]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_photographs(tmp_path_factory.mktemp("photographs"))


@pytest.fixture
def drawn(monkeypatch):
    """Pictures are not drawn, to be quick."""

    def save(figure, path):
        path.touch()
        path.with_suffix(".svg").write_text('<svg viewBox="0 0 1 1"></svg>')

    monkeypatch.setattr(plan_page, "save_lines", save)


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
    page = html.unescape((out / "report.html").read_text())
    for one in plan.settings:
        assert f"{one.explained:.3f} ± {one.stderr:.3f}" in page
        assert one.difficulty.text in page
    assert page.count('role="img"') == 4
    assert "<img" not in page
    words = re.sub(r"\s+", " ", page)
    assert "It does not say which is best" in words
    counts = "10 images found: 6 fitted, 2 held out to choose the shrinkage, 2 held out and scored."
    assert counts in words
    assert counts in told
    assert f"<code>spectral-mae plan {folder} --out {out} --size 16" in page
    assert f"spectral-mae {sm.__version__}" in page
    assert "middle cropped to 16 × 16" in page
    record = json.loads((out / "run.json").read_text())
    assert record["command"] == "plan"
    assert record["counts"]["fitted"] == 6


@pytest.mark.slow
def test_the_headline_has_an_interval_everywhere(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("plan", folder, "--out", out, *SMALL) == OK
    told, page = capsys.readouterr().out, html.unescape((out / "report.html").read_text())
    plain = json.loads((out / "plan.json").read_text())["as_hard_as"]
    for row, table in zip(plain, read_csv(out / "as_hard_as.csv"), strict=True):
        assert row["mask_ratio_low"] < row["mask_ratio_high"]
        assert row["mask_ratio_low"] <= row["mask_ratio"] <= row["mask_ratio_high"]
        for name in ("mask_ratio", "mask_ratio_low", "mask_ratio_high"):
            assert float(table[name]) == pytest.approx(row[name])
        assert f"<strong>{row['text']}</strong>" in page
        assert f"{row['patch_size']} px, {row['design']}: {row['text']}" in told
    assert "text" not in table


def test_the_page_says_what_designs_are_and_what_was_left_out(folder, tmp_path, capsys):
    """Octaves of all designs are by one measure, the one of the picture."""
    out, designs = tmp_path / "out", ["--design", "fixed:M", "--design", "block:4x4"]
    assert run("plan", folder, "--out", out, *SMALL, *designs) == OK
    told = capsys.readouterr().out
    page = re.sub(r"\s+", " ", html.unescape((out / "report.html").read_text()))
    assert "<code>block:4x4</code>: one block of 4 × 4 patches is hidden" in page
    assert "<code>fixed:M</code>: a fixed number of patches is kept" in page
    plan = sm.Plan.from_json((out / "plan.json").read_text())
    (reason,) = plan.left_out
    assert reason.startswith("block:4x4 with patches of 4 pixels, on images of 16 × 16: ")
    assert f"<li>{reason}</li>" in page
    assert f"left out: {reason}" in told
    assert "encoder of width 768 and depth 12" in page
    assert "decoder of width 512 and depth 8" in page
    octaves = page.split("Explained by octave of frequency (cycles/pixel), drawn masks")[1]
    for one in plan.settings:
        shown = [f"{value + 0.0:.2f}".replace("-0.00", "0.00") for value in one.drawn.explained[1:]]
        cells = "".join(f"<td>{text.replace('-', '−').replace('nan', '–')}</td>" for text in shown)
        assert cells in octaves
        assert one.row()["octaves_of"] == ("drawn" if one.exact is None else "exact")


@pytest.mark.slow
def test_rows_are_those_of_python(folder, tmp_path, drawn):
    out, two = tmp_path / "out", ["--design", "fixed:M", "--design", "block:1x1"]
    assert run("plan", folder, "--out", out, *SMALL, "--seed", 3, *two) == OK
    plan = sm.plan(
        folder, [4, 2], [0.5, 0.75], size=16, holdout=0.4, rng=3, designs=["fixed:M", "block:1x1"]
    )
    found = [float(row["drawn"]) for row in read_csv(out / "plan.csv")]
    assert found == pytest.approx(
        [float(one.drawn.explained[0]) for one in plan.settings], rel=1e-6
    )


@pytest.mark.slow
def test_a_limit_uses_so_many_images(folder, tmp_path, drawn, capsys):
    out = tmp_path / "out"
    assert run("plan", folder, "--out", out, *SMALL, "--limit", 7) == OK
    assert "10 images found: 3 not drawn (the limit), 4 fitted" in capsys.readouterr().out
    plan = sm.plan(folder, [4, 2], [0.5, 0.75], size=16, holdout=0.4, limit=7)
    assert plan.n_fitted == 4
    found = [float(row["explained"]) for row in read_csv(out / "plan.csv")]
    assert found == pytest.approx([one.explained for one in plan.settings], rel=1e-6)
    counts = dict(plan.counts)
    assert counts.pop("found") == sum(counts.values())


def test_crops_of_an_image_stay_together_and_count_as_one(folder):
    plan = sm.plan(folder, [4], [0.5], size=12, crops=3, holdout=0.4)
    assert (plan.n_fitted, plan.n_scored, plan.counts["choosing"]) == (18, 2, 2)
    assert plan.settings[0].exact.n_images == 2


def test_with_a_shrinkage_all_images_held_out_are_scored(folder):
    plan = sm.plan(folder, [4], [0.5], size=16, holdout=0.4, shrinkage=0.3)
    assert (plan.n_scored, plan.counts["choosing"]) == (4, 0)
    assert {one.shrinkage for one in plan.settings} == {0.3}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.slow
def test_moments_too_large_to_travel_are_added_up_here(folder, tmp_path, drawn, monkeypatch, jobs):
    """Reading images again, one shape and patch size at a time, changes nothing but the order."""
    options = ["--size", "native", "--patch-size", 4, 2, "--holdout", 0.4, "--jobs", jobs]
    assert run("plan", folder, "--out", tmp_path / "sent", *options) == OK
    monkeypatch.setattr(plan_images, "LARGE", 16 * 4**2 * 10)  # patches of 2 pixels are below it
    assert run("plan", folder, "--out", tmp_path / "here", *options) == OK
    monkeypatch.setattr(plan_images, "LARGE", 0)
    assert run("plan", folder, "--out", tmp_path / "all", *options) == OK
    sent, *others = (
        sm.Plan.from_json((tmp_path / name / "plan.json").read_text())
        for name in ("sent", "here", "all")
    )
    for other in others:
        assert other.counts == sent.counts
        for one, same in zip(sent.settings, other.settings, strict=True):
            assert same.explained == pytest.approx(one.explained, rel=1e-9)


@pytest.mark.slow
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
    assert 'scored. <a href="#failed">Those that' in (out / "report.html").read_text()


@pytest.mark.slow
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


@pytest.mark.slow
def test_results_do_not_depend_on_the_workers(folder, tmp_path, drawn):
    one, two = tmp_path / "one", tmp_path / "two"
    assert run("plan", folder, "--out", one, *SMALL) == OK
    assert run("plan", folder, "--out", two, *SMALL, "--jobs", 2) == OK
    assert (one / "plan.csv").read_text() == (two / "plan.csv").read_text()


@pytest.mark.slow
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
        (["--size", 16, "--limit", 0], "--limit 0 is not at least 1"),
        (["--design", "block:2x2", "--mask-ratio", 0.75], "write M where the ratios are to stand"),
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
