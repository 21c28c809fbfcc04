"""TIFF pages: what the tags say the samples are, and four decoders that unpack them."""

from __future__ import annotations

import io
import math
import warnings
from typing import Any

import numpy as np

from benchmarks.agreement.rules import Array, NoImage, Samples, by_channels

COLORS = {0: "gray", 1: "gray", 2: "rgb", 3: "palette", 5: "cmyk", 6: "ycc"}
FAX = (2, 3, 4, 32771)
JPEG = (6, 7, 33003, 33005, 34892)  # compressions that know Y′CbCr themselves


def by_tifffile(data: bytes) -> Samples:
    """The first page; ``imagecodecs`` undoes the compression."""
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        values = np.asarray(page.asarray())
        if "Z" in page.axes:
            values = values.take(0, axis=page.axes.index("Z"))
        if int(page.planarconfig) == 2 and page.samplesperpixel > 1:
            values = np.moveaxis(values.reshape(page.samplesperpixel, *values.shape[-2:]), 0, -1)
        return _meant(page, values)


def by_gdal(data: bytes) -> Samples:
    """The first page by GDAL's own reader; only the tags are read by ``tifffile``."""
    import rasterio
    import tifffile
    from rasterio.io import MemoryFile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        if int(page.photometric) in (5, 6):
            raise NoImage("GDAL converts some inks and some Y'CbCr, each in its own way")
        with warnings.catch_warnings(), rasterio.Env(), MemoryFile(data) as memory:
            warnings.simplefilter("ignore")
            with memory.open() as opened:
                values = np.moveaxis(opened.read(), 0, -1)
        if values.shape[-1] != page.samplesperpixel:
            raise NoImage(f"{values.shape[-1]} of {page.samplesperpixel} channels read by GDAL")
        return _meant(page, values)


def by_opencv(data: bytes) -> Samples:
    """The first page by libtiff as OpenCV uses it, where nothing is lost on the way."""
    import cv2
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        if page.extrasamples or page.samplesperpixel not in (1, 3):
            raise NoImage("OpenCV multiplies by opacity, and does not say when")
        if int(page.photometric) not in (0, 1, 2, 3, 6) or int(page.sampleformat) != 1:
            raise NoImage("neither gray nor colour, or signed, or floats")
        if page.bitspersample not in (1, 4, 8, 16):
            raise NoImage(f"OpenCV does not keep {page.bitspersample} bits")
        if page.bitspersample == 16 and int(page.planarconfig) == 2:
            raise NoImage("OpenCV mixes up planes of 16 bits")
        if int(page.photometric) == 3 and _is_deep(np.asarray(page.colormap)):
            raise NoImage("OpenCV keeps 8 of the 16 bits of a colour map")
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise NoImage("OpenCV cannot read it")
    values = np.asarray(values)
    values = values[..., ::-1] if values.ndim == 3 else values
    return by_channels(values, values.dtype.itemsize * 8)


def _is_deep(colors: Array) -> bool:
    low = colors & 255
    return bool(((low != 0) & (low != colors >> 8)).any())


def _meant(page: Any, values: Array) -> Samples:
    photometric, n = _photometric(page), int(page.samplesperpixel)
    bits = int(np.max(page.bitspersample))
    if values.dtype.kind in "iu" and values.dtype.itemsize * 8 < bits:
        raise NoImage(f"{bits} bits read as {values.dtype}")
    color = COLORS.get(photometric)
    if color is None:
        raise NoImage(f"photometric interpretation {photometric}")
    if color == "cmyk" and page.tags.valueof("InkSet", default=1) != 1:
        raise NoImage("inks that are not those of CMYK")
    if color == "ycc" and int(page.compression) in JPEG:
        color = "rgb"  # its decoder converts them
    if color == "ycc" and math.prod(page.subsampling or (1, 1)) > 1:
        raise NoImage("subsampled Y'CbCr")
    extra = {1: "premultiplied", 2: "straight"}.get(int(next(iter(page.extrasamples), 0)))
    if color == "rgb" and n == 4 and not page.extrasamples:
        extra = "straight"  # nothing is said of it; "unspecified" would leave it out
    if color == "gray" and n > 1 and (extra is None or n > 2):
        color = "channels"
    luma, ranges = map(page.tags.valueof, ("YCbCrCoefficients", "ReferenceBlackWhite"))
    return Samples(
        values,
        color,
        bits,
        extra,
        white_is_zero=photometric == 0,
        colormap=_colors(page) if color == "palette" else None,
        luma=_ratios(luma) if luma else (0.299, 0.587, 0.114),
        ranges=_ratios(ranges) if ranges else None,
        stored=_storage(page),
    )


def _photometric(page: Any) -> int:
    if "PhotometricInterpretation" in page.tags:
        return int(page.photometric)
    if page.samplesperpixel > 2:
        return 2
    return 0 if int(page.compression) in FAX else 1  # what libtiff takes it for


def _colors(page: Any) -> Array:
    colors = np.asarray(page.colormap).T
    if not (colors & 255).any():  # the upper bytes of 16 bits, and the lower ones left empty
        colors = colors >> 8
    return colors / (255.0 if colors.max() <= 255 else 65535.0)  # some writers keep 8 bits


def _ratios(values: Any) -> Any:
    return tuple(float(above) / below for above, below in np.reshape(values, (-1, 2)))


def _storage(page: Any) -> str:
    extras = [getattr(extra, "name", str(extra)).lower() for extra in page.extrasamples]
    parts = (
        getattr(page.photometric, "name", page.photometric),
        getattr(page.compression, "name", page.compression),
        "" if int(page.predictor) == 1 else f"predictor {int(page.predictor)}",
        "separate planes" if int(page.planarconfig) == 2 else "",
        f"extra samples {', '.join(extras)}" if extras else "",
        "" if int(page.fillorder) == 1 else "reversed bits",
    )
    return ", ".join(str(part) for part in parts if part)
