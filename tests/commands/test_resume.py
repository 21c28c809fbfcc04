"""Runs that end before their time go on and give the same bytes; nothing half looks whole."""

import errno
import itertools
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from command_runs import run
from long_runs import SMALL, assert_equal_tables, pictures_left_out, undisturbed, write_forty

from spectral_mae.batch import chunks
from spectral_mae.batch.run_folder import FOLDER
from spectral_mae.cli import main

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_forty(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module", autouse=True)
def without_pictures():
    with pictures_left_out():
        yield


@pytest.fixture(scope="module")
def quiet(folder, tmp_path_factory):
    return undisturbed(folder, tmp_path_factory.mktemp("quiet"))


WITHOUT_PICTURES = """
import sys
from spectral_mae.batch.analyze.pictures import Pictures
from spectral_mae.cli.main import main
Pictures.begin = Pictures.begin_chosen = lambda *_: None
Pictures.all = lambda *_: []
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


def start(*arguments):
    """The command as a process of its own group."""
    command = [sys.executable, "-c", WITHOUT_PICTURES, *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)


def processes_below(pid):
    """Its children, and theirs: of the fork server, which are the workers."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        parents[int(path.parent.name)] = parent
    children = [one for one, parent in parents.items() if parent == pid]
    return children, [one for one, parent in parents.items() if parent in children]


def checkpoints(out):
    """One where the run was begun, and one for each chunk that counts."""
    try:
        text = (out / FOLDER / "journal").read_text()
    except FileNotFoundError:
        return 0
    phases = json.loads(text.partition(" ")[2]).get("phases", {})
    return 1 + sum(phase["chunks"] for phase in phases.values())


def wait_for(condition, process):
    deadline = time.monotonic() + 120
    while not condition() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    assert time.monotonic() < deadline


LONG = ["--checkpoint", 0, "--masks", 200]  # some seconds of work


@pytest.fixture(scope="module")
def long_quiet(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("long") / "out"
    assert run("analyze", folder, "--out", out, *SMALL, "--masks", 200) == 1
    return out


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_run_that_is_ended_goes_on(folder, tmp_path, long_quiet, number, code):
    out = tmp_path / "out"
    arguments = ["analyze", folder, "--out", out, *SMALL, *LONG]
    process = start(*arguments)
    wait_for(lambda: checkpoints(out) >= 4, process)
    process.send_signal(number)
    printed = process.communicate(timeout=120)[1]
    assert process.returncode == code, printed
    assert (out / FOLDER / "journal").exists()
    assert 3 <= checkpoints(out) < 20
    if number != signal.SIGKILL:
        assert "--resume goes on" in printed
        assert json.loads((out / "run.json").read_text())["status"] == "interrupted"
    assert run(*arguments) == main.USAGE
    assert run(*arguments, "--resume") == 1
    assert_equal_tables(out, long_quiet)
    assert run(*arguments, "--resume") == 1  # complete already


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here")
def test_a_worker_that_is_killed_costs_nothing(folder, tmp_path, long_quiet):
    out = tmp_path / "out"
    process = start("analyze", folder, "--out", out, *SMALL, *LONG, "--jobs", 2)
    wait_for(lambda: checkpoints(out) >= 3, process)
    os.kill(processes_below(process.pid)[1][0], signal.SIGKILL)
    printed = process.communicate(timeout=120)[1]
    assert process.returncode == 1, printed
    assert "a worker is lost and replaced: its worker died (SIGKILL)" in printed
    assert_equal_tables(out, long_quiet)


def test_processes_end_with_the_run(folder, tmp_path):
    """Also when it is killed and can tell nobody."""
    out = tmp_path / "out"
    process = start("analyze", folder, "--out", out, *SMALL, *LONG, "--jobs", 2)
    wait_for(lambda: checkpoints(out) >= 2, process)
    children = list(itertools.chain(*processes_below(process.pid)))
    assert len(children) >= 4
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 60
    while [pid for pid in children if alive(pid)] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in children if alive(pid)]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_jobs_change_no_byte(folder, quiet, tmp_path):
    assert run("analyze", folder, "--out", tmp_path / "a", *SMALL, "--jobs", 2) == 1
    assert_equal_tables(tmp_path / "a", quiet / "a")
    options = [*SMALL, "--mask-ratio", 0.5, "--jobs", 2]
    assert run("sweep", folder, "--out", tmp_path / "s", *options) == 1
    assert (tmp_path / "s/sweep.csv").read_bytes() == (quiet / "s/sweep.csv").read_bytes()
    assert run("fit", folder, "--out", tmp_path / "m.npz", *options) == 1
    with np.load(tmp_path / "m.npz") as found, np.load(quiet / "m.npz") as expected:
        assert found.files == expected.files
        assert all((found[name] == expected[name]).all() for name in found.files)


class Stop(KeyboardInterrupt):
    pass


@pytest.mark.parametrize("command", ["analyze", "fit", "sweep"])
def test_runs_go_on_from_any_chunk(folder, quiet, tmp_path, monkeypatch, command):
    """Stopped after every second chunk, again and again."""
    sound = chunks.InProcess.submit
    left = [0]

    def submit(self, fn, /, *args, **kwargs):
        left[0] -= 1
        if left[0] < 0:
            raise Stop
        return sound(self, fn, *args, **kwargs)

    monkeypatch.setattr(chunks.InProcess, "submit", submit)
    out = tmp_path / ("m.npz" if command == "fit" else "out")
    arguments = [command, folder, "--out", out, *SMALL, "--checkpoint", 1000]
    arguments += [] if command == "analyze" else ["--mask-ratio", 0.5]
    codes = []
    while not codes or codes[-1] == 130:
        left[0] = 5
        codes.append(run(*arguments, *(["--resume"] if codes else [])))
        assert len(codes) < 40
    assert codes[-1] == 1
    assert len(codes) > 2
    if command == "analyze":
        assert_equal_tables(out, quiet / "a")
    elif command == "sweep":
        assert (out / "sweep.csv").read_bytes() == (quiet / "s/sweep.csv").read_bytes()
        assert (out / "sweep.png").read_bytes() == (quiet / "s/sweep.png").read_bytes()
    else:
        with np.load(out) as found, np.load(quiet / "m.npz") as expected:
            assert all((found[name] == expected[name]).all() for name in found.files)
        record = json.loads((tmp_path / "m.run.json").read_text())
        assert sorted(Path(one["path"]).name for one in record["failed"]) == ["07.png", "31.png"]
    assert not list(tmp_path.glob("**/*.run"))


def test_fail_fast_stops_and_can_go_on(folder, quiet, tmp_path, capsys):
    arguments = ["analyze", folder, "--out", tmp_path / "out", *SMALL]
    assert run(*arguments, "--fail-fast") == 1
    printed = capsys.readouterr().err
    assert re.search(r"stopped at the first failure: .*07\.png: empty file; --resume", printed)
    assert run(*arguments, "--resume") == 1
    assert_equal_tables(tmp_path / "out", quiet / "a")


def test_a_cluster_gives_the_same_tables_and_loses_nothing(folder, tmp_path, long_quiet):
    """Two worker processes, of which one is killed half-way and not replaced."""
    distributed = pytest.importorskip("distributed")
    out = tmp_path / "out"
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        local_directory=str(tmp_path / "dask"),
    ) as cluster:
        with distributed.Client(cluster) as client:
            pids = list(client.run(os.getpid).values())
        options = [*SMALL, *LONG, "--scheduler", cluster.scheduler_address]
        process = start("analyze", folder, "--out", out, *options)
        wait_for(lambda: checkpoints(out) >= 5, process)
        os.kill(pids[0], signal.SIGKILL)
        printed = process.communicate(timeout=120)[1]
    assert process.returncode == 1, printed
    assert_equal_tables(out, long_quiet)


