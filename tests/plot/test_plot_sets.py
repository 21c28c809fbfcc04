"""Sets of images, roses, and the styles and sizes of figures."""

import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae import plot

IMAGES = np.random.default_rng(0).standard_normal((6, 16, 16))
FOUND = sm.summarize(IMAGES)


@pytest.fixture(autouse=True)
def nothing_left():
    with mpl.rc_context(), plot.style():
        yield
    plt.close("all")


def test_a_set_draws_itself_with_percentiles():
    ax = FOUND.plot(fit=True)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), FOUND.percentile(50))
    assert "slope" in ax.get_legend().get_texts()[0].get_text()
    assert "<img" in FOUND._repr_html_()
    assert len(sm.summarize(IMAGES[:1]).plot().collections) == 1


def test_histograms_of_slopes_count_all_images():
    ax = plot.slopes({"a": FOUND, "b": [-1.0, np.nan, -3.0]}, bins=5)
    heights = np.reshape([bar.get_height() for bar in ax.patches], (2, 5))
    assert heights.sum(axis=1).tolist() == [6, 2]
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts[1] == "b: 2 images, 1 without, median −2.00"
    with pytest.raises(ValueError, match="none of 2 images has one"):
        plot.slopes([np.nan, np.nan])
    with pytest.raises(ValueError, match="row of numbers"):
        plot.slopes([[1.0, 2.0]])


def test_a_rose_shows_each_sector_on_both_sides():
    stripes = np.sin(2 * np.pi * np.arange(32) / 4) + np.zeros((32, 1))
    sectors = sm.psd(stripes).sectors(8)
    ax = plot.rose(sectors)
    heights = np.array([bar.get_height() for bar in ax.patches])
    np.testing.assert_allclose(heights, np.tile(sectors.power, 2))
    middles = [bar.get_x() + bar.get_width() / 2 for bar in ax.patches]
    assert np.rad2deg(middles)[np.argsort(heights)[-2:]] == pytest.approx([0, 180]) or np.rad2deg(
        middles
    )[np.argsort(heights)[-2:]] == pytest.approx([180, 0])
    with pytest.raises(TypeError, match="is not a PolarAxes"):
        plot.rose(sectors, plt.figure().subplots())


@pytest.mark.parametrize(("use", "size"), [("paper", 8), ("talk", 16), ("notebook", 9)])
def test_styles_have_letters_of_their_own_also_in_pictures(use, size):
    with plot.style(use):
        assert plot.radial(FOUND.radial).xaxis.label.get_fontsize() == size
    assert plot.radial(FOUND.radial).xaxis.label.get_fontsize() == 9
    plot.use_style(use)
    assert plot.radial(FOUND.radial).xaxis.label.get_fontsize() == size
    with pytest.raises(ValueError, match="use='poster'"):
        plot.use_style("poster")


@pytest.mark.parametrize(("width", "inches"), [("column", 3.35), ("page", 6.9), (5.0, 5.0)])
def test_figures_have_the_width_that_is_asked_for(tmp_path, width, inches):
    figure, axes = plot.new_figure(width=6.0, height=3.0)
    axes[0, 0].set_title("words")
    plot.save(figure, tmp_path / "a.svg", width=width)
    text = (tmp_path / "a.svg").read_text()
    assert float(re.search(r'width="([\d.]+)pt"', text)[1]) == pytest.approx(72 * inches)
    assert float(re.search(r'height="([\d.]+)pt"', text)[1]) == pytest.approx(36 * inches)
    assert re.search(r"<text[^>]*>words</text>", text)
    with pytest.raises(ValueError, match="width='wide'"):
        plot.save(figure, tmp_path / "a.svg", width="wide")


def test_text_in_pdf_is_text(tmp_path):
    figure, axes = plot.new_figure()
    axes[0, 0].set_title("words")
    plot.save(figure, tmp_path / "a.pdf")
    assert b"/FontFile2" in (tmp_path / "a.pdf").read_bytes()  # TrueType, not drawn shapes
    assert b"/Type3" not in (tmp_path / "a.pdf").read_bytes()
