"""Shrinkage towards the average over all pixel shifts, and its choice by held-out images."""

import dense
import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.linear.moments.kinds import KINDS

SHAPES = pytest.mark.parametrize(
    ("shape", "patch", "channels"),
    [
        *(((9,), (3,), None), ((8,), (2,), 2)),
        *(((4, 6), (2, 3), None), ((6, 4), (3, 2), 2)),
        ((2, 3, 4), (1, 3, 2), 2),
    ],
)
COVARIANCES = pytest.mark.parametrize("covariance", ["banded", "dense"])
CENTER = pytest.mark.parametrize("center", [True, False])
RATIO = 0.4  # keeps one of three patches and two of four


def axis_of(channels):
    return None if channels is None else -1


def shrunken(images, patch, channels, covariance, shrinkage, *, center=True):
    """(1−s)S + sS̄ with S̄ the mean of S over all pixel shifts."""
    second, _ = dense.moments(images, patch, covariance, center=center)
    average = dense.pixel_average(second, images.shape[1 : len(patch) + 1], channels or 1)
    return (1 - shrinkage) * second + shrinkage * average


@SHAPES
@COVARIANCES
@CENTER
@pytest.mark.parametrize("shrinkage", [0.0, 0.2, 1.0])
def test_shrunken_moments_by_definition(shape, patch, channels, covariance, center, shrinkage):
    images = dense.photographs(10, shape, channels)
    c = channels or 1
    moments = KINDS[covariance](sm.PatchGrid(shape, patch), c, center)
    moments.update(images, channel_axis=axis_of(channels))
    before = moments.stack().blocks
    stack = moments.stack().shrunk(shrinkage, moments.transform)
    second = shrunken(images, patch, channels, covariance, shrinkage, center=center)
    order = dense.patch_order(shape, patch, c)
    in_patches = second[np.ix_(order, order)]
    if covariance == "dense":
        expected = in_patches[np.newaxis]
    else:
        places = moments.transform.frequencies
        expected = np.array([dense.band(second, shape, patch, c, q) for q in places])
    scale = np.abs(second).max()
    np.testing.assert_allclose(stack.blocks, expected, atol=1e-12 * scale)
    assert stack.trace == pytest.approx(moments.stack().trace, rel=1e-12)
    local = np.where(dense.same_patch(shape, patch, c)[np.ix_(order, order)], in_patches, 0.0)
    local = local[: len(stack.local), : len(stack.local)]
    np.testing.assert_allclose(stack.local, local, atol=1e-12 * scale)
    np.testing.assert_array_equal(moments.stack().blocks, before)
    if covariance == "banded":
        assert not stack.blocks[stack.multiplicity == 1].imag.any()


@SHAPES
@COVARIANCES
@pytest.mark.parametrize("options", [{}, {"rank": 3}, {"target": "hidden"}])
def test_models_are_the_best_for_shrunken_moments(shape, patch, channels, covariance, options):
    """Many fewer images than pixels: without shrinkage Q would be singular."""
    images = dense.photographs(5, shape, channels)
    c = channels or 1
    second = shrunken(images, patch, channels, covariance, 0.3)
    model = sm.LinearMAE(patch, RATIO, covariance=covariance, shrinkage=0.3, **options)
    model.fit(images, channel_axis=axis_of(channels))
    drawn = dense.masks(shape, patch, RATIO, "fixed")
    if options.get("target") == "hidden":
        number = dense.patch_number(shape, patch)
        weights, loss = dense.best_hidden_map(second, drawn, number, c)
    else:
        mu, spoiled = dense.corrupted(second, drawn, c)
        weights, loss, values = dense.best_map(second, mu, spoiled, options.get("rank"))
        kept = values[: options.get("rank")]
        np.testing.assert_allclose(model.eigenvalues_, kept, atol=1e-10 * np.trace(second))
        assert model.trace_ == pytest.approx(np.trace(second), rel=1e-12)
        if not options:
            (swept,) = model.mask_ratio_sweep([RATIO]).loss
            assert swept == pytest.approx(loss, rel=1e-8)
    assert model.loss_ == pytest.approx(loss, rel=1e-9)
    if "rank" not in options:
        np.testing.assert_allclose(model.weight_matrix(), weights, atol=1e-7)


