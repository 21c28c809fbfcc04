"""Gaussian images of given second moments, for expectations that have no closed form."""

from __future__ import annotations

import numpy as np

from spectral_mae._checks import FloatArray
from spectral_mae._parallel import in_batches
from spectral_mae.linear.matrices.eigenvectors import eigenvectors
from spectral_mae.linear.moments.blocks import BandTransform, Stack


class GaussianDraws:
    """Draws images whose second moment in bands is given.

    With S_q = R_q R_qᴴ and L patches, band q of a draw is √L·R_q z, z white.

    Parameters
    ----------
    stack : Stack
        Second moment in bands; what rounding left below zero counts as zero.
    transform : BandTransform
        Coordinates of the stack.
    """

    def __init__(self, stack: Stack, transform: BandTransform) -> None:
        self._transform, self._times = transform, stack.multiplicity
        self._roots = np.empty_like(stack.blocks)

        def root(rows: slice) -> None:
            values, vectors = eigenvectors(stack.blocks[rows].copy())
            scaled = vectors * np.sqrt(np.maximum(values, 0.0))[:, np.newaxis]
            self._roots[rows] = scaled @ vectors.conj().swapaxes(1, 2)

        in_batches(root, *stack.blocks.shape[:2])

    def __call__(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw images about a mean of zero.

        Parameters
        ----------
        n : int
            Number of images.
        rng : numpy.random.Generator
            Source of the draws.

        Returns
        -------
        ndarray of float64, shape (n, n_patches, patch_dim)
            The images, cut into patches.
        """
        d = self._roots.shape[-1]
        shape = (len(self._roots), n, d)
        white = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)
        own = self._times == 1  # bands that are their own conjugates are real
        white[own] = np.sqrt(2) * white[own].real
        bands = white @ self._roots.swapaxes(1, 2)
        return self._transform.inverse(np.sqrt(self._transform.norm) * bands)
