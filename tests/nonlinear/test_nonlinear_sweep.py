"""Sweeps of trainings: what varies, what is counted, what the picture shows."""

import csv
import dataclasses
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from spectral_mae import plot
from spectral_mae.nonlinear import training
from spectral_mae.nonlinear.labelled_images import LabelledImages
from spectral_mae.nonlinear.training import TrainConfig
from spectral_mae.nonlinear.training_sweep import TrainingSweep, train_sweep
from spectral_mae.nonlinear.vit import MAEConfig

torch.set_num_threads(1)

MODEL = MAEConfig((8, 8), 4, 1, width=16, heads=2, depth=1, decoder_width=16, decoder_heads=2)
CONFIG = TrainConfig(epochs=2, batch=20, warmup=0, mask_ratio=0.5)


def images_of(n, seed):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    pixels = rng.integers(0, 100, (n, 8, 8, 1)) + 100 * labels[:, None, None, None]
    return LabelledImages(pixels.astype(np.uint8), labels, ("dark", "bright"))


def test_each_variation_is_trained_scored_and_probed(tmp_path):
    variations = [{}, {"patch_size": 2}, {"mask_ratio": 0.75, "depth": 2}, {"decoder_depth": 1}]
    found = train_sweep(images_of(40, 0), images_of(20, 1), MODEL, CONFIG, variations)
    columns = found.to_dict()
    assert columns["patch_size"] == [4, 2, 4, 4]
    assert columns["mask_ratio"] == [0.5, 0.5, 0.75, 0.5]
    assert columns["depth"] == [1, 1, 2, 1]
    assert columns["decoder_depth"] == [2, 2, 2, 1]
    assert columns["steps"] == [4] * 4
    assert columns["parameters"][2] > columns["parameters"][0] > columns["parameters"][3]
    assert min(columns["accuracy"]) > 0.8
    assert np.isfinite(columns["loss"]).all()
    again = train_sweep(images_of(40, 0), images_of(20, 1), MODEL, CONFIG, [{}])
    assert again.rows[0]["loss"] == columns["loss"][0]
    found.to_csv(tmp_path / "sweep.csv")
    with (tmp_path / "sweep.csv").open() as file:
        assert [float(row["loss"]) for row in csv.DictReader(file)] == columns["loss"]
    _, axes = plot.new_figure()
    ax = plot.loss_and_accuracy(columns, axes[0, 0])
    assert [text.get_text() for text in ax.texts] == ["0.5", "0.5", "0.75", "0.5"]


def test_the_rank_correlation_is_measured_or_not_a_number():
    def sweep(loss, accuracy):
        rows = zip(loss, accuracy, strict=True)
        return TrainingSweep([{"loss": x, "accuracy": y} for x, y in rows])

    assert sweep([3, 2, 1], [0.1, 0.2, 0.3]).rank_correlation == pytest.approx(-1)
    assert sweep([3, 2, 1], [0.3, 0.2, 0.1]).rank_correlation == pytest.approx(1)
    for loss, accuracy in (([1, 2], [1, 2]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [math.nan] * 3)):
        assert math.isnan(sweep(loss, accuracy).rank_correlation)


def test_what_is_finished_is_read_and_what_was_interrupted_goes_on(tmp_path, monkeypatch):
    images, test = images_of(40, 0), images_of(20, 1)
    variations = [{}, {"rng": 1}]
    whole = train_sweep(images, test, MODEL, CONFIG, variations)
    assert whole.to_dict()["seed"] == [0, 1]
    assert whole.rows[0]["loss"] != whole.rows[1]["loss"]
    once = train_sweep(images, test, MODEL, CONFIG, variations[:1], folder=tmp_path)
    (folder,) = tmp_path.iterdir()
    (folder / "row.json").unlink()  # as if it had ended while the probe was fitted
    steps = []
    step = training._step
    monkeypatch.setattr(training, "_step", lambda *a: steps.append(1) or step(*a))
    found = train_sweep(images, test, MODEL, CONFIG, variations, folder=tmp_path)
    assert len(steps) == 4  # those of the second seed
    for one, other in ((found.rows[0], once.rows[0]), *zip(found.rows, whole.rows, strict=True)):
        assert {k: v for k, v in one.items() if k != "seconds"} == {
            k: v for k, v in other.items() if k != "seconds"
        }
    again = train_sweep(images, test, MODEL, CONFIG, variations, folder=tmp_path)
    assert again.rows == found.rows
    assert len(steps) == 4
    other = dataclasses.replace(CONFIG, rate=0.5)
    with pytest.raises(ValueError, match=r"row\.json is of"):
        train_sweep(images, test, MODEL, other, [{}], folder=tmp_path)


def test_what_is_explained_is_of_the_power_about_the_mean():
    images, test = images_of(40, 0), images_of(20, 1)
    (row,) = train_sweep(images, test, MODEL, CONFIG, [{}]).rows
    deviation = images.pixels.std()
    about = (test.pixels - images.pixels.mean(0)) / deviation
    assert row["explained"] == pytest.approx(1 - row["loss"] / np.mean(about**2))


