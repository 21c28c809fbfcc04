"""Spectra of ``psd`` as tables, and as data for ``--json``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from spectral_mae._files.columns import write_columns, write_table
from spectral_mae.masked_spectra.partial.comparison import MaskedSpectra
from spectral_mae.spectra.labels.axis_labels import ONE, Labels
from spectral_mae.spectra.labels.columns import unit_columns
from spectral_mae.spectra.rings import RadialSpectrum

RINGS = ("frequency", "power", "count", "std", "stderr")


def as_data(name: str, spectrum: RadialSpectrum, path: str) -> dict[str, Any]:
    """A radial spectrum and its slope, as plain values by name."""
    found: dict[str, Any] = {"series": name, "path": path}
    try:
        slope, stderr = spectrum.fit_slope()
        found |= {"slope": slope, "slope_stderr": stderr, "slope_note": ""}
    except ValueError as error:
        found |= {"slope": None, "slope_stderr": None, "slope_note": str(error)}
    return {**found, **{column: getattr(spectrum, column) for column in RINGS}}


def write_series(out: Path, series: dict[str, RadialSpectrum], paths: dict[str, str]) -> None:
    """One series behind the other; ``paths`` are their images or sets."""
    units = units_of(next(iter(series.values())))
    rows = (
        [name, *values, paths[name], *units.values()]
        for name, spectrum in series.items()
        for values in zip(*(getattr(spectrum, c).tolist() for c in RINGS), strict=True)
    )
    write_table(out, ["series", *RINGS, "path", *units], rows)


def units_of(spectrum: RadialSpectrum) -> dict[str, str]:
    """Units of frequency and power, by the names of their columns; pixels are pure numbers."""
    labels = spectrum.labels or Labels((None,) * len(spectrum.fs))
    known = dataclasses.replace(spectrum, labels=dataclasses.replace(labels, values=ONE))
    return {name: str(unit[0]) for name, unit in unit_columns(known, "frequency", "power").items()}


def masked_columns(spectra: MaskedSpectra) -> dict[str, Any]:
    """The spectra of an image of which a part is visible, by the names of their columns."""
    columns: dict[str, Any] = {
        "frequency": spectra.naive.frequency,
        "count": spectra.naive.count,
        "naive": spectra.naive.power,
    }
    if spectra.unmasked is not None:
        columns |= {"unmasked": spectra.unmasked.power, "stderr": spectra.unmasked.stderr}
    if spectra.true is not None:
        columns["true"] = spectra.true.power
    return columns


def masked_data(spectra: MaskedSpectra, path: str) -> list[dict[str, Any]]:
    """The spectra of an image of which a part is visible, as plain values by name."""
    columns = masked_columns(spectra)
    shared = {"path": path, "frequency": columns["frequency"], "count": columns["count"]}
    return [
        {
            "series": name,
            **shared,
            "power": columns[name],
            "stderr": columns["stderr"] if name == "unmasked" else None,
        }
        for name in ("naive", "unmasked", "true")
        if name in columns
    ]


def write_masked(out: Path, spectra: MaskedSpectra, path: str) -> None:
    """A row for each ring."""
    told = {"path": path, **units_of(spectra.naive)}
    n = len(spectra.naive.power)
    texts = {name: np.full(n, value) for name, value in told.items()}
    write_columns(out, masked_columns(spectra) | texts)
