"""Files of models hold what is needed, no more, and are read when it is."""

import shutil
import struct
import tracemalloc
import zipfile
from pathlib import Path

import dense
import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.linear.moments.blocks import in_double

OLD = Path(__file__).parent / "old_models"
SHAPE, PATCH = (48, 48), 12  # 16 patches: 10 bands of 144, 1.6 MB in single precision


def large(**options):
    images = dense.photographs(30, (8, 8), seed=5).repeat(6, 1).repeat(6, 2)
    images = images + 0.1 * np.random.default_rng(0).standard_normal(images.shape)
    return sm.LinearMAE(PATCH, 0.5, **options).fit(images), images


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    model, images = large(shrinkage=0.3)
    path = tmp_path_factory.mktemp("large") / "model.npz"
    model.save(path, keep_moments=False)
    return model, images, path


def copied(path, tmp_path):
    return Path(shutil.copy(path, tmp_path / "copy.npz"))


def arrays_of(path):
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def test_a_file_is_as_large_as_its_map_in_single_precision(saved):
    model, _, path = saved
    bands = len(model.solution_.weights)
    assert bands * PATCH**4 * 8 < path.stat().st_size < bands * PATCH**4 * 8 * 1.02
    assert bands == 10  # of 16: of conjugate bands one


def test_photographs_in_patches_of_16_take_less_than_500_megabytes():
    """By the sizes of the arrays; the others hold some kilobytes, as the file above."""
    bands = sm.BandMoments(sm.PatchGrid((224, 224), 16)).transform.multiplicity
    assert len(bands) == 100
    assert len(bands) * (16 * 16 * 3) ** 2 * np.dtype(np.complex64).itemsize < 475e6


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"covariance": "dense"},
        {"covariance": "stationary", "random_offset": True},
        {"target": "hidden"},
        {"design": sm.designs.parse("block:1x2").on(sm.PatchGrid((4, 6), 2))},
    ],
)
def test_rounding_changes_the_loss_by_what_the_file_says(options, tmp_path):
    first = {} if "design" in options else {"patch_size": 2, "mask_ratio": 0.5}
    images = dense.photographs(60, (4, 6))
    model = sm.LinearMAE(**first, **options).fit(images)
    model.save(tmp_path / "m.npz")
    back = sm.load_linear_model(tmp_path / "m.npz")
    assert back.solution_.weights.dtype in (np.float32, np.complex64)
    assert in_double(back.solution_.weights).dtype == model.solution_.weights.dtype
    said = float(arrays_of(tmp_path / "m.npz")["rounding"])
    assert 0 < said < 1e-8  # of the second order, but for hidden targets: the loss is least
    loss = 1 - model.score(images)
    assert 1 - back.score(images) == pytest.approx(loss, rel=1e-6)
    np.testing.assert_allclose(
        back.reconstruct(images), model.reconstruct(images), atol=2e-6 * np.abs(images).max()
    )


def test_rounding_is_measured_right():
    """Against the difference of two losses, of a map that is not the best."""
    from spectral_mae.linear import solver

    model, _ = large(shrinkage=0.3)
    stack, mix = model._fitted_stack(), model.corruption_.mix
    coarse = model.solution_.weights + 1e-3
    rounded = coarse.astype(np.complex64).astype(complex)
    before, after = (solver.expected_loss(stack, mix, w) for w in (coarse, rounded))
    found = solver.rounding_loss(stack, mix, coarse)
    assert found == pytest.approx(after - before, rel=1e-3, abs=1e-13 * before)
    assert abs(found) > 1e-12 * before


def test_maps_of_next_to_no_loss_stay_in_double_precision(tmp_path):
    pattern, rng = dense.photographs(1, (4, 6)), np.random.default_rng(0)
    for noise, dtype in ((1e-6, np.float64), (1e-2, np.float32)):
        images = rng.standard_normal((60, 1, 1)) * pattern + noise * dense.photographs(60, (4, 6))
        model = sm.LinearMAE(2, 0.5, covariance="dense").fit(images)
        model.save(tmp_path / "m.npz")
        back = sm.load_linear_model(tmp_path / "m.npz")
        assert back.solution_.weights.dtype == dtype
        loss, expected = 1 - back.score(images), 1 - model.score(images)
        assert loss == pytest.approx(expected, rel=1e-6, abs=1e-15)