# Full disks --------------------------------------------------------------------------------------


def test_a_full_disk_ends_with_a_reason_and_no_half_file(folder, tmp_path, long_quiet):
    """Files may have 20,000 bytes; then the run goes on where there is room."""
    out = tmp_path / "out"
    arguments = ["analyze", folder, "--out", out, *SMALL, *LONG]
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))\n"
    ) + WITHOUT_PICTURES
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == main.USAGE
    assert "cannot write: [Errno 27] File too large" in done.stderr
    assert "--resume" in done.stderr
    assert [path.name for path in out.iterdir()] == [FOLDER]
    assert run(*arguments, "--resume") == 1
    assert_equal_tables(out, long_quiet)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


@pytest.mark.parametrize("command", ["analyze", "fit", "sweep"])
def test_a_disk_that_fills_at_any_moment(folder, quiet, tmp_path, monkeypatch, command):
    """The n-th sync fails, for every n; what has its final name is whole."""
    sound, left = os.fsync, [0]

    def fsync(handle):
        left[0] -= stat.S_ISREG(os.fstat(handle).st_mode)
        if left[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        sound(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    out = tmp_path / ("m.npz" if command == "fit" else "out")
    figure = ["--figure", tmp_path / "f.png"] if command == "fit" else []
    arguments = [command, folder, "--out", out, *SMALL, "--checkpoint", 1000, *figure]
    arguments += [] if command == "analyze" else ["--mask-ratio", 0.5]
    for n in itertools.count(1, 5):
        left[0] = n
        code = run(*arguments, "--overwrite")
        if code == 1:
            break
        assert code == main.USAGE
        whole = [path for path in (out, out / "sweep.csv", out / "images.csv") if path.is_file()]
        assert all(path.stat().st_size > 100 for path in whole)
        assert not (out / "run.json").exists() or not (out / FOLDER).exists()
        left[0] = -1
        begun = (out / FOLDER / "journal").exists() or list(tmp_path.glob(".*/journal"))
        assert run(*arguments, "--resume" if begun else "--overwrite") == 1
        if command == "analyze":
            assert_equal_tables(out, quiet / "a")
        elif command == "sweep":
            assert (out / "sweep.csv").read_bytes() == (quiet / "s/sweep.csv").read_bytes()
        else:
            with np.load(out) as found, np.load(quiet / "m.npz") as expected:
                assert all((found[name] == expected[name]).all() for name in found.files)
        shutil.rmtree(out) if out.is_dir() else out.unlink()
    assert n > 5


# What a run says ---------------------------------------------------------------------------------


def test_logs_and_throughput(folder, tmp_path, capsys):
    out, log = tmp_path / "out", tmp_path / "deep" / "run.log"
    arguments = ["analyze", folder, "--out", out, *SMALL[:-1], "--log-file", log]
    assert run(*arguments, "--checkpoint", 0) == 1
    printed = capsys.readouterr().err
    assert re.search(r"^40/40 images, [\d.e+]+/s$", printed, re.M)
    assert re.search(r"^failed: .*07\.png: empty file$", printed, re.M)
    text = log.read_text()
    assert re.search(r"^\d{4}-\d\d-\d\d .* WARNING failed: .*07\.png: empty file$", text, re.M)
    assert "checkpoint: 1 chunks of images" in text
    throughput = json.loads((out / "run.json").read_text())["throughput"]
    assert throughput["jobs"] == 1
    assert throughput["images_per_second"] > 0
    assert 0 < throughput["share_reading"] < 1
