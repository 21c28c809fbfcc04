"""What `spectral-mae analyze` of many JPEGs has to take at least: its bare steps, one by one.

    python -m benchmarks.command_floor [--images 10000] [--jobs 2]

Each step is done without the package around it: images are decoded, each has one transform, the
means over rings of its power and the products of the rows of its patches; the first hundred have a
transform for each drawn mask and for the mask itself; each process loads the libraries; two models
have a Cholesky factor and an inverse for each band; the panels of the page are drawn by
matplotlib; the numbers are written as text and bytes. The sum, shared out evenly, is the floor of
the command, of which no process ever waits. Times are of the processor.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.linalg import lapack

from benchmarks.batches import CHUNK, PHOTOGRAPHS, Decoder, write_crops
from benchmarks.table import markdown
from spectral_mae.batch.chunks import Chunk
from spectral_mae.images.files import builtin_images
from spectral_mae.images.sources import find_sources
from spectral_mae.images.stream import StreamOptions
from spectral_mae.masked_spectra.patch_sums.patch_power import PatchPower
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.spectra.fft import RealFFT
from spectral_mae.spectra.rings import RingBins

SIDE, PATCH = 224, 16
DRAWS = 16  # masks of each of the images that have some
DRAWN_FOR = 100  # images
PANELS = 10  # of curves, on a page
MODELS = 2
LIBRARIES = "numpy, scipy.fft, scipy.linalg, scipy.special, PIL.Image"
DRAWING = "matplotlib.figure, matplotlib.backends.backend_agg, matplotlib.backends.backend_svg"
HEADER = ("step", "times", "ms each", "seconds in all")


def processor(step: Callable[[], object], n: int) -> float:
    """Processor milliseconds of a step, the median over n."""
    taken = []
    for _ in range(n):
        start = time.process_time()
        step()
        taken.append(time.process_time() - start)
    return 1e3 * float(np.median(taken))


def loading(libraries: str) -> float:
    """Processor milliseconds of a new process that loads libraries."""

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    taken = []
    for _ in range(3):
        before = spent()
        subprocess.run([sys.executable, "-c", f"import {libraries}"], check=True, env=environment)
        taken.append(spent() - before)
    return 1e3 * float(np.median(taken))


def decoding() -> float:
    """Of one image: read, resized and cropped."""
    with tempfile.TemporaryDirectory() as folder:
        write_crops([builtin_images()[name] for name in PHOTOGRAPHS], CHUNK, Path(folder))
        chunk = Chunk(0, 0, tuple(find_sources([folder]).references))
        decoder = Decoder(StreamOptions(SIDE))
        decoder(chunk)
        return processor(lambda: decoder(chunk), 9) / CHUNK


def panel() -> None:
    """One panel of three curves on logarithmic axes, as SVG and in pixels."""
    figure = Figure(figsize=(4.3, 2.8))
    axes = figure.add_subplot()
    x = np.geomspace(0.005, 0.5, 112)
    for factor in (1.0, 0.1, 0.01):
        axes.loglog(x, factor * x**-2)
    figure.savefig(BytesIO(), format="svg")
    FigureCanvasAgg(figure).draw()


def steps(n: int, processes: int) -> list[tuple[str, int, float]]:
    """Name, times and milliseconds of each step."""
    grid = PatchGrid((SIDE, SIDE), PATCH)
    image = np.random.default_rng(0).random(grid.shape)
    fft, rings, patches = RealFFT(grid.shape, chunk=1), RingBins(grid.shape, (1.0, 1.0), None), None
    patches = PatchPower(grid)
    half = fft.rfft(image[np.newaxis])[0]
    power = half.real**2 + half.imag**2
    planes, mean, _ = patches.about_mean(image)
    gram = patches.gram
    assert gram is not None
    d, bands = PATCH**2, grid.n_patches // 2 + 1
    matrix = np.cov(np.random.default_rng(0).random((d, 2 * d)))
    line = "0.12345678,1.2345678e-05\r\n" * len(rings.count)
    table = line.encode() * 3 + bytes(9 * 8 * len(rings.count))

    def inverse() -> None:
        factor, _ = lapack.dpotrf(matrix, lower=1)
        lapack.dpotri(factor, lower=1, overwrite_c=1)

    def write() -> None:
        with tempfile.TemporaryFile() as file:
            for _ in range(100):
                file.write(table)

    transforms = DRAWN_FOR * (2 * DRAWS + 1)
    transform = processor(lambda: fft.rfft(image[np.newaxis]), 99)
    return [
        ("decode an image", n, decoding()),
        ("transform it", n, transform),
        ("its power", n, processor(lambda: np.square(half.view(float)).sum(), 99)),
        ("mean power over rings", n, processor(lambda: rings.binning.means(power), 99)),
        ("products of rows of patches", n, processor(lambda: gram.products(planes, mean), 99)),
        ("transform a mask, or an image under it", transforms, transform),
        ("load NumPy, SciPy and Pillow", processes, loading(LIBRARIES)),
        ("load matplotlib", 1, loading(f"numpy, {DRAWING}") - loading("numpy")),
        ("invert the matrix of a band", MODELS * bands, processor(inverse, 49)),
        ("draw a panel", PANELS, processor(panel, 9)),
        ("write the rows of an image", n, processor(write, 9) / 100),
    ]


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.command_floor", description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args(given)
    found = steps(arguments.images, processes=2)  # the command, and the server of its workers
    seconds = [times * milliseconds / 1e3 for _, times, milliseconds in found]
    rows = [
        [name, str(times), f"{milliseconds:.3f}", f"{total:.2f}"]
        for (name, times, milliseconds), total in zip(found, seconds, strict=True)
    ]
    print(markdown(HEADER, rows))
    whole = sum(seconds)
    print(
        f"\nfloor: {whole:.1f} s of processor time, {whole / arguments.jobs:.1f} s on "
        f"{arguments.jobs} cores, {seconds[0] / whole:.0%} of the decoder's rate"
    )


if __name__ == "__main__":
    main()
