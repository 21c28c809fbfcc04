"""BMP, of Windows and of OS/2: palettes, fields of any width, opacity, run lengths.

The headers are those of the Windows GDI (BITMAPINFOHEADER to BITMAPV5HEADER) and of OS/2's
Presentation Manager; what is read of odd files is what the makers of bmpsuite find reasonable.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae.images.decoders.bit_fields import fields
from spectral_mae.images.decoders.pillow import by_pillow
from spectral_mae.images.decoders.png import read_png
from spectral_mae.images.samples import ImageRefused, Raster, check_size

_PLAIN, _RLE8, _RLE4, _FIELDS, _JPEG, _PNG, _ALPHA_FIELDS, _RLE24 = 0, 1, 2, 3, 4, 5, 6, 24
_RUNS = {_RLE8: 8, _RLE4: 4, _RLE24: 24}  # bits of a pixel
_EMBEDDED = {_JPEG: by_pillow("JPEG"), _PNG: read_png}
_FILE_HEADER, _CORE = 14, 12
_WINDOWS = (40, 52, 56, 108, 124)
_MASKS = {16: (0x7C00, 0x3E0, 0x1F, 0), 32: (0xFF0000, 0xFF00, 0xFF, 0)}


@dataclass(frozen=True, slots=True)
class _Header:
    """What the two headers say.

    Attributes
    ----------
    masks : tuple of int
        Bits of red, green, blue and opacity in a pixel of 16 or 32 bits.
    palette : (n, 3) array
        Red, green and blue of each index.
    """

    width: int
    height: int
    upwards: bool
    bits: int
    compression: int
    masks: tuple[int, ...]
    palette: NDArray[np.uint8]
    start: int


def read_bitmap(data: bytes, max_pixels: int, notes: list[str]) -> Raster:
    """A BMP.

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
        If the header makes no sense, or pixels are missing or of a kind that is not read.
    """
    header = _header(data)
    check_size(header.height, header.width, max_pixels)
    if header.compression in _EMBEDDED:
        return _EMBEDDED[header.compression](data[header.start :], max_pixels, notes)
    samples = _runs(data, header, notes) if header.compression in _RUNS else _rows(data, header)
    if header.upwards:
        samples = samples[::-1]
    if header.bits <= 8:
        return Raster.integers(header.palette[samples])
    if samples.ndim == 3:
        return Raster.integers(samples[..., 2::-1])  # blue, green, red
    return fields(samples, header.masks, "BMP", notes)


def _rows(data: bytes, header: _Header) -> NDArray[Any]:
    """Indices, pixels of 16 or 32 bits, or blue, green and red."""
    stride = (header.width * header.bits + 31) // 32 * 4
    size = stride * header.height
    if len(data) < header.start + size:
        found = f"{max(0, len(data) - header.start)} of {size} bytes of pixels"
        raise ImageRefused(f"damaged BMP: truncated, {found}")
    rows = np.frombuffer(data, np.uint8, size, header.start).reshape(header.height, stride)
    if header.bits == 24:
        return rows[:, : 3 * header.width].reshape(header.height, header.width, 3)
    if header.bits > 8:
        return rows.view(f"<u{header.bits // 8}")[:, : header.width]
    if header.bits == 8:
        return rows[:, : header.width]
    per_byte = 8 // header.bits
    shifts = np.arange(8 - header.bits, -1, -header.bits, dtype=np.uint8)
    needed = rows[:, : -(-header.width // per_byte), np.newaxis]
    indices = needed >> shifts & np.uint8(2**header.bits - 1)
    return indices.reshape(header.height, -1)[:, : header.width]


def _runs(data: bytes, header: _Header, notes: list[str]) -> NDArray[Any]:
    """Pixels from run lengths: indices, or blue, green and red; what is left out is 0."""
    bits = _RUNS[header.compression]
    width, height = header.width, header.height
    unit = 3 if bits == 24 else 1
    pixels = np.zeros((height, width, unit), np.uint8)
    written, at, row, column = 0, header.start, 0, 0
    while row < height:
        if at + 2 > len(data):
            raise ImageRefused(f"damaged BMP: truncated, {row} of {height} rows")
        count, code = data[at], data[at + 1]
        at += 2
        if count:
            packed = data[at - 1 : at - 1 + unit]
            at += unit - 1
            values = np.resize(_unpacked(packed, bits), (count, unit))
        elif code == 0:
            row, column = row + 1, 0
            continue
        elif code == 1:
            break
        elif code == 2:
            if at + 2 > len(data):
                continue  # which says that it is truncated
            row, column = row + data[at + 1], column + data[at]
            at += 2
            continue
        else:
            size = (code * bits + 7) // 8
            values = _unpacked(data[at : at + size], bits)[:code]
            at += size + size % 2
        fits = max(0, min(len(values), width - column))
        pixels[row, column : column + fits] = values[:fits]
        written, column = written + fits, column + len(values)
    if written < width * height:
        notes.append(f"{width * height - written} pixels that it leaves out have its first colour")
    return pixels if unit == 3 else pixels[..., 0]


def _unpacked(packed: bytes, bits: int) -> NDArray[np.uint8]:
    """Shape (n, 1), or (n, 3) of colours."""
    values = np.frombuffer(packed, np.uint8)
    if bits == 4:
        return np.stack([values >> 4, values & 15], axis=-1).reshape(-1, 1)
    return values[: len(values) // 3 * 3].reshape(-1, 3) if bits == 24 else values[:, np.newaxis]


def _header(data: bytes) -> _Header:
    try:
        (start,) = struct.unpack_from("<I", data, 10)
        (size,) = struct.unpack_from("<I", data, _FILE_HEADER)
        if size != _CORE and not 16 <= size <= 64 and size not in _WINDOWS:
            raise ImageRefused(f"damaged BMP: its second header has {size} bytes")
        if size == _CORE:
            width, height, _, bits = struct.unpack_from("<4H", data, 18)
            compression = colours = 0
        else:
            width, height, _, bits = struct.unpack_from("<iiHH", data, 18)
            compression = _word(data, size, 16)
            colours = _word(data, size, 32)
        masks, end = _masks(data, size, bits, compression)
    except struct.error:
        raise ImageRefused("damaged BMP: truncated in its header") from None
    if width <= 0 or height == 0:
        raise ImageRefused(f"damaged BMP: its header says {abs(height)}x{width} pixels")
    compression = _compression(size, bits, compression)
    palette = _palette(data, size, bits, colours, end, start)
    if not end <= start <= len(data):
        start = end + (0 if bits > 8 else len(palette) * (3 if size == _CORE else 4))
    return _Header(
        width, abs(height), height > 0, bits, compression, masks, _of_all_indices(palette), start
    )


def _word(data: bytes, size: int, at: int) -> int:
    """A number of the header, or 0 of one that ends before."""
    if size < at + 4:
        return 0
    (word,) = struct.unpack_from("<I", data, _FILE_HEADER + at)
    return int(word)


def _masks(data: bytes, size: int, bits: int, compression: int) -> tuple[tuple[int, ...], int]:
    """Bits of red, green, blue and opacity; and where the headers end."""
    end = _FILE_HEADER + size
    if compression not in (_FIELDS, _ALPHA_FIELDS) or bits not in _MASKS or size not in _WINDOWS:
        return _MASKS.get(bits, (0, 0, 0, 0)), end
    count = 4 if size >= 56 or compression == _ALPHA_FIELDS else 3
    masks = struct.unpack_from(f"<{count}I", data, _FILE_HEADER + 40)
    end = max(end, _FILE_HEADER + 40 + 4 * count)
    return tuple(mask & (2**bits - 1) for mask in (*masks, 0)[:4]), end


def _compression(size: int, bits: int, compression: int) -> int:
    """The kind of compression, in the numbers of this module."""
    os2 = size not in _WINDOWS
    if os2 and compression == 4:
        compression = _RLE24
    allowed = {
        _PLAIN: (1, 2, 4, 8, 16, 24, 32),
        _RLE8: (8,),
        _RLE4: (4,),
        _RLE24: (24,) if os2 else (),
        _FIELDS: () if os2 else (16, 32),
        _ALPHA_FIELDS: () if os2 else (16, 32),
        _JPEG: (bits,),
        _PNG: (bits,),
    }
    if bits not in allowed.get(compression, ()):
        kind = f"{bits} bits a pixel and compression {compression}"
        raise ImageRefused(f"BMP of {kind}, not read here: convert it to PNG")
    return compression


def _palette(
    data: bytes, size: int, bits: int, colours: int, begin: int, start: int
) -> NDArray[np.uint8]:
    """Red, green and blue, of as many indices as there are in the file."""
    if bits > 8:
        return np.zeros((0, 3), np.uint8)
    count = min(colours or 2**bits, 2**bits)
    space = (start if begin < start <= len(data) else len(data)) - begin
    # some writers for OS/2 put three bytes where four belong: then there is room for no more
    short = size not in _WINDOWS and 3 * count <= space < 4 * count
    entry = 3 if size == _CORE or short else 4
    count = min(count, space // entry)
    entries = np.frombuffer(data, np.uint8, count * entry, begin).reshape(count, entry)
    return entries[:, 2::-1]


def _of_all_indices(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Black for the indices that have no colour."""
    whole = np.zeros((256, 3), np.uint8)
    whole[: len(palette)] = palette
    return whole
