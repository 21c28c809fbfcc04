"""Unmasking at its limits: weights however small, lags hardly seen, what is no real number."""

import laws
import numpy as np
import pytest

from spectral_mae.fields import power_law
from spectral_mae.masked_spectra.coupling import BinnedCoupling, mode_coupling
from spectral_mae.masked_spectra.unmasking import Unmasking, unmasked_psd
from spectral_mae.masks.tapers import taper_edges

PREWHITEN = pytest.mark.parametrize("prewhiten", [None, "gradient"])


def scattered(shape):
    return np.random.default_rng(2).random(shape) < 0.6


@PREWHITEN
@pytest.mark.parametrize("unit", [1e-3, 1e-9, 1e-30])
def test_a_factor_of_all_weights_does_not_matter(prewhiten, unit):
    image, visible = laws.field((6, 7)), scattered((6, 7))
    options = {"prewhiten": prewhiten, "min_pairs": 1e-200}
    truth, found = (unmasked_psd(image, c * visible, **options) for c in (1.0, unit))
    assert found.n_unseen == truth.n_unseen
    assert found.n_rare == 0
    laws.assert_close_to_max(found.power, truth.power, 1e-12)
    laws.assert_close(found.pairs, unit**2 * truth.pairs, 1e-12)


def test_coupling_by_small_weights_is_undone():
    visible = scattered((6, 7))
    truth, small = mode_coupling(visible), mode_coupling(1e-8 * visible)
    assert small.condition_number == pytest.approx(truth.condition_number, rel=1e-9)
    power = np.abs(laws.dft(laws.field((6, 7)))).astype(float) ** 2
    laws.assert_close(small.couple(power), 1e-16 * truth.couple(power), 1e-12)
    laws.assert_close(small.decouple(small.couple(power)), power, 1e-12)


def test_lags_that_are_hardly_seen_are_seen():
    """Far lags rest on one pixel of little weight."""
    image, weights = laws.field((16,)), np.zeros(16)
    weights[:3] = 1.0
    weights[8] = 1e-5
    found = unmasked_psd(image, weights, min_pairs=1e-6)
    lag = np.arange(16)
    seen = np.isin(np.minimum(lag, 16 - lag), [0, 1, 2, 6, 7, 8])
    np.testing.assert_array_equal(np.isfinite(found.autocovariance), seen)
    assert (found.n_unseen, found.n_rare) == (6, 0)
    assert found.autocovariance[7] == pytest.approx(image[1] * image[8], rel=1e-9)
    np.testing.assert_array_equal(found.pairs[~seen], 0.0)
    assert mode_coupling(weights).pair_fraction[7] == pytest.approx(1e-5 / 16, rel=1e-9)
    assert unmasked_psd(image, weights).n_rare == 5


@pytest.mark.parametrize("shape", [(15,), (6, 7)])
def test_rounding_counts_no_pairs(shape):
    visible = np.zeros(shape, bool)
    visible[(slice(2),) * len(shape)] = True
    found = unmasked_psd(laws.field(shape), visible)
    # Lags of −1, 0 and 1 along each axis.
    assert found.n_unseen == visible.size - 3 ** len(shape)
    assert np.count_nonzero(found.pairs) == 3 ** len(shape)


def test_rings_warn_from_where_rounding_eats_half_of_the_digits():
    power = np.ones(2)
    for worst, warns in ((1e-7, False), (1e-9, True)):
        ring = np.array([0.0, 0.1])
        binned = BinnedCoupling(ring, np.array([1, 2]), np.ones((2, 2)), np.diag([1.0, worst]))
        if warns:
            with pytest.warns(UserWarning, match="condition number of 1e"):
                binned.decouple(power)
        else:
            laws.assert_close(binned.decouple(power), [1.0, 1 / worst], 1e-12)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.ones((4, 6), complex), "dtype complex128; real numbers are needed"),
        (np.full((4, 6), "1"), "dtype <U1; real numbers are needed"),
        (np.full((4, 6), None), "dtype object; real numbers are needed"),
    ],
)
def test_images_are_real_numbers(image, message):
    visible = np.ones((4, 6), bool)
    with pytest.raises(TypeError, match=f"image has {message}"):
        unmasked_psd(image, visible)
    with pytest.raises(TypeError, match=f"images has {message}"):
        Unmasking((4, 6)).update(image, visible)


@pytest.mark.parametrize("detrend", [None, "constant"])
@pytest.mark.parametrize("borders", ["periodic", "hidden"])
def test_a_visible_pixel_that_is_not_finite_is_named(detrend, borders):
    image = laws.field((4, 6))
    image[1, 2] = np.nan
    with pytest.raises(ValueError, match=r"image holds 1 values .* the first at \(1, 2\): nan"):
        unmasked_psd(image, np.ones((4, 6), bool), detrend=detrend, borders=borders)


@pytest.mark.parametrize("slope", [np.nan, np.inf, -np.inf])
def test_power_laws_have_finite_slopes(slope):
    with pytest.raises(ValueError, match=f"slope={slope} is not finite"):
        power_law(8, slope)


def test_the_mask_of_a_masked_array_is_not_lost_in_a_taper():
    with pytest.raises(TypeError, match="visible is a masked array"):
        taper_edges(np.ma.masked_array(np.ones(6, bool), [1, 0, 0, 0, 0, 0]), 3)
