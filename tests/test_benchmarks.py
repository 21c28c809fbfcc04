"""The benchmarks run, compare equal things and write well-formed tables. No test looks at times."""

import itertools
import re
import time

import laws
import numpy as np
import pytest
from PIL import Image

import spectral_mae as sm
from benchmarks import peers, stages, table
from benchmarks.__main__ import CONTESTS, SCRIPTS, main, measure
from benchmarks.contest import TINY, Contest, Ratio, Row, cores, run
from benchmarks.solves import rates
from spectral_mae.parallel import cores as usable_cores

MARKED = "# Page\n\n<!-- ratios -->\nold\n<!-- end of ratios -->\nafter\n"


def cells(text):
    return [line.strip("|").split("|") for line in text.splitlines()]


@pytest.mark.parametrize("name", CONTESTS)
def test_contests_run_on_tiny_problems_and_make_a_table(name):
    rows, notes = measure([name], TINY)
    assert rows
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
    """Of d × d: 8 d³ a product, 8 d² n the sums of a band, 28/3 d³ its solve."""
    (contest,) = rates(TINY)
    d, bands, n = 48, 10, TINY.band_images
    sums, hermitian, solve = (ratio.factor for ratio in contest.ratios)
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


@pytest.mark.parametrize(("name", "columns"), [("ratios", 5), ("stages", 3)])
def test_the_page_holds_both_tables(name, columns):
    page = table.PAGE.read_text("utf-8")
    text = page.split(f"<!-- {name} -->")[1].split(f"<!-- end of {name} -->")[0]
    assert "Python" in text.strip().splitlines()[0]
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) > 10
    assert {len(line) for line in cells("\n".join(rows))} == {columns}


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


def test_the_command_writes_the_page(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text(MARKED, "utf-8")
    assert main(["--tiny", "--write", *CONTESTS], page) == 0
    written = page.read_text("utf-8")
    assert "old" not in written
    assert table.machine() in written
    assert capsys.readouterr().out.strip().endswith(written.splitlines()[-3])


def test_wrong_use_is_refused(capsys):
    for wrong in (["nothing"], ["masks", "--write", "--tiny"]):
        with pytest.raises(SystemExit) as refusal:
            main(wrong)
        assert refusal.value.code == 2
    assert "no benchmark named nothing" in capsys.readouterr().err


def test_the_list_has_every_script(capsys):
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out
    own = {
        "__init__",
        "__main__",
        "contest",
        "crops",
        "kept",
        "peers",
        "solves",
        "spectra",
        "stages",
    }
    files = {path.stem for path in table.PAGE.parents[1].glob("benchmarks/*.py")}
    assert files - own - {"per_mask", "solves", "spectra", "stages", "table"} == set(SCRIPTS)
    assert all(re.search(rf"^  {name}: ", listed, re.M) for name in [*CONTESTS, *SCRIPTS])
