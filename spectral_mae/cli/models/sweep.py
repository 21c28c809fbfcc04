"""``spectral-mae sweep``: from parsed arguments to `sweep_images`, and what it prints."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Iterator

from spectral_mae.batch.chunks import EngineFailed
from spectral_mae.batch.errors import FailFast, NothingUsable
from spectral_mae.batch.models.mask_columns import columns_of
from spectral_mae.batch.models.sweep import FILES, SweepResult, sweep_images
from spectral_mae.cli.console import messages
from spectral_mae.cli.console.answer import NOTHING, OK, SOME_FAILED, Answer, failures, written
from spectral_mae.cli.errors import ended, run_errors, usage_errors
from spectral_mae.cli.shared import (
    chooses_shrinkage,
    first_shrinkage,
    given_paths,
    reading_options,
    run_options,
)

OPTIMISTIC = ", which chose the shrinkage (so it is a little optimistic)"


def sweep(arguments: argparse.Namespace) -> Answer:
    """``spectral-mae sweep``: explained power over mask ratios and patch sizes."""
    with usage_errors():
        reading = reading_options(arguments)
        shrinkage = first_shrinkage(arguments)
        running = run_options(arguments)
    try:
        with run_errors():
            result = sweep_images(
                given_paths(arguments.paths),
                arguments.patch_size,
                arguments.mask_ratio,
                **reading,
                sampling=arguments.sampling or "fixed",
                designs=arguments.design,
                target=arguments.target or "all",
                covariance=arguments.covariance,
                shrinkage="auto" if chooses_shrinkage(arguments) else shrinkage,
                out=arguments.out,
                run=running,
            )
    except (FailFast, EngineFailed) as error:
        messages.error("sweep", ended(error))
        return Answer(SOME_FAILED, found={"error": str(error)})
    except NothingUsable as error:
        print(error, file=sys.stderr)
        return Answer(NOTHING, found={"error": str(error)})
    lines: Iterable[str] = [f"{arguments.out} is complete already"]
    if not result.found_complete:
        lines = _told(result, arguments)
    found = {
        **result.to_dict(),
        "failures": failures(result.failures),
        "files": written(arguments.out, FILES),
    }
    return Answer(SOME_FAILED if result.counts["failed"] else OK, lines, found)


def _told(result: SweepResult, arguments: argparse.Namespace) -> Iterator[str]:
    counts, auto = result.counts, chooses_shrinkage(arguments)
    sizes = list(dict.fromkeys(arguments.patch_size))
    columns = columns_of(arguments.mask_ratio, arguments.sampling or "fixed", arguments.design)
    labels = [column.label for column in columns]
    heads = [label if isinstance(label, str) else f"m={label:g}" for label in labels]
    widths = [max(9, len(head) + 2) for head in heads]
    yield f"{counts['fitted']} images fitted, {counts['held_out']} held out"
    yield (
        f"explained power of {arguments.target or 'all'} pixels of the images held out"
        + (OPTIMISTIC if auto else "")
    )
    titles = zip(heads, widths, strict=True)
    yield "patch size  shrinkage" + "".join(f"{head:>{width}}" for head, width in titles)
    shrinks = arguments.covariance != "stationary"  # which shrinkage would not change
    chosen = {row["patch_size"]: f"{row['shrinkage']:g}" for row in result.rows if shrinks}
    for size, numbers in zip(sizes, result.table(sizes, labels).tolist(), strict=True):
        texts = ("–" if math.isnan(v) else f"{v:.4f}" for v in numbers)
        cells = "".join(f"{text:>{width}}" for text, width in zip(texts, widths, strict=True))
        yield f"{size:>10}{chosen.get(size, '–'):>11}{cells}"
    if arguments.out is not None:
        yield f"sweep.csv and sweep.png in {arguments.out}"
