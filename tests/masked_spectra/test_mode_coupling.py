"""Coupling by a mask equals its double sum, and what masks do to stationary images on average."""

import math
import warnings

import laws
import numpy as np
import pytest

from spectral_mae.masked_spectra.coupling import ModeCoupling, covering_edges, mode_coupling
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.spectra.periodogram import psd
from spectral_mae.spectra.rings import RingBins

SHAPES = [(9,), (12,), (5, 6), (6, 5), (4, 4), (1, 6), (2, 3, 4)]
DESIGNS = pytest.mark.parametrize("sampling", laws.DESIGNS)


def bool_mask(shape, seed=1):
    visible = np.random.default_rng(seed).random(shape) < 0.8
    visible.flat[0] = True
    return visible


def soft_mask(shape, seed=1):
    return np.random.default_rng(seed).random(shape)


MASKS = pytest.mark.parametrize("mask", [bool_mask, soft_mask])


def even(shape, seed=5):
    """Power of a real image on the whole grid."""
    return np.abs(laws.dft(laws.field(shape, seed))).astype(float) ** 2


def double_sum(kernel):
    """Rows k, columns k' of kernel[k − k'], one entry at a time."""
    shape = kernel.shape
    matrix = np.zeros((kernel.size, kernel.size))
    for row, k in enumerate(np.ndindex(shape)):
        for column, other in enumerate(np.ndindex(shape)):
            matrix[row, column] = kernel[
                tuple((a - b) % n for a, b, n in zip(k, other, shape, strict=True))
            ]
    return matrix


def mask_matrix(visible):
    """|M[k−k']|² / D²."""
    return double_sum(np.abs(laws.dft(visible.astype(float))) ** 2 / visible.size**2)


