"""Slips of the paper, each with the shortest number that shows it.

``python docs/errata.py`` writes ``docs/errata.md``; a test runs every proof and
holds that the page says what they give.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import spectral_mae as sm
from spectral_mae import theory
from spectral_mae.masks.sampling import enumerate_kept

PAGE = Path(__file__).with_name("errata.md")
INTRODUCTION = """\
# Errors in the paper

Statements of arXiv 2508.15404 (supplementary material) that do not hold as printed, with their
corrections. The package uses the corrected forms, and its lemmas hold with them. Every entry ends
with a number that shows the error.

*This page is written by `python docs/errata.py`, and `tests/docs/test_errata.py` runs every proof.
Errors are relative L2 errors unless an entry says otherwise; 0 stands for less than 1e-12.*
"""


@dataclass(frozen=True)
class Slip:
    """One slip, and what shows it.

    Attributes
    ----------
    where, printed, corrected : str
    shown : str
        What the two numbers of ``prove`` say, with a place for each.
    prove : callable
        Two numbers: one that would be zero if the printed form held, and one that is zero because
        the corrected one does.
    """

    where: str
    printed: str
    corrected: str
    shown: str
    prove: Callable[[], tuple[float, float]]


def _error(found, truth) -> float:
    return float(np.linalg.norm(np.asarray(found) - truth) / np.linalg.norm(truth))


def _mask_transforms():
    """Of three pulses: by FFT, with the phases as printed, and with the corrected ones."""
    n, p, starts = 12, 2, np.array([0, 4, 6])
    k = np.arange(n)
    truth = np.fft.fft(sm.PulseMask(n, p, starts).visible)
    kernel = sm.dirichlet_kernel(n, p)
    sums = (np.exp(-2j * np.pi * np.outer(k, starts) / d).sum(axis=1) for d in (1, n))
    return truth, *(kernel * one for one in sums)


def mask_transform() -> tuple[float, float]:
    truth, printed, corrected = _mask_transforms()
    return _error(printed, truth), _error(corrected, truth)


def mask_magnitude() -> tuple[float, float]:
    truth, printed, corrected = map(np.abs, _mask_transforms())
    return _error(printed, truth), _error(corrected, truth)


def convolution_range() -> tuple[float, float]:
    n = 12
    rng = np.random.default_rng(0)
    x, mask = rng.random(n), sm.PulseMask(n, 2, [0, 4, 6])
    truth = np.fft.fft(x * mask.visible)
    spectrum, transform = np.fft.fft(x), mask.dft()

    def convolved(last: int):
        j = np.arange(last + 1)
        return [(spectrum[j % n] * transform[(k - j) % n]).sum() / n for k in range(n)]

    return _error(convolved(n), truth), _error(convolved(n - 1), truth)


def _problem(sampling: str = "bernoulli", m: float = 0.5):
    """Images, a map, and what all masks of four patches of two pixels make of them."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((5, 8)), rng.standard_normal((8, 8))
    masks = [(np.repeat(kept, 2), q) for kept, q in enumerate_kept(4, m, sampling=sampling)]
    return x, w, masks


def proof_of_lemma_1() -> tuple[float, float]:
    m = 0.5
    x, w, masks = _problem()
    truth = sum(q * np.trace(w.T @ (x * r).T @ (x * r) @ w) for r, q in masks)
    second = x.T @ x
    local = second * np.kron(np.eye(4), np.ones((2, 2)))
    rest = m * (1 - m) * np.trace(w.T @ local @ w)
    printed = (1 - m) ** 2 * np.trace(second) + rest
    corrected = (1 - m) ** 2 * np.trace(w.T @ second @ w) + rest
    return _error(printed, truth), _error(corrected, truth)


def distinct_eigenvalues() -> tuple[float, float]:
    # A line half-way between two eigenvectors of one eigenvalue is critical, and no eigenvector
    # of any basis that was fixed before.
    matrix = np.diag([2.0, 2.0, 1.0])
    between = np.array([[1.0, 1.0, 0.0]]) / np.sqrt(2)
    nearest = min(1 - abs(between[0, i]) for i in range(3))
    return nearest, float(np.linalg.norm(theory.subspace_gradient(between, matrix)))


