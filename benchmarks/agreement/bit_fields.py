"""BMPs whose pixels are bit fields, by the definition of the format.

FFmpeg knows a few layouts, imagecodecs those of whole bytes, and OpenCV none of them.
"""

from __future__ import annotations

import struct

import numpy as np

from benchmarks.agreement.headers import BIT_FIELDS, bmp_header
from benchmarks.agreement.rules import NoImage, Samples

FIVE_BITS = (0x7C00, 0x03E0, 0x001F)
V2, V3 = 52, 56  # sizes of the first headers that hold three and four masks


def by_bit_fields(data: bytes) -> Samples:
    """Each field divided by its largest value; the fourth, if it is stated, is opacity."""
    bits, compression = bmp_header(data)
    if compression not in BIT_FIELDS and (bits, compression) != (16, 0):
        raise NoImage("no bit fields")
    start, header, width, height = struct.unpack_from("<IIii", data, 10)
    masks = FIVE_BITS
    if compression in BIT_FIELDS:
        n = 4 if header >= V3 or compression == BIT_FIELDS[1] else 3
        masks = struct.unpack_from(f"<{n}I", data, 54)
    rows, row = abs(height), -(-width * bits // 32) * 4
    whole = np.frombuffer(data, np.uint8, rows * row, start).reshape(rows, row)
    pixels = whole[:, : width * bits // 8].copy().view(f"<u{bits // 8}")
    fields = [(pixels & mask) / mask for mask in masks if mask]  # the shift cancels
    if len(fields) < 3:
        raise NoImage(f"masks {', '.join(f'{mask:#x}' for mask in masks)}")
    stated = fields[3:] and fields[3].any()  # writers that mean no opacity leave it at 0
    return Samples(np.stack(fields, axis=-1), "rgb", alpha="straight" if stated else None)
