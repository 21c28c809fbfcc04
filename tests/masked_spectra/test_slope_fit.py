"""Slopes of masked fields: the model is exact, the fit the likeliest, its error what is seen."""

import itertools
import math

import laws
import numpy as np
import pytest
import scipy.optimize

from spectral_mae.fields import gaussian_fields, power_law
from spectral_mae.masked_spectra.slope_fit import _Model, fit_masked_slope
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulse_mask import PulseMask

SHAPES = [(9,), (12,), (4, 5), (6, 4), (1, 6), (2, 3, 4)]
WRAP = pytest.mark.parametrize("wrap", [True, False])


def everything(shape):
    return np.ones(shape)


def scattered(shape):
    return (np.random.default_rng(2).random(shape) < 0.8).astype(float)


def soft(shape):
    return np.random.default_rng(1).random(shape)


def striped(shape):
    """No steps along the last axis are seen."""
    return (np.indices(shape)[-1] % 2).astype(float)


MASKS = pytest.mark.parametrize("mask", [everything, scattered, soft])


class Dense:
    """Transforms of the masked steps of an image as matrices, and their exact covariances."""

    def __init__(self, shape, weights, wrap=True):
        self.shape = shape
        size = math.prod(shape)
        number = np.arange(size).reshape(shape)
        columns = np.eye(size).reshape(size, *shape)
        waves = laws.dft(columns, len(shape)).reshape(size, size).T.astype(complex)
        self.maps = []
        for axis, n in enumerate(shape):
            ends = np.roll(number, -1, axis).ravel()
            both = weights.ravel() * weights.ravel()[ends]
            if not wrap:
                both = both * (np.indices(shape)[axis].ravel() < n - 1)
            step = np.eye(size)[ends] - np.eye(size)
            self.maps.append(waves @ (both[:, np.newaxis] * step) / math.sqrt(size))
        self.radius = np.zeros(size)
        for i, index in enumerate(np.ndindex(shape)):
            squares = (f**2 for f in laws.signed_frequency(index, shape, (1.0,) * len(shape)))
            self.radius[i] = math.sqrt(sum(squares))
        self.waves = waves

    def covariance(self, slope):
        """Of fields with S = f^slope."""
        law = np.where(self.radius > 0, np.maximum(self.radius, 1e-9) ** slope, 0.0)
        return (self.waves.conj().T * law @ self.waves).real / self.radius.size

    def expected(self, slope):
        """E of the periodogram of the steps along each axis, whole grid, (axes, D)."""
        c = self.covariance(slope)
        return np.array([np.diag(m @ c @ m.conj().T).real for m in self.maps])

    def chosen(self, fmin=0.0, fmax=1.0):
        """Frequencies of each axis where there is something to compare."""
        within = (self.radius > 0) & (self.radius >= fmin - 1e-9) & (self.radius < fmax - 1e-9)
        white = self.expected(0.0)
        return within & (white > 1e-10 * np.max(white, axis=1, keepdims=True))

    def likeliest(self, image, fmin=0.0, fmax=1.0):
        """Slope and amplitude that maximise Whittle's likelihood, both free."""
        power = np.array([np.abs(m @ image.ravel()) ** 2 for m in self.maps])
        chosen = self.chosen(fmin, fmax)

        def misfit(parameters):
            expected = np.exp(parameters[1]) * self.expected(parameters[0])[chosen]
            return np.sum(np.log(expected) + power[chosen] / expected)

        # Few frequencies may have more than one maximum: from the highest of a coarse search.
        levels = [
            (slope, math.log(np.mean(power[chosen] / self.expected(slope)[chosen])))
            for slope in np.arange(-8.0, 3.0, 0.25)
        ]
        start = min(levels, key=misfit)
        options = {"xatol": 1e-8, "fatol": 1e-12, "maxiter": 4000}
        found = scipy.optimize.minimize(misfit, start, method="Nelder-Mead", options=options)
        assert found.success
        return found.x[0], math.exp(found.x[1])

    def stderr(self, slope):
        """Of the slope: the exact covariance of the scores between inverse curvatures."""
        chosen = self.chosen()
        kept = np.concatenate([m[rows] for m, rows in zip(self.maps, chosen, strict=True)])
        c = self.covariance(slope)
        # Isserlis: cov(|Y|², |Z|²) = |E Y Z*|² + |E Y Z|².
        spread = np.abs(kept @ c @ kept.conj().T) ** 2 + np.abs(kept @ c @ kept.T) ** 2
        expected = self.expected(slope)[chosen]
        h = 1e-5
        change = (self.expected(slope + h) - self.expected(slope - h))[chosen] / (2 * h)
        directions = np.stack([np.ones_like(expected), change / expected])
        scores = directions / expected
        # Every frequency stands here with its mirror, so once too often: 2 in both.
        middle = scores @ spread @ scores.T / 4
        inverse = np.linalg.inv(directions @ directions.T / 2)
        return math.sqrt((inverse @ middle @ inverse)[1, 1])


