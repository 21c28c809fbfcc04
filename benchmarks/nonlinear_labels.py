"""What pretraining is worth: accuracy on CIFAR-10 over the number of labelled images.

    python -m benchmarks.nonlinear_labels cifar10.zip --folder runs/cifar [--scale cpu] [--write]

--folder is that of `benchmarks.nonlinear_cifar`, whose trained encoder is fine-tuned here, beside
the same architecture from a random start, a linear probe of the encoder and of raw pixels. Rate and
epochs of either training are chosen, from the same few, on a fifth of the labelled images to which
nothing is fitted. --longer gives the random start, of the most labels, as much time as pretraining
and fine-tuning took together. What was measured stays in --folder and is not measured again.
`--scale paper` is meant for a GPU. --write puts table and picture into the docs.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks import table
from benchmarks.kept import Kept
from spectral_mae import nonlinear, plot
from spectral_mae.nonlinear import checkpoint
from spectral_mae.nonlinear.labelled_images import LabelledImages
from spectral_mae.nonlinear.training import CHECKPOINT
from spectral_mae.nonlinear.vit import MaskedAutoencoder

PAGE = table.PAGE.with_name("nonlinear.md")
PICTURE = "nonlinear_labels.png"
TUNED, SCRATCH, PROBE, PIXELS = "fine-tuned", "supervised only", "linear probe", "raw pixels"
PIXEL_PENALTIES = (10.0, 1.0, 0.1)


@dataclass(frozen=True)
class Scale:
    """How much is trained.

    Attributes
    ----------
    epochs : dict
        The choices for each number of labelled images.
    seeds : dict
        Draws of labelled images.
    rates : tuple of float
    batch, test : int
    """

    epochs: dict[int, tuple[int, ...]]
    seeds: dict[int, int]
    rates: tuple[float, ...]
    batch: int
    test: int


SCALES = {
    "cpu": Scale(
        {1000: (10, 30), 3000: (10,), 10000: (5,)},
        {1000: 3, 3000: 3, 10000: 1},
        (1.2e-3, 3.6e-3, 1e-2),
        64,
        5000,
    ),
    "paper": Scale(
        {1000: (100, 300), 3000: (100, 200), 10000: (50, 100), 40000: (50, 100)},
        dict.fromkeys((1000, 3000, 10000, 40000), 5),
        (3e-4, 1e-3, 3e-3),
        128,
        10000,
    ),
}


class Contest:
    """Trainings of one scale on one split of the images.

    Parameters
    ----------
    data : LabelledImages
    folder : Path
    name : str
        Of the scale.
    """

    def __init__(self, data: LabelledImages, folder: Path, name: str) -> None:
        self.scale = SCALES[name]
        self.train, held_out = data.split(0.2, 0)
        self.test = held_out.subset(slice(None, None, -(-len(held_out) // self.scale.test)))
        self.file = folder / CHECKPOINT
        self.history = checkpoint.read(self.file)["history"]
        shape = nonlinear.load_checkpoint(self.file).config
        settings = {"scale": name, "model": shape.to_dict(), "steps": self.history[-1]["step"],
                    "batch": self.scale.batch, "test": len(self.test)}  # fmt: skip
        self.kept = Kept(folder / f"labels_{name}.json", settings)

    def labelled(self, n: int, seed: int) -> LabelledImages:
        """n of the training images, drawn."""
        order = np.random.default_rng([seed, n]).permutation(len(self.train))
        return self.train.subset(np.sort(order[:n]))

    def fit(self, way: str, images, test, rate: float, epochs: int, seed: int) -> dict:
        """Train a classifier; which test images it has right, as bits."""
        torch.manual_seed(seed)
        model = nonlinear.load_checkpoint(self.file)
        if way == SCRATCH:
            model = MaskedAutoencoder(model.config)
        classifier = nonlinear.Classifier(model, len(images.classes))
        config = nonlinear.ClassifyConfig(
            epochs=epochs, batch=self.scale.batch, rate=rate, warmup=0.1 * epochs, rng=seed
        )
        losses = nonlinear.fit_classifier(
            classifier, images.pixels, images.labels, config, set_units=way == SCRATCH
        )
        right = nonlinear.predicted_classes(classifier, test.pixels) == test.labels
        return {
            "rate": rate,
            "epochs": epochs,
            "loss": losses[-1],
            "accuracy": float(right.mean()),
            "right": np.packbits(right).tobytes().hex(),
        }

    def choice(self, way: str, n: int) -> tuple[float, int]:
        """Rate and epochs that did best on a fifth of the labelled images."""
        fitted, other = self.labelled(n, 0).split(0.2, 1)
        grid = list(itertools.product(self.scale.rates, self.scale.epochs[n]))
        found = [
            self.kept.get(
                f"{way}, {n} labels, choosing, rate {rate:g}, {epochs} epochs",
                lambda rate=rate, epochs=epochs: self.fit(way, fitted, other, rate, epochs, 0),
            )["accuracy"]
            for rate, epochs in grid
        ]
        return grid[int(np.argmax(found))]

    def results(self, way: str, n: int) -> list[dict]:
        """One result per draw of labelled images."""
        rate, epochs = self.choice(way, n)
        return [
            self.kept.get(
                f"{way}, {n} labels, rate {rate:g}, {epochs} epochs, seed {seed}",
                lambda seed=seed: self.fit(
                    way, self.labelled(n, seed), self.test, rate, epochs, seed
                ),
            )
            for seed in range(self.scale.seeds[n])
        ]

    def longer(self, n: int) -> dict:
        """The random start with the time of pretraining and fine-tuning together."""
        rate, _ = self.choice(SCRATCH, n)
        tuned, plain = self.results(TUNED, n)[0], self.results(SCRATCH, n)[0]
        each = plain["seconds"] / plain["epochs"]
        epochs = round((self.history[-1]["seconds"] + tuned["seconds"]) / each)
        return self.kept.get(
            f"{SCRATCH}, {n} labels, rate {rate:g}, {epochs} epochs, as long as pretraining",
            lambda: self.fit(SCRATCH, self.labelled(n, 0), self.test, rate, epochs, 0),
        )

    def probes(self, way: str, n: int) -> list[dict]:
        """Linear probes of the encoder, or of raw pixels, on the same labelled images."""

        def features(images: LabelledImages) -> np.ndarray:
            if way == PIXELS:
                return nonlinear.pixel_features(images.pixels)
            return nonlinear.features_of(nonlinear.load_checkpoint(self.file), images.pixels)

        def probe(seed: int) -> dict:
            images = self.labelled(n, seed)
            options = {"penalties": PIXEL_PENALTIES} if way == PIXELS else {}
            return nonlinear.linear_probe(
                features(images), images.labels, features(self.test), self.test.labels, **options
            ).to_dict()

        seeds = self.scale.seeds[n] if way == PROBE else 1
        return [
            self.kept.get(f"{way}, {n} labels, seed {seed}", lambda seed=seed: probe(seed))
            for seed in range(seeds)
        ]

    def difference(self, n: int) -> tuple[float, float]:
        """Fine-tuned minus supervised on the same test images and labels, and its error bar."""
        size = len(self.test)
        found = [[bits(one["right"], size) for one in self.results(way, n)]
                 for way in (TUNED, SCRATCH)]  # fmt: skip
        each = np.array(found[0], float) - np.array(found[1], float)
        return float(each.mean()), error_bar(each.mean(1), each.mean(0).std(ddof=1), size)


def bits(text: str, size: int) -> np.ndarray:
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8))[:size].astype(bool)


def error_bar(values: np.ndarray, spread: float, size: int) -> float:
    """Standard error over draws of labelled images and over test images together."""
    over_draws = np.var(values, ddof=1) / len(values) if len(values) > 1 else 0.0
    return float(np.sqrt(over_draws + spread**2 / size))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--scale", choices=SCALES, default="cpu")
    parser.add_argument("--longer", action="store_true", help="one more training, of equal time")
    parser.add_argument("--write", action="store_true", help="put table and picture into the docs")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = nonlinear.read_labelled([arguments.archive])
    contest = Contest(data, arguments.folder, arguments.scale)
    text, curves = report(contest)
    if arguments.longer:
        text += f"\n\n{equal_time(contest)}"
    print(text)
    if arguments.write:
        table.write("labels", text, PAGE)
        figure, axes = plot.new_figure(width=6.2, height=4.2)
        plot.label_efficiency(curves, axes[0, 0])
        plot.save(figure, PAGE.with_name(PICTURE))


def report(contest: Contest) -> tuple[str, dict]:
    """The table, and the points of the picture."""
    curves: dict = {}
    rows, size = [], len(contest.test)
    for n in contest.scale.epochs:
        cells = [f"{n:,}"]
        for way in (TUNED, SCRATCH, PROBE, PIXELS):
            trained = way in (TUNED, SCRATCH)
            found = contest.results(way, n) if trained else contest.probes(way, n)
            values = np.array([one["accuracy"] for one in found])
            mean = float(values.mean())
            error = error_bar(values, np.sqrt(mean * (1 - mean)), size)
            curves.setdefault(way, []).append((n, mean, error))
            chosen = f" ({found[0]['rate']:g}, {found[0]['epochs']})" if trained else ""
            cells.append(f"{mean:.3f} ± {error:.3f}{chosen}")
        mean, error = contest.difference(n)
        cells.append(f"{mean:+.3f} ± {error:.3f}")
        rows.append(cells)
    header = ("labelled", f"{TUNED} (rate, epochs)", f"{SCRATCH} (rate, epochs)",
              PROBE, PIXELS, f"{TUNED} − {SCRATCH}")  # fmt: skip
    return table.markdown(header, rows), curves


def equal_time(contest: Contest) -> str:
    """The random start with the time of pretraining and fine-tuning together, in a sentence."""
    n = max(contest.scale.epochs)
    long, short, tuned = (
        contest.longer(n), contest.results(SCRATCH, n)[0], contest.results(TUNED, n)[0]
    )  # fmt: skip
    return (
        f"{SCRATCH.capitalize()} for {long['epochs']} epochs of {n:,} labelled images, "
        f"{long['seconds']:.0f} s, about what pretraining and fine-tuning take together: "
        f"{long['accuracy']:.3f}, against {short['accuracy']:.3f} after {short['epochs']} epochs "
        f"and {tuned['accuracy']:.3f} fine-tuned, of the same labelled images."
    )


if __name__ == "__main__":
    main()
