"""The side of drawn masks: means, standard errors, and when all masks are gone through."""

import math

import masked
import numpy as np
import pytest
from laws import assert_close
from lemmas import OVER_SMALL, bottleneck, options, weights_of
from masked import CASES, ratio_of

from spectral_mae.masks.sampling import sample_kept
from spectral_mae.theory import MOST_MASKS, Sides, equation_13, lemma_1


def drawn_values(case, rows, ratio, sampling, n, seed, value):
    """A value under the masks that a seed draws, one by one."""
    kept = sample_kept(case.n_patches, ratio, n, sampling=sampling, rng=seed)
    return np.array([value(rows * one[case.number]) for one in kept])


@OVER_SMALL
@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
@pytest.mark.parametrize("n", [2, 3, 50])
def test_means_and_standard_errors_of_drawn_masks(case, sampling, n):
    images, ratio = masked.photographs(case), ratio_of(case, "half")
    rows, weights, (a, b) = masked.to_rows(case, images), weights_of(case), bottleneck(case, 2)
    how = options(case, sampling, n_draws=n) | {"rng": 11}
    one = lemma_1(images, weights, case.patch, ratio, **how)
    many = equation_13(images, a, b, case.patch, ratio, **how)
    for sides, value in (
        (one, lambda seen: masked.power(rows - seen @ weights)),
        (many, lambda seen: -2 * seen.T @ (rows - seen @ a @ b) @ b.T / len(rows)),
    ):
        values = drawn_values(case, rows, ratio, sampling, n, 11, value)
        assert_close(sides.drawn, values.mean(axis=0), 1e-12)
        stderr = values.std(axis=0, ddof=1) / math.sqrt(n)
        np.testing.assert_allclose(sides.stderr, stderr, atol=1e-13 * sides.scale, rtol=1e-10)
        assert sides.n_draws == n


@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
def test_the_standard_error_is_that_of_all_masks(sampling):
    case, ratio = CASES[4], 0.5
    images, weights = masked.photographs(case), 4 * weights_of(case)
    rows = masked.to_rows(case, images)
    every = masked.maskings(case, rows, ratio, sampling)
    values = np.array([masked.power(rows - seen @ weights) for seen, _ in every])
    chance = np.array([p for _, p in every])
    std = math.sqrt(chance @ (values - chance @ values) ** 2)
    sides = lemma_1(images, weights, case.patch, ratio, **options(case, sampling, n_draws=4000))
    # The standard error of a standard deviation of 4,000 is below two percent.
    assert sides.stderr * math.sqrt(4000) == pytest.approx(std, rel=0.08)


@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
def test_drawn_means_are_about_one_standard_error_from_the_formula(sampling):
    case = CASES[4]
    images, (a, b) = masked.photographs(case, "few"), bottleneck(case, 1)
    how = {"sampling": sampling, "channel_axis": -1, "n_draws": 60}
    generator = np.random.default_rng(1)
    weights = weights_of(case)
    numbers = [
        lemma_1(images, weights, case.patch, 0.5, rng=generator, **how).sigmas for _ in range(100)
    ]
    # A hundred squares of mean one: their mean has a standard error of 0.14.
    assert np.mean(np.square(numbers)) == pytest.approx(1, abs=0.5)
    arrays = [
        equation_13(images, a, b, case.patch, 0.5, rng=generator, **how).sigmas for _ in range(40)
    ]
    assert np.mean(np.square(arrays)) == pytest.approx(1, abs=0.5)


