"""Images with NaN or infinity: refused unless they are asked for, and then with a note."""

import numpy as np
import pytest
import tifffile

import spectral_mae as sm
from spectral_mae.batch.run_folder import find_some
from spectral_mae.images.cropping import resize_and_crop
from spectral_mae.images.image import LoadedImage, read_bytes
from spectral_mae.images.reader import Reader
from spectral_mae.images.samples import ImageRefused

VALUES = np.random.default_rng(0).random((16, 24)).astype(np.float32)
HOLES = VALUES.copy()
HOLES[2, 3], HOLES[5, 7], HOLES[9, 1] = np.nan, np.inf, -np.inf


@pytest.fixture(params=["tif", "npy", "npz", "pfm"])
def path(request, tmp_path):
    path = tmp_path / f"holes.{request.param}"
    if request.param == "tif":
        tifffile.imwrite(path, HOLES)
    elif request.param == "npy":
        np.save(path, HOLES)
    elif request.param == "npz":
        np.savez(path, image=HOLES)
    else:
        path.write_bytes(b"Pf\n24 16\n-1\n" + HOLES[::-1].astype("<f4").tobytes())
    return path


def test_files_with_nan_are_refused_unless_they_are_asked_for(path):
    (reference,) = find_some([str(path)]).references
    with pytest.raises(ImageRefused, match=r"^3 pixels are NaN or infinite$"):
        Reader().read(reference)
    with pytest.raises(ImageRefused, match=r"^3 pixels are NaN or infinite; --nan hidden$"):
        Reader(nan_hint="--nan hidden").read(reference)
    found = Reader(nan="hidden").read(reference)
    np.testing.assert_array_equal(found.pixels, HOLES.astype(float))
    assert found.notes == ("3 pixels are NaN or infinite: taken as missing",)
    assert found.n_missing == 3
    np.testing.assert_array_equal(found.visible, np.isfinite(HOLES))


def test_one_image_is_read_with_its_holes(tmp_path):
    tifffile.imwrite(tmp_path / "holes.tif", HOLES)
    with pytest.raises(ImageRefused, match=r'holes.tif: 3 .*; nan="hidden" takes them as missing'):
        sm.read_image(tmp_path / "holes.tif")
    image = sm.read_image(tmp_path / "holes.tif", nan="hidden")
    power = sm.psd(image.pixels, visible="finite").power
    np.testing.assert_array_equal(
        power, sm.psd(np.where(image.visible, VALUES.astype(float), 0.0)).power
    )
    with pytest.raises(ValueError, match="nan='keep' is not one of"):
        sm.read_image(tmp_path / "holes.tif", nan="keep")


def test_an_image_without_holes_has_no_note_and_one_of_holes_alone_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "whole.tif", VALUES)
    assert sm.read_image(tmp_path / "whole.tif", nan="hidden").notes == ()
    tifffile.imwrite(tmp_path / "none.tif", np.full((4, 5), np.nan, np.float32))
    with pytest.raises(ImageRefused, match="all pixels are NaN or infinite"):
        sm.read_image(tmp_path / "none.tif", nan="hidden")


def test_colours_are_missing_where_one_channel_is():
    pixels = np.ones((3, 4, 3))
    pixels[0, 1, 2] = np.nan
    image = LoadedImage(pixels, (), (3, 4))
    assert image.n_missing == 1
    assert not image.visible[0, 1]


@pytest.mark.filterwarnings("error")
def test_resized_pixels_are_missing_where_one_that_they_are_made_of_is():
    pixels = np.ones((40, 40))
    pixels[8, 8] = np.inf
    found = resize_and_crop(LoadedImage(pixels, ("read",), (40, 40)), 20)
    assert found.notes[0] == "read"
    assert (
        found.notes[1]
        == f"resized: {found.n_missing} of 20x20 pixels are made of missing ones, and missing"
    )
    assert 4 <= found.n_missing <= 64
    np.testing.assert_allclose(found.pixels[found.visible], 1, rtol=1e-6)
    # Every known pixel is as it would be without the hole.
    varied = np.random.default_rng(1).random((40, 40))
    holes = np.where(np.isfinite(pixels), varied, np.nan)
    one, other = (resize_and_crop(LoadedImage(x, (), (40, 40)), 20) for x in (varied, holes))
    np.testing.assert_array_equal(other.pixels[other.visible], one.pixels[other.visible])
    scattered = np.where(np.random.default_rng(2).random((40, 40)) < 0.3, np.nan, varied)
    with pytest.raises(ImageRefused, match=r"resizing spreads its \d+ missing pixels over all of"):
        resize_and_crop(LoadedImage(scattered, (), (40, 40)), 10)


def test_bytes_keep_what_is_missing():
    data = b"Pf\n1 1\n1\n\x7f\xc0\0\0"
    assert np.isnan(read_bytes(data).pixels).all()