def conjugate_bands() -> tuple[float, float]:
    images = np.random.default_rng(0).standard_normal((50, 15))
    shifted = np.concatenate([np.roll(images, s, axis=1) for s in range(0, 15, 3)])
    values = np.linalg.eigvalsh(theory.explained_matrix(shifted, 3, 0.5))
    # Five bands of three: one is real, the others are two conjugate pairs.
    gaps = np.sort(np.diff(values)) / values[-1]
    return float(gaps[6:].min()), float(gaps[:6].max())


def minimum_or_maximum() -> tuple[float, float]:
    x, _, _ = _problem()
    matrix = theory.explained_matrix(x, 2, 0.5)
    found = theory.lemma_2(matrix, 2, rng=0)
    losses = float(np.mean(np.sum(x**2, axis=1))) - found.definition
    best = theory.theorem_1(x, 2, 0.5, 2, n_draws=1, rng=0).formula
    smallest, largest = losses[np.argmin(found.formula)], losses[np.argmax(found.formula)]
    return _error(smallest, best), _error(largest, best)


def way_back() -> tuple[float, float]:
    rng = np.random.default_rng(0)
    phi = np.linalg.qr(rng.standard_normal((6, 6)))[0]  # rows are eigenvectors
    matrix = phi.T @ np.diag([6.0, 5.0, 4.0, 3.0, 2.0, 1.0]) @ phi
    turned = np.eye(6)[:, :2]  # critical in the coordinates of the eigenvectors
    gradient = [
        float(np.linalg.norm(theory.subspace_gradient((back @ turned).T, matrix)))
        for back in (phi, phi.T)
    ]
    return gradient[0], gradient[1]


def missing_trace() -> tuple[float, float]:
    x, w, masks = _problem()
    m, image = 0.5, x[0]
    spread = sum(q * np.sum((((image * r) - (1 - m) * image) @ w) ** 2) for r, q in masks)
    local = np.outer(image, image) * np.kron(np.eye(4), np.ones((2, 2)))
    matrix = m * (1 - m) * w.T @ local @ w  # as printed: no number
    return _error(matrix.diagonal(), np.full(8, spread)), _error(np.trace(matrix), spread)


def cross_term() -> tuple[float, float]:
    x, w, masks = _problem()
    image = x[0]
    misfit = image - 0.5 * image @ w
    terms = [(2 * misfit @ ((image * r - 0.5 * image) @ w), q) for r, q in masks]
    return max(abs(t) for t, _ in terms), abs(sum(q * t for t, q in terms))


def zeroed_frequencies() -> tuple[float, float]:
    image = sm.resize_and_crop(sm.read_image("builtin:camera"), 64).pixels
    before = sm.psd(image).power
    after = sm.expected_masked_psd(image, 8, 0.75).power
    _, pi2 = sm.inclusion_probabilities(64, 0.75)
    return float((after / before).min()), float(np.maximum(pi2 - after / before, 0).max())


def fixed_number() -> tuple[float, float]:
    x, w, masks = _problem("fixed", 0.75)
    truth = sum(q * np.mean(np.sum((x - (x * r) @ w) ** 2, axis=1)) for r, q in masks)
    printed, corrected = (
        theory.lemma_1(x, w, 2, 0.75, sampling=design, n_draws=1, rng=0).formula
        for design in ("bernoulli", "fixed")
    )
    return _error(printed, truth), _error(corrected, truth)


def small_masking() -> tuple[float, float]:
    images = np.random.default_rng(0).standard_normal((5, 8))
    gaps = [
        theory.lemma_4(np.tanh, images, 2, m, sampling="bernoulli", n_draws=1, rng=0).error
        for m in (0.99, 0.5, 0.01)
    ]
    return gaps[2], max(np.max(-np.diff(gaps)), 0.0)


