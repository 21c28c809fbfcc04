"""Options of every public function: a truth value is no number, a float no integer, NaN neither."""

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae import fields, ising, plot, theory
from spectral_mae.images.image import LoadedImage
from spectral_mae.linear.interpolator import Interpolator
from spectral_mae.masked_spectra.unmasking import Unmasking

IMAGE = np.random.default_rng(0).random((8, 8))
IMAGES = np.random.default_rng(1).random((12, 8, 8))
SIGNALS = np.random.default_rng(2).random((4, 6))
GRID = sm.PatchGrid((8, 8), 4)
VISIBLE = np.random.default_rng(3).random((8, 8)) < 0.7
SPECTRUM = sm.psd(IMAGE)
RINGS = sm.Periodogram((8, 8)).radial(IMAGES)
MODEL = sm.LinearMAE(4, 0.5, rank=2).fit(IMAGES)
MOMENTS = sm.BandMoments(GRID).update(IMAGES)
LOADED = LoadedImage(IMAGE, (), (8, 8))
SYMMETRIC = np.diag([3.0, 2.0, 1.0])


def mae(**options):
    return sm.LinearMAE(**{"patch_size": 4, "mask_ratio": 0.5} | options)


def lemma(**options):
    given = {"patch_size": 2, "mask_ratio": 0.5, "n_draws": 2} | options
    return theory.lemma_1(SIGNALS, np.eye(6), **given)


def space(**options):
    return theory.function_space_loss(
        np.sin, lambda t, s: t * s, **{"n_patches": 2, "mask_ratio": 0.5} | options
    )


def trace(channel_axis):
    return theory.patch_local_trace(np.eye(4), np.ones((2, 2)), 1, channel_axis=channel_axis)


