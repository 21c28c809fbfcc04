"""Laws on arrays of every type and layout: Parseval, round trip, adjoint, scale."""

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from odd_arguments import REAL_TYPES, SETTINGS, real_arrays

import spectral_mae as sm
from spectral_mae import fields, ising, theory

SIDES = hnp.array_shapes(min_dims=1, max_dims=2, min_side=1, max_side=9)
LEVELS = [0.0, 1.0, 0.25, -0.5, 3.0, 100.0]
# Powers of two scale without rounding, so that what is equal is equal bit by bit.
SCALES = st.integers(-600, 600).map(lambda k: 2.0**k)
DESIGNS = st.sampled_from(["fixed", "bernoulli"])


@st.composite
def images(draw, shape=SIDES, types=REAL_TYPES):
    """One signal or image of moderate numbers."""
    return draw(
        real_arrays(draw(shape) if isinstance(shape, st.SearchStrategy) else shape, types, LEVELS)
    )


@st.composite
def grids(draw):
    """A grid of two patches or more, of signals or images."""
    ndim = draw(st.integers(1, 2))
    counts = draw(st.tuples(*[st.integers(1, 3)] * ndim))
    assume(np.prod(counts) >= 2)
    patch = draw(st.tuples(*[st.integers(1, 3)] * ndim))
    return sm.PatchGrid(tuple(c * p for c, p in zip(counts, patch, strict=True)), patch)


@st.composite
def gridded(draw, n=None):
    """A grid, and an image of its shape, or n of them."""
    grid = draw(grids())
    lead = () if n is None else (n,)
    return grid, draw(images((*lead, *grid.shape)))


def same(array):
    """The numbers as a plain array of the precision that the package works in."""
    single = array.dtype.newbyteorder("=") == np.float32
    return np.array(array, dtype=np.float32 if single else np.float64, order="C")


def tolerance(array):
    return 1e-5 if same(array).dtype == np.float32 else 1e-11


def scaled(call, image, factor):
    """``call`` of an image and of a multiple; or None where that cannot be squared, and says so."""
    try:
        return call(image), call(image * factor)
    except ValueError as error:
        size = float(np.abs(image).max()) * factor
        assert any(word in str(error) for word in ("too large", "too small")), error  # noqa: PT017
        assert not 1e-130 < size < 1e130, error  # noqa: PT017
        return None


@SETTINGS
@given(image=images())
def test_parseval_and_layout(image):
    before = image.tobytes()
    spectrum = sm.psd(image)
    assert image.tobytes() == before
    assert spectrum.power.dtype == same(image).dtype
    assert (spectrum.power >= 0).all()
    assert spectrum.total == pytest.approx(
        np.mean(same(image).astype(float) ** 2), rel=tolerance(image)
    )
    np.testing.assert_array_equal(spectrum.power, sm.psd(same(image)).power)


@SETTINGS
@given(image=images(types=["<f8"]), factor=SCALES)
@example(image=np.array([1.0, 2.0]), factor=2.0**-570)  # became zeros
def test_spectra_scale_with_the_square_or_refuse(image, factor):
    assume(image.any())
    pair = scaled(sm.psd, image, factor)
    if pair is not None:
        np.testing.assert_array_equal(pair[1].power, pair[0].power * factor**2)
        assert np.isfinite(pair[1].power).all()
        assert pair[1].total > 0


@pytest.mark.parametrize(
    ("dtype", "size"), [("f8", 1e-160), ("f8", 1e160), ("f4", 1e-20), ("f4", 1e25)]
)
@pytest.mark.parametrize(
    "call",
    [
        sm.psd,
        lambda x: sm.Periodogram((4, 6), dtype=x.dtype).power([x, x]),
        lambda x: sm.Periodogram((4, 6), dtype=x.dtype).mean(np.stack([x / x.max(), x])),
        lambda x: sm.Periodogram((4, 6), dtype=x.dtype).radial([x, x]),
    ],
)
def test_no_power_is_lost_to_zero_or_infinity(call, dtype, size):
    x = (np.random.default_rng(0).random((4, 6)) * size).astype(dtype)
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match=r"pixels up to .* are too (large|small)"),
    ):
        call(x)


