"""Measured ratios are stored by version, gone on with, and compared. No test looks at times."""

import dataclasses
import json

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import table
from benchmarks.contest import TINY, Contest, Ratio
from benchmarks.history import Entry, Record, comparison
from spectral_mae import __version__

MARKED = "\n".join(f"<!-- {name} -->\nold\n<!-- end of {name} -->" for name in ("ratios", "stages"))
RATIOS = [Ratio("as fast as b", "a", "b", "≥ 1"), Ratio("time over that of a", "b", "a")]


def entry(what="as fast as b", values=(2.0,), bar="", title="Contest"):
    return Entry(title, what, bar, 1, "numbers", "", [list(values)])


@pytest.fixture
def measured(monkeypatch):
    """Names of what was measured: two contests that take no time, and the stages."""
    made = []

    def contest(name):
        def contests(size):
            made.append(name)
            works = {"a": lambda: None, "b": lambda: None}
            yield Contest(f"Contest {name}", works, RATIOS, rounds=size.rounds, note=f"of {name}")

        return contests

    def profile(paths):
        made.append("stages")
        return {"decoding": 3.0, "drawing": 1.0}

    monkeypatch.setattr(command, "CONTESTS", {name: contest(name) for name in ("one", "two")})
    monkeypatch.setattr(command, "profile", profile)
    return made


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(MARKED, "utf-8")
    return path


def run(*arguments, page, folder):
    return command.main([*arguments, "--tiny", "--write"], page, folder)


def test_all_is_stored_and_the_page_written(measured, page, tmp_path, capsys):
    assert run(page=page, folder=tmp_path) == 0
    assert measured == ["one", "two", "stages"]
    record = Record.read(__version__, tmp_path)
    assert record.machine == table.machine()
    assert {name: len(group) for name, group in record.entries.items()} == {"one": 2, "two": 2}
    first = record.entries["one"][0]
    assert (first.title, first.bar, first.note) == ("Contest one", "≥ 1", "of one")
    assert [len(rounds) for rounds in first.repeats] == [TINY.rounds]
    assert "random numbers" in first.data
    assert "photographs inside scikit-image" in record.stages["data"]
    text = page.read_text("utf-8")
    assert "old" not in text
    assert "**Contest two**: of two" in text
    assert "| in all |" in text
    assert "Contest one" in capsys.readouterr().out


def test_a_part_is_measured_and_the_page_waits_for_the_rest(measured, page, tmp_path, capsys):
    run("two", page=page, folder=tmp_path)
    assert measured == ["two"]
    assert page.read_text("utf-8") == MARKED
    assert "not measured yet: one" in capsys.readouterr().out
    run("--resume", page=page, folder=tmp_path)
    assert measured == ["two", "one", "stages"]
    assert "old" not in page.read_text("utf-8")
    run("--resume", page=page, folder=tmp_path)
    assert len(measured) == 3
    run("one", page=page, folder=tmp_path)
    assert measured[3:] == ["one"]
    assert set(Record.read(__version__, tmp_path).entries) == {"one", "two"}


