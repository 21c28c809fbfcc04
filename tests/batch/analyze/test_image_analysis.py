"""One image in, one record out."""

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.batch.analyze.records.analyzer import MaskingAnalyzer
from spectral_mae.batch.analyze.records.plan import MaskingPlan
from spectral_mae.batch.analyze.records.record import octave_columns
from spectral_mae.masked_spectra.verification import rounding_bound
from spectral_mae.masks.designs.uniform import Uniform
from spectral_mae.spectra.octaves import OCTAVES
from spectral_mae.spectra.rings import RadialSpectrum


def photograph(shape, seed=0):
    rng = np.random.default_rng(seed)
    smooth = np.cumsum(np.cumsum(rng.standard_normal(shape), 0), 1)
    return 0.5 + 0.2 * (smooth - smooth.mean()) / smooth.std()


@pytest.mark.parametrize("shape", [(64, 64), (48, 80)])
@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
def test_record_agrees_with_the_functions_it_is_made_of(shape, sampling):
    image = photograph(shape)
    record = MaskingAnalyzer(shape, MaskingPlan(8, 0.5, sampling)).analyze(image, rng=3)
    expected = sm.expected_masked_psd(image, 8, 0.5, sampling=sampling)
    leak = sm.leakage(image, 8, 0.5, sampling=sampling)
    np.testing.assert_allclose(record.expected.power, expected.radial().power, rtol=1e-13)
    np.testing.assert_allclose(record.original.power, sm.psd(image).radial().power, rtol=1e-13)
    assert record.leakage == pytest.approx(leak.band(0, np.inf), rel=1e-12)
    assert record.octaves[4] == pytest.approx(leak.band(0.25, 0.5), rel=1e-12)
    assert record.slope == pytest.approx(sm.psd(image).radial().fit_slope().slope)
    assert record.convolution_error <= rounding_bound(image.size, float)
    assert record.mask_dft_error <= rounding_bound(image.size, float)


def test_leakage_without_the_mean_is_that_of_the_centred_image():
    image = photograph((64, 48))
    analyzer = MaskingAnalyzer(image.shape, MaskingPlan(8))
    centred = analyzer.analyze(image - image.mean(), rng=0)
    record = analyzer.analyze(image, rng=0)
    assert record.octaves_centred == pytest.approx(centred.octaves, rel=1e-9)
    assert record.leakage_centred == pytest.approx(centred.leakage, rel=1e-9)
    power = centred.expected.power
    np.testing.assert_allclose(record.expected_centred.power, power, rtol=1e-9)
    assert record.leakage > 2 * centred.leakage


@pytest.mark.slow
def test_drawn_masks_agree_with_the_expectation():
    """Over many images the standardised gaps are as wide as Student's t makes them."""
    analyzer = MaskingAnalyzer((48, 48), MaskingPlan(8, n_draws=16))
    scores = [analyzer.analyze(photograph((48, 48), i), rng=i).agreement for i in range(60)]
    assert np.sqrt(np.mean(np.square(scores))) == pytest.approx(1.07, abs=0.15)
    assert abs(np.mean(scores)) < 0.25


def test_agreement_sees_a_wrong_expectation(monkeypatch):
    image = photograph((64, 64))
    plan = MaskingPlan(8)
    record = MaskingAnalyzer((64, 64), plan).analyze(image, rng=0)
    monkeypatch.setattr(Uniform, "uniform", (0.25, 0.25**2 * 1.3))
    wrong = MaskingAnalyzer((64, 64), plan).analyze(image, rng=0)
    assert wrong.row()["agreement_rms"] > record.row()["agreement_rms"] + 1


def test_equal_seeds_give_equal_records_and_others_do_not():
    image = photograph((64, 64))
    analyzer = MaskingAnalyzer((64, 64), MaskingPlan(8))
    first, again, other = (analyzer.analyze(image, rng=s) for s in (1, 1, 2))
    assert first.row() == again.row()
    np.testing.assert_array_equal(first.drawn.power, again.drawn.power)
    assert first.row() != other.row()


