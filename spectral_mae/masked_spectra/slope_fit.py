"""The slope of a power spectrum under a mask, by forward fit.

A straight line through the logarithms of an unmasked spectrum fails where that is noisy or
negative. So the fit is forward: the model S = A f^s gives the spectrum of the differences to the
next pixel along each axis (nearly white where images are steep), which the mask of these
differences couples. That is compared with their periodogram by Whittle's likelihood, Σ log E + P/E.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray, Visible
from spectral_mae.fields import each_field
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.masks.tapers import add_power, autocorrelation, seen_weights, step_weights
from spectral_mae.spectra import frequencies as grids
from spectral_mae.spectra.spectrum import Spectrum

SLOPES = (-8.0, 3.0)  # range that is searched
SCANNED = 23  # slopes in it that are tried first
# Of the largest power of a model, what rounding leaves no digits of: steeper ones are not tried.
ROUNDING = 1e3 * float(np.finfo(np.float64).eps)
LOST = 1e100  # misfit of those
NEAR = 1e-2  # to the steepest


@dataclass(frozen=True, eq=False)
class MaskedSlopeFit:
    """A fitted power law S = amplitude · f^slope.

    Attributes
    ----------
    slope, stderr : float
        Exponent of the frequency, and its standard error: that of Gaussian fields with the fitted
        spectrum under this mask.
    amplitude : float
        Power density (per (cycle/pixel)², or per cycle/pixel) at one cycle per pixel.
    spectrum : Spectrum
        The fitted power law, in scaling "density".

    Examples
    --------
    >>> from spectral_mae import PatchGrid, PulseMask, fields, fit_masked_slope
    >>> image = fields.gaussian_fields(fields.power_law((32, 32), -2.0), 1, rng=0)[0]
    >>> fit = fit_masked_slope(image, PulseMask.random(PatchGrid((32, 32), 8), 0.5, rng=0).visible)
    >>> abs(fit.slope + 2) < 3 * fit.stderr, fit.spectrum.shape
    (True, (32, 32))
    """

    slope: float
    stderr: float
    amplitude: float
    spectrum: Spectrum


def fit_masked_slope(
    image: ArrayLike,
    visible: Visible = None,
    *,
    fmin: float | None = None,
    fmax: float | None = None,
    ndim: int | None = None,
    wrap: bool = True,
    n_draws: int = 64,
    rng: Seed = 0,
) -> MaskedSlopeFit:
    """Fit a power law to the spectrum of an image of which a mask shows a part.

    Differences between neighbouring visible pixels are compared with the model by Whittle's
    likelihood, with the coupling of frequencies by the mask in the model.

    Parameters
    ----------
    image : array_like, shape (*shape)
        Hidden pixels are not used and may hold anything, NaN too. What a masked array masks is
        hidden. The mean of the image has no influence.
    visible : array_like, shape (*shape), "finite" or None
        Bool, or weights from 0 to 1. "finite" hides NaN and infinity, None hides nothing.
    fmin, fmax : float or None
        Compare only frequencies fmin ≤ |f| < fmax, in cycles/pixel; by default all but zero.
    ndim : {1, 2, 3} or None
        Number of axes, as in `spectral_mae.psd`: a volume needs ``ndim=3``.
    wrap : bool
        Whether the first pixel of an axis is the neighbour of the last; False for images that are
        not periodic.
    n_draws : int
        Number of Gaussian fields drawn for the standard error, at least 8.
    rng : int, numpy.random.Generator or None
        Seed or generator of these fields.

    Returns
    -------
    MaskedSlopeFit
        Slope, standard error and amplitude.

    Raises
    ------
    ValueError
        If no two neighbouring pixels are visible, all differences are zero, too few frequencies
        are compared to tell the slope from the amplitude, or the best slope is not inside the range
        from −8 to 3. For images of 256 pixels along an axis and more, the range ends where rounding
        errors exceed the power.

    Examples
    --------
    >>> from spectral_mae.fields import gaussian_fields, power_law
    >>> from spectral_mae import PatchGrid, PulseMask
    >>> image = gaussian_fields(power_law((64, 64), -3.0), 1, rng=0)[0]
    >>> visible = PulseMask.random(PatchGrid((64, 64), 8), 0.75, rng=0).visible
    >>> fit = fit_masked_slope(image, visible)
    >>> abs(fit.slope + 3.0) < 3 * fit.stderr
    True
    """
    numbers, shown = _checks.masked_numbers("image", image)
    pixels: FloatArray = _checks.real_pixels("image", numbers)
    several = "fit each of them, and each channel"
    one = _checks.one_image("image", pixels, None, several, ndim=ndim, colours="")
    shape = one.shape[:-1]
    own = None if shown is None else shown[np.newaxis]
    masks = seen_weights("image", pixels[np.newaxis], own, visible)
    if len(masks) != 1:
        raise ValueError(f"visible of shape {masks.shape} is not {shape}")
    weights = masks[0]
    n_draws = _checks.integer("n_draws", n_draws, least=8, why="a standard error needs at least 8")
    wrap = _checks.flag("wrap", wrap)
    generator = generator_of(rng)
    _checks.expect_finite("image", pixels, None if weights.all() else weights)
    pixels = np.where(weights > 0, pixels, 0.0)
    _checks.squarable("image", pixels)
    model = _Model(shape, weights, fmin, fmax, wrap=wrap)
    power = model.periodograms(pixels)
    if not any(one.any() for one in power):
        raise ValueError("the visible steps to the next pixel are all zero: no slope")

    def misfit(slope: float) -> float:
        expected = model.expected(slope)
        if model.rounded(expected):
            return LOST
        level = model.level(power, expected)
        fits = ((p, e * level) for p, e in zip(power, expected, strict=True))
        return model.total([np.log(e) + p / e for p, e in fits])

    # The likelihood of few frequencies may have two maxima: the higher one is looked for first.
    scan = np.linspace(*SLOPES, SCANNED)
    best = int(np.argmin([misfit(slope) for slope in scan]))
    bounds = scan[max(best - 1, 0)], scan[min(best + 1, SCANNED - 1)]
    # Here, for it takes a tenth of the time to start the command.
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(misfit, bounds=bounds, method="bounded")
    slope = float(found.x)
    steepest = slope - SLOPES[0] < NEAR or misfit(slope - NEAR) == LOST
    if steepest or SLOPES[1] - slope < 1e-3:
        raise ValueError(
            f"no slope between {SLOPES[0]:g} and {SLOPES[1]:g} fits best: the search ended at "
            f"{slope:.2f}" + (", the steepest that rounding allows" if steepest else "")
        )
    amplitude = model.level(power, model.expected(slope))
    spectrum = model.spectrum(slope, amplitude)
    stderr = model.stderr(slope, amplitude, each_field(spectrum, n_draws, generator))
    return MaskedSlopeFit(slope, stderr, amplitude, spectrum)


class _Model:
    """Power-law spectrum coupled by the mask, for the differences along each axis."""

    def __init__(
        self,
        shape: tuple[int, ...],
        weights: BoolArray | FloatArray,
        fmin: float | None,
        fmax: float | None,
        *,
        wrap: bool,
    ) -> None:
        self._shape = shape
        ones = (1.0,) * len(shape)
        radius = grids.radial_frequency(shape, ones)
        self._log_radius = np.log(np.where(radius > 0, radius, 1.0))
        self._inside = radius > 0
        chosen = self._inside & grids.at_least(radius, _checks.limit("fmin", fmin, 0.0))
        chosen &= grids.below(radius, _checks.limit("fmax", fmax, np.inf))
        if not chosen.any():
            raise ValueError(f"no frequency of {shape=} lies in {fmin=}, {fmax=}")
        counts = np.where(chosen, grids.hermitian_weights(shape) / 2.0, 0.0)
        axes = np.meshgrid(*grids.half_frequencies(shape, ones), indexing="ij", sparse=True)
        self._gains = [4 * np.sin(np.pi * axis) ** 2 for axis in axes]
        self._masks = [step_weights(weights, axis, wrap=wrap) for axis in range(len(shape))]
        self._pairs = [self._pair_fraction(mask) for mask in self._masks]
        if not any(mask.any() for mask in self._masks):
            raise ValueError("no two neighbouring pixels are visible: no steps to fit")
        # Where no power can arrive, as at frequency 0 along an axis that is wholly visible, there
        # is nothing to compare.
        self._counts = [
            np.where(white > 1e-10 * white.max(initial=0.0), counts, 0.0)
            for white in self._coupled(np.where(self._inside, 1.0, 0.0))
        ]
        if not any(one.any() for one in self._counts):
            raise ValueError(f"no power can arrive at a frequency in {fmin=}, {fmax=}")

    def spectrum(self, slope: float, amplitude: float) -> Spectrum:
        """Return the power law as a spectrum."""
        size = int(np.prod(self._shape))
        power = amplitude * self._power_law(slope)
        return Spectrum(power, self._shape, "density", (1.0,) * len(self._shape), 1.0 / size)

    def periodograms(self, pixels: FloatArray) -> list[FloatArray]:
        """Periodograms of the visible differences along each axis, density on the half-plane."""
        found: list[FloatArray] = []
        for axis, mask in enumerate(self._masks):
            steps = np.roll(pixels, -1, axis)
            steps -= pixels
            steps *= mask
            found.append(self._power(steps) / pixels.size)
        return found

    def expected(self, slope: float, *, derivative: bool = False) -> list[FloatArray]:
        """Mean of `periodograms` at unit amplitude, or its derivative by the slope."""
        law = self._power_law(slope)
        if derivative:
            law = law * self._log_radius
        found = self._coupled(law)
        if derivative:
            return found
        # Frequencies that are not compared must not divide by zero.
        return [np.where(c > 0, e, 1.0) for c, e in zip(self._counts, found, strict=True)]

    def rounded(self, expected: list[FloatArray]) -> bool:
        """Whether rounding errors exceed any of the power that is compared."""
        compared = [e[c > 0] for c, e in zip(self._counts, expected, strict=True)]
        return any(bool(np.any(e <= ROUNDING * e.max())) for e in compared if e.size)

    def level(self, power: list[FloatArray], expected: list[FloatArray]) -> float:
        """The amplitude that maximises the likelihood at a slope."""
        ratio = self.total([p / e for p, e in zip(power, expected, strict=True)])
        return ratio / self.total([np.ones_like(p) for p in power])

    def total(self, values: list[FloatArray]) -> float:
        """Sum over the frequencies that are compared."""
        return float(sum(np.sum(c * v) for c, v in zip(self._counts, values, strict=True)))

    def stderr(self, slope: float, amplitude: float, fields: Iterable[FloatArray]) -> float:
        """Standard error of the slope: spread of the score over fields, between inverse curvatures.

        Frequencies under a mask are dependent, so the curvature alone would give too small an
        error.
        """
        expected = self.expected(slope)
        changes = self.expected(slope, derivative=True)
        directions: list[list[FloatArray]] = [
            [np.ones_like(one) for one in expected],
            [change / one for change, one in zip(changes, expected, strict=True)],
        ]
        curvature = np.array([[self._inner(u, v) for v in directions] for u in directions])
        scores = []
        for field in fields:
            power = self.periodograms(field)
            excess = [p / (amplitude * e) - 1 for p, e in zip(power, expected, strict=True)]
            scores.append([self._inner(excess, u) for u in directions])
        spread = np.cov(np.array(scores).T)
        if np.linalg.matrix_rank(curvature, hermitian=True) < 2:
            raise ValueError(
                "too few frequencies to compare: they do not tell slope from amplitude"
            )
        inverse = np.linalg.inv(curvature)
        return float(np.sqrt((inverse @ spread @ inverse)[1, 1]))

    def _coupled(self, law: FloatArray) -> list[FloatArray]:
        """Spectra of the visible differences along each axis, for fields with this spectrum."""
        found: list[FloatArray] = []
        for gain, pairs in zip(self._gains, self._pairs, strict=True):
            lags = autocorrelation(law * gain, self._shape)
            lags *= pairs
            found.append(scipy.fft.rfftn(lags).real.copy())
        return found

    def _inner(self, a: list[FloatArray], b: list[FloatArray]) -> float:
        return self.total([x * y for x, y in zip(a, b, strict=True)])

    def _power_law(self, slope: float) -> FloatArray:
        return np.where(self._inside, np.exp(slope * self._log_radius), 0.0)

    def _pair_fraction(self, mask: BoolArray | FloatArray) -> FloatArray:
        return autocorrelation(self._power(mask), self._shape) / mask.size

    def _power(self, pixels: BoolArray | FloatArray) -> FloatArray:
        power = np.zeros(grids.half_shape(self._shape))
        add_power(power, pixels)
        return power
