"""Pictures: what they show is what the results hold, and the scale fits."""

import itertools

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

import spectral_mae as sm
from spectral_mae import plot
from spectral_mae.batch.analyze.records.analyzer import MaskingAnalyzer
from spectral_mae.batch.analyze.records.plan import MaskingPlan


@pytest.fixture
def image():
    return np.random.default_rng(0).random((48, 64)) + 1.0


def test_psd_map_has_zero_frequency_in_the_middle(image):
    y, x = np.mgrid[:48, :64]
    wave = np.cos(2 * np.pi * (6 * y / 48 + 16 * x / 64))
    ax = plot.psd(sm.psd(wave))
    shown = ax.images[0].get_array()
    rows, columns = np.nonzero(shown > 0.5 * shown.max())
    left, right, bottom, top = ax.images[0].get_extent()
    fx = left + (columns + 0.5) * (right - left) / 64
    fy = top + (rows + 0.5) * (bottom - top) / 48
    assert sorted(zip(fy.round(9), fx.round(9), strict=True)) == [(-0.125, -0.25), (0.125, 0.25)]


def test_psd_scale_leaves_out_the_mean_and_rounding(image):
    spectrum = sm.psd(image)
    low, high = plot.power_limits([spectrum])
    assert high == pytest.approx(np.sort(spectrum.power.ravel())[-2])
    assert low > spectrum.floor
    flat = plot.power_limits([sm.psd(np.ones((8, 8)))])
    assert 0 < flat[0] < flat[1]


def test_psd_of_a_signal_is_a_line():
    spectrum = sm.psd(np.random.default_rng(0).random(50), scaling="spectrum")
    (line,) = plot.psd(spectrum).lines
    np.testing.assert_array_equal(line.get_ydata(), spectrum.power)


@pytest.mark.parametrize("fs", [1.0, (25.0, 2.0, 1.0)])
def test_maps_of_volumes_are_planes_of_zero_frequency(fs):
    """Of a video, the mean of its frames."""
    video = np.random.default_rng(0).random((4, 12, 15)) + np.arange(15)
    spectrum = sm.psd(video, fs=fs, scaling="energy", ndim=3)
    ax = plot.psd(spectrum)
    rates = fs if fs == 1.0 else fs[1:]
    truth = plot.psd(sm.psd(video.sum(axis=0), fs=rates, scaling="energy"))
    assert ax.get_title() == "zero frequency along the first axis"
    assert truth.get_title() == ""
    np.testing.assert_allclose(ax.images[0].get_array(), truth.images[0].get_array(), rtol=1e-9)
    assert ax.images[0].get_extent() == truth.images[0].get_extent()
    leak = sm.leakage(video, (2, 3, 5), 0.5, fs=fs)
    shown = plot.leakage(leak)
    low, high = shown.images[0].get_clim()
    whole = np.fft.fftshift(leak.full()[0])
    np.testing.assert_allclose(shown.images[0].get_array(), np.clip(whole, low, high), rtol=1e-9)
    assert shown.get_title() == ax.get_title()


def test_densities_of_volumes_are_per_cubed_frequency():
    density = plot.psd(sm.psd(np.random.default_rng(0).random((4, 5, 6)), ndim=3))
    assert density.figure.axes[1].get_ylabel() == "power density (per (cycle/pixel)³)"
    rings = sm.psd(np.random.default_rng(0).random((4, 5, 6)), ndim=3).radial()
    assert plot.radial(rings).get_ylabel() == "power density (per (cycle/pixel)³)"


def test_masking_shares_one_scale(image):
    masks = [sm.PulseMask.random(sm.PatchGrid((48, 64), p), 0.5, rng=0) for p in (4, 8)]
    axes = plot.masking(image / 2, masks)
    assert axes.shape == (2, 5)
    norms = {(n.vmin, n.vmax) for n in (ax.images[0].norm for ax in axes[1])}
    assert len(norms) == 1
    assert all(isinstance(ax.images[0].norm, LogNorm) for ax in axes[1])
    np.testing.assert_array_equal(axes[0, 1].images[0].get_array(), masks[0].visible)
    with pytest.raises(ValueError, match=r"not \(2, 5\)"):
        plot.masking(image, masks, axes[:, :3])


def test_grating_marks_the_zeros():
    axes = plot.grating(sm.PatchGrid((48, 64), 8), 0.75)
    ticks = axes[0].get_xticks(minor=True)
    np.testing.assert_allclose(
        np.sort(np.abs(ticks)), [1 / 8, 1 / 8, 2 / 8, 2 / 8, 3 / 8, 3 / 8, 4 / 8]
    )


@pytest.mark.slow
def test_the_cut_of_a_grating_has_no_gaps():
    """A block of half the grid has power at every other frequency only."""
    axes = plot.grating(design=sm.designs.block(sm.PatchGrid((48, 48), 8), 3, keep=True))
    cut = axes[1].lines[0].get_ydata()
    assert np.isfinite(cut).all()
    assert (cut[1::2] < cut[::2]).all()


