"""Spectra of an image that is visible in part: as they are, unmasked, and of the whole image."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from spectral_mae._checks import FloatArray
from spectral_mae.masked_spectra.error_bars import unmasked_covariance
from spectral_mae.masked_spectra.slope_fit import MaskedSlopeFit, fit_masked_slope
from spectral_mae.masked_spectra.unmasking import unmasked_psd
from spectral_mae.spectra.frequencies import nyquist
from spectral_mae.spectra.periodogram import psd
from spectral_mae.spectra.rings import RadialSpectrum

DRAWS = 200  # fields behind the error band


ALIKE = 0.5  # holes that JPEG has roughened spread less than this share of what is visible


@dataclass(frozen=True, eq=False)
class MaskedSpectra:
    """The radial spectra of an image under a mask.

    Attributes
    ----------
    naive : RadialSpectrum
        Of the masked image about its visible mean, divided by the mean of the squared mask.
    unmasked : RadialSpectrum or None
        Lag by lag in the gradient; ``stderr`` is that of Gaussian fields with the fitted slope.
    true : RadialSpectrum or None
        Of the whole image, estimated likewise, where it holds anything under the mask.
    fit : MaskedSlopeFit
    """

    naive: RadialSpectrum
    unmasked: RadialSpectrum | None
    true: RadialSpectrum | None
    fit: MaskedSlopeFit

    @classmethod
    def of(cls, image: FloatArray, weights: FloatArray, *, unmask: bool = True) -> MaskedSpectra:
        """Of a gray image and weights of its shape; the error bars of ``unmask`` take seconds."""
        level = float(np.average(image, weights=weights))
        naive = psd(image - level, visible=weights).radial()
        share = float(np.mean(weights**2))
        naive = dataclasses.replace(
            naive, power=naive.power / share, std=naive.std / share, stderr=naive.stderr / share
        )
        options: Any = {"prewhiten": "gradient", "wrap": False}
        # As far as rings reach, so that both slopes are of the same frequencies.
        fit = fit_masked_slope(image, weights, fmax=nyquist((1.0,) * image.ndim), wrap=False)
        unmasked = None
        if unmask:
            found = unmasked_psd(image, weights, detrend="constant", **options).radial()
            errors = unmasked_covariance(fit.spectrum, weights, n_draws=DRAWS, **options)
            unmasked = dataclasses.replace(found, stderr=errors.stderr)
        true = None
        if is_whole(image, weights):
            true = unmasked_psd(image, np.ones_like(weights), **options).radial()
        return cls(naive, unmasked, true, fit)

    def deviation(self) -> str:
        """How far the unmasked spectrum is from the true one; empty where there is none."""
        if self.unmasked is None:
            return ""
        if self.true is None:
            return "the hidden pixels are (nearly) all alike, so the image is not taken for whole"
        gap = (self.unmasked.power - self.true.power) / self.unmasked.stderr
        ratio = self.unmasked.power / self.true.power
        return (
            f"unmasked over true: median {np.median(ratio):.2f}, from {ratio.min():.2f} to "
            f"{ratio.max():.2f}; {np.mean(np.abs(gap) > 2):.0%} of the rings are off by more than "
            "2 standard errors (5% would be of a stationary image)"
        )


def is_whole(image: FloatArray, weights: FloatArray) -> bool:
    """Whether the image also holds something where it is hidden, rather than holes of one level."""
    hidden, visible = image[weights == 0], image[weights > 0]
    return hidden.size == 0 or _spread(hidden) > ALIKE * _spread(visible)


def _spread(values: FloatArray) -> float:
    return float(np.mean(np.abs(values - np.median(values))))
