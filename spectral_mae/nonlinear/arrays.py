"""What people hand in, as arrays: tensors or arrays, finite where a NaN would spread in silence."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae.nonlinear.model import ImageModel

UInt8Array = NDArray[np.uint8]
Labels = NDArray[np.int64]
FloatArray = NDArray[np.float64]


def real_numbers(name: str, values: ArrayLike | torch.Tensor) -> FloatArray:
    """An array or a tensor, of any precision and device, as float64.

    Raises
    ------
    TypeError
        If the numbers are not real.
    ValueError
        If some are NaN or infinite.

    Examples
    --------
    >>> real_numbers("x", torch.ones(2, dtype=torch.bfloat16, requires_grad=True))
    array([1., 1.])
    """
    if isinstance(values, torch.Tensor):
        if values.is_complex():
            raise TypeError(f"{name} has dtype {values.dtype}; real numbers are needed")
        values = values.detach().to("cpu", torch.float64).numpy()
    return _checks.real_array(name, values).astype(np.float64, copy=False)


def class_numbers(
    name: str, labels: ArrayLike | torch.Tensor, n: int, n_classes: int | None = None
) -> Labels:
    """The classes of n images, numbered from zero on.

    Raises
    ------
    ValueError
        If there are not n, or they are not integers, or one is out of range.

    Examples
    --------
    >>> class_numbers("labels", [0, 2, -1], 3)
    Traceback (most recent call last):
    ValueError: labels holds -1; classes are numbered from 0
    """
    array = np.asarray(labels)
    if array.shape != (n,) or (n and array.dtype.kind not in "iu"):
        raise ValueError(
            f"{name} of {array.dtype} and shape {array.shape} are not {n} integers, one per image"
        )
    end = np.inf if n_classes is None else n_classes
    wrong = array[(array < 0) | (array >= end)]
    if wrong.size:
        to = "" if n_classes is None else f" to {n_classes - 1}"
        raise ValueError(f"{name} holds {wrong[0]}; classes are numbered from 0{to}")
    return array.astype(np.int64)


def eight_bit(pixels: Any, model: ImageModel) -> UInt8Array:
    """Pixels that a model takes, (n, H, W, channels).

    Raises
    ------
    ValueError
        If they are of another type or shape, or there are none.
    """
    array = np.asarray(pixels)
    shape = (*model.grid.shape, model.channels)
    if array.dtype != np.uint8 or array.shape[1:] != shape or len(array) == 0:
        raise ValueError(
            f"pixels of {array.dtype} and shape {array.shape} are not uint8, (n, {shape})"
        )
    return array
