"""What random patch masks do to power spectra on average, exactly and without sampling.

For a fixed image x and a random mask, with X_b the transform of the image restricted to patch b,

    E|Y[k]|² = π₂ |X[k]|² + (π₁ − π₂) Σ_b |X_b[k]|².

`spectral_mae.masked_spectra.patch_power` has the sum over patches.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray, Sampling, Scaling
from spectral_mae.masked_spectra.leaked_power import Leakage
from spectral_mae.masked_spectra.patch_power import PatchPower
from spectral_mae.masks.patches import PatchGrid, expect_grid, inclusion_probabilities
from spectral_mae.masks.pulses import dirichlet_power
from spectral_mae.spectra.conditioning import DetrendOption, Window
from spectral_mae.spectra.periodogram import Periodogram
from spectral_mae.spectra.spectrum import Spectrum

# What the error says when there are several images.
SEVERAL = "MaskedPeriodogram(PatchGrid(shape, patch_size)).components(image) for each of them"


def expected_mask_power(
    grid: PatchGrid, mask_ratio: float, *, sampling: Sampling = "fixed"
) -> NDArray[np.float64]:
    """Mean power of a random mask, E|M[k]|² = π₂ D² δ[k] + (π₁−π₂)·L·|R[k]|².

    π₁ and π₂ are the `inclusion_probabilities` of one and of two patches, L is the number of
    patches, D the number of pixels and R the transform of one patch (`dirichlet_kernel`).

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    mask_ratio : float
        Fraction of patches that is hidden, strictly between 0 and 1.
    sampling : {"fixed", "bernoulli"}
        Keep exactly ⌊L(1−m)⌋ patches, or each one independently with probability 1−m.

    Returns
    -------
    ndarray, shape ``grid.shape``
        Whole grid in FFT order, plain |M|² ("energy").

    Raises
    ------
    ValueError
        As `inclusion_probabilities`.

    Examples
    --------
    >>> power = expected_mask_power(PatchGrid((32, 32), 8), 0.75)
    >>> bool(np.isclose(power.sum(), 32**2 * 256))  # Parseval: 4 of 16 patches, 256 pixels, kept
    True
    """
    expect_grid(grid)
    pi1, pi2 = inclusion_probabilities(grid.n_patches, mask_ratio, sampling=sampling)
    kernels = [dirichlet_power(n, p) for n, p in zip(grid.shape, grid.patch_size, strict=True)]
    power: NDArray[np.float64] = reduce(np.multiply.outer, kernels)
    power *= (pi1 - pi2) * grid.n_patches
    power[(0,) * grid.ndim] += pi2 * float(np.prod(grid.shape)) ** 2
    return power


class MaskedPeriodogram:
    """Mean spectra under random patch masks, for many images of one shape.

    The form of `expected_masked_psd` and `leakage` that keeps its plans. What it computes of an
    image serves every mask ratio and both kinds of sampling.

    Parameters
    ----------
    grid : PatchGrid
        Patches of the images.
    fs, window, detrend, scaling : optional
        As in `spectral_mae.psd`. The window is applied before the mask: both are products, so
        their order does not matter.
    channel_axis : int or None
        Axis of the channels in an image.

    Raises
    ------
    TypeError
        If the grid is not a `PatchGrid`.
    ValueError
        For an option that `spectral_mae.psd` refuses.

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((5, 32, 48))
    >>> planned = MaskedPeriodogram(PatchGrid((32, 48), 8))
    >>> for image in images:
    ...     masked = planned.components(image)
    ...     few, many = (masked.expected(ratio) for ratio in (0.25, 0.75))
    >>> bool(np.isclose(masked.patches.total, masked.original.total))  # Parseval, patch by patch
    True
    """

    def __init__(
        self,
        grid: PatchGrid,
        *,
        fs: float | Sequence[float] = 1.0,
        window: Window = None,
        detrend: DetrendOption = None,
        scaling: Scaling = "density",
        channel_axis: int | None = None,
    ) -> None:
        expect_grid(grid)
        self.grid = grid
        self.channel_axis = _checks.axis_of_channels(channel_axis)
        self._periodogram = Periodogram(
            grid.shape,
            fs=fs,
            window=window,
            detrend=detrend,
            scaling=scaling,
            channel_axis=None if channel_axis is None else -1,
            chunk=1,
        )
        self._patch_power = PatchPower(grid)

    def components(self, image: ArrayLike) -> MaskedComponents:
        """Return |X|² and Σ_b |X_b|² of one image, of which every mean spectrum is a weighted sum.

        Parameters
        ----------
        image : array_like, shape ``grid.shape``, with the channels at ``channel_axis`` if given
            Real numbers.

        Returns
        -------
        MaskedComponents
            Both spectra.

        Raises
        ------
        ValueError
            For NaN or infinite pixels, or pixels whose power overflows.
        """
        pixels = _checks.real_array("image", image).astype(np.float64, copy=False)
        if self.channel_axis is not None:
            pixels = _checks.channels_last("image", pixels, self.channel_axis, self.grid.ndim)
        batch = pixels[np.newaxis]
        planes = self._periodogram.condition(batch)[0]
        # First, for what it takes in memory may then serve the transform: with more in use at once
        # glibc would give it back after every call, and faults take as long as everything else.
        with np.errstate(over="ignore", invalid="ignore"):  # found below
            power = self._patch_power(planes)
        power *= self._periodogram.norm / planes.shape[-1]
        del planes  # a whole image, where detrending or a window made one
        if not math.isfinite(power.max()):  # as NaN is
            largest = float(np.max(np.abs(pixels)))
            raise ValueError(f"pixels up to {largest:.3g} are too large for float64 spectra")
        original = self._periodogram.mean(batch)
        floor = max(original.floor, _patch_floor(power))
        patches = dataclasses.replace(original, power=power, floor=floor)
        return MaskedComponents(self.grid, original, patches)


@dataclass(frozen=True, eq=False)
class MaskedComponents:
    """The two spectra that determine the mean spectrum of an image under random patch masks.

    Attributes
    ----------
    grid : PatchGrid
        Patches of the image.
    original : Spectrum
        |X|², the spectrum of the whole image.
    patches : Spectrum
        Σ_b |X_b|², the sum of the spectra of the image restricted to one patch b at a time.
    """

    grid: PatchGrid
    original: Spectrum
    patches: Spectrum

    def expected(self, mask_ratio: float, *, sampling: Sampling = "fixed") -> Spectrum:
        """Mean spectrum of the masked image, E|Y|² = π₂ |X|² + (π₁−π₂) Σ_b |X_b|².

        Parameters
        ----------
        mask_ratio : float
            Fraction of patches that is hidden, strictly between 0 and 1.
        sampling : {"fixed", "bernoulli"}
            Keep exactly ⌊L(1−m)⌋ patches, or each one independently with probability 1−m.

        Returns
        -------
        Spectrum
            The mean over all masks, exact.

        Raises
        ------
        ValueError
            As `inclusion_probabilities`.
        """
        pi1, pi2 = inclusion_probabilities(self.grid.n_patches, mask_ratio, sampling=sampling)
        return _mix(self.original, pi2, self.patches, pi1 - pi2)

    def leakage(self, mask_ratio: float, *, sampling: Sampling = "fixed") -> Leakage:
        """Power that masking brings to each frequency, over what it keeps there.

        Parameters
        ----------
        mask_ratio : float
            Fraction of patches that is hidden, strictly between 0 and 1.
        sampling : {"fixed", "bernoulli"}
            Keep exactly ⌊L(1−m)⌋ patches, or each one independently with probability 1−m.

        Returns
        -------
        Leakage
            As `spectral_mae.leakage` returns it.

        Raises
        ------
        ValueError
            As `inclusion_probabilities`.
        """
        pi1, pi2 = inclusion_probabilities(self.grid.n_patches, mask_ratio, sampling=sampling)
        # A variance; it is formed directly, since E|Y|² − π₁²|X|² would cancel.
        return Leakage(
            leaked=_mix(self.original, pi2 - pi1**2, self.patches, pi1 - pi2),
            kept=_mix(self.original, pi1**2, self.patches, 0.0),
        )


def expected_masked_psd(
    image: ArrayLike,
    patch_size: _checks.PerAxis,
    mask_ratio: float,
    *,
    sampling: Sampling = "fixed",
    scaling: Scaling = "density",
    channel_axis: int | None = None,
    fs: float | Sequence[float] = 1.0,
    window: Window = None,
    detrend: DetrendOption = None,
) -> Spectrum:
    """Mean power spectrum of an image under random patch masks, exactly and without sampling.

    For many images of one shape, or several mask ratios of one image, `MaskedPeriodogram` computes
    only once what they share.

    Parameters
    ----------
    image : array_like, shape (D,), (H, W) or (T, H, W), and the channels at ``channel_axis``
        Real numbers.
    patch_size : int or tuple of int
        Pixels of a patch along each axis. It must divide the shape of the image. A volume needs
        three numbers.
    mask_ratio : float
        Fraction of patches that is hidden, strictly between 0 and 1.
    sampling : {"fixed", "bernoulli"}
        Keep exactly ⌊L(1−m)⌋ of the L patches, or each one independently with probability 1−m.
    scaling, channel_axis, fs, window, detrend : optional
        As in `spectral_mae.psd`; the order is detrend, mask, window.

    Returns
    -------
    Spectrum
        E|Y[k]|² = π₂ |X[k]|² + (π₁−π₂) Σ_b |X_b[k]|².

    Raises
    ------
    ValueError
        If the patch does not divide the image, or the mask ratio keeps all or no patches.

    Examples
    --------
    >>> image = np.random.default_rng(0).standard_normal((32, 32))
    >>> masked = expected_masked_psd(image, 8, 0.75)
    >>> bool(np.isclose(masked.total, 0.25 * np.mean(image**2)))
    True
    """
    components = _components(image, patch_size, channel_axis, scaling, fs, window, detrend)
    return components.expected(mask_ratio, sampling=sampling)


def leakage(
    image: ArrayLike,
    patch_size: _checks.PerAxis,
    mask_ratio: float,
    *,
    sampling: Sampling = "fixed",
    channel_axis: int | None = None,
    fs: float | Sequence[float] = 1.0,
    window: Window = None,
    detrend: DetrendOption = None,
) -> Leakage:
    """Power that masking brings to each frequency from others, over the power it keeps there.

    (E|Y|² − π₁²|X|²) / (π₁²|X|²): the variance of Y over masks, over the power of its mean.
    Over a band it is the ratio of the sums, not the mean of ratios.

    Parameters
    ----------
    image : array_like, shape (D,), (H, W) or (T, H, W), and the channels at ``channel_axis``
        Real numbers. Its mean matters: it is most of the power of a photograph, and masking spreads
        it over frequency. ``detrend="constant"`` takes it away.
    patch_size : int or tuple of int
        Pixels of a patch along each axis. It must divide the shape of the image. A volume needs
        three numbers.
    mask_ratio : float
        Fraction of patches that is hidden, strictly between 0 and 1.
    sampling : {"fixed", "bernoulli"}
        Keep exactly ⌊L(1−m)⌋ of the L patches, or each one independently with probability 1−m.
    channel_axis, fs, window, detrend : optional
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
    2.8
    """
    components = _components(image, patch_size, channel_axis, "density", fs, window, detrend)
    return components.leakage(mask_ratio, sampling=sampling)


def _components(
    image: ArrayLike,
    patch_size: _checks.PerAxis,
    channel_axis: int | None,
    scaling: Scaling,
    fs: float | Sequence[float],
    window: Window,
    detrend: DetrendOption,
) -> MaskedComponents:
    array = _checks.numeric_array("image", image)
    last = _checks.image_of_patches("image", array, channel_axis, patch_size, SEVERAL)
    shape = last.shape[:-1]
    planned = MaskedPeriodogram(
        PatchGrid(shape, patch_size),
        fs=fs,
        window=window,
        detrend=detrend,
        scaling=scaling,
        channel_axis=channel_axis,
    )
    return planned.components(array)


def _mix(own: Spectrum, own_weight: float, patches: Spectrum, patch_weight: float) -> Spectrum:
    """Weighted sum of |X|² and Σ_b |X_b|². It stands for a mean power, so it is never negative."""
    power = patch_weight * patches.power
    power += own_weight * own.power
    floor = abs(own_weight) * own.floor + patch_weight * patches.floor
    if min(own_weight, patch_weight) < 0:
        np.maximum(power, 0.0, out=power)
    return dataclasses.replace(own, power=power, floor=floor)


def _patch_floor(power: FloatArray) -> float:
    """Error of rounding in Σ_b |X_b|² at a frequency without power.

    The sum is computed as one transform of a sum of autocorrelations, not as a sum of squares: its
    error is ε·√log₂N of its root mean square. The floor is 4 of these.
    """
    eps = float(np.finfo(np.float64).eps)
    largest = float(power.max())
    if largest == 0.0:
        return 0.0
    scale = largest if not 1e-140 < largest < 1e140 else 1.0  # squares could leave the range
    scaled = power if scale == 1.0 else power / scale
    rms = scale * math.sqrt(float(np.vdot(scaled, scaled)) / power.size)
    return 4 * eps * math.sqrt(math.log2(power.size + 1)) * rms
