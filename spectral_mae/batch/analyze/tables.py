"""Outcomes as tables: images.csv, spectra.csv, spectra.npz."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.batch.analyze.outcomes import Outcome
from spectral_mae.batch.analyze.records.record import MaskingAnalysis, octave_columns

# Errors at rounding level mean nothing beyond their first digits.
_ROUGH = ("eq18_error", "mask_dft_error")
COLUMNS = (
    "path",
    "patch_size",
    "status",
    "error",
    "height",
    "width",
    "design",
    "mask_ratio",
    "missing",
    "mean",
    "std",
    "slope",
    "slope_stderr",
    "leakage",
    "leakage_centred",
    *octave_columns(),
    "eq18_error",
    "mask_dft_error",
    "agreement_rms",
    "agreement_max",
    "notes",
)
SERIES = ("original", "masked", "expected")
LINE_END = "\r\n"  # of the csv module
START = "\0"  # in the place of the first columns of a row, while its numbers are written
SPECTRA_COLUMNS = ("path", "patch_size", "series", "frequency", "power")
SPECTRA = {
    "image": "<i8",
    "patch_size": "<i8",
    "frequency": "<f8",
    "count": "<i8",
    "original": "<f8",
    "masked": "<f8",
    "masked_std": "<f8",
    "expected": "<f8",
    "expected_centred": "<f8",
}
# Of each image other numbers: to compress them takes most of the time of the file and saves 5 %.
POWERS = ("original", "expected", "expected_centred")


def image_rows(outcomes: Sequence[Outcome]) -> Iterator[list[str]]:
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
        yield [_text(name, row.get(name)) for name in COLUMNS]


def read_images_csv(path: Path) -> Iterator[dict[str, str]]:
    """The rows of images.csv, one after the other."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        names = next(rows, [])
        for row in rows:  # in half of the time that `csv.DictReader` takes
            yield dict(zip(names, row, strict=True))


def images_text(outcomes: Sequence[Outcome]) -> str:
    """The rows of images.csv: one per image and patch size."""
    text = io.StringIO()
    csv.writer(text).writerows(image_rows(outcomes))
    return text.getvalue()


def spectra_text(outcomes: Sequence[Outcome]) -> str:
    """The rows of spectra.csv: the radial spectra in tidy form."""
    parts: list[str] = []
    known: FloatArray | None = None
    rows = ""
    for outcome, analysis in _analysed(outcomes):
        if analysis.original.frequency is not known:  # images of one shape share their rings
            known = analysis.original.frequency
            rows = "".join(f"{START},{f:.8g},%.8g{LINE_END}" for f in known.tolist())
        for series, spectrum in analysis.series.items():
            # The writer quotes names; line by line it takes several times as long.
            start = header([outcome.name, outcome.patch_size, series]).removesuffix(LINE_END)
            parts.append((rows % tuple(spectrum.power.tolist())).replace(START, start))
    return "".join(parts)


def header(columns: Sequence[object]) -> str:
    """A row of a table, such as the first."""
    text = io.StringIO()
    csv.writer(text).writerow(columns)
    return text.getvalue()


def spectra_columns(images: Sequence[Sequence[Outcome]]) -> dict[str, NDArray[Any]]:
    """The arrays of spectra.npz by name, in the order of `SPECTRA`.

    ``image`` counts the images, each of which was analysed at some patch size.
    """
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in SPECTRA}
    numbered = ((i, *pair) for i, image in enumerate(images) for pair in _analysed(image))
    for index, outcome, analysis in numbered:
        n = len(analysis.original.frequency)
        drawn = analysis.drawn
        none = np.full(n, np.nan)
        values = (
            np.full(n, index),
            np.full(n, outcome.patch_size),
            analysis.original.frequency,
            analysis.original.count,
            analysis.original.power,
            none if drawn is None else drawn.power,
            none if drawn is None else drawn.std,
            analysis.expected.power,
            analysis.expected_centred.power,
        )
        for (name, dtype), value in zip(SPECTRA.items(), values, strict=True):
            columns[name].append(np.asarray(value, dtype))
    return {
        name: np.concatenate(columns[name] or [np.empty(0, dtype)])
        for name, dtype in SPECTRA.items()
    }


def write_spectra_npz(path: Path, names: Path, columns: Mapping[str, Path]) -> None:
    """Write the radial spectra as long arrays of equal length, without pickles.

    ``image`` indexes ``paths``; the other arrays are ``patch_size``, ``frequency``, ``count``,
    ``original``, ``masked``, ``masked_std`` (spread from mask to mask), ``expected`` and
    ``expected_centred`` (with the mean subtracted before masking). Of images for which no masks
    were drawn ``masked`` and ``masked_std`` are NaN.

    Parameters
    ----------
    path : Path
        The npz file to write.
    names : Path
        A line of JSON for each image that was analysed.
    columns : mapping of Path
        The numbers of each array, one behind the other; they are not read into memory.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with names.open(encoding="utf-8") as lines:
            paths = np.array([json.loads(line) for line in lines], dtype=str)
        _add(archive, "paths", paths.dtype, len(paths), io.BytesIO(paths.tobytes()))
        for name, dtype in SPECTRA.items():
            if name in POWERS:
                archive.compression = zipfile.ZIP_STORED
            else:
                archive.compression = zipfile.ZIP_DEFLATED
            with columns[name].open("rb") as numbers:
                size = columns[name].stat().st_size // np.dtype(dtype).itemsize
                _add(archive, name, np.dtype(dtype), size, numbers)


def _add(
    archive: zipfile.ZipFile, name: str, dtype: np.dtype[Any], size: int, numbers: BinaryIO
) -> None:
    info = zipfile.ZipInfo(f"{name}.npy")  # of no date: equal arrays give equal files
    info.compress_type = archive.compression
    with archive.open(info, "w", force_zip64=True) as member:
        described = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": (size,)}
        npy.write_array_header_1_0(member, described)
        shutil.copyfileobj(numbers, member, 2**20)


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
