"""The best linear map when only hidden patches are scored, in closed form.

A masked autoencoder is scored on the patches that it does not see. The best map then has no
weights on the patch that it predicts.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._parallel import in_batches
from spectral_mae.linear.corruption import Mix
from spectral_mae.linear.moments.blocks import Stack
from spectral_mae.linear.solution import Solution
from spectral_mae.linear.solver import Inverse, Met, cutoff_of, inner, roots_within_patches

_EPS = float(np.finfo(np.float64).eps)


class NoClosedFormError(ValueError):
    """These moments have no closed form for what is asked."""


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
    if given_hidden.local > _EPS:
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
        white[rows] = back @ stack.blocks[rows] @ back.T

    in_batches(whiten, *white.shape[:2])
    whitened = dataclasses.replace(stack, blocks=white)
    weights, met = _without_own_patch(whitened, Mix(mix.mu, mix.own, white=mix.local))

    def undo(rows: slice) -> None:
        weights[rows] = back.T @ weights[rows] @ forth.T

    in_batches(undo, *white.shape[:2])
    n_empty = len(forth) - round(float(np.sum(forth * back.T)))  # Tr GG⁻¹ is the rank
    return weights, Met(met.condition, n_empty * int(stack.multiplicity.sum()))


def _without_own_patch(stack: Stack, mix: Mix) -> tuple[NDArray[Any], Met]:
    """μ(P S − P Λ), Λ = Blkdiag_p(P)⁺ Blkdiag_p(P S), P = Q⁻¹."""
    inverses = np.empty_like(stack.blocks)
    cutoff = cutoff_of(stack, mix)

    def invert(rows: slice) -> tuple[Met, NDArray[Any]]:
        inverse = Inverse(mix.second_moment(stack, rows), cutoff)
        inverses[rows] = inverse.solve(np.eye(stack.blocks.shape[-1]))
        times = stack.multiplicity[rows]
        product = np.tensordot(times, (inverses[rows] @ stack.blocks[rows]).real, axes=1)
        return inverse.met(times), product

    found = in_batches(invert, *stack.blocks.shape[:2])
    total = np.sum([product for _, product in found], axis=0) / stack.multiplicity.sum()
    local_products = stack.within_patches(total)
    balance = np.linalg.pinv(stack.local_part(inverses), hermitian=True) @ local_products

    def combine(rows: slice) -> None:
        inverses[rows] = mix.mu * (inverses[rows] @ (stack.blocks[rows] - balance))

    in_batches(combine, *stack.blocks.shape[:2])
    return inverses, Met.all(met for met, _ in found)
