"""The loss of full-rank maps on other images at many shrinkages, from one factorisation per block.

Shrunken by s, the second moment is S_s = (1−s)S + sS̄, with S̄ its average over all shifts of pixels,
and what it has within patches is T_s = (1−s)T + sT̄. So is the second moment of corrupted images,

    Q_s = own·S_s + P_s,   P_s = local·T_s + white·I,   Q_s = (1−s)Q_0 + sQ_1.

With Q_1 = GGᴴ, G⁻¹Q_0G⁻ᴴ = UΛUᴴ and V = G⁻ᴴU, all their inverses share the vectors V:
Q_s⁻¹ = V D Vᴴ with D = 1/((1−s)Λ + s). The map is W = c(I − Q_s⁻¹P_s) with c = μ/own, and the loss
on images of second moment H, corrupted Q_H = own·H + P_H, is

    (1−cμ) Tr H + c² (Tr P_H − 2 Re Tr(P_H Q_s⁻¹ P_s) + Tr(P_s Q_s⁻¹ Q_H Q_s⁻¹ P_s)).

Its last two terms are a linear and a quadratic form in the diagonal of D, whose coefficients are
Vᴴ(P_s P_H)V and (Vᴴ Q_H V) ∘ (Vᴴ P_s² V). With P_s = (1−s)A + sB the latter has A², B² and (A+B)².
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae._parallel import in_batches
from spectral_mae.linear.corruption import Mix
from spectral_mae.linear.matrices.inverse import EPS, as_real, factored, substitute
from spectral_mae.linear.moments.blocks import BlockTransform, Stack, make_real
from spectral_mae.linear.solver import cutoff_of

STRIP = 128  # rows of a Hermitian product that are multiplied at once, up to the diagonal
LEAST_OWN = 1e-3  # of μ²: below, c = μ/own magnifies the rounding of what cancels in the loss


class _Average(NamedTuple):
    """S̄: one matrix on the channels for each frequency of each block, and T̄."""

    diagonals: NDArray[Any]
    local: FloatArray

    @classmethod
    def of(cls, stack: Stack, transform: BlockTransform) -> _Average:
        times = stack.multiplicity

        def work(rows: slice) -> tuple[NDArray[Any], FloatArray]:
            diagonal = transform.fourier_diagonal(stack.blocks[rows], rows)
            return diagonal, np.tensordot(times[rows], transform.circulant(diagonal, rows).real, 1)

        diagonals, parts = zip(*in_batches(work, *stack.blocks.shape[:2]), strict=True)
        local = stack.within_patches(np.sum(parts, axis=0) / times.sum())
        return cls(np.concatenate(diagonals), local)


def losses_by_shrinkage(
    stack: Stack, transform: BlockTransform, mix: Mix, held_out: Stack, values: Sequence[float]
) -> FloatArray:
    """Return the expected loss on other images of the full-rank maps at some shrinkages.

    Parameters
    ----------
    stack : Stack
        Second moment S of the images of the fit, not shrunken.
    transform : BlockTransform
        Coordinates of the stacks.
    mix : Mix
        Moments of the corruption, which mixes in Blkdiag_p(S) and white noise alone.
    held_out : Stack
        Second moment H of other images.
    values : sequence of float
        Shrinkages, from 0 to 1.

    Returns
    -------
    ndarray of float64, shape (len(values),)
        Expected squared errors per image. NaN where Q_s is singular to rounding in a block, so that
        the map takes a pseudo-inverse, which shares no vectors with the others.
    """
    if mix.own <= LEAST_OWN * mix.mu**2:
        return np.full(len(values), np.nan)
    average = _Average.of(stack, transform)
    scale = mix.mu / mix.own
    d = stack.blocks.shape[-1]
    white = mix.white * np.eye(d)
    twice = 2 * np.tri(d) - np.eye(d)  # half of a Hermitian matrix stands for both
    inner = [mix.local * local + white for local in (stack.local, average.local, held_out.local)]
    fitted, averaged, others = inner
    together = np.concatenate(inner)
    tried = np.asarray(values, dtype=np.float64)[:, np.newaxis]
    weights = np.concatenate([1 - tried, tried], axis=1).T
    cutoff = cutoff_of(stack, mix)  # no diagonal of an average is larger than the largest

    def work(rows: slice) -> tuple[FloatArray, float, float]:
        shifted = transform.circulant(average.diagonals[rows], rows)
        make_real(shifted, stack.multiplicity[rows])
        if not np.iscomplexobj(stack.blocks):
            shifted = shifted.real
        first = mix.own * stack.blocks[rows] + fitted
        last = mix.own * shifted + averaged
        held = mix.own * held_out.blocks[rows] + others
        real = [as_real(one) for one in (first, last, held)]
        if not any(map(np.iscomplexobj, real)):
            first, last, held = real
        _, least_first = factored(first)
        factors, least_last = factored(last)
        if factors is None:
            return np.full(len(values), np.nan), least_first, least_last
        substitute(factors, first)
        first = np.ascontiguousarray(_adjoint(first))
        substitute(factors, first)
        modes, vectors = np.linalg.eigh(first)
        substitute(factors, vectors, adjoint=True)
        spoiled = _lower_half(vectors, held @ vectors)
        seen = np.split(_real_times(together, vectors), 3, axis=1)
        linear = [_real_part(one, seen[2]).sum(axis=1) for one in seen[:2]]
        grams = [_lower_half(one, one) for one in (*seen[:2], seen[0] + seen[1])]
        forms = [twice * _real_part(spoiled, gram) for gram in grams]
        times = stack.multiplicity[rows]
        modes = np.maximum(modes, EPS * modes[:, -1:])  # where it counts, `least` says so below
        gains = 1.0 / ((1 - tried) * modes[:, np.newaxis] + tried)  # (n, values, d)
        found = -2 * np.einsum("kv,nvd,knd,n->v", weights, gains, np.stack(linear), times)
        both = weights[0] * weights[1]
        for weight, form in zip((*(weights**2 - both), both), forms, strict=True):
            found += weight * (np.sum((gains @ form) * gains, axis=2).T @ times)
        return found, least_first, least_last

    parts, of_first, of_last = zip(*in_batches(work, *stack.blocks.shape[:2]), strict=True)
    rest = stack.multiplicity.sum() * float(np.trace(others))
    found = held_out.trace * (1 - scale * mix.mu) + scale**2 * (np.sum(parts, axis=0) + rest)
    # The smallest eigenvalue of a sum of matrices is at least the sum of theirs.
    least = weights[0] * min(of_first) + weights[1] * min(of_last)
    return np.where(least > cutoff, np.maximum(found, 0.0), np.nan)


def _adjoint(matrices: NDArray[Any]) -> NDArray[Any]:
    return matrices.conj().swapaxes(-1, -2)


def _real_part(a: NDArray[Any], b: NDArray[Any]) -> FloatArray:
    """Re(a ∘ conj(b))."""
    product = a.real * b.real
    if np.iscomplexobj(a):
        product += a.imag * b.imag
    return product


def _real_times(matrix: FloatArray, vectors: NDArray[Any]) -> NDArray[Any]:
    """A real matrix times complex ones, in half the time of a complex product."""
    if not np.iscomplexobj(vectors):
        return matrix @ vectors
    halves = np.ascontiguousarray(vectors).view(np.float64)
    return (matrix @ halves).view(np.complex128)


def _lower_half(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Of aᴴ b, which is Hermitian, what is not above the diagonal."""
    d = a.shape[-1]
    found = np.zeros((len(a), d, d), a.dtype)
    for first in range(0, d, STRIP):
        rows = slice(first, min(first + STRIP, d))
        found[:, rows, : rows.stop] = _adjoint(a[..., rows]) @ b[..., : rows.stop]
    return found
