"""What the first bytes of an image file say: its format, and the depths that decoders lose."""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

# Bytes, where they are, and the format. No signature of the package's own is used.
SIGNATURES: tuple[tuple[bytes, int, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", 0, "PNG"),
    (b"\xff\xd8\xff\xf7", 0, "JPEG-LS"),
    (b"\xff\xd8\xff", 0, "JPEG"),
    *((mark, 0, "TIFF") for mark in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    (b"BM", 0, "BMP"),
    (b"GIF8", 0, "GIF"),
    (b"WEBP", 8, "WebP"),
    (b"\xff\x4f\xff\x51", 0, "JPEG 2000"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", 0, "JPEG 2000"),
    (b"qoif", 0, "QOI"),
    (b"\xff\x0a", 0, "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", 0, "JPEG XL"),
    *((b"ftyp" + brand, 4, "HEIF") for brand in (b"hei", b"hev", b"mif1", b"msf1")),
    (b"DDS ", 0, "DDS"),
    (b"8BPS", 0, "PSD"),
    (b"\x01\xda", 0, "SGI"),
    (b"\x59\xa6\x6a\x95", 0, "Sun raster"),
    (b"#?RADIANCE", 0, "Radiance HDR"),
    (b"#?RGBE", 0, "Radiance HDR"),
    (b"v/1\x01", 0, "OpenEXR"),
    (b"II\xbc", 0, "JPEG XR"),
    (b"\0\0\1\0", 0, "ICO"),
)
# Formats without a signature that is theirs alone, by the ending of the name.
ENDINGS = {
    "tga": "TGA", "pcx": "PCX", "cur": "CUR", "icns": "ICNS", "xbm": "XBM", "xpm": "XPM",
}  # fmt: skip
OTHER = "other"
BIT_FIELDS = (3, 6)  # compressions of a BMP: three masks, or four


def format_of(data: bytes, name: str) -> str:
    """The format of a file by its first 64 bytes, else by its name, else `OTHER`."""
    if data[4:8] == b"ftyp" and (b"avif" in data[8:40] or b"avis" in data[8:40]):
        return "AVIF"  # the first brand may be that of HEIF
    for mark, at, found in SIGNATURES:
        if data[at : at + len(mark)] == mark:
            return found
    if re.match(rb"P[1-6Ff]\s|P7\n", data):
        return "Netpbm"
    return ENDINGS.get(name.rpartition(".")[2].lower(), OTHER)


class JpegFrame(NamedTuple):
    """Of a JPEG: bits of a sample, channels, and whether Adobe's marker stands in the file."""

    bits: int
    channels: int
    adobe: bool


def jpeg_frame(data: bytes) -> JpegFrame:
    """The frame header; 8 bits and no channels if there is none."""
    at, adobe = 2, False
    while at + 10 <= len(data):
        marker = data[at + 1]
        if data[at] != 0xFF or marker in (0x00, 0xFF) or 0xD0 <= marker <= 0xD8:
            at += 1
            continue
        adobe |= marker == 0xEE and data[at + 4 : at + 9] == b"Adobe"
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return JpegFrame(data[at + 4], data[at + 9], adobe)
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return JpegFrame(8, 0, adobe)


def jpeg2000_depths(data: bytes) -> list[int]:
    """Bits of each component, from the SIZ marker."""
    at = data.index(b"\xff\x4f\xff\x51") + 4
    (n,) = struct.unpack_from(">H", data, at + 36)
    return [(data[at + 38 + 3 * component] & 0x7F) + 1 for component in range(n)]


def avif_depth(data: bytes) -> int:
    """Bits of a sample, from the configuration of the AV1 decoder."""
    at = data.find(b"av1C")
    flags = data[at + 6] if 0 <= at < len(data) - 6 else 0
    return 8 if not flags & 0x40 else 12 if flags & 0x20 else 10


def netpbm_top(data: bytes) -> int:
    """The value of white in a Netpbm file; 0 for one of floats."""
    kind = data[1:2].decode("ascii")
    words = re.sub(rb"#[^\n]*", b"", data[2:4096]).split()
    if kind in "14":
        return 1
    if kind in "Ff":
        return 0
    return int(words[words.index(b"MAXVAL") + 1] if kind == "7" else words[2])


class BmpHeader(NamedTuple):
    """Bits of a pixel, and how they are compressed."""

    bits: int
    compression: int


def bmp_header(data: bytes) -> BmpHeader:
    """Of a BMP of any age."""
    (size,) = struct.unpack_from("<I", data, 14)
    if size < 16:
        return BmpHeader(struct.unpack_from("<H", data, 24)[0], 0)
    compression = struct.unpack_from("<I", data, 30)[0] if size >= 40 else 0
    return BmpHeader(struct.unpack_from("<H", data, 28)[0], compression)
