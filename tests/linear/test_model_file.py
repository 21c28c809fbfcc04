"""Saved models come back the same; what is no model is refused; encoder and decoder are W."""

import itertools
import zipfile

import dense
import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.linear.model import NotFittedError

COVARIANCES = ["banded", "dense", "stationary"]
RANKS = (None, 3, 5)
MODELS = [
    *[
        lambda c=c, r=r: sm.LinearMAE(2, 0.5, covariance=c, rank=r)
        for c, r in itertools.product(COVARIANCES, RANKS)
    ],
    *[lambda c=c: sm.LinearMAE(2, 0.3, covariance=c, target="hidden") for c in COVARIANCES],
    *[
        lambda r=r: sm.LinearMAE((2, 2), 0.4, covariance="stationary", random_offset=True, rank=r)
        for r in (None, 1, 2, 3)
    ],
    lambda: sm.LinearMAE(2, 0.3, sampling="bernoulli", center=False, shrinkage=0.2),
    *[
        lambda c=c, r=r: sm.LinearDAE(2, 0.7, covariance=c, rank=r)
        for c, r in itertools.product(COVARIANCES, (None, 4))
    ],
    *[lambda c=c: sm.LinearAE(2, 3, covariance=c, shrinkage=0.1) for c in COVARIANCES],
]
EVERY = pytest.mark.parametrize("make", MODELS)
CHANNELS = pytest.mark.parametrize("channels", [None, 3])


def fitted(model, channels=None, n=40):
    images = dense.photographs(n, (4, 6), channels)
    return model.fit(images, channel_axis=None if channels is None else -1)


@pytest.mark.parametrize("covariance", COVARIANCES)
@pytest.mark.parametrize("rank", [None, 3])
def test_a_model_of_volumes_comes_back_the_same(covariance, rank, tmp_path):
    volumes = dense.photographs(40, (2, 3, 4), 2)
    model = sm.LinearMAE((1, 3, 2), 0.4, covariance=covariance, rank=rank)
    model.fit(volumes, channel_axis=-1).save(tmp_path / "model.npz", dtype="float64")
    back = sm.load_linear_model(tmp_path / "model.npz")
    assert back.moments_.grid == sm.PatchGrid((2, 3, 4), (1, 3, 2))
    assert (repr(back), back.loss_) == (repr(model), model.loss_)
    np.testing.assert_array_equal(back.weight_matrix(), model.weight_matrix())
    np.testing.assert_array_equal(back.reconstruct(volumes), model.reconstruct(volumes))


@EVERY
@CHANNELS
def test_a_saved_model_comes_back_the_same(make, channels, tmp_path):
    model = fitted(make(), channels)
    model.save(tmp_path / "model.npz", dtype="float64")
    test = dense.photographs(10, (4, 6), channels, seed=1)
    axis = None if channels is None else -1
    for back in (
        sm.load_linear_model(tmp_path / "model.npz"),
        type(model).load(tmp_path / "model.npz"),
    ):
        assert type(back) is type(model)
        assert back.get_params() == model.get_params()
        assert repr(back) == repr(model)
        assert (back.loss_, back.trace_) == (model.loss_, model.trace_)
        np.testing.assert_array_equal(back.mean_, model.mean_)
        np.testing.assert_array_equal(back.weight_matrix(), model.weight_matrix())
        assert (back.eigenvalues_ is None) == (model.eigenvalues_ is None)
        if model.eigenvalues_ is not None:
            np.testing.assert_array_equal(back.eigenvalues_, model.eigenvalues_)
        assert back.score(test, channel_axis=axis) == model.score(test, channel_axis=axis)
        ours, theirs = model.frequency_response(), back.frequency_response()
        for name, curve in ours.to_dict().items():
            assert curve == theirs.to_dict()[name]
        for name in ("rank", "condition", "n_dropped", "split", "explained"):
            found, expected = (getattr(one.solution_, name) for one in (back, model))
            assert found == expected
            assert type(found) is type(expected)


