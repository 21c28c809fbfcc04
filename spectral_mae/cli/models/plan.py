"""``spectral-mae plan``: from parsed arguments to `plan`, and what it prints."""

from __future__ import annotations

import argparse
import sys

from spectral_mae.batch.chunks import EngineFailed
from spectral_mae.batch.errors import FailFast, NothingUsable
from spectral_mae.batch.models.plan_images import plan as plan_images
from spectral_mae.batch.models.plan_page import counted
from spectral_mae.batch.models.plan_words import against
from spectral_mae.cli.errors import ended, run_errors, usage_errors
from spectral_mae.cli.shared import (
    NOTHING,
    OK,
    SOME_FAILED,
    given_paths,
    pixels_or_native,
    run_options,
)
from spectral_mae.planning.costs import TransformerSizes
from spectral_mae.planning.result import Plan


def plan(arguments: argparse.Namespace) -> int:
    """``spectral-mae plan``: how hard patch sizes, mask ratios and designs are."""
    with usage_errors():
        size = pixels_or_native(arguments.size)
        running = run_options(arguments)
        transformer = TransformerSizes(
            arguments.width, arguments.depth, arguments.decoder_width, arguments.decoder_depth
        )
    try:
        with run_errors():
            found = plan_images(
                given_paths(arguments.paths),
                arguments.patch_size,
                arguments.mask_ratio,
                designs=arguments.design,
                size="native" if size is None else size,
                crops=arguments.crops,
                color=arguments.color,
                max_pixels=arguments.max_pixels,
                limit=arguments.limit,
                holdout=arguments.holdout,
                transformer=transformer,
                rng=arguments.seed,
                out=arguments.out,
                run=running,
            )
    except (FailFast, EngineFailed) as error:
        print(f"spectral-mae plan: {ended(error)}", file=sys.stderr)
        return SOME_FAILED
    except NothingUsable as error:
        print(error, file=sys.stderr)
        return NOTHING
    if found.found_complete:
        print(f"{arguments.out} is complete already")
    else:
        _tell(found, arguments)
    return SOME_FAILED if found.counts["failed"] else OK


def _tell(found: Plan, arguments: argparse.Namespace) -> None:
    print(counted(found.counts, crops=arguments.crops))
    print("explained power of hidden pixels ± one standard error, and the mask ratio at which the")
    print(f"reference ({found.reference.name}, {found.reference.patch_size} px) is as hard,")
    print("with an interval of 95 %; cost of encoder and decoder together, and of the encoder,")
    print("each 1 for 49 of 196 tokens")
    print()
    print(found)
    print()
    for told in found.left_out:
        print(f"left out: {told}")
    print("mask ratio that is as hard as the reference at 0.75, with an interval of 95 %:")
    for row in found.as_hard_as_he():
        rows = found.families[row["patch_size"], row["design"]]
        alone = len(rows) == 1  # there is no ratio to choose
        told = f"itself as hard as {against(row, rows[0].difficulty)}" if alone else row["text"]
        print(f"{row['patch_size']} px, {row['design']}: {told}")
    print("< and >: beyond the mask ratios that were compared")
    print(f"report.html, plan.csv, as_hard_as.csv and plan.json in {arguments.out}")
