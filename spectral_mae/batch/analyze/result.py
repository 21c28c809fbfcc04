"""What a run of ``analyze`` has found, read from its tables when it is asked for."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from spectral_mae._files.array_file import read_arrays
from spectral_mae.batch.analyze.records.record import DEFECT

_TEXTS = frozenset({"path", "design", "status", "error", "notes", "series"})


@dataclass(frozen=True, eq=False)
class AnalyzeResult:
    """What `analyze_images` has found.

    Attributes
    ----------
    status : {"complete", "interrupted"}
    counts : dict of int
        Images: ``found``, ``analysed``, ``failed``, and ``passed_over`` (other files in folders);
        ``checks_failed`` counts images and patch sizes at which a formula failed its check,
        ``with_missing_pixels`` images that were analysed with holes.
    page : Path or None
        The page of the run; None where no ``out`` was given.
    found_complete : bool
        Whether a complete run was there already, so that nothing was left to do.
    folder : Path
        Where the tables are. They are read when they are first asked for.

    Examples
    --------
    >>> import numpy as np
    >>> import spectral_mae as sm
    >>> options = sm.AnalyzeOptions(patch_sizes=(4,), size=16, n_draws=2)
    >>> result = sm.analyze_images(np.random.default_rng(0).random((1, 16, 16)), options)
    >>> result.status, result.counts["analysed"], result.failures, result.defects
    ('complete', 1, [], [])
    >>> result.spectra["expected"].shape == result.spectra["frequency"].shape
    True
    """

    status: str
    counts: Mapping[str, int]
    page: Path | None
    found_complete: bool
    folder: Path

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of images.csv: a dict for each image and patch size; None is no number."""
        return _read_rows(self.folder / "images.csv")

    @cached_property
    def spectra(self) -> dict[str, NDArray[Any]]:
        """The radial spectra of all images, as the long arrays of spectra.npz by name.

        ``paths`` are the titles of the images that were analysed, and ``image`` says which of
        them each number of ``frequency`` (cycles/pixel), ``count``, ``original``, ``masked``,
        ``masked_std``, ``expected`` and ``expected_centred`` (power) belongs to, and
        ``patch_size`` is in pixels.
        """
        return read_arrays(self.folder / "spectra.npz")

    @cached_property
    def mean_spectra(self) -> list[dict[str, Any]]:
        """The rows of mean_spectra.csv.

        For each shape, patch size, series and frequency: the mean of the power over images, and
        its standard deviation.
        """
        return _read_rows(self.folder / "mean_spectra.csv")

    @property
    def failures(self) -> list[tuple[str, str]]:
        """Title and reason of each image that could not be analysed, or not at every patch size."""
        failed = (row for row in self.rows if row["status"] == "failed")
        return list(dict.fromkeys((row["path"], row["error"]) for row in failed))

    @property
    def defects(self) -> list[str]:
        """Titles of images on which a formula failed its check, one for each patch size."""
        analysed = (row for row in self.rows if row["status"] == "ok")
        return [row["path"] for row in analysed if f" {DEFECT}: " in row["notes"]]

    def in_memory(self) -> AnalyzeResult:
        """Read all tables into memory, after which the folder of the run is not needed.

        Returns
        -------
        AnalyzeResult
            This result.
        """
        _ = self.rows, self.spectra, self.mean_spectra
        return self

    def to_dict(self) -> dict[str, Any]:
        """Status, counts, failures, rows and mean spectra as plain values.

        Returns
        -------
        dict
            Values that ``json.dumps`` takes, by name.
        """
        return {
            "status": self.status,
            "counts": dict(self.counts),
            "failures": self.failures,
            "rows": self.rows,
            "mean_spectra": self.mean_spectra,
            "page": None if self.page is None else str(self.page),
        }


class AnalyzeInterrupted(KeyboardInterrupt):
    """A run of `analyze_images` was interrupted.

    Parameters
    ----------
    result : AnalyzeResult
        Result of the images that were analysed before. It is kept as an attribute.
    signum : int or None
        Number of the signal; None if the interruption was no signal. It is kept as an attribute.
    """

    def __init__(self, result: AnalyzeResult, signum: int | None) -> None:
        super().__init__("interrupted: the page shows what was done")
        self.result, self.signum = result, signum


def _read_rows(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {name: text if name in _TEXTS else _number(text) for name, text in row.items()}
            for row in csv.DictReader(file)
        ]


def _number(text: str) -> int | float | None:
    if not text:
        return None
    return int(text) if text.lstrip("-").isdecimal() else float(text)
