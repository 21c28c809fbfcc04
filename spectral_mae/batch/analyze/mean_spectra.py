"""Mean radial spectra over images, before and under masking, for each shape and patch size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae._files.columns import write_table
from spectral_mae.batch.analyze.outcomes import Outcome
from spectral_mae.batch.analyze.tables import SERIES

COLUMNS = ("height", "width", "patch_size", "images", "series", "frequency", "power", "std")
KINDS = 256  # shapes and patch sizes; images beyond have no part in it


@dataclass
class _Mean:
    """Mean and sum of squared differences of spectra, (series, rings), and of how many."""

    n: int
    frequency: FloatArray
    mean: FloatArray
    squares: FloatArray

    def merge(self, other: Self) -> None:
        """Take in the spectra of another mean of the same rings (Chan, Golub and LeVeque 1983)."""
        total = self.n + other.n
        step = other.mean - self.mean
        self.squares = self.squares + other.squares + step**2 * (self.n * other.n / total)
        self.mean = self.mean + step * (other.n / total)
        self.n = total


class MeanSpectra:
    """Means of the spectra that belong to one shape and patch size; they merge.

    Attributes
    ----------
    means : dict
        By (height, width, patch_size).
    """

    def __init__(self) -> None:
        self.means: dict[tuple[int, int, int], _Mean] = {}

    def update(self, outcomes: Sequence[Outcome]) -> None:
        """Add the spectra of some outcomes to the means."""
        for outcome in outcomes:
            analysis = outcome.analysis
            if analysis is None or analysis.n_missing:
                continue
            height, width = analysis.shape
            power = np.stack(
                [analysis.original.power, analysis.drawn.power, analysis.expected.power]
            )
            one = _Mean(1, analysis.original.frequency, power, np.zeros_like(power))
            self._take((height, width, outcome.patch_size), one)

    def merge(self, other: Self) -> Self:
        """Add the means of another object, whose images follow the ones of this."""
        for key, one in other.means.items():
            self._take(key, one)
        return self

    def _take(self, key: tuple[int, int, int], part: _Mean) -> None:
        if key in self.means:
            self.means[key].merge(part)
        elif len(self.means) < KINDS:
            self.means[key] = part

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All there is to know, as arrays by name."""
        arrays: dict[str, NDArray[Any]] = {}
        for key, one in self.means.items():
            name = "x".join(map(str, key))
            arrays[f"{name}/n"] = np.array(one.n)
            arrays[f"{name}/frequency"] = one.frequency
            arrays[f"{name}/mean"] = one.mean
            arrays[f"{name}/squares"] = one.squares
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Undo `to_arrays`."""
        found = cls()
        for name in arrays:
            if name.endswith("/n"):
                text = name.removesuffix("/n")
                height, width, patch_size = map(int, text.split("x"))
                found.means[height, width, patch_size] = _Mean(
                    int(arrays[name]),
                    *(np.array(arrays[f"{text}/{x}"]) for x in ("frequency", "mean", "squares")),
                )
        return found

    def write_csv(self, path: Path) -> None:
        """A row per shape, patch size, series and ring: mean power and its spread over images."""
        write_table(path, COLUMNS, self._rows())

    def _rows(self) -> Iterator[list[Any]]:
        for key, one in self.means.items():
            std = np.sqrt(one.squares / max(1, one.n - 1))
            for number, series in enumerate(SERIES):
                columns = one.frequency, one.mean[number], std[number]
                for values in zip(*(column.tolist() for column in columns), strict=True):
                    yield [*key, one.n, series, *(f"{v:.8g}" for v in values)]
