"""Rings and sectors of frequencies: who belongs where, and how sure the averages are."""

import csv
import dataclasses
import json
import math
import pickle
from fractions import Fraction

import laws
import numpy as np
import pytest

from spectral_mae import periodogram
from spectral_mae.grid import full_frequencies, radial_frequency
from spectral_mae.periodogram import Periodogram, psd
from spectral_mae.radial import RadialSpectrum, RingBins

# Shape and sampling frequency per axis.
CASES = [
    ((12,), (1.0,)),
    ((9,), (3.0,)),
    ((2,), (1.0,)),
    ((8, 8), (1.0, 1.0)),
    ((9, 9), (1.0, 1.0)),
    ((8, 12), (1.0, 1.0)),
    ((12, 7), (1.0, 1.0)),
    ((12, 8), (2.0, 1.0)),
    ((9, 10), (1.0, 1.5)),
    ((1, 8), (1.0, 1.0)),
]
RINGS = pytest.mark.parametrize(("shape", "fs"), CASES)
IMAGES = pytest.mark.parametrize(
    ("shape", "fs"), [case for case in CASES if len(case[0]) == 2 and case[0][0] > 1]
)


def power_law_fields(n, shape, slope, seed=0):
    """Gaussian fields whose expected power is frequency^slope."""
    radius = radial_frequency(shape, (1.0,) * len(shape))
    radius.ravel()[0] = 1.0
    axes = tuple(range(1, len(shape) + 1))
    noise = np.random.default_rng(seed).standard_normal((n, *shape))
    return np.fft.irfftn(np.fft.rfftn(noise, axes=axes) * radius ** (slope / 2), shape, axes)


def fit_one(rings, i):
    """Slope of one spectrum of a batch."""
    return dataclasses.replace(rings, power=rings.power[i]).fit_slope()


def whole_radius(shape, fs):
    """Distance from zero of every whole-grid frequency."""
    axes = np.meshgrid(*full_frequencies(shape, fs), indexing="ij")
    return np.linalg.norm(np.stack(axes), axis=0)


def assert_rings_equal(found, members):
    """Compare with {edges: (distance, power) of the members} of the rings that are not empty."""
    laws.assert_close(found.edges, list(members), 1e-15)
    columns = [np.array(ring).T for ring in members.values()]
    assert found.count.tolist() == [len(power) for _, power in columns]
    laws.assert_close(found.frequency, [distance.mean() for distance, _ in columns], 1e-14)
    laws.assert_close(found.power, [power.mean() for _, power in columns], 1e-14)
    std = [np.std(power) for _, power in columns]
    assert np.max(np.abs(found.std - std)) <= 1e-14 * np.max(found.power)
    for stderr, spread, (_, power) in zip(found.stderr, std, columns, strict=True):
        modes = len(power) / 2
        expected = spread / math.sqrt(modes - 1) if modes > 1 else power.mean() / math.sqrt(modes)
        assert stderr == pytest.approx(expected, rel=1e-10)
    for field in (found.frequency, found.power, found.std, found.stderr):
        assert np.isfinite(field).all()


@RINGS
def test_default_rings_equal_a_loop_over_the_whole_grid(shape, fs):
    spectrum = psd(laws.field(shape), fs=fs)
    members = laws.ring_members(spectrum.full(), fs, laws.default_ring_edges(shape, fs))
    assert_rings_equal(spectrum.radial(), members)


@RINGS
@pytest.mark.parametrize(
    "bins", [[0.0, 0.25, 0.3125], [0.0625, 0.5, 2.0], [0.0, 8.0], [0.125, 0.126, 0.127, 0.5]]
)
def test_given_edges_equal_a_loop_over_the_whole_grid(shape, fs, bins):
    spectrum = psd(laws.field(shape), fs=fs)
    members = laws.ring_members(spectrum.full(), fs, [Fraction(edge) for edge in bins])
    if not members:
        with pytest.raises(ValueError, match="lies in the rings"):
            spectrum.radial(bins)
        return
    assert_rings_equal(spectrum.radial(bins), members)
    assert_rings_equal(spectrum.radial(np.array(bins)), members)


@RINGS
def test_given_edges_may_hold_zero_and_the_corners(shape, fs):
    spectrum = psd(laws.field(shape), fs=fs)
    everything = spectrum.radial([0.0, 100.0])
    assert everything.count.tolist() == [math.prod(shape)]
    laws.assert_close(everything.power, [np.mean(spectrum.full())], 1e-13)


