"""Welch's method: SciPy's values in one dimension, means over segments in several."""

import itertools

import laws
import numpy as np
import pytest
import scipy.signal

from spectral_mae import Periodogram, psd, welch


@pytest.mark.parametrize(
    ("size", "segment", "overlap"), [(1000, 64, 32), (777, 63, 10), (99, 99, 0)]
)
@pytest.mark.parametrize("window", [None, "hann", ("tukey", 0.5)])
@pytest.mark.parametrize("detrend", [None, "constant", "linear"])
@pytest.mark.parametrize("scaling", ["density", "spectrum"])
def test_signals_have_the_values_of_scipy(size, segment, overlap, window, detrend, scaling):
    x = np.random.default_rng(0).standard_normal(size).cumsum()
    found = welch(x, segment, overlap, fs=4.0, window=window, detrend=detrend, scaling=scaling)
    _, truth = scipy.signal.welch(
        x,
        fs=4.0,
        nperseg=segment,
        noverlap=overlap,
        window=window or "boxcar",
        detrend=detrend or False,
        scaling=scaling,
        return_onesided=False,
    )
    laws.assert_close(found.full(), truth, 1e-12)


def test_defaults_are_those_of_scipy():
    x = np.random.default_rng(0).standard_normal(1001)
    _, truth = scipy.signal.welch(x, nperseg=101, return_onesided=False)
    laws.assert_close(welch(x, 101).full(), truth, 1e-13)


@pytest.mark.parametrize(
    ("shape", "segment", "overlap"),
    [
        ((20, 31), (8, 5), (3, 0)),
        ((16, 16), 16, None),
        ((17, 12), (5, 12), 4),
        ((9, 8, 10), (4, 3, 5), (1, 2, 0)),
    ],
)
@pytest.mark.parametrize("channel_axis", [None, 0, 1, -1])
def test_images_are_means_over_their_segments(shape, segment, overlap, channel_axis, monkeypatch):
    x = np.random.default_rng(0).standard_normal((*shape, 3))
    ndim = len(shape)
    sizes = (segment,) * ndim if isinstance(segment, int) else segment
    shared = [n // 2 for n in sizes] if overlap is None else np.broadcast_to(overlap, ndim)
    starts = itertools.product(
        *(range(0, n - m + 1, m - o) for n, m, o in zip(shape, sizes, shared, strict=True))
    )
    boxes = [tuple(slice(a, a + m) for a, m in zip(s, sizes, strict=True)) for s in starts]
    options = {"window": "hann", "detrend": "constant", "ndim": ndim}
    if channel_axis is None:
        x = x[..., 0]
        truth = np.mean([psd(x[box], **options).power for box in boxes], axis=0)
    else:
        truth = np.mean([psd(x[box], channel_axis=-1, **options).power for box in boxes], axis=0)
        x = np.moveaxis(x, -1, channel_axis)
    found = welch(x, segment, overlap, channel_axis=channel_axis, ndim=ndim)
    laws.assert_close(found.power, truth, 1e-13)
    monkeypatch.setattr("spectral_mae.spectra.segments.BLOCK_BYTES", 1)
    again = welch(x, segment, overlap, channel_axis=channel_axis, ndim=ndim)
    laws.assert_close(again.power, truth, 1e-13)


class Rows:
    """An array that is no NumPy array and notes which rows are read."""

    def __init__(self, array):
        self.array, self.shape, self.read = array, array.shape, []

    def __getitem__(self, index):
        self.read.append((index[0].start, index[0].stop))
        return self.array[index]


def test_some_rows_are_read_at_a_time(tmp_path, monkeypatch):
    x = np.random.default_rng(0).standard_normal((41, 30))
    truth = welch(x, (16, 10))
    for limit, read in (
        (0, [(0, 16), (8, 24), (16, 32), (24, 40)]),
        (26 * 8 * 31, [(0, 24), (16, 40)]),
    ):
        monkeypatch.setattr("spectral_mae.spectra.segments.BLOCK_BYTES", limit)
        lazy = Rows(x)
        laws.assert_close(welch(lazy, (16, 10)).power, truth.power, 1e-14)
        assert lazy.read == read
    monkeypatch.undo()
    np.save(tmp_path / "field.npy", x)
    mapped = np.load(tmp_path / "field.npy", mmap_mode="r")
    np.testing.assert_array_equal(welch(mapped, (16, 10)).power, truth.power)


def test_dask_arrays_give_equal_numbers():
    dask = pytest.importorskip("dask.array")
    x = np.random.default_rng(0).standard_normal((40, 30))
    lazy = dask.from_array(x, chunks=(7, 30))
    np.testing.assert_array_equal(welch(lazy, 16).power, welch(x, 16).power)


@pytest.mark.parametrize(
    ("shape", "segment", "overlap", "window"),
    [
        ((400,), 32, 16, "hann"),
        ((400,), 32, 24, "hann"),
        ((48, 40), 8, 4, "hann"),
        ((32, 32), 8, 6, None),
        ((32, 32), 8, 0, "hann"),
    ],
)
@pytest.mark.slow
def test_averages_tell_how_much_the_mean_varies(shape, segment, overlap, window):
    """The variance of the power of white noise is its squared mean over ``averages``."""
    noise = np.random.default_rng(0).standard_normal((200, *shape))
    options = {"window": window, "detrend": None}
    found = [welch(x, segment, overlap, **options) for x in noise]
    power = np.array([one.power for one in found])
    inner = (slice(2, -2),) if len(shape) == 1 else (slice(2, 3), slice(2, -2))
    relative = power.var(axis=0, ddof=1)[inner] / power.mean(axis=0)[inner] ** 2
    assert 1 / relative.mean() == pytest.approx(found[0].averages, rel=0.1, abs=1)


def test_one_segment_is_a_periodogram():
    x = np.random.default_rng(0).standard_normal((12, 9))
    found = welch(x, (12, 9), window=None, detrend=None)
    truth = Periodogram((12, 9)).mean(x[np.newaxis])
    laws.assert_close(found.power, truth.power, 1e-14)
    assert found.averages == 1
    assert found.total == pytest.approx(truth.total)
    assert found.floor == pytest.approx(truth.floor, rel=1e-6, abs=0)


def test_refusals():
    x = np.random.default_rng(0).standard_normal((12, 9))
    for arguments, message in (
        ((13,), r"segment=13 is larger than the image of shape=\(12, 9\)"),
        ((4, 4), r"overlap=4 is not from 0 to below the segment, \(4, 4\)"),
        ((4, -1), "overlap=-1 is not from 0"),
        ((4, (1, 2, 3)), r"overlap=\(1, 2, 3\) has 3 numbers for 2 axes"),
        (((4, 4, 4),), "has 3 numbers for 2 axes"),
    ):
        with pytest.raises(ValueError, match=message):
            welch(x, *arguments)
    with pytest.raises(ValueError, match="image holds 1 values that are not finite"):
        welch(np.where(np.arange(12) == 5, np.nan, 1.0), 4)
    with pytest.raises(ValueError, match="for a volume give ndim=3"):
        welch(np.zeros((4, 4, 4)), 2)
