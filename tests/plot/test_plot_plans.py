"""Pictures of plans."""

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae import plot

pytestmark = pytest.mark.slow


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


def test_no_line_of_a_map_lies_under_its_label(plan):
    ax = plot.plan_map(plan, equal=(0.5, 0.75))
    ax.figure.canvas.draw()
    (lines,) = [c for c in ax.collections if type(c).__name__ == "QuadContourSet" and not c.filled]
    assert len(ax.texts) > 0
    for text in ax.texts:
        box = text.get_window_extent()
        for path in lines.get_paths():
            if len(path):
                corners = ax.transData.transform(path.interpolated(50).vertices)
                assert not any(box.contains(x, y) for x, y in corners)


def test_a_patch_size_has_one_marker_and_the_map_names_its_design():
    images = sm.fields.gaussian_fields(sm.fields.power_law((16, 16), -2.0), 40, rng=0)
    plan = sm.plan(images, [2, 4], [0.5, 0.75], designs=["fixed:M", "block:2x2"])
    for draw in (
        lambda: plot.plan_curves(plan, drawn=True),
        lambda: plot.plan_octaves(plan, drawn=True),
        lambda: plot.plan_costs(plan),
    ):
        handles, labels = draw().get_legend_handles_labels()
        markers: dict[str, set[str]] = {}
        for handle, label in zip(handles, labels, strict=True):
            if not label.startswith("reference"):
                line = getattr(handle, "lines", [handle])[0]
                markers.setdefault(label.split(" px")[0], set()).add(line.get_marker())
        assert sorted(map(len, markers.values())) == [1, 1]
        assert markers["2"] != markers["4"]
    assert plot.plan_map(plan).get_title().startswith("fixed:M only")


def test_costs_are_of_encoder_and_decoder(plan):
    ax = plot.plan_costs(plan)
    found = sorted(x for line in ax.lines if line.get_marker() != "None" for x in line.get_xdata())
    assert found == pytest.approx(sorted(one.relative_total for one in plan.settings))


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
