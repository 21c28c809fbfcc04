"""Panels of curves are drawn once, and stand side by side in the files of all."""

import re
from importlib.resources import files
from typing import get_args
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from spectral_mae import plot
from spectral_mae.batch import pages
from spectral_mae.batch.pages.picture import Key
from spectral_mae.plot.curves.panels import PlainPowers, draw_panels
from spectral_mae.plot.curves.strips import KEYS, legend_strip, title_pixels

SVG = "{http://www.w3.org/2000/svg}"
WIDTH, HEIGHT = 3.0, 2.0


def panel(top):
    def draw(axes):
        axes.loglog([0.01, 0.1, 0.5], [1e-3, 1.0, top])
        axes.set_title(f"up to {top:g}")

    return draw


def read(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")), image.info


@pytest.fixture
def three(tmp_path):
    path = tmp_path / "all.png"
    names = draw_panels(path, [panel(t) for t in (10, 1e4, 3)], width=WIDTH, height=HEIGHT)
    return path, names


@pytest.mark.parametrize(("value", "label"), [(1.0, "10⁰"), (1e-12, "10⁻¹²"), (1e3, "10³")])
def test_powers_of_ten_are_labelled_with_raised_digits(value, label):
    formatter = PlainPowers()
    formatter.create_dummy_axis()
    formatter.axis.set_view_interval(1e-13, 1e4)
    assert formatter(value) == label


def test_labels_between_powers_have_no_formula():
    figure, ((axes,),) = plot.new_figure()
    axes.set_yscale("log")
    axes.set_ylim(1.5, 6)
    axes.yaxis.set_minor_formatter(PlainPowers(labelOnlyBase=False))
    figure.draw_without_rendering()
    labels = [text.get_text() for text in axes.get_yticklabels(minor=True)]
    assert "2×10⁰" in labels
    assert not [label for label in labels if "$" in label]


def test_each_panel_is_laid_out_once(tmp_path, monkeypatch):
    """By what its labels take, as the constrained layout does, which measures them twice."""
    measured, layouts = [], []
    tight, execute = Axes.get_tightbbox, ConstrainedLayoutEngine.execute
    monkeypatch.setattr(
        Axes, "get_tightbbox", lambda self, *a, **k: (measured.append(1), tight(self, *a, **k))[1]
    )
    monkeypatch.setattr(
        ConstrainedLayoutEngine,
        "execute",
        lambda self, figure: (layouts.append(1), execute(self, figure))[1],
    )
    draw_panels(tmp_path / "all.png", [panel(10), panel(20)], width=WIDTH, height=HEIGHT)
    assert (len(measured), len(layouts)) == (2, 0)

    def twin(axes):
        panel(10)(axes)
        axes.twinx().set_ylabel("on the right")

    draw_panels(tmp_path / "twin.png", [twin, twin], width=WIDTH, height=HEIGHT)
    assert len(layouts) == 2


def test_all_labels_of_a_panel_are_in_its_picture(tmp_path):
    drawn = []

    def draw(axes):
        drawn.append(axes)
        axes.semilogy([0.01, 0.5], [1e-12, 1e3])
        axes.set(title="a title", xlabel="along", ylabel="up")

    draw_panels(tmp_path / "all.png", [draw, draw], width=WIDTH, height=HEIGHT)
    for axes in drawn:
        figure = axes.figure
        box = axes.get_tightbbox(figure.canvas.get_renderer())
        assert min(box.x0, box.y0) >= 0
        assert box.x1 <= figure.bbox.width
        assert box.y1 <= figure.bbox.height
        assert axes.bbox.width > 0.6 * figure.bbox.width


def test_all_panels_stand_side_by_side_in_one_picture(three, tmp_path):
    path, names = three
    assert names == [f"all-panel-{n}.svg" for n in (1, 2, 3)]
    pixels, info = read(path)
    assert info["Software"].startswith("spectral-mae")
    alone = tmp_path / "alone.png"
    for number, top in enumerate((10, 1e4, 3)):
        draw_panels(alone, [panel(top)], width=WIDTH, height=HEIGHT)
        expected, info_alone = read(alone)
        height, width = expected.shape[:2]
        row, column = divmod(number, 2)
        part = pixels[row * height :, column * width :][:height, :width]
        np.testing.assert_array_equal(part, expected)
    assert pixels.shape == (2 * height, 2 * width, 3)
    assert (pixels[height:, width:] == 255).all()
    assert info["dpi"] == info_alone["dpi"]


def test_the_svg_of_all_holds_each_panel_with_identifiers_of_its_own(three):
    path, names = three
    text = path.with_suffix(".svg").read_text("utf-8")
    root = ET.fromstring(text)
    assert root.get("viewBox") == f"0 0 {2 * 72 * WIDTH:g} {2 * 72 * HEIGHT:g}"
    parts = root.findall(f"{SVG}svg")
    places = [(float(part.get("x")), float(part.get("y"))) for part in parts]
    assert places == [(0, 0), (72 * WIDTH, 0), (0, 72 * HEIGHT)]
    identifiers = re.findall(r'\bid="([^"]+)"', text)
    assert len(identifiers) == len(set(identifiers)) > 0
    used = re.findall(r"url\(#([^)]+)\)", text) + re.findall(r'href="#([^"]+)"', text)
    assert used
    assert set(used) <= set(identifiers)
    for name, top in zip(names, (10, 1e4, 3), strict=True):
        assert f"up to {top:g}" in (path.parent / name).read_text("utf-8")
        assert f"up to {top:g}" in text


def test_a_single_panel_is_the_file_of_all(tmp_path):
    names = draw_panels(tmp_path / "one.png", [panel(10)], width=WIDTH, height=HEIGHT)
    assert names == ["one.svg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "one.svg"]


LEGEND = (("image", "image"), ("kept", "kept of the image"), ("spread", "80 % of the images"))


@pytest.mark.parametrize("n", [1, 3])
def test_the_files_of_all_say_what_their_curves_mean_and_panels_do_not(n, tmp_path):
    path, without = tmp_path / "all.png", tmp_path / "without.png"
    draw = [panel(10 ** (1 + number)) for number in range(n)]
    names = draw_panels(path, draw, width=WIDTH, height=HEIGHT, legend=LEGEND)
    draw_panels(without, draw, width=WIDTH, height=HEIGHT)
    pixels, expected = read(path)[0], read(without)[0]
    strip = pixels[: -len(expected)]
    np.testing.assert_array_equal(pixels[-len(expected) :], expected)
    assert (strip != 255).any()
    assert (strip[:, [0, -1]] == 255).all()
    text = path.with_suffix(".svg").read_text("utf-8")
    assert [words in text for _, words in LEGEND] == [True] * 3
    for name in names:
        assert LEGEND[1][1] not in (tmp_path / name).read_text("utf-8")
    assert sorted(one.name for one in tmp_path.glob("all*")) == sorted(
        [path.name, "all.svg", *names]
    )
    identifiers = re.findall(r'\bid="([^"]+)"', text)
    assert len(identifiers) == len(set(identifiers))


@pytest.mark.parametrize("width", [3.0, 4.3, 8.6])
def test_a_legend_fits_into_its_strip(width):
    figure = legend_strip([(key, f"what the key {key} means here") for key in KEYS], width)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    inside = legend.get_window_extent()
    assert inside.x0 >= 0
    assert inside.y0 >= 0
    assert inside.x1 <= figure.bbox.width
    assert inside.y1 <= figure.bbox.height


def test_each_key_of_a_page_has_a_look_in_its_files_and_in_its_style():
    assert set(get_args(Key)) == set(KEYS)
    style = (files(pages) / "templates" / "page.html").read_text("utf-8")
    assert [key for key in KEYS if f".key-{key}" not in style] == []


def test_titles_are_as_wide_as_the_pixels_below_them():
    for width in (181, 540, 1140):
        strip = title_pixels([(width / 2, "one\ntwo")], width)
        assert strip.shape[1:] == (width, 3)
        dark = np.flatnonzero((strip < 0.5).any(axis=(0, 2)))
        assert abs(dark.mean() - width / 2) < 6
