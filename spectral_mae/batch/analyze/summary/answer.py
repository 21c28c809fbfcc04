"""The answer of a page in sentences: masking, what a model fills in, unusual images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spectral_mae.batch.analyze.summary.choice import UNUSUAL, scores, unusual
from spectral_mae.batch.analyze.summary.filling import Explained
from spectral_mae.batch.analyze.summary.octave_words import FINE, wave_words
from spectral_mae.batch.analyze.summary.page_numbers import Numbers
from spectral_mae.batch.analyze.summary.rounding import percent, significant

NAMED = 12  # unusual images that the page names and shows


@dataclass(frozen=True)
class Answer:
    """Sentences of the answer.

    Attributes
    ----------
    masking : list of str
        What masking does to the spectra, for each patch size.
    model : list of str
        What a linear model fills in, and of which waves, for each patch size.
    unusual : str
        How many images are unusual.
    rows : list of int
        The most unusual ones, in the rows of the page's table.
    n_unusual : int
        How many there are.
    """

    masking: list[str]
    model: list[str]
    unusual: str
    rows: list[int]
    n_unusual: int


def answer(
    numbers: Numbers, explained: Mapping[int, Explained], patch_sizes: Sequence[int]
) -> Answer:
    """The answer of a run.

    Parameters
    ----------
    numbers : Numbers
        Of all images.
    explained : mapping of int to Explained
        Of a model for some patch sizes.
    patch_sizes : sequence of int
        All that were asked for.

    Returns
    -------
    Answer
    """
    sizes = [p for p in patch_sizes if len(numbers.of_size(p))]
    models = [p for p in sizes if p in explained]
    rows = most_unusual(numbers)
    return Answer(
        [_masking(p, numbers.of_size(p), first=p == sizes[0]) for p in sizes],
        [
            text
            for p in models
            for text in (explained[p].sentence(p, first=p == models[0]), explained[p].finding)
            if text
        ],
        _unusual(numbers, len(rows)),
        rows[:NAMED],
        len(rows),
    )


def most_unusual(numbers: Numbers) -> list[int]:
    """The rows of the first patch size that are unusual, the most unusual one first."""
    if len(numbers) < 5:
        return []  # of which no median says what is usual
    far = unusual(scores(numbers))
    first = numbers["patch_size"] == numbers["patch_size"][0]
    rows = np.flatnonzero(first & (far >= UNUSUAL))
    return rows[np.argsort(-far[rows], kind="stable")].tolist()


def _masking(patch_size: int, numbers: Numbers, *, first: bool) -> str:
    low, high = (100 * end for end in (numbers["mask_ratio"].min(), numbers["mask_ratio"].max()))
    hidden = f"{low:.3g} %" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g} to {high:.3g} %"
    start = f"With {patch_size}-pixel patches, {hidden} of them hidden, "
    there = [(i, m) for i in FINE if (m := numbers.median(f"centred_{i}")) is not None]
    there = [(i, m) for i, m in there if np.isfinite(m)]
    if not there:
        return f"{start}fine detail has no power that could be compared."
    if max(m for _, m in there) <= 0:
        return f"{start}masking brings nothing from other frequencies to fine detail."
    parts = _and([percent(max(m, 0) / (1 + max(m, 0))) for _, m in there])
    waves = _and([wave_words(i).removeprefix("waves of ") for i, _ in there])
    text = (
        f"{start}most of the fine detail that one sees is not the image’s: {parts} of the power "
        f"(squared strength) of waves of {waves} came from coarser and finer waves"
        if min(m for _, m in there) > 1
        else f"{start}{parts} of the power (squared strength) that one sees of waves of {waves} "
        "came from coarser and finer waves"
    )
    times = _and([significant(m) for _, m in there])
    text += f". That is {times} times as much as is kept of the image’s own waves of these lengths"
    if len(numbers) > 1:
        spreads = [_spread(numbers, i) for i, _ in there]
        text += f" (medians over the images; the middle 80 % of these have {_and(spreads)} times)"
    if not first:
        return f"{text}."
    return (
        f"{text}. The mean gray of an image is subtracted before masking, as training code does "
        "when it normalises pixels, in this part and in all that follows up to the model."
    )


def _spread(numbers: Numbers, octave: int) -> str:
    low, high = np.percentile(numbers.there(f"centred_{octave}"), (10, 90)).tolist()
    ends = significant(low), significant(high)
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def _and(texts: Sequence[str]) -> str:
    """Texts one after the other; equal ones once."""
    return " and ".join(dict.fromkeys(texts))


def _unusual(numbers: Numbers, n_unusual: int) -> str:
    first = numbers.of_size(int(numbers["patch_size"][0]))
    slopes = first.there("slope")
    if not len(slopes):
        return "The spectrum of no image has a slope: the images are constant, or too small."
    if len(first) < 5:
        return "There are too few images to say which are unusual."
    if not n_unusual:
        return "No image is unusual: all lie near the medians."
    are = "images is" if n_unusual == 1 else "images are"
    return f"{n_unusual} of {len(first)} {are} unusual"
