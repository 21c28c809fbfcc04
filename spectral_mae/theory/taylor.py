"""Lemmas 4 and 5: a nonlinear model under masks, linearised."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import FloatArray, Sampling
from spectral_mae._files.columns import plain_fields, write_columns
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.theory.jacobians import ImageMap, Jacobian, RowMap, jacobian_of
from spectral_mae.theory.sides import MaskedImages, Sides, loss


@dataclass(frozen=True, eq=False)
class GapCurve:
    """Expected loss of a nonlinear model and a lemma's approximation of it, by mask ratio.

    Attributes
    ----------
    name : str
        Name of the lemma.
    mask_ratio : ndarray, shape (n,)
        Fractions of patches hidden.
    expected : ndarray, shape (n,)
        Expected loss: over all masks where there are few enough, else over drawn masks.
    stderr : ndarray, shape (n,)
        Standard error of ``expected``; zero where all masks were used.
    formula : ndarray, shape (n,)
        The lemma's approximation of it.
    power : float
        Mean power of an image, Tr S: the loss of an output of zero.

    Examples
    --------
    >>> from spectral_mae.theory import gap_by_mask_ratio, lemma_5
    >>> images = np.random.default_rng(0).standard_normal((5, 8))
    >>> curve = gap_by_mask_ratio(lemma_5, lambda x: x, images, 2, (0.25, 0.5, 0.75), rng=0)
    >>> bool(np.allclose(curve.gap, 0))  # of a linear model the approximation is exact
    True
    """

    name: str
    mask_ratio: FloatArray
    expected: FloatArray
    stderr: FloatArray
    formula: FloatArray
    power: float

    @property
    def gap(self) -> FloatArray:
        """Expected loss minus approximation."""
        return self.expected - self.formula

    def to_dict(self) -> dict[str, Any]:
        """Convert the result to plain numbers and lists, which JSON can hold.

        Returns
        -------
        dict
            The attributes by name, and ``gap``.
        """
        return plain_fields(self) | {"gap": self.gap.tolist()}

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a table with one row for each mask ratio.

        Parameters
        ----------
        path : str or os.PathLike
            The file to write.
        """
        names = ("mask_ratio", "expected", "stderr", "formula", "gap")
        write_columns(path, {name: getattr(self, name) for name in names})


def lemma_4(
    function: ImageMap,
    images: ArrayLike,
    patch_size: _checks.PerAxis,
    mask_ratio: float,
    *,
    jacobian: Jacobian | None = None,
    sampling: Sampling = "fixed",
    channel_axis: int | None = None,
    n_draws: int = 1000,
    rng: Seed = None,
) -> Sides:
    """Lemma 4: the expected loss of a nonlinear model, linearised at the empty image.

    With f(x̃) ≈ f(0) + J x̃ and J the Jacobian at zero,

        E‖x − f(x̃)‖² ≈ ‖x − f(0) − π₁Jx‖² + (π₂−π₁²) ‖Jx‖² + (π₁−π₂) Tr(J Blkdiag_p(xxᵀ) Jᵀ),

    which is Lemma 1 for the map Jᵀ. It is exact for a linear function plus a constant.

    Parameters
    ----------
    function : callable
        Takes a batch like ``images`` and returns one like it.
    images : array_like, shape (n, *shape[, channels])
        Finite real numbers; ``shape`` has one axis (signals) or two.
    patch_size : int or tuple of int
        Pixels of a patch along each axis; it must divide the shape.
    mask_ratio : float
        Fraction m of the patches that is hidden, 0 < m < 1.
    jacobian : callable or None
        Takes one image and returns the Jacobian there, shape (dim, dim), outputs in rows. Both axes
        have the row-major order of a flattened image as it is given. None uses
        `complex_step_jacobian`.
    sampling : {"fixed", "bernoulli"}
        Whether every mask keeps the same number of patches, or each patch is kept independently.
    channel_axis : int or None
        Axis of the array that holds the channels; None where there is none.
    n_draws : int
        How many masks are drawn at random for the Monte Carlo estimate.
    rng : int, numpy.random.Generator or None
        Seed or generator of the drawn masks.

    Returns
    -------
    Sides
        Formula and mean loss over masks. ``terms`` are ``bias``, ``shared`` and ``local``; the
        difference is the error of the approximation.

    Raises
    ------
    ValueError
        As `lemma_1` and `complex_step_jacobian`, and if outputs have another shape than inputs.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images, weights = rng.standard_normal((5, 8)), rng.standard_normal((8, 8))
    >>> lemma_4(lambda x: 1 + x @ weights, images, 2, 0.5, rng=1).error < 1e-13
    True
    >>> 0.01 < lemma_4(np.sin, images, 2, 0.5, rng=1).error < 0.1
    True
    """
    data = MaskedImages(
        images,
        patch_size,
        mask_ratio,
        sampling,
        channel_axis=channel_axis,
        n_draws=n_draws,
        rng=rng,
    )
    given = RowMap(function, data)
    empty = np.zeros((1, data.dim))
    target = data.rows - given(empty)
    slope = given.jacobian(jacobian, empty[0])
    terms = data.linear_terms(target, lambda rows: rows @ slope.T)
    return _sides("Lemma 4", terms, data, given)


