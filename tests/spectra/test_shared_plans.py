"""Estimated plans and their buffers outlive the transforms that they were made for."""

import gc
import threading
import weakref

import laws
import numpy as np
import pytest

from spectral_mae.spectra import fft as room
from spectral_mae.spectra.fft import KINDS, RealFFT
from spectral_mae.spectra.periodogram import psd


@pytest.fixture(autouse=True)
def _nothing_kept_from_other_tests():
    room._idle.cache_clear()


def used(fft):
    with fft.borrow() as space:
        return space


def test_a_transform_of_the_same_kind_plans_nothing_again():
    space = used(RealFFT((6, 8), chunk=2))
    assert used(RealFFT((6, 8), chunk=2)) is space


@pytest.mark.parametrize(
    "other",
    [
        {"shape": (8, 6)},
        {"chunk": 3},
        {"dtype": np.float32},
        {"transposed": True},
        {"planner": "measure"},
        {"backend": "scipy"},
    ],
    ids=str,
)
def test_another_kind_has_its_own(other):
    options = {"shape": (6, 8), "chunk": 2, "backend": "fftw"}
    pytest.importorskip("pyfftw")
    space = used(RealFFT(**options))
    assert used(RealFFT(**{**options, **other})) is not space


def test_measured_plans_die_with_their_transform():
    pytest.importorskip("pyfftw")
    gone = weakref.ref(used(RealFFT((6, 8), planner="measure")))
    gc.collect()
    assert gone() is None


def test_no_two_threads_have_the_same_workspace():
    x = laws.field((40, 6, 8))
    expected = [np.fft.rfft2(one) for one in x]
    both, wrong = threading.Barrier(4), []

    def run(first):
        both.wait()
        for _ in range(20):
            for one, truth in zip(x[first::4], expected[first::4], strict=True):
                found = RealFFT((6, 8), chunk=1).rfft(one[np.newaxis])[0]
                if not np.allclose(found, truth, rtol=1e-12, atol=1e-12):
                    wrong.append(one)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    with RealFFT((6, 8), chunk=1).borrow() as one, RealFFT((6, 8), chunk=1).borrow() as two:
        assert one is not two
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_few_kinds_are_kept_and_no_large_ones():
    kept = [weakref.ref(used(RealFFT((6, n)))) for n in range(4, 5 + KINDS)]
    large = weakref.ref(used(RealFFT((1024, 1024))))
    gc.collect()
    assert [one() is not None for one in kept] == [False] + KINDS * [True]
    assert large() is None


def test_what_others_left_in_the_buffers_changes_no_bit():
    batch = laws.field((3, 6, 8))
    before = RealFFT((6, 8), chunk=2).rfft(batch)
    with RealFFT((6, 8), chunk=2).borrow() as space:
        space.real[...] = np.nan
    np.testing.assert_array_equal(RealFFT((6, 8), chunk=2).rfft(batch), before)


def test_a_second_spectrum_has_the_same_bits_and_its_own_memory():
    image = laws.field((160, 150))
    first = psd(image)
    copied = first.power.copy()
    second = psd(image)
    psd(-3 * image)
    np.testing.assert_array_equal(first.power, copied)
    np.testing.assert_array_equal(second.power, copied)
