"""Spectra of ``xarray.DataArray``: sampling frequency, units and channels by name."""

import sys

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae._checks import is_data_array
from spectral_mae.spectra.labels.coordinates import EVEN

xarray = pytest.importorskip("xarray")

RNG = np.random.default_rng(0)
PIXELS = RNG.standard_normal((8, 12))
OTHER = RNG.standard_normal((8, 12))
VISIBLE = RNG.random((8, 12)) < 0.7
FS = (4.0, 2.0)


def image(pixels=PIXELS, *, units="K", step=(0.25, 0.5), unit=("mm", "mm"), start=3.0):
    """A DataArray with coordinates."""
    coords = {
        dim: (dim, start + step[place] * np.arange(pixels.shape[place]), {"units": unit[place]})
        for place, dim in enumerate(("y", "x"))
    }
    attrs = {} if units is None else {"units": units}
    return xarray.DataArray(pixels, dims=("y", "x"), coords=coords, attrs=attrs)


CALLS = {
    "psd": (lambda x, **o: sm.psd(x, **o).power, {}),
    "psd masked": (lambda x, **o: sm.psd(x, visible=VISIBLE, **o).power, {}),
    "welch": (lambda x, **o: sm.welch(x, 4, **o).power, {}),
    "expected": (lambda x, **o: sm.expected_masked_psd(x, 4, 0.5, **o).power, {}),
    "leakage": (lambda x, **o: sm.leakage(x, 4, 0.5, **o).radial().ratio, {}),
    "unmasked": (lambda x, **o: sm.unmasked_psd(x, VISIBLE, **o).power, {}),
    "cross": (lambda x, **o: sm.cross_spectrum(x, OTHER, **o).cross, {}),
    "cross of the other": (lambda x, **o: sm.cross_spectrum(OTHER, x, **o).cross, {}),
    "distance": (lambda x, **o: sm.log_spectral_distance(x, OTHER, **o), {}),
}


@pytest.mark.parametrize("name", CALLS)
def test_numbers_are_those_of_the_plain_array(name):
    call, _ = CALLS[name]
    np.testing.assert_array_equal(call(image()), call(PIXELS, fs=FS))


@pytest.mark.parametrize(
    "call",
    [
        sm.psd,
        lambda x: sm.psd(image=x),
        lambda x: sm.welch(x, 4),
        lambda x: sm.expected_masked_psd(x, 4, 0.5),
        lambda x: sm.leakage(x, 4, 0.5),
        lambda x: sm.unmasked_psd(x, VISIBLE),
        lambda x: sm.unmasked_psd(x, VISIBLE, borders="hidden"),
        lambda x: sm.cross_spectrum(x, x),
        lambda x: sm.cross_spectrum(a=OTHER, b=x),
    ],
)
def test_results_carry_dimensions_units_and_spacing(call):
    found = call(image())
    assert found.labels == sm.Labels(("mm", "mm"), ("y", "x"), "K")
    assert getattr(found, "kept", found).fs == FS


def test_a_dimension_without_coordinate_is_in_pixels():
    found = sm.psd(image().drop_vars("y"))
    assert found.fs == (1.0, 2.0)
    assert found.labels.units == (None, "mm")
    bare = sm.psd(xarray.DataArray(PIXELS, dims=("row", "column")))
    assert bare.fs == (1.0, 1.0)
    assert bare.labels == sm.Labels((None, None), ("row", "column"))
    assert len(bare.radial().frequency)


def test_coordinates_that_are_no_dimension_do_not_count():
    curved = xarray.DataArray(
        PIXELS, dims=("y", "x"), coords={"lon": (("y", "x"), PIXELS), "time": 3.0}
    )
    assert sm.psd(curved).fs == (1.0, 1.0)


def test_a_falling_coordinate_has_a_direction_and_the_same_power():
    falling = image().isel(y=slice(None, None, -1))
    found = sm.psd(falling)
    assert found.fs == FS
    assert found.labels.directions == (-1, 1)
    np.testing.assert_array_equal(found.power, sm.psd(PIXELS[::-1], fs=FS).power)


@pytest.mark.parametrize("north", ["degrees_north", "degree_N", "degreesN", "degree_north"])
def test_degrees_north_and_east_are_degrees(north):
    found = sm.psd(image(unit=(north, "degrees_east")))
    assert found.labels.units == ("degree", "degree")
    assert found.radial().labels.unit == "degree"


@pytest.mark.parametrize(
    ("times", "rate"),
    [
        (np.datetime64("2020-02-28") + np.arange(12) * np.timedelta64(250, "ms"), 4.0),
        (np.arange(12) * np.timedelta64(2, "D"), 1 / 172800),
        (np.datetime64("2020-02-28", "ns") + np.arange(12) * np.timedelta64(1, "h"), 1 / 3600),
    ],
)
def test_times_give_hertz(times, rate):
    series = xarray.DataArray(PIXELS[0], dims="time", coords={"time": times})
    found = sm.psd(series)
    assert found.fs == (pytest.approx(rate, rel=1e-12),)
    assert found.labels.units == ("s",)


