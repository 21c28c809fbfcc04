"""The closed-form transform of a pulse equals the sum over its pixels."""

import laws
import numpy as np
import pytest

from spectral_mae.masks.pulses import (
    PulseSum,
    dirichlet_kernel,
    dirichlet_power,
    grating_zeros,
    unit_roots,
)

# Powers of two, primes, one pixel, the whole axis, patches that divide and that do not.
PULSES = [(1, 1), (2, 1), (2, 2), (7, 3), (8, 8), (12, 4), (12, 5), (97, 96), (224, 16)]
PULSES += [(225, 16), (4096, 64), (4099, 64), (5040, 35), (8191, 16), (16384, 48)]
PULSE = pytest.mark.parametrize(("n", "patch"), PULSES)
ROUNDING = 4e-16


@PULSE
def test_kernel_equals_the_sum_over_pixels(n, patch):
    laws.assert_close(dirichlet_kernel(n, patch), laws.pulse_dft(n, patch), ROUNDING)


@PULSE
def test_power_is_the_squared_kernel(n, patch):
    truth = np.abs(laws.pulse_dft(n, patch)) ** 2
    laws.assert_close(dirichlet_power(n, patch), truth, 2 * ROUNDING)


@PULSE
def test_the_grating_has_exact_zeros_and_no_others(n, patch):
    true_zeros = np.flatnonzero(np.abs(laws.pulse_dft(n, patch)) < 1e-12)
    np.testing.assert_array_equal(grating_zeros(n, patch), true_zeros)
    np.testing.assert_array_equal(np.flatnonzero(dirichlet_kernel(n, patch) == 0), true_zeros)
    np.testing.assert_array_equal(np.flatnonzero(dirichlet_power(n, patch) == 0), true_zeros)


@pytest.mark.parametrize("n", [1, 2, 9, 4099, 65536])
def test_roots_of_unity_stay_accurate_at_large_multiples(n):
    multiples = np.arange(-5, 5) + n * np.array([-(10**9), 0, 1, 10**9, 10**12])[:, np.newaxis]
    truth = laws.roots(n)[multiples % n]
    assert np.max(np.abs(unit_roots(n, multiples) - truth)) < ROUNDING


@pytest.mark.parametrize("n", [9, 12])
def test_equation_19_as_printed_is_no_transform(n):
    """The paper's exponent lacks the /D; with it the equation holds."""
    k, p = np.arange(1, n), 4
    ratio = np.sin(np.pi * p * k / n) / np.sin(np.pi * k / n)
    truth = laws.pulse_dft(n, p)[1:]
    laws.assert_close(np.exp(-1j * np.pi * k * (p - 1) / n) * ratio, truth, 1e-14)
    assert laws.relative_error(np.exp(-1j * np.pi * k * (p - 1)) * ratio, truth) > 0.1


@pytest.mark.parametrize(
    ("shape", "patch", "starts"),
    [
        ((12,), (4,), [[0], [8]]),
        ((12,), (4,), [[1], [5]]),
        ((12,), (4,), [[1], [5], [5]]),
        ((12,), (4,), [[1], [6], [6], [8]]),
        ((13,), (4,), [[0], [4]]),
        ((13,), (4,), []),
        ((6, 10), (2, 5), [[0, 0], [4, 5]]),
        ((6, 10), (2, 5), [[1, 3], [3, 3]]),
        ((6, 10), (2, 5), [[1, 3], [2, 5], [2, 5]]),
        ((7, 10), (2, 3), [[5, 7], [0, 1]]),
        ((4, 6, 6), (2, 3, 2), [[2, 3, 4], [0, 0, 2]]),
        ((4, 5, 6), (2, 3, 1), [[2, 1, 5], [0, 2, 2], [1, 2, 2]]),
    ],
    ids=str,
)
def test_sums_of_pulses_add_up_even_where_they_overlap(shape, patch, starts):
    starts = np.array(starts, dtype=int).reshape(-1, len(shape))
    covered = np.zeros(shape)
    for start in starts:
        covered[tuple(slice(a, a + p) for a, p in zip(start, patch, strict=True))] += 1
    laws.assert_close(PulseSum(shape, patch, starts).dft(), laws.dft(covered), 1e-15)


def test_starts_in_a_volume_are_summed_in_blocks():
    shape, patch = (64, 64, 3), (2, 1, 2)
    starts = np.random.default_rng(0).integers(0, np.subtract(shape, patch) + 1, (700, 3))
    covered = np.zeros(shape)
    for inside in np.ndindex(patch):
        np.add.at(covered, tuple((starts + inside).T), 1)
    laws.assert_close(PulseSum(shape, patch, starts).dft(), np.fft.fftn(covered), 1e-14)


def test_many_starts_are_summed_in_blocks():
    n = 2**11
    starts = np.sort(np.random.default_rng(0).choice(n - 2, 1000, replace=False))[:, np.newaxis]
    covered = np.zeros(n)
    np.add.at(covered, starts + np.arange(3), 1)
    laws.assert_close(PulseSum((n,), (3,), starts).dft(), np.fft.fft(covered), 1e-14)


@pytest.mark.parametrize("function", [dirichlet_kernel, dirichlet_power, grating_zeros])
@pytest.mark.parametrize(
    ("n", "patch", "error", "message"),
    [
        (8, 9, ValueError, "patch_size=9 is longer than the axis, n=8"),
        (8, 0, ValueError, "patch_size=0 is not at least 1"),
        (0, 1, ValueError, "n=0 is not at least 1"),
        (8, 2.0, TypeError, "patch_size=2.0 is not an integer"),
    ],
)
def test_impossible_pulses_are_refused_with_their_values(function, n, patch, error, message):
    with pytest.raises(error, match=message):
        function(n, patch)
