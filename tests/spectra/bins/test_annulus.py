"""Sums of power between two distances from zero frequency."""

import itertools
import math

import numpy as np
import pytest

from spectral_mae.spectra import frequencies
from spectral_mae.spectra.bins.annulus import Annuli


@pytest.mark.parametrize(
    "shape", [(1,), (7,), (8,), (1, 5), (5, 1), (2, 2), (9, 12), (12, 9), (6, 64), (4, 3, 6)]
)
@pytest.mark.parametrize("fs", [1.0, 2.5])
@pytest.mark.parametrize(
    ("fmin", "fmax"), [(0.0, 0.125), (0.125, 0.25), (0.2, 0.5), (0.5, math.inf), (-1.0, math.inf)]
)
def test_sums_equal_a_loop_over_the_whole_grid(shape, fs, fmin, fmax):
    rates = (0.5, 1.0, fs)[-len(shape) :]
    power = np.random.default_rng(0).exponential(size=frequencies.half_shape(shape))
    full = frequencies.full_from_half(power, shape)
    axes = frequencies.full_frequencies(shape, rates)
    distance = [
        math.hypot(*(axis[i] for axis, i in zip(axes, place, strict=True)))
        for place in np.ndindex(full.shape)
    ]
    inside = [
        value
        for radius, value in zip(distance[1:], full.ravel()[1:], strict=True)
        if fmin * (1 - 1e-12) <= radius < fmax * (1 - 1e-12)
    ]
    annulus = Annuli(shape, rates, (fmin, fmax))
    assert annulus.counts.tolist() == [len(inside)]
    assert annulus.sums(power) == pytest.approx([math.fsum(inside)], rel=1e-14)


@pytest.mark.parametrize("shape", [(1,), (9,), (5, 1), (9, 12), (6, 64), (4, 3, 6)])
def test_several_annuli_are_each_of_them(shape):
    """Also where one of them has no frequency, and where they do not reach from zero to the end."""
    ones = (1.0,) * len(shape)
    power = np.random.default_rng(0).exponential(size=frequencies.half_shape(shape))
    edges = (0.01, 0.011, 0.125, 0.25, 0.5, 0.6)
    annuli = Annuli(shape, ones, edges)
    each = [Annuli(shape, ones, pair) for pair in itertools.pairwise(edges)]
    assert annuli.counts.tolist() == [one.counts[0] for one in each]
    assert annuli.sums(power) == pytest.approx([one.sums(power)[0] for one in each], rel=1e-14)


@pytest.mark.parametrize(("shape", "n_strips"), [((30, 41), 15), ((9, 5, 8), 5)])
def test_large_grids_are_gone_through_in_strips(shape, n_strips, monkeypatch):
    ones, half = (1.0,) * len(shape), frequencies.half_shape(shape)
    whole = Annuli(shape, ones, (0.1, 0.2, 0.3))
    monkeypatch.setattr(frequencies, "STRIP", 50)
    assert len(list(frequencies.row_strips(half))) == n_strips
    strips = Annuli(shape, ones, (0.1, 0.2, 0.3))
    power = np.random.default_rng(0).random(half)
    np.testing.assert_array_equal(strips.counts, whole.counts)
    np.testing.assert_allclose(strips.sums(power), whole.sums(power), rtol=1e-14)


@pytest.mark.parametrize("shape", [(8, 8), (15, 10), (12,)])
def test_annuli_are_made_of_their_entries(shape):
    annuli = Annuli(shape, (1.0,) * len(shape), (0.0, 0.1, 0.3, math.inf))
    power = np.random.default_rng(0).random(frequencies.half_shape(shape))
    found = [power.flat[places] @ weights for places, weights in annuli.entries()]
    np.testing.assert_allclose(found, annuli.sums(power), rtol=1e-14)
    assert [weights.sum() for _, weights in annuli.entries()] == annuli.counts.tolist()
