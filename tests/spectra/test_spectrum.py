"""Power spectra equal `scipy.signal.periodogram`, its extension to more axes, and Parseval."""

import json
import pickle
from functools import reduce

import laws
import numpy as np
import pytest
import scipy.signal
from backends import PACKAGES

from spectral_mae.extras import installed
from spectral_mae.spectra import periodogram as module
from spectral_mae.spectra.periodogram import Periodogram, psd

SHAPES = pytest.mark.parametrize("shape", laws.SHAPES)
IMAGES = pytest.mark.parametrize("shape", [(9,), (12,), (6, 8), (5, 7), (8, 6), (3, 4, 5)])
WINDOWS = pytest.mark.parametrize(
    "window", [None, "boxcar", "hann", ("kaiser", 8.0), ("tukey", 0.25), "array"], ids=str
)
DETRENDS = pytest.mark.parametrize("detrend", laws.DETRENDS)
LAYOUTS = pytest.mark.usefixtures("layout")
SCALINGS = pytest.mark.parametrize("scaling", ["density", "spectrum", "energy"])


@pytest.fixture(params=["upright", "transposed"])
def layout(request, monkeypatch):
    """Both orders of the axes of a transform, of which images of one size take one."""
    monkeypatch.setattr(module, "TRANSPOSED", 0 if request.param == "transposed" else 10**9)


def weights(window, shape):
    """The named window, or random weights for "array"."""
    return np.random.default_rng(5).random(shape) if window == "array" else window


@pytest.mark.parametrize("n", [16, 15])
@WINDOWS
@pytest.mark.parametrize("detrend", [None, False, "constant", "linear"])
@pytest.mark.parametrize("scaling", ["density", "spectrum"])
@pytest.mark.parametrize("fs", [1.0, 44.1])
def test_signals_equal_scipy(n, window, detrend, scaling, fs):
    x = laws.field((n,)) + 0.3 * np.arange(n)
    window = weights(window, (n,))
    frequency, truth = scipy.signal.periodogram(
        x,
        fs,
        "boxcar" if window is None else window,
        detrend=detrend or False,
        scaling=scaling,
        return_onesided=False,
    )
    found = psd(x, fs=fs, window=window, detrend=detrend, scaling=scaling)
    laws.assert_close(found.full(), truth, 1e-12)
    laws.assert_close(found.frequencies[0], np.abs(laws.half(frequency)), 1e-15)


@pytest.mark.parametrize("shape", [(5, 8), (4, 5, 6)])
@pytest.mark.parametrize("window", [None, "hann"])
def test_images_and_volumes_equal_scipy_along_one_axis_after_another(shape, window):
    """Of a product of signals: a product of SciPy's spectra, detrending aside."""
    signals = [laws.field((n,), seed) for seed, n in enumerate(shape)]
    window = "boxcar" if window is None else window
    options = {"window": window, "detrend": False, "return_onesided": False}
    spectra = [scipy.signal.periodogram(x, 3.0, **options)[1] for x in signals]
    found = psd(reduce(np.multiply.outer, signals), fs=3.0, window=window, ndim=len(shape))
    laws.assert_close(found.full(), reduce(np.multiply.outer, spectra), 1e-12)


@LAYOUTS
@SHAPES
@WINDOWS
@DETRENDS
def test_images_equal_the_definition(shape, window, detrend):
    x = laws.field(shape) + 0.3 * np.indices(shape).sum(axis=0)
    window = weights("array" if window == "hann" and min(shape) < 3 else window, shape)
    fs = laws.RATES[: len(shape)]
    for scaling in ("density", "spectrum", "energy"):
        options = {"fs": fs, "window": window, "detrend": detrend, "scaling": scaling}
        truth, found = laws.periodogram(x, **options), psd(x, ndim=len(shape), **options)
        size = np.max(laws.periodogram(x, fs=fs, window=window, scaling=scaling))
        assert found.shape == shape
        assert np.max(np.abs(found.power - laws.half(truth))) <= 1e-13 * size
        assert np.max(np.abs(found.full() - truth)) <= 1e-13 * size


@LAYOUTS
@SHAPES
def test_energy_is_the_squared_transform(shape):
    x = laws.field(shape)
    found = psd(x, scaling="energy", ndim=len(shape))
    laws.assert_close(found.full(), np.abs(laws.dft(x)) ** 2, 1e-13)


