"""Shapes, patches and fits that stationary models are tried on."""

import laws
import numpy as np
import pytest

import spectral_mae as sm

SHAPES = pytest.mark.parametrize(
    ("shape", "patch", "channels"),
    [
        ((9,), (3,), None),
        ((8,), (2,), 2),
        ((4, 6), (2, 2), None),
        ((6, 3), (2, 3), None),
        ((4, 4), (2, 2), 3),
        ((5, 4), (5, 2), 2),
        ((6,), (2,), 5),
        ((2, 3, 4), (1, 3, 2), None),
        ((2, 4, 2), (2, 2, 1), 2),
    ],
)
DESIGNS = pytest.mark.parametrize("sampling", laws.DESIGNS)
CENTER = pytest.mark.parametrize("center", [True, False])


def axis_of(channels):
    return None if channels is None else -1


def mask_ratio(shape, patch):
    """Keeps more than one patch where there are more than two, so that pairs are seen."""
    return 0.5 if np.prod(shape) // np.prod(patch) != 3 else 0.3


def fit(shape, patch, channels, images, **options):
    options.setdefault("covariance", "stationary")
    model = sm.LinearMAE(patch, mask_ratio(shape, patch), **options)
    return model.fit(images, channel_axis=axis_of(channels))