def test_a_bottleneck_is_stored_instead_of_its_map(tmp_path):
    model, images = large(rank=7)
    model.save(tmp_path / "m.npz", keep_moments=False)
    assert (tmp_path / "m.npz").stat().st_size < 100_000
    back = sm.load_linear_model(tmp_path / "m.npz")
    np.testing.assert_array_equal(back.solution_.weights, model.solution_.weights)
    np.testing.assert_array_equal(back.reconstruct(images[:3]), model.reconstruct(images[:3]))
    np.testing.assert_array_equal(back.encoder(), model.encoder())


def test_without_sums_a_model_works_but_is_not_fitted_again(saved, tmp_path):
    model, images, path = saved
    back = sm.load_linear_model(path)
    assert back.moments_.n_images == 30
    assert (back.loss_, back.trace_, back.get_params()) == (
        model.loss_,
        model.trace_,
        model.get_params(),
    )
    np.testing.assert_array_equal(back.mean_, model.mean_)
    assert back.score(images) == pytest.approx(model.score(images), rel=1e-9)
    assert back.receptive_field((20, 20)).weights.shape == SHAPE
    for ask in (
        back.frequency_response,
        lambda: back.mask_ratio_sweep([0.5]),
        lambda: back.choose_shrinkage(images),
        lambda: back.fit_moments(back.moments_),
        lambda: back.moments_.update(images),
        lambda: back.moments_.save(tmp_path / "moments.npz"),
        lambda: sm.BandMoments(back.moments_.grid).update(images).merge(back.moments_),
        lambda: back.save(tmp_path / "again.npz", keep_moments=True),
    ):
        with pytest.raises(ValueError, match=r"30 images have no sums: .*--keep-moments"):
            ask()
    assert back.score(images) == pytest.approx(model.score(images), rel=1e-9)
    back.save(tmp_path / "again.npz")
    again = sm.load_linear_model(tmp_path / "again.npz")
    np.testing.assert_array_equal(again.solution_.weights, back.solution_.weights)


def test_kept_moments_are_exact_and_can_be_fitted_again(saved, tmp_path):
    model, images, _ = saved
    model.save(tmp_path / "m.npz", keep_moments=True)
    back = sm.load_linear_model(tmp_path / "m.npz")
    np.testing.assert_array_equal(back.moments_.stack().blocks, model.moments_.stack().blocks)
    back.moments_.update(images[:5])  # in memory: the file stays as it is
    again = sm.load_linear_model(tmp_path / "m.npz")
    assert again.moments_.n_images == 30
    np.testing.assert_array_equal(again.moments_.stack().blocks, model.moments_.stack().blocks)
    again.fit_moments(again.moments_)
    np.testing.assert_array_equal(again.solution_.weights, model.solution_.weights)


def test_small_moments_are_kept_and_large_ones_are_not(tmp_path, monkeypatch):
    model, _ = large()
    for limit, kept in ((2**25, True), (2**20, False)):
        monkeypatch.setattr("spectral_mae.linear.model_file.KEPT", limit)
        model.save(tmp_path / "m.npz")
        assert sm.load_linear_model(tmp_path / "m.npz").moments_.has_sums == kept


def test_loading_takes_no_memory_until_bands_are_used(saved):
    """The map has 1.6 MB; what is left is the checks, a chunk at a time."""
    _, images, path = saved
    tracemalloc.start()
    back = sm.load_linear_model(path)
    now, _ = tracemalloc.get_traced_memory()
    assert now < 300_000
    tracemalloc.reset_peak()
    back.reconstruct(images[:1])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - now < 1_500_000  # in double precision the map has 3.3 MB
    assert isinstance(back.solution_.weights, np.memmap)


def test_a_model_is_saved_over_the_file_that_it_was_read_from(saved, tmp_path):
    model, images, path = saved
    path = copied(path, tmp_path)
    back = sm.load_linear_model(path)
    back.save(path)
    expected = model.reconstruct(images[:2])
    for one in (back, sm.load_linear_model(path)):
        np.testing.assert_allclose(one.reconstruct(images[:2]), expected, atol=1e-5)
    assert [file.name for file in tmp_path.iterdir()] == ["copy.npz"]


