"""Designs made of filtered noise: Gaussian fields above a threshold, and ColorMAE."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
import scipy.fft
from numpy.random import Generator
from scipy.special import ndtri, owens_t

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.sampled import N_DRAWS, Estimated, seed_of
from spectral_mae.masks.patches import PatchGrid, expect_grid, kept_patches
from spectral_mae.masks.sampling import Seed

Color = Literal["red", "blue", "green", "purple"]
WIDTHS: dict[str, tuple[float, ...]] = {
    "red": (1.5,),
    "blue": (1.5,),
    "green": (0.7, 1.5),
    "purple": (0.7, 1.5),
}


@dataclass(frozen=True)
class NoiseFilter:
    """A filter of white noise over the patches, made of Gaussian blurs.

    Parameters
    ----------
    color : {"red", "blue", "green", "purple"}
        Blur; what a blur takes away; difference of two blurs; what that difference takes away.
    widths : tuple of float
        Standard deviations of the blurs, in patches, rising: one, or two for green and purple.
    """

    color: Color
    widths: tuple[float, ...]

    def __post_init__(self) -> None:
        _checks.choice("color", self.color, Color)
        given = _checks.items("widths", self.widths)
        widths = tuple(_checks.positive_number("widths", width) for width in given)
        n = len(WIDTHS[self.color])
        if len(widths) != n or any(a >= b for a, b in pairwise(widths)):
            raise ValueError(f"{widths=}: {self.color} noise needs {n}, rising if there are two")
        object.__setattr__(self, "widths", widths)

    def gain(self, counts: tuple[int, ...]) -> FloatArray:
        """Return the factor of each patch-grid frequency.

        Parameters
        ----------
        counts : tuple of int
            Patches along each axis.

        Returns
        -------
        ndarray, shape ``counts``
            In FFT order.
        """
        square = np.zeros(())
        for n in counts:
            square = np.add.outer(square, np.fft.fftfreq(n) ** 2)
        blurs = [np.exp(-2.0 * (np.pi * width) ** 2 * square) for width in self.widths]
        passed = blurs[0] - blurs[1] if len(blurs) == 2 else blurs[0]
        return 1.0 - passed if self.color in ("blue", "purple") else passed

    def correlation(self, counts: tuple[int, ...]) -> FloatArray:
        """Return the correlation C(δ) of the noise on a torus of patches.

        Parameters
        ----------
        counts : tuple of int
            Patches along each axis.

        Returns
        -------
        ndarray, shape ``counts``
            By cyclic offset; 1 at offset 0.
        """
        covariance = np.fft.ifftn(self.gain(counts) ** 2).real
        correlation: FloatArray = np.clip(covariance / covariance.ravel()[0], -1.0, 1.0)
        return correlation

    def draw(self, counts: tuple[int, ...], n: int, generator: Generator) -> FloatArray:
        """Draw noise on a torus of patches.

        Parameters
        ----------
        counts : tuple of int
            Patches along each axis.
        n : int
            Number of fields.
        generator : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray, shape (n, *counts)
            Gaussian fields; their variance is not 1.
        """
        axes = tuple(range(1, len(counts) + 1))
        white = generator.standard_normal((n, *counts))
        filtered: FloatArray = scipy.fft.ifftn(
            scipy.fft.fftn(white, axes=axes) * self.gain(counts), axes=axes
        ).real
        return filtered

    @property
    def text(self) -> str:
        """``green,widths=0.7x1.5``; without the widths where they are the defaults."""
        if self.widths == WIDTHS[self.color]:
            return self.color
        return f"{self.color},widths={'x'.join(f'{width!r}' for width in self.widths)}"


@dataclass(frozen=True, repr=False)
class GaussianField(MaskDesign):
    """Patches are kept where a Gaussian field on the torus of patches is above a threshold.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    nominal_ratio : float
        Probability that a patch is hidden, m.
    noise : NoiseFilter
        The filter that makes the field from white noise.
    """

    nominal_ratio: float
    noise: NoiseFilter

    def __post_init__(self) -> None:
        super().__post_init__()
        ratio = _checks.open_unit("mask_ratio", self.nominal_ratio)
        object.__setattr__(self, "nominal_ratio", ratio)

    @property
    def shift_invariant(self) -> bool:
        """Always True: the field is stationary on the torus."""
        return True

    @property
    def inclusion(self) -> FloatArray:
        """Probability π₁ that a patch is kept, for each patch; shape ``grid.counts``."""
        return np.full(self.grid.counts, 1.0 - self.nominal_ratio)

    @cached_property
    def pair_inclusion(self) -> FloatArray:
        """Mean probability of pairs, that two normal variables of correlation C(δ) exceed t.

        With Φ(t) = m, and T Owen's function, ρ = 1 − m − 2T(t, √((1−C)/(1+C))). At the median it
        is ¼ + asin(C)/2π.
        """
        correlation = self.noise.correlation(self.grid.counts)
        threshold = ndtri(self.nominal_ratio)
        with np.errstate(divide="ignore"):
            slope = np.sqrt((1.0 - correlation) / (1.0 + correlation))
        rho = 1.0 - self.nominal_ratio - 2.0 * np.asarray(owens_t(threshold, slope))
        return np.maximum(rho, 0.0)

    def _draw(self, n: int, generator: Generator) -> BoolArray:
        counts = self.grid.counts
        spread = np.sqrt((self.noise.gain(counts) ** 2).mean())
        field = self.noise.draw(counts, n, generator) / spread
        return (field > ndtri(self.nominal_ratio)).reshape(n, -1)

    @property
    def text(self) -> str:
        """``gaussian_field:0.75,red``."""
        return f"gaussian_field:{self.nominal_ratio!r},{self.noise.text}"


@dataclass(frozen=True, repr=False)
class ColorNoise(Estimated):
    """The patches with the greatest values of filtered noise are kept, a fixed number of them.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    nominal_ratio : float
        Fraction of patches to be hidden, m.
    noise : NoiseFilter
        The filter of the noise.
    rolled : bool
        Whether the noise goes on at the opposite border; else it is a window of a larger field.
    """

    nominal_ratio: float
    noise: NoiseFilter
    rolled: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "rolled", _checks.flag("rolled", self.rolled))
        kept_patches(self.n_patches, self.nominal_ratio)
        ratio = _checks.open_unit("mask_ratio", self.nominal_ratio)
        object.__setattr__(self, "nominal_ratio", ratio)

    @property
    def shift_invariant(self) -> bool:
        """Whether the noise is rolled."""
        return self.rolled

    def _draw(self, n: int, generator: Generator) -> BoolArray:
        counts = self.grid.counts
        whole = counts
        if not self.rolled:
            reach = int(np.ceil(6 * max(self.noise.widths)))  # where a blur has decayed
            whole = tuple(scipy.fft.next_fast_len(count + reach, real=True) for count in counts)
        window = (slice(None), *(slice(count) for count in counts))
        n_kept = kept_patches(self.n_patches, self.nominal_ratio)
        kept = np.zeros((n, self.n_patches), dtype=bool)
        chunk = max(1, 2**20 // int(np.prod(whole)))
        for first in range(0, n, chunk):
            part = kept[first : first + chunk]
            field = self.noise.draw(whole, len(part), generator)[window].reshape(len(part), -1)
            greatest = np.argpartition(field, -n_kept, axis=1)[:, -n_kept:]
            np.put_along_axis(part, greatest, True, axis=1)
        return kept

    @property
    def text(self) -> str:
        """``color_noise:0.75,green`` with ``,rolled`` and the draws where they apply."""
        rolled = ",rolled" * self.rolled
        return f"color_noise:{self.nominal_ratio!r},{self.noise.text}{rolled}{self._draws_text}"


def gaussian_field(
    grid: PatchGrid,
    mask_ratio: float = 0.5,
    color: Color = "red",
    *,
    widths: tuple[float, ...] | None = None,
) -> GaussianField:
    """Keep the patches where filtered Gaussian noise is above a threshold.

    The noise goes on at the opposite border, and the threshold is the quantile of the mask ratio,
    so the number of kept patches varies. The probability of pairs follows from the correlation
    C(δ) of the noise: ¼ + asin(C)/2π at a ratio of a half, and in general
    1 − m − 2T(t, √((1−C)/(1+C))), with Φ(t) = m and T Owen's function.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    mask_ratio : float
        Probability that a patch is hidden, m, strictly between 0 and 1.
    color : {"red", "blue", "green", "purple"}
        Noise of low frequencies, of high ones, of a band between, or of all but a band: white noise
        blurred, less its blur, the difference of two blurs, or less that difference.
    widths : tuple of float, or None
        Standard deviations of the Gaussian blurs in patches: one, or two rising ones for green and
        purple. None means 1.5, and 0.7 and 1.5.

    Returns
    -------
    MaskDesign
        The design.

    Raises
    ------
    ValueError
        If the mask ratio is not inside (0, 1), there is no such colour, or the widths do not fit
        it.

    Examples
    --------
    >>> gaussian_field(PatchGrid((224, 224), 16), 0.75)
    <design gaussian_field:0.75,red on 14×14 patches, mask_ratio=0.75>
    """
    expect_grid(grid)
    return GaussianField(grid, mask_ratio, noise_of(color, widths))


def color_noise(
    grid: PatchGrid,
    mask_ratio: float = 0.75,
    color: Color = "green",
    *,
    widths: tuple[float, ...] | None = None,
    rolled: bool = False,
    n_draws: int = N_DRAWS,
    rng: Seed = 0,
) -> ColorNoise:
    """Keep the patches with the greatest values of filtered noise, as ColorMAE does.

    A fixed number is kept (Hinojosa et al., "ColorMAE: Exploring data-independent masking
    strategies in Masked AutoEncoders", 2024; green noise at a ratio of 0.75 is its best). Its masks
    are windows of published noise images; here the noise is white noise through Gaussian blurs,
    whose widths are a choice of this package. There is no closed form: the moments are estimated
    from drawn masks.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    mask_ratio : float
        Fraction of patches that is hidden, strictly between 0 and 1.
    color : {"red", "blue", "green", "purple"}
        As for `gaussian_field`.
    widths : tuple of float, or None
        As for `gaussian_field`.
    rolled : bool
        Let the noise go on at the opposite border. Without it, it is a window of a larger field.
    n_draws : int
        Number of masks from which the moments are estimated.
    rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
        Seed of these masks. The default 0 makes two calls give one design.

    Returns
    -------
    MaskDesign
        The design; its ``pair_inclusion_stderr`` are standard errors.

    Raises
    ------
    ValueError
        If the mask ratio is not inside (0, 1), all or no patches would be kept, there is no such
        colour, or the widths do not fit it.

    Examples
    --------
    >>> design = color_noise(PatchGrid((224, 224), 16))
    >>> design
    <design color_noise:0.75,green on 14×14 patches, mask_ratio=0.75>
    >>> bool(design.pair_inclusion_stderr.max() < 1e-3)
    True
    """
    expect_grid(grid)
    noise = noise_of(color, widths)
    return ColorNoise(grid, mask_ratio, noise, rolled, n_draws=n_draws, rng=seed_of(rng))


def noise_of(color: Color, widths: tuple[float, ...] | None) -> NoiseFilter:
    """Return the filter of a colour.

    Parameters
    ----------
    color : {"red", "blue", "green", "purple"}
        The colour.
    widths : tuple of float, or None
        Standard deviations of the blurs in patches; None means the defaults of the colour.

    Returns
    -------
    NoiseFilter
        The filter.
    """
    _checks.choice("color", color, Color)
    return NoiseFilter(color, WIDTHS[color] if widths is None else widths)
