"""One question of an exercise, and the comparison of an answer with the right one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from spectral_mae._checks import brief

LARGEST = sys.float_info.max
# A number, several of them in order, a set of whole numbers in any order, or a word.
Answer = float | tuple[float, ...] | frozenset[int] | str


class Unreadable(ValueError):  # noqa: N818 - a verdict on an answer, not a fault of the program
    """Error for an answer that is of another kind than the question asks for."""


@dataclass(frozen=True)
class Question:
    """What an exercise asks.

    Attributes
    ----------
    right : callable
        Computes the right answer from what the lesson gives to `check`, if it gives anything.
    because : str
        Said of a right answer.
    hint : str
        Said of a wrong one.
    within : float
        Relative distance to which numbers count as right.
    why : str
        The reason of that distance, for teachers.
    mistakes : tuple of (callable, str)
        Wrong answers that are often given, computed as ``right`` is, and the hint for each.
    """

    right: Callable[..., Answer]
    because: str
    hint: str
    within: float = 0.0
    why: str = "The answer is a whole number or a word."
    mistakes: tuple[tuple[Callable[..., Answer], str], ...] = ()


def read(answer: Any, like: Answer) -> Answer:
    """Return an answer in the form of the right one.

    Parameters
    ----------
    answer : Any
        What was given: numbers and arrays of any type, lists, words, truth values.
    like : float, tuple of float, frozenset of int, or str
        The right answer.

    Returns
    -------
    float, tuple of float, frozenset of int, or str
        The answer, of the type of ``like``.

    Raises
    ------
    Unreadable
        If that cannot be; the message says what is asked for.
    """
    if isinstance(like, str):
        if isinstance(answer, bool | np.bool_):
            return "yes" if answer else "no"
        if isinstance(answer, str):
            return " ".join(answer.lower().split())
        raise Unreadable("The answer is a word, in quotation marks.")
    if isinstance(like, frozenset):
        found = _numbers(answer, "The answer is a list of whole numbers, such as [1, 2].")
        if any(not one.is_integer() for one in found):
            raise Unreadable("The answer is a list of whole numbers, such as [1, 2].")
        return frozenset(map(int, found))
    if isinstance(like, tuple):
        says = f"The answer is {len(like)} numbers, in parentheses: (first, second)."
        found = _numbers(answer, says)
        if len(found) != len(like):
            raise Unreadable(says)
        return tuple(found)
    (one,) = _numbers([answer], "The answer is one number.")
    return one


def _numbers(answer: Any, says: str) -> list[float]:
    """Real and finite numbers, or `Unreadable` with a message."""
    if isinstance(answer, np.ndarray):
        answer = answer.tolist()
    if isinstance(answer, str) or not isinstance(answer, Collection):
        raise Unreadable(says)
    found = []
    for one in answer:
        value = one.item() if isinstance(one, np.ndarray | np.generic) and one.size == 1 else one
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise Unreadable(says)
        if not -LARGEST <= value <= LARGEST:  # NaN, infinite, or an integer beyond all floats
            raise Unreadable(f"{says} {brief(value)} is no such number.")
        found.append(float(value))
    return found


def agrees(answer: Answer, right: Answer, within: float) -> bool:
    """Whether an answer that was read is the right one.

    Parameters
    ----------
    answer : float, tuple of float, frozenset of int, or str
        As `read` returns it.
    right : float, tuple of float, frozenset of int, or str
        The right answer.
    within : float
        Relative distance to which numbers count as right; as an absolute one where the right
        number is zero.

    Returns
    -------
    bool
        True if it is right.
    """
    if isinstance(right, str | frozenset):
        return answer == right
    given, wanted = np.atleast_1d(np.array(answer)), np.atleast_1d(np.array(right))
    allowed = np.maximum(within, 1e-9) * np.where(wanted == 0, 1.0, np.abs(wanted))
    return bool(np.all(np.abs(given - wanted) <= allowed))
