"""Patch size, mask ratio and depths of masked autoencoders: loss, time, and what a probe reads.

    python -m benchmarks.nonlinear_sweeps cifar10.zip --folder runs/sweeps [--scale cpu] [--write]

Trains a small model for each patch size and mask ratio, each depth of the encoder and of the
decoder, and measures whether loss predicts the accuracy of a linear probe: as it is, and over that
of the best linear model of the same patches, masks and images. (What is explained is 1 − loss over
the power of the images, which is the same for all, so that it ranks them as loss does.)
What was trained stays in --folder and is not trained again. `--scale paper` is meant for a GPU.
--write puts table and picture into the docs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import spectral_mae as sm
from benchmarks import table
from benchmarks.kept import Kept
from spectral_mae import nonlinear, plot
from spectral_mae.nonlinear.labelled_images import LabelledImages
from spectral_mae.nonlinear.training import TrainConfig, units_of
from spectral_mae.nonlinear.vit import MAEConfig

PAGE = table.PAGE.with_name("nonlinear.md")
PICTURE = "nonlinear_sweeps.png"
PREDICTORS = {"loss": "loss", "over_linear": "loss / best linear loss"}


@dataclass(frozen=True)
class Scale:
    """What is trained.

    Attributes
    ----------
    model, config : dict
        Of `MAEConfig` and `TrainConfig`; patches and mask ratio are those of the depths.
    patch_sizes, mask_ratios, depths, decoder_depths : tuple
    seeds : dict
        For each patch size: small patches take long.
    images, probe, test : int or None
        How many train, fit the probe, test.
    """

    model: dict[str, Any]
    config: dict[str, Any]
    patch_sizes: tuple[int, ...]
    mask_ratios: tuple[float, ...]
    depths: tuple[int, ...]
    decoder_depths: tuple[int, ...]
    seeds: dict[int, int]
    images: int | None
    probe: int | None
    test: int

    def variations(self) -> list[dict[str, Any]]:
        """Of one seed after the other, so that an interrupted sweep has whole seeds."""
        own = self.model["patch_size"]
        every = [
            {"patch_size": p, "mask_ratio": m} for p in self.patch_sizes for m in self.mask_ratios
        ]
        for name, values in (("depth", self.depths), ("decoder_depth", self.decoder_depths)):
            every += [{"patch_size": own, name: n} for n in values if n != self.model[name]]
        return [
            one | {"rng": seed}
            for seed in range(max(self.seeds.values()))
            for one in every
            if seed < self.seeds[one["patch_size"]]
        ]


SCALES = {
    "cpu": Scale(
        {"patch_size": 4, "width": 48, "depth": 2, "heads": 4, "decoder_width": 32,
         "decoder_depth": 1, "decoder_heads": 4, "mlp_ratio": 2.0},
        {"epochs": 1, "batch": 16, "rate": 2e-3, "warmup": 0.1, "mask_ratio": 0.75},
        (2, 4, 8), (0.5, 0.75, 0.9), (1, 2, 4), (1, 2, 4), {2: 1, 4: 2, 8: 2},
        images=10000, probe=4000, test=4000,
    ),
    "paper": Scale(
        {"patch_size": 4, "width": 192, "depth": 12, "heads": 3, "decoder_width": 128,
         "decoder_depth": 4, "decoder_heads": 4, "mlp_ratio": 4.0},
        {"epochs": 400, "batch": 512, "rate": 1e-3, "warmup": 20.0, "mask_ratio": 0.75},
        (2, 4, 8), (0.1, 0.25, 0.5, 0.75, 0.9), (2, 4, 8, 12), (1, 2, 4, 8), {2: 3, 4: 3, 8: 3},
        images=None, probe=None, test=10000,
    ),
}  # fmt: skip


def linear_losses(
    train: LabelledImages, test: LabelledImages, patch_size: int, mask_ratios: Sequence[float]
) -> dict[str, float]:
    """Of the best linear model of hidden pixels, in units of the trained ones, on test images.

    It is fitted to the images that train and their mirror images.
    """
    mean, deviation = units_of(train.pixels)
    moments = sm.DenseMoments(sm.PatchGrid(train.pixels.shape[1:3], patch_size), 3)
    for first in range(0, len(train), 2000):
        images = (train.pixels[first : first + 2000] / 255 - mean) / deviation
        moments.update(np.concatenate([images, images[:, :, ::-1]]), channel_axis=-1)
    given = (test.pixels / 255 - mean) / deviation
    power, tested = 0.0, None
    losses = {}
    for m in mask_ratios:
        model = sm.LinearMAE(patch_size, m, target="hidden", covariance="dense")
        model.fit_moments(moments)
        if tested is None:
            power = float(np.mean((given - model.mean_) ** 2))
            tested = model.second_moment(given, channel_axis=-1)
        losses[f"{m:g}"] = (1 - model.score(tested)) * power
    return losses


def measured(data: LabelledImages, folder: Path, name: str) -> nonlinear.TrainingSweep:
    """Every training of a scale, with the linear losses beside."""
    scale = SCALES[name]
    train, held_out = data.split(0.2, 0)
    # Archives are in the order of classes: the first images are all of one.
    rng = np.random.default_rng(1)
    train = train.subset(rng.permutation(len(train))[: scale.images])
    test = held_out.subset(rng.permutation(len(held_out))[: scale.test])
    model = MAEConfig(data.pixels.shape[1:3], channels=data.pixels.shape[3], **scale.model)
    config = TrainConfig(**scale.config)
    sweep = nonlinear.train_sweep(
        train, test, model, config, scale.variations(), folder=folder / name,
        probe_images=scale.probe, quiet=False,
    )  # fmt: skip
    kept = Kept(folder / f"linear_{name}.json", {"images": [len(train), len(test)]})
    linear = {
        p: kept.get(f"{p}", lambda p=p: linear_losses(train, test, p, scale.mask_ratios))
        for p in scale.patch_sizes
    }
    rows = []
    for row in sweep.rows:
        best = linear[int(row["patch_size"])][f"{row['mask_ratio']:g}"]
        rows.append(row | {"linear": best, "over_linear": row["loss"] / best})
    return nonlinear.TrainingSweep(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--scale", choices=SCALES, default="cpu")
    parser.add_argument("--write", action="store_true", help="put table and picture into the docs")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = nonlinear.read_labelled([arguments.archive])
    sweep = measured(data, arguments.folder, arguments.scale)
    sweep.to_csv(arguments.folder / f"sweep_{arguments.scale}.csv")
    scale = SCALES[arguments.scale]
    text = f"{trainings(sweep)}\n\n{correlations(sweep, scale)}"
    print(text)
    if arguments.write:
        table.write("sweeps", text, PAGE)
        draw(sweep, scale, PAGE.with_name(PICTURE))


def trainings(sweep: nonlinear.TrainingSweep) -> str:
    """A row per model, means over seeds."""
    header = ("patch", "hidden", "encoder", "decoder", "seeds", "parameters", "seconds", "loss",
              "best linear", "ratio", "explained", "probe")  # fmt: skip
    rows = [
        (
            f"{row['patch_size']:g}", f"{row['mask_ratio']:.0%}", f"{row['depth']:g}",
            f"{row['decoder_depth']:g}", f"{row['seeds']}",
            f"{row['parameters']:,.0f}", f"{row['seconds']:.0f}",
            f"{row['loss']:.4f}", f"{row['linear']:.4f}", f"{row['over_linear']:.3f}",
            f"{row['explained']:.3f}", f"{row['accuracy']:.3f} ± {row['stderr']:.3f}",
        )
        for row in sweep.mean_over_seeds().rows
    ]  # fmt: skip
    return table.markdown(header, rows)


def subsets(scale: Scale) -> dict[str, Any]:
    """Which trainings are compared with each other."""
    p, m = scale.model["patch_size"], scale.config["mask_ratio"]
    shape = (scale.model["depth"], scale.model["decoder_depth"])

    def same(row: dict[str, float]) -> bool:
        return (row["patch_size"], row["mask_ratio"]) == (p, m)

    def grid(row: dict[str, float]) -> bool:
        return (row["depth"], row["decoder_depth"]) == shape

    found = {"all": lambda row: True, "patch size × mask ratio": grid}
    for size in scale.patch_sizes:
        found[f"patches of {size}, by mask ratio"] = lambda row, size=size: (
            grid(row) and row["patch_size"] == size
        )
    return found | {f"depths, patches of {p}, {m:.0%} hidden": same}


def correlations(sweep: nonlinear.TrainingSweep, scale: Scale) -> str:
    """Rank correlations of what might predict the probe with its accuracy."""
    mean = sweep.mean_over_seeds()
    rows = []
    for name, chosen in subsets(scale).items():
        part = nonlinear.TrainingSweep([row for row in mean.rows if chosen(row)])
        found = [f"{part.correlation(predictor):+.2f}" for predictor in PREDICTORS]
        rows.append([name, str(len(part.rows)), *found])
    return table.markdown(("rank correlation with the probe", "models", *PREDICTORS.values()), rows)


def draw(sweep: nonlinear.TrainingSweep, scale: Scale, path: Path) -> None:
    mean = sweep.mean_over_seeds()
    choose = subsets(scale)
    grid = [row for row in mean.rows if choose["patch size × mask ratio"](row)]
    figure, axes = plot.new_figure(2, 4, width=17, height=7.6)
    for ax, (column, label) in zip(
        axes[0],
        {
            "accuracy": "accuracy of a linear probe",
            "explained": "explained, hidden pixels held out",
            "over_linear": "loss / best linear loss",
            "seconds": "seconds of training",
        }.items(),
        strict=True,
    ):
        values = np.array([row[column] for row in grid])
        values = values.reshape(len(scale.patch_sizes), len(scale.mask_ratios))
        plot.heat_map(
            values, scale.patch_sizes, scale.mask_ratios, ax, label=label,
            digits=0 if column == "seconds" else 3,
        )  # fmt: skip
        ax.set_title(label)
    same = [row for row in mean.rows if list(choose.values())[-1](row)]
    for ax, varied, other in (
        (axes[1, 0], "depth", "decoder_depth"),
        (axes[1, 1], "decoder_depth", "depth"),
    ):
        rows = [row for row in same if row[other] == scale.model[other]]
        by_depth(sorted(rows, key=lambda row: row[varied]), varied, ax)
    for ax, (predictor, label) in zip(axes[1, 2:], PREDICTORS.items(), strict=True):
        others = [row for row in mean.rows if row not in grid]
        with plot.style():
            columns = ([row[c] for row in others] for c in (predictor, "accuracy", "stderr"))
            ax.errorbar(*columns, fmt="x", color="gray", elinewidth=0.8, label="other depths")
        columns = nonlinear.TrainingSweep(grid).to_dict()
        plot.loss_and_accuracy(columns, ax, against=predictor, series="patch_size")
        ax.set_xlabel(label)
        ax.set_title(f"rank correlation {mean.correlation(predictor):+.2f}")
    plot.save(figure, path)


def by_depth(rows: list[dict[str, float]], varied: str, ax: Any) -> None:
    name = {"depth": "blocks of the encoder", "decoder_depth": "blocks of the decoder"}[varied]
    with plot.style():
        depth = [row[varied] for row in rows]
        accuracy, stderr = ([row[c] for row in rows] for c in ("accuracy", "stderr"))
        ax.errorbar(depth, accuracy, stderr, marker="o", capsize=2, label="probe accuracy")
        ax.plot(depth, [row["explained"] for row in rows], marker="s", label="explained")
        ax.set_xticks(depth, [f"{n:g}" for n in depth])
        ax.set(xlabel=name, ylabel="part of images, of power")
        ax.legend()


if __name__ == "__main__":
    main()
