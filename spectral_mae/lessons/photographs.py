"""Photographs for lessons: one of your own, or a built-in one."""

from __future__ import annotations

import os
from pathlib import Path

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.images.cropping import resize_and_crop
from spectral_mae.images.image import read_image

ENDINGS = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", ".heic"}


def photograph(
    path: str | os.PathLike[str] | None = None, size: int = 128, *, builtin: str = "camera"
) -> FloatArray:
    """Read a photograph of your own, in gray, as a square; or a built-in one.

    The shorter side is resized to ``size``, and the middle is cropped.

    Parameters
    ----------
    path : path or None
        An image file. None, or an empty text, takes the built-in photograph.
    size : int
        Pixels along each axis of the result.
    builtin : str
        Name of the built-in photograph, one of scikit-image's: "camera", "cat", "coffee", ...

    Returns
    -------
    ndarray, shape (size, size)
        Gray values from 0 (black) to 1 (white). Resizing may overshoot this range a little.

    Raises
    ------
    FileNotFoundError
        If there is no such file; the message lists image files that are near.
    ImageRefused
        If the file cannot be read as an image.

    Examples
    --------
    >>> photograph(size=64).shape
    (64, 64)
    >>> photograph("holiday.jpg")
    Traceback (most recent call last):
    FileNotFoundError: there is no file 'holiday.jpg' in ...
    """
    size = _checks.positive_int("size", size)
    if not isinstance(builtin, str):
        raise TypeError(f"builtin={_checks.brief(builtin)} is not a name")
    if path is None or (isinstance(path, str) and not path):
        return resize_and_crop(read_image(f"builtin:{builtin}"), size).pixels
    file = Path(_checks.path("path", path))
    if not file.exists() and not str(path).startswith("builtin:"):
        folder = file.parent
        near = sorted(p.name for p in folder.glob("*") if p.suffix.lower() in ENDINGS)
        there = f"image files there: {', '.join(near[:8])}" if near else "no image file is there"
        raise FileNotFoundError(f"there is no file {file.name!r} in {folder.resolve()}; {there}")
    return resize_and_crop(read_image(path), size).pixels