def test_arrays_begin_where_matrices_should(saved):
    _, _, path = saved
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for info in archive.infolist():
            start = info.header_offset
            lengths = struct.unpack("<HH", whole[start + 26 : start + 30])
            assert (start + 30 + sum(lengths)) % 64 == 0


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99, -1])
def test_files_that_are_cut_short_are_refused(saved, tmp_path, part):
    path = copied(saved[2], tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: part if part < 0 else int(part * len(whole))])
    with pytest.raises(ValueError, match=r"copy\.npz' is not a file of arrays: its end is missing"):
        sm.load_linear_model(path)


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_damage_is_found_when_a_file_is_opened(saved, tmp_path, part):
    path = copied(saved[2], tmp_path)
    whole = bytearray(path.read_bytes())
    whole[int(part * len(whole))] ^= 1
    path.write_bytes(whole)
    with pytest.raises(ValueError, match=r"copy\.npz' is not a file of arrays: Bad CRC-32"):
        sm.load_linear_model(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": np.array(3)}, "is of format 3, which a later version"),
        ({"solution.weights": np.ones((10, 7, 7))}, r"weights of shape \(10, 7, 7\) do not fit"),
        ({"solution.weights": np.array([{}] * 2**18)}, "one with objects"),
        ({"moments.mean": np.ones(5)}, r"mean of shape \(5,\) does not fit"),
        ({"moments.mean": None}, "lacks 'mean'"),
        ({"solution.loss": None}, "lacks 'loss'"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(saved, tmp_path, changes, message):
    arrays = arrays_of(saved[2]) | changes
    path = tmp_path / "m.npz"
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(ValueError, match=message):
        sm.load_linear_model(path)


def test_compressed_copies_are_read_whole(saved, tmp_path):
    model, images, path = saved
    np.savez_compressed(tmp_path / "m.npz", **arrays_of(path))
    back = sm.load_linear_model(tmp_path / "m.npz")
    assert back.score(images) == pytest.approx(model.score(images), rel=1e-9)


def test_wrong_options_are_refused(saved, tmp_path):
    model = saved[0]
    with pytest.raises(ValueError, match="dtype='float32'"):
        model.save(tmp_path / "m.npz", dtype="float32")
    with pytest.raises(TypeError, match="keep_moments='yes'"):
        model.save(tmp_path / "m.npz", keep_moments="yes")
    assert not list(tmp_path.iterdir())


# Written by version 0.1.0 of the package, before files had a format number.
GRAY, COLOR = dense.photographs(40, (4, 6)), dense.photographs(40, (4, 6), 3)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("mae", lambda: sm.LinearMAE(2, 0.5, shrinkage=0.2).fit(GRAY)),
        ("mae_rank_3", lambda: sm.LinearMAE(2, 0.5, rank=3).fit(GRAY)),
        (
            "mae_design",
            lambda: sm.LinearMAE(
                design=sm.designs.parse("block:1x2").on(sm.PatchGrid((4, 6), 2)),
                covariance="dense",
            ).fit(GRAY),
        ),
        (
            "dae_stationary",
            lambda: sm.LinearDAE(2, 0.7, covariance="stationary").fit(COLOR, channel_axis=-1),
        ),
    ],
)
def test_files_of_earlier_versions_are_read(name, make, tmp_path):
    expected, back = make(), sm.load_linear_model(OLD / f"{name}.npz")
    assert repr(back) == repr(expected)
    assert back.loss_ == pytest.approx(expected.loss_, rel=1e-9)
    np.testing.assert_allclose(back.weight_matrix(), expected.weight_matrix(), atol=1e-9)
    response = expected.frequency_response().error
    np.testing.assert_allclose(back.frequency_response().error, response, atol=1e-9)
    back.save(tmp_path / "new.npz", dtype="float64")
    new = sm.load_linear_model(tmp_path / "new.npz")
    np.testing.assert_array_equal(new.weight_matrix(), back.weight_matrix())