def test_times_that_are_not_decoded_keep_their_unit():
    time = ("time", np.arange(12) * 6.0, {"units": "hours since 1950-01-01"})
    found = sm.psd(xarray.DataArray(PIXELS[0], dims="time", coords={"time": time}))
    assert found.labels.units == ("hours",)
    assert found.fs == (pytest.approx(1 / 6),)


def test_coordinates_in_single_precision_are_even_up_to_their_rounding():
    degrees = (359 + 0.01 * np.arange(12)).astype(np.float32)
    found = sm.psd(image().assign_coords(x=degrees))
    assert found.fs[1] == pytest.approx(100, rel=1e-3)
    far = (5e6 + np.arange(12) / 3).astype(np.float32)  # in steps of a half
    assert sm.psd(image().assign_coords(x=far)).fs[1] == pytest.approx(3, rel=0.1)
    with pytest.raises(ValueError, match="not evenly spaced"):
        sm.psd(image().assign_coords(x=far.astype(np.float64)))


@pytest.mark.parametrize("share", [0.9, 1.1])
def test_a_coordinate_may_be_off_by_a_thousandth_of_a_step(share):
    x = np.arange(12.0)
    x[5] += share * EVEN
    moved = image().assign_coords(x=x)
    if share < 1:
        assert sm.psd(moved).fs[1] == 1.0
        return
    with pytest.raises(ValueError, match="not evenly spaced"):
        sm.psd(moved)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.r_[np.arange(11.0), 20.0], ValueError, r"but 10 from 10\.0 to 20\.0 \(number 10 to 11"),
        (np.r_[np.nan, np.arange(11.0)], ValueError, "from nan to 0.0"),
        (np.zeros(12), ValueError, "its step is 0 on average"),
        (list("abcdefghijkl"), TypeError, "holds <U1, not numbers or times"),
        (
            np.datetime64("2020-01") + np.arange(12) * np.timedelta64(1, "M"),
            ValueError,
            "not evenly spaced.*from 2020-0",
        ),
    ],
)
def test_coordinates_without_even_steps_are_refused_with_their_values(x, error, message):
    with pytest.raises(error, match=message) as found:
        sm.psd(image().assign_coords(x=np.asarray(x)))
    assert "image.drop_vars('x')" in str(found.value)
    assert sm.psd(image().drop_vars("x")).fs[1] == 1.0


def test_one_value_has_no_step():
    with pytest.raises(ValueError, match="'y' of image has one value"):
        sm.psd(image(PIXELS[:1]))


def test_two_answers_are_one_too_many():
    with pytest.raises(ValueError, match=r"fs=1\.0, but the coordinates of image give \(4\.0, 2"):
        sm.psd(image(), fs=1.0)
    with pytest.raises(ValueError, match=r"unit='m', but the coordinates of image have the units"):
        sm.psd(image(), unit="m")
    bare = image().drop_vars(["y", "x"])
    assert sm.psd(bare, fs=FS, unit="mm").labels == sm.Labels(("mm", "mm"), ("y", "x"), "K")
    assert sm.psd(image(unit=("", "")), unit="mm").labels.units == ("mm", "mm")
    assert sm.psd(image(unit=("", ""))).labels.units == (None, None)


def test_units_that_differ_have_no_common_distance():
    with pytest.raises(ValueError, match="'y' in s, 'x' in mm"):
        sm.psd(image(unit=("s", "mm"))).radial()
    with pytest.raises(ValueError, match="'y' in s, 'x' in mm"):
        sm.log_spectral_distance(image(unit=("s", "mm")), image(unit=("s", "mm")))


BANDS = RNG.standard_normal((3, 8, 12))
COLOURS = xarray.DataArray(
    BANDS, dims=("band", "y", "x"), coords={**image().coords, "band": ["r", "g", "b"]}
)


@pytest.mark.parametrize("order", [("band", "y", "x"), ("y", "band", "x"), ("y", "x", "band")])
@pytest.mark.parametrize(
    "call",
    [
        lambda x, **o: sm.psd(x, **o).power,
        lambda x, **o: sm.welch(x, 4, **o).power,
        lambda x, **o: sm.expected_masked_psd(x, 4, 0.5, **o).power,
        lambda x, **o: sm.unmasked_psd(x, VISIBLE, **o).power,
        lambda x, **o: sm.cross_spectrum(x, x, **o).power_b,
    ],
)
def test_channels_by_name_or_number(order, call):
    colours = COLOURS.transpose(*order)
    expected = call(np.moveaxis(BANDS, 0, -1), channel_axis=-1, fs=FS)
    for channel_axis in ("band", order.index("band"), order.index("band") - 3):
        np.testing.assert_array_equal(call(colours, channel_axis=channel_axis), expected)


