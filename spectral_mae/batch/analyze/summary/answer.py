"""The answer of a page in sentences: masking, unusual images, what a model fills in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spectral_mae.batch.analyze.summary.choice import UNUSUAL, scores, shortly, unusual
from spectral_mae.batch.analyze.summary.page_numbers import Numbers
from spectral_mae.spectra.octaves import OCTAVES

UPPER = tuple(i for i, (low, _) in enumerate(OCTAVES) if low >= 0.125)  # octaves of fine detail
NAMED = 5  # unusual images that the answer names


@dataclass(frozen=True)
class Explained:
    """What the best linear masked autoencoder explains of the images.

    Attributes
    ----------
    all : float
        Fraction of the power of all pixels about the mean.
    visible : float
        What copying the visible pixels explains of all: the fraction of patches that is kept.
    hidden : float or None
        Fraction of that of hidden pixels, of the model that is best on these; None where it has no
        closed form.
    """

    all: float
    visible: float
    hidden: float | None


@dataclass(frozen=True)
class Answer:
    """Sentences of the answer.

    Attributes
    ----------
    masking : list of str
        What masking does to the spectra, for each patch size.
    unusual : str
        Which images are unusual.
    model : list of str
        What a linear model fills in, for each patch size.
    """

    masking: list[str]
    unusual: str
    model: list[str]


def answer(
    numbers: Numbers,
    names: Mapping[int, str],
    explained: Mapping[int, Explained],
    patch_sizes: Sequence[int],
) -> Answer:
    """The answer of a run.

    Parameters
    ----------
    numbers : Numbers
        Of all images.
    names : mapping of int to str
        Names of the most unusual rows, as `most_unusual` lists them.
    explained : mapping of int to Explained
        Of a model for some patch sizes.
    patch_sizes : sequence of int
        All that were asked for.

    Returns
    -------
    Answer
    """
    sizes = [p for p in patch_sizes if len(numbers.of_size(p))]
    models = [_model(p, explained[p]) for p in sizes if p in explained]
    return Answer(
        [_masking(p, numbers.of_size(p)) for p in sizes], _unusual(numbers, names), models
    )


def most_unusual(numbers: Numbers) -> list[int]:
    """The rows of the first patch size that are unusual, the most unusual one first."""
    if len(numbers) < 5:
        return []  # of which no median says what is usual
    far = unusual(scores(numbers))
    first = numbers["patch_size"] == numbers["patch_size"][0]
    rows = np.flatnonzero(first & (far >= UNUSUAL))
    return rows[np.argsort(-far[rows], kind="stable")].tolist()


def _masking(patch_size: int, numbers: Numbers) -> str:
    low, high = (100 * end for end in (numbers["mask_ratio"].min(), numbers["mask_ratio"].max()))
    hidden = f"{low:.3g} %" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g} to {high:.3g} %"
    start = f"With {patch_size}-pixel patches, {hidden} of them hidden, "
    medians = [numbers.median(f"centred_{i}") for i in UPPER]
    there = [m for m in medians if m is not None and np.isfinite(m)]
    if not there:
        return f"{start}fine detail has no power that could be compared."
    least, most = min(there), max(there)
    if most <= 0:
        return f"{start}masking brings no power from other frequencies to fine detail."
    times = _range(least, most)
    share_low, share_high = (100 * max(x, 0) / (1 + max(x, 0)) for x in (least, most))
    share = f"{share_low:.0f}"
    if f"{share_high:.0f}" != share:
        share += f" to {share_high:.0f}"
    return (
        f"{start}{times} times as much power arrives at fine detail (frequencies from 1/8 "
        f"cycle/pixel up) from other frequencies as is kept of the image there: {share} % of the "
        "power that one sees there in a masked image came from elsewhere."
    )


def _range(low: float, high: float) -> str:
    first, last = (f"{x:.2g}" if abs(x) < 100 else f"{x:,.0f}" for x in (low, high))
    return first if first == last else f"{first} to {last}"


def _unusual(numbers: Numbers, names: Mapping[int, str]) -> str:
    first = numbers.of_size(int(numbers["patch_size"][0]))
    slopes = first.there("slope")
    if not len(slopes):
        return "The spectrum of no image has a slope: the images are constant, or too small."
    text = f"Power falls with frequency with a slope of {np.median(slopes):.2f}"
    if len(slopes) > 1:
        text += f" (median; {slopes.min():.2f} to {slopes.max():.2f})"
    text = text.replace("-", "−")
    if len(first) < 5:
        return f"{text}. There are too few images to say which are unusual."
    rows = most_unusual(numbers)
    if not rows:
        return f"{text}. No image is unusual: all lie near the medians."
    found = scores(numbers)
    listed = [
        f"{names[row]} ({shortly(numbers, found, row)})" for row in rows[:NAMED] if row in names
    ]
    more = f" and {len(rows) - len(listed)} more" if len(rows) > len(listed) else ""
    are = "images is" if len(rows) == 1 else "images are"
    return f"{text}. {len(rows)} of {len(first)} {are} unusual: {'; '.join(listed)}{more}."


def _model(patch_size: int, found: Explained) -> str:
    text = (
        f"From what is visible of {patch_size}-pixel patches, the best linear masked autoencoder "
        f"recovers {100 * found.all:.0f} % of all power about the mean (copying what is visible "
        f"recovers {100 * found.visible:.0f} %)"
    )
    if found.hidden is not None:
        text += f", and {100 * found.hidden:.0f} % of that of hidden pixels"
    return f"{text}."
