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
    for text in ax.texts:
        x, y = ax.transAxes.inverted().transform(ax.transData.transform(text.xy))
        assert 0 < x < 1
        assert 0 < y < 1


def test_a_map_marks_the_settings_that_were_measured(plan):
    """On 9 patches a ratio of 0.9 would hide all or none, so it has no row."""
    marks = plot.plan_map(plan).lines[0]
    assert len(marks.get_xdata()) == len(plan.table())
    assert np.isfinite(marks.get_xdata()).all()
