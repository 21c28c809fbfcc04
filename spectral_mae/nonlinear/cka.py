"""Centred kernel alignment: how alike two layers see a set of images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.nonlinear.data import UInt8Array
from spectral_mae.nonlinear.training import to_tensor
from spectral_mae.nonlinear.vit import MaskedAutoencoder

LEAST = 4  # images for which the unbiased estimate exists


def unbiased_hsic(features: ArrayLike, others: ArrayLike) -> float:
    """The unbiased estimate of HSIC with linear kernels (Song et al. 2012).

    ⟨K̃, L̃⟩/(n(n−3)), with K = XXᵀ and K̃ its U-centred form: its diagonal zero, and
    K̃_ij = K_ij − Σ_l K_il/(n−2) − Σ_l K_lj/(n−2) + Σ_lm K_lm/((n−1)(n−2)).

    Of features with themselves it is a sum of squares, and so never negative; of others it is
    negative where chance has them less alike than independent ones are on average.

    Parameters
    ----------
    features, others : array_like, shape (n, any)

    Raises
    ------
    ValueError
        If n < 4, where it is not defined, or the numbers of images differ.

    Examples
    --------
    >>> round(unbiased_hsic([[0.0], [1], [2], [4]], [[0.0], [2], [4], [8]]), 3)
    18.667
    """
    one, other = _u_centred(features), _u_centred(others)
    n = len(one)
    if len(other) != n:
        raise ValueError(f"features of {n} images and of {len(other)}")
    return float(np.sum(one * other)) / (n * (n - 3))


def minibatch_cka(batches: Iterable[tuple[Sequence[ArrayLike], Sequence[ArrayLike]]]) -> FloatArray:
    """CKA between layers of two networks, over minibatches (Nguyen et al. 2021).

    Σ HSIC(K, L) / √(Σ HSIC(K, K) Σ HSIC(L, L)), sums over batches of the unbiased estimate, which
    does not depend on the size of batches on average. From −1 to 1, and 1 for a layer with itself.
    Small negative values are chance and are kept: cutting them off would bias averages.

    Parameters
    ----------
    batches : iterable of (layers, layers)
        Features of the same images in either network, each (n, any).

    Returns
    -------
    ndarray, shape (layers, layers)

    Raises
    ------
    ValueError
        If a batch has fewer than four images, there is none, or a layer does not vary: there is
        nothing to align then. No NaN is returned.
    """
    cross: FloatArray | None = None
    own: list[FloatArray] = []
    for first, second in batches:
        sides = [[_u_centred(layer) for layer in layers] for layers in (first, second)]
        n = len(sides[0][0])
        if any(len(k) != n for side in sides for k in side):
            raise ValueError("the layers of a batch are of unequal numbers of images")
        rows, columns = (
            np.stack([k.ravel() for k in side]) / np.sqrt(n * (n - 3)) for side in sides
        )
        found = [rows @ columns.T, np.sum(rows**2, axis=1), np.sum(columns**2, axis=1)]
        if cross is None:
            cross, *own = found
        else:
            cross += found[0]
            own = [a + b for a, b in zip(own, found[1:], strict=True)]
    if cross is None:
        raise ValueError("no batches")
    for side, sizes in zip(("first", "second"), own, strict=True):
        if not (sizes > 0).all():
            place = int(np.argmin(sizes))
            raise ValueError(f"layer {place} of the {side} network does not vary over the images")
    return cross / np.sqrt(np.outer(*own))


def layer_similarity(
    first: MaskedAutoencoder,
    second: MaskedAutoencoder,
    pixels: UInt8Array,
    *,
    batch: int = 64,
) -> FloatArray:
    """CKA between the encoder layers of two models, whole images in, all tokens of a layer.

    A last batch of fewer than four images is left out.

    Returns
    -------
    ndarray, shape (1 + depth of first, 1 + depth of second)
        Embeddings first.
    """
    _checks.integer(
        "batch", batch, least=LEAST, why=f"HSIC is not defined for less than {LEAST} images"
    )

    def layers(model: MaskedAutoencoder, part: UInt8Array) -> list[FloatArray]:
        with torch.no_grad():
            states = model.hidden_states(to_tensor(part).to(model.pixel_mean))
        return [state.flatten(1).double().cpu().numpy() for state in states]

    parts = [pixels[i : i + batch] for i in range(0, len(pixels), batch)]
    return minibatch_cka((layers(first, p), layers(second, p)) for p in parts if len(p) >= LEAST)


def _u_centred(features: ArrayLike) -> FloatArray:
    x = np.asarray(features, dtype=np.float64)
    n = len(x)
    if n < LEAST:
        raise ValueError(f"{n} images: the unbiased estimate of HSIC needs at least {LEAST}")
    x = x.reshape(n, -1)
    x = x - x.mean(0)  # changes nothing but rounding
    kernel = x @ x.T
    scale = float(np.abs(kernel).max())
    np.fill_diagonal(kernel, 0.0)
    rows = kernel.sum(1) / (n - 2)
    kernel += rows.sum() / (n - 1) - rows[:, np.newaxis] - rows
    np.fill_diagonal(kernel, 0.0)
    kernel[np.abs(kernel) <= 1e-13 * scale] = 0.0  # rounding is no variation
    return kernel
