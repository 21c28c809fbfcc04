"""Log-polar maps: each cell is the mean over its frequencies, found one by one."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae import plot
from spectral_mae.plot.cells import polar_cells

SHAPES = [
    ((16, 16), 1.0),
    ((15, 17), 1.0),
    ((12, 20), 1.0),
    ((9, 24), (1.0, 2.0)),
    ((1, 8), 1.0),
    ((32, 3), (3.0, 1.0)),
]


def directions(row, column, shape, fs):
    """Radius and angle of a frequency of the whole plane; twice where it is its own alias."""
    choices = []
    for place, n, rate in zip((row, column), shape, fs, strict=True):
        value = (place if 2 * place < n else place - n) * rate / n
        choices.append((value, -value) if 2 * place == n else (value,))
    return [(np.hypot(y, x), np.arctan2(y, x) % np.pi) for y, x in itertools.product(*choices)]


def mean_of_cell(full, fs, low, high, sector, n):
    """Mean and weight over one cell; what lies on the border of two sectors counts half in each."""
    total = weight = 0.0
    for row, column in np.ndindex(*full.shape):
        found = directions(row, column, full.shape, fs)
        for radius, angle in found:
            if radius == 0 or not low * (1 - 1e-12) <= radius < high * (1 - 1e-12):
                continue
            off = (angle * n / np.pi - sector + 0.5) % n  # of the beginning of the sector
            on_border = min(off, n - off, abs(off - 1)) < 1e-8
            share = (n if n == 1 else 0.5) if on_border else float(off < 1)
            total += share * full[row, column] / len(found)
            weight += share / len(found)
    return total / weight, weight


@pytest.mark.parametrize(("shape", "fs"), SHAPES)
def test_each_cell_is_the_mean_over_its_frequencies(shape, fs):
    spectrum = sm.psd(np.random.default_rng(0).standard_normal(shape), fs=fs)
    rings = polar_cells(spectrum.power, shape, spectrum.fs, least=2)
    full = spectrum.full()
    for ring in rings:
        n = len(ring.power)
        # The last ring includes the smallest Nyquist frequency.
        high = ring.high * (1 + 1e-9) if ring is rings[-1] else ring.high
        for sector in range(n):
            mean, weight = mean_of_cell(full, spectrum.fs, ring.low, high, sector, n)
            assert ring.power[sector] == pytest.approx(mean, rel=1e-9)
            assert weight >= (2 if n > 1 else 1)


def test_rings_are_quarters_of_octaves_that_join_where_one_is_empty():
    rings = polar_cells(np.ones((64, 33)), (64, 64), (1.0, 1.0))
    assert rings[-1].high == 0.5
    assert rings[0].low <= 1 / 64
    edges = [ring.low for ring in rings] + [0.5]
    for ring, after in itertools.pairwise(edges):
        quarters = 4 * np.log2(after / ring)
        assert quarters == pytest.approx(round(quarters))
        y, x = np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64))
        assert ((np.hypot(y, x) >= ring) & (np.hypot(y, x) < after)).any()
    assert [len(ring.power) for ring in rings[-3:]] == [72, 72, 72]
    assert len(rings[0].power) == 1
    assert all((ring.power == 1).all() for ring in rings)


def test_turning_the_image_moves_the_map_by_90_degrees():
    image = np.random.default_rng(1).standard_normal((24, 24))
    upright, turned = (
        polar_cells(one.power, one.shape, one.fs) for one in (sm.psd(image), sm.psd(image.T[::-1]))
    )
    for one, other in zip(upright, turned, strict=True):
        n = len(one.power)
        if n % 2 == 0:
            np.testing.assert_allclose(np.roll(one.power, n // 2), other.power, rtol=1e-9)


def test_stripes_stand_at_their_orientation_and_frequency():
    y, x = np.mgrid[:64, :64]
    ax = plot.psd(sm.psd(np.cos(2 * np.pi * (6 * x + 6 * y) / 64)), kind="polar")
    bright = [
        (mesh, np.argmax(mesh.get_array().ravel()))
        for mesh in ax.collections
        if mesh.get_array().max() > 1
    ]
    ((mesh, place),) = bright
    (low, high), angles = mesh.get_coordinates()[:, 0, 1], mesh.get_coordinates()[0, :, 0]
    assert low <= np.hypot(6, 6) / 64 < high
    assert angles[place] <= 45 <= angles[place + 1]
    assert ax.get_xlim() == (0, 180)
    assert ax.get_ylabel() == "frequency (cycles/pixel)"


def test_the_map_has_a_scale_and_the_title_of_a_plane():
    video = np.random.default_rng(0).random((4, 12, 15)) + np.arange(15)
    ax = plot.psd(sm.psd(video, ndim=3), kind="polar", vmin=1e-3, vmax=10)
    assert ax.get_title() == "zero frequency along the first axis"
    norm = ax.collections[0].norm
    assert (norm.vmin, norm.vmax) == (1e-3, 10)
    assert ax.figure.axes[1].get_ylabel() == "power density (per (cycle/pixel)³)"


def test_one_pixel_has_no_cells_and_signals_no_polar_map():
    ax = plot.psd(sm.psd(np.ones((1, 1))), kind="polar")
    assert not ax.collections
    plt.gcf().canvas.draw()
    with pytest.raises(ValueError, match="kind='polar' needs the spectrum of an image"):
        plot.psd(sm.psd(np.ones(8)), kind="polar")
    with pytest.raises(ValueError, match="kind='rose'"):
        plot.psd(sm.psd(np.ones((8, 8))), kind="rose")