@LAYOUTS
@SHAPES
@WINDOWS
@SCALINGS
def test_parseval(shape, window, scaling):
    """The total is the mean square, weighted with the squared window; D·Σ(wx)² for energy."""
    x = laws.field(shape)
    window = weights("array" if window == "hann" and min(shape) < 3 else window, shape)
    w = laws.window_weights(window, shape)
    mean_square = np.sum((w * x) ** 2) / np.sum(w**2)
    truth = x.size * np.sum((w * x) ** 2) if scaling == "energy" else mean_square
    options = {"window": window, "scaling": scaling, "fs": laws.RATES[: len(shape)]}
    found = psd(x, ndim=len(shape), **options)
    assert found.total == pytest.approx(truth, rel=1e-12)


@LAYOUTS
def test_periodic_detrending_takes_the_cross_away():
    ramp = np.indices((24, 32))[1].astype(float)
    cross, left = (psd(ramp, detrend=d).power[0, 1:] for d in ("constant", "periodic"))
    laws.assert_close(left * 32**2, cross, 1e-10)


@LAYOUTS
@IMAGES
@pytest.mark.parametrize("detrend", [None, "linear"])
def test_channels_are_averaged_wherever_they_stand(shape, detrend):
    x = laws.field((*shape, 3))
    options = {"window": "hann", "detrend": detrend}
    said = {"ndim": len(shape)}
    truth = np.mean([psd(x[..., c], **said, **options).power for c in range(3)], axis=0)
    for axis in range(-x.ndim, x.ndim):
        moved = np.moveaxis(x, -1, axis)
        found = psd(moved, channel_axis=axis, **said, **options)
        laws.assert_close(found.power, truth, 1e-14)
        batch = Periodogram(shape, channel_axis=axis + (axis >= 0), **options).power(moved[None])
        np.testing.assert_array_equal(batch[0], found.power)


@LAYOUTS
@IMAGES
@DETRENDS
@pytest.mark.parametrize("window", [None, "hann"])
def test_single_precision_stays_single(shape, detrend, window):
    x = laws.field(shape, dtype=np.float32)
    options = {"detrend": detrend, "window": window, "scaling": "energy", "ndim": len(shape)}
    single, double = psd(x, **options), psd(x.astype(float), **options)
    assert single.power.dtype == np.float32
    half = psd(x.astype(np.float16), ndim=len(shape))
    assert double.power.dtype == half.power.dtype == np.float64
    size = np.max(psd(x, scaling="energy", ndim=len(shape)).power)
    assert np.max(np.abs(single.power - double.power)) <= 1e-5 * size
    assert single.total == pytest.approx(double.total, rel=1e-5)


