"""Reach of weights over many output pixels, energy at patch borders, and their pictures."""

import json
import math

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae import plot
from spectral_mae.linear.receptive_field import ReceptiveField


def images(n=40, shape=(6, 8), channels=None, seed=0):
    rng = np.random.default_rng(seed)
    full = shape if channels is None else (*shape, channels)
    return np.cumsum(rng.standard_normal((n, *full)), axis=1)


@pytest.mark.parametrize("covariance", ["dense", "banded", "stationary"])
@pytest.mark.parametrize("rank", [None, 5])
@pytest.mark.parametrize(
    ("shape", "patch"), [((12,), 3), ((6, 8), 2), ((6, 9), (2, 3)), ((2, 3, 4), (1, 3, 2))]
)
def test_reach_is_the_mean_over_every_output_pixel(covariance, rank, shape, patch):
    model = sm.LinearMAE(patch, 0.5, rank=rank, covariance=covariance).fit(images(shape=shape))
    matrix = np.abs(model.weight_matrix())
    every = [model.receptive_field(pixel) for pixel in np.ndindex(*shape)]
    share = matrix / matrix.sum(axis=0)
    distance = np.stack([field.distance.ravel() for field in every], axis=1)
    reach = sm.weight_reach(model.receptive_fields())
    assert reach.mean_distance == pytest.approx((share * distance).sum() / len(every), rel=1e-9)
    own = np.stack([field.own_patch.ravel() for field in every], axis=1)
    assert reach.own_patch_share == pytest.approx((share * own).sum() / len(every), rel=1e-9)
    whole = sm.weight_reach(every)
    assert whole.n_fields == len(every)
    assert reach.decay_length == pytest.approx(whole.decay_length, rel=1e-6)
    # The decay, by loops: mean share of rings over all pairs of pixels.
    ring = np.rint(distance).astype(int)
    r, w, n = (
        np.array([f(ring == i) for i in np.unique(ring)])
        for f in (lambda m: distance[m].mean(), lambda m: share[m].mean(), np.count_nonzero)
    )
    used = w > 0
    slope = np.polyfit(r[used], np.log(w[used]), 1, w=np.sqrt(w * n)[used])[0]
    assert whole.decay_length == pytest.approx(-1 / slope, rel=1e-9)


def test_channels_each_count():
    model = sm.LinearMAE(2, 0.5, covariance="dense").fit(images(channels=3), channel_axis=-1)
    fields = list(model.receptive_fields())
    assert len(fields) == 6 * 8 * 3
    assert not np.allclose(fields[0].weights, fields[1].weights)
    json.dumps(sm.weight_reach(fields).to_dict())


def test_a_split_pair_shows_every_pixel():
    data = images()
    ranks = {k: sm.LinearMAE(2, 0.5, rank=k).fit(data) for k in range(3, 9)}
    split = [m for m in ranks.values() if m.solution_.components.split is not None]
    whole = [m for m in ranks.values() if m.solution_.components.split is None]
    assert split
    assert whole
    assert {len(list(m.receptive_fields())) for m in split} == {48}
    assert {len(list(m.receptive_fields())) for m in whole} == {4}


def test_reach_of_exponentials_is_their_length():
    grid = sm.PatchGrid(64, 8)
    place = np.arange(64)
    fields = [
        ReceptiveField(np.exp(-np.abs(place - i) / 5.0), grid, (i,), False) for i in (3, 30, 60)
    ]
    # Shares have another norm for each pixel; the decay is that of each but for the mix.
    assert sm.weight_reach(fields[:1]).decay_length == pytest.approx(5.0)
    assert sm.weight_reach(fields).decay_length == pytest.approx(5.0, rel=0.1)
    assert sm.weight_reach(f.squared() for f in fields[:1]).decay_length == pytest.approx(2.5)


def test_reach_of_nothing_is_refused_and_of_zeros_is_nan():
    with pytest.raises(ValueError, match="no receptive fields"):
        sm.weight_reach([])
    zero = ReceptiveField(np.zeros(4), sm.PatchGrid(4, 2), (0,), False)
    assert math.isnan(sm.weight_reach([zero]).mean_distance)


