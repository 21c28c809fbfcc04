"""``psd`` of several images and of folders."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from command_runs import read_csv, run

import spectral_mae as sm
from spectral_mae import fields


@pytest.fixture
def images(tmp_path, monkeypatch):
    """Ten images in one folder, three of two sizes in another, and one on its own."""
    monkeypatch.chdir(tmp_path)
    found = fields.gaussian_fields(fields.power_law((32, 24), -2.0), 10, rng=0).astype("f4")
    for folder in ("ten", "mixed"):
        (tmp_path / folder).mkdir()
    for i, image in enumerate(found):
        tifffile.imwrite(f"ten/{i}.tif", image, photometric="minisblack")
    for name, image in (("a", found[0]), ("b", found[1].T), ("c", found[2])):
        tifffile.imwrite(f"mixed/{name}.tif", image, photometric="minisblack")
    tifffile.imwrite("one.tif", found[3], photometric="minisblack")
    return found.astype(float)


def test_folders_are_means_of_their_images(images, capsys):
    assert run("psd", "one.tif", "ten", "-o", "a.csv") == 0
    rows = read_csv(Path("a.csv"))
    batch = sm.Periodogram((32, 24)).radial(images)
    for name, expected in (("one.tif", sm.psd(images[3]).radial()), ("ten", batch.mean())):
        power = [float(row["power"]) for row in rows if row["series"] == name]
        stderr = [float(row["stderr"]) for row in rows if row["series"] == name]
        np.testing.assert_allclose(power, expected.power, rtol=1e-5)
        np.testing.assert_allclose(stderr, expected.stderr, rtol=1e-4)
    lines = capsys.readouterr().out.splitlines()
    slope, error = batch.mean().fit_slope()
    assert lines[0].startswith("one.tif: slope ")
    assert lines[1].startswith(f"ten, 10 images: slope {slope:.3f} ± {error:.3f} of the mean")
    assert f"median of the images {np.median(batch.fit_slope().slope):.3f}" in lines[1]


def test_pictures_name_files_and_have_text(images, capsys):
    assert run("psd", "one.tif", "ten", "-o", "a.svg") == 0
    text = Path("a.svg").read_text(encoding="utf-8")
    for words in ("one.tif", "ten (10 images)", "slope of the power spectrum"):
        assert words in text
    for words in ("bands: 16th to 84th percentile", "of one image: ± standard error"):
        assert words in text
    assert run("psd", "ten", "--band", "none", "-o", "none.svg") == 0
    assert ">lines: means<" in Path("none.svg").read_text(encoding="utf-8")
    assert run("psd", "one.tif", "mixed/a.tif", "--band", "none", "--out", "a.pdf") == 0
    assert Path("a.pdf").read_bytes().startswith(b"%PDF-")


def test_images_of_different_shapes_share_rings(images, capsys):
    assert run("psd", "mixed", "-o", "a.csv") == 0
    rows = read_csv(Path("a.csv"))
    edges = sm.psd(images[0]).radial().edges
    edges = [*edges[:, 0], edges[-1, 1]]
    each = [sm.psd(x).radial(edges).power for x in (images[0], images[1].T, images[2])]
    np.testing.assert_allclose(
        [float(row["power"]) for row in rows], np.mean(each, axis=0), rtol=1e-5
    )
    assert run("psd", "mixed", "--scaling", "energy", "-o", "b.csv") == 2
    assert "different sizes" in capsys.readouterr().err
    assert run("psd", "mixed", "--scaling", "energy", "--size", 24, "-o", "b.csv") == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["ten", "--mask-ratio", 0.5], "--mask-ratio needs one image"),
        (["one.tif", "ten", "--unmask", "--mask", "one.tif"], "--mask needs one image"),
        (["one.tif", "--band", "std"], "--band needs several images"),
        (["one.tif", "one.tif"], "'one.tif' is given twice"),
    ],
)
def test_what_does_not_go_together_is_refused(images, capsys, options, message):
    assert run("psd", *options, "-o", "a.png") == 2
    assert message in capsys.readouterr().err


def test_files_that_are_no_images_are_told_of(images, capsys):
    Path("ten/broken.tif").write_bytes(b"nothing")
    assert run("psd", "ten", "-o", "a.csv") == 1
    out, err = capsys.readouterr()
    assert "broken.tif" in err
    assert "ten, 10 images" in out
