"""Channels that are some bits of a pixel each, as in BMP, TGA and DDS."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae.images.samples import ImageRefused, Raster


def fields(pixels: NDArray[Any], masks: tuple[int, ...], name: str, notes: list[str]) -> Raster:
    """Colours and opacity from the bits of pixels, of each channel as many as its mask has.

    Parameters
    ----------
    pixels : ndarray of unsigned integers, shape (H, W)
        One number per pixel.
    masks : tuple of int
        Bits of red, green, blue and opacity; 0 for a channel that is not there.
    name : str
        Name of the format, for messages.
    notes : list of str
        Receives what was done that changes what a spectrum means.

    Returns
    -------
    Raster
        The samples and their meaning.

    Raises
    ------
    ImageRefused
        If the bits of a channel are not consecutive, or no channel has any.

    Examples
    --------
    >>> pixels = np.array([[0xF800 | 0x1F]], dtype=np.uint16)
    >>> fields(pixels, (0xF800, 0x7E0, 0x1F, 0), "BMP", []).pixels([], color=True)
    array([[[1., 0., 1.]]])
    """
    shifts = [(mask & -mask).bit_length() - 1 if mask else 0 for mask in masks]
    whites = [mask >> shift for mask, shift in zip(masks, shifts, strict=True)]
    if any(white & (white + 1) for white in whites) or not any(whites[:3]):
        bits = " ".join(f"{mask:x}" for mask in masks)
        raise ImageRefused(f"damaged {name}: its colours cannot be the bits {bits} of a pixel")
    opacity = whites[3] > 0 and bool((pixels & pixels.dtype.type(masks[3])).any())
    if whites[3] and not opacity:
        notes.append("its opacity is 0 everywhere: taken for opaque")
    used = range(4 if opacity else 3)
    dtype = np.dtype("u1" if max(whites) < 2**8 else "u2" if max(whites) < 2**16 else "u4")
    samples = np.empty((*pixels.shape, len(used)), dtype)
    for channel in used:
        samples[..., channel] = pixels >> shifts[channel] & pixels.dtype.type(whites[channel])
    white = tuple(float(whites[channel] or 1) for channel in used)
    return Raster.of(samples, white=white, alpha="straight" if opacity else None)
