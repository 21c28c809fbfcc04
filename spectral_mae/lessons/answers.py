"""Answers to the exercises of the lessons, compared with the right ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spectral_mae._checks import brief
from spectral_mae.lessons.questions import QUESTIONS
from spectral_mae.lessons.questions.question import Answer, Unreadable, agrees, read

UNANSWERED = "No answer yet. Put yours in place of None, and run the cell again."


@dataclass(frozen=True)
class Verdict:
    """What `check` says of an answer; true if the answer is right.

    Attributes
    ----------
    right : bool
        Whether the answer is right.
    says : str
        The reason of a right answer, or a hint.

    Examples
    --------
    >>> verdict = Verdict(False, "Count the hidden patches again.")
    >>> verdict, bool(verdict)
    (Count the hidden patches again., False)
    """

    right: bool
    says: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return self.says


def check(question: str, answer: Any, *given: Any) -> Verdict:
    """Say whether an answer to an exercise of the lessons is right; if not, give a hint.

    The right answer is computed when this is called. It is never shown.

    Parameters
    ----------
    question : str
        Number of the lesson and of the exercise, such as "1.2".
    answer : float, sequence of float, or str
        The answer: one number, several, or a word, as the exercise asks. None is no answer yet.
        A sequence of whole numbers may have any order where the exercise asks which there are.
    *given : Any
        What the exercise is about, where it depends on it; the exercise shows the call.

    Returns
    -------
    Verdict
        True if the answer is right. As the last value of a cell it is shown as a sentence.

    Raises
    ------
    ValueError
        If there is no such question.

    Examples
    --------
    >>> check("1.1", [8, 16, 24])
    Not yet. These are the multiples of p = 8. A whole number of waves has to fit into the pulse.
    >>> bool(check("1.1", None))
    False
    """
    if not isinstance(question, str) or question not in QUESTIONS:
        raise ValueError(f"no question {brief(question)}; there are {', '.join(QUESTIONS)}")
    if answer is None or answer is Ellipsis:
        return Verdict(False, UNANSWERED)
    asked = QUESTIONS[question]
    right = asked.right(*given)
    try:
        found = read(answer, right)
    except Unreadable as error:
        return Verdict(False, f"Not yet. {error}")
    if agrees(found, right, asked.within):
        return Verdict(True, f"Right. {asked.because}")
    for wrong, hint in asked.mistakes:
        if agrees(found, wrong(*given), max(asked.within, 1e-3)):
            return Verdict(False, f"Not yet. {hint}")
    if _is_percentage(found, right, asked.within):
        return Verdict(False, "Not yet. Give a fraction, not a percentage: 40 % is 0.4.")
    return Verdict(False, f"Not yet. {asked.hint}")


def _is_percentage(answer: Answer, right: Answer, within: float) -> bool:
    if isinstance(right, str | frozenset) or np.max(right) > 1 or np.max(right) == 0:
        return False
    return agrees(answer, _hundredfold(right), within)


def _hundredfold(right: float | tuple[float, ...]) -> Answer:
    return tuple(100 * one for one in right) if isinstance(right, tuple) else 100 * right