# At full resolution ------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@MASKS
def test_the_matrix_is_the_power_of_the_mask_at_the_difference(shape, mask):
    visible = mask(shape)
    coupling = mode_coupling(visible, ndim=len(shape))
    truth = mask_matrix(visible)
    laws.assert_close(coupling.matrix(), truth, 1e-13)
    power = even(shape)
    laws.assert_close(coupling.couple(power).ravel(), truth @ power.ravel(), 1e-13)
    assert coupling.shape == shape
    singular = np.linalg.svd(truth, compute_uv=False)
    if singular[-1] > 1e-6:
        assert coupling.condition_number == pytest.approx(np.linalg.cond(truth), rel=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
@MASKS
def test_pair_fractions_are_counted_pairs(shape, mask):
    visible = mask(shape)
    axes = tuple(range(len(shape)))
    for lag in np.ndindex(shape):
        truth = np.mean(visible * np.roll(visible, lag, axes))
        assert mode_coupling(visible, ndim=len(shape)).pair_fraction[lag] == pytest.approx(
            truth, abs=1e-15
        )


@pytest.mark.parametrize("shape", SHAPES)
@MASKS
def test_expected_power_under_the_mask_is_the_coupled_power(shape, mask):
    """Over all shifts of an image, which are stationary exactly."""
    x, visible = laws.field(shape), mask(shape)
    axes = tuple(range(len(shape)))
    truth = np.mean(
        [psd(visible * np.roll(x, shift, axes), ndim=x.ndim).full() for shift in np.ndindex(shape)],
        axis=0,
    )
    laws.assert_close(
        mode_coupling(visible, ndim=len(shape)).couple(psd(x, ndim=x.ndim).full()), truth, 1e-13
    )


@pytest.mark.parametrize("shape", SHAPES)
@MASKS
def test_coupling_and_decoupling_undo_each_other(shape, mask):
    coupling = mode_coupling(mask(shape, 4), ndim=len(shape))
    assert coupling.condition_number < 100
    power = even(shape)
    laws.assert_close(coupling.decouple(coupling.couple(power)), power, 1e-13)
    laws.assert_close(coupling.couple(coupling.decouple(power)), power, 1e-13)


@pytest.mark.parametrize("shape", SHAPES)
def test_coupling_is_its_own_adjoint(shape):
    coupling = mode_coupling(bool_mask(shape, 4), ndim=len(shape))
    x, y = even(shape), even(shape, 6)
    laws.assert_adjoint(coupling.couple, coupling.couple, x, y, tolerance=1e-14)
    laws.assert_adjoint(coupling.decouple, coupling.decouple, x, y, tolerance=1e-14)


def test_a_mask_that_hides_nothing_couples_nothing():
    coupling = mode_coupling(np.ones((4, 6)))
    power = even((4, 6))
    laws.assert_close(coupling.couple(power), power, 1e-15)
    laws.assert_close(coupling.matrix(), np.eye(24), 1e-15)
    assert coupling.condition_number == pytest.approx(1.0)
    assert repr(coupling) == "ModeCoupling(shape=(4, 6), condition_number=1)"


@pytest.mark.parametrize("shape", [(9,), (5, 6)])
def test_total_power_falls_by_the_mean_square_of_the_weights(shape):
    visible, power = soft_mask(shape), even(shape)
    coupled = mode_coupling(visible).couple(power)
    assert coupled.sum() == pytest.approx(np.mean(visible**2) * power.sum(), rel=1e-13)


# Random masks ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "patch"), laws.GRIDS)
@DESIGNS
@pytest.mark.parametrize("ratio", [0.5, 0.4])
def test_coupling_by_random_masks_is_the_mean_over_all_of_them(shape, patch, ratio, sampling):
    coupling = ModeCoupling.random(PatchGrid(shape, patch), ratio, sampling=sampling)
    kernel = laws.mask_mean(
        lambda v: np.abs(laws.dft(v)) ** 2 / v.size**2, shape, patch, ratio, sampling
    )
    laws.assert_close(coupling.matrix(), double_sum(kernel), 1e-13)
    axes = tuple(range(len(shape)))
    pixels = np.arange(math.prod(shape)).reshape(shape)
    rolled = np.array([np.roll(pixels, lag, axes).ravel() for lag in np.ndindex(shape)])
    truth = laws.mask_mean(
        lambda v: np.mean(v.ravel() * v.ravel()[rolled], axis=1), shape, patch, ratio, sampling
    )
    laws.assert_close(coupling.pair_fraction.ravel(), truth, 1e-13)


def test_one_kept_patch_shows_no_lag_of_a_patch_or_more():
    coupling = ModeCoupling.random(PatchGrid((12,), 4), 0.6)
    truth = np.array([4, 3, 2, 1, 0, 0, 0, 0, 0, 1, 2, 3]) / 12
    np.testing.assert_allclose(coupling.pair_fraction, truth, atol=1e-15)
    np.testing.assert_array_equal(coupling.pair_fraction[4:9], 0)
    assert coupling.condition_number == np.inf


# Unseen lags -------------------------------------------------------------------------------------


def test_unseen_lags_are_left_out_with_a_warning():
    visible = np.arange(12) < 4
    coupling = mode_coupling(visible)
    np.testing.assert_array_equal(coupling.pair_fraction[4:9], 0)
    assert coupling.condition_number == np.inf
    power = even((12,))
    coupled = coupling.couple(power)
    with pytest.warns(UserWarning, match="5 of 12 lags are seen by no more than 0 of their pairs"):
        found = coupling.decouple(coupled)
    lags = laws.dft(power.astype(complex))
    lags[4:9] = 0
    laws.assert_close(found, laws.dft(lags.conj()).real.astype(float) / 12, 1e-12)


@pytest.mark.parametrize("least", [0.05, 0.1, 0.2])
def test_lags_of_small_fractions_are_left_out_if_asked(least):
    coupling = mode_coupling(np.isin(np.arange(12), [0, 1, 2, 4, 7]))
    fraction = coupling.pair_fraction
    power = even((12,))
    lags = laws.dft(power.astype(complex))
    left_out = fraction <= least
    factors = np.where(left_out, 0.0, 1.0 / np.where(left_out, 1.0, fraction))
    truth = laws.dft((lags * factors).conj()).real.astype(float) / 12
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = coupling.decouple(power, min_fraction=least)
    laws.assert_close(found, truth, 1e-12)
    assert len(caught) == left_out.any()
    for warning in caught:
        expected = f"{left_out.sum()} of 12 lags are seen by no more than {least:g}"
        assert expected in str(warning.message)
        assert warning.filename == __file__


def test_a_negative_least_fraction_leaves_nothing_more():
    coupling = mode_coupling(np.arange(12) < 4)
    with pytest.warns(UserWarning, match="5 of 12"):
        found = coupling.decouple(even((12,)), min_fraction=-1.0)
    assert np.isfinite(found).all()


# Rings -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape", [(9,), (12,), (2,), (3,), (6, 6), (5, 8), (8, 5), (24, 5), (1, 6), (2, 2), (16, 16)]
)
def test_rings_cover_every_frequency_once(shape):
    edges = covering_edges(shape)
    assert edges[0] == 0
    assert (np.diff(edges) > 0).all()
    rings = RingBins(shape, (1.0,) * len(shape), edges)
    assert rings.count.sum() == math.prod(shape)
    assert (rings.frequency[0], rings.count[0]) == (0, 1)
    # Those in the middle are the default ones.
    default = RingBins(shape, (1.0,) * len(shape), None)
    np.testing.assert_array_equal(rings.count[1 : len(default.count)], default.count[:-1])
    covered = rings.spread(np.arange(1.0, len(rings.count) + 1))
    assert (covered > 0).all()


