"""The text of designs: read and written again, and what is said of texts that mean nothing."""

import pickle

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.masks.designs.text_form import FORMS, OTHERS

GRID = sm.PatchGrid((64, 64), 8)
TEXTS = [
    "fixed:0.75",
    "fixed:0.9,mae",
    "bernoulli:0.6",
    "block:6x4",
    "block:3x3,keep,unrolled",
    "cutouts:2x3,4",
    "drop_block:2x2,0.5",
    "grid:2x4,0.75",
    "grid:2x4,0.75,bernoulli,fixed_phase",
    "stratified:2x2,1",
    "stripes:0.5x0.25",
    "stripes:0.0x0.25,bernoulli",
    "tube:0/fixed:0.5",
    "tube:1/block:3,keep",
    "product:block:3/bernoulli:0.5",
    "product:2/fixed:0.75",
    "product:2/(tube:0/fixed:0.5)",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_read_and_written_again(text):
    design = sm.designs.parse(text).on(GRID)
    assert design.text == text
    assert sm.designs.parse(design.text).on(GRID) == design
    assert repr(design).startswith(f"<design {text} on 8×8 patches")
    other = sm.PatchGrid((32, 64), 4)
    assert pickle.loads(pickle.dumps(sm.designs.parse(text))).on(other) == design.on(other)


def test_every_named_design_is_among_the_texts_and_in_the_help():
    names = {*FORMS, "tube", "product"}
    assert names <= {text.partition(":")[0] for text in TEXTS}
    helped = sm.designs.help_text().splitlines()
    assert len(helped) == len(FORMS) + len(OTHERS)
    assert {line.partition(":")[0] for line in helped} >= names


def test_a_number_stands_for_all_axes():
    assert sm.designs.parse("block:3").on(GRID) == sm.designs.block(GRID, 3)


def test_files_of_masks_are_designs(tmp_path):
    masks = np.random.default_rng(0).random((9, 8, 8)) < 0.3
    path, packed = str(tmp_path / "masks.npy"), str(tmp_path / "m.npz")
    np.save(path, masks)
    np.savez(packed, masks=masks.reshape(9, -1).astype(np.uint8))
    wanted = sm.designs.from_masks(GRID, masks)
    for text in (path, packed):
        design = sm.designs.parse(text).on(GRID)
        np.testing.assert_array_equal(design.pair_inclusion, wanted.pair_inclusion)
    hidden = sm.designs.parse(f"{path},hidden").on(GRID)
    np.testing.assert_allclose(hidden.inclusion, 1 - wanted.inclusion, atol=1e-15)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("blok:3", "no design 'blok'; did you mean 'block'"),
        ("", "no design ''"),
        ("block:3,kep", "'kep' is no item of it; did you mean 'keep'"),
        ("block", "1 values are missing of block:HxW"),
        ("block:axb", "'axb' cannot be read; it is written block:HxW"),
        ("fixed:0.5,0.6", "'0.6' is no item"),
        ("tube:fixed:0.5", "AXIS/DESIGN"),
        ("tube:0/blok:2", "did you mean 'block'"),
        ("product:", "DESIGN/DESIGN"),
        ("masks.npy,hiden", "'hiden'"),
    ],
)
def test_texts_that_mean_nothing_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        sm.designs.parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("block:30", r"design 'block:30' on PatchGrid.*larger than \(8, 8\)"),
        ("fixed:1.5", "mask_ratio=1.5"),
        ("product:fixed:0.5", "1 axes, not 2"),
        ("tube:2/fixed:0.5", "axis=2 is out of range"),
    ],
)
def test_texts_that_do_not_fit_a_grid_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        sm.designs.parse(text).on(GRID)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file of masks"):
        sm.designs.parse(str(tmp_path / "none.npy"))
    (tmp_path / "text.npy").write_text("no array")
    with pytest.raises(ValueError, match="is not a file of masks"):
        sm.designs.parse(str(tmp_path / "text.npy"))
