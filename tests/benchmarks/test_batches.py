"""The benchmark of batches runs, whatever part of it is asked for. No test looks at times."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from benchmarks import batches
from benchmarks.batches import ANALYZE, BANDS, COMMAND, DECODER, NAMES, SPECTRA, Pace
from benchmarks.table import PAGE
from spectral_mae.batch.chunks import InProcess

TINY = ["--crops", "20", "--rounds", "1", "--size", "32", "--jobs", "1"]


@pytest.fixture
def photographs(tmp_path):
    rng = np.random.default_rng(0)
    for name in "ab":
        Image.fromarray(rng.integers(0, 256, (120, 100, 3), dtype=np.uint8)).save(
            tmp_path / f"{name}.png"
        )
    return str(tmp_path)


class OneProcess(InProcess):
    """Takes the place of a pool of processes, which take long to start."""

    n = 1

    def __init__(self, n, max_memory):
        assert (n, max_memory > 0) == (1, True)
        super().__init__()


def rows(text):
    cells = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    assert {len(line) for line in cells} == {5}
    return {name.strip(): [cell.strip() for cell in rest] for name, *rest in cells[2:]}


@pytest.mark.parametrize(
    ("only", "works"),
    [("", set(NAMES)), ("mean", {SPECTRA}), ("band", {BANDS}), ("no masks", {ANALYZE}),
     ("analyze", {ANALYZE, COMMAND}), ("command", {COMMAND})],
)  # fmt: skip
def test_every_part_has_its_rows(only, works, photographs, monkeypatch, capsys):
    monkeypatch.setattr(batches, "WorkerPool", OneProcess)
    monkeypatch.setattr(batches, "pace_of_command", lambda arguments, n: Pace(n / 4.0, 8.0))
    batches.main([photographs, *TINY, "--only", only])
    found = rows(capsys.readouterr().out)
    assert set(found) == works | {DECODER}
    for name, (rate, share, processor, of_processor) in found.items():
        assert float(rate) > 0
        assert float(processor) > 0
        assert (share.endswith("%"), of_processor.endswith("%")) == (name in works, name in works)


def test_shares_are_of_the_same_round():
    alone = [Pace(100.0, 2.0), Pace(50.0, 4.0), Pace(80.0, 3.0)]
    found = [Pace(50.0, 4.0), Pace(20.0, 8.0), Pace(20.0, 12.0)]
    text = batches.table({DECODER: alone, COMMAND: found}, {COMMAND: alone})
    assert rows(text) == {
        DECODER: ["80.0", "", "3.00", ""],
        COMMAND: ["20.0", "40%", "8.00", "50%"],
    }


def test_works_of_other_names_are_refused(capsys):
    with pytest.raises(SystemExit):
        batches.main(["folder", "--only", "nothing"])
    assert "--only nothing: none of the works" in capsys.readouterr().err


@pytest.mark.slow
def test_it_runs_as_a_script(photographs):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.batches", photographs, *TINY, "--only", "command"],
        cwd=PAGE.parents[1],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = rows(done.stdout)
    assert set(found) == {DECODER, COMMAND}
    assert done.stdout.startswith("20 images, 1 jobs")
