"""Which images of a run are typical, steepest, flattest and odd, and how unusual each one is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.batch.analyze.summary.octave_words import SEEN_OCTAVES, wave_words
from spectral_mae.batch.analyze.summary.page_numbers import Numbers
from spectral_mae.batch.analyze.summary.rounding import significant
from spectral_mae.spectra.octaves import all_octave_names

UNUSUAL = 3.5  # robust standard deviations from the median (Iglewicz and Hoaglin 1993)
FARTHEST = 99.0  # where a distance ends, so that no image makes all others alike
TO_SIGMA = 1.4826  # standard deviation of a normal distribution over its median deviation
# Spread below which differences mean nothing, of slopes and of log10 of leakage (2.3 % of it).
# Leakage of long waves can differ by as little over all images but a few.
SMALLEST = 0.01

FEATURES = ("slope", *(f"centred_{i}" for i in SEEN_OCTAVES))


@dataclass(frozen=True)
class Chosen:
    """A row of the numbers of a run that is shown on its page.

    Attributes
    ----------
    row : int
        Its number among all analysed rows.
    role : str
        Such as "typical", or "steepest, most unusual".
    why : str
        The numbers that say so.
    """

    row: int
    role: str
    why: str


def scores(numbers: Numbers) -> FloatArray:
    """How far each row is from the median of its patch size, for each of `FEATURES`.

    Parameters
    ----------
    numbers : Numbers
        Of all images.

    Returns
    -------
    ndarray, shape (rows, features)
        In robust standard deviations, `TO_SIGMA` times the median absolute deviation and at least
        `SMALLEST`: of the slope, and of log10 of the leakage with the mean removed in each octave.
        NaN where a row lacks the feature.
    """
    found = np.full((len(numbers), len(FEATURES)), np.nan)
    for patch_size in np.unique(numbers["patch_size"]):
        rows = numbers["patch_size"] == patch_size
        for column, name in enumerate(FEATURES):
            values = numbers[name][rows]
            if name != "slope":
                values = np.where(values > 0, values, np.nan)
                values = np.log10(values)
            values = np.where(np.isfinite(values), values, np.nan)
            if np.isnan(values).all():
                continue
            away = values - np.nanmedian(values)
            spread = max(TO_SIGMA * float(np.nanmedian(np.abs(away))), SMALLEST)
            found[rows, column] = np.clip(away / spread, -FARTHEST, FARTHEST)
    return found


def unusual(found: FloatArray) -> FloatArray:
    """The largest distance of each row over its features; `FARTHEST` of one without any slope."""
    largest = np.max(np.nan_to_num(np.abs(found)), axis=1, initial=0.0)
    return np.where(np.isnan(found[:, 0]), FARTHEST, largest)


def choose(numbers: Numbers) -> list[Chosen]:
    """Up to four images, at the first patch size: typical, steepest, flattest, most unusual.

    Typical is the image with the smallest distance `unusual`, most unusual the one with the
    largest, which may be the steepest or the flattest too. Images with missing pixels are left out
    where there are others, because no masks are drawn of them.

    Parameters
    ----------
    numbers : Numbers
        Of all images.

    Returns
    -------
    list of Chosen
        Of different images, the typical one first.
    """
    return list(_chosen(numbers)) if len(numbers) else []


def _chosen(numbers: Numbers) -> Iterator[Chosen]:
    whole = numbers["missing"] == 0
    left = _rows(numbers, whole) if whole.any() else _rows(numbers, ~whole)
    found, slope = scores(numbers), numbers["slope"]
    n = len(left)
    if n == 1:
        yield Chosen(int(left[0]), "the image", f"{_slope_text(slope[left[0]])}.")
        return
    far = unusual(found)
    sloped = left[np.isfinite(slope[left])]
    order = sloped[np.argsort(slope[sloped], kind="stable")]
    ends = {int(order[0]): "steepest", int(order[-1]): "flattest"} if len(order) > 1 else {}
    inside = left if n > len(ends) + 1 else np.setdiff1d(left, list(ends))
    typical = -1
    if len(inside):
        mean = np.sqrt(np.mean(np.nan_to_num(found[inside], nan=FARTHEST) ** 2, axis=1))
        typical = int(inside[np.lexsort((mean, far[inside]))[0]])
        yield Chosen(typical, "typical", f"{_slope_text(slope[typical])}. {_typical(far[typical])}")
    odd = int(left[np.argmax(far[left])])
    what = {
        "steepest": "the least fine detail for its coarse structure",
        "flattest": "the most fine detail or noise for its coarse structure",
    }
    for row, role in ends.items():
        if row == typical:
            continue
        why = f"{_slope_text(slope[row])}: {what[role]} among {n} images."
        both = row == odd and n > 3  # of fewer, one end lies as far from the median as it must
        yield Chosen(
            row,
            f"{role}, most unusual" if both else role,
            f"{why} {reason(numbers, found, row)}" if both else why,
        )
    if odd != typical and odd not in ends:
        yield Chosen(odd, "most unusual", reason(numbers, found, odd))


def _typical(far: float) -> str:
    return (
        "No other image lies as near to the medians of slope and leakage: at most "
        f"{far:.1f} robust standard deviations from each."
    )


def reason(numbers: Numbers, found: FloatArray, row: int) -> str:
    """What is most unusual about a row, as a sentence.

    Parameters
    ----------
    numbers : Numbers
        Of all images.
    found : ndarray
        What `scores` says of them.
    row : int
        Number of the row.

    Returns
    -------
    str
        A sentence with the number, the median, and the distance.
    """
    if np.isnan(found[row, 0]):
        return "Its spectrum has no slope, as that of a constant image."
    column = int(np.argmax(np.nan_to_num(np.abs(found[row]))))
    name, distance = FEATURES[column], float(found[row, column])
    same = numbers.of_size(int(numbers["patch_size"][row]))
    shown = _slope_number if name == "slope" else significant
    value, middle = shown(float(numbers[name][row])), shown(same.median(name))
    away = f"{abs(distance):.1f} robust standard deviations"
    if name == "slope":
        how = "more slowly" if distance > 0 else "faster"
        has = "more" if distance > 0 else "less"
        return (
            f"Its spectrum falls {how} than those of the others (slope {value}, median {middle}, "
            f"{away} away): it has {has} fine detail for its coarse structure."
        )
    octave = int(name.rpartition("_")[2])
    where = f"{wave_words(octave)} ({all_octave_names()[octave]} cycles/pixel)"
    if distance > 0:
        return (
            f"It has unusually little power of its own in {where}: under masks {value} times as "
            f"much arrives there from other frequencies as is kept (median {middle}, {away} away)."
        )
    return (
        f"It has unusually much power of its own in {where}: under masks only {value} times as "
        f"much arrives there from other frequencies as is kept (median {middle}, {away} away)."
    )


def _rows(numbers: Numbers, allowed: NDArray[np.bool_]) -> NDArray[np.intp]:
    first = numbers["patch_size"][allowed][0]
    return np.flatnonzero(allowed & (numbers["patch_size"] == first))


def _slope_number(slope: float | None) -> str:
    return "–" if slope is None else f"{slope:.2f}".replace("-", "−")


def _slope_text(slope: float) -> str:
    return f"Slope {_slope_number(slope)}" if np.isfinite(slope) else "No slope"
