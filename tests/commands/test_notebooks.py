"""The lessons run from top to bottom, their answers too, and their outputs are those of a run."""

import importlib.util
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

NEEDED = "lessons need nbclient, ipykernel and ipywidgets: pip install -e '.[test]'"
for module in ("nbclient", "ipykernel", "ipywidgets"):
    pytest.importorskip(module, reason=NEEDED)
nbformat = pytest.importorskip("nbformat", reason=NEEDED)

FOLDER = Path(__file__).parents[2] / "notebooks"
spec = importlib.util.spec_from_file_location("execute", FOLDER / "execute.py")
execute = importlib.util.module_from_spec(spec)
spec.loader.exec_module(execute)

LESSONS = execute.lessons()
NO_TORCH = importlib.util.find_spec("torch") is None
every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def fresh(request):
    """Those lessons that chosen tests are of, being run, by path."""
    cases = [getattr(item, "callspec", None) for item in request.session.items]
    chosen = {case.params["path"] for case in cases if case and "path" in case.params}
    with ThreadPoolExecutor(execute.AT_ONCE) as pool:
        runnable = [
            path for path in LESSONS if path in chosen and not (needs_torch(path) and NO_TORCH)
        ]
        yield {path: pool.submit(execute.run, path) for path in runnable}
        pool.shutdown(cancel_futures=True)


def needs_torch(path):
    return "spectral_mae import nonlinear" in path.read_text("utf-8")


@pytest.fixture
def committed(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_lessons_in_order():
    assert [path.name[:2] for path in LESSONS] == [f"{i:02}" for i in range(1, len(LESSONS) + 1)]
    listed = re.findall(r"\(([0-9a-z_]+\.ipynb)\)", (FOLDER / "README.md").read_text("utf-8"))
    assert listed == [path.name for path in LESSONS]


@pytest.mark.slow
@every_lesson
def test_runs_with_its_answers_and_prints_what_is_committed(path, committed, fresh):
    if path not in fresh:
        pytest.skip("this lesson needs the extra 'torch'")
    run = fresh[path].result()
    assert not execute.text_differences(committed, run)
    assert len(execute.pictures(committed)) == len(execute.pictures(run))
    assert not [o for o in execute.outputs(run) if o.get("name") == "stderr"]


@every_lesson
def test_outputs_are_of_the_committed_sources(committed):
    """``python notebooks/execute.py`` writes them."""
    assert committed.metadata.sources == execute.source_hash(committed)
    cells = code_cells(committed)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for output in execute.outputs(committed):  # prints and pictures, no last values by accident
        assert output.output_type == "stream" or "image/png" in output.data


@every_lesson
def test_says_nothing_of_the_machine_it_ran_on(path, committed):
    text = path.read_text("utf-8")
    assert committed.metadata.keys() == {"kernelspec", "language_info", "sources"}
    assert all(cell.metadata == {} for cell in committed.cells)
    for place in (str(FOLDER.parent), sys.prefix, str(Path.home()) + "/", "/tmp/"):
        assert place not in text


@every_lesson
@pytest.mark.slow
def test_pictures_show_something_and_are_small(path, committed):
    pictures = execute.pictures(committed)
    assert len(pictures) >= 6
    for picture in pictures:
        drawn = (picture < 250).any(axis=2)
        assert 0.01 < drawn.mean() < 1
        assert len(np.unique(picture)) > 8
    assert path.stat().st_size < 1e6


def test_together_they_are_small():
    assert sum(path.stat().st_size for path in LESSONS) < 4e6


@every_lesson
def test_teaches(committed):
    """A question first, few lines a cell, sliders, three exercises with answers."""
    assert "**The question.**" in committed.cells[0].source
    assert all(len(cell.source.splitlines()) <= 25 for cell in code_cells(committed))
    sliders = [
        cell for cell in code_cells(committed) if re.search(r"^interact\(", cell.source, re.M)
    ]
    assert sliders
    for cell in sliders:  # what they show at first is there without a kernel
        assert any("image/png" in output.get("data", {}) for output in cell.outputs)
    exercises = [cell for cell in committed.cells if "<details>" in cell.source]
    assert [cell.source.count("<details>") for cell in exercises] == [1, 1, 1]
    found = [execute.answers(cell) for cell in exercises]
    assert all(len(code) == 1 and "assert" in code[0] for code in found)


def notebook_of(*cells):
    kinds = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    return nbformat.v4.new_notebook(cells=[kinds[kind](source) for kind, source in cells])


ANSWER = "**1.** Why?\n\n<details>\n\nSo.\n\n```python\nassert x == {}\n```\n\n</details>"


@pytest.mark.slow
def test_a_wrong_answer_is_an_error(tmp_path):
    from nbclient.exceptions import CellExecutionError

    path = tmp_path / "01_wrong.ipynb"
    for right, value in ((True, 1), (False, 2)):
        nbformat.write(notebook_of(("code", "x = 1"), ("markdown", ANSWER.format(value))), path)
        if right:
            assert len(execute.run(path).cells) == 2
        else:
            with pytest.raises(CellExecutionError):
                execute.run(path)


def test_sources_are_code_and_answers():
    first = notebook_of(("code", "x = 1"), ("markdown", ANSWER.format(1)), ("markdown", "text"))
    for cell, other, same in ((0, "x = 2", False), (1, ANSWER.format(2), False), (2, "more", True)):
        changed = notebook_of(*((c.cell_type, c.source) for c in first.cells))
        changed.cells[cell].source = other
        assert (execute.source_hash(first) == execute.source_hash(changed)) == same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("explained: 0.501", "explained: 0.502", True),
        ("explained: 0.501", "explained: 0.551", False),
        ("explained: 0.501", "explains: 0.501", False),
        ("explained: 0.501", "explained: nan", False),
        ("[3, 5]", "[3, 5, 7]", False),
        ("12 at the top", "13 at the top", False),
    ],
)
def test_texts_are_the_same_but_for_last_digits(one, other, same):
    assert execute.same_text(one, other) == same
