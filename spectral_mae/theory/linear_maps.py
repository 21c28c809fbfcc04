"""Lemma 1, Eqs. 13 and 14 and Theorem 1: linear maps of masked images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import FloatArray, Sampling
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.linear.matrices.inverse import Inverse
from spectral_mae.masks.sampling import Seed
from spectral_mae.theory.sides import MaskedImages, Sides, decoder_rows, loss, norm


def lemma_1(
    images: ArrayLike,
    weights: ArrayLike,
    patch_size: _checks.PerAxis,
    mask_ratio: float,
    *,
    sampling: Sampling = "fixed",
    channel_axis: int | None = None,
    n_draws: int = 1000,
    rng: Seed = None,
) -> Sides:
    """Lemma 1: the expected loss of a linear map over all masks.

    For both kinds of sampling

        E‖x − x̃W‖² = ‖x − π₁xW‖² + (π₂−π₁²) ‖xW‖² + (π₁−π₂) Tr(Wᵀ Blkdiag_p(xxᵀ) W).

    The paper states it for Bernoulli masks. There π₂ = π₁², so the middle term is zero, and π₁−π₂ =
    m(1−m): masking acts as a ridge penalty whose metric is the covariance within patches.

    Parameters
    ----------
    images : array_like, shape (n, *shape[, channels])
        Finite real numbers; ``shape`` has one axis (signals) or two.
    weights : array_like, shape (dim, dim)
        W, such as `LinearMAE.weight_matrix` returns.
    patch_size : int or tuple of int
        Pixels of a patch along each axis; it must divide the shape.
    mask_ratio : float
        Fraction m of the patches that is hidden, 0 < m < 1.
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
        Formula and mean over masks. ``terms`` are ``bias``, ``shared`` and ``local``.

    Raises
    ------
    ValueError
        If the weights are not finite or have another shape, or the patch size does not divide the
        shape.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images, weights = rng.standard_normal((5, 12)), rng.standard_normal((12, 12))
    >>> sides = lemma_1(images, weights, 2, 0.5, rng=1)
    >>> sides.error < 1e-14, sides.sigmas < 3
    (True, True)
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
    matrix = _matrix("weights", weights, (data.dim, data.dim))
    terms = data.linear_terms(data.rows, lambda rows: rows @ matrix)
    sides = data.compare(lambda masked: loss(data.rows, masked @ matrix))
    return Sides("Lemma 1", sum(terms.values()), *sides, data.n_draws, data.power, terms)


