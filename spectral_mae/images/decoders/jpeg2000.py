"""JPEG 2000, of the depth that its codestream says.

Pillow fits every channel into 8 bits, or one into 16, by shifting: what it shifts up is shifted
back here, and what it would shift down is left to imagecodecs. The boxes and markers are those of
ISO/IEC 15444-1, annexes A and I.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae.images.decoders.optional import decoder
from spectral_mae.images.decoders.pillow import opened, raster
from spectral_mae.images.samples import Alpha, ImageRefused, Raster, check_size

_SIZ = b"\xff\x4f\xff\x51"
_CMYK, _YCC = 12, 18  # of the colour spaces that have a number
_CONTAINERS = (b"jp2h",)


@dataclass(frozen=True, slots=True)
class _Header:
    """What a file says of its channels."""

    height: int
    width: int
    depths: tuple[int, ...]
    signed: bool
    colour_space: int
    palette: bool
    order: tuple[int, ...]
    opacity: Alpha | None
    codestream: bytes

    @property
    def kind(self) -> str:
        """In words, for refusals."""
        depth = "/".join(dict.fromkeys(map(str, self.depths)))
        channels = len(self.depths)
        return f"JPEG 2000 of {channels} channel{'s' * (channels > 1)} of {depth} bits"


def read_jpeg2000(data: bytes, max_pixels: int, notes: list[str]) -> Raster:
    """A JPEG 2000 file, with its boxes or a bare codestream.

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
        If it needs imagecodecs, which is not installed, or its header makes no sense.
    Exception
        Whatever a decoder raises on damaged bytes.
    """
    header = _header(data, notes)
    check_size(header.height, header.width, max_pixels)
    if header.palette or (header.colour_space in (_CMYK, _YCC) and set(header.depths) == {8}):
        image = opened(data, "JPEG2000")
        image.load()
        if header.palette and image.mode not in ("P", "PA"):
            raise ImageRefused(
                "JPEG 2000 with a palette of gray or of more than 8 bits, not read here"
            )
        return raster(image, notes)
    if header.colour_space in (_CMYK, _YCC):
        raise ImageRefused(f"{header.kind} in CMYK or YCC, not read here: convert it to RGB")
    deepest = max(header.depths)
    if len(header.depths) == 1 and deepest <= 16:
        samples = _shifted_back(header.codestream, (deepest,), 8 if deepest <= 8 else 16)
    elif len(header.depths) <= 4 and deepest <= 8:
        samples = _shifted_back(header.codestream, header.depths, 8)
    else:
        return _by_imagecodecs(data, header, notes)
    return _meaning(samples, header, notes)


def _shifted_back(codestream: bytes, depths: tuple[int, ...], bits: int) -> NDArray[Any]:
    """What Pillow reads, without the zeros that it puts behind samples of fewer bits."""
    image = opened(codestream, "JPEG2000")
    image.load()
    samples = np.asarray(image)
    shifts = tuple(bits - depth for depth in depths)
    return samples >> np.array(shifts, samples.dtype) if any(shifts) else samples


def _by_imagecodecs(data: bytes, header: _Header, notes: list[str]) -> Raster:
    package = decoder("imagecodecs", header.kind)
    if len(set(header.depths)) > 1 or header.depths[0] > 32:
        raise ImageRefused(f"{header.kind}, not read here: convert it to PNG or TIFF")
    samples = package.jpeg2k_decode(header.codestream)
    if header.signed:  # as Pillow does it, so that all begin at 0
        samples = samples.astype(np.int64) + 2 ** (header.depths[0] - 1)
    return _meaning(samples, header, notes)


def _meaning(samples: NDArray[Any], header: _Header, notes: list[str]) -> Raster:
    white = tuple(2.0**depth - 1 for depth in header.depths)
    if len(white) == 1:
        return Raster.of(samples, white=white[0])
    order = header.order
    if header.opacity is None and len(order) in (2, 4):
        notes.append(f"channel {order[-1]}, of no stated meaning, not used")
        order = order[:-1]
    if order != tuple(range(len(white))):
        samples = samples[..., order]
    return Raster.of(samples, white=tuple(white[at] for at in order), alpha=header.opacity)


def _header(data: bytes, notes: list[str]) -> _Header:
    colour_space, palette, definitions, start = 0, False, None, 0
    if not data.startswith(_SIZ):
        start = -1
        for name, begin, end in _boxes(data, 0, len(data)):
            if name == b"colr" and not colour_space and data[begin : begin + 1] == b"\1":
                colour_space = int.from_bytes(data[begin + 3 : begin + 7], "big")
            elif name == b"pclr":
                palette = True
            elif name == b"cdef":
                definitions = data[begin + 2 : end]
            elif name == b"jp2c":
                start = begin
                break
    if start < 0 or not data.startswith(_SIZ, start):
        raise ImageRefused("damaged JPEG 2000: it has no codestream")
    codestream = data if start == 0 else data[start:]
    try:
        right, low, left, top = struct.unpack_from(">4I", codestream, 8)
        (count,) = struct.unpack_from(">H", codestream, 40)
        components = struct.unpack_from(f">{3 * count}B", codestream, 42)
    except struct.error:
        raise ImageRefused("damaged JPEG 2000: truncated in its header") from None
    if not (left < right and top < low and 1 <= count <= 16384):
        raise ImageRefused("damaged JPEG 2000: its header holds no valid size")
    order, opacity = _channels(definitions, count, notes)
    depths = tuple((depth & 0x7F) + 1 for depth in components[::3])
    return _Header(
        height=low - top,
        width=right - left,
        depths=depths,
        signed=bool(components[0] & 0x80),
        colour_space=colour_space,
        palette=palette,
        order=order,
        opacity=opacity,
        codestream=codestream,
    )


def _channels(
    definitions: bytes | None, count: int, notes: list[str]
) -> tuple[tuple[int, ...], Alpha | None]:
    """The channels with colours first and opacity last, and of which kind that is."""
    if definitions is None:
        if count in (2, 4):  # nothing says so, and all other readers take it for that
            notes.append("last channel taken for opacity")
            return tuple(range(count)), "straight"
        return tuple(range(count)), None
    colours: dict[int, int] = {}
    opacity: dict[int, Alpha] = {}
    others: list[int] = []
    whole = definitions[: len(definitions) // 6 * 6]
    for channel, kind, colour in struct.iter_unpack(">3H", whole):
        if channel >= count:
            raise ImageRefused(f"damaged JPEG 2000: it defines channel {channel} of {count}")
        if kind == 0 and 1 <= colour <= count:
            colours[colour] = channel
        elif kind in (1, 2):  # more than once, if it is that of each colour
            opacity[channel] = "straight" if kind == 1 else "associated"
        else:
            others.append(channel)
    order = (*(colours[colour] for colour in sorted(colours)), *others, *opacity)
    if sorted(order) != list(range(count)):
        raise ImageRefused("damaged JPEG 2000: it does not define each channel once")
    return order, next(iter(opacity.values())) if len(opacity) == 1 else None


def _boxes(data: bytes, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, begin and end of the contents of each box, those in a header box too."""
    while begin + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, begin)
        inner = begin + 8
        if size == 1 and begin + 16 <= end:
            (size,) = struct.unpack_from(">Q", data, inner)
            inner += 8
        stop = end if size == 0 else begin + size
        if stop < inner:
            return
        if name in _CONTAINERS:
            yield from _boxes(data, inner, min(stop, end))
        else:
            yield name, inner, min(stop, end)
        begin = stop