# What takes an integer, by the name that its message has to begin with.
INTEGERS = [
    ("shape", lambda v: sm.PatchGrid(v, 1)),
    ("shape", lambda v: sm.PatchGrid((8, v), 1)),
    ("patch_size", lambda v: sm.PatchGrid((8, 8), v)),
    ("patch_size", lambda v: sm.PatchGrid((8, 8), (4, v))),
    ("channel_axis", lambda v: GRID.to_patches(IMAGES, channel_axis=v)),
    ("channel_axis", lambda v: GRID.from_patches(GRID.to_patches(IMAGES), channel_axis=v)),
    ("patch_size", lambda v: sm.PulseMask((8, 8), v, [[0, 0]])),
    ("n", lambda v: sm.sample_visible(GRID, 0.5, v)),
    ("n_patches", lambda v: sm.inclusion_probabilities(v, 0.5)),
    ("n", lambda v: sm.dirichlet_kernel(v, 1)),
    ("patch_size", lambda v: sm.dirichlet_kernel(8, v)),
    ("channel_axis", lambda v: sm.psd(IMAGES, channel_axis=v)),
    ("shape", sm.Periodogram),
    ("workers", lambda v: sm.Periodogram((8, 8), workers=v)),
    ("chunk", lambda v: sm.Periodogram((8, 8), chunk=v)),
    ("channel_axis", lambda v: sm.Periodogram((8, 8), channel_axis=v)),
    ("bins", SPECTRUM.radial),
    ("bins", lambda v: sm.Periodogram((8, 8)).radial(IMAGES, v)),
    ("bins", lambda v: sm.leakage(IMAGE, 4, 0.5).radial(v)),
    ("bins", lambda v: MODEL.frequency_response().radial(v)),
    ("n", SPECTRUM.sectors),
    ("patch_size", lambda v: sm.expected_masked_psd(IMAGE, v, 0.5)),
    ("channel_axis", lambda v: sm.expected_masked_psd(IMAGES, 4, 0.5, channel_axis=v)),
    ("patch_size", lambda v: sm.leakage(IMAGE, v, 0.5)),
    ("channel_axis", lambda v: sm.leakage(IMAGES, 4, 0.5, channel_axis=v)),
    ("patch_size", lambda v: sm.masked_psd_std(IMAGE, v, 0.5)),
    ("channel_axis", lambda v: sm.MaskedPeriodogram(GRID, channel_axis=v)),
    ("channel_axis", lambda v: sm.unmasked_psd(IMAGES, VISIBLE, channel_axis=v)),
    ("shape", Unmasking),
    ("n_draws", lambda v: sm.fit_masked_slope(IMAGE, VISIBLE, n_draws=v)),
    ("n_draws", lambda v: sm.unmasked_covariance(SPECTRUM, VISIBLE, n_draws=v)),
    ("bins", lambda v: sm.unmasked_covariance(SPECTRUM, VISIBLE, bins=v)),
    ("n_resamples", lambda v: sm.bootstrap_radial(RINGS, n_resamples=v)),
    ("patch_size", lambda v: mae(patch_size=v)),
    ("patch_size", lambda v: sm.LinearDAE(v, 0.1)),
    ("patch_size", lambda v: sm.LinearAE(v, 2)),
    ("rank", lambda v: mae(rank=v)),
    ("rank", lambda v: sm.LinearAE(4, v)),
    ("channel_axis", lambda v: mae().fit(IMAGES, channel_axis=v)),
    ("output_pixel", lambda v: MODEL.weights((v, 2))),
    ("channel", lambda v: MODEL.weights((1, 2), channel=v)),
    ("n", MODEL.encoder),
    ("channels", lambda v: sm.BandMoments(GRID, v)),
    ("patch_size", lambda v: sm.StationaryMoments.from_psd(SPECTRUM, v)),
    ("max_iterations", lambda v: Interpolator(MOMENTS, max_iterations=v)),
    ("n", lambda v: Interpolator(MOMENTS).draw(v)),
    ("size", lambda v: sm.resize_and_crop(LOADED, v)),
    ("patch_size", lambda v: sm.crop_to_multiple(LOADED, v)),
    ("max_pixels", lambda v: sm.read_image("builtin:camera", max_pixels=v)),
    ("shape", lambda v: fields.power_law(v, -2.0)),
    ("n", lambda v: fields.gaussian_fields(SPECTRUM, v)),
    ("shape", lambda v: fields.gaussian_fields(SPECTRUM, 1, shape=v)),
    ("n_spins", lambda v: ising.chain_correlations(v, 0.3)),
    ("n_spins", lambda v: ising.chain_psd(v, 0.3)),
    ("patch_size", lambda v: ising.chain_moments(8, 0.3, v)),
    ("n", lambda v: ising.chains(8, 0.3, v)),
    ("shape", lambda v: ising.exact_torus((4, v), 0.3)),
    ("n", lambda v: ising.lattices((4, 4), 0.3, v)),
    ("burn_in", lambda v: ising.lattices((4, 4), 0.3, 1, burn_in=v)),
    ("every", lambda v: ising.lattices((4, 4), 0.3, 1, every=v)),
    ("k", lambda v: ising.SwendsenWang((4, 4), 0.3).sweep(v)),
    ("n_draws", lambda v: lemma(n_draws=v)),
    ("patch_size", lambda v: lemma(patch_size=v)),
    ("channel_axis", lambda v: lemma(channel_axis=v)),
    ("rank", lambda v: theory.theorem_1(SIGNALS, 2, 0.5, v)),
    ("rank", lambda v: theory.lemma_2(SYMMETRIC, v)),
    ("rank", lambda v: theory.lemma_3(SYMMETRIC, v)),
    ("starts", lambda v: theory.lemma_3(SYMMETRIC, 1, starts=v)),
    ("n_patches", lambda v: space(n_patches=v)),
    ("samples", lambda v: space(samples=(4, v))),
    ("patch_size", lambda v: theory.patch_local_trace(np.eye(4), np.ones(4), v)),
    ("channel_axis", trace),
    ("columns", lambda v: plot.filters(IMAGES, columns=v)),
    ("rows", plot.new_figure),
    ("digits", lambda v: plot.heat_map(np.eye(2), (1, 2), (1, 2), digits=v)),
]  # fmt: skip
# What takes a finite real number.
NUMBERS = [
    ("fs", lambda v: sm.psd(IMAGE, fs=v)),
    ("fs", lambda v: sm.psd(IMAGE, fs=(1.0, v))),
    ("window", lambda v: sm.psd(IMAGE, window=v)),
    ("window", lambda v: sm.psd(IMAGE, window=("kaiser", v))),
    ("window", lambda v: sm.leakage(IMAGE, 4, 0.5, window=v)),
    ("mask_ratio", lambda v: sm.inclusion_probabilities(4, v)),
    ("mask_ratio", lambda v: sm.expected_mask_power(GRID, v)),
    ("mask_ratio", lambda v: sm.PulseMask.random(GRID, v)),
    ("mask_ratio", lambda v: mae(mask_ratio=v)),
    ("mask_ratio", lambda v: MODEL.mask_ratio_sweep([0.5, v])),
    ("sigma", lambda v: sm.LinearDAE(4, v)),
    ("shrinkage", lambda v: mae(shrinkage=v)),
    ("shrinkage", lambda v: mae().fit(IMAGES).choose_shrinkage(IMAGES, [v])),
    ("mean", lambda v: sm.StationaryMoments.from_psd(SPECTRUM, 4, mean=v)),
    ("mean", lambda v: sm.DenseMoments.from_second_moment(np.eye(6), sm.PatchGrid(6, 2), mean=v)),
    ("noise", lambda v: Interpolator(MOMENTS, noise=v)),
    ("tolerance", lambda v: Interpolator(MOMENTS, tolerance=v)),
    ("shrinkage", lambda v: Interpolator(MOMENTS, shrinkage=v)),
    ("width", lambda v: sm.taper_edges(VISIBLE, v)),
    ("min_fraction", lambda v: sm.mode_coupling(VISIBLE).decouple(np.ones((8, 8)), min_fraction=v)),
    ("ridge", lambda v: sm.mode_coupling(VISIBLE).binned().decouple(np.ones(7), ridge=v)),
    ("min_pairs", lambda v: sm.unmasked_psd(IMAGE, VISIBLE, min_pairs=v)),
    ("slope", lambda v: fields.power_law((8, 8), v)),
    ("variance", lambda v: fields.power_law((8, 8), -2.0, variance=v)),
    ("outer", lambda v: fields.power_law((8, 8), -2.0, outer=v)),
    ("coupling", ising.correlation_length),
    ("coupling", lambda v: ising.chains(4, v, 1)),
    ("coupling", lambda v: ising.SwendsenWang((4, 4), v)),
    ("coupling", ising.infinite_energy),
    ("coupling", ising.spontaneous_magnetisation),
    ("mask_ratio", lambda v: lemma(mask_ratio=v)),
    ("mask_ratio", lambda v: theory.gap_by_mask_ratio(theory.lemma_4, np.sin, SIGNALS, 2, [v])),
    ("strength", lambda v: theory.TanhNetwork(np.ones((1, 4)), np.ones((1, 4)), v)),
    ("vmin", lambda v: plot.psd(SPECTRUM, vmin=v)),
    ("width", lambda v: plot.new_figure(width=v)),
]
# Ends of ranges, which may be infinite.
LIMITS = [
    ("fmin", lambda v: SPECTRUM.sectors(2, fmin=v)),
    ("fmax", lambda v: SPECTRUM.sectors(2, fmax=v)),
    ("fmin", lambda v: SPECTRUM.radial().fit_slope(v)),
    ("fmax", lambda v: SPECTRUM.radial().fit_slope(None, v)),
    ("fmin", lambda v: sm.leakage(IMAGE, 4, 0.5).band(v, 0.5)),
    ("fmax", lambda v: sm.leakage(IMAGE, 4, 0.5).band(0.1, v)),
    ("fmin", lambda v: sm.fit_masked_slope(IMAGE, VISIBLE, fmin=v)),
]
FLAGS = [
    ("random_offset", lambda v: sm.sample_visible(GRID, 0.5, 1, random_offset=v)),
    ("random_offset", lambda v: mae(covariance="stationary", random_offset=v)),
    ("center", lambda v: mae(center=v)),
    ("center", lambda v: sm.LinearDAE(4, 0.1, center=v)),
    ("center", lambda v: sm.LinearAE(4, 2, center=v)),
    ("center", lambda v: sm.BandMoments(GRID, center=v)),
    ("paste_visible", lambda v: MODEL.reconstruct(IMAGES, VISIBLE, paste_visible=v)),
    ("wrap", lambda v: sm.unmasked_psd(IMAGE, VISIBLE, wrap=v)),
    ("wrap", lambda v: sm.fit_masked_slope(IMAGE, VISIBLE, wrap=v)),
    ("color", lambda v: sm.read_image("builtin:camera", color=v)),
    ("colorbar", lambda v: plot.psd(SPECTRUM, colorbar=v)),
]
CHOICES = [
    ("scaling", lambda v: sm.psd(IMAGE, scaling=v)),
    ("detrend", lambda v: sm.psd(IMAGE, detrend=v)),
    ("backend", lambda v: sm.Periodogram((8, 8), backend=v)),
    ("planner", lambda v: sm.Periodogram((8, 8), planner=v)),
    ("sampling", lambda v: sm.sample_visible(GRID, 0.5, 1, sampling=v)),
    ("sampling", lambda v: lemma(sampling=v)),
    ("target", lambda v: mae(target=v)),
    ("covariance", lambda v: mae(covariance=v)),
    ("covariance", lambda v: ising.chain_moments(8, 0.3, 2, covariance=v)),
    ("boundary", lambda v: ising.chains(8, 0.3, 1, boundary=v)),
    ("prewhiten", lambda v: sm.unmasked_psd(IMAGE, VISIBLE, prewhiten=v)),
    ("borders", lambda v: sm.unmasked_psd(IMAGE, VISIBLE, borders=v)),
    ("nan", lambda v: sm.unmasked_psd(IMAGE, VISIBLE, nan=v)),
    ("band", lambda v: plot.radial(SPECTRUM.radial(), band=v)),
]
SEEDS = [
    lambda v: sm.sample_visible(GRID, 0.5, 1, rng=v),
    lambda v: sm.PulseMask.random(GRID, 0.5, rng=v),
    lambda v: fields.gaussian_fields(SPECTRUM, 1, rng=v),
    lambda v: ising.chains(4, 0.3, 1, rng=v),
    lambda v: ising.SwendsenWang((4, 4), 0.3, rng=v),
    lambda v: sm.bootstrap_radial(RINGS, rng=v),
    lambda v: sm.fit_masked_slope(IMAGE, VISIBLE, rng=v),
    lambda v: MODEL.corrupt(IMAGES, rng=v),
    lambda v: sm.LinearDAE(4, 0.1).fit(IMAGES).corrupt(IMAGES, rng=v),
    lambda v: sm.reconstruct_image(MODEL, IMAGE, rng=v),
    lambda v: Interpolator(MOMENTS).draw(1, rng=v),
    lambda v: lemma(rng=v),
    lambda v: theory.lemma_3(SYMMETRIC, 1, rng=v),
]


