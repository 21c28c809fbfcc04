"""Memory at the peak, in bytes a pixel: each function in a process of its own.

    python -m benchmarks.memory [NAME ...] [--side 4096] [--write]

A process calls the function on a small image, so that all it needs is loaded, and then makes the
image and calls it once more. What the process has at its peak beyond what it had before, the image
and the result too, is divided by the pixels of the image.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import spectral_mae as sm
from benchmarks import table
from spectral_mae.batch.analyze.records.analyzer import MaskingAnalyzer
from spectral_mae.batch.analyze.records.plan import MaskingPlan

SIDE = 4096
WARM = 256  # pixels along an axis of the image with which everything is loaded
PATCH, LARGE_PATCH = 16, 32  # below and above what rows of patches are multiplied for
BOUND = 60.0
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Case:
    """One function.

    Attributes
    ----------
    what : str
        For the table.
    work : callable
        Of the pixels along an axis; it makes the image, which counts.
    bound : float or None
        Bytes a pixel that it may take; None where nothing is promised.
    """

    what: str
    work: Callable[[int], object]
    bound: float | None = BOUND


def image(side: int) -> NDArray[np.float64]:
    return np.random.default_rng(0).random((side, side))


def visible(side: int) -> NDArray[np.bool_]:
    return sm.PulseMask.random(sm.PatchGrid((side, side), PATCH), 0.5, rng=0).visible


def psd(side: int, **options: Any) -> object:
    pixels = image(side)
    return pixels, sm.psd(pixels, **options)


def single(side: int) -> object:
    pixels = np.random.default_rng(0).random((side, side), dtype=np.float32)
    return pixels, sm.psd(pixels)


def averaged(side: int, average: Callable[[sm.Spectrum], object]) -> object:
    pixels = image(side)
    spectrum = sm.psd(pixels)
    return pixels, average(spectrum)


def rings_of_batch(side: int) -> object:
    pixels = image(side)[np.newaxis]
    return pixels, sm.Periodogram((side, side)).radial(pixels)


def expected(side: int, patch: int = PATCH) -> object:
    pixels = image(side)
    return pixels, sm.expected_masked_psd(pixels, patch, 0.75)


def expected_block(side: int) -> object:
    pixels = image(side)
    design = sm.designs.block(sm.PatchGrid((side, side), PATCH), side // PATCH // 3)
    return pixels, sm.expected_masked_psd(pixels, design=design)


def leakage(side: int) -> object:
    pixels = image(side)
    leaked = sm.leakage(pixels, PATCH, 0.75)
    return pixels, leaked.band(0.1, 0.3), leaked.radial()


def unmasked(side: int, **options: Any) -> object:
    pixels, mask = image(side), visible(side)
    return pixels, sm.unmasked_psd(pixels, mask, **options)


def slope(side: int) -> object:
    pixels, mask = image(side), visible(side)
    np.cumsum(pixels, axis=0, out=pixels)  # steep, as photographs are
    np.cumsum(pixels, axis=1, out=pixels)
    return pixels, sm.fit_masked_slope(pixels, mask, n_draws=8)


def analysis(side: int, design: str | None = None) -> object:
    pixels = image(side)
    if design is not None and side == WARM:
        design = "block:3x3"
    plan = MaskingPlan(PATCH, n_draws=2, design=design)
    return pixels, MaskingAnalyzer((side, side), plan).analyze(pixels, rng=0)


def picture_of_masks(side: int) -> object:
    pixels = image(side)
    mask = sm.PulseMask((side, side), PATCH, [(0, 0), (PATCH, side // 2)])
    figure, axes = sm.plot.new_figure(2, 3, width=8.0, height=5.0)
    sm.plot.masking(pixels, [mask], axes)
    with tempfile.TemporaryDirectory() as folder:
        sm.plot.save(figure, f"{folder}/picture.png")
    return pixels


def read(side: int, kind: str, **options: Any) -> object:
    with tempfile.TemporaryDirectory() as folder:
        return sm.read_image(picture(Path(folder), side, kind), **options)


def command(side: int, kind: str, *words: str) -> None:
    """Run the command on an image file that is written for it."""
    from spectral_mae.cli import main as cli

    with tempfile.TemporaryDirectory() as folder:
        path = picture(Path(folder), side, kind)
        name, *options = words
        out = f"{folder}/{'out' if name == 'analyze' else 'out.png'}"
        code = cli.main([name, str(path), "--out", out, "--size", "native", *options])
        if code:
            raise RuntimeError(f"{name} ended with exit status {code}")


def picture(folder: Path, side: int, kind: str) -> Path:
    """Write an image file, in a process of its own, whose memory does not count."""
    path = folder / f"image.{'jpg' if kind == 'color' else 'png'}"
    code = (
        "import sys, numpy as np; from PIL import Image\n"
        "side, kind, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]\n"
        "small = np.random.default_rng(0).integers(0, 256, (side // 8, side // 8, 3), np.uint8)\n"
        "photo = Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)\n"
        "photo = photo.convert({'color': 'RGB', 'gray': 'L', 'alpha': 'RGBA'}[kind])\n"
        "photo.save(path, **({'compress_level': 1} if path.endswith('png') else {}))\n"
    )
    subprocess.run([sys.executable, "-c", code, str(side), kind, str(path)], check=True)
    return path


CASES = {
    "psd": Case("`psd`, float64", psd),
    "psd-single": Case("`psd`, float32", single),
    "psd-periodic": Case(
        '`psd`, window, detrend="periodic"', lambda n: psd(n, window="hann", detrend="periodic")
    ),
    "radial": Case("`psd` and `.radial`", lambda n: averaged(n, sm.Spectrum.radial)),
    "sectors": Case("`psd` and `.sectors`", lambda n: averaged(n, lambda s: s.sectors(18))),
    "periodogram": Case("`Periodogram.radial` of one image", rings_of_batch),
    "expected": Case(f"`expected_masked_psd`, patches of {PATCH}", expected),
    "expected-large": Case(
        f"`expected_masked_psd`, patches of {LARGE_PATCH}", lambda n: expected(n, LARGE_PATCH)
    ),
    "expected-block": Case(
        f"`expected_masked_psd` under a rolled block, patches of {PATCH}", expected_block
    ),
    "leakage": Case("`leakage`, of a band and of rings", leakage),
    "unmasked": Case("`unmasked_psd`", unmasked),
    "unmasked-white": Case(
        '`unmasked_psd`, prewhiten="gradient"', lambda n: unmasked(n, prewhiten="gradient"), None
    ),
    "slope": Case("`fit_masked_slope`", slope, None),
    "analysis": Case("`MaskingAnalyzer.analyze`, two masks", analysis),
    "analysis-block": Case(
        "`MaskingAnalyzer.analyze`, two rolled blocks", lambda n: analysis(n, "block:40x40")
    ),
    "picture": Case("`plot.masking` of one mask, and `plot.save`", picture_of_masks),
    "read": Case("`read_image`, colour to gray", lambda n: read(n, "color")),
    "read-alpha": Case("`read_image`, transparent to gray", lambda n: read(n, "alpha")),
    "read-color": Case("`read_image`, colour kept", lambda n: read(n, "color", color=True)),
    "command-psd": Case(
        "`spectral-mae psd`, with the expectation",
        lambda n: command(n, "color", "psd", "--mask-ratio", "0.75"),
    ),
    "analyze": Case(
        "`spectral-mae analyze`, colour JPEG", lambda n: command(n, "color", "analyze")
    ),
    "analyze-gray": Case(
        "`spectral-mae analyze`, gray PNG", lambda n: command(n, "gray", "analyze")
    ),
    "analyze-color": Case(
        "the same, `--color`", lambda n: command(n, "color", "analyze", "--color"), None
    ),
}


def bytes_per_pixel(name: str, side: int) -> float:
    """Of a case, in a process of its own."""
    call = [sys.executable, "-m", "benchmarks.memory", "--here", name, "--side", str(side)]
    done = subprocess.run(call, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.split()[-1])


def here(name: str, side: int) -> float:
    """Of a case, in this process."""
    work = CASES[name].work
    work(WARM)
    before = reset()
    kept = work(side)
    found = (peak() - before) / side**2
    del kept
    return found


def reset() -> int:
    """Give back what is free, and count the peak anew, from the bytes that it begins with."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    return peak()


