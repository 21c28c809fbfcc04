"""``spectral-mae fit``: from parsed arguments to `fit_images`, and what it prints."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from spectral_mae.batch.chunks import EngineFailed
from spectral_mae.batch.errors import FailFast, NothingUsable
from spectral_mae.batch.models.fit import FitResult, fit_images
from spectral_mae.cli.console import messages
from spectral_mae.cli.console.answer import NOTHING, OK, SOME_FAILED, Answer, failures
from spectral_mae.cli.errors import ended, run_errors, usage_errors
from spectral_mae.cli.shared import (
    chooses_shrinkage,
    first_shrinkage,
    given_paths,
    reading_options,
    run_options,
)
from spectral_mae.linear.estimators import LinearAE, LinearDAE, LinearMAE
from spectral_mae.linear.model import LinearModel
from spectral_mae.masks.designs.text_form import parse
from spectral_mae.masks.patches import PatchGrid

MASK_RATIO = 0.75


def fit(arguments: argparse.Namespace) -> Answer:
    """``spectral-mae fit``: a linear model of a folder of images, in one file."""
    with usage_errors():
        reading = reading_options(arguments)
        model = _model(arguments, reading["size"])
        running = run_options(arguments)
    try:
        with run_errors():
            result = fit_images(
                given_paths(arguments.paths),
                model,
                **reading,
                choose_shrinkage=chooses_shrinkage(arguments),
                keep_moments=arguments.keep_moments or None,
                out=arguments.out,
                figure=arguments.figure,
                run=running,
            )
    except (FailFast, EngineFailed) as error:
        messages.error("fit", ended(error))
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
        "files": [path for path in (arguments.out, arguments.figure) if path is not None],
    }
    return Answer(SOME_FAILED if result.counts["failed"] else OK, lines, found)


def _told(result: FitResult, arguments: argparse.Namespace) -> Iterator[str]:
    model, counts = result.model, result.counts
    solution = model.solution_
    scored = "hidden pixels" if arguments.target == "hidden" else "all pixels"
    yield f"{model!r}"
    yield (
        f"{counts['fitted']} images of {' x '.join(map(str, model.moments_.grid.shape))} pixels "
        f"fitted, {counts['held_out']} held out"
    )
    yield (
        f"explained power of {scored}: {solution.explained:.4f} under the fitted moments"
        + ("" if result.score is None else f", {result.score:.4f} of the images held out")
    )
    if chooses_shrinkage(arguments):
        yield (
            f"shrinkage {model.shrinkage:g}, chosen by the images held out (so that their score is "
            "a little optimistic)"
        )
    if solution.n_dropped:
        moments = model.moments_
        dim = moments.grid.n_patches * moments.patch_dim
        yield f"{solution.n_dropped} of {dim} dimensions hold no power"
    yield f"written to {arguments.out}"


def _model(arguments: argparse.Namespace, size: int) -> LinearModel:
    foreign = {
        "mae": ("sigma",),
        "dae": ("mask_ratio", "sampling", "design", "target"),
        "ae": ("mask_ratio", "sampling", "design", "target", "sigma"),
    }
    for name in foreign[arguments.model]:
        if getattr(arguments, name) is not None:
            option = name.replace("_", "-")
            raise ValueError(f"--{option} does not belong to --model {arguments.model}")
    shared: dict[str, Any] = {
        "rank": arguments.rank,
        "covariance": arguments.covariance,
        "shrinkage": first_shrinkage(arguments),
    }
    if arguments.model == "dae":
        if arguments.sigma is None:
            raise ValueError("--model dae needs --sigma, the standard deviation of its noise")
        return LinearDAE(arguments.patch_size, arguments.sigma, **shared)
    if arguments.model == "ae":
        if arguments.rank is None:
            raise ValueError("--model ae needs --rank")
        return LinearAE(arguments.patch_size, **shared)
    shared["target"] = arguments.target or "all"
    if arguments.design is not None:
        for name in ("mask_ratio", "sampling"):
            if getattr(arguments, name) is not None:
                option = name.replace("_", "-")
                raise ValueError(f"--{option} and --design {arguments.design}: the design says it")
        grid = PatchGrid((size, size), arguments.patch_size)
        return LinearMAE(design=parse(arguments.design).on(grid), **shared)
    return LinearMAE(
        arguments.patch_size,
        MASK_RATIO if arguments.mask_ratio is None else arguments.mask_ratio,
        sampling=arguments.sampling or "fixed",
        **shared,
    )
