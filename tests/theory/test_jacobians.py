"""Jacobians by complex steps, against differences and by hand."""

import math

import numpy as np
import pytest
from laws import assert_close
from lemmas import (
    LAYOUTS,
    OVER_CASES,
    OVER_DESIGNS,
    SQUARE,
    curved,
    differences,
    of_images,
    options,
    photographs,
)

from spectral_mae.theory import (
    TanhNetwork,
    complex_step_jacobian,
    fisher_matrix,
    lemma_4,
    lemma_5,
    lemma_6,
)


@OVER_CASES
def test_the_complex_step_is_the_slope_of_differences(case):
    function = of_images(case, curved(case))
    image = photographs(case)[0]
    found = complex_step_jacobian(function, image)
    assert found.shape == (image.size, image.size)
    assert_close(found, differences(function, image), 1e-8)


@pytest.mark.parametrize("size", [1e-6, 1.0, 200.0])
def test_the_complex_step_is_exact_to_rounding(size):
    x = size * np.random.default_rng(0).uniform(0.5, 1.5, 7)
    assert_close(complex_step_jacobian(np.log, x), np.diag(1 / x), 1e-15)
    assert_close(complex_step_jacobian(lambda x: 1e8 + x, x), np.eye(7), 1e-15)
    assert_close(complex_step_jacobian(lambda x: x**3, x), np.diag(3 * x**2), 1e-15)
    turned = complex_step_jacobian(lambda x: x[:, ::-1] ** 2, x)
    assert_close(turned, np.diag(2 * x)[::-1], 1e-15)


def test_outputs_may_be_of_another_shape_than_inputs():
    image = np.arange(6.0).reshape(2, 3)
    found = complex_step_jacobian(lambda x: (x**2).sum(axis=(1, 2)), image)
    assert_close(found, 2 * image.reshape(1, 6), 1e-15)
    weights = np.random.default_rng(0).standard_normal((6, 4))
    found = complex_step_jacobian(lambda x: x.reshape(-1, 6) @ weights, image)
    assert_close(found, weights.T, 1e-15)
    assert not complex_step_jacobian(lambda x: 0 * x + 1, image).any()


@pytest.mark.parametrize(
    "function",
    [
        np.abs,
        np.real,
        lambda x: x.real + 0j,
        lambda x: np.asarray(x).astype(np.float64),
        lambda x: np.real(x) + x,
        np.conj,
        lambda x: 2 * x + 0.01 * np.abs(x),
        lambda x: 1e-3 * np.abs(x),
        lambda x: np.where(np.arange(5) == 3, np.abs(x), x),
        lambda x: 1e6 * np.abs(x),
        lambda x: 1e-12 * np.abs(x),
        np.cbrt,
        lambda x: np.arctan2(x, 1.0),  # knows no complex numbers at all
    ],
)
@pytest.mark.parametrize("size", [1e-9, 0.1, 1.0, 300.0])
def test_functions_that_lose_complex_numbers_are_refused(function, size):
    image = size * np.array([1.0, 2.0, 0.7, 1.4, 3.0])
    with pytest.raises(ValueError, match=r"complex numbers.*give jacobian="):
        complex_step_jacobian(function, image)
    given = fisher_matrix(function, image, jacobian=lambda x: np.eye(5))
    assert np.array_equal(given, np.eye(5))


def test_a_large_constant_does_not_hide_what_is_lost():
    with pytest.raises(ValueError, match="give jacobian="):
        complex_step_jacobian(lambda x: 1e8 + np.abs(x), np.ones(5))


def test_the_slopes_that_disagree_are_told():
    with pytest.raises(ValueError, match=r"0\.54 by differences, 0 by a complex step, 0\.54 apart"):
        complex_step_jacobian(np.abs, np.ones(1))


@pytest.mark.parametrize(
    "function", [np.abs, lambda x: np.maximum(x, 0), lambda x: x + np.abs(x - 1)]
)
@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
def test_functions_without_a_derivative_are_refused_at_their_tips(function, size):
    image = np.array([0.0, 0.0, 1.0])
    with pytest.raises(ValueError, match="give jacobian="):
        complex_step_jacobian(lambda x: size * function(x), image)
    with pytest.raises(ValueError, match="give jacobian="):
        complex_step_jacobian(lambda x: size * np.abs(x), 0 * image)


