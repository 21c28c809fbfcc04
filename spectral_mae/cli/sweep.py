"""What ``sweep`` does: linear MAEs over mask ratios and patch sizes."""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spectral_mae import plot
from spectral_mae._files.atomic_file import replacing, write_whole
from spectral_mae.batch.chunks import EngineFailed
from spectral_mae.batch.errors import room_errors, usage_errors
from spectral_mae.batch.progress import LOGGER
from spectral_mae.batch.run import BatchRun, FailFast, ended
from spectral_mae.batch.run_folder import FOLDER, Done, RunPlace, check_folder
from spectral_mae.cli.model_images import (
    ModelImages,
    chooses_shrinkage,
    first_shrinkage,
    write_rows,
)
from spectral_mae.cli.shared import NOTHING, OK, SOME_FAILED
from spectral_mae.linear.corruption import PatchMasking
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.linear.model import SHRINKAGES
from spectral_mae.linear.moments.kinds import Moments

OPTIMISTIC = ", which chose the shrinkage (so it is a little optimistic)"
DEPENDS = ("patch_size", "mask_ratio", "sampling", "target", "covariance", "shrinkage")


def sweep(arguments: argparse.Namespace) -> int:
    """``spectral-mae sweep``: explained power over mask ratios and patch sizes."""
    sizes = list(dict.fromkeys(arguments.patch_size))
    ratios = sorted(set(arguments.mask_ratio))
    with usage_errors():
        if arguments.holdout == 0:
            raise ValueError("holdout=0: a sweep compares images held out")
        check_folder(arguments.out)
        data = ModelImages(arguments)
        every = [data.empty_moments(size, arguments.covariance) for size in sizes]
        models = [
            [_masked(arguments, size, ratio, moments) for ratio in ratios]
            for size, moments in zip(sizes, every, strict=True)
        ]
        if not any(itertools.chain(*models)):
            raise ValueError(
                f"no mask ratio of {ratios} hides some patches of {sizes} pixels and keeps others "
                f"at {data.options.size} pixels"
            )
    results = [arguments.out / name for name in ("run.json", "sweep.csv", "sweep.png")]
    place = RunPlace(arguments.out, arguments.out / FOLDER, results[0], results)
    try:
        run = data.batch_run(place, DEPENDS)
    except Done as done:
        print(f"{arguments.out} is complete already")
        return done.code
    with run:
        try:
            return _sweep(arguments, data, run, Cells(sizes, ratios, every, models))
        except (FailFast, EngineFailed) as error:
            print(f"spectral-mae sweep: {ended(error)}", file=sys.stderr)
            return SOME_FAILED


@dataclass
class Cells:
    """Patch sizes, mask ratios, and the moments and models of each size."""

    sizes: list[int]
    ratios: list[float]
    every: list[Moments]
    models: list[list[LinearMAE | None]]


