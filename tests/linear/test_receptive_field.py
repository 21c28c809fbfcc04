"""Receptive fields: measures by loops over pixels, and exact values on fields that have them."""

import csv
import itertools
import json
import math

import dense
import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.linear.receptive_field import ReceptiveField

SHAPES = pytest.mark.parametrize(
    ("shape", "patch", "channels", "pixel"),
    [
        ((9,), (3,), None, (4,)),
        ((12,), (2,), 2, (0,)),
        ((6, 8), (2, 2), None, (5, 3)),
        ((6, 9), (3, 3), None, (2, 8)),
        ((5, 4), (5, 2), 3, (0, 2)),
        ((2, 3, 4), (1, 3, 2), 2, (1, 0, 3)),
    ],
)
PERIODIC = pytest.mark.parametrize("periodic", [True, False])


def some_field(shape, patch, channels, pixel, periodic, seed=0):
    full = shape if channels is None else (*shape, channels)
    weights = np.random.default_rng(seed).standard_normal(full)
    return ReceptiveField(weights, sm.PatchGrid(shape, patch), pixel, periodic)


def distances(shape, pixel, periodic):
    """The shortest way to each pixel, over all copies of the image next to it if periodic."""
    copies = list(itertools.product((-1, 0, 1) if periodic else (0,), repeat=len(shape)))
    found = np.empty(shape)
    for index in np.ndindex(shape):
        found[index] = min(
            math.dist(pixel, [i + c * n for i, c, n in zip(index, copy, shape, strict=True)])
            for copy in copies
        )
    return found


def shares(field):
    size = np.abs(field.weights).reshape(*field.grid.shape, -1).sum(axis=-1)
    return size / size.sum()


