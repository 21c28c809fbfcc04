"""``spectral-mae sweep``: from parsed arguments to `sweep_images`, and what it prints."""

from __future__ import annotations

import argparse
import math
import sys

from spectral_mae.batch.chunks import EngineFailed
from spectral_mae.batch.errors import FailFast, NothingUsable
from spectral_mae.batch.models.mask_columns import columns_of
from spectral_mae.batch.models.sweep import SweepResult, sweep_images
from spectral_mae.cli.errors import ended, run_errors, usage_errors
from spectral_mae.cli.shared import (
    NOTHING,
    OK,
    SOME_FAILED,
    chooses_shrinkage,
    first_shrinkage,
    given_paths,
    reading_options,
    run_options,
)

OPTIMISTIC = ", which chose the shrinkage (so it is a little optimistic)"


def sweep(arguments: argparse.Namespace) -> int:
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
        print(f"spectral-mae sweep: {ended(error)}", file=sys.stderr)
        return SOME_FAILED
    except NothingUsable as error:
        print(error, file=sys.stderr)
        return NOTHING
    if result.found_complete:
        print(f"{arguments.out} is complete already")
    else:
        _tell(result, arguments)
    return SOME_FAILED if result.counts["failed"] else OK


def _tell(result: SweepResult, arguments: argparse.Namespace) -> None:
    counts, auto = result.counts, chooses_shrinkage(arguments)
    sizes = list(dict.fromkeys(arguments.patch_size))
    columns = columns_of(arguments.mask_ratio, arguments.sampling or "fixed", arguments.design)
    labels = [column.label for column in columns]
    heads = [label if isinstance(label, str) else f"m={label:g}" for label in labels]
    widths = [max(9, len(head) + 2) for head in heads]
    print(f"{counts['fitted']} images fitted, {counts['held_out']} held out")
    print(
        f"explained power of {arguments.target or 'all'} pixels of the images held out"
        + (OPTIMISTIC if auto else "")
    )
    titles = zip(heads, widths, strict=True)
    print("patch size  shrinkage" + "".join(f"{head:>{width}}" for head, width in titles))
    shrinks = arguments.covariance != "stationary"  # which shrinkage would not change
    chosen = {row["patch_size"]: f"{row['shrinkage']:g}" for row in result.rows if shrinks}
    for size, numbers in zip(sizes, result.table(sizes, labels).tolist(), strict=True):
        texts = ("–" if math.isnan(v) else f"{v:.4f}" for v in numbers)
        cells = "".join(f"{text:>{width}}" for text, width in zip(texts, widths, strict=True))
        print(f"{size:>10}{chosen.get(size, '–'):>11}{cells}")
    print(f"sweep.csv and sweep.png in {arguments.out}")