def test_a_run_that_was_stopped_keeps_what_it_measured(measured, page, tmp_path, monkeypatch):
    def stopped(size):
        raise KeyboardInterrupt

    monkeypatch.setitem(command.CONTESTS, "two", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(page=page, folder=tmp_path)
    assert set(Record.read(__version__, tmp_path).entries) == {"one"}


@pytest.mark.parametrize(("name", "value"), [("machine", "another"), ("size", {"side": 1})])
def test_another_machine_or_size_is_not_gone_on_with(name, value, measured, page, tmp_path, capsys):
    run("one", page=page, folder=tmp_path)
    old = Record.read(__version__, tmp_path)
    dataclasses.replace(old, **{name: value}).write(tmp_path)
    with pytest.raises(SystemExit):
        run("--resume", page=page, folder=tmp_path)
    assert f"cannot resume: the {name} was " in capsys.readouterr().err
    run(page=page, folder=tmp_path)
    assert getattr(Record.read(__version__, tmp_path), name) == getattr(old, name)


def test_repeats_make_the_problems_anew(measured, page, tmp_path):
    run("one", "--repeats", "3", page=page, folder=tmp_path)
    assert measured == ["one"] * 3
    (first, _) = Record.read(__version__, tmp_path).entries["one"]
    assert [len(rounds) for rounds in first.repeats] == [TINY.rounds] * 3
    assert len(first.row.values) == 3 * TINY.rounds


def test_nothing_is_stored_unless_asked(measured, tmp_path):
    assert command.main(["one", "--tiny"], tmp_path / "page.md", tmp_path / "history") == 0
    assert not list(tmp_path.iterdir())


def test_bounds_hold_the_median_in_95_of_100_cases():
    rng = np.random.default_rng(0)
    for n, least in ((6, 0.95), (15, 0.95), (40, 0.95)):
        bounds = [entry(values=rng.standard_normal(n)).bounds for _ in range(2000)]
        held = np.mean([low <= 0.0 <= high for low, high in bounds])
        assert held > least - 0.01, n
    assert entry(values=[3.0, 1.0, 2.0]).bounds == (1.0, 3.0)
    assert entry(values=range(15)).bounds == (3, 11)
    repeated = dataclasses.replace(entry(), repeats=[list(range(15)), [20.0, 21.0, 20.5]])
    assert repeated.bounds == (4.0, 20.5)


@pytest.mark.parametrize(
    ("what", "bar", "before", "after", "change", "verdict"),
    [
        ("as fast as b", "", [1.0, 1.1, 1.2], [2.0, 2.2, 2.4], "+100.0%", "better"),
        ("as fast as b", "≥ 4", [2.0, 2.2, 2.4], [1.0, 1.1, 1.2], "-50.0%", "**worse**"),
        ("time over that of b", "", [1.0, 1.1, 1.2], [2.0, 2.2, 2.4], "+100.0%", "**worse**"),
        ("ratio", "≤ 2", [2.0, 2.2, 2.4], [1.0, 1.1, 1.2], "-50.0%", "better"),
        ("as fast as b", "", [1.0, 1.1, 2.1], [2.0, 2.2, 2.4], "+100.0%", "within noise"),
    ],
)
def test_changes_are_told_from_noise(what, bar, before, after, change, verdict):
    old, new = (
        Record(version, entries={"one": [entry(what, values, bar)]})
        for version, values in (("1.0", before), ("1.1", after))
    )
    lines = comparison(old, new).splitlines()
    assert lines[1].endswith("the same machine")
    cells = [cell.strip() for cell in lines[-1].strip("|").split("|")]
    assert cells[0] == what
    assert cells[3:] == [change, verdict]
    assert cells[1].startswith(table.number(sorted(before)[1]))


def test_what_one_version_lacks_is_said():
    stages = {"data": "2 images", "milliseconds": {"decoding": 2.0}}
    old = Record("1.0", "one machine", {"side": 1}, {"a": [entry("old")]}, stages)
    new = Record("1.1", "another", {"side": 2}, {"a": [entry("new")]}, stages)
    text = comparison(old, new)
    assert "machines or the packages differ" in text
    assert "sizes of the problems differ" in text
    assert "| old | 2 (2 to 2) | not measured |  |  |" in text
    assert "| new | not measured | 2 (2 to 2) |  |  |" in text
    assert "| decoding | 2 | 2 |" in text


def test_the_command_compares_versions_and_files(tmp_path, capsys):
    for version, value in (("1.0", 2.0), ("1.1", 4.0)):
        Record(version, entries={"one": [entry(values=[value])]}).write(tmp_path)
    assert command.main(["compare", "1.0", str(tmp_path / "1.1.json")], folder=tmp_path) == 0
    assert (
        "| as fast as b | 2 (2 to 2) | 4 (4 to 4) | +100.0% | better |" in capsys.readouterr().out
    )
    with pytest.raises(SystemExit):
        command.main(["compare", "1.0", "2.0"], folder=tmp_path)
    assert "versions: 1.0, 1.1" in capsys.readouterr().err


def test_stored_records_are_of_their_versions():
    for path in command.history.FOLDER.glob("*.json"):
        record = Record.read(path.stem)
        assert record.version == path.stem
        assert json.loads(path.read_text("utf-8"))["ratios"]
