"""What ``fit``, ``reconstruct`` and ``sweep`` do: linear models from arguments to files."""

from __future__ import annotations

import argparse
import csv
import itertools
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spectral_mae import images, plot
from spectral_mae._checks import FloatArray
from spectral_mae.batch import mask_seed
from spectral_mae.command_line import (
    NOTHING,
    OK,
    SOME_FAILED,
    UsageError,
    found_images,
    output_errors,
    progress,
    usage_errors,
)
from spectral_mae.corruption import PatchMasking
from spectral_mae.grid import PatchGrid
from spectral_mae.linear import LinearAE, LinearDAE, LinearMAE, load_model
from spectral_mae.linear_model import LinearModel
from spectral_mae.moments import KINDS, Moments
from spectral_mae.reconstruction import (
    Reconstruction,
    border_gradient_ratio,
    expected_border_gradient_ratio,
    reconstruct_image,
)
from spectral_mae.streams import ImageStream, StreamOptions, split_held_out

MEMORY = 4 * 2**30  # what the second moments of a model may take
RATIOS = (0.25, 0.5, 0.6, 0.75, 0.9)
PATCH_SIZES = (8, 16, 32)


def fit(arguments: argparse.Namespace) -> int:
    """``spectral-mae fit``: a linear model of a folder of images, in one file."""
    if arguments.out.suffix != ".npz":
        raise UsageError(f"--out {arguments.out}: the name must end in .npz")
    if arguments.figure is not None and arguments.figure.suffix.lower() != ".png":
        raise UsageError(f"--figure {arguments.figure}: the name must end in .png")
    with usage_errors():
        model = _model(arguments)
        data = _Data.of(arguments)
        moments = data.empty_moments(arguments.patch_size, arguments.covariance)
        _possible(model, moments)
    if not data.fill([moments]):
        return NOTHING
    with usage_errors():
        model.fit_moments(moments)
        chosen = _shrink(model, data, arguments.shrinkage)
        held_out = model.score(data.held_out()) if data.others else None
    with output_errors():
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        model.save(arguments.out)
        if arguments.figure is not None:
            arguments.figure.parent.mkdir(parents=True, exist_ok=True)
            _draw_model(arguments.figure, model)
    grid, met = moments.grid, model.solution_
    print(f"{model!r}")
    print(
        f"{moments.n_images} images of {grid.shape[0]}x{grid.shape[1]} pixels fitted, "
        f"{len(data.others)} files held out"
    )
    print(
        f"explained power: {met.explained:.4f} under the fitted moments"
        + ("" if held_out is None else f", {held_out:.4f} of the images held out")
    )
    if chosen:
        print(f"shrinkage {model.shrinkage:g}, chosen by the images held out")
    if met.n_dropped:
        print(f"{met.n_dropped} of {met.rank} dimensions hold no power and are left alone")
    print(f"written to {arguments.out}")
    return SOME_FAILED if data.stream.failed else OK


def reconstruct(arguments: argparse.Namespace) -> int:
    """``spectral-mae reconstruct``: images through a fitted model, a picture for each."""
    with usage_errors():
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
        found = found_images(arguments.paths)
    stream = ImageStream(options)
    rows: list[dict[str, Any]] = []
    with output_errors():
        arguments.out.mkdir(parents=True, exist_ok=True)
        for path, number in zip(progress(found.paths, quiet=arguments.quiet), itertools.count(1)):
            for batch in stream.batches([path]):
                name = images.display_name(path)
                seed = mask_seed(arguments.seed, name, grid.patch_size[0])
                one = reconstruct_image(model, batch[0], rng=np.random.default_rng(seed))
                file = f"{number:03d}-{_stem(name)}.png"
                _draw_reconstruction(arguments.out / file, one, name)
                rows.append(_row(name, file, model, one))
        _write_rows(arguments.out / "reconstruct.csv", rows)
    for name, error in stream.failed.items():
        print(f"failed: {name}: {error}", file=sys.stderr)
    for row in rows:
        print(_line(row))
    print(f"{len(rows)} pictures and reconstruct.csv in {arguments.out}")
    if not rows:
        return NOTHING
    return SOME_FAILED if stream.failed else OK


