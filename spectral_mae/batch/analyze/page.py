"""The page of a run as HTML: what its tables say in short, and what the numbers mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import scipy.special

from spectral_mae.batch.analyze import tables
from spectral_mae.batch.analyze.image_analysis import octave_columns
from spectral_mae.batch.analyze.mean_spectra import MeanSpectra
from spectral_mae.batch.analyze.outcomes import AnalyzeOptions, Outcome
from spectral_mae.batch.analyze.page_numbers import Numbers
from spectral_mae.batch.analyze.run_tables import RunTables
from spectral_mae.batch.pages.page import render_page
from spectral_mae.batch.pages.picture import Picture
from spectral_mae.images.samples import Pixels
from spectral_mae.linear.moments.kinds import StationaryMoments
from spectral_mae.spectra.octaves import OCTAVES, all_octave_names

LISTED = 500  # rows of the table on the page; images.csv has them all


@dataclass(frozen=True)
class RunResults:
    """What a run has found, in its tables and in short.

    Attributes
    ----------
    tables : RunTables
        In whose folder pictures and page are made before they are published.
    shown : sequence of Outcome
        Of the first images that were analysed.
    numbers : Numbers
        Of all images.
    spectra : MeanSpectra
    n_images, n_analysed : int
        Images that were come to, and that were analysed.
    moments : StationaryMoments or None
        Of the images of the shape that most have, for pictures of what models make of them.
    read_again : callable
        Gives the pixels of an outcome whose image was too large to be kept, or None.
    """

    tables: RunTables
    shown: Sequence[Outcome]
    numbers: Numbers
    spectra: MeanSpectra
    n_images: int
    n_analysed: int
    moments: StationaryMoments | None = None
    read_again: Callable[[Outcome], Pixels | None] = lambda _: None


def render(
    figures: Path,
    pictures: Sequence[Picture],
    results: RunResults,
    options: AnalyzeOptions,
    run: Mapping[str, Any],
) -> str:
    """The page, with its pictures inside."""
    rows, failed, n_rows, n_failed, folder = _listed(results.tables.images, results.numbers)
    n_done = results.n_analysed
    return render_page(
        "spectral_mae.batch.analyze",
        "report.html",
        figures,
        pictures,
        options=options,
        run=run,
        rows=rows,
        n_rows=n_rows,
        folder=folder,
        failed=failed,
        n_failed=n_failed,
        n_images=results.n_images,
        n_done=n_done,
        within_expected=2 * float(scipy.special.stdtr(options.n_draws - 1, 2.0)) - 1,
        summary=[_summary(p, results.numbers) for p in options.patch_sizes],
        octaves=all_octave_names(),
        octave_columns=octave_columns()[: len(OCTAVES)],
        pictured=sum(picture.file.startswith("masking-") for picture in pictures),
        n_missing=results.numbers.n_missing,
        percent=_percent,
    )


def _percent(ends: tuple[float, float]) -> str:
    """A fraction in percent, or the range of several."""
    low, high = (f"{100 * end:.3g}" for end in ends)
    return f"{low} %" if low == high else f"{low} to {high} %"


_Row = tuple[dict[str, str], dict[str, bool]]  # and which of its errors exceed their bound
_Listed = tuple[list[_Row], list[tuple[str, str]], int, int, str]


def _listed(table: Path, numbers: Numbers) -> _Listed:
    """Of images.csv: the first rows, the first failures, how many of each, the folder of all.

    Rows with an error above its bound are among the rows wherever they stand.
    """
    rows: list[_Row] = []
    n_defective = 0
    defective = numbers.defective
    above = {name: numbers[name] > numbers["bound"] for name in ("eq18_error", "mask_dft_error")}
    failed: dict[tuple[str, str], None] = {}
    n_rows = n_failed = 0
    folders: set[str] = set()
    last = None
    for row in tables.read_images_csv(table):
        if row["status"] == "ok":
            extra = bool(defective[n_rows]) and n_defective < LISTED
            if n_rows < LISTED or extra:
                rows.append((row, {name: bool(column[n_rows]) for name, column in above.items()}))
                n_defective += extra
            n_rows += 1
            if len(folders) < 2:
                folders.add(row["path"].removesuffix(row["path"].rpartition("/")[2]))
        elif (one := (row["path"], row["error"])) != last:
            n_failed, last = n_failed + 1, one
            if len(failed) < LISTED:
                failed[one] = None
    return rows, list(failed), n_rows, n_failed, folders.pop() if len(folders) == 1 else ""


@dataclass(frozen=True)
class _Summary:
    """Numbers over all images at one patch size."""

    patch_size: int
    n: int
    mask_ratios: tuple[float, float]
    slope: float | None
    leakage: float | None
    octaves: list[float | None]
    octaves_centred: list[float | None]
    eq18_error: float | None
    eq18_defects: int
    n_checked: int
    mask_dft_error: float | None
    mask_dft_defects: int
    bounds: tuple[float, float]
    n_compared: int
    within_two: float


def _summary(patch_size: int, numbers: Numbers) -> _Summary | None:
    found = numbers.of_size(patch_size)
    if not len(found):
        return None
    whole = Numbers(found.rows[found["missing"] == 0])  # other slopes are fitted in another way
    bound, n_scores = found["bound"], found["n_scores"].sum()
    return _Summary(
        patch_size=patch_size,
        n=len(found),
        mask_ratios=(float(found["mask_ratio"].min()), float(found["mask_ratio"].max())),
        slope=(whole if len(whole) else found).median("slope"),
        leakage=found.median("leakage"),
        octaves=[found.median(f"octave_{i}") for i in range(len(OCTAVES))],
        octaves_centred=[found.median(f"centred_{i}") for i in range(len(OCTAVES))],
        eq18_error=found.worst("eq18_error"),
        eq18_defects=int((found["eq18_error"] > bound).sum()),
        n_checked=found.there("eq18_error").size,
        mask_dft_error=found.worst("mask_dft_error"),
        mask_dft_defects=int((found["mask_dft_error"] > bound).sum()),
        bounds=(float(bound.min()), float(bound.max())),
        n_compared=found.there("mask_dft_error").size,
        within_two=float(found["n_within"].sum() / n_scores) if n_scores else math.nan,
    )
