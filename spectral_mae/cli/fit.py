"""``spectral-mae fit``: a linear model of many images, in one file."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any

from spectral_mae import plot
from spectral_mae._files.atomic_file import replacing, write_whole
from spectral_mae.batch.chunks import EngineFailed
from spectral_mae.batch.errors import UsageError, room_errors, usage_errors
from spectral_mae.batch.progress import LOGGER
from spectral_mae.batch.run import BatchRun, FailFast, ended
from spectral_mae.batch.run_folder import FOLDER, Done, RunPlace, check_parents
from spectral_mae.cli.model_images import ModelImages, chooses_shrinkage, first_shrinkage
from spectral_mae.cli.shared import NOTHING, OK, SOME_FAILED
from spectral_mae.linear.corruption import PatchMasking
from spectral_mae.linear.estimators import LinearAE, LinearDAE, LinearMAE
from spectral_mae.linear.model import SHRINKAGES, LinearModel
from spectral_mae.linear.moments.blocks import CentredStack
from spectral_mae.linear.moments.kinds import Moments

MASK_RATIO = 0.75
DEPENDS = (
    "model",
    "patch_size",
    "mask_ratio",
    "sampling",
    "rank",
    "sigma",
    "target",
    "covariance",
    "shrinkage",
)


def fit(arguments: argparse.Namespace) -> int:
    """``spectral-mae fit``: a linear model of a folder of images, in one file."""
    for path, suffix in ((arguments.out, ".npz"), (arguments.figure, ".png")):
        if path is not None and (path.suffix.lower() != suffix or path.is_dir()):
            raise UsageError(f"{path}: must be a file whose name ends in {suffix}")
    with usage_errors():
        check_parents(arguments.out)
        model = _model(arguments)
        data = ModelImages(arguments)
        moments = data.empty_moments(arguments.patch_size, arguments.covariance)
        _possible(model, moments)
    record = arguments.out.with_suffix(".run.json")
    results = [arguments.out, record, *filter(None, [arguments.figure])]
    folder = arguments.out.with_name(f".{arguments.out.name}{FOLDER}")
    place = RunPlace(arguments.out, folder, record, results)
    try:
        run = data.batch_run(place, DEPENDS, model)
    except Done as done:
        print(f"{arguments.out} is complete already")
        return done.code
    with run:
        try:
            return _fit(arguments, model, data, run, moments)
        except (FailFast, EngineFailed) as error:
            print(f"spectral-mae fit: {ended(error)}", file=sys.stderr)
            return SOME_FAILED


def _fit(
    arguments: argparse.Namespace,
    model: LinearModel,
    data: ModelImages,
    run: BatchRun,
    empty: Moments,
) -> int:
    every = data.fill(run, [empty])
    if every is None:
        run.abandon()
        return NOTHING
    (moments,) = every
    with usage_errors():
        LOGGER.info("solving for the model")
        model.fit_moments(moments)
        held_out = data.second_moment(run, model)
        if held_out is not None and chooses_shrinkage(arguments):
            LOGGER.info("trying %d shrinkages", len(SHRINKAGES))
            model.choose_shrinkage(held_out)
        score = _score(model, held_out, data, run)
    solution = model.solution_
    if math.isnan(solution.explained):
        print("the images have no power about their mean: nothing to explain", file=sys.stderr)
        run.abandon()
        return NOTHING
    code = SOME_FAILED if run.tally.failed else OK
    with room_errors(), run.stage("writing the model", 1) as written:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(arguments.out) as beside:
            model.save(beside)
        written.add(1)
    if arguments.figure is not None:
        with room_errors(), run.stage("drawing pictures", 1) as drawn:
            arguments.figure.parent.mkdir(parents=True, exist_ok=True)
            with replacing(arguments.figure) as beside:
                _draw_model(beside, model)
            drawn.add(1)
    with room_errors():
        record = arguments.out.with_suffix(".run.json")
        write_whole(record, data.record(run, moments.n_images, code))
    run.journal.remove()
    scored = "hidden pixels" if arguments.target == "hidden" else "all pixels"
    print(f"{model!r}")
    print(
        f"{moments.n_images} images of {' x '.join(map(str, moments.grid.shape))} pixels fitted, "
        f"{data.n_held_out} held out"
    )
    print(
        f"explained power of {scored}: {solution.explained:.4f} under the fitted moments"
        + ("" if score is None else f", {score:.4f} of the images held out")
    )
    if chooses_shrinkage(arguments):
        print(
            f"shrinkage {model.shrinkage:g}, chosen by the images held out (so that their score is "
            "a little optimistic)"
        )
    if solution.n_dropped:
        print(f"{solution.n_dropped} of {model.moments_.stack().dim} dimensions hold no power")
    print(f"written to {arguments.out}")
    return code


def _model(arguments: argparse.Namespace) -> LinearModel:
    foreign = {
        "mae": ("sigma",),
        "dae": ("mask_ratio", "sampling", "target"),
        "ae": ("mask_ratio", "sampling", "target", "sigma"),
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
    return LinearMAE(
        arguments.patch_size,
        MASK_RATIO if arguments.mask_ratio is None else arguments.mask_ratio,
        sampling=arguments.sampling or "fixed",
        target=arguments.target or "all",
        **shared,
    )


def _possible(model: LinearModel, moments: Moments) -> None:
    """Raise what the fit would raise, before images are read."""
    if isinstance(model, LinearMAE):
        PatchMasking(moments.grid.n_patches, model.mask_ratio, model.sampling)
    rank = getattr(model, "rank", None)
    size = moments.grid.n_patches * moments.patch_dim
    if rank is not None and rank > size:
        raise ValueError(f"{rank=} is not between 1 and the {size} numbers in an image")


def _score(
    model: LinearModel, held_out: CentredStack | None, data: ModelImages, run: BatchRun
) -> float | None:
    """Explained power of the images held out."""
    if held_out is None:
        return None
    # Half a pair of bands is not in the second moment: the images have to be read again.
    return model.score(held_out if model.solution_.split is None else data.held_out(run))


def _draw_model(path: Path, model: LinearModel) -> None:
    """Responses, a receptive field, its decay, and eigenvalues where there are any."""
    grid = model.moments_.grid
    counts = zip(grid.counts, grid.patch_size, strict=True)
    middle = tuple(count // 2 * p + p // 2 for count, p in counts)
    field = model.receptive_field(middle)
    figure, axes = plot.new_figure(2, 2, width=9.6, height=7.4)
    plot.response(model.frequency_response(), axes[0, 0])
    axes[0, 0].set_title("what becomes of each frequency")
    plot.receptive_field(field, axes[0, 1], log=True, around=3)
    axes[0, 1].set_title(f"weights of output pixel {middle}, own patch outlined")
    plot.weight_by_distance(
        {"all weights": field, "without the own patch": field.without_own_patch()}, axes[1, 0]
    )
    axes[1, 0].set_title("the same against distance")
    if model.eigenvalues_ is None:
        plot.response_power(model.frequency_response(), axes[1, 1])
        axes[1, 1].set_title("power")
    else:
        plot.eigenvalues(model, axes[1, 1])
        axes[1, 1].set_title("eigenvalues")
    plot.save(figure, path)
