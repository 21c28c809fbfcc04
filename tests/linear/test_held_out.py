"""Images held out: their second moment says all that a score and a choice of shrinkage ask."""

import dense
import numpy as np
import pytest

import spectral_mae as sm

SETTINGS = [((9,), (3,), None), ((4, 6), (2, 3), None), ((6, 4), (3, 2), 2)]
SETTINGS += [((2, 3, 4), (1, 3, 2), 2)]
EVERY = pytest.mark.parametrize(("shape", "patch", "channels"), SETTINGS)
COVARIANCES = pytest.mark.parametrize("covariance", ["banded", "dense", "stationary"])
MODELS = [
    lambda patch, **o: sm.LinearMAE(patch, 0.4, **o),
    lambda patch, **o: sm.LinearMAE(patch, 0.4, sampling="bernoulli", target="hidden", **o),
    lambda patch, **o: sm.LinearDAE(patch, 0.7, **o),
    lambda patch, **o: sm.LinearAE(patch, 5, **o),
]


def axis_of(channels):
    return None if channels is None else -1


def fitted(make, shape, patch, channels, **options):
    images = dense.photographs(50, shape, channels)
    return make(patch, **options).fit(images, channel_axis=axis_of(channels))


def whole_model(covariance="banded", **options):
    return fitted(MODELS[0], (4, 6), (2, 3), None, covariance=covariance, **options)


@EVERY
@COVARIANCES
@pytest.mark.parametrize("center", [True, False])
def test_second_moment_is_about_the_fitted_mean(shape, patch, channels, covariance, center):
    """Of the images as they are: neither shrunken nor, for dense models, under any shift."""
    model = fitted(
        MODELS[0], shape, patch, channels, covariance=covariance, center=center, shrinkage=0.4
    )
    others = 0.3 + dense.photographs(7, shape, channels, seed=1)
    stack = model.second_moment(others, channel_axis=axis_of(channels))
    c = channels or 1
    order = dense.patch_order(shape, patch, c)
    about = others - model.mean_
    if covariance == "dense":
        second = dense.second_moment(about)
        np.testing.assert_allclose(stack.blocks, [second[np.ix_(order, order)]], atol=1e-12)
    else:
        second = dense.second_moment(dense.rolls(about, len(shape), patch))
        places = model.moments_.transform.frequencies
        bands = [dense.band(second, shape, patch, c, q) for q in places]
        np.testing.assert_allclose(stack.blocks, bands, atol=1e-10)
    assert stack.trace == pytest.approx(np.sum(about**2) / 7, rel=1e-12)


@EVERY
@COVARIANCES
@pytest.mark.parametrize("make", MODELS)
def test_scores_of_images_batches_and_second_moments_agree(
    shape, patch, channels, covariance, make
):
    model = fitted(make, shape, patch, channels, covariance=covariance)
    others = dense.photographs(7, shape, channels, seed=1)
    axis = axis_of(channels)
    expected = pytest.approx(model.score(others, channel_axis=axis), rel=1e-9)
    assert model.score(iter([others[:2], others[2:]]), channel_axis=axis) == expected
    if model.solution_.split is None:
        assert model.score(model.second_moment(others, channel_axis=axis)) == expected
        batches = model.second_moment(iter([others[:5], others[5:]]), channel_axis=axis)
        assert model.score(batches) == expected
    if channels is not None:
        assert model.score(np.moveaxis(others, -1, 1), channel_axis=1) == expected
        moved = model.second_moment(np.moveaxis(others, -1, 1), channel_axis=1)
        assert moved.trace == pytest.approx(model.second_moment(others).trace, rel=1e-12)


@pytest.mark.parametrize("random_offset", [False, True])
def test_one_second_moment_serves_all_mask_ratios(random_offset):
    images, others = (dense.photographs(n, (4, 6), seed=n) for n in (50, 9))
    options = {"covariance": "stationary", "random_offset": random_offset}
    held_out = sm.LinearMAE(2, 0.5, **options).fit(images).second_moment(others)
    for ratio in (0.2, 0.5, 0.8):
        model = sm.LinearMAE(2, ratio, **options).fit(images)
        assert model.score(held_out) == pytest.approx(model.score(others), rel=1e-9)


