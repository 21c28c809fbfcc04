"""Sectors of frequencies: who belongs where."""

import math
from fractions import Fraction

import laws
import numpy as np
import pytest
from ring_cases import IMAGES, whole_radius

from spectral_mae.spectra.periodogram import psd


def nyquist(fs):
    return min(Fraction(rate) for rate in fs) / 2


@IMAGES
@pytest.mark.parametrize("n", [1, 2, 4, 6, 8])
@pytest.mark.parametrize("corners", [False, True])
def test_sectors_equal_a_loop_over_the_whole_grid(shape, fs, n, corners):
    spectrum = psd(laws.field(shape), fs=fs)
    fmax = Fraction(10) if corners else nyquist(fs)
    members = laws.sector_members(spectrum.full(), fs, n, fmax)
    if not all(members):
        with pytest.raises(ValueError, match=rf"of {n} sectors hold no frequency"):
            spectrum.sectors(n)
        return
    found = spectrum.sectors(n, fmax=float(fmax) if corners else None)
    np.testing.assert_array_equal(found.angle, np.arange(n) * 180 / n)
    assert found.count.tolist() == [sum(w for w, _ in sector) for sector in members]
    for i, (weight, power) in enumerate(np.array(sector).T for sector in members):
        mean = np.average(power, weights=weight)
        assert found.power[i] == pytest.approx(mean, rel=1e-13)
        std = math.sqrt(np.average((power - mean) ** 2, weights=weight))
        assert found.std[i] == pytest.approx(std, rel=1e-10, abs=1e-14)
        modes = found.count[i] / 2
        stderr = std / math.sqrt(modes - 1) if modes > 1 else mean / math.sqrt(modes)
        assert found.stderr[i] == pytest.approx(stderr, rel=1e-10)


@IMAGES
@pytest.mark.parametrize("n", [2, 4, 6])
@pytest.mark.parametrize("fmax", [None, 10.0])
def test_mirroring_and_turning_the_image_mirrors_and_turns_the_sectors(shape, fs, n, fmax):
    x = laws.field(shape)
    sectors = psd(x, fs=fs).sectors(n, fmax=fmax)
    order = np.arange(n)
    for image, rates, source in (
        (x[::-1], fs, -order),
        (x[:, ::-1], fs, -order),
        (x[::-1, ::-1], fs, order),
        (x.T, fs[::-1], n // 2 - order),
        (np.rot90(x), fs[::-1], n // 2 + order),
    ):
        found = psd(image, fs=rates).sectors(n, fmax=fmax)
        np.testing.assert_array_equal(found.count, sectors.count[source % n])
        laws.assert_close(found.power, sectors.power[source % n], 1e-13)
        laws.assert_close(found.std, sectors.std[source % n], 1e-12)


@IMAGES
def test_sectors_share_out_every_frequency_in_range(shape, fs):
    spectrum = psd(laws.field(shape), fs=fs)
    radius = whole_radius(shape, fs)
    for low, high in [(None, None), (0.2, 0.4), (0.3, None), (None, 100.0)]:
        top = float(nyquist(fs)) * (1 + 1e-9) if high is None else high
        chosen = (radius > 0) & (radius >= (low or 0)) & (radius < top)
        found = spectrum.sectors(2, fmin=low, fmax=high)
        assert found.count.sum() == chosen.sum()
        mean = np.sum(found.power * found.count) / chosen.sum()
        assert mean == pytest.approx(spectrum.full()[chosen].mean(), rel=1e-12)


@pytest.mark.parametrize("shape", [(16, 24), (15, 21)])
@pytest.mark.parametrize(("axis", "angle"), [(1, 0.0), (0, 90.0)])
def test_stripes_show_at_the_angle_of_their_wave_vector(shape, axis, angle):
    wave = np.cos(2 * np.pi * 3 * np.indices(shape)[axis] / shape[axis])
    found = psd(wave).sectors(4)
    assert found.angle[np.argmax(found)] == angle
    assert np.sort(np.asarray(found))[-2] < 1e-25
    assert len(found) == 4


def test_diagonal_waves_tell_45_from_135_degrees():
    rows, columns = np.indices((16, 16))
    for sign, angle in ((1, 45.0), (-1, 135.0)):
        found = psd(np.cos(2 * np.pi * 3 * (columns + sign * rows) / 16)).sectors(4)
        assert found.angle[np.argmax(found)] == angle


def test_sectors_need_an_image_and_frequencies():
    with pytest.raises(ValueError, match=r"sectors need an image; shape=\(8,\) has 1 axis"):
        psd(np.ones(8)).sectors(2)
    with pytest.raises(ValueError, match=r"sectors need an image; shape=\(4, 4, 4\) has 3 axes"):
        psd(np.ones((4, 4, 4)), ndim=3).sectors(2)
    with pytest.raises(ValueError, match=r"6 of 9 sectors hold no .*shape=\(4, 4\).*; ask for"):
        psd(np.ones((4, 4))).sectors(9, fmax=0.3)
    with pytest.raises(ValueError, match=r"2 of 2 sectors hold no .*fmin=3, fmax=None"):
        psd(np.ones((4, 4))).sectors(2, fmin=3)
    with pytest.raises(ValueError, match="n=0 is not at least 1"):
        psd(np.ones((4, 4))).sectors(0)


def test_sectors_take_a_frequency_on_the_lower_edge_of_their_range():
    y, x = np.mgrid[:150, :150]
    wave = np.cos(2 * np.pi * (27 * y + 36 * x) / 150)  # |f| = 0.3
    assert psd(wave).sectors(4, fmax=0.3).power.max() < 1e-20
    assert psd(wave).sectors(4, fmin=0.3).power.max() > 1
