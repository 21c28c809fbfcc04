"""Chunks through executors: order, back-pressure, lost workers; sums that do not depend on it."""

import itertools
import math
import multiprocessing.forkserver
import os
import pickle
import random
import signal
import threading
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import broken
import numpy as np
import pytest
from PIL import Image

import spectral_mae as sm
from spectral_mae import watch
from spectral_mae.batch import BatchAnalyzer, BatchOptions
from spectral_mae.batch_work import AnalysisSums, AnalyzeWork, MomentSums, MomentsWork
from spectral_mae.engine import (
    DEATHS,
    Chunk,
    EngineFailed,
    InProcess,
    WorkerLost,
    chunked,
    in_order,
)
from spectral_mae.mean_spectra import MeanSpectra
from spectral_mae.merge_tree import MergeTree
from spectral_mae.moments import KINDS
from spectral_mae.shape_moments import ShapeMoments
from spectral_mae.sources import find_sources
from spectral_mae.streams import ImageStream, StreamOptions
from spectral_mae.workers import WorkerPool

MEMORY = 2**30
alarms = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no alarms here")


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(2, max_memory=MEMORY) as pool:
        yield pool


def square(chunk):
    return [item**2 for item in chunk.items]


def results(items, size, work, executor, ahead=4, **options):
    return [
        result
        for _, result in in_order(chunked(items, size), work, executor, ahead=ahead, **options)
    ]


def flat(items, size, work, executor, **options):
    found = results(items, size, work, executor, **options)
    return list(itertools.chain.from_iterable(found))


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


def decode(chunk, deadly, folder, how):
    """Pretend to decode: squares, but for images that end their worker, or hang."""
    guard = watch.current()
    found = []
    for position, item in enumerate(chunk.items):
        if position in chunk.excluded:
            found.append(chunk.excluded[position])
            continue
        guard.begin(position)
        with guard.limited(0.2):
            if item in deadly:
                with (Path(folder) / f"{item}-{os.getpid()}-{time.monotonic_ns()}").open("w"):
                    how(folder)
        found.append(item**2)
    return found


def die(folder):
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(folder):
    if len(list(Path(folder).iterdir())) == 1:
        die(folder)


def leave(folder):
    os._exit(3)


def hang(folder):
    import re

    re.match(r"(a*)*b", "a" * 40)  # in C, without a look at signals, holding the interpreter


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
        pytest.raises(EngineFailed, match="workers of --jobs are replaced"),
    ):
        results(range(8), 2, work, executor)


def test_workers_go_when_they_are_sent_home(tmp_path):
    with WorkerPool(2, max_memory=MEMORY) as pool:
        assert results(range(8), 2, square, pool) == [[0, 1], [4, 9], [16, 25], [36, 49]]
        pids = pool.pids
        assert len(pids) == 2
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    with pytest.raises(RuntimeError, match="sent home"):
        pool.submit(square, Chunk(0, 0, ()))
    pool = WorkerPool(1, max_memory=MEMORY)
    busy = pool.submit(time.sleep, 60)
    while not pool.pids:
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


# Merging -----------------------------------------------------------------------------------------


class Text(str):
    """Merging shows in which order it was done."""

    def merge(self, other):
        return Text(f"({self}{other})")


def tree_of(letters, **options):
    tree = MergeTree(**options)
    depth = 0
    for letter in letters:
        tree.push(Text(letter))
        depth = max(depth, len(tree.branches))
    return tree, depth


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 100])
def test_trees_keep_few_sums_and_the_order(n):
    letters = [chr(97 + i % 26) for i in range(n)]
    tree, depth = tree_of(letters)
    assert depth <= math.floor(math.log2(n)) + 1
    spans = [(b.first, b.last) for b in tree.branches]
    assert spans[0][0] == 0
    assert spans[-1][1] == n - 1
    assert all(a[1] + 1 == b[0] for a, b in itertools.pairwise(spans))
    assert tree.result().replace("(", "").replace(")", "") == "".join(letters)
    assert tree.result() is None
    for levels in (1, 2):
        tree, depth = tree_of(letters, levels=levels)
        assert depth <= levels + 1
        assert tree.result().replace("(", "").replace(")", "") == "".join(letters)


def test_trees_go_on_where_they_were_left():
    whole, _ = tree_of("abcdefghijk")
    expected = whole.result()
    for cut in range(11):
        first, _ = tree_of("abcdefghijk"[:cut])
        saved = pickle.loads(pickle.dumps(first.branches))
        second = MergeTree(branches=tuple(saved))
        for letter in "abcdefghijk"[cut:]:
            second.push(Text(letter))
        assert second.result() == expected


# The work of the commands ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    """Twenty images of two shapes and one that is broken."""
    folder = tmp_path_factory.mktemp("images")
    for i in range(20):
        shape = (24, 32, 3) if i % 3 else (32, 24, 3)
        Image.fromarray(broken.photograph(i, shape)).save(folder / f"{i:02d}.png")
    (folder / "07.png").write_bytes(b"")
    return find_sources([folder]).references


