"""`MaskingAnalysis`: what patch masking does to the spectrum of one image."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.batch.analyze.records.plan import MaskingPlan
from spectral_mae.masked_spectra import verification
from spectral_mae.masks.pulse_mask import PulseMask
from spectral_mae.spectra.octaves import OCTAVES
from spectral_mae.spectra.rings import RadialSpectrum, fit_slopes

DEFECT = "FAILED"  # what notes say of a formula whose error is above its bound


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
    leakage, leakage_centred : float or None
        Leakage over all frequencies but zero (`Leakage.band`), of the image as it is and with its
        mean subtracted first.
    octaves, octaves_centred : tuple of float or None
        Leakage in each of `OCTAVES`, of the image as it is and with its mean subtracted first;
        None where the image has no frequency there.
    convolution_error : float or None
        Relative error of Eq. 18 on this image (its first channel) and the first mask, at 25
        random frequencies (`convolution.convolution_error`); None where it was not checked.
    mask_dft_error : float or None
        Largest relative error of the closed-form transform over the drawn masks (Eq. 19, with the
        R[k] of Eq. 20); None where no masks were drawn.
    original, expected, expected_centred : RadialSpectrum
        Of the image, and of the exact mean over all masks: of the image as it is, and with its mean
        subtracted first. Their spread within rings is NaN where it was not computed.
    drawn : RadialSpectrum or None
        Of the drawn masks: their mean, with ``std`` their spread and ``stderr`` their standard
        error; None where none were drawn.
    starts : ndarray of int, shape (N, 2), or None
        First pixels of the patches that the first drawn mask keeps; None where none was drawn.
    n_missing : int
        Pixels that are NaN or infinite. Where there are some, ``original`` is unmasked,
        ``expected`` its expectation under masks (`missing_pixels`), ``slope`` that of
        `fit_masked_slope`, and no masks are drawn.
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
    leakage_centred: float | None
    octaves: tuple[float | None, ...]
    octaves_centred: tuple[float | None, ...]
    convolution_error: float | None
    mask_dft_error: float | None
    original: RadialSpectrum = field(repr=False)
    expected: RadialSpectrum = field(repr=False)
    expected_centred: RadialSpectrum = field(repr=False)
    drawn: RadialSpectrum | None = field(repr=False)
    starts: NDArray[np.integer[Any]] | None = field(repr=False)
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
    def mask(self) -> PulseMask | None:
        """The first drawn mask, if one was drawn."""
        if self.starts is None:
            return None
        return PulseMask(self.shape, self.plan.patch_size, self.starts)

    @property
    def series(self) -> dict[str, RadialSpectrum]:
        """The spectra by the names that tables give them; those of drawn masks where there are."""
        drawn = {} if self.drawn is None else {"masked": self.drawn}
        return {"original": self.original, **drawn, "expected": self.expected}

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
        same power, so that there is no standard error, or none were drawn.
        """
        if self.drawn is None:
            return np.full_like(self.expected.power, np.nan)
        gap = self.drawn.power - self.expected.power
        rounding = 1e-12 * self.expected.power + self.expected.floor
        stderr = np.where(self.drawn.stderr > 0, self.drawn.stderr, np.nan)
        return np.where(np.abs(gap) <= rounding, 0.0, gap / stderr)

    def row(self) -> dict[str, Any]:
        """The numbers of the record by column name; None where there is none."""
        agreement: FloatArray = np.zeros(0)
        if self.drawn is not None:
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
            "leakage_centred": self.leakage_centred,
        }
        row |= dict(zip(octave_columns(), self.octaves + self.octaves_centred, strict=True))
        return row | {
            "eq18_error": self.convolution_error,
            "mask_dft_error": self.mask_dft_error,
            "agreement_rms": float(np.sqrt(np.mean(agreement**2))) if agreement.size else None,
            "agreement_max": float(np.max(np.abs(agreement))) if agreement.size else None,
        }


def octave_columns() -> list[str]:
    """Names of the leakage columns: one for each of `OCTAVES`, then the same mean removed."""
    names = [
        f"leakage_above_{low:g}" if math.isinf(high) else f"leakage_{low:g}_{high:g}"
        for low, high in OCTAVES
    ]
    return [*names, *(f"{name}_centred" for name in names)]


def with_slopes(records: Sequence[MaskingAnalysis]) -> list[MaskingAnalysis]:
    """Records with the slopes of their images, or why there is none.

    Parameters
    ----------
    records : sequence of MaskingAnalysis
        As `MaskingAnalyzer.measure` returns them.

    Returns
    -------
    list of MaskingAnalysis
        In the same order. A slope does not depend on the other records.
    """
    found = list(records)
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for number, record in enumerate(records):
        if record.n_missing:
            continue  # its slope was fitted under the holes
        by_shape.setdefault(record.shape, []).append(number)
    for numbers in by_shape.values():
        fits = fit_slopes([records[number].original for number in numbers])
        for number, fit in zip(numbers, fits, strict=True):
            known = (
                {"slope_note": fit}
                if isinstance(fit, str)
                else {"slope": fit.slope, "slope_stderr": fit.stderr}
            )
            found[number] = dataclasses.replace(found[number], **known)
    return found