@EVERY
def test_what_is_loaded_goes_on_working(make, tmp_path):
    """It can be saved again, its moments take in more, and it can be fitted to them."""
    model = fitted(make())
    model.save(tmp_path / "model.npz")
    back = sm.load_linear_model(tmp_path / "model.npz")
    more = dense.photographs(9, (4, 6), seed=3)
    for one in (model, back):
        one.moments_.update(more)
        one.fit_moments(one.moments_)
    assert back.moments_.n_images == 49
    np.testing.assert_allclose(back.weight_matrix(), model.weight_matrix(), atol=1e-12)
    back.save(tmp_path / "again.npz", dtype="float64")
    again = sm.load_linear_model(tmp_path / "again.npz")
    np.testing.assert_array_equal(again.weight_matrix(), back.weight_matrix())
    if isinstance(model, sm.LinearMAE):
        ratios = [0.4, 0.6]
        np.testing.assert_array_equal(
            again.mask_ratio_sweep(ratios).loss, back.mask_ratio_sweep(ratios).loss
        )
    others = dense.photographs(9, (4, 6), seed=4)
    choices = [one.choose_shrinkage(others, [0.0, 0.5]).explained for one in (again, back)]
    np.testing.assert_array_equal(*choices)


@EVERY
def test_files_hold_plain_arrays(make, tmp_path):
    model = fitted(make())
    model.save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz", allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    assert len(arrays) > 10
    assert not any(array.dtype.hasobject for array in arrays.values())
    assert str(arrays["model"]) == type(model).__name__


def test_some_of_the_models_split_a_pair():
    """Else the tests here would not see half pairs."""
    split = [fitted(make()).solution_.split for make in MODELS]
    assert any(one is not None for one in split)


def test_a_model_of_another_class_is_refused(tmp_path):
    path = tmp_path / "model.npz"
    fitted(sm.LinearDAE(2, 0.5)).save(path)
    with pytest.raises(ValueError, match="holds a LinearDAE, not a LinearMAE"):
        sm.LinearMAE.load(path)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(tmp_path / "other.npz", **{**arrays, "model": np.array("LinearThing")})
    with pytest.raises(ValueError, match="LinearThing, none of LinearMAE, LinearDAE, LinearAE"):
        sm.load_linear_model(tmp_path / "other.npz")


@pytest.mark.parametrize("load", [sm.load_linear_model, sm.LinearMAE.load])
def test_files_that_hold_no_model_are_refused(load, tmp_path):
    fitted(sm.LinearMAE(2, 0.5)).moments_.save(tmp_path / "moments.npz")
    with pytest.raises(ValueError, match=r"moments\.npz' holds no model but \['center', 'channel"):
        load(tmp_path / "moments.npz")
    (tmp_path / "text.npz").write_text("no arrays at all", encoding="utf-8")
    with pytest.raises(ValueError, match=r"text\.npz' is not a file of arrays"):
        load(tmp_path / "text.npz")
    np.save(tmp_path / "array.npy", np.ones(3))
    with pytest.raises(ValueError, match=r"array\.npy' is not a file of arrays"):
        load(tmp_path / "array.npy")
    with zipfile.ZipFile(tmp_path / "archive.npz", "w") as archive:
        archive.writestr("notes.txt", "no array")
    with pytest.raises(ValueError, match=r"archive\.npz' holds no model but \['notes\.txt'\]"):
        load(tmp_path / "archive.npz")
    with pytest.raises(FileNotFoundError, match=r"missing\.npz"):
        load(tmp_path / "missing.npz")


def test_pickles_are_not_opened(tmp_path):
    np.savez(tmp_path / "x.npz", model=np.array([{}], dtype=object), parameters=np.array("{}"))
    with pytest.raises(ValueError, match=r"x\.npz' is not a file of arrays: .*objects"):
        sm.load_linear_model(tmp_path / "x.npz")


