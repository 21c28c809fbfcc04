"""The table of all images, as the script of the page takes it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.batch.analyze import tables
from spectral_mae.batch.analyze.image_analysis import octave_columns
from spectral_mae.batch.analyze.run_tables import RunTables
from spectral_mae.batch.analyze.summary.choice import UNUSUAL, scores, unusual
from spectral_mae.batch.analyze.summary.page_numbers import Numbers
from spectral_mae.spectra.octaves import OCTAVES, all_octave_names

MOST_ROWS = 20_000  # of the table; a browser holds more, but no page should weigh as much
CURVES = 3_000  # rows that can open their own figure
POINTS = 96  # of a curve: enough for the ripples that the grating of 16-pixel patches makes
LEVELS = 255  # of the power in a curve; 0 is none

_Column = dict[str, Any]


def page_rows(run_tables: RunTables, numbers: Numbers, folder: str, *, curves: bool) -> Any:
    """All rows, ready for JSON.

    Parameters
    ----------
    run_tables : RunTables
        Those of the run.
    numbers : Numbers
        Of all images.
    folder : str
        What is left out at the start of names.
    curves : bool
        Whether rows have their radial spectra with them, as bytes in base 64.

    Returns
    -------
    dict
        ``columns``, ``rows`` (lists in the order of the columns), ``bad`` (numbers of the columns
        of each defective row by its number), ``notes`` and ``curves`` by row, and limits.
    """
    columns = _columns(numbers)
    far = unusual(scores(numbers)) if len(numbers) else np.empty(0)
    above = {name: numbers[name] > numbers["bound"] for name in ("eq18_error", "mask_dft_error")}
    rows: list[list[Any]] = []
    bad: dict[int, list[int]] = {}
    notes: dict[int, str] = {}
    analysed = (row for row in tables.read_images_csv(run_tables.images) if row["status"] == "ok")
    for number, row in enumerate(analysed):
        if number >= MOST_ROWS:
            break
        row["unusual"] = f"{far[number]:.3g}"
        row["path"] = row["path"][len(folder) :]
        rows.append([_value(row[column["name"]], column) for column in columns])
        names = [column["name"] for column in columns]
        wrong = [names.index(name) for name, exceeds in above.items() if exceeds[number]]
        if wrong:
            bad[number] = wrong
        if row["notes"]:
            notes[number] = row["notes"]
    shown = curves and len(numbers) <= CURVES
    drawn = [_curve(one) for one in run_tables.spectra(len(numbers))] if shown else []
    return {
        "columns": columns,
        "rows": rows,
        "bad": bad,
        "notes": notes,
        "curves": drawn if len(drawn) == len(rows) else [],
        "points": POINTS,
        "levels": LEVELS,
        "unusual": UNUSUAL,
        "total": len(numbers),
    }


def _columns(numbers: Numbers) -> list[_Column]:
    """The columns of the table: those behind the switch are ``more``."""
    return list(_listed_columns(numbers))


def _listed_columns(numbers: Numbers) -> Iterator[_Column]:
    names, n = octave_columns(), len(OCTAVES)
    several_sizes = len(np.unique(numbers["patch_size"])) > 1
    yield _column("path", "image", "name of the image", text=True)
    yield _column("patch_size", "patch", "patch size in pixels", more=not several_sizes)
    yield _column("unusual", "unusual", "largest distance from the medians, robust deviations")
    yield _column("slope", "slope", "slope of log power against log frequency")
    yield _column("leakage", "leakage", "leaked over kept power, all frequencies but zero")
    for name, octave in zip(names[n:], all_octave_names(), strict=True):
        yield _column(name, octave, f"leakage at {octave} cycles/pixel, mean removed")
    yield _column("height", "rows", "rows of pixels", more=True)
    yield _column("width", "columns", "columns of pixels", more=True)
    yield _column("mask_ratio", "hidden", "fraction of patches hidden", more=True)
    yield _column("missing", "missing", "fraction of pixels missing", more=True)
    yield _column("mean", "mean", "mean of the pixels", more=True)
    yield _column("std", "std", "standard deviation of the pixels", more=True)
    yield _column("slope_stderr", "± slope", "standard error of the slope", more=True)
    for name, octave in zip(names[:n], all_octave_names(), strict=True):
        title = f"leakage at {octave} cycles/pixel, image as it is"
        yield _column(name, f"{octave}, as it is", title, more=True)
    yield _column("eq18_error", "Eq. 18", "relative error of Eq. 18", 2, more=True)
    yield _column("mask_dft_error", "Eqs. 19–20", "relative error of Eqs. 19–20", 2, more=True)
    title = "root mean square of drawn masks minus expectation, standard errors"
    yield _column("agreement_rms", "agreement", title, 2, more=True)


def _column(
    name: str, label: str, title: str, digits: int = 3, *, more: bool = False, text: bool = False
) -> _Column:
    return {
        "name": name, "label": label, "title": title, "digits": digits, "more": more, "text": text
    }  # fmt: skip


def _value(text: str, column: _Column) -> Any:
    if column["text"]:
        return text
    if not text:
        return None
    number = float(text)
    return float(f"{number:.4g}") if np.isfinite(number) else text  # JSON has no infinity


def _curve(spectrum: dict[str, NDArray[Any]]) -> list[Any]:
    """Ends of frequency and of log10 power, and the levels of both curves in base 64."""
    frequency = spectrum["frequency"]
    curves = [spectrum["original"], spectrum["expected_centred"]]
    there = (frequency > 0) & (np.isfinite(curves).all(axis=0))
    powers = np.array([one[there] for one in curves])
    if there.sum() < 2 or not (powers > 0).any():
        return []
    at = np.log10(frequency[there])
    grid = np.linspace(at[0], at[-1], POINTS)
    positive = powers[powers > 0]
    low, high = np.log10(positive.min()), np.log10(positive.max())
    levels = np.concatenate([_levels(at, one, grid, low, high) for one in powers])
    ends = [float(f"{x:.4g}") for x in (at[0], at[-1], low, high)]
    return [*ends, base64.b64encode(levels.tobytes()).decode("ascii")]


def _levels(
    at: FloatArray, power: FloatArray, grid: FloatArray, low: float, high: float
) -> NDArray[np.uint8]:
    logs = np.log10(np.maximum(power, 10.0**low))
    parts = (np.interp(grid, at, logs) - low) / max(high - low, 1e-9)
    found: NDArray[np.uint8] = (1 + np.round(parts * (LEVELS - 1))).astype(np.uint8)
    return found
