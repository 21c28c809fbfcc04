"""The best linear interpolation that may look at the mask.

A linear MAE is one map for all masks. Who may use another map for every mask does best with the
conditional mean given the visible pixels,

    x̂_h = m_h + S_hv (S_vv + νI)⁻¹ (x_v − m_v),

under the same second moments: no linear MAE has a smaller expected error there. The equations
are solved by conjugate gradients that never form S_vv: a product with S goes through the bands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray, Visible
from spectral_mae._parallel import in_batches
from spectral_mae.linear.matrices.eigenvectors import eigenvectors
from spectral_mae.linear.matrices.inverse import EPS
from spectral_mae.linear.moments.accumulator import Accumulator
from spectral_mae.linear.moments.kinds import Moments, StationaryMoments
from spectral_mae.masks.sampling import Seed, generator_of


@dataclass(frozen=True, eq=False, repr=False)
class Interpolation:
    """Images whose hidden pixels were filled in.

    Attributes
    ----------
    images : ndarray, shape (n, *shape[, channels])
        Visible pixels as they were (smoothed, if there is noise), hidden ones interpolated.
    residual : ndarray, shape (n,)
        Relative residual ‖b − (S_vv + νI)a‖ / ‖b‖ of each image's equations at the end.
    n_iterations : int
        Steps of conjugate gradients that were taken.
    converged : bool
        Whether every residual is at most the tolerance.

    Examples
    --------
    >>> from spectral_mae import BandMoments, Interpolator, PatchGrid, PulseMask
    >>> images = np.random.default_rng(0).standard_normal((50, 8, 8)).cumsum(axis=1)
    >>> grid = PatchGrid((8, 8), 4)
    >>> visible = PulseMask.random(grid, 0.5, rng=0).visible
    >>> filled = Interpolator(BandMoments(grid).update(images)).fill(images[:2], visible)
    >>> filled.images.shape, filled.residual.shape, filled.converged
    ((2, 8, 8), (2,), True)
    """

    images: FloatArray
    residual: FloatArray
    n_iterations: int
    converged: bool

    def __repr__(self) -> str:
        worst = float(self.residual.max(initial=0.0))
        return (
            f"Interpolation({len(self.images)} images, residual at most {worst:.2g} after "
            f"{self.n_iterations} iterations, converged={self.converged})"
        )


class Interpolator:
    """Conditional means under given second moments.

    With S the second moment, m the mean, and v and h the visible and hidden pixels of an image, the
    hidden ones become x̂_h = m_h + S_hv (S_vv + νI)⁻¹ (x_v − m_v). No linear map of the
    visible pixels has a smaller expected error under these moments.

    Parameters
    ----------
    moments : BandMoments, DenseMoments or StationaryMoments
        Second moments of at least one image, as ``model.moments_`` of a fitted model.
    noise : float
        Variance ν of white noise on the visible pixels, 0 or more. Zero interpolates exactly; a
        little makes ill-conditioned equations quick to solve.
    shrinkage : float
        From 0 to 1: how far the second moment is pulled towards its average over all cyclic
        shifts of pixels, as in `LinearMAE`.
    tolerance : float
        Relative residual to reach, strictly between 0 and 1.
    max_iterations : int
        Most steps of conjugate gradients, positive.

    Raises
    ------
    TypeError
        If ``moments`` are none.
    ValueError
        If they have seen no images, or a number is out of its range.

    Examples
    --------
    >>> from spectral_mae import BandMoments, PatchGrid, PulseMask
    >>> rng = np.random.default_rng(0)
    >>> images = rng.standard_normal((100, 16, 16)).cumsum(axis=1).cumsum(axis=2)
    >>> grid = PatchGrid((16, 16), 4)
    >>> moments = BandMoments(grid).update(images[:90])
    >>> visible = PulseMask.random(grid, 0.5, rng=0).visible
    >>> filled = Interpolator(moments).fill(images[90:], visible)
    >>> filled.converged, bool((filled.images[:, visible] == images[90:, visible]).all())
    (True, True)
    """

    def __init__(
        self,
        moments: Moments,
        *,
        noise: float = 0.0,
        shrinkage: float = 0.0,
        tolerance: float = 1e-6,
        max_iterations: int = 500,
    ) -> None:
        _checks.needed("moments", moments, Accumulator, "a fitted model has them as .moments_")
        self.noise = _checks.non_negative_number("noise", noise)
        self.tolerance = _checks.open_unit("tolerance", tolerance)
        self.max_iterations = _checks.positive_int("max_iterations", max_iterations)
        self._moments = moments = moments.numpy()
        self._mean = moments.mean.copy()  # of the images that the second moment is of
        shrunk = _checks.closed_unit("shrinkage", shrinkage)
        self._stack = moments.stack().shrunk(shrunk, moments.transform, overwrite=True)
        if isinstance(moments, StationaryMoments):
            self._spectra = moments.by_frequency.stack().blocks

    def fill(
        self, images: ArrayLike, visible: Visible = None, *, channel_axis: int | None = None
    ) -> Interpolation:
        """Fill in the hidden pixels of images; what they hold there is not looked at.

        Parameters
        ----------
        images : array_like, shape (n, *shape), with the channels at ``channel_axis`` if given
            Images; hidden pixels may hold anything, NaN too. What a masked array masks is hidden.
        visible : array_like of bool, shape (*shape) or (n, *shape), "finite" or None
            True where a pixel is visible. Any mask, of patches or not. "finite" hides NaN and
            infinity, None hides nothing.
        channel_axis : int or None
            Axis of the channels in ``images``. None means a single channel, or the last axis if the
            moments have several.

        Returns
        -------
        Interpolation
            The images, channels last, and how well their equations were solved.

        Raises
        ------
        ValueError
            If the shapes do not fit, or an image has no visible pixel.
        """
        moments = self._moments
        patches, masks = moments.masked_patches(images, visible, channel_axis=channel_axis)
        if not masks.any(axis=(1, 2)).all():
            raise ValueError("a mask without a visible pixel leaves nothing to interpolate from")
        right = np.where(masks, patches - self._mean, 0.0)
        weights, n_iterations = self._solve(right, masks)
        seen_again = self._times(weights)
        gap = right - np.where(masks, seen_again + self.noise * weights, 0.0)
        size = _dot(right, right)
        residual = np.sqrt(_dot(gap, gap) / np.where(size > 0, size, 1.0))
        filled = self._mean + seen_again
        if self.noise == 0:
            filled = np.where(masks, patches, filled)
        channel_axis = None if moments.channels == 1 else -1
        return Interpolation(
            moments.grid.from_patches(filled, channel_axis=channel_axis),
            residual,
            n_iterations,
            bool((residual <= self.tolerance).all()),
        )

    def draw(self, n: int, rng: Seed = None) -> FloatArray:
        """Draw Gaussian images with these moments.

        Parameters
        ----------
        n : int
            Number of images, positive.
        rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
            Seed or generator.

        Returns
        -------
        ndarray of float64, shape (n, *shape[, channels])
            Independent images, channels last.
        """
        moments, generator = self._moments, generator_of(rng)
        n = _checks.positive_int("n", n)
        white = generator.standard_normal((n, moments.grid.n_patches, moments.patch_dim))
        blocks = moments.transform.forward(white)
        stack = self._stack.blocks

        def colour(rows: slice) -> None:
            values, vectors = eigenvectors(stack[rows].copy())
            size = np.sqrt(np.maximum(values, 0.0))[:, np.newaxis]
            blocks[rows] = (blocks[rows] @ vectors.conj() * size) @ vectors.swapaxes(1, 2)

        in_batches(colour, *stack.shape[:2])
        drawn = moments.transform.inverse(blocks)
        channel_axis = None if moments.channels == 1 else -1
        return moments.grid.from_patches(self._mean + drawn, channel_axis=channel_axis)

    def _times(self, patches: FloatArray) -> FloatArray:
        """S times images."""
        moments = self._moments
        if not isinstance(moments, StationaryMoments):
            return moments.transform.apply(self._stack.blocks, patches)
        # One C x C matrix for each frequency, instead of one d x d matrix for each band.
        grid, pixels = moments.grid, moments.by_frequency
        images = grid.from_patches(patches, channel_axis=-1)
        found = pixels.transform.apply(
            self._spectra, images.reshape(len(images), -1, moments.channels)
        )
        return grid.to_patches(found.reshape(images.shape), channel_axis=-1)

    def _solve(self, right: FloatArray, masks: NDArray[np.bool_]) -> tuple[FloatArray, int]:
        """Preconditioned conjugate gradients for all images at once, each with its own steps.

        The residual is carried along; rounding takes it from the true one, which `fill` reports.
        """
        if len(right) == 0:
            return right, 0
        size = np.sqrt(_dot(right, right))
        goal = np.where(size > 0, size, 1.0)
        precondition = _PatchInverse(self._local(), masks, self.noise)
        solution = np.zeros_like(right)
        residual = right.copy()
        direction = step = precondition.apply(residual)
        power = _dot(residual, step)
        best, error = solution.copy(), np.where(size > 0, 1.0, 0.0)
        for iteration in range(self.max_iterations):
            active = (error > self.tolerance) & (power > 0)
            if not active.any():
                return best, iteration
            product = np.where(masks, self._times(direction) + self.noise * direction, 0.0)
            curvature = _dot(direction, product)
            length = np.where(active & (curvature > 0), power, 0.0)
            length = _spread(np.divide(length, curvature, out=length, where=curvature > 0))
            solution += length * direction
            residual -= length * product
            now = np.sqrt(_dot(residual, residual)) / goal
            better = now < error
            best[better], error[better] = solution[better], now[better]
            step = precondition.apply(residual)
            before, power = power, _dot(residual, step)
            ratio = np.divide(power, before, out=np.zeros_like(power), where=before > 0)
            direction = step + _spread(ratio) * direction
        return best, self.max_iterations

    def _local(self) -> FloatArray:
        """Second moment of each patch, (n_patches or 1, d, d)."""
        local, d = self._stack.local, self._moments.patch_dim
        starts = range(0, len(local), d)
        return np.stack([local[i : i + d, i : i + d] for i in starts])


class _PatchInverse:
    """Block-Jacobi: the inverse of each patch's visible part, worked out once per kind of patch.

    What is ill-conditioned in photographs is mostly within patches.
    """

    def __init__(self, local: FloatArray, masks: NDArray[np.bool_], noise: float) -> None:
        n, n_patches, d = masks.shape
        self._shape = masks.shape
        kind = np.arange(n_patches) % len(local)
        keys = np.concatenate(
            [
                np.packbits(masks.reshape(n * n_patches, d), axis=1),
                np.tile(kind, n)[:, np.newaxis].view(np.uint8).reshape(n * n_patches, -1),
            ],
            axis=1,
        )
        _, first, member = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        order = np.argsort(member.ravel(), kind="stable")
        groups = np.split(order, np.cumsum(np.bincount(member.ravel()))[:-1])
        rows = masks.reshape(n * n_patches, d)
        scale = float(np.einsum("bii->bi", local).max(initial=0.0))
        self._groups = []
        for patch, members in zip(first, groups, strict=True):
            pixels = np.flatnonzero(rows[patch])
            if len(pixels):
                second = local[kind[patch % n_patches]][np.ix_(pixels, pixels)]
                # Only a preconditioner: a ridge at rounding level keeps the factor real.
                ridge = noise + 8 * d * EPS * scale + (scale == 0)
                factor = scipy.linalg.cho_factor(second + ridge * np.eye(len(pixels)))
                self._groups.append((np.ix_(members, pixels), factor))

    def apply(self, patches: FloatArray) -> FloatArray:
        """Solve in every patch."""
        rows = patches.reshape(-1, self._shape[-1])
        solved = np.zeros_like(rows)
        for place, factor in self._groups:
            solved[place] = scipy.linalg.cho_solve(factor, rows[place].T, check_finite=False).T
        return solved.reshape(self._shape)


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """Inner products of images, shape (n,)."""
    return np.einsum("nld,nld->n", a, b)


def _spread(values: FloatArray) -> FloatArray:
    return values[:, np.newaxis, np.newaxis]