def test_damaged_files_are_refused(tmp_path):
    fitted(sm.LinearMAE(2, 0.5)).save(tmp_path / "model.npz")
    damaged = bytearray((tmp_path / "model.npz").read_bytes())
    with zipfile.ZipFile(tmp_path / "model.npz") as archive:
        info = archive.getinfo("solution.weights.npy")
    damaged[info.header_offset + info.file_size // 2] ^= 0xFF
    (tmp_path / "model.npz").write_bytes(damaged)
    with pytest.raises(ValueError, match=r"model\.npz' is not a file of arrays: Bad CRC"):
        sm.load_linear_model(tmp_path / "model.npz")


def test_a_model_that_is_not_fitted_has_nothing_to_save(tmp_path):
    with pytest.raises(NotFittedError, match="call fit"):
        sm.LinearMAE(2, 0.5).save(tmp_path / "model.npz")
    assert not (tmp_path / "model.npz").exists()


# Encoder and decoder ---------------------------------------------------------------------------

BOTTLENECKS = pytest.mark.parametrize(
    ("make", "ranks"),
    [
        (lambda rank: sm.LinearMAE(2, 0.5, rank=rank), range(1, 25)),
        (lambda rank: sm.LinearMAE(2, 0.5, rank=rank, covariance="dense"), (1, 4, 24)),
        (lambda rank: sm.LinearMAE(2, 0.5, rank=rank, covariance="stationary"), range(1, 12)),
        (
            lambda rank: sm.LinearMAE(
                2, 0.5, rank=rank, covariance="stationary", random_offset=True
            ),
            range(1, 25),
        ),
        (lambda rank: sm.LinearDAE((2, 3), 0.6, rank=rank), range(1, 8)),
        (lambda rank: sm.LinearAE(2, rank), range(1, 8)),
    ],
)


@BOTTLENECKS
@CHANNELS
def test_encoder_times_decoder_is_the_weight_matrix(make, ranks, channels):
    for rank in ranks:
        model = fitted(make(rank), channels, n=100)
        images = (rank, 4, 6) if channels is None else (rank, 4, 6, channels)
        assert model.encoder().shape == model.decoder().shape == images
        encoder, decoder = (a.reshape(rank, -1) for a in (model.encoder(), model.decoder()))
        np.testing.assert_allclose(encoder.T @ decoder, model.weight_matrix(), atol=1e-9)
        np.testing.assert_allclose(decoder @ decoder.T, np.eye(rank), atol=1e-10)


@BOTTLENECKS
def test_the_first_directions_explain_most(make, ranks):
    """λ_i = μ u·S·a: direction by direction the explained power is its eigenvalue."""
    rank = max(ranks)
    model = fitted(make(rank), n=100)
    images = dense.photographs(100, (4, 6))
    patch = model.moments_.grid.patch_size
    second, _ = dense.moments(images, patch, model.covariance)
    mu = 0.5 if isinstance(model, sm.LinearMAE) else 1.0
    encoder, decoder = (a.reshape(rank, -1) for a in (model.encoder(), model.decoder()))
    explained = mu * np.einsum("ni,ij,nj->n", decoder, second, encoder)
    np.testing.assert_allclose(explained, model.eigenvalues_, atol=1e-10 * model.trace_)
    assert (np.diff(model.eigenvalues_) <= 0).all()


@BOTTLENECKS
def test_the_first_few_are_the_first_of_all(make, ranks):
    rank = max(ranks)
    model = fitted(make(rank), n=100)
    for n in range(1, rank + 1):
        np.testing.assert_array_equal(model.encoder(n), model.encoder()[:n])
        np.testing.assert_array_equal(model.decoder(n), model.decoder()[:n])


def test_the_optimal_encoder_belongs_to_the_decoder():
    """Eq. 14: for the decoder B the best encoder is μ Q⁻¹ S Bᵀ."""
    images = dense.photographs(100, (4, 6))
    for options, rank in (({"covariance": "dense"}, 5), ({}, 5), ({"covariance": "stationary"}, 4)):
        model = sm.LinearMAE(2, 0.5, rank=rank, **options).fit(images)
        second, _ = dense.moments(images, (2, 2), model.covariance)
        drawn = dense.masks((4, 6), (2, 2), 0.5, "fixed")
        mu, spoiled = dense.corrupted(second, drawn, 1)
        decoder = model.decoder().reshape(rank, -1)
        best = mu * np.linalg.solve(spoiled, second @ decoder.T)
        np.testing.assert_allclose(model.encoder().reshape(rank, -1).T, best, atol=1e-8)


def test_what_is_not_there_is_refused():
    model = fitted(sm.LinearMAE(2, 0.5, rank=4))
    full = fitted(sm.LinearMAE(2, 0.5))
    for name in ("encoder", "decoder"):
        with pytest.raises(ValueError, match="n=5 is more than the rank, 4"):
            getattr(model, name)(5)
        with pytest.raises(ValueError, match="n=0"):
            getattr(model, name)(0)
        with pytest.raises(ValueError, match=r"rank=None.*has no bottleneck"):
            getattr(full, name)()
        with pytest.raises(NotFittedError):
            getattr(sm.LinearMAE(2, 0.5, rank=4), name)()