@SHAPES
@COVARIANCES
@pytest.mark.parametrize("rank", [None, 4])
def test_full_shrinkage_about_zero_is_the_stationary_model(
    shape, patch, channels, covariance, rank
):
    images = dense.photographs(6, shape, channels)
    shrunk, stationary = (
        sm.LinearMAE(patch, RATIO, rank=rank, center=False, covariance=kind, shrinkage=s)
        for kind, s in ((covariance, 1.0), ("stationary", 0.0))
    )
    for model in (shrunk, stationary):
        model.fit(images, channel_axis=axis_of(channels))
    assert shrunk.loss_ == pytest.approx(stationary.loss_, rel=1e-9)
    assert shrunk.trace_ == pytest.approx(stationary.trace_, rel=1e-12)
    if rank is None:
        np.testing.assert_allclose(shrunk.weight_matrix(), stationary.weight_matrix(), atol=1e-8)


@pytest.mark.parametrize("random_offset", [False, True])
def test_stationary_moments_have_nowhere_to_shrink_to(random_offset):
    images = dense.photographs(6, (4, 6))
    losses = [
        sm.LinearMAE(
            2, 0.5, covariance="stationary", random_offset=random_offset, shrinkage=shrinkage
        )
        .fit(images)
        .loss_
        for shrinkage in (0.0, 0.4, 1.0)
    ]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-10)


def models(covariance, shrinkage=0.0):
    yield sm.LinearMAE(2, 0.5, covariance=covariance, shrinkage=shrinkage)
    yield sm.LinearMAE(2, 0.5, rank=4, covariance=covariance, shrinkage=shrinkage)
    yield sm.LinearMAE(2, 0.5, target="hidden", covariance=covariance, shrinkage=shrinkage)
    yield sm.LinearDAE(2, 0.5, covariance=covariance, shrinkage=shrinkage)
    yield sm.LinearAE(2, 3, covariance=covariance, shrinkage=shrinkage)


@COVARIANCES
@pytest.mark.parametrize("which", range(5))
def test_held_out_images_choose_as_separate_fits_would(covariance, which):
    train, test = (dense.photographs(n, (4, 6), seed=n) for n in (8, 30))
    values = [0.0, 0.1, 0.3, 0.6, 0.9, 1.0]
    scores, losses = [], []
    for value in values:
        model = list(models(covariance, value))[which].fit(train)
        scores.append(model.score(test))
        losses.append(model.loss_)
    chosen = list(models(covariance))[which].fit(train)
    moments = chosen.moments_
    choice = chosen.choose_shrinkage(test, values)
    best = int(np.argmax(scores))
    np.testing.assert_array_equal(choice.shrinkage, values)
    np.testing.assert_allclose(choice.explained, scores, atol=1e-9)
    assert choice.best == chosen.shrinkage == values[best]
    assert chosen.moments_ is moments
    assert chosen.loss_ == pytest.approx(losses[best], rel=1e-12)
    assert chosen.score(test) == pytest.approx(scores[best], abs=1e-9)


def test_the_best_is_between_the_ends_where_images_are_few():
    """Neither end: else the choice above would be no choice."""
    train, test = (dense.photographs(n, (4, 6), seed=n) for n in (8, 200))
    choice = sm.LinearMAE(2, 0.5).fit(train).choose_shrinkage(test)
    assert 0 < choice.best < 1
    assert choice.explained.max() > choice.explained[choice.shrinkage == 0]


def test_channels_of_held_out_images_stand_where_they_are_said_to():
    train, test = (dense.photographs(n, (4, 6), 2, seed=n) for n in (8, 5))
    last, first = (sm.LinearMAE(2, 0.5).fit(train, channel_axis=-1) for _ in range(2))
    expected = last.choose_shrinkage(test, channel_axis=-1)
    found = first.choose_shrinkage(np.moveaxis(test, -1, 1), channel_axis=1)
    np.testing.assert_array_equal(found.explained, expected.explained)


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_impossible_shrinkages_are_refused(value):
    for make in (
        lambda: sm.LinearMAE(2, 0.5, shrinkage=value),
        lambda: sm.LinearDAE(2, 0.5, shrinkage=value),
        lambda: sm.LinearAE(2, 3, shrinkage=value),
    ):
        with pytest.raises(ValueError, match=f"shrinkage={value}"):
            make()
    model = sm.LinearMAE(2, 0.5, shrinkage=0.2).fit(dense.photographs(6, (4, 6)))
    loss = model.loss_
    with pytest.raises(ValueError, match=f"shrinkage={value}"):
        model.choose_shrinkage(dense.photographs(6, (4, 6), seed=1), [0.5, value])
    with pytest.raises(ValueError, match="values is empty"):
        model.choose_shrinkage(dense.photographs(6, (4, 6), seed=1), [])
    with pytest.raises(ValueError, match=r"\(6, 4, 4\)"):
        model.choose_shrinkage(dense.photographs(6, (4, 4)))
    assert (model.shrinkage, model.loss_) == (0.2, loss)
