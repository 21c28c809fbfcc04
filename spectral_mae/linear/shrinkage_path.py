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

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae._parallel import in_batches
from spectral_mae.linear.corruption import Mix
from spectral_mae.linear.matrices import lapack
from spectral_mae.linear.matrices.eigenvectors import WIDE
from spectral_mae.linear.matrices.inverse import EPS, LARGE, as_real, factored, least_eigenvalue
from spectral_mae.linear.matrices.pencil import diagonalised
from spectral_mae.linear.moments.blocks import BlockTransform, Stack, make_real
from spectral_mae.linear.solver import cutoff_of, loss_in_shared_range

LEAST_OWN = 1e-3  # of μ²: below, c = μ/own magnifies the rounding of what cancels in the loss


class _Average(NamedTuple):
    """S̄: one matrix on the channels for each frequency of each block, and T̄."""

    diagonals: NDArray[Any]
    local: FloatArray

    @classmethod
    def of(cls, stack: Stack, transform: BlockTransform) -> _Average:
        def work(rows: slice) -> NDArray[Any]:
            return transform.fourier_diagonal(stack.blocks[rows], rows)

        diagonals = np.concatenate(in_batches(work, *stack.blocks.shape[:2]))
        grid = transform.grid
        full = transform.basis.scatter(diagonals)
        by_lag = scipy.fft.ifftn(full, axes=tuple(range(grid.ndim))).real
        place = np.indices(grid.patch_size).reshape(grid.ndim, -1)
        lag = place[:, :, np.newaxis] - place[:, np.newaxis]  # from -(p-1) on, counted from the end
        patch = by_lag[tuple(lag)].swapaxes(1, 2).reshape(2 * (transform.patch_dim,))
        return cls(diagonals, np.kron(np.eye(stack.blocks.shape[-1] // len(patch)), patch))


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
    known = np.full(len(values), np.nan)
    if 0.0 in values and (few := loss_in_shared_range(stack, mix, held_out)) is not None:
        known[np.equal(values, 0.0)] = few
    if mix.own <= LEAST_OWN * mix.mu**2:
        return known
    average = _Average.of(stack, transform)
    scale = mix.mu / mix.own
    d = stack.blocks.shape[-1]
    white = mix.white * np.eye(d)
    inner = [mix.local * local + white for local in (stack.local, average.local, held_out.local)]
    fitted, averaged, others = inner
    together = np.concatenate(inner)
    tried = np.asarray(values, dtype=np.float64)[:, np.newaxis]
    weights = np.concatenate([1 - tried, tried], axis=1).T
    # P_s² of A², A² + B² and 2A² + 2B² + AB + BA: each is the one before and another square.
    own, both, other = weights[0] ** 2, weights[0] * weights[1], weights[1] ** 2
    shares = own - other, other - 2 * both, both
    cutoff = cutoff_of(stack, mix)  # no diagonal of an average is larger than the largest

    def work(rows: slice) -> tuple[FloatArray, float, float]:
        shifted = transform.circulant(average.diagonals[rows], rows)
        make_real(shifted, stack.multiplicity[rows])
        if not np.iscomplexobj(stack.blocks):
            shifted = shifted.real
        shifted *= mix.own
        shifted += averaged
        first = mix.own * stack.blocks[rows]
        first += fitted
        held = held_out.blocks[rows]
        real = [as_real(one) for one in (first, shifted, held)]
        if not any(map(np.iscomplexobj, real)):
            first, shifted, held = real
        least_first = least_eigenvalue(factored(first))
        factors = factored(shifted, overwrite=True)
        if factors is None:
            return np.full(len(values), np.nan), least_first, 0.0
        modes, vectors = diagonalised(first, factors)
        fits, shifts, seen = np.split(_real_times(together, vectors), 3, axis=1)
        spoiled = _in_basis(vectors, mix.own, held, seen)
        np.einsum("nii->ni", spoiled)[...] /= 2  # half of a Hermitian matrix stands for both
        linear = np.stack([_by_column(one, seen) for one in (fits, shifts)])
        times = stack.multiplicity[rows]
        modes = np.maximum(modes, EPS * modes[:, -1:])  # where it counts, `least` says so below
        gains = 1.0 / ((1 - tried) * modes[:, np.newaxis] + tried)  # (n, values, d)
        found = -2 * np.einsum("kv,nvd,knd,n->v", weights, gains, linear, times)
        total, room = np.zeros_like(vectors), np.empty_like(vectors)
        for share, one in zip(shares, _with_sum(fits, shifts), strict=True):
            _add_grams(total, one)
            found += 2 * share * (times @ _quadratic(gains, spoiled, total, room))
        # Q₁⁻¹ is VVᴴ, whose trace is at least its largest eigenvalue.
        return found, least_first, 1 / max(np.vdot(one, one).real for one in vectors)

    parts, of_first, of_last = zip(*in_batches(work, *stack.blocks.shape[:2]), strict=True)
    rest = stack.multiplicity.sum() * float(np.trace(others))
    found = held_out.trace * (1 - scale * mix.mu) + scale**2 * (np.sum(parts, axis=0) + rest)
    # The smallest eigenvalue of a sum of matrices is at least the sum of theirs.
    least = weights[0] * min(of_first) + weights[1] * min(of_last)
    return np.where(least > cutoff, np.maximum(found, 0.0), known)


def _by_column(a: NDArray[Any], b: NDArray[Any]) -> FloatArray:
    """Re(aᴴ b) on the diagonal."""
    if not np.iscomplexobj(a):
        return np.einsum("nij,nij->nj", a, b)
    return _pairs(np.einsum("nij,nij->nj", a.view(np.float64), b.view(np.float64)))


def _with_sum(a: NDArray[Any], b: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield a, b and a + b, which takes the place of b."""
    yield a
    yield b
    b += a
    yield b


def _quadratic(
    gains: FloatArray, a: NDArray[Any], b: NDArray[Any], room: NDArray[Any]
) -> FloatArray:
    """gᵀ Re(a ∘ conj(b)) g for each row g of the gains of a block; room is overwritten."""
    if np.iscomplexobj(a):
        a, b, room = (one.view(np.float64) for one in (a, b, room))
        left = _pairs(gains @ np.multiply(a, b, out=room))
    else:
        left = gains @ np.multiply(a, b, out=room)
    return np.sum(left * gains, axis=2)


def _pairs(products: FloatArray) -> FloatArray:
    """Sums of what real and imaginary parts contribute."""
    return products[..., ::2] + products[..., 1::2]


def _real_times(matrix: FloatArray, vectors: NDArray[Any]) -> NDArray[Any]:
    """A real matrix times complex ones, in half the time of a complex product."""
    if not np.iscomplexobj(vectors):
        return matrix @ vectors
    halves = np.ascontiguousarray(vectors).view(np.float64)
    return (matrix @ halves).view(np.complex128)


def _add_grams(total: NDArray[Any], a: NDArray[Any]) -> None:
    """Add aᴴ a to what is not above the diagonal."""
    if a.shape[-1] < LARGE:
        total += np.tril(a.conj().mT @ a)
        return
    for one, sums in zip(a, total, strict=True):
        lapack.add_gram(sums, one)


def _in_basis(
    vectors: NDArray[Any], own: float, second: NDArray[Any], seen: NDArray[Any]
) -> NDArray[Any]:
    """Vᴴ (own·H V + P_H V), at least what is not above the diagonal."""
    d = vectors.shape[-1]
    if d < LARGE:
        return vectors.conj().mT @ (own * (second @ vectors) + seen)
    found = np.empty_like(vectors)
    for basis, one, local, out in zip(vectors, second, seen, found, strict=True):
        thin = lapack.thin_factor(one) if d >= WIDE else None  # of few images
        if thin is None:
            right = one @ basis
            right *= own
            right += local
            lapack.half_product(basis, right, out)
        else:
            lapack.half_product(basis, local, out)
            lapack.add_gram(out, math.sqrt(own) * (thin.conj().T @ basis))
    return found
