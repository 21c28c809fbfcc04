"""What random patch masks do to power spectra on average, exactly and without sampling.

For a fixed image x and a random mask, with X_b the transform of the image restricted to patch b and
Π_ab the probability that patches a and b are both kept,

    E|Y[k]|² = Σ_ab Π_ab X_a*[k] X_b[k].

Where any two patches are both kept with the same probability π₂, and each with π₁, that is

    E|Y[k]|² = π₂ |X[k]|² + (π₁ − π₂) Σ_b |X_b[k]|².

`spectral_mae.masked_spectra.patch_power` has the sum over patches, and
`spectral_mae.masked_spectra.pair_power` that over pairs of patches for any other design.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, reduce
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._array_api import device, finite_tensor, precision, scalars, shared_with_numpy
from spectral_mae._checks import FloatArray, Sampling, Scaling, is_tensor, namespace, outline
from spectral_mae.masked_spectra.components import MaskedComponents
from spectral_mae.masked_spectra.leaked_power import Leakage
from spectral_mae.masked_spectra.pair_power import pair_power
from spectral_mae.masked_spectra.patch_power import PatchPower
from spectral_mae.masked_spectra.tensor_patches import TensorPatchPower
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.short_form import design_on, image_and_design
from spectral_mae.masks.patches import PatchGrid, expect_grid
from spectral_mae.masks.pulses import dirichlet_power
from spectral_mae.spectra.conditioning import DetrendOption, Window
from spectral_mae.spectra.frequencies import hermitian_weights
from spectral_mae.spectra.labels.axis_labels import Unit
from spectral_mae.spectra.labels.coordinates import labelled
from spectral_mae.spectra.periodogram import Periodogram
from spectral_mae.spectra.spectrum import Spectrum

# Part of the largest value of a design's spectrum below which there is only rounding.
ROUNDING = 1e-15

# Sums of the squares of power that have lost no digits.
SQUARABLE = 1e-280, 1e280

# Plans that are kept from call to call: so many, of images of at most so many numbers.
KEPT_PLANS = 8
KEPT_PIXELS = 2**18

# What the error says when there are several images.
SEVERAL = "MaskedPeriodogram(PatchGrid(shape, patch_size)).components(image) for each of them"


def expected_mask_power(
    grid: PatchGrid | None = None,
    mask_ratio: float | None = None,
    *,
    sampling: Sampling = "fixed",
    design: MaskDesign | None = None,
) -> NDArray[np.float64]:
    """Mean power of a random mask, E|M[k]|² = L·ρ̂(q)·|R[k]|².

    L is the number of patches, R the transform of one patch (`dirichlet_kernel`), and ρ̂ the
    `MaskDesign.spectrum` at the patch-grid frequency q = k modulo the number of patches. Where
    patches are chosen uniformly that is π₂ D² δ[k] + (π₁−π₂)·L·|R[k]|², with π₁ and π₂ the
    `inclusion_probabilities` of one and of two patches and D the number of pixels.

    Parameters
    ----------
    grid : PatchGrid or None
        Patches that are kept or hidden; None with ``design=``.
    mask_ratio : float or None
        Fraction of patches that is hidden, strictly between 0 and 1; None with ``design=``.
    sampling : {"fixed", "bernoulli"}
        Keep exactly ⌊L(1−m)⌋ patches, or each one independently with probability 1−m.
    design : MaskDesign or None
        In place of the other arguments: any design of `spectral_mae.designs`.

    Returns
    -------
    ndarray, shape ``grid.shape``
        Whole grid in FFT order, plain |M|² ("energy").

    Raises
    ------
    TypeError
        If neither a design nor a grid and a mask ratio are given.
    ValueError
        As `inclusion_probabilities`, or if a design is given and a mask ratio too.

    Examples
    --------
    >>> grid = PatchGrid((32, 32), 8)
    >>> power = expected_mask_power(grid, 0.75)
    >>> bool(np.isclose(power.sum(), 32**2 * 256))  # Parseval: 4 of 16 patches, 256 pixels, kept
    True
    >>> from spectral_mae import designs
    >>> power = expected_mask_power(design=designs.block(grid, 2, keep=True))
    >>> bool(np.isclose(power.sum(), 32**2 * 256))
    True
    """
    design = design_on(grid, mask_ratio, sampling=sampling, design=design)
    grid = design.grid
    kernels = [dirichlet_power(n, p) for n, p in zip(grid.shape, grid.patch_size, strict=True)]
    power: NDArray[np.float64] = reduce(np.multiply.outer, kernels)
    if design.uniform is not None:
        pi1, pi2 = design.uniform
        power *= (pi1 - pi2) * grid.n_patches
        power[(0,) * grid.ndim] += pi2 * float(np.prod(grid.shape)) ** 2
        return power
    # k = j·counts + q along each axis: the spectrum of the design repeats.
    tiles = [n for pair in zip(grid.patch_size, grid.counts, strict=True) for n in pair]
    once = [n for count in grid.counts for n in (1, count)]
    rho_hat = np.where(design.spectrum > ROUNDING * design.spectrum.max(), design.spectrum, 0.0)
    tiled = power.reshape(tiles)
    tiled *= rho_hat.reshape(once) * grid.n_patches
    return power


class MaskedPeriodogram:
    """Mean spectra under random patch masks, for many images of one shape.

    The form of `expected_masked_psd` and `leakage` that keeps its plans. What it computes of an
    image serves every mask ratio and both kinds of sampling, and the design that it is made for.

    Parameters
    ----------
    grid : PatchGrid or None
        Patches of the images; None with ``design=``.
    design : MaskDesign or None
        The design that `MaskedComponents.expected` and `MaskedComponents.leakage` take where they
        are given no other. One that is not uniform must be given here.
    fs, unit, window, detrend, scaling : optional
        As in `spectral_mae.psd`. The window is applied before the mask: both are products, so
        their order does not matter.
    channel_axis : int or None
        Axis of the channels in an image.

    Raises
    ------
    TypeError
        If the grid is not a `PatchGrid`, or neither it nor a design is given.
    ValueError
        For an option that `spectral_mae.psd` refuses, or a design of another grid.

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((5, 32, 48))
    >>> planned = MaskedPeriodogram(PatchGrid((32, 48), 8))
    >>> for image in images:
    ...     masked = planned.components(image)
    ...     few, many = (masked.expected(ratio) for ratio in (0.25, 0.75))
    >>> bool(np.isclose(masked.patches.total, masked.original.total))  # Parseval, patch by patch
    True
    >>> from spectral_mae import designs
    >>> planned = MaskedPeriodogram(design=designs.block(PatchGrid((32, 48), 8), (2, 3)))
    >>> masked = planned.components(images[0])
    >>> masked.expected().shape, round(masked.leakage().total, 3)
    ((32, 48), 0.333)
    """

    def __init__(
        self,
        grid: PatchGrid | None = None,
        *,
        design: MaskDesign | None = None,
        fs: float | Sequence[float] = 1.0,
        unit: Unit = None,
        window: Window = None,
        detrend: DetrendOption = None,
        scaling: Scaling = "density",
        channel_axis: int | None = None,
    ) -> None:
        self.grid = _grid_of(grid, design)
        self.design = design
        self.channel_axis = _checks.axis_of_channels(channel_axis)
        self._options: dict[str, Any] = {
            "fs": fs,
            "window": window,
            "detrend": detrend,
            "scaling": scaling,
            "unit": unit,
        }
        self._periodogram = Periodogram(
            self.grid.shape,
            channel_axis=None if channel_axis is None else -1,
            chunk=1,
            **self._options,
        )
        self._weights = hermitian_weights(self.grid.shape).astype(np.float64)
        self._patch_power = PatchPower(self.grid)
        self._pair_power = None
        if design is not None and design.uniform is None:
            self._pair_power = pair_power(design)

    def expected(self, image: ArrayLike) -> Spectrum:
        """Return the mean spectrum of one image under the design that the plan was made for.

        That is ``components(image).expected()`` without the spectra of which it is the sum, in less
        time and memory.

        Parameters
        ----------
        image : array_like or tensor, shape ``grid.shape``, with channels at ``channel_axis``
            As in `components`.

        Returns
        -------
        Spectrum
            The mean over all masks, exact.

        Raises
        ------
        TypeError
            If the plan was made without a design.
        ValueError
            As `components`.
        """
        if self.design is None:
            raise TypeError(
                "this plan has no design: MaskedPeriodogram(design=...), or "
                "components(image).expected(mask_ratio)"
            )
        if is_tensor(image) or self.design.uniform is None:
            return self.components(image).expected()
        pixels = self._pixels(image)
        planes = self._conditioned(pixels)
        pi1, pi2 = self.design.uniform
        weight = pi1 - pi2
        own = self._of_image(pixels)
        power, total = own.power, 0.0
        power *= pi2
        with np.errstate(over="ignore", invalid="ignore"):  # found below
            for rows, part in self._patch_power.strips(planes, self._scale(planes) * weight):
                total += _checks.sum_of_squares(part.ravel())
                power[rows] += part
        if not SQUARABLE[0] < total < SQUARABLE[1]:
            return self.components(image).expected()
        floor = max(own.floor, _floor_of_sum(math.sqrt(total / power.size) / weight, power.size))
        return dataclasses.replace(own, floor=pi2 * own.floor + weight * floor)

    def components(self, image: ArrayLike) -> MaskedComponents:
        """Return the spectra of one image of which its mean spectra under masks are sums.

        Parameters
        ----------
        image : array_like or tensor, shape ``grid.shape``, with channels at ``channel_axis``
            Real numbers. Tensors that are not on the CPU, or of which derivatives are wanted, need
            a uniform design.

        Returns
        -------
        MaskedComponents
            |X|², Σ_b |X_b|², and what else the design needs.

        Raises
        ------
        ValueError
            For NaN or infinite pixels, or pixels whose power overflows.
        """
        if is_tensor(image):
            return self._of_tensor(image)
        (own,) = self._components(
            self._pixels(image), lambda planes, scale: (self._patch_power(planes, scale),)
        )
        return own

    def components_with_centred(self, image: ArrayLike) -> Iterator[MaskedComponents]:
        """Yield the components of one image, then of the image less the mean of each channel.

        Of large images the first can be let go before the second are made.

        Parameters
        ----------
        image : array_like, shape ``grid.shape``, with the channels at ``channel_axis`` if given
            Real numbers.

        Yields
        ------
        MaskedComponents
            As `components` returns them of the image, and of the image with ``detrend="constant"``.
            The second takes little time where nothing is detrended or windowed and the design is
            uniform: the two spectra of the image differ at zero frequency alone.

        Raises
        ------
        ValueError
            As `components`.
        """
        options = self._options
        if options["detrend"] == "constant":
            own = self.components(image)
            yield own
            yield own
            return
        if self._pair_power is not None or self._changes:
            yield self.components(image)
            yield self._centred.components(image)
            return
        own, centred = self._components(self._pixels(image), self._patch_power.with_centred)
        power = centred.original.power.copy()
        power[(0,) * self.grid.ndim] = 0.0
        original = dataclasses.replace(centred.original, power=power)
        yield own
        yield dataclasses.replace(centred, original=original)

    @cached_property
    def _centred(self) -> MaskedPeriodogram:
        """The same for images less their mean."""
        return MaskedPeriodogram(
            self.grid,
            design=self.design,
            channel_axis=self.channel_axis,
            **{**self._options, "detrend": "constant"},
        )

    def _pixels(self, image: ArrayLike) -> FloatArray:
        """An image of the right shape, with its channels last; it may hold NaN."""
        pixels: FloatArray = _checks.real_pixels("image", image)
        axis = self.channel_axis
        planes = _checks.channels_last("image", pixels, axis, self.grid.ndim)
        if planes.shape[:-1] != self.grid.shape or not planes.size:
            raise ValueError(
                f"image of shape {pixels.shape} with channel_axis={axis} is not an image of "
                f"shape={self.grid.shape}"
            )
        return pixels if axis is None else planes

    @property
    def _changes(self) -> bool:
        """Whether an image is detrended or windowed before it is masked."""
        return self._options["window"] is not None or bool(self._options["detrend"])

    def _conditioned(self, pixels: FloatArray) -> FloatArray:
        """The image before it is masked, (*shape, channels)."""
        if self._changes:
            with self._naming_pixels(pixels):
                return self._periodogram.condition(pixels[np.newaxis])[0]
        return pixels[..., np.newaxis] if self.channel_axis is None else pixels

    @contextmanager
    def _naming_pixels(self, pixels: FloatArray) -> Iterator[None]:
        """Say which pixels are not finite, once something shows that there are such."""
        try:
            yield
        except ValueError:
            if self.channel_axis is not None:
                pixels = np.moveaxis(pixels, -1, self.channel_axis)
            _checks.real_array("image", pixels)
            raise

    def _scale(self, planes: FloatArray) -> float:
        """Factor from sums over the channels to power."""
        return self._periodogram.norm / planes.shape[-1]

    def _of_image(self, pixels: FloatArray) -> Spectrum:
        """The spectrum of the image."""
        periodogram = self._periodogram
        with self._naming_pixels(pixels):
            power = periodogram.power(pixels[np.newaxis])[0]
        if self._changes:
            channels = 1 if self.channel_axis is None else pixels.shape[-1]
            squares = _checks.sum_of_squares(pixels.ravel(order="K")) / channels
        else:  # by Parseval, of half as many numbers
            total = float((power.reshape(-1, power.shape[-1]) @ self._weights).sum())
            squares = total / (prod(self.grid.shape) * periodogram.norm)
        return Spectrum(
            power=power,
            shape=self.grid.shape,
            scaling=periodogram.scaling,
            fs=periodogram.fs,
            cell=periodogram.cell,
            floor=periodogram.rounding_floor(squares),
            labels=periodogram.labels,
        )

    def _components(
        self,
        pixels: FloatArray,
        patch_power: Callable[[FloatArray, float], tuple[FloatArray, ...]],
    ) -> list[MaskedComponents]:
        """Components with each Σ_b |X_b|² that ``patch_power`` makes of the image."""
        planes = self._conditioned(pixels)
        scale = self._scale(planes)
        # First, for what it takes in memory may then serve the transform: with more in use at once
        # glibc would give it back after every call, and faults take as long as everything else.
        with np.errstate(over="ignore", invalid="ignore"):  # found below
            powers = patch_power(planes, scale)
            pairs = None if self._pair_power is None else self._pair_power(planes)
        del planes  # a whole image, where detrending or a window made one
        if not math.isfinite(powers[0].max()):  # as NaN is
            with self._naming_pixels(pixels):
                largest = float(np.max(np.abs(pixels)))
                raise ValueError(f"pixels up to {largest:.3g} are too large for float64 spectra")
        original = self._of_image(pixels)

        def spectrum(power: FloatArray) -> Spectrum:
            floor = max(original.floor, _patch_floor(power))
            return dataclasses.replace(original, power=power, floor=floor)

        of_pairs, share = None, 0.0
        if self._pair_power is not None and pairs is not None:
            pairs *= scale
            of_pairs, share = spectrum(pairs), self._pair_power.share
        return [
            MaskedComponents(self.grid, original, spectrum(power), self.design, of_pairs, share)
            for power in powers
        ]

    def _of_tensor(self, image: Any) -> MaskedComponents:
        shared = shared_with_numpy(image)
        if shared is not None:
            return self.components(shared).beside(image)
        if self._pair_power is not None:
            raise TypeError(
                f"image is a tensor on {device(image)} or with derivatives, and {self.design} is "
                "not uniform: give its numbers on the CPU, such as tensor.detach().cpu()"
            )
        pixels = finite_tensor("image", image)
        if self.channel_axis is not None:
            _checks.channels_last("image", outline(pixels), self.channel_axis, self.grid.ndim)
            pixels = namespace(pixels).moveaxis(pixels, self.channel_axis, -1)
        original = self._periodogram.mean(pixels[None, ...])
        planes = self._periodogram.condition(pixels[None, ...])[0, ...]
        power = self._tensor_patch_power(planes) * (self._periodogram.norm / planes.shape[-1])
        (largest,) = scalars(namespace(power).max(power))
        if not math.isfinite(largest):
            raise ValueError(f"pixels are too large for {precision(pixels)} spectra")
        patches = dataclasses.replace(original, power=power)
        return MaskedComponents(self.grid, original, patches, self.design)

    @cached_property
    def _tensor_patch_power(self) -> TensorPatchPower:
        return TensorPatchPower(self.grid)


@labelled("image")
def expected_masked_psd(
    image: ArrayLike,
    patch_size: _checks.PerAxis | None = None,
    mask_ratio: float | None = None,
    *,
    sampling: Sampling = "fixed",
    design: MaskDesign | None = None,
    scaling: Scaling = "density",
    channel_axis: int | str | None = None,
    fs: float | Sequence[float] = 1.0,
    unit: Unit = None,
    window: Window = None,
    detrend: DetrendOption = None,
) -> Spectrum:
    """Mean power spectrum of an image under random patch masks, exactly and without sampling.

    For many images of one shape, or several mask ratios of one image, `MaskedPeriodogram` computes
    only once what they share.

    Parameters
    ----------
    image : array_like, tensor or DataArray, shape (D,), (H, W) or (T, H, W), and the channels
        Real numbers. Of a tensor the power is a tensor, as that of `spectral_mae.psd`; designs that
        are not uniform need one on the CPU of which no derivatives are wanted.
    patch_size : int or tuple of int or None
        Pixels of a patch along each axis. It must divide the shape of the image. A volume needs
        three numbers. None with ``design=``.
    mask_ratio : float or None
        Fraction of patches that is hidden, strictly between 0 and 1. None with ``design=``.
    sampling : {"fixed", "bernoulli"}
        Keep exactly ⌊L(1−m)⌋ of the L patches, or each one independently with probability 1−m.
    design : MaskDesign or None
        In place of the three: any design of `spectral_mae.designs` on a grid of the image's shape.
    scaling, channel_axis, fs, unit, window, detrend : optional
        As in `spectral_mae.psd`; the order is detrend, mask, window. The trend is that of the whole
        image, before it is masked (`psd` of a masked image fits it to what is visible).

    Returns
    -------
    Spectrum
        E|Y[k]|² = π₂ |X[k]|² + (π₁−π₂) Σ_b |X_b[k]|², with X_b the transform of the image
        restricted to patch b. Of a design that is not uniform it is Σ_ab Π_ab X_a*[k] X_b[k], with
        Π_ab the probability that patches a and b are both kept.

    Raises
    ------
    TypeError
        If neither a patch and a mask ratio nor a design are given.
    ValueError
        If the patch does not divide the image, the mask ratio keeps all or no patches, or a design
        is of another shape or given beside a patch.

    Examples
    --------
    >>> image = np.random.default_rng(0).standard_normal((32, 32))
    >>> masked = expected_masked_psd(image, 8, 0.75)
    >>> bool(np.isclose(masked.total, 0.25 * np.mean(image**2)))
    True
    >>> from spectral_mae import designs
    >>> design = designs.block(PatchGrid((32, 32), 8), (2, 2), keep=True)
    >>> masked = expected_masked_psd(image, design=design)
    >>> bool(np.isclose(masked.total, 0.25 * np.mean(image**2)))
    True
    """
    array, planned = _planned(
        image,
        patch_size,
        mask_ratio,
        sampling=sampling,
        design=design,
        scaling=scaling,
        channel_axis=_checks.axis_of_channels(channel_axis),
        fs=fs,
        window=window,
        detrend=detrend,
        unit=unit,
    )
    return planned.expected(array)


@labelled("image")
def leakage(
    image: ArrayLike,
    patch_size: _checks.PerAxis | None = None,
    mask_ratio: float | None = None,
    *,
    sampling: Sampling = "fixed",
    design: MaskDesign | None = None,
    channel_axis: int | str | None = None,
    fs: float | Sequence[float] = 1.0,
    unit: Unit = None,
    window: Window = None,
    detrend: DetrendOption = None,
) -> Leakage:
    """Power that masking brings to each frequency from others, over the power it keeps there.

    (E|Y|² − π₁²|X|²) / (π₁²|X|²): the variance of Y over masks, over the power of its mean.
    Over a band it is the ratio of the sums, not the mean of ratios.

    Parameters
    ----------
    image : array_like or DataArray, shape (D,), (H, W) or (T, H, W), and the channels
        Real numbers. Its mean matters: it is most of the power of a photograph, and masking spreads
        it over frequency. ``detrend="constant"`` takes it away.
    patch_size : int or tuple of int or None
        Pixels of a patch along each axis. It must divide the shape of the image. A volume needs
        three numbers. None with ``design=``.
    mask_ratio : float or None
        Fraction of patches that is hidden, strictly between 0 and 1. None with ``design=``.
    sampling : {"fixed", "bernoulli"}
        Keep exactly ⌊L(1−m)⌋ of the L patches, or each one independently with probability 1−m.
    design : MaskDesign or None
        In place of the three: any design of `spectral_mae.designs` on a grid of the image's shape.
    channel_axis, fs, unit, window, detrend : optional
        As in `spectral_mae.psd`.

    Returns
    -------
    Leakage
        The ratio at each frequency, with its means over rings, bands and all frequencies.

    Raises
    ------
    ValueError
        As `expected_masked_psd`.

    Examples
    --------
    >>> image = np.random.default_rng(0).standard_normal((32, 32))
    >>> leak = leakage(image, 8, 0.75)
    >>> round(leak.total, 12)
    3.0
    >>> round(leak.band(0.25, 0.5), 1)
    2.9
    """
    array, planned = _planned(
        image,
        patch_size,
        mask_ratio,
        sampling=sampling,
        design=design,
        channel_axis=_checks.axis_of_channels(channel_axis),
        fs=fs,
        window=window,
        detrend=detrend,
        unit=unit,
    )
    return planned.components(array).leakage()


def _planned(
    image: ArrayLike,
    patch_size: _checks.PerAxis | None,
    mask_ratio: float | None,
    *,
    sampling: Sampling,
    design: MaskDesign | None,
    channel_axis: int | None,
    **options: Any,
) -> tuple[NDArray[Any], MaskedPeriodogram]:
    """An image as an array, and the plan for images like it."""
    array: Any = image if is_tensor(image) else _checks.numeric_array("image", image)
    shape = tuple(array.shape)
    asked = shape, patch_size, mask_ratio, sampling, channel_axis, tuple(options.items())
    if design is None and prod(shape) <= KEPT_PIXELS and _is_hashable(asked):
        return array, _kept_plan(repr(asked), *asked)
    return array, _plan(*asked, design=design)


def _plan(
    shape: tuple[int, ...],
    patch_size: _checks.PerAxis | None,
    mask_ratio: float | None,
    sampling: Sampling,
    channel_axis: int | None,
    options: tuple[tuple[str, Any], ...],
    design: MaskDesign | None = None,
) -> MaskedPeriodogram:
    """The plan for images of a shape, channels included."""
    _, design = image_and_design(
        np.broadcast_to(np.float64(0), shape),
        patch_size,
        mask_ratio,
        sampling=sampling,
        design=design,
        channel_axis=channel_axis,
        several=SEVERAL,
    )
    return MaskedPeriodogram(design=design, channel_axis=channel_axis, **dict(options))


@functools.lru_cache(maxsize=KEPT_PLANS)
def _kept_plan(as_text: str, *asked: Any) -> MaskedPeriodogram:
    """The same, kept. The text tells apart what is equal but not to the checks, as 1 and True."""
    return _plan(*asked)


def _is_hashable(argument: object) -> bool:
    """Whether a plan can be found again by an argument; not by an array or a list."""
    try:
        hash(argument)
    except TypeError:
        return False
    return True


def _grid_of(grid: PatchGrid | None, design: MaskDesign | None) -> PatchGrid:
    """The patches that the arguments name."""
    if design is not None:
        return design_on(grid, None, design=design).grid
    if grid is None:
        raise TypeError("patches are needed: PatchGrid(shape, patch_size), or design=")
    expect_grid(grid)
    return grid


def _patch_floor(power: FloatArray) -> float:
    """What rounding leaves in Σ_b |X_b|² at a frequency without power."""
    largest = float(power.max())
    if largest == 0.0:
        return 0.0
    scale = largest if not 1e-140 < largest < 1e140 else 1.0  # squares could leave the range
    scaled = power if scale == 1.0 else power / scale
    rms = scale * math.sqrt(_checks.sum_of_squares(scaled.ravel()) / power.size)
    return _floor_of_sum(rms, power.size)


def _floor_of_sum(rms: float, size: int) -> float:
    """Error of rounding in Σ_b |X_b|², of which the root mean square is known.

    The sum is computed as one transform of a sum of autocorrelations, not as a sum of squares: its
    error is ε·√log₂N of its root mean square. The floor is 4 of these.
    """
    eps = float(np.finfo(np.float64).eps)
    return 4 * eps * math.sqrt(math.log2(size + 1)) * rms