def sweep(arguments: argparse.Namespace) -> int:
    """``spectral-mae sweep``: explained power over mask ratios and patch sizes."""
    sizes = list(dict.fromkeys(itertools.chain(*(arguments.patch_size or [PATCH_SIZES]))))
    ratios = sorted(set(itertools.chain(*(arguments.mask_ratio or [RATIOS]))))
    with usage_errors():
        if arguments.holdout == 0:
            raise ValueError("holdout=0: a sweep compares images held out")
        data = _Data.of(arguments)
        every = [data.empty_moments(size, arguments.covariance) for size in sizes]
        models = [
            [_masked(arguments, size, ratio, moments) for ratio in ratios]
            for size, moments in zip(sizes, every, strict=True)
        ]
        if arguments.out.exists() and not arguments.out.is_dir():
            raise ValueError(f"--out {arguments.out} is a file, not a folder")
    if not data.fill(every):
        return NOTHING
    rows: list[dict[str, Any]] = []
    with usage_errors():
        for size, moments, line in zip(sizes, every, models, strict=True):
            rows += _sweep_line(size, ratios, moments, line, data, arguments.shrinkage)
    table = np.full((len(sizes), len(ratios)), np.nan)
    for row in rows:
        place = sizes.index(row["patch_size"]), ratios.index(row["mask_ratio"])
        table[place] = row["explained_held_out"]
    with output_errors():
        arguments.out.mkdir(parents=True, exist_ok=True)
        _write_rows(arguments.out / "sweep.csv", rows)
        width = 2.6 + 0.85 * len(ratios)
        figure, axes = plot.new_figure(1, 1, width=max(5.0, width), height=1.6 + 0.55 * len(sizes))
        plot.heat_map(table, sizes, ratios, axes[0, 0])
        target = "hidden pixels" if arguments.target == "hidden" else "all pixels"
        axes[0, 0].set_title(f"linear MAE, {target}, {len(data.others)} images held out")
        plot.save(figure, arguments.out / "sweep.png")
    print(f"{every[0].n_images} images fitted, {len(data.others)} files held out")
    print("explained power of the images held out")
    print("patch size  shrinkage" + "".join(f"{f'm={ratio:g}':>9}" for ratio in ratios))
    chosen = {row["patch_size"]: f"{row['shrinkage']:g}" for row in rows}
    for size, numbers in zip(sizes, table.tolist(), strict=True):
        cells = "".join(f"{'–' if math.isnan(v) else f'{v:.4f}':>9}" for v in numbers)
        print(f"{size:>10}{chosen.get(size, '–'):>11}{cells}")
    print(f"sweep.csv and sweep.png in {arguments.out}")
    return SOME_FAILED if data.stream.failed else OK


@dataclass
class _Data:
    """The images of a run: those that are fitted, and those that are held out."""

    stream: ImageStream
    paths: list[Path]
    others: list[Path]

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> _Data:
        if not arguments.size.isdecimal():
            raise ValueError(f"--size {arguments.size!r} is not a number of pixels")
        options = StreamOptions(
            int(arguments.size),
            arguments.crops,
            arguments.color,
            arguments.max_pixels,
            arguments.seed,
        )
        found = found_images(arguments.paths)
        paths, others = split_held_out(found.paths, arguments.holdout, arguments.seed)
        return cls(ImageStream(options), paths, others)

    def empty_moments(self, patch_size: int, covariance: str) -> Moments:
        options = self.stream.options
        grid = PatchGrid((options.size, options.size), patch_size)
        channels = 3 if options.color else 1
        d = grid.patch_pixels * channels
        n_blocks = 1 if covariance == "dense" else grid.n_patches // 2 + 1
        size = d * grid.n_patches if covariance == "dense" else d
        needed = 16 * n_blocks * size**2
        if needed > MEMORY:
            raise ValueError(
                f"{patch_size=} with {covariance=} at {options.size}x{options.size} pixels needs "
                f"{n_blocks} matrices of {size}x{size}, {needed / 2**30:.1f} GiB; "
                f"the limit is {MEMORY / 2**30:.0f} GiB"
            )
        return KINDS[covariance](grid, channels)

    def fill(self, every: Sequence[Moments]) -> bool:
        """Read the images that are fitted; False if there is none."""
        for batch in self.stream.batches(progress(tuple(self.paths), quiet=False)):
            for moments in every:
                moments.update(batch)
        for name, error in self.stream.failed.items():
            print(f"failed: {name}: {error}", file=sys.stderr)
        if every[0].n_images == 0:
            print("no image could be used", file=sys.stderr)
            return False
        return True

    def held_out(self) -> Iterator[FloatArray]:
        """The images that are held out, read again."""
        return self.stream.batches(self.others)


