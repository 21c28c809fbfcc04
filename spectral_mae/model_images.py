"""The images that ``fit`` and ``sweep`` read: those that are fitted, those that are held out."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spectral_mae._checks import FloatArray
from spectral_mae.command_line import found_images, progress, report_failures
from spectral_mae.grid import PatchGrid
from spectral_mae.linear_model import LinearModel
from spectral_mae.moments import KINDS, Moments
from spectral_mae.stack import CentredStack
from spectral_mae.streams import ImageStream, StreamOptions, split_held_out

MEMORY = 4 * 2**30  # for second moments; solving them takes about three times as much more


@dataclass
class ModelImages:
    """The images of a run.

    Attributes
    ----------
    stream : ImageStream
    paths, others : list of Path
        Files that are fitted, and files that are held out.
    quiet : bool
        Show no progress.
    n_held_out : int
        Images held out that could be read, once they were.
    """

    stream: ImageStream
    paths: list[Path]
    others: list[Path]
    quiet: bool
    n_held_out: int = 0

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> ModelImages:
        """Find the images that the arguments name, and split them."""
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
        return cls(ImageStream(options), paths, others, arguments.quiet)

    def empty_moments(self, patch_size: int, covariance: str) -> Moments:
        """Moments for these images, refused where they would not fit into memory."""
        options = self.stream.options
        grid = PatchGrid((options.size, options.size), patch_size)
        channels = 3 if options.color else 1
        d = grid.patch_pixels * channels
        n_blocks = 1 if covariance == "dense" else grid.n_patches // 2 + 1
        size = d * grid.n_patches if covariance == "dense" else d
        needed = (8 if covariance == "dense" else 16) * n_blocks * size**2
        if needed > MEMORY:
            raise ValueError(
                f"{patch_size=} with {covariance=} at {options.size}x{options.size} pixels needs "
                f"{n_blocks} matrices of {size}x{size}, {needed / 2**30:.1f} GiB; "
                f"the limit is {MEMORY / 2**30:.0f} GiB"
            )
        return KINDS[covariance](grid, channels)

    def fill(self, every: Sequence[Moments]) -> bool:
        """Read the images that are fitted; False if there is none."""
        for batch in self.stream.batches(progress(tuple(self.paths), quiet=self.quiet)):
            for moments in every:
                moments.update(batch)
        report_failures(self.stream)
        if every[0].n_images == 0:
            print("no image could be used", file=sys.stderr)
            return False
        return True

    def held_out(self) -> Iterator[FloatArray]:
        """The images that are held out, read again."""
        return self.stream.batches(self.others)

    def second_moment(self, model: LinearModel) -> CentredStack | None:
        """That of the images held out, about the model's mean; None where none is held out."""
        if not self.others:
            return None
        before, known = self.stream.n_images, set(self.stream.failed)
        try:
            return model.second_moment(self.held_out())
        except ValueError as error:
            if self.stream.n_images == before:
                raise ValueError(
                    f"none of the {len(self.others)} images held out could be used"
                ) from error
            raise
        finally:
            self.n_held_out = self.stream.n_images - before
            report_failures(self.stream, known)


def chooses_shrinkage(arguments: argparse.Namespace) -> bool:
    """Whether the images held out choose the shrinkage."""
    if arguments.shrinkage is None:
        return bool(arguments.holdout > 0 and arguments.covariance != "stationary")
    return bool(arguments.shrinkage == "auto")


def first_shrinkage(arguments: argparse.Namespace) -> float:
    """That of the first fit; where it is to be chosen, the one that hardly anything refuses."""
    if chooses_shrinkage(arguments):
        if arguments.holdout == 0:
            raise ValueError("--shrinkage auto asks images held out, and --holdout is 0")
        return 1.0
    return 0.0 if arguments.shrinkage is None else _number("--shrinkage", arguments.shrinkage)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} {text!r} is neither a number nor 'auto'") from None


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write a table with the columns of its first row."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.8g}" if isinstance(v, float) else v for k, v in row.items()})
