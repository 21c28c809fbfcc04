"""Pictures of originals and reconstructions compared by frequency."""

import matplotlib as mpl
import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae import plot

mpl.use("Agg")


def compared(gain=0.5, noise=0.2):
    a, n = np.random.default_rng(0).standard_normal((2, 12, 16, 16))
    return sm.compare_spectra(a, gain * a + noise * n)


@pytest.mark.parametrize("curve", ["gain", "coherence", "frc", "error", "explained"])
@pytest.mark.parametrize("whole", [True, False])
def test_curves_of_several_comparisons(curve, whole):
    several = {"dim": compared(), "loud": compared(2.0, 1.0)}
    rings = {label: one.radial() for label, one in several.items()}
    ax = plot.comparison(several if whole else rings, curve=curve)
    by_label = {line.get_label(): line for line in ax.lines}
    for label, one in rings.items():
        np.testing.assert_array_equal(by_label[label].get_xdata(), one.frequency)
        np.testing.assert_array_equal(by_label[label].get_ydata(), getattr(one, curve))
    assert by_label["dim"].get_color() != by_label["loud"].get_color()
    band = ax.collections[1].get_paths()[0].vertices
    top = np.max(getattr(rings["loud"], curve) + rings["loud"].stderr[curve])
    assert band[:, 1].max() == pytest.approx(top)
    assert ax.get_xscale() == "log"
    assert ax.get_yscale() == ("log" if curve == "error" else "linear")
    assert ax.get_ylabel()
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert set(rings) <= set(texts)
    assert ("half a bit" in texts) == (curve == "frc")
    assert ("originals" in texts) == (curve == "error")


def test_legend_lies_outside_of_the_curves():
    ax = plot.comparison({"a": compared()}, curve="frc")
    ax.figure.canvas.draw()
    legend = ax.get_legend().get_window_extent()
    assert legend.y1 < ax.get_window_extent().y0


def test_one_comparison_needs_no_legend():
    rings = compared().radial()
    assert plot.comparison(rings).get_legend() is None
    assert plot.comparison({"a": rings}, legend=False).get_legend() is None
    lines = {line.get_label(): line for line in plot.comparison(rings, curve="frc").lines}
    np.testing.assert_array_equal(lines["half a bit"].get_ydata(), rings.half_bit)
    assert lines["1/7"].get_ydata()[0] == pytest.approx(1 / 7)


def test_what_is_worse_than_nothing_does_not_press_the_rest_together():
    ax = plot.comparison({"bad": compared(30.0), "good": compared()})
    assert ax.get_ylim()[0] >= -1
    assert ax.get_ylim()[1] >= 1


def test_power_of_originals_and_reconstructions():
    several = {"dim": compared(), "dead": compared(1e-9, 0.0)}
    ax = plot.compared_power(several)
    lines = {line.get_label(): line.get_ydata() for line in ax.lines}
    rings = several["dim"].radial()
    np.testing.assert_array_equal(lines["originals"], rings.power_a)
    np.testing.assert_array_equal(lines["dim"], rings.power_b)
    assert ax.get_ylim()[0] == pytest.approx(1e-3 * rings.power_a.min())
    assert plot.compared_power(rings, legend=False).get_legend() is None


def test_refusals():
    with pytest.raises(TypeError, match="compare_spectra"):
        plot.comparison(3)
    with pytest.raises(ValueError, match="curve='passed' is not one of"):
        plot.comparison(compared(), curve="passed")
    with pytest.raises(ValueError, match="no compared to draw"):
        plot.comparison({})


def test_map_of_the_power_ratio():
    a = np.random.default_rng(0).standard_normal((4, 12, 17))
    spectrum = sm.compare_spectra(a, 0.5 * a).spectrum()
    ax = plot.power_ratio(spectrum)
    cells = ax.images[0].get_array()
    assert cells.shape == (12, 17)
    np.testing.assert_allclose(cells, 0.25)
    assert ax.images[0].get_clim() == (0.1, 10)
    empty = plot.power_ratio(sm.cross_spectrum(np.ones((8, 8)), a[0, :8, :8]))
    assert np.ma.count(np.ma.masked_invalid(empty.images[0].get_array())) == 1
    with pytest.raises(ValueError, match="a map needs a spectrum of images"):
        plot.power_ratio(sm.cross_spectrum(a[0, 0], a[0, 1]))
    with pytest.raises(TypeError, match=r"compare_spectra\(a, b\)\.spectrum\(\)"):
        plot.power_ratio(a)


@pytest.mark.parametrize("channels", [(), (3,)])
def test_detail_is_the_middle_of_an_image(channels):
    image = np.random.default_rng(0).random((20, 31, *channels)) * 4
    ax = plot.image_detail(image, size=10, limits=(0.0, 4.0))
    np.testing.assert_allclose(ax.images[0].get_array(), image[5:15, 10:20] / 4)
    whole = plot.image_detail(image)
    assert whole.images[0].get_array().shape == image.shape
    assert whole.images[0].get_array().max() == pytest.approx(1)
    with pytest.raises(ValueError, match="do not rise"):
        plot.image_detail(image, limits=(1.0, 0.0))
    with pytest.raises(ValueError, match=r"is not \(H, W\) or \(H, W, 3\)"):
        plot.image_detail(np.ones((4, 4, 2)))
