"""``spectral-mae plan``: from parsed arguments to `plan`, and what it prints."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator

from spectral_mae.batch.chunks import EngineFailed
from spectral_mae.batch.errors import FailFast, NothingUsable
from spectral_mae.batch.models.plan_images import plan as plan_images
from spectral_mae.batch.models.plan_page import FILES, counted
from spectral_mae.batch.models.plan_words import against
from spectral_mae.cli.console import messages
from spectral_mae.cli.console.answer import NOTHING, OK, SOME_FAILED, Answer, failures, written
from spectral_mae.cli.errors import ended, run_errors, usage_errors
from spectral_mae.cli.shared import (
    given_paths,
    pixels_or_native,
    run_options,
)
from spectral_mae.planning.costs import TransformerSizes
from spectral_mae.planning.result import Plan


def plan(arguments: argparse.Namespace) -> Answer:
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
        messages.error("plan", ended(error))
        return Answer(SOME_FAILED, found={"error": str(error)})
    except NothingUsable as error:
        print(error, file=sys.stderr)
        return Answer(NOTHING, found={"error": str(error)})
    lines: Iterable[str] = [f"{arguments.out} is complete already"]
    if not found.found_complete:
        lines = _told(found, arguments)
    data = {
        **found.to_dict(),
        "failures": failures(found.failures),
        "files": written(arguments.out, ["run.json", *FILES]),
    }
    return Answer(SOME_FAILED if found.counts["failed"] else OK, lines, data)


def _told(found: Plan, arguments: argparse.Namespace) -> Iterator[str]:
    yield counted(found.counts, crops=arguments.crops)
    yield "explained power of hidden pixels ± one standard error, and the mask ratio at which the"
    yield f"reference ({found.reference.name}, {found.reference.patch_size} px) is as hard,"
    yield "with an interval of 95 %; cost of encoder and decoder together, and of the encoder,"
    yield "each 1 for 49 of 196 tokens"
    yield ""
    yield str(found)
    yield ""
    for told in found.left_out:
        yield f"left out: {told}"
    yield "mask ratio that is as hard as the reference at 0.75, with an interval of 95 %:"
    for row in found.as_hard_as_he():
        rows = found.families[row["patch_size"], row["design"]]
        alone = len(rows) == 1  # there is no ratio to choose
        told = f"itself as hard as {against(row, rows[0].difficulty)}" if alone else row["text"]
        yield f"{row['patch_size']} px, {row['design']}: {told}"
    yield "< and >: beyond the mask ratios that were compared"
    if arguments.out is not None:
        yield f"report.html, plan.csv, as_hard_as.csv and plan.json in {arguments.out}"
