"""The page of a run as HTML: what its tables say in short, and what the numbers mean."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import scipy.special

from spectral_mae.batch.analyze import tables
from spectral_mae.batch.analyze.mean_spectra import MeanSpectra
from spectral_mae.batch.analyze.options import AnalyzeOptions
from spectral_mae.batch.analyze.outcomes import Outcome
from spectral_mae.batch.analyze.run_tables import RunTables
from spectral_mae.batch.analyze.summary.answer import answer
from spectral_mae.batch.analyze.summary.choice import Chosen, reason, scores
from spectral_mae.batch.analyze.summary.filling import Explained
from spectral_mae.batch.analyze.summary.next_steps import next_steps
from spectral_mae.batch.analyze.summary.octave_words import FINE, wave_words
from spectral_mae.batch.analyze.summary.page_numbers import Numbers
from spectral_mae.batch.analyze.summary.rounding import percent, significant
from spectral_mae.batch.analyze.summary.rows import page_rows, shown_name
from spectral_mae.batch.analyze.summary.sample import SampledImage
from spectral_mae.batch.pages.page import file_address, render_page
from spectral_mae.batch.pages.picture import Picture, short_name
from spectral_mae.batch.pages.saving import save_thumbnail
from spectral_mae.images.samples import Pixels, luma
from spectral_mae.linear.moments.kinds import StationaryMoments
from spectral_mae.spectra.octaves import OCTAVES, all_octave_names

LISTED = 500  # failures on the page; images.csv has them all
ALL_THUMBNAILS = 24  # images of which all have a small picture


@dataclass(frozen=True)
class RunResults:
    """What a run has found, in its tables and in short.

    Attributes
    ----------
    tables : RunTables
        In whose folder pictures and page are made before they are published.
    shown : sequence of Outcome
        Of the images that the page shows, in the order of ``chosen``.
    chosen : sequence of Chosen
        Which they are, and why.
    numbers : Numbers
        Of all images.
    spectra : MeanSpectra
    n_images, n_analysed : int
        Images that were come to, and that were analysed.
    moments : StationaryMoments or None
        Of the images of the shape that most have, for pictures of what models make of them.
    read_again : callable
        Gives the pixels of an outcome whose image was too large to be kept, or None.
    sampled : sequence of SampledImage
        Images that were read once more, for thumbnails and for what models fill in of them.
    """

    tables: RunTables
    shown: Sequence[Outcome]
    chosen: Sequence[Chosen]
    numbers: Numbers
    spectra: MeanSpectra
    n_images: int
    n_analysed: int
    moments: StationaryMoments | None = None
    read_again: Callable[[Outcome], Pixels | None] = lambda _: None
    sampled: Sequence[SampledImage] = ()


def render(
    figures: Path,
    pictures: Sequence[Picture],
    results: RunResults,
    options: AnalyzeOptions,
    run: Mapping[str, Any],
    explained: Mapping[int, Explained],
) -> str:
    """The page, with its pictures inside; ``explained`` says what models explain."""
    numbers, run_tables = results.numbers, results.tables
    failed, n_failed, folder = _listed(run_tables.images)
    found = answer(numbers, explained, options.patch_sizes) if len(numbers) else None
    unusual = [] if found is None else found.rows
    chosen = run_tables.names_of([one.row for one in results.chosen])
    thumbs = _thumbnails(figures, results, {*unusual, *(one.row for one in results.chosen)})
    rows = page_rows(
        run_tables, numbers, folder, curves=options.figures, thumbs=thumbs, explained=explained
    )
    far = scores(numbers) if unusual else None
    return render_page(
        "spectral_mae.batch.analyze",
        "report.html",
        figures,
        pictures,
        options=options,
        run=run,
        answer=found,
        images=_images_text(run["options"]["paths"], results.n_images),
        chosen=[
            (one, name, shown_name(name, folder))
            for one, name in zip(results.chosen, chosen, strict=True)
        ],
        unusual=[
            (row, shown_name(name, folder), reason(numbers, far, row), thumbs.get(row))
            for row, name in zip(unusual, run_tables.names_of(unusual), strict=True)
            if far is not None
        ],
        thumbs=thumbs,
        explained=explained,
        steps=next_steps(options, run, chosen),
        check=_check_sentence(options, numbers),
        rows=json.dumps(rows, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
        rows_left_out=len(numbers) - len(rows["rows"]),
        has_curves=bool(rows["curves"]),
        folder=folder,
        failed=failed,
        n_failed=n_failed,
        n_images=results.n_images,
        n_done=results.n_analysed,
        within_expected=2 * float(scipy.special.stdtr(options.n_draws - 1, 2.0)) - 1,
        summary=[_summary(p, numbers) for p in options.patch_sizes],
        octaves=[(i, name, wave_words(i)) for i, name in enumerate(all_octave_names())],
        fine=FINE,
        n_missing=numbers.n_missing,
        percent=_percent,
        significant=significant,
        whole=percent,
    )


def _thumbnails(figures: Path, results: RunResults, wanted: set[int]) -> dict[int, str]:
    """Small pictures as addresses, by row: of the wanted images, or all of a few."""
    found = {}
    for number, one in enumerate(results.sampled):
        rows = set(one.rows.values())
        if wanted & rows or len(results.sampled) <= ALL_THUMBNAILS:
            path = figures / f"thumbnail-row-{number}.webp"
            save_thumbnail(luma(one.pixels), path)
            found.update(dict.fromkeys(rows, file_address(path)))
    return found


def _check_sentence(options: AnalyzeOptions, numbers: Numbers) -> str:
    """Whether the formulas are right on the images, in a sentence."""
    of_errors = [numbers.there(name).size for name in ("eq18_error", "mask_dft_error")]
    if not any(of_errors):
        return "Nothing was checked in this run."
    n_bad = int(numbers.defective.sum())
    if n_bad:
        return f"No: an error is above its bound in {n_bad} of {len(numbers)} rows."
    return "Yes: all errors are within what rounding explains."


def _images_text(paths: Sequence[str], n: int) -> str:
    """Which images a run was about, for the title of its page."""
    images = f"{n} image{'' if n == 1 else 's'}"
    if not paths or list(paths) == ["builtin:"]:
        return f"{images} of scikit-image"
    if len(paths) > 3:
        return f"{images} from {short_name(paths[0])} and {len(paths) - 1} other places"
    return f"{images}: {', '.join(map(short_name, paths))}"


def _percent(ends: tuple[float, float]) -> str:
    """A fraction in percent, or the range of several."""
    low, high = (f"{100 * end:.3g}" for end in ends)
    return f"{low} %" if low == high else f"{low} to {high} %"


def _listed(table: Path) -> tuple[list[tuple[str, str]], int, str]:
    """Of images.csv: the first failures, how many there are, and the folder of all images."""
    failed: dict[tuple[str, str], None] = {}
    n_failed = 0
    folder: str | None = None
    last = None
    for row in tables.read_images_csv(table):
        if row["status"] == "ok":
            folder = _folder(row["path"]) if folder is None else folder
            while not row["path"].startswith(folder):
                folder = _folder(folder.removesuffix("/"))
        elif (one := (row["path"], row["error"])) != last:
            n_failed, last = n_failed + 1, one
            if len(failed) < LISTED:
                failed[one] = None
    return list(failed), n_failed, folder or ""


def _folder(name: str) -> str:
    return name[: name.rfind("/") + 1]


@dataclass(frozen=True)
class _Summary:
    """Numbers over all images at one patch size."""

    patch_size: int
    n: int
    mask_ratios: tuple[float, float]
    slope: float | None
    leakage: float | None
    leakage_centred: float | None
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
        leakage_centred=found.median("leakage_centred"),
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
