"""What the page of a run says of all images: a few numbers of each, as one array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.batch.analyze.outcomes import Outcome
from spectral_mae.batch.analyze.records.record import MaskingAnalysis
from spectral_mae.spectra.octaves import OCTAVES

COLUMNS = (
    "patch_size",
    "height",
    "width",
    "mask_ratio",
    "slope",
    "leakage",
    "leakage_centred",
    *(f"octave_{i}" for i in range(len(OCTAVES))),
    *(f"centred_{i}" for i in range(len(OCTAVES))),
    "eq18_error",
    "mask_dft_error",
    "bound",
    "n_scores",
    "n_within",
    "missing",
)


class Numbers:
    """A row of `COLUMNS` for every image and patch size that was analysed; NaN is none."""

    def __init__(self, rows: FloatArray) -> None:
        self.rows = rows

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> Numbers:
        """Numbers of the page for some outcomes, a row for each analysed image."""
        rows = [_row(outcome.analysis) for outcome in outcomes if outcome.analysis is not None]
        return cls(np.array(rows, dtype="<f8").reshape(-1, len(COLUMNS)))

    @classmethod
    def read(cls, path: Path) -> Numbers:
        """Those that were written one behind the other."""
        rows = np.fromfile(path, "<f8") if path.exists() else np.empty(0)
        return cls(rows.reshape(-1, len(COLUMNS)))

    def __len__(self) -> int:
        return len(self.rows)

    def of_size(self, patch_size: int) -> Numbers:
        """The rows of a patch size."""
        return Numbers(self.rows[self["patch_size"] == patch_size])

    def __getitem__(self, name: str) -> FloatArray:
        """A column."""
        return self.rows[:, COLUMNS.index(name)]

    def there(self, name: str) -> FloatArray:
        """A column without what is none."""
        column = self[name]
        return column[~np.isnan(column)]

    def worst(self, name: str) -> float | None:
        """Of a column of errors the one that comes closest to its bound or exceeds it most."""
        errors = self[name]
        shares = errors / self["bound"]
        return None if np.isnan(shares).all() else float(errors[np.nanargmax(shares)])

    @property
    def defective(self) -> NDArray[np.bool_]:
        """Which rows have an error above their bound."""
        bound = self["bound"]
        return (self["eq18_error"] > bound) | (self["mask_dft_error"] > bound)

    @property
    def n_missing(self) -> int:
        """Number of images with missing pixels, at the patch size that has most of them."""
        sizes = self["patch_size"][self["missing"] > 0]
        return int(np.unique(sizes, return_counts=True)[1].max(initial=0))

    def median(self, name: str) -> float | None:
        """Median of a column without its NaNs; None if nothing else is in it."""
        there = np.sort(self.there(name))
        if there.size == 0:
            return None
        low, high = there[(there.size - 1) // 2], there[there.size // 2]
        return float(low) if low == high else float(low + high) / 2


def _row(analysis: MaskingAnalysis) -> list[float]:
    agreement = analysis.agreement
    scores = agreement[np.isfinite(agreement)]
    # NaN stands for an image that was not checked; a check that gave NaN has failed.
    eq18, mask_dft = (
        math.inf if error is not None and math.isnan(error) else error
        for error in (analysis.convolution_error, analysis.mask_dft_error)
    )
    numbers = [
        analysis.plan.patch_size,
        *analysis.shape,
        analysis.mask_ratio,
        analysis.slope,
        analysis.leakage,
        analysis.leakage_centred,
        *analysis.octaves,
        *analysis.octaves_centred,
        eq18,
        mask_dft,
        analysis.bound,
        len(scores),
        int(np.sum(np.abs(scores) <= 2)),
        analysis.missing,
    ]
    return [math.nan if number is None else float(number) for number in numbers]
