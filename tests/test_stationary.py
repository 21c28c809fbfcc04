"""Stationary moments and grids at random offsets: against all pixel shifts, masks and offsets."""

import itertools

import dense
import laws
import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.bands import BandTransform
from spectral_mae.corruption import OffsetMasking
from spectral_mae.moments import BandMoments, StationaryMoments

SHAPES = pytest.mark.parametrize(
    ("shape", "patch", "channels"),
    [
        ((9,), (3,), None),
        ((8,), (2,), 2),
        ((4, 6), (2, 2), None),
        ((6, 3), (2, 3), None),
        ((4, 4), (2, 2), 3),
        ((5, 4), (5, 2), 2),
        ((6,), (2,), 5),
    ],
)
DESIGNS = pytest.mark.parametrize("sampling", laws.DESIGNS)
CENTER = pytest.mark.parametrize("center", [True, False])


def axis_of(channels):
    return None if channels is None else -1


def mask_ratio(shape, patch):
    """Keeps more than one patch where there are more than two, so that pairs are seen."""
    return 0.5 if np.prod(shape) // np.prod(patch) != 3 else 0.3


def fit(shape, patch, channels, images, **options):
    options.setdefault("covariance", "stationary")
    model = sm.LinearMAE(patch, mask_ratio(shape, patch), **options)
    return model.fit(images, channel_axis=axis_of(channels))


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


def test_a_spectrum_about_a_mean_of_zero_is_centred():
    moments = StationaryMoments.from_psd(sm.psd(np.eye(4), detrend="constant"), 2, mean=0.0)
    assert moments.center
    sm.LinearMAE(2, 0.5, covariance="stationary").fit_moments(moments)
    with pytest.raises(ValueError, match="center=False"):
        sm.LinearMAE(2, 0.5, covariance="stationary", center=False).fit_moments(moments)


# The models ------------------------------------------------------------------------------------


@SHAPES
@DESIGNS
@pytest.mark.parametrize("random_offset", [False, True])
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


# Patch grids at random offsets -----------------------------------------------------------------


@SHAPES
@DESIGNS
def test_wiener_filter_whose_noise_is_what_masks_leak(shape, patch, channels, sampling):
    """H = π₁ S (π₂S + (π₁−π₂)S̃)⁻¹, with S̃ as the convolution that defines it."""
    images = dense.photographs(40, shape, channels)
    model = fit(shape, patch, channels, images, sampling=sampling, random_offset=True)
    power = model.moments_.spectra()
    pulse = np.ones(())
    for n, p in zip(shape, patch, strict=True):
        pulse = np.multiply.outer(pulse, np.abs(laws.pulse_dft(n, p).astype(complex)) ** 2)
    n_patches = np.prod(shape) // np.prod(patch)
    smooth = np.empty_like(power)
    for c, e in itertools.product(range(channels or 1), repeat=2):
        smooth[..., c, e] = laws.circular_convolution(power[..., c, e], pulse)
    smooth *= n_patches / np.prod(shape) ** 2
    subsets = list(laws.every_subset(n_patches, mask_ratio(shape, patch), sampling))
    pi1 = float(sum(p for bits, p in subsets if bits[0]))
    pi2 = float(sum(p for bits, p in subsets if bits[0] and bits[1]))
    expected = pi1 * power @ np.linalg.inv(pi2 * power + (pi1 - pi2) * smooth)
    found = dense.by_frequency(model.weight_matrix().T, shape, channels or 1)
    np.testing.assert_allclose(found, expected, atol=1e-9)


