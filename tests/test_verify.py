"""The checks themselves: they pass on sound formulas and fail on broken ones."""

import dataclasses

import laws
import numpy as np
import pytest

from spectral_mae import PulseMask, dirichlet, verify
from spectral_mae.verify import Check, convolution_error, mask_dft_error, rounding_bound, worst_of


@pytest.fixture
def photograph():
    """Rows and columns of different, partly odd, size with a steep spectrum and a mean."""
    rng = np.random.default_rng(0)
    return 0.5 + 0.1 * np.cumsum(np.cumsum(rng.standard_normal((48, 45)), 0), 1) / 48


@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
@pytest.mark.parametrize("mask_ratio", [0.3, 0.75])
def test_all_checks_hold(photograph, sampling, mask_ratio):
    checks = verify.verify_image(
        photograph, 3, mask_ratio, sampling=sampling, rng=np.random.default_rng(1), where="here"
    )
    assert [c for c in checks if not c.ok] == []
    assert {c.where for c in checks} == {"here"}
    assert {c.precision for c in checks} == {"float32", "float64"}
    equations = {c.equation for c in checks}
    assert {f"Eq. {n}" for n in range(17, 22)} | {"Eqs. 15-16", "E|M|²", "E|Y|²"} <= equations


@pytest.mark.parametrize("shape", [(40, 24), (24, 35), (60,)])
def test_convolution_theorem_by_direct_sums(shape):
    rng = np.random.default_rng(0)
    pixels = rng.random(shape)
    mask = PulseMask(shape, 3, rng.integers(0, 5, (1, len(shape))))
    for dtype in (np.float64, np.float32):
        error = convolution_error(pixels, mask, rng, dtype=dtype)
        assert 0 < error <= rounding_bound(pixels.size, dtype)


@pytest.mark.parametrize("shape", [(9, 8), (7, 10), (12,), (1, 6)])
def test_direct_sums_are_sums_of_all_terms(shape, monkeypatch):
    """Short runs of terms, so that both sums meet their borders."""
    monkeypatch.setattr(verify, "WAVE_TERMS", 3)
    monkeypatch.setattr(verify, "PRODUCT_TERMS", 4)
    rng = np.random.default_rng(1)
    x, y = (rng.random(shape) + 1j * rng.random(shape) for _ in range(2))
    chosen = [rng.permutation(n)[: n - n // 3] for n in shape]
    truth = (laws.circular_convolution(x, y) / x.size)[np.ix_(*chosen)]
    laws.assert_close(verify._circular_convolution(x, y, chosen), truth, 1e-14)
    found = verify._direct_dft(x.real, chosen)
    laws.assert_close(found, laws.dft(x.real)[np.ix_(*chosen)], 1e-14)


def test_frequencies_of_direct_sums_can_be_chosen(photograph, monkeypatch):
    seen = []
    sums = verify._direct_dft
    monkeypatch.setattr(
        verify, "_direct_dft", lambda x, chosen: seen.append(chosen) or sums(x, chosen)
    )
    mask = PulseMask(photograph.shape, 4, [(0, 0)])
    for n, rows in ((25, 5), (30, 5), (10**6, 1000)):
        convolution_error(photograph, mask, np.random.default_rng(0), frequencies=n)
        for k, size in zip(seen[-1], photograph.shape, strict=True):
            assert len(np.unique(k)) == len(k) == min(rows, size)


def test_mask_error_is_that_of_the_whole_grid(photograph):
    mask = PulseMask((9, 10), 2, [(1, 3), (5, 5)])
    other = PulseMask((9, 10), 2, [(1, 3), (5, 6)])
    mask.__dict__["visible"] = other.visible
    truth = laws.relative_error(other.dft(), mask.dft())
    assert mask_dft_error(mask, verify.RealFFT((9, 10))) == pytest.approx(truth, rel=1e-12)


def test_convolution_error_sees_a_wrong_transform(photograph, monkeypatch):
    mask = PulseMask(photograph.shape, 4, [(0, 0), (8, 20), (33, 41)])
    good = mask.dft()
    rng = np.random.default_rng(0)
    for wrong in (good * 1.001, good.conj(), np.roll(good, 1, axis=0)):
        monkeypatch.setattr(PulseMask, "dft", lambda self, wrong=wrong: wrong)
        assert convolution_error(photograph, mask, rng) > 1e-4


def test_mask_error_sees_the_slip_of_equation_19(photograph, monkeypatch):
    """The paper's Eq. 19 misses the /D in the exponent; with the slip the check fails."""
    kernel = dirichlet.dirichlet_kernel

    def slipped(n, patch_size):
        k = np.arange(n)
        phase = np.exp(-1j * np.pi * k * (patch_size - 1))
        return np.abs(kernel(n, patch_size)) * phase

    def error():
        mask = PulseMask(photograph.shape, 4, [(0, 0), (8, 20)])
        return mask_dft_error(mask, verify.RealFFT(mask.shape))

    assert error() <= rounding_bound(photograph.size, np.float64)
    monkeypatch.setattr(dirichlet, "dirichlet_kernel", slipped)
    assert error() > 0.1


def test_expectations_see_swapped_inclusion_probabilities(photograph, monkeypatch):
    from spectral_mae import expectation

    sound = expectation.inclusion_probabilities

    def wrong(*args, sampling):
        return sound(*args, sampling="bernoulli" if sampling == "fixed" else "fixed")

    monkeypatch.setattr(expectation, "inclusion_probabilities", wrong)
    checks = verify.verify_image(photograph, 3, 0.5, sampling="fixed", rng=np.random.default_rng(0))
    assert {c.equation for c in checks if not c.ok} == {"E|M|²", "E|Y|²"}


def test_worst_is_kept_and_nan_is_a_failure():
    small = Check("Eq. 18", "s", "float64", 1e-16, 1e-15, "a")
    large = dataclasses.replace(small, error=5e-16, where="b")
    broken = dataclasses.replace(small, error=float("nan"), where="c")
    assert worst_of([small, large]) == [large]
    assert worst_of([large, small]) == [large]
    assert not broken.ok
    assert [c.where for c in worst_of([small, broken])] == ["c"]
