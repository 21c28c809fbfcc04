"""Several training runs: depth, patch size, mask ratio; their loss, time and probe accuracy."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.stats
import torch

from spectral_mae._checks import positive_int
from spectral_mae._files.atomic_file import write_whole
from spectral_mae._files.columns import write_columns
from spectral_mae.nonlinear.arrays import UInt8Array
from spectral_mae.nonlinear.evaluation.probe import features_of, linear_probe
from spectral_mae.nonlinear.labelled_images import LabelledImages
from spectral_mae.nonlinear.tensor_files import read_json
from spectral_mae.nonlinear.training import TrainConfig, evaluate, train, units_of
from spectral_mae.nonlinear.vit import MAEConfig, MaskedAutoencoder

VARIED = ("patch_size", "mask_ratio", "depth", "decoder_depth", "rng")
GROUPED = VARIED[:-1]  # of runs that differ in their seeds only
ROW = "row.json"


@dataclass(frozen=True)
class TrainingSweep:
    """Results of several training runs.

    Attributes
    ----------
    rows : list of dict
        ``patch_size``, ``mask_ratio``, ``depth``, ``decoder_depth``, ``seed``, ``parameters``,
        ``steps``, ``loss`` (mean squared error of hidden pixels of test images, in units of the
        model), ``explained`` (1 − loss over that of the mean image; NaN where that has none),
        ``seconds`` of training, ``accuracy`` and ``stderr`` of a linear probe (NaN without labels).

    Examples
    --------
    >>> rows = [{"loss": 0.4, "accuracy": 0.6}, {"loss": 0.3, "accuracy": 0.7}]
    >>> sweep = TrainingSweep([*rows, {"loss": 0.2, "accuracy": 0.5}])
    >>> sweep.to_dict()["loss"], sweep.rank_correlation
    ([0.4, 0.3, 0.2], 0.5)
    """

    rows: list[dict[str, float]]

    @property
    def rank_correlation(self) -> float:
        """`correlation` of the loss: −1 where a smaller loss always means a better probe."""
        return self.correlation("loss")

    def correlation(self, name: str) -> float:
        """Spearman's rank correlation of a column and the probe accuracy.

        Parameters
        ----------
        name : str
            Name of the column.

        Returns
        -------
        float
            From −1 to 1; NaN for fewer than three runs, or where either does not vary.
        """
        values, accuracy = ([row[column] for row in self.rows] for column in (name, "accuracy"))
        varied = len(set(values)) > 1 and len(set(accuracy)) > 1
        if len(values) < 3 or not varied or not np.isfinite([values, accuracy]).all():
            return math.nan
        return float(scipy.stats.spearmanr(values, accuracy).statistic)

    def mean_over_seeds(self) -> TrainingSweep:
        """Average runs that differ only in their seed.

        ``stderr`` becomes √(s²/n + mean stderr²), with s the standard deviation of the n
        accuracies. The probes share their test images, so more seeds do not reduce the second term.

        Returns
        -------
        TrainingSweep
            One row for each setting, in order of first appearance.
        """
        groups: dict[tuple[float, ...], list[dict[str, float]]] = {}
        for row in self.rows:
            groups.setdefault(tuple(row[name] for name in GROUPED), []).append(row)
        rows = []
        for group in groups.values():
            mean = {name: float(np.mean([row[name] for row in group])) for name in group[0]}
            spread = np.var([row["accuracy"] for row in group], ddof=1) if len(group) > 1 else 0.0
            mean["stderr"] = math.sqrt(spread / len(group) + mean["stderr"] ** 2)
            rows.append(mean | {"seeds": len(group)})
        return TrainingSweep(rows)

    def to_dict(self) -> dict[str, Any]:
        """Convert the table to a dictionary of columns.

        Returns
        -------
        dict
            Lists by name.
        """
        names = self.rows[0] if self.rows else ()
        return {name: [row[name] for row in self.rows] for name in names}

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a table with one row for each run.

        Parameters
        ----------
        path : str or os.PathLike
            The file to write.
        """
        write_columns(path, {k: np.array(v) for k, v in self.to_dict().items()})


