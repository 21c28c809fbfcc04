"""``spectral-mae audit-masks`` as its user runs it, on files of every kind."""

import numpy as np
import pytest
from command_runs import read_csv, run, usage_error
from PIL import Image

import spectral_mae as sm

GRID = sm.PatchGrid((96, 128), 16)
DESIGN = sm.designs.block(GRID, (2, 3))
KEPT = DESIGN.sample_kept(60, rng=0)
PATCHES = KEPT.reshape(-1, 6, 8)
ORDER = np.argsort(~KEPT, axis=1, kind="stable")  # kept patches first, as ids_shuffle of MAE


def save(path, array):
    np.save(path, array)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("array", "options"),
    [
        (PATCHES, []),
        (GRID.expand(~KEPT).astype(np.float32), ["--pixels", "--hidden"]),
        pytest.param(KEPT, ["--grid", "6x8"], marks=pytest.mark.slow),
        (ORDER[:, : 48 - 6], ["--ids-keep", "--grid", "6x8"]),
        (np.argsort(ORDER, axis=1), ["--ids-restore", 48 - 6, "--grid", "6x8"]),
    ],
)
def test_masks_in_every_form_have_one_audit(array, options, tmp_path, capsys):
    assert (
        run("audit-masks", save(tmp_path / "a.npy", array), "--out", tmp_path / "o", *options) == 0
    )
    printed = capsys.readouterr().out
    assert "60 masks of 6×8 patches" in printed
    assert "Nearest named design: block:2x3" in printed
    audit = sm.audit_masks(GRID, KEPT)
    assert audit.summary() in printed
    pairs = read_csv(tmp_path / "o" / "pairs.csv")
    assert len(pairs) == 48
    np.testing.assert_allclose(
        [float(row["pair_inclusion"]) for row in pairs],
        audit.moments.pair_inclusion.ravel(),
        rtol=1e-7,
    )
    octaves = read_csv(tmp_path / "o" / "leakage.csv")
    assert [row["octave"] for row in octaves] == list(audit.leakage.octaves)
    with Image.open(tmp_path / "o" / "masks.png") as picture:
        assert min(picture.size) > 500


@pytest.mark.slow
def test_folders_of_arrays_and_of_images_are_read(tmp_path, capsys):
    arrays, images = tmp_path / "arrays", tmp_path / "images"
    arrays.mkdir()
    images.mkdir()
    np.save(arrays / "a.npy", PATCHES[:20])
    np.savez(arrays / "b.npz", masks=PATCHES[20:])
    for i, visible in enumerate(GRID.expand(KEPT)):
        Image.fromarray((visible * 255).astype(np.uint8)).save(images / f"{i:03}.png")
    out = tmp_path / "out"
    for folder, options in ((arrays, []), (images, ["--pixels"])):
        assert run("audit-masks", folder, "--out", out, *options) == 0
        assert sm.audit_masks(GRID, KEPT).summary() in capsys.readouterr().out


@pytest.mark.slow
def test_images_give_the_spectrum_that_leaks(tmp_path, capsys):
    path = save(
        tmp_path / "a.npy", sm.designs.fixed(GRID, 0.5).sample_kept(30, rng=0).reshape(-1, 6, 8)
    )
    assert run("audit-masks", path, "--out", tmp_path / "a") == 0
    plain = read_csv(tmp_path / "a" / "leakage.csv")
    images = ["--images", "builtin:camera", "builtin:coins"]
    assert run("audit-masks", path, "--out", tmp_path / "a", *images) == 0
    other = read_csv(tmp_path / "a" / "leakage.csv")
    assert [row["octave"] for row in plain] == [row["octave"] for row in other]
    assert all(one["ratio"] != two["ratio"] for one, two in zip(plain, other, strict=True))
    assert "30 masks" in capsys.readouterr().out


def test_what_cannot_be_read_is_said(tmp_path, capsys):
    patches = save(tmp_path / "a.npy", PATCHES)
    flat, large = save(tmp_path / "b.npy", KEPT), save(tmp_path / "c.npy", GRID.expand(KEPT))
    small = save(tmp_path / "d.npy", sm.PatchGrid((32, 48), 8).expand(KEPT[:, :24]))
    (tmp_path / "empty").mkdir()
    gray = tmp_path / "gray"
    gray.mkdir()
    Image.fromarray(np.full((96, 128), 99, np.uint8)).save(gray / "a.png")
    for arguments, message in (
        ([tmp_path / "none.npy"], "no file or folder of masks"),
        ([flat], "give --grid HxW"),
        ([flat, "--grid", "6xb"], "--grid '6xb' is not HxW"),
        ([flat, "--grid", "6x7"], "not (n, 42)"),
        ([large], "--pixels says"),
        ([small, "--patch-size", "8"], "masks of shape (32, 48): --pixels says"),
        ([patches, "--hidden", "--ids-keep"], "exclude each other"),
        ([tmp_path / "empty"], "holds no .npy or .npz file and no image"),
        ([gray, "--pixels"], "holds grays"),
        ([patches, "--patch-size", "0"], "patch"),
    ):
        line = usage_error(capsys, "audit-masks", *arguments, "--out", tmp_path / "o")
        assert message in line
    other = tmp_path / "o"
    other.mkdir()
    (other / "pairs.csv").write_text("mine")
    line = usage_error(capsys, "audit-masks", patches, "--out", other)
    assert "--overwrite" in line
