"""Stationary moments and models: what all pixel shifts of the images make of them."""

import dense
import numpy as np
import pytest
from shift_cases import CENTER, DESIGNS, SHAPES, axis_of, fit, mask_ratio

import spectral_mae as sm
from spectral_mae.linear.moments.kinds import BandMoments, StationaryMoments


@SHAPES
@CENTER
def test_moments_are_averages_over_all_pixel_shifts(shape, patch, channels, center):
    images = dense.photographs(7, shape, channels)
    grid, c = sm.PatchGrid(shape, patch), channels or 1
    moments = StationaryMoments(grid, c, center).update(images, channel_axis=axis_of(channels))
    second, mean = dense.moments(images, patch, "stationary", center=center)
    order = dense.patch_order(shape, patch, c)
    np.testing.assert_allclose(moments.mean.ravel(), mean.ravel()[order], atol=1e-13)
    expected = [dense.band(second, shape, patch, c, q) for q in moments.transform.frequencies]
    stack = moments.stack()
    scale = np.abs(second).max()
    np.testing.assert_allclose(stack.blocks, expected, atol=1e-11 * scale)
    assert stack.trace == pytest.approx(np.trace(second), rel=1e-12)
    assert not stack.blocks[stack.multiplicity == 1].imag.any()


@SHAPES
@CENTER
def test_spectra_are_densities_of_the_images(shape, patch, channels, center):
    images = dense.photographs(7, shape, channels)
    moments = StationaryMoments(sm.PatchGrid(shape, patch), channels or 1, center)
    moments.update(images, channel_axis=axis_of(channels))
    pixels = images.reshape(7, *shape, -1)
    axes = tuple(range(len(shape) + 1))
    transform = pixels - pixels.mean(axis=axes) * center
    for axis in axes[1:]:
        transform = np.fft.fft(transform, axis=axis)
    power = np.einsum("n...c,n...e->...ce", transform, transform.conj()) / 7 / np.prod(shape)
    np.testing.assert_allclose(moments.spectra(), power, rtol=1e-10, atol=1e-12 * power.real.max())


@SHAPES
@CENTER
def test_parts_merge_to_one_pass_and_come_back_from_disk(shape, patch, channels, center, tmp_path):
    images = dense.photographs(11, shape, channels)
    grid, c = sm.PatchGrid(shape, patch), channels or 1

    def empty():
        return StationaryMoments(grid, c, center)

    once = empty().update(images, channel_axis=axis_of(channels))
    merged, batches = empty(), empty()
    for part in np.split(images, [1, 5]):
        merged.merge(empty().update(part, channel_axis=axis_of(channels)))
        batches.update(part, channel_axis=axis_of(channels))
    merged.merge(empty())
    empty().update(images[:4], channel_axis=axis_of(channels)).save(tmp_path / "moments.npz")
    loaded = StationaryMoments.load(tmp_path / "moments.npz")
    assert (loaded.n_images, loaded.center, loaded.grid) == (4, center, grid)
    loaded.update(images[4:], channel_axis=axis_of(channels))
    scale = np.abs(once.stack().blocks).max()
    for other in (merged, batches, loaded):
        assert other.n_images == other.by_frequency.n_images == 11
        np.testing.assert_allclose(other.stack().blocks, once.stack().blocks, atol=1e-11 * scale)
        np.testing.assert_allclose(other.mean, once.mean, rtol=1e-12)


def test_moments_that_do_not_fit_are_refused(tmp_path):
    grid = sm.PatchGrid((4, 6), 2)
    with pytest.raises(ValueError, match="do not fit"):
        StationaryMoments(grid).merge(StationaryMoments(grid, center=False))
    with pytest.raises(ValueError, match="do not fit"):
        StationaryMoments(grid).merge(StationaryMoments(sm.PatchGrid((4, 6), 1)))
    with pytest.raises(ValueError, match="no images yet"):
        StationaryMoments(grid).stack()
    BandMoments(grid).update(np.ones((2, 4, 6))).save(tmp_path / "x.npz")
    with pytest.raises(ValueError, match="kind='banded', not 'stationary'"):
        StationaryMoments.load(tmp_path / "x.npz")


