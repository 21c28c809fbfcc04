"""The real images that a bottleneck reads and writes, from the eigenvectors of its blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.linear.corruption import Corruption
from spectral_mae.linear.moments.blocks import BandTransform, BlockTransform
from spectral_mae.linear.solution import Components
from spectral_mae.masks.patches import PatchGrid, expect_grid


def patch_borders(grid: PatchGrid) -> BoolArray:
    """Return the pixels that are the first or last of a patch along any axis.

    Parameters
    ----------
    grid : PatchGrid
        Shape and patches of the images.

    Returns
    -------
    ndarray of bool, shape (*shape)
        True on the borders of patches.

    Examples
    --------
    >>> patch_borders(PatchGrid(8, 4)).astype(int)
    array([1, 0, 0, 1, 1, 0, 0, 1])
    """
    expect_grid(grid)
    border = np.zeros(grid.shape, dtype=bool)
    for axis, (n, p) in enumerate(zip(grid.shape, grid.patch_size, strict=True)):
        place = np.arange(n) % p
        at_end = (place == 0) | (place == p - 1)
        border |= at_end.reshape([-1 if a == axis else 1 for a in range(grid.ndim)])
    return border


def border_energy_share(filters: FloatArray, grid: PatchGrid) -> float:
    """Return the share of Σ a² of an encoder or decoder that lies on `patch_borders`.

    Where filters do not depend on the patches it is about ``patch_borders(grid).mean()``.

    Parameters
    ----------
    filters : ndarray, shape (n, *shape[, channels])
        Filters a, as `LinearMAE.encoder` gives them.
    grid : PatchGrid
        Shape and patches of the images.

    Returns
    -------
    float
        The share, from 0 to 1.

    Raises
    ------
    ValueError
        If the filters do not fit the grid, or are all zero.

    Examples
    --------
    >>> border_energy_share(np.array([[1.0, 1.0, 1.0, 0.0]]), PatchGrid(4, 4))
    0.3333333333333333
    """
    energy = filter_energy(filters, grid)
    total = float(energy.sum())
    if total == 0:
        raise ValueError("all filters are zero")
    return float(energy[patch_borders(grid)].sum()) / total


def filter_energy(filters: FloatArray, grid: PatchGrid) -> FloatArray:
    """Return Σ a² at each pixel, over filters and channels.

    Parameters
    ----------
    filters : ndarray, shape (n, *shape[, channels])
        Filters a, as `LinearMAE.encoder` gives them.
    grid : PatchGrid
        Shape and patches of the images.

    Returns
    -------
    ndarray, shape (*shape)
        The sum at each pixel.

    Raises
    ------
    ValueError
        If the filters do not fit the grid.

    Examples
    --------
    >>> filters = np.array([[1.0, 2.0, 0.0, 0.0], [0.0, 1.0, 0.0, 3.0]])
    >>> filter_energy(filters, PatchGrid(4, 2))
    array([1., 5., 0., 9.])
    """
    expect_grid(grid)
    filters = _checks.squarable("filters", _checks.real_array("filters", filters))
    if filters.shape[1 : 1 + grid.ndim] != grid.shape or filters.ndim > grid.ndim + 2:
        raise ValueError(f"filters of shape {filters.shape} do not fit images of {grid.shape}")
    energy = np.square(filters).sum(axis=0)
    return energy.sum(axis=-1) if energy.ndim > grid.ndim else energy


class Bottleneck:
    """The code of a model of finite rank: c_i = x̃ · encoder_i, x̂ = Σ_i c_i decoder_i.

    Parameters
    ----------
    components : Components
        The eigenvectors that the model keeps, with their encoders.
    transform : BlockTransform
        Coordinates of the blocks of the components.
    """

    def __init__(self, components: Components, transform: BlockTransform) -> None:
        self._components = components
        self._transform = transform

    def decoder(self, n: int) -> FloatArray:
        """Return the first rows of the decoder, orthonormal.

        Parameters
        ----------
        n : int
            Number of rows, from 1 to the rank.

        Returns
        -------
        ndarray of float64, shape (n, n_patches, patch_dim)
            The rows as images cut into patches.
        """
        return self._real(self._components.decoder, n)

    def encoder(self, n: int) -> FloatArray:
        """Return the first columns of the encoder.

        Parameters
        ----------
        n : int
            Number of columns, from 1 to the rank.

        Returns
        -------
        ndarray of float64, shape (n, n_patches, patch_dim)
            The columns as images cut into patches.
        """
        return self._real(self._components.encoder, n)

    def half_pair(self) -> HalfPair | None:
        """Return the direction kept of a conjugate pair that the rank splits.

        Returns
        -------
        HalfPair or None
            The direction; None if the rank splits no pair.
        """
        components, transform = self._components, self._transform
        split = components.split
        if split is None or not isinstance(transform, BandTransform):
            return None
        encoder, decoder = (
            _waves(vectors[split], transform, components.block[split])[0]
            for vectors in (components.encoder, components.decoder)
        )
        return HalfPair(encoder, decoder)

    def _real(self, vectors: NDArray[Any], n: int) -> FloatArray:
        transform = self._transform
        if not isinstance(transform, BandTransform):
            return vectors[:n].reshape(-1, transform.grid.n_patches, transform.patch_dim)
        components = self._components
        used = int(np.searchsorted(np.cumsum(components.copies), n)) + 1
        images: list[FloatArray] = []
        for vector, block in zip(vectors[:used], components.block[:used], strict=False):
            images += _waves(vector, transform, block)
        return np.array(images[:n])


class HalfPair:
    """One real direction of a conjugate pair of bands: x̂ gains (x̃ · encoder) decoder.

    Parameters
    ----------
    encoder : ndarray, shape (n_patches, patch_dim)
        Image that the code is the inner product with.
    decoder : ndarray, shape (n_patches, patch_dim)
        Image that the code is multiplied by; its norm is 1.
    """

    def __init__(self, encoder: FloatArray, decoder: FloatArray) -> None:
        self.encoder = encoder
        self.decoder = decoder

    def apply(self, patches: FloatArray, *, transpose: bool = False) -> FloatArray:
        """Return what this direction adds to the output.

        Parameters
        ----------
        patches : ndarray, shape (n, n_patches, patch_dim)
            Corrupted images about the mean, cut into patches.
        transpose : bool
            Map by the transposed map instead.

        Returns
        -------
        ndarray of float64, shape (n, n_patches, patch_dim)
            Its share of the output.
        """
        read, write = (self.decoder, self.encoder) if transpose else (self.encoder, self.decoder)
        return np.einsum("nld,ld->n", patches, read)[:, np.newaxis, np.newaxis] * write

    def loss(self, patches: FloatArray, corruption: Corruption) -> float:
        """Return what this direction adds to the expected loss.

        It is orthogonal to the rest of the output.

        Parameters
        ----------
        patches : ndarray, shape (n, n_patches, patch_dim)
            Images about the mean, cut into patches, before any corruption.
        corruption : Corruption
            The corruption, over all of whose draws the loss is expected.

        Returns
        -------
        float
            Mean over the images; negative where the direction helps.
        """
        shares = np.einsum("nld,ld->nl", patches, self.encoder)
        target = np.einsum("nld,ld->n", patches, self.decoder)
        mix = corruption.mix
        cross = 2 * mix.mu * target * shares.sum(axis=1)
        noise = mix.white * float(np.sum(self.encoder**2))
        return float(np.mean(corruption.code_power(shares) - cross)) + noise


def _waves(vector: NDArray[Any], transform: BandTransform, block: int) -> list[FloatArray]:
    """A band's vector over all patches: cosine and sine, or one image if the band is real."""
    grid = transform.grid
    place = np.indices(grid.counts).reshape(grid.ndim, -1).T
    turns = place @ (transform.frequencies[block] / np.array(grid.counts))
    wave = np.exp(2j * np.pi * turns)[:, np.newaxis] * vector
    if transform.multiplicity[block] == 1:
        return [wave.real / np.sqrt(grid.n_patches)]
    scale = np.sqrt(2.0 / grid.n_patches)
    return [wave.real * scale, wave.imag * scale]
