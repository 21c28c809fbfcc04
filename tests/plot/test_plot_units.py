"""Axes of pictures say the units that results carry."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

import spectral_mae as sm
from spectral_mae import plot

IMAGE = np.random.default_rng(0).standard_normal((16, 24))
KELVIN = sm.Labels(units=("mm", "mm"), values="K")


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def colour_label(ax):
    return ax.figure.axes[-1].get_ylabel()


@pytest.mark.parametrize(
    ("unit", "fs", "along", "power"),
    [
        (None, 1.0, ("cycles/pixel",) * 2, "power density (per (cycle/pixel)²)"),
        (None, 4.0, ("units of fs",) * 2, "power density (per (unit of fs)²)"),
        ("mm", 4.0, ("cycles/mm",) * 2, "power density (per (cycle/mm)²)"),
        (KELVIN, 1.0, ("cycles/mm",) * 2, "power density (K² per (cycle/mm)²)"),
        (("s", "mm"), 4.0, ("cycles/s", "cycles/mm"), "power density (per cycle/s · cycle/mm)"),
        (("m s-1",) * 2, 4.0, ("cycles/(m s-1)",) * 2, "power density (per (cycle/(m s-1))²)"),
        (
            sm.Labels((None, "mm")),
            (1.0, 4.0),
            ("cycles/pixel", "cycles/mm"),
            "power density (per cycle/pixel · cycle/mm)",
        ),
    ],
)
def test_maps(unit, fs, along, power):
    ax = plot.psd(sm.psd(IMAGE, fs=fs, unit=unit))
    assert ax.get_ylabel() == f"vertical frequency ({along[0]})"
    assert ax.get_xlabel() == f"horizontal frequency ({along[1]})"
    assert colour_label(ax) == power


@pytest.mark.parametrize(
    ("scaling", "label"),
    [
        ("density", "power density (K² per (cycle/mm)²)"),
        ("spectrum", "power per frequency (K²)"),
        ("energy", "|X|² (K²)"),
    ],
)
def test_every_scaling_has_its_unit(scaling, label):
    spectrum = sm.psd(IMAGE, fs=4.0, unit=KELVIN, scaling=scaling)
    assert plot.radial(spectrum.radial()).get_ylabel() == label
    assert plot.sectors(spectrum.sectors(3)).get_ylabel() == label


def test_lines_over_frequency():
    options = {"fs": 4.0, "unit": "mm"}
    spectrum = sm.psd(IMAGE, **options)
    leak = sm.leakage(IMAGE, 4, 0.5, **options)
    signal = sm.leakage(IMAGE[0], 4, 0.5, **options)
    compared = sm.compare_spectra([IMAGE], [0.5 * IMAGE], **options)
    for ax in (
        plot.radial({"a": spectrum.radial()}),
        plot.leakage(leak.radial()),
        plot.leakage(signal),
        plot.psd(sm.psd(IMAGE[0], **options)),
        plot.comparison(compared),
        plot.compared_power(compared),
    ):
        assert ax.get_xlabel() == "frequency (cycles/mm)"
    assert plot.leakage(leak).get_xlabel() == "horizontal frequency (cycles/mm)"
    ratio = plot.power_ratio(compared.spectrum())
    assert ratio.get_ylabel() == "vertical frequency (cycles/mm)"


def test_a_volume_shows_the_units_of_its_last_axes():
    volume = np.random.default_rng(0).standard_normal((4, 8, 8))
    ax = plot.psd(sm.psd(volume, ndim=3, fs=(25.0, 2.0, 2.0), unit=("s", "mm", "mm")))
    assert ax.get_xlabel() == "horizontal frequency (cycles/mm)"
    assert ax.get_ylabel() == "vertical frequency (cycles/mm)"


@pytest.mark.parametrize("directions", [(1, 1), (-1, 1), (1, -1)])
def test_ticks_fall_where_coordinates_do(directions):
    """A wave is drawn at the frequency that it has along its coordinates."""
    y, x = (np.arange(n) * sign for n, sign in zip((16, 24), directions, strict=True))
    wave = np.cos(2 * np.pi * (y[:, np.newaxis] * 0.25 + x * 0.125))
    labels = sm.Labels(units=("mm", "mm"), directions=directions)
    ax = plot.psd(sm.psd(wave, unit=labels), colorbar=False)
    image = ax.images[0]
    values = np.asarray(image.get_array())
    left, right, bottom, top = image.get_extent()
    columns = left + (np.arange(values.shape[1]) + 0.5) * (right - left) / values.shape[1]
    rows = top + (np.arange(values.shape[0]) + 0.5) * (bottom - top) / values.shape[0]
    found = {
        (round(float(rows[i]), 6), round(float(columns[j]), 6))
        for i, j in np.argwhere(values == values.max())
    }
    assert found == {(0.25, 0.125), (-0.25, -0.125)}


def test_pictures_are_drawn():
    figure, axes = plot.new_figure(1, 2)
    plot.psd(sm.psd(IMAGE, unit=KELVIN), ax=axes[0, 0])
    plot.radial(sm.psd(IMAGE, unit=KELVIN).radial(), ax=axes[0, 1])
    assert isinstance(figure, Figure)
    figure.canvas.draw()
