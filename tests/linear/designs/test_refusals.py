"""What a model of a design is made from, and what is refused."""

import numpy as np
import pytest
from design_cases import EVERY_DESIGN, NOT_UNIFORM, design_of, images_of

import spectral_mae as sm

GRID = sm.PatchGrid((4, 6), 2)
BLOCK = sm.designs.block(GRID, (1, 2))


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({}, TypeError, "a mask design is needed: patch_size and mask_ratio, or design="),
        ({"patch_size": 2}, TypeError, "a mask design is needed"),
        ({"mask_ratio": 0.5}, TypeError, "a mask design is needed"),
        ({"design": BLOCK, "mask_ratio": 0.5}, ValueError, "mask_ratio=0.5"),
        ({"design": BLOCK, "patch_size": 2}, ValueError, "patch_size=2"),
        ({"design": BLOCK, "sampling": "bernoulli"}, ValueError, "sampling='bernoulli'"),
        ({"design": "block:2"}, TypeError, "design='block:2'"),
        ({"design": BLOCK, "random_offset": True}, ValueError, "needs covariance='stationary'"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(arguments, kind, message):
    with pytest.raises(kind, match=message):
        sm.LinearMAE(**arguments)


@pytest.mark.parametrize("name", NOT_UNIFORM)
def test_mask_ratios_are_swept_for_uniform_designs_only(name):
    model = sm.LinearMAE(design=design_of(name, (4, 6), (2, 2))).fit(images_of((4, 6), None))
    with pytest.raises(ValueError, match=r"exists for uniform designs only|has no mask ratio"):
        model.mask_ratio_sweep([0.5])


def test_images_of_another_shape_are_refused_before_they_are_taken_in():
    model = sm.LinearMAE(design=BLOCK)

    def batches():
        yield images_of((4, 4), None)
        raise AssertionError("the first batch does not fit already")

    with pytest.raises(ValueError, match=r"is of PatchGrid\(shape=\(4, 6\)"):
        model.fit(batches())
    moments = sm.BandMoments(sm.PatchGrid((4, 4), 2)).update(images_of((4, 4), None))
    with pytest.raises(ValueError, match=r"is of PatchGrid\(shape=\(4, 6\)"):
        model.fit_moments(moments)
    moments = sm.BandMoments(sm.PatchGrid((4, 6), (4, 2))).update(images_of((4, 6), None))
    with pytest.raises(ValueError, match=r"do not fit patch_size=\(2, 2\)"):
        model.fit_moments(moments)


@EVERY_DESIGN
def test_parameters_name_the_design_and_can_be_changed(name):
    design = design_of(name, (4, 6), (2, 2))
    model = sm.LinearMAE(design=design, rank=3)
    assert model.get_params()["design"] is design
    assert model.effective_patch_size == (2, 2)
    assert design.text in repr(model)
    again = type(model)(**model.get_params())
    images = images_of((4, 6), None)
    assert again.fit(images).loss_ == model.fit(images).loss_
    model.set_params(design=None, patch_size=2, mask_ratio=0.5)
    assert model.fit(images).design_ == sm.designs.fixed(GRID, 0.5)
    with pytest.raises(ValueError, match="the design says both"):
        model.set_params(design=design)


@EVERY_DESIGN
def test_one_second_moment_of_held_out_images_serves_models_of_all_designs(name):
    images, others = images_of((4, 6), None), images_of((4, 6), None, n=9, seed=1)
    second = sm.LinearMAE(2, 0.5).fit(images).second_moment(others)
    design = design_of(name, (4, 6), (2, 2))
    model = sm.LinearMAE(design=design).fit(images)
    if design.shift_invariant:
        assert model.score(second) == pytest.approx(model.score(others), abs=1e-12)


@pytest.mark.slow
@EVERY_DESIGN
def test_an_interpolator_fills_in_what_masks_of_the_design_hide(name):
    """It looks at the mask; no linear map for all masks has a smaller error over them."""
    design = design_of(name, (4, 6), (2, 2))
    images = images_of((4, 6), None)
    model = sm.LinearMAE(design=design, covariance="dense").fit(images)
    patterns, weights = design.enumerate()
    some = patterns.any(axis=1)
    filler = sm.Interpolator(model.moments_, tolerance=1e-10)
    loss = weights[~some].sum() * np.sum((images - model.mean_) ** 2)
    for visible, weight in zip(design.grid.expand(patterns[some]), weights[some], strict=True):
        loss += weight * np.sum((filler.fill(images, visible).images - images) ** 2)
    assert loss / len(images) <= model.loss_ * (1 + 1e-9)
