"""Sums of power between two distances from zero frequency."""

import math

import numpy as np
import pytest

from spectral_mae.spectra import frequencies
from spectral_mae.spectra.annulus import Annulus


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
    if not inside:
        with pytest.raises(ValueError, match="no frequency with"):
            Annulus(shape, rates, fmin, fmax)
        return
    annulus = Annulus(shape, rates, fmin, fmax)
    assert annulus.count == len(inside)
    assert annulus.sum(power) == pytest.approx(math.fsum(inside), rel=1e-14)


@pytest.mark.parametrize(("shape", "n_strips"), [((30, 41), 15), ((9, 5, 8), 5)])
def test_large_grids_are_gone_through_in_strips(shape, n_strips, monkeypatch):
    ones, half = (1.0,) * len(shape), frequencies.half_shape(shape)
    whole = Annulus(shape, ones, 0.1, 0.3)
    monkeypatch.setattr(frequencies, "STRIP", 50)
    assert len(list(frequencies.row_strips(half))) == n_strips
    strips = Annulus(shape, ones, 0.1, 0.3)
    power = np.random.default_rng(0).random(half)
    assert (strips.count, strips.sum(power)) == (whole.count, whole.sum(power))