@pytest.mark.parametrize("scaling", ["density", "spectrum", "energy"])
@pytest.mark.parametrize(
    ("shape", "fs"), [((9,), 1.0), ((8,), 44.1), ((4, 6), 3.0), ((6, 3), (0.5, 4.0))]
)
def test_a_power_spectrum_is_enough(scaling, shape, fs):
    images = dense.photographs(8, shape)
    patch = tuple(2 if n % 2 == 0 else 3 for n in shape)
    grid = sm.PatchGrid(shape, patch)
    scale = np.square(images).sum()

    one = sm.psd(images[0], fs=fs, scaling=scaling)
    moments = StationaryMoments.from_psd(one, patch)
    expected = StationaryMoments(grid, center=False).update(images[:1])
    np.testing.assert_allclose(moments.stack().blocks, expected.stack().blocks, atol=1e-12 * scale)
    assert not moments.center
    assert not moments.mean.any()

    about_mean = sm.psd(images[0], fs=fs, scaling=scaling, detrend="constant")
    moments = StationaryMoments.from_psd(about_mean, patch, mean=float(images[0].mean()))
    expected = StationaryMoments(grid).update(images[:1])
    np.testing.assert_allclose(moments.stack().blocks, expected.stack().blocks, atol=1e-12 * scale)
    np.testing.assert_allclose(moments.mean, expected.mean, rtol=1e-12)
    assert moments.center

    mean = sm.Periodogram(shape, fs=fs, scaling=scaling).mean(images[:5])
    moments = StationaryMoments.from_psd(mean, patch).merge(
        StationaryMoments(grid, center=False).update(images[5:])
    )
    assert moments.n_images == 8
    expected = StationaryMoments(grid, center=False).update(images)
    np.testing.assert_allclose(moments.stack().blocks, expected.stack().blocks, atol=1e-12 * scale)


@pytest.mark.parametrize(
    ("shape", "channels", "means", "message"),
    [
        ((6, 9), 1, [0.5], r"shape \(6, 9\)"),  # as many frequencies of the half-plane as (6, 8)
        ((6, 8), 3, [0.5], "with 3 channels"),
        ((6, 8), 1, [], "means is empty"),
    ],
)
def test_spectra_that_do_not_tell_the_moments_are_refused(shape, channels, means, message):
    moments = StationaryMoments(sm.PatchGrid((6, 8), 2), channels)
    with pytest.raises(ValueError, match=message):
        moments.add_spectrum(sm.psd(np.ones(shape)), means)
    assert moments.n_images == 0


def test_a_spectrum_about_a_mean_of_zero_is_centred():
    moments = StationaryMoments.from_psd(sm.psd(np.eye(4), detrend="constant"), 2, mean=0.0)
    assert moments.center
    sm.LinearMAE(2, 0.5, covariance="stationary").fit_moments(moments)
    with pytest.raises(ValueError, match="center=False"):
        sm.LinearMAE(2, 0.5, covariance="stationary", center=False).fit_moments(moments)


@SHAPES
@DESIGNS
@pytest.mark.parametrize("random_offset", [False, True])
@pytest.mark.slow
def test_every_rank_is_the_dense_optimum_of_all_pixel_shifts(
    shape, patch, channels, sampling, random_offset
):
    images = dense.photographs(40, shape, channels)
    c = channels or 1
    second, mean = dense.moments(images, patch, "stationary")
    drawn = dense.masks(
        shape, patch, mask_ratio(shape, patch), sampling, random_offset=random_offset
    )
    mu, spoiled = dense.corrupted(second, drawn, c)
    trace = np.trace(second)
    options = {"sampling": sampling, "random_offset": random_offset}
    _, _, values = dense.best_map(second, mu, spoiled)
    for rank in [None, *range(1, len(second) + 1)]:
        model = fit(shape, patch, channels, images, rank=rank, **options)
        weights, loss, _ = dense.best_map(second, mu, spoiled, rank)
        assert model.trace_ == pytest.approx(trace, rel=1e-12)
        assert model.loss_ == pytest.approx(loss, abs=1e-10 * trace)
        kept = values[:rank]
        np.testing.assert_allclose(model.eigenvalues_, kept, atol=1e-10 * trace)
        np.testing.assert_allclose(model.mean_, mean, atol=1e-12)
        matrix = model.weight_matrix()
        found = np.trace(second - 2 * mu * second @ matrix + matrix.T @ spoiled @ matrix)
        assert found == pytest.approx(loss, abs=1e-9 * trace)
        distinct = rank in (None, len(values)) or values[rank - 1] - values[rank] > 1e-6 * trace
        if distinct:
            np.testing.assert_allclose(matrix, weights, atol=1e-7)
            assert model.solution_.split is None


