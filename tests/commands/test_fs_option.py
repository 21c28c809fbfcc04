"""``psd --fs``: frequencies in the unit of length that a file states."""

import numpy as np
import pytest
import tifffile
from command_runs import read_csv, run

import spectral_mae as sm

PIXELS = np.random.default_rng(0).random((24, 40)).astype(np.float32)


@pytest.fixture
def picture(tmp_path, monkeypatch):
    """Pixels of 0.05 × 0.1 mm."""
    monkeypatch.chdir(tmp_path)
    tifffile.imwrite(
        "a.tif",
        PIXELS,
        photometric="minisblack",
        resolution=(100, 200),
        resolutionunit="CENTIMETER",
    )
    return tmp_path


def test_frequencies_are_in_cycles_per_unit_of_the_file(picture, capsys):
    assert run("psd", "a.tif", "--fs", "file", "--out", "a.csv") == 0
    assert "pixels of 0.05 x 0.1 mm" in capsys.readouterr().err
    rows = read_csv(picture / "a.csv")
    expected = sm.psd(PIXELS.astype(float), fs=(20, 10), unit="mm").radial()
    found = {name: [float(row[name]) for row in rows] for name in ("frequency", "power")}
    np.testing.assert_allclose(found["frequency"], expected.frequency, rtol=1e-9)
    np.testing.assert_allclose(found["power"], expected.power, rtol=1e-9)
    assert {row["frequency_unit"] for row in rows} == {"1/mm"}


def test_frequencies_in_a_unit_that_is_given(picture):
    assert run("psd", "a.tif", "--fs", "8/arcsec", "--out", "a.csv") == 0
    assert run("psd", "a.tif", "--out", "b.csv") == 0
    ours, plain = read_csv(picture / "a.csv"), read_csv(picture / "b.csv")
    assert {row["frequency_unit"] for row in ours} == {"1/arcsec"}
    for row, other in zip(ours, plain, strict=True):
        assert float(row["frequency"]) == pytest.approx(8 * float(other["frequency"]))
        assert float(row["power"]) == pytest.approx(float(other["power"]) / 64)
    assert {row["frequency_unit"] for row in plain} == {"1/pixel"}


def test_expectations_under_masks_have_the_same_unit(picture):
    options = ["--mask-ratio", 0.5, "--patch-size", 8, "--fs", "file"]
    assert run("psd", "a.tif", *options, "--out", "a.png") == 0
    assert run("psd", "a.tif", *options, "--out", "a.csv") == 0
    image = sm.read_image("a.tif")
    fs = tuple(1 / step for step in image.pixel_size)
    expected = sm.expected_masked_psd(image, 8, 0.5, fs=fs).radial()
    rows = [row for row in read_csv(picture / "a.csv") if row["series"] == "expected"]
    np.testing.assert_allclose([float(row["power"]) for row in rows], expected.power, rtol=1e-9)


def test_resizing_makes_pixels_larger(picture):
    assert run("psd", "a.tif", "--fs", "file", "--size", 12, "--out", "a.csv") == 0
    highest = max(float(row["frequency"]) for row in read_csv(picture / "a.csv"))
    assert highest <= 2.5 + 0.3  # half of 5 pixels in a millimetre


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["builtin:camera", "--fs", "file"], "builtin:camera states no size of its pixels"),
        (["a.tif", "--fs", "-2"], "--fs '-2' is neither 'file' nor a positive number"),
        (["a.tif", "--fs", "mm"], "--fs 'mm' is neither 'file' nor a positive number"),
        (["a.tif", "--fs", "2", "--mask", "a.tif"], "--fs does not go with --mask"),
    ],
)
def test_what_cannot_be_a_sampling_frequency(picture, capsys, arguments, message):
    assert run("psd", *arguments, "--out", "a.csv") == 2
    assert message in capsys.readouterr().err
