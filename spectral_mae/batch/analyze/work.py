"""What is done to a chunk of images, wherever it is done: pure, picklable, and the same bits.

What a chunk gives depends on its images and the options alone: BLAS has one thread, FFTW's plans
are estimates, and what is kept from chunk to chunk (tables of a shape, open archives) changes no
number.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from numpy.typing import NDArray

from spectral_mae._files.array_file import arrays_below
from spectral_mae._parallel import one_blas_thread
from spectral_mae.batch.analyze.mean_spectra import MeanSpectra
from spectral_mae.batch.analyze.options import AnalyzeOptions
from spectral_mae.batch.analyze.outcomes import (
    PICTURED,
    Analyzers,
    BatchAnalyzer,
    Outcome,
    finished,
    missing_of,
)
from spectral_mae.batch.analyze.run_tables import rows_of
from spectral_mae.batch.analyze.shape_moments import ShapeMoments
from spectral_mae.batch.chunks import Chunk, ChunkResult, OfThread
from spectral_mae.images.limits.memory_budget import MemoryBudget
from spectral_mae.images.reader import TIME_LIMIT, Reader

SHOWN = 4  # images of a chunk that are handed on whole, the first few with their pixels
SHOWN_OF = 256  # images, from the first of a run; chunks that come later hand on none


class AnalysisSums:
    """Moments by shape and mean spectra."""

    def __init__(self, moments: ShapeMoments, spectra: MeanSpectra) -> None:
        self.moments, self.spectra = moments, spectra

    def merge(self, other: Self) -> Self:
        """Add the sums of the images that follow."""
        self.moments.merge(other.moments)
        self.spectra.merge(other.spectra)
        return self

    def to_arrays(self) -> dict[str, Any]:
        """All there is to know, as arrays by name."""
        return {
            **{f"moments/{k}": v for k, v in self.moments.to_arrays().items()},
            **{f"spectra/{k}": v for k, v in self.spectra.to_arrays().items()},
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Undo `to_arrays`."""
        return cls(
            ShapeMoments.from_arrays(arrays_below("moments/", arrays)),
            MeanSpectra.from_arrays(arrays_below("spectra/", arrays)),
        )


@dataclass
class AnalyzedChunk(ChunkResult):
    """What became of a chunk that was analysed.

    Attributes
    ----------
    rows : dict of bytes
        What is added to tables, by their names.
    shown : list of Outcome
        Of the first images that were analysed, with their pixels, in the first chunks of a run.
    """

    rows: dict[str, bytes] = field(default_factory=dict)
    shown: list[Outcome] = field(default_factory=list)


class _OfThread(OfThread):
    """Open archives, and tables that are made for shapes of images."""

    def __init__(self) -> None:
        super().__init__()
        self.analyzers: Analyzers | None = None


@dataclass(frozen=True)
class AnalyzeWork:
    """``analyze`` on a chunk.

    Attributes
    ----------
    options : AnalyzeOptions
    time_limit : float
        Seconds that decoding an image may take.
    max_memory : int or None
        Bytes that an image may take.
    """

    options: AnalyzeOptions
    time_limit: float = TIME_LIMIT
    max_memory: int | None = None
    _kept: _OfThread = field(default_factory=_OfThread, repr=False, compare=False)

    def forget(self) -> None:
        """Give up what this thread keeps for chunks to come: tables, and files that are open."""
        self._kept.analyzers = None
        self._kept.files.close()  # a file of HDF5 that is open cannot be written

    def __call__(self, chunk: Chunk) -> AnalyzedChunk:
        """Analyse the images of a chunk."""
        start = time.perf_counter()
        options, budget = self.options, None
        if self.max_memory is not None:
            native = options.size is None
            budget = MemoryBudget.for_images(self.max_memory, native=native, color=options.color)
        reader = Reader(
            options.color,
            options.max_pixels,
            self.time_limit,
            budget,
            chunk.excluded,
            self._kept.files,
            **missing_of(options),
        )
        if self._kept.analyzers is None:
            self._kept.analyzers = Analyzers(options)
        batch = BatchAnalyzer(options, reader, self._kept.analyzers)
        spectra = MeanSpectra()
        images: list[list[Outcome]] = []  # without pixels, but for the first few
        n_shown = 0
        with one_blas_thread():
            for position, item in enumerate(chunk.items):
                number = chunk.first + position
                outcomes = batch.measure(
                    item, check=number < options.checks, draw=options.draws_for(number)
                )
                pictured = n_shown < PICTURED
                images.append(
                    [o if pictured and not o.is_large else o.without_pixels() for o in outcomes]
                )
                n_shown += any(outcome.ok for outcome in outcomes)
        every = finished([outcome for outcomes in images for outcome in outcomes])
        spectra.update(every)
        size = len(options.patch_sizes)  # outcomes of each image
        images = [every[first : first + size] for first in range(0, len(every), size)]
        analysed = [image for image in images if any(outcome.ok for outcome in image)]
        shown = analysed[:SHOWN] if chunk.first < SHOWN_OF else []
        return AnalyzedChunk(
            AnalysisSums(batch.moments, spectra),
            [(outcome.name, outcome.error) for outcome in every if not outcome.ok],
            len(analysed),
            sum(any(not outcome.ok for outcome in image) for image in images),
            time.perf_counter() - start,
            reader.seconds,
            rows=rows_of(images, options.table_format),
            shown=[outcome for image in shown for outcome in image],
        )
