"""The table of all images, as the script of the page takes it."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.batch.analyze import tables
from spectral_mae.batch.analyze.records.record import octave_columns
from spectral_mae.batch.analyze.run_tables import RunTables
from spectral_mae.batch.analyze.summary.choice import UNUSUAL, reason, scores, unusual
from spectral_mae.batch.analyze.summary.filling import Explained, filled_parts
from spectral_mae.batch.analyze.summary.octave_words import SEEN_OCTAVES, wave_words
from spectral_mae.batch.analyze.summary.page_numbers import Numbers
from spectral_mae.spectra.octaves import OCTAVES, all_octave_names

MOST_ROWS = 20_000  # of the table; a browser holds more, but no page should weigh as much
CURVES = 3_000  # rows that can open their own figure
POINTS = 96  # of a curve: enough for the ripples that the grating of 16-pixel patches makes
LEVELS = 255  # of the power in a curve; 0 is none

_Column = dict[str, Any]


def page_rows(
    run_tables: RunTables,
    numbers: Numbers,
    folder: str,
    *,
    curves: bool,
    thumbs: Mapping[int, str] | None = None,
    explained: Mapping[int, Explained] | None = None,
) -> Any:
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
    thumbs : mapping of int to str
        Addresses of small pictures of some rows.
    explained : mapping of int to Explained
        What models fill in of some rows, by patch size.

    Returns
    -------
    dict
        ``columns``, ``rows`` (lists in the order of the columns), ``bad`` (numbers of the columns
        of each defective row by its number), ``notes``, ``whys`` (what is unusual about a row),
        ``thumbs`` (numbers of ``pictures``) and ``curves`` by row, and limits.
    """
    filled = filled_parts(explained or {})
    columns = _columns(numbers, filled)
    names = [column["name"] for column in columns]
    found = scores(numbers) if len(numbers) else np.empty((0, 1))
    far = unusual(found)
    above = {name: numbers[name] > numbers["bound"] for name in ("eq18_error", "mask_dft_error")}
    rows: list[list[Any]] = []
    bad: dict[int, list[int]] = {}
    notes: dict[int, str] = {}
    whys: dict[int, str] = {}
    analysed = (row for row in tables.read_images_csv(run_tables.images) if row["status"] == "ok")
    for number, row in enumerate(analysed):
        if number >= MOST_ROWS:
            break
        row["unusual"] = repr(float(far[number]))
        row["filled"] = repr(filled[number]) if number in filled else ""
        if far[number] >= UNUSUAL and len(whys) < CURVES:
            whys[number] = reason(numbers, found, number)
        row["path"] = shown_name(row["path"], folder)
        rows.append([_value(row[column["name"]], column) for column in columns])
        wrong = [names.index(name) for name, exceeds in above.items() if exceeds[number]]
        if wrong:
            bad[number] = wrong
        if row["notes"]:
            notes[number] = row["notes"]
    shown = curves and len(numbers) <= CURVES
    drawn = [_curve(one) for one in run_tables.spectra(len(numbers))] if shown else []
    pictures = list(dict.fromkeys((thumbs or {}).values()))
    return {
        "columns": columns,
        "rows": rows,
        "bad": bad,
        "notes": notes,
        "whys": whys,
        "pictures": pictures,
        "thumbs": {row: pictures.index(thumb) for row, thumb in (thumbs or {}).items()},
        "curves": drawn if len(drawn) == len(rows) else [],
        "points": POINTS,
        "levels": LEVELS,
        "unusual": UNUSUAL,
        "total": len(numbers),
    }


def shown_name(path: str, folder: str) -> str:
    """The title of an image without what all have in common, or that it comes with the package."""
    return path[len(folder) :].removeprefix("builtin:")


def _columns(numbers: Numbers, filled: Mapping[int, float]) -> list[_Column]:
    """The columns of the table: those behind the switch are ``more``."""
    return [one for one in _listed_columns(numbers) if one["name"] != "filled" or filled]


