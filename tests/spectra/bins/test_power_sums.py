"""Sums over rings of the power of transforms in a workspace."""

from __future__ import annotations

import numpy as np
import pytest

from spectral_mae import Periodogram
from spectral_mae.spectra.bins import binning, power_sums
from spectral_mae.spectra.bins.power_sums import PowerSums
from spectral_mae.spectra.fft import RealFFT
from spectral_mae.spectra.frequencies import half_shape, hermitian_weights
from spectral_mae.spectra.rings import RingBins


@pytest.fixture(params=[2**15, 60, 1])
def gathered(request, monkeypatch):
    """Several images together, images one by one, and parts of an image."""
    monkeypatch.setattr(binning, "GATHERED", request.param)
    monkeypatch.setattr(power_sums, "GATHERED", request.param)


@pytest.mark.usefixtures("gathered")
@pytest.mark.parametrize("shape", [(32, 24), (25, 37), (24, 31), (40,), (7, 1), (4, 6, 9)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("transposed", [False, True])
def test_moments_are_the_bits_of_those_of_the_plane(shape, dtype, transposed):
    """Of squares that are added up on the half-plane, over two channels."""
    rng = np.random.default_rng(0)
    halves = rng.standard_normal((2, 3, *half_shape(shape), 2)).astype(dtype)
    halves = halves.view(np.result_type(dtype, np.complex64))[..., 0]
    fft = RealFFT(shape, dtype=dtype, chunk=4, transposed=transposed)
    rings = RingBins(shape, (1.0,) * len(shape), None)
    with fft.borrow() as space:
        sums = PowerSums(rings.binning, space, 3, transposed=fft.transposed, kept=True)
        expected = np.zeros(halves[0].shape, dtype=dtype)
        for channel, half in enumerate(halves):
            space.half[:3] = half.swapaxes(1, 2) if fft.transposed else half
            if channel == 0:
                sums.square()
            expected = expected + half.real**2
            expected += half.imag**2
        whole = (expected * hermitian_weights(shape)).reshape(3, -1).sum(axis=1)
        found = sums.sums(add=True)
        weights = power_sums.whole_weights(shape, transposed=fft.transposed)
        np.testing.assert_allclose(sums.whole @ weights, whole, rtol=30 * np.finfo(dtype).eps)
        mean, std, exact = rings.binning.moments_of_runs(found.copy())
    known_mean, known_std = rings.moments(expected)
    np.testing.assert_array_equal(mean, known_mean)
    assert exact.mean() > 0.5
    np.testing.assert_array_equal(std[exact], known_std[exact])


@pytest.mark.usefixtures("gathered")
@pytest.mark.parametrize("bins", [1, [0.0, 0.1, 0.8]])
def test_a_ring_may_hold_more_than_is_gathered_at_a_time(bins):
    images = np.random.default_rng(0).standard_normal((2, 24, 20)).astype(np.float32)
    one = Periodogram((24, 20), dtype=np.float32)
    rings = RingBins((24, 20), (1.0, 1.0), bins)
    mean, std = rings.moments(one.power(images))
    found = one.radial(images, bins)
    np.testing.assert_allclose(found.power, mean, rtol=1e-6)
    np.testing.assert_allclose(found.std, std, rtol=1e-6)


@pytest.mark.usefixtures("gathered")
@pytest.mark.parametrize("shape", [(50, 42), (160, 162), (60,)])
def test_views_that_are_kept_change_no_spectrum(shape):
    """Of batches of several lengths, other rings, and channels, between which a workspace goes."""
    images = np.random.default_rng(0).standard_normal((5, *shape, 3))
    gray, color = Periodogram(shape, chunk=2), Periodogram(shape, chunk=2, channel_axis=-1)
    calls = [
        lambda: gray.radial(images[..., 0]),
        lambda: gray.radial(images[:4, ..., 1], bins=3),
        lambda: color.radial(images),
        lambda: gray.radial(images[:1, ..., 2]),
    ]
    first = [call().power for call in calls]
    for known, again in zip(first[::-1], (call() for call in calls[::-1]), strict=True):
        np.testing.assert_array_equal(again.power, known)
    for known, image in zip(first[0], images[..., 0], strict=True):
        alone = Periodogram(shape).radial(image[np.newaxis])
        np.testing.assert_array_equal(alone.power[0], known)


@pytest.mark.parametrize("channel_axis", [None, -1])
@pytest.mark.parametrize("shape", [(40, 32), (160, 162)])
def test_spectra_whose_spread_cancels_are_looked_at_again(shape, channel_axis):
    """A point has the same power everywhere; noise beside it in the batch keeps its numbers."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((7, *shape))
    images[2] = images[6] = 0.0
    images[2, 3, 4] = images[6, 5, 5] = 1.0
    images[6] += 1e-9 * rng.standard_normal(shape)
    if channel_axis is not None:
        images = np.stack([images] * 3, axis=-1)
    one = Periodogram(shape, channel_axis=channel_axis)
    found, known = one.radial(images), one.rings.moments(one.power(images))[1]
    np.testing.assert_allclose(found.std[6], known[6], rtol=1e-6)
    assert found.std[2].max() < 1e-14 * found.power[2].mean()
    assert 0 < found.std[6].max() < 1e-6 * found.power[6].mean()
    noise = [0, 1, 3, 4, 5]
    alone = one.radial(images[noise])
    np.testing.assert_array_equal(found.std[noise], alone.std)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(24, 31), (160, 162), (50,), (6, 7, 8)])
def test_floor_is_that_of_the_largest_sum_of_squares(shape, dtype):
    """Whether pixels are added up, as under a window, or their power."""
    images = np.random.default_rng(0).standard_normal((5, *shape)).astype(dtype)
    images[3] *= 10
    energy = float(np.square(images[3].astype(np.float64)).sum())
    for window in (None, np.ones(shape)):
        one = Periodogram(shape, dtype=dtype, window=window)
        found = one.radial(images)
        assert found.floor == pytest.approx(one.rounding_floor(energy), rel=1e-5, abs=0)


@pytest.mark.parametrize("detrend", [None, "constant"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(24, 31), (160, 162), (50,)])
def test_floor_under_masks_is_that_of_what_is_seen(shape, dtype, detrend):
    """Of pixels times their weights, whatever hidden pixels hold."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((5, *shape)).astype(dtype)
    weights = rng.random((5, *shape)) * (rng.random((5, *shape)) < 0.4)
    images[weights == 0] = np.nan
    for visible in (weights > 0, weights):
        seen = np.where(weights > 0, images, 0).astype(np.float64) * visible
        energy = float(np.square(seen).reshape(5, -1).sum(axis=1).max())
        one = Periodogram(shape, dtype=dtype, detrend=detrend)
        found = one.radial(images, visible=visible)
        assert found.floor == pytest.approx(one.rounding_floor(energy), rel=1e-5, abs=0)


def test_floor_of_pixels_whose_corners_overflow_is_finite():
    """Power beyond all rings may be too large for single precision, which changes none in them."""
    y, x = np.mgrid[:16, :16]
    image = 1e18 * (-1.0) ** (x + y) + np.random.default_rng(0).standard_normal((16, 16)) * 1e14
    one = Periodogram((16, 16), dtype=np.float32)
    found = one.radial(image[np.newaxis].astype(np.float32))
    assert np.isfinite(found.power).all()
    assert found.floor == pytest.approx(one.rounding_floor(256 * 1e36), rel=1e-3, abs=0)
