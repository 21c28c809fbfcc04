"""Figures of lines take the colours of the page that holds them, light or dark."""

import re

import numpy as np

from spectral_mae import plan, plot
from spectral_mae.batch.pages.inline_svg import SCALE, inline_svg
from spectral_mae.batch.pages.saving import save_lines
from spectral_mae.fields import gaussian_fields, power_law


def of_page(figure, path):
    save_lines(figure, path)
    assert sorted(one.name for one in path.parent.iterdir()) == [
        path.name,
        path.with_suffix(".svg").name,
    ]
    return inline_svg(path.with_suffix(".svg"), "a <figure> & more")


def test_all_pictures_of_a_plan_take_the_colours_of_the_page(tmp_path):
    found = plan(gaussian_fields(power_law((32, 32), -2.0), 30, rng=0), [4, 8], [0.5, 0.75])
    for number, draw in enumerate(
        (plot.plan_curves, plot.plan_map, plot.plan_octaves, plot.plan_costs)
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        ax = draw(found)
        text = of_page(ax.figure, folder / "one.png")
        colours = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", text))
        # On colours words and lines are white, and what is behind them dark, on every page.
        assert colours <= ({"#fefefe", "#404040"} if draw is plot.plan_map else set())
        assert 'aria-label="a &lt;figure> &amp; more"' in text


def test_letters_do_not_grow_beyond_those_of_the_page(tmp_path):
    figure, _ = plot.new_figure(width=5, height=2)
    text = of_page(figure, tmp_path / "one.png")
    assert f"--wide: {SCALE * 5 * 72:.0f}px" in text


def test_a_map_without_lines_of_equal_difficulty_does_not_speak_of_them():
    easy = np.repeat(np.random.default_rng(0).random((30, 1, 1)), 32, axis=1).repeat(32, axis=2)
    found = plan(easy + 1e-6 * np.random.default_rng(1).random(easy.shape), [4, 8], [0.5, 0.75])
    assert plot.plan_map(found).get_title() == ""
