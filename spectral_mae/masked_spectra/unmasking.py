"""From masked images back to the power spectrum, lag by lag.

Under a mask the circular autocorrelation of a stationary image is, on average, that of the whole
image times that of the mask. Their ratio, lag by lag, is an estimate without bias, and its
transform the spectrum; the binned form of the same idea is MASTER (Hivon et al. 2002).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray, Scaling
from spectral_mae.masks.tapers import add_power, autocorrelation, mask_or_weights, step_weights
from spectral_mae.spectra import frequencies as grids
from spectral_mae.spectra.spectrum import Spectrum

Prewhiten = Literal["gradient"]
Borders = Literal["periodic", "hidden"]


@dataclass(frozen=True, eq=False, repr=False)
class UnmaskedSpectrum(Spectrum):
    """The power spectrum of what a mask hides in part, and what was seen of it.

    Single values may be negative: they are estimates without bias, and clipping would bias them.

    Attributes
    ----------
    autocovariance : ndarray, shape (*shape)
        Estimate of c(r) at every circular lag r, FFT order; NaN where no pair of pixels was seen.
    pairs : ndarray, shape (*shape)
        Pairs of pixels at each lag that were seen (of weights: their sum of products).
    n_unseen, n_rare : int
        Lags without a pair, and with fewer than ``min_pairs``; both count as zero in ``power``.
    """

    autocovariance: FloatArray = dataclasses.field(default_factory=lambda: np.empty(0))
    pairs: FloatArray = dataclasses.field(default_factory=lambda: np.empty(0))
    n_unseen: int = 0
    n_rare: int = 0


class Unmasking:
    """The lag-by-lag estimator, pooled over masks and images.

    Σ(masked image ⋆ itself) / Σ(mask ⋆ mask), numerators and denominators summed on their own: a
    mean of ratios would be biased by its rarest lags.

    Parameters
    ----------
    shape : int or tuple of int
    prewhiten : {"gradient"} or None
        Whether to unmask the spectra of the steps to the next pixel along each axis, where both
        are visible, and divide their sum by Σ 4 sin²(πf). Steep spectra are nearly white in their
        gradient, so that little leaks: the noise falls by orders of magnitude, and the mean of the
        image does not matter. Flat spectra are noisier at low frequencies that way. Zero
        frequency, which steps do not have, stays that of the image.
    wrap : bool
        Whether the last pixel of an axis steps to the first. False leaves out the jumps between
        opposite borders of images that are not periodic.

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

    def update(self, images: ArrayLike, visible: ArrayLike) -> Self:
        """Take in an image (or several), under a mask (or one each).

        Parameters
        ----------
        images : array_like, shape (*shape) or (n, *shape)
            What is hidden does not count, whatever it holds.
        visible : array_like, shape (*shape) or (n, *shape)
            Bool, or weights from 0 to 1, which multiply the image.

        Raises
        ------
        ValueError
            If the shapes do not fit, weights are not from 0 to 1, or a visible pixel is not finite.
        """
        weights = mask_or_weights(visible, self.shape)
        weights = weights.reshape(-1, *self.shape)
        pixels: FloatArray = _checks.real_pixels("images", images)
        if pixels.shape[-len(self.shape) :] != self.shape or pixels.ndim > len(self.shape) + 1:
            raise ValueError(f"images of shape {pixels.shape} are not (n, {self.shape})")
        pixels = pixels.reshape(-1, *self.shape)
        if 1 not in (len(weights), len(pixels)) and len(weights) != len(pixels):
            raise ValueError(f"{len(pixels)} images under {len(weights)} masks do not pair up")
        if len(pixels) == 1:
            pixels = np.broadcast_to(pixels, weights.shape)
        masks: NDArray[Any] = np.broadcast_to(weights, pixels.shape)
        for image, mask in zip(pixels, masks, strict=True):
            if not np.isfinite(_seen(image, mask)).all():
                _checks.real_array("images", np.where(masks > 0, pixels, 0.0))
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
        """Take in what another pool has seen."""
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
    ) -> UnmaskedSpectrum:
        """The pooled estimate.

        Parameters
        ----------
        scaling : {"density", "spectrum", "energy"}
        min_pairs : float
            Lags with fewer pairs, over all masks, count as zero (``n_rare`` says how many); faint
            weights need less.
        taper : array_like, shape (*shape), or None
            Weights of the lags before they are transformed, FFT order: noise of far lags against
            resolution in frequency.
        """
        _checks.choice("scaling", scaling, Scaling)
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
        size = prod(self.shape)
        power *= {"density": 1.0, "spectrum": 1.0 / size, "energy": float(size)}[scaling]
        cell = {"density": 1.0 / size, "spectrum": 1.0, "energy": 1.0}[scaling]
        return UnmaskedSpectrum(
            power,
            self.shape,
            scaling,
            (1.0,) * len(self.shape),
            cell,
            self.n,
            autocovariance=lags.covariance,
            pairs=lags.pairs,
            n_unseen=max(unseen),
            n_rare=max(rare),
        )

    def _add_image(
        self, pixels: FloatArray, mask: BoolArray | FloatArray, power: FloatArray
    ) -> None:
        """Add the power of what a mask shows of an image, and of its steps along each axis."""
        add_power(power[0], pixels * mask)
        for axis in range(len(power) - 1):
            steps = np.roll(pixels, -1, axis)
            steps -= pixels
            steps *= step_weights(mask, axis, wrap=self.wrap)
            add_power(power[axis + 1], steps)

    def _add_mask(self, mask: BoolArray | FloatArray, power: FloatArray) -> None:
        """Add the power of a mask, and of the weights of those steps."""
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
    """Autocovariance at every lag, the pairs it is made of, and where it is not used."""

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
        """Its transform, where lags that are not used count as zero."""
        used = self.covariance.copy()
        used[self.unseen] = 0.0
        used[self.rare] = 0.0
        if taper is not None:
            used *= taper
        return scipy.fft.rfftn(used).real.copy()