@pytest.mark.parametrize(
    ("shape", "patch"), [((12,), (3,)), ((6, 8), (2, 4)), ((6, 8), (3, 8)), ((5, 4), (5, 1))]
)
def test_patch_borders_by_loops(shape, patch):
    found = sm.patch_borders(sm.PatchGrid(shape, patch))
    for index in np.ndindex(*shape):
        inner = all(0 < i % p < p - 1 for i, p in zip(index, patch, strict=True))
        assert found[index] == (not inner)


@pytest.mark.parametrize("channels", [None, 2])
def test_border_share_by_loops(channels):
    grid = sm.PatchGrid((6, 8), (3, 4))
    shape = grid.shape if channels is None else (*grid.shape, channels)
    filters = np.random.default_rng(0).standard_normal((5, *shape))
    border = total = 0.0
    for index in np.ndindex(*filters.shape):
        value = filters[index] ** 2
        total += value
        if index[1] % 3 != 1 or index[2] % 4 in (0, 3):
            border += value
    assert sm.border_energy_share(filters, grid) == pytest.approx(border / total, rel=1e-12)
    assert sm.filter_energy(filters, grid).sum() == pytest.approx(total)


def test_filters_that_do_not_fit_are_refused():
    grid = sm.PatchGrid((6, 8), 2)
    for bad in (np.ones((3, 8, 6)), np.ones((6, 8)), np.ones((1, 6, 8, 1, 1))):
        with pytest.raises(ValueError, match="do not fit"):
            sm.filter_energy(bad, grid)
    with pytest.raises(ValueError, match="all filters are zero"):
        sm.border_energy_share(np.zeros((2, 6, 8)), grid)


def test_matrix_picture_shows_the_matrix_and_where_patches_begin():
    grid = sm.PatchGrid(12, 3)
    matrix = np.random.default_rng(0).standard_normal((12, 12))
    ax = plot.weight_matrix(matrix, grid)
    np.testing.assert_array_equal(ax.images[0].get_array(), matrix)
    end = np.abs(matrix).max()
    assert (ax.images[0].norm.vmin, ax.images[0].norm.vmax) == (-end, end)
    np.testing.assert_array_equal(ax.get_yticks(), [-0.5, 2.5, 5.5, 8.5])
    np.testing.assert_array_equal(ax.get_xticks(), [-0.5, 2.5, 5.5, 8.5])
    assert [t.get_text() for t in ax.get_yticklabels()] == ["0", "3", "6", "9"]
    encoder = plot.weight_matrix(matrix[:, :4], grid, outputs_in_patches=False, colorbar=False)
    assert len(encoder.get_xticks()) == 0
    assert len(encoder.figure.axes) == 1
    many = plot.weight_matrix(np.eye(64), sm.PatchGrid(64, 2))
    assert len(many.get_yticks()) == 32
    assert sum(bool(t.get_text()) for t in many.get_yticklabels()) == 8
    for bad in (np.ones((6, 12)), np.ones(12)):
        with pytest.raises(ValueError, match="does not fit"):
            plot.weight_matrix(bad, grid)
    with pytest.raises(ValueError, match="does not fit"):
        plot.weight_matrix(np.ones((12, 12)), sm.PatchGrid((12, 12), 3))


@pytest.mark.slow
def test_energy_picture_is_relative_to_the_mean():
    filters = np.random.default_rng(0).standard_normal((5, 6, 8))
    ax = plot.encoder_energy(filters, sm.PatchGrid((6, 8), 2))
    shown = np.asarray(ax.images[0].get_array())
    np.testing.assert_allclose(shown, (filters**2).sum(axis=0) / (filters**2).sum(axis=0).mean())
    line = plot.encoder_energy(filters[:, 0], sm.PatchGrid(8, 2)).lines[0]
    assert np.mean(line.get_ydata()) == pytest.approx(1.0)


def test_gap_picture_is_a_share_of_power():
    data = np.random.default_rng(0).standard_normal((5, 8))
    curve, drawn = (
        sm.theory.gap_by_mask_ratio(
            sm.theory.lemma_5, np.tanh, x, 2, (0.3, 0.6), n_draws=50, rng=0, sampling="bernoulli"
        )
        for x in (data, np.random.default_rng(1).standard_normal((2, 28)))
    )
    ax = plot.gap({"all": curve, "drawn": drawn})
    np.testing.assert_allclose(ax.lines[0].get_ydata(), curve.gap / curve.power)
    assert len(ax.collections) == 1  # only what was drawn has an error
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["all", "drawn"]
    with pytest.raises(ValueError, match="no curves"):
        plot.gap({})
