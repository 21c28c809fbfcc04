"""The scripts of the page on nonlinear models run from start to finish, on made images."""

import argparse
import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from benchmarks import (
    nonlinear_cifar,
    nonlinear_labels,
    nonlinear_sweeps,
    per_mask,
    table,
)
from spectral_mae.fields import gaussian_fields, power_law
from spectral_mae.nonlinear.labelled_images import LabelledImages
from spectral_mae.nonlinear.training import TrainConfig, train
from spectral_mae.nonlinear.vit import MAEConfig, MaskedAutoencoder

torch.set_num_threads(1)


def made_images(n, side=8):
    """Fields in colours; the classes differ in brightness."""
    fields = gaussian_fields(power_law((side, side), -2.0), 3 * n, rng=0)
    labels = np.arange(n) % 3
    pixels = 90 + 20 * np.moveaxis(fields.reshape(n, 3, side, side), 1, -1)
    pixels += 40.0 * labels[:, None, None, None]
    return LabelledImages(np.clip(pixels, 0, 255).astype(np.uint8), labels, ("a", "b", "c"))


def page_with(tmp_path, names):
    page = tmp_path / "page.md"
    page.write_text("".join(f"<!-- {n} -->\nold\n<!-- end of {n} -->\n" for n in names), "utf-8")
    return page


def test_the_comparison_with_linear_models(tmp_path, monkeypatch):
    names = ("scale", "hidden", "frequencies", "jacobians", "lemmas", "probes", "layers")
    page = page_with(tmp_path, names)
    monkeypatch.setattr(nonlinear_cifar, "PAGE", page)
    monkeypatch.setattr(per_mask, "RIDGES", (1e-4, 1e-2))
    monkeypatch.setattr(nonlinear_cifar, "SHAPE", {"width": 16, "depth": 1, "decoder_depth": 1})
    arguments = argparse.Namespace(folder=tmp_path / "run", epochs=2, write=True)
    nonlinear_cifar.report(made_images(200), arguments)
    text = page.read_text("utf-8")
    assert "old" not in text
    assert "nan" not in text
    for name in ("cifar", "power", "layers"):
        assert (tmp_path / f"nonlinear_{name}.png").stat().st_size > 10_000
    assert "| block 1 | 1.000 |" not in text  # the embedding is another layer
    assert "epoch 1 | 16 |" in text
    assert text.count("| Lemma 5 |") == 2 * text.count("| Lemma 4 |") == 2


def test_labels_against_pretraining(tmp_path, monkeypatch):
    data = made_images(300)
    model = MaskedAutoencoder(MAEConfig((8, 8), 4, width=16, heads=2, depth=1))
    train(model, data.pixels, TrainConfig(epochs=1, batch=50, warmup=0), folder=tmp_path)
    scale = nonlinear_labels.Scale({40: (1, 2), 80: (2,)}, {40: 2, 80: 1}, (1e-3, 3e-3), 20, 60)
    monkeypatch.setitem(nonlinear_labels.SCALES, "tiny", scale)
    contest = nonlinear_labels.Contest(data, tmp_path, "tiny")
    text, curves = nonlinear_labels.report(contest)
    assert set(curves) == {"fine-tuned", "supervised only", "linear probe", "raw pixels"}
    assert [n for n, _, _ in curves["raw pixels"]] == [40, 80]
    assert max(accuracy for _, accuracy, _ in curves["raw pixels"]) > 0.7
    assert "nan" not in text

    def never(*_):
        raise AssertionError("measured again")

    again = nonlinear_labels.Contest(data, tmp_path, "tiny")
    monkeypatch.setattr(nonlinear_labels.Contest, "fit", never)
    assert nonlinear_labels.report(again) == (text, curves)


def test_equal_time_is_that_of_pretraining_and_fine_tuning(tmp_path, monkeypatch):
    data = made_images(300)
    model = MaskedAutoencoder(MAEConfig((8, 8), 4, width=16, heads=2, depth=1))
    train(model, data.pixels, TrainConfig(epochs=1, batch=50, warmup=0), folder=tmp_path)
    scale = nonlinear_labels.Scale({40: (2,)}, {40: 1}, (1e-3,), 20, 60)
    monkeypatch.setitem(nonlinear_labels.SCALES, "tiny", scale)
    contest = nonlinear_labels.Contest(data, tmp_path, "tiny")
    contest.history[-1]["seconds"] = 30.0
    known = {"fine-tuned": 10.0, "supervised only": 4.0}
    fitted = []

    def results(way, n):
        return [{"seconds": known[way], "epochs": 2, "accuracy": 0.5}]

    def fit(way, images, test, rate, epochs, seed):
        fitted.append((way, len(images), epochs))
        return {"accuracy": 0.6, "epochs": epochs}

    monkeypatch.setattr(contest, "results", results)
    monkeypatch.setattr(contest, "fit", fit)
    assert "20 epochs of 40 labelled images" in nonlinear_labels.equal_time(contest)
    assert fitted[-1] == ("supervised only", 40, 20)  # (30 + 10) s at 2 s an epoch