def lemma_5(
    function: ImageMap,
    images: ArrayLike,
    patch_size: _checks.PerAxis,
    mask_ratio: float,
    *,
    jacobian: Jacobian | None = None,
    sampling: Sampling = "fixed",
    channel_axis: int | None = None,
    n_draws: int = 1000,
    rng: Seed = None,
) -> Sides:
    """Lemma 5: the expected loss of a nonlinear model, linearised at the mean masked input.

    With f(x̃) ≈ f(π₁x) + J (x̃ − π₁x), J the Jacobian at π₁x, and F = JᵀJ the Fisher matrix of a
    model whose output has white Gaussian noise,

        E‖x − f(x̃)‖² ≈ ‖x − f(π₁x)‖² + (π₂−π₁²) xᵀFx + (π₁−π₂) Tr(F Blkdiag_p(xxᵀ)).

    The cross term 2 (x − f(π₁x))ᵀ J E(x̃ − π₁x) is zero. The curvature of f is left out: about −(x
    − f(π₁x))ᵀ H : Cov(x̃), with H its second derivatives. That is of the same order in Cov(x̃) as
    the terms that are kept. It vanishes where the model is linear or its misfit is small.

    Parameters
    ----------
    function : callable
        Takes a batch like ``images`` and returns one like it.
    images : array_like, shape (n, *shape[, channels])
        Finite real numbers; ``shape`` has one axis (signals) or two.
    patch_size : int or tuple of int
        Pixels of a patch along each axis; it must divide the shape.
    mask_ratio : float
        Fraction m of the patches that is hidden, 0 < m < 1.
    jacobian : callable or None
        As in `lemma_4`; the Jacobian is taken at π₁ times each image.
    sampling : {"fixed", "bernoulli"}
        Whether every mask keeps the same number of patches, or each patch is kept independently.
    channel_axis : int or None
        Axis of the array that holds the channels; None where there is none.
    n_draws : int
        How many masks are drawn at random for the Monte Carlo estimate.
    rng : int, numpy.random.Generator or None
        Seed or generator of the drawn masks.

    Returns
    -------
    Sides
        Formula and mean loss over masks. ``terms`` are ``bias``, ``shared`` and ``local``; the last
        is (π₁−π₂) times the mean `patch_local_trace`.

    Raises
    ------
    ValueError
        As `lemma_4`.

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((5, 8))
    >>> sides = lemma_5(np.tanh, images, 2, 0.5, sampling="bernoulli", rng=1)
    >>> 0.05 < sides.error < 0.2, sides.terms["shared"]
    (True, 0.0)
    """
    data = MaskedImages(
        images,
        patch_size,
        mask_ratio,
        sampling,
        channel_axis=channel_axis,
        n_draws=n_draws,
        rng=rng,
    )
    given = RowMap(function, data)
    mix, rows = data.mix, data.rows
    bias = loss(rows, given(mix.mu * rows))
    whole = local = 0.0
    for row in rows:
        slope = given.jacobian(jacobian, mix.mu * row)
        whole += float(np.sum((slope @ row) ** 2))
        for patch in range(data.grid.n_patches):
            local += float(np.sum((slope @ np.where(data.patch == patch, row, 0.0)) ** 2))
    terms = {
        "bias": bias,
        "shared": (mix.own - mix.mu**2) * whole / len(rows),
        "local": mix.local * local / len(rows),
    }
    return _sides("Lemma 5", terms, data, given)


def fisher_matrix(
    function: ImageMap, image: ArrayLike, *, jacobian: Jacobian | None = None
) -> FloatArray:
    """The Fisher matrix F = JᵀJ at an image, the squared change of the output with the input.

    It is the Fisher information about the input in an output with white Gaussian noise of variance
    1.

    Parameters
    ----------
    function : callable
        Takes a batch of images and returns an array with one entry for each.
    image : array_like, shape (*shape[, channels])
        Where the derivative is taken.
    jacobian : callable or None
        As in `lemma_4`.

    Returns
    -------
    ndarray, shape (dim, dim)
        F, symmetric and positive semidefinite.

    Raises
    ------
    ValueError
        As `complex_step_jacobian`.

    Examples
    --------
    >>> fisher_matrix(lambda x: 3 * x, np.zeros(2))
    array([[9., 0.],
           [0., 9.]])
    """
    x = _checks.real_array("image", image).astype(np.float64)
    slope = jacobian_of(function, jacobian, x)
    return np.asarray(slope.T @ slope)