@pytest.mark.parametrize("power", [1, 2, 3, 4])
@pytest.mark.parametrize("constant", [0.0, 1e8])
@pytest.mark.parametrize("place", [0.0, 1.0, 1e-6])
def test_flat_places_have_a_slope(power, constant, place):
    found = complex_step_jacobian(lambda x: constant + x**power, np.array([place]))
    assert found[0, 0] == pytest.approx(power * place ** (power - 1), rel=1e-14, abs=1e-190)


def test_an_output_of_another_size_may_have_a_jacobian_that_is_given():
    found = fisher_matrix(
        lambda x: x.sum(axis=1), np.ones(3), jacobian=lambda x: np.array([[1.0, 2.0, 0.0]])
    )
    assert found.tolist() == [[1, 2, 0], [2, 4, 0], [0, 0, 0]]


@OVER_DESIGNS
def test_functions_that_lose_complex_numbers_are_refused_by_the_lemmas(sampling):
    images = photographs(SQUARE)
    for lemma in (lemma_4, lemma_5):
        with pytest.raises(ValueError, match="give jacobian="):
            lemma(lambda x: np.abs(x - 5), images, 2, 0.5, sampling=sampling)
        fixed = lemma(
            lambda x: np.abs(x - 9), images, 2, 0.5, jacobian=lambda x: -np.eye(16), n_draws=2
        )
        assert fixed.error < 1e-13  # |x − 9| is 9 − x
    lemma_6(np.abs, images, 2, 0.5, n_draws=2)  # needs no slope


@OVER_CASES
@pytest.mark.parametrize("strength", [0.0, 1e-3, 1.0, 10.0])
def test_a_tanh_network_and_its_jacobian(case, strength):
    rng = np.random.default_rng(0)
    image = photographs(case)[0]
    read, write = rng.standard_normal((2, 3, *image.shape))
    bias = rng.standard_normal(image.shape)
    network = TanhNetwork(read, write, strength, bias)
    images = photographs(case)
    for one, output in zip(images, network(images), strict=True):
        truth = bias.copy()
        for a, b in zip(read, write, strict=True):
            code = np.sum(one * a)
            truth += b * (math.tanh(strength * code) / strength if strength else code)
        assert_close(output, truth, 1e-12)
    found = network.jacobian(image)
    size = np.abs(write).max() * np.abs(read).max()  # of a network that is not saturated
    np.testing.assert_allclose(found, differences(network, image), atol=1e-6 * size)
    np.testing.assert_allclose(found, complex_step_jacobian(network, image), atol=1e-14 * size)
    plain = TanhNetwork(read, write)(images)
    assert_close(plain, TanhNetwork(read, write, 1.0, 0.0)(images), 1e-15)
    assert_close(TanhNetwork(read, write, 0.5, 2.0)(images * 0), np.full(images.shape, 2.0), 1e-15)


@LAYOUTS
@pytest.mark.parametrize("lemma", [lemma_4, lemma_5])
def test_the_jacobian_of_a_network_serves_the_lemmas(case, lemma):
    images = photographs(case)
    read, write = np.random.default_rng(0).standard_normal((2, 3, *images.shape[1:]))
    network = TanhNetwork(read, write, 0.7, 0.1)
    how = options(case, "bernoulli")
    given = lemma(network, images, case.patch, 0.4, jacobian=network.jacobian, **how)
    found = lemma(network, images, case.patch, 0.4, **how)
    assert given.formula == pytest.approx(found.formula, rel=1e-11)
    linear = TanhNetwork(read, write, 0.0, 0.1)
    assert lemma(linear, images, case.patch, 0.4, **how).error < 1e-12


def test_steep_and_ill_scaled_maps_have_slopes():
    rng = np.random.default_rng(0)
    for function, derivative, x in (
        (np.sin, np.cos, 1000 * rng.uniform(0.5, 1, 6)),
        (lambda x: np.sin(1000 * x), lambda x: 1000 * np.cos(1000 * x), rng.uniform(0.5, 1, 6)),
        (np.sqrt, lambda x: 0.5 / np.sqrt(x), np.array([1e-9, 1.0, 2.0])),
        (np.exp, np.exp, np.array([-300.0, 0.0, 300.0])),
    ):
        np.testing.assert_allclose(
            complex_step_jacobian(function, x), np.diag(derivative(x)), rtol=1e-12
        )
    for seed in range(20):
        rng = np.random.default_rng(seed)
        network = TanhNetwork(*rng.standard_normal((2, 4, 8, 8)), 1.0)
        image = rng.uniform(0, 255, (8, 8))
        np.testing.assert_allclose(
            complex_step_jacobian(network, image), network.jacobian(image), atol=1e-12
        )
