"""Masks in pixels and their transforms, one by one and on average."""

import laws
import numpy as np
import pytest

from spectral_mae.masked_spectra.expectation import expected_mask_power
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulse_mask import PulseMask, sample_visible
from spectral_mae.masks.sampling import sample_kept
from spectral_mae.spectra.fft import RealFFT

# Name: shape, patch, starts.
MASKS = {
    "one pulse": ((9,), 3, [2]),
    "on the grid": ((12,), 3, [0, 6, 9]),
    "on a shifted grid": ((12,), 3, [2, 8]),
    "off any grid": ((12,), 3, [0, 4, 9]),
    "patch does not divide": ((13,), 4, [1, 5, 9]),
    "touching pulses": ((8,), 2, [3, 5]),
    "nothing visible": ((8,), 2, []),
    "all visible": ((8,), 8, [0]),
    "image on the grid": ((6, 8), 2, [(0, 0), (4, 2), (2, 6)]),
    "rectangular patches": ((6, 8), (3, 4), [(0, 4), (3, 0)]),
    "image on a shifted grid": ((9, 8), (3, 2), [(1, 3), (4, 5), (1, 1)]),
    "shifted along one axis": ((9, 8), (3, 2), [(0, 1), (6, 5)]),
    "image off any grid": ((7, 10), (2, 3), [(0, 0), (1, 4), (5, 7)]),
    "image without pulses": ((5, 6), 2, []),
    "volume on the grid": ((4, 6, 5), (2, 3, 5), [(0, 3, 0), (2, 0, 0)]),
    "volume on a shifted grid": ((6, 4, 6), (3, 2, 2), [(1, 1, 2), (1, 1, 0)]),
    "volume off any grid": ((5, 4, 7), (2, 1, 3), [(0, 0, 0), (3, 2, 1), (1, 3, 4)]),
}
MASK = pytest.mark.parametrize(("shape", "patch", "starts"), MASKS.values(), ids=MASKS.keys())
GRIDS = pytest.mark.parametrize(("shape", "patch"), laws.GRIDS)
DESIGNS = pytest.mark.parametrize("sampling", laws.DESIGNS)


def painted(shape, patch, starts):
    """The pixels under the pulses, painted one by one."""
    visible = np.zeros(shape, dtype=bool)
    size = np.broadcast_to(patch, len(shape))
    for start in np.reshape(starts, (-1, len(shape))).astype(int):
        visible[tuple(slice(a, a + p) for a, p in zip(start, size, strict=True))] = True
    return visible


@MASK
def test_pixels_under_the_pulses_are_visible_and_the_others_hidden(shape, patch, starts):
    mask, truth = PulseMask(shape, patch, starts), painted(shape, patch, starts)
    assert mask.visible.dtype == bool
    np.testing.assert_array_equal(mask.visible, truth)
    np.testing.assert_array_equal(mask.hidden, ~truth)
    assert mask.mask_ratio == pytest.approx(1 - truth.sum() / truth.size, abs=1e-15)


@MASK
def test_transform_equals_the_sum_over_pixels(shape, patch, starts):
    mask = PulseMask(shape, patch, starts)
    found, visible = mask.dft(), mask.visible
    laws.assert_close(found, laws.dft(visible), 1e-15)
    zero = (0,) * len(shape)
    assert found[zero] == pytest.approx(visible.sum(), abs=1e-12)
    mirrored = np.roll(np.flip(found), 1, tuple(range(len(shape))))
    laws.assert_close(mirrored, np.conj(found), 1e-15)
    delta = np.zeros(shape)
    delta[zero] = delta.size
    laws.assert_close_to_max(delta - found, laws.dft(mask.hidden), 1e-14)


@MASK
def test_the_half_plane_is_half_the_transform(shape, patch, starts):
    mask = PulseMask(shape, patch, starts)
    laws.assert_close(mask.half_dft(), laws.half(mask.dft()), 1e-15)
    laws.assert_close(mask.half_dft(), laws.half(laws.dft(mask.visible)), 1e-15)


@MASK
def test_a_transform_is_written_where_it_is_wanted(shape, patch, starts):
    mask = PulseMask(shape, patch, starts)
    for transform in (mask.dft, mask.half_dft):
        out = np.full(transform().shape, np.nan + 0j)
        assert transform(out=out) is out
        np.testing.assert_array_equal(out, transform())


@pytest.mark.parametrize(
    "out",
    [
        np.empty((6, 5), complex),
        np.empty((6, 8), np.complex64),
        np.empty((8, 6), complex).T,
        np.empty((6, 8)),
    ],
    ids=["half", "single precision", "columns first", "real"],
)
def test_an_array_that_cannot_hold_the_transform_is_refused(out):
    with pytest.raises(ValueError, match=r"out of shape \(6, [58]\) and dtype"):
        PulseMask((6, 8), 2, [(0, 0)]).dft(out=out)


