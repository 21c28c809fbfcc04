"""What the commands do: from parsed arguments to files and an exit code."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from spectral_mae import (
    analyze_command,
    figures_command,
    images,
    model_commands,
    plot,
    sweep_command,
    unmask_command,
    verify,
    verify_theory,
)
from spectral_mae._checks import Sampling, positive_int
from spectral_mae.analyze_command import detrend
from spectral_mae.batch import BatchOptions, check_divides
from spectral_mae.command_line import (
    NOTHING,
    OK,
    SOME_FAILED,
    UsageError,
    enlarged_note,
    found_images,
    output_errors,
    pixels_or_native,
    progress,
    usage_errors,
)
from spectral_mae.executors import memory_limit
from spectral_mae.expectation import expected_masked_psd
from spectral_mae.grid import PatchGrid
from spectral_mae.images import ImageRefused, LoadedImage
from spectral_mae.masks import PulseMask
from spectral_mae.memory_budget import MemoryBudget
from spectral_mae.output_files import check_distinct, check_replaced
from spectral_mae.periodogram import psd
from spectral_mae.radial import RadialSpectrum
from spectral_mae.spectrum import Spectrum

LEAKS = (
    "under a window the image's mean leaks into the lowest frequencies; --detrend constant takes "
    "it off first"
)


def power_spectrum(arguments: argparse.Namespace) -> int:
    """``spectral-mae psd``: a picture or a table of one image's spectrum."""
    if arguments.out.suffix.lower() not in (".png", ".csv"):
        raise UsageError(f"--out {arguments.out}: the name must end in .png or .csv")
    if arguments.unmask and arguments.mask is None:
        raise UsageError("--unmask needs --mask")
    for option, value in (
        ("--patch-size", arguments.patch_size),
        ("--sampling", arguments.sampling),
    ):
        if value is not None and arguments.mask_ratio is None:
            raise UsageError(f"{option} is that of masks and needs --mask-ratio")
    patch_size = 16 if arguments.patch_size is None else arguments.patch_size
    sampling: Sampling = arguments.sampling or "fixed"
    with usage_errors():
        size = pixels_or_native(arguments.size)
        paths = found_images([arguments.path]).paths
        # Only for its checks, which want a mask ratio also where no masking is asked for.
        ratio = 0.5 if arguments.mask_ratio is None else arguments.mask_ratio
        BatchOptions(
            (patch_size,),
            ratio,
            sampling,
            None,
            max_pixels=arguments.max_pixels,
        )
    if len(paths) != 1:
        raise UsageError(f"IMAGE must be one image; {arguments.path!r} holds {len(paths)}")
    with usage_errors():
        read = [*paths, *filter(None, [arguments.mask])]
        check_distinct([arguments.out], read)
        check_replaced([arguments.out], overwrite=arguments.overwrite)
    try:
        image = _read(paths[0], size, arguments.max_pixels, color=arguments.color)
        if arguments.mask_ratio is not None and size is None:
            image = images.crop_to_multiple(image, patch_size)
        if image.pixels.size == 1:
            raise ImageRefused("a single pixel has no spectrum to average")  # noqa: TRY301
    except ImageRefused as refusal:
        print(f"{arguments.path}: {refusal}", file=sys.stderr)
        return NOTHING
    if arguments.mask is not None:
        return unmask_command.masked_spectrum(arguments, image)
    options: dict[str, Any] = {
        "window": arguments.window,
        "detrend": detrend(arguments.detrend),
        "scaling": arguments.scaling,
        "channel_axis": -1 if arguments.color else None,
    }
    with usage_errors():
        spectra = {"original": psd(image.pixels, **options)}
        if arguments.mask_ratio is not None:
            spectra["expected"] = expected_masked_psd(
                image.pixels,
                patch_size,
                arguments.mask_ratio,
                sampling=sampling,
                **options,
            )
        series = {name: spectrum.radial() for name, spectrum in spectra.items()}
    with output_errors():
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        if arguments.out.suffix.lower() == ".csv":
            _write_series(arguments.out, series)
        else:
            _draw_psd(arguments.out, spectra, series)
    if arguments.window is not None and arguments.detrend == "none":
        print(f"note: {LEAKS}", file=sys.stderr)
    for note in image.notes:
        print(f"note: {note}")
    print(f"{_slope_line(series['original'])}; written to {arguments.out}")
    return OK


def mask(arguments: argparse.Namespace) -> int:
    """``spectral-mae mask``: a random mask as a PNG."""
    for path in (arguments.out, arguments.figure):
        if path is not None and path.suffix.lower() != ".png":
            raise UsageError(f"{path}: the name must end in .png")
    with usage_errors():
        if arguments.seed < 0:
            raise ValueError(f"seed={arguments.seed} is negative")
        written = [arguments.out, arguments.figure]
        check_distinct(written, [])
        check_replaced(written, overwrite=arguments.overwrite)
        shape = _rows_and_columns(arguments.size)
        positive_int("patch_size", arguments.patch_size)
        for side in shape:
            check_divides(arguments.patch_size, side)
        grid = PatchGrid(shape, arguments.patch_size)
        drawn = PulseMask.random(
            grid, arguments.mask_ratio, sampling=arguments.sampling, rng=arguments.seed
        )
    with output_errors():
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        images.write_gray_png(arguments.out, drawn.visible)
        if arguments.figure is not None:
            figure, axes = plot.new_figure(1, 2, width=9.4, height=4.0)
            plot.grating(grid, arguments.mask_ratio, axes[0], sampling=arguments.sampling)
            arguments.figure.parent.mkdir(parents=True, exist_ok=True)
            plot.save(figure, arguments.figure)
    print(
        f"{len(drawn.starts)} of {grid.n_patches} patches visible, "
        f"{drawn.mask_ratio:.4g} of the pixels hidden; written to {arguments.out}"
    )
    return OK