@SHAPES
@DESIGNS
def test_moments_of_masks_at_random_offsets(shape, patch, channels, sampling):
    """μ and Q of all masks at all offsets, on stacks of single frequencies."""
    c = channels or 1
    grid = sm.PatchGrid(shape, patch)
    ratio = mask_ratio(shape, patch)
    second, _ = dense.moments(dense.photographs(10, shape, channels), patch, "stationary")
    drawn = dense.masks(shape, patch, ratio, sampling, random_offset=True)
    mu, spoiled = dense.corrupted(second, drawn, c)
    moments = StationaryMoments(grid, c)
    moments.update(dense.photographs(10, shape, channels), channel_axis=axis_of(channels))
    frequencies = BandTransform(sm.PatchGrid(shape, 1), c)
    masking = OffsetMasking(grid, ratio, sampling)
    stack = masking.smoothed(moments.by_frequency.stack(), frequencies)
    assert masking.mix.mu == pytest.approx(mu, rel=1e-12)
    found = masking.mix.second_moment(stack, slice(None))
    expected = [
        dense.band(spoiled, shape, (1,) * len(shape), c, k) for k in frequencies.frequencies
    ]
    np.testing.assert_allclose(found, expected, atol=1e-11 * np.abs(second).max())
    np.testing.assert_array_equal(masking.mix.second_moment(stack, slice(1, 2)), found[1:2])


@pytest.mark.parametrize(("shape", "patch"), laws.GRIDS)
@DESIGNS
def test_power_of_a_code_is_a_mean_over_masks_and_offsets(shape, patch, sampling):
    ratio = mask_ratio(shape, patch)
    shares = np.random.default_rng(0).standard_normal((4, int(np.prod(shape)))) + 0.3
    masking = OffsetMasking(sm.PatchGrid(shape, patch), ratio, sampling)
    expected = sum(
        probability * (shares @ mask.ravel()) ** 2
        for mask, probability in dense.masks(shape, patch, ratio, sampling, random_offset=True)
    )
    np.testing.assert_allclose(masking.code_power(shares), expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("shape", "patch", "ratio"), [((4,), (2,), 0.5), ((6, 3), (2, 3), 0.6), ((6, 4), (3, 2), 0.5)]
)
@DESIGNS
def test_drawn_masks_are_all_masks_at_all_offsets(shape, patch, ratio, sampling):
    """Each as often as it should be, to five standard errors; no others."""
    n = 20_000
    grid = sm.PatchGrid(shape, patch)
    visible = sm.sample_visible(grid, ratio, n, sampling=sampling, random_offset=True, rng=0)
    assert visible.dtype == bool
    chance = {}
    for mask, probability in dense.masks(shape, patch, ratio, sampling, random_offset=True):
        key = tuple(mask.astype(bool).ravel().tolist())
        chance[key] = chance.get(key, 0.0) + probability
    seen, counts = np.unique(visible.reshape(n, -1), axis=0, return_counts=True)
    found = {tuple(mask.tolist()): count / n for mask, count in zip(seen, counts, strict=True)}
    assert found.keys() <= chance.keys()
    for mask, probability in chance.items():
        error = np.sqrt(probability * (1 - probability) / n)
        assert found.get(mask, 0.0) == pytest.approx(probability, abs=5 * error)
    again = sm.sample_visible(grid, ratio, n, sampling=sampling, random_offset=True, rng=0)
    np.testing.assert_array_equal(visible, again)


def test_corrupted_images_are_images_times_masks_at_random_offsets():
    grid = sm.PatchGrid((6, 4), (3, 2))
    pixels = 1.0 + np.random.default_rng(0).random((50, 24, 3))
    drawn = OffsetMasking(grid, 0.5).sample(pixels, rng=5)
    visible = sm.sample_visible(grid, 0.5, 50, random_offset=True, rng=5)
    np.testing.assert_array_equal(drawn, pixels * visible.reshape(50, 24, 1))


def enumerated(model, images, shape, patch):
    """Mean squared error over images and all masks (and offsets), and the power about the mean."""
    drawn = dense.masks(
        shape, patch, model.mask_ratio, model.sampling, random_offset=model.random_offset
    )
    loss = sum(
        probability * np.sum((model.reconstruct(images, mask) - images) ** 2)
        for mask, probability in drawn
    )
    return loss / len(images), np.sum((images - model.mean_) ** 2) / len(images)


