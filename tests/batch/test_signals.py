"""Ctrl-C is answered at once, ends in order, and a second one ends whatever is going on."""

import os
import re
import signal
import subprocess
import sys
import threading

import pytest
from command_runs import run, write_images

from spectral_mae.batch.signals import Interrupted, Interrupts

BLOCKED = """
import ctypes, signal, sys, threading
from spectral_mae.batch.analyze import outcomes, pictures
from spectral_mae.batch.models import sweep
from spectral_mae.cli.main import main

def said(word):
    print(word, flush=True)

def wait_in_python(*_, **__):
    said("waiting")
    threading.Event().wait()

def wait_in_c(*_, **__):
    # Signals go to other threads, so that this call is not cut short, as a solver's is not.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    said("waiting")
    ctypes.CDLL(None).sleep(3600)

def drawing(*_, **__):
    said("drawing")
    threading.Event().wait()
"""


@pytest.fixture
def folder(tmp_path):
    return write_images(tmp_path / "images")


class Child:
    """A run in a process of its own, whose lines are waited for."""

    def __init__(self, patches, *arguments):
        main = "if __name__ == '__main__':\n    sys.exit(main(sys.argv[1:]))\n"
        command = [sys.executable, "-c", BLOCKED + patches + main, *map(str, arguments)]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.communicate()

    def says(self, word, stream="stdout"):
        """The first line with the word; a line that never comes ends with the process."""
        return next((line for line in getattr(self.process, stream) if word in line), None)

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)


AT_WORK = "outcomes.BatchAnalyzer.measure = {}\n"


@pytest.mark.slow
def test_the_first_signal_is_answered_at_once_and_a_second_ends_the_drawing(folder, tmp_path):
    patches = AT_WORK.format("wait_in_python") + "pictures.Pictures.all = drawing\n"
    with Child(patches, "analyze", folder, "--out", tmp_path / "out", "--quiet") as child:
        assert child.says("waiting")
        child.interrupt()
        line = child.says("stopping", "stderr")
        assert line == "stopping, writing the page … (Ctrl-C again ends at once)\n"
        assert child.says("drawing")
        child.interrupt()
        assert child.process.wait() == 130


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no masks of signals here")
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_heard_while_a_library_is_at_work(folder, tmp_path, second):
    with Child(AT_WORK.format("wait_in_c"), "analyze", folder, "--out", tmp_path / "out") as child:
        assert child.says("waiting")
        child.interrupt()
        assert child.says("stopping", "stderr")
        child.process.send_signal(second)
        assert child.process.wait() == 128 + second


@pytest.mark.slow
def test_workers_end_with_a_second_signal(folder, tmp_path):
    """The page is never written, and none of the processes is left to hold the pipes open."""
    patches = "pictures.Pictures.all = drawing\n"
    arguments = ["analyze", folder, "--out", tmp_path / "out", "--size", 32, "--jobs", 2]
    with Child(patches, *arguments) as child:
        assert child.says("drawing")
        child.interrupt()
        child.process.communicate()
        assert child.process.returncode == 130


@pytest.mark.slow
@pytest.mark.parametrize("command", ["fit", "sweep"])
def test_solving_can_be_ended(folder, tmp_path, command):
    """There is no page to be written."""
    patches = (
        "from spectral_mae.linear.estimators import LinearMAE\nLinearMAE.fit_moments = wait_in_c\n"
    )
    out = tmp_path / ("m.npz" if command == "fit" else "out")
    options = ["--size", 16, "--patch-size", 4, "--mask-ratio", 0.5, "--holdout", 0.5]
    with Child(patches, command, folder, "--out", out, *options) as child:
        assert child.says("waiting")
        child.interrupt()
        assert child.says("stopping", "stderr") == "stopping … (Ctrl-C again ends at once)\n"
        child.interrupt()
        assert child.process.wait() == 130


@pytest.mark.slow
def test_an_interrupt_while_libraries_load_is_one_line():
    code = """
import sys
from spectral_mae.cli import main

class Interrupting:
    def find_spec(self, name, *_):
        if name == "spectral_mae.cli.verify":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
sys.exit(main.main(["verify", "builtin:camera"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "spectral-mae: interrupted\n")


# The parts ---------------------------------------------------------------------------------------


def test_a_signal_waits_until_what_is_held_is_done():
    told = threading.Event()
    done = []
    before = signal.getsignal(signal.SIGINT)

    def work(interrupts):
        with interrupts.held():
            os.kill(os.getpid(), signal.SIGINT)
            assert told.wait()
            done.append("whole")
        done.append("too late")

    with Interrupts(told.set) as interrupts, pytest.raises(Interrupted) as caught:
        work(interrupts)
    assert done == ["whole"]
    assert caught.value.signum == signal.SIGINT
    assert signal.getsignal(signal.SIGINT) is before


def test_nothing_is_left_behind():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    threads = threading.active_count()
    with Interrupts(lambda: None):
        assert threading.active_count() == threads + 1
    assert threading.active_count() == threads
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before
    assert signal.set_wakeup_fd(-1) == -1


def test_alarms_of_decoders_are_no_interrupts():
    told = threading.Event()
    rung = threading.Event()
    before = signal.signal(signal.SIGALRM, lambda *_: rung.set())
    try:
        with Interrupts(told.set):
            os.kill(os.getpid(), signal.SIGALRM)
            os.kill(os.getpid(), signal.SIGALRM)
            assert rung.wait()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not told.is_set()


# What is said after the last image ----------------------------------------------------------------


def stages(text):
    """Lines that begin a stage, without those that tell how far it has come."""
    return re.findall(r"^((?:drawing|writing)[^:\n]*)$", text, re.M)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_what_follows_the_images_is_said(folder, tmp_path, capsys, jobs):
    options = ["--size", 16, "--patch-size", 4, "--jobs", jobs]
    assert run("analyze", folder, "--out", tmp_path / "a", *options) == 1
    assert stages(capsys.readouterr().err) == ["drawing pictures", "writing tables"]
    options += ["--mask-ratio", 0.5, "--holdout", 0.5]
    assert run("sweep", folder, "--out", tmp_path / "s", *options) == 1
    assert stages(capsys.readouterr().err) == ["drawing pictures", "writing tables"]
    figure = ["--figure", tmp_path / "f.png"]
    assert run("fit", folder, "--out", tmp_path / "m.npz", *options, *figure) == 1
    assert stages(capsys.readouterr().err) == ["writing the model", "drawing pictures"]
    assert run("analyze", folder, "--out", tmp_path / "q", *options[:6], "--quiet") == 1
    assert stages(capsys.readouterr().err) == []


@pytest.mark.slow
def test_bars_of_their_own_on_a_terminal_are_filled(folder, tmp_path, monkeypatch):
    import io

    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    options = ["--size", 16, "--patch-size", 4, "--out", tmp_path / "out"]
    assert run("analyze", folder, *options) == 1
    for doing, unit in (("drawing pictures", "step"), ("writing tables", "step")):
        counts = re.findall(rf"{doing}:[^\r\n]*?(\d+)/(\d+) [^\r\n]*{unit}", terminal.getvalue())
        assert counts[-1][0] == counts[-1][1] != "0", counts