def test_grating_of_a_design_names_it_and_draws_its_power():
    grid = sm.PatchGrid((48, 64), 8)
    design = sm.designs.block(grid, (2, 3))
    axes = plot.grating(design=design)
    assert axes[0].get_title().startswith("block:2x3, patches of 8×8 px")
    (cut,) = axes[1].lines
    power = sm.expected_mask_power(design=design)[0, 1:33]
    shown = power > power.max() * 1e-9
    np.testing.assert_array_equal(cut.get_ydata()[shown], power[shown])
    assert shown.sum() > 16


def test_leakage_as_map_and_as_line(image):
    leak = sm.leakage(image, 8, 0.75)
    assert plot.leakage(leak).images[0].get_array().shape == (48, 64)
    (line,) = plot.leakage(leak.radial(), label="p = 8").lines
    np.testing.assert_allclose(line.get_ydata(), leak.radial().ratio)


def test_sectors_close_the_half_circle(image):
    bars = plot.sectors(sm.psd(image).sectors(4)).lines[0]
    assert bars.get_xdata()[-1] == 180
    assert bars.get_ydata()[0] == bars.get_ydata()[-1]


def test_given_axes_are_used_and_returned(image):
    spectrum, leak = sm.psd(image), sm.leakage(image, 8, 0.5)
    record = MaskingAnalyzer((48, 64), MaskingPlan(8)).analyze(image, rng=0)
    _, axes = plot.new_figure(2, 3)
    drawn = [
        plot.psd(spectrum, axes[0, 0]),
        plot.radial(spectrum.radial(), axes[0, 1]),
        plot.leakage(leak, axes[0, 2]),
        plot.sectors(spectrum.sectors(4), axes[1, 0]),
        plot.masked_radial(record.original, record.expected, record.drawn, axes[1, 1]),
        plot.octaves({"p": [[1.0], [2.0, np.inf]]}, ["low", "high"], axes[1, 2]),
    ]
    assert drawn == list(axes.flat)
    assert all(isinstance(ax, Axes) and ax.get_xlabel() and ax.get_ylabel() for ax in drawn)


def test_equal_pictures_have_equal_bytes(image, tmp_path):
    files = [tmp_path / "a.png", tmp_path / "b.png"]
    for file in files:
        figure, axes = plot.new_figure()
        plot.psd(sm.psd(image), axes[0, 0])
        plot.save(figure, file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_units_follow_the_data():
    signal = sm.psd(np.random.default_rng(0).random(64))
    assert plot.radial(signal.radial()).get_ylabel() == "power density (per cycle/pixel)"
    sampled = sm.psd(np.random.default_rng(0).random((32, 32)), fs=100.0)
    ax = plot.radial(sampled.radial())
    assert ax.get_xlabel() == "frequency (units of fs)"
    assert ax.get_ylabel() == "power density (per (unit of fs)²)"


def test_nothing_to_show_says_so():
    ax = plot.radial(sm.psd(np.ones((16, 16))).radial())
    assert ax.texts[0].get_text() == "no power above rounding"
    ax.figure.canvas.draw()
    with pytest.raises(ValueError, match="no spectra"):
        plot.radial({})


def test_signals_are_drawn_or_refused():
    signal = np.random.default_rng(0).random(64)
    (line,) = plot.leakage(sm.leakage(signal, 8, 0.5)).lines
    assert len(line.get_ydata()) == 33
    with pytest.raises(ValueError, match=r"shape=\(64,\)"):
        plot.grating(sm.PatchGrid(64, 8), 0.5)
    with pytest.raises(ValueError, match=r"shape \(64,\)"):
        plot.masking(signal, [])


def test_infinite_leakage_stands_at_the_top():
    ax = plot.octaves({"p": [[1.0, np.inf, np.inf], []]}, ["low", "high"])
    assert [text.get_text() for text in ax.texts] == ["▲", "▲"]


def test_masked_image_and_unmasked_radial_show_their_results():
    rng = np.random.default_rng(0)
    image, weights = rng.random((16, 16)), (rng.random((16, 16)) < 0.5).astype(float)
    shown = plot.masked_image(image, weights).images[0].get_array()
    np.testing.assert_allclose(shown[weights == 1][:, 0], image[weights == 1])
    assert len(np.unique(shown[weights == 0], axis=0)) == 1
    rings = sm.psd(image, detrend="constant").radial()
    ax = plot.unmasked_radial(rings, rings, rings)
    assert [line.get_label() for line in ax.lines[:2]] == [
        "true: whole image",
        "naive: masked / visible part",
    ]
    assert len(ax.collections) == 1
    assert len(plot.unmasked_radial(rings).lines) == 1


def test_axes_without_power_have_readable_ticks_until_there_is_some(image):
    flat, noise = (sm.psd(x).radial() for x in (np.ones((300, 300)), image))
    _, axes = plot.new_figure()
    ax = plot.radial({"flat": flat}, axes[0, 0])
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_xticklabels()]
    assert len(boxes) > 3
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
    plot.radial({"noise": noise}, ax)
    assert not ax.texts
    low, high = ax.get_ylim()
    assert low < noise.power.min() < noise.power.max() < high
