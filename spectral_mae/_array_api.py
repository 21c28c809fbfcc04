"""Tensors: arrays of other libraries than NumPy, on whatever device they are.

A *tensor* here is an array of PyTorch, of CuPy, or of another library that keeps the Python array
API standard. The standard's functions for it are its *namespace*, ``xp``. Kernels that take tensors
compute with these functions alone, so results belong to the same library and stay on the same
device. No library is imported for this: the namespace is found from the tensor.

Tables that were made with NumPy come to the device by `constant`, once for each that asks
(`Constants`). Numbers come back from it by `to_numpy` and `scalars`, which leave the graph of
derivatives; kernels use them only to look for values that are not finite.
"""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import array_api_compat
import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import is_tensor, namespace, to_numpy

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Result = TypeVar("Result", bound="DataclassInstance")


def device(tensor: Any) -> Any:
    """Return the device that a tensor is on, in the terms of its library.

    Parameters
    ----------
    tensor : tensor
        Array of any library.

    Returns
    -------
    object
        The device.
    """
    return array_api_compat.device(tensor)


def constant(values: NDArray[Any], like: Any, dtype: Any = None) -> Any:
    """Return a NumPy array as a tensor of the library and on the device of another.

    Parameters
    ----------
    values : ndarray
        The numbers. On the CPU most libraries share their memory.
    like : tensor
        Says the library and the device.
    dtype : dtype of that library or None
        Type of the result; None keeps that of the array.

    Returns
    -------
    tensor
        The same numbers.
    """
    if not values.flags.writeable:  # PyTorch warns of it, for it cannot keep others from writing
        values = values.copy()
    return namespace(like).asarray(values, dtype=dtype, device=device(like))


