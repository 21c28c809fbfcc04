"""Masks under which every patch of an image is hidden once, and outputs put together from them.

A masked autoencoder is trained on the patches that it does not see. Its outputs at visible patches
mean nothing, so one mask gives no whole image whose spectrum could be taken. Here an image is put
together from outputs under several masks: each patch is taken from the first drawn mask that hides
it. Given the patch, this mask is distributed as any mask that hides the patch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.masks.patches import PatchGrid

# Draws the kept patches of so many masks, (n, n_patches).
Sampler = Callable[[int, np.random.Generator], BoolArray]

MOST_ROUNDS = 1000


@dataclass(frozen=True)
class Round:
    """One mask for each of some images.

    Attributes
    ----------
    images : ndarray of int, shape (n,)
        Which images of the batch.
    kept : ndarray of bool, shape (n, n_patches)
        True where a patch is visible.
    taken : ndarray of bool, shape (n, n_patches)
        True where the output under this mask becomes a part of the whole.
    """

    images: NDArray[np.intp]
    kept: BoolArray
    taken: BoolArray


def whole_views(n: int, sampler: Sampler, rng: np.random.Generator) -> list[Round]:
    """One mask for each image, whose output is taken as a whole.

    Parameters
    ----------
    n : int
        Number of images.
    sampler : callable
        Draws masks.
    rng : numpy.random.Generator
        Generator of the masks.

    Returns
    -------
    list of Round
        A single round.
    """
    kept = sampler(n, rng)
    return [Round(np.arange(n), kept, np.ones_like(kept))]


def hidden_views(
    n: int, sampler: Sampler, rng: np.random.Generator, *, disjoint: bool = False
) -> list[Round]:
    """Masks for each image until every patch was hidden once.

    Parameters
    ----------
    n : int
        Number of images.
    sampler : callable
        Draws masks.
    rng : numpy.random.Generator
        Generator of the masks.
    disjoint : bool
        The sampler keeps K patches drawn at random, at most half of them. Then the second mask of
        an image keeps K other patches, so that two masks are enough.

    Returns
    -------
    list of Round
        One mask for each image in the first round; fewer images in the later ones.

    Raises
    ------
    ValueError
        If there is a patch that none of many masks hides.
    """
    images = np.arange(n)
    missing: BoolArray | None = None
    rounds: list[Round] = []
    while len(images):
        second = disjoint and len(rounds) == 1
        kept = _others(rounds[0].kept, rng) if second else sampler(len(images), rng)
        missing = np.ones_like(kept) if missing is None else missing
        taken = missing & ~kept
        rounds.append(Round(images, kept, taken))
        missing &= kept
        left = missing.any(axis=1)
        images, missing = images[left], missing[left]
        if len(rounds) == MOST_ROUNDS and len(images):
            raise ValueError(
                f"patch {int(np.flatnonzero(missing[0])[0])} was hidden by none of {MOST_ROUNDS} "
                "masks: the model cannot be scored there"
            )
    return rounds


def _others(kept: BoolArray, rng: np.random.Generator) -> BoolArray:
    """As many other patches of each image, drawn at random."""
    order = np.argsort(np.where(kept, 2.0, rng.random(kept.shape)), axis=1)
    others = np.zeros_like(kept)
    np.put_along_axis(others, order[:, : int(kept[0].sum())], values=True, axis=1)
    return others


def put_together(
    outputs: Sequence[FloatArray], rounds: Sequence[Round], grid: PatchGrid
) -> FloatArray:
    """Put whole images together from the outputs of the rounds.

    Parameters
    ----------
    outputs : sequence of ndarray, shape (n of the round, *shape[, channels])
        The outputs of each round.
    rounds : sequence of Round
        The rounds.
    grid : PatchGrid
        Grid of the images.

    Returns
    -------
    ndarray, shape (n, *shape[, channels])
        Each patch from the round that it is taken from.

    Examples
    --------
    >>> rng, grid = np.random.default_rng(0), PatchGrid(4, 1)
    >>> draw = lambda n, rng: rng.random((n, 4)) < 0.5
    >>> rounds = hidden_views(3, draw, rng)
    >>> outputs = [grid.expand(~one.kept).astype(float) for one in rounds]  # 1 where it is hidden
    >>> bool((put_together(outputs, rounds, grid) == 1).all())
    True
    """
    whole = np.zeros_like(outputs[0])
    for output, one in zip(outputs, rounds, strict=True):
        taken = grid.expand(one.taken)
        taken = taken.reshape(*taken.shape, *(1,) * (output.ndim - taken.ndim))
        whole[one.images] = np.where(taken, output, whole[one.images])
    return whole
