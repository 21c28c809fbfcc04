"""Masks as others write them: hidden or visible, of patches or pixels, as indices of patches."""

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.masks.conventions import kept_patterns

GRIDS = pytest.mark.parametrize(
    "grid",
    [sm.PatchGrid(12, 3), sm.PatchGrid((6, 8), 2), sm.PatchGrid((4, 6, 2), (2, 2, 1))],
    ids=lambda grid: str(grid.counts),
)


def code_of_mae(n, n_patches, mask_ratio, rng):
    """What the code of MAE returns: mask (1 is hidden), ids_restore and ids_keep."""
    len_keep = int(n_patches * (1 - mask_ratio))
    shuffled = np.argsort(rng.random((n, n_patches)), axis=1)
    restore = np.argsort(shuffled, axis=1)
    mask = np.ones((n, n_patches))
    mask[:, :len_keep] = 0
    return np.take_along_axis(mask, restore, axis=1), restore, shuffled[:, :len_keep]


@GRIDS
def test_all_that_the_code_of_mae_returns_is_the_same_mask(grid):
    mask, restore, keep = code_of_mae(5, grid.n_patches, 0.6, np.random.default_rng(0))
    kept = kept_patterns(grid, mask, convention="hidden")
    np.testing.assert_array_equal(kept, mask == 0)
    np.testing.assert_array_equal(kept, kept_patterns(grid, keep, convention="ids_keep"))
    n_keep = keep.shape[1]
    others = kept_patterns(grid, restore, convention="ids_restore", n_keep=n_keep)
    np.testing.assert_array_equal(kept, others)
    for one, hidden, ids in zip(kept, mask, keep, strict=True):
        masks = [
            sm.PulseMask.from_patches(grid, one),
            sm.PulseMask.from_patches(grid, one.reshape(grid.counts).astype(int)),
            sm.PulseMask.from_patches(grid, grid.expand(one)),
            sm.PulseMask.from_hidden(grid, hidden),
            sm.PulseMask.from_hidden(grid, grid.expand(hidden)),
            sm.PulseMask.from_ids_keep(grid, ids),
        ]
        for pulses in masks:
            np.testing.assert_array_equal(pulses.visible, grid.expand(one))
            np.testing.assert_allclose(pulses.dft(), np.fft.fftn(grid.expand(one)), atol=1e-12)


def test_what_does_not_fit_is_refused():
    grid = sm.PatchGrid((6, 8), 2)
    for wrong, message in (
        (np.ones((3, 5)), "not \\(n, 12\\)"),
        (np.pad(np.ones((5, 7)), (0, 1)), "cuts a patch"),
        (np.full(12, 2), "holds 2"),
    ):
        with pytest.raises(ValueError, match=message):
            sm.PulseMask.from_patches(grid, wrong)
    for wrong, message in (
        ([0, 12], "holds 12, which is no index of 12 patches"),
        ([-1], "holds -1"),
        ([1, 1], "an index twice"),
        (3, "not \\(n, number of indices\\)"),
    ):
        with pytest.raises(ValueError, match=message):
            sm.PulseMask.from_ids_keep(grid, wrong)
    with pytest.raises(TypeError, match="float64; indices"):
        sm.PulseMask.from_ids_keep(grid, [0.0, 1.0])
    order = np.arange(12)[np.newaxis]
    with pytest.raises(ValueError, match="n_keep=None with convention='ids_restore'"):
        kept_patterns(grid, order, convention="ids_restore")
    with pytest.raises(ValueError, match="n_keep=3 with convention='hidden'"):
        kept_patterns(grid, order, convention="hidden", n_keep=3)
    with pytest.raises(ValueError, match="are not orders"):
        kept_patterns(grid, np.zeros((1, 12), int), convention="ids_restore", n_keep=3)
    with pytest.raises(ValueError, match="n_keep=13 is more"):
        kept_patterns(grid, order, convention="ids_restore", n_keep=13)


@pytest.mark.parametrize("patch", [1, 2])
@pytest.mark.parametrize("by", ["patches", "grid of patches", "pixels"])
def test_what_is_made_of_masks_keeps_its_own(by, patch):
    """Loops draw mask after mask into one array."""
    grid = sm.PatchGrid((4, 6), patch)
    kept = np.arange(3 * grid.n_patches).reshape(3, -1) % 5 > 1
    shapes = {"patches": kept.shape, "grid of patches": (3, *grid.counts)}
    masks = grid.expand(kept) if by == "pixels" else kept.copy().reshape(shapes[by])
    design, audit = sm.designs.from_masks(grid, masks), sm.audit_masks(grid, masks)
    masks[...] = ~masks
    np.testing.assert_array_equal(design.enumerate()[0], kept)
    np.testing.assert_array_equal(audit.kept, kept)
