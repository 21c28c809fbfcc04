"""Planned transforms equal the definition, leave what they are given alone, and share safely."""

import itertools
import pickle
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import laws
import numpy as np
import pytest
from backends import BACKENDS, BACKENDS_AND_PLANNERS, needs_fftw

from spectral_mae.spectra.fft import RealFFT
from spectral_mae.spectra.frequencies import hermitian_weights

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SHAPES = pytest.mark.parametrize("shape", laws.SHAPES)


def axes(shape):
    return tuple(range(-len(shape), 0))


def spectra(shape, dtype):
    """A batch of half-planes of the matching complex type, with power everywhere."""
    return np.fft.rfftn(laws.field((5, *shape)), axes=axes(shape)).astype(
        np.result_type(dtype, np.complex64)
    )


@SHAPES
@BACKENDS_AND_PLANNERS
@DTYPES
def test_both_directions_equal_numpy(shape, backend, dtype, planner):
    x, half = laws.field((5, *shape), dtype=dtype), spectra(shape, dtype)
    kept_x, kept_half = x.copy(), half.copy()
    fft = RealFFT(shape, dtype=dtype, backend=backend, planner=planner, chunk=2)
    forward, inverse = fft.rfft(x), fft.irfft(half)
    np.testing.assert_array_equal(x, kept_x)
    np.testing.assert_array_equal(half, kept_half)
    assert forward.dtype == half.dtype == fft.complex_dtype
    assert inverse.dtype == dtype
    tolerance = laws.fft_tolerance(dtype, shape)
    laws.assert_close(forward, np.fft.rfftn(x.astype(float), axes=axes(shape)), tolerance)
    wide = half.astype(np.complex128)
    laws.assert_close(inverse, np.fft.irfftn(wide, s=shape, axes=axes(shape)), tolerance)


@SHAPES
@BACKENDS_AND_PLANNERS
@DTYPES
def test_transposed_half_planes_are_the_upright_ones_with_their_axes_swapped(
    shape, backend, dtype, planner
):
    """Those of images; there is no shorter way to those of volumes."""
    options = {"dtype": dtype, "backend": backend, "planner": planner, "chunk": 2}
    turned, upright = (RealFFT(shape, transposed=t, **options) for t in (True, False))
    order = (0, 2, 1) if len(shape) == 2 else range(len(shape) + 1)
    x, half = laws.field((5, *shape), dtype=dtype), spectra(shape, dtype)
    given = np.ascontiguousarray(half.transpose(order))
    kept_x, kept_given = x.copy(), given.copy()
    tolerance = 2 * laws.fft_tolerance(dtype, shape)
    laws.assert_close(turned.rfft(x), upright.rfft(x).transpose(order), tolerance)
    laws.assert_close(turned.irfft(given), upright.irfft(half), tolerance)
    np.testing.assert_array_equal(x, kept_x)
    np.testing.assert_array_equal(given, kept_given)


@SHAPES
@BACKENDS
def test_laws_of_the_transform(shape, backend):
    x = laws.field((3, *shape))
    fft = RealFFT(shape, backend=backend)
    tolerance = laws.fft_tolerance(float, shape)
    size, weights = np.prod(shape), hermitian_weights(shape)
    laws.assert_close(fft.rfft(x), laws.half(laws.dft(x, len(shape))), tolerance)
    laws.assert_close(fft.irfft(fft.rfft(x)), x, 2 * tolerance)
    laws.assert_close(np.sum(weights * np.abs(fft.rfft(x)) ** 2), size * np.sum(x**2), tolerance)
    laws.assert_adjoint(
        fft.rfft,
        lambda half: size * fft.irfft(half),
        x,
        laws.field((3, *fft.half_shape), 1) + 1j * laws.field((3, *fft.half_shape), 2),
        weights=weights,
        tolerance=2 * tolerance,
    )


@BACKENDS
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("n", [0, 1, 3, 4, 5, 8, 9, 13])
def test_workers_and_chunks_change_no_bit(backend, transposed, workers, n):
    shape = (6, 9)
    x = laws.field((n, *shape))
    one = RealFFT(shape, backend=backend, chunk=1, transposed=transposed)
    shared = RealFFT(shape, backend=backend, workers=workers, chunk=4, transposed=transposed)
    half = one.rfft(x)
    assert half.shape == (n, *one.half_shape)
    if backend == "ducc":  # transforms rows of several images at once, with other last bits
        laws.assert_close(shared.rfft(x), half, laws.fft_tolerance(float, shape))
        one = RealFFT(shape, backend=backend, chunk=4, transposed=transposed)
        half = one.rfft(x)
    np.testing.assert_array_equal(shared.rfft(x), half)
    np.testing.assert_array_equal(shared.irfft(half), one.irfft(half))


