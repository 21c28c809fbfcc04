"""The best linear map when only hidden patches are scored, in closed form.

A masked autoencoder is scored on the patches that it does not see. The best map then has no
weights on the patch that it predicts. Which other patches are kept is conditional on that one being
hidden: the same for all patches under uniform masks, and a problem of its own for each patch
under the masks of other designs, of which all have to be listed.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectral_mae._parallel import in_batches
from spectral_mae.linear.corruption import Mix, PatchMasking
from spectral_mae.linear.matrices.inverse import EPS, Inverse, Met
from spectral_mae.linear.moments.blocks import Stack, in_double
from spectral_mae.linear.moments.even_bands import EvenStack
from spectral_mae.linear.solution import Solution
from spectral_mae.linear.solver import cutoff_of, inner, roots_within_patches
from spectral_mae.masks.designs.design import MaskDesign

LEAST_OWN = 1e-3  # weight of S in Q, to that of I, from which on their difference has its digits
MOST_LISTED = 2**14  # masks: each patch has a problem of its own, with moments over all of them


class NoClosedFormError(ValueError):
    """These moments have no closed form for what is asked."""


def best_for_hidden(stack: Stack, masking: PatchMasking) -> Solution:
    """Return the best full-rank map when only the patches are scored that masks hide.

    Parameters
    ----------
    stack : Stack
        Second moment S of the images.
    masking : PatchMasking
        Masks whose hidden patches are scored.

    Returns
    -------
    Solution
        As `hidden_target`, or `hidden_target_by_patch` for designs that are not uniform.

    Raises
    ------
    ValueError
        As they.
    """
    if masking.scored_by_patch:
        return hidden_target_by_patch(stack, masking.design)
    return hidden_target(stack, masking.mix_given_hidden, masking.mix.mu)


def hidden_target(stack: Stack, given_hidden: Mix, pi1: float) -> Solution:
    """Return the best full-rank map when only hidden patches are scored.

    With P the pseudo-inverse of Q' = π₂' S + (π₁'−π₂') Blkdiag_p(S), W = π₁' (P S − P Λ) with
    Λ = Blkdiag_p(P)⁺ Blkdiag_p(P S), which makes the own-patch blocks of W vanish: a patch that
    is scored is never seen. The expected sum over hidden pixels is
    (1−π₁)·(Tr S − π₁' Tr(S W)).

    Parameters
    ----------
    stack : Stack
        Second moment S of the images.
    given_hidden : Mix
        Moments of the masking given that the output patch is hidden.
    pi1 : float
        Inclusion probability π₁ of a patch.

    Returns
    -------
    Solution
        The map; its ``trace`` is (1−π₁)·Tr S, what predicting the mean costs on hidden pixels.

    Raises
    ------
    NoClosedFormError
        If all patches but one are always visible and S is singular or nearly so: then Q' = S has
        no inverse and each output patch would need a problem of its own.
    """
    if isinstance(stack, EvenStack) and stack.unmixed:
        real = hidden_target(stack.real(), given_hidden, pi1)
        return dataclasses.replace(real, weights=stack.of_pixels(real.weights))
    if given_hidden.local > EPS:
        weights, met = _whitened_without_own_patch(stack, given_hidden)
    else:
        weights, met = _without_own_patch(stack, given_hidden)
        if met.n_dropped:
            raise NoClosedFormError(
                f"all but one of the patches are always visible and {met.n_dropped} dimensions of "
                "the second moment are empty: the hidden target has no closed form here"
            )
        largest = float(np.abs(weights).max(initial=0.0))
        own = float(np.abs(stack.local_part(weights)).max())
        if own > 1e-6 * largest:
            raise NoClosedFormError(
                "all but one of the patches are always visible and the second moment has a "
                f"condition number of {met.condition:.2g}: rounding leaves weights of up to "
                f"{own:.2g} on the own patch; shrinkage would help"
            )

    own_patch = stack.local_part(weights)  # zero but for rounding

    def gain(rows: slice) -> float:
        weights[rows] -= own_patch
        return inner(stack.multiplicity[rows], stack.blocks[rows], weights[rows])

    explained = math.fsum(in_batches(gain, *stack.blocks.shape[:2]))
    loss = max((1.0 - pi1) * (stack.trace - given_hidden.mu * explained), 0.0)
    trace = (1.0 - pi1) * stack.trace
    return Solution(weights, loss, trace, stack.dim, None, met.condition, met.n_dropped)


def _whitened_without_own_patch(stack: Stack, mix: Mix) -> tuple[NDArray[Any], Met]:
    """`_without_own_patch` in coordinates in which Blkdiag_p(S) is the identity.

    There Q' has a condition number of no more than 1 + L·π₂'/(π₁'−π₂'), however steep S is; in
    the coordinates of pixels the error of the difference P S − P Λ grows with its square.
    """
    (forth,), (back,) = roots_within_patches(stack)
    white = np.empty_like(stack.blocks)

    def whiten(rows: slice) -> None:
        white[rows] = _between(back, stack.blocks[rows], back.T, stack.patch_dim)

    in_batches(whiten, *white.shape[:2])
    whitened = dataclasses.replace(stack, blocks=white)
    weights, met = _without_own_patch(whitened, Mix(mix.mu, mix.own, white=mix.local))

    def undo(rows: slice) -> None:
        weights[rows] = _between(back.T, weights[rows], forth.T, stack.patch_dim)

    in_batches(undo, *white.shape[:2])
    n_empty = len(forth) - round(float(np.sum(forth * back.T)))  # Tr GG⁻¹ is the rank
    return weights, Met(met.condition, n_empty * int(stack.multiplicity.sum()))


def _between(
    left: NDArray[np.float64], blocks: NDArray[Any], right: NDArray[np.float64], patch_dim: int
) -> NDArray[Any]:
    """Blocks between real matrices that have nothing between different patches.

    Products of the parts of complex matrices take a third as long.
    """
    found = np.empty_like(blocks)
    parts = [(blocks, found)]
    if np.iscomplexobj(blocks):
        parts = [(blocks.real, found.real), (blocks.imag, found.imag)]
    patches = [slice(i, i + patch_dim) for i in range(0, len(left), patch_dim)]
    for of_blocks, of_found in parts:
        for i in patches:
            for j in patches:
                of_found[:, i, j] = left[i, i] @ of_blocks[:, i, j] @ right[j, j]
    return found


def _without_own_patch(stack: Stack, mix: Mix) -> tuple[NDArray[Any], Met]:
    """μ(P S − P Λ), Λ = Blkdiag_p(P)⁺ Blkdiag_p(P S), P = Q⁻¹."""
    inverses = np.empty_like(stack.blocks)
    cutoff = cutoff_of(stack, mix)

    def invert(rows: slice) -> Met:
        inverse = Inverse(mix.second_moment(stack, rows), cutoff)
        inverses[rows] = inverse.solve(np.eye(stack.blocks.shape[-1]))
        return inverse.met(stack.multiplicity[rows])

    def product(rows: slice) -> NDArray[Any]:
        times = stack.multiplicity[rows]
        return np.tensordot(times, (inverses[rows] @ stack.blocks[rows]).real, axes=1)

    met = Met.all(in_batches(invert, *stack.blocks.shape[:2]))
    own_inverse = stack.local_part(inverses)
    local_products: NDArray[Any]
    if not mix.local and not met.n_dropped and mix.own > LEAST_OWN * mix.white:
        # Q = own·S + white·I: the mean of P S needs no product.
        local_products = (np.eye(len(own_inverse)) - mix.white * own_inverse) / mix.own
    else:
        total = np.sum(in_batches(product, *stack.blocks.shape[:2]), axis=0)
        local_products = stack.within_patches(total / stack.multiplicity.sum())
    balance = np.linalg.pinv(own_inverse, hermitian=True) @ local_products

    def combine(rows: slice) -> None:
        inverses[rows] = mix.mu * (inverses[rows] @ (stack.blocks[rows] - balance))

    in_batches(combine, *stack.blocks.shape[:2])
    return inverses, met


def hidden_target_by_patch(stack: Stack, design: MaskDesign) -> Solution:
    """Return the best full-rank map on hidden patches under any masks that can be listed.

    For each patch b, over the masks that hide it, Q_b = Π_b ∘ S and E[x̃ x_bᵀ] = π_b ∘ S_b, with Π_b
    and π_b the probabilities that other patches are kept, given that b is hidden. The weights that
    predict b are Q_b⁻¹ (π_b ∘ S_b). A patch that is never hidden has none.

    Parameters
    ----------
    stack : Stack
        Second moment S of the images, as one matrix.
    design : MaskDesign
        Distribution of the masks.

    Returns
    -------
    Solution
        The map. Its ``trace`` is what predicting the mean costs on hidden pixels, and
        ``n_dropped`` the most dimensions without power that the problem of a patch has.

    Raises
    ------
    ValueError
        If the masks of the design cannot be listed, or there are more than 16384 of them.
    """
    (second,) = stack.blocks
    weights = np.zeros_like(stack.blocks)
    trace, explained = [0.0], [0.0]
    met = [Met(1.0, 0)]
    cutoff = len(second) * EPS * float(np.diag(second).max(initial=0.0))
    for part in _parts(stack, design):
        trace.append(part.chance * float(np.trace(second[part.patch, part.patch])))
        seen = np.flatnonzero(part.inclusion > 0)
        if not len(seen):
            continue  # only masks that hide everything hide this patch: its mean is all there is
        pairs = part.pairs(second)[np.ix_(seen, seen)]
        cross = part.cross(second)[seen]
        inverse = Inverse(pairs[np.newaxis], cutoff)
        map_ = inverse.solve(cross)[0]
        weights[0, seen, part.patch] = map_
        explained.append(part.chance * float(np.sum(cross * map_)))
        met.append(inverse.met(stack.multiplicity))
    total = math.fsum(trace)
    return Solution(
        weights,
        max(total - math.fsum(explained), 0.0),
        total,
        stack.dim,
        None,
        max(one.condition for one in met),
        max(one.n_dropped for one in met),
    )


def hidden_loss_by_patch(
    stack: Stack, design: MaskDesign, weights: NDArray[Any]
) -> tuple[float, float]:
    """Return the expected loss of any map on hidden patches, and that of predicting the mean.

    Parameters
    ----------
    stack : Stack
        Second moment S of images, as one matrix; they may be others than those of the map.
    design : MaskDesign
        Distribution of the masks.
    weights : ndarray, shape (1, d, d)
        The map W.

    Returns
    -------
    loss, trace : float
        Expected squared errors per image, summed over hidden pixels.

    Raises
    ------
    ValueError
        As `hidden_target_by_patch`.
    """
    (second,) = stack.blocks
    loss, trace = [], []
    for part in _parts(stack, design):
        map_ = in_double(weights[0, :, part.patch])
        power = float(np.trace(second[part.patch, part.patch]))
        gain = 2 * np.sum(map_ * part.cross(second)) - np.sum(map_ * (part.pairs(second) @ map_))
        trace.append(part.chance * power)
        loss.append(part.chance * (power - float(gain)))
    return math.fsum(loss), math.fsum(trace)


class _Part(NamedTuple):
    """The problem of one output patch: moments of the masks that hide it."""

    patch: slice
    chance: float
    pair_inclusion: NDArray[np.float64]  # of patches
    inclusion: NDArray[np.float64]  # of the numbers of an image

    def pairs(self, second: NDArray[np.float64]) -> NDArray[np.float64]:
        """Q_b, the second moment of what the masks leave."""
        n = len(self.pair_inclusion)
        split = second.reshape(n, len(second) // n, n, -1)
        return (split * self.pair_inclusion[:, np.newaxis, :, np.newaxis]).reshape(second.shape)

    def cross(self, second: NDArray[np.float64]) -> NDArray[np.float64]:
        """E[x̃ x_bᵀ]."""
        return self.inclusion[:, np.newaxis] * second[:, self.patch]


def _parts(stack: Stack, design: MaskDesign) -> Iterator[_Part]:
    """The problems of all patches that are ever hidden."""
    patterns, weights = design.enumerate()
    if len(patterns) > MOST_LISTED:
        raise ValueError(
            f"target='hidden' with {design}: a problem for each patch over {len(patterns)} masks; "
            f"at most {MOST_LISTED} are listed for that"
        )
    d = stack.patch_dim
    for b in range(design.n_patches):
        hiding = ~patterns[:, b] & (weights > 0)
        if not hiding.any():
            continue
        chance = float(weights[hiding].sum())
        kept = patterns[hiding].astype(np.float64)
        pairs = kept.T @ (kept * (weights[hiding] / chance)[:, np.newaxis])
        yield _Part(slice(b * d, (b + 1) * d), chance, pairs, np.repeat(np.diag(pairs), d))
