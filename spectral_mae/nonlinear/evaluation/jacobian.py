"""Jacobians of any model: receptive fields of output pixels, matrices, singular values."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.linear.receptive_field import ReceptiveField
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.nonlinear.arrays import real_numbers

# A batch of images, (n, channels, H, W), to one like it, image by image.
TensorMap = Callable[[torch.Tensor], torch.Tensor]

CHUNK = 64


def jacobian_rows(
    function: TensorMap, image: torch.Tensor, outputs: NDArray[np.integer]
) -> torch.Tensor:
    """Rows of the Jacobian at an image, by backpropagation from chosen outputs.

    A batch holds copies of the image, and each copy is differentiated for its own output.

    Parameters
    ----------
    function : callable
        Takes (n, channels, H, W) and must treat images independently.
    image : Tensor, shape (channels, H, W)
        Where the derivative is taken.
    outputs : ndarray of int, shape (m,)
        Indices into the flattened output, channels first.

    Returns
    -------
    Tensor, shape (m, channels, H, W)
        Derivatives of each output with respect to all inputs.

    Raises
    ------
    ValueError
        If the image is not of floats, (channels, H, W), an output is out of range, or a derivative
        is NaN or infinite.

    Examples
    --------
    >>> jacobian_rows(lambda x: x**2, torch.tensor([[[1.0, 3.0]]]), np.array([1]))
    tensor([[[[0., 6.]]]])
    """
    if image.ndim != 3 or not image.is_floating_point():
        raise ValueError(
            f"an image of {image.dtype} and shape {tuple(image.shape)} is not of floats, "
            "(channels, H, W)"
        )
    if not len(outputs):
        raise ValueError("no outputs to take derivatives of")
    rows = []
    for first in range(0, len(outputs), CHUNK):
        places = torch.as_tensor(np.asarray(outputs[first : first + CHUNK]), device=image.device)
        copies = image.expand(len(places), *image.shape).contiguous()
        output, pull = torch.func.vjp(function, copies)
        if len(output) != len(places):
            raise ValueError(
                f"the function makes {len(output)} of {len(places)} images; it must treat images "
                "one by one"
            )
        chosen = torch.zeros_like(output)
        size = chosen.flatten(1).shape[1]
        wrong = places[(places < 0) | (places >= size)]
        if len(wrong):
            raise ValueError(f"output {int(wrong[0])} is not one of {size}, from 0 on")
        chosen.flatten(1)[torch.arange(len(places), device=image.device), places] = 1
        rows.append(pull(chosen)[0].detach())
    found = torch.cat(rows)
    if not bool(torch.isfinite(found).all()):
        raise ValueError("the function has no finite derivative at this image")
    return found


def jacobian_matrix(function: TensorMap, image: torch.Tensor) -> FloatArray:
    """The whole Jacobian at an image.

    Parameters
    ----------
    function : callable
        Takes (n, channels, H, W) and must treat images independently.
    image : Tensor, shape (channels, H, W)
        Where the derivative is taken.

    Returns
    -------
    ndarray, shape (dim, dim)
        Outputs in rows, inputs in columns, both in the order of (H, W, channels).

    Raises
    ------
    ValueError
        As `jacobian_rows`.

    Examples
    --------
    >>> jacobian_matrix(lambda x: x**2, torch.tensor([[[1.0, 3.0]]]))
    array([[2., 0.],
           [0., 6.]])
    """
    order = np.arange(image.numel()).reshape(image.shape)
    outputs = np.moveaxis(order, 0, -1).ravel()
    rows = jacobian_rows(function, image, outputs).double().cpu().numpy()
    return np.ascontiguousarray(np.moveaxis(rows, 1, -1).reshape(len(rows), -1))


def receptive_field(
    function: TensorMap,
    image: torch.Tensor,
    grid: PatchGrid,
    output_pixel: tuple[int, int],
    *,
    channel: int = 0,
) -> ReceptiveField:
    """The derivative of one output pixel with respect to every input pixel, at an image.

    Parameters
    ----------
    function : callable
        Takes (n, channels, H, W), such as `with_mask` returns for a model.
    image : Tensor, shape (channels, H, W)
        Where the derivative is taken: a mean masked input, or a masked image.
    grid : PatchGrid
        Grid of the image.
    output_pixel : tuple of int
        Row and column of the output pixel.
    channel : int
        Channel of the output pixel.

    Returns
    -------
    ReceptiveField
        The derivatives, over input pixels and channels.

    Raises
    ------
    ValueError
        As `jacobian_rows`, and if the pixel is outside the grid.

    Examples
    --------
    >>> def mean_of_row(images):
    ...     return images.mean(dim=3, keepdim=True).expand_as(images)
    >>> field = receptive_field(mean_of_row, torch.zeros(1, 4, 4), PatchGrid((4, 4), 2), (1, 0))
    >>> field.weights[1]
    array([0.25, 0.25, 0.25, 0.25])
    """
    return mean_receptive_field([(function, image)], grid, output_pixel, channel=channel)


def mean_receptive_field(
    points: Iterable[tuple[TensorMap, torch.Tensor]],
    grid: PatchGrid,
    output_pixel: tuple[int, int],
    *,
    channel: int = 0,
) -> ReceptiveField:
    """`receptive_field`, averaged over functions (masks) and images.

    For a linear model under random masks the mean is π₁ times its weights. Over masks that hide the
    output pixel it is π₁' times its weights.

    Parameters
    ----------
    points : iterable of (callable, Tensor)
        Functions, and the images at which their derivatives are taken.
    grid : PatchGrid
        Grid of the images.
    output_pixel : tuple of int
        Row and column of the output pixel.
    channel : int
        Channel of the output pixel.

    Returns
    -------
    ReceptiveField
        The mean derivatives.

    Raises
    ------
    ValueError
        If there is no point, images differ in shape or do not fit the grid, the pixel is outside
        the grid, or a derivative is not finite.

    Examples
    --------
    >>> image = torch.zeros(1, 4, 4)
    >>> points = [(lambda x: x, image), (lambda x: 3 * x, image)]
    >>> mean_receptive_field(points, PatchGrid((4, 4), 2), (0, 1)).weights[0]
    array([0., 2., 0., 0.])
    """
    total, n = 0.0, 0
    shape: tuple[int, ...] | None = None
    for function, image in points:
        shape = tuple(image.shape) if shape is None else shape
        if tuple(image.shape) != shape or shape[1:] != grid.shape:
            raise ValueError(
                f"an image of shape {tuple(image.shape)} is not (channels, *{grid.shape}), as the "
                f"first, {shape}"
            )
        wanted = (channel, *output_pixel)
        if len(wanted) != 3 or not all(0 <= i < m for i, m in zip(wanted, shape, strict=True)):
            raise ValueError(f"{channel=}, {output_pixel=} is not in an image of shape {shape}")
        place = np.ravel_multi_index(wanted, shape)
        row = jacobian_rows(function, image, np.array([place]))[0]
        total, n = total + row.double().cpu().numpy(), n + 1
    if n == 0:
        raise ValueError("no points to take derivatives at")
    weights = np.moveaxis(np.asarray(total) / n, 0, -1)
    if weights.shape[-1] == 1:
        weights = weights[..., 0]
    return ReceptiveField(weights, grid, tuple(output_pixel), periodic=False)


def singular_values(matrix: FloatArray) -> FloatArray:
    """Singular values of a Jacobian in descending order.

    They are the gains of its singular directions.

    Parameters
    ----------
    matrix : ndarray, shape (m, n)
        The Jacobian.

    Returns
    -------
    ndarray, shape (min(m, n),)
        The values.

    Raises
    ------
    ValueError
        If it is not a matrix, or a number is not finite.

    Examples
    --------
    >>> singular_values(np.array([[0.0, 2.0], [-3.0, 0.0]]))
    array([3., 2.])
    """
    array = real_numbers("matrix", matrix)
    if array.ndim != 2:
        raise ValueError(f"a matrix of shape {array.shape} has {array.ndim} axes")
    return np.linalg.svd(array, compute_uv=False)
