"""Names and units of axes: what results carry, and the units that follow."""

import csv
import dataclasses
import json
import pickle

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.spectra.labels.axis_labels import axis_units, inverse, labels_of, power_unit

IMAGE = np.random.default_rng(0).standard_normal((8, 12))
KELVIN = sm.Labels(units=("mm", "mm"), values="K")
SPACE_TIME = sm.Labels(units=("s", "mm"), dims=("time", "x"))


@pytest.mark.parametrize(
    ("units", "dims"),
    [(("mm",), ("x",)), (("s", "mm"), ("y", "x")), ((None,) * 3, ("z", "y", "x"))],
)
def test_axes_have_names_and_directions_by_default(units, dims):
    labels = sm.Labels(units)
    assert labels.dims == dims
    assert labels.directions == (1,) * len(units)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"units": "mm"}, TypeError, "'mm' is text"),
        ({"units": ()}, ValueError, r"units=\(\)"),
        ({"units": ("mm", 3)}, TypeError, "units=3 is no text"),
        ({"units": ("mm", " ")}, ValueError, "units=' ' is empty"),
        ({"units": ("m", "m"), "dims": ("x", "x")}, ValueError, r"dims=\('x', 'x'\)"),
        ({"units": ("m", "m"), "dims": ("x",)}, ValueError, "not 2 different names"),
        ({"units": ("m", "m"), "directions": (1, 2)}, ValueError, r"directions=\(1, 2\)"),
        ({"units": ("m",), "values": 1.0}, TypeError, "values=1.0 is no text"),
    ],
)
def test_labels_that_are_none_are_refused(fields, error, message):
    with pytest.raises(error, match=message):
        sm.Labels(**fields)


def test_a_unit_stands_for_labels():
    assert labels_of(None, 2) is None
    assert labels_of("mm", 2) == labels_of(["mm", "mm"], 2) == sm.Labels(("mm", "mm"))
    assert labels_of(KELVIN, 2) is KELVIN
    with pytest.raises(ValueError, match="has 2 units for 1 axes"):
        sm.psd(IMAGE[0], unit=("mm", "mm"))
    with pytest.raises(TypeError, match="unit=3"):
        sm.psd(IMAGE, unit=3)


@pytest.mark.parametrize(
    ("labels", "fs", "scaling", "expected"),
    [
        (KELVIN, (2.0, 2.0), "density", "K^2 mm^2"),
        (KELVIN, (2.0, 2.0), "spectrum", "K^2"),
        (KELVIN, (2.0, 2.0), "energy", "K^2"),
        (sm.Labels(("s", "mm"), values="m s-1"), (2.0, 3.0), "density", "(m s-1)^2 s mm"),
        (sm.Labels(("s",), values="1"), (2.0,), "density", "s"),
        (sm.Labels(("s",), values="1"), (2.0,), "spectrum", "1"),
        (sm.Labels((None, "mm"), values="K"), (1.0, 2.0), "density", "K^2 pixel mm"),
        (sm.Labels((None, "mm"), values="K"), (2.0, 2.0), "density", None),
        (sm.Labels((None, "mm"), values="K"), (2.0, 2.0), "spectrum", "K^2"),
        (sm.Labels(("mm", "mm")), (2.0, 2.0), "density", None),
        (None, (1.0, 1.0), "density", None),
    ],
)
def test_the_unit_of_power(labels, fs, scaling, expected):
    assert power_unit(labels, fs, scaling) == expected


def test_the_unit_of_frequency():
    assert [inverse(unit) for unit in ("mm", "m s-1", None)] == ["1/mm", "1/(m s-1)", None]
    assert axis_units(None, (1.0, 1.0)) == ("pixel", "pixel")
    assert axis_units(None, (1.0, 2.0)) == (None, None)
    assert axis_units(sm.Labels((None, "mm")), (1.0, 2.0)) == ("pixel", "mm")


def results(unit):
    """Every kind of result, by name."""
    rng = np.random.default_rng(1)
    other, visible = IMAGE + rng.standard_normal(IMAGE.shape), rng.random(IMAGE.shape) < 0.8
    batch = np.stack([IMAGE, other])
    options = {"fs": 4.0, "unit": unit}
    spectrum = sm.psd(IMAGE, **options)
    cross = sm.cross_spectrum(IMAGE, other, **options)
    leak = sm.leakage(IMAGE, 4, 0.5, **options)
    compared = sm.compare_spectra(batch, batch[::-1], **options)
    return {
        "psd": spectrum,
        "rings": spectrum.radial(),
        "sectors": spectrum.sectors(3),
        "batch": sm.Periodogram(IMAGE.shape, **options).radial(batch),
        "mean": sm.Periodogram(IMAGE.shape, **options).mean(batch),
        "welch": sm.welch(IMAGE, 4, **options),
        "cross": cross,
        "cross rings": cross.radial(),
        "cross sectors": cross.sectors(3),
        "compared": compared.spectrum(),
        "compared rings": compared.radial(n_resamples=2),
        "octaves": compared.octaves(n_resamples=2),
        "expected": sm.expected_masked_psd(IMAGE, 4, 0.5, **options),
        "leakage": leak,
        "leakage rings": leak.radial(),
        "unmasked": sm.unmasked_psd(IMAGE, visible, **options),
        "pooled": sm.Unmasking(IMAGE.shape).update(IMAGE, visible).spectrum(**options),
    }


