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
from spectral_mae.spectra.frequencies import just_above, nyquist
from spectral_mae.spectra.periodogram import psd
from spectral_mae.spectra.rings import RadialSpectrum

DRAWS = 200  # fields behind the error band


ALIKE = 0.5  # holes that JPEG has roughened spread less than this share of what is visible


@dataclass(frozen=True, eq=False)
class MaskedSpectra:
    """Radial spectra of an image of which a mask shows a part.

    Attributes
    ----------
    naive : RadialSpectrum
        Power of the masked image, less its visible mean, over the mean of the squared mask.
    unmasked : RadialSpectrum or None
        Estimate of `unmasked_psd` with gradient prewhitening; ``stderr`` is that of Gaussian fields
        with the fitted slope.
    true : RadialSpectrum or None
        The same estimate for the whole image, if the file holds more than the visible pixels.
    fit : MaskedSlopeFit
        Power law fitted to the visible pixels.
    """

    naive: RadialSpectrum
    unmasked: RadialSpectrum | None
    true: RadialSpectrum | None
    fit: MaskedSlopeFit

    @classmethod
    def of(cls, image: FloatArray, weights: FloatArray, *, unmask: bool = True) -> MaskedSpectra:
        """Compute the spectra of a gray image.

        Parameters
        ----------
        image : ndarray, shape (H, W)
            Gray values; hidden pixels may hold anything, NaN too.
        weights : ndarray, shape (H, W)
            The mask, from 0 to 1.
        unmask : bool
            Whether to estimate ``unmasked``, whose error bars take seconds.

        Returns
        -------
        MaskedSpectra
            In scaling "density".
        """
        naive = psd(image, visible=weights, detrend="constant").radial()
        share = float(np.mean(weights**2))
        naive = dataclasses.replace(
            naive, power=naive.power / share, std=naive.std / share, stderr=naive.stderr / share
        )
        options: Any = {"prewhiten": "gradient", "wrap": False}
        # As far as rings reach, so that both slopes are of the same frequencies.
        last = nyquist((1.0,) * image.ndim)
        fit = fit_masked_slope(image, weights, fmax=just_above(last), wrap=False)
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
        """Say how far the unmasked spectrum is from that of the whole image.

        Returns
        -------
        str
            A sentence for the terminal; empty if the whole image is not known.
        """
        if self.unmasked is None:
            return ""
        if self.true is None:
            return (
                "the hidden pixels are (nearly) all alike or not numbers, so the image is not "
                "taken for whole"
            )
        gap = (self.unmasked.power - self.true.power) / self.unmasked.stderr
        ratio = self.unmasked.power / self.true.power
        return (
            f"unmasked over true: median {np.median(ratio):.2f}, from {ratio.min():.2f} to "
            f"{ratio.max():.2f}; {np.mean(np.abs(gap) > 2):.0%} of the rings are off by more than "
            "2 standard errors (5% would be of a stationary image)"
        )


def is_whole(image: FloatArray, weights: FloatArray) -> bool:
    """Whether an image also has content where it is hidden, rather than one level.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Gray values.
    weights : ndarray, shape (H, W)
        The mask, 0 where a pixel is hidden.

    Returns
    -------
    bool
        True if the hidden pixels are finite and vary about as much as the visible ones.
    """
    hidden, visible = image[weights == 0], image[weights > 0]
    if not np.isfinite(hidden).all():
        return False
    return hidden.size == 0 or _spread(hidden) > ALIKE * _spread(visible)


def _spread(values: FloatArray) -> float:
    return float(np.mean(np.abs(values - np.median(values))))
