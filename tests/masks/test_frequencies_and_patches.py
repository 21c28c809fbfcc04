"""Patches are cut and put back in one stated order; half-planes stand for whole grids."""

import dataclasses
import itertools

import laws
import numpy as np
import pytest

from spectral_mae.masks.patches import PatchGrid
from spectral_mae.spectra import frequencies as layout

GRIDS = pytest.mark.parametrize(("shape", "patch"), laws.GRIDS)
SHAPES = pytest.mark.parametrize("shape", laws.SHAPES)


@GRIDS
@pytest.mark.parametrize("channels", [1, 3])
def test_patches_stand_in_row_major_order_pixels_too_channels_last(shape, patch, channels):
    x = laws.field((*shape, channels))
    origins = itertools.product(*(range(0, n, p) for n, p in zip(shape, patch, strict=True)))
    blocks = [
        x[tuple(slice(a, a + p) for a, p in zip(origin, patch, strict=True))].ravel()
        for origin in origins
    ]
    found = PatchGrid(shape, patch).to_patches(x, channel_axis=-1)
    np.testing.assert_array_equal(found, blocks)


@GRIDS
@pytest.mark.parametrize("lead", [(), (2,), (2, 3)])
@pytest.mark.parametrize("place", [None, 0, 1, -1])
def test_round_trip_with_channels_anywhere_and_any_batch(shape, patch, lead, place):
    axis = place if place in (None, -1) else len(lead) + place
    pixels = laws.field((*lead, *shape)) if axis is None else laws.field((*lead, *shape, 3))
    x = pixels if axis is None else np.moveaxis(pixels, -1, axis)
    cut = PatchGrid(shape, patch)
    patches = cut.to_patches(x, channel_axis=axis)
    assert patches.shape == (*lead, cut.n_patches, cut.patch_pixels * (1 if axis is None else 3))
    np.testing.assert_array_equal(cut.from_patches(patches, channel_axis=axis), x)
    if axis is not None:
        np.testing.assert_array_equal(patches, cut.to_patches(pixels, channel_axis=-1))


@GRIDS
@pytest.mark.parametrize("lead", [(), (2,)])
def test_expand_spreads_a_value_over_the_pixels_of_its_patch(shape, patch, lead):
    cut = PatchGrid(shape, patch)
    values = laws.field((*lead, cut.n_patches))
    pixels = cut.expand(values)
    assert pixels.shape == (*lead, *shape)
    spread = np.repeat(values[..., np.newaxis], cut.patch_pixels, axis=-1)
    np.testing.assert_array_equal(cut.to_patches(pixels), spread)


@GRIDS
def test_starts_are_the_first_pixels_of_the_patches(shape, patch):
    cut = PatchGrid(shape, patch)
    first = cut.to_patches(np.arange(np.prod(shape)).reshape(shape))[:, 0]
    np.testing.assert_array_equal(cut.starts(), np.stack(np.unravel_index(first, shape), axis=1))


def test_equal_cuts_are_equal_hashable_and_frozen():
    cut = PatchGrid(8, 2)
    assert cut == PatchGrid((8,), (2,))
    assert len({cut, PatchGrid([8], np.int64(2)), PatchGrid(8, 4)}) == 2
    assert cut == PatchGrid(np.array([8]), np.array([2]))
    with pytest.raises(dataclasses.FrozenInstanceError):
        cut.shape = (9,)


@pytest.mark.parametrize(
    ("shape", "patch", "error", "message"),
    [
        ((8, 6), 4, ValueError, r"patch_size=\(4, 4\) does not divide shape=\(8, 6\)"),
        (8, 3, ValueError, r"patch_size=\(3,\) does not divide shape=\(8,\)"),
        (8, 16, ValueError, r"patch_size=\(16,\) does not divide shape=\(8,\)"),
        ((8, 8), (2, 2, 2), ValueError, r"patch_size=\(2, 2, 2\) has 3 numbers for 2 axes"),
        ((4, 4, 4), (2, 2), ValueError, r"patch_size=\(2, 2\) has 2 numbers for 3 axes"),
        ((4, 4, 4, 4), 2, ValueError, r"shape=\(4, 4, 4, 4\) has 4 axes; .* volumes \(3\)"),
        ((), 2, ValueError, r"shape=\(\) has 0 axes"),
        ((8, 0), 2, ValueError, "shape=0 is not at least 1"),
        ((8, 8), -2, ValueError, "patch_size=-2 is not at least 1"),
        ((8, 8), 2.0, TypeError, "patch_size=2.0 is not an integer"),
        ("88", 2, TypeError, "shape='88' is not an integer"),
    ],
)
def test_impossible_cuts_are_refused_with_their_values(shape, patch, error, message):
    with pytest.raises(error, match=message):
        PatchGrid(shape, patch)


