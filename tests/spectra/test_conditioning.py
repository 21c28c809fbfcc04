"""What happens before the transform: detrend, then mask, then window, each by its definition."""

import laws
import numpy as np
import pytest

from spectral_mae.spectra.conditioning import Conditioning, window_weights
from spectral_mae.spectra.periodogram import Periodogram

SHAPES = pytest.mark.parametrize("shape", laws.SHAPES)
DETRENDS = pytest.mark.parametrize("detrend", laws.DETRENDS)


def on_border(shape):
    """True at the first and last pixels along each axis."""
    places = np.indices(shape)
    last = np.reshape(shape, (-1, *(1,) * len(shape))) - 1
    return ((places == 0) | (places == last)).any(axis=0)


def conditioned(x, **options):
    """One float64 plane, conditioned; the argument must stay as it was."""
    visible = options.pop("visible", None)
    kept = x.copy()
    result = Periodogram(x.shape, **options).condition(x[np.newaxis], visible=visible)
    np.testing.assert_array_equal(x, kept)
    return result[0, ..., 0]


@SHAPES
@DETRENDS
def test_detrending_equals_its_definition(shape, detrend):
    x = laws.field(shape) + 3 * np.indices(shape).sum(axis=0)
    found = conditioned(x, detrend=detrend)
    assert np.max(np.abs(found - laws.DETRENDS[detrend](x))) <= 1e-12 * np.max(np.abs(x))


@SHAPES
def test_detrended_pixels_have_no_mean_and_no_slope(shape):
    x = laws.field(shape) + 5
    for detrend in ("constant", "linear"):
        assert abs(conditioned(x, detrend=detrend).mean()) < 1e-14 * 5
    flat = conditioned(x, detrend="linear")
    for along in np.indices(shape):
        assert abs(np.sum(flat * (along - along.mean()))) < 1e-12 * x.size**2


@SHAPES
def test_periodic_detrending_keeps_the_mean_and_a_periodic_image(shape):
    x = laws.field(shape)
    assert conditioned(x, detrend="periodic").mean() == pytest.approx(x.mean(), rel=1e-12)
    # Equal opposite borders: there are no jumps to take away.
    closed = np.pad(x, [(0, 1)] * len(shape), mode="wrap")
    laws.assert_close(conditioned(closed, detrend="periodic"), closed, 1e-14)


@pytest.mark.parametrize("shape", [(16,), (12, 16), (9, 15), (16, 7)])
@pytest.mark.parametrize("axis", [0, -1])
def test_periodic_detrending_removes_the_cross_of_a_ramp(shape, axis):
    """Of a ramp over n pixels 1/n remains, so 1/n² of the power of its cross."""
    ramp = np.indices(shape)[axis].astype(float)
    left = conditioned(ramp, detrend="periodic") - ramp.mean()
    laws.assert_close(left * shape[axis], ramp - ramp.mean(), 1e-12)


@SHAPES
@DETRENDS
@pytest.mark.parametrize("window", [None, "hann", "array"])
def test_the_order_is_detrend_mask_window(shape, detrend, window):
    x = laws.field(shape)
    visible = np.random.default_rng(1).random(shape) < 0.5
    if detrend == "periodic":  # which needs the borders
        visible |= on_border(shape)
    if window == "array":
        window = np.random.default_rng(2).random(shape) - 0.3
    truth = laws.DETRENDS[detrend](x, visible) * visible * laws.window_weights(window, shape)
    found = conditioned(x, detrend=detrend, window=window, visible=visible)
    assert np.max(np.abs(found - truth)) <= 1e-13 * np.max(np.abs(x)) * x.size


@DETRENDS
@pytest.mark.parametrize("window", [None, "hann"])
def test_single_precision_stays_single_and_agrees_to_its_rounding(detrend, window):
    x = laws.field((5, 12, 9), dtype=np.float32)
    options = {"detrend": detrend, "window": window}
    single = Periodogram((12, 9), dtype=np.float32, **options).condition(x)
    assert single.dtype == np.float32
    laws.assert_close(single, Periodogram((12, 9), **options).condition(x), 1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.bool_])
@DETRENDS
def test_whole_numbers_are_pixels_too(dtype, detrend):
    x = np.random.default_rng(0).integers(0, 200, (3, 6, 8)).astype(dtype)
    periodogram = Periodogram((6, 8), dtype=np.float32, detrend=detrend)
    exact = periodogram.condition(x.astype(np.float32))
    np.testing.assert_array_equal(periodogram.condition(x), exact)


@pytest.mark.parametrize("shape", [(7,), (8,), (6, 5), (1, 4)])
@pytest.mark.parametrize("window", ["hann", ("tukey", 0.25), ("kaiser", 8.0), 8.0])
def test_windows_are_outer_products(shape, window):
    np.testing.assert_allclose(
        window_weights(window, shape), laws.window_weights(window, shape), rtol=0, atol=1e-16
    )


@pytest.mark.parametrize("window", [None, "hann", "array"])
@pytest.mark.parametrize("scaling", ["density", "spectrum", "energy"])
@pytest.mark.parametrize("shape", [(9,), (6, 8)])
def test_normalisation_makes_parseval_hold(shape, scaling, window):
    """Σ|X|²·norm·cell is the mean square weighted with the squared window, or D·Σ(wx)²."""
    fs = laws.RATES[: len(shape)]
    if window == "array":
        window = np.random.default_rng(2).random(shape)
    w, x = laws.window_weights(window, shape), laws.field(shape)
    norm, cell = Conditioning(shape, np.dtype(float), window, None).normalisation(fs, scaling)
    squares = np.sum((w * x) ** 2)
    total = x.size * squares if scaling == "energy" else squares / np.sum(w**2)
    assert np.sum(np.abs(np.fft.fftn(w * x)) ** 2) * norm * cell == pytest.approx(total, rel=1e-13)


def test_impossible_conditions_are_refused_with_their_values():
    with pytest.raises(ValueError, match=r"window of shape \(8,\) does not fit shape=\(9,\)"):
        window_weights(np.ones(8), (9,))
    with pytest.raises(ValueError, match=r"window of shape \(6, 8\) does not fit shape=\(8, 6\)"):
        window_weights(np.ones((6, 8)), (8, 6))
    with pytest.raises(ValueError, match=r"window=array\(.*\) is zero everywhere"):
        window_weights(np.zeros(8), (8,))
    with pytest.raises(ValueError, match=r"window holds 1 values .* first at \(3,\): nan"):
        window_weights(np.where(np.arange(8) == 3, np.nan, 1.0), (8,))
    alternating = Conditioning((8,), np.dtype(float), (-1.0) ** np.arange(8), None)
    with pytest.raises(ValueError, match="window sums to 0: scaling='spectrum' divides by it"):
        alternating.normalisation((1.0,), "spectrum")
    with pytest.raises(ValueError, match="detrend='quadratic' is not one of 'constant', 'linear'"):
        Conditioning((8,), np.dtype(float), None, "quadratic")
