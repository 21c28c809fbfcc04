"""``spectral-mae analyze``: from parsed arguments to `analyze_images`, and what it prints."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from spectral_mae.batch.analyze.outcomes import AnalyzeOptions
from spectral_mae.batch.analyze.result import AnalyzeInterrupted, AnalyzeResult
from spectral_mae.batch.analyze.run import analyze_images
from spectral_mae.batch.chunks import EngineFailed
from spectral_mae.batch.errors import FailFast
from spectral_mae.cli.errors import ended, run_errors, usage_errors
from spectral_mae.cli.shared import (
    DEFECT,
    NOTHING,
    OK,
    SOME_FAILED,
    count_or_all,
    given_paths,
    masking,
    pixels_or_native,
    run_options,
)

NAMED = 5  # images that a message names


def analyze(arguments: argparse.Namespace) -> int:
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
        print(f"spectral-mae analyze: {ended(error)}", file=sys.stderr)
        return SOME_FAILED
    except AnalyzeInterrupted as interrupt:
        _tell(interrupt.result, options, quiet=arguments.quiet)
        print(interrupt, file=sys.stderr)
        raise
    if result.found_complete:
        print(f"page: {result.page}\ncomplete already")
    else:
        _tell(result, options, quiet=arguments.quiet)
    return _exit_code(result)


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


def _tell(result: AnalyzeResult, options: AnalyzeOptions, *, quiet: bool) -> None:
    counts = result.counts
    if not quiet:
        others = counts["passed_over"]
        passed = f", {others} other files passed over" if others else ""
        print(
            f"{counts['analysed']} of {counts['found']} images analysed, "
            f"{counts['failed']} failed{passed}"
        )
        if counts.get("with_missing_pixels"):
            print(
                f"in {counts['with_missing_pixels']} of them pixels are missing: their spectra are "
                "unmasked, and no masks were drawn"
            )
        if options.size is not None:
            print(f"shorter sides resized to {options.size} pixels; --size native keeps them")
    if counts["checks_failed"]:
        defects = result.defects
        more = ", ..." if len(defects) > NAMED else ""
        print(
            f"{len(defects)} checks of the formulas FAILED: red on the page, and in the notes of "
            f"images.csv ({', '.join(defects[:NAMED])}{more})",
            file=sys.stderr,
        )
    print(f"page: {result.page}")
