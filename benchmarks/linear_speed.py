"""Banded against dense solves of the linear MAE, side by side in one process.

    python -m benchmarks.linear_speed

Moments of random images at 32×32×3 with patches of 4 pixels (D = 3072), where the dense problem
still fits, against SciPy's dense solvers; and at 224×224×3 with patches of 16, where it does not,
against bare matrix products. Medians of alternating runs.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import scipy.linalg

from spectral_mae import BandMoments, PatchGrid, designs
from spectral_mae.linear import solver
from spectral_mae.linear.corruption import PatchMasking
from spectral_mae.linear.moments.blocks import Stack


def medians(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each, run in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def small() -> None:
    """D = 3072: the banded solves against SciPy's dense ones."""
    rng = np.random.default_rng(0)
    grid = PatchGrid((32, 32), 4)
    images = rng.standard_normal((4000, 32, 32, 3)).cumsum(axis=1).cumsum(axis=2)
    moments = BandMoments(grid, 3).update(images)
    stack, mix = moments.stack(), PatchMasking(designs.fixed(grid, 0.75)).mix
    second = np.cov(images.reshape(4000, -1).T)
    patch = np.repeat(np.arange(64).reshape(8, 8), 4, 0).repeat(4, 1)[..., np.newaxis]
    patch = np.broadcast_to(patch, (32, 32, 3)).ravel()
    corrupted = np.where(patch[:, np.newaxis] == patch, mix.own + mix.local, mix.own) * second

    def dense_full() -> object:
        return scipy.linalg.cho_solve(scipy.linalg.cho_factor(corrupted), second)

    product = second @ dense_full()
    product = (product + product.T) / 2

    def dense_low() -> object:
        return scipy.linalg.eigh(product, subset_by_index=(3072 - 64, 3071))

    found = medians(
        {
            "dense Cholesky solve": dense_full,
            "banded full rank": lambda: solver.full_rank(stack, mix),
            "dense eigh, subset of 64": dense_low,
            "banded rank 64": lambda: solver.low_rank(stack, mix, 64),
        },
        5,
    )
    print("D = 3072 (32×32×3, patches of 4)")
    for name, seconds in found.items():
        print(f"  {name}: {seconds * 1e3:.1f} ms")
    full = found["dense Cholesky solve"] / found["banded full rank"]
    low = found["dense eigh, subset of 64"] / found["banded rank 64"]
    print(f"  full rank {full:.0f} times as fast, rank 64 {low:.0f} times")


def large() -> None:
    """D = 150,528: the banded full-rank solve against bare matrix products."""
    rng = np.random.default_rng(0)
    grid = PatchGrid((224, 224), 16)
    images = rng.standard_normal((20, 224, 224, 3)).cumsum(axis=1).cumsum(axis=2)
    found = BandMoments(grid, 3).update(images).stack()
    # As many images as it takes would take minutes: their mean fills the rest of each band.
    rest = np.eye(768) * np.einsum("bii->b", found.blocks).real[:, np.newaxis, np.newaxis] / 7680
    stack = Stack(found.blocks + rest, found.multiplicity, found.patch_dim)
    mix = PatchMasking(designs.fixed(grid, 0.75)).mix
    a = stack.blocks[1]

    def products() -> None:
        for _ in range(100):
            a @ a

    seconds = medians(
        {
            "100 complex products of 768 × 768": products,
            "full-rank solve, 100 bands of 768": lambda: solver.full_rank(stack, mix),
        },
        3,
    )
    print("D = 150,528 (224×224×3, patches of 16)")
    for name, value in seconds.items():
        print(f"  {name}: {value:.1f} s")
    first, second = seconds.values()
    print(f"  the solve takes {second / first:.2f} times as long as the products")


if __name__ == "__main__":
    small()
    large()
