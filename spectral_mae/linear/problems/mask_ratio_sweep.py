"""The loss of the full-rank masked autoencoder at many mask ratios.

One factorisation serves all mask ratios of a uniform design, but for hidden targets, each of which
is solved anew.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spectral_mae._checks import FloatArray
from spectral_mae._files.columns import plain_fields, write_columns
from spectral_mae.linear import solver
from spectral_mae.linear.corruption import Masking, PatchMasking
from spectral_mae.linear.moments.blocks import Stack
from spectral_mae.linear.problems.hidden_target import best_for_hidden


@dataclass(frozen=True, eq=False)
class MaskRatioSweep:
    """Loss of the full-rank model at many mask ratios.

    Attributes
    ----------
    mask_ratio : ndarray, shape (n,)
        Mask ratios as they were asked for.
    hidden : ndarray, shape (n,)
        Fraction of patches that is hidden on average: with a fixed number of patches kept only
        whole patches are.
    loss : ndarray, shape (n,)
        Expected squared error per image, summed over the scored pixels and channels.
    explained : ndarray, shape (n,)
        Explained fraction of power, 1 − loss/trace.

    Examples
    --------
    >>> from spectral_mae import LinearMAE
    >>> images = np.random.default_rng(0).standard_normal((50, 8, 8)).cumsum(axis=1)
    >>> sweep = LinearMAE(2, 0.75).fit(images).mask_ratio_sweep([0.25, 0.5, 0.75])
    >>> sweep.hidden, bool((np.diff(sweep.explained) < 0).all())
    (array([0.25, 0.5 , 0.75]), True)
    """

    mask_ratio: FloatArray
    hidden: FloatArray
    loss: FloatArray
    explained: FloatArray

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain lists.

        Returns
        -------
        dict
            The name of each field, and its value in types that JSON knows.
        """
        return plain_fields(self)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file with one row per mask ratio.

        Parameters
        ----------
        path : str or path-like
            File to write. An existing file is replaced.
        """
        names = ("mask_ratio", "hidden", "loss", "explained")
        write_columns(path, {name: getattr(self, name) for name in names})


def sweep_mask_ratios(
    stack: Stack, mask_ratio: FloatArray, maskings: Sequence[Masking]
) -> MaskRatioSweep:
    """Find the loss of the full-rank model under several maskings.

    Parameters
    ----------
    stack : Stack
        Second moment S of the images, as the maskings need it.
    mask_ratio : ndarray, shape (n,)
        Mask ratios as they were asked for.
    maskings : sequence of Masking
        Masking at each of them, by uniform designs of one kind.

    Returns
    -------
    MaskRatioSweep
        Loss and explained fraction at each ratio.
    """
    scored_hidden = [m for m in maskings if isinstance(m, PatchMasking) and m.scores_hidden]
    if scored_hidden:
        found = [best_for_hidden(stack, masking) for masking in scored_hidden]
        loss = np.array([each.loss for each in found])
        explained = np.array([each.explained for each in found])
    else:
        loss = solver.sweep(stack, [masking.mix for masking in maskings])
        with np.errstate(invalid="ignore"):
            explained = 1.0 - loss / stack.trace
    hidden = np.array([masking.design.mask_ratio for masking in maskings])
    return MaskRatioSweep(mask_ratio, hidden, loss, explained)
