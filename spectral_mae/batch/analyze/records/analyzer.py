"""`MaskingAnalyzer`: a plan at work on images of one shape."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.batch.analyze.records.plan import MaskingPlan
from spectral_mae.batch.analyze.records.record import MaskingAnalysis, with_slopes
from spectral_mae.masked_spectra import verification
from spectral_mae.masked_spectra.components import MaskedComponents
from spectral_mae.masked_spectra.convolution import convolution_error
from spectral_mae.masked_spectra.masked_periodogram import MaskedPeriodogram, floor_of_sum
from spectral_mae.masked_spectra.masked_sums import MaskedSums
from spectral_mae.masked_spectra.partial.missing_pixels import MissingPixels, slope_of
from spectral_mae.masked_spectra.patch_sums.set_sums import FrequencySet, PatchSetSums
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulse_mask import PulseMask
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.spectra.bins.annulus import Annuli
from spectral_mae.spectra.fft import RealFFT
from spectral_mae.spectra.octaves import OCTAVES
from spectral_mae.spectra.periodogram import Periodogram
from spectral_mae.spectra.rings import RadialSpectrum
from spectral_mae.spectra.spectrum import Spectrum

DIRECT_FREQUENCIES = 25  # at which Eq. 18 is summed directly, on each image
MASK_PIXELS = 2**24  # of the masks that are pixels at a time
TOGETHER = 2**18  # pixels of an image whose spectra are averaged over rings all at once
CLOSE = 1e-3  # variance, as a part of the mean square, below which digits would cancel
CONSTANT = 1e-12  # deviation, as a part of the mean, above which an image is not constant


class _Exact(NamedTuple):
    """What depends on no draw of masks, by the names of `MaskingAnalysis`."""

    original: RadialSpectrum
    expected: RadialSpectrum
    expected_centred: RadialSpectrum
    leakage: float
    leakage_centred: float
    octaves: tuple[float | None, ...]
    octaves_centred: tuple[float | None, ...]


class MaskingAnalyzer:
    """`MaskingPlan` at work on images of one shape; its plans and tables serve them all.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    plan : MaskingPlan
    channels : int
        1 for gray images (H, W), more for (H, W, channels).
    for_many : bool
        Make tables for sums over rings (`MaskedSums`), which take as long as dozens of images.

    Examples
    --------
    >>> image = np.random.default_rng(0).random((64, 48))
    >>> found = MaskingAnalyzer((64, 48), MaskingPlan(8)).analyze(image, rng=0)
    >>> found.mask_dft_error < 1e-15
    True
    >>> found.shape, bool(found.octaves[3] > found.octaves_centred[3])
    ((64, 48), True)
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        plan: MaskingPlan,
        *,
        channels: int = 1,
        for_many: bool = False,
    ) -> None:
        self.plan = plan
        self.grid = PatchGrid(shape, plan.patch_size)
        self.design = plan.masks.on(self.grid)
        self.channel_axis = None if channels == 1 else -1
        self._masked = MaskedPeriodogram(
            design=self.design, detrend=plan.detrend, channel_axis=self.channel_axis
        )
        self._periodogram = Periodogram(shape, detrend=plan.detrend, channel_axis=self.channel_axis)
        # Masks are drawn of the image less the trend that it has as a whole, as in the exact mean.
        self._drawn = self._periodogram
        if plan.detrend:
            self._drawn = Periodogram(shape, channel_axis=-1)
        self._fft = RealFFT(self.grid.shape, chunk=1)
        edges = [low for low, _ in OCTAVES] + [math.inf]
        self._octaves = Annuli(self.grid.shape, (1.0,) * self.grid.ndim, edges)
        self._mask_ratio = self.design.mask_ratio
        self._octave_counts = _and_in_all(self._octaves.counts)
        self._patch_sums: PatchSetSums | None = None
        if for_many and prod(shape) <= TOGETHER:
            self._patch_sums = self._masked.patch_sums(self._sets())

    def analyze(
        self,
        image: FloatArray,
        *,
        rng: Seed,
        check: bool = True,
        draw: bool = True,
    ) -> MaskingAnalysis:
        """Analyse one image; equal seeds give equal records.

        Parameters
        ----------
        image : ndarray of float64
            Of the shape of this object.
        rng : int or Generator
            Of the masks.
        check : bool
            Check Eq. 18 by direct sums.
        draw : bool
            Draw masks, to compare with the exact expectation.

        Returns
        -------
        MaskingAnalysis
            Nothing that is exact depends on ``check`` and ``draw``.
        """
        (record,) = with_slopes([self.measure(image, rng=rng, check=check, draw=draw)])
        return record

    def measure(
        self,
        image: FloatArray,
        *,
        rng: Seed,
        check: bool,
        draw: bool,
        take: Callable[[Spectrum], None] = lambda _: None,
    ) -> MaskingAnalysis:
        """Analyse one image but for the slope, as `with_slopes` finds those of many at once.

        Parameters
        ----------
        image, rng, check, draw : optional
            As in `analyze`.
        take : callable
            Given the spectrum of the image, detrended as planned, of which the record has rings.

        Returns
        -------
        MaskingAnalysis
            Without a slope.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(image.mean())
        if not math.isfinite(mean) and not _checks.all_finite(image):
            return self._with_holes(image)
        found = self._by_sums(image, take) if self._patch_sums else self._by_spectra(image, take)
        record = MaskingAnalysis(
            plan=self.plan,
            shape=self.grid.shape,
            mask_ratio=self._mask_ratio,
            mean=mean,
            std=_std(image, mean),
            slope=None,
            slope_stderr=None,
            slope_note="",
            convolution_error=None,
            mask_dft_error=None,
            drawn=None,
            starts=None,
            **found._asdict(),
        )
        if not (check or draw):
            return record
        return self._checked(record, image, generator_of(rng), check=check, draw=draw)

    def _by_spectra(self, image: FloatArray, take: Callable[[Spectrum], None]) -> _Exact:
        """What is exact of an image, from its mean spectra under masks."""
        components = self._masked.components_with_centred(image)
        own = next(components)
        take(own.original)
        in_octaves = self._in_octaves(own.original)
        leakage, octaves = self._leakage(own, in_octaves)
        # All spectra of a large image would take several times the memory of each: one after the
        # other is brought down to some numbers and let go. To do so with all at once is faster.
        spectra, rings = [], []
        if prod(self.grid.shape) <= TOGETHER:
            spectra = [own.original, own.expected()]
        else:
            rings = self._rings([own.original]) + self._rings([own.expected()])
        del own
        centred = next(components)
        if self.plan.detrend or self.design.uniform is None:  # else they differ at zero alone
            in_octaves = self._in_octaves(centred.original)
        leakage_centred, octaves_centred = self._leakage(centred, in_octaves)
        spectra.append(centred.expected())
        del centred, components
        original, expected, expected_centred = rings + self._rings(spectra)
        return _Exact(
            original,
            expected,
            expected_centred,
            leakage,
            leakage_centred,
            octaves,
            octaves_centred,
        )

    def _by_sums(self, image: FloatArray, take: Callable[[Spectrum], None]) -> _Exact:
        """The same from sums over rings and octaves: the image alone has a spectrum."""
        assert self._patch_sums is not None
        spectrum, *of_patches = self._masked.with_patch_sums(image, self._patch_sums)
        take(spectrum)
        means = self._periodogram.rings.binning.means(spectrum.power)
        original = dataclasses.replace(self._no_spread, power=means, floor=spectrum.floor)
        of_image = self._in_octaves(spectrum)
        floors = [
            (spectrum.floor, max(spectrum.floor, floor_of_sum(sums.rms, spectrum.power.size)))
            for sums in of_patches
        ]
        n = len(means)
        rings, leakages = [], []
        for sums, of_sums in zip(of_patches, floors, strict=True):
            masked = MaskedSums(self.design, means, sums.sums[:n], *of_sums)
            power, floor = masked.expected, masked.expected_floor
            rings.append(dataclasses.replace(original, power=power, floor=floor))
            octaves = MaskedSums(self.design, of_image, _and_in_all(sums.sums[n:]), *of_sums)
            leakages.append(self._over_octaves(octaves.leakage(self._octave_counts)))
        (leakage, in_octaves), (leakage_centred, in_octaves_centred) = leakages
        expected, expected_centred = rings
        return _Exact(
            original,
            expected,
            expected_centred,
            leakage,
            leakage_centred,
            in_octaves,
            in_octaves_centred,
        )

    @cached_property
    def _no_spread(self) -> RadialSpectrum:
        """Rings without power, whose spread is not known."""
        rings = self._periodogram.rings
        unknown = np.full(len(rings.count), np.nan)
        spectrum = rings.spectrum(unknown, unknown, scaling=self._periodogram.scaling)
        return dataclasses.replace(spectrum, std=unknown, stderr=unknown)

    def _sets(self) -> list[FrequencySet]:
        """Rings, whose sums are to be means, and octaves."""
        rings = self._periodogram.rings.binning
        means = [(places, weights / weights.sum()) for places, weights in rings.entries()]
        return means + self._octaves.entries()

    def _in_octaves(self, spectrum: Spectrum) -> FloatArray:
        """Power in each octave, and behind them in all together."""
        return _and_in_all(self._octaves.sums(spectrum.power))

    def _leakage(
        self, components: MaskedComponents, in_octaves: FloatArray
    ) -> tuple[float, tuple[float | None, ...]]:
        """Leakage over all octaves together, and in each; None of those without a frequency."""
        counts = self._octave_counts
        # Of all together in the same call: a second one would take as long.
        others = self._in_octaves(components.others)
        return self._over_octaves(components.leakage_of_sums(in_octaves, others, counts))

    def _over_octaves(self, leakage: FloatArray) -> tuple[float, tuple[float | None, ...]]:
        *by_octave, of_all = leakage.tolist()
        pairs = zip(by_octave, self._octave_counts.tolist(), strict=False)
        return of_all, tuple(value if count else None for value, count in pairs)

    def _checked(
        self,
        record: MaskingAnalysis,
        image: FloatArray,
        rng: np.random.Generator,
        *,
        check: bool,
        draw: bool,
    ) -> MaskingAnalysis:
        """The record with what is found by drawing masks."""
        grid = self.grid
        kept = self.design.sample_kept(self.plan.n_draws, rng)
        starts = grid.starts()
        if check:
            error = self._convolution_error(image, starts[kept[0]], rng)
            record = dataclasses.replace(record, convolution_error=error)
        if not draw:
            return record
        masks = (PulseMask(grid.shape, grid.patch_size, starts[one]) for one in kept)
        return dataclasses.replace(
            record,
            mask_dft_error=max(verification.mask_dft_error(mask, self._fft) for mask in masks),
            drawn=self._draw(image, kept, record.original),
            starts=starts[kept[0]],
        )

    def _with_holes(self, image: FloatArray) -> MaskingAnalysis:
        """Analyse an image in which pixels are missing."""
        finite = np.isfinite(image).reshape(*self.grid.shape, -1)
        visible: BoolArray = np.asarray(finite.all(axis=-1))
        seen = image[visible]
        mean = float(seen.mean())
        planes = self._periodogram.condition(image[np.newaxis], visible=visible)[0]
        spectra = self._holes.spectra(planes, visible)
        centred = spectra if self.plan.detrend == "constant" else self._holes.centred(spectra)
        leakage, octaves = spectra.leakage(self._octaves)
        slope, slope_stderr, slope_note = slope_of(planes, visible)
        leakage_centred, octaves_centred = centred.leakage(self._octaves)
        original, expected, expected_centred = (
            self._periodogram.rings.average(power, scaling="density")
            for power in (spectra.power, spectra.expected, centred.expected)
        )
        return MaskingAnalysis(
            plan=self.plan,
            shape=self.grid.shape,
            mask_ratio=self.design.mask_ratio,
            mean=mean,
            std=_std(seen, mean),
            slope=slope,
            slope_stderr=slope_stderr,
            slope_note=slope_note,
            leakage=leakage,
            leakage_centred=leakage_centred,
            octaves=octaves,
            octaves_centred=octaves_centred,
            convolution_error=None,
            mask_dft_error=None,
            original=original,
            expected=expected,
            expected_centred=expected_centred,
            drawn=None,
            starts=None,
            n_missing=int(np.count_nonzero(~visible)),
        )

    @cached_property
    def _holes(self) -> MissingPixels:
        return MissingPixels(self.design)

    def _convolution_error(
        self, image: FloatArray, starts: NDArray[np.integer[Any]], rng: np.random.Generator
    ) -> float:
        """Of Eq. 18 on the first channel of the image, as it is before it is masked."""
        mask = PulseMask(self.grid.shape, self.grid.patch_size, starts)
        pixels = self._periodogram.condition(image[np.newaxis])[0, ..., 0]
        return convolution_error(pixels, mask, rng, frequencies=DIRECT_FREQUENCIES)

    def _rings(self, spectra: Sequence[Spectrum]) -> list[RadialSpectrum]:
        """Averages of spectra over rings."""
        rings = self._periodogram.rings
        alone = len(spectra) == 1
        powers = spectra[0].power[np.newaxis] if alone else np.stack([s.power for s in spectra])
        return [
            rings.spectrum(mean, std, scaling=spectrum.scaling, floor=spectrum.floor)
            for spectrum, mean, std in zip(spectra, *rings.moments(powers), strict=True)
        ]

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


def _and_in_all(by_octave: NDArray[Any]) -> NDArray[Any]:
    """Sums over octaves, and behind them the sum over all of them."""
    sums = np.empty(len(by_octave) + 1, by_octave.dtype)
    sums[:-1] = by_octave
    sums[-1] = by_octave.sum()
    return sums


def _std(image: FloatArray, mean: float) -> float:
    """Standard deviation of the pixels; exactly zero of a constant image."""
    flat = image.ravel()
    squares = float(flat @ flat) / flat.size
    if squares * (1 - CLOSE) > mean**2:
        return math.sqrt(squares - mean**2)  # 13 digits of the difference are left
    off = flat - mean
    std = math.sqrt(float(off @ off) / off.size)
    return std if std > CONSTANT * abs(mean) or np.ptp(image) > 0 else 0.0
