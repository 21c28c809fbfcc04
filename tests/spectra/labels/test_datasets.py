"""Results as ``xarray.Dataset``, in netCDF files, and back."""

import dataclasses
import sys

import numpy as np
import pytest
from labelled_results import KINDS, labelled_results

import spectral_mae as sm

xarray = pytest.importorskip("xarray")

LABELS = {
    "none": lambda ndim: None,
    "unit": lambda ndim: "mm",
    "all": lambda ndim: sm.Labels(
        units=("s",) * ndim,
        dims=("depth", "lat", "time of day")[-ndim:],
        values="m s-1",
        directions=(-1, 1, -1)[-ndim:],
    ),
}
SHAPES = [(16,), (15,), (8, 12), (9, 15), (12, 5), (4, 6, 8), (2, 1)]
IMAGE = np.random.default_rng(0).standard_normal((8, 12))


def assert_same(one, other):
    """Every field equal, with its type."""
    assert type(one) is type(other)
    if dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            assert_same(one[name], other[name])
    else:
        assert one == other


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_results_come_back_equal(shape, labels):
    for result in labelled_results(shape, LABELS[labels](len(shape))).values():
        assert_same(type(result).from_xarray(result.to_xarray()), result)


@pytest.mark.parametrize(
    ("engine", "shape", "labels"),
    [
        ("scipy", (8, 12), "all"),
        ("scipy", (15,), "none"),
        ("netcdf4", (8, 12), "all"),
        ("netcdf4", (15,), "none"),
        ("h5netcdf", (8, 12), "all"),
    ],
)
def test_results_come_back_equal_from_files(shape, labels, engine, tmp_path):
    pytest.importorskip({"netcdf4": "netCDF4"}.get(engine, engine))
    results = labelled_results(shape, LABELS[labels](len(shape)))
    if engine == "h5netcdf":  # the slowest; its format is that of the one before
        results = {name: results[name] for name in ("psd", "cross", "octaves")}
    for name, result in results.items():
        path = tmp_path / f"{name}.nc"
        result.to_xarray().to_netcdf(path, engine=engine)
        with xarray.open_dataset(path, engine=engine) as dataset:
            assert_same(type(result).from_xarray(dataset), result)


def test_every_kind_of_result_is_tested():
    assert {type(one).__name__ for one in labelled_results((8, 12), None).values()} == set(KINDS)


def test_single_precision_stays(tmp_path):
    spectrum = sm.psd(IMAGE.astype(np.float32))
    spectrum.to_xarray().to_netcdf(tmp_path / "single.nc", engine="scipy")
    with xarray.open_dataset(tmp_path / "single.nc") as dataset:
        assert dataset.power.dtype == np.float32
        assert_same(sm.Spectrum.from_xarray(dataset), spectrum)


def test_tensors_become_arrays():
    torch = pytest.importorskip("torch")
    spectrum = sm.psd(torch.tensor(IMAGE, requires_grad=True), unit="mm")
    for found in (spectrum, spectrum.radial(), spectrum.sectors(3)):
        assert_same(type(found).from_xarray(found.to_xarray()), found.numpy())


@pytest.mark.parametrize("directions", [(1, 1), (-1, 1), (1, -1), (-1, -1)])
def test_each_frequency_has_its_power_and_sign(directions):
    labels = sm.Labels(units=("mm", "s"), directions=directions)
    spectrum = sm.psd(IMAGE, fs=(4.0, 2.0), unit=labels)
    dataset = spectrum.to_xarray()
    assert (np.diff(dataset.freq_y) > 0).all()
    assert (np.diff(dataset.freq_x) > 0).all()
    y, x = spectrum.frequencies
    for i, j in np.ndindex(spectrum.power.shape):
        found = dataset.power.sel(freq_y=directions[0] * y[i], freq_x=directions[1] * x[j])
        assert float(found) == spectrum.power[i, j]


