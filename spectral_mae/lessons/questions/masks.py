"""Questions of lessons 5 and 8: spectra behind masks, and designs of masks."""

from __future__ import annotations

import numpy as np

from spectral_mae.lessons.questions.question import Question
from spectral_mae.masked_spectra.coupling import mode_coupling
from spectral_mae.masks import designs
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulse_mask import sample_visible

GRID = PatchGrid((64, 64), 4)  # of lesson 5
DIGITS = "Three digits are enough; rounding them is no mistake."


def unseen_lags() -> tuple[float, float]:
    """Lags that no pair of visible pixels has, under one mask and under ten."""
    visible = sample_visible(GRID, 0.98, 10, rng=0).astype(float)
    pairs = np.abs(np.fft.fft2(visible)) ** 2
    alone, all_together = (
        np.rint(np.fft.ifft2(power).real) < 1 for power in (pairs[0], pairs.sum(axis=0))
    )
    return float(alone.sum()), float(all_together.sum())


def condition_number() -> float:
    """Condition number of the masking matrix of one mask that hides three quarters."""
    return float(mode_coupling(sample_visible(GRID, 0.75, 1, rng=0)[0]).condition_number)


def jepa() -> tuple[float, float]:
    """Patches that I-JEPA's masks never show, and how often they show one of the middle."""
    inclusion = designs.multi_block(PatchGrid((224, 224), 16)).inclusion
    return float(np.sum(inclusion < 1e-12)), float(inclusion[7, 7])


MASKS = {
    "5.1": Question(
        lambda: 1.0,
        "A flat spectrum convolved with the spectrum of a mask is flat, and the level was divided "
        "by the visible share.",
        "White noise has power 1 at all frequencies. What is a flat line convolved with anything?",
        within=0.05,
        why="The mean of 200 random fields has that much scatter in the rings of few frequencies.",
        mistakes=(
            (
                lambda: 0.25,
                "That is the power of the masked image. `naive` divides by the visible share.",
            ),
        ),
    ),
    "5.2": Question(
        unseen_lags,
        "The lags of ten masks fill each other's gaps.",
        "Give `n_unseen` of `sm.unmasked_psd(fields[0], few[0])`, then of all ten masks in `few`.",
        mistakes=(
            (lambda: unseen_lags()[::-1], "Both numbers are right. Give that of one mask first."),
        ),
    ),
    "5.3": Question(
        condition_number,
        "It is the share of pairs seen at the best lag over that at the worst.",
        "Ask `sm.mode_coupling(...)` of the mask with rng=0 for its `condition_number`.",
        within=0.02,
        why=DIGITS,
        mistakes=(
            (lambda: 1 / condition_number(), "That is its inverse: the number is at least 1."),
        ),
    ),
    "8.1": Question(
        lambda: "a block inside",
        "Its π₁ differs from patch to patch, so how much power is visible depends on the image.",
        "The total is 1/π₁ − 1 if π₁ is the same for all patches. For which design is it not?",
        mistakes=(
            (
                lambda: "a block",
                (
                    "This one is rolled over the borders, so each patch is visible in a quarter of "
                    "the masks."
                ),
            ),
        ),
    ),
    "8.2": Question(
        lambda: "no",
        "It sees only ρ, the mean over places of how often two patches at an offset are visible "
        "together, and both designs have the same.",
        "Compare `pair_inclusion` of both designs, and what the best model of each explains.",
    ),
    "8.3": Question(
        jepa,
        "The code of I-JEPA never draws the last position, so the last row and the last column "
        "are not shown; and one of the middle is visible only if all four targets miss it.",
        "Count the zeros of `jepa.inclusion`, and read `jepa.inclusion[7, 7]`.",
        within=0.03,
        why="One patch more in the count is 4 %; two digits of the probability will do.",
        mistakes=(
            (
                lambda: (jepa()[0] + 1, jepa()[1]),
                "The corner belongs to both the last row and the last column: count it once.",
            ),
            (lambda: (14.0, jepa()[1]), "The last row has 14 patches. What of the last column?"),
        ),
    ),
}
