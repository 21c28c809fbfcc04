"""Power spectra of tokens over the grid of patches, layer by layer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
import torch

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae._files.columns import plain_fields, write_columns
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.nonlinear.arrays import real_numbers
from spectral_mae.nonlinear.evaluation.maps import from_images
from spectral_mae.nonlinear.evaluation.response_sums import checked_images
from spectral_mae.nonlinear.vit import MaskedAutoencoder
from spectral_mae.spectra import frequencies
from spectral_mae.spectra.rings import RingBins

BATCH = 64


@dataclass(frozen=True, eq=False, repr=False)
class TokenSpectra:
    """Power of the tokens of each layer over frequency on the grid of patches.

    Attributes
    ----------
    layers : tuple of str
        Names of the layers: "embedding", "encoder 1", ..., "decoder 1", ...
    power : ndarray, shape (n_layers, *counts)
        |DFT of a feature over the patches|² / L, summed over the features of a token and averaged
        over images, in ``np.fft.fftfreq`` order. By Parseval the mean over frequencies is the mean
        squared length of a token (about the mean token, if that was subtracted).
    grid : PatchGrid
        Grid of the images.

    Examples
    --------
    >>> power = np.zeros((2, 4, 4))
    >>> power[0, 0, 1] = power[1, 0, 2] = 1.0  # one wave: of 1/4 cycles per patch, then of 1/2
    >>> spectra = TokenSpectra(("embedding", "encoder 1"), power, PatchGrid((16, 16), 4))
    >>> spectra.frequencies[1], spectra.share_above
    (array([ 0.  ,  0.25, -0.5 , -0.25]), array([1., 1.]))
    """

    layers: tuple[str, ...]
    power: FloatArray
    grid: PatchGrid

    def __repr__(self) -> str:
        return f"TokenSpectra({len(self.layers)} layers, {self.grid.counts} patches)"

    @property
    def frequencies(self) -> tuple[FloatArray, ...]:
        """Frequency along each axis, cycles per patch, in ``np.fft.fftfreq`` order."""
        return frequencies.full_frequencies(self.grid.counts, (1.0,) * self.grid.ndim)

    @property
    def share_above(self) -> FloatArray:
        """Fraction of each layer's power at 1/4 cycles per patch or more, shape (n_layers,).

        It is NaN for a layer that does not vary.
        """
        radius = np.sqrt(
            sum(f**2 for f in np.meshgrid(*self.frequencies, indexing="ij", sparse=True))
        )
        total = self.power.reshape(len(self.layers), -1).sum(1)
        high = (self.power * (radius >= 0.25)).reshape(len(self.layers), -1).sum(1)
        return np.divide(high, total, out=np.full_like(total, np.nan), where=total > 0)

    def radial(self) -> tuple[FloatArray, FloatArray]:
        """Mean power over rings of equal frequency, the zero frequency left out.

        Returns
        -------
        frequency : ndarray, shape (n_bins,)
            Mean frequency of each ring, cycles per patch.
        power : ndarray, shape (n_layers, n_bins)
            Mean power of each layer in each ring.
        """
        rings = RingBins(self.grid.counts, (1.0,) * self.grid.ndim, None)
        power = [
            rings.average(frequencies.half_from_full(one), scaling="density").power
            for one in self.power
        ]
        return rings.frequency, np.stack(power)

    def to_dict(self) -> dict[str, Any]:
        """Convert the fields to plain lists.

        Returns
        -------
        dict
            The fields by name, in types that JSON knows.
        """
        fields = plain_fields(self)
        fields["grid"] = {"shape": self.grid.shape, "patch_size": self.grid.patch_size}
        return fields

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file with a row for each ring and a column for each layer.

        Parameters
        ----------
        path : str or path-like
            File to write. An existing file is replaced.
        """
        frequency, power = self.radial()
        columns = {"frequency": frequency}
        columns |= {
            layer.replace(" ", "_"): one for layer, one in zip(self.layers, power, strict=True)
        }
        write_columns(path, columns)