@pytest.mark.parametrize("for_many", [False, True])
@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_constant_image_has_a_spectrum_and_no_slope(value, for_many):
    analyzer = MaskingAnalyzer((32, 32), MaskingPlan(8), for_many=for_many)
    record = analyzer.analyze(np.full((32, 32), value), rng=0)
    assert record.slope is None
    assert "no slope" in record.slope_note
    assert np.isfinite(record.original.power).all()
    assert record.leakage == (np.inf if value else 0.0)
    assert np.isfinite(record.row()["agreement_max"])


def test_colour_averages_the_channels():
    image = np.stack([photograph((32, 48), seed) for seed in range(3)], axis=-1)
    record = MaskingAnalyzer((32, 48), MaskingPlan(8), channels=3).analyze(image, rng=0)
    each = [sm.psd(image[..., c]).radial().power for c in range(3)]
    np.testing.assert_allclose(record.original.power, np.mean(each, axis=0), rtol=1e-12)


def test_small_images_leave_octaves_empty():
    record = MaskingAnalyzer((8, 16), MaskingPlan(4)).analyze(photograph((8, 16)), rng=0)
    assert record.octaves[0] is None
    assert 2 * len(record.octaves) == 2 * len(OCTAVES) == len(octave_columns())


def test_one_mask_is_too_few():
    with pytest.raises(ValueError, match="n_draws=1"):
        MaskingPlan(8, n_draws=1)


def test_agreement_is_undefined_where_all_drawn_masks_coincide():
    image = photograph((16, 32))
    plan = MaskingPlan(16, 0.5, n_draws=2)
    found = [MaskingAnalyzer((16, 32), plan).analyze(image, rng=s) for s in range(8)]
    alike = [r for r in found if not r.drawn.stderr.any()]
    assert 0 < len(alike) < 8
    for record in found:
        values = record.row()["agreement_rms"], record.row()["agreement_max"]
        assert values == (None, None) if record in alike else np.isfinite(values).all()


@pytest.mark.parametrize("patch_size", [4, 8, 16])
@pytest.mark.parametrize("mask_ratio", [0.5, 0.75])
def test_leakage_over_all_frequencies_hardly_depends_on_the_patch(patch_size, mask_ratio):
    """What the report says of it: nearly (1/π₁ − 1)(1 + mean²/variance)."""
    image = photograph((128, 128))
    record = MaskingAnalyzer((128, 128), MaskingPlan(patch_size, mask_ratio)).analyze(image, rng=0)
    share = image.mean() ** 2 / image.var()
    assert record.leakage == pytest.approx(mask_ratio / (1 - mask_ratio) * (1 + share), rel=0.02)


