"""The best map through a bottleneck, of second moments that are tensors."""

from __future__ import annotations

import dataclasses

import numpy as np

from spectral_mae._array_api import constant
from spectral_mae._checks import namespace, to_numpy
from spectral_mae.linear.corruption import Mix
from spectral_mae.linear.moments.blocks import Stack
from spectral_mae.linear.solution import Components, Solution, largest_kept


def through_bottleneck(stack: Stack, mix: Mix, full: Solution, rank: int) -> Solution:
    """Return W U Uᴴ, with U the top eigenvectors of μ² S Q⁻¹ S over all blocks together.

    Only the eigenvalues come to the CPU, to be sorted.

    Parameters
    ----------
    stack : Stack
        Second moment S of the images.
    mix : Mix
        Moments of the corruption.
    full : Solution
        The full-rank map W.
    rank : int
        Width of the bottleneck, from 1 to the numbers in an image.

    Returns
    -------
    Solution
        The map, with eigenvalues and components.
    """
    xp = namespace(stack.blocks)
    n, d = stack.blocks.shape[:2]
    top = min(d, rank)  # no block can have more among the largest
    product = stack.blocks @ mix.seen(stack, full.weights)
    product = product + xp.conj(xp.matrix_transpose(product))
    found, basis = xp.linalg.eigh(product)
    values = np.maximum(to_numpy(found)[:, -top:], 0.0) / 2
    vectors = basis[..., d - top :]
    mapped = full.weights @ vectors
    kept = largest_kept(values, stack.multiplicity, rank)
    chosen = np.zeros((n, 1, top))
    chosen[kept.block, 0, kept.place] = 1.0
    if kept.split is not None:
        chosen[kept.block[kept.split], 0, kept.place[kept.split]] = 0.0
    through = mapped * constant(chosen, mapped, mapped.dtype)
    index = constant(kept.block * top + kept.place, mapped)
    decoder, encoder = (
        xp.take(xp.reshape(xp.matrix_transpose(one), (n * top, d)), index, axis=0)
        for one in (vectors, mapped)
    )
    eigenvalue = values[kept.block, kept.place]
    ordered = np.repeat(eigenvalue, kept.copies)
    return dataclasses.replace(
        full,
        weights=through @ xp.conj(xp.matrix_transpose(vectors)),
        loss=max(full.trace - float(ordered.sum()), 0.0),
        rank=rank,
        eigenvalues=ordered,
        components=Components(kept.block, kept.copies, eigenvalue, decoder, encoder, kept.split),
    )
