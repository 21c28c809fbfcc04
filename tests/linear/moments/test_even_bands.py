"""Bands of stationary images are solved in real coordinates, and give the same models."""

import dataclasses

import numpy as np
import pytest

from spectral_mae import LinearMAE
from spectral_mae.linear.moments.even_bands import (
    EvenStack,
    from_sums_and_differences,
    sums_and_differences,
)
from spectral_mae.linear.moments.kinds import StationaryMoments
from spectral_mae.masks.patches import PatchGrid


def even(rng, d, n=3):
    """Matrices M for which J M J is the conjugate."""
    whole = rng.standard_normal((n, d, d)) + 1j * rng.standard_normal((n, d, d))
    return whole + whole[:, ::-1, ::-1].conj()


def basis(d):
    """Its columns are the sums of opposite pixels, then i times their differences, over √2."""
    one, turned = np.eye(d)[:, : d // 2], np.eye(d)[:, : d // 2 - 1 : -1]
    return np.hstack([one + turned, 1j * (one - turned)]) / np.sqrt(2)


@pytest.mark.parametrize("d", [2, 4, 6, 8, 18])
def test_coordinates_are_a_change_of_basis_in_which_matrices_are_real(d):
    matrices = even(np.random.default_rng(d), d)
    unitary = basis(d)
    turned = unitary.conj().T @ matrices @ unitary
    assert np.abs(turned.imag).max() < 1e-14
    np.testing.assert_allclose(sums_and_differences(matrices), turned.real, atol=1e-14)
    back = np.empty_like(matrices)
    from_sums_and_differences(turned.real, back)
    np.testing.assert_allclose(back, matrices, atol=1e-14)


def stack_of(shape, patch_size, channels=1):
    rng = np.random.default_rng(7)
    images = rng.standard_normal((9, *shape, channels)).cumsum(axis=1)
    moments = StationaryMoments(PatchGrid(shape, patch_size), channels)
    moments.update(images, channel_axis=-1)
    return moments.stack()


@pytest.mark.parametrize(
    ("shape", "patch_size", "channels", "expected"),
    [
        ((8, 12), 4, 1, True),
        ((8, 12), (2, 3), 1, True),
        ((12,), 4, 1, True),
        ((9, 9), 3, 1, False),  # the pixel in the middle has no opposite one
        ((8, 8), 4, 3, False),  # one colour may lag behind another
    ],
)
def test_stationary_bands_of_one_channel_are_even(shape, patch_size, channels, expected):
    stack = stack_of(shape, patch_size, channels)
    assert isinstance(stack, EvenStack) is expected
    if expected:
        turned = stack.blocks[:, ::-1, ::-1]
        np.testing.assert_allclose(turned, stack.blocks.conj(), atol=1e-12 * stack.trace)
        assert stack.real().trace == pytest.approx(stack.trace, rel=1e-14)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sampling": "bernoulli"},
        {"target": "hidden"},
        {"shrinkage": 0.3},
        {"rank": 3},
        {"target": "hidden", "sampling": "bernoulli", "shrinkage": 0.1},
    ],
)
@pytest.mark.parametrize(("shape", "patch_size"), [((16, 24), 4), ((12, 8), (2, 4)), ((16,), 4)])
def test_models_are_those_of_complex_coordinates(monkeypatch, options, shape, patch_size):
    rng = np.random.default_rng(7)
    moments = StationaryMoments(PatchGrid(shape, patch_size), 1)
    moments.update(rng.standard_normal((40, *shape)).cumsum(axis=1))

    def fitted():
        model = LinearMAE(patch_size, 0.75, covariance="stationary", **options)
        return model.fit_moments(moments).solution_

    used = []
    monkeypatch.setattr(EvenStack, "real", _noting(used, EvenStack.real))
    found = fitted()
    assert used
    monkeypatch.setattr(EvenStack, "unmixed", False)
    expected = fitted()
    assert found.loss == pytest.approx(expected.loss, rel=1e-12)
    assert found.trace == pytest.approx(expected.trace, rel=1e-14)
    assert found.n_dropped == expected.n_dropped
    assert found.weights.dtype == expected.weights.dtype
    largest = np.abs(expected.weights).max()
    np.testing.assert_allclose(found.weights, expected.weights, atol=1e-9 * largest)


def _noting(used, real):
    def noted(stack):
        used.append(stack)
        return real(stack)

    return noted


def test_what_masks_mix_in_is_left_in_complex_coordinates():
    stack = stack_of((8, 8), 4)
    assert stack.unmixed
    mixed = dataclasses.replace(stack, mixed_in=np.zeros_like(stack.blocks))
    assert not mixed.unmixed


@pytest.mark.parametrize("options", [{}, {"target": "hidden"}, {"rank": 3}, {"shrinkage": 0.2}])
@pytest.mark.parametrize(("shape", "patch_size"), [((16, 24), 4), ((12, 8), (2, 4)), ((16,), 4)])
def test_responses_are_those_of_complex_coordinates(monkeypatch, options, shape, patch_size):
    rng = np.random.default_rng(3)
    moments = StationaryMoments(PatchGrid(shape, patch_size), 1)
    moments.update(rng.standard_normal((40, *shape)).cumsum(axis=1))
    model = LinearMAE(patch_size, 0.75, covariance="stationary", **options).fit_moments(moments)
    found = model.frequency_response()
    monkeypatch.setattr(EvenStack, "unmixed", False)
    expected = model.frequency_response()
    for name in ("gain", "original", "passed", "aliased", "noise", "reconstructed", "error"):
        one, other = getattr(found, name), getattr(expected, name)
        np.testing.assert_allclose(one, other, atol=1e-12 * np.abs(expected.original).max())
