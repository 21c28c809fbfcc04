"""Images resized and cropped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from image_bytes import Array
from PIL import Image

from spectral_mae.images.cropping import crop_to_multiple, resize_and_crop
from spectral_mae.images.image import LoadedImage
from spectral_mae.images.samples import ImageRefused


def loaded(pixels: Array) -> LoadedImage:
    return LoadedImage(np.asarray(pixels, dtype=np.float64), ("kept",), pixels.shape[:2])


SMOOTH = np.random.default_rng(3).random((40, 60, 3))


@pytest.mark.parametrize("shape", [(50, 50), (50, 77), (90, 50, 3)])
def test_the_same_size_keeps_pixels_exactly(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(1).normal(size=shape)
    result = resize_and_crop(loaded(pixels), 50)
    top, left = (shape[0] - 50) // 2, (shape[1] - 50) // 2
    np.testing.assert_array_equal(result.pixels, pixels[top : top + 50, left : left + 50])
    assert result.notes == ("kept",)
    assert result.source_shape == shape[:2]


@pytest.mark.parametrize("size", [7, 20, 64])
@pytest.mark.parametrize("pixels", [SMOOTH, SMOOTH[..., 0]], ids=["colour", "gray"])
def test_resizing_is_linear_and_keeps_constants(pixels: Array, size: int) -> None:
    def resized(values: Array) -> Array:
        return resize_and_crop(loaded(values), size).pixels

    assert resized(pixels).shape == (size, size, *pixels.shape[2:])
    assert resized(pixels).dtype == np.float64
    np.testing.assert_allclose(
        resized(3 * pixels - 7 * pixels[::-1]),
        3 * resized(pixels) - 7 * resized(pixels[::-1]),
        atol=1e-5,
    )
    np.testing.assert_allclose(resized(np.full_like(pixels, -7.3)), -7.3, rtol=1e-6)


def test_resizing_takes_the_centre_square_of_the_resized_whole() -> None:
    channel = Image.fromarray(SMOOTH[..., 0].astype(np.float32))
    whole = np.asarray(channel.resize((30, 20), Image.Resampling.BICUBIC))
    pixels = resize_and_crop(loaded(SMOOTH[..., 0]), 20).pixels
    np.testing.assert_allclose(pixels, whole[:, 5:25], atol=1e-6)


def test_resizing_does_not_clip_and_does_not_alias() -> None:
    edge = np.repeat([[0.0, 1.0]], 8, axis=0).repeat(4, axis=1)
    enlarged = resize_and_crop(loaded(edge), 32).pixels
    assert enlarged.min() < -0.01
    assert enlarged.max() > 1.01
    checkers = np.indices((64, 64)).sum(axis=0) % 2
    shrunk = resize_and_crop(loaded(checkers), 16).pixels
    np.testing.assert_allclose(shrunk[2:-2, 2:-2], 0.5, atol=0.01)


@pytest.mark.parametrize(
    ("shape", "size", "note"),
    [
        ((40, 32), 64, "enlarged from 32x32 to 64x64: frequencies above 0.25 cycles/pixel"),
        ((30, 90), 40, "enlarged from 30x30 to 40x40: frequencies above 0.375 cycles/pixel"),
        ((40, 32), 32, None),
        ((40, 32), 16, None),
    ],
)
def test_enlarging_is_noted(shape: tuple[int, int], size: int, note: str | None) -> None:
    added = (f"{note} are interpolated",) if note else ()
    assert resize_and_crop(loaded(np.ones(shape)), size).notes == ("kept", *added)


@pytest.mark.parametrize("shape", [(1, 2000), (1_000_000, 2)])
def test_a_very_long_image_costs_no_more_than_its_square(shape: tuple[int, int]) -> None:
    result = resize_and_crop(loaded(np.full(shape, 0.5)), 64)
    np.testing.assert_array_equal(result.pixels, np.full((64, 64), 0.5))


@pytest.mark.parametrize("size", [0, -3, 2.5])
def test_sizes_are_checked(size: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="size"):
        resize_and_crop(loaded(SMOOTH), size)


@pytest.mark.parametrize(
    ("shape", "patch_size", "top", "left", "cropped"),
    [
        ((321, 481), 16, 0, 0, (320, 480)),
        ((19, 22), 8, 1, 3, (16, 16)),
        ((23, 37, 3), (4, 7), 1, 1, (20, 35)),
        ((8, 17), (8, 8), 0, 0, (8, 16)),
        ((15, 9), (5, 9), 0, 0, (15, 9)),
    ],
)
def test_cropping_is_central(
    shape: tuple[int, ...],
    patch_size: tuple[int, int] | int,
    top: int,
    left: int,
    cropped: tuple[int, int],
) -> None:
    pixels = np.random.default_rng(2).random(shape)
    result = crop_to_multiple(loaded(pixels), patch_size)
    np.testing.assert_array_equal(
        result.pixels, pixels[top : top + cropped[0], left : left + cropped[1]]
    )
    sizes = [f"{height}x{width}" for height, width in (shape[:2], cropped)]
    note = (f"cropped from {sizes[0]} to {sizes[1]}",) if sizes[0] != sizes[1] else ()
    assert result.notes == ("kept", *note)
    assert result.source_shape == shape[:2]


@pytest.mark.parametrize("shape", [(8, 5), (8, 15), (7, 900)])
def test_room_for_fewer_than_two_patches(shape: tuple[int, int]) -> None:
    reason = f"too small for two patches of 8x8: {shape[0]}x{shape[1]}"
    with pytest.raises(ImageRefused, match=f"^{reason}$"):
        crop_to_multiple(loaded(np.ones(shape)), 8)