@RINGS
def test_default_rings_hold_every_frequency_up_to_nyquist_but_zero(shape, fs):
    radius = whole_radius(shape, fs)
    top = float(laws.default_ring_edges(shape, fs)[-1])
    found = psd(laws.field(shape), fs=fs).radial()
    assert found.count.sum() == np.sum((radius > 0) & (radius <= top * (1 + 1e-12)))


@pytest.mark.parametrize("shape", [(16, 64), (64, 16), (2, 64)])
def test_default_rings_hold_the_lowest_frequencies_of_long_images(shape):
    test_default_rings_hold_every_frequency_up_to_nyquist_but_zero(shape, (1.0, 1.0))


@pytest.mark.parametrize("shape", [(20, 24), (11, 22), (28, 21)])
def test_frequencies_on_an_edge_belong_to_the_upper_ring(shape):
    test_default_rings_equal_a_loop_over_the_whole_grid(shape, (1.0, 1.0))


@pytest.mark.parametrize("n", [49, 60])
def test_rounding_of_an_edge_does_not_decide_who_is_in(n):
    spectrum = psd(laws.field((n, n)))
    for i in range(1, n // 2, 4):
        edges = [Fraction(i, n), Fraction(i + 1, n)]
        members = laws.ring_members(spectrum.full(), spectrum.fs, edges)
        assert_rings_equal(spectrum.radial([i / n, (i + 1) / n]), members)
        circle = [a * a + b * b == i * i for a in range(-i, i + 1) for b in range(-i, i + 1)]
        assert spectrum.sectors(1, fmin=i / n, fmax=i / n).count == sum(circle)


@RINGS
@pytest.mark.parametrize("n", [1, 2, 50])
def test_a_number_of_rings_splits_the_default_range_evenly(shape, fs, n):
    spectrum = psd(laws.field(shape), fs=fs)
    edges = laws.default_ring_edges(shape, fs)
    found = spectrum.radial(n)
    width = float(edges[-1] - edges[0]) / n
    laws.assert_close(np.diff(found.edges, axis=1), np.full((len(found.power), 1), width), 1e-9)
    assert found.count.sum() == spectrum.radial().count.sum()
    assert (found.count > 0).all()
    assert np.isfinite([found.frequency, found.power, found.std, found.stderr]).all()


@RINGS
def test_rings_of_a_batch_are_the_rings_of_each(shape, fs):
    x = laws.field((3, *shape))
    batch = Periodogram(shape, fs=fs).radial(x)
    single = [psd(image, fs=fs).radial() for image in x]
    for name in ("power", "std", "stderr"):
        laws.assert_close(getattr(batch, name), [getattr(s, name) for s in single], 1e-15)
    for name in ("frequency", "count", "edges"):
        np.testing.assert_array_equal(getattr(batch, name), getattr(single[0], name))
    assert batch.scaling == "density"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_workers_and_order_do_not_change_rings(dtype):
    """Rings keep working memory; no thread and no earlier batch may show through it."""
    x = laws.field((23, 24, 18)).astype(dtype)
    truth = [psd(image).radial() for image in x]
    periodogram = Periodogram((24, 18), dtype=dtype, workers=3, chunk=2)
    for n in (23, 5, 23):
        found = periodogram.radial(x[:n])
        for name in ("power", "std", "stderr"):
            expected = [getattr(one, name) for one in truth[:n]]
            np.testing.assert_allclose(getattr(found, name), expected, rtol=1e-6)


@pytest.mark.parametrize("layout", ["upright", "transposed"])
@pytest.mark.parametrize("shape", [(12, 9), (16,), (4, 24)])
@pytest.mark.parametrize("n", [1, 8, 31, 32, 33, 70])
def test_how_images_are_shared_out_changes_no_bit_of_rings(n, shape, layout, monkeypatch):
    monkeypatch.setattr(periodogram, "TRANSPOSED", 0 if layout == "transposed" else 10**9)
    x = laws.field((n, *shape))
    x[n // 2] = 1.0  # whose power but at zero is rounding
    alone = Periodogram(shape, chunk=1).radial(x)
    for workers, chunk in [(1, 3), (2, 1), (2, 2), (3, 1)]:
        found = Periodogram(shape, workers=workers, chunk=chunk).radial(x)
        for name in ("power", "std", "stderr"):
            np.testing.assert_array_equal(getattr(found, name), getattr(alone, name))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rings_of_equal_powers_have_no_spread(dtype):
    """Which the difference of two large sums would not give."""
    image = np.zeros((32, 24), dtype)
    image[0, 0] = 1.1
    found = Periodogram((32, 24), dtype=dtype).radial(image[np.newaxis])
    assert np.all(found.std <= 1e-15 * found.power)


@pytest.mark.parametrize("shape", [(32, 24), (4, 24)])
@pytest.mark.parametrize(
    ("level", "spread"),
    [(2, 1), (2e-170, 1e-170), (2e170, 1e170), (2e-142, 1e-142), (2e3, 1), (2, 1e-9), (0, 1)],
)
def test_spreads_are_right_however_large_the_power_and_small_the_spread(level, spread, shape):
    """Sums of squares alone would underflow, overflow, or drown it."""
    noise = np.random.default_rng(0).standard_normal((shape[0], shape[1] // 2 + 1))
    rings = RingBins(shape, (1.0, 1.0), None)
    truth = rings.average(noise, scaling="density").std
    found = rings.average(level + spread * noise, scaling="density").std
    np.testing.assert_allclose(found, spread * truth, rtol=1e-6)


def test_the_company_of_other_spectra_changes_no_bit():
    """Each is added up in the way that suits it, whatever suits the others."""
    rng = np.random.default_rng(0)
    rough, smooth = rng.exponential(size=(32, 13)), 1 + 1e-9 * rng.random((32, 13))
    rings = RingBins((32, 24), (1.0, 1.0), None)
    both = rings.average(np.stack([rough, smooth, rough]), scaling="density").std
    for i, one in enumerate([rough, smooth, rough]):
        np.testing.assert_array_equal(both[i], rings.average(one, scaling="density").std)


def test_working_memory_is_not_pickled():
    rings = RingBins((32, 24), (1.0, 1.0), None)
    before = len(pickle.dumps(rings))
    rings.average(np.ones((50, 32, 13)), scaling="density")
    assert len(pickle.dumps(rings)) < before + 100


@pytest.mark.parametrize(("shape", "n"), [((64,), 4000), ((24, 24), 1000), ((16, 25), 1000)])
def test_standard_errors_are_the_scatter_of_white_noise(shape, n):
    """Over many fields the power of a ring scatters as its mean standard error says."""
    found = Periodogram(shape).radial(power_law_fields(n, shape, 0.0))
    scatter, stderr = found.power.std(axis=0, ddof=1), found.stderr.mean(axis=0)
    assert len(scatter) > 7
    # The root of an unbiased variance of few modes is a little low on average.
    few = np.where(found.count > 2, 2 / found.count, 0.0)
    assert np.all(np.abs(stderr / scatter - 1) < 0.08 + few)
    assert abs(np.mean(stderr / scatter) - 1) < 0.06


def test_standard_errors_shrink_with_the_number_of_averaged_spectra():
    """One pair of frequencies in a bin: its power scatters as an exponential variable does."""
    n = 400
    rings = Periodogram((16,)).mean(power_law_fields(n, (16,), 0.0)).radial()
    modes = n * rings.count / 2
    np.testing.assert_allclose(rings.stderr, rings.power / np.sqrt(modes), rtol=1e-12)
    sectors = Periodogram((4, 4)).mean(power_law_fields(n, (4, 4), 0.0)).sectors(2, fmax=0.3)
    assert sectors.count.tolist() == [2, 2]
    np.testing.assert_allclose(sectors.stderr, sectors.power / math.sqrt(n), rtol=1e-12)


@pytest.mark.parametrize(
    ("shape", "n", "truth"),
    [
        *(((64, 64), 100, slope) for slope in (0, -1, -2, -3)),
        ((64,), 400, 0),
        ((64,), 400, -2),
        # Rings of few modes and many fields: a bias of the logarithm would show.
        ((16, 16), 2000, 0),
        ((15, 20), 2000, 0),
    ],
)
def test_slopes_of_power_laws_are_found_with_honest_errors(shape, n, truth):
    rings = Periodogram(shape).radial(power_law_fields(n, shape, truth))
    slope, stderr = np.transpose([fit_one(rings, i) for i in range(n)])
    error = slope - truth
    assert abs(error.mean()) < 3 * error.std(ddof=1) / math.sqrt(n)
    assert 0.7 < np.std(error / stderr, ddof=1) < 1.4


def test_averaging_spectra_sharpens_the_slope():
    fields = power_law_fields(64, (32, 32), -2.0)
    one, all_ = psd(fields[0]).radial().fit_slope(), Periodogram((32, 32)).mean(fields).radial()
    assert all_.averages == 64
    slope, stderr = all_.fit_slope()
    assert abs(slope + 2) < 4 * stderr
    assert one.stderr / 12 < stderr < one.stderr / 3


def test_the_scatter_beyond_a_gaussian_field_widens_the_error():
    """Rings that lie about the line by far more than their counts say are weighted alike."""
    count = np.full(20, 10_000)
    frequency = np.arange(1, 21) / 40
    wiggle = 0.5 * (-1.0) ** np.arange(20)
    rings = RadialSpectrum(
        frequency,
        frequency**-2 * np.exp(wiggle),
        count,
        *np.zeros((2, 20)),
        np.zeros((20, 2)),
        "density",
    )
    design = np.stack([np.ones(20), np.log(frequency)], axis=1)
    level = -2 * np.log(frequency) + wiggle
    (_, slope), (square,), *_ = np.linalg.lstsq(design, level)
    found = rings.fit_slope()
    assert found.slope == pytest.approx(slope, rel=1e-3)
    covariance = np.linalg.inv(design.T @ design) * square / 18
    assert found.stderr == pytest.approx(math.sqrt(covariance[1, 1]), rel=1e-2)


def test_slopes_are_fitted_in_the_range_that_is_asked_for():
    frequency = np.arange(1, 33) / 64
    power = np.where(frequency < 0.25, frequency**-1.0, 4 * (4 * frequency) ** -3.0)
    zeros = np.zeros((2, 32))
    count = np.full(32, 10**6)
    rings = RadialSpectrum(frequency, power, count, *zeros, np.zeros((32, 2)), "density")
    assert rings.fit_slope(fmax=0.25).slope == pytest.approx(-1, abs=1e-4)
    assert rings.fit_slope(fmin=0.25).slope == pytest.approx(-3, abs=1e-4)
    assert rings.fit_slope(0.25, 0.5) == rings.fit_slope(fmin=0.25)
    with pytest.raises(ValueError, match=r"2 rings with fmin=0.25 <= frequency <= fmax=0.27"):
        rings.fit_slope(0.25, 0.27)


@pytest.mark.parametrize("shape", [(64,), (63,), (32, 48), (15, 17)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rings_of_rounding_noise_have_no_slope(shape, dtype):
    wave = np.cos(2 * np.pi * 3 * np.indices(shape)[-1] / shape[-1]).astype(dtype)
    rings = Periodogram(shape, dtype=dtype).mean([wave, 2 * wave]).radial()
    assert ((rings.power > 0) & (rings.power <= rings.floor)).any()
    with pytest.raises(ValueError, match=r"no slope: .* rounding floor"):
        rings.fit_slope()


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 1e6 / 3])
@pytest.mark.parametrize("shape", [(64,), (48, 32), (15, 17)])
@pytest.mark.parametrize("detrend", [None, "constant", "linear", "periodic"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_images_have_no_slope(value, shape, detrend, dtype):
    rings = psd(np.full(shape, value, dtype), detrend=detrend).radial()
    with pytest.raises(ValueError, match=r"no slope: .* rounding floor"):
        rings.fit_slope()


def test_slopes_need_three_rings_of_one_spectrum():
    with pytest.raises(ValueError, match=r"2 rings with fmin=None .* a slope needs 3"):
        psd(laws.field((4, 4))).radial().fit_slope()
    with pytest.raises(ValueError, match=r"needs one spectrum, not a batch of shape \(2, 4\)"):
        Periodogram((8, 8)).radial(laws.field((2, 8, 8))).fit_slope()


@pytest.mark.parametrize(
    ("shape", "bins", "message"),
    [
        ((8, 8), [0.1], "bins=.* are not rising edges"),
        ((8, 8), [0.1, 0.1, 0.2], "bins=.* are not rising edges"),
        ((8, 8), [0.3, 0.2], "bins=.* are not rising edges"),
        ((8, 8), [-0.1, 0.2], "bins=.* are not rising edges"),
        ((8, 8), [[0.1, 0.2]], "bins=.* are not rising edges"),
        ((8, 8), [0.01, 0.02], r"no frequency of shape=\(8, 8\) .* bins=\[0.01, 0.02\]"),
        ((8, 8), 0, "bins=0 is not at least 1"),
        ((1, 1), None, r"shape=\(1, 1\) has no frequency but zero"),
    ],
)
def test_impossible_rings_are_refused_with_their_values(shape, bins, message):
    with pytest.raises(ValueError, match=message):
        psd(np.ones(shape)).radial(bins)


# Sectors -----------------------------------------------------------------------------------------


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
        top = float(nyquist(fs)) * (1 + 1e-12) if high is None else high
        chosen = (radius > 0) & (radius >= (low or 0)) & (radius <= top)
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
    with pytest.raises(ValueError, match=r"6 of 9 sectors hold no .*shape=\(4, 4\).*; ask for"):
        psd(np.ones((4, 4))).sectors(9, fmax=0.3)
    with pytest.raises(ValueError, match=r"2 of 2 sectors hold no .*fmin=3, fmax=None"):
        psd(np.ones((4, 4))).sectors(2, fmin=3)
    with pytest.raises(ValueError, match="n=0 is not at least 1"):
        psd(np.ones((4, 4))).sectors(0)


# Tables ------------------------------------------------------------------------------------------


def tables():
    x = laws.field((2, 8, 12))
    return {
        "rings": psd(x[0]).radial(),
        "rings of a batch": Periodogram((8, 12)).radial(x),
        "sectors": psd(x[0]).sectors(3),
    }


@pytest.mark.parametrize("name", ["rings", "rings of a batch", "sectors"])
def test_results_become_plain_numbers_and_tables(name, tmp_path):
    result = tables()[name]
    plain = json.loads(json.dumps(result.to_dict()))
    assert plain["scaling"] == "density"
    columns = ["count", "power", "std", "stderr"]
    columns += ["angle"] if name == "sectors" else ["frequency"]
    for column in columns:
        np.testing.assert_array_equal(plain[column], getattr(result, column))
    result.to_csv(tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    values = {c: np.array([float(row[c]) for row in rows]) for c in rows[0]}
    assert len(rows) == result.power.size
    n_spectra = result.power.size // len(result.count)
    for column in columns:
        expected = getattr(result, column)
        repeated = expected if expected.ndim == result.power.ndim else [expected] * n_spectra
        np.testing.assert_array_equal(values[column], np.ravel(repeated))
    if name != "sectors":
        edges = np.stack([values["lower"], values["upper"]], axis=1)
        np.testing.assert_array_equal(edges, np.tile(result.edges, (n_spectra, 1)))
    if name == "rings of a batch":
        np.testing.assert_array_equal(values["spectrum"], np.repeat([0, 1], len(result.count)))


@pytest.mark.parametrize("shape", [(64, 256), (32, 512), (256, 48)])
@pytest.mark.parametrize("truth", [-1.0, -3.0])
def test_slopes_of_long_images_are_calibrated(shape, truth):
    rings = Periodogram(shape).radial(power_law_fields(60, shape, truth))
    fits = np.array([fit_one(rings, i) for i in range(60)])
    z = (fits[:, 0] - truth) / fits[:, 1]
    assert abs(z.mean()) < 4 / np.sqrt(60) + 0.35
    assert 0.6 < z.std() < 1.5


def test_rings_of_axes_with_very_different_rates_are_many():
    rings = psd(laws.field((64, 64)), fs=(1.0, 100.0)).radial()
    assert len(rings.power) > 20
    assert rings.fs == (1.0, 100.0)


def test_sectors_take_a_frequency_on_the_edge_of_their_range():
    y, x = np.mgrid[:150, :150]
    wave = np.cos(2 * np.pi * (27 * y + 36 * x) / 150)  # |f| = 0.3
    assert psd(wave).sectors(4, fmax=0.3).power.max() > 1
    assert psd(wave).sectors(4, fmin=0.3).power.max() > 1


def test_a_radial_spectrum_can_be_made_of_its_five_main_fields():
    f = np.linspace(0.01, 0.5, 40)
    made = RadialSpectrum(f, f**-2, np.full(40, 100), f**-2 / 10, f**-2 / 70)
    assert made.fit_slope().slope == pytest.approx(-2, abs=1e-6)
    assert "40 rings" in repr(made)
