"""Masks of any design, shifted by a random number of pixels: means over all masks and shifts."""

import dense
import numpy as np
import pytest
from design_cases import EVERY_DESIGN, axis_of, design_of, images_of, rows_of

import spectral_mae as sm
from spectral_mae.linear.corruption import OffsetMasking

pytestmark = pytest.mark.slow  # the loss and W against enumeration stay in the fast suite

SMALL = pytest.mark.parametrize(
    ("shape", "patch", "channels"), [((10,), (2,), None), ((4, 6), (2, 2), 2)]
)


def shifted_masks(design, channels=None):
    """Every mask under every cyclic shift by pixels, as rows, and their probabilities."""
    rows, weights = rows_of(design, None)
    grid = design.grid
    rolled = dense.rolls(rows.reshape(-1, *grid.shape), grid.ndim).reshape(-1, rows.shape[1])
    n_shifts = rows.shape[1]
    return np.repeat(rolled, channels or 1, axis=1), np.tile(weights, n_shifts) / n_shifts


def model_of(design, channels, **options):
    model = sm.LinearMAE(design=design, covariance="stationary", random_offset=True, **options)
    return model.fit(images_of(design.grid.shape, channels), channel_axis=axis_of(channels))


@SMALL
@EVERY_DESIGN
def test_the_filter_is_the_best_map_over_all_masks_and_shifts(shape, patch, channels, name):
    design = design_of(name, shape, patch)
    model = model_of(design, channels)
    second, _ = dense.moments(images_of(shape, channels), patch, "stationary")
    rows, weights = shifted_masks(design, channels)
    pairs = (rows.T * weights) @ rows
    inclusion = np.diag(pairs)
    np.testing.assert_allclose(inclusion, 1 - design.mask_ratio, atol=1e-12)
    best = np.linalg.pinv(second * pairs, rcond=1e-13, hermitian=True)
    best = best @ (inclusion[:, np.newaxis] * second)
    np.testing.assert_allclose(model.weight_matrix(), best, atol=1e-12)
    explained = np.sum((inclusion[:, np.newaxis] * second) * best)
    assert model.loss_ == pytest.approx(model.trace_ - explained, abs=1e-12 * model.trace_)


@SMALL
@EVERY_DESIGN
@pytest.mark.parametrize("rank", [None, 1, 2])
def test_scores_are_means_over_all_masks_and_shifts(shape, patch, channels, name, rank):
    design, axis = design_of(name, shape, patch), axis_of(channels)
    model = model_of(design, channels, rank=rank)
    others = images_of(shape, channels, n=5, seed=1)
    flat = (others - model.mean_).reshape(len(others), -1)
    matrix = model.weight_matrix()
    loss = sum(
        weight * np.sum(((flat * row) @ matrix - flat) ** 2)
        for row, weight in zip(*shifted_masks(design, channels), strict=True)
    )
    expected = 1 - loss / np.sum(flat**2)
    assert model.score(others, channel_axis=axis) == pytest.approx(expected, abs=1e-12)
    response = model.frequency_response()
    assert response.error.sum() == pytest.approx(model.loss_, rel=1e-12)


@SMALL
@EVERY_DESIGN
def test_power_of_a_code_is_a_mean_over_all_masks_and_shifts(shape, patch, channels, name):
    design = design_of(name, shape, patch)
    rows, weights = shifted_masks(design)
    shares = 0.3 + np.random.default_rng(0).standard_normal((4, rows.shape[1]))
    expected = (shares @ rows.T) ** 2 @ weights
    np.testing.assert_allclose(OffsetMasking(design).code_power(shares), expected, rtol=1e-11)


@pytest.mark.parametrize("name", ["fixed", "block", "block unrolled", "given"])
def test_drawn_masks_are_all_shifts_of_all_masks(name):
    """Each as often as it should be, to five standard errors; no others."""
    n, design = 20_000, design_of(name, (6,), (2,))
    drawn = OffsetMasking(design).masks(n, rng=0)
    chance = {}
    for row, weight in zip(*shifted_masks(design), strict=True):
        key = tuple(row.astype(bool).tolist())
        chance[key] = chance.get(key, 0.0) + weight
    seen, counts = np.unique(drawn, axis=0, return_counts=True)
    found = {tuple(mask.tolist()): count / n for mask, count in zip(seen, counts, strict=True)}
    assert found.keys() <= {mask for mask, probability in chance.items() if probability > 0}
    for mask, probability in chance.items():
        error = np.sqrt(probability * (1 - probability) / n)
        assert found.get(mask, 0.0) == pytest.approx(probability, abs=5 * error + 1e-12)
