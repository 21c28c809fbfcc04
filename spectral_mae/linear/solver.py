"""The closed forms of the linear models, on stacks of Hermitian matrices.

For a corruption with moments μ and Q the loss of a linear map W is
Tr S − 2μ Tr(S W) + Tr(Wᵀ Q W). Where μ differs from number to number, it stands for a diagonal
matrix: μ S is E[x̃ xᵀ], and W = Q⁻¹ (μ S). Nothing here knows of Fourier: a dense problem is a
stack of one matrix, a banded one a stack of many, and the loss of a stack is the sum over its
matrices.

Photographs are ill-conditioned (1e7 to 1e8), so everything is in double precision.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray, is_tensor, namespace, to_numpy
from spectral_mae._parallel import blas_for, in_batches
from spectral_mae.linear.corruption import Mix
from spectral_mae.linear.matrices import lapack
from spectral_mae.linear.matrices.eigenvectors import eigenvectors
from spectral_mae.linear.matrices.inverse import (
    EPS,
    LARGE,
    Inverse,
    Met,
    factored,
    least_eigenvalue,
)
from spectral_mae.linear.matrices.subspace import Subspace
from spectral_mae.linear.moments.blocks import Stack, in_double
from spectral_mae.linear.moments.even_bands import EvenStack
from spectral_mae.linear.solution import Components, Solution, in_single, largest_kept
from spectral_mae.linear.tensors.bottleneck import through_bottleneck
from spectral_mae.linear.tensors.inverse import TensorInverse

Result = TypeVar("Result")

TOGETHER = 2**28  # bytes of blocks that are tensors and are solved at once


def full_rank(stack: Stack, mix: Mix, *, overwrite: bool = False) -> Solution:
    """Return the best map without a bottleneck, W = μ Q⁻¹ S; its loss is Tr S − μ Tr(S W).

    Where Q is singular, Q⁻¹ is the pseudo-inverse on its range: eigenvalues of Q up to d·ε times
    the largest diagonal entry of Q over the whole stack count as zero.

    Parameters
    ----------
    stack : Stack
        Second moment S of the images.
    mix : Mix
        Moments of the corruption.
    overwrite : bool
        Put the map where the blocks of the stack are, which saves as much memory.

    Returns
    -------
    Solution
        The map, without eigenvalues or components.

    Examples
    --------
    >>> stack = Stack(np.diag([4.0, 1.0])[np.newaxis], np.array([1]), patch_dim=2)
    >>> found = full_rank(stack, Mix(1.0, 1.0, white=1.0))  # noise of variance 1: Wiener's filter
    >>> np.diag(found.weights[0]), round(found.loss, 6)
    (array([0.8, 0.5]), 1.3)
    """
    if isinstance(stack, EvenStack) and stack.unmixed:
        real = full_rank(stack.real(), mix, overwrite=True)
        room = stack.blocks if overwrite else None
        return replace(real, weights=stack.of_pixels(real.weights, room))
    weights = stack.blocks if overwrite else namespace(stack.blocks).empty_like(stack.blocks)
    trace, cutoff = stack.trace, cutoff_of(stack, mix)  # before anything is overwritten
    space = _shared_range(stack, mix, cutoff)
    solve = _solve if space is None else partial(_solve_within, space)
    found = over_blocks(partial(solve, stack, mix, cutoff, weights), stack)
    loss = max(trace - math.fsum(explained for explained, _ in found), 0.0)
    met = Met.all(met for _, met in found)
    return Solution(weights, loss, trace, stack.dim, None, met.condition, met.n_dropped)


def _shared_range(stack: Stack, mix: Mix, cutoff: float) -> Subspace | None:
    """The range of Blkdiag_p(S) where Q of all blocks is singular to rounding with it.

    Blkdiag_p(S) is the mean of all bands, and none has a negative eigenvalue: where it is zero,
    all are.
    """
    n, d = stack.blocks.shape[:2]
    if is_tensor(stack.blocks) or n == 1 or d < LARGE or mix.white or not mix.local:
        return None
    if stack.mixed_in is not None or stack.inclusion is not None or mix.own < 0:
        return None
    if mix.local * least_eigenvalue(factored(stack.local[np.newaxis])) > cutoff:
        return None
    space = Subspace.of(stack.local)
    return space if space.basis.shape[1] < d else None


def _solve(
    stack: Stack, mix: Mix, cutoff: float, weights: NDArray[Any], rows: slice
) -> tuple[float, Met]:
    """Put maps of blocks into ``weights``, which may be where the blocks are."""
    inverse = inverse_of(mix.second_moment(stack, rows), cutoff)
    second, map_ = stack.blocks[rows, ...], weights[rows, ...]
    if weights is stack.blocks:
        second = namespace(second).asarray(second, copy=True)
    inverse.solve(mix.seen(stack, second, out=map_), out=map_)
    times = stack.multiplicity[rows]
    explained = shared_power(stack, mix, times, second, map_)
    return explained, Met(inverse.condition, inverse.n_dropped(times))


def _solve_within(
    space: Subspace, stack: Stack, mix: Mix, cutoff: float, weights: NDArray[Any], rows: slice
) -> tuple[float, Met]:
    """Put maps of blocks into ``weights``, solved in the coordinates of `_shared_range`."""
    times = stack.multiplicity[rows]
    second, map_, inverse = _inside(space, stack, mix, cutoff, rows)
    weights[rows] = space.outside(map_)
    empty = weights.shape[-1] - len(space.values)
    n_dropped = inverse.n_dropped(times) + empty * int(times.sum())
    return mix.mu * inner(times, second, map_), Met(inverse.condition, n_dropped)


def _inside(
    space: Subspace, stack: Stack, mix: Mix, cutoff: float, rows: slice
) -> tuple[NDArray[Any], NDArray[Any], Inverse]:
    """S, the map and the inverse of Q of some blocks in the coordinates of `_shared_range`."""
    second = space.inside(stack.blocks[rows])
    mixed = mix.own * second
    np.einsum("bii->bi", mixed)[...] += mix.local * space.values
    inverse = Inverse(mixed, cutoff, overwrite=True)
    return second, inverse.solve(mix.mu * second), inverse


def low_rank(stack: Stack, mix: Mix, rank: int) -> Solution:
    """Return the best map through a bottleneck (Theorem 1 of the paper).

    With C = μ² S Q⁻¹ S, U its top eigenvectors over all blocks together and W the full-rank map,
    the best map is W U Uᴴ, and its loss Tr S − Σ λ.

    Parameters
    ----------
    stack : Stack
        Second moment S of the images.
    mix : Mix
        Moments of the corruption.
    rank : int
        Width of the bottleneck, from 1 to the numbers in an image.

    Returns
    -------
    Solution
        The map, with eigenvalues and components.

    Raises
    ------
    ValueError
        If the rank is not between 1 and the numbers in an image.
    """
    if not 1 <= rank <= stack.dim:
        raise ValueError(f"{rank=} is not between 1 and the {stack.dim} numbers in an image")
    with blas_for(*stack.blocks.shape[:2]):
        return _low_rank(stack, mix, rank)


def _low_rank(stack: Stack, mix: Mix, rank: int) -> Solution:
    full = full_rank(stack, mix)
    if is_tensor(stack.blocks):
        return through_bottleneck(stack, mix, full, rank)
    weights = full.weights
    n, d = stack.blocks.shape[:2]
    top = min(d, rank)  # no block can have more among the largest
    values = np.empty((n, top))
    vectors = np.empty((n, d, top), dtype=weights.dtype)

    def decompose(rows: slice) -> None:
        product = stack.blocks[rows] @ mix.seen(stack, weights[rows])
        product += product.conj().swapaxes(1, 2)
        found, basis = eigenvectors(product)
        values[rows] = np.maximum(found[:, -top:], 0.0) / 2
        vectors[rows] = basis[:, :, -top:]

    in_batches(decompose, n, d)
    components = _largest(values, vectors, weights, stack.multiplicity, rank)
    ordered = np.repeat(components.eigenvalue, components.copies)
    return Solution(
        components.weights(n, out=weights),
        max(full.trace - float(ordered.sum()), 0.0),
        full.trace,
        rank,
        ordered,
        full.condition,
        full.n_dropped,
        components,
    )


def eigenvalues(stack: Stack, solution: Solution, mix: Mix) -> FloatArray:
    """Return all eigenvalues of μ² S Q⁻¹ S over the whole stack, from a full-rank solution.

    Parameters
    ----------
    stack : Stack
        Second moment S of the images.
    solution : Solution
        What `full_rank` returned for it.
    mix : Mix
        Moments of the corruption.

    Returns
    -------
    ndarray of float64, shape (numbers in an image,)
        The eigenvalues, descending, never negative.
    """

    def work(rows: slice) -> FloatArray:
        xp = namespace(stack.blocks)
        map_ = in_double(solution.weights[rows, ...])
        product = stack.blocks[rows, ...] @ mix.seen(stack, map_)
        product = (product + xp.conj(xp.matrix_transpose(product))) / 2
        values = to_numpy(xp.linalg.eigvalsh(product))
        return np.repeat(values, stack.multiplicity[rows], axis=0).ravel()

    found = over_blocks(work, stack)
    return np.sort(np.maximum(np.concatenate(found), 0.0))[::-1]


def sweep(stack: Stack, mixes: Sequence[Mix]) -> FloatArray:
    """Return the losses of the full-rank maps of many maskings, from one factorisation.

    With T = Blkdiag_p(S) = GGᴴ and G⁻¹ S G⁻ᴴ = UΛUᴴ, Tr(S Q⁻¹ S) is
    Σ_i λ_i²·‖G u_i‖² / (own·λ_i + local). S has nothing outside the range of T.

    Parameters
    ----------
    stack : Stack
        Second moment S of the images.
    mixes : sequence of Mix
        Moments of the maskings, without white noise.

    Returns
    -------
    ndarray of float64, shape (len(mixes),)
        The losses, in the order of ``mixes``.
    """
    forth, back = roots_within_patches(stack)

    def work(rows: slice) -> FloatArray:
        mine = rows if len(forth) > 1 else slice(None)
        adjoint = back[mine].conj().swapaxes(1, 2)
        modes, basis = eigenvectors(back[mine] @ stack.blocks[rows] @ adjoint)
        modes = np.maximum(modes, 0.0)
        power = modes**2 * np.sum(np.abs(forth[mine] @ basis) ** 2, axis=1)
        power *= stack.multiplicity[rows, np.newaxis]
        explained = np.zeros(len(mixes))
        for i, mix in enumerate(mixes):
            gain = mix.own * modes + mix.local
            explained[i] = mix.mu**2 * float((power[gain > 0] / gain[gain > 0]).sum())
        return explained

    found = in_batches(work, *stack.blocks.shape[:2])
    return np.maximum(stack.trace - np.sum(found, axis=0), 0.0)


def expected_loss(stack: Stack, mix: Mix, weights: NDArray[Any]) -> float:
    """Return Tr S − 2μ Tr(S W) + Tr(Wᴴ Q W) of any map on any stack: no sampling of corruptions.

    Parameters
    ----------
    stack : Stack
        Second moment S of images; they may be others than those the map was made for.
    mix : Mix
        Moments of the corruption.
    weights : ndarray, shape (n_blocks, d, d)
        The map W, block by block.

    Returns
    -------
    float
        Expected squared error per image.
    """

    def work(rows: slice) -> float:
        times, map_ = stack.multiplicity[rows], in_double(weights[rows, ...])
        cross = shared_power(stack, mix, times, stack.blocks[rows, ...], map_)
        corrupted = mix.second_moment(stack, rows)
        return _passed(times, corrupted, map_) - 2 * cross

    return stack.trace + math.fsum(over_blocks(work, stack))


def loss_in_shared_range(stack: Stack, mix: Mix, held_out: Stack) -> float | None:
    """Return the expected loss on other images of the map of `full_rank`, without that map.

    Parameters
    ----------
    stack : Stack
        Second moment S of the images of the fit.
    mix : Mix
        Moments of the corruption.
    held_out : Stack
        Second moment of the other images.

    Returns
    -------
    float or None
        Expected squared error per image; None unless the map is solved in the range that all
        blocks share.
    """
    cutoff = cutoff_of(stack, mix)
    space = _shared_range(stack, mix, cutoff)
    if space is None:
        return None
    (local,) = mix.local * space.inside(held_out.local[np.newaxis])

    def work(rows: slice) -> float:
        times = stack.multiplicity[rows]
        _, map_, _ = _inside(space, stack, mix, cutoff, rows)
        others = space.inside_of_few(held_out.blocks[rows])
        cross = mix.mu * inner(times, others, map_)
        return _passed(times, mix.own * others + local, map_) - 2 * cross

    return held_out.trace + math.fsum(over_blocks(work, stack))


def _passed(times: NDArray[np.integer[Any]], corrupted: NDArray[Any], map_: NDArray[Any]) -> float:
    """Tr(Wᴴ Q W), summed over blocks that stand for so many; Q is overwritten."""
    if is_tensor(map_) or map_.shape[-1] < LARGE:
        return inner(times, map_, corrupted @ map_)
    # Tr(Q W Wᴴ), of both Hermitian matrices what is not above the diagonal.
    squares = [lapack.square(np.ascontiguousarray(one)) for one in map_]
    np.einsum("bii->bi", corrupted)[...] /= 2
    return 2 * inner(times, corrupted, squares)


def rounding_loss(stack: Stack, mix: Mix, weights: NDArray[Any]) -> float:
    """Return by how much the expected loss grows when a map is rounded to single precision.

    With W' the rounded map this is Re Tr((Q(W + W') − 2μS)ᴴ (W' − W)), which is without the
    cancellation of two losses.

    Parameters
    ----------
    stack : Stack
        Second moment S of the images.
    mix : Mix
        Moments of the corruption.
    weights : ndarray, shape (n_blocks, d, d)
        The map W, block by block.

    Returns
    -------
    float
        The difference of expected squared errors per image.
    """

    def work(rows: slice) -> float:
        exact = weights[rows]
        rounded = in_double(in_single(exact))
        slope = mix.second_moment(stack, rows) @ (exact + rounded)
        slope -= 2 * mix.seen(stack, stack.blocks[rows])
        return inner(stack.multiplicity[rows], slope, rounded - exact)

    return math.fsum(over_blocks(work, stack))


def roots_within_patches(stack: Stack) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return G with Blkdiag_p(S) = GGᴴ, and its inverse on the range.

    G is a basis of eigenvectors, scaled: what is computed in it keeps small eigenvalues apart
    from large ones. Of a dense matrix each patch has its own, for eigenvectors of equal patches
    would mix them.

    Parameters
    ----------
    stack : Stack
        Second moment S of the images.

    Returns
    -------
    forth : ndarray, shape (1 or n_blocks, d, d)
        G, one for all blocks, or one for each.
    back : ndarray, shape (1 or n_blocks, d, d)
        Its inverse on the range.
    """
    local = stack.local
    if local.ndim == 2:
        d = stack.patch_dim
        local = np.stack([local[i : i + d, i : i + d] for i in range(0, len(local), d)])
    values, vectors = np.linalg.eigh(local)
    inside = values > values.shape[-1] * EPS * max(float(values.max()), 0.0)
    root = np.sqrt(np.where(inside, values, 0.0))
    inverse = np.divide(1.0, root, out=np.zeros_like(root), where=inside)
    forth = vectors * root[:, np.newaxis]
    back = (vectors * inverse[:, np.newaxis]).conj().swapaxes(1, 2)
    if stack.local.ndim == 2:
        forth = scipy.linalg.block_diag(*forth)[np.newaxis]
        back = scipy.linalg.block_diag(*back)[np.newaxis]
    return forth, back


def cutoff_of(stack: Stack, mix: Mix) -> float:
    """Return the size up to which eigenvalues of Q are rounding: d·ε times a bound on its entries.

    Parameters
    ----------
    stack : Stack
        Second moment S of the images.
    mix : Mix
        Moments of the corruption.

    Returns
    -------
    float
        The cut-off, 0 or more.
    """
    largest, local = (_largest_diagonal(one) for one in (stack.blocks, stack.local))
    scale = mix.own * largest + mix.local * local + mix.white
    return float(stack.blocks.shape[-1] * EPS * scale)


def _largest_diagonal(matrices: NDArray[Any]) -> float:
    """Largest entry on the diagonals of Hermitian matrices, at least 0."""
    xp = namespace(matrices)
    diagonals = to_numpy(xp.linalg.diagonal(matrices)).real
    return float(diagonals.max(initial=0.0))


def over_blocks(work: Callable[[slice], Result], stack: Stack) -> list[Result]:
    """Call a function on ranges of blocks that make up a stack.

    Parameters
    ----------
    work : callable
        ``work(rows)`` handles the blocks of a slice.
    stack : Stack
        The stack; NumPy arrays are shared out among threads, of tensors many blocks go at once.

    Returns
    -------
    list
        The results in the order of the slices.
    """
    n, d = stack.blocks.shape[:2]
    if not is_tensor(stack.blocks):
        return in_batches(work, n, d)
    size = max(1, TOGETHER // (16 * d * d))
    return [work(slice(first, min(first + size, n))) for first in range(0, n, size)]


def inverse_of(second: NDArray[Any], cutoff: float) -> Inverse | TensorInverse:
    """Return the inverse of some blocks.

    Parameters
    ----------
    second : ndarray or tensor, shape (n, d, d)
        Hermitian matrices Q; arrays are overwritten.
    cutoff : float
        Size up to which eigenvalues count as zero.

    Returns
    -------
    Inverse or TensorInverse
        Q⁻¹, or its pseudo-inverse.
    """
    if is_tensor(second):
        return TensorInverse(second, cutoff)
    return Inverse(second, cutoff, overwrite=True)


def shared_power(
    stack: Stack,
    mix: Mix,
    times: NDArray[np.integer[Any]],
    second: NDArray[Any],
    map_: NDArray[Any],
) -> float:
    """Return Re Tr(S μW), summed over blocks that stand for so many.

    Parameters
    ----------
    stack : Stack
        The stack that the blocks are of, which says where μ differs from number to number.
    mix : Mix
        Moments of the corruption.
    times : ndarray of int, shape (n,)
        How many blocks each stands for.
    second, map_ : ndarray, shape (n, d, d)
        Second moment S of the images and a map W, in these blocks.

    Returns
    -------
    float
        The sum.
    """
    if stack.inclusion is None:
        return mix.mu * inner(times, second, map_)
    return inner(times, second, mix.seen(stack, map_))


def inner(
    times: NDArray[np.integer[Any]], a: NDArray[Any], b: NDArray[Any] | Sequence[NDArray[Any]]
) -> float:
    """Return Re Tr(aᴴ b), summed over blocks that stand for so many.

    Parameters
    ----------
    times : ndarray of int, shape (n,)
        How many blocks each stands for.
    a, b : ndarray, shape (n, d, d)
        Matrices of the blocks.

    Returns
    -------
    float
        The sum.
    """
    if is_tensor(a):
        xp = namespace(a)
        products = xp.sum(xp.real(xp.conj(a) * b), axis=(1, 2))
        return float(to_numpy(products) @ times)
    return float(sum(t * np.vdot(x, y).real for t, x, y in zip(times.tolist(), a, b, strict=True)))


def _largest(
    values: FloatArray,
    vectors: NDArray[Any],
    weights: NDArray[Any],
    multiplicity: NDArray[np.integer[Any]],
    rank: int,
) -> Components:
    """The eigenvectors of the ``rank`` largest eigenvalues over the whole stack."""
    block, place, copies, split = largest_kept(values, multiplicity, rank)
    decoder = vectors[block, :, place]
    encoder = np.empty_like(decoder)
    for one in np.unique(block):
        mine = block == one
        encoder[mine] = decoder[mine] @ weights[one].T
    return Components(block, copies, values[block, place], decoder, encoder, split)
