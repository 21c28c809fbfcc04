"""`MaskDesign`: a distribution over sets of kept patches, and its first and second moments.

The vocabulary is that of survey sampling. A design draws the indicators s ∈ {0, 1}ᴸ of the patches
that are kept, independently of the image. Spectra and linear models see of a design

- π₁, the probability that a patch is kept (`MaskDesign.inclusion`),
- Π = E[ssᵀ], the probabilities that two patches are both kept (`MaskDesign.matrix`),
- ρ(δ) = (1/L) Σ_a Π_{a,a+δ}, their mean over pairs at one cyclic offset
  (`MaskDesign.pair_inclusion`), with ρ(0) the mean of π₁,
- ρ̂, the DFT of ρ over offsets (`MaskDesign.spectrum`): L·ρ̂(q) is the mean power E|K(q)|² of the
  set of kept patches at the patch-grid frequency q.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.masks.patches import PatchGrid, expect_grid
from spectral_mae.masks.sampling import Seed, generator_of

LARGEST_MATRIX = 2**13  # patches: the matrix Π then takes half a gigabyte
MOST_PATTERNS = 2**20  # sets of kept patches that `enumerate` lists


@dataclass(frozen=True)
class MaskDesign(ABC):
    """A distribution over sets of kept patches, independent of the image.

    The functions of `spectral_mae.designs` make designs.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.

    Attributes
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    mask_ratio : float
        Mean fraction of patches that is hidden.
    inclusion : ndarray, shape ``grid.counts``
        π₁, the probability that a patch is kept, for each patch.
    pair_inclusion : ndarray, shape ``grid.counts``
        ρ, the probability that two patches at a cyclic offset are both kept, averaged over the
        pairs at that offset.
    spectrum : ndarray, shape ``grid.counts``
        ρ̂, the DFT of ρ in FFT order, which is real and not negative.

    Examples
    --------
    >>> from spectral_mae import PatchGrid, designs
    >>> design = designs.block(PatchGrid((32, 32), 8), 2)
    >>> isinstance(design, MaskDesign), design.mask_ratio, design.inclusion.shape
    (True, 0.25, (4, 4))
    >>> bool(np.isclose(design.pair_inclusion[0, 0], design.inclusion.mean()))
    True
    """

    grid: PatchGrid

    def __post_init__(self) -> None:
        expect_grid(self.grid)
        if self.grid.n_patches < 2:
            raise ValueError(f"n_patches=1: masking needs at least two patches, not {self.grid}")

    @property
    def n_patches(self) -> int:
        """Number of patches, L in the formulas."""
        return self.grid.n_patches

    @property
    def mask_ratio(self) -> float:
        """Mean fraction of patches that is hidden, m = 1 − mean of π₁."""
        return 1.0 - float(self.inclusion.mean())

    @property
    @abstractmethod
    def inclusion(self) -> FloatArray:
        """Probability π₁ that a patch is kept, for each patch; shape ``grid.counts``."""

    @property
    @abstractmethod
    def pair_inclusion(self) -> FloatArray:
        """Mean probability ρ that two patches at a cyclic offset are both kept, by offset."""

    @property
    def inclusion_stderr(self) -> FloatArray | None:
        """Standard error of each value of π₁; None where π₁ is exact."""
        return None

    @property
    def pair_inclusion_stderr(self) -> FloatArray | None:
        """Standard error of each value of ρ; None where ρ is exact."""
        return None

    @cached_property
    def spectrum(self) -> FloatArray:
        """DFT ρ̂ of ρ over offsets, in FFT order; E|K(q)|² = L·ρ̂(q)."""
        return np.fft.fftn(self.pair_inclusion).real

    @property
    def shift_invariant(self) -> bool:
        """Whether Π_{a,b} depends on the cyclic offset b − a alone, so that ρ says all of Π."""
        return False

    @property
    def uniform(self) -> tuple[float, float] | None:
        """Pair (π₁, π₂) where every two different patches are both kept with probability π₂.

        Everything is then a mix of two parts, and None for all other designs.
        """
        return None

    @property
    def uniform_given_hidden(self) -> tuple[float, float] | None:
        """Pair (π₁', π₂') of all other patches, over the sets that hide a given patch.

        None where it depends on which patches these are, or has no closed form.
        """
        return None

    def joint_inclusion(self, n: int) -> float | None:
        """Return the probability that ``n`` given patches are all kept, whichever they are.

        Parameters
        ----------
        n : int
            Number of different patches, 0 or more.

        Returns
        -------
        float or None
            None where it depends on which patches these are, or has no closed form.
        """
        return None

    def at_ratio(self, mask_ratio: float) -> Self:
        """Make the same design with another mask ratio.

        Parameters
        ----------
        mask_ratio : float
            Fraction of patches that is hidden, strictly between 0 and 1.

        Returns
        -------
        MaskDesign
            On the same grid.

        Raises
        ------
        ValueError
            If the mask ratio is no parameter of the design, or out of its range.
        """
        if "nominal_ratio" not in {field.name for field in fields(self)}:
            raise ValueError(f"{self} has no mask ratio that could be {mask_ratio=} instead")
        changed: dict[str, Any] = {"nominal_ratio": mask_ratio}
        return replace(self, **changed)

    def matrix(self) -> FloatArray:
        """Return Π, the probabilities that two patches are both kept.

        Returns
        -------
        ndarray, shape (L, L)
            Symmetric, with π₁ on its diagonal; patches in row-major order.

        Raises
        ------
        ValueError
            If there are too many patches for a matrix.
        """
        if self.n_patches > LARGEST_MATRIX:
            raise ValueError(
                f"the matrix of {self.n_patches} patches is too large; at most {LARGEST_MATRIX}"
            )
        return self._matrix()

    def _matrix(self) -> FloatArray:
        """Π of a shift-invariant design, entry (a, b) = ρ(b − a)."""
        index = np.indices(self.grid.counts).reshape(self.grid.ndim, -1)
        offset = tuple((axis[None, :] - axis[:, None]) % n for axis, n in self._axes(index))
        return self.pair_inclusion[offset]

    def _axes(self, index: NDArray[np.integer]) -> list[tuple[NDArray[np.integer], int]]:
        return list(zip(index, self.grid.counts, strict=True))

    def factor(self) -> FloatArray:
        """Return vectors v_r with Π = Σ_r v_r v_rᵀ.

        Returns
        -------
        ndarray, shape (n_factors, L)
            One vector a row.

        Raises
        ------
        ValueError
            As `matrix`.
        """
        values, vectors = np.linalg.eigh(self.matrix())
        real = values > np.finfo(float).eps * self.n_patches * values[-1]
        return (vectors[:, real] * np.sqrt(values[real])).T

    def sample(self, n: int, rng: Seed = None) -> BoolArray:
        """Draw masks of pixels.

        Parameters
        ----------
        n : int
            Number of masks.
        rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
            Equal seeds give equal masks.

        Returns
        -------
        ndarray of bool, shape (n, *grid.shape)
            True where a pixel is kept.
        """
        return self.grid.expand(self.sample_kept(n, rng))

    def sample_kept(self, n: int, rng: Seed = None) -> BoolArray:
        """Draw sets of kept patches.

        Parameters
        ----------
        n : int
            Number of sets.
        rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
            Equal seeds give equal sets.

        Returns
        -------
        ndarray of bool, shape (n, L)
            True where a patch is kept; patches in row-major order.
        """
        return self._draw(_checks.positive_int("n", n), generator_of(rng))

    @abstractmethod
    def _draw(self, n: int, generator: Generator) -> BoolArray:
        """Draw ``n`` sets of kept patches, shape (n, L)."""

    def enumerate(self) -> tuple[BoolArray, FloatArray]:
        """List every set of kept patches with its probability, for exact expectations.

        Returns
        -------
        patterns : ndarray of bool, shape (n, L)
            True where a patch is kept.
        weights : ndarray of float64, shape (n,)
            Probability of each set; they sum to 1.

        Raises
        ------
        ValueError
            If there are too many sets, or none can be listed.
        """
        raise ValueError(f"the sets of kept patches of {self} are not listed; sample draws them")

    def on(self, grid: PatchGrid) -> Self:
        """Make the same design on another grid.

        Parameters
        ----------
        grid : PatchGrid
            Patches that are kept or hidden.

        Returns
        -------
        MaskDesign
            With the same parameters.

        Raises
        ------
        ValueError
            If they do not fit this grid, or the design is of one grid alone.
        """
        return replace(self, grid=grid)

    @property
    @abstractmethod
    def text(self) -> str:
        """The design without its grid as `designs.parse` and ``--design`` read it."""

    def __repr__(self) -> str:
        patches = "×".join(map(str, self.grid.counts))
        return f"<design {self.text} on {patches} patches, mask_ratio={self.mask_ratio:.4g}>"


def at_most_patterns(n: int, design: MaskDesign) -> int:
    """Raise ``ValueError`` if a design has more sets of kept patches than may be listed.

    Parameters
    ----------
    n : int
        Number of sets.
    design : MaskDesign
        What they belong to.

    Returns
    -------
    int
        The same number.
    """
    if n > MOST_PATTERNS:
        raise ValueError(
            f"{design} has {n} sets of kept patches; at most {MOST_PATTERNS} are listed"
        )
    return n


def expect_both(kept: float, what: str) -> None:
    """Raise ``ValueError`` unless a design keeps some patches and hides some.

    Parameters
    ----------
    kept : float
        Mean of π₁.
    what : str
        What keeps them, for the message.
    """
    if not 0.0 < kept < 1.0:
        raise ValueError(f"{what} {'hide' if kept < 1.0 else 'keep'} all patches")


def mean_pairs(patterns: NDArray[np.generic], weights: FloatArray, grid: PatchGrid) -> FloatArray:
    """Return ρ of weighted sets of kept patches, through their cyclic autocorrelations.

    Parameters
    ----------
    patterns : ndarray of bool, shape (n, L)
        True where a patch is kept.
    weights : ndarray, shape (n,)
        Probability of each set.
    grid : PatchGrid
        The patches.

    Returns
    -------
    ndarray of float64, shape ``grid.counts``
        ρ by cyclic offset.
    """
    axes = tuple(range(1, grid.ndim + 1))
    chunk = max(1, 2**20 // grid.n_patches)
    power = np.zeros(grid.counts)
    for first in range(0, len(patterns), chunk):
        part = slice(first, first + chunk)
        images = patterns[part].reshape(-1, *grid.counts).astype(float)
        power += np.tensordot(weights[part], np.abs(np.fft.fftn(images, axes=axes)) ** 2, 1)
    return np.fft.ifftn(power).real / math.prod(grid.counts)
