"""The linear models: against enumeration of masks, each other, and scikit-learn's habits."""

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.linear.model import NotFittedError
from spectral_mae.masks.sampling import enumerate_kept

SHAPES = pytest.mark.parametrize(
    ("shape", "patch", "channels"),
    [((8,), 2, None), ((4, 6), 2, None), ((6, 4), (3, 2), 3), ((2, 3, 4), (1, 3, 2), 2)],
)


def photographs(n, shape, channels=None, seed=0):
    rng = np.random.default_rng(seed)
    full = (n, *shape) if channels is None else (n, *shape, channels)
    smooth = rng.standard_normal(full)
    for axis in range(1, len(shape) + 1):
        smooth = smooth.cumsum(axis=axis)
    return 0.5 + smooth


def enumerated(model, images, *, hidden_only=False):
    """Mean squared error over images and all masks, and the trace about the fitted mean."""
    grid = model.moments_.grid
    loss = trace = 0.0
    for kept, probability in enumerate_kept(
        grid.n_patches, model.mask_ratio, sampling=model.sampling
    ):
        visible = grid.expand(kept)
        output = model.reconstruct(images, visible)
        scored = ~visible if hidden_only else np.ones(grid.shape, dtype=bool)
        loss += probability * np.sum((output - images)[:, scored] ** 2) / len(images)
        about = np.broadcast_to(model.mean_, images.shape)
        trace += probability * np.sum((images - about)[:, scored] ** 2) / len(images)
    return loss, trace


@SHAPES
@pytest.mark.parametrize("covariance", ["banded", "dense"])
@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
@pytest.mark.parametrize("rank", [None, 2, 5])
@pytest.mark.parametrize("target", ["all", "hidden"])
def test_loss_and_score_are_means_over_all_masks(
    shape, patch, channels, covariance, sampling, rank, target
):
    if target == "hidden" and rank is not None:
        return
    train, test = photographs(60, shape, channels), photographs(20, shape, channels, seed=1)
    model = sm.LinearMAE(
        patch, 0.5, rank=rank, sampling=sampling, target=target, covariance=covariance
    ).fit(train, channel_axis=None if channels is None else -1)
    hidden = target == "hidden"
    loss, trace = enumerated(model, train, hidden_only=hidden)
    assert model.trace_ == pytest.approx(trace, rel=1e-10)
    if model.solution_.split is None:
        assert model.loss_ == pytest.approx(loss, abs=1e-10 * trace)
    assert model.score(train) == pytest.approx(1 - loss / trace, abs=1e-10)
    loss, trace = enumerated(model, test, hidden_only=hidden)
    assert model.score(test) == pytest.approx(1 - loss / trace, abs=1e-10)


def test_a_split_pair_is_kept_as_one_real_direction():
    """Over all cyclic patch shifts its loss is exact, as that of the dense model is."""
    train = photographs(40, (4, 8))
    grid = sm.PatchGrid((4, 8), 2)
    shifted = np.concatenate(
        [np.roll(train, (2 * i, 2 * j), (1, 2)) for i in range(2) for j in range(4)]
    )
    split = []
    for rank in range(1, 12):
        banded = sm.LinearMAE(2, 0.5, rank=rank).fit(train)
        dense = sm.LinearMAE(2, 0.5, rank=rank, covariance="dense").fit(shifted)
        assert banded.loss_ == pytest.approx(dense.loss_, rel=1e-10)
        loss, _ = enumerated(banded, shifted)
        assert loss == pytest.approx(banded.loss_, rel=1e-10)
        assert np.linalg.matrix_rank(banded.weight_matrix(), tol=1e-8) == rank
        split.append(banded.solution_.split is not None)
    assert any(split)
    assert not all(split)
    assert grid.n_patches == 8


