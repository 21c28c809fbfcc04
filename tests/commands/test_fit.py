"""``fit`` as its user runs it, and what ``sweep`` shares with it, against the API on equal data."""

import re

import matplotlib as mpl
import numpy as np
import pytest
from command_runs import run, usage_error
from model_runs import (
    SMALL,
    add_broken,
    integers,
    keep_figures,
    parts,
    read,
    shares,
    write_photographs,
)
from PIL import Image

import spectral_mae as sm
from spectral_mae.batch.models import model_images
from spectral_mae.cli.console.answer import NOTHING, OK, SOME_FAILED
from spectral_mae.images.sources import find_sources
from spectral_mae.images.stream import ImageStream


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_photographs(tmp_path_factory.mktemp("photographs"))


@pytest.fixture
def drawn(monkeypatch):
    return keep_figures(monkeypatch)


@pytest.fixture
def with_broken(folder, tmp_path):
    return add_broken(folder, tmp_path / "mixed")


BLOCK = sm.designs.block(sm.PatchGrid((16, 16), 4), (1, 2), rolled=False)
# With a rank that takes both waves of a frequency or neither: of one there is no unique choice.
MODELS = [
    ([], lambda **o: sm.LinearMAE(4, 0.75, **o)),
    (["--mask-ratio", 0.5, "--sampling", "bernoulli"], lambda **o: sm.LinearMAE(
        4, 0.5, sampling="bernoulli", **o)),
    (["--target", "hidden"], lambda **o: sm.LinearMAE(4, 0.75, target="hidden", **o)),
    (["--target", "all", "--rank", 7], lambda **o: sm.LinearMAE(4, 0.75, rank=7, **o)),
    (["--design", "block:1x2,unrolled"], lambda **o: sm.LinearMAE(design=BLOCK, **o)),
    (["--design", "block:1x2,unrolled", "--rank", 6], lambda **o: sm.LinearMAE(
        design=BLOCK, rank=6, **o)),
    (["--model", "dae", "--sigma", 0.2], lambda **o: sm.LinearDAE(4, 0.2, **o)),
    (["--model", "dae", "--sigma", 0.2, "--rank", 5], lambda **o: sm.LinearDAE(
        4, 0.2, rank=5, **o)),
    (["--model", "ae", "--rank", 5], lambda **o: sm.LinearAE(4, 5, **o)),
]  # fmt: skip


@pytest.mark.parametrize(("options", "make"), MODELS)
@pytest.mark.parametrize("covariance", ["banded", "dense", "stationary"])
def test_fitted_model_is_that_of_the_api(folder, tmp_path, capsys, options, make, covariance):
    out = tmp_path / "deep" / "model.npz"
    more = ["--covariance", covariance, "--shrinkage", 0.3]
    assert run("fit", folder, "--out", out, *SMALL, *options, *more) == OK
    fitted, held_out = map(read, parts(folder))
    model = make(covariance=covariance, shrinkage=0.3).fit(fitted)
    found = sm.load_linear_model(out)
    assert repr(found) == repr(model)
    np.testing.assert_allclose(found.weight_matrix(), model.weight_matrix(), atol=1e-6)
    explained = 1 - model.loss_ / model.trace_
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == repr(model)
    assert integers(lines[1]) == [8, 16, 16, 2]
    assert shares(lines[2]) == [f"{explained:.4f}", f"{model.score(held_out):.4f}"]
    assert ("hidden pixels" in lines[2]) == ("hidden" in options)
    assert lines[-1] == f"written to {out}"
    assert not any("chosen" in line for line in lines)
    dropped = [line for line in lines if "hold no power" in line]
    met = model.solution_
    assert [integers(line) for line in dropped] == [[met.n_dropped, 256]] * (met.n_dropped > 0)


def test_dimensions_without_power_are_told_of(tmp_path, capsys):
    for i in range(3):
        Image.fromarray(np.full((16, 16), 50 * i, np.uint8)).save(tmp_path / f"{i}.png")
    out = tmp_path / "m.npz"
    assert run("fit", tmp_path, "--out", out, *SMALL, "--holdout", 0, "--shrinkage", 0) == OK
    met = sm.load_linear_model(out).solution_
    assert met.n_dropped > 200
    assert f"{met.n_dropped} of 256 dimensions hold no power" in capsys.readouterr().out


