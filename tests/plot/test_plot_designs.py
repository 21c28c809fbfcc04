"""Pictures of designs and of audits: what is drawn is what they say."""

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae import plot

GRIDS = [sm.PatchGrid(24, 2), sm.PatchGrid((24, 32), 4), sm.PatchGrid((4, 16, 24), (1, 4, 4))]
EACH_GRID = pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: str(grid.counts))


@EACH_GRID
def test_a_design_is_drawn_with_its_masks_and_maps(grid):
    design = sm.designs.block(grid, 2, keep=True, rolled=False)
    row = plot.design(design, rng=3)
    assert row.shape == (5,)
    kept = design.sample_kept(2, rng=3).reshape(2, *grid.counts)
    for ax, mask in zip(row, kept, strict=False):
        drawn = ax.images[0].get_array()[..., 0] == 1
        wanted = mask[0] if grid.ndim == 3 else mask.reshape(-1, mask.shape[-1])
        np.testing.assert_array_equal(drawn, wanted)
    if grid.ndim == 1:
        np.testing.assert_allclose(row[2].lines[0].get_ydata(), design.inclusion)
        np.testing.assert_allclose(
            row[4].lines[0].get_ydata()[0], sm.expected_mask_power(design=design)[1]
        )
        assert "patch" in row[3].get_xlabel()
    else:
        inclusion = design.inclusion if grid.ndim == 2 else design.inclusion.mean(axis=0)
        np.testing.assert_allclose(row[2].images[0].get_array(), inclusion)
        spectrum = row[3].images[0]
        peak = design.spectrum.ravel()[1:].max()
        assert spectrum.norm.vmax == pytest.approx(peak)
        plane = design.spectrum[0] if grid.ndim == 3 else design.spectrum
        wanted = np.clip(np.fft.fftshift(plane), spectrum.norm.vmin, spectrum.norm.vmax)
        np.testing.assert_allclose(np.asarray(spectrum.get_array()), wanted, rtol=1e-9)
    assert row[0].get_title(loc="left") == design.text


def test_designs_share_their_scales_of_colours():
    grid = GRIDS[1]
    several = [sm.designs.fixed(grid, 0.75), sm.designs.drop_block(grid, 2, 0.75)]
    rows = plot.designs(several)
    assert rows.shape == (2, 5)
    for column in (3, 4):
        limits = {(ax.images[0].norm.vmin, ax.images[0].norm.vmax) for ax in rows[:, column]}
        assert len(limits) == 1
    with pytest.raises(ValueError, match="no designs"):
        plot.designs([])
    with pytest.raises(TypeError, match="is not a MaskDesign"):
        plot.designs([grid])


@EACH_GRID
@pytest.mark.parametrize("name", ["fixed", "bernoulli"])
@pytest.mark.slow
def test_an_audit_is_drawn_with_its_numbers(grid, name):
    design = getattr(sm.designs, name)(grid, 0.5)
    audit = sm.audit_masks(grid, design.sample_kept(60, rng=0))
    axes = plot.mask_audit(audit)
    assert axes.shape == (2, 3)
    assert "60 masks" in axes[0, 0].get_title()
    labels = [label.get_text() for label in axes[1, 1].get_yticklabels()]
    assert labels[0].replace("\n", "").startswith(audit.nearest.design.text[:10])
    points = axes[1, 2].containers[0].lines[0].get_ydata()
    np.testing.assert_allclose(points, audit.leakage.ratio)
    assert ("every mask hides" in axes[1, 0].get_title()) == (name == "fixed")


def test_what_is_no_design_or_audit_is_refused():
    with pytest.raises(TypeError, match="is not a MaskDesign"):
        plot.design(0.75)
    with pytest.raises(TypeError, match="is not a MaskAudit"):
        plot.mask_audit(0.75)