def equation_13(
    images: ArrayLike,
    encoder: ArrayLike,
    decoder: ArrayLike,
    patch_size: _checks.PerAxis,
    mask_ratio: float,
    *,
    sampling: Sampling = "fixed",
    channel_axis: int | None = None,
    n_draws: int = 1000,
    rng: Seed = None,
) -> Sides:
    """Eq. 13: the gradient of the expected loss with respect to the encoder.

        ∂/∂A E‖x − x̃AB‖² = −2 π₁ S Bᵀ + 2 Q A B Bᵀ,   Q = π₂ S + (π₁−π₂) Blkdiag_p(S).

    It is compared with the mean over masks of the gradient under each, −2 x̃ᵀ(x − x̃AB)Bᵀ.

    Parameters
    ----------
    images : array_like, shape (n, *shape[, channels])
        Finite real numbers; ``shape`` has one axis (signals) or two.
    encoder : array_like, shape (dim, k)
        A.
    decoder : array_like, shape (k, dim)
        B.
    patch_size : int or tuple of int
        Pixels of a patch along each axis; it must divide the shape.
    mask_ratio : float
        Fraction m of the patches that is hidden, 0 < m < 1.
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
        Formula and mean over masks, matrices of shape (dim, k).

    Raises
    ------
    ValueError
        As `lemma_1`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images, a, b = (rng.standard_normal(s) for s in ((5, 12), (12, 3), (3, 12)))
    >>> equation_13(images, a, b, 2, 0.5, sampling="bernoulli", rng=1).error < 1e-14
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
    b = decoder_rows(decoder, data.dim)
    a = _matrix("encoder", encoder, (data.dim, len(b)))
    second = _masked_second_moment(data)
    cross = 2 * data.mix.mu * data.second_moment @ b.T
    square = 2 * second @ a @ b @ b.T
    sides = data.compare(_gradient(data.rows, a, b))
    scale = max(norm(cross), norm(square))
    return Sides("Eq. 13", square - cross, *sides, data.n_draws, scale)


def equation_14(
    images: ArrayLike,
    decoder: ArrayLike,
    patch_size: _checks.PerAxis,
    mask_ratio: float,
    *,
    sampling: Sampling = "fixed",
    channel_axis: int | None = None,
    n_draws: int = 1000,
    rng: Seed = None,
) -> tuple[FloatArray, Sides]:
    """Eq. 14: the best encoder of a given decoder.

        A = π₁ Q⁺ S Bᵀ (B Bᵀ)⁻¹,   Q = π₂ S + (π₁−π₂) Blkdiag_p(S).

    For Bernoulli masks Q = (1−m)V, so A = V⁺ S Bᵀ (B Bᵀ)⁻¹. The gradient of the expected loss
    vanishes there, and the loss is convex in A. So the two sides are the mean of the gradients over
    masks, and zero.

    Parameters
    ----------
    images : array_like, shape (n, *shape[, channels])
        Finite real numbers; ``shape`` has one axis (signals) or two.
    decoder : array_like, shape (k, dim)
        B, of full row rank.
    patch_size : int or tuple of int
        Pixels of a patch along each axis; it must divide the shape.
    mask_ratio : float
        Fraction m of the patches that is hidden, 0 < m < 1.
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
    encoder : ndarray, shape (dim, k)
        A; the one of least norm where the images do not determine it.
    sides : Sides
        Zero and the mean gradient over masks, matrices of shape (dim, k).

    Raises
    ------
    ValueError
        As `lemma_1`, and if the rows of the decoder are linearly dependent.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images, b = rng.standard_normal((5, 12)), rng.standard_normal((3, 12))
    >>> encoder, sides = equation_14(images, b, 2, 0.5, rng=1)
    >>> encoder.shape, sides.error < 1e-13
    ((12, 3), True)
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
    b = decoder_rows(decoder, data.dim)
    rank = int(np.linalg.matrix_rank(b))
    if rank < len(b):
        raise ValueError(f"the {len(b)} rows of decoder span only {rank} dimensions")
    cross = data.mix.mu * data.second_moment @ b.T
    encoder = _inverse_times(_masked_second_moment(data), cross) @ np.linalg.inv(b @ b.T)
    sides = data.compare(_gradient(data.rows, encoder, b))
    scale = 2 * norm(cross)
    return encoder, Sides("Eq. 14", np.zeros_like(encoder), *sides, data.n_draws, scale)


def explained_matrix(
    images: ArrayLike,
    patch_size: _checks.PerAxis,
    mask_ratio: float,
    *,
    sampling: Sampling = "fixed",
    channel_axis: int | None = None,
) -> FloatArray:
    """C = π₁² S Q⁺ S, whose eigenvalues are the power that each direction of a bottleneck explains.

    It is the matrix D of Lemmas 2 and 3. With the best encoder, a decoder B leaves the loss Tr S −
    Tr[(B Bᵀ)⁻¹ B C Bᵀ].

    Parameters
    ----------
    images : array_like, shape (n, *shape[, channels])
        Finite real numbers; ``shape`` has one axis (signals) or two.
    patch_size : int or tuple of int
        Pixels of a patch along each axis; it must divide the shape.
    mask_ratio : float
        Fraction m of the patches that is hidden, 0 < m < 1.
    sampling : {"fixed", "bernoulli"}
        Whether every mask keeps the same number of patches, or each patch is kept independently.
    channel_axis : int or None
        Axis of the array that holds the channels; None where there is none.

    Returns
    -------
    ndarray, shape (dim, dim)
        C, symmetric and positive semidefinite.

    Raises
    ------
    ValueError
        If the patch size does not divide the shape, or no such masks exist.

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((50, 8))
    >>> matrix = explained_matrix(images, 2, 0.5)
    >>> bool(0 < np.trace(matrix) < np.mean(np.sum(images**2, axis=1)))
    True
    """
    data = MaskedImages(images, patch_size, mask_ratio, sampling, channel_axis=channel_axis)
    return _explained(data)


