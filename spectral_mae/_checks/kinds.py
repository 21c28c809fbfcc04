"""Kinds of arrays: NumPy's own, tensors, arrays in chunks, labelled ones.

No library is imported for these questions: each is answered by the value, or by the modules that
somebody has imported.
"""

from __future__ import annotations

import sys
from typing import Any

import array_api_compat
import numpy as np
from numpy.typing import NDArray


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


def to_numpy(tensor: Any) -> NDArray[Any]:
    """Return the numbers of a tensor as a NumPy array, without its graph of derivatives.

    Parameters
    ----------
    tensor : tensor or ndarray
        On any device. The result shares its memory if it is on the CPU.

    Returns
    -------
    ndarray
        Of the same type.
    """
    if isinstance(tensor, np.ndarray):
        return tensor
    if array_api_compat.is_torch_array(tensor):
        plain = tensor.detach().cpu().resolve_conj()
        try:
            return np.asarray(plain)
        except RuntimeError:  # inside a transform of torch.func, which has no memory to share
            return np.asarray(plain.tolist(), dtype=str(plain.dtype).removeprefix("torch."))
    if array_api_compat.is_cupy_array(tensor):
        return np.asarray(tensor.get())
    return np.from_dlpack(tensor)


def outline(array: Any) -> NDArray[Any]:
    """Return a NumPy array of the shape of another array, which takes no memory.

    Parameters
    ----------
    array : array
        Of any kind. One of NumPy is returned as it is.

    Returns
    -------
    ndarray
        For checks that look at shapes alone.
    """
    if isinstance(array, np.ndarray):
        return array
    return np.broadcast_to(np.float64(0), tuple(array.shape))
