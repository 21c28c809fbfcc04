"""Results that draw themselves, show themselves in notebooks, and become tables of pandas."""

import base64
import re
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import spectral_mae as sm

RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((6, 16, 16))
BATCH = sm.Periodogram((16, 16)).radial(IMAGES)
SPECTRUM = sm.psd(IMAGES[0])
MODEL = sm.LinearMAE(4, 0.5).fit(IMAGES)
RESPONSE = MODEL.frequency_response()
LEAK = sm.leakage(IMAGES[0], 4, 0.5)
CROSS = sm.cross_spectrum(IMAGES[0], IMAGES[1])
RESULTS = {
    "Spectrum": (SPECTRUM, 16 * 9),
    "Spectrum of a signal": (sm.psd(IMAGES[0, 0]), 9),
    "RadialSpectrum": (SPECTRUM.radial(), 8),
    "RadialSpectrum, a batch": (BATCH, 48),
    "SectorSpectrum": (SPECTRUM.sectors(4), 4),
    "RadialRatio": (BATCH[0] / BATCH[1], 8),
    "SpectrumRatio": (SPECTRUM / sm.psd(IMAGES[1]), 16 * 9),
    "Leakage": (LEAK, 16 * 9),
    "RadialLeakage": (LEAK.radial(), 8),
    "FrequencyResponse": (RESPONSE, 16 * 16),
    "RadialResponse": (RESPONSE.radial(), 8),
    "RadialCrossSpectrum": (CROSS.radial(), 8),
    "SpectraComparison": (sm.compare_spectra(IMAGES, IMAGES / 2), 8),
}


@pytest.fixture(autouse=True)
def no_figures_left():
    yield
    plt.close("all")


@pytest.mark.parametrize("name", RESULTS)
def test_results_draw_themselves(name):
    result, _ = RESULTS[name]
    _, ax = plt.subplots()
    assert result.plot(ax) is ax
    assert ax.has_data()
    assert ax.get_xlabel()


def test_options_of_pictures_are_passed_on():
    ax = BATCH.plot(band="percentile", guides=[-1])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), np.median(BATCH.power, axis=0))
    assert SPECTRUM.plot(vmin=1e-3, vmax=1.0).images[0].get_clim() == (1e-3, 1.0)


def test_receptive_fields_draw_themselves_and_their_rings_are_tables():
    field = MODEL.receptive_field((6, 6))
    assert field.plot(log=True).images
    shown = field._repr_html_()
    assert f"{field.mean_distance:.3g} pixels" in shown
    assert "data:image/png;base64" in shown
    rings = field.by_distance()
    pandas = pytest.importorskip("pandas")
    table = rings.to_dataframe()
    assert isinstance(table, pandas.DataFrame)
    np.testing.assert_array_equal(table["weight"], rings.weight)


@pytest.mark.parametrize("name", RESULTS)
def test_notebooks_show_numbers_and_a_picture(name):
    result, _ = RESULTS[name]
    before, figures = dict(mpl.rcParams), plt.get_fignums()
    text = result._repr_html_()
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == figures
    kind = type(result).__name__
    assert f"<b>{kind}</b>" in text
    assert f'alt="Picture of this {kind}"' in text
    (data,) = re.findall(r"data:image/png;base64,([\w+/=]+)", text)
    assert base64.b64decode(data).startswith(b"\x89PNG")
    assert len(text) < 80_000


def test_the_numbers_are_those_of_the_result():
    slope, stderr = SPECTRUM.radial().fit_slope()
    assert f"{slope:.3f} ± {stderr:.3f}" in SPECTRUM.radial()._repr_html_()
    assert "none" in sm.psd(np.ones((8, 8))).radial()._repr_html_()


@pytest.mark.parametrize("name", RESULTS)
def test_results_become_tables(name):
    pytest.importorskip("pandas")
    result, n_rows = RESULTS[name]
    assert len(result.to_dataframe()) == n_rows


def test_tables_hold_the_numbers():
    pytest.importorskip("pandas")
    table = BATCH.to_dataframe()
    for i, one in enumerate(BATCH):
        np.testing.assert_array_equal(table[table.spectrum == i].power, one.power)
    plane = SPECTRUM.to_dataframe()
    row = plane[(plane.frequency_y == -0.25) & (plane.frequency_x == 0.125)]
    assert row.power.item() == SPECTRUM.power[12, 2]


def test_without_pandas_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs pandas, .*\[pandas\]"):
        BATCH.to_dataframe()
