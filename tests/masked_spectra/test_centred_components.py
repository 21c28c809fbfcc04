"""Components of an image and of the image less its mean, and leakage from sums of them."""

import numpy as np
import pytest

from spectral_mae import PatchGrid, designs
from spectral_mae.masked_spectra.masked_periodogram import MaskedPeriodogram
from spectral_mae.spectra.bins.annulus import Annuli

EDGES = (0.0, 0.05, 0.2, 0.5, np.inf)


def spectra_of(components):
    return components.original, components.patches, components.others


@pytest.mark.parametrize(
    ("shape", "patch"), [((12,), 3), ((30, 42), 3), ((48, 64), 16), ((64, 96), 32), ((4, 6, 9), 3)]
)
@pytest.mark.parametrize("options", [{}, {"window": "hann"}, {"detrend": "linear"}])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("uniform", [True, False])
def test_both_are_what_two_calls_return(shape, patch, options, channels, uniform):
    grid = PatchGrid(shape, (patch,) * len(shape) if len(shape) < 3 else (2, 2, 3))
    design = designs.fixed(grid, 0.5) if uniform else designs.block(grid, 1)
    axis = None if channels == 1 else -1
    image = np.random.default_rng(0).random((*shape, channels) if axis else shape) + 3.0
    own, centred = MaskedPeriodogram(
        design=design, channel_axis=axis, **options
    ).components_with_centred(image)
    for found, more in ((own, options), (centred, {**options, "detrend": "constant"})):
        one = MaskedPeriodogram(design=design, channel_axis=axis, **more).components(image)
        for spectrum, expected in zip(spectra_of(found), spectra_of(one), strict=True):
            largest = expected.power.max()
            np.testing.assert_allclose(
                spectrum.power, expected.power, rtol=1e-10, atol=1e-13 * largest
            )
            assert spectrum.floor >= 0


def test_detrended_images_are_their_own():
    planned = MaskedPeriodogram(PatchGrid((16, 16), 4), detrend="constant")
    own, centred = planned.components_with_centred(np.random.default_rng(0).random((16, 16)))
    assert own is centred


@pytest.mark.parametrize(
    "make",
    [
        lambda grid: designs.fixed(grid, 0.75),
        lambda grid: designs.bernoulli(grid, 0.5),
        lambda grid: designs.block(grid, 2),
        lambda grid: designs.block(grid, 2, rolled=False),
    ],
)
def test_leakage_of_sums_is_leakage_over_annuli(make):
    grid = PatchGrid((32, 48), 8)
    image = np.random.default_rng(0).random((32, 48)).cumsum(axis=0)
    components = MaskedPeriodogram(design=make(grid)).components(image)
    annuli = Annuli(grid.shape, (1.0, 1.0), EDGES)
    sums = (annuli.sums(s.power) for s in (components.original, components.others))
    found = components.leakage_of_sums(*sums, annuli.counts)
    np.testing.assert_allclose(found, components.leakage().over(annuli), rtol=1e-11)
    for value, low, high in zip(found, EDGES[:-1], EDGES[1:], strict=True):
        assert value == pytest.approx(components.leakage().band(low, high), rel=1e-11)


@pytest.mark.parametrize(("level", "leaks"), [(0.3, np.inf), (0.0, 0.0)])
def test_leakage_of_sums_of_a_constant_image(level, leaks):
    grid = PatchGrid((16, 16), 4)
    components = MaskedPeriodogram(design=designs.fixed(grid, 0.75)).components(
        np.full((16, 16), level)
    )
    annuli = Annuli(grid.shape, (1.0, 1.0), (0.0, 0.15, np.inf))
    sums = (annuli.sums(s.power) for s in (components.original, components.others))
    assert components.leakage_of_sums(*sums, annuli.counts).tolist() == [leaks] * 2
