"""Compressed strips and tiles of a TIFF to the bytes or the samples that they hold.

Deflate and LZMA are expanded by Python. LZW, PackBits, Zstandard, ThunderScan and fax go through
the libtiff that Pillow carries: their strips are put into a TIFF of bare bytes, which Pillow cannot
misread. JPEG and WebP streams go through Pillow's decoders of these formats, and all others through
tifffile, which asks ``imagecodecs``.
"""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Sequence
from io import BytesIO
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import JpegImagePlugin, TiffImagePlugin, WebPImagePlugin

from spectral_mae.extras import missing
from spectral_mae.images.samples import ImageRefused

if TYPE_CHECKING:
    from tifffile import TiffPage

Bytes = NDArray[np.uint8]

APERIO_YCBCR = 33003
NONE, LZW, OLD_JPEG, JPEG, SGI_LOG, WEBP = 1, 5, 6, 7, 34676, 50001
FAX = frozenset({2, 3, 4, 32771})
THUNDERSCAN = 32809
_DEFLATE = frozenset({8, 32946, 50013})
_LZMA = 34925
_LIBTIFF = frozenset({LZW, 32773, 50000, 34926, THUNDERSCAN}) | FAX

NAMES = {
    1: "no", 2: "fax (CCITT RLE)", 3: "fax (CCITT group 3)", 4: "fax (CCITT group 4)",
    5: "LZW", 6: "old-style JPEG", 7: "JPEG", 8: "Deflate", 9: "JBIG", 10: "JBIG",
    99: "lossless JPEG (Leaf)", 262: "Kodak DCR", 22610: "JPEG XR", 32766: "NeXT",
    32767: "Sony ARW", 32770: "Samsung SRW", 32771: "fax (CCITT RLE)", 32773: "PackBits",
    32809: "ThunderScan", 32895: "TIFF/IT", 32896: "TIFF/IT", 32897: "TIFF/IT", 32898: "TIFF/IT",
    32908: "Pixar film", 32909: "Pixar log", 32946: "Deflate", 33003: "JPEG 2000",
    33004: "JPEG 2000", 33005: "JPEG 2000", 33007: "JPEG", 34661: "JBIG", 34676: "SGI LogLuv",
    34677: "SGI LogLuv 24", 34712: "JPEG 2000", 34713: "Nikon NEF", 34715: "JBIG2", 34887: "LERC",
    34892: "lossy JPEG", 34925: "LZMA", 34926: "Zstandard", 34927: "WebP", 34933: "PNG",
    34934: "JPEG XR", 48124: "Jetraw", 50000: "Zstandard", 50001: "WebP", 50002: "JPEG XL",
    50013: "Deflate", 52546: "JPEG XL", 65000: "EER", 65001: "EER", 65002: "EER",
}  # fmt: skip
_BY_IMAGECODECS = frozenset(
    {OLD_JPEG, JPEG, 22610, 33003, 33004, 33005, 33007, 34712, 34887, 34892, 34933, 34934}
    | {50002, 52546}
)


def name_of(compression: int) -> str:
    """What people call a compression.

    Examples
    --------
    >>> name_of(5), name_of(4711)
    ('LZW compression', 'compression 4711, which is unknown')
    """
    name = NAMES.get(compression)
    return f"{name} compression" if name else f"compression {compression}, which is unknown"


def is_byte_codec(compression: int) -> bool:
    """Whether strips of this compression hold bytes, of whatever samples."""
    return compression in _DEFLATE | _LIBTIFF | {NONE, _LZMA}


def is_image_codec(compression: int) -> bool:
    """Whether each strip of this compression is an image stream that Pillow decodes."""
    return compression in (JPEG, 33007, WEBP, 34927)


def expand(
    strips: Sequence[memoryview], compression: int, shape: tuple[int, int], t4_options: int = 0
) -> list[Bytes]:
    """Strips or tiles of one size as their rows of packed bytes.

    Parameters
    ----------
    strips : sequence of memoryview
        As the file holds them, bits in the order of TIFF's fill order 1.
    compression : int
        One that `is_byte_codec` knows.
    shape : tuple of int
        Rows, and bytes of a row; for fax and ThunderScan pixels of a row.
    t4_options : int
        The tag of this name, for fax of group 3.

    Returns
    -------
    list of ndarray of uint8
        Shape (rows, bytes of a row) each.

    Raises
    ------
    ImageRefused
        If a strip holds less.
    """
    rows, columns = shape
    if compression in _LIBTIFF:
        return _by_libtiff(strips, compression, shape, t4_options)
    size = rows * columns
    return [
        _exactly(_by_python(strip, compression, size), size).reshape(rows, columns)
        for strip in strips
    ]


def _by_python(strip: memoryview, compression: int, size: int) -> bytes | memoryview:
    if compression in _DEFLATE:
        return zlib.decompressobj().decompress(strip, size)
    if compression == _LZMA:
        return lzma.LZMADecompressor().decompress(strip, size)
    return strip


def _exactly(content: bytes | memoryview, size: int) -> Bytes:
    if len(content) < size:
        raise ImageRefused(f"damaged TIFF: a strip or tile holds {len(content)} of {size} bytes")
    return np.frombuffer(content, np.uint8, size)


