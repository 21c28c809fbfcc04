"""Shapes and fields that tests of rings, sectors and slopes share."""

import numpy as np
import pytest

from spectral_mae.spectra.frequencies import full_frequencies, radial_frequency

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
    ((4, 5, 6), (1.0, 1.0, 1.0)),
    ((5, 4, 7), (2.0, 1.0, 0.5)),
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


def whole_radius(shape, fs):
    """Distance from zero of every whole-grid frequency."""
    axes = np.meshgrid(*full_frequencies(shape, fs), indexing="ij")
    return np.linalg.norm(np.stack(axes), axis=0)
