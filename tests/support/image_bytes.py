"""Image files made by hand, byte by byte, and what they hold."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import pytest
from numpy.typing import NDArray
from PIL import Image

from spectral_mae.images.image import LoadedImage, read_file

Array = NDArray[Any]
GRAY = np.array([[0, 1, 128], [200, 254, 255]], dtype=np.uint8)
COLOR = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [10, 20, 30]]], dtype=np.uint8)
DEEP = np.array([[0, 1, 255], [256, 40000, 65535]], dtype=np.uint16)
FLOATS = np.array([[0.0, 0.25], [0.5, 1.0]], dtype=np.float32)
ALPHA = np.array([[255, 0], [128, 255]], dtype=np.uint8)
SINCE_13 = pytest.mark.skipif(int(PIL.__version__.split(".")[0]) < 13, reason="new in Pillow 13")


# what Pillow can write, by its names, and the names people know
FORMS = {
    "PNG": "PNG",
    "JPEG": "JPEG",
    "TIFF": "TIFF",
    "BMP": "BMP",
    "GIF": "GIF",
    "WEBP": "WebP",
    "PPM": "PPM",
    "JPEG2000": "JPEG 2000",
}


def encoded(image: Image.Image | Array, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    image.save(buffer, form, **options)
    return buffer.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    shape: tuple[int, int], depth: int, kind: int, rows: bytes, *extra: bytes, filter_type: int = 0
) -> bytes:
    """Rows of packed samples, without the filter byte that PNG puts before each."""
    height, width = shape
    width_bytes = len(rows) // height
    filtered = b"".join(
        bytes([filter_type]) + rows[at : at + width_bytes]
        for at in range(0, len(rows), width_bytes)
    )
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    parts = (chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(filtered)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def tiff(
    samples: Array, *, deflate: bool = False, planar: bool = False, **tags: list[int]
) -> bytes:
    """A TIFF in the byte order and type of ``samples``: (H, W), (H, W, C), or (C, H, W) planar.

    ``tags`` named ``t<number>`` are written as they are and win over what the samples imply.
    """
    order = ">" if samples.dtype.str[0] == ">" else "<"
    channels = 1 if samples.ndim == 2 else samples.shape[0 if planar else -1]
    height, width = samples.shape[-2:] if planar else samples.shape[:2]
    planes = list(samples) if planar else [samples]
    strips = [zlib.compress(plane.tobytes()) if deflate else plane.tobytes() for plane in planes]
    starts = [8 + sum(map(len, strips[:i])) for i in range(len(strips))]
    fields = {
        256: [width],
        257: [height],
        258: [samples.dtype.itemsize * 8] * channels,
        259: [8 if deflate else 1],
        262: [1 if channels < 3 else 2],
        273: starts,
        277: [channels],
        278: [height],
        279: [len(strip) for strip in strips],
        284: [2 if planar else 1],
        339: ["uif".index(samples.dtype.kind) + 1] * channels,
    } | {int(name[1:]): values for name, values in tags.items()}
    body = b"".join(strips)
    entries, overflow = b"", b""
    table = 8 + len(body)
    overflow_at = table + 2 + 12 * len(fields) + 4
    for tag, values in sorted(fields.items()):
        packed = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            inline = struct.pack(f"{order}I", overflow_at + len(overflow))
            overflow += packed
        else:
            inline = packed
        entries += struct.pack(f"{order}HHI", tag, 4, len(values)) + inline
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(f"{order}I", table)
    count = struct.pack(f"{order}H", len(fields))
    return head + body + count + entries + struct.pack(f"{order}I", 0) + overflow


def read(data: bytes, tmp_path: Path, **options: Any) -> LoadedImage:
    path = tmp_path / "image.dat"
    path.write_bytes(data)
    return read_file(path, **options)


PHOTO = np.random.default_rng(0).integers(0, 256, (24, 20, 3), dtype=np.uint8)
