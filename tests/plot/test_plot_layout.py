"""What makes pictures hard to read: cut labels, labels on lines, too few ticks, odd colours."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae import plot
from spectral_mae.plot.drawing.style import CYCLE

LOSSES = {
    "loss": [0.4, 0.6],
    "accuracy": [0.3, 0.4],
    "stderr": [0.01] * 2,
    "mask_ratio": [0.5, 0.9],
}
EPOCHS = np.arange(1, 21)
HISTORY = {
    "epoch": EPOCHS,
    "loss": 0.3 + np.exp(-EPOCHS / 5),
    "held_out": 0.33 + np.exp(-EPOCHS / 5),
}
BATCH = sm.Periodogram((32, 32)).radial(np.random.default_rng(0).random((5, 32, 32)))


def drawn(ax):
    """The figure of axes, drawn, with its renderer."""
    figure = ax.figure
    figure.canvas.draw()
    return figure, figure.canvas.get_renderer()


@pytest.mark.parametrize(
    "ax",
    [
        pytest.param(lambda: plot.loss_and_accuracy(LOSSES), id="loss_and_accuracy"),
        pytest.param(lambda: plot.training(HISTORY), id="training"),
        pytest.param(lambda: plot.psd(sm.psd(np.eye(16)), kind="polar"), id="polar"),
        pytest.param(lambda: plot.slopes({"a": [-1.0, -2.0]}), id="slopes"),
    ],
)
def test_labels_of_axes_lie_in_the_figure(ax):
    ax = ax()
    figure, renderer = drawn(ax)
    for axis in figure.axes:
        for label in (axis.xaxis.label, axis.yaxis.label, axis.title):
            if not label.get_text():
                continue
            box = label.get_window_extent(renderer)
            assert box.x0 >= 0
            assert box.y0 >= 0
            assert box.x1 <= figure.bbox.width
            assert box.y1 <= figure.bbox.height


def test_the_name_of_a_level_stands_where_the_curves_are_not():
    ax = plot.training(HISTORY, lines={"best linear map": 0.35})
    _, renderer = drawn(ax)
    (name,) = ax.texts
    box = name.get_window_extent(renderer)
    for line in ax.lines[:2]:
        points = ax.transData.transform(np.column_stack(line.get_data()))
        assert not any(box.contains(*point) for point in points)
    assert len([text for text in ax.get_yticklabels(which="both") if text.get_text()]) >= 3
    assert all(float(text.get_text()).is_integer() for text in ax.get_xticklabels())


def test_points_of_one_name_stand_nearer_than_those_of_the_next():
    values = {label: ([0.5, 0.4], [0.1, 0.1]) for label in ("a", "b", "c")}
    ax = plot.estimates(values, ["low", "high"])
    places = [container.lines[0].get_xdata() for container in ax.containers]
    within = max(place[0] for place in places) - min(place[0] for place in places)
    between = min(place[1] for place in places) - max(place[0] for place in places)
    assert between > within
    assert np.mean(places, axis=0) == pytest.approx([0, 1])


def test_the_legend_of_slopes_lies_above_bars_and_medians():
    ax = plot.slopes({"a": [-1.0, -2.0, -2.1], "b": [-1.1, -1.2, -3.0]})
    _, renderer = drawn(ax)
    bottom = ax.get_legend().get_window_extent(renderer).y0
    for lines in ax.collections:
        top = lines.get_paths()[0].vertices[:, 1].max()
        assert ax.transData.transform((0, top))[1] < bottom
    assert max(bar.get_window_extent(renderer).y1 for bar in ax.patches) < bottom


def test_lines_on_axes_made_outside_the_style_have_its_colours():
    with plt.rc_context({"axes.prop_cycle": plt.cycler(color=["red", "lime"])}):
        _, ax = plt.subplots()
    leak = sm.leakage(np.random.default_rng(0).random((32, 32)), 8, 0.5).radial()
    for label in ("a", "b"):  # the second call goes on with the next colour
        plot.leakage(leak, ax, label=label)
    assert [line.get_color() for line in ax.lines] == list(CYCLE[:2])


def test_ratios_close_to_one_have_several_ticks():
    axes = plot.radial_ratio({"a": BATCH, "b": BATCH}, reference="a")
    drawn(axes[1])
    low, high = axes[1].get_ylim()
    assert sum(low <= tick <= high for tick in axes[1].get_yticks()) >= 3
