"""Linear MAEs of 224×224 colour photographs in patches of 16 pixels: 150,528 numbers an image.

    python -m benchmarks.linear_photographs FOLDER ... [--crops 5] [--rank 256]

A fifth of the pictures is held out. Prints seconds, peak memory and explained power, with and
without the shrinkage that the held-out pictures choose (one half of them chooses, the other half
scores).
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

import spectral_mae as sm
from benchmarks.crops import pictures, random_crops, split

Result = TypeVar("Result")
SHRINKAGES = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)


def timed(name: str, work: Callable[[], Result]) -> Result:
    """Run, and say how long it took and what the process has used at most."""
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{name}: {seconds:.1f} s, peak memory so far {peak:.2f} GiB", flush=True)
    return result


def products(size: int, n: int) -> None:
    """``n`` complex matrix products."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal((size, size)) + 1j * rng.standard_normal((size, size))
    for _ in range(n):
        a @ a


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--crops", type=int, default=5)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--patch-size", type=int, default=16)
    parser.add_argument("--rank", type=int, default=256)
    parser.add_argument("--mask-ratio", type=float, default=0.75)
    arguments = parser.parse_args()
    size, patch = arguments.size, arguments.patch_size

    train, held_out = split(pictures(arguments.folders), 0.2)
    half = len(held_out) // 2
    choosing, scoring = (
        np.concatenate(list(random_crops(paths, size, 1, seed=1)))
        for paths in (held_out[:half], held_out[half:])
    )
    moments = sm.BandMoments(sm.PatchGrid((size, size), patch), 3)

    def accumulate() -> None:
        for batch in random_crops(train, size, arguments.crops):
            moments.update(batch)

    timed("reading and moments", accumulate)
    print(f"{moments.n_images} crops of {len(train)} pictures; {len(scoring)} scored, held out")
    d = moments.patch_dim
    timed(f"100 complex matrix products of {d} × {d}", lambda: products(d, 100))
    model = sm.LinearMAE(patch, arguments.mask_ratio)
    timed("full-rank fit", lambda: model.fit_moments(moments))
    report("full rank", model, scoring)
    low = sm.LinearMAE(patch, arguments.mask_ratio, rank=arguments.rank)
    del model.solution_
    timed(f"rank-{arguments.rank} fit", lambda: low.fit_moments(moments))
    report(f"rank {arguments.rank}", low, scoring)
    for one, name in ((low, f"rank {arguments.rank}"), (model, "full rank")):
        one.fit_moments(moments)
        choice = timed(
            f"shrinkage, {name}", lambda one=one: one.choose_shrinkage(choosing, SHRINKAGES)
        )
        tried = ", ".join(
            f"{s:g}: {e:.4f}" for s, e in zip(choice.shrinkage, choice.explained, strict=True)
        )
        print(f"  explained of those that choose: {tried}")
        report(f"{name}, shrinkage {choice.best:g}", one, scoring)
        del one.solution_


def report(name: str, model: sm.LinearMAE, images: np.ndarray) -> None:
    """Explained power of the fitted moments and of other images."""
    fitted = 1 - model.loss_ / model.trace_
    met = model.solution_
    print(
        f"  {name}: explained {fitted:.4f} under its moments, {model.score(images):.4f} held out; "
        f"condition {met.condition:.2g}, {met.n_dropped} dimensions dropped"
    )


if __name__ == "__main__":
    main()
