"""Sweeps of trainings: what varies, what is counted, what the picture shows."""

import csv
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from spectral_mae import plot
from spectral_mae.nonlinear.data import LabelledImages
from spectral_mae.nonlinear.sweep import TrainingSweep, train_sweep
from spectral_mae.nonlinear.training import TrainConfig
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


def test_curves_of_a_training_are_drawn():
    columns = {"epoch": [1, 2], "loss": [1.0, 0.5], "held_out": [math.nan, math.nan]}
    _, axes = plot.new_figure(1, 2)
    ax = plot.training(columns, axes[0, 0], lines={"best": 0.7})
    assert [line.get_label() for line in ax.lines[:1]] == ["training"]
    assert ax.texts[0].get_text() == "best"
    both = plot.training(columns | {"held_out": [1.0, 0.9]}, axes[0, 1])
    assert [line.get_label() for line in both.lines] == ["training", "held out"]
