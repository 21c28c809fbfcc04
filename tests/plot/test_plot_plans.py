"""Pictures of plans."""

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae import plot


@pytest.fixture(scope="module")
def plan():
    spectrum = sm.fields.power_law((24, 24), -2.5)
    images = sm.fields.gaussian_fields(spectrum, 24, rng=0)
    return sm.plan(images, [4, 8], [0.5, 0.75, 0.9])


def test_the_lines_of_a_map_are_named_inside_the_axes(plan):
    ax = plot.plan_map(plan, equal=(0.25, 0.5, 0.75, 0.9, 0.95))
    ax.figure.canvas.draw()
    assert len(ax.texts) > 0
    inside = ax.get_window_extent()
    for text in ax.texts:
        box = text.get_window_extent()
        assert inside.x0 <= box.x0 < box.x1 <= inside.x1
        assert inside.y0 <= box.y0 < box.y1 <= inside.y1


def side_of(ax):
    (side,) = ax.child_axes
    return dict(zip([t.get_text() for t in side.get_yticklabels()], side.get_yticks(), strict=True))


def test_levels_are_named_where_the_reference_has_them(plan):
    ax = plot.plan_curves(plan, equal=(0.25, 0.75, 0.99))
    curve = plan.reference.scale
    assert side_of(ax) == pytest.approx({"0.25": curve.at(0.25), "0.75": curve.at(0.75)})
    (band,) = ax.collections[-1:]
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx((curve.explained + curve.stderr).max())
    costs = plot.plan_costs(plan)
    assert side_of(costs) == pytest.approx({"0.75": curve.at(0.75)})
    assert "49 of 196 tokens" in [text.get_text() for text in costs.texts]


def test_a_map_marks_the_settings_that_were_measured(plan):
    """On 9 patches a ratio of 0.9 would hide all or none, so it has no row."""
    marks = plot.plan_map(plan).lines[0]
    assert len(marks.get_xdata()) == len(plan.table())
    assert np.isfinite(marks.get_xdata()).all()
