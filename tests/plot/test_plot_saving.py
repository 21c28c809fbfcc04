"""A figure that is written to several files is laid out once, and looks as when saved alone."""

import numpy as np
import pytest
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from spectral_mae import plot
from spectral_mae.plot.drawing.files import save_as


def drawn():
    figure, axes = plot.new_figure(1, 2, width=4.0, height=2.5)
    for axis in axes[0]:
        axis.semilogy([1, 2, 3], [1e-3, 1.0, 1e4])
        axis.set_ylabel("power\n(per cycle)")
    return figure


def test_files_have_one_layout_and_the_pixels_of_the_figure(tmp_path, monkeypatch):
    plot.save(drawn(), tmp_path / "alone.png")
    layouts = []
    execute = ConstrainedLayoutEngine.execute
    monkeypatch.setattr(
        ConstrainedLayoutEngine,
        "execute",
        lambda self, figure: (layouts.append(1), execute(self, figure))[1],
    )
    save_as(drawn(), tmp_path / "figure.png", (".svg", ".png", ".webp"))
    assert len(layouts) == 1
    alone, png, webp = (
        Image.open(tmp_path / name) for name in ("alone.png", "figure.png", "figure.webp")
    )
    assert png.size == webp.size == alone.size
    assert png.text["Software"] == alone.text["Software"]
    assert png.info["dpi"] == alone.info["dpi"]
    pixels, expected, lossy = (np.asarray(one.convert("RGB"), float) for one in (png, alone, webp))
    np.testing.assert_array_equal(pixels, expected)
    assert np.abs(pixels - lossy).mean() < 4
    svg = (tmp_path / "figure.svg").read_text("utf-8")
    assert svg.count("power") == 2  # text is text
    assert "<dc:date>" not in svg


@pytest.mark.slow
def test_equal_figures_give_equal_files(tmp_path):
    for name in "ab":
        save_as(drawn(), tmp_path / name, (".svg", ".png", ".webp"))
    for ending in (".svg", ".png", ".webp"):
        first, second = ((tmp_path / f"{name}{ending}").read_bytes() for name in "ab")
        assert first == second


def test_a_figure_of_nearly_whole_pixels_is_saved(tmp_path):
    height = 2.8 * 3  # which times 110 is a little less than 924
    figure, _ = plot.new_figure(width=2.0, height=height)
    canvas, dpi = figure.canvas, figure.dpi
    plot.save(figure, tmp_path / "figure.png")
    assert (figure.canvas, figure.dpi) == (canvas, dpi)
    with Image.open(tmp_path / "figure.png") as image:
        assert image.size in {(220, 923), (220, 924)}
        colours = np.unique(np.asarray(image.convert("L")))
    assert len(colours) > 10