@pytest.mark.parametrize(
    ("method", "x", "axis", "message"),
    [
        ("to_patches", np.zeros((6, 8)), None, r"x of shape \(6, 8\) .* shape=\(8, 6\)"),
        ("to_patches", np.zeros((8, 6, 3)), None, r"\(8, 6, 3\) with channel_axis=None"),
        ("from_patches", np.zeros((11, 4)), None, r"\(11, 4\) are not \(..., 12, patch_dim\)"),
        ("from_patches", np.zeros(4), None, r"\(4,\) are not \(..., 12, patch_dim\)"),
        ("from_patches", np.zeros((12, 6)), -1, "patch_dim=6 does not fit 4 pixels"),
        ("from_patches", np.zeros((12, 12)), None, "patch_dim=12 does not fit .*channel_axis=None"),
        ("from_patches", np.zeros((12, 0)), -1, "patch_dim=0 does not fit"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_with_both_shapes(method, x, axis, message):
    with pytest.raises(ValueError, match=message):
        getattr(PatchGrid((8, 6), 2), method)(x, channel_axis=axis)


@SHAPES
@pytest.mark.parametrize("lead", [(), (3,)])
def test_the_whole_grid_follows_from_the_half_plane(shape, lead):
    full = laws.dft(laws.field((*lead, *shape)), len(shape)).astype(complex)
    half = laws.half(full)
    assert half.shape[len(lead) :] == layout.half_shape(shape)
    laws.assert_close(layout.full_from_half(half, shape), full, 1e-14)
    np.testing.assert_array_equal(layout.half_from_full(full), half)


@SHAPES
def test_hermitian_weights_count_the_whole_grid_once(shape):
    weights = layout.hermitian_weights(shape)
    count = laws.half_plane_count(shape).reshape(-1, len(weights))
    np.testing.assert_array_equal(weights * len(count), count.sum(axis=0))
    assert weights.sum() == shape[-1]


@SHAPES
def test_frequency_axes(shape):
    fs = laws.RATES[: len(shape)]
    full = layout.full_frequencies(shape, fs)
    for axis, n, rate in zip(full, shape, fs, strict=True):
        laws.assert_close(axis, np.fft.fftfreq(n, 1 / rate), 1e-15)
    for axis, whole in zip(layout.half_frequencies(shape, fs)[:-1], full[:-1], strict=True):
        np.testing.assert_array_equal(axis, whole)
    last = np.arange(shape[-1] // 2 + 1) * (fs[-1] / shape[-1])
    laws.assert_close(layout.half_frequencies(shape, fs)[-1], last, 1e-15)
    radius = np.linalg.norm(np.stack(np.meshgrid(*full, indexing="ij")), axis=0)
    laws.assert_close(layout.radial_frequency(shape, fs), laws.half(radius), 1e-15)


def test_the_smallest_nyquist_frequency_bounds_whole_rings():
    assert layout.nyquist((2.0, 0.5)) == 0.25


@SHAPES
def test_on_nyquist_marks_axes_that_are_their_own_mirror(shape):
    expected = [
        any(2 * i == n for i, n in zip(index, shape, strict=True))
        for index in np.ndindex(layout.half_shape(shape))
    ]
    np.testing.assert_array_equal(layout.on_nyquist(shape).ravel(), expected)


@SHAPES
def test_shifted_spectra_have_zero_in_the_middle_and_stand_in_their_cells(shape):
    fs = laws.RATES[: len(shape)]
    middle = tuple(n // 2 for n in shape)
    radius = np.linalg.norm(
        np.stack(np.meshgrid(*layout.full_frequencies(shape, fs), indexing="ij")), axis=0
    )
    for shown in layout.shifted(np.stack([radius, radius]), len(shape)):
        assert shown[middle] == 0
        cells = [(edge[:-1] + edge[1:]) / 2 for edge in layout.shifted_edges(shape, fs)]
        centres = np.linalg.norm(np.stack(np.meshgrid(*cells, indexing="ij")), axis=0)
        laws.assert_close(shown, centres, 1e-14)


@pytest.mark.parametrize(
    ("shape", "patch_size", "message"),
    [
        ((500, 500), 16, "; 2, 4, 5, 10, 20, 25, 50, 100, 125, 250 would, and crop_to_multiple"),
        ((20, 30), 3, "; 2, 5, 10 would, and crop_to_multiple crops images"),
        ((427, 640), 16, "; no size but 1 would, and crop_to_multiple crops images"),
        ((10, 20), 3, "; 2, 5, 10 would, and"),
        ((12,), 5, "; 2, 3, 4, 6 would"),
    ],
)
def test_patch_sizes_that_would_divide_are_named(shape, patch_size, message):
    with pytest.raises(ValueError, match="does not divide") as caught:
        PatchGrid(shape, patch_size)
    assert message in str(caught.value)
