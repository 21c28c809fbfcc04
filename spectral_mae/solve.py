"""The closed forms of the linear models, on stacks of Hermitian matrices.

For a corruption with moments μ and Q the loss of a linear map W is
Tr S − 2μ Tr(S W) + Tr(Wᵀ Q W). Nothing here knows of Fourier: a dense problem is a stack of one
matrix, a banded one a stack of many, and the loss of a stack is the sum over its matrices.

Photographs are ill-conditioned (1e7 to 1e8), so everything is in double precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.corruption import Mix
from spectral_mae.moments import Stack

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class SplitPair:
    """A conjugate pair of eigenvectors of which a real model of this rank keeps one direction.

    Attributes
    ----------
    block : int
        The block of the pair's first member.
    decoder : ndarray, shape (d,)
        Its eigenvector u.
    encoder : ndarray, shape (d,)
        W u, with W the full-rank map of the block.
    """

    block: int
    decoder: NDArray[np.complex128]
    encoder: NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Solution:
    """The best linear map for a stack, and what was met on the way to it.

    Attributes
    ----------
    weights : ndarray, shape (n_blocks, d, d)
        W of each block; rows in, rows out: x̂ = x̃ W for a dense one, x̂_q = x̃_q conj(W_q) for bands.
    loss : float
        Expected squared error, summed over the stack.
    trace : float
        Tr S, the loss of predicting the mean.
    rank : int
        Width of the bottleneck; the numbers in an image if there is none.
    eigenvalues : ndarray, shape (rank,), or None
        The eigenvalues of μ² S Q⁻¹ S that are kept, descending; their sum is trace − loss. None
        where they were not computed.
    condition : float
        Largest condition number of Q over the blocks, within its range.
    n_dropped : int
        Dimensions of the whole stack in which Q has no more than rounding; the map ignores them.
    split : SplitPair or None
        Where the rank splits a conjugate pair of bands, the direction kept of it. It is counted
        in ``loss`` but not in ``weights``: no shift-equivariant real map holds half a pair.
    """

    weights: NDArray[Any]
    loss: float
    trace: float
    rank: int
    eigenvalues: FloatArray | None
    condition: float
    n_dropped: int
    split: SplitPair | None = None

    @property
    def explained(self) -> float:
        """1 − loss/trace, the explained fraction of power; NaN for images without any."""
        return 1.0 - self.loss / self.trace if self.trace > 0 else math.nan


def full_rank(stack: Stack, mix: Mix) -> Solution:
    """The best map without a bottleneck, W = μ Q⁻¹ S; its loss is Tr S − μ Tr(S W).

    Where Q is singular, Q⁻¹ is the pseudo-inverse on its range: eigenvalues of Q up to d·ε times
    the largest diagonal entry of Q over the whole stack count as zero.

    Examples
    --------
    >>> stack = Stack(np.diag([4.0, 1.0])[np.newaxis], np.array([1]), patch_dim=2)
    >>> found = full_rank(stack, Mix(1.0, 1.0, white=1.0))  # noise of variance 1: Wiener's filter
    >>> np.diag(found.weights[0]), round(found.loss, 6)
    (array([0.8, 0.5]), 1.3)
    """
    weights = np.empty_like(stack.blocks)
    met = _Met()
    explained = 0.0
    for block, inverse in _inverses(stack, mix):
        second = stack.blocks[block]
        weights[block] = mix.mu * inverse.solve(second)
        gain = mix.mu * _inner(second, weights[block])
        explained += float(stack.multiplicity[block]) * gain
        met.note(inverse, stack.multiplicity[block])
    loss = max(float(stack.trace - explained), 0.0)
    return Solution(weights, loss, stack.trace, stack.dim, None, met.condition, met.n_dropped)


def low_rank(stack: Stack, mix: Mix, rank: int) -> Solution:
    """The best map through a bottleneck of ``rank`` numbers (Theorem 1).

    With C = μ² S Q⁻¹ S, U its top eigenvectors over all blocks together and W the full-rank map,
    the best map is W U Uᴴ, and its loss Tr S − Σ λ.

    Raises
    ------
    ValueError
        If the rank is not between 1 and the numbers in an image.
    """
    if not 1 <= rank <= stack.dim:
        raise ValueError(f"{rank=} is not between 1 and the {stack.dim} numbers in an image")
    full = full_rank(stack, mix)
    values = np.empty(stack.blocks.shape[:2])
    vectors = np.empty_like(stack.blocks)
    for block, weights in enumerate(full.weights):
        product = mix.mu * (stack.blocks[block] @ weights)
        values[block], vectors[block] = np.linalg.eigh((product + product.conj().T) / 2)
    kept, ordered, half = _largest(values, stack.multiplicity, rank)
    weights = full.weights
    split = None
    if half is not None:
        block, place = half
        decoder = vectors[block][:, place]
        split = SplitPair(block, decoder, weights[block] @ decoder)
    for block, chosen in enumerate(kept):
        basis = vectors[block][:, chosen]
        weights[block] = (weights[block] @ basis) @ basis.conj().T
    return Solution(
        weights,
        max(full.trace - float(ordered.sum()), 0.0),
        full.trace,
        rank,
        ordered,
        full.condition,
        full.n_dropped,
        split,
    )


def eigenvalues(stack: Stack, solution: Solution, mix: Mix) -> FloatArray:
    """All eigenvalues of μ² S Q⁻¹ S over the whole stack, descending, from a full-rank solution."""
    found = []
    for block, weights in enumerate(solution.weights):
        product = mix.mu * (stack.blocks[block] @ weights)
        values = np.linalg.eigvalsh((product + product.conj().T) / 2)
        found.append(np.repeat(values, stack.multiplicity[block]))
    return np.sort(np.maximum(np.concatenate(found), 0.0))[::-1]


def sweep(stack: Stack, mixes: Sequence[Mix]) -> FloatArray:
    """Losses of the full-rank maps of many maskings, from one factorisation.

    With T = Blkdiag_p(S) = GGᴴ and G⁻¹ S G⁻ᴴ = UΛUᴴ, Tr(S Q⁻¹ S) is
    Σ_i λ_i²·‖G u_i‖² / (own·λ_i + local). S has nothing outside the range of T.

    Parameters
    ----------
    stack : Stack
    mixes : sequence of Mix
        Without white noise.

    Returns
    -------
    ndarray, shape (len(mixes),)
    """
    values, vectors = np.linalg.eigh(stack.local)
    inside = values > len(values) * _EPS * max(float(values[-1]), 0.0)
    root = np.sqrt(values[inside])
    forth, back = vectors[:, inside] * root, (vectors[:, inside] / root).T
    losses = np.full(len(mixes), stack.trace)
    for times, block in zip(stack.multiplicity, stack.blocks, strict=True):
        modes, basis = np.linalg.eigh(back @ block @ back.conj().T)
        modes = np.maximum(modes, 0.0)
        power = modes**2 * np.sum(np.abs(forth @ basis) ** 2, axis=0)
        for i, mix in enumerate(mixes):
            gain = mix.own * modes + mix.local
            explained = power[gain > 0] / gain[gain > 0]
            losses[i] -= float(times) * mix.mu**2 * float(explained.sum())
    return np.maximum(losses, 0.0)


def expected_loss(stack: Stack, mix: Mix, weights: NDArray[Any]) -> float:
    """Tr S − 2μ Tr(S W) + Tr(Wᴴ Q W) of any map on any stack: no sampling of corruptions.

    The stack may be that of other images than the map was made for; then this is its score there.
    """
    loss = stack.trace
    for block, (times, map_) in enumerate(zip(stack.multiplicity, weights, strict=True)):
        cross = _inner(stack.blocks[block], map_)
        own = _inner(map_, mix.second_moment(stack, block) @ map_)
        loss += float(times) * (own - 2 * mix.mu * cross)
    return loss


def hidden_target(stack: Stack, given_hidden: Mix, pi1: float) -> Solution:
    """The best full-rank map when only hidden patches are scored.

    With P the pseudo-inverse of Q' = π₂' S + (π₁'−π₂') Blkdiag_p(S), W = π₁' (P S − P Λ) with
    Λ = Blkdiag_p(P)⁺ Blkdiag_p(P S), which makes the own-patch blocks of W vanish: a patch that
    is scored is never seen. The expected sum over hidden pixels is
    (1−π₁)·(Tr S − π₁' Tr(S W)).

    Parameters
    ----------
    stack : Stack
    given_hidden : Mix
        Moments of the masking given that the output patch is hidden.
    pi1 : float
        Inclusion probability of a patch.

    Returns
    -------
    Solution
        ``trace`` is (1−π₁)·Tr S, what predicting the mean costs on hidden pixels.

    Raises
    ------
    ValueError
        If all patches but one are always visible and S is singular: then Q' = S has no inverse
        and each output patch would need a problem of its own.
    """
    inverses = np.empty_like(stack.blocks)
    products = np.empty_like(stack.blocks)
    met = _Met()
    for block, inverse in _inverses(stack, given_hidden):
        inverses[block] = inverse.solve(np.eye(stack.blocks.shape[-1]))
        products[block] = inverse.solve(stack.blocks[block])
        met.note(inverse, stack.multiplicity[block])
    if met.n_dropped and given_hidden.local <= _EPS:
        raise ValueError(
            f"all but one of the patches are always visible and {met.n_dropped} dimensions of "
            "the second moment are empty: the hidden target has no closed form here"
        )
    local_inverse = np.linalg.pinv(stack.local_part(inverses), hermitian=True)
    balance = local_inverse @ stack.local_part(products)
    weights = inverses
    explained = 0.0
    for block, times in enumerate(stack.multiplicity):
        weights[block] = given_hidden.mu * (products[block] - inverses[block] @ balance)
        explained += float(times) * _inner(stack.blocks[block], weights[block])
    loss = (1.0 - pi1) * (stack.trace - given_hidden.mu * explained)
    trace = (1.0 - pi1) * stack.trace
    return Solution(weights, loss, trace, stack.dim, None, met.condition, met.n_dropped)


@dataclass
class _Met:
    """What the inversions of a stack met."""

    condition: float = 1.0
    n_dropped: int = 0

    def note(self, inverse: _Inverse, multiplicity: int) -> None:
        self.condition = max(self.condition, inverse.condition)
        self.n_dropped += int(multiplicity) * inverse.n_dropped


class _Inverse:
    """Q⁻¹, or its pseudo-inverse where Q is singular to rounding.

    A Cholesky factor serves wherever LAPACK's estimate of the condition allows; else the
    eigenvectors above the cut-off do.
    """

    def __init__(self, second: NDArray[Any], cutoff: float) -> None:
        self.n_dropped = 0
        self._basis: NDArray[Any] | None = None
        norm = float(np.abs(second).sum(axis=0).max())
        try:
            self._factor = scipy.linalg.cho_factor(second, lower=True)
        except np.linalg.LinAlgError:
            self._decompose(second, cutoff)
            return
        complex_ = np.iscomplexobj(second)
        estimate = scipy.linalg.lapack.zpocon if complex_ else scipy.linalg.lapack.dpocon
        rcond, _ = estimate(self._factor[0], norm, uplo="L")
        self.condition = 1.0 / rcond if rcond > 0 else math.inf
        if norm * rcond <= cutoff:
            self._decompose(second, cutoff)

    def solve(self, right: NDArray[Any]) -> NDArray[Any]:
        """Q⁻¹ times a matrix."""
        if self._basis is None:
            return scipy.linalg.cho_solve(self._factor, right, check_finite=False)
        return (self._basis / self._values) @ (self._basis.conj().T @ right)

    def _decompose(self, second: NDArray[Any], cutoff: float) -> None:
        values, vectors = np.linalg.eigh(second)
        inside = values > cutoff
        self._values, self._basis = values[inside], vectors[:, inside]
        self.n_dropped = int(np.count_nonzero(~inside))
        self.condition = float(values[-1] / self._values[0]) if inside.any() else 1.0


def _inverses(stack: Stack, mix: Mix) -> Iterator[tuple[int, _Inverse]]:
    """The inverse of Q for each block, one at a time: a stack of them may not fit."""
    n_blocks, d, _ = stack.blocks.shape
    diagonal = np.einsum("bii->bi", stack.blocks).real.max(initial=0.0)
    scale = mix.own * diagonal + mix.local * float(np.diag(stack.local).max()) + mix.white
    for block in range(n_blocks):
        yield block, _Inverse(mix.second_moment(stack, block), d * _EPS * scale)


def _inner(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Re Tr(aᴴ b)."""
    return float(np.vdot(a, b).real)


def _largest(
    values: FloatArray, multiplicity: NDArray[np.integer[Any]], rank: int
) -> tuple[NDArray[np.bool_], FloatArray, tuple[int, int] | None]:
    """The ``rank`` largest values over the whole stack, in which blocks repeat.

    Returns which are kept whole, the kept values in descending order, and the place of the value
    of which only one copy of two is kept, if there is one.
    """
    positive = np.maximum(values, 0.0)
    order = np.argsort(-positive, axis=None, kind="stable")
    block, place = np.unravel_index(order, values.shape)
    copies = multiplicity[block]
    filled = np.cumsum(copies)
    whole = filled <= rank
    kept = np.zeros(values.shape, dtype=bool)
    kept[block[whole], place[whole]] = True
    ordered = np.repeat(positive[block, place], copies)[:rank]
    short = rank - int(filled[whole][-1]) if whole.any() else rank
    if short == 0:
        return kept, ordered, None
    first = int(np.argmin(whole))
    return kept, ordered, (int(block[first]), int(place[first]))