def test_rings_of_the_corners_are_as_wide_as_the_others():
    inner = [0.0, *(np.arange(8) + 0.5), 8.0]
    np.testing.assert_allclose(covering_edges((16, 16)) * 16, [*inner, 9, 10, 11, 12], atol=1e-13)
    np.testing.assert_allclose(covering_edges((6,)) * 6, [0.0, 0.5, 1.5, 2.5, 3.0], atol=1e-14)


@pytest.mark.parametrize("shape", [(12,), (5, 8), (7, 3)])
@pytest.mark.parametrize("bins", [None, 2, [0.0, 0.1, 0.3]])
def test_values_of_rings_are_spread_over_their_frequencies(shape, bins):
    rings = RingBins(shape, (1.0,) * len(shape), bins)
    values = np.random.default_rng(0).random(len(rings.count)) + 1
    found = rings.spread(values)
    truth = np.zeros(shape)
    exact = [laws.exact(float(edge)) for edge in np.unique(rings.edges)]
    if bins is None:
        exact = laws.default_ring_edges(shape, (1.0,) * len(shape))
    numbers = np.arange(float(math.prod(shape))).reshape(shape)
    members = laws.ring_members(numbers, (1.0,) * len(shape), exact)
    for value, frequencies in zip(values, members.values(), strict=True):
        for _, number in frequencies:
            truth.flat[int(number)] = value
    np.testing.assert_array_equal(found, laws.half(truth))
    laws.assert_close(rings.average(found, scaling="density").power, values, 1e-15)


@pytest.mark.parametrize("shape", [(9,), (12,), (6, 6), (5, 8), (7, 4)])
@MASKS
def test_the_binned_matrix_averages_the_full_one(shape, mask):
    coupling = mode_coupling(mask(shape))
    binned = coupling.binned()
    edges = binned.edges.copy()
    edges[-1, 1] += 1  # the last ring is closed
    radius = np.zeros(shape)
    for index in np.ndindex(shape):
        squares = (f**2 for f in laws.signed_frequency(index, shape, (1.0,) * len(shape)))
        radius[index] = math.sqrt(sum(squares))
    inside = (radius.ravel() >= edges[:, :1] - 1e-12) & (radius.ravel() < edges[:, 1:] - 1e-12)
    np.testing.assert_array_equal(inside.sum(axis=0), 1)
    np.testing.assert_array_equal(inside.sum(axis=1), binned.count)
    mean = inside / inside.sum(axis=1, keepdims=True)
    laws.assert_close(binned.matrix, mean @ mask_matrix(mask(shape)) @ inside.T, 1e-12)
    laws.assert_close(binned.frequency, mean @ radius.ravel(), 1e-14)
    assert binned.condition_number == pytest.approx(np.linalg.cond(binned.matrix))
    # Power that is flat within rings is coupled to the average of what it is coupled to in full.
    rings = np.random.default_rng(0).random(len(binned.count))
    flat = (rings @ inside).reshape(shape)
    laws.assert_close(binned.couple(rings), mean @ coupling.couple(flat).ravel(), 1e-12)


