"""Spectra of an image with missing pixels, before and under masking.

The spectrum is estimated from the pairs of pixels that are there, and taken for that of the process
that the image is one field of. What masks make of it is then the convolution with E|M|², as for any
stationary process. Masks are not drawn: there is no whole image to draw them on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.masked_spectra.coupling import ModeCoupling
from spectral_mae.masked_spectra.slope_fit import fit_masked_slope
from spectral_mae.masked_spectra.unmasking import unmasked_psd
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.spectra.bins.annulus import Annuli
from spectral_mae.spectra.frequencies import full_from_half, half_from_full, just_above, nyquist


@dataclass(frozen=True, eq=False)
class UnmaskedSpectra:
    """Estimated power of an image with missing pixels, and its expectation under masks.

    Attributes
    ----------
    power, expected : ndarray, shape of the half-plane
        Density. Single values may be negative.
    kept : float
        Square of the probability that a patch is kept, the mean over patches.
    """

    power: FloatArray
    expected: FloatArray
    kept: float

    def leakage(self, annuli: Annuli) -> tuple[float | None, tuple[float | None, ...]]:
        """Ratio of the sums over all annuli, and over each.

        None where the estimate has no power to divide by.
        """
        kept = self.kept * annuli.sums(self.power)
        leaked = annuli.sums(self.expected) - kept
        each = zip(leaked.tolist(), kept.tolist(), strict=True)
        return _ratio(leaked.sum(), kept.sum()), tuple(_ratio(*one) for one in each)


class MissingPixels:
    """Unmasked spectra of images of one shape under masks of a design.

    Parameters
    ----------
    design : MaskDesign
        The masks.

    Examples
    --------
    >>> from spectral_mae import designs, fields, PatchGrid
    >>> image = fields.gaussian_fields(fields.power_law((64, 64), -2.0), 1, rng=0)[0]
    >>> visible = np.random.default_rng(0).random((64, 64)) < 0.7
    >>> found = MissingPixels(designs.fixed(PatchGrid((64, 64), 8), 0.75))
    >>> spectra = found.spectra(image[..., np.newaxis], visible)
    >>> bool(np.isclose(spectra.expected.sum() / spectra.power.sum(), 0.25, rtol=0.1))
    True
    """

    def __init__(self, design: MaskDesign) -> None:
        self._coupling = ModeCoupling.random(design=design)
        self._kept = float(np.mean(design.inclusion)) ** 2

    def spectra(self, pixels: FloatArray, visible: BoolArray) -> UnmaskedSpectra:
        """Estimate the spectrum of an image.

        Parameters
        ----------
        pixels : ndarray, shape (H, W, channels)
            Less its trend, if one is to be subtracted.
        visible : ndarray of bool, shape (H, W)
            True where pixels are there.

        Returns
        -------
        UnmaskedSpectra
            Before and under masking, averaged over channels.
        """
        # Differences across opposite borders are left out, for images are not periodic.
        found = unmasked_psd(pixels, visible, channel_axis=-1, prewhiten="gradient", wrap=False)
        return self._under_masks(found.full())

    def centred(self, spectra: UnmaskedSpectra) -> UnmaskedSpectra:
        """The same of the image less its mean: without power at frequency zero."""
        power = spectra.power.copy()
        power.flat[0] = 0.0
        return self._under_masks(full_from_half(power, self._coupling.shape))

    def _under_masks(self, power: FloatArray) -> UnmaskedSpectra:
        expected = self._coupling.couple(power)
        return UnmaskedSpectra(half_from_full(power), half_from_full(expected), self._kept)


def _ratio(leaked: float, kept: float) -> float | None:
    return float(leaked / kept) if kept > 0 else None


def slope_of(pixels: FloatArray, visible: BoolArray) -> tuple[float | None, float | None, str]:
    """Slope of a power law fitted to what is visible, its standard error, or why there is none.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, channels)
        The image.
    visible : ndarray of bool, shape (H, W)
        True where pixels are there.

    Returns
    -------
    slope, stderr : float or None
        As `fit_masked_slope` finds them up to the Nyquist frequency.
    note : str
        Why there is no slope, or empty.
    """
    if pixels.shape[-1] > 1:
        return None, None, "no slope: it is fitted to gray images only where pixels are missing"
    fmax = just_above(nyquist((1.0,) * visible.ndim))
    try:
        fit = fit_masked_slope(pixels[..., 0], visible, fmax=fmax, wrap=False)
    except ValueError as error:
        return None, None, str(error)
    return fit.slope, fit.stderr, ""
