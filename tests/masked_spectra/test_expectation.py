"""What masking does on average equals the enumeration of all masks."""

import itertools

import laws
import numpy as np
import pytest

from spectral_mae.masked_spectra.expectation import expected_masked_psd, leakage
from spectral_mae.masked_spectra.masked_periodogram import MaskedPeriodogram
from spectral_mae.masked_spectra.patch_sums import patch_power
from spectral_mae.masked_spectra.patch_sums.patch_power import PatchPower
from spectral_mae.masks.patches import PatchGrid, inclusion_probabilities
from spectral_mae.masks.pulses import grating_zeros
from spectral_mae.spectra import fft
from spectral_mae.spectra.frequencies import radial_frequency
from spectral_mae.spectra.periodogram import psd

GRIDS = pytest.mark.parametrize(("shape", "patch"), laws.GRIDS)
DESIGNS = pytest.mark.parametrize("sampling", laws.DESIGNS)
RATIO = 0.4


def every_patch_alone(x, patch):
    """Σ_b |X_b|² on the half-plane: one transform per patch, all else zero."""
    total = 0.0
    for origin in np.ndindex(*(n // p for n, p in zip(x.shape, patch, strict=True))):
        inside = tuple(slice(a * p, (a + 1) * p) for a, p in zip(origin, patch, strict=True))
        alone = np.zeros(x.shape)
        alone[inside] = x[inside]
        total = total + np.abs(laws.dft(alone)) ** 2
    return laws.half(total)


def over_masks(x, patch, ratio, sampling):
    """E|Y|², and |EY|², on the half-plane, by enumeration."""
    mean = laws.mask_mean(lambda v: laws.dft(x * v), x.shape, patch, ratio, sampling)
    power = laws.mask_mean(lambda v: np.abs(laws.dft(x * v)) ** 2, x.shape, patch, ratio, sampling)
    return laws.half(power), laws.half(np.abs(mean) ** 2)


@pytest.mark.parametrize("path", ["gram", "padded"])
@pytest.mark.parametrize(
    ("shape", "patch"),
    [*laws.GRIDS, ((7,), (1,)), ((6,), (6,)), ((4, 6), (4, 6)), ((4, 5), (1, 1)), ((1, 6), (1, 3))],
)
def test_summed_patch_power_equals_one_transform_per_patch(shape, patch, path, monkeypatch):
    for limit in ("GRAM_PIXELS", "GRAM_TABLE"):
        monkeypatch.setattr(patch_power, limit, 10**9 if path == "gram" else 0)
    monkeypatch.setattr(fft, "CHUNK_BYTES", 1)  # one patch a chunk
    x = laws.field(shape)
    found = PatchPower(PatchGrid(shape, patch))(x)
    laws.assert_close(found, every_patch_alone(x, patch), 1e-13)


@pytest.mark.parametrize(
    ("shape", "patch"),
    [((1200,), (300,)), ((46, 92), (46, 46)), ((65, 64), (65, 32)), ((1024,), (256,))],
)
def test_large_patches_and_tables_take_the_padded_path_to_the_same_sum(shape, patch):
    x = laws.field(shape)
    planned = PatchPower(PatchGrid(shape, patch))
    assert isinstance(planned._power, patch_power._PaddedPower)
    laws.assert_close(planned(x), every_patch_alone(x, patch), 1e-13)


@pytest.mark.parametrize("path", ["gram", "padded"])
@pytest.mark.parametrize(
    ("shape", "patch"), [((12,), (4,)), ((6, 8), (3, 2)), ((5, 4), (5, 2)), ((2, 6, 4), (1, 3, 2))]
)
def test_patch_power_of_channels_is_the_sum_of_each(shape, patch, path, monkeypatch):
    """Each with a mean of its own."""
    for limit in ("GRAM_PIXELS", "GRAM_TABLE"):
        monkeypatch.setattr(patch_power, limit, 10**9 if path == "gram" else 0)
    x = laws.field((*shape, 3)) + np.array([0.0, 5.0, -70.0])
    truth = sum(every_patch_alone(x[..., c], patch) for c in range(3))
    laws.assert_close(PatchPower(PatchGrid(shape, patch))(x), truth, 1e-13)


def test_patch_power_leaves_the_image_as_it_is():
    x = laws.field((8, 8))
    before = x.copy()
    PatchPower(PatchGrid((8, 8), 4))(x)
    np.testing.assert_array_equal(x, before)


def test_patch_power_has_no_negative_values():
    x = np.ones((16, 16))
    assert np.all(PatchPower(PatchGrid((16, 16), 4))(x) >= 0)


@GRIDS
@DESIGNS
@pytest.mark.parametrize("ratio", [0.5, 0.4])
def test_mean_spectrum_equals_the_enumeration_of_all_masks(shape, patch, ratio, sampling):
    x = laws.field(shape)
    truth, _ = over_masks(x, patch, ratio, sampling)
    found = expected_masked_psd(x, patch, ratio, sampling=sampling, scaling="energy")
    laws.assert_close_to_max(found.power, truth, 1e-12)


@pytest.mark.parametrize(("shape", "patch"), laws.GRIDS[::2])
@DESIGNS
@pytest.mark.parametrize("scaling", ["density", "spectrum", "energy"])
@pytest.mark.parametrize("detrend", [None, "constant", "linear", "periodic"])
@pytest.mark.parametrize("window", [None, ("kaiser", 3.0)])
@pytest.mark.slow
def test_every_option_of_psd_enters_in_its_order(shape, patch, sampling, scaling, detrend, window):
    x = laws.field(shape) + 0.2 * np.indices(shape).sum(axis=0)
    options = {"scaling": scaling, "window": window, "fs": laws.RATES[: len(shape)]}
    # Detrending does not see the mask, so it is done once.
    flat = laws.DETRENDS[detrend](x)
    truth = laws.mask_mean(
        lambda v: laws.periodogram(flat, visible=v, **options), shape, patch, RATIO, sampling
    )
    found = expected_masked_psd(x, patch, RATIO, sampling=sampling, detrend=detrend, **options)
    laws.assert_close_to_max(found.power, laws.half(truth), 1e-12)
    assert found.scaling == scaling


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@DESIGNS
def test_channels_are_averaged_wherever_they_stand(axis, sampling):
    x = laws.field((6, 4, 3))
    truth = np.mean([over_masks(x[..., c], (3, 2), RATIO, sampling)[0] for c in range(3)], axis=0)
    moved = np.moveaxis(x, -1, axis)
    options = {"sampling": sampling, "channel_axis": axis}
    found = expected_masked_psd(moved, (3, 2), RATIO, scaling="energy", **options)
    laws.assert_close_to_max(found.power, truth, 1e-12)
    kept = np.mean([over_masks(x[..., c], (3, 2), RATIO, sampling)[1] for c in range(3)], axis=0)
    leak = leakage(moved, (3, 2), RATIO, **options)
    laws.assert_close(leak.power, (truth - kept) / kept, 1e-10)


@GRIDS
@DESIGNS
def test_total_power_is_what_the_kept_pixels_hold(shape, patch, sampling):
    x = laws.field(shape)
    pi1, _ = inclusion_probabilities(PatchGrid(shape, patch).n_patches, RATIO, sampling=sampling)
    found = expected_masked_psd(x, patch, RATIO, sampling=sampling)
    assert found.total == pytest.approx(pi1 * np.mean(x**2), rel=1e-13)
    assert leakage(x, patch, RATIO, sampling=sampling).total == pytest.approx(
        1 / pi1 - 1, rel=1e-12
    )


@pytest.mark.parametrize("axis", [0, -1, 2])
@DESIGNS
def test_channels_of_a_volume_are_averaged(axis, sampling):
    """A video in colour: two frames of six by two pixels, in patches of one frame."""
    x, patch = laws.field((2, 6, 2, 3)), (1, 3, 2)
    truth = np.mean([over_masks(x[..., c], patch, RATIO, sampling)[0] for c in range(3)], axis=0)
    options = {"sampling": sampling, "channel_axis": axis, "scaling": "energy"}
    found = expected_masked_psd(np.moveaxis(x, -1, axis), patch, RATIO, **options)
    laws.assert_close_to_max(found.power, truth, 1e-12)
    assert found.shape == (2, 6, 2)


def test_components_mix_into_every_mask_ratio():
    x = laws.field((12, 8)).astype(np.float32)
    planned = MaskedPeriodogram(PatchGrid((12, 8), (3, 4)))
    parts = planned.components(x)
    laws.assert_close(parts.original.power, psd(x.astype(float)).power, 1e-15)
    assert parts.patches.total == pytest.approx(parts.original.total, rel=1e-13)
    for ratio in (0.25, 0.5, 0.75):
        laws.assert_close(
            parts.expected(ratio).power, expected_masked_psd(x, (3, 4), ratio).power, 1e-15
        )


# Leakage -----------------------------------------------------------------------------------------


@GRIDS
@DESIGNS
@pytest.mark.slow
def test_leakage_is_the_variance_over_masks_by_the_power_of_the_mean(shape, patch, sampling):
    x = laws.field(shape)
    power, kept = over_masks(x, patch, RATIO, sampling)
    leak = leakage(x, patch, RATIO, sampling=sampling)
    laws.assert_close(leak.power, (power - kept) / kept, 1e-10)
    assert (leak.power > 0).all()
    laws.assert_close(laws.half(leak.full()), leak.power, 1e-15)
    laws.assert_close_to_max(leak.leaked.power * x.size, power - kept, 1e-12)
    laws.assert_close_to_max(leak.kept.power * x.size, kept, 1e-12)
    assert leak.shape == shape
    for axis, truth in zip(leak.frequencies, psd(x, ndim=x.ndim).frequencies, strict=True):
        np.testing.assert_array_equal(axis, truth)


@GRIDS
@DESIGNS
@pytest.mark.slow
def test_leakage_of_a_band_or_ring_is_the_ratio_of_the_sums(shape, patch, sampling):
    x = laws.field(shape)
    leak = leakage(x, patch, RATIO, sampling=sampling)
    power, kept = over_masks(x, patch, RATIO, sampling)
    radius = radial_frequency(shape, (1.0,) * len(shape))
    weights = laws.half_plane_count(shape)
    for low, high in [(0.0, 1.0), (-1.0, 0.3), (0.2, 0.4), (0.25, 0.5)]:
        chosen = weights * ((radius > 0) & (radius >= low) & (radius < high))
        truth = np.sum(chosen * (power - kept)) / np.sum(chosen * kept)
        assert leak.band(low, high) == pytest.approx(truth, rel=1e-11)
    rings = leak.radial()
    for (low, high), ratio, count in zip(rings.edges, rings.ratio, rings.count, strict=True):
        last = high == rings.edges[-1, 1]
        chosen = weights * ((radius >= low) & ((radius < high) | (last & (radius == high))))
        assert chosen.sum() == count
        truth = np.sum(chosen * (power - kept)) / np.sum(chosen * kept)
        assert ratio == pytest.approx(truth, rel=1e-11)
    np.testing.assert_array_equal(rings.frequency, psd(x, ndim=x.ndim).radial().frequency)


def grating(shape, patch):
    """True on the zeros of the kernel of a patch, whole grid."""
    zeros = np.zeros(shape, dtype=bool)
    for axis, (n, p) in enumerate(zip(shape, patch, strict=True)):
        np.moveaxis(zeros, axis, 0)[grating_zeros(n, p)] = True
    return zeros


GRATINGS = [((24,), (4,)), ((12, 18), (4, 3)), ((15, 8), (5, 4))]
CONSTANTS = pytest.mark.parametrize("value", [1.0, 0.1, 1e6 / 3])


@pytest.mark.parametrize(("n", "patch"), [(49, 7), (60, 6)])
def test_a_band_holds_its_lower_end_and_not_its_upper(n, patch):
    """Rounding of i/n does not decide."""
    leak = leakage(laws.field((n,)), patch, 0.5)
    ends = np.arange(1, n // 2 + 2) / n
    bands = [leak.band(*pair) for pair in itertools.pairwise(ends)]
    laws.assert_close(bands, leak.power[1:], 1e-14)


@pytest.mark.parametrize(("shape", "patch"), GRATINGS)
@CONSTANTS
@DESIGNS
def test_the_mean_leaks_everywhere_but_on_the_zeros_of_the_grating(shape, patch, value, sampling):
    leak = leakage(np.full(shape, value), patch, 0.5, sampling=sampling)
    zeros, origin = grating(shape, patch), (0,) * len(shape)
    leaked = leak.leaked.full()
    assert np.max(leaked[zeros]) <= 1e-15 * np.max(leaked)
    assert np.min(leaked) >= 0
    elsewhere = ~zeros
    elsewhere[origin] = False
    assert np.isinf(leak.full()[elsewhere]).all()
    # For fixed sampling the visible area does not vary.
    at_zero = 0.0 if sampling == "fixed" else 1 / PatchGrid(shape, patch).n_patches
    assert leak.power[origin] == pytest.approx(at_zero, abs=1e-13)
    assert leak.band(0.0, 1.0) == np.inf
    assert np.inf in leak.radial().ratio
    assert leak.total == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize(("shape", "patch"), GRATINGS[1:])
@CONSTANTS
@DESIGNS
def test_no_leakage_is_infinite_by_rounding(shape, patch, value, sampling):
    leak = leakage(np.full(shape, value), patch, 0.5, sampling=sampling)
    assert not leak.full()[grating(shape, patch)].any()


@pytest.mark.parametrize(("n", "patch"), [(24, 4), (60, 12), (225, 15), (224, 16), (1000, 50)])
@CONSTANTS
@DESIGNS
def test_no_ring_or_band_is_infinite_by_rounding(n, patch, value, sampling):
    leak = leakage(np.full(n, value), patch, 0.5, sampling=sampling)
    truth = np.where(laws.half(grating((n,), (patch,))), 0.0, np.inf)[1:]
    np.testing.assert_array_equal(leak.radial().ratio, truth)
    edges = (np.arange(len(truth) + 1) + 0.5) / n
    bands = [leak.band(*pair) for pair in itertools.pairwise(edges)]
    np.testing.assert_array_equal(bands, truth)


@DESIGNS
def test_a_black_image_leaks_nothing(sampling):
    leak = leakage(np.zeros((8, 8)), 2, 0.5, sampling=sampling)
    assert not leak.power.any()
    assert leak.band(0.0, 0.6) == leak.total == 0


def test_one_wave_leaks_into_empty_frequencies_only():
    wave = np.cos(2 * np.pi * 3 * np.arange(32) / 32)
    leak = leakage(wave, 4, 0.5)
    assert np.isfinite(leak.power[3])
    assert np.isinf(np.delete(leak.power, 3)).sum() > 10


def test_an_empty_band_is_refused_with_its_values():
    leak = leakage(laws.field((8, 8)), 2, 0.5)
    with pytest.raises(ValueError, match=r"fmin=0.01 <= \|f\| < fmax=0.02 in shape=\(8, 8\)"):
        leak.band(0.01, 0.02)


@pytest.mark.parametrize("function", [expected_masked_psd, leakage])
@pytest.mark.parametrize(
    ("image", "patch", "ratio", "error", "message"),
    [
        (np.ones((8, 6)), 4, 0.5, ValueError, r"patch_size=\(4, 4\) does not divide"),
        (np.ones((8, 8)), 8, 0.5, ValueError, "masking needs at least two"),
        (np.ones((8, 8)), 4, 0.9, ValueError, "mask_ratio=0.9 of n_patches=4 keeps 0 patches"),
        (np.full((8, 8), np.nan), 4, 0.5, ValueError, r"image holds 64 .* first at \(0, 0\): nan"),
        (np.ones((8, 8), complex), 4, 0.5, TypeError, "image has dtype complex128"),
        (
            np.ones((8, 8, 8)),
            4,
            0.5,
            ValueError,
            r"image of shape \(8, 8, 8\) .* has 3 axes.*MaskedPeriodogram",
        ),
    ],
)
def test_impossible_arguments_are_refused_with_their_values(
    function, image, patch, ratio, error, message
):
    with pytest.raises(error, match=message):
        function(image, patch, ratio)


@pytest.mark.parametrize("offset", [0.0, 1.0, 1e4, 1e7])
@pytest.mark.parametrize(("shape", "patch"), [((12,), 3), ((8, 12), 4), ((6, 40), (6, 20))])
def test_a_large_mean_costs_no_digits_but_the_pixels_own(shape, patch, offset):
    """Σ_b |X_b|² against sums in extended precision."""
    grid = PatchGrid(shape, patch)
    pixels = np.random.default_rng(0).standard_normal(shape) + offset
    truth = np.zeros(shape, dtype=np.longdouble)
    for start in grid.starts():
        inside = tuple(slice(a, a + p) for a, p in zip(start, grid.patch_size, strict=True))
        alone = np.zeros(shape, dtype=np.clongdouble)
        alone[inside] = pixels[inside]
        for axis, n in enumerate(shape):
            k = np.arange(n)
            turns = np.outer(k, k) % n
            angle = turns.astype(np.longdouble) / n * (2 * np.arccos(np.longdouble(-1)))
            waves = np.cos(angle) - 1j * np.sin(angle)
            alone = np.moveaxis(np.tensordot(waves, alone, axes=(1, axis)), 0, axis)
        truth += np.abs(alone) ** 2
    found = patch_power.PatchPower(grid)(pixels)
    expected = truth[..., : shape[-1] // 2 + 1].astype(float)
    # Where the mean leaks nothing, the rest keeps the digits that pixels near the offset have.
    assert np.max(np.abs(found - expected) / expected) < 1e-11 + 1e-14 * offset


def test_power_that_overflows_on_the_way_is_an_error_and_not_nan():
    image = 5e150 * laws.field((64, 64))
    small = expected_masked_psd(image, 8, 0.75).power / 5e150 / 5e150
    np.testing.assert_allclose(small, expected_masked_psd(laws.field((64, 64)), 8, 0.75).power)
    large = np.tile(image, (2, 2))
    for pixels, patch in [(large, 64), (1e3 * image, 8), (1e50 * image, 32)]:
        with np.errstate(all="ignore"), pytest.raises(ValueError, match="too large for float64"):
            expected_masked_psd(pixels, patch, 0.75)


def test_leakage_of_detrended_constants_and_planes_is_nothing():
    y, x = np.mgrid[:64, :64]
    for image, detrend in ((np.full((64, 64), 0.3), "constant"), (0.3 + 0.01 * y - x, "linear")):
        leak = leakage(image, 8, 0.75, detrend=detrend)
        assert not leak.power.any()
        assert [leak.band(low, 2 * low) for low in (0.05, 0.1, 0.25)] == [0.0] * 3


def test_leakage_does_not_depend_on_the_unit_of_the_pixels():
    image = np.random.default_rng(0).random((64, 64))
    expected = leakage(image, 8, 0.75).band(0.1, 0.5)
    for unit in (1e-60, 1e80):
        assert leakage(unit * image, 8, 0.75).band(0.1, 0.5) == pytest.approx(expected)


def test_a_wave_on_the_edge_of_two_bands_is_in_the_upper():
    y, x = np.mgrid[:150, :150]
    wave = np.cos(2 * np.pi * (27 * y + 36 * x) / 150) + 1e-3  # |f| = 0.3
    leak = leakage(wave, 10, 0.5)
    assert leak.band(0.3, 0.4) < 10 < leak.band(0.2, 0.3)


def test_leakage_results_are_like_spectra(tmp_path):
    leak = leakage(np.random.default_rng(0).random((16, 24)), 4, 0.5, fs=2.0)
    assert leak.scaling == "ratio"
    assert leak.to_dict()["shape"] == [16, 24]
    rings = leak.radial()
    np.testing.assert_array_equal(rings.power, rings.ratio)
    assert rings.to_dict()["fs"] == (2.0, 2.0)
    rings.to_csv(tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text().startswith("frequency,lower,upper,count,ratio")
    assert "total" in repr(leak)


def test_a_planned_periodogram_needs_a_grid():
    with pytest.raises(TypeError, match=r"grid=\(8, 8\) is not a PatchGrid"):
        MaskedPeriodogram((8, 8))
