"""``reconstruct`` as its user runs it, against the API on equal data."""

import math
import re

import numpy as np
import pytest
from command_runs import read_csv, run, usage_error
from model_runs import SMALL, add_broken, keep_figures, parts, read, write_photographs
from PIL import Image

import spectral_mae as sm
from spectral_mae import plot
from spectral_mae.cli.console.answer import NOTHING, OK, SOME_FAILED
from spectral_mae.linear.moments.kinds import KINDS
from spectral_mae.linear.reconstruction import (
    border_gradient_ratio,
    expected_border_gradient_ratio,
    reconstruct_image,
)
from spectral_mae.masks.sampling import mask_seed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_photographs(tmp_path_factory.mktemp("photographs"))


@pytest.fixture
def drawn(monkeypatch):
    return keep_figures(monkeypatch)


@pytest.fixture
def with_broken(folder, tmp_path):
    return add_broken(folder, tmp_path / "mixed")


@pytest.fixture(scope="module")
def model_file(folder, tmp_path_factory):
    """A masked autoencoder of 16×16 gray images."""
    out = tmp_path_factory.mktemp("models") / "m.npz"
    assert run("fit", folder, "--out", out, *SMALL, "--shrinkage", 0.3) == OK
    return out


COLUMNS = [
    "path",
    "picture",
    "masked",
    "explained",
    "psnr",
    "borders_original",
    "borders_reconstruction",
    "borders_expected",
]


def expected_row(model, path, seed=0, color=False):
    """What the API says of an image."""
    image = read([path], color=color)[0]
    drawn = np.random.default_rng(mask_seed(seed, str(path), 4))
    one = reconstruct_image(model, image, rng=drawn)
    expected = math.nan
    if isinstance(model, sm.LinearMAE):
        expected = expected_border_gradient_ratio(model, image)
    return [
        one.explained,
        one.psnr,
        border_gradient_ratio(image, one.grid),
        border_gradient_ratio(one.output, one.grid),
        expected,
    ]


def test_reconstructions_are_those_of_the_api(folder, model_file, tmp_path, capsys, drawn):
    out = tmp_path / "deep" / "out"
    paths = [folder / "4.png", folder / "1.png"]
    assert run("reconstruct", model_file, *paths, "--out", out, "--seed", 2) == OK
    rows = read_csv(out / "reconstruct.csv")
    assert list(rows[0]) == COLUMNS
    assert [row["path"] for row in rows] == list(map(str, paths))
    assert [row["picture"] for row in rows] == ["001-4.png", "002-1.png"]
    assert list(drawn) == [out / row["picture"] for row in rows]
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    model = sm.load_linear_model(model_file)
    for row, path, line in zip(rows, paths, lines, strict=False):
        values = expected_row(model, path, seed=2)
        np.testing.assert_allclose([float(row[c]) for c in COLUMNS[3:]], values, rtol=1e-7)
        explained, psnr, original, output, expected = values
        assert line.startswith(f"{path}: explained {explained:.3f} of hidden pixels, ")
        assert f"PSNR {psnr:.1f} dB" in line
        assert line.endswith(f"{output:.2f}, expected {expected:.2f} (original {original:.2f})")
    assert lines[2] == f"2 pictures and reconstruct.csv in {out}"
    assert printed.err.splitlines() == [f"1/2 {paths[0]}", f"2/2 {paths[1]}"]


@pytest.mark.slow
def test_masks_may_be_of_another_design(folder, model_file, tmp_path, capsys, drawn):
    options = ["--design", "block:2x3,keep"]
    assert run("reconstruct", model_file, folder, "--out", tmp_path, *options) == OK
    model = sm.load_linear_model(model_file)
    design = sm.designs.parse("block:2x3,keep").on(model.moments_.grid)
    for row in read_csv(tmp_path / "reconstruct.csv"):
        image = read([row["path"]])[0]
        rng = np.random.default_rng(mask_seed(0, row["path"], 4))
        one = reconstruct_image(model, image, design=design, rng=rng)
        assert one.visible.mean() == 6 / 16
        assert float(row["explained"]) == pytest.approx(one.explained, rel=2e-7)
        expected = expected_border_gradient_ratio(model, image, design=design)
        assert float(row["borders_expected"]) == pytest.approx(expected, rel=2e-7)
    message = usage_error(
        capsys, "reconstruct", model_file, folder, "--out", tmp_path / "o", "--design", "block:5"
    )
    assert "is larger than" in message


