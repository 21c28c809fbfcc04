"""Pages, series and channels of TIFF files, and the size of their pixels."""

import numpy as np
import pytest
import tifffile
from containers import (
    COLOUR,
    STACK,
    assert_titles_lead_back,
    found,
    labels,
    pixels,
    read,
)

import spectral_mae as sm
from spectral_mae.images.samples import ImageRefused

HYPER = np.random.default_rng(8).integers(0, 256, (2, 3, 4, 12, 16), np.uint8)


@pytest.fixture
def stack(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK, photometric="minisblack")
    return tmp_path / "a.tif"


def test_pages_by_number_and_all_of_them(stack):
    np.testing.assert_array_equal(pixels(stack, "3")[0], STACK[3])
    np.testing.assert_array_equal(pixels(stack, "pages"), STACK)
    np.testing.assert_array_equal(pixels(stack, "[1:4:2]"), STACK[1:4:2])
    np.testing.assert_array_equal(pixels(stack, "pages,every=2"), STACK[::2])
    assert labels(found(stack, "[-1]")) == ["4"]
    assert_titles_lead_back(stack, "pages")
    np.testing.assert_array_equal(sm.read_image(f"{stack}::2").pixels, STACK[2])


def test_without_a_selector_the_first_page_is_read(stack):
    (image,) = read(found(stack))
    np.testing.assert_array_equal(image.pixels, STACK[0])
    assert "first of 5 frames" in image.notes
    (page,) = read(found(stack, "0"))
    assert not any("first of" in note for note in page.notes)


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("7", "holds 5 pages, counted from 0: there is no 7"),
        ("x", r"has no page 'x'; it has 5 pages.*::series=0"),
        ("series=3", r"has no series 3; it has 0 \(QYX|has no series 3; it has 0 "),
        ("series=0,z=1", "has no option z=1"),
        ("[0,1]", "needs one number between brackets"),
    ],
)
def test_pages_that_are_not_there(stack, selector, message):
    with pytest.raises(ValueError, match=message):
        found(stack, selector)


def test_pages_of_unlike_sizes_and_kinds(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(COLOUR[0], photometric="rgb")
        file.write(STACK[0, :7], photometric="minisblack", compression="zlib")
        file.write((100 * STACK[1]).astype(np.int16), photometric="minisblack")
    first, second, third = read(found(tmp_path / "a.tif", "pages"))
    np.testing.assert_array_equal(second.pixels, STACK[0, :7])
    luma = COLOUR[0] @ [0.299, 0.587, 0.114] / 255
    np.testing.assert_allclose(first.pixels, luma, atol=1e-15)
    expected = ((100 * STACK[1]).astype(np.int16) + 2.0**15) / (2.0**16 - 1)
    np.testing.assert_allclose(third.pixels, expected, atol=1e-15)
    assert labels(found(tmp_path / "a.tif", "series=1")) == ["1"]


def test_channels_of_a_page(tmp_path):
    bands = np.random.default_rng(2).normal(size=(12, 16, 5)).astype(np.float32)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, bands, photometric="minisblack", planarconfig="contig")
    np.testing.assert_array_equal(pixels(path, "channel=3")[0], bands[..., 3])
    assert labels(found(path, "0,channel=3")) == ["0,channel=3"]
    assert_titles_lead_back(path, "0,channel=3")
    with pytest.raises(ImageRefused, match="channel 5 of an image of 5 channels"):
        pixels(path, "channel=5")


