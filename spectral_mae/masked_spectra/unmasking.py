"""From masked images back to the power spectrum, lag by lag.

Under a mask the circular autocorrelation of a stationary image is, on average, that of the whole
image times that of the mask. Their ratio, lag by lag, is an estimate without bias, and its
transform the spectrum; the binned form of the same idea is MASTER (Hivon et al. 2002).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray, NaN, Scaling, Visible
from spectral_mae.masks.tapers import add_power, autocorrelation, seen_weights, step_weights
from spectral_mae.spectra import frequencies as grids
from spectral_mae.spectra.labels.axis_labels import Unit, labels_of
from spectral_mae.spectra.labels.coordinates import labelled
from spectral_mae.spectra.spectrum import Spectrum

Prewhiten = Literal["gradient"]
Borders = Literal["periodic", "hidden"]


@dataclass(frozen=True, eq=False, repr=False)
class UnmaskedSpectrum(Spectrum):
    """Estimate of the power spectrum of an image of which masks hide a part.

    Single values of ``power`` may be negative: they are unbiased, and clipping would bias them.

    Attributes
    ----------
    autocovariance : ndarray, shape (*shape)
        Estimate of c(r) at every circular lag r, FFT order; NaN where no pair of pixels was seen.
    pairs : ndarray, shape (*shape)
        Number of pairs of visible pixels at each lag; with weights, the sum of their products.
    n_unseen, n_rare : int
        Number of lags without a pair, and with fewer than ``min_pairs``. The autocovariance at
        both is taken as zero in ``power``.

    Examples
    --------
    >>> from spectral_mae import unmasked_psd
    >>> image = np.random.default_rng(0).standard_normal((32, 32))
    >>> visible = np.random.default_rng(1).random((32, 32)) < 0.5
    >>> found = unmasked_psd(image, visible)
    >>> found.n_unseen, bool(found.pairs[0, 0] == visible.sum())
    (0, True)
    >>> bool(np.isclose(found.autocovariance[0, 0], image[visible].var(), rtol=0.01))
    True
    """

    autocovariance: FloatArray = dataclasses.field(default_factory=lambda: np.empty(0))
    pairs: FloatArray = dataclasses.field(default_factory=lambda: np.empty(0))
    n_unseen: int = 0
    n_rare: int = 0


class Unmasking:
    """Power spectrum from masked images, lag by lag, pooled over masks and images.

    The autocovariance at each circular lag is Σ(masked image ⋆ itself) / Σ(mask ⋆ mask), with ⋆ the
    autocorrelation. Numerators and denominators are summed over images before they are divided: a
    mean of ratios would be biased by lags with few pairs. The power is the transform of the
    autocovariance.

    Parameters
    ----------
    shape : int or tuple of int
        Pixels along each axis of every image.
    prewhiten : {"gradient"} or None
        "gradient" estimates the spectra of the differences to the next pixel along each axis, where
        both are visible, and divides their sum by Σ 4 sin²(πf). Differences of images with steep
        spectra are nearly white, so that little power leaks: the noise falls by orders of
        magnitude, and the mean of the image has no influence. Flat spectra are noisier at low
        frequencies that way. Zero frequency is estimated from the image itself.
    wrap : bool
        Whether the first pixel of an axis is the next one of the last. False leaves out the
        differences between opposite borders of images that are not periodic.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> pool = Unmasking((16, 16))
    >>> for _ in range(50):
    ...     visible = rng.random((16, 16)) < 0.5
    ...     pool = pool.update(rng.standard_normal((16, 16)), visible)
    >>> bool(np.allclose(pool.spectrum().radial(4).power, 1.0, atol=0.2))
    True
    """

    def __init__(
        self, shape: _checks.PerAxis, *, prewhiten: Prewhiten | None = None, wrap: bool = True
    ) -> None:
        self.shape = _checks.grid_shape(shape)
        if prewhiten is not None:
            _checks.choice("prewhiten", prewhiten, Prewhiten)
        self.prewhiten = prewhiten
        self.wrap = _checks.flag("wrap", wrap)
        # The image itself, then its steps along each axis.
        n = 1 if prewhiten is None else 1 + len(self.shape)
        self._power = np.zeros((n, *grids.half_shape(self.shape)))
        self._seen = np.zeros_like(self._power)
        self.n = 0

    def update(self, images: ArrayLike, visible: Visible = None) -> Self:
        """Add one image or several, under one mask for all or one for each.

        Parameters
        ----------
        images : array_like, shape (*shape) or (n, *shape)
            Hidden pixels are not used and may hold anything, NaN too. What a masked array masks is
            hidden.
        visible : array_like, shape (*shape) or (n, *shape), "finite" or None
            Bool, or weights from 0 to 1, which multiply the image. "finite" hides NaN and infinity,
            None hides nothing.

        Returns
        -------
        Unmasking
            This object.

        Raises
        ------
        ValueError
            If the shapes do not fit, weights are not from 0 to 1, or a visible pixel is not finite.
        """
        numbers, shown = _checks.masked_numbers("images", images)
        given: FloatArray = _checks.real_pixels("images", numbers)
        if given.shape[-len(self.shape) :] != self.shape or given.ndim > len(self.shape) + 1:
            raise ValueError(f"images of shape {given.shape} are not (n, {self.shape})")
        pixels = given.reshape(-1, *self.shape)
        shown = None if shown is None else shown.reshape(pixels.shape)
        weights = seen_weights("images", pixels, shown, visible)
        if len(pixels) == 1:
            pixels = np.broadcast_to(pixels, weights.shape)
        masks: NDArray[Any] = np.broadcast_to(weights, pixels.shape)
        for image, mask in zip(pixels, masks, strict=True):
            if not np.isfinite(_seen(image, mask)).all():
                several = given.ndim > len(self.shape) and len(given) > 1
                used = weights if several else np.asarray((weights > 0).any(axis=0))
                _checks.expect_finite("images", given, None if used.all() else used)
            _checks.squarable("images", _seen(image, mask))
        # What comes together is added up on its own first; a single image needs no room for that.
        power = self._power if len(pixels) == 1 else np.zeros_like(self._power)
        for image, mask in zip(pixels, masks, strict=True):
            self._add_image(_seen(image, mask), mask, power)
        if power is not self._power:
            self._power += power
        seen = np.zeros_like(self._seen)
        for mask in weights:
            self._add_mask(mask, seen)
        seen *= len(pixels) / len(weights)  # one mask may serve all images
        self._seen += seen
        self.n += len(pixels)
        return self

    def merge(self, other: Self) -> Self:
        """Add the sums of another pool, as if its images had been added to this one.

        Parameters
        ----------
        other : Unmasking
            A pool of the same shape and options.

        Returns
        -------
        Unmasking
            This object.

        Raises
        ------
        ValueError
            If shape or options differ.
        """
        _checks.needed("other", other, Unmasking, "pools are merged with pools")
        if (self.shape, self.prewhiten, self.wrap) != (other.shape, other.prewhiten, other.wrap):
            raise ValueError(
                f"pools of {self.shape=}, {self.prewhiten=}, {self.wrap=} and "
                f"shape={other.shape}, prewhiten={other.prewhiten!r}, wrap={other.wrap} do not fit"
            )
        self._power += other._power
        self._seen += other._seen
        self.n += other.n
        return self

    def spectrum(
        self,
        *,
        scaling: Scaling = "density",
        min_pairs: float = 1.0,
        taper: ArrayLike | None = None,
        fs: float | Sequence[float] = 1.0,
        unit: Unit = None,
    ) -> UnmaskedSpectrum:
        """Estimate the power spectrum from all images added so far.

        Parameters
        ----------
        scaling : {"density", "spectrum", "energy"}
            Unit of the power, as in `spectral_mae.psd`.
        min_pairs : float
            The autocovariance at lags with fewer pairs, over all masks, is taken as zero
            (``n_rare`` is their number). Above 0; small weights need less than 1.
        taper : array_like, shape (*shape), or None
            Weights of the lags before the transform, FFT order. Small weights of long lags give
            less noise and less resolution in frequency.
        fs, unit : optional
            Sampling frequency and unit of the axes, as in `spectral_mae.psd`.

        Returns
        -------
        UnmaskedSpectrum
            The estimate, with the number of lags that could not be used.

        Raises
        ------
        ValueError
            If no image was added yet.
        """
        _checks.choice("scaling", scaling, Scaling)
        rates = _checks.sampling_rates(fs, len(self.shape))
        labels = labels_of(unit, len(self.shape))
        if self.n == 0:
            raise ValueError("no images yet: call update first")
        min_pairs = _checks.positive_number("min_pairs", min_pairs)
        weights = None if taper is None else _checks.real_array("taper", taper)
        if weights is not None and weights.shape != self.shape:
            raise ValueError(f"taper of shape {weights.shape} does not fit {self.shape=}")
        lags = self._lags(0, min_pairs)
        power = lags.power(weights)
        unseen, rare = [lags.n_unseen], [lags.n_rare]
        if self.prewhiten is not None:
            total = np.zeros_like(power)
            for place in range(1, len(self._power)):
                steps = self._lags(place, min_pairs)
                total += steps.power(weights)
                unseen.append(steps.n_unseen)
                rare.append(steps.n_rare)
            gain = step_gain(self.shape)
            np.divide(total, gain, out=power, where=gain > 0)
        size, rate = prod(self.shape), prod(rates)
        power *= {"density": 1.0 / rate, "spectrum": 1.0 / size, "energy": float(size)}[scaling]
        cell = {"density": rate / size, "spectrum": 1.0, "energy": 1.0}[scaling]
        return UnmaskedSpectrum(
            power,
            self.shape,
            scaling,
            rates,
            cell,
            self.n,
            labels=labels,
            autocovariance=lags.covariance,
            pairs=lags.pairs,
            n_unseen=max(unseen),
            n_rare=max(rare),
        )

    def _add_image(
        self, pixels: FloatArray, mask: BoolArray | FloatArray, power: FloatArray
    ) -> None:
        """Add the power of the masked image, and of its differences along each axis."""
        add_power(power[0], pixels * mask)
        for axis in range(len(power) - 1):
            steps = np.roll(pixels, -1, axis)
            steps -= pixels
            steps *= step_weights(mask, axis, wrap=self.wrap)
            add_power(power[axis + 1], steps)

    def _add_mask(self, mask: BoolArray | FloatArray, power: FloatArray) -> None:
        """Add the power of the mask, and of the weights of the differences."""
        add_power(power[0], mask)
        for axis in range(len(power) - 1):
            add_power(power[axis + 1], step_weights(mask, axis, wrap=self.wrap))

    def _lags(self, place: int, min_pairs: float) -> _Lags:
        pairs = autocorrelation(self._seen[place], self.shape)
        covariance = autocorrelation(self._power[place], self.shape)
        unseen = pairs <= 1e-12 * pairs.max()  # no more than rounding
        np.divide(covariance, pairs, out=covariance, where=~unseen)
        covariance[unseen] = np.nan
        rare = ~unseen & (pairs < min_pairs * (1 - 1e-9))
        pairs[unseen] = 0.0
        return _Lags(covariance, pairs, unseen, rare)


class _Lags(NamedTuple):
    """Autocovariance at every lag, its number of pairs, and the lags that are not used."""

    covariance: FloatArray
    pairs: FloatArray
    unseen: BoolArray
    rare: BoolArray

    @property
    def n_unseen(self) -> int:
        return int(np.count_nonzero(self.unseen))

    @property
    def n_rare(self) -> int:
        return int(np.count_nonzero(self.rare))

    def power(self, taper: FloatArray | None) -> FloatArray:
        """Transform of the autocovariance, with lags that are not used taken as zero."""
        used = self.covariance.copy()
        used[self.unseen] = 0.0
        used[self.rare] = 0.0
        if taper is not None:
            used *= taper
        return scipy.fft.rfftn(used).real.copy()


def _seen(pixels: FloatArray, mask: BoolArray | FloatArray) -> FloatArray:
    """The image with zeros at hidden pixels, which may be NaN: NaN times 0 is NaN."""
    return np.where(mask > 0, pixels, 0.0)


@labelled("image", masks=("visible",))
def unmasked_psd(
    image: ArrayLike,
    visible: Visible = None,
    *,
    scaling: Scaling = "density",
    channel_axis: int | str | None = None,
    ndim: int | None = None,
    detrend: Literal["constant"] | None = None,
    nan: NaN = "raise",
    borders: Borders = "periodic",
    prewhiten: Prewhiten | None = None,
    wrap: bool = True,
    min_pairs: float = 1.0,
    taper: ArrayLike | None = None,
    fs: float | Sequence[float] = 1.0,
    unit: Unit = None,
) -> UnmaskedSpectrum:
    """Estimate the power spectrum of an image of which a mask shows only a part.

    The autocorrelation of the masked image is divided by that of the mask, lag by lag, and
    transformed. For a stationary, periodic image this is unbiased, whatever the mask.

    Parameters
    ----------
    image : array_like or DataArray, shape (D,), (H, W) or (T, H, W), and the channels
        Real numbers. Hidden pixels are not used and may hold anything, NaN too. What a masked array
        masks is hidden.
    visible : array_like, shape (*shape) or (n_masks, *shape), "finite" or None
        One mask, or several under which the image was seen; bool, or weights from 0 to 1. "finite"
        hides NaN and infinity, None hides nothing.
    scaling : {"density", "spectrum", "energy"}
        Unit of the power, as in `spectral_mae.psd`.
    channel_axis : int, str or None
        Axis of the channels, of a DataArray also its name; their spectra are averaged.
    ndim : {1, 2, 3} or None
        Number of axes without that of the channels, as in `spectral_mae.psd`: a volume needs
        ``ndim=3``.
    detrend : {"constant"} or None
        Subtract the (weighted) mean of the visible pixels of each channel.
    nan : {"raise", "hidden"}
        Raise an error for visible pixels that are not finite, or take them as hidden, under a mask
        too. Without a mask "hidden" is the same as ``visible="finite"``.
    borders : {"periodic", "hidden"}
        Take the image as periodic, or as surrounded by hidden pixels on a grid of twice its size.
        Then the spectrum is on that grid, and no lag connects opposite borders.
    prewhiten, wrap : optional
        As in `Unmasking`; for spectra about as steep as those of photographs, or steeper.
    min_pairs, taper : optional
        As in `Unmasking.spectrum`.
    fs, unit : optional
        Sampling frequency and unit of the axes, as in `spectral_mae.psd`.

    Returns
    -------
    UnmaskedSpectrum
        The estimate, with the number of lags at which no or few pairs of pixels were visible.

    Raises
    ------
    ValueError
        If shapes do not fit, or no pixel is visible.

    Examples
    --------
    >>> from spectral_mae.fields import gaussian_fields, power_law
    >>> truth = power_law((64, 64), -1.0)
    >>> image = gaussian_fields(truth, 1, rng=0)[0]
    >>> visible = np.random.default_rng(1).random((64, 64)) < 0.5
    >>> found = unmasked_psd(image, visible)
    >>> found.n_unseen, bool(np.allclose(found.radial(4).power, truth.radial(4).power, rtol=0.2))
    (0, True)
    """
    _checks.choice("nan", nan, NaN)
    _checks.choice("borders", borders, Borders)
    if detrend is not None:
        _checks.choice("detrend", detrend, Literal["constant"])
    numbers, shown = _checks.masked_numbers("image", image)
    array = _checks.real_pixels("image", numbers)
    channel_axis = _checks.axis_of_channels(channel_axis)
    last = _checks.one_image(
        "image", array, channel_axis, "Unmasking(shape).update(images, visible)", ndim=ndim
    )
    planes = np.moveaxis(last, -1, 0)
    shape = _checks.grid_shape(planes.shape[1:])
    axis = channel_axis if channel_axis is None else channel_axis % array.ndim + 1
    own = None if shown is None else shown[np.newaxis]
    masks = seen_weights("image", array[np.newaxis], own, visible, channel_axis=axis)
    if nan == "hidden":
        masks = _checks.both(masks, np.isfinite(planes).all(axis=0))
    if not masks.any():
        raise ValueError(f"no pixel of {shape=} is visible")
    used = np.asarray((masks > 0).any(axis=0))
    _checks.expect_finite("image", array, None if used.all() else used, channel_axis=channel_axis)
    if borders == "hidden":
        masks, planes = _surrounded(masks, shape), _surrounded(planes, shape)
        shape = masks.shape[1:]
    min_pairs = _checks.positive_number("min_pairs", min_pairs)
    pool = Unmasking(shape, prewhiten=prewhiten, wrap=wrap)
    for plane in planes:
        centred = plane
        if detrend == "constant":
            shown = np.where(masks > 0, plane, 0.0)
            centred = plane - float(np.average(shown, weights=masks))
        pool.update(np.broadcast_to(centred, masks.shape), masks)
    found = pool.spectrum(
        scaling=scaling, min_pairs=min_pairs * len(planes), taper=taper, fs=fs, unit=unit
    )
    return dataclasses.replace(found, averages=1)


def _surrounded(images: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Images in the corner of a grid of twice their size, zero elsewhere."""
    return np.pad(images, [(0, 0), *((0, n) for n in shape)])


def step_gain(shape: tuple[int, ...]) -> FloatArray:
    """Power gain of the differences to the next pixel, Σ 4 sin²(πf) over the axes.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.

    Returns
    -------
    ndarray, shape (*shape[:-1], shape[-1]//2 + 1)
        On the half-plane.
    """
    axes = grids.half_frequencies(shape, (1.0,) * len(shape))
    return reduce(np.add.outer, (4 * np.sin(np.pi * axis) ** 2 for axis in axes))
