"""Nonlinear maps of images and their Jacobians."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.theory.sides import MaskedImages

# A batch of images, (n, *shape[, channels]), to a batch like it.
ImageMap = Callable[[NDArray[Any]], NDArray[Any]]
# One image to the Jacobian there, (outputs, inputs), in the order of a flattened image.
Jacobian = Callable[[FloatArray], FloatArray]

STEP = 1e-100  # of the complex step; there is no difference of close numbers, so no trade-off
# Of the differences that check it: parts of each number, or of the largest where one is zero.
STRIDE = 1e-6
AGREEMENT = 1e-3  # far above their error, far below a wrong derivative


class TanhNetwork:
    """A bottleneck with a saturating code, x̂ = b + tanh(s·xA)/s · B.

    For s → 0 it is the linear map AB. The larger s is, the further the map is from a linear one.

    Parameters
    ----------
    encoder : array_like, shape (k, *image)
        A: the weights of each number of the code, as `LinearMAE.encoder` returns them.
    decoder : array_like, shape (k, *image)
        B: the image that each number of the code adds to the output.
    strength : float
        The factor s, at least 0.
    bias : array_like, shape (*image)
        The constant b, added to the output.

    Raises
    ------
    ValueError
        If shapes do not fit, or the strength is negative; also when the network is called on images
        of another shape.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a, b, x = (rng.standard_normal(shape) for shape in ((3, 4, 4), (3, 4, 4), (1, 4, 4)))
    >>> network = TanhNetwork(a, b, 0.5)
    >>> network(x).shape, network.jacobian(x[0]).shape
    ((1, 4, 4), (16, 16))
    >>> bool(np.allclose(network.jacobian(x[0]), complex_step_jacobian(network, x[0])))
    True
    """

    def __init__(
        self,
        encoder: ArrayLike,
        decoder: ArrayLike,
        strength: float = 1.0,
        bias: ArrayLike = 0.0,
    ) -> None:
        read, write = (
            _checks.squarable(name, _checks.real_array(name, given).astype(np.float64))
            for name, given in (("encoder", encoder), ("decoder", decoder))
        )
        if read.shape != write.shape or read.ndim < 2:
            raise ValueError(f"encoder {read.shape} and decoder {write.shape} do not fit")
        self.strength = _checks.non_negative_number("strength", strength)
        self._encoder = read.reshape(len(read), -1)
        self._decoder = write.reshape(len(write), -1)
        constant = _checks.real_array("bias", bias)
        if constant.shape not in ((), read.shape[1:]):
            raise ValueError(f"bias of shape {constant.shape} does not fit images {read.shape[1:]}")
        self._shape = read.shape[1:]
        self._bias = np.broadcast_to(constant, self._shape).ravel()

    def __call__(self, images: NDArray[Any]) -> NDArray[Any]:
        """The outputs of a batch, real or complex, shape (n, *image)."""
        images = _checks.plain_array("images", images)
        if images.dtype.kind not in "buifc":
            raise TypeError(f"images has dtype {images.dtype}; numbers are needed")
        if not np.isfinite(images).all():
            raise ValueError("images holds values that are not finite")
        if images.shape[1:] != self._shape or images.ndim == 0:
            raise ValueError(f"images of shape {images.shape} are not (n, {self._shape})")
        code = images.reshape(len(images), self._encoder.shape[1]) @ self._encoder.T
        if self.strength > 0:
            code = np.tanh(self.strength * code) / self.strength
        return np.asarray((self._bias + code @ self._decoder).reshape(images.shape))

    def jacobian(self, image: FloatArray) -> FloatArray:
        """The Jacobian ∂output/∂input at one image.

        Parameters
        ----------
        image : ndarray, shape (*image)
            Where the derivative is taken.

        Returns
        -------
        ndarray, shape (dim, dim)
            Outputs in rows, inputs in columns, both in row-major order.

        Raises
        ------
        ValueError
            If the image has another shape than the weights.
        """
        x = _checks.real_array("image", image)
        if x.shape != self._shape:
            raise ValueError(f"image of shape {x.shape} is not {self._shape}")
        code = self._encoder @ x.ravel()
        slope = 1 - np.tanh(self.strength * code) ** 2
        return np.asarray((self._decoder.T * slope) @ self._encoder)


def complex_step_jacobian(function: ImageMap, image: ArrayLike) -> FloatArray:
    """The Jacobian of a real-analytic map at one image, exact to rounding.

    The complex step J e_j = Im f(x + ih e_j)/h with h = 1e-100 forms no difference of close numbers
    (Squire and Trapp 1998).

    Parameters
    ----------
    function : callable
        Takes a batch, shape (n, *image). It must compute with complex numbers: no ``abs``, no
        ``max``, no comparisons, no conversion to real.
    image : array_like, shape (*image)
        Where the derivative is taken.

    Returns
    -------
    ndarray, shape (outputs, inputs)
        The Jacobian, both axes in row-major order of the flattened arrays.

    Raises
    ------
    ValueError
        If the function does not keep the imaginary part, or has no derivative at the image. This is
        checked in one direction, against differences to both sides.

    Examples
    --------
    >>> complex_step_jacobian(lambda x: x**2, np.array([1.0, 3.0]))
    array([[2., 0.],
           [0., 6.]])
    """
    _checks.function("function", function)
    x = _checks.real_array("image", image).astype(np.float64)
    if x.size == 0:
        raise ValueError(f"image of shape {x.shape} is empty")
    steps = np.eye(x.size).reshape(x.size, *x.shape)
    advice = (
        "function does not carry complex numbers through, or has no derivative here; give jacobian="
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)  # the check below speaks
        try:
            moved = np.asarray(function(x + 1j * STEP * steps))
        except TypeError as error:
            raise ValueError(f"{advice} ({error})") from error
    if moved.ndim < 1 or len(moved) != x.size:
        raise ValueError(f"function returns shape {moved.shape} for a batch of {x.size} images")
    if not np.isfinite(moved).all():
        raise ValueError("function returns numbers that are not finite at this image")
    jacobian = (moved.imag if np.iscomplexobj(moved) else np.zeros(moved.shape)) / STEP
    jacobian = jacobian.reshape(x.size, -1).T
    _check_slopes(function, x, jacobian, advice)
    return np.asarray(jacobian)


def _check_slopes(function: ImageMap, x: FloatArray, jacobian: FloatArray, advice: str) -> None:
    """Compare a Jacobian with differences to both sides, in one direction that is along no axis.

    To both sides, because at the tip of a function like ``abs`` central differences vanish; each
    extrapolated from two steps.
    """
    size = np.where(x == 0, float(np.abs(x).max()) or 1.0, np.abs(x))
    direction = np.cos(np.arange(x.size) ** 2 + 1.0).reshape(x.shape) * size
    lengths = np.array([0.0, STRIDE, STRIDE / 2, -STRIDE, -STRIDE / 2, 1.0])
    points = x + np.multiply.outer(lengths, direction)
    with np.errstate(all="ignore"):  # the far point may lie where the function is not defined
        values = np.asarray(function(points)).reshape(len(points), -1)
        changes = (values[1:] - values[0]) / lengths[1:, np.newaxis]
        secant = float(np.nan_to_num(np.linalg.norm(changes[4]), posinf=0.0))
    norm = np.linalg.norm
    along = jacobian @ direction.ravel()
    rounding = 10 * float(np.finfo(np.float64).eps * norm(values[0])) / STRIDE
    for slope in (2 * changes[1] - changes[0], 2 * changes[3] - changes[2]):
        scale = max(float(norm(slope)), float(norm(along)))
        if not float(norm(slope - along)) <= AGREEMENT * (scale + 1e-4 * secant) + rounding:
            raise ValueError(
                f"{advice} (its slope in one direction is {norm(slope):.3g} by differences, "
                f"{norm(along):.3g} by a complex step, {norm(slope - along):.3g} apart)"
            )


def jacobian_of(function: ImageMap, jacobian: Jacobian | None, image: FloatArray) -> FloatArray:
    """The Jacobian at an image, from a given function or by a complex step.

    Parameters
    ----------
    function : callable
        The map, as in `complex_step_jacobian`.
    jacobian : callable or None
        Takes one image and returns the Jacobian there; None uses the complex step.
    image : ndarray
        Where the derivative is taken.

    Returns
    -------
    ndarray, shape (outputs, inputs)
        The Jacobian.

    Raises
    ------
    ValueError
        If the given Jacobian has the wrong number of columns; see also `complex_step_jacobian`.
    """
    if jacobian is None:
        return complex_step_jacobian(function, image)
    _checks.function("jacobian", jacobian)
    slope = _checks.real_array("jacobian", jacobian(image)).astype(np.float64)
    if slope.ndim != 2 or slope.shape[1] != image.size:
        raise ValueError(f"jacobian has shape {slope.shape}; (outputs, {image.size}) is needed")
    return slope


class RowMap:
    """A map of images, applied to the rows of `MaskedImages`.

    Parameters
    ----------
    function : callable
        The map of images.
    data : MaskedImages
        The images that the rows belong to.
    """

    def __init__(self, function: ImageMap, data: MaskedImages) -> None:
        _checks.function("function", function)
        self._function = function
        self._data = data

    def __call__(self, rows: FloatArray) -> FloatArray:
        """Outputs, shape (n, dim)."""
        images = self._data.to_images(rows)
        output = _checks.real_array("the output of function", self._function(images))
        if output.shape != images.shape:
            raise ValueError(
                f"function returns shape {output.shape} for images of shape {images.shape}"
            )
        return self._data.to_rows(output.astype(np.float64))

    def jacobian(self, jacobian: Jacobian | None, row: FloatArray) -> FloatArray:
        """The Jacobian of the map of rows, at one row.

        Parameters
        ----------
        jacobian : callable or None
            Takes one image and returns the Jacobian there; None uses `complex_step_jacobian`.
        row : ndarray, shape (dim,)
            Where the derivative is taken.

        Returns
        -------
        ndarray, shape (dim, dim)
            Outputs in rows.

        Raises
        ------
        ValueError
            If the Jacobian has another shape.
        """
        image = self._data.to_images(row[np.newaxis])[0]
        slope = jacobian_of(self._function, jacobian, image)
        if slope.shape != (image.size, image.size):
            raise ValueError(
                f"jacobian has shape {slope.shape}; {(image.size, image.size)} is needed"
            )
        order = self._data.to_rows(np.arange(image.size).reshape(1, *image.shape))[0]
        return slope[np.ix_(order, order)]
