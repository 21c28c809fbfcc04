"""Centred kernel alignment (CKA), the similarity of two layers on a set of images."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.nonlinear.arrays import UInt8Array, eight_bit, real_numbers
from spectral_mae.nonlinear.training import to_tensor
from spectral_mae.nonlinear.vit import MaskedAutoencoder

Features: TypeAlias = ArrayLike | torch.Tensor

SIDES = ("first", "second")
LEAST = 4  # images for which the unbiased estimate exists


def unbiased_hsic(features: Features, others: Features) -> float:
    """The unbiased estimate of HSIC with linear kernels (Song et al. 2012).

        ⟨K̃, L̃⟩/(n(n−3)),

    with K = XXᵀ and K̃ its U-centred form: its diagonal is zero, and K̃_ij = K_ij − Σ_l K_il/(n−2)
    − Σ_l K_lj/(n−2) + Σ_lm K_lm/((n−1)(n−2)).

    HSIC is the Hilbert-Schmidt independence criterion. For features with themselves it is a sum of
    squares, never negative. For two different sets the estimate is negative where they are by
    chance less alike than independent features are on average.

    Parameters
    ----------
    features : array_like, shape (n, any)
        Features of n images, n ≥ 4.
    others : array_like, shape (n, any)
        Other features of the same images.

    Returns
    -------
    float
        The estimate, in the squared units of both features.

    Raises
    ------
    ValueError
        If n < 4, where it is not defined; if the numbers of images differ; if features are NaN or
        infinite, or so large that their products are.

    Examples
    --------
    >>> round(unbiased_hsic([[0.0], [1], [2], [4]], [[0.0], [2], [4], [8]]), 3)
    18.667
    """
    one, other = _u_centred("features", features), _u_centred("others", others)
    n = len(one)
    if len(other) != n:
        raise ValueError(f"features of {n} images and of {len(other)}")
    with np.errstate(over="ignore", invalid="ignore"):
        found = float(np.sum(one * other)) / (n * (n - 3))
    if not math.isfinite(found):
        raise ValueError(f"features of {n} images are too large: HSIC is {found}")
    return found


def minibatch_cka(batches: Iterable[tuple[Sequence[Features], Sequence[Features]]]) -> FloatArray:
    """CKA between layers of two networks, over minibatches (Nguyen et al. 2021).

        Σ HSIC(K, L) / √(Σ HSIC(K, K) Σ HSIC(L, L)),

    with sums over batches of the unbiased estimate, whose mean does not depend on the size of the
    batches. CKA is centred kernel alignment: from −1 to 1, and 1 for a layer with itself. Small
    negative values arise by chance and are kept, because cutting them off would bias averages.

    Parameters
    ----------
    batches : iterable of (sequence of array_like, sequence of array_like)
        For each batch, the features of the layers of both networks for the same images, each of
        shape (n, any).

    Returns
    -------
    ndarray, shape (layers, layers)
        CKA, layers of the first network in rows.

    Raises
    ------
    ValueError
        If a batch has fewer than four images, or there is no batch; if layers differ in number,
        hold NaN or infinite numbers, or do not vary. No NaN is returned.

    Examples
    --------
    >>> layer = np.random.default_rng(0).standard_normal((10, 3))
    >>> minibatch_cka([([layer], [2 * layer, -layer])]).round(6)  # CKA sees no scale and no sign
    array([[1., 1.]])
    """
    cross: FloatArray | None = None
    own: list[FloatArray] = []
    for first, second in batches:
        sides = [
            [_u_centred(f"layer {i} of the {side} network", x) for i, x in enumerate(layers)]
            for side, layers in zip(SIDES, (first, second), strict=True)
        ]
        if not all(sides):
            raise ValueError(f"networks of {len(sides[0])} and {len(sides[1])} layers")
        n = len(sides[0][0])
        if any(len(k) != n for side in sides for k in side):
            raise ValueError("the layers of a batch are of unequal numbers of images")
        rows, columns = (
            np.stack([k.ravel() for k in side]) / np.sqrt(n * (n - 3)) for side in sides
        )
        with np.errstate(over="ignore", invalid="ignore"):
            found = [rows @ columns.T, np.sum(rows**2, axis=1), np.sum(columns**2, axis=1)]
        if cross is None:
            cross, *own = found
        elif cross.shape != found[0].shape:
            raise ValueError(f"a batch of {found[0].shape} layers after one of {cross.shape}")
        else:
            cross += found[0]
            own = [a + b for a, b in zip(own, found[1:], strict=True)]
    if cross is None:
        raise ValueError("no batches")
    for side, sizes in zip(SIDES, own, strict=True):
        for place, size in enumerate(sizes):
            if not 0 < size < np.inf:
                what = "does not vary over the images" if size == 0 else "is too large: HSIC is inf"
                raise ValueError(f"layer {place} of the {side} network {what}")
    return cross / np.sqrt(np.outer(*own))


def layer_similarity(
    first: MaskedAutoencoder,
    second: MaskedAutoencoder,
    pixels: UInt8Array,
    *,
    batch: int = 64,
) -> FloatArray:
    """CKA between the encoder layers of two models, over all tokens of whole images.

    A last batch of fewer than four images is left out.

    Parameters
    ----------
    first : MaskedAutoencoder
        The model whose layers are the rows.
    second : MaskedAutoencoder
        The model whose layers are the columns.
    pixels : ndarray of uint8, shape (n, H, W, channels)
        Images that fit both models.
    batch : int
        Images in a batch, at least 4.

    Returns
    -------
    ndarray, shape (1 + depth of first, 1 + depth of second)
        CKA; embeddings are the first row and column.

    Raises
    ------
    ValueError
        As `minibatch_cka`, or if the images do not fit both models.

    Examples
    --------
    >>> from spectral_mae.nonlinear import MAEConfig
    >>> config = MAEConfig((8, 8), 4, channels=1, width=8, depth=2, decoder_depth=1)
    >>> model = MaskedAutoencoder(config)
    >>> pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1), dtype=np.uint8)
    >>> layer_similarity(model, model, pixels).diagonal().round(6)
    array([1., 1., 1.])
    """
    _checks.integer(
        "batch", batch, least=LEAST, why=f"HSIC is not defined for less than {LEAST} images"
    )
    if len(pixels) < LEAST:
        raise ValueError(f"{len(pixels)} images are less than {LEAST}, where HSIC is not defined")
    for model in (first, second):
        eight_bit(pixels, model)

    def layers(model: MaskedAutoencoder, part: UInt8Array) -> list[FloatArray]:
        with torch.no_grad():
            states = model.hidden_states(to_tensor(part).to(model.pixel_mean))
        return [state.flatten(1).double().cpu().numpy() for state in states]

    parts = [pixels[i : i + batch] for i in range(0, len(pixels), batch)]
    return minibatch_cka((layers(first, p), layers(second, p)) for p in parts if len(p) >= LEAST)


def _u_centred(name: str, values: Features) -> FloatArray:
    x = real_numbers(name, values)
    n = len(x) if x.ndim else 1
    if n < LEAST:
        raise ValueError(f"{n} images: the unbiased estimate of HSIC needs at least {LEAST}")
    x = x.reshape(n, -1)
    x = x - x.mean(0)  # changes nothing but rounding
    with np.errstate(over="ignore", invalid="ignore"):
        kernel = x @ x.T
    scale = float(np.abs(kernel).max())
    if not math.isfinite(scale):
        raise ValueError(f"{name} is too large: products of its numbers are not finite")
    np.fill_diagonal(kernel, 0.0)
    rows = kernel.sum(1) / (n - 2)
    kernel += rows.sum() / (n - 1) - rows[:, np.newaxis] - rows
    np.fill_diagonal(kernel, 0.0)
    kernel[np.abs(kernel) <= 1e-13 * scale] = 0.0  # rounding is no variation
    return kernel
