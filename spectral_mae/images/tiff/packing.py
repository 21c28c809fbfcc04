"""Packed rows of a TIFF to numbers: bits, bytes and predictors undone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae.images.samples import ImageRefused
from spectral_mae.images.tiff.storage import Predictor, Storage

Samples = NDArray[Any]

_BATCH = 2**20  # bytes of single bits that are in memory at once


def unpack(
    rows: NDArray[np.uint8], columns: int, channels: int, storage: Storage, predictor: int
) -> Samples:
    """Packed rows as samples of shape (rows, columns, channels).

    Parameters
    ----------
    rows : ndarray of uint8, shape (rows, bytes of a row)
        The packed rows.
    columns, channels : int
        Pixels of a row, and samples of a pixel.
    storage : Storage
        Bits, byte order and kind of the samples.
    predictor : int
        Value of the tag Predictor: whether samples are differences to the pixel on the left.

    Returns
    -------
    ndarray, shape (rows, columns, channels)
        The samples.

    Raises
    ------
    ImageRefused
        If the predictor is unknown, or not one of such samples.
    """
    bits = storage.bits
    if predictor == Predictor.FLOATING_POINT and storage.floating:
        words = _from_byte_planes(rows, columns, channels, bits // 8)
    elif predictor in (Predictor.NONE, Predictor.HORIZONTAL):
        words = _words(rows, columns * channels, bits, storage.order)
    else:
        kind = "floating-point numbers" if storage.floating else "integers"
        raise ImageRefused(f"TIFF of {kind} with predictor {predictor}: not read here")
    words = words.reshape(len(rows), columns, channels)
    if predictor == Predictor.HORIZONTAL:
        native = words.astype(words.dtype.newbyteorder("="))
        words = np.add.accumulate(native, axis=1, dtype=native.dtype, out=native)
        if bits < 8 * words.itemsize:  # differences of 12-bit numbers are counted modulo 4096
            words &= words.dtype.type(2**bits - 1)
    if not storage.floating:
        return words
    return _float24(words) if bits == 24 else words.view(words.dtype.str.replace("u", "f"))


def _words(rows: NDArray[np.uint8], n: int, bits: int, order: str) -> Samples:
    """Unsigned integers, ``n`` in a row."""
    if bits in (8, 16, 32, 64):
        return rows.view(f"{order}u{bits // 8}")
    size = next(size for size in (1, 2, 4, 8) if 8 * size >= bits)
    if bits % 8 == 0 and order == "<":  # whole bytes are stored in the order of the file
        padded = np.zeros((len(rows), n, size), np.uint8)
        padded[..., : bits // 8] = rows.reshape(len(rows), n, bits // 8)
        return padded.view(f"<u{size}")[..., 0]
    words = np.empty((len(rows), n), f">u{size}")
    step = max(1, _BATCH // (8 * size * n))  # rows whose single bits fit into memory
    for top in range(0, len(rows), step):
        strip = np.unpackbits(rows[top : top + step], axis=1, count=n * bits)
        padded = np.zeros((len(strip), n, 8 * size), np.uint8)
        padded[..., 8 * size - bits :] = strip.reshape(len(strip), n, bits)
        words[top : top + step] = np.packbits(padded, axis=-1).view(words.dtype)[..., 0]
    return words


def _from_byte_planes(rows: NDArray[np.uint8], columns: int, channels: int, size: int) -> Samples:
    """Undo the floating-point predictor: differences of bytes, the highest of all samples first."""
    steps = rows.reshape(len(rows), size * columns, channels)
    planes = np.add.accumulate(steps, axis=1, dtype=np.uint8).reshape(len(rows), size, -1)
    if size == 3:
        planes = np.pad(planes, ((0, 0), (1, 0), (0, 0)))
        size = 4
    return np.ascontiguousarray(planes.swapaxes(1, 2)).view(f">u{size}")[..., 0]


def _float24(words: Samples) -> Samples:
    """Numbers of 1 sign bit, 7 bits of exponent (bias 63) and 16 of mantissa, as DNG has them."""
    exponent, mantissa = (words >> 16 & 0x7F).astype(np.int32), (words & 0xFFFF).astype(np.float32)
    normal = np.ldexp(mantissa + 2**16, exponent - 79)
    tiny = np.ldexp(mantissa, -78)
    special = np.where(mantissa == 0, np.float32(np.inf), np.float32(np.nan))
    magnitude = np.where(exponent == 0, tiny, np.where(exponent == 0x7F, special, normal))
    return np.where(words >> 23 == 1, -magnitude, magnitude)
