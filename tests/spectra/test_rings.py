"""Rings of frequencies: who belongs where; the tables they become."""

import csv
import json
import math
from fractions import Fraction

import laws
import numpy as np
import pytest
from ring_cases import RINGS, whole_radius

from spectral_mae.spectra import periodogram
from spectral_mae.spectra.frequencies import just_above
from spectral_mae.spectra.periodogram import Periodogram, psd


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
    spectrum = psd(laws.field(shape), fs=fs, ndim=len(shape))
    members = laws.ring_members(spectrum.full(), fs, laws.default_ring_edges(shape, fs))
    assert_rings_equal(spectrum.radial(), members)


@RINGS
@pytest.mark.parametrize(
    "bins", [[0.0, 0.25, 0.3125], [0.0625, 0.5, 2.0], [0.0, 8.0], [0.125, 0.126, 0.127, 0.5]]
)
def test_given_edges_equal_a_loop_over_the_whole_grid(shape, fs, bins):
    spectrum = psd(laws.field(shape), fs=fs, ndim=len(shape))
    members = laws.ring_members(spectrum.full(), fs, [Fraction(edge) for edge in bins])
    if not members:
        with pytest.raises(ValueError, match="lies in the rings"):
            spectrum.radial(bins)
        return
    assert_rings_equal(spectrum.radial(bins), members)
    assert_rings_equal(spectrum.radial(np.array(bins)), members)


@RINGS
def test_given_edges_may_hold_zero_and_the_corners(shape, fs):
    spectrum = psd(laws.field(shape), fs=fs, ndim=len(shape))
    everything = spectrum.radial([0.0, 100.0])
    assert everything.count.tolist() == [math.prod(shape)]
    laws.assert_close(everything.power, [np.mean(spectrum.full())], 1e-13)


@RINGS
def test_default_rings_hold_every_frequency_up_to_nyquist_but_zero(shape, fs):
    radius = whole_radius(shape, fs)
    top = float(laws.default_ring_edges(shape, fs)[-1])
    found = psd(laws.field(shape), fs=fs, ndim=len(shape)).radial()
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
        assert spectrum.sectors(1, fmin=i / n, fmax=just_above(i / n)).count == sum(circle)


@RINGS
@pytest.mark.parametrize("n", [1, 2, 50])
def test_a_number_of_rings_splits_the_default_range_evenly(shape, fs, n):
    spectrum = psd(laws.field(shape), fs=fs, ndim=len(shape))
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
    single = [psd(image, fs=fs, ndim=len(shape)).radial() for image in x]
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


def test_rings_of_axes_with_very_different_rates_are_many():
    rings = psd(laws.field((64, 64)), fs=(1.0, 100.0)).radial()
    assert len(rings.power) > 20
    assert rings.fs == (1.0, 100.0)


def test_a_result_that_is_changed_in_place_does_not_change_the_next():
    plan, images = Periodogram((6, 8)), np.random.default_rng(0).random((2, 6, 8))
    one = plan.radial(images)
    names = ("frequency", "count", "edges", "log_frequency", "log_spread")
    before = {name: getattr(one, name).copy() for name in names}
    for name in names:
        getattr(one, name)[...] *= 1000  # in other units, say
    for name in names:
        np.testing.assert_array_equal(getattr(plan.radial(images), name), before[name])
