"""What each scientific format says of its numbers: scale, missing values, size of a pixel."""

import numpy as np
import pytest
from containers import GRAY, STACK, assert_titles_lead_back, found, labels, pixels, read

from spectral_mae.images.samples import ImageRefused

COUNTS = np.random.default_rng(3).integers(0, 30000, (12, 16)).astype(np.int16)


def one(path, selector=None, **options):
    (image,) = read(found(path, selector), **options)
    return image


# FITS --------------------------------------------------------------------------------------------


@pytest.fixture
def observation(tmp_path):
    """An empty primary HDU, two images, a table and a compressed image."""
    fits = pytest.importorskip("astropy.io.fits")
    science = fits.ImageHDU(COUNTS.astype(np.uint16), name="SCI")  # stored with BZERO
    error = fits.ImageHDU(STACK, name="ERR")
    table = fits.BinTableHDU.from_columns([fits.Column("a", "E", array=np.arange(3.0))])
    packed = fits.CompImageHDU(COUNTS, name="PACKED", compression_type="RICE_1")
    path = tmp_path / "a.fits"
    fits.HDUList([fits.PrimaryHDU(), science, error, table, packed]).writeto(path)
    return path


def test_fits_hdus_by_number_and_name(observation):
    np.testing.assert_array_equal(one(observation, "1").pixels, COUNTS)
    np.testing.assert_array_equal(one(observation, "sci").pixels, COUNTS)
    np.testing.assert_array_equal(one(observation, "PACKED").pixels, COUNTS)
    np.testing.assert_array_equal(pixels(observation, "ERR"), STACK)
    assert labels(found(observation, "ERR[1:3]")) == ["2[1]", "2[2]"]
    assert_titles_lead_back(observation, "ERR")


def test_fits_says_what_is_inside(observation):
    with pytest.raises(ValueError, match=r"holds 1 \(SCI\) \(12, 16\) .*; choose one with ::1"):
        found(observation)
    with pytest.raises(ValueError, match=r"holds no '3'; it holds 1 \(SCI\)"):
        found(observation, "3")


def test_fits_names_that_several_hdus_have(tmp_path):
    fits = pytest.importorskip("astropy.io.fits")
    hdus = [fits.PrimaryHDU(), *(fits.ImageHDU(COUNTS, name="SCI", ver=i) for i in (1, 2))]
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    with pytest.raises(ValueError, match="holds several HDUs called SCI: 1, 2"):
        found(tmp_path / "a.fits", "SCI")


def test_fits_scale_and_blanks_are_applied(tmp_path):
    fits = pytest.importorskip("astropy.io.fits")
    hdu = fits.PrimaryHDU(COUNTS.copy())
    hdu.scale("int16", bscale=2.0, bzero=100.0)
    hdu.writeto(tmp_path / "a.fits")
    np.testing.assert_allclose(one(tmp_path / "a.fits").pixels, COUNTS, atol=1)
    with fits.open(tmp_path / "a.fits") as file:
        np.testing.assert_array_equal(one(tmp_path / "a.fits").pixels, file[0].data)
    hdu = fits.PrimaryHDU(COUNTS.copy())
    hdu.header["BLANK"] = int(COUNTS[3, 4])
    hdu.writeto(tmp_path / "b.fits")
    with pytest.raises(ImageRefused, match="NaN or infinite"):
        one(tmp_path / "b.fits")


