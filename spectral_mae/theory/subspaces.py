"""Lemmas 2 and 3: the subspaces at which a decoder can do no better nearby, and the best."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae._files.columns import plain_fields
from spectral_mae.linear.moments.accumulator import ROUNDING
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.theory.sides import decoder_rows

MOST_SUBSETS = 20_000


@dataclass(frozen=True, eq=False)
class CriticalPoints:
    """Formula of Lemma 2 and the values found, for every set of eigenvectors.

    Attributes
    ----------
    subset : ndarray of int, shape (n, rank)
        Which eigenvectors, in order of descending eigenvalue.
    formula : ndarray, shape (n,)
        Sum of their eigenvalues.
    definition : ndarray, shape (n,)
        `subspace_value` at a decoder whose rows are random mixtures of these eigenvectors.
    gradient : ndarray, shape (n,)
        Norm of `subspace_gradient` at that decoder with its rows made orthonormal, relative to the
        largest eigenvalue.
    n_climbs : ndarray of int, shape (n,)
        Number of pairs of an eigenvector in the set and one outside it that has a larger
        eigenvalue: directions in which the value rises. Zero at the maximum; all pairs at the
        minimum; a saddle point between the two.
    largest : float
        The largest eigenvalue in absolute value.
    smallest_gap : float
        Smallest difference of two eigenvalues, relative to ``largest``. Where it is zero there are
        more critical points than these: any vector in the plane of two equal eigenvalues is an
        eigenvector. NaN where there is only one eigenvalue.

    Examples
    --------
    >>> from spectral_mae.theory import lemma_2
    >>> found = lemma_2(np.diag([4.0, 2.0, 1.0]), 1, rng=0)
    >>> found.formula, found.n_climbs, found.smallest_gap
    (array([4., 2., 1.]), array([0, 1, 2]), 0.25)
    """

    subset: NDArray[np.integer[Any]]
    formula: FloatArray
    definition: FloatArray
    gradient: FloatArray
    n_climbs: NDArray[np.integer[Any]]
    largest: float
    smallest_gap: float

    name = "Lemma 2"

    @property
    def error(self) -> float:
        """The larger of two errors: the largest gradient, and the largest difference of both sides.

        Differences are relative to the rank times ``largest``.
        """
        scale = self.subset.shape[1] * self.largest or 1.0
        off = float(np.abs(self.definition - self.formula).max()) / scale
        return max(off, float(self.gradient.max()))

    def to_dict(self) -> dict[str, Any]:
        """Convert the result to plain numbers and lists, which JSON can hold.

        Returns
        -------
        dict
            The attributes by name, and ``error``.
        """
        return {"name": self.name, **plain_fields(self), "error": self.error}


@dataclass(frozen=True)
class Optimum:
    """Formula of Lemma 3 for the best subspace, and the best value that a search finds.

    Attributes
    ----------
    formula : float
        Sum of the largest eigenvalues.
    definition : float
        The largest value that gradient ascent reaches from random decoders.
    largest_drawn : float
        The largest value among the random decoders themselves.
    n_draws : int
        How many random decoders the search starts from.
    largest : float
        The largest eigenvalue in absolute value.
    gap : float
        Difference of the last eigenvalue inside and the first outside, relative to ``largest``.
        Where it is zero, more than one subspace reaches the best value. NaN where no eigenvalue is
        outside.
    """

    formula: float
    definition: float
    largest_drawn: float
    n_draws: int
    largest: float
    gap: float

    name = "Lemma 3"

    @property
    def difference(self) -> float:
        """Definition minus formula."""
        return self.definition - self.formula

    @property
    def error(self) -> float:
        """Size of the difference over ``largest``."""
        return abs(self.difference) / (self.largest or 1.0)

    def to_dict(self) -> dict[str, Any]:
        """Convert the result to plain numbers, which JSON can hold.

        Returns
        -------
        dict
            The attributes by name, and ``error``.
        """
        return {"name": self.name, **plain_fields(self), "error": self.error}


def subspace_value(decoder: ArrayLike, matrix: ArrayLike) -> float:
    """Power that a decoder explains with its best encoder, f(B) = Tr[(B Bᵀ)⁻¹ B C Bᵀ].

    It depends only on the space that the rows of B span.

    Parameters
    ----------
    decoder : array_like, shape (k, dim)
        B, of full row rank.
    matrix : array_like, shape (dim, dim)
        C, symmetric: for masking `explained_matrix`.

    Returns
    -------
    float
        The value f(B), in the units of C.

    Raises
    ------
    ValueError
        If the matrix is not symmetric, or the rows of the decoder are linearly dependent.

    Examples
    --------
    >>> subspace_value([[2.0, 0.0, 0.0]], np.diag([3.0, 2.0, 1.0]))
    3.0
    """
    c = _symmetric(matrix)
    return _value(_rows(decoder, len(c)), c)


def subspace_gradient(decoder: ArrayLike, matrix: ArrayLike) -> FloatArray:
    """The gradient of `subspace_value`, ∂f/∂B = 2 (B Bᵀ)⁻¹ B C (I − Bᵀ(B Bᵀ)⁻¹B).

    It is zero if and only if C maps the row space of B into itself.

    Parameters
    ----------
    decoder : array_like, shape (k, dim)
        B, of full row rank.
    matrix : array_like, shape (dim, dim)
        C, symmetric.

    Returns
    -------
    ndarray, shape (k, dim)
        The gradient.

    Raises
    ------
    ValueError
        As `subspace_value`.

    Examples
    --------
    >>> np.linalg.norm(subspace_gradient([[0.0, 1.0, 0.0]], np.diag([3.0, 2.0, 1.0])))
    np.float64(0.0)
    """
    c = _symmetric(matrix)
    return _gradient(_rows(decoder, len(c)), c)


def lemma_2(matrix: ArrayLike, rank: int, *, rng: Seed = None) -> CriticalPoints:
    """Lemma 2: decoders that span eigenvectors of C are critical points of `subspace_value`.

    At B = M U_Iᵀ, for any set I of eigenvectors and any invertible M, the gradient vanishes and
    f(B) = Σ_{i∈I} λ_i. Every set is tried. With distinct eigenvalues there are no other critical
    points; else see `CriticalPoints.smallest_gap`.

    Parameters
    ----------
    matrix : array_like, shape (dim, dim)
        C, symmetric.
    rank : int
        Number k of eigenvectors, from 1 to dim.
    rng : int, numpy.random.Generator or None
        Seed or generator of the mixing matrices M.

    Returns
    -------
    CriticalPoints
        Both sides for every set of eigenvectors.

    Raises
    ------
    ValueError
        If the matrix is not symmetric, or there are more than 20,000 sets.

    Examples
    --------
    >>> found = lemma_2(np.diag([4.0, 2.0, 1.0]), 2, rng=0)
    >>> found.subset.tolist(), found.formula.tolist(), found.n_climbs.tolist()
    ([[0, 1], [0, 2], [1, 2]], [6.0, 5.0, 3.0], [0, 1, 2])
    >>> found.error < 1e-14
    True
    """
    c = _symmetric(matrix)
    rank = _rank(rank, len(c))
    n = math.comb(len(c), rank)
    if n > MOST_SUBSETS:
        raise ValueError(
            f"there are {n} sets of {rank} out of {len(c)} eigenvectors; the limit is "
            f"{MOST_SUBSETS}"
        )
    values, vectors = _descending(c)
    generator = generator_of(rng)
    subset = np.array(list(itertools.combinations(range(len(c)), rank)))
    largest = float(np.abs(values).max())
    found, gradient = np.empty(n), np.empty(n)
    for i, inside in enumerate(subset):
        mixing = _well_conditioned(rank, generator)
        found[i] = _value(mixing @ vectors[:, inside].T, c)
        turned = np.linalg.qr(mixing)[0] @ vectors[:, inside].T
        gradient[i] = np.linalg.norm(_gradient(turned, c)) / (largest or 1.0)
    larger = values > values[subset][..., np.newaxis] + ROUNDING * largest
    outside = np.ones((n, len(c)), dtype=bool)
    np.put_along_axis(outside, subset, values=False, axis=1)
    climbs = np.count_nonzero(larger & outside[:, np.newaxis], axis=(1, 2))
    gap = float(np.min(-np.diff(values))) / (largest or 1.0) if len(c) > 1 else math.nan
    formula = values[subset].sum(axis=1)
    return CriticalPoints(subset, formula, found, gradient, climbs, largest, gap)


def lemma_3(matrix: ArrayLike, rank: int, *, starts: int = 5, rng: Seed = None) -> Optimum:
    """Lemma 3: the largest value of `subspace_value` is that of the top eigenvectors.

        max over B of f(B) = Σ_{i≤k} λ_i.

    It is compared with what gradient ascent (L-BFGS on B itself) reaches from random starts. A
    maximum of f is a minimum of the loss.

    Parameters
    ----------
    matrix : array_like, shape (dim, dim)
        C, symmetric.
    rank : int
        Number k of eigenvectors, from 1 to dim.
    starts : int
        Number of random decoders to start from.
    rng : int, numpy.random.Generator or None
        Seed or generator of the random starts.

    Returns
    -------
    Optimum
        The formula and the best value found.

    Raises
    ------
    ValueError
        If the matrix is not symmetric.

    Examples
    --------
    >>> found = lemma_3(np.diag([4.0, 2.0, 1.0, 0.0]), 2, rng=0)
    >>> found.formula, found.error < 1e-9, found.largest_drawn < 6
    (6.0, True, True)
    """
    c = _symmetric(matrix)
    rank = _rank(rank, len(c))
    starts = _checks.positive_int("starts", starts)
    values, _ = _descending(c)
    largest = float(np.abs(values).max())
    scaled = c / (largest or 1.0)
    generator = generator_of(rng)

    def descend(flat: FloatArray) -> tuple[float, FloatArray]:
        b = flat.reshape(rank, -1)
        return -_value(b, scaled), -_gradient(b, scaled).ravel()

    from scipy.optimize import minimize  # it takes long to load, and pictures load this module

    drawn, reached = [], []
    for _ in range(starts):
        start = np.linalg.qr(generator.standard_normal((len(c), rank)))[0].T
        drawn.append(_value(start, c))
        result = minimize(
            descend,
            start.ravel(),
            jac=True,
            method="L-BFGS-B",
            options={"ftol": 0.0, "gtol": 1e-9, "maxiter": 20_000, "maxfun": 50_000},
        )
        reached.append(-largest * float(result.fun))
    inside, outside = values[:rank], values[rank:]
    gap = float(inside[-1] - outside[0]) / (largest or 1.0) if outside.size else math.nan
    return Optimum(float(inside.sum()), max(reached), max(drawn), starts, largest, gap)


def _value(b: FloatArray, c: FloatArray) -> float:
    return float(np.trace(np.linalg.solve(b @ b.T, b @ c @ b.T)))


def _gradient(b: FloatArray, c: FloatArray) -> FloatArray:
    inverse = np.linalg.inv(b @ b.T)
    reduced = inverse @ b @ c
    return np.asarray(2 * (reduced - reduced @ b.T @ inverse @ b))


def _descending(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    values, vectors = np.linalg.eigh(matrix)
    return values[::-1], vectors[:, ::-1]


def _well_conditioned(rank: int, generator: np.random.Generator) -> FloatArray:
    """A random invertible matrix, with singular values from a half to two."""
    left, right = (np.linalg.qr(generator.standard_normal((rank, rank)))[0] for _ in range(2))
    return np.asarray(left * np.exp2(generator.uniform(-1, 1, rank)) @ right)


def _symmetric(matrix: ArrayLike) -> FloatArray:
    c = _checks.squarable("matrix", _checks.real_array("matrix", matrix).astype(np.float64))
    if c.ndim != 2 or c.shape[0] != c.shape[1] or c.size == 0:
        raise ValueError(f"matrix has shape {c.shape}; a square one is needed")
    off = float(np.abs(c - c.T).max())
    if off > ROUNDING * float(np.abs(c).max()):
        raise ValueError(f"matrix is not symmetric: entries differ by up to {off:.3g}")
    return np.asarray((c + c.T) / 2)


def _rows(decoder: ArrayLike, dim: int) -> FloatArray:
    b = decoder_rows(decoder, dim)
    rank = int(np.linalg.matrix_rank(b))
    if rank < len(b):
        raise ValueError(f"the {len(b)} rows of decoder span only {rank} dimensions")
    return b


def _rank(rank: int, dim: int) -> int:
    rank = _checks.positive_int("rank", rank)
    if rank > dim:
        raise ValueError(f"{rank=} is not between 1 and {dim}")
    return rank
