"""The images of runs that fit linear models: those that are fitted, and those that are held out."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from spectral_mae import _checks
from spectral_mae._checks import FloatArray, PerAxis
from spectral_mae.batch.analyze.options import check_divides
from spectral_mae.batch.errors import ImagesRefused, NothingUsable
from spectral_mae.batch.models.moments_work import (
    MomentSums,
    MomentsWork,
    Shape,
    TooManyShapesError,
)
from spectral_mae.batch.models.pixels_work import PixelSums, PixelsWork
from spectral_mae.batch.progress import LOGGER, enlarged_note
from spectral_mae.batch.run import BatchRun, chunk_size_for
from spectral_mae.images.sources import FoundSources
from spectral_mae.images.stream import ImageStream, StreamOptions, split_held_out
from spectral_mae.linear.model import LinearModel
from spectral_mae.linear.model_file import named
from spectral_mae.linear.moments.blocks import CentredStack
from spectral_mae.linear.moments.kinds import KINDS, Moments
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.patches import PatchGrid

MEMORY = 4 * 2**30  # for second moments; solving them takes about three times as much more
CHUNK_BYTES = 16 * 2**20  # of the images of a chunk
CHUNK_SUMS = 2  # or so many times what its sums take, which have to travel


class ModelImages:
    """The images of a run, read in chunks by a `BatchRun`.

    Parameters
    ----------
    found : FoundSources
    options : StreamOptions
    holdout : float
        Fraction of the images that is held out, at least 0 and below 1.

    Attributes
    ----------
    fitted, others : list of ImageReference
        Images that are fitted, and images that are held out.
    n_held_out : int
        Images held out that could be read, once they were.

    Raises
    ------
    ValueError
        If no image would be fitted, or none held out.
    """

    def __init__(self, found: FoundSources, options: StreamOptions, holdout: float) -> None:
        self.found, self.options, self.holdout = found, options, holdout
        self.fitted, self.others = split_held_out(found.references, holdout, options.rng)
        self.n_held_out = 0

    @property
    def reading(self) -> dict[str, Any]:
        """The options of reading, which results depend on."""
        names = ("size", "crops", "color", "max_pixels")
        reading = {name: getattr(self.options, name) for name in names}
        if self.options.size is None:
            reading["multiple"] = self.options.multiple
        return {**reading, "seed": self.options.rng, "holdout": self.holdout}

    @cached_property
    def shape(self) -> Shape:
        """Pixels of the images along each axis: of the first that can be read, if they differ."""
        options = self.options
        if options.size is not None:
            return (options.size, options.size)
        stream = ImageStream(options)
        for reference in self.found.references:
            for batch in stream.batches([reference]):
                return batch.shape[1:3]
        title, reason = next(iter(stream.failed.items()))
        raise NothingUsable(f"no image could be used; the first, {title}: {reason}")

    def empty_moments(
        self, patch_size: PerAxis, covariance: str, *, center: bool = True
    ) -> Moments:
        """Moments for images of `shape`, refused where they would not fit into memory."""
        shape = self.shape
        sides = _checks.per_axis("patch_size", patch_size, 2)
        if self.options.size is not None:
            for side in sides:
                check_divides(_checks.positive_int("patch_size", side), self.options.size)
        grid = PatchGrid(shape, sides)
        channels = 3 if self.options.color else 1
        d = grid.patch_pixels * channels
        n_blocks = 1 if covariance == "dense" else grid.n_patches // 2 + 1
        size = d * grid.n_patches if covariance == "dense" else d
        needed = (8 if covariance == "dense" else 16) * n_blocks * size**2
        if needed > MEMORY:
            raise ValueError(
                f"{patch_size=} with {covariance=} at {'x'.join(map(str, shape))} pixels needs "
                f"{n_blocks} matrices of {size}x{size}, {needed / 2**30:.1f} GiB; "
                f"the limit is {MEMORY / 2**30:.0f} GiB"
            )
        return KINDS[covariance](grid, channels, center)

    def fill(self, run: BatchRun, every: Sequence[Moments]) -> dict[Shape, list[Moments]]:
        """Moments like these of the images that are fitted, for each shape of them.

        Raises
        ------
        NothingUsable
            If none of them could be read.
        ImagesRefused
            If they have too many shapes.
        """
        found = self._sums(run, "fitted", self.fitted, self._work(run, every), every)
        filled = {} if found is None else found.by_shape
        if not any(moments[0].n_images for moments in filled.values()):
            raise NothingUsable("no image could be used")
        return filled

    def add_again(self, run: BatchRun, moments: Moments) -> None:
        """Read the images of one shape that are fitted once more, and add them to its moments.

        For moments that are too large to be sent from one process to another, and of which no more
        than one may be in memory.
        """
        failed = {title for title, _ in run.tally.failed}
        good = [reference for reference in self.fitted if reference.title not in failed]
        shape = moments.grid.shape
        work = PixelsWork(self.options, run.running.time_limit, run.max_memory, only=shape)
        each = 8 * moments.channels * math.prod(shape) * max(1, self.options.crops)
        chunk_size = chunk_size_for(len(good), max(1, CHUNK_BYTES // each))
        doing = f"adding up patches of {max(moments.grid.patch_size)} pixels"
        with run.stage(doing, len(good)) as bar:
            for chunk, result in run.once_more(good, work, chunk_size=chunk_size):
                for images in result.sums.by_shape.values():
                    moments.update(images)
                bar.add(len(chunk.items))

    def held_out_pixels(self, run: BatchRun, most: int, most_bytes: int) -> dict[Shape, FloatArray]:
        """Images that are held out, by shape: at most so many, evenly from all."""
        channels = 3 if self.options.color else 1
        each = 8 * channels * math.prod(self.shape) * max(1, self.options.crops)
        n = max(1, min(most, len(self.others), most_bytes // each))
        chosen = [self.others[i * len(self.others) // n] for i in range(n)]
        found = run.phase(
            "held-out",
            chosen,
            PixelsWork(self.options, run.running.time_limit, run.max_memory),
            PixelSums.from_arrays,
            chunk_size=chunk_size_for(n, max(1, CHUNK_BYTES // each)),
        )
        pixels: dict[Shape, FloatArray] = {} if found is None else found.by_shape
        self.n_held_out = sum(map(len, pixels.values()))
        if not self.n_held_out:
            raise ImagesRefused(f"none of the {n} images held out could be used")
        return pixels

    def second_moment(self, run: BatchRun, model: LinearModel) -> CentredStack | None:
        """That of the images held out, about the model's mean; None where none is held out."""
        if not self.others:
            return None
        empty = model.empty_second_moment()
        name = f"held-out-{model.moments_.grid.patch_size[0]}"
        work = self._work(run, [empty], (model.centre,))
        found = self._sums(run, name, self.others, work, [empty])
        self.n_held_out = 0 if found is None else found.moments[0].n_images
        if found is None or not self.n_held_out:
            raise ValueError(f"none of the {len(self.others)} images held out could be used")
        return model.second_moment_of(found.moments[0])

    def held_out(self, run: BatchRun) -> Iterator[FloatArray]:
        """The images that are held out and could be read, once more."""
        failed = {title for title, _ in run.tally.failed}
        good = [reference for reference in self.others if reference.title not in failed]
        return ImageStream(self.options).batches(good)

    def counts(self, run: BatchRun, n_fitted: int) -> dict[str, int]:
        """How many images were found, failed, were fitted and were held out."""
        return {
            "found": len(self.found.references),
            "failed": len({title for title, _ in run.tally.failed}),
            "fitted": n_fitted,
            "held_out": self.n_held_out,
        }

    def record(
        self, run: BatchRun, counts: Mapping[str, int], more: Mapping[str, Any] | None = None
    ) -> str:
        """Contents of run.json for a run that is complete."""
        record = {
            "status": "complete",
            "counts": counts,
            "options": {"paths": list(self.found.given)},
            "failed": [{"path": title, "error": reason} for title, reason in run.tally.failed],
            "seconds": round(float(run.journal.counters.get("elapsed", 0.0)), 3),
            "throughput": run.throughput(),
            **(more or {}),
        }
        return json.dumps(run.identity.signed(record), indent=2) + "\n"

    def note_enlarged(self, run: BatchRun) -> None:
        """Say of how many images the highest frequencies are interpolated."""
        if run.tally.enlarged and self.options.size is not None:
            LOGGER.warning("%s", enlarged_note(len(run.tally.enlarged), self.options.size))

    def _work(
        self,
        run: BatchRun,
        every: Sequence[Moments],
        about: tuple[FloatArray, ...] | None = None,
    ) -> MomentsWork:
        return MomentsWork(
            self.options,
            tuple(moments.grid.patch_size for moments in every),
            every[0].kind,
            every[0].center,
            about,
            run.running.time_limit,
            run.max_memory,
        )

    def _sums(
        self,
        run: BatchRun,
        name: str,
        references: Sequence[Any],
        work: MomentsWork,
        every: Sequence[Moments],
    ) -> MomentSums | None:
        sum_bytes = sum(size_of(moments) for moments in every)
        channels = 3 if self.options.color else 1
        pixels = math.prod(self.shape) * channels * max(1, self.options.crops)
        wanted = max(1, max(CHUNK_BYTES, CHUNK_SUMS * sum_bytes) // (8 * pixels))
        with too_many_refused():
            found: MomentSums | None = run.phase(
                name,
                references,
                work,
                MomentSums.from_arrays,
                chunk_size=chunk_size_for(len(references), wanted, sum_bytes),
                sum_bytes=sum_bytes,
            )
        return found


@contextmanager
def too_many_refused() -> Iterator[None]:
    """Refuse images of too many shapes."""
    try:
        yield
    except TooManyShapesError as error:
        raise ImagesRefused(str(error)) from error


def score_of(model: LinearModel, held_out: CentredStack, data: ModelImages, run: BatchRun) -> float:
    """Return the explained power of the images held out.

    Parameters
    ----------
    model : LinearMAE, LinearDAE or LinearAE
        Fitted.
    held_out : CentredStack
        Second moment of the images held out.
    data : ModelImages
        The images, which are read again where their second moment does not tell the score.
    run : BatchRun
        Run that reads them.

    Returns
    -------
    float
        Explained fraction of power.
    """
    return model.score(data.held_out(run) if model.needs_images_to_score else held_out)


def design_mark(design: MaskDesign) -> str:
    """Return what a run knows a design by.

    Parameters
    ----------
    design : MaskDesign
        Any design.

    Returns
    -------
    str
        Its text, and a checksum of masks that were given.
    """
    if named(design):
        return design.text
    patterns, weights = design.enumerate()
    return f"{design.text}, crc32 {zlib.crc32(weights.tobytes(), zlib.crc32(patterns.tobytes()))}"


def failures_of(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Title and reason of the images that failed, from the run.json of a complete run."""
    return [(one["path"], one["error"]) for one in record["failed"]]


def check_file(path: Path | None, suffix: str) -> None:
    """Raise ``ValueError`` where a file cannot have this name."""
    if path is not None and (path.suffix.lower() != suffix or path.is_dir()):
        raise ValueError(f"{path}: must be a file whose name ends in {suffix}")


def size_of(moments: Moments) -> int:
    """Bytes of moments."""
    return sum(int(array.nbytes) for array in moments.arrays().values())
