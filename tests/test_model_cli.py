"""``fit``, ``reconstruct`` and ``sweep`` as their user runs them, against the API on equal data."""

import csv
import math
import re

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

import spectral_mae as sm
from spectral_mae import atomic_file, cli, images, model_images, plot
from spectral_mae.batch import mask_seed
from spectral_mae.command_line import NOTHING, OK, SOME_FAILED
from spectral_mae.moments import KINDS
from spectral_mae.reconstruction import (
    border_gradient_ratio,
    expected_border_gradient_ratio,
    reconstruct_image,
)
from spectral_mae.streams import ImageStream, StreamOptions, split_held_out

SMALL = ["--size", 16, "--patch-size", 4]


def run(*arguments):
    return cli.main([str(a) for a in arguments])


def photograph(path, shape, seed):
    rng = np.random.default_rng(seed)
    smooth = rng.standard_normal(shape).cumsum(axis=0).cumsum(axis=1)
    pixels = 128 + 120 * smooth / np.abs(smooth).max()
    Image.fromarray(pixels.astype(np.uint8)).save(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten colour photographs of three shapes."""
    folder = tmp_path_factory.mktemp("photographs")
    for i in range(10):
        photograph(folder / f"{i}.png", [(20, 26, 3), (24, 18, 3), (16, 16, 3)][i % 3], i)
    return folder


@pytest.fixture
def drawn(monkeypatch):
    """Figures by path, which are not saved, to be quick."""
    figures = {}

    def save(figure, path):
        path.touch()
        figures[path.with_name(path.name.removeprefix(atomic_file.MARK))] = figure

    monkeypatch.setattr(plot, "save", save)
    return figures


@pytest.fixture
def with_broken(folder, tmp_path):
    """The photographs, and two files that cannot be read; neither is held out with seed 0."""
    copy = tmp_path / "mixed"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    held_out = {path.name for path in parts(copy, n_more=2)[1]}
    for name in ("bad&.png", "bent.png"):
        (copy / name).write_bytes((folder / "0.png").read_bytes()[:100])
        assert name not in held_out
    return copy


def parts(folder, share=0.2, seed=0, n_more=0):
    """Files that are fitted, and those that are held out."""
    paths = [*images.find_images([folder]).paths, *[folder / f"more{i}" for i in range(n_more)]]
    return split_held_out(sorted(paths), share, seed)


def read(paths, **options):
    stream = ImageStream(StreamOptions(**{"size": 16, **options}))
    return np.concatenate(list(stream.batches(paths)))


def read_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def integers(text):
    """Whole numbers in what was printed."""
    return [int(number) for number in re.findall(r"\d+", text)]


def shares(text):
    """Numbers of four decimals in what was printed."""
    return re.findall(r"-?\d+\.\d{4}", text)


def usage_error(capsys, *arguments):
    """The one line that a run with impossible arguments prints."""
    capsys.readouterr()
    assert run(*arguments) == cli.USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    line = printed.err.splitlines()[-1]
    assert line.startswith(f"spectral-mae {arguments[0]}: ")
    assert not line.endswith(": ")
    return line


# fit ---------------------------------------------------------------------------------------------

MODELS = [
    ([], lambda **o: sm.LinearMAE(4, 0.75, **o)),
    (["--mask-ratio", 0.5, "--sampling", "bernoulli"], lambda **o: sm.LinearMAE(
        4, 0.5, sampling="bernoulli", **o)),
    (["--target", "hidden"], lambda **o: sm.LinearMAE(4, 0.75, target="hidden", **o)),
    (["--target", "all", "--rank", 7], lambda **o: sm.LinearMAE(4, 0.75, rank=7, **o)),
    (["--model", "dae", "--sigma", 0.2], lambda **o: sm.LinearDAE(4, 0.2, **o)),
    (["--model", "dae", "--sigma", 0.2, "--rank", 5], lambda **o: sm.LinearDAE(
        4, 0.2, rank=5, **o)),
    (["--model", "ae", "--rank", 6], lambda **o: sm.LinearAE(4, 6, **o)),
]  # fmt: skip


@pytest.mark.parametrize(("options", "make"), MODELS)
@pytest.mark.parametrize("covariance", ["banded", "dense", "stationary"])
def test_fitted_model_is_that_of_the_api(folder, tmp_path, capsys, options, make, covariance):
    out = tmp_path / "deep" / "model.npz"
    more = ["--covariance", covariance, "--shrinkage", 0.3]
    assert run("fit", folder, "--out", out, *SMALL, *options, *more) == OK
    fitted, held_out = map(read, parts(folder))
    model = make(covariance=covariance, shrinkage=0.3).fit(fitted)
    found = sm.load_model(out)
    assert repr(found) == repr(model)
    np.testing.assert_allclose(found.weight_matrix(), model.weight_matrix(), atol=1e-9)
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
    met = sm.load_model(out).solution_
    assert met.n_dropped > 200
    assert f"{met.n_dropped} of 256 dimensions hold no power" in capsys.readouterr().out


@pytest.mark.parametrize("asked", [[], ["--shrinkage", "auto"]])
def test_held_out_images_choose_the_shrinkage(folder, tmp_path, capsys, asked):
    out = tmp_path / "m.npz"
    options = ["--model", "dae", "--sigma", 0.1, "--holdout", 0.3, "--seed", 4, *asked]
    assert run("fit", folder, "--out", out, *SMALL, *options) == OK
    fitted, held_out = map(read, parts(folder, 0.3, 4))
    model = sm.LinearDAE(4, 0.1).fit(fitted)
    model.choose_shrinkage(held_out)
    assert 0 < model.shrinkage < 1
    found = sm.load_model(out)
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
    every = read(images.find_images([folder]).paths)
    model = sm.LinearMAE(4, 0.75, shrinkage=shrinkage).fit(every)
    assert sm.load_model(out).loss_ == pytest.approx(model.loss_, rel=1e-9)
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
    reading = {"size": 8, "crops": 6, "color": True, "seed": 3}
    fitted, held_out = (read(some, **reading) for some in parts(folder, seed=3))
    model = sm.LinearMAE(4, 0.75, covariance=covariance, shrinkage=0.1).fit(fitted, -1)
    found = sm.load_model(out)
    assert (found.moments_.channels, found.moments_.n_images) == (3, 48)
    np.testing.assert_allclose(found.weight_matrix(), model.weight_matrix(), atol=1e-9)
    printed = capsys.readouterr().out
    assert integers(printed.splitlines()[1]) == [48, 8, 8, 12]
    assert shares(printed.splitlines()[2])[1] == f"{model.score(held_out, -1):.4f}"


def test_builtin_images_are_fitted(tmp_path):
    out = tmp_path / "m.npz"
    names = ["builtin:camera", "builtin:cat", "builtin:coins"]
    assert run("fit", *names, "--out", out, *SMALL, "--holdout", 0.34) == OK
    assert sm.load_model(out).moments_.n_images == 2


@pytest.mark.parametrize("options", [options for options, _ in MODELS])
def test_figure_shows_the_model_that_was_written(folder, tmp_path, options, drawn):
    out, figure = tmp_path / "m.npz", tmp_path / "deep" / "f.PNG"
    more = ["--shrinkage", 0.3, "--figure", figure]
    assert run("fit", folder, "--out", out, *SMALL, *options, *more) == OK
    model = sm.load_model(out)
    response, field, decay, last = drawn[figure].axes[:4]
    rings = model.frequency_response().radial()
    np.testing.assert_allclose(response.lines[1].get_ydata(), rings.explained)
    weights = model.receptive_field((10, 10))  # the middle of the patch behind the middle
    np.testing.assert_allclose(field.images[0].get_array(), weights.weights)
    assert isinstance(field.images[0].norm, mpl.colors.SymLogNorm)
    assert "(10, 10)" in field.get_title()
    assert [line.get_label() for line in decay.lines] == ["all weights", "without the own patch"]
    for line, one in zip(decay.lines, (weights, weights.without_own_patch()), strict=True):
        shares = one.by_distance()
        np.testing.assert_array_equal(line.get_xdata(), shares.distance)
        there = shares.weight > 1e-9
        np.testing.assert_allclose(line.get_ydata()[there], shares.weight[there])
    if "hidden" in options:
        np.testing.assert_allclose(last.lines[0].get_ydata(), rings.original)
    else:
        values = model.eigenvalues_
        found = last.lines[0].get_ydata()
        assert len(found) == len(values)
        np.testing.assert_allclose(found[:5], values[:5])


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
    assert sm.load_model(out).moments_.n_images == 10


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
        (["--patch-size", 5], "patch_size=(5, 5) does not divide shape=(16, 16)"),
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
        (["--seed", -1], "seed=-1 is negative"),
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
    assert sm.load_model(out).shrinkage > 0
    arguments = ["fit", folder, "--out", tmp_path / "n.npz", *SMALL, *options]
    assert "no closed form here" in usage_error(capsys, *arguments, "--shrinkage", 0)


# reconstruct -------------------------------------------------------------------------------------


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
    model = sm.load_model(model_file)
    for row, path, line in zip(rows, paths, lines, strict=False):
        values = expected_row(model, path, seed=2)
        np.testing.assert_allclose([float(row[c]) for c in COLUMNS[3:]], values, rtol=1e-7)
        explained, psnr, original, output, expected = values
        assert line.startswith(f"{path}: explained {explained:.3f} of hidden pixels, ")
        assert f"PSNR {psnr:.1f} dB" in line
        assert line.endswith(f"{output:.2f}, expected {expected:.2f} (original {original:.2f})")
    assert lines[2] == f"2 pictures and reconstruct.csv in {out}"
    assert printed.err.splitlines() == [f"1/2 {paths[0]}", f"2/2 {paths[1]}"]


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
    values = expected_row(sm.load_model(file), folder / "4.png", color=True)
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
    out = tmp_path / "out"
    for arguments, message in (
        ([folder, "--out", out, "--seed", -1], "seed=-1"),
        ([folder, "--out", out, "--max-pixels", 0], "max_pixels=0"),
        ([tmp_path / "none.png", "--out", out], "none.png"),
        ([folder, "--out", tmp_path / "file"], "cannot write: "),
    ):
        assert message in usage_error(capsys, "reconstruct", model_file, *arguments)


# sweep -------------------------------------------------------------------------------------------

CELLS = ["patch_size", "mask_ratio", "shrinkage"]
VALUES = ["explained_fitted", "explained_held_out", "loss_held_out"]
GRID = ["--size", 16, "--patch-size", 8, 4, "--mask-ratio", 0.75, 0.25, 0.5]


@pytest.mark.parametrize("covariance", ["banded", "dense", "stationary"])
@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ([], {}),
        (["--target", "hidden", "--sampling", "bernoulli"],
         {"target": "hidden", "sampling": "bernoulli"}),
    ],
)  # fmt: skip
def test_cells_are_separate_fits_scored_on_images_held_out(
    folder, tmp_path, capsys, drawn, covariance, options, parameters
):
    out = tmp_path / "out"
    more = ["--covariance", covariance, "--shrinkage", 0.2, "--holdout", 0.3, "--seed", 5]
    assert run("sweep", folder, "--out", out, *GRID, *more, *options) == OK
    fitted, held_out = map(read, parts(folder, 0.3, 5))
    rows = read_csv(out / "sweep.csv")
    assert list(rows[0]) == [*CELLS, *VALUES, "hidden"]
    cells = [tuple(float(row[c]) for c in CELLS) for row in rows]
    assert cells == [(p, m, 0.2) for p in (8, 4) for m in (0.25, 0.5, 0.75)]
    lines = capsys.readouterr().out.splitlines()
    for row in rows:
        p, m = int(row["patch_size"]), float(row["mask_ratio"])
        assert float(row["hidden"]) == pytest.approx(m)
        model = sm.LinearMAE(p, m, covariance=covariance, shrinkage=0.2, **parameters).fit(fitted)
        score = model.score(held_out)
        power = np.sum((held_out - model.mean_) ** 2) / len(held_out)
        power *= m if "target" in parameters else 1
        expected = [1 - model.loss_ / model.trace_, score, power * (1 - score)]
        np.testing.assert_allclose([float(row[c]) for c in VALUES], expected, rtol=2e-7)
        (line,) = [line for line in lines if re.match(rf" +{p} ", line)]
        assert f"{score:.4f}" == line.split()[2:][[0.25, 0.5, 0.75].index(m)]
        assert line.split()[:2] == [str(p), "0.2"]
    assert integers(lines[0]) == [7, 3]
    assert ("hidden pixels" in lines[1]) == ("target" in parameters)
    assert lines[2].split() == ["patch", "size", "shrinkage", "m=0.25", "m=0.5", "m=0.75"]
    assert lines[-1] == f"sweep.csv and sweep.png in {out}"


def test_shrinkage_is_chosen_once_per_patch_size(folder, tmp_path, drawn):
    out = tmp_path / "out"
    assert run("sweep", folder, "--out", out, *GRID, "--color", "--holdout", 0.3) == OK
    fitted, held_out = (read(some, color=True) for some in parts(folder, 0.3))
    for p in (8, 4):
        middle = sm.LinearMAE(p, 0.5).fit(fitted, -1)
        middle.choose_shrinkage(held_out, channel_axis=-1)
        rows = [row for row in read_csv(out / "sweep.csv") if row["patch_size"] == str(p)]
        assert len(rows) == 3
        for row in rows:
            assert float(row["shrinkage"]) == middle.shrinkage
            model = sm.LinearMAE(p, float(row["mask_ratio"]), shrinkage=middle.shrinkage)
            model.fit(fitted, -1)
            found = float(row["explained_held_out"])
            assert found == pytest.approx(model.score(held_out, -1), rel=2e-7)


def test_the_middle_of_the_possible_ratios_chooses(folder, tmp_path, drawn, monkeypatch):
    def choose(model, images):
        model.shrinkage = model.mask_ratio / 10

    monkeypatch.setattr(sm.LinearMAE, "choose_shrinkage", choose)
    out = tmp_path / "out"
    # Of four patches 0.9 would keep none, so that 0.5 is the middle of three there.
    options = ["--size", 16, "--patch-size", "8,4", "--mask-ratio", "0.25,0.5,0.75,0.9"]
    assert run("sweep", folder, "--out", out, *options) == OK
    chosen = [(row["patch_size"], row["shrinkage"]) for row in read_csv(out / "sweep.csv")]
    assert chosen == [("8", "0.05")] * 3 + [("4", "0.075")] * 4


def test_map_shows_the_table(folder, tmp_path, drawn):
    out = tmp_path / "out"
    options = ["--size", 16, "--patch-size", "8,4,8", "--mask-ratio", "0.9,0.5,0.5"]
    target = ["--target", "hidden", "--shrinkage", 0.2]
    assert run("sweep", folder, "--out", out, *options, *target) == OK
    rows = read_csv(out / "sweep.csv")
    # Of four patches a mask ratio of 0.9 would keep none.
    cells = [(row["patch_size"], row["mask_ratio"]) for row in rows]
    assert cells == [("8", "0.5"), ("4", "0.5"), ("4", "0.9")]
    axes = drawn[out / "sweep.png"].axes[0]
    shown = np.ma.filled(axes.images[0].get_array(), np.nan)
    values = [float(row["explained_held_out"]) for row in rows]
    np.testing.assert_allclose(shown, [[values[0], np.nan], values[1:]], rtol=1e-7)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["8", "4"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.5", "0.9"]
    assert axes.get_title() == "linear MAE, hidden pixels, 2 images held out"


def test_impossible_cells_are_dashes(folder, tmp_path, capsys, drawn):
    options = ["--size", 16, "--patch-size", "16,8", "--mask-ratio", "0.5,0.9", "--shrinkage", 0.2]
    assert run("sweep", folder, "--out", tmp_path / "o", *options) == OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].split() == ["16", "–", "–", "–"]
    assert lines[4].split()[:2] == ["8", "0.2"]
    assert lines[4].split()[3] == "–"
    (row,) = read_csv(tmp_path / "o" / "sweep.csv")
    assert (row["patch_size"], row["mask_ratio"]) == ("8", "0.5")


def test_ratios_and_sizes_that_were_not_given(folder, tmp_path, drawn):
    options = ["--size", 32, "--shrinkage", 0.5]
    assert run("sweep", folder, "--out", tmp_path / "o", *options) == OK
    cells = [
        (int(r["patch_size"]), float(r["mask_ratio"]))
        for r in read_csv(tmp_path / "o" / "sweep.csv")
    ]
    assert cells == [(p, m) for p in (8, 16) for m in (0.25, 0.5, 0.6, 0.75, 0.9)][:-1]


def test_equal_seeds_sweep_equal_tables(folder, tmp_path):
    outs = [tmp_path / name for name in ("a", "b", "c")]
    options = ["--size", 8, "--patch-size", 4, "--mask-ratio", 0.5, "--crops", 3]
    for out, seed in zip(outs, (1, 1, 2), strict=True):
        assert run("sweep", folder, "--out", out, *options, "--seed", seed) == OK
    first, again, other = ((out / "sweep.csv").read_bytes() for out in outs)
    assert first == again != other
    assert (outs[0] / "sweep.png").read_bytes() == (outs[1] / "sweep.png").read_bytes()


def test_broken_files_of_a_sweep_are_named(with_broken, tmp_path, capsys, drawn):
    out = tmp_path / "out"
    options = [*SMALL, "--mask-ratio", 0.5, "--shrinkage", 0.2]
    assert run("sweep", with_broken, "--out", out, *options) == SOME_FAILED
    printed = capsys.readouterr()
    assert f"failed: {with_broken / 'bad&.png'}: " in printed.err
    assert len(read_csv(out / "sweep.csv")) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--holdout", 0], "holdout=0: a sweep compares images held out"),
        (["--holdout", 2], "holdout=2.0"),
        (["--patch-size", 5], "patch_size=(5, 5) does not divide shape=(16, 16)"),
        (["--mask-ratio", 1], "mask_ratio=1.0"),
        (["--mask-ratio", 0.99], "no mask ratio of [0.99] hides some patches of [4] pixels"),
        (["--shrinkage", "much"], "--shrinkage 'much' is neither a number nor 'auto'"),
        (["--shrinkage", -1], "shrinkage=-1.0"),
        (["--size", "16x16"], "--size '16x16' is not a number of pixels"),
        (["--size", 224, "--covariance", "dense"], "18.8 GiB"),
        (["--out", "file"], "--out file is a file, not a folder"),
    ],
)
def test_impossible_sweeps_are_refused_in_one_line(
    folder, tmp_path, capsys, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ImageStream, "batches", None)
    (tmp_path / "file").write_text("here")
    assert message in usage_error(capsys, "sweep", folder, "--out", "o", *SMALL, *arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_paths_after_lists_are_told_where_to_go(capsys):
    for option, what in (("--mask-ratio", "mask ratio"), ("--patch-size", "patch size")):
        with pytest.raises(SystemExit, match="2"):
            run("sweep", "--out", "o", option, "0.5", "photo.png")
        assert f"is not a {what}; PATHs go before {option}" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["fit", "reconstruct", "sweep"])
def test_help_of_the_commands(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        run(command, "--help")
    printed = capsys.readouterr().out
    assert "--out" in printed
    assert "--seed" in printed