@pytest.mark.parametrize("keys", ["cd", "cdelt", "turned"])
def test_fits_pixels_on_the_sky_have_a_size_in_arcseconds(tmp_path, keys):
    fits = pytest.importorskip("astropy.io.fits")
    hdu = fits.PrimaryHDU(STACK[0])
    hdu.header.update({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
    across, down, angle = 1e-4, 2e-4, 0.3
    if keys == "cdelt":
        hdu.header.update({"CDELT1": -across, "CDELT2": down})
    else:
        turn = angle if keys == "turned" else 0.0
        hdu.header.update(
            {
                "CD1_1": -across * np.cos(turn),
                "CD1_2": down * np.sin(turn),
                "CD2_1": across * np.sin(turn),
                "CD2_2": down * np.cos(turn),
            }
        )
    hdu.writeto(tmp_path / "a.fits")
    image = one(tmp_path / "a.fits")
    np.testing.assert_allclose(image.pixel_size, (0.72, 0.36), rtol=1e-12)
    assert image.pixel_unit == "arcsec"


def test_fits_without_coordinates_has_no_pixel_size(observation):
    assert one(observation, "SCI").pixel_size is None


# NIfTI -------------------------------------------------------------------------------------------


def test_nifti_slices_along_each_axis(tmp_path):
    nibabel = pytest.importorskip("nibabel")
    volume = np.random.default_rng(4).normal(size=(8, 9, 5, 3))
    image = nibabel.Nifti1Image(volume, np.diag([0.5, 0.75, 2.0, 1.0]))
    image.header.set_zooms((0.5, 0.75, 2.0, 1.5))
    nibabel.save(image, tmp_path / "a.nii.gz")
    path = tmp_path / "a.nii.gz"
    assert len(found(path)) == 15
    assert labels(found(path))[:2] == ["z=0,t=0", "z=0,t=1"]
    np.testing.assert_array_equal(one(path, "z=3,t=2").pixels, volume[:, :, 3, 2])
    np.testing.assert_array_equal(one(path, "x=3,t=2").pixels, volume[3, :, :, 2])
    np.testing.assert_array_equal(one(path, "y=3,t=2").pixels, volume[:, 3, :, 2])
    assert one(path, "z=3,t=2").pixel_size == (0.5, 0.75)
    assert one(path, "y=3,t=2").pixel_size == (0.5, 2.0)
    assert one(path, "y=3,t=2").pixel_unit == "mm"
    assert_titles_lead_back(path, "z=2")


def test_nifti_slope_is_applied(tmp_path):
    nibabel = pytest.importorskip("nibabel")
    image = nibabel.Nifti1Image(COUNTS[..., np.newaxis], np.eye(4))
    image.header.set_slope_inter(0.25, -3.0)
    nibabel.save(image, tmp_path / "a.nii")
    stored = nibabel.load(tmp_path / "a.nii")
    assert (stored.dataobj.slope, stored.dataobj.inter) == (0.25, -3.0)
    expected = stored.get_fdata()[..., 0]
    np.testing.assert_array_equal(one(tmp_path / "a.nii").pixels, expected)


def test_nifti_units_and_colours(tmp_path):
    nibabel = pytest.importorskip("nibabel")
    colours = np.random.default_rng(1).integers(0, 256, (6, 7, 2, 3), np.uint8)
    kind = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    image = nibabel.Nifti1Image(colours.copy().view(kind).reshape(6, 7, 2), np.eye(4))
    image.header.set_xyzt_units("micron")
    nibabel.save(image, tmp_path / "a.nii")
    second = one(tmp_path / "a.nii", "z=1", color=True)
    np.testing.assert_array_equal(second.pixels, colours[:, :, 1] / 255)
    assert second.pixel_unit == "µm"


# MRC, HDF5, Zarr ---------------------------------------------------------------------------------


def test_mrc_voxels_have_a_size_in_angstrom(tmp_path):
    mrcfile = pytest.importorskip("mrcfile")
    for name, array in (("a.mrc", STACK), ("b.mrc", STACK[0])):
        with mrcfile.new(tmp_path / name) as file:
            file.set_data(array)
            file.voxel_size = (1.3, 1.1, 2.0) if name == "a.mrc" else 0.0
    image = one(tmp_path / "a.mrc", "[2]")
    assert (image.pixel_size, image.pixel_unit) == ((1.1, 1.3), "Å")
    assert one(tmp_path / "b.mrc").pixel_size is None


def test_mrc_of_complex_numbers_is_refused(tmp_path):
    mrcfile = pytest.importorskip("mrcfile")
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(STACK.astype(np.complex64))
    with pytest.raises(ValueError, match=r"holds complex64 numbers|holds no array of images"):
        found(tmp_path / "a.mrc")


def test_hdf5_data_sets_by_path(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/raw"] = STACK
        file["entry/raw"].attrs["element_size_um"] = (2.0, 0.5, 0.25)
        file["entry/labels"] = np.arange(5)
        file["entry/none"] = h5py.Empty("f4")
        file["name, with [3]"] = GRAY
    path = tmp_path / "a.h5"
    for selector in ("/entry/raw[3]", "entry/raw[3]", "entry/raw[-2]"):
        image = one(path, selector)
        np.testing.assert_array_equal(image.pixels, STACK[3])
        assert (image.pixel_size, image.pixel_unit) == ((0.5, 0.25), "µm")
    np.testing.assert_array_equal(pixels(path, "name, with [3]"), GRAY / 255)
    assert_titles_lead_back(path, "/name, with [3]")
    with pytest.raises(ValueError, match=r"/entry/raw \(5, 12, 16\) float32, .*choose one with ::"):
        found(path)


def test_zarr_stores_are_folders(tmp_path):
    zarr = pytest.importorskip("zarr")
    zarr.save_array(tmp_path / "plain", STACK)  # no ending: its own files say what it is
    np.testing.assert_array_equal(pixels(tmp_path / "plain"), STACK)
    before = found(tmp_path / "plain")[0].stamp
    zarr.open_array(tmp_path / "plain", mode="r+")[2] = 7.0
    assert found(tmp_path / "plain")[0].stamp != before


def test_zarr_of_ome_says_how_large_pixels_are(tmp_path):
    zarr = pytest.importorskip("zarr")
    axes = [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]
    scales = {"0": [2.0, 0.5, 0.25], "1": [2.0, 1.0, 0.5]}
    levels = [
        {"path": n, "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        for n, scale in scales.items()
    ]
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    group.attrs["ome"] = {"multiscales": [{"axes": axes, "datasets": levels}]}
    group.create_array("0", data=STACK)
    group.create_array("1", data=STACK[:, ::2, ::2])
    for name, scale in scales.items():
        image = one(tmp_path / "a.zarr", f"{name}[1]")
        assert (image.pixel_size, image.pixel_unit) == (tuple(scale[1:]), "µm")


# netCDF ------------------------------------------------------------------------------------------


@pytest.fixture
def weather(tmp_path):
    """What xarray writes of a field over time and place."""
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("netCDF4")
    times = np.datetime64("2020-01-01", "ns") + np.arange(5) * np.timedelta64(1, "D")
    data = xarray.Dataset(
        {"sst": (("time", "lat", "lon"), STACK, {"units": "K"})},
        coords={
            "time": times,
            "lat": ("lat", 40 - 0.5 * np.arange(12), {"units": "degrees_north"}),
            "lon": ("lon", 0.25 * np.arange(16), {"units": "degrees_east"}),
        },
    )
    data.to_netcdf(tmp_path / "a.nc", engine="netcdf4", encoding={"sst": {"_FillValue": None}})
    return tmp_path / "a.nc"


def test_netcdf_variables_have_the_spacing_of_their_coordinates(weather):
    references = found(weather)
    assert labels(references)[:2] == ["sst,time=0", "sst,time=1"]
    images = read(references)
    np.testing.assert_array_equal(np.stack([image.pixels for image in images]), STACK)
    assert (images[0].pixel_size, images[0].pixel_unit) == ((0.5, 0.25), "degree")
    np.testing.assert_array_equal(one(weather, "time=2").pixels, STACK[2])
    np.testing.assert_array_equal(one(weather, "sst,lat=3").pixels, STACK[:, 3])
    assert one(weather, "sst,lat=3").pixel_size is None  # time against longitude
    assert_titles_lead_back(weather)


def test_netcdf_scale_and_fill_values_are_applied(tmp_path):
    netcdf = pytest.importorskip("netCDF4")
    with netcdf.Dataset(tmp_path / "a.nc", "w") as file:
        group = file.createGroup("deep")
        for name, n in (("y", 12), ("x", 16)):
            file.createDimension(name, n)
        for name, power in (("y", 1), ("x", 2)):  # rows are even, columns are not
            coordinate = file.createVariable(name, "f8", (name,))
            coordinate.units = "km"
            coordinate[:] = np.arange(float(len(file.dimensions[name]))) ** power
        stored = group.createVariable("a", "i2", ("y", "x"), fill_value=-1)
        stored.scale_factor, stored.add_offset = 0.5, 10.0
        stored.set_auto_maskandscale(False)
        stored[:] = COUNTS
        holed = file.createVariable("b", "i2", ("y", "x"), fill_value=-1)
        holed[:] = np.ma.masked_greater(COUNTS, 29000)
    image = one(tmp_path / "a.nc", "deep/a")
    np.testing.assert_array_equal(image.pixels, 0.5 * COUNTS + 10)
    assert image.pixel_size is None
    with pytest.raises(ImageRefused, match=rf"^{(COUNTS > 29000).sum()} pixels? (is|are) NaN"):
        one(tmp_path / "a.nc", "b")
