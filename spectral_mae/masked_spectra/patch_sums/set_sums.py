"""Sums of Σ_b |X_b[k]|² over sets of frequencies, without the spectrum.

`GramPower` makes that spectrum of a few hundred numbers of an image (sums of products along the
rows of its patches, the sum of its patches, and its mean), in which it is linear. So the sums over
rings of frequency are the product of one matrix with these numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.masked_spectra.patch_sums.patch_power import GramPower, PatchPower

# Places in the half-plane read row by row, and the weight of the power at each.
FrequencySet = tuple[NDArray[np.integer], FloatArray]


class SetSums(NamedTuple):
    """Weighted sums of a spectrum over sets of frequencies.

    Attributes
    ----------
    sums : ndarray of float64, shape (n_sets,)
        The sums.
    rms : float
        Root mean square of the spectrum over all frequencies, or somewhat more.
    """

    sums: FloatArray
    rms: float


class PatchSetSums:
    """Σ_b |X_b[k]|² of images of one shape, summed over sets of frequencies.

    Parameters
    ----------
    power : PatchPower
        For which `possible` holds.
    sets : sequence of (places, weights)
        Of each the places of its frequencies in the half-plane, read row by row, and the weight of
        the power at each; at least one.

    Examples
    --------
    >>> from spectral_mae.masks.patches import PatchGrid
    >>> image = np.random.default_rng(0).random((8, 12))
    >>> power = PatchPower(PatchGrid((8, 12), 4))
    >>> places, weights = np.array([1, 9, 20]), np.array([2.0, 1.0, 2.0])
    >>> own, _ = PatchSetSums(power, [(places, weights)]).with_centred(image)
    >>> bool(np.isclose(own.sums[0], power(image).flat[places] @ weights))
    True
    """

    def __init__(self, power: PatchPower, sets: Sequence[FrequencySet]) -> None:
        gram = power.gram
        if gram is None:
            raise ValueError("patches are too large for sums of products along their rows")
        self._power, self._gram = power, gram
        self._n_patches = power.grid.n_patches
        products, others = zip(*(_coefficients(gram, one) for one in sets), strict=True)
        self._of_products, self._of_others = np.array(products), np.array(others)
        # Of one patch of ones, |R|² times the patches; the mean of its square over frequencies.
        self._of_mean = math.prod(_mean_fourth_power(p) for p in power.grid.patch_size)

    @staticmethod
    def possible(power: PatchPower) -> bool:
        """Whether patches are small, and there are several along each axis."""
        return power.gram is not None and min(power.grid.counts) > 1

    def with_centred(self, pixels: FloatArray, scale: float = 1.0) -> tuple[SetSums, SetSums]:
        """Return the sums of one image, and of the image less the mean of each channel.

        Parameters
        ----------
        pixels : ndarray of float64, shape ``grid.shape``, or (*grid.shape, channels)
            The image; the powers of channels are added.
        scale : float
            Factor of the power, 0 or more.

        Returns
        -------
        own, centred : SetSums
            Of both.
        """
        planes, mean, summed = self._power.about_mean(pixels)
        even, odd = self._gram.products(planes, mean)
        squared_mean = float(mean @ mean)
        centred = self._of_products @ np.concatenate([even.ravel(), odd.ravel()])
        own = centred + self._of_others @ np.append(summed.ravel(), squared_mean)
        # Parseval, over the angles and the lags: each lag stands for the opposite one too.
        squares = 2 * (np.vdot(even, even) + np.vdot(odd, odd)) - np.vdot(even[:, 0], even[:, 0])
        rms = math.sqrt(squares / len(even))
        # Of a sum of two spectra and what is between them, by Schwarz's inequality.
        of_mean = squared_mean * self._n_patches * math.sqrt(self._of_mean)
        whole = (math.sqrt(rms) + math.sqrt(of_mean)) ** 2
        return SetSums(scale * own, scale * whole), SetSums(scale * centred, scale * rms)


def _coefficients(gram: GramPower, one: FrequencySet) -> tuple[FloatArray, FloatArray]:
    """What the products, and the sum of patches and the squared mean, count in a sum."""
    places, weights = one
    rows, columns = np.divmod(places, gram.across.ones.size)
    n = (gram.spread.shape[1] - 1) // 4
    spread = gram.spread[rows] * weights[:, np.newaxis]
    parts = np.split(spread.T, [n, 2 * n, 3 * n, 4 * n])
    tables = (gram.cosines, gram.sines, gram.across.even, gram.across.odd, gram.across.ones)
    of_even, of_odd, summed_even, summed_odd, of_ones = (
        part @ table[:, columns].T for part, table in zip(parts, tables, strict=True)
    )
    products = np.concatenate([of_even.ravel(), of_odd.ravel()])
    return products, np.append((summed_even + summed_odd).ravel(), of_ones)


def _mean_fourth_power(patch_size: int) -> float:
    """Mean over frequencies of |R|⁴ along an axis of two patches or more: Parseval, over lags."""
    lags = np.arange(1, patch_size)
    return float(patch_size**2 + 2 * np.sum((patch_size - lags) ** 2))
