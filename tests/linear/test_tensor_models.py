"""Moments and models of tensors: sums and solves where these are, numbers equal to NumPy's."""

import laws
import numpy as np
import pytest
from tensor_kinds import KINDS, needs_torch, numbers, shared, strict

import spectral_mae as sm
from spectral_mae.linear.tensors.inverse import TensorInverse

GRIDS = pytest.mark.parametrize(
    ("shape", "patch", "channels"),
    [((12,), 3, 0), ((8, 12), (4, 4), 0), ((9, 6), (3, 2), 2), ((4, 6, 4), (2, 3, 2), 0)],
    ids=str,
)


def images_of(shape, channels=0, n=40):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, *shape, *[channels] * bool(channels))).cumsum(axis=1) + 3


def options_of(channels):
    return {"channel_axis": -1 if channels else None}


@KINDS
@GRIDS
@pytest.mark.parametrize("dtype", ["f4", "f8", "u1"])
@pytest.mark.parametrize("center", [True, False])
def test_moments_equal_numpys(make, shape, patch, channels, dtype, center, tmp_path):
    images = (10 * images_of(shape, channels) % 100).astype(dtype)
    grid, axis = sm.PatchGrid(shape, patch), options_of(channels)

    def empty():
        return sm.BandMoments(grid, max(channels, 1), center)

    truth = empty().update(images, **axis)
    found = empty().update(make(images[:9]), **axis).update(make(images[9:25]), **axis)
    found.merge(empty().update(make(images[25:]), **axis))
    stack, same = found.stack(), truth.stack()
    scale = np.abs(same.blocks).max()
    np.testing.assert_allclose(numbers(stack.blocks), same.blocks, rtol=0, atol=1e-13 * scale)
    np.testing.assert_allclose(numbers(stack.local), same.local, rtol=0, atol=1e-13 * scale)
    assert stack.trace == pytest.approx(same.trace, rel=1e-12)
    laws.assert_close(numbers(found.mean), truth.mean, 1e-13)
    assert found.n_images == truth.n_images == 40
    found.save(tmp_path / "moments.npz")
    for copy in (found.numpy(), sm.BandMoments.load(tmp_path / "moments.npz")):
        np.testing.assert_allclose(copy.stack().blocks, same.blocks, rtol=0, atol=1e-13 * scale)
    before = found.numpy().stack().trace
    kept = found.numpy()
    found.update(make(images), **axis)
    assert kept.stack().trace == before
    assert truth.numpy() is truth


@KINDS
@GRIDS
@pytest.mark.parametrize(
    "options",
    [{}, {"rank": 3}, {"rank": 8}, {"center": False}, {"sampling": "bernoulli", "rank": 4}],
    ids=str,
)
def test_models_equal_numpys(make, shape, patch, channels, options):
    images, axis = images_of(shape, channels), options_of(channels)
    first, second = images[:30], images[30:]
    grid = sm.PatchGrid(shape, patch)
    visible = sm.sample_visible(grid, 0.5, 10, rng=0)
    truth = sm.LinearMAE(patch, 0.5, **options).fit(first, **axis)
    model = sm.LinearMAE(patch, 0.5, **options).fit(make(first), **axis)
    laws.assert_close(numbers(model.solution_.weights), truth.solution_.weights, 1e-10)
    assert model.loss_ == pytest.approx(truth.loss_, rel=1e-10)
    assert model.trace_ == pytest.approx(truth.trace_, rel=1e-12)
    laws.assert_close(model.eigenvalues_, truth.eigenvalues_, 1e-10)
    laws.assert_close(numbers(model.mean_), truth.mean_, 1e-13)
    assert model.solution_.n_dropped == truth.solution_.n_dropped
    assert 0.5 < model.solution_.condition / truth.solution_.condition < 100
    score = truth.score(second, **axis)
    assert model.numpy().score(second, **axis) == pytest.approx(score, abs=1e-10)
    assert model.score(second, **axis) == pytest.approx(score, abs=1e-10)
    output = truth.reconstruct(second, visible, **axis)
    pasted = truth.reconstruct(second, visible, paste_visible=True, **axis)
    laws.assert_close(model.reconstruct(second, visible, **axis), output, 1e-10)
    if truth.solution_.split is not None:
        with pytest.raises(TypeError, match="splits a pair of bands: numpy"):
            model.score(make(second), **axis)
        with pytest.raises(TypeError, match="splits a pair of bands: numpy"):
            model.reconstruct(make(second), make(visible), **axis)
        return
    tensors = make(second)
    assert model.score(tensors, **axis) == pytest.approx(score, abs=1e-10)
    assert model.score(model.second_moment(tensors, **axis)) == pytest.approx(score, abs=1e-10)
    laws.assert_close(numbers(model.reconstruct(tensors, make(visible), **axis)), output, 1e-10)
    found = model.reconstruct(tensors, visible, paste_visible=True, **axis)
    laws.assert_close(numbers(found), pasted, 1e-10)
    hidden = np.where(visible[..., None] if channels else visible, second, np.nan)
    laws.assert_close(numbers(model.reconstruct(make(hidden), visible, **axis)), output, 1e-10)


@KINDS
@pytest.mark.parametrize(
    "model",
    [
        sm.LinearDAE(4, 0.5),
        sm.LinearDAE(4, 0.5, rank=4),
        sm.LinearAE(4, 6),
        sm.LinearMAE(design=sm.designs.block(sm.PatchGrid((8, 12), 4), (1, 2))),
    ],
    ids=lambda model: type(model).__name__,
)
def test_other_corruptions_equal_numpys(make, model):
    images = images_of((8, 12))
    loss, score = model.fit(images).loss_, model.score(images)
    model.fit(make(images))
    assert model.loss_ == pytest.approx(loss, rel=1e-9)
    assert model.score(make(images)) == pytest.approx(score, rel=1e-9)


