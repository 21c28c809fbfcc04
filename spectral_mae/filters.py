"""The real images that a bottleneck reads and writes, from the eigenvectors of its blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.bands import BandTransform, BlockTransform
from spectral_mae.corruption import Corruption
from spectral_mae.solution import Components


class Bottleneck:
    """The code of a model of finite rank: c_i = x̃ · encoder_i, x̂ = Σ_i c_i decoder_i.

    Parameters
    ----------
    components : Components
    transform : BlockTransform
        The coordinates that the blocks of the components are of.
    """

    def __init__(self, components: Components, transform: BlockTransform) -> None:
        self._components = components
        self._transform = transform

    def decoder(self, n: int) -> FloatArray:
        """The first ``n`` rows of the decoder, orthonormal, shape (n, n_patches, patch_dim)."""
        return self._real(self._components.decoder, n)

    def encoder(self, n: int) -> FloatArray:
        """The first ``n`` columns of the encoder, shape (n, n_patches, patch_dim)."""
        return self._real(self._components.encoder, n)

    def half_pair(self) -> HalfPair | None:
        """The direction kept of a conjugate pair that the rank splits."""
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
    encoder, decoder : ndarray, shape (n_patches, patch_dim)
    """

    def __init__(self, encoder: FloatArray, decoder: FloatArray) -> None:
        self.encoder = encoder
        self.decoder = decoder

    def apply(self, patches: FloatArray, *, transpose: bool = False) -> FloatArray:
        """Its share of the output."""
        read, write = (self.decoder, self.encoder) if transpose else (self.encoder, self.decoder)
        return np.einsum("nld,ld->n", patches, read)[:, np.newaxis, np.newaxis] * write

    def loss(self, patches: FloatArray, corruption: Corruption) -> float:
        """What it adds to the expected loss; it is orthogonal to the rest of the output."""
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