LABELLED = results(KELVIN)


@pytest.mark.parametrize("name", LABELLED)
def test_every_result_carries_labels(name):
    assert LABELLED[name].labels == KELVIN
    assert LABELLED[name].to_dict()["labels"] == dataclasses.asdict(KELVIN)
    json.dumps(LABELLED[name].to_dict())
    assert pickle.loads(pickle.dumps(LABELLED[name])).labels == KELVIN


@pytest.mark.parametrize(("name", "plain"), results(None).items())
def test_labels_change_no_number(name, plain):
    assert plain.labels is None
    assert repr(plain.to_dict()) == repr({**LABELLED[name].to_dict(), "labels": None})


@pytest.mark.parametrize(
    ("name", "units"),
    [
        ("rings", {"frequency_unit": "1/mm", "power_unit": "K^2 mm^2"}),
        ("batch", {"frequency_unit": "1/mm", "power_unit": "K^2 mm^2"}),
        ("sectors", {"power_unit": "K^2 mm^2"}),
        ("cross rings", {"frequency_unit": "1/mm", "power_unit": "K^2 mm^2"}),
        ("cross sectors", {"power_unit": "K^2 mm^2"}),
        ("octaves", {"frequency_unit": "1/mm", "power_unit": "K^2 mm^2"}),
        ("leakage rings", {"frequency_unit": "1/mm"}),
    ],
)
def test_tables_say_units(name, units, tmp_path):
    path = tmp_path / "table.csv"
    LABELLED[name].to_csv(path)
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert all({key: row[key] for key in row if key.endswith("_unit")} == units for row in rows)
    assert len(rows) == LABELLED[name].count.size * (2 if name == "batch" else 1)


def test_tables_of_results_without_labels_have_no_units(tmp_path):
    sm.psd(IMAGE).radial().to_csv(tmp_path / "table.csv")
    assert "unit" not in (tmp_path / "table.csv").read_text(encoding="utf-8")


def mixed(name):
    spectrum = sm.psd(IMAGE, unit=SPACE_TIME)
    cross = sm.cross_spectrum(IMAGE, IMAGE, unit=SPACE_TIME)
    leak = sm.leakage(IMAGE, 4, 0.5, unit=SPACE_TIME)
    return {
        "radial": spectrum.radial,
        "sectors": lambda: spectrum.sectors(2),
        "batch": lambda: sm.Periodogram(IMAGE.shape, unit=SPACE_TIME).radial(IMAGE[np.newaxis]),
        "cross": cross.radial,
        "cross sectors": lambda: cross.sectors(2),
        "leakage": leak.radial,
        "band": lambda: leak.band(0.1, 0.3),
        "compared": lambda: sm.compare_spectra([IMAGE], [IMAGE], unit=SPACE_TIME),
    }[name]


@pytest.mark.parametrize(
    "name",
    ["radial", "sectors", "batch", "cross", "cross sectors", "leakage", "band", "compared"],
)
def test_no_distance_between_frequencies_of_different_units(name):
    with pytest.raises(ValueError, match=r"'time' in s, 'x' in mm.*one unit for all axes"):
        mixed(name)()


def test_spectra_pickled_before_they_had_labels_have_none():
    spectrum = sm.psd(IMAGE)
    old = {name: value for name, value in vars(spectrum).items() if name != "labels"}
    again = object.__new__(type(spectrum))
    again.__dict__.update(old)
    assert again.labels is None
    assert again.radial().labels is None


@pytest.mark.parametrize("scaling", ["density", "spectrum", "energy"])
def test_unmasked_spectra_scale_with_the_sampling_frequency(scaling):
    everything = np.ones(IMAGE.shape, bool)
    found = sm.unmasked_psd(IMAGE, everything, fs=(4.0, 0.5), scaling=scaling)
    true = sm.psd(IMAGE, fs=(4.0, 0.5), scaling=scaling)
    np.testing.assert_allclose(found.power, true.power, rtol=1e-9, atol=1e-12 * true.power.max())
    assert found.fs == true.fs
    assert found.total == pytest.approx(true.total)


def test_results_of_tensors_have_labels(tmp_path):
    torch = pytest.importorskip("torch")
    for wanted in (False, True):
        image = torch.tensor(IMAGE, requires_grad=wanted)
        spectrum = sm.psd(image, fs=4.0, unit=KELVIN)
        batch = sm.Periodogram(IMAGE.shape, fs=4.0, unit=KELVIN)
        for found in (
            spectrum,
            spectrum.radial(),
            spectrum.sectors(3),
            batch.mean(image[None]),
            batch.radial(image[None].float()),
            sm.expected_masked_psd(image, 4, 0.5, fs=4.0, unit=KELVIN),
        ):
            assert found.labels == KELVIN
        for number, found in enumerate((spectrum.radial(), spectrum.sectors(3))):
            path = tmp_path / f"{number}.csv"
            found.to_csv(path)
            assert "K^2 mm^2" in path.read_text(encoding="utf-8").splitlines()[1]