@KINDS
def test_other_methods_use_a_copy_on_the_cpu(make, tmp_path):
    images = images_of((8, 12))
    truth = sm.LinearMAE(4, 0.5, rank=3).fit(images)
    model = sm.LinearMAE(4, 0.5, rank=3).fit(make(images))
    assert model.numpy() is model.numpy()
    assert truth.numpy() is truth
    for ask in (
        lambda one: one.weights((3, 5)),
        lambda one: one.weight_matrix(),
        lambda one: one.receptive_field((3, 5)).weights,
        lambda one: next(one.receptive_fields()).weights,
        lambda one: one.frequency_response().gain,
        lambda one: one.mask_ratio_sweep([0.3, 0.5]).loss,
        lambda one: one.encoder() ** 2,
        lambda one: one.decoder() ** 2,
        lambda one: one.corrupt(images[:2], rng=0),
        lambda one: sm.reconstruct_image(one, images[0], rng=0).output,
        lambda one: sm.Interpolator(one.moments_).fill(images[:1], np.eye(8, 12) < 1).images,
    ):
        laws.assert_close(ask(model), ask(truth), 1e-9)
    assert model.needs_images_to_score == truth.needs_images_to_score
    model.save(tmp_path / "model.npz")
    again = sm.LinearMAE.load(tmp_path / "model.npz")
    laws.assert_close(again.weight_matrix(), truth.weight_matrix(), 1e-9)


@pytest.mark.parametrize("size", [3, 12])
def test_singular_matrices_are_inverted_on_their_range(size):
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.standard_normal((4, size, size)) + 1j * rng.random((size, size)))
    values = np.linspace(1.0, 2.0, size)
    values[0] = 0.0
    matrices = (basis * values) @ basis.conj().swapaxes(1, 2)
    right = rng.standard_normal((4, size, 2)) + 0j
    inverse = TensorInverse(strict(matrices), 1e-10)
    truth = np.linalg.pinv(matrices, hermitian=True, rcond=1e-8) @ right
    laws.assert_close(numbers(inverse.solve(strict(right))), truth, 1e-12)
    assert inverse.n_dropped(np.array([1, 2, 2, 1])) == 6
    assert inverse.condition == pytest.approx(2.0 / values[1], rel=1e-9)
    exact = TensorInverse(strict(np.zeros((1, size, size))), 0.0)
    assert exact.n_dropped(np.array([1])) == size
    assert not np.any(numbers(exact.solve(strict(right[:1].real))))


@needs_torch
def test_what_is_not_done_with_tensors_is_said():
    images = images_of((8, 12))
    grid = sm.PatchGrid((8, 12), 4)
    tensors, arrays = (
        sm.BandMoments(grid).update(shared(images)),
        sm.BandMoments(grid).update(images),
    )
    foreign = sm.BandMoments(grid).update(strict(images))
    model = sm.LinearMAE(4, 0.5).fit_moments(tensors)
    unrolled = sm.designs.block(grid, (1, 2), rolled=False)
    for ask, message in [
        (lambda: tensors.update(images), "the moments are tensors on cpu and the images are not"),
        (lambda: tensors.merge(arrays), "the moments are tensors on cpu and the images are not"),
        (lambda: arrays.merge(tensors), "the images are tensors on cpu and the moments are not"),
        (lambda: tensors.merge(foreign), "is an array of array_api_strict"),
        (lambda: sm.LinearMAE(4, 0.5, shrinkage=0.1).fit_moments(tensors), "shrinks them on the"),
        (lambda: sm.LinearMAE(4, 0.5, target="hidden").fit_moments(tensors), "solves on the CPU"),
        (lambda: model.choose_shrinkage(images), "choose a shrinkage, on the CPU"),
        (lambda: model.corrupt(shared(images)), "corrupt draws with NumPy"),
        (
            lambda: sm.LinearMAE(design=unrolled).fit(shared(images)).score(shared(images)),
            "hide some patches more often",
        ),
        (lambda: sm.BandMoments(grid).update(shared(images + 1j)), "real numbers are needed"),
    ]:
        with pytest.raises(TypeError, match=message):
            ask()
    images[2, 3, 4] = np.nan
    with pytest.raises(ValueError, match=r"images holds 1 values .* first at \(2, 3, 4, 0\): nan"):
        sm.BandMoments(grid).update(strict(images))
    with pytest.raises(ValueError, match="too large to square"):
        sm.BandMoments(grid).update(strict(np.full((1, 8, 12), 1e200)))
    with pytest.raises(ValueError, match="do not fit"):
        sm.BandMoments(grid).update(shared(images[:, :4]))
    with pytest.raises(ValueError, match="a mask is bool, or 0 and 1"):
        model.reconstruct(shared(images_of((8, 12))), shared(np.full((8, 12), 0.5)))


@needs_torch
@pytest.mark.parametrize("covariance", ["dense", "stationary"])
def test_other_covariances_read_tensors_as_numpy_does(covariance):
    images = images_of((8, 12))
    model = sm.LinearMAE(4, 0.5, covariance=covariance)
    loss = model.fit(images).loss_
    assert model.fit(shared(images)).loss_ == loss
    assert isinstance(model.solution_.weights, np.ndarray)