def check(arguments: argparse.Namespace) -> int:
    """``spectral-mae verify``: a table of equations, errors and bounds; exit 1 if one fails."""
    with usage_errors():
        size = pixels_or_native(arguments.size)
        BatchOptions(
            (arguments.patch_size,),
            arguments.mask_ratio,
            arguments.sampling,
            size,
            seed=arguments.seed,
            max_pixels=arguments.max_pixels,
        )
        found = found_images(arguments.paths)
    rng = np.random.default_rng(arguments.seed)
    checks: list[verify.Check] = []
    refused = n_enlarged = 0
    for path in progress(found.paths, quiet=False):
        try:
            image = _read(path, size, arguments.max_pixels)
            if size is None:
                image = images.crop_to_multiple(image, arguments.patch_size)
            n_enlarged += size is not None and min(image.source_shape) < size
            checks += verify.verify_image(
                image.pixels,
                arguments.patch_size,
                arguments.mask_ratio,
                sampling=arguments.sampling,
                rng=rng,
                where=images.display_name(path),
            )
            if arguments.theory:
                checks += verify_theory.verify_lemmas(
                    image.pixels, arguments.mask_ratio, rng=rng, where=images.display_name(path)
                )
        except ValueError as error:
            refused += 1
            print(f"failed: {images.display_name(path)}: {error}", file=sys.stderr)
    if size is not None and n_enlarged:
        print(enlarged_note(n_enlarged, size), file=sys.stderr)
    if not checks:
        print("no image could be used", file=sys.stderr)
        return NOTHING
    worst = verify.worst_of(checks)
    _print_checks(worst)
    n_failed = sum(not check.ok for check in worst)
    n_images = len(found.paths) - refused
    verdict = "all hold" if n_failed == 0 else f"{n_failed} FAILED"
    counted = "1 image" if n_images == 1 else f"{n_images} images"
    print(f"{len(worst)} checks on {counted}: {verdict}")
    return SOME_FAILED if n_failed or refused else OK


def train_mae(arguments: argparse.Namespace) -> int:
    """``spectral-mae train-mae``, where PyTorch is installed."""
    try:
        from spectral_mae.nonlinear import train_command
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise UsageError(str(error)) from None
    return train_command.train_mae(arguments)


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "analyze": analyze_command.analyze,
    "psd": power_spectrum,
    "mask": mask,
    "verify": check,
    "fit": model_commands.fit,
    "reconstruct": model_commands.reconstruct,
    "sweep": sweep_command.sweep,
    "figures": figures_command.figures,
    "train-mae": train_mae,
}


def _read(path: Path, size: int | None, max_pixels: int, *, color: bool = False) -> LoadedImage:
    native, share = size is None, memory_limit(None, 1)
    budget = dataclasses.replace(
        MemoryBudget.for_images(share, native=native, color=color),
        limited_by="half of the machine's memory",
    )
    with budget.within(max_pixels) as most:
        image = images.read_file(path, color=color, max_pixels=most)
    return image if size is None else images.resize_and_crop(image, size)


def _rows_and_columns(text: str) -> tuple[int, int]:
    parts = text.split("x")
    if len(parts) > 2 or not all(part.isdecimal() and int(part) for part in parts):
        raise ValueError(f"--size {text!r} is neither N nor HxW, pixels of at least one")
    return int(parts[0]), int(parts[-1])


def _slope_line(spectrum: RadialSpectrum) -> str:
    try:
        slope, stderr = spectrum.fit_slope()
    except ValueError as error:
        return str(error)
    return f"slope {slope:.3f} ± {stderr:.3f}"


def _draw_psd(path: Path, spectra: dict[str, Spectrum], series: dict[str, RadialSpectrum]) -> None:
    """A map of each spectrum, on one scale, and their radial averages."""
    columns = len(spectra) + 1
    figure, axes = plot.new_figure(1, columns, width=5.0 * columns, height=4.2)
    low, high = plot.power_limits(list(spectra.values()))
    titles = {"original": "original", "expected": "expected under masking"}
    for axis, (name, spectrum) in zip(axes[0], spectra.items(), strict=False):
        plot.psd(spectrum, axis, vmin=low, vmax=high)
        axis.set_title(titles[name], fontsize="medium")
    rings = axes[0, -1]
    plot.radial({"original": series["original"]}, rings)
    if "expected" in series:
        # An exact expectation has no standard error.
        plot.radial({titles["expected"]: series["expected"]}, rings, band="none")
    # A reason why there is no slope is longer than the axes are wide.
    title = textwrap.fill(f"original: {_slope_line(series['original'])}", 52)
    rings.set_title(title, fontsize="medium")
    plot.save(figure, path)


def _write_series(path: Path, series: dict[str, RadialSpectrum]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["series", "frequency", "power", "count", "std", "stderr"])
        for name, spectrum in series.items():
            columns = (
                spectrum.frequency,
                spectrum.power,
                spectrum.count,
                spectrum.std,
                spectrum.stderr,
            )
            for values in zip(*(column.tolist() for column in columns), strict=True):
                writer.writerow([name, *values])


def _print_checks(checks: list[verify.Check]) -> None:
    print(f"{'equation':<12}{'precision':<11}{'error':>10}{'bound':>10}  {'':<5}what, where worst")
    for one in checks:
        mark = "ok" if one.ok else "FAIL"
        print(
            f"{one.equation:<12}{one.precision:<11}{one.error:>10.2g}{one.bound:>10.2g}  "
            f"{mark:<5}{one.statement} [{one.where}]"
        )
