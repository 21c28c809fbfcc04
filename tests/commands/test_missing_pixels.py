"""``--nan hidden``: images with missing pixels, from float TIFFs and arrays."""

import csv
import re
from collections import Counter

import numpy as np
import pytest
import tifffile
from PIL import Image
from test_unmask import columns

import spectral_mae as sm
from spectral_mae.cli import main
from spectral_mae.images.gray_png import write_gray_png

SHAPE = (48, 64)
OPTIONS = {"prewhiten": "gradient", "wrap": False}


@pytest.fixture
def image():
    field = sm.fields.gaussian_fields(sm.fields.power_law(SHAPE, -2.0), 1, rng=0)[0]
    holes = sm.sample_visible(sm.PatchGrid(SHAPE, 8), 0.8, 1, rng=1)[0]
    field = 1000 + 50 * field
    field[holes] = np.nan
    field[0, 0] = np.inf
    return field.astype(np.float32)


@pytest.fixture
def folder(image, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tifffile.imwrite("holes.tif", image)
    np.save("holes.npy", image)
    return tmp_path


@pytest.mark.parametrize("name", ["holes.tif", "holes.npy"])
def test_psd_of_missing_pixels_is_unmasked(folder, image, name, capsys):
    assert main.main(["psd", name, "--nan", "hidden", "--out", "o.csv"]) == 0
    found, (printed, notes) = columns(folder / "o.csv"), capsys.readouterr()
    exact, visible = image.astype(float), np.isfinite(image)
    unmasked = sm.unmasked_psd(exact, "finite", detrend="constant", **OPTIONS)
    np.testing.assert_allclose(found["unmasked"], unmasked.radial().power)
    naive = sm.psd(exact, visible="finite", detrend="constant").radial().power / visible.mean()
    np.testing.assert_allclose(found["naive"], naive)
    assert (found["stderr"] > 0).all()
    fit = sm.fit_masked_slope(exact, visible, fmax=0.5 + 1e-9, wrap=False)
    assert f"slope {fit.slope:.3f} ± {fit.stderr:.3f}" in printed
    assert f"note: {(~visible).sum()} pixels are NaN or infinite: taken as missing" in notes
    assert f"{1 - visible.mean():.1%} of the pixels missing" in printed
    assert "the spectrum is unmasked" in printed


def test_psd_of_missing_pixels_under_a_mask_leaves_out_both(folder, image):
    mask = np.random.default_rng(2).random(SHAPE) < 0.9
    write_gray_png(folder / "mask.png", mask)
    options = ["--mask", "mask.png", "--unmask", "--nan", "hidden", "--out", "o.csv"]
    assert main.main(["psd", "holes.tif", *options]) == 0
    both = mask & np.isfinite(image)
    truth = sm.unmasked_psd(image.astype(float), both, detrend="constant", **OPTIONS).radial()
    np.testing.assert_allclose(columns(folder / "o.csv")["unmasked"], truth.power)
    assert "true" not in columns(folder / "o.csv")


def test_a_picture_of_missing_pixels_is_drawn(folder):
    assert main.main(["psd", "holes.npy", "--nan", "hidden", "--out", "o.png"]) == 0
    with Image.open(folder / "o.png") as picture:
        assert picture.size[0] > 800


def test_without_missing_pixels_nothing_changes(folder):
    tifffile.imwrite("whole.tif", np.random.default_rng(0).random(SHAPE).astype(np.float32))
    for more in ([], ["--nan", "hidden"]):
        assert main.main(["psd", "whole.tif", *more, "--out", f"{len(more)}.csv"]) == 0
    assert (folder / "0.csv").read_bytes() == (folder / "2.csv").read_bytes()


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        ([], 3, "holes.tif: 78 pixels are NaN or infinite; --nan hidden takes them as missing"),
        (
            ["--nan", "hidden", "--window", "hann"],
            2,
            "--window does not go with an image with miss",
        ),
        (["--nan", "hidden", "--color"], 2, "--color does not go with an image with missing"),
        (["--nan", "hidden", "--mask-ratio", "0.5"], 2, "--mask-ratio does not go with an image"),
        (["--unmask"], 2, "--unmask needs --mask or --nan hidden"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(folder, image, capsys, more, code, message):
    assert main.main(["psd", "holes.tif", *more, "--out", "o.png"]) == code
    error = capsys.readouterr().err
    assert message.replace("78", str((~np.isfinite(image)).sum())) in error
    assert error.count("\n") == 1


@pytest.mark.slow
def test_analyze_takes_images_with_missing_pixels_beside_others(folder, image, capsys):
    whole = np.where(np.isfinite(image), image, np.float32(1000))
    np.savez(folder / "images.npz", a=np.stack([image, whole, whole[::-1]]))
    options = ["--size", "native", "--patch-size", "8", "--masks", "2", "--nan", "hidden"]
    assert main.main(["analyze", "images.npz", "--out", "out", *options]) == 0
    assert "in 1 of them pixels are missing: their spectra are unmasked" in capsys.readouterr().out
    with (folder / "out/images.csv").open(encoding="utf-8") as file:
        holes, *others = csv.DictReader(file)
    assert float(holes["missing"]) == pytest.approx((~np.isfinite(image)).mean(), rel=1e-7)
    assert [row["missing"] for row in others] == ["0", "0"]
    assert holes["agreement_rms"] == holes["eq18_error"] == ""
    assert "spectrum unmasked" in holes["notes"]
    assert others[0]["agreement_rms"] != ""
    with (folder / "out/spectra.csv").open(encoding="utf-8") as file:
        series = Counter((row["path"], row["series"]) for row in csv.DictReader(file))
    n = series[holes["path"], "original"]
    assert n == series[holes["path"], "expected"] == series[others[0]["path"], "masked"] > 0
    assert (holes["path"], "masked") not in series
    with (folder / "out/mean_spectra.csv").open(encoding="utf-8") as file:
        assert {row["images"] for row in csv.DictReader(file)} == {"2"}
    page = (folder / "out/report.html").read_text(encoding="utf-8")
    assert 'In 1 image <a href="#term-missing-pixels">pixels are missing</a>' in page
    assert "nan" not in re.sub(r'"data:[^"]*"', "", page).replace("<dt>nan</dt>", "")


@pytest.mark.slow
def test_analyze_of_nothing_but_images_with_missing_pixels_has_a_page(folder):
    options = ["--size", "native", "--patch-size", "8", "--masks", "2", "--nan", "hidden"]
    assert main.main(["analyze", "holes.npy", "--out", "out", *options, "--quiet"]) == 0
    page = (folder / "out/report.html").read_text(encoding="utf-8")
    assert "Pictures of masking show" not in page
    assert "nan %" not in page


def test_analyze_refuses_missing_pixels_unless_it_is_told(folder, capsys):
    assert main.main(["analyze", "holes.npy", "--out", "out"]) == 3
    assert "pixels are NaN or infinite; --nan hidden, or nan='hidden', takes them" in (
        capsys.readouterr().err
    )
