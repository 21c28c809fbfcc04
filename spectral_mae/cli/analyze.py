"""``spectral-mae analyze``: from parsed arguments to `analyze_images`, and what it prints."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from spectral_mae.batch.analyze import report
from spectral_mae.batch.analyze.options import AnalyzeOptions
from spectral_mae.batch.analyze.result import AnalyzeInterrupted, AnalyzeResult
from spectral_mae.batch.analyze.run import analyze_images
from spectral_mae.batch.chunks import EngineFailed
from spectral_mae.batch.errors import FailFast
from spectral_mae.cli.console import messages
from spectral_mae.cli.console.answer import (
    DEFECT,
    NOTHING,
    OK,
    SOME_FAILED,
    Answer,
    exit_code,
    failures,
    written,
)
from spectral_mae.cli.errors import ended, run_errors, usage_errors
from spectral_mae.cli.shared import (
    count_or_all,
    given_paths,
    masking,
    pixels_or_native,
    run_options,
)

NAMED = 5  # images that a message names


def analyze(arguments: argparse.Namespace) -> Answer:
    """``spectral-mae analyze``.

    Exit 0, 1 (some images failed), 3 (nothing usable), 4 (a formula failed its check) or 130.
    """
    with usage_errors():
        options = AnalyzeOptions(
            patch_sizes=tuple(dict.fromkeys(arguments.patch_size or [16])),
            **masking(arguments),
            size=pixels_or_native(arguments.size),
            n_draws=arguments.masks,
            rng=arguments.seed,
            detrend=detrend(arguments.detrend),
            color=arguments.color,
            max_pixels=arguments.max_pixels,
            checks=arguments.checks,
            nan=arguments.nan,
            masks_for=count_or_all("--masks-for", arguments.masks_for),
            figures=not arguments.no_figures,
            table_format=arguments.table_format,
        )
        running = run_options(arguments)
    try:
        with run_errors():
            paths = given_paths(arguments.paths)
            result = analyze_images(paths, options, out=arguments.out, run=running)
    except (FailFast, EngineFailed) as error:
        messages.error("analyze", ended(error))
        return Answer(SOME_FAILED, found={"status": "interrupted", "error": str(error)})
    except AnalyzeInterrupted as interrupt:
        lines = _told(interrupt.result, options, quiet=arguments.quiet)
        messages.interrupted(interrupt, "; the page shows what was done")
        return Answer(exit_code(interrupt), lines, _found(interrupt.result))
    if result.found_complete:
        lines = iter([f"page: {result.page}", "complete already"])
    else:
        lines = _told(result, options, quiet=arguments.quiet)
        if result.counts["checks_failed"]:
            _tell_defects(result)
    return Answer(_exit_code(result), lines, _found(result))


def _found(result: AnalyzeResult) -> dict[str, Any]:
    out = None if result.page is None else result.page.parent
    files = written(out, ["report.html", "run.json", *report.ALL_TABLES])
    return {**result.to_dict(), "failures": failures(result.failures), "files": files}


def detrend(name: str) -> Any:
    """``--detrend``: None for "none"."""
    return None if name == "none" else name


def _exit_code(result: AnalyzeResult) -> int:
    counts = result.counts
    if not counts["analysed"]:
        return NOTHING
    if counts["checks_failed"]:
        return DEFECT
    return SOME_FAILED if counts["failed"] else OK


def _told(result: AnalyzeResult, options: AnalyzeOptions, *, quiet: bool) -> Iterator[str]:
    counts = result.counts
    if not quiet:
        others = counts["passed_over"]
        passed = f", {others} other files passed over" if others else ""
        yield (
            f"{counts['analysed']} of {counts['found']} images analysed, "
            f"{counts['failed']} failed{passed}"
        )
        if counts.get("with_missing_pixels"):
            yield (
                f"in {counts['with_missing_pixels']} of them pixels are missing: their spectra are "
                "unmasked, and no masks were drawn"
            )
        if options.size is not None:
            yield f"shorter sides resized to {options.size} pixels; --size native keeps them"
    if result.page is not None:
        yield f"page: {result.page}"


def _tell_defects(result: AnalyzeResult) -> None:
    defects = result.defects
    more = ", ..." if len(defects) > NAMED else ""
    print(
        f"{len(defects)} checks of the formulas FAILED: red on the page, and in the notes of "
        f"images.csv ({', '.join(defects[:NAMED])}{more})",
        file=sys.stderr,
    )
