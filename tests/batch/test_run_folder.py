"""What lies where a run is to write: whether it goes on, and what is refused."""

import csv
import re
import sys

import broken
import pytest
from command_runs import run
from long_runs import SMALL, pictures_left_out, undisturbed, write_forty

from spectral_mae.batch import chunks
from spectral_mae.batch.journal import Journal
from spectral_mae.batch.run_folder import FOLDER
from spectral_mae.cli import main


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


@pytest.fixture
def unfinished(folder, tmp_path, monkeypatch):
    """A run that was interrupted after some chunks; how it was begun, and where."""
    sound, left = chunks.InProcess.submit, [6]

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
        patch.setattr(chunks.InProcess, "submit", submit)
        assert run(*arguments) == 130
    return arguments, tmp_path / "out"


def refused(capsys, *arguments):
    capsys.readouterr()
    assert run(*arguments) == main.USAGE
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
@pytest.mark.slow
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
@pytest.mark.slow
def test_other_input_is_refused_by_name(unfinished, capsys, act, message):
    arguments, _ = unfinished
    act(arguments[1])
    assert message in refused(capsys, *arguments, "--resume")
    assert run(*arguments, "--overwrite") == 1


@pytest.mark.slow
def test_jobs_and_limits_may_change(unfinished, quiet):
    arguments, out = unfinished
    more = ["--jobs", 2, "--time-limit", 30, "--checkpoint", 0]
    assert run(*arguments, *more, "--resume") == 1
    names = [re.sub(rb"[^,]*/in/", b"", (out / "images.csv").read_bytes())]
    names += [re.sub(rb"[^,]*/images\d*/", b"", (quiet / "a/images.csv").read_bytes())]
    assert names[0] == names[1]


@pytest.mark.slow
def test_what_no_checkpoint_counts_on_is_dropped(unfinished):
    arguments, out = unfinished
    (out / FOLDER / ".part-journal").write_bytes(b"half a journal")
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
    inputs = out / FOLDER / "inputs"
    data = inputs.read_bytes()
    inputs.write_bytes(b"\xff" + data[1:])
    assert "inputs is damaged" in refused(capsys, *arguments, "--resume")
    inputs.write_bytes(data)
    journal = out / FOLDER / "journal"
    data = journal.read_bytes()
    for torn in (b"", b"nothing\n", data[:-1], data + b"\n", data[:40] + b"\xff" + data[41:]):
        journal.write_bytes(torn)
        assert "journal is damaged" in refused(capsys, *arguments, "--resume")


@pytest.mark.slow
def test_one_run_at_a_time(unfinished, capsys):
    pytest.importorskip("fcntl")
    arguments, out = unfinished
    other = Journal(out / FOLDER)
    other._lock()
    assert "another run is writing to" in refused(capsys, *arguments, "--resume")
    assert "another run is writing to" in refused(capsys, *arguments, "--overwrite")
    other.close()
    assert run(*arguments, "--resume") == 1


@pytest.mark.slow
def test_results_are_not_written_over(folder, quiet, tmp_path, capsys):
    arguments = ["analyze", folder / "0*.png", "--out", tmp_path, *SMALL]
    (tmp_path / "images.csv").write_text("mine")
    message = refused(capsys, *arguments)
    assert (
        "holds results of another run (images.csv): give another folder, or --overwrite" in message
    )
    assert (tmp_path / "images.csv").read_text() == "mine"
    assert run(*arguments, "--overwrite") == 1
    assert run(*arguments, "--resume") == 1
    assert "mask_ratio was 0.75 and is 0.5" in refused(
        capsys, *arguments, "--mask-ratio", 0.5, "--resume"
    )
    others = ["analyze", folder / "1*.png", *arguments[2:], "--resume"]
    assert "is complete, but of another run: the input differs" in refused(capsys, *others)
    options = [*SMALL, "--mask-ratio", 0.5]
    for command, out in (("fit", quiet / "m.npz"), ("sweep", quiet / "s")):
        assert "holds results" in refused(capsys, command, folder, "--out", out, *options)
        assert run(command, folder, "--out", out, *options, "--resume") == 1
        assert "complete already" in capsys.readouterr().out


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
        (["--masks-for", "few"], "--masks-for 'few' is neither a number of images nor 'all'"),
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
    assert "pip install -e '.[dask]' in your copy of the repository" in message
    monkeypatch.undo()
    pytest.importorskip("distributed")
    message = refused(capsys, *arguments, "--scheduler", "nonsense://x")
    assert "no Dask scheduler answers at 'nonsense://x': start one" in message
    assert "answers at 'bogus'" in refused(capsys, *arguments, "--scheduler", "bogus")
