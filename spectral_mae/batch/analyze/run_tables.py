"""The tables of a run of ``analyze``, which grow chunk by chunk in the folder of its journal."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae._files.column_notes import write_column_notes
from spectral_mae.batch.analyze import tables
from spectral_mae.batch.analyze.mean_spectra import MeanSpectra
from spectral_mae.batch.analyze.options import TableFormat
from spectral_mae.batch.analyze.outcomes import Outcome
from spectral_mae.batch.analyze.parquet import write_parquet
from spectral_mae.batch.analyze.summary.filling import Explained
from spectral_mae.batch.analyze.summary.page_numbers import Numbers
from spectral_mae.batch.analyze.summary.unusual_table import write_unusual
from spectral_mae.batch.columns.analysis import tables as table_columns
from spectral_mae.batch.journal import Journal

IMAGES, SPECTRA, UNUSUAL = "images.csv", "spectra.csv", "unusual.csv"
NUMBERS, NAMES = "numbers", "paths"
COLUMN = {name: f"spectra-{name}" for name in tables.SPECTRA}  # of spectra.npz


def rows_of(images: Sequence[Sequence[Outcome]], table_format: TableFormat) -> dict[str, bytes]:
    """Rows of the images of a chunk for every table, of the outcomes of each image.

    Those that were analysed are counted from 0.
    """
    outcomes = [outcome for image in images for outcome in image]
    analysed = [image for image in images if any(outcome.ok for outcome in image)]
    columns = tables.spectra_columns(analysed)
    return {
        IMAGES: tables.images_text(outcomes).encode(),
        **({SPECTRA: tables.spectra_text(outcomes).encode()} if table_format == "csv" else {}),
        NUMBERS: Numbers.of(outcomes).rows.tobytes(),
        NAMES: b"".join(json.dumps(image[0].name).encode() + b"\n" for image in analysed),
        **{COLUMN[name]: column.tobytes() for name, column in columns.items()},
    }


class RunTables:
    """What a run of ``analyze`` has written so far.

    Parameters
    ----------
    journal : Journal
        That of the run; it is open.
    table_format : {"csv", "parquet"}
        Of the spectra. Rows of CSV are added while the run goes on, Parquet is written at its end.

    Attributes
    ----------
    folder : Path
        Where the tables are.
    """

    def __init__(self, journal: Journal, table_format: TableFormat) -> None:
        self._journal = journal
        self._table_format = table_format
        self.folder = journal.folder
        if not journal.phases:
            journal.append(IMAGES, tables.header(tables.COLUMNS).encode())
            if table_format == "csv":
                journal.append(SPECTRA, tables.header(tables.SPECTRA_COLUMNS).encode())

    @property
    def images(self) -> Path:
        """images.csv as it is now."""
        return self.folder / IMAGES

    def append(self, rows: Mapping[str, bytes], n_before: int) -> None:
        """Add the rows of a chunk, before which ``n_before`` images were analysed."""
        for name, data in rows.items():
            if name == COLUMN["image"]:
                numbers = np.frombuffer(data, tables.SPECTRA["image"])
                self._journal.append(name, (numbers + n_before).tobytes())
            else:
                self._journal.append(name, data)

    def numbers(self) -> Numbers:
        """Numbers of all analysed images that the page shows."""
        return Numbers.read(self.folder / NUMBERS)

    def names_of(self, rows: Sequence[int]) -> list[str]:
        """Titles of the images of some rows, counted over those that were analysed."""
        wanted, found = set(rows), {}
        analysed = (row for row in tables.read_images_csv(self.images) if row["status"] == "ok")
        for number, row in enumerate(itertools.islice(analysed, max(rows, default=-1) + 1)):
            if number in wanted:
                found[number] = row["path"]
        return [found[number] for number in rows]

    def some_spectra(
        self, patch_size: int, frequency: FloatArray, most: int
    ) -> tuple[FloatArray, FloatArray]:
        """Power before and under masks of images with these rings, evenly spread over all.

        That under masks is of the images with their means subtracted.

        Each of the two has a row for an image and a column for a frequency.
        """
        before, under = [], []
        for spectrum in self.spectra(most):
            same = spectrum["patch_size"][0] == patch_size
            if same and np.array_equal(spectrum["frequency"], frequency):
                before.append(spectrum["original"])
                under.append(spectrum["expected_centred"])
        none = np.empty((0, len(frequency)))
        return (np.array(before), np.array(under)) if before else (none, none)

    def spectra(self, most: int) -> Iterator[dict[str, NDArray[Any]]]:
        """The radial spectra of at most so many images, spread evenly, one patch size at a time.

        Of all images they come in the order of the rows of images.csv that were analysed.
        """
        wanted = ("image", "patch_size", "frequency", "original", "expected_centred")
        paths = {name: self.folder / COLUMN[name] for name in wanted}
        if not paths["image"].stat().st_size:
            return
        columns = {
            name: np.memmap(path, tables.SPECTRA[name], mode="r") for name, path in paths.items()
        }
        image = columns["image"]
        n = int(image[-1]) + 1
        numbers = np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))
        for number in numbers:
            low, high = np.searchsorted(image, (number, number + 1))
            rows = {name: np.array(column[low:high]) for name, column in columns.items()}
            steps = np.flatnonzero(np.diff(rows["patch_size"])) + 1
            for start, end in itertools.pairwise((0, *steps.tolist(), high - low)):
                yield {name: column[start:end] for name, column in rows.items()}

    def flush(self) -> None:
        """Bring all tables to the disk, to be read; those without a row are empty files."""
        self._journal.flush()
        for name in (NAMES, *COLUMN.values()):
            (self.folder / name).touch()

    def write_derived(self, spectra: MeanSpectra, explained: Mapping[int, Explained]) -> None:
        """Write the tables that are made of others, and what all columns are.

        ``explained`` says what models fill in, by patch size.
        """
        columns = {name: self.folder / file for name, file in COLUMN.items()}
        tables.write_spectra_npz(self.folder / "spectra.npz", self.folder / NAMES, columns)
        spectra.write_csv(self.folder / "mean_spectra.csv")
        write_unusual(self.folder / UNUSUAL, self.images, self.numbers(), explained)
        if self._table_format == "parquet":
            write_parquet(self.folder, self.folder / NAMES, columns)
        write_column_notes(self.folder, table_columns(self._table_format))
