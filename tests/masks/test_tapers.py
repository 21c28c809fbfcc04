"""Weights are checked, tapered by distance, and their pairs counted, as loops over pixels do."""

import itertools
import math

import laws
import numpy as np
import pytest

from spectral_mae.masks.tapers import autocorrelation, mask_weights, step_weights, taper_edges


@pytest.mark.parametrize("shape", laws.SHAPES)
def test_autocorrelation_counts_the_pairs_at_every_circular_lag(shape):
    x = laws.field(shape)
    truth = np.zeros(shape)
    for lag in np.ndindex(shape):
        for pixel in np.ndindex(shape):
            other = tuple((a + b) % n for a, b, n in zip(pixel, lag, shape, strict=True))
            truth[lag] += x[pixel] * x[other]
    half = laws.half(np.abs(laws.dft(x)) ** 2).astype(float)
    laws.assert_close(autocorrelation(half, shape), truth, 1e-13)


# Checks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5,), (4, 3)])
@pytest.mark.parametrize("n", [None, 1, 6])
def test_masks_become_weights_of_double_precision(shape, n):
    size = shape if n is None else (n, *shape)
    for dtype in (bool, int, np.float32, np.float64):
        mask = (np.arange(math.prod(size)) % 3 == 0).reshape(size).astype(dtype)
        found = mask_weights(mask, shape)
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found, mask.astype(float))


def test_weights_may_be_anything_from_zero_to_one():
    weights = np.array([0.0, 1e-300, 0.5, 1.0])
    np.testing.assert_array_equal(mask_weights(weights, (4,)), weights)
    assert mask_weights(weights, (4,)) is not weights


@pytest.mark.parametrize(
    ("visible", "error", "message"),
    [
        (np.ones(5), ValueError, r"visible of shape \(5,\) is neither \(4,\) nor \(n, \(4,\)\)"),
        (np.ones((4, 3)), ValueError, r"visible of shape \(4, 3\)"),
        (np.ones((1, 1, 4)), ValueError, r"visible of shape \(1, 1, 4\)"),
        ([0, 1, 2, 0], ValueError, "weights from 0 to 2, not from 0 to 1"),
        ([0, 1, -0.5, 0], ValueError, "weights from -0.5 to 1, not from 0 to 1"),
        ([0, 1, np.nan, 0], ValueError, r"visible holds 1 values .* first at \(2,\): nan"),
        (np.ones(4, complex), TypeError, "visible has dtype complex128"),
        (np.ma.masked_array(np.ones(4), [1, 0, 0, 0]), TypeError, "visible is a masked array"),
    ],
)
def test_what_is_no_mask_is_refused_with_its_values(visible, error, message):
    with pytest.raises(error, match=message):
        mask_weights(visible, (4,))


# Tapers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(15,), (9, 12), (12, 7), (1, 9)])
@pytest.mark.parametrize("width", [1, 1.5, 4, 30.0])
def test_a_taper_rises_with_the_distance_to_the_nearest_hidden_pixel(shape, width):
    visible = np.random.default_rng(1).random(shape) < 0.85
    hidden = np.argwhere(~visible)
    truth = np.zeros(shape)
    for pixel in np.ndindex(shape):
        d = min(math.dist(pixel, other) for other in hidden)
        truth[pixel] = (1 - math.cos(math.pi * min(d / width, 1))) / 2
    found = taper_edges(visible, width)
    np.testing.assert_allclose(found, truth, atol=1e-15)
    assert not found[~visible].any()


def test_borders_of_the_image_are_no_edges():
    np.testing.assert_array_equal(taper_edges(np.ones((4, 5), bool), 3), np.ones((4, 5)))
    # Nor does the distance go around.
    found = taper_edges(np.arange(8) > 0, 6)
    assert (np.diff(found) >= 0).all()
    assert found[-1] == 1
    np.testing.assert_array_equal(taper_edges(np.zeros((3, 3), bool), 2), np.zeros((3, 3)))


@pytest.mark.parametrize(
    ("visible", "width", "error", "message"),
    [
        (np.ones(4), 2, TypeError, "visible has dtype float64; a taper starts from a bool mask"),
        (np.ones(4, bool), 0, ValueError, "width=0 is not a positive number"),
        (np.ones(4, bool), -1.0, ValueError, "width=-1.0 is not"),
        (np.ones(4, bool), np.inf, ValueError, "width=inf is not"),
        (np.ones(4, bool), np.nan, ValueError, "width=nan is not"),
        (np.ones(4, bool), "2", TypeError, "width='2' is not a real number"),
    ],
)
def test_impossible_tapers_are_refused_with_their_values(visible, width, error, message):
    with pytest.raises(error, match=message):
        taper_edges(visible, width)


# Steps -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7,), (4, 5), (1, 3)])
@pytest.mark.parametrize("wrap", [True, False])
def test_a_step_is_seen_where_both_of_its_ends_are(shape, wrap):
    weights = np.random.default_rng(0).random(shape)
    before = weights.copy()
    for axis, n in enumerate(shape):
        truth = np.zeros(shape)
        for pixel in itertools.product(*map(range, shape)):
            following = list(pixel)
            following[axis] = (pixel[axis] + 1) % n
            if wrap or pixel[axis] + 1 < n:
                truth[pixel] = weights[pixel] * weights[tuple(following)]
        np.testing.assert_array_equal(step_weights(weights, axis, wrap=wrap), truth)
    np.testing.assert_array_equal(weights, before)
