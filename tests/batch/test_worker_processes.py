"""Workers that are lost, that are stopped, and what they do not do."""

import multiprocessing.forkserver
import os
import signal
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from chunk_runs import MEMORY, decode, die, flat, results, square

from spectral_mae.batch.chunks import DEATHS, Chunk, EngineFailed, WorkerLost, chunked
from spectral_mae.batch.workers.processes import WorkerPool


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(2, max_memory=MEMORY) as pool:
        yield pool


alarms = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no alarms here")


def die_once(folder):
    if len(list(Path(folder).iterdir())) == 1:
        die(folder)


def leave(folder):
    os._exit(3)


def hang(folder):
    import re

    re.match(r"(a*)*b", "a" * 40)  # in C, without a look at signals, holding the interpreter


def process_number(seconds):
    time.sleep(seconds)
    return os.getpid()


def report_and_sleep(file):
    file.touch()
    time.sleep(60)


def eat(folder):
    try:
        np.ones(4 * MEMORY, np.uint8)
    except MemoryError:
        return
    die(folder)


def test_a_worker_that_dies_costs_nothing(pool, tmp_path):
    losses = []
    work = partial(decode, deadly={17}, folder=tmp_path, how=die_once)
    found = results(range(40), 8, work, pool, on_loss=losses.append)
    assert found == [square(chunk) for chunk in chunked(range(40), 8)]
    assert losses == ["its worker died (SIGKILL)"]


@pytest.mark.parametrize(("how", "reason"), [(die, "SIGKILL"), (leave, "exit code 3")])
def test_an_image_that_kills_is_left_out_and_named(pool, tmp_path, how, reason):
    work = partial(decode, deadly={17, 19, 30}, folder=tmp_path, how=how)
    found = flat(range(40), 8, work, pool)
    expected = [i**2 for i in range(40)]
    for i in (17, 19, 30):
        expected[i] = f"its worker died ({reason})"
    assert found == expected
    assert len(list(tmp_path.iterdir())) == 3 * DEATHS


@pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(), reason="no forkserver"
)
def test_a_worker_that_starts_does_not_take_the_exit_status_of_another(monkeypatch):
    read, reading = multiprocessing.forkserver.read_signed, threading.Event()

    def slowly(fd):
        if not reading.is_set():
            reading.set()
            time.sleep(0.3)  # what was there to read, another thread may have read by now
        return read(fd)

    with WorkerPool(1, max_memory=MEMORY) as pool:
        pool.submit(abs, 1).result()
        monkeypatch.setattr(multiprocessing.forkserver, "read_signed", slowly)
        dying = pool.submit(die, None)
        reading.wait()
        with WorkerPool(1, max_memory=MEMORY) as another:
            another.submit(abs, 1).result()
        with pytest.raises(WorkerLost, match="SIGKILL"):
            dying.result()


@alarms
def test_a_decoder_that_hangs_is_ended_and_named(pool, tmp_path):
    losses = []
    work = partial(decode, deadly={5}, folder=tmp_path, how=hang)
    found = flat(range(12), 6, work, pool, on_loss=losses.append)
    assert "took longer than --time-limit" in found[5]
    assert found[:5] + found[6:] == [i**2 for i in range(12) if i != 5]
    assert len(list(tmp_path.iterdir())) == len(losses) == 1  # no use in trying again


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no limit here")
def test_a_decoder_that_eats_memory_meets_its_limit(pool, tmp_path):
    work = partial(decode, deadly={5}, folder=tmp_path, how=eat)
    assert flat(range(12), 6, work, pool) == [i**2 for i in range(12)]


def test_workers_go_when_they_are_sent_home(tmp_path):
    with WorkerPool(2, max_memory=MEMORY) as pool:
        assert results(range(8), 2, square, pool) == [[0, 1], [4, 9], [16, 25], [36, 49]]
        pids = set()
        while len(pids) < 2:
            pids |= {one.result() for one in [pool.submit(process_number, 0.05) for _ in range(2)]}
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    with pytest.raises(RuntimeError, match="were stopped"):
        pool.submit(square, Chunk(0, 0, ()))
    pool = WorkerPool(1, max_memory=MEMORY)
    busy = pool.submit(report_and_sleep, tmp_path / "busy")
    while not (tmp_path / "busy").exists():
        time.sleep(0.01)
    start = time.monotonic()
    pool.shutdown(cancel_futures=True)
    assert time.monotonic() - start < 30
    assert isinstance(busy.exception(), WorkerLost | EngineFailed)


def test_blas_has_one_thread_in_a_worker(pool):
    assert set(pool.submit(blas_threads).result()) == {1}


def blas_threads():
    from threadpoolctl import threadpool_info

    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


def test_workers_do_not_hear_the_interrupt_of_the_terminal(pool):
    handlers = pool.submit(signal.getsignal, signal.SIGINT).result()
    assert handlers == signal.SIG_IGN
