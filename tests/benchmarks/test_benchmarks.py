"""The benchmarks run, compare equal things and write well-formed tables. No test looks at times."""

import itertools
import re
import time

import laws
import numpy as np
import pytest
from backends import needs_fftw
from PIL import Image
from tensor_kinds import needs_torch

import spectral_mae as sm
from benchmarks import peers, per_mask, stages, table
from benchmarks.__main__ import CONTESTS, SCRIPTS, entries, main
from benchmarks.contest import TINY, Contest, Ratio, Row, cores, run
from benchmarks.kept import Kept
from benchmarks.solves import rates
from spectral_mae._parallel import cores as usable_cores
from spectral_mae.masks.sampling import sample_kept

MARKED = "# Page\n\n<!-- ratios -->\nold\n<!-- end of ratios -->\nafter\n"


def cells(text):
    return [line.strip("|").split("|") for line in text.splitlines()]


# Two contests are against FFTW itself.
NEEDS = {
    "expected": needs_fftw,
    "masks": needs_fftw,
    "libraries": needs_fftw,  # or ducc0: without both SciPy stands alone
    "tensors": needs_torch,
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=NEEDS.get(name, ())) for name in CONTESTS],
)
def test_contests_run_on_tiny_problems_and_make_a_table(name):
    found = entries(name, TINY)
    rows, notes = [one.row for one in found], {one.title: one.note for one in found}
    assert rows
    assert all(one.data for one in found)
    for row in rows:
        low, middle, high = row.quartiles
        assert 0 <= low <= middle <= high < np.inf
        assert row.met in ((None,) if not row.bar else (True, False))
    text = table.table(rows, notes)
    assert {len(line) for line in cells(text)} == {5}
    assert all(row.what in text and row.title in text for row in rows)


def test_ratios_are_of_the_same_round_and_scaled(monkeypatch):
    clock = itertools.chain([0, 6, 6, 8], [10, 19, 20, 23], [30, 33, 40, 42])
    monkeypatch.setattr(time, "process_time", lambda: next(clock))
    contest = Contest(
        "title",
        {"a": lambda: None, "b": lambda: None},
        [Ratio("a over b", "a", "b", "≥ 12", 4.0), Ratio("b over a", "b", "a", "≤ 0.3")],
        rounds=3,
    )
    (first, second), seconds = run(contest, 0.0)
    assert first.quartiles == (9.0, 12.0, 12.0)
    assert (first.met, second.met) == (True, False)
    assert seconds == {"a": 6.0, "b": 2.0}


def test_one_thread_is_one_core():
    before = usable_cores()
    with cores(1):
        assert usable_cores() == 1
    assert usable_cores() == before


def test_shares_of_the_product_rate_count_operations():
    """Of d × d: 8 d³ a product, 8 d² n the sums of a band, 28/3 d³ its solve; then one of times."""
    (contest,) = rates(TINY)
    d, bands, n = 48, 10, TINY.band_images
    sums, hermitian, solve = (ratio.factor for ratio in contest.ratios[:3])
    assert sums == pytest.approx((bands - 1) * 8 * d**2 * n / (8 * d**3))
    assert hermitian == sums / 2
    assert solve == pytest.approx(bands * 28 / 3 * d**3 / (8 * d**3))