@SHAPES
@DESIGNS
@CENTER
@pytest.mark.parametrize("rank", [None, 1, 2, 3, 4])
def test_loss_and_score_are_means_over_masks_and_offsets(
    shape, patch, channels, sampling, center, rank
):
    """On the images as they are; with a split pair the loss is that of all pixel shifts."""
    train, test = (dense.photographs(n, shape, channels, seed=n) for n in (15, 6))
    model = fit(
        shape,
        patch,
        channels,
        train,
        sampling=sampling,
        random_offset=True,
        center=center,
        rank=rank,
    )
    loss, trace = enumerated(model, train, shape, patch)
    assert model.trace_ == pytest.approx(trace, rel=1e-10)
    if model.solution_.split is None:
        assert model.loss_ == pytest.approx(loss, rel=1e-9)
    axis = axis_of(channels)
    assert model.score(train, channel_axis=axis) == pytest.approx(1 - loss / trace, abs=1e-9)
    loss, trace = enumerated(model, test, shape, patch)
    assert model.score(test, channel_axis=axis) == pytest.approx(1 - loss / trace, abs=1e-9)
    if model.solution_.split is not None and np.prod(shape) < 12:
        loss, _ = enumerated(model, dense.rolls(train, len(shape)), shape, patch)
        assert model.loss_ == pytest.approx(loss, rel=1e-9)


@SHAPES
@DESIGNS
@pytest.mark.parametrize("covariance", ["banded", "stationary"])
def test_scores_are_means_over_masks_whatever_the_rank_splits(
    shape, patch, channels, sampling, covariance
):
    train, test = (dense.photographs(n, shape, channels, seed=n) for n in (15, 6))
    for rank in range(1, 10):
        options = {"rank": rank, "sampling": sampling, "covariance": covariance}
        model = fit(shape, patch, channels, train, **options)
        loss, trace = enumerated(model, test, shape, patch)
        score = model.score(test, channel_axis=axis_of(channels))
        assert score == pytest.approx(1 - loss / trace, abs=1e-9)


@SHAPES
@DESIGNS
@pytest.mark.parametrize("random_offset", [False, True])
def test_sweep_equals_one_fit_per_ratio(shape, patch, channels, sampling, random_offset):
    images = dense.photographs(30, shape, channels)
    # One kept of two patches is all that fixed sampling has on the smallest grids.
    ratios = [0.5] if np.prod(shape) // np.prod(patch) == 2 else [0.3, 0.5, 0.6]
    options = {"covariance": "stationary", "random_offset": random_offset, "sampling": sampling}
    swept = fit(shape, patch, channels, images, **options).mask_ratio_sweep(ratios)
    for ratio, loss, explained in zip(ratios, swept.loss, swept.explained, strict=True):
        model = sm.LinearMAE(patch, ratio, **options)
        model.fit(images, channel_axis=axis_of(channels))
        assert loss == pytest.approx(model.loss_, rel=1e-9)
        assert explained == pytest.approx(1 - model.loss_ / model.trace_, rel=1e-9)


def test_patches_of_one_pixel_have_one_offset():
    images = dense.photographs(20, (3, 4))
    fixed, shifted = (
        sm.LinearMAE(1, 0.5, covariance="stationary", random_offset=offset).fit(images)
        for offset in (False, True)
    )
    assert shifted.loss_ == pytest.approx(fixed.loss_, rel=1e-10)
    np.testing.assert_allclose(shifted.weight_matrix(), fixed.weight_matrix(), atol=1e-10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"covariance": "banded"}, "random_offset=True needs covariance='stationary', not 'band"),
        ({"covariance": "dense"}, "random_offset=True needs covariance='stationary', not 'dense'"),
        ({"covariance": "stationary", "target": "hidden"}, "target='hidden' with random_offset=Tr"),
    ],
)
def test_offsets_without_a_closed_form_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        sm.LinearMAE(2, 0.5, random_offset=True, **options)


def test_moments_of_another_kind_are_refused():
    moments = BandMoments(sm.PatchGrid((4, 6), 2)).update(dense.photographs(5, (4, 6)))
    with pytest.raises(TypeError, match="StationaryMoments, not BandMoments"):
        sm.LinearMAE(2, 0.5, covariance="stationary").fit_moments(moments)
