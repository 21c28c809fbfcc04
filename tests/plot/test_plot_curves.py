"""Radial spectra as lines: data sets, bands, fitted slopes, axes, and ratios."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae import fields, plot


@pytest.fixture(autouse=True)
def no_figures_left():
    yield
    plt.close("all")


IMAGES = fields.gaussian_fields(fields.power_law((32, 24), -2.0), 9, rng=0)
BATCH = sm.Periodogram((32, 24)).radial(IMAGES)
ONE = sm.psd(IMAGES[0]).radial()


def band_of(ax, i=0):
    """Lower and upper end of a band at each frequency."""
    points = ax.collections[i].get_paths()[0].vertices
    return [
        np.array([end(points[np.isclose(points[:, 0], f), 1]) for f in ONE.frequency])
        for end in (np.min, np.max)
    ]


@pytest.mark.parametrize("band", ["stderr", "std", "none"])
def test_radial_draws_line_and_band(band):
    ax = plot.radial({"a": ONE, "b": ONE}, band=band)
    assert len(ax.lines) == 2
    assert len(ax.collections) == (0 if band == "none" else 2)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), ONE.power)
    assert "cycles/pixel" in ax.get_xlabel()
    assert ax.get_xscale() == ax.get_yscale() == "log"


@pytest.mark.parametrize("band", ["stderr", "std"])
def test_the_band_of_a_batch_is_the_spread_over_its_images_and_even_on_the_axis(band):
    ax = plot.radial(BATCH, band=band)
    power = BATCH.power
    mean, std = power.mean(axis=0), power.std(axis=0, ddof=1)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), mean)
    low, high = band_of(ax)
    np.testing.assert_allclose(high, mean + (std / 3 if band == "stderr" else std), rtol=1e-12)
    np.testing.assert_allclose(low * high, mean**2, rtol=1e-12)


def test_a_spread_larger_than_the_mean_does_not_leave_the_axis():
    strong = np.concatenate([IMAGES, 50 * IMAGES[:1]])
    batch = sm.Periodogram((32, 24)).radial(strong)
    assert (batch.power.std(axis=0, ddof=1) > batch.power.mean(axis=0)).all()
    low, _ = band_of(plot.radial(batch, band="std"))
    assert (low > batch.power.mean(axis=0) / 10).all()


def test_percentiles_stand_around_the_median():
    ax = plot.radial([BATCH], band="percentile")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), np.median(BATCH.power, axis=0))
    low, high = band_of(ax)
    np.testing.assert_allclose(low, np.percentile(BATCH.power, 16, axis=0))
    np.testing.assert_allclose(high, np.percentile(BATCH.power, 84, axis=0))
    assert ax.get_legend() is None


@pytest.mark.parametrize("given", [ONE, BATCH[:1], {"a": BATCH[:1]}])
def test_percentiles_need_a_batch(given):
    with pytest.raises(ValueError, match="band='percentile' needs a batch"):
        plot.radial(given, band="percentile")
    plot.radial(given)


def test_fitted_slopes_are_drawn_and_named():
    ax = plot.radial({"a": ONE}, fit=(0.1, 0.4))
    slope, stderr = ONE.fit_slope(0.1, 0.4)
    label = f"slope −{-slope:.2f} ± {stderr:.2f}"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", label]
    frequency, power = ax.lines[1].get_data()
    assert ((frequency >= 0.1) & (frequency < 0.4)).all()
    np.testing.assert_allclose(np.diff(np.log(power)) / np.diff(np.log(frequency)), slope)
    inside = np.isin(ONE.frequency, frequency)
    assert np.mean(np.log(ONE.power[inside] / power)) == pytest.approx(0, abs=1e-12)


def test_guides_stand_above_the_spectrum():
    ax = plot.radial(ONE, guides=[-2])
    frequency, power = ax.lines[1].get_data()
    np.testing.assert_allclose(power / power[0], (frequency / frequency[0]) ** -2.0)
    assert (power > ONE.power).all()
    assert [text.get_text() for text in ax.texts] == ["f⁻²"]


@pytest.mark.parametrize(("fs", "expected"), [(1.0, "1/2 1/4 1/8 1/16"), (20.0, "10 5 2.5 1.25")])
def test_ticks_are_octaves_apart(fs, expected):
    ax = plot.radial(sm.psd(IMAGES[0][:, :16], fs=fs).radial(), octaves=True)
    np.testing.assert_allclose(ax.get_xticks(), fs / 2.0 ** np.arange(1, 5))
    assert [text.get_text() for text in ax.get_xticklabels()] == expected.split()


@pytest.mark.parametrize(("unit", "word"), [(None, "pixels"), ("mm", "mm")])
def test_a_second_axis_shows_periods(unit, word):
    rate = {} if unit is None else {"fs": 20.0, "unit": unit}
    ax = plot.radial(sm.psd(IMAGES[0], **rate).radial(), periods=True)
    (above,) = ax.child_axes
    assert above.get_xlabel() == f"period ({word})"
    ax.figure.draw_without_rendering()
    np.testing.assert_allclose(np.sort(1 / np.array(above.get_xlim())), ax.get_xlim())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"a": ONE, "b": sm.psd(IMAGES[0], scaling="energy").radial()}, "do not fit on one axis"),
        ({"a": ONE, "b": sm.psd(IMAGES[0], fs=2.0).radial()}, "do not fit on one axis: 'a' has"),
        (BATCH[:0], "empty batch"),
        ([], "no spectra to draw"),
    ],
)
def test_what_one_axis_cannot_show_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        plot.radial(given)


def test_other_options_are_refused():
    with pytest.raises(ValueError, match="band='sem'"):
        plot.radial(ONE, band="sem")
    with pytest.raises(ValueError, match="fit="):
        plot.radial(ONE, fit=(0.1,))
    with pytest.raises(ValueError, match="'flat': no slope"):
        plot.radial({"flat": sm.psd(np.ones((8, 8))).radial()}, fit=True)
    with pytest.raises(TypeError, match="spectra"):
        plot.radial(3)


def test_the_panel_below_shows_ratios_to_the_reference():
    axes = plot.radial_ratio({"all": BATCH, "one": ONE}, reference="all", band="std")
    mean = BATCH.power.mean(axis=0)
    np.testing.assert_allclose(axes[1].lines[0].get_ydata(), 1.0)
    np.testing.assert_allclose(axes[1].lines[1].get_ydata(), ONE.power / mean)
    assert axes[0].get_xlim() == axes[1].get_xlim()
    with pytest.raises(ValueError, match="reference='two' is none of"):
        plot.radial_ratio({"all": BATCH}, reference="two")


def test_ratios_of_a_batch_are_averaged():
    ratios = BATCH / ONE
    ax = plot.ratio({"a": ratios})
    np.testing.assert_allclose(ax.lines[0].get_ydata(), ratios.ratio.mean(axis=0))


def test_a_map_of_ratios_is_even_about_one():
    a, b = sm.psd(IMAGES[0]), sm.psd(IMAGES[1])
    image = plot.ratio(a / b).images[0]
    assert image.norm.vmin * image.norm.vmax == pytest.approx(1)
    volume = sm.psd(IMAGES[:4], ndim=3)
    with pytest.raises(ValueError, match="a map needs spectra of images"):
        plot.ratio(volume / volume)
