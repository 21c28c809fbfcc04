"""One image in, one record out: the pure function behind ``spectral-mae analyze``."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray, Sampling
from spectral_mae.batch.analyze.missing_pixels import MissingPixels, slope_of
from spectral_mae.masked_spectra import verification
from spectral_mae.masked_spectra.components import MaskedComponents
from spectral_mae.masked_spectra.convolution import convolution_error
from spectral_mae.masked_spectra.expectation import MaskedPeriodogram
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.short_form import MaskChoice
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulse_mask import PulseMask
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.spectra.annulus import Annulus
from spectral_mae.spectra.conditioning import DetrendOption
from spectral_mae.spectra.fft import RealFFT
from spectral_mae.spectra.octaves import OCTAVES
from spectral_mae.spectra.periodogram import Periodogram
from spectral_mae.spectra.rings import RadialSpectrum
from spectral_mae.spectra.spectrum import Spectrum

# Frequencies at which Eq. 18 is summed directly, on each image.
DEFECT = "FAILED"  # what notes say of a formula whose error is above its bound
DIRECT_FREQUENCIES = 25
MASK_PIXELS = 2**24


@dataclass(frozen=True)
class MaskingPlan:
    """What is done to every image.

    Attributes
    ----------
    patch_size : int
        Side of the square patches.
    mask_ratio : float or None
        None is 0.75, or what the design says.
    sampling : {"fixed", "bernoulli"}
    n_draws : int
        Masks drawn to check the expectation, at least 2.
    detrend : {"constant", "linear", "periodic"} or None
        Applied to the image before it is masked.
    design : str, MaskDesign or None
        In place of mask ratio and sampling: the text of a design.

    Raises
    ------
    ValueError
        If a value cannot work for any image.
    """

    patch_size: int
    mask_ratio: float | None = None
    sampling: Sampling = "fixed"
    n_draws: int = 16
    detrend: DetrendOption = None
    design: str | MaskDesign | None = None

    def __post_init__(self) -> None:
        _checks.positive_int("patch_size", self.patch_size)
        chosen = self.masks
        object.__setattr__(self, "mask_ratio", chosen.mask_ratio)
        object.__setattr__(self, "design", chosen.design)
        if _checks.integer("n_draws", self.n_draws) < 2:
            raise ValueError(f"n_draws={self.n_draws}: a standard error needs at least 2")

    @property
    def masks(self) -> MaskChoice:
        """How masks are chosen."""
        return MaskChoice(self.mask_ratio, self.sampling, self.design)


@dataclass(frozen=True, eq=False)
class MaskingAnalysis:
    """What patch masking does to the spectrum of one image.

    Attributes
    ----------
    plan : MaskingPlan
    shape : tuple of int
        Rows and columns of the image.
    mask_ratio : float
        Mean fraction of the patches that is hidden, over all masks.
    mean, std : float
        Of its pixels.
    slope, slope_stderr : float or None
        Log-log slope of the radial spectrum of the original; None where it has none.
    slope_note : str
        Why there is no slope, or empty.
    leakage : float or None
        Leakage over all frequencies but zero (`Leakage.band`).
    octaves, octaves_centred : tuple of float or None
        Leakage in each of `OCTAVES`, of the image as it is and with its mean subtracted first;
        None where the image has no frequency there.
    convolution_error : float or None
        Relative error of Eq. 18 on this image (its first channel) and the first mask, at 25
        random frequencies (`convolution.convolution_error`); None where it was not checked.
    mask_dft_error : float
        Largest relative error of the closed-form transform over the drawn masks (Eq. 19, with the
        R[k] of Eq. 20).
    original, expected, drawn : RadialSpectrum
        Of the image, of the exact mean over all masks, and of the drawn masks: their mean, with
        ``std`` their spread and ``stderr`` their standard error.
    starts : ndarray of int, shape (N, 2)
        First pixels of the patches that the first drawn mask keeps.
    n_missing : int
        Pixels that are NaN or infinite. Where there are some, ``original`` is unmasked,
        ``expected`` its expectation under masks (`missing_pixels`), ``slope`` that of
        `fit_masked_slope`, and ``drawn`` NaN.
    """

    plan: MaskingPlan
    shape: tuple[int, ...]
    mask_ratio: float
    mean: float
    std: float
    slope: float | None
    slope_stderr: float | None
    slope_note: str
    leakage: float | None
    octaves: tuple[float | None, ...]
    octaves_centred: tuple[float | None, ...]
    convolution_error: float | None
    mask_dft_error: float
    original: RadialSpectrum = field(repr=False)
    expected: RadialSpectrum = field(repr=False)
    drawn: RadialSpectrum = field(repr=False)
    starts: NDArray[np.integer[Any]] = field(repr=False)
    n_missing: int = 0

    @property
    def missing(self) -> float:
        """Fraction of the pixels that are missing."""
        return self.n_missing / math.prod(self.shape)

    @property
    def missing_note(self) -> str:
        """What is said of an image with missing pixels; empty for others."""
        if not self.n_missing:
            return ""
        return (
            f"{self.missing:.3g} of the pixels missing: spectrum unmasked, slope fitted under the "
            "holes, no masks drawn; not in mean_spectra.csv and the models"
        )

    @property
    def mask(self) -> PulseMask:
        """The first drawn mask."""
        return PulseMask(self.shape, self.plan.patch_size, self.starts)

    @property
    def bound(self) -> float:
        """What a sound formula keeps its errors within (`verify.rounding_bound`)."""
        return verification.rounding_bound(math.prod(self.shape), np.float64)

    @property
    def defects(self) -> tuple[str, ...]:
        """What is said of each checked formula whose error exceeds the bound; NaN does."""
        checked = {"Eq. 18": self.convolution_error, "Eqs. 19-20": self.mask_dft_error}
        return tuple(
            f"{equation} {DEFECT}: error {error:.2g} above the bound {self.bound:.2g}"
            for equation, error in checked.items()
            if error is not None and not error <= self.bound
        )

    @property
    def agreement(self) -> FloatArray:
        """Drawn masks minus expectation in standard errors, one number per ring.

        Zero where the two differ by no more than rounding, NaN where all drawn masks gave the
        same power, so that there is no standard error.
        """
        gap = self.drawn.power - self.expected.power
        rounding = 1e-12 * self.expected.power + self.expected.floor
        stderr = np.where(self.drawn.stderr > 0, self.drawn.stderr, np.nan)
        return np.where(np.abs(gap) <= rounding, 0.0, gap / stderr)

    def row(self) -> dict[str, Any]:
        """The numbers of the record by column name; None where there is none."""
        agreement = self.agreement[np.isfinite(self.agreement)]
        row: dict[str, Any] = {
            "height": self.shape[0],
            "width": self.shape[1],
            "design": self.plan.masks.text,
            "mask_ratio": self.mask_ratio,
            "missing": self.missing,
            "mean": self.mean,
            "std": self.std,
            "slope": self.slope,
            "slope_stderr": self.slope_stderr,
            "leakage": self.leakage,
        }
        row |= dict(zip(octave_columns(), self.octaves + self.octaves_centred, strict=True))
        return row | {
            "eq18_error": self.convolution_error,
            "mask_dft_error": self.mask_dft_error,
            "agreement_rms": float(np.sqrt(np.mean(agreement**2))) if agreement.size else None,
            "agreement_max": float(np.max(np.abs(agreement))) if agreement.size else None,
        }


class MaskingAnalyzer:
    """`MaskingPlan` at work on images of one shape; its plans and tables serve them all.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    plan : MaskingPlan
    channels : int
        1 for gray images (H, W), more for (H, W, channels).

    Examples
    --------
    >>> image = np.random.default_rng(0).random((64, 48))
    >>> found = MaskingAnalyzer((64, 48), MaskingPlan(8)).analyze(image, rng=0)
    >>> found.mask_dft_error < 1e-15
    True
    >>> found.shape, bool(found.octaves[3] > found.octaves_centred[3])
    ((64, 48), True)
    """

    def __init__(self, shape: tuple[int, ...], plan: MaskingPlan, *, channels: int = 1) -> None:
        self.plan = plan
        self.grid = PatchGrid(shape, plan.patch_size)
        self.design = plan.masks.on(self.grid)
        self.channel_axis = None if channels == 1 else -1
        self._masked = self._under_masks(plan.detrend)
        self._centred = (
            self._masked if plan.detrend == "constant" else self._under_masks("constant")
        )
        self._periodogram = Periodogram(shape, detrend=plan.detrend, channel_axis=self.channel_axis)
        # Masks are drawn of the image less the trend that it has as a whole, as in the exact mean.
        self._drawn = self._periodogram
        if plan.detrend:
            self._drawn = Periodogram(shape, channel_axis=-1)
        self._fft = RealFFT(self.grid.shape, chunk=1)
        self._all = _annulus(self.grid.shape, 0.0, math.inf)
        self._octaves = [_annulus(self.grid.shape, *octave) for octave in OCTAVES]

    def analyze(self, image: FloatArray, *, rng: Seed, check: bool = True) -> MaskingAnalysis:
        """Analyse one image; equal seeds give equal records.

        ``check`` Eq. 18 by direct sums.
        """
        rng = generator_of(rng)
        if not _checks.all_finite(image):
            return self._with_holes(image, rng)
        plan, grid = self.plan, self.grid
        # One spectrum after the other is brought down to some numbers: of large images all of them
        # together would take several times the memory of each.
        original, expected, (leakage, *octaves) = self._expectations(image)
        centred = octaves
        if self._centred is not self._masked:
            _, *centred = self._leakages(self._centred.components(image))
        kept = self.design.sample_kept(plan.n_draws, rng)
        starts = grid.starts()
        eq18_error = self._convolution_error(image, starts[kept[0]], rng) if check else None
        masks = (PulseMask(grid.shape, grid.patch_size, starts[one]) for one in kept)
        slope, slope_stderr, slope_note = _slope(original)
        return MaskingAnalysis(
            plan=plan,
            shape=grid.shape,
            mask_ratio=self.design.mask_ratio,
            mean=float(image.mean()),
            std=float(image.std()) if np.ptp(image) > 0 else 0.0,
            slope=slope,
            slope_stderr=slope_stderr,
            slope_note=slope_note,
            leakage=leakage,
            octaves=tuple(octaves),
            octaves_centred=tuple(centred),
            convolution_error=eq18_error,
            mask_dft_error=max(verification.mask_dft_error(mask, self._fft) for mask in masks),
            original=original,
            expected=expected,
            drawn=self._draw(image, kept, original),
            starts=starts[kept[0]],
        )

    def _with_holes(self, image: FloatArray, rng: np.random.Generator) -> MaskingAnalysis:
        """Analyse an image in which pixels are missing."""
        plan, grid = self.plan, self.grid
        finite = np.isfinite(image).reshape(*grid.shape, -1)
        visible: BoolArray = np.asarray(finite.all(axis=-1))
        seen = image[visible]
        planes = self._periodogram.condition(image[np.newaxis], visible=visible)[0]
        spectra = self._holes.spectra(planes, visible)
        centred = spectra if plan.detrend == "constant" else self._holes.centred(spectra)
        kept = self.design.sample_kept(plan.n_draws, rng)
        starts = grid.starts()
        masks = (PulseMask(grid.shape, grid.patch_size, starts[one]) for one in kept)
        slope, slope_stderr, slope_note = slope_of(planes, visible)
        original, expected = (
            self._periodogram.rings.average(power, scaling="density")
            for power in (spectra.power, spectra.expected)
        )
        none = np.full_like(original.power, np.nan)
        return MaskingAnalysis(
            plan=plan,
            shape=grid.shape,
            mask_ratio=self.design.mask_ratio,
            mean=float(seen.mean()),
            std=float(seen.std()) if np.ptp(seen) > 0 else 0.0,
            slope=slope,
            slope_stderr=slope_stderr,
            slope_note=slope_note,
            leakage=spectra.leakage(self._all),
            octaves=tuple(spectra.leakage(octave) for octave in self._octaves),
            octaves_centred=tuple(centred.leakage(octave) for octave in self._octaves),
            convolution_error=None,
            mask_dft_error=max(verification.mask_dft_error(mask, self._fft) for mask in masks),
            original=original,
            expected=expected,
            drawn=dataclasses.replace(original, power=none, std=none, stderr=none),
            starts=starts[kept[0]],
            n_missing=int(np.count_nonzero(~visible)),
        )

    @cached_property
    def _holes(self) -> MissingPixels:
        return MissingPixels(self.design)

    def _under_masks(self, detrend: DetrendOption) -> MaskedPeriodogram:
        return MaskedPeriodogram(
            design=self.design, detrend=detrend, channel_axis=self.channel_axis
        )

    def _expectations(
        self, image: FloatArray
    ) -> tuple[RadialSpectrum, RadialSpectrum, list[float | None]]:
        """Rings of the image and of the mean over all masks, and `_leakages`."""
        components = self._masked.components(image)
        return (
            self._ring(components.original),
            self._ring(components.expected()),
            self._leakages(components),
        )

    def _leakages(self, components: MaskedComponents) -> list[float | None]:
        """Leakage over all frequencies but zero, then in each octave."""
        leakage = components.leakage()
        return [
            None if annulus is None else leakage.over(annulus)
            for annulus in (self._all, *self._octaves)
        ]

    def _convolution_error(
        self, image: FloatArray, starts: NDArray[np.integer[Any]], rng: np.random.Generator
    ) -> float:
        """Of Eq. 18 on the first channel of the image, as it is before it is masked."""
        mask = PulseMask(self.grid.shape, self.grid.patch_size, starts)
        pixels = self._periodogram.condition(image[np.newaxis])[0, ..., 0]
        return convolution_error(pixels, mask, rng, frequencies=DIRECT_FREQUENCIES)

    def _ring(self, spectrum: Spectrum) -> RadialSpectrum:
        rings = self._periodogram.rings
        return rings.average(spectrum.power, scaling=spectrum.scaling, floor=spectrum.floor)

    def _draw(
        self, image: FloatArray, kept: NDArray[np.bool_], original: RadialSpectrum
    ) -> RadialSpectrum:
        """Ring averages over the drawn masks, with their spread from mask to mask."""
        step = max(1, MASK_PIXELS // prod(self.grid.shape))  # masks that are pixels at a time
        if self._drawn is not self._periodogram:
            image = self._periodogram.condition(image[np.newaxis])[0]
        powers = []
        for first in range(0, len(kept), step):
            visible = self.grid.expand(kept[first : first + step])
            copies = np.broadcast_to(image, (len(visible), *image.shape))
            powers.append(self._drawn.radial(copies, visible=visible).power)
        power = np.concatenate(powers)
        std = power.std(axis=0, ddof=1)
        return dataclasses.replace(
            original, power=power.mean(axis=0), std=std, stderr=std / math.sqrt(len(power))
        )


def octave_columns() -> list[str]:
    """Names of the leakage columns: one for each of `OCTAVES`, then the same mean removed."""
    names = [
        f"leakage_above_{low:g}" if math.isinf(high) else f"leakage_{low:g}_{high:g}"
        for low, high in OCTAVES
    ]
    return [*names, *(f"{name}_centred" for name in names)]


def _annulus(shape: tuple[int, ...], low: float, high: float) -> Annulus | None:
    """Frequencies of a band, or None where the image has none there."""
    try:
        return Annulus(shape, (1.0,) * len(shape), low, high)
    except ValueError:
        return None


def _slope(spectrum: RadialSpectrum) -> tuple[float | None, float | None, str]:
    try:
        slope, stderr = spectrum.fit_slope()
    except ValueError as error:
        return None, None, str(error)
    return slope, stderr, ""