def train_sweep(
    images: LabelledImages,
    test: LabelledImages,
    model: MAEConfig,
    config: TrainConfig,
    variations: Sequence[Mapping[str, Any]],
    *,
    folder: str | os.PathLike[str] | None = None,
    probe_images: int | None = None,
    device: torch.device | str | None = None,
    quiet: bool = True,
) -> TrainingSweep:
    """Train a model for each variation, and probe it.

    Parameters
    ----------
    images : LabelledImages
        Training images.
    test : LabelledImages
        Test images: no model is trained on them and no probe is fitted to them.
    model : MAEConfig
        Sizes of the model.
    config : TrainConfig
        Settings; all runs take as many steps.
    variations : sequence of dict
        For each run, the values that differ: ``patch_size``, ``mask_ratio``, ``depth``,
        ``decoder_depth``, ``rng``.
    folder : str, os.PathLike or None
        Runs are stored here, each in a folder of its own. Finished runs are read, and interrupted
        ones continue from their last epoch.
    probe_images : int or None
        Number of training images, drawn at random, that a probe is fitted to; None uses all.
    device : torch.device, str or None
        None uses the GPU where there is one.
    quiet : bool
        Show no progress bar.

    Returns
    -------
    TrainingSweep
        One row for each variation.

    Raises
    ------
    ValueError
        If a variation has another name, there is no variation, the settings have a design, a folder
        holds another run, or the test images have other classes.

    Examples
    --------
    >>> pixels = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 1), dtype=np.uint8)
    >>> images = LabelledImages(pixels)
    >>> model = MAEConfig((8, 8), 4, channels=1, width=8, depth=1, decoder_depth=1)
    >>> config, runs = TrainConfig(epochs=1, batch=8), [{"mask_ratio": 0.5}, {"mask_ratio": 0.75}]
    >>> sweep = train_sweep(images, images, model, config, runs, device="cpu")
    >>> sweep.to_dict()["mask_ratio"], sweep.to_dict()["steps"]
    ([0.5, 0.75], [2, 2])
    """
    if probe_images is not None:
        positive_int("probe_images", probe_images)
    if any(one != other for one, other in zip(images.classes, test.classes, strict=False)):
        raise ValueError(f"classes {images.classes} and, of test images, {test.classes}")
    if not variations:
        raise ValueError("no variations")
    if config.design is not None:
        raise ValueError(
            f"design={config.design!r}: a sweep compares uniform designs by mask ratio"
        )
    rows = []
    for variation in variations:
        unknown = sorted(set(variation) - set(VARIED))
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is not one of {', '.join(VARIED)}")
        changes = dict(variation)
        own = {name: changes.pop(name) for name in ("mask_ratio", "rng") if name in changes}
        one = _Training(
            dataclasses.replace(model, **changes), dataclasses.replace(config, **own), probe_images
        )
        place = None if folder is None else Path(folder, one.name)
        rows.append(_kept_row(one, images, test, place, device, quiet))
    return TrainingSweep(rows)


@dataclass(frozen=True)
class _Training:
    model: MAEConfig
    config: TrainConfig
    probe_images: int | None

    @property
    def varied(self) -> dict[str, float]:
        assert self.config.mask_ratio is not None  # designs are refused
        return {
            "patch_size": float(self.model.grid.patch_size[0]),
            "mask_ratio": self.config.mask_ratio,
            "depth": self.model.depth,
            "decoder_depth": self.model.decoder_depth,
            "seed": self.config.rng,
        }

    @property
    def name(self) -> str:
        """A folder's name."""
        return "_".join(f"{name}-{value:g}" for name, value in self.varied.items())

    def row(
        self,
        images: LabelledImages,
        test: LabelledImages,
        folder: Path | None,
        device: torch.device | str | None,
        quiet: bool,
    ) -> dict[str, float]:
        config = self.config
        torch.manual_seed(config.rng)
        model = MaskedAutoencoder(self.model)
        start = time.perf_counter()
        history = train(
            model, images.pixels, config, folder=folder, resume=True, device=device, quiet=quiet
        )
        seconds = time.perf_counter() - start if folder is None else history.rows[-1]["seconds"]
        accuracy = stderr = math.nan
        if images.labels is not None and test.labels is not None:
            order = np.random.default_rng(0).permutation(len(images))
            fitted = images.subset(np.sort(order[: self.probe_images]))
            assert fitted.labels is not None
            found = linear_probe(
                features_of(model, fitted.pixels), fitted.labels,
                features_of(model, test.pixels), test.labels,
            )  # fmt: skip
            accuracy, stderr = found.accuracy, found.stderr
        loss = evaluate(model, test.pixels, config.mask_ratio, rng=config.rng)
        power = _power(images.pixels, test.pixels)
        return self.varied | {
            "parameters": sum(p.numel() for p in model.parameters()),
            "steps": history.rows[-1]["step"],
            "loss": loss,
            "explained": 1 - loss / power if power else math.nan,
            "seconds": seconds,
            "accuracy": accuracy,
            "stderr": stderr,
        }


def _kept_row(
    training: _Training,
    images: LabelledImages,
    test: LabelledImages,
    folder: Path | None,
    device: torch.device | str | None,
    quiet: bool,
) -> dict[str, float]:
    """The row of a training, read where there is one."""
    if folder is None:
        return training.row(images, test, None, device, quiet)
    plain = {
        "model": training.model.to_dict(),
        "config": training.config.to_dict(),
        "probe_images": training.probe_images,
    }
    settings = json.loads(json.dumps(plain | {"images": [len(images), len(test)]}))
    file = folder / ROW
    if file.exists():
        content = read_json(file)
        if content.get("settings") != settings or "row" not in content:
            raise ValueError(f"{file} is of {content.get('settings')}, not {settings}")
        row: dict[str, float] = content["row"]
        return row
    row = training.row(images, test, folder, device, quiet)
    write_whole(file, json.dumps({"settings": settings, "row": row}, indent=1))
    return row


def _power(pixels: UInt8Array, test: UInt8Array) -> float:
    """Mean squared error of the mean image, in units of a model of ``pixels``."""
    _, deviation = units_of(pixels)
    total = 0.0
    mean = pixels.mean(0, dtype=np.float64)
    for first in range(0, len(test), 1000):
        about = (test[first : first + 1000] - mean) / (255 * deviation)
        total += float(np.sum(about**2))
    return total / test.size
