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
from spectral_mae.spectra.rings import RadialSpectrum

COLUMNS = ("height", "width", "patch_size", "images", "series", "frequency", "power", "std")
CENTRED = "expected_centred"  # under masks, the mean of each image subtracted first
KINDS = 256  # shapes and patch sizes; images beyond have no part in it

_Key = tuple[int, int, int]


@dataclass
class _Mean:
    """Mean and sum of squared differences of the spectra of some images, and of how many."""

    n: int
    frequency: FloatArray
    mean: FloatArray
    squares: FloatArray

    @classmethod
    def of(cls, spectra: Sequence[RadialSpectrum]) -> Self:
        """Of spectra of the same rings, at least one."""
        power = np.stack([spectrum.power for spectrum in spectra])
        mean = power.mean(axis=0)
        squares = np.square(power - mean).sum(axis=0)
        return cls(len(power), spectra[0].frequency, mean, squares)

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
        By (height, width, patch_size), and then by the name of the series: of the series under
        drawn masks only those images count for which masks were drawn.
    """

    def __init__(self) -> None:
        self.means: dict[_Key, dict[str, _Mean]] = {}

    def update(self, outcomes: Sequence[Outcome]) -> None:
        """Add the spectra of some outcomes to the means."""
        found: dict[_Key, dict[str, list[RadialSpectrum]]] = {}
        for outcome in outcomes:
            if outcome.analysis is None or outcome.analysis.n_missing:
                continue
            height, width = outcome.analysis.shape
            by_series = found.setdefault((height, width, outcome.patch_size), {})
            spectra = outcome.analysis.series | {CENTRED: outcome.analysis.expected_centred}
            for series, spectrum in spectra.items():
                by_series.setdefault(series, []).append(spectrum)
        for key, by_series in found.items():
            self._take(key, {series: _Mean.of(some) for series, some in by_series.items()})

    def merge(self, other: Self) -> Self:
        """Add the means of another object, whose images follow the ones of this."""
        for key, part in other.means.items():
            self._take(key, part)
        return self

    def _take(self, key: _Key, part: dict[str, _Mean]) -> None:
        if key not in self.means and len(self.means) >= KINDS:
            return
        means = self.means.setdefault(key, {})
        for series, one in part.items():
            if series in means:
                means[series].merge(one)
            else:
                means[series] = one

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All there is to know, as arrays by name."""
        arrays: dict[str, NDArray[Any]] = {}
        for key, means in self.means.items():
            for series, one in means.items():
                name = f"{'x'.join(map(str, key))}/{series}"
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
                shape, _, series = text.partition("/")
                height, width, patch_size = map(int, shape.split("x"))
                found.means.setdefault((height, width, patch_size), {})[series] = _Mean(
                    int(arrays[name]),
                    *(np.array(arrays[f"{text}/{x}"]) for x in ("frequency", "mean", "squares")),
                )
        return found

    def write_csv(self, path: Path) -> None:
        """A row per shape, patch size, series and ring: mean power and its spread over images."""
        write_table(path, COLUMNS, self._rows())

    def _rows(self) -> Iterator[list[Any]]:
        for key, means in self.means.items():
            for series in (name for name in (*SERIES, CENTRED) if name in means):
                one = means[series]
                columns = one.frequency, one.mean, np.sqrt(one.squares / max(1, one.n - 1))
                for values in zip(*(column.tolist() for column in columns), strict=True):
                    yield [*key, one.n, series, *(f"{v:.8g}" for v in values)]
