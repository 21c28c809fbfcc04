"""`compare_images`: the numbers of `compare_spectra`, and what becomes of images that fail."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from spectral_mae import CompareOptions, SpectraComparison, compare_images


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return np.clip(rng.standard_normal((5, 24, 24)).cumsum(1).cumsum(2) / 40 + 0.5, 0, 1)


def expected(originals, others, **options):
    comparison = SpectraComparison(bins=CompareOptions().edges, **options)
    return comparison.update(originals, others)


def written(folder, images):
    folder.mkdir(parents=True)
    for i, image in enumerate(images):
        Image.fromarray(np.rint(image * 255).astype(np.uint8)).save(folder / f"{i}.png")
    return folder


def test_arrays_have_the_numbers_of_compare_spectra(images):
    models = {"dim": 0.5 * images, "flat": np.zeros_like(images)}
    result = compare_images(images, models)
    assert result.counts == {"compared": 5, "failed": 0}
    for label, other in models.items():
        truth = expected(images, other)
        np.testing.assert_allclose(result.rings[label].explained, truth.radial().explained)
        np.testing.assert_allclose(
            result.octaves[label].stderr["gain"], truth.octaves().stderr["gain"]
        )
    row = result.summaries[0]
    assert row["model"] == "dim"
    assert row["explained"] == pytest.approx(expected(images, models["dim"]).explained)
    assert row["frc_half"] == np.inf
    assert result.summaries[1]["frc_half"] == 0
    assert len(result.rows) == 10
    by_image = expected(images, models["dim"]).explained_by_image
    assert [r["explained"] for r in result.rows if r["model"] == "dim"] == pytest.approx(
        by_image.tolist()
    )
    assert result.page is None
    json.dumps(result.to_dict()["octaves"])


def test_colours(images):
    colours = np.stack([images, images[::-1], 1 - images], axis=-1)
    result = compare_images(colours, 0.5 * colours, CompareOptions(color=True))
    truth = expected(colours, 0.5 * colours, channel_axis=-1)
    found = result.comparisons["reconstructions"]
    np.testing.assert_allclose(found.radial().error, truth.radial().error)


def test_masks_of_each_image_and_one_for_all(images, tmp_path):
    others = 0.9 * images
    visible = np.random.default_rng(1).random((5, 24, 24)) < 0.5
    truth = SpectraComparison(bins=CompareOptions().edges)
    truth.update(images, others, visible=visible)
    result = compare_images(images, others, masks=visible)
    assert result.summaries[0]["explained"] == pytest.approx(truth.explained)
    assert result.comparisons["reconstructions"].hidden_only
    Image.fromarray(visible[0].astype(np.uint8) * 255).save(tmp_path / "mask.png")
    shared = compare_images(images, others, masks=tmp_path / "mask.png")
    truth = SpectraComparison(bins=CompareOptions().edges)
    truth.update(images, others, visible=visible[0])
    assert shared.summaries[0]["explained"] == pytest.approx(truth.explained)
    gray = compare_images(images, others, masks=np.full((24, 24), 0.5))
    assert gray.counts == {"compared": 0, "failed": 5}
    assert "a mask is bool" in gray.failures[0][1]


def test_masks_that_do_not_fit_are_listed(images):
    masks = [np.eye(24), np.ones((24, 24)), np.eye(12), np.full((12, 12), 0.5)]
    errors = "", "hides nothing", "its mask 12x12", "its mask 12x12"
    for mask, error in zip(masks, errors, strict=True):
        failures = compare_images(images[:1], images[:1], masks=mask).failures
        assert [error in why for _, why in failures] == [True] * bool(error)


def test_images_are_compared_in_batches(images, monkeypatch):
    whole = compare_images(images, 0.5 * images).to_dict()
    monkeypatch.setattr("spectral_mae.batch.compare.run.TOGETHER", 2 * 24 * 24)
    parts = compare_images(images, 0.5 * images).to_dict()
    assert parts["models"][0] == pytest.approx(whole["models"][0])
    gains = parts["rings"]["reconstructions"]["gain"]
    assert gains == pytest.approx(whole["rings"]["reconstructions"]["gain"], rel=1e-12)


@pytest.mark.slow
def test_images_of_several_shapes_are_pooled(images, tmp_path):
    first = written(tmp_path / "in", [*images, images[0][:12], images[1][:, :16]])
    second = written(tmp_path / "out", [*(0.5 * images), images[0][:12], images[1][:, :16]])
    result = compare_images(first, second, out=tmp_path / "report")
    assert result.counts == {"compared": 7, "failed": 0}
    assert [row["height"] for row in result.rows] == [24] * 5 + [12, 24]
    # Those that equal their originals are last, whatever their shape.
    explained = [row["explained"] for row in result.rows]
    assert explained[5:] == [1, 1]
    assert max(explained[:5]) < 0.9
    assert not (tmp_path / "report/figures/maps.png").exists()


@pytest.mark.slow
def test_what_cannot_be_compared_is_left_out_of_all_models(images, tmp_path):
    first = written(tmp_path / "in", images)
    good, bad = written(tmp_path / "good", images), written(tmp_path / "bad", images)
    (bad / "0.png").write_bytes(b"no image")
    Image.fromarray(np.zeros((24, 23), np.uint8)).save(bad / "1.png")
    (bad / "2.png").unlink()
    result = compare_images(first, {"good": good, "bad": bad}, out=tmp_path / "report")
    assert result.counts == {"compared": 2, "failed": 3}
    assert all(one.n_pairs == 2 for one in result.comparisons.values())
    why = {name.rpartition("/")[2]: error for name, error in result.failures}
    assert why["2.png"] == "no image of this name in bad"
    assert "the original is 24x24, that of bad 24x23" in why["1.png"]
    assert "bad/0.png" in why["0.png"]
    with (tmp_path / "report/images.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["ok"] * 4 + ["failed"] * 3
    page = (tmp_path / "report/report.html").read_text()
    assert "Images that were not compared" in page
    assert '2 images compared (<a href="#failed">3 could not be</a>)' in page


def test_files_of_a_run(images, tmp_path):
    out = tmp_path / "report"
    result = compare_images(images, {"a": 0.5 * images, "b": images}, out=out)
    assert result.page == out / "report.html"
    record = json.loads((out / "run.json").read_text())
    listed = {*record["files"], "run.json"}
    there = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert there == listed
    assert record["models"][1]["explained"] == 1
    assert record["models"][1]["frc_half"] is None
    with (out / "octaves.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    gains = [float(row["gain"]) for row in rows]
    assert gains == pytest.approx([0.5] * (len(rows) // 2) + [1] * (len(rows) // 2))
    page = (out / "report.html").read_text()
    assert (page.count("<img src="), page.count('role="img"')) == (2, 1)
    for text in ("2 models", "explained power", "1/4–1/2", "by order, not by name: a, b"):
        assert text in page
    with pytest.raises(ValueError, match="holds results of another run"):
        compare_images(images, images, out=out)
    (out / "figures/mine.png").write_bytes(b"of the user")
    compare_images(images[:1], {"a": images[:1, :20, :12]}, out=out, overwrite=True)
    assert not (out / "figures/maps.png").exists()
    assert not (out / "models.csv").exists()
    assert (out / "figures/mine.png").exists()


@pytest.mark.slow
def test_equal_runs_write_equal_tables(images, tmp_path):
    for name in ("one", "two"):
        compare_images(images, 0.5 * images, out=tmp_path / name)
    for table in ("models.csv", "octaves.csv", "rings.csv", "images.csv"):
        one, two = ((tmp_path / name / table).read_bytes() for name in ("one", "two"))
        assert one == two


def test_refusals(images):
    with pytest.raises(ValueError, match="no reconstructions to compare"):
        compare_images(images, {})
    with pytest.raises(ValueError, match="reconstructions 4: images of arrays are matched"):
        compare_images(images, images[:4])
    with pytest.raises(FileNotFoundError):
        compare_images(images, "no such folder")
    with pytest.raises(ValueError, match="n_resamples=1: a spread needs at least 2"):
        CompareOptions(n_resamples=1)
    with pytest.raises(TypeError, match="options=3 is not a CompareOptions"):
        compare_images(images, images, 3)
