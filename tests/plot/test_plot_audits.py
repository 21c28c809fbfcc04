"""Pictures of audits: strips, numbers with error bars, spectra of tokens."""

import matplotlib as mpl
import numpy as np
import pytest

from spectral_mae import plot
from spectral_mae.plot.drawing.style import HIDDEN

mpl.use("Agg")


@pytest.mark.parametrize("channels", [None, 3])
def test_strips_put_visible_pixels_back(channels):
    shape = (2, 4, 6) if channels is None else (2, 4, 6, channels)
    images = np.random.default_rng(0).random(shape)
    visible = np.zeros((2, 4, 6), bool)
    visible[:, :2] = True
    ax = plot.strips(images, visible, {"gray": np.full(shape, 0.25)})
    assert ax.shape == (2, 3)
    assert [axis.get_title() for axis in ax[0]] == ["original", "visible", "gray"]
    for row, image in zip(ax, images, strict=True):
        original, seen, filled = (np.asarray(axis.images[0].get_array()) for axis in row)
        np.testing.assert_array_equal(original, image)
        np.testing.assert_allclose(seen[2:], np.broadcast_to(HIDDEN, (2, 6, 3)))
        np.testing.assert_array_equal(filled[:2], image[:2])
        np.testing.assert_array_equal(filled[2:], 0.25)


def test_strips_of_other_units_use_their_own_range():
    images = np.linspace(-3, 2, 16).reshape(1, 4, 4)
    ax = plot.strips(images, np.ones((1, 4, 4), bool), {"same": images})
    shown = np.asarray(ax[0, 0].images[0].get_array())
    assert (shown.min(), shown.max()) == (0, 1)


def test_estimates_have_their_error_bars():
    values = {
        "a": ([0.1, np.nan, 0.3], [0.01, 0.02, 0.03]),
        "b": ([1.0, 2.0, 3.0], [0.1, 0.2, 0.3]),
    }
    ax = plot.estimates(values, ["low", "middle", "high"], label="explained")
    first, second = ax.containers
    np.testing.assert_allclose(first.lines[0].get_ydata(), [0.1, 0.3])
    ends = np.array([segment[:, 1] for segment in second.lines[2][0].get_segments()])
    np.testing.assert_allclose(ends, [[0.9, 1.1], [1.8, 2.2], [2.7, 3.3]])
    assert [text.get_text() for text in ax.get_xticklabels()] == ["low", "middle", "high"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert ax.get_ylabel() == "explained"


def test_layers_are_relative_to_their_mean():
    power = {"embedding": [4.0, 2.0, 0.0], "decoder 1": [30.0, 20.0, 10.0]}
    ax = plot.token_spectra([0.1, 0.2, 0.4], power)
    first, second = ax.lines
    np.testing.assert_allclose(first.get_ydata(), [2, 1, np.nan])
    np.testing.assert_allclose(second.get_ydata(), [1.5, 1, 0.5])
    assert (first.get_linestyle(), second.get_linestyle()) == ("-", "--")
    assert tuple(first.get_color()) != tuple(second.get_color())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot.strips(np.ones((2, 4)), [[True]], {"a": 1}), "originals of shape"),
        (lambda: plot.strips(np.ones((1, 2, 2)), np.ones((1, 2, 3), bool), {"a": 1}), "visible of"),
        (lambda: plot.strips(np.ones((1, 2, 2)), np.ones((1, 2, 2), bool), {}), "outputs={}"),
        (
            lambda: plot.strips(
                np.ones((1, 2, 2)), np.ones((1, 2, 2), bool), {"a": np.ones((1, 2, 3))}
            ),
            r"outputs\['a'\] of shape",
        ),
        (lambda: plot.estimates({}, ["a"]), "values={}"),
        (lambda: plot.estimates({"a": ([1.0], [1.0, 2.0])}, ["a"]), "are not 1 numbers"),
        (lambda: plot.token_spectra([0.1], {"a": [1.0, 2.0]}), r"power\['a'\] of shape"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
