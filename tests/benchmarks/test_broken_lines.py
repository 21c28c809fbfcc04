"""The lines that `benchmarks.broken_lines` breaks are there, and a broken one is caught."""

import pytest

from benchmarks import broken_lines
from benchmarks.broken_lines import LINES, ROOT, caught_by, copy_tree


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.file}: {line.old}")
def test_every_line_stands_once_in_its_file(line):
    text = (ROOT / "spectral_mae" / line.file).read_text("utf-8")
    assert text.count(line.old) == 1
    assert line.old != line.new


@pytest.mark.parametrize("failing", [set(), {"tests/batch/test_merge_tree.py::test_a"}])
def test_tests_that_fail_anyway_do_not_count(failing, tmp_path, monkeypatch):
    line = LINES[-1]
    file = tmp_path / "spectral_mae" / line.file
    file.parent.mkdir(parents=True)
    file.write_text(line.old)
    fails = {"tests/x::always": lambda text: True, "tests/x::law": lambda text: line.new in text}

    def first_failure(copy, *arguments):
        assert copy == tmp_path
        chosen = [name for name in fails if name in arguments] or fails
        for name in chosen:
            if f"--deselect={name}" not in arguments and fails[name](file.read_text()):
                return name
        return None

    monkeypatch.setattr(broken_lines, "first_failure", first_failure)
    assert caught_by(line, tmp_path, [], failing) == "tests/x::law"
    assert "tests/x::always" in failing
    assert file.read_text() == line.old


@pytest.mark.slow
def test_a_broken_line_is_caught(tmp_path):
    copy_tree(ROOT, tmp_path)
    (line,) = (line for line in LINES if line.room == "batch")
    assert caught_by(line, tmp_path, [], set()).startswith("tests/batch/test_merge_tree.py::")
