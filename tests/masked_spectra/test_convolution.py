"""Eq. 18 by direct sums: true to the definition, no false alarm, no defect missed."""

import laws
import numpy as np
import pytest

from spectral_mae import PatchGrid, PulseMask
from spectral_mae.images.cropping import resize_and_crop
from spectral_mae.images.image import read_image
from spectral_mae.masked_spectra import convolution
from spectral_mae.masked_spectra.convolution import convolution_error
from spectral_mae.masked_spectra.verification import rounding_bound
from spectral_mae.spectra.fft import RealFFT


@pytest.fixture
def photograph():
    """Rows and columns of different, partly odd, size with a steep spectrum and a mean."""
    rng = np.random.default_rng(0)
    return 0.5 + 0.1 * np.cumsum(np.cumsum(rng.standard_normal((48, 45)), 0), 1) / 48


class Chosen:
    """A generator of the frequencies that it is given."""

    def __init__(self, *frequencies):
        self.left = list(frequencies)

    def choice(self, size, n, replace):
        assert not replace
        return np.array(self.left.pop(0)) % size


@pytest.mark.parametrize("shape", [(40, 24), (24, 35), (60,), (61,)])
def test_convolution_theorem_by_direct_sums(shape):
    rng = np.random.default_rng(0)
    pixels = rng.random(shape)
    mask = PulseMask(shape, 3, rng.integers(0, 5, (1, len(shape))))
    for dtype in (np.float64, np.float32):
        error = convolution_error(pixels, mask, rng, dtype=dtype)
        assert 0 < error <= rounding_bound(pixels.size, dtype)