def peak() -> int:
    """The most that this process has had in memory, in bytes."""
    # Not ru_maxrss, which begins with that of the process that started this one.
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status has no line VmHWM")


def measured(names: Iterable[str], side: int) -> str:
    """The table."""
    rows = []
    for name in names:
        case, found = CASES[name], bytes_per_pixel(name, side)
        bound = "" if case.bound is None else f"≤ {case.bound:g}"
        verdict = "" if case.bound is None else "met" if found <= case.bound else "**missed**"
        rows.append((case.what, f"{found:.1f}", bound, verdict))
        print(f"{name}: {found:.1f}", file=sys.stderr)
    return table.markdown(("", "bytes a pixel", "bound", ""), rows)


def main(arguments: Sequence[str] | None = None, page: Path = table.PAGE) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CASES))
    parser.add_argument("--side", type=int, default=SIDE, help="pixels along an axis")
    parser.add_argument("--write", action="store_true", help="write the table into the docs")
    parser.add_argument("--here", action="store_true", help="one after the other in this process")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(CASES)
    if unknown:
        parser.error(f"no case named {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    if options.here:
        for name in options.names or CASES:
            print(name, here(name, options.side))
        return 0
    if options.write and options.names:
        parser.error("--write needs all: they are one table")
    text = measured(options.names or CASES, options.side)
    print(text)
    if options.write:
        of = f"Images of {options.side}×{options.side} pixels"
        table.write("memory", f"*{of}; {table.machine()}.*\n\n{text}", page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
