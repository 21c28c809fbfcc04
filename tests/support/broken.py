"""Files that are no good images, of twenty kinds and more, each made from a good one."""

import io
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image


def photograph(seed, shape=(48, 48, 3)):
    """Bytes of pixels with a falling spectrum."""
    rng = np.random.default_rng(seed)
    smooth = rng.standard_normal(shape).cumsum(axis=0).cumsum(axis=1)
    return (128 + 120 * smooth / np.abs(smooth).max()).astype(np.uint8)


def encoded(pixels, form, **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, **options)
    return buffer.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, *chunks):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


def half(form, share=0.5, **options):
    def make(seed):
        data = encoded(photograph(seed), form, **options)
        return data[: int(len(data) * share)]

    return make


def bad_checksum(seed):
    data = bytearray(encoded(photograph(seed), "PNG"))
    data[data.index(b"IDAT") + 40] ^= 0xFF
    return bytes(data)


def bomb(seed):
    """A PNG of 900 million pixels in a few kilobytes."""
    return png(30_000, 30_000, chunk(b"IDAT", zlib.compress(bytes(10**6))))


def not_a_number(seed):
    pixels = photograph(seed, (48, 48)).astype(np.float32)
    pixels[3, 4] = np.nan
    return encoded(pixels, "TIFF")


def bad_tiff(seed):
    data = encoded(photograph(seed), "TIFF")
    return data[:4] + struct.pack("<I", 2**31 - 1) + data[8:]


def bmp_with_wild_size(seed):
    data = bytearray(encoded(photograph(seed), "BMP"))
    data[18:26] = struct.pack("<ii", 2**30, 2**30)
    return bytes(data)


def random_bytes(seed):
    return np.random.default_rng(seed).bytes(500)


KINDS = {
    "empty": (".png", lambda seed: b""),
    "text": (".jpg", lambda seed: b"this is no image\n" * 10),
    "page": (".jpg", lambda seed: b"<!doctype html><title>404 Not Found</title>"),
    "drawing": (".png", lambda seed: b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    "zeros": (".jpg", lambda seed: bytes(1000)),
    "noise": (".png", random_bytes),
    "half-jpeg": (".jpg", half("JPEG")),
    "jpeg-header": (".jpg", half("JPEG", 0.02)),
    "half-png": (".png", half("PNG")),
    "half-gif": (".gif", half("GIF")),
    "half-webp": (".webp", half("WEBP")),
    "half-bmp": (".bmp", half("BMP")),
    "half-tiff": (".tif", half("TIFF", compression="tiff_lzw")),
    "half-ppm": (".ppm", half("PPM")),
    "half-jp2": (".jp2", half("JPEG2000", 0.1)),
    "checksum": (".png", bad_checksum),
    "no-pixels": (".png", lambda seed: png(48, 48)),
    "bomb": (".png", bomb),
    "wild-bmp": (".bmp", bmp_with_wild_size),
    "wild-tiff": (".tif", bad_tiff),
    "nan": (".tif", not_a_number),
    "tiny": (".png", lambda seed: encoded(photograph(seed, (3, 2)), "PNG")),
}


def write_archive(path, n, share=0.02, good=None):
    """A zip of ``n`` entries, the given share of them broken; returns the names of those."""
    rng = np.random.default_rng(0)
    bad = set(rng.choice(n, round(share * n), replace=False).tolist()) if share else set()
    goods = good or [encoded(photograph(i), "JPEG") for i in range(10)]
    names = []
    kinds = list(KINDS.items())
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(n):
            if number in bad:
                kind, (suffix, make) = kinds[len(names) % len(kinds)]
                name = f"{number:06d}-{kind}{suffix}"
                names.append(name)
                archive.writestr(name, make(number), zipfile.ZIP_DEFLATED)
            else:
                archive.writestr(f"{number:06d}.jpg", goods[number % len(goods)])
    return names
