"""Runs over many images as Python starts them: the results are those of the command."""

import csv
import json

import numpy as np
import pytest
from command_runs import read_csv, run, write_images
from long_runs import pictures_left_out

import spectral_mae as sm
from spectral_mae.batch.analyze.outcomes import BatchAnalyzer

SMALL = sm.AnalyzeOptions(patch_sizes=(4, 8), size=16, n_draws=2)
MODEL = {"size": 16, "holdout": 0.25}


@pytest.fixture(scope="module")
def stack():
    return np.random.default_rng(0).random((4, 24, 20))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("here") / "images")


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """An empty folder to be in, and to hold files that go away."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def without_pictures():
    with pictures_left_out():
        yield


def numbers(rows):
    return [{k: v for k, v in row.items() if k != "path"} for row in rows]


@pytest.mark.slow
@pytest.mark.usefixtures("without_pictures")
def test_analysis_is_that_of_the_command(folder, tmp_path):
    out = tmp_path / "a"
    options = ["--size", 16, "--patch-size", "4,8", "--masks", 2, "--quiet"]
    assert run("analyze", folder, "--out", out, *options) == 1
    result = sm.analyze_images(folder, SMALL, out=tmp_path / "b")
    for name in ("images.csv", "spectra.csv", "spectra.npz", "mean_spectra.csv"):
        assert (tmp_path / "b" / name).read_bytes() == (out / name).read_bytes()
    assert result.page == tmp_path / "b" / "report.html"
    assert result.page.exists()
    assert result.counts == json.loads((out / "run.json").read_text())["counts"]
    rows = read_csv(out / "images.csv")
    assert [row["path"] for row in result.rows] == [row["path"] for row in rows]
    for name in ("height", "slope", "leakage"):
        found = ["" if row[name] is None else f"{row[name]:.8g}" for row in result.rows]
        assert found == [row[name] for row in rows]
    (reason,) = {row["error"] for row in rows if row["status"] == "failed"}
    assert result.failures == [(str(folder / "<b>bad&.png"), reason)]
    assert len(result.mean_spectra) == len(read_csv(out / "mean_spectra.csv"))
    json.dumps(result.to_dict())


@pytest.mark.slow
def test_nothing_is_left_behind(folder, nowhere):
    result = sm.analyze_images([folder, "builtin:cat"], SMALL)
    fitted = sm.fit_images(["builtin:"], sm.LinearMAE(8, 0.75, shrinkage=0.5), **MODEL)
    swept = sm.sweep_images(["builtin:"], [8], [0.5], shrinkage=0.5, **MODEL)
    assert list(nowhere.iterdir()) == []
    assert result.page is None
    assert (result.counts["analysed"], len(result.failures)) == (3, 1)
    assert result.spectra["paths"].tolist()[-1] == "builtin:cat"
    assert fitted.model.loss_ > 0
    assert [row["patch_size"] for row in swept.rows] == [8]


def test_arrays_are_images(stack, nowhere):
    together = sm.analyze_images(stack, SMALL)
    apart = sm.analyze_images(list(stack), SMALL)
    np.save("images.npy", stack)
    file = sm.analyze_images("images.npy", SMALL)
    assert [row["path"] for row in together.rows[::2]] == [f"images[{i}]" for i in range(4)]
    assert [row["path"] for row in file.rows[::2]] == [f"images.npy[{i}]" for i in range(4)]
    # Masks are drawn by the name of an image; what no mask enters is the same.
    for name in ("mean", "std", "slope", "leakage"):
        assert [r[name] for r in together.rows] == [r[name] for r in file.rows]
    assert together.rows == apart.rows
    mixed = sm.analyze_images([stack, "builtin:cat", stack[0, :, :16]], SMALL)
    assert [row["path"] for row in mixed.rows[::2]] == [
        *(f"images[0][{i}]" for i in range(4)),
        "builtin:cat",
        "images[2]",
    ]
    gray = sm.analyze_images((stack * 255).astype(np.uint8)[..., np.newaxis], SMALL)
    assert gray.counts["analysed"] == 4


def test_a_fit_is_that_of_the_command_and_of_the_model(stack, nowhere):
    np.save("images.npy", stack[:, :16, :16])
    options = ["--size", 16, "--patch-size", 8, "--holdout", 0.25, "--quiet"]
    assert run("fit", "images.npy", "--out", "m.npz", *options) == 0
    result = sm.fit_images(
        "images.npy", sm.LinearMAE(8, 0.75), choose_shrinkage=True, out="n.npz", **MODEL
    )
    one, other = (dict(np.load(name)) for name in ("m.npz", "n.npz"))
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])
    assert result.counts == {"found": 4, "failed": 0, "fitted": 3, "held_out": 1}
    again = sm.fit_images(
        "images.npy",
        sm.LinearMAE(8, 0.75),
        choose_shrinkage=True,
        out="n.npz",
        run=sm.RunOptions(resume=True),
        **MODEL,
    )
    assert again.found_complete
    assert again.score == result.score
    assert again.model.loss_ == result.model.loss_
    model = sm.LinearMAE(8, 0.75, shrinkage=0.5)
    whole = sm.fit_images(stack[:, :16, :16], model, size=16, holdout=0)
    assert (whole.model, whole.score) == (model, None)
    expected = sm.LinearMAE(8, 0.75, shrinkage=0.5).fit(stack[:, :16, :16])
    assert model.loss_ == pytest.approx(expected.loss_, rel=1e-10)
    json.dumps(whole.to_dict())


def test_a_model_without_a_mean(stack):
    model = sm.LinearMAE(8, 0.75, shrinkage=0.5, center=False)
    sm.fit_images(stack[:, :16, :16], model, size=16, holdout=0)
    expected = sm.LinearMAE(8, 0.75, shrinkage=0.5, center=False).fit(stack[:, :16, :16])
    assert model.loss_ == pytest.approx(expected.loss_, rel=1e-10)


@pytest.mark.slow
def test_a_sweep_is_that_of_the_command(stack, nowhere):
    np.save("images.npy", stack)
    options = ["--size", 16, "--patch-size", "4,8", "--mask-ratio", "0.5,0.75", "--holdout", 0.25]
    assert run("sweep", "images.npy", "--out", "a", *options, "--quiet") == 0
    result = sm.sweep_images("images.npy", [4, 8], [0.5, 0.75], out="b", **MODEL)
    for name in ("sweep.csv", "sweep.png"):
        assert (nowhere / "a" / name).read_bytes() == (nowhere / "b" / name).read_bytes()
    again = sm.sweep_images(
        "images.npy", [4, 8], [0.5, 0.75], out="b", run=sm.RunOptions(resume=True), **MODEL
    )
    assert again.found_complete
    for one, other in zip(again.rows, result.rows, strict=True):
        assert one["design"] == other["design"] == f"fixed:{one['mask_ratio']}"
        assert {**one, "design": 0} == pytest.approx({**other, "design": 0}, rel=1e-7)
    table = result.table([4, 8, 16], [0.5, 0.75])
    assert np.isnan(table[2]).all()
    assert table[0, 0] == result.rows[0]["explained_held_out"]
    json.dumps(result.to_dict())


@pytest.mark.slow
@pytest.mark.usefixtures("without_pictures")
def test_an_interrupt_carries_what_was_done(folder, tmp_path, monkeypatch):
    sound = BatchAnalyzer.measure

    def interrupted(self, path, **options):
        if path.name == "1.png":
            raise KeyboardInterrupt
        return sound(self, path, **options)

    monkeypatch.setattr(BatchAnalyzer, "measure", interrupted)
    with pytest.raises(sm.AnalyzeInterrupted) as caught:
        sm.analyze_images(folder, SMALL, out=tmp_path / "out")
    assert caught.value.result.status == "interrupted"
    assert caught.value.result.counts["analysed"] == 1
    monkeypatch.undo()
    resumed = sm.RunOptions(resume=True)
    result = sm.analyze_images(folder, SMALL, out=tmp_path / "out", run=resumed)
    assert (result.status, result.counts["analysed"]) == ("complete", 2)
    with (tmp_path / "out" / "images.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda _: sm.analyze_images([]), "no image in"),
        (lambda _: sm.analyze_images(np.zeros((2, 3))[0]), "holds no images"),
        (lambda x: sm.analyze_images(x.astype(int)), "holds int64"),
        (
            lambda x: sm.analyze_images(x, run=sm.RunOptions(resume=True)),
            "resume=True goes on with a run that was begun in a place: give out",
        ),
        (lambda x: sm.fit_images(x, sm.LinearMAE(5, 0.5), size=16), "does not divide size=16"),
        (lambda x: sm.fit_images(x, sm.LinearMAE(8, 0.5), size=16, out="m"), "ends in .npz"),
        (
            lambda x: sm.fit_images(
                x, sm.LinearMAE(8, 0.5), size=16, holdout=0, choose_shrinkage=True
            ),
            "choose_shrinkage=True asks images held out, and holdout=0",
        ),
        (lambda x: sm.sweep_images(x, [8], [0.5], size=16, holdout=0), "compares images held out"),
        (lambda x: sm.sweep_images(x, [], [0.5], size=16), "patch_sizes is empty"),
        (lambda _: sm.RunOptions(jobs=0), "jobs=0 is not at least 1"),
        (lambda _: sm.RunOptions(time_limit=-1), "time_limit=-1 is not above 0 seconds"),
    ],
)
def test_what_cannot_work_is_refused_in_words_of_python(stack, nowhere, call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call(stack)
    assert "--" not in str(caught.value)
    assert list(nowhere.iterdir()) == []