def test_sigmas_and_error_of_sides_by_hand():
    def sides(formula, definition, drawn, stderr, scale=1.0):
        return Sides("Lemma 0", formula, definition, drawn, stderr, 10, scale)

    one = sides(2.0, 2.5, 3.0, 0.25, 4.0)
    assert (one.difference, one.error, one.sigmas) == (0.5, 0.125, 4.0)
    assert repr(one) == "Sides(Lemma 0: error=0.12, sigmas=4)"
    unknown = sides(2.0, None, 3.0, 0.25, 4.0)
    assert (unknown.difference, unknown.error) == (1.0, 0.25)
    array = sides(np.zeros(2), np.array([3.0, 4.0]), np.array([1.0, 4.0]), np.array([1.0, 2.0]), 10)
    assert (array.error, array.sigmas) == (0.5, pytest.approx(math.sqrt(2.5)))
    low = sides(1.0, 1.0, 0.5, 0.25)
    assert low.sigmas == 2.0
    # Entries that do not vary say nothing if they agree, and everything if they do not.
    still = np.array([0.0, 1.0])
    agree = sides(np.zeros(2), None, np.array([1e-13, 3.0]), still)
    differ = sides(np.zeros(2), None, np.array([1e-11, 3.0]), still)
    assert (agree.sigmas, differ.sigmas) == (3.0, math.inf)
    assert sides(np.zeros(2), None, np.array([-1e-11, 0.0]), np.zeros(2)).sigmas == math.inf
    assert sides(1.0, 1.0, 1.0, 0.0).sigmas == 0.0
    assert sides(0.0, 0.0, 0.0, 0.0, 0.0).error == 0.0
    # What counts as rounding grows with the scale.
    assert sides(0.0, 0.0, 1e-9, 0.0, 1e4).sigmas == 0.0
    assert sides(0.0, 0.0, 1e-7, 0.0, 1e4).sigmas == math.inf


def test_one_drawn_mask_has_no_standard_error():
    case = CASES[2]
    images, (a, b) = masked.photographs(case), bottleneck(case, 2)
    number = lemma_1(images, weights_of(case), 2, 0.5, n_draws=1, rng=0)
    array = equation_13(images, a, b, 2, 0.5, n_draws=1, rng=0)
    assert number.n_draws == array.n_draws == 1
    assert math.isnan(number.stderr)
    assert np.shape(array.stderr) == a.shape
    assert np.all(np.isnan(array.stderr))
    assert math.isnan(number.sigmas)
    assert math.isnan(array.sigmas)
    assert number.error < 1e-13


@pytest.mark.parametrize(
    ("n_patches", "ratio", "sampling", "known"),
    [
        (12, 0.5, "bernoulli", True),
        (13, 0.5, "bernoulli", False),
        (14, 0.5, "fixed", True),  # 3,432 masks
        (15, 0.5, "fixed", False),  # 6,435
        (91, 1 - 2 / 91, "fixed", True),  # 4,095
        (92, 1 - 2 / 92, "fixed", False),  # 4,186
    ],
)
def test_all_masks_are_gone_through_where_they_are_few_enough(n_patches, ratio, sampling, known):
    image = np.random.default_rng(0).standard_normal((1, n_patches))
    weights = np.eye(n_patches)
    sides = lemma_1(image, weights, 1, ratio, sampling=sampling, n_draws=400, rng=0)
    assert (sides.definition is not None) == known
    # An unchanged image is missing what is hidden, but the rest is right.
    pi1 = math.floor(n_patches * (1 - ratio) + 1e-9) / n_patches
    pi1 = pi1 if sampling == "fixed" else 1 - ratio
    assert sides.formula == pytest.approx((1 - pi1) * np.sum(image**2))
    assert sides.error < (1e-12 if known else 0.1)
    assert sides.sigmas < 4
    assert MOST_MASKS == 4096


def test_equal_seeds_draw_equal_masks():
    images = masked.photographs(CASES[2])
    weights = weights_of(CASES[2])
    drawn = [lemma_1(images, weights, 2, 0.5, n_draws=20, rng=rng).drawn for rng in (3, 3, 4)]
    assert drawn[0] == drawn[1] != drawn[2]
    default = lemma_1(images, weights, 2, 0.5, rng=0)
    assert default.n_draws == 1000
