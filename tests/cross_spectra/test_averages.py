"""Curves of rings and sectors: their definitions by loops, known curves, and calibrated errors."""

import csv
import json
import math

import laws
import numpy as np
import pytest
from ring_cases import RINGS, whole_radius

from spectral_mae import cross_spectrum
from spectral_mae.cross_spectra.averages import RadialCrossSpectrum
from spectral_mae.spectra.frequencies import radial_frequency


def noisy(shape, seed, gain=0.5, noise=1.0):
    a, n = np.random.default_rng(seed).standard_normal((2, *shape))
    return a, gain * a + noise * n


def filtered(image, response):
    """An image times a real response on the half-plane."""
    return np.fft.irfftn(np.fft.rfftn(image) * response, image.shape, range(image.ndim))


@RINGS
def test_rings_equal_sums_over_the_whole_grid(shape, fs):
    a, b = noisy(shape, 0)
    found = cross_spectrum(a, b, fs=fs, ndim=len(shape)).radial()
    radius = whole_radius(shape, fs)
    one, other = np.fft.fftn(a), np.fft.fftn(b)
    positive = np.ones(shape, bool) if len(shape) > 1 else np.fft.fftfreq(*shape) >= 0
    for i, (low, high) in enumerate(found.edges):
        last = i == len(found.edges) - 1
        ring = (radius >= low * (1 - 1e-12)) & (radius < high * (1 + 1e-12 * last))
        if last:
            ring |= np.isclose(radius, high, rtol=1e-13)
        assert found.count[i] == ring.sum()
        aa, bb = (np.sum(np.abs(x[ring]) ** 2) for x in (one, other))
        half = ring & positive if positive[ring].any() else ring
        cross = np.sum((np.conj(one) * other)[ring].real)
        turned = np.sum((np.conj(one) * other)[half]) if len(shape) == 1 else cross
        share = np.sum(np.abs(one[half]) ** 2) * np.sum(np.abs(other[half]) ** 2)
        assert found.gain[i] == pytest.approx(cross / aa, rel=1e-12)
        assert found.frc[i] == pytest.approx(cross / math.sqrt(aa * bb), rel=1e-12)
        error = np.sum(np.abs(other - one)[ring] ** 2)
        assert found.explained[i] == pytest.approx(1 - error / aa, rel=1e-12)
        if found.count[i] > 2:
            truth = abs(turned) ** 2 / (aa * bb if len(shape) > 1 else share)
            assert found.coherence[i] == pytest.approx(truth, rel=1e-11)


def test_bands_of_a_signal_keep_the_phase_of_a_delay():
    """Over positive frequencies a delay costs little coherence; its real part would lose it all."""
    a = np.random.default_rng(0).standard_normal(4096)
    found = cross_spectrum(a, np.roll(a, 3)).radial(64)
    assert found.coherence.min() > 0.95
    assert np.abs(found.frc).min() < 0.2


def test_one_pair_has_no_coherence_where_a_ring_holds_one_frequency():
    found = cross_spectrum(*noisy((16,), 0)).radial()
    with pytest.raises(ValueError, match="no coherence at a single frequency"):
        _ = found.coherence
    mixed = cross_spectrum(*noisy((16,), 0)).radial([0.03, 0.07, 0.5])
    assert np.isnan(mixed.coherence).tolist() == [True, False]
    assert np.isnan(mixed.columns()["coherence"]).tolist() == [True, False]
    assert np.isnan(mixed.stderr["coherence"]).tolist() == [True, False]


@pytest.mark.parametrize("shape", [(64,), (32, 33), (24, 40)])
def test_an_image_agrees_with_itself(shape):
    a = laws.field(shape)
    found = cross_spectrum(a, a).radial(6)
    for curve in (found.gain, found.coherence, found.frc, found.explained):
        np.testing.assert_allclose(curve, 1, rtol=1e-14)
    assert found.frc_crossing() == found.frc_crossing("half-bit") == math.inf
    turned = cross_spectrum(a, -2 * a).radial(6)
    np.testing.assert_allclose(turned.frc, -1, rtol=1e-14)
    np.testing.assert_allclose(turned.gain, -2, rtol=1e-14)