@LAYOUTS
@pytest.mark.parametrize("detrend", [None, "periodic"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_workers_and_chunks_change_no_bit(detrend, dtype):
    x = laws.field((11, 12, 9, 2), dtype=dtype)
    options = {"detrend": detrend, "window": "hann", "channel_axis": -1, "dtype": dtype}
    plain = Periodogram((12, 9), chunk=1, **options)
    rings = plain.radial(x)
    for workers, chunk in [(1, 4), (2, 2), (3, 1), (2, 20), (2, None)]:
        other = Periodogram((12, 9), workers=workers, chunk=chunk, **options)
        np.testing.assert_array_equal(other.power(x), plain.power(x))
        np.testing.assert_array_equal(other.mean(x).power, plain.mean(x).power)
        np.testing.assert_array_equal(other.radial(x).power, rings.power)
        np.testing.assert_array_equal(other.condition(x), plain.condition(x))


def test_small_batches_after_a_large_one_leave_nothing_behind():
    """What a workspace held is not filtered again and again, until it overflows."""
    x = laws.field((4, 64))
    periodogram = Periodogram(64, detrend="periodic", chunk=4)
    expected = periodogram.power(x)
    with np.errstate(all="raise"):
        for _ in range(300):
            found = periodogram.power(x[:1])
    np.testing.assert_array_equal(found, expected[:1])


@LAYOUTS
@IMAGES
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_backends_and_planners_agree_to_rounding(shape, dtype):
    x = laws.field((4, *shape), dtype=dtype)
    usual = Periodogram(shape, dtype=dtype, detrend="periodic")
    others = [{"backend": name} for name, package in PACKAGES.items() if installed(package)]
    for options in (*others, {"planner": "measure"}):
        other = Periodogram(shape, dtype=dtype, detrend="periodic", **options)
        laws.assert_close(other.power(x), usual.power(x), 20 * np.finfo(dtype).eps)


@LAYOUTS
@IMAGES
@pytest.mark.parametrize("channel_axis", [None, 1])
@pytest.mark.parametrize("masked", [False, True])
def test_the_mean_of_a_batch_is_the_mean_of_its_powers(shape, channel_axis, masked, monkeypatch):
    x = laws.field((7, *shape))
    visible = np.random.default_rng(1).random((7, *shape)) < 0.5 if masked else None
    square = np.mean((x if visible is None else x * visible) ** 2)
    if channel_axis is not None:
        x, square = np.stack([x, 2 * x], axis=channel_axis), square * 5 / 2
    periodogram = Periodogram(shape, channel_axis=channel_axis, chunk=3)
    truth = periodogram.power(x, visible=visible).mean(axis=0)
    mean = periodogram.mean(x, visible=visible)
    assert mean.averages == 7
    laws.assert_close(mean.power, truth, 1e-15)
    assert mean.total == pytest.approx(square, rel=1e-13)
    monkeypatch.setattr(module, "BLOCK_BYTES", 2 * 8 * np.prod(shape))
    in_blocks = periodogram.mean(x, visible=visible)
    laws.assert_close(in_blocks.power, truth, 1e-15)
    assert in_blocks.floor == pytest.approx(mean.floor, rel=1e-13, abs=0)


@LAYOUTS
def test_means_of_single_precision_are_added_up_in_double():
    x = laws.field((5000, 4, 4), dtype=np.float32)
    periodogram = Periodogram((4, 4), dtype=np.float32)
    truth = periodogram.power(x).astype(float).mean(axis=0)
    found = periodogram.mean(x).power
    assert found.dtype == np.float32
    laws.assert_close(found, truth, np.finfo(np.float32).eps / 2)


@LAYOUTS
@IMAGES
@pytest.mark.parametrize("dtype", [bool, np.uint8, float])
def test_masks_apply_between_detrending_and_window(shape, dtype):
    x = laws.field((3, *shape))
    masks = (np.random.default_rng(1).random((3, *shape)) * 3).astype(dtype)
    options = {"detrend": "linear", "window": "hann", "scaling": "spectrum"}
    periodogram = Periodogram(shape, **options)
    said = {"ndim": len(shape)}
    one = [psd(x[i], visible=masks[i], **said, **options).power for i in range(3)]
    truth = [laws.half(laws.periodogram(x[i], visible=masks[i], **options)) for i in range(3)]
    laws.assert_close(np.stack(one), np.stack(truth), 1e-12)
    np.testing.assert_array_equal(periodogram.power(x, visible=masks), one)
    shared = periodogram.power(x, visible=masks[0])
    np.testing.assert_array_equal(shared[0], one[0])
    np.testing.assert_array_equal(shared[1:], periodogram.power(x, visible=masks[[0, 0, 0]])[1:])
    laws.assert_close(periodogram.mean(x, visible=masks).power, np.mean(one, axis=0), 1e-14)


@pytest.mark.parametrize("shape", [(9,), (4096,), (6, 8), (5, 7), (255, 257)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("detrend", ["constant", "linear", "periodic"])
def test_detrended_constants_leave_no_more_than_the_rounding_floor(shape, dtype, detrend):
    """Even where a window brings what detrending left of the mean to other frequencies."""
    for value in (0.1, 1 / 3, 1e6 / 3, 255.0):
        image = np.full(shape, value, dtype)
        windows = [None] if detrend == "periodic" else [None, "hann"]
        for found in (psd(image, window=window, detrend=detrend) for window in windows):
            assert np.max(found.power.ravel()[1:]) <= found.floor
            assert found.floor <= (value * np.finfo(dtype).eps) ** 2 * 100 * image.size


@LAYOUTS
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("detrend", [None, "periodic"])
def test_values_that_are_not_finite_are_refused_with_their_position(bad, dtype, detrend):
    x = laws.field((6, 8), dtype=dtype)
    x[4, 5] = x[5, 0] = bad
    with pytest.raises(ValueError, match=rf"image holds 2 values .* first at \(4, 5\): {bad}"):
        psd(x, detrend=detrend)
    periodogram = Periodogram((6, 8), dtype=dtype, detrend=detrend)
    for method in (periodogram.power, periodogram.mean, periodogram.radial):
        with (
            pytest.raises(ValueError, match=rf"first at \(0, 4, 5.*{bad}"),
            np.errstate(invalid="ignore"),
        ):
            method(x[np.newaxis])
    with pytest.raises(ValueError, match=r"visible holds 2 values .* first at \(4, 5\)"):
        psd(np.ones((6, 8)), visible=x)


@LAYOUTS
def test_the_position_of_a_bad_value_is_its_place_in_the_batch():
    x = laws.field((10, 6, 8))
    x[7, 2, 3] = np.nan
    with pytest.raises(ValueError, match=r"first at \(7, 2, 3\): nan"):
        Periodogram((6, 8), chunk=2).power(x)
    with pytest.raises(ValueError, match=r"first at \(7, 2, 3, 0\): nan"):
        Periodogram((6, 8), chunk=2, channel_axis=-1).radial(x[..., np.newaxis])


HUGE = {
    "every frequency": np.full((6, 8), 3e38, np.float32) * np.sign(laws.field((6, 8)), dtype="f4"),
    "all but zero": np.where(np.indices((6, 8)).sum(axis=0) % 2, 3e38, -3e38).astype(np.float32),
    "Nyquist only": np.array([3e38, -3e38], np.float32),
    "squares only": np.full((6, 8), 1e25, np.float32),
    "double precision": np.full((6, 8), 1e200),
}


@pytest.mark.parametrize("name", HUGE)
@pytest.mark.parametrize("detrend", [None, "periodic"])
def test_power_too_large_for_the_precision_is_an_error_not_infinite(name, detrend):
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="too large for float"):
        psd(HUGE[name], detrend=detrend)


@pytest.mark.parametrize(
    ("image", "options", "error", "message"),
    [
        (np.ones((4, 4), complex), {}, TypeError, "image has dtype complex128; real numbers"),
        (np.full((4, 4), "a"), {}, TypeError, "image has dtype <U1"),
        (
            np.ones((2, 4, 4)),
            {},
            ValueError,
            r"has 3 axes.*Periodogram\(shape\)\.radial\(images\).*channel_axis",
        ),
        (np.float64(1), {}, ValueError, "has 0 axes"),
        (np.ones((4, 4)), {"fs": -1}, ValueError, "fs=-1 must be finite and positive"),
        (np.ones((4, 4, 3)), {"channel_axis": 3}, ValueError, r"channel_axis=3 is out of range"),
        (np.ones((4, 4, 0)), {"channel_axis": -1}, ValueError, r"\(4, 4, 0\) is empty"),
        (np.ones((4, 4)), {"window": np.ones((4, 5))}, ValueError, r"\(4, 5\) .*shape=\(4, 4\)"),
        (np.ones((4, 4)), {"visible": np.ones((4, 5))}, ValueError, r"\(4, 5\) .*\(4, 4\)"),
        (np.ones((4, 4)), {"scaling": "power"}, ValueError, "scaling='power' is not one of"),
        (np.ones((4, 4)), {"detrend": "mean"}, ValueError, "detrend='mean' is not one of"),
        (np.ones((4, 4)), {"fs": (1.0, 2.0, 3.0)}, ValueError, "fs=.* has 3 numbers for 2 axes"),
        (np.ones((4, 4)), {"fs": 0.0}, ValueError, "fs=0.0 must be finite and positive"),
        (np.ones((4, 4)), {"fs": (1.0, np.inf)}, ValueError, "fs=.* must be finite and positive"),
    ],
)
def test_impossible_arguments_are_refused_with_their_values(image, options, error, message):
    with pytest.raises(error, match=message):
        psd(image, **options)


@pytest.mark.parametrize("method", ["power", "mean", "radial", "condition"])
@pytest.mark.parametrize(
    ("images", "options", "error", "message"),
    [
        (np.ones((2, 4, 5)), {}, ValueError, r"\(2, 4, 5\) .* batch of shape=\(4, 4\)"),
        (np.ones((4, 4)), {}, ValueError, r"images of shape \(4, 4\) has 2 axes.* needs 3"),
        (np.ones((2, 4, 4), complex), {}, TypeError, "images has dtype complex128"),
        (np.ones((2, 4, 4)), {"visible": np.ones((3, 4, 4))}, ValueError, r"\(3, 4, 4\) .*\(2, 4"),
    ],
)
def test_batches_that_do_not_fit_are_refused_with_both_shapes(
    method, images, options, error, message
):
    with pytest.raises(error, match=message):
        getattr(Periodogram((4, 4)), method)(images, **options)


@pytest.mark.parametrize("axis", [0, -4])
def test_channels_of_a_batch_are_not_its_images(axis):
    with pytest.raises(ValueError, match=rf"channel_axis={axis}: axis 0 of a batch holds the im"):
        Periodogram((4, 4), channel_axis=axis)


def test_an_empty_batch_has_no_mean():
    empty = np.empty((0, 4, 4))
    assert Periodogram((4, 4)).power(empty).shape == (0, 4, 3)
    with pytest.raises(ValueError, match="the batch is empty"):
        Periodogram((4, 4)).mean(empty)


@LAYOUTS
def test_a_periodogram_survives_pickling():
    x = laws.field((3, 6, 8))
    periodogram = Periodogram((6, 8), detrend="periodic", window="hann", fs=2.0)
    power = periodogram.power(x)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(periodogram)).power(x), power)


@IMAGES
def test_a_spectrum_becomes_plain_numbers(shape):
    found = psd(laws.field(shape), fs=2.0, scaling="spectrum", ndim=len(shape))
    plain = json.loads(json.dumps(found.to_dict()))
    np.testing.assert_array_equal(plain["power"], found.power)
    for axis, numbers in zip(found.frequencies, plain["frequencies"], strict=True):
        np.testing.assert_array_equal(numbers, axis)
    assert plain["shape"] == list(shape)
    assert (plain["scaling"], plain["total"]) == ("spectrum", found.total)


def test_a_volume_must_be_said():
    """Three axes may as well be a batch of images, or an image with its colours."""
    x = laws.field((4, 5, 6))
    for axes in (None, 1, 2):
        with pytest.raises(ValueError, match=r"image of shape \(4, 5, 6\) .* has 3 axes"):
            psd(x, ndim=axes)
    with pytest.raises(ValueError, match="give channel_axis; for a volume give ndim=3"):
        psd(x)
    with pytest.raises(ValueError, match="channel_axis=0 has 2 axes, not ndim=3"):
        psd(x, channel_axis=0, ndim=3)
    with pytest.raises(ValueError, match=r"ndim=4 is not 1 \(a signal\), 2 .* or 3 \(a volume\)"):
        psd(x[np.newaxis], ndim=4)
    with pytest.raises(TypeError, match=r"ndim=3\.0 is not an integer"):
        psd(x, ndim=3.0)
    laws.assert_close(psd(x, ndim=3).power, Periodogram(x.shape).power(x[np.newaxis])[0], 1e-15)
    planes = laws.field((2, 4, 5, 6))
    one = psd(planes, channel_axis=0, ndim=3)
    laws.assert_close(one.power, Periodogram((4, 5, 6)).power(planes).mean(axis=0), 1e-14)


@LAYOUTS
def test_short_batches_may_follow_long_ones_for_ever():
    """Rows of a chunk that a short batch leaves unused must not grow from call to call."""
    x = laws.field((8, 8, 8))
    periodogram = Periodogram((8, 8), detrend="periodic", chunk=8)
    periodogram.power(x)
    first = periodogram.power(x[:1])
    with np.errstate(all="raise"):
        for _ in range(400):
            again = periodogram.power(x[:1])
    np.testing.assert_array_equal(first, again)


def test_tiny_pixels_are_no_overflow():
    with pytest.raises(ValueError, match=r"pixels up to .*e-170 are too small for float64 spectra"):
        psd(1e-170 * laws.field((8, 8)))
    assert psd(np.zeros((8, 8))).total == 0
    assert psd(np.ones((8, 8)), detrend="constant").total == 0
    assert psd(1e-100 * laws.field((8, 8))).total > 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: psd(x, visible=np.ma.masked_less(x, 0)), TypeError, "visible is a masked array"),
        (lambda x: psd(x, fs=None), TypeError, "fs=None"),
        (lambda x: psd(x, detrend=np.ones(3)), ValueError, "detrend="),
        (lambda x: psd(x, channel_axis=0.0), TypeError, "channel_axis=0.0"),
        (lambda x: psd(x[0], window=[1, -1] * 4, scaling="spectrum"), ValueError, "window sums to"),
        (lambda x: psd(np.zeros((8, 8, 3))), ValueError, "give channel_axis"),
        (lambda x: psd(x * 1e200), ValueError, "too large for float64"),
    ],
)
def test_unusual_arguments_get_a_clear_error(call, error, message):
    with np.errstate(all="ignore"), pytest.raises(error, match=message):
        call(laws.field((8, 8)))


@pytest.mark.parametrize("method", ["power", "radial", "mean", "condition"])
def test_masks_that_are_masked_arrays_are_refused(method):
    x = laws.field((3, 8, 8))
    with pytest.raises(TypeError, match="visible is a masked array"):
        getattr(Periodogram((8, 8)), method)(x, visible=np.ma.array(x > 0, mask=x > 1))


@pytest.mark.filterwarnings("error")
def test_batches_that_overflow_are_an_error_and_nothing_else():
    with pytest.raises(ValueError, match="too large for float64"):
        Periodogram((16, 16)).radial(1e200 * laws.field((2, 16, 16)))
