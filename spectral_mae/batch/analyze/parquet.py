"""The tables of a run as Parquet files, with the columns of the CSV files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._files.parquet_table import parquet_of_csv, parquet_table
from spectral_mae.batch.analyze.tables import SPECTRA
from spectral_mae.batch.columns import analysis

SERIES = ("original", "masked", "expected")  # of spectra.csv
ROWS = 2**17  # numbers of one series that are written together


def write_parquet(folder: Path, names: Path, columns: Mapping[str, Path]) -> None:
    """Write images.parquet, spectra.parquet and mean_spectra.parquet into a folder.

    Parameters
    ----------
    folder : Path
        Which holds images.csv and mean_spectra.csv.
    names : Path
        A line of JSON for each image that was analysed: its title.
    columns : mapping of Path
        The numbers of each array of spectra.npz, one behind the other.
    """
    for name, notes in (("images", analysis.IMAGES), ("mean_spectra", analysis.MEAN_SPECTRA)):
        parquet_of_csv(folder / f"{name}.csv", folder / f"{name}.parquet", notes)
    with names.open(encoding="utf-8") as lines:
        titles = np.array([json.loads(line) for line in lines], dtype=object)
    target = folder / "spectra.parquet"
    with parquet_table(target, analysis.SPECTRA, varied=("power",)) as table:
        for part in _parts(columns):
            table.write(_tidy(part, titles))


def _parts(columns: Mapping[str, Path]) -> Iterator[dict[str, NDArray[Any]]]:
    """The arrays some images at a time, all numbers of an image together."""
    if not columns["image"].stat().st_size:
        return
    arrays = {name: np.memmap(path, SPECTRA[name], mode="r") for name, path in columns.items()}
    image = arrays["image"]
    first = 0
    while first < len(image):
        behind = min(first + ROWS, len(image)) - 1
        end = int(np.searchsorted(image, image[behind], side="right"))
        yield {name: np.array(array[first:end]) for name, array in arrays.items()}
        first = end


def _tidy(part: Mapping[str, NDArray[Any]], titles: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Rows of spectra.csv: one series of an image and patch size behind the other."""
    starts = (np.diff(part["image"]) != 0) | (np.diff(part["patch_size"]) != 0)
    block = np.concatenate([[0], np.cumsum(starts)])
    n, m = len(block), len(SERIES)
    power = np.concatenate([part[name] for name in SERIES])
    series = np.repeat(np.arange(m), n)
    place = np.tile(np.arange(n), m)
    order = np.argsort(m * np.tile(block, m) + series, kind="stable")
    undrawn = (series == SERIES.index("masked")) & np.isnan(power)
    order = order[~undrawn[order]]
    place = place[order]
    return {
        "path": titles[part["image"][place]],
        "patch_size": part["patch_size"][place],
        "series": np.array(SERIES, dtype=object)[series[order]],
        "frequency": part["frequency"][place],
        "power": power[order],
    }
