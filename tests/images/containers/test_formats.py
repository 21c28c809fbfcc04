"""Arrays in files that other libraries have written: the same numbers as the plain array."""

import sys
import warnings

import numpy as np
import pytest
from containers import (
    COLOUR,
    GRAY,
    HOLES,
    STACK,
    assert_damage_is_told,
    assert_titles_lead_back,
    found,
    labels,
    pixels,
    read,
)

import spectral_mae as sm
from spectral_mae.images.gray_png import write_gray_png
from spectral_mae.images.samples import ImageRefused


def write_fits(path, array):
    pytest.importorskip("astropy.io.fits").PrimaryHDU(array).writeto(path)


def write_nifti(path, array):
    nibabel = pytest.importorskip("nibabel")
    moved = np.moveaxis(array, (-2, -1), (0, 1))
    nibabel.save(nibabel.Nifti1Image(moved, np.eye(4)), path)


def write_mrc(path, array):
    mrcfile = pytest.importorskip("mrcfile")
    compression = {".gz": "gzip"}.get(path.suffix)
    with (
        warnings.catch_warnings(action="ignore", category=RuntimeWarning),  # of NaN
        mrcfile.new(path, compression=compression, overwrite=True) as file,
    ):
        file.set_data(array)


def write_hdf5(path, array):
    with pytest.importorskip("h5py").File(path, "w") as file:
        file.create_dataset("a", data=array, compression="gzip")


def write_zarr(path, array):
    zarr = pytest.importorskip("zarr")
    zarr.open_group(path, mode="w").create_array("a", data=array)


def write_netcdf(path, array):
    with pytest.importorskip("netCDF4").Dataset(path, "w") as file:
        names = "tuyx"[-array.ndim :]
        for name, n in zip(names, array.shape, strict=True):
            file.createDimension(name, n)
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # of byte order
            file.createVariable("a", array.dtype, tuple(names))[:] = array


def write_netcdf3(path, array):
    with pytest.importorskip("netCDF4").Dataset(path, "w", format="NETCDF3_CLASSIC") as file:
        for name, n in zip("tyx"[-array.ndim :], array.shape, strict=True):
            file.createDimension(name, n)
        kind = array.dtype.newbyteorder("=")  # the format itself is big-endian
        file.createVariable("a", kind, tuple("tyx"[-array.ndim :]))[:] = array


def write_safetensors(path, array):
    pytest.importorskip("safetensors.numpy").save_file({"a": np.ascontiguousarray(array)}, path)


def write_torch(path, array):
    torch = pytest.importorskip("torch")
    torch.save({"a": torch.from_numpy(array.copy())}, path)


WRITERS = {
    "a.fits": write_fits,
    "a.fits.gz": write_fits,
    "a.nii": write_nifti,
    "a.nii.gz": write_nifti,
    "a.mrc": write_mrc,
    "a.mrc.gz": write_mrc,
    "a.h5": write_hdf5,
    "a.zarr": write_zarr,
    "a.nc": write_netcdf,
    "a.cdf": write_netcdf3,
    "a.safetensors": write_safetensors,
    "a.pt": write_torch,
}
FILES = [name for name in WRITERS if name != "a.zarr"]


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("shape", [(5, 12, 16), (12, 16)])
def test_floats_are_those_of_the_array(tmp_path, name, shape):
    array = STACK[:5].reshape(-1, 12, 16)[: int(np.prod(shape[:-2]))].reshape(shape)
    WRITERS[name](tmp_path / name, array)
    np.testing.assert_array_equal(pixels(tmp_path / name), array.reshape(-1, 12, 16))
    assert_titles_lead_back(tmp_path / name)
    alone = len(shape) == 2
    assert [one.is_numbered for one in found(tmp_path / name)] == [not alone] * (1 if alone else 5)
    if alone:
        image = sm.read_image(tmp_path / name)
        np.testing.assert_array_equal(sm.psd(image).power, sm.psd(array.astype(float)).power)
    else:
        with pytest.raises(ImageRefused, match=r"a\..*holds 5 images; choose one: ::.*"):
            sm.read_image(tmp_path / name)


@pytest.mark.parametrize("name", WRITERS)
def test_images_are_read_in_any_order(tmp_path, name):
    WRITERS[name](tmp_path / name, STACK)
    order = [3, 0, 4, 4, 1]
    references = found(tmp_path / name)
    images = read([references[i] for i in order])
    np.testing.assert_array_equal(np.stack([one.pixels for one in images]), STACK[order])


@pytest.mark.parametrize("name", WRITERS)
def test_nan_goes_through_to_the_check(tmp_path, name):
    WRITERS[name](tmp_path / name, HOLES)
    clean = [i for i in range(5) if not np.isnan(HOLES[i]).any()]
    for i, reference in enumerate(found(tmp_path / name)):
        if i in clean:
            np.testing.assert_array_equal(read([reference])[0].pixels, HOLES[i])
        else:
            with pytest.raises(ImageRefused, match="NaN or infinite"):
                read([reference])


@pytest.mark.parametrize("name", [one for one in WRITERS if one[-2:] not in ("rs", "pt")])
def test_big_endian_integers(tmp_path, name):
    array = np.arange(5 * 6 * 7).reshape(5, 6, 7).astype(">i2")
    WRITERS[name](tmp_path / name, array)
    np.testing.assert_array_equal(pixels(tmp_path / name), array)


@pytest.mark.parametrize("name", FILES)
def test_damage_is_told(tmp_path, name):
    WRITERS[name](tmp_path / name, STACK)
    assert_damage_is_told(tmp_path / name, "a.")


