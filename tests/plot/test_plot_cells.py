"""Planes of many numbers as cells of a picture."""

import itertools

import numpy as np
import pytest
from PIL import Image

import spectral_mae as sm
from spectral_mae.plot import cells, masks
from spectral_mae.spectra import frequencies


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (5, 1), (4, 6), (5, 7), (8, 3)])
def test_rows_of_the_whole_grid_are_those_of_the_grid(shape):
    power = np.random.default_rng(0).random(frequencies.half_shape(shape))
    full = frequencies.full_from_half(power, shape)
    rows = np.arange(shape[0])[::-1]
    np.testing.assert_array_equal(frequencies.whole_rows(power, shape, rows), full[rows])
    np.testing.assert_array_equal(
        cells.frequency_cells(power, shape), np.fft.fftshift(full, axes=(0, 1))
    )


@pytest.mark.parametrize("shape", [(20, 12), (21, 13), (12, 40), (5, 23)])
def test_cells_of_large_planes_are_means_of_blocks(shape):
    rows, columns = (np.linspace(0, n, min(n, 6) + 1).astype(int) for n in shape)
    power = np.random.default_rng(0).random(frequencies.half_shape(shape))
    plane = np.fft.fftshift(frequencies.full_from_half(power, shape), axes=(0, 1))
    expected = [
        [plane[a:b, c:d].mean() for c, d in itertools.pairwise(columns)]
        for a, b in itertools.pairwise(rows)
    ]
    np.testing.assert_allclose(cells.frequency_cells(power, shape, 6), expected, rtol=1e-14)
    np.testing.assert_allclose(cells.pixel_cells(plane, 6), expected, rtol=1e-6)
    assert cells.pixel_cells(plane > 0.5, 6).max() <= 1.0


@pytest.mark.slow
def test_large_images_look_as_they_did(tmp_path, monkeypatch):
    """The picture of blocks is close to that of all pixels, and not the same."""
    image = sm.read_image("builtin:camera").pixels
    mask = sm.PulseMask.random(sm.PatchGrid(image.shape, 64), 0.75, rng=0)
    pictures = []
    for most in (512, 256):
        monkeypatch.setattr(masks, "PANEL", most)
        axes = sm.plot.masking(image, [mask])
        sm.plot.save(axes[0, 0].figure, tmp_path / "picture.png")
        with Image.open(tmp_path / "picture.png") as picture:
            pictures.append(np.asarray(picture.convert("L"), dtype=float))
    difference = np.abs(pictures[0] - pictures[1])
    assert 0.1 < difference.mean() < 8
    # Smoothed over a few pixels, for single pixels of a spectrum are noise.
    blocks = difference[: difference.shape[0] // 16 * 16, : difference.shape[1] // 16 * 16]
    signed = (pictures[0] - pictures[1])[: blocks.shape[0], : blocks.shape[1]]
    assert np.abs(signed.reshape(blocks.shape[0] // 16, 16, -1, 16).mean(axis=(1, 3))).max() < 40


def test_leakage_of_cells_is_the_ratio_of_their_means():
    image = np.random.default_rng(0).random((3 * 1024, 16))
    leak = sm.leakage(image, 16, 0.5)
    drawn = sm.plot.leakage(leak).images[0].get_array()
    leaked, kept = (
        np.fft.fftshift(frequencies.full_from_half(s.power, s.shape), axes=(0, 1))
        .reshape(1024, 3, 16)
        .mean(axis=1)
        for s in (leak.leaked, leak.kept)
    )
    norm = sm.plot.leakage(leak).images[0].norm
    np.testing.assert_allclose(drawn, np.clip(leaked / kept, norm.vmin, norm.vmax), rtol=1e-12)
