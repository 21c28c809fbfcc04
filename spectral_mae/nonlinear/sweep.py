"""Trainings side by side: depth, patch size, mask ratio, against loss, time and probe accuracy."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.stats
import torch

from spectral_mae.columns import write_columns
from spectral_mae.nonlinear.data import LabelledImages
from spectral_mae.nonlinear.probe import features_of, linear_probe
from spectral_mae.nonlinear.training import TrainConfig, evaluate, train
from spectral_mae.nonlinear.vit import MAEConfig, MaskedAutoencoder

VARIED = ("patch_size", "mask_ratio", "depth", "decoder_depth")


@dataclass(frozen=True)
class TrainingSweep:
    """What several trainings came to.

    Attributes
    ----------
    rows : list of dict
        ``patch_size``, ``mask_ratio``, ``depth``, ``decoder_depth``, ``parameters``, ``steps``,
        ``loss`` (mean squared error of hidden pixels of test images, in units of the model),
        ``seconds`` of training, ``accuracy`` and ``stderr`` of a linear probe (NaN without labels).
    """

    rows: list[dict[str, float]]

    @property
    def rank_correlation(self) -> float:
        """Spearman's, of loss and probe accuracy: −1 where less loss always means a better probe.

        NaN for fewer than three trainings, or where either does not vary.
        """
        loss, accuracy = ([row[name] for row in self.rows] for name in ("loss", "accuracy"))
        varied = len(set(loss)) > 1 and len(set(accuracy)) > 1
        if len(loss) < 3 or not varied or not np.isfinite(accuracy).all():
            return math.nan
        return float(scipy.stats.spearmanr(loss, accuracy).statistic)

    def to_dict(self) -> dict[str, Any]:
        """The columns."""
        return {name: [row[name] for row in self.rows] for name in self.rows[0]}

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a row per training."""
        write_columns(path, {k: np.array(v) for k, v in self.to_dict().items()})


def train_sweep(
    images: LabelledImages,
    test: LabelledImages,
    model: MAEConfig,
    config: TrainConfig,
    variations: Sequence[Mapping[str, Any]],
    *,
    device: torch.device | str | None = None,
    quiet: bool = True,
) -> TrainingSweep:
    """Train a model for each variation, and probe it.

    Parameters
    ----------
    images, test : LabelledImages
        Test images are neither trained on nor fitted by the probe.
    model : MAEConfig
    config : TrainConfig
        All trainings take as many steps, from the same seed.
    variations : sequence of dict
        What differs, of ``patch_size``, ``mask_ratio``, ``depth``, ``decoder_depth``.
    device : torch.device, str or None
    quiet : bool

    Raises
    ------
    ValueError
        If something else is to differ, or there is no variation.
    """
    if not variations:
        raise ValueError("no variations")
    rows = []
    for variation in variations:
        unknown = sorted(set(variation) - set(VARIED))
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is not one of {', '.join(VARIED)}")
        changes = dict(variation)
        chosen = dataclasses.replace(
            config, mask_ratio=changes.pop("mask_ratio", config.mask_ratio)
        )
        torch.manual_seed(config.seed)
        one = MaskedAutoencoder(dataclasses.replace(model, **changes))
        start = time.perf_counter()
        history = train(one, images.pixels, chosen, device=device, quiet=quiet)
        seconds = time.perf_counter() - start
        accuracy = stderr = math.nan
        if images.labels is not None and test.labels is not None:
            found = linear_probe(
                features_of(one, images.pixels), images.labels,
                features_of(one, test.pixels), test.labels,
            )  # fmt: skip
            accuracy, stderr = found.accuracy, found.stderr
        rows.append(
            {
                "patch_size": float(one.grid.patch_size[0]),
                "mask_ratio": chosen.mask_ratio,
                "depth": one.config.depth,
                "decoder_depth": one.config.decoder_depth,
                "parameters": sum(p.numel() for p in one.parameters()),
                "steps": history.rows[-1]["step"],
                "loss": evaluate(one, test.pixels, chosen.mask_ratio, seed=config.seed),
                "seconds": seconds,
                "accuracy": accuracy,
                "stderr": stderr,
            }
        )
    return TrainingSweep(rows)