@pytest.mark.slow
def test_pictures_show_what_the_table_says(folder, model_file, tmp_path, monkeypatch):
    seen = []
    sound = plot.reconstruction
    monkeypatch.setattr(plot, "reconstruction", lambda one, ax: seen.append(one) or sound(one, ax))
    out = tmp_path / "out"
    some = folder / "[34].png"
    assert run("reconstruct", model_file, some, "--out", out, "--quiet") == OK
    rows = read_csv(out / "reconstruct.csv")
    assert len(rows) == len(seen) == 2
    for row, one in zip(rows, seen, strict=True):
        assert float(row["explained"]) == pytest.approx(one.explained, rel=1e-7)
        with Image.open(out / row["picture"]) as picture:
            assert min(picture.size) > 500
    assert (seen[0].visible != seen[1].visible).any()


@pytest.mark.parametrize(
    "options", [["--model", "dae", "--sigma", 0.1], ["--model", "ae", "--rank", 4]]
)
def test_other_models_reconstruct_without_masks(folder, tmp_path, capsys, drawn, options):
    file, out = tmp_path / "m.npz", tmp_path / "out"
    run("fit", folder, "--out", file, *SMALL, "--shrinkage", 0.3, "--color", *options)
    capsys.readouterr()
    assert run("reconstruct", file, folder / "4.png", "--out", out) == OK
    (row,) = read_csv(out / "reconstruct.csv")
    values = expected_row(sm.load_linear_model(file), folder / "4.png", color=True)
    np.testing.assert_allclose([float(row[c]) for c in COLUMNS[3:]], values, rtol=1e-7)
    assert (row["masked"], row["borders_expected"]) == ("0", "nan")
    printed = capsys.readouterr().out
    assert "expected" not in printed
    assert "hidden" not in printed


def test_models_with_a_random_offset_have_no_expected_borders(folder, tmp_path, drawn):
    model = sm.LinearMAE(4, 0.5, covariance="stationary", random_offset=True)
    model.fit(read(parts(folder)[0])).save(tmp_path / "m.npz")
    out = tmp_path / "out"
    assert run("reconstruct", tmp_path / "m.npz", folder / "4.png", "--out", out) == OK
    (row,) = read_csv(out / "reconstruct.csv")
    assert (row["masked"], row["borders_expected"]) == ("1", "nan")


@pytest.mark.slow
def test_what_is_drawn_depends_on_seed_and_name_alone(folder, model_file, tmp_path):
    outs = [tmp_path / str(i) for i in range(4)]
    some = folder / "[34].png"
    elsewhere = tmp_path / "copy" / "4.png"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes((folder / "4.png").read_bytes())
    for out, path, seed in zip(outs, (some, some, some, elsewhere), (1, 1, 2, 1), strict=True):
        arguments = ["reconstruct", model_file, path, "--out", out, "--quiet"]
        assert run(*arguments, "--seed", seed) == OK
    tables = [(out / "reconstruct.csv").read_bytes() for out in outs[:3]]
    assert tables[0] == tables[1] != tables[2]
    pictures = [(out / "001-3.png").read_bytes() for out in outs[:3]]
    assert pictures[0] == pictures[1] != pictures[2]
    (alone,) = read_csv(outs[3] / "reconstruct.csv")
    among = read_csv(outs[0] / "reconstruct.csv")[1]
    assert [alone[c] for c in COLUMNS[2:]] == [among[c] for c in COLUMNS[2:]]


def test_names_of_pictures_are_safe(folder, model_file, tmp_path, drawn):
    odd = tmp_path / "in" / ("a b:c&é." + "x" * 80 + ".png")
    odd.parent.mkdir()
    odd.write_bytes((folder / "4.png").read_bytes())
    out = tmp_path / "out"
    paths = ["builtin:coins", odd]
    assert run("reconstruct", model_file, *paths, "--out", out, "--quiet") == OK
    rows = read_csv(out / "reconstruct.csv")
    assert [row["path"] for row in rows] == ["builtin:coins", str(odd)]
    first, second = (row["picture"] for row in rows)
    assert first == "001-coins.png"
    assert re.fullmatch(r"002-a_b_c_é\.x{52}\.png", second)
    assert list(drawn) == [out / first, out / second]


def test_broken_images_are_named_and_the_rest_sent_through(
    with_broken, model_file, tmp_path, capsys, drawn
):
    out = tmp_path / "out"
    bad = with_broken / "bad&.png"
    arguments = [bad, with_broken / "4.png"]
    assert run("reconstruct", model_file, *arguments, "--out", out, "--quiet") == SOME_FAILED
    assert [row["picture"] for row in read_csv(out / "reconstruct.csv")] == ["002-4.png"]
    printed = capsys.readouterr()
    assert printed.err.startswith(f"failed: {bad}: ")
    assert printed.err.count("\n") == 1
    assert printed.out.splitlines()[-1] == f"1 picture and reconstruct.csv in {out}"
    assert run("reconstruct", model_file, bad, "--out", tmp_path / "o", "--quiet") == NOTHING
    assert list((tmp_path / "o").iterdir()) == []
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "no image could be used" in printed.err


