"""How a TIFF page stores its samples, checked, as its tags say it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from spectral_mae.images.samples import ImageRefused
from spectral_mae.images.tiff import codecs

if TYPE_CHECKING:
    from tifffile import TiffPage


class SampleFormat(IntEnum):
    """The tag of this name; a sample of no known kind is taken for an unsigned integer."""

    UNSIGNED, SIGNED, FLOATING, UNKNOWN, COMPLEX_INTEGER, COMPLEX = 1, 2, 3, 4, 5, 6


class Predictor(IntEnum):
    """The tag of this name."""

    NONE, HORIZONTAL, FLOATING_POINT = 1, 2, 3


YCBCR = 6  # of the tag PhotometricInterpretation


@dataclass(frozen=True, slots=True)
class Storage:
    """How a page stores its samples.

    Attributes
    ----------
    height, width, channels : int
    bits : int
        Of each sample.
    signed, floating : bool
    planar : bool
        Whether each channel has strips or tiles of its own.
    block : tuple of int
        Rows and columns of a strip or tile.
    plane : int
        How many strips or tiles lie between one channel and the next, if planar.
    ycbcr : bool
        Whether the samples are YCbCr; image streams that hold it give RGB.
    subsampling : tuple of int
        Rows and columns of pixels that share their chroma, where it is stored so.
    compression, predictor, fill_order, t4_options : int
        The tags of these names.
    order : str
        ``"<"`` or ``">"``, of the bytes.
    """

    height: int
    width: int
    channels: int
    bits: int
    signed: bool
    floating: bool
    planar: bool
    block: tuple[int, int]
    plane: int
    ycbcr: bool
    subsampling: tuple[int, int]
    compression: int
    predictor: int
    fill_order: int
    t4_options: int
    order: str

    @classmethod
    def of(cls, page: TiffPage) -> Self:
        """What the tags of a page say.

        Raises
        ------
        ImageRefused
            If they contradict each other, or call for what is not read here.
        """
        height, width, channels = (
            _number(name, getattr(page, name), 1)
            for name in ("imagelength", "imagewidth", "samplesperpixel")
        )
        kind = _alike("sample formats", page.tags.valueof(339, 1))
        bits = _alike("bits per channel", page.bitspersample)
        compression = _number("compression", page.compression, 0)
        if compression == codecs.SGI_LOG:  # whatever the tags say: it is decoded to these
            kind, bits = SampleFormat.FLOATING, 32
        _check_kind(kind, bits)
        if page.is_tiled:
            block = (
                _number("tilelength", page.tilelength, 1),
                _number("tilewidth", page.tilewidth, 1),
            )
            depth = _number("tiledepth", page.tiledepth, 1)
        else:
            strip_rows = _number("rowsperstrip", page.rowsperstrip, 0)
            block, depth = (min(strip_rows or height, height), width), 1
        planar = page.planarconfig == 2 and channels > 1
        ycbcr = page.photometric == YCBCR and channels >= 3
        if not (codecs.is_byte_codec(compression) or planar):
            ycbcr = ycbcr and compression == codecs.APERIO_YCBCR
        slices = math.ceil(_number("imagedepth", page.imagedepth, 1) / depth)
        return cls(
            height=height,
            width=width,
            channels=channels,
            bits=bits,
            signed=kind == SampleFormat.SIGNED,
            floating=kind == SampleFormat.FLOATING,
            planar=planar,
            block=block,
            plane=math.ceil(height / block[0]) * math.ceil(width / block[1]) * slices,
            ycbcr=ycbcr,
            subsampling=_subsampling(page) if ycbcr else (1, 1),
            compression=compression,
            predictor=_number("predictor", page.predictor, 0),
            fill_order=_number("fillorder", page.fillorder, 0),
            t4_options=_number("T4Options", page.tags.valueof(292, 0), 0),
            order=page.parent.byteorder,
        )

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the samples in memory: whole bytes, and integers unsigned, also where they are not."""
        if self.floating:
            return np.dtype(f"f{4 if self.bits == 24 else self.bits // 8}")
        return np.dtype(f"u{next(size for size in (1, 2, 4, 8) if 8 * size >= self.bits)}")

    @property
    def nbytes(self) -> int:
        """What the samples take in memory, strips and tiles whole."""
        rows, columns = self.block
        area = math.ceil(self.height / rows) * rows * math.ceil(self.width / columns) * columns
        return area * self.channels * self.dtype.itemsize


def _number(name: str, value: Any, lowest: int) -> int:
    if not isinstance(value, int) or value < lowest:
        raise ImageRefused(f"damaged TIFF: its {name} is {value!r:.40}")
    return int(value)


def _alike(what: str, values: Any) -> int:
    """The one value that all channels have."""
    if not isinstance(values, tuple):
        return _number(what, values, 0)
    if len(set(values)) != 1:
        raise ImageRefused(f"TIFF of unlike {what}, {tuple(map(int, values))!r:.60}: not read here")
    return _number(what, values[0], 0)


def _check_kind(kind: int, bits: int) -> None:
    if kind in (SampleFormat.COMPLEX_INTEGER, SampleFormat.COMPLEX):
        raise ImageRefused("TIFF of complex numbers: not read here")
    if kind == SampleFormat.FLOATING:
        if bits not in (16, 24, 32, 64):
            raise ImageRefused(f"TIFF of {bits}-bit floating-point numbers: not read here")
    elif kind not in SampleFormat.__members__.values():
        raise ImageRefused(f"damaged TIFF: its sample format is {kind}")
    elif not 1 <= bits <= 64:
        raise ImageRefused(f"TIFF of {bits}-bit integers: not read here")


def _subsampling(page: TiffPage) -> tuple[int, int]:
    """Rows and columns."""
    across, down = page.tags.valueof(530, (2, 2))
    if across not in (1, 2, 4) or down not in (1, 2, 4):
        raise ImageRefused(f"damaged TIFF: its chroma subsampling is {across!r:.20}, {down!r:.20}")
    return int(down), int(across)