def test_independent_noise_agrees_within_its_error_of_zero():
    found = [cross_spectrum(*noisy((48, 64), seed, gain=0.0)).radial() for seed in range(20)]
    scores = np.array([one.frc * np.sqrt(one.count) for one in found])
    assert np.abs(scores).max() < 5
    assert np.mean(scores**2) == pytest.approx(1, abs=0.15)
    within = np.array([one.frc / one.stderr["frc"] for one in found])[:, 4:]
    assert np.mean(within**2) == pytest.approx(1, abs=0.15)
    coherence = np.array([one.coherence * one.count / 2 for one in found])
    assert np.mean(coherence) == pytest.approx(0.5, abs=0.1)  # a real mean: half of 1


@pytest.mark.parametrize("shape", [(4096,), (128, 96)])
def test_a_low_pass_with_noise_has_the_known_curve(shape):
    """White a, b = h*a + n: gain h, FRC h/√(h² + s), coherence its square, explained by errors."""
    level = 0.25
    radius = radial_frequency(shape, (1.0,) * len(shape))
    response = np.exp(-((radius / 0.2) ** 2))
    a, n = np.random.default_rng(3).standard_normal((2, *shape))
    found = cross_spectrum(a, filtered(a, response) + math.sqrt(level) * n).radial(24)
    h = np.exp(-((found.frequency / 0.2) ** 2))
    truth = {
        "gain": h,
        "frc": h / np.sqrt(h**2 + level),
        "coherence": h**2 / (h**2 + level),
        "explained": 1 - (1 - h) ** 2 - level,
        "error": (1 - h) ** 2 + level,
    }
    for name, curve in truth.items():
        scores = (getattr(found, name) - curve) / found.stderr[name]
        assert np.abs(scores).max() < 4, name
        assert 0.5 < np.sqrt(np.mean(scores**2)) < 1.5, name
    where = 0.2 * math.sqrt(-math.log(math.sqrt(level / 3)))  # FRC ½ where h² = level/3
    assert found.frc_crossing(0.5) == pytest.approx(where, abs=0.03)


def test_what_was_lost_does_not_agree():
    a = np.random.default_rng(0).standard_normal((32, 32))
    kept = radial_frequency((32, 32), (1.0, 1.0)) < 0.3
    found = cross_spectrum(a, filtered(a, kept)).radial()
    inside = found.edges[:, 1] < 0.3
    np.testing.assert_allclose(found.frc[inside], 1, rtol=1e-12)
    outside = found.edges[:, 0] > 0.3
    assert (found.frc[outside] == 0).all()
    assert (found.coherence[outside] == 0).all()
    np.testing.assert_allclose(found.explained[outside], 0, atol=1e-12)
    assert 0.28 < found.frc_crossing() < 0.34
    invented = cross_spectrum(filtered(a, kept), a).radial()
    assert np.isnan(invented.gain[outside]).all()
    assert (invented.frc[outside] == 0).all()
    neither = cross_spectrum(filtered(a, kept), filtered(a, kept)).radial()
    assert np.isnan(neither.frc[outside]).all()
    assert neither.frc_crossing() == math.inf


def test_sectors_tell_orientations_apart():
    a = np.random.default_rng(0).standard_normal((64, 64))
    rows, columns = np.meshgrid(np.fft.fftfreq(64), np.fft.rfftfreq(64), indexing="ij")
    vertical = np.abs(rows) > np.abs(columns)
    found = cross_spectrum(a, filtered(a, np.where(vertical, 0.25, 1.0))).sectors(4)
    np.testing.assert_array_equal(found.angle, [0, 45, 90, 135])
    np.testing.assert_allclose(found.gain[[0, 2]], [1, 0.25], rtol=0.05)
    assert (found.gain[[1, 3]] > 0.5).all()
    assert (found.gain[[1, 3]] < 0.8).all()
    assert found.columns()["angle"].tolist() == [0, 45, 90, 135]
    assert "4 sectors" in repr(found)
    with pytest.raises(ValueError, match="sectors need an image"):
        cross_spectrum(a[0], a[1]).sectors(2)