def test_files_that_are_no_model_are_refused(folder, tmp_path, capsys):
    np.savez(tmp_path / "arrays.npz", x=np.ones(3))
    np.savez(tmp_path / "half.npz", model="LinearMAE", parameters='{"patch_size": 8}')
    np.savez(tmp_path / "quarter.npz", model="LinearMAE", parameters="{}")
    np.savez(tmp_path / "broken.npz", model="LinearMAE", parameters="{")
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "text.npz").write_text("no archive")
    with (tmp_path / "objects.npy").open("wb") as file:
        np.save(file, np.array([{}], dtype=object))
    moments = KINDS["banded"](sm.PatchGrid((16, 16), 4)).update(np.ones((2, 16, 16)))
    moments.save(tmp_path / "moments.npz")
    for name, message in (
        ("missing.npz", "missing.npz"),
        ("arrays.npz", "arrays.npz' holds no model but ['x']"),
        ("half.npz", "half.npz' holds a model that lacks"),
        ("quarter.npz", "quarter.npz' holds a model that lacks 'patch_size'"),
        ("broken.npz", "broken.npz' holds no model that fits"),
        ("empty.npz", "empty.npz' is not a file of arrays"),
        ("text.npz", "text.npz' is not a file of arrays"),
        ("objects.npy", "objects.npy' is not a file of arrays"),
        ("moments.npz", "moments.npz' holds no model"),
        (".", "directory"),
    ):
        arguments = ["reconstruct", tmp_path / name, folder / "4.png", "--out", tmp_path / "out"]
        assert message in usage_error(capsys, *arguments)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("shape", "channels"), [((16, 8), None), ((16,), None), ((8, 8), 2), ((8, 8), 4)]
)
def test_models_of_other_images_are_refused(folder, tmp_path, capsys, shape, channels):
    file = tmp_path / "m.npz"
    batch = np.random.default_rng(0).random((9, *shape, *([channels] if channels else [])))
    sm.LinearMAE(4, 0.5).fit(batch, channel_axis=-1 if channels else None).save(file)
    line = usage_error(capsys, "reconstruct", file, folder, "--out", tmp_path / "out")
    assert f"{file} is a model of shape={shape} with {channels or 1} channels" in line


def test_reconstruct_refuses_what_cannot_work(folder, model_file, tmp_path, capsys):
    (tmp_path / "file").write_text("here")
    (tmp_path / "none").mkdir()
    out = tmp_path / "out"
    for arguments, message in (
        ([folder, "--out", out, "--seed", -1], "--seed -1 is"),
        ([tmp_path / "none", "--out", out], "no image in "),
        ([folder, "--out", out, "--max-pixels", 0], "max_pixels=0"),
        ([tmp_path / "none.png", "--out", out], "none.png"),
        ([folder, "--out", tmp_path / "file"], "is a file, not a folder"),
    ):
        assert message in usage_error(capsys, "reconstruct", model_file, *arguments)


def test_reconstructions_of_an_earlier_run_do_not_stay(folder, model_file, tmp_path, capsys):
    out = tmp_path / "out"
    command, options = ["reconstruct", model_file], ["--out", out, "--quiet"]
    assert run(*command, folder / "4.png", folder / "1.png", *options) == OK
    mine = {"notes.txt": b"mine", "003-mine.png": (folder / "4.png").read_bytes()}
    for name, data in mine.items():
        (out / name).write_bytes(data)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (out / "reconstruct.csv").rename(tmp_path / "table")  # as of a run that was interrupted
    line = usage_error(capsys, *command, folder / "7.png", *options)
    assert "holds results of another run (001-4.png)" in line
    (tmp_path / "table").rename(out / "reconstruct.csv")
    assert "(reconstruct.csv)" in usage_error(capsys, *command, folder / "7.png", *options)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert run(*command, folder / "7.png", *options, "--overwrite") == OK
    assert {path.name for path in out.iterdir()} == {
        "001-7.png",
        "reconstruct.csv",
        "columns.json",
        *mine,
    }
    assert all((out / name).read_bytes() == data for name, data in mine.items())


def test_reconstructions_are_not_written_over_their_images(folder, model_file, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "001-4.png").write_bytes((folder / "4.png").read_bytes())
    command, options = ["reconstruct", model_file], ["--out", out, "--quiet"]
    assert "(001-4.png)" in usage_error(capsys, *command, folder / "4.png", *options)
    (out / "4.png").hardlink_to(out / "001-4.png")
    line = usage_error(capsys, *command, out / "4.png", *options, "--overwrite")
    assert "would be written over" in line
    assert (out / "001-4.png").read_bytes() == (folder / "4.png").read_bytes()
    assert run(*command, folder / "4.png", *options, "--overwrite") == OK
    line = usage_error(
        capsys,
        "reconstruct",
        model_file,
        folder / "7.png",
        out / "001-4.png",
        *options,
        "--overwrite",
    )
    assert "would be written over" in line