@pytest.mark.parametrize("size", [1e-160, 1e160])
def test_nothing_squares_what_cannot_be_squared(size):
    x = np.random.default_rng(0).random((12, 4, 4)) * size
    ones = np.ones((4, 4), bool)
    calls = [
        lambda: sm.leakage(x[0], 2, 0.5),
        lambda: sm.expected_masked_psd(x[0], 2, 0.5),
        lambda: sm.masked_psd_std(x[0], 2, 0.5),
        lambda: sm.unmasked_psd(x[0], ones),
        lambda: sm.fit_masked_slope(x[0], ones),
        lambda: sm.LinearMAE(2, 0.5).fit(x),
        lambda: sm.StationaryMoments(sm.PatchGrid((4, 4), 2)).update(x),
        lambda: sm.border_gradient_ratio(x[0], sm.PatchGrid((4, 4), 2)),
        lambda: sm.filter_energy(x, sm.PatchGrid((4, 4), 2)),
        lambda: theory.lemma_1(x, np.eye(16), 2, 0.5),
        lambda: ising.integrated_time(np.tile(x.ravel(), 2)),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"too (large|small)"):
            call()


@SETTINGS
@given(image=images(), channels=st.integers(1, 3), axis=st.integers(-2, 1))
def test_channels_are_averaged(image, channels, axis):
    planes = [same(image) * (c + 1) for c in range(channels)]
    found = sm.psd(np.stack(planes, axis=axis), channel_axis=axis)
    mean = np.mean([sm.psd(plane).power.astype(float) for plane in planes], axis=0)
    scale = float(mean.max())
    np.testing.assert_allclose(found.power, mean, rtol=0, atol=tolerance(image) * scale + 1e-300)


@SETTINGS
@given(batch=images((3, 4, 6)))
def test_batches_are_images_one_by_one(batch):
    planned = sm.Periodogram((4, 6), detrend="constant")
    power = planned.power(batch)
    each = [sm.psd(image.astype(float), detrend="constant").power for image in batch]
    scale = float(np.max(np.abs(batch.astype(float)))) ** 2 * 24
    np.testing.assert_allclose(power, each, rtol=0, atol=1e-13 * scale + 1e-300)
    np.testing.assert_allclose(
        planned.mean(batch).power, np.mean(power, axis=0), atol=1e-13 * scale
    )


@SETTINGS
@given(image=images(hnp.array_shapes(min_dims=1, max_dims=2, min_side=2, max_side=9)))
def test_rings_that_cover_everything_hold_all_power(image):
    rings = sm.psd(image).radial([0.0, 0.1, 0.3, 0.75])
    whole = float(sm.psd(image).full().astype(float).sum())
    assert float(np.sum(rings.count * rings.power)) == pytest.approx(whole, rel=1e-5, abs=1e-300)


@SETTINGS
@given(pair=gridded(), lead=st.integers(0, 2))
def test_patches_come_back(pair, lead):
    grid, image = pair
    x = np.broadcast_to(image, (2,) * lead + image.shape)
    patches = grid.to_patches(x)
    assert patches.shape == (*x.shape[:lead], grid.n_patches, grid.patch_pixels)
    np.testing.assert_array_equal(grid.from_patches(patches), x)


@SETTINGS
@given(pair=gridded(), ratio=st.floats(0.05, 0.95), sampling=DESIGNS, factor=SCALES)
def test_masked_spectra_keep_their_share_and_scale(pair, ratio, sampling, factor):
    grid, image = pair
    try:
        pi1, pi2 = sm.inclusion_probabilities(grid.n_patches, ratio, sampling=sampling)
    except ValueError:
        assume(False)
    assert 0 <= pi2 <= pi1 < 1
    power = np.mean(same(image).astype(float) ** 2)
    found = sm.expected_masked_psd(image, grid.patch_size, ratio, sampling=sampling)
    assert found.total == pytest.approx(pi1 * power, rel=1e-5, abs=1e-300)
    x = same(image).astype(float)
    assume(x.any())
    pair = scaled(lambda y: sm.leakage(y, grid.patch_size, ratio, sampling=sampling), x, factor)
    if pair is not None:
        assert pair[1].total == pytest.approx(pair[0].total, rel=1e-9)
        assert pair[0].total == pytest.approx(1 / pi1 - 1, rel=1e-9)


@SETTINGS
@given(image=images((6, 5)), factor=SCALES)
def test_a_mask_that_hides_nothing_changes_nothing(image, factor):
    x, ones = same(image).astype(float), np.ones(image.shape, bool)
    assume(x.any())
    pair = scaled(lambda y: sm.unmasked_psd(y, ones), x, factor)
    whole = sm.psd(x).power
    if pair is not None:
        np.testing.assert_allclose(pair[0].power, whole, atol=1e-13 * whole.max())
        np.testing.assert_allclose(
            pair[1].power,
            pair[0].power * factor**2,
            rtol=1e-12,
            atol=1e-14 * whole.max() * factor**2,
        )