def _model(arguments: argparse.Namespace) -> LinearModel:
    shared: dict[str, Any] = {"rank": arguments.rank, "covariance": arguments.covariance}
    if arguments.shrinkage != "auto":
        shared["shrinkage"] = _number("--shrinkage", arguments.shrinkage)
    elif arguments.holdout == 0:
        raise ValueError("--shrinkage auto asks images held out, and --holdout is 0")
    unused = {"mae": ("sigma",), "dae": ("target",), "ae": ("target", "sigma")}[arguments.model]
    for name in unused:
        if getattr(arguments, name) is not None:
            raise ValueError(f"--{name} does not belong to --model {arguments.model}")
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
        arguments.mask_ratio,
        sampling=arguments.sampling,
        target=arguments.target or "all",
        **shared,
    )


def _possible(model: LinearModel, moments: Moments) -> None:
    """Raise what the fit would raise, before images are read."""
    if isinstance(model, LinearMAE):
        _masked_patches(moments.grid, model.mask_ratio, model.sampling)
    rank = getattr(model, "rank", None)
    size = moments.grid.n_patches * moments.patch_dim
    if rank is not None and rank > size:
        raise ValueError(f"{rank=} is not between 1 and the {size} numbers in an image")


def _masked_patches(grid: PatchGrid, mask_ratio: float, sampling: Any) -> None:
    PatchMasking(grid.n_patches, mask_ratio, sampling)


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
        shrinkage=0.0 if arguments.shrinkage == "auto" else _number("", arguments.shrinkage),
    )
    try:
        _masked_patches(moments.grid, ratio, arguments.sampling)
    except ValueError:
        return None
    return model


def _sweep_line(
    patch_size: int,
    ratios: Sequence[float],
    moments: Moments,
    models: Sequence[LinearMAE | None],
    data: _Data,
    shrinkage: str,
) -> Iterator[dict[str, Any]]:
    """One row per possible mask ratio; shrinkage is chosen once, at the middle of them."""
    possible = [model for model in models if model is not None]
    if not possible:
        return
    middle = possible[len(possible) // 2].fit_moments(moments)
    held_out = middle.second_moment(data.held_out())
    if shrinkage == "auto":
        middle.choose_shrinkage(held_out)
    chosen = middle.shrinkage
    del middle.solution_
    for ratio, model in zip(ratios, models, strict=True):
        if model is None:
            continue
        model.shrinkage = chosen
        model.fit_moments(moments)
        explained = model.score(held_out)
        scored = model.trace_ / model.moments_.stack().trace
        yield {
            "patch_size": patch_size,
            "mask_ratio": ratio,
            "shrinkage": chosen,
            "explained_fitted": model.solution_.explained,
            "explained_held_out": explained,
            "loss_held_out": scored * held_out.trace * (1 - explained),
        }
        del model.solution_


def _shrink(model: LinearModel, data: _Data, shrinkage: str) -> bool:
    """Let the images held out choose the shrinkage, where that is asked for."""
    if shrinkage != "auto":
        return False
    model.choose_shrinkage(data.held_out())
    return True


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} {text!r} is neither a number nor 'auto'") from None


def _row(name: str, file: str, model: LinearModel, one: Reconstruction) -> dict[str, Any]:
    expected = math.nan
    if isinstance(model, LinearMAE) and not model.random_offset:
        expected = expected_border_gradient_ratio(model, one.original)
    return {
        "path": name,
        "picture": file,
        "explained": one.explained,
        "psnr": one.psnr,
        "borders_original": border_gradient_ratio(one.original, one.grid),
        "borders_reconstruction": border_gradient_ratio(one.output, one.grid),
        "borders_expected": expected,
    }


def _line(row: dict[str, Any]) -> str:
    expected = row["borders_expected"]
    foreseen = "" if math.isnan(expected) else f", expected {expected:.2f}"
    return (
        f"{row['path']}: explained {row['explained']:.3f}, PSNR {row['psnr']:.1f} dB; steps across "
        f"patch borders over steps inside: {row['borders_reconstruction']:.2f}{foreseen} "
        f"(original {row['borders_original']:.2f})"
    )


def _write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else ["path"])
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.8g}" if isinstance(v, float) else v for k, v in row.items()})


def _stem(name: str) -> str:
    """A file name from any path, for pictures."""
    stem = Path(name.removeprefix("builtin:")).stem
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in stem)[:60] or "image"


def _draw_reconstruction(path: Path, one: Reconstruction, name: str) -> None:
    figure, axes = plot.new_figure(2, 3, width=10.2, height=6.6)
    plot.reconstruction(one, axes)
    figure.suptitle(name if len(name) <= 80 else f"…{name[-79:]}")
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
    else:
        plot.eigenvalues(model, axes[1, 1])
        axes[1, 1].set_title("eigenvalues")
    plot.save(figure, path)
