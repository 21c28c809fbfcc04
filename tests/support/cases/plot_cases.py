"""Models that pictures are drawn of."""

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.linear.reconstruction import reconstruct_image

SHAPES = pytest.mark.parametrize(
    ("shape", "channels"), [((16,), None), ((16,), 3), ((12, 16), None), ((12, 16), 3)]
)


def photographs(n, shape, channels=None, seed=0):
    rng = np.random.default_rng(seed)
    smooth = rng.standard_normal((n, *shape, *([channels] if channels else [])))
    for axis in range(1, len(shape) + 1):
        smooth = smooth.cumsum(axis=axis)
    return 0.5 + smooth / 20


def fitted(shape=(12, 16), channels=None, model=None):
    model = model or sm.LinearMAE(4, 0.5)
    images = photographs(60, shape, channels)
    return model.fit(images, channel_axis=None if channels is None else -1)


def one_of(channels, model=None, pixel=None):
    model = fitted((12, 16), channels, model)
    image = photographs(1, (12, 16), channels, seed=7)[0]
    if pixel is not None:
        image = image.copy()
        image[0, 0] = pixel
    return reconstruct_image(model, image, rng=0)