@SETTINGS
@given(
    seed=st.integers(0, 99), shape=hnp.array_shapes(min_dims=1, max_dims=2, min_side=2, max_side=7)
)
def test_coupling_is_its_own_adjoint_and_comes_back(seed, shape):
    rng = np.random.default_rng(seed)
    visible = rng.random(shape) < 0.8
    assume(visible.any())
    coupling = sm.mode_coupling(visible)
    one, other = (sm.psd(rng.random(shape)).full() for _ in range(2))
    left, right = np.sum(coupling.couple(one) * other), np.sum(one * coupling.couple(other))
    assert left == pytest.approx(right, rel=1e-12)
    if coupling.condition_number < 1e6:
        np.testing.assert_allclose(
            coupling.decouple(coupling.couple(one)), one, atol=1e-8 * one.max()
        )


@SETTINGS
@given(grid=grids(), seed=st.integers(0, 99))
def test_transforms_of_masks_are_those_of_their_pixels(grid, seed):
    mask = sm.PulseMask.random(grid, 0.5, sampling="fixed", rng=seed)
    np.testing.assert_allclose(
        mask.dft(), np.fft.fftn(mask.visible), atol=1e-12 * mask.visible.size
    )
    kernel = sm.dirichlet_kernel(grid.shape[0], grid.patch_size[0])
    assert np.sum(np.abs(kernel) ** 2) == pytest.approx(grid.shape[0] * grid.patch_size[0])


@SETTINGS
@given(
    batch=images((6, 4, 4)),
    kind=st.sampled_from([sm.BandMoments, sm.DenseMoments, sm.StationaryMoments]),
)
def test_moments_of_parts_are_those_of_the_whole(batch, kind):
    grid = sm.PatchGrid((4, 4), 2)
    whole = kind(grid).update(batch).stack()
    parts = kind(grid).update(batch[:2]).merge(kind(grid).update(batch[2:])).stack()
    power = float(np.sum(same(batch).astype(float) ** 2))
    np.testing.assert_allclose(parts.blocks, whole.blocks, atol=1e-12 * power + 1e-300)
    assert whole.trace <= power / 6 * (1 + 1e-9)


@SETTINGS
@given(
    factor=SCALES,
    seed=st.integers(0, 9),
    covariance=st.sampled_from(["banded", "dense", "stationary"]),
)
def test_models_do_not_care_for_units(factor, seed, covariance):
    x = np.random.default_rng(seed).random((20, 4, 4)).cumsum(axis=1)
    fit = sm.LinearMAE(2, 0.5, covariance=covariance)
    pair = scaled(lambda y: fit.fit(y).score(y), x, factor)
    if pair is not None:
        assert pair[1] == pytest.approx(pair[0], rel=1e-9)


@SETTINGS
@given(
    shape=hnp.array_shapes(min_dims=1, max_dims=2, min_side=2, max_side=9),
    slope=st.floats(-400, 400),
    variance=st.floats(1e-100, 1e100),
)
def test_power_laws_have_their_variance(shape, slope, variance):
    try:
        found = fields.power_law(shape, slope, variance=variance)
    except ValueError as error:
        assert "slope=" in str(error)  # noqa: PT017
        return
    assert found.total == pytest.approx(variance, rel=1e-9)
    assert np.isfinite(fields.gaussian_fields(found, 1, rng=0)).all()


@SETTINGS
@given(n=st.integers(2, 30), coupling=st.floats(-100, 100))
def test_spectra_of_chains_are_transforms_of_their_correlations(n, coupling):
    correlations = ising.chain_correlations(n, coupling)
    assert np.abs(correlations).max() <= 1 + 1e-12
    direct = np.fft.rfft(correlations).real
    np.testing.assert_allclose(ising.chain_psd(n, coupling).power, direct, atol=1e-11 * n)


@SETTINGS
@given(
    images=real_arrays((3, 6), ["<f8", "<f4", "u1", ">f8"], LEVELS),
    seed=st.integers(0, 9),
    sampling=DESIGNS,
)
def test_lemma_1_holds(images, seed, sampling):
    weights = np.random.default_rng(seed).standard_normal((6, 6))
    found = theory.lemma_1(images, weights, 2, 0.5, sampling=sampling, n_draws=2, rng=seed)
    assert found.error < 1e-12


