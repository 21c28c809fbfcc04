"""JPEG XL, by imagecodecs; size and depth from the header of the codestream.

The header is that of ISO/IEC 18181-1, annex D: bits from the lowest of each byte on.
"""

from __future__ import annotations

from dataclasses import dataclass

from spectral_mae.images.decoders.optional import decoder
from spectral_mae.images.samples import Alpha, ImageRefused, Raster, check_size

_CODESTREAM = b"\xff\x0a"
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
# a number is one of four: what is added to so many bits
_SIZE = ((1, 9), (1, 13), (1, 18), (1, 30))
_INTEGER_BITS = ((8, 0), (10, 0), (12, 0), (1, 6))
_FLOAT_BITS = ((32, 0), (16, 0), (24, 0), (1, 6))
_ALPHA = 0  # of the kinds of extra channels


@dataclass(frozen=True, slots=True)
class _Header:
    height: int
    width: int
    bits: int
    alpha: Alpha | None
    frames: bool


def read_jpegxl(data: bytes, max_pixels: int, notes: list[str]) -> Raster:
    """A JPEG XL, turned as the file says; of an animation its first frame.

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
        If imagecodecs is not installed, or the header makes no sense.
    Exception
        Whatever imagecodecs raises on damaged bytes.
    """
    header = _header(_Bits(_codestream(data)))
    check_size(header.height, header.width, max_pixels)
    if header.frames:
        notes.append("first of several frames")
    samples = decoder("imagecodecs", "JPEG XL").jpegxl_decode(data, index=0)
    has_alpha = samples.ndim == 3 and samples.shape[-1] in (2, 4)
    alpha = header.alpha if has_alpha else None
    if samples.dtype.kind == "f":
        return Raster.floats(samples, alpha=alpha)
    return Raster.integers(samples, header.bits, alpha=alpha)


def _codestream(data: bytes) -> bytes:
    """The first bytes of it, bare or in boxes; in parts it begins with the number of the first."""
    if data.startswith(_CODESTREAM):
        return data[:256]
    for name, skip in ((b"jxlc", 4), (b"jxlp", 8)):
        at = data.find(name)
        if at >= 0 and data.startswith(_CODESTREAM, at + skip):
            return data[at + skip : at + skip + 256]
    raise ImageRefused("damaged JPEG XL: it has no codestream")


class _Bits:
    """Reads numbers of so many bits, behind the signature."""

    def __init__(self, data: bytes) -> None:
        self._all, self._left = int.from_bytes(data[2:], "little"), 8 * (len(data) - 2)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise ImageRefused("damaged JPEG XL: truncated in its header")
        value = self._all & (2**count - 1)
        self._all >>= count
        return value

    def choose(self, choices: tuple[tuple[int, int], ...]) -> int:
        base, bits = choices[self.take(2)]
        return base + self.take(bits)


def _header(bits: _Bits) -> _Header:
    height, width = _size(bits)
    if bits.take(1):  # all that follows is as usual
        return _Header(height, width, 8, None, frames=False)
    frames = False
    if bits.take(1):
        frames = _extra_fields(bits)
    depth = _depth(bits)
    bits.take(1)
    extra = bits.choose(((0, 0), (1, 0), (2, 4), (1, 12)))
    return _Header(height, width, depth, _opacity(bits) if extra else None, frames=frames)


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)
    height = 8 * (bits.take(5) + 1) if small else bits.choose(_SIZE)
    ratio = bits.take(3)
    if ratio:
        times, by = _RATIOS[ratio - 1]
        return height, height * times // by
    return height, 8 * (bits.take(5) + 1) if small else bits.choose(_SIZE)


def _extra_fields(bits: _Bits) -> bool:
    """Skip orientation, intended size and preview; whether there is an animation."""
    bits.take(3)
    if bits.take(1):
        _size(bits)
    if bits.take(1):
        eighths = bits.take(1)
        side = (
            ((16, 0), (32, 0), (1, 5), (33, 9))
            if eighths
            else ((1, 6), (65, 8), (321, 10), (1345, 12))
        )
        bits.choose(side)
        if bits.take(3) == 0:
            bits.choose(side)
    if not bits.take(1):
        return False
    bits.choose(((100, 0), (1000, 0), (1, 10), (1, 30)))
    bits.choose(((1, 0), (1001, 0), (1, 8), (1, 10)))
    bits.choose(((0, 0), (0, 3), (0, 16), (0, 32)))
    bits.take(1)
    return True


def _depth(bits: _Bits) -> int:
    if not bits.take(1):
        return bits.choose(_INTEGER_BITS)
    depth = bits.choose(_FLOAT_BITS)
    bits.take(4)
    return depth


def _opacity(bits: _Bits) -> Alpha | None:
    """Of the first extra channel."""
    if bits.take(1):
        return "straight"
    kind = bits.choose(((0, 0), (1, 0), (2, 4), (18, 6)))
    if kind != _ALPHA:
        return None
    _depth(bits)
    bits.choose(((0, 0), (3, 0), (4, 0), (1, 3)))
    bits.take(8 * bits.choose(((0, 0), (0, 4), (16, 5), (48, 10))))
    return "associated" if bits.take(1) else "straight"