def test_the_choice_of_a_training_is_the_best_on_images_put_aside(tmp_path, monkeypatch):
    data = made_images(300)
    model = MaskedAutoencoder(MAEConfig((8, 8), 4, width=16, heads=2, depth=1))
    train(model, data.pixels, TrainConfig(epochs=1, batch=50, warmup=0), folder=tmp_path)
    scale = nonlinear_labels.Scale({40: (1, 2)}, {40: 2}, (1e-3, 3e-3), 20, 60)
    monkeypatch.setitem(nonlinear_labels.SCALES, "tiny", scale)
    contest = nonlinear_labels.Contest(data, tmp_path, "tiny")
    labelled = {tuple(image.ravel()) for image in contest.labelled(40, 0).pixels}
    asked = []

    def fit(way, images, test, rate, epochs, seed):
        asked.append((len(images), len(test)))
        parts = [{tuple(image.ravel()) for image in part.pixels} for part in (images, test)]
        assert parts[0] | parts[1] == labelled
        assert not parts[0] & parts[1]
        return {"accuracy": 0.9 if (rate, epochs) == (3e-3, 1) else 0.5}

    monkeypatch.setattr(contest, "fit", fit)
    assert contest.choice("fine-tuned", 40) == (3e-3, 1)
    assert asked == [(32, 8)] * 4


def test_error_bars_and_differences():
    """Of one draw of labels the error is that of the test images; more draws add their own."""
    assert nonlinear_labels.error_bar(np.array([0.5]), 0.5, 100) == pytest.approx(0.05)
    two = nonlinear_labels.error_bar(np.array([0.4, 0.6]), 0.5, 100)
    assert two == pytest.approx(np.sqrt(0.02 / 2 + 0.05**2))
    right = np.arange(13) % 3 == 0
    assert (nonlinear_labels.bits(np.packbits(right).tobytes().hex(), 13) == right).all()


def test_sweeps_beside_the_linear_optimum(tmp_path, monkeypatch):
    scale = dataclasses.replace(
        nonlinear_sweeps.SCALES["cpu"],
        model={"patch_size": 2, "width": 16, "depth": 1, "heads": 2, "decoder_width": 16,
               "decoder_depth": 1, "decoder_heads": 2},
        config={"epochs": 1, "batch": 20, "rate": 1e-3, "warmup": 0, "mask_ratio": 0.5},
        patch_sizes=(2, 4), mask_ratios=(0.5, 0.75), depths=(1, 2), decoder_depths=(1,),
        seeds={2: 2, 4: 1}, images=100, probe=60, test=40,
    )  # fmt: skip
    monkeypatch.setitem(nonlinear_sweeps.SCALES, "tiny", scale)
    data = made_images(250)
    sweep = nonlinear_sweeps.measured(data, tmp_path, "tiny")
    assert [row["seed"] for row in sweep.rows] == [0] * 5 + [1] * 3
    for row in sweep.rows:
        assert 0 < row["linear"] < 1.2
        assert row["over_linear"] == row["loss"] / row["linear"]
    lines = nonlinear_sweeps.trainings(sweep).splitlines()[2:]
    assert [line.split("|")[5].strip() for line in lines] == ["2", "2", "1", "1", "2"]
    found = nonlinear_sweeps.correlations(sweep, scale).splitlines()
    assert [line.split("|")[2].strip() for line in found[2:]] == ["5", "4", "2", "2", "2"]
    nonlinear_sweeps.draw(sweep, scale, tmp_path / "sweeps.png")
    assert (tmp_path / "sweeps.png").stat().st_size > 10_000
    assert nonlinear_sweeps.measured(data, tmp_path, "tiny").rows == sweep.rows


def test_linear_losses_are_in_units_of_the_models():
    """Of images in other units the loss is another, of the standardised ones it is not."""
    data = made_images(200)
    one = nonlinear_sweeps.linear_losses(data, data, 4, (0.5,))["0.5"]
    darker = dataclasses.replace(data, pixels=data.pixels // 2)
    other = nonlinear_sweeps.linear_losses(darker, darker, 4, (0.5,))["0.5"]
    assert other == pytest.approx(one, rel=0.02)


def test_pages_of_the_scripts_are_one():
    assert {m.PAGE for m in (nonlinear_cifar, nonlinear_labels, nonlinear_sweeps)} == {
        table.PAGE.with_name("nonlinear.md")
    }
