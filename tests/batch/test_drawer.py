"""Calls made beside other work: in a process, in a thread, or here."""

import os
import threading
import time
from pathlib import Path

import pytest

from spectral_mae.batch.pages import drawer as drawer_module
from spectral_mae.batch.pages.drawer import Drawer
from spectral_mae.batch.workers.processes import WorkerPool

WHERE = ["process", "thread", "here"]


@pytest.mark.parametrize("where", WHERE)
def test_results_come_in_order_wherever_they_are_made(where):
    steps = []
    with Drawer(where) as drawer:
        calls = [drawer.start(pow, 2, n) for n in range(5)]
        assert drawer.results(calls, lambda: steps.append(1)) == [1, 2, 4, 8, 16]
    assert len(steps) == 5


def test_a_process_makes_the_first_calls_while_this_one_makes_the_last():
    with Drawer("process") as drawer:
        call = drawer.start(os.getpid)
        assert call.made()
        assert call.result() != os.getpid()
        slow, last = drawer.start(time.sleep, 0.5), drawer.start(os.getpid)
        time.sleep(0.1)
        assert drawer.results([slow, last]) == [None, os.getpid()]


def test_a_thread_makes_all_calls():
    """Not this thread, which would draw at the same time: the style of pictures is global."""
    with Drawer("thread") as drawer:
        found = drawer.results([drawer.start(threading.get_ident) for _ in range(3)])
    assert len(set(found)) == 1
    assert found[0] != threading.get_ident()


def test_workers_make_what_the_thread_has_not_begun():
    with WorkerPool(2, max_memory=2**30) as pool, Drawer("thread", pool) as drawer:
        slow = drawer.start(time.sleep, 0.5)
        time.sleep(0.1)  # the thread has begun with it
        rest = [drawer.start(os.getpid) for _ in range(3)]
        failing = drawer.start(_only_in, os.getpid())
        steps = []
        found = drawer.results([slow, *rest, failing], lambda: steps.append(1))
    assert found[0] is None
    assert os.getpid() not in found[1:4]
    assert found[4] == "here"  # for it failed where it was tried first
    assert len(steps) == 5


def _only_in(process):
    if os.getpid() != process:
        raise RuntimeError("not here")
    return "here"


def test_workers_begin_before_results_are_asked_for():
    """Each call is made once, by whoever was given it first."""
    with WorkerPool(2, max_memory=2**30) as pool, Drawer("thread", pool) as drawer:
        slow = drawer.start(time.sleep, 0.5)  # which keeps the thread
        first = [drawer.start(os.getpid) for _ in range(2)]
        drawer.give_out(first)
        assert all(not call.claimed() for call in first)
        others = [drawer.start(pow, 2, n) for n in range(3)]
        _, *found = drawer.results([slow, *first, *others])
    assert os.getpid() not in found[:2]
    assert found[2:] == [1, 2, 4]


def test_what_does_not_travel_is_called_here():
    with Drawer("process") as drawer:
        call = drawer.start(lambda: os.getpid())  # noqa: PLW0108 - which cannot be pickled
        assert not call.made()
        assert drawer.results([call]) == [os.getpid()]
        assert drawer.start(os.getpid).made()  # the process is still there


@pytest.mark.parametrize("where", WHERE)
def test_a_call_that_fails_fails_for_who_asks(where):
    with Drawer(where) as drawer:
        calls = [drawer.start(pow, 2, 3), drawer.start(int, "x")]
        with pytest.raises(ValueError, match="invalid literal"):
            drawer.results(calls)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc")
def test_the_calls_of_a_process_that_died_are_made_here(tmp_path):
    with Drawer("process") as drawer:
        calls = [drawer.start(os._exit, 1), drawer.start(pow, 2, 3)]
        assert not calls[0].made()
        calls[0] = drawer.start(pow, 2, 2)
        assert drawer.results(calls) == [4, 8]


def test_the_process_ends_with_the_block():
    with Drawer("process") as drawer:
        assert drawer.start(os.getpid).made()
        process = drawer._process
        drawer.start(time.sleep, 60)
    assert process.poll() is not None


@pytest.fixture
def prepared():
    drawer_module.prepare_process("csv")
    (process,) = drawer_module._prepared
    yield process
    drawer_module.discard_prepared()
    assert process.poll() is not None


def test_a_process_that_was_prepared_is_taken_over(prepared):
    with Drawer("process") as drawer:
        call = drawer.start(os.getpid)
        assert call.made()
        assert call.result() == prepared.pid
    assert not drawer_module._prepared


@pytest.mark.parametrize("where", ["thread", "here"])
def test_a_process_that_nobody_needs_is_discarded(prepared, where):
    with Drawer(where) as drawer:
        assert prepared.poll() is not None
        assert drawer.results([drawer.start(pow, 2, 3)]) == [8]


def test_a_process_that_could_not_load_its_module_draws_all_the_same():
    drawer_module.prepare_process("no_such_module")
    with Drawer("process") as drawer:
        assert drawer.start(os.getpid).made()


def test_a_prepared_process_that_died_is_replaced(prepared):
    prepared.kill()
    prepared.wait()
    with Drawer("process") as drawer:
        call = drawer.start(os.getpid)
        assert call.made()
        assert call.result() not in (prepared.pid, os.getpid())
