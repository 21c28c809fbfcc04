"""How far linear MAEs are from the best linear interpolation that may look at the mask.

    python -m benchmarks.linear_interpolation FOLDER ... [--size 96] [--patch-size 8]

A fifth of the pictures is held out. One random mask is drawn for every held-out crop; all methods
see the same second moments (with the shrinkage that the held-out pictures choose for the linear
MAE), the same crops and the same masks, and are scored on hidden pixels.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import spectral_mae as sm
from benchmarks.crops import pictures, random_crops, split
from spectral_mae.linear.interpolator import Interpolator


def gray(batch: NDArray[np.float64]) -> NDArray[np.float64]:
    """ITU-R 601 luma."""
    return batch @ np.array([0.299, 0.587, 0.114])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--patch-size", type=int, default=8)
    parser.add_argument("--crops", type=int, default=20)
    arguments = parser.parse_args()
    size, patch = arguments.size, arguments.patch_size
    train, others = split(pictures(arguments.folders), 0.2)
    grid = sm.PatchGrid((size, size), patch)
    moments = sm.BandMoments(grid)
    for batch in random_crops(train, size, arguments.crops):
        moments.update(gray(batch))
    images = gray(np.concatenate(list(random_crops(others, size, 1, seed=1))))
    print(f"{moments.n_images} gray crops of {size}×{size} pixels fitted, {len(images)} held out")
    print()
    print(f"explained power of hidden pixels, held out, patches of {patch} pixels:")
    print()
    print(
        "| mask ratio | shrinkage | linear MAE, all pixels scored | linear MAE, hidden scored "
        "| conditional mean | its worst residual, iterations, s |"
    )
    print("|---|---|---|---|---|---|")
    for ratio in (0.25, 0.5, 0.75, 0.9):
        visible = sm.sample_visible(grid, ratio, len(images), rng=0)
        model = sm.LinearMAE(patch, ratio, target="hidden").fit_moments(moments)
        model.choose_shrinkage(images)
        whole = sm.LinearMAE(patch, ratio, shrinkage=model.shrinkage).fit_moments(moments)
        start = time.perf_counter()
        filled = Interpolator(
            moments, shrinkage=model.shrinkage, noise=1e-6, tolerance=1e-5, max_iterations=3000
        ).fill(images, visible)
        seconds = time.perf_counter() - start
        scores = [
            explained(images, output, model.mean_, visible)
            for output in (
                whole.reconstruct(images, visible),
                model.reconstruct(images, visible),
                filled.images,
            )
        ]
        print(
            f"| {ratio:g} | {model.shrinkage:g} | "
            + " | ".join(f"{score:.4f}" for score in scores)
            + f" | {filled.residual.max():.1e}, {filled.n_iterations}, {seconds:.0f} |",
            flush=True,
        )


def explained(
    images: NDArray[np.float64],
    outputs: NDArray[np.float64],
    mean: NDArray[np.float64],
    visible: NDArray[np.bool_],
) -> float:
    """1 − squared error over squared distance from the mean, over hidden pixels."""
    hidden = ~visible
    error = np.sum(((outputs - images) * hidden) ** 2)
    return float(1 - error / np.sum(((images - mean) * hidden) ** 2))


if __name__ == "__main__":
    main()
