"""What ``fit`` and ``reconstruct`` do: linear models from arguments to files."""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spectral_mae import images, plot
from spectral_mae.atomic_file import replacing, write_whole
from spectral_mae.batch import mask_seed
from spectral_mae.batch_run import BatchRun, FailFast, ended
from spectral_mae.command_line import (
    NOTHING,
    OK,
    SOME_FAILED,
    UsageError,
    enlarged_note,
    found_images,
    output_errors,
    progress,
    report_failures,
    room_errors,
    usage_errors,
)
from spectral_mae.corruption import PatchMasking
from spectral_mae.engine import EngineFailed
from spectral_mae.formats import SUFFIXES
from spectral_mae.linear import LinearAE, LinearDAE, LinearMAE, load_model
from spectral_mae.linear_model import SHRINKAGES, LinearModel
from spectral_mae.made_here import made_here
from spectral_mae.model_images import (
    ModelImages,
    chooses_shrinkage,
    first_shrinkage,
    write_rows,
)
from spectral_mae.moments import Moments
from spectral_mae.output_files import check_distinct
from spectral_mae.picture import short_name
from spectral_mae.reconstruction import (
    Reconstruction,
    border_gradient_ratio,
    expected_border_gradient_ratio,
    reconstruct_image,
)
from spectral_mae.run_log import LOGGER
from spectral_mae.run_place import (
    FOLDER,
    Done,
    RunPlace,
    check_folder,
    check_parents,
    check_results,
)
from spectral_mae.stack import CentredStack
from spectral_mae.streams import ImageStream, StreamOptions

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


def reconstruct(arguments: argparse.Namespace) -> int:
    """``spectral-mae reconstruct``: images through a fitted model, a picture for each."""
    with usage_errors():
        if arguments.model.suffix.lower() in SUFFIXES:
            raise ValueError(
                f"{arguments.model} is no model: MODEL.npz, which 'spectral-mae fit' has written, "
                "comes first, and then the images"
            )
        model = load_model(arguments.model)
        grid, channels = model.moments_.grid, model.moments_.channels
        if grid.ndim != 2 or grid.shape[0] != grid.shape[1] or channels not in (1, 3):
            raise ValueError(
                f"{arguments.model} is a model of shape={grid.shape} with "
                f"{channels} channels, not of square gray or colour images"
            )
        options = StreamOptions(
            grid.shape[0], 0, channels == 3, arguments.max_pixels, arguments.seed
        )
        check_folder(arguments.out)
        found = found_images(arguments.paths)
        names = [images.display_name(path) for path in found.paths]
        files = [f"{number:03d}-{_stem(name)}.png" for number, name in enumerate(names, 1)]
        earlier = _make_room(arguments, files, found.paths)
    stream = ImageStream(options)
    rows: list[dict[str, Any]] = []
    with output_errors():
        arguments.out.mkdir(parents=True, exist_ok=True)
        for path in earlier:
            path.unlink()
        every = zip(names, files, progress(found.paths, quiet=arguments.quiet), strict=True)
        for name, file, path in every:
            for batch in stream.batches([path]):
                seed = mask_seed(arguments.seed, name, grid.patch_size[0])
                one = reconstruct_image(model, batch[0], rng=np.random.default_rng(seed))
                _draw_reconstruction(arguments.out / file, one, name)
                rows.append(_row(name, file, model, one))
        if rows:
            write_rows(arguments.out / "reconstruct.csv", rows)
    report_failures(stream)
    if stream.enlarged:
        print(enlarged_note(len(stream.enlarged), options.size), file=sys.stderr)
    for row in rows:
        print(_line(row))
    if not rows:
        print("no image could be used", file=sys.stderr)
        return NOTHING
    print(f"{len(rows)} picture{'s' * (len(rows) != 1)} and reconstruct.csv in {arguments.out}")
    return SOME_FAILED if stream.failed else OK


def _make_room(
    arguments: argparse.Namespace, files: Sequence[str], read: Sequence[Path]
) -> list[Path]:
    """What an earlier run has left, to be removed; refused unless that was asked for."""
    out: Path = arguments.out
    results = [out / "reconstruct.csv", *(out / file for file in files)]
    named = (path for path in out.glob("*.png") if re.fullmatch(r"\d{3,}-.+", path.stem))
    earlier = [path for path in sorted(named) if made_here(path)]
    check_distinct([*dict.fromkeys([*results, *earlier])], [arguments.model, *read])
    check_results(out, [*results, *earlier], overwrite=arguments.overwrite)
    return [*filter(Path.exists, results[:1]), *earlier]


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


def _row(name: str, file: str, model: LinearModel, one: Reconstruction) -> dict[str, Any]:
    expected = math.nan
    if isinstance(model, LinearMAE) and not model.random_offset:
        expected = expected_border_gradient_ratio(model, one.original)
    return {
        "path": name,
        "picture": file,
        "masked": int(one.visible is not None),
        "explained": one.explained,
        "psnr": one.psnr,
        "borders_original": border_gradient_ratio(one.original, one.grid),
        "borders_reconstruction": border_gradient_ratio(one.output, one.grid),
        "borders_expected": expected,
    }


def _line(row: dict[str, Any]) -> str:
    expected = row["borders_expected"]
    foreseen = "" if math.isnan(expected) else f", expected {expected:.2f}"
    of_hidden = " of hidden pixels" if row["masked"] else ""
    return (
        f"{row['path']}: explained {row['explained']:.3f}{of_hidden}, PSNR {row['psnr']:.1f} dB; "
        f"steps across patch borders over steps inside: {row['borders_reconstruction']:.2f}"
        f"{foreseen} (original {row['borders_original']:.2f})"
    )


def _stem(name: str) -> str:
    """A file name from any path, for pictures."""
    stem = Path(name.removeprefix("builtin:")).stem
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in stem)[:60] or "image"


def _draw_reconstruction(path: Path, one: Reconstruction, name: str) -> None:
    figure, axes = plot.new_figure(2, 3, width=10.2, height=6.6)
    plot.reconstruction(one, axes)
    figure.suptitle(short_name(name))
    plot.save(figure, path)


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