FIELDS = np.random.default_rng(0).random((20, 8, 8)).cumsum(axis=1)
VISIBLE = np.random.default_rng(1).random((8, 8)) < 0.7
SIGNALS = np.random.default_rng(2).random((4, 6))
SAMPLES = np.random.default_rng(3).random(400)
SYMMETRIC = np.diag([3.0, 2.0, 1.0])
LEMMA = {"patch_size": 2, "mask_ratio": 0.5, "rng": 0, "n_draws": 3}


def fitted(factor, **options):
    return sm.LinearMAE(4, 0.5, **options).fit(FIELDS * factor)


# What images in other units give, and the power of the factor that it gains.
GAINS = {
    "masked_psd_std": (2, lambda a: sm.masked_psd_std(FIELDS[0] * a, 4, 0.5).power),
    "unmasked_psd": (2, lambda a: sm.unmasked_psd(FIELDS[0] * a, VISIBLE, prewhiten="gradient").power),
    "bootstrap_radial": (2, lambda a: sm.bootstrap_radial(sm.Periodogram((8, 8)).radial(FIELDS * a)).stderr),
    "fit_slope": (0, lambda a: sm.psd(FIELDS[0] * a).radial().fit_slope()),
    "fit_masked_slope": (0, lambda a: sm.fit_masked_slope(FIELDS[0] * a, VISIBLE, n_draws=8).slope),
    "leakage": (0, lambda a: sm.leakage(FIELDS[0] * a, 4, 0.5).power),
    "couple": (2, lambda a: sm.mode_coupling(VISIBLE).couple(sm.psd(FIELDS[0] * a).full())),
    "loss": (2, lambda a: fitted(a, covariance="dense", shrinkage=0.1).loss_),
    "eigenvalues": (2, lambda a: fitted(a, rank=3).eigenvalues_),
    "hidden": (0, lambda a: fitted(a, target="hidden", shrinkage=0.1).score(FIELDS * a)),
    "offset": (2, lambda a: fitted(a, covariance="stationary", random_offset=True).loss_),
    "denoised": (2, lambda a: sm.LinearDAE(4, 0.5 * a).fit(FIELDS * a).loss_),
    "sweep": (2, lambda a: fitted(a).mask_ratio_sweep([0.25, 0.5]).loss),
    "response": (2, lambda a: fitted(a).frequency_response().error),
    "filled": (1, lambda a: sm.Interpolator(fitted(a).moments_).fill(FIELDS * a, VISIBLE).images),
    "explained": (0, lambda a: sm.reconstruct_image(fitted(a), FIELDS[0] * a, rng=0).explained),
    "borders": (0, lambda a: sm.border_gradient_ratio(FIELDS[0] * a, sm.PatchGrid((8, 8), 4))),
    "expected_borders": (0, lambda a: sm.expected_border_gradient_ratio(fitted(a), FIELDS[0] * a)),
    "sampled_mean": (1, lambda a: ising.SampledMean.of(SAMPLES * a).stderr),
    "lemma_1": (2, lambda a: theory.lemma_1(SIGNALS * a, np.eye(6) / 2, **LEMMA).stderr),
    "lemma_2": (1, lambda a: theory.lemma_2(SYMMETRIC * a, 2, rng=0).formula),
    "lemma_3": (1, lambda a: theory.lemma_3(SYMMETRIC * a, 2, rng=0).definition),
    "lemma_6": (2, lambda a: theory.lemma_6(lambda x: 2 * x, SIGNALS * a, **LEMMA).drawn),
    "theorem_1": (2, lambda a: theory.theorem_1(SIGNALS * a, rank=2, **LEMMA).formula),
    "equation_13": (2, lambda a: theory.equation_13(SIGNALS * a, np.ones((6, 1)), np.ones((1, 6)), **LEMMA).scale),
    "equation_14": (0, lambda a: theory.equation_14(SIGNALS * a, np.ones((1, 6)), **LEMMA)[0]),
    "subspace_value": (0, lambda a: theory.subspace_value([[a, 2 * a, 0.0]], SYMMETRIC)),
}  # fmt: skip


@pytest.mark.parametrize("power_of_two", [-440, -300, 300, 440])
@pytest.mark.parametrize("name", GAINS)
def test_units_of_pixels_change_nothing_else(name, power_of_two):
    gain, call = GAINS[name]
    factor = 2.0**power_of_two
    truth = np.asarray(call(1.0))
    found = np.asarray(call(factor)) / factor**gain
    np.testing.assert_allclose(found, truth, rtol=1e-6, atol=1e-9 * float(np.nanmax(np.abs(truth))))