def _seen(pixels: FloatArray, mask: BoolArray | FloatArray) -> FloatArray:
    """An image, zero where it is hidden: that may be NaN, and zero times NaN would be, too."""
    return np.where(mask > 0, pixels, 0.0)


def unmasked_psd(
    image: ArrayLike,
    visible: ArrayLike,
    *,
    scaling: Scaling = "density",
    channel_axis: int | None = None,
    detrend: Literal["constant"] | None = None,
    nan: Literal["raise", "hidden"] = "raise",
    borders: Borders = "periodic",
    prewhiten: Prewhiten | None = None,
    wrap: bool = True,
    min_pairs: float = 1.0,
    taper: ArrayLike | None = None,
) -> UnmaskedSpectrum:
    """Power spectrum of an image of which a mask shows only a part.

    Lag by lag: the autocorrelation of the masked image over that of the mask, transformed. Of a
    stationary (periodic) image this is without bias, whatever the mask.

    Parameters
    ----------
    image : array_like, shape (D,) or (H, W), with one more axis at ``channel_axis`` if given
    visible : array_like, shape (*shape) or (n_masks, *shape)
        One mask, or several under which the image was seen; bool, or weights from 0 to 1.
    scaling : {"density", "spectrum", "energy"}
    channel_axis : int or None
        Axis of the channels; their spectra are averaged.
    detrend : {"constant"} or None
        Subtract the (weighted) mean of what is visible, of each channel.
    nan : {"raise", "hidden"}
        What to do with visible pixels that are not finite: refuse them, or take them as hidden.
    borders : {"periodic", "hidden"}
        Whether the image goes on at its opposite border, or lies within hidden surroundings of
        twice its size (then the spectrum is on that grid, and lags that go around are unseen).
    prewhiten, wrap
        As of `Unmasking`: for spectra about as steep as those of photographs, or steeper.
    min_pairs, taper
        As of `Unmasking.spectrum`.

    Returns
    -------
    UnmaskedSpectrum
        Says at how many lags nothing, or little, was seen.

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
    _checks.choice("nan", nan, Literal["raise", "hidden"])
    _checks.choice("borders", borders, Borders)
    if detrend is not None:
        _checks.choice("detrend", detrend, Literal["constant"])
    array = _checks.real_pixels("image", image)
    last = _checks.one_image(
        "image", array, channel_axis, "Unmasking(shape).update(images, visible)"
    )
    planes = np.moveaxis(last, -1, 0)
    shape = _checks.grid_shape(planes.shape[1:])
    weights = mask_or_weights(visible, shape)
    if nan == "hidden":
        weights = weights * np.isfinite(planes).all(axis=0)
    if not weights.any():
        raise ValueError(f"no pixel of {shape=} is visible")
    masks = weights.reshape(-1, *shape)
    anywhere = (masks > 0).any(axis=0)
    shown = planes[0] if channel_axis is None else planes
    _checks.real_array("image", np.where(anywhere, shown, 0.0))
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
    found = pool.spectrum(scaling=scaling, min_pairs=min_pairs * len(planes), taper=taper)
    return dataclasses.replace(found, averages=1)


def _surrounded(images: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Images in the corner of a grid of twice their size, zero elsewhere."""
    return np.pad(images, [(0, 0), *((0, n) for n in shape)])


def step_gain(shape: tuple[int, ...]) -> FloatArray:
    """Σ 4 sin²(πf) over the axes, on the half-plane: what steps to the next pixel multiply."""
    axes = grids.half_frequencies(shape, (1.0,) * len(shape))
    return reduce(np.add.outer, (4 * np.sin(np.pi * axis) ** 2 for axis in axes))
