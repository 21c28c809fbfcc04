"""What a comparison of originals and reconstructions has found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from spectral_mae.cross_spectra.averages import RadialCrossSpectrum
from spectral_mae.cross_spectra.comparison import SpectraComparison
from spectral_mae.masks.sampling import Seed


@dataclass(frozen=True, eq=False)
class CompareResult:
    """What `compare_images` has found.

    Attributes
    ----------
    comparisons : dict of SpectraComparison
        By label of the model, all of the same originals in the same order.
    names : list of str
        Titles of the originals that were compared.
    shapes : list of tuple of int
        Their shapes, without channels.
    failures : list of (title, reason)
        Images that could not be compared: without a partner, of another shape, unreadable.
    by_order : tuple of str
        Labels of the models, and "masks", whose images were matched with the originals by order, as
        those of arrays are, and not by name.
    page : Path or None
        The page of the run; None where no ``out`` was given.
    n_resamples : int
        Number of times that images are drawn with replacement for error bars.
    rng : int
        Seed of these draws.

    Examples
    --------
    >>> import numpy as np
    >>> import spectral_mae as sm
    >>> images = np.random.default_rng(0).random((4, 16, 16))
    >>> result = sm.compare_images(images, {"same": images, "dim": 0.5 * images})
    >>> result.counts, [row["model"] for row in result.summaries]
    ({'compared': 4, 'failed': 0}, ['same', 'dim'])
    >>> result.rings["dim"].gain.real.round(3)
    array([0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    """

    comparisons: Mapping[str, SpectraComparison]
    names: list[str]
    shapes: list[tuple[int, ...]]
    failures: list[tuple[str, str]]
    by_order: tuple[str, ...] = ()
    page: Path | None = None
    n_resamples: int = 1000
    rng: Seed = 0

    @property
    def counts(self) -> dict[str, int]:
        """Number of images ``compared`` and ``failed``."""
        return {"compared": len(self.names), "failed": len(self.failures)}

    @cached_property
    def rings(self) -> dict[str, RadialCrossSpectrum]:
        """The curves of each model over sixths of octaves, with error bars over images."""
        return {label: one.radial(**self._draws) for label, one in self._compared.items()}

    @cached_property
    def octaves(self) -> dict[str, RadialCrossSpectrum]:
        """The curves of each model over octaves, with error bars over images."""
        return {label: one.octaves(**self._draws) for label, one in self._compared.items()}

    @cached_property
    def summaries(self) -> list[dict[str, Any]]:
        """A row for each model.

        Explained power, mean squared error, log-spectral distance, each with its standard error,
        and the frequencies at which the Fourier ring correlation falls below 1/2 and 1/7.
        """
        return [
            {
                "model": label,
                **one.summary(**self._draws),
                "frc_half": self.rings[label].frc_crossing(0.5),
                "frc_one_seventh": self.rings[label].frc_crossing(),
            }
            for label, one in self._compared.items()
        ]

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """A row for each image and model, and one for each image that failed."""
        columns = {
            label: zip(
                one.explained_by_image.tolist(),
                one.mean_squared_error_by_image.tolist(),
                one.log_spectral_distances.tolist(),
                strict=True,
            )
            for label, one in self._compared.items()
        }
        found = []
        for name, shape in zip(self.names, self.shapes, strict=True):
            for label, numbers in columns.items():
                found.append(_row(name, label, "ok", "", shape, next(numbers)))
        nothing = math.nan, math.nan, math.nan
        return found + [
            _row(name, "", "failed", error, (0, 0), nothing) for name, error in self.failures
        ]

    def to_dict(self) -> dict[str, Any]:
        """Counts, failures, and the tables of models, octaves and rings as plain values.

        Returns
        -------
        dict
            Values that ``json.dumps`` takes, by name.
        """
        return {
            "counts": self.counts,
            "failures": self.failures,
            "by_order": list(self.by_order),
            "models": self.summaries,
            "octaves": {label: one.to_dict() for label, one in self.octaves.items()},
            "rings": {label: one.to_dict() for label, one in self.rings.items()},
            "page": None if self.page is None else str(self.page),
        }

    @property
    def _compared(self) -> Mapping[str, SpectraComparison]:
        return self.comparisons if self.names else {}

    @property
    def _draws(self) -> dict[str, Any]:
        return {"n_resamples": self.n_resamples, "rng": self.rng}


def _row(
    name: str,
    label: str,
    status: str,
    error: str,
    shape: tuple[int, ...],
    numbers: tuple[float, float, float],
) -> dict[str, Any]:
    explained, squared_error, distance = numbers
    return {
        "path": name,
        "model": label,
        "status": status,
        "error": error,
        "height": shape[0],
        "width": shape[1],
        "explained": explained,
        "mean_squared_error": squared_error,
        "log_spectral_distance": distance,
    }
