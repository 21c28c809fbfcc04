"""What random patch masks do to power spectra on average, exactly and without sampling.

For a fixed image x and a random mask, with X_b the transform of the image restricted to patch b and
Π_ab the probability that patches a and b are both kept,

    E|Y[k]|² = Σ_ab Π_ab X_a*[k] X_b[k].

Where any two patches are both kept with the same probability π₂, and each with π₁, that is

    E|Y[k]|² = π₂ |X[k]|² + (π₁ − π₂) Σ_b |X_b[k]|².

`spectral_mae.masked_spectra.patch_sums` has the sum over patches, and over pairs of patches for any
other design; `spectral_mae.masked_spectra.masked_periodogram` adds them up.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from functools import reduce
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import Sampling, Scaling, is_tensor
from spectral_mae.masked_spectra.leaked_power import Leakage
from spectral_mae.masked_spectra.masked_periodogram import MaskedPeriodogram
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.short_form import design_on, image_and_design
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulses import dirichlet_power
from spectral_mae.spectra.conditioning import DetrendOption, Window
from spectral_mae.spectra.labels.axis_labels import Unit
from spectral_mae.spectra.labels.coordinates import labelled
from spectral_mae.spectra.spectrum import Spectrum

# Part of the largest value of a design's spectrum below which there is only rounding.
ROUNDING = 1e-15

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