def total(references, size, work, executor):
    tree, rows = MergeTree(), {}
    for _, result in in_order(chunked(references, size), work, executor, ahead=4):
        tree.push(result.sums)
        for name, data in result.rows.items():
            rows[name] = rows.get(name, b"") + data
    return tree.result(), rows


def assert_same(one, other):
    arrays, expected = one.to_arrays(), other.to_arrays()
    assert list(arrays) == list(expected)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected[name])


def test_analysis_has_the_same_bits_whoever_does_it(references, pool):
    work = AnalyzeWork(BatchOptions((4, 8), 0.5, size=None), checks=3)
    sums, rows = total(references, 3, work, InProcess())
    with ThreadPoolExecutor(3) as threads:
        for executor in (pool, threads):
            again, same = total(references, 3, work, executor)
            assert same == rows
            assert_same(again, sums)
    assert_same(AnalysisSums.from_arrays(sums.to_arrays()), sums)


def test_analysis_is_that_of_image_after_image(references):
    options = BatchOptions((4, 8), 0.5, size=None)
    sums, rows = total(references, 3, AnalyzeWork(options, checks=100), InProcess())
    batch, spectra = BatchAnalyzer(options), MeanSpectra()
    from spectral_mae import tables

    text = ""
    for reference in references:
        outcomes = batch.analyze(reference)
        spectra.update(outcomes)
        text += tables.images_text(outcomes)
    assert rows["images.csv"].decode() == text
    for shape, moments in batch.moments.by_shape.items():
        found = sums.moments.by_shape[shape]
        assert found.n_images == moments.n_images
        np.testing.assert_allclose(found.spectra(), moments.spectra(), rtol=1e-9, atol=1e-12)
    for name, array in spectra.to_arrays().items():
        np.testing.assert_allclose(sums.spectra.to_arrays()[name], array, rtol=1e-10)


def test_equation_18_is_checked_on_the_first_images(references):
    work = AnalyzeWork(BatchOptions((8,), 0.5, size=16), checks=5)
    rows = total(references, 3, work, InProcess())[1]["numbers"]
    from spectral_mae.numbers import Numbers

    numbers = Numbers(np.frombuffer(rows).reshape(-1, len(Numbers.of([]).rows.T)))
    assert len(numbers) == 19
    assert (~np.isnan(numbers["eq18_error"])).tolist() == [True] * 5 + [False] * 14


def test_mean_spectra_are_means(references):
    options = BatchOptions((8,), 0.5, size=16)
    batch, spectra = BatchAnalyzer(options), MeanSpectra()
    found = [batch.analyze(r)[0].analysis for r in references if r.name != "07.png"]
    for reference in references:
        spectra.update(batch.analyze(reference))
    ((key, mean),) = spectra.means.items()
    assert (key, mean.n) == ((16, 16, 8), 19)
    power = [[a.original.power, a.drawn.power, a.expected.power] for a in found]
    np.testing.assert_allclose(mean.mean, np.mean(power, axis=0), rtol=1e-12)
    np.testing.assert_allclose(mean.squares / 18, np.var(power, axis=0, ddof=1), rtol=1e-9)


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("crops", [0, 2])
def test_moments_have_the_same_bits_whoever_does_it(references, pool, kind, crops):
    options = StreamOptions(16, crops, color=True)
    grids = (sm.PatchGrid((16, 16), 4), sm.PatchGrid((16, 16), 8))
    work = MomentsWork(options, grids, kind)
    sums, _ = total(references, 3, work, InProcess())
    assert_same(total(references, 3, work, pool)[0], sums)
    assert_same(MomentSums.from_arrays(sums.to_arrays()), sums)
    batch = np.concatenate(list(ImageStream(options).batches(references)))
    for grid, moments in zip(grids, sums.moments, strict=True):
        expected = KINDS[kind](grid, 3).update(batch)
        assert moments.n_images == len(batch)
        np.testing.assert_allclose(
            moments.stack().blocks, expected.stack().blocks, rtol=1e-9, atol=1e-12
        )


def test_shapes_beyond_the_bound_have_no_part(monkeypatch):
    from spectral_mae import shape_moments

    monkeypatch.setattr(shape_moments, "ALL_PIXELS", 16 + 25)
    first, second = ShapeMoments(), ShapeMoments()
    for side, moments in ((4, first), (6, second), (5, second), (4, second)):
        moments.update(np.random.default_rng(0).random((side, side)))
    assert list(second.by_shape) == [(6, 6)]
    first.merge(second)
    assert list(first.by_shape) == [(4, 4)]


# Dask --------------------------------------------------------------------------------------------


def test_a_cluster_gives_the_same_and_loses_nothing(references, tmp_path):
    """Two worker processes; one is killed half-way, and replaced by none."""
    distributed = pytest.importorskip("distributed")
    work = MomentsWork(StreamOptions(16), (sm.PatchGrid((16, 16), 4),), "banded")
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
