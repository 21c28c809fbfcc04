"""How arrays in files become images, whatever the format."""

import numpy as np
import pytest

from spectral_mae.images.containers.arrays import ArrayFile, Variable
from spectral_mae.images.samples import ImageRefused

RNG = np.random.default_rng(2)


class Arrays(ArrayFile):
    """Arrays in memory, with a count of the numbers that were read."""

    kind = what = "memory"

    def __init__(self, arrays, **options):
        self.arrays, self.options, self.n_read = arrays, options, 0

    def _listed(self):
        return {name: self._variable(array) for name, array in self.arrays.items()}

    def _variable(self, array):
        def part(where):
            self.n_read += array[where].size
            return array[where]

        return Variable(array.shape, array.dtype, part, **self.options)

    def close(self):
        pass


def images_of(array, selector=None, *, color=False, **options):
    file = Arrays({"a": array}, **options)
    entries = file.find(selector).entries
    images = [file.read(one, 10**6, color=color, channel=None) for one in entries]
    return [one.label for one in entries], [image.pixels for image in images]


@pytest.mark.parametrize("shape", [(6, 7), (3, 6, 7), (2, 3, 6, 7), (2, 2, 2, 5, 4)])
def test_leading_axes_count_images(shape):
    array = RNG.normal(size=shape)
    names, pixels = images_of(array)
    np.testing.assert_array_equal(np.reshape(pixels, shape), array)
    assert len(names) == np.prod(shape[:-2], dtype=int)
    if len(shape) > 2:
        assert names[-1] == f"a[{','.join(str(n - 1) for n in shape[:-2])}]"


def test_only_the_image_that_is_wanted_is_read():
    array = RNG.normal(size=(50, 6, 7))
    file = Arrays({"a": array})
    (entry,) = file.find("a[17]").entries
    pixels = file.read(entry, 10**6, color=False, channel=None).pixels
    np.testing.assert_array_equal(pixels, array[17])
    assert file.n_read == 42


@pytest.mark.parametrize("dtype", ["u1", "u2", ">u2", "?"])
def test_samples_are_scaled_as_in_image_files(dtype):
    array = RNG.integers(0, 2, (3, 5, 6)).astype(dtype)
    top = 1 if dtype == "?" else np.iinfo(dtype).max
    np.testing.assert_allclose(images_of(array)[1], array / top, rtol=1e-15)
    np.testing.assert_array_equal(images_of(array, measured=True)[1], array)


@pytest.mark.parametrize("dtype", ["i1", ">i2", "i4", "u4", "i8", "f2", ">f4", "f8"])
def test_other_numbers_keep_their_values(dtype):
    array = (100 * RNG.normal(size=(3, 5, 6))).astype(dtype)
    np.testing.assert_array_equal(images_of(array)[1], array.astype(float))


def test_channels_are_the_last_axis_or_the_one_before_rows():
    last = RNG.integers(0, 256, (2, 5, 6, 3), np.uint8)
    first = np.moveaxis(last, -1, 1)
    luma = last @ [0.299, 0.587, 0.114] / 255
    for array, options in ((last, {"channels": "last"}), (first, {"channels": "first"})):
        np.testing.assert_allclose(images_of(array, **options)[1], luma, atol=1e-15)
        np.testing.assert_array_equal(images_of(array, color=True, **options)[1], last / 255)
        names, pixels = images_of(array, "a,channel=1", **options)
        np.testing.assert_array_equal(pixels, last[..., 1] / 255)
        assert names[1] == "a[1],channel=1"
        assert len(images_of(array, "channels=none", **options)[0]) > 2
    np.testing.assert_array_equal(images_of(first, "channels=first", color=True)[1], last / 255)
    np.testing.assert_array_equal(images_of(last, "channels=last", color=True)[1], last / 255)


def test_bands_that_are_no_colours_are_averaged_or_chosen():
    array = RNG.normal(size=(2, 7, 5, 6))
    np.testing.assert_allclose(images_of(array, "channels=first")[1], array.mean(1), atol=1e-15)
    _, pixels = images_of(array, "channels=first,channel=6")
    np.testing.assert_array_equal(pixels, array[:, 6])
    with pytest.raises(ImageRefused, match="channel 7 of an image of 7"):
        images_of(array, "channels=first,channel=7")


def test_opacity_is_a_fourth_channel_at_the_end():
    array = RNG.integers(0, 256, (2, 5, 6, 4), np.uint8)
    array[..., 3] = 255
    pixels = images_of(array, channels="last", color=True)[1]
    np.testing.assert_array_equal(pixels, array[..., :3] / 255)


