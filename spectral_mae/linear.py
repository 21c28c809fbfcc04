"""The linear masked autoencoder, denoising autoencoder and autoencoder, fitted in closed form.

No training: each model takes second moments of images and returns the map of least expected loss
over all its corruptions. ``covariance="banded"`` finds the best map among those
that commute with cyclic shifts by whole patches, band by band, at sizes where a dense problem
does not fit any memory; ``"dense"`` finds the best of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from spectral_mae import _checks, solve
from spectral_mae._checks import FloatArray, Sampling
from spectral_mae.corruption import GaussianNoise, Mix, NoCorruption, PatchMasking
from spectral_mae.grid import PatchGrid
from spectral_mae.linear_model import Covariance, LinearModel
from spectral_mae.moments import Stack
from spectral_mae.solve import Solution

Target = Literal["all", "hidden"]


@dataclass(frozen=True, eq=False)
class MaskRatioSweep:
    """Loss of the full-rank model at many mask ratios.

    Attributes
    ----------
    mask_ratio, loss, explained : ndarray, shape (n,)
        ``explained`` is 1 − loss/trace.
    """

    mask_ratio: FloatArray
    loss: FloatArray
    explained: FloatArray


class LinearMAE(LinearModel):
    """The linear masked autoencoder of least expected loss over all masks.

    Parameters
    ----------
    patch_size : int or tuple of int
    mask_ratio : float
        Fraction of patches that is hidden, strictly between 0 and 1.
    rank : int or None
        Width of the bottleneck; None is none.
    sampling : {"fixed", "bernoulli"}
        Exactly ⌊L(1−m)⌋ patches kept, as MAE code does, or each by its own coin.
    target : {"all", "hidden"}
        Pixels that are scored: all of the image, or those of hidden patches, as MAE code does;
        that has no closed form with a bottleneck. (MAE's target normalised per patch is nonlinear
        in the image and has no linear form.)
    covariance : {"banded", "dense"}
        The best map that commutes with cyclic shifts by whole patches, or the best of all.
    center : bool
        Subtract the mean (per position in the patch if banded, per pixel if dense).

    Attributes
    ----------
    loss_, trace_ : float
    eigenvalues_ : ndarray or None
    mean_ : ndarray
    moments_ : BandMoments or DenseMoments
    solution_ : Solution
        What the solver found: weights, condition of Q, dimensions dropped, a split pair.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images = np.cumsum(np.cumsum(rng.standard_normal((100, 16, 16)), axis=1), axis=2)
    >>> model = LinearMAE(4, 0.75).fit(images[:80])
    >>> model.loss_ < model.trace_
    True
    >>> 0 < model.score(images[80:]) < 1 - model.loss_ / model.trace_  # training loss flatters
    True
    """

    def __init__(
        self,
        patch_size: _checks.PerAxis,
        mask_ratio: float,
        *,
        rank: int | None = None,
        sampling: Sampling = "fixed",
        target: Target = "all",
        covariance: Covariance = "banded",
        center: bool = True,
    ) -> None:
        _checks.choice("sampling", sampling, Sampling)
        _checks.choice("target", target, Target)
        _checks.choice("covariance", covariance, Covariance)
        if target == "hidden" and rank is not None:
            raise ValueError(f"{target=} with {rank=}: no closed form with a bottleneck")
        self.patch_size = patch_size
        self.mask_ratio = _checks.open_unit("mask_ratio", mask_ratio)
        self.rank = _rank(rank)
        self.sampling: Sampling = sampling
        self.target: Target = target
        self.covariance = covariance
        self.center = center

    def mask_ratio_sweep(self, ratios: Sequence[float]) -> MaskRatioSweep:
        """Loss of the full-rank model at other mask ratios, on the fitted moments.

        One factorisation serves them all: with T = Blkdiag_p(S) = GGᴴ and G⁻¹SG⁻ᴴ = UΛUᴴ the
        solutions share their modes, with gains π₁Λ/(π₂Λ + π₁−π₂).
        """
        self._fitted()
        masking = [PatchMasking(self.moments_.grid.n_patches, m, self.sampling) for m in ratios]
        stack = self.moments_.stack()
        loss = solve.sweep(stack, [one.mix for one in masking])
        with np.errstate(invalid="ignore"):
            explained = 1.0 - loss / stack.trace
        return MaskRatioSweep(np.array(ratios, dtype=float), loss, explained)

    @property
    def _has_eigenvalues(self) -> bool:
        return self.target == "all"

    def _corruption(self, grid: PatchGrid) -> PatchMasking:
        return PatchMasking(grid.n_patches, self.mask_ratio, self.sampling)

    def _scored_mix(self, grid: PatchGrid) -> Mix:
        masking = self._corruption(grid)
        return masking.mix if self.target == "all" else masking.mix_given_hidden

    def _solve(self, stack: Stack, grid: PatchGrid) -> Solution:
        masking = self._corruption(grid)
        if self.target == "hidden":
            return solve.hidden_target(stack, masking.mix_given_hidden, masking.mix.mu)
        return _solve_all(stack, masking.mix, self.rank)


class LinearDAE(LinearModel):
    """The linear denoising autoencoder: white noise instead of masks.

    Parameters
    ----------
    patch_size : int or tuple of int
        Of the bands; the dense model does not depend on it.
    sigma : float
        Standard deviation of the noise in pixel units.
    rank, covariance, center
        As in `LinearMAE`.

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((500, 4, 4))
    >>> round(LinearDAE(2, 1.0).fit(images).score(images), 1)  # noise as strong as the signal
    0.5
    """

    def __init__(
        self,
        patch_size: _checks.PerAxis,
        sigma: float,
        *,
        rank: int | None = None,
        covariance: Covariance = "banded",
        center: bool = True,
    ) -> None:
        _checks.choice("covariance", covariance, Covariance)
        self.patch_size = patch_size
        self.sigma = GaussianNoise(sigma).sigma
        self.rank = _rank(rank)
        self.covariance = covariance
        self.center = center

    def _corruption(self, grid: PatchGrid) -> GaussianNoise:
        return GaussianNoise(self.sigma)

    def _solve(self, stack: Stack, grid: PatchGrid) -> Solution:
        return _solve_all(stack, self._corruption(grid).mix, self.rank)


class LinearAE(LinearModel):
    """The linear autoencoder: principal components.

    Parameters
    ----------
    patch_size : int or tuple of int
    rank : int
    covariance, center
        As in `LinearMAE`.

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((500, 4, 4))
    >>> round(LinearAE(2, 16).fit(images).loss_, 9)
    0.0
    """

    def __init__(
        self,
        patch_size: _checks.PerAxis,
        rank: int,
        *,
        covariance: Covariance = "banded",
        center: bool = True,
    ) -> None:
        _checks.choice("covariance", covariance, Covariance)
        self.patch_size = patch_size
        self.rank = _checks.positive_int("rank", rank)
        self.covariance = covariance
        self.center = center

    def _corruption(self, grid: PatchGrid) -> NoCorruption:
        return NoCorruption()

    def _solve(self, stack: Stack, grid: PatchGrid) -> Solution:
        return _solve_all(stack, NoCorruption().mix, self.rank)


def _solve_all(stack: Stack, mix: Mix, rank: int | None) -> Solution:
    return solve.full_rank(stack, mix) if rank is None else solve.low_rank(stack, mix, rank)


def _rank(rank: int | None) -> int | None:
    return None if rank is None else _checks.positive_int("rank", rank)
