"""Netpbm's formats: PBM, PGM, PPM and PAM of any maximum, and PFM; values exactly as they stand.

The formats are those of Netpbm's manual, https://netpbm.sourceforge.net/doc/ (pbm, pgm, ppm, pam
and pfm, section 5).
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae.images.samples import ImageRefused, Raster, check_size

_CHANNELS = {b"1": 1, b"2": 1, b"3": 3, b"4": 1, b"5": 1, b"6": 3, b"f": 1, b"F": 3}
_NAMES = {b"1": "PBM", b"2": "PGM", b"3": "PPM", b"4": "PBM", b"5": "PGM", b"6": "PPM"}
# a number of a header, with the white space and the comments before it
_NUMBER = re.compile(rb"(?:\s|#[^\r\n]*[\r\n])*(\d{1,10})(?=[\s#]|$)")
_PFM_HEADER = re.compile(rb"P([Ff])\s+(\d{1,10})\s+(\d{1,10})\s+(\S{1,40}?)(?:[ \t\r]*\n|\s)")
_PAM_END = re.compile(rb"\nENDHDR[^\n]*\n")


def read_netpbm(data: bytes, max_pixels: int, notes: list[str]) -> Raster:
    r"""The first image of a file in one of Netpbm's formats.

    Parameters
    ----------
    data : bytes
        The whole file.
    max_pixels : int
        Larger images are refused.
    notes : list of str
        Receives what was done that changes what a spectrum means.

    Returns
    -------
    Raster
        The samples and their meaning.

    Raises
    ------
    ImageRefused
        If the header makes no sense, or there are too few samples, or one above the maximum.

    Examples
    --------
    >>> notes = []
    >>> read_netpbm(b"P5 2 1 11\n\x03\x0b", 100, notes).pixels(notes, color=False)
    array([[0.27272727, 1.        ]])
    """
    kind = data[1:2]
    if kind == b"7":
        return _pam(data, max_pixels, notes)
    if kind in b"Ff":
        return _pfm(data, max_pixels, notes)
    name = _NAMES[kind]
    (width, height, *others), at = _numbers(data, 2 if name == "PBM" else 3, name)
    maximum = others[0] if others else 1
    _check_header(width, height, maximum, name, max_pixels)
    shape = (height, width) if _CHANNELS[kind] == 1 else (height, width, 3)
    if kind in b"123":
        samples = _plain(data[at:], shape, name)
    elif kind == b"4":
        packed = _raw(data, at + 1, (height, (width + 7) // 8), "u1", name, notes)
        samples = np.unpackbits(packed, axis=1, count=width)
    else:
        samples = _raw(data, at + 1, shape, _dtype(maximum), name, notes)
    _check_samples(samples, maximum, name)
    if name == "PBM":
        return Raster.integers(samples, 1, white_is_zero=True)
    return Raster.of(samples, white=float(maximum))


def _numbers(data: bytes, count: int, name: str) -> tuple[list[int], int]:
    """So many numbers of the header, and where the one white space behind them is."""
    numbers, at = [], 2
    for _ in range(count):
        found = _NUMBER.match(data, at)
        if found is None:
            raise ImageRefused(f"damaged {name}: its header holds no size and maximum")
        numbers.append(int(found[1]))
        at = found.end()
    if data[at : at + 1] == b"#":  # a comment, whose end of line is that white space
        at = max(data.find(b"\n", at), at)
    return numbers, at


def _check_header(width: int, height: int, maximum: int, name: str, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise ImageRefused(f"damaged {name}: its header says {height}x{width} pixels")
    if not 1 <= maximum <= 65535:
        raise ImageRefused(f"damaged {name}: its maximum is {maximum}, not 1 to 65535")
    check_size(height, width, max_pixels)


def _check_samples(samples: NDArray[Any], maximum: int, name: str) -> None:
    if (largest := int(samples.max())) > maximum:
        raise ImageRefused(f"damaged {name}: a sample is {largest}, and its maximum is {maximum}")


def _plain(text: bytes, shape: tuple[int, ...], name: str) -> NDArray[Any]:
    """Samples as decimal numbers; those of a PBM as digits, with or without space between."""
    count = math.prod(shape)
    text = re.sub(rb"#[^\r\n]*", b"", text)
    bad = re.search(rb"[^\d\s]\S{,9}|\d{10}" if name != "PBM" else rb"[^01\s]\S{,9}", text)
    good = text[: bad.start()] if bad else text
    if name == "PBM":
        digits = good.translate(None, b" \t\n\v\f\r")
        samples = np.frombuffer(digits, np.uint8)[:count] - np.uint8(ord("0"))
    else:
        # all of them first: told a count, NumPy fills up what is missing with whatever lies there
        samples = np.fromstring(good.strip(), np.uint32, sep=" ")[:count]
    if samples.size < count:
        why = f"{bad[0].decode('latin-1')!r} is no sample" if bad else "truncated"
        raise ImageRefused(f"damaged {name}: {why}, after {samples.size} of {count} samples")
    return samples.reshape(shape)


def _dtype(maximum: int) -> str:
    return "u1" if maximum < 256 else ">u2"


def _raw(
    data: bytes, start: int, shape: tuple[int, ...], dtype: str, name: str, notes: list[str]
) -> NDArray[Any]:
    """Samples as bytes; a note if images follow."""
    count = math.prod(shape)
    end = start + count * np.dtype(dtype).itemsize
    if len(data) < end:
        found = f"{max(0, len(data) - start)} of {end - start} bytes of pixels"
        raise ImageRefused(f"damaged {name}: truncated, {found}")
    if re.match(rb"\s*P[1-7]\s", data[end : end + 20]):
        notes.append("first of several images")
    return np.frombuffer(data, dtype, count, start).reshape(shape)


def _pam(data: bytes, max_pixels: int, notes: list[str]) -> Raster:
    end = _PAM_END.search(data, 0, 2**16)
    if end is None:
        raise ImageRefused("damaged PAM: its header has no end")
    fields: dict[str, str] = {}
    for line in data[3 : end.start()].decode("latin-1").split("\n"):
        key, *rest = line.split(maxsplit=1)
        if not line.startswith("#") and key:
            fields[key] = rest[0].strip() if rest else ""
    try:
        width, height, depth, maximum = (
            int(fields[key]) for key in ("WIDTH", "HEIGHT", "DEPTH", "MAXVAL")
        )
    except (KeyError, ValueError):
        raise ImageRefused("damaged PAM: its header lacks a size, a depth or a maximum") from None
    if depth < 1:
        raise ImageRefused(f"damaged PAM: its depth is {depth}")
    _check_header(width, height, maximum, "PAM", max_pixels)
    shape = (height, width) if depth == 1 else (height, width, depth)
    samples = _raw(data, end.end(), shape, _dtype(maximum), "PAM", notes)
    _check_samples(samples, maximum, "PAM")
    tuples = fields.get("TUPLTYPE", "")
    if "CMYK" in tuples:
        raise ImageRefused(f"PAM of tuple type {tuples}, not read here: convert it to RGB")
    # a black-and-white PAM has 1 for white, unlike PBM
    opacity = tuples.endswith("_ALPHA") and depth in (2, 4)
    return Raster.of(samples, white=float(maximum), alpha="straight" if opacity else None)


def _pfm(data: bytes, max_pixels: int, notes: list[str]) -> Raster:
    header = _PFM_HEADER.match(data)
    scale = _number(header[4]) if header else 0.0
    if header is None or not np.isfinite(scale) or scale == 0:
        raise ImageRefused("damaged PFM: its header holds no size and scale")
    width, height = int(header[2]), int(header[3])
    _check_header(width, height, 1, "PFM", max_pixels)
    shape = (height, width) if header[1] == b"f" else (height, width, 3)
    if abs(scale) != 1:
        notes.append(f"scale factor {abs(scale):g} not applied")
    samples = _raw(data, header.end(), shape, "<f4" if scale < 0 else ">f4", "PFM", notes)
    return Raster.floats(samples[::-1])  # rows from the bottom up


def _number(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