def test_axes_by_name_are_fixed_or_cut():
    array = RNG.normal(size=(4, 5, 6, 3))
    options = {"axes": ("x", "y", "z", "t"), "images_first": True}
    assert images_of(array, **options)[0][:2] == ["a,z=0,t=0", "a,z=0,t=1"]
    for selector, expected in [
        ("a,z=2,t=1", array[:, :, 2, 1]),
        ("x=3,t=0", array[3, :, :, 0]),
        ("y=-1,t=2", array[:, 4, :, 2]),
        ("a[5,1]", array[:, :, 5, 1]),
    ]:
        (name,), (pixels,) = images_of(array, selector, **options)
        np.testing.assert_array_equal(pixels, expected)
        np.testing.assert_array_equal(images_of(array, name, **options)[1][0], expected)
    assert images_of(array, "z=1:3,t=0", **options)[0] == ["a,z=1,t=0", "a,z=2,t=0"]
    assert len(images_of(array, "every=4", **options)[0]) == 5


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("b", r"holds no 'b'; it holds a \(3, 5, 6\) float64"),
        ("a[9]", "holds 3 images, counted from 0: there is no 9"),
        ("a[0,1]", "1 axes count images, and the selector has 2 numbers"),
        ("a,step=2", "has no option step=2; it has every, channel, channels"),
        ("every=0", "needs a whole number of at least 1 for every"),
        ("channel=0", "has no axis of channels in a"),
        ("channels=middle", "needs channels=first, last or none, not middle"),
    ],
)
def test_selectors_that_choose_nothing(selector, message):
    with pytest.raises(ValueError, match=message):
        images_of(RNG.normal(size=(3, 5, 6)), selector)


def test_pixels_lie_along_two_axes():
    with pytest.raises(ValueError, match=r"has pixels along y: choose along other axes"):
        images_of(np.ones((3, 5, 6)), "y=1:2", axes=("t", "y", "x"))
    with pytest.raises(ValueError, match=r"is of shape \(5,\), which holds no images"):
        images_of(np.ones(5), "a")
    with pytest.raises(ValueError, match="holds no array of images"):
        images_of(np.ones(5))


def test_complex_numbers_and_records_are_refused():
    for dtype in (complex, [("a", "f4")]):
        with pytest.raises(ValueError, match=r"holds .* numbers in a; images are bool"):
            images_of(np.zeros((3, 4), dtype), "a")


def test_one_of_several_arrays_must_be_named():
    file = Arrays({"a": np.ones((4, 5)), "b": np.ones((3, 4, 5)), "c": np.arange(3)})
    with pytest.raises(ValueError, match=r"holds a \(4, 5\) float64, b .*choose one with ::a"):
        file.find(None)
    alone = Arrays({"a": np.ones((3, 4, 5)), "labels": np.arange(3)}).find(None)
    assert len(alone.entries) == 3
    assert alone.passed_over == 1


def test_the_only_image_of_a_file_is_called_like_the_file():
    (entry,) = Arrays({"a": np.ones((4, 5)), "b": np.arange(3)}).find(None).entries
    assert entry.label == ""
    (entry,) = Arrays({"a": np.ones((4, 5))}).find("a").entries
    assert entry.label == "a"


def test_large_images_are_refused_before_they_are_read():
    file = Arrays({"a": np.ones((2, 40, 50))})
    (entry,) = file.find("a[0]").entries
    with pytest.raises(ImageRefused, match="too large: 40x50"):
        file.read(entry, 1999, color=False, channel=None)
    bands = Arrays({"a": np.ones((2000, 40, 50))})
    (entry,) = bands.find("channels=first").entries
    with pytest.raises(ImageRefused, match="too large: 40x50 with 2000 channels"):
        bands.read(entry, 2000, color=False, channel=None)
    assert (file.n_read, bands.n_read) == (0, 0)


def test_pixel_sizes_are_those_of_the_axes_of_pixels():
    steps = {"axes": tuple("zyx"), "steps": (3.0, -2.0, 1.0)}
    file = Arrays({"a": np.ones((2, 4, 5))}, **steps, units=("um", "um", "um"))
    assert _size(file, "z=0").size == (2.0, 1.0)
    assert _size(file, "y=0").size == (3.0, 1.0)
    assert _size(file, "y=0").unit == "µm"
    other = Arrays({"a": np.ones((2, 4, 5))}, **steps, units=("s", "mm", "mm"))
    assert _size(other, "z=0").unit == "mm"
    assert _size(other, "y=0") is None  # seconds against millimetres


def _size(file, selector):
    (entry,) = file.find(selector).entries
    return file.read(entry, 10**6, color=False, channel=None).pixel_size