@SHAPES
@DESIGNS
def test_hidden_target_is_the_best_regression_of_every_patch(shape, patch, channels, sampling):
    images = dense.photographs(40, shape, channels)
    second, _ = dense.moments(images, patch, "stationary")
    drawn = dense.masks(shape, patch, mask_ratio(shape, patch), sampling)
    number = dense.patch_number(shape, patch)
    weights, loss = dense.best_hidden_map(second, drawn, number, channels or 1)
    model = fit(shape, patch, channels, images, target="hidden", sampling=sampling)
    assert model.loss_ == pytest.approx(loss, rel=1e-9)
    np.testing.assert_allclose(model.weight_matrix(), weights, atol=1e-8)
    assert model.eigenvalues_ is None


@SHAPES
@pytest.mark.parametrize("random_offset", [False, True])
def test_maps_commute_with_the_shifts_they_are_made_for(shape, patch, channels, random_offset):
    images = dense.photographs(40, shape, channels)
    matrix = fit(shape, patch, channels, images, random_offset=random_offset).weight_matrix()
    image = images.reshape(40, *shape, -1)
    step = (1,) * len(shape) if random_offset else patch
    axes = tuple(range(1, len(shape) + 1))
    for axis in range(len(shape)):
        shift = tuple(s * (a == axis) for a, s in enumerate(step))
        moved = np.roll(image, shift, axes).reshape(40, -1) @ matrix
        there = np.roll((image.reshape(40, -1) @ matrix).reshape(image.shape), shift, axes)
        np.testing.assert_allclose(moved, there.reshape(40, -1), atol=1e-8)


@SHAPES
def test_noise_is_filtered_by_signal_over_signal_and_noise(shape, patch, channels):
    """Wiener's filter: S(S+σ²)⁻¹ at each frequency, whatever the patch size."""
    images = dense.photographs(40, shape, channels)
    model = sm.LinearDAE(patch, 1.3, covariance="stationary")
    model.fit(images, channel_axis=axis_of(channels))
    power = model.moments_.spectra()
    noise = 1.69 * np.eye(channels or 1)
    expected = power @ np.linalg.inv(power + noise)
    found = dense.by_frequency(model.weight_matrix().T, shape, channels or 1)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    loss = np.einsum("...cc->...", power - expected @ power).real.sum()
    assert model.loss_ == pytest.approx(loss, rel=1e-9)


@SHAPES
@pytest.mark.parametrize("covariance", ["banded", "dense", "stationary"])
def test_scores_of_denoising_are_means_over_the_noise(shape, patch, channels, covariance):
    """E‖(x+n)W − x‖² = ‖xW − x‖² + σ²‖W‖², also where the rank splits a pair."""
    train, test = (dense.photographs(n, shape, channels, seed=n) for n in (60, 6))
    axis = axis_of(channels)
    for rank in (None, 1, 2, 3, 4):
        model = sm.LinearDAE(patch, 1.3, covariance=covariance, rank=rank)
        model.fit(train, channel_axis=axis)
        power = np.sum((test - model.mean_) ** 2) / 6
        loss = np.sum((model.reconstruct(test) - test) ** 2) / 6
        loss += 1.69 * np.sum(model.weight_matrix() ** 2)
        assert model.score(test, channel_axis=axis) == pytest.approx(1 - loss / power, abs=1e-9)


def test_moments_of_another_kind_are_refused():
    moments = BandMoments(sm.PatchGrid((4, 6), 2)).update(dense.photographs(5, (4, 6)))
    with pytest.raises(TypeError, match="StationaryMoments, not BandMoments"):
        sm.LinearMAE(2, 0.5, covariance="stationary").fit_moments(moments)
