"""Questions of lessons 0 to 2: spectra of waves, of masks and of masked images."""

from __future__ import annotations

import numpy as np

from spectral_mae.lessons.questions.question import Question
from spectral_mae.masks.patches import PatchGrid, inclusion_probabilities
from spectral_mae.masks.pulse_mask import PulseMask
from spectral_mae.masks.pulses import dirichlet_kernel

ROUNDING = 1e-9  # below it a Fourier coefficient of a mask is zero
DIGITS = "Three digits are enough; rounding them is no mistake."


def stripes() -> tuple[float, float]:
    """Line of stripes that repeat every 6 of 96 pixels."""
    spectrum = np.abs(np.fft.rfft(np.cos(2 * np.pi * np.arange(96) / 6)))
    k = int(np.argmax(spectrum))
    return float(k), float(np.fft.rfftfreq(96)[k])


def fall() -> float:
    """How many times less power a law f^-2 has at four times the frequency."""
    return float(1.0**-2 / 4.0**-2)


def stronger_share() -> float:
    """Share of the power that the stronger of two waves of amplitudes 3 and 1 has."""
    x = np.arange(64)
    powers = [np.mean((a * np.cos(2 * np.pi * k * x / 64)) ** 2) for a, k in ((3, 2), (1, 5))]
    return float(powers[0] / sum(powers))


def zeros_of_kernel() -> frozenset[int]:
    """Zeros of the transform of a pulse of 8 in 60 pixels."""
    return frozenset(np.flatnonzero(np.abs(dirichlet_kernel(60, 8)) < ROUNDING).tolist())


def zeros_off_grid() -> float:
    """Zeros of the transform of a mask whose pulses start at 3, 14 and 40."""
    return float(np.sum(np.abs(PulseMask(64, 8, [3, 14, 40]).dft()) < ROUNDING))


def power_of_mean() -> float:
    """Share of the power of lesson 1's mask that is at frequency 0."""
    power = np.abs(PulseMask.random(PatchGrid((128, 128), 16), 0.75, rng=0).dft()) ** 2
    return float(power[0, 0] / power.sum())


def added_by_single_pixels() -> float:
    """What masks of single pixels add at each frequency, over the mean square of the image."""
    one, two = inclusion_probabilities(128 * 128, 0.75)
    return float(one - two)


def level_of_noise() -> float:
    """What masking leaves of the level of a flat spectrum."""
    return float(inclusion_probabilities(64, 0.75)[0])


def total_leakage() -> float:
    """Leaked over kept power of all frequencies, with 7 of 8 patches hidden."""
    return float(1 / inclusion_probabilities(64, 0.875)[0] - 1)


SPECTRA = {
    "0.1": Question(
        stripes,
        "As many periods as fit into the image are its k; k over the number of pixels is the "
        "frequency, one over the period.",
        "How many periods of 6 pixels fit into 96 pixels? That number is k.",
        within=0.005,
        why=DIGITS,
        mistakes=(
            (lambda: stripes()[::-1], "Both numbers are right. Give k first."),
            (
                lambda: (stripes()[0], 6.0),
                "k is right. What you give second is the period; the frequency is one over it.",
            ),
        ),
    ),
    "0.2": Question(
        fall,
        "Power f⁻² falls to a quarter with each doubling, and four times is two doublings.",
        "Put f = 1 and f = 4 into f⁻², and divide.",
        within=1e-6,
        why="The answer is a whole number.",
        mistakes=(
            (lambda: 4.0, "That would be f⁻¹. Power falls with the square of the frequency."),
            (lambda: 1 / fall(), "Right the other way round: how many times *less* is it?"),
        ),
    ),
    "0.3": Question(
        stronger_share,
        "Powers add, and each is half of the square of an amplitude.",
        "The power of a wave is half of the square of its amplitude. Add both powers.",
        within=0.005,
        why=DIGITS,
        mistakes=(
            (lambda: 0.75, "Those are shares of amplitudes. Power is proportional to the square."),
        ),
    ),
    "1.1": Question(
        zeros_of_kernel,
        "Zeros are where pk/D is a whole number and k/D is not.",
        "Where is sin(πpk/D) zero? And sin(πk/D) must not be zero at the same time.",
        mistakes=(
            (
                lambda: frozenset((8, 16, 24)),
                (
                    "These are the multiples of p = 8. A whole number of waves has to fit into the "
                    "pulse."
                ),
            ),
            (
                lambda: frozenset(range(8, 60, 8)),
                (
                    "These are the multiples of p = 8. A whole number of waves has to fit into the "
                    "pulse."
                ),
            ),
            (
                lambda: zeros_of_kernel() | {0},
                "One too many: at k = 0 the sum over the pulse is p.",
            ),
        ),
    ),
    "1.2": Question(
        zeros_off_grid,
        "R[k] is a factor of M[k] wherever the pulses start, so its zeros stay.",
        "Compute `np.abs(sm.PulseMask(64, 8, [3, 14, 40]).dft())`, and count what is below 1e-9.",
        mistakes=(
            (lambda: 0.0, "Some are zero, although the starts lie on no grid. Compute the DFT."),
            (
                lambda: 4.0,
                (
                    "You have counted k up to 32. The transform has 64 values; those beyond 32 "
                    "are the negative frequencies."
                ),
            ),
            (lambda: 8.0, "One too many: at k = 0 stands the number of visible pixels."),
        ),
    ),
    "1.3": Question(
        power_of_mean,
        "It is the visible fraction, 1 − m: |M[0]|² is the square of the number of visible pixels, "
        "and by Parseval all power is D times that number.",
        "A mask is 0 or 1, so the sum of its squares is the number of visible pixels.",
        within=0.01,
        why=DIGITS,
        mistakes=((lambda: 0.75, "That is the fraction which is hidden."),),
    ),
    "2.1": Question(
        added_by_single_pixels,
        "It is π₁ − π₂, the same at all frequencies: masking single pixels adds white noise.",
        "Subtract `two * sm.psd(image).power` from the expected power, and divide by the mean "
        "square.",
        within=0.02,
        why="π₂ differs from π₁² by less than 0.01 %, so both are right.",
        mistakes=(
            (level_of_noise, "That is π₁. Pairs of pixels are visible together, with π₂."),
            (
                lambda: level_of_noise() ** 2,
                "That is π₂, which stays in place. What is added?",
            ),
        ),
    ),
    "2.2": Question(
        level_of_noise,
        "A flat spectrum convolved with anything is flat; the level falls to π₁.",
        "Mask white noise and compute its mean power. Parseval says what that is.",
        within=0.1,
        why="A random image of 128 × 128 pixels gives its mean power to a few per cent.",
        mistakes=(
            (lambda: 1.0, "The shape stays, but three quarters of the pixels are zero now."),
            (lambda: 0.75, "That is the fraction which is hidden."),
        ),
    ),
    "2.3": Question(
        total_leakage,
        "It is 1/π₁ − 1 for every image and every patch size.",
        "By Parseval the mean power of the masked image is π₁ of the original, and π₁² of it is "
        "kept in place.",
        within=0.01,
        why=DIGITS,
        mistakes=(
            (
                lambda: total_leakage() + 1,
                "That is all power over kept power. Leaked power is all without the kept one.",
            ),
            (lambda: 3.0, "That is right for m = 0.75. Here more is hidden."),
        ),
    ),
}
