"""What is easy to get wrong without a word: ill-conditioned moments, masks, state, aliases."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import spectral_mae as sm
from spectral_mae._parallel import in_batches
from spectral_mae.linear.interpolator import Interpolator


def steep(n, size, slope, seed=0):
    """Crops of periodic fields with a steep spectrum: nearly singular covariances."""
    fields = sm.fields.gaussian_fields(sm.fields.power_law((2 * size,) * 2, slope), n, rng=seed)
    return fields[:, :size, :size]


@pytest.fixture
def images():
    return np.random.default_rng(0).standard_normal((40, 8, 8)).cumsum(axis=1)


def regression_loss(images, grid, pi1, pi2):
    """Loss of the hidden target by one regression per output patch, on all other patches."""
    patches = grid.to_patches(images)
    n, n_patches, d = patches.shape
    rows = (patches - patches.mean(axis=0)).reshape(n, -1)
    second = rows.T @ rows / n
    own = np.repeat(np.arange(n_patches), d)
    mixed = np.where(own[:, np.newaxis] == own, pi1, pi2) * second
    explained = 0.0
    for patch in range(n_patches):
        seen, target = own != patch, own == patch
        cross = pi1 * second[np.ix_(seen, target)]
        explained += np.sum(cross * np.linalg.solve(mixed[np.ix_(seen, seen)], cross))
    return (1 - pi1) * (np.trace(second) - explained)


@pytest.mark.parametrize("slope", [-2.0, -6.0, -9.0])
def test_hidden_target_stays_exact_where_moments_are_ill_conditioned(slope):
    images = steep(1500, 16, slope)
    grid = sm.PatchGrid((16, 16), 4)
    model = sm.LinearMAE(4, 0.5, target="hidden", covariance="dense", sampling="bernoulli")
    model.fit(images)
    expected = regression_loss(images, grid, 0.5, 0.25)
    assert model.loss_ == pytest.approx(expected, rel=1e-4)
    assert 1 - model.score(images) == pytest.approx(model.loss_ / model.trace_, rel=1e-4)
    weights = model.receptive_field((7, 9)).weights
    own = model.receptive_field((7, 9)).own_patch
    assert np.abs(weights[own]).max() <= 1e-12 * np.abs(weights).max()


@pytest.mark.parametrize("wrong", [255, 0.5, -1])
def test_masks_are_zeros_and_ones(images, wrong):
    model = sm.LinearMAE(4, 0.5).fit(images)
    visible = np.zeros((8, 8), dtype=type(wrong))
    visible[:4] = wrong
    asks = (
        lambda: model.reconstruct(images, visible),
        lambda: sm.reconstruct_image(model, images[0], visible=visible),
        lambda: Interpolator(model.moments_).fill(images, visible),
    )
    for ask in asks:
        with pytest.raises(ValueError, match=f"visible holds {wrong}"):
            ask()
    mask = visible != 0
    np.testing.assert_array_equal(
        model.reconstruct(images, mask.astype(np.uint8)), model.reconstruct(images, mask)
    )
    one = sm.reconstruct_image(model, images[0], visible=mask.astype(int))
    assert one.explained == sm.reconstruct_image(model, images[0], visible=mask).explained


def test_hidden_pixels_may_hold_anything(images):
    model = sm.LinearMAE(4, 0.5).fit(images)
    visible = np.zeros((8, 8), dtype=bool)
    visible[:4] = True
    spoiled = np.where(visible, images, np.nan)
    np.testing.assert_array_equal(
        model.reconstruct(spoiled, visible), model.reconstruct(images, visible)
    )
    with pytest.raises(ValueError, match="not finite"):
        model.reconstruct(spoiled)


def test_masked_arrays_are_refused_where_their_mask_would_be_lost(images):
    model = sm.LinearMAE(4, 0.5).fit(images)
    masked = np.ma.array(images, mask=images > 0)
    asks = (
        lambda: sm.LinearMAE(4, 0.5).fit(masked),
        lambda: sm.BandMoments(sm.PatchGrid((8, 8), 4)).update(masked),
        lambda: model.score(masked),
        lambda: sm.reconstruct_image(model, masked[0]),
        lambda: sm.compare_spectra(masked, images),
        lambda: sm.compare_spectra(images, masked),
        lambda: sm.expected_masked_psd(masked[0], 4, 0.5),
        lambda: sm.BandMoments(sm.PatchGrid((8, 8), 4)).update([masked[0], masked[1]]),
    )
    for ask in asks:
        with pytest.raises(TypeError, match="masked array"):
            ask()


def blas_threads():
    return [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"]


def test_overlapping_work_gives_blas_its_threads_back():
    before = blas_threads()
    started, release = threading.Event(), threading.Event()

    def slow(rows):
        started.set()
        release.wait(10)

    thread = threading.Thread(target=in_batches, args=(slow, 4, 200))
    thread.start()
    started.wait(10)
    in_batches(lambda rows: None, 4, 200)
    release.set()
    thread.join()
    assert blas_threads() == before


def test_moments_of_another_patch_size_are_a_copy(images, tmp_path):
    moments = sm.StationaryMoments(sm.PatchGrid((8, 8), 4)).update(images[:20])
    other = moments.with_patch_size(2)
    trace = other.stack().trace
    moments.update(images[20:])
    assert other.n_images == 20
    other.save(tmp_path / "m.npz")
    assert sm.StationaryMoments.load(tmp_path / "m.npz").stack().trace == pytest.approx(trace)


@pytest.mark.parametrize("kind", [sm.BandMoments, sm.DenseMoments, sm.StationaryMoments])
def test_arrays_of_moments_are_copied(kind, images):
    moments = kind(sm.PatchGrid((8, 8), 4)).update(images)
    trace = moments.stack().trace
    kind.from_arrays(moments.to_arrays()).update(3 * images)
    assert moments.stack().trace == trace
    arrays = moments.to_arrays()
    arrays["mean"] = arrays["mean"][:-1]
    with pytest.raises(ValueError, match="mean of shape"):
        kind.from_arrays(arrays)


def test_the_mean_of_a_model_is_a_copy():
    signals = np.random.default_rng(0).standard_normal((30, 8))
    model = sm.LinearMAE(4, 0.5, covariance="dense").fit(signals)
    before = model.mean_.copy()
    model.mean_[...] = 99
    np.testing.assert_array_equal(model.mean_, before)


def test_residuals_are_true_ones():
    images = steep(400, 16, -6.0)
    moments = sm.BandMoments(sm.PatchGrid((16, 16), 4)).update(images)
    visible = sm.sample_visible(moments.grid, 0.5, 1, rng=0)[0]
    for tolerance in (1e-3, 1e-13):
        filled = Interpolator(moments, tolerance=tolerance, max_iterations=3000).fill(
            images[:3], visible
        )
        assert filled.converged == bool((filled.residual <= tolerance).all())
    assert not filled.converged  # rounding leaves more than 1e-13


def test_spectra_that_no_images_have_are_refused(images):
    image = images[0]
    with pytest.raises(ValueError, match="holds the mean still"):
        sm.StationaryMoments.from_psd(sm.psd(image + 100), 4, mean=float(image.mean()) + 100)
    visible = np.random.default_rng(0).random((8, 8)) < 0.4
    unmasked = sm.unmasked_psd(image, visible, detrend="constant")
    assert unmasked.power.min() < 0
    with pytest.raises(ValueError, match="powers of the spectrum are negative"):
        sm.StationaryMoments.from_psd(unmasked, 4, mean=0.0)
    for mean in ("a", None, np.nan):
        if mean is not None:
            with pytest.raises((TypeError, ValueError), match="mean="):
                sm.StationaryMoments.from_psd(sm.psd(image, detrend="constant"), 4, mean=mean)


def test_second_moments_are_scored_only_by_whom_they_were_taken_for(images):
    model = sm.LinearMAE(4, 0.5).fit(images[:20])
    held_out = model.second_moment(images[20:])
    assert model.score(held_out) == pytest.approx(model.score(images[20:]))
    others = (
        sm.LinearMAE(2, 0.5).fit(images[:20]),
        sm.LinearMAE(4, 0.5, covariance="dense").fit(images[:20]),
        sm.LinearMAE(4, 0.5, covariance="stationary", random_offset=True).fit(images[:20]),
        sm.LinearMAE(4, 0.5).fit(images[:20] + 100),
    )
    for other in others:
        for ask in (other.score, other.choose_shrinkage):
            with pytest.raises(ValueError, match="does not fit"):
                ask(held_out)
        assert other.loss_ > 0  # still fitted


def test_what_moments_take_in_later_is_noticed(images):
    model = sm.LinearMAE(4, 0.5).fit(images[:20])
    model.moments_.update(images[20:])
    with pytest.raises(sm.NotFittedError, match="20 images since"):
        model.score(images)
    assert model.fit_moments(model.moments_).score(images) > 0


@pytest.mark.parametrize(
    ("name", "value"), [("mask_ratio", 0.75), ("shrinkage", 0.5), ("rank", 2), ("target", "hidden")]
)
@pytest.mark.parametrize("ask", ["frequency_response", "save", "score"])
def test_parameters_that_are_set_later_are_noticed(name, value, ask, images, tmp_path):
    """Responses and files mixed the new parameters with the old map."""
    model = sm.LinearMAE(4, 0.5).fit(images)
    arguments = {"save": (tmp_path / "m.npz",), "score": (images,)}.get(ask, ())
    setattr(model, name, value)
    with pytest.raises(sm.NotFittedError, match=f"{name} has been set to"):
        getattr(model, ask)(*arguments)
    if name != "target":  # without a choice of shrinkage, which needs the whole image
        model.fit_moments(model.moments_).choose_shrinkage(images, [0.0, 0.25])
    model.fit_moments(model.moments_)
    getattr(model, ask)(*arguments)


def test_a_failed_choice_leaves_the_parameters(images):
    model = sm.LinearMAE(4, 0.5, shrinkage=0.25).fit(images)
    with pytest.raises(ValueError, match="no power about the fitted mean"):
        model.choose_shrinkage(np.broadcast_to(model.mean_, (3, 8, 8)))
    assert model.shrinkage == 0.25
    assert model.loss_ > 0


def test_loaders_are_iterated(images):
    class Loader:
        def __iter__(self):
            return iter(np.split(images, 4))

    whole = sm.LinearMAE(4, 0.5).fit(images)
    assert sm.LinearMAE(4, 0.5).fit(Loader()).loss_ == pytest.approx(whole.loss_, rel=1e-12)
    assert whole.score(Loader()) == pytest.approx(whole.score(images), rel=1e-12)


@pytest.mark.parametrize(
    "model",
    [
        sm.LinearMAE(2, 0.5),
        sm.LinearMAE(2, 0.5, rank=1),
        sm.LinearMAE(design=sm.designs.block(sm.PatchGrid((8, 8), 2), 2, rolled=False)),
    ],
    ids=["bands", "half a pair of bands", "masks in place"],
)
def test_a_loader_may_have_an_empty_batch(model, images):
    model.fit(images)
    assert (model.solution_.split is None) == (model.rank is None)  # or it tests less
    assert model.score(iter([images[:0], images, images[:0]])) == model.score(images)


@pytest.mark.parametrize("kind", [sm.BandMoments, sm.DenseMoments, sm.StationaryMoments])
@pytest.mark.parametrize("wrong", [np.nan, 1e300])
def test_a_batch_that_is_refused_adds_nothing(kind, wrong, images, monkeypatch):
    """A caller may leave the wrong image out and come back with the others."""
    monkeypatch.setattr("spectral_mae.linear.moments.accumulator.PART_BYTES", 3 * 64 * 8)
    spoiled = images.copy()
    spoiled[10, 2, 3] = wrong
    moments = kind(sm.PatchGrid((8, 8), 4)).update(images)
    expected = moments.stack().blocks
    where = r"first at \(10, 2, 3, 0\)" if np.isnan(wrong) else "too large"
    with pytest.raises(ValueError, match=where):
        moments.update(spoiled)
    assert moments.n_images == len(images)
    np.testing.assert_array_equal(moments.stack().blocks, expected)


def test_small_print(images):
    model = sm.LinearMAE(4, 0.5).fit(images)
    assert model.reconstruct(images[:0]).shape == (0, 8, 8)
    assert model.corrupt(images[:0]).shape == (0, 8, 8)
    with pytest.raises(TypeError, match=r"output_pixel=\(1.5, 2\)"):
        model.weights((1.5, 2))
    with pytest.raises(TypeError, match="sigma='a'"):
        sm.LinearDAE(2, "a")
    assert sm.LinearDAE(2, np.float32(0.1)).sigma == 0.1
    values = model.eigenvalues_
    assert model.eigenvalues_ is values  # worked out once
    with pytest.raises(TypeError, match="has no masks"):
        sm.expected_border_gradient_ratio(sm.LinearAE(4, 3).fit(images), images[0])
    squared = model.receptive_field((3, 4)).squared()
    np.testing.assert_allclose(squared.normalized.sum(), 1.0)
    np.testing.assert_array_equal(squared.weights, model.weights((3, 4)) ** 2)