class Constants:
    """NumPy tables as tensors, kept for the library, device and precision that asked last.

    Parameters
    ----------
    **tables : ndarray
        Tables by name. Real and complex tables take the precision that is asked for, others keep
        their type.
    """

    def __init__(self, **tables: NDArray[Any]) -> None:
        self._tables = tables
        self._last: tuple[Any, dict[str, Any]] | None = None

    def of(self, like: Any) -> dict[str, Any]:
        """Return the tables for a tensor.

        Parameters
        ----------
        like : tensor
            Says the library, the device and the precision.

        Returns
        -------
        dict of str to tensor
            The tables by name.
        """
        key = namespace(like), device(like), like.dtype
        last = self._last  # another thread may set it meanwhile
        if last is None or last[0] != key:
            types = {"f": like.dtype, "c": complex_dtype(like)}
            tables = {
                name: constant(table, like, types.get(table.dtype.kind))
                for name, table in self._tables.items()
            }
            last = self._last = key, tables
        return last[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_last": None}  # modules and devices do not travel


def numpy_fields(result: Result) -> Result:
    """Return a result with all tensors that it holds as NumPy arrays.

    Parameters
    ----------
    result : dataclass instance
        Any result.

    Returns
    -------
    dataclass instance
        The result itself if it holds no tensor.
    """
    values = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
    arrays = {name: to_numpy(value) for name, value in values.items() if is_tensor(value)}
    return dataclasses.replace(result, **arrays) if arrays else result


def without_derivatives(tensor: Any) -> Any:
    """Return a tensor outside of the graph of derivatives; in memory it is the same.

    Parameters
    ----------
    tensor : tensor
        Any.

    Returns
    -------
    tensor
        Of the same library, on the same device.
    """
    return tensor.detach() if array_api_compat.is_torch_array(tensor) else tensor


def scalars(*tensors: Any) -> list[float]:
    """Return tensors of one number each as floats, in one transfer.

    Parameters
    ----------
    *tensors : tensor, shape ()
        Numbers of one type.

    Returns
    -------
    list of float
        The numbers.
    """
    return [float(one) for one in to_numpy(namespace(tensors[0]).stack(list(tensors)))]


def shared_with_numpy(tensor: Any, beside: Any = None) -> NDArray[Any] | None:
    """Return the memory of a tensor as a NumPy array, if nothing is lost by computing with NumPy.

    Parameters
    ----------
    tensor : tensor
        Any.
    beside : object
        Another argument, which must be such a tensor too if it is a tensor.

    Returns
    -------
    ndarray or None
        None unless the tensor is one of PyTorch on the CPU of which no derivatives are wanted.
    """
    if is_tensor(beside) and shared_with_numpy(beside) is None:
        return None
    if not array_api_compat.is_torch_array(tensor) or tensor.requires_grad:
        return None
    if tensor.device.type != "cpu":
        return None
    forward = sys.modules["torch"].autograd.forward_ad
    if forward.unpack_dual(tensor).tangent is not None:
        return None
    try:
        return np.asarray(tensor)
    except (RuntimeError, TypeError):  # inside a transform of torch.func, or a type of its own
        return None


def real_tensor(name: str, tensor: Any) -> Any:
    """Return a tensor as float32 (if it is) or float64; complex ones are refused.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    tensor : tensor
        Numbers of any type.

    Returns
    -------
    tensor
        The same numbers, on the same device.

    Raises
    ------
    TypeError
        For complex numbers.
    """
    xp = namespace(tensor)
    if xp.isdtype(tensor.dtype, "complex floating"):
        raise TypeError(f"{name} has dtype {tensor.dtype}; real numbers are needed")
    return xp.astype(tensor, real_dtype(tensor), copy=False)


def real_dtype(tensor: Any) -> Any:
    """Return float32 or float64 of the tensor's library, as `real_tensor` converts it.

    Parameters
    ----------
    tensor : tensor
        Real numbers of any type.

    Returns
    -------
    dtype
        Of the library.
    """
    xp = namespace(tensor)
    return xp.float32 if tensor.dtype == xp.float32 else xp.float64


def complex_dtype(tensor: Any) -> Any:
    """Return complex64 or complex128 of the tensor's library, of the precision of `real_dtype`.

    Parameters
    ----------
    tensor : tensor
        Real numbers of any type.

    Returns
    -------
    dtype
        Of the library.
    """
    xp = namespace(tensor)
    return xp.complex64 if tensor.dtype == xp.float32 else xp.complex128


def precision(tensor: Any) -> np.dtype[Any]:
    """Return float32 or float64 of NumPy, as `real_tensor` converts a tensor.

    Parameters
    ----------
    tensor : tensor or ndarray
        Real numbers of any type.

    Returns
    -------
    dtype
        Of NumPy.
    """
    if isinstance(tensor, np.ndarray):
        return np.dtype("f4" if tensor.dtype == np.float32 else "f8")
    return np.dtype("f4" if tensor.dtype == namespace(tensor).float32 else "f8")


def finite_tensor(name: str, tensor: Any) -> Any:
    """Return a tensor as `real_tensor` does, refusing NaN and infinity.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    tensor : tensor
        Numbers of any type.

    Returns
    -------
    tensor
        The same numbers, on the same device.

    Raises
    ------
    TypeError
        For complex numbers.
    ValueError
        If some are not finite.
    """
    real = real_tensor(name, tensor)
    expect_finite(name, real)
    return real


def expect_finite(name: str, tensor: Any) -> None:
    """Raise ``ValueError`` if a tensor holds NaN or infinity, with the place of the first.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    tensor : tensor
        Real numbers.

    Raises
    ------
    ValueError
        If some are not finite.
    """
    shared = shared_with_numpy(tensor)
    if shared is not None:
        _checks.real_array(name, shared)
        return
    xp = namespace(tensor)
    bad = ~xp.isfinite(tensor)
    n_bad = int(to_numpy(xp.count_nonzero(bad)))
    if n_bad:
        where = tuple(int(to_numpy(axis[0])) for axis in xp.nonzero(bad))
        raise ValueError(
            f"{name} holds {n_bad} values that are not finite, the first at {where}: "
            f"{float(to_numpy(tensor[where]))}"
        )


def expect_beside(name: str, tensor: Any, first: str, like: Any) -> None:
    """Raise ``TypeError`` unless two tensors are of one library and on one device.

    Parameters
    ----------
    name : str
        Name of an argument, for the message.
    tensor : tensor
        Its value.
    first : str
        Name of the argument that it comes with.
    like : tensor
        Its value.

    Raises
    ------
    TypeError
        The message says where both are.
    """
    if _place(tensor) != _place(like):
        raise TypeError(f"{name} is {_place(tensor)}, but {first} is {_place(like)}")


def _place(tensor: Any) -> str:
    kind = type(tensor)
    library = kind.__module__.split(".")[0]
    return f"an array of {library} on {device(tensor)}"
