"""Both sides of a lemma: its formula, and the expectation over masks that it speaks of."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray, Sampling
from spectral_mae.linear.corruption import Mix, PatchMasking
from spectral_mae.masks.designs.short_form import design_on
from spectral_mae.masks.patches import PatchGrid, kept_patches
from spectral_mae.masks.sampling import Seed, enumerate_kept, generator_of, sample_kept
from spectral_mae.spectra.bins.binning import unit_near

MOST_MASKS = 4096  # all masks of twelve patches that each have a coin of their own

Value = float | FloatArray


@dataclass(frozen=True, eq=False)
class Sides:
    """Both sides of a lemma: its formula, and the mean over masks that the formula is about.

    Attributes
    ----------
    name : str
        Of the lemma or equation.
    formula : float or ndarray
        The lemma's closed form.
    definition : float, ndarray or None
        The mean over all masks; None where there are more than `MOST_MASKS`.
    drawn : float or ndarray
        The mean over masks that were drawn.
    stderr : float or ndarray
        Its standard error; NaN for a single mask.
    n_draws : int
        How many masks were drawn.
    scale : float
        What errors are relative to: the loss of an output of zero, or the norm of the largest
        term of a matrix.
    terms : dict
        The terms that the formula is the sum of, by name; empty where it has but one.

    Examples
    --------
    >>> from spectral_mae.theory import lemma_1
    >>> rng = np.random.default_rng(0)
    >>> images, weights = rng.standard_normal((5, 8)), rng.standard_normal((8, 8))
    >>> sides = lemma_1(images, weights, 2, 0.5, rng=1)
    >>> bool(np.isclose(sides.formula, sides.definition)), sides.sigmas < 3, sorted(sides.terms)
    (True, True, ['bias', 'local', 'shared'])
    """

    name: str
    formula: Value
    definition: Value | None
    drawn: Value
    stderr: Value
    n_draws: int
    scale: float
    terms: Mapping[str, float] = field(default_factory=dict)

    @property
    def difference(self) -> Value:
        """Definition minus formula; from the drawn masks where not all were enumerated."""
        known = self.drawn if self.definition is None else self.definition
        return known - self.formula

    @property
    def error(self) -> float:
        """Size of the difference, relative to `scale`; 0 where the lemma holds exactly."""
        return norm(np.asarray(self.difference)) / (self.scale or 1.0)

    @property
    def sigmas(self) -> float:
        """Distance of the drawn mean from the formula, in standard errors.

        For arrays it is the root mean square over the entries: about 1 where the lemma holds.
        Entries that do not vary are left out if they agree to rounding; if they do not, the result
        is infinite. Draw enough masks, so that they are not all alike. NaN for a single mask.
        """
        if self.n_draws == 1:
            return math.nan
        off = np.abs(np.asarray(self.drawn - self.formula))
        stderr = np.asarray(self.stderr)
        rounding = 1e-12 * (self.scale or 1.0)
        varies = stderr > rounding
        if np.any(off[~varies] > rounding):
            return math.inf
        if not varies.any():
            return 0.0
        return float(np.sqrt(np.mean((off[varies] / stderr[varies]) ** 2)))

    def __repr__(self) -> str:
        return f"Sides({self.name}: error={self.error:.2g}, sigmas={self.sigmas:.2g})"

    def to_dict(self) -> dict[str, Any]:
        """Convert the result to plain numbers and lists, which JSON can hold.

        Returns
        -------
        dict
            The attributes by name, and ``error`` and ``sigmas``.
        """
        values = {
            name: np.asarray(value).tolist() if value is not None else None
            for name, value in (
                ("formula", self.formula),
                ("definition", self.definition),
                ("drawn", self.drawn),
                ("stderr", self.stderr),
            )
        }
        return {
            "name": self.name,
            **values,
            "n_draws": self.n_draws,
            "scale": self.scale,
            "error": self.error,
            "sigmas": self.sigmas,
            "terms": dict(self.terms),
        }


class MaskedImages:
    """Images under random masks, as flat rows.

    Parameters
    ----------
    images : array_like, shape (n, *shape[, channels])
        Finite real numbers; ``shape`` has one axis (signals) or two.
    patch_size : int or tuple of int
        Pixels of a patch along each axis; it must divide the shape.
    mask_ratio : float
        m, the fraction of patches that is hidden, 0 < m < 1.
    sampling : {"fixed", "bernoulli"}
        Whether every mask keeps the same number of patches, or each patch is kept independently.
    channel_axis : int or None
        Axis of the array that holds the channels; None where there is none.
    n_draws : int
        How many masks are drawn at random for the Monte Carlo estimate.
    rng : int, numpy.random.Generator or None
        Seed or generator of the drawn masks.
    """

    def __init__(
        self,
        images: ArrayLike,
        patch_size: _checks.PerAxis,
        mask_ratio: float,
        sampling: Sampling,
        *,
        channel_axis: int | None = None,
        n_draws: int = 1,
        rng: Seed = None,
    ) -> None:
        pixels = _checks.real_array("images", images).astype(np.float64)
        _checks.squarable("images", pixels)
        channel_axis = _checks.axis_of_channels(channel_axis)
        ndim = pixels.ndim - 1 - (channel_axis is not None)
        if ndim not in _checks.AXES or 0 in pixels.shape:
            raise ValueError(
                f"images of shape {pixels.shape} with {channel_axis=} are not a batch of signals, "
                "images or volumes"
            )
        if channel_axis is not None and channel_axis in (0, -pixels.ndim):
            raise ValueError(f"{channel_axis=} is the axis of the images themselves")
        last = _checks.images_of_patches("images", pixels, channel_axis, patch_size)
        self.grid = PatchGrid(last.shape[1:-1], patch_size)
        self.channels = last.shape[-1]
        self.mask_ratio = mask_ratio
        self.sampling: Sampling = sampling
        design = design_on(self.grid, mask_ratio, sampling=sampling)
        self.mix: Mix = PatchMasking(design).mix
        self.n_draws = _checks.positive_int("n_draws", n_draws)
        self.rng = generator_of(rng)
        self.rows = np.array(last.reshape(len(last), -1), order="C")
        self.rows.flags.writeable = False  # functions of images that work in place would spoil them
        self._channel_axis = channel_axis

    @property
    def dim(self) -> int:
        """Numbers in an image."""
        return self.rows.shape[1]

    @cached_property
    def patch(self) -> NDArray[np.integer[Any]]:
        """The patch that each number of a row belongs to, shape (dim,)."""
        number = self.grid.expand(np.arange(self.grid.n_patches))
        return np.repeat(number.ravel(), self.channels)

    @cached_property
    def second_moment(self) -> FloatArray:
        """S = E[x xᵀ], shape (dim, dim)."""
        return self.rows.T @ self.rows / len(self.rows)

    @property
    def power(self) -> float:
        """Tr S, the loss of an output of zero."""
        return _power(self.rows)

    def local(self, matrix: FloatArray) -> FloatArray:
        """Blkdiag_p of a matrix: entries between different patches are set to zero.

        Parameters
        ----------
        matrix : ndarray, shape (dim, dim)
            Any matrix.

        Returns
        -------
        ndarray, shape (dim, dim)
            Its entries within patches.
        """
        return np.where(self.patch[:, np.newaxis] == self.patch, matrix, 0.0)

    def of_patch(self, patch: int) -> FloatArray:
        """The rows with all patches but one set to zero.

        Parameters
        ----------
        patch : int
            Number of the patch that stays.

        Returns
        -------
        ndarray, shape (n, dim)
            The rows.
        """
        return self.rows * (self.patch == patch)

    def to_images(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Turn rows into arrays with the axes of the given images.

        Parameters
        ----------
        rows : ndarray, shape (n, dim)
            Flat images, channels last.

        Returns
        -------
        ndarray, shape (n, *shape[, channels])
            The images; channels lie where ``channel_axis`` says.
        """
        images = rows.reshape(len(rows), *self.grid.shape, self.channels)
        if self._channel_axis is None:
            return images[..., 0]
        axis = self._channel_axis
        return np.moveaxis(images, -1, axis)

    def to_rows(self, images: NDArray[Any]) -> NDArray[Any]:
        """Turn images into rows, the inverse of `to_images`.

        Parameters
        ----------
        images : ndarray, shape (n, *shape[, channels])
            Images with the axes of the given ones.

        Returns
        -------
        ndarray, shape (n, dim)
            The rows.
        """
        if self._channel_axis is not None:
            images = np.moveaxis(images, self._channel_axis, -1)
        return np.ascontiguousarray(images.reshape(len(images), -1))

    def linear_terms(
        self, target: FloatArray, apply: Callable[[FloatArray], FloatArray]
    ) -> dict[str, float]:
        """The expected loss E‖target − A x̃‖² of a linear map A, in three terms.

            ‖target − π₁Ax‖² + (π₂−π₁²) ‖Ax‖² + (π₁−π₂) Σ_b ‖A x_b‖²,

        with x_b the image in patch b alone: the last sum is Tr(A Blkdiag_p(xxᵀ) Aᵀ).

        Parameters
        ----------
        target : ndarray, shape (n, m)
            What is predicted.
        apply : callable
            A: takes rows, shape (n, dim), and returns outputs, shape (n, m).

        Returns
        -------
        dict of str to float
            The terms ``bias``, ``shared`` and ``local``, per image.
        """
        mix = self.mix
        whole = apply(self.rows)
        local = sum(_power(apply(self.of_patch(b))) for b in range(self.grid.n_patches))
        return {
            "bias": _power(target - mix.mu * whole),
            "shared": (mix.own - mix.mu**2) * _power(whole),
            "local": mix.local * local,
        }

    def compare(self, value: Callable[[FloatArray], Value]) -> tuple[Value | None, Value, Value]:
        """Means of a value over masks.

        Parameters
        ----------
        value : callable
            Takes the masked rows under one mask, shape (n, dim), and returns a number or an array.

        Returns
        -------
        definition : float, ndarray or None
            Over all masks, each with its probability; None if there are too many.
        drawn, stderr : float or ndarray
            Over drawn masks, and the standard error of that.
        """
        return self._enumerated(value), *self._drawn(value)

    def masked(self, kept: BoolArray) -> FloatArray:
        """The rows with hidden patches set to zero.

        Parameters
        ----------
        kept : ndarray of bool, shape (n_patches,)
            True where a patch is visible.

        Returns
        -------
        ndarray, shape (n, dim)
            The masked rows.
        """
        return self.rows * kept[self.patch]

    def all_masks(self) -> list[tuple[BoolArray, float]] | None:
        """List every mask with its probability.

        Returns
        -------
        list of (ndarray of bool, float), or None
            Masks of shape (n_patches,); None if there are more than `MOST_MASKS`.
        """
        n = self.grid.n_patches
        if self.sampling == "fixed":
            number = math.comb(n, kept_patches(n, self.mask_ratio))
        else:
            number = 2**n
        if number > MOST_MASKS:
            return None
        return list(enumerate_kept(n, self.mask_ratio, sampling=self.sampling))

    def drawn_masks(self) -> BoolArray:
        """Draw random masks.

        Returns
        -------
        ndarray of bool, shape (n_draws, n_patches)
            True where a patch is visible.
        """
        n = self.grid.n_patches
        return sample_kept(n, self.mask_ratio, self.n_draws, sampling=self.sampling, rng=self.rng)

    def _enumerated(self, value: Callable[[FloatArray], Value]) -> Value | None:
        every = self.all_masks()
        if every is None:
            return None
        total: Value = 0.0
        for kept, probability in every:
            total = total + probability * value(self.masked(kept))
        return total

    def _drawn(self, value: Callable[[FloatArray], Value]) -> tuple[Value, Value]:
        mean: Value = 0.0
        squares: Value = 0.0
        unit = unit_near(self.power)  # of losses, whose squares could leave the range of numbers
        for n, kept in enumerate(self.drawn_masks(), start=1):
            one = value(self.masked(kept)) / unit
            step = one - mean  # Welford: the mean is not subtracted from sums of squares
            mean = mean + step / n
            squares = squares + step * (one - mean)
        if self.n_draws == 1:
            return unit * mean, squares + math.nan
        return unit * mean, unit * np.sqrt(squares / (self.n_draws - 1) / self.n_draws)


