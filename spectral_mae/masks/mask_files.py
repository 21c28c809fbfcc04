"""Files of masks: NumPy arrays of many masks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._files.array_file import read_arrays

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
