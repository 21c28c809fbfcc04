"""The text of designs: read and written again, and what is said of texts that mean nothing."""

import pickle
import re

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
    "multi_block:4",
    "multi_block:2,scale=0.1..0.2,aspect=1.0..1.0,context=0.9..1.0",
    "inverse_block:0.65",
    "inverse_block:0.5,aspect=1.0..2.0,unrolled",
    "blockwise:0.4",
    "blockwise:0.6,least=4,aspect=0.5..2.0,n_draws=50,rng=7",
    "gaussian_field:0.75,red",
    "gaussian_field:0.5,green,widths=0.5x1.0",
    "color_noise:0.75,green",
    "color_noise:0.5,blue,widths=1.0,rolled,n_draws=60,rng=3",
    "random_ratio:0.7..1.0,mean=1.0,sd=0.25",
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
    assert len(helped) == 2 * (len(FORMS) + len(OTHERS))
    assert {re.split(r"[:\[]", line)[0] for line in helped[::2]} >= names
    assert max(map(len, helped)) < 80


@pytest.mark.parametrize(
    ("text", "design"),
    [
        ("multi_block", sm.designs.multi_block(GRID)),
        ("inverse_block", sm.designs.inverse_block(GRID)),
        ("blockwise", sm.designs.blockwise(GRID)),
        ("color_noise", sm.designs.color_noise(GRID)),
        ("random_ratio", sm.designs.random_ratio(GRID)),
        ("gaussian_field:0.6", sm.designs.gaussian_field(GRID, 0.6)),
    ],
)
def test_what_is_not_written_has_the_defaults(text, design):
    assert sm.designs.parse(text).on(GRID) == design


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
        ("blok:3", "no design 'blok'; there are.* files of masks; did you mean 'block'"),
        ("", "no design ''"),
        ("block:3,kep", "'kep' is no item of it; it is written block.*; did you mean 'keep'"),
        ("block", "a value is missing; it is written block:HxW"),
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
