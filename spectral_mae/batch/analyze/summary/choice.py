"""Which images of a run are typical, steepest, flattest and odd, and how unusual each one is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.batch.analyze.summary.page_numbers import Numbers
from spectral_mae.spectra.octaves import OCTAVES, all_octave_names

UNUSUAL = 3.5  # robust standard deviations from the median (Iglewicz and Hoaglin 1993)
FARTHEST = 99.0  # where a distance ends, so that no image makes all others alike
_TO_SIGMA = 1.4826  # standard deviation of a normal distribution over its median deviation
_SMALLEST = 0.05  # spread below which differences mean nothing: of slopes, and of log10 of leakage

FEATURES = ("slope", *(f"centred_{i}" for i in range(len(OCTAVES))))


@dataclass(frozen=True)
class Chosen:
    """A row of the numbers of a run that is shown on its page.

    Attributes
    ----------
    row : int
        Its number among all analysed rows.
    role : str
        Such as "typical".
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
        In robust standard deviations: of the slope, and of the logarithm of the leakage with the
        mean removed in each octave. NaN where a row lacks the feature.
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
            spread = max(_TO_SIGMA * float(np.nanmedian(np.abs(away))), _SMALLEST)
            found[rows, column] = np.clip(away / spread, -FARTHEST, FARTHEST)
    return found


def unusual(found: FloatArray) -> FloatArray:
    """The largest distance of each row over its features; `FARTHEST` of one without any slope."""
    largest = np.max(np.nan_to_num(np.abs(found)), axis=1, initial=0.0)
    return np.where(np.isnan(found[:, 0]), FARTHEST, largest)


def choose(numbers: Numbers) -> list[Chosen]:
    """Up to four images, at the first patch size: typical, steepest, flattest, odd.

    Images with missing pixels are left out where there are others, because no masks are drawn of
    them.

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
        yield Chosen(int(left[0]), "the image", _slope_text(slope[left[0]]))
        return
    far = unusual(found)
    sloped = left[np.isfinite(slope[left])]
    ends: list[Chosen] = []
    if len(sloped) > 1:
        order = sloped[np.argsort(slope[sloped], kind="stable")]
        for row, role, what in (
            (order[0], "steepest", "the least fine detail for its coarse structure"),
            (order[-1], "flattest", "the most fine detail or noise for its coarse structure"),
        ):
            why = f"{_slope_text(slope[row])}: {what} among {n} images"
            ends.append(Chosen(int(row), role, why))
    left = np.setdiff1d(left, [one.row for one in ends])
    if len(left):
        mean = np.sqrt(np.mean(np.nan_to_num(found[left], nan=FARTHEST) ** 2, axis=1))
        typical = int(left[np.argmin(mean)])
        why = f"{_slope_text(slope[typical])}: closest to the medians of slope and leakage together"
        yield Chosen(typical, "typical", why)
        left = left[left != typical]
    yield from ends
    if len(left):
        odd = int(left[np.argmax(far[left])])
        yield Chosen(odd, "odd", reason(numbers, found, odd))


def reason(numbers: Numbers, found: FloatArray, row: int) -> str:
    """What is most unusual about a row, in words.

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
        A clause with the number, the median, and the distance.
    """
    if np.isnan(found[row, 0]):
        return "its spectrum has no slope, as that of a constant image"
    what, value, middle, distance = _most_unusual(numbers, found, row)
    where = "above" if distance > 0 else "below"
    return (
        f"{what} is {value}, where the median is {middle} ({abs(distance):.1f} robust standard "
        f"deviations {where} it)"
    )


def shortly(numbers: Numbers, found: FloatArray, row: int) -> str:
    """What `reason` says, in few words."""
    if np.isnan(found[row, 0]):
        return "no slope"
    what, value, middle, _ = _most_unusual(numbers, found, row)
    return f"{what}: {value}, median {middle}"


def _most_unusual(numbers: Numbers, found: FloatArray, row: int) -> tuple[str, str, str, float]:
    """The feature that is most unusual about a row: its name, value, median, and distance."""
    column = int(np.argmax(np.nan_to_num(np.abs(found[row]))))
    name = FEATURES[column]
    same = numbers.of_size(int(numbers["patch_size"][row]))
    what = "slope" if name == "slope" else f"leakage {_octave(name)} cycles/pixel"
    value, middle = _short(float(numbers[name][row])), _short(same.median(name))
    return what, value, middle, float(found[row, column])


def _rows(numbers: Numbers, allowed: NDArray[np.bool_]) -> NDArray[np.intp]:
    first = numbers["patch_size"][allowed][0]
    return np.flatnonzero(allowed & (numbers["patch_size"] == first))


def _octave(feature: str) -> str:
    name = all_octave_names()[int(feature.rpartition("_")[2])]
    return name if name.startswith(("below", "from")) else f"at {name}"


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}".replace("-", "−")


def _slope_text(slope: float) -> str:
    return f"slope {slope:.2f}".replace("-", "−") if np.isfinite(slope) else "no slope"