def _by_libtiff(
    strips: Sequence[memoryview], compression: int, shape: tuple[int, int], t4_options: int
) -> list[Bytes]:
    rows, columns = shape
    bits = 1 if compression in FAX else 4 if compression == THUNDERSCAN else 8
    tags = {
        256: [columns],
        257: [rows * len(strips)],
        258: [bits],
        259: [50000 if compression == 34926 else compression],
        262: [1],
        277: [1],
        278: [rows],
        292: [t4_options],
    }
    # constructed, not opened by Image.open, which has a limit of its own on the number of pixels
    image = TiffImagePlugin.TiffImageFile(BytesIO(_tiff_of(strips, tags)), "")
    pixels = np.asarray(image)
    if bits == 1:
        pixels = np.packbits(pixels, axis=1)
    elif bits == 4:
        levels = np.pad(pixels // 17, ((0, 0), (0, columns % 2)))
        pixels = levels[:, ::2] << 4 | levels[:, 1::2]
    return list(pixels.reshape(len(strips), rows, -1))


def _tiff_of(strips: Sequence[memoryview], tags: dict[int, list[int]]) -> bytes:
    """A little-endian TIFF of these strips."""
    lengths = [len(strip) for strip in strips]
    starts = list(accumulate(lengths[:-1], initial=8))
    tags = tags | {273: starts, 279: lengths}
    directory_at = 8 + sum(lengths)
    overflow_at = directory_at + 2 + 12 * len(tags) + 4
    entries, overflow = [], b""
    for tag, values in sorted(tags.items()):
        packed = struct.pack(f"<{len(values)}I", *values)
        if len(values) > 1:
            place = struct.pack("<I", overflow_at + len(overflow))
            overflow += packed
        else:
            place = packed
        entries.append(struct.pack("<HHI", tag, 4, len(values)) + place)
    head = b"II*\0" + struct.pack("<I", directory_at)
    directory = struct.pack("<H", len(tags)) + b"".join(entries) + b"\0\0\0\0"
    return b"".join([head, *strips, directory, overflow])


def decode_stream(
    strip: memoryview,
    compression: int,
    tables: bytes | None,
    *,
    ycbcr: bool,
    block: tuple[int, int],
) -> NDArray[np.uint8]:
    """A strip or tile that is an image stream, as samples of shape (h, w, channels).

    Parameters
    ----------
    strip : memoryview
        The compressed strip or tile.
    compression : int
        One that `is_image_codec` knows.
    tables : bytes or None
        The tag JPEGTables.
    ycbcr : bool
        Whether the colours of a JPEG stream are to be turned from YCbCr to RGB.
    block : tuple of int
        Rows and columns of a whole strip or tile.

    Raises
    ------
    ImageRefused
        If the stream is of an image much larger than that.
    OSError, SyntaxError
        If Pillow cannot decode it.
    """
    image: Any
    if compression in (WEBP, 34927):
        image = WebPImagePlugin.WebPImageFile(BytesIO(strip), "")
    else:
        image = JpegImagePlugin.JpegImageFile(BytesIO(_jpeg_stream(strip, tables, ycbcr=ycbcr)), "")
    if image.height * image.width > 2 * block[0] * block[1]:  # before it takes any memory
        raise ImageRefused(
            f"damaged TIFF: a strip or tile holds {image.height}x{image.width} pixels "
            f"where {block[0]}x{block[1]} are needed"
        )
    samples = np.asarray(image)
    if image.mode == "CMYK":  # which Pillow turns over as Adobe's JPEG files need it, TIFF does not
        samples = 255 - samples
    return samples.reshape(*samples.shape[:2], -1)


def _jpeg_stream(strip: memoryview, tables: bytes | None, *, ycbcr: bool) -> bytes:
    """A whole JPEG stream, with the marker by which decoders know its colours."""
    adobe = b"\xff\xee\0\x0eAdobe\0d\0\0\0\0" + (b"\1" if ycbcr else b"\0")
    start = b"\xff\xd8"
    if bytes(strip[:2]) != start:
        raise ImageRefused("damaged TIFF: a strip or tile is not a JPEG stream")
    shared = tables.removeprefix(start).removesuffix(b"\xff\xd9") if tables else b""
    return b"".join([start, adobe, shared, strip[2:]])


def decode_old_jpeg(data: bytes) -> NDArray[np.uint8]:
    """A file whose JPEG is of the kind that TIFF 6.0 had, as RGB or gray.

    There the parts of one stream lie in many tags, and writers differed. libtiff knows them all,
    and Pillow has it put out pixels; upright, for it looks at the orientation as well.
    """
    image = TiffImagePlugin.TiffImageFile(BytesIO(data), "")
    return np.asarray(image.convert("L" if image.mode == "L" else "RGB"))


def decode_by_tifffile(page: TiffPage, strip: memoryview, number: int) -> NDArray[Any]:
    """A strip or tile of a rare compression, of shape (h, w, channels).

    Raises
    ------
    ImageRefused
        If ``imagecodecs``, which tifffile needs for it, is not there, or does not know it either.
    """
    from tifffile import TIFF

    compression = int(page.compression)
    if compression not in TIFF.DECOMPRESSORS:
        raise ImageRefused(_why_not(compression))
    decoded, _, _ = page.decode(
        bytes(strip), number, jpegtables=page.jpegtables, jpegheader=page.jpegheader
    )
    assert decoded is not None  # it is of strips without bytes
    return decoded[0]  # of a volume the first slice


def _why_not(compression: int) -> str:
    what = f"TIFF with {name_of(compression)}"
    if compression in _BY_IMAGECODECS:
        return missing(what, "imagecodecs", "codecs")
    return f"{what}: not read here"
