"""The files of a comparison: tables, pictures and the page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from spectral_mae._files.atomic_file import publish, write_whole
from spectral_mae._files.column_notes import COLUMNS_JSON, write_column_notes
from spectral_mae._files.columns import write_rows
from spectral_mae.batch.columns.comparison import COMPARE
from spectral_mae.batch.compare.pictures import SHOWN, Shown, draw_pictures
from spectral_mae.batch.compare.result import CompareResult
from spectral_mae.batch.pages.page import render_page
from spectral_mae.cross_spectra.averages import RadialCrossSpectrum
from spectral_mae.spectra.octaves import OCTAVES, all_octave_names

__all__ = ["FILES", "SHOWN", "Shown", "write_report"]

PAGE, RECORD = "report.html", "run.json"
TABLES = ("models.csv", "octaves.csv", "rings.csv", "images.csv")
FILES = (PAGE, RECORD, *TABLES, COLUMNS_JSON)
LISTED = 500  # rows of a table on the page


def write_report(
    out: Path, result: CompareResult, shown: Sequence[Shown], about: Mapping[str, Any]
) -> Path:
    """Write tables, pictures and the page of a comparison.

    Parameters
    ----------
    out : Path
        Folder to write; made if it is not there. Pictures of an earlier run in it are replaced.
    result : CompareResult
        What was found.
    shown : sequence of Shown
        Images for the pictures.
    about : mapping
        What ``run.json`` says of the run: ``options``, ``masks``, ``versions``, ``fft``,
        ``started``.

    Returns
    -------
    Path
        The page.
    """
    earlier = _earlier_pictures(out)
    (out / "figures").mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".compare-", dir=out) as scratch:
        figures = Path(scratch)
        pictures = list(draw_pictures(figures, result, shown)) if result.names else []
        page = render_page(
            "spectral_mae.batch.compare",
            "compare.html",
            figures,
            pictures,
            result=result,
            about=about,
            octaves=octave_rows(result),
            listed=LISTED,
        )
        drawn = [name for picture in pictures for name in picture.files]
        for name in drawn:
            publish(figures / name, out / "figures" / name)
    tables = {"images.csv": result.rows}
    if result.names:
        tables |= {
            "models.csv": result.summaries,
            "octaves.csv": list(_table_rows(result.octaves)),
            "rings.csv": list(_table_rows(result.rings)),
        }
    for name in TABLES:
        if tables.get(name):
            write_rows(out / name, tables[name])
        else:
            (out / name).unlink(missing_ok=True)
    write_column_notes(out, {name: COMPARE[name] for name in TABLES if tables.get(name)})
    write_whole(out / PAGE, page)
    files = [COLUMNS_JSON, *(name for name in TABLES if tables.get(name))]
    files += [PAGE, *(f"figures/{name}" for name in drawn)]
    record = {
        "command": "compare",
        "status": "complete",
        **about,
        "counts": result.counts,
        "failures": result.failures,
        "by_order": list(result.by_order),
        "models": _finite(result.summaries),
        "files": files,
    }
    write_whole(out / RECORD, json.dumps(record, indent=2) + "\n")
    for name in earlier - set(files):
        (out / name).unlink(missing_ok=True)
    return out / PAGE


def octave_rows(result: CompareResult) -> list[dict[str, Any]]:
    """A row for each octave, with the numbers of each model.

    Parameters
    ----------
    result : CompareResult
        What was found.

    Returns
    -------
    list of dict
        ``name``, in cycles/pixel, and ``models``: explained power, its standard error, gain,
        Fourier ring correlation of each.
    """
    if not result.names:
        return []
    first = next(iter(result.octaves.values()))
    return [
        {
            "name": _octave_name(first.frequency[i]),
            "models": [
                {
                    "explained": float(one.explained[i]),
                    "stderr": float(one.stderr["explained"][i]),
                    "gain": float(one.gain[i]),
                    "frc": float(one.frc[i]),
                }
                for one in result.octaves.values()
            ],
        }
        for i in range(len(first.frequency))
    ]


def _octave_name(frequency: float) -> str:
    named = zip(OCTAVES, all_octave_names(), strict=True)
    return next(name for (low, high), name in named if low <= frequency < high)


def _table_rows(by_label: Mapping[str, RadialCrossSpectrum]) -> Iterator[dict[str, Any]]:
    for label, one in by_label.items():
        columns = {name: column.tolist() for name, column in one.columns().items()}
        for values in zip(*columns.values(), strict=True):
            yield {"model": label, **dict(zip(columns, values, strict=True))}


def _finite(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows in which numbers that JSON does not know are None."""
    return [
        {
            name: None if isinstance(value, float) and not np.isfinite(value) else value
            for name, value in row.items()
        }
        for row in rows
    ]


def _earlier_pictures(out: Path) -> set[str]:
    """Pictures that the record of an earlier comparison in this folder lists as its own."""
    try:
        listed = json.loads((out / RECORD).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    figures = (Path(name).name for name in listed if str(name).startswith("figures/"))
    return {f"figures/{name}" for name in figures if name.endswith((".png", ".svg"))}