def _listed_columns(numbers: Numbers) -> Iterator[_Column]:
    names, n = octave_columns(), len(OCTAVES)
    several_sizes = len(np.unique(numbers["patch_size"])) > 1
    yield _column("path", "image", "name of the image", text=True)
    yield _column(
        "patch_size", "patch", "side of the patches", "px", decimals=0, more=not several_sizes
    )
    title = "largest distance from the medians of slope and leakage"
    yield _column("unusual", "unusual", title, "robust std", decimals=1)
    yield _column("slope", "slope", "slope of log power against log frequency", decimals=2)
    group = "leakage, mean gray subtracted, at frequencies in cycles/pixel"
    title = "power from elsewhere over power kept"
    whole = f"{title}, all frequencies but zero"
    yield _column("leakage_centred", "all", whole, more=True, group=group)
    for i, (name, octave) in enumerate(zip(names[n:], all_octave_names(), strict=True)):
        waves = wave_words(i).removeprefix("waves ").removeprefix("of ").replace("longer than", ">")
        hidden = i not in SEEN_OCTAVES
        unit = "corners" if hidden else waves
        whole = f"{title}, {octave} cycles/pixel: {wave_words(i)}"
        yield _column(name, octave, whole, unit, more=hidden, group=group)
    title = "part of the hidden detail that the linear model fills in, one mask"
    yield _column("filled", "filled in", title, "% of detail", decimals=0, times=100)
    group = "the image"
    yield _column("height", "rows", "rows of pixels", decimals=0, more=True, group=group)
    yield _column("width", "columns", "columns of pixels", decimals=0, more=True, group=group)
    title, unit = "part of the patches hidden", "% of patches"
    yield _column("mask_ratio", "hidden", title, unit, times=100, more=True, group=group)
    title, unit = "part of the pixels without a finite value", "% of pixels"
    yield _column("missing", "without value", title, unit, times=100, more=True, group=group)
    unit = "gray, 0 to 1"
    yield _column("mean", "mean", "mean of the pixels", unit, more=True, group=group)
    title = "standard deviation of the pixels"
    yield _column("std", "std", title, unit, more=True, group=group)
    title = "standard error of the slope"
    yield _column("slope_stderr", "error of slope", title, decimals=2, more=True, group=group)
    group = "leakage, image as it is, at frequencies in cycles/pixel"
    yield _column("leakage", "all", "all frequencies but zero", more=True, group=group)
    for i, (name, octave) in enumerate(zip(names[:n], all_octave_names(), strict=True)):
        title = f"{octave} cycles/pixel: {wave_words(i)}"
        yield _column(name, octave, title, more=True, group=group)
    group = "checks of the formulas"
    title = "relative error of Eq. 18"
    yield _column("eq18_error", "Eq. 18", title, digits=2, more=True, group=group)
    title = "relative error of Eqs. 19–20"
    yield _column("mask_dft_error", "Eqs. 19–20", title, digits=2, more=True, group=group)
    title = "drawn masks minus exact mean, root mean square over rings, in standard errors"
    yield _column(
        "agreement_rms", "agreement", title, "std errors", digits=2, more=True, group=group
    )


def _column(
    name: str,
    label: str,
    title: str,
    unit: str = "",
    *,
    digits: int = 3,
    decimals: int | None = None,
    times: float = 1,
    more: bool = False,
    text: bool = False,
    group: str = "",
) -> _Column:
    return {
        "name": name, "label": label, "title": title, "unit": unit, "digits": digits,
        "decimals": decimals, "times": times,
        "more": more, "text": text, "group": group,
    }  # fmt: skip


def _value(text: str, column: _Column) -> Any:
    if column["text"]:
        return text
    if not text:
        return None
    number = float(text)  # which the page rounds, once
    return number if math.isfinite(number) else text  # JSON has no infinity


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
