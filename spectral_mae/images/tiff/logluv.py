"""LogLuv, the compression of high dynamic range in TIFF (G. W. Larson, J. Graphics Tools 3, 1998).

A pixel is 16 bits of log luminance, and with colour 8 bits each of u' and v' more. The bytes of a
row are run-length coded plane by plane, the highest first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae.images.samples import ImageRefused

# XYZ to the primaries of ITU-R BT.709 about an equal-energy white, as libtiff shows such files
_RGB_OF_XYZ = np.array([[2.690, -1.276, -0.414], [-1.022, 1.978, 0.044], [0.061, -0.224, 1.163]])


def decode_sgilog(strip: memoryview, rows: int, columns: int, channels: int) -> NDArray[np.float32]:
    """A strip or tile of SGI's log encoding, as linear luminance or RGB.

    Parameters
    ----------
    strip : memoryview
        The compressed strip.
    rows, columns : int
        Pixels of the strip.
    channels : int
        1 for LogL (16 bits a pixel), 3 for LogLuv (32 bits).

    Returns
    -------
    ndarray of float32, shape (rows, columns, channels)
        In the unit of the file, usually cd/m². RGB is linear, in the primaries of BT.709.

    Raises
    ------
    ImageRefused
        If the strip holds less.
    """
    n_planes = 2 if channels == 1 else 4
    planes = np.empty((rows, n_planes, columns), np.uint8)
    at = 0
    for row in planes:
        for plane in row:
            at = _expand(strip, at, plane)
    words = planes.swapaxes(1, 2).copy().view(f">u{n_planes}")[..., 0]
    if channels == 1:
        return _luminance(words).astype(np.float32)[..., np.newaxis]
    return _rgb(words).astype(np.float32)


def _expand(strip: memoryview, at: int, plane: NDArray[np.uint8]) -> int:
    """Fill a plane of a row from byte ``at`` on; return where the next one begins."""
    filled = 0
    while filled < len(plane):
        if at + 1 >= len(strip):
            raise ImageRefused("damaged TIFF: a strip or tile of LogLuv ends too soon")
        code = strip[at]
        if code >= 128:  # a run
            count = min(code - 126, len(plane) - filled)
            plane[filled : filled + count] = strip[at + 1]
            at += 2
        else:
            count = min(code, len(plane) - filled, len(strip) - at - 1)
            plane[filled : filled + count] = np.frombuffer(strip, np.uint8, count, at + 1)
            at += 1 + count
        filled += count
    return at


def _luminance(words: NDArray[Any]) -> NDArray[np.float64]:
    exponent = (words & 0x7FFF).astype(np.float64)
    magnitude = np.where(exponent == 0, 0.0, 2.0 ** ((exponent + 0.5) / 256 - 64))
    return np.where(words & 0x8000, -magnitude, magnitude)


def _rgb(words: NDArray[Any]) -> NDArray[np.float64]:
    y = _luminance(words >> 16)
    u, v = ((words >> 8 & 0xFF) + 0.5) / 410, ((words & 0xFF) + 0.5) / 410
    x, z = y * 9 * u / (4 * v), y * (12 - 3 * u - 20 * v) / (4 * v)  # u', v' of CIE 1976
    return np.stack([x, y, z], axis=-1) @ _RGB_OF_XYZ.T
