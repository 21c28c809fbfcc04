"""The lessons run from top to bottom, their answers too, and their outputs are those of a run."""

import ast
import importlib.util
import os
import re
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from spectral_mae import lessons
from spectral_mae.lessons.answers import UNANSWERED
from spectral_mae.lessons.questions import QUESTIONS

NEEDED = "lessons need nbclient and ipykernel: pip install -e '.[test]'"
for module in ("nbclient", "ipykernel"):
    pytest.importorskip(module, reason=NEEDED)
nbformat = pytest.importorskip("nbformat", reason=NEEDED)

FOLDER = Path(__file__).parents[2] / "notebooks"


def script(name):
    """A script of the folder, as a module."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


execute, links = script("execute"), script("links")

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
    return "import lessons, nonlinear" in path.read_text("utf-8")


@pytest.fixture
def committed(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_lessons_in_order():
    assert [path.name[:2] for path in LESSONS] == [f"{i:02}" for i in range(len(LESSONS))]
    listed = re.findall(r"\(([0-9a-z_]+\.ipynb)\)", (FOLDER / "README.md").read_text("utf-8"))
    assert listed == [path.name for path in LESSONS]


def test_the_table_of_lessons_has_their_minutes():
    rows = re.findall(
        r"^\| \d\. \[.*?\]\((\S+)\) \|.*\| (\d+) \| [^|]*\|$",
        (FOLDER / "README.md").read_text("utf-8"),
        re.M,
    )
    said = [
        (
            path.name,
            re.search(r"Time: about (\d+) minutes\. Before it: ", first_text(path)).group(1),
        )
        for path in LESSONS
    ]
    assert rows == said


def first_text(path):
    return nbformat.read(path, as_version=4).cells[0].source


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
    for output in execute.outputs(committed):  # no last values by accident
        data = output.get("data", {})
        assert (
            output.output_type == "stream"
            or "image/png" in data
            or execute.page(output).startswith('<div class="spectral-mae-slider"')
            or data["text/plain"] == UNANSWERED
        )


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
    assert len(pictures) >= 10
    for picture in pictures:
        drawn = (picture < 250).any(axis=2)
        assert 0.01 < drawn.mean() < 1
        assert len(np.unique(picture)) > 8
    assert path.stat().st_size < 1e6


def test_together_they_are_small():
    assert sum(path.stat().st_size for path in LESSONS) < 7e6


@every_lesson
def test_teaches(committed):
    """A question first, few lines a cell, sliders, three exercises with checked answers."""
    assert "**The question.**" in committed.cells[0].source
    assert all(len(cell.source.splitlines()) <= 25 for cell in code_cells(committed))
    sliders = [
        cell
        for cell in code_cells(committed)
        if re.search(r"^lessons\.slider\(", cell.source, re.M)
    ]
    assert sliders
    for cell in sliders:
        (output,) = cell.outputs
        assert len(execute.frames(output)) > 3
    exercises = [cell for cell in committed.cells if "<details>" in cell.source]
    assert [cell.source.count("<details>") for cell in exercises] == [1, 1, 1]
    found = [execute.answers(cell) for cell in exercises]
    assert all(len(code) == 1 and "assert lessons.check(" in code[0] for code in found)


@every_lesson
def test_exercises_are_checked_and_hold_no_answer(path, committed):
    """In neither the question, nor the cell for the answer, nor the explanation of the answer."""
    number = int(path.name[:2])
    cells = committed.cells
    asked = [i for i, cell in enumerate(cells) if cell.source.startswith("answer = None")]
    assert len(asked) == 3
    for n, i in enumerate(asked, start=1):
        question = f"{number}.{n}"
        assert f"**{n}.** " in cells[i - 1].source
        assert f'\nlessons.check("{question}", answer' in cells[i].source
        assert cells[i].outputs[0].data["text/plain"] == UNANSWERED
        assert f'assert lessons.check("{question}", ' in cells[i + 1].source
        if question in ("7.2", "7.3"):
            continue  # they depend on what the lesson has made
        right = QUESTIONS[question].right()
        text = re.sub(r"\bcheck\(\"\S+", "", cells[i - 1].source + cells[i + 1].source)
        if isinstance(right, frozenset):
            assert ", ".join(map(str, sorted(right))) not in text
        elif not isinstance(right, str):
            told = {float(one) for one in re.findall(r"\d+(?:\.\d+)?", text)}
            values = {
                float(f"{one:.3g}") for one in (right if isinstance(right, tuple) else [right])
            }
            assert not values & told - {0, 1, 0.5}, question


@every_lesson
def test_the_first_cell_installs_the_package_where_it_is_missing(committed):
    first = code_cells(committed)[0]
    assert first.source.startswith("# Where the package is missing, as in Colab")
    assert f'"spectral-mae @ git+{links.address()}"' in first.source
    assert first.outputs == []


def test_the_table_of_teachers_has_the_right_answers():
    text = (FOLDER / "teaching.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d\.\d) \| `?(.*?)`? \| (.*?) \| (.*?) \|$", text, re.M)
    assert [row[0] for row in rows] == list(QUESTIONS)
    for question, answer, within, why in rows:
        asked = QUESTIONS[question]
        assert why == asked.why.rstrip(".")
        share = {"exact": 0, "rounding": 1e-6}.get(within, within)
        assert asked.within == (
            share if share in (0, 1e-6) else pytest.approx(float(within.split()[0]) / 100)
        )
        if question not in ("7.2", "7.3"):
            assert lessons.check(question, ast.literal_eval(answer))


def test_links_to_binder_and_colab_follow_the_address():
    names = [path.name for path in LESSONS]
    text = (FOLDER / "README.md").read_text("utf-8")
    assert links.readme(text, links.address(), names) == text  # as committed
    github = links.readme(text, "https://github.com/someone/spectral_mae", names)
    found = re.findall(r"\((https://\S+?)\)", github)
    place = "github/someone/spectral_mae/blob/HEAD/notebooks"
    colab = [f"https://colab.research.google.com/{place}/{name}" for name in names]
    binder = "https://mybinder.org/v2/gh/someone/spectral_mae/HEAD?urlpath=lab/tree/notebooks"
    assert found == ["https://mybinder.org/badge_logo.svg", binder, *colab]
    assert links.readme(github, links.address(), names) == text
    path = LESSONS[0].read_text("utf-8")
    moved = links.lesson(path, "https://github.com/someone/spectral_mae")
    assert 'git+https://github.com/someone/spectral_mae\\"' in moved
    assert links.lesson(moved, links.address()) == path


def test_binder_installs_what_the_project_has():
    root = FOLDER.parent
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    (line,) = (root / "binder" / "requirements.txt").read_text("utf-8").splitlines()
    extra = re.fullmatch(r"\.\[(\w+)\]", line).group(1)
    assert extra in project["optional-dependencies"]
    version = (root / "binder" / "runtime.txt").read_text("utf-8").strip().removeprefix("python-")
    assert f"Programming Language :: Python :: {version}" in project["classifiers"]
    assert os.access(root / "binder" / "postBuild", os.X_OK)


@pytest.mark.slow
def test_kernels_have_one_thread_of_blas(tmp_path, monkeypatch):
    for name in execute.THREADS:
        monkeypatch.setenv(name, "2")
    path = tmp_path / "01_threads.ipynb"
    code = "import threadpoolctl, scipy.linalg\nprint([p['num_threads'] for p in "
    code += "threadpoolctl.threadpool_info()])"
    nbformat.write(notebook_of(("code", code)), path)
    (told,) = execute.texts(execute.run(path))
    assert set(ast.literal_eval(told)) == {1}


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
