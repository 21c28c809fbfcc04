"""What is done to a chunk of images, wherever it is done: pure, picklable, and the same bits.

What a chunk gives depends on its images and the options alone: BLAS has one thread, FFTW's plans
are estimates, and what is kept from chunk to chunk (tables of a shape, open archives) changes no
number.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spectral_mae._parallel import one_blas_thread
from spectral_mae.batch.analyze import tables
from spectral_mae.batch.analyze.mean_spectra import MeanSpectra
from spectral_mae.batch.analyze.outcomes import BatchAnalyzer, BatchOptions, Outcome
from spectral_mae.batch.analyze.page_numbers import Numbers
from spectral_mae.batch.analyze.picture import PICTURED
from spectral_mae.batch.analyze.shape_moments import ShapeMoments
from spectral_mae.batch.chunks import Chunk
from spectral_mae.batch.moments_work import ChunkResult, _below, _budget, _Kept
from spectral_mae.images.reader import TIME_LIMIT, Reader

SHOWN = 4  # images whose whole analysis the page needs; the first few with their pixels


class AnalysisSums:
    """Moments by shape and mean spectra."""

    def __init__(self, moments: ShapeMoments, spectra: MeanSpectra) -> None:
        self.moments, self.spectra = moments, spectra

    def merge(self, other: Self) -> Self:
        """Take in what comes behind."""
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
            ShapeMoments.from_arrays(_below("moments/", arrays)),
            MeanSpectra.from_arrays(_below("spectra/", arrays)),
        )


@dataclass(frozen=True)
class AnalyzeWork:
    """``analyze`` on a chunk.

    Attributes
    ----------
    options : BatchOptions
    checks : int
        Images, from the first of the run, on which Eq. 18 is checked.
    time_limit : float
        Seconds that decoding an image may take.
    max_memory : int or None
        Bytes that an image may take.
    """

    options: BatchOptions
    checks: int
    time_limit: float = TIME_LIMIT
    max_memory: int | None = None
    _kept: _Kept = field(default_factory=_Kept, repr=False, compare=False)

    def forget(self) -> None:
        """Give up what this thread keeps for chunks to come: tables as large as its images."""
        self._kept.batch = None

    def __call__(self, chunk: Chunk) -> ChunkResult:
        """Analyse the images of a chunk."""
        start = time.perf_counter()
        if self._kept.batch is None:
            self._kept.batch = BatchAnalyzer(self.options)
        batch = self._kept.batch
        batch.moments = ShapeMoments()
        native = self.options.size is None
        batch.reader = Reader(
            self.options.color,
            self.options.max_pixels,
            self.time_limit,
            _budget(self.max_memory, native=native, color=self.options.color),
            chunk.excluded,
            self._kept.files,
        )
        spectra = MeanSpectra()
        rows: dict[str, list[bytes]] = {}
        failed: list[tuple[str, str]] = []
        shown: list[Outcome] = []
        n_done = n_shown = n_bad = 0
        with one_blas_thread():
            for position, item in enumerate(chunk.items):
                outcomes = batch.analyze(item, check=chunk.first + position < self.checks)
                ok = any(outcome.ok for outcome in outcomes)
                if ok and n_shown < SHOWN:
                    pictured = n_shown < PICTURED
                    shown += [
                        o if pictured and not o.is_large else o.without_pixels() for o in outcomes
                    ]
                    n_shown += 1
                spectra.update(outcomes)
                for name, data in _tables(outcomes, n_done).items():
                    rows.setdefault(name, []).append(data)
                failed += [(o.name, o.error) for o in outcomes if not o.ok]
                n_bad += any(not outcome.ok for outcome in outcomes)
                n_done += ok
        return ChunkResult(
            AnalysisSums(batch.moments, spectra),
            {name: b"".join(parts) for name, parts in rows.items()},
            failed,
            n_done,
            n_bad,
            time.perf_counter() - start,
            batch.reader.seconds,
            shown,
        )


def _tables(outcomes: Sequence[Outcome], first: int) -> dict[str, bytes]:
    """Rows of an image for every table; images are counted from the first of the chunk."""
    columns = tables.spectra_columns(outcomes, first)
    analysed = next((o.name for o in outcomes if o.ok), None)
    return {
        "images.csv": tables.images_text(outcomes).encode(),
        "spectra.csv": tables.spectra_text(outcomes).encode(),
        "numbers": Numbers.of(outcomes).rows.tobytes(),
        "paths": b"" if analysed is None else json.dumps(analysed).encode() + b"\n",
        **{f"spectra-{name}": column.tobytes() for name, column in columns.items()},
    }


def renumbered(data: bytes, first: int) -> bytes:
    """The numbers of images in a chunk as those in the run."""
    return (np.frombuffer(data, tables.SPECTRA["image"]) + first).tobytes()