@needs_fftw
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("shape", [(1,), (6, 8)])
@pytest.mark.parametrize(("n", "chunk"), [(1, 1), (3, 1), (1, 4), (6, 4)])
def test_what_memory_held_before_neither_shows_nor_warns(shape, transposed, n, chunk, monkeypatch):
    import pyfftw

    def dirty(shape, dtype):
        array = pyfftw.zeros_aligned(shape, dtype=dtype)
        array.view(np.uint64)[...] = 0x7FF0000000000001  # a NaN that signals
        return array

    monkeypatch.setattr(pyfftw, "empty_aligned", dirty)
    x = laws.field((n, *shape))
    fft = RealFFT(shape, chunk=chunk, transposed=transposed)
    with np.errstate(all="raise"):
        laws.assert_close(fft.irfft(fft.rfft(x)), x, 1e-14)


@BACKENDS
def test_results_of_two_calls_do_not_share_memory(backend):
    fft = RealFFT((6, 8), backend=backend)
    x = laws.field((2, 6, 8))
    for transform, argument in ((fft.rfft, x), (fft.irfft, spectra((6, 8), float))):
        first = transform(argument)
        kept = first.copy()
        second = transform(2 * argument)
        assert not np.shares_memory(first, second)
        np.testing.assert_array_equal(first, kept)


def test_a_batch_may_be_strided_or_of_another_type():
    images = laws.field((4, 9, 6))
    fft = RealFFT((6, 9))
    strided = images[::2].swapaxes(1, 2)
    np.testing.assert_array_equal(fft.rfft(strided), fft.rfft(strided.copy()))
    whole = np.arange(54).reshape(1, 6, 9)
    np.testing.assert_array_equal(fft.rfft(whole), fft.rfft(whole.astype(float)))


@BACKENDS
def test_a_borrowed_workspace_belongs_to_one_borrower(backend):
    fft = RealFFT((6, 8), backend=backend)
    for _ in range(2):  # new ones, and then those that were given back
        with fft.borrow() as first, fft.borrow() as second:
            for a, b in itertools.product((first.real, first.half), (second.real, second.half)):
                assert not np.shares_memory(a, b)
    with fft.borrow() as again:
        assert again is first or again is second


@BACKENDS
@pytest.mark.parametrize("transposed", [False, True])
def test_one_transform_serves_eight_threads_at_once(backend, transposed):
    shape, threads, rounds = (48, 64), 8, 20
    fft = RealFFT(shape, backend=backend, chunk=2, transposed=transposed)
    batches = [laws.field((5, *shape), seed) for seed in range(threads)]
    truth = [np.fft.rfft2(batch).swapaxes(1, 1 + transposed) for batch in batches]
    start = threading.Barrier(threads)

    def work(i):
        start.wait()
        return [fft.rfft(batches[i]) for _ in range(rounds)] + [fft.irfft(truth[i])]

    with ThreadPoolExecutor(threads) as pool:
        for batch, exact, (*halves, back) in zip(
            batches, truth, pool.map(work, range(threads)), strict=True
        ):
            laws.assert_close(np.stack(halves), np.stack([exact] * rounds), 1e-14)
            laws.assert_close(back, batch, 1e-14)


def test_an_error_in_a_worker_reaches_the_caller_and_leaves_the_workspace_usable():
    fft = RealFFT((4, 4), chunk=1, workers=2)

    def fail(rows, _space):
        if rows.start == 2:
            raise RuntimeError("chunk 2")

    with pytest.raises(RuntimeError, match="chunk 2"):
        fft.each_chunk(4, fail)
    x = laws.field((4, 4, 4))
    laws.assert_close(fft.rfft(x), np.fft.rfft2(x), 1e-15)


def test_chunks_go_to_whichever_thread_is_free():
    """The first chunk lasts until all others are done; this thread works too."""
    fft = RealFFT((4, 4), chunk=2, workers=2)
    seen, threads, rest = [], set(), threading.Event()

    def work(rows, _space):
        threads.add(threading.current_thread())
        if rows.start == 0:
            assert rest.wait(timeout=60)
        seen.append((rows.start, rows.stop))
        if len(seen) == 5:
            rest.set()

    fft.each_chunk(11, work)
    assert seen == [(2, 4), (4, 6), (6, 8), (8, 10), (10, 11), (0, 2)]
    assert len(threads) == 2
    assert threading.current_thread() in threads


