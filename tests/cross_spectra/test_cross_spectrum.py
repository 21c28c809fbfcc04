"""Cross spectra of one pair: SciPy's values in one dimension, sums of transforms in several."""

import laws
import numpy as np
import pytest
import scipy.signal

from spectral_mae import CrossSpectrum, cross_spectrum, psd
from spectral_mae.spectra.frequencies import half_from_full


def pair(shape, seed=0):
    a, noise = np.random.default_rng(seed).standard_normal((2, *shape))
    return a + 0.3, 0.5 * a + noise


@pytest.mark.parametrize("size", [64, 63])
@pytest.mark.parametrize("window", [None, "hann", ("kaiser", 4.0)])
@pytest.mark.parametrize("detrend", [None, "constant", "linear"])
@pytest.mark.parametrize("scaling", ["density", "spectrum"])
def test_signals_have_the_values_of_scipy(size, window, detrend, scaling):
    a, b = pair((size,))
    found = cross_spectrum(a, b, fs=4.0, window=window, detrend=detrend, scaling=scaling)
    options = {"window": window or "boxcar", "detrend": detrend or False, "scaling": scaling}
    frequency, truth = scipy.signal.csd(
        a, b, fs=4.0, nperseg=size, return_onesided=False, **options
    )
    laws.assert_close(found.full(), truth, 1e-13)
    np.testing.assert_allclose(found.frequencies[0], np.abs(half_from_full(frequency)))


@pytest.mark.parametrize("shape", laws.SHAPES)
@pytest.mark.parametrize("channels", [None, 3])
@pytest.mark.parametrize("scaling", ["density", "spectrum", "energy"])
def test_images_equal_products_of_transforms(shape, channels, scaling):
    a, b = pair(shape if channels is None else (*shape, channels))
    axes = {"ndim": len(shape), "channel_axis": None if channels is None else -1}
    found = cross_spectrum(a, b, scaling=scaling, **axes)
    planes = [(a, b)] if channels is None else [(a[..., c], b[..., c]) for c in range(channels)]
    size = np.prod(shape)
    norm = {"density": 1 / size, "spectrum": 1 / size**2, "energy": 1.0}[scaling]
    truth = norm * np.mean([np.conj(np.fft.fftn(x)) * np.fft.fftn(y) for x, y in planes], axis=0)
    laws.assert_close(found.full(), truth, 1e-13)
    for power, image in ((found.power_a, a), (found.power_b, b), (found.error, b - a)):
        laws.assert_close(power, psd(image, scaling=scaling, **axes).power, 1e-13)


@pytest.mark.parametrize(
    "options",
    [
        {"window": "hann", "detrend": "linear", "fs": (2.0, 3.0)},
        {"detrend": "periodic"},
        {"detrend": "constant", "window": ("tukey", 0.3)},
    ],
)
def test_error_is_the_spectrum_of_the_difference_whatever_the_options(options):
    a, b = pair((12, 9))
    found = cross_spectrum(a, b, **options)
    laws.assert_close(found.error, psd(b - a, **options).power, 1e-12)
    laws.assert_close(found.error, found.power_a + found.power_b - 2 * found.cross.real, 1e-12)


def test_a_small_error_has_no_rounding_of_large_powers():
    """Formed from powers it would be of the size of their rounding, 1e-16."""
    a, noise = np.random.default_rng(0).standard_normal((2, 16, 16))
    found = cross_spectrum(a, a + 1e-10 * noise)
    laws.assert_close(found.error, 1e-20 * psd(noise).power, 1e-4)


def test_a_shift_is_a_phase():
    a = np.random.default_rng(0).standard_normal((9, 12))
    found = cross_spectrum(a, np.roll(a, (2, -1), (0, 1)))
    rows, columns = found.frequencies
    phase = np.exp(-2j * np.pi * np.add.outer(2 * rows, -columns))
    np.testing.assert_allclose(found.cross, found.power_a * phase, atol=1e-13)
    np.testing.assert_allclose(found.gain, phase, atol=1e-12)


def test_one_pair_has_no_coherence_at_a_single_frequency():
    found = cross_spectrum(*pair((8, 8)))
    with pytest.raises(ValueError, match="one pair of images has no coherence"):
        _ = found.coherence
    assert np.isfinite(found.explained).all()


def test_what_has_no_power_has_no_gain():
    a = np.ones((8, 8))
    found = cross_spectrum(a, np.random.default_rng(0).standard_normal((8, 8)))
    assert np.isfinite(found.gain[0, 0])
    assert np.isnan(found.gain.ravel()[1:]).all()
    assert np.isnan(found.explained.ravel()[1:]).all()


def test_refusals():
    a, b = pair((8, 8))
    with pytest.raises(ValueError, match=r"a of shape \(8, 8\) and b of shape \(8, 7\) differ"):
        cross_spectrum(a, b[:, :7])
    with pytest.raises(ValueError, match="b holds 1 values that are not finite"):
        cross_spectrum(a, np.where(np.eye(8, k=7), np.nan, b))
    with pytest.raises(TypeError, match="a has dtype complex128"):
        cross_spectrum(a + 1j, b)
    with pytest.raises(ValueError, match=r"compare_spectra.*for a volume give ndim=3"):
        cross_spectrum(*pair((4, 8, 8)))
    with pytest.raises(ValueError, match="too large to square"):
        cross_spectrum(a, b * 1e150)


def test_as_plain_values():
    found = cross_spectrum(*pair((6, 4)))
    plain = found.to_dict()
    assert plain["cross"]["imag"] == found.cross.imag.tolist()
    assert {"power_a", "power_b", "error", "frequencies", "averages", "floors"} <= plain.keys()
    assert repr(found) == "CrossSpectrum(shape=(6, 4), averages=1, scaling='density')"
    assert isinstance(found, CrossSpectrum)
