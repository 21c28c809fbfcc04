"""Steps between opposite borders: left out where images are not periodic."""

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.fields import gaussian_fields, power_law
from spectral_mae.masks.tapers import step_weights


@pytest.mark.parametrize("shape", [(7,), (4, 6), (5, 3)])
@pytest.mark.parametrize("wrap", [True, False])
def test_steps_need_both_ends(shape, wrap):
    weights = np.random.default_rng(0).random(shape)
    for axis, n in enumerate(shape):
        found = step_weights(weights, axis, wrap=wrap)
        for place in np.ndindex(shape):
            after = list(place)
            after[axis] = (place[axis] + 1) % n
            joined = wrap or place[axis] < n - 1
            assert found[place] == weights[place] * weights[tuple(after)] * joined


def test_a_ramp_has_no_spectrum_but_its_jump():
    ramp = np.add.outer(np.arange(12.0), 2 * np.arange(16.0))
    visible = sm.sample_visible(sm.PatchGrid((12, 16), 4), 0.5, 1, rng=0)[0]
    options = {"detrend": "constant", "prewhiten": "gradient"}
    without = sm.unmasked_psd(ramp, visible, wrap=False, **options).power.ravel()[1:]
    around = sm.unmasked_psd(ramp, np.ones((12, 16)), wrap=True, **options).power.ravel()[1:]
    assert np.abs(without).max() <= 1e-9 * around.max()


def test_slopes_of_cut_fields():
    """Cut from larger ones, steep fields jump at their borders."""
    model = power_law((192, 192), -3.5)
    fields = gaussian_fields(model, 12, shape=(64, 64), rng=0)
    visible = sm.sample_visible(sm.PatchGrid((64, 64), 8), 0.5, 12, rng=1)
    slopes = {
        wrap: np.array(
            [
                sm.fit_masked_slope(x, v, wrap=wrap, n_draws=8).slope
                for x, v in zip(fields, visible, strict=True)
            ]
        )
        for wrap in (True, False)
    }
    stderr = slopes[False].std(ddof=1) / np.sqrt(12)
    assert abs(slopes[False].mean() + 3.5) < 0.15 + 3 * stderr
    assert abs(slopes[False].mean() + 3.5) < abs(slopes[True].mean() + 3.5)


def test_pools_with_and_without_do_not_merge():
    pools = [sm.Unmasking((8, 8), prewhiten="gradient", wrap=wrap) for wrap in (True, False)]
    with pytest.raises(ValueError, match="do not fit"):
        pools[0].merge(pools[1])


def test_what_cannot_be_fitted_is_refused():
    image = np.random.default_rng(0).standard_normal((16, 16))
    rows = np.cos(np.pi * np.arange(16))[:, np.newaxis] * np.ones(16)  # all at Nyquist
    with pytest.raises(ValueError, match="no slope between -8 and 3"):
        sm.fit_masked_slope(rows, np.ones((16, 16)))
    with pytest.raises(TypeError, match="complex128"):
        sm.unmasked_psd(image + 1j, np.ones((16, 16)))
    spoiled = image.copy()
    spoiled[3, 4] = np.nan
    with pytest.raises(ValueError, match=r"1 values that are not finite, the first at \(3, 4\)"):
        sm.unmasked_psd(spoiled, np.ones((16, 16)), detrend="constant")


def test_a_factor_of_the_weights_changes_nothing():
    image = np.random.default_rng(0).standard_normal((16, 16))
    weights = np.random.default_rng(1).random((16, 16))
    for prewhiten in (None, "gradient"):
        whole = sm.unmasked_psd(image, weights, prewhiten=prewhiten)
        assert sm.unmasked_psd(image, 1e-6 * weights, prewhiten=prewhiten).n_rare == 256
        faint = sm.unmasked_psd(image, 1e-6 * weights, prewhiten=prewhiten, min_pairs=1e-30)
        assert faint.n_unseen == 0
        np.testing.assert_allclose(faint.power, whole.power, rtol=1e-6)
    assert np.isfinite(sm.mode_coupling(1e-7 * weights).condition_number)
