"""Detrending, masking and windowing of tensors before the transform, in this order.

What `spectral_mae.spectra.conditioning` does in a buffer is done here with new tensors, of which
derivatives can be taken. Trends are found and subtracted in double precision, as there, and fitted
to what is visible.
"""

from __future__ import annotations

from typing import Any

from spectral_mae._array_api import Constants, device
from spectral_mae._checks import Detrend, FloatArray, namespace

COLLINEAR = 1e-12  # spread of visible pixels across a line, to that along it


class TensorConditioning:
    """Detrending and window for tensors of one shape.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.
    detrend : {"constant", "linear", "periodic"} or None
        As in `spectral_mae.psd`.
    window : ndarray, shape (*shape), or None
        Weights of the window.
    smooth : ndarray, shape of the half-plane, or None
        Filter from the jumps at borders to the smooth part; needed for "periodic".
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        detrend: Detrend | None,
        window: FloatArray | None,
        smooth: FloatArray | None,
    ) -> None:
        self.shape = shape
        self._detrend = detrend
        self._window = None if window is None else Constants(window=window[..., None])
        self._smooth = None if smooth is None else Constants(smooth=smooth[..., None])

    def __call__(self, images: Any, masks: Any | None) -> Any:
        """Detrend, mask and window images.

        Parameters
        ----------
        images : tensor, shape (n, *shape, channels)
            Of float32 or float64; zero where they are hidden.
        masks : tensor, shape (n or 1, *shape, 1), or None
            Masks or weights, of 0 or more where there is a trend to subtract.

        Returns
        -------
        tensor, like ``images``
            The images themselves where there is nothing to do.
        """
        xp = namespace(images)
        result = images
        if self._detrend is not None:
            exact = xp.astype(images, xp.float64)
            if masks is None or self._smooth is not None:
                flat = self._detrended(xp, exact)
            else:
                weights = xp.astype(masks, xp.float64)
                flat = exact - self._visible_trend(xp, exact, weights)
            result = xp.astype(flat, images.dtype)
        if masks is not None:
            result = result * xp.astype(masks, result.dtype)
        if self._window is not None:
            result = result * self._window.of(images)["window"]
        return result

    def _visible_trend(self, xp: Any, images: Any, weights: Any) -> Any:
        """Weighted least-squares constant or linear function; `visible_trend` for tensors."""
        axes = tuple(range(1, len(self.shape) + 1))

        def mean(values: Any) -> Any:
            return xp.sum(weights * values, axis=axes, keepdims=True)

        total = xp.sum(weights, axis=axes, keepdims=True)
        weights = weights / xp.where(total > 0, total, xp.ones_like(total))
        level = mean(images)
        if self._detrend == "constant":
            return level
        places = []
        for axis, n in zip(axes, self.shape, strict=True):
            sides = [1] * images.ndim
            sides[axis] = n
            along = xp.arange(n, dtype=images.dtype, device=device(images))
            along = xp.reshape(along, tuple(sides))
            places.append(along - mean(along))
        apart = images - level
        moments = xp.stack([xp.stack([mean(a * b) for a in places], -1) for b in places], -2)
        sums = xp.stack([mean(a * apart) for a in places], -1)
        inverse = xp.linalg.pinv(moments, rtol=COLLINEAR)
        slopes = xp.sum(inverse * sums[..., None, :], axis=-1)
        return level + sum(slopes[..., i] * place for i, place in enumerate(places))

    def _detrended(self, xp: Any, images: Any) -> Any:
        axes = tuple(range(1, len(self.shape) + 1))
        if self._smooth is not None:
            jumps = _border_jumps(xp, images, axes)
            filtered = xp.fft.rfftn(jumps, axes=axes) * self._smooth.of(images)["smooth"]
            return images - xp.fft.irfftn(filtered, s=self.shape, axes=axes)
        result = images - xp.mean(images, axis=axes, keepdims=True)
        if self._detrend == "linear":
            for axis, n in zip(axes, self.shape, strict=True):
                if n > 1:
                    result = result - _line_along(xp, result, axis, axes)
        return result


def _line_along(xp: Any, images: Any, axis: int, axes: tuple[int, ...]) -> Any:
    """The least-squares line along one axis; centred coordinates of the axes are orthogonal."""
    n = images.shape[axis]
    indices = xp.arange(n, dtype=images.dtype, device=device(images))
    sides = [1] * images.ndim
    sides[axis] = n
    centred = xp.reshape(indices - (n - 1) / 2, tuple(sides))
    return centred * (xp.mean(images * centred, axis=axes, keepdims=True) * (12 / (n * n - 1)))


def _border_jumps(xp: Any, images: Any, axes: tuple[int, ...]) -> Any:
    """The jumps between opposite borders (v in Moisan 2011, Eq. 10), zero inside."""
    jumps = xp.zeros_like(images)
    for axis in axes:
        if images.shape[axis] == 1:
            continue
        first, inside, last = (
            (slice(None),) * axis + (along, ...)
            for along in (slice(0, 1), slice(1, -1), slice(-1, None))
        )
        step = images[last] - images[first]
        jumps = jumps + xp.concat([step, xp.zeros_like(images[inside]), -step], axis=axis)
    return jumps