def image_of(shape, slope, seed=0):
    return gaussian_fields(power_law(shape, slope), 1, rng=seed)[0]


# The model ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@MASKS
@WRAP
@pytest.mark.parametrize("slope", [-3.0, -1.2, 0.0, 1.0])
def test_the_expected_periodogram_is_exact(shape, mask, wrap, slope):
    model, dense = (
        _Model(shape, mask(shape), None, None, wrap=wrap),
        Dense(shape, mask(shape), wrap),
    )
    chosen = dense.chosen()
    truth = dense.expected(slope)
    for axis, found in enumerate(model.expected(slope)):
        compared = laws.half(chosen[axis].reshape(shape))
        np.testing.assert_array_equal(model._counts[axis] > 0, compared)
        expected = laws.half(truth[axis].reshape(shape))
        np.testing.assert_allclose(
            found[compared], expected[compared], atol=1e-12 * np.max(expected), rtol=0
        )
    assert model.total([np.ones(c.shape) for c in model._counts]) == chosen.sum() / 2


@pytest.mark.parametrize("shape", [(9,), (4, 6)])
@MASKS
def test_periodograms_are_those_of_visible_steps(shape, mask):
    model, dense = _Model(shape, mask(shape), None, None, wrap=True), Dense(shape, mask(shape))
    image = laws.field(shape)
    for matrix, found in zip(dense.maps, model.periodograms(image), strict=True):
        truth = np.abs(matrix @ image.ravel()).reshape(shape) ** 2
        laws.assert_close_to_max(found, laws.half(truth), 1e-12)


@pytest.mark.parametrize("shape", [(12,), (5, 6)])
@MASKS
def test_the_derivative_is_that_by_the_slope(shape, mask):
    model, h = _Model(shape, mask(shape), None, None, wrap=True), 1e-4
    sides = zip(
        model._counts,
        model.expected(-2.0 + h),
        model.expected(-2.0 - h),
        model.expected(-2.0, derivative=True),
        strict=True,
    )
    for counts, above, below, found in sides:
        truth = (above - below) / (2 * h)
        laws.assert_close_to_max(found[counts > 0], truth[counts > 0], 1e-6)


# The fit -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "mask"),
    [
        *itertools.product([(24,), (6, 8), (7, 5), (1, 16)], [everything, scattered, soft]),
        ((4, 5, 3), soft),
        ((10, 12), striped),
        ((12, 10), striped),
    ],
)
@WRAP
@pytest.mark.slow
def test_the_fit_is_the_likeliest_power_law(shape, mask, wrap):
    image, weights = image_of(shape, -1.5, seed=4), mask(shape)
    found = fit_masked_slope(image, weights, wrap=wrap, n_draws=8, ndim=len(shape))
    slope, amplitude = Dense(shape, weights, wrap).likeliest(image)
    assert found.slope == pytest.approx(slope, abs=2e-4)
    assert found.amplitude == pytest.approx(amplitude, rel=1e-3)


@pytest.mark.parametrize(("fmin", "fmax"), [(0.2, None), (None, 0.4), (0.15, 0.45)])
@pytest.mark.parametrize("shape", [(40,), (8, 10)])
def test_only_frequencies_in_the_range_are_compared(fmin, fmax, shape):
    image, weights = image_of(shape, -1.0, seed=2), scattered(shape)
    found = fit_masked_slope(image, weights, fmin=fmin, fmax=fmax, n_draws=8)
    slope, amplitude = Dense(shape, weights).likeliest(image, fmin or 0.0, fmax or 1.0)
    assert found.slope == pytest.approx(slope, abs=2e-4)
    assert found.amplitude == pytest.approx(amplitude, rel=1e-3)
    assert abs(found.slope - fit_masked_slope(image, weights, n_draws=8).slope) > 1e-3


def test_a_range_holds_its_lower_end_and_not_its_upper():
    image, weights = image_of((40,), -1.0, seed=2), scattered((40,))
    whole = fit_masked_slope(image, weights, n_draws=8)
    ends = fit_masked_slope(image, weights, fmin=1 / 40, fmax=20.1 / 40, n_draws=8)
    assert (ends.slope, ends.stderr) == (whole.slope, whole.stderr)
    below = fit_masked_slope(image, weights, fmax=19.9 / 40, n_draws=8)
    assert fit_masked_slope(image, weights, fmax=0.5, n_draws=8).slope == below.slope
    assert below.slope != whole.slope


