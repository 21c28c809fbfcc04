"""What is worked out in parts is what it would be in one piece."""

import dataclasses

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.masked_spectra.patch_sums import patch_power
from spectral_mae.masked_spectra.patch_sums.patch_power import PatchPower
from spectral_mae.spectra import frequencies
from spectral_mae.spectra.bins import binning


def assert_same(found, expected):
    """To the last bit."""
    for field in dataclasses.fields(expected):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name))


@pytest.mark.parametrize("shape", [(24, 36), (25, 36), (7, 64), (6, 9, 10)])
@pytest.mark.parametrize("bins", [None, 5, [0.0, 0.1, 0.7]])
def test_rings_and_sectors_in_blocks_of_bins(shape, bins, monkeypatch):
    """One bin may be larger than a block, and a block may hold bins that are alone."""
    image = np.random.default_rng(0).standard_normal(shape)
    batch = np.stack([image, image**2, np.ones(shape)])
    spectrum, periodogram = sm.psd(image, ndim=len(shape)), sm.Periodogram(shape)
    rings, of_batch = spectrum.radial(bins), periodogram.radial(batch, bins)
    sectors = spectrum.sectors(5) if len(shape) == 2 else None
    monkeypatch.setattr(binning, "BLOCK", 37)
    monkeypatch.setattr(frequencies, "STRIP", 50)
    assert_same(spectrum.radial(bins), rings)
    assert_same(sm.Periodogram(shape).radial(batch, bins), of_batch)
    if sectors is not None:  # sums of strips are added up, in another order
        found = spectrum.sectors(5)
        for name in ("angle", "power", "count", "std", "stderr"):
            np.testing.assert_allclose(getattr(found, name), getattr(sectors, name), rtol=1e-13)


def test_transposed_rings_in_blocks(monkeypatch):
    image = np.random.default_rng(0).standard_normal((2, 160, 150))
    whole = sm.Periodogram((160, 150)).radial(image)
    monkeypatch.setattr(binning, "BLOCK", 1000)
    assert_same(sm.Periodogram((160, 150)).radial(image), whole)


@pytest.mark.parametrize(
    ("shape", "patch"),
    [((80, 72), (20, 18)), ((80, 60), (40, 60)), ((90,), 30), ((6, 16, 15), (2, 8, 15))],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_patches_that_are_cut_some_rows_at_a_time(shape, patch, channels, monkeypatch):
    """Against the spectra of the patches themselves."""
    cut = sm.PatchGrid(shape, patch)
    image = 3 + np.random.default_rng(0).standard_normal((*shape, channels))
    kept = cut.expand(np.eye(cut.n_patches, dtype=bool))
    axes = tuple(range(1, 1 + len(shape)))
    naive = sum(
        np.abs(np.fft.rfftn(image[..., c] * kept, axes=axes)) ** 2 for c in range(channels)
    ).sum(axis=0)
    monkeypatch.setattr(patch_power, "GRAM_PIXELS", 1)
    for part in (2**20, 1, 3000):
        monkeypatch.setattr(patch_power, "PART", part)
        np.testing.assert_allclose(PatchPower(cut)(image), naive, rtol=1e-12, atol=1e-9)


def test_memory_of_large_transforms_is_given_back():
    small, large = sm.Periodogram((256, 256)), sm.Periodogram((2048, 1024))
    for periodogram, kept in ((small, 1), (large, 0)):
        periodogram.power(np.ones((1, *periodogram.shape)))
        assert len(periodogram._fft._free) == kept


@pytest.mark.parametrize(
    ("shape", "patch"),
    [((24, 36), 4), ((25, 35), 5), ((24, 36), (3, 1)), ((24, 36), (1, 9)), ((30,), 5)],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_products_of_patches_some_rows_at_a_time(shape, patch, channels, monkeypatch):
    """Against the spectra of the patches themselves, whatever the mean."""
    cut = sm.PatchGrid(shape, patch)
    image = 3 + np.random.default_rng(0).standard_normal((*shape, channels))
    kept = cut.expand(np.eye(cut.n_patches, dtype=bool))
    axes = tuple(range(1, 1 + len(shape)))
    naive = sum(
        np.abs(np.fft.rfftn(image[..., c] * kept, axes=axes)) ** 2 for c in range(channels)
    ).sum(axis=0)
    for multiplications in (10**6, 1, 700):
        monkeypatch.setattr(patch_power, "PRODUCT", multiplications)
        np.testing.assert_allclose(PatchPower(cut)(image), naive, rtol=1e-12, atol=1e-9)
