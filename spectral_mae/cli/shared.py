"""What the commands share: exit codes, options of runs, progress."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from tqdm import tqdm

from spectral_mae.batch.executors import memory_limit
from spectral_mae.batch.progress import LOGGER
from spectral_mae.batch.run_folder import find_some
from spectral_mae.batch.run_options import RunOptions
from spectral_mae.cli.console.messages import failed
from spectral_mae.images.cropping import resize_and_crop
from spectral_mae.images.image import LoadedImage
from spectral_mae.images.limits.memory_budget import MemoryBudget
from spectral_mae.images.reader import Reader
from spectral_mae.images.references import ImageReference
from spectral_mae.images.sources import STANDARD_INPUT
from spectral_mae.images.stream import ImageStream

HIDDEN = "--nan hidden takes them as missing"


def found_images(paths: list[str]) -> Sequence[ImageReference]:
    """The images that the arguments name, or all built-in ones."""
    return find_some(given_paths(paths)).references


def run_options(arguments: argparse.Namespace) -> RunOptions:
    """How a run is carried out."""
    return RunOptions(
        jobs=arguments.jobs,
        scheduler=arguments.scheduler,
        resume=arguments.resume,
        overwrite=arguments.overwrite,
        fail_fast=arguments.fail_fast,
        time_limit=arguments.time_limit,
        memory_limit=arguments.memory_limit,
        checkpoint=arguments.checkpoint,
        log_file=arguments.log_file,
        quiet=arguments.quiet,
        command_line=arguments.typed,
    )


def given_paths(paths: list[str]) -> list[str]:
    """The paths that were given, or all built-in images; a list that is typed in is asked for."""
    if not STANDARD_INPUT.isdisjoint(paths) and sys.stdin is not None and sys.stdin.isatty():
        print("reading paths from standard input, one a line; Ctrl-D ends it", file=sys.stderr)
    return paths or ["builtin:"]


def masking(arguments: argparse.Namespace) -> dict[str, Any]:
    """How masks are chosen, as arguments of the library: a mask ratio and a sampling, or a design.

    Raises
    ------
    ValueError
        If a design is given beside the others.
    """
    if arguments.design is None:
        return {
            "mask_ratio": arguments.mask_ratio,
            "sampling": arguments.sampling or "fixed",
            "design": None,
        }
    for option in ("mask_ratio", "sampling"):
        if getattr(arguments, option) is not None:
            raise ValueError(
                f"--{option.replace('_', '-')} does not go with --design {arguments.design}, which "
                "says all about the masks"
            )
    return {"design": arguments.design}


def missing_pixels(arguments: argparse.Namespace) -> dict[str, str]:
    """``--nan``: what a reader does with NaN, and what it then says."""
    return {"nan": arguments.nan, "nan_hint": HIDDEN}


def pixels_or_native(text: str) -> int | None:
    """``--size``: a number of pixels, or None for "native"."""
    if text == "native":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"--size {text!r} is neither a number of pixels nor 'native'")
    return int(text)


def count_or_all(option: str, text: str) -> int | None:
    """A number of images, or None for "all"."""
    if text == "all":
        return None
    if not text.isdecimal():
        raise ValueError(f"{option} {text!r} is neither a number of images nor 'all'")
    return int(text)


def progress(images: Sequence[ImageReference], *, quiet: bool) -> Iterable[ImageReference]:
    """The images, with a bar on a terminal and plain lines elsewhere."""
    if quiet:
        return images
    if sys.stderr.isatty():
        return tqdm(images, unit="image", dynamic_ncols=True)
    return _lines(images)


def _lines(images: Sequence[ImageReference]) -> Iterator[ImageReference]:
    for number, image in enumerate(images, 1):
        print(f"{number}/{len(images)} {image.title}", file=sys.stderr, flush=True)
        yield image


def report_failures(stream: ImageStream, known: Collection[str] = ()) -> None:
    """Say what could not be read, but for what is known already."""
    for name, error in stream.failed.items():
        if name not in known:
            failed(name, error)


class SizedReader:
    """Reads images, their shorter sides resized to ``size`` pixels unless that is None.

    ``missing`` are the arguments ``nan`` and ``nan_hint`` of the reader.
    """

    def __init__(
        self, size: int | None, max_pixels: int, *, color: bool = False, **missing: Any
    ) -> None:
        self.size = size
        budget = dataclasses.replace(
            MemoryBudget.for_images(memory_limit(None, 1), native=size is None, color=color),
            limited_by="half of the machine's memory",
        )
        self._reader = Reader(color, max_pixels, budget=budget, **missing)

    def read(self, image: ImageReference) -> LoadedImage:
        """The pixels of an image.

        Raises
        ------
        ImageRefused
            If it cannot be read.
        """
        loaded = self._reader.read(image)
        rows, columns = loaded.source_shape
        LOGGER.debug("read %s: %d x %d pixels", image.title, rows, columns)
        return loaded if self.size is None else resize_and_crop(loaded, self.size)


def reading_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """How ``fit`` and ``sweep`` read images, as arguments of the library."""
    if not arguments.size.isdecimal():
        raise ValueError(f"--size {arguments.size!r} is not a number of pixels")
    names = ("crops", "color", "max_pixels", "holdout")
    reading = {name: getattr(arguments, name) for name in names}
    return {"size": int(arguments.size), "rng": arguments.seed, **reading}


def chooses_shrinkage(arguments: argparse.Namespace) -> bool:
    """Whether the images held out choose the shrinkage."""
    if arguments.shrinkage is None:
        return bool(arguments.holdout > 0 and arguments.covariance != "stationary")
    return bool(arguments.shrinkage == "auto")


def first_shrinkage(arguments: argparse.Namespace) -> float:
    """That of the first fit, or 0 where the images held out choose it."""
    if chooses_shrinkage(arguments):
        if arguments.holdout == 0:
            raise ValueError("--shrinkage auto asks images held out, and --holdout is 0")
        return 0.0
    if arguments.shrinkage is None:
        return 0.0
    try:
        return float(arguments.shrinkage)
    except ValueError:
        raise ValueError(
            f"--shrinkage {arguments.shrinkage!r} is neither a number nor 'auto'"
        ) from None