def patch_local_trace(
    fisher: ArrayLike,
    image: ArrayLike,
    patch_size: _checks.PerAxis,
    *,
    channel_axis: int | None = None,
) -> float:
    """Tr(F Blkdiag_p(xxᵀ)) = Σ_b x_bᵀ F_bb x_b, the squared change by masked patches.

    F_bb is the block of F within patch b: the sum adds up the changes of single patches.

    Parameters
    ----------
    fisher : array_like, shape (dim, dim)
        F, in the order of the flattened image.
    image : array_like, shape (*shape[, channels])
        The image x.
    patch_size : int or tuple of int
        Pixels of a patch along each axis; it must divide the shape.
    channel_axis : int or None
        Axis of the array that holds the channels; None where there is none.

    Returns
    -------
    float
        The trace, not negative for a Fisher matrix.

    Raises
    ------
    ValueError
        If shapes do not fit.

    Examples
    --------
    >>> patch_local_trace(np.ones((4, 4)), [1.0, 2.0, 3.0, 4.0], 2)  # (1+2)² + (3+4)²
    58.0
    """
    x = _checks.real_array("image", image).astype(np.float64)
    matrix = _checks.squarable("fisher", _checks.real_array("fisher", fisher).astype(np.float64))
    _checks.squarable("image", x)
    if matrix.shape != (x.size, x.size):
        raise ValueError(f"fisher has shape {matrix.shape}; {(x.size, x.size)} is needed")
    places = np.arange(x.size).reshape(x.shape)
    several = "call this for each of them"
    order = _checks.image_of_patches("image", places, channel_axis, patch_size, several)
    grid = PatchGrid(order.shape[:-1], patch_size)
    flat = x.ravel()
    members = grid.to_patches(order, channel_axis=-1)
    return float(sum(flat[i] @ matrix[np.ix_(i, i)] @ flat[i] for i in members))


def gap_by_mask_ratio(
    lemma: Callable[..., Sides],
    function: ImageMap,
    images: ArrayLike,
    patch_size: _checks.PerAxis,
    mask_ratios: Sequence[float],
    *,
    rng: Seed = None,
    **options: Any,
) -> GapCurve:
    """The error of `lemma_4` or `lemma_5` at each of several mask ratios.

    Parameters
    ----------
    lemma : callable
        `lemma_4` or `lemma_5`.
    function : callable
        Takes a batch like ``images`` and returns one like it.
    images : array_like, shape (n, *shape[, channels])
        Finite real numbers; ``shape`` has one axis (signals) or two.
    patch_size : int or tuple of int
        Pixels of a patch along each axis; it must divide the shape.
    mask_ratios : sequence of float
        Fractions of patches hidden, each between 0 and 1.
    rng : int, numpy.random.Generator or None
        Seed or generator of the drawn masks.
    **options : Any
        Further arguments of the lemma.

    Returns
    -------
    GapCurve
        Expected loss and approximation at each ratio.

    Raises
    ------
    ValueError
        As the lemma, and if there is no mask ratio.

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((5, 8))
    >>> curve = gap_by_mask_ratio(lemma_5, np.tanh, images, 2, (0.25, 0.5, 0.75), rng=1)
    >>> curve.gap.shape, bool(np.all(curve.stderr == 0))
    ((3,), True)
    """
    _checks.function("lemma", lemma)
    mask_ratios = [
        _checks.open_unit("mask_ratio", ratio)
        for ratio in _checks.items("mask_ratios", mask_ratios)
    ]
    if not mask_ratios:
        raise ValueError("mask_ratios is empty")
    generator = generator_of(rng)
    sides = [
        lemma(function, images, patch_size, ratio, rng=generator, **options)
        for ratio in mask_ratios
    ]
    known = [
        (one.drawn, one.stderr) if one.definition is None else (one.definition, 0.0)
        for one in sides
    ]
    expected, stderr = np.array(known, dtype=np.float64).T
    return GapCurve(
        sides[0].name,
        np.array(mask_ratios, dtype=np.float64),
        expected,
        stderr,
        np.array([one.formula for one in sides], dtype=np.float64),
        sides[0].scale,
    )


def _sides(name: str, terms: dict[str, float], data: MaskedImages, given: RowMap) -> Sides:
    sides = data.compare(lambda masked: loss(data.rows, given(masked)))
    return Sides(name, sum(terms.values()), *sides, data.n_draws, data.power, terms)
