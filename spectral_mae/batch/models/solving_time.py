"""How long the models of a plan take to solve, from the time that one block takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache

import numpy as np

from spectral_mae._parallel import BATCH_BYTES, POOLED, cores, one_blas_thread
from spectral_mae.linear.moments.kinds import Moments
from spectral_mae.planning.drawn_masks import N_DRAWS
from spectral_mae.planning.evaluation import SHRINKAGES

LARGEST = 384  # rows of a block that is timed; larger ones take longer with the cube
PRODUCTS = 3.0  # of a factorisation and a product, for what else a model takes
PRODUCTS_OF_SCORES = 8.0  # of images with a block, in each octave


def solving_seconds(
    every: Sequence[Moments], n_models: float, n_scored: int, choosing: bool
) -> float:
    """Estimate how long it takes to solve and score the models of some moments.

    Parameters
    ----------
    every : sequence of Moments
        Of each shape and patch size.
    n_models : float
        Models for each.
    n_scored : int
        Images that they are scored on.
    choosing : bool
        Whether shrinkages are tried first.

    Returns
    -------
    float
        Seconds on this machine as it is now.
    """
    total = 0.0
    for moments in every:
        d, n = moments.patch_dim, len(moments.transform.multiplicity)
        at_once = cores() if d >= POOLED else 1
        solves = n_models + (len(SHRINKAGES) if choosing else 0)
        block = seconds_of_block(d)
        total += solves * n * PRODUCTS * block / at_once
        share = n_scored * moments.grid.n_patches / (d * n) * PRODUCTS_OF_SCORES
        total += n_models * n * share * block * N_DRAWS / 4
    return total


@cache
def seconds_of_block(d: int) -> float:
    """Time the factorisation of a block, and a product with it.

    Parameters
    ----------
    d : int
        Rows of the block.

    Returns
    -------
    float
        Seconds.
    """
    rows = min(d, LARGEST)
    n = max(1, BATCH_BYTES // (16 * rows * rows))  # as many as are solved at once
    rng = np.random.default_rng(0)
    block = rng.standard_normal((rows, rows)) + 1j * rng.standard_normal((rows, rows))
    block = block @ block.conj().T + rows * np.eye(rows)
    blocks = np.tile(block, (n, 1, 1))
    with one_blas_thread():
        start = time.perf_counter()
        np.linalg.inv(np.linalg.cholesky(blocks)) @ blocks
    return (time.perf_counter() - start) / n * (d / rows) ** 3
