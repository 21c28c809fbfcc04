"""Decoders of images that share no code with the package: who knows a format, and what it makes.

Each gives `Samples`: the numbers as they are in the file, where it can, and what they mean. A
decoder that is known to read some kind of file wrongly, or with fewer bits than the file has,
refuses it here and says why, so that what is left to differ asks for an explanation.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.agreement import headers, pages
from benchmarks.agreement.bit_fields import by_bit_fields
from benchmarks.agreement.rules import Array, NoImage, Samples, by_channels

Decode = Callable[[bytes], Samples]


@dataclass(frozen=True)
class Decoder:
    """One way to read a format.

    Attributes
    ----------
    name, package : str
        What it is called, and the module that must be installed.
    decode : callable
        From the bytes of a file to `Samples`, or any exception.
    """

    name: str
    package: str
    decode: Decode

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.package) is not None


def asked(kind: str) -> tuple[Decoder, ...]:
    """Who is asked about a format, the most trusted first.

    imageio, which reads with Pillow, is asked where nobody else is: whether there is an image.
    """
    found = tuple(decoder for decoder in DECODERS.get(kind, ()) if decoder.installed)
    return found or ((_IMAGEIO,) if _IMAGEIO.installed else ())


# --- imagecodecs: the reference libraries of most formats, with the depth of the file

CODECS = {
    "PNG": "png", "JPEG": "jpeg", "WebP": "webp", "GIF": "gif", "BMP": "bmp", "QOI": "qoi",
    "JPEG 2000": "jpeg2k", "JPEG XL": "jpegxl", "JPEG XR": "jpegxr", "JPEG-LS": "jpegls",
    "AVIF": "avif", "Radiance HDR": "rgbe", "DDS": "dds",
}  # fmt: skip
ANIMATED = ("WebP", "GIF", "AVIF", "JPEG XL")


def _imagecodecs(kind: str) -> Decoder:
    def decode(data: bytes) -> Samples:
        import imagecodecs

        if kind == "BMP" and _has_fields(data):
            raise NoImage("imagecodecs rounds fields of few bits down, and reads wide ones wrongly")
        options = {"index": 0} if kind in ANIMATED else {}
        values = np.asarray(getattr(imagecodecs, f"{CODECS[kind]}_decode")(data, **options))
        if kind == "DDS" and values.ndim == 3 and values.shape[-1] == 2:
            values = np.dstack([values, np.zeros_like(values[..., 0])])  # red and green
        frame = headers.jpeg_frame(data) if kind == "JPEG" else None
        if frame and frame.channels == 4:
            inks = 2**frame.bits - 1 - values if frame.adobe else values
            return Samples(inks, "cmyk", frame.bits)
        return by_channels(values, _depth(kind, data, values))

    return Decoder("imagecodecs", "imagecodecs", decode)


def _has_fields(data: bytes) -> bool:
    bits, compression = headers.bmp_header(data)
    return bits == 16 or compression in headers.BIT_FIELDS


def _depth(kind: str, data: bytes, values: Array) -> int:
    if kind == "JPEG 2000":
        depths = headers.jpeg2000_depths(data)
        if len(set(depths)) > 1:
            raise NoImage(f"channels of {depths} bits")
        return depths[0]
    if kind == "JPEG":
        return headers.jpeg_frame(data).bits
    if kind == "AVIF":
        return headers.avif_depth(data)
    return values.dtype.itemsize * 8


# --- OpenCV, unchanged


def _opencv(kind: str) -> Decoder:
    def decode(data: bytes) -> Samples:
        import cv2

        if (reason := _opencv_loses(kind, data)) is not None:
            raise NoImage(reason)
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if values is None:
            raise NoImage("OpenCV cannot read it")
        values = np.asarray(values)
        if values.ndim == 3 and values.shape[-1] in (3, 4):
            values = values[..., [2, 1, 0, 3][: values.shape[-1]]]
        return by_channels(values, values.dtype.itemsize * 8)

    return Decoder("OpenCV", "cv2", decode)


def _opencv_loses(kind: str, data: bytes) -> str | None:
    if kind == "JPEG 2000" and set(headers.jpeg2000_depths(data)) - {8, 16}:
        return "OpenCV shifts depths other than 8 and 16 bits"
    if kind == "BMP" and _has_fields(data):
        return "OpenCV shifts 5 and 6 bits, and passes over bit masks"
    if kind == "PNG" and b"acTL" in data:
        return "OpenCV passes over the default image of an animation"
    if kind == "JPEG" and headers.jpeg_frame(data).channels == 4:
        return "OpenCV converts inks in its own way"
    if kind == "Netpbm" and headers.netpbm_top(data) not in (0, 1, 255, 65535):
        return "OpenCV does not stretch other ranges"
    return None


# --- FFmpeg: decoders of its own for nearly everything

AV_CODECS = {
    "BMP": "bmp", "PNG": "png", "PCX": "pcx", "DDS": "dds", "PSD": "psd", "SGI": "sgi",
    "Sun raster": "sunrast", "TGA": "targa", "QOI": "qoi", "XBM": "xbm",
}  # fmt: skip
AV_BITS = {"gray16": 16, "rgb48": 16, "rgba64": 16, "gray10": 10, "gray12": 12}
AV_SAME = {  # pixels of few bits, and such that PyAV gives no array of
    "monob": "gray", "monow": "gray", "bgr0": "rgb24", "rgb0": "rgb24", "0rgb": "rgb24",
    "rgb555le": "rgb24", "rgb565le": "rgb24", "bgr565le": "rgb24", "bgr555le": "rgb24",
    "gbrp": "rgb24", "gbrap": "rgba", "bgra": "rgba", "argb": "rgba", "abgr": "rgba",
    "bgr24": "rgb24", "ya8": "rgba",
}  # fmt: skip
DXGI_WRONG = (27, 28, 29, 82, 83, 84)  # R8G8B8A8, BC5
AV_ARRAYS = ("gray", "gray10", "gray12", "gray16", "rgb24", "rgba", "rgb48", "rgba64", "pal8")


def _ffmpeg(kind: str) -> Decoder:
    def decode(data: bytes) -> Samples:
        import av

        if (reason := _ffmpeg_loses(kind, data)) is not None:
            raise NoImage(reason)
        if kind in ("GIF", "ICO"):
            with av.open(io.BytesIO(data), format=kind.lower()) as file:
                largest = max(file.streams.video, key=lambda stream: stream.width or 0)
                frame = next(file.decode(largest), None)
        else:
            codec = av.CodecContext.create(AV_CODECS[kind], "r")
            frame = next(iter([*codec.decode(av.Packet(data)), *codec.decode(None)]), None)
        if frame is None:
            raise NoImage("FFmpeg found no frame")
        found = _of_frame(frame)
        if kind == "ICO" and found.color == "palette":
            raise NoImage("FFmpeg passes over the mask of an icon of few colours")
        if kind == "BMP" and headers.bmp_header(data) == (32, 0) and found.alpha:
            return Samples(found.values[..., :3], "rgb")  # its fourth byte means nothing
        return found

    return Decoder("FFmpeg", "av", decode)


def _ffmpeg_loses(kind: str, data: bytes) -> str | None:
    if kind == "BMP" and _has_fields(data):
        return "FFmpeg widens fields to 8 bits in its own way"
    if kind == "DDS" and data[84:88] in (b"ATI2", b"BC5U", b"BC5S"):
        return "FFmpeg makes a third channel of two"
    if kind == "DDS" and data[84:88] == b"DX10" and data[128] in DXGI_WRONG:
        return "FFmpeg mixes up red and blue, or makes a third channel of two"
    if kind == "TGA" and data[2:3] in (b"\3", b"\x0b") and data[16] == 16:
        return "FFmpeg takes gray and opacity for a colour of 15 bits"
    if kind == "TGA" and data[16] == 32 and not data[17] & 0x0F:
        return "FFmpeg takes the fourth byte for opacity, which has no bits by the header"
    return None


def _of_frame(frame: Any) -> Samples:
    name = AV_SAME.get(frame.format.name, frame.format.name)
    plain = name.removesuffix("le").removesuffix("be")
    if plain not in AV_ARRAYS:
        raise NoImage(f"FFmpeg's pixels of kind {name}")
    if plain == "pal8":
        index, colors = frame.to_ndarray()
        argb = np.asarray(colors).reshape(-1, 4) / 255.0
        return Samples(np.asarray(index), "palette", colormap=argb[:, [1, 2, 3, 0]])
    values = np.asarray(frame.to_ndarray(format=name))
    return by_channels(values, AV_BITS.get(plain, 8))


# --- netpbmfile, pillow_heif, imageio


def by_netpbmfile(data: bytes) -> Samples:
    """All of PBM, PGM, PPM, PAM and PFM, divided by the range that the file names."""
    import netpbmfile

    with netpbmfile.NetpbmFile(io.BytesIO(data)) as file:
        values, kind = np.asarray(file.asarray()), file.magicnumber
        top, tuples = float(file.maxval), str(getattr(file, "tupltype", "")).upper()
    values = values.reshape(values.shape[-3:]) if values.ndim > 3 else values
    if values.dtype.kind != "f":
        values = values / top
    if values.ndim == 3 and values.shape[-1] in (2, 4) and "ALPHA" not in tuples:
        return Samples(values, "channels")
    found = by_channels(values, 0)
    return Samples(1.0 - found.values) if kind in ("P1", "P4") else found


def by_pillow_heif(data: bytes) -> Samples:
    """HEIF through libheif."""
    import pillow_heif

    values = np.asarray(pillow_heif.read_heif(data, convert_hdr_to_8bit=False))
    return by_channels(values, values.dtype.itemsize * 8)


def by_imageio(data: bytes) -> Samples:
    """What Pillow reads."""
    import imageio.v3

    values = np.asarray(imageio.v3.imread(data, index=0, plugin="pillow"))
    return by_channels(values, values.dtype.itemsize * 8)


_IMAGEIO = Decoder("imageio", "imageio", by_imageio)
DECODERS: dict[str, tuple[Decoder, ...]] = {
    "TIFF": (
        Decoder("GDAL", "rasterio", pages.by_gdal),
        Decoder("tifffile", "tifffile", pages.by_tifffile),
        Decoder("OpenCV", "cv2", pages.by_opencv),
    ),
    "Netpbm": (Decoder("netpbmfile", "netpbmfile", by_netpbmfile), _opencv("Netpbm")),
    "HEIF": (Decoder("pillow_heif", "pillow_heif", by_pillow_heif),),
    "AVIF": (_imagecodecs("AVIF"), _opencv("AVIF")),
    "PNG": (_imagecodecs("PNG"), _opencv("PNG"), _ffmpeg("PNG")),
    "BMP": (
        Decoder("bit fields", "numpy", by_bit_fields),
        _ffmpeg("BMP"),
        _imagecodecs("BMP"),
        _opencv("BMP"),
    ),
    "GIF": (_ffmpeg("GIF"), _opencv("GIF"), _imagecodecs("GIF")),
    "JPEG": (_imagecodecs("JPEG"), _opencv("JPEG")),
    "WebP": (_imagecodecs("WebP"), _opencv("WebP")),
    "JPEG 2000": (_imagecodecs("JPEG 2000"), _opencv("JPEG 2000")),
    "JPEG XL": (_imagecodecs("JPEG XL"),),
    "JPEG XR": (_imagecodecs("JPEG XR"),),
    "JPEG-LS": (_imagecodecs("JPEG-LS"),),
    "QOI": (_imagecodecs("QOI"), _ffmpeg("QOI")),
    "DDS": (_imagecodecs("DDS"), _ffmpeg("DDS")),
    "Radiance HDR": (_imagecodecs("Radiance HDR"), _opencv("Radiance HDR")),
    "OpenEXR": (_opencv("OpenEXR"),),
    "Sun raster": (_ffmpeg("Sun raster"), _opencv("Sun raster")),
    **{kind: (_ffmpeg(kind),) for kind in ("PCX", "PSD", "SGI", "TGA", "XBM", "ICO")},
}
