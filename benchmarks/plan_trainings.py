"""Trainings beside which plans are held: images, settings, and what is kept of each training.

Two sets of images of 32 by 32 pixels: CIFAR-10 in colours, and gray crops of textures that
scikit-image has. Crops to train on come from the left three quarters of a picture, and those held
out from the right quarter, so that no pixel is in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import skimage

from benchmarks.kept import Kept
from spectral_mae import nonlinear
from spectral_mae.nonlinear.labelled_images import LabelledImages

Images = tuple[LabelledImages, LabelledImages]  # to train on, and held out

SIDE = 32
TEXTURES = ("brick", "coins", "grass", "gravel", "immunohistochemistry", "page")
LEFT = 0.75  # of the columns of a picture, to train on
PENALTIES = (1e-1, 1e-2, 1e-3)  # of the probe


@dataclass(frozen=True)
class Scale:
    """What is trained.

    Attributes
    ----------
    model, config : dict
        Of `MAEConfig` and `TrainConfig`.
    patch_sizes : tuple of int
    designs : tuple of str
        Texts of the designs of the masks.
    seeds : int
    images, probe, test : int
        How many train, fit the probe, and are held out.
    """

    model: dict[str, Any]
    config: dict[str, Any]
    patch_sizes: tuple[int, ...]
    designs: tuple[str, ...]
    seeds: int
    images: int
    probe: int
    test: int


DESIGNS = (
    "fixed:0.5", "stratified:2x2,2", "color_noise:0.5,green", "inverse_block:0.5",
    "fixed:0.75", "stratified:2x2,1", "color_noise:0.75,green", "inverse_block:0.75",
)  # fmt: skip
SCALES = {
    "cpu": Scale(
        {"width": 48, "depth": 2, "heads": 4, "decoder_width": 32, "decoder_depth": 1,
         "decoder_heads": 4, "mlp_ratio": 2.0},
        {"epochs": 2, "batch": 16, "rate": 2e-3, "warmup": 0.2},
        (4, 8), DESIGNS, seeds=2, images=4000, probe=2000, test=1500,
    ),
    "gpu": Scale(
        {"width": 192, "depth": 6, "heads": 4, "decoder_width": 128, "decoder_depth": 2,
         "decoder_heads": 4, "mlp_ratio": 4.0},
        {"epochs": 100, "batch": 256, "rate": 1e-3, "warmup": 5.0},
        (2, 4, 8), DESIGNS, seeds=2, images=40000, probe=10000, test=8000,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Training:
    """One training: a set of images, a setting and a seed."""

    data: str
    patch_size: int
    design: str
    seed: int

    @property
    def name(self) -> str:
        """Also the name of its folder."""
        return f"{self.data} {self.patch_size} {self.design} {self.seed}".replace(" ", "_")


def trainings(scale: Scale, data: tuple[str, ...]) -> list[Training]:
    """All of them, one seed after the other, so that an interrupted run has whole seeds."""
    return [
        Training(name, p, design, seed)
        for seed in range(scale.seeds)
        for design in scale.designs
        for p in scale.patch_sizes
        for name in data
    ]


def texture_crops(n: int, *, held_out: bool, rng: int = 0) -> LabelledImages:
    """Gray crops of textures, as many of each."""
    generator = np.random.default_rng([rng, held_out])
    labels = np.arange(n) % len(TEXTURES)
    pixels = np.empty((n, SIDE, SIDE, 1), np.uint8)
    for label, name in enumerate(TEXTURES):
        picture = getattr(skimage.data, name)()
        if picture.ndim == 3:
            picture = np.rint(255 * skimage.color.rgb2gray(picture)).astype(np.uint8)
        edge = round(LEFT * picture.shape[1])
        part = picture[:, edge:] if held_out else picture[:, :edge]
        for i in np.flatnonzero(labels == label):
            row, column = (generator.integers(size - SIDE + 1) for size in part.shape)
            pixels[i, :, :, 0] = part[row : row + SIDE, column : column + SIDE]
    return LabelledImages(pixels, labels, TEXTURES)


def images_of(data: str, archive: Path, scale: Scale) -> Images:
    """Images to train on, and images held out."""
    if data == "textures":
        first, second = (
            texture_crops(n, held_out=held_out)
            for n, held_out in ((scale.images, False), (scale.test, True))
        )
        return first, second
    both = nonlinear.read_labelled([archive], limit=scale.images + scale.test)
    order = np.random.default_rng(0).permutation(len(both))
    return both.subset(order[scale.test :]), both.subset(order[: scale.test])


class Trained:
    """Trainings and what was measured of them, in a folder, from which an interrupted run goes on.

    Parameters
    ----------
    folder : Path
    name : str
        Of the scale.
    scale : Scale
    images : dict
        For each set, images to train on and images held out.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        scale: Scale,
        images: dict[str, Images],
    ) -> None:
        self.folder = folder / name
        self.scale, self.images = scale, images
        self.settings = {
            "model": scale.model,
            "config": scale.config,
            "images": [scale.images, scale.probe, scale.test],
        }
        self._kept = Kept(self.folder / "trainings.json", self.settings)

    def model_config(self, one: Training) -> nonlinear.MAEConfig:
        """Sizes of the model of a training."""
        shape = self.images[one.data][0].pixels.shape
        return nonlinear.MAEConfig(
            shape[1:3], one.patch_size, channels=shape[3], **self.scale.model
        )

    def row(self, one: Training) -> dict[str, Any]:
        """Seconds of the training, its last loss, and the accuracy of a linear probe."""
        return self._kept.get(one.name, lambda: self._measure(one))

    def is_done(self, one: Training) -> bool:
        """Whether a training is finished."""
        return one.name in self._kept

    def model(self, one: Training) -> nonlinear.MaskedAutoencoder:
        """The trained model; it has to be trained already."""
        return nonlinear.load_checkpoint(self.folder / one.name / "checkpoint.pt")

    def _measure(self, one: Training) -> dict[str, Any]:
        train, test = self.images[one.data]
        model = nonlinear.MaskedAutoencoder.seeded(self.model_config(one), rng=one.seed)
        config = nonlinear.TrainConfig(**self.scale.config, design=one.design, rng=one.seed)
        history = nonlinear.train(
            model, train.pixels, config, folder=self.folder / one.name, resume=True
        )
        fitted = train.subset(slice(0, self.scale.probe))
        features = [nonlinear.features_of(model, part.pixels) for part in (fitted, test)]
        found = nonlinear.linear_probe(
            features[0], fitted.labels, features[1], test.labels, penalties=PENALTIES
        )
        last = history.rows[-1]
        return {
            "parameters": sum(p.numel() for p in model.parameters()),
            "steps": int(last["step"]),
            "loss": last["loss"],
            "training_seconds": last["seconds"],
            "accuracy": found.accuracy,
            "accuracy_stderr": found.stderr,
        }
