"""``spectral-mae psd --mask``: what is printed and written is what the library says."""

import csv

import numpy as np
import pytest
from PIL import Image

import spectral_mae as sm
from spectral_mae.batch.columns.spectra import MASKED_PSD
from spectral_mae.cli import main
from spectral_mae.images.gray_png import write_gray_png
from spectral_mae.masked_spectra.partial.comparison import MaskedSpectra, is_whole

pytestmark = pytest.mark.slow


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    field = sm.fields.gaussian_fields(sm.fields.power_law((48, 64), -2.0), 1, rng=rng)[0]
    levels = np.clip(128 + 30 * field, 0, 255).astype(np.uint8)
    write_gray_png(tmp_path / "image.png", levels)
    visible = sm.sample_visible(sm.PatchGrid((48, 64), 8), 0.5, 1, rng=0)[0]
    write_gray_png(tmp_path / "mask.png", visible)
    return tmp_path, levels / 255, visible


def columns(path):
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    numbers = [name for name, column in MASKED_PSD.items() if column.kind != "text"]
    return {n: np.array([float(row[n]) for row in rows]) for n in numbers if n in rows[0]}


def test_table_holds_naive_unmasked_and_true_spectra(files, capsys):
    folder, image, visible = files
    arguments = [str(folder / "image.png"), "--mask", str(folder / "mask.png"), "--unmask"]
    assert main.main(["psd", *arguments, "--out", str(folder / "o.csv")]) == 0
    found = columns(folder / "o.csv")
    options = {"prewhiten": "gradient", "wrap": False}
    unmasked = sm.unmasked_psd(image, visible, detrend="constant", **options).radial()
    np.testing.assert_allclose(found["unmasked"], unmasked.power)
    whole = sm.unmasked_psd(image, np.ones((48, 64)), **options).radial()
    np.testing.assert_allclose(found["true"], whole.power)
    level = image[visible].mean()
    naive = sm.psd((image - level) * visible).radial().power / visible.mean()
    np.testing.assert_allclose(found["naive"], naive)
    assert (found["stderr"] > 0).all()
    # Up to the Nyquist frequency, which the last ring holds.
    fit = sm.fit_masked_slope(image, visible, fmax=0.5 + 1e-9, wrap=False)
    printed = capsys.readouterr().out
    assert f"slope {fit.slope:.3f} ± {fit.stderr:.3f}" in printed
    assert "50.0% of the pixels hidden" in printed
    assert f"median {np.median(found['unmasked'] / found['true']):.2f}" in printed


def test_a_damaged_image_has_no_true_spectrum(files, capsys):
    folder, image, visible = files
    damaged = np.where(visible, np.rint(image * 255), 0).astype(np.uint8)
    write_gray_png(folder / "damaged.png", damaged)
    outs = []
    for name in ("image", "damaged"):
        out = folder / f"{name}.csv"
        arguments = ["psd", str(folder / f"{name}.png"), "--mask", str(folder / "mask.png")]
        assert main.main([*arguments, "--unmask", "--out", str(out)]) == 0
        outs.append(columns(out))
    assert "not taken for whole" in capsys.readouterr().out
    assert "true" not in outs[1]
    np.testing.assert_allclose(outs[1]["unmasked"], outs[0]["unmasked"])


def test_pictures_are_drawn_with_and_without_unmasking(files):
    folder, _, _ = files
    for more in ([], ["--unmask"]):
        out = folder / "o.png"
        arguments = [str(folder / "image.png"), "--mask", str(folder / "mask.png"), *more]
        assert main.main(["psd", *arguments, "--out", str(out)]) == 0
        with Image.open(out) as picture:
            assert picture.size[0] > 800


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--unmask"], "--unmask needs --mask or --nan hidden"),
        (["--mask", "small.png"], "the mask has 8 x 8 pixels, the image 48 x 64"),
        (["--mask", "mask.png", "--color"], "--color does not go with --mask"),
        (["--mask", "mask.png", "--mask-ratio", "0.5"], "--mask-ratio does not go with --mask"),
        (["--mask", "mask.png", "--scaling", "energy"], "--scaling does not go with --mask"),
        (["--mask", "mask.png", "--detrend", "linear"], "--detrend does not go with --mask"),
        (["--mask", "none.png"], "none.png"),
        (["--mask", "black.png"], "black.png: no pixel is visible"),
        (["--mask", "image.png"], "image.png is not a mask: "),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(files, monkeypatch, capsys, more, message):
    folder, _, _ = files
    monkeypatch.chdir(folder)
    write_gray_png("small.png", np.ones((8, 8), bool))
    write_gray_png("black.png", np.zeros((48, 64), bool))
    assert main.main(["psd", "image.png", *more, "--out", "o.png"]) == main.USAGE
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("quality", [50, 90])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_holes_that_jpeg_has_roughened_are_not_taken_for_the_image(tmp_path, level, quality):
    image = np.rint(sm.read_image("builtin:cat").pixels[:280, :420] * 255).astype(np.uint8)
    visible = sm.sample_visible(sm.PatchGrid(image.shape, 10), 0.5, 1, rng=0)[0]
    for name, pixels in (("holes", np.where(visible, image, np.uint8(level))), ("whole", image)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.jpg", quality=quality)
        read = sm.read_image(tmp_path / f"{name}.jpg").pixels
        assert np.ptp(read[~visible]) > 0.02
        assert is_whole(read, visible * 1.0) == (name == "whole")


def test_a_mask_saved_as_jpeg_hides_what_it_hid(files, capsys):
    folder, _, visible = files
    visible = np.roll(visible, (3, 3), (0, 1))  # off the blocks of JPEG
    write_gray_png(folder / "mask.png", visible)
    Image.fromarray(visible * np.uint8(255)).save(folder / "mask.jpg", quality=95)
    assert not np.isin(sm.read_image(folder / "mask.jpg").pixels, (0, 1)).all()
    tables = []
    for mask in ("mask.png", "mask.jpg"):
        arguments = [str(folder / "image.png"), "--mask", str(folder / mask), "--unmask"]
        assert main.main(["psd", *arguments, "--out", str(folder / "o.csv")]) == 0
        tables.append((folder / "o.csv").read_bytes())
    assert tables[0] == tables[1]


def test_tapered_masks_count_in_part(files, capsys):
    folder, image, visible = files
    soft = np.rint(sm.taper_edges(visible, 3) * 255).astype(np.uint8)
    write_gray_png(folder / "soft.png", soft)
    arguments = [str(folder / "image.png"), "--mask", str(folder / "soft.png")]
    assert main.main(["psd", *arguments, "--out", str(folder / "o.csv")]) == 0
    assert "of the mask's pixels are gray and count in part" in capsys.readouterr().err
    found = columns(folder / "o.csv")["naive"]
    np.testing.assert_allclose(found, MaskedSpectra.of(image, soft / 255).naive.power)
