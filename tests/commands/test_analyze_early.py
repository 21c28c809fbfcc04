"""Which processes ``analyze`` starts before it loads what it needs itself."""

import argparse
import subprocess
import sys

import pytest

from spectral_mae.cli import analyze as whole
from spectral_mae.cli import analyze_early
from spectral_mae.cli.analyze_early import PICTURES

PROGRAM = """
import sys
from spectral_mae.batch.workers.server import start_server

start_server(["wave"])
assert "numpy" not in sys.modules

from spectral_mae.batch.workers.processes import WorkerPool

NAMES = "('wave', 'spectral_mae.batch.analyze.work', 'matplotlib')"
with WorkerPool(1, max_memory=2**30) as pool:
    loaded = f"[name in __import__('sys').modules for name in {NAMES}]"
    print(pool.submit(eval, loaded).result())
"""


@pytest.fixture
def started(monkeypatch):
    """What is started, in words."""
    found = []
    monkeypatch.setattr(analyze_early, "start_server", lambda also: found.append(("workers", also)))
    monkeypatch.setattr(analyze_early, "prepare_process", lambda one: found.append(("drawer", one)))
    monkeypatch.setattr(whole, "analyze", lambda _: "answer")
    monkeypatch.setattr(analyze_early.os, "cpu_count", lambda: 2)
    return found


def begin(*paths, jobs=None, out="out", no_figures=False, scheduler=None):
    options = {"jobs": jobs, "out": out, "no_figures": no_figures, "scheduler": scheduler}
    arguments = argparse.Namespace(paths=[str(path) for path in paths], **options)
    assert analyze_early.analyze(arguments) == "answer"


def folder_of(n, path):
    path.mkdir()
    for number in range(n):
        (path / f"{number}.png").touch()
    return path


def test_workers_where_there_are_many_files(tmp_path, started):
    begin(folder_of(100, tmp_path / "many"))
    assert started == [("workers", [PICTURES])]


def test_one_that_draws_where_there_are_few(tmp_path, started):
    begin(folder_of(99, tmp_path / "few"), "builtin:")
    assert started == [("drawer", PICTURES)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"jobs": 2}, [("workers", [PICTURES])]),
        ({"jobs": 2, "out": None}, [("workers", [])]),
        ({"jobs": 2, "no_figures": True}, [("workers", [])]),
        ({"jobs": 1}, []),
        ({"scheduler": "tcp://somewhere"}, []),
        ({"out": None}, []),
        ({"no_figures": True}, []),
    ],
)
def test_what_was_asked_for_comes_first(options, expected, started):
    begin("builtin:", **options)
    assert started == expected


def test_nothing_beside_a_single_file(tmp_path, started):
    (tmp_path / "one.png").touch()
    begin(tmp_path / "one.png")
    assert started == []


@pytest.mark.skipif(sys.platform == "win32", reason="no such process there")
def test_workers_are_copies_of_a_process_that_has_loaded_what_they_need():
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[True, True, False]"
