"""Files of masks: NumPy arrays of many masks, and images of one mask each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._files.array_file import read_arrays
from spectral_mae.images.containers.selector import is_remote, split_selector
from spectral_mae.images.reader import Reader
from spectral_mae.images.references import ImageReference
from spectral_mae.images.samples import ImageRefused
from spectral_mae.images.sources import find_sources

NEARLY = 0.02  # how far gray values of a mask may be from black and white
SUFFIXES = (".npy", ".npz")


def is_mask_file(text: str) -> bool:
    """Whether a text is the name of a file of masks, by its ending.

    Parameters
    ----------
    text : str
        A path, or anything else.

    Returns
    -------
    bool
        True for ``.npy`` and ``.npz``.
    """
    return text.lower().endswith(SUFFIXES)


def read_mask_array(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read the masks of a file; nothing in it is executed.

    Parameters
    ----------
    path : str or path-like
        An npy file, or an npz file with one array.

    Returns
    -------
    ndarray
        As it lies in the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds no array, or several.
    """
    path = _checks.path("path", path)
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file of masks {path!r}")
    if path.lower().endswith(".npz"):
        arrays = read_arrays(path)
        if len(arrays) != 1:
            raise ValueError(f"{path!r} holds {len(arrays)} arrays {sorted(arrays)}; one is needed")
        return next(iter(arrays.values()))
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (EOFError, ValueError) as error:
        # What NumPy says of pickles is an advice to trust the file.
        reason = "no npy file, or one with objects" if "pickle" in str(error) else str(error)
        raise ValueError(f"{path!r} is not a file of masks: {reason}") from error


def read_masks(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read the masks of a file or of a folder.

    Parameters
    ----------
    path : str or path-like
        An npy or npz file, or a folder of such files, whose masks are joined in the order of the
        names; or an image file, a folder, an archive or a file of several images, of one mask each:
        white is 1, black 0.

    Returns
    -------
    ndarray, shape (n, ...)
        The masks.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the files hold no masks, images are not black and white, or shapes differ.
    """
    path = _checks.path("path", path)
    if not is_remote(path) and not Path(split_selector(path)[0]).exists():
        raise FileNotFoundError(f"there is no file or folder of masks {path!r}")
    if is_mask_file(path) and Path(path).is_file():
        return read_mask_array(path)
    if Path(path).is_dir():
        files = sorted(p for p in Path(path).iterdir() if p.is_file() and is_mask_file(p.name))
        if files:
            return _joined({str(file): read_mask_array(file) for file in files})
    images = find_sources([path]).references
    if not images:
        raise ValueError(f"{path!r} holds no .npy or .npz file and no image")
    return _joined({image.title: _image_mask(image)[np.newaxis] for image in images})


def _image_mask(image: ImageReference) -> NDArray[np.bool_]:
    try:
        pixels = Reader().read(image).pixels
    except ImageRefused as refusal:
        raise ImageRefused(f"{image.title}: {refusal}") from refusal
    white: NDArray[np.bool_] = pixels > 0.5
    if np.abs(pixels - white).max() > NEARLY:
        raise ValueError(f"{image.title!r} holds grays; a mask is black and white")
    return white


def _joined(masks: dict[str, NDArray[Any]]) -> NDArray[Any]:
    (first, wanted), *others = masks.items()
    for name, one in others:
        if one.shape[1:] != wanted.shape[1:]:
            raise ValueError(
                f"masks of {name!r} have shape {one.shape[1:]}, those of {first!r} "
                f"{wanted.shape[1:]}"
            )
    return np.concatenate(list(masks.values()))