@pytest.mark.parametrize("n", [16, 30])
def test_peers_average_over_the_same_rings(n):
    image = laws.field((n, n))
    ours = sm.psd(image).radial()
    rings = slice(1, n // 2)
    for peer in (peers.numpy_recipe, peers.pysteps_rapsd):
        np.testing.assert_allclose(peer(image)[rings], ours.power[: n // 2 - 1], rtol=1e-12)


def test_a_table_is_written_between_its_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(MARKED, "utf-8")
    table.write("ratios", "new\n", page)
    assert page.read_text("utf-8") == MARKED.replace("old\n", "new\n\n")
    with pytest.raises(ValueError, match="markers '<!-- stages -->'"):
        table.write("stages", "new", page)


@pytest.mark.parametrize(("name", "columns"), [("ratios", 5), ("stages", 3), ("memory", 4)])
def test_the_page_holds_its_tables(name, columns):
    page = table.PAGE.read_text("utf-8")
    text = page.split(f"<!-- {name} -->")[1].split(f"<!-- end of {name} -->")[0]
    assert "Python" in text.strip().splitlines()[0]
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) > 10
    assert {len(line) for line in cells("\n".join(rows))} == {columns}


NONLINEAR = {"scale": 0, "hidden": 4, "frequencies": 7, "jacobians": 5, "lemmas": 6, "probes": 4,
             "layers": 6, "labels": 6, "sweeps": 0}  # fmt: skip


@pytest.mark.parametrize(("name", "columns"), NONLINEAR.items())
def test_the_page_of_nonlinear_models_holds_what_scripts_wrote(name, columns):
    """Zero stands for no table, or tables of several widths."""
    page = table.PAGE.with_name("nonlinear.md").read_text("utf-8")
    assert page.count(f"<!-- {name} -->") == 1
    text = page.split(f"<!-- {name} -->")[1].split(f"<!-- end of {name} -->")[0].strip()
    assert text
    rows = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("|")]
    if columns:
        assert len(rows) > 3
        assert {len(line) for line in cells("\n".join(rows))} == {columns}


def test_markdown_has_a_line_for_each_row():
    assert table.markdown(("a", "b"), [("1", "2")]) == "| a | b |\n|---|---|\n| 1 | 2 |"


def test_what_was_measured_is_not_measured_again(tmp_path):
    calls = []

    def measure():
        calls.append(1)
        return {"value": 3}

    for _ in range(2):
        kept = Kept(tmp_path / "results.json", {"scale": "cpu", "size": (1, 2)})
        assert kept.get("one", measure)["value"] == 3
    assert len(calls) == 1
    assert kept.get("one", measure)["seconds"] >= 0
    kept.get("two", measure)
    assert len(calls) == 2
    with pytest.raises(ValueError, match="written with"):
        Kept(tmp_path / "results.json", {"scale": "paper", "size": (1, 2)})


@pytest.mark.parametrize("ridge", [0.0, 0.01])
def test_the_map_per_mask_is_the_interpolator_and_the_regression(ridge):
    rng = np.random.default_rng(0)
    images = rng.standard_normal((200, 4, 6, 3)).cumsum(axis=1).cumsum(axis=2)
    grid = sm.PatchGrid((4, 6), 2)
    moments = sm.DenseMoments(grid, 3).update(images, channel_axis=-1)
    fill = per_mask.PerMask(moments, ridge)
    kept = sample_kept(6, 0.5, 5, rng=1)
    assert per_mask.distance_from_interpolator(fill, images[:5], kept) < 1e-5
    filled = fill(images[:5], kept)
    seen = grid.expand(kept)
    np.testing.assert_allclose(filled[seen], images[:5][seen], rtol=1e-12, atol=1e-12)
    about = images - images.mean(0)
    one = grid.expand(kept[0])
    x, y = about[:, one].reshape(200, -1), about[:, ~one].reshape(200, -1)
    penalty = np.sqrt(200 * ridge) * np.eye(x.shape[1])
    given = np.vstack([x, penalty]), np.vstack([y, np.zeros((x.shape[1], y.shape[1]))])
    regression = np.linalg.lstsq(*given)[0]
    truth = images.mean(0)[~one].ravel() + x[0] @ regression
    np.testing.assert_allclose(filled[0][~one].ravel(), truth, atol=1e-8)


def test_the_ridge_is_the_one_of_least_error(monkeypatch):
    rng = np.random.default_rng(0)
    images = rng.standard_normal((40, 4, 4, 1)).cumsum(axis=1)
    moments = sm.DenseMoments(sm.PatchGrid((4, 4), 2), 1).update(images[:12], channel_axis=-1)
    kept = sample_kept(4, 0.5, 28, rng=1)
    errors = {
        ridge: per_mask.hidden_error(
            per_mask.PerMask(moments, ridge), images[12:], kept, moments.grid
        )
        for ridge in (1e-3, 1.0, 1e3)
    }
    monkeypatch.setattr(per_mask, "RIDGES", tuple(errors))
    found = per_mask.best_ridge(moments, images[12:], kept)
    assert found == min(errors, key=errors.get) == 1.0


def test_missed_bars_are_shown():
    rows = [
        Row("t", "fast", (1.0, 2.0, 3.0), "≥ 2.5", 1),
        Row("t", "slow", (123.4, 234.5, 345.6), "", 1),
    ]
    lines = table.table(rows, {"t": "a note"}).splitlines()
    assert lines[2:] == [
        "| **t**: a note |  |  |  |  |",
        "| fast | 2 | 1 to 3 | ≥ 2.5 | **missed** |",
        "| slow | 234 | 123 to 346 |  |  |",
    ]


def test_the_inner_stage_has_the_time(monkeypatch):
    clock = iter([0, 5, 7, 11, 12, 20])
    monkeypatch.setattr(time, "thread_time", lambda: next(clock))
    watch = stages.Stopwatch()
    inner = watch.timed("inner", lambda: None)

    def work():
        inner()
        inner()

    watch.timed("outer", work)()
    assert watch.seconds == {"outer": 5 + 4 + 8, "inner": 2 + 1}


@pytest.mark.slow
def test_stages_of_a_batch_are_all_met(tmp_path):
    rng = np.random.default_rng(0)
    for name in "ab":
        pixels = rng.integers(0, 256, (40, 48), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.jpg")
    seconds = stages.profile([tmp_path], ["--size", "32", "--patch-size", "8"])
    assert set(seconds) == {stage for *_, stage in stages.STAGES} | {stages.REST}
    shares = stages.shares(seconds)
    assert 0 < sum(shares.values()) < 1
    text = table.stage_table(seconds, 2)
    assert len(cells(text)) == len(seconds) + 3
    named = set(itertools.chain(*stages.SHARES.values()))
    assert named == {stage for *_, stage in stages.STAGES}


def test_wrong_use_is_refused(capsys):
    for wrong in (["nothing"], ["masks", "--repeats", "0"]):
        with pytest.raises(SystemExit) as refusal:
            main(wrong)
        assert refusal.value.code == 2
    assert "no benchmark named nothing" in capsys.readouterr().err


def test_the_list_has_every_script(capsys):
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out
    own = (
        "__init__ __main__ contest crops history kept libraries nonlinear_pictures peers per_mask "
        "plan_comparison plan_pictures plan_trainings solves spectra stages table tensors"
    )
    files = {path.stem for path in table.PAGE.parents[1].glob("benchmarks/*.py")}
    files |= {path.parent.name for path in table.PAGE.parents[1].glob("benchmarks/*/__main__.py")}
    assert files - set(own.split()) == set(SCRIPTS)
    assert all(re.search(rf"^  {name}: ", listed, re.M) for name in [*CONTESTS, *SCRIPTS])