class TestMissingPixels:
    """Fields of which parts are missing, against the same fields whole."""

    shape = (96, 128)

    def fields(self, n=12):
        law = sm.fields.power_law(self.shape, -2.0)
        return 2.0 + sm.fields.gaussian_fields(law, n, rng=0) * 0.2, law

    def holes(self, images):
        visible = np.repeat(np.repeat(np.random.default_rng(1).random((24, 32)) < 0.75, 4, 0), 4, 1)
        return np.where(visible, images, np.nan), visible

    @pytest.mark.slow
    def test_spectra_and_leakage_are_on_average_those_of_whole_images(self):
        images, _ = self.fields()
        holes, visible = self.holes(images)
        analyzer = MaskingAnalyzer(self.shape, MaskingPlan(8, n_draws=2))
        whole = [analyzer.analyze(x, rng=0, check=False) for x in images]
        found = [analyzer.analyze(x, rng=0) for x in holes]
        for name in ("original", "expected"):
            one, truth = (
                np.mean([getattr(a, name).power for a in some], axis=0) for some in (found, whole)
            )
            np.testing.assert_allclose(one[2:], truth[2:], rtol=0.2)
            assert abs(np.mean(one[8:] / truth[8:]) - 1) < 0.02
        for name in ("octaves", "octaves_centred"):
            one, truth = (
                np.mean([getattr(a, name)[1:] for a in some], axis=0) for some in (found, whole)
            )
            np.testing.assert_allclose(one, truth, rtol=0.15)
        slopes = np.array([a.slope for a in found])
        assert abs(slopes.mean() + 2.0) < 0.05
        for analysis in found:
            assert analysis.n_missing == (~visible).sum()
            assert analysis.drawn is None
            assert analysis.row()["agreement_rms"] is None
            assert analysis.convolution_error is None
            assert analysis.defects == ()
            assert "spectrum unmasked" in analysis.missing_note
        assert whole[0].missing_note == ""
        assert whole[0].row()["missing"] == 0

    @pytest.mark.parametrize("detrend", ["constant", "linear"])
    def test_trends_are_fitted_to_what_is_there(self, detrend):
        images, _ = self.fields(1)
        holes, _ = self.holes(images[0])
        y, x = np.indices(self.shape)
        slanted = holes + 100 if detrend == "constant" else holes + 5 * y - 3 * x + 100
        analyzer = MaskingAnalyzer(self.shape, MaskingPlan(8, n_draws=2, detrend=detrend))
        one, other = (analyzer.analyze(image, rng=0) for image in (holes, slanted))
        np.testing.assert_allclose(one.original.power, other.original.power, rtol=1e-8)
        assert one.leakage == pytest.approx(other.leakage, rel=1e-8)

    def test_periodic_detrending_needs_the_borders(self):
        holes, _ = self.holes(self.fields(1)[0][0])
        analyzer = MaskingAnalyzer(self.shape, MaskingPlan(8, detrend="periodic"))
        with pytest.raises(ValueError, match="detrend='periodic' compares opposite borders"):
            analyzer.analyze(holes, rng=0)

    def test_colours_have_no_slope_and_miss_a_pixel_that_one_channel_misses(self):
        images, _ = self.fields(3)
        colour = np.moveaxis(images, 0, -1).copy()
        colour[10:20, 30:40, 1] = np.nan
        analysis = MaskingAnalyzer(self.shape, MaskingPlan(8), channels=3).analyze(colour, rng=0)
        assert analysis.n_missing == 100
        assert analysis.slope is None
        assert "gray images only" in analysis.slope_note


@pytest.mark.parametrize("detrend", ["linear", "periodic"])
def test_drawn_masks_are_of_the_image_less_its_whole_trend(detrend):
    """As the exact mean is: a trend fitted to what a mask shows would be another one."""
    y, x = np.indices((32, 48))
    image = photograph((32, 48)) + 0.1 * y - 0.05 * x
    plan = MaskingPlan(8, 0.5, n_draws=200, detrend=detrend)
    assert MaskingAnalyzer((32, 48), plan).analyze(image, rng=0).row()["agreement_rms"] < 2


@pytest.mark.parametrize("level", [0.0, 0.5, 100.0, 1e8])
def test_standard_deviations_keep_their_digits_on_any_level(level):
    image = np.random.default_rng(0).standard_normal((32, 32)) + level
    record = MaskingAnalyzer((32, 32), MaskingPlan(8)).measure(
        image, rng=0, check=False, draw=False
    )
    assert record.std == pytest.approx(image.std(), rel=1e-12)
    assert record.mean == pytest.approx(image.mean(), rel=1e-12)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
def test_sums_over_rings_make_the_record_of_the_spectra(sampling, channels):
    image = photograph((32, 48, channels))[..., 0 if channels == 1 else slice(None)]
    plan = MaskingPlan(8, 0.6, sampling)
    analyzer = MaskingAnalyzer((32, 48), plan, channels=channels, for_many=True)
    assert analyzer._patch_sums is not None
    assert MaskingAnalyzer((32, 48), plan, channels=channels)._patch_sums is None
    taken = [], []
    found = analyzer._by_sums(image, taken[0].append)
    expected = analyzer._by_spectra(image, taken[1].append)
    np.testing.assert_array_equal(taken[0][0].power, taken[1][0].power)
    for one, other in zip(found, expected, strict=True):
        pair = (one.power, other.power) if isinstance(one, RadialSpectrum) else (one, other)
        np.testing.assert_allclose(*(np.array(each, float) for each in pair), rtol=1e-10)
    for one in found[:3]:
        assert np.all(np.isnan([one.std, one.stderr]))
