"""Power spectra of signals, images and volumes, in the words of `scipy.signal.periodogram`.

Values equal ``scipy.signal.periodogram(..., return_onesided=False)`` for the same ``window``,
``detrend`` and ``scaling`` in one dimension, and its extension to two and three: windows are outer
products, ``detrend="linear"`` takes a linear function of all axes. The order is detrend, then mask,
then window; trends are fitted to what is visible.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from spectral_mae import _checks
from spectral_mae._array_api import finite_tensor, precision, real_tensor, shared_with_numpy
from spectral_mae._checks import (
    Backend,
    FloatArray,
    Planner,
    Scaling,
    Visible,
    is_chunked,
    is_tensor,
    outline,
)
from spectral_mae._chunked import ChunkedBatch
from spectral_mae.spectra.backends.workspace import Workspace
from spectral_mae.spectra.bins.power_sums import PowerSums, whole_weights
from spectral_mae.spectra.conditioning import Conditioning, DetrendOption, Window
from spectral_mae.spectra.fft import RealFFT
from spectral_mae.spectra.frequencies import half_shape, row_strips
from spectral_mae.spectra.labels.axis_labels import Unit, expect_one_unit, labels_of
from spectral_mae.spectra.labels.coordinates import labelled
from spectral_mae.spectra.rings import Bins, RadialSpectrum, RingBins
from spectral_mae.spectra.spectrum import Spectrum
from spectral_mae.spectra.tensors.periodogram import TensorPeriodogram

# What the error says when `psd` gets a batch.
SEVERAL = "Periodogram(shape).radial(images), .mean(images) or .power(images)"
BLOCK_BYTES = 64 * 2**20
SUMMED = 2**20  # bytes of power that are added up at a time
TRANSPOSED = 150**2  # pixels from which transposed half-planes are faster


@labelled("image", masks=("visible",))
def psd(
    image: ArrayLike,
    *,
    fs: float | Sequence[float] = 1.0,
    unit: Unit = None,
    window: Window = None,
    detrend: DetrendOption = None,
    scaling: Scaling = "density",
    channel_axis: int | str | None = None,
    ndim: int | None = None,
    visible: Visible = None,
) -> Spectrum:
    """Power spectrum of one signal, image or volume.

    Parameters
    ----------
    image : array_like, tensor or DataArray, shape (D,), (H, W) or (T, H, W), and the channels
        Real numbers; float32 stays float32, everything else becomes float64. What a masked array
        masks is hidden. Of a tensor (PyTorch, CuPy and other libraries of the array API standard)
        the powers are tensors of the same library on the same device, of which derivatives can be
        taken. The coordinates of an ``xarray.DataArray`` give ``fs`` and ``unit``, so they must be
        evenly spaced (within 1/1000 of a step); times give Hz. Along a dimension without one,
        ``fs`` is 1.
    fs : float or one float per axis
        Sampling frequency.
    unit : str, one str per axis, Labels or None
        Unit of length or time in whose inverse ``fs`` is given, such as "mm", or all `Labels`. Axes
        of pictures then say cycles/mm.
    window : str, tuple, float, array_like or None
        As `scipy.signal.get_window`, outer product over the axes; an array must have the shape of
        the image. None is no window.
    detrend : {"constant", "linear", "periodic"} or None
        Subtract the mean, the least-squares line or plane (of a volume, linear function of all
        axes), or the smooth part of the periodic-plus-smooth split (Moisan 2011), which takes away
        the cross that the image's borders leave in its spectrum. None (or False) leaves the image
        as it is. Constant and linear trends are fitted to the visible pixels, by least squares with
        the weights of ``visible``; "periodic" is refused where a border pixel is hidden.
    scaling : {"density", "spectrum", "energy"}
        |X|²/(fs·Σw²), |X|²/(Σw)², or plain |X|² (of the windowed data).
    channel_axis : int, str or None
        Axis of the channels, of a DataArray also its name; their spectra are averaged (and count as
        one: they are not independent).
    ndim : {1, 2, 3} or None
        Number of axes without that of the channels. None is 1 or 2, as the array has. A volume
        needs ``ndim=3``: three axes may as well be a batch of images, or an image with its colours.
    visible : array_like, of the shape of the image without channels, "finite" or None
        A mask or weights that multiply the image between detrending and window. Hidden pixels
        (False, or weight 0) are not used and may hold anything, NaN too. "finite" hides NaN and
        infinity. The spectrum is that of the masked image; `unmasked_psd` estimates that of the
        whole one.

    Returns
    -------
    Spectrum
        Power on the non-negative half-plane of the real FFT, not doubled.

    Raises
    ------
    ValueError
        For NaN or infinite pixels that are visible, an option that is not one of the above, or
        three axes without ``channel_axis`` or ``ndim=3``.
    TypeError
        For complex or non-numeric data.

    Examples
    --------
    >>> image = np.random.default_rng(0).standard_normal((48, 64))
    >>> spectrum = psd(image)
    >>> spectrum.power.shape
    (48, 33)
    >>> bool(np.isclose(spectrum.total, np.mean(image**2)))
    True
    >>> psd(np.ones((4, 6, 8)), ndim=3).power.shape
    (4, 6, 5)
    """
    shared = shared_with_numpy(image, visible) if is_tensor(image) else None
    given = image if shared is None else shared
    channel_axis = _checks.axis_of_channels(channel_axis)
    if is_tensor(given):
        array = (finite_tensor if visible is None else real_tensor)("image", given)
        pixels, mask = outline(array), visible
        last = _checks.one_image("image", pixels, channel_axis, SEVERAL, ndim=ndim)
    else:
        pixels, shown = _checks.masked_numbers("image", given)
        last = _checks.one_image("image", pixels, channel_axis, SEVERAL, ndim=ndim)
        mask = _checks.one_visible_of(
            "image", pixels, shown, visible, _checks.weights, channel_axis=channel_axis
        )
        array = _checks.seen_numbers("image", pixels, mask, channel_axis=channel_axis)
    axis = channel_axis if channel_axis is None else channel_axis % pixels.ndim + 1
    periodogram = Periodogram(
        last.shape[:-1],
        dtype=precision(array) if is_tensor(array) else array.dtype,
        fs=fs,
        window=window,
        detrend=detrend,
        scaling=scaling,
        channel_axis=axis,
        chunk=1,
        unit=unit,
    )
    found = periodogram.mean(array[np.newaxis, ...], visible=mask)
    return found if shared is None else found.beside(image)


# Of each image of a batch; "finite" for those of images that are not read yet.
Masks = NDArray[Any] | Literal["finite"] | None


class _NotFiniteError(Exception):
    """Power came out as NaN or infinite."""


class Periodogram:
    """Power spectra of batches of signals, images or volumes of one shape: `psd` with kept plans.

    Plans, windows and rings are made once and used for all batches.

    Batches may be tensors, as in `psd`. On other devices than the CPU, and where derivatives are
    wanted, their own library transforms them, the whole batch at once, and ``workers``,
    ``backend``, ``planner`` and ``chunk`` have no effect.

    Parameters
    ----------
    shape : int or tuple of int
        Pixels along each axis of every image; three numbers for volumes.
    dtype : dtype
        ``float32`` or ``float64``: the precision of the transforms, whatever the images have
        (`psd` takes that of its image). Tensors keep their own.
    workers : int
        Threads that share the chunks of a batch.
    fs, unit, window, detrend, scaling : optional
        As in `psd`.
    channel_axis : int or None
        Axis of the channels in a *batch*, which has the images along axis 0.
    backend : {"fftw", "scipy", "ducc"} or None
        Library that computes the transforms. None is FFTW where pyFFTW can be imported, and else
        SciPy, with a notice (`FFTWMissingWarning`).
    planner : {"estimate", "measure"}
        FFTW's effort; ``"measure"`` pays where thousands of images of one shape follow, and may
        change the last bit of the results from run to run. It is refused with another library that
        is named, and has no effect where None stands for SciPy.
    chunk : int or None
        Images per call of a plan; None picks a number that stays in the cache.

    Attributes
    ----------
    norm : float
        Factor from |X|² to power.
    cell : float
        Weight of one frequency in `Spectrum.total`.

    Raises
    ------
    ValueError
        For an option that is not one of the above; by its methods for images of another shape,
        visible pixels that are NaN or infinite, or pixels whose power overflows.
    TypeError
        By its methods for complex or non-numeric images.
    ModuleNotFoundError
        If the library that ``backend`` names is not installed.

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((5, 48, 64))
    >>> periodogram = Periodogram((48, 64), detrend="constant")
    >>> periodogram.power(images).shape
    (5, 48, 33)
    >>> periodogram.mean(images).averages
    5
    """

    def __init__(
        self,
        shape: _checks.PerAxis,
        *,
        dtype: DTypeLike = float,
        workers: int = 1,
        fs: float | Sequence[float] = 1.0,
        unit: Unit = None,
        window: Window = None,
        detrend: DetrendOption = None,
        scaling: Scaling = "density",
        channel_axis: int | None = None,
        backend: Backend | None = None,
        planner: Planner = "estimate",
        chunk: int | None = None,
    ) -> None:
        self.shape = _checks.grid_shape(shape)
        self.fs = _checks.sampling_rates(fs, len(self.shape))
        self.labels = None if unit is None else labels_of(unit, len(self.shape))
        _checks.choice("scaling", scaling, Scaling)
        channel_axis = _checks.axis_of_channels(channel_axis)
        if channel_axis in (0, -len(self.shape) - 2):
            raise ValueError(f"{channel_axis=}: axis 0 of a batch holds the images")
        self.scaling: Scaling = scaling
        self.channel_axis = channel_axis
        self._fft = RealFFT(
            self.shape,
            dtype=dtype,
            backend=backend,
            planner=planner,
            workers=workers,
            chunk=chunk,
            transposed=prod(self.shape) >= TRANSPOSED,
        )
        self._conditioning = Conditioning(
            self.shape, self._fft.dtype, window, detrend, transposed=self._fft.transposed
        )
        self.norm, self.cell = self._conditioning.normalisation(self.fs, scaling)
        self._with_dtype = functools.partial(
            Periodogram,
            self.shape,
            workers=workers,
            fs=fs,
            unit=unit,
            window=window,
            detrend=detrend,
            scaling=scaling,
            channel_axis=channel_axis,
            backend=backend,
            planner=planner,
            chunk=chunk,
        )
        info = np.finfo(self._fft.dtype)
        self._least = float(info.tiny) / float(info.eps)  # smaller powers have lost digits

    @property
    def backend(self) -> Backend:
        """Library that computes the transforms: ``"fftw"``, ``"scipy"`` or ``"ducc"``."""
        return self._fft.backend

    def power(self, images: ArrayLike, *, visible: Visible = None) -> FloatArray:
        """Power of every image.

        Parameters
        ----------
        images : array_like or tensor, shape (n, *shape), with channels at ``channel_axis`` if given
            Real numbers. Arrays of Dask and others that have chunks are read some images at a time,
            and give the same bits as the whole array. What a masked array masks is hidden.
        visible : array_like, tensor, "finite" or None
            Masks or weights, which multiply the images between detrending and window: shape
            (n, *shape), or (*shape) for one that all images share. Hidden pixels are not used and
            may hold anything, NaN too; trends are fitted to the visible ones, as in `psd`. "finite"
            hides NaN and infinity. None keeps all pixels.

        Returns
        -------
        ndarray or tensor, shape (n, *shape[:-1], shape[-1]//2 + 1)
            Half-planes, averaged over channels, of the precision ``dtype``, or that of a tensor.
        """
        if is_tensor(images):
            return self._of_tensors.power(images, visible)
        return self._powers(*self._batch(images, visible))

    def radial(
        self, images: ArrayLike, bins: Bins = None, *, visible: Visible = None
    ) -> RadialSpectrum:
        """Average the power of every image over rings of frequency.

        Parameters
        ----------
        images : array_like
            As in `power`.
        bins : int, sequence of float or None
            Number or edges of the rings, as in `Spectrum.radial`.
        visible : array_like, "finite" or None
            As in `power`.

        Returns
        -------
        RadialSpectrum
            Its ``power``, ``std`` and ``stderr`` have the shape (n, n_bins): one row per image. Its
            ``floor`` is the largest of those of the images.

        Examples
        --------
        >>> images = np.random.default_rng(0).standard_normal((5, 16, 16))
        >>> Periodogram((16, 16)).radial(images, bins=4).power.shape
        (5, 4)
        """
        expect_one_unit(self.labels)
        if is_tensor(images):
            return self._of_tensors.radial(images, bins, visible)
        batch, masks = self._batch(images, visible)
        rings = self.rings if bins is None else RingBins(self.shape, self.fs, bins)
        moments = np.empty((2, len(batch), len(rings.frequency)))
        squares = np.empty(len(batch))
        for rows in self._pieces(batch):
            part = batch[rows]
            seen = self._of(masks, rows, part)
            self._ring_moments(part, seen, rings, moments[:, rows], squares[rows])
        moments *= self.norm / batch.shape[-1]
        return rings.spectrum(
            *moments,
            scaling=self.scaling,
            floor=self.rounding_floor(float(squares.max(initial=0.0)) / batch.shape[-1]),
            labels=self.labels,
        )

    def mean(self, images: ArrayLike, *, visible: Visible = None) -> Spectrum:
        """Average the power over all images; sums are in double precision.

        Parameters
        ----------
        images, visible : optional
            As in `power`.

        Returns
        -------
        Spectrum
            Its ``averages`` is the number of images.

        Raises
        ------
        ValueError
            If the batch is empty.
        """
        if is_tensor(images):
            return self._of_tensors.mean(images, visible)
        batch, masks = self._batch(images, visible)
        n = len(batch)
        if n == 0:
            raise ValueError("no images to average: the batch is empty")
        if n == 1:
            only = batch[:]
            mask = self._of(masks, slice(None), only)
            mean, squares = self._powers(only, mask)[0], _sum_of_squares(only, mask)
        else:
            mean, squares = self._mean(batch, masks)
        return Spectrum(
            power=mean,
            shape=self.shape,
            scaling=self.scaling,
            fs=self.fs,
            cell=self.cell,
            averages=n,
            floor=self.rounding_floor(squares / (n * batch.shape[-1])),
            labels=self.labels,
        )

    def condition(self, images: ArrayLike, *, visible: Visible = None) -> FloatArray:
        """Detrend, mask and window images, as `power` does before it transforms them.

        Parameters
        ----------
        images, visible : optional
            As in `power`.

        Returns
        -------
        ndarray, shape (n, *shape, channels)
            Of the precision ``dtype``; one channel if there is no channel axis. Do not write to it:
            where there is nothing to do it is the batch itself.
        """
        if is_tensor(images):
            return self._of_tensors.condition(images, visible)
        given, given_masks = self._batch(images, visible)
        batch = given[:]
        masks = self._of(given_masks, slice(None), batch)
        if masks is None and not self._conditioning.changes and batch.dtype == self._fft.dtype:
            self._expect_finite(batch, batch, masks)
            return batch
        out = np.empty(batch.shape, dtype=self._fft.dtype)

        def work(rows: slice, space: Workspace) -> None:
            for channel in range(batch.shape[-1]):
                self._conditioning.fill(space, batch[rows, ..., channel], _part(masks, rows))
                out[rows, ..., channel] = space.real[: rows.stop - rows.start]

        self._fft.each_chunk(len(batch), work)
        self._expect_finite(out, batch, masks)
        return out

    def rounding_floor(self, energy: float) -> float:
        """Power that rounding leaves at a frequency where an image has none.

        The relative L2 error of an FFT grows as ε·√log₂N (Gentleman and Sande, 1966); 4 of these,
        spread over the frequencies. What detrending leaves of a pixel is wrong by ε of it, and
        these errors may all have one sign.

        Parameters
        ----------
        energy : float
            Sum of the squares of an image's pixels; the mean over its channels.

        Returns
        -------
        float
            In the unit of the power.
        """
        eps = float(np.finfo(self._fft.dtype).eps)
        size = prod(self.shape)
        coherent = 0 if self._conditioning.detrend is None else size
        return eps**2 * (16 * max(1.0, math.log2(size)) + coherent) * energy * self.norm

    def expect_trend(self, masks: NDArray[Any] | None) -> None:
        """Raise ``ValueError`` where detrending cannot be done under masks.

        Parameters
        ----------
        masks : ndarray, shape (..., *shape), or None
            Masks or weights.

        Raises
        ------
        ValueError
            For weights below 0, and for hidden pixels on a border where ``detrend="periodic"``
            compares opposite borders.
        """
        self._conditioning.expect_trend(masks)

    @cached_property
    def rings(self) -> RingBins:
        """The rings that `radial` averages over by default."""
        return RingBins(self.shape, self.fs, None)

    @cached_property
    def _of_tensors(self) -> TensorPeriodogram:
        return TensorPeriodogram(self._planned, self._conditioning.of_tensors(), self.cell)

    def _planned(self, dtype: np.dtype[Any]) -> Periodogram:
        """Periodogram of a precision: this one, or one with the same options."""
        return self if dtype == self._fft.dtype else self._other_precision

    @cached_property
    def _other_precision(self) -> Periodogram:
        return self._with_dtype(dtype="f4" if self._fft.dtype == np.float64 else "f8")

    def _batch(
        self, images: ArrayLike, visible: Visible
    ) -> tuple[NDArray[Any] | ChunkedBatch, Masks]:
        """Check a batch and its masks, without a copy: (n, *shape, channels) and (n, *shape)."""
        shown = None
        if isinstance(images, np.ma.MaskedArray):
            images, shown = _checks.masked_numbers("images", images)
        batch: NDArray[Any] | ChunkedBatch
        ndim = len(self.shape)
        if is_chunked(images):
            batch = ChunkedBatch("images", images, ndim, channel_axis=self.channel_axis)
        else:
            array = _checks.numeric_array("images", images)
            batch = _checks.channels_last("images", array, self.channel_axis, ndim + 1)
        if batch.shape[1:-1] != self.shape or batch.shape[-1] == 0:
            raise ValueError(
                f"images of shape {np.shape(images)} with channel_axis={self.channel_axis} are not "
                f"a batch of shape={self.shape}"
            )
        if isinstance(batch, ChunkedBatch) and _checks.says_finite(visible):
            return batch, "finite"
        # Of a batch in chunks only the shape is looked at.
        array = outline(batch)[..., 0] if isinstance(batch, ChunkedBatch) else np.asarray(images)
        axis = None if isinstance(batch, ChunkedBatch) else self.channel_axis
        masks = _checks.visible_of(
            "images", array, shown, visible, _checks.weights, channel_axis=axis
        )
        self.expect_trend(masks)
        return batch, None if masks is None else np.broadcast_to(masks, batch.shape[:-1])

    def _mean(self, batch: NDArray[Any] | ChunkedBatch, masks: Masks) -> tuple[FloatArray, float]:
        """Mean power of the images, (*half_shape), and the sum of the squares of their pixels."""
        # Sums of so many images each, whatever the chunks and workers: equal to the last bit.
        n, summed = len(batch), self._fft.images_within(SUMMED)
        block = summed if self._fft.workers == 1 else summed * max(1, BLOCK_BYTES // SUMMED)
        powers = np.empty((min(n, block), *self._fft.half_shape), dtype=self._fft.dtype)
        sums, squares = np.zeros(self._fft.half_shape), 0.0
        for first in range(0, n, block):
            rows = slice(first, first + block)
            part = batch[rows]
            seen = self._of(masks, rows, part)
            power = powers[: len(part)]
            self._power(part, seen, power)
            for start in range(0, len(power), summed):
                sums += power[start : start + summed].sum(axis=0, dtype=np.float64)
            squares += _sum_of_squares(part, seen)
        mean = np.empty(half_shape(self.shape), dtype=self._fft.dtype)
        np.divide(sums, n, out=self._turned(mean), casting="same_kind")
        return mean, squares

    def _of(self, masks: Masks, rows: slice, part: NDArray[Any]) -> NDArray[Any] | None:
        """Masks of a part of a batch; "finite" is found of the images once they are read."""
        if not isinstance(masks, str):
            return _part(masks, rows)
        finite = _checks.some_seen(
            "images", np.isfinite(part), masks, channel_axis=-1, first=rows.start or 0
        )
        self.expect_trend(finite)
        return finite

    @staticmethod
    def _pieces(batch: NDArray[Any] | ChunkedBatch) -> Iterable[slice]:
        """Rows of a batch that are read together: all of those in memory."""
        return batch.pieces() if isinstance(batch, ChunkedBatch) else [slice(0, len(batch))]

    def _powers(self, batch: NDArray[Any] | ChunkedBatch, masks: Masks) -> FloatArray:
        """Power of every image, (n, *half_shape)."""
        out = np.empty((len(batch), *half_shape(self.shape)), dtype=self._fft.dtype)
        for rows in self._pieces(batch):
            part = batch[rows]
            self._power(part, self._of(masks, rows, part), self._turned(out[rows]))
        return out

    def _ring_moments(
        self,
        batch: NDArray[Any],
        masks: NDArray[Any] | None,
        rings: RingBins,
        out: FloatArray,
        squares: FloatArray,
    ) -> None:
        """Mean and standard deviation of |X|² in each ring into ``out``, (2, n, n_rings).

        And the sum of the squares of each image's pixels into ``squares``, (n,).
        """
        bins, transposed = rings.binning, self._fft.transposed
        sums = np.empty((2, len(batch), bins.n_runs))
        # By Parseval's theorem, of numbers that are in the cache; pixels would be read once more.
        parseval = not self._conditioning.changes
        weights = whole_weights(self.shape, transposed=transposed)
        whole = np.empty((len(batch), len(weights)), dtype=self._fft.dtype)
        several = batch.shape[-1] > 1

        def prepared(
            rows: slice | NDArray[np.integer[Any]], space: Workspace, *, kept: bool
        ) -> PowerSums:
            """Square all channels but the last, whose transforms are left in the workspace."""
            part, made = batch[rows], space.views(bins)
            n = len(part)
            power: PowerSums | None = made.get((n, kept))
            if power is None:
                power = PowerSums(bins, space, n, transposed=transposed, kept=kept)
                made[n, kept] = power
            seen = None if masks is None else masks[rows]
            for channel in range(part.shape[-1]):
                if channel > 0:
                    power.square(add=channel > 1)
                self._transform(part[..., channel], seen, space)
            return power

        def pixels(i: int) -> float:
            return _sum_of_squares(batch[i : i + 1], _part(masks, slice(i, i + 1)))

        def work(rows: slice, space: Workspace) -> None:
            power = prepared(rows, space, kept=several)
            sums[:, rows] = power.sums(add=several)
            if parseval:
                whole[rows] = power.whole
            else:
                squares[rows] = [pixels(i) for i in range(rows.start, rows.stop)]

        def look_again(rows: slice, space: Workspace) -> None:
            chosen = careless[rows]
            power = prepared(chosen, space, kept=True)
            power.square(add=several)
            planes = power.power.swapaxes(1, 2) if transposed else power.power
            std[chosen] = bins.moments(planes)[1]

        mean, std = out
        with self._naming_pixels(batch, masks):
            self._fft.each_chunk(len(batch), work)
            mean[...], std[...], exact = bins.moments_of_runs(sums)
            self._expect_in_range(mean, batch, masks, 1.0)
        if parseval:
            with np.errstate(over="ignore", invalid="ignore"):  # found below
                squares[...] = whole @ weights / prod(self.shape)
        careless = np.flatnonzero(~exact.all(axis=1))
        self._fft.each_chunk(len(careless), look_again)
        for i in np.flatnonzero(~np.isfinite(squares)).tolist():  # beyond the rings
            squares[i] = pixels(i)

    def _turned(self, power: FloatArray) -> FloatArray:
        """Upright half-planes with their axes in the order of the transforms."""
        return power.swapaxes(-1, -2) if self._fft.transposed else power

    def _power(self, batch: NDArray[Any], masks: NDArray[Any] | None, out: FloatArray) -> None:
        """Power of every image into ``out``, (n, *transposed half_shape)."""

        def work(rows: slice, space: Workspace) -> None:
            power = out[rows]
            for channel in range(batch.shape[-1]):
                self._transform(batch[rows, ..., channel], _part(masks, rows), space)
                half = space.half[: len(power)]
                # Squares of the float view: strided real and imaginary parts would be slower.
                parts = half.view(self._fft.dtype)
                np.square(parts, out=parts)
                if channel == 0:
                    np.add(parts[..., 0::2], parts[..., 1::2], out=power)
                else:
                    power += parts[..., 0::2]
                    power += parts[..., 1::2]
            power *= self.norm / batch.shape[-1]
            self._expect_in_range(power, batch[rows], _part(masks, rows), self.norm)

        with self._naming_pixels(batch, masks):
            self._fft.each_chunk(len(batch), work)

    @contextmanager
    def _naming_pixels(self, batch: NDArray[Any], masks: NDArray[Any] | None) -> Iterator[None]:
        """Say which pixels are not finite or too large, once their power shows that there are."""
        try:
            yield
        except _NotFiniteError:
            axis = self.channel_axis
            as_given = batch[..., 0] if axis is None else np.moveaxis(batch, -1, axis)
            _checks.expect_finite("images", as_given, masks, channel_axis=axis)
            largest = float(np.max(np.abs(_seen(batch, masks))))
            raise ValueError(
                f"pixels up to {largest:.3g} are too large for {self._fft.dtype} spectra"
            ) from None

    def _transform(
        self, planes: NDArray[Any], masks: NDArray[Any] | None, space: Workspace
    ) -> None:
        """Transform one channel of a chunk of images, (n, *shape), into the workspace."""
        if masks is None and not self._conditioning.changes:
            space.forward(planes)
        else:
            self._conditioning.fill(space, planes, masks)
            space.forward()

    def _expect_finite(
        self, conditioned: FloatArray, batch: NDArray[Any], masks: NDArray[Any] | None
    ) -> None:
        """Look for NaN and infinity in what became of a batch."""
        with self._naming_pixels(batch, masks):
            if not _checks.all_finite(conditioned):
                raise _NotFiniteError

    def _expect_in_range(
        self, power: FloatArray, images: NDArray[Any], masks: NDArray[Any] | None, scale: float
    ) -> None:
        """Look for squares that overflowed, or lost their digits, in power that was scaled.

        NaN and infinity in an image reach all of its power; overflow of the squares some of it.
        """
        peaks = power.max(axis=tuple(range(1, power.ndim)), initial=0.0)
        if not math.isfinite(peaks.max(initial=0.0)):  # as NaN is
            raise _NotFiniteError
        least = self._least
        faint = peaks < least
        if faint.any():  # images may also be zero, or nothing left of them by mask or detrending
            seen = None if masks is None else masks[faint]
            pixels = _seen(images[faint], seen).astype(np.float64)
            largest = np.abs(pixels).reshape(len(pixels), -1).max(axis=1)
            # At its peak power is at least the largest square: less is a loss of digits.
            with np.errstate(over="ignore"):
                lost = largest[(largest > 0) & (largest**2 * scale < least)]
            if lost.size:
                raise ValueError(
                    f"pixels up to {lost[0]:.3g} are too small for {self._fft.dtype} spectra"
                )


def _part(masks: NDArray[Any] | None, rows: slice) -> NDArray[Any] | None:
    return None if masks is None else masks[rows]


def _seen(images: NDArray[Any], masks: NDArray[Any] | None) -> NDArray[Any]:
    """Images, (n, *shape, channels), with zeros where they are hidden."""
    return images if masks is None else np.where(masks[..., np.newaxis] != 0, images, 0)


def _sum_of_squares(batch: NDArray[Any], masks: NDArray[Any] | None) -> float:
    """Of all pixels, times their weights; to six digits at least, as floors need."""
    with np.errstate(over="ignore"):
        if masks is None and batch.dtype in (np.float32, np.float64):
            total = _checks.sum_of_squares(batch.ravel())
            if math.isfinite(total):
                return total
        total = 0.0
        for number, image in enumerate(batch):
            for rows in row_strips(image.shape):
                pixels = image[rows].astype(np.float64)
                if masks is not None:
                    weights = masks[number, rows][..., np.newaxis]
                    pixels = np.where(weights != 0, pixels, 0.0) * weights
                total += _checks.sum_of_squares(pixels.ravel())
    return total