def test_after_an_error_no_further_chunks_are_worked_through():
    fft = RealFFT((4, 4), chunk=1, workers=2)
    both, seen = threading.Barrier(2), []

    def work(rows, _space):
        if rows.start < 2:
            both.wait(timeout=60)
        if rows.start == 0:
            raise RuntimeError("chunk 0")
        seen.append(rows.start)
        time.sleep(1e-5)  # lets the other thread run, which holds the error

    with pytest.raises(RuntimeError, match="chunk 0"):
        fft.each_chunk(20_000, work)
    assert len(seen) < 18_000


def as_they_are(x):
    """The same numbers in memory of many kinds, of which FFTW can read some as they are."""
    frozen = x.copy()
    frozen.flags.writeable = False
    shifted = np.empty(x.nbytes + 4, dtype=np.uint8)[4:].view(x.dtype).reshape(x.shape)
    shifted[...] = x
    gaps = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)[..., ::2]
    gaps[...] = x
    other = np.float32 if x.dtype == np.float64 else np.float64
    return {
        "frozen": frozen,
        "shifted": shifted,
        "gaps": gaps,
        "columns": np.asfortranarray(x),
        "backwards": x[::-1].copy()[::-1],
        "swapped": x.astype(x.dtype.newbyteorder()),
        "precision": x.astype(other),
    }


@BACKENDS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("shape", [(6, 8), (5, 7), (12,)])
def test_memory_of_any_kind_is_read_to_the_same_bits_and_left_alone(
    shape, transposed, dtype, backend
):
    x = np.round(100 * laws.field((7, *shape))).astype(dtype)  # exact in both precisions
    fft = RealFFT(shape, dtype=dtype, backend=backend, chunk=3, transposed=transposed)
    with fft.borrow() as space:
        copied = []
        for first in (0, 3, 6):
            part = x[first : first + 3]
            space.real[: len(part)] = part
            space.forward()
            copied.append(space.half[: len(part)].copy())
    expected = np.concatenate(copied)
    for kind, same in as_they_are(x).items():
        np.testing.assert_array_equal(fft.rfft(same), expected, err_msg=kind)
        np.testing.assert_array_equal(same, x, err_msg=kind)
    with fft.borrow() as space:  # its own buffer is read again
        space.real[...] = x[:3]
        space.forward()
        np.testing.assert_array_equal(space.half, expected[:3])


@needs_fftw
@pytest.mark.parametrize("transposed", [False, True])
def test_a_single_image_is_transformed_where_it_is(transposed):
    """Without a copy into the buffer, although its first axis has a stride of 0."""
    image = laws.field((6, 8))
    fft = RealFFT((6, 8), backend="fftw", chunk=1, transposed=transposed)
    with fft.borrow() as space:
        space.forward()
        space.real[...] = 7.0
        space.half[...] = 7.0  # may be the same memory
        assert image[np.newaxis].strides[0] == 0
        space.forward(image[np.newaxis])
        half = space.half[0].T if transposed else space.half[0]
        laws.assert_close(half, np.fft.rfft2(image), 1e-14)
        if not transposed:
            assert np.all(space.real == 7.0)


@pytest.mark.parametrize("transposed", [False, True])
def test_memory_to_work_in_is_not_that_of_the_transforms(transposed):
    fft = RealFFT((6, 8), chunk=16, transposed=transposed)
    with fft.borrow() as space:
        kept, spare = space.kept(60), space.spare(33, np.float64)
        assert kept.shape == (60,)
        assert spare.shape == (33,)
        assert kept.dtype == spare.dtype == np.float64
        assert np.shares_memory(kept, space.kept(22))
        assert np.shares_memory(spare, space.spare(22, np.complex64))
        for used in (space.real, space.half):
            assert not np.shares_memory(kept, used)
            assert not np.shares_memory(spare, used)
        assert not np.shares_memory(kept, spare)


@BACKENDS
def test_views_of_a_workspace_are_kept_for_one_owner(backend):
    fft = RealFFT((6, 8), backend=backend)
    first, second = object(), object()
    with fft.borrow() as space:
        space.views(first)["half"] = space.half
        assert space.views(first)["half"] is space.half
        assert space.views(second) == {}
        assert space.views(first) == {}


