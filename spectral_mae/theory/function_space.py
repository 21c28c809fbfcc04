"""Lemma 6 and appendix B: the loss of masked functions, and of functions sampled ever finer."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray, Sampling
from spectral_mae._files.columns import plain_fields, write_columns
from spectral_mae.masks.sampling import Seed
from spectral_mae.theory.jacobians import ImageMap
from spectral_mae.theory.sides import MaskedImages, Sides, loss


@dataclass(frozen=True, eq=False)
class LinearSides(Sides):
    """Both sides of Lemma 6, with the two terms that tell whether it holds.

    It has the attributes of `Sides`, and two more.

    Attributes
    ----------
    cross : float
        2 E⟨t − f(π₁x), f(π₁x) − f(x̃)⟩ over the masks that the definition is over (else the drawn
        ones): zero if E f(x̃) = f(π₁x), as for every linear f.
    spread : float
        E‖f(x̃) − f(π₁x)‖² over the same masks. Definition = bias + spread + cross for any f.
    """

    cross: float = 0.0
    spread: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Convert the result to plain numbers and lists, which JSON can hold.

        Returns
        -------
        dict
            The values by name.
        """
        return super().to_dict() | {"cross": self.cross, "spread": self.spread}


@dataclass(frozen=True, eq=False)
class FunctionSpaceLoss:
    """The expected loss of a masked function at several sampling densities.

    Attributes
    ----------
    samples : ndarray of int, shape (n,)
        Samples per unit length.
    loss : ndarray, shape (n,)
        Expected loss, an integral over the unit interval.
    bias, shared, local : ndarray, shape (n,)
        Its terms, as in `lemma_1`.
    limit : float
        The loss of the function itself, extrapolated from the two finest samplings. It assumes that
        errors fall with the square of the sampling step.
    order : float
        The power of the step with which the last three losses approach the limit: 2 where signal
        and kernel are smooth within patches. NaN where there are fewer than three, or where they
        differ by no more than rounding.

    Examples
    --------
    >>> from spectral_mae.theory import function_space_loss
    >>> found = function_space_loss(np.cos, lambda t, s: np.exp(-((t - s) ** 2)), 4, 0.5)
    >>> bool(np.allclose(found.loss, found.bias + found.shared + found.local)), len(found.samples)
    (True, 4)
    """

    samples: NDArray[np.integer[Any]]
    loss: FloatArray
    bias: FloatArray
    shared: FloatArray
    local: FloatArray
    limit: float
    order: float

    def to_dict(self) -> dict[str, Any]:
        """Convert the result to plain numbers and lists, which JSON can hold.

        Returns
        -------
        dict
            The attributes by name.
        """
        return plain_fields(self)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a table with one row for each number of samples.

        Parameters
        ----------
        path : str or os.PathLike
            The file to write.
        """
        names = ("samples", "loss", "bias", "shared", "local")
        write_columns(path, {name: getattr(self, name) for name in names})


def lemma_6(
    function: ImageMap,
    images: ArrayLike,
    patch_size: _checks.PerAxis,
    mask_ratio: float,
    *,
    target: ArrayLike | None = None,
    sampling: Sampling = "fixed",
    channel_axis: int | None = None,
    n_draws: int = 1000,
    rng: Seed = None,
) -> LinearSides:
    """Lemma 6: for a linear map the loss is the misfit of the mean output plus its spread.

        E‖t − f(x̃)‖² = ‖t − f(π₁x)‖² + (π₂−π₁²) ‖f(x)‖² + (π₁−π₂) Σ_b ‖f(x_b)‖²,

    with x_b the image in patch b alone: L + 1 evaluations of f replace the mean over all masks. f
    may have a constant term: the norms of the last two terms are then of f(x) − f(0). For any other
    f the split needs E f(x̃) = f(π₁x), which does not hold. The definition shows by how much, and
    ``cross`` is the term that the split leaves out.

    Parameters
    ----------
    function : callable
        The map f. Takes a batch like ``images`` and returns an array with at least one number for
        each image.
    images : array_like, shape (n, *shape[, channels])
        Finite real numbers; ``shape`` has one axis (signals) or two.
    patch_size : int or tuple of int
        Pixels of a patch along each axis; it must divide the shape.
    mask_ratio : float
        Fraction m of the patches that is hidden, 0 < m < 1.
    target : array_like or None
        What is predicted, t, in the shape of the output of ``function``; None takes the images.
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
    LinearSides
        ``terms`` are ``bias``, ``shared`` and ``local``.

    Raises
    ------
    ValueError
        As `lemma_1`, and if target and output differ in shape.

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((5, 8))
    >>> mean = images.mean(axis=1)
    >>> sides = lemma_6(lambda x: x.mean(axis=1), images, 2, 0.5, target=mean, rng=1)
    >>> sides.error < 1e-14, abs(sides.cross) < 1e-15
    (True, True)
    >>> lemma_6(np.tanh, images, 2, 0.5, rng=1).error > 0.01
    True
    """
    _checks.function("function", function)
    data = MaskedImages(
        images,
        patch_size,
        mask_ratio,
        sampling,
        channel_axis=channel_axis,
        n_draws=n_draws,
        rng=rng,
    )
    wanted = images if target is None else target
    truth = _checks.real_array("images" if target is None else "target", wanted).astype(np.float64)

    def apply(rows: FloatArray) -> FloatArray:
        output = _checks.real_array("the output of function", function(data.to_images(rows)))
        if output.ndim == 0 or output.shape != (len(rows), *truth.shape[1:]):
            raise ValueError(
                f"function returns shape {output.shape} for a target of shape {truth.shape}"
            )
        return output.astype(np.float64).reshape(len(rows), -1)

    if truth.ndim == 0 or len(truth) != len(data.rows):
        raise ValueError(f"target has shape {truth.shape} for {len(data.rows)} images")
    flat = truth.reshape(len(truth), -1)
    constant = apply(np.zeros((1, data.dim)))
    centre = apply(data.mix.mu * data.rows)
    spread = data.linear_terms(flat - constant, lambda rows: apply(rows) - constant)
    # The misfit by the function itself, linear or not.
    terms = {**spread, "bias": loss(flat, centre)}

    def parts(masked: FloatArray) -> FloatArray:
        output = apply(masked)
        cross = 2 * float(np.sum((flat - centre) * (centre - output))) / len(flat)
        return np.array([loss(flat, output), loss(centre, output), cross])

    definition, drawn, stderr = data.compare(parts)
    over = np.asarray(drawn if definition is None else definition)
    return LinearSides(
        "Lemma 6",
        sum(terms.values()),
        None if definition is None else float(over[0]),
        float(np.asarray(drawn)[0]),
        float(np.asarray(stderr)[0]),
        data.n_draws,
        loss(flat, np.zeros_like(flat)),
        terms,
        cross=float(over[2]),
        spread=float(over[1]),
    )


def function_space_loss(
    signal: Callable[[FloatArray], FloatArray],
    kernel: Callable[[FloatArray, FloatArray], FloatArray],
    n_patches: int,
    mask_ratio: float,
    *,
    samples: Sequence[int] = (64, 128, 256, 512),
    sampling: Sampling = "fixed",
) -> FunctionSpaceLoss:
    """The expected loss of appendix B: a function on the unit interval, masked and mapped.

        E ∫ (g(t) − ∫ w(t, s) r(s) g(s) ds)² dt,

    with r one or zero on each of ``n_patches`` equal intervals. It is found by the midpoint rule on
    ever more samples: a picture of more pixels, patches growing with it, has in the limit a loss
    per unit length that does not depend on the pixels.

    Parameters
    ----------
    signal : callable
        The function g, of an array of points in [0, 1).
    kernel : callable
        The kernel w(t, s), of two arrays that broadcast.
    n_patches : int
        L, the number of equal intervals, at least 2.
    mask_ratio : float
        Fraction m of the patches that is hidden, 0 < m < 1.
    samples : sequence of int
        Samples per unit length, at least two numbers, rising, each a multiple of ``n_patches``.
    sampling : {"fixed", "bernoulli"}
        Whether every mask keeps the same number of patches, or each patch is kept independently.

    Returns
    -------
    FunctionSpaceLoss
        The loss and its terms for each number of samples, and their limit.

    Raises
    ------
    ValueError
        If ``samples`` do not rise or are no multiples of ``n_patches``, or no such masks exist.

    Examples
    --------
    >>> def smooth(t, s):
    ...     return 4 * np.exp(-(((t - s) / 0.2) ** 2))
    >>> found = function_space_loss(lambda t: np.sin(2 * np.pi * t), smooth, 4, 0.5)
    >>> round(found.limit, 6), round(found.order, 2)
    (0.200135, 2.0)
    """
    _checks.function("signal", signal)
    _checks.function("kernel", kernel)
    counts = [_checks.positive_int("samples", n) for n in _checks.items("samples", samples)]
    if len(counts) < 2 or any(a >= b for a, b in itertools.pairwise(counts)):
        raise ValueError(f"samples={_checks.brief(samples)} are not at least two rising numbers")
    n_patches = _checks.positive_int("n_patches", n_patches)
    rows = []
    for n in counts:
        if n % n_patches:
            raise ValueError(f"samples={n} is not a multiple of {n_patches=}")
        points = (np.arange(n) + 0.5) / n
        values = _on_grid("signal", signal(points), points.shape)
        weights = _on_grid("kernel", kernel(points[:, np.newaxis], points), (n, n)) / n
        data = MaskedImages(values[np.newaxis], n // n_patches, mask_ratio, sampling)
        terms = data.linear_terms(data.rows, _times(weights.T))
        rows.append([terms[name] / n for name in ("bias", "shared", "local")])
    bias, shared, local = np.array(rows).T
    total = bias + shared + local
    ratio = (counts[-1] / counts[-2]) ** 2
    limit = float((ratio * total[-1] - total[-2]) / (ratio - 1))
    return FunctionSpaceLoss(
        np.array(counts), total, bias, shared, local, limit, _order(counts, total)
    )


def _on_grid(name: str, values: ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    """What a function gives on the sampling points, constants spread over them."""
    found = _checks.real_array(name, values).astype(np.float64)
    try:
        return np.broadcast_to(found, shape)
    except ValueError:
        raise ValueError(f"{name} returns shape {found.shape} for points of {shape}") from None


def _times(matrix: FloatArray) -> Callable[[FloatArray], FloatArray]:
    return lambda rows: rows @ matrix


def _order(counts: Sequence[int], total: FloatArray) -> float:
    """The q with which |change| falls as step^q, for samples that grow by one factor."""
    if len(counts) < 3:
        return float("nan")
    first, second = np.abs(np.diff(total[-3:]))
    growth = counts[-1] / counts[-2]
    rounding = 1e-13 * float(np.abs(total).max())
    if counts[-2] / counts[-3] != growth or min(first, second) <= rounding:
        return float("nan")
    return float(np.log(first / second) / np.log(growth))
