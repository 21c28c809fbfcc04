"""Kinds of arrays: NumPy's own, tensors, arrays in chunks, labelled ones.

No library is imported for these questions: each is answered by the value, or by the modules that
somebody has imported.
"""

from __future__ import annotations

import sys
from typing import Any

import array_api_compat
import numpy as np


def is_tensor(value: object) -> bool:
    """Whether a value is an array of another library than NumPy that keeps the standard.

    Parameters
    ----------
    value : object
        Any argument.

    Returns
    -------
    bool
        True for tensors of PyTorch, arrays of CuPy and others like them; not for arrays of Dask,
        which are read chunk by chunk.
    """
    if isinstance(value, np.ndarray | list):
        return False
    return array_api_compat.is_array_api_obj(value) and not (
        array_api_compat.is_numpy_array(value)
        or array_api_compat.is_dask_array(value)
        or array_api_compat.is_pydata_sparse_array(value)
    )


def namespace(tensor: Any) -> Any:
    """Return the module of the array API standard's functions for a tensor.

    Parameters
    ----------
    tensor : tensor
        Array of any library.

    Returns
    -------
    module
        The namespace, that of `array_api_compat` where a library lacks something.
    """
    return array_api_compat.array_namespace(tensor)


def is_chunked(value: object) -> bool:
    """Whether an argument is an array that is to be read some images at a time.

    Parameters
    ----------
    value : object
        Any argument.

    Returns
    -------
    bool
        True for arrays of Dask, Zarr and HDF5 and for ``xarray.DataArray``; not for NumPy's.
    """
    names = ("shape", "dtype", "chunks", "__getitem__")
    return not isinstance(value, np.ndarray) and all(hasattr(value, name) for name in names)


def is_data_array(value: object) -> bool:
    """Whether a value is an ``xarray.DataArray``.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    bool
        False where xarray was not imported.
    """
    kind = getattr(sys.modules.get("xarray"), "DataArray", None)
    return kind is not None and isinstance(value, kind)
