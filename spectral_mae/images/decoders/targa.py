"""TGA, as Truevision's specification 2.0 has it."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae.images.decoders.bit_fields import fields
from spectral_mae.images.samples import ImageRefused, Raster, check_size

_HEADER = struct.Struct("<BBBHHBHHHHBB")
_FOOTER = b"TRUEVISION-XFILE.\0"
_INDEXED, _COLOUR, _GRAY, _RUNS = 1, 2, 3, 8
_MASKS = {2: (0x7C00, 0x3E0, 0x1F, 0), 3: (0xFF0000, 0xFF00, 0xFF, 0)}


def read_targa(data: bytes, max_pixels: int, notes: list[str]) -> Raster:
    """A TGA.

    Parameters
    ----------
    data : bytes
        The whole file.
    max_pixels : int
        Larger images are refused before they are decoded.
    notes : list of str
        Receives what was done that changes what a spectrum means.

    Returns
    -------
    Raster
        The samples and their meaning.

    Raises
    ------
    ImageRefused
        If pixels are missing.
    """
    name, mapped, kind, first, length, entry, _, _, width, height, depth, flags = (
        _HEADER.unpack_from(data)
    )
    check_size(height, width, max_pixels)
    at = _HEADER.size + name
    unit = (depth + 7) // 8
    palette = None
    if mapped:
        size = (entry + 7) // 8
        palette = _bytes(data, at, length * size).reshape(length, 1, size)
        at += length * size
    count = width * height
    if depth == 1:  # of no specification, but some write it: rows of whole bytes, from the high bit
        if kind & _RUNS:
            raise ImageRefused("TGA of one bit in run lengths, not read here: save it as PNG")
        stride = (width + 7) // 8
        packed = _bytes(data, at, height * stride).reshape(height, stride)
        pixels = np.unpackbits(packed, axis=1, count=width) * np.uint8(255)
    elif kind & _RUNS:
        pixels = _expanded(data, at, count, unit)
    else:
        pixels = _bytes(data, at, count * unit).reshape(count, unit)
    pixels = pixels.reshape(height, width, unit)
    if not flags & 0x20:
        pixels = pixels[::-1]
    if flags & 0x10:
        pixels = pixels[:, ::-1]
    opacity = _opacity(data, unit, flags, notes)
    if kind & ~_RUNS == _GRAY:
        if unit == 1:
            return Raster.integers(pixels[..., 0])
        return (
            Raster.integers(pixels, alpha="straight")
            if opacity
            else Raster.integers(pixels[..., 0])
        )
    if palette is not None and kind & ~_RUNS == _INDEXED:
        indices = pixels[..., 0].astype(np.int64) - first
        if indices.min() < 0 or indices.max() >= length:
            raise ImageRefused(f"damaged TGA: an index without a colour, of {length} from {first}")
        pixels = palette[indices, 0]
    return _colours(pixels, opacity, notes)


def _colours(pixels: NDArray[np.uint8], opacity: int, notes: list[str]) -> Raster:
    unit = pixels.shape[-1]
    if unit == 2:
        return fields(np.ascontiguousarray(pixels).view("<u2")[..., 0], _MASKS[2], "TGA", notes)
    colours = pixels[..., 2::-1]
    if unit == 3 or not opacity:
        return Raster.integers(colours)
    samples = np.concatenate([colours, pixels[..., 3:]], axis=-1)
    return Raster.integers(samples, alpha="associated" if opacity == _ASSOCIATED else "straight")


_ASSOCIATED = 4  # of the extension area's types of opacity; 3 is straight, the others are none


def _opacity(data: bytes, unit: int, flags: int, notes: list[str]) -> int:
    """Type of opacity, or 0."""
    if unit not in (2, 4):
        return 0
    kind = 3 if flags & 0x0F else 0
    if data.endswith(_FOOTER):
        area = int.from_bytes(data[-26:-22], "little")
        if area and area + 494 < len(data):
            kind = data[area + 494] if flags & 0x0F else 0
    if kind not in (3, _ASSOCIATED):
        if unit == 4:
            notes.append("its header says no opacity: the fourth byte of its pixels is not used")
        return 0
    return kind


def _bytes(data: bytes, at: int, size: int) -> NDArray[np.uint8]:
    if len(data) < at + size:
        found = f"{max(0, len(data) - at)} of {size} bytes"
        raise ImageRefused(f"damaged TGA: truncated, {found} of pixels or palette")
    return np.frombuffer(data, np.uint8, size, at)


def _expanded(data: bytes, at: int, count: int, unit: int) -> NDArray[Any]:
    """Pixels from packets: one that is repeated, or so many as they are."""
    pixels = np.empty((count, unit), np.uint8)
    done = 0
    while done < count:
        if at >= len(data):
            raise ImageRefused(f"damaged TGA: truncated, {done} of {count} pixels")
        size = min((data[at] & 0x7F) + 1, count - done)
        packet = 1 if data[at] & 0x80 else size
        pixels[done : done + size] = _bytes(data, at + 1, packet * unit).reshape(packet, unit)
        done, at = done + size, at + 1 + packet * unit
    return pixels
