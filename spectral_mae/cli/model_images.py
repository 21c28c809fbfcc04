"""The images that ``fit`` and ``sweep`` read: those that are fitted, those that are held out."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae._files.atomic_file import replacing
from spectral_mae.batch.analyze.outcomes import check_divides
from spectral_mae.batch.moments_work import MomentSums, MomentsWork
from spectral_mae.batch.run import BatchRun, chunk_size_for
from spectral_mae.batch.run_folder import RunPlace
from spectral_mae.cli.shared import found_sources
from spectral_mae.images.references import ImageReference
from spectral_mae.images.stream import ImageStream, StreamOptions, split_held_out
from spectral_mae.linear.model import LinearModel
from spectral_mae.linear.moments.blocks import CentredStack
from spectral_mae.linear.moments.kinds import KINDS, Moments
from spectral_mae.masks.patches import PatchGrid

MEMORY = 4 * 2**30  # for second moments; solving them takes about three times as much more
CHUNK_BYTES = 16 * 2**20  # of the images of a chunk
CHUNK_SUMS = 2  # or so many times what its sums take, which have to travel
READING = ("size", "crops", "color", "max_pixels", "seed", "holdout")


class ModelImages:
    """The images of a run, read in chunks by a `BatchRun`.

    Parameters
    ----------
    arguments : Namespace

    Attributes
    ----------
    options : StreamOptions
    paths, others : list of ImageReference
        Images that are fitted, and images that are held out.
    n_held_out : int
        Images held out that could be read, once they were.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        if not arguments.size.isdecimal():
            raise ValueError(f"--size {arguments.size!r} is not a number of pixels")
        self.arguments = arguments
        self.options = StreamOptions(
            int(arguments.size),
            arguments.crops,
            arguments.color,
            arguments.max_pixels,
            arguments.seed,
        )
        found = found_sources(arguments.paths, arguments.out)
        self.references = found.references
        self.paths, self.others = split_held_out(
            found.references, arguments.holdout, arguments.seed
        )
        self.n_held_out = 0

    def empty_moments(self, patch_size: int, covariance: str) -> Moments:
        """Moments for these images, refused where they would not fit into memory."""
        options = self.options
        _checks.positive_int("patch_size", patch_size)
        check_divides(patch_size, options.size)
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

    def batch_run(
        self, place: RunPlace, options: Sequence[str], model: LinearModel | None = None
    ) -> BatchRun:
        """The run that reads them.

        Parameters
        ----------
        place : RunPlace
        options : sequence of str
            Arguments that its results depend on, besides those of reading.
        model : LinearModel or None
            What the arguments of a single model mean, with its defaults.
        """
        depends = {name: getattr(self.arguments, name) for name in (*READING, *options)}
        depends |= {name: getattr(model, name) for name in options if hasattr(model, name)}
        auto = chooses_shrinkage(self.arguments)
        depends["shrinkage"] = "auto" if auto else first_shrinkage(self.arguments)
        return BatchRun(self.arguments, place=place, options=depends, references=self.references)

    def record(self, run: BatchRun, fitted: int, code: int) -> str:
        """What run.json says of a run that is complete."""
        counters = run.journal.counters
        record = {
            "status": "complete",
            "counts": {
                "found": len(self.references),
                "failed": len({title for title, _ in run.tally.failed}),
                "fitted": fitted,
                "held_out": self.n_held_out,
            },
            "options": {"paths": [str(path) for path in self.arguments.paths]},
            "failed": [{"path": title, "error": reason} for title, reason in run.tally.failed],
            "seconds": round(float(counters.get("elapsed", 0.0)), 3),
            "throughput": run.throughput(),
        }
        return json.dumps(run.identity.signed(record, code), indent=2) + "\n"

    def fill(self, run: BatchRun, every: Sequence[Moments]) -> list[Moments] | None:
        """Moments like these of the images that are fitted; None if there is none."""
        kind = every[0].kind
        found = self._sums(run, "fitted", self.paths, [m.grid for m in every], kind, None)
        if found is None or found[0].n_images == 0:
            print("no image could be used", file=sys.stderr)
            return None
        return found

    def second_moment(self, run: BatchRun, model: LinearModel) -> CentredStack | None:
        """That of the images held out, about the model's mean; None where none is held out."""
        if not self.others:
            return None
        empty, about = model.empty_second_moment(), model.centre
        name = f"held-out-{model.moments_.grid.patch_size[0]}"
        found = self._sums(run, name, self.others, [empty.grid], empty.kind, (about,))
        self.n_held_out = 0 if found is None else found[0].n_images
        if found is None or not self.n_held_out:
            raise ValueError(f"none of the {len(self.others)} images held out could be used")
        return model.second_moment_of(found[0])

    def held_out(self, run: BatchRun) -> Iterator[FloatArray]:
        """The images that are held out and could be read, once more."""
        failed = {title for title, _ in run.tally.failed}
        good = [reference for reference in self.others if reference.title not in failed]
        return ImageStream(self.options).batches(good)

    def _sums(
        self,
        run: BatchRun,
        name: str,
        references: Sequence[ImageReference],
        grids: Sequence[PatchGrid],
        kind: str,
        about: tuple[FloatArray, ...] | None,
    ) -> list[Moments] | None:
        time_limit = self.arguments.time_limit
        work = MomentsWork(self.options, tuple(grids), kind, about, time_limit, run.max_memory)
        channels = 3 if self.options.color else 1
        sum_bytes = sum(_size(KINDS[kind](grid, channels)) for grid in grids)
        pixels = self.options.size**2 * channels * max(1, self.options.crops)
        wanted = max(1, max(CHUNK_BYTES, CHUNK_SUMS * sum_bytes) // (8 * pixels))
        found = run.phase(
            name,
            references,
            work,
            MomentSums.from_arrays,
            chunk_size=chunk_size_for(len(references), wanted, sum_bytes),
            sum_bytes=sum_bytes,
        )
        return None if found is None else found.moments


def _size(moments: Moments) -> int:
    """Bytes of moments."""
    return sum(int(array.nbytes) for array in moments.arrays().values())


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
    with replacing(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.8g}" if isinstance(v, float) else v for k, v in row.items()})
