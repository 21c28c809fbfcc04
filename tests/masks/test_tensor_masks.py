"""Masks made of tensors: pixels and transforms of the same library, equal to NumPy's."""

import laws
import numpy as np
import pytest
from tensor_kinds import KINDS, numbers

import spectral_mae as sm
from spectral_mae import plot

MASKS = [
    ((12,), 3, [[0], [3], [9]]),
    ((12,), 3, [[1], [5]]),  # not on a grid
    ((12, 15), (4, 5), [[0, 5], [4, 10]]),
    ((12, 15), (4, 5), [[1, 5], [5, 10]]),  # on a shifted grid, and not
    ((13, 15), (4, 5), [[1, 5], [6, 10]]),
    ((4, 6, 8), (2, 3, 4), [[0, 0, 4], [2, 3, 0]]),
    ((4, 6, 8), (2, 3, 4), [[1, 0, 4]]),
    ((12, 15), (4, 5), np.zeros((0, 2), int)),
]


@KINDS
@pytest.mark.parametrize(("shape", "patch", "starts"), MASKS)
def test_transforms_equal_numpys(make, shape, patch, starts):
    truth = sm.PulseMask(shape, patch, starts)
    mask = sm.PulseMask(shape, patch, make(np.array(starts)))
    np.testing.assert_array_equal(numbers(mask.visible), truth.visible)
    np.testing.assert_array_equal(numbers(mask.hidden), truth.hidden)
    laws.assert_close(numbers(mask.dft()), truth.dft(), 1e-14)
    laws.assert_close(numbers(mask.half_dft()), truth.half_dft(), 1e-14)
    assert mask.mask_ratio == truth.mask_ratio
    np.testing.assert_array_equal(mask.numpy().visible, truth.visible)
    assert truth.numpy() is truth


@KINDS
def test_masks_of_patches_are_read_in_every_convention(make):
    grid = sm.PatchGrid((8, 6), (4, 3))
    kept = np.array([True, False, False, True])
    truth = sm.PulseMask.from_patches(grid, kept)
    for mask in (
        sm.PulseMask.from_patches(grid, make(kept)),
        sm.PulseMask.from_hidden(grid, make((~kept).astype("f4"))),
        sm.PulseMask.from_ids_keep(grid, make(np.array([3, 0]))),
    ):
        laws.assert_close(numbers(mask.dft()), truth.dft(), 1e-14)


@KINDS
def test_what_masks_of_tensors_cannot_do_is_said(make):
    starts = make(np.array([[0, 0], [1, 1]]))
    with pytest.raises(ValueError, match="overlap at pixel"):
        sm.PulseMask((8, 8), 2, starts)
    mask = sm.PulseMask((8, 8), 2, starts[:1, ...])
    with pytest.raises(TypeError, match="out= is for masks made of NumPy arrays"):
        mask.dft(out=np.empty((8, 8), complex))


@KINDS
def test_pictures_take_results_that_hold_tensors(make):
    image = np.random.default_rng(0).random((8, 6))
    spectrum = sm.psd(make(image))
    assert plot.psd(spectrum).get_ylabel() == plot.psd(sm.psd(image)).get_ylabel()
    axes = plot.radial({"rings": spectrum.radial()})
    truth = plot.radial({"rings": sm.psd(image).radial()})
    for line, same in zip(axes.lines, truth.lines, strict=True):
        np.testing.assert_allclose(line.get_ydata(), same.get_ydata(), rtol=1e-12)
    plot.masking(image, [sm.PulseMask((8, 6), 2, make(np.array([[0, 2]])))])