def theorem_1(
    images: ArrayLike,
    patch_size: _checks.PerAxis,
    mask_ratio: float,
    rank: int,
    *,
    sampling: Sampling = "fixed",
    channel_axis: int | None = None,
    n_draws: int = 1000,
    rng: Seed = None,
) -> Sides:
    """Theorem 1: the loss of the best map through a bottleneck.

        min over W of rank k of E‖x − x̃W‖² = Tr S − Σ_{i≤k} λ_i(C),   C = π₁² S Q⁺ S.

    The definition is the mean loss over masks of the map that `LinearMAE` finds (dense, without
    centring). The formula uses only the eigenvalues of C. That no other map has a smaller loss is
    Lemma 3.

    Parameters
    ----------
    images : array_like, shape (n, *shape[, channels])
        Finite real numbers; ``shape`` has one axis (signals) or two.
    patch_size : int or tuple of int
        Pixels of a patch along each axis; it must divide the shape.
    mask_ratio : float
        Fraction m of the patches that is hidden, 0 < m < 1.
    rank : int
        Width k of the bottleneck, from 1 to dim.
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
        Formula and mean loss over masks.

    Raises
    ------
    ValueError
        As `lemma_1`, and if the rank is not between 1 and the numbers in an image.

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((5, 12))  # fewer images than pixels
    >>> theorem_1(images, 2, 0.5, 3, rng=1).error < 1e-13
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
    rank = _checks.positive_int("rank", rank)
    model = LinearMAE(
        patch_size, mask_ratio, rank=rank, sampling=sampling, covariance="dense", center=False
    )
    matrix = model.fit(images, channel_axis=channel_axis).weight_matrix()
    formula = data.power - float(np.linalg.eigvalsh(_explained(data))[-rank:].sum())
    sides = data.compare(lambda masked: loss(data.rows, masked @ matrix))
    return Sides("Theorem 1", formula, *sides, data.n_draws, data.power)


def _gradient(rows: FloatArray, a: FloatArray, b: FloatArray) -> Callable[[FloatArray], FloatArray]:
    def gradient(masked: FloatArray) -> FloatArray:
        return -2 * masked.T @ ((rows - masked @ a @ b) @ b.T) / len(rows)

    return gradient


def _masked_second_moment(data: MaskedImages) -> FloatArray:
    """Q = π₂ S + (π₁−π₂) Blkdiag_p(S)."""
    second = data.second_moment
    return data.mix.own * second + data.mix.local * data.local(second)


def _explained(data: MaskedImages) -> FloatArray:
    cross = data.mix.mu * data.second_moment
    matrix = cross @ _inverse_times(_masked_second_moment(data), cross)
    return np.asarray((matrix + matrix.T) / 2)


def _inverse_times(second: FloatArray, right: FloatArray) -> FloatArray:
    """Q⁺ times a matrix; eigenvalues up to dim·ε times the largest of Q's diagonal are zero."""
    cutoff = len(second) * float(np.finfo(np.float64).eps) * float(second.diagonal().max())
    return np.asarray(Inverse(second[np.newaxis], cutoff).solve(right)[0])


def _matrix(name: str, value: ArrayLike, shape: tuple[int, int]) -> FloatArray:
    matrix = _checks.squarable(name, _checks.real_array(name, value).astype(np.float64))
    if matrix.shape != shape:
        raise ValueError(f"{name} has shape {matrix.shape}; {shape} is needed")
    return matrix