def test_probes_of_a_sweep_may_take_fewer_images():
    images, test = images_of(40, 0), images_of(20, 1)
    rows = [
        train_sweep(images, test, MODEL, CONFIG, [{}], probe_images=n).rows[0] for n in (40, None)
    ]
    assert rows[0]["accuracy"] == rows[1]["accuracy"]
    with pytest.raises(ValueError, match="2 images of 1 class with"):
        train_sweep(images, test, MODEL, CONFIG, [{}], probe_images=2)


def test_seeds_are_averaged_and_nothing_else():
    base = {"patch_size": 4.0, "mask_ratio": 0.5, "depth": 1, "decoder_depth": 1}
    rows = [
        base | {"seed": s, "accuracy": a, "stderr": 0.3, "depth": d}
        for s, a, d in ((0, 1.0, 1), (0, 7.0, 2), (1, 2.0, 1), (2, 3.0, 1))
    ]
    one, other = TrainingSweep(rows).mean_over_seeds().rows
    assert (one["accuracy"], one["seeds"], one["depth"]) == (2.0, 3, 1)
    assert one["stderr"] == pytest.approx(np.sqrt(1 / 3 + 0.3**2))
    assert (other["accuracy"], other["stderr"], other["seeds"]) == (7.0, 0.3, 1)


def test_images_without_classes_have_no_accuracy():
    images = LabelledImages(images_of(40, 0).pixels)
    found = train_sweep(images, images_of(20, 1), MODEL, CONFIG, [{}])
    assert math.isnan(found.rows[0]["accuracy"])


def test_what_may_not_vary_is_refused():
    images = images_of(40, 0)
    with pytest.raises(ValueError, match="width is not one of"):
        train_sweep(images, images, MODEL, CONFIG, [{"width": 4}])
    with pytest.raises(ValueError, match="no variations"):
        train_sweep(images, images, MODEL, CONFIG, [])
    with pytest.raises(ValueError, match=r"design='block:2x1': a sweep compares uniform designs"):
        train_sweep(images, images, MODEL, TrainConfig(design="block:2x1"), [{}])


def test_curves_of_a_training_are_drawn():
    columns = {"epoch": [1, 2], "loss": [1.0, 0.5], "held_out": [math.nan, math.nan]}
    _, axes = plot.new_figure(1, 2)
    ax = plot.training(columns, axes[0, 0], lines={"best": 0.9})
    assert [line.get_label() for line in ax.lines[:1]] == ["training"]
    assert ax.texts[0].get_text() == "best"
    assert ax.texts[0].get_ha() == "right"
    low = plot.training(columns, plot.new_figure()[1][0, 0], lines={"low": 0.1})
    assert low.texts[0].get_ha() == "left"
    both = plot.training(columns | {"held_out": [1.0, 0.9]}, axes[0, 1])
    assert [line.get_label() for line in both.lines] == ["training", "held out"]


def test_points_of_a_sweep_are_told_apart():
    columns = {
        "loss": [1.0, 2.0, 3.0],
        "ratio": [0.9, 0.8, 0.7],
        "accuracy": [0.1, 0.2, 0.3],
        "stderr": [0.01] * 3,
        "mask_ratio": [0.5, 0.75, 0.9],
        "patch_size": [2, 4, 2],
    }
    ax = plot.loss_and_accuracy(
        columns, plot.new_figure()[1][0, 0], against="ratio", series="patch_size"
    )
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["patch size 2", "patch size 4"]
    assert ax.containers[0][0].get_xdata().tolist() == [0.9, 0.7]
    assert ax.get_xlabel() == "ratio"


def test_accuracy_is_drawn_over_labels():
    curves = {"tuned": [(100, 0.3, 0.01), (1000, 0.4, 0.02)], "probe": [(100, 0.2, 0.01)]}
    ax = plot.label_efficiency(curves, plot.new_figure()[1][0, 0])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["100", "1,000"]
    assert [c.get_label() for c in ax.containers] == ["tuned", "probe"]
    assert ax.containers[0][0].get_ydata().tolist() == [0.3, 0.4]
    with pytest.raises(ValueError, match="no curves"):
        plot.label_efficiency({})


def test_likeness_of_layers_is_drawn_with_its_numbers():
    table = np.array([[1.0, 0.25], [0.25, 1.0], [-0.1, 0.5]])
    ax = plot.layer_similarity(table, plot.new_figure()[1][0, 0], rows="a", columns="b")
    assert [text.get_text() for text in ax.texts] == [f"{v:.3f}" for v in table.ravel()]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["embedding", "block 1", "block 2"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["embedding", "block 1"]
    assert ax.images[0].norm.vmin == -0.1
    with pytest.raises(ValueError, match=r"\(3,\)"):
        plot.layer_similarity(np.ones(3))
