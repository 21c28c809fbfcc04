"""Saved models of designs come back the same, designs with them."""

import numpy as np
import pytest
from design_cases import EVERY_DESIGN, EVERY_SHAPE, axis_of, design_of, images_of

import spectral_mae as sm
from spectral_mae.linear.model_file import named


@EVERY_SHAPE
@EVERY_DESIGN
@pytest.mark.parametrize("covariance", ["banded", "dense", "stationary"])
def test_a_saved_model_comes_back_with_its_design(
    shape, patch, channels, name, covariance, tmp_path
):
    design, axis = design_of(name, shape, patch), axis_of(channels)
    model = sm.LinearMAE(design=design, covariance=covariance, rank=3)
    model.fit(images_of(shape, channels), channel_axis=axis).save(tmp_path / "model.npz")
    back = sm.load_linear_model(tmp_path / "model.npz")
    assert repr(back) == repr(model)
    assert back.design_.grid == design.grid
    assert named(design) == (name != "given")
    if name != "given":
        assert back.design_ == design
    for one, other in zip(back.design_.enumerate(), design.enumerate(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-15)
    others = images_of(shape, channels, n=5, seed=1)
    expected = model.score(others, channel_axis=axis)
    assert back.score(others, channel_axis=axis) == pytest.approx(expected, abs=1e-14)
    np.testing.assert_array_equal(back.weight_matrix(), model.weight_matrix())


def test_given_masks_are_not_taken_for_those_of_a_text(tmp_path):
    """Two designs of as many masks have the same text."""
    grid = sm.PatchGrid((4, 6), 2)
    masks = np.random.default_rng(0).random((2, 5, 6)) < 0.5
    one, other = (sm.designs.from_masks(grid, some) for some in masks)
    assert one.text == other.text
    for place, design in enumerate((one, other)):
        model = sm.LinearMAE(design=design).fit(images_of((4, 6), None))
        model.save(tmp_path / f"{place}.npz")
    back = [sm.LinearMAE.load(tmp_path / f"{place}.npz").design_ for place in (0, 1)]
    for design, some in zip(back, masks, strict=True):
        np.testing.assert_array_equal(design.enumerate()[0], some)
