"""The page of an audit, its tables, and the command."""

import csv
import json
import re

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from spectral_mae import audit_images
from spectral_mae.batch.audit.run import default_limit
from spectral_mae.cli import main
from spectral_mae.nonlinear import MAEConfig, MaskedAutoencoder, checkpoint

torch.set_num_threads(1)
PICTURES = ["strips", "octaves", "responses", "fields", "tokens"]
OF_LINES = ["octaves", "responses"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    config = MAEConfig((16, 16), 4, 1, width=8, depth=1, heads=2, decoder_width=8, decoder_depth=1,
                       decoder_heads=2)  # fmt: skip
    file = tmp_path_factory.mktemp("model") / "model.pt"
    checkpoint.save(file, MaskedAutoencoder.seeded(config, rng=0))
    return file


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for i in range(7):
        pixels = rng.random((24, 30)).cumsum(0).cumsum(1)
        Image.fromarray((255 * pixels / pixels.max()).astype(np.uint8)).save(folder / f"{i}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def run(model, photographs, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "page"
    return audit_images(model, photographs, out=out, n_resamples=3)


def test_the_page_has_words_pictures_and_numbers(run):
    page = run.page.read_text("utf-8")
    pixels = re.findall(r'<img src="data:image/png;base64,[^"]{1000,}" alt="[^"]+">', page)
    lines = re.findall(r'<svg [^>]*role="img" aria-label="[^"]+"', page)
    assert (len(pixels), len(lines)) == (len(PICTURES) - len(OF_LINES), len(OF_LINES))
    assert page.startswith("<!doctype html>")
    for sentence in run.result.summary():
        assert sentence.replace("'", "&#39;") in page
    for name in ("model", "best linear map", "best linear map per mask"):
        assert page.count(f"<td>{name}</td>") == len(run.result.octaves) + 1 + 1
    explained = run.result.bands["model"]["explained"]
    assert f"{explained.value[1]:.3f} ± {explained.stderr[1]:.3f}" in page
    assert "broken.png" in page
    assert "{{" not in page
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page)


def test_files_hold_the_numbers(run):
    out = run.page.parent
    drawn = sorted(p.name for p in (out / "figures").iterdir())
    files = [f"{name}.png" for name in PICTURES] + [f"{name}.svg" for name in OF_LINES]
    assert drawn == sorted(files)
    record = json.loads((out / "audit.json").read_text("utf-8"))
    assert record["n_images"] == 7
    assert record["bands"]["model"]["gain"]["value"] == pytest.approx(
        run.result.bands["model"]["gain"].value.tolist(), nan_ok=True
    )
    assert all((out / name).exists() for name in record["files"])
    assert [name for name in record["failed"] if name.endswith("broken.png")]
    with (out / "octaves.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["model"], r["octave"]) for r in rows] == [
        (r["model"], r["octave"]) for r in run.result.rows()
    ]
    with (out / "responses.csv").open(encoding="utf-8", newline="") as file:
        rings = [row for row in csv.DictReader(file) if row["model"] == "model"]
    radial = run.result.responses["model"].radial()
    np.testing.assert_allclose([float(r["error"]) for r in rings], radial.error, rtol=1e-6)


def test_results_are_replaced_only_if_asked(model, photographs, tmp_path):
    def gray(images, visible):
        return np.full_like(images, 0.5)

    first = audit_images(model, photographs, out=tmp_path, n_resamples=2, limit=4)
    assert (tmp_path / "figures" / "tokens.png").exists()
    with pytest.raises(ValueError, match="holds results of another run"):
        audit_images(model, photographs, out=tmp_path, limit=4)
    options = {"size": 16, "patch_size": 4, "limit": 4, "n_resamples": 2}
    audit_images(gray, photographs, out=tmp_path, overwrite=True, **options)
    left = sorted({p.stem for p in (tmp_path / "figures").iterdir()})
    assert left == ["octaves", "responses", "strips"]  # a function has no layers
    assert not (tmp_path / "tokens.csv").exists()
    assert "gray" in first.page.read_text("utf-8")


def test_arrays_and_sizes(model):
    images = np.random.default_rng(0).random((5, 16, 16))
    run = audit_images(model, images, n_resamples=2)
    assert run.page is None
    assert run.n_found == run.result.n_images == 5
    with pytest.raises(ValueError, match=r"size=32; the model takes images of \(16, 16\) pixels"):
        audit_images(model, images, size=32)
    with pytest.raises(ValueError, match="give size"):
        audit_images(lambda x, v: x, [np.ones((8, 8)), np.ones((8, 12))], patch_size=4)
    with pytest.raises(ValueError, match="2 images can be used, and an audit needs 4"):
        audit_images(model, images[:2])


def test_limits_fall_with_the_size_of_images():
    assert default_limit((32, 32), 3) == 500
    assert default_limit((224, 224), 3) == 32
    assert 32 < default_limit((96, 96), 3) < 500


def test_the_command(model, photographs, tmp_path, capsys):
    arguments = ["audit", str(model), str(photographs), "--out", str(tmp_path), "--limit", "8"]
    assert main.main(arguments) == 1  # one image could not be read
    printed = capsys.readouterr()
    assert "The model explains" in printed.out
    assert printed.out.splitlines()[-1] == f"page: {tmp_path / 'report.html'}"
    assert re.search(r"^about \d+ s: 7 images of 16 x 16, 2 reconstructions", printed.err, re.M)
    assert "failed: " in printed.err
    assert main.main([*arguments, "--quiet"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    (photographs / "broken.png").unlink()
    try:
        assert main.main([*arguments, "--quiet", "--overwrite", "--design", "block:2"]) == 0
    finally:
        (photographs / "broken.png").write_bytes(b"no picture")
    assert "about" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--units", "1"], "--units '1' are not a mean and a deviation"),
        (["--heads", "2"], "heads=2 does not apply to the model"),
        (["--masks", "1"], "--masks 1: noise over masks needs two"),
        (["--patch-size", "8"], "patch_size=8; the model has patches"),
        (["--mask-ratio", "1.5"], "mask_ratio=1.5"),
        (["--design", "nothing:3"], "no design 'nothing'"),
    ],
)
def test_wrong_arguments_are_errors_of_usage(model, photographs, tmp_path, capsys, more, message):
    arguments = ["audit", str(model), str(photographs), "--out", str(tmp_path / "out"), "--quiet"]
    assert main.main([*arguments, *more]) == 2
    error = capsys.readouterr().err
    assert error.startswith("spectral-mae audit: ")
    assert message in error
    assert not (tmp_path / "out" / "report.html").exists()


def test_nothing_usable_is_another_exit(model, tmp_path, capsys):
    (tmp_path / "only.png").write_bytes(b"no picture")
    arguments = ["audit", str(model), str(tmp_path), "--out", str(tmp_path / "out"), "--quiet"]
    assert main.main(arguments) == 3
    assert "0 images can be used" in capsys.readouterr().err
