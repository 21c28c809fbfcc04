"""Questions of lessons 3, 4, 6 and 7: the best linear models, and a trained one."""

from __future__ import annotations

from typing import Any

import numpy as np

from spectral_mae.ising import chain_moments, chains
from spectral_mae.lessons.questions.question import Question
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.linear.interpolator import Interpolator
from spectral_mae.masks.patches import PatchGrid, inclusion_probabilities
from spectral_mae.masks.pulse_mask import sample_visible

DIGITS = "Three digits are enough; rounding them is no mistake."


def explained_of_noise() -> float:
    """What the best linear model explains of white noise, one of four patches hidden."""
    return float(inclusion_probabilities(4, 0.25)[0])


def both_visible() -> tuple[float, float]:
    """Probability that two patches are visible together: 2 of 4, and 32 of 64."""
    return (
        float(inclusion_probabilities(4, 0.5)[1]),
        float(inclusion_probabilities(64, 0.5)[1]),
    )


def band_of_five() -> frozenset[int]:
    """Frequencies on 64 pixels that patches of 8 cannot tell from 5."""
    return frozenset(k for k in range(64) if (k - 5) % (64 // 8) == 0)


def explained_of_chains(coupling: float = -1.5) -> float:
    """What the best linear model explains of Ising chains, half hidden in patches of 8."""
    model = LinearMAE(8, 0.5).fit_moments(chain_moments(64, coupling, 8))
    return float(1 - model.loss_ / model.trace_)


def explained_of_free_spins() -> tuple[float, float]:
    """What models of all and of hidden spins explain if spins do not interact."""
    moments = chain_moments(64, 0.0, 8)
    models = [LinearMAE(8, 0.5, target=t).fit_moments(moments) for t in ("all", "hidden")]
    everything, hidden = (float(1 - model.loss_ / model.trace_) for model in models)
    return everything, hidden


def maps_of_chains() -> tuple[float, float]:
    """What one map, and a map for each mask, explain of hidden spins."""
    moments = chain_moments(64, 1.5, 8)
    spins = chains(64, 1.5, 300, rng=0)
    visible = sample_visible(PatchGrid(64, 8), 0.5, 300, rng=0)
    one_map = LinearMAE(8, 0.5, target="hidden").fit_moments(moments)
    guesses = one_map.reconstruct(spins, visible), Interpolator(moments).fill(spins, visible).images
    first, second = (float(1 - np.mean((g - spins)[~visible] ** 2)) for g in guesses)
    return first, second


def share_of_patch_means(images: Any) -> float:
    """What the true means of patches of 4 explain of images of 32 × 32."""
    grid = PatchGrid((32, 32), 4)
    patches = grid.to_patches(np.asarray(images, float))
    means = grid.from_patches(np.repeat(patches.mean(-1, keepdims=True), 16, axis=-1))
    spread = images - images.mean(axis=0)
    return float(1 - np.sum((means - images) ** 2) / np.sum(spread**2))


def octaves_won(audited: Any) -> float:
    """Octaves in which an audited model explains more than the best linear map."""
    *octaves, _all = audited.differences["best linear map"].value
    return float(np.sum(np.array(octaves) > 0))


MODELS = {
    "3.1": Question(
        explained_of_noise,
        "Q = π₁I, so W = I: the best map copies what is visible, and that explains π₁.",
        "Put S = I into Q = π₂S + (π₁ − π₂)Blkdiag(S), then into W. What does this W do?",
        within=0.01,
        why=DIGITS,
        mistakes=(
            (lambda: 1.0, "Hidden pixels of white noise cannot be known."),
            (lambda: 0.25, "That is the fraction which is hidden."),
            (lambda: 0.5, "That is right with half of the patches hidden. Here it is one of four."),
        ),
    ),
    "3.2": Question(
        lambda: 0.0,
        "Whenever the output pixel is scored, its own patch is not visible.",
        "When a hidden pixel is scored, is its own patch visible?",
        within=1e-6,
        why="The blocks are zero but for rounding.",
    ),
    "3.3": Question(
        both_visible,
        "π₂ is π₁(K − 1)/(L − 1) with K of L patches visible; with more patches it comes near to "
        "π₁², the value for coins.",
        "Of two given patches, the first is visible with K/L. Then K − 1 of L − 1 are left.",
        within=0.01,
        why=DIGITS,
        mistakes=(
            (
                lambda: (0.25, 0.25),
                (
                    "That is π₁², as if each patch had a coin of its own. The number of visible "
                    "patches is fixed here."
                ),
            ),
        ),
    ),
    "4.1": Question(
        band_of_five,
        "They are 5 + 8j: one more turn per patch each.",
        "A wave that turns once more in each patch has D/p more turns in the whole signal.",
        mistakes=(
            (lambda: band_of_five() - {5}, "5 itself belongs to its band, too."),
            (
                lambda: frozenset(k for k in band_of_five() if k <= 32),
                "These are right, up to D/2. Frequencies of complex waves go from 0 to D − 1.",
            ),
        ),
    ),
    "4.2": Question(
        lambda: float(1 - 0.7),
        "By Parseval the errors of all frequencies add up to the expected loss, and explained is "
        "1 − loss/power.",
        "Use Parseval: the sum over frequencies is the sum over pixels.",
        within=0.01,
        why=DIGITS,
        mistakes=((lambda: 0.7, "That is the explained part. Errors are the rest."),),
    ),
    "4.3": Question(
        lambda: "banded",
        "Of few images a dense map learns much that is chance.",
        "Give the name of the one with the higher score on the lower half.",
        mistakes=(
            (
                lambda: "dense",
                "It is better on the rows that it was fitted to. Which one is on the others?",
            ),
        ),
    ),
    "6.1": Question(
        explained_of_chains,
        "Turn over every second spin and one chain becomes the other: as much is explained as with "
        "J = +1.5, and weights take the sign of the distance.",
        "Fit `sm.LinearMAE(8, 0.5)` to `sm.ising.chain_moments(64, -1.5, 8)`.",
        within=0.01,
        why=DIGITS,
        mistakes=(
            (
                lambda: -explained_of_chains(),
                "Explained power is not below zero: it is that of squares.",
            ),
        ),
    ),
    "6.2": Question(
        explained_of_free_spins,
        "Of all spins the visible half; of hidden ones nothing, for nothing is known of them.",
        "What can be known of a hidden spin that does not interact with any other?",
        within=0.01,
        why=DIGITS,
        mistakes=(
            (
                lambda: (0.5, 0.5),
                "The second model is scored on hidden spins only, and cannot copy.",
            ),
        ),
    ),
    "6.3": Question(
        maps_of_chains,
        "A map for each mask knows which spins are the nearest visible ones.",
        "Score both on the hidden spins of `chains` under `masks`, as the exercise says. Give that "
        "of the one map first.",
        within=0.02,
        why="Scores of other random chains differ by that much.",
        mistakes=(
            (lambda: maps_of_chains()[::-1], "Both numbers are right. Give that of one map first."),
        ),
    ),
    "7.1": Question(
        lambda: "model",
        "It was not trained: it explains nothing, and both linear maps do better.",
        "Compare `before.total` of the three. Which one is last?",
        mistakes=(
            (
                lambda: "best linear map",
                "It explains much: it is fitted in closed form to the images themselves.",
            ),
        ),
    ),
    "7.2": Question(
        share_of_patch_means,
        "So pictures in which hidden patches have their true means look good whatever the model "
        "is.",
        "Replace each patch by its mean. Explained is 1 − squared error / squared distance from "
        "the mean image.",
        within=0.02,
        why="Power may be counted around the mean image or around the mean of all pixels.",
    ),
    "7.3": Question(
        octaves_won,
        "Where hidden pixels cannot be guessed, a gray that adds nothing is better than a map that "
        "adds what is wrong. In all the linear map is ahead.",
        "Count the positive values of `of_gray.differences['best linear map'].value`, but not the "
        "last one, which is of all frequencies.",
    ),
}