@SHAPES
@PERIODIC
def test_measures_by_loops_over_pixels(shape, patch, channels, pixel, periodic):
    field = some_field(shape, patch, channels, pixel, periodic)
    distance = distances(shape, pixel, periodic)
    np.testing.assert_allclose(field.distance, distance, atol=1e-12)
    share = shares(field)
    np.testing.assert_allclose(field.normalized, share, rtol=1e-12)
    own = np.zeros(shape, dtype=bool)
    for index in np.ndindex(shape):
        own[index] = all(i // p == j // p for i, j, p in zip(index, pixel, patch, strict=True))
    np.testing.assert_array_equal(field.own_patch, own)
    assert field.own_patch.sum() == np.prod(patch)
    places = list(np.ndindex(shape))
    assert field.own_patch_share == pytest.approx(sum(share[i] for i in places if own[i]))
    assert field.mean_distance == pytest.approx(sum(share[i] * distance[i] for i in places))
    assert field.entropy == pytest.approx(-sum(share[i] * math.log(share[i]) for i in places))
    others = field.without_own_patch()
    expected = field.weights.copy()
    expected[own] = 0.0
    np.testing.assert_array_equal(others.weights, expected)
    assert (others.own_patch_share, others.output_pixel) == (0.0, pixel)
    assert others.periodic == periodic


@SHAPES
@PERIODIC
def test_rings_and_decay_by_loops_over_pixels(shape, patch, channels, pixel, periodic):
    field = some_field(shape, patch, channels, pixel, periodic)
    distance, share = distances(shape, pixel, periodic), shares(field)
    rings = {}
    for index in np.ndindex(shape):
        rings.setdefault(round(distance[index]), []).append(index)
    by_distance = field.by_distance()
    members = [rings[ring] for ring in sorted(rings)]
    np.testing.assert_array_equal(by_distance.count, [len(m) for m in members])
    radius = np.array([np.mean([distance[i] for i in m]) for m in members])
    weight = np.array([np.mean([share[i] for i in m]) for m in members])
    np.testing.assert_allclose(by_distance.distance, radius, atol=1e-12)
    np.testing.assert_allclose(by_distance.weight, weight, rtol=1e-12)
    # The least squares of log weight on distance, by normal equations.
    count = np.array([len(m) for m in members])
    design = np.stack([radius, np.ones_like(radius)], axis=1)
    square = design.T @ (design * (weight * count)[:, np.newaxis])
    slope, _ = np.linalg.solve(square, design.T @ (weight * count * np.log(weight)))
    expected = -1 / slope if slope < 0 else math.inf
    assert field.decay_length == pytest.approx(expected, rel=1e-9)


@SHAPES
@PERIODIC
@pytest.mark.parametrize("length", [0.7, 3.0, 40.0])
def test_decay_length_of_exponentials_is_exact(shape, patch, channels, pixel, periodic, length):
    """In two dimensions of the mean distance in each ring."""
    distance = distances(shape, pixel, periodic)
    ring = np.rint(distance)
    for one in np.unique(ring):
        distance[ring == one] = distance[ring == one].mean()
    weights = np.exp(-distance / length)
    if channels is not None:
        weights = weights[..., np.newaxis] * [(-0.5) ** c for c in range(channels)]
    field = ReceptiveField(weights, sm.PatchGrid(shape, patch), pixel, periodic)
    assert field.decay_length == pytest.approx(length, rel=1e-9)


@SHAPES
def test_a_uniform_field_is_as_wide_as_the_image(shape, patch, channels, pixel):
    full = shape if channels is None else (*shape, channels)
    field = ReceptiveField(np.full(full, -0.3), sm.PatchGrid(shape, patch), pixel, True)
    assert field.entropy == pytest.approx(math.log(np.prod(shape)))
    assert field.own_patch_share == pytest.approx(np.prod(patch) / np.prod(shape))


def field_of(weights, pixel=0, patch=2):
    return ReceptiveField(np.array(weights), sm.PatchGrid(len(weights), patch), (pixel,), False)


def test_what_does_not_decay_has_no_length():
    assert field_of([1.0, 2.0, 4.0, 8.0]).decay_length == math.inf
    assert field_of([1.0, 1.0, 1.0, 1.0]).decay_length == math.inf


def test_fewer_than_two_rings_have_no_length():
    one = field_of([0.0, 3.0, 0.0, 0.0])
    assert math.isnan(one.decay_length)
    assert (one.entropy, one.mean_distance, one.own_patch_share) == (0.0, 1.0, 1.0)
    two = field_of([0.0, math.e, 0.0, 1.0])
    assert two.decay_length == pytest.approx(2.0)


def test_no_weights_at_all_have_no_measures():
    none = field_of([0.0, 3.0, 0.0, 0.0]).without_own_patch()
    assert np.isnan(none.normalized).all()
    for measure in (none.decay_length, none.mean_distance, none.entropy, none.own_patch_share):
        assert math.isnan(measure)


def test_results_are_plain_data(tmp_path):
    field = some_field((6, 8), (2, 2), 2, (5, 3), True)
    others = field.without_own_patch()
    assert json.loads(json.dumps(field.to_dict())) == {
        "output_pixel": [5, 3],
        "own_patch_share": field.own_patch_share,
        "mean_distance": field.mean_distance,
        "decay_length": field.decay_length,
        "entropy": field.entropy,
        "mean_distance_without_own_patch": others.mean_distance,
        "decay_length_without_own_patch": others.decay_length,
        "entropy_without_own_patch": others.entropy,
    }
    rings = field.by_distance()
    rings.to_csv(tmp_path / "rings.csv")
    with (tmp_path / "rings.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    plain = json.loads(json.dumps(rings.to_dict()))
    assert set(plain) == set(rows[0]) == {"distance", "weight", "count"}
    for name, column in plain.items():
        np.testing.assert_array_equal(column, getattr(rings, name))
        np.testing.assert_array_equal([float(row[name]) for row in rows], column)


# Of models -------------------------------------------------------------------------------------


def models():
    yield sm.LinearMAE(2, 0.5)
    yield sm.LinearMAE(2, 0.5, covariance="dense")
    yield sm.LinearMAE(2, 0.5, covariance="stationary")
    yield sm.LinearMAE(2, 0.5, covariance="stationary", random_offset=True)
    yield sm.LinearMAE(2, 0.5, target="hidden")
    yield sm.LinearMAE(2, 0.5, rank=1)
    yield sm.LinearMAE(2, 0.5, rank=3)
    yield sm.LinearMAE(2, 0.5, rank=1, covariance="stationary", random_offset=True)
    yield sm.LinearDAE(2, 0.5)
    yield sm.LinearAE(2, 4, covariance="dense")


@pytest.mark.parametrize("which", range(10))
@pytest.mark.parametrize(
    ("shape", "channels", "pixel"),
    [((8,), None, 3), ((8,), 2, (-1,)), ((4, 6), None, (1, 4)), ((4, 6), 3, (-2, 5))],
)
def test_fields_are_columns_of_the_weight_matrix(which, shape, channels, pixel):
    """Also of a pair that the rank splits; a pixel may be counted from the end."""
    images = dense.photographs(60, shape, channels)
    model = list(models())[which].fit(images, channel_axis=None if channels is None else -1)
    matrix = model.weight_matrix()
    full = (*shape, channels or 1)
    place = tuple(i % n for i, n in zip(np.atleast_1d(pixel).tolist(), shape, strict=True))
    for channel in range(channels or 1):
        field = model.receptive_field(pixel, channel=channel)
        column = matrix[:, np.ravel_multi_index((*place, channel), full)]
        np.testing.assert_allclose(field.weights.ravel(), column, atol=1e-12)
        assert field.weights.shape == images.shape[1:]
        np.testing.assert_array_equal(field.weights, model.weights(pixel, channel=channel))
    assert field.output_pixel == place
    assert field.grid == sm.PatchGrid(shape, 2)
    assert field.periodic == (model.covariance != "dense")


@pytest.mark.parametrize("covariance", ["banded", "dense", "stationary"])
def test_a_hidden_target_takes_nothing_from_the_own_patch(covariance):
    images = dense.photographs(60, (4, 6))
    field, hidden = (
        sm.LinearMAE(2, 0.5, covariance=covariance, target=target)
        .fit(images)
        .receptive_field((1, 2))
        for target in ("all", "hidden")
    )
    assert hidden.own_patch_share == pytest.approx(0, abs=1e-9)
    assert field.own_patch_share > 0.05
    assert hidden.without_own_patch().mean_distance == pytest.approx(hidden.mean_distance)


@pytest.mark.parametrize(
    ("pixel", "channel"), [((4, 0), 0), ((0, -7), 0), ((1,), 0), (3, 0), ((1, 1), 2), ((1, 1), -3)]
)
def test_pixels_that_are_not_there_are_refused(pixel, channel):
    model = sm.LinearMAE(2, 0.5).fit(dense.photographs(10, (4, 6), 2), channel_axis=-1)
    shown = str(pixel).replace("(", r"\(").replace(")", r"\)")
    for ask in (model.weights, model.receptive_field):
        with pytest.raises(ValueError, match=f"output_pixel={shown} with channel={channel} is not"):
            ask(pixel, channel=channel)