def _sweep(arguments: argparse.Namespace, data: ModelImages, run: BatchRun, asked: Cells) -> int:
    sizes, ratios, auto = asked.sizes, asked.ratios, chooses_shrinkage(arguments)
    every = data.fill(run, asked.every)
    if every is None:
        run.abandon()
        return NOTHING
    rows: list[dict[str, Any]] = []
    with usage_errors():
        for size, moments, line in zip(sizes, every, asked.models, strict=True):
            found = _sweep_line(size, (ratios, line), moments, data, run, auto=auto)
            rows += sorted(found, key=lambda row: row["mask_ratio"])
    if not rows:
        run.abandon()
        return NOTHING
    code = SOME_FAILED if run.tally.failed else OK
    table = np.full((len(sizes), len(ratios)), np.nan)
    for row in rows:
        place = sizes.index(row["patch_size"]), ratios.index(row["mask_ratio"])
        table[place] = row["explained_held_out"]
    with room_errors(), run.stage("drawing pictures", 1) as drawn:
        arguments.out.mkdir(parents=True, exist_ok=True)
        width = 2.6 + 0.85 * len(ratios)
        figure, axes = plot.new_figure(1, 1, width=max(5.0, width), height=1.6 + 0.55 * len(sizes))
        plot.heat_map(table, sizes, ratios, axes[0, 0])
        target = "hidden pixels" if arguments.target == "hidden" else "all pixels"
        axes[0, 0].set_title(f"linear MAE, {target}, {data.n_held_out} images held out")
        with replacing(arguments.out / "sweep.png") as beside:
            plot.save(figure, beside)
        drawn.add(1)
    with room_errors(), run.stage("writing tables", 2) as written:
        write_rows(arguments.out / "sweep.csv", rows)
        written.add(1)
        record = data.record(run, every[0].n_images, code)
        write_whole(arguments.out / "run.json", record)
        written.add(1)
    run.journal.remove()
    print(f"{every[0].n_images} images fitted, {data.n_held_out} held out")
    print(f"explained power of {target} of the images held out" + (OPTIMISTIC if auto else ""))
    print("patch size  shrinkage" + "".join(f"{f'm={ratio:g}':>9}" for ratio in ratios))
    shrinks = arguments.covariance != "stationary"  # which shrinkage would not change
    chosen = {row["patch_size"]: f"{row['shrinkage']:g}" for row in rows if shrinks}
    for size, numbers in zip(sizes, table.tolist(), strict=True):
        cells = "".join(f"{'–' if math.isnan(v) else f'{v:.4f}':>9}" for v in numbers)
        print(f"{size:>10}{chosen.get(size, '–'):>11}{cells}")
    print(f"sweep.csv and sweep.png in {arguments.out}")
    return code


def _masked(
    arguments: argparse.Namespace, patch_size: int, ratio: float, moments: Moments
) -> LinearMAE | None:
    """The model of a cell of the sweep; None where such masks would hide or keep everything."""
    model = LinearMAE(
        patch_size,
        ratio,
        sampling=arguments.sampling,
        target=arguments.target or "all",
        covariance=arguments.covariance,
        shrinkage=first_shrinkage(arguments),
    )
    try:
        PatchMasking(moments.grid.n_patches, ratio, arguments.sampling)
    except ValueError:
        return None
    return model


def _sweep_line(
    patch_size: int,
    cells: tuple[Sequence[float], Sequence[LinearMAE | None]],
    moments: Moments,
    data: ModelImages,
    run: BatchRun,
    *,
    auto: bool,
) -> Iterator[dict[str, Any]]:
    """A row for each possible mask ratio, the middle one first, which chooses the shrinkage."""
    ratios, models = cells
    possible = [model for model in models if model is not None]
    if not possible:
        return
    LOGGER.info("patches of %d pixels: solving for the middle mask ratio", patch_size)
    middle = possible[len(possible) // 2].fit_moments(moments)
    held_out = data.second_moment(run, middle)
    if held_out is None:
        return
    if auto:
        LOGGER.info("patches of %d pixels: trying %d shrinkages", patch_size, len(SHRINKAGES))
        middle.choose_shrinkage(held_out)
    chosen = middle.shrinkage
    # The one that is solved already comes first, and leaves before the next one needs the room.
    order = sorted(zip(ratios, models, strict=True), key=lambda cell: cell[1] is not middle)
    for ratio, model in order:
        if model is None:
            continue
        if model is not middle:
            LOGGER.info("patches of %d pixels: solving for mask ratio %g", patch_size, ratio)
            model.shrinkage = chosen
            model.fit_moments(moments)
        explained = model.score(held_out)
        masking = PatchMasking(moments.grid.n_patches, ratio, model.sampling)
        scored = 1 - masking.mix.mu if model.target == "hidden" else 1.0
        yield {
            "patch_size": patch_size,
            "mask_ratio": ratio,
            "shrinkage": chosen,
            "explained_fitted": model.solution_.explained,
            "explained_held_out": explained,
            "loss_held_out": scored * held_out.trace * (1 - explained),
            "hidden": 1 - masking.mix.mu,  # of whole patches only, where their number is fixed
        }
        del model.solution_
