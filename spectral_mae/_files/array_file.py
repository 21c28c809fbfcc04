"""Arrays by name in npz files, without pickles."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, Any]) -> None:
    """Write named arrays to an npz file of exactly this name.

    Parameters
    ----------
    path : str or path-like
        File to write.
    arrays : mapping of str to array_like
        The arrays; none may hold objects.
    """
    with Path(_checks.path("path", path)).open("wb") as file:
        np.savez(file, **arrays)


def arrays_below(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays whose names begin with ``prefix``, by what follows it.

    Examples
    --------
    >>> arrays_below("a/", {"a/x": np.array(1), "b/x": np.array(2)})
    {'x': array(1)}
    """
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def read_arrays(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read an npz file; nothing in it is executed.

    Parameters
    ----------
    path : str or path-like
        File to read.

    Returns
    -------
    dict of str to ndarray
        The arrays by name.

    Raises
    ------
    ValueError
        If it is not a file of arrays.
    """
    path = _checks.path("path", path)
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (AttributeError, EOFError, TypeError, ValueError, zipfile.BadZipFile) as error:
        # What NumPy says of pickles is an advice to trust the file.
        reason = "no npz file, or one with objects" if "pickle" in str(error) else str(error)
        raise ValueError(f"{path!r} is not a file of arrays: {reason}") from error
