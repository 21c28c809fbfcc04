"""The log-spectral distance: how far two spectra are apart in decibels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.cross_spectra.curves import Floors
from spectral_mae.cross_spectra.spectrum import cross_spectrum
from spectral_mae.spectra.conditioning import DetrendOption, Window
from spectral_mae.spectra.labels.coordinates import labelled
from spectral_mae.spectra.rings import Bins


@labelled("a", "b")
def log_spectral_distance(
    a: ArrayLike,
    b: ArrayLike,
    *,
    bins: Bins = None,
    fs: float | Sequence[float] = 1.0,
    window: Window = None,
    detrend: DetrendOption = None,
    channel_axis: int | str | None = None,
    ndim: int | None = None,
) -> float:
    """Log-spectral distance of two signals, images or volumes over rings of frequency, in decibels.

    It is the root mean square over rings of 10·log₁₀(P_b/P_a), with P the mean power of a ring.
    Each ring counts alike, whatever its power and number of frequencies. Only power counts: an
    image and a shifted copy have distance 0.

    Parameters
    ----------
    a, b : array_like or DataArray, shape (D,), (H, W) or (T, H, W), and the channels
        Real numbers, of one shape.
    bins : int, sequence of float or None
        Number or edges of the rings, as in `Spectrum.radial`.
    fs, window, detrend : optional
        As in `psd`.
    channel_axis : int, str or None
        Axis of the channels, of a DataArray also its name, whose powers are averaged.
    ndim : {1, 2, 3} or None
        Number of axes without that of the channels; None is 1 or 2, as the arrays have.

    Returns
    -------
    float
        0 or more; infinity if one image has power in a ring where the other has none. Rings where
        neither has are left out.

    Raises
    ------
    ValueError
        If the shapes differ, neither image has power in any ring, or for options that `psd`
        refuses.

    Examples
    --------
    >>> image = np.random.default_rng(0).standard_normal((32, 32))
    >>> round(log_spectral_distance(image, 10 * image), 9)
    20.0
    """
    pair = cross_spectrum(
        a, b, fs=fs, window=window, detrend=detrend, channel_axis=channel_axis, ndim=ndim
    )
    rings = pair.radial(bins)
    distance = float(ring_distance(rings.power_a, rings.power_b, rings.floors))
    if np.isnan(distance):
        raise ValueError(
            f"neither a={_checks.brief(a)} nor b={_checks.brief(b)} has power in any ring"
        )
    return distance


def ring_distance(power_a: FloatArray, power_b: FloatArray, floors: Floors) -> FloatArray:
    """Log-spectral distance of mean powers of rings, in decibels.

    Parameters
    ----------
    power_a, power_b : ndarray, shape (..., n_rings)
        Mean power of each ring.
    floors : tuple of float
        Power of each that rounding alone can leave in a ring.

    Returns
    -------
    ndarray, shape (...)
        As `log_spectral_distance` says; NaN if no ring is left.
    """
    some_a, some_b = power_a > floors[0], power_b > floors[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (
            10 * np.log10(np.where(some, power, 0.0))
            for some, power in ((some_a, power_a), (some_b, power_b))
        )
        apart = np.where(some_a | some_b, np.square(b - a), 0.0)
        return np.sqrt(apart.sum(axis=-1) / (some_a | some_b).sum(axis=-1))
