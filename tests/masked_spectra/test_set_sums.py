"""Sums of the power of patches over sets of frequencies, against the spectra."""

import numpy as np
import pytest

from spectral_mae import MaskedPeriodogram, PatchGrid, designs
from spectral_mae.masked_spectra.masked_sums import MaskedSums
from spectral_mae.masked_spectra.patch_sums.patch_power import PatchPower
from spectral_mae.masked_spectra.patch_sums.set_sums import PatchSetSums
from spectral_mae.spectra.bins.annulus import Annuli
from spectral_mae.spectra.frequencies import hermitian_weights
from spectral_mae.spectra.rings import RingBins

SHAPES = [((8, 12), 4), ((12, 15), 3), ((12, 8), (6, 2)), ((30,), 5), ((9,), 3), ((6, 4), 1)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("shape", "patch_size"), SHAPES)
def test_sums_are_those_of_the_spectrum(shape, patch_size, channels):
    rng = np.random.default_rng(0)
    power = PatchPower(PatchGrid(shape, patch_size))
    image = rng.standard_normal((*shape, channels)) + rng.standard_normal(channels)
    spectra = power.with_centred(image, 0.3)
    sets = [(rng.integers(0, spectra[0].size, 7), rng.random(7)) for _ in range(5)]
    found = PatchSetSums(power, sets).with_centred(image, 0.3)
    weights = hermitian_weights(shape)
    for one, spectrum in zip(found, spectra, strict=True):
        expected = [spectrum.flat[places] @ of_them for places, of_them in sets]
        np.testing.assert_allclose(one.sums, expected, rtol=1e-12)
        rms = np.sqrt(np.sum(weights * spectrum**2) / np.prod(shape))
        assert rms * (1 - 1e-12) <= one.rms <= 4 * rms
    assert found[1].rms == pytest.approx(rms, rel=1e-12)


@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
def test_mean_spectra_over_sets_are_those_of_components(sampling):
    shape = (24, 32)
    image = np.random.default_rng(1).standard_normal(shape).cumsum(axis=0)
    design = designs.parse(f"{sampling}:0.75").on(PatchGrid(shape, 8))
    planned = MaskedPeriodogram(design=design)
    rings, annuli = RingBins(shape, (1.0, 1.0), None), Annuli(shape, (1.0, 1.0), (0.0, 0.2, 9.0))
    original, own, centred = planned.with_patch_sums(
        image, planned.patch_sums(rings.binning.entries() + annuli.entries())
    )
    n = len(rings.count)
    for found, parts in zip((own, centred), planned.components_with_centred(image), strict=True):
        means = MaskedSums(
            design,
            rings.moments(original.power)[0],
            found.sums[:n] / rings.count,
            original.floor,
            original.floor,
        )
        expected = rings.moments(parts.expected().power)[0]
        np.testing.assert_allclose(means.expected, expected, rtol=1e-12)
        sums = MaskedSums(design, annuli.sums(original.power), found.sums[n:], 0.0, 0.0)
        expected = parts.leakage().over(annuli)
        np.testing.assert_allclose(sums.leakage(annuli.counts), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"grid": PatchGrid((16, 16), 4), "detrend": "linear"},
        {"grid": PatchGrid((16, 16), 4), "window": "hann"},
        {"grid": PatchGrid((16, 16), (16, 4))},
        {"grid": PatchGrid((4, 4, 4), 2)},
        {"design": designs.block(PatchGrid((16, 16), 4), (2, 2))},
    ],
    ids=["detrended", "windowed", "one patch", "volume", "block"],
)
def test_what_takes_the_spectrum_has_no_sums(options):
    assert MaskedPeriodogram(**options).patch_sums([(np.zeros(1, int), np.ones(1))]) is None


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_pixels_without_a_finite_power_are_refused(bad):
    planned = MaskedPeriodogram(PatchGrid((8, 8), 4))
    sums = planned.patch_sums([(np.arange(3), np.ones(3))])
    image = np.zeros((8, 8))
    image[1, 2] = bad
    with pytest.raises(ValueError, match=r"not finite|too large") as expected:
        planned.components(image)
    with pytest.raises(ValueError, match=r"not finite|too large") as found:
        planned.with_patch_sums(image, sums)
    assert str(found.value) == str(expected.value)


def test_a_design_that_is_not_uniform_has_no_mean_of_two_spectra():
    design = designs.block(PatchGrid((16, 16), 4), (2, 2))
    with pytest.raises(ValueError, match="not uniform"):
        _ = MaskedSums(design, np.ones(1), np.ones(1), 0.0, 0.0).expected