def test_half_a_pair_of_bands_needs_the_images():
    images, others = (dense.photographs(n, (4, 6), seed=n) for n in (50, 9))
    refused = []
    for rank in range(1, 8):
        model = sm.LinearAE(2, rank).fit(images)
        held_out = model.second_moment(others)
        refused.append(model.solution_.split is not None)
        if refused[-1]:
            with pytest.raises(ValueError, match=r"LinearAE\(.*splits a pair of bands"):
                model.score(held_out)
        else:
            assert model.score(held_out) == pytest.approx(model.score(others), rel=1e-9)
    assert any(refused)
    assert not all(refused)


@pytest.mark.parametrize("covariance", ["banded", "dense"])
@pytest.mark.parametrize("make", MODELS)
def test_shrinkage_is_chosen_alike_by_all_of_them(covariance, make):
    others = dense.photographs(20, (4, 6), seed=2)
    found = []
    for given in (
        lambda model: others,
        lambda model: iter([others[:3], others[3:]]),
        lambda model: model.second_moment(others),
    ):
        model = make((2, 3), covariance=covariance).fit(dense.photographs(8, (4, 6)))
        choice = model.choose_shrinkage(given(model))
        assert model.shrinkage == choice.best == choice.shrinkage[choice.explained.argmax()]
        found.append((choice.best, choice.explained, model.loss_))
    for best, explained, loss in found[1:]:
        assert best == found[0][0]
        np.testing.assert_allclose(explained, found[0][1], rtol=1e-9)
        assert loss == pytest.approx(found[0][2], rel=1e-12)
    assert 0.0 in choice.shrinkage
    assert 1.0 in choice.shrinkage


def test_shrinkages_that_have_no_closed_form_are_passed_over():
    """All patches but one visible and fewer images than pixels: S has no inverse."""
    model = sm.LinearMAE(2, 0.1, target="hidden", shrinkage=0.5)
    model.fit(dense.photographs(3, (4, 6)))
    others = dense.photographs(5, (4, 6), seed=1)
    loss = model.loss_
    none = model.choose_shrinkage(others, [0.0])
    assert np.isnan(none.explained).all()
    assert (none.best, model.shrinkage, model.loss_) == (0.5, 0.5, loss)
    choice = model.choose_shrinkage(others, [0.0, 1.0])
    assert np.isnan(choice.explained[0])
    assert (choice.best, model.shrinkage) == (1.0, 1.0)
    assert model.score(others) == pytest.approx(choice.explained[1], rel=1e-9)


def test_what_says_nothing_is_refused_and_changes_nothing():
    model = whole_model(shrinkage=0.2)
    loss = model.loss_
    empty = np.broadcast_to(model.mean_, (3, 4, 6))
    for given in (empty, iter([empty]), model.second_moment(empty)):
        with pytest.raises(ValueError, match="no power about the fitted mean"):
            model.choose_shrinkage(given)
    for given in (empty, iter([empty]), model.second_moment(empty)):
        with pytest.raises(ValueError, match="no power about the fitted mean"):
            model.score(given)
    for ask in (model.score, model.choose_shrinkage, model.second_moment):
        with pytest.raises(ValueError, match="the batch is empty"):
            ask(iter([]))
        with pytest.raises(ValueError, match="not finite"):
            ask(np.full((2, 4, 6), np.nan))
    assert (model.shrinkage, model.loss_) == (0.2, loss)


def test_models_that_are_not_fitted_say_so():
    model = sm.LinearMAE(2, 0.5)
    for ask in (model.score, model.choose_shrinkage, model.second_moment, model.corrupt):
        with pytest.raises(ValueError, match="not fitted yet"):
            ask(np.ones((2, 4, 6)))
