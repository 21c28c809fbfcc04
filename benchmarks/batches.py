"""Rate of a batch with several jobs as a share of what the decoder alone reaches.

    python -m benchmarks.batches PATH... [--jobs 2] [--size 224] [--repeat 4] [--rounds 3]
    python -m benchmarks.batches FOLDER --crops 10000 --only command

Both run in the same processes by turns, on the same images in the same chunks: the decoder alone
(read, resized and cropped), mean power spectra (what `fit --covariance stationary` adds up), band
moments of patches of 16 pixels, and the work of `analyze` on images for which no masks are drawn;
then the command `spectral-mae analyze` with its defaults, from its start to its page, on each image
once. The share of each is the median over rounds. ``--crops N`` cuts random crops of 96 pixels and
more out of the photographs first, and measures on N JPEGs of these.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.crops import pictures
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
COMMAND = "analyze, the command"


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


def write_crops(paths: Sequence[Path], n: int, folder: Path) -> None:
    """JPEGs of random sides and qualities."""
    draw = np.random.default_rng(0)
    for number in range(n):
        with Image.open(paths[number % len(paths)]) as whole:
            width, height = (int(draw.integers(min(96, side), side + 1)) for side in whole.size)
            left, top = (
                int(draw.integers(side - part + 1))
                for side, part in zip(whole.size, (width, height), strict=True)
            )
            crop = whole.convert("RGB").crop((left, top, left + width, top + height))
            crop.save(folder / f"{number:06d}.jpg", quality=int(draw.integers(75, 96)))


def seconds_of_command(arguments: argparse.Namespace) -> float:
    """Of `spectral-mae analyze` from its start to its page, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--out", f"{folder}/report", "--size", arguments.size, "--jobs", arguments.jobs]
        command = ["-m", "spectral_mae", "analyze", *arguments.paths, *options, "--quiet"]
        start = time.perf_counter()
        subprocess.run([sys.executable, *map(str, command)], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repeat", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--crops", type=int, default=0, metavar="N")
    parser.add_argument("--only", default="", help="only the work whose name holds this")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.crops:
            write_crops(pictures(list(map(Path, arguments.paths))), arguments.crops, Path(folder))
            arguments.paths, arguments.repeat = [folder], 1
        measure(arguments)


def measure(arguments: argparse.Namespace) -> None:
    found = find_sources(arguments.paths).references
    items = list(found) * arguments.repeat
    options = StreamOptions(arguments.size)
    exact = AnalyzeOptions((16,), size=arguments.size, checks=0, masks_for=0)
    decoder = Decoder(options)
    works: dict[str, tuple[Callable[[Chunk], Any], Sequence[Any]]] = {
        "mean power spectra": (MomentsWork(options, (16,), "stationary"), items),
        "band moments, p = 16": (MomentsWork(options, (16,), "banded"), items),
        "analyze, no masks drawn": (AnalyzeWork(exact), items),
    }
    works = {name: work for name, work in works.items() if arguments.only in name}
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
            if arguments.only in COMMAND:
                alone = rate(found, decoder, pool)
                with_it = len(found) / seconds_of_command(arguments)
                rates.setdefault(COMMAND, []).append(with_it)
                shares.setdefault(COMMAND, []).append(with_it / alone)
    print()
    print("| work | images/s | share of the decoder alone |")
    print("|---|---|---|")
    for name, values in rates.items():
        share = f"{statistics.median(shares[name]):.0%}" if name in shares else ""
        print(f"| {name} | {statistics.median(values):.1f} | {share} |")


if __name__ == "__main__":
    main()