@pytest.mark.parametrize(
    ("shape", "dtype", "images"),
    [
        ((128, 128), np.float32, 4),
        ((224, 224), np.float32, 1),
        ((224, 224), np.float64, 1),
        ((512, 512), np.float32, 1),
        ((1024, 1024), np.float64, 1),
        ((16,), np.float32, 2**12),
        ((100, 3), np.float64, 2**6),
    ],
)
def test_a_chunk_has_as_many_images_as_the_largest_power_of_two_that_fits(shape, dtype, images):
    assert RealFFT(shape, dtype=dtype).chunk == images


@BACKENDS_AND_PLANNERS
def test_a_transform_does_not_hold_on_to_images(backend, planner):
    fft = RealFFT((6, 8), chunk=2, backend=backend, planner=planner)
    x = laws.field((4, 6, 8))
    gone = weakref.ref(x)
    fft.rfft(x)
    del x
    assert gone() is None


@BACKENDS_AND_PLANNERS
def test_a_used_transform_survives_pickling(backend, planner):
    fft = RealFFT((6, 8), backend=backend, dtype=np.float32, workers=2, chunk=3, planner=planner)
    x = laws.field((4, 6, 8), dtype=np.float32)
    expected = fft.rfft(x)
    copy = pickle.loads(pickle.dumps(fft))
    assert (copy.shape, copy.dtype, copy.backend) == (fft.shape, fft.dtype, fft.backend)
    assert (copy.planner, copy.workers, copy.chunk) == (fft.planner, fft.workers, fft.chunk)
    laws.assert_close(copy.rfft(x), expected, 1e-6)


def test_a_used_transform_travels_to_a_spawned_process():
    fft = RealFFT((6, 8))
    x = laws.field((4, 6, 8))
    expected = fft.rfft(x)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        np.testing.assert_array_equal(pool.submit(fft.rfft, x).result(timeout=60), expected)


def test_estimated_plans_give_the_same_bits_whatever_was_planned_before():
    shape = (96, 80)
    x = laws.field((5, *shape))
    before = RealFFT(shape).rfft(x)
    RealFFT(shape, planner="measure").rfft(x)
    np.testing.assert_array_equal(RealFFT(shape).rfft(x), before)


def test_all_workspaces_of_one_transform_share_what_was_measured():
    shape = (96, 80)
    x = laws.field((6, *shape))
    fft = RealFFT(shape, planner="measure", chunk=2)
    first = fft.rfft(x)
    with fft.borrow():
        np.testing.assert_array_equal(fft.rfft(x), first)
    with fft.borrow(), fft.borrow():
        np.testing.assert_array_equal(fft.rfft(x), first)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": np.float16}, "dtype=.*float16.* is neither float32 nor float64"),
        ({"dtype": complex}, "dtype=.*complex.* is neither"),
        ({"backend": "cufft"}, "backend='cufft' is not one of 'fftw', 'scipy', 'ducc'"),
        ({"planner": "patient"}, "planner='patient' is not one of 'estimate', 'measure'"),
        (
            {"backend": "scipy", "planner": "measure"},
            "planner='measure' is an effort of FFTW's, and does not go with backend='scipy'",
        ),
        ({"workers": 0}, "workers=0 is not at least 1"),
        ({"chunk": 0}, "chunk=0 is not at least 1"),
    ],
)
def test_impossible_options_are_refused_with_their_values(options, message):
    with pytest.raises(ValueError, match=message):
        RealFFT((4, 4), **options)


@pytest.mark.parametrize("method", ["rfft", "irfft"])
def test_batches_of_another_shape_are_refused_with_both_shapes(method):
    expected = "4, 5" if method == "rfft" else "4, 3"
    with pytest.raises(ValueError, match=rf"\(2, 5, 4\) is not \(n, {expected}\)"):
        getattr(RealFFT((4, 5)), method)(np.zeros((2, 5, 4)))


@needs_fftw
def test_fftw_comes_without_dask_which_takes_longer_than_all_else():
    code = (
        "import sys, spectral_mae.spectra.backends.fftw as ours; "
        "print([name for name in ('dask', 'pandas') if name in sys.modules]); "
        "print('dask.array.fft' in sys.modules, ours.pyfftw.FFTW.__name__); "
        "import importlib.util as util; "
        "wanted = util.find_spec('dask') and util.find_spec('dask.array'); "
        "wanted and __import__('pyfftw.interfaces.dask_fft')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "False FFTW"]