def test_nothing_is_guessed_of_three_dimensions():
    for call in (sm.psd, lambda x: sm.welch(x, 4), lambda x: sm.cross_spectrum(x, x)):
        with pytest.raises(ValueError, match=r"\('band', 'y', 'x'\): give channel_axis='band' or"):
            call(COLOURS)
    with pytest.raises(ValueError, match="three numbers as a patch size for a volume"):
        sm.leakage(COLOURS, 4, 0.5)
    with pytest.raises(ValueError, match="channel_axis='colour' is none of the dimensions"):
        sm.psd(COLOURS, channel_axis="colour")
    with pytest.raises(TypeError, match=r"only the dimensions of an xarray\.DataArray have"):
        sm.psd(BANDS, channel_axis="band")


def test_volumes_are_said_as_for_plain_arrays():
    volume = xarray.DataArray(
        RNG.standard_normal((4, 8, 12)), dims=("z", "y", "x"), coords={"z": np.arange(4) * 2.0}
    )
    assert sm.psd(volume, ndim=3).fs == (0.5, 1.0, 1.0)
    assert sm.expected_masked_psd(volume, (2, 4, 4), 0.5).labels.dims == ("z", "y", "x")
    design = sm.designs.fixed(sm.PatchGrid((4, 8, 12), (2, 4, 4)), 0.5)
    assert sm.leakage(volume, design=design).labels.dims == ("z", "y", "x")


def test_masks_follow_the_dimensions_by_name():
    square = image(RNG.standard_normal((12, 12)))
    mask = xarray.DataArray(RNG.random((12, 12)) < 0.6, dims=("y", "x"))
    expected = sm.unmasked_psd(square.values, mask.values, fs=FS).power
    for given in (mask, mask.T):
        np.testing.assert_array_equal(sm.unmasked_psd(square, given).power, expected)
    weighted = sm.psd(square, visible=mask.T).power
    np.testing.assert_array_equal(weighted, sm.psd(square.values, visible=mask.values, fs=FS).power)
    several = xarray.concat([mask, ~mask], "draw")
    np.testing.assert_array_equal(
        sm.unmasked_psd(square, several.transpose("x", "draw", "y")).power,
        sm.unmasked_psd(square.values, several.values, fs=FS).power,
    )
    with pytest.raises(ValueError, match=r"visible has the dimensions \('y', 'z'\)"):
        sm.unmasked_psd(square, mask.rename(x="z"))
    # A mask alone says nothing about the image.
    np.testing.assert_array_equal(sm.unmasked_psd(square.values, mask, fs=FS).power, expected)


def test_pairs_are_aligned_by_name_and_must_share_their_coordinates():
    one, other = image(), image(OTHER)
    expected = sm.cross_spectrum(PIXELS, OTHER, fs=FS).cross
    np.testing.assert_array_equal(sm.cross_spectrum(one, other.T).cross, expected)
    np.testing.assert_array_equal(
        sm.cross_spectrum(one, other.assign_coords(x=other.x + 1e-5)).cross, expected
    )
    with pytest.raises(
        ValueError, match=r"'x' of a and b differ, first at number 0: 3\.0 and 3\.5"
    ):
        sm.cross_spectrum(one, other.assign_coords(x=other.x + 0.5))
    with pytest.raises(ValueError, match="a has the unit 'K' and b 'm'"):
        sm.cross_spectrum(one, image(OTHER, units="m"))
    assert sm.cross_spectrum(one, image(OTHER, units=None)).labels.values == "K"


def test_chunks_of_dask_inside_are_computed():
    pytest.importorskip("dask.array")
    lazy = image().chunk({"y": 3})
    np.testing.assert_array_equal(sm.psd(lazy).power, sm.psd(PIXELS, fs=FS).power)
    np.testing.assert_array_equal(sm.welch(lazy, 4).power, sm.welch(PIXELS, 4, fs=FS).power)


@pytest.mark.parametrize("engine", ["netcdf4", "h5netcdf", "scipy"])
def test_files_of_netcdf(engine, tmp_path):
    pytest.importorskip({"netcdf4": "netCDF4"}.get(engine, engine))
    path = tmp_path / "field.nc"
    image().to_dataset(name="field").to_netcdf(path, engine=engine)
    with xarray.open_dataset(path, engine=engine) as dataset:
        found = sm.psd(dataset["field"])
    np.testing.assert_array_equal(found.power, sm.psd(PIXELS, fs=FS).power)
    assert found.labels == sm.Labels(("mm", "mm"), ("y", "x"), "K")


def test_a_file_is_read_some_rows_at_a_time(tmp_path):
    pytest.importorskip("h5netcdf")
    image().to_dataset(name="field").to_netcdf(tmp_path / "field.nc", engine="h5netcdf")
    with xarray.open_dataset(tmp_path / "field.nc", engine="h5netcdf") as dataset:
        found = sm.welch(dataset["field"], 4)
        assert not dataset["field"].variable._in_memory
    np.testing.assert_array_equal(found.power, sm.welch(PIXELS, 4, fs=FS).power)


def test_without_xarray_nothing_is_a_data_array(monkeypatch):
    assert is_data_array(image())
    monkeypatch.delitem(sys.modules, "xarray")
    assert not is_data_array(image())
    assert not is_data_array(PIXELS)