def test_the_file_keeps_large_moments_where_that_is_asked(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("spectral_mae.linear.model_file.KEPT", 1000)
    out = tmp_path / "m.npz"
    assert run("fit", folder, "--out", out, *SMALL) == OK
    assert not sm.load_linear_model(out).moments_.has_sums
    assert run("fit", folder, "--out", out, *SMALL, "--keep-moments", "--overwrite") == OK
    kept = sm.load_linear_model(out)
    assert kept.fit_moments(kept.moments_).frequency_response().shape == (16, 16)


@pytest.mark.parametrize("asked", [[], ["--shrinkage", "auto"]])
def test_held_out_images_choose_the_shrinkage(folder, tmp_path, capsys, asked):
    out = tmp_path / "m.npz"
    options = ["--model", "dae", "--sigma", 0.1, "--holdout", 0.3, "--seed", 4, *asked]
    assert run("fit", folder, "--out", out, *SMALL, *options) == OK
    fitted, held_out = map(read, parts(folder, 0.3, 4))
    model = sm.LinearDAE(4, 0.1).fit(fitted)
    model.choose_shrinkage(held_out)
    assert 0 < model.shrinkage < 1
    found = sm.load_linear_model(out)
    assert found.shrinkage == model.shrinkage
    assert found.loss_ == pytest.approx(model.loss_, rel=1e-9)
    printed = capsys.readouterr().out
    assert f"shrinkage {model.shrinkage:g}, chosen by the images held out" in printed
    lines = printed.splitlines()
    assert integers(lines[1]) == [7, 16, 16, 3]
    assert shares(lines[2])[1] == f"{model.score(held_out):.4f}"


def test_bottlenecks_of_every_width_are_scored(folder, tmp_path, capsys):
    """Where half a pair of bands is kept, the second moment of the images does not suffice."""
    out = tmp_path / "m.npz"
    fitted, held_out = map(read, parts(folder))
    split = set()
    for rank in (1, 2, 3, 4, 256):
        more = ["--model", "ae", "--rank", rank, "--shrinkage", 0.3]
        assert run("fit", folder, "--out", out, *SMALL, *more, "--overwrite") == OK
        model = sm.LinearAE(4, rank, shrinkage=0.3).fit(fitted)
        score = shares(capsys.readouterr().out.splitlines()[2])[1]
        assert score == f"{model.score(held_out):.4f}"
        split.add(model.solution_.split is None)
    assert split == {True, False}


@pytest.mark.parametrize("shrinkage", [0.0, 0.1])
def test_without_holdout_all_images_are_fitted_and_none_scored(folder, tmp_path, capsys, shrinkage):
    out = tmp_path / "m.npz"
    options = ["--shrinkage", shrinkage] if shrinkage else []
    assert run("fit", folder, "--out", out, *SMALL, "--holdout", 0, *options) == OK
    every = read(find_sources([folder]).references)
    model = sm.LinearMAE(4, 0.75, shrinkage=shrinkage).fit(every)
    assert sm.load_linear_model(out).loss_ == pytest.approx(model.loss_, rel=1e-9)
    printed = capsys.readouterr().out
    assert integers(printed.splitlines()[1]) == [10, 16, 16, 0]
    assert shares(printed.splitlines()[2]) == [f"{1 - model.loss_ / model.trace_:.4f}"]
    assert "chosen" not in printed


@pytest.mark.parametrize("covariance", ["banded", "dense", "stationary"])
def test_colours_and_crops(folder, tmp_path, capsys, covariance):
    out = tmp_path / "m.npz"
    options = ["--size", 8, "--patch-size", 4, "--crops", 6, "--color", "--seed", 3]
    more = ["--covariance", covariance, "--shrinkage", 0.1]
    assert run("fit", folder, "--out", out, *options, *more) == OK
    reading = {"size": 8, "crops": 6, "color": True, "rng": 3}
    fitted, held_out = (read(some, **reading) for some in parts(folder, seed=3))
    model = sm.LinearMAE(4, 0.75, covariance=covariance, shrinkage=0.1).fit(fitted, channel_axis=-1)
    found = sm.load_linear_model(out)
    assert (found.moments_.channels, found.moments_.n_images) == (3, 48)
    np.testing.assert_allclose(found.weight_matrix(), model.weight_matrix(), atol=1e-6)
    printed = capsys.readouterr().out
    assert integers(printed.splitlines()[1]) == [48, 8, 8, 12]
    assert shares(printed.splitlines()[2])[1] == f"{model.score(held_out, channel_axis=-1):.4f}"


def test_builtin_images_are_fitted(tmp_path):
    out = tmp_path / "m.npz"
    names = ["builtin:camera", "builtin:cat", "builtin:coins"]
    assert run("fit", *names, "--out", out, *SMALL, "--holdout", 0.34) == OK
    assert sm.load_linear_model(out).moments_.n_images == 2


@pytest.mark.parametrize("options", [options for options, _ in MODELS])
@pytest.mark.slow
def test_figure_shows_the_model_that_was_written(folder, tmp_path, options, drawn):
    out, figure = tmp_path / "m.npz", tmp_path / "deep" / "f.PNG"
    more = ["--shrinkage", 0.3, "--figure", figure]
    assert run("fit", folder, "--out", out, *SMALL, *options, *more) == OK
    model = sm.load_linear_model(out)
    response, field, decay, last = drawn[figure].axes[:4]
    rings = model.frequency_response().radial()
    close = {"rtol": 1e-6, "atol": 1e-7}  # files are in single precision
    np.testing.assert_allclose(response.lines[1].get_ydata(), rings.explained, **close)
    weights = model.receptive_field((10, 10))  # the middle of the patch behind the middle
    np.testing.assert_allclose(field.images[0].get_array(), weights.weights, **close)
    assert isinstance(field.images[0].norm, mpl.colors.SymLogNorm)
    assert "(10, 10)" in field.get_title()
    assert [line.get_label() for line in decay.lines] == ["all weights", "without the own patch"]
    for line, one in zip(decay.lines, (weights, weights.without_own_patch()), strict=True):
        shares = one.by_distance()
        np.testing.assert_array_equal(line.get_xdata(), shares.distance)
        there = shares.weight > 1e-6
        np.testing.assert_allclose(line.get_ydata()[there], shares.weight[there], **close)
    if "hidden" in options:
        np.testing.assert_allclose(last.lines[0].get_ydata(), rings.original, rtol=1e-6)
    else:
        values = model.eigenvalues_
        found = last.lines[0].get_ydata()
        assert len(found) == len(values)
        np.testing.assert_allclose(found[:5], values[:5], rtol=1e-6)


@pytest.mark.slow
def test_figure_is_a_picture(folder, tmp_path):
    figure = tmp_path / "deep" / "f.PNG"
    more = ["--shrinkage", 0.3, "--figure", figure]
    assert run("fit", folder, "--out", tmp_path / "m.npz", *SMALL, *more) == OK
    with Image.open(figure) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 500


def test_broken_files_are_named_and_the_rest_fitted(with_broken, tmp_path, capsys):
    out = tmp_path / "m.npz"
    options = [*SMALL, "--holdout", 0, "--shrinkage", 0]
    assert run("fit", with_broken, "--out", out, *options) == SOME_FAILED
    printed = capsys.readouterr()
    assert integers(printed.out.splitlines()[1]) == [10, 16, 16, 0]
    for name in ("bad&.png", "bent.png"):
        assert re.search(rf"^failed: {re.escape(str(with_broken / name))}: \S", printed.err, re.M)
    assert "12/12 " in printed.err
    assert sm.load_linear_model(out).moments_.n_images == 10


@pytest.mark.parametrize("command", ["fit", "sweep"])
def test_nothing_usable_to_fit(with_broken, tmp_path, capsys, command):
    out = tmp_path / "m.npz"
    broken = [with_broken / "bad&.png", with_broken / "bent.png"]
    options = [*SMALL, "--holdout", 0.5, "--mask-ratio", 0.5]
    assert run(command, *broken, "--out", out, *options) == NOTHING
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "no image could be used" in printed.err
    assert "failed: " in printed.err
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "m.txt"], "m.txt: must be a file whose name ends in .npz"),
        (["--out", "m"], "m: must be a file whose name ends in .npz"),
        (["--figure", "f.pdf"], "f.pdf: must be a file whose name ends in .png"),
        (["--patch-size", 5], "patch_size=5 does not divide size=16; its divisors are 1, 2, 4, 8"),
        (["--patch-size", 0], "patch_size=0"),
        (["--mask-ratio", 1.5], "mask_ratio=1.5"),
        (["--mask-ratio", 0.99], "keeps 0 patches"),
        (["--patch-size", 16], "1"),
        (["--rank", 257], "rank=257 is not between 1 and the 256 numbers in an image"),
        (["--color", "--rank", 769], "rank=769 is not between 1 and the 768 numbers"),
        (["--model", "ae", "--rank", 257], "rank=257"),
        (["--rank", 0], "rank=0"),
        (["--target", "hidden", "--rank", 3], "no closed form with a bottleneck"),
        (["--sigma", 0.1], "--sigma does not belong to --model mae"),
        (["--model", "ae", "--rank", 3, "--sigma", 0.1], "--sigma does not belong to --model ae"),
        (
            ["--model", "ae", "--rank", 3, "--target", "all"],
            "--target does not belong to --model ae",
        ),
        (
            ["--model", "dae", "--sigma", 1, "--target", "hidden"],
            "--target does not belong to --model dae",
        ),
        (
            ["--model", "dae", "--sigma", 1, "--mask-ratio", 0.5],
            "--mask-ratio does not belong to --model dae",
        ),
        (
            ["--model", "ae", "--rank", 3, "--sampling", "fixed"],
            "--sampling does not belong to --model ae",
        ),
        (["--model", "dae"], "--model dae needs --sigma"),
        (["--model", "dae", "--sigma", -1], "sigma=-1.0"),
        (["--model", "ae"], "--model ae needs --rank"),
        (["--shrinkage", "much"], "--shrinkage 'much' is neither a number nor 'auto'"),
        (["--shrinkage", 1.5], "shrinkage=1.5"),
        (
            ["--holdout", 0, "--shrinkage", "auto"],
            "--shrinkage auto asks images held out, and --holdout is 0",
        ),
        (["--holdout", 1], "holdout=1.0 is not at least 0 and below 1"),
        (["--holdout", 0.01], "holdout=0.01 of 10 images holds 0 out"),
        (["--size", "native"], "--size 'native' is not a number of pixels"),
        (["--size", 0], "size=0"),
        (["--crops", -1], "crops=-1 is negative"),
        (["--seed", -1], "--seed -1 is not at least 0"),
        (["--max-pixels", 0], "max_pixels=0"),
        (
            ["--size", 224, "--patch-size", 16, "--covariance", "dense"],
            "1 matrices of 50176x50176, 18.8 GiB; the limit is 4 GiB",
        ),
        (["--size", 1024, "--patch-size", 128], "33 matrices of 16384x16384, 132.0 GiB"),
        (
            ["--size", 256, "--patch-size", 64, "--color", "--covariance", "stationary"],
            "9 matrices of 12288x12288, 20.2 GiB",
        ),
    ],
)
def test_impossible_fits_are_refused_in_one_line(
    folder, tmp_path, capsys, monkeypatch, arguments, message
):
    """Before any image is read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ImageStream, "batches", None)
    assert message in usage_error(capsys, "fit", folder, "--out", "m.npz", *SMALL, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_paths_that_find_nothing_are_refused(tmp_path, capsys):
    for command in ("fit", "sweep"):
        line = usage_error(capsys, command, tmp_path / "none.png", "--out", tmp_path / "m.npz")
        assert "none.png" in line


def test_memory_counts_what_is_allocated(monkeypatch, folder, tmp_path, capsys):
    """Matrices of double precision, complex where there are bands, at the limit and above it."""
    arguments = [
        "fit",
        folder,
        "--out",
        tmp_path / "m.npz",
        *SMALL,
        "--shrinkage",
        0,
        "--overwrite",
    ]
    for more, needed in (
        ([], 16 * 9 * 16**2),
        (["--color"], 16 * 9 * 48**2),
        (["--covariance", "dense"], 8 * 256**2),
    ):
        monkeypatch.setattr(model_images, "MEMORY", needed)
        assert run(*arguments, *more) == OK
        monkeypatch.setattr(model_images, "MEMORY", needed - 1)
        assert "GiB" in usage_error(capsys, *arguments, *more)


def test_images_without_power_cannot_be_scored(tmp_path, capsys):
    for i in range(5):
        Image.fromarray(np.full((16, 16), 77, np.uint8)).save(tmp_path / f"{i}.png")
    for command in ("fit", "sweep"):
        line = usage_error(capsys, command, tmp_path, "--out", tmp_path / "m.npz", *SMALL)
        assert "no power about the fitted mean" in line


def test_folders_are_not_written_over(folder, tmp_path, capsys):
    (tmp_path / "m.npz").mkdir()
    (tmp_path / "f.png").mkdir()
    for arguments in (["m.npz"], ["n.npz", "--figure", tmp_path / "f.png"]):
        out = tmp_path / arguments[0]
        line = usage_error(capsys, "fit", folder, "--out", out, *arguments[1:], *SMALL)
        assert "must be a file" in line


def test_what_cannot_be_written_is_an_error_of_usage(folder, tmp_path, capsys):
    (tmp_path / "file").write_text("here")
    inside = tmp_path / "file" / "m.npz"
    options = [*SMALL, "--shrinkage", 0]
    assert "lies in the file" in usage_error(capsys, "fit", folder, "--out", inside, *options)


@pytest.mark.parametrize("command", ["fit", "sweep"])
@pytest.mark.slow
def test_broken_files_that_are_held_out_are_named_too(folder, tmp_path, capsys, drawn, command):
    copy = tmp_path / "in"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (first, *_), (bad, other) = parts(copy)
    for file in (first, bad):
        file.write_bytes(file.read_bytes()[:100])
    arguments = [command, copy, "--out", tmp_path / "m.npz", *SMALL, "--mask-ratio", 0.5]
    more = ["--patch-size", 8] if command == "sweep" else []  # reads them once more
    assert run(*arguments, *more, "--quiet") == SOME_FAILED
    printed = capsys.readouterr()
    named = [line.split(": ")[:2] for line in printed.err.splitlines()]
    assert named == [["failed", str(first)], ["failed", str(bad)]]
    counted = printed.out.splitlines()[0 if command == "sweep" else 1]
    assert (integers(counted)[0], integers(counted)[-1]) == (7, 1)
    other.write_bytes(b"")
    line = usage_error(capsys, *arguments, "--overwrite")
    assert "none of the 2 images held out could be used" in line


def test_shrinkage_is_chosen_where_there_is_no_closed_form_without(folder, tmp_path, capsys):
    """All patches but one visible and fewer images than pixels: S has no inverse."""
    out = tmp_path / "m.npz"
    options = ["--target", "hidden", "--mask-ratio", 0.06]
    assert run("fit", folder, "--out", out, *SMALL, *options) == OK
    assert sm.load_linear_model(out).shrinkage > 0
    arguments = ["fit", folder, "--out", tmp_path / "n.npz", *SMALL, *options]
    assert "no closed form here" in usage_error(capsys, *arguments, "--shrinkage", 0)


@pytest.mark.parametrize("command", ["fit", "reconstruct", "sweep"])
def test_help_of_the_commands(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        run(command, "--help")
    printed = capsys.readouterr().out
    assert "--out" in printed
    assert "--seed" in printed


def test_the_record_says_what_was_fitted(folder, tmp_path, capsys):
    import json

    options = ["--size", 16, "--patch-size", 4, "--out", tmp_path / "m.npz"]
    assert run("fit", folder, *options) == OK
    said = json.loads((tmp_path / "m.run.json").read_text())["options"]
    model = sm.load_linear_model(tmp_path / "m.npz")
    assert (said["mask_ratio"], said["sampling"], said["target"]) == (0.75, "fixed", "all")
    assert (said["patch_size"], said["covariance"], said["rank"]) == (4, model.covariance, None)
    assert said["shrinkage"] == "auto"
    capsys.readouterr()
    assert run("fit", folder, *options, "--resume", "--mask-ratio", 0.75) == OK
    assert "complete already" in capsys.readouterr().out
