"""What a mask does to the expected power spectrum of a stationary image, and back.

Under a mask (or weights) w the expected power of a stationary image is a convolution,

    E|Y[k]|² = (1/D²) Σ_k' |M[k−k']|² E|X[k']|²,

a product lag by lag: the circular autocovariance c(r) times the fraction f(r) of pairs of pixels
at lag r that the mask sees.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import prod

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray, Sampling
from spectral_mae.masked_spectra.expectation import expected_mask_power
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.tapers import autocorrelation, mask_weights
from spectral_mae.spectra import frequencies as grids
from spectral_mae.spectra.rings import RingBins

MATRIX_LIMIT = 4096  # frequencies of a full coupling matrix
WORST_CONDITION = 1e8
MOST_RIDGE = 1e100  # its square is a number


@dataclass(frozen=True, eq=False, repr=False)
class ModeCoupling:
    """The coupling of frequencies by a mask.

    At full resolution it is a convolution over frequency, which is its own adjoint; over rings of
    frequency it is a matrix (`binned`).

    Attributes
    ----------
    pair_fraction : ndarray, shape (*shape)
        f(r), fraction of pairs at each circular lag that are seen, FFT order: the eigenvalues.

    Examples
    --------
    >>> visible = np.random.default_rng(0).random((8, 8)) < 0.8
    >>> coupling = mode_coupling(visible)
    >>> power = np.random.default_rng(1).random((8, 8))
    >>> power = power + np.roll(power[::-1, ::-1], (1, 1), (0, 1))  # of a real image
    >>> bool(np.allclose(coupling.decouple(coupling.couple(power)), power))
    True
    """

    pair_fraction: FloatArray

    @classmethod
    def random(
        cls,
        grid: PatchGrid | None = None,
        mask_ratio: float | None = None,
        *,
        sampling: Sampling = "fixed",
        design: MaskDesign | None = None,
    ) -> ModeCoupling:
        """Mean coupling over all random masks: of uniform ones a Fejér kernel and a constant.

        Parameters
        ----------
        grid : PatchGrid or None
            Patches that are kept or hidden; None with ``design=``.
        mask_ratio : float or None
            Fraction of patches that is hidden, strictly between 0 and 1; None with ``design=``.
        sampling : {"fixed", "bernoulli"}
            Keep exactly ⌊L(1−m)⌋ patches, or each one independently with probability 1−m.
        design : MaskDesign or None
            In place of the other arguments: any design of `spectral_mae.designs`.

        Returns
        -------
        ModeCoupling
            With E|M[k]|² of `expected_mask_power` in place of the |M[k]|² of one mask.

        Raises
        ------
        TypeError, ValueError
            As `expected_mask_power`.

        Examples
        --------
        >>> coupling = ModeCoupling.random(PatchGrid((8, 8), 2), 0.75)
        >>> round(float(coupling.pair_fraction[0, 0]), 9)
        0.25
        """
        power = expected_mask_power(grid, mask_ratio, sampling=sampling, design=design)
        return cls(_known(scipy.fft.ifftn(power).real / power.size))

    def __repr__(self) -> str:
        return f"ModeCoupling(shape={self.shape}, condition_number={self.condition_number:.4g})"

    @property
    def shape(self) -> tuple[int, ...]:
        """Pixels along each axis."""
        return self.pair_fraction.shape

    @property
    def condition_number(self) -> float:
        """Largest over smallest pair fraction; infinite where a lag is never seen."""
        smallest = float(self.pair_fraction.min())
        return float(self.pair_fraction.max()) / smallest if smallest > 0 else float("inf")

    def couple(self, power: ArrayLike) -> FloatArray:
        """Expected power, under the mask, of a stationary image of known power.

        Parameters
        ----------
        power : array_like, shape (*shape)
            E|X[k]|² on the whole grid, FFT order (`Spectrum.full`), the same at −k.

        Returns
        -------
        ndarray, shape (*shape)
            E|Y[k]|² of the masked image, in the same unit.
        """
        return self._through_lags(power, self.pair_fraction)

    def decouple(self, power: ArrayLike, *, min_fraction: float = 0.0) -> FloatArray:
        """Estimate the power of the image from that of the masked image: the inverse of `couple`.

        Parameters
        ----------
        power : array_like, shape (*shape)
            E|Y[k]|² on the whole grid, FFT order.
        min_fraction : float
            Lags with a pair fraction of at most this are set to zero, which smooths the power over
            frequency.

        Returns
        -------
        ndarray, shape (*shape)
            E|X[k]|², in the same unit. Single values of an estimate may be negative.

        Warns
        -----
        UserWarning
            If lags are set to zero.
        """
        min_fraction = _checks.real_number("min_fraction", min_fraction)
        unseen = self.pair_fraction <= max(min_fraction, 0.0)
        if unseen.any():
            warnings.warn(
                f"{int(unseen.sum())} of {unseen.size} lags are seen by no more than "
                f"{min_fraction:g} of their pairs, and left out: pool several masks, or use "
                "binned()",
                stacklevel=2,
            )
        inverse = np.divide(1.0, self.pair_fraction, out=np.zeros(self.shape), where=~unseen)
        return self._through_lags(power, inverse)

    def matrix(self) -> NDArray[np.float64]:
        """Coupling matrix K, with couple(S) = K S on the flattened grid.

        Returns
        -------
        ndarray of float64, shape (D, D)
            |M[k−k']|²/D², rows k, columns k'.

        Raises
        ------
        ValueError
            Above 4096 frequencies; use `binned` there.
        """
        size = prod(self.shape)
        if size > MATRIX_LIMIT:
            raise ValueError(
                f"{self.shape=} makes a matrix of {size} × {size}; the limit is {MATRIX_LIMIT}: "
                "use binned()"
            )
        kernel = scipy.fft.fftn(self.pair_fraction).real / size
        index = np.indices(self.shape).reshape(len(self.shape), -1)
        step = (index[:, :, np.newaxis] - index[:, np.newaxis]) % np.array(self.shape).reshape(
            -1, 1, 1
        )
        return kernel[tuple(step)]

    def binned(self) -> BinnedCoupling:
        """Coupling between rings of frequency, for spectra that are constant within a ring.

        The rings are those of `Spectrum.radial` by default, with zero frequency before them and the
        corners beyond the smallest Nyquist frequency after them, so that they hold all power.

        Returns
        -------
        BinnedCoupling
            The coupling as a matrix of the rings.
        """
        ones = (1.0,) * len(self.shape)
        rings = RingBins(self.shape, ones, covering_edges(self.shape))
        matrix = np.empty((len(rings.count), len(rings.count)))
        for ring, unit in enumerate(np.eye(len(rings.count))):
            half = grids.full_from_half(rings.spread(unit), self.shape)
            coupled = grids.half_from_full(self.couple(half))
            matrix[:, ring] = rings.average(coupled, scaling="density").power
        return BinnedCoupling(rings.frequency, rings.count, rings.edges, matrix)

    def _through_lags(self, power: ArrayLike, factors: FloatArray) -> FloatArray:
        array = _checks.real_array("power", power).astype(np.float64)
        if array.shape != self.shape:
            raise ValueError(
                f"power of shape {array.shape} is not on the whole grid, {self.shape}; "
                "Spectrum.full() is"
            )
        return scipy.fft.fftn(scipy.fft.ifftn(array) * factors).real


@dataclass(frozen=True, eq=False)
class BinnedCoupling:
    """Coupling between rings of frequency.

    Attributes
    ----------
    frequency : ndarray, shape (n_rings,)
        Mean frequency of each ring; the first is zero frequency alone.
    count : ndarray of int, shape (n_rings,)
        Frequencies of the whole grid in each ring.
    edges : ndarray, shape (n_rings, 2)
        Lower and upper edge of each ring, in cycles/pixel.
    matrix : ndarray, shape (n_rings, n_rings)
        Expected mean power in a ring (row) under the mask, of unit power in another (column).

    Examples
    --------
    >>> from spectral_mae import PatchGrid
    >>> rings = ModeCoupling.random(PatchGrid((16, 16), 4), 0.75).binned()
    >>> power = 1 / np.arange(1.0, len(rings.frequency) + 1)
    >>> bool(np.allclose(rings.decouple(rings.couple(power)), power))
    True
    >>> rings.couple(np.ones_like(power)).round(3)  # of white noise 1/4 of the power is left
    array([0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25,
           0.25, 0.25])
    """

    frequency: FloatArray
    count: NDArray[np.integer]
    edges: FloatArray
    matrix: FloatArray

    @property
    def condition_number(self) -> float:
        """Condition number of the matrix in the 2-norm."""
        return float(np.linalg.cond(self.matrix))

    def couple(self, power: ArrayLike) -> FloatArray:
        """Expected power of the rings under the mask.

        Parameters
        ----------
        power : array_like, shape (..., n_rings)
            Mean power of a stationary image in each ring.

        Returns
        -------
        ndarray, shape (..., n_rings)
            Expected mean power of the masked image in each ring.
        """
        return self._power(power) @ self.matrix.T

    def decouple(self, power: ArrayLike, *, ridge: float = 0.0) -> FloatArray:
        """Estimate the power of the image from that of the masked image, by least squares.

        Parameters
        ----------
        power : array_like, shape (..., n_rings)
            Mean power of the masked image in each ring.
        ridge : float
            Tikhonov parameter, relative to the largest singular value: smaller ones are damped.

        Returns
        -------
        ndarray, shape (..., n_rings)
            Mean power of the image in each ring.

        Warns
        -----
        UserWarning
            If the condition number is above 1e8 and ``ridge`` is 0.
        """
        rows = self._power(power)
        ridge = _checks.bounded_number("ridge", ridge, MOST_RIDGE)
        if ridge < 0:
            raise ValueError(f"{ridge=} is negative")
        if ridge == 0 and self.condition_number > WORST_CONDITION:
            warnings.warn(
                f"the coupling has a condition number of {self.condition_number:.2g}: try a ridge "
                "(1e-3, say), wider rings, or more masks",
                stacklevel=2,
            )
        u, values, vt = np.linalg.svd(self.matrix)
        damped = values / (values**2 + (ridge * values[0]) ** 2)
        return (rows @ u * damped) @ vt

    def _power(self, power: ArrayLike) -> FloatArray:
        rows = _checks.real_array("power", power).astype(np.float64)
        if rows.shape[-1:] != self.frequency.shape:
            raise ValueError(f"power of shape {rows.shape} is not (..., {len(self.frequency)})")
        return rows


def mode_coupling(visible: ArrayLike, *, ndim: int | None = None) -> ModeCoupling:
    """Coupling of frequencies by a mask: what it does to the expected spectrum, and the inverse.

    E|Y[k]|² = (1/D²) Σ_k' |M[k−k']|² E|X[k']|² for a stationary image X under the mask M.

    Parameters
    ----------
    visible : array_like, shape (*shape)
        Bool, or weights from 0 to 1.
    ndim : {1, 2, 3} or None
        Number of axes. None is 1 or 2, as the mask has. The mask of a volume needs ``ndim=3``:
        three axes may as well be several masks of images.

    Returns
    -------
    ModeCoupling
        At full resolution; its `ModeCoupling.binned` is between rings.

    Raises
    ------
    ValueError
        If no pixel is visible, or three axes come without ``ndim=3``.

    Examples
    --------
    >>> visible = np.arange(8) % 2 == 0  # every second pixel
    >>> wave = np.array([0.0, 1, 0, 0, 0, 0, 0, 1])
    >>> mode_coupling(visible).couple(wave)  # half of what is left is at 3/8 cycles/pixel
    array([0.  , 0.25, 0.  , 0.25, 0.  , 0.25, 0.  , 0.25])
    """
    array = _checks.plain_array("visible", visible)
    several = "call this for each mask"
    mask = _checks.one_image("visible", array, None, several, ndim=ndim, colours="")
    shape = mask.shape[:-1]
    weights = mask_weights(visible, shape)
    if not weights.any():
        raise ValueError(f"no pixel of shape={array.shape} is visible")
    power = np.abs(scipy.fft.rfftn(weights)) ** 2
    return ModeCoupling(_known(autocorrelation(power, weights.shape) / weights.size))


def covering_edges(shape: tuple[int, ...]) -> FloatArray:
    """Edges of the default rings, with one ring before them for zero, and more for the corners.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.

    Returns
    -------
    ndarray, shape (n_rings + 1,)
        In cycles/pixel, rising from 0 to the largest frequency of the grid or more.
    """
    ones = (1.0,) * len(shape)
    inner = RingBins(shape, ones, None).edges
    edges = [0.0, *inner[:, 0].tolist(), float(inner[-1, 1])]
    step = float(np.diff(inner[len(inner) // 2])[0])
    farthest = float(grids.radial_frequency(shape, ones).max())
    while edges[-1] < farthest * (1 - grids.CLOSE):
        edges.append(edges[-1] + step)
    return np.array(edges)


def _known(pair_fraction: FloatArray) -> FloatArray:
    """Pair fractions, zero where a lag is seen by no pair but for rounding."""
    return np.where(pair_fraction > 1e-12 * pair_fraction.max(), pair_fraction, 0.0)
