"""Rate of a batch with several jobs as a share of what the decoder alone reaches.

    python -m benchmarks.batches PATH... [--jobs 2] [--size 224] [--repeat 4] [--rounds 3]

Both run in the same processes by turns, on the same images in the same chunks: the decoder alone
(read, resized and cropped), mean power spectra (what `fit --covariance stationary` adds up), band
moments of patches of 16 pixels, and the whole of `analyze`. The share of each is the median over
rounds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import spectral_mae as sm
from spectral_mae._parallel import cores
from spectral_mae.batch.analyze.outcomes import AnalyzeOptions
from spectral_mae.batch.analyze.work import AnalyzeWork
from spectral_mae.batch.chunks import Chunk, chunked, in_order
from spectral_mae.batch.executors import memory_limit
from spectral_mae.batch.models.moments_work import MomentsWork
from spectral_mae.batch.worker_processes import WorkerPool
from spectral_mae.images.sources import find_sources
from spectral_mae.images.stream import ImageStream, StreamOptions

CHUNK, BAND_CHUNK = 32, 128  # images; sums of bands are large, and travel


@dataclass(frozen=True)
class Decoder:
    """Images read, resized and cropped, and nothing else."""

    options: StreamOptions

    def __call__(self, chunk: Chunk) -> int:
        return sum(len(batch) for batch in ImageStream(self.options).batches(chunk.items))


def rate(items: Sequence[Any], work: Callable[[Chunk], Any], pool: WorkerPool) -> float:
    size = BAND_CHUNK if getattr(work, "kind", "") == "banded" else CHUNK
    start = time.perf_counter()
    for _ in in_order(chunked(items, size), work, pool, ahead=3 * pool.n):
        pass
    return len(items) / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repeat", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    found = find_sources(arguments.paths).references
    items = list(found) * arguments.repeat
    options = StreamOptions(arguments.size)
    grid = sm.PatchGrid((arguments.size, arguments.size), 16)
    decoder = Decoder(options)
    works: dict[str, tuple[Callable[[Chunk], Any], Sequence[Any]]] = {
        "mean power spectra": (MomentsWork(options, (grid,), "stationary"), items),
        "band moments, p = 16": (MomentsWork(options, (grid,), "banded"), items),
        "analyze": (AnalyzeWork(AnalyzeOptions((16,), size=arguments.size, checks=0)), found),
    }
    print(
        f"{len(found)} images, {arguments.jobs} jobs on {cores()} cores, "
        f"{arguments.size}x{arguments.size} pixels, {arguments.rounds} rounds"
    )
    rates: dict[str, list[float]] = {"decoder alone": []}
    shares: dict[str, list[float]] = {}
    with WorkerPool(arguments.jobs, max_memory=memory_limit(None, arguments.jobs)) as pool:
        rate(items[: 4 * CHUNK], decoder, pool)  # processes start
        for _ in range(arguments.rounds):
            for name, (work, some) in works.items():
                alone = rate(items, decoder, pool)
                rates["decoder alone"].append(alone)
                with_it = rate(some, work, pool)
                rates.setdefault(name, []).append(with_it)
                shares.setdefault(name, []).append(with_it / alone)
    print()
    print("| work | images/s | share of the decoder alone |")
    print("|---|---|---|")
    for name, values in rates.items():
        share = f"{statistics.median(shares[name]):.0%}" if name in shares else ""
        print(f"| {name} | {statistics.median(values):.1f} | {share} |")


if __name__ == "__main__":
    main()