@pytest.mark.parametrize("shape", [(9, 8), (7, 10), (1, 12), (1, 6), (6, 1)])
def test_direct_sums_are_sums_of_all_terms(shape, monkeypatch):
    """Short runs of terms, so that all sums meet their borders."""
    monkeypatch.setattr(convolution, "STRIP_PIXELS", 3 * shape[1])
    monkeypatch.setattr(convolution, "PRODUCT_TERMS", 4)
    rng = np.random.default_rng(1)
    x, y = (laws.dft(rng.random(shape)) for _ in range(2))
    rows, columns = (rng.permutation(n)[: n - n // 3] for n in shape)
    place = np.ix_(rows, columns)
    a, b = (plane[:, : shape[1] // 2 + 1] for plane in (x, y))
    found = convolution.circular_convolution(a, b, shape[1], rows, columns)
    laws.assert_close(found, laws.circular_convolution(x, y)[place], 1e-14)
    visible = rng.random(shape) < 0.5
    pixels = rng.random(shape)
    found = convolution.direct_dft(pixels, visible, rows, columns)
    laws.assert_close(found, laws.dft(pixels * visible)[place], 1e-15)


@pytest.mark.parametrize("shape", [(9, 8), (7, 10), (1, 12)])
def test_errors_are_relative_to_the_brightest_of_point_row_column_and_grid(shape):
    x = laws.dft(np.random.default_rng(2).random(shape))
    power = np.abs(x) ** 2
    brightest = np.maximum(power, power.mean())
    for axis in (0, 1):
        brightest = np.maximum(brightest, power.mean(axis=axis, keepdims=True))
    columns = shape[1] // 2 + 1
    found = convolution.error_power(x[:, :columns], shape[1])
    laws.assert_close(found, brightest[:, :columns], 1e-14)


def test_frequencies_of_direct_sums_can_be_chosen(photograph, monkeypatch):
    seen = []
    sums = convolution.direct_dft
    monkeypatch.setattr(
        convolution, "direct_dft", lambda x, r, *at: seen.append(at) or sums(x, r, *at)
    )
    mask = PulseMask(photograph.shape, 4, [(0, 0)])
    for n, rows in ((25, 5), (30, 5), (10**6, 1000)):
        convolution_error(photograph, mask, np.random.default_rng(0), frequencies=n)
        for k, size in zip(seen[-1], photograph.shape, strict=True):
            assert len(np.unique(k)) == len(k) == min(rows, size)


def test_a_wrong_transform_is_seen(photograph, monkeypatch):
    mask = PulseMask(photograph.shape, 4, [(0, 0), (8, 20), (33, 41)])
    good = mask.half_dft()
    rng = np.random.default_rng(0)
    for wrong in (good * 1.001, good.conj(), np.roll(good, 1, axis=0)):
        monkeypatch.setattr(PulseMask, "half_dft", lambda self, wrong=wrong: wrong)
        assert convolution_error(photograph, mask, rng) > 1e-4


# Neither false alarms nor missed defects ----------------------------------------------------------

THROUGH_ZERO = [
    ([60, 178, 155, 83, 32], [147, 107, 103, 0, 10]),
    ([171, 137, 141, 106, 0], [193, 17, 74, 82, 57]),
    ([0, 1, 2, -1, -2], [0, 1, 2, -1, -2]),
]


@pytest.fixture(params=["brick", "page", "moon", "grass"])
def bright(request):
    """Images whose mean is most of their power."""
    loaded = read_image(f"builtin:{request.param}")
    return resize_and_crop(loaded, 224).pixels


@pytest.mark.parametrize("frequencies", THROUGH_ZERO)
@pytest.mark.parametrize("extended", [True, False])
def test_no_false_alarm_at_frequencies_through_zero(bright, frequencies, extended, monkeypatch):
    """The sums over rows or columns are large there; also where nothing is wider than double."""
    if not extended:
        monkeypatch.setattr(np, "longdouble", np.float64)
        monkeypatch.setattr(np, "clongdouble", np.complex128)
    for patch_size, ratio in ((8, 0.75), (16, 0.25), (32, 0.9)):
        mask = PulseMask.random(PatchGrid(bright.shape, patch_size), ratio, rng=0)
        error = convolution_error(bright, mask, Chosen(*frequencies), frequencies=25)
        assert error < 0.7 * rounding_bound(bright.size, float)


@pytest.mark.parametrize("spread", ["own power", "even"])
def test_a_transform_that_is_off_by_1e_13_is_seen(bright, spread, monkeypatch):
    sound, rng = RealFFT.rfft, np.random.default_rng(5)

    def disturbed(self, *arguments):
        spectrum = sound(self, *arguments)
        size = spectrum if spread == "own power" else np.sqrt(np.mean(np.abs(spectrum) ** 2))
        return spectrum + 1e-13 * size * rng.standard_normal(spectrum.shape)

    monkeypatch.setattr(RealFFT, "rfft", disturbed)
    for seed in range(8):
        mask = PulseMask.random(PatchGrid(bright.shape, 16), 0.75, rng=seed)
        error = convolution_error(bright, mask, np.random.default_rng(seed), frequencies=25)
        assert error > 2 * rounding_bound(bright.size, float)


def test_what_the_mask_hides_counts_as_power():
    """All power is hidden: zero is the sum of large terms."""
    pixels = np.zeros((64, 64))
    pixels[9, 13] = 1e4
    mask = PulseMask((64, 64), 8, [(32, 32), (0, 40)])
    assert not (pixels * mask.visible).any()
    error = convolution_error(pixels, mask, np.random.default_rng(0))
    assert error <= rounding_bound(pixels.size, float)


@pytest.mark.parametrize("size", [1e-300, 1e-30, 1e30, 1e300])
def test_the_error_does_not_depend_on_the_unit_of_the_pixels(photograph, size):
    mask = PulseMask(photograph.shape, 4, [(0, 0), (8, 20), (33, 41)])
    unit = 2.0 ** round(np.log2(size))
    for dtype in (np.float64, np.float32):
        errors = [
            convolution_error(pixels, mask, np.random.default_rng(3), dtype=dtype)
            for pixels in (photograph, photograph * unit)
        ]
        assert errors[0] == errors[1] > 0


def test_black_images_have_no_error():
    mask = PulseMask((16, 24), 4, [(0, 4)])
    assert convolution_error(np.zeros((16, 24)), mask, np.random.default_rng(0)) == 0
