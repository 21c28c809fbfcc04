"""A photograph of one's own, or the built-in one."""

import numpy as np
import pytest
from PIL import Image

import spectral_mae as sm
from spectral_mae import lessons


def test_without_a_path_it_is_the_built_in_one():
    expected = sm.resize_and_crop(sm.read_image("builtin:cat"), 48).pixels
    for nothing in (None, ""):
        np.testing.assert_array_equal(lessons.photograph(nothing, 48, builtin="cat"), expected)
    assert lessons.photograph("builtin:moon", 32).shape == (32, 32)


def test_a_file_is_cropped_in_gray_to_a_square(tmp_path):
    colours = np.zeros((20, 40, 3), np.uint8)
    colours[:, 10:30] = (255, 0, 0)  # the middle, which is all that stays
    Image.fromarray(colours).save(tmp_path / "red.png")
    found = lessons.photograph(tmp_path / "red.png", 20)
    np.testing.assert_allclose(found, np.full((20, 20), 0.299), atol=1e-12)


def test_of_a_file_that_is_not_there_the_neighbours_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no image file is there"):
        lessons.photograph(tmp_path / "holiday.jpg")
    (tmp_path / "Holiday.JPG").touch()
    with pytest.raises(FileNotFoundError, match=r"'holiday\.jpeg'.*there: Holiday\.JPG"):
        lessons.photograph(tmp_path / "holiday.jpeg")
    with pytest.raises(TypeError, match="path=3 is not a path"):
        lessons.photograph(3)
    with pytest.raises(sm.ImageRefused):
        lessons.photograph(tmp_path / "Holiday.JPG")
