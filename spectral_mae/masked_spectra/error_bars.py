"""Error bars of binned spectra: of Gaussian fields under a mask, and of images by resampling."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.fields import each_field
from spectral_mae.masked_spectra.unmasking import Prewhiten, Unmasking
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.masks.tapers import mask_weights
from spectral_mae.spectra.bins.binning import unit_near
from spectral_mae.spectra.rings import Bins, RadialSpectrum, RingBins
from spectral_mae.spectra.spectrum import Spectrum


@dataclass(frozen=True, eq=False)
class BinCovariance:
    """Covariance of an unmasked radial spectrum between rings.

    Attributes
    ----------
    mean : ndarray, shape (n_bins,)
        Mean estimate over the fields: that of the model, if the estimator has no bias.
    covariance : ndarray, shape (n_bins, n_bins)
        Covariance of the estimates between rings, over the fields.
    n_draws : int
        Fields drawn; a standard error is known to one part in √(2·n_draws).
    """

    mean: FloatArray
    covariance: FloatArray
    n_draws: int

    @property
    def stderr(self) -> FloatArray:
        """Standard error of each ring, shape (n_bins,)."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def correlation(self) -> FloatArray:
        """Correlation between rings, shape (n_bins, n_bins); NaN where one does not vary."""
        scale = np.multiply.outer(self.stderr, self.stderr)
        none = np.full(scale.shape, np.nan)
        return np.divide(self.covariance, scale, out=none, where=scale > 0)


def unmasked_covariance(
    model: Spectrum,
    visible: ArrayLike,
    *,
    bins: Bins = None,
    prewhiten: Prewhiten | None = None,
    wrap: bool = True,
    n_draws: int = 400,
    rng: Seed = 0,
) -> BinCovariance:
    """Covariance of the unmasked radial spectrum of a Gaussian field under a mask, by Monte Carlo.

    Periodic Gaussian fields with the model's spectrum are drawn, masked, and their spectra
    estimated as by `unmasked_psd`.

    Parameters
    ----------
    model : Spectrum
        Spectrum of the fields, such as `fit_masked_slope(...).spectrum`.
    visible : array_like, shape (*shape)
        Mask: bool, or weights from 0 to 1.
    bins : int, sequence of float or None
        Number or edges of the rings, as in `Spectrum.radial`.
    prewhiten, wrap : optional
        As in `Unmasking`.
    n_draws : int
        Number of fields, at least 8.
    rng : int, numpy.random.Generator or None
        Seed or generator. Equal seeds give equal results.

    Returns
    -------
    BinCovariance
        Mean and covariance over the fields.

    Raises
    ------
    ValueError
        If the shapes of model and mask differ, or no pixel is visible.

    Examples
    --------
    >>> from spectral_mae.fields import power_law
    >>> visible = np.random.default_rng(0).random((32, 32)) < 0.5
    >>> found = unmasked_covariance(power_law((32, 32), -1.0), visible, bins=4)
    >>> found.stderr.shape, bool((found.stderr < 0.5 * found.mean).all())
    ((4,), True)
    """
    _checks.needed(
        "model", model, Spectrum, "psd(image) or fields.power_law(shape, slope) make one"
    )
    n_draws = _checks.integer("n_draws", n_draws, least=8, why="a covariance needs at least 8")
    weights = mask_weights(visible, model.shape)
    if weights.shape != model.shape:
        raise ValueError(f"visible of shape {weights.shape} is not {model.shape}")
    rings = RingBins(model.shape, (1.0,) * len(model.shape), bins)
    estimates = []
    for field in each_field(model, n_draws, rng):
        pool = Unmasking(model.shape, prewhiten=prewhiten, wrap=wrap)
        found = pool.update(field, weights).spectrum()
        estimates.append(rings.average(found.power, scaling="density").power)
    rows = np.array(estimates)
    covariance = np.atleast_2d(np.cov(rows.T, ddof=1))
    return BinCovariance(rows.mean(axis=0), covariance, n_draws)


def bootstrap_radial(
    spectra: RadialSpectrum, *, n_resamples: int = 1000, rng: Seed = 0
) -> RadialSpectrum:
    """Mean over images of their radial spectra, with standard errors by the bootstrap.

    Parameters
    ----------
    spectra : RadialSpectrum
        Spectra of a batch, power of shape (n, n_bins), as `Periodogram.radial` returns them.
    n_resamples : int
        Number of times that n images are drawn with replacement, at least 2.
    rng : int, numpy.random.Generator or None
        Seed or generator. Equal seeds give equal results.

    Returns
    -------
    RadialSpectrum
        ``std`` is the spread from image to image, ``stderr`` the spread of the resampled means.

    Raises
    ------
    ValueError
        If there are fewer than two spectra.

    Examples
    --------
    >>> from spectral_mae import Periodogram
    >>> images = np.random.default_rng(0).standard_normal((50, 16, 16))
    >>> mean = bootstrap_radial(Periodogram((16, 16)).radial(images))
    >>> bool((np.abs(mean.power - 1) < 4 * mean.stderr).all())
    True
    """
    _checks.needed(
        "spectra", spectra, RadialSpectrum, "Periodogram(shape).radial(images) makes one"
    )
    spectra = spectra.numpy()
    if spectra.power.ndim != 2 or len(spectra.power) < 2:
        raise ValueError(f"power of shape {spectra.power.shape} is not of two images or more")
    n = len(spectra.power)
    generator = generator_of(rng)
    # How often each image is drawn says as much as which: a product instead of copies.
    _checks.integer("n_resamples", n_resamples, least=2, why="a spread needs at least 2")
    shares = generator.multinomial(n, [1.0 / n] * n, n_resamples)
    unit = unit_near(float(np.abs(spectra.power).max()))  # or squares could leave the range
    power = spectra.power / unit
    means = shares @ power / n
    return dataclasses.replace(
        spectra,
        power=unit * power.mean(axis=0),
        std=unit * power.std(axis=0, ddof=1),
        stderr=unit * means.std(axis=0, ddof=1),
        averages=spectra.averages * n,
    )
