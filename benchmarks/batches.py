"""Rate of a batch with several jobs as a share of what the decoder alone reaches.

    python -m benchmarks.batches PATH... [--jobs 2] [--size 224] [--repeat 4] [--rounds 3]
    python -m benchmarks.batches FOLDER --crops 10000 --only command

Both run in the same processes by turns, on the same images in the same chunks: the decoder alone
(read, resized and cropped), mean power spectra (what `fit --covariance stationary` adds up), band
moments of patches of 16 pixels, and the work of `analyze` on images for which no masks are drawn;
then the command `spectral-mae analyze` with its defaults, from its start to its page, on each image
once. The share of each is the median over rounds, in rates and in processor time, which other
programs disturb less; that of the command is of all its processes. ``--crops N`` cuts random crops
of 96 pixels and more out of the photographs first, and measures on N JPEGs of these.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

import spectral_mae
from benchmarks.contest import Contest, Ratio, Size
from benchmarks.crops import pictures
from benchmarks.table import markdown
from spectral_mae._parallel import cores
from spectral_mae.batch.analyze.options import AnalyzeOptions
from spectral_mae.batch.analyze.work import AnalyzeWork
from spectral_mae.batch.chunks import Chunk, chunked, in_order
from spectral_mae.batch.executors import memory_limit
from spectral_mae.batch.models.moments_work import MomentsWork
from spectral_mae.batch.workers.processes import WorkerPool
from spectral_mae.images.files import builtin_images
from spectral_mae.images.sources import find_sources
from spectral_mae.images.stream import ImageStream, StreamOptions

# Runs a command and waits for all processes that it leaves behind, such as the server of its
# workers, so that their time counts too. 36 is PR_SET_CHILD_SUBREAPER.
WHOLE = """
import ctypes, os, subprocess, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
code = subprocess.call(sys.argv[1:])
while True:
    try:
        os.wait()
    except ChildProcessError:
        sys.exit(code)
"""
CHUNK, BAND_CHUNK = 32, 128  # images; sums of bands are large, and travel
DECODER = "decoder alone"
SPECTRA, BANDS, ANALYZE, COMMAND = NAMES = (
    "mean power spectra",
    "band moments, p = 16",
    "analyze, no masks drawn",
    "analyze, the command",
)
PHOTOGRAPHS = ("astronaut", "cat", "coffee", "rocket")  # of which crops are cut
HEADER = ("work", "images/s", "share of the decoder", "processor ms an image", "share of it")


@dataclass(frozen=True)
class Decoder:
    """Images read, resized and cropped, and nothing else."""

    options: StreamOptions

    def __call__(self, chunk: Chunk) -> int:
        return sum(len(batch) for batch in ImageStream(self.options).batches(chunk.items))


@dataclass(frozen=True)
class Timed:
    """Work whose result comes with the processor seconds that it took in its process."""

    work: Callable[[Chunk], Any]

    def __call__(self, chunk: Chunk) -> tuple[float, Any]:
        start = time.process_time()
        result = self.work(chunk)
        return time.process_time() - start, result


class Pace(NamedTuple):
    """Images a second, and processor milliseconds an image."""

    rate: float
    processor: float


def pace(items: Sequence[Any], work: Callable[[Chunk], Any], pool: WorkerPool) -> Pace:
    """How fast work goes in the processes of a pool."""
    size = BAND_CHUNK if getattr(work, "kind", "") == "banded" else CHUNK
    start, processor = time.perf_counter(), 0.0
    for _, (seconds, _) in in_order(chunked(items, size), Timed(work), pool, ahead=3 * pool.n):
        processor += seconds
    return Pace(len(items) / (time.perf_counter() - start), processor * 1e3 / len(items))


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


def pace_of_command(arguments: argparse.Namespace, n: int) -> Pace:
    """Of `spectral-mae analyze` on n images from its start to its page, in processes of its own."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--out", f"{folder}/report", "--size", arguments.size, "--jobs", arguments.jobs]
        analyze = ["-m", "spectral_mae", "analyze", *arguments.paths, *options, "--quiet"]
        command = [sys.executable, "-c", WHOLE, sys.executable, *map(str, analyze)]
        # Installed packages have their bytecode; without, each process compiles all modules anew.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        subprocess.run(
            [sys.executable, "-m", "compileall", "-q", *spectral_mae.__path__],
            check=True,
            env=environment,
        )
        start, before = time.perf_counter(), processor_of_others()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
        seconds = time.perf_counter() - start
        return Pace(n / seconds, (processor_of_others() - before) * 1e3 / n)