@pytest.mark.parametrize("shape", [(12,), (6, 6), (7, 9)])
def test_binned_coupling_is_undone(shape):
    binned = mode_coupling(bool_mask(shape)).binned()
    assert binned.condition_number < 1e4
    rows = np.random.default_rng(0).random((2, 3, len(binned.count)))
    coupled = binned.couple(rows)
    laws.assert_close(coupled[1, 2], binned.matrix @ rows[1, 2], 1e-14)
    laws.assert_close(binned.decouple(coupled), rows, 1e-11)
    laws.assert_close(binned.couple(binned.decouple(rows)), rows, 1e-11)
    laws.assert_close(binned.decouple(coupled[0, 1]), rows[0, 1], 1e-11)


@pytest.mark.parametrize("ridge", [1e-3, 0.1, 1.0])
def test_a_ridge_is_that_of_least_squares(ridge):
    """min ‖K S − Y‖² + (ridge · largest singular value)² ‖S‖², by its normal equations."""
    binned = mode_coupling(bool_mask((8, 8))).binned()
    k = binned.matrix
    y = np.random.default_rng(0).random(len(k))
    weight = ridge * np.linalg.norm(k, 2)
    truth = np.linalg.solve(k.T @ k + weight**2 * np.eye(len(k)), k.T @ y)
    laws.assert_close(binned.decouple(y, ridge=ridge), truth, 1e-11)


def test_a_bad_condition_is_said_unless_there_is_a_ridge():
    binned = mode_coupling(np.arange(64) < 3).binned()
    assert binned.condition_number > 1e8
    power = np.ones(len(binned.count))
    with pytest.warns(UserWarning, match=r"condition number of .*: try a ridge") as caught:
        binned.decouple(power)
    assert caught[0].filename == __file__
    assert np.max(np.abs(binned.decouple(power, ridge=1e-2))) < 1e4
    mode_coupling(bool_mask((64,))).binned().decouple(np.ones(33))


# Errors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("visible", "error", "message"),
    [
        (np.zeros((4, 6)), ValueError, r"no pixel of shape=\(4, 6\) is visible"),
        (np.ones((2, 4, 6)), ValueError, "has 3 axes.* for a volume give ndim=3"),
        (np.full((4, 6), 1.5), ValueError, "weights from 1.5 to 1.5, not from 0 to 1"),
        (np.full(4, np.nan), ValueError, "visible holds 4 values that are not finite"),
        (np.ones(4, complex), TypeError, "visible has dtype complex128"),
        (np.ma.masked_array(np.ones(4), [1, 0, 0, 0]), TypeError, "visible is a masked array"),
    ],
)
def test_what_is_no_mask_is_refused_with_its_values(visible, error, message):
    with pytest.raises(error, match=message):
        mode_coupling(visible)


def test_power_must_be_on_the_whole_grid():
    coupling = mode_coupling(np.ones((4, 6)))
    half = psd(np.ones((4, 6))).power
    for function in (coupling.couple, coupling.decouple):
        with pytest.raises(ValueError, match=r"power of shape \(4, 4\) is not on the whole grid"):
            function(half)
        with pytest.raises(ValueError, match="not finite"):
            function(np.full((4, 6), np.nan))


def test_matrices_beyond_the_limit_are_refused():
    assert mode_coupling(np.ones(4096)).shape == (4096,)
    with pytest.raises(ValueError, match=r"\(65, 64\) makes a matrix of 4160 × 4160; .* 4096"):
        mode_coupling(np.ones((65, 64))).matrix()


def test_impossible_arguments_of_rings_are_refused_with_their_values():
    binned = mode_coupling(np.ones((4, 6))).binned()
    n = len(binned.count)
    for function in (binned.couple, binned.decouple):
        with pytest.raises(ValueError, match=rf"power of shape \(2,\) is not \(..., {n}\)"):
            function(np.ones(2))
    with pytest.raises(ValueError, match=r"ridge=-0.1 is negative"):
        binned.decouple(np.ones(n), ridge=-0.1)


def test_random_coupling_needs_two_patches():
    with pytest.raises(ValueError, match="n_patches=1: masking needs at least two"):
        ModeCoupling.random(PatchGrid((4, 4), 4), 0.5)
