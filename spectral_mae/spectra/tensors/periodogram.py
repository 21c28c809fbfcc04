"""Power spectra of batches of tensors: what `Periodogram` does with them.

Transforms are those of the tensor's own library, on its device. Tensors of PyTorch on the CPU of
which no derivatives are wanted are the exception: NumPy reads their memory, so FFTW transforms
them (`spectral_mae.spectra.periodogram` decides that).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_mae import _checks
from spectral_mae._array_api import (
    constant,
    expect_beside,
    expect_finite,
    precision,
    real_tensor,
    scalars,
    shared_with_numpy,
)
from spectral_mae._checks import is_tensor, namespace, outline, to_numpy
from spectral_mae.spectra.frequencies import half_shape
from spectral_mae.spectra.rings import Bins, RadialSpectrum, RingBins
from spectral_mae.spectra.spectrum import Spectrum
from spectral_mae.spectra.tensors.conditioning import TensorConditioning

if TYPE_CHECKING:
    from spectral_mae.spectra.periodogram import Periodogram


class TensorPeriodogram:
    """Power of batches of tensors of one shape.

    Parameters
    ----------
    planned : callable
        Takes float32 or float64 of NumPy and returns the `Periodogram` of that precision.
    conditioning : TensorConditioning
        What is done before the transform.
    cell : float
        Weight of one frequency in `Spectrum.total`.
    """

    def __init__(
        self,
        planned: Callable[[np.dtype[Any]], Periodogram],
        conditioning: TensorConditioning,
        cell: float,
    ) -> None:
        self._planned = planned
        self._conditioning = conditioning
        self._cell = cell
        self.shape = conditioning.shape
        self._axes = tuple(range(1, len(self.shape) + 1))

    def power(self, images: Any, visible: Any | None) -> Any:
        """Power of every image; see `Periodogram.power`.

        Parameters
        ----------
        images, visible : tensor
            As in `Periodogram.power`.

        Returns
        -------
        tensor, shape (n, *shape[:-1], shape[-1]//2 + 1)
            Half-planes, averaged over channels.
        """
        planned = self._planned(precision(images))
        pixels = shared_with_numpy(images, visible)
        if pixels is not None:
            masks = self._read(visible, images)
            return constant(planned.power(pixels, visible=masks), images)
        return self._power(*self._batch(images, visible, planned), planned)

    def radial(self, images: Any, bins: Bins, visible: Any | None) -> RadialSpectrum:
        """Average the power of every image over rings; see `Periodogram.radial`.

        Parameters
        ----------
        images, visible : tensor
            As in `Periodogram.power`.
        bins : int, sequence of float or None
            Number or edges of the rings.

        Returns
        -------
        RadialSpectrum
            Its ``power``, ``std`` and ``stderr`` are tensors.
        """
        planned = self._planned(precision(images))
        pixels = shared_with_numpy(images, visible)
        if pixels is not None:
            found = planned.radial(pixels, bins, visible=self._read(visible, images))
            return found.beside(images)
        rings = planned.rings if bins is None else RingBins(self.shape, planned.fs, bins)
        batch, masks = self._batch(images, visible, planned)
        power = self._power(batch, masks, planned)
        energy = 0.0
        if batch.shape[0]:
            xp = namespace(batch)
            used = batch if masks is None else batch * xp.astype(masks, batch.dtype)
            axes = tuple(range(1, batch.ndim))
            (energy,) = scalars(xp.max(xp.sum(used * used, axis=axes, dtype=xp.float64)))
        return rings.average(
            power,
            scaling=planned.scaling,
            floor=planned.rounding_floor(energy / batch.shape[-1]),
            labels=planned.labels,
        )

    def mean(self, images: Any, visible: Any | None) -> Spectrum:
        """Average the power over all images; see `Periodogram.mean`.

        Parameters
        ----------
        images, visible : tensor
            As in `Periodogram.power`.

        Returns
        -------
        Spectrum
            Its ``power`` is a tensor; sums are in double precision.
        """
        planned = self._planned(precision(images))
        pixels = shared_with_numpy(images, visible)
        if pixels is not None:
            found = planned.mean(pixels, visible=self._read(visible, images))
            return found.beside(images)
        batch, masks = self._batch(images, visible, planned)
        n = batch.shape[0]
        if n == 0:
            raise ValueError("no images to average: the batch is empty")
        xp = namespace(batch)
        power = self._power(batch, masks, planned)
        mean = xp.sum(power, axis=0, dtype=xp.float64) / n if n > 1 else power[0, ...]
        used = batch if masks is None else batch * xp.astype(masks, batch.dtype)
        (energy,) = scalars(xp.sum(used * used, dtype=xp.float64))
        return Spectrum(
            power=xp.astype(mean, power.dtype),
            shape=self.shape,
            scaling=planned.scaling,
            fs=planned.fs,
            cell=self._cell,
            averages=n,
            floor=planned.rounding_floor(energy / (n * batch.shape[-1])),
            labels=planned.labels,
        )

    def condition(self, images: Any, visible: Any | None) -> Any:
        """Detrend, mask and window images; see `Periodogram.condition`.

        Parameters
        ----------
        images, visible : tensor
            As in `Periodogram.power`.

        Returns
        -------
        tensor, shape (n, *shape, channels)
            Images as they are transformed.
        """
        return self._conditioning(*self._batch(images, visible, self._planned(precision(images))))

    def _batch(self, images: Any, visible: Any | None, planned: Periodogram) -> tuple[Any, Any]:
        """Check a batch and its masks: (n, *shape, channels), zero where hidden, and `_masks`."""
        pixels = real_tensor("images", images)
        axis = planned.channel_axis
        placed = _checks.channels_last("images", outline(pixels), axis, len(self.shape) + 1)
        if placed.shape[1:-1] != self.shape or placed.shape[-1] == 0:
            raise ValueError(
                f"images of shape {tuple(images.shape)} with channel_axis={axis} are not a batch "
                f"of shape={self.shape}"
            )
        xp = namespace(pixels)
        batch = pixels[..., None] if axis is None else xp.moveaxis(pixels, axis, -1)
        masks = self._masks(visible, batch)
        if masks is None:
            return batch, None
        planned.expect_trend(to_numpy(masks[..., 0]))
        shown = masks if xp.isdtype(masks.dtype, "bool") else masks != 0
        return xp.where(shown, batch, xp.zeros_like(batch)), masks

    def _power(self, batch: Any, masks: Any | None, planned: Periodogram) -> Any:
        xp = namespace(batch)
        if batch.shape[0] == 0:  # which not every library can transform
            none = np.empty((0, *half_shape(self.shape)), dtype=precision(batch))
            return constant(none, batch)
        with np.errstate(over="ignore", invalid="ignore"):  # found below, of NumPy's kin too
            half = xp.fft.rfftn(self._conditioning(batch, masks), axes=self._axes)
            squares = xp.real(half) ** 2 + xp.imag(half) ** 2
            power = xp.sum(squares, axis=-1) * (planned.norm / batch.shape[-1])
        self._expect_in_range(xp, power, batch, planned)
        return power

    def _read(self, visible: Any | None, images: Any) -> Any:
        """Masks as NumPy reads them, of images that it reads."""
        if visible is None or not is_tensor(visible):
            return visible
        expect_beside("visible", visible, "images", images)
        return to_numpy(visible)

    def _masks(self, visible: Any | None, images: Any) -> Any | None:
        """Masks (n or 1, *shape, 1) of the library and on the device of images."""
        if visible is None:
            return None
        xp = namespace(images)
        if _checks.says_finite(visible):
            finite = xp.all(xp.isfinite(images), axis=-1, keepdims=True)
            _checks.some_seen("images", to_numpy(finite), "finite")
            return finite
        if is_tensor(visible):
            expect_beside("visible", visible, "images", images)
        else:
            visible = constant(_checks.numeric_array("visible", visible), images)
        n, shape = images.shape[0], tuple(visible.shape)
        if shape not in (self.shape, (n, *self.shape)):
            raise ValueError(
                f"visible of shape {shape} is neither {self.shape} nor {(n, *self.shape)}"
            )
        if not xp.isdtype(visible.dtype, "bool"):
            visible = real_tensor("visible", visible)
            expect_finite("visible", visible)
        masks = visible if len(shape) > len(self.shape) else visible[None, ...]
        return masks[..., None]

    def _expect_in_range(self, xp: Any, power: Any, images: Any, planned: Periodogram) -> None:
        """Look for squares that overflowed, or lost their digits.

        NaN and infinity in an image reach all of its power; overflow of the squares some of it.
        """
        if power.shape[0] == 0:
            return
        peaks = to_numpy(xp.max(power, axis=self._axes))
        if not math.isfinite(float(peaks.max())):  # as NaN is
            expect_finite("images", images if planned.channel_axis is not None else images[..., 0])
            (largest,) = scalars(xp.max(xp.abs(images)))
            raise ValueError(f"pixels up to {largest:.3g} are too large for {peaks.dtype} spectra")
        info = np.finfo(peaks.dtype)
        least = float(info.tiny) / float(info.eps)
        if (peaks < least).any():  # images may also be zero, or nothing may be left of them
            largest_of = to_numpy(xp.max(xp.abs(images), axis=(*self._axes, self._axes[-1] + 1)))
            with np.errstate(over="ignore"):
                lost = largest_of[(largest_of > 0) & (peaks < least)].astype(np.float64)
                lost = lost[lost**2 * planned.norm < least]
            if lost.size:
                raise ValueError(
                    f"pixels up to {lost[0]:.3g} are too small for {peaks.dtype} spectra"
                )
