"""Results that draw themselves, show themselves in notebooks, and become tables of pandas."""

import base64
import io
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
GRID = sm.PatchGrid((16, 16), 4)
MASKS = sm.designs.block(GRID, 2).sample_kept(30, rng=0)
IN_PANELS = {
    "Reconstruction": sm.reconstruct_image(MODEL, IMAGES[0], rng=0),
    "Reconstruction, nothing hidden": sm.reconstruct_image(
        sm.LinearAE(4, 5).fit(IMAGES), IMAGES[0]
    ),
    "MaskAudit": sm.audit_masks(GRID, MASKS),
}
RESULTS = {  # and the rows of their tables, of those that become tables
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
    "CrossSpectrum": (CROSS, None),
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


@pytest.mark.parametrize("name", IN_PANELS)
def test_results_of_several_panels_draw_themselves(name):
    result = IN_PANELS[name]
    _, axes = plt.subplots(2, 3)
    assert result.plot(axes) is axes
    assert sum(ax.has_data() for ax in axes.flat) >= 4
    assert result.plot().shape == (2, 3)


@pytest.mark.parametrize("name", IN_PANELS)
def test_notebooks_show_all_panels(name):
    text = IN_PANELS[name]._repr_html_()
    (data,) = re.findall(r"data:image/png;base64,([\w+/=]+)", text)
    picture = plt.imread(io.BytesIO(base64.b64decode(data)))
    assert picture.shape[1] > picture.shape[0] > 400
    assert 'width="680"' in text
    assert len(text) < 400_000


@pytest.mark.parametrize("shape", [(32,), (8, 8, 8)])
def test_what_no_picture_is_made_for_is_shown_in_numbers(shape):
    signals = RNG.standard_normal((20, *shape))
    grid = sm.PatchGrid(shape, 4)
    model = sm.LinearMAE((4,) * len(shape), 0.5).fit(signals)
    found = [
        sm.compare_spectra(signals, signals / 2, ndim=len(shape)).spectrum(),
        sm.reconstruct_image(model, signals[0], rng=0),
    ]
    for one in found:
        text = one._repr_html_()
        assert "<table" in text
        assert "<img" not in text
        with pytest.raises(ValueError, match="image"):
            one.plot()
    audit = sm.audit_masks(grid, sm.designs.fixed(grid, 0.5).sample_kept(20, rng=0))
    assert "<img" in audit._repr_html_()


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


@pytest.mark.parametrize("name", [name for name, (_, n) in RESULTS.items() if n is not None])
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