@SHAPES
@pytest.mark.parametrize("covariance", ["banded", "dense"])
@pytest.mark.parametrize("rank", [None, 3])
def test_weights_are_columns_of_the_matrix_that_reconstructs(
    shape, patch, channels, covariance, rank
):
    images = photographs(50, shape, channels)
    model = sm.LinearMAE(patch, 0.5, rank=rank, covariance=covariance).fit(
        images, channel_axis=None if channels is None else -1
    )
    matrix = model.weight_matrix()
    visible = sm.PulseMask.random(model.moments_.grid, 0.5, rng=0).visible
    mask = visible if channels is None else visible[..., np.newaxis]
    seen = ((images - model.mean_) * mask).reshape(50, -1)
    expected = model.mean_ + (seen @ matrix).reshape(images.shape)
    np.testing.assert_allclose(model.reconstruct(images, visible), expected, atol=1e-9)
    pasted = model.reconstruct(images, visible, paste_visible=True)
    np.testing.assert_allclose(pasted, np.where(mask, images, expected), atol=1e-9)
    each = np.broadcast_to(visible, (50, *shape))
    np.testing.assert_array_equal(
        model.reconstruct(images, each), model.reconstruct(images, visible)
    )
    pixel = tuple(n // 2 for n in shape)
    channel = 0 if channels is None else 1
    place = pixel if channels is None else (*pixel, channel)
    column = matrix[:, np.ravel_multi_index(place, images.shape[1:])]
    np.testing.assert_allclose(model.weights(pixel, channel=channel).ravel(), column, atol=1e-12)


@pytest.mark.parametrize("covariance", ["banded", "dense"])
def test_autoencoder_is_principal_components(covariance):
    images = photographs(80, (4, 6))
    rows = images.reshape(80, -1)
    model = sm.LinearAE(2, 5, covariance=covariance).fit(images)
    if covariance == "dense":
        values = np.linalg.eigvalsh(np.cov(rows.T, bias=True))[::-1]
        np.testing.assert_allclose(model.eigenvalues_, values[:5], rtol=1e-9)
        assert model.loss_ == pytest.approx(values[5:].sum(), rel=1e-10)
    matrix = model.weight_matrix()
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-8)
    np.testing.assert_allclose(matrix @ matrix, matrix, atol=1e-8)


@pytest.mark.parametrize("covariance", ["banded", "dense"])
def test_denoising_loss_is_that_of_drawn_noise(covariance):
    images = photographs(200, (4, 4))
    model = sm.LinearDAE(2, 1.5, covariance=covariance).fit(images)
    rng = np.random.default_rng(0)
    losses = [
        np.sum((model.reconstruct(images + 1.5 * rng.standard_normal(images.shape)) - images) ** 2)
        / 200
        for _ in range(300)
    ]
    assert np.mean(losses) == pytest.approx(model.loss_, rel=0.01)
    assert model.score(images) == pytest.approx(1 - model.loss_ / model.trace_, rel=1e-10)


@pytest.mark.parametrize(
    "model",
    [
        sm.LinearMAE(2, 0.5),
        sm.LinearMAE(2, 0.5, rank=4),
        sm.LinearDAE(2, 0.3, rank=4),
        sm.LinearAE(2, 4),
    ],
)
def test_eigenvalues_add_up_to_what_is_explained(model):
    model.fit(photographs(50, (4, 6)))
    values = model.eigenvalues_
    assert (np.diff(values) <= 1e-12).all()
    assert values.sum() == pytest.approx(model.trace_ - model.loss_, rel=1e-10)
    hidden = sm.LinearMAE(2, 0.5, target="hidden").fit(photographs(50, (4, 6)))
    assert hidden.eigenvalues_ is None


def test_batches_and_moments_give_the_same_model():
    images = photographs(60, (4, 6), 3)
    whole = sm.LinearMAE(2, 0.5).fit(images, channel_axis=-1)
    parts = sm.LinearMAE(2, 0.5).fit(iter(np.split(images, 4)), channel_axis=-1)
    first = np.moveaxis(images, -1, 1)
    moved = sm.LinearMAE(2, 0.5).fit(first, channel_axis=1)
    moments = sm.BandMoments(sm.PatchGrid((4, 6), 2), 3).update(images)
    direct = sm.LinearMAE(2, 0.5).fit_moments(moments)
    for other in (parts, moved, direct):
        np.testing.assert_allclose(other.weight_matrix(), whole.weight_matrix(), atol=1e-9)
    np.testing.assert_allclose(
        moved.reconstruct(first, channel_axis=1), whole.reconstruct(images), atol=1e-9
    )