@pytest.mark.parametrize("name", ["a.h5", "a.zarr", "a.safetensors", "a.pt"])
def test_samples_of_arrays_are_those_of_npy(tmp_path, name):
    for array in (GRAY, COLOUR, GRAY > 99):
        np.save(tmp_path / "a.npy", array)
        stored = array
        if array.ndim == 4 and name in ("a.safetensors", "a.pt"):
            stored = np.moveaxis(array, -1, 1)
        path = tmp_path / f"{array.ndim}{array.dtype}{name}"
        WRITERS[name](path, stored)
        for color in (False, True):
            expected = pixels(tmp_path / "a.npy", color=color)
            np.testing.assert_array_equal(pixels(path, color=color), expected)


@pytest.mark.parametrize("name", ["a.fits", "a.nii", "a.mrc", "a.nc"])
def test_measured_integers_are_kept(tmp_path, name):
    array = np.random.default_rng(1).integers(0, 99, (5, 6, 7)).astype(np.int16)
    WRITERS[name](tmp_path / name, array)
    np.testing.assert_array_equal(pixels(tmp_path / name), array)


PACKAGES = {
    "a.fits": ("astropy", "Astropy", "fits"),
    "a.nii": ("nibabel", "NiBabel", "nifti"),
    "a.mrc": ("mrcfile", "mrcfile", "mrc"),
    "a.h5": ("h5py", "h5py", "hdf5"),
    "a.zarr": ("zarr", "Zarr", "zarr"),
    "a.nc": ("netCDF4", "netCDF4", "netcdf"),
    "a.safetensors": ("safetensors", "safetensors", "tensors"),
    "a.pt": ("torch", "PyTorch", "torch"),
    "a.parquet": ("pyarrow", "PyArrow", "parquet"),
    "a.mp4": ("av", "PyAV", "video"),
}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_missing_package_is_one_line(tmp_path, name, monkeypatch):
    module, package, extra = PACKAGES[name]
    (tmp_path / name).write_bytes(b"SIMPLE  = whatever")
    for loaded in [one for one in sys.modules if one.partition(".")[0] == module]:
        monkeypatch.setitem(sys.modules, loaded, None)
    monkeypatch.setitem(sys.modules, module, None)
    line = rf"needs {package}, which is not installed: pip install -e '\.\[{extra}\]'"
    with pytest.raises(ValueError, match=line):
        found(tmp_path / name)
    with pytest.raises(ImageRefused, match=line):
        sm.read_image(tmp_path / name)


@pytest.mark.parametrize("name", ["a.fits", "a.nii", "a.mrc"])
def test_folders_hold_files_of_images(tmp_path, name):
    WRITERS[name](tmp_path / name, STACK[0])
    WRITERS[name](tmp_path / f"b{name[1:]}", STACK)
    (tmp_path / f"c{name[1:]}").write_bytes(b"no such file")
    (tmp_path / "d.h5").write_bytes(b"not looked at")
    references = found(tmp_path)
    assert [one.name.partition("::")[0] for one in references] == [
        name, *5 * [f"b{name[1:]}"], f"c{name[1:]}",
    ]  # fmt: skip
    assert references[-1].refusal.startswith("cannot be read as ")
    np.testing.assert_array_equal(read(references[:1])[0].pixels, STACK[0])


def test_patterns_take_a_selector(tmp_path):
    for name in ("a.mrc", "b.mrc"):
        write_mrc(tmp_path / name, STACK)
    references = found(tmp_path / "*.mrc", "[2]")
    assert [one.title for one in references] == [
        f"{tmp_path}/a.mrc::[2]", f"{tmp_path}/b.mrc::[2]",
    ]  # fmt: skip
    with pytest.raises(ValueError, match=r"is a folder: ::\[2\] chooses in files"):
        found(tmp_path, "[2]")


def test_one_file_with_two_selectors_is_met_twice(tmp_path):
    write_mrc(tmp_path / "a.mrc", STACK)
    path = str(tmp_path / "a.mrc")
    references = sm.images.sources.find_sources([f"{path}::[1]", f"{path}::[3]", f"{path}::[1]"])
    assert labels(references.references) == ["[1]", "[3]"]


def test_image_files_have_nothing_to_choose(tmp_path):
    write_gray_png(tmp_path / "a.png", GRAY[0])
    with pytest.raises(ValueError, match=r"is one image: there is nothing to choose with ::1"):
        found(tmp_path / "a.png", "1")
    with pytest.raises(ImageRefused, match="there is nothing to choose"):
        sm.read_image(f"{tmp_path}/a.png::1")


def test_arrays_of_numpy_take_selectors(tmp_path):
    np.save(tmp_path / "a.npy", GRAY)
    np.savez(tmp_path / "a.npz", x=GRAY, y=GRAY[:2])
    np.testing.assert_array_equal(pixels(tmp_path / "a.npy", "[1:3]"), GRAY[1:3] / 255)
    np.testing.assert_array_equal(pixels(tmp_path / "a.npz", "y"), GRAY[:2] / 255)
    np.testing.assert_array_equal(pixels(tmp_path / "a.npz", "x[::2]"), GRAY[::2] / 255)
    with pytest.raises(ValueError, match=r"a\.npz' holds no images in 'z'; it holds x, y"):
        found(tmp_path / "a.npz", "z")


def test_a_file_that_goes_away_or_changes_is_told(tmp_path):
    pytest.importorskip("h5py")
    write_hdf5(tmp_path / "a.h5", STACK)
    references = found(tmp_path / "a.h5")
    write_hdf5(tmp_path / "a.h5", STACK[0])
    with pytest.raises(ImageRefused, match="its file has changed"):
        read(references[2:3])
    (tmp_path / "a.h5").unlink()
    with pytest.raises(ImageRefused, match=r"gone|no such file|No such file"):
        read(references[:1])