def test_a_wave_lies_at_its_frequency_along_falling_coordinates():
    y, x = np.arange(8)[::-1] * 0.5, np.arange(12) * 0.25
    wave = np.cos(2 * np.pi * (0.5 * y[:, np.newaxis] + 1.0 * x))
    power = (
        sm.psd(xarray.DataArray(wave, dims=("y", "x"), coords={"y": y, "x": x})).to_xarray().power
    )
    place = power.where(power == power.max(), drop=True)
    assert (place.freq_y.item(), place.freq_x.item()) == (0.5, 1.0)


def test_lags_have_signs_and_units():
    labels = sm.Labels(units=("mm", "mm"), values="K", directions=(-1, 1))
    found = sm.unmasked_psd(IMAGE, np.ones(IMAGE.shape, bool), fs=4.0, unit=labels)
    dataset = found.to_xarray()
    assert dataset.lag_y.units == "mm"
    assert dataset.autocovariance.units == "K^2"
    assert "units" not in dataset.pairs.attrs
    there = dataset.autocovariance.sel(lag_y=-0.25 * 3, lag_x=0.25 * 2)
    assert float(there) == found.autocovariance[3, 2]


def test_what_the_dataset_says():
    labels = sm.Labels(units=("mm", "mm"), values="K")
    spectrum = sm.psd(IMAGE, fs=4.0, unit=labels)
    dataset = spectrum.to_xarray()
    assert dict(dataset.sizes) == {"freq_y": 8, "freq_x": 7}
    assert dataset.freq_y.attrs == {"long_name": "frequency along y", "units": "1/mm"}
    assert dataset.power.units == "K^2 mm^2"
    assert dataset.attrs["scaling"] == "density"
    assert dataset.attrs["fs"].tolist() == [4.0, 4.0]
    rings = spectrum.radial().to_xarray()
    assert rings.freq_r.attrs == {"long_name": "radial frequency", "units": "1/mm"}
    assert rings.stderr.units == "K^2 mm^2"
    assert "units" not in rings["count"].attrs
    plain = sm.psd(IMAGE).to_xarray()
    assert plain.freq_x.units == "1/pixel"
    assert "units" not in plain.power.attrs
    leak = sm.leakage(IMAGE, 4, 0.5, unit=labels)
    assert leak.to_xarray().ratio.units == "1"
    np.testing.assert_array_equal(leak.radial().to_xarray().ratio, leak.radial().ratio)
    cross = sm.cross_spectrum(IMAGE, 0.5 * IMAGE).radial()
    np.testing.assert_array_equal(cross.to_xarray().gain, cross.gain)
    np.testing.assert_array_equal(cross.to_xarray().gain_stderr, cross.stderr["gain"])


def test_axes_have_the_names_of_the_dimensions():
    found = sm.psd(xarray.DataArray(IMAGE, dims=("lat", "lon"))).to_xarray()
    assert found.power.dims == ("freq_lat", "freq_lon")
    assert sm.psd(IMAGE[0]).to_xarray().power.dims == ("freq_x",)
    assert sm.psd(IMAGE[np.newaxis], ndim=3).to_xarray().power.dims == (
        "freq_z",
        "freq_y",
        "freq_x",
    )


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda d: d.power, TypeError, r"is not an xarray\.Dataset"),
        (lambda d: d.drop_vars("power"), ValueError, "lacks 'power'"),
        (lambda d: d.isel(freq_y=slice(3)), ValueError, r"\(3, 7\) is a part of \(8, 7\)"),
        (lambda d: d.assign_attrs(result="RadialSpectrum"), ValueError, "a RadialSpectrum"),
        (lambda d: xarray.Dataset({"power": d.power}), ValueError, "no result of this package"),
        (lambda d: IMAGE, TypeError, r"is not an xarray\.Dataset"),
    ],
)
def test_what_is_no_whole_result_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        sm.Spectrum.from_xarray(change(sm.psd(IMAGE).to_xarray()))


def test_a_part_of_a_leakage_is_refused():
    dataset = sm.leakage(IMAGE, 4, 0.5).to_xarray()
    with pytest.raises(ValueError, match="a Leakage lacks 'leaked'"):
        sm.Leakage.from_xarray(dataset.drop_vars("leaked"))


def test_without_xarray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs xarray.*pip install -e '\.\[xarray\]'"):
        sm.psd(IMAGE).to_xarray()