def test_few_and_constant_images_have_defined_results():
    one = sm.LinearMAE(2, 0.5).fit(photographs(1, (8, 8)))
    assert 0 <= one.loss_ <= one.trace_
    flat = sm.LinearMAE(2, 0.5).fit(np.full((3, 4, 4), 0.25))
    assert flat.loss_ == flat.trace_ == 0
    np.testing.assert_allclose(flat.reconstruct(np.full((1, 4, 4), 0.25)), 0.25)
    with pytest.raises(ValueError, match="no power about the fitted mean"):
        flat.score(np.full((2, 4, 4), 0.25))


def test_parameters_are_those_of_scikit_learn():
    model = sm.LinearMAE(4, 0.75, rank=3, sampling="bernoulli")
    assert model.get_params()["rank"] == 3
    assert repr(model).startswith("LinearMAE(patch_size=4, mask_ratio=0.75, rank=3")
    assert model.set_params(rank=None, mask_ratio=0.5).mask_ratio == 0.5
    with pytest.raises(ValueError, match="no parameters"):
        model.set_params(ranks=1)
    with pytest.raises(NotFittedError, match="call fit or fit_moments first"):
        model.score(np.ones((2, 8, 8)))
    with pytest.raises(NotFittedError):
        _ = model.loss_


@pytest.mark.parametrize(
    ("model", "wrong"),
    [
        (sm.LinearMAE(2, 0.5), {"rank": 3, "center": False, "shrinkage": 2.0}),
        (sm.LinearDAE(2, 0.5), {"patch_size": 1, "sigma": -1.0}),
        (sm.LinearAE(2, 3), {"patch_size": 1, "rank": 0}),
    ],
)
def test_parameters_that_are_refused_change_nothing(model, wrong):
    model.fit(photographs(20, (4, 6)))
    before, loss = model.get_params(), model.loss_
    with pytest.raises(ValueError, match=next(reversed(wrong))):
        model.set_params(**wrong)
    assert (model.get_params(), model.loss_) == (before, loss)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sm.LinearMAE(2, 0.5, target="hidden", rank=3), "no closed form"),
        (lambda: sm.LinearMAE(2, 1.5), "mask_ratio=1.5"),
        (lambda: sm.LinearMAE(2, 0.5, covariance="full"), "covariance='full'"),
        (lambda: sm.LinearMAE(2, 0.5, target="some"), "target='some'"),
        (lambda: sm.LinearMAE(2, 0.5, rank=0), "rank=0"),
        (lambda: sm.LinearDAE(2, -1.0), "sigma=-1.0"),
        (lambda: sm.LinearMAE(3, 0.5).fit(np.ones((2, 4, 6))), r"does not divide shape=\(4, 6\)"),
        (lambda: sm.LinearMAE(2, 0.99).fit(np.ones((2, 4, 6))), "keeps 0 patches"),
        (lambda: sm.LinearAE(2, 99).fit(np.ones((2, 4, 6))), "rank=99"),
        (lambda: sm.LinearMAE(2, 0.5).fit(np.full((2, 4, 6), np.nan)), "not finite"),
        (lambda: sm.LinearMAE(2, 0.5).fit(np.ones((0, 4, 6))), "no images"),
        (lambda: fitted().score(np.ones((2, 4, 4))), r"\(2, 4, 4\)"),
        (lambda: fitted().reconstruct(np.ones((2, 4, 6)), np.ones((3, 4, 6))), r"\(3, 4, 6\)"),
        (lambda: sm.LinearMAE(4, 0.5).fit_moments(fitted().moments_), "do not fit"),
    ],
)
def test_what_cannot_work_is_refused_with_its_values(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_moments_of_another_kind_are_refused():
    with pytest.raises(TypeError, match="DenseMoments, not BandMoments"):
        sm.LinearMAE(2, 0.5, covariance="dense").fit_moments(fitted().moments_)


def test_matrices_that_fill_the_memory_are_refused():
    moments = sm.BandMoments(sm.PatchGrid((96, 96), 4))
    model = sm.LinearMAE(4, 0.5).fit_moments(moments.update(photographs(2, (96, 96))))
    with pytest.raises(ValueError, match="9216 numbers per image"):
        model.weight_matrix()


def fitted():
    return sm.LinearMAE(2, 0.5).fit(photographs(20, (4, 6)))