def test_the_fitted_spectrum_is_the_power_law():
    found = fit_masked_slope(image_of((8, 10), -2.0), scattered((8, 10)), n_draws=8)
    radius = Dense((8, 10), np.ones((8, 10))).radius.reshape(8, 10)
    radius[0, 0] = np.inf if found.slope < 0 else 0.0
    truth = found.amplitude * radius**found.slope
    laws.assert_close(found.spectrum.power, laws.half(truth), 1e-12)
    assert (found.spectrum.scaling, found.spectrum.shape) == ("density", (8, 10))
    assert found.spectrum.total == pytest.approx(truth.sum() / 80)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "slope", "mask"),
    [
        ((32, 32), -1.0, 0.5),
        ((32, 32), -2.0, 0.75),
        ((32, 32), -3.0, 0.5),
        ((32, 32), -3.0, 0.75),
        ((24, 32), 0.0, 0.5),
        ((32, 24), -2.0, None),
        ((128,), -1.5, 0.5),
    ],
)
def test_slopes_are_found_without_bias_and_their_error_is_known(shape, slope, mask):
    """Within 3 standard errors of the mean, and to a quarter of the spread."""
    weights = soft(shape)
    if mask is not None:
        weights = PulseMask.random(PatchGrid(shape, 4), mask, rng=3).visible
    fields = gaussian_fields(power_law(shape, slope), 90, rng=11)
    slopes = np.array([fit_masked_slope(x, weights, n_draws=8).slope for x in fields])
    spread = slopes.std(ddof=1)
    assert abs(slopes.mean() - slope) < 3 * spread / math.sqrt(len(slopes))
    predicted = [fit_masked_slope(x, weights, n_draws=300).stderr for x in fields[:2]]
    assert np.mean(predicted) == pytest.approx(spread, rel=0.25)


@WRAP
@pytest.mark.parametrize("column", [9, None])
@pytest.mark.parametrize("slope", [-1.0, -2.0, -4.0])
def test_slopes_of_large_images_do_not_end_in_rounding(column, slope, wrap):
    """Of the steepest models the high frequencies are rounding of either sign."""
    shape = (256, 256)
    field = gaussian_fields(power_law(shape, slope), 1, rng=0)[0]
    visible = np.ones(shape)
    if column is not None:
        visible[:, column] = 0
    fit = fit_masked_slope(field, visible, wrap=wrap, n_draws=8)
    assert fit.slope == pytest.approx(slope, abs=max(5 * fit.stderr, 0.03))
    assert 0 < fit.stderr < 0.1


def test_what_is_steeper_than_rounding_allows_has_no_slope():
    axis = np.arange(256) / 256
    smooth = np.cos(2 * np.pi * axis)[:, np.newaxis] * np.cos(2 * np.pi * axis)
    with pytest.raises(ValueError, match=r"the search ended at -.*rounding allows"):
        fit_masked_slope(smooth, np.ones((256, 256)), n_draws=8)


@pytest.mark.parametrize(("shape", "mask"), [((24,), scattered), ((6, 8), soft), ((6, 6), striped)])
@pytest.mark.slow
def test_the_standard_error_is_that_of_correlated_frequencies(shape, mask):
    weights = mask(shape)
    found = fit_masked_slope(image_of(shape, -1.5, seed=1), weights, n_draws=6000)
    assert found.stderr == pytest.approx(Dense(shape, weights).stderr(found.slope), rel=0.06)


@pytest.mark.parametrize("mask", [scattered, soft])
def test_neither_the_mean_nor_hidden_pixels_matter(mask):
    shape = (12, 10)
    image, weights = image_of(shape, -2.0), mask(shape)
    weights[3, 4:7] = 0.0
    truth = fit_masked_slope(image, weights)
    for content in (np.nan, np.inf, 1e300):
        other = np.where(weights > 0, image, content)
        found = fit_masked_slope(other, weights)
        assert (found.slope, found.stderr, found.amplitude) == (
            truth.slope,
            truth.stderr,
            truth.amplitude,
        )
    found = fit_masked_slope(image + 100.0, weights)
    assert found.slope == pytest.approx(truth.slope, abs=1e-5)
    assert found.amplitude == pytest.approx(truth.amplitude, rel=1e-4)


@pytest.mark.parametrize("unit", [1e-3, 255.0])
def test_the_unit_of_pixels_squares_into_the_amplitude(unit):
    image, weights = image_of((12, 10), -2.0), scattered((12, 10))
    truth, found = (fit_masked_slope(c * image, weights) for c in (1.0, unit))
    assert found.slope == pytest.approx(truth.slope, abs=1e-5)
    assert found.stderr == pytest.approx(truth.stderr, rel=1e-4)
    assert found.amplitude == pytest.approx(unit**2 * truth.amplitude, rel=1e-4)