def refused(name, call, value):
    with pytest.raises((TypeError, ValueError), match=rf"^{name}=") as caught:
        call(value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("value", [True, np.True_, np.array(True), 2.0, np.float64(4), "2", np.nan])
@pytest.mark.parametrize(("name", "call"), INTEGERS)
@pytest.mark.slow
def test_integers_are_integers(name, call, value):
    refused(name, call, value)


@pytest.mark.parametrize("value", [True, np.False_, np.nan, np.inf, -np.inf, [0.5, [1]], 1 + 0j])
@pytest.mark.parametrize(("name", "call"), NUMBERS)
def test_numbers_are_finite_and_no_truth_values(name, call, value):
    refused(name, call, value)


@pytest.mark.parametrize(("name", "call"), [case for case in NUMBERS if case[0] != "window"])
def test_words_are_no_numbers(name, call):
    refused(name, call, "0.5")


@pytest.mark.parametrize("value", [True, np.nan, "0.1", 1j])
@pytest.mark.parametrize(("name", "call"), LIMITS)
def test_limits_are_numbers(name, call, value):
    refused(name, call, value)


@pytest.mark.parametrize("value", [1, 0.0, "no", None, np.ones(2, bool)])
@pytest.mark.parametrize(("name", "call"), FLAGS)
def test_truth_values_are_no_numbers(name, call, value):
    refused(name, call, value)


@pytest.mark.parametrize("value", [True, 1, "", "Fixed", ["density"], np.nan, b"fftw"])
@pytest.mark.parametrize(("name", "call"), CHOICES)
def test_choices_are_words_of_a_list(name, call, value):
    refused(name, call, value)


@pytest.mark.parametrize("value", [True, -1, 1.5, "seed", np.nan, [1.5]])
@pytest.mark.parametrize("call", SEEDS)
def test_seeds_are_integers_or_generators(call, value):
    refused("rng", call, value)


def test_numbers_of_numpy_are_numbers():
    for eight in (np.int8(8), np.uint64(8), np.array(8)):
        assert sm.PatchGrid((eight, eight), np.array(4)) == sm.PatchGrid((8, 8), 4)
    for half in (np.float32(0.5), np.array(0.5), np.longdouble(0.5)):
        assert sm.inclusion_probabilities(4, half) == sm.inclusion_probabilities(4, 0.5)
        assert sm.psd(IMAGE, fs=half).fs == (0.5, 0.5)
    spectra = [sm.psd(IMAGE, window=beta).power for beta in (8, 8.0, np.float32(8), np.array(8))]
    for other in spectra[1:]:
        np.testing.assert_array_equal(other, spectra[0])
    np.testing.assert_array_equal(sm.psd(IMAGE, window=("kaiser", 8.0)).power, spectra[0])
    masks = sm.sample_visible(GRID, 0.5, 3, rng=np.int64(7))
    np.testing.assert_array_equal(masks, sm.sample_visible(GRID, 0.5, 3, rng=7))
    assert SPECTRUM.sectors(2, fmax=np.inf).count.sum() > SPECTRUM.sectors(2).count.sum()


@pytest.mark.parametrize("window", [1e6, ("gaussian", 1e-300), "nobody", ("kaiser",), b"hann"])
def test_windows_are_blamed_for_their_own_weights(window):
    with pytest.raises((TypeError, ValueError), match=r"^window"):
        sm.psd(IMAGE, window=window)
