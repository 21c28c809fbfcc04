"""Chunks through any executor: order, back-pressure, culprits, and the same from a cluster."""

import math
import os
import random
import signal
import threading
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context

import pytest
from chunk_runs import MEMORY, assert_same, decode, die, flat, results, square, total, write_twenty

from spectral_mae.batch.chunks import EngineFailed, InProcess, WorkerLost, chunked, in_order
from spectral_mae.batch.merge_tree import MergeTree
from spectral_mae.batch.models.moments_work import MomentsWork
from spectral_mae.batch.workers.processes import WorkerPool
from spectral_mae.images.stream import StreamOptions


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(2, max_memory=MEMORY) as pool:
        yield pool


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    return write_twenty(tmp_path_factory.mktemp("images"))


# Order and back-pressure -------------------------------------------------------------------------


def test_chunks_make_up_the_list():
    for n in (0, 1, 5, 12):
        for size in (1, 3, 20):
            chunks = list(chunked(range(n), size))
            assert [i for chunk in chunks for i in chunk.items] == list(range(n))
            assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
            assert all(chunk.items[0] == chunk.first for chunk in chunks)
            assert list(chunked(range(n), size, 2)) == chunks[2:]


class Shuffled(ThreadPoolExecutor):
    """Work that ends in any order."""

    def submit(self, fn, /, *args, **kwargs):
        def late():
            time.sleep(random.random() * 0.01)
            return fn(*args, **kwargs)

        return super().submit(late)


def test_results_come_in_order_from_any_executor(pool):
    expected = [square(chunk) for chunk in chunked(range(100), 7)]
    with (
        Shuffled(8) as threads,
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes,
    ):
        for executor in (InProcess(), threads, processes, pool):
            for ahead in (1, 3, 50):
                assert results(range(100), 7, square, executor, ahead) == expected
    assert results([], 7, square, InProcess()) == []


def test_no_more_chunks_are_in_flight_than_asked():
    """Counted from the first that is not handed on; the list is not looked at before its time."""
    seen, handed = [], []

    def items():
        for chunk in chunked(range(1000), 1):
            seen.append(chunk.index)
            yield chunk

    with Shuffled(16) as executor:
        for chunk, _ in in_order(items(), square, executor, ahead=5):
            handed.append(chunk.index)
            assert len(seen) - len(handed) <= 5
    assert len(handed) == 1000


def test_what_goes_wrong_in_the_work_comes_through(pool):
    for executor in (InProcess(), pool):
        with pytest.raises(ZeroDivisionError, match="on purpose"):
            results(range(3), 1, fail, executor)
        assert results(range(3), 3, square, executor) == [[0, 1, 4]]


def fail(chunk):
    raise ZeroDivisionError("on purpose")


def test_interrupts_come_through_the_process():
    def interrupt(chunk):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        results(range(3), 1, interrupt, InProcess())


# Lost workers ------------------------------------------------------------------------------------


class Losing(InProcess):
    """An executor like Dask's, which cannot tell which image took the worker with it."""

    def __init__(self, deadly, times=math.inf):
        self.deadly, self.times = deadly, times

    def submit(self, fn, chunk):
        alive = [x for i, x in enumerate(chunk.items) if i not in chunk.excluded]
        if self.deadly & set(alive) and self.times > 0:
            self.times -= 1
            future = Future()
            future.set_exception(KilledWorker("lost"))
            return future
        return super().submit(fn, chunk)


class KilledWorker(Exception):  # noqa: N818
    """Of this name is Dask's."""


def marked(chunk):
    return [chunk.excluded.get(i, item) for i, item in enumerate(chunk.items)]


def test_culprits_are_found_one_by_one_where_the_executor_cannot_tell():
    found = flat(range(20), 5, marked, Losing({7, 9}))
    assert [i for i, one in enumerate(found) if one != i] == [7, 9]
    assert found[7] == "its worker died each time it was tried"
    assert flat(range(20), 5, marked, Losing({7}, times=2)) == list(range(20))


def test_workers_that_always_die_end_the_run():
    class Hopeless(InProcess):
        def submit(self, fn, /, *args, **kwargs):
            future = Future()
            future.set_exception(WorkerLost("no memory for them"))
            return future

    assert flat(range(4), 2, marked, Losing({0, 1, 2, 3}))[0] != 0
    with pytest.raises(EngineFailed, match="no memory for them"):
        results(range(4), 2, marked, Hopeless())


def test_a_broken_executor_says_what_to_do(tmp_path):
    work = partial(decode, deadly={3}, folder=tmp_path, how=die)
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor,
        pytest.raises(EngineFailed, match="are replaced"),
    ):
        results(range(8), 2, work, executor)


# Dask --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_cluster_gives_the_same_and_loses_nothing(references, tmp_path):
    """Two worker processes; one is killed half-way, and replaced by none."""
    distributed = pytest.importorskip("distributed")
    work = MomentsWork(StreamOptions(16), (4,), "banded")
    expected, _ = total(references, 1, work, InProcess())
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            local_directory=str(tmp_path),
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        executor = client.get_executor(pure=False)
        pids = list(client.run(os.getpid).values())
        tree = MergeTree()
        for chunk, result in in_order(chunked(references, 1), work, executor, ahead=4):
            tree.push(result.sums)
            if chunk.index == 8:
                os.kill(pids[0], signal.SIGKILL)
        assert_same(tree.result(), expected)
    assert threading.active_count() < 100