def test_errors_of_one_pair_are_calibrated():
    names = ("gain", "frc", "coherence", "explained", "error")
    truth = {"gain": 0.5, "frc": 0.5**0.5, "coherence": 0.5, "explained": 0.5, "error": 0.5}
    scores = {name: [] for name in names}
    for seed in range(40):
        found = cross_spectrum(*noisy((32, 32), seed, noise=0.5)).radial(4)
        for name in names:
            scores[name].append((getattr(found, name) - truth[name]) / found.stderr[name])
    for name in names:
        assert np.std(scores[name]) == pytest.approx(1, abs=0.2), name


def test_half_bit_curve_of_van_heel_and_schatz():
    def ring(count):
        ones = np.ones(len(count))
        stderr = dict.fromkeys(("gain", "coherence", "frc", "error", "explained"), ones)
        return RadialCrossSpectrum(
            frequency=ones,
            edges=np.ones((len(count), 2)),
            power_a=ones,
            power_b=ones,
            cross=ones + 0j,
            error=ones,
            count=np.array(count),
            averages=1,
            stderr=stderr,
        )

    counts = np.array([1, 4, 100, 10**12])
    root = np.sqrt(counts)
    printed = (0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root)  # their Eq. 17
    np.testing.assert_allclose(ring(counts).half_bit, printed, rtol=1e-4)
    assert ring([1]).half_bit == pytest.approx(1)


def rings_of(frc, floors=(0.0, 0.0)):
    frc = np.asarray(frc, float)
    nothing = dict.fromkeys(("gain", "coherence", "frc", "error", "explained"), frc)
    power = np.where(np.isfinite(frc), 1.0, 0.0)
    return RadialCrossSpectrum(
        frequency=0.1 * np.arange(1, len(frc) + 1),
        edges=np.zeros((len(frc), 2)),
        power_a=power,
        power_b=power,
        cross=np.nan_to_num(frc) + 0j,
        error=power,
        count=np.full(len(frc), 10**6),
        averages=1,
        stderr=nothing,
        floors=floors,
    )


@pytest.mark.parametrize(
    ("frc", "threshold", "where"),
    [
        ([1.0, 0.6, 0.2], 0.4, 0.25),
        ([1.0, 0.2, 0.9], 0.4, 0.1 + 0.1 * 0.6 / 0.8),
        ([0.3, 0.6, 0.2], 0.4, 0.0),
        ([1.0, 0.9, 0.8], 0.4, math.inf),
        ([1.0, math.nan, 0.0], 0.5, 0.2),
        ([0.5, 0.4], 0.4, math.inf),
    ],
)
def test_crossing_is_interpolated(frc, threshold, where):
    assert rings_of(frc).frc_crossing(threshold) == pytest.approx(where)


def test_crossing_refuses_what_is_no_threshold():
    rings = rings_of([1.0, 0.0])
    with pytest.raises(ValueError, match="threshold='one bit' is not one of 'half-bit'"):
        rings.frc_crossing("one bit")
    with pytest.raises(ValueError, match=r"threshold=1\.5 is not between 0 and 1"):
        rings.frc_crossing(1.5)


def test_tables_have_all_curves(tmp_path):
    found = cross_spectrum(*noisy((16, 16), 0)).radial(4)
    found.to_csv(tmp_path / "rings.csv")
    with (tmp_path / "rings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    for name in ("frequency", "lower", "upper", "gain", "coherence", "frc", "explained"):
        plain = found.to_dict()[name]
        assert [float(row[name]) for row in rows] == plain
    np.testing.assert_array_equal(
        [float(row["explained_stderr"]) for row in rows], found.stderr["explained"]
    )
    json.dumps(found.to_dict())
    assert "1 pair, 4 rings" in repr(found)
