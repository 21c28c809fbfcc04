"""The curves that compare two images, from means of four powers, and their standard errors.

Of two images with transforms A (the original) and B, and means ⟨ ⟩ over the frequencies of a bin
(and over images):

    gain       Re⟨A*B⟩ / ⟨|A|²⟩
    coherence  |⟨A*B⟩|² / (⟨|A|²⟩⟨|B|²⟩)
    FRC        Re⟨A*B⟩ / √(⟨|A|²⟩⟨|B|²⟩)
    error      ⟨|B − A|²⟩
    explained  1 − error / ⟨|A|²⟩
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import ComplexArray, FloatArray

CURVES = ("gain", "coherence", "frc", "error", "explained")

Floors = tuple[float, float] | tuple[FloatArray, FloatArray]


class Powers(NamedTuple):
    """The four powers of pairs of images that all curves are made of.

    Attributes
    ----------
    power_a, power_b, cross, error : ndarray, shape (..., n)
        |A|², |B|², A*B and |B − A|², scaled as a power spectrum.
    """

    power_a: FloatArray
    power_b: FloatArray
    cross: ComplexArray
    error: FloatArray

    def curves(self, floors: Floors = (0.0, 0.0)) -> dict[str, FloatArray]:
        """Return the curves of `CURVES` by name.

        Parameters
        ----------
        floors : tuple of float
            Power of the originals, and of the reconstructions, up to which there is none. Without
            any of the original, what is divided by its power is NaN. Where one of the two has none
            their correlation is 0, and NaN where neither has.

        Returns
        -------
        dict of str to ndarray, shape (..., n)
            By name, in the order of `CURVES`.
        """
        scales = self.scales(floors)
        coherent, turned = scales.normalised(self.cross)
        return {
            "gain": self.cross.real / scales.original / scales.original,
            "coherence": np.square(coherent) + np.square(turned),
            "frc": coherent,
            "error": self.error,
            "explained": 1 - self.error / scales.original / scales.original,
        }

    def scales(self, floors: Floors) -> Scales:
        """Return the amplitudes that the curves are divided by.

        They are divided by one after the other, for products may leave the range of numbers.

        Parameters
        ----------
        floors : tuple of float
            As in `curves`.

        Returns
        -------
        Scales
            Of shape (..., n).
        """
        some_a, some_b = self.power_a > floors[0], self.power_b > floors[1]
        original, other = np.sqrt(self.power_a), np.sqrt(self.power_b)
        neither = ~(some_a | some_b)
        return Scales(
            np.where(some_a, original, np.nan),
            np.where(some_a, original, np.where(neither, np.nan, np.inf)),
            np.where(some_b, other, np.where(neither, np.nan, np.inf)),
        )


class Scales(NamedTuple):
    """Amplitudes of originals and reconstructions.

    Attributes
    ----------
    original : ndarray, shape (..., n)
        √⟨|A|²⟩, NaN where the original has no power.
    a, b : ndarray, shape (..., n)
        √⟨|A|²⟩ and √⟨|B|²⟩; infinite where only this one has no power, NaN where neither has.
    """

    original: FloatArray
    a: FloatArray
    b: FloatArray

    def normalised(self, cross: ComplexArray) -> tuple[FloatArray, FloatArray]:
        """Divide A*B by both amplitudes, real and imaginary parts apart.

        A complex number divided by infinity would be NaN.

        Parameters
        ----------
        cross : ndarray of complex, shape (..., n)
            ⟨A*B⟩.

        Returns
        -------
        real, imaginary : ndarray, shape (..., n)
            From −1 to 1.
        """
        return cross.real / self.a / self.b, cross.imag / self.a / self.b


class Averager(Protocol):
    """Bins of the half-plane of one grid."""

    def moments(self, power: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation in each bin of what a spectrum has at each frequency."""

    def spread(self, values: FloatArray) -> FloatArray:
        """Write the value of each bin at all of its frequencies."""


def averaged(
    bins: Averager, count: NDArray[Any], powers: Powers, floors: Floors, *, signal: bool
) -> dict[str, Any]:
    """Average the powers of one half-plane over bins, with errors from the spread within them.

    A curve is a function of the means of four powers. To first order, its error is the mean over
    the bin of its derivative along what each frequency deviates from these means, so its standard
    error is the standard deviation of that over √(M − 1), with M = count/2 independent frequencies
    (the delta method).

    Parameters
    ----------
    bins : Averager
        The bins.
    count : ndarray, shape (n_bins,)
        Frequencies of the whole grid in each.
    powers : Powers
        On the half-plane of one spectrum.
    floors : tuple of float
        As in `CrossAverages`.
    signal : bool
        Whether the spectrum has one axis, so that the half-plane are the positive frequencies.

    Returns
    -------
    dict
        Arguments of `CrossAverages` by name: powers, ``count``, ``stderr`` and ``floors``.
    """
    means = Powers(
        bins.moments(powers.power_a)[0],
        bins.moments(powers.power_b)[0],
        mean_cross(bins, powers.cross, signal=signal),
        bins.moments(powers.error)[0],
    )
    return {
        **means._asdict(),
        "count": count,
        "stderr": _errors(bins, count / 2, powers, means, floors),
        "floors": floors,
    }


def mean_cross(bins: Averager, cross: ComplexArray, *, signal: bool) -> ComplexArray:
    """Average A*B over bins: of signals over positive frequencies, else over the whole grid.

    Parameters
    ----------
    bins : Averager
        The bins.
    cross : ndarray of complex, shape (..., *half_shape)
        On the half-plane.
    signal : bool
        Whether the spectrum has one axis.

    Returns
    -------
    ndarray of complex, shape (..., n_bins)
        Real, but for signals.
    """
    mean = bins.moments(cross.real)[0].astype(np.complex128)
    if signal:
        mean.imag = bins.moments(cross.imag)[0]
    return mean


@np.errstate(divide="ignore", invalid="ignore", over="ignore")  # of frequencies in no bin
def _errors(
    bins: Averager, independent: FloatArray, powers: Powers, means: Powers, floors: Floors
) -> dict[str, FloatArray]:
    """Standard errors of the curves, by the delta method."""
    curves, scales = means.curves(floors), means.scales(floors)
    each = Scales(*map(bins.spread, scales))
    original = each.original
    share = powers.power_a / original / original
    both = powers.power_a / each.a / each.a + powers.power_b / each.b / each.b
    coherent, turned = each.normalised(powers.cross)
    mean, mean_turned = map(bins.spread, scales.normalised(means.cross))
    along = {
        "gain": powers.cross.real / original / original - bins.spread(curves["gain"]) * share,
        "coherence": 2 * (coherent * mean + turned * mean_turned)
        - bins.spread(curves["coherence"]) * both,
        "frc": coherent - bins.spread(curves["frc"]) * both / 2,
        "error": powers.error,
        "explained": bins.spread(1 - curves["explained"]) * share
        - powers.error / original / original,
    }
    return {
        name: np.where(independent > 1, bins.moments(values)[1] / np.sqrt(independent - 1), np.nan)
        for name, values in along.items()
    }