@MASK
def test_masking_convolves_the_spectrum(shape, patch, starts):
    """Eq. 18: Y[k] = (1/D) Σ_q X[q] M[k−q]."""
    mask, x = PulseMask(shape, patch, starts), laws.field(shape)
    convolved = laws.circular_convolution(laws.dft(x), mask.dft()) / x.size
    laws.assert_close_to_max(convolved, laws.dft(x * mask.visible), 1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "patch"),
    [
        *(((4096,), 16), ((1001,), 7)),
        *(((224, 224), 16), ((105, 63), (7, 9)), ((128, 48), (8, 16))),
        ((8, 48, 45), (2, 8, 9)),
    ],
)
def test_transform_agrees_with_fftw_to_its_rounding(shape, patch, dtype):
    mask = PulseMask.random(PatchGrid(shape, patch), 0.75, rng=0)
    fftw = RealFFT(shape, dtype=dtype).rfft(mask.visible[np.newaxis])[0]
    laws.assert_close(fftw, laws.half(mask.dft()), laws.fft_tolerance(dtype, shape))


@GRIDS
@DESIGNS
@pytest.mark.parametrize("ratio", [0.5, 0.4])
@pytest.mark.slow
def test_mean_power_equals_the_enumeration_of_all_masks(shape, patch, ratio, sampling):
    truth = laws.mask_mean(lambda v: np.abs(laws.dft(v)) ** 2, shape, patch, ratio, sampling)
    found = expected_mask_power(PatchGrid(shape, patch), ratio, sampling=sampling)
    laws.assert_close_to_max(found, truth, 1e-12)


@GRIDS
@DESIGNS
def test_random_masks_are_drawn_in_whole_patches(shape, patch, sampling):
    cut = PatchGrid(shape, patch)
    visible = sample_visible(cut, 0.5, 20, sampling=sampling, rng=3)
    kept = sample_kept(cut.n_patches, 0.5, 20, sampling=sampling, rng=3)
    assert visible.dtype == bool
    np.testing.assert_array_equal(visible, cut.expand(kept))
    one = PulseMask.random(cut, 0.5, sampling=sampling, rng=3)
    np.testing.assert_array_equal(
        one.visible, cut.expand(sample_kept(cut.n_patches, 0.5, 1, sampling=sampling, rng=3))[0]
    )
    np.testing.assert_array_equal(one.visible, PulseMask(shape, patch, one.starts).visible)


def test_a_mask_tells_its_realised_ratio():
    assert PulseMask.random(PatchGrid((14, 14), 2), 0.76, rng=0).mask_ratio == 38 / 49
    assert "3 pulses, mask_ratio=0.25" in repr(PulseMask(8, 2, [0, 2, 6]))


def test_starts_of_a_signal_may_be_a_column():
    column = PulseMask(8, 2, np.array([[0], [5]], dtype=np.uint8))
    np.testing.assert_array_equal(column.visible, PulseMask(8, 2, [0, 5]).visible)


@pytest.mark.parametrize(
    ("shape", "patch", "starts", "error", "message"),
    [
        (8, 3, [0, 5, 2], ValueError, r"starting at \(0,\) and \(2,\) overlap at pixel \(2,\)"),
        (8, 3, [4, 4], ValueError, r"starting at \(4,\) and \(4,\) overlap at pixel \(4,\)"),
        ((6, 6), 2, [(0, 0), (4, 4), (3, 3)], ValueError, r"\(4, 4\) and \(3, 3\) overlap at"),
        (8, 3, [0, 6], ValueError, r"1 pulses of patch_size=\(3,\) leave shape=\(8,\), .* \(6,\)"),
        (8, 3, [-1, 6], ValueError, r"2 pulses .* start \(-1,\)"),
        ((6, 6), 2, [(0, 5)], ValueError, r"start \(0, 5\)"),
        (
            8,
            3,
            [0.0, 4.0],
            TypeError,
            r"starts must be integers, not float64: array\(\[0\., 4\.\]\)",
        ),
        (8, 3, [True], TypeError, "starts must be integers, not bool"),
        ((6, 6), 2, [0, 2], ValueError, r"starts of shape \(2,\) are not \(N, 2\)"),
        (8, 2, [(0, 2)], ValueError, r"starts of shape \(1, 2\) are not \(N, 1\)"),
    ],
)
def test_impossible_pulses_are_refused_by_name(shape, patch, starts, error, message):
    with pytest.raises(error, match=message):
        PulseMask(shape, patch, starts)


def test_a_mask_cannot_be_changed_under_its_transform():
    mask = PulseMask(8, 2, [0, 4])
    for array in (mask.visible, mask.starts):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_pulse_larger_than_the_image_is_refused_without_starts_too():
    with pytest.raises(ValueError, match="larger than"):
        PulseMask(4, 8, [])
