"""Checks of arguments that may be tensors or arrays."""

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
    """Convert an array or tensor of any precision and device to float64.

    Parameters
    ----------
    name : str
        Name of the argument, for error messages.
    values : array_like or Tensor
        Real numbers.

    Returns
    -------
    ndarray of float64
        The numbers, in the same shape.

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
    """Check the classes of n images, which are numbered from zero.

    Parameters
    ----------
    name : str
        Name of the argument, for error messages.
    labels : array_like or Tensor, shape (n,)
        Class of each image.
    n : int
        Number of images.
    n_classes : int or None
        Number of classes; None allows any.

    Returns
    -------
    ndarray of int64, shape (n,)
        The classes.

    Raises
    ------
    ValueError
        If there are not n labels, or they are not integers, or one is out of range.

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
    """Check that pixels have eight bits and fit a model.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (n, H, W, channels)
        Images.
    model : ImageModel
        The model that they must fit.

    Returns
    -------
    ndarray of uint8, shape (n, H, W, channels)
        The same pixels.

    Raises
    ------
    ValueError
        If they have another type or shape, or there is no image.
    """
    array = np.asarray(pixels)
    shape = (*model.grid.shape, model.channels)
    if array.dtype != np.uint8 or array.shape[1:] != shape or len(array) == 0:
        raise ValueError(
            f"pixels of {array.dtype} and shape {array.shape} are not uint8, (n, {shape})"
        )
    return array