@pytest.mark.parametrize("kind", ["ome", "imagej", "imagej, one page"])
def test_series_by_their_axes(tmp_path, kind):
    path = tmp_path / ("a.ome.tif" if kind == "ome" else "a.tif")
    if kind == "ome":
        tifffile.imwrite(path, HYPER, metadata={"axes": "TCZYX"}, photometric="minisblack")
        stacks = HYPER
    else:
        stacks = np.swapaxes(HYPER, 1, 2)  # as ImageJ orders them: T, Z, C
        tifffile.imwrite(path, stacks, imagej=True, metadata={"axes": "TZCYX"})
    if kind == "imagej, one page":  # as large stacks are written: the planes follow the first
        data = bytearray(path.read_bytes())
        with tifffile.TiffFile(path) as file:
            assert file.is_imagej
            page = file.pages[0]
            n_tags = len(page.tags)
            at = page.offset + 2 + 12 * n_tags
            start = page.dataoffsets[0]
        data[at : at + 4] = b"\0\0\0\0"
        assert start + stacks.nbytes <= len(data)
        path.write_bytes(data)
        with tifffile.TiffFile(path) as file:
            assert len(file.pages) == 1
    np.testing.assert_array_equal(pixels(path, "pages"), stacks.reshape(-1, 12, 16) / 255)
    np.testing.assert_array_equal(pixels(path, "series=0"), pixels(path, "pages"))
    chosen = pixels(path, "series=0,c=2,t=1")
    np.testing.assert_array_equal(chosen, HYPER[1, 2] / 255)
    (one,) = pixels(path, "series=0,c=1,t=0,z=3")
    np.testing.assert_array_equal(one, HYPER[0, 1, 3] / 255)
    assert_titles_lead_back(path, "series=0,c=2,t=1")


def test_pages_turned_by_their_tags_have_their_sizes_turned(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        STACK[0],
        photometric="minisblack",
        resolution=(100, 200),
        resolutionunit="CENTIMETER",
        extratags=[(274, "H", 1, 6)],
    )
    for image in (sm.read_image(path), sm.read_image(f"{path}::0")):
        assert image.pixels.shape == (16, 12)
        assert image.pixel_size == (0.1, 0.05)
        assert image.pixel_unit == "mm"


@pytest.mark.parametrize(
    ("options", "size", "unit"),
    [
        ({"resolution": (254, 127), "resolutionunit": "INCH"}, (0.2, 0.1), "mm"),
        ({"resolution": (100, 200), "resolutionunit": "CENTIMETER"}, (0.05, 0.1), "mm"),
        ({"resolution": (100, 200), "resolutionunit": "NONE"}, None, None),
        ({}, None, None),
        (
            {"imagej": True, "resolution": (4, 2), "metadata": {"unit": "um"}},
            (0.5, 0.25),
            "µm",
        ),
        (
            {"imagej": True, "resolution": (4, 2), "metadata": {"unit": "pixel"}},
            None,
            None,
        ),
        ({"ome": True, "metadata": {"PhysicalSizeX": 0.1, "PhysicalSizeY": 0.3}}, (0.3, 0.1), "µm"),
        (
            {
                "ome": True,
                "metadata": {
                    "PhysicalSizeX": 5.0,
                    "PhysicalSizeXUnit": "nm",
                    "PhysicalSizeY": 6.0,
                    "PhysicalSizeYUnit": "nm",
                },
            },
            (6.0, 5.0),
            "nm",
        ),
    ],
)
def test_pixel_sizes(tmp_path, options, size, unit):
    path = tmp_path / "a.tif"
    plain = {} if options.get("imagej") else {"photometric": "minisblack"}
    tifffile.imwrite(path, STACK[0], **plain, **options)
    image = sm.read_image(path)
    if size is None:
        assert image.pixel_size is None
    else:
        np.testing.assert_allclose(image.pixel_size, size, rtol=1e-9)
    assert image.pixel_unit == unit


def test_damage_is_told(stack):
    whole = stack.read_bytes()
    for data in (whole[:900], b"II*\0" + bytes(50), b""):
        stack.write_bytes(data)
        with pytest.raises(ValueError, match=r"TIFF|empty|pages") as told:
            read(found(stack, "pages"))
        assert "\n" not in str(told.value)


def test_resizing_and_cropping_keep_the_size_of_what_is_seen():
    image = sm.images.image.LoadedImage(np.ones((40, 60)), (), (40, 60), (0.5, 0.25), "mm")
    smaller = sm.resize_and_crop(image, 20)
    assert (smaller.pixel_size, smaller.pixel_unit) == ((1.0, 0.5), "mm")
    assert sm.crop_to_multiple(image, 16).pixel_size == (0.5, 0.25)
    assert sm.resize_and_crop(image, 40).pixel_size == (0.5, 0.25)
