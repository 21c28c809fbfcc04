"""Pictures of what models make of each frequency."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex
from plot_cases import SHAPES, fitted

import spectral_mae as sm
from spectral_mae import plot
from spectral_mae.linear.reconstruction import Reconstruction
from spectral_mae.plot.responses import LABELS

mpl.use("Agg")


def curve_of(rings, name):
    values = getattr(rings, name)
    return values if name in ("gain", "explained", "coherence") else values / rings.original


@SHAPES
@pytest.mark.parametrize("whole", [True, False])
def test_response_of_one_model(shape, channels, whole):
    response = fitted(shape, channels).frequency_response()
    rings = response.radial()
    ax = plot.response(response if whole else rings)
    names = ("gain", "explained", "aliased", "noise")
    for line, name in zip(ax.lines, names, strict=False):
        np.testing.assert_allclose(line.get_ydata(), curve_of(rings, name))
        np.testing.assert_array_equal(line.get_xdata(), rings.frequency)
        assert line.get_label() == LABELS[name]
    assert len(ax.lines) == 5  # and zero
    np.testing.assert_array_equal(ax.lines[4].get_ydata(), 0)
    assert len({line.get_color() for line in ax.lines[:4]}) == 4
    assert ax.lines[0].get_linestyle() == "--"
    assert [line.get_linestyle() for line in ax.lines[1:4]] == ["-"] * 3
    assert ax.get_xscale() == "log"
    assert ax.get_xlabel() == "frequency (cycles/pixel)"
    assert ax.get_ylabel()


def test_response_of_several_models():
    named = {
        f"m = {m}": fitted(model=sm.LinearMAE(4, m)).frequency_response() for m in (0.25, 0.75)
    }
    curves = ("explained", "error", "gain", "passed", "reconstructed")
    ax = plot.response(named, curves=curves)
    lines = iter(ax.lines)
    colours, dashes = [], []
    for name, response in named.items():
        for curve in curves:
            line = next(lines)
            np.testing.assert_allclose(line.get_ydata(), curve_of(response.radial(), curve))
            assert line.get_label() == f"{name}: {LABELS[curve]}"
            colours.append(to_hex(line.get_color()))
            dashes.append(line.get_linestyle())
    assert len(set(colours[:5])) == len(set(colours[5:])) == 1
    assert colours[0] != colours[5]
    assert dashes[:5] == dashes[5:] == ["-", "--", ":", "-.", "-"]


def test_nothing_to_draw_is_refused():
    response = fitted().frequency_response()
    for make in (lambda: plot.response({}), lambda: plot.response(response, curves=())):
        with pytest.raises(ValueError, match=r"no (responses|curves) to draw"):
            make()
    for rows in ({}, {"a": {}}):
        with pytest.raises(ValueError, match="no receptive fields to draw"):
            plot.receptive_fields(rows)


def test_curves_that_do_not_exist_are_refused():
    response = fitted().frequency_response()
    with pytest.raises(ValueError, match=r"curves=\['power'\] are not among gain, explained"):
        plot.response(response, curves=("gain", "power"))


def test_frequencies_without_power_are_gaps():
    model = sm.LinearMAE(4, 0.5).fit(np.full((3, 12, 16), 0.25))
    rings = model.frequency_response().radial()
    ax = plot.response(rings)
    assert all(np.isnan(line.get_ydata()).all() for line in ax.lines[:4])
    ax = plot.response_power(rings)
    assert ax.texts[0].get_text() == "no power above rounding"


@SHAPES
@pytest.mark.parametrize("whole", [True, False])
def test_response_as_power(shape, channels, whole):
    response = fitted(shape, channels).frequency_response()
    rings = response.radial()
    ax = plot.response_power(response if whole else rings)
    names = ("original", "reconstructed", "error", "passed", "aliased", "noise")
    for line, name in zip(ax.lines, names, strict=True):
        values = getattr(rings, name)
        shown = np.where(values > 1e-14 * rings.original.max(), values, np.nan)
        np.testing.assert_array_equal(line.get_ydata(), shown)
        assert name in line.get_label()
    assert [line.get_linestyle() for line in ax.lines] == ["-"] * 3 + ["--"] * 3
    assert ax.get_yscale() == ax.get_xscale() == "log"
    assert "power density" in ax.get_ylabel()


def test_power_that_is_only_rounding_is_a_gap():
    powers = np.array([1.0, 1e-13, 1e-15])
    rings = sm.RadialResponse(np.array([0.1, 0.2, 0.4]), np.ones(3, int), *[powers] * 6)
    for line in plot.response_power(rings).lines:
        np.testing.assert_array_equal(np.isnan(line.get_ydata()), [False, False, True])
    rows, columns = np.mgrid[:12, :16]
    wave = np.cos(2 * np.pi * (columns / 16 + rows / 12) + 0.3)
    one = Reconstruction(sm.PatchGrid((12, 16), 4), wave, wave, wave, np.zeros((12, 16)), None)
    power = plot.reconstruction(one)[1, 2].lines[0].get_ydata()
    assert np.isfinite(power).sum() == 1
