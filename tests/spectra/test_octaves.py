"""Bands of frequency: inclusive below, exclusive above, and nothing lost at the last edge."""

import math
from itertools import product

import numpy as np
import pytest

from spectral_mae.cross_spectra import compare_spectra
from spectral_mae.spectra import frequencies
from spectral_mae.spectra.octaves import OCTAVES, octave_edges, octave_names
from spectral_mae.spectra.rings import RingBins

SHAPES = [(64,), (63,), (2,), (64, 64), (48, 30), (33, 64), (15, 21), (8, 12, 16), (9, 10, 5)]


def exact_octaves(shape):
    """Octave of each frequency, from exact comparisons of squares of fractions."""
    whole = math.prod(n**2 for n in shape)
    for index in product(*(range(-((n - 1) // 2), n // 2 + 1) for n in shape)):
        square = sum(whole * k**2 // n**2 for k, n in zip(index, shape, strict=True))
        bounds = [round(1024 * low**2) * whole for low, _ in OCTAVES]  # (1/32)² = 1/1024
        yield sum(1024 * square >= bound for bound in bounds) - 1


@pytest.mark.parametrize("shape", SHAPES)
def test_every_frequency_is_in_the_octave_that_begins_at_or_below_it(shape):
    rings = RingBins(shape, (1.0,) * len(shape), octave_edges(shape))
    octaves = list(exact_octaves(shape))
    expected = np.bincount(octaves, minlength=len(OCTAVES))
    assert rings.count.sum() == math.prod(shape)
    assert rings.count.tolist() == expected[expected > 0].tolist()
    assert len(octave_names(shape)) == len(rings.count)


@pytest.mark.parametrize("scale", [1.0, 44100.0, 3e-7])
def test_bands_meet_their_edges_up_to_rounding(scale):
    edges = np.array([0.125, 0.25, 0.5]) * scale
    rounded = np.concatenate([edges * (1 - 4e-16), edges, edges * (1 + 4e-16)])
    assert frequencies.band_of(rounded, edges).tolist() == [0, 1, 1] * 3
    beyond = np.array([0.0, 0.125 * (1 - 1e-9), 0.25 * (1 - 1e-9), 0.5 * (1 + 1e-9)]) * scale
    assert frequencies.band_of(beyond, edges).tolist() == [-1, -1, 0, -1]


def test_bands_of_cross_spectra_are_made_of_the_same_rings():
    images = np.random.default_rng(0).standard_normal((3, 16, 16))
    found = compare_spectra(images, 0.5 * images)
    rings = found.radial()
    edges = np.array([rings.frequency[1], rings.frequency[4], rings.frequency[-1]])
    bands = found.bands(edges)
    member = frequencies.band_of(rings.frequency, edges)
    assert member.tolist() == [-1, *[0] * 3, *[1] * (len(member) - 4)]
    assert bands.count.tolist() == [rings.count[member == band].sum() for band in range(2)]
