"""Runs over files of several images: each image has a key of its own."""

import numpy as np
import pytest
import tifffile
from command_runs import read_csv, run

import spectral_mae as sm
from spectral_mae.batch.analyze.outcomes import BatchAnalyzer

h5py = pytest.importorskip("h5py")
STACK = np.random.default_rng(0).integers(0, 256, (6, 24, 20), np.uint8)
SMALL = sm.AnalyzeOptions(patch_sizes=(8,), size=16, n_draws=2)
TABLES = ("images.csv", "spectra.csv", "spectra.npz", "mean_spectra.csv")


@pytest.fixture
def stack(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", STACK)
    with h5py.File("a.h5", "w") as file:
        file.create_dataset("g/raw", data=STACK, chunks=(4, 24, 20))
    return tmp_path


def of_images(rows):
    """What does not depend on the masks that are drawn, which do on the name of an image."""
    drawn = ("agreement", "eq18", "mask_dft")
    return [
        {name: value for name, value in row.items() if not name.startswith(("path", *drawn))}
        for row in rows
    ]


def test_the_numbers_are_those_of_the_plain_array(stack):
    rows = sm.analyze_images("a.h5", SMALL).rows
    assert [row["path"] for row in rows] == [f"a.h5::/g/raw[{i}]" for i in range(6)]
    assert of_images(rows) == of_images(sm.analyze_images("a.npy", SMALL).rows)


@pytest.mark.slow
def test_a_page_shows_them_and_a_complete_run_is_known_again(stack):
    sm.analyze_images("a.h5", SMALL, out="out")
    again = sm.analyze_images("a.h5", SMALL, out="out", run=sm.RunOptions(resume=True))
    assert again.found_complete
    assert 'src="data:image/' in (stack / "out" / "report.html").read_text()


@pytest.mark.slow
def test_another_file_of_the_same_name_is_another_run(stack):
    sm.analyze_images("a.h5::[0:2]", SMALL, out="out")
    with h5py.File("a.h5", "r+") as file:
        file["g/raw"][0] = 255 - STACK[0]
        file["more"] = np.arange(9)
    with pytest.raises(ValueError, match="another run: the input differs"):
        sm.analyze_images("a.h5::[0:2]", SMALL, out="out", run=sm.RunOptions(resume=True))


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on(stack, monkeypatch):
    sound = BatchAnalyzer.measure

    def interrupted(self, path, **options):
        if path.title.endswith("[3]"):
            raise KeyboardInterrupt
        return sound(self, path, **options)

    once = sm.RunOptions(checkpoint=0.001)
    whole = sm.analyze_images("a.h5", SMALL, out="whole", run=once)
    with monkeypatch.context() as patched:
        patched.setattr(BatchAnalyzer, "measure", interrupted)
        with pytest.raises(sm.AnalyzeInterrupted):
            sm.analyze_images("a.h5", SMALL, out="out", run=once)
    resumed = sm.RunOptions(resume=True, checkpoint=0.001)
    result = sm.analyze_images("a.h5", SMALL, out="out", run=resumed)
    assert (result.status, result.rows) == ("complete", whole.rows)
    for name in TABLES:
        assert (stack / "out" / name).read_bytes() == (stack / "whole" / name).read_bytes()


@pytest.mark.slow
def test_tables_do_not_depend_on_the_number_of_processes(stack):
    options = ["--size", 16, "--patch-size", 8, "--masks", 2, "--quiet"]
    assert run("analyze", "a.h5", "--out", "one", "--jobs", 1, *options) == 0
    assert run("analyze", "a.h5", "--out", "two", "--jobs", 2, *options) == 0
    assert len(read_csv(stack / "one" / "images.csv")) == 6
    for name in TABLES:
        assert (stack / "one" / name).read_bytes() == (stack / "two" / name).read_bytes()


def test_models_are_fitted_to_them(stack):
    options = {"size": 16, "holdout": 0.5}
    expected = sm.fit_images("a.npy", sm.LinearMAE(8, 0.5, shrinkage=0.1), **options)
    result = sm.fit_images("a.h5::/g/raw", sm.LinearMAE(8, 0.5, shrinkage=0.1), **options)
    assert result.score == expected.score


def test_pages_are_compared_by_order_and_files_by_name(stack):
    mrcfile = pytest.importorskip("mrcfile")
    tifffile.imwrite("a.tif", STACK, photometric="minisblack")
    tifffile.imwrite("b.tif", STACK // 2, photometric="minisblack")
    result = sm.compare_images("a.tif::pages", {"half": "b.tif::pages"})
    assert result.counts == {"compared": 6, "failed": 0}
    for folder, factor in (("x", 1.0), ("y", 0.5)):
        (stack / folder).mkdir()
        for i in range(3):
            with mrcfile.new(f"{folder}/{i}.mrc") as file:
                file.set_data((factor * STACK[i]).astype(np.float32))
    (stack / "y" / "2.mrc").unlink()
    result = sm.compare_images("x", {"half": "y"})
    assert result.counts == {"compared": 2, "failed": 1}


def test_a_command_says_what_a_file_holds(stack, capsys):
    with h5py.File("b.h5", "w") as file:
        file["a"], file["b"] = STACK, STACK[0]
    assert run("psd", "b.h5", "--out", "b.png") == 2
    assert (
        "holds /a (6, 24, 20) uint8, /b (24, 20) uint8; choose one with" in capsys.readouterr().err
    )
    assert run("psd", "b.h5::/a", "--out", "b.png") == 0
    assert "b.h5::/a, 6 images: slope" in capsys.readouterr().out
    assert run("psd", "b.h5::/b", "--out", "b.csv") == 0
    assert run("psd", "b.h5::/a[4]", "--out", "b.png") == 0
