"""Outcomes as tables: images.csv, spectra.csv, spectra.npz."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spectral_mae.analysis import MaskingAnalysis, octave_columns
from spectral_mae.batch import Outcome

# Errors at rounding level mean nothing beyond their first digits.
_ROUGH = ("eq18_error", "mask_dft_error")
COLUMNS = (
    "path",
    "patch_size",
    "status",
    "error",
    "height",
    "width",
    "mean",
    "std",
    "slope",
    "slope_stderr",
    "leakage",
    *octave_columns(),
    "eq18_error",
    "mask_dft_error",
    "agreement_rms",
    "agreement_max",
    "notes",
)
SERIES = ("original", "masked", "expected")


def image_rows(outcomes: Sequence[Outcome]) -> Iterator[dict[str, str]]:
    """One row of `COLUMNS` per outcome, as text; what there is not is empty."""
    for outcome in outcomes:
        numbers = outcome.analysis.row() if outcome.analysis else {}
        row: dict[str, Any] = {
            "path": outcome.name,
            "patch_size": outcome.patch_size,
            "status": "ok" if outcome.ok else "failed",
            "error": outcome.error,
            "notes": "; ".join(outcome.notes),
            **numbers,
        }
        yield {name: _text(name, row.get(name)) for name in COLUMNS}


def write_images_csv(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write a row per image and patch size."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(image_rows(outcomes))


def write_spectra_csv(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write the radial spectra in tidy form: image, patch_size, series, frequency, power."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "patch_size", "series", "frequency", "power"])
        for outcome, analysis in _analysed(outcomes):
            radial = (analysis.original, analysis.drawn, analysis.expected)
            for series, spectrum in zip(SERIES, radial, strict=True):
                writer.writerows(
                    [outcome.name, outcome.patch_size, series, f"{f:.8g}", f"{power:.8g}"]
                    for f, power in zip(spectrum.frequency, spectrum.power, strict=True)
                )


def write_spectra_npz(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write the radial spectra as long arrays of equal length, without pickles.

    ``image`` indexes ``paths``; the other arrays are ``patch_size``, ``frequency``, ``count``,
    ``original``, ``masked``, ``masked_std`` (spread from mask to mask) and ``expected``.
    """
    columns: dict[str, list[np.ndarray[Any, Any]]] = {
        name: []
        for name in (
            "image",
            "patch_size",
            "frequency",
            "count",
            "original",
            "masked",
            "masked_std",
            "expected",
        )
    }
    paths: dict[str, int] = {}
    for outcome, analysis in _analysed(outcomes):
        n = len(analysis.original.frequency)
        index = paths.setdefault(outcome.name, len(paths))
        values = (
            np.full(n, index),
            np.full(n, outcome.patch_size),
            analysis.original.frequency,
            analysis.original.count,
            analysis.original.power,
            analysis.drawn.power,
            analysis.drawn.std,
            analysis.expected.power,
        )
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    arrays: dict[str, Any] = {
        name: np.concatenate(parts or [np.empty(0)]) for name, parts in columns.items()
    }
    np.savez_compressed(path, paths=np.array(list(paths), dtype=str), **arrays)


def _analysed(outcomes: Sequence[Outcome]) -> Iterator[tuple[Outcome, MaskingAnalysis]]:
    for outcome in outcomes:
        if outcome.analysis is not None:
            yield outcome, outcome.analysis


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        if math.isinf(value):
            return "inf"
        return f"{value:.2g}" if name in _ROUGH else f"{value:.8g}"
    return str(value)
