"""The paper's lemmas, checked on crops of a given image."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from spectral_mae import theory
from spectral_mae._checks import FloatArray, Sampling
from spectral_mae.images.samples import ImageRefused
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.masked_spectra.verification import SAMPLINGS, Check
from spectral_mae.theory import TanhNetwork

COUNTS = (2, 3)  # patches of a crop: 64 masks in all
PATCH = 3  # pixels along each axis
CROPS = 40  # fewer than the 54 pixels of a crop: second moments are singular
RANK = 2
DRAWN = 400
EXACT = 1e-11
SEARCHED = 1e-6  # what a search by gradients comes near
STRENGTHS = (0.02, 0.01)  # of the nonlinearity: small, so that its leading order shows
SIGMAS = 6.0


def verify_lemmas(
    pixels: FloatArray, mask_ratio: float, *, rng: Generator, where: str = ""
) -> list[Check]:
    """Check Lemmas 1-6, Eqs. 13-14 and Theorem 1 on random crops of one gray image.

    Parameters
    ----------
    pixels : ndarray of float64, shape (H, W)
        Gray values.
    mask_ratio : float
        Fraction of patches hidden. It is clipped so that between one and four of the six patches of
        a crop are hidden.
    rng : numpy.random.Generator
        Generator of the crops, maps and masks.
    where : str
        Name of the image, for the result.

    Returns
    -------
    list of Check
        For each lemma and kind of sampling, the distance of the formula from the mean over all
        masks. For each lemma, also the largest distance from drawn masks, in standard errors. For
        Lemmas 4 and 5, also the power with which their error grows with the nonlinearity.

    Raises
    ------
    ImageRefused
        If the image is smaller than a crop, or all its pixels are equal.
    """
    crops = _crops(pixels, rng)
    n_patches = math.prod(COUNTS)
    # Two patches kept where they can be: with one, π₂ would go unchecked.
    ratio = min(max(mask_ratio, 1 / n_patches), 1 - 2 / n_patches)
    found = [check for design in SAMPLINGS for check in _Lemmas(crops, ratio, design, rng).checks()]
    return [Check(c.equation, c.statement, "float64", c.error, c.bound, where) for c in found]


@dataclass(frozen=True)
class _Row:
    equation: str
    statement: str
    error: float
    bound: float


class _Lemmas:
    """All lemmas for one design of masks."""

    def __init__(
        self, crops: FloatArray, mask_ratio: float, sampling: Sampling, rng: Generator
    ) -> None:
        self._crops = crops
        self._rng = rng
        self._design: Sampling = sampling
        self._masks: tuple[int, float] = (PATCH, mask_ratio)
        self._options: dict[str, Any] = {"sampling": sampling, "n_draws": DRAWN, "rng": rng}

    def checks(self) -> Iterator[_Row]:
        """Every lemma against all masks, and against drawn ones."""
        crops, masks, options, rng = self._crops, self._masks, self._options, self._rng
        dim = crops[0].size
        weights = rng.standard_normal((dim, dim)) / math.sqrt(dim)
        a, b = rng.standard_normal((dim, RANK)), rng.standard_normal((RANK, dim))

        def linear(images: FloatArray) -> FloatArray:
            return (0.1 + images.reshape(-1, dim) @ weights).reshape(images.shape)

        sides = [
            theory.lemma_1(crops, weights, *masks, **options),
            theory.equation_13(crops, a, b, *masks, **options),
            theory.equation_14(crops, b, *masks, **options)[1],
            theory.theorem_1(crops, *masks, rank=RANK, **options),
            theory.lemma_4(linear, crops, *masks, **options),
            theory.lemma_5(linear, crops, *masks, **options),
            theory.lemma_6(linear, crops, *masks, **options),
        ]
        yield from self._subspaces()
        for one in sides:
            yield self._row(one.name, STATEMENTS[one.name], one.error, EXACT)
        for one in sides:
            text = "drawn masks, in standard errors"
            yield self._row(one.name, text, one.sigmas, SIGMAS)
        yield from self._orders()

    def _subspaces(self) -> Iterator[_Row]:
        matrix = theory.explained_matrix(self._crops, *self._masks, sampling=self._design)
        critical = theory.lemma_2(matrix, RANK, rng=self._rng)
        yield self._row("Lemma 2", STATEMENTS["Lemma 2"], critical.error, EXACT)
        best = theory.lemma_3(matrix, RANK, rng=self._rng)
        yield self._row("Lemma 3", STATEMENTS["Lemma 3"], best.error, SEARCHED)

    def _orders(self) -> Iterator[_Row]:
        """What Lemmas 4 and 5 leave out of tanh(s·code)/s falls with s²."""
        model = LinearMAE(
            *self._masks,
            rank=RANK,
            sampling=self._design,
            covariance="dense",
            center=False,
        ).fit(self._crops)
        encoder = model.encoder()
        code = np.tensordot(self._crops, encoder, axes=(range(1, encoder.ndim),) * 2)
        encoder = encoder / np.abs(code).max()
        for lemma in (theory.lemma_4, theory.lemma_5):
            gaps = []
            for strength in STRENGTHS:
                network = TanhNetwork(encoder, model.decoder(), strength)
                sides = lemma(
                    network, self._crops, *self._masks, jacobian=network.jacobian, **self._options
                )
                gaps.append(abs(float(sides.difference)))
            order = math.log2(gaps[0] / gaps[1])
            text = "what it leaves out grows with the nonlinearity squared: |power − 2|"
            yield self._row(sides.name, text, abs(order - 2), 0.02)

    def _row(self, equation: str, statement: str, error: float, bound: float) -> _Row:
        return _Row(equation, f"{statement} ({self._design})", error, bound)


STATEMENTS = {
    "Lemma 1": "expected loss of a linear map against all masks",
    "Eq. 13": "gradient with respect to the encoder against all masks",
    "Eq. 14": "that gradient is zero at the best encoder, all masks",
    "Lemma 2": "value and gradient at every pair of eigenvectors",
    "Lemma 3": "the top eigenvectors against the best that gradient ascent finds",
    "Theorem 1": "loss of the best map through a bottleneck against all masks",
    "Lemma 4": "exact where the model is linear but for a constant",
    "Lemma 5": "exact where the model is linear but for a constant",
    "Lemma 6": "misfit plus spread against all masks, linear model",
}


def _crops(pixels: FloatArray, rng: Generator) -> FloatArray:
    """Random crops, shape (CROPS, 6, 9)."""
    shape = tuple(count * PATCH for count in COUNTS)
    if any(n < size for n, size in zip(pixels.shape, shape, strict=True)):
        raise ImageRefused(f"too small for crops of {shape[0]}x{shape[1]}: {pixels.shape}")
    room = np.subtract(pixels.shape, shape) + 1
    corners = rng.integers(0, room, (CROPS, 2)).tolist()
    crops = np.stack([pixels[i : i + shape[0], j : j + shape[1]] for i, j in corners])
    if float(np.ptp(crops)) == 0:
        raise ImageRefused("the same everywhere: its lemmas say nothing")
    return crops
