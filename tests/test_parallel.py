"""Work in batches and in threads: every part once, in order, and BLAS as it was before."""

import subprocess
import sys
import textwrap
import threading

import dense
import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae import _parallel
from spectral_mae._parallel import in_batches

SIZES = pytest.mark.parametrize("d", [1, 8, 127, 128, 300])
COUNTS = pytest.mark.parametrize("n", [1, 2, 7, 1000])


@SIZES
@COUNTS
def test_slices_make_up_the_range_once_and_in_order(n, d):
    rows = in_batches(lambda rows: rows, n, d)
    covered = [i for one in rows for i in range(n)[one]]
    assert covered == list(range(n))
    assert all(one.step is None and 0 <= one.start < one.stop <= n for one in rows)


@SIZES
def test_batches_are_bounded_in_memory(d):
    """Complex matrices of d × d, at least one at a time."""
    sizes = [
        rows.stop - rows.start for rows in in_batches(lambda rows: rows, 200_000 // d**2 + 3, d)
    ]
    assert max(sizes) == 1 or 16 * d * d * max(sizes) <= _parallel.BATCH_BYTES
    if d >= _parallel.POOLED:
        assert max(sizes) == 1


@pytest.mark.parametrize("d", [3, 130])
def test_results_are_those_of_a_loop(d):
    matrices = np.random.default_rng(0).standard_normal((9, d, d))
    symmetric = matrices + matrices.swapaxes(1, 2)
    found = np.concatenate(in_batches(lambda rows: np.linalg.eigvalsh(symmetric[rows]), 9, d))
    np.testing.assert_allclose(found, [np.linalg.eigvalsh(one) for one in symmetric], atol=1e-9)


def test_large_matrices_are_shared_among_threads(monkeypatch):
    """Two that wait for each other end only if they run at the same time."""
    monkeypatch.setattr(_parallel, "cores", lambda: 2)
    meeting = threading.Barrier(2, timeout=60)

    def work(rows):
        meeting.wait()
        return rows.start, threading.get_ident()

    found = in_batches(work, 4, _parallel.POOLED)
    assert [start for start, _ in found] == [0, 1, 2, 3]
    assert threading.get_ident() not in {ident for _, ident in found}


def test_small_matrices_stay_in_the_thread_that_asks(monkeypatch):
    monkeypatch.setattr(_parallel, "cores", lambda: 4)
    found = in_batches(lambda _: threading.get_ident(), 10_000, _parallel.POOLED - 1)
    assert set(found) == {threading.get_ident()}


@pytest.mark.parametrize("d", [3, 130])
def test_errors_come_through(d, monkeypatch):
    monkeypatch.setattr(_parallel, "cores", lambda: 2)

    def work(rows):
        raise ValueError(f"no {rows.start}")

    with pytest.raises(ValueError, match="no 0"):
        in_batches(work, 3, d)


def test_blas_has_one_thread_inside_and_its_own_again_afterwards():
    """In a process of its own, where BLAS may have two; also after an error."""
    script = """
        import numpy as np
        from threadpoolctl import threadpool_info, threadpool_limits
        from spectral_mae import _parallel

        _parallel.cores = lambda: 2
        np.linalg.eigvalsh(np.eye(4))

        def threads(_=None):
            return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}

        def fail(_):
            raise ValueError("on purpose")

        with threadpool_limits(limits=2, user_api="blas"):
            before = threads()
            inside = _parallel.in_batches(threads, 4, _parallel.POOLED)
            after = threads()
            try:
                _parallel.in_batches(fail, 4, _parallel.POOLED)
            except ValueError:
                pass
            print(before, set.union(*inside), after, threads())
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["{2}", "{1}", "{2}", "{2}"]


def results(images):
    """Of every closed form, on blocks of several kinds."""
    models = [
        sm.LinearMAE((2, 3), 0.4),
        sm.LinearMAE((2, 3), 0.4, rank=5),
        sm.LinearMAE((2, 3), 0.4, target="hidden"),
        sm.LinearMAE((2, 3), 0.4, covariance="stationary", random_offset=True),
        sm.LinearMAE((2, 3), 0.4, covariance="stationary", random_offset=True, rank=4),
        sm.LinearMAE((2, 3), 0.4, shrinkage=0.3),
        sm.LinearDAE((2, 3), 0.5, rank=3),
    ]
    for model in models:
        model.fit(images, channel_axis=-1)
        response = model.frequency_response()
        yield from (model.loss_, model.weight_matrix(), response.error, response.passed)
        yield from (response.noise, response.aliased, model.score(images[::2]))
        if model.eigenvalues_ is not None:
            yield model.eigenvalues_
        if isinstance(model, sm.LinearMAE):
            yield model.mask_ratio_sweep([0.3, 0.6]).loss


@pytest.mark.parametrize("pooled", [1, 10**6])
def test_batches_and_threads_change_no_result(pooled, monkeypatch):
    """One block at a time, in this thread or in two others, and all blocks at once."""
    images = dense.photographs(60, (6, 9), 2)
    monkeypatch.setattr(_parallel, "POOLED", 10**6)
    expected = list(results(images))
    monkeypatch.setattr(_parallel, "BATCH_BYTES", 1)
    monkeypatch.setattr(_parallel, "POOLED", pooled)
    monkeypatch.setattr(_parallel, "cores", lambda: 2)
    assert len(in_batches(lambda rows: rows, 5, 2)) == 5
    for found, truth in zip(results(images), expected, strict=True):
        np.testing.assert_allclose(found, truth, atol=1e-9 * np.abs(truth).max())