SLIPS = (
    Slip(
        "Eq. 19",
        "e^(−2πi k a) in M[k], the transform of a mask",
        "e^(−2πi k a/D)",
        "Three pulses of 2 in 12 pixels: the printed form is off by {0}, the corrected one by {1}.",
        mask_transform,
    ),
    Slip(
        "Eq. 21",
        "M[k] on the left, and e^(−2πi k a) on the right",
        "|M[k]|, and e^(−2πi k a/D)",
        "The modulus of the same mask: the printed form is off by {0}, the corrected one by {1}.",
        mask_magnitude,
    ),
    Slip(
        "Eq. 18",
        "the sum of the convolution runs to D",
        "to D−1: frequency D is frequency 0 again",
        "The same mask on 12 random pixels: the printed form is off by {0}, "
        "the corrected one by {1}.",
        convolution_range,
    ),
    Slip(
        "Lemma 1, proof",
        "(1−m)² XᵀX",
        "(1−m)² BᵀAᵀ XᵀX AB: the factor AB is missing",
        "E Tr (x̃AB)ᵀ(x̃AB) over all 16 masks of four patches: the printed form is off by {0}, "
        "the corrected one by {1}.",
        proof_of_lemma_1,
    ),
    Slip(
        "Lemmas 2 and 3",
        "critical points are those spanned by eigenvectors of D, which is only symmetric",
        "so if D is positive definite with distinct eigenvalues; else every invariant subspace is "
        "critical",
        "diag(2, 2, 1) and the line (1, 1, 0): its largest cosine with an eigenvector falls short "
        "of one by {0}, and its gradient is {1}.",
        distinct_eigenvalues,
    ),
    Slip(
        "Lemmas 2 and 3",
        "eigenvalues are taken to be distinct",
        "they never are where the covariance is invariant under shifts by patches: the conjugate "
        "bands q and −q have the same eigenvalues",
        "15 pixels, patches of 3: six pairs of eigenvalues are {1} apart, all others at least {0} "
        "(of the largest).",
        conjugate_bands,
    ),
    Slip(
        "Lemmas 2 and 3 and Theorem 1",
        "minimum and maximum change sides",
        "a maximum of the trace over subspaces is a minimum of the loss",
        "Eight pixels, rank 2: loss at the least trace off the best by {0}, at the largest by {1}.",
        minimum_or_maximum,
    ),
    Slip(
        "Lemma 2, proof",
        "X̃ = ΦX as the way back from the coordinates of the eigenvectors",
        "X = ΦᵀX̃",
        "Six dimensions: gradient at the point taken back with Φ {0}, with Φᵀ {1}.",
        way_back,
    ),
    Slip(
        "Lemmas 4 and 5, proofs",
        "m(1−m) J Blkdiag(xxᵀ) Jᵀ added to a loss",
        "its trace; the other is a matrix",
        "E‖J(x̃ − (1−m)x)‖² over all 16 masks: entries of the matrix's diagonal in its place are "
        "off by {0}, the trace by {1}.",
        missing_trace,
    ),
    Slip(
        "Lemmas 4 and 5, proofs",
        "a cross term, of one sign",
        "its mean over masks is zero, so its sign does not matter",
        "All 16 masks: the term is up to {0} under one of them, its mean {1} (absolute).",
        cross_term,
    ),
    Slip(
        "Fig. 22 and its text",
        "masking zeros out frequencies",
        "it convolves: E|Y|² ≥ π₂|X|² at every frequency; only the leakage from zero frequency "
        "has zeros",
        "scikit-image's camera at 64×64 pixels, patches of 8, 75 % hidden: at least {0} of every "
        "frequency's power is left on average; that falls short of π₂ by {1}.",
        zeroed_frequencies,
    ),
    Slip(
        "Lemma 1",
        "Bernoulli masks",
        "MAE code keeps a fixed number of patches, for which π₂ is not π₁²: `theory.lemma_1` has "
        "both",
        "One of four patches kept, all 4 masks: the Bernoulli form is off by {0}, the general one "
        "by {1}.",
        fixed_number,
    ),
    Slip(
        "Lemma 4, text",
        "the approximation is good for small masking only",
        "that is Lemma 5, and for very large masking too. Lemma 4 starts from the empty image: "
        "it is best when all is hidden and worst when nothing is",
        "tanh of five random signals: at m = 0.01 Lemma 4 misses {0} of their power; from m = "
        "0.99 over 0.5 to 0.01 what it misses never falls (by more than {1}).",
        small_masking,
    ),
)


def number(value: float) -> str:
    """Two digits, and 0 for what is rounding."""
    return "0" if value < 1e-12 else f"{value:.2g}"


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for i, slip in enumerate(SLIPS, start=1):
        shown = slip.shown.format(*map(number, slip.prove()))
        parts.append(
            f"## {i}. {slip.where}\n\n"
            f"- Printed: {slip.printed}.\n- Corrected: {slip.corrected}.\n- {shown}\n"
        )
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
