"""Gray images written and read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from image_bytes import Array
from PIL import Image

from spectral_mae.images.gray_png import write_gray_png
from spectral_mae.images.image import read_image


@pytest.mark.parametrize("shape", [(1, 1), (5, 8), (16, 9)])
@pytest.mark.parametrize("dtype", [bool, np.uint8])
def test_gray_png_round_trip(shape: tuple[int, int], dtype: type, tmp_path: Path) -> None:
    values = np.random.default_rng(4).integers(0, 2 if dtype is bool else 256, shape).astype(dtype)
    for array in (values, values.T, values[::-1, ::-1]):
        write_gray_png(tmp_path / "mask", array)
        expected = array * 1.0 if dtype is bool else array / 255
        np.testing.assert_array_equal(read_image(tmp_path / "mask").pixels, expected)
    with Image.open(tmp_path / "mask") as image:
        assert (image.format, image.mode) == ("PNG", "L")


@pytest.mark.parametrize(
    ("values", "error", "reason"),
    [
        (np.zeros((2, 2)), TypeError, "dtype float64"),
        (np.zeros((2, 2, 3), dtype=np.uint8), ValueError, r"shape \(2, 2, 3\)"),
        (np.zeros((0, 2), dtype=bool), ValueError, r"shape \(0, 2\)"),
    ],
)
def test_gray_png_refuses_other_arrays(
    values: Array, error: type[Exception], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=reason):
        write_gray_png(tmp_path / "mask.png", values)