def processor_of_others() -> float:
    """Processor seconds of the processes that this one, or one of these, has started and ended."""
    times = os.times()
    return times.children_user + times.children_system


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batches", description=__doc__)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repeat", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--crops", type=int, default=0, metavar="N")
    parser.add_argument("--only", default="", help=f"the works whose names hold it: {NAMES}")
    arguments = parser.parse_args(given)
    if not any(arguments.only in name for name in NAMES):
        parser.error(f"--only {arguments.only}: none of the works {NAMES} is called so")
    with tempfile.TemporaryDirectory() as folder:
        if arguments.crops:
            write_crops(pictures(list(map(Path, arguments.paths))), arguments.crops, Path(folder))
            arguments.paths, arguments.repeat = [folder], 1
        measure(arguments)


def jpegs(size: Size) -> Iterator[Contest]:
    """What a chunk of JPEGs takes beside the decoder alone, in one process."""
    with tempfile.TemporaryDirectory() as folder:
        photographs = [builtin_images()[name] for name in PHOTOGRAPHS]
        write_crops(photographs, size.images, Path(folder))
        items = tuple(find_sources([folder]).references)
        options, patch = StreamOptions(size.side), (size.patch,)
        exact = AnalyzeOptions(patch, size=size.side, checks=0, masks_for=0)
        works = {
            "decoder": Decoder(options),
            "spectra": MomentsWork(options, patch, "stationary"),
            "bands": MomentsWork(options, patch, "banded"),
            "analyze": AnalyzeWork(exact),
        }
        yield Contest(
            f"{len(items)} JPEGs, {size.side}×{size.side}, patches of {size.patch}",
            {name: partial(work, Chunk(0, 0, items)) for name, work in works.items()},
            [
                Ratio("mean power spectra: share of the decoder's rate", "decoder", "spectra"),
                Ratio(
                    "moments of bands, gray: share of the decoder's rate",
                    "decoder",
                    "bands",
                    "≥ 0.5",
                ),
                Ratio(
                    "`analyze`, no masks drawn: share of the decoder's rate",
                    "decoder",
                    "analyze",
                    "≥ 0.5",
                ),
            ],
            rounds=size.rounds,
            data=f"crops of photographs inside scikit-image: {', '.join(PHOTOGRAPHS)}",
        )


def works_of(arguments: argparse.Namespace) -> dict[str, Callable[[Chunk], Any]]:
    """Those that are chosen, but for the command, by their names."""
    options = StreamOptions(arguments.size)
    exact = AnalyzeOptions((16,), size=arguments.size, checks=0, masks_for=0)
    works: dict[str, Callable[[Chunk], Any]] = {
        SPECTRA: MomentsWork(options, (16,), "stationary"),
        BANDS: MomentsWork(options, (16,), "banded"),
        ANALYZE: AnalyzeWork(exact),
    }
    return {name: work for name, work in works.items() if arguments.only in name}


def measure(arguments: argparse.Namespace) -> None:
    found = find_sources(arguments.paths).references
    items = list(found) * arguments.repeat
    decoder = Decoder(StreamOptions(arguments.size))
    works = works_of(arguments)
    print(
        f"{len(found)} images, {arguments.jobs} jobs on {cores()} cores, "
        f"{arguments.size}x{arguments.size} pixels, {arguments.rounds} rounds"
    )
    paces: dict[str, list[Pace]] = {DECODER: []}
    alone: dict[str, list[Pace]] = {}
    with WorkerPool(arguments.jobs, max_memory=memory_limit(None, arguments.jobs)) as pool:
        pace(items[: 4 * CHUNK], decoder, pool)  # processes start
        for _ in range(arguments.rounds):
            for name, work in works.items():
                alone.setdefault(name, []).append(pace(items, decoder, pool))
                paces.setdefault(name, []).append(pace(items, work, pool))
            if arguments.only in COMMAND:
                alone.setdefault(COMMAND, []).append(pace(found, decoder, pool))
                paces.setdefault(COMMAND, []).append(pace_of_command(arguments, len(found)))
    paces[DECODER] = [one for name in alone for one in alone[name]]
    print()
    print(table(paces, alone))


def table(paces: Mapping[str, Sequence[Pace]], alone: Mapping[str, Sequence[Pace]]) -> str:
    """Paces of works, with shares of those of the decoder in the same rounds."""
    rows = []
    for name, found in paces.items():
        shares = ["", ""]
        if name in alone:
            pairs = list(zip(found, alone[name], strict=True))
            rates = median(one.rate / decoder.rate for one, decoder in pairs)
            times = median(decoder.processor / one.processor for one, decoder in pairs)
            shares = [f"{rates:.0%}", f"{times:.0%}"]
        of_all = median(one.rate for one in found), median(one.processor for one in found)
        rows.append([name, f"{of_all[0]:.1f}", shares[0], f"{of_all[1]:.2f}", shares[1]])
    return markdown(HEADER, rows)


if __name__ == "__main__":
    main()