def decoder_rows(decoder: ArrayLike, dim: int) -> FloatArray:
    """Check a decoder and convert it to float64.

    Parameters
    ----------
    decoder : array_like, shape (k, dim)
        B.
    dim : int
        Numbers in an image.

    Returns
    -------
    ndarray, shape (k, dim)
        The decoder.

    Raises
    ------
    ValueError
        If it does not have from 1 to ``dim`` rows of ``dim`` numbers.
    """
    b = _checks.squarable("decoder", _checks.real_array("decoder", decoder).astype(np.float64))
    if b.ndim != 2 or b.shape[1] != dim or not 1 <= len(b) <= dim:
        raise ValueError(f"decoder has shape {b.shape}; (k, {dim}) is needed, with k at most {dim}")
    return b


def norm(values: FloatArray) -> float:
    """Root of the sum of squares, computed without overflow or underflow of the squares.

    Parameters
    ----------
    values : ndarray
        Real numbers, of any shape.

    Returns
    -------
    float
        The Euclidean norm of all of them.
    """
    unit = unit_near(float(np.abs(values).max(initial=0.0)))
    return unit * float(np.linalg.norm(values / unit))


def loss(target: FloatArray, output: FloatArray) -> float:
    """Squared error, summed over the numbers of an image and averaged over images.

    Parameters
    ----------
    target : ndarray, shape (n, dim)
        What is predicted.
    output : ndarray, shape (n, dim)
        The prediction.

    Returns
    -------
    float
        The loss per image.
    """
    return _power(target - output)


def _power(rows: FloatArray) -> float:
    return float(np.sum(rows**2)) / len(rows)