def token_spectra(
    model: MaskedAutoencoder,
    images: FloatArray,
    kept: BoolArray | None = None,
    *,
    center: bool = True,
) -> TokenSpectra:
    """Power spectra of the output of each block over the grid of patches.

    A block that averages over patches lowers the power at high frequencies relative to that at low
    ones; a block that sharpens differences raises it. The class token is left out.

    Parameters
    ----------
    model : MaskedAutoencoder
        The model.
    images : ndarray, shape (n, H, W[, channels])
        Images in pixel units.
    kept : ndarray of bool, shape (n, n_patches), or None
        Masks, True where a patch is visible. None shows whole images to the encoder, whose tokens
        then cover the grid; the decoder follows on them. With masks the encoder has no token for
        hidden patches, and only the embedding of the decoder and its blocks are analysed.
    center : bool
        Subtract from each token the mean over images at its place, so that the spectra are of
        what depends on the image. Otherwise the pattern of the position embeddings takes part.

    Returns
    -------
    TokenSpectra
        Power by layer and frequency.

    Raises
    ------
    TypeError
        If the model has no tokens that are known here.
    ValueError
        If images or masks do not fit the model, or there are fewer than two images to subtract the
        mean of.

    Examples
    --------
    >>> from spectral_mae.nonlinear import MAEConfig
    >>> model = MaskedAutoencoder(MAEConfig((16, 16), 4, channels=1, depth=2, decoder_depth=1))
    >>> found = token_spectra(model, np.random.default_rng(0).random((5, 16, 16)))
    >>> found.layers, found.power.shape
    (('embedding', 'encoder 1', 'encoder 2', 'decoder embedding', 'decoder 1'), (5, 4, 4))
    """
    _checks.needed(
        "model", model, MaskedAutoencoder, "load_checkpoint and load_hugging_face read one"
    )
    images = checked_images("images", images, model.grid)
    _checks.flag("center", center)
    if center and len(images) < 2:
        raise ValueError(f"{len(images)} image has no variation over images; give center=False")
    if kept is not None:
        kept = _checks.bool_mask("kept", kept)
        if kept.shape != (len(images), model.grid.n_patches):
            raise ValueError(
                f"kept of shape {kept.shape} is not {(len(images), model.grid.n_patches)}"
            )
    n = len(images)
    sums: list[tuple[Any, FloatArray]] = []
    for first in range(0, n, BATCH):
        part = slice(first, first + BATCH)
        states = _states(model, images[part], None if kept is None else kept[part])
        found = [_sums(state, model.grid) for state in states]
        pairs = zip(sums, found, strict=True)
        sums = [(a + c, b + d) for (a, b), (c, d) in pairs] if sums else found
    power = np.stack([power for _, power in sums]) / n
    if center:  # n − 1, so that what is expected does not depend on the number of images
        mean = np.stack([np.sum(np.abs(total / n) ** 2, axis=-1) for total, _ in sums])
        power = np.maximum(power - mean, 0) * n / (n - 1)
    return TokenSpectra(_layers(model, masked=kept is not None), power, model.grid)


def _sums(tokens: torch.Tensor, grid: PatchGrid) -> tuple[Any, FloatArray]:
    """Sums over images of the transform of tokens, and of its power summed over features."""
    values = real_numbers("tokens", tokens).reshape(len(tokens), *grid.counts, -1)
    spectra = scipy.fft.fftn(values, axes=tuple(range(1, grid.ndim + 1)), norm="ortho")
    return spectra.sum(0), np.sum(np.abs(spectra) ** 2, axis=(0, -1))


def _states(
    model: MaskedAutoencoder, images: FloatArray, kept: BoolArray | None
) -> list[torch.Tensor]:
    with torch.no_grad():
        given = from_images(images, model)
        mask = None if kept is None else torch.from_numpy(kept).to(given.device)
        states = [] if kept is not None else model.hidden_states(given)
        states += model.decoder_states(given, mask)
    return [state[:, 1:] for state in states]


def _layers(model: MaskedAutoencoder, *, masked: bool) -> tuple[str, ...]:
    encoder = ["embedding", *(f"encoder {i}" for i in range(1, model.config.depth + 1))]
    decoder = [
        "decoder embedding",
        *(f"decoder {i}" for i in range(1, model.config.decoder_depth + 1)),
    ]
    return (*([] if masked else encoder), *decoder)