def test_a_factor_of_the_weights_does_not_matter():
    image, weights = image_of((12, 10), -2.0), soft((12, 10))
    truth, found = (fit_masked_slope(image, c * weights) for c in (1.0, 0.1))
    assert found.slope == pytest.approx(truth.slope, abs=1e-5)
    assert found.amplitude == pytest.approx(truth.amplitude, rel=1e-4)
    assert found.stderr == pytest.approx(truth.stderr, rel=1e-4)


def test_without_wrap_opposite_borders_need_not_fit():
    large = gaussian_fields(power_law((64, 64), -3.0, outer=1 / 32), 20, shape=(24, 24), rng=0)
    weights = scattered((24, 24))
    both = [
        np.mean([fit_masked_slope(x, weights, wrap=wrap, n_draws=8).slope for x in large])
        for wrap in (True, False)
    ]
    assert abs(both[1] + 3) < abs(both[0] + 3)
    # Of the first column only the step over the border shows how high it stands.
    image, jump = image_of((12, 10), -2.0), np.zeros((12, 10))
    jump[:, 0] = 50.0
    visible = np.ones((12, 10))
    visible[:, 1] = 0.0
    for wrap in (False, True):
        one, two = (fit_masked_slope(x, visible, wrap=wrap).slope for x in (image, image + jump))
        assert (abs(one - two) < 1e-5) is not wrap


def test_seeds_say_which_fields_the_error_is_of():
    image, weights = image_of((12, 10), -2.0), scattered((12, 10))
    first = fit_masked_slope(image, weights, rng=3).stderr
    assert fit_masked_slope(image, weights, rng=3).stderr == first
    assert fit_masked_slope(image, weights, rng=np.random.default_rng(3)).stderr == first
    assert fit_masked_slope(image, weights).stderr == fit_masked_slope(image, weights, rng=0).stderr
    others = [fit_masked_slope(image, weights, rng=rng) for rng in (4, None)]
    assert all(other.stderr != first for other in others)
    assert fit_masked_slope(image, weights, rng=3, n_draws=65).stderr != first


# Errors ------------------------------------------------------------------------------------------

IMAGE = laws.field((6, 8))
ALL = np.ones((6, 8), bool)


@pytest.mark.parametrize(
    ("image", "visible", "options", "error", "message"),
    [
        (IMAGE, np.indices((6, 8)).sum(axis=0) % 2, {}, ValueError, "no two neighbouring pixels"),
        (IMAGE, ~ALL, {}, ValueError, "no two neighbouring pixels are visible"),
        (np.ones((6, 8)), ALL, {}, ValueError, "visible steps to the next pixel are all zero"),
        (IMAGE, ALL[[0, 0]], {}, ValueError, r"visible of shape \(2, 8\) is neither \(6, 8\)"),
        (IMAGE, np.stack([ALL] * 2), {}, ValueError, r"visible of shape \(2, 6, 8\) is not"),
        (IMAGE, ALL[:3], {}, ValueError, r"visible of shape \(3, 8\) is neither \(6, 8\)"),
        (IMAGE, 3 * ALL, {}, ValueError, "weights from 3 to 3, not from 0 to 1"),
        (IMAGE, ALL, {"n_draws": 7}, ValueError, "n_draws=7: a standard error needs at least 8"),
        (IMAGE, ALL, {"fmin": 0.9}, ValueError, "no frequency of .* lies in fmin=0.9, fmax=None"),
        (IMAGE, ALL, {"fmax": 0.01}, ValueError, "lies in fmin=None, fmax=0.01"),
        (IMAGE * np.nan, ALL, {}, ValueError, "image holds 48 values that are not finite"),
        (np.ones((6, 8, 3)), ALL, {}, ValueError, "has 3 axes"),
        (IMAGE + 1j, ALL, {}, TypeError, "image has dtype complex128"),
        (IMAGE, np.ma.masked_array(ALL, ~ALL), {}, TypeError, "visible is a masked array"),
        (image_of((32,), 8.0), np.ones(32), {}, ValueError, "no slope between -8 and 3 fits best"),
    ],
)
def test_impossible_arguments_are_refused_with_their_values(
    image, visible, options, error, message
):
    with pytest.raises(error, match=message):
        fit_masked_slope(image, visible, **options)


def test_integers_and_lists_are_taken():
    image = np.random.default_rng(0).integers(0, 255, (8, 8))
    truth = fit_masked_slope(image.astype(float), np.ones((8, 8)), n_draws=8).slope
    assert fit_masked_slope(image.tolist(), np.ones((8, 8), int).tolist(), n_draws=8).slope == truth
    assert fit_masked_slope(image.astype(np.uint8), np.ones((8, 8), bool), n_draws=8).slope == truth
