"""Formats of image files: their names, the endings of file names, and their first bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

ENOUGH = 1024  # bytes from which a format is known


@dataclass(frozen=True, slots=True)
class Format:
    """A format of image files.

    Attributes
    ----------
    name : str
        As people know it.
    endings : tuple of str
        Of file names, in lower case, by which folders and archives are searched. None for what
        is no raster image, or shares its ending with something else.
    owns : callable
        Whether the first `ENOUGH` bytes of a file are of this format.
    """

    name: str
    endings: tuple[str, ...]
    owns: Callable[[bytes], bool]


def format_of(data: bytes) -> str | None:
    r"""Return the name of the format of a file, determined by its first bytes.

    Parameters
    ----------
    data : bytes
        The file, or its first `ENOUGH` bytes.

    Returns
    -------
    str or None
        None if the format is unknown.

    Examples
    --------
    >>> format_of(b"P7\nWIDTH 1\n"), format_of(b"8BPS\0\1"), format_of(b"dear diary")
    ('PAM', 'PSD', None)
    """
    head = bytes(data[:ENOUGH])
    return next((known.name for known in FORMATS if known.owns(head)), None)


def _begins(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(signatures)


def _matches(pattern: bytes) -> Callable[[bytes], bool]:
    compiled = re.compile(pattern, re.DOTALL)
    return lambda head: compiled.match(head) is not None


def _brands(*brands: bytes) -> Callable[[bytes], bool]:
    """Of files in ISO's box format: their major brand, and those they are compatible with."""

    def owns(head: bytes) -> bool:
        if head[4:8] != b"ftyp":
            return False
        named = head[8 : max(16, min(int.from_bytes(head[:4], "big"), len(head)))]
        listed = {named[at : at + 4] for at in (0, *range(8, len(named), 4))}
        return not listed.isdisjoint(brands)

    return owns


def _bitmap(head: bytes) -> bool:
    # two letters that words begin with, too: the size of the second header tells, or one plane
    size = int.from_bytes(head[14:18], "little")
    known = size in (12, 108, 124) or 16 <= size <= 64 or head[26:28] == b"\1\0"
    return head.startswith(b"BM") and (known or len(head) < 28)


def _targa(head: bytes) -> bool:
    # it has no signature, so all that its header can say must be possible
    if len(head) < 18:
        return False
    palette, kind, map_depth, depth = head[1], head[2], head[7], head[16]
    width, height = head[12] | head[13] << 8, head[14] | head[15] << 8
    depths = {1: (8,), 2: (15, 16, 24, 32), 3: (1, 8, 16)}.get(kind & ~8, ())
    mapped = map_depth in (15, 16, 24, 32) if palette else not any(head[3:8])
    indexed = palette == 1 or kind & 7 != 1
    return palette < 2 and indexed and mapped and depth in depths and width > 0 and height > 0


_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
_VIDEO = (b"isom", b"iso2", b"mp41", b"mp42", b"qt  ", b"M4V ", b"3gp4", b"3gp5")

FORMATS: tuple[Format, ...] = (
    Format("PNG", (".png", ".apng"), _begins(b"\x89PNG\r\n\x1a\n")),
    Format("JPEG-LS", (".jls",), _begins(b"\xff\xd8\xff\xf7")),
    # MPO, the format of stereo cameras and many phones, is a JPEG with more of them behind it
    Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), _begins(b"\xff\xd8\xff")),
    Format(
        "TIFF",
        (".tif", ".tiff", ".btf", ".tf8", ".lsm"),  # BigTIFF, and Zeiss's microscopes
        _begins(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    ),
    Format("BMP", (".bmp", ".dib"), _bitmap),
    Format("GIF", (".gif",), _begins(b"GIF87a", b"GIF89a")),
    Format("WebP", (".webp",), _matches(rb"RIFF....WEBP")),
    Format("PBM", (".pbm",), _matches(rb"P[14][\s#]")),
    Format("PGM", (".pgm",), _matches(rb"P[25][\s#]")),
    Format("PPM", (".ppm", ".pnm"), _matches(rb"P[36][\s#]")),
    Format("XV thumbnail", (), _begins(b"P7 332")),
    Format("PAM", (".pam",), _matches(rb"P7\s")),
    Format("PFM", (".pfm",), _matches(rb"P[Ff]\s")),
    Format(
        "JPEG 2000",
        (".jp2", ".j2k", ".jpx", ".jpf", ".j2c", ".jpc", ".jph", ".jhc"),
        _begins(b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n"),
    ),
    Format("QOI", (".qoi",), _begins(b"qoif")),
    Format("AVIF", (".avif", ".avifs"), _brands(b"avif", b"avis")),
    Format("HEIC", (".heic", ".heif", ".hif", ".heics", ".heifs"), _brands(*_HEIC)),
    Format("JPEG XL", (".jxl",), _begins(b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")),
    Format("DDS", (".dds",), _begins(b"DDS ")),
    Format("ICO", (".ico",), _matches(rb"\x00\x00\x01\x00[^\x00]\x00")),
    Format("CUR", (".cur",), _matches(rb"\x00\x00\x02\x00[^\x00]\x00")),
    Format("PSD", (".psd", ".psb"), _begins(b"8BPS")),
    Format("PCX", (".pcx",), _matches(rb"\n[\x00\x02\x03\x05][\x00\x01][\x01\x02\x04\x08]")),
    Format("JPEG XR", (".jxr", ".wdp", ".hdp"), _begins(b"II\xbc")),
    Format("OpenEXR", (".exr",), _begins(b"\x76\x2f\x31\x01")),
    Format("Radiance HDR", (), _begins(b"#?RADIANCE", b"#?RGBE")),
    Format("FITS", (".fits", ".fit"), _begins(b"SIMPLE  =")),
    Format("DICOM", (".dcm",), _matches(rb".{128}DICM")),
    Format("SGI", (".sgi",), _matches(rb"\x01\xda[\x00\x01][\x01\x02]\x00[\x01-\x03]")),
    Format("Sun raster", (".ras",), _begins(b"\x59\xa6\x6a\x95")),
    Format("ICNS", (".icns",), _begins(b"icns")),
    Format("MNG", (".mng", ".jng"), _begins(b"\x8aMNG\r\n", b"\x8bJNG\r\n")),
    Format("XCF (GIMP)", (".xcf",), _begins(b"gimp xcf")),
    Format("DjVu", (), _begins(b"AT&TFORM")),
    Format(
        "camera raw",
        (),
        lambda head: (
            _brands(b"crx ")(head)
            or head.startswith((b"FUJIFILMCCD-RAW", b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FOVb"))
            or head[6:14] == b"HEAPCCDR"
        ),
    ),
    Format("HEIF", (), _brands(b"mif1", b"msf1")),
    Format("video", (), _brands(*_VIDEO)),
    Format("PDF", (), _begins(b"%PDF-")),
    Format("PostScript", (), _begins(b"%!PS", b"\xc5\xd0\xd3\xc6")),
    Format("SVG", (), _matches(rb"(\xef\xbb\xbf)?\s*(<\?xml.*?|<!--.*?)?<(!DOCTYPE )?svg")),
    Format("TGA", (".tga", ".icb", ".vda", ".vst"), _targa),
)

SUFFIXES: frozenset[str] = frozenset(ending for known in FORMATS for ending in known.endings)
