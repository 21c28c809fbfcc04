"""Detrending, masking and windowing of pixels before the transform, in this order.

A trend is fitted to what is visible: hidden pixels are set to zero before anything is computed of
an image, so that what they hold (NaN, infinity, a fill value) changes nothing.
"""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import Detrend, FloatArray, Scaling
from spectral_mae.spectra import frequencies
from spectral_mae.spectra.backends.workspace import Workspace
from spectral_mae.spectra.tensors.conditioning import TensorConditioning

COLLINEAR = 1e-12  # spread of visible pixels across a line, to that along it

Window = str | float | tuple[Any, ...] | FloatArray | None
DetrendOption = Detrend | Literal[False] | None


class Conditioning:
    """Detrending and window for images of one shape, and the normalisation of their power.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.
    dtype : dtype
        Precision of the buffers that `fill` writes to.
    window, detrend : optional
        As in `spectral_mae.psd`.
    transposed : bool
        Whether the half-planes of the workspaces that `fill` is given have their axes swapped.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        window: Window,
        detrend: DetrendOption,
        *,
        transposed: bool = False,
    ) -> None:
        self.detrend: Detrend | None = None
        if detrend is not None and detrend is not False:
            _checks.choice("detrend", detrend, Detrend)
            self.detrend = detrend
        self.shape = shape
        self._weights = window_weights(window, shape)
        self._window = None if self._weights is None else self._weights.astype(dtype, copy=False)
        smooth = _smooth_filter(shape) if self.detrend == "periodic" else None
        self._smooth = smooth.T if smooth is not None and transposed else smooth

    @property
    def changes(self) -> bool:
        """Whether there is any detrending or window."""
        return self.detrend is not None or self._window is not None

    def fill(self, space: Workspace, planes: NDArray[Any], masks: NDArray[Any] | None) -> None:
        """Detrend, mask and window images into the real buffer of a workspace.

        Parameters
        ----------
        space : Workspace
            Its ``real`` buffer receives the result; detrending may use ``half`` too.
        planes : ndarray, shape (n, *shape)
            Images of one channel; they are not changed.
        masks : ndarray, shape (n, *shape), or None
            Masks or weights.
        """
        # What is not finite, or not in single precision, is found by its power if it is visible.
        with np.errstate(over="ignore", invalid="ignore"):
            self._fill(space, planes, masks)

    def _fill(self, space: Workspace, planes: NDArray[Any], masks: NDArray[Any] | None) -> None:
        real = space.real[: len(planes)]
        real[...] = planes
        if masks is not None:
            _hide(real, masks)
        if self.detrend in ("constant", "linear"):
            self._subtract_trend(real, masks)
        elif self._smooth is not None:
            pixels = planes if masks is None else np.where(masks != 0, planes, 0)
            real[...] = _border_jumps(real)
            # Rows beyond the chunk would be filtered again on every call, and grow.
            space.real[len(planes) :] = 0
            space.forward()
            space.half *= self._smooth
            space.inverse()
            np.subtract(pixels, real, out=real, casting="same_kind")
        if masks is not None and (self.detrend is not None or masks.dtype != np.bool_):
            real *= masks
        if self._window is not None:
            real *= self._window

    def expect_trend(self, masks: NDArray[Any] | None) -> None:
        """Raise ``ValueError`` where detrending cannot be done under masks.

        Parameters
        ----------
        masks : ndarray, shape (n, *shape), or None
            Masks or weights.
        """
        if masks is None or self.detrend is None:
            return
        if self.detrend == "periodic":
            _expect_borders(masks)
        elif masks.dtype != np.bool_ and (masks < 0).any():
            raise ValueError(
                f"visible holds weights down to {masks.min():.3g}: detrend={self.detrend!r} "
                "fits by weighted least squares, which needs weights of 0 or more"
            )

    def _subtract_trend(self, real: FloatArray, masks: NDArray[Any] | None) -> None:
        """Subtract from each image its constant or linear trend, fitted to what is visible."""
        subtract = _subtract_mean if self.detrend == "constant" else _subtract_line
        if masks is None:
            subtract(real)
            return
        weighted = (masks != 1).reshape(len(masks), -1).any(axis=1)
        if not weighted.any():  # to the same bits as without a mask
            subtract(real)
            return
        for number, partly in enumerate(weighted):
            image = real[number]
            if partly:
                linear = self.detrend == "linear"
                image -= visible_trend(image, masks[number], linear=linear)
            else:
                subtract(image[np.newaxis])

    def of_tensors(self) -> TensorConditioning:
        """Return what does the same to tensors.

        Returns
        -------
        TensorConditioning
            Detrending and window for tensors of the same shape.
        """
        smooth = _smooth_filter(self.shape) if self.detrend == "periodic" else None
        return TensorConditioning(self.shape, self.detrend, self._weights, smooth)

    def normalisation(self, fs: tuple[float, ...], scaling: Scaling) -> tuple[float, float]:
        """Return the factor from |X|² to power, and the weight of a frequency in the total.

        Parameters
        ----------
        fs : tuple of float
            Sampling frequency along each axis.
        scaling : {"density", "spectrum", "energy"}
            As in `spectral_mae.psd`.

        Returns
        -------
        norm : float
            1/(fs·Σw²), 1/(Σw)² or 1 with the window w.
        cell : float
            Factor that makes the sum of power over all frequencies the mean square of the data (for
            "energy": D·Σx²).

        Raises
        ------
        ValueError
            If a window sums to zero and the scaling is "spectrum".
        """
        size = prod(self.shape)
        if scaling == "energy":
            return 1.0, 1.0
        amplitude = squares = float(size)
        if self._weights is not None:
            amplitude, squares = float(self._weights.sum()), float(np.sum(self._weights**2))
        if scaling == "spectrum" and abs(amplitude) <= size * np.finfo(float).eps:
            raise ValueError(f"window sums to {amplitude:.3g}: scaling='spectrum' divides by it")
        if scaling == "spectrum":
            # A window spreads a line over its noise bandwidth; the total must not count it again.
            return 1.0 / amplitude**2, amplitude**2 / (size * squares)
        return 1.0 / (prod(fs) * squares), prod(fs) / size


def window_weights(window: Window, shape: tuple[int, ...]) -> FloatArray | None:
    """Return the weights of a window, the outer product over the axes.

    Parameters
    ----------
    window : str, tuple, float, array_like or None
        As in `scipy.signal.get_window`, or the weights themselves.
    shape : tuple of int
        Pixels along each axis.

    Returns
    -------
    ndarray of float64, shape (*shape), or None
        None if there is no window.

    Raises
    ------
    ValueError
        If SciPy does not know the window, or weights do not fit, are not finite, or are all zero.
    """
    if window is None:
        return None
    if isinstance(window, str | tuple):
        weights = _named_window(window, shape)
    elif _checks.plain_array("window", window).ndim == 0:  # as SciPy has it, β of a Kaiser window
        weights = _named_window(_checks.real_number("window", window), shape)  # type: ignore[arg-type]
    else:
        weights = _checks.real_array("window", window).astype(np.float64)
    if weights.shape != shape:
        raise ValueError(f"window of shape {weights.shape} does not fit {shape=}")
    if not np.isfinite(weights).all():
        raise ValueError(f"window={_checks.brief(window)} gives weights that are not finite")
    if not weights.any():
        raise ValueError(f"window={_checks.brief(window)} is zero everywhere")
    return _checks.squarable("window", weights)


def _named_window(window: str | float | tuple[Any, ...], shape: tuple[int, ...]) -> FloatArray:
    if isinstance(window, tuple):
        for parameter in window[1:]:
            _checks.real_number("window", parameter)
    try:
        with np.errstate(all="ignore"):  # weights that are not numbers are found by who called
            from scipy.signal import get_window  # half a second, and few ask for a window

            axes = [get_window(window, n) for n in shape]
    except (IndexError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        unknown = "invalid window" in str(error).lower() or "unknown window" in str(error).lower()
        reason = "none of scipy.signal.get_window, such as 'hann'" if unknown else str(error)[:200]
        raise ValueError(f"window={_checks.brief(window)}: {reason}") from error
    return reduce(np.multiply.outer, axes)


def visible_trend(pixels: FloatArray, weights: NDArray[Any], *, linear: bool) -> FloatArray:
    """Fit a constant or a linear function of all axes to an image by weighted least squares.

    Parameters
    ----------
    pixels : ndarray, shape (*shape)
        The image, zero where it is hidden.
    weights : ndarray, shape (*shape)
        Mask or weights of 0 or more.
    linear : bool
        Whether the function has slopes.

    Returns
    -------
    ndarray of float64, shape () or (*shape)
        The function at every pixel; 0 if nothing is visible. Where the visible pixels lie on a line
        or a plane, slopes across it are 0.
    """
    w = weights.astype(np.float64)
    total = w.sum()
    if total == 0:
        return np.zeros(())
    w /= total
    mean = np.sum(w * pixels)
    if not linear:
        return np.asarray(mean)
    axes = np.meshgrid(*map(np.arange, pixels.shape), indexing="ij", sparse=True)
    # About the mean place of what is visible, and in units of its spread, so that the normal
    # equations are well conditioned however few pixels of a large image are visible.
    places = [axis - np.sum(w * axis) for axis in axes]
    moments = np.array([[np.sum(w * a * b) for a in places] for b in places])
    sums = np.array([np.sum(w * a * (pixels - mean)) for a in places])
    slopes = np.linalg.pinv(moments, rcond=COLLINEAR, hermitian=True) @ sums
    return np.asarray(mean + sum(slope * a for slope, a in zip(slopes, places, strict=True)))


def _hide(real: FloatArray, masks: NDArray[Any]) -> None:
    """Set hidden pixels to zero: by their bits, for NaN times 0 is NaN."""
    bits = real.view(f"i{real.itemsize}")
    bits *= masks if masks.dtype == np.bool_ else masks != 0


def _expect_borders(masks: NDArray[Any]) -> None:
    """Raise ``ValueError`` where a pixel on a border is hidden."""
    for axis in range(1, masks.ndim):
        borders = np.moveaxis(masks, axis, 0)[[0, -1]]
        n_hidden = int(np.count_nonzero(borders == 0))
        if n_hidden:
            raise ValueError(
                f"detrend='periodic' compares opposite borders, of which visible hides {n_hidden} "
                "pixels: detrend='linear' is fitted to the visible pixels"
            )


def _subtract_mean(real: FloatArray) -> None:
    real -= _mean(real)


def _mean(real: FloatArray) -> FloatArray:
    axes = tuple(range(1, real.ndim))
    return real.mean(axis=axes, keepdims=True, dtype=np.float64)


def _subtract_line(real: FloatArray) -> None:
    """Subtract the least-squares line or plane; centred coordinates are orthogonal."""
    real -= _mean(real)
    for axis in range(1, real.ndim):
        n = real.shape[axis]
        if n == 1:
            continue
        centred = np.arange(n) - (n - 1) / 2
        along = centred.reshape([-1 if a == axis else 1 for a in range(real.ndim)])
        real -= along * (_mean(real * along) / np.mean(centred**2))


def _border_jumps(real: FloatArray) -> FloatArray:
    """The jumps between opposite borders (v in Moisan 2011, Eq. 10), zero inside."""
    jumps = np.zeros_like(real)
    for axis in range(1, real.ndim):
        source, target = np.moveaxis(real, axis, 0), np.moveaxis(jumps, axis, 0)
        step = source[-1] - source[0]
        target[0] += step
        target[-1] -= step
    return jumps


def _smooth_filter(shape: tuple[int, ...]) -> FloatArray:
    """Inverse of the discrete Laplacian on the half-plane, 0 at zero (Moisan 2011, Eq. 11)."""
    axes = frequencies.half_frequencies(shape, (1.0,) * len(shape))
    # 2cos(2πf) − 2, which would cancel at low frequencies.
    cosines = np.meshgrid(*(-4 * np.sin(np.pi * f) ** 2 for f in axes), indexing="ij")
    laplacian = np.add.reduce(cosines)
    zero = (0,) * len(shape)
    laplacian[zero] = 1.0
    inverse = 1.0 / laplacian
    inverse[zero] = 0.0
    return inverse
