"""Runs that end before their time go on and give the same bytes; nothing half looks whole."""

import csv
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

import broken
import numpy as np
import pytest
from command_runs import run
from PIL import Image

from spectral_mae import atomic_file, cli, engine, report
from spectral_mae import journal as journals
from spectral_mae.atomic_file import publish, replacing, write_whole
from spectral_mae.journal import Journal, JournalRefused
from spectral_mae.run_place import FOLDER

SMALL = ["--size", "16", "--patch-size", "4", "--quiet"]
TABLES = ["images.csv", "spectra.csv", "spectra.npz", "mean_spectra.csv"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Forty images, of which two are broken."""
    folder = tmp_path_factory.mktemp("images")
    for i in range(40):
        Image.fromarray(broken.photograph(i, (20, 24, 3))).save(folder / f"{i:02d}.png")
    (folder / "07.png").write_bytes(b"")
    (folder / "31.png").write_bytes((folder / "30.png").read_bytes()[:200])
    return folder


WITHOUT_PICTURES = """
import sys
from spectral_mae import report
from spectral_mae.cli import main
report._draw = report.model_pictures = lambda *_: ()
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module", autouse=True)
def without_pictures():
    """Which take most of the time of a small run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "_draw", lambda *_: ())
        patch.setattr(report, "model_pictures", lambda *_: ())
        yield


def start(*arguments):
    """The command as a process of its own group."""
    command = [sys.executable, "-c", WITHOUT_PICTURES, *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)


@pytest.fixture(scope="module")
def quiet(folder, tmp_path_factory):
    """The tables of runs that nothing disturbs."""
    out = tmp_path_factory.mktemp("quiet")
    assert run("analyze", folder, "--out", out / "a", *SMALL) == 1
    options = [*SMALL, "--mask-ratio", 0.5]
    assert run("sweep", folder, "--out", out / "s", *options) == 1
    assert run("fit", folder, "--out", out / "m.npz", *options) == 1
    return out


def assert_equal_tables(out, quiet):
    for name in TABLES:
        assert (out / name).read_bytes() == (quiet / name).read_bytes(), name
    assert not (out / FOLDER).exists()
    assert not [path for path in out.rglob("*") if path.name.startswith(atomic_file.MARK)]
    record, expected = (json.loads((each / "run.json").read_text()) for each in (out, quiet))
    assert record["counts"] == expected["counts"]
    assert record["files"] == expected["files"]
    for name in record["files"]:
        assert (out / name).stat().st_size > 0


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
    try:
        return (out / FOLDER / "journal").read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


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
    assert run(*arguments) == cli.USAGE
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
    sound = engine.InProcess.submit
    left = [0]

    def submit(self, fn, /, *args, **kwargs):
        left[0] -= 1
        if left[0] < 0:
            raise Stop
        return sound(self, fn, *args, **kwargs)

    monkeypatch.setattr(engine.InProcess, "submit", submit)
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


# What lies there ---------------------------------------------------------------------------------


@pytest.fixture
def unfinished(folder, tmp_path, monkeypatch):
    """A run that was interrupted after some chunks; how it was begun, and where."""
    sound, left = engine.InProcess.submit, [6]

    def submit(self, fn, /, *args, **kwargs):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return sound(self, fn, *args, **kwargs)

    copy = tmp_path / "in"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    arguments = ["analyze", copy, "--out", tmp_path / "out", *SMALL]
    with monkeypatch.context() as patch:
        patch.setattr(engine.InProcess, "submit", submit)
        assert run(*arguments) == 130
    return arguments, tmp_path / "out"


def refused(capsys, *arguments):
    capsys.readouterr()
    assert run(*arguments) == cli.USAGE
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    return printed


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--mask-ratio", 0.5], "mask_ratio was 0.75 and is 0.5"),
        (["--seed", 3], "seed was 0 and is 3"),
        (["--color"], "color was False and is True"),
        (["--checks", 3], "checks was 100 and is 3"),
    ],
)
def test_other_options_are_refused_by_name(unfinished, capsys, option, message):
    arguments, _ = unfinished
    assert message in refused(capsys, *arguments, *option, "--resume")


def change(folder):
    (folder / "20.png").write_bytes(b"other")


def remove(folder):
    (folder / "39.png").unlink()


def add(folder):
    (folder / "40.png").write_bytes(b"")


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (change, "20.png has changed since"),
        (remove, "39.png is not there any more"),
        (add, "40.png was not there"),
    ],
)
def test_other_input_is_refused_by_name(unfinished, capsys, act, message):
    arguments, _ = unfinished
    act(arguments[1])
    assert message in refused(capsys, *arguments, "--resume")
    assert run(*arguments, "--overwrite") == 1


def test_jobs_and_limits_may_change(unfinished, quiet):
    arguments, out = unfinished
    more = ["--jobs", 2, "--time-limit", 30, "--checkpoint", 0]
    assert run(*arguments, *more, "--resume") == 1
    names = [re.sub(rb"[^,]*/in/", b"", (out / "images.csv").read_bytes())]
    names += [re.sub(rb"[^,]*/images\d*/", b"", (quiet / "a/images.csv").read_bytes())]
    assert names[0] == names[1]


def test_a_torn_last_line_is_dropped(unfinished):
    arguments, out = unfinished
    path = out / FOLDER / "journal"
    whole = path.read_bytes()
    for torn in (b"12ab", b'00000000 {"tables":{}}\n', b"\xff" * 50):
        path.write_bytes(whole + torn)
        lines = list(journals._whole_lines(path))
        assert lines[-1][0] == len(whole)
    with (out / FOLDER / "images.csv").open("ab") as table:
        table.write(b"half a row")
    assert run(*arguments, "--resume") == 1
    with (out / "images.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 40


def test_damage_is_found(unfinished, capsys):
    arguments, out = unfinished
    table = out / FOLDER / "images.csv"
    data = bytearray(table.read_bytes())
    data[100] ^= 1
    table.write_bytes(data)
    assert "images.csv is damaged: begin again with --overwrite" in refused(
        capsys, *arguments, "--resume"
    )
    data[100] ^= 1
    table.write_bytes(data)
    branch = next((out / FOLDER).glob("images-*.npz"))
    branch.write_bytes(branch.read_bytes()[:-1])
    assert "is damaged" in refused(capsys, *arguments, "--resume")
    (out / FOLDER / "journal").write_bytes(b"nothing\n")
    assert "journal is damaged" in refused(capsys, *arguments, "--resume")


def test_one_run_at_a_time(unfinished, capsys):
    pytest.importorskip("fcntl")
    arguments, out = unfinished
    other = Journal(out / FOLDER)
    other._lock()
    assert "another run is writing to" in refused(capsys, *arguments, "--resume")
    assert "another run is writing to" in refused(capsys, *arguments, "--overwrite")
    other.close()
    assert run(*arguments, "--resume") == 1


def test_results_are_not_written_over(folder, quiet, tmp_path, capsys):
    arguments = ["analyze", folder / "0*.png", "--out", tmp_path, *SMALL]
    (tmp_path / "images.csv").write_text("mine")
    message = refused(capsys, *arguments)
    assert (
        "holds results of another run (images.csv): give another --out, or --overwrite" in message
    )
    assert (tmp_path / "images.csv").read_text() == "mine"
    assert run(*arguments, "--overwrite") == 1
    assert run(*arguments, "--resume") == 1
    assert "mask_ratio was 0.75 and is 0.5" in refused(
        capsys, *arguments, "--mask-ratio", 0.5, "--resume"
    )
    options = [*SMALL, "--mask-ratio", 0.5]
    for command, out in (("fit", quiet / "m.npz"), ("sweep", quiet / "s")):
        assert "holds results" in refused(capsys, command, folder, "--out", out, *options)
        assert run(command, folder, "--out", out, *options, "--resume") == 1
        assert "complete already" in capsys.readouterr().out


def test_fail_fast_stops_and_can_go_on(folder, quiet, tmp_path, capsys):
    arguments = ["analyze", folder, "--out", tmp_path / "out", *SMALL]
    assert run(*arguments, "--fail-fast") == 1
    printed = capsys.readouterr().err
    assert re.search(r"stopped at the first failure: .*07\.png: empty file; --resume", printed)
    assert run(*arguments, "--resume") == 1
    assert_equal_tables(tmp_path / "out", quiet / "a")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--jobs", 0], "--jobs 0 is not at least 1"),
        (["--jobs", 2, "--scheduler", "tcp://x:1"], "give one"),
        (["--resume", "--overwrite"], "give one"),
        (["--time-limit", 0], "--time-limit 0.0 is not above 0"),
        (["--memory-limit", 0], "--memory-limit 0 is not at least 1 MiB"),
        (["--checkpoint", -1], "--checkpoint -1.0 is negative"),
        (["--checks", -1], "--checks -1 is negative"),
    ],
)
def test_options_that_cannot_work_end_at_once(folder, tmp_path, capsys, arguments, message):
    out = tmp_path / "out"
    assert message in refused(capsys, "analyze", folder, "--out", out, *SMALL, *arguments)
    assert not out.exists()


def test_no_output_in_archives_nor_in_the_input(folder, tmp_path, capsys):
    archive = tmp_path / "p.zip"
    broken.write_archive(archive, 3, 0)
    for command in ("analyze", "sweep", "fit"):
        out = archive / "m.npz"
        message = refused(capsys, command, archive, "--out", out, *SMALL)
        assert f"lies in the file {archive}; archives are read and never written" in message
    assert "is the output too" in refused(capsys, "analyze", folder, "--out", folder, *SMALL)


def test_schedulers_that_do_not_answer(folder, tmp_path, capsys, monkeypatch):
    arguments = ["analyze", folder, "--out", tmp_path / "out", *SMALL]
    monkeypatch.setitem(sys.modules, "distributed", None)
    message = refused(capsys, *arguments, "--scheduler", "tcp://127.0.0.1:1")
    assert "pip install 'spectral-mae[dask]'" in message
    monkeypatch.undo()
    pytest.importorskip("distributed")
    message = refused(capsys, *arguments, "--scheduler", "nonsense://x")
    assert "no Dask scheduler answers at 'nonsense://x': start one" in message
    assert "answers at 'bogus'" in refused(capsys, *arguments, "--scheduler", "bogus")


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
    assert done.returncode == cli.USAGE
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
        assert code == cli.USAGE
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


def test_files_are_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.txt"
    write_whole(path, "before")

    def fail():
        with replacing(path) as beside:
            beside.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]
    write_whole(path, b"after")
    assert path.read_bytes() == b"after"


@pytest.mark.parametrize("copied", [False, True])
def test_published_files_stay_where_they_were_made(tmp_path, copied):
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_text("one")
    target.write_text("old")
    for _ in range(2):
        publish(source, target, copied=copied)
        assert (source.read_text(), target.read_text()) == ("one", "one")
        assert target.samefile(source) != copied
    assert len(list(tmp_path.iterdir())) == 2


def test_journals_refuse_what_they_cannot_read(tmp_path):
    journal = Journal(tmp_path / "j")
    assert not journal.exists
    journal.begin({"a": 1}, ["x\t1"])
    journal.append("t", b"rows")
    journal.checkpoint("p", 1, [(0, 0, 0, {"n": np.arange(3)})])
    journal.append("t", b"lost")
    journal.close()
    again = Journal(tmp_path / "j")
    again.resume({"a": 1}, ["x\t1"])
    assert again.phases["p"].chunks == 1
    assert again.table("t").read_bytes() == b"rows"
    assert again.has("p", 0, 0, 0)
    np.testing.assert_array_equal(again.arrays("p-0-0-0.npz")["n"], np.arange(3))
    again.checkpoint("p", 2, [(1, 0, 1, {"n": np.arange(4)})])
    assert [path.name for path in again.folder.glob("*.npz")] == ["p-1-0-1.npz"]
    again.close()
    for header, inputs, message in (
        ({"a": 2}, ["x\t1"], "a was 1 and is 2"),
        ({"b": 1}, ["x\t1"], "b was not there and is 1"),
        ({"a": 1}, ["y\t1"], "where x was there is y"),
    ):
        other = Journal(tmp_path / "j")
        with pytest.raises(JournalRefused, match=message):
            other.resume(header, inputs)
        other.close()
    again.remove()
    assert not again.exists


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
